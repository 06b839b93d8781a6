"""How a term grows as z goes to infinity: an exact calculus of leading terms; imports kernel, laws and term only.

A term is *like* c e^(a z^2) e^(b z) z^n where the quotient of the two tends to 1; with c = 0 it is small against
e^(a z^2) e^(b z) z^n. Sums, products, powers, exp and log keep such a form (Hardy, Orders of Infinity, ch. 3);
where they do not, there is no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from flint import fmpq

from derive.errors import REFUSALS, KernelError
from derive.kernel import Theory, is_proved
from derive.laws import CONSTANTS, law
from derive.term import MINUS_ONE, ONE, ZERO, Term, add, call, mul, num, power, rel, replace

Growth = tuple[fmpq, fmpq, fmpq]  # a, b, n of e^(a z^2) e^(b z) z^n, compared in this order
FLAT: Growth = (fmpq(0), fmpq(0), fmpq(0))
LINEAR: Growth = (fmpq(0), fmpq(0), fmpq(1))
QUADRATIC: Growth = (fmpq(0), fmpq(0), fmpq(2))
SUBLINEAR: Growth = (fmpq(0), fmpq(0), fmpq(1, 2))
NEGLIGIBLE: Growth = (fmpq(-1000), fmpq(0), fmpq(0))  # e^(-e^z) is small even against this
Laid = tuple[fmpq, fmpq, fmpq]  # p, q, r of p z^2 + q z + r


class Lead(NamedTuple):
    """coefficient times growth; small against it where the coefficient is 0."""

    coefficient: Term
    growth: Growth


class Unknown(Exception):
    """The calculus has no answer."""


def limit(term: Term, variable: Term, downward: bool, constants: Iterable[Term] = ()) -> Term | None:
    """The limit of a term as the variable goes to infinity (downward: to minus infinity), where it is finite and found.

    All other names are constants, of which the relations ``constants`` are known. None: no statement.
    """
    try:
        lead = _Asymptotics(variable, constants).lead(_turned(term, variable, downward))
    except (Unknown, KernelError, *REFUSALS):
        return None
    if lead.growth < FLAT:
        return ZERO
    return lead.coefficient if lead.growth == FLAT else None


def holds_eventually(relation: Term, variable: Term, downward: bool, constants: Iterable[Term] = ()) -> bool:
    """Whether an inequality is proved to hold for all large values of the variable."""
    found = _Asymptotics(variable, constants)
    try:
        return found.decide(_turned(relation, variable, downward)) is True
    except (Unknown, KernelError, *REFUSALS):
        return False


def _turned(term: Term, variable: Term, downward: bool) -> Term:
    return replace(term, {variable: mul(MINUS_ONE, variable)}) if downward else term


class _Asymptotics:
    """Leading terms under what is known of the constants."""

    def __init__(self, variable: Term, constants: Iterable[Term]) -> None:
        self.variable, self.theory = variable, Theory({}, tuple(constants))
        self.known: dict[Term, Lead] = {}

    def lead(self, term: Term) -> Lead:
        if term not in self.known:
            self.known[term] = self._lead(term)
        return self.known[term]

    def _lead(self, term: Term) -> Lead:
        if term == self.variable:
            return Lead(ONE, LINEAR)
        if self.variable.args[0] not in term.names:
            return Lead(term, FLAT)
        rule = _RULES.get(term.kind)
        if rule is None:
            raise Unknown
        return rule(self, term)

    # -- constants

    def sign(self, constant: Term) -> int:
        """1, 0 or -1 where that is proved."""
        if constant.kind == "num":
            return int(constant.args[0] > 0) - int(constant.args[0] < 0)
        for value, op in ((1, ">"), (-1, "<")):
            if is_proved(self.theory.holds, rel(op, constant, ZERO)):
                return value
        if self._is_zero(constant):
            return 0
        raise Unknown

    def _is_zero(self, constant: Term) -> bool:
        try:
            return not self.theory.equal(constant, ZERO).hypotheses
        except KernelError:
            return False

    def _sum(self, constants: list[Term]) -> Term:
        if all(c.kind == "num" for c in constants):
            return num(sum((c.args[0] for c in constants), fmpq(0)))
        total = add(*(c for c in constants if c != ZERO))
        return ZERO if self._is_zero(total) else total

    # -- rules

    def _add(self, term: Term) -> Lead:
        leads = [self.lead(t) for t in term.args]
        growth = max(found.growth for found in leads)
        return Lead(self._sum([found.coefficient for found in leads if found.growth == growth]), growth)

    def _mul(self, term: Term) -> Lead:
        leads = [self.lead(t) for t in term.args]
        a, b, n = (sum((found.growth[i] for found in leads), fmpq(0)) for i in range(3))
        return Lead(_product([found.coefficient for found in leads]), (a, b, n))

    def _pow(self, term: Term) -> Lead:
        base, exponent = term.args
        if self.variable.args[0] in exponent.names:
            return self.lead(call("exp", mul(exponent, call("log", base))))
        found = self.lead(base)
        sign = self.sign(found.coefficient)
        if exponent.kind != "num":
            return self._symbolic_power(found, exponent, sign)
        e = exponent.args[0]
        if (sign == 0 and e < 0) or (sign <= 0 and e.q != 1):
            raise Unknown
        a, b, n = (x * e for x in found.growth)
        return Lead(_raised(found.coefficient, exponent), (a, b, n))

    def _symbolic_power(self, found: Lead, exponent: Term, sign: int) -> Lead:
        if found.growth == FLAT and sign > 0:
            return Lead(power(found.coefficient, exponent), FLAT)
        if found.growth <= FLAT and (sign == 0 or found.growth < FLAT) and self.sign(exponent) > 0:
            return Lead(ZERO, FLAT)
        raise Unknown

    def _call(self, term: Term) -> Lead:
        name = term.args[0]
        if name in _FUNCTIONS:
            return _FUNCTIONS[name](self, term.args[1])
        found = law(name)
        if found is None or found.rewrite is None or len(term.args) != 2:
            raise Unknown
        return self.lead(found.rewrite(term.args[1]))

    def _exp(self, argument: Term) -> Lead:
        laid = self._polynomial(argument)
        if laid is not None:
            return Lead(call("exp", num(laid[2])) if laid[2] else ONE, (laid[0], laid[1], fmpq(0)))
        found = self.lead(argument)
        if found.growth == FLAT:
            return Lead(call("exp", found.coefficient) if self.sign(found.coefficient) else ONE, FLAT)
        if found.growth < FLAT:
            return Lead(ONE, FLAT)
        if self.sign(found.coefficient) < 0 and found.growth[:2] > FLAT[:2]:
            return Lead(ZERO, NEGLIGIBLE)
        raise Unknown

    def _log(self, argument: Term) -> Lead:
        found = self.lead(argument)
        a, b, n = found.growth
        if self.sign(found.coefficient) <= 0:
            raise Unknown
        if a:
            return Lead(num(a), QUADRATIC)
        if b:
            return Lead(num(b), LINEAR)
        if n:
            return Lead(ZERO, SUBLINEAR)
        return Lead(ZERO if found.coefficient == ONE else call("log", found.coefficient), FLAT)

    def _bounded(self, argument: Term, end: Term) -> Lead:
        """atan and erf, whose ends at infinity are plus and minus ``end``."""
        found = self.lead(argument)
        sign = self.sign(found.coefficient)
        if found.growth <= FLAT or not sign:
            raise Unknown
        return Lead(mul(num(sign), end) if sign < 0 else end, FLAT)

    def _abs(self, argument: Term) -> Lead:
        found = self.lead(argument)
        return found._replace(coefficient=_product([num(self.sign(found.coefficient)), found.coefficient]))

    def _where(self, term: Term) -> Lead:
        condition, inside, outside = term.args
        try:
            return self.lead(inside if self.decide(condition) else outside)
        except Unknown:
            a, b = self.lead(inside), self.lead(outside)
            if a != b and (a.coefficient != ZERO or b.coefficient != ZERO):
                raise
            return a._replace(growth=max(a.growth, b.growth))

    def decide(self, relation: Term) -> bool:
        """Whether an inequality holds, or fails, for all large values of the variable."""
        op, left, right = relation.args
        found = self.lead(add(left, mul(MINUS_ONE, right)))
        sign = self.sign(found.coefficient)
        if not sign or op in ("=", "!="):
            raise Unknown
        return (sign > 0) == (op in (">", ">="))

    def _polynomial(self, term: Term) -> Laid | None:
        """The term as p z^2 + q z + r with numbers p, q and r."""
        if term == self.variable:
            return fmpq(0), fmpq(1), fmpq(0)
        if term.kind == "num":
            return fmpq(0), fmpq(0), term.args[0]
        if term.kind not in ("add", "mul") and not (term.kind == "pow" and term.args[1] == num(2)):
            return None
        parts = [self._polynomial(t) for t in (term.args if term.kind != "pow" else term.args[:1] * 2)]
        if any(p is None for p in parts):
            return None
        total = parts[0]
        for part in parts[1:]:
            assert total is not None and part is not None
            total = _plus(total, part) if term.kind == "add" else _times(total, part)
        return total


def _plus(one: Laid, other: Laid) -> Laid:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _times(one: Laid, other: Laid) -> Laid | None:
    (p, q, r), (u, v, w) = one, other
    if p * u or p * v or q * u:
        return None
    return p * w + q * v + r * u, q * w + r * v, r * w


def _product(constants: list[Term]) -> Term:
    if any(c == ZERO for c in constants):
        return ZERO
    if all(c.kind == "num" for c in constants):
        found = fmpq(1)
        for c in constants:
            found *= c.args[0]
        return num(found)
    return mul(*(c for c in constants if c != ONE)) if any(c != ONE for c in constants) else ONE


def _raised(constant: Term, exponent: Term) -> Term:
    if constant in (ZERO, ONE):
        return constant if exponent.args[0] else ONE
    return power(constant, exponent)


_RULES: Mapping[str, Callable[[_Asymptotics, Term], Lead]] = {
    "add": _Asymptotics._add,
    "mul": _Asymptotics._mul,
    "pow": _Asymptotics._pow,
    "call": _Asymptotics._call,
    "where": _Asymptotics._where,
}
_FUNCTIONS: Mapping[str, Callable[[_Asymptotics, Term], Lead]] = {
    "exp": _Asymptotics._exp,
    "log": _Asymptotics._log,
    "abs": _Asymptotics._abs,
    "erf": lambda found, x: found._bounded(x, ONE),
    "atan": lambda found, x: found._bounded(x, mul(num(1, 2), call(next(iter(CONSTANTS))))),
}
