"""The kernel: theorems and the rules that make them; imports algebra, calculus, term and errors only.

A ``Theorem`` can be made by the rules of ``Theory`` alone. It says: for all real values of its
variables and all values of its free indices that satisfy its hypotheses, both sides are defined
and the conclusion holds. A free index in a hypothesis is universal ("for every k"). Whatever the
kernel cannot do raises ``KernelError``, which proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import wraps
from types import MappingProxyType
from typing import NamedTuple, ParamSpec, TypeVar

from derive.algebra import Obligation, fresh_index
from derive.calculus import Calculus, Slope
from derive.errors import REFUSALS, KernelError
from derive.term import (
    ONE,
    ZERO,
    Definitions,
    Term,
    mul,
    names_behind,
    neg,
    open_sum,
    rebuild,
    reindex,
    rel,
    replace,
    sub,
    subterms,
    sum_over,
    where,
)


class Equation(NamedTuple):
    left: Term
    right: Term


class Derivative(NamedTuple):
    """d subject / d variable = value, or the second derivative where ``order`` is 2."""

    subject: Term
    variable: Term
    value: Term
    order: int = 1


_SEAL = object()
Given = ParamSpec("Given")
Found = TypeVar("Found")


class Theorem:
    """A proved conclusion; made by the rules of ``Theory`` only, and immutable."""

    __slots__ = ("conclusion", "definitions", "hypotheses", "obligations")
    definitions: Definitions
    hypotheses: tuple[Term, ...]
    conclusion: Equation | Derivative
    obligations: tuple[Obligation, ...]

    def __init__(
        self,
        seal: object,
        definitions: Definitions,
        hypotheses: tuple[Term, ...],
        conclusion: Equation | Derivative,
        obligations: tuple[Obligation, ...],
    ) -> None:
        if seal is not _SEAL:
            raise KernelError("a theorem is made by the kernel's rules only")
        store = object.__setattr__
        store(self, "definitions", definitions)
        store(self, "hypotheses", hypotheses)
        store(self, "conclusion", conclusion)
        store(self, "obligations", obligations)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("theorems are immutable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("theorems are immutable")


def refusing(rule: Callable[Given, Found]) -> Callable[Given, Found]:
    """A rule whose every failure is a refusal: whatever goes wrong inside proves nothing."""

    @wraps(rule)
    def guarded(*args: Given.args, **options: Given.kwargs) -> Found:
        try:
            return rule(*args, **options)
        except REFUSALS as problem:
            raise KernelError(f"the kernel cannot treat this: {problem}") from problem

    return guarded


def is_proved(rule: Callable[Given, object], *args: Given.args, **options: Given.kwargs) -> bool:
    """Whether a rule, such as ``theory.holds``, proves it; False where it says no, and where it refuses."""
    try:
        return bool(rule(*args, **options))
    except KernelError:
        return False


class Theory:
    """The rules of inference under definitions (h := f(z)) and assumptions (relations that may be used).

    Fails: a definition rests on itself or has free indices besides its own, or something is no closed term.
    """

    __slots__ = ("_algebra", "_assumptions", "_definitions")

    @refusing
    def __init__(self, definitions: Definitions, assumptions: Iterable[Term] = ()) -> None:
        self._definitions: Definitions = MappingProxyType(dict(definitions))
        self._assumptions = tuple(assumptions)
        for name, (formals, body) in self._definitions.items():
            _closed(body)
            if len(set(formals)) != len(formals) or not set(body.indices) <= set(formals):
                raise KernelError(f"the definition of {name} does not bind its indices")
            if not body.names.isdisjoint(self._definitions) and name in names_behind((body,), self._definitions):
                raise KernelError(f"the definition of {name} rests on itself")
        for relation in self._assumptions:
            if _closed(relation).kind != "rel":
                raise KernelError("an assumption is a relation")
        self._algebra = Calculus(self._definitions, self._assumptions)

    @property
    def definitions(self) -> Definitions:
        return self._definitions

    @property
    def assumptions(self) -> tuple[Term, ...]:
        return self._assumptions

    def _theorem(self, conclusion: Equation | Derivative, needs: Iterable[Term], kept: Iterable[Term] = ()) -> Theorem:
        """Discharge what is needed from the assumptions; what is left over becomes a hypothesis."""
        algebra = self._algebra
        hypotheses = dict.fromkeys(kept)
        obligations = []
        for relation in dict.fromkeys(needs):
            obligation = algebra.obligation(relation)
            if not obligation.is_met:
                hypotheses[obligation.claim] = None
            else:
                obligations.append(obligation)
                for fact in obligation.facts:
                    if fact in self._assumptions:
                        hypotheses[fact] = None
        for relation in self._assumptions:
            if relation.args[0] == "=" or relation in algebra.facts:
                hypotheses[relation] = None
        return Theorem(_SEAL, self.definitions, tuple(hypotheses), conclusion, tuple(obligations))

    def definition(self, left: Term) -> Theorem:
        """|- h = f(z), as defined.  Fails: nothing of that name and shape is defined."""

        def prove() -> Theorem:
            formals, body = self._definitions.get(left.args[0], ((), None))
            if body is None or left.kind not in ("var", "item") or left.args[1:] != formals:
                raise KernelError("no such definition")
            return self._theorem(Equation(left, body), self._algebra.conditions(body))

        return self._algebra.attempt(prove)

    def equal(self, left: Term, right: Term) -> Theorem:
        """|- left = right, where both are defined.  Fails: the normal forms differ, or there is none."""

        def prove() -> Theorem:
            algebra = self._algebra
            if not algebra.same(_closed(left), _closed(right)):
                raise KernelError("the normal forms of the two sides differ")
            return self._theorem(Equation(left, right), algebra.conditions(left) + algebra.conditions(right))

        return self._algebra.attempt(prove)

    def derivative(self, subject: Term, variable: Term, value: Term) -> Theorem:
        """|- d subject / d variable = value.  Fails: value is not the derivative by the laws, or a law is missing."""

        def prove() -> Theorem:
            if variable.kind not in ("var", "item") or _closed(variable).args[0] in self._definitions:
                raise KernelError("derivatives are taken by a variable that is not defined by others")
            if len(variable.indices) != len(variable.args) - 1:
                raise KernelError("the indices of the variable must differ")
            algebra = self._algebra
            found = algebra.differentiate(_closed(subject), variable)
            if not algebra.same(found if found is not None else ZERO, _closed(value)):
                raise KernelError("this is not the derivative")
            needs = algebra.conditions(subject, variable) + algebra.conditions(value)
            return self._theorem(Derivative(subject, variable, value), needs)

        return self._algebra.attempt(prove)

    @refusing
    def chain(self, outer: Theorem, inner: Theorem) -> Theorem:
        """From |- dJ/dh[k] = A (h free) and |- dh[k]/dz[j] = B, under h := f(z): |- dJ/dz[j] = sum_k A B.

        Fails: the theorems do not meet in h, more than h is defined anew, J uses z besides h, or an index of h is
        one of z (capture).
        """
        a, b = outer.conclusion, inner.conclusion
        if not isinstance(a, Derivative) or not isinstance(b, Derivative) or a.variable != b.subject:
            raise KernelError("the chain rule needs dJ/dh and dh/dz")
        if a.order != 1 or b.order != 1:
            raise KernelError("the chain rule is about first derivatives")
        name, *indices = a.variable.args
        self._check_free(name, outer.definitions, inner)
        if {*indices} & {*b.variable.args[1:], *a.subject.indices}:
            raise KernelError("an index of h is taken already; rename it")
        if b.variable.args[0] in names_behind((a.subject,), outer.definitions):
            raise KernelError("J depends on z not only through h")
        value = mul(a.value, b.value)
        for i in reversed(indices):
            value = sum_over(i, value)
        return self._read(Derivative(a.subject, b.variable, value), outer.hypotheses + inner.hypotheses)

    def _check_free(self, name: str, free: Definitions, inner: Theorem) -> None:
        if inner.definitions != self.definitions or name not in self.definitions:
            raise KernelError("the chain rule needs dh/dz under the same definitions, h among them")
        if dict(free) != {n: d for n, d in self.definitions.items() if n != name}:
            raise KernelError("the chain rule needs dJ/dh under the same definitions but that of h")

    @refusing
    def total(self, outer: Theory, subject: Term | Theorem, slope: Theorem, value: Term) -> Theorem:
        """From |- dh[k]/dz[j] = D under h := f(z): |- dJ/dz[j] = value, where J may use z besides h.

        With |- dJ/dz[j] = V for the subject: the second derivative, d V/d z[j] = value. ``outer`` is the theory in
        which h is free: V is differentiated by the chain rule, h moving by D.
        Fails: value is not that derivative, the theorems do not meet, or V holds on no open set of z.
        """
        d, kept = slope.conclusion, slope.hypotheses
        if not isinstance(d, Derivative) or d.order != 1 or d.subject.args[1:] != d.subject.indices:
            raise KernelError("the total derivative needs dh/dz")
        self._check_free(d.subject.args[0], outer.definitions, slope)
        cost, term, order = subject, subject, 1
        if isinstance(subject, Theorem):
            first = subject.conclusion
            if not isinstance(first, Derivative) or first.order != 1 or first.variable != d.variable:
                raise KernelError("the second derivative needs dJ/dz by the same variable")
            if subject.definitions != self.definitions:
                raise KernelError("dJ/dz was taken under other definitions")
            self._check_open(subject.hypotheses, d.variable)
            cost, term, order, kept = first.subject, first.value, 2, kept + subject.hypotheses
        taken = {*d.variable.indices, *(term.indices if isinstance(term, Term) else ())}
        if not isinstance(cost, Term) or not isinstance(term, Term) or {*d.subject.indices} & taken:
            raise KernelError("an index of h is taken already; rename it")
        moved = Slope(d.subject.args[1:], d.variable, d.value)
        algebra = Calculus(outer.definitions, outer.assumptions, {d.subject.args[0]: moved})

        def needs() -> tuple[Term, ...]:
            found = algebra.differentiate(_closed(term), d.variable)
            if not algebra.same(found if found is not None else ZERO, _closed(value)):
                raise KernelError("this is not the total derivative")
            every = algebra.conditions(term, d.variable) + algebra.conditions(value)
            return (*every, *(r for r in outer.assumptions if r.args[0] == "=" or r in algebra.facts))

        return self._read(Derivative(cost, d.variable, value, order), (*kept, *algebra.attempt(needs)))

    def _check_open(self, hypotheses: Iterable[Term], variable: Term) -> None:
        for relation in hypotheses:
            moves = variable.args[0] in names_behind((relation,), self._definitions)
            jumps = any(t.kind == "where" for t in subterms(relation))
            if moves and (jumps or relation.args[0] not in ("<", ">", "!=")):
                raise KernelError("the derivative is known on no open set")

    @refusing
    def rewrite(self, theorem: Theorem, equation: Theorem) -> Theorem:
        """From |- d e / d v = a and |- a = b: |- d e / d v = b.

        Fails: the left side is not the value, the derivative was taken under other definitions, or the equation
        rests on definitions that are not among these.
        """
        a, b = theorem.conclusion, equation.conclusion
        if not isinstance(a, Derivative) or not isinstance(b, Equation) or b.left != a.value:
            raise KernelError("the equation does not rewrite this value")
        if theorem.definitions != self.definitions:
            raise KernelError("the derivative was taken under other definitions")
        if any(self.definitions.get(n) != d for n, d in equation.definitions.items()):
            raise KernelError("the equation rests on other definitions")
        return self._read(a._replace(value=b.right), theorem.hypotheses + equation.hypotheses)

    def _read(self, conclusion: Derivative, every: Iterable[Term]) -> Theorem:
        """A conclusion under this theory's definitions: hypotheses that now follow are discharged.

        Its value is defined where the theorems' sides are and the defined names in it are.
        """
        algebra = self._algebra
        hypotheses = dict.fromkeys(every)
        kept = [h for h in hypotheses if h.args[0] == "=" or h in self._assumptions]
        needs = [h for h in hypotheses if h not in kept]
        bodies = [body for name, (_, body) in self._definitions.items() if name in conclusion.value.names]
        # a relation says something only where its sides are defined, in this theory and without the earlier regions
        parts = (*bodies, *(side for h in hypotheses for side in h.args[1:]))
        return algebra.attempt(
            lambda: self._theorem(conclusion, (*needs, *(r for t in parts for r in algebra.conditions(t))), kept)
        )

    @refusing
    def cases(self, condition: Term, inside: Theorem, outside: Theorem, value: Term) -> Theorem:
        """From |- de/dv = a where l < r, and |- de/dv = b where l > r: |- de/dv = where(l < r, a, b) off l = r.

        Where a = f c and b = g c the value may be where(l < r, f, g) c, and a where both are the same.
        Fails: the theorems are about different derivatives or definitions, or the value has another shape.
        """
        a, b = inside.conclusion, outside.conclusion
        if not isinstance(a, Derivative) or not isinstance(b, Derivative) or a._replace(value=b.value) != b:
            raise KernelError("the cases are about different derivatives")
        if inside.definitions != self.definitions or outside.definitions != self.definitions:
            raise KernelError("a case was proved under other definitions")
        if value not in merged_values(condition, a.value, b.value):
            raise KernelError("the value does not put the two cases together")
        sides = strictly(condition), strictly(opposite(condition))
        if condition.indices:
            raise KernelError("a condition with a free index is a condition on all of them")
        every = [h for t, side in zip((inside, outside), sides, strict=True) for h in t.hypotheses if h != side]
        for side, part in zip(sides, (a.value, b.value), strict=True):
            if part == ZERO and value.kind == "mul":  # 0 is 0 times the common factor only where that is defined
                common = Theory(self._definitions, (*self._assumptions, side)).support(value.args[-1])
                every += [h for h in common if h != side]
        return self._read(a._replace(value=value), (*every, rel("!=", *condition.args[1:])))

    @refusing
    def join(
        self, outer: Theory, condition: Term, inside: Theorem, outside: Theorem, value: Term, output: Term
    ) -> Theorem:
        """``cases`` without the border l = r: J is continuous there, and both sides have the same derivative.

        By the mean value theorem a continuous function that is differentiable on both sides, with the same limit
        of its derivative, is differentiable between them. Fails: as cases, or this is not proved at l = r.
        """
        both = self.cases(condition, inside, outside, value)
        a, b = inside.conclusion, outside.conclusion
        assert isinstance(a, Derivative) and isinstance(b, Derivative) and isinstance(both.conclusion, Derivative)
        every = [h for h in both.hypotheses if h != rel("!=", *condition.args[1:])]
        self._check_open(every, a.variable)
        if a.order != 1:
            raise KernelError("only first derivatives are joined")
        every += self.continuity(outer, condition, a.subject, output, a.variable)
        every += self._meeting(outer, condition, a.value, b.value, output, a.variable)
        return self._read(both.conclusion, every)

    @refusing
    def continuity(
        self, outer: Theory, condition: Term, subject: Term, output: Term, variable: Term
    ) -> tuple[Term, ...]:
        """The relations by which J, as defined, is smooth up to where the two sides meet, and has no jump there.

        Fails: this is not proved.
        """
        body = self.definitions[subject.args[0]][1]
        inside, outside = (resolved(body, condition, side) for side in (True, False))
        return self._meeting(outer, condition, inside, outside, output, variable)

    def _meeting(
        self, outer: Theory, condition: Term, inside: Term, outside: Term, output: Term, variable: Term
    ) -> tuple[Term, ...]:
        """Both terms are smooth, and equal, where l = r; h is free if l or r uses it, else resolved to each side."""
        is_free = output.args[0] in condition.names
        sides, variables = [inside, outside], [variable, output][: 1 + is_free]
        if not is_free:
            if output.args[1:]:
                raise KernelError("only scalars are joined")
            body = self.definitions[output.args[0]][1]
            sides = [
                replace(t, {output: resolved(body, condition, side)})
                for t, side in zip(sides, (True, False), strict=True)
            ]
        if variable.args[0] not in self.moving_names(sub(*condition.args[1:])):
            raise KernelError("the border does not move with the variable")
        assumptions = outer.assumptions if is_free else self.assumptions
        border = rel("=", *condition.args[1:])
        theory = Theory(outer.definitions, (*assumptions, border))
        try:
            used = [*theory.equal(*sides).hypotheses]
        except KernelError:
            theory = Theory(outer.definitions, assumptions)
            used = [*theory.equal_where_zero(sub(*condition.args[1:]), *sides).hypotheses]
        for v in variables:
            for t in (*sides, *condition.args[1:]):
                used += theory.support(t, v)
        if is_free:
            used += self.support(output, variable)
        own = _ties(self.definitions[output.args[0]][1]) if is_free and output.args[0] in self.definitions else []
        ties = [t for side in sides for t in _ties(side)]
        if not all(map(theory.holds, ties)) or not all(map(self.holds, own)):
            raise KernelError("a side has a border of its own where the two meet")
        at_border = (border, rel("=", sub(*condition.args[1:]), ZERO))
        kept = tuple(h for h in dict.fromkeys(used) if h not in at_border)
        if not all(h in assumptions or self.holds(h) for h in kept):
            raise KernelError("a side is not proved to be smooth up to the border")
        return kept

    def equal_where_zero(self, border: Term, left: Term, right: Term) -> Theorem:
        """|- left = right where border = 0.  Fails: the difference is no multiple of the border."""

        def prove() -> Theorem:
            algebra = self._algebra
            if not algebra.is_multiple(_closed(sub(left, right)), _closed(border)):
                raise KernelError("the difference is no multiple of the border")
            needs = algebra.conditions(left) + algebra.conditions(right)
            return self._theorem(Equation(left, right), needs, (rel("=", border, ZERO),))

        return self._algebra.attempt(prove)

    @refusing
    def continuous(self, term: Term, apart: Collection[Term] = ()) -> tuple[Term, ...]:
        """The hypotheses under which a term is defined, and continuous wherever the relations ``apart``, l != r, hold.

        A law is continuous where it is defined, and ``where`` at l = r if both branches are equal there.
        Fails: this is not proved; one of ``apart`` that can never hold does not count.
        """
        found = [*self.support(term)]
        for condition, inside, outside in _pieces(term):
            if not self._keeps_away(rel("!=", *condition.args[1:]), apart):
                found += self._meets(condition, inside, outside)
        return tuple(dict.fromkeys(found))

    def _keeps_away(self, tie: Term, apart: Collection[Term]) -> bool:
        try:
            return self.holds(tie) or any(tie == at_index(r, tie.indices) for r in apart)
        except KernelError:  # it can never hold
            return False

    def _meets(self, condition: Term, inside: Term, outside: Term) -> tuple[Term, ...]:
        """The hypotheses, but for l = r itself, under which both branches are equal there."""
        if condition.indices:
            if not self.agrees_across(condition, inside, outside):
                raise KernelError("the branches are not proved equal at a border with an index")
            return ()
        border, difference = rel("=", *condition.args[1:]), sub(*condition.args[1:])
        try:
            used = Theory(self._definitions, (*self._assumptions, border)).equal(inside, outside).hypotheses
        except KernelError:
            used = self.equal_where_zero(difference, inside, outside).hypotheses
        return tuple(h for h in used if h not in (border, rel("=", difference, ZERO)))

    def agrees_across(self, condition: Term, left: Term, right: Term) -> bool:
        """Whether two terms are proved equal where l = r for one value of an index, whatever holds for its others."""
        return self._algebra.attempt(lambda: self._algebra.agrees_across(condition, left, right))

    def support(self, term: Term, variable: Term | None = None) -> tuple[Term, ...]:
        """The hypotheses, assumed or left over, under which a term is defined, and smooth in a variable."""

        def prove() -> tuple[Term, ...]:
            return self._theorem(Equation(term, term), self._algebra.conditions(_closed(term), variable)).hypotheses

        return self._algebra.attempt(prove)

    def holds(self, relation: Term) -> bool:
        """Whether a relation is proved to hold wherever the assumptions do.  Fails: it can never hold."""
        return self._algebra.attempt(lambda: self._algebra.obligation(relation)).is_met

    def needs(self, term: Term, variable: Term | None = None) -> tuple[Term, ...]:
        """The relations under which a term is defined, and smooth in a variable, that the assumptions leave open."""
        algebra = self._algebra

        def open_needs() -> tuple[Term, ...]:
            every = map(algebra.obligation, algebra.conditions(_closed(term), variable))
            return tuple(o.claim for o in every if not o.is_met)

        return algebra.attempt(open_needs)

    def moving_names(self, term: Term) -> frozenset[str]:
        """Names of the variables on which the normal form of a term depends, definitions unfolded."""
        algebra = self._algebra

        def names() -> frozenset[str]:
            above, below = algebra.canonical(algebra.normal(_closed(term)))
            return frozenset().union(*(t.names for p in (above, below) for t in algebra.atoms_of(p)))

        return algebra.attempt(names)


_STRICT = {"<": "<", "<=": "<", ">": ">", ">=": ">"}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def strictly(condition: Term) -> Term:
    """a < b for a <= b."""
    return rel(_STRICT[condition.args[0]], *condition.args[1:])


def opposite(condition: Term) -> Term:
    """a >= b for a < b."""
    return rel(_OPPOSITE[condition.args[0]], *condition.args[1:])


def weakly(condition: Term) -> Term:
    """a <= b for a < b."""
    return rel({"<": "<=", ">": ">="}.get(condition.args[0], condition.args[0]), *condition.args[1:])


def resolved(term: Term, condition: Term, side: bool) -> Term:
    """The term with every ``where`` of the condition, or abs(x) for x > 0, replaced by what it is on one side."""
    if term.kind == "where" and term.args[0] == condition:
        return resolved(term.args[1 if side else 2], condition, side)
    if term.kind == "call" and term.args[0] == "abs" and condition == rel(">", term.args[1], ZERO):
        return term.args[1] if side else neg(term.args[1])
    return rebuild(term, lambda t: resolved(t, condition, side))


def merged_values(condition: Term, left: Term, right: Term) -> list[Term]:
    """The ways to write ``left`` where the condition holds, else ``right``."""
    found = [where(condition, left, right), *([left] if left == right else [])]
    for common in (t.args[-1] if t.kind == "mul" else t for t in (left, right)):
        f, g = _cofactor(left, common), _cofactor(right, common)
        if f is not None and g is not None:
            found += [mul(where(condition, f, g), common), *([mul(f, common)] if f == g else [])]
    return found


def _ties(term: Term) -> list[Term]:
    """That no condition of ``where`` is at its border, and no argument of abs 0; sums are left to ``support``."""
    found = [t for part in term.args if isinstance(part, Term) for t in _ties(part)]
    if term.kind == "where":
        found.append(rel("!=", *term.args[0].args[1:]))
    elif term.kind == "call" and term.args[0] == "abs":
        found.append(rel("!=", term.args[1], ZERO))
    return [t for t in found if not t.loose]


def at_index(relation: Term, indices: tuple[Term, ...]) -> Term:
    """A relation about every index as it is at the given ones; itself where it has another number of them."""
    own = relation.indices
    return reindex(relation, dict(zip(own, indices, strict=True))) if len(own) == len(indices) else relation


def _pieces(term: Term) -> Iterator[tuple[Term, Term, Term]]:
    """Each ``where`` of a term as its condition and branches, inside of sums at an index of its own."""
    if term.kind == "sum":
        term = open_sum(term, fresh_index(term.args[0], term))
    if term.kind == "where":
        yield term.args
    for part in term.args:
        if isinstance(part, Term):
            yield from _pieces(part)


def _cofactor(term: Term, common: Term) -> Term | None:
    """f where the term is f * common as it is written."""
    if term == common:
        return ONE
    if term == ZERO:
        return ZERO
    return mul(*term.args[:-1]) if term.kind == "mul" and term.args[-1] == common else None


def _closed(term: Term) -> Term:
    """The term itself.  Fails: it is an index, or a bound index stands outside of its sum."""
    if term.loose or term.kind == "index":
        raise KernelError("an index is no number, and a bound one stands inside of its sum only")
    return term
