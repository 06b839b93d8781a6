"""Kernel: each rule accepts once and refuses in every way, whatever terms it is given."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
from by_hand import (
    H_POSITIVE,
    HALF,
    LOOSE,
    RESIDUAL,
    SQUARE,
    TWO,
    absolute,
    exp,
    h,
    i,
    j,
    k,
    l,
    log,
    refused,
    w,
    x,
    y,
    z,
)

from derive.balls import Point, certainly_holds
from derive.derivation import COST, Statement, Step, replay
from derive.errors import KernelError
from derive.kernel import (
    Derivative,
    Equation,
    Theorem,
    Theory,
    is_proved,
    merged_values,
    opposite,
    resolved,
    strictly,
    weakly,
)
from derive.plain import plain
from derive.syntax import Symbols, parse, parse_relation
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
    size,
    sub,
    sum_over,
    var,
    where,
)

# ---- theorems and theories -------------------------------------------------------------------------


def test_a_theorem_is_made_by_rules_only() -> None:
    refused(lambda: Theorem(object(), {}, (), Equation(ONE, ZERO), ()), "rules only")


def test_a_theorem_is_immutable() -> None:
    theorem = Theory({}).equal(z, z)
    for change in (
        lambda: setattr(theorem, "conclusion", Equation(ONE, ZERO)),
        lambda: delattr(theorem, "hypotheses"),
        lambda: theorem.definitions.update({"z": ((), ONE)}),  # type: ignore[attr-defined]
        lambda: setattr(copy.copy(theorem), "hypotheses", ()),
    ):
        with pytest.raises((AttributeError, TypeError)):
            change()


def test_definitions_are_copied() -> None:
    definitions: dict[str, Any] = {"h": ((), z)}
    theory = Theory(definitions)
    theorem = theory.definition(h)
    definitions["h"] = ((), ONE)
    assert theory.definition(h).conclusion == theorem.conclusion == Equation(h, z)
    assert theorem.definitions == {"h": ((), z)}


def test_assumptions_are_copied() -> None:
    assumptions = [rel(">", z, ZERO)]
    theory = Theory({}, assumptions)  # type: ignore[arg-type]
    assert theory.equal(call("abs", z), z).hypotheses == (rel(">", z, ZERO),)
    assumptions.clear()
    assert theory.equal(add(call("abs", z), ONE), add(z, ONE)).hypotheses == (rel(">", z, ZERO),)


@pytest.mark.parametrize(
    "definitions",
    [
        {"h": ((), add(h, ONE))},
        {"h": ((), add(x, ONE)), "x": ((), neg(h))},
        {"h": ((k,), sum_over(l, item("h", l)))},
        {"h": ((), where(rel("<", ZERO, ONE), z, h))},
    ],
    ids=["itself", "in a ring", "family", "unused branch"],
)
def test_a_definition_never_rests_on_itself(definitions: dict[str, Any]) -> None:
    formals = definitions["h"][0]
    left = item("h", *formals) if formals else h
    refused(lambda: Theory(definitions).definition(left))


@pytest.mark.parametrize(
    "definitions",
    [{"h": ((), item("z", k))}, {"h": ((k, k), item("z", k))}, {"h": ((k,), item("z", j))}],
    ids=["free", "twice", "another"],
)
def test_a_definition_binds_its_indices(definitions: dict[str, Any]) -> None:
    refused(lambda: Theory(definitions), "bind")


def test_an_assumption_is_a_relation() -> None:
    refused(lambda: Theory({}, (z,)), "relation")


# ---- definition --------------------------------------------------------------------------------------


def test_definition() -> None:
    theory = Theory({"h": ((k,), exp(item("z", k)))})
    assert theory.definition(item("h", k)).conclusion == Equation(item("h", k), exp(item("z", k)))


@pytest.mark.parametrize("left", [z, h, item("h", j), item("h", k, k), call("h")], ids=repr)
def test_definition_refuses(left: Term) -> None:
    refused(lambda: Theory({"h": ((k,), item("z", k))}).definition(left), "no such definition")


# ---- equal -------------------------------------------------------------------------------------------


def test_equal() -> None:
    theorem = Theory({}).equal(div(sub(power(z, 2), ONE), sub(z, ONE)), add(z, ONE))
    assert theorem.conclusion == Equation(div(sub(power(z, 2), ONE), sub(z, ONE)), add(z, ONE))
    assert theorem.hypotheses == (rel("!=", sub(z, ONE), ZERO),)


def test_equal_discharges_by_assumptions_and_says_so() -> None:
    assumption = rel(">", z, ONE)
    theorem = Theory({}, (assumption,)).equal(div(sub(z, ONE), sub(z, ONE)), ONE)
    assert theorem.hypotheses == (assumption,)
    assert [(o.claim, o.facts) for o in theorem.obligations] == [(rel("!=", sub(z, ONE), ZERO), (assumption,))]


def test_equal_lists_every_equation_that_may_have_been_used() -> None:
    total = rel("=", sum_over(k, item("y", k)), ONE)
    theory = Theory({}, (total,))
    assert theory.equal(mul(z, sum_over(l, item("y", l))), z).hypotheses == (total,)
    assert theory.equal(z, z).hypotheses == (total,)


def test_facts_are_listed_again_in_later_theorems() -> None:
    positive = rel(">", z, ZERO)
    theory = Theory({}, (positive,))
    for right in (z, add(z, ZERO), mul(ONE, z)):
        assert theory.equal(call("abs", z), right).hypotheses == (positive,)
    refused(lambda: theory.equal(call("abs", w), w))
    assert theory.equal(call("sqrt", power(z, 2)), z).hypotheses == (positive,)


def test_facts_survive_a_new_choice_of_atoms() -> None:
    """More atoms than the first capacity, and a new root: both begin the work again."""
    positive = rel(">", z, ZERO)
    theory = Theory({}, (positive,))
    many = add(*(power(var(f"v{n}"), 2) for n in range(40)), exp(div(w, TWO)), exp(div(w, num(3))))
    assert positive in theory.equal(add(call("abs", z), many), add(many, z)).hypotheses


def test_equal_in_each_case_of_equal_indices() -> None:
    delta, zk, zj = kron(k, j), item("z", k), item("z", j)
    assert Theory({}).equal(mul(delta, zk), mul(delta, zj)).hypotheses == ()
    refused(lambda: Theory({}).equal(mul(delta, zk), zj))
    refused(lambda: Theory({}).equal(delta, ONE))
    refused(lambda: Theory({}).equal(delta, ZERO))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (z, w),
        (z, neg(z)),
        (z, add(z, num(1, 10**60))),
        (z, mul(z, add(ONE, num(1, 10**60)))),
        (call("sqrt", power(z, 2)), z),
        (log(power(z, 2)), mul(TWO, log(z))),
        (log(mul(z, w)), add(log(z), log(w))),
        (call("abs", add(z, w)), add(call("abs", z), call("abs", w))),
        (item("z", k), item("z", j)),
        (size("K"), size("m")),
        (size("K"), var("K")),
        (sum_over(k, item("z", k)), sum_over(i, item("z", i))),
        (sum_over(k, power(item("z", k), 2)), power(sum_over(k, item("z", k)), 2)),
        (sum_over(k, ONE), ONE),
        (sum_over(k, item("z", j)), item("z", j)),
    ],
)
def test_equal_refuses_what_is_false(left: Term, right: Term) -> None:
    refused(lambda: Theory({}).equal(left, right), "differ")


@pytest.mark.parametrize(
    "term",
    [
        power(sub(z, z), -1),
        log(num(-1)),
        log(sub(z, z)),
        mul(ZERO, power(sub(w, w), -1)),
        call("sqrt", neg(exp(z))),
        power(num(-8), num(1, 3)),
        call("acosh", z),
        call("exp"),
        call("pi", z),
        power(add(z, w, x, y, h, ONE), 60),
        power(z, 10**9),
        power(power(num(2), 10_000), 10_000),
    ],
    ids=lambda t: str(t)[:50],
)
def test_equal_refuses_what_is_undefined_unknown_or_too_large(term: Term) -> None:
    refused(lambda: Theory({}).equal(term, term))


def test_equal_refuses_equations_that_determine_nothing() -> None:
    refused(lambda: Theory({}, (rel("=", ONE, ZERO),)).equal(z, z))
    refused(lambda: Theory({}, (rel("=", z, ONE), rel("=", z, ZERO))).equal(w, x))


def test_an_empty_equation_is_harmless() -> None:
    for equation in (rel("=", z, z), rel("=", power(z, -1), ONE)):
        try:
            assert equation in Theory({}, (equation,)).equal(w, w).hypotheses
        except KernelError:
            continue


def test_a_zero_divisor_is_not_divided_by() -> None:
    """Under h (1 - h) = 0, both h / h = 1 and its like keep h != 0, and h = 1 does not follow."""
    theory = Theory({}, (rel("=", mul(h, sub(ONE, h)), ZERO),))
    assert rel("!=", h, ZERO) in theory.equal(div(power(h, 2), h), ONE).hypotheses
    for left, right in ((h, ONE), (h, ZERO), (div(h, sub(ONE, h)), ZERO)):
        refused(lambda left=left, right=right: theory.equal(left, right))  # type: ignore[misc]


# ---- derivative --------------------------------------------------------------------------------------


def test_derivative() -> None:
    theorem = Theory({"h": ((), log(z))}).derivative(power(h, 2), z, div(mul(TWO, h), z))
    assert theorem.conclusion == Derivative(power(h, 2), z, div(mul(TWO, h), z))
    assert theorem.hypotheses == (rel(">", z, ZERO), rel("!=", z, ZERO))


def test_derivative_by_an_element() -> None:
    total = sum_over(l, power(item("z", l), 2))
    assert Theory({}).derivative(total, item("z", j), mul(TWO, item("z", j))).hypotheses == ()
    assert Theory({}).derivative(item("z", k), item("z", j), kron(k, j)).hypotheses == ()


@pytest.mark.parametrize(
    ("subject", "variable", "value", "why"),
    [
        (power(z, 2), z, z, "not the derivative"),
        (power(z, 2), z, mul(MINUS_ONE, TWO, z), "not the derivative"),
        (power(z, 2), w, mul(TWO, z), "not the derivative"),
        (power(z, 2), z, add(mul(TWO, z), mul(num(1, 10**60), z)), "not the derivative"),
        (z, h, ZERO, "not defined"),
        (z, ONE, ZERO, "not defined"),
        (z, exp(z), ZERO, "not defined"),
        (item("z", k), item("z", j, j), ONE, "differ"),
        (item("z", k, l), item("z", j), ZERO, "numbers of indices"),
        (item("z", i), item("z", j), ZERO, "same size"),
        (z, item("z", j), ZERO, "numbers of indices"),
        (item("z", j), z, ZERO, "numbers of indices"),
        (call("gamma", z), z, ONE, "no law"),
        (rel("<", z, w), z, ONE, None),
        (mul(z, power(sub(w, w), -1)), z, ZERO, None),
    ],
)
def test_derivative_refuses(subject: Term, variable: Term, value: Term, why: str | None) -> None:
    refused(lambda: Theory({"h": ((), exp(x))}).derivative(subject, variable, value), why)


def test_derivative_leaves_out_the_kink() -> None:
    relu = where(rel(">=", z, ZERO), z, ZERO)
    kink = rel("!=", z, ZERO)
    assert Theory({}, (rel(">=", z, ZERO),)).derivative(relu, z, ONE).hypotheses[0] == kink
    assert kink in Theory({}).derivative(call("abs", z), z, where(rel(">", z, ZERO), ONE, MINUS_ONE)).hypotheses
    refused(lambda: Theory({}, (rel("=", z, ZERO),)).derivative(relu, z, ONE), "never hold")
    refused(lambda: Theory({}, (rel("=", z, ZERO),)).derivative(relu, z, ZERO))


def test_derivative_sees_a_kink_through_definitions() -> None:
    theory = Theory({"h": ((), sub(z, ONE))})
    step = where(rel(">", h, ZERO), z, neg(z))
    value = where(rel(">", z, ONE), ONE, MINUS_ONE)
    assert theory.derivative(step, z, value).hypotheses == (rel("!=", h, ZERO),)


# ---- chain -------------------------------------------------------------------------------------------

OUTER = {"J": ((), SQUARE)}
INNER: dict[str, Any] = {**OUTER, "h": ((), exp(z))}


def outer_and_inner() -> tuple[Theorem, Theorem]:
    return Theory(OUTER).derivative(COST, h, RESIDUAL), Theory(INNER).derivative(h, z, h)


def test_chain() -> None:
    theorem = Theory(INNER).chain(*outer_and_inner())
    assert theorem.conclusion == Derivative(COST, z, mul(RESIDUAL, h))
    assert theorem.definitions == INNER


def test_chain_sums_over_the_coordinates_of_h() -> None:
    outer = {"J": ((), sum_over(l, log(item("h", l))))}
    inner: dict[str, Any] = {**outer, "h": ((k,), exp(item("z", k)))}
    a = Theory(outer).derivative(COST, item("h", k), power(item("h", k), -1))
    b = Theory(inner).derivative(item("h", k), item("z", j), mul(item("h", k), kron(k, j)))
    theorem = Theory(inner).chain(a, b)
    assert theorem.conclusion.value == sum_over(  # type: ignore[union-attr]
        k, mul(power(item("h", k), -1), mul(item("h", k), kron(k, j)))
    )
    assert theorem.hypotheses == ()  # h > 0 and h != 0 follow from h = exp(z)


def test_chain_keeps_what_does_not_follow() -> None:
    outer: dict[str, Any] = {"J": ((), log(h))}
    inner = {**outer, "h": ((), z)}
    a, b = Theory(outer).derivative(COST, h, power(h, -1)), Theory(inner).derivative(h, z, ONE)
    assert set(Theory(inner).chain(a, b).hypotheses) == {rel(">", h, ZERO), rel("!=", h, ZERO)}


def test_chain_refuses_theorems_that_do_not_meet() -> None:
    a, b = outer_and_inner()
    theory = Theory(INNER)
    for pair in ((b, a), (a, a), (b, b), (a, theory.definition(h)), (theory.definition(h), b)):
        refused(lambda pair=pair: theory.chain(*pair), "chain rule needs")  # type: ignore[misc]


def test_chain_refuses_other_theories() -> None:
    a, b = outer_and_inner()
    for definitions in ({}, OUTER, {**OUTER, "h": ((), z)}, {**INNER, "J": ((), h)}):
        refused(lambda definitions=definitions: Theory(definitions).chain(a, b))  # type: ignore[misc]


def test_chain_refuses_a_cost_that_uses_z_itself() -> None:
    for cost in (mul(h, z), mul(h, x)):
        outer: dict[str, Any] = {"J": ((), cost), "x": ((), power(z, 2))}
        inner = {**outer, "h": ((), exp(z))}
        value = z if cost == mul(h, z) else x
        a, b = Theory(outer).derivative(COST, h, value), Theory(inner).derivative(h, z, h)
        refused(lambda inner=inner, a=a, b=b: Theory(inner).chain(a, b), "not only through h")  # type: ignore[misc]


def test_chain_refuses_a_cost_that_comes_to_use_z() -> None:
    """J = h w with w free; the other theory says w = z^2, so dJ/dz is 3 z^2 and not w dh/dz = z^2."""
    outer: dict[str, Any] = {"J": ((), mul(h, w))}
    inner = {**outer, "h": ((), z), "w": ((), power(z, 2))}
    a, b = Theory(outer).derivative(COST, h, w), Theory(inner).derivative(h, z, ONE)
    refused(lambda: Theory(inner).chain(a, b))


def test_chain_refuses_capture() -> None:
    outer = {"J": ((), sum_over(l, log(item("h", l))))}
    inner: dict[str, Any] = {**outer, "h": ((k,), exp(item("z", k)))}
    a = Theory(outer).derivative(COST, item("h", k), power(item("h", k), -1))
    b = Theory(inner).derivative(item("h", k), item("z", k), item("h", k))
    refused(lambda: Theory(inner).chain(a, b), "taken already")
    c = Theory({}).derivative(mul(item("y", k), item("h", k)), item("h", k), item("y", k))
    d = Theory({"h": inner["h"]}).derivative(item("h", k), item("z", j), mul(item("h", k), kron(k, j)))
    refused(lambda: Theory({"h": inner["h"]}).chain(c, d), "taken already")


# ---- rewrite -----------------------------------------------------------------------------------------


def test_rewrite_adds_hypotheses() -> None:
    theory = Theory({})
    slope, equation = theory.derivative(power(z, 2), z, mul(TWO, z)), theory.equal(mul(TWO, z), div(mul(TWO, z, w), w))
    theorem = theory.rewrite(slope, equation)
    assert theorem.conclusion == Derivative(power(z, 2), z, div(mul(TWO, z, w), w))
    assert theorem.hypotheses == (rel("!=", w, ZERO),)


def test_rewrite_keeps_equations() -> None:
    total = rel("=", sum_over(k, item("y", k)), ONE)
    slope = Theory({}).derivative(mul(z, sum_over(k, item("y", k))), z, sum_over(k, item("y", k)))
    equation = Theory({}, (total,)).equal(sum_over(k, item("y", k)), ONE)
    assert Theory({}).rewrite(slope, equation).hypotheses == (total,)


def test_rewrite_refuses() -> None:
    theory = Theory({})
    slope, equation = theory.derivative(power(z, 2), z, mul(TWO, z)), theory.equal(mul(TWO, z), add(z, z))
    for pair in ((slope, theory.equal(add(z, z), mul(TWO, z))), (slope, slope), (equation, equation)):
        refused(lambda pair=pair: theory.rewrite(*pair), "does not rewrite")  # type: ignore[misc]
    other = Theory({"z": ((), w)})
    refused(lambda: theory.rewrite(slope, other.equal(mul(TWO, z), add(w, w))), "other definitions")


def test_rewrite_does_not_carry_a_derivative_under_new_definitions() -> None:
    """d(h w)/dh = w holds for w free of h only."""
    slope = Theory({}).derivative(mul(h, w), h, w)
    theory = Theory({"w": ((), power(h, 2))})
    refused(lambda: theory.rewrite(slope, theory.equal(w, w)))
    assert theory.derivative(mul(h, w), h, mul(num(3), power(h, 2)))


def test_rewrite_keeps_what_a_definition_needs() -> None:
    slope = Theory({}).derivative(mul(h, x), x, h)
    theory = Theory({"h": ((), log(z))})
    for equation in (theory.definition(h), theory.equal(h, log(z))):
        try:
            theorem = theory.rewrite(slope, equation)
        except KernelError:
            continue
        assert rel(">", z, ZERO) in theorem.hypotheses


# ---- total -------------------------------------------------------------------------------------------

USES_Z = add(mul(h, z), SQUARE)  # J = h z + (h - y)^2/2, with h := exp(z)
FREE: dict[str, Any] = {"J": ((), USES_Z)}
BOUND: dict[str, Any] = {**FREE, "h": ((), exp(z))}


def slope_of_h() -> Theorem:
    return Theory(BOUND).derivative(h, z, h)


def test_total() -> None:
    theorem = Theory(BOUND).total(Theory(FREE), COST, slope_of_h(), add(h, mul(z, h), mul(RESIDUAL, h)))
    assert theorem.conclusion == Derivative(COST, z, add(h, mul(z, h), mul(RESIDUAL, h)))
    assert (theorem.definitions, theorem.hypotheses) == (BOUND, ())


def test_total_of_the_first_is_the_second_derivative() -> None:
    theory, outer = Theory(BOUND), Theory(FREE)
    first = theory.total(outer, COST, slope_of_h(), add(h, mul(z, h), mul(RESIDUAL, h)))
    second = add(mul(TWO, h), mul(z, h), mul(TWO, power(h, 2)), neg(mul(y, h)))
    theorem = theory.total(outer, first, slope_of_h(), second)
    assert theorem.conclusion == Derivative(COST, z, second, 2)
    for wrong in (add(second, ONE), first.conclusion[2], ZERO, mul(TWO, second)):
        refused(lambda wrong=wrong: theory.total(outer, first, slope_of_h(), wrong), "not the total derivative")  # type: ignore[misc]


def test_total_of_a_family() -> None:
    """By the same coordinate twice: J = sum_k h_k z_k with h_k = z_k^2 has 3 z_j^2, and then 6 z_j."""
    outer: dict[str, Any] = {"J": ((), sum_over(k, mul(item("h", k), item("z", k))))}
    inner = {**outer, "h": ((k,), power(item("z", k), 2))}
    zj, hj = item("z", j), item("h", j)
    theory = Theory(inner)
    slope = theory.derivative(item("h", k), zj, mul(TWO, item("z", k), kron(k, j)))
    first = theory.total(Theory(outer), COST, slope, add(hj, mul(TWO, power(zj, 2))))
    assert theory.total(Theory(outer), first, slope, mul(num(6), zj)).conclusion.order == 2  # type: ignore[union-attr]
    for wrong in (add(hj, power(zj, 2)), add(hj, mul(TWO, zj, sum_over(k, item("z", k)))), hj):
        refused(lambda wrong=wrong: theory.total(Theory(outer), COST, slope, wrong), "not the total derivative")  # type: ignore[misc]


def test_total_takes_the_smoothness_in_h() -> None:
    """J = |h| z with h := z - 1 is not differentiable where h = 0, though z is smooth there."""
    outer: dict[str, Any] = {"J": ((), mul(absolute(h), z))}
    theory = Theory({**outer, "h": ((), sub(z, ONE))})
    sign = where(H_POSITIVE, ONE, MINUS_ONE)
    theorem = theory.total(Theory(outer), COST, theory.derivative(h, z, ONE), add(absolute(h), mul(sign, z)))
    assert theorem.hypotheses == (rel("!=", h, ZERO),)


def test_total_keeps_what_does_not_follow() -> None:
    """What is assumed of a free h is to be shown of the activation."""
    outer: dict[str, Any] = {"J": ((), mul(z, absolute(h)))}
    positive = Theory(outer, (H_POSITIVE,))
    for activation, slope, hypotheses in ((z, ONE, (H_POSITIVE, rel("!=", h, ZERO))), (exp(z), h, ())):
        theory = Theory({**outer, "h": ((), activation)})
        value = add(h, mul(z, slope))
        theorem = theory.total(positive, COST, theory.derivative(h, z, slope), value)
        assert set(theorem.hypotheses) == set(hypotheses)


@pytest.mark.parametrize("value", [h, add(h, mul(z, h)), ZERO, mul(RESIDUAL, h), neg(add(h, mul(z, h)))], ids=str)
def test_total_refuses_another_value(value: Term) -> None:
    refused(lambda: Theory(BOUND).total(Theory(FREE), COST, slope_of_h(), value), "not the total derivative")


def test_total_refuses_theorems_that_do_not_meet() -> None:
    theory, outer, value = Theory(BOUND), Theory(FREE), add(h, mul(z, h), mul(RESIDUAL, h))
    first = theory.total(outer, COST, slope_of_h(), value)
    for slope in (theory.definition(h), theory.equal(h, h)):
        refused(lambda slope=slope: theory.total(outer, COST, slope, value), "needs dh/dz")  # type: ignore[misc]
    refused(lambda: theory.total(outer, COST, theory.derivative(mul(TWO, h), z, mul(TWO, h)), value))
    refused(lambda: theory.total(outer, COST, first, value), "same definitions but that of h")
    for subject in (
        theory.equal(h, h),
        theory.derivative(h, y, ZERO),
        theory.total(outer, first, slope_of_h(), second()),
    ):
        refused(lambda subject=subject: theory.total(outer, subject, slope_of_h(), ZERO), "needs dJ/dz")  # type: ignore[misc]
    refused(lambda: theory.total(outer, z, slope_of_h(), value), "not the total derivative")


def second() -> Term:
    return add(mul(TWO, h), mul(z, h), mul(TWO, power(h, 2)), neg(mul(y, h)))


def test_total_refuses_other_theories() -> None:
    value = add(h, mul(z, h), mul(RESIDUAL, h))
    for free, bound in (
        (BOUND, BOUND),
        ({}, BOUND),
        (FREE, FREE),
        (FREE, {**BOUND, "h": ((), z)}),
        ({**FREE, "y": ((), power(z, 2))}, BOUND),
        (FREE, {**BOUND, "y": ((), power(z, 2))}),
    ):
        refused(
            lambda free=free, bound=bound: Theory(bound).total(Theory(free), COST, slope_of_h(), value), "definitions"
        )  # type: ignore[misc]


def test_total_refuses_a_first_derivative_under_other_definitions() -> None:
    """dh/dz = h is the same, and J is another function."""
    other: dict[str, Any] = {**BOUND, "J": ((), h)}
    first = Theory(other).derivative(COST, z, h)
    refused(lambda: Theory(BOUND).total(Theory(FREE), first, slope_of_h(), h), "other definitions")


def test_total_refuses_capture() -> None:
    outer: dict[str, Any] = {"J": ((), sum_over(l, power(item("h", l), 2)))}
    theory = Theory({**outer, "h": ((k,), item("z", k))})
    slope = theory.derivative(item("h", k), item("z", j), kron(k, j))
    refused(lambda: theory.total(Theory(outer), item("h", k), slope, kron(k, j)), "taken already")
    diagonal = theory.derivative(item("h", k), item("z", k), ONE)
    with suppress(KernelError):
        assert theory.total(Theory(outer), COST, diagonal, mul(TWO, item("h", k)))
    refused(lambda: theory.total(Theory(outer), COST, diagonal, mul(TWO, sum_over(l, item("h", l)))))


def test_a_derivative_at_points_only_is_not_differentiated() -> None:
    """Where z = 1, z^2 has the derivative 2; that is no function to differentiate. The same for z >= 1."""
    outer: dict[str, Any] = {"J": ((), power(z, 2))}
    definitions = {**outer, "h": ((), z)}
    theory = Theory(definitions)
    slope = theory.derivative(h, z, ONE)
    for border in (rel("=", z, ONE), rel("=", h, ONE)):
        first = Theory(definitions, (border,)).derivative(COST, z, TWO)
        refused(lambda first=first: theory.total(Theory(outer), first, slope, ZERO), "no open set")  # type: ignore[misc]
    closed = Theory(definitions, (rel(">=", z, ONE),))
    first = closed.derivative(COST, z, mul(TWO, absolute(z)))
    assert rel(">=", z, ONE) in first.hypotheses
    refused(lambda: theory.total(Theory(outer), first, slope, TWO), "no open set")


# ---- cases -------------------------------------------------------------------------------------------

UP, DOWN = rel(">", z, ZERO), rel("<", z, ZERO)
RELU = where(UP, z, ZERO)
Sides = tuple[Theory, Theory, Theorem, Theorem]


def sides(
    cost: Term, inside: Term, outside: Term, up: Term = UP, down: Term = DOWN, activation: Term = z, **also: Term
) -> Sides:
    """The theories with h free and with h := z, and dJ/dz on both sides of a border."""
    free: dict[str, Any] = {"J": ((), cost)}
    bound = {**free, "h": ((), activation)}
    above, below = (
        Theory(bound, (relation,)).derivative(COST, z, value) for relation, value in ((up, inside), (down, outside))
    )
    return Theory(free, also.values()), Theory(bound, also.values()), above, below


def test_cases() -> None:
    _, theory, inside, outside = sides(RELU, ONE, ZERO)
    theorem = theory.cases(UP, inside, outside, where(UP, ONE, ZERO))
    assert theorem.conclusion == Derivative(COST, z, where(UP, ONE, ZERO))
    assert theorem.hypotheses == (rel("!=", z, ZERO),)
    assert theory.cases(rel(">=", z, ZERO), inside, outside, where(rel(">=", z, ZERO), ONE, ZERO))


def test_cases_take_a_common_factor_out() -> None:
    cost = where(UP, mul(HALF, power(z, 2)), power(z, 2))
    _, theory, inside, outside = sides(cost, z, mul(TWO, z))
    for value in (where(UP, z, mul(TWO, z)), mul(where(UP, ONE, TWO), z)):
        assert theory.cases(UP, inside, outside, value).hypotheses == (rel("!=", z, ZERO),)
    for value in (
        mul(where(UP, TWO, ONE), z),
        z,
        mul(TWO, z),
        where(UP, mul(TWO, z), z),
        ZERO,
        mul(where(UP, ONE, TWO), h),
    ):
        refused(lambda value=value: theory.cases(UP, inside, outside, value), "does not put the two cases together")  # type: ignore[misc]


def test_cases_of_the_same_value() -> None:
    _, theory, inside, outside = sides(add(z, where(UP, ONE, ZERO)), ONE, ONE)
    assert theory.cases(UP, inside, outside, ONE).hypotheses == (rel("!=", z, ZERO),)


def test_cases_of_a_second_derivative() -> None:
    bound: dict[str, Any] = {"J": ((), where(UP, power(z, 2), ZERO)), "h": ((), z)}
    found = []
    for relation, first, value in ((UP, mul(TWO, z), TWO), (DOWN, ZERO, ZERO)):
        theory = Theory(bound, (relation,))
        outer = Theory({"J": bound["J"]}, (relation,))
        slope = theory.derivative(h, z, ONE)
        found.append(theory.total(outer, theory.derivative(COST, z, first), slope, value))
    theorem = Theory(bound).cases(UP, *found, where(UP, TWO, ZERO))
    assert theorem.conclusion.order == 2 and theorem.hypotheses == (rel("!=", z, ZERO),)  # type: ignore[union-attr]
    refused(
        lambda: Theory(bound).join(Theory({"J": bound["J"]}), UP, *found, where(UP, TWO, ZERO), h), "first derivatives"
    )


def test_a_case_keeps_the_hypotheses_of_its_own_side_only() -> None:
    """Either theorem taken for the other side, or for both, says nothing beyond where it holds."""
    _, theory, inside, outside = sides(RELU, ONE, ZERO)
    for first, second, value, kept in (
        (outside, inside, where(UP, ZERO, ONE), {UP, DOWN}),
        (inside, inside, ONE, {UP}),
        (outside, outside, ZERO, {DOWN}),
    ):
        try:
            theorem = theory.cases(UP, first, second, value)
        except KernelError:
            continue
        assert kept <= set(theorem.hypotheses)


def test_cases_keep_other_hypotheses() -> None:
    cost = where(UP, log(w), z)
    definitions = {"J": ((), cost), "h": ((), z)}
    inside = Theory(definitions, (UP,)).derivative(COST, z, ZERO)
    outside = Theory(definitions, (DOWN,)).derivative(COST, z, ONE)
    assert set(Theory(definitions).cases(UP, inside, outside, where(UP, ZERO, ONE)).hypotheses) == {
        rel(">", w, ZERO),
        rel("!=", z, ZERO),
    }


def test_cases_refuse_theorems_that_are_no_two_cases() -> None:
    _, theory, inside, outside = sides(RELU, ONE, ZERO)
    bound = theory.definitions
    up = Theory(bound, (UP,))
    for other in (
        theory.definition(h),
        up.equal(z, z),
        up.derivative(h, z, ONE),
        up.derivative(COST, y, ZERO),
        up.total(Theory({"J": bound["J"]}, (UP,)), inside, up.derivative(h, z, ONE), ZERO),
    ):
        refused(lambda other=other: theory.cases(UP, other, outside, where(UP, ONE, ZERO)), "different derivatives")  # type: ignore[misc]
        refused(lambda other=other: theory.cases(UP, inside, other, where(UP, ONE, ZERO)), "different derivatives")  # type: ignore[misc]


def test_cases_refuse_other_definitions() -> None:
    _, theory, inside, outside = sides(RELU, ONE, ZERO)
    _, other, _, foreign = sides(power(z, 2), mul(TWO, z), mul(TWO, z))
    value = where(UP, ONE, ZERO)
    refused(lambda: other.cases(UP, inside, outside, value), "other definitions")
    refused(lambda: theory.cases(UP, inside, foreign, where(UP, ONE, mul(TWO, z))), "other definitions")
    refused(lambda: theory.cases(UP, foreign, outside, where(UP, mul(TWO, z), ZERO)), "other definitions")


@pytest.mark.parametrize("condition", [rel("=", z, ZERO), rel("!=", z, ZERO), z, ZERO], ids=str)
def test_cases_refuse_what_is_no_border(condition: Term) -> None:
    _, theory, inside, outside = sides(RELU, ONE, ZERO)
    refused(lambda: theory.cases(condition, inside, outside, where(UP, ONE, ZERO)))


def test_cases_keep_what_the_value_needs() -> None:
    """z log z - z for z > 0, else 0: where(z > 0, 1, 0) log z is not defined for z < 0."""
    cost = where(UP, sub(mul(z, log(z)), z), ZERO)
    _, theory, inside, outside = sides(cost, log(z), ZERO)
    try:
        theorem = theory.cases(UP, inside, outside, mul(where(UP, ONE, ZERO), log(z)))
    except KernelError:
        return
    assert rel(">", z, ZERO) in theorem.hypotheses


def test_a_condition_on_every_index_divides_nothing() -> None:
    """z[k] > 0 says so for all k: between that and z[k] < 0 for all k is more than a border."""
    zk, zj = item("z", k), item("z", j)
    cost = power(sum_over(l, where(rel(">", item("z", l), ZERO), item("z", l), ZERO)), 2)
    definitions: dict[str, Any] = {"J": ((), cost)}
    total = sum_over(l, item("z", l))
    inside = Theory(definitions, (rel(">", zk, ZERO),)).derivative(COST, zj, mul(TWO, total))
    outside = Theory(definitions, (rel("<", zk, ZERO),)).derivative(COST, zj, ZERO)
    for own in (zk, zj):
        condition = rel(">", own, ZERO)
        value = where(condition, mul(TWO, total), ZERO)
        refused(lambda c=condition, v=value: Theory(definitions).cases(c, inside, outside, v), "free index")  # type: ignore[misc]


# ---- join --------------------------------------------------------------------------------------------
JOINED: dict[str, tuple[Term, Term, Term]] = {
    "relu squared": (power(RELU, 2), mul(TWO, z), ZERO),
    "half a square": (where(UP, mul(HALF, power(z, 2)), ZERO), z, ZERO),
    "z |z|": (mul(z, absolute(z)), mul(TWO, z), mul(num(-2), z)),
    "softsign": (div(z, add(ONE, absolute(z))), power(add(ONE, z), -2), power(sub(ONE, z), -2)),
    "a square and a cube": (where(UP, power(z, 2), power(z, 3)), mul(TWO, z), mul(num(3), power(z, 2))),
    "elu": (where(UP, z, sub(exp(z), ONE)), ONE, exp(z)),
}
APART: dict[str, tuple[Term, Term, Term]] = {
    "relu": (RELU, ONE, ZERO),
    "abs": (absolute(z), ONE, MINUS_ONE),
    "a leak": (where(UP, z, mul(num(1, 10), z)), ONE, num(1, 10)),
    "by very little": (where(UP, z, mul(sub(ONE, num(1, 10**60)), z)), ONE, sub(ONE, num(1, 10**60))),
    "a step": (where(UP, ONE, ZERO), ZERO, ZERO),
    "a step and more": (where(UP, add(z, ONE), z), ONE, ONE),
    "a step, written otherwise": (where(rel(">", mul(TWO, z), ZERO), ONE, ZERO), ZERO, ZERO),
    "a step, closed": (where(rel(">=", z, ZERO), ONE, ZERO), ZERO, ZERO),
    "a step the other way": (where(rel("<=", z, ZERO), ONE, ZERO), ZERO, ZERO),
    "a step by abs": (div(z, absolute(z)), ZERO, ZERO),
    "patched at the border": (where(UP, power(z, 2), where(DOWN, power(z, 3), num(7))), mul(TWO, z),
                              mul(num(3), power(z, 2))),
    "a pole": (where(UP, power(z, -2), power(z, -2)), mul(num(-2), power(z, -3)), mul(num(-2), power(z, -3))),
    "a root": (where(UP, power(z, HALF), power(neg(z), HALF)), mul(HALF, power(z, num(-1, 2))),
               mul(num(-1, 2), power(neg(z), num(-1, 2)))),
    "by values that jump": (RELU, where(rel("<=", z, ZERO), ZERO, ONE), ZERO),
    "by values that jump elsewhere": (RELU, ONE, where(rel(">=", z, ZERO), ONE, ZERO)),
    "by values over z": (absolute(z), div(z, absolute(z)), div(z, absolute(z))),
}  # fmt: skip


@pytest.mark.parametrize(("cost", "inside", "outside"), JOINED.values(), ids=JOINED)
def test_join(cost: Term, inside: Term, outside: Term) -> None:
    outer, theory, above, below = sides(cost, inside, outside)
    theorem = theory.join(outer, UP, above, below, where(UP, inside, outside), h)
    assert theorem.conclusion == Derivative(COST, z, where(UP, inside, outside))
    assert theorem.hypotheses == ()


@pytest.mark.parametrize(("cost", "inside", "outside"), APART.values(), ids=APART)
def test_sides_that_do_not_meet_are_not_joined(cost: Term, inside: Term, outside: Term) -> None:
    outer, theory, above, below = sides(cost, inside, outside)
    refused(lambda: theory.join(outer, UP, above, below, where(UP, inside, outside), h))
    assert rel("!=", z, ZERO) in theory.cases(UP, above, below, where(UP, inside, outside)).hypotheses


def test_join_at_a_closed_border() -> None:
    for up, down in ((rel(">=", z, ZERO), DOWN), (rel("<=", z, ZERO), UP)):
        outer, theory, above, below = sides(where(up, power(z, 2), ZERO), mul(TWO, z), ZERO, strictly(up), down)
        assert theory.join(outer, up, above, below, where(up, mul(TWO, z), ZERO), h).hypotheses == ()


def test_a_border_that_is_not_smooth_is_none() -> None:
    """1/z > 0 says z > 0; where z = 0 nothing is defined, and no border is met."""
    up, down = rel(">", power(z, -1), ZERO), rel("<", power(z, -1), ZERO)
    for cost, inside, outside in ((where(up, z, ZERO), ONE, ZERO), (where(up, ONE, ZERO), ZERO, ZERO)):
        outer, theory, above, below = sides(cost, inside, outside, up, down)
        value = where(up, inside, outside)
        with suppress(KernelError):
            theorem = theory.join(outer, up, above, below, value, h)
            assert {r for r in theorem.hypotheses if r.args[0] == "!="}


@pytest.mark.parametrize("of", [y, w], ids=str)
def test_a_border_that_z_does_not_move_is_not_joined(of: Term) -> None:
    """J is z where y = 1, else 0; between y < 1 and y > 1 there is no mean value."""
    up, down = rel(">", of, ONE), rel("<", of, ONE)
    cost = where(rel(">=", of, ONE), where(rel("<=", of, ONE), z, ZERO), ZERO)
    outer, theory, above, below = sides(cost, ZERO, ZERO, up, down)
    refused(lambda: theory.join(outer, up, above, below, ZERO, h))


@pytest.mark.parametrize("activation", [power(z, -1), div(power(z, 2), z), absolute(z)], ids=str)
def test_an_output_that_is_undefined_or_kinked_at_the_border_is_not_joined_away(activation: Term) -> None:
    above, below = rel(">", h, ZERO), rel("<", h, ZERO)
    free: dict[str, Any] = {"J": ((), where(above, add(h, num(5)), add(h, num(5))))}
    bound = {**free, "h": ((), activation)}
    slope = {power(z, -1): neg(power(z, -2)), absolute(z): where(UP, ONE, MINUS_ONE)}.get(activation, ONE)
    with suppress(KernelError):
        found = []
        for relation in (above, below):
            first = Theory(free, (relation,)).derivative(COST, h, ONE)
            second = Theory(bound, (relation,)).derivative(h, z, slope)
            found.append(Theory(bound, (relation,)).chain(first, second))
        for join in (True, False):
            theory, value = Theory(bound), mul(ONE, slope)
            theorem = theory.join(Theory(free), above, *found, value, h) if join else theory.cases(above, *found, value)
            assert rel("!=", z, ZERO) in theorem.hypotheses


def test_join_at_a_border_in_h() -> None:
    """Huber's loss with d = 1, on the side h > y - 1."""
    up, down = rel(">", RESIDUAL, ONE), rel("<", RESIDUAL, ONE)
    outer, theory, above, below = sides(where(up, sub(RESIDUAL, HALF), SQUARE), ONE, RESIDUAL, up, down)
    assert theory.join(outer, up, above, below, where(up, ONE, RESIDUAL), h).hypotheses == ()
    outer, theory, above, below = sides(where(up, RESIDUAL, SQUARE), ONE, RESIDUAL, up, down)
    refused(lambda: theory.join(outer, up, above, below, where(up, ONE, RESIDUAL), h), "no multiple of the border")


