"""The format of a file by its name, and writing it whole or not at all; imports errors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

from derive.errors import DeriveError


def by_suffix(path: str, forms: Mapping[str, str]) -> str:
    """The format that the name of a file asks for; forms: by suffix. Raises DeriveError where there is none."""
    found = forms.get(os.path.splitext(path)[1].lower())
    if found is None:
        raise DeriveError(f"cannot tell the format of {path!r}; its name must end in {', '.join(forms)}")
    return found


def replace(path: str, content: bytes) -> None:
    """Put a file in place once its content is safely on disk; whatever goes wrong leaves the old one as it was.

    A link goes on pointing where it does. What is no file, such as /dev/null or a pipe, is written to, not replaced.
    Raises DeriveError where it cannot be written.
    """
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            with open(path, "wb") as stream:
                stream.write(content)
        else:
            _exchange(os.path.realpath(path), content)
    except OSError as problem:
        raise DeriveError(f"cannot write {path}: {problem.strerror or problem}") from problem


def _exchange(path: str, content: bytes) -> None:
    # two writers, even on two machines that share the folder, have a file each, and the last one to end wins
    beside = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.part"
    try:
        with open(beside, "xb") as stream:
            if os.path.exists(path):
                open(path, "ab").close()  # a file that is write-protected stays
                os.chmod(beside, os.stat(path).st_mode & 0o777)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, path)
    finally:
        with suppress(OSError):  # it is gone where all went well
            os.unlink(beside)
