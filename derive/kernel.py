"""The kernel: theorems and the rules that make them; imports algebra, balls, term and errors only.

A ``Theorem`` can be made by the rules of ``Theory`` alone. It says: for all real values of its
variables and all values of its free indices that satisfy its hypotheses, both sides are defined
and the conclusion holds. A free index in a hypothesis is universal ("for every k"). Whatever the
kernel cannot do raises ``KernelError``, which proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from derive import balls
from derive.algebra import Algebra, Definitions
from derive.errors import KernelError
from derive.term import ZERO, Term, index, mul, names, rel, reindex, sub, sum_over, var


class Equation(NamedTuple):
    left: Term
    right: Term


class Derivative(NamedTuple):
    """d subject / d variable = value."""

    subject: Term
    variable: Term
    value: Term


class Obligation(NamedTuple):
    """A relation that had to hold, and the facts (assumptions or laws) from which its sign follows."""

    claim: Term
    facts: tuple[Term, ...]


_SEAL = object()


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

    __delattr__ = __setattr__  # type: ignore[assignment]


class Theory:
    """The rules of inference under definitions (h := f(z)) and assumptions (relations that may be used)."""

    def __init__(self, definitions: Definitions, assumptions: tuple[Term, ...] = ()) -> None:
        if any(r.kind != "rel" for r in assumptions):
            raise KernelError("an assumption is a relation")
        for name, (formals, body) in definitions.items():
            if len(set(formals)) != len(formals) or not set(body.indices) <= set(formals):
                raise KernelError(f"the definition of {name} does not bind its indices")
        self.definitions = MappingProxyType(dict(definitions))
        self.assumptions = assumptions
        self._algebra = Algebra(self.definitions, assumptions)

    def _theorem(self, conclusion: Equation | Derivative, needs: Iterable[Term], kept: Iterable[Term] = ()) -> Theorem:
        """Discharge what is needed from the assumptions; what is left over becomes a hypothesis."""
        algebra = self._algebra
        hypotheses = dict.fromkeys(kept)
        obligations = []
        for relation in needs:
            facts = algebra.facts_for(relation)
            if facts is None:
                hypotheses[_readable(relation)] = None
            else:
                obligations.append(Obligation(_readable(relation), tuple(map(_readable, facts))))
                hypotheses |= dict.fromkeys(f for f in facts if f in self.assumptions)
        hypotheses |= dict.fromkeys(r for r in self.assumptions if r.args[0] == "=" or r in algebra.facts)
        return Theorem(_SEAL, self.definitions, tuple(hypotheses), conclusion, tuple(obligations))

    def definition(self, left: Term) -> Theorem:
        """|- h = f(z), as defined.  Fails: nothing of that name and shape is defined."""
        formals, body = self.definitions.get(left.args[0], ((), None))
        if body is None or left.kind not in ("var", "item") or left.args[1:] != formals:
            raise KernelError("no such definition")
        return Theorem(_SEAL, self.definitions, (), Equation(left, body), ())

    def equal(self, left: Term, right: Term) -> Theorem:
        """|- left = right, where both are defined.  Fails: the normal forms differ, or there is none."""

        def prove() -> Theorem:
            if not self._same(left, right):
                raise KernelError("the normal forms of the two sides differ")
            needs = dict.fromkeys(self._algebra.conditions(left) + self._algebra.conditions(right))
            return self._theorem(Equation(left, right), needs)

        return self._algebra.attempt(prove)  # type: ignore[no-any-return]

    def derivative(self, subject: Term, variable: Term, value: Term) -> Theorem:
        """|- d subject / d variable = value.  Fails: value is not the derivative by the laws, or a law is missing."""
        if variable.kind not in ("var", "item") or variable.args[0] in self.definitions:
            raise KernelError("derivatives are taken by a variable that is not defined by others")
        if len(set(variable.args[1:])) != len(variable.args) - 1:
            raise KernelError("the indices of the variable must differ")

        def prove() -> Theorem:
            found = self._algebra.differentiate(subject, variable)
            if not self._same(found if found is not None else ZERO, value):
                raise KernelError("this is not the derivative")
            needs = dict.fromkeys(self._algebra.conditions(subject, variable) + self._algebra.conditions(value))
            return self._theorem(Derivative(subject, variable, value), needs)

        return self._algebra.attempt(prove)  # type: ignore[no-any-return]

    def _same(self, left: Term, right: Term) -> bool:
        """Equal numerators over a common denominator, in each case of two free indices equal or not."""
        algebra = self._algebra
        algebra.use_equations((*left.indices, *right.indices))
        (n1, d1), (n2, d2) = algebra.normal(left), algebra.normal(right)
        gap = algebra.reduce(n1 - n2 if d1 == d2 else n1 * d2 - n2 * d1)
        if not gap:
            return True
        for delta in algebra.atoms_of(gap):
            if delta.kind == "kron":
                apart = gap.subs({str(algebra.atom(delta)): 0})
                i, j = delta.args
                return not algebra.reduce(apart) and self._same(reindex(left, {i: j}), reindex(right, {i: j}))
        return False

    def chain(self, outer: Theorem, inner: Theorem) -> Theorem:
        """From |- dJ/dh[k] = A (h free) and |- dh[k]/dz[j] = B, under h := f(z): |- dJ/dz[j] = sum_k A B.

        Fails: the theorems do not meet in h, J uses z besides h, or an index of h is one of z (capture).
        """
        a, b = outer.conclusion, inner.conclusion
        if not isinstance(a, Derivative) or not isinstance(b, Derivative) or a.variable != b.subject:
            raise KernelError("the chain rule needs dJ/dh and dh/dz")
        name, *indices = a.variable.args
        self._check_definitions(outer)
        if name in outer.definitions or name not in self.definitions or inner.definitions != self.definitions:
            raise KernelError("the chain rule needs h free in dJ/dh and defined in dh/dz")
        if {*indices} & {*b.variable.args[1:], *a.subject.indices}:
            raise KernelError("an index of h is taken already; rename it")
        if b.variable.args[0] in self._names(a.subject, outer.definitions):
            raise KernelError("J depends on z not only through h")
        value = mul(a.value, b.value)
        for i in reversed(indices):
            value = sum_over(i, value)
        return self._transfer(Derivative(a.subject, b.variable, value), outer, inner)

    def rewrite(self, theorem: Theorem, equation: Theorem) -> Theorem:
        """From |- d e / d v = a and |- a = b: |- d e / d v = b.  Fails: the left side is not the value."""
        a, b = theorem.conclusion, equation.conclusion
        if not isinstance(a, Derivative) or not isinstance(b, Equation) or b.left != a.value:
            raise KernelError("the equation does not rewrite this value")
        return self._transfer(Derivative(a.subject, a.variable, b.right), theorem, equation)

    def _transfer(self, conclusion: Derivative, *theorems: Theorem) -> Theorem:
        """Read hypotheses under this theory's definitions; those that now follow are discharged."""
        needs: dict[Term, None] = {}
        kept: dict[Term, None] = {}
        for theorem in theorems:
            self._check_definitions(theorem)
            for h in theorem.hypotheses:
                (kept if h.args[0] == "=" or h in self.assumptions else needs)[h] = None
        return self._algebra.attempt(lambda: self._theorem(conclusion, needs, kept))  # type: ignore[no-any-return]

    def _check_definitions(self, theorem: Theorem) -> None:
        if any(self.definitions.get(name) != body for name, body in theorem.definitions.items()):
            raise KernelError("the theorem rests on other definitions")

    def _names(self, term: Term, definitions: Definitions) -> set[str]:
        """All variables on which a term rests, through definitions."""
        found = names(term)
        return found.union(*(self._names(definitions[n][1], definitions) for n in found if n in definitions))