@pytest.mark.parametrize(
    ("cost", "activation", "inside", "outside"),
    [(h, where(UP, ONE, ZERO), ZERO, ZERO), (power(h, 2), where(UP, z, ONE), mul(TWO, z), ZERO), (h, RELU, ONE, ZERO)],
    ids=["a step", "a jump", "a kink"],
)
@pytest.mark.parametrize("beside", [ZERO, add(h, neg(h))], ids=["", "naming h"])
def test_what_the_activation_does_at_the_border_is_not_overlooked(
    cost: Term, activation: Term, inside: Term, outside: Term, beside: Term
) -> None:
    """Also where the border names h, so that J is looked at with h free."""
    up, down = (rel(op, add(z, beside), ZERO) for op in "><")
    with suppress(KernelError):
        outer, theory, above, below = sides(cost, inside, outside, up, down, activation)
        theorem = theory.join(outer, up, above, below, where(up, inside, outside), h)
        assert rel("!=", z, ZERO) in theorem.hypotheses


def test_an_activation_is_joined() -> None:
    elu = where(UP, z, sub(exp(z), ONE))
    outer, theory, above, below = sides(power(h, 2), mul(TWO, h), mul(TWO, h, exp(z)), activation=elu)
    value = mul(where(UP, ONE, exp(z)), mul(TWO, h))
    for inside, outside, joined in (
        (mul(TWO, h), mul(TWO, h, exp(z)), where(UP, mul(TWO, h), mul(TWO, h, exp(z)))),
        (mul(ONE, mul(TWO, h)), mul(exp(z), mul(TWO, h)), value),
    ):
        outer, theory, above, below = sides(power(h, 2), inside, outside, activation=elu)
        assert theory.join(outer, UP, above, below, joined, h).hypotheses == ()


