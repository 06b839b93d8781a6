"""How a term is laid out in every notation: signs, fractions, brackets, line breaks; imports term only.

A ``Printer`` walks a term and joins boxes; a notation (text, LaTeX) says how a name, a power or a
fraction looks. A box is a row of tokens, so that a long formula can be broken at its outermost operators.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, count, pairwise
from typing import NamedTuple

from derive.language import GREEK as GREEK
from derive.language import RESERVED
from derive.report.lines import Token, nested
from derive.term import MINUS_ONE, ONE, Term, num, power, subterms

RELATION, SUM, PRODUCT, POWER, OPERAND = range(5)  # how strongly a box holds together
LETTERS = "klinpqrstuvwabcdfgox"
EXAMPLES = "m"  # an index over this size counts examples and is written as a superscript (i)
Scope = tuple[str, ...]  # names of the sums around a term, the innermost first


class Box(NamedTuple):
    """A printed term. ``negative``: a minus sign is due in front; ``greedy``: a factor behind it would be misread."""

    tokens: tuple[Token, ...]
    strength: int = OPERAND
    negative: bool = False
    tall: bool = False
    fraction: bool = False
    greedy: bool = False


class Marks(NamedTuple):
    """The signs of a notation that need no rule."""

    plus: Token
    minus: Token
    sign: Token
    times: Token
    relations: dict[str, str]


class Factors(NamedTuple):
    """Factors that stand together, and those below the line; ``apart``: they were a product of their own."""

    above: list[Term]
    below: list[Term]
    apart: bool = False


class Printer:
    """Boxes of one whole term; a notation gives what is left open here."""

    marks: Marks
    digit = 1  # the width of one

    def __init__(self, whole: Term) -> None:
        self.taken = occupied(whole)
        self.known: dict[tuple[Term, Scope], Box] = {}

    # -- what a notation says

    def name(self, name: str) -> Token:
        raise NotImplementedError

    def element(self, name: str, classes: Sequence[Token], examples: Sequence[Token]) -> Box:
        raise NotImplementedError

    def fraction(self, above: Box | None, below: Box) -> Box:
        raise NotImplementedError

    def raised(self, base: Term, exponent: Term, scope: Scope) -> Box:
        """A power that is no fraction and no root."""
        raise NotImplementedError

    def summation(self, name: Token, over: Token) -> Token:
        raise NotImplementedError

    def summand(self, box: Box) -> Box:
        """The body of a sum, in brackets where it could be read as ending early."""
        return box

    def joint(self, left: Box, right: Box, apart: bool) -> Token:
        """What stands between two factors."""
        raise NotImplementedError

    def brackets(self, box: Box) -> Box:
        raise NotImplementedError

    def applied(self, name: str, arguments: Sequence[Term], scope: Scope) -> Box:
        """A function, a root (sqrt) or a constant."""
        raise NotImplementedError

    def delta(self, i: Token, j: Token) -> Box:
        raise NotImplementedError

    def cases(self, rows: Sequence[tuple[Box, Box]], otherwise: Box) -> Box:
        """Values with their conditions, and the value where none of them holds."""
        raise NotImplementedError

    # -- the walk

    def box(self, term: Term, scope: Scope = ()) -> Box:
        """The box; those of inner terms are made first, so that depth costs no recursion."""
        if (term, scope) not in self.known:
            for part, around in reversed(self._parts(term, scope)):
                if (part, around) not in self.known:
                    self.known[part, around] = getattr(self, f"_{part.kind}")(part, around)
        return self.known[term, scope]

    def _parts(self, term: Term, scope: Scope) -> list[tuple[Term, Scope]]:
        """The term and all terms in it, the outer ones before the inner ones."""
        found = [(term, scope)]
        for part, around in found:
            inside = (self.free_name(part.hint, around), *around) if part.kind == "sum" else around
            found.extend((a, inside) for a in part.args if isinstance(a, Term))
        return found

    def at(self, term: Term, floor: int, scope: Scope) -> Box:
        """The box, in brackets where it holds together less than ``floor`` or has a sign."""
        box = self.box(term, scope)
        return self.brackets(box) if box.strength < floor or box.negative else box

    def signed(self, box: Box) -> Box:
        """The box with its sign in sight."""
        if not box.negative:
            return box
        return box._replace(tokens=(self.marks.sign, *box.tokens), strength=SUM, negative=False)

    def _var(self, term: Term, scope: Scope) -> Box:
        return Box((self.name(term.args[0]),))

    _size = _index = _var

    def _bound(self, term: Term, scope: Scope) -> Box:
        return Box((self.name(scope[term.args[0]]),))

    def _item(self, term: Term, scope: Scope) -> Box:
        name, *indices = term.args
        shown = [(i.args[1] == EXAMPLES, self.box(i, scope).tokens[0]) for i in indices]
        return self.element(name, [t for up, t in shown if not up], [t for up, t in shown if up])

    def _num(self, term: Term, scope: Scope) -> Box:
        value = term.args[0]
        above, below = (Box((Token(str(n), self.digit * len(str(n))),)) for n in (abs(value.p), value.q))
        box = above if value.q == 1 else self.fraction(above, below)
        return box._replace(negative=value < 0)

    def _add(self, term: Term, scope: Scope) -> Box:
        tokens: list[Token] = []
        boxes = [self.box(t, scope) for t in term.args]
        for box in boxes:
            shown = self.brackets(box) if box.strength < PRODUCT else box
            if tokens:
                tokens.append(self.marks.minus if box.negative else self.marks.plus)
            elif box.negative:
                tokens.append(self.marks.sign)
            tokens.extend(nested(shown.tokens))
        return Box(tuple(tokens), SUM, tall=any(b.tall for b in boxes))

    def _mul(self, term: Term, scope: Scope) -> Box:
        first, *rest = term.args
        negative = first.kind == "num" and first.args[0] < 0
        if negative:
            first = num(-first.args[0])
        groups = grouped(rest if negative and first == ONE and rest else [first, *rest])
        is_apart = any(_is_product(f) for g in groups for f in g.above if g.apart)
        if is_apart:  # a product of products: a sign of multiplication between all of them
            groups = _single(groups)
        boxes = [self._group(g, scope, n == 0) for n, g in enumerate(groups)]
        negative ^= boxes[0].negative
        apart = [is_apart] * (len(groups) - 1)
        return self._joined([boxes[0]._replace(negative=False), *boxes[1:]], apart)._replace(negative=negative)

    def _group(self, group: Factors, scope: Scope, is_first: bool) -> Box:
        """The factors above the line over those below; the sign of the very first factor may move out."""
        negative, above = False, None
        if group.above:
            boxes = [self.box(t, scope) for t in group.above]
            negative = is_first and boxes[0].negative
            boxes[0] = boxes[0]._replace(negative=boxes[0].negative and not negative)
            above = boxes[0] if len(boxes) == 1 and group.below else self._joined(boxes, [False] * len(boxes))
        if group.below:
            below = [self.box(t, scope) for t in group.below]
            above = self.fraction(above, below[0] if len(below) == 1 else self._joined(below, [False] * len(below)))
        assert above is not None
        return above._replace(negative=negative)

    def _joined(self, boxes: Sequence[Box], apart: Sequence[bool]) -> Box:
        """Factors side by side."""
        safe = [self._factor(b, n == len(boxes) - 1) for n, b in enumerate(boxes)]
        tokens = list(nested(safe[0].tokens))
        for (left, right), gap in zip(pairwise(safe), apart, strict=False):
            tokens += [self.joint(left, right, gap), *nested(right.tokens)]
        strength = safe[0].strength if len(safe) == 1 else PRODUCT
        return safe[-1]._replace(tokens=tuple(tokens), strength=strength, tall=any(b.tall for b in safe))

    def _factor(self, box: Box, is_last: bool) -> Box:
        weak = box.strength < PRODUCT or box.negative or (box.greedy and not is_last)
        return self.brackets(box) if weak else box

    def _pow(self, term: Term, scope: Scope) -> Box:
        base, exponent = term.args
        below = inverse(term)
        if below is not None:
            return self.fraction(None, self.box(below, scope))
        if exponent == num(1, 2):
            return self.applied("sqrt", (base,), scope)
        return self.raised(base, exponent, scope)

    def _call(self, term: Term, scope: Scope) -> Box:
        return self.applied(term.args[0], term.args[1:], scope)

    def _kron(self, term: Term, scope: Scope) -> Box:
        i, j = (self.box(t, scope).tokens[0] for t in term.args)
        return self.delta(i, j)

    def _sum(self, term: Term, scope: Scope) -> Box:
        over, body = term.args
        name = self.free_name(term.hint, scope)
        inside = nested(self.summand(self.at(body, PRODUCT, (name, *scope))).tokens)
        return Box((self.summation(self.name(name), self.name(over)), *inside), PRODUCT, tall=True, greedy=True)

    def _rel(self, term: Term, scope: Scope) -> Box:
        op, *sides = term.args
        boxes = [self.signed(self.box(t, scope)) for t in sides]
        left, right = (nested(b.tokens) for b in boxes)
        return Box((*left, Token(f" {self.marks.relations[op]} ", 3, 0), *right), RELATION)

    def _where(self, term: Term, scope: Scope) -> Box:
        rows = []
        while term.kind == "where":
            condition, inside, term = term.args
            rows.append((self.signed(self.box(inside, scope)), self.box(condition, scope)))
        return self.cases(rows, self.signed(self.box(term, scope)))

    def free_name(self, hint: str, scope: Scope) -> str:
        names = chain((hint,) if hint[:1].isalpha() and hint.isalnum() and hint.isascii() else (), LETTERS)
        return next(n for n in chain(names, (f"k{n}" for n in count(1))) if n not in {*self.taken, *scope})


def _is_product(term: Term) -> bool:
    """Whether a term shows several factors; a sign is none."""
    if term.kind != "mul":
        return False
    first, *rest = term.args
    return len(rest) > 1 or first != MINUS_ONE or _is_product(rest[0])


def inverse(term: Term) -> Term | None:
    """x^n of x^(-n), for a number n > 0; None for any other term."""
    if term.kind != "pow" or term.args[1].kind != "num" or term.args[1].args[0] >= 0:
        return None
    base, exponent = term.args
    return base if exponent == MINUS_ONE else power(base, num(-exponent.args[0]))


def grouped(factors: Iterable[Term]) -> list[Factors]:
    """Factors as fractions, in their order: a/b * c/d has two groups, and so has a/b * c."""
    groups: list[Factors] = []
    for factor in factors:
        below = inverse(factor)
        apart = factor.kind == "mul" or (factor.kind == "num" and factor.args[0].q != 1)
        if below is not None and groups and not (groups[-1].apart and groups[-1].above[0].kind == "num"):
            groups[-1].below.append(below)
        elif below is not None:
            groups.append(Factors([], [below]))
        elif apart or not groups or groups[-1].apart or groups[-1].below:
            groups.append(Factors([factor], [], apart))
        else:
            groups[-1].above.append(factor)
    return groups


def _single(groups: Iterable[Factors]) -> list[Factors]:
    """The groups, with factors that stand over nothing in groups of their own."""
    return [part for g in groups for part in ([g] if g.below else [g._replace(above=[f]) for f in g.above])]


def occupied(term: Term) -> set[str]:
    """Names that a bound index cannot have."""
    kinds = ("var", "item", "size", "index", "sum", "call")
    return {"e", *RESERVED, *(t.args[0].rstrip("'") for t in subterms(term) if t.kind in kinds)}


def binders(term: Term) -> tuple[str, ...]:
    """Names of the indices that the sums at the head of a term run over, as they are printed."""
    printer, scope = Printer(term), tuple[str, ...]()
    while term.kind == "sum":
        scope = (printer.free_name(term.hint, scope), *scope)
        term = term.args[1]
    return scope[::-1]
