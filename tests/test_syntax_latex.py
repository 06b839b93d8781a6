"""The second spelling, and what only claims have: derivatives, layers, coordinates; each error with its column."""

from __future__ import annotations

import random
import re
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import ABSTRACT_CALLS, CALLS, SYMBOLS, functions, terms, written

from derive.errors import DeriveError, KernelError, SyntaxProblem, UnknownName
from derive.kernel import Theory
from derive.report.lines import unbroken
from derive.report.tex import WIDE, inline, latex, tokens
from derive.syntax import Symbols, parse, parse_claim, parse_relation, plain, spelling_of
from derive.term import ZERO, Term, call, item, power, subterms, var


def slope(subject: Term, variable: Term, order: int) -> Term:
    """A derivative as a term that no text can say."""
    return call("d" * order, subject, variable)


def delta(indices: tuple[Term, ...], layer: str) -> Term:
    return item(f"delta{layer}", *indices) if indices else var(f"delta{layer}")


SCALAR = Symbols(
    scalars=frozenset("zhytm") - {"m"},
    families={},
    indices={},
    others={"a": "h", "yhat": "h", "p": "h", "Y": "y", "C": "J", "L": "J", "E": "J"},
    applied={"f": lambda x: call("f", x), "f'": lambda x: call("slope", x), "f''": lambda x: call("bend", x)},
    named={"delta": delta, "dZ": delta},
    derivative=slope,
)
VECTOR = SCALAR._replace(
    scalars=frozenset(("lambda", "t")),
    families={**dict.fromkeys(("z", "h", "y", "a2", "z2"), ("K",)), "Theta2": ("K", "K")},
    indices={"k": "K", "j": "K"},
    layers={("a", "2"): "a2", ("z", "2"): "z2", ("Theta", "2"): "Theta2", ("delta", "2"): "delta"},
    coordinate="j",
)
EXAMPLES = VECTOR._replace(
    families={"z": ("K",), "h": ("m", "K"), "y": ("m", "K"), "x": ("m",)}, indices={**VECTOR.indices, "i": "m"}
)
BARE = Symbols(frozenset("hyz"), {}, {})

