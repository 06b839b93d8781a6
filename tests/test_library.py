"""The pairs by name: what is shipped, what is derived afresh, and what an unknown name is answered."""

from __future__ import annotations

import subprocess
import sys

import pytest

import derive
from derive import library, prover
from derive.certificate import dumps, shipped
from derive.errors import DeriveError, UnknownName
from derive.library import load_proof


def refusal(pair: str) -> str:
    with pytest.raises(UnknownName) as caught:
        load_proof(pair)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_shipped_pairs_are_those_of_the_prover() -> None:
    assert derive.pairs() == list(shipped()) == sorted(prover.pairs())


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("pair", derive.pairs())
def test_every_pair_loads(pair: str, average: bool) -> None:
    proof = load_proof(pair, average)
    assert (proof.pair, proof.average) == (pair, average)
    assert proof.steps[-1].theorem.conclusion == proof.checked.theorems[-1].conclusion


@pytest.mark.parametrize("average", [False, True])
def test_fresh_is_the_shipped_one(average: bool) -> None:
    fresh, stored = load_proof("cce-softmax", average, fresh=True), load_proof("cce-softmax", average)
    assert dumps(fresh.checked) == dumps(stored.checked)


def test_the_package_gives_the_same_proof() -> None:
    proof = derive.prove("bce-sigmoid")
    assert (proof.answer, proof.kind, proof.delta, proof.factor, proof.conditions) == (
        "yes",
        "cancels",
        "h - y",
        None,
        [],
    )
    assert dumps(derive.prove("bce-sigmoid", average=True, fresh=True).checked) == dumps(
        load_proof("bce-sigmoid", True).checked
    )


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("bce-sigmod", "bce-sigmoid"),
        ("bce_sigmoid", "bce-sigmoid"),
        ("bcesigmoid", "bce-sigmoid"),
        ("BCE-sigmoid", "bce-sigmoid"),
        ("cce-softmx", "cce-softmax"),
        ("ce-softmax", "cce-softmax"),
        ("mse-identiy", "mse-identity"),
        ("mse-linear", "mse-identity"),
        ("poison-exp", "poisson-exp"),
    ],
)
def test_a_typo_is_answered_by_the_nearest_pair(typed: str, meant: str) -> None:
    message = refusal(typed)
    assert message.startswith(f"no pair is called {typed!r}; ")
    if typed != "mse-linear":
        assert f"did you mean {meant}?" in message
    assert "derive list" in message


@pytest.mark.parametrize("typed", ["", "-", "xyzzy", "%s%d{}", "../../etc/passwd", "q" * 10_000])
def test_a_name_like_no_other_is_told_how_pairs_are_written(typed: str) -> None:
    message = refusal(typed)
    assert "pairs are written <loss>-<activation>" in message
    assert "derive list" in message


@pytest.mark.parametrize("typed", ["bce\nsigmoid", "bce-\x1b[31msigmoid", "bce-sigmoid\0", "bcé-sigmoid", "\ud800"])
def test_control_characters_of_a_name_do_not_reach_the_terminal(typed: str) -> None:
    message = refusal(typed)
    assert all(character.isprintable() for character in message)


@pytest.mark.parametrize(
    ("pair", "needed", "point"),
    [
        ("bce-tanh", "0 < h", "h = 0 at z = 0"),
        ("bce-identity", "0 < h", "h = 0 at z = 0"),
        ("bce-exp", "h < 1", "h = 1.000 at z = 0"),
        ("bce-softplus", "h < 1", "h = 1.313 at z = 1"),
        ("cce-identity", "0 < h[k]", "h = 0"),
        ("cce-tanh", "0 < h[k]", "h = 0"),
        ("poisson-identity", "0 < h", "h = 0 at z = 0"),
        ("poisson-tanh", "0 < h", "h = 0 at z = 0"),
    ],
)
@pytest.mark.parametrize("fresh", [False, True])
def test_an_inadmissible_pair_is_explained(pair: str, needed: str, point: str, fresh: bool) -> None:
    with pytest.raises(UnknownName) as caught:
        load_proof(pair, fresh=fresh)
    message = str(caught.value)
    assert message.startswith(f"{pair} is no pair: {needed} is needed, and {point}")
    assert message.endswith("'derive list' shows the pairs")


def test_an_unknown_pair_is_a_derive_error_of_the_package() -> None:
    with pytest.raises(DeriveError):
        derive.prove("nothing")


def test_a_file_that_is_gone_is_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "shipped", lambda: iter(("bce-sigmoid",)))
    assert "did you mean bce-sigmoid?" in refusal("bce-sigmoids")
    assert "no pair is called 'cce-softmax'" in refusal("cce-softmax")


def test_loading_a_proof_and_naming_a_typo_need_no_sympy() -> None:
    code = (
        "import sys; from derive.library import load_proof; from derive.errors import UnknownName\n"
        "load_proof('cce-softmax')\n"
        "try: load_proof('cce-softmx')\n"
        "except UnknownName: pass\n"
        "sys.exit('sympy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
