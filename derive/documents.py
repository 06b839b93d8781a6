"""Documents to the lines of a derivation: plain text, LaTeX, Markdown, notebooks; imports spelling and errors only.

In a plain file a line is an equation, and ``pair: bce-sigmoid`` a declaration. In .tex, .md and .ipynb files the lines
are those of the display mathematics, declarations stand in comments (``% derive: pair = bce-sigmoid``), and the rest
is prose. What is no part of a formula is blanked and not cut out, so that every column is one of the file.
"""

from __future__ import annotations

import json
import re
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

from derive.errors import DeriveError
from derive.spelling import spelling_of

MAX_CHARACTERS, MAX_LINES = 1_000_000, 20_000
KEYS = ("pair", "loss", "activation", "param", "assume", "layer", "l2", "average")


class Entry(NamedTuple):
    """A declaration, and where its value stands."""

    key: str
    value: str
    line: int
    column: int


class Line(NamedTuple):
    """A line of a derivation; ``text`` begins in line ``n`` of the file, in this column, and may have line breaks."""

    n: int
    text: str
    column: int
    spelling: str

    def place(self, column: int) -> tuple[int, int]:
        """The line and column of the file where the column of ``text`` is."""
        before = self.text[: column - 1]
        start = before.rfind("\n") + 1
        return self.n + before.count("\n"), column - start + (0 if start else self.column - 1)


class Document(NamedTuple):
    header: tuple[Entry, ...]
    lines: tuple[Line, ...]


