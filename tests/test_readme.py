"""The README shows real output: every console block is run and compared.

``python tests/test_readme.py`` writes the present output into the blocks.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"(?m)^```console\n\$ (?P<command>.*)\n(?P<output>(?:.*\n)*?)```$")
ENVIRONMENT = {**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}


def output(command: str) -> str:
    """What the derive command at the end of a console line prints, in 80 columns."""
    words = shlex.split(command.rpartition("&& ")[2])
    assert words[0] == "derive"
    run = subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, encoding="utf-8", cwd=ROOT, env=ENVIRONMENT, check=False
    )
    assert run.returncode in (0, 1) and not run.stderr, run.stderr  # 1: what derive check finds wrong
    return "\n".join(line.rstrip() for line in run.stdout.splitlines()) + "\n"


BLOCKS = [match.groupdict() for match in BLOCK.finditer(README.read_text(encoding="utf-8"))]


def test_there_are_blocks() -> None:
    assert len(BLOCKS) >= 5
    assert BLOCKS[0]["command"].startswith("pip install . && derive ")


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block["command"])
def test_console_block_is_what_the_command_prints(block: dict[str, str]) -> None:
    assert block["output"] == output(block["command"])


def test_python_session_is_what_python_prints() -> None:
    session = "\n".join(re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL))
    test = doctest.DocTestParser().get_doctest(session, {}, "README", None, 0)
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


def test_the_text_points_to_nothing_missing() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", README.read_text(encoding="utf-8"))
    assert targets
    assert [t for t in targets if not (ROOT / t).exists()] == []


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(
        BLOCK.sub(lambda m: f"```console\n$ {m['command']}\n{output(m['command'])}```", text), encoding="utf-8"
    )
