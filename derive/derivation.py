"""A derivation: a statement, and a chain of steps that the kernel's rules must accept; imports kernel, term, errors.

A pair with pieces is derived piece by piece: a step may assume the relations of a *region*, and the regions are put
together again by the rules ``cases`` and ``join``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from derive.errors import REFUSALS, KernelError
from derive.kernel import Derivative, Theorem, Theory, refusing
from derive.term import Definitions, Term, reindex, sub, var


class Statement(NamedTuple):
    """J = cost(h, y) with h = activation(z), and what is allowed to be assumed.

    ``output`` is h or h[k], ``target`` y or y[k], ``preactivation`` z or z[j], where the indices of the
    two sides differ. ``loss_domain`` are relations on h, ``activation_domain`` on z and sizes, ``targets`` on y: an
    equation there is a condition, and never assumed unsaid. ``parameters`` are relations on all other names, ``cases``
    the values of a discrete target, as equations.
    """

    cost: Term
    output: Term
    target: Term
    activation: Term
    preactivation: Term
    loss_domain: tuple[Term, ...] = ()
    activation_domain: tuple[Term, ...] = ()
    targets: tuple[Term, ...] = ()
    parameters: tuple[Term, ...] = ()
    cases: tuple[Term, ...] = ()

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

    @property
    def given(self) -> tuple[Term, ...]:
        """What may be assumed of parameters and targets."""
        return self.parameters + tuple(r for r in self.targets if r.args[0] != "=")

    @property
    def outer_assumptions(self) -> tuple[Term, ...]:
        return self.loss_domain + self.given

    @property
    def inner_assumptions(self) -> tuple[Term, ...]:
        return self.activation_domain + self.given

    @property
    def free_assumptions(self) -> tuple[Term, ...]:
        """What may be assumed where h and z are variables of their own."""
        return self.outer_assumptions + self.activation_domain

    def is_condition(self, relation: Term) -> bool:
        """Whether a relation may be a condition: an equation about targets, in which parameters and sizes may occur."""
        taken = {"J", self.output.args[0], self.preactivation.args[0]}
        return bool(relation.args[0] == "=" and self.target.args[0] in relation.names and not relation.names & taken)


class Step(NamedTuple):
    """One inference: a rule, the earlier steps it rests on (from 0), the right side it claims, what it assumes.

    ``assuming`` is the region in which the step is taken, else conditions (``condition``) or what divides two
    regions (``cases``, ``join``: after the region that both lie in).
    """

    rule: str
    sources: tuple[int, ...]
    value: Term
    assuming: tuple[Term, ...] = ()


COST = var("J")


def check_statement(statement: Statement) -> None:
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
        (statement.parameters, {"J", h, y, x}),
        (statement.cases, {"J", h, x}),
    )
    for terms, foreign in places:
        if any(t.names & foreign for t in terms):
            raise KernelError("a part of the statement names J, h, y or z where it has no place")
    inequalities = (*statement.loss_domain, *statement.activation_domain, *statement.parameters)
    if any(r.args[0] == "=" for r in inequalities) or any(r.args[0] != "=" for r in statement.cases):
        raise KernelError("a domain is given by inequalities; equations are conditions on targets, or their cases")


class Derivation:
    """The theorems of a chain of steps under one statement."""

    @refusing
    def __init__(self, statement: Statement) -> None:
        check_statement(statement)
        self.statement = statement
        self.known: dict[tuple[Term, ...], tuple[Theory, Theory]] = {}
        self.theorems: list[Theorem] = []

    def theories(self, region: tuple[Term, ...] = ()) -> tuple[Theory, Theory]:
        """In a region: the theory in which h is free, and the one in which h is the activation."""
        found = self.known.get(region)
        if found is None:
            of = self.statement
            outer = Theory(of.outer_definitions, of.outer_assumptions + region)
            found = self.known[region] = outer, Theory(of.definitions, of.inner_assumptions + region)
        return found

    def extend(self, step: Step) -> Theorem:
        """Apply the step's rule and keep its theorem.  Fails: an unknown rule or source, or the rule refuses."""
        rule = RULES.get(step.rule)
        if rule is None:
            raise KernelError(f"no such rule: {step.rule}")
        if step.sources and not 0 <= min(step.sources) <= max(step.sources) < len(self.theorems):
            raise KernelError("a step can rest on earlier steps only")
        if any(r.loose or r.kind != "rel" or (r.indices and step.rule != "condition") for r in step.assuming):
            raise KernelError("a step assumes relations; one with a free index would be about all of them")
        theorem = rule(self, step, *[self.theorems[n] for n in step.sources])
        conclusion = theorem.conclusion
        if (conclusion.value if isinstance(conclusion, Derivative) else conclusion.right) != step.value:
            raise KernelError("the rule proves another right side")
        self.theorems.append(theorem)
        return theorem


