"""The prover: from a loss and an activation to a chain of steps that the kernel accepts; untrusted.

It proposes what a textbook would write next (dJ/dh over one denominator, dh/dz in terms of h, the sum
over k split and collapsed, the factor that remains, a condition, a witness) and keeps a proposal only if
the kernel accepts it: a wrong guess costs time, never truth. SymPy expressions come in through
``bridge``; derivatives and factors are proposed with the kernel's own normal form, outside of any theorem.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

from flint import fmpq

from derive import balls
from derive.activations import ACTIVATIONS, Activation
from derive.algebra import Algebra, Definitions
from derive.bridge import to_term
from derive.calculus import Calculus
from derive.certificate import About, Certificate, Witness, check, measure
from derive.errors import KernelError, UnknownName
from derive.kernel import COST, Derivation, Statement, Step
from derive.losses import LOSSES, Loss
from derive.present import Presenter, tidy
from derive.proof import Proof
from derive.syntax import Symbols, plain
from derive.term import (
    MINUS_ONE,
    ONE,
    ZERO,
    Term,
    call,
    index,
    item,
    kron,
    mul,
    neg,
    power,
    rebuild,
    reindex,
    replace,
    size,
    subterms,
    sum_over,
    var,
)

FAMILIES = ("h", "y", "z")
CLASS, EXAMPLE = ("k", "j"), ("n", "i")  # index names of h and of z, over K classes and m examples


def pairs() -> list[str]:
    """Slugs of all admissible pairs: those whose activation stays, provably, in the domain of the loss."""
    return [f"{a}-{b}" for a in LOSSES for b in ACTIVATIONS if obstacle(LOSSES[a], ACTIVATIONS[b]) is None]


def prove(pair: str, average: bool = False) -> Proof:
    """Derive a pair of the catalogue afresh.

    pair: ``<loss>-<activation>``; average: J is (1/m) sum over m examples and K outputs, and the
    derivative is by z_j of example i. Raises UnknownName for an unknown or inadmissible pair, KernelError where
    no chain of steps is found (undecided).
    """
    loss, activation = _entries(pair)
    reason = obstacle(loss, activation)
    if reason is not None:
        raise UnknownName(f"{pair} is no pair: {reason}")
    found = statement(loss, activation, average)
    about = About(loss.name, activation.name, loss.source, activation.source)
    proof = _proof(pair, about, average, found)
    needed = tuple(r for r in found.activation_domain if r.names or r in proof.hypotheses)
    if needed == found.activation_domain:
        return proof
    # the proof holds for every size, so the statement says no more about sizes
    return _proof(pair, about, average, found._replace(activation_domain=needed))


def _proof(pair: str, about: About, average: bool, found: Statement) -> Proof:
    return Proof(check(_Search(pair, about, average, found).certificate()))


def why_inadmissible(pair: str) -> str | None:
    """Why the activation of a pair does not fit its loss, or None; raises UnknownName for unknown parts."""
    return obstacle(*_entries(pair))


def _entries(pair: str) -> tuple[Loss, Activation]:
    loss, _, activation = pair.partition("-")
    if loss not in LOSSES or activation not in ACTIVATIONS:
        known = f"losses: {', '.join(LOSSES)}; activations: {', '.join(ACTIVATIONS)}"
        raise UnknownName(f"{pair} is not <loss>-<activation>; {known}")
    return LOSSES[loss], ACTIVATIONS[activation]


# ---- the statement of a pair ---------------------------------------------------------------------


def statement(loss: Loss, activation: Activation, average: bool = False) -> Statement:
    """J, h and their domains as terms: scalars, vectors over K where either side couples, or averaged."""
    cost, output = to_term(loss.cost), to_term(activation.output)
    relations = [[to_term(r) for r in rs] for rs in (loss.domain, activation.domain, loss.targets)]
    is_vector = average or bool(_families(cost) | _families(output))
    indices: list[tuple[Term, Term]] = []
    if is_vector:
        k, j = (index(name) for name in CLASS)
        cost = cost if _families(cost) else sum_over(k, _indexed(cost, k))
        output, relations = _indexed(output, k), [[_indexed(r, k) for r in rs] for rs in relations]
        indices = [(k, j)]
    if average:
        n, i = (index(name, "m") for name in EXAMPLE)
        cost = mul(power(size("m"), -1), sum_over(n, _prefixed(cost, n)))
        output, relations = _prefixed(output, n), [[_prefixed(r, n) for r in rs] for rs in relations]
        indices = [(n, i), *indices]
    of_h, of_z = [a for a, _ in indices], [b for _, b in indices]
    named = {name: item(name, *of_h) if indices else var(name) for name in FAMILIES}
    z = item("z", *of_z) if indices else var("z")
    return Statement(cost, named["h"], named["y"], output, z, *(tuple(rs) for rs in relations))


def _families(term: Term) -> set[str]:
    found = {term.args[0]} if term.kind == "item" else set()
    return found.union(*(_families(t) for t in term.args if isinstance(t, Term)))


def _indexed(term: Term, k: Term) -> Term:
    """h, y, z as the k-th elements of families."""
    return replace(term, {var(name): item(name, k) for name in FAMILIES})


def _prefixed(term: Term, n: Term) -> Term:
    """Every element x[k] as that of example n: x[n, k]."""
    if term.kind == "item":
        return item(term.args[0], n, *term.args[1:])
    return rebuild(term, lambda t: _prefixed(t, n))


def obstacle(loss: Loss, activation: Activation) -> str | None:
    """Why the activation leaves the domain of the loss; None where it provably stays inside."""
    found = statement(loss, activation)
    algebra = Algebra(found.definitions, found.activation_domain)
    for relation in found.loss_domain:
        if not _always(algebra, relation):
            return f"{plain(relation)} is needed, and {_outside(found, relation)}"
    return None


def _always(algebra: Algebra, relation: Term) -> bool:
    try:
        return algebra.attempt(lambda: algebra.obligation(relation)).is_met
    except KernelError:
        return False


def _outside(found: Statement, relation: Term) -> str:
    """A point where the activation certainly leaves the domain, in words."""
    op, left, right = relation.args
    opposite = Term("rel", ({"<": ">=", "<=": ">", ">": "<=", ">=": "<"}[op], left, right))
    for point in _points(found):
        at = point._replace(indices={**point.indices, **dict.fromkeys(_names_of(relation), 1)})
        if balls.certainly_holds(opposite, at, found.definitions):
            output = balls.enclosure(found.output, at, found.definitions)
            coordinates = ", ".join(f"{k}{list(i) or ''} = {v}" for (k, i), v in point.values.items() if k == "z")
            return f"h = {output.str(4, radius=False)} at {coordinates}"
    return "it is not proved for every z"


def _names_of(relation: Term) -> list[str]:
    return [i.args[0] for i in relation.indices]


# ---- the search for the steps ----------------------------------------------------------------------


class _Search:
    """One derivation under construction: steps that the kernel took, with their reasons."""

    def __init__(self, pair: str, about: About, average: bool, found: Statement) -> None:
        self.pair, self.about, self.average, self.statement = pair, about, average, found
        self.run = Derivation(found)
        self.steps: list[Step] = []
        self.reasons: list[str] = []
        self.index_pairs = list(zip(found.output.args[1:], found.preactivation.args[1:], strict=True))
        self.free = self.presenter(found.outer_definitions, found.loss_domain)

    def presenter(self, definitions: Definitions, assumptions: tuple[Term, ...]) -> Presenter:
        return Presenter(Algebra(definitions, assumptions), [kron(a, b) for a, b in self.index_pairs])

    def take(self, rule: str, reason: str, value: Term, *sources: int, assuming: tuple[Term, ...] = ()) -> int | None:
        """The number of the new step, or None where the kernel refuses it."""
        step = Step(rule, sources, value, assuming)
        try:
            self.run.extend(step)
        except KernelError:
            return None
        self.steps.append(step)
        self.reasons.append(reason)
        return len(self.steps) - 1

    def must(self, rule: str, reason: str, value: Term, *sources: int) -> int:
        taken = self.take(rule, reason, value, *sources)
        if taken is None:
            raise KernelError(f"no proof was found: {reason}")
        return taken

    def certificate(self) -> Certificate:
        found = self.statement
        self.must("cost", "loss-definition", found.cost)
        self.must("output", "activation-definition", found.activation)
        outer, inner = self.loss_derivative(), self.activation_derivative()
        self.chain(outer, inner)
        self.finish()
        return Certificate(
            self.pair,
            self.about,
            self.average,
            _symbols(found),
            found,
            tuple(self.steps),
            tuple(self.reasons),
            self.points(),
        )

    def value(self, step: int) -> Term:
        return self.steps[step].value

    def improve(self, step: int, values: Iterable[Term], **reasons: str) -> int:
        """The first proposed right side that a rule (rewrite="collapse") proves and that is new, else the step."""
        for value in values:
            if value == self.value(step):
                return step
            for rule, reason in reasons.items():
                taken = self.take(rule, reason, value, step)
                if taken is not None:
                    return taken
        return step

    def raw_derivative(self, subject: Term, variable: Term, definitions: Definitions) -> Term:
        algebra = Calculus(definitions, ())
        found = algebra.attempt(lambda: algebra.differentiate(subject, variable))
        return tidy(found) if found is not None else ZERO

    def loss_derivative(self) -> int:
        found = self.statement
        raw = self.raw_derivative(found.cost, found.output, {})
        step = self.must("differentiate-loss", "differentiate-loss", raw)
        return self.improve(step, [self.free.shown(raw)], rewrite="common-denominator")

    def activation_derivative(self) -> int:
        found = self.statement
        raw = self.raw_derivative(found.activation, found.preactivation, {})
        step = self.must("differentiate-activation", "differentiate-activation", raw)
        return self.improve(step, self.in_output(raw), unfold="in-output")

    def in_output(self, raw: Term) -> Iterator[Term]:
        """dh/dz as a combination of a few forms in h, found by linear algebra on normal forms."""
        algebra = self.presenter(self.statement.definitions, self.statement.activation_domain)
        for forms in self.forms():
            combination = algebra.combination(raw, forms)
            if combination is not None:
                yield self.free.shown(combination)

    def forms(self) -> Iterator[list[Term]]:
        h = self.statement.output
        same = [kron(a, b) for a, b in self.index_pairs]
        coupled = []
        if self.index_pairs:
            other = item(h.args[0], *h.args[1:-1], self.index_pairs[-1][1])
            coupled = [mul(*same[:-1], h, other)]
        yield [mul(*same), mul(*same, h), mul(*same, power(h, 2)), *coupled]
        yield [mul(*same), mul(*same, call("exp", neg(h)))]
        yield [mul(*same), mul(*same, call("exp", h))]

    # ---- after the chain rule

    def chain(self, outer: int, inner: int) -> None:
        """The chain rule; then each sum over an index of h collapsed, or split and collapsed."""
        a, b = self.value(outer), self.value(inner)
        value = mul(a, b)
        for own, _ in reversed(self.index_pairs):
            value = sum_over(own, value)
        step = self.must("chain", "chain-rule", value, outer, inner)
        left = []
        for own, other in self.index_pairs:
            factors = _factors(b)
            if kron(own, other) in factors or kron(other, own) in factors:
                b = mul(*(f for f in factors if f not in (kron(own, other), kron(other, own))))
                a, b = reindex(a, {own: other}), reindex(b, {own: other})
            else:
                left.append((own, other))
        value = a if b == ONE else mul(a, b)
        for own, _ in reversed(left):
            value = sum_over(own, value)
        if self.index_pairs and len(left) < len(self.index_pairs):
            step = self.improve(step, [value], rewrite="collapse-examples" if left else "collapse")
        if len(left) == 1:
            self.split(step, a, b, *left[0])

    def split(self, step: int, a: Term, b: Term, own: Term, other: Term) -> None:
        """sum_k T (delta_kj - X) = T at k = j, minus X sum_k T."""
        factors = _factors(b)
        bracket = next((f for f in factors if _is_bracket(f, own, other)), None)
        if bracket is None:
            return
        delta, negated = bracket.args
        x = _negated(negated)
        t = self.free.shown(mul(a, *(f for f in factors if f is not bracket)))
        if own in x.indices:
            return
        step = self.improve(step, [sum_over(own, mul(*_factors(t), bracket))], rewrite="multiply")
        whole = self.pulled(t, own, x)
        step = self.improve(step, [_plus(sum_over(own, mul(*_factors(t), delta)), whole)], rewrite="split")
        self.improve(step, [tidy(_plus(reindex(t, {own: other}), whole))], rewrite="collapse")

    def pulled(self, t: Term, own: Term, x: Term) -> Term:
        """-x times the sum over own of t, with what is free of the index in front."""
        outside = [f for f in _factors(t) if own not in f.indices]
        inside = mul(*(f for f in _factors(t) if own in f.indices))
        return tidy(mul(MINUS_ONE, *outside, x, sum_over(own, inside)))

    def finish(self) -> None:
        """h - y, else c (h - y) or g (h - y), else the shortest form; then a condition, if one is declared."""
        last = len(self.steps) - 1
        residual = self.statement.residual
        value = self.value(last)
        shaped = self.free.multiple_of(value, residual)
        cancels = shaped == residual and any(t.kind == "pow" for t in subterms(value))
        step = self.improve(last, [shaped] if shaped else [], rewrite="cancel" if cancels else "simplify")
        if shaped is None:
            forms = sorted(self.other_forms(value), key=_length)
            step = self.improve(step, forms, rewrite="simplify", unfold="normalised")
            self.use_conditions(step)

    def other_forms(self, value: Term) -> Iterator[Term]:
        yield value
        yield self.free.shown(value)
        h = self.statement.output
        if self.index_pairs:
            own, other = self.index_pairs[-1]
            yield from self.coupled_forms(value, own, other)
            total = sum_over(own, reindex(h, dict(self.index_pairs[:-1])))
            if self.sums_to_one(total):
                one = self.presenter(self.statement.outer_definitions, (_equation(total, ONE),))
                yield one.shown(value)

    def coupled_forms(self, value: Term, own: Term, other: Term) -> Iterator[Term]:
        """h_j (A_j - sum_k h_k A_k), where the outputs are coupled as in softmax."""
        a = next(s.value for s, r in zip(reversed(self.steps), reversed(self.reasons), strict=True) if r in _OUTER)
        examples = dict(self.index_pairs[:-1])
        h, a = reindex(self.statement.output, examples), reindex(a, examples)
        outside = [f for f in _factors(a) if own not in f.indices]
        a = mul(*(f for f in _factors(a) if own in f.indices))
        inner = self.pulled(mul(h, *_factors(a)), own, ONE)
        yield tidy(mul(*outside, reindex(h, {own: other}), _plus(reindex(a, {own: other}), inner)))

    def sums_to_one(self, total: Term) -> bool:
        try:
            self.run.inner.equal(total, ONE)
        except KernelError:
            return False
        return True

    def use_conditions(self, step: int) -> None:
        for relation in self.statement.targets:
            if relation.args[0] != "=":
                continue
            under = self.presenter(self.statement.outer_definitions, (*self.statement.loss_domain, relation))
            shaped = under.multiple_of(self.value(step), self.statement.residual)
            if (
                shaped is not None
                and self.take("condition", "condition", shaped, step, assuming=(relation,)) is not None
            ):
                return

    # ---- witnesses

    def points(self) -> dict[str, Witness]:
        """The points that the verdict needs: found by trying small rationals, judged by the kernel."""
        found = self.statement
        value, conditional = self.value(len(self.steps) - 1), any(s.assuming for s in self.steps)
        cancels = value == found.residual
        shaped = value.kind == "mul" and value.args[-1] == found.residual
        domain = found.loss_domain + found.activation_domain
        inequalities = tuple(r for r in found.targets if r.args[0] != "=")
        wanted: dict[str, balls.Point] = {}
        if cancels:
            wanted["inside"] = self.first(None, domain + found.targets, _points(found))
        if not cancels or conditional:
            allowed = () if cancels else found.targets
            wanted["witness"] = self.first(found.residual, domain + allowed, _points(found))
        if not cancels and not shaped:
            wanted["border"] = self.first(ZERO, domain + inequalities, map(self.at_border, _points(found)))
        return {name: measure(found, name, point) for name, point in wanted.items()}

    def first(self, claim: Term | None, domain: tuple[Term, ...], points: Iterable[balls.Point]) -> balls.Point:
        """The first point inside the domain where dJ/dz certainly differs from the claim, if one is given."""
        definitions, slope = self.statement.definitions, balls.Slope(COST, self.statement.preactivation)
        for point in points:
            inside = all(balls.certainly_holds(r, p, definitions) for r in domain for p in _everywhere(r, point))
            if inside and (claim is None or balls.certainly_different(slope, claim, point, definitions)):
                return point
        raise KernelError("no witness was found among the points tried")

    def at_border(self, point: balls.Point) -> balls.Point:
        """The same point with y = h at the coordinate of z."""
        found = self.statement
        target = found.at_preactivation(found.target)
        key = (target.args[0], tuple(point.indices[i.args[0]] for i in target.args[1:]))
        return point._replace(values={**point.values, key: found.at_preactivation(found.output)})


_OUTER = ("differentiate-loss", "common-denominator")


def _points(found: Statement) -> Iterator[balls.Point]:
    """Small rational points, the simplest first: z = 0 and two classes make most values rational."""
    for count in (2, 4) if found.preactivation.args[1:] else (1,):
        yield from _points_of_size(found, count)


def _points_of_size(found: Statement, count: int) -> Iterator[balls.Point]:
    free = found.preactivation.args[1:]
    sizes = {i.args[1]: count for i in free}
    places = list(product(*(range(1, sizes[i.args[1]] + 1) for i in free)))
    for z, y in product(_choices(len(places), (0, 1, -1)), _choices(len(places), (1, 0, 2))):
        values = {("z", p): fmpq(v) for p, v in zip(places, z, strict=True)}
        values |= {("y", p): fmpq(v) for p, v in zip(places, y, strict=True)}
        yield balls.Point(values, sizes, {i.args[0]: 1 for i in free})


def _choices(count: int, numbers: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """All places alike, then the first one different from the rest."""
    for n in numbers:
        yield (n,) * count
    if count > 1:
        for a, b in product(numbers, numbers):
            if a != b:
                yield (a, *(b,) * (count - 1))
                yield tuple(a if place % 2 == 0 else b for place in range(count))


def _everywhere(relation: Term, point: balls.Point) -> Iterator[balls.Point]:
    names_of, sizes = _names_of(relation), [point.sizes[i.args[1]] for i in relation.indices]
    for values in product(*(range(1, n + 1) for n in sizes)):
        yield point._replace(indices={**point.indices, **dict(zip(names_of, values, strict=True))})


# ---- small shapes ----------------------------------------------------------------------------------


def _symbols(found: Statement) -> Symbols:
    terms = (*found[:5], *found.loss_domain, *found.activation_domain, *found.targets)
    indexed = {name for t in terms for name in _families(t)}
    scalars = set().union(*(t.names for t in terms)) | {"J"}
    indices = {i.args[0]: i.args[1] for i in (*found.output.args[1:], *found.preactivation.args[1:])}
    shape = tuple(i.args[1] for i in found.output.args[1:])
    return Symbols(frozenset(scalars - indexed), {name: shape for name in sorted(indexed)}, indices)


def _factors(term: Term) -> tuple[Term, ...]:
    return term.args if term.kind == "mul" else () if term == ONE else (term,)


def _is_bracket(term: Term, own: Term, other: Term) -> bool:
    return term.kind == "add" and len(term.args) == 2 and term.args[0] in (kron(own, other), kron(other, own))


def _negated(term: Term) -> Term:
    return mul(*term.args[1:]) if term.kind == "mul" and term.args[0] == MINUS_ONE else neg(term)


def _plus(left: Term, right: Term) -> Term:
    return Term("add", (left, right))


def _equation(left: Term, right: Term) -> Term:
    return Term("rel", ("=", left, right))


def _length(term: Term) -> int:
    return len(plain(term))
