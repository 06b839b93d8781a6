"""A proof as LaTeX: a display for notebooks, a sheet that compiles; imports tex, explain and the proof's types.

A sheet needs amsmath, amsthm and booktabs only, and says the same bytes for the same proof.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from derive.proof import Proof, ProofStep
from derive.report import explain
from derive.report.lines import Token, lines
from derive.report.tex import MARKS, inline, latex, left_side, tokens
from derive.report.words import Chain, Decimal, Piece, Slope, listed
from derive.term import Term

LINE = 385  # of the text's 427 points, what a list leaves to a display


def equation(step: ProofStep) -> str:
    r"""The statement of a step on one line: ``\frac{\partial J}{\partial z} = h - y``."""
    return f"{left_side(step.left).text} = {latex(step.right)}"


def display(proof: Proof) -> str:
    """All steps as one aligned block; a left side that repeats is left out."""
    rows, before = [], None
    for step in proof.steps:
        rows += _rows(step.left, step.right, step.left != before)
        before = step.left
    return _aligned(rows)


def _aligned(rows: Sequence[str]) -> str:
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def _rows(left: Term | Slope, right: Term, is_new: bool = True, line: int = LINE) -> list[str]:
    """left &= right, in several lines where one is too narrow."""
    head = left_side(left)
    room = line - head.width - 14
    rows = [_row(row) for row in lines(tokens(right), room, room - 20)]
    return [f"{head.text if is_new else ''} &= {rows[0]}".lstrip(), *(rf"&\quad {{}}{row}" for row in rows[1:])]


def _row(tokens: Sequence[Token]) -> str:
    r"""One line of a broken formula; a bracket that is not closed on it gets a fixed size: \left needs its \right."""
    texts, opened = [t.text for t in tokens], []
    for n, text in enumerate(texts):
        if text == r"\left(":
            opened.append(n)
        elif text == r"\right)":
            if opened:
                opened.pop()
            else:
                texts[n] = r"\biggr)"
    for n in opened:
        texts[n] = r"\biggl("
    return "".join(texts).strip()


def _shown(left: Term | Slope, right: Term, end: str = "") -> str:
    """A display of one equation."""
    rows = _rows(left, right)
    body = rows[0].replace("&", "", 1) if len(rows) == 1 else _aligned(rows)
    return f"\\[\n{body}{end}\n\\]"


# ---- the sheet ---------------------------------------------------------------------------------------------

PREAMBLE = r"""\documentclass[a4paper]{article}
\usepackage{amsmath,amsthm,booktabs}
\setlength{\textwidth}{150mm}
\setlength{\oddsidemargin}{4.6mm}
\setlength{\textheight}{240mm}
\setlength{\topmargin}{-15mm}
\setlength{\emergencystretch}{3em}
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
    return re.sub(r"[^A-Za-z0-9 .,:;()'=-]", "", text)


def say(pieces: Iterable[Piece]) -> str:
    """Words and inline formulas as LaTeX."""
    return "".join(_piece(p) for p in pieces)


def _piece(piece: Piece) -> str:
    if isinstance(piece, str):
        return _words(piece)
    if isinstance(piece, Decimal):
        return f"${_words(piece.digits)}$"
    if isinstance(piece, Chain):
        end = f" {MARKS.relations[piece.rest.args[0]]} {inline(piece.rest.args[2])}" if piece.rest else ""
        return f"${inline(piece.first)}{end}$"
    if isinstance(piece, Term):
        return f"${inline(piece)}$"
    return "$" + "/".join(rf"\partial {inline(t)}" for t in piece) + "$"


def _title(proof: Proof) -> Iterator[str]:
    pair, words = map(_words, explain.title(proof))
    yield f"\\begin{{center}}\n{{\\Large\\bfseries {pair}}}\\\\[1ex]\n{words}\n\\end{{center}}"


def _definitions(proof: Proof) -> Iterator[str]:
    """The table of what is given."""
    yield "\\begin{center}\n\\begin{tabular}{@{}lp{0.85\\textwidth}@{}}\n\\toprule"
    for label, step in zip(("Loss", "Activation"), proof.steps, strict=False):
        rows = _rows(step.left, step.right, line=LINE - 40)
        formula = rows[0].replace("&", "", 1) if len(rows) == 1 else _aligned(rows)
        strut = r"\rule[-16pt]{0pt}{34pt}" if "\\frac" in formula or "\\sum" in formula else ""
        yield rf"{label} & $\displaystyle {formula}${strut} \\"
    for label, words in explain.setting(proof):
        yield rf"{label} & {say(words)} \\"
    if proof.about:
        yield rf"Sources & {_words(proof.about.loss_source)}; {_words(proof.about.activation_source)} \\"
    yield "\\bottomrule\n\\end{tabular}\n\\end{center}"


def _theorem(proof: Proof) -> Iterator[str]:
    last = proof.steps[-1]
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