def test_join_keeps_other_hypotheses() -> None:
    """What is said of w is needed on both sides and at the border."""
    cost, value = where(UP, div(power(z, 2), w), ZERO), div(mul(TWO, z), w)
    said = rel("!=", w, ZERO)
    outer, theory, above, below = sides(cost, value, ZERO, said=said)
    assert theory.join(outer, UP, above, below, where(UP, value, ZERO), h).hypotheses == (said,)
    outer, theory, above, below = sides(cost, value, ZERO)
    with suppress(KernelError):
        assert theory.join(outer, UP, above, below, where(UP, value, ZERO), h).hypotheses == (said,)


def test_join_says_what_it_uses_at_the_border() -> None:
    """|w| z beside w z: the two slopes meet where w > 0, and the theorems on the sides need not know."""
    cost, said = where(UP, mul(absolute(w), z), mul(w, z)), rel(">", w, ZERO)
    _, _, above, below = sides(cost, absolute(w), w)
    assert above.hypotheses == (UP,)
    theory, outer = Theory(above.definitions, (said,)), Theory({"J": ((), cost)}, (said,))
    value = where(UP, absolute(w), w)
    assert theory.join(outer, UP, above, below, value, h).hypotheses == (said,)
    refused(lambda: Theory(above.definitions).join(Theory({"J": ((), cost)}), UP, above, below, value, h))


