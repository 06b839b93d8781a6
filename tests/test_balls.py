"""Balls: each rule accepted once and refused in each way; never wrong about what differs."""

from __future__ import annotations

import ast
import math
import statistics
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import flint
import pytest
from flint import arb, fmpq

from derive import balls
from derive.balls import Point, Slope, certainly_different, certainly_holds, enclosure, evaluate
from derive.errors import KernelError
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
j, k, l, i = index("j"), index("k"), index("l"), index("i", "m")  # noqa: E741
HALF, TWO = num(1, 2), num(2)
SIGMOID = {"h": ((), div(ONE, add(ONE, call("exp", neg(z)))))}
SOFTMAX = {"h": ((k,), div(call("exp", item("z", k)), sum_over(l, call("exp", item("z", l)))))}


def at(sizes: dict[str, int] | None = None, indices: dict[str, int] | None = None, **values: object) -> Point:
    """A point; ``z_1=...`` is z[1], a string is an exact rational p/q."""
    table = {}
    for name, value in values.items():
        head, *places = name.split("_")
        exact = value if isinstance(value, Term) else fmpq(*map(int, str(value).split("/")))
        table[head, tuple(map(int, places))] = exact
    return Point(table, sizes or {}, indices or {})


def near(ball: arb, number: fmpq | int) -> bool:
    return bool(ball.overlaps(arb(number)) and ball.rad() < arb("1e-15"))


VECTOR = at({"K": 3, "m": 2}, {"j": 2, "k": 3, "i": 1}, z_1="1/3", z_2=1, z_3=-2, y_1="1/3", y_2="1/3", y_3="1/3")

# rule: term, point, derivative by z (or z[2] with indices), value and derivative as exact rationals
ACCEPTED = [
    ("num", num(-3, 7), at(z=1), "-3/7", "0"),
    ("var", z, at(z="5/3"), "5/3", "1"),
    ("another var", y, at(z=1, y=4), "4", "0"),
    ("size", size("K"), at({"K": 5}, z=1), "5", "0"),
    ("add", add(z, z, ONE), at(z=2), "5", "2"),
    ("mul", mul(z, z, num(3)), at(z=2), "12", "12"),
    ("empty sum and product", Term("add", (Term("add", ()), Term("mul", ()))), at(z=2), "1", "0"),
    ("power", power(z, 5), at(z=-2), "-32", "80"),
    ("power zero at zero", power(z, 0), at(z=0), "1", "0"),
    ("power one", power(z, 1), at(z=0), "0", "1"),
    ("reciprocal", power(z, -2), at(z=-2), "1/4", "1/4"),
    ("rational power", power(z, num(3, 2)), at(z=4), "8", "3"),
    ("symbolic power", power(z, w), at(z=4, w="1/2"), "2", "1/4"),
    ("power 10000", power(z, 10_000), at(z=-1), "1", "-10000"),
    ("call", call("exp", z), at(z=0), "1", "1"),
    ("Li2 at a constant", mul(z, sub(call("Li2", HALF), call("Li2", HALF))), at(z=3), "0", "0"),
    ("pi", mul(z, call("sin", call("pi"))), at(z=1), "0", "0"),
    ("abs below", call("abs", z), at(z=-2), "2", "-1"),
    ("abs above", call("abs", z), at(z=2), "2", "1"),
    ("where inside", where(rel("<", z, ONE), power(z, 2), z), at(z="1/2"), "1/4", "1"),
    ("where outside", where(rel("<=", z, ONE), power(z, 2), mul(TWO, z)), at(z=2), "4", "2"),
    ("where greater", where(rel(">=", z, ONE), power(z, 2), call("log", ZERO)), at(z=2), "4", "4"),
]
VECTOR_ACCEPTED = [
    ("item", item("z", j), "1", "1"),
    ("other item", item("z", k), "-2", "0"),
    ("kron equal", kron(j, j), "1", "0"),
    ("kron unequal", kron(j, k), "0", "0"),
    ("sum", sum_over(k, power(item("z", k), 2)), "46/9", "2"),
    ("sum of nothing bound", sum_over(k, ONE), "3", "0"),
    ("sum over examples", sum_over(i, sum_over(k, item("z", k))), "-4/3", "2"),
    ("free beside bound", sum_over(l, mul(item("z", k), item("z", l))), "4/3", "-2"),
    ("delta in a sum", sum_over(k, mul(kron(j, k), item("z", k))), "1", "1"),
    ("double sum", sum_over(k, sum_over(l, mul(item("z", k), item("y", l), kron(k, l)))), "-2/9", "1/3"),
]


