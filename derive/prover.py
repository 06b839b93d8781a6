"""The prover: from a loss and an activation to a chain of steps that the kernel accepts; untrusted.

It proposes what a textbook would write next (dJ/dh over one denominator, dh/dz in terms of h, the sum
over k split and collapsed, the factor that remains, a condition, a witness) and keeps a proposal only if
the kernel accepts it: a wrong guess costs time, never truth. The SymPy expressions of the catalogue come in through
``catalogue``; derivatives and factors are proposed with the kernel's own normal form, outside of any theorem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from derive import balls
from derive.algebra import Algebra
from derive.calculus import Calculus, Slope
from derive.certificate import About, Certificate, Witness, check
from derive.derivation import Derivation, Statement, Step
from derive.errors import DeriveError, KernelError
from derive.kernel import Theory, is_proved, merged_values, opposite, strictly, weakly
from derive.laws import ABSTRACT
from derive.present import Presenter, length, tidy
from derive.proof import Proof
from derive.syntax import Symbols, plain
from derive.term import (
    MINUS_ONE,
    ONE,
    ZERO,
    Definitions,
    Term,
    add,
    call,
    index,
    item,
    kron,
    mul,
    neg,
    num,
    power,
    rebuild,
    reindex,
    replace,
    size,
    sub,
    subterms,
    sum_over,
    var,
)
from derive.verdict import is_finite, needs
from derive.witnesses import candidates, holds, points

FAMILIES = ("h", "y", "z")
CLASS, EXAMPLE = ("k", "j"), ("n", "i")  # index names of h and of z, over K classes and m examples


def prove(
    pair: str | None = None,
    average: bool = False,
    *,
    loss: Any = None,
    activation: Any = None,
    params: Sequence[str] = (),
    assume: Sequence[str] = (),
) -> Proof:
    """Derive a pair of the catalogue afresh, or a pair of the user's own.

    pair: ``<loss>-<activation>``. Else loss and activation: a slug, text in the plain language, or a SymPy expression;
    params: other names with their domains, such as "w", "w>0" or "0<t<1"; assume: relations on z, h or y that hold.
    average: J is (1/m) sum over m examples and K outputs, and the derivative is by z_j of example i.
    Raises UnknownName for an unknown or inadmissible pair, DeriveError for bad input, KernelError where no chain of
    steps is found (undecided).
    """
    if pair is not None and loss is None and activation is None and not params and not assume:
        from derive.catalogue import about, found_pair

        return proved(found_pair(pair, average), pair, about(pair), average)
    if pair is not None or loss is None or activation is None:
        raise DeriveError("give a pair such as 'bce-sigmoid', or a loss and an activation")
    from derive.request import read

    return proved(read(loss, activation, params, assume, average), average=average)


def proved(found: Statement, pair: str | None = None, about: About | None = None, average: bool = False) -> Proof:
    """The proof of a statement; raises KernelError where none is found."""
    return Proof(check(_Search(pair, about, average, found).certificate()))


# ---- statements ----------------------------------------------------------------------------------


def assembled(cost: Term, output: Term, relations: Sequence[Sequence[Term]], average: bool = False) -> Statement:
    """The statement of a cost and an output, with the five kinds of relations in the order of ``Statement``."""
    indices: list[tuple[Term, Term]] = []
    if average or bool((_families(cost) | _families(output)) & {*FAMILIES}):
        k, j = (index(name) for name in CLASS)
        cost = cost if _families(cost) & {*FAMILIES} else sum_over(k, _indexed(cost, k))
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
    return Statement(cost, named["h"], named["y"], output, z, *(tuple(dict.fromkeys(rs)) for rs in relations))


def _families(term: Term) -> set[str]:
    found = {term.args[0]} if term.kind == "item" else set()
    return found.union(*(_families(t) for t in term.args if isinstance(t, Term)))


def _indexed(term: Term, k: Term) -> Term:
    """h, y, z as the k-th elements of families."""
    return replace(term, {var(name): item(name, k) for name in FAMILIES})


def _prefixed(term: Term, n: Term) -> Term:
    """Every element x[k] as that of example n: x[n, k]."""
    if term.kind == "item" and term.args[0] in FAMILIES:
        return item(term.args[0], n, *term.args[1:])
    return rebuild(term, lambda t: _prefixed(t, n))


def obstacle(found: Statement) -> str | None:
    """Why the activation leaves the domain of the loss; None where it provably stays inside."""
    relation = next(_left(found), None)
    return None if relation is None else f"{plain(relation)} is needed, and {_outside(found, relation)}"


def _left(found: Statement) -> Iterator[Term]:
    """The relations of the loss's domain that the activation is not proved to fulfil."""
    theory = Theory(found.definitions, found.inner_assumptions)
    return (relation for relation in found.loss_domain if not is_proved(theory.holds, relation))


