"""Traps that make other tools say yes: each is refused here, or keeps its condition; balls see the difference."""

from __future__ import annotations

import pytest
from flint import arb, fmpq

from derive import balls
from derive.balls import Point, Slope, certainly_different, enclosure
from derive.derivation import COST
from derive.errors import KernelError
from derive.kernel import Theorem, Theory
from derive.syntax import Symbols, parse
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

z, h, y, w = var("z"), var("h"), var("y"), var("w")
k, j, l = index("k"), index("j"), index("l")  # noqa: E741
TWO, HALF, PI = num(2), num(1, 2), call("pi")
SIGMOID = div(ONE, add(ONE, call("exp", neg(z))))
RESIDUAL = sub(h, y)
BCE = sub(neg(mul(y, call("log", h))), mul(sub(ONE, y), call("log", sub(ONE, h))))
PAIR = {"J": ((), BCE), "h": ((), SIGMOID)}


def at(**values: object) -> Point:
    """A point; ``z_1=...`` is z[1], and j = 1 among K = 2."""
    table = {}
    for name, value in values.items():
        head, *places = name.split("_")
        table[head, tuple(map(int, places))] = fmpq(value)  # type: ignore[call-overload]
    return Point(table, {"K": 2}, {"j": 1})


def is_refused(left: Term, right: Term, *assumptions: Term) -> bool:
    with pytest.raises(KernelError):
        Theory({}, assumptions).equal(left, right)
    return True


def delta_is(value: Term) -> Theorem:
    """dJ/dz of cross-entropy with the sigmoid."""
    return Theory(PAIR).derivative(COST, z, value)


def test_the_pair_that_the_traps_disturb() -> None:
    assert delta_is(RESIDUAL).hypotheses == ()


# ---- constants that are nearly zero --------------------------------------------------------------------


def acosh(term: Term) -> Term:
    return call("log", add(term, call("sqrt", sub(power(term, 2), ONE))))


NEARLY_ONE = add(ONE, num(1, 10**40))
ARCCOS_OF = div(
    sub(num(98), mul(num(14), call("cos", div(power(PI, 2), num(2160))))),
    mul(num(14), call("sqrt", sub(num(50), mul(num(14), call("cos", div(power(PI, 2), num(2160))))))),
)
TINY: dict[str, Term] = {
    "acosh(1 + 10^-40)": acosh(NEARLY_ONE),
    "sin(acos(...))": call("sqrt", sub(ONE, power(ARCCOS_OF, 2))),
    "10^-30": num(1, 10**30),
    "10^-60": num(1, 10**60),
    "pi - 355/113": sub(PI, num(355, 113)),
    "exp(-100)": call("exp", num(-100)),
    "cosh - sinh": sub(call("cosh", num(60)), call("sinh", num(60))),
    "exp(pi sqrt(163)) - 640320^3 - 744": sub(call("exp", mul(PI, call("sqrt", num(163)))), num(640320**3 + 744)),
    "1 - tanh(40)": sub(ONE, call("tanh", num(40))),
}


@pytest.mark.parametrize("tiny", TINY.values(), ids=TINY)
def test_a_tiny_constant_is_not_zero(tiny: Term) -> None:
    assert is_refused(tiny, ZERO) and is_refused(mul(tiny, z), ZERO)
    for wrong in (add(RESIDUAL, mul(tiny, z)), mul(RESIDUAL, add(ONE, tiny)), add(RESIDUAL, tiny)):
        with pytest.raises(KernelError):
            delta_is(wrong)
        assert certainly_different(Slope(COST, z), wrong, at(z=1, y=3), PAIR)


def test_the_sizes_of_tiny_constants() -> None:
    for name, size_of in (("acosh(1 + 10^-40)", "1.41421356e-20"), ("sin(acos(...))", "7.6e-4")):
        found = enclosure(TINY[name], at(), {}, 512)
        assert abs(abs(found) / arb(size_of) - 1) < arb("0.01")


def test_decimals_are_rationals() -> None:
    symbols = Symbols(frozenset(("z",)), {}, {})
    assert Theory({}).equal(parse("0.1 + 0.2 - 0.3", symbols), ZERO).hypotheses == ()
    assert is_refused(parse("0.1 + 0.2 - 0.3 + 1e-17", symbols), ZERO)


# ---- indices -------------------------------------------------------------------------------------------


def test_a_free_index_named_as_the_bound_one() -> None:
    total = sum_over(k, power(item("z", k), 2))
    assert Theory({}).derivative(total, item("z", k), mul(TWO, item("z", k)))
    for wrong in (sum_over(k, mul(TWO, item("z", k))), mul(TWO, size("K"), item("z", k)), mul(TWO, item("z", j)), ZERO):
        with pytest.raises(KernelError):
            Theory({}).derivative(total, item("z", k), wrong)


def softmax(i: Term) -> Term:
    return div(call("exp", item("z", i)), sum_over(l, call("exp", item("z", l))))