# LaTeX, and the same in the plain language; both are read with SCALAR.
SAME = [
    (r"\frac{h - y}{h(1-h)}", "(h - y)/(h*(1 - h))"),
    (r"\tfrac{1}{2} (h-y)^2", "1/2*(h - y)^2"),
    (r"\dfrac12 (h-y)^{2}", "1/2*(h - y)^2"),
    (r"\frac{a}{y} z", "h/y*z"),
    (r"\frac{h y}{z}", "h*y/z"),
    (r"-\frac{y}{h} + \frac{1-y}{1-h}", "-y/h + (1 - y)/(1 - h)"),
    (r"-\frac{3}{4} h", "-3/4*h"),
    (r"\frac{4}{2}", "4*2^(-1)"),
    (r"\frac{\frac{h}{y}}{z}", "(h/y)/z"),
    (r"\frac1z", "1/z"),
    (r"h \cdot (1-h) \times z", "h*(1 - h)*z"),
    (r"h \cdot y z", "h*(y*z)"),
    (r"2 h\,y\;z\!\quad~", "2*h*y*z"),
    (r"h^2y", "h^2*y"),
    (r"h^{-1} z^y", "h^(-1)*z^y"),
    (r"\left(h - y\right)^2", "(h - y)^2"),
    (r"\bigl( h - y \bigr) \Big[ z \Big]", "(h - y)*z"),
    (r"-\left[ y\log h + (1-y) \log(1-h) \right]", "-(y*log(h) + (1 - y)*log(1 - h))"),
    (r"-y\log(h)-(1-y)\log(1-h)", "-y*log(h) - (1 - y)*log(1 - h)"),
    (r"-y\ln\hat y", "-y*log(h)"),
    (r"\hat{y} - y", "h - y"),
    (r"y \log \frac{y}{h}", "y*log(y/h)"),
    (r"\log{h} + \log 2", "log(h) + log(2)"),
    (r"\log(h)(1-y)", "log(h)*(1 - y)"),
    (r"\sin^2 z + \tanh^{3}(2z)", "sin(z)^2 + tanh(2*z)^3"),
    (r"\arctan z + \operatorname{erf} z + \tan z", "atan(z) + erf(z) + tan(z)"),
    (r"\exp(-z) + e^{-z} + e^z", "exp(-z) + exp(-z) + exp(z)"),
    (r"\frac{e^{-z}}{(1+e^{-z})^2}", "exp(-z)/(1 + exp(-z))^2"),
    (r"\sigma(z)(1-\sigma(z))", "sigmoid(z)*(1 - sigmoid(z))"),
    (r"\sigma'(z)", "sigmoid(z)*(1 - sigmoid(z))"),
    (r"\tanh'(z)", "tanh'(z)"),
    (r"\operatorname{softplus}(z) + \mathrm{ReLU}(z)", "softplus(z) + relu(z)"),
    (r"\operatorname{Li}_2(-z)", "Li2(-z)"),
    (r"\phi(z) \Phi(z) \pi", "phi(z)*Phi(z)*pi"),
    (r"\sqrt{h} \sqrt[3]{h} \sqrt z", "sqrt(h)*h^(1/3)*sqrt(z)"),
    (r"|h-y| + \lvert h \rvert + \left|\frac{h}{y}\right|", "abs(h - y) + abs(h) + abs(h/y)"),
    (r"|h|\,|y|", "abs(h)*abs(y)"),
    (r"\left\lvert h \lvert y \rvert \right\rvert", "abs(h*abs(y))"),
    (r"\max(0, 1 - y h) \min\{h, y\}", "max(0, 1 - y*h)*min(h, y)"),
    (r"\begin{cases} z & \text{if } z > 0 \\ 0 & \text{otherwise} \end{cases}", "where(z > 0, z, 0)"),
    (r"\begin{cases} z, & z > 0, \\[1ex] 0, & z \le 0 \\ \end{cases}", "where(z > 0, z, 0)"),
    (r"\begin{cases} z & \text{for } 0 \geq z \\ h & z > 0 \end{cases}", "where(0 >= z, z, h)"),
    (
        r"\begin{cases} z & z < -1 \text{ and } y > 0 \\ h & -1 < z < 1 \\ 0 & \text{else} \end{cases}",
        "where(z < -1 and y > 0, z, where(-1 < z < 1, h, 0))",
    ),
    (r"h_\theta(x) - h_{\theta}(x^{(i)})", "h - h"),
    (r"a^{(L)} - h^{(L)} z^{(L)}", "h - h*z"),
    (r"f(z) f'(z) f^\prime(z^{(L)}) f^{\prime\prime}(z)", "f(z)*f'(z)*f'(z)*f''(z)"),
    (r"\frac{\partial J}{\partial z}", "dJ/dz"),
    (r"\frac{dJ}{dz}", "dJ/dz"),
    (r"\partial J/\partial z", "dJ/dz"),
    (r"\dfrac{\mathrm{d}J}{\mathrm d z}", "dJ/dz"),
    (r"\frac{\partial C}{\partial a} \frac{\partial \mathcal{L}}{\partial \hat{y}}", "dJ/dh * dJ/dh"),
    (r"\frac{\partial J}{\partial h}\frac{\partial h}{\partial z}", "dJ/dh*dh/dz"),
    (r"\frac{\partial^2 J}{\partial z^2} + \frac{d^2J}{dz^2}", "d2J/dz2 + d2J/dz2"),
    (r"\frac{\partial}{\partial h}\left(-y\log h\right)", "d/dh (-y*log(h))"),
    (r"\frac{d}{dz} \sigma(z)", "d/dz sigmoid(z)"),
    (r"\frac{d^2}{dz^2} z^3", "d^2/dz^2 (z^3)"),
    (r"\frac{dJ/dh}{2}", "(dJ/dh)/2"),
    (r"\left(\frac{dJ}{dz}\right)^2", "(dJ/dz)^2"),
    (r"\delta + \delta^{(L)}", "delta + delta^(L)"),
]
SAME_VECTOR = [
    (r"h_j - y_{j}", "h[j] - y_j"),
    (r"h - y", "h_j - y_j"),
    (r"\hat{y}_k a_k \mathbf{z}_k", "yhat_k*a_k*z_k"),
    (r"\delta_{kj} - \delta_{k,j}", "kron(k, j) - delta[k, j]"),
    (r"\mathbb{1}_{k=j}", "kron(k, j)"),
    (r"\delta_j \delta^{(2)}_k \delta_k^{(2)}", "delta_j*delta^(2)_k*delta^(2)[k]"),
    (r"-\sum_{k=1}^{K} y_k \log h_k + 1", "-sum(k, y_k*log(h_k)) + 1"),
    (r"\sum_l^K z_l \cdot h_l / 2", "sum(l, z[l]*(h[l]/2))"),
    (r"\sum\limits_{l} (h_l - y_l)^2", "sum(l, (h_l - y_l)^2)"),
    (r"\sum_{n=1}^{m} t", "sum(n, m, t)"),
    (r"\left(\sum_{l=1}^K z_l\right) t", "sum(l, z_l)*t"),
    (r"\frac{e^{z_j}}{\sum_{l=1}^{K} e^{z_l}}", "exp(z_j)/sum(l, exp(z_l))"),
    (r"\operatorname{softmax}(z)_j", "softmax(z)[j]"),
    (r"a^{(2)}_k a_k^{(2)} a^{[2]}_k", "a2_k*a^(2)[k]*a2[k]"),
    (r"z^{(L)}_j z_j^{(L)} f'(z^{(2)}_j)", "z_j*z_j*f'(z2_j)"),
    (r"h_\theta(x)_k + h_\theta(x^{(i)})_k", "h_k + h_k"),
    (r"z_j^2 z^2_j z_j^{-1}", "z_j^2*z_j^2*z_j^(-1)"),
    (r"\frac{\lambda}{2} h_j", "lambda/2*h_j"),
    (r"\frac{\partial J}{\partial z_j}", "dJ/dz_j"),
    (r"\frac{\partial J}{\partial z}", "dJ/dz[j]"),
    (r"\frac{\partial h_k}{\partial z_j}", "dh_k/dz_j"),
    (r"\frac{\partial^2 J}{\partial z_j^2}", "d2J/dz_j2"),
    (r"\frac{\partial^2 J}{\partial (z_j)^2}", "d2J/dz[j]^2"),
    (r"\frac{\partial^2 J}{\partial z_j \partial z_k}", "d2J/dz_j dz_k"),
    (r"\frac{\partial J}{\partial \Theta^{(2)}_{kj}}", "dJ/dTheta2[k, j]"),
    (r"\frac{\partial}{\partial z_j} \left( h_k \right)", "d/dz_j (h_k)"),
]
SAME_EXAMPLES = [
    (r"h_\theta(x^{(i)})_k - y^{(i)}_k + y_k^{(i)} x^{(i)}", "h[i, k] - y[i, k] + y_ik*x_i"),
    (r"\sum_{n=1}^{m} h^{(n)}_k", "sum(n, m, h[n, k])"),
    (r"\frac{\partial J}{\partial h_k^{(i)}}", "dJ/dh[i, k]"),
    (r"\frac{\partial J}{\partial h_\theta(x^{(i)})_k}", "dJ/dh_ik"),
    (r"y_{ik}", "y_ik"),
]