def _outside(found: Statement, relation: Term) -> str:
    """A point where the activation certainly leaves the domain, in words."""
    op, left, right = relation.args
    negation = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "!=": "=", "=": "!="}
    opposite = Term("rel", (negation[op], left, right))
    shown = ["z", *(relation.names & {"y"})]
    targets = found.given if "y" in shown else ()
    first = {i.args[0]: 1 for i in (*relation.indices, *found.output.indices)}
    for point in candidates(found):
        at = point._replace(indices={**point.indices, **first})
        if balls.certainly_holds(opposite, at, found.definitions) and all(
            holds(r, point, found.definitions) for r in targets
        ):
            output = balls.enclosure(found.output, at, found.definitions)
            coordinates = ", ".join(f"{k}{list(i) or ''} = {v}" for (k, i), v in point.values.items() if k in shown)
            return f"h = {output.str(4, radius=False)} at {coordinates}"
    return "it is not proved for every z"


# ---- the search for the steps ----------------------------------------------------------------------

Region = tuple[Term, ...]
Tree = tuple[Any, ...]  # of pieces: (condition, where it holds, where not), or () where there is one piece


class _Search:
    """One derivation under construction: steps that the kernel took, with their reasons."""

    def __init__(self, pair: str | None, about: About | None, average: bool, found: Statement) -> None:
        self.pair, self.about, self.average, self.statement = pair, about, average, found
        self.run = Derivation(found)
        self.steps: list[Step] = []
        self.reasons: list[str] = []
        self.index_pairs = list(zip(found.output.args[1:], found.preactivation.args[1:], strict=True))
        self.region: Region = ()
        self.plain: dict[int, int] = {}  # dJ/dz as g (h - y), and the step before, with no h - y below the line
        self.presenters: dict[tuple[Region, bool], Presenter] = {}
        self.parameters = sorted(
            set().union(*(t.names for t in (found.cost, found.activation))) - {"J", *FAMILIES} - _families(found.cost)
        )

    @property
    def free(self) -> Presenter:
        """Forms with h a variable of its own, in the region at hand."""
        return self._presenter(self.statement.outer_definitions, self.statement.outer_assumptions, True)

    @property
    def bound(self) -> Presenter:
        """Forms with h read as the activation."""
        return self._presenter(self.statement.definitions, self.statement.inner_assumptions, False)

    def _presenter(self, definitions: Definitions, assumptions: tuple[Term, ...], is_free: bool) -> Presenter:
        key = (self.region, is_free)
        if key not in self.presenters:
            self.presenters[key] = self.presenter(definitions, assumptions + self.region)
        return self.presenters[key]

    def presenter(self, definitions: Definitions, assumptions: tuple[Term, ...]) -> Presenter:
        return Presenter(Algebra(definitions, assumptions), [kron(a, b) for a, b in self.index_pairs])

    def take(
        self, rule: str, reason: str, value: Term, *sources: int, assuming: tuple[Term, ...] | None = None
    ) -> int | None:
        """The number of the new step, or None where the kernel refuses it."""
        step = Step(rule, sources, value, self.region if assuming is None else assuming)
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
        """To be checked once more: how the facts of an obligation are written is left to a run without detours."""
        self.must("cost", "loss-definition", self.statement.cost)
        self.must("output", "activation-definition", self.statement.activation)
        self.derive()
        self.forget_sizes()
        witnesses, found = self.points(), self.statement
        steps, reasons = tuple(self.steps), tuple(self.reasons)
        return Certificate(self.pair, self.about, self.average, _symbols(found), found, steps, reasons, witnesses)

    def forget_sizes(self) -> None:
        """Leaves out relations about sizes, such as K > 1, on which neither a step nor the domain of the loss rests."""
        domain, used = self.statement.activation_domain, {h for t in self.run.theorems for h in t.hypotheses}
        for relation in reversed([r for r in domain if not r.names and r not in used]):
            rest = tuple(r for r in self.statement.activation_domain if r != relation)
            shorter = self.statement._replace(activation_domain=rest)
            if [*_left(shorter)] == [*_left(self.statement)]:
                self.statement = shorter

    def points(self) -> dict[str, Witness]:
        """The points of the verdict; a condition that was read off dJ/dz is given up where no point meets it."""
        try:
            return points(self.statement, needs(self.statement, self.steps, self.run.theorems))
        except KernelError:
            if not self.steps or self.steps[-1].rule != "condition" or self.reasons[-1] != "condition":
                raise
            for kept in (self.steps, self.reasons, self.run.theorems):
                kept.pop()
            return self.points()

    def derive(self) -> None:
        """dJ/dz and d2J/dz2 piece by piece, put together again; then conditions and single targets."""
        found = self.statement
        uses_z = found.preactivation.args[0] in found.cost.names
        costs, outputs = (self.pieces(t, ()) for t in (found.cost, found.activation))
        outer = {} if uses_z else self.each(costs, self.loss_derivative)
        inner = self.each(outputs, self.activation_derivative)
        first: dict[Region, int] = {}
        flat = [r for r, n in inner.items() if self.value(n) == ZERO and costs and not uses_z]
        whole = self.assemble(costs, (), outer) if flat else None
        within = {r: () if r in flat else self.pieces(found.cost, r) if uses_z else costs for r in inner}
        for of_z in inner:
            for of_h in self.regions(within[of_z]):
                self.region = of_z + of_h
                first[self.region] = self.slope(whole if of_z in flat else outer.get(of_h), inner[of_z])
        tree = _grafted(outputs, within)
        last = self.assemble(tree, (), first)
        second = {r: self.second(n, inner[next(z for z in inner if r[: len(z)] == z)]) for r, n in first.items()}
        proved = {r: n for r, n in second.items() if n is not None}
        if len(proved) == len(second):
            self.assemble(tree, (), proved)
        self.region = ()
        self.use_conditions(last)
        self.divided(last)
        for target in found.cases:
            self.take("condition", "target", self.at_target(last, target), last, assuming=(target,))

    # ---- pieces

    def pieces(self, term: Term, region: Region) -> Tree:
        """The tree of conditions that divide a term, those decided by the ones before left out."""
        assumptions = self.statement.outer_assumptions + self.statement.activation_domain + region
        condition = _open_condition(term, Algebra(self.statement.outer_definitions, assumptions))
        if condition is None:
            return ()
        sides = strictly(condition), strictly(opposite(condition))
        return (condition, *(self.pieces(term, (*region, side)) for side in sides))

    def regions(self, tree: Tree) -> list[Region]:
        if not tree:
            return [()]
        condition, *branches = tree
        sides = strictly(condition), strictly(opposite(condition))
        return [(side, *r) for side, branch in zip(sides, branches, strict=True) for r in self.regions(branch)]

    def each(self, tree: Tree, prove: Callable[[], int]) -> dict[Region, int]:
        found = {}
        for region in self.regions(tree):
            self.region = region
            found[region] = prove()
        return found

    def assemble(self, tree: Tree, region: Region, leaves: dict[Region, int]) -> int:
        """The step that says a derivative on the whole region, from those of its pieces."""
        if not tree:
            return leaves[region]
        condition, *branches = tree
        sides = strictly(condition), strictly(opposite(condition))
        a, b = (self.assemble(t, (*region, s), leaves) for t, s in zip(branches, sides, strict=True))
        for rule in ("join", "cases"):
            for value in self.merged(condition, self.value(a), self.value(b)):
                taken = self.take(rule, rule, value, a, b, assuming=(*region, condition))
                if taken is not None:
                    return taken
        raise KernelError("no proof was found: the pieces do not fit together")

    def merged(self, condition: Term, left: Term, right: Term) -> list[Term]:
        """Ways to write two pieces as one: the same, a multiple of h - y, else both."""
        forms, residual = merged_values(condition, left, right), self.statement.residual
        common = [t for t in forms if t.kind == "mul" and t.args[-1] == residual]
        return [left] * (left == right) + common + [t for t in forms if t.kind == "where"]

    # ---- one step and the next

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

    def raw_derivative(self, subject: Term, variable: Term, inner: int | None = None) -> Term:
        """By the laws, before it is checked; with h moving as step ``inner`` says."""
        found = self.statement
        slope = None if inner is None else Slope(found.output.args[1:], found.preactivation, self.value(inner))
        slopes = {} if slope is None else {found.output.args[0]: slope}
        algebra = Calculus({}, found.free_assumptions + self.region, slopes)
        return algebra.attempt(lambda: algebra.differentiate(subject, variable)) or ZERO

    def loss_derivative(self) -> int:
        found = self.statement
        raw = tidy(self.raw_derivative(found.cost, found.output))
        step = self.must("differentiate-loss", "differentiate-loss", raw)
        shown = self.free.shown(raw)
        is_short = 4 * length(shown) <= 5 * length(raw)
        return self.improve(step, [shown] if is_short else [], rewrite="common-denominator")

    def activation_derivative(self) -> int:
        found = self.statement
        raw = tidy(self.raw_derivative(found.activation, found.preactivation))
        step = self.must("differentiate-activation", "differentiate-activation", raw)
        return self.improve(step, self.in_output(raw), unfold="in-output")

    def in_output(self, raw: Term) -> Iterator[Term]:
        """dh/dz as a combination of a few forms in h, found by linear algebra on normal forms; else shorter in z."""
        if any(t.kind not in ("num", "kron") for t in subterms(raw)):
            for forms in self.forms():
                try:
                    combination = self.bound.combination(raw, forms)
                except KernelError:
                    continue
                if combination is not None:
                    yield self.free.shown(combination)
                    return
            shown = self.free.shown(raw)
            if len(plain(shown)) < len(plain(raw)):
                yield shown

    def forms(self) -> Iterator[list[Term]]:
        """What a derivative may be a combination of, with and without the parameters as factors."""
        h, z = self.statement.output, self.statement.preactivation
        same = [kron(a, b) for a, b in self.index_pairs]
        z = reindex(z, {b: a for a, b in self.index_pairs})
        coupled = []
        if self.index_pairs:
            other = item(h.args[0], *h.args[1:-1], self.index_pairs[-1][1])
            coupled = [mul(*same[:-1], h, other), mul(*same[:-1], h), mul(*same[:-1], call("exp", other))]
        scales = [ONE, *(s for p in map(var, self.parameters) for s in (p, power(p, -1)))]
        sums = dict.fromkeys(t for t in subterms(self.statement.activation) if t.kind == "sum" and not t.indices)
        scales += [power(s, e) for s in sums for e in (num(-1), num(-1, 2))]
        powers = [power(h, var(p)) for p in self.parameters]
        log_h, log_rest = (mul(t, call("log", t)) for t in (h, add(ONE, neg(h))))
        density, logistic = call("phi", z), call("sigmoid", z)
        groups = (
            (ONE, h, power(h, 2)),
            (power(h, 3), *powers),
            (call("exp", neg(h)), ONE),
            (call("exp", h), ONE),
            (log_h, log_rest),
            (density, mul(z, density), call("Phi", z)),
            (logistic, mul(z, logistic), mul(z, power(logistic, 2))),
        )
        for group in groups:
            yield [*(mul(*same, s, f) for s in scales for f in group), *(mul(s, c) for s in scales for c in coupled)]

    def slope(self, outer: int | None, inner: int) -> int:
        """dJ/dz on one piece."""
        if outer is None:
            raw = self.raw_derivative(self.statement.cost, self.statement.preactivation, inner)
            step = self.must("total", "total", tidy(raw), inner)
        else:
            step = self.chain(outer, inner)
        return self.finish(step)

    def second(self, first: int, inner: int) -> int | None:
        """d2J/dz2 on one piece; None where it is not found."""
        self.region, first = self.steps[first].assuming, self.plain.get(first, first)
        try:
            raw = self.raw_derivative(self.value(first), self.statement.preactivation, inner)
            forms = sorted((self.free.shown(raw), tidy(raw)), key=length)
        except KernelError:
            return None
        taken = (self.take("second", "second", value, first, inner) for value in forms)
        return next((step for step in taken if step is not None), None)

    def at_target(self, step: int, target: Term) -> Term:
        """dJ/dz for one value of the target."""
        found, same = self.statement, {target.args[1]: target.args[2]}
        under = self.presenter(found.outer_definitions, (*found.outer_assumptions, target))

        def at(term: Term) -> Term:
            if term.kind == "where":
                return Term("where", (tidy(replace(term.args[0], same)), *map(at, term.args[1:])))
            pieces = [f for f in _factors(term) if f.kind == "where"]
            if len(pieces) == 1:
                rest = [f for f in _factors(term) if f is not pieces[0]]
                condition, *sides = pieces[0].args
                return at(Term("where", (condition, *(mul(*_factors(t), *rest) for t in sides))))
            return under.shown(term)

        return at(self.value(step))

    # ---- after the chain rule

    def chain(self, outer: int, inner: int) -> int:
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
        return self.split(step, a, b, *left[0]) if len(left) == 1 else step

    def split(self, step: int, a: Term, b: Term, own: Term, other: Term) -> int:
        """sum_k T (delta_kj - X) = T at k = j, minus X sum_k T."""
        factors = _factors(b)
        bracket = next((f for f in factors if _is_bracket(f, own, other)), None)
        if bracket is None:
            return step
        delta, negated = bracket.args
        x = _negated(negated)
        t = self.free.shown(mul(a, *(f for f in factors if f is not bracket)))
        step = self.improve(step, [sum_over(own, mul(*_factors(t), bracket))], rewrite="multiply")
        whole = self.pulled(t, own, x)
        step = self.improve(step, [_plus(sum_over(own, mul(*_factors(t), delta)), whole)], rewrite="split")
        return self.improve(step, [tidy(_plus(reindex(t, {own: other}), whole))], rewrite="collapse")

    def pulled(self, t: Term, own: Term, x: Term) -> Term:
        """Minus the sum over own of t x, with what is free of the index in front."""
        factors = (*_factors(t), *_factors(x))
        outside = [f for f in factors if own not in f.indices]
        inside = mul(*(f for f in factors if own in f.indices))
        return tidy(mul(MINUS_ONE, *outside, sum_over(own, inside)))

    def finish(self, last: int) -> int:
        """h - y, else c (h - y) or g (h - y), else the shortest form."""
        residual = self.statement.residual
        value = self.value(last)
        shaped = self.shaped(self.free, value)
        cancels = shaped == residual and any(t.kind == "pow" for t in subterms(value))
        if shaped is not None and self.region and self.free.multiple_of(value, residual) is None:
            before = self.improve(last, [self.free.shown(value)], rewrite="simplify")
            after = self.improve(before, [shaped], rewrite="simplify")
            self.plain[after] = before
            return after
        if shaped is not None:
            return self.improve(last, [shaped], rewrite="cancel" if cancels else "simplify")
        if self.statement.preactivation.args[0] in self.statement.cost.names:
            shaped = self.bound.multiple_of(value, residual) or self.in_outputs(value)
            if shaped is not None:
                return self.improve(last, [shaped], unfold="simplify")
        for form, rule, reason in sorted(self.other_forms(value), key=lambda found: length(found[0])):
            if form == value:
                return last
            taken = self.take(rule, reason, form, last)
            if taken is not None:
                return taken
        return last

    def in_outputs(self, value: Term) -> Term | None:
        """A value in z as a combination of h_j, y_j and sums over targets."""
        h, y = (self.statement.at_preactivation(t) for t in (self.statement.output, self.statement.target))
        sums = self.target_sums(value)
        return self.bound.combination(value, [h, y, *sums, *(mul(h, t) for t in sums)])

    def divided(self, step: int) -> None:
        """g (h - y) with h - y below the line of g: where it is a removable singularity, the kernel says so."""
        value, residual = self.value(step), self.statement.residual
        is_shaped = value in (residual, ZERO) or (value.kind == "mul" and value.args[-1] == residual)
        if is_shaped or self.index_pairs:
            return
        at_border = self.free.shown(replace(value, {self.statement.target: self.statement.output}))
        if at_border == ZERO:
            self.take("rewrite", "divided", mul(*_factors(self.over_residual(value)), residual), step)

    def shaped(self, presenter: Presenter, value: Term) -> Term | None:
        """c (h - y) or g (h - y); on a piece g may have h - y below the line, where that is not 0."""
        residual = self.statement.residual
        found = presenter.multiple_of(value, residual)
        if value == ZERO or (found is not None and found.args[0] == ZERO):
            return ZERO
        if found is not None or not self.region:
            return (
                found
                if found is None or found == residual
                else min(found, _taken_out(value, residual) or found, key=length)
            )
        factor = presenter.shown(mul(value, power(residual, -1)))
        assumptions = self.statement.free_assumptions + tuple(map(weakly, self.region))
        finite = is_proved(is_finite, self.statement, factor, assumptions)
        return mul(*_factors(factor), residual) if finite else None

    def over_residual(self, value: Term) -> Term:
        residual = self.statement.residual
        if value.kind == "where":
            return Term("where", (value.args[0], *map(self.over_residual, value.args[1:])))
        if value == residual or (value.kind == "mul" and value.args[-1] == residual):
            return mul(*value.args[:-1]) if value.kind == "mul" else ONE
        return self.free.shown(mul(value, power(residual, -1)))

    def other_forms(self, value: Term) -> Iterator[tuple[Term, str, str]]:
        """Forms that may be shorter, each with the rule and the reason by which it would follow."""
        forms = [value, self.free.shown(value)]
        if self.index_pairs:
            forms += self.coupled_forms(value, *self.index_pairs[-1])
        yield from ((form, "rewrite", "simplify") for form in forms)
        if self.index_pairs:
            total = sum_over(self.index_pairs[-1][0], reindex(self.statement.output, dict(self.index_pairs[:-1])))
            if self.sums_to_one(total):
                assumptions = (*self.statement.outer_assumptions, *self.region, _equation(total, ONE))
                one = self.presenter(self.statement.outer_definitions, assumptions)
                yield one.shown(value), "unfold", "normalised"

    def coupled_forms(self, value: Term, own: Term, other: Term) -> Iterator[Term]:
        """h_j (A_j - sum_k h_k A_k), where the outputs are coupled as in softmax."""
        steps = zip(reversed(self.steps), reversed(self.reasons), strict=True)
        a = next((step.value for step, reason in steps if reason in _OUTER), None)
        if a is None:
            return
        examples = dict(self.index_pairs[:-1])
        h, a = reindex(self.statement.output, examples), reindex(a, examples)
        outside = [f for f in _factors(a) if own not in f.indices]
        a = mul(*(f for f in _factors(a) if own in f.indices))
        inner = self.pulled(mul(h, *_factors(a)), own, ONE)
        yield tidy(mul(*outside, reindex(h, {own: other}), _plus(reindex(a, {own: other}), inner)))

    def sums_to_one(self, total: Term) -> bool:
        return is_proved(self.run.theories()[1].equal, total, ONE)

    def use_conditions(self, step: int) -> None:
        """h - y or a multiple of it under one condition; else a shorter form under a declared one."""
        value, residual, found = self.value(step), self.statement.residual, self.statement
        if (value.kind == "mul" and value.args[-1] == residual) or value in (residual, ZERO):
            return
        declared = [r for r in found.targets if r.args[0] == "="]
        shorter: list[tuple[Term, Term]] = []
        for relation in dict.fromkeys((*declared, *self.inferred(value))):
            under = self.presenter(found.outer_definitions, (*found.outer_assumptions, relation))
            try:
                shaped = under.multiple_of(value, residual)
            except KernelError:
                continue
            if (
                shaped is not None
                and self.take("condition", "condition", shaped, step, assuming=(relation,)) is not None
            ):
                return
            if relation in declared:
                shorter += [(under.shown(value), relation)]
        for form, relation in shorter:
            if length(form) < length(value):
                self.take("condition", "condition", form, step, assuming=(relation,))
                return

    def inferred(self, value: Term) -> Iterator[Term]:
        """Sums over targets that must have one value for dJ/dz to be h - y: factors of the difference."""
        for factor in self.free.factors(sub(value, self.statement.residual)):
            terms = factor.args if factor.kind == "add" else ()
            sums = [(t, found) for t in terms if (found := _signed_sum(t)) is not None]
            if len(sums) == 1 and not factor.names & {"h", "z", "J"} and _of_examples(factor):
                term, (is_minus, total) = sums[0]
                rest = [t if is_minus else tidy(mul(MINUS_ONE, t)) for t in terms if t is not term]
                yield _equation(total, tidy(add(*rest)))
        yield from (_equation(total, ONE) for total in self.target_sums(value))

    def target_sums(self, value: Term) -> list[Term]:
        """The sums over targets alone in a value."""
        y = {self.statement.target.args[0]}
        return list(dict.fromkeys(t for t in subterms(value) if t.kind == "sum" and t.names == y and _of_examples(t)))


