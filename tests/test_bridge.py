"""The bridge between SymPy and terms: what passes through unchanged, and what must not pass."""

from __future__ import annotations

from typing import Any

import pytest
import sympy
from sympy import (
    And,
    Derivative,
    Dummy,
    E,
    Eq,
    Float,
    Function,
    Heaviside,
    I,
    IndexedBase,
    Integral,
    KroneckerDelta,
    Matrix,
    Max,
    Min,
    Ne,
    Or,
    Piecewise,
    Product,
    Rational,
    Sum,
    Symbol,
    exp,
    gamma,
    log,
    nan,
    oo,
    pi,
    polylog,
    sign,
    sqrt,
    symbols,
    tan,
    tanh,
    zoo,
)

from derive.bridge import FUNCTIONS, TO_SYMPY, abstract, to_sympy, to_term
from derive.errors import DeriveError
from derive.kernel import Theory
from derive.laws import ABSTRACT, LAWS
from derive.syntax import Symbols, parse, parse_relation, plain
from derive.term import Term, call, index, item, mul, num, power, sum_over, var

z, w = symbols("z w")
k, j, l = symbols("k j l", integer=True)  # noqa: E741
K, m = symbols("K m", integer=True, positive=True)
Z, H = IndexedBase("z", real=True), IndexedBase("h", real=True)
SYMBOLS = Symbols(
    frozenset(("w", "x", "y", "u")), {"z": ("K",), "h": ("K",)}, {"k": "K", "j": "K"}, functions=frozenset(("F", "psi"))
)
F, psi = Function("F"), Function("psi")

# SymPy, and the text of its term.
TRANSLATED = [
    (sympy.Integer(0), "0"),
    (Rational(-3, 4), "-3/4"),
    (Rational(10**40, 3), f"{10**40}/3"),
    (-w, "-w"),
    (w / 2, "w/2"),
    (-2 * w / 3, "-2*w/3"),
    (1 - w, "1 - w"),
    (w - 1, "w - 1"),
    (1 / w, "1/w"),
    (w**-2, "w^(-2)"),
    (sqrt(w), "w^(1/2)"),
    (w**w, "w^w"),
    (2**w, "2^w"),
    (exp(w), "exp(w)"),
    (E, "exp(1)"),
    (E**2, "exp(2)"),
    (exp(-w), "exp(-w)"),
    (log(w), "log(w)"),
    (pi, "pi"),
    (tanh(w), "tanh(w)"),
    (abs(Symbol("w", real=True)), "abs(w)"),
    (K, "K"),
    (1 / m, "1/m"),
    (Z[k], "z[k]"),
    (Sum(Z[k], (k, 1, K)), "sum(k, z[k])"),
    (exp(Z[k]) / Sum(exp(Z[l]), (l, 1, K)), "exp(z[k])/sum(l, exp(z[l]))"),
    (Sum(Z[k] * Sum(H[k], (k, 1, K)), (k, 1, K)), "sum(k, z[k]*sum(l, h[l]))"),
    (Z[k] * Sum(Z[k], (k, 1, K)), "z[k]*sum(l, z[l])"),
    (Sum(KroneckerDelta(k, j) * Z[k], (k, 1, K)), "sum(k, z[k]*kron(j, k))"),
    (polylog(2, -exp(w)), "Li2(-exp(w))"),
    (F(w) ** 2, "F(w)^2"),
    (w * F(psi(2 * w)), "w*F(psi(2*w))"),
    (F(Z[k]), "F(z[k])"),
    (Function("F''")(w), "F''(w)"),
]
# What other functions of SymPy mean, and need not come back as.
MEANT = [
    (Max(w, 0), "max(w, 0)"),
    (Min(w, 1, z), "min(w, min(z, 1))"),
    (sign(w), "sign(w)"),
    (tan(w), "tan(w)"),
    (polylog(1, w), "-log(1 - w)"),
    (Piecewise((w, And(w > 0, w < 1)), (0, True)), "where(w > 0 and w < 1, w, 0)"),
    (Piecewise((1, w < 0), (w, And(w < 1, z > 0)), (0, True)), "where(w < 0, 1, where(z > 0 and w < 1, w, 0))"),
]
RELATIONS = [
    (w < 0, "w < 0"),
    (w <= 1, "w <= 1"),
    (w > 0, "w > 0"),
    (w >= K, "w >= K"),
    (Eq(Sum(Z[k], (k, 1, K)), 1), "sum(k, z[k]) = 1"),
    (Ne(w, 2), "w != 2"),
]


