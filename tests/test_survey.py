"""The atlas: every cell once, what it says, and where it is from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import derive
from derive import survey as module
from derive.activations import ACTIVATIONS
from derive.certificate import file_name, folder, load, shipped
from derive.errors import CertificateError, UnknownName
from derive.losses import LOSSES
from derive.proof import Proof
from derive.survey import Atlas, Cell, checked, stored, survey

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    found = derive.atlas()
    assert isinstance(found, Atlas)
    return found


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three certificates, in place of the shipped ones."""
    for pair in ("bce-sigmoid", "mse-identity", "mse-tanh"):
        (tmp_path / file_name(pair, False)).write_bytes((folder() / file_name(pair, False)).read_bytes())
    monkeypatch.setattr(module, "folder", lambda: tmp_path)
    monkeypatch.setattr(module, "shipped", lambda: iter(sorted(p.stem for p in tmp_path.glob("*.json"))))
    return tmp_path


def test_every_cell_is_there_once(atlas: Atlas) -> None:
    assert (atlas.losses, atlas.activations) == (tuple(LOSSES), tuple(ACTIVATIONS))
    assert [cell.pair for cell in atlas.cells] == [f"{a}-{b}" for a in LOSSES for b in ACTIVATIONS]
    assert [cell.pair for cell in atlas.cells if cell.why is None] == [
        f"{a}-{b}" for a in LOSSES for b in ACTIVATIONS if f"{a}-{b}" in set(shipped())
    ]


def test_rows_are_losses(atlas: Atlas) -> None:
    for loss, cells in atlas.rows():
        assert [cell.pair for cell in cells] == [f"{loss}-{activation}" for activation in ACTIVATIONS]


def test_counts_are_of_all_cells(atlas: Atlas) -> None:
    assert sum(atlas.counts().values()) == len(atlas.cells) == 35 * 31
    assert atlas.counts()["undecided"] == 0


@pytest.mark.parametrize(
    ("pair", "label", "answer", "factor"),
    [
        ("bce-sigmoid", "cancels", "yes", None),
        ("cce-softmax", "conditional", "yes", None),
        ("sse-identity", "multiple", "no", "2"),
        ("mse-sigmoid", "residual", "no", "h*(1 - h)"),
        ("cce-sigmoid", "other", "no", None),
    ],
)
def test_cells_say_what_the_proofs_say(atlas: Atlas, pair: str, label: str, answer: str, factor: str | None) -> None:
    cell = next(cell for cell in atlas.cells if cell.pair == pair)
    proof = Proof(load(pair))
    assert (cell.label, cell.answer, cell.factor, cell.why) == (label, answer, factor, None)
    assert (cell.kind, cell.answer, cell.factor) == (proof.kind, proof.answer, proof.factor)


def test_a_cell_that_is_no_pair_says_why(atlas: Atlas) -> None:
    cell = next(cell for cell in atlas.cells if cell.pair == "bce-identity")
    assert cell == Cell("bce-identity", why="0 < h is needed, and h = 0 at z = 0")
    assert cell.label == "none"


def test_json(atlas: Atlas) -> None:
    found = atlas.to_json()
    assert set(found) == {"losses", "activations", "cells"}
    assert found["cells"][0] == {
        "pair": "mse-identity",
        "kind": "cancels",
        "answer": "yes",
        "factor": None,
        "why": None,
    }


def test_what_it_shows_in_a_session(atlas: Atlas) -> None:
    assert repr(atlas).startswith("<Atlas of 35 losses and 31 activations: ")
    assert atlas._repr_html_().startswith("<table")


@pytest.mark.parametrize(
    ("cell", "label"),
    [
        (Cell("a-b"), "none"),
        (Cell("a-b", None, "undecided", None, "no answer"), "undecided"),
        (Cell("a-b", None, "no"), "open"),
        (Cell("a-b", "residual", "no", "h", None, ("h != y",)), "residual"),
        (Cell("a-b", "cancels", "yes", None, None, ("y = 1",)), "conditional"),
    ],
)
def test_labels(cell: Cell, label: str) -> None:
    assert cell.label == label


def test_one_row_and_one_column() -> None:
    row, column = survey(loss="bce"), survey(activation="linear")
    assert (row.losses, len(row.cells)) == (("bce",), len(ACTIVATIONS))
    assert (column.activations, len(column.cells)) == (("identity",), len(LOSSES))
    with pytest.raises(UnknownName, match="did you mean mse"):
        survey(loss="mses")


def test_afresh_is_what_is_stored() -> None:
    assert survey("poisson", fresh=True, jobs=2).to_json() == survey("poisson").to_json()


def test_a_search_that_fails_is_an_undecided_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.01)
    (cell,) = survey("mse", "tanh", fresh=True).cells
    assert cell.label == "undecided" and cell.why is not None and cell.why.startswith("no answer within 0.01 s")


def test_a_pair_without_a_certificate_is_undecided(copies: Path) -> None:
    (cell,) = survey("mse", "sigmoid").cells
    assert cell == Cell("mse-sigmoid", None, "undecided", None, "no certificate is shipped")


def test_who_watches_sees_every_answer() -> None:
    seen: list[Any] = []

    def watch(answers: Any, total: int) -> Any:
        for answer in answers:
            seen.append((answer["pair"], total))
            yield answer

    survey("poisson", "exp", watch=watch)
    assert seen == [("poisson-exp", 1)]


# ---- certificates ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "activation", "kind", "pairs"),
    [
        (None, None, None, ["bce-sigmoid", "mse-identity", "mse-tanh"]),
        ("mse", None, None, ["mse-identity", "mse-tanh"]),
        (None, "linear", None, ["mse-identity"]),
        (None, None, "cancels", ["bce-sigmoid", "mse-identity"]),
        ("mse", None, "residual", ["mse-tanh"]),
        ("bce", "tanh", None, []),
    ],
)
def test_stored_pairs(
    copies: Path, loss: str | None, activation: str | None, kind: str | None, pairs: list[str]
) -> None:
    assert stored(loss, activation, kind) == pairs


def test_rows_of_certificates(copies: Path) -> None:
    rows = list(checked(["bce-sigmoid", "mse-tanh"], 1))
    assert rows == [Proof(load(pair)).to_json(steps=False) for pair in ("bce-sigmoid", "mse-tanh")]


def test_a_damaged_certificate_is_named_whatever_it_says(copies: Path) -> None:
    (copies / "mse-tanh.json").write_text("{")
    assert stored(kind="multiple") == ["mse-tanh"]
    with pytest.raises(CertificateError, match="the certificate of mse-tanh does not hold: not JSON"):
        list(checked(stored(kind="multiple")))
    with pytest.raises(CertificateError, match="mse-tanh"):
        survey("mse")


def test_a_certificate_under_another_name_is_refused(copies: Path) -> None:
    (copies / "mse-tanh.json").write_bytes((copies / "mse-identity.json").read_bytes())
    with pytest.raises(CertificateError, match=r"mse-tanh\.json is the certificate of another pair"):
        list(checked(["mse-tanh"]))


def test_a_certificate_that_is_gone(copies: Path) -> None:
    with pytest.raises(CertificateError, match="no certificate is shipped for mse-exp"):
        list(checked(["mse-exp"]))


def test_the_atlas_needs_no_sympy() -> None:
    code = "import sys, derive; repr(derive.atlas('bce')); sys.exit('sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
