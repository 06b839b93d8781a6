"""Tables: the list of pairs as text, the atlas as text and HTML; imports html of the standard library, and colours."""

from __future__ import annotations

import html as markup
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from derive.proof import Proof
from derive.report.text import BOLD, DIM, GREEN, RESET
from derive.survey import Atlas, Cell

HEAD = ("pair", "h - y?", "kind", "dJ/dz")
KIND_WIDTH = len("residual")
# of a cell: one character that is read without colour, and what it means
MARKS = {
    "cancels": ("=", "dJ/dz = h - y"),
    "conditional": ("*", "dJ/dz = h - y under a condition"),
    "multiple": ("c", "c (h - y) with c free of z, h and y"),
    "residual": ("g", "g (h - y)"),
    "other": ("x", "not of that shape"),
    "open": ("-", "not h - y; of which shape is undecided"),
    "undecided": ("?", "undecided"),
    "none": (".", "no pair: the activation leaves the domain of the loss"),
}
STYLES = {"cancels": GREEN, "conditional": GREEN, "none": DIM}


# ---- the list of pairs -------------------------------------------------------------------------------


def table(rows: Iterable[Proof | Mapping[str, Any]], width: int = 80, colour: bool = False) -> str:
    """Pair, answer, kind and dJ/dz of each proof (or of its ``to_json``), in lines of at most ``width`` characters."""
    found = [(r.to_json(steps=False) if isinstance(r, Proof) else r) for r in rows]
    return "\n".join(listing(found, [str(r["pair"]) for r in found], width, colour)) + "\n"


def listing(
    rows: Iterable[Mapping[str, Any]], pairs: Sequence[str], width: int = 80, colour: bool = False
) -> Iterator[str]:
    """The lines of the table as the rows come; ``pairs`` are the names that will come."""
    widths = max(map(len, (HEAD[0], *pairs))), len(HEAD[1]), KIND_WIDTH
    yield f"{BOLD}{_line(HEAD, widths, width)}{RESET}" if colour else _line(HEAD, widths, width)
    conditions: dict[str, None] = {}
    for row in rows:
        conditions |= dict.fromkeys(row["conditions"])
        answer = row["answer"] + ("*" if row["conditions"] else "")
        yield _line((_printable(str(row["pair"])), answer, row["kind"] or "", row["delta"]), widths, width)
    yield from (f"* if {condition}" for condition in conditions)


def _line(cells: Sequence[str], widths: Sequence[int], width: int) -> str:
    room = width - sum(widths) - 2 * len(widths)
    last = cells[-1] if len(cells[-1]) <= room else cells[-1][: room - 3] + "..."
    return "  ".join((*(f"{cell:<{w}}" for cell, w in zip(cells, widths, strict=False)), last))


def _printable(words: str) -> str:
    return re.sub(r"[^ -~]", "?", words)


# ---- the atlas ---------------------------------------------------------------------------------------


def matrix(atlas: Atlas, width: int = 80, colour: bool = False) -> str:
    """The atlas, a character for a cell, in blocks of columns that fit; then what each means, and how often."""
    margin = max(map(len, atlas.losses)) + 1
    step = max(1, (width - margin) // 2)
    rows: list[str] = []
    for start in range(0, len(atlas.activations), step):
        columns = slice(start, start + step)
        rows += [" " * margin + line for line in _upright(atlas.activations[columns])]
        rows += [_row(loss, cells[columns], margin, colour) for loss, cells in atlas.rows()]
        rows.append("")
    return "\n".join((*rows, *legend(atlas))) + "\n"


def _upright(names: Sequence[str]) -> list[str]:
    """Names from top to bottom, a column each, that end on the last line."""
    height = max(map(len, names))
    lines = (" ".join(letters) for letters in zip(*(name.rjust(height) for name in names), strict=True))
    return [line.rstrip() for line in lines]


def _row(loss: str, cells: Iterable[Cell], margin: int, colour: bool) -> str:
    return f"{loss:<{margin}}" + " ".join(_mark(cell, colour) for cell in cells)


def _mark(cell: Cell, colour: bool) -> str:
    mark, style = MARKS[cell.label][0], STYLES.get(cell.label)
    return f"{style}{mark}{RESET}" if colour and style else mark


def legend(atlas: Atlas) -> list[str]:
    """Each mark that the atlas shows, how often, and what it means."""
    counts = atlas.counts()
    found = [f"{mark} {counts[label]:>5}  {words}" for label, (mark, words) in MARKS.items() if counts[label]]
    return [*found, f"  {len(atlas.cells):>5}  cells: {len(atlas.losses)} losses, {len(atlas.activations)} activations"]


def html(atlas: Atlas) -> str:
    """The atlas as a table of HTML, the pair and what is known about it at each cell; every text is escaped."""
    turned = '<th scope="col" style="writing-mode: vertical-rl">'
    heads = "".join(f"{turned}{markup.escape(name)}</th>" for name in atlas.activations)
    rows = [f"<tr><th></th>{heads}</tr>"]
    for loss, cells in atlas.rows():
        rows.append(f'<tr><th scope="row">{markup.escape(loss)}</th>{"".join(map(_html_cell, cells))}</tr>')
    notes = "<br>".join(f"<code>{markup.escape(line)}</code>" for line in legend(atlas))
    return '<table class="derive-atlas">\n' + "\n".join(rows) + f"\n</table>\n<p>{notes}</p>\n"


def fact(cell: Cell) -> str:
    """What is known about a cell, on one line."""
    facts = [MARKS[cell.label][1], f"factor {cell.factor}" if cell.factor else "", cell.why or "", *cell.conditions]
    return f"{cell.pair}: " + "; ".join(fact for fact in facts if fact)


def _html_cell(cell: Cell) -> str:
    return f'<td title="{markup.escape(fact(cell))}">{markup.escape(MARKS[cell.label][0])}</td>'