@pytest.mark.parametrize("free", [j, l, index("i"), index("#0")], ids=str)
def test_the_delta_of_softmax(free: Term) -> None:
    theory = Theory({"h": ((k,), softmax(k))})
    hk, hj, zj = item("h", k), item("h", free), item("z", free)
    assert theory.derivative(hk, zj, mul(hk, sub(kron(k, free), hj)))
    assert theory.derivative(hj, zj, mul(hj, sub(ONE, hj)))
    for wrong in (
        mul(hk, sub(ONE, hj)),
        mul(hk, sub(ONE, hk)),
        mul(hk, neg(hj)),
        mul(hk, kron(k, free)),
        mul(hj, sub(kron(k, free), hj)),
    ):
        with pytest.raises(KernelError):
            theory.derivative(hk, zj, wrong)


def test_the_delta_of_softmax_at_the_bound_index() -> None:
    """Differentiated by z_l, where l is the name of the bound index of softmax itself."""
    total = sum_over(k, mul(item("y", k), softmax(k)))
    theory = Theory({"h": ((k,), softmax(k))})
    right = mul(item("h", l), sub(item("y", l), sum_over(k, mul(item("y", k), item("h", k)))))
    assert theory.derivative(total, item("z", l), right)
    with pytest.raises(KernelError):
        theory.derivative(total, item("z", l), mul(item("h", l), sub(item("y", l), ONE)))


def test_families_and_scalars_of_one_name() -> None:
    with pytest.raises(KernelError):
        Theory({}).derivative(mul(z, item("z", k)), z, item("z", k))
    with pytest.raises(KernelError):
        Theory({}).derivative(mul(z, item("z", k)), item("z", j), mul(z, kron(k, j)))


def test_one_letter_over_two_sizes() -> None:
    over_m = index("k", "m")
    assert is_refused(item("z", k), item("z", over_m))
    assert is_refused(sum_over(k, item("z", over_m)), sum_over(k, item("z", k)))
    assert Theory({}).equal(sum_over(k, item("z", over_m)), mul(size("K"), item("z", over_m)))


# ---- kinks and patched values --------------------------------------------------------------------------

KINK = rel("!=", z, ZERO)
RELU = where(rel(">", z, ZERO), z, ZERO)


@pytest.mark.parametrize(
    ("subject", "value"),
    [
        (RELU, where(rel(">", z, ZERO), ONE, ZERO)),
        (where(rel(">=", z, ZERO), z, ZERO), where(rel(">=", z, ZERO), ONE, ZERO)),
        (call("abs", z), where(rel(">", z, ZERO), ONE, MINUS_ONE)),
        (where(rel(">", z, ZERO), z, neg(z)), where(rel(">", z, ZERO), ONE, MINUS_ONE)),
        (mul(HALF, add(z, call("abs", z))), where(rel(">", z, ZERO), ONE, ZERO)),
        (where(rel("<", z, ZERO), ZERO, where(rel(">", z, ZERO), ZERO, ONE)), ZERO),
        (where(rel("<", z, ZERO), z, where(rel(">", z, ZERO), z, ZERO)), None),
    ],
    ids=["relu", "relu closed", "abs", "abs by regions", "relu by abs", "patched constant", "patched identity"],
)
def test_a_kink_is_left_out(subject: Term, value: Term | None) -> None:
    if value is None:
        value = where(rel("<", z, ZERO), ONE, where(rel(">", z, ZERO), ONE, ZERO))
    assert KINK in Theory({}).derivative(subject, z, value).hypotheses
    for wrong in (HALF, ONE, num(7)):
        with pytest.raises(KernelError):
            Theory({}).derivative(subject, z, wrong)
    for forced in (value, ZERO, HALF, ONE):
        with pytest.raises(KernelError):
            Theory({}, (rel("=", z, ZERO),)).derivative(subject, z, forced)


def test_a_kink_behind_the_activation() -> None:
    cost = {"J": ((), call("abs", RESIDUAL))}
    outer = Theory(cost)
    inner = Theory({**cost, "h": ((), z)})
    slope = where(rel(">", RESIDUAL, ZERO), ONE, MINUS_ONE)
    theorem = inner.chain(outer.derivative(COST, h, slope), inner.derivative(h, z, ONE))
    assert any(r.args[0] == "!=" and {"h", "y"} <= set(r.names) for r in theorem.hypotheses)


def test_relu_is_not_smoothed_by_a_square() -> None:
    """relu(z)^2 is smooth at 0, but this is not proved by rules that leave the border out."""
    theorem = Theory({}).derivative(power(RELU, 2), z, mul(TWO, RELU))
    assert KINK in theorem.hypotheses


