"""A proof as its reader sees it: fields, JSON, SymPy, notebook; and the names that the package exports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import sympy
from samples import stored

import derive
from derive.errors import DeriveError
from derive.proof import Proof, slope, undecided
from derive.term import index, item, var


def test_fields_of_a_pair_that_keeps_a_factor() -> None:
    proof = derive.prove("mse-sigmoid")
    assert (proof.answer, proof.kind, proof.delta) == ("no", "residual", "h*(1 - h)*(h - y)")
    assert (proof.factor, proof.conditions) == ("h*(1 - h)", [])
    assert [step.n for step in proof.steps] == list(range(1, len(proof.steps) + 1))
    assert proof.conclusion.statement == "dJ/dz = h*(1 - h)*(h - y)"
    assert proof.sign == "positive" and proof.hessian == "h*(1 - h)*(2*h + 2*h*y - 3*h^2 - y)"
    assert proof.saturation == "as h goes to 0, as h goes to 1"


def test_in_sympy_it_is_an_expression_to_go_on_with() -> None:
    h, y = sympy.symbols("h y", real=True)
    assert sympy.expand(derive.prove("mse-sigmoid").to_sympy() - h * (1 - h) * (h - y)) == 0


def test_json_without_steps_is_the_same_object() -> None:
    proof = derive.prove("cce-softmax")
    full, row = proof.to_json(), proof.to_json(steps=False)
    assert {name: full[name] for name in row} == row and set(full) - set(row) == {"steps"}
    assert json.loads(json.dumps(full)) == full
    assert set(undecided("x", "why")) == set(full)


def test_json_of_a_pair_with_pieces() -> None:
    found = derive.prove("mse-relu").to_json()
    assert (found["parameters"], found["domain"], found["conditions"]) == ([], [], [])
    assert found["regions"] == [
        {"where": "z > 0", "delta": "h - y", "factor": None, "kind": "cancels"},
        {"where": "z < 0", "delta": "0", "factor": "0", "kind": "multiple"},
    ]
    sides = {"left": "0", "right": "h - y", "left_where": "z < 0", "right_where": "z > 0"}
    assert found["kinks"] == [{"at": "z = 0", **sides, "subdifferential": None}]
    assert (found["hessian"], found["saturation"]) == ("where(z > 0, 1, 0)", "where z < 0")
    slopes = {(s["statement"], s["where"]) for s in found["steps"]}
    assert {("dh/dz = 1", "z > 0"), ("dh/dz = 0", "z < 0"), ("d2J/dz2 = 1", "z > 0")} <= slopes
    assert any(s["latex"] == r"\frac{\partial h}{\partial z} = 1 \quad (z > 0)" for s in found["steps"])


def test_json_of_parameters_and_discrete_targets() -> None:
    found = derive.prove("focal-sigmoid").to_json()
    assert found["parameters"] == ["alpha > 0", "alpha < 1", "gamma >= 0"]
    assert found["domain"] == ["0 < h", "h < 1", "0 <= y", "y <= 1"]
    assert [region["where"] for region in found["regions"]] == ["y = 0", "y = 1"]
    custom = derive.prover.prove(loss="w*(h - y)^2/2", activation="z", params=["w"]).to_json()
    assert (custom["parameters"], custom["pair"], custom["factor"]) == (["w"], None, "w")
    family = derive.prover.prove(loss="sum(k, w[k]*(h[k] - y[k])^2)", activation="z[k]", params=["w[k]"])
    assert family.parameters == ["w[k]"]


@pytest.mark.parametrize(
    ("pair", "where", "delta"),
    [
        ("huber-sigmoid", "d < h - y", "d*h*(1 - h)"),
        ("huber-sigmoid", "d > h - y and d > y - h", "h*(1 - h)*(h - y)"),
        ("mse-hardtanh", "z < -1", "0"),
    ],
)
def test_a_region_is_given_briefly(pair: str, where: str, delta: str) -> None:
    found = {region["where"]: region["delta"] for region in derive.prover.prove(pair).to_json()["regions"]}
    assert found[where] == delta


def test_the_conclusion_is_no_second_derivative_and_no_case() -> None:
    for pair in ("mse-relu", "focal-sigmoid", "cce-softmax", "huber-identity"):
        proof = derive.prover.prove(pair)
        assert proof.conclusion.left == proof.target
        assert not proof.conclusion.where or proof.conclusion.rule == "condition"


@pytest.mark.parametrize("average", [False, True])
def test_a_notebook_shows_latex(average: bool) -> None:
    proof = derive.prove("bce-sigmoid", average=average)
    shown = proof._repr_latex_()
    assert shown.startswith("$$\\begin{aligned}") and shown.endswith("\\end{aligned}$$")
    assert proof.to_latex() in shown
    assert "bce-sigmoid" in repr(proof)


def test_fresh_is_the_same_proof() -> None:
    fresh, stored = derive.prove("mse-tanh", fresh=True), derive.prove("mse-tanh")
    assert isinstance(fresh, Proof) and fresh.to_json() == stored.to_json()


def test_slopes_in_the_plain_language() -> None:
    i, j = index("i", "m"), index("j")
    assert slope(var("J"), item("z", j)) == "dJ/dz_j"
    assert slope(var("J"), item("z", i, j)) == "dJ/dz[i, j]"
    assert slope(var("h"), var("z")) == "dh/dz"
    assert slope(var("J"), var("z"), 2) == "d2J/dz2"
    assert slope(var("J"), item("z", j), 2) == "d2J/dz_j2"


def test_a_proof_is_saved_by_the_suffix(tmp_path: Path) -> None:
    proof = Proof(stored("mse-sigmoid"))
    for suffix, start in {"pdf": b"%PDF", "tex": b"\\documentclass", "html": b"<!doctype", "md": b"# mse"}.items():
        proof.save(str(tmp_path / f"a.{suffix}"))
        assert (tmp_path / f"a.{suffix}").read_bytes().startswith(start)
    with pytest.raises(DeriveError, match="must end in"):
        proof.save(str(tmp_path / "a.docx"))


def test_plots_of_proofs_in_a_notebook(tmp_path: Path) -> None:
    proof = Proof(stored("mse-sigmoid"))
    own, both = proof.plot(), derive.plot("bce-sigmoid", proof)
    assert own._repr_png_().startswith(b"\x89PNG") and own._repr_png_() != both._repr_png_()
    labels = [line.get_label() for line in both.figure.axes[0].lines if not line.get_label().startswith("_")]
    assert [label.partition(",")[0] for label in labels] == ["bce-sigmoid"] * 2 + ["mse-sigmoid"] * 2
    proof.plot("factor").save(str(tmp_path / "a.svg"))
    assert (tmp_path / "a.svg").read_bytes().startswith(b"<?xml")
    with pytest.raises(DeriveError, match="no plot is called"):
        proof.plot("gradient")


def test_the_package_exports() -> None:
    assert "bce-sigmoid" in derive.pairs()
    assert derive.prover.prove("bce-sigmoid").answer == "yes"
    with pytest.raises(DeriveError):
        derive.prove("no-such-pair")
    with pytest.raises(AttributeError):
        derive.no_such_name  # noqa: B018


def test_proving_a_shipped_pair_loads_no_sympy() -> None:
    program = "import sys, derive; derive.prove('cce-softmax').to_json(); sys.exit('sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
