"""Proofs written by hand, so that the reports are tested without a prover and without shipped certificates."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flint import fmpq

from derive import prover
from derive.balls import Point
from derive.certificate import About, Certificate, check, measure
from derive.derivation import Statement, Step
from derive.proof import Proof
from derive.syntax import Symbols, parse, parse_relation

sys.path.insert(0, str(Path(__file__).parents[1]))  # where the strategies are that all tests share

SCALAR = Symbols(frozenset("Jzhy"), {}, {})
VECTOR = Symbols(frozenset("J"), {"z": ("K",), "h": ("K",), "y": ("K",)}, dict.fromkeys("jk", "K"))
ORIGIN = Point({("z", ()): fmpq(0), ("y", ()): fmpq(0)}, {}, {})
ABOUT = {
    "bce-sigmoid": About("binary cross-entropy", "logistic sigmoid", "Bishop, PRML, eq. 5.21", "eq. 4.59"),
    "mse-identity": None,
    "mse-sigmoid": About("half squared error", "logistic sigmoid", "Bishop, PRML, eq. 5.14", "eq. 4.59"),
    "cce-softmax": About("categorical cross-entropy", "softmax", "Bishop, PRML, eq. 5.24", "eq. 4.62"),
}
Rows = list[tuple[str, tuple[int, ...], str, str]]  # rule, sources from 1, value, reason


def proof(pair: str, statement: Statement, symbols: Symbols, rows: Rows, **points: Point) -> Proof:
    """The proof whose steps are given as text, with the points that its verdict needs."""
    conditions = tuple(r for r in statement.targets if r.args[0] == "=")
    steps = tuple(
        Step(rule, tuple(n - 1 for n in sources), parse(value, symbols), conditions if rule == "condition" else ())
        for rule, sources, value, _ in rows
    )
    measured = {name: measure(statement, name, point) for name, point in points.items()}
    reasons = tuple(reason for *_, reason in rows)
    return Proof(check(Certificate(pair, ABOUT[pair], False, symbols, statement, steps, reasons, measured)))


def scalar(cost: str, activation: str, domain: tuple[str, ...] = (), targets: tuple[str, ...] = ()) -> Statement:
    relations = [tuple(parse_relation(r, SCALAR) for r in found) for found in (domain, (), targets)]
    h, y, z = (parse(name, SCALAR) for name in "hyz")
    return Statement(parse(cost, SCALAR), h, y, parse(activation, SCALAR), z, *relations)


def bce_sigmoid() -> Proof:
    cost, activation = "-y*log(h) - (1 - y)*log(1 - h)", "1/(1 + exp(-z))"
    rows: Rows = [
        ("cost", (), cost, "loss-definition"),
        ("output", (), activation, "activation-definition"),
        ("differentiate-loss", (), "-y/h + (1 - y)/(1 - h)", "differentiate-loss"),
        ("rewrite", (3,), "(h - y)/(h*(1 - h))", "common-denominator"),
        ("differentiate-activation", (), "exp(-z)/(1 + exp(-z))^2", "differentiate-activation"),
        ("unfold", (5,), "h*(1 - h)", "in-output"),
        ("chain", (4, 6), "((h - y)/(h*(1 - h)))*(h*(1 - h))", "chain-rule"),
        ("rewrite", (7,), "h - y", "cancel"),
    ]
    return proof("bce-sigmoid", scalar(cost, activation, ("0 < h", "h < 1")), SCALAR, rows, inside=ORIGIN)


def mse_identity() -> Proof:
    rows: Rows = [
        ("cost", (), "(h - y)^2/2", "loss-definition"),
        ("output", (), "z", "activation-definition"),
        ("differentiate-loss", (), "h - y", "differentiate-loss"),
        ("differentiate-activation", (), "1", "differentiate-activation"),
        ("chain", (3, 4), "(h - y)*1", "chain-rule"),
        ("rewrite", (5,), "h - y", "simplify"),
    ]
    return proof("mse-identity", scalar("(h - y)^2/2", "z"), SCALAR, rows, inside=ORIGIN)


def mse_sigmoid() -> Proof:
    rows: Rows = [
        ("cost", (), "(h - y)^2/2", "loss-definition"),
        ("output", (), "1/(1 + exp(-z))", "activation-definition"),
        ("differentiate-loss", (), "h - y", "differentiate-loss"),
        ("differentiate-activation", (), "exp(-z)/(1 + exp(-z))^2", "differentiate-activation"),
        ("unfold", (4,), "h*(1 - h)", "in-output"),
        ("chain", (3, 5), "(h - y)*(h*(1 - h))", "chain-rule"),
        ("rewrite", (6,), "h*(1 - h)*(h - y)", "simplify"),
    ]
    point = Point({("z", ()): fmpq(0), ("y", ()): fmpq(1)}, {}, {})
    return proof("mse-sigmoid", scalar("(h - y)^2/2", "1/(1 + exp(-z))"), SCALAR, rows, witness=point)


def cce_softmax() -> Proof:
    cost, activation = "sum(k, -y[k]*log(h[k]))", "exp(z[k])/sum(l, exp(z[l]))"
    h, y, z = (parse(text, VECTOR) for text in ("h[k]", "y[k]", "z[j]"))
    domain, targets = parse_relation("0 < h[k]", VECTOR), parse_relation("sum(k, y[k]) = 1", VECTOR)
    statement = Statement(parse(cost, VECTOR), h, y, parse(activation, VECTOR), z, (domain,), (), (targets,))
    jacobian = "kron(j, k)*exp(z[k])/sum(l, exp(z[l])) - exp(z[k])*exp(z[j])/sum(l, exp(z[l]))^2"
    rows: Rows = [
        ("cost", (), cost, "loss-definition"),
        ("output", (), activation, "activation-definition"),
        ("differentiate-loss", (), "-y[k]/h[k]", "differentiate-loss"),
        ("differentiate-activation", (), jacobian, "differentiate-activation"),
        ("unfold", (4,), "h[k]*(kron(k, j) - h[j])", "in-output"),
        ("chain", (3, 5), "sum(k, (-y[k]/h[k])*(h[k]*(kron(k, j) - h[j])))", "chain-rule"),
        ("rewrite", (6,), "sum(k, -y[k]*(kron(k, j) - h[j]))", "multiply"),
        ("rewrite", (7,), "-sum(k, y[k]*kron(k, j)) + h[j]*sum(k, y[k])", "split"),
        ("rewrite", (8,), "h[j]*sum(k, y[k]) - y[j]", "collapse"),
        ("condition", (9,), "h[j] - y[j]", "condition"),
    ]
    values = {("z", (1,)): fmpq(0), ("z", (2,)): fmpq(0), ("y", (1,)): fmpq(1), ("y", (2,)): fmpq(1)}
    allowed = {**values, ("y", (2,)): fmpq(0)}
    points = {name: Point(v, {"K": 2}, {"j": 1}) for name, v in (("inside", allowed), ("witness", values))}
    return proof("cce-softmax", statement, VECTOR, rows, **points)


BUILDERS: dict[str, Callable[[], Proof]] = {
    "bce-sigmoid": bce_sigmoid,
    "mse-identity": mse_identity,
    "mse-sigmoid": mse_sigmoid,
    "cce-softmax": cce_softmax,
}


PIECES = ("mse-relu", "mae-identity", "huber-sigmoid", "hinge-identity", "focal-sigmoid")


@pytest.fixture(scope="session")
def samples() -> dict[str, Proof]:
    """Proofs written by hand, and pairs with pieces, whose steps are too many for that."""
    return {pair: build() for pair, build in BUILDERS.items()} | {pair: prover.prove(pair) for pair in PIECES}