@pytest.mark.parametrize(
    ("symbols", "text", "same"),
    [(s, *row) for s, rows in ((SCALAR, SAME), (VECTOR, SAME_VECTOR), (EXAMPLES, SAME_EXAMPLES)) for row in rows],
)
def test_both_spellings_say_the_same(symbols: Symbols, text: str, same: str) -> None:
    assert parse(text, symbols, "latex") == parse(same, symbols)


# The plain spelling of what claims are about, and the term.
J, H, Z = (var(name) for name in "JHZ")
z, h = var("z"), var("h")
DERIVATIVES = [
    ("dJ/dz", "d(J, z)"),
    ("dJ/dz*h", "d(J, z)*h"),
    ("dJ/dh * dh/dz", "d(J, h)*d(h, z)"),
    ("dh/dz*dJ/dh", "d(h, z)*d(J, h)"),
    ("2dJ/dz dh/dz", "2*d(J, z)*d(h, z)"),
    ("1/(dJ/dz)", "1/d(J, z)"),
    ("dyhat/da - dC/dp", "d(h, h) - d(J, h)"),
    ("d2J/dz2 + d^2J/dz^2", "dd(J, z) + dd(J, z)"),
    ("d/dh (-y*log(h))", "d(-y*log(h), h)"),
    ("d/dz exp(z) + 1", "d(exp(z), z) + 1"),
    ("d3J/dz2 dh", "dd(d(J, h), z)"),
    ("delta - h", "delta - h"),
    ("dZ", "delta"),
    ("a^(L) + a^(2)", "h + h^2"),
]