def test_join_refuses_a_side_that_ends_at_the_border() -> None:
    """A side proved for z >= 0 is not known on a neighbourhood of 0."""
    up = rel(">=", z, ZERO)
    definitions: dict[str, Any] = {"J": ((), where(up, power(z, 2), ZERO)), "h": ((), z)}
    theory, outer = Theory(definitions), Theory({"J": definitions["J"]})
    above, below = (Theory(definitions, (r,)).derivative(COST, z, v) for r, v in ((up, mul(TWO, z)), (DOWN, ZERO)))
    assert set(above.hypotheses) == {up, rel("!=", z, ZERO)}
    refused(lambda: theory.join(outer, up, above, below, where(up, mul(TWO, z), ZERO), h), "no open set")


@pytest.mark.parametrize(
    ("up", "down"),
    [
        (rel(">", y, ONE), rel("<", y, ONE)),
        (rel(">", absolute(z), ZERO), rel("<", absolute(z), ZERO)),
        (rel(">", where(UP, ONE, MINUS_ONE), ZERO), rel("<", where(UP, ONE, MINUS_ONE), ZERO)),
        (rel(">", log(z), ZERO), rel("<", log(z), ONE)),
    ],
    ids=["it does not move", "it has a kink", "it jumps", "it is not on both sides"],
)
def test_join_refuses_other_borders(up: Term, down: Term) -> None:
    """Also where both sides are z^2, so that nothing would be wrong."""
    with suppress(KernelError):
        outer, theory, above, below = sides(power(z, 2), mul(TWO, z), mul(TWO, z), up, down)
        theorem = theory.join(outer, up, above, below, mul(TWO, z), h)
        assert theorem.hypotheses


