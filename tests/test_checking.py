"""Which line of a derivation is wrong: lines that follow and are true, files, headers, errors, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import derive
from derive.errors import DeriveError
from derive.report import check as report

ROOT = Path(__file__).parent.parent
FIELDS = {
    "schema", "answer", "lines", "first_wrong", "correction", "conditions", "slip", "explanation", "witness", "reason",
}  # fmt: skip
Said = list[tuple[bool | None, bool | None]]


def command(*arguments: str, standard_input: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "derive", "check", *arguments],
        input=standard_input,
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **environment},
    )


def judged(text: str, pair: str = "bce-sigmoid", **given: Any) -> Said:
    """Whether each line follows, and is true."""
    return [(line.follows, line.true) for line in derive.check(text, pair, **given).lines]


# ---- lines

RIGHT = "dJ/dz = dJ/dh*dh/dz\n  = (h - y)/(h*(1 - h))*h*(1 - h)\n  = h - y\n"


def test_every_line_of_a_right_derivation_is_true_and_follows() -> None:
    found = derive.check(RIGHT, "bce-sigmoid")
    assert (found.answer, found.first_wrong, found.slip, found.correction) == ("right", None, None, None)
    assert [(line.follows, line.true) for line in found.lines] == [(True, True)] * 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # wrong at first, and right at last by luck
        ("dJ/dz = dJ/dh\n= h - y", [(False, False), (False, True)]),
        ("dJ/dz = 2*(h - y)\n= h - y", [(False, False), (False, True)]),
        # two slips that cancel
        ("dJ/dz = (h - y)*h\n= (h - y)*h/h", [(False, False), (False, True)]),
        # a false line on which later lines rest
        ("dJ/dh = h - y\ndJ/dz = dJ/dh*dh/dz\n= (h - y)*h*(1 - h)", [(False, False), (True, True), (True, False)]),
        ("dh/dz = h\ndJ/dz = dJ/dh*dh/dz\n= (h - y)/(1 - h)", [(False, False), (True, True), (True, False)]),
        ("dJ/dh = h - y\nh*(1 - h)*dJ/dh = (h - y)*h*(1 - h)", [(False, False), (True, False)]),
        # the true value after a false one does not follow from it
        ("dJ/dh = h - y\ndJ/dz = h - y", [(False, False), (False, True)]),
        # wrong in the middle, and what is made of it
        ("dJ/dz = h - y\n= h + y\n= y + h\n= 2*y", [(True, True), (False, False), (True, False), (False, False)]),
        # two wrong lines of which neither follows
        ("dJ/dz = h + y\n= h*y", [(False, False), (False, False)]),
        # each equation stands for itself
        ("h = sigmoid(z)\ndh/dz = h*(1 - h)\ndJ/dz = h - y", [(True, True)] * 3),
        # several sides in a line
        ("dJ/dz = dJ/dh*dh/dz = h - y", [(True, True)]),
        ("dJ/dz = 2*(h - y) = h - y", [(False, False)]),
        # an expression alone is about dJ/dz, before = as well
        ("h - y\n= -(y - h)", [(True, True), (True, True)]),
        ("dJ/dz\n= h - y", [(True, True), (True, True)]),
    ],
)
def test_a_line_follows_and_is_true(text: str, said: Said) -> None:
    found = derive.check(text + "\n", "bce-sigmoid")
    assert [(line.follows, line.true) for line in found.lines] == said
    wrong = [n for n, (_, true) in enumerate(said, 1) if true is False]
    assert found.first_wrong == (wrong[0] if wrong else None)
    assert found.answer == ("wrong" if wrong else "right")


@pytest.mark.parametrize(
    "text",
    [
        "dJ/dh = 2*dJ/dh\ndJ/dh = 0\ndJ/dz = 7",
        "dJ/dh = dJ/dz\ndJ/dz = dJ/dh\ndJ/dz = 7",
        "dJ/dz = dJ/dh\ndJ/dh = dJ/dz\ndJ/dz = 7",
        "dh/dz = dJ/dz\ndJ/dz = dJ/dh*dh/dz\ndJ/dz = 7",
        "dJ/dz = d/dz (dJ/dz)\nd/dz (dJ/dz) = dJ/dz\ndJ/dz = 7",
        "1 = 2\n2 = 1\ndJ/dz = 7",
        "h = y\ny = h\nJ = 7",
        "dJ/dz = 0\ndJ/dz = 1\ndJ/dz = 7",
    ],
)
def test_false_lines_about_each_other_do_not_make_one_true(text: str) -> None:
    found = derive.check(text, "bce-sigmoid")
    assert found.answer == "wrong" and found.first_wrong == 1
    assert found.lines[-1].true is False and found.lines[-1].follows is not True


def test_the_derivative_that_a_false_line_states_is_used_at_other_indices() -> None:
    text = "dJ/dh_k = y_k/h_k\ndJ/dz_j = sum(k, dJ/dh_k*dh_k/dz_j)\n= y_j - h_j*sum(k, y_k)\n"
    assert judged(text, "cce-softmax") == [(False, False), (True, True), (True, False)]
    renamed = "dJ/dh_i = y_i/h_i\ndJ/dz_k = sum(l, dJ/dh_l*dh_l/dz_k)\n= y_k - h_k*sum(l, y_l)\n"
    assert judged(renamed, "cce-softmax") == [(False, False), (True, True), (True, False)]


def test_a_false_line_about_one_index_says_nothing_of_all() -> None:
    """dh_j/dz_j is the diagonal; the sum over all k does not rest on it."""
    text = "dh_j/dz_j = h_j\ndJ/dz_j = sum(k, dJ/dh_k*dh_k/dz_j)\n= h_j - y_j\n"
    assert judged(text, "cce-softmax")[1:] == [(True, True), (True, True)]


def test_conditions_stand_in_the_line_that_needs_them_and_for_the_whole() -> None:
    text = "dJ/dz_j = sum(k, dJ/dh_k*dh_k/dz_j)\n= h_j*sum(k, y_k) - y_j\n= h_j - y_j\n"
    found = derive.check(text, "cce-softmax")
    assert found.answer == "right"
    assert found.to_json()["conditions"] == ["sum(k, y[k]) = 1"]
    assert [bool(line.conditions) for line in found.lines] == [False, False, True]
    assert "sum(k, y[k]) = 1" in found.lines[2].reason


def test_what_lines_after_a_wrong_one_need_is_said_too() -> None:
    found = derive.check("dJ/dz_j = h_j\ndJ/dz_j = h_j - y_j\n", "cce-softmax")
    assert found.answer == "wrong" and "sum(k, y[k]) = 1" in found.to_json()["conditions"]


def test_a_line_that_is_undecided_leaves_the_whole_undecided() -> None:
    found = derive.check("dJ/dz = h - y\n= h - y + 0*log(-h)\n= h - y\n", "bce-sigmoid")
    assert found.answer == "undecided" and found.reason
    assert [line.true for line in found.lines] == [True, None, True]


def test_a_wrong_line_outweighs_one_that_is_undecided() -> None:
    found = derive.check("dJ/dz = h - y + 0*log(-h)\n= h + y\n", "bce-sigmoid")
    assert (found.answer, found.first_wrong) == ("wrong", 2)


@pytest.mark.parametrize("lines", [1, 2, 10])
def test_a_wrong_line_is_found_wherever_it_stands(lines: int) -> None:
    for at in range(lines):
        text = "\n".join("dJ/dz = h + y" if n == at else "dJ/dz = h - y" for n in range(lines))
        found = derive.check(text + "\n", "bce-sigmoid")
        assert found.first_wrong == at + 1 and found.slip == "sign"
        assert [line.true for line in found.lines] == [n != at for n in range(lines)]


# ---- what is reported

WRONG = "dJ/dh = h - y\ndJ/dz = dJ/dh*dh/dz\n  = (h - y)*h*(1 - h)\n"


def test_the_json_is_the_object_of_the_contract() -> None:
    run = command("-", "--json", "--pair", "bce-sigmoid", standard_input="\n" + WRONG)
    found = json.loads(run.stdout)
    assert run.returncode == 1 and run.stderr == ""
    assert set(found) == FIELDS and found["schema"] == "derive/1"
    assert all(set(line) == {"n", "text", "follows", "true", "reason", "line"} for line in found["lines"])
    assert [line["n"] for line in found["lines"]] == [1, 2, 3]
    assert [line["line"] for line in found["lines"]] == [2, 3, 4]
    assert [line["text"] for line in found["lines"]] == [line.strip() for line in WRONG.splitlines()]
    assert (found["first_wrong"], found["slip"]) == (1, "wrong-variable")
    assert derive.check(f"dJ/dh = {found['correction']}", "bce-sigmoid").answer == "right"
    assert found["witness"] == {"z": "0", "y": "1", "value": "-2", "claim": "-1/2"}


def test_python_and_the_command_line_say_the_same() -> None:
    run = command("-", "--json", "--pair", "bce-sigmoid", standard_input=WRONG)
    assert json.loads(run.stdout) == derive.check(WRONG, "bce-sigmoid").to_json()


def test_the_json_of_no_answer_has_the_same_fields() -> None:
    run = command("--json", "--timeout", "0.05", "--pair", "bce-sigmoid", "h - y")
    found = json.loads(run.stdout)
    assert run.returncode == 3 and set(found) == FIELDS
    assert found["answer"] == "undecided" and "timeout" in found["reason"]


@pytest.mark.parametrize(
    ("claim", "code"), [("h - y", 0), ("h + y", 1), ("h -", 2), ("w - y", 2), ("h - y + 0*log(-h)", 3)]
)
def test_exit_codes(claim: str, code: int) -> None:
    run = command("--pair", "bce-sigmoid", claim)
    assert run.returncode == code
    assert bool(run.stdout) == (code != 2)
    assert run.stderr.count("\n") == (1 if code in (2, 3) else 0)


def test_the_wrong_part_of_a_line_is_underlined() -> None:
    run = command("-", "--pair", "bce-sigmoid", standard_input="dJ/dz = h - y\n  = h + y = h - y\n")
    rows = run.stdout.splitlines()
    at = next(n for n, row in enumerate(rows) if "h + y" in row)
    first, last = rows[at + 1].index("^"), rows[at + 1].rindex("^")
    assert rows[at][first : last + 1] == "h + y"
    assert "line 2 is the first" in rows[0]


def test_ascii_where_the_terminal_has_no_unicode_and_no_colour_outside_of_one() -> None:
    run = command("-", "--pair", "bce-sigmoid", standard_input=WRONG, PYTHONIOENCODING="ascii")
    assert run.returncode == 1 and run.stdout.isascii() and "dJ/dh" in run.stdout
    unicode = command("-", "--pair", "bce-sigmoid", standard_input=WRONG, FORCE_COLOR="1")
    assert "∂J/∂h" in unicode.stdout and "\x1b" not in unicode.stdout


def test_right_by_luck_is_said() -> None:
    run = command("-", "--pair", "bce-sigmoid", standard_input="dJ/dz = dJ/dh\n = h - y\n")
    assert run.returncode == 1 and "luck" in run.stdout


# ---- files

TEX = r"""
\documentclass{article}
% derive: pair = bce-sigmoid
\begin{document}
For $h = \sigma(z)$ we get
\begin{align}
  \frac{\partial J}{\partial z} &= \frac{\partial J}{\partial h} \frac{\partial h}{\partial z} \\ % the chain rule
    &= \frac{h - y}{h (1 - h)} \cdot h (1 - h) \label{eq:a} \\
    &= h + y. \tag{1}