def _readable(relation: Term) -> Term:
    """The relation with internal index names replaced by letters; its free indices are universal."""
    own = relation.indices
    taken = {i.args[0] for i in own}
    letters = (c for c in "kliqprstuvw" if c not in taken)
    table = {i: index(next(letters), i.args[1]) for i in own if i.args[0].startswith("#")}
    return reindex(relation, table) if table else relation


# ---- a derivation: a statement, and a chain of steps that the rules above must accept --------------


class Statement(NamedTuple):
    """J = cost(h, y) with h = activation(z), and what is allowed to be assumed.

    ``output`` is h or h[k], ``target`` y or y[k], ``preactivation`` z or z[j], where the indices of the
    two sides differ. ``loss_domain`` are relations on h, ``activation_domain`` on z, parameters and sizes,
    ``targets`` on y: the only ones that may turn into conditions.
    """

    cost: Term
    output: Term
    target: Term
    activation: Term
    preactivation: Term
    loss_domain: tuple[Term, ...] = ()
    activation_domain: tuple[Term, ...] = ()
    targets: tuple[Term, ...] = ()

    def at_preactivation(self, term: Term) -> Term:
        """A term in the indices of h, such as h[k], at those of z: h[j]."""
        return reindex(term, dict(zip(self.output.args[1:], self.preactivation.args[1:], strict=True)))

    @property
    def residual(self) -> Term:
        """h - y at the coordinate of z."""
        return sub(self.at_preactivation(self.output), self.at_preactivation(self.target))

    @property
    def outer_definitions(self) -> Definitions:
        return {"J": ((), self.cost)}

    @property
    def definitions(self) -> Definitions:
        return {**self.outer_definitions, self.output.args[0]: (self.output.args[1:], self.activation)}


