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
Shown = tuple[int, str]  # how strongly a term binds, and its text
_SHOWN: dict[int, tuple[Term, Shown]] = {}  # texts of terms without sums: they are the same wherever those stand
MAX_SHOWN = 20_000


def plain(term: Term) -> str:
    """The text of an expression, a relation or an index; ``parse`` turns it into the same term.

    A sum keeps the hint of its index unless another name of the whole text clashes with it.
    """
    return _Printer(term).shown(term, ())[1]


class _Printer:
    """The texts of a term and its parts; a method for a kind."""

    def __init__(self, whole: Term) -> None:
        self.whole = whole
        self.sums = 0  # met so far
        self.taken: set[str] = set()  # names that a bound index cannot have; filled at the first sum

    def shown(self, term: Term, scope: Scope) -> Shown:
        known = _SHOWN.get(id(term))
        if known is not None:
            return known[1]
        sums = self.sums
        found: Shown = getattr(self, f"_{term.kind}")(term, scope)
        if sums == self.sums and not term.loose:
            if len(_SHOWN) >= MAX_SHOWN:
                _SHOWN.clear()
            _SHOWN[id(term)] = term, found
        return found

    def text(self, term: Term, floor: int, scope: Scope) -> str:
        """In brackets where the term does not bind as strongly as is needed."""
        strength, text = self.shown(term, scope)
        return text if strength >= floor else f"({text})"

    def _var(self, term: Term, scope: Scope) -> Shown:
        return _OPERAND, scope[term.args[0]] if term.kind == "bound" else term.args[0]

    _size = _index = _bound = _var

    def _num(self, term: Term, scope: Scope) -> Shown:
        value = term.args[0]
        text = _numeral(abs(value))
        return _PRODUCT if value < 0 or "/" in text else _OPERAND, f"-{text}" if value < 0 else text

    def _call(self, term: Term, scope: Scope) -> Shown:
        head, arguments = (term.args[0], term.args[1:]) if term.kind in ("call", "item") else (term.kind, term.args)
        listed = ", ".join(self.text(argument, _RELATION, scope) for argument in arguments)
        return _OPERAND, f"{head}[{listed}]" if term.kind == "item" else f"{head}({listed})" if arguments else head

    _item = _kron = _where = _call

    def _rel(self, term: Term, scope: Scope) -> Shown:
        op, left, right = term.args
        return _RELATION, f"{self.text(left, _SUM, scope)} {op} {self.text(right, _SUM, scope)}"

    def _sum(self, term: Term, scope: Scope) -> Shown:
        self.sums += 1
        over, body = term.args
        name = self._free_name(term.hint, scope)
        size = "" if over == DEFAULT_SIZE else f"{over}, "
        return _OPERAND, f"sum({name}, {size}{self.text(body, _RELATION, (name, *scope))})"

    def _add(self, term: Term, scope: Scope) -> Shown:
        first, *rest = (self.text(argument, _PRODUCT, scope) for argument in term.args)
        return _SUM, first + "".join(f" - {text[1:]}" if text[0] == "-" else f" + {text}" for text in rest)

    def _pow(self, term: Term, scope: Scope) -> Shown:
        base, exponent = term.args
        if exponent == make.MINUS_ONE and not _is_numeral(base):
            return _PRODUCT, f"1/{self.text(base, _POWER, scope)}"
        return _POWER, f"{self.text(base, _OPERAND, scope)}^{self.text(exponent, _POWER, scope)}"

    def _mul(self, term: Term, scope: Scope) -> Shown:
        first, *rest = term.args
        text = self._first_factor(first, scope)
        if first == make.MINUS_ONE and rest[0].kind != "num":
            text = f"-{self._first_factor(rest.pop(0), scope)}"
        elif _is_inverse(rest[0]) and first.kind == "num" and (first == make.ONE or _is_numeral(rest[0].args[0])):
            text += f"*{self.text(rest.pop(0).args[0], _OPERAND, scope)}^(-1)"  # 1/b and 3/4 mean something else
        for factor in rest:
            divides = _is_inverse(factor) and factor.args[0] != make.ZERO
            text += (
                f"/{self.text(factor.args[0], _POWER, scope)}" if divides else f"*{self.text(factor, _POWER, scope)}"
            )
        return _PRODUCT, text

    def _first_factor(self, factor: Term, scope: Scope) -> str:
        """A number or 1/b begins a product without brackets."""
        return self.text(factor, _PRODUCT if factor.kind in ("num", "pow") else _POWER, scope)

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
