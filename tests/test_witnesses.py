"""Witnesses: the points that are found are those that a verdict asks for, and where there is none, none is made up."""

from __future__ import annotations

from itertools import islice

import pytest
from by_hand import (
    GATED,
    HALF,
    MSE_RELU,
    MSE_RELU_STEPS,
    RESIDUAL,
    SOFT,
    SOFT_STEPS,
    SQUARE,
    TWO,
    h,
    j,
    k,
    refused,
    w,
    y,
    z,
)
from samples import CORE, SPREAD, stored

from derive import balls
from derive.certificate import measure
from derive.derivation import COST, Statement, Step, replay
from derive.term import MINUS_ONE, ONE, ZERO, Term, add, call, item, mul, num, power, rel, sub, sum_over
from derive.verdict import Needs, _holds_everywhere, is_apart_at_border, needs, verdict
from derive.witnesses import candidates, points

STEPS = (
    Step("differentiate-loss", (), RESIDUAL),
    Step("differentiate-activation", (), ONE),
    Step("chain", (0, 1), mul(RESIDUAL, ONE)),
    Step("rewrite", (2,), RESIDUAL),
)
HALF_SQUARE = Statement(SQUARE, h, y, z, z)


def asked(statement: Statement, steps: tuple[Step, ...]) -> Needs:
    return needs(statement, steps, replay(statement, steps))


def at(statement: Statement, name: str, needed: Needs) -> balls.Point:
    return points(statement, needed)[name].point


@pytest.mark.parametrize("pair", [*CORE, *SPREAD])
def test_the_points_found_are_those_that_are_shipped(pair: str) -> None:
    found = stored(pair).certificate
    assert points(found.statement, asked(found.statement, found.steps)) == found.points


@pytest.mark.parametrize(
    ("statement", "steps", "names", "kind"),
    [
        (HALF_SQUARE, STEPS, {"inside"}, "cancels"),
        (MSE_RELU, MSE_RELU_STEPS, {"witness"}, "residual"),
        (SOFT, SOFT_STEPS, {"witness", "border"}, "other"),
    ],
    ids=["half square", "relu", "soft"],
)
def test_a_verdict_accepts_them(statement: Statement, steps: tuple[Step, ...], names: set[str], kind: str) -> None:
    theorems = replay(statement, steps)
    found = points(statement, needs(statement, steps, theorems))
    assert {name.split()[0] for name in found} == names
    assert all(measure(statement, name, w.point) == w for name, w in found.items())
    assert verdict(statement, steps, theorems, {name: w.point for name, w in found.items()}).kind == kind


def test_no_point_is_made_up() -> None:
    """For an empty domain, a claim that is true, or a condition that nothing meets."""
    cancels = Needs("cancels", (), (), ())
    for field in ("activation_domain", "targets", "loss_domain"):
        of = {"activation_domain": z, "targets": y, "loss_domain": h}[field]
        empty = HALF_SQUARE._replace(**{field: (rel(">", of, ZERO), rel("<", of, ZERO))})
        refused(lambda empty=empty: points(empty, cancels), "no witness")  # type: ignore[misc]
    refused(lambda: points(HALF_SQUARE, cancels._replace(kind="residual")), "no witness")
    refused(lambda: points(HALF_SQUARE, cancels._replace(conditions=(rel("=", power(y, 2), MINUS_ONE),))), "no witness")
    refused(lambda: points(HALF_SQUARE._replace(cases=(rel("=", y, num(17)),)), cancels), "no witness")


def test_a_border_that_is_not_found_is_left_out() -> None:
    """The verdict then says less; a witness is not optional."""
    statement = HALF_SQUARE._replace(cost=mul(HALF, power(RESIDUAL, 2), TWO))
    found = points(statement, Needs("other", (), (), ((RESIDUAL, ()),)))
    assert set(found) == {"witness"}


def test_the_points_meet_what_is_declared() -> None:
    """Domains, parameters, labels, conditions and exclusions."""
    statement = Statement(
        mul(w, power(RESIDUAL, 2)),
        h,
        y,
        z,
        z,
        loss_domain=(rel("<", h, ZERO),),
        activation_domain=(rel("!=", z, MINUS_ONE),),
        targets=(rel("<=", y, ZERO),),
        parameters=(rel("<", w, ONE), rel(">", w, ZERO)),
    )
    every = (*statement.activation_domain, *statement.loss_domain, *statement.given)
    found = at(statement, "witness", Needs("multiple", (), (), ()))
    assert all(balls.certainly_holds(r, found, statement.definitions) for r in every)
    labelled = statement._replace(targets=(), cases=(rel("=", y, num(3)),))
    assert at(labelled, "witness", Needs("multiple", (), (), ())).values["y", ()] == 3


