"""Verdict: what a checked derivation says, and every way in which it must not say more."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from by_hand import (
    DOWN,
    GATED,
    H_NEGATIVE,
    H_POSITIVE,
    HALF,
    IN_REGIONS,
    MSE_RELU,
    MSE_RELU_STEPS,
    RESIDUAL,
    SECOND_IN_REGIONS,
    SOFT,
    SOFT_STEPS,
    SOFT_VALUE,
    SQUARE,
    TWO,
    UP,
    absolute,
    at,
    exp,
    h,
    j,
    k,
    l,
    log,
    refused,
    w,
    y,
    z,
)
from flint import fmpq

from derive.balls import Point, enclosure
from derive.derivation import COST, Statement, Step, replay
from derive.errors import KernelError
from derive.kernel import Equation, Theory
from derive.term import (
    MINUS_ONE,
    ONE,
    ZERO,
    Term,
    add,
    call,
    div,
    index,
    item,
    kron,
    mul,
    neg,
    num,
    power,
    rel,
    replace,
    size,
    sub,
    subterms,
    sum_over,
    where,
)
from derive.verdict import (
    Kink,
    Region,
    Verdict,
    _beside,
    _closed_on,
    _holds_everywhere,
    _impossible,
    _is_continuous,
    _kinks,
    _Lines,
    _lines,
    _near,
    _ratio,
    _sides,
    is_finite,
    is_met,
    needs,
    spread,
    verdict,
)

Found = tuple[Statement, tuple[Step, ...]]

# ---- verdict: what it says -----------------------------------------------------------------------------


def scalar(cost: Term, slope: Term, last: Term, **fields: Any) -> tuple[Statement, tuple[Step, ...]]:
    """A cost with the identity: the statement, and the steps to dJ/dz = last."""
    rule = fields.pop("rule", "rewrite")
    statement = Statement(cost, h, y, z, z, **fields)
    steps = (
        Step("differentiate-loss", (), slope),
        Step("differentiate-activation", (), ONE),
        Step("chain", (0, 1), mul(slope, ONE)),
    )
    return statement, (*steps, Step(rule, (2,), last))


def judge(found: tuple[Statement, tuple[Step, ...]], **points: Point | None) -> Verdict:
    given = {name: point for name, point in points.items() if point is not None}
    return verdict(*found, replay(*found), given)


APART = at(z=2, y=1)


def test_verdict_cancels() -> None:
    assert judge(scalar(SQUARE, RESIDUAL, RESIDUAL), inside=APART) == Verdict("yes", "cancels", RESIDUAL, None, ())


def test_verdict_multiple() -> None:
    twice = mul(TWO, RESIDUAL)
    found = scalar(power(RESIDUAL, 2), twice, twice)
    assert judge(found, witness=APART) == Verdict("no", "multiple", twice, TWO, ())


def test_verdict_residual() -> None:
    cost, value = mul(h, h, sub(mul(num(1, 3), h), mul(HALF, y))), mul(h, RESIDUAL)
    assert judge(scalar(cost, value, value), witness=APART) == Verdict("no", "residual", value, h, ())


OTHER = scalar(mul(HALF, power(h, 2)), h, h)
BORDER = at(z=2, y=h)


def test_verdict_other() -> None:
    assert judge(OTHER, witness=APART, border=BORDER) == Verdict("no", "other", h, None, ())
    assert judge(OTHER, witness=at(z=2, y=1), border=at(z=2, y=h)).answer == "no"


@pytest.mark.parametrize(
    ("witness", "border"),
    [(None, None), (None, BORDER), (APART, APART), (at(z=2, y=0), BORDER), (APART, at(z=2, y=2))],
    ids=["none", "no witness", "y is not h", "no gap", "y is h by chance"],
)
def test_verdict_other_needs_a_witness(witness: Point | None, border: Point | None) -> None:
    refused(lambda: judge(OTHER, witness=witness, border=border))


def test_without_a_border_the_shape_is_open() -> None:
    """Also with one where dJ/dz is 0: the no stands, and nothing is said of a finite g."""
    for border in (None, at(z=0, y=h)):
        assert judge(OTHER, witness=APART, border=border)[:2] == ("no", None)


@pytest.mark.parametrize(
    "witness",
    [
        None,
        at(z=1, y=1),
        at(z=2),
        at(y=2),
        at(z=2, y=1, h=2),
        at(z=2, y=1, J=0),
        at(z=-1, y=1),
        Point({("z", ()): 2.0, ("y", ()): fmpq(1)}, {}, {}),  # type: ignore[dict-item]
        "z = 2",
    ],
    ids=["missing", "no gap", "no y", "no z", "h given", "J given", "outside", "float", "text"],
)
def test_verdict_no_needs_a_witness(witness: Any) -> None:
    twice = mul(TWO, RESIDUAL)
    found = scalar(power(RESIDUAL, 2), twice, twice, activation_domain=(rel(">", z, ZERO),))
    assert judge(found, witness=APART).answer == "no"
    refused(lambda: judge(found, witness=witness))


def test_a_point_that_nothing_needs_is_refused() -> None:
    twice = mul(TWO, RESIDUAL)
    refused(lambda: judge(scalar(power(RESIDUAL, 2), twice, twice), witness=APART, inside=APART))
    refused(lambda: judge(scalar(SQUARE, RESIDUAL, RESIDUAL), inside=APART, witness=APART))


def test_a_yes_on_an_empty_domain_is_refused() -> None:
    empty = (rel(">", z, ZERO), rel("<", z, ZERO))
    found = scalar(SQUARE, RESIDUAL, RESIDUAL, activation_domain=empty)
    for value in (-1, 0, 1):
        refused(lambda value=value: judge(found, inside=at(z=value, y=1)))  # type: ignore[misc]


def test_a_witness_lies_in_the_domain_of_the_loss() -> None:
    """The loss is declared for h > 0, where delta = h - y; that it is 6 (h - y) elsewhere does not count."""
    half, triple = mul(HALF, power(RESIDUAL, 2)), mul(num(3), power(RESIDUAL, 2))
    factor = where(rel(">", h, ZERO), ONE, num(6))
    found = scalar(
        where(rel(">", h, ZERO), half, triple),
        mul(factor, RESIDUAL),
        mul(factor, RESIDUAL),
        rule="unfold",
        loss_domain=(rel(">", exp(h), ONE),),
        activation_domain=(rel("!=", z, ZERO),),
    )
    refused(lambda: judge(found, witness=at(z=-1, y=0)))


def test_a_factor_that_moves_is_no_constant() -> None:
    """J = exp((h - y)^2 / 2) has dJ/dh = J (h - y); J is not free of h."""
    cost = exp(mul(HALF, power(RESIDUAL, 2)))
    assert judge(scalar(cost, mul(cost, RESIDUAL), mul(COST, RESIDUAL)), witness=APART).kind == "residual"


def test_a_factor_that_does_not_move_is_no_residual() -> None:
    factor = mul(TWO, sub(add(h, ONE), h))
    found = scalar(power(RESIDUAL, 2), mul(factor, RESIDUAL), mul(*factor.args, RESIDUAL))
    with suppress(KernelError):
        assert judge(found, witness=APART).kind == "multiple"


BIT = rel("=", power(y, 2), y)
OF_BIT = sub(h, power(y, 2))


def under(condition: Term, *, slope: Term = OF_BIT, last: Term = RESIDUAL, **fields: Any) -> Found:
    """J with dJ/dz = slope = h - (what is free of h), or ``cost``; it is rewritten under a condition."""
    cost = fields.pop("cost", mul(h, add(mul(HALF, h), sub(slope, h))))
    statement, steps = scalar(cost, slope, slope, **fields)
    return statement, (*steps, Step("condition", (3,), last, (condition,)))


@pytest.mark.parametrize("targets", [(BIT,), ()], ids=["declared", "undeclared"])
def test_delta_is_stated_without_conditions(targets: tuple[Term, ...]) -> None:
    found, met, broken = under(BIT, targets=targets), at(z=3, y=1), at(z=3, y=2)
    assert judge(found, inside=met, witness=broken) == Verdict("yes", "cancels", OF_BIT, None, (BIT,))
    refused(
        lambda: judge(found, inside=met, witness=at(z=2, y=0)), "separate"
    )  # there the condition holds: is it needed?
    refused(lambda: judge(found, inside=broken, witness=broken))
    refused(lambda: judge(found, inside=met), "missing")


@pytest.mark.parametrize("condition", [rel("=", power(y, 2), MINUS_ONE), rel("=", exp(y), MINUS_ONE)], ids=str)
def test_a_yes_under_a_condition_that_nothing_meets_is_refused(condition: Term) -> None:
    found = under(condition, slope=add(RESIDUAL, sub(*condition.args[1:])))
    assert replay(*found)[-1].hypotheses == (condition,)
    for value in (-1, 0, 1):
        refused(lambda value=value: judge(found, inside=at(z=2, y=value), witness=at(z=2, y=0)))  # type: ignore[misc]


def test_conditions_hold_together() -> None:
    """h - y + (y - 1) + (y - 2), under y = 1 and then y = 2."""
    one, two = rel("=", y, ONE), rel("=", y, TWO)
    a, b = sub(y, ONE), sub(y, TWO)
    statement, steps = scalar(mul(h, add(mul(HALF, h), neg(y), a, b)), add(RESIDUAL, a, b), add(RESIDUAL, a, b))
    found = (
        statement,
        (*steps, Step("condition", (3,), add(RESIDUAL, b), (one,)), Step("condition", (4,), RESIDUAL, (two,))),
    )
    assert replay(*found)[-1].hypotheses == (one, two)
    for inside in (0, 1, 2):
        refused(lambda inside=inside: judge(found, inside=at(z=2, y=inside), witness=at(z=2, y=4)))  # type: ignore[misc]


def test_a_no_under_a_condition_is_shown_where_it_holds() -> None:
    """h - y^2 is h - y under y^2 = y, though it is not written so: a point with y = 2 says nothing about that."""
    found = under(BIT, last=add(RESIDUAL, mul(ZERO, h)))
    for witness in (at(z=2, y=2), at(z=2, y=1), at(z=3, y=0)):
        refused(lambda witness=witness: judge(found, witness=witness))  # type: ignore[misc]
    slope = mul(y, RESIDUAL)
    twice = under(rel("=", y, TWO), cost=mul(y, SQUARE), slope=slope, last=mul(TWO, RESIDUAL))
    assert judge(twice, witness=at(z=3, y=2))[:2] == ("no", "multiple")
    refused(lambda: judge(twice, witness=at(z=1, y=3)))


def test_hypotheses_must_be_declared() -> None:
    found = scalar(log(h), power(h, -1), power(h, -1))
    refused(lambda: judge(found, witness=APART, border=BORDER), "does not declare")
    declared = found[0]._replace(activation_domain=(rel(">", z, ZERO),))
    assert judge((declared, found[1]), witness=APART, border=BORDER).kind == "other"


hk, hj, yk, yj, zk, zj = (item(name, own) for name in "hyz" for own in (k, j))
TOTAL = rel("=", sum_over(k, yk), ONE)
SOFTMAX = div(exp(zk), sum_over(l, exp(item("z", l))))
CCE = Statement(sum_over(k, neg(mul(yk, log(hk)))), hk, yk, SOFTMAX, zj, (rel(">", hk, ZERO),), (), (TOTAL,))
JACOBIAN = mul(hk, sub(kron(k, j), hj))
CCE_STEPS = (
    Step("differentiate-loss", (), neg(div(yk, hk))),
    Step("differentiate-activation", (), JACOBIAN),
    Step("chain", (0, 1), sum_over(k, mul(neg(div(yk, hk)), JACOBIAN))),
    Step("rewrite", (2,), sub(mul(hj, sum_over(k, yk)), yj)),
    Step("condition", (3,), sub(hj, yj), (TOTAL,)),
)
MET = at(k=2, j=1, z_1=0, z_2=0, y_1=1, y_2=0)
BROKEN = at(k=2, j=1, z_1=0, z_2=0, y_1=1, y_2=1)  # sum y = 2


def test_verdict_under_a_condition() -> None:
    found = judge((CCE, CCE_STEPS), inside=MET, witness=BROKEN)
    assert found == Verdict("yes", "cancels", sub(mul(hj, sum_over(k, yk)), yj), None, (TOTAL,))


@pytest.mark.parametrize(
    ("inside", "witness"),
    [
        (MET, None),
        (None, BROKEN),
        (MET, MET),
        (BROKEN, BROKEN),
        (MET, at(k=1, j=2, z_1=0, y_1=2)),
        (MET, at(k=2, z_1=0, z_2=0, y_1=1, y_2=1)),
        (MET, at(j=1, z_1=0, z_2=0, y_1=1, y_2=1)),
        (MET, at(k=3, j=1, z_1=0, z_2=0, y_1=1, y_2=1)),
        (MET, at(k=10**9, j=1, z_1=0, z_2=0, y_1=1, y_2=1)),
    ],
    ids=["no witness", "no inside", "it holds", "it is broken", "j outside", "no j", "no K", "no z_3", "huge K"],
)
def test_a_condition_needs_points_that_meet_and_break_it(inside: Point | None, witness: Point | None) -> None:
    refused(lambda: judge((CCE, CCE_STEPS), inside=inside, witness=witness))


def test_the_total_of_the_targets_is_never_assumed_unsaid() -> None:
    for rule in ("rewrite", "unfold"):
        steps = (*CCE_STEPS[:4], Step(rule, (3,), sub(hj, yj)))
        refused(lambda steps=steps: replay(CCE, steps), "step 5")  # type: ignore[misc]
    refused(lambda: replay(CCE._replace(activation_domain=(TOTAL,)), CCE_STEPS))


def test_a_condition_that_does_not_help_is_refused() -> None:
    """h - y is not written as such at the end, so that it would be a no; no witness says so."""
    value = add(sub(hj, yj), mul(ZERO, hj))
    found = CCE, (*CCE_STEPS[:4], Step("condition", (3,), value, (TOTAL,)))
    for points in ({"inside": MET, "witness": BROKEN}, {"witness": BROKEN}, {"witness": MET}):
        refused(lambda points=points: judge(found, **points))  # type: ignore[misc]


def test_theorems_of_another_statement_have_no_say() -> None:
    other = Statement(sum_over(k, hk), hk, yk, mul(num(17), zk), zj)
    foreign = replay(
        other,
        (
            Step("differentiate-loss", (), ONE),
            Step("differentiate-activation", (), mul(num(17), kron(k, j))),
            Step("chain", (0, 1), sum_over(k, mul(ONE, mul(num(17), kron(k, j))))),
            Step("unfold", (2,), num(17)),
        ),
    )
    own = replay(CCE, CCE_STEPS)
    points = {"inside": MET, "witness": BROKEN}
    refused(lambda: verdict(CCE, CCE_STEPS, (*foreign, foreign[-1]), points))
    *others, last = own
    for mixed in ((*others[:-1], foreign[-1], last), (foreign[-1], *own[1:]), (*own[:4], foreign[-1])):
        try:
            found = verdict(CCE, CCE_STEPS, mixed, points)
        except KernelError:
            continue
        assert found.delta in [t.conclusion[-2] for t in own]
    for short in ((own[-1],), own[1:], (*own, own[-1]), ()):
        refused(lambda short=short: verdict(CCE, CCE_STEPS, short, points))  # type: ignore[misc]


def test_a_universal_relation_is_checked_for_every_index() -> None:
    """One letter over two sizes: u[k:K] + v[k:m] > 0 fails at u_1 + v_2."""
    relation = rel(">", add(item("u", index("k", "K")), item("v", index("k", "m"))), ZERO)
    values: Any = {("u", (1,)): fmpq(-1), ("u", (2,)): fmpq(5), ("v", (1,)): fmpq(2), ("v", (2,)): fmpq(-1)}
    assert not _holds_everywhere(relation, Point(values, {"K": 2, "m": 2}, {}), {})
    assert not _holds_everywhere(rel(">", item("u", k), ZERO), Point(values, {"K": 2}, {}), {})
    assert _holds_everywhere(rel("<", item("u", k), num(6)), Point(values, {"K": 2}, {}), {})
    assert not _holds_everywhere(rel("<", item("u", k), num(6)), Point(values, {}, {}), {})


# ---- regions and kinks ---------------------------------------------------------------------------------

NOT_ZERO = rel("!=", z, ZERO)
ABOVE, BELOW = rel(">", h, y), rel("<", h, y)
APART_OF_RELU = at(z=-1, y=1)
Found = tuple[Statement, tuple[Step, ...]]
KINK = Kink(rel("=", z, ZERO), ZERO, RESIDUAL, DOWN, UP)


def pieces(
    cost: Term, left: Term, right: Term, *more: Step, up: Term = ABOVE, down: Term = BELOW, **fields: Any
) -> Found:
    """A loss with the identity, differentiated on both sides of a border: steps 3 and 4 are dJ/dz = left, right."""
    steps = (
        Step("differentiate-activation", (), ONE),
        Step("differentiate-loss", (), left, (up,)),
        Step("differentiate-loss", (), right, (down,)),
        Step("chain", (1, 0), mul(left, ONE), (up,)),
        Step("chain", (2, 0), mul(right, ONE), (down,)),
        Step("rewrite", (3,), left, (up,)),
        Step("rewrite", (4,), right, (down,)),
    )
    return Statement(cost, h, y, z, z, **fields), (*steps, *more)


def test_verdict_in_regions() -> None:
    assert judge((MSE_RELU, MSE_RELU_STEPS), witness=APART_OF_RELU) == Verdict(
        "no",
        "residual",
        GATED,
        where(UP, ONE, ZERO),
        (),
        (NOT_ZERO,),
        (Region((UP,), RESIDUAL, None, "cancels"), Region((DOWN,), ZERO, ZERO, "multiple")),
        (KINK,),
    )


def test_the_second_derivative() -> None:
    second = Step("cases", (8, 9), where(UP, ONE, ZERO), (UP,))
    found = judge((MSE_RELU, (*MSE_RELU_STEPS, *SECOND_IN_REGIONS, second)), witness=APART_OF_RELU)
    assert found.hessian == where(UP, ONE, ZERO)
    assert [r.delta for r in found.regions] == [RESIDUAL, ZERO]


def test_the_second_derivative_is_of_the_whole_function() -> None:
    """One that holds in a region, or of h, or of dJ/dz as it were under a condition, is none of J."""
    regional = judge((MSE_RELU, (*MSE_RELU_STEPS, *SECOND_IN_REGIONS)), witness=APART_OF_RELU)
    assert regional.hessian is None
    found = under(BIT)
    second = Step("second", (4, 1), ONE)
    refused(lambda: judge((found[0], (*found[1], second)), inside=at(z=3, y=1), witness=at(z=3, y=2)), "condition")
    honest = judge((found[0], (*found[1], second._replace(sources=(3, 1)))), inside=at(z=3, y=1), witness=at(z=3, y=2))
    assert honest.hessian == ONE


def test_the_second_derivative_says_where_it_is_not() -> None:
    """Of a joined first derivative, which has no exclusion; the second jumps where h = 0."""
    second = (
        Step("second", (5, 2), ONE, (H_POSITIVE,)),
        Step("second", (6, 2), ZERO, (H_NEGATIVE,)),
        Step("cases", (8, 9), where(H_POSITIVE, ONE, ZERO), (H_POSITIVE,)),
    )
    said = judge((SOFT, (*SOFT_STEPS, *second)), witness=at(z=2, y=1))
    assert said.hessian == where(H_POSITIVE, ONE, ZERO)
    assert (said.exclusions, said.hessian_exclusions) == ((), (rel("!=", h, ZERO),))


def test_the_second_derivative_of_another_function_has_no_say() -> None:
    twice = mul(TWO, RESIDUAL)
    own, other = scalar(SQUARE, RESIDUAL, RESIDUAL), scalar(power(RESIDUAL, 2), twice, twice)
    step = Step("second", (3, 1), TWO)
    foreign = replay(other[0], (*other[1], step))[-1]
    assert verdict(own[0], (*own[1], step), (*replay(*own), foreign), {"inside": APART}).hessian is None
    refused(lambda: judge((own[0], (*own[1], step)), inside=APART), "step 5")
    assert judge((own[0], (*own[1], step._replace(value=ONE))), inside=APART).hessian == ONE


@pytest.mark.parametrize(
    "step",
    [
        Step("rewrite", (5,), add(RESIDUAL, ZERO), (DOWN,)),
        Step("rewrite", (6,), ZERO, (UP,)),
        Step("unfold", (5,), sub(z, y), (rel(">", add(z, ONE), ZERO),)),
        Step("chain", (0, 1), mul(RESIDUAL, ONE), (DOWN,)),
        Step("chain", (0, 2), mul(RESIDUAL, ZERO), (rel("<", z, ONE),)),
    ],
    ids=str,
)
def test_a_region_labelled_wrongly_is_refused(step: Step) -> None:
    """What is proved for z > 0 is no value for z < 0, nor for all z > -1."""
    refused(lambda: judge((MSE_RELU, (*MSE_RELU_STEPS, step)), witness=APART_OF_RELU))


@pytest.mark.parametrize(
    "steps",
    [
        (Step("rewrite", (5,), add(RESIDUAL, ZERO)),),
        (Step("rewrite", (6,), mul(ZERO, ONE)),),
        (Step("chain", (0, 1), mul(RESIDUAL, ONE)),),
        (Step("unfold", (5,), sub(z, y)),),
        (Step("rewrite", (5,), add(RESIDUAL, ZERO)), Step("rewrite", (8,), RESIDUAL)),
        (Step("condition", (5,), sub(h, ONE), (rel("=", y, ONE),)),),
    ],
    ids=str,
)
def test_hypotheses_of_a_region_are_not_smuggled_into_the_main_line(steps: tuple[Step, ...]) -> None:
    for before in (MSE_RELU_STEPS, (*IN_REGIONS, MSE_RELU_STEPS[0])):
        both = {"witness": APART_OF_RELU, "inside": at(z=1, y=1)}
        for points in (both, {"witness": both["witness"]}, {"inside": both["inside"]}):
            refused(lambda b=before, p=points: judge((MSE_RELU, (*b, *steps)), **p))  # type: ignore[misc]


def test_regions_alone_are_no_verdict() -> None:
    refused(lambda: judge((MSE_RELU, IN_REGIONS), witness=APART_OF_RELU), "does not end")


def test_a_kink_is_not_hidden() -> None:
    """By whatever follows the step that leaves it out, and whether or not the value shows where it is."""
    for more in (
        (Step("rewrite", (7,), mul(where(UP, ONE, ZERO), sub(h, y))),),
        (Step("unfold", (7,), where(UP, sub(z, y), ZERO)), Step("unfold", (8,), GATED)),
        (Step("rewrite", (7,), add(GATED, sub(z, z))), Step("rewrite", (8,), GATED)),
    ):
        found = judge((MSE_RELU, (*MSE_RELU_STEPS, *more)), witness=APART_OF_RELU)
        assert found.exclusions == (NOT_ZERO,) and [kink.at for kink in found.kinks] == [rel("=", z, ZERO)]


def test_a_jump_of_the_loss_is_said() -> None:
    """dJ/dz = h - y but where h = 0; there J jumps, and no one-sided value is given."""
    cost = add(SQUARE, where(H_POSITIVE, ONE, ZERO))
    last = Step("cases", (5, 6), RESIDUAL, (H_POSITIVE,))
    found = pieces(cost, RESIDUAL, RESIDUAL, last, up=H_POSITIVE, down=H_NEGATIVE)
    said = judge(found, inside=APART)
    assert said[:2] == ("yes", "cancels")
    assert said.exclusions == (rel("!=", h, ZERO),)
    assert said.kinks == (Kink(rel("=", h, ZERO)),)
    refused(lambda: judge((found[0], (*found[1][:-1], last._replace(rule="join"))), inside=APART), "step 8")
    refused(lambda: judge(found, inside=at(z=0, y=1)))


@pytest.mark.parametrize(
    "jump",
    [
        where(rel(">", mul(TWO, h), ZERO), ONE, ZERO),
        where(rel("<=", h, ZERO), ONE, ZERO),
        where(rel(">=", h, ZERO), ONE, ZERO),
        div(h, absolute(h)),
    ],
    ids=str,
)
def test_a_jump_written_otherwise_has_no_one_sided_values(jump: Term) -> None:
    cost = add(mul(HALF, power(RESIDUAL, 2)), jump)
    last = Step("cases", (5, 6), RESIDUAL, (H_POSITIVE,))
    said = judge(pieces(cost, RESIDUAL, RESIDUAL, last, up=H_POSITIVE, down=H_NEGATIVE), inside=APART)
    assert said.exclusions == (rel("!=", h, ZERO),)
    assert all((kink.left, kink.right) == (None, None) for kink in said.kinks) and said.kinks


@pytest.mark.parametrize("op", [">", ">=", "<", "<="])
def test_one_sided_values(op: str) -> None:
    """A pinball: -1 below and 1/2 above, whichever side the border is written for."""
    border, is_up = rel(op, h, y), op[0] == ">"
    left, right = (HALF, MINUS_ONE) if is_up else (MINUS_ONE, HALF)
    up, down = (ABOVE, BELOW) if is_up else (BELOW, ABOVE)
    cost = where(border, mul(left, RESIDUAL), mul(right, RESIDUAL))
    last = Step("cases", (5, 6), where(border, left, right), (border,))
    said = judge(pieces(cost, left, right, last, up=up, down=down), witness=at(z=3, y=1), border=at(z=0, y=h))
    assert (said.kind, said.kinks) == ("other", (Kink(rel("=", h, y), MINUS_ONE, HALF, BELOW, ABOVE),))


def test_the_values_at_a_kink_of_abs() -> None:
    up, down = rel(">", RESIDUAL, ZERO), rel("<", RESIDUAL, ZERO)
    last = Step("cases", (5, 6), where(up, ONE, MINUS_ONE), (up,))
    said = judge(pieces(absolute(RESIDUAL), ONE, MINUS_ONE, last, up=up, down=down), witness=at(z=3, y=1))
    assert said.kinks == (Kink(rel("=", RESIDUAL, ZERO), MINUS_ONE, ONE, down, up),)


@pytest.mark.parametrize(
    "spelled", [where(rel("<", neg(z), ZERO), ONE, MINUS_ONE), where(rel("<=", z, ZERO), MINUS_ONE, ONE)]
)
def test_one_sided_values_do_not_depend_on_how_a_value_is_spelled(spelled: Term) -> None:
    """h = |z| by regions: -1 below and 1 above, or nothing is said."""
    statement = Statement(h, h, y, where(UP, z, neg(z)), z)
    steps = (
        Step("differentiate-loss", (), ONE),
        Step("differentiate-activation", (), ONE, (UP,)),
        Step("differentiate-activation", (), MINUS_ONE, (DOWN,)),
        Step("chain", (0, 1), mul(ONE, ONE), (UP,)),
        Step("chain", (0, 2), mul(ONE, MINUS_ONE), (DOWN,)),
        Step("unfold", (3,), where(rel("<", neg(z), ZERO), ONE, MINUS_ONE), (UP,)),
        Step("unfold", (4,), where(rel("<", neg(z), ZERO), ONE, MINUS_ONE), (DOWN,)),
        Step("cases", (5, 6), where(rel("<", neg(z), ZERO), ONE, MINUS_ONE), (UP,)),
    )
    if spelled != steps[-1].value:
        steps = (*(s._replace(value=spelled) if s.rule in ("unfold", "cases") else s for s in steps),)
    (kink,) = judge((statement, steps), witness=at(z=2, y=0), border=at(z=2, y=h)).kinks
    theory = Theory({}, ())
    for found, value, where_ in ((kink.left, MINUS_ONE, kink.left_where), (kink.right, ONE, kink.right_where)):
        assert found is None or theory.equal(found, value)
        assert found is None or where_ in (UP, DOWN)


def test_joined_regions_have_no_kink() -> None:
    said = judge((SOFT, SOFT_STEPS), witness=at(z=2, y=1), border=at(z=2, y=h))
    assert (said.kind, said.delta, said.exclusions, said.kinks) == ("other", SOFT_VALUE, (), ())
    assert [(r.where, r.delta, r.kind) for r in said.regions] == [
        ((H_POSITIVE,), h, "other"),
        ((H_NEGATIVE,), ZERO, "multiple"),
    ]


# ---- factors -------------------------------------------------------------------------------------------


def test_a_factor_that_blows_up_where_y_is_h_is_no_factor() -> None:
    """|h - y| has 1/|h - y| (h - y), and (h - y)^(2/3) its like; neither is g (h - y) with g finite."""
    over = power(absolute(RESIDUAL), -1)
    sign = where(ABOVE, ONE, MINUS_ONE)
    by_sign = mul(sign, power(RESIDUAL, -1), RESIDUAL)
    found = pieces(
        absolute(RESIDUAL), ONE, MINUS_ONE, Step("cases", (5, 6), sign, (ABOVE,)), Step("rewrite", (7,), by_sign)
    )
    said = judge(found, witness=at(z=3, y=1))
    assert (said.kind, said.factor) == (None, None)
    root = mul(num(2, 3), power(RESIDUAL, num(-1, 3)))
    shown = mul(num(2, 3), power(RESIDUAL, num(-4, 3)), RESIDUAL)
    found = scalar(power(RESIDUAL, num(2, 3)), root, shown)
    refused(lambda: judge(found, witness=at(z=3, y=1)), "does not declare")
    assert over not in shown.args


def test_a_removable_factor_is_one() -> None:
    """tanh(h - y) = tanh(h - y)/(h - y) (h - y): smooth, and 0 where h = y; the factor has a limit there."""
    slope = call("tanh", RESIDUAL)
    statement, steps = scalar(log(call("cosh", RESIDUAL)), slope, slope)
    factor = div(slope, RESIDUAL)
    found = statement, (*steps, Step("rewrite", (3,), mul(*factor.args, RESIDUAL)))
    said = judge(found, witness=at(z=2, y=0))
    assert said == Verdict("no", "residual", slope, mul(*factor.args), ())


def test_a_removable_factor_hides_no_other_exclusion() -> None:
    """The same with h/h in the factor: it has no value at h = 0, and no lemma gives it one."""
    slope = call("tanh", RESIDUAL)
    statement, steps = scalar(log(call("cosh", RESIDUAL)), slope, slope)
    shown = mul(slope, h, power(h, -1), power(RESIDUAL, -1), RESIDUAL)
    said = judge((statement, (*steps, Step("rewrite", (3,), shown))), witness=at(z=2, y=1))
    assert said.kind is None and said.factor is None
    assert {rel("!=", h, ZERO), rel("!=", RESIDUAL, ZERO)} <= set(said.exclusions)


@pytest.mark.parametrize("slope", [exp(RESIDUAL), add(ONE, RESIDUAL), call("tanh", sub(h, mul(TWO, y))), h], ids=str)
def test_a_factor_with_a_pole_is_none(slope: Term) -> None:
    """The same, where dJ/dz is not 0 for h = y."""
    potential = {exp(RESIDUAL): exp(RESIDUAL), add(ONE, RESIDUAL): add(h, SQUARE), h: mul(HALF, power(h, 2))}
    cost = potential.get(slope, log(call("cosh", sub(h, mul(TWO, y)))))
    statement, steps = scalar(cost, slope, slope)
    found = statement, (*steps, Step("rewrite", (3,), mul(slope, power(RESIDUAL, -1), RESIDUAL)))
    said = judge(found, witness=at(z=3, y=2))
    assert said.kind is None and said.factor is None
    assert rel("!=", RESIDUAL, ZERO) in said.exclusions
    with suppress(KernelError):
        assert judge(found, witness=at(z=3, y=2), border=at(z=3, y=h)).kind in (None, "other")


def test_a_kinked_value_is_not_divided() -> None:
    """|h - y|^(3/2) / (3/2): dJ/dz is continuous and 0 where h = y, and still its factor |h - y|^(-1/2) blows up."""
    for up, down, sign in ((ABOVE, BELOW, ONE), (BELOW, ABOVE, MINUS_ONE)):
        distance = absolute(RESIDUAL)
        values = mul(power(RESIDUAL, HALF)), neg(power(neg(RESIDUAL), HALF))
        left, right = values if sign == ONE else values[::-1]
        whole = where(up, left, right)
        shown = mul(where(up, *(div(v, RESIDUAL) for v in (left, right))), RESIDUAL)
        found = pieces(
            mul(num(2, 3), power(distance, num(3, 2))),
            left,
            right,
            Step("cases", (5, 6), whole, (up,)),
            Step("rewrite", (7,), shown),
            up=up,
            down=down,
        )
        with suppress(KernelError):
            assert judge(found, witness=at(z=5, y=1)).kind in (None, "other")


@pytest.mark.parametrize("step", [Step("rewrite", (3,), mul(RESIDUAL, power(h, 2), power(h, -2)))])
def test_a_yes_off_a_point_says_where(step: Step) -> None:
    """h - y rewritten with h^2/h^2 and back: nothing is said where h = 0."""
    statement, steps = scalar(SQUARE, RESIDUAL, RESIDUAL)
    found = statement, (*steps, step, Step("rewrite", (4,), RESIDUAL))
    said = judge(found, inside=APART)
    assert rel("!=", h, ZERO) in said.exclusions
    refused(lambda: judge(found, inside=at(z=0, y=1)))


def test_a_conditional_step_before_makes_no_factor() -> None:
    """J = y h with y = 0 just before: w/(h - y) (h - y) has no finite factor, and delta is y."""
    statement, steps = scalar(mul(y, h), y, y)
    zero = rel("=", y, ZERO)
    shown = mul(y, power(RESIDUAL, -1), RESIDUAL)
    found = statement, (*steps, Step("condition", (3,), ZERO, (zero,)), Step("rewrite", (3,), shown))
    with suppress(KernelError):
        said = judge(found, witness=at(z=3, y=1))
        assert said.kind in (None, "other") and said.delta != ZERO


def test_a_yes_is_not_about_half_of_the_domain() -> None:
    """Exclusions leave out points, not an interval: relu(z) is 0 for all z <= 0."""
    up, down = (rel(op, where(UP, z, ZERO), ZERO) for op in "><")
    cost = add(SQUARE, where(up, ZERO, where(down, ZERO, exp(z))))
    steps = (
        Step("differentiate-activation", (), ONE),
        Step("total", (0,), RESIDUAL, (up,)),
        Step("total", (0,), RESIDUAL, (down,)),
        Step("cases", (1, 2), RESIDUAL, (up,)),
    )
    statement = Statement(cost, h, y, z, z)
    for inside in (at(z=1, y=0), at(z=-1, y=0)):
        refused(lambda inside=inside: judge((statement, steps), inside=inside))  # type: ignore[misc]


def test_a_yes_is_not_about_some_targets() -> None:
    """y != 1 is no border that z crosses."""
    one = rel("!=", y, ONE)
    statement, steps = scalar(SQUARE, RESIDUAL, RESIDUAL)
    shown = mul(RESIDUAL, sub(y, ONE), power(sub(y, ONE), -1))
    found = statement, (*steps, Step("rewrite", (3,), shown), Step("rewrite", (4,), RESIDUAL))
    assert replay(*found)[-1].hypotheses[0].args[0] == one.args[0]
    refused(lambda: judge(found, inside=at(z=2, y=3)))


# ---- border points of regions --------------------------------------------------------------------------


def test_a_border_point_is_approached_in_its_region() -> None:
    """(h - y)^+ is 0 for h < y: that the other side has the slope 1 says nothing about this one."""
    gate = where(ABOVE, ONE, ZERO)
    found = pieces(where(ABOVE, RESIDUAL, ZERO), ONE, ZERO, Step("cases", (5, 6), gate, (ABOVE,)))
    below = found[0], (*found[1], Step("rewrite", (6,), gate, (BELOW,)))
    for case in (found, below):
        said = judge(case, witness=at(z=3, y=1), border=at(z=0, y=h))
        kinds = {r.where: r.kind for r in said.regions}
        assert kinds[(ABOVE,)] == "other" and kinds[(BELOW,)] != "other"


def test_no_border_is_in_a_region_that_is_on_both_sides() -> None:
    """h > y and h < y together: nothing is there, and nothing is shown."""
    gate = where(ABOVE, ONE, ZERO)
    found = pieces(
        where(ABOVE, RESIDUAL, ZERO),
        ONE,
        ZERO,
        Step("rewrite", (3,), ONE, (ABOVE, BELOW)),
        Step("cases", (5, 6), gate, (ABOVE,)),
    )
    said = judge(found, witness=at(z=3, y=1), border=at(z=0, y=h))
    assert {r.kind for r in said.regions if len(r.where) == 2} <= {None}


FAR = rel(">", h, HALF)
LEANING = where(FAR, add(RESIDUAL, num(5)), RESIDUAL)  # dJ/dz is h - y for h < 1/2


@pytest.mark.parametrize(
    "region",
    [
        (rel("<", mul(power(sub(z, ONE), 2), z), ZERO),),
        (rel("<", mul(power(RESIDUAL, 2), z), ZERO),),
        (rel("<", z, ZERO), rel("<", mul(power(sub(z, ONE), 2), z), ZERO)),
        (rel("<", z, ZERO),),
    ],
    ids=str,
)
def test_a_border_point_lies_in_the_closure_of_its_region(region: tuple[Term, ...]) -> None:
    """z = 1 is not near z < 0, though (z - 1)^2 z <= 0 holds there."""
    cost = add(SQUARE, where(FAR, mul(num(5), sub(h, HALF)), ZERO))
    statement, steps = scalar(cost, LEANING, LEANING)
    found = statement, (*steps[:-1], Step("rewrite", (2,), LEANING, region), steps[-1])
    for border in (at(z=1, y=h), at(z=0, y=h), at(z=-1, y=h)):
        said = judge(found, witness=at(z=2, y=0), border=border)
        assert [r.kind for r in said.regions] == [None]
        assert said.kind == ("other" if border == at(z=1, y=h) else None)


def test_a_border_sets_the_target_to_the_output() -> None:
    for border in (at(z=2, y=2), at(z=2, y=1), at(z=2, y=z), at(z=2)):
        refused(lambda border=border: judge(OTHER, witness=APART, border=border))  # type: ignore[misc]


# ---- discrete targets ------------------------------------------------------------------------------------

LABELS = (rel("=", y, MINUS_ONE), rel("=", y, ONE))


def test_a_target_is_one_of_its_cases() -> None:
    twice = mul(TWO, RESIDUAL)
    found = scalar(power(RESIDUAL, 2), twice, twice, cases=LABELS)
    assert judge(found, witness=at(z=2, y=1)).kind == "multiple"
    assert judge(found, witness=at(z=2, y=-1)).kind == "multiple"
    for value in (0, 2, "1/2"):
        refused(lambda value=value: judge(found, witness=at(z=2, y=value)), "not allowed")  # type: ignore[misc]
    cancels = scalar(SQUARE, RESIDUAL, RESIDUAL, cases=LABELS)
    assert judge(cancels, inside=at(z=2, y=1)).answer == "yes"
    refused(lambda: judge(cancels, inside=at(z=2, y=0)), "not allowed")


def test_the_value_at_each_case() -> None:
    slope = mul(y, exp(mul(y, h)))
    statement, steps = scalar(exp(mul(y, h)), slope, slope, cases=LABELS)
    at_one = Step("condition", (3,), exp(h), (LABELS[1],))
    found = statement, (*steps, at_one)
    said = judge(found, witness=at(z=2, y=1), border=at(z=0, y=h))
    assert said.regions == (Region((LABELS[1],), exp(h), None, None),)
    assert (said.delta, said.conditions) == (slope, ())
    other = statement, (*steps, at_one._replace(assuming=(rel("=", y, TWO),), value=mul(TWO, exp(mul(TWO, h)))))
    for witness in (at(z=2, y=1), at(z=2, y=2)):  # no label is 2: a condition that no target meets says nothing
        refused(lambda witness=witness: judge(other, witness=witness, border=at(z=0, y=h)))  # type: ignore[misc]


def test_a_case_is_no_condition_of_the_whole() -> None:
    """h - y^2 is h - y for y = 1; that is no yes for both labels."""
    statement, steps = scalar(mul(h, sub(mul(HALF, h), power(y, 2))), OF_BIT, OF_BIT, cases=LABELS)
    found = statement, (*steps, Step("condition", (3,), RESIDUAL, (LABELS[1],)))
    for points in ({"inside": at(z=2, y=1)}, {"inside": at(z=2, y=1), "witness": at(z=2, y=-1)}):
        refused(lambda points=points: judge(found, **points))  # type: ignore[misc]
    assert judge(found, witness=at(z=2, y=-1)).answer == "no"


# ---- needs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "kind", "conditions", "exclusions", "borders"),
    [
        ((MSE_RELU, MSE_RELU_STEPS), "residual", (), (NOT_ZERO,), 0),
        (OTHER, "other", (), (), 1),
        ((SOFT, SOFT_STEPS), "other", (), (), 2),
        ((CCE, CCE_STEPS), "cancels", (TOTAL,), (), 0),
    ],
    ids=["relu", "other", "soft", "cce"],
)
def test_needs_are_those_of_the_verdict(
    found: Found, kind: str, conditions: tuple[Term, ...], exclusions: tuple[Term, ...], borders: int
) -> None:
    asked = needs(*found, replay(*found))
    assert asked[:3] == (kind, conditions, exclusions)
    assert len(asked.borders) == borders


def test_needs_of_nothing() -> None:
    refused(lambda: needs(MSE_RELU, IN_REGIONS, replay(MSE_RELU, IN_REGIONS)), "does not end")


# ---- what mutation testing found -------------------------------------------------------------------------


def test_of_a_vector_no_factor_is_removable() -> None:
    """dJ/dz_j = 1 is (h_j - y_j)/(h_j - y_j) off h_j = y_j: Hadamard's lemma is about one variable, and 1 is not 0."""
    statement = Statement(sum_over(k, hk), hk, yk, zk, zj)
    steps = (
        Step("differentiate-loss", (), ONE),
        Step("differentiate-activation", (), kron(k, j)),
        Step("chain", (0, 1), sum_over(k, mul(ONE, kron(k, j)))),
        Step("rewrite", (2,), ONE),
        Step("rewrite", (3,), mul(power(sub(hj, yj), -1), sub(hj, yj))),
    )
    said = judge((statement, steps), witness=at(k=1, j=1, z_1=3, y_1=1))
    assert (said.kind, said.factor) == (None, None)


