"""Hostile input by the command line: a plain error within limits; nothing executed, nothing written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
SECONDS = 60  # far more than any of it takes; a hang is what is looked for
MEGABYTES = 600  # of address space for the command; its worker has its own limit


class Run(NamedTuple):
    code: int
    output: str
    error: str


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty working directory in which nothing may appear."""
    before = {*tmp_path.iterdir()}
    yield tmp_path
    assert {*tmp_path.iterdir()} - before <= {tmp_path / name for name in GIVEN}, "something was written"


GIVEN = ("claim.txt", "claim.tex", "claim.md", "claim.ipynb")


def _limit() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES << 20, MEGABYTES << 20))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))


def check(folder: Path, *arguments: str, standard_input: bytes = b"") -> Run:
    run = subprocess.run(
        [sys.executable, "-m", "derive", "check", "--pair", "bce-sigmoid", *arguments],
        input=standard_input,
        capture_output=True,
        cwd=folder,
        timeout=SECONDS,
        preexec_fn=_limit if sys.platform == "linux" else None,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    return Run(run.returncode, run.stdout.decode(), run.stderr.decode())


def assert_refused(run: Run) -> None:
    """One plain line on standard error, no traceback, and nothing that a terminal obeys."""
    assert run.code in (2, 3), run
    assert "Traceback" not in run.error
    assert run.error.startswith("derive: ") and run.error.count("\n") == 1 and len(run.error) < 1_000
    assert run.output == ""
    assert all(c.isprintable() for c in run.error[:-1])


CODE = [
    "__import__('os').system('touch owned')",
    "().__class__.__bases__[0].__subclasses__()",
    "exec('a=1')",
    "x.__class__",
    "z:=3",
    "[i for i in range(3)]",
    "$(touch owned)",
    "%s%s%n",
]
SIZE = {
    "an exponent": "1e999999999",
    "a tower": "9**9**9",
    "a higher tower": "2^2^2^2^2^2",
    "20,000 summands": "+".join(["h"] * 20_000),
    "a long numeral": "9" * 5_000,
    "brackets": "(" * 250 + "h" + ")" * 250,
    "functions": "exp(" * 2_000 + "z" + ")" * 2_000,
    "minus signs": "-" * 100_000 + "h",
    "a long name": "h" * 100_001,
    "brackets of LaTeX": r"\left(" * 3_000,
    "bars": "|" * 200,
    "derivatives": "d/dz(" * 200 + "h" + ")" * 200,
    "primes": "f" + "'" * 1_000 + "(z)",
}
CONFUSION = [
    "\u043d - y",  # a Cyrillic letter that looks like h
    "h\u200b - y",
    "\u202eh - y",
    "h \u2212\u2060 y",
    "",
    "=",
    "= h - y",
    "0/0",
    "oo - oo",
    "dJ/dz = ",
    "dJ/dz < h - y",
]
OUTPUT = [
    r"\input{/etc/passwd}",
    r"\immediate\write18{touch owned}",
    r"\catcode`\%=12",
    "^^5cinput",
    "<script>alert(1)</script>",
    "</pre>",
    "h - y\x1b[31m",
    "h - y\r\n\x08",
]


@pytest.mark.parametrize("claim", [*CODE, *CONFUSION, *OUTPUT])
def test_a_claim_that_is_none_is_refused(claim: str, folder: Path) -> None:
    assert_refused(check(folder, "--", claim))


@pytest.mark.parametrize("name", SIZE)
def test_a_claim_beyond_the_limits_is_refused(name: str, folder: Path) -> None:
    assert_refused(check(folder, "--", SIZE[name]))


@pytest.mark.parametrize(
    "claim",
    [
        "(h + y + z)^30",
        "(h + z + y)^60 - (h + z + y)^60 + h - y",
        "exp(" * 12 + "z" + ")" * 12,
        "log(0)",
        "+".join(f"where(z > {n}, h, y)" for n in range(20)),
    ],
)
def test_a_claim_that_is_too_much_is_not_right(claim: str, folder: Path) -> None:
    """It can be read: wrong with a witness, or undecided; the search has its own limit of time."""
    run = check(folder, "--timeout", "8", "--", claim)
    assert run.code in (1, 3) and "Traceback" not in run.error
    assert run.error.count("\n") <= 1
    assert run.code == 3 or run.output.startswith("Wrong.")


FILES: dict[str, tuple[str, bytes]] = {
    "10 MB of lines": ("claim.txt", b"h - y\n" * 1_700_000),
    "10 MB in a line": ("claim.txt", b"h" * 10_000_000),
    "100,000 lines": ("claim.txt", b"h - y\n" * 100_000),
    "10 MB of prose": ("claim.md", b"h - y\n" * 1_700_000),
    "a deep notebook": ("claim.ipynb", b"[" * 100_000),
    "no notebook": ("claim.ipynb", b"{}"),
    "open displays": ("claim.tex", b"\\[" * 100_000),
    "open environments": ("claim.tex", rb"\begin{align}" * 50_000),
    "open braces": ("claim.tex", b"\\[" + b"{" * 300_000 + b"\\]"),
    "rows": ("claim.tex", b"\\[ h" + b"\\\\ = h" * 20_001 + b"\\]"),
    "remarks": ("claim.tex", b"\\[ h " + b"\\quad\\text{x}" * 30_000 + b"\\]"),
    "open comments": ("claim.md", b"<!--" * 100_000),
    "dollars": ("claim.md", b"$$" * 100_001),
    "backticks": ("claim.md", b"`" * 500_000),
    "declarations": ("claim.txt", b"layer: 2\n" * 19_000),
    "an input": ("claim.tex", rb"$$\input{/etc/passwd}$$"),
    "a layer": ("claim.txt", b"layer: " + b"9" * 100_000 + b"\nh - y"),
    "a parameter": ("claim.txt", b"param: __import__('os')\nloss: z\nh - y"),
    "NUL": ("claim.txt", b"h - y\0\n"),
    "Latin-1": ("claim.txt", b"h - \xe9"),
    "a lone surrogate": ("claim.txt", b"h - \xed\xa0\x80"),
    "UTF-16": ("claim.txt", "h - y".encode("utf-16")),
    "escapes of a terminal": ("claim.txt", b"h - y \x1b[31m\x1b]0;x\x07"),
    "nothing": ("claim.txt", b""),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_derivation_is_refused(name: str, folder: Path) -> None:
    file, content = FILES[name]
    (folder / file).write_bytes(content)
    assert_refused(check(folder, file))


def test_the_same_from_standard_input(folder: Path) -> None:
    for content in (b"", b"h" * 2_000_000):
        assert_refused(check(folder, "-", standard_input=content))


def test_prose_is_not_obeyed_and_not_shown(folder: Path) -> None:
    (folder / "claim.tex").write_bytes(b"\\immediate\\write18{touch owned}\\input{/etc/passwd}\n$$h - y$$\n")
    run = check(folder, "claim.tex")
    assert run.code == 0 and "passwd" not in run.output


def test_what_is_shown_of_a_line_does_not_reach_the_terminal_as_it_is(folder: Path) -> None:
    """Comments and texts of a file are not printed; what is, has no control characters."""
    (folder / "claim.txt").write_bytes(b"dJ/dz = h - y # \x1b[31m\n= 2*(h - y)\t# \x07\n")
    run = check(folder, "claim.txt")
    assert run.code == 1
    assert all(c.isprintable() or c == "\n" for c in run.output)


def test_a_long_derivation_is_checked(folder: Path) -> None:
    (folder / "claim.txt").write_bytes(
        b"dJ/dz = h - y\n" + b"".join(b"= h - y + %d - %d\n" % (n, n) for n in range(999))
    )
    run = check(folder, "claim.txt")
    assert run.code == 0 and run.output.count("\n") > 1_000


@pytest.mark.parametrize(
    "arguments",
    [
        ("--timeout", "0", "h - y"),
        ("--layer", "99999999999999999999", "h - y"),
        ("--param", "__import__('os')", "h - y"),
        ("--loss", "z" * 110_000, "h - y"),
        ("../../etc/passwd.txt",),
        ("/",),
        ("--no-such-option", "h - y"),
        (),
    ],
)
def test_options_are_refused_as_plainly(arguments: tuple[str, ...], folder: Path) -> None:
    assert_refused(check(folder, *arguments))
