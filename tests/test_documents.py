"""Documents: which lines and declarations a file has, and where they stand."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.documents import MAX_CHARACTERS, MAX_LINES, Document, Entry, Line, load, read
from derive.errors import DeriveError, SyntaxProblem
from derive.syntax import Symbols, parse_claim, plain
from derive.term import call

SYMBOLS = Symbols(frozenset("hyz"), {}, {})

PLAIN = """\
# a comment
pair: bce-sigmoid
param: 0 < t < 1   # another
assume: z < 0
assume: t != 2

dJ/dz = dJ/dh * dh/dz
      = (h - y)/(h*(1 - h)) * h*(1 - h)   # both

   h - y
\\hat{y} - y
"""
TEX = r"""\documentclass{article}
% derive: pair = bce-sigmoid
%derive: assume = h > 0   % is no comment in a comment
\begin{document} % derive nothing: here
We differentiate $J$ (50\% of it), and write
\begin{align}
  \frac{\partial J}{\partial z} &= \frac{\partial J}{\partial h} h' \label{eq:chain} && \text{(chain rule)} \\[1ex]
    &= a, % a remark
      \nonumber \\
    &= b + c \\
    &\qquad {} + d.
\end{align}
and \[ h = z . \] and $$y = 1,\quad \text{as $y = 1$}$$
\begin{equation*} \begin{split} a &= b \\ &= c \end{split} \end{equation*}
\begin{multline} a \\ + b \\ = c \end{multline}
\begin{verbatim} \[ nothing \] \end{verbatim}
\[ f(x) = \begin{cases} 1 & \text{if } x > 0 \\ 0 & \text{otherwise} \end{cases} \]
\begin{alignat*}{2} a &= b &&= c \tag{1} \end{alignat*}
\begin{eqnarray} a &=& b \\ \end{eqnarray}
\end{document}
"""
MARKDOWN = r"""<!-- derive: pair = cce-softmax -->
<!-- a comment with $$ in it -->
It costs $5, or $$6 in `$$ code $$`. $$
h = y
$$