@pytest.mark.parametrize(("expression", "text"), TRANSLATED, ids=[text for _, text in TRANSLATED])
def test_from_sympy(expression: Any, text: str) -> None:
    assert same(to_term(expression), parse(text, SYMBOLS))


@pytest.mark.parametrize(("relation", "text"), RELATIONS, ids=[text for _, text in RELATIONS])
def test_relations_from_sympy(relation: Any, text: str) -> None:
    assert to_term(relation) == parse_relation(text, SYMBOLS)
    assert to_term(to_sympy(to_term(relation))) == to_term(relation)


@pytest.mark.parametrize(("expression", "text"), MEANT, ids=[text for _, text in MEANT])
def test_meaning_of_other_functions(expression: Any, text: str) -> None:
    symbols = Symbols(frozenset("wz"), {}, {})
    assert same(to_term(expression), parse(text, symbols))


def same(left: Term, right: Term) -> bool:
    """Equal up to the order of terms and factors, in which SymPy has its own taste."""
    return _sorted(left) == _sorted(right)


def _sorted(term: Term) -> Term:
    args = tuple(_sorted(a) if isinstance(a, Term) else a for a in term.args)
    if term.kind in ("add", "mul"):
        args = tuple(sorted(args, key=repr))
    return Term(term.kind, args)


@pytest.mark.parametrize("expression", [e for e, _ in TRANSLATED], ids=[text for _, text in TRANSLATED])
def test_there_and_back_again(expression: Any) -> None:
    """SymPy's expression is the same but for the assumptions of its symbols; a second round changes nothing."""
    term = to_term(expression)
    back = to_sympy(term)
    assert plain(to_term(back)) == plain(term)
    assert to_sympy(to_term(back)) == back


@pytest.mark.parametrize(
    "text",
    [
        "(h - y)^2/2",
        "-y*log(h) - (1 - y)*log(1 - h)",
        "1/(1 + exp(-z))",
        "(h - y)/(h*(1 - h))",
        "where(z < 0, exp(z) - 1, z)",
        "where(z < 0, 0, where(z < 1, z, 1))",
        "abs(h - y)^(3/2)",
        "atan(z)/pi + 1/2",
    ],
)
def test_a_term_there_and_back_again_is_equal_by_the_kernel(text: str) -> None:
    term = parse(text, Symbols(frozenset("hyz"), {}, {}))
    Theory({}).equal(term, to_term(to_sympy(term)))


@pytest.mark.parametrize(
    "text", ["h[j]*sum(k, y[k]) - y[j]", "h[j]*(h[j] - sum(k, h[k]*(h[k] - y[k])))", "kron(j, k)*h[k]"]
)
def test_a_vector_term_there_and_back_again(text: str) -> None:
    term = parse(text, Symbols(frozenset(), {"h": ("K",), "y": ("K",)}, {"k": "K", "j": "K"}))
    Theory({}).equal(term, to_term(to_sympy(term)))


@pytest.mark.parametrize("name", sorted(LAWS))
def test_every_function_has_a_sympy_expression_with_the_same_derivative(name: str) -> None:
    """SymPy's own derivative of it, at 7/10, is the value of our law."""
    x = Symbol("x", real=True)
    f = to_sympy(call(name, var("x")))
    law = to_sympy(LAWS[name].derivative(var("x")))
    at = {x: Rational(7, 10)}
    assert abs(sympy.N((sympy.diff(f, x) - law).subs(at), 40)) < Rational(1, 10**35)


def test_functions_of_the_table_are_their_own_translation() -> None:
    for function, name in FUNCTIONS.items():
        if function is not exp:
            assert to_term(function(Symbol("w", real=True))) == call(name, var("w"))
        assert TO_SYMPY[name] is function