def test_a_value_with_a_kink_has_no_removable_factor() -> None:
    """|h - y| is 0 where h = y, and not smooth there: |h - y|/(h - y) has no limit."""
    sign = where(rel(">", RESIDUAL, ZERO), ONE, MINUS_ONE)
    slope = add(mul(HALF, absolute(RESIDUAL)), mul(HALF, RESIDUAL, sign))
    statement, steps = scalar(mul(HALF, RESIDUAL, absolute(RESIDUAL)), slope, slope)
    shown = mul(slope, power(RESIDUAL, -1), RESIDUAL)
    said = judge((statement, (*steps, Step("rewrite", (3,), shown))), witness=at(z=1, y=3))
    assert (said.kind, said.factor) == (None, None)


def test_a_factor_is_finite_in_each_of_its_branches() -> None:
    pole, bounded = power(RESIDUAL, -1), power(add(ONE, power(z, 2)), -1)
    for condition in (UP, DOWN, rel(">=", z, ZERO)):
        for inside, outside in ((pole, bounded), (bounded, pole), (bounded, ONE)):
            found = is_finite(MSE_RELU, where(condition, inside, outside), ())
            assert found == (pole not in (inside, outside))


STEEP = power(z, -2)
MSE_POLE = (
    Statement(SQUARE, h, y, where(UP, neg(power(z, -1)), z), z),
    (
        Step("differentiate-loss", (), RESIDUAL),
        Step("differentiate-activation", (), STEEP, (UP,)),
        Step("differentiate-activation", (), ONE, (DOWN,)),
        Step("chain", (0, 1), mul(RESIDUAL, STEEP), (UP,)),
        Step("chain", (0, 2), mul(RESIDUAL, ONE), (DOWN,)),
        Step("rewrite", (3,), mul(STEEP, RESIDUAL), (UP,)),
        Step("rewrite", (4,), RESIDUAL, (DOWN,)),
        Step("cases", (5, 6), mul(where(UP, STEEP, ONE), RESIDUAL), (UP,)),
    ),
)


