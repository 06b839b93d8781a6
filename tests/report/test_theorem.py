"""Reports about theorems, in text, LaTeX and Markdown."""

from __future__ import annotations

import re
from functools import cache

import pytest

from derive.chains import Fact, Partial
from derive.report.theorem import display, equation, markdown, sheet, text
from derive.term import ZERO, index, item, var
from derive.theorems import Theorem, names, theorem

proved = cache(theorem)


@pytest.fixture(params=names())
def found(request: pytest.FixtureRequest) -> Theorem:
    return proved(request.param)


@pytest.mark.parametrize("width", [60, 80, 100])
def test_text_keeps_to_the_width_and_to_ascii(found: Theorem, width: int) -> None:
    shown = text(found, width=width, unicode=False)
    assert shown.isascii() and "\x1b" not in shown and "\x00" not in shown
    assert max(map(len, shown.splitlines())) <= width
    assert " ".join(shown.split()).startswith(f"{found.name}: {found.title} --")


def test_text_has_every_step_in_its_order(found: Theorem) -> None:
    shown = text(found, unicode=False)
    steps, _, notes = shown.partition("\n  Theorem: ")
    assert [int(n) for n in re.findall(r"^ *(\d+)\. ", steps, re.M)] == list(range(1, len(found.chain.lines) + 1))
    assert notes.count("  Instance: ") == len(found.instances)
    assert notes.count("  Cited:     Not checked here. ") == len(found.cited)


def test_text_says_what_is_stated_and_what_is_assumed() -> None:
    shown = " ".join(text(proved("proper-composite"), unicode=False).split())
    assert "Theorem: dJ/dh = (h - y)*w(h); dJ/dz = (h - y)*w(h)/psi'(h) if psi'(h) != 0." in shown
    assert "L1'(h) = -(1 - h)*w(h), L0'(h) = h*w(h), psi(h) = z, for all values in question." in shown
    assert "Use (12) in (9). It holds where psi'(h) != 0." in shown
    assert shown.count("This is assumed.") == 3


def test_text_says_where_two_derivatives_differ() -> None:
    shown = " ".join(text(proved("matching-loss-vector"), unicode=False).split())
    assert "dh_k/dz_j - dh_j/dz_k != 0. The last holds at K = 2, z_1 = 1, z_2 = 2 with k = 1 and j = 2." in shown


def test_a_hypothesis_is_said_where_it_is_new() -> None:
    shown = text(proved("canonical-link"), unicode=False)
    assert shown.partition("Theorem:")[0].replace("\n    ", "").count("holds where s != 0") == 1


def test_second_derivatives_have_their_order() -> None:
    fact = next(f for f in proved("matching-loss").chain.facts if f.left == (Partial(var("J"), var("z"), 2),))
    assert equation(fact) == r"\frac{\partial^2 J}{\partial z^2} = F''(z)"
    assert "∂²J/∂z² = F''(z)" in text(proved("matching-loss"))
    assert "d^2J/dz^2 = F''(z)" in text(proved("matching-loss"), unicode=False)


def test_a_difference_of_derivatives_is_written_as_one() -> None:
    h, z = item("h", index("k")), item("z", index("j"))
    fact = Fact((Partial(h, z), Partial(h, z)), ZERO, op="!=")
    assert equation(fact) == (r"\frac{\partial h_k}{\partial z_j} - \frac{\partial h_k}{\partial z_j} \ne 0")


def test_primes_reach_tex() -> None:
    shown = sheet(proved("canonical-link"))
    assert r"h = A'(\psi(z))" in shown and "A''(\\psi(z)) \\psi'(z) = g'(z)" in shown


def test_sheet_is_balanced(found: Theorem) -> None:
    shown = sheet(found)
    assert shown.isascii() and shown.endswith("\\end{document}\n")
    assert shown.count("{") == shown.count("}") and shown.count("\\[") == shown.count("\\]")
    assert len(re.findall(r"\\begin\{", shown)) == len(re.findall(r"\\end\{", shown))
    assert shown.count("\\item ") == len(found.chain.lines)
    assert sheet(found) == shown


def test_markdown_has_every_statement(found: Theorem) -> None:
    shown = markdown(found)
    assert all(f"$$\n   {equation(fact)}\n   $$" in shown for fact in found.chain.facts)
    assert shown.count("**Cited.** Not checked here.") == len(found.cited)


def test_display_is_what_is_defined_and_stated() -> None:
    assert display(proved("bregman").chain) == (
        "\\begin{aligned}\nJ &= F(y) - F(h) - F'(h)(y - h) \\\\\nh &= g(z) \\\\\n"
        "\\frac{\\partial J}{\\partial h} &= F''(h)(h - y) \\\\\n"
        "\\frac{\\partial J}{\\partial z} &= F''(h) g'(z)(h - y)\n\\end{aligned}"
    )


def test_colour_is_only_there_on_request(found: Theorem) -> None:
    assert "\x1b[" in text(found, colour=True)