# ---- names


@pytest.mark.parametrize(
    "symbol",
    [
        Symbol("z"),
        Symbol("z", real=True),
        Symbol("z", positive=True),
        Symbol("z", real=True, nonzero=True),
        Symbol("z", complex=True),
        Symbol("z", commutative=True),
    ],
    ids=lambda symbol: str(sorted(symbol.assumptions0.items()))[:40],
)
def test_a_symbol_is_the_same_variable_whatever_it_assumes(symbol: Any) -> None:
    assert to_term(symbol) == var("z")
    assert to_term(symbol**2) == power(var("z"), 2)


def test_symbols_that_sympy_tells_apart_are_one_variable() -> None:
    """Symbol("z") - Symbol("z", real=True) is not 0 in SymPy; a derivative by one would miss the other."""
    difference = Symbol("z") - Symbol("z", real=True)
    assert difference != 0
    Theory({}).equal(to_term(difference), num(0))
    Theory({}).derivative(to_term(Symbol("z") * Symbol("z", real=True)), var("z"), mul(num(2), var("z")))


@pytest.mark.parametrize("name", ["beta", "gamma", "zeta", "lambda", "S", "N", "E", "I", "Q", "O", "C", "oo", "yhat"])
def test_names_that_mean_something_in_sympy_are_variables_as_symbols(name: str) -> None:
    assert to_term(Symbol(name)) == var(name)
    assert to_term(Symbol(name) ** 2 + 1) == to_term(1 + Symbol(name, real=True) ** 2)
    assert to_sympy(var(name)) == Symbol(name, real=True)


@pytest.mark.parametrize(
    "name", ["pi", "exp", "sum", "kron", "where", "and", "x y", "", "é", "a-b", "2x", "\\input{x}"]
)
def test_names_that_no_text_could_say_are_refused(name: str) -> None:
    with pytest.raises(DeriveError):
        to_term(Symbol(name) + 1)


def test_anonymous_symbols_are_refused() -> None:
    """Two of the same name differ in SymPy, and would be one variable."""
    with pytest.raises(DeriveError):
        to_term(Dummy("x") - Dummy("x"))


# ---- sums and indices


def test_a_bound_index_does_not_capture_a_free_one() -> None:
    total = to_term(Z[k] + Sum(Z[k] * Z[j], (k, 1, K)))
    i, other = index("k"), index("j")
    expected = sum_over(index("l"), mul(item("z", index("l")), item("z", other)))
    Theory({}).equal(total, Term("add", (item("z", i), expected)))
    back = to_sympy(total)
    assert back.free_symbols >= {k, j}


@pytest.mark.parametrize("expression", [Sum(k * w, (k, 1, K)), Sum(w, (w, 1, K)), Sum(Z[k] / k, (k, 1, K))], ids=str)
def test_an_index_is_no_number(expression: Any) -> None:
    """SymPy's sum of k is K (K + 1)/2; read as a variable of that name, it would be K k."""
    with pytest.raises(DeriveError):
        to_term(expression)


def test_a_sum_over_another_size_binds_its_index() -> None:
    """Refused, or a sum over m in which no index is left free."""
    try:
        term = to_term(Sum(Z[k], (k, 1, m)))
    except DeriveError:
        return
    assert term.indices == ()


@pytest.mark.parametrize(
    "expression",
    [
        Sum(Z[k], (k, 0, K)),
        Sum(Z[k], (k, 1, 3)),
        Sum(Z[k], (k, 1, oo)),
        Sum(Z[k], (k, 1, K - 1)),
        Sum(Z[k], (k, 1, w)),
        Sum(Z[k] * Z[l], (k, 1, K), (l, 1, K)),
        Product(Z[k], (k, 1, K)),
        Z[1],
        Z[k + 1],
        KroneckerDelta(k, 1),
    ],
    ids=str,
)
def test_other_sums_and_indices_are_refused(expression: Any) -> None:
    with pytest.raises(DeriveError):
        to_term(expression)


# ---- what has no term