@pytest.mark.parametrize(("text", "shown"), DERIVATIVES)
def test_derivatives_are_given_their_meaning_by_the_symbols(text: str, shown: str) -> None:
    assert plain(parse(text, SCALAR)) == shown


def test_a_vector_is_derived_by_component() -> None:
    assert plain(parse("d2J/dz2 - dJ/dz2_j", VECTOR)) == "dd(J, z[j]) - d(J, z2[j])"
    assert plain(parse("dJ/dTheta2_kj*dJ/dz^(2)_k", VECTOR)) == "d(J, Theta2[k, j])*d(J, z2[k])"


def test_declared_names_come_before_derivatives_and_other_readings() -> None:
    symbols = SCALAR._replace(scalars=frozenset(("dJ", "dz", "delta", "f", "C", "a", "h", "d")))
    assert parse("dJ/dz", symbols) == parse("(dJ)*(dz)^(-1)", symbols)
    assert parse("delta + C + a", symbols) == parse(r"\delta + C + a", symbols, "latex")
    assert plain(parse("delta + f(h)*a", symbols)) == "delta + f*h*a"
    assert plain(parse("d h", symbols, "latex")) == plain(parse("dh", symbols, "latex")) == "d*h"


CLAIMS = [
    ("h - y", ["h - y"], (1,)),
    ("dJ/dz = h - y", ["d(J, z)", "h - y"], (1, 9)),
    (" = h - y", [None, "h - y"], (1, 4)),
    ("h = y =z", ["h", "y", "z"], (1, 5, 8)),
    (r"\frac{dJ}{dz} = \hat{y} - y", ["d(J, z)", "h - y"], (1, 17)),
    (r"= \sigma(z)", [None, "sigmoid(z)"], (1, 3)),
]


@pytest.mark.parametrize(("text", "sides", "columns"), CLAIMS)
def test_a_claim_has_sides(text: str, sides: list[str | None], columns: tuple[int, ...]) -> None:
    claim = parse_claim(text, SCALAR)
    assert [side and plain(side) for side in claim.sides] == sides
    assert claim.columns == columns


def test_an_index_that_is_bound_on_one_side_is_not_free_on_the_other() -> None:
    with pytest.raises(SyntaxProblem, match="'k' is bound by a sum and free elsewhere"):
        parse_claim("dJ/dz_k = sum(k, z_k^2)", VECTOR)


@pytest.mark.parametrize(
    ("text", "spelling"),
    [("h - y", "plain"), ("z_k^2", "plain"), (r"\hat y", "latex"), ("z_{k}", "latex"), ("$h$", "latex"), ("", "plain")],
)
def test_the_spelling_of_a_text(text: str, spelling: str) -> None:
    assert spelling_of(text) == spelling


