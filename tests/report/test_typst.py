"""Typst: what it means, that nothing foreign gets in, and that every sheet compiles without a formula too wide."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import pairwise

import pytest
import typst as compiler
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples import stored
from strategies import terms
from test_latex import long_term
from test_text import POINT, SYMBOLS, scalars, value

from derive.certificate import load, shipped
from derive.errors import DeriveError
from derive.proof import Proof
from derive.report.lines import lines, unbroken
from derive.report.typ import LINE, escaped, inline, left_side, row, rows, tokens, typst
from derive.report.typst import PAPERS, document, pdf
from derive.report.words import Slope
from derive.syntax import parse
from derive.term import Term, call, item, power, var

HOSTILE = (
    *('#read("/etc/passwd")', "#panic()", "$x$", "*b* _i_", "= h", "- l", "+ l", "1. l", "/ t: d", "`c`", "<l> @l"),
    *("// c", "/* c", "\\u{41}", "\\", "~", "[c]", "#", "http://x.y", "--- ...", "'q'", '"q"', '#image("x")'),
)


def compiled(source: str) -> list[str]:
    """The widths of displays that had to be made smaller; fails where a document does not compile without a warning."""
    whole, warnings = compiler.compile_with_warnings(source.encode(), ignore_system_fonts=True)
    assert whole.startswith(b"%PDF") and [w.message for w in warnings] == []
    return [n["value"] for n in json.loads(compiler.query(source.encode(), "<narrow>", ignore_system_fonts=True))]


def shown(markup: str) -> str:
    """The text that markup shows; fails where it is more than text."""
    found = compiler.query(f"#metadata([{markup}]) <all>".encode(), "<all>", ignore_system_fonts=True)
    (whole,) = json.loads(found)
    parts = whole["value"].get("children", [whole["value"]])
    assert {part["func"] for part in parts} <= {"text", "symbol", "space"}
    return "".join(part.get("text", " ") for part in parts)


# ---- terms


def from_typst(text: str) -> Term:
    """Read the Typst of a ``scalars`` term as a person does: side by side means times."""
    text = text.replace("dot.op", "*").replace("thin", " ").replace("\\/", "/")
    while (start := text.rfind("frac(")) >= 0:  # the last one has no fraction inside
        comma, end = ends(text, start + len("frac("))
        above, below = text[start + len("frac(") : comma], text[comma + 1 : end]
        text = f"{text[:start]}(({above})/({below})){text[end + 1 :]}"
    marks = re.findall(r"\d+|[a-z]|[-+*/^()]", text)
    assert "".join(marks) == text.replace(" ", "")
    found = [marks[0]]
    for left, right in pairwise(marks):
        found += ["*"] * (left[-1] not in "-+*/^(" and right[0] not in "-+*/^)") + [right]
    return parse("".join(found), SYMBOLS)


def ends(text: str, start: int) -> tuple[int, int]:
    """Where the first of two arguments ends, and where the second one does."""
    depth, comma = 0, start
    for n in range(start, len(text)):
        if text[n] == ")" and depth == 0:
            return comma, n
        depth += (text[n] == "(") - (text[n] == ")")
        comma = n if text[n] == "," and depth == 0 else comma
    raise AssertionError(f"a bracket is open: {text}")


@pytest.mark.parametrize("printer", [typst, inline])
@settings(max_examples=200, deadline=None)
@given(term=scalars())
def test_typst_reads_back_as_the_same_number(printer: object, term: Term) -> None:
    try:
        expected = value(term, POINT)
    except ZeroDivisionError:
        return
    assert value(from_typst((typst if printer is typst else inline)(term)), POINT) == expected


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(found=st.lists(terms(), min_size=8, max_size=8))
def test_every_term_compiles(found: list[Term]) -> None:
    compiled("\n".join(f"$ {typst(term)} $ ${inline(term)}$" for term in found))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("h*(1 - h)", "h (1 - h)"),
        ("-y*log(h)", "-y log h"),
        ("log(h)*y", "(log h) y"),
        ("((h - y)/(h*(1 - h)))*(h*(1 - h))", "frac(h - y, h (1 - h)) dot.op h (1 - h)"),
        ("exp(-z^2/2)", r"e^(-z^(2)\/2)"),
        ("exp(sum(l, z[l]))", "exp (sum_(l = 1)^(K) z_(l))"),
        ("1/2*(h - y)^2", "frac(1, 2) (h - y)^(2)"),
        ("(y/h + 1)/w", "frac(1, w) (frac(y, h) + 1)"),
        ("z[j]", "z_(j)"),
        ("x[i, k]^2", "(x_(k)^((i)))^(2)"),
        ("kron(k, j)", "delta_(k j)"),
        ("sum(l, h[l] - y[l])", "sum_(l = 1)^(K) (h_(l) - y_(l))"),
        ("abs(h/y)", "abs(frac(h, y))"),
        ("erf(z)", 'op("erf") z'),
        ("tanh(z)^2", "tanh^(2) z"),
        ("sigmoid(z)*phi(z)*Phi(z)", "sigma (z) phi.alt (z) Phi (z)"),
        ("pi*alpha*z", "pi alpha z"),
        ("where(z > 0, z, 0)", 'cases(gap: #0.5em, display(z) & quad "if" thick z > 0, display(0) & quad "otherwise")'),
        ("F''(h*y)", "F'' (h y)"),
        ("Li2(z)", 'op("Li")_(2) (z)'),
        ("sqrt(h)*(1 - h)", "sqrt(h) (1 - h)"),
    ],
)
def test_typst(source: str, expected: str) -> None:
    assert re.sub(" +", " ", typst(parse(source, SYMBOLS))) == expected


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        ((var("J"), var("z")), "frac(partial J, partial z)"),
        ((var("J"), parse("z[j]", SYMBOLS), 2), "frac(partial^(2) J, partial z_(j)^(2))"),
        ((var("J"), parse("x[i, k]", SYMBOLS), 2), "frac(partial^(2) J, partial (x_(k)^((i)))^(2))"),
    ],
)
def test_left_sides(left: Slope, expected: str) -> None:
    assert left_side(left).text == expected


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_comes_out_as_text(text: str) -> None:
    assert shown(f"a{escaped(text)}b") == f"a{text}b"
    assert shown(escaped(text)).strip() == text  # at the start of a line, where lists and headings begin


def test_what_cannot_be_printed_comes_out_as_a_question_mark() -> None:
    assert shown(escaped("a\x1b[31m\n\u202eb\u0430")) == "a?[31m??b?"


@pytest.mark.parametrize("name", ['#read("x")', '"); #panic(', "a_b", "$x$", "é", "", "frac(", "panic"])
def test_no_name_reaches_typst_raw(name: str) -> None:
    for term in (var(name), call(name, var("z")), item(name, parse("h[k]", SYMBOLS).args[1])):
        assert re.fullmatch(r'([A-Za-z0-9]|(op\()?"[A-Za-z0-9_]+"\)?)(_\(\w\))?( \(z\))?', typst(term))


def test_deep_terms_are_printed() -> None:
    tower = var("h")
    for _ in range(90):
        tower = power(var("y"), tower)
    assert typst(tower).startswith("y^(y^(y")


# ---- displays


@pytest.mark.parametrize("line", [LINE, 200])
def test_a_long_formula_is_broken_inside_its_brackets(line: int) -> None:
    found = lines(tokens(long_term(30), line=line), line, line)
    assert len(found) > 2 and all(unbroken(part)[1] <= line for part in found)
    shown_rows = [row(part) for part in found]
    assert all(r.count("(") == r.count(")") for r in shown_rows)
    assert "paren.l" in shown_rows[0] and "paren.r" in shown_rows[-1]


def test_a_display_that_is_wider_than_the_page_is_made_smaller(samples: Mapping[str, Proof]) -> None:
    source = document([samples["bce-sigmoid"]])
    assert compiled(source) == []
    (wide,) = compiled(source + "$ " + " + ".join(f"z_({n})" for n in range(60)) + " $\n")
    assert float(wide.removesuffix("pt")) > LINE


# ---- documents


def test_a_document_has_all_its_parts(samples: Mapping[str, Proof]) -> None:
    for proof in samples.values():
        found = document([proof])
        assert found.count("#step(") == len(proof.steps) and found.count("#qed\n") == 1
        assert all(part in found for part in ("#theorem[", "[Verdict]", "[Why]", "[Hypotheses]", "#given("))
        assert ("[Factor]" in found) == (proof.kind == "residual")
        assert found == document([proof]) and found.isascii()


def test_a_hostile_pair_name_comes_out_as_text(samples: Mapping[str, Proof]) -> None:
    proof = Proof(samples["bce-sigmoid"].checked)
    for text in HOSTILE:
        proof.pair = text
        source = document([proof])
        compiled(source)
        assert f"\n= {escaped(text)}\n" in source


@pytest.mark.parametrize("paper", PAPERS)
def test_a_pdf_is_the_same_twice(samples: Mapping[str, Proof], paper: str) -> None:
    source = document([samples["mse-sigmoid"], samples["cce-softmax"]], paper)
    found = pdf(source)
    assert found.startswith(b"%PDF") and found == pdf(source) and b"CreationDate" not in found


def test_papers_differ_and_others_are_refused(samples: Mapping[str, Proof]) -> None:
    proof = samples["mse-identity"]
    assert pdf(document([proof], "a4")) != pdf(document([proof], "letter"))
    with pytest.raises(DeriveError, match="a4 and letter"):
        document([proof], "a5")
    with pytest.raises(DeriveError, match="needs a pair"):
        document([])


def test_a_long_formula_fits_the_page(samples: Mapping[str, Proof]) -> None:
    proof = Proof(samples["bce-sigmoid"].checked)
    proof.steps = (proof.steps[0]._replace(right=long_term(40)), *proof.steps[1:])
    source = document([proof])
    assert compiled(source) == [] and len(rows(proof.steps[0].left, long_term(40))) > 3


@pytest.mark.parametrize("pair", ["bce-sigmoid", "cce-softmax"])
def test_averaged_sheets_compile(pair: str) -> None:
    source = document([Proof(stored(pair, average=True))])
    assert compiled(source) == []


@pytest.mark.parametrize("part", range(8))
def test_every_shipped_proof_compiles_and_fits_the_page(part: int) -> None:
    source = document([Proof(load(pair)) for pair in sorted(shipped())[part::8]])
    assert compiled(source) == []
