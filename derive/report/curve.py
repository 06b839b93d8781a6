"""Values of a proof's terms along z, by balls; imports balls, witnesses and the proof's types, no plotting library.

A number is the middle of a ball that is narrower than a pixel; where there is none, the curve has a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise, product
from typing import NamedTuple

from flint import fmpq

from derive import balls
from derive.errors import DeriveError, KernelError
from derive.proof import Proof
from derive.report.text import formula
from derive.term import ONE, Term, index, item, num, reindex, rel, sub, subterms, var
from derive.witnesses import holds

STEPS = 120  # samples on each side of 0
SPANS = (6, 4, 3, 2, 1)  # how far z goes on each side, the widest on which values stay in sight
IN_SIGHT = 60
SMALL = fmpq(1, 4)  # of a parameter that is at most 1, or says where pieces meet
TARGETS = (0, 1, fmpq(1, 4), fmpq(3, 4), 2, -1)  # tried in this order
OTHERS = (0, 1, -1)  # values of the other z
NEAR = fmpq(1, 10**9)  # how close to a kink its one-sided values are taken
HALVINGS = 40
PRECISIONS = (64, 256, 1024)
WIDEST = 1e-6  # of a ball
NAN = float("nan")
NOWHERE: Mapping[str, int] = {}


class Gap(NamedTuple):
    """A place on a curve where two pieces meet, and the values on both sides of it."""

    at: float
    left: float
    right: float

    @property
    def is_jump(self) -> bool:
        return abs(self.right - self.left) > 1e-4 * max(1, abs(self.left), abs(self.right))


class Curve(NamedTuple):
    """Points (across, value), nan where there is no value, and the gaps at kinks."""

    across: tuple[float, ...]
    values: tuple[float, ...]
    gaps: tuple[Gap, ...]

    @property
    def closed(self) -> Curve:
        """The same without gaps where the values on both sides agree: of a continuous function."""
        sides = {gap.at: gap.left for gap in self.gaps if not gap.is_jump}
        values = [sides.get(x, v) if v != v else v for x, v in zip(self.across, self.values, strict=True)]
        return self._replace(values=tuple(values))


class Line:
    """The line through the domain of a proof on which z changes and everything else keeps an example value.

    Of a vector z_1 changes, K = 2, and dJ/dz is that by z_1. ``targets``: the values of y that are shown, at most two.
    """

    def __init__(self, proof: Proof) -> None:
        self.proof, statement = proof, proof.statement
        self.z, self.y = (statement.preactivation, statement.target)
        free = dict.fromkeys((*statement.output.args[1:], *self.z.args[1:]))
        self.sizes = {i.args[1]: 2 for i in free}
        self.indices = {i.args[0]: 1 for i in free}
        self.places = [*product(*(range(1, self.sizes[i.args[1]] + 1) for i in self.z.args[1:]))]
        self.inside: dict[fmpq, bool] = {}
        self.key: balls.Key = (self.z.args[0], self.places[0])
        self.other_z: int | fmpq = 0
        if len(self.places) > 1:
            self.other_z = max(OTHERS, key=self._room)
            self._room(self.other_z)

    @cached_property
    def parameters(self) -> Mapping[balls.Key, fmpq | Term]:
        """Values of all other names: those of the certificate's points, or small ones that show where pieces meet."""
        statement = self.proof.statement
        taken = {t.args[0] for t in (statement.output, statement.target, statement.preactivation)}
        points = self.proof.checked.certificate.points.values()
        values = next((w.point.values for w in points), {})
        found = {key: v for key, v in values.items() if key[0] not in taken and max((*key[1], 0)) <= 2}
        borders = [t for whole in (statement.cost, statement.activation) for t in subterms(whole) if t.kind == "rel"]
        below_one = [r for r in statement.parameters if ONE in r.args]
        small = frozenset[str]().union(*(r.names for r in (*below_one, *borders)))
        shown = {key: SMALL if key[0] in small else v for key, v in found.items()}
        return shown if self._holds(statement.parameters, balls.Point(shown, self.sizes, self.indices)) else found

    def point(self, z: fmpq, y: fmpq | int | None = None) -> balls.Point:
        values = {**self.parameters, **self._family(self.z, z, self.other_z)}
        if y is not None:
            values |= self._family(self.y, y, self._other_target(fmpq(y)))
        return balls.Point(values, self.sizes, self.indices)

    def _family(self, term: Term, first: fmpq | int, other: fmpq | int) -> dict[balls.Key, fmpq | Term]:
        return {(term.args[0], place): fmpq(first if place == self.places[0] else other) for place in self.places}

    def _other_target(self, y: fmpq) -> fmpq:
        """The target of the other class: 1 - y, or -y where that is what a target can be."""
        values = {r.args[2].args[0] for r in self.proof.statement.cases if r.args[2].kind == "num"}
        return -y if -y in values and 1 - y not in values else 1 - y

    def _room(self, other: fmpq | int) -> int:
        """How much of the line lies in the domain, for this value of the other z."""
        self.other_z = other
        self.inside.clear()
        return sum(self._is_inside(fmpq(n)) for n in range(-SPANS[0], SPANS[0] + 1))

    def _is_inside(self, z: fmpq) -> bool:
        """Whether z lies in the domain of the activation, and its output in that of the loss."""
        if z not in self.inside:
            statement = self.proof.statement
            relations = (*statement.activation_domain, *(r for r in statement.loss_domain if "y" not in r.names))
            self.inside[z] = self._holds(relations, self.point(z))
        return self.inside[z]

    def _holds(self, relations: Iterable[Term], point: balls.Point) -> bool:
        return all(holds(r, point, self.proof.statement.definitions) for r in relations)

    @cached_property
    def targets(self) -> tuple[fmpq, ...]:
        """Two values of the target that its domain allows, the smaller one first; raises DeriveError for none."""
        statement = self.proof.statement
        given = [r.args[2].args[0] for r in statement.cases if r.args[2].kind == "num"]
        start = next((z for z in self.samples(1) if self._is_inside(z)), fmpq(0))
        allowed = [
            y for y in given or [fmpq(t) for t in TARGETS] if self._holds(statement.targets, self.point(start, y))
        ]
        if not allowed:
            raise DeriveError(f"no example value of the target of {name(self.proof)} is in its domain")
        return tuple(sorted(allowed[:2]))

    # -- values

    def value(self, term: Term, z: fmpq, y: fmpq | None, places: Mapping[str, int] = NOWHERE) -> float:
        """The number that a term is at z, its free indices being 1 or as given; nan where it has none."""
        if not self._is_inside(z):
            return NAN
        point = self.point(z, y)
        point = point._replace(indices={**point.indices, **places})
        for precision in PRECISIONS:
            try:
                ball = balls.enclosure(term, point, self.proof.statement.definitions, precision)
            except KernelError:
                continue
            if ball.is_finite() and float(ball.rad()) <= WIDEST * max(1.0, abs(float(ball.mid()))):
                return float(ball.mid())
        return NAN

    def misses(self, y: fmpq, zs: Sequence[fmpq]) -> list[float]:
        """|h - y| at each z: how wrong the output is."""
        return [abs(self.value(self.proof.statement.residual, z, y)) for z in zs]

    def samples(self, span: int) -> list[fmpq]:
        return [fmpq(n * span, STEPS) for n in range(-STEPS, STEPS + 1)]

    def span(self, term: Term) -> int:
        """How far z goes before the values are out of sight."""
        for span in SPANS:
            ends = (self.value(term, z, y) for z in self.samples(span)[:: STEPS // 6] for y in self.targets)
            if all(abs(v) <= IN_SIGHT for v in ends if v == v):
                return span
        return SPANS[-1]

    def curve(self, term: Term, y: fmpq, span: int, across: Term | None = None) -> Curve:
        """The values of a term along z, or against those of ``across``; kinks are looked at from both sides."""
        places = self.kinks(y, span)
        near = [z + side for z in places for side in (-NEAR, NEAR)]
        zs = sorted({*self.samples(span), *near, *places})
        values = [NAN if z in places else self.value(term, z, y) for z in zs]
        xs = [float(z.p) / float(z.q) if across is None else self.value(across, z, y) for z in zs]
        gaps = tuple(
            Gap(xs[n - 1] if across is not None else xs[n], values[n - 1], values[n + 1])
            for n, z in enumerate(zs)
            if z in places and values[n - 1] == values[n - 1] and values[n + 1] == values[n + 1]
        )
        return Curve(tuple(xs), tuple(values), gaps)

    def kinks(self, y: fmpq, span: int) -> list[fmpq]:
        """The places on the line where two regions of the proof meet, exactly or nearly."""
        found = set[fmpq]()
        for kink in self.proof.kinks:
            free = kink.at.indices
            for numbers in product(*(range(1, self.sizes[i.args[1]] + 1) for i in free)):
                places = dict(zip((i.args[0] for i in free), numbers, strict=True))
                found.update(self._roots(sub(*kink.at.args[1:]), y, span, places))
        return sorted(found)

    def _roots(self, difference: Term, y: fmpq, span: int, places: Mapping[str, int]) -> Iterator[fmpq]:
        def sign(z: fmpq) -> int | None:
            value = self.value(difference, z, y, places)
            return None if value != value else (value > 0) - (value < 0)

        found = [(z, sign(z)) for z in self.samples(span)]
        yield from (z for z, at in found if at == 0)
        for (low, before), (high, after) in pairwise(found):
            if before is not None and after is not None and before * after < 0:
                yield _bisected(sign, low, high, before)

    # -- words

    @property
    def across(self) -> Term:
        """The z that changes: z, or z[1]."""
        return element(self.key, tuple(self.sizes))

    @cached_property
    def example(self) -> tuple[Term, ...]:
        """What keeps its value: d = 1/4, K = 2, z_2 = 0."""
        others = [key for key in self._family(self.z, 0, 0) if key != self.key]
        values = {**self.parameters, **{key: fmpq(self.other_z) for key in others}}
        sizes = self.proof.symbols.families
        given = [rel("=", element(key, sizes.get(key[0], ())), _number(values[key])) for key in sorted(values)]
        return (*given, *(rel("=", var(size), num(n)) for size, n in self.sizes.items()))

    def at_first(self, term: Term) -> Term:
        """A term at the class whose z changes: h[1] for h[j]."""
        return reindex(term, {i: index("1", i.args[1]) for i in term.indices})

    def at_target(self, y: fmpq) -> Term:
        """y = 1, or y[1] = 1."""
        return rel("=", element((self.y.args[0], self.key[1]), tuple(self.sizes)), num(y))

    @property
    def held(self) -> str:
        """The same as text."""
        return ", ".join(map(formula, self.example))


def element(key: balls.Key, sizes: Sequence[str]) -> Term:
    """z, or z[2] of a family."""
    indices = [index(str(n), size) for n, size in zip(key[1], sizes, strict=False)]
    return item(key[0], *indices) if indices else var(key[0])


def _number(value: fmpq | Term) -> Term:
    return value if isinstance(value, Term) else num(value)


def _bisected(sign: Callable[[fmpq], int | None], low: fmpq, high: fmpq, before: int) -> fmpq:
    """Where a sign changes from ``before``, nearly."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        found = sign(middle)
        if not found:
            return middle
        low, high = (middle, high) if found == before else (low, middle)
    return (low + high) / 2


def name(proof: Proof) -> str:
    """What a proof is called beside its curve."""
    return "".join(c for c in proof.pair or "custom pair" if c.isascii() and (c.isalnum() or c in " -"))[:60]


def factor(proof: Proof) -> Term:
    """The g of dJ/dz = g (h - y); raises DeriveError where there is none."""
    if proof.kind == "cancels":
        return ONE
    if proof.verdict.factor is None:
        raise DeriveError(f"{name(proof)} has no factor to plot: dJ/dz is no multiple of h - y")
    return proof.verdict.factor