_OUTER = ("differentiate-loss", "common-denominator")


# ---- small shapes ----------------------------------------------------------------------------------


def _symbols(found: Statement) -> Symbols:
    terms = [t for t in found if isinstance(t, Term)] + [r for rs in found if not isinstance(rs, Term) for r in rs]
    parts = [t for term in terms for t in subterms(term)]
    families = {t.args[0]: tuple(i.args[1] for i in t.args[1:]) for t in parts if t.kind == "item"}
    scalars = set().union(*(t.names for t in terms)) | {"J"}
    indices = {i.args[0]: i.args[1] for t in terms for i in t.indices}
    calls = {t.args[0].rstrip("'") for t in parts if t.kind == "call"}
    return Symbols(
        frozenset(scalars - families.keys()),
        dict(sorted(families.items())),
        indices,
        functions=frozenset(calls & ABSTRACT),
    )


def _of_examples(term: Term) -> bool:
    """Whether a term has no free index but those of examples: a condition on it is one for every example."""
    return all(i.args[1] == "m" for i in term.indices)


def _signed_sum(term: Term) -> tuple[bool, Term] | None:
    """Whether a term is minus a sum, and the sum; None where it is neither a sum nor minus one."""
    if term.kind == "sum":
        return False, term
    is_minus = term.kind == "mul" and len(term.args) == 2 and term.args[0] == MINUS_ONE and term.args[1].kind == "sum"
    return (True, term.args[1]) if is_minus else None


