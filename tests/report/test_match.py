"""Reports about matching losses, in text, LaTeX and Markdown."""

from __future__ import annotations

import re

import pytest

from derive.matched import Match
from derive.matching import match
from derive.report.match import answer, display, latex_statement, markdown, sheet, text

SLUGS = ["sigmoid", "hardtanh", "loglog", "softmax", "unitnorm", "normalize"]


@pytest.fixture(scope="module")
def found() -> dict[str, Match]:
    return {slug: match(slug) for slug in SLUGS}


@pytest.mark.parametrize("slug", SLUGS)
def test_text_keeps_to_the_width_and_to_ascii(slug: str, found: dict[str, Match]) -> None:
    shown = text(found[slug], width=80, unicode=False)
    assert shown.isascii() and "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.startswith(f"matching loss: {slug}\n")
    for step in found[slug].steps:
        assert f"{step.n}. " in shown


def test_text_says_what_was_found(found: dict[str, Match]) -> None:
    shown = text(found["sigmoid"], unicode=False)
    assert "there is a J with dJ/dz = h - y" in shown
    assert "J = log(1 + exp(z)) - y*z" in shown
    assert "J = -y*log(h) - (1 - y)*log(1 - h)" in shown
    assert "J is convex in z." in shown


def test_a_refutation_says_no(found: dict[str, Match]) -> None:
    shown = text(found["normalize"], unicode=False)
    assert "No, refuted: there is no J" in shown and "Convex:" not in shown


def test_undecided_says_why() -> None:
    known = match("where(exp(z) > 1, z, 0)")
    assert answer(known) == ("Undecided.",)
    assert "Reason" in text(known) and r"\paragraph{Reason.}" in sheet(known)


@pytest.mark.parametrize("slug", SLUGS)
def test_sheet_is_balanced(slug: str, found: dict[str, Match]) -> None:
    shown = sheet(found[slug])
    assert shown.isascii() and shown.endswith("\\end{document}\n")
    assert shown.count("{") == shown.count("}")
    assert len(re.findall(r"\\begin\{", shown)) == len(re.findall(r"\\end\{", shown))
    assert shown.count("\\item ") == len(found[slug].steps)


@pytest.mark.parametrize("slug", SLUGS)
def test_markdown_has_every_statement(slug: str, found: dict[str, Match]) -> None:
    shown = markdown(found[slug])
    for step in found[slug].steps:
        assert latex_statement(step) in shown
    assert shown.count("$$") % 2 == 0


def test_display(found: dict[str, Match]) -> None:
    assert display(found["sigmoid"]) == (
        "\\begin{aligned}\nJ &= \\log(1 + e^z) - y z \\\\\n\\frac{\\partial J}{\\partial z} &= h - y\n\\end{aligned}"
    )
    assert found["sigmoid"]._repr_latex_() == f"$${display(found['sigmoid'])}$$"
    assert display(found["normalize"]).startswith(r"\text{No, refuted")


def test_a_name_of_a_user_reaches_tex_as_letters_and_escaped_marks_only() -> None:
    known = match("tanh(zz_9*z)", params=["zz_9 > 0"])
    assert "zz_9" not in sheet(known) and r"\mathrm{zz\_9}" in sheet(known)
