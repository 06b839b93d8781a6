"""Is an equation of a model right, and if not, at which exact point is it wrong? Imports model, balls, witnesses.

Right is what the kernel proves, wrong what balls certify at a point of the domain, with every derivative by dual
numbers on what it is a derivative of; the rest is undecided.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice, product, zip_longest
from typing import NamedTuple

from flint import fmpq

from derive import balls
from derive.errors import KernelError
from derive.kernel import Theory, is_proved, opposite, strictly
from derive.laws import ABSTRACT
from derive.model import Model
from derive.plain import plain
from derive.term import ONE, ZERO, Term, add, call, mul, rebuild, rel, sub, subterms
from derive.witnesses import PARAMETERS, candidates, holds

TRIED, SEEN = 150, 4_000  # points of a search: in the domain, and at all
SIMPLE = 30  # of them before any are drawn
DIGITS = ((256, 15), (512, 100), (4096, 1000))  # precision and digits of two numbers, until they look different
GENERIC, LARGE = 12, 10_007  # points, and the denominator of their numbers, a prime
DEEPEST = 5  # borders within borders
SIZES = {"K": (2, 3), "m": (2,), "n1": (1,), "n2": (2,)}  # at a point that is drawn
NUMBERS = (0, 1, -1, fmpq(1, 2), 2, fmpq(-1, 2), fmpq(3, 2))
TARGETS = (1, 0, fmpq(1, 2), -1)


class Judgement(NamedTuple):
    """Whether an equation holds: True with what it needs beyond the domain, False with a point, None with a reason.

    What it needs are equations on targets, and relations l != r: one that needs more is False at a point where its
    right side has no value.
    ``left`` and ``right`` are its sides at the point, where any function f is the logistic sigmoid.
    """

    holds: bool | None
    conditions: tuple[Term, ...] = ()
    point: balls.Point | None = None
    left: str = ""
    right: str = ""
    reason: str = ""


def judge(model: Model, left: Term, right: Term, stated: Mapping[str, Term] | None = None) -> Judgement:
    """The judgement of left = right in a model, with some derivatives ``stated`` to be other than they are."""
    try:
        return _weighed(model, left, right, stated or {}, proved(model, left, right, stated))
    except KernelError as problem:
        refusal = str(problem)
    try:
        return _refuted(model, left, right, stated or {}) or Judgement(None, reason=refusal)
    except KernelError as problem:
        return Judgement(None, reason=str(problem))


def _weighed(model: Model, left: Term, right: Term, stated: Mapping[str, Term], found: Judgement) -> Judgement:
    """What is proved, if it leaves out of the domain no more than the pair itself does, and single points."""
    smaller = tuple(c for c in found.conditions if c.args[0] not in ("=", "!="))
    if smaller:
        return _undefined(model, left, right, smaller)
    own = {*model.needs_of((left, right)), *model.needs_of((left, right), raw=True)}
    strange = [c for c in found.conditions if c.args[0] == "!=" and c not in own]
    if not strange:
        return found
    if (refuted := _refuted(model, left, right, stated, GENERIC)) is not None:
        return refuted
    said = ", ".join(map(plain, strange))
    reason = f"it is proved only where {said}, which may leave out more than single points"
    return found if _are_thin(model, left, right, strange) else Judgement(None, reason=reason)


def _are_thin(model: Model, left: Term, right: Term, exclusions: Sequence[Term]) -> bool:
    """Whether relations l != r hold at all of some generic points of the domain, which single points are not."""
    definitions = model.theory_for((left, right)).definitions
    needs = [*_domain(model), *model.needs_of((left, right))]
    free = dict.fromkeys(i for t in (left, right, *exclusions) for i in t.indices)
    seen = 0
    for point in islice(_everywhere(_drawn(model, generic=True), tuple(free)), SEEN):
        if model.cases and not any(holds(r, point, definitions) for r in model.cases):
            continue
        if not all(holds(r, point, definitions) for r in needs):
            continue
        if not all(holds(r, point, definitions) for r in exclusions):
            return False
        seen += 1
        if seen == GENERIC:
            return True
    return False


def proved(
    model: Model, left: Term, right: Term, stated: Mapping[str, Term] | None = None, given: tuple[Term, ...] = ()
) -> Judgement:
    """That left = right holds where the relations ``given`` do; else raises KernelError.

    First without conditions on the targets, then with them, then for each value of a discrete target.
    """
    refusal = KernelError("")
    for extra in dict.fromkeys(((), model.conditions)):
        try:
            return Judgement(True, _conditions(model, left, right, (*given, *extra), stated))
        except KernelError as problem:
            refusal = problem
    if not model.cases or any(case.indices for case in model.cases):
        raise refusal  # one with an index is about all targets at once, and they need not be the same
    found = [_conditions(model, left, right, (*given, case), stated) for case in model.cases]
    return Judgement(True, tuple(dict.fromkeys(h for hs in found for h in hs if h not in model.cases)))


def _conditions(
    model: Model, left: Term, right: Term, extra: tuple[Term, ...], stated: Mapping[str, Term] | None
) -> tuple[Term, ...]:
    """What left = right needs, with derivatives as the pair's proof has them, else by the laws alone."""
    sides, raw = (left, right), False
    try:
        found = _hypotheses(model, left, right, extra, stated or {}, raw)
    except KernelError:
        if not model.known:
            raise
        raw = True
        found = _hypotheses(model, left, right, extra, stated or {}, raw)
    return tuple(h for h in dict.fromkeys((*found, *model.needs_of(sides, raw))) if h not in model.assumptions)


