"""What a user asks about as a statement: conditions in one orientation, names that are declared, one reader for all."""

from __future__ import annotations

import pytest

from derive import balls, prover
from derive.request import oriented
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
