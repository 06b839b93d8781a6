"""Forms for people: what they look like, and that they are the same numbers as before."""

from __future__ import annotations

import pytest
from flint import fmpq
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import terms

from derive.algebra import Algebra
from derive.balls import Point, certainly_different, enclosure
from derive.errors import KernelError
from derive.kernel import Theory
from derive.present import Presenter, Veil, signed_product, tidy
from derive.syntax import Symbols, parse, parse_relation, plain
from derive.term import ONE, ZERO, Term, add, div, index, item, kron, mul, num, power, rel, sub, sum_over, var, where

SCALARS = Symbols(frozenset("hyzw"), {}, {})
VECTORS = Symbols(frozenset("w"), {"h": ("K",), "y": ("K",), "z": ("K",)}, {"k": "K", "j": "K"})
POINT = Point(
    {
        **{(name, ()): fmpq(n, 7) for n, name in enumerate(("z", "h", "y", "w", "e", "k", "h_k", "alpha"), 2)},
        **{(name, (a,)): fmpq(a + n, 5) for n, name in enumerate(("z", "h", "y", "x")) for a in (1, 2)},
        **{
            (name, (a, b)): fmpq(a - 3 * b + n, 4)
            for n, name in enumerate(("Y", "Theta"))
            for a in (1, 2)
            for b in (1, 2)
        },
    },
    {"K": 2, "m": 2},
    {"k": 1, "j": 2, "i": 1},
)
h, y = var("h"), var("y")


def scalar(text: str) -> Term:
    return parse(text, SCALARS)


def vector(text: str) -> Term:
    return parse(text, VECTORS)


def presenter(*assumptions: str) -> Presenter:
    return Presenter(Algebra({}, tuple(parse_relation(r, VECTORS) for r in assumptions)))


def is_defined(term: Term) -> bool:
    try:
        return bool(enclosure(term, POINT, {}, 128).is_finite())
    except KernelError:
        return False


# ---- tidy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0*h", "0"),
        ("1*h", "h"),
        ("2*3*h", "6*h"),
        ("h*h", "h^2"),
        ("h^2/h", "h"),
        ("h + (y + z)", "h + y + z"),
        ("h + 0", "h"),
        ("-(-h)", "h"),
        ("h^1", "h"),
        ("h^0", "1"),
        ("1^h", "1"),
        ("-1*h/2", "-h/2"),
        ("(2*h)/(4*y)", "h/(2*y)"),
        ("-(h*y)/(-2)", "h*y/2"),
        ("h*(y + z)", "h*(y + z)"),
        ("(h*(1 - h))*(h - y)", "h*(1 - h)*(h - y)"),
        ("0.1*h", "h/10"),
        ("2/3*h", "2*h/3"),
        ("2^100", "2^100"),
        ("(h^(1/2))^2", "(h^(1/2))^2"),
        ("h^y*h^y", "h^y*h^y"),
    ],
)
def test_tidy(text: str, expected: str) -> None:
    assert plain(tidy(scalar(text))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sum(k, kron(k, j)*z[k])", "z[j]"),
        ("sum(k, kron(j, k))", "1"),
        ("sum(k, kron(k, j)*z[k] - z[j]*kron(k, j))", "z[j] - z[j]"),
        ("sum(k, z[k]*z[j])", "sum(k, z[k]*z[j])"),
        ("sum(k, kron(k, j)*sum(l, z[l]*z[k]))", "sum(l, z[l]*z[j])"),
        ("sum(l, sum(k, kron(k, l)*z[k]))", "sum(l, z[l])"),
        ("sum(k, kron(k, j)*z[k] + z[k])", "sum(k, kron(k, j)*z[k] + z[k])"),
        ("sum(k, (2*kron(k, j))*z[k])", "2*z[j]"),
    ],
)
def test_tidy_collapses_a_sum_over_a_delta(text: str, expected: str) -> None:
    assert plain(tidy(vector(text))) == expected


def test_tidy_collapses_nothing_over_a_delta_of_one_index() -> None:
    """kron(k, k) is 1: the sum stays, and no internal index comes out."""
    l = index("l")  # noqa: E741
    total = tidy(sum_over(l, mul(kron(l, l), item("z", l))))
    assert total.indices == ()
    Theory({}).equal(total, sum_over(l, item("z", l)))


def test_tidy_keeps_the_name_of_a_bound_index() -> None:
    assert plain(tidy(vector("sum(n, 1*z[n])"))) == "sum(n, z[n])"


@given(terms(3))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_tidy_keeps_the_number(term: Term) -> None:
    """Where the term is defined, the tidied one is too, and they are not certainly different."""
    assume(is_defined(term))
    tidied = tidy(term)
    assert set(tidied.indices) <= set(term.indices)
    assert is_defined(tidied)
    assert not certainly_different(term, tidied, POINT, {})