def test_what_a_yes_assumes_holds_inside_and_fails_at_its_witness() -> None:
    condition = rel("=", power(y, 2), y)
    statement = HALF_SQUARE._replace(cost=mul(h, sub(mul(HALF, h), power(y, 2))))
    needed = Needs("cancels", (condition,), (rel("!=", z, ZERO),), ())
    inside, witness = (at(statement, name, needed) for name in ("inside", "witness"))
    assert balls.certainly_holds(condition, inside, {}) and not balls.certainly_holds(condition, witness, {})
    assert balls.certainly_holds(rel("!=", z, ZERO), inside, {})
    slope = balls.Slope(COST, z)
    assert balls.certainly_different(slope, RESIDUAL, witness, statement.definitions)
    assert not balls.certainly_different(slope, RESIDUAL, inside, statement.definitions)


def test_what_a_no_assumes_holds_at_its_witness() -> None:
    condition = rel("=", y, TWO)
    statement = HALF_SQUARE._replace(cost=mul(y, SQUARE))
    assert at(statement, "witness", Needs("multiple", (condition,), (), ())).values["y", ()] == 2


def test_a_border_sets_the_target_to_the_output() -> None:
    value = h
    statement = HALF_SQUARE._replace(cost=mul(HALF, power(h, 2)))
    border = at(statement, "border", Needs("other", (), (), ((value, ()),)))
    assert border.values["y", ()] == h
    assert is_apart_at_border(statement, value, (), border)
    above = (rel(">", h, ONE),)
    found = points(statement, Needs("residual", (), (), ((value, above),)))
    (name,) = set(found) - {"witness"}
    assert name.startswith("border") and balls.certainly_holds(above[0], found[name].point, statement.definitions)


def test_one_border_serves_as_many_values_as_it_can() -> None:
    statement = HALF_SQUARE._replace(cost=mul(HALF, power(h, 2)))
    found = points(statement, Needs("other", (), (), ((h, ()), (mul(TWO, h), ()), (h, (rel(">", h, ZERO),)))))
    assert set(found) == {"witness", "border"}


def vector(*domain: Term) -> Statement:
    hk, yk = item("h", k), item("y", k)
    cost = sum_over(k, mul(HALF, power(sub(hk, yk), 2)))
    return Statement(cost, hk, yk, item("z", k), item("z", j), activation_domain=domain)


def test_candidates() -> None:
    """Simple points first, each of them in the domain of the activation, and not without end."""
    first = next(iter(candidates(HALF_SQUARE)))
    assert {key: str(value) for key, value in first.values.items()} == {("z", ()): "0", ("y", ()): "1"}
    every = list(candidates(HALF_SQUARE))
    assert 10 < len(every) == len({str(p) for p in every}) < 1000
    below = HALF_SQUARE._replace(activation_domain=(rel("<", z, ZERO),))
    assert all(p.values["z", ()] < 0 for p in candidates(below))


def test_candidates_of_a_vector() -> None:
    for point in islice(candidates(vector()), 200):
        assert point.sizes["K"] in (2, 4) and point.indices == {"j": 1}
        assert {key for key in point.values if key[0] == "z"} == {("z", (n,)) for n in range(1, point.sizes["K"] + 1)}
    positive = rel(">", item("z", j), ZERO)
    restricted = list(islice(candidates(vector(positive)), 50))
    assert restricted and all(_holds_everywhere(positive, p, {}) for p in restricted)


def test_parameters_are_given_values_in_their_domains() -> None:
    domain = (rel(">", w, ONE), rel("<", w, TWO))
    statement = HALF_SQUARE._replace(cost=mul(w, SQUARE), parameters=domain)
    found = list(islice(candidates(statement), 50))
    assert found and all(1 < p.values["w", ()] < 2 for p in found)
    assert not list(candidates(statement._replace(parameters=(*domain, rel(">", w, num(100))))))
    free = HALF_SQUARE._replace(cost=add(SQUARE, call("exp", w)))
    assert all(("w", ()) in p.values for p in islice(candidates(free), 50))


def test_the_gate_of_relu_is_seen_from_both_sides() -> None:
    """A witness against h - y lies where the factor is 0, and none where it is 1."""
    witness = at(MSE_RELU, "witness", asked(MSE_RELU, MSE_RELU_STEPS))
    assert witness.values["z", ()] < 0
    assert not balls.certainly_different(GATED, ZERO, witness, MSE_RELU.definitions)