class Step(NamedTuple):
    """One inference: a rule, the earlier steps it rests on (from 0), the right side it claims, what it assumes."""

    rule: str
    sources: tuple[int, ...]
    value: Term
    assuming: tuple[Term, ...] = ()


COST = var("J")
MAX_SIZE = 10  # classes and examples of a witness


class Derivation:
    """The theorems of a chain of steps under one statement."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.outer = Theory(statement.outer_definitions, statement.loss_domain)
        self.inner = Theory(statement.definitions, statement.activation_domain)
        self.theorems: list[Theorem] = []

    def extend(self, step: Step) -> Theorem:
        """Apply the step's rule and keep its theorem.  Fails: an unknown rule or source, or the rule refuses."""
        rule = RULES.get(step.rule)
        if rule is None:
            raise KernelError(f"no such rule: {step.rule}")
        if not all(0 <= n < len(self.theorems) for n in step.sources):
            raise KernelError("a step can rest on earlier steps only")
        if step.assuming and step.rule != "condition":
            raise KernelError("only a condition may assume something")
        theorem = rule(self, step, *(self.theorems[n] for n in step.sources))
        conclusion = theorem.conclusion
        if (conclusion.value if isinstance(conclusion, Derivative) else conclusion.right) != step.value:
            raise KernelError("the rule proves another right side")
        self.theorems.append(theorem)
        return theorem


def _cost(run: Derivation, _: Step) -> Theorem:
    return run.outer.definition(COST)


def _output(run: Derivation, _: Step) -> Theorem:
    return run.inner.definition(run.statement.output)


def _differentiate_loss(run: Derivation, step: Step) -> Theorem:
    return run.outer.derivative(COST, run.statement.output, step.value)


def _differentiate_activation(run: Derivation, step: Step) -> Theorem:
    return run.inner.derivative(run.statement.output, run.statement.preactivation, step.value)


def _chain(run: Derivation, _: Step, outer: Theorem, inner: Theorem) -> Theorem:
    return run.inner.chain(outer, inner)


def _rewrite(run: Derivation, step: Step, theorem: Theorem) -> Theorem:
    """The value rewritten with h a variable of its own: valid for every h in the loss's domain."""
    theory = run.outer if theorem.definitions == run.outer.definitions else run.inner
    return theory.rewrite(theorem, run.outer.equal(_value(theorem), step.value))


def _unfold(run: Derivation, step: Step, theorem: Theorem) -> Theorem:
    """The value rewritten with h read as the activation."""
    return run.inner.rewrite(theorem, run.inner.equal(_value(theorem), step.value))


def _condition(run: Derivation, step: Step, theorem: Theorem) -> Theorem:
    """The value rewritten under conditions that the targets are declared to meet."""
    if not step.assuming or not set(step.assuming) <= set(run.statement.targets):
        raise KernelError("a condition must be one of those declared for the targets")
    theory = Theory(run.outer.definitions, run.outer.assumptions + step.assuming)
    return run.inner.rewrite(theorem, theory.equal(_value(theorem), step.value))


def _value(theorem: Theorem) -> Term:
    if not isinstance(theorem.conclusion, Derivative):
        raise KernelError("only the value of a derivative is rewritten")
    return theorem.conclusion.value


RULES: Mapping[str, Callable[..., Theorem]] = {
    "cost": _cost,
    "output": _output,
    "differentiate-loss": _differentiate_loss,
    "differentiate-activation": _differentiate_activation,
    "chain": _chain,
    "rewrite": _rewrite,
    "unfold": _unfold,
    "condition": _condition,
}


def replay(statement: Statement, steps: Sequence[Step]) -> tuple[Theorem, ...]:
    """The theorems of all steps, in order.  Fails: a rule refuses a step."""
    run = Derivation(statement)
    for n, step in enumerate(steps, 1):
        try:
            run.extend(step)
        except (KernelError, TypeError) as problem:
            raise KernelError(f"step {n} ({step.rule}): {problem}") from problem
    return tuple(run.theorems)


# ---- the verdict ---------------------------------------------------------------------------------


class Verdict(NamedTuple):
    """``answer``: is dJ/dz = h - y under ``conditions``?  ``kind``: cancels, multiple, residual or other.

    ``delta`` is dJ/dz before a condition is used; ``factor`` the c or g of c (h - y) and g (h - y).
    """

    answer: str
    kind: str
    delta: Term
    factor: Term | None
    conditions: tuple[Term, ...]


