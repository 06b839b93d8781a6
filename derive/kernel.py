"""The kernel: theorems and the rules that make them; imports calculus, balls, term and errors only.

A ``Theorem`` can be made by the rules of ``Theory`` alone. It says: for all real values of its
variables and all values of its free indices that satisfy its hypotheses, both sides are defined
and the conclusion holds. A free index in a hypothesis is universal ("for every k"). Whatever the
kernel cannot do raises ``KernelError``, which proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from types import MappingProxyType
from typing import NamedTuple, ParamSpec, TypeVar

from derive import balls
from derive.algebra import Definitions, Obligation
from derive.calculus import Calculus
from derive.errors import REFUSALS, KernelError
from derive.term import ZERO, Term, index, mul, reindex, sub, sum_over, var


class Equation(NamedTuple):
    left: Term
    right: Term


class Derivative(NamedTuple):
    """d subject / d variable = value."""

    subject: Term
    variable: Term
    value: Term


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


def _refusing(rule: Callable[Given, Found]) -> Callable[Given, Found]:
    """A rule whose every failure is a refusal: whatever goes wrong inside proves nothing."""

    @wraps(rule)
    def guarded(*args: Given.args, **options: Given.kwargs) -> Found:
        try:
            return rule(*args, **options)
        except REFUSALS as problem:
            raise KernelError(f"the kernel cannot treat this: {problem}") from problem

    return guarded


class Theory:
    """The rules of inference under definitions (h := f(z)) and assumptions (relations that may be used).

    Fails: a definition rests on itself or has free indices besides its own, or something is no closed term.
    """

    __slots__ = ("_algebra", "_assumptions", "_definitions")

    @_refusing
    def __init__(self, definitions: Definitions, assumptions: Iterable[Term] = ()) -> None:
        self._definitions: Definitions = MappingProxyType(dict(definitions))
        self._assumptions = tuple(assumptions)
        for name, (formals, body) in self._definitions.items():
            _closed(body)
            if len(set(formals)) != len(formals) or not set(body.indices) <= set(formals):
                raise KernelError(f"the definition of {name} does not bind its indices")
            if not body.names.isdisjoint(self._definitions) and name in _names(body, self._definitions):
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
            if not self._same(_closed(left), _closed(right)):
                raise KernelError("the normal forms of the two sides differ")
            algebra = self._algebra
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
            if not self._same(found if found is not None else ZERO, _closed(value)):
                raise KernelError("this is not the derivative")
            needs = algebra.conditions(subject, variable) + algebra.conditions(value)
            return self._theorem(Derivative(subject, variable, value), needs)

        return self._algebra.attempt(prove)

    def _same(self, left: Term, right: Term) -> bool:
        """Equal numerators over a common denominator, in each case of two free indices equal or not."""
        algebra = self._algebra
        algebra.use_equations((*left.indices, *right.indices))
        (n1, d1), (n2, d2) = algebra.normal(left), algebra.normal(right)
        gap = n1 - n2 if d1 == d2 else algebra.total([(n1, d1), (-n2, d2)])[0]
        return algebra.vanishes(gap)

    @_refusing
    def chain(self, outer: Theorem, inner: Theorem) -> Theorem:
        """From |- dJ/dh[k] = A (h free) and |- dh[k]/dz[j] = B, under h := f(z): |- dJ/dz[j] = sum_k A B.

        Fails: the theorems do not meet in h, more than h is defined anew, J uses z besides h, or an index of h is
        one of z (capture).
        """
        a, b = outer.conclusion, inner.conclusion
        if not isinstance(a, Derivative) or not isinstance(b, Derivative) or a.variable != b.subject:
            raise KernelError("the chain rule needs dJ/dh and dh/dz")
        name, *indices = a.variable.args
        if inner.definitions != self.definitions or name not in self.definitions:
            raise KernelError("the chain rule needs dh/dz under the same definitions, h among them")
        if dict(outer.definitions) != {n: d for n, d in self.definitions.items() if n != name}:
            raise KernelError("the chain rule needs dJ/dh under the same definitions but that of h")
        if {*indices} & {*b.variable.args[1:], *a.subject.indices}:
            raise KernelError("an index of h is taken already; rename it")
        if b.variable.args[0] in _names(a.subject, outer.definitions):
            raise KernelError("J depends on z not only through h")
        value = mul(a.value, b.value)
        for i in reversed(indices):
            value = sum_over(i, value)
        return self._read(Derivative(a.subject, b.variable, value), outer, inner)

    @_refusing
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
        return self._read(Derivative(a.subject, a.variable, b.right), theorem, equation)

    def _read(self, conclusion: Derivative, *theorems: Theorem) -> Theorem:
        """A conclusion under this theory's definitions: hypotheses that now follow are discharged.

        Its value is defined where the theorems' sides are and the defined names in it are.
        """
        algebra = self._algebra
        hypotheses = dict.fromkeys(h for theorem in theorems for h in theorem.hypotheses)
        kept = [h for h in hypotheses if h.args[0] == "=" or h in self._assumptions]
        needs = [h for h in hypotheses if h not in kept]
        bodies = [body for name, (_, body) in self._definitions.items() if name in conclusion.value.names]
        return algebra.attempt(
            lambda: self._theorem(conclusion, (*needs, *(r for b in bodies for r in algebra.conditions(b))), kept)
        )

    def moving_names(self, term: Term) -> frozenset[str]:
        """Names of the variables on which the normal form of a term depends, definitions unfolded."""
        algebra = self._algebra

        def names() -> frozenset[str]:
            above, below = algebra.canonical(algebra.normal(_closed(term)))
            return frozenset().union(*(t.names for p in (above, below) for t in algebra.atoms_of(p)))

        return algebra.attempt(names)


def _closed(term: Term) -> Term:
    """The term itself.  Fails: it is an index, or a bound index stands outside of its sum."""
    if term.loose or term.kind == "index":
        raise KernelError("an index is no number, and a bound one stands inside of its sum only")
    return term


def _names(term: Term, definitions: Definitions) -> frozenset[str]:
    """All variables on which a term rests, through definitions."""
    found: frozenset[str] = frozenset()
    waiting = [*term.names]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found |= {name}
            waiting += definitions[name][1].names if name in definitions else ()
    return found


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


def _check_statement(statement: Statement) -> None:
    """J, h, y and z are four different things, each in its place.  Fails: otherwise."""
    output, target, z = statement.output, statement.target, statement.preactivation
    named = [t.args[0] for t in (output, target, z)]
    if any(t.kind not in ("var", "item") or t.loose for t in (output, target, z)) or len({*named, "J"}) != 4:
        raise KernelError("h, y and z are three different variables or families, none of them J")
    if output.args[1:] != target.args[1:] or len({*output.args[1:], *z.args[1:]}) != 2 * (len(z.args) - 1):
        raise KernelError("h and y have the same indices, and z as many others")
    if [i.args[1] for i in output.args[1:]] != [i.args[1] for i in z.args[1:]]:
        raise KernelError("the indices of h and z run over the same sizes")
    h, y, x = named
    places: tuple[tuple[tuple[Term, ...], set[str]], ...] = (
        ((statement.cost,), {"J"}),
        ((statement.activation,), {"J", h, y}),
        (statement.loss_domain, {"J", x}),
        (statement.activation_domain, {"J", h, y}),
        (statement.targets, {"J", h, x}),
    )
    for terms, foreign in places:
        if any(t.names & foreign for t in terms):
            raise KernelError("a part of the statement names J, h, y or z where it has no place")
    if any(r.args[0] == "=" for r in (*statement.loss_domain, *statement.activation_domain)):
        raise KernelError("a domain is given by inequalities; equations are conditions on targets")


class Derivation:
    """The theorems of a chain of steps under one statement."""

    @_refusing
    def __init__(self, statement: Statement) -> None:
        _check_statement(statement)
        self.statement = statement
        self.outer = Theory(statement.outer_definitions, statement.loss_domain)
        self.inner = Theory(statement.definitions, statement.activation_domain)
        self.theorems: list[Theorem] = []

    def extend(self, step: Step) -> Theorem:
        """Apply the step's rule and keep its theorem.  Fails: an unknown rule or source, or the rule refuses."""
        rule = RULES.get(step.rule)
        if rule is None:
            raise KernelError(f"no such rule: {step.rule}")
        if step.sources and not 0 <= min(step.sources) <= max(step.sources) < len(self.theorems):
            raise KernelError("a step can rest on earlier steps only")
        if step.assuming and step.rule != "condition":
            raise KernelError("only a condition may assume something")
        theorem = rule(self, step, *[self.theorems[n] for n in step.sources])
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
        except (KernelError, *REFUSALS) as problem:
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