\end{align}
and not \[ \frac{\partial J}{\partial h} = h - y \]
\end{document}
"""
MARKDOWN = r"""
<!-- derive: pair = bce-sigmoid -->
# The delta of the output

Because `dJ/dz = 7` is no formula,

$$
\frac{\partial J}{\partial z} = \frac{\partial J}{\partial h} \frac{\partial h}{\partial z}
$$

```math
\frac{\partial J}{\partial z} = h + y
```

```python
dJ = 7
```
"""
PLAIN = """
# the output layer
pair: bce-sigmoid

dJ/dz = dJ/dh*dh/dz        # the chain rule
      = h + y
"""


def notebook(*sources: str) -> str:
    cells = [{"cell_type": "markdown", "metadata": {}, "source": source.splitlines(True)} for source in sources]
    code = {"cell_type": "code", "metadata": {}, "source": ["dJ = 7\n"], "outputs": [], "execution_count": None}
    return json.dumps({"cells": [*cells, code], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


NOTEBOOK = notebook("<!-- derive: pair = bce-sigmoid -->", "$$\\frac{\\partial J}{\\partial z} = h + y$$")


@pytest.mark.parametrize(
    ("name", "text", "true", "place"),
    [
        ("a.txt", PLAIN, [True, False], 6),
        ("a.tex", TEX, [True, True, False, False], 9),
        ("a.md", MARKDOWN, [True, False], 12),
        ("a.ipynb", NOTEBOOK, [False], None),
    ],
)
def test_files(name: str, text: str, true: list[bool], place: int | None, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    run = command(str(file), "--json")
    found = json.loads(run.stdout)
    assert run.returncode == 1
    assert [line["true"] for line in found["lines"]] == true
    first = found["lines"][found["first_wrong"] - 1]
    assert first["true"] is False and (place is None or first["line"] == place)
    assert found["slip"] == "sign"


def test_the_same_file_in_windows_spelling() -> None:
    assert judged(RIGHT.replace("\n", "\r\n")) == judged(RIGHT)


# ---- headers


@pytest.mark.parametrize(
    ("header", "claim"),
    [
        ("pair: mse-tanh", "dJ/dz = (h - y)*(1 - h^2)"),
        ("loss: (h - y)^2/2\nactivation: w*z\nparam: w", "dJ/dz = w*(h - y)"),
        ("loss: (h - y)^2/2\nactivation: b + w*z\nparam: w\nparam: b", "dJ/dz = w*(b + w*z - y)"),
        ("loss: mse\nactivation: log(z)\nassume: z > 0", "dJ/dz = (h - y)/z"),
        ("loss: (h - y)^2/2\nactivation: z^t\nparam: 0 < t < 1\nassume: z > 0", "dJ/dz = t*z^(t - 1)*(h - y)"),
        ("pair: bce-sigmoid\naverage: yes", "dJ/dz[i,k] = (h[i,k] - y[i,k])/m"),
        ("pair: bce-sigmoid\nlayer: 2", "dJ/dz2_j = sum(k, Theta2_kj*(h_k - y_k))*a2_j*(1 - a2_j)"),
        ("pair: bce-sigmoid\nlayer: 3\nl2: true", "dJ/dTheta2_kj = (h_k - y_k)*a2_j + lambda*Theta2_kj"),
        ("pair: bce-sigmoid\nl2: no\naverage: false", "dJ/dz = h - y"),
    ],
)
def test_a_header_says_what_the_lines_are_about(header: str, claim: str) -> None:
    left, _, right = claim.partition(" = ")
    assert derive.check(f"{header}\n\n{claim}\n").answer == "right"
    assert derive.check(f"{header}\n\n{left} = 3*({right})\n").answer == "wrong"


def test_options_override_the_header() -> None:
    text = "pair: bce-sigmoid\ndJ/dz = (h - y)*h*(1 - h)\n"
    assert derive.check(text).answer == "wrong"
    assert derive.check(text, "mse-sigmoid").answer == "right"
    assert derive.check(text, loss="(h - y)^2/2", activation="sigmoid(z)").answer == "right"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pairs: bce-sigmoid\nh - y", "line 1: nothing can be declared as 'pairs'; did you mean pair?"),
        ("pair:\nh - y", "line 1: pair needs a value"),
        ("pair: bce-sigmoid\npair: mse-tanh\nh - y", "line 2: pair is given twice"),
        ("pair: bce-sigmoid\n\nlayer: two\nh - y", "line 3: a layer is a number"),
        ("pair: bce-sigmoid\nl2: maybe\nh - y", "line 2: write l2: yes or l2: no"),
        ("pair: bce-sigmod\nh - y", "bce-sigmoid"),
        ("h - y\n= h - y", "a claim is about a pair"),
        ("pair: bce-sigmoid\n\n# nothing\n", "no line to check"),
        ("loss: mse\nh - y", "--activation"),
        ("pair: bce-sigmoid\nparam: w\nh - y", "give a pair"),
    ],
)
def test_a_header_that_says_nothing_is_refused(text: str, message: str) -> None:
    with pytest.raises(DeriveError) as problem:
        derive.check(text + "\n")
    assert message in str(problem.value)


# ---- errors and their places


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("dJ/dz = h - y\n  = h - w\n", "line 2, column 9"),
        ("pair: bce-sigmoid\n\ndJ/dz = h - y\n    = (h - y\n", "line 4, column 13"),
        ("# one\n= h - y\n= h - y\n", "line 2, column 1"),
        ("dJ/dz = h - y\n\n\n\tdJ/dh = h +* y\n", "line 4, column 13"),
        ("pair: bce-sigmoid\ndJ/dz = w\n", "line 2, column 9"),  # one line alone has a place as well
    ],
)
def test_an_error_has_the_line_and_the_column_of_the_file(text: str, place: str) -> None:
    with pytest.raises(DeriveError) as problem:
        derive.check(text, None if text.startswith("pair") else "bce-sigmoid")
    assert str(problem.value).startswith(place)


@pytest.mark.parametrize(("claim", "column"), [("h - w", 5), ("dJ/dz = h - w", 13), ("dJ/dz = h - ", 13), ("= h", 1)])
def test_an_error_in_a_claim_has_its_column(claim: str, column: int) -> None:
    for text in (claim, claim + "\n"):
        with pytest.raises(DeriveError) as problem:
            derive.check(text, "bce-sigmoid")
        assert f"column {column}:" in str(problem.value)


def test_an_error_in_a_display_has_its_place_in_the_file() -> None:
    text = TEX.replace("h + y. ", r"h + \foo{y}. ")
    with pytest.raises(DeriveError) as problem:
        derive.check(text, kind=".tex")
    row = text.splitlines()[8]
    assert str(problem.value).startswith(f"line 9, column {row.index('foo')}")


@pytest.mark.parametrize(
    "given",
    [
        {"pair": "bce-sigmoid", "loss": "mse"},
        {"pair": "bce-sigmoid", "params": ["w"]},
        {"loss": "mse"},
        {"activation": "z"},
        {},
        {"pair": "bce-sigmoid", "kind": ".docx"},
        {"pair": "nonsense"},
    ],
)
def test_what_a_claim_is_about_must_be_clear(given: Mapping[str, Any]) -> None:
    with pytest.raises(DeriveError):
        derive.check("h - y", **given)


def test_the_derivative_of_an_expression_is_shown_as_one() -> None:
    """d(h^2)/dh is 2 h."""
    found = derive.check("d/dh (h^2) = 3*h", "mse-sigmoid")
    assert "∂(h²)/∂h = 2h\n" in report.text(found)
    assert r"\partial \left(h^2\right)/\partial h" in found._repr_html_()
