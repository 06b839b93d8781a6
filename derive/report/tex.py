"""Terms in LaTeX, and their widths; imports layout and terms only.

No text of a user reaches TeX but through ``Notation.name`` and ``letters``, which let letters and digits
pass. Widths are points in a font of 10 points, and are estimates.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from derive.report.layout import EXAMPLES, GREEK, OPERAND, POWER, PRODUCT, SUM, Box, Marks, Printer, Scope
from derive.report.lines import Token, nested, unbroken
from derive.term import Term

MARKS = Marks(
    Token(" + ", 13, 0),
    Token(" - ", 13, 0),
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
LETTER, DIGIT, SMALL, BRACKET, WORD = 6, 5, 4, 4, 6


class Notation(Printer):
    """Terms in LaTeX; ``slashed``: low enough for an exponent or a line of prose, 1/2 instead of a fraction."""

    marks = MARKS

    def __init__(self, whole: Term, slashed: bool = False) -> None:
        super().__init__(whole)
        self.slashed = slashed
        if not slashed:
            self.small = Notation(whole, slashed=True)

    def name(self, name: str) -> Token:
        plain = letters(name)
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
        if self.slashed:
            over = self.brackets(over) if over.strength < PRODUCT or over.greedy or over.fraction else over
            under = self.brackets(under) if under.strength < POWER else under
            return Box((*over.tokens, Token("/", DIGIT), *under.tokens), PRODUCT, fraction=True)
        if over.tall and over.strength == SUM:  # a fraction in a fraction is hard to read
            head, row = self.fraction(None, below), self.brackets(over)
            return Box((*head.tokens, *row.tokens), PRODUCT, tall=True)
        (a, wide), (b, wide_below) = unbroken(over.tokens), unbroken(under.tokens)
        token = Token(rf"\frac{{{a.strip()}}}{{{b.strip()}}}", max(wide, wide_below) + 4)
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
        printer = self if self.slashed else self.small
        text, width = unbroken(printer.signed(printer.box(term, scope)).tokens)
        return text.strip(), width * 7 // 10

    def summation(self, name: Token, over: Token) -> Token:
        return Token(rf"\sum_{{{name.text.strip()}=1}}^{{{over.text.strip()}}} ", 20)

    def summand(self, box: Box) -> Box:
        return self.brackets(box) if MARKS.times in {t._replace(level=0) for t in box.tokens if t.level == 0} else box

    def joint(self, left: Box, right: Box, apart: bool) -> Token:
        start, end = right.tokens[0].text, left.tokens[-1].text
        fractions = left.fraction + right.fraction
        if apart or start[0].isdigit() or fractions > (not self.slashed):
            return MARKS.times
        if start.startswith(("(", r"\left(")):
            return Token("", 0)
        wide = left.fraction or start.startswith(r"\mathrm") or end.startswith(r"\mathrm")
        return Token(r"\," if wide else " ", 2)

    def brackets(self, box: Box) -> Box:
        opening, closing = (r"\left(", r"\right)") if box.tall and not self.slashed else ("(", ")")
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
        head = FUNCTIONS.get(name) or (r"\exp" if name == "exp" else rf"\operatorname{{{letters(name)}}}")
        commas = [t for n, b in enumerate(inside) for t in ((Token(", ", 4),) * (n > 0) + nested(b.tokens))]
        tall = any(b.tall for b in inside)
        row = self.brackets(Box(tuple(commas), tall=tall))
        return Box((Token(head, LETTER * max(1, len(name) // 2)), *row.tokens), tall=tall)

    def _operator(self, head: str, argument: Term, scope: Scope) -> Box:
        """log h, or log(1 - h)."""
        inside, token = self.box(argument, scope), Token(head, WORD * len(head.strip("\\")[:6]) - LETTER)
        single = argument.kind in ("var", "item", "size") or (argument.kind == "num" and inside.strength == OPERAND)
        if single and not inside.negative:
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
        return Box(
            (Token(rf"\begin{{cases}} {rows} \end{{cases}}", max(wide + test, other + 30) + 35),), SUM, tall=True
        )


def letters(name: str) -> str:
    """What TeX may see of a name."""
    return re.sub(r"[^A-Za-z0-9]", "", name) or "x"


def _is_tall(term: Term) -> bool:
    """Whether an exponent would be hard to read in small print."""
    return term.kind in ("sum", "where") or any(_is_tall(t) for t in term.args if isinstance(t, Term))


def _run(names: Sequence[Token]) -> tuple[str, int]:
    """Names as one subscript: kj, or k1,j where letters alone would be misread."""
    comma = "" if all(t.width == LETTER for t in names) else ","
    return comma.join(t.text for t in names).strip(), SMALL * len(names)


def _braced(text: str) -> str:
    return text if len(text) == 1 else f"{{{text}}}"


def latex(term: Term) -> str:
    """A term or relation, for use in mathematics mode."""
    return unbroken(tokens(term))[0].strip()


def inline(term: Term) -> str:
    """The same for a line of prose."""
    return unbroken(tokens(term, slashed=True))[0].strip()


def tokens(term: Term, slashed: bool = False) -> tuple[Token, ...]:
    printer = Notation(term, slashed)
    return printer.signed(printer.box(term)).tokens


def left_side(left: Term | tuple[Term, Term]) -> Token:
    """J, h, or a derivative."""
    above, below = (left, None) if isinstance(left, Term) else left
    text, width = unbroken(tokens(above))
    if below is None:
        return Token(text, width)
    under, wide = unbroken(tokens(below))
    return Token(rf"\frac{{\partial {text}}}{{\partial {under}}}", max(width, wide) + LETTER + 3)