def _hypotheses(
    model: Model,
    left: Term,
    right: Term,
    extra: tuple[Term, ...],
    stated: Mapping[str, Term],
    raw: bool,
    depth: int = 0,
) -> tuple[Term, ...]:
    """What left = right needs: as a whole, or on each side of a border in it where less is needed so.

    Fails: as ``Theory.equal``, on one of the sides.
    """
    theory = model.theory_for((left, right), extra, stated, raw)
    border = _border(model, (left, right), theory) if depth < DEEPEST else None
    try:
        whole = theory.equal(left, right).hypotheses
        if border is None or all(h.args[0] != "!=" or h in model.assumptions for h in whole):
            return whole
    except KernelError:
        if border is None:
            raise
        whole = None
    try:
        pieces = _by_sides(model, left, right, extra, stated, raw, depth, border)
    except KernelError:
        if whole is None:
            raise
        return whole
    return min((found for found in (whole, pieces) if found is not None), key=partial(_left_open, model))


def _left_open(model: Model, hypotheses: tuple[Term, ...]) -> int:
    return sum(h not in model.assumptions for h in hypotheses)


def _by_sides(
    model: Model,
    left: Term,
    right: Term,
    extra: tuple[Term, ...],
    stated: Mapping[str, Term],
    raw: bool,
    depth: int,
    border: Term,
) -> tuple[Term, ...]:
    """What left = right needs on each side of a border, and on it."""
    theory = model.theory_for((left, right), extra, stated, raw)
    found = list(_at(model, left, right, extra, stated, raw, rel("=", *border.args[1:])))
    for side in (strictly(border), strictly(opposite(border))):
        if is_proved(theory.holds, opposite(side)):
            continue  # nothing is on this side
        inner = _hypotheses(model, left, right, (*extra, side), stated, raw, depth + 1)
        found += [h for h in inner if h != side]
    return tuple(dict.fromkeys(found))


def _at(
    model: Model,
    left: Term,
    right: Term,
    extra: tuple[Term, ...],
    stated: Mapping[str, Term],
    raw: bool,
    border: Term,
) -> tuple[Term, ...]:
    """What left = right needs where l = r: that this is not met, unless the kernel sees it."""
    try:
        found = model.theory_for((left, right), (*extra, border), stated, raw).equal(left, right).hypotheses
    except KernelError:
        return (rel("!=", *border.args[1:]),)
    return tuple(h for h in found if h != border)