@pytest.mark.parametrize("value", [where(rel(">", power(z, -1), ZERO), ONE, ZERO), ZERO], ids=["where", "0"])
def test_cases_keep_where_their_border_is_defined(value: Term) -> None:
    """1/z != 0 wherever it is defined: that is not at z = 0."""
    up, down = rel(">", power(z, -1), ZERO), rel("<", power(z, -1), ZERO)
    cost, inside = (where(up, ONE, ZERO), ZERO) if value == ZERO else (where(up, z, ZERO), ONE)
    _, theory, above, below = sides(cost, inside, ZERO, up, down)
    assert rel("!=", z, ZERO) in theory.cases(up, above, below, value).hypotheses


def test_join_refuses_what_cases_refuse() -> None:
    outer, theory, above, below = sides(*JOINED["relu squared"])
    value = where(UP, mul(TWO, z), ZERO)
    assert theory.join(outer, UP, above, below, value, h)
    refused(lambda: theory.join(outer, UP, above, below, where(UP, z, ZERO), h), "put the two cases together")
    refused(lambda: theory.join(outer, UP, above, theory.definition(h), value, h), "different derivatives")
    refused(lambda: Theory({}).join(outer, UP, above, below, value, h))


def test_a_side_on_its_border_is_no_neighbourhood() -> None:
    """Derivatives that are known where z = 1 only, or for z >= 1, are joined at no border."""
    bound: dict[str, Any] = {"J": ((), power(RELU, 2)), "h": ((), z)}
    for closed in (rel("=", z, ZERO), rel(">=", add(z, ONE), ONE)):
        with suppress(KernelError):
            first = Theory(bound, (UP, closed)).derivative(COST, z, mul(TWO, z))
            second = Theory(bound, (DOWN,)).derivative(COST, z, ZERO)
            theorem = Theory(bound).join(Theory({"J": bound["J"]}), UP, first, second, where(UP, mul(TWO, z), ZERO), h)
            assert closed not in theorem.hypotheses


