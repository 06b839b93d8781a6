"""Terms as text of the plain language, without loss; imports the language and terms only."""

from __future__ import annotations

from itertools import chain, count

from flint import fmpq

from derive import term as make
from derive.language import DEFAULT_SIZE, MAX_DIGITS, MAX_EXPONENT, RESERVED
from derive.term import Term

_RELATION, _SUM, _PRODUCT, _POWER, _OPERAND = range(5)  # how strongly a text binds
_LETTERS = "klinpqrstuvwabcdfgox"
Scope = tuple[str, ...]  # names of the sums around a term, the innermost first
Piece = str | tuple[Term, int, Scope]  # a text, or a term, how strongly it must bind, and its scope
Shown = tuple[int, list[Piece]]  # how strongly a term binds, and its pieces


def plain(term: Term) -> str:
    """The text of an expression, a relation or an index; ``parse`` turns it into the same term.

    A sum keeps the hint of its index unless another name of the whole text clashes with it.
    """
    printer, texts = _Printer(term), []
    stack: list[Piece] = [(term, _RELATION, ())]
    while stack:
        piece = stack.pop()
        if isinstance(piece, str):
            texts.append(piece)
        else:
            stack.extend(reversed(printer.pieces(*piece)))
    return "".join(texts)


class _Printer:
    """Takes terms apart one level at a time, so that depth costs no recursion; a method for a kind."""

    def __init__(self, whole: Term) -> None:
        self.whole = whole
        self.taken: set[str] = set()  # names that a bound index cannot have; filled at the first sum

    def pieces(self, term: Term, floor: int, scope: Scope) -> list[Piece]:
        strength, pieces = getattr(self, f"_{term.kind}")(term, scope)
        return pieces if strength >= floor else ["(", *pieces, ")"]

    def _var(self, term: Term, scope: Scope) -> Shown:
        return _OPERAND, [scope[term.args[0]] if term.kind == "bound" else term.args[0]]

    _size = _index = _bound = _var

    def _num(self, term: Term, scope: Scope) -> Shown:
        value = term.args[0]
        text = _numeral(abs(value))
        return _PRODUCT if value < 0 or "/" in text else _OPERAND, [*"-"[: value < 0], text]

    def _call(self, term: Term, scope: Scope) -> Shown:
        head, arguments = (term.args[0], term.args[1:]) if term.kind in ("call", "item") else (term.kind, term.args)
        opening, closing = "[]" if term.kind == "item" else "()"
        listed = [piece for argument in arguments for piece in (", ", (argument, _RELATION, scope))]
        return _OPERAND, [head, opening, *listed[1:], closing] if arguments else [head]

    _item = _kron = _where = _call

    def _rel(self, term: Term, scope: Scope) -> Shown:
        op, left, right = term.args
        return _RELATION, [(left, _SUM, scope), f" {op} ", (right, _SUM, scope)]

    def _sum(self, term: Term, scope: Scope) -> Shown:
        over, body = term.args
        name = self._free_name(term.hint, scope)
        opening = f"sum({name}, " if over == DEFAULT_SIZE else f"sum({name}, {over}, "
        return _OPERAND, [opening, (body, _SUM, (name, *scope)), ")"]

    def _add(self, term: Term, scope: Scope) -> Shown:
        pieces = self.pieces(term.args[0], _PRODUCT, scope)
        for argument in term.args[1:]:
            shown = self.pieces(argument, _PRODUCT, scope)
            pieces += [" - ", *shown[1:]] if shown[0] == "-" else [" + ", *shown]
        return _SUM, pieces

    def _pow(self, term: Term, scope: Scope) -> Shown:
        base, exponent = term.args
        if exponent == make.MINUS_ONE and not _is_numeral(base):
            return _PRODUCT, ["1/", (base, _POWER, scope)]
        return _POWER, [(base, _OPERAND, scope), "^", (exponent, _POWER, scope)]

    def _mul(self, term: Term, scope: Scope) -> Shown:
        first, *rest = term.args
        pieces = self._first_factor(first, scope)
        if first == make.MINUS_ONE and rest[0].kind != "num":
            pieces = ["-", *self._first_factor(rest.pop(0), scope)]
        elif _is_inverse(rest[0]) and first.kind == "num" and (first == make.ONE or _is_numeral(rest[0].args[0])):
            pieces += ["*", (rest.pop(0).args[0], _OPERAND, scope), "^(-1)"]  # 1/b and 3/4 mean something else
        for factor in rest:
            divides = _is_inverse(factor) and factor.args[0] != make.ZERO
            pieces += ["/", (factor.args[0], _POWER, scope)] if divides else ["*", (factor, _POWER, scope)]
        return _PRODUCT, pieces

    def _first_factor(self, factor: Term, scope: Scope) -> list[Piece]:
        """A number or 1/b begins a product without brackets."""
        return self.pieces(factor, _PRODUCT if factor.kind in ("num", "pow") else _POWER, scope)

    def _free_name(self, hint: str, scope: Scope) -> str:
        self.taken = self.taken or _occupied(self.whole)
        named = [hint] if hint.isidentifier() and hint.isascii() else []
        names = chain(named, _LETTERS, (f"k{n}" for n in count(1)))
        return next(name for name in names if name not in self.taken and name not in scope)


def _is_inverse(term: Term) -> bool:
    return term.kind == "pow" and bool(term.args[1] == make.MINUS_ONE)


def _is_numeral(term: Term) -> bool:
    return term.kind == "num" and bool(term.args[0].q == 1 and term.args[0] >= 0)


def _occupied(term: Term) -> set[str]:
    """The words of the language and every name of the term but those of bound indices."""
    stack, found = [term], {*RESERVED}
    while stack:
        node = stack.pop()
        found.update(a.rstrip("'") for a in node.args if isinstance(a, str))
        stack.extend(a for a in node.args if isinstance(a, Term))
    return found


def _numeral(value: fmpq) -> str:
    """Digits, or p/q, or an exponent where the digits would be more than a numeral may have."""
    if max(len(str(value.p)), len(str(value.q))) <= MAX_DIGITS:
        return str(value)
    scaled = value * fmpq(10) ** MAX_EXPONENT
    digits = str(scaled.p)
    zeros = min(len(digits) - len(digits.rstrip("0")), 2 * MAX_EXPONENT)
    return f"{digits[: len(digits) - zeros]}e{zeros - MAX_EXPONENT}" if scaled.q == 1 else str(value)
