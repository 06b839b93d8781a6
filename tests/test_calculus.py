"""Calculus: derivatives of names that move by a known slope, and where terms are defined and smooth."""

from __future__ import annotations

import pytest
from by_hand import HALF, TWO, UP, absolute, exp, h, i, j, k, l, log, refused, w, y, z
from flint import fmpq
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import functions, points

from derive import balls
from derive.balls import Point
from derive.balls import Slope as Request
from derive.calculus import Calculus, Slope
from derive.errors import KernelError
from derive.kernel import Theory
from derive.laws import LAWS
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
    item,
    kron,
    mul,
    neg,
    num,
    power,
    rel,
    size,
    sub,
    subterms,
    sum_over,
    var,
    where,
)
from derive.verdict import _holds_everywhere

calm = settings(deadline=None, derandomize=True, max_examples=60, suppress_health_check=list(HealthCheck))
MOVING = {"h": Slope((), z, w)}  # dh/dz = w


def differentiated(term: Term, slopes: dict[str, Slope] | None = None, by: Term = z) -> Term | None:
    algebra = Calculus({}, (), MOVING if slopes is None else slopes)
    return algebra.attempt(lambda: algebra.differentiate(term, by))  # type: ignore[no-any-return]


def is_derivative(term: Term, value: Term, slopes: dict[str, Slope] | None = None, by: Term = z) -> bool:
    found = differentiated(term, slopes, by)
    try:
        return bool(Theory({}).equal(found if found is not None else ZERO, value))
    except KernelError:
        return False


# ---- slopes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("term", "value"),
    [
        (h, w),
        (mul(h, z), add(h, mul(w, z))),
        (power(h, 2), mul(TWO, h, w)),
        (exp(add(h, z)), mul(add(w, ONE), exp(add(h, z)))),
        (mul(y, w), ZERO),
        (where(rel(">", h, ZERO), h, neg(h)), where(rel(">", h, ZERO), w, neg(w))),
        (sum_over(k, mul(h, item("y", k))), mul(w, sum_over(k, item("y", k)))),
    ],
    ids=str,
)
def test_a_name_moves_by_its_slope(term: Term, value: Term) -> None:
    assert is_derivative(term, value)
    assert not is_derivative(term, add(value, ONE))


def test_without_a_slope_the_name_is_free() -> None:
    assert differentiated(h, {}) is None
    assert is_derivative(mul(h, z), h, {})
    assert differentiated(h, by=y) is None
    assert is_derivative(mul(h, y), h, by=y)


def test_a_slope_of_a_family_follows_its_indices() -> None:
    """dh[k]/dz[j] = x[k, j]: the element at l by z[j], at j by z[j], and in a sum."""
    slopes = {"h": Slope((k,), item("z", j), item("x", k, j))}
    zj = item("z", j)
    assert is_derivative(item("h", l), item("x", l, j), slopes, zj)
    assert is_derivative(item("h", j), item("x", j, j), slopes, zj)
    assert is_derivative(item("h", k), item("x", k, l), slopes, item("z", l))
    total = sum_over(l, mul(item("z", l), item("h", l)))
    value = add(item("h", j), sum_over(l, mul(item("z", l), item("x", l, j))))
    assert is_derivative(total, value, slopes, zj)
    assert not is_derivative(total, add(item("h", j), sum_over(l, mul(item("z", l), item("x", j, l)))), slopes, zj)


def test_a_bound_index_in_a_slope_is_not_captured() -> None:
    """dh[k]/dz[j] = sum_l x[l, k], asked at h[l]."""
    slopes = {"h": Slope((k,), item("z", j), sum_over(l, item("x", l, k)))}
    assert is_derivative(item("h", l), sum_over(k, item("x", k, l)), slopes, item("z", j))
    assert not is_derivative(item("h", l), sum_over(k, item("x", k, k)), slopes, item("z", j))


@pytest.mark.parametrize("term", [item("h", i), h, item("h", k, l)], ids=str)
def test_a_slope_refuses_other_indices(term: Term) -> None:
    slopes = {"h": Slope((k,), item("z", j), kron(k, j))}
    refused(lambda: differentiated(term, slopes, item("z", j)), "indexed otherwise")