@given(terms(3))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_tidy_makes_no_term_with_more_to_tidy_forever(term: Term) -> None:
    for _ in range(4):
        term, before = tidy(term), term
    assert tidy(term) == before == term


# ---- one denominator


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-y/h + (1 - y)/(1 - h)", "(h - y)/(h*(1 - h))"),
        ("1 - y/h", "(h - y)/h"),
        ("h - h^2", "h*(1 - h)"),
        ("1 - h^2", "1 - h^2"),
        ("h^2 - 2*h*y + y^2", "(h - y)^2"),
        ("y - h", "-(h - y)"),
        ("2*h - 2*y", "2*(h - y)"),
        ("(h^2 - y^2)/(h - y)", "h + y"),
        ("(exp(z) - 1)/exp(z)", "1 - exp(-z)"),
        ("h/2 - y/3", "(3*h - 2*y)/6"),
        ("3/(2*h)", "3/(2*h)"),
        ("1/h + 1/y", "(h + y)/(h*y)"),
        ("h - h", "0"),
        ("-1", "-1"),
        ("log(h) + h", "h + log(h)"),
        ("exp(w*log(h))*h", "h*h^w"),
        ("exp(log(h)/2)*y", "y*sqrt(h)"),
        ("tanh(z)^2*h - h", "-h*(1 - tanh(z)^2)"),
        ("Phi(z)*h - phi(z)*h", "h*(Phi(z) - phi(z))"),
        ("(h - y)^2 + (h - y)", "(h - y)*(1 + h - y)"),
        ("abs(z)*abs(z)", "z^2"),
        ("where(0 < z, 1, 1)", "1"),
        ("where(-z > 0, 1, 0)", "where(z < 0, 1, 0)"),
        ("2*where(z > 0, h, 0) - where(z > 0, 2*h, 0)", "0"),
    ],
)
def test_shown(text: str, expected: str) -> None:
    assert plain(presenter().shown(scalar(text))) == expected


@pytest.mark.parametrize(
    "text",
    ["h[j]*sum(k, y[k]) - y[j]", "sum(k, h[k]*(h[k] - y[k]))", "kron(k, j)*h[k] - h[k]*h[j]", "sum(k, y[k]/h[k])*h[j]"],
)
def test_shown_is_equal_by_the_kernel(text: str) -> None:
    Theory({}).equal(vector(text), presenter().shown(vector(text)))


@given(terms(3))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_shown_keeps_the_number(term: Term) -> None:
    assume(is_defined(term))
    try:
        shown = presenter().shown(term)
    except KernelError:
        return
    assert set(shown.indices) <= set(term.indices)
    if is_defined(shown):
        assert not certainly_different(term, shown, POINT, {})


def test_shown_uses_an_equation() -> None:
    found = presenter("sum(k, h[k]) = 1").shown(vector("y[j]*sum(k, h[k]) - 1"))
    Theory({}).equal(found, vector("y[j] - 1"))


def test_shown_writes_a_delta_in_the_order_of_its_indices() -> None:
    k, j = index("k"), index("j")
    for delta in (kron(k, j), kron(j, k)):
        presented = Presenter(Algebra({}, ()), [delta]).shown(mul(item("h", k), kron(j, k)))
        assert delta in presented.args


def test_shown_refuses_what_has_no_normal_form() -> None:
    with pytest.raises(KernelError):
        presenter().shown(div(ONE, sub(h, h)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2*h*(1 - h)*(h - y)", ["h", "1 - h", "h - y"]),
        ("h^2 - y^2", ["h - y", "h + y"]),
        ("(h - y)^2/w", ["h - y"]),
        ("1/h", []),
        ("0*h", []),
    ],
)
def test_factors(text: str, expected: list[str]) -> None:
    assert [plain(f) for f in presenter().factors(scalar(text))] == expected


def test_tidy_takes_a_delta_out_of_both_branches() -> None:
    """So that a sum over it collapses; not where one branch lacks it."""
    delta, condition = kron(index("k"), index("j")), rel(">", item("z", index("j")), ZERO)
    for inside, outside, is_out in (
        (mul(delta, h), delta, True),
        (mul(delta, h), ZERO, True),
        (h, delta, False),
        (ONE, ZERO, False),
    ):
        term = where(condition, inside, outside)
        found = tidy(term)
        assert (found.kind == "mul") is is_out
        assert Theory({}).equal(found, term)


# ---- veils: functions that stand as they are, and h as y + (h - y)


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "h[j]*(h[j] - y[j]) + h[j]",
        "sum(k, (h[k] - y[k])*y[k])*h[j]",
        "sigmoid(z[j])*tanh(h[j]) - sum(k, sigmoid(z[k])*Phi(z[k]))",
        "where(z[j] > 0, h[j], tanh(z[j]))*sum(k, where(z[k] > 0, h[k], y[k]))",
        "sum(k, sum(l, sigmoid(z[k])*sigmoid(z[l])*h[l]))",
        "-(h[j] - y[j]) - y[j]",
    ],
)
def test_a_veil_is_lifted_again(text: str, residual: bool) -> None:
    veil, term = Veil(residual), vector(text)
    hidden = veil.hidden(term)
    lifted = veil.lifted(hidden)
    assert lifted.indices == term.indices and not any("~" in name for name in lifted.names)
    assert Theory({}).equal(lifted, term)