@_refusing
def verdict(statement: Statement, theorems: Sequence[Theorem], points: Mapping[str, balls.Point]) -> Verdict:
    """What the last theorem says about dJ/dz = h - y, with exactly the points that this needs.

    "inside" for a yes: a point of the domain with allowed targets, so that the yes is not empty. "witness" for a
    no: one where dJ/dz and h - y certainly differ; for a yes under conditions, one that breaks it without them.
    "border" for "other": one where h = y and still dJ/dz != 0, so that no finite g has delta = g (h - y).
    Fails: the last theorem is not about dJ/dz, it needs more than was declared, or a point does not hold.
    """
    _check_statement(statement)
    conclusion = theorems[-1].conclusion if theorems else None
    if not isinstance(conclusion, Derivative) or conclusion[:2] != (COST, statement.preactivation):
        raise KernelError("the derivation does not end in dJ/dz")
    if theorems[-1].definitions != statement.definitions:
        raise KernelError("the derivation ends under other definitions")
    conditions = tuple(h for h in theorems[-1].hypotheses if h not in statement.activation_domain)
    if not set(conditions) <= set(statement.targets):
        raise KernelError("the derivation needs hypotheses that the statement does not declare")
    kind, factor = _shape(statement, conclusion.value)
    if conditions and kind not in ("cancels", "multiple"):
        raise KernelError("a condition is used that does not help")
    _check_points(statement, kind, bool(conditions), points)
    return Verdict("yes" if kind == "cancels" else "no", kind, _unconditional(statement, theorems), factor, conditions)


