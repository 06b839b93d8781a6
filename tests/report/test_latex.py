"""LaTeX: what it means, that nothing foreign gets in, and that every sheet compiles without a line too long."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from pytest_regressions.file_regression import FileRegressionFixture
from samples import stored
from strategies import terms
from test_text import PAIRS, PIECES, POINT, SYMBOLS, scalars, value

from derive.certificate import load, shipped
from derive.proof import Proof
from derive.report.latex import LINE, PREAMBLE, display, equation, latex, sheet
from derive.report.lines import lines, unbroken
from derive.report.markdown import markdown
from derive.report.tex import inline, left_side, tokens
from derive.report.words import Slope
from derive.syntax import parse
from derive.term import Term, add, call, div, item, mul, num, power, sub, sum_over, var

COMMANDS = {  # all of them known to MathJax
    *("frac", "partial", "sum", "left", "right", "biggl", "biggr", "cdot", "quad", "begin", "end", "sqrt", "lvert"),
    *("rvert", "mathrm", "operatorname", "text", "le", "ge", "ne", "log", "exp", "sin", "cos", "sinh", "cosh", "tanh"),
    *("arctan", "sigma", "phi", "Phi", "pi", "delta", "alpha", "Theta", "displaystyle"),
}


def from_latex(text: str) -> Term:
    """Read the LaTeX of a ``scalars`` term as a person does: side by side means times."""
    text = text.replace(r"\left(", "(").replace(r"\right)", ")").replace(r"\cdot", "*").replace(r"\,", " ")
    while match := re.search(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", text) or re.search(r"\^\{([^{}]*)\}", text):
        shown = f"(({match[1]})/({match[2]}))" if match[0].startswith("\\frac") else f"^({match[1]})"
        text = text[: match.start()] + shown + text[match.end() :]
    marks = re.findall(r"\d+|[a-z]|[-+*/^()]", text)
    assert "".join(marks) == text.replace(" ", "")
    row = [marks[0]]
    for left, right in pairwise(marks):
        row += ["*"] * (left[-1] not in "-+*/^(" and right[0] not in "-+*/^)") + [right]
    return parse("".join(row), SYMBOLS)


@pytest.mark.parametrize("printer", [latex, inline])
@settings(max_examples=300, deadline=None)
@given(term=scalars())
def test_latex_reads_back_as_the_same_number(printer: object, term: Term) -> None:
    try:
        expected = value(term, POINT)
    except ZeroDivisionError:
        return
    assert value(from_latex((latex if printer is latex else inline)(term)), POINT) == expected


@settings(max_examples=200, deadline=None)
@given(terms())
def test_every_term_is_balanced_latex_of_known_commands(term: Term) -> None:
    found = latex(term)
    assert set(re.findall(r"\\([A-Za-z]+)", found)) <= COMMANDS
    assert found.count("{") == found.count("}") and found.count(r"\left") == found.count(r"\right")
    assert found.isascii() and not set(found) & set("#$%~")


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("h*(1 - h)", "h(1 - h)"),
        ("-y*log(h)", r"-y \log h"),
        ("-y*log(h) - (1 - y)*log(1 - h)", r"-y \log h - (1 - y) \log(1 - h)"),
        ("log(h)*y", r"(\log h) y"),
        ("(h - y)/(h*(1 - h))", r"\frac{h - y}{h(1 - h)}"),
        ("((h - y)/(h*(1 - h)))*(h*(1 - h))", r"\frac{h - y}{h(1 - h)} \cdot h(1 - h)"),
        ("z - (-h)", "z + h"),
        ("z + (-h)", "z - h"),
        ("z - (h - y)", "z - (h - y)"),
        ("-(h + y)", "-(h + y)"),
        ("1/(1 + exp(-z))", r"\frac{1}{1 + e^{-z}}"),
        ("exp(-z)/(1 + exp(-z))^2", r"\frac{e^{-z}}{(1 + e^{-z})^2}"),
        ("exp(-z^2/2)", "e^{-z^2/2}"),
        ("exp(sum(l, z[l]))", r"\exp\left(\sum_{l=1}^{K} z_l\right)"),
        ("(h - y)^2/2", r"\frac{(h - y)^2}{2}"),
        ("1/2*(h - y)^2", r"\frac{1}{2}(h - y)^2"),
        ("(y/h + 1)/w", r"\frac{1}{w}\left(\frac{y}{h} + 1\right)"),
        ("z[j]", "z_j"),
        ("x[i, k]", "x_k^{(i)}"),
        ("x[i, k]^2", "(x_k^{(i)})^2"),
        ("log(x[i, k])", r"\log x_k^{(i)}"),
        ("kron(k, j)", r"\delta_{kj}"),
        ("sum(l, h[l])", r"\sum_{l=1}^{K} h_l"),
        ("sum(l, h[l])*y", r"\left(\sum_{l=1}^{K} h_l\right) y"),
        ("y*sum(l, h[l])", r"y \sum_{l=1}^{K} h_l"),
        ("sum(l, h[l] - y[l])", r"\sum_{l=1}^{K} (h_l - y_l)"),
        ("sqrt(h)", r"\sqrt{h}"),
        ("abs(h/y)", r"\left\lvert \frac{h}{y}\right\rvert"),
        ("erf(z)", r"\operatorname{erf} z"),
        ("tanh(z)^2", r"\tanh^2 z"),
        ("sigmoid(z)*phi(z)*Phi(z)", r"\sigma(z) \phi(z) \Phi(z)"),
        ("pi*z", r"\pi z"),
        ("alpha*z", r"\alpha z"),
        ("where(z > 0, z, 0)", r"\begin{cases} z & \text{if } z > 0 \\ 0 & \text{otherwise} \end{cases}"),
        (
            "where(z > 1, 1, where(z < -1, -1, z))",
            r"\begin{cases} 1 & \text{if } z > 1 \\ -1 & \text{if } z < -1 \\ z & \text{otherwise} \end{cases}",
        ),
        (
            "where(z > 0, z/2, 0)",
            r"\begin{cases} \displaystyle \frac{z}{2} & \text{if } z > 0 \\[1ex] "
            r"\displaystyle 0 & \text{otherwise} \end{cases}",
        ),
        ("F'(z)^2", "F'(z)^2"),
        ("F''(h*y)", "F''(h y)"),
        ("Li2(z)", r"\operatorname{Li}_2(z)"),
        ("exp(z)/F(z)", r"\frac{e^z}{F(z)}"),
        ("psi'(z)", r"\psi'(z)"),
    ],
)
def test_latex(source: str, shown: str) -> None:
    assert re.sub(" +", " ", latex(parse(source, SYMBOLS))) == shown


def test_cases_in_a_line_of_prose_are_in_braces() -> None:
    term = parse("where(z > 1, 1, where(z < -1, -1, z))", SYMBOLS)
    assert re.sub(" +", " ", inline(term)) == r"\{1 \text{ if } z > 1,\ -1 \text{ if } z < -1,\ \text{else } z\}"


@pytest.mark.parametrize(
    ("left", "shown"),
    [
        ((var("J"), var("z"), 2), r"\frac{\partial^2 J}{\partial z^2}"),
        ((var("J"), parse("z[j]", SYMBOLS), 2), r"\frac{\partial^2 J}{\partial z_j^2}"),
        ((var("J"), parse("x[i, k]", SYMBOLS), 2), r"\frac{\partial^2 J}{\partial (x_k^{(i)})^2}"),
        ((var("h"), var("z")), r"\frac{\partial h}{\partial z}"),
    ],
)
def test_left_sides(left: Slope, shown: str) -> None:
    assert left_side(left).text == shown


@pytest.mark.parametrize(
    "name", [r"\input{/etc/passwd}", r"\immediate\write18{id}", "^^5cinput", "a_b", "a%b", "$x$", "<script>", "é", ""]
)
def test_no_name_reaches_tex_raw(name: str) -> None:
    name_pattern = r"([A-Za-z0-9]|\\(mathrm|operatorname)\{([A-Za-z0-9]|\\_)+\})(_\{?[0-9]+\}?)?(_k|\(z\))?"
    for term in (var(name), call(name, var("z")), item(name, parse("h[k]", SYMBOLS).args[1])):
        assert re.fullmatch(name_pattern, latex(term))


def test_a_hostile_pair_name_stays_out_of_the_sheet(samples: Mapping[str, Proof]) -> None:
    proof = Proof(samples["bce-sigmoid"].checked)
    proof.pair = r"\input{/etc/passwd}-\catcode`\%=12 ^^5c"
    assert set(re.findall(r"\\input|\\catcode|\^\^|`", sheet(proof))) == set()


def test_deep_terms_are_printed() -> None:
    tower = var("h")
    for _ in range(90):
        tower = power(var("y"), tower)
    assert latex(tower).startswith("y^{y^")


# ---- displays


def test_equation_and_display(samples: Mapping[str, Proof]) -> None:
    proof = samples["bce-sigmoid"]
    assert equation(proof.steps[-1]) == r"\frac{\partial J}{\partial z} = h - y"
    found = display(proof)
    assert found.startswith("\\begin{aligned}\n") and found.endswith("\n\\end{aligned}")
    assert found.count("&=") == len(proof.steps) and found.count(r"\partial J}{\partial h}") == 1
    assert set(re.findall(r"\\([A-Za-z]+)", found)) <= COMMANDS


def long_term(summands: int) -> Term:
    """A sum in brackets, too long for a line."""
    l_index = parse("h[k]", SYMBOLS).args[1]
    body = add(*(div(sub(parse("h[k]", SYMBOLS), num(n)), parse("y[k]", SYMBOLS)) for n in range(summands)))
    return mul(parse("h[j]", SYMBOLS), sum_over(l_index, mul(body, parse("z[k]", SYMBOLS))))


def test_a_long_formula_is_broken_inside_its_brackets() -> None:
    rows = lines(tokens(long_term(30)), LINE, LINE)
    assert len(rows) > 2 and all(unbroken(row)[1] <= LINE for row in rows)


def test_broken_brackets_get_a_fixed_size() -> None:
    from derive.report.latex import _rows

    rows = _rows(var("J"), long_term(30))
    assert all(row.count(r"\left(") == row.count(r"\right)") for row in rows)
    assert r"\biggl(" in rows[0] and r"\biggr)" in rows[-1]


# ---- sheets


@pytest.mark.parametrize("pair", [*PAIRS, *PIECES])
def test_sheet(samples: Mapping[str, Proof], pair: str, file_regression: FileRegressionFixture) -> None:
    file_regression.check(sheet(samples[pair]), extension=".tex")


@pytest.mark.parametrize("pair", ["cce-softmax", "mae-identity", "focal-sigmoid"])
def test_markdown(samples: Mapping[str, Proof], pair: str, file_regression: FileRegressionFixture) -> None:
    file_regression.check(markdown(samples[pair]), extension=".md")


def test_a_sheet_has_all_its_parts(samples: Mapping[str, Proof]) -> None:
    for proof in samples.values():
        found = sheet(proof)
        assert re.findall(r"\\usepackage.*", found) == [r"\usepackage{amsmath,amsthm,booktabs}"]
        assert found.count(r"\item ") >= len(proof.steps) and found.count(r"\qedhere") == 1
        assert all(part in found for part in ("statement}", "Verdict.", "Why.", "Hypotheses.", "tabular"))
        assert ("Factor." in found) == (proof.kind == "residual")
        assert found == sheet(proof) and found.isascii()


def compiled(source: str, folder: Path) -> str:
    """What TeX says about a document; fails where it does not compile."""
    (folder / "sheet.tex").write_text(source, encoding="ascii")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "sheet.tex"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=60)
    assert run.returncode == 0, run.stdout[-2000:]
    assert (folder / "sheet.pdf").stat().st_size > 0
    return run.stdout


END = "\\end{document}"
SHEETS = Path(__file__).parents[2] / "proofs"


@pytest.mark.tex
def test_the_sheets_of_all_pairs_and_theorems_compile_and_fit_the_page(tmp_path: Path) -> None:
    assert shutil.which("pdflatex"), "needs pdflatex, or run with -m 'not tex'"
    bodies, files = [], sorted([*SHEETS.glob("latex/*.tex"), *SHEETS.glob("theorems/*.tex")])
    for file in files:
        found = file.read_text(encoding="ascii")
        assert found.startswith(PREAMBLE)
        bodies.append(
            f"\\typeout{{SHEET {file.stem}}}\n{found.removeprefix(PREAMBLE).replace(END, chr(92) + 'clearpage')}"
        )
    log = compiled(PREAMBLE + "\n".join(bodies) + END, tmp_path)
    assert [part.split()[0] for part in log.split("SHEET ")[1:] if "Overfull" in part] == []
    assert log.count("SHEET ") == len(files) > 700


@pytest.mark.tex
@pytest.mark.parametrize("pair", ["bce-sigmoid", "cce-softmax"])
def test_averaged_sheets_compile_and_fit_the_page(pair: str, tmp_path: Path) -> None:
    assert "Overfull" not in compiled(sheet(Proof(stored(pair, average=True))), tmp_path)


@pytest.mark.parametrize("pair", sorted(shipped()))
def test_every_shipped_proof_has_a_sheet(pair: str) -> None:
    proof = Proof(load(pair))
    found = sheet(proof)
    assert found.isascii() and found.count("{") == found.count("}") and "{}." not in found
    assert found.count(r"\left") == found.count(r"\right") and found.count(r"\begin{") == found.count(r"\end{")
    assert found.count("\n\\item ") >= len(proof.steps)
    assert ("Regions." in found) == any(region.where[0].args[0] != "=" for region in proof.regions)


@pytest.mark.tex
def test_a_long_formula_fits_the_page(samples: Mapping[str, Proof], tmp_path: Path) -> None:
    proof = Proof(samples["bce-sigmoid"].checked)
    first = proof.steps[0]._replace(right=long_term(40))
    proof.steps = (first, *proof.steps[1:])
    assert "Overfull" not in compiled(sheet(proof), tmp_path)


@pytest.mark.tex
def test_a_display_compiles(samples: Mapping[str, Proof], tmp_path: Path) -> None:
    body = "".join(f"\\[{display(proof)}\\]\n" for proof in samples.values())
    compiled(f"\\documentclass{{article}}\\usepackage{{amsmath}}\\begin{{document}}{body}\\end{{document}}", tmp_path)
