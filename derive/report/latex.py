"""A proof as LaTeX: a display for notebooks, a sheet that compiles; imports tex, explain and the proof's types.

A sheet needs amsmath, amsthm and booktabs only, and says the same bytes for the same proof.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from derive.proof import Proof, ProofStep
from derive.remarks import essential
from derive.report import explain
from derive.report.explain import is_piecewise
from derive.report.lines import lines, unbroken
from derive.report.tex import MARKS, environment, inline, latex, left_side, row, tokens
from derive.report.words import Cases, Chain, Decimal, Infinity, Piece, Shown, Slope, joined, listed
from derive.term import Term

_row = row
IF = r"\text{if }"
TALLEST = 14  # lines of a display, which no page break divides
LINE = 385  # of the text's 427 points, what a list leaves to a display
CELL = 345  # what a table leaves


def equation(step: ProofStep) -> str:
    r"""The statement of a step on one line, ``\frac{\partial J}{\partial z} = h - y``, and where it holds."""
    return f"{left_side(step.left).text} = {latex(step.right)}{_where(step)}"


def _where(step: ProofStep) -> str:
    """The region or condition under which a step says what it says."""
    found = [_relation(r) for r in joined(essential(step.where)) if not isinstance(r, str)]
    return r" \quad (" + r",\ ".join(found) + ")" if found else ""


def display(proof: Proof) -> str:
    """All steps as one aligned block; a left side that repeats is left out."""
    rows, before = [], None
    for step in proof.steps:
        rows += _rows(step.left, step.right, step.left != before)
        rows[-1] += _where(step)
        before = step.left
    return _aligned(rows)


def _aligned(rows: Sequence[str]) -> str:
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def _rows(left: Term | Slope, right: Term, is_new: bool = True, line: int = LINE) -> list[str]:
    """left &= right, in several lines where one is too narrow."""
    head = left_side(left)
    room = line - head.width - 14
    rows = [row(part) for part in lines(tokens(right), room, room - 20)]
    return [f"{head.text if is_new else ''} &= {rows[0]}".lstrip(), *(rf"&\quad {{}}{part}" for part in rows[1:])]


def _shown(left: Term | Slope, right: Term, end: str = "", line: int = LINE) -> str:
    """A display of one equation."""
    return _display(_rows(left, right, line=line), end)


def _display(rows: Sequence[str], end: str = "") -> str:
    """Rows as a display; as several where they would not fit on a page."""
    parts = [rows[n : n + TALLEST] for n in range(0, len(rows), TALLEST)]
    bodies = [rows[0].replace("&", "", 1)] if len(rows) == 1 else [_aligned(part) for part in parts]
    return "\n".join(f"\\[\n{body}{end if body is bodies[-1] else ''}\n\\]" for body in bodies)


# ---- the sheet ---------------------------------------------------------------------------------------------

PREAMBLE = r"""\documentclass[a4paper]{article}
\usepackage{amsmath,amsthm,booktabs}
\setlength{\textwidth}{150mm}
\setlength{\oddsidemargin}{4.6mm}
\setlength{\textheight}{240mm}
\setlength{\topmargin}{-15mm}
\setlength{\emergencystretch}{3em}
\tolerance=9000
\setlength{\parindent}{0pt}
\binoppenalty=9000
\allowdisplaybreaks
\renewcommand{\labelitemi}{$\cdot$}
\newtheorem*{statement}{Theorem}
\begin{document}
"""


def sheet(proof: Proof) -> str:
    """A document of its own: definitions, theorem, numbered steps, verdict, hypotheses, obligations."""
    parts = (_title, _definitions, _theorem, _steps, _notes, _hypotheses, _obligations)
    return PREAMBLE + "\n".join(row for part in parts for row in part(proof)) + "\n\\end{document}\n"


def _words(text: str) -> str:
    """Words of this package; a name of a user's pair keeps its letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9 .,:;()'=/-]", "", text)


def say(pieces: Iterable[Piece], line: int = 427) -> str:
    """Words and formulas as LaTeX; a formula that is wide or high stands by itself."""
    return "".join(_piece(p, line) for p in pieces)


def _piece(piece: Piece, line: int) -> str:
    if isinstance(piece, str):
        return _words(piece)
    if isinstance(piece, Decimal):
        return f"${_words(piece.digits)}$"
    if isinstance(piece, Infinity):
        return f"${'-' * piece.is_negative}\\infty$"
    if isinstance(piece, Chain):
        return f"${_relation(piece)}$"
    if isinstance(piece, Shown):
        return f"{_shown(*piece, line=line)}\n"
    if isinstance(piece, Cases):
        return f"{_display(_cases(piece, line))}\n"
    if isinstance(piece, Term):
        is_wide = unbroken(tokens(piece, slashed=True))[1] > 2 * line // 5
        return f"{_display(_broken(piece, line))}\n" if is_wide else f"${inline(piece)}$"
    above, below = map(inline, piece[:2])
    above = above if piece[0].kind in ("var", "item") else rf"\left({above}\right)"
    if len(piece) == 3:
        return rf"$\partial^{piece[2]} {above}/\partial {below}^{piece[2]}$"
    return rf"$\partial {above}/\partial {below}$"


