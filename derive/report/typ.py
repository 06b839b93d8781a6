"""Terms in Typst, and their widths; imports layout and terms, and the widths of letters from tex.

No text of a user reaches Typst but through ``Notation.name``, which lets letters and digits pass, and ``escaped``.
Every token ends where Typst would not read on: "sigma (z)" is no call, "h y" are two letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from derive.report.layout import EXAMPLES, GREEK, OPERAND, POWER, PRODUCT, SUM, Box, Marks, Printer, Scope
from derive.report.lines import Token, lines, nested, unbroken
from derive.report.tex import BRACKET, DIGIT, LETTER, SMALL, WORD, letters
from derive.report.words import Slope
from derive.term import Term

MARKS = Marks(
    Token(" + ", 13, 0),
    Token(" - ", 13, 0),
    Token("-", 8),
    Token(" dot.op ", 7, 0),
    {op: op for op in ("<", "<=", ">", ">=", "=", "!=")},
)
OPERATORS = {  # written without brackets before a single letter
    **{name: name for name in ("log", "sin", "cos", "sinh", "cosh", "tanh")},
    "atan": "arctan",
    "erf": 'op("erf")',
}
FUNCTIONS = {"sigmoid": "sigma", "phi": "phi.alt", "Phi": "Phi", "pi": "pi", "exp": "exp"}
RAISED_NAMES = ("sin", "cos", "sinh", "cosh", "tanh")  # tanh^2 z
COMMA = Token(" comma ", 4)
LATE = 6  # the level of a break between factors: where nothing else fits
LINE = 425  # points of a line of text
LARGE = "2.4em"  # the height of a bracket that is closed on another line


class Notation(Printer):
    """Terms in Typst for lines of a width; ``slashed``: low enough for an exponent or prose, 1/2 and no fraction."""

    marks = MARKS
    digit = DIGIT

    def __init__(self, whole: Term, slashed: bool = False, line: int = LINE) -> None:
        super().__init__(whole)
        self.slashed, self.line = slashed, line
        self.widest, self.widest_case = 2 * line // 3, line // 2  # beyond which a numerator and a case are broken
        if not slashed:
            self.small = Notation(whole, slashed=True, line=line)

    def name(self, name: str) -> Token:
        plain = letters(name).replace("\\", "")
        if name in GREEK:
            return Token(name, LETTER)
        if len(plain) == 1 or plain.isdigit():
            return Token(plain, LETTER * len(plain))
        return Token(f'"{plain}"', WORD * len(plain))

    def element(self, name: str, classes: Sequence[Token], examples: Sequence[Token]) -> Box:
        base, (below, under), (above, over) = self.name(name), _run(classes), _run(examples)
        text = base.text + (f"_({below})" if below else "") + (f"^(({above}))" if above else "")
        return Box((Token(text, base.width + max(under, over + 6 if above else 0)),))

    def delta(self, i: Token, j: Token) -> Box:
        text, width = _run((i, j))
        return Box((Token(f"delta_({text})", LETTER + width),))

    def fraction(self, above: Box | None, below: Box) -> Box:
        over, under = (self.signed(above) if above else Box((Token("1", DIGIT),))), self.signed(below)
        if self.slashed:
            return self._slash(over, under)
        (a, wide), (b, wide_below) = unbroken(over.tokens), unbroken(under.tokens)
        if wide_below > self.widest:
            return self._beside(over if above else None, under)
        if wide > self.widest or (over.strength == SUM and over.tall):  # a fraction in a fraction is hard to read
            head, row = self.fraction(None, below), self.brackets(over) if over.strength == SUM else over
            return Box((*head.tokens, Token(" ", 1), *nested(row.tokens)), PRODUCT, tall=True, greedy=row.greedy)
        return Box((Token(f"frac({a}, {b})", max(wide, wide_below) + 7),), PRODUCT, tall=True, fraction=True)

    def _slash(self, over: Box, under: Box) -> Box:
        over = self.brackets(over) if over.strength < PRODUCT or over.greedy or over.fraction else over
        under = self.brackets(under) if under.strength < POWER else under
        return Box((*over.tokens, Token(r"\/", DIGIT), *under.tokens), PRODUCT, fraction=True)

    def _beside(self, over: Box | None, under: Box) -> Box:
        """What would be a fraction with too wide a denominator, as a (b)^(-1), which can be broken."""
        *start, last = self.brackets(under).tokens
        inverse = (*start, Token(f"{last.text}^(-1)", last.width + 8))
        if over is None:
            return Box(inverse, POWER, tall=under.tall)
        row = self.brackets(over) if over.strength < PRODUCT or over.greedy else over
        return Box((*nested(row.tokens), MARKS.times, *inverse), PRODUCT, tall=over.tall or under.tall)

    def raised(self, base: Term, exponent: Term, scope: Scope) -> Box:
        above, wide = self._small(exponent, scope)
        if base.kind == "call" and base.args[0] in RAISED_NAMES and above.isdigit():
            return self._operator(f"{base.args[0]}^({above})", base.args[1], scope)
        below = self.at(base, OPERAND, scope)
        if base.kind == "item" and any(i.args[1] == EXAMPLES for i in base.args[1:]):
            below = self.brackets(below)
        *start, last = below.tokens
        return Box((*start, Token(f"{last.text}^({above})", last.width + wide + 2)), POWER, tall=below.tall)

    def _small(self, term: Term, scope: Scope) -> tuple[str, int]:
        """An exponent: its text, and its width in a smaller font."""
        printer = self if self.slashed else self.small
        text, width = unbroken(printer.signed(printer.box(term, scope)).tokens)
        return text, width * 7 // 10

    def summation(self, name: Token, over: Token) -> Token:
        return Token(f"sum_({name.text} = 1)^({over.text}) ", 20)

    def summand(self, box: Box) -> Box:
        return self.brackets(box) if MARKS.times in {t._replace(level=0) for t in box.tokens if t.level == 0} else box

    def joint(self, left: Box, right: Box, apart: bool) -> Token:
        start, end = right.tokens[0].text, left.tokens[-1].text
        if apart or start[0].isdigit() or left.fraction + right.fraction > (not self.slashed):
            return MARKS.times
        is_wide = (left.fraction and not start.startswith("(")) or start.startswith('"') or end.endswith('"')
        return Token(" thin " if is_wide else " ", 2, LATE)

    def brackets(self, box: Box) -> Box:
        width = 2 * BRACKET if box.tall else BRACKET
        return Box((Token("(", width), *nested(self.signed(box).tokens), Token(")", width)), tall=box.tall)

    def applied(self, name: str, arguments: Sequence[Term], scope: Scope) -> Box:
        if not arguments:
            return Box((Token(FUNCTIONS.get(name, self.name(name).text), LETTER),))
        if name in OPERATORS:
            return self._operator(OPERATORS[name], arguments[0], scope)
        if name == "exp" and not any(_is_tall(t) for t in arguments):
            above, wide = self._small(arguments[0], scope)
            return Box((Token(f"e^({above})", DIGIT + wide + 1),), POWER)
        inside = [self.signed(self.box(t, scope)) for t in arguments]
        if name in ("sqrt", "abs"):
            text, width = unbroken(inside[0].tokens)
            strength = POWER if name == "sqrt" else OPERAND
            return Box((Token(f"{name}({text})", width + 9),), strength, tall=inside[0].tall)
        commas = [t for n, b in enumerate(inside) for t in ((COMMA,) * (n > 0) + nested(b.tokens))]
        row = self.brackets(Box(tuple(commas), tall=any(b.tall for b in inside)))
        return Box((Token(f"{self._head(name)} ", LETTER * max(1, len(name) // 2)), *row.tokens), tall=row.tall)

    def _head(self, name: str) -> str:
        """The sign of a function; F', psi' and so on keep their primes, and Li2 its number as a subscript."""
        stem = name.rstrip("'")
        primes = name[len(stem) :]
        if stem in FUNCTIONS:
            return FUNCTIONS[stem] + primes
        if stem in GREEK or len(stem) == 1:
            return self.name(stem).text + primes
        base, number = re.fullmatch(r"(.*?)([0-9]*)", letters(stem).replace("\\", "")).groups()  # type: ignore[union-attr]
        word = base if len(base) == 1 else f'op("{base or "x"}")'
        return word + primes + (f"_({number})" if number else "")

    def _operator(self, head: str, argument: Term, scope: Scope) -> Box:
        """log h, or log(1 - h)."""
        inside, width = self.box(argument, scope), WORD * len(head.strip("\\")[:6]) - LETTER
        single = argument.kind in ("var", "item", "size") or (argument.kind == "num" and inside.strength == OPERAND)
        if single and not inside.negative:
            return Box((Token(f"{head} ", width + 2), *inside.tokens), POWER, greedy=True)
        row = self.brackets(inside)
        return Box((Token(f"{head} ", width), *row.tokens), POWER, tall=row.tall)

    def cases(self, rows: Sequence[tuple[Box, Box]], otherwise: Box) -> Box:
        if self.slashed:
            return self._cases_inline(rows, otherwise)
        found = [self._case(value.tokens, (Token('"if" thick ', 14), *condition.tokens)) for value, condition in rows]
        found.append(self._case(otherwise.tokens, (Token('"otherwise"', 45),)))
        width = max(wide for _, wide, _ in found) + max(wide for _, _, wide in found) + 25
        return Box((Token(environment([text for text, _, _ in found]), width),), SUM, tall=True)

    def _case(self, value: Sequence[Token], condition: Sequence[Token]) -> tuple[str, int, int]:
        """A case with the widths of its columns; a value that is too wide is broken, its condition below it."""
        (text, wide), (test, beside) = unbroken(value), unbroken(condition)
        if wide + beside <= self.widest_case:
            return f"display({text}) & quad {test}", wide, beside + 10
        parts = lines(value, self.widest, self.widest - 20)
        text = ", ".join(f"{'quad ' * (n > 0)}display({row(part)})" for n, part in enumerate(parts))
        widest = max(unbroken(part)[1] + 20 * (n > 0) for n, part in enumerate(parts))
        return f"{text}, quad {test}", max(widest, beside + 10), 0

    def _cases_inline(self, rows: Sequence[tuple[Box, Box]], otherwise: Box) -> Box:
        """The cases in braces, for a line of prose."""
        found = [Token("{", BRACKET)]
        for value, condition in rows:
            found += [*nested(value.tokens), Token(' thick "if" thick ', 16, 1), *nested(condition.tokens)]
            found.append(Token(" comma thick ", 6, 0))
        return Box((*found, Token('"else" thick ', 20), *nested(otherwise.tokens), Token("}", BRACKET)))


def environment(rows: Sequence[str]) -> str:
    """Rows as cases; with room for fractions and sums."""
    gap = "0.8em" if any("frac(" in row or "sum_" in row for row in rows) else "0.5em"
    return f"cases(gap: #{gap}, {', '.join(rows)})"


def row(tokens: Sequence[Token]) -> str:
    """One line of a broken formula; between factors a sign is put where it starts.

    A bracket that is not closed on it is a sign of its own, as Typst would look for the other one.
    """
    texts, opened = [t.text for t in tokens], list[int]()
    if tokens[0].level is not None and texts[0].strip() in ("", "thin"):
        texts[0] = MARKS.times.text
    for n, text in enumerate(texts):
        if text == "(":
            opened.append(n)
        elif text.startswith(")") and opened:
            opened.pop()
        elif text.startswith(")"):
            texts[n] = f" {_lonely('paren.r', tokens[n])}{text[1:]} "
    for n in opened:
        texts[n] = f" {_lonely('paren.l', tokens[n])} "
    return "".join(texts).strip()


def _lonely(bracket: str, token: Token) -> str:
    is_large = token.width - BRACKET >= BRACKET
    return f"lr(size: #{LARGE}, {bracket})" if is_large else bracket


def _is_tall(term: Term) -> bool:
    """Whether an exponent would be hard to read in small print."""
    return term.kind in ("sum", "where") or any(_is_tall(t) for t in term.args if isinstance(t, Term))


def _run(names: Sequence[Token]) -> tuple[str, int]:
    """Names as one subscript: k j, or k1 comma j where letters alone would be misread."""
    comma = " " if all(t.width == LETTER for t in names) else " comma "
    return comma.join(t.text for t in names), SMALL * len(names)


# ---- in a document -----------------------------------------------------------------------------------


def tokens(term: Term, slashed: bool = False, line: int = LINE) -> tuple[Token, ...]:
    printer = Notation(term, slashed, line)
    return printer.signed(printer.box(term)).tokens


def typst(term: Term) -> str:
    """A term or relation, for use in mathematics mode."""
    return unbroken(tokens(term))[0].strip()


def inline(term: Term) -> str:
    """The same for a line of prose."""
    return unbroken(tokens(term, slashed=True))[0].strip()


def left_side(left: Term | Slope) -> Token:
    """J, h, or a derivative."""
    if isinstance(left, Term):
        return Token(*unbroken(tokens(left)))
    (above, width), (below, wide) = (unbroken(tokens(t)) for t in left[:2])
    if len(left) == 2:
        return Token(f"frac(partial {above}, partial {below})", max(width, wide) + LETTER + 3)
    below = f"({below})" if "^" in below else below
    text = f"frac(partial^({left[2]}) {above}, partial {below}^({left[2]}))"
    return Token(text, max(width, wide) + LETTER + 8)


def rows(left: Term | Slope, right: Term, is_new: bool = True, line: int = LINE) -> list[str]:
    """left &= right, in several lines where one is too narrow."""
    head = left_side(left)
    room = line - head.width - 14
    found = [row(part) for part in lines(tokens(right, line=line), room, room - 20)]
    return [f"{head.text if is_new else ''} &= {found[0]}".lstrip(), *(f'&quad "" {part}' for part in found[1:])]


def broken(term: Term, line: int = LINE) -> Iterator[str]:
    """A formula in several lines where one is too narrow."""
    first, *rest = lines(tokens(term, line=line), line - 20, line - 40)
    yield f"&{row(first)}"
    yield from (f'&quad "" {row(part)}' for part in rest)


def escaped(text: str) -> str:
    """Any text as Typst markup that shows it; what is not printable ASCII is shown as a question mark."""
    return "".join(c if c.isalnum() or c in " ," else f"\\{c}" for c in re.sub("[^ -~]", "?", text))