# ---- equal where a border is ---------------------------------------------------------------------------


def test_equal_where_zero() -> None:
    border = sub(z, ONE)
    theorem = Theory({}).equal_where_zero(border, power(z, 2), z)
    assert theorem.conclusion == Equation(power(z, 2), z)
    assert theorem.hypotheses == (rel("=", border, ZERO),)
    assert rel("!=", w, ZERO) in Theory({}).equal_where_zero(border, div(power(z, 2), w), div(z, w)).hypotheses


@pytest.mark.parametrize(
    ("border", "left", "right"),
    [
        (sub(z, ONE), z, TWO),
        (sub(z, ONE), ONE, ZERO),
        (power(sub(z, ONE), 2), z, ONE),
        (sub(z, ONE), log(z), ONE),
        (sub(z, ONE), item("z", j), item("z", k)),
        (ZERO, z, w),
        (sub(z, z), z, w),
        (sub(z, ONE), power(sub(w, w), -1), ZERO),
        (LOOSE, z, z),
    ],
    ids=str,
)
def test_equal_where_zero_refuses(border: Term, left: Term, right: Term) -> None:
    refused(lambda: Theory({}).equal_where_zero(border, left, right))


def test_equal_where_zero_keeps_a_border_that_is_never_met() -> None:
    """Then it says nothing: 1 = 0, or 1/(z - 1) = 0 where z = 1."""
    for border, left in ((ONE, z), (exp(z), z), (div(ONE, z), z), (sub(z, ONE), power(sub(z, ONE), -1))):
        with suppress(KernelError):
            theorem = Theory({}).equal_where_zero(border, left, w)
            assert rel("=", border, ZERO) in theorem.hypotheses


# ---- questions that a theory answers -------------------------------------------------------------------


def test_holds() -> None:
    theory = Theory({"h": ((), exp(z))}, (rel(">", w, ONE),))
    assert theory.holds(H_POSITIVE) and theory.holds(rel(">", w, ZERO)) and theory.holds(rel("!=", add(w, h), ZERO))
    assert not any(theory.holds(rel(op, z, ZERO)) for op in ("<", "<=", ">", ">=", "=", "!="))
    refused(lambda: theory.holds(rel("<", h, ZERO)), "never hold")
    refused(lambda: theory.holds(rel(">", call("acosh", z), ZERO)))


def test_a_refusal_is_no_proof() -> None:
    theory = Theory({}, (H_POSITIVE,))
    assert is_proved(theory.holds, H_POSITIVE) and is_proved(theory.equal, add(h, h), mul(TWO, h))
    assert not is_proved(theory.holds, rel(">", z, ZERO))
    assert not is_proved(theory.holds, rel("<", h, ZERO))  # it can never hold
    assert not is_proved(theory.equal, h, z)
    with pytest.raises(TypeError):  # only what the kernel refuses is no proof: a wrong call is a mistake
        is_proved(theory.holds)  # type: ignore[call-arg]


def test_needs() -> None:
    theory = Theory({"h": ((), log(z))}, (rel(">", w, ZERO),))
    assert theory.needs(add(div(h, w), log(w))) == (rel(">", z, ZERO),)
    assert theory.needs(absolute(z)) == theory.needs(RELU) == ()
    assert theory.needs(absolute(z), z) == theory.needs(RELU, z) == (rel("!=", z, ZERO),)
    assert theory.needs(absolute(w), z) == theory.needs(mul(absolute(w), z), z) == ()
    refused(lambda: theory.needs(power(sub(w, w), -1)), "never hold")
    refused(lambda: Theory({}, (rel("=", z, ZERO),)).needs(RELU, z), "never hold")
    refused(lambda: theory.needs(LOOSE))


def test_moving_names() -> None:
    theory = Theory({"h": ((), exp(z))})
    assert theory.moving_names(mul(h, w)) == {"z", "w"}
    assert theory.moving_names(add(sub(z, z), w)) == {"w"}
    assert theory.moving_names(div(mul(z, w), z)) == {"w"}
    assert theory.moving_names(sum_over(k, item("z", k))) == {"z"}
    refused(lambda: theory.moving_names(LOOSE))


@pytest.mark.parametrize(
    ("term", "inside", "outside"),
    [
        (RELU, z, ZERO),
        (absolute(z), z, neg(z)),
        (where(rel(">", z, ONE), w, RELU), where(rel(">", z, ONE), w, z), where(rel(">", z, ONE), w, ZERO)),
        (where(UP, RELU, absolute(z)), z, neg(z)),
        (where(rel(">=", z, ZERO), w, x), where(rel(">=", z, ZERO), w, x), where(rel(">=", z, ZERO), w, x)),
        (absolute(neg(z)), absolute(neg(z)), absolute(neg(z))),
    ],
    ids=str,
)
def test_resolved(term: Term, inside: Term, outside: Term) -> None:
    """A condition is decided where it is written, and nowhere else."""
    assert (resolved(term, UP, True), resolved(term, UP, False)) == (inside, outside)
    for relation, side in ((UP, True), (rel("<=", z, ZERO), False)):
        assert Theory({}, (relation,)).equal(term, inside if side else outside)


def test_merged_values_are_the_values_of_their_sides() -> None:
    for left, right in ((z, mul(TWO, z)), (z, ZERO), (ZERO, z), (z, z), (mul(w, z), mul(x, z)), (ONE, z), (ZERO, ZERO)):
        for value in merged_values(UP, left, right):
            assert Theory({}, (UP,)).equal(value, left)
            assert Theory({}, (rel("<=", z, ZERO),)).equal(value, right)


# ---- terms made by hand ------------------------------------------------------------------------------

ELEMENT = ("item", ("z", LOOSE))
BY_HAND: list[tuple[str, tuple[Any, ...]]] = [
    ("bound", (0, "K")),
    ELEMENT,
    ("item", ("z",)),
    ("item", ("z", z)),
    ("item", (z, k)),
    ("sum", ("K", Term("item", ("z", Term("bound", (1, "K")))))),
    ("sum", ("K", Term("item", ("z", Term("bound", (0, "m")))))),
    ("sum", ("K",)),
    ("sum", (z, z)),
    ("kron", (k, i)),
    ("kron", (z, w)),
    ("kron", (k,)),
    ("kron", (LOOSE, k)),
    ("where", (rel("=", z, ZERO), ONE, ZERO)),
    ("where", (z, ONE, ZERO)),
    ("where", (rel("<", z, ZERO), ONE)),
    ("rel", ("~", z, ZERO)),
    ("num", (0.5,)),
    ("num", ("1",)),
    ("num", (1,)),
    ("num", (True,)),
    ("num", (None,)),
    ("num", ()),
    ("var", ()),
    ("var", (1,)),
    ("size", (0,)),
    ("pow", (z,)),
    ("pow", (z, 2)),
    ("pow", (z, k)),
    ("call", ()),
    ("call", (z,)),
    ("call", ("exp", k)),
    ("call", ("exp", "z")),
    ("call", ("rest", sum_over(k, item("z", k)))),
    ("rest", (sum_over(k, item("z", k)), j)),
    ("add", (z, k)),
    ("add", (z, 1)),
    ("mul", (z, "w")),
    ("add", (rel("<", z, w), ONE)),
    ("lambda", (z,)),
    ("index", ("k", "K")),
    ("rel", ("<", z, w)),
]


def doors(term: Term) -> Sequence[Callable[[], Any]]:
    """Every way into the kernel for a term."""
    statement = Statement(SQUARE, h, y, exp(z), z)
    return (
        lambda: Theory({}).equal(term, term),
        lambda: Theory({}).equal(ZERO, term),
        lambda: Theory({}).derivative(term, w, ZERO),
        lambda: Theory({}).derivative(power(w, 2), term, ZERO),
        lambda: Theory({"h": ((), term)}).equal(h, h),
        lambda: Theory({"h": ((term,), ONE)}).equal(Term("item", ("h", term)), ONE),
        lambda: Theory({}, (rel(">", term, ZERO),)).equal(call("abs", z), call("abs", term)),
        lambda: replay(statement, [Step("differentiate-loss", (), term)]),
        lambda: replay(statement._replace(activation=term), [Step("differentiate-activation", (), ZERO)]),
        lambda: replay(statement._replace(cost=term), [Step("differentiate-loss", (), ZERO)]),
        lambda: replay(statement._replace(output=term), [Step("output", (), exp(z))]),
    )


@pytest.mark.parametrize(("kind", "args"), BY_HAND, ids=str)
def test_a_term_made_by_hand_is_refused(kind: str, args: tuple[Any, ...]) -> None:
    """Where it is made, or else at every door of the kernel; an index is let in only where it is an index."""
    for n in range(len(doors(z))):
        if kind == "index" and n == 5:
            continue
        with pytest.raises((KernelError, ValueError)):
            doors(Term(kind, args))[n]()


def test_a_negative_bound_index_is_refused() -> None:
    with pytest.raises((KernelError, ValueError)):
        term = Term("sum", ("K", Term("item", ("z", Term("bound", (-1, "K"))))))
        Theory({}).equal(term, term)


def test_a_loose_bound_index_is_not_captured() -> None:
    total = sum_over(l, power(item("z", l), 2))
    refused(lambda: Theory({}).derivative(total, Term(*ELEMENT), sum_over(l, mul(TWO, item("z", l)))))
    theory = Theory({"h": ((k,), sum_over(l, mul(kron(k, l), item("z", l))))})
    refused(lambda: theory.equal(Term("item", ("h", LOOSE)), sum_over(l, item("z", l))))