```python
x = "$$ h $$"
```
``` math
\delta_j = h_j - y_j
```
~~~
$$ no $$
~~~
<!-- derive: param = w > 0 -->
\[
\begin{aligned}
h &= y \\
  &= z
\end{aligned}
\]
"""


def texts(document: Document) -> list[tuple[int, int, str]]:
    return [(line.n, line.column, " ".join(line.text.split())) for line in document.lines]


def test_a_plain_file() -> None:
    found = read(PLAIN)
    assert found.header == (
        Entry("pair", "bce-sigmoid", 2, 7),
        Entry("param", "0 < t < 1", 3, 8),
        Entry("assume", "z < 0", 4, 9),
        Entry("assume", "t != 2", 5, 9),
    )
    assert found.lines == (
        Line(7, "dJ/dz = dJ/dh * dh/dz", 1, "plain"),
        Line(8, "= (h - y)/(h*(1 - h)) * h*(1 - h)", 7, "plain"),
        Line(10, "h - y", 4, "plain"),
        Line(11, "\\hat{y} - y", 1, "latex"),
    )
    assert read(PLAIN.replace("\n", "\r\n"), ".txt") == read(PLAIN, ".derive") == found


def test_a_latex_file() -> None:
    found = read(TEX, ".tex")
    assert found.header[0] == Entry("pair", "bce-sigmoid", 2, 18)
    assert found.header[1:] == (Entry("assume", "h > 0", 3, 19),)
    assert texts(found) == [
        (7, 3, r"\frac{\partial J}{\partial z} ~= \frac{\partial J}{\partial h} h'"),
        (8, 6, "= a"),
        (10, 6, r"= b + c ~\qquad {} + d"),
        (13, 8, "h = z"),
        (13, 25, "y = 1"),
        (14, 33, "a ~= b"),
        (14, 44, "= c"),
        (15, 18, "a + b = c"),
        (17, 4, r"f(x) = \begin{cases} 1 & \text{if } x > 0 \\ 0 & \text{otherwise} \end{cases}"),
        (18, 21, "a ~= b ~~= c"),
        (19, 18, "a ~=~ b"),
    ]
    assert {line.spelling for line in found.lines} == {"latex"}


def test_a_markdown_file() -> None:
    found = read(MARKDOWN.replace("or $$6", "or 6"), ".md")
    assert found.header == (Entry("pair", "cce-softmax", 1, 21), Entry("param", "w > 0", 16, 22))
    assert texts(found) == [(4, 1, "h = y"), (11, 1, r"\delta_j = h_j - y_j"), (19, 1, "h ~= y"), (20, 4, "= z")]


def test_a_notebook() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["<!-- derive: pair = bce-sigmoid -->\n", "$$\n", "h = y\n", "$$"]},
        {"cell_type": "code", "source": ["x = '$$ 1 $$'\n", "y = 1"]},
        {"cell_type": "markdown", "source": "$$h - y$$"},
    ]
    found = read(json.dumps({"cells": cells, "nbformat": 4}), ".ipynb")
    assert found.header == (Entry("pair", "bce-sigmoid", 1, 21),)
    assert texts(found) == [(3, 1, "h = y"), (7, 3, "h - y")]


@pytest.mark.parametrize("kind", ["", ".tex", ".md"])
def test_a_file_without_mathematics_has_no_lines(kind: str) -> None:
    assert read("", kind) == read("\n \n", kind) == Document((), ())
    assert read("Some prose with $inline$ mathematics.", ".md").lines == ()


def test_the_place_of_a_mistake_is_one_of_the_file() -> None:
    text = "$$ h =\n   y &\\label{a} +\n     q\n$$"
    (line,) = read(text, ".md").lines
    with pytest.raises(SyntaxProblem) as caught:
        parse_claim(line.text, SYMBOLS, line.spelling)
    row, column = line.place(caught.value.column)
    assert text.split("\n")[row - 1][column - 1] == "q"
    assert line.place(1) == (1, 4) and text[3] == "h"


def test_rows_that_are_lines_of_one_formula() -> None:
    found = read(r"\begin{align} h &= a \\ &- b \\ &\cdot c \\ &= d \\ e \end{align}", ".tex")
    assert [text for *_, text in texts(found)] == [r"h ~= a ~- b ~\cdot c", "= d", "e"]


@pytest.mark.parametrize(
    ("display", "text"),
    [
        (r"h = y,", "h = y"),
        (r"h = y \, .", "h = y"),
        (r"h = y; \qquad \text{(a remark)}", "h = y"),
        (r"h = y. \quad\mbox{a}, \quad \text{b}.", "h = y"),
        (r"h = 0.5", "h = 0.5"),
        (r"h = \text{relu}(z)", r"h = \text{relu}(z)"),
        (r"h = \mathrm{a} \notag", r"h = \mathrm{a}"),
        (r"h \text{ is } y", r"h \text{ is } y"),
    ],
)
def test_marks_and_remarks_at_the_end_are_dropped(display: str, text: str) -> None:
    assert [t for *_, t in texts(read(f"\\[{display}\\]", ".tex"))] == [text]


def test_a_display_of_remarks_only_is_no_line() -> None:
    assert read(r"\[ \text{nothing} \] $$ \quad . $$", ".tex").lines == ()


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("pairs: bce-sigmoid", "", "line 1: nothing can be declared as 'pairs'; did you mean pair?"),
        ("\n\nwhatever: 3", "", "line 3: nothing can be declared as 'whatever'; known: pair, loss"),
        ("loss:", ".txt", "line 1: loss needs a value"),
        ("% derive: pear = x", ".tex", "line 1: nothing can be declared as 'pear'; did you mean pair?"),
        ("<!-- derive: pair = -->", ".md", "line 1: pair needs a value"),
        ("a\n$$ h", ".md", "line 2: the display does not end; $$ is missing"),
        ("a\n\\begin{align} h \\end{split}", ".tex", "line 2: the display does not end; \\end{align} is missing"),
        ("h", ".pdf", "no derivation is read from such a file; write one of .txt, .derive, .tex, .md, .ipynb"),
        ("{}", ".ipynb", "the file is no notebook"),
        ("[" * 100_000, ".ipynb", "the file is no notebook"),
        ('{"cells": [{"source": 1}]}', ".ipynb", "the file is no notebook"),
        ("h" * (MAX_CHARACTERS + 1), "", f"more than {MAX_CHARACTERS} characters, which is the limit"),
        ("h\n" * (MAX_LINES + 1), "", f"more than {MAX_LINES} lines, which is the limit"),
        ("$$h$$" * (MAX_LINES + 1), ".md", f"more than {MAX_LINES} lines, which is the limit"),
    ],
)
def test_what_is_no_document(text: str, kind: str, message: str) -> None:
    with pytest.raises(DeriveError) as caught:
        read(text, kind)
    assert message in str(caught.value)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 200


def test_the_lines_of_a_printed_sheet_are_read_as_what_was_proved() -> None:
    symbols = Symbols(frozenset("Jhyz"), {}, {}, derivative=lambda j, z, n: call("d" * n, j, z))
    sheet = Path(__file__).parent / "report" / "test_latex" / "test_sheet_bce_sigmoid_.tex"
    found = read(sheet.read_text(encoding="utf-8"), ".tex").lines
    claims = [parse_claim(line.text, symbols, line.spelling) for line in found]
    assert [[plain(side) for side in claim.sides if side] for claim in claims] == [
        ["d(J, z)", "h - y"],
        ["J", "-y*log(h) - (1 - y)*log(1 - h)"],
        ["h", "1/(1 + exp(-z))"],
        ["d(J, h)", "-y/h + (1 - y)/(1 - h)"],
        ["d(J, h)", "(h - y)/(h*(1 - h))"],
        ["d(h, z)", "exp(-z)/(1 + exp(-z))^2"],
        ["d(h, z)", "h*(1 - h)"],
        ["d(J, z)", "((h - y)/(h*(1 - h)))*(h*(1 - h))"],
        ["d(J, z)", "h - y"],
    ]


def test_limits_are_inclusive() -> None:
    assert len(read("h\n" * MAX_LINES).lines) == MAX_LINES


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.TEX"
    path.write_bytes("\ufeff% derive: pair = bce-sigmoid\n$$h - y$$\n".encode())
    assert load(str(path)) == read("% derive: pair = bce-sigmoid\n$$h - y$$\n", ".tex")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(PLAIN.encode())))
    assert load("-") == read(PLAIN)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"h\xff", "no text in UTF-8: byte 2"),
        (b"h" * 5_000_000, "more than 1000000 characters"),
        (None, "cannot be read"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, data: bytes | None, message: str) -> None:
    path = tmp_path / "mine.txt"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(DeriveError, match=message):
        load(str(path))


PIECES = (
    r"$$ $ \[ \] \begin{align} \end{align} \begin{cases} \end{cases} \\ \\[1ex] & { } % \label{a} \text{b} \quad . , = "
    r"h ``` ```math ~~~ ` <!-- --> pair: # derive: \begin{multline} \end{multline} \begin{verbatim} \end{verbatim} \ -"
)


@given(
    st.lists(st.sampled_from([*PIECES.split(), "\n", " "]), max_size=30).map(" ".join),
    st.sampled_from(["", ".tex", ".md"]),
)
def test_any_document_is_read_or_refused_and_lines_stand_where_they_say(text: str, kind: str) -> None:
    try:
        found = read(text, kind)
    except DeriveError as problem:
        assert str(problem).isprintable()
        return
    rows = text.split("\n")
    for line in found.lines:
        assert line.text == line.text.strip() != ""
        assert rows[line.n - 1][line.column - 1] == line.text[0]
        row, column = line.place(len(line.text))
        assert rows[row - 1][column - 1] == line.text[-1]
