"""Signs, saturation and subdifferentials: what is proved of known pairs, and what must not be claimed."""

from __future__ import annotations

import pytest

from derive import prover
from derive.proof import Proof
from derive.remarks import essential, is_empty, leaves, settled
from derive.report.text import text
from derive.syntax import Symbols, parse, parse_relation, plain

NAMES = Symbols(frozenset("hyzd"), {}, {})


def proved(pair: str) -> Proof:
    return prover.prove(pair)


@pytest.mark.parametrize(
    ("pair", "sign"),
    [
        ("mse-sigmoid", "positive"),
        ("mse-relu", "nonnegative"),
        ("mse-hardtanh", "nonnegative"),
        ("mse-elu", "positive"),
        ("huber-identity", "positive"),
        ("huber-sigmoid", "positive"),
        ("sse-identity", "positive"),
        ("mse-gelu", None),  # its slope is negative for some z
        ("mse-square", None),
        ("mae-identity", None),  # no factor
    ],
)
def test_sign_of_the_factor(pair: str, sign: str | None) -> None:
    assert proved(pair).sign == sign


def test_a_factor_that_is_negative() -> None:
    assert prover.prove(loss="(h - y)^2/2", activation="-z").sign == "negative"
    assert prover.prove(loss="(h - y)^2/2", activation="where(z > 0, -z, 0)").sign == "nonpositive"


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("mse-sigmoid", "as h goes to 0, as h goes to 1"),
        ("mse-tanh", "as h goes to -1, as h goes to 1"),
        ("mse-exp", "as h goes to 0"),
        ("mse-relu", "where z < 0"),
        ("mse-hardtanh", "where z > 1, where z < -1"),
        ("mse-arctan", "as z goes to -infinity, as z goes to infinity"),
        ("mse-selu", "as z goes to -infinity"),
        ("mse-gelu", None),  # true downward, but how fast 1 + erf goes to 0 is not known to the calculus
        ("mse-silu", "as z goes to -infinity"),
        ("cauchy-identity", "as z goes to -infinity, as z goes to infinity"),  # it forgets outliers
        ("huber-identity", None),  # the factor goes to 0, dJ/dz does not
        ("mse-identity", None),
        ("bce-sigmoid", None),
        ("mae-sigmoid", "as h goes to 0, as h goes to 1"),
        ("mse-softplus", "as h goes to 0"),
        ("mse-square", None),
        ("mse-softmax", None),  # a sum over the outputs: nothing is claimed
        ("hinge-tanh", "as h goes to -1, as h goes to 1"),  # h y > 1 is nowhere
        ("hinge-identity", "where h*y > 1"),
    ],
)
def test_saturation(pair: str, said: str | None) -> None:
    assert proved(pair).saturation == said


def test_an_end_that_the_output_never_reaches_is_no_end() -> None:
    """dJ/dz has the factor h, which is 0 at 0, but h stays above 1/4."""
    loss = "h^3/3 - y*h^2/2"
    assert prover.prove(loss=loss, activation="sigmoid(z)").saturation == "as h goes to 0, as h goes to 1"
    kept = prover.prove(loss=loss, activation="1/4 + sigmoid(z)/2").saturation
    assert kept == "as z goes to -infinity, as z goes to infinity"
    assert prover.prove(loss=loss, activation="sigmoid(z)", assume=["z > 0"]).saturation == "as h goes to 1"
    assert prover.prove(loss=loss, activation="1/2 + tanh(z)/2").saturation == "as h goes to 0, as h goes to 1"


@pytest.mark.parametrize(
    ("pair", "found"),
    [
        ("mae-identity", ["[-1, 1]"]),
        ("quantile-identity", ["[-t, 1 - t]"]),
        ("epsinsensitive-identity", ["[-1, 0]", "[0, 1]"]),
        ("mse-relu", [None]),  # the value on the right is h - y, of any sign
        ("mae-tanh", [None]),  # not convex
    ],
)
def test_subdifferentials(pair: str, found: list[str | None]) -> None:
    assert [k.subdifferential for k in proved(pair).kinks if k.left is not None][: len(found)] == found


def test_a_kink_that_bends_down_has_no_subdifferential() -> None:
    assert [k.subdifferential for k in prover.prove(loss="-abs(h - y)", activation="z").kinks] == [None]
    upside_down = prover.prove(loss="abs(h - y)", activation="-z")
    assert [k.subdifferential for k in upside_down.kinks] != ["[1, -1]"]
    assert upside_down.is_convex == any(k.subdifferential for k in upside_down.kinks)


@pytest.mark.parametrize(
    ("pair", "is_convex"),
    [
        ("mse-identity", True),
        ("mae-identity", True),
        ("huber-identity", True),
        ("bce-sigmoid", True),
        ("mse-sigmoid", False),
        ("mse-relu", False),
        ("cauchy-identity", False),
        ("gamma-inverse", True),
    ],
)
def test_convexity(pair: str, is_convex: bool) -> None:
    assert proved(pair).is_convex == is_convex


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (("z < 1", "z < -1"), ["z < -1"]),
        (("z > 0", "h > y"), ["z > 0", "h > y"]),
        (("z > 0", "z > 0"), ["z > 0"]),
        (("z < 1",), ["z < 1"]),
    ],
)
def test_relations_that_say_nothing_new_are_left_out(given: tuple[str, ...], kept: list[str]) -> None:
    assert [plain(r) for r in essential(tuple(parse_relation(r, NAMES) for r in given))] == kept


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0*(h - y)", "0"),
        ("1*(h - y)", "h - y"),
        ("(d/(h - y))*(h - y)", "d"),
        ("d*h", "d*h"),
        ("(h - y)*(h - y)/(h - y)", "h - y"),
        ("where(z > 0, 1*h, 0*h)", "where(z > 0, h, 0)"),
    ],
)
def test_settled(text: str, shown: str) -> None:
    assert plain(settled(parse(text, NAMES))) == shown


@pytest.mark.parametrize(
    ("pair", "region", "empty"),
    [
        ("hinge-tanh", ("h*y > 1",), True),
        ("hinge-tanh", ("h*y < 1",), False),
        ("hinge-identity", ("h*y > 1",), False),
        ("mse-sigmoid", ("h > 1",), True),
        ("mse-identity", ("h > 1", "h < 0"), True),
        ("mse-identity", ("h > 0", "h < 1"), False),
        ("mse-identity", (), False),
    ],
)
def test_empty_regions(pair: str, region: tuple[str, ...], empty: bool) -> None:
    statement = proved(pair).statement
    assert is_empty(statement, tuple(parse_relation(r, NAMES) for r in region)) is empty


def test_nothing_is_told_of_empty_regions() -> None:
    said = text(proved("hinge-tanh"), unicode=False)
    why = said[said.index("Why:") : said.index("Limits:")]
    assert "h*y < 1" in why and "h*y > 1" not in why


def test_leaves_are_the_branches_with_their_regions() -> None:
    found = list(leaves(parse("where(z > 0, 1, where(h > y, 2, 3))*d", NAMES)))
    assert [(list(map(plain, region)), plain(leaf)) for region, leaf in found] == [
        (["z > 0"], "d"),
        (["z < 0", "h > y"], "2*d"),
        (["z < 0", "h < y"], "3*d"),
    ]