def test_a_factor_that_blows_up_at_the_border_of_its_region_is_none() -> None:
    """h = -1/z for z > 0: the factor 1/z^2 has no bound where the region ends."""
    said = judge(MSE_POLE, witness=at(z=2, y=1))
    assert [(r.where, r.kind) for r in said.regions] == [((UP,), None), ((DOWN,), "cancels")]
    asked = needs(*MSE_POLE, replay(*MSE_POLE)).borders
    assert (mul(STEEP, RESIDUAL), (UP,)) in asked and all(region != (DOWN,) for _, region in asked)


def test_one_region_is_enough_to_show_that_a_factor_is_none() -> None:
    """0 for h > y and h - y below it: seen from above, dJ/dz is 0 where h = y."""
    gate = where(ABOVE, ZERO, ONE)
    found = pieces(where(ABOVE, ZERO, RESIDUAL), ZERO, ONE, Step("cases", (5, 6), gate, (ABOVE,)))
    said = judge(found, witness=at(z=3, y=1), border=at(z=0, y=h))
    assert said.kind == "other"
    assert {r.where: r.kind for r in said.regions} == {(ABOVE,): "multiple", (BELOW,): "other"}


def test_the_value_at_one_case_is_of_no_kind() -> None:
    """y (h - y) is h - y for y = 1, which says nothing of the pair."""
    slope = mul(y, RESIDUAL)
    statement, steps = scalar(mul(y, SQUARE), slope, slope, cases=LABELS)
    found = statement, (*steps, Step("condition", (3,), RESIDUAL, (LABELS[1],)))
    said = judge(found, witness=at(z=2, y=-1))
    assert said.regions == (Region((LABELS[1],), RESIDUAL, None, None),)


