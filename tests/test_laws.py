"""Laws: each row, under its own conditions, against dual numbers, finite differences and published decimals."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import flint
import pytest
from flint import arb, fmpq

from derive import balls
from derive.balls import Point, Slope, certainly_different, certainly_holds, enclosure, evaluate
from derive.errors import KernelError
from derive.kernel import Theory
from derive.laws import ABSTRACT, BOUNDS, CONSTANTS, LAWS, MAX_PRIMES, Law, law, power_derivative, power_domain
from derive.term import MINUS_ONE, ONE, ZERO, Term, add, call, div, mul, neg, num, power, rel, replace, size, sub, var

z, w = var("z"), var("w")
TWO = num(2)
WORKING = 400  # bits
# Near 0, on both sides, on kinks and borders, far out; those between are drawn with a fixed seed.
PLACES = [fmpq(p, q) for p, q in ((0, 1), (1, 1), (-1, 1), (1, 64), (-1, 64), (3, 4), (-7, 5), (30, 1), (-30, 1))]
PLACES += [fmpq(random.Random(n).randint(-399, 399), 97) for n in range(15)]

# The value at 3/4 to 30 digits, computed by mpmath (which shares no code with arb).
DECIMALS = {
    "exp": "2.11700001661267466854536981984",
    "log": "-0.287682072451780927439219005994",
    "sqrt": "0.866025403784438646763723170753",
    "sinh": "0.822316731935829980703661634447",
    "cosh": "1.29468328467684468784170818539",
    "tanh": "0.635148952387287319214434357312",
    "sigmoid": "0.679178699175392973159680115777",
    "softplus": "1.13687100611489994366984026921",
    "erf": "0.711155633653515131598937834591",
    "phi": "0.301137432154804404931671206565",
    "Phi": "0.773372647623131800672937830617",
    "sin": "0.68163876002333416673324195278",
    "cos": "0.731688868873820886311838753",
    "atan": "0.643501108793284386802809228717",
    "abs": "0.75",
    "Li2": "0.978469392930306103743066666525",
}


def at(place: fmpq, **others: fmpq) -> Point:
    return Point({("z", ()): place, **{(name, ()): value for name, value in others.items()}}, {"K": 2}, {})


def holds(relations: tuple[Term, ...], point: Point) -> bool:
    return all(certainly_holds(r, point, {}) for r in relations)


def accepted(term: Term, point: Point, direction: balls.Key | None = None) -> bool:
    try:
        return all(ball.is_finite() for ball in evaluate(term, point, {}, direction, WORKING))
    except KernelError:
        return False


def close(left: arb, right: arb, bits: int) -> bool:
    """Overlapping or not, the two differ by less than 2^-bits of the larger of 1 and their size."""
    with flint.ctx.workprec(WORKING):
        return bool(abs(left - right) < (1 + abs(left)) * arb(2) ** -bits)


def same(left: Term | Slope, right: Term | Slope, point: Point) -> bool:
    """Not certainly different, and so tightly enclosed that this says something."""
    try:
        a, b = enclosure(left, point, {}, WORKING), enclosure(right, point, {}, WORKING)
    except KernelError:
        return False
    return close(a, b, 300) and not certainly_different(left, right, point, {})


def central_difference(term: Term, place: fmpq, **others: fmpq) -> arb:
    """(f(x + s) - f(x - s)) / 2s with s = 2^-40.

    Its error is s^2 f'''/6. The laws are used at |x| <= 30, and at least 1/97 from a singularity, where
    |f'''|/6 is below 2^19 (1 + |f'|); so 60 bits can be asked. 400 bits leave 360 after the subtraction.
    """
    step = fmpq(1, 2**40)
    right, left = (evaluate(term, at(x, **others), {}, None, WORKING)[0] for x in (place + step, place - step))
    with flint.ctx.workprec(WORKING):
        return (right - left) * 2**39


def conditions_wrong(name: str, law: Law) -> Iterator[str]:
    """The rows are open, smooth implies domain, and they hold exactly where balls accept."""
    term = call(name, z)
    for place in PLACES:
        point = at(place)
        if holds(law.domain(z), point) != accepted(term, point):
            yield f"domain at {place}"
        if holds(law.smooth(z), point) != accepted(term, point, ("z", ())):
            yield f"smooth at {place}"
        if holds(law.smooth(z), point) and not holds(law.domain(z), point):
            yield f"smooth outside the domain at {place}"
    if any(r.args[0] in ("<=", ">=", "=") for r in law.domain(z) + law.smooth(z)):
        yield "domain or smooth not open"


def derivative_wrong(name: str, law: Law) -> Iterator[str]:
    term = call(name, z)
    for place in (p for p in PLACES if holds(law.smooth(z), at(p))):
        try:
            row = enclosure(law.derivative(z), at(place), {}, WORKING)
            difference = central_difference(term, place)
        except KernelError:
            yield f"derivative undefined at {place}"
            continue
        if not same(Slope(term, z), law.derivative(z), at(place)):
            yield f"derivative against dual numbers at {place}"
        if not close(row, difference, 60):
            yield f"derivative against differences at {place}"


def rewrite_wrong(name: str, law: Law) -> Iterator[str]:
    for place in PLACES if law.rewrite else ():
        term, simpler = call(name, z), law.rewrite(z)  # type: ignore[misc]
        point = at(place)
        if accepted(simpler, point) != holds(law.domain(z), point):
            yield f"rewrite has another domain at {place}"
        elif holds(law.domain(z), point) and not same(term, simpler, point):
            yield f"rewrite at {place}"
        if holds(law.smooth(z), point) and not same(Slope(simpler, z), law.derivative(z), point):
            yield f"rewrite has another derivative at {place}"


def symmetry_wrong(name: str, law: Law) -> Iterator[str]:
    for place in PLACES if law.odd else ():
        if not same(call(name, neg(z)), neg(call(name, z)), at(place)):
            yield f"odd at {place}"


def sign_wrong(name: str, law: Law) -> Iterator[str]:
    if law.sign not in ("", "positive", "as argument"):
        yield f"sign is no word: {law.sign}"
    for place in PLACES if law.sign else ():
        expected = ">" if law.sign == "positive" or place > 0 else "<" if place < 0 else "="
        if holds(law.domain(z), at(place)) and not certainly_holds(rel(expected, call(name, z), ZERO), at(place), {}):
            yield f"sign at {place}"


def value_wrong(name: str, _: Law) -> Iterator[str]:
    if name in DECIMALS and not close(
        enclosure(call(name, num(3, 4)), at(fmpq(0)), {}, WORKING), arb(DECIMALS[name]), 90
    ):
        yield "value at 3/4"


CHECKS = (value_wrong, conditions_wrong, derivative_wrong, rewrite_wrong, symmetry_wrong, sign_wrong)


def complaints(name: str, law: Law) -> list[str]:
    with flint.ctx.workprec(WORKING):  # the decimals and tolerances; balls choose their own
        return [what for check in CHECKS for what in check(name, law)]


@pytest.mark.parametrize("name", LAWS)
def test_law(name: str) -> None:
    assert complaints(name, LAWS[name]) == []


def test_every_law_has_decimals_and_every_function_of_balls_a_law() -> None:
    assert set(DECIMALS) == set(LAWS) == {*balls._FUNCTIONS, "abs"}
    for name, row in LAWS.items():
        assert sum(holds(row.smooth(z), at(p)) for p in PLACES) >= 5, name


# Abstract functions


def as_sine(term: Term) -> Term:
    """The term with sin for F, and the derivatives of sin for those of F."""
    derivatives = (call("sin", z), call("cos", z), neg(call("sin", z)), neg(call("cos", z)), call("sin", z))
    table = {call("F" + "'" * primes, z): derivative for primes, derivative in enumerate(derivatives)}
    return replace(term, table)


@pytest.mark.parametrize("primes", range(MAX_PRIMES))
def test_the_law_of_an_abstract_function_holds_for_one_that_is_known(primes: int) -> None:
    name = "F" + "'" * primes
    row = law(name)
    assert row is not None and row.derivative(z) == call(f"{name}'", z)
    for place in PLACES:
        assert same(Slope(as_sine(call(name, z)), z), as_sine(row.derivative(z)), at(place))


@pytest.mark.parametrize("name", sorted(ABSTRACT))
def test_nothing_is_known_of_an_abstract_function_but_that_it_is_smooth(name: str) -> None:
    row = law(name)
    assert row is not None and name not in LAWS
    assert row.domain(z) == row.smooth(z) == ()
    assert row.rewrite is None and not row.odd and not row.sign and name not in BOUNDS
    assert law(name + "'" * MAX_PRIMES) is not None
    assert law(name + "'" * 5) is None and MAX_PRIMES == 4


def test_law_knows_the_rows_and_no_other_name() -> None:
    assert all(law(name) is LAWS[name] for name in LAWS)
    assert [law(name) for name in ("exp'", "gamma", "", "'", "F'x", "'F", "L2", "FF", "pi")] == [None] * 9


@pytest.mark.parametrize("name", BOUNDS)
def test_bounds(name: str) -> None:
    for place in PLACES:
        for sign in (ONE, MINUS_ONE):
            assert certainly_holds(rel("<", mul(sign, call(name, z)), BOUNDS[name]), at(place), {})


def test_constants() -> None:
    assert set(CONSTANTS) == {"pi"}
    with flint.ctx.workprec(WORKING):
        assert close(enclosure(call("pi"), at(fmpq(0)), {}, WORKING), arb("3.14159265358979323846264338328"), 90)
    assert CONSTANTS["pi"] == "positive" and certainly_holds(rel(">", call("pi"), ZERO), at(fmpq(0)), {})


# Powers

BASES = [fmpq(p, q) for p, q in ((0, 1), (1, 3), (-1, 3), (1, 1), (-1, 1), (5, 2), (-7, 4))]
FIXED = [num(n) for n in (-3, -1, 0, 1, 2, 5)] + [num(p, q) for p, q in ((1, 2), (-2, 3), (7, 2))] + [w, size("K")]
MOVING = [z, add(z, ONE), neg(z), mul(TWO, z, w), call("sin", z)]


def powers() -> Iterator[tuple[Term, Term]]:
    yield from ((z, e) for e in FIXED + MOVING)
    yield from ((b, e) for b in (TWO, var("b"), call("exp", w), add(power(z, 2), ONE)) for e in MOVING)
    yield from ((sub(ONE, mul(TWO, z)), e) for e in FIXED)


def moving(term: Term) -> Term | None:
    """The derivative by z of the bases and exponents above, written by hand."""
    known = {
        z: ONE,
        add(z, ONE): ONE,
        neg(z): MINUS_ONE,
        mul(TWO, z, w): mul(TWO, w),
        call("sin", z): call("cos", z),
        sub(ONE, mul(TWO, z)): num(-2),
        add(power(z, 2), ONE): mul(TWO, z),
    }
    return known.get(term)


def power_complaints(base: Term, exponent: Term, derivative: Term | None, domain: tuple[Term, ...]) -> Iterator[str]:
    term, others = power(base, exponent), {"w": fmpq(3, 5), "b": fmpq(2, 7)}
    claim = derivative or ZERO
    for place in BASES:
        point = at(place, **others)
        inside = holds(domain, point)
        if inside != accepted(term, point) or inside != accepted(term, point, ("z", ())):
            yield f"domain at {place}"
        elif inside and not same(Slope(term, z), claim, point):
            yield f"derivative against dual numbers at {place}"
        elif inside and not close(enclosure(claim, point, {}, WORKING), central_difference(term, place, **others), 60):
            yield f"derivative against differences at {place}"


POWERS = list(powers())
ZEROTH = (z, num(0))


@pytest.mark.parametrize("case", [c for c in POWERS if c[1] != num(0)], ids=str)
def test_power(case: tuple[Term, Term]) -> None:
    derivative = power_derivative(*case, moving(case[0]), moving(case[1]))
    assert (derivative is None) == (moving(case[0]) is None and moving(case[1]) is None)
    assert list(power_complaints(*case, derivative, power_domain(*case))) == []


def test_power_zero_is_constant_even_at_zero() -> None:
    derivative = power_derivative(*ZEROTH, ONE, None)
    assert derivative is None
    assert list(power_complaints(*ZEROTH, derivative, power_domain(*ZEROTH))) == []


def test_constant_power_has_no_derivative() -> None:
    assert power_derivative(TWO, w, None, None) is None


# The tester is tested: each planted mistake is found, by the check that it is meant for.


def _nowhere_special(_: Term) -> tuple[Term, ...]:
    return ()


def _above_one(x: Term) -> tuple[Term, ...]:
    return (rel(">", x, ONE),)


def _not_negative(x: Term) -> tuple[Term, ...]:
    return (rel(">=", x, ZERO),)


def wrong_rewrite(name: str, rewrite: Callable[[Term], Term]) -> Law:
    return LAWS[name]._replace(rewrite=rewrite)


def wrong_factor(name: str, factor: Term) -> Law:
    return LAWS[name]._replace(derivative=lambda x: mul(factor, LAWS[name].derivative(x)))


PLANTED = [
    ("wrong sign", "cos", LAWS["cos"]._replace(derivative=lambda x: call("sin", x)), "derivative against"),
    ("factor two", "exp", wrong_factor("exp", TWO), "derivative against"),
    ("factor two in Phi", "Phi", wrong_factor("Phi", TWO), "derivative against"),
    ("one part in 10^60", "sin", wrong_factor("sin", Term("num", (1 + fmpq(1, 10**60),))), "derivative against dual"),
    ("one part in 10^15", "sin", wrong_factor("sin", Term("num", (1 + fmpq(1, 10**15),))), "derivative against diff"),
    ("as of atanh", "atan", LAWS["atan"]._replace(derivative=lambda x: power(sub(ONE, power(x, 2)), -1)), "derivative"),
    ("as of acot", "atan", wrong_factor("atan", MINUS_ONE), "derivative against"),
    ("sqrt without half", "sqrt", wrong_factor("sqrt", TWO), "derivative against"),
    ("coordinate law of tanh", "tanh", LAWS["tanh"]._replace(derivative=LAWS["sigmoid"].derivative), "derivative"),
    ("right on one side", "abs", LAWS["abs"]._replace(derivative=lambda x: ONE), "derivative against"),
    ("erf without its constant", "erf", wrong_factor("erf", call("sqrt", call("pi"))), "derivative against"),
    ("no domain", "log", LAWS["log"]._replace(domain=_nowhere_special), "domain at"),
    ("no domain for the derivative", "log", LAWS["log"]._replace(smooth=_nowhere_special), "smooth at"),
    ("no domain at all", "sqrt", LAWS["sqrt"]._replace(domain=_nowhere_special, smooth=_nowhere_special), "domain at"),
    ("closed domain", "sqrt", LAWS["sqrt"]._replace(domain=_not_negative), "domain at 0"),
    ("kink forgotten", "abs", LAWS["abs"]._replace(smooth=_nowhere_special), "smooth at 0"),
    ("domain too small", "exp", LAWS["exp"]._replace(domain=_above_one), "domain at"),
    ("smooth too small", "exp", LAWS["exp"]._replace(smooth=_above_one), "smooth at"),
    ("rewrite of the other", "sinh", wrong_rewrite("sinh", lambda x: call("cosh", x)), "rewrite at"),
    ("rewrite with a sign", "sigmoid", wrong_rewrite("sigmoid", lambda x: call("sigmoid", neg(x))), "rewrite at"),
    ("rewrite and more", "Phi", wrong_rewrite("Phi", lambda x: add(call("Phi", x), num(1, 10**9))), "rewrite at"),
    ("rewrite with holes", "sinh", wrong_rewrite("sinh", lambda x: div(mul(x, call("sinh", x)), x)), "rewrite has"),
    ("even as odd", "cos", LAWS["cos"]._replace(odd=True), "odd at"),
    ("Li1 as the slope of Li2", "Li2", wrong_factor("Li2", z), "derivative against"),
    ("Li2 of a mirrored argument", "Li2", LAWS["Li2"]._replace(derivative=lambda x: div(call("log", add(ONE, x)), x)),
     "derivative"),
    ("Li2 everywhere", "Li2", LAWS["Li2"]._replace(domain=_nowhere_special), "domain at 1"),
    ("slope of Li2 at 0", "Li2", LAWS["Li2"]._replace(smooth=LAWS["Li2"].domain), "smooth at 0"),
    ("Li2 as positive", "Li2", LAWS["Li2"]._replace(sign="positive"), "sign at"),
    ("wrong sign of values", "sin", LAWS["sin"]._replace(sign="positive"), "sign at"),
    ("sign of another argument", "cos", LAWS["cos"]._replace(sign="as argument"), "sign at"),
    ("sign at zero", "exp", LAWS["exp"]._replace(sign="as argument"), "sign at 0"),
    ("no such sign", "exp", LAWS["exp"]._replace(sign="plus"), "sign is no word"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "law", "complaint"), [p[1:] for p in PLANTED], ids=[p[0] for p in PLANTED])
def test_planted_law_is_caught(name: str, law: Law, complaint: str) -> None:
    assert any(c.startswith(complaint) for c in complaints(name, law))


PLANTED_POWERS = [
    ("factor dropped", z, num(3), power(z, 2), power_domain(z, num(3))),
    ("exponent not lowered", z, num(3), mul(num(3), power(z, 3)), power_domain(z, num(3))),
    ("log forgotten", TWO, z, power(TWO, z), power_domain(TWO, z)),
    ("one part forgotten", z, z, power(z, z), power_domain(z, z)),
    ("derivative taken as zero", z, num(2), None, power_domain(z, num(2))),
    ("no domain for a reciprocal", z, num(-1), neg(power(z, -2)), ()),
    ("no domain for a root", z, num(1, 2), mul(num(1, 2), power(z, num(-1, 2))), ()),
    ("domain too small", z, num(2), mul(TWO, z), power_domain(z, num(-1))),
]


@pytest.mark.parametrize("case", [p[1:] for p in PLANTED_POWERS], ids=[p[0] for p in PLANTED_POWERS])
def test_planted_power_is_caught(case: tuple[Term, Term, Term | None, tuple[Term, ...]]) -> None:
    assert list(power_complaints(*case))


@pytest.mark.parametrize(
    ("name", "impostor"),
    [("sin", "cos"), ("cosh", "sinh"), ("Phi", "sigmoid"), ("softplus", "exp"), ("erf", "tanh"), ("Li2", "sin")],
)
def test_wrong_balls_are_caught(monkeypatch: pytest.MonkeyPatch, name: str, impostor: str) -> None:
    """Law and function agree, yet both belong to another name: the decimals say so."""
    monkeypatch.setitem(balls._FUNCTIONS, name, balls._FUNCTIONS[impostor])  # type: ignore[arg-type]
    assert "value at 3/4" in complaints(name, LAWS[name])


def test_wrong_dual_numbers_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slope that is off while the law is right is seen by both comparisons with it."""
    monkeypatch.setattr(balls, "_dual", lambda number, slope=0: flint.arb_series([number, 2 * slope], prec=2))
    assert any(c.startswith("derivative against dual") for c in complaints("exp", LAWS["exp"]))


# ---- what mutation testing found


@pytest.mark.parametrize("name", ["F", "G", "A", "L", "L0", "L1", "f", "g", "psi", "w"])
def test_an_abstract_function_has_derivatives_up_to_the_fourth(name: str) -> None:
    """The theorems of docs and reports are stated with these names."""
    for primes in range(5):
        row = law(name + "'" * primes)
        assert row is not None and row.derivative(z) == call(name + "'" * (primes + 1), z)
        assert row.rewrite is None and not row.odd and not row.sign and row.domain(z) == row.smooth(z) == ()
    assert law(name + "'" * 5) is None and MAX_PRIMES == 4
    assert law(f"{name}#") is None


def is_odd(name: str) -> bool:
    """f(-x) = -f(x) at all places where both have a value, at some they have one other than 0."""
    found = [p for p in PLACES if p != 0 and accepted(call(name, z), at(p)) and accepted(call(name, z), at(-p))]
    return bool(found) and all(same(call(name, neg(z)), neg(call(name, z)), at(p)) for p in found)


@pytest.mark.parametrize("name", LAWS)
def test_what_is_odd_is_proved_to_be_odd_and_nothing_else(name: str) -> None:
    theory = Theory({}, (*LAWS[name].domain(z), *LAWS[name].domain(neg(z))))
    left, right = call(name, neg(z)), neg(call(name, z))
    if is_odd(name):
        assert theory.equal(left, right).hypotheses == ()
    else:
        with pytest.raises(KernelError):
            theory.equal(left, right)
