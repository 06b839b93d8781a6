"""Leading terms at infinity: what is claimed, what is refused, and that claims agree with numbers far out."""

from __future__ import annotations

import pytest
from flint import arb, fmpq

from derive import prover
from derive.asymptotics import holds_eventually, limit
from derive.balls import Point, enclosure
from derive.errors import KernelError
from derive.syntax import Symbols, parse, parse_relation
from derive.term import ONE, ZERO, Term, replace, var

NAMES = Symbols(frozenset("zycd"), {}, {})
Z = var("z")
POSITIVE = tuple(parse_relation(f"{name} > 0", NAMES) for name in "cd")


def term(text: str) -> Term:
    return parse(text, NAMES)


@pytest.mark.parametrize(
    ("text", "up", "down"),
    [
        ("1/(1 + exp(-z))", "1", "0"),
        ("exp(-z)/(1 + exp(-z))^2", "0", "0"),
        ("1/(1 + z^2)", "0", "0"),
        ("phi(z)*z^7", "0", "0"),
        ("Phi(z) + z*phi(z)", "1", "0"),
        ("1 - tanh(z)^2", "0", "0"),
        ("(exp(z) - 1)/(exp(z) + 1)", "1", "-1"),
        ("(2*z^2 + z)/(z^2 - 5)", "2", "2"),
        ("exp(-exp(z))*exp(3*z)", "0", "0"),
        ("log(1 + exp(z)) - log(1 + exp(z))", None, "0"),
        ("log(1 + exp(z))/z", "1", "0"),
        ("where(z > 5, 1/z, 3)", "0", "3"),
        ("z/(1 + |z|)", "1", "-1"),
        ("sqrt(z^2 + 1)/z", "1", "-1"),
        ("exp(1/z)", "1", "1"),
        ("c*d", "c*d", "c*d"),
    ],
)
def test_limits(text: str, up: str | None, down: str | None) -> None:
    for downward, expected in ((False, up), (True, down)):
        found = limit(term(text), Z, downward, POSITIVE)
        if expected is None:
            assert found is None
        else:
            at = Point({("c", ()): fmpq(2), ("d", ()): fmpq(3)}, {}, {})
            assert found is not None
            assert arb(0) in enclosure(found, at, {}) - enclosure(term(expected), at, {})


@pytest.mark.parametrize(
    "text",
    [
        "z",  # no finite limit
        "exp(z) - z",
        "cos(z)",
        "z*cos(z)/z^2",  # 0, but bounded functions are not known
        "exp(z + log(z))",
        "(1 + 1/z)^z",  # e, but the leading term of a power 1 + 1/z is not enough
        "exp(z)*(1 - exp(-z)/exp(-z))",
        "y^z",
        "where(y > z*y, 1, 2)",
    ],
)
def test_no_statement(text: str) -> None:
    assert limit(term(text), Z, False, POSITIVE) is None


def test_a_parameter_has_to_have_a_sign() -> None:
    assert limit(term("exp(c*z) - exp(c*z)"), Z, False) is None
    assert limit(term("c/z"), Z, False) == ZERO
    assert limit(term("z/(z + c)"), Z, False) == ONE
    assert limit(term("1/(y*z + 1)"), Z, False) is None  # y may be 0
    assert limit(term("1/(c*z + 1)"), Z, False, POSITIVE) == ZERO


@pytest.mark.parametrize(
    ("text", "up", "down"),
    [("z < 0", False, True), ("z^2 > c", True, True), ("z > y", True, False), ("exp(z) > 0", True, False)],
)
def test_relations_far_out(text: str, up: bool, down: bool) -> None:
    relation = parse_relation(text, NAMES)
    assert [holds_eventually(relation, Z, d, POSITIVE) for d in (False, True)] == [up, down]


SCALARS = (
    *(
        f"mse-{h}"
        for h in ("sigmoid", "tanh", "probit", "cauchit", "arctan", "softsign", "gelu", "silu", "mish", "selu")
    ),
    *(f"cauchy-{h}" for h in ("identity", "exp", "elu", "hardtanh", "loglog", "cloglog")),
    *("huber-identity", "bce-sigmoid", "logcosh-identity", "poisson-exp", "gamma-inverse", "hinge-tanh", "msle-exp"),
)


@pytest.mark.parametrize("pair", SCALARS)
def test_limits_agree_with_numbers_far_out(pair: str) -> None:
    proof = prover.prove(pair)
    statement = proof.statement
    value = replace(proof.verdict.delta, {statement.output: statement.activation})
    for downward in (False, True):
        found = limit(value, statement.preactivation, downward, statement.given)
        if found is None:
            continue
        gaps = []
        for n in (10, 1000):
            names = statement.cost.names | statement.activation.names | {"y"}
            others = {(name, ()): fmpq(1, 3) for name in names}
            point = Point({**others, ("z", ()): fmpq(-n if downward else n)}, {}, {})
            try:
                gaps.append(abs(enclosure(value, point, {}, 6000) - enclosure(found, point, {}, 6000)))
            except KernelError:
                gaps.append(arb(0))
        assert gaps[1] < 0.01 and (gaps[1] <= gaps[0] or gaps[1] < 1e-6)