@pytest.mark.parametrize(
    "expression",
    [
        Float("0.5"),
        Float("0.5") * w,
        I,
        w + I,
        oo,
        -oo,
        zoo,
        nan,
        Derivative(F(w), w),
        sympy.diff(F(2 * w), w),
        Derivative(w**2, w),
        Integral(w, w),
        Function("q")(w),
        Function("F'''''")(w),
        F(w, z),
        gamma(w),
        Heaviside(w),
        polylog(3, w),
        polylog(w, 2),
        Max(*symbols("a:30")),
        sympy.floor(w),
        sympy.true,
        And(w > 0, w < 1),
        Piecewise((w, w > 0)),
        Piecewise((w, Or(w > 1, w < 0)), (0, True)),
        Piecewise((w, And(Ne(w, 0), w < 1)), (0, True)),
        Piecewise((1, Eq(w, 0)), (w, True)),
        Piecewise((1, Ne(w, 0)), (w, True)),
        sympy.S.EmptySet,
    ],
    ids=str,
)
def test_what_has_no_term_is_refused(expression: Any) -> None:
    with pytest.raises(DeriveError):
        to_term(expression)


@pytest.mark.parametrize(
    ("expression", "advice"),
    [
        (Heaviside(w), "undefined at 0: write Piecewise"),
        (Derivative(F(w), w), "differentiate first"),
        (Function("q")(w), "no term says 'q'; any function F.x. is one of A, F, G"),
        (polylog(3, w), "polylogarithm of order 3"),
        (Piecewise((1, Ne(w, 0)), (w, True)), "a piece holds where inequalities do, not where Ne"),
        (Max(*symbols("a:30")), "nested deeper than 100, or of more than 300000 nodes"),
    ],
)
def test_refusals_say_what_to_write(expression: Any, advice: str) -> None:
    with pytest.raises(DeriveError, match=advice):
        to_term(expression)


def test_sympy_differentiates_abstract_functions() -> None:
    u = Symbol("u", real=True)
    f = to_sympy(to_term(u * F(u**2)))
    assert f == u * abstract("F")(u**2) and f.is_real
    once = sympy.diff(f, u)
    assert once == abstract("F")(u**2) + 2 * u**2 * abstract("F'")(u**2)
    twice = parse("6*u*F'(u^2) + 4*u^3*F''(u^2)", SYMBOLS)
    assert sympy.expand(sympy.diff(once, u) - to_sympy(twice)) == 0
    assert to_term(to_sympy(twice)) == to_term(to_sympy(to_term(to_sympy(twice))))


@pytest.mark.parametrize("name", sorted(ABSTRACT))
def test_abstract_functions_pass_through(name: str) -> None:
    for function in (name, name + "'"):
        assert to_term(Function(function)(w)) == call(function, var("w"))
        assert to_term(to_sympy(call(function, var("w")))) == call(function, var("w"))


@pytest.mark.parametrize("name", ["q", "exp", "gamma", "F'''''"])
def test_no_other_function_is_abstract(name: str) -> None:
    with pytest.raises(DeriveError, match="no abstract function"):
        abstract(name)


@pytest.mark.parametrize("thing", [0.5, 1, "z", "__import__('os')", None, True, [z], (z,), Matrix([z]), int], ids=repr)
def test_what_is_not_sympy_is_refused(thing: Any) -> None:
    with pytest.raises(DeriveError):
        to_term(thing)


def test_floats_are_refused_wherever_they_hide() -> None:
    for expression in (exp(Float("0.5") * w), w ** Float("0.5"), Sum(Float("0.1") * Z[k], (k, 1, K)), w < Float("0.1")):
        with pytest.raises(DeriveError, match="float"):
            to_term(expression)


def test_pieces_become_regions() -> None:
    u = Symbol("u", real=True)
    term = to_term(Piecewise((exp(u) - 1, u < 0), (u, True)))
    assert same(term, parse("where(u < 0, exp(u) - 1, u)", SYMBOLS))
    nested = to_term(Piecewise((0, u < 0), (u, u < 1), (1, True)))
    assert nested == parse("where(u < 0, 0, where(u < 1, u, 1))", SYMBOLS)
    assert to_term(to_sympy(nested)) == nested