def _border(model: Model, sides: Iterable[Term], theory: Theory) -> Term | None:
    """A condition in the sides, or that what stands in bars is positive, of which neither is known."""
    for part in (t for side in sides for t in subterms(_unfolded(model, side, theory)) if not t.loose):
        if part.kind == "where" or (part.kind == "call" and part.args[0] == "abs"):
            border = part.args[0] if part.kind == "where" else rel(">", part.args[1], ZERO)
            open_ = not any(is_proved(theory.holds, strictly(side)) for side in (border, opposite(border)))
            if open_ and not border.indices:  # one with a free index would be about all of its values at once
                return border
    return None


def _unfolded(model: Model, side: Term, theory: Theory) -> Term:
    """The side, and what the names in it are defined to be, as one term to look through."""
    found, waiting = [side], [*side.names]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in theory.definitions and name not in seen:
            seen.add(name)
            found.append(theory.definitions[name][1])
            waiting += found[-1].names
    return add(*found)


def _undefined(model: Model, left: Term, right: Term, smaller: tuple[Term, ...]) -> Judgement:
    """What is right on a smaller domain only: a point of the domain where one of the relations fails."""
    definitions = model.theory_for((left, right)).definitions
    needs = [*_domain(model), *model.needs_of((left, right))]
    for point in islice(_points(model, (left, right)), SEEN):
        if all(holds(r, point, definitions) for r in needs) and any(
            holds(strictly(opposite(c)), point, definitions) for c in smaller
        ):
            try:
                value = balls.decimal(balls.enclosure(_request(model, left, {}), point, definitions, 256))
            except KernelError:
                continue
            return Judgement(False, smaller, point, value, "undefined")
    return Judgement(None, smaller, reason="it is right on a smaller domain, but no point outside of that was found")


def _domain(model: Model) -> list[Term]:
    return [*model.assumptions, *model.conditions, *(r for rs in model.free.values() for r in rs)]


def _refuted(model: Model, left: Term, right: Term, stated: Mapping[str, Term], most: int = TRIED) -> Judgement | None:
    """A point of the domain at which both sides certainly differ, among so many that are tried."""
    definitions = {
        name: (formals, _instance(body))
        for name, (formals, body) in model.theory_for((left, right), (), stated).definitions.items()
    }
    left, right = _instance(left), _instance(right)
    needs = [*_domain(model), *model.needs_of((left, right))]
    left_side, right_side = (_request(model, side, stated) for side in (left, right))
    tried = 0
    for point in islice(_points(model, (left, right)), SEEN):
        if model.cases and not any(holds(r, point, definitions) for r in model.cases):
            continue
        if not all(holds(r, point, definitions) for r in needs):
            continue
        if balls.certainly_different(left_side, right_side, point, definitions):
            return Judgement(False, (), point, *_shown((left_side, right_side), point, definitions))
        tried += 1
        if tried == most:
            break
    return None


def _shown(
    sides: tuple[Term | balls.Slope, Term | balls.Slope], point: balls.Point, definitions: balls.Definitions
) -> tuple[str, str]:
    """Two different numbers, with so many digits that they look different."""
    left = right = ""
    for precision, digits in DIGITS:
        left, right = (balls.decimal(balls.enclosure(s, point, definitions, precision), digits) for s in sides)
        if left != right:
            break
    return left, right


def _instance(term: Term) -> Term:
    """The term with the logistic sigmoid for f, any function: what fails for one function fails."""
    if term.kind != "call" or term.args[0].rstrip("'") not in ABSTRACT:
        return rebuild(term, _instance)
    stem, value = term.args[0].rstrip("'"), call("sigmoid", _instance(term.args[1]))
    if term.args[0] not in (stem, f"{stem}'"):
        raise KernelError("no witness is sought for the second derivative of any function")
    return value if term.args[0] == stem else mul(value, sub(ONE, value))


