"""A proof as LaTeX: a term, a display for notebooks, a sheet that compiles; imports layout, explain and the proof's types.

A sheet needs amsmath, amsthm and booktabs only. No text of a user reaches TeX but through ``_Notation.name``
and ``_words``, which let letters and digits pass. Widths are points in a font of 10 points, and are estimates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from derive.proof import Proof, ProofStep
from derive.report import explain
from derive.report.layout import (
    EXAMPLES,
    GREEK,
    OPERAND,
    POWER,
    PRODUCT,
    SUM,
    Box,
    Marks,
    Printer,
    Scope,
    Token,
    lines,
    nested,
    unbroken,
)
from derive.report.words import Decimal, Piece, Slope
from derive.term import Term

MARKS = Marks(
    Token(" + ", 12, 0),
    Token(" - ", 12, 0),
    Token("-", 8),
    Token(r" \cdot ", 7, 0),
    {"<": "<", "<=": r"\le", ">": ">", ">=": r"\ge", "=": "=", "!=": r"\ne"},
)
OPERATORS = {  # written without brackets before a single letter
    **{name: "\\" + name for name in ("log", "sin", "cos", "sinh", "cosh", "tanh")},
    "atan": r"\arctan",
    "erf": r"\operatorname{erf}",
}
FUNCTIONS = {"sigmoid": r"\sigma", "phi": r"\phi", "Phi": r"\Phi", "pi": r"\pi"}
RAISED_NAMES = ("sin", "cos", "sinh", "cosh", "tanh")  # tanh^2 z
CAPITALS = {"Gamma", "Delta", "Theta", "Lambda", "Xi", "Sigma", "Upsilon", "Psi", "Omega"}
LETTER, DIGIT, SMALL, BRACKET, WORD = 6, 5, 4, 4, 6
LINE = 385  # of the text's 427 points, what a list leaves to a display


class _Notation(Printer):
    """Terms in LaTeX; ``script``: as an exponent, with slashes instead of fractions."""

    marks = MARKS

    def __init__(self, whole: Term, script: bool = False) -> None:
        super().__init__(whole)
        self.script = script

    def name(self, name: str) -> Token:
        plain = re.sub(r"[^A-Za-z0-9]", "", name) or "x"
        if name in GREEK:
            return Token(f"\\{name} ", LETTER)
        if len(plain) == 1 or plain.isdigit():
            return Token(plain, LETTER * len(plain))
        return Token(rf"\mathrm{{{plain}}}", WORD * len(plain))

    def element(self, name: str, classes: Sequence[Token], examples: Sequence[Token]) -> Box:
        base, (below, under), (above, over) = self.name(name), _run(classes), _run(examples)
        text = base.text.rstrip() + (f"_{_braced(below)}" if below else "") + (f"^{{({above})}}" if above else "")
        return Box((Token(text, base.width + max(under, over + 6 if above else 0)),))

    def delta(self, i: Token, j: Token) -> Box:
        text, width = _run((i, j))
        return Box((Token(rf"\delta_{{{text}}}", LETTER + width),))

    def fraction(self, above: Box | None, below: Box) -> Box:
        over, under = (self.signed(above) if above else Box((Token("1", DIGIT),))), self.signed(below)
        if self.script:
            over = self.brackets(over) if over.strength < PRODUCT or over.greedy else over
            under = self.brackets(under) if under.strength < POWER else under
            return Box((*over.tokens, Token("/", DIGIT), *under.tokens), PRODUCT)
        (a, wide), (b, wide_below) = unbroken(over.tokens), unbroken(under.tokens)
        token = Token(rf"\frac{{{a.strip()}}}{{{b.strip()}}}", max(wide, wide_below) + 3)
        return Box((token,), PRODUCT, tall=True, fraction=True)

    def raised(self, base: Term, exponent: Term, scope: Scope) -> Box:
        above, wide = self._small(exponent, scope)
        if base.kind == "call" and base.args[0] in RAISED_NAMES and above.isdigit():
            return self._operator(rf"\{base.args[0]}^{_braced(above)}", base.args[1], scope)
        below = self.at(base, OPERAND, scope)
        if base.kind == "item" and any(i.args[1] == EXAMPLES for i in base.args[1:]):
            below = self.brackets(below)
        *start, last = below.tokens
        token = Token(f"{last.text.rstrip()}^{_braced(above)}", last.width + wide)
        return Box((*start, token), POWER, tall=below.tall)

    def _small(self, term: Term, scope: Scope) -> tuple[str, int]:
        """An exponent: its text, and its width in a smaller font."""
        printer = _Notation(term, script=True)
        printer.taken |= self.taken | set(scope)
        text, width = unbroken(printer.signed(printer.box(term, scope)).tokens)
        return text.strip(), width * 7 // 10

    def summation(self, name: Token, over: Token) -> Token:
        if self.script:
            return Token(rf"\sum_{{{name.text}}} ", 14)
        return Token(rf"\sum_{{{name.text.strip()}=1}}^{{{over.text.strip()}}} ", 20)

    def summand(self, box: Box) -> Box:
        return self.brackets(box) if MARKS.times in {t._replace(level=0) for t in box.tokens if t.level == 0} else box

    def joint(self, left: Box, right: Box, apart: bool) -> Token:
        start, end = right.tokens[0].text, left.tokens[-1].text
        if apart or start[0].isdigit() or (left.fraction and right.fraction):
            return MARKS.times
        wide = start.startswith(r"\mathrm") or end.endswith("}") and r"\mathrm" in end or left.fraction
        return Token(r"\," if wide and not start.startswith(("(", r"\left")) else " ", 2)

    def brackets(self, box: Box) -> Box:
        opening, closing = (r"\left(", r"\right)") if box.tall and not self.script else ("(", ")")
        width = 2 * BRACKET if box.tall else BRACKET
        tokens = (Token(opening, width), *nested(self.signed(box).tokens), Token(closing, width))
        return Box(tokens, tall=box.tall)

    def applied(self, name: str, arguments: Sequence[Term], scope: Scope) -> Box:
        if not arguments:
            return Box((Token(FUNCTIONS.get(name, self.name(name).text) + " ", LETTER),))
        if name in OPERATORS:
            return self._operator(OPERATORS[name], arguments[0], scope)
        if name == "exp" and not any(_is_tall(t) for t in arguments):
            above, wide = self._small(arguments[0], scope)
            return Box((Token(f"e^{_braced(above)}", DIGIT + wide),), POWER)
        inside = [self.signed(self.box(t, scope)) for t in arguments]
        if name in ("sqrt", "abs"):
            return self._enclosed(name, inside[0])
        head = FUNCTIONS.get(name) or (r"\exp" if name == "exp" else rf"\operatorname{{{self._letters(name)}}}")
        commas = [t for n, b in enumerate(inside) for t in ((Token(", ", 4),) * (n > 0) + nested(b.tokens))]
        tall = any(b.tall for b in inside)
        row = self.brackets(Box(tuple(commas), tall=tall))
        return Box((Token(head, LETTER * max(1, len(name) // 2)), *row.tokens), tall=tall)

    def _letters(self, name: str) -> str:
        return re.sub(r"[^A-Za-z0-9]", "", name) or "f"

    def _operator(self, head: str, argument: Term, scope: Scope) -> Box:
        """log h, or log(1 - h)."""
        inside, token = self.box(argument, scope), Token(head, WORD * len(head.strip("\\")[:6]) - LETTER)
        if argument.kind in ("var", "item", "size") or (argument.kind == "num" and inside.strength == OPERAND):
            if not inside.negative:
                return Box((token, Token(" ", 2), *inside.tokens), POWER, greedy=True)
        row = self.brackets(inside)
        return Box((token, *row.tokens), POWER, tall=row.tall)

    def _enclosed(self, name: str, inside: Box) -> Box:
        text, width = unbroken(inside.tokens)
        if name == "sqrt":
            return Box((Token(rf"\sqrt{{{text.strip()}}}", width + 9),), POWER, tall=inside.tall)
        left, right = (r"\left\lvert ", r"\right\rvert ") if inside.tall else (r"\lvert ", r"\rvert ")
        return Box((Token(f"{left}{text}{right}", width + 6),), tall=inside.tall)

    def cases(self, condition: Box, inside: Box, outside: Box) -> Box:
        (a, wide), (b, other), (c, test) = (unbroken(x.tokens) for x in (inside, outside, condition))
        rows = rf"{a} & \text{{if }} {c} \\ {b} & \text{{otherwise}}"
        return Box((Token(rf"\begin{{cases}} {rows} \end{{cases}}", max(wide + test, other + 30) + 35),), SUM, tall=True)


def _is_tall(term: Term) -> bool:
    """Whether an exponent would be hard to read in small print."""
    return term.kind in ("sum", "where") or any(_is_tall(t) for t in term.args if isinstance(t, Term))


def _run(names: Sequence[Token]) -> tuple[str, int]:
    """Names as one subscript: kj, or k1,j where letters alone would be misread."""
    comma = "" if all(t.width == LETTER for t in names) else ","
    return comma.join(t.text for t in names).strip(), SMALL * len(names)


def _braced(text: str) -> str:
    return text if len(text) == 1 else f"{{{text}}}"


# ---- formulas ----------------------------------------------------------------------------------------------


def latex(term: Term) -> str:
    """A term or relation, for use in mathematics mode."""
    return unbroken(_tokens(term))[0].strip()


def _tokens(term: Term) -> tuple[Token, ...]:
    printer = _Notation(term)
    return printer.signed(printer.box(term)).tokens


def _left(left: Term | Slope) -> Token:
    """J, h, or a derivative."""
    above, below = (left, None) if isinstance(left, Term) else left
    text, width = unbroken(_tokens(above))
    if below is None:
        return Token(text, width)
    under, wide = unbroken(_tokens(below))
    return Token(rf"\frac{{\partial {text}}}{{\partial {under}}}", max(width, wide) + LETTER + 3)


def equation(step: ProofStep) -> str:
    r"""The statement of a step on one line: ``\frac{\partial J}{\partial z} = h - y``."""
    return f"{_left(step.left).text} = {latex(step.right)}"


def display(proof: Proof) -> str:
    """All steps as one aligned block; a left side that repeats is left out."""
    rows, before = [], None
    for step in proof.steps:
        rows += _rows(step.left, step.right, step.left != before)
        before = step.left
    return _aligned(rows)


def _aligned(rows: Sequence[str]) -> str:
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def _rows(left: Term | Slope, right: Term, is_new: bool = True) -> list[str]:
    """left &= right, in several lines where one is too narrow."""
    head = _left(left)
    room = LINE - head.width - 14
    rows = [_row(row) for row in lines(_tokens(right), room, room - 20)]
    return [f"{head.text if is_new else ''} &= {rows[0]}".lstrip(), *(rf"&\quad {{}}{row}" for row in rows[1:])]


def _row(tokens: Sequence[Token]) -> str:
    r"""One line of a broken formula; a bracket that is not closed on it gets a fixed size, as \left needs its \right."""
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


def _shown(left: Term | Slope, right: Term) -> str:
    """A display of one equation."""
    rows = _rows(left, right)
    body = rows[0].replace("&", "", 1) if len(rows) == 1 else _aligned(rows)
    return f"\\[\n{body}\n\\]"


# ---- the sheet ---------------------------------------------------------------------------------------------

PREAMBLE = r"""\documentclass[a4paper]{article}
\usepackage{amsmath,amsthm,booktabs}
\setlength{\textwidth}{150mm}
\setlength{\oddsidemargin}{4.6mm}
\setlength{\textheight}{240mm}
\setlength{\topmargin}{-15mm}
\setlength{\emergencystretch}{3em}
\setlength{\parindent}{0pt}
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