def test_a_kink_in_a_name_that_moves_is_left_out() -> None:
    algebra = Calculus({}, (), MOVING)
    for term, needs in (
        (absolute(h), (rel("!=", h, ZERO),)),
        (where(rel(">", h, y), ONE, h), (rel("!=", h, y),)),
        (where(rel(">", y, ZERO), ONE, h), ()),
        (absolute(y), ()),
    ):
        assert algebra.attempt(lambda t=term: algebra.conditions(t, z)) == needs  # type: ignore[misc]
        assert algebra.attempt(lambda t=term: algebra.conditions(t)) == ()  # type: ignore[misc]
    plain = Calculus({}, ())
    assert plain.attempt(lambda: plain.conditions(absolute(h), z)) == ()


def test_slopes_stay_under_a_case() -> None:
    algebra = Calculus({}, (), MOVING).under(UP)
    assert isinstance(algebra, Calculus)
    assert algebra.attempt(lambda: algebra.differentiate(mul(h, absolute(z)), z)) is not None
    assert algebra.slopes == MOVING


u, v = var("u"), var("v")


@calm
@given(functions(2, regions=False), points())
def test_the_total_derivative_agrees_with_balls(term: Term, place: Point) -> None:
    """u moves with v by the slope w: the sum of the partial derivatives, by dual numbers."""
    try:
        found = differentiated(term, {"u": Slope((), v, w)}, v) or ZERO
        parts = [balls.enclosure(Request(term, t), place, {}, 256) for t in (v, u)]
        value = balls.enclosure(found, place, {}, 256)
        speed = balls.enclosure(w, place, {}, 256)
    except KernelError:
        assume(False)
    assert (parts[0] + parts[1] * speed).overlaps(value)


@calm
@given(functions(2), functions(1, regions=False))
def test_a_slope_says_as_much_as_a_definition(term: Term, inner: Term) -> None:
    """With u := g(v) the derivative is that of u free with the slope g'."""
    if "u" in inner.names or inner.indices or inner.loose:
        return
    own = Calculus({}, ())
    try:
        slope = own.attempt(lambda: own.differentiate(inner, v)) or ZERO
        found = differentiated(term, {"u": Slope((), v, slope)}, v) or ZERO
        theorem = Theory({"u": ((), inner)}).derivative(term, v, found)
    except KernelError as problem:
        assert "not the derivative" not in str(problem)
    else:
        assert theorem.conclusion[2] == found


# ---- where a term is defined ---------------------------------------------------------------------------

PLACES = [Point({("z", ()): fmpq(n, 2), ("w", ()): fmpq(3, 2), ("y", ()): fmpq(-1, 3)}, {}, {}) for n in range(-6, 7)]


def conditions(term: Term, variable: Term | None = None, *assumptions: Term) -> tuple[Term, ...]:
    algebra = Calculus({}, assumptions)
    return algebra.attempt(lambda: algebra.conditions(term, variable))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("term", "needs"),
    [
        (z, ()),
        (power(z, 3), ()),
        (power(z, -1), (rel("!=", z, ZERO),)),
        (power(z, HALF), (rel(">", z, ZERO),)),
        (power(w, z), (rel(">", w, ZERO),)),
        (log(log(z)), (rel(">", log(z), ZERO), rel(">", z, ZERO))),
        (div(ONE, mul(z, power(w, 2))), (rel("!=", z, ZERO), rel("!=", w, ZERO))),
        (mul(ZERO, log(z)), (rel(">", z, ZERO),)),
        (where(UP, log(z), log(w)), (rel(">", z, ZERO), rel(">", w, ZERO))),
        (where(rel(">", log(z), ZERO), ONE, ZERO), (rel(">", z, ZERO),)),
        (call("Li2", z), (rel("<", z, ONE),)),
        (size("K"), ()),
        (kron(k, j), ()),
        (call("pi"), ()),
        (absolute(z), ()),
    ],
    ids=str,
)
def test_where_a_term_is_defined(term: Term, needs: tuple[Term, ...]) -> None:
    assert set(conditions(term)) == set(needs)