# ---- branches and borders of domains -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "hypotheses"),
    [
        (call("log", call("exp", z)), z, ()),
        (call("exp", call("log", z)), z, (rel(">", z, ZERO),)),
        (call("sqrt", power(z, 2)), call("abs", z), (rel(">", power(z, 2), ZERO),)),
        (div(sub(power(z, 2), ONE), sub(z, ONE)), add(z, ONE), (rel("!=", sub(z, ONE), ZERO),)),
        (div(z, z), ONE, (KINK,)),
        (power(call("sqrt", z), 2), z, (rel(">", z, ZERO),)),
        (mul(ZERO, call("log", h)), ZERO, (rel(">", h, ZERO),)),
        (sub(call("log", h), call("log", h)), ZERO, (rel(">", h, ZERO),)),
        (mul(h, call("log", h)), mul(h, call("log", h)), (rel(">", h, ZERO),)),
        (power(z, ZERO), ONE, ()),
        (power(h, sub(w, w)), ONE, (rel(">", h, ZERO),)),
    ],
)
def test_the_domain_is_kept(left: Term, right: Term, hypotheses: tuple[Term, ...]) -> None:
    assert Theory({}).equal(left, right).hypotheses == hypotheses
    assert Theory({}).equal(right, left).hypotheses == hypotheses


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (call("sqrt", power(z, 2)), z),
        (call("log", power(z, 2)), mul(TWO, call("log", z))),
        (call("log", mul(z, w)), add(call("log", z), call("log", w))),
        (add(call("atan", z), call("atan", div(ONE, z))), div(PI, TWO)),
        (call("atan", div(call("sin", z), call("cos", z))), z),
        (power(power(z, 2), HALF), z),
        (power(power(z, w), y), power(power(z, y), TWO)),
        (call("sqrt", mul(z, w)), mul(call("sqrt", z), call("sqrt", w))),
        (power(num(-8), num(1, 3)), num(-2)),
        (call("abs", z), call("sqrt", z)),
        (mul(ZERO, div(ONE, sub(z, z))), ZERO),
        (mul(ZERO, call("log", num(-1))), ZERO),
    ],
)
def test_a_branch_is_not_lost(left: Term, right: Term) -> None:
    assert is_refused(left, right)


def test_roots_of_products_are_split_where_signs_are_known() -> None:
    product = call("sqrt", mul(z, w))
    below = rel("<", z, ZERO), rel("<", w, ZERO)
    split = mul(call("sqrt", neg(z)), call("sqrt", neg(w)))
    assert set(Theory({}, below).equal(product, split).hypotheses) == set(below)
    assert is_refused(product, mul(call("sqrt", z), call("sqrt", w)), *below)


def test_the_border_of_the_output_is_left_out() -> None:
    """y log h at h = 0 is not 0 log 0: the domain is open."""
    for border in (ZERO, ONE):
        with pytest.raises(KernelError):
            Theory({"J": ((), BCE), "h": ((), border)}).equal(COST, ZERO)
        with pytest.raises(KernelError):
            Theory({"J": ((), BCE)}, (rel("=", h, border),)).equal(COST, COST)
    with pytest.raises(KernelError):
        balls.evaluate(BCE, at(h=0, y=0), {})


def test_an_assumption_that_contradicts_a_condition_is_noticed() -> None:
    for assumption in (rel("=", z, ZERO), rel("<", z, ZERO)):
        assert is_refused(call("log", z), call("log", z), assumption)


# ---- conditions that nobody stated -----------------------------------------------------------------------


def test_the_total_of_the_targets_is_not_known() -> None:
    cost = sum_over(k, neg(mul(item("y", k), call("log", item("h", k)))))
    definitions = {"J": ((), cost), "h": ((k,), softmax(k))}
    hj, yj, zj = item("h", j), item("y", j), item("z", j)
    total = sum_over(k, item("y", k))
    assert Theory(definitions).derivative(COST, zj, sub(mul(hj, total), yj)).hypotheses == ()
    with pytest.raises(KernelError):
        Theory(definitions).derivative(COST, zj, sub(hj, yj))
    said = rel("=", total, ONE)
    assert Theory(definitions, (said,)).derivative(COST, zj, sub(hj, yj)).hypotheses == (said,)
    broken = at(z_1=0, z_2=0, y_1=1, y_2=1)
    assert certainly_different(Slope(COST, zj), sub(hj, yj), broken, definitions)


def test_the_number_of_classes_is_not_known() -> None:
    assert is_refused(sum_over(k, ONE), TWO)
    assert is_refused(sum_over(k, item("z", k)), item("z", j))
    others = sub(ONE, softmax(j))  # 0 for one class
    said = rel(">", size("K"), ONE)
    for positive in (sub(size("K"), ONE), others):
        unsaid = Theory({}).equal(div(positive, positive), ONE).hypotheses
        assert len(unsaid) == 1 and unsaid != (said,)
        assert Theory({}, (said,)).equal(div(positive, positive), ONE).hypotheses == (said,)
    assert is_refused(call("abs", sub(others, HALF)), sub(others, HALF), said)


def test_a_label_is_not_a_bit() -> None:
    assert is_refused(power(y, 2), y)
    assert is_refused(mul(y, sub(ONE, y)), ZERO)
    bit = rel("=", power(y, 2), y)
    assert Theory({}, (bit,)).equal(power(y, 7), y).hypotheses == (bit,)
    assert is_refused(y, ONE, bit) and is_refused(y, ZERO, bit)