def _cost(run: Derivation, _: Step) -> Theorem:
    return run.theories()[0].definition(COST)


def _output(run: Derivation, _: Step) -> Theorem:
    return run.theories()[1].definition(run.statement.output)


def _differentiate_loss(run: Derivation, step: Step) -> Theorem:
    return run.theories(step.assuming)[0].derivative(COST, run.statement.output, step.value)


def _differentiate_activation(run: Derivation, step: Step) -> Theorem:
    return run.theories(step.assuming)[1].derivative(run.statement.output, run.statement.preactivation, step.value)


def _chain(run: Derivation, step: Step, outer: Theorem, inner: Theorem) -> Theorem:
    return run.theories(step.assuming)[1].chain(outer, inner)


def _total(run: Derivation, step: Step, slope: Theorem) -> Theorem:
    """dJ/dz where the loss uses z besides h."""
    outer, inner = run.theories(step.assuming)
    return inner.total(outer, COST, slope, step.value)


def _second(run: Derivation, step: Step, first: Theorem, slope: Theorem) -> Theorem:
    """d2J/dz2, for a vector by the same coordinate twice."""
    outer, inner = run.theories(step.assuming)
    return inner.total(outer, first, slope, step.value)


def _rewrite(run: Derivation, step: Step, theorem: Theorem) -> Theorem:
    """The value rewritten with h a variable of its own: valid for every h in the loss's domain."""
    outer, inner = run.theories(step.assuming)
    theory = outer if theorem.definitions == outer.definitions else inner
    return theory.rewrite(theorem, outer.equal(_value(theorem), step.value))


def _unfold(run: Derivation, step: Step, theorem: Theorem) -> Theorem:
    """The value rewritten with h read as the activation."""
    inner = run.theories(step.assuming)[1]
    return inner.rewrite(theorem, inner.equal(_value(theorem), step.value))


def _condition(run: Derivation, step: Step, theorem: Theorem) -> Theorem:
    """The value rewritten under conditions on the targets, or for one value of a discrete target."""
    if not step.assuming or not all(map(run.statement.is_condition, step.assuming)):
        raise KernelError("a condition is an equation about targets")
    outer, inner = run.theories()
    theory = Theory(outer.definitions, outer.assumptions + step.assuming)
    return inner.rewrite(theorem, theory.equal(_value(theorem), step.value))


def _cases(run: Derivation, step: Step, inside: Theorem, outside: Theorem) -> Theorem:
    *region, condition = step.assuming
    return _theory_of(run, inside, tuple(region)).cases(condition, inside, outside, step.value)


def _join(run: Derivation, step: Step, inside: Theorem, outside: Theorem) -> Theorem:
    *region, condition = step.assuming
    outer, theory = run.theories(tuple(region))[0], _theory_of(run, inside, tuple(region))
    return theory.join(outer, condition, inside, outside, step.value, run.statement.output)


def _theory_of(run: Derivation, theorem: Theorem, region: tuple[Term, ...]) -> Theory:
    """Of a region, the theory in which h is as free as in the theorem."""
    outer, inner = run.theories(region)
    return outer if theorem.definitions == outer.definitions else inner


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
    "total": _total,
    "second": _second,
    "rewrite": _rewrite,
    "unfold": _unfold,
    "condition": _condition,
    "cases": _cases,
    "join": _join,
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