def _request(model: Model, side: Term, stated: Mapping[str, Term]) -> Term | balls.Slope:
    """A derivative by dual numbers where the side is one."""
    quantity = model.quantity_of(side)
    plain = quantity is not None and quantity.order == 1 and side.args[0] not in stated
    return balls.Slope(quantity.subject, quantity.variable) if plain and quantity else side


def _alternating(*iterators: Iterator[balls.Point]) -> Iterator[balls.Point]:
    return (point for points in zip_longest(*iterators) for point in points if point is not None)


def _points(model: Model, sides: Iterable[Term]) -> Iterator[balls.Point]:
    """Points of the model, with every choice of a few numbers for the free indices of the sides."""
    free = tuple(dict.fromkeys(i for side in sides for i in side.indices))
    every = _drawn(model)
    if "a2" not in model.definitions:
        simple = candidates(model.statement)
        every = chain(islice(simple, SIMPLE), _alternating(simple, every))
    yield from _everywhere(every, free)


def _everywhere(points: Iterable[balls.Point], free: tuple[Term, ...]) -> Iterator[balls.Point]:
    """The points with every choice of a few numbers for free indices that they do not have."""
    for point in points:
        own = [i for i in free if i.args[0] not in point.indices]
        for numbers in product(*(range(1, min(2, point.sizes.get(i.args[1], 0)) + 1) for i in own)):
            yield point._replace(indices={**point.indices, **{i.args[0]: n for i, n in zip(own, numbers, strict=True)}})


def _drawn(model: Model, generic: bool = False) -> Iterator[balls.Point]:
    """Points of numbers drawn by a fixed seed; y and the parameters from values that they may have.

    generic: numbers that no simple equation has; a discrete target keeps its values, and targets add up to 1.
    """
    families, scalars, _ = model.names
    names = {n: over for n, over in {**families, **dict.fromkeys(scalars, ())}.items() if n not in model.definitions}
    parameters = {name for r in model.statement.parameters for name in r.names} | {"lambda"}
    used = {over for found in families.values() for over in found}
    draw = random.Random(1)
    while True:
        sizes = {name: draw.choice(counts) for name, counts in SIZES.items() if name in used}
        of_one = draw.randint(1, sizes.get("K", 1))
        values: dict[balls.Key, fmpq | Term] = {}
        for name, over in sorted(names.items()):
            numbers = TARGETS if name == "y" else PARAMETERS if name in parameters else NUMBERS
            for place in product(*(range(1, sizes[size] + 1) for size in over)):
                is_one_hot = name == "y" and model.conditions
                values[name, place] = fmpq(place[-1] == of_one) if is_one_hot else fmpq(draw.choice(numbers))
                if generic and not (name == "y" and (model.cases or model.conditions)):
                    bound = 1 if name == "y" else 3
                    low = 0 if name == "y" or name in parameters else -bound
                    values[name, place] = fmpq(draw.randrange(low * LARGE + 1, bound * LARGE), LARGE)
        if generic and model.conditions:
            values |= _shares(values, draw)
        yield balls.Point(values, sizes, {})


def _shares(values: Mapping[balls.Key, fmpq | Term], draw: random.Random) -> dict[balls.Key, fmpq | Term]:
    """Targets that are generic and add up to 1 over the classes."""
    found: dict[balls.Key, fmpq | Term] = {}
    keys = [key for key in values if key[0] == "y"]
    for rest in {key[1][:-1] for key in keys}:
        own = [key for key in keys if key[1][:-1] == rest]
        parts = [draw.randrange(1, LARGE) for _ in own]
        found |= {key: fmpq(part, sum(parts)) for key, part in zip(own, parts, strict=True)}
    return found
