"""Terms in LaTeX, and their widths; imports layout and terms only.

No text of a user reaches TeX but through ``Notation.name`` and ``letters``, which let letters and digits
pass. Widths are points in a font of 10 points, and are estimates.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from derive.report.layout import EXAMPLES, GREEK, OPERAND, POWER, PRODUCT, SUM, Box, Marks, Printer, Scope
from derive.report.lines import Token, lines, nested, unbroken
from derive.report.words import Slope
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
FUNCTIONS = {"sigmoid": r"\sigma", "phi": r"\phi", "Phi": r"\Phi", "pi": r"\pi", "exp": r"\exp"}
BREAK, HIGH_BREAK = r" \\ ", r" \\[1ex] "
LATE = 6  # the level of a break between factors: where nothing else fits
WIDE, WIDE_CASE = 280, 220  # points of a numerator and of a case beyond which it must be broken
RAISED_NAMES = ("sin", "cos", "sinh", "cosh", "tanh")  # tanh^2 z
_NUMERATOR = re.compile(r"\\frac\{[0-9]")
LETTER, DIGIT, SMALL, BRACKET, WORD = 6, 5, 4, 5, 6


class Notation(Printer):
    """Terms in LaTeX; ``slashed``: low enough for an exponent or a line of prose, 1/2 instead of a fraction."""

    marks = MARKS
    digit = DIGIT

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
        return Token(rf"\mathrm{{{plain}}}", WORD * len(name))

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
        (a, wide), (b, wide_below) = unbroken(over.tokens), unbroken(under.tokens)
        if wide_below > WIDE:
            return self._beside(over if above else None, under)
        if over.strength == SUM and (over.tall or wide > WIDE):  # a fraction in a fraction is hard to read
            return self._after(self.fraction(None, below), self.brackets(over))
        if wide > WIDE:
            return self._after(self.fraction(None, below), over)
        token = Token(rf"\frac{{{a.strip()}}}{{{b.strip()}}}", max(wide, wide_below) + 7)
        return Box((token,), PRODUCT, tall=True, fraction=True)

    def _after(self, head: Box, over: Box) -> Box:
        """What would be too wide above the line, behind the fraction."""
        row = (*head.tokens, self.joint(head, over, False), *nested(over.tokens))
        return Box(row, PRODUCT, tall=True, greedy=over.greedy)

    def _beside(self, over: Box | None, under: Box) -> Box:
        """What would be a fraction with too wide a denominator, as a (b)^{-1}, which can be broken."""
        *start, last = self.brackets(under).tokens
        inverse = Box((*start, Token(f"{last.text}^{{-1}}", last.width + 8)), POWER, tall=under.tall)
        if over is None:
            return inverse
        row = self.brackets(over) if over.strength < PRODUCT or over.greedy else over
        tokens = (*nested(row.tokens), self.joint(row, inverse, False), *inverse.tokens)
        return Box(tokens, PRODUCT, tall=over.tall or under.tall)

    def raised(self, base: Term, exponent: Term, scope: Scope) -> Box:
        above, wide = self._small(exponent, scope)
        if base.kind == "call" and base.args[0] in RAISED_NAMES and above.isdigit():
            return self._operator(rf"\{base.args[0]}^{_braced(above)}", base.args[1], scope)
        below = self.at(base, OPERAND, scope)
        if base.kind == "item" and any(i.args[1] == EXAMPLES for i in base.args[1:]):
            below = self.brackets(below)
        *start, last = below.tokens
        token = Token(f"{last.text.rstrip()}^{_braced(above)}", last.width + wide + 2)
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
        mixed = end[-1].isdigit() and _NUMERATOR.match(start)  # 2 1/2 would be read as a number
        if apart or mixed or start[0].isdigit() or (self.slashed and (left.fraction or right.fraction)):
            return MARKS.times
        if start.startswith(("(", r"\left(")):
            return Token("", 0, LATE)
        wide = left.fraction or start.startswith(r"\mathrm") or end.startswith(r"\mathrm")
        return Token(r"\," if wide else " ", 2, LATE)

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
            return Box((Token(f"e^{_braced(above)}", DIGIT + wide + 1),), POWER)
        inside = [self.signed(self.box(t, scope)) for t in arguments]
        if name in ("sqrt", "abs"):
            return self._enclosed(name, inside[0])
        head = self._head(name)
        commas = [t for n, b in enumerate(inside) for t in ((Token(", ", 4),) * (n > 0) + nested(b.tokens))]
        tall = any(b.tall for b in inside)
        row = self.brackets(Box(tuple(commas), tall=tall))
        return Box((Token(head, LETTER * max(1, len(name) // 2)), *row.tokens), tall=tall)

    def _head(self, name: str) -> str:
        r"""The sign of a function; F', psi' and so on keep their primes, and \operatorname{Li}_2 its number."""
        stem = name.rstrip("'")
        primes = name[len(stem) :]
        if stem in FUNCTIONS:
            return FUNCTIONS[stem] + primes
        if stem in GREEK or len(stem) == 1:
            return self.name(stem).text.strip() + primes
        base, number = re.fullmatch(r"(.*?)([0-9]*)", letters(stem)).groups()  # type: ignore[union-attr]
        word = base if len(base) == 1 else rf"\operatorname{{{base or 'x'}}}"
        return word + (f"_{_braced(number)}" if number else "") + primes

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

    def cases(self, rows: Sequence[tuple[Box, Box]], otherwise: Box) -> Box:
        if self.slashed:
            return self._cases_inline(rows, otherwise)
        shown = [_case(value.tokens, Token(r"\text{if } ", 12), condition.tokens) for value, condition in rows]
        shown.append(_case(otherwise.tokens, Token(r"\text{otherwise}", 45), ()))
        width = max(wide for _, wide, _ in shown) + max(wide for _, _, wide in shown) + 25
        return Box((Token(environment([text for text, _, _ in shown]), width),), SUM, tall=True)

    def _cases_inline(self, rows: Sequence[tuple[Box, Box]], otherwise: Box) -> Box:
        """The cases in braces, for a line of prose."""
        found = [Token(r"\{", BRACKET)]
        for value, condition in rows:
            found += [*nested(value.tokens), Token(r" \text{ if } ", 16, 1), *nested(condition.tokens)]
            found.append(Token(r",\ ", 6, 0))
        return Box((*found, Token(r"\text{else } ", 20), *nested(otherwise.tokens), Token(r"\}", BRACKET)))


def _case(value: Sequence[Token], mark: Token, condition: Sequence[Token]) -> tuple[str, int, int]:
    """A row of cases with the widths of its columns; a value that is too wide is broken, its condition below it."""
    (text, wide), (test, beside) = unbroken(value), unbroken((mark, *condition))
    if wide + beside <= WIDE_CASE:
        return f"{text.strip()} & {test.strip()}", wide, beside
    parts = lines(value, WIDE, WIDE - 20)
    text = r" \\ \quad {}".join(row(part) for part in parts)
    widest = max(unbroken(part)[1] + 20 * (n > 0) for n, part in enumerate(parts))
    return rf"{text} \\ \quad {test.strip()}", max(widest, beside + 10), 0


def environment(rows: Sequence[str]) -> str:
    """Rows as cases; with room for fractions and sums."""
    high = any(r"\frac" in row or r"\sum" in row for row in rows)
    if high:
        rows = [r"\displaystyle " + row.replace(r"\\ ", r"\\[1ex] \displaystyle ") for row in rows]
    return rf"\begin{{cases}} {(HIGH_BREAK if high else BREAK).join(rows)} \end{{cases}}"


def row(tokens: Sequence[Token]) -> str:
    r"""One line of a broken formula; between factors a sign is put where it starts.

    A bracket that is not closed on it gets a fixed size: \left needs its \right.
    """
    texts, opened = [t.text for t in tokens], []
    if tokens[0].level is not None and texts[0] in ("", " ", r"\,"):
        texts[0] = MARKS.times.text
    for n, text in enumerate(texts):
        if text == r"\left(":
            opened.append(n)
        elif text.startswith(r"\right)"):
            if opened:
                opened.pop()
            else:
                texts[n] = r"\biggr)" + text[len(r"\right)") :]
    for n in opened:
        texts[n] = r"\biggl("
    return "".join(texts).strip()


def letters(name: str) -> str:
    """What TeX may see of a name."""
    return re.sub(r"[^A-Za-z0-9_]", "", name).replace("_", r"\_") or "x"


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
    r"""A term or relation, for use in mathematics mode; ``syntax.parse(text, symbols, "latex")`` reads it back.

    A term without a variable e and without 1/0 is read as itself, but for what LaTeX does not show: where the sign of
    a product stands, how factors are put together (a \cdot apart from others is read as a*(b*c) in a \cdot b c), x/y/z
    and x/(y*z), x^(-2) and 1/x^2, x^(1/2) and sqrt(x), 3*4^(-1) and 3/4, and a numerator too high or wide for its
    fraction, which stands behind it. The kernel proves that what is read is equal.
    """
    return unbroken(tokens(term))[0].strip()


def inline(term: Term) -> str:
    """The same for a line of prose."""
    return unbroken(tokens(term, slashed=True))[0].strip()


def tokens(term: Term, slashed: bool = False) -> tuple[Token, ...]:
    printer = Notation(term, slashed)
    return printer.signed(printer.box(term)).tokens


def left_side(left: Term | Slope) -> Token:
    """J, h, or a derivative."""
    if isinstance(left, Term):
        return Token(*unbroken(tokens(left)))
    (above, width), (below, wide) = (unbroken(tokens(t)) for t in left[:2])
    if len(left) == 2:
        return Token(rf"\frac{{\partial {above}}}{{\partial {below}}}", max(width, wide) + LETTER + 3)
    below = f"({below})" if "^" in below else below
    order = left[2]
    return Token(rf"\frac{{\partial^{order} {above}}}{{\partial {below}^{order}}}", max(width, wide) + LETTER + 8)