# Text, column, a part of the message; read as claims with SCALAR.
ERRORS = [
    ("h <= y", 3, "write = instead of '<='"),
    ("h = y < z", 7, "write = instead of '<'"),
    ("h = ", 5, "found the end"),
    ("=", 2, "found the end"),
    ("J := h", 3, "write = instead of :="),
    ("J = h", 1, "unknown name 'J'"),
    ("dJ/dz^2", 6, "write (dJ/dz)^2 for a square, d2J/dz2 for a second derivative"),
    ("h/dJ/dz", 3, "write a/(dJ/dz)"),
    ("d/dh y*log(h)", 7, "write brackets around what is differentiated"),
    ("d/dh y log(h)", 8, "write brackets around what is differentiated"),
    ("dJ/dz_j", 4, "z has no indices here: leave them out"),
    ("d2J/dz", 7, "expected 1 more of the variables, as in d2J/dz2"),
    ("d2J/dz3", 5, "the orders above and below differ: 2 above"),
    ("d^7J/dz", 3, "the order of a derivative is 1, 2, 3 or 4"),
    ("d^2J/dz^3", 6, "the orders above and below differ"),
    ("delta_kj", 1, "'k' is no index here"),
    (r"\frac{h}{y}^2", 12, "write brackets around a fraction to raise it"),
    (r"\frac{\partial J}{\partial z^2}", 29, "expected '}'"),
    (r"\frac{\partial J}{\partial z}^2", 30, "write (dJ/dz)^2 for a square"),
    (r"\frac{h}{0}", 9, "division by zero"),
    (r"\frac{h}", 9, "expected a group in braces, found the end"),
    (r"\frac h{y_", 8, "'{' is not closed"),
    (r"2\frac{1}{2}", 2, "may be a mixed number: write \\cdot between them"),
    (r"h/y \sigma(z)", 5, "two ways"),
    (r"\log 2h", 7, "can be read in two ways: write brackets around it"),
    (r"\log h y", 8, "what \\log acts on can be read in two ways"),
    (r"\log h^2", 7, "what \\log acts on can be read in two ways"),
    (r"\log h / 2", 8, "can be read in two ways"),
    (r"\log h \cdot y", 8, "can be read in two ways"),
    (r"\log(h)^2", 8, "can be read in two ways"),
    (r"\sin^{-1} z", 1, "write brackets around \\sin(x) to raise it"),
    (r"\frac{d\sigma}{dz}", 7, "'sigma' is a function: write sigma(z); the activation's output is h"),
    (r"\sigma z", 8, "expected '(' after the function sigma"),
    (r"\hat{y}^12", 8, "TeX raises the first character only: write ^{...}"),
    (r"h^-1 \cdot 2", 2, "TeX raises the sign only: write ^{-1}"),
    (r"h^{z}^{y}", 6, "two exponents: write x^{a^b}"),
    (r"h^y_k\,", 1, "h has no indices here"),
    (r"h_{k}", 1, "h has no indices here"),
    (r"z^{(3)}", 2, "'(3)' is no layer and no index of z here; a power is written z^{3}"),
    (r"\hat{yz}", 1, "a hat is put on one letter"),
    (r"\hat", 1, "a hat is put on one letter"),
    (r"\text{so that } h", 1, "words in a formula"),
    (r"\mathrm{sigmoid} + log(h)", 20, "'log' is a product of letters in LaTeX; write \\log"),
    (r"\sigma(z) yhat", 11, "write \\hat{y}"),
    (r"h \approx y", 3, "\\approx: only equations are checked"),
    (r"h \Rightarrow y", 3, "write one line an equation"),
    (r"h \in y", 3, "unknown command '\\in'"),
    (r"\input{/etc/passwd}", 1, "unknown command '\\input'"),
    (r"\immediate\write18{id}", 1, "unknown command '\\immediate'"),
    (r"\catcode`\@=11", 9, "unexpected character '`'"),
    (r"^^5cinput{h}", 1, "found '^'"),
    (r"\begin{input}{h}", 1, "the environment input cannot be read in a formula"),
    (r"\nabla h", 1, "write \\frac{\\partial J}{\\partial z_j}"),
    (r"\begin{pmatrix} h \end{pmatrix}", 1, "the environment pmatrix cannot be read"),
    (r"\begin{cases} \end{cases}", 1, "the cases leave values out"),
    (r"\begin{cases} h & z > 0 \end{cases}", 17, "the cases leave values out"),
    (r"\begin{cases} h & z > 0 \\ y & z < 0 \end{cases}", 30, "write \\text{otherwise} in the last row"),
    (r"\begin{cases} h & z > 0 \\ y & \text{else} \\ z & z < 1 \end{cases}", 47, "after \\text{otherwise}"),
    (r"\begin{cases} h \\ y \end{cases}", 17, "expected '&' and a condition"),
    (r"\begin{cases} h & z = 0 \\ y & \text{else} \end{cases}", 19, "where needs an inequality"),
    (r"\{h \text{ if } z > 0 \}", 23, "expected ',' and an else"),
    (r"\hat{y} & y", 9, "found '&'"),
    (r"\hat{y} \\ y", 9, "found '\\\\'"),
    (r"\left( h ]", 10, "expected ')' after the '\\left(' of column 1"),
    (r"\left[ h )", 10, "expected ']' after the '\\left[' of column 1"),
    (r"\left. h \right|", 6, "unexpected character '.'"),
    (r"\left h", 1, "\\left: write a bracket behind it"),
    (r"|h \rvert", 4, "expected '|'"),
    (r"{h", 1, "'{' is not closed"),
    (r"h}", 2, "'}' closes no '{'"),
    (r"$h$", 1, "leave out the dollar signs"),
    (r"\sigma(z) % so", 11, "leave the comment out"),
    ("\\", 1, "a backslash needs a command behind it"),
    (r"\sqrt[n]{h}", 1, "a root is written"),
    (r"\sqrt[1]{h}", 1, "the degree of a root"),
    (r"\sum h", 1, "a sum is written \\sum_{k=1}^{K} or \\sum_k"),
    (r"\sum_{k=0}^{K} h", 1, "a sum is written"),
    (r"\sum_{k=1}^{K-1} h", 1, "a sum is written"),
    (r"\sum_{k=1}^{N} h", 13, "'N' is no size; sizes: K, m"),
    ("\\hat{y}\u202e", 8, "U+202E RIGHT-TO-LEFT OVERRIDE"),
    ("\\hat{y} \x1b[31m", 9, "U+001B control character"),
    ("\\fo\u0585", 4, "U+0585"),
    ("{" * 101 + "h" + "}" * 101, 102, "nested more than 100 deep"),
    ("\\frac{" * 2000 + "h" + "}" * 2000, 607, "nested more than 100 deep"),
    ("x^{" * 20_000 + "h" + "}" * 20_000, 1, "unknown name 'x'"),
]


