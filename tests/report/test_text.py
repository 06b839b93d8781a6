"""Text for the terminal: what it means, how it is laid out, and that its sentences are true."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_regressions.file_regression import FileRegressionFixture
from samples import stored
from strategies import terms

from derive import prover
from derive.certificate import load, shipped
from derive.proof import Proof
from derive.report import explain
from derive.report.table import table
from derive.report.text import _Page, formula, slope, text
from derive.report.words import Slope, listed
from derive.syntax import Symbols, parse, parse_relation
from derive.term import Term, add, div, mul, neg, num, power, sub, sum_over, var, where

SYMBOLS = Symbols(
    frozenset(("J", "z", "h", "y", "w", "alpha", "epsilon", "gamma", "lambda")),
    {"h": ("K",), "y": ("K",), "z": ("K",), "x": ("m", "K")},
    {"k": "K", "j": "K", "i": "m"},
    functions=frozenset(("F", "psi")),
)
PAIRS = ["bce-sigmoid", "mse-identity", "mse-sigmoid", "cce-softmax"]
PIECES = ["mse-relu", "mae-identity", "huber-sigmoid", "hinge-identity", "focal-sigmoid"]


def scalars(depth: int = 4) -> st.SearchStrategy[Term]:
    """Terms of h, y, z by the four operations and whole powers."""
    small = st.builds(num, st.integers(-4, 4), st.integers(1, 4))
    leaf = st.one_of(small, st.sampled_from([var(n) for n in "hyz"]))
    if depth == 0:
        return leaf
    inner = scalars(depth - 1)
    pair = [st.builds(operation, inner, inner) for operation in (add, sub, mul, div)]
    return st.one_of(leaf, *pair, st.builds(mul, inner, inner, inner), st.builds(power, inner, st.integers(-3, 3)))


def value(term: Term, at: Mapping[str, Fraction]) -> Fraction:
    """The number that a term of ``scalars`` stands for; raises ZeroDivisionError where there is none."""
    if term.kind == "num":
        return Fraction(int(term.args[0].p), int(term.args[0].q))
    if term.kind == "var":
        return at[term.args[0]]
    found = [value(t, at) for t in term.args]
    if term.kind == "pow":
        return found[0] ** int(found[1])
    total = Fraction(term.kind == "mul")
    for n in found:
        total = total * n if term.kind == "mul" else total + n
    return total


POINT = {"h": Fraction(3, 7), "y": Fraction(-5, 2), "z": Fraction(11, 3)}


@settings(max_examples=300, deadline=None)
@given(scalars())
def test_ascii_reads_back_as_the_same_number(term: Term) -> None:
    try:
        expected = value(term, POINT)
    except ZeroDivisionError:
        return
    assert value(parse(formula(term, unicode=False), SYMBOLS), POINT) == expected


@settings(max_examples=200, deadline=None)
@given(terms(), st.booleans())
def test_every_term_has_a_text(term: Term, unicode: bool) -> None:
    shown = formula(term, unicode)
    assert shown.isprintable() and (unicode or shown.isascii())
    assert shown.count("(") == shown.count(")")


@pytest.mark.parametrize(
    ("source", "shown", "plainly"),
    [
        ("-y*log(h) - (1 - y)*log(1 - h)", "−y log(h) − (1 − y) log(1 − h)", "-y*log(h) - (1 - y)*log(1 - h)"),
        ("(h - y)/(h*(1 - h))", "(h − y)/(h(1 − h))", "(h - y)/(h*(1 - h))"),
        ("((h - y)/h)*h", "(h − y)/h · h", "(h - y)/h * h"),
        ("((h - y)/h)*(h*z)", "(h − y)/h · h z", "(h - y)/h * h*z"),
        ("2*h", "2h", "2*h"),
        ("h*2", "h · 2", "h * 2"),
        ("1/2*(h - y)^2", "1/2 · (h − y)²", "1/2 * (h - y)^2"),
        ("z - (-h)", "z + h", "z + h"),
        ("z - (h - y)", "z − (h − y)", "z - (h - y)"),
        ("-(h + y)", "−(h + y)", "-(h + y)"),
        ("h^2", "h²", "h^2"),
        ("(-h)^2", "(−h)²", "(-h)^2"),
        ("h^y", "h^y", "h^y"),
        ("h^(1/2)", "sqrt(h)", "sqrt(h)"),
        ("h^(-2)", "1/h²", "1/h^2"),
        ("h/y/z", "h/(y z)", "h/(y*z)"),
        ("h/(y/z)", "h/(y/z)", "h/(y/z)"),
        ("abs(z)", "|z|", "|z|"),
        ("alpha*sigmoid(z)", "α σ(z)", "alpha*sigmoid(z)"),
        ("exp(z[k])/sum(l, exp(z[l]))", "exp(z_k)/Σ_l exp(z_l)", "exp(z_k)/sum_l exp(z_l)"),
        ("sum(k, y[k])*z", "(Σ_k y_k) z", "(sum_k y_k)*z"),
        ("sum(l, (h[l]/y[l])*z)", "Σ_l [h_l/y_l · z]", "sum_l [h_l/y_l * z]"),
        ("sum(l, h[l] - y[l])", "Σ_l (h_l − y_l)", "sum_l (h_l - y_l)"),
        ("kron(k, j)*x[i, k]^2", "δ_kj(x_k⁽ⁱ⁾)²", "delta_kj*(x_k^(i))^2"),
        ("where(z > 0, z, 0)", "{z if z > 0, else 0}", "{z if z > 0, else 0}"),
        ("where(z > 0, 1, 0)*(h - y)", "{1 if z > 0, else 0} · (h − y)", "{1 if z > 0, else 0} * (h - y)"),
        (
            "where(z > 1, 1, where(z < -1, -1, z))",
            "{1 if z > 1, −1 if z < −1, else z}",
            "{1 if z > 1, -1 if z < -1, else z}",
        ),
        ("F'(z)*psi''(h)", "F'(z) ψ''(h)", "F'(z)*psi''(h)"),
        ("sum(k, sum(l, h[k]*y[l]))", "Σ_k Σ_l h_k y_l", "sum_k sum_l h_k*y_l"),
        ("epsilon*gamma + lambda", "ε γ + λ", "epsilon*gamma + lambda"),
    ],
)
def test_formula(source: str, shown: str, plainly: str) -> None:
    term = parse(source, SYMBOLS)
    assert formula(term) == shown
    assert formula(term, unicode=False) == plainly


def test_a_bound_index_never_takes_a_name_in_use() -> None:
    j = parse("h[j]", SYMBOLS).args[1]
    k = parse("h[k]", SYMBOLS).args[1]
    inner = sum_over(k, mul(parse("h[k]", SYMBOLS), parse("y[j]", SYMBOLS)))
    clash = Term(inner.kind, inner.args, "j")
    assert formula(clash) == "Σ_k h_k y_j"
    assert formula(sum_over(j, clash)).count("Σ_j") == 1


def test_no_name_reaches_the_terminal_raw() -> None:
    assert formula(var("\x1b[31mred\x07")) == "31mred"


def test_relations_are_chained_and_quantified() -> None:
    relations = [parse_relation(r, SYMBOLS) for r in ("0 < h[k]", "h[k] < 1", "sum(k, y[k]) = 1")]
    assert _Page(80, True, False).say(listed(relations)).replace("\0", " ") == "0 < h_k < 1 for every k, Σ_k y_k = 1"


# ---- the report


@pytest.mark.parametrize("pair", [*PAIRS, *PIECES])
@pytest.mark.parametrize("unicode", [True, False], ids=["unicode", "ascii"])
def test_report(samples: Mapping[str, Proof], pair: str, unicode: bool, file_regression: FileRegressionFixture) -> None:
    file_regression.check(text(samples[pair], unicode=unicode), encoding="utf-8")


@pytest.mark.parametrize("pair", [*PAIRS, "mse-relu", "mae-identity"])
@pytest.mark.parametrize("width", [50, 60, 80, 132])
@pytest.mark.parametrize("unicode", [True, False], ids=["unicode", "ascii"])
def test_report_keeps_to_the_width(samples: Mapping[str, Proof], pair: str, width: int, unicode: bool) -> None:
    found = text(samples[pair], width, unicode)
    assert unicode or found.isascii()
    assert found.endswith("\n") and not re.search(r"[ \t]\n", found)
    assert max(map(len, found.splitlines())) <= width


@pytest.mark.parametrize("pair", sorted(shipped()))
def test_shipped_proofs_fit_a_terminal(pair: str) -> None:
    proof, unicode = Proof(load(pair)), len(pair) % 2 == 0
    found = text(proof, 80, unicode)
    assert max(map(len, found.splitlines())) <= 80
    assert all(f"{step.n:>3}. " in found for step in proof.steps)
    assert "{}" not in found and (unicode or found.isascii())


@pytest.mark.parametrize("pair", ["bce-sigmoid", "cce-softmax", "mae-identity"])
def test_averaged_proofs_fit_a_terminal(pair: str) -> None:
    found = text(Proof(stored(pair, average=True)), 80)
    assert "averaged over the" in found and max(map(len, found.splitlines())) <= 80


def test_colour_adds_nothing_but_colour(samples: Mapping[str, Proof]) -> None:
    for proof in samples.values():
        painted = text(proof, colour=True)
        assert "\x1b[" in painted and "\x1b[" not in text(proof)
        assert re.sub(r"\x1b\[\d*m", "", painted) == text(proof)


def test_a_hostile_pair_name_is_harmless(samples: Mapping[str, Proof]) -> None:
    proof = Proof(samples["bce-sigmoid"].checked)
    proof.pair = "\x1b]0;title\x07"
    assert text(proof).replace("\n", "").isprintable() and table([proof]).replace("\n", "").isprintable()


# ---- the sentences


def sentence(proof: Proof, label: str) -> str:
    """What is said under a label, on one line of ASCII."""
    shown = text(proof, 1000, unicode=False)
    return next(row.partition(":")[2].strip() for row in shown.splitlines() if row.startswith(f"  {label}:"))


@pytest.mark.parametrize(
    ("pair", "label", "said"),
    [
        ("bce-sigmoid", "Verdict", "Yes, proved: dJ/dz = h - y for all real values of the variables."),
        ("bce-sigmoid", "Why", "dJ/dh has h*(1 - h) below the line, and dh/dz = h*(1 - h): the two cancel."),
        ("bce-sigmoid", "Assumes", "Nothing beyond the domain."),
        ("mse-identity", "Why", "dh/dz = 1, so nothing has to cancel."),
        ("mse-sigmoid", "Verdict", "No, refuted: dJ/dz is not h - y, but that times the factor h*(1 - h)."),
        (
            "mse-sigmoid",
            "Why",
            "dJ/dh = h - y has nothing below the line to cancel h*(1 - h): the factor h*(1 - h) remains.",
        ),
        (
            "mse-sigmoid",
            "Factor",
            "It is positive: dJ/dz always has the sign of h - y.",
        ),
        (
            "mse-sigmoid",
            "Limits",
            "dJ/dz goes to 0 as h goes to 0 and as h goes to 1 (by leading terms, not by the kernel): "
            "there learning is slow, however wrong the output is.",
        ),
        ("mse-sigmoid", "Witness", "At z = 0, y = 1: dJ/dz is -1/8, but h - y is -1/2."),
        ("cce-softmax", "Verdict", "Yes, proved: dJ/dz_j = h_j - y_j for any K, if sum_k y_k = 1."),
        (
            "cce-softmax",
            "Why",
            "Each output depends on every z: dh_k/dz_j = h_k*(delta_kj - h_j). Its factor h_k cancels the one below "
            "the line of dJ/dh_k; the sum leaves h_j*sum_k y_k - y_j, and that is h_j - y_j because sum_k y_k = 1.",
        ),
        (
            "cce-softmax",
            "Witness",
            "Where the condition fails: at K = 2, j = 1, every z_k = 0, every y_k = 1: "
            "dJ/dz_j is 0, but h_j - y_j is -1/2.",
        ),
    ],
)
def test_sentence(samples: Mapping[str, Proof], pair: str, label: str, said: str) -> None:
    assert sentence(samples[pair], label) == said


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("tweedie-power", "dJ/dh has the factor h^(-p), and dh/dz = h^p: the two cancel."),
        (
            "tweedie-exp",
            "dJ/dh has the factor h^(-p), and dh/dz = h, which does not cancel: the factor h*h^(-p) remains.",
        ),
    ],
)
def test_a_symbolic_power_cancels_too(pair: str, said: str) -> None:
    """It is not written below the line."""
    assert sentence(Proof(load(pair)), "Why") == said


@pytest.mark.parametrize(
    ("pair", "label", "said"),
    [
        ("mse-relu", "Regions", "dJ/dz = h - y where z > 0"),
        (
            "mse-relu",
            "Kink",
            "Where z = 0: dJ/dz goes to 0 from where z < 0 and to h - y from where z > 0; "
            "where these differ, it has no value.",
        ),
        (
            "mse-relu",
            "Why",
            "In each region by itself, the chain rule multiplies two derivatives: dJ/dh is h - y; dh/dz is 1 where "
            "z > 0, 0 where z < 0.",
        ),
        (
            "mse-relu",
            "Factor",
            "It is never negative: dJ/dz never has the opposite sign of h - y. "
            "dJ/dz is 0 where z < 0: nothing is learned there.",
        ),
        (
            "mae-identity",
            "Kink",
            "Where h = y: dJ/dz goes to -1 from where h < y and to 1 from where h > y, and has no value; the "
            "subdifferential is the interval from -1 to 1.",
        ),
        ("mae-identity", "Assumes", "h != y."),
        ("huber-sigmoid", "Assumes", "d > 0."),
        ("mse-relu", "Note", "With the factor 1/2; without it see sse."),
    ],
)
def test_sentence_about_pieces(samples: Mapping[str, Proof], pair: str, label: str, said: str) -> None:
    assert sentence(samples[pair], label) == said


def test_parameters_and_targets_are_given_with_the_definitions(samples: Mapping[str, Proof]) -> None:
    found = text(samples["focal-sigmoid"], unicode=False)
    assert "    Parameters: 0 < alpha < 1, gamma >= 0\n" in found
    assert "    Targets: 0 <= y <= 1, meant for y = 0 or y = 1\n" in found


def test_a_step_says_where_it_is_taken(samples: Mapping[str, Proof]) -> None:
    page = _Page(1000, False, False)
    said = [page.say(explain.reason(step)).replace("\0", " ") for step in samples["mse-relu"].steps]
    assert "Where z > 0: differentiate the activation." in said
    assert "Put (7) and (9) together; nothing is said where z = 0." in said
    joins = [page.say(explain.reason(s)).replace("\0", " ") for s in samples["huber-sigmoid"].steps if s.rule == "join"]
    assert joins[-1].startswith("Put ") and "so that it holds there too." in joins[-1]


@pytest.mark.parametrize(
    ("found", "pretty", "plainly"),
    [
        ((var("J"), var("z"), 2), "∂²J/∂z²", "d^2J/dz^2"),
        ((var("J"), parse("z[j]", SYMBOLS), 2), "∂²J/∂z_j²", "d^2J/dz_j^2"),
        ((var("J"), parse("x[i, k]", SYMBOLS), 2), "∂²J/∂(x_k⁽ⁱ⁾)²", "d^2J/d(x_k^(i))^2"),
        ((var("h"), var("z")), "∂h/∂z", "dh/dz"),
    ],
)
def test_slopes(found: Slope, pretty: str, plainly: str) -> None:
    assert (slope(found), slope(found, unicode=False)) == (pretty, plainly)


def test_every_reason_of_a_certificate_has_words() -> None:
    from derive.certificate import REASONS

    assert set(explain.REASONS) == set(REASONS)


def test_a_loss_that_uses_z_is_explained() -> None:
    fused = prover.prove(loss="log(1 + exp(z)) - y*z", activation="sigmoid(z)")
    alone = "The loss is given in z and does not use the output: it is differentiated as it stands."
    assert sentence(fused, "Why") == alone
    mixed = prover.prove(loss="h*z - y*z", activation="sigmoid(z)")
    assert sentence(mixed, "Why").startswith("The loss uses z besides the output")
    assert any("z counts directly" in str(explain.reason(s)) for s in mixed.steps)


# ---- the table


def test_table(samples: Mapping[str, Proof]) -> None:
    proofs = [samples[pair] for pair in PAIRS]
    found = table(proofs)
    assert found == table([proof.to_json() for proof in proofs])
    assert found == (
        "pair          h - y?  kind      dJ/dz\n"
        "bce-sigmoid   yes     cancels   h - y\n"
        "mse-identity  yes     cancels   h - y\n"
        "mse-sigmoid   no      residual  h*(1 - h)*(h - y)\n"
        "cce-softmax   yes*    cancels   h[j]*sum(k, y[k]) - y[j]\n"
        "* if sum(k, y[k]) = 1\n"
    )


def test_table_keeps_to_the_width() -> None:
    rows = [{"pair": "a-b", "answer": "no", "kind": "other", "delta": "h*" * 80 + "h", "conditions": []}]
    assert max(map(len, table(rows).splitlines())) == 80
    assert table(rows, colour=True).startswith("\x1b[1m")


def test_deep_terms_are_printed() -> None:
    term = var("h")
    for _ in range(30):
        term = where(parse_relation("z > 0", SYMBOLS), neg(add(term, num(1))), num(0))
    assert formula(term).startswith("{−({−(")
