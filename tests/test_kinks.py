"""The one-sided values at every kink of the catalogue, against differences of J on either side of it.

J is the second catalogue's (``written_out``), in mpmath; a place is moved onto the kink by z, or by what it takes.
"""

from __future__ import annotations

from typing import Any

import mpmath
import pytest
from written_out import cost, in_mpmath, numbers, place_of, written

from derive.certificate import load, shipped
from derive.term import Term, sub
from derive.verdict import Kink

DIGITS, SEEDS, ENOUGH = 40, 12, 4
STEP = mpmath.mpf(10) ** -18
KINKS = {pair: kinks for pair in shipped() if (kinks := load(pair).verdict.kinks)}
SCALAR = [pair for pair in KINKS if load(pair).certificate.statement.preactivation.kind == "var"]


def onto(pair: str, place: Any, border: Term) -> Any | None:
    """The place with z at the kink, else with y where the border is; None where neither is possible."""

    def gap(name: str, value: Any) -> Any:
        matrix = ((value,),)
        moved = place._replace(**{name: matrix})
        return written(pair, moved, "").value(sub(*border.args[1:])), moved

    name = "z" if "z" in border.names else "y"
    zero, one = gap(name, mpmath.mpf(0))[0], gap(name, mpmath.mpf(1))[0]
    return None if one == zero else gap(name, zero / (zero - one))[1]


def slope(pair: str, place: Any, step: Any) -> Any:
    """The difference quotient of J from the place to ``step`` beside it."""
    y, parameters, (z,) = numbers(place.y), in_mpmath(place.parameters), numbers(place.z)[0]
    here, beside = (cost(pair, ((x,),), y, mpmath, parameters) for x in (z, z + step))
    return (beside - here) / step


def compared(pair: str, place: Any, kink: Kink) -> int:
    """How many sides of the kink were compared; a side on which z does not lie is none."""
    count = 0
    for value, side in ((kink.left, kink.left_where), (kink.right, kink.right_where)):
        for step in (STEP, -STEP):
            (z,) = numbers(place.z)[0]
            beside = written(pair, place._replace(z=((z + step,),)), "")
            if value is not None and beside.value(side):
                found = written(pair, place, "").value(value)
                assert abs(found - slope(pair, place, step)) <= 1e-12 * (1 + abs(found)), (pair, kink.at, side)
                count += 1
    return count


@pytest.mark.parametrize("pair", SCALAR)
def test_one_sided_values_are_one_sided_derivatives(pair: str) -> None:
    with mpmath.workdps(DIGITS):
        for kink in KINKS[pair]:
            seen = 0
            for seed in range(SEEDS):
                place = onto(pair, place_of(pair, seed, 1, 1), kink.at)
                others = [r for r in load(pair).verdict.exclusions if r.args[1:] != kink.at.args[1:]]
                if place is not None and all(map(written(pair, place, "").value, others)):
                    seen += compared(pair, place, kink)
                if seen >= ENOUGH:
                    break
            assert seen or kink.left is None


# ---- outputs that every coordinate moves


COUPLED = [pair for pair in KINKS if pair not in SCALAR and any(kink.left for kink in KINKS[pair])]
CLASSES = 3


def onto_class(pair: str, place: Any, border: Term) -> Any | None:
    """The place with y of the last class where the border is, at j = 1 or j = 3; None where that is not possible."""

    def gap(value: Any) -> Any:
        moved = place._replace(y=((*place.y[0][:-1], value),))
        return _at_last(pair, moved).value(sub(*border.args[1:])), moved

    zero, one = gap(mpmath.mpf(0))[0], gap(mpmath.mpf(1))[0]
    return None if one == zero else gap(zero / (zero - one))[1]


def _at_last(pair: str, place: Any) -> Any:
    found = written(pair, place, "j")
    return found._replace(indices={**found.indices, "k": CLASSES})


@pytest.mark.parametrize("pair", COUPLED)
@pytest.mark.parametrize("j", [0, CLASSES - 1])
def test_one_sided_values_of_coupled_outputs(pair: str, j: int) -> None:
    """At a point where one class is at the border, along z_j to either side; the value is taken beside the border."""
    with mpmath.workdps(DIGITS):
        for kink in KINKS[pair]:
            if kink.left is None:
                continue
            seen = 0
            for seed in range(ENOUGH):
                place = onto_class(pair, place_of(pair, seed, 1, CLASSES)._replace(at=(0, j)), kink.at)
                if place is None:
                    continue
                y, parameters, z = numbers(place.y), in_mpmath(place.parameters), numbers(place.z)[0]
                for step in (STEP, -STEP):
                    beside = (*z[:j], z[j] + step, *z[j + 1 :])
                    here, there = (cost(pair, (x,), y, mpmath, parameters) for x in (z, beside))
                    point = _at_last(pair, place._replace(z=(beside,)))
                    for value, side in ((kink.left, kink.left_where), (kink.right, kink.right_where)):
                        if point.value(side):
                            found = point.value(value)
                            assert abs(found - (there - here) / step) <= 1e-12 * (1 + abs(found)), (pair, kink.at)
                            seen += 1
            assert seen


def test_only_a_kink_on_a_flat_piece_comes_without_values() -> None:
    """With y in {-1, 1} these have h y = 1 for all z beyond a bound: dJ/dz is 0 there, and no value is one-sided."""
    assert [pair for pair in SCALAR if any(k.left is None for k in KINKS[pair])] == [
        "hinge-hardsigmoid",
        "hinge-hardtanh",
    ]