def rational(text: str) -> fmpq:
    return fmpq(*map(int, text.split("/")))


@pytest.mark.parametrize(("term", "point", "value", "slope"), [c[1:] for c in ACCEPTED], ids=[c[0] for c in ACCEPTED])
def test_scalar_rule(term: Term, point: Point, value: str, slope: str) -> None:
    plain, dual = evaluate(term, point, {}), evaluate(term, point, {}, ("z", ()))
    assert near(plain[0], rational(value)) and near(dual[0], rational(value)) and near(dual[1], rational(slope))
    assert plain[1] == 0


@pytest.mark.parametrize(
    ("term", "value", "slope"), [c[1:] for c in VECTOR_ACCEPTED], ids=[c[0] for c in VECTOR_ACCEPTED]
)
def test_indexed_rule(term: Term, value: str, slope: str) -> None:
    ball, derivative = evaluate(term, VECTOR, {}, ("z", (2,)))
    assert near(ball, rational(value)) and near(derivative, rational(slope))
    assert near(evaluate(term, VECTOR, {})[0], rational(value))


K1 = Term("bound", (0, "K"))
REFUSED = [
    ("missing value", w, "w has an exact value"),
    ("missing item", item("w", j), r"w\[2\] has an exact value"),
    ("a family is not a scalar", item("x", j), r"x\[2\] has an exact value"),
    ("a scalar is not a family", var("u"), "u has an exact value"),
    ("missing size", size("n"), "the size n is at least 1"),
    ("missing index", item("z", index("q")), "the index q is one of 1..K"),
    ("index above its size", item("z", index("k", "m")), "the index k is one of 1..m"),
    ("loose bound index", item("z", K1), "a bound index belongs to a sum"),
    ("bound over another size", Term("sum", ("m", Term("item", ("z", K1)))), "a bound index belongs to a sum"),
    ("reciprocal of zero", div(ONE, sub(var("x"), var("x"))), "a denominator is not 0"),
    ("power of zero", power(ZERO, num(1, 2)), "the base of a power is positive"),
    ("power of a negative", power(MINUS_ONE, num(1, 3)), "the base of a power is positive"),
    ("integer exponent that is no number", power(num(-2), add(ONE, ONE)), "the base of a power is positive"),
    ("large exponent", power(TWO, 10_001), "an exponent within 10000"),
    ("large negative exponent", power(TWO, -10_001), "an exponent within 10000"),
    ("log of zero", call("log", ZERO), "the argument of log is positive"),
    ("log of a negative", call("log", MINUS_ONE), "the argument of log is positive"),
    ("sqrt of zero", call("sqrt", ZERO), "the argument of sqrt is positive"),
    ("Li2 at 1", call("Li2", ONE), "the argument of Li2 is below 1"),
    ("Li2 beyond 1", call("Li2", TWO), "the argument of Li2 is below 1"),
    ("Li2 at what may be 1", call("Li2", call("exp", call("log", ONE))), "the argument of Li2 is below 1"),
    ("abstract function", call("F", ONE), "F is a known function"),
    ("derivative of an abstract function", call("F'", ONE), "F' is a known function"),
    ("zero does not hide log", mul(ZERO, call("log", MINUS_ONE)), "the argument of log is positive"),
    ("exponent zero does not hide log", power(call("log", MINUS_ONE), 0), "the argument of log is positive"),
    ("unknown function", call("gamma", ONE), "gamma is a known function"),
    ("no argument", call("exp"), "exp is a known function"),
    ("two arguments", call("exp", ONE, ONE), "exp is a known function"),
    ("pi of something", call("pi", ONE), "pi is a known function"),
    ("border of a region", where(rel("<=", var("x"), ONE), ONE, ONE), "a region is entered strictly"),
    ("overflow", call("exp", call("exp", call("exp", num(100)))), "an enclosure is finite"),
    ("sum too long", sum_over(index("k", "long"), sum_over(l, ONE)), "at most 10000 summands"),
]


