"""Derivatives by the laws, and the relations under which terms are defined; imports algebra, laws and term only.

Differentiation is structural and simplifies nothing; the relations come from the laws' own rows, for every
subterm, also for one that drops out of a normal form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from derive.algebra import NAMED, Algebra, fresh_index
from derive.errors import KernelError
from derive.laws import CONSTANTS, law, power_derivative, power_domain
from derive.term import (
    ZERO,
    Definitions,
    Term,
    add,
    kron,
    mul,
    open_sum,
    reindex,
    rel,
    rename,
    replace,
    sub,
    subterms,
    sum_over,
    times,
    var,
)

Needs = tuple[tuple[Term, ...], tuple[Term, ...]]  # relations needed, and the parts to ask next
_PLAIN = frozenset(("num", "size", "index", "kron"))


class Slope(NamedTuple):
    """d name[formals] / d variable = value, for a name that is free otherwise."""

    formals: tuple[Term, ...]
    variable: Term
    value: Term


class Calculus(Algebra):
    """Normal forms and signs, with derivatives and definedness under the same definitions and assumptions.

    ``slopes`` are names that move with a variable though they are not defined by it: h, where only dh/dz is known.
    """

    def __init__(
        self,
        definitions: Definitions,
        assumptions: tuple[Term, ...],
        slopes: Mapping[str, Slope] = MappingProxyType({}),
    ) -> None:
        self.slopes = slopes
        super().__init__(definitions, assumptions)

    def _with(self, assumptions: tuple[Term, ...]) -> Calculus:
        return Calculus(self.definitions, assumptions, self.slopes)

    def _reset(self) -> None:
        super()._reset()
        self._derivatives: dict[Term, dict[Term, Term | None]] = {}
        self._conditions: dict[Term | None, dict[Term, tuple[Term, ...]]] = {}

    def differentiate(self, term: Term, variable: Term) -> Term | None:
        """The derivative by the laws, not simplified; None where the term is free of the variable."""
        if not term.names or term.kind in _PLAIN:
            return None
        if term.kind in NAMED and not self._moves(term.args[0], variable):
            return None
        known = self._derivatives.setdefault(variable, {})
        if term not in known:
            method = _DIFFERENTIATE.get(term.kind)
            if method is None:
                raise KernelError(f"a {term.kind} has no derivative")
            known[term] = method(self, term, variable)
        return known[term]

    def _d_variable(self, term: Term, variable: Term) -> Term | None:
        if term.args[0] == variable.args[0]:
            if term.kind != variable.kind or len(term.args) != len(variable.args):
                raise KernelError(f"{term.args[0]} is used with different numbers of indices")
            deltas = [kron(i, j) for i, j in zip(term.args[1:], variable.args[1:], strict=True) if i != j]
            return mul(*deltas)
        if term.args[0] in self.slopes:
            return self._known_slope(self.slopes[term.args[0]], term, variable)
        body = self._unfold(term)
        return None if body is None else self.differentiate(body, variable)

    def _known_slope(self, slope: Slope, term: Term, variable: Term) -> Term | None:
        if slope.variable.args[0] != variable.args[0]:
            return None
        if [i.args[1] for i in slope.formals] != [i.args[1] for i in term.args[1:]]:
            raise KernelError(f"{term.args[0]} is indexed otherwise than its derivative")
        own = (*slope.formals, *slope.variable.args[1:])
        return reindex(slope.value, dict(zip(own, (*term.args[1:], *variable.args[1:]), strict=True)))

    def _d_add(self, term: Term, variable: Term) -> Term | None:
        parts = [d for d in (self.differentiate(t, variable) for t in term.args) if d is not None]
        return add(*parts) if parts else None

    def _d_mul(self, term: Term, variable: Term) -> Term | None:
        parts = []
        for n, factor in enumerate(term.args):
            d = self.differentiate(factor, variable)
            if d is not None:
                parts.append(times(*term.args[:n], d, *term.args[n + 1 :]))
        return add(*parts) if parts else None

    def _d_pow(self, term: Term, variable: Term) -> Term | None:
        base, exponent = term.args
        return power_derivative(
            base, exponent, self.differentiate(base, variable), self.differentiate(exponent, variable)
        )

    def _d_call(self, term: Term, variable: Term) -> Term | None:
        inner = [self.differentiate(t, variable) for t in term.args[1:]]
        if all(d is None for d in inner):
            return None
        row = law(term.args[0])
        if row is None or len(inner) != 1 or inner[0] is None:
            raise KernelError(f"no law is known for {term.args[0]}")
        return times(row.derivative(term.args[1]), inner[0])

    def _d_sum(self, term: Term, variable: Term) -> Term | None:
        i = fresh_index(term.args[0], term, variable)
        inner = self.differentiate(open_sum(term, i), variable)
        return None if inner is None else rename(sum_over(i, inner), term.hint)

    def _d_where(self, term: Term, variable: Term) -> Term | None:
        condition, inside, outside = term.args
        verdict = self.decide(condition)
        if verdict is not None:
            return self.differentiate(inside if verdict else outside, variable)
        a, b = self.differentiate(inside, variable), self.differentiate(outside, variable)
        return None if a is None and b is None else Term("where", (condition, a or ZERO, b or ZERO))

    def conditions(self, term: Term, variable: Term | None = None) -> tuple[Term, ...]:
        """The relations under which the term is defined, and differentiable where a variable is given."""
        known = self._conditions.setdefault(variable, {})
        found = known.get(term)
        return self._gather(term, variable, known) if found is None else found

    def _gather(self, term: Term, variable: Term | None, known: dict[Term, tuple[Term, ...]]) -> tuple[Term, ...]:
        method = _CONDITIONS.get(term.kind)
        own, parts = method(self, term, variable) if method else ((), term.args)
        every = [*own]
        for part in parts:
            kind = part.kind
            if kind not in _PLAIN and (kind not in NAMED or part.args[0] in self.definitions):
                found = known.get(part)
                every += self._gather(part, variable, known) if found is None else found
        found = known[term] = tuple(dict.fromkeys(every)) if len(every) > 1 else tuple(every)
        return found

    def _conditions_of_variable(self, term: Term, _: Term | None) -> Needs:
        body = self._unfold(term)
        return (), () if body is None else (body,)

    def _conditions_of_nothing(self, _: Term, __: Term | None) -> Needs:
        return (), ()

    def _conditions_of_sum(self, term: Term, _: Term | None) -> Needs:
        return (), (open_sum(term, fresh_index(term.args[0], term)),)

    def _conditions_of_power(self, term: Term, _: Term | None) -> Needs:
        return self._simpler(power_domain(*term.args)), term.args

    def _conditions_of_call(self, term: Term, variable: Term | None) -> Needs:
        name, *parts = term.args
        if name in CONSTANTS and not parts:
            return (), ()
        row = law(name)
        if row is None or len(parts) != 1:
            raise KernelError(f"no law is known for {name}")
        moves = variable is not None and self.differentiate(term, variable) is not None
        return self._simpler((row.smooth if moves else row.domain)(parts[0])), tuple(parts)

    def _conditions_of_where(self, term: Term, variable: Term | None) -> Needs:
        """Both branches where the condition is open; its border is left out where the variable moves it."""
        condition, inside, outside = term.args
        verdict = self.decide(condition)
        _, left, right = condition.args
        branches = (inside, outside) if verdict is None else (inside,) if verdict else (outside,)
        moves = variable is not None and any(self._mentions(t, variable) for t in (left, right))
        kinks = moves and variable is not None and not self._is_smooth_across(term, variable)
        return (rel("!=", left, right),) if kinks else (), (left, right, *branches)

    def _is_smooth_across(self, term: Term, variable: Term) -> bool:
        """Whether both branches have the same value and derivative wherever l = r: then so has the whole.

        Asked inside of sums and families only: the pieces of a number are derived one by one.
        """
        condition, *branches = term.args
        if not condition.indices:
            return False
        slopes = [self.differentiate(t, variable) or ZERO for t in branches]
        return self.agrees_across(condition, *branches) and self.agrees_across(condition, *slopes)

    def agrees_across(self, condition: Term, inside: Term, outside: Term) -> bool:
        """Whether two terms are proved equal where l = r for one value of an index, whatever holds for its others.

        Each element counts as a number of its own, so that the equation is about this one.
        """
        terms = (*condition.args[1:], inside, outside)
        about = frozenset().union(*(t.names for t in terms))
        for known in ((), tuple(a for a in self._inequalities if a.names <= about)):
            facts = [r for a in known for r in self._instantiate(a, condition.indices)]
            elements = dict.fromkeys(
                t for s in (*terms, *facts) for t in subterms(s) if t.kind == "item" and not t.loose
            )
            single = {t: var(f"#{n}") for n, t in enumerate(elements)}
            given = tuple(replace(r, single) for r in facts)
            if _agree(given, *(replace(t, single) for t in terms)):
                self.facts |= dict.fromkeys(known)
                return True
        return False

    def same(self, left: Term, right: Term) -> bool:
        """Equal numerators over a common denominator, in each case of two free indices equal or not."""
        self.use_equations((*left.indices, *right.indices))
        (n1, d1), (n2, d2) = self.normal(left), self.normal(right)
        gap = n1 - n2 if d1 == d2 else self.total([(n1, d1), (-n2, d2)])[0]
        return self.vanishes(gap)

    def is_multiple(self, term: Term, other: Term) -> bool:
        """Whether the numerator of a term is a multiple of that of the other, so that it is 0 where the other is."""
        above, below = (self.canonical(self.normal(t)) for t in (term, other))
        return not divmod(above[0], below[0])[1]

    def _mentions(self, term: Term, variable: Term) -> bool:
        return any(self._moves(name, variable) for name in term.names)

    def _moves(self, name: str, variable: Term) -> bool:
        return name == variable.args[0] or name in self.definitions or name in self.slopes

    def _simpler(self, relations: tuple[Term, ...]) -> tuple[Term, ...]:
        """A product is not zero where its factors are not, a power where its base is not."""
        found: list[Term] = []
        for relation in relations:
            op, left, _ = relation.args
            if op == "!=" and left.kind == "mul":
                found += self._simpler(tuple(rel("!=", t, ZERO) for t in left.args))
            elif op == "!=" and left.kind == "pow" and left.args[1].kind == "num":
                found += self._simpler((rel("!=", left.args[0], ZERO),))
            else:
                found.append(relation)
        return tuple(found)


def _agree(given: tuple[Term, ...], left: Term, right: Term, one: Term, other: Term) -> bool:
    """Whether two terms are equal where left = right: by that equation, or as multiples of its difference."""
    tests: tuple[tuple[tuple[Term, ...], Callable[[Calculus], bool]], ...] = (
        ((*given, rel("=", left, right)), lambda at_border: at_border.same(one, other)),
        (given, lambda anywhere: anywhere.is_multiple(sub(one, other), sub(left, right))),
    )
    for assumptions, test in tests:
        algebra = Calculus({}, assumptions)
        try:
            if algebra.attempt(partial(test, algebra)):
                return True
        except KernelError:
            continue
    return False


_DIFFERENTIATE: dict[str, Callable[[Calculus, Term, Term], Term | None]] = {
    "var": Calculus._d_variable,
    "item": Calculus._d_variable,
    "add": Calculus._d_add,
    "mul": Calculus._d_mul,
    "pow": Calculus._d_pow,
    "call": Calculus._d_call,
    "sum": Calculus._d_sum,
    "where": Calculus._d_where,
}


_CONDITIONS: dict[str, Callable[[Calculus, Term, Term | None], Needs]] = {
    **dict.fromkeys(_PLAIN, Calculus._conditions_of_nothing),
    "var": Calculus._conditions_of_variable,
    "item": Calculus._conditions_of_variable,
    "sum": Calculus._conditions_of_sum,
    "pow": Calculus._conditions_of_power,
    "call": Calculus._conditions_of_call,
    "where": Calculus._conditions_of_where,
}