def _relation(chain: Piece) -> str:
    """a < b, or a < b < c."""
    if not isinstance(chain, Chain):
        assert isinstance(chain, Term)
        return inline(chain)
    end = f" {MARKS.relations[chain.rest.args[0]]} {inline(chain.rest.args[2])}" if chain.rest else ""
    return f"{inline(chain.first)}{end}"


def _broken(term: Term, line: int) -> list[str]:
    """A formula in several lines where one is too narrow."""
    first, *rest = lines(tokens(term), line - 20, line - 40)
    return [f"&{row(first)}", *(rf"&\quad {{}}{row(part)}" for part in rest)]


def _cases(piece: Cases, line: int) -> list[str]:
    """left = cases with a row for each region; where that is too wide, a line for each."""
    head, found = left_side(piece.left), []
    for value, where in piece.rows:
        relations = r" \text{ and } ".join(_relation(r) for r in joined(where) if not isinstance(r, str))
        found.append((value, relations, sum(unbroken(tokens(r, slashed=True))[1] + 25 for r in where)))
    widest = max(unbroken(tokens(value))[1] + wide for value, _, wide in found) + head.width + 40
    if widest <= line and not any(is_piecewise(value) for value, _, _ in found):
        return [f"{head.text} &= {environment([rf'{latex(v)} & {IF} {where}' for v, where, _ in found])}"]
    rows_of = [
        [*_rows(piece.left, value, n == 0, line), rf"&\qquad {IF} {where}"] for n, (value, where, _) in enumerate(found)
    ]
    return [part for rows in rows_of for part in rows]


def _title(proof: Proof) -> Iterator[str]:
    pair, words = map(_words, explain.title(proof))
    yield f"\\begin{{center}}\n{{\\Large\\bfseries {pair}}}\\\\[1ex]\n{words}\n\\end{{center}}"


def _definitions(proof: Proof) -> Iterator[str]:
    """The table of what is given."""
    yield "\\begin{center}\n\\begin{tabular}{@{}lp{0.85\\textwidth}@{}}\n\\toprule"
    for label, step in zip(("Loss", "Activation"), proof.steps, strict=False):
        rows = _rows(step.left, step.right, line=CELL)
        formula = rows[0].replace("&", "", 1) if len(rows) == 1 else _aligned(rows)
        strut = r"\rule[-16pt]{0pt}{34pt}" if "\\frac" in formula or "\\sum" in formula else ""
        shown = rf"{label} & $\displaystyle {formula}${strut} \\"
        yield f"\\addlinespace\n{shown}\n\\addlinespace" if "cases" in formula else shown
    for label, words in explain.setting(proof):
        yield rf"{label} & {say(words, CELL)} \\"
    if proof.about:
        yield rf"Sources & {_words(proof.about.loss_source)}; {_words(proof.about.activation_source)} \\"
    yield "\\bottomrule\n\\end{tabular}\n\\end{center}"


def _theorem(proof: Proof) -> Iterator[str]:
    last = proof.conclusion
    yield "\\begin{statement}\nWith these definitions" + (" and if" if proof.hypotheses else ",")
    if proof.hypotheses:
        yield say(listed(proof.hypotheses)) + ","
    yield _shown(last.left, last.right)
    if proof.answer == "no":
        yield "which is not identically " + say((proof.statement.residual, "."))
    yield "\\end{statement}"


def _steps(proof: Proof) -> Iterator[str]:
    yield "\\begin{proof}\\leavevmode\n\\begin{enumerate}\n\\renewcommand{\\labelenumi}{(\\theenumi)}"
    for step in proof.steps:
        end = " \\qedhere" if step is proof.steps[-1] else ""
        yield "\\item " + say(explain.reason(step)) + "\n" + _shown(step.left, step.right, end)
    yield "\\end{enumerate}\n\\end{proof}"


def _notes(proof: Proof) -> Iterator[str]:
    for label, words in explain.notes(proof):
        if label != "Assumes":
            yield f"\\paragraph{{{_words(label)}.}} {say(words)}\n"


def _hypotheses(proof: Proof) -> Iterator[str]:
    yield "\\paragraph{Hypotheses.}"
    if not proof.hypotheses:
        yield "None beyond the domain.\n"
        return
    yield "\\begin{itemize}"
    yield from (f"\\item {say(listed((h,)))}" for h in proof.hypotheses)
    yield "\\end{itemize}"


def _obligations(proof: Proof) -> Iterator[str]:
    """What had to hold for a step, and why it does."""
    found = {o: step.n for step in reversed(proof.steps) for o in step.theorem.obligations if o.facts}
    if not found:
        return
    yield "\\paragraph{Obligations discharged.}\n{\\small\\begin{itemize}\\setlength{\\itemsep}{0pt}"
    for obligation, n in sorted(found.items(), key=lambda entry: entry[1]):
        facts = listed(dict.fromkeys(obligation.facts))
        yield f"\\item ({n}) {say((obligation.claim, ' because ', *facts))}."
    yield "\\end{itemize}}"


__all__ = ["display", "equation", "latex", "sheet"]