@pytest.mark.parametrize(
    "term",
    [
        div(mul(z, w), mul(TWO, w)),
        div(mul(num(3), RESIDUAL, z), mul(num(4), sub(y, h))),
        mul(where(UP, mul(z, sub(y, h)), RESIDUAL), power(RESIDUAL, -1), num(6)),
        mul(where(UP, mul(TWO, w), w), where(DOWN, z, ONE), power(w, -1)),
        div(num(5), mul(num(10), z, power(z, -1))),
    ],
    ids=str,
)
def test_spreading_changes_no_value(term: Term) -> None:
    """Each branch has all factors, and those that cancel are gone, h - y against y - h too."""
    assert Theory({}).equal(spread(term), term).conclusion == Equation(spread(term), term)
    assert not any(t.kind == "pow" for t in subterms(spread(term)))


@pytest.mark.parametrize("edge", [rel("<=", y, TWO), rel(">=", y, TWO)], ids=str)
def test_a_border_lies_inside_of_the_targets(edge: Term) -> None:
    """So that y may be on either side of h: h = y = 2 is at the edge of y <= 2, and inside of y <= 3."""
    statement, steps = OTHER
    for relation, is_inside in ((edge, False), (rel("<=", y, num(3)), True), (rel(">=", y, ONE), True)):
        found = statement._replace(targets=(relation,)), steps
        if is_inside:
            assert judge(found, witness=APART, border=BORDER).kind == "other"
        else:
            refused(lambda found=found: judge(found, witness=at(z=3, y=2), border=BORDER), "inside the domain")  # type: ignore[misc]