def verdict(
    statement: Statement, theorems: Sequence[Theorem], witness: balls.Point | None, border: balls.Point | None
) -> Verdict:
    """What the last theorem says about dJ/dz = h - y.

    A "no" needs a witness where the two differ, a "yes" under conditions one that breaks it without
    them, "other" a border point where h = y and still delta != 0, so that no finite g has delta = g (h - y).
    Fails: the last theorem is not about dJ/dz, it needs more than was declared, or a witness does not hold.
    """
    conclusion = theorems[-1].conclusion if theorems else None
    if not isinstance(conclusion, Derivative) or conclusion[:2] != (COST, statement.preactivation):
        raise KernelError("the derivation does not end in dJ/dz")
    if theorems[-1].definitions != statement.definitions:
        raise KernelError("the derivation ends under other definitions")
    conditions = tuple(h for h in theorems[-1].hypotheses if h not in statement.activation_domain)
    if not set(conditions) <= set(statement.targets):
        raise KernelError("the derivation needs hypotheses that the statement does not declare")
    kind, factor = _shape(statement, conclusion.value)
    delta = _unconditional(theorems)
    if conditions and kind not in ("cancels", "multiple"):
        raise KernelError("a condition is used that does not help")
    if (witness is not None) != (kind != "cancels" or bool(conditions)) or (border is not None) != (kind == "other"):
        raise KernelError("a witness is missing, or one is given that nothing needs")
    if kind != "cancels":
        _check_witness(statement, witness, statement.activation_domain + statement.targets, statement.residual)
    elif conditions:
        _check_witness(statement, witness, statement.activation_domain, statement.residual)
    if kind == "other":
        inequalities = tuple(r for r in statement.targets if r.args[0] != "=")
        _check_witness(statement, border, statement.activation_domain + inequalities, ZERO)
        _check_border(statement, border)
    return Verdict("yes" if kind == "cancels" else "no", kind, delta, factor, conditions)


def _shape(statement: Statement, value: Term) -> tuple[str, Term | None]:
    residual = statement.residual
    if value == residual:
        return "cancels", None
    if value.kind != "mul" or value.args[-1] != residual:
        return "other", None
    factor = mul(*value.args[:-1])
    moving = {t.args[0] for t in (statement.output, statement.target, statement.preactivation)}
    return ("residual" if names(factor) & moving else "multiple"), factor


def _unconditional(theorems: Sequence[Theorem]) -> Term:
    """The value of the last derivative by z that rests on no equation about the targets."""
    last = theorems[-1].conclusion
    values = [
        t.conclusion.value
        for t in theorems
        if isinstance(t.conclusion, Derivative)
        and t.conclusion[:2] == last[:2]
        and not any(h.args[0] == "=" for h in t.hypotheses)
    ]
    if not values:
        raise KernelError("dJ/dz is never stated without a condition")
    return values[-1]


def _check_witness(statement: Statement, point: balls.Point | None, needed: Iterable[Term], claim: Term) -> None:
    """At the point, dJ/dz by dual numbers on J itself and the claim certainly differ, inside the domain."""
    if point is None or any(n > MAX_SIZE for n in point.sizes.values()):
        raise KernelError(f"a witness has sizes of at most {MAX_SIZE}")
    definitions = statement.definitions
    slope = balls.Slope(COST, statement.preactivation)
    if not all(_holds_everywhere(r, point, definitions) for r in needed):
        raise KernelError("the witness is not certainly inside the domain")
    if not balls.certainly_different(slope, claim, point, definitions):
        raise KernelError("the witness does not certainly separate dJ/dz from the claim")


def _holds_everywhere(relation: Term, point: balls.Point, definitions: Definitions) -> bool:
    """The relation at the point, for every value of its free indices."""
    own = {i: index("#" + i.args[0], i.args[1]) for i in relation.indices}  # not an index that the point has fixed
    relation, points = reindex(relation, own), [point]
    for i in own.values():
        name, size = i.args
        points = [
            p._replace(indices={**p.indices, name: n}) for p in points for n in range(1, point.sizes.get(size, 0) + 1)
        ]
    return bool(points) and all(balls.certainly_holds(relation, p, definitions) for p in points)


def _check_border(statement: Statement, point: balls.Point | None) -> None:
    """At a border point the target is given as the output itself, so h = y there exactly."""
    target = statement.at_preactivation(statement.target)
    output = statement.at_preactivation(statement.output)
    assert point is not None
    key = (target.args[0], tuple(point.indices[i.args[0]] for i in target.args[1:]))
    if point.values.get(key) != output:
        raise KernelError("a border point sets y to h")
