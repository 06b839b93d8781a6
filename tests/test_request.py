"""What a user asks about as a statement: conditions in one orientation, names that are declared, one reader for all."""

from __future__ import annotations

from typing import Any

import pytest
import sympy

from derive import balls, prover
from derive.errors import DeriveError
from derive.request import Half, declared, given, half, oriented
from derive.syntax import Symbols, parse, plain
from derive.term import ONE, Term, var

NAMES = Symbols(frozenset("hyzd"), {}, {})


def where(condition: str) -> Term:
    return parse(f"where({condition}, 1, 0)", NAMES)


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        ("0 > 1 - y*h", "y*h > 1"),
        ("1 - h*y >= 0", "h*y <= 1"),
        ("0 < z", "z > 0"),
        ("2 >= z", "z <= 2"),
        ("z + 1/2 > 3", "z > 5/2"),
        ("1 - z <= 3/2", "z >= -1/2"),
        ("z > 0", "z > 0"),
        ("|h - y| < d", "abs(h - y) < d"),
        ("h - y > 0", "h - y > 0"),
        ("1 - 2 < 0", "0 < 1"),
    ],
)
def test_conditions_have_what_varies_on_the_left(condition: str, shown: str) -> None:
    assert plain(oriented(where(condition))) == f"where({shown}, 1, 0)"


@pytest.mark.parametrize("condition", ["0 > 1 - y*h", "1 >= h", "0 <= z - 1 + y", "3 - z - 2 > y", "1 - z > 0"])
def test_an_oriented_condition_says_the_same(condition: str) -> None:
    """Balls, at points on both sides and at the border."""
    term = where(condition)
    for n in range(-4, 5):
        point = balls.Point({("h", ()): n, ("y", ()): 1, ("z", ()): n}, {}, {})
        assert [certain(t, point) for t in (term.args[0], oriented(term).args[0])] in ([True] * 2, [False] * 2)


def certain(relation: Term, point: balls.Point) -> bool:
    return balls.certainly_holds(relation, point, {})


def test_pieces_of_a_loss_of_ones_own_are_named_as_people_do() -> None:
    proof = prover.prove(loss="max(0, 1 - y*h)", activation="z")
    assert [plain(r) for region in proof.regions for r in region.where] == ["y*h > 1", "y*h < 1"]
    assert [plain(k.at) for k in proof.kinks] == ["y*h = 1"]
    assert oriented(var("z")) == var("z") and oriented(ONE) == ONE


# ---- one reader for prove and for match ----------------------------------------------------------------------


def test_text_and_sympy_are_read_alike() -> None:
    z, w, k = sympy.IndexedBase("z"), sympy.IndexedBase("w"), sympy.Symbol("n", integer=True)
    names = declared(["w[k] > 0"])
    assert half(sympy.exp(w[k] * z[k]), "activation", {}) == half("exp(w[i]*z[i])", "activation", names)
    found = half("exp(w[i]*z[i])", "activation", names)
    assert found.is_vector and found.names == {"w": True} and plain(found.term) == "exp(w[k]*z[k])"


def test_a_slug_brings_its_relations_and_its_names() -> None:
    found = half("wbce", "loss", {})
    assert found.name == "wbce" and found.names == {"w": False} and [plain(r) for r in found.parameters] == ["w > 0"]
    assert half("linear", "activation", {}).name == "identity"
    assert half("wbce", "loss", {"wbce": False}) == Half(var("wbce"))  # a declared name is no slug
    assert prover.prove(loss="wbce", activation="sigmoid", assume=["w < 1"]).parameters == ["w > 0", "w < 1"]


@pytest.mark.parametrize(
    ("asked", "role", "message"),
    [
        ("MSE", "loss", "no loss is called 'MSE'; did you mean mse"),
        ("qqqq", "loss", "no loss is called 'qqqq'; write its formula in h and y"),
        ("Sigmoid", "activation", "no activation is called 'Sigmoid'; did you mean sigmoid"),
        ("qqqq", "activation", "write its formula in z"),
        ("q", "loss", "unknown name 'q'; declare it"),
        ("qq*h", "loss", "unknown name 'qq'"),
        ("exp", "loss", "column"),
        ("h[k]*y[k]", "loss", "index"),
        ("z[k]*z[j]", "activation", "free indices .*one free index"),
        ("y*z", "activation", "function of z; it cannot use y"),
        (sympy.Symbol("J"), "loss", "function of h, y and z; it cannot use J"),
        (sympy.IndexedBase("h")[sympy.Symbol("k", integer=True)], "loss", "free indices"),
    ],
)
def test_what_cannot_be_read_is_named(asked: Any, role: str, message: str) -> None:
    with pytest.raises(DeriveError, match=message):
        half(asked, role, {})


def test_declarations_and_assumptions_as_relations() -> None:
    params = ["w", "0 < t < 1", "v[i] > 0"]
    names = declared(params)
    assert names == {"w": False, "t": False, "v": True}
    assert [plain(r) for r in given(params, ["z[j] < w"], names, True)] == ["0 < t", "t < 1", "v[k] > 0", "z[k] < w"]


def test_a_is_the_output_where_it_is_not_declared() -> None:
    assert half("(a - y)^2/2", "loss", {}) == half("(h - y)^2/2", "loss", {})
    assert half("a*z", "activation", declared(["a > 0"])).names == {"a": False}
    assert plain(half("a[k]*z", "activation", declared(["a[k]"])).term) == "a[k]*z"
    proof = prover.prove(loss="(h - y)^2/2", activation="where(z > 0, z, a*z)", params=["a > 0"])
    assert proof.kind == "residual" and proof.parameters == ["a > 0"]