def test_an_equation_is_met_for_every_index_and_by_every_size() -> None:
    as_many = rel("=", sum_over(k, yk), size("K"))
    for equation, values, expected in (
        (as_many, (1, 1), True),
        (as_many, (2, 0), True),
        (as_many, (1, 0), False),
        (rel("=", yk, ONE), (1, 1), True),
        (rel("=", yk, ONE), (1, 0), False),
        (rel("=", yk, ONE), (0, 1), False),
        (rel("=", sum_over(k, mul(yk, size("K"))), TWO), (1, 0), True),
    ):
        assert is_met(CCE, at(k=2, j=1, y_1=values[0], y_2=values[1]), equation) == expected


@pytest.mark.parametrize("scale", [ONE, HALF, TWO, MINUS_ONE, num(-1, 2), num(-2)], ids=str)
def test_a_side_is_known_however_its_border_is_scaled(scale: Term) -> None:
    """0 for h < y and h - y above, with c (h - y) compared with 0: in each region its own value is near, as a gate."""
    up, down = (rel(op, mul(scale, RESIDUAL), ZERO) for op in ("><" if scale.args[0] > 0 else "<>"))
    gate = where(up, ONE, ZERO)
    found = pieces(
        where(up, RESIDUAL, ZERO),
        ONE,
        ZERO,
        Step("rewrite", (5,), gate, (up,)),
        Step("rewrite", (6,), gate, (down,)),
        Step("cases", (5, 6), gate, (up,)),
        up=up,
        down=down,
    )
    said = judge(found, witness=at(z=3, y=1), border=at(z=0, y=h))
    assert {r.where: r.kind for r in said.regions} == {(up,): "other", (down,): None}