def test_an_undecided_branch_is_needed_and_a_decided_one_alone() -> None:
    branches = where(UP, log(z), div(ONE, w))
    assert set(conditions(branches)) == {rel(">", z, ZERO), rel("!=", w, ZERO)}
    assert conditions(branches, None, UP) == (rel(">", z, ZERO),)
    assert conditions(branches, None, rel("<", z, ZERO)) == (rel("!=", w, ZERO),)


def test_a_border_is_left_out_where_the_variable_moves_it() -> None:
    step = where(UP, ONE, ZERO)
    for term in (step, add(step, w), exp(step), where(rel(">", step, HALF), w, ONE)):
        assert rel("!=", z, ZERO) in conditions(term, z)
        assert rel("!=", z, ZERO) not in conditions(term, w)
        assert rel("!=", z, ZERO) in conditions(term, z, rel(">=", z, ZERO))


def test_conditions_in_a_sum_are_for_every_summand() -> None:
    (need,) = conditions(sum_over(k, log(item("z", k))))
    (own,) = need.indices
    assert need == rel(">", item("z", own), ZERO)


@pytest.mark.parametrize("term", [call("acosh", z), call("exp"), call("pi", z), rel("<", call("gamma", z), w)], ids=str)
def test_what_has_no_law_is_refused(term: Term) -> None:
    refused(lambda: conditions(term))


def is_certain(term: Term | Request, place: Point) -> bool:
    try:
        return bool(balls.enclosure(term, place, {}, 256).is_finite())
    except KernelError:
        return False


@pytest.mark.parametrize("name", sorted(LAWS))
@pytest.mark.parametrize("inner", [z, neg(z), sub(z, w), power(z, 2), add(z, MINUS_ONE)], ids=str)
def test_where_the_conditions_hold_the_term_has_a_value(name: str, inner: Term) -> None:
    """And a derivative, where those for that hold: balls find both, and nothing where they certainly fail."""
    term = call(name, inner)
    for place in PLACES:
        for request, needs in ((term, conditions(term)), (Request(term, z), conditions(term, z))):
            if all(balls.certainly_holds(r, place, {}) for r in needs):
                assert is_certain(request, place)
        if not all(balls.certainly_holds(r, place, {}) for r in conditions(term)) and name != "Li2":
            assert not is_certain(term, place)


@calm
@given(functions(3), st.lists(points(), min_size=3, max_size=3))
def test_conditions_are_enough(term: Term, places: list[Point]) -> None:
    """Where a random term's conditions hold, balls can evaluate it, but for ties of regions."""
    try:
        needs = conditions(term)
    except KernelError:
        return
    for place in places:
        if all(_holds_everywhere(r, place, {}) for r in needs):
            assert is_certain(term, place) or any(t.kind == "where" for t in subterms(term))


def test_a_product_is_not_zero_where_its_factors_are_not() -> None:
    for term in (div(ONE, mul(z, w)), power(mul(z, w, TWO), -2), div(ONE, power(mul(z, w), 3))):
        assert {rel("!=", z, ZERO), rel("!=", w, ZERO)} <= set(conditions(term))
    assert conditions(div(ONE, add(z, w))) == (rel("!=", add(z, w), ZERO),)


def test_derivatives_of_what_is_no_number_are_refused() -> None:
    refused(lambda: differentiated(rel("<", z, w)))
    refused(lambda: differentiated(mul(z, item("z", k))))
    assert differentiated(num(3)) is None


# ---- pieces inside of sums -----------------------------------------------------------------------------


NAMES = Symbols(frozenset("d"), {"u": ("K",), "v": ("K",)}, {"k": "K", "j": "K", "i": "K"})


def needs_of_slope(text: str, *assumed: str) -> set[str]:
    """What the derivative by u[j] needs."""
    algebra = Calculus({}, tuple(parse_relation(r, NAMES) for r in assumed))
    variable = parse("u[j]", NAMES)
    return {plain(r) for r in algebra.attempt(lambda: algebra.conditions(parse(text, NAMES), variable)) if r.names}