@pytest.mark.parametrize(("term", "message"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_refused(term: Term, message: str) -> None:
    point = VECTOR._replace(
        values={**VECTOR.values, ("x", ()): fmpq(1), ("u", (1,)): fmpq(1)}, sizes={"K": 3, "m": 2, "long": 10_000}
    )
    for direction in (None, ("x", ())):
        with pytest.raises(KernelError, match=f"not certified at this point: .*{message}"):
            evaluate(term, point, {}, direction)
    assert not certainly_different(term, num(77), point, {})
    assert not certainly_different(num(77), Slope(term, var("x")), point, {})
    assert not certainly_holds(rel("!=", term, num(77)), point, {})
    assert not certainly_holds(rel("=", term, term), point, {})


def test_limits_are_reached_but_not_passed() -> None:
    assert near(evaluate(sum_over(k, ONE), at({"K": 10_000}), {})[0], 10_000)
    with pytest.raises(KernelError, match="at most 10000 summands"):
        evaluate(sum_over(k, ONE), at({"K": 10_001}), {})
    assert near(evaluate(sum_over(k, item("z", k)), at({"K": 1}, z_1=7), {}, ("z", (1,)))[1], 1)
    with pytest.raises(KernelError, match="the size K is at least 1"):
        evaluate(sum_over(k, ONE), at({"K": 0}), {})


def test_kink_of_abs_is_refused_only_for_a_derivative() -> None:
    assert near(evaluate(call("abs", z), at(z=0), {})[0], 0)
    with pytest.raises(KernelError, match="the argument of abs is not 0"):
        evaluate(call("abs", z), at(z=0), {}, ("z", ()))


def test_the_slope_of_li2_is_not_certified_at_0() -> None:
    assert evaluate(call("Li2", z), at(z=0), {})[0] == 0
    with pytest.raises(KernelError, match="the argument of Li2 is not 0"):
        evaluate(call("Li2", z), at(z=0), {}, ("z", ()))


# The dilogarithm: x, and Li2(x) to 50 digits computed by mpmath, which shares no code with arb.
DILOGARITHMS = [
    ("1/2", "0.58224052646501250590265632015968010874419847480613"),
    ("-1/2", "-0.4484142069236462024430644059157743208342699413492"),
    ("-1/1", "-0.8224670334241132182362075833230125946094749506034"),
    ("96/97", "1.587191340120083488170148084870360455817376041923"),
    ("1/1000000", "0.0000010000002500001111111736111511111388889092970677792"),
    ("-1/1000000", "-0.00000099999975000011111104861115111108333335374148097365"),
    ("-30/1", "-7.3959462861306814278203951393454422269599146929513"),
    ("-100000/7", "-47.40875509554846985676309419214045787922000579942"),
    ("999999/1000000", "1.6449192513305107122030441081655980340120734348611"),
]


@pytest.mark.parametrize(("place", "decimals"), DILOGARITHMS)
@pytest.mark.parametrize("precision", [64, 160, 1024])
def test_dilogarithm(place: str, decimals: str, precision: int) -> None:
    ball = evaluate(call("Li2", z), at(z=place), {}, None, precision)[0]
    with flint.ctx.workprec(200):
        assert ball.overlaps(arb(decimals) + arb(0, abs(arb(decimals)) * arb("1e-48")))
        assert ball.rad() < abs(ball.mid()) * arb(2) ** (20 - precision)


@pytest.mark.parametrize("place", ["1/3", "-1/3", "3/4", "-1", "-3/2", "-9/2"])
def test_identities_of_the_dilogarithm(place: str) -> None:
    """DLMF 25.12.3, 25.12.4 and 25.12.6, and their slopes."""
    x, point = z, at(z=place)
    square = power(call("log", sub(ONE, x)), 2)
    landen = add(call("Li2", x), call("Li2", div(x, sub(x, ONE))), mul(HALF, square))
    doubling = sub(add(call("Li2", x), call("Li2", neg(x))), mul(HALF, call("Li2", power(x, 2))))
    zeta = div(power(call("pi"), 2), num(6))
    inversion = add(call("Li2", x), call("Li2", power(x, -1)), zeta, mul(HALF, power(call("log", neg(x)), 2)))
    reflection = add(call("Li2", x), call("Li2", sub(ONE, x)), neg(zeta), mul(call("log", x), call("log", sub(ONE, x))))
    number = fmpq(*map(int, place.split("/")))
    held = [landen] + [doubling] * (abs(number) < 1) + [inversion if number < 0 else reflection]
    for identity in held:
        for precision in (64, 512):
            for ball in evaluate(identity, point, {}, ("z", ()), precision):
                assert ball.contains(0) and ball.rad() < arb(2) ** (20 - precision)
        wrong = add(identity, mul(tiny(60), z))
        assert certainly_different(wrong, ZERO, point, {})
        assert certainly_different(Slope(wrong, z), ZERO, point, {})


def test_only_the_region_of_the_point_needs_to_be_defined() -> None:
    branches = where(rel(">", z, ZERO), call("log", z), z)
    assert near(evaluate(branches, at(z=-1), {}, ("z", ()))[1], 1)


@pytest.mark.parametrize("direction", [("q", ()), ("z", (1,)), ("h", (1,))])
def test_a_derivative_by_no_coordinate_is_refused(direction: balls.Key) -> None:
    with pytest.raises(KernelError):
        evaluate(z, at(z=1), {}, direction)


def test_a_derivative_by_a_definition_that_cannot_be_indexed_so() -> None:
    assert not certainly_different(Slope(z, num(1)), z, at(z=1), {})
    assert not certainly_different(Slope(z, item("z", K1)), z, at(z=1), {})
    with pytest.raises(KernelError, match="the derivative is by a variable"):
        enclosure(Slope(z, call("z")), at(z=1), {})


# Points, definitions and slopes


def test_definition_is_differentiated_and_a_value_is_constant() -> None:
    loss = div(power(sub(h, y), 2), TWO)
    point = at(z=0, y=1)
    assert near(enclosure(Slope(loss, z), point, SIGMOID), fmpq(-1, 8))
    assert near(enclosure(Slope(loss, h), point, SIGMOID), fmpq(-1, 2))
    constant = at(z=0, y=mul(num(3), h))  # y := 3h is the number 3/2
    assert near(enclosure(Slope(mul(y, h), z), constant, SIGMOID), fmpq(3, 8))
    assert near(enclosure(Slope(mul(y, h), h), constant, SIGMOID), fmpq(3, 2))


def test_partial_derivative_by_a_defined_item_holds_the_others() -> None:
    loss = neg(sum_over(k, mul(item("y", k), call("log", item("h", k)))))
    slope, expected = Slope(loss, item("h", j)), neg(div(item("y", j), item("h", j)))
    assert enclosure(sub(expected, ZERO), VECTOR, SOFTMAX).overlaps(enclosure(slope, VECTOR, SOFTMAX))
    assert not certainly_different(slope, expected, VECTOR, SOFTMAX)
    assert certainly_different(slope, sub(item("h", j), item("y", j)), VECTOR, SOFTMAX)


@pytest.mark.parametrize("classes", [2, 3])
def test_softmax_cross_entropy(classes: int) -> None:
    loss = neg(sum_over(k, mul(item("y", k), call("log", item("h", k)))))
    slope, claim = Slope(loss, item("z", j)), sub(item("h", j), item("y", j))
    labels = {("y", (c,)): fmpq(1, classes) for c in range(1, classes + 1)}
    inputs = {("z", (c,)): fmpq(c * c, 3) for c in range(1, classes + 1)}
    point = Point({**labels, **inputs}, {"K": classes}, {"j": 2})
    condition = rel("=", sum_over(k, item("y", k)), ONE)
    assert certainly_holds(condition, point, SOFTMAX)
    assert not certainly_different(slope, claim, point, SOFTMAX)
    broken = point._replace(values={**point.values, ("y", (1,)): fmpq(2)})
    assert not certainly_holds(condition, broken, SOFTMAX)
    assert certainly_different(slope, claim, broken, SOFTMAX)


def test_softmax_jacobian_keeps_target_and_bound_index_apart() -> None:
    hk, hj = item("h", k), item("h", j)
    slope, right = Slope(hk, item("z", j)), mul(hk, sub(kron(k, j), hj))
    for target in (1, 2, 3):
        point = VECTOR._replace(indices={"j": 2, "k": target, "l": 1})
        assert not certainly_different(slope, right, point, SOFTMAX)
        assert certainly_different(slope, mul(hk, sub(ONE, hj)), point, SOFTMAX) == (target != 2)


def test_free_index_named_as_the_bound_one() -> None:
    squares = sum_over(k, power(item("z", k), 2))
    slope = Slope(squares, item("z", k))
    assert not certainly_different(slope, mul(TWO, item("z", k)), VECTOR, {})
    assert certainly_different(slope, sum_over(k, mul(TWO, item("z", k))), VECTOR, {})


def test_indices_of_a_definition_are_its_own() -> None:
    definitions = {"g": ((k,), add(item("z", k), num(10))), "f": ((j, k), sub(item("g", k), item("g", j)))}
    assert near(enclosure(item("g", j), VECTOR, definitions), 11)
    assert near(enclosure(item("f", k, j), VECTOR, definitions), 3)  # g[j] - g[k] = 11 - 8
    assert near(enclosure(sum_over(l, item("f", l, j)), VECTOR, definitions), fmpq(11 * 3 - 30) + fmpq(2, 3))


TWICE = {"h": ((), ONE)}
BAD_DEFINITIONS = [
    ("free index in the body", item("g", j), {"g": ((k,), item("z", j))}, "the index j is one of 1..K"),
    ("body of an outer sum", sum_over(l, var("g")), {"g": ((), Term("item", ("z", K1)))}, "a bound index belongs"),
    ("formal over another size", item("g", j), {"g": ((i,), ONE)}, "g has the indices of its definition"),
    ("formal name, other size", item("g", j), {"g": ((k,), item("z", index("k", "m")))}, "the index k is one of"),
    ("too many indices", item("g", j, k), {"g": ((k,), ONE)}, "g has the indices of its definition"),
    ("scalar used as a family", item("g", j), {"g": ((), ONE)}, "g has the indices of its definition"),
    ("family used as a scalar", var("g"), {"g": ((k,), ONE)}, "g has the indices of its definition"),
    ("repeated formal", item("g", j, j), {"g": ((k, k), ONE)}, "g is defined once"),
    ("value and definition", item("z", j), {"z": ((k,), ONE)}, "z is defined once"),
    ("defined by itself", var("g"), {"g": ((), var("f")), "f": ((), add(ONE, var("g")))}, "defined by itself"),
]


@pytest.mark.parametrize(
    ("term", "definitions", "message"), [c[1:] for c in BAD_DEFINITIONS], ids=[c[0] for c in BAD_DEFINITIONS]
)
def test_bad_definition(term: Term, definitions: balls.Definitions, message: str) -> None:
    with pytest.raises(KernelError, match=message):
        evaluate(term, VECTOR, definitions)
    assert not certainly_different(term, num(77), VECTOR, definitions)


def test_same_numbers_over_another_size_do_not_pass_by_the_cache() -> None:
    definitions = {"g": ((k,), item("z", k))}
    with pytest.raises(KernelError, match="g has the indices of its definition"):
        evaluate(add(item("g", index("i")), item("g", i)), VECTOR, definitions)


def test_values_that_are_not_exact_or_go_round_are_refused() -> None:
    for values in ({("z", ()): 0.5}, {("z", ()): add(z, ONE)}, {("z", ()): y, ("y", ()): z}):
        with pytest.raises(KernelError):
            evaluate(z, Point(values, {}, {}), {})  # type: ignore[arg-type]


@pytest.mark.parametrize("term", [j, rel("<", ZERO, ONE)], ids=["index", "relation"])
def test_what_is_no_number_is_refused(term: Term) -> None:
    with pytest.raises(KernelError, match=f"a term of kind {term.kind} is a number"):
        evaluate(term, VECTOR, {})


def test_definitions_nested_too_deeply_are_a_refusal() -> None:
    tower = {f"v{n}": ((), call("sin", Term("var", (f"v{n + 1}",)))) for n in range(2_000)}
    with pytest.raises(KernelError, match="nested too deeply"):
        evaluate(Term("var", ("v0",)), at(v2000=1), tower)


# Certainly different


def tiny(exponent: int) -> Term:
    return Term("num", (fmpq(1, 10**exponent),))


def test_different_by_1e_30_1e_60_and_1e_500() -> None:
    claim = sub(h, y)
    loss = neg(add(mul(y, call("log", h)), mul(sub(ONE, y), call("log", sub(ONE, h)))))
    for exponent in (0, 30, 60, 500, 1_000):
        wrong = add(claim, mul(tiny(exponent), z))
        assert certainly_different(Slope(loss, z), wrong, at(z="1/3", y="1/7"), SIGMOID)
        assert not certainly_different(Slope(loss, z), wrong, at(z=0, y="1/7"), SIGMOID)
    assert not certainly_different(Slope(loss, z), claim, at(z="1/3", y="1/7"), SIGMOID)


def test_difference_below_the_cap_is_left_open() -> None:
    assert not certainly_different(call("exp", z), add(call("exp", z), tiny(2_000)), at(z=1), {})
    assert certainly_different(mul(tiny(2_000), call("exp", z)), ZERO, at(z=1), {})


def test_equal_terms_are_never_different() -> None:
    x = num(-731, 97)
    pairs = [
        (power(add(z, ONE), 2), add(power(z, 2), mul(TWO, z), ONE)),
        (add(power(call("sin", z), 2), power(call("cos", z), 2)), ONE),
        (call("exp", add(z, x)), mul(call("exp", z), call("exp", x))),
        (call("tanh", z), sub(mul(TWO, call("sigmoid", mul(TWO, z))), ONE)),
        (add(call("Phi", z), call("Phi", neg(z))), ONE),
        (power(power(z, 2), HALF), call("abs", z)),
        (add(call("atan", z), call("atan", power(z, -1))), div(call("pi"), TWO)),
        (num(3, 10), add(num(1, 10), num(2, 10))),
    ]
    for left, right in pairs:
        assert not certainly_different(left, right, at(z="5/3"), {})
        assert not certainly_different(Slope(left, z), Slope(right, z), at(z="5/3"), {})


def test_branches_are_seen() -> None:
    assert certainly_different(call("sqrt", power(z, 2)), z, at(z=-1), {})
    arcs = add(call("atan", z), call("atan", power(z, -1)))
    assert certainly_different(arcs, div(call("pi"), TWO), at(z=-1), {})


def test_trap_acosh() -> None:
    t = tiny(40)
    acosh = call("log", add(ONE, t, mul(call("sqrt", t), call("sqrt", add(TWO, t)))))
    assert certainly_different(mul(acosh, z), ZERO, at(z=1), {})
    assert certainly_different(Slope(mul(acosh, z), z), ZERO, at(z=0), {})
    assert not certainly_different(mul(acosh, z), ZERO, at(z=0), {})
    assert abs(enclosure(acosh, at(z=1), {}, 256) - arb("1.41421356237e-20")) < arb("1e-31")


def test_trap_sin_of_acos() -> None:
    """sin(acos(c)) is sqrt(1 - c^2) for c in -1..1; the constant differs from 0 by 7.6e-4."""
    cosine = call("cos", div(power(call("pi"), 2), num(2160)))
    small = sub(num(50), mul(num(14), cosine))
    c = div(sub(num(98), mul(num(14), cosine)), mul(num(14), call("sqrt", small)))
    constant = call("sqrt", sub(ONE, power(c, 2)))
    assert certainly_different(mul(constant, z), ZERO, at(z=1), {})
    assert abs(enclosure(constant, at(), {}, 128) - arb("7.6e-4")) < arb("1e-5")


def test_numbers_far_out_are_right() -> None:
    one = arb(1)
    for name in ("sigmoid", "softplus", "tanh", "Phi", "phi", "sinh", "cosh", "erf", "exp"):
        for place in (1000, -1000, fmpq(2999, 3), fmpq(-2999, 3)):
            value, slope = evaluate(call(name, z), Point({("z", ()): fmpq(place)}, {}, {}), {}, ("z", ()), 64)
            fine, fine_slope = evaluate(call(name, z), Point({("z", ()): fmpq(place)}, {}, {}), {}, ("z", ()), 4096)
            assert value.is_finite() and slope.is_finite() and value.overlaps(fine) and slope.overlaps(fine_slope)
            assert fine.rel_accuracy_bits() > 1000 or abs(fine) < arb(2) ** -1000
    assert evaluate(call("sigmoid", num(1000)), at(), {})[0].overlaps(one)
    assert certainly_different(call("sigmoid", num(1000)), ONE, at(), {})
    assert certainly_different(call("softplus", num(-1000)), ZERO, at(), {})


# Certainly holds


HOLDS = [
    ("<", z, ONE, True), ("<", ONE, z, False), ("<", z, z, False),
    ("<=", z, z, True), ("<=", z, ONE, True), ("<=", ONE, z, False),
    (">", ONE, z, True), (">", z, ONE, False), (">=", z, z, True), (">=", z, ONE, False),
    ("=", z, num(1, 3), True), ("=", z, ONE, False), ("!=", z, ONE, True), ("!=", z, z, False),
    ("=", add(z, num(2, 3)), ONE, True), ("=", power(z, -2), num(9), True),
    ("=", call("abs", neg(z)), z, True), ("=", call("exp", ZERO), ONE, True),
    ("=", call("exp", call("log", z)), z, False), ("<=", call("exp", call("log", z)), z, False),
    ("!=", call("exp", call("log", z)), z, False), ("<", call("exp", z), num(7, 5), True),
    (">", call("exp", z), num(7, 5), False), ("!=", call("exp", z), num(7, 5), True),
    ("=", call("exp", z), num(7, 5), False), ("<", call("pi"), num(22, 7), True),
    (">", call("log", neg(z)), ZERO, False), ("=", where(rel(">", z, ZERO), z, ONE), num(1, 3), True),
    (">=", power(z, HALF), ZERO, True), ("<", num(0), mul(tiny(3_000), call("exp", z)), True),
]  # fmt: skip


@pytest.mark.parametrize(("op", "left", "right", "answer"), HOLDS)
def test_certainly_holds(op: str, left: Term, right: Term, answer: bool) -> None:
    assert certainly_holds(rel(op, left, right), at(z="1/3"), {}) is answer


def test_exact_arithmetic_is_bounded() -> None:
    large = power(power(power(add(z, ONE), 10_000), 10_000), 10_000)
    assert certainly_holds(rel(">", large, ONE), at(z="1/3"), {})
    assert not certainly_holds(rel("=", large, large), at(z="1/3"), {})
    product = mul(*(power(add(z, num(n)), 9_000) for n in range(1, 40)))
    assert not certainly_holds(rel("=", product, product), at(z="1/3"), {})


def test_only_relations_can_hold() -> None:
    with pytest.raises(KernelError):
        certainly_holds(z, at(z=1), {})


# Precision


def test_precision_is_honoured_and_restored() -> None:
    before = flint.ctx.prec
    term, point = call("exp", div(z, num(3))), at(z=1)
    for precision in (64, 256, 4096):
        for ball in evaluate(term, point, {}, ("z", ()), precision):
            assert precision - 20 < ball.rel_accuracy_bits() <= precision
        assert precision - 20 < enclosure(term, point, {}, precision).rel_accuracy_bits() <= precision
    for broken in (call("log", ZERO), var("nobody"), call("gamma", ONE)):
        with pytest.raises(KernelError):
            evaluate(broken, point, {}, ("z", ()), 512)
        certainly_different(broken, ONE, point, {})
        certainly_holds(rel("<", broken, ONE), point, {})
    assert flint.ctx.prec == before


def test_precision_doubles_up_to_the_cap() -> None:
    assert tuple(64 * 2**n for n in range(7)) == balls.PRECISIONS


def test_precision_of_the_caller_does_not_matter() -> None:
    with flint.ctx.workprec(10):
        assert certainly_different(add(z, tiny(60)), z, at(z="1/3"), {})
        assert enclosure(call("exp", z), at(z=1), {}, 128).rel_accuracy_bits() > 100
        assert flint.ctx.prec == 10


def test_every_dual_function_keeps_two_coefficients() -> None:
    for name in balls._FUNCTIONS:
        for slope in (0, 1):
            assert balls._FUNCTIONS[name](balls._dual(fmpq(1, 2), slope)).prec == 2


def test_balls_import_neither_laws_nor_kernel() -> None:
    tree = ast.parse(Path(balls.__file__).read_text(encoding="utf-8"))
    modules = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert {m for m in modules if m and m.startswith(("derive", "flint"))} == {"flint", "derive.errors", "derive.term"}


# ---- what mutation testing found


def series_of_li2(x: float) -> float:
    return math.fsum(x**n / n**2 for n in range(1, 3000))


NORMAL = statistics.NormalDist()
BY_LIBRARY: dict[str, tuple[Callable[[float], float], tuple[str, ...]]] = {
    **{name: (getattr(math, name), ("-5/3", "1/7", "5/2")) for name in ("exp", "erf", "sin", "cos", "atan")},
    **{name: (getattr(math, name), ("1/7", "5/2")) for name in ("log", "sqrt")},
    **{name: (getattr(math, name), ("-5/3", "1/7", "5/2")) for name in ("sinh", "cosh", "tanh")},
    "sigmoid": (lambda x: 1 / (1 + math.exp(-x)), ("-5/3", "1/7", "5/2")),
    "softplus": (lambda x: math.log(1 + math.exp(x)), ("-5/3", "1/7", "5/2")),
    "phi": (NORMAL.pdf, ("-5/3", "1/7", "5/2")),
    "Phi": (NORMAL.cdf, ("-5/3", "1/7", "5/2")),
    "Li2": (series_of_li2, ("-2/3", "1/7", "4/5")),
}


@pytest.mark.parametrize("name", balls._FUNCTIONS)
def test_functions_are_those_of_the_standard_library(name: str) -> None:
    """To ten digits, and their slopes to five by a difference: by floats, so by none of our own formulas."""
    function, places = BY_LIBRARY[name]
    for place in places:
        x = float(Fraction(place))
        value, slope = (float(ball) for ball in evaluate(call(name, z), at(z=place), {}, ("z", ()), 128))
        assert value == pytest.approx(function(x), rel=1e-10)
        assert slope == pytest.approx((function(x + 1e-6) - function(x - 1e-6)) / 2e-6, rel=1e-5)


@pytest.mark.parametrize(
    ("term", "direction", "words"),
    [
        (call("Li2", z), ("z", ()), "the argument of Li2 is not 0"),
        (kron(Term("bound", (0, "K")), k), None, "a bound index belongs to a sum"),
        (power(sub(z, ONE), HALF), None, "the base of a power is positive"),
        (power(z, -1), None, "a denominator is not 0"),
        (size("m"), None, "the size m is at least 1"),
        (kron(k, k), None, "the index k is one of 1..K"),
        (item("h", k), None, "h has the indices of its definition"),
        (var("y"), None, "y has an exact value"),
        (call("exp", call("exp", power(num(10), 100))), None, "an enclosure is finite"),
        (call("gamma", z), None, "gamma is a known function"),
        (call("log", z), None, "the argument of log is positive"),
        (call("sqrt", z), None, "the argument of sqrt is positive"),
        (call("Li2", ONE), None, "the argument of Li2 is below 1"),
        (call("abs", z), ("z", ()), "the argument of abs is not 0"),
        (where(rel("<", z, ZERO), ONE, TWO), None, "a region is entered strictly"),
        (power(TWO, 10_001), None, "an exponent within 10000"),
        (rel("<", z, ONE), None, "a term of kind rel is a number"),
        (z, ("w", ()), "the derivative is by a coordinate"),
    ],
    ids=str,
)
def test_a_refusal_says_what_is_not_certified(term: Term, direction: balls.Key | None, words: str) -> None:
    point = Point({("z", ()): fmpq(0)}, {"K": 2, "m": 0}, {"k": 3 if words.startswith("the index") else 1})
    with pytest.raises(KernelError) as refusal:
        evaluate(term, point, {"h": ((), z)}, direction)
    assert str(refusal.value).startswith("not certified at this point: ") and str(refusal.value).endswith(words)


def test_an_exact_number_has_at_most_so_many_bits() -> None:
    """2^99999 has 100,000; what has more is compared by balls, here with the same answer."""
    for bits, is_exact in ((100_000, True), (100_001, False)):
        half = num(2 ** (bits // 2))
        product = mul(half, num(2 ** (bits - 1 - bits // 2)))
        try:
            balls._run(product, at(), {}, fmpq, None)
        except KernelError as refusal:
            assert not is_exact and str(refusal).endswith("an exact number of 100000 bits")
        else:
            assert is_exact
        assert certainly_holds(rel(">", product, ONE), at(), {})


def test_what_is_no_request_is_refused_in_words() -> None:
    with pytest.raises(KernelError, match=r"the derivative is by a variable$"):
        enclosure(Slope(z, ONE), at(z=0), {})
    with pytest.raises(KernelError, match=r"a relation is asked$"):
        certainly_holds(z, at(z=0), {})


def test_what_a_low_precision_cannot_certify_a_higher_one_can() -> None:
    """exp(10^-40) > 1 decides the region, which 64 bits do not see."""
    region = where(rel(">", call("exp", z), ONE), ONE, TWO)
    point = at(z=f"1/{10**40}")
    with pytest.raises(KernelError, match="entered strictly"):
        enclosure(region, point, {}, 64)
    assert certainly_different(region, TWO, point, {}) and not certainly_different(region, ONE, point, {})