@pytest.mark.parametrize(("text", "column", "message"), ERRORS)
def test_errors_say_what_and_where(text: str, column: int, message: str) -> None:
    with pytest.raises(SyntaxProblem, match=re.escape(message)) as caught:
        parse_claim(text, SCALAR)
    assert caught.value.column == column
    assert len(str(caught.value)) < 300 and str(caught.value).isprintable()


VECTOR_ERRORS = [
    ("sum(k, h - y)", 8, "h has indices: write h[k]"),
    (r"\sum_k (h - y)", 9, "h has indices: write h_{k}"),
    ("dh/dz", 4, "each component depends on each: write dh_k/dz_j"),
    ("dJ/dTheta2", 4, "Theta2 has indices: write Theta2[k,k]"),
    (r"\delta_{kji}", 11, "'i' is no index here"),
    (r"z_{jk}", 1, "the indices of z run over K, not over K, K"),
    (r"z_j{}_k", 6, "found '_'"),
    (r"z_j_k\,", 4, "two subscripts"),
    (r"z^{(2)}^{(2)}", 8, "two superscripts"),
    (r"\frac{\partial^2 J}{\partial z_j}", 33, "expected 1 more of the variables"),
    (r"\sum_{k} z_k + z_k", 18, "the index 'k' is bound by a sum and free elsewhere"),
    (r"y_k^{(i)}", 4, "'(i)' is no layer and no index of y here"),
]