def _taken_out(value: Term, residual: Term) -> Term | None:
    """g (h - y) where h - y stands among the factors already."""
    factors = _factors(tidy(value))
    if residual not in factors:
        return None
    place = factors.index(residual)
    return mul(*_factors(tidy(mul(*factors[:place], *factors[place + 1 :]))), residual)


def _open_condition(term: Term, algebra: Algebra) -> Term | None:
    """The first condition of ``where``, or sign of an argument of abs, that divides the term; those in it before it."""
    is_abs = term.kind == "call" and term.args[0] == "abs"
    own = term.args[0] if term.kind == "where" else Term("rel", (">", term.args[1], ZERO)) if is_abs else None
    if own is not None and not own.loose and not own.indices:
        inner = _open_condition(own, algebra)
        if inner is not None or algebra.attempt(lambda: algebra.decide(own)) is None:
            return inner or own
    parts = (_open_condition(t, algebra) for t in term.args if isinstance(t, Term))
    return next((found for found in parts if found is not None), None)


def _grafted(tree: Tree, within: Mapping[Region, Tree], region: Region = ()) -> Tree:
    """The tree with every leaf replaced by the tree within its region."""
    if not tree:
        return within[region]
    condition, *branches = tree
    sides = strictly(condition), strictly(opposite(condition))
    pairs = zip(branches, sides, strict=True)
    return (condition, *(_grafted(t, within, (*region, side)) for t, side in pairs))


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