@pytest.mark.parametrize("side", ["<", ">"])
@pytest.mark.parametrize("op", ["<", "<=", ">", ">="])
def test_a_border_is_counted_to_a_side(op: str, side: str) -> None:
    """At z = w the value is that of this side then, else what it was; also with both exchanged, and in a sum."""
    border, theory = rel(side, z, w), Theory({})
    for condition in (rel(op, z, w), rel(op, w, z)):
        term = where(condition, num(3), num(5))
        closed = _closed_on(add(term, z), border)
        for there, from_ in ((0, 1 if side == ">" else -1), (1, 1), (-1, -1)):
            found, said = replace(closed, {z: num(there), w: ZERO}), replace(term, {z: num(from_), w: ZERO})
            assert theory.equal(found, add(said, num(there)))
        inner = replace(term, {z: zk})
        each = sum_over(k, _closed_on(inner, rel(side, zk, w)))
        assert _closed_on(sum_over(k, inner), rel(side, zj, w)) == each
        assert _closed_on(term, rel(side, y, w)) == term


@pytest.mark.parametrize(
    ("more", "slope", "loss_domain"),
    [(log(h), power(h, -1), (H_POSITIVE,)), (power(add(h, ONE), -1), neg(power(add(h, ONE), -2)), ())],
    ids=str,
)
def test_a_kink_has_values_where_the_rest_is_defined(more: Term, slope: Term, loss_domain: tuple[Term, ...]) -> None:
    """|h - 1| beside log(h), whose domain the identity leaves, and 1/(h + 1), left out by another exclusion."""
    gap = sub(h, ONE)
    up, down = rel(">", gap, ZERO), rel("<", gap, ZERO)
    left, right = add(slope, ONE), add(slope, MINUS_ONE)
    last = Step("cases", (5, 6), where(up, left, right), (up,))
    cost = add(absolute(gap), more)
    said = judge(pieces(cost, left, right, last, up=up, down=down, loss_domain=loss_domain), witness=at(z=3, y=1))
    assert Kink(rel("=", gap, ZERO), right, left, down, up) in said.kinks