def _say(pieces: Iterable[Piece]) -> str:
    return "".join(_piece(p) for p in pieces)


def _piece(piece: Piece) -> str:
    if isinstance(piece, str):
        return _words(piece)
    if isinstance(piece, Decimal):
        return f"${_words(piece.digits)}$"
    return f"${latex(piece) if isinstance(piece, Term) else _left(piece).text}$"


def _title(proof: Proof) -> Iterator[str]:
    yield "\\begin{center}\\Large\\bfseries " + _say(explain.title(proof)) + "\\end{center}"


def _definitions(proof: Proof) -> Iterator[str]:
    """The table of what is given."""
    yield "\\begin{center}\n\\begin{tabular}{@{}lp{0.8\\textwidth}@{}}\n\\toprule"
    for label, step in zip(("Loss", "Activation"), proof.steps, strict=False):
        yield rf"{label} & $\displaystyle {_cell(step)}$ \\[1ex]"
    for label, words in explain.setting(proof):
        yield rf"{label} & {_say(words)} \\"
    yield "\\bottomrule\n\\end{tabular}\n\\end{center}"


def _cell(step: ProofStep) -> str:
    rows = _rows(step.left, step.right)
    return rows[0].replace("&", "", 1) if len(rows) == 1 else _aligned(rows)


