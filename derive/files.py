"""Writing a file whole or not at all; imports errors."""

from __future__ import annotations

import os

from derive.errors import DeriveError


def replace(path: str, content: bytes) -> None:
    """Put a file in place once its content is safely on disk; whatever goes wrong leaves the old one as it was.

    Raises DeriveError where the folder cannot be written.
    """
    beside = f"{path}.{os.getpid()}.part"
    try:
        with open(beside, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, path)
    except OSError as problem:
        if os.path.exists(beside):
            os.unlink(beside)
        raise DeriveError(f"cannot write {path}: {problem.strerror or problem}") from problem
