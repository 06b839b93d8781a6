"""Every shipped pair against automatic differentiation: JAX, in float64, on J as the second catalogue writes it.

Nothing is shared with the package but the shape of its terms, which ``written_out`` evaluates in mpmath.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import jax
import mpmath
import pytest
from jax import numpy as jnp
from written_out import (
    ACTIVATIONS,
    COUPLED,
    DIGITS,
    JOINT,
    LOSSES,
    OUTPUTS,
    POSITIVE,
    REAL,
    UNIT,
    Matrix,
    Place,
    Written,
    cost,
    difference_curvature,
    difference_slope,
    is_inside,
    loss,
    outputs,
    place_of,
    written,
)

from derive import prover
from derive.certificate import Checked, load, shipped
from derive.term import Term, mul, num
from derive.verdict import Verdict

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)

CLASSES = {"": (1,), "j": (1, 2, 3, 4)}  # by the indices that z has
PLACES = {"": 32, "j": 8}  # of each number of classes; one size each, because JAX compiles every operation for it


# ---- J at several places at once


class Batch(NamedTuple):
    """Places of one size; each z, y and parameter of an example and class is an array with a number a place."""

    pair: str
    places: Sequence[Place]

    def arrays(self, matrices: Sequence[Matrix]) -> Matrix:
        rows, columns = range(len(matrices[0])), range(len(matrices[0][0]))
        return tuple(tuple(array(found[n][k] for found in matrices) for k in columns) for n in rows)

    @property
    def z(self) -> Matrix:
        return self.arrays([place.z for place in self.places])

    @property
    def y(self) -> Matrix:
        return self.arrays([place.y for place in self.places])

    @property
    def parameters(self) -> dict[str, Any]:
        return {name: self.parameter(name) for name in self.places[0].parameters}

    def parameter(self, name: str) -> Any:
        values = [place.parameters[name] for place in self.places]
        return tuple(map(array, zip(*values, strict=True))) if isinstance(values[0], tuple) else array(values)

    def cost(self, z: Matrix) -> Any:
        """J summed over the places: its derivative by a number of one place is that of J there."""
        return cost(self.pair, z, self.y, jnp, self.parameters).sum()

    def own(self, matrix: Matrix) -> list[float]:
        """The number of each place at its coordinate."""
        lists = [[numbers.tolist() for numbers in row] for row in matrix]
        return [lists[n][k][number] for number, (n, k) in enumerate(place.at for place in self.places)]

    def derivatives(self) -> tuple[list[float], list[float]]:
        """dJ/dz and d2J/dz2 at each place by its coordinate."""
        one = [
            tuple(tuple((n, k) == p.at for k, _ in enumerate(row)) for n, row in enumerate(p.z)) for p in self.places
        ]
        slopes, moved = jax.jvp(jax.grad(self.cost), (self.z,), (self.arrays(one),))
        return self.own(slopes), self.own(moved)

    def noise(self) -> list[float]:
        """What may have been rounded at each place: the sum of |dJ/dh|, parts of which an output that others share
        cancels; else nothing."""
        slug, _, activation = self.pair.partition("-")
        if activation not in COUPLED:
            return [0.0] * len(self.places)
        y, parameters = self.y, self.parameters

        def by_output(h: Matrix) -> Any:
            return sum(loss(slug, *row, jnp, parameters) for row in zip(h, y, strict=True)).sum() / len(y)

        parts = jax.grad(by_output)(outputs(activation, self.z, jnp, parameters))
        return sum(abs(part) for row in parts for part in row).tolist()


def array(values: Any) -> Any:
    return jnp.array([float(v) for v in values])


def batches(pair: str, shape: str) -> list[Batch]:
    """One of each number of classes that the pair can have."""
    found = [Batch(pair, [place_of(pair, seed, 1, size) for seed in range(PLACES[shape])]) for size in CLASSES[shape]]
    return [batch for batch in found if all(is_inside(pair, place) for place in batch.places)]


def agree(found: Any, expected: Any, noise: Any) -> bool:
    """To 9 digits, or to 11 of the parts that have cancelled; mpmath has rounded a 0 as well."""
    return bool(abs(found - expected) <= 1e-9 * abs(expected) + 1e-11 * noise + 1e-19)


# ---- the shipped pairs


def shape(checked: Checked) -> str:
    return ("", "j")[len(checked.certificate.statement.preactivation.args) - 1]


def holds(point: Written, relations: Sequence[Term]) -> bool:
    """Whether each relation holds: for every value of the indices besides those of z."""
    return all(at.value(relation) for relation in relations for at in _indexed(point, relation))


def _indexed(point: Written, relation: Term) -> Iterator[Written]:
    free = [i for i in relation.indices if i.args[0] not in point.indices]
    for values in product(*(range(1, point.sizes[i.args[1]] + 1) for i in free)):
        named = {i.args[0]: value for i, value in zip(free, values, strict=True)}
        yield point._replace(indices={**point.indices, **named})


class Sample(NamedTuple):
    """A place of a pair off its kinks, with dJ/dz and d2J/dz2 there."""

    point: Written
    slope: Any
    curvature: Any
    noise: float


def samples(checked: Checked) -> Iterator[Sample]:
    """Every place, unless it is excluded in words: something there must not be 0."""
    pair = str(checked.certificate.pair)
    for batch in batches(pair, shape(checked)):
        for place, *numbers in zip(batch.places, *batch.derivatives(), batch.noise(), strict=True):
            point = written(pair, place, shape(checked))
            if holds(point, checked.verdict.exclusions):
                yield Sample(point, *numbers)


def assert_derivatives(verdict: Verdict, found: Sequence[Sample]) -> None:
    """delta, the delta of each region inside it, and the second derivative where there is one."""
    assert found
    for point, slope, curvature, noise in found:
        assert agree(point.value(verdict.delta), slope, noise)
        assert all(agree(point.value(r.delta), slope, noise) for r in verdict.regions if holds(point, r.where))
        if verdict.hessian is not None:
            assert agree(point.value(verdict.hessian), curvature, noise + abs(slope))


@pytest.mark.parametrize("pair", list(shipped()))
def test_automatic_differentiation_finds_the_same(pair: str) -> None:
    checked = load(pair)
    with mpmath.workdps(DIGITS):
        assert_derivatives(checked.verdict, list(samples(checked)))


@pytest.mark.parametrize("pair", ["mse-tanh", "mse-relu", "quantile-identity", "wcce-softmax", "tweedie-power"])
def test_differences_find_the_same_of_an_average(pair: str) -> None:
    """Of a fresh proof, for two examples of two classes."""
    checked = prover.prove(pair, average=True).checked
    with mpmath.workdps(DIGITS):
        both = [(place, written(pair, place, "ij")) for place in (place_of(pair, seed, 2, 2) for seed in range(6))]
        assert_derivatives(
            checked.verdict,
            [
                Sample(point, difference_slope(pair, place), difference_curvature(pair, place), 0)
                for place, point in both
                if holds(point, checked.verdict.exclusions)
            ],
        )


@pytest.mark.parametrize("wrong", [num(10**7 + 1, 10**7), num(2), num(-1)], ids=["1e-7", "double", "sign"])
def test_another_delta_is_found_out(wrong: Term) -> None:
    checked = load("mse-softmax")
    delta = mul(wrong, checked.verdict.delta)
    with mpmath.workdps(DIGITS):
        assert not any(agree(s.point.value(delta), s.slope, s.noise) for s in samples(checked))


# ---- the second catalogue itself: three libraries read the same formulas


def partner(slug: str) -> str:
    return {UNIT: "sigmoid", POSITIVE: "exp", REAL: "tanh"}.get(OUTPUTS.get(slug, REAL), "softplus")


@pytest.mark.parametrize("pair", [*(f"{slug}-{partner(slug)}" for slug in LOSSES), *(f"mse-{a}" for a in ACTIVATIONS)])
def test_automatic_differentiation_agrees_with_differences(pair: str) -> None:
    """Also a check of JAX: its slopes of the float64 formulas against differences in 60 digits."""
    slug, _, activation = pair.partition("-")
    for batch in batches(pair, "j" if slug in JOINT or activation in COUPLED else ""):
        for place, slope, _, noise in zip(batch.places, *batch.derivatives(), batch.noise(), strict=True):
            assert agree(difference_slope(pair, place), slope, noise)