def load(name: str) -> Document:
    """The document in a file, or in standard input for "-"; raises DeriveError where there is none, or too much."""
    try:
        if name == "-":
            data = sys.stdin.buffer.read(4 * MAX_CHARACTERS + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(4 * MAX_CHARACTERS + 1)
        text = data.decode("utf-8-sig") if len(data) <= 4 * MAX_CHARACTERS else "\n" * (MAX_CHARACTERS + 1)
    except OSError as problem:
        raise DeriveError(f"the file cannot be read: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise DeriveError(f"the file is no text in UTF-8: byte {problem.start + 1}") from problem
    return read(text, "" if name == "-" else Path(name).suffix.lower())


def read(text: str, kind: str = "") -> Document:
    """The document that ``text`` is: ``kind`` is "", ".txt" or ".derive", ".tex", ".md" or ".ipynb".

    Raises DeriveError for another kind, an unknown declaration, a display that does not end, and beyond the limits.
    """
    if kind not in _READERS:
        raise DeriveError(f"no derivation is read from such a file; write one of {', '.join([*_READERS][1:])}")
    if len(text) > MAX_CHARACTERS:
        raise DeriveError(f"the file has more than {MAX_CHARACTERS} characters, which is the limit")
    text = text.replace("\r\n", "\n")
    if text.count("\n") > MAX_LINES:
        raise DeriveError(f"the file has more than {MAX_LINES} lines, which is the limit")
    found = _READERS[kind](text)
    if len(found.lines) > MAX_LINES:
        raise DeriveError(f"the file has more than {MAX_LINES} lines, which is the limit")
    return found


# ---- plain text

_DECLARED = re.compile(r"[ \t]*([A-Za-z][\w-]*)[ \t]*:(?!=)[ \t]*")


def _plain(text: str) -> Document:
    header, found = list[Entry](), list[Line]()
    for n, whole in enumerate(text.split("\n"), 1):
        line = whole.partition("#")[0].rstrip()
        declared = _DECLARED.match(line)
        if declared:
            header.append(_entry(declared[1], line[declared.end() :], n, declared.end() + 1))
        elif line.strip():
            start = len(line) - len(line.lstrip())
            found.append(Line(n, line[start:], start + 1, spelling_of(line)))
    return Document(tuple(header), tuple(found))


def _entry(key: str, value: str, line: int, column: int) -> Entry:
    if key not in KEYS:
        from difflib import get_close_matches

        near = get_close_matches(key[:40], KEYS, 1)
        advice = f"did you mean {near[0]}?" if near else f"known: {', '.join(KEYS)}"
        raise DeriveError(f"line {line}: nothing can be declared as {key[:40]!a}; {advice}")
    if not value.strip():
        raise DeriveError(f"line {line}: {key} needs a value")
    return Entry(key, value.strip(), line, column)


# ---- marked-up text

_COMMENT = re.compile(r"\\.|%[^\n]*", re.DOTALL)
_SAID = re.compile(r"[ \t]*derive[ \t]*:[ \t]*([\w-]+)[ \t]*[=:][ \t]*([^\n%]*)")
_VERBATIM = re.compile(r"\\(begin|end)\{(verbatim|lstlisting|minted|comment)\*?\}")
_NO_BREAK = re.compile(r"[^\n]")
_FENCE = re.compile(r"^[ ]{0,3}(```+|~~~+)[ \t]*(\w*)[^\n]*$", re.MULTILINE)
_LAYOUTS = "align|aligned|alignat|alignedat|equation|gather|gathered|multline|split|eqnarray|displaymath|flalign"
_EDGE = re.compile(rf"\\\\|\\\$|\$\$|\\\[|\\\]|\\(?:begin|end)\{{(?:{_LAYOUTS})\*?\}}")
_CLOSERS = {"$$": "$$", r"\[": r"\]"}


def _tex(text: str) -> Document:
    text = _blanked(text, _verbatim(text))
    comments, parts, at = [], [], 0
    for match in _COMMENT.finditer(text):
        if match[0][0] == "%":
            comments.append((match.start() + 1, match.end()))
            parts += [text[at : match.start()], " " * len(match[0])]
            at = match.end()
    blanked = "".join((*parts, text[at:]))
    return Document(_said(text, comments), tuple(islice(_displayed(blanked, _displays(blanked)), MAX_LINES + 1)))


def _markdown(text: str) -> Document:
    comments, start = list[tuple[int, int]](), 0
    while (start := text.find("<!--", start)) >= 0:
        end = text.find("-->", start)
        comments.append((start + 4, end if end >= 0 else len(text)))
        start = comments[-1][1]
    header = _said(text, comments)
    text = _blanked(text, comments)
    codes, formulas = _fences(text)
    prose = _blanked(text, [*codes, *formulas])
    prose = re.sub(r"`[^`\n]+`", lambda match: " " * len(match[0]), prose)
    spans = sorted([*_displays(prose), *formulas])
    return Document(header, tuple(islice(_displayed(text, spans), MAX_LINES + 1)))


def _notebook(text: str) -> Document:
    """The cells one below the other, those of code as empty lines."""
    try:
        cells = json.loads(text)["cells"]
        sources = [("".join(cell["source"]), cell["cell_type"]) for cell in cells]
    except (ValueError, RecursionError, KeyError, TypeError) as problem:
        raise DeriveError("the file is no notebook: it has no cells with sources") from problem
    return _markdown("\n".join(s if kind == "markdown" else "\n" * s.count("\n") for s, kind in sources))


_READERS = {
    **dict.fromkeys(("", ".txt", ".derive"), _plain),
    **{".tex": _tex, ".md": _markdown, ".ipynb": _notebook},
}


def _said(text: str, comments: list[tuple[int, int]]) -> tuple[Entry, ...]:
    """The declarations in comments."""
    starts, found = _line_starts(text), []
    for start, end in comments:
        if said := _SAID.match(text, start, end):
            found.append(_entry(said[1], said[2], *_place(starts, said.start(2))))
    return tuple(found)


def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer("\n", text))]


def _place(starts: list[int], at: int) -> tuple[int, int]:
    line = bisect_right(starts, at)
    return line, at - starts[line - 1] + 1


def _blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with what lies in the spans blanked."""
    parts, at = [], 0
    for start, end in sorted(spans):
        parts += [text[at:start], _NO_BREAK.sub(" ", text[max(at, start) : end])]
        at = max(at, end)
    return "".join((*parts, text[at:]))


def _verbatim(text: str) -> list[tuple[int, int]]:
    found, opened = [], None
    for match in _VERBATIM.finditer(text):
        if opened is None and match[1] == "begin":
            opened = match
        elif opened is not None and match[1] == "end" and match[2] == opened[2]:
            found.append((opened.start(), match.end()))
            opened = None
    return found


def _fences(text: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The spans of code, and those of ```math fences."""
    codes, formulas = list[tuple[int, int]](), list[tuple[int, int]]()
    opened = None
    for match in _FENCE.finditer(text):
        if opened is None:
            opened = match
        elif match[1].startswith(opened[1]) and not match[2]:
            found = formulas if opened[2] == "math" else codes
            found.append((opened.end(), match.start()))
            opened = None
    return codes + ([(opened.start(), len(text))] if opened else []), formulas