def test_a_border_is_looked_at_in_the_last_form() -> None:
    """h (h - y)/(h - y) has no value where h = y; the last line says h, which is not 0 there."""
    slope = mul(h, RESIDUAL, power(RESIDUAL, -1))
    said = judge(scalar(mul(HALF, power(h, 2)), slope, h), witness=APART, border=BORDER)
    assert said.kind == "other" and said.exclusions == (rel("!=", RESIDUAL, ZERO),)


def test_a_side_that_is_undefined_at_its_kink_has_no_value_there() -> None:
    """|h| with its slope 1 spelled h^2/h^2, which says nothing where h = 0; spelled 1 it does."""
    for slope, is_said in ((mul(power(h, 2), power(h, -2)), False), (ONE, True)):
        last = Step("cases", (5, 6), where(H_POSITIVE, slope, MINUS_ONE), (H_POSITIVE,))
        found = pieces(absolute(h), slope, MINUS_ONE, last, up=H_POSITIVE, down=H_NEGATIVE)
        (kink,) = judge(found, witness=at(z=3, y=1)).kinks
        assert (kink.right, kink.left) == ((ONE, MINUS_ONE) if is_said else (None, None))


def beside(value: Term, others: tuple[Term, ...] = (), activation: Term = zk, **fields: Any) -> tuple[Term, Term]:
    """The value on both sides of h_k = y_k, where J = sum_k |h_k - y_k| has its kinks: below, and above."""
    statement = Statement(sum_over(k, absolute(sub(hk, yk))), hk, yk, activation, zj, **fields)
    below, above = (_beside(statement, rel("!=", hk, yk), value, rel(op, hk, yk), others) for op in ("<", ">"))
    return below, above


UPPER, UPPER_OR_AT = (where(rel(op, hj, yj), ONE, MINUS_ONE) for op in (">", ">="))


def test_the_values_beside_the_kink_of_one_summand() -> None:
    """The sign of h_j - y_j, with h_j = y_j counted to one side and to the other."""
    assert beside(UPPER) == beside(UPPER_OR_AT) == (UPPER, UPPER_OR_AT)


def test_no_value_is_beside_a_kink_along_which_another_exclusion_fails() -> None:
    twice, elsewhere = rel("!=", mul(TWO, hk), mul(TWO, yk)), rel("!=", hk, num(5))
    assert beside(UPPER, (elsewhere,)) == (UPPER, UPPER_OR_AT)
    for others in ((twice,), (twice, elsewhere), (elsewhere, twice)):
        refused(lambda others=others: beside(UPPER, others), "all along the border")  # type: ignore[misc]


def test_a_value_beside_a_kink_is_defined_there() -> None:
    """1/(h_j - 5) off h_k = 5 only, log(h_j) on a domain that says so, or for h = exp(z)."""
    pole, known = add(UPPER, power(sub(hj, num(5)), -1)), rel("!=", sub(hk, num(5)), ZERO)
    refused(lambda: beside(pole), "not proved to be continuous")
    assert beside(pole, (rel("!=", sub(hj, num(5)), ZERO),))[0] == pole
    refused(lambda: beside(add(pole, power(sub(hj, num(6)), -1)), (rel("!=", sub(hj, num(5)), ZERO), known)))
    logarithm = add(UPPER, log(hj))
    refused(lambda: beside(logarithm), "not proved to be continuous")
    assert beside(logarithm, loss_domain=(rel(">", hk, ZERO),))[0] == logarithm
    assert beside(logarithm, activation=exp(zk))[0] == logarithm