@pytest.mark.parametrize(("text", "column", "message"), VECTOR_ERRORS)
def test_errors_of_indices(text: str, column: int, message: str) -> None:
    with pytest.raises(SyntaxProblem, match=re.escape(message)) as caught:
        parse_claim(text, VECTOR)
    assert caught.value.column == column


@pytest.mark.parametrize("text", ["dJ/dz", r"\frac{\partial J}{\partial z}", "d/dz (h)"])
def test_without_a_meaning_derivatives_are_refused(text: str) -> None:
    with pytest.raises(SyntaxProblem, match="derivatives have no meaning here"):
        parse_claim(text, BARE)


@pytest.mark.parametrize("text", ["delta", r"\delta", "dZ", "f(z)", "f'(z)", "dA"])
def test_names_of_claims_are_unknown_elsewhere(text: str) -> None:
    with pytest.raises(UnknownName):
        parse_claim(text, BARE)


# ---- printing and reading

NO_E = SYMBOLS._replace(scalars=SYMBOLS.scalars - {"e"})  # in LaTeX e^x is exp(x)
EVERY_CALL = CALLS + ABSTRACT_CALLS
calm = settings(suppress_health_check=list(HealthCheck), deadline=None)  # no test depends on the clock


def has_latex(term: Term) -> bool:
    """Whether a term can be written: without 1/0, and without a variable e."""
    return "e" not in term.names and not any(t.kind == "pow" and is_zero(t.args[0]) for t in subterms(term))


def is_zero(term: Term) -> bool:
    return term == ZERO or (term.kind == "mul" and any(is_zero(factor) for factor in term.args))


def is_narrow(term: Term) -> bool:
    """Whether no numerator is so wide that it is put behind its fraction."""
    return unbroken(tokens(term))[1] <= WIDE


@calm
@given(written(depth=2).filter(is_narrow))
def test_what_is_written_as_people_write_it_is_read_back(term: Term) -> None:
    assert parse(latex(term), NO_E, "latex") == term


@calm
@given(terms(names=EVERY_CALL).filter(has_latex))
def test_every_term_is_read_back_but_for_its_brackets(term: Term) -> None:
    """Reading is exact from the first time on, or else it gives a term that is printed as it was read."""
    first = parse(latex(term), NO_E, "latex")
    second = parse(latex(first), NO_E, "latex")
    assert first == second or latex(first) == latex(second)


@settings(calm, max_examples=50)
@given(functions(depth=2).filter(has_latex))
def test_what_is_read_back_is_the_same_to_the_kernel(term: Term) -> None:
    read = parse(latex(term), REAL, "latex")
    try:
        Theory({}, ()).equal(term, term)
    except KernelError:
        return
    assert Theory({}, ()).equal(read, term)


REAL = Symbols(frozenset("uvw"), {"z": ("K",), "y": ("K",), "x": ("m",)}, {"k": "K", "j": "K", "i": "m"})
LOST = [  # what LaTeX does not tell apart, and what is read
    ("-(x*y)", "-x*y"),
    ("(-x)*y", "-x*y"),
    ("x*(y*2)", "x*(y*2)"),
    ("x/y/z", "x/(y*z)"),
    ("x^(-2)", "1/x^2"),
    ("x^(1/2)", "sqrt(x)"),
    ("x - (-y)", "x + y"),
    ("3*4^(-1)", "3/4"),
]


@pytest.mark.parametrize(("source", "read"), LOST)
def test_what_latex_does_not_tell_apart(source: str, read: str) -> None:
    symbols = Symbols(frozenset("xyz"), {}, {})
    assert parse(latex(parse(source, symbols)), symbols, "latex") == parse(read, symbols)


@pytest.mark.parametrize("name", ["h_k", "w1", "alpha", "Theta", "tau_0", "x"])
def test_names_are_read_back(name: str) -> None:
    symbols = Symbols(frozenset((name, "y")), {}, {})
    assert parse(latex(power(var(name), 2)), symbols, "latex") == power(var(name), 2)