@pytest.mark.parametrize(
    "text",
    [
        "sum(k, where(d < u[k] - v[k], d*(u[k] - v[k]) - d^2/2, "
        "where(d < v[k] - u[k], d*(v[k] - u[k]) - d^2/2, (u[k] - v[k])^2/2)))",
        "where(u[i] > v[i], (u[i] - v[i])^2, 0)",
        "sum(k, where(u[k] < 0, exp(u[k]), 1 + u[k]))",
        "sum(k, where(u[k]*v[k] < 1, (1 - u[k]*v[k])^2, 0))",
    ],
)
def test_a_summand_whose_pieces_meet_smoothly_needs_nothing(text: str) -> None:
    assert needs_of_slope(text, "d > 0") == set()


@pytest.mark.parametrize(
    ("text", "border"),
    [
        ("sum(k, where(u[k] > v[k], u[k] - v[k], v[k] - u[k]))", "u"),  # slopes differ
        ("sum(k, where(u[k] > v[k], 1, 0))", "u"),  # a jump, though both slopes are 0
        ("sum(k, where(u[k] > 0, u[k]^2, u[k]))", "u"),  # the value agrees, the slope does not
        ("sum(k, where(u[k] > v[k], u[k]^2, v[k]^2))", "u"),
        ("sum(k, where(d < u[k], d*(u[k] - d/2), (u[k] - v[k])^2/2))", "u"),  # not the same where u = d
        ("where(u[i] > 0, u[i]*u[k], 0)", "u"),  # the slope by u[i] is u[k] on one side
        ("sum(k, where(u[k] > 0, u[k]*sum(i, u[i]), 0))", "u"),
    ],
)
def test_a_summand_with_a_kink_or_a_jump_needs_to_be_off_its_border(text: str, border: str) -> None:
    found = needs_of_slope(text, "d > 0")
    assert found and all("!=" in r and border in r for r in found)


def test_that_all_elements_are_at_the_border_is_not_assumed() -> None:
    """u[k] = v[k] for one k only: what the other elements are is open, so that the slopes are not the same."""
    assert needs_of_slope("sum(k, where(u[k] > v[k], (u[k] - v[k])*sum(i, (u[i] - v[i])^2), 0))")


# ---- what mutation testing found ---------------------------------------------------------------------


def test_a_function_of_two_arguments_has_no_derivative_that_is_left_out() -> None:
    """Also where one of them does not move."""
    for arguments in ((z, w), (w, z), (z, z)):
        with pytest.raises(KernelError, match="no law"):
            Calculus({}, ()).differentiate(call("f", *arguments), z)
    assert Calculus({}, ()).differentiate(call("f", w, w), z) is None


def test_a_known_law_is_of_one_argument() -> None:
    for name in ("exp", "log", "Li2", "f"):
        for term in (call(name, z, w), call(name)):
            refused(lambda term=term: Theory({}).support(term), "no law")  # type: ignore[misc]


def test_a_fact_about_all_that_is_compared_is_used_across_a_border() -> None:
    """Where z_k = w_k, |z_k + w_k| is 2 w_k if z_k + w_k > 0, and not else."""
    zk, wk = item("z", k), item("w", k)
    asked = rel(">", zk, wk), absolute(add(zk, wk)), mul(TWO, wk)
    assert Theory({}, (rel(">", add(zk, wk), ZERO),)).agrees_across(*asked)
    assert Theory({}, (rel(">", zk, ZERO),)).agrees_across(*asked)
    assert not Theory({}).agrees_across(*asked)
    assert not Theory({}, (rel(">", var("x"), ZERO),)).agrees_across(*asked)


def test_what_is_needed_twice_is_said_once() -> None:
    for term in (add(power(z, -1), exp(power(z, -1))), mul(log(exp(power(z, -1))), power(z, -1), power(z, -2))):
        assert Theory({}).needs(term) == (rel("!=", z, ZERO),)


def test_an_equation_about_all_elements_is_used_at_each_index_of_a_claim() -> None:
    known = rel("=", item("y", k), ONE)
    assert Theory({}, (known,)).equal(mul(item("y", j), item("z", l)), item("z", l)).hypotheses == (known,)
    assert Theory({}, (known,)).equal(item("z", l), mul(item("y", l), item("z", l))).hypotheses == (known,)
    refused(lambda: Theory({}).equal(item("y", j), ONE))
