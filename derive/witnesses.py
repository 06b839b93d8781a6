"""Exact points for a verdict: inside, witness, border; found by trying small rationals; untrusted, imports verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, product

from flint import fmpq

from derive import balls
from derive.certificate import Witness, measure
from derive.derivation import COST, Statement
from derive.errors import KernelError
from derive.kernel import strictly
from derive.term import ONE, Term, add, neg, num, subterms
from derive.verdict import Needs, is_apart_at_border, is_met

ZS = (0, 1, -1, 2, -2, 4, -4, fmpq(1, 2), fmpq(-1, 2), fmpq(-1, 8))
YS = (1, 0, 2, -1, fmpq(1, 2), 3)
PARAMETERS = (2, fmpq(1, 2), fmpq(3, 2), 1, 3, fmpq(1, 3), fmpq(5, 4))
FEW = (2, 4)  # classes; of shares y = h for one of two is so for both
MIXED = 4  # numbers that are combined in a vector
MOST_VALUES = 3  # of the parameters together, of z and y for a vector
Values = Mapping[balls.Key, fmpq | Term]


def points(statement: Statement, needs: Needs) -> dict[str, Witness]:
    """The points that a verdict needs, by name; raises KernelError where none was found."""
    domain = statement.loss_domain + statement.given
    equations = tuple(r for r in statement.targets if r.args[0] == "=")
    cancels = needs.kind == "cancels"
    found: dict[str, balls.Point] = {}

    def first(claim: Term | None, relations: tuple[Term, ...]) -> balls.Point:
        return _first(_differs(statement, claim), statement, relations)

    if cancels:
        found["inside"] = first(None, domain + equations + needs.conditions + needs.exclusions)
    if not cancels or needs.conditions:
        must = () if cancels else equations + needs.conditions + needs.exclusions
        found["witness"] = first(statement.residual, domain + must)
    for n, (value, where) in enumerate(needs.borders):
        borders = [p for name, p in found.items() if name.startswith("border")]
        if any(is_apart_at_border(statement, value, where, p) for p in borders):
            continue
        name = "border" if needs.kind == "other" and not borders else f"border {n + 1}"
        try:
            relations = domain + statement.activation_domain  # z >= 0 too: a point inside, not z = 0
            inside = tuple(strictly(r) if r.args[0] in ("<=", ">=") else r for r in relations)
            conditions = equations + needs.conditions
            found[name] = _first(_at_border(statement, value, where), statement, inside, conditions)
        except KernelError:
            continue
    return {name: measure(statement, name, point) for name, point in found.items()}


Test = Callable[[balls.Point], bool]


def _differs(statement: Statement, claim: Term | None) -> Test:
    """Whether dJ/dz exists at an allowed target, and certainly differs from the claim, if one is given."""
    definitions, slope = statement.definitions, balls.Slope(COST, statement.preactivation)

    def test(point: balls.Point) -> bool:
        if statement.cases and not any(holds(r, point, statement.definitions) for r in statement.cases):
            return False
        if claim is not None:
            return balls.certainly_different(slope, claim, point, definitions)
        try:
            return bool(balls.enclosure(slope, point, definitions, 128).is_finite())
        except KernelError:
            return False

    return test


def _at_border(statement: Statement, value: Term, where: tuple[Term, ...]) -> Test:
    return lambda point: is_apart_at_border(statement, value, where, point)


def _first(
    test: Test, statement: Statement, relations: tuple[Term, ...], at_border: tuple[Term, ...] | None = None
) -> balls.Point:
    """The first candidate that passes; ``at_border``: with y = h, and conditions on the targets that are met there."""
    for point in candidates(statement, FEW[::-1] if at_border else FEW):
        if at_border is not None:
            point = _bordering(statement, point, bool(at_border))
        is_inside = all(holds(r, point, statement.definitions) for r in relations)
        if is_inside and test(point) and all(is_met(statement, point, r) for r in at_border or ()):
            return point
    raise KernelError("no witness was found among the points tried")


def _bordering(statement: Statement, point: balls.Point, of_shares: bool) -> balls.Point:
    """The same point with y = h at the coordinate of z; of shares, the last other class has what is left of 1."""
    target = statement.at_preactivation(statement.target)
    own = tuple(point.indices[i.args[0]] for i in target.args[1:])
    values = {**point.values, (target.args[0], own): statement.at_preactivation(statement.output)}
    places = [key[1] for key in values if key[0] == target.args[0] and key[1][:-1] == own[:-1]]
    others = [place for place in places if place != own]
    if of_shares and others:
        *rest, last = others
        taken = [values[target.args[0], place] for place in (own, *rest)]
        shares = (t if isinstance(t, Term) else num(t) for t in taken)
        values[target.args[0], last] = add(ONE, *(neg(t) for t in shares))
    return point._replace(values=values)


def candidates(statement: Statement, counts: Sequence[int] = FEW) -> Iterator[balls.Point]:
    """Small rational points in the domain of the activation, the simplest first, with two classes or four."""
    for count in counts if statement.preactivation.args[1:] else (1,):
        yield from _of_size(statement, count)


def _of_size(statement: Statement, count: int) -> Iterator[balls.Point]:
    free = statement.preactivation.args[1:]
    sizes = {i.args[1]: count for i in free}
    indices = {i.args[0]: 1 for i in free}
    places = list(product(*(range(1, sizes[i.args[1]] + 1) for i in free)))

    def point(values: Values) -> balls.Point:
        return balls.Point(values, sizes, indices)

    def allowed(values: Values, relations: Iterable[Term]) -> bool:
        return all(holds(r, point(values), statement.definitions) for r in relations)

    z, y = (t.args[0] for t in (statement.preactivation, statement.target))
    for values in islice(_parameter_values(statement, count, allowed), MOST_VALUES):
        of_z = ({**values, **_family(z, places, chosen)} for chosen in _choices(len(places), ZS))
        for with_z in (v for v in of_z if allowed(v, statement.activation_domain)):
            for chosen in _choices(len(places), YS):
                yield point({**with_z, **_family(y, places, chosen)})


def _family(name: str, places: Sequence[tuple[int, ...]], values: Sequence[fmpq]) -> Values:
    return {(name, p): v for p, v in zip(places, values, strict=True)}


def _parameter_values(
    statement: Statement, count: int, allowed: Callable[[Values, Iterable[Term]], bool]
) -> Iterator[Values]:
    """Values of all parameters in their domains: first one number for all, as far as allowed, then others."""
    taken = {t.args[0] for t in (statement.output, statement.target, statement.preactivation)} | {"J"}
    terms = (statement.cost, statement.activation, *statement.parameters)
    used = {t for s in terms for t in subterms(s) if t.kind in ("var", "item") and t.args[0] not in taken}
    shapes = {t.args[0]: len(t.args) - 1 for t in used}
    keys = [(name, place) for name in sorted(shapes) for place in product(range(1, count + 1), repeat=shapes[name])]

    def suitable(key: balls.Key) -> list[fmpq]:
        own = [r for r in statement.parameters if r.names == {key[0]}]
        every = {k: None for k in keys if k[0] == key[0]}
        return [v for v in [fmpq(p) for p in PARAMETERS] if allowed(dict.fromkeys(every, v), own)]

    choices = [suitable(key) for key in keys]
    for shift in range(len(PARAMETERS)):
        if all(choices):
            values: Values = {
                k: c[(shift * (n + 1)) % len(c)] for n, (k, c) in enumerate(zip(keys, choices, strict=True))
            }
            if allowed(values, statement.parameters):
                yield values
        if not keys:
            return


def _choices(count: int, numbers: Sequence[int | fmpq]) -> Iterator[tuple[fmpq, ...]]:
    """All places alike, then the first one, or every other, different from the rest."""
    for n in numbers:
        yield (fmpq(n),) * count
    if count > 1:
        yield (fmpq(1, 4), *(fmpq(3, 4 * (count - 1)),) * (count - 1))
        for a, b in product(map(fmpq, numbers[:MIXED]), repeat=2):
            if a != b:
                yield (a, *(b,) * (count - 1))
                yield tuple(a if place % 2 == 0 else b for place in range(count))


def holds(relation: Term, point: balls.Point, definitions: balls.Definitions) -> bool:
    """Whether a relation certainly holds at a point, for every value of its free indices."""
    names = [i.args[0] for i in relation.indices]
    for numbers in product(*(range(1, point.sizes.get(i.args[1], 0) + 1) for i in relation.indices)):
        at = point._replace(indices={**point.indices, **dict(zip(names, numbers, strict=True))})
        try:
            if not balls.certainly_holds(relation, at, definitions):
                return False
        except KernelError:
            return False
    return True
