"""Tables: lines that keep to the width, marks that tell cells apart, and HTML in which nothing is markup but ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from samples import stored

from derive.certificate import shipped
from derive.proof import Proof
from derive.report.markdown import entry, index
from derive.report.table import MARKS, html, legend, listing, matrix
from derive.survey import Atlas, Cell

CELLS = (
    Cell("mse-identity", "cancels", "yes"),
    Cell("mse-softmax", "other", "no"),
    Cell("mse-tanh", "residual", "no", "1 - h^2"),
    Cell("cce-identity", why="0 < h[k] is needed"),
    Cell("cce-softmax", "cancels", "yes", None, None, ("sum(k, y[k]) = 1",)),
    Cell("cce-tanh", None, "undecided", None, "no answer"),
)
ATLAS = Atlas(("mse", "cce"), ("identity", "softmax", "tanh"), CELLS)


def row(pair: str, delta: str, *conditions: str) -> dict[str, Any]:
    return {"pair": pair, "answer": "yes", "kind": "cancels", "delta": delta, "conditions": list(conditions)}


def test_a_line_comes_as_soon_as_its_row() -> None:
    asked: list[str] = []

    def rows() -> Iterator[Mapping[str, Any]]:
        for pair in ("a-b", "c-d"):
            asked.append(pair)
            yield row(pair, "h - y")

    lines = listing(rows(), ["a-b", "c-d"])
    assert next(lines).split()[0] == "pair" and asked == []
    assert next(lines).split()[0] == "a-b" and asked == ["a-b"]
    assert len(list(lines)) == 1


def test_conditions_are_said_once_below() -> None:
    rows = [row("a-b", "h - y", "y = 1"), row("c-d", "h - y"), row("e-f", "h - y", "y = 1")]
    lines = list(listing(rows, ["a-b", "c-d", "e-f"]))
    assert [line.split()[1] for line in lines[1:4]] == ["yes*", "yes", "yes*"]
    assert lines[4:] == ["* if y = 1"]


@pytest.mark.parametrize("width", [50, 80, 100])
def test_a_long_derivative_is_cut(width: int) -> None:
    lines = list(listing([row("a-b", "h*" * 100 + "h")], ["a-b"], width))
    assert max(map(len, lines)) == width and lines[1].endswith("...")


def test_the_matrix() -> None:
    assert matrix(ATLAS).splitlines() == [
        "    i",
        "    d s",
        "    e o",
        "    n f",
        "    t t t",
        "    i m a",
        "    t a n",
        "    y x h",
        "mse = x g",
        "cce . * ?",
        "",
        "=     1  dJ/dz = h - y",
        "*     1  dJ/dz = h - y under a condition",
        "g     1  g (h - y)",
        "x     1  not of that shape",
        "?     1  undecided",
        ".     1  no pair: the activation leaves the domain of the loss",
        "      6  cells: 2 losses, 3 activations",
    ]


@pytest.mark.parametrize(("width", "blocks"), [(11, 1), (8, 2), (6, 3), (1, 3)])
def test_columns_that_do_not_fit_go_below(width: int, blocks: int) -> None:
    lines = [line for line in matrix(ATLAS, width).splitlines() if line.startswith("mse")]
    assert len(lines) == blocks
    assert "".join(line.removeprefix("mse").replace(" ", "") for line in lines) == "=xg"
    assert max(map(len, lines)) <= max(width, 5)


def test_colour_changes_nothing_else() -> None:
    coloured = matrix(ATLAS, colour=True)
    assert "\x1b[32m=\x1b[0m" in coloured
    for code in ("\x1b[32m", "\x1b[2m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == matrix(ATLAS)


def test_marks_tell_all_labels_apart() -> None:
    assert len({mark for mark, _ in MARKS.values()}) == len(MARKS)
    assert all(len(mark) == 1 and mark.isascii() for mark, _ in MARKS.values())


def test_the_legend_has_no_mark_that_does_not_occur() -> None:
    assert legend(Atlas(("mse",), ("identity",), CELLS[:1])) == [
        "=     1  dJ/dz = h - y",
        "      1  cells: 1 losses, 1 activations",
    ]


class _Reader(HTMLParser):
    """Tags in their order, text, and titles."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.texts: list[str] = []
        self.titles: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.titles += [value or "" for name, value in attrs if name == "title"]
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(text: str) -> _Reader:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_html() -> None:
    found = read(html(ATLAS))
    assert found.titles == [
        "mse-identity: dJ/dz = h - y",
        "mse-softmax: not of that shape",
        "mse-tanh: g (h - y); factor 1 - h^2",
        "cce-identity: no pair: the activation leaves the domain of the loss; 0 < h[k] is needed",
        "cce-softmax: dJ/dz = h - y under a condition; sum(k, y[k]) = 1",
        "cce-tanh: undecided; no answer",
    ]
    assert {"mse", "cce", "identity", "softmax", "tanh"} <= set(found.texts)


def test_html_escapes_every_text() -> None:
    bad = "<script>alert('1')</script>\"&"
    cells = [Cell(bad, None, "undecided", bad, bad, (bad,))]
    found = read(html(Atlas([bad], [bad], cells)))
    assert found.seen == {"table", "tr", "th", "td", "p", "code", "br"}
    assert found.texts.count(bad) == 2 and found.titles[0].count(bad) == 4


# ---- the index of proofs/


def test_the_index_of_proofs_links_to_what_is_there() -> None:
    folder = Path(__file__).parents[2] / "proofs"
    text = (folder / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert all((folder / link).exists() for link in links)
    assert {f"certificates/{pair}.json" for pair in shipped()} | {f"latex/{pair}.tex" for pair in shipped()} < {*links}


def test_every_line_of_the_index_has_its_four_cells() -> None:
    proofs = [Proof(stored(pair)) for pair in ("mae-identity", "cce-softmax", "mse-mish", "mse-unitnorm")]
    lines = [line for line in index([entry(p) for p in proofs], 2_000_000).splitlines() if line.startswith("| m")]
    assert len(lines) == 3 and all(len(re.split(r"(?<!\\)\|", line)) == 6 for line in lines)