def nest(levels: int, wrap: Callable[[Term], Term], start: Term) -> Term:
    for _ in range(levels):
        start = wrap(start)
    return start


@pytest.mark.parametrize("levels", [60, 90, 100, 300, 3000])
def test_depth_ends_in_a_refusal_or_a_theorem(levels: int) -> None:
    outer: dict[str, Any] = {"J": ((), sum_over(k, mul(HALF, power(item("h", k), 2))))}
    inner = {**outer, "h": ((k,), item("z", k))}
    try:
        value = nest(levels, lambda t: add(t, ZERO), item("h", k))
        a = Theory(outer).derivative(COST, item("h", k), value)
        b = Theory(inner).derivative(item("h", k), item("z", j), kron(k, j))
        assert Theory(inner).chain(a, b)
    except (KernelError, ValueError):
        pass


def test_many_binders_end_in_a_refusal_or_a_theorem() -> None:
    indices = [index(f"a{n}") for n in range(14)]
    term = log(mul(*(item("z", a) for a in indices)))
    for a in indices:
        term = sum_over(a, term)
    with suppress(KernelError):
        assert Theory({}).equal(term, term)


# ---- continuity


def continuous(text: str, *assumed: str, apart: tuple[str, ...] = ()) -> tuple[str, ...]:
    names = Symbols(frozenset("xyd"), {"u": ("K",)}, {"k": "K", "j": "K"})
    theory = Theory({}, [parse_relation(r, names) for r in assumed])
    found = theory.continuous(parse(text, names), [parse_relation(r, names) for r in apart])
    return tuple(map(plain, found))


@pytest.mark.parametrize(
    ("text", "assumed"),
    [
        ("where(x > 0, x, 0)", ()),
        ("where(x > 0, x^2, -x)", ()),
        ("where(d < x - y, d*(x - y - d/2), (x - y)^2/2)", ("d > 0",)),
        ("where(d < x, d, where(d < -x, -d, x))", ("d > 0",)),
        ("|x|*exp(where(x*y > 1, x*y, 1))", ()),
        ("where(x > 0, 1, -1)", ("x > y^2 + 1",)),
        ("where(u[k] > 0, u[k], 0)", ()),
        ("sum(k, where(d < u[k], d*u[k] - d^2/2, u[k]^2/2))", ()),
    ],
)
def test_continuous(text: str, assumed: tuple[str, ...]) -> None:
    assert {*continuous(text, *assumed)} <= {*assumed}


def test_continuous_where_a_relation_holds() -> None:
    assert continuous("where(x > 0, 1, -1)", apart=("x != 0",)) == ()
    assert continuous("1/x") == ("x != 0",)


@pytest.mark.parametrize(
    ("text", "assumed", "apart"),
    [
        ("where(x > 0, 1, -1)", (), ()),
        ("where(x > 0, 1, -1)", ("x = 0",), ("x != 0",)),  # it can never hold there
        ("where(-x < 0, 1, -1)", ("x = 0",), ("-x != 0",)),
        ("where(x^2 > y, x, y)", (), ()),
        ("where(x*y > 1, x, 1/y + 1)", (), ()),
        ("where(u[k] > 0, u[j], u[k]*u[j])", (), ()),  # u[j] is not 0 where u[k] is
        ("sum(k, where(u[k] > 0, sum(j, u[j]^2), 0))", (), ()),
        ("sum(k, where(u[k] > 0, 1, 0))", (), ("x != 0",)),
    ],
)
def test_not_proved_to_be_continuous(text: str, assumed: tuple[str, ...], apart: tuple[str, ...]) -> None:
    with pytest.raises(KernelError):
        continuous(text, *assumed, apart=apart)


# ---- what mutation testing found ---------------------------------------------------------------------


def test_an_element_of_a_defined_family_is_no_variable() -> None:
    theory = Theory({"h": ((k,), exp(item("z", k)))})
    refused(lambda: theory.derivative(item("h", k), item("h", j), kron(k, j)), "not defined by others")


def test_total_keeps_an_equation_that_only_the_outer_theory_has() -> None:
    """Where y = 1, J = h y has dJ/dz = h for h = exp(z); the theory in which h is defined does not know that."""
    outer: dict[str, Any] = {"J": ((), mul(h, y))}
    theory, one = Theory({**outer, "h": ((), exp(z))}), rel("=", y, ONE)
    slope = theory.derivative(h, z, h)
    assert theory.total(Theory(outer, (one,)), COST, slope, h).hypotheses == (one,)
    refused(lambda: theory.total(Theory(outer), COST, slope, h), "not the total derivative")


def test_a_derivative_at_points_only_of_a_family_is_not_differentiated() -> None:
    """Where every z_k = 1, sum_k z_k^2 has the derivative 2."""
    outer: dict[str, Any] = {"J": ((), sum_over(k, power(item("z", k), 2)))}
    definitions, zj = {**outer, "h": ((k,), item("z", k))}, item("z", j)
    slope = Theory(definitions).derivative(item("h", k), zj, kron(k, j))
    first = Theory(definitions, (rel("=", item("z", k), ONE),)).derivative(COST, zj, TWO)
    refused(lambda: Theory(definitions).total(Theory(outer), first, slope, ZERO), "no open set")


def test_a_derivative_by_a_free_output_is_joined() -> None:
    """J = h^2 above 0 and h^3 below, with h no function of anything; not so for 2 h and h."""
    up, down = H_POSITIVE, rel("<", h, ZERO)
    for inside, outside, a, b in (
        (power(h, 2), power(h, 3), mul(TWO, h), mul(num(3), power(h, 2))),
        (mul(TWO, h), h, TWO, ONE),
    ):
        free: dict[str, Any] = {"J": ((), where(up, inside, outside))}
        above, below = Theory(free, (up,)).derivative(COST, h, a), Theory(free, (down,)).derivative(COST, h, b)
        theory = Theory(free)
        if inside == power(h, 2):
            assert theory.join(theory, up, above, below, where(up, a, b), h).hypotheses == ()
        else:
            refused(lambda: theory.join(theory, up, above, below, where(up, a, b), h))  # noqa: B023


@pytest.mark.parametrize("op", ["<", "<=", ">", ">="])
def test_opposite_strictly_and_weakly_at_every_pair_of_numbers(op: str) -> None:
    """One of a condition and its opposite holds; l = r is never in the strict one, always in the weak one."""
    nowhere = Point({}, {}, {})
    for left, right in ((ZERO, ONE), (ONE, ZERO), (ONE, ONE)):
        condition = rel(op, left, right)
        holds, other, strict, weak = (
            certainly_holds(r, nowhere, {})
            for r in (condition, opposite(condition), strictly(condition), weakly(condition))
        )
        assert holds != other
        assert strict == (holds and left != right)
        assert weak == (holds or left == right)


NOTHING: Any = None


@pytest.mark.parametrize(
    "work",
    [
        lambda: Theory({"h": NOTHING}),
        lambda: Theory({}, (NOTHING,)),
        lambda: Theory({}).definition(NOTHING),
        lambda: Theory({}).equal(NOTHING, z),
        lambda: Theory({}).derivative(z, NOTHING, ONE),
        lambda: Theory({}).chain(NOTHING, NOTHING),
        lambda: Theory({}).total(NOTHING, COST, NOTHING, ONE),
        lambda: Theory({}).rewrite(NOTHING, NOTHING),
        lambda: Theory({}).cases(NOTHING, NOTHING, NOTHING, ONE),
        lambda: Theory({}).join(NOTHING, NOTHING, NOTHING, NOTHING, ONE, h),
        lambda: Theory({}).continuity(NOTHING, NOTHING, COST, h, z),
        lambda: Theory({}).equal_where_zero(NOTHING, z, z),
        lambda: Theory({}).continuous(absolute(where(H_POSITIVE, z, ONE)), NOTHING),
        lambda: Theory({}).agrees_across(NOTHING, z, z),
        lambda: Theory({}).support(NOTHING),
        lambda: Theory({}).holds(NOTHING),
        lambda: Theory({}).needs(NOTHING),
        lambda: Theory({}).moving_names(NOTHING),
    ],
)
def test_what_is_no_term_and_no_theorem_is_refused(work: Callable[[], Any]) -> None:
    refused(work)


def test_a_derivative_where_a_condition_jumps_is_not_differentiated() -> None:
    """where(z >= 0, 1, -1) > 0 is a strict relation, and says z >= 0: that set is not open."""
    outer: dict[str, Any] = {"J": ((), power(z, 2))}
    definitions = {**outer, "h": ((), z)}
    theory, jump = Theory(definitions), where(rel(">=", z, ZERO), ONE, MINUS_ONE)
    slope = theory.derivative(h, z, ONE)
    for needed, is_open in ((jump, False), (add(z, TWO), True)):
        first = theory.derivative(COST, z, add(mul(TWO, z), mul(ZERO, log(needed))))
        assert first.hypotheses == (rel(">", needed, ZERO),)
        if is_open:
            assert theory.total(Theory(outer), first, slope, TWO).hypotheses == first.hypotheses
        else:
            refused(lambda first=first: theory.total(Theory(outer), first, slope, TWO), "no open set")  # type: ignore[misc]


def test_a_family_that_jumps_is_not_joined() -> None:
    """J = sum_k h_k with h_k = where(sum_l z_l > 0, 1, 0) has the derivative 0 on both sides, and jumps by K."""
    total = sum_over(l, item("z", l))
    free: dict[str, Any] = {"J": ((), sum_over(k, item("h", k)))}
    for up, down in ((rel(">", total, ZERO), rel("<", total, ZERO)), (rel("<", total, ZERO), rel(">", total, ZERO))):
        bound = {**free, "h": ((k,), where(up, ONE, ZERO))}
        above, below = (Theory(bound, (side,)).derivative(COST, item("z", j), ZERO) for side in (up, down))
        assert Theory(bound).cases(up, above, below, ZERO).hypotheses == (rel("!=", total, ZERO),)
        for output in (item("h", k), item("h", l)):
            refused(lambda: Theory(bound).join(Theory(free), up, above, below, ZERO, output), "only scalars")  # noqa: B023


