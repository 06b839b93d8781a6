"""Leading terms at infinity: what is claimed, what is refused, and that claims agree with numbers far out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

import pytest
from flint import arb, fmpq

from derive import prover
from derive.asymptotics import holds_eventually, limit
from derive.balls import Key, Point, certainly_holds, enclosure
from derive.certificate import folder
from derive.errors import DeriveError, KernelError
from derive.syntax import Symbols, parse, parse_relation
from derive.term import ONE, ZERO, Term, rel, replace, var

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


# ---- an attack from outside: exact points on the way to the end, by balls ------------------------------------

WAY = (64, 4096)  # a limit is met if the second point is much nearer to it than the first
BITS = 14_000  # exp(4096) and exp(-4096) in one sum


def is_met(value: Term, found: Term, others: dict[Key, fmpq], downward: bool) -> bool | None:
    """Whether the value comes nearer to the limit; None where it is undefined on the way."""
    gaps = []
    for n in WAY:
        point = Point({**others, ("z", ()): fmpq(-n if downward else n)}, {}, {})
        try:
            gaps.append(abs(enclosure(value, point, {}, BITS) - enclosure(found, point, {}, BITS)))
        except KernelError:
            return None
    return bool(gaps[1] < 1e-6 or 3 * gaps[1] < 2 * gaps[0])


class Shipped(NamedTuple):
    """A certificate's text, read without checking it: what is attacked is what is said about its formulas."""

    pair: str
    formulas: dict[str, Term]
    given: tuple[Term, ...]
    domain: tuple[Term, ...]


def shipped_scalars() -> Iterator[Shipped]:
    for path in sorted(folder().glob("*.json")):
        data = json.loads(path.read_text(encoding="ascii"))
        if data["symbols"]["indices"]:
            continue
        symbols, statement = Symbols(frozenset(data["symbols"]["scalars"]), {}, {}), data["statement"]
        h = parse(statement["activation"], symbols)
        texts = {"delta": data["verdict"]["delta"], "factor": data["verdict"]["factor"], "h": "h"}
        formulas = {name: replace(parse(t, symbols), {var("h"): h}) for name, t in texts.items() if t}
        relations = {name: tuple(parse_relation(r, symbols) for r in statement[name]) for name in DOMAINS}
        inequalities = tuple(r for r in relations["targets"] if r.args[0] != "=")
        yield Shipped(data["pair"], formulas, relations["parameters"] + inequalities, relations["activation_domain"])


DOMAINS = ("activation_domain", "targets", "parameters")
VALUES = (fmpq(2), fmpq(1, 2), fmpq(3, 2), fmpq(1), fmpq(1, 3), fmpq(5, 4), fmpq(-1), fmpq(0))


def constants(found: Shipped, random: Random) -> dict[Key, fmpq]:
    """Values of all names but z for which what is given holds."""
    names = sorted({"y"}.union(*(t.names for t in (*found.formulas.values(), *found.given))) - {"z"})
    while True:
        values: dict[Key, fmpq] = {(name, ()): random.choice(VALUES) for name in names}
        if all(certainly_holds(r, Point(values, {}, {}), {}) for r in found.given):
            return values


def test_the_limits_of_all_shipped_formulas_are_met() -> None:
    random, met = Random(7), 0
    for found in shipped_scalars():
        for name, value in found.formulas.items():
            for downward in (False, True):
                limit_ = limit(value, Z, downward, found.given)
                is_inside = all(holds_eventually(r, Z, downward, found.given) for r in found.domain)
                if limit_ is not None and is_inside:
                    outcome = is_met(value, limit_, constants(found, random), downward)
                    assert outcome is not False, f"{found.pair}: {name} does not go to {limit_}"
                    met += outcome is True
    assert met > 1000


FUNCTIONS = ("exp", "log", "sqrt", "abs", "sigmoid", "softplus", "tanh", "atan", "erf", "Phi", "phi")
ATOMS = ("z", "z", "z", "c", "d", "y", "1", "2", "1/2", "-1")
EXPONENTS = ("2", "3", "(-1)", "(1/2)", "c", "(-2)")


def written(random: Random, depth: int) -> str:
    """A formula, most of them of no use."""
    if depth == 0:
        return random.choice(ATOMS)
    a, b, c, d = (written(random, depth - 1) for _ in range(4))
    forms = [f"({a} + {b})", f"({a} - {b})", f"({a})*({b})", f"({a})/({b})", f"({a})^{random.choice(EXPONENTS)}"]
    forms += [f"{random.choice(FUNCTIONS)}({a})" for _ in range(4)]
    return random.choice([*forms, f"where({a} {random.choice('<>')} {b}, {c}, {d})"])


def some_terms(count: int) -> Iterator[tuple[Term, dict[Key, fmpq]]]:
    random = Random(11)
    for _ in range(count):
        text = written(random, random.choice((2, 3)))
        values = {("c", ()): random.choice(VALUES[:4]), ("d", ()): random.choice(VALUES[:4])}
        try:
            yield term(text), {**values, ("y", ()): random.choice(VALUES)}
        except DeriveError:  # such as 1/(1 - 1)
            continue


def test_the_limits_of_random_terms_are_met() -> None:
    met = 0
    for value, others in some_terms(3000):
        for downward in (False, True):
            found = limit(value, Z, downward, POSITIVE) if "z" in value.names else None
            outcome = None if found is None else is_met(value, found, others, downward)
            assert outcome is not False, f"{value} does not go to {found}"
            met += outcome is True
    assert met > 500


def test_relations_between_random_terms_hold_far_out() -> None:
    held, former = 0, ONE
    for value, others in some_terms(1500):
        relation, former = rel("<", value, former), value
        for downward in (False, True):
            if "z" in relation.names and holds_eventually(relation, Z, downward, POSITIVE):
                point = Point({**others, ("z", ()): fmpq(-(2**20) if downward else 2**20)}, {}, {})
                turned = rel(">=", *relation.args[1:])
                assert not certainly_holds(turned, point, {}), f"{relation} does not hold"
                held += certainly_holds(relation, point, {})
    assert held > 50