@given(terms(3))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_veil_keeps_the_number(term: Term) -> None:
    assume(is_defined(term))
    for residual in (True, False):
        veil = Veil(residual)
        lifted = veil.lifted(veil.hidden(term))
        assert set(lifted.indices) <= set(term.indices)
        assert is_defined(lifted) and not certainly_different(term, lifted, POINT, {})


# ---- g (h - y)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("h - y", "h - y"),
        ("2*(h - y)", "2*(h - y)"),
        ("y - h", "-(h - y)"),
        ("h^2 - h*y", "h*(h - y)"),
        ("h*(1 - h)*h - h*(1 - h)*y", "h*(1 - h)*(h - y)"),
        ("(h - y)/(h*(1 - h))", "1/(h*(1 - h))*(h - y)"),
        ("(h - y)^2", "(h - y)*(h - y)"),
        ("exp(-z)*h - y/exp(z)", "exp(-z)*(h - y)"),
    ],
)
def test_multiple_of_the_residual(text: str, expected: str) -> None:
    found = presenter().multiple_of(scalar(text), sub(h, y))
    assert found is not None
    assert plain(found) == expected
    Theory({}).equal(found, scalar(text))


@pytest.mark.parametrize(
    "text", ["h + y", "y", "1", "h - 2*y", "(h - y)/(h - y)", "1/(h - y)", "h*y - 1", "(h - y)/(h^2 - y^2)"]
)
def test_no_multiple_of_the_residual(text: str) -> None:
    """Among them such as 1 = 1/(h - y) (h - y), whose factor is not finite where h = y."""
    assert presenter().multiple_of(scalar(text), sub(h, y)) is None


def test_multiple_under_an_equation() -> None:
    residual = vector("h[j] - y[j]")
    term = vector("h[j]*sum(k, y[k]) - y[j]")
    assert presenter().multiple_of(term, residual) is None
    assert presenter("sum(k, y[k]) = 1").multiple_of(term, residual) == residual


# ---- linear combinations


@pytest.mark.parametrize(
    ("text", "forms", "expected"),
    [
        ("h + 2*h^2", ["h", "h^2"], "h + 2*h^2"),
        ("(1 - h)*(1 + h)", ["1", "h", "h^2"], "1 - h^2"),
        ("h/2 - y/3", ["y", "h"], "-y/3 + h/2"),
        ("0*h", ["h"], "0"),
        ("h", ["h", "2*h"], "h"),
        ("1/h", ["1/h", "h"], "1/h"),
    ],
)
def test_combination(text: str, forms: list[str], expected: str) -> None:
    found = presenter().combination(scalar(text), [scalar(form) for form in forms])
    assert found is not None
    Theory({}).equal(found, scalar(text))
    Theory({}).equal(found, scalar(expected))
    assert plain(found) == expected


@pytest.mark.parametrize(
    ("text", "forms"), [("h + y", ["h", "h^2"]), ("h*y", ["h"]), ("1", ["h"]), ("1/(1 - h)", ["1", "h"])]
)
def test_no_combination(text: str, forms: list[str]) -> None:
    assert presenter().combination(scalar(text), [scalar(form) for form in forms]) is None


@given(st.lists(st.builds(fmpq, st.integers(-9, 9), st.integers(1, 9)), min_size=3, max_size=3))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_a_combination_is_found_again(coefficients: list[fmpq]) -> None:
    forms = [ONE, h, mul(h, y)]
    term = add(*(mul(num(c), f) for c, f in zip(coefficients, forms, strict=True)))
    found = presenter().combination(term, forms)
    assert found is not None
    Theory({}).equal(found, term)


# ---- products


@pytest.mark.parametrize(
    ("number", "above", "below", "expected"),
    [
        (fmpq(1), [], [], "1"),
        (fmpq(-1), [], [], "-1"),
        (fmpq(1), [h], [], "h"),
        (fmpq(-1), [h], [], "-h"),
        (fmpq(2, 3), [h], [], "2*h/3"),
        (fmpq(-2, 3), [h], [y], "-2*h/(3*y)"),
        (fmpq(1), [], [h, y], "1/(h*y)"),
        (fmpq(0), [], [], "0"),
        (fmpq(-3), [h, y], [power(y, 2)], "-3*h*y/y^2"),
    ],
)
def test_signed_product(number: fmpq, above: list[Term], below: list[Term], expected: str) -> None:
    found = signed_product(number, above, below)
    Theory({}).equal(found, div(mul(num(number), *above), mul(*below)) if below else mul(num(number), *above))
    assert plain(found) == expected
