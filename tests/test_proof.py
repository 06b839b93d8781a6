"""A proof as its reader sees it: fields, JSON, SymPy, notebook; and the names that the package exports."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import sympy

import derive
from derive.errors import DeriveError
from derive.proof import Proof, slope, undecided
from derive.term import index, item, var


def test_fields_of_a_pair_that_keeps_a_factor() -> None:
    proof = derive.prove("mse-sigmoid")
    assert (proof.answer, proof.kind, proof.delta) == ("no", "residual", "h*(1 - h)*(h - y)")
    assert (proof.factor, proof.conditions) == ("h*(1 - h)", [])
    assert [step.n for step in proof.steps] == list(range(1, len(proof.steps) + 1))
    assert proof.steps[-1].statement == "dJ/dz = h*(1 - h)*(h - y)"


def test_in_sympy_it_is_an_expression_to_go_on_with() -> None:
    h, y = sympy.symbols("h y", real=True)
    assert sympy.expand(derive.prove("mse-sigmoid").to_sympy() - h * (1 - h) * (h - y)) == 0


def test_json_without_steps_is_the_same_object() -> None:
    proof = derive.prove("cce-softmax")
    full, row = proof.to_json(), proof.to_json(steps=False)
    assert {name: full[name] for name in row} == row and set(full) - set(row) == {"steps"}
    assert json.loads(json.dumps(full)) == full
    assert set(undecided("x", "why")) == set(full)


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
