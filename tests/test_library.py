"""The pairs by name: what is shipped, what is derived afresh, and what an unknown name is answered."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import sympy

import derive
from derive import catalogue, library, prover
from derive.activations import ACTIVATIONS, ALIASES
from derive.certificate import dumps, folder, shipped
from derive.errors import CertificateError, DeriveError, KernelError, SyntaxProblem, UnknownName
from derive.library import derived, index, load_proof
from derive.losses import LOSSES

SAMPLE = ("bce-sigmoid", "cce-softmax", "huber-relu", "mse-softsign", "tweedie-power")


def refusal(pair: str) -> str:
    with pytest.raises(UnknownName) as caught:
        load_proof(pair)
    message = str(caught.value)
    assert "\n" not in message
    return message


# ---- what is shipped -----------------------------------------------------------------------------------


def test_every_cell_is_shipped_as_a_pair_or_as_none() -> None:
    pairs, reasons = list(shipped()), index().reasons
    assert derive.pairs() == pairs
    assert sorted((*pairs, *reasons)) == sorted(f"{a}-{b}" for a in LOSSES for b in ACTIVATIONS)


def test_the_index_is_that_of_the_catalogue() -> None:
    found = index()
    assert (found.losses, found.activations, found.aliases) == (tuple(LOSSES), tuple(ACTIVATIONS), ALIASES)


@pytest.mark.parametrize("pair", ["bce-identity", "cce-tanh", "msle-logsoftmax", "dice-exp"])
def test_the_reasons_are_those_of_the_catalogue(pair: str) -> None:
    assert index().reasons[pair] == catalogue.why_inadmissible(pair)


def test_what_is_written_as_the_index_is_read_as_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    cells = [("mse-identity", None), ("bce-identity", "0 < h is needed")]
    monkeypatch.setattr(catalogue, "cells", lambda: iter(cells))
    monkeypatch.setattr(library, "folder", lambda: tmp_path / "certificates")
    (tmp_path / library.INDEX).write_text(library.written_index(), encoding="ascii")
    assert index.__wrapped__() == library.axes()._replace(reasons={"bce-identity": "0 < h is needed"})


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"losses": [], "activations": [], "aliases": {}, "cells": [1]}']
)
def test_a_damaged_index_is_named(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(library, "folder", lambda: tmp_path / "certificates")
    with pytest.raises(CertificateError, match="is missing"):
        index.__wrapped__()
    (tmp_path / library.INDEX).write_text(text)
    with pytest.raises(CertificateError, match=library.INDEX):
        index.__wrapped__()


@pytest.mark.parametrize("pair", SAMPLE)
def test_a_pair_loads(pair: str) -> None:
    proof = load_proof(pair)
    assert (proof.pair, proof.average) == (pair, False)
    assert proof.steps[-1].theorem.conclusion == proof.checked.theorems[-1].conclusion


@pytest.mark.parametrize("pair", SAMPLE)
def test_fresh_is_the_shipped_one(pair: str) -> None:
    assert dumps(load_proof(pair, fresh=True).checked) == dumps(load_proof(pair).checked)


@pytest.mark.parametrize("timeout", [None, 60])
def test_an_average_is_derived_on_demand(timeout: float | None) -> None:
    assert not (folder() / "bce-sigmoid.average.json").exists()
    proof = load_proof("bce-sigmoid", average=True, timeout=timeout)
    assert (proof.pair, proof.average, proof.kind, proof.factor) == ("bce-sigmoid", True, "multiple", "1/m")


# ---- in Python -----------------------------------------------------------------------------------------


def test_the_package_gives_the_same_proof() -> None:
    proof = derive.prove("bce-sigmoid")
    assert (proof.answer, proof.kind, proof.delta, proof.factor, proof.conditions) == (
        "yes",
        "cancels",
        "h - y",
        None,
        [],
    )
    assert dumps(derive.prove("bce-sigmoid", fresh=True).checked) == dumps(proof.checked)


h, y, z, w = sympy.symbols("h y z w")
H, Y, W = (sympy.IndexedBase(name) for name in "hyw")
k, K = sympy.Symbol("k", integer=True), sympy.Symbol("K", integer=True, positive=True)


@pytest.mark.parametrize("timeout", [None, 60])
@pytest.mark.parametrize(
    ("loss", "activation", "params", "assume", "delta"),
    [
        ("(h - y)^2/2", "tanh(z)", [], [], "(1 - h^2)*(h - y)"),
        ("bce", "sigmoid", [], [], "h - y"),
        ("y/h + log(h)", "-1/z", [], ["z < 0"], "h - y"),
        ("w*(h - y)^2/2", "z", ["w > 0"], [], "w*(h - y)"),
        ((h - y) ** 2 / 2, sympy.tanh(z), [], [], "(1 - h^2)*(h - y)"),
        (w * (h - y) ** 2 / 2, "z", [], [], "w*(h - y)"),
        (w * (h - y) ** 2 / 2, z, ["w > 0"], [], "w*(h - y)"),
        (sympy.Sum(W[k] * (H[k] - Y[k]) ** 2 / 2, (k, 1, K)), z, [], [], "w[j]*(h[j] - y[j])"),
    ],
)
def test_a_pair_of_the_user(
    loss: Any, activation: Any, params: list[str], assume: list[str], delta: str, timeout: float | None
) -> None:
    proof = derive.prove(loss=loss, activation=activation, params=params, assume=assume, timeout=timeout)
    assert (proof.pair, proof.delta) == (None, delta)


@pytest.mark.parametrize(
    "arguments",
    [
        {"pair": "bce-sigmoid", "loss": "h"},
        {"pair": "bce-sigmoid", "params": ["w"]},
        {"loss": "h"},
        {"activation": "z"},
        {},
    ],
)
def test_a_pair_or_both_halves(arguments: dict[str, Any]) -> None:
    with pytest.raises(DeriveError, match="a loss and an activation"):
        derive.prove(**arguments)


@pytest.mark.parametrize("timeout", [None, 60])
def test_bad_text_is_an_error_with_a_column(timeout: float | None) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        derive.prove(loss="h +* y", activation="z", timeout=timeout)
    assert caught.value.column == 4


@pytest.mark.parametrize("fault", [RecursionError("too deep"), KernelError("no proof was found"), ValueError("a flaw")])
def test_a_search_that_fails_is_no_verdict(fault: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def search(**request: Any) -> None:
        raise fault

    monkeypatch.setattr(prover, "prove", search)
    with pytest.raises(KernelError, match=str(fault)):
        derived({"pair": "bce-sigmoid"})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [(lambda text: text.replace("h - y", "h + y"), "does not hold"), (lambda text: text, "another pair")],
)
def test_a_proof_from_another_process_is_not_believed(
    change: Any, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from derive import worker

    text = dumps(load_proof("bce-sigmoid").checked)
    monkeypatch.setattr(worker, "bounded", lambda *_: change(text))
    with pytest.raises(KernelError, match=complaint):
        derived({"pair": "mse-identity"}, 10)


def test_the_package_matches() -> None:
    found = derive.match("tanh")
    assert found.exists and found.convex and found.loss == "log(cosh(z)) - y*z"


def test_unknown_attributes_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        derive.nothing  # noqa: B018


# ---- names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("mse-linear", "mse-identity"),
        ("mse-swish", "mse-silu"),
        ("bce-logistic-unit", "bce-sigmoid"),
        ("mbce-logistic-unit", "mbce-sigmoid"),
    ],
)
def test_another_name_of_an_activation(typed: str, meant: str) -> None:
    assert load_proof(typed).pair == meant
    assert load_proof(typed, fresh=True).pair == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("bce-sigmod", "bce-sigmoid"),
        ("bce_sigmoid", "bce-sigmoid"),
        ("bcesigmoid", "bce-sigmoid"),
        ("BCE-Sigmoid", "bce-sigmoid"),
        ("cce-softmx", "cce-softmax"),
        ("CCE-SOFTMAXT", "cce-softmaxT"),
        ("ce-softmax", "cce-softmax"),
        ("mse-identiy", "mse-identity"),
        ("poison-exp", "poisson-exp"),
    ],
)
def test_a_typo_is_answered_by_the_nearest_pair(typed: str, meant: str) -> None:
    message = refusal(typed)
    assert message.startswith(f"no pair is called {typed!r}; ")
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
        ("gamma-identity", "0 < h", "h = 0 at z = 0"),
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


def test_an_inadmissible_pair_by_another_name() -> None:
    assert refusal("bce-linear").startswith("bce-identity is no pair: ")


@pytest.mark.parametrize(
    ("loss", "activation", "losses", "activations"),
    [
        (None, None, tuple(LOSSES), tuple(ACTIVATIONS)),
        ("bce", None, ("bce",), tuple(ACTIVATIONS)),
        (None, "swish", tuple(LOSSES), ("silu",)),
        ("mse", "logistic-unit", ("mse",), ("sigmoid",)),
    ],
)
def test_rows_and_columns(
    loss: str | None, activation: str | None, losses: tuple[str, ...], activations: tuple[str, ...]
) -> None:
    found = library.chosen(index(), loss, activation)
    assert (found.losses, found.activations) == (losses, activations)


@pytest.mark.parametrize(
    ("loss", "activation", "words"),
    [
        ("BCE", None, "no loss is called 'BCE'; did you mean bce?"),
        ("", None, "the catalogue has mse, sse"),
        (None, "sigmod", "no activation is called 'sigmod'; did you mean sigmoid?"),
        (None, "swsh", "did you mean swish?"),
        (None, "qqq", "the catalogue has identity, sigmoid"),
    ],
)
def test_a_slug_that_is_none(loss: str | None, activation: str | None, words: str) -> None:
    with pytest.raises(UnknownName) as caught:
        library.chosen(index(), loss, activation)
    assert words in str(caught.value)


def test_an_unknown_pair_is_a_derive_error_of_the_package() -> None:
    with pytest.raises(DeriveError):
        derive.prove("nothing")


def test_a_file_that_is_gone_is_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "shipped", lambda: iter(("bce-sigmoid",)))
    assert "did you mean bce-sigmoid?" in refusal("bce-sigmoids")
    assert "no pair is called 'cce-softmax'" in refusal("cce-softmax")


def test_names_need_no_sympy() -> None:
    code = (
        "import sys; from derive.library import load_proof; from derive.errors import UnknownName\n"
        "load_proof('cce-softmax')\n"
        "load_proof('mse-linear')\n"
        "for name in ('cce-softmx', 'bce-identity'):\n"
        "    try: load_proof(name)\n"
        "    except UnknownName: pass\n"
        "sys.exit('sympy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_index_is_small_and_plain() -> None:
    text = (folder().parent / library.INDEX).read_text(encoding="ascii")
    assert json.loads(text)["aliases"] == ALIASES
