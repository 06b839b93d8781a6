"""The judgement of a claim or a derivation as text or HTML; imports the printers of proofs, and checking."""

from __future__ import annotations

import html as markup
from collections.abc import Iterator

from derive.checking import Check, Line
from derive.report.latex import say
from derive.report.text import BOLD, DIM, GREEN, YELLOW, _Page
from derive.report.words import Decimal, Piece, Row, Words, joined, point_words
from derive.syntax import plain
from derive.term import Term

STYLES = {"right": GREEN, "wrong": YELLOW, "undecided": DIM}
MARKS = {True: ("✓", "yes"), False: ("✗", "no"), None: ("?", "?")}


def text(found: Check, width: int = 80, unicode: bool = True, colour: bool = False) -> str:
    """The answer, the lines where there are several, and what is wrong."""
    page = _Page(width, unicode, colour)
    page.rows.append(page.paint(STYLES[found.answer], _answer(found)))
    if len(found.lines) > 1:
        page.rows += ["", *_table(found, page)]
    page.notes(_notes(found))
    return "\n".join(page.rows) + "\n"


def _answer(found: Check) -> str:
    many = len(found.lines) > 1
    if found.answer == "right":
        return "Right: every line is true, and follows." if many else "Right."
    if found.answer == "undecided":
        return "Undecided."
    last = found.lines[-1]
    lucky = many and last.true and found.wrong is not None
    where = f"Wrong: line {_line(found).written.n} is the first that is." if many and found.wrong else "Wrong."
    return f"{where} The last line is right by luck." if lucky else where


def _line(found: Check) -> Line:
    return next(line for line in found.lines if line.n == found.first_wrong)


def _table(found: Check, page: _Page) -> Iterator[str]:
    """A row a line: its number in the file, whether it follows and is true, its text; a wrong part underlined."""
    wide = max(4, *(len(str(line.written.n)) for line in found.lines))
    yield page.paint(BOLD, f"{'line':>{wide}}  follows  true")
    for line in found.lines:
        follows, true = (MARKS[said][0 if page.unicode else 1] for said in (line.follows, line.true))
        head = f"{line.written.n:>{wide}}  {follows:^7}  {true:^4}  "
        blank = "~" if line.written.spelling == "latex" else " "
        yield head + shown(line.written.text.replace(blank, " "))
        if line.mark is not None:
            first, last = line.mark
            under = " " * (len(head) + first - 1) + "^" * (last - first + 1)
            yield page.paint(YELLOW, under)
        if line.reason != "right":
            yield " " * len(head) + page.paint(DIM, line.reason)


def html(found: Check) -> str:
    """The same as a table and notes of HTML, with formulas between dollars; every text of a user is escaped."""
    rows = ["<tr><th>line</th><th>follows</th><th>true</th><th></th><th></th></tr>"]
    for line in found.lines:
        marks = "".join(f"<td>{MARKS[said][0]}</td>" for said in (line.follows, line.true))
        said = f"<td><code>{markup.escape(shown(line.written.text))}</code></td><td>{markup.escape(line.reason)}</td>"
        rows.append(f"<tr><td>{line.written.n}</td>{marks}{said}</tr>")
    notes = [f"<b>{label}.</b> {_in_html(words)}" for label, words in _notes(found)]
    table = '<table class="derive-check">\n' + "\n".join(rows) + "\n</table>\n"
    return f"<p><b>{_answer(found)}</b></p>\n{table}<p>{'<br>'.join(notes)}</p>\n"


def _in_html(words: Words) -> str:
    return "".join(markup.escape(p) if isinstance(p, str) else markup.escape(say((p,))) for p in words)


def shown(text: str) -> str:
    """A line of a user with what would break it, or the terminal, as a question mark; no column is moved."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text)


def _notes(found: Check) -> Iterator[Row]:
    wrong = found.wrong
    if len(found.lines) == 1:
        yield "Claim", tuple(p for side in found.lines[0].sides for p in (" = ", _left(found, side)))[1:]
    if wrong is not None:
        left = _left(found, wrong.left)
        if wrong.correction is not None:
            yield "Correct", (left, " = ", wrong.correction)
        yield "Slip", (f"{wrong.slip.code}. ", *wrong.slip.words)
        point = wrong.judgement.point
        assert point is not None
        indices = found.model.statement.output.args[1:]
        at = point_words(found.model.names[0], indices, point)
        values: list[Piece] = [left, " is ", Decimal(wrong.judgement.left), ", but this is "]
        chosen = "".join(f", {name} the sigmoid" for name in wrong.functions)
        yield "Witness", ("At ", *at, f"{chosen}: ", *values, Decimal(wrong.judgement.right), ".")
    if found.conditions and found.answer == "right":
        yield "Where", joined(found.conditions, ", ")
    if found.reason:
        yield "Reason", (found.reason,)


def _left(found: Check, left: Term) -> Piece:
    """A derivative as one; a term in which derivatives stand by their names in the plain language."""
    quantity = found.model.quantity_of(left)
    if quantity is None:
        return left if left.names.isdisjoint(found.model.quantities) else plain(left)
    return (quantity.subject, quantity.variable, *((quantity.order,) if quantity.order > 1 else ()))