@pytest.mark.parametrize(
    ("cost", "activation", "inside", "outside"),
    [(h, where(UP, ONE, ZERO), ZERO, ZERO), (power(h, 2), where(UP, z, ONE), mul(TWO, z), ZERO)],
    ids=["a step", "a jump"],
)
def test_an_activation_that_jumps_at_its_own_border_is_not_joined(
    cost: Term, activation: Term, inside: Term, outside: Term
) -> None:
    outer, theory, above, below = sides(cost, inside, outside, activation=activation)
    refused(lambda: theory.join(outer, UP, above, below, where(UP, inside, outside), h))


def test_a_border_in_a_family_is_joined() -> None:
    """J = S^2 for S = sum_k h_k > 0, else 0 or S; h = z."""
    total = sum_over(k, item("h", k))
    up, down = rel(">", total, ZERO), rel("<", total, ZERO)
    for other, slope, is_joined in ((ZERO, ZERO, True), (power(total, 3), mul(num(3), power(total, 2)), True),
                                    (total, ONE, False)):  # fmt: skip
        free: dict[str, Any] = {"J": ((), where(up, power(total, 2), other))}
        bound = {**free, "h": ((k,), item("z", k))}
        above = Theory(bound, (up,)).derivative(COST, item("z", j), mul(TWO, total))
        below = Theory(bound, (down,)).derivative(COST, item("z", j), slope)
        value, theory, outer = where(up, mul(TWO, total), slope), Theory(bound), Theory(free)
        if is_joined:
            assert theory.join(outer, up, above, below, value, item("h", k)).hypotheses == ()
        else:
            refused(lambda: theory.join(outer, up, above, below, value, item("h", k)))  # noqa: B023


def test_an_activation_that_is_undefined_at_a_border_that_names_it() -> None:
    """h = tanh(1/z): J = y + 0 h has the derivative 0 on both sides of z = 0, where it has no value."""
    up, down = (rel(op, add(z, h, neg(h)), ZERO) for op in "><")
    free: dict[str, Any] = {"J": ((), add(y, mul(ZERO, h)))}
    bound = {**free, "h": ((), call("tanh", power(z, -1)))}
    above, below = (Theory(bound, (side,)).derivative(COST, z, ZERO) for side in (up, down))
    assert above.hypotheses == (up,)
    refused(lambda: Theory(bound).join(Theory(free), up, above, below, ZERO, h))


def second_of_the_outer() -> tuple[Theorem, Theorem]:
    """|- d2J/dh2 = 12 h^2 for J = g^2 and g = h^2, and |- dh/dz = exp(z)."""
    g = var("g")
    free: dict[str, Any] = {"J": ((), power(g, 2))}
    outer: dict[str, Any] = {**free, "g": ((), power(h, 2))}
    theory = Theory(outer)
    slope, first = theory.derivative(g, h, mul(TWO, h)), theory.derivative(COST, h, mul(num(4), power(h, 3)))
    inner = Theory({**outer, "h": ((), exp(z))}).derivative(h, z, exp(z))
    return theory.total(Theory(free), first, slope, mul(num(12), power(h, 2))), inner


def second_of_the_inner() -> tuple[Theorem, Theorem]:
    """|- dJ/dh = 2 h for J = h^2, and |- d2h/dz2 = 4 exp(2 z) for h = g^2 and g = exp(z)."""
    g = var("g")
    outer: dict[str, Any] = {"J": ((), power(h, 2)), "g": ((), exp(z))}
    bound = {**outer, "h": ((), power(g, 2))}
    theory, twice = Theory(bound), exp(mul(TWO, z))
    slope, first = theory.derivative(g, z, exp(z)), theory.derivative(h, z, mul(TWO, twice))
    without = Theory({name: bound[name] for name in ("J", "h")})
    return Theory(outer).derivative(COST, h, mul(TWO, h)), theory.total(without, first, slope, mul(num(4), twice))


@pytest.mark.parametrize("theorems", [second_of_the_outer, second_of_the_inner])
def test_no_second_derivative_is_a_link_of_a_chain(theorems: Callable[[], tuple[Theorem, Theorem]]) -> None:
    """d2J/dh2 dh/dz and dJ/dh d2h/dz2 are no first derivative."""
    outer, inner = theorems()
    refused(lambda: Theory(inner.definitions).chain(outer, inner), "first derivatives")


def test_no_second_derivative_is_the_slope_of_the_output() -> None:
    """With h moving by d2h/dz2, J = h^2 + z would have the derivative 8 h exp(2 z) + 1."""
    _, second = second_of_the_inner()
    outer = {**second.definitions, "J": ((), add(power(h, 2), z))}
    theory, free = Theory(outer), Theory({name: outer[name] for name in ("J", "g")})
    again = theory.total(
        Theory({name: outer[name] for name in ("J", "h")}),
        theory.derivative(h, z, mul(TWO, exp(mul(TWO, z)))),
        theory.derivative(var("g"), z, exp(z)),
        mul(num(4), exp(mul(TWO, z))),
    )
    value = add(mul(num(8), h, exp(mul(TWO, z))), ONE)
    refused(lambda: theory.total(free, COST, again, value), "needs dh/dz")


def test_a_cost_that_uses_a_family_z_has_no_chain_through_h_alone() -> None:
    """J = sum_k h_k z_k with h = exp(z): dJ/dh_k dh_k/dz_j, added up, lacks h_j."""
    outer: dict[str, Any] = {"J": ((), sum_over(k, mul(item("h", k), item("z", k))))}
    theory = Theory({**outer, "h": ((k,), exp(item("z", k)))})
    a = Theory(outer).derivative(COST, item("h", k), item("z", k))
    b = theory.derivative(item("h", k), item("z", j), mul(exp(item("z", k)), kron(k, j)))
    refused(lambda: theory.chain(a, b), "not only through h")


def test_the_common_factor_of_a_case_that_is_zero_must_have_a_value() -> None:
    """J = (z + 5) log(z + 5) - z above 0, else 7: where(z > 0, 1, 0) log(z + 5) says nothing at z = -6."""
    factor, up, down = add(z, num(5)), rel(">", z, ZERO), rel("<", z, ZERO)
    theory_of = {"J": ((), where(up, sub(mul(factor, log(factor)), z), num(7)))}
    above = Theory(theory_of, (up,)).derivative(COST, z, log(factor))
    below = Theory(theory_of, (down,)).derivative(COST, z, ZERO)
    whole = Theory(theory_of).cases(up, above, below, mul(where(up, ONE, ZERO), log(factor)))
    assert {*whole.hypotheses} == {rel(">", factor, ZERO), rel("!=", z, ZERO)}


def joined(
    body: tuple[Term, Term, Term], slopes: tuple[Term, Term], activation: Term = z, outer: Any = (), inner: Any = ()
) -> Theorem:
    """``join`` for J = where(condition, inside, outside) with h := activation, under assumptions with h free or not."""
    condition = body[0]
    free: dict[str, Any] = {"J": ((), where(*body))}
    bound = {**free, "h": ((), activation)}
    above, below = (
        Theory(bound, (*inner, side)).derivative(COST, z, slope)
        for side, slope in zip((strictly(condition), strictly(opposite(condition))), slopes, strict=True)
    )
    return Theory(bound, inner).join(Theory(free, outer), condition, above, below, where(condition, *slopes), h)


def test_a_sum_that_jumps_at_the_border_is_not_joined() -> None:
    """sum_k where(h y_k > 0, 1, 2) is 3 for y = (1, -1) on both sides of h = 0, and 4 there; its slope is 0."""
    jumps = sum_over(k, where(rel(">", mul(h, item("y", k)), ZERO), ONE, TWO))
    body = H_POSITIVE, jumps, add(jumps, power(h, 2))
    refused(lambda: joined(body, (ZERO, mul(TWO, h))))
    assert joined((H_POSITIVE, ONE, add(ONE, power(h, 2))), (ZERO, mul(TWO, h))).hypotheses == ()


@pytest.mark.parametrize("border", [UP, H_POSITIVE], ids=str)
def test_a_border_is_joined_by_what_is_known_of_a_parameter(border: Term) -> None:
    """|w| + z^2 meets w at the border where w > 0: known with h free where h is in the border, else with h defined."""
    at_zero = border.args[1]
    known, body = rel(">", w, ZERO), (border, add(absolute(w), power(at_zero, 2)), w)
    slopes = mul(TWO, at_zero), ZERO
    own, other = ("outer", "inner") if border == H_POSITIVE else ("inner", "outer")
    assert known in joined(body, slopes, **{own: (known,)}).hypotheses
    assert known in joined(body, slopes, outer=(known,), inner=(known,)).hypotheses
    refused(lambda: joined(body, slopes))
    refused(lambda: joined(body, slopes, **{other: (known,)}))


def test_what_is_no_output_is_refused_by_join_too() -> None:
    outer, theory, above, below = sides(power(h, 2), mul(TWO, z), ZERO, activation=where(UP, z, ZERO))
    refused(lambda: theory.join(outer, UP, above, below, where(UP, mul(TWO, z), ZERO), NOTHING))
    assert theory.join(outer, UP, above, below, where(UP, mul(TWO, z), ZERO), h).hypotheses == ()