def _displays(text: str) -> list[tuple[int, int]]:
    """The spans of the display mathematics, without the marks around them."""
    found, closer, depth, opened = [], "", 0, 0
    for match in _EDGE.finditer(text):
        mark = match[0]
        if not closer and (mark in _CLOSERS or mark.startswith(r"\begin")):
            closer, depth = _CLOSERS.get(mark) or mark.replace("begin", "end"), 1
            # the name of an environment says how its rows are read
            opened = match.start() if mark.startswith(r"\begin") else match.end()
        elif closer and mark == closer:
            depth -= 1
            if not depth:
                found.append((opened, match.start()))
                closer = ""
        elif closer and mark.replace("begin", "end") == closer:
            depth += 1
    if closer:
        raise DeriveError(
            f"line {_place(_line_starts(text), opened)[0]}: the display does not end; {closer} is missing"
        )
    return found


# ---- displays to lines

_ROW = r"\\\\\*?(?:[ \t]*\[[ \t]*-?[0-9.]{0,8}[ \t]*[a-z]{0,2}[ \t]*\])?"
_PIECE = re.compile(
    rf"(?P<row>{_ROW})|(?P<cases>\\(?:begin|end)[ ]?\{{[dr]?cases\}})"
    rf"|(?P<layout>\\(?:begin|end)[ ]?\{{(?:{_LAYOUTS})\*?\}}(?:\[[a-z]\])?(?:\{{[0-9]\}})?)"
    r"|(?P<note>\\(?:label|tag\*?|intertext|shortintertext)[ ]?\{[^{}]{0,200}\}"
    r"|\\(?:nonumber|notag|qedhere)(?![A-Za-z]))"
    r"|(?P<brace>[{}])|(?P<tab>&)|\\."
)
_GOES_ON = re.compile(
    r"\s*(?:[&~]\s*|\\q?quad(?![A-Za-z])\s*|\\[,;:! ]\s*|\{\}\s*)*(?:[-+]|\\(?:cdot|times)(?![A-Za-z]))"
)
_REMARK = re.compile(r"(?:^|\\q?quad(?![A-Za-z])|~|\\[,;: ])\s*\\(?:text|textrm|mbox)\s?\{[^{}]*\}$")
_LONGEST_REMARK = 400
_MARKS = (*".,;~\\ \t\n", r"\quad", r"\qquad")  # a backslash alone is that of a space


def _displayed(text: str, spans: list[tuple[int, int]]) -> Iterator[Line]:
    starts = _line_starts(text)
    for start, end in spans:
        for first, row in _rows(text[start:end]):
            n, column = _place(starts, start + first)
            yield Line(n, row, column, "latex")


def _rows(text: str) -> list[tuple[int, str]]:
    r"""The lines of one display, and where they begin; a row that goes on with an operator is no new line."""
    cuts = [(0, 0)]
    nested = 0  # braces and cases, which keep their own rows
    breaks_only = text.startswith(r"\begin{multline")  # its rows are those of one long formula

    def blanked(match: re.Match[str]) -> str:
        nonlocal nested
        kind, word = match.lastgroup, match[0]
        if kind in ("brace", "cases"):
            nested += 1 if word == "{" or word.startswith(r"\begin") else -1
        if kind in (None, "brace", "cases") or (kind in ("row", "tab") and nested):
            return word
        if kind == "row" and not breaks_only and not _GOES_ON.match(text, match.end()):
            cuts.append(match.span())
        return _NO_BREAK.sub("~" if kind == "tab" else " ", word)

    text, found = _PIECE.sub(blanked, text), []
    for (_, start), (end, _) in pairwise([*cuts, (len(text), 0)]):
        row = _without_remarks(text[start:end])
        found += [(start + len(row) - len(bare), bare)] if (bare := row.lstrip("~ \t\n")) else []
    return found


def _without_remarks(row: str) -> str:
    r"""A row without the marks at its end and without \quad \text{...}."""
    end = len(row)
    for _ in range(3):
        while end and (size := next((len(mark) for mark in _MARKS if row.endswith(mark, 0, end)), 0)):
            end -= size
        if remark := _REMARK.search(row, max(0, end - _LONGEST_REMARK), end):
            end = remark.start()
    return row[:end]
