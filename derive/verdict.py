"""The verdict: what a checked derivation says about dJ/dz = h - y; imports derivation, kernel, balls, term, errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from math import prod
from typing import NamedTuple

from flint import fmpq

from derive import balls
from derive.calculus import Calculus
from derive.derivation import COST, Statement, Step, check_statement
from derive.errors import KernelError
from derive.kernel import (
    Derivative,
    Theorem,
    Theory,
    at_index,
    is_proved,
    opposite,
    refusing,
    resolved,
    strictly,
    weakly,
)
from derive.term import (
    MINUS_ONE,
    ONE,
    ZERO,
    Term,
    add,
    index,
    kron,
    mul,
    names_behind,
    neg,
    num,
    open_sum,
    power,
    rebuild,
    reindex,
    rel,
    rename,
    replace,
    sub,
    subterms,
    sum_over,
    times,
    where,
)

MAX_SIZE = 10  # classes and examples of a witness


class Region(NamedTuple):
    """dJ/dz where the relations hold; ``kind`` is None where it is of no proved shape."""

    where: tuple[Term, ...]
    delta: Term
    factor: Term | None
    kind: str | None


class Kink(NamedTuple):
    """Where dJ/dz is not proved to exist, and its one-sided values there if J has no jump.

    ``left`` is the value on the side ``left_where``: that of smaller z or h where this is decided, else that where
    l < r. Both are None where they are not proved.
    """

    at: Term
    left: Term | None = None
    right: Term | None = None
    left_where: Term | None = None
    right_where: Term | None = None


class Verdict(NamedTuple):
    """``answer``: is dJ/dz = h - y under ``conditions``?  ``kind``: cancels, multiple, residual, other, or None: open.

    ``delta`` is dJ/dz before a condition is used, ``hessian`` d2J/dz2 (for a vector by z_j twice); ``factor`` is the c
    or g of c (h - y) and g (h - y). Nothing is said where an ``exclusion`` fails, of the hessian where one of its own
    does; ``kinks`` are the exclusions where two regions meet.
    """

    answer: str
    kind: str | None
    delta: Term
    factor: Term | None
    conditions: tuple[Term, ...]
    exclusions: tuple[Term, ...] = ()
    regions: tuple[Region, ...] = ()
    kinks: tuple[Kink, ...] = ()
    hessian: Term | None = None
    hessian_exclusions: tuple[Term, ...] = ()


class Needs(NamedTuple):
    """What a verdict has to be shown: its kind, conditions and exclusions, and values that must not be 0 at h = y."""

    kind: str
    conditions: tuple[Term, ...]
    exclusions: tuple[Term, ...]
    borders: tuple[tuple[Term, tuple[Term, ...]], ...]


class _Lines(NamedTuple):
    """The theorems about dJ/dz of a derivation, by what they assume."""

    main: list[Theorem]
    unconditional: Theorem
    regions: dict[tuple[Term, ...], list[Theorem]]
    hessian: Theorem | None
    borders: tuple[Term, ...]


@refusing
def verdict(
    statement: Statement, steps: Sequence[Step], theorems: Sequence[Theorem], points: Mapping[str, balls.Point]
) -> Verdict:
    """What the theorems of the steps say about dJ/dz = h - y, with exactly the points that this needs.

    "inside" for a yes: a point of the domain with allowed targets, so that the yes is not empty. "witness" for a
    no: one where dJ/dz and h - y certainly differ; for a yes under conditions, one that breaks it without them.
    "border" for "other": one where h = y and still dJ/dz, or its limit in a region, is not 0, so that no finite g
    has delta = g (h - y).
    Fails: there is no theorem about dJ/dz, it needs more than was declared, or a point does not hold.
    """
    check_statement(statement)
    lines = _lines(statement, steps, theorems)
    last = _conclusion(lines.main[-1])
    kind, factor, conditions, exclusions, delta = _main(statement, lines)
    if kind == "cancels" and not all(_is_thin(statement, r) for r in exclusions):
        raise KernelError("a yes is about a part of the domain only, and does not say so")
    borders = [point for name, point in points.items() if name.startswith("border")]
    regions = tuple(_region(statement, where, t, borders) for where, t in lines.regions.items())
    _check_points(statement, kind, conditions, exclusions, points)
    is_apart = any(is_apart_at_border(statement, last.value, (), p) for p in borders)
    shape = kind if kind != "other" or is_apart or any(r.kind == "other" for r in regions) else None
    hessian = None if lines.hessian is None else _conclusion(lines.hessian).value
    kinks = tuple(_kinks(statement, lines, delta, exclusions))
    answer = "yes" if kind == "cancels" else "no"
    apart = () if lines.hessian is None else _hypotheses(statement, lines.hessian)[1]
    return Verdict(answer, shape, delta, factor, conditions, exclusions, regions, kinks, hessian, apart)


def needs(statement: Statement, steps: Sequence[Step], theorems: Sequence[Theorem]) -> Needs:
    """What ``verdict`` will ask for; raises KernelError where there is no verdict."""
    lines = _lines(statement, steps, theorems)
    kind, _, conditions, exclusions, _ = _main(statement, lines)
    value = _conclusion(lines.main[-1]).value
    borders: list[tuple[Term, tuple[Term, ...]]] = [(value, ())] if kind == "other" else []
    for region, every in lines.regions.items():
        value = _conclusion(every[-1]).value
        if region[0].args[0] != "=" and _shape(statement, value, True, region)[0] == "other":
            borders.append((value, region))
    return Needs(kind, conditions, exclusions, tuple(borders))


def _is_thin(statement: Statement, exclusion: Term) -> bool:
    """Whether an exclusion is p(z) != 0 for a polynomial p with rational coefficients: it leaves out single points."""
    algebra = Calculus(statement.definitions, ())

    def names() -> list[Term]:
        above, below = algebra.canonical(algebra.normal(sub(*exclusion.args[1:])))
        return algebra.atoms_of(above) if below.is_constant() else []

    return bool(exclusion.args[0] == "!=" and algebra.attempt(names) == [statement.preactivation])


def _conclusion(theorem: Theorem) -> Derivative:
    assert isinstance(theorem.conclusion, Derivative)
    return theorem.conclusion


def _lines(statement: Statement, steps: Sequence[Step], theorems: Sequence[Theorem]) -> _Lines:
    main: list[Theorem] = []
    unconditional, hessian = None, None
    regions: dict[tuple[Term, ...], list[Theorem]] = {}
    borders: dict[Term, None] = {}
    for step, theorem in zip(steps, theorems, strict=True):
        found, region = theorem.conclusion, step.assuming
        if not isinstance(found, Derivative) or found[:2] != (COST, statement.preactivation):
            continue
        if theorem.definitions != statement.definitions:
            continue
        equations = tuple(h for h in theorem.hypotheses if h.args[0] == "=")
        if step.rule in ("cases", "join"):
            borders[region[-1]] = None
            region = region[:-1]
            if region:
                continue
        if equations and found.order == 1:
            if set(equations) <= set(statement.cases):
                regions.setdefault(equations, []).append(theorem)
            else:
                main.append(theorem)
        elif region and found.order == 1:
            regions.setdefault(region, []).append(theorem)
        elif not region and found.order == 2:
            hessian = theorem
        elif not region:
            main.append(theorem)
            unconditional = theorem
    if not main or unconditional is None:
        raise KernelError("the derivation does not end in dJ/dz")
    for found_theorem in (unconditional, hessian):
        if found_theorem is not None and _hypotheses(statement, found_theorem)[0]:
            raise KernelError("dJ/dz is never stated without a condition")
    void = _impossible(statement, {r for region in regions for r in region if r.args[0] != "="})
    regions = {region: found for region, found in regions.items() if void.isdisjoint(region)}
    for region, every in regions.items():
        for theorem in every:
            _hypotheses(statement, theorem, region)
    return _Lines(main, unconditional, regions, hessian, tuple(borders))


def _impossible(statement: Statement, relations: set[Term]) -> set[Term]:
    """The relations about h that are proved to hold nowhere on the domain."""
    inner = Theory(statement.definitions, statement.inner_assumptions)
    about = [r for r in relations if statement.output.args[0] in r.names]
    return {r for r in about if is_proved(inner.holds, opposite(r))}


def _hypotheses(
    statement: Statement, theorem: Theorem, region: tuple[Term, ...] = ()
) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    """What a theorem assumes beyond the domain: conditions on the targets, and where it says nothing."""
    rest = [h for h in theorem.hypotheses if h not in statement.inner_assumptions and h not in region]
    conditions = tuple(h for h in rest if statement.is_condition(h) and h not in statement.cases)
    exclusions = tuple(h for h in rest if h not in conditions)
    if not all(h.args[0] == "!=" or h in statement.loss_domain for h in exclusions):
        raise KernelError("the derivation needs hypotheses that the statement does not declare")
    return conditions, exclusions


def _main(statement: Statement, lines: _Lines) -> tuple[str, Term | None, tuple[Term, ...], tuple[Term, ...], Term]:
    """Kind, factor, conditions and exclusions of the main line, and dJ/dz before conditions.

    A factor that is not defined where h = y is one all the same where the step before says dJ/dz there too, smooth
    in h and 0: by Hadamard's lemma it is (h - y) times a smooth function.
    """
    last = lines.main[-1]
    value = _conclusion(last).value
    conditions, exclusions = _hypotheses(statement, last)
    border = rel("!=", statement.residual, ZERO)
    if border in exclusions and len(lines.main) > 1 and value.kind == "mul" and value.args[-1] == statement.residual:
        before = lines.main[-2]
        earlier, fewer = _hypotheses(statement, before)
        if (
            not conditions
            and not earlier
            and {*fewer, border} == {*exclusions}
            and _vanishes(statement, _conclusion(before).value)
        ):
            return "residual", mul(*value.args[:-1]), conditions, fewer, _conclusion(before).value
    delta = _conclusion(lines.unconditional).value
    return (*_shape(statement, value, bool(exclusions)), conditions, exclusions, delta)


def _vanishes(statement: Statement, value: Term) -> bool:
    """Whether the value is smooth in h and 0 where h = y, for scalars."""
    if statement.output.args[1:]:
        return False
    same = {statement.target: statement.output}
    outer = Theory(statement.outer_definitions, statement.free_assumptions)
    inner = Theory(statement.definitions, statement.inner_assumptions)
    try:
        theorem = outer.equal(replace(value, same), ZERO)
        needs = (*theorem.hypotheses, *outer.needs(value, statement.output))
        return all(r in outer.assumptions or inner.holds(r) for r in needs)
    except KernelError:
        return False


# ---- shapes --------------------------------------------------------------------------------------


def _shape(statement: Statement, value: Term, guarded: bool, region: tuple[Term, ...] = ()) -> tuple[str, Term | None]:
    """cancels, multiple, residual or other, with the factor; ``guarded``: the factor might be undefined somewhere."""
    residual = statement.residual
    if value == residual:
        return "cancels", None
    if value == ZERO:
        return "multiple", ZERO
    if value.kind != "mul" or value.args[-1] != residual:
        return "other", None
    factor = mul(*value.args[:-1])
    variables = {"J", *(t.args[0] for t in (statement.output, statement.target, statement.preactivation))}
    if not names_behind((factor,), statement.definitions) & variables:
        return "multiple", factor
    assumptions = statement.inner_assumptions + tuple(map(weakly, region))
    if not Theory(statement.definitions, assumptions).moving_names(factor) & variables:
        raise KernelError("the factor is a constant, and must be written as one")
    if guarded and not is_finite(statement, factor, statement.free_assumptions + tuple(map(weakly, region))):
        return "other", None
    return "residual", factor


def is_finite(statement: Statement, factor: Term, assumptions: tuple[Term, ...]) -> bool:
    """Whether the factor is defined up to the border of its region, in each of its branches."""
    branch = next((t for t in subterms(factor) if t.kind == "where" and not t.loose), None)
    if branch is None:
        open_needs = Theory(statement.outer_definitions, assumptions).needs(factor)
        return not open_needs or all(map(Theory(statement.definitions, assumptions).holds, open_needs))
    condition = branch.args[0]
    sides = ((True, condition), (False, opposite(condition)))
    return all(
        is_finite(statement, resolved(factor, condition, side), (*assumptions, weakly(relation)))
        for side, relation in sides
    )


def _region(
    statement: Statement, where: tuple[Term, ...], theorems: Sequence[Theorem], borders: Iterable[balls.Point]
) -> Region:
    """By the last theorem; dJ/dz is shown in its shortest form."""
    values = [_conclusion(theorem).value for theorem in theorems]
    value, delta = values[-1], min(values, key=lambda term: term.nodes)
    if where and where[0].args[0] == "=":
        return Region(where, delta, None, None)
    kind, factor = _shape(statement, value, True, where)
    proved = kind != "other" or any(is_apart_at_border(statement, value, where, p) for p in borders)
    return Region(where, delta, factor, kind if proved else None)


# ---- kinks ---------------------------------------------------------------------------------------


def _kinks(statement: Statement, lines: _Lines, value: Term, exclusions: tuple[Term, ...]) -> Iterator[Kink]:
    """The exclusions with the values of dJ/dz on both sides; J must be continuous there for them to be one-sided.

    Nothing is said of the points at which another exclusion fails too.
    """
    borders = {rel("!=", *b.args[1:]): b for b in lines.borders}
    for exclusion in exclusions:
        if exclusion.args[0] != "!=":
            continue
        at, border = rel("=", *exclusion.args[1:]), borders.get(exclusion)
        others = tuple(e for e in exclusions if e != exclusion and e.args[0] == "!=")
        if (border is None and not exclusion.indices) or not _is_continuous(statement, others):
            yield Kink(at)
            continue
        sides = _sides(statement, border or exclusion)
        try:
            if border is None:
                left, right = (_beside(statement, exclusion, value, side, others) for side in sides)
            else:
                left, right = (_up_to(statement, border, value, side, others) for side in sides)
        except KernelError:
            yield Kink(at)
            continue
        yield Kink(at, left, right, *sides)


def _beside(statement: Statement, exclusion: Term, value: Term, side: Term, others: tuple[Term, ...]) -> Term:
    """The value on one side of a border that one summand has: with the border itself counted to that side.

    Fails: the rest of it is not proved to be continuous there, but for points at which another exclusion fails.
    """
    found = _closed_on(value, side)
    theory = Theory(statement.outer_definitions, statement.free_assumptions)
    inner = Theory(statement.definitions, statement.inner_assumptions)
    if any(theory.agrees_across(side, *at_index(e, exclusion.indices).args[1:]) for e in others):
        raise KernelError("another exclusion fails all along the border")
    needs = theory.continuous(found, (exclusion, *others))
    if not all(n in theory.assumptions or n in others or inner.holds(n) for n in needs):
        raise KernelError("a side is not proved to be continuous up to the border")
    return found


_AT_EQUALITY = {"<": {"<": "<=", ">=": ">"}, ">": {"<=": "<", ">": ">="}}  # l < r, counted to a side


def _closed_on(term: Term, side: Term) -> Term:
    """The term with l = r counted to the side in every condition about l and r, at whatever index."""
    if term.kind == "sum":
        i = index("#side", term.args[0])
        return rename(sum_over(i, _closed_on(open_sum(term, i), side)), term.hint)
    term = rebuild(term, lambda t: _closed_on(t, side))
    if term.kind != "where":
        return term
    op, left, right = term.args[0].args
    own = at_index(side, term.args[0].indices)
    for same, towards in ((own.args[1:], side.args[0]), (own.args[:0:-1], _MIRRORED[side.args[0]])):
        if same == (left, right):
            return Term("where", (rel(_AT_EQUALITY[towards].get(op, op), left, right), *term.args[1:]))
    return term


_MIRRORED = {"<": ">", ">": "<"}


def spread(term: Term, factors: tuple[Term, ...] = ()) -> Term:
    """A product with cases, times the factors: each branch with all of its factors, and those cancelled."""
    flat = _factors(mul(term, *factors))
    n = next((n for n, f in enumerate(flat) if f.kind == "where" and not f.loose), None)
    if n is not None:
        condition, *branches = flat[n].args
        inside, outside = (spread(b, (*flat[:n], *flat[n + 1 :])) for b in branches)
        return inside if inside == outside else where(condition, inside, outside)
    for n, factor in enumerate(flat):
        for spelled, sign in ((factor, ONE), (_negated(factor), MINUS_ONE)):
            if (inverse := power(spelled, -1)) in flat and factor.kind != "num":
                rest = [f for i, f in enumerate(flat) if i != n]
                rest.remove(inverse)
                return spread(sign, tuple(rest))
    number = prod((f.args[0] for f in flat if f.kind == "num"), start=fmpq(1))
    return times(num(number), *(f for f in flat if f.kind != "num")) if number else ZERO


def _factors(term: Term) -> list[Term]:
    """The factors of a product, and of the product below a fraction."""
    if term.kind == "pow" and term.args[1] == MINUS_ONE:
        return [power(f, -1) if f.kind != "num" else num(1 / f.args[0]) for f in _factors(term.args[0])]
    return [f for t in term.args for f in _factors(t)] if term.kind == "mul" else [term]


def _negated(term: Term) -> Term:
    """y - h for h - y."""
    return add(*(_times_minus_one(t) for t in reversed(term.args))) if term.kind == "add" else neg(term)


def _times_minus_one(term: Term) -> Term:
    is_negative = term.kind == "mul" and term.args[0] == MINUS_ONE
    return mul(*term.args[1:]) if is_negative else neg(term)


def _is_continuous(statement: Statement, others: tuple[Term, ...]) -> bool:
    """Whether J, and what the other exclusions compare, is continuous in z where those hold."""
    outer = Theory(statement.outer_definitions, statement.free_assumptions)
    inner = Theory(statement.definitions, statement.inner_assumptions)
    try:
        found = [*inner.continuous(statement.activation, others)]
        for term in (statement.cost, *(side for e in others for side in e.args[1:])):
            found += outer.continuous(term, others)
    except KernelError:
        return False
    return all(h in outer.assumptions or h in others or inner.holds(h) for h in found)


def _sides(statement: Statement, border: Term) -> tuple[Term, Term]:
    """The two sides of a border, that of the smaller z (or h, for a border in h) first; else that where l < r."""
    below, above = (rel(op, *border.args[1:]) for op in ("<", ">"))
    difference = sub(*border.args[1:])
    algebra = Calculus(statement.outer_definitions, statement.outer_assumptions)
    used = [v for v in (statement.preactivation, statement.output) if v.args[0] in border.names]
    if len(used) == 1:
        slope = algebra.attempt(lambda: algebra.differentiate(difference, used[0]))
        if slope is not None and algebra.attempt(lambda: algebra.decide(rel("<", slope, ZERO))):
            return above, below
    return below, above


def _up_to(statement: Statement, border: Term, value: Term, side: Term, others: tuple[Term, ...]) -> Term:
    """The value on one side, with its branches chosen that are decided where the sides meet.

    Fails: it is not proved to be continuous up to there, but for points at which another exclusion fails.
    """
    is_left = side == strictly(border)
    found = spread(resolved(value, border, is_left))
    is_free = statement.output.args[0] in border.names
    definitions = statement.outer_definitions if is_free else statement.definitions
    assumptions = statement.free_assumptions if is_free else statement.inner_assumptions
    written_out = {} if is_free else {statement.output: resolved(statement.activation, border, is_left)}
    apart = (*others, *(replace(e, written_out) for e in others)) if written_out else others
    try:
        theory = Theory(statement.outer_definitions, (*assumptions, rel("=", *border.args[1:])))
        needs = theory.continuous(replace(found, written_out), apart)
    except KernelError:  # the equation cannot be used, or this is not proved
        apart = tuple(e for e in others if _is_elsewhere(statement, e, border))
        theory = Theory(statement.outer_definitions, assumptions)
        needs = theory.continuous(replace(found, written_out), apart)
    inner = Theory(statement.definitions, statement.inner_assumptions)
    if not all(n in theory.assumptions or n in apart or (is_free and inner.holds(n)) for n in needs):
        raise KernelError("a side is not proved to be continuous up to the border")
    return _chosen(Calculus(definitions, theory.assumptions), found)


def _is_elsewhere(statement: Statement, other: Term, border: Term) -> bool:
    """Whether an exclusion fails only where the border is not."""
    fails = rel("=", *other.args[1:])
    theory = Theory(statement.definitions, (*statement.inner_assumptions, fails))
    return is_proved(theory.holds, rel("!=", *border.args[1:]))


def _chosen(algebra: Calculus, term: Term) -> Term:
    if term.kind == "where" and not term.loose and not term.indices:
        verdict = algebra.attempt(lambda: algebra.decide(term.args[0]))
        if verdict is not None:
            return _chosen(algebra, term.args[1 if verdict else 2])
    found = rebuild(term, lambda t: _chosen(algebra, t))
    if found.kind == "mul":
        return ZERO if ZERO in found.args else times(*found.args)
    return found


# ---- points --------------------------------------------------------------------------------------


def _check_points(
    statement: Statement,
    kind: str,
    conditions: tuple[Term, ...],
    exclusions: tuple[Term, ...],
    points: Mapping[str, balls.Point],
) -> None:
    needed = {"inside": kind == "cancels", "witness": kind != "cancels" or bool(conditions)}
    names = {name for name, is_needed in needed.items() if is_needed}
    if {name for name in points if not name.startswith("border")} != names:
        raise KernelError("a point is missing, or one is given that nothing needs")
    domain = statement.loss_domain + statement.activation_domain + statement.given
    equations = tuple(r for r in statement.targets if r.args[0] == "=")
    for name, point in points.items():
        is_free = name == "witness" and kind == "cancels"
        must = domain if is_free or name.startswith("border") else domain + equations
        if name.startswith("border"):  # inside, so that y may be moved to either side of h
            must = tuple(strictly(r) if r.args[0] in ("<=", ">=") else r for r in must)
        if name == "inside" or (name == "witness" and not is_free):
            must += conditions + exclusions
        _check_inside(statement, point, must, name.startswith("border"))
        if name.startswith("border") and not all(is_met(statement, point, r) for r in (*equations, *conditions)):
            raise KernelError("a border point does not meet the conditions on the targets")
    if needed["witness"]:
        _check_apart(statement, points["witness"], statement.residual)


def _check_inside(statement: Statement, point: balls.Point, relations: Iterable[Term], is_border: bool) -> None:
    """At the point the relations certainly hold and, but for a border, dJ/dz exists and the target is allowed."""
    if any(n > MAX_SIZE for n in point.sizes.values()):
        raise KernelError(f"a point has sizes of at most {MAX_SIZE}")
    if not all(_holds_everywhere(r, point, statement.definitions) for r in relations):
        raise KernelError("a point is not certainly inside the domain")
    if is_border:
        return
    if statement.cases and not any(_holds_everywhere(r, point, statement.definitions) for r in statement.cases):
        raise KernelError("a point has a target that is not allowed")
    if not balls.enclosure(balls.Slope(COST, statement.preactivation), point, statement.definitions, 128).is_finite():
        raise KernelError("dJ/dz is not certified at a point")


def is_met(statement: Statement, point: balls.Point, equation: Term) -> bool:
    """Whether an equation holds at a point for all values of its indices: sums written out, and proved as a whole.

    Balls cannot certify it where a target is given by an output, such as y[1] := h[j] and y[2] := 1 - h[j].
    """
    named = {i: str(n) for i, n in point.indices.items()}

    def placed(term: Term) -> Term:
        if term.kind == "sum":
            over = term.args[0]
            places = (index(str(n), over) for n in range(1, point.sizes[over] + 1))
            return add(*(placed(open_sum(term, i)) for i in places))
        if term.kind == "size":
            return num(point.sizes[term.args[0]])
        if term.kind == "index":
            return index(named.get(term.args[0], term.args[0]), term.args[1])
        term = rebuild(term, placed)
        value = (
            point.values.get((term.args[0], tuple(int(i.args[0]) for i in term.args[1:])))
            if _is_element(term)
            else None
        )
        return placed(value) if isinstance(value, Term) else term if value is None else num(value)

    def _is_element(term: Term) -> bool:
        return term.kind == "var" or (term.kind == "item" and all(i.args[0].isdigit() for i in term.args[1:]))

    algebra = Calculus({}, ())
    for choice in product(*(range(1, point.sizes.get(i.args[1], 0) + 1) for i in equation.indices)):
        at = reindex(equation, {i: index(str(n), i.args[1]) for i, n in zip(equation.indices, choice, strict=True)})
        if not algebra.attempt(partial(algebra.same, *(placed(side) for side in at.args[1:]))):
            return False
    return True


def _check_apart(statement: Statement, point: balls.Point, claim: Term) -> None:
    """At the point, dJ/dz by dual numbers on J itself and the claim certainly differ."""
    if not balls.certainly_different(balls.Slope(COST, statement.preactivation), claim, point, statement.definitions):
        raise KernelError("a point does not certainly separate dJ/dz from the claim")


def _holds_everywhere(
    relation: Term, point: balls.Point, definitions: Mapping[str, tuple[tuple[Term, ...], Term]]
) -> bool:
    """The relation at the point, for every value of its free indices (renamed: the point has its own)."""
    own = {i: index(f"#{n}", i.args[1]) for n, i in enumerate(relation.indices)}
    relation, points = reindex(relation, own), [point]
    for i in own.values():
        name, size = i.args
        points = [
            p._replace(indices={**p.indices, name: n}) for p in points for n in range(1, point.sizes.get(size, 0) + 1)
        ]
    return bool(points) and all(balls.certainly_holds(relation, p, definitions) for p in points)


def is_apart_at_border(statement: Statement, value: Term, where: tuple[Term, ...], point: balls.Point) -> bool:
    """Whether the point has y = h, lies in the region or on its border, and the value there is certainly not 0."""
    _check_border(statement, point)
    output = statement.at_preactivation(statement.output)
    same = {statement.at_preactivation(statement.target): output}
    sides = {_side(statement, r, replace(r, same), point) for r in where} - {0}
    if None in sides or len(sides) > 1:
        return False
    try:
        limit = _near(statement, value, next(iter(sides), 1) or 1)
        return balls.certainly_different(limit, ZERO, point, statement.definitions)
    except KernelError:
        return False


def _side(statement: Statement, relation: Term, at_border: Term, point: balls.Point) -> int | None:
    """0 where a relation of a region holds at the point, 1 or -1 where it says h > y or h < y, else None."""
    try:
        if balls.certainly_holds(at_border, point, statement.definitions):
            return 0
    except KernelError:
        return None
    ratio = _ratio(statement, sub(*relation.args[1:]))
    if ratio is None or relation.args[0] not in ("<", ">"):
        return None
    return 1 if (ratio[0] > 0) == (relation.args[0] == ">") else -1


def _near(statement: Statement, term: Term, side: int) -> Term:
    """A term whose branches at h_j = y_j are those of h_j slightly above y_j, or below: c (h - y) > 0 is decided."""
    if term.kind == "sum":
        i = index("#near", term.args[0])
        return sum_over(i, _near(statement, open_sum(term, i), side))
    term = rebuild(term, lambda t: _near(statement, t, side))
    if term.kind != "where":
        return term
    op, left, right = term.args[0].args
    ratio = _ratio(statement, sub(left, right))
    if ratio is None:
        return term
    factor, own = ratio
    pairs = zip(own, statement.preactivation.args[1:], strict=True)
    shift = mul(num(side if factor > 0 else -side), *(kron(a, b) for a, b in pairs if a != b))
    return Term("where", (rel(op, add(left, shift), right), *term.args[1:]))


def _ratio(statement: Statement, difference: Term) -> tuple[fmpq, tuple[Term, ...]] | None:
    """The c and the indices k of a difference that is c (h[k] - y[k])."""
    output, target = statement.output, statement.target
    places = [t.args[1:] for t in subterms(difference) if t.kind == output.kind and t.args[0] == output.args[0]]
    if not places:
        return None
    own = dict(zip(output.args[1:], places[0], strict=True))
    algebra = Calculus({}, ())
    try:
        residual = sub(reindex(output, own), reindex(target, own))
        above, below = algebra.attempt(lambda: algebra.canonical(algebra.normal(mul(difference, power(residual, -1)))))
    except KernelError:
        return None
    constant = bool(above) and above.is_constant() and below.is_one()
    return (above.leading_coefficient(), places[0]) if constant else None


def _check_border(statement: Statement, point: balls.Point) -> None:
    """At a border point the target is given as the output itself, so h = y there exactly."""
    target = statement.at_preactivation(statement.target)
    output = statement.at_preactivation(statement.output)
    key = (target.args[0], tuple(point.indices[i.args[0]] for i in target.args[1:]))
    if point.values.get(key) != output:
        raise KernelError("a border point sets y to h")
