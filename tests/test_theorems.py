"""The theorems about any function: they hold, their mutants do not, and their instances are pairs of the catalogue."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from derive.certificate import folder, load
from derive.chains import Chain, Line, Move, Run, Setting, Statement, Writer, put_in, read_chain, write_chain
from derive.errors import CertificateError, DeriveError, KernelError, UnknownName
from derive.kernel import Derivative, Theory
from derive.laws import ABSTRACT
from derive.matching import match
from derive.proof import Proof
from derive.syntax import Symbols, parse, plain
from derive.term import ZERO, Term, item, index, var
from derive.theorems import THEOREMS, Corollary, Theorem, dumps, loads, names, pieces, theorem

STORED = Path(__file__).parent.parent / "proofs" / "theorems"
SCALAR, VECTOR = (Setting(None, ZERO, is_vector).symbols for is_vector in (False, True))
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module", params=names())
def found(request: pytest.FixtureRequest) -> Theorem:
    return theorem(request.param)


# ---- what is stated ------------------------------------------------------------------------------------------

STATED = {
    "matching-loss": ["dJ/dz = h - y", "d2J/dz2 = F''(z)", "L'(h) = (h - y)/F''(z) if F''(z) != 0"],
    "matching-loss-vector": ["dJ/dz_j = h[j] - y[j]", "dh_k/dz_j - dh_j/dz_k = 0"],
    "canonical-link": [
        "dJ/dz = (h - y)*psi'(z)/s if s != 0",
        "dJ/dz = (h - y)*g'(z)/(s*A''(psi(z))) if s != 0, A''(psi(z)) != 0",
    ],
    "proper-composite": ["dJ/dh = (h - y)*w(h)", "dJ/dz = (h - y)*w(h)/psi'(h) if psi'(h) != 0"],
    "bregman": ["dJ/dh = F''(h)*(h - y)", "dJ/dz = F''(h)*g'(z)*(h - y)"],
    "fenchel-young": ["dJ/dz = h - y", "d2J/dz2 = G''(z)"],
}
ASSUMED = {
    "matching-loss": ["L(h) = F(z) - y*z"],
    "canonical-link": ["h = g(z)"],
    "proper-composite": ["L1'(h) = -(1 - h)*w(h)", "L0'(h) = h*w(h)", "psi(h) = z"],
}


def test_the_theorem_is_the_one_of_the_sources(found: Theorem) -> None:
    assert found.chain.statement == "; ".join(STATED[found.name])
    assert [plain(r) for r in found.chain.identities] == ASSUMED.get(found.name, [])


def test_nothing_is_assumed_in_silence(found: Theorem) -> None:
    """Every equation that a theorem of the kernel rests on is said, or follows from one that is said."""
    for line, fact in zip(found.chain.lines, found.chain.facts, strict=True):
        equations = [h for h in fact.theorem.hypotheses if h.args[0] == "="] if fact.theorem else []
        assert len(equations) <= sum(e.rule in ("assume", "both-sides") for e in found.chain.lines)
        assert (fact.theorem is None) == (line.rule == "assume")


def test_cited_remarks_are_no_steps(found: Theorem) -> None:
    said = found.to_json()
    assert [remark["checked"] for remark in said["cited"]] == [False] * len(found.cited) and found.cited
    assert [step["checked"] for step in said["steps"]] == [line.rule != "assume" for line in found.chain.lines]


def test_json_has_the_fields_of_the_command(found: Theorem) -> None:
    said = json.loads(json.dumps(found.to_json()))
    assert list(said) == [
        *("schema", "theorem", "title", "statement", "loss", "activation", "assumptions", "steps"),
        *("cited", "instances", "source"),
    ]
    assert said["schema"] == "derive/1" and said["theorem"] == found.name and said["source"]
    for n, step in enumerate(said["steps"], 1):
        assert list(step) == ["n", "rule", "statement", "latex", "checked"] and step["n"] == n
    assert len(said["instances"]) >= 2
    assert all(i["loss"] is None or parse(i["loss"], VECTOR if "[" in i["activation"] else SCALAR) for i in said["instances"])


def test_functions_are_as_smooth_as_their_primes() -> None:
    said = theorem("matching-loss").to_json()["assumptions"]
    assert said[:2] == ["F is any twice differentiable function", "L is any differentiable function"]
    assert "w is any function" in theorem("proper-composite").to_json()["assumptions"]


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean bregman"):
        theorem("Bregmann")
    with pytest.raises(UnknownName, match="matching-loss, matching-loss-vector"):
        theorem("q")


def test_sympy_is_not_needed() -> None:
    program = (
        "import sys\nfrom derive.theorems import names, theorem, dumps, loads\n"
        "for n in names():\n    loads(dumps(theorem(n))).to_json()\nprint('sympy' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert run.stdout.strip() == "False"


def test_a_theorem_shows_itself_in_a_notebook() -> None:
    assert theorem("bregman")._repr_latex_().startswith("$$\\begin{aligned}\nJ &= ")


# ---- what is not true is refused -----------------------------------------------------------------------------


def mutants() -> Iterator[Any]:
    for name, entry in THEOREMS.items():
        statement = entry.statement
        for n, move in enumerate(statement.moves):
            for wrong in _mutated(move.value):
                moves = (*statement.moves[:n], move._replace(value=wrong), *statement.moves[n + 1 :])
                yield pytest.param(statement._replace(moves=moves), id=f"{name}-{n + 1}: {wrong}")
        for wrong in _without_primes(statement.activation):
            yield pytest.param(statement._replace(activation=wrong), id=f"{name}: h = {wrong}")
        for wrong in _without_primes(statement.loss):
            yield pytest.param(statement._replace(loss=wrong), id=f"{name}: J = {wrong}")
        yield pytest.param(statement._replace(loss=f"-({statement.loss})"), id=f"{name}: -J")


def _mutated(value: str) -> list[str]:
    """A wrong sign, factor or summand, and a prime that is dropped or added."""
    if not value:
        return []
    signs = [] if value == "0" else [f"-({value})", f"2*({value})"]
    return [*signs, f"({value}) + 1", *_without_primes(value), *[value.replace("'(", "''(", 1)] * ("'(" in value)]


def _without_primes(text: str) -> list[str]:
    return [text[:n] + text[n + 1 :] for n, c in enumerate(text) if c == "'"]


@pytest.mark.parametrize("statement", mutants())
def test_a_mutated_statement_is_refused(statement: Statement) -> None:
    with pytest.raises(KernelError, match="no proof of step"):
        Writer(statement, {}).chain()


def test_functions_that_do_not_fit_the_assumptions_are_refused() -> None:
    """The link that is no inverse of g, a weight of another loss, and a mean that is not A'."""
    composite = {"L1": "-log(x)", "L0": "-log(1 - x)", "w": "1/(x*(1 - x))", "psi": "log(x/(1 - x))", "g": "sigmoid(x)"}
    Writer(THEOREMS["proper-composite"].statement, composite).chain()
    for wrong in ({"g": "Phi(x)"}, {"w": "2"}, {"L0": "x^2"}, {"psi": "log(x)"}):
        with pytest.raises(KernelError, match="no proof of step"):
            chain = Writer(THEOREMS["proper-composite"].statement, composite | wrong).chain()
            assert chain.identities, "what is false of known functions may be assumed, not proved"
            raise KernelError("no proof of step: assumed instead")
    with pytest.raises(KernelError, match="no proof of step"):
        Writer(THEOREMS["canonical-link"].statement, {"A": "exp(x)", "psi": "x", "g": "x"}).chain()