# ---- any text


WORDS = (
    r"\frac \tfrac \sqrt \sum \partial \hat \log \sin \exp \sigma \delta \theta \left( \right) \lvert \rvert \left| "
    r"\right| \cdot \begin{cases} \end{cases} \text{if} \text{otherwise} \mathrm{d} \{ \} \\ \\[1ex] \, \quad \le \ne "
    r"\prime \operatorname{erf} \mathbb{1}_{k=j} \max \foo \sqrt[3] \sum_{k=1}^{K} \sum_l \frac{dJ}{dz} \bigl[ \left. "
    r"\frac{\partial^2 J}{\partial z_j^2} \mathrm{h\_k} "
    r"+ - * / ^ _ { } ( ) [ ] | , & = < > ' ! ~ . : ; d h z k j K 2 12 "
    r".5 z_j h_k^{(i)} ^{(L)} ^2 _{k,j} {} e^{ h_\theta(x^{(i)})_k \hat{y}_k \delta_{kj} a^{(2)}"
)
PLAIN_WORDS = (
    "dJ/dz dh_k/dz_j d2J/dz2 d^2J/dz^2 d/dz delta delta_j a^(L) a^(2) f'(z) f( tanh'( dZ sum(k, softmax(z)[j] "
    "kron(j,k) h y z_k h[j] ( ) ] [ , * / ^ - + = < 1 2 0.5 | where( > d dJ / dz d2 yhat_k 'd J _k delta^(2)_k"
)
LATEX_TEXTS = st.lists(st.sampled_from(WORDS.split()), max_size=14)
PLAIN_TEXTS = st.lists(st.sampled_from(PLAIN_WORDS.split()), max_size=14)


def read_or_refused(text: str, spelling: str) -> None:
    """Nothing but a DeriveError of one harmless line, whatever the names mean."""
    for symbols in (SCALAR, VECTOR, EXAMPLES, BARE):
        for read in (parse, parse_relation, parse_claim):
            try:
                read(text, symbols, spelling)
            except DeriveError as problem:
                assert str(problem).isascii() and str(problem).isprintable() and len(str(problem)) < 400


@calm
@given(LATEX_TEXTS, st.sampled_from(["", " "]))
def test_commands_in_any_order_are_read_or_refused(words: list[str], space: str) -> None:
    read_or_refused(space.join(words), "latex")


@calm
@given(PLAIN_TEXTS, st.sampled_from(["", " "]))
def test_words_of_claims_in_any_order_are_read_or_refused(words: list[str], space: str) -> None:
    read_or_refused(space.join(words), "plain")


@calm
@given(st.text(), st.sampled_from(["plain", "latex"]))
def test_any_text_is_read_or_refused(text: str, spelling: str) -> None:
    read_or_refused(text, spelling)


SOURCES = [row[0] for row in (*SAME, *SAME_VECTOR, *SAME_EXAMPLES, *DERIVATIVES, *CLAIMS)]


@settings(calm, max_examples=300)
@given(st.sampled_from(SOURCES), st.randoms(use_true_random=False))
def test_a_text_with_a_slip_is_read_or_refused(text: str, chance: random.Random) -> None:
    """One or two characters dropped, doubled, swapped or put in."""
    for _ in range(chance.randint(1, 2)):
        at = chance.randrange(len(text) + 1)
        piece = text[at : at + chance.randint(0, 6)]
        put = chance.choice(["", piece * 2, piece[::-1], chance.choice(string.printable), chance.choice(WORDS.split())])
        text = text[:at] + put + text[at + len(piece) :]
    for spelling in ("plain", "latex"):
        read_or_refused(text, spelling)


@calm
@given(written(), st.data())
def test_a_formula_cut_short_is_read_or_refused(term: Term, data: st.DataObject) -> None:
    for text in (latex(term), inline(term)):
        read_or_refused(text[: data.draw(st.integers(0, len(text)))], "latex")