def _shape(statement: Statement, value: Term) -> tuple[str, Term | None]:
    residual = statement.residual
    if value == residual:
        return "cancels", None
    if value.kind != "mul" or value.args[-1] != residual:
        return "other", None
    factor = mul(*value.args[:-1])
    variables = {"J", *(t.args[0] for t in (statement.output, statement.target, statement.preactivation))}
    if not _names(factor, statement.definitions) & variables:
        return "multiple", factor
    if not Theory(statement.definitions, statement.activation_domain).moving_names(factor) & variables:
        raise KernelError("the factor is a constant, and must be written as one")
    return "residual", factor


def _unconditional(statement: Statement, theorems: Sequence[Theorem]) -> Term:
    """The value of the last dJ/dz that needs nothing but the domain of the activation."""
    last = theorems[-1].conclusion
    for theorem in reversed(theorems):
        found = theorem.conclusion
        if (
            isinstance(found, Derivative)
            and found[:2] == last[:2]
            and theorem.definitions == statement.definitions
            and set(theorem.hypotheses) <= set(statement.activation_domain)
        ):
            return found.value
    raise KernelError("dJ/dz is never stated without a condition")


def _check_points(statement: Statement, kind: str, is_conditional: bool, points: Mapping[str, balls.Point]) -> None:
    needed = {"inside": kind == "cancels", "witness": kind != "cancels" or is_conditional, "border": kind == "other"}
    if set(points) != {name for name, is_needed in needed.items() if is_needed}:
        raise KernelError("a point is missing, or one is given that nothing needs")
    domain = statement.loss_domain + statement.activation_domain
    inequalities = tuple(r for r in statement.targets if r.args[0] != "=")
    if needed["inside"]:
        _check_inside(statement, points["inside"], domain + statement.targets)
    if needed["witness"]:
        _check_inside(statement, points["witness"], domain + (() if kind == "cancels" else statement.targets))
        _check_apart(statement, points["witness"], statement.residual)
    if needed["border"]:
        _check_inside(statement, points["border"], domain + inequalities)
        _check_apart(statement, points["border"], ZERO)
        _check_border(statement, points["border"])


def _check_inside(statement: Statement, point: balls.Point, relations: Iterable[Term]) -> None:
    """At the point, dJ/dz exists and the relations certainly hold."""
    if any(n > MAX_SIZE for n in point.sizes.values()):
        raise KernelError(f"a point has sizes of at most {MAX_SIZE}")
    if not all(_holds_everywhere(r, point, statement.definitions) for r in relations):
        raise KernelError("a point is not certainly inside the domain")
    balls.enclosure(balls.Slope(COST, statement.preactivation), point, statement.definitions, 128)


def _check_apart(statement: Statement, point: balls.Point, claim: Term) -> None:
    """At the point, dJ/dz by dual numbers on J itself and the claim certainly differ."""
    if not balls.certainly_different(balls.Slope(COST, statement.preactivation), claim, point, statement.definitions):
        raise KernelError("a point does not certainly separate dJ/dz from the claim")


def _holds_everywhere(relation: Term, point: balls.Point, definitions: Definitions) -> bool:
    """The relation at the point, for every value of its free indices (renamed: the point has its own)."""
    own = {i: index(f"#{n}", i.args[1]) for n, i in enumerate(relation.indices)}
    relation, points = reindex(relation, own), [point]
    for i in own.values():
        name, size = i.args
        points = [
            p._replace(indices={**p.indices, name: n}) for p in points for n in range(1, point.sizes.get(size, 0) + 1)
        ]
    return bool(points) and all(balls.certainly_holds(relation, p, definitions) for p in points)


def _check_border(statement: Statement, point: balls.Point) -> None:
    """At a border point the target is given as the output itself, so h = y there exactly."""
    target = statement.at_preactivation(statement.target)
    output = statement.at_preactivation(statement.output)
    key = (target.args[0], tuple(point.indices[i.args[0]] for i in target.args[1:]))
    if point.values.get(key) != output:
        raise KernelError("a border point sets y to h")