def test_each_kink_is_listed_after_one_without_values() -> None:
    """Of sum_k |h_k - y_k| + |h_k - 5|: along h_k = y_k another exclusion fails too, at h_k = 5 none."""
    five = num(5)
    statement = Statement(sum_over(k, add(absolute(sub(hk, yk)), absolute(sub(hk, five)))), hk, yk, zk, zj)
    at_y, twice, at_five = rel("!=", hk, yk), rel("!=", mul(TWO, hk), mul(TWO, yk)), rel("!=", hk, five)
    beyond, beyond_or_at = (where(rel(op, hj, five), ONE, MINUS_ONE) for op in (">", ">="))
    theorem = Theory(statement.definitions).derivative(COST, zj, _slope_of_distances(five))
    found = [*_kinks(statement, _Lines([], theorem, {}, None, ()), add(UPPER, beyond), (at_y, twice, at_five))]
    left, right = add(UPPER, beyond), add(UPPER, beyond_or_at)
    below, above = (rel(op, hk, five) for op in "<>")
    silent = [Kink(rel("=", *e.args[1:])) for e in (at_y, twice)]
    assert found == [*silent, Kink(rel("=", hk, five), left, right, below, above)]


def _slope_of_distances(five: Term) -> Term:
    signs = (where(rel(">", sub(hk, edge), ZERO), ONE, MINUS_ONE) for edge in (yk, five))
    return sum_over(k, mul(add(*signs), kron(k, j)))


@pytest.mark.parametrize(
    ("border", "first"),
    [
        (rel("<", z, ONE), "<"),
        (rel(">=", z, ONE), "<"),
        (rel("<", ONE, z), ">"),
        (rel("<", h, y), "<"),
        (rel("<=", y, h), ">"),
        (rel(">", neg(mul(TWO, h)), ONE), ">"),
        (rel("<", neg(add(z, h)), ONE), "<"),  # of z and h: that where l < r
        (rel("<", neg(power(z, 3)), ONE), "<"),  # -3 z^2 is not below 0 at 0
        (rel("<", neg(w), ONE), "<"),
        (rel("<", sub(z, z), ONE), "<"),
    ],
    ids=str,
)
def test_the_first_side_is_that_of_the_smaller_variable(border: Term, first: str) -> None:
    statement = Statement(SQUARE, h, y, z, z)
    other = {"<": ">", ">": "<"}[first]
    assert _sides(statement, border) == (rel(first, *border.args[1:]), rel(other, *border.args[1:]))


def test_what_another_exclusion_compares_must_not_jump_on_either_side() -> None:
    statement, jump = Statement(SQUARE, h, y, z, z), where(UP, ONE, TWO)
    assert _is_continuous(statement, (rel("!=", z, ONE),))
    assert not _is_continuous(statement, (rel("!=", jump, z),)) and not _is_continuous(statement, (rel("!=", z, jump),))
    assert not _is_continuous(statement._replace(activation=jump), ())
    assert not _is_continuous(statement._replace(cost=where(H_POSITIVE, h, ONE)), ())


def test_what_looks_like_its_negative_is_not_cancelled() -> None:
    """-(h w - y) is y - h w, and not y + w."""
    for below in (add(y, w), add(y, neg(mul(h, w)))):
        term = mul(sub(mul(h, w), y), power(below, -1))
        assert Theory({}).equal(spread(term), term)


def test_a_region_in_which_nothing_is_has_no_line() -> None:
    """h = exp(z) is above 0: what the loss would be below it is not said. That is about h, or all h_k."""
    steep = mul(TWO, h)
    statement = Statement(where(H_POSITIVE, SQUARE, power(h, 2)), h, y, exp(z), z)
    steps = (
        Step("differentiate-loss", (), RESIDUAL, (H_POSITIVE,)),
        Step("differentiate-loss", (), steep, (H_NEGATIVE,)),
        Step("differentiate-activation", (), exp(z)),
        Step("chain", (0, 2), mul(RESIDUAL, exp(z)), (H_POSITIVE,)),
        Step("chain", (1, 2), mul(steep, exp(z)), (H_NEGATIVE,)),
        Step("cases", (3, 4), where(H_POSITIVE, mul(RESIDUAL, exp(z)), mul(steep, exp(z))), (H_POSITIVE,)),
    )
    assert [*_lines(statement, steps, replay(statement, steps)).regions] == [(H_POSITIVE,)]
    assert _impossible(statement, {H_POSITIVE, H_NEGATIVE, rel("<", exp(z), ZERO)}) == {H_NEGATIVE}
    family, total = Statement(sum_over(k, hk), hk, yk, exp(zk), zj), sum_over(k, hk)
    assert _impossible(family, {rel("<", total, ZERO), rel(">", total, ONE)}) == {rel("<", total, ZERO)}


def test_a_point_inside_meets_the_equations_on_targets_that_nothing_needs() -> None:
    """dJ/dz = h - y for every y; where y = 1 is declared, the point that shows it has y = 1."""
    found = scalar(SQUARE, RESIDUAL, RESIDUAL, targets=(rel("=", y, ONE),))
    assert judge(found, inside=APART).kind == "cancels"
    refused(lambda: judge(found, inside=at(z=2, y=3)), "inside the domain")
    twice = mul(TWO, RESIDUAL)
    other = scalar(power(RESIDUAL, 2), twice, twice, targets=(rel("=", y, ONE),))
    assert judge(other, witness=APART).kind == "multiple"
    refused(lambda: judge(other, witness=at(z=2, y=3)), "inside the domain")


def test_a_border_meets_the_equations_on_targets() -> None:
    """h = y = 2 is no border where y = 1 is declared; an equation about one target is met by its number."""
    statement, steps = OTHER
    declared = statement._replace(targets=(rel("=", y, ONE),)), steps
    refused(lambda: judge(declared, witness=APART, border=BORDER), "does not meet the conditions")
    assert is_met(statement, at(z=2, y=1), rel("=", y, ONE)) and not is_met(statement, at(z=2, y=3), rel("=", y, ONE))


@pytest.mark.parametrize("scale", [ONE, TWO, MINUS_ONE], ids=str)
def test_beside_a_border_one_summand_is_moved(scale: Term) -> None:
    """At h_1 = y_1 and h_2 < y_2 the signs of h_k - y_k add up to 1 - 1 for h_1 above y_1, and to -2 below it."""
    statement = Statement(sum_over(k, absolute(sub(hk, yk))), hk, yk, zk, zj)
    op = "<" if scale == MINUS_ONE else ">"
    signs = sum_over(k, where(rel(op, mul(scale, hk), mul(scale, yk)), ONE, MINUS_ONE))
    point = at(k=2, j=1, z_1=3, z_2=1, y_1=3, y_2=fmpq(3, 2))
    for side, total in ((1, 0), (-1, -2)):
        assert enclosure(_near(statement, signs, side), point, statement.definitions) == total
        one = where(rel(op, mul(scale, hj), mul(scale, yj)), ONE, MINUS_ONE)
        assert enclosure(_near(statement, one, side), point, statement.definitions) == side


def test_only_a_constant_times_the_gap_has_a_sign_of_its_own() -> None:
    """-2 (h - y) is below 0 for h > y; h (h - y), (h - y)/h, h - 2 y and h - h say nothing of the kind."""
    statement = Statement(SQUARE, h, y, z, z)
    assert _ratio(statement, RESIDUAL) == (1, ()) and _ratio(statement, mul(num(-2), RESIDUAL)) == (-2, ())
    for other in (mul(h, RESIDUAL), div(RESIDUAL, h), sub(h, mul(TWO, y)), sub(h, h), h, y, z, power(RESIDUAL, 2)):
        assert _ratio(statement, other) is None, str(other)
