"""Is an equation of a model right, and if not, at which exact point is it wrong? Imports model, balls, witnesses.

Right is what the kernel proves, wrong what balls certify at a point of the domain, with every derivative by dual
numbers on what it is a derivative of; the rest is undecided.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, product
from typing import NamedTuple

from flint import fmpq

from derive import balls
from derive.errors import KernelError
from derive.model import Model
from derive.term import Term
from derive.witnesses import PARAMETERS, candidates, holds

TRIED, SEEN = 150, 4_000  # points of a search: in the domain, and at all
DIGITS = ((256, 15), (512, 100), (4096, 1000))  # precision and digits of two numbers, until they look different
SIZES = {"K": 2, "m": 2, "n1": 1, "n2": 2}  # of a network at a point
NUMBERS = (0, 1, -1, fmpq(1, 2), 2, fmpq(-1, 2), fmpq(3, 2))
TARGETS = (1, 0, fmpq(1, 2))


class Judgement(NamedTuple):
    """Whether an equation holds: True with what it needs beyond the domain, False with a point, None with a reason.

    ``left`` and ``right`` are its sides at the point.
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
        return proved(model, left, right, stated)
    except KernelError as problem:
        refusal = str(problem)
    try:
        return _refuted(model, left, right, stated or {}) or Judgement(None, reason=refusal)
    except KernelError as problem:
        return Judgement(None, reason=str(problem))


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
    if not model.cases:
        raise refusal
    found = [_conditions(model, left, right, (*given, case), stated) for case in model.cases]
    return Judgement(True, tuple(dict.fromkeys(h for hs in found for h in hs if h not in model.cases)))


def _conditions(
    model: Model, left: Term, right: Term, extra: tuple[Term, ...], stated: Mapping[str, Term] | None
) -> tuple[Term, ...]:
    theory = model.theory_for((left, right), extra, stated)
    found = (*theory.equal(left, right).hypotheses, *model.needs_of((left, right)))
    return tuple(h for h in dict.fromkeys(found) if h not in model.assumptions)


def _refuted(model: Model, left: Term, right: Term, stated: Mapping[str, Term]) -> Judgement | None:
    definitions = model.theory_for((left, right), (), stated).definitions
    needs = [*model.assumptions, *model.conditions, *model.needs_of((left, right))]
    needs += [r for rs in model.free.values() for r in rs]
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
        if tried == TRIED:
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


def _request(model: Model, side: Term, stated: Mapping[str, Term]) -> Term | balls.Slope:
    """A derivative by dual numbers where the side is one."""
    quantity = model.quantity_of(side)
    plain = quantity is not None and quantity.order == 1 and side.args[0] not in stated
    return balls.Slope(quantity.subject, quantity.variable) if plain and quantity else side


def _points(model: Model, sides: Iterable[Term]) -> Iterator[balls.Point]:
    """Points of the model, with every choice of a few numbers for the free indices of the sides."""
    free = tuple(dict.fromkeys(i for side in sides for i in side.indices))
    for point in _of_network(model) if "a2" in model.definitions else candidates(model.statement):
        own = [i for i in free if i.args[0] not in point.indices]
        for numbers in product(*(range(1, min(2, point.sizes.get(i.args[1], 0)) + 1) for i in own)):
            yield point._replace(indices={**point.indices, **{i.args[0]: n for i, n in zip(own, numbers, strict=True)}})


def _of_network(model: Model) -> Iterator[balls.Point]:
    """Points of a network, of numbers drawn by a fixed seed; y and the parameters from values that they may have."""
    families, scalars, _ = model.names
    keys = [(name, place) for name, over in sorted(families.items()) for place in _places(over)]
    keys += [(name, ()) for name in sorted(scalars)]
    keys = [key for key in keys if key[0] not in model.definitions]
    parameters = {name for r in model.statement.parameters for name in r.names} | {"lambda"}
    draw = random.Random(1)
    while True:
        values: dict[balls.Key, fmpq | Term] = {}
        for key in keys:
            numbers = TARGETS if key[0] == "y" else PARAMETERS if key[0] in parameters else NUMBERS
            values[key] = fmpq(draw.choice(numbers))
        if model.conditions:
            values |= {("y", (*place[:-1], place[-1])): fmpq(place[-1] == 1) for place in _places(families["y"])}
        yield balls.Point(values, SIZES, {})


def _places(over: Iterable[str]) -> Iterator[tuple[int, ...]]:
    return product(*(range(1, SIZES[size] + 1) for size in over))