def _theorem(proof: Proof) -> Iterator[str]:
    last = proof.steps[-1]
    yield "\\begin{statement}\nWith these definitions"
    if proof.hypotheses:
        yield "and if " + _say(explain.listed(proof.hypotheses)) + ","
    yield _shown(last.left, last.right) + "\n\\end{statement}"


def _steps(proof: Proof) -> Iterator[str]:
    yield "\\begin{proof}\\leavevmode\n\\begin{enumerate}\n\\renewcommand{\\labelenumi}{(\\theenumi)}"
    for step in proof.steps:
        yield "\\item " + _say(explain.reason(step)) + "\n" + _shown(step.left, step.right)
    yield "\\end{enumerate}\n\\end{proof}"


def _notes(proof: Proof) -> Iterator[str]:
    for label, words in explain.notes(proof):
        if label != "Assumes":
            yield f"\\paragraph{{{_words(label)}.}} {_say(words)}\n"


def _hypotheses(proof: Proof) -> Iterator[str]:
    yield "\\paragraph{Hypotheses.}"
    if not proof.hypotheses:
        yield "None beyond the domain.\n"
        return
    yield "\\begin{itemize}"
    yield from (f"\\item {_say(explain.listed((h,)))}" for h in proof.hypotheses)
    yield "\\end{itemize}"


def _obligations(proof: Proof) -> Iterator[str]:
    """What had to hold for a step, and why it does."""
    found = {o: step.n for step in reversed(proof.steps) for o in step.theorem.obligations if o.facts}
    if not found:
        return
    yield "\\paragraph{Obligations discharged.}\n{\\small\\begin{itemize}\\setlength{\\itemsep}{0pt}"
    for obligation, n in sorted(found.items(), key=lambda entry: entry[1]):
        facts = explain.listed(dict.fromkeys(obligation.facts))
        yield f"\\item ({n}) {_say((obligation.claim, ' because ', *facts))}."
    yield "\\end{itemize}}"
