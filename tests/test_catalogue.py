"""The catalogue: its entries against definitions written a second time, their domains, and what adding one takes."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import mpmath
import pytest
import sympy
from mpmath import mpf
from written_out import ACTIVATIONS as WRITTEN_ACTIVATIONS
from written_out import (
    CLASSES,
    DIGITS,
    INPUTS,
    OUTPUTS,
    PARAMETERS,
    REAL,
    Parameters,
    Written,
    close,
    draw_parameters,
    draw_target,
    in_mpmath,
    numbers,
    odd,
    outputs,
    place_of,
)
from written_out import LOSSES as WRITTEN_LOSSES
from written_out import loss as written_loss

from derive import catalogue, prover
from derive.activations import ACTIVATIONS, ALIASES, Activation
from derive.bridge import to_term
from derive.certificate import dumps, loads
from derive.errors import KernelError, UnknownName
from derive.losses import LOSSES, Loss, h, y
from derive.syntax import Symbols, parse, plain
from derive.term import Term, subterms

per_loss = pytest.mark.parametrize("slug", LOSSES)
per_activation = pytest.mark.parametrize("slug", ACTIVATIONS)
per_entry = pytest.mark.parametrize("entry", [*LOSSES.values(), *ACTIVATIONS.values()], ids=lambda entry: entry.slug)
SEEDS = range(8)


def test_what_the_catalogue_holds() -> None:
    assert set(LOSSES) == set(WRITTEN_LOSSES)
    assert set(ACTIVATIONS) == set(WRITTEN_ACTIVATIONS)
    assert (len(LOSSES), len(ACTIVATIONS)) == (35, 31)
    assert ALIASES == {"linear": "identity", "logistic-unit": "sigmoid", "swish": "silu"}


@per_entry
def test_an_entry_is_complete(entry: Loss | Activation) -> None:
    assert {**LOSSES, **ACTIVATIONS}[entry.slug] is entry
    assert entry.slug.isascii()
    assert entry.slug.isalnum()
    assert entry.slug == entry.slug.lower() or entry.slug == "softmaxT"
    assert entry.name
    assert "," in entry.source  # author or title, and the place in it
    assert len({found.name for found in (*LOSSES.values(), *ACTIVATIONS.values())}) == len(LOSSES) + len(ACTIVATIONS)


@per_entry
def test_an_entry_says_only_what_has_a_text(entry: Loss | Activation) -> None:
    of_y = (*entry.targets, *entry.cases) if isinstance(entry, Loss) else ()
    names = {name.partition("[")[0] for name in PARAMETERS.get(entry.slug, {})}
    for expression in (entry[2], *entry.domain, *of_y, *entry.parameters):
        term = to_term(expression)
        assert plain(term)
        assert term.names <= names | ({"h", "y"} if isinstance(entry, Loss) else {"z"})


# ---- the same function as the one written a second time


def shape_of(term: Term) -> str:
    return "j" if any(t.kind == "item" for t in subterms(term)) else ""


def point(rows: Mapping[str, Sequence[Any]], parameters: Parameters, at: int = 0) -> Written:
    """Each row under its name: its numbers with their index, and the one at ``at`` without."""
    rows = rows | {name: value for name, value in parameters.items() if isinstance(value, tuple)}
    values = {(name, (k,)): value for name, row in rows.items() for k, value in enumerate(row, 1)}
    values |= {(name, ()): row[at] for name, row in rows.items()}
    values |= {(name, ()): value for name, value in parameters.items() if not isinstance(value, tuple)}
    return Written(values, {"K": max(map(len, rows.values()), default=1)}, {"k": at + 1})


@per_loss
@pytest.mark.parametrize("classes", [1, 2, 3])
def test_a_loss_is_the_one_that_is_meant(slug: str, classes: int) -> None:
    """J for h, y and parameters drawn apart; summed over the classes where the entry says so, else for each of them."""
    term = to_term(LOSSES[slug].cost)
    with mpmath.workdps(DIGITS):
        for seed in SEEDS:
            draw = random.Random(f"{slug} {classes} {seed}")
            exact = draw_parameters(slug, draw, classes)
            h_row, y_row = numbers(
                (
                    [odd(draw, OUTPUTS.get(slug, REAL), 64) for _ in range(classes)],
                    [draw_target(slug, draw, 128, exact) for _ in range(classes)],
                )
            )
            parameters = in_mpmath(exact)
            if shape_of(term):
                found = point({"h": h_row, "y": y_row}, parameters).value(term)
                assert close(found, written_loss(slug, h_row, y_row, mpmath, parameters), 50)
                continue
            for a, b in zip(h_row, y_row, strict=True):
                found = point({"h": (a,), "y": (b,)}, parameters).value(term)
                assert close(found, written_loss(slug, [a], [b], mpmath, parameters), 50)


@per_activation
@pytest.mark.parametrize("classes", [1, 2, 3])
def test_an_activation_is_the_one_that_is_meant(slug: str, classes: int) -> None:
    """And its outputs are in the range that the entry states."""
    term, stated = to_term(ACTIVATIONS[slug].output), [to_term(r) for r in ACTIVATIONS[slug].range]
    with mpmath.workdps(DIGITS):
        for seed in SEEDS:
            place = place_of(f"mse-{slug}", seed, 1, classes)
            z, parameters = numbers(place.z), in_mpmath(place.parameters)
            (expected,) = outputs(slug, z, mpmath, parameters)
            for k in range(classes):
                assert close(point({"z": z[0]}, parameters, k).value(term), expected[k], 50)
                if classes >= CLASSES.get(slug, 1):
                    assert all(point({"h": expected}, parameters, k).value(r) for r in stated)


# ---- domains

EIGHTHS = [mpf(n) / 8 for n in range(-24, 25)]
REAL_BEYOND = {"invgaussian", "dice", "tversky"}  # there the domain says for what the loss is meant


@per_loss
def test_a_loss_is_real_inside_its_domain_and_not_outside(slug: str) -> None:
    """Every h from -3 to 3 in steps of 1/8: J is a real number there exactly where the entry says so."""
    term, domain = to_term(LOSSES[slug].cost), [to_term(r) for r in LOSSES[slug].domain]
    parameters = in_mpmath(draw_parameters(slug, random.Random(slug), 1))
    for value in EIGHTHS:
        at = point({"h": (value,), "y": (mpf(1) / 3,)}, parameters)
        inside = all(at.value(r) for r in domain)
        assert inside == (value in OUTPUTS.get(slug, REAL))
        assert is_real(at, term) == inside or (slug in REAL_BEYOND and not inside)


def is_real(at: Written, term: Term) -> bool:
    try:
        value = at.value(term)
    except (ValueError, ZeroDivisionError):
        return False
    return bool(mpmath.isfinite(value) and mpmath.im(value) == 0)


@per_activation
def test_where_an_activation_is_used(slug: str) -> None:
    """Every z from -3 to 3 in steps of 1/8, the same for all classes, of which some activations need two."""
    term, domain = to_term(ACTIVATIONS[slug].output), [to_term(r) for r in ACTIVATIONS[slug].domain]
    parameters = in_mpmath(draw_parameters(slug, random.Random(slug), 1))
    for classes in (1, 2):
        for value in EIGHTHS:
            at = point({"z": (value,) * classes}, parameters)
            expected = value in INPUTS.get(slug, REAL) and not (slug == "unitnorm" and value == 0)
            assert all(at.value(r) for r in domain) == (expected and classes >= CLASSES.get(slug, 1))
            assert is_real(at, term) or not expected


@per_entry
def test_the_domains_of_the_parameters(entry: Loss | Activation) -> None:
    """Each by itself: what the entry says of it holds for just the numbers that are meant."""
    relations = [to_term(r) for r in entry.parameters]
    meant = {name.partition("[")[0]: between for name, between in PARAMETERS.get(entry.slug, {}).items()}
    assert {name for r in relations for name in r.names} == set(meant)
    for name, between in meant.items():
        own = [r for r in relations if r.names == {name}]
        for value in EIGHTHS:
            assert all(point({name: (value,)}, {}).value(r) for r in own) == (value in between)


# What is allowed for y, and the cases of a discrete y.
TARGETS = {
    (): "mse sse mae huber smoothl1 logcosh pseudohuber cauchy quantile expectile epsinsensitive",
    ("-1 < y",): "msle",
    ("0 <= y", "y <= 1"): "bce wbce focal brier",
    ("0 <= y", "y <= N"): "binomial",
    ("0 <= y[k]", "sum(k, y[k]) = 1"): "cce wcce lsce",
    ("0 < y[k]", "sum(k, y[k]) = 1"): "kl reversekl",
    ("0 <= y[k]", "y[k] <= 1"): "mbce dice tversky",
    ("0 <= y",): "poisson tweedie negbin",
    ("0 < y",): "gamma invgaussian exponential",
    ("-1 <= y", "y <= 1"): "hinge sqhinge logistic exploss",
}
CASES = {"focal": ["y = 0", "y = 1"], **{slug: ["y = -1", "y = 1"] for slug in TARGETS["-1 <= y", "y <= 1"].split()}}


@pytest.mark.parametrize(("slug", "targets"), [(slug, t) for t, slugs in TARGETS.items() for slug in slugs.split()])
def test_targets(slug: str, targets: tuple[str, ...]) -> None:
    assert tuple(plain(to_term(r)) for r in LOSSES[slug].targets) == targets
    assert [plain(to_term(r)) for r in LOSSES[slug].cases] == CASES.get(slug, [])


def test_every_loss_has_its_targets_tested() -> None:
    assert {slug for slugs in TARGETS.values() for slug in slugs.split()} == set(LOSSES)


# ---- the statement of a pair


@pytest.mark.parametrize(
    ("pair", "average", "cost", "output"),
    [
        ("mse-sigmoid", False, "(h - y)^2/2", "1/(1 + exp(-z))"),
        ("mse-softmax", False, "sum(k, (h[k] - y[k])^2/2)", "exp(z[k])/sum(l, exp(z[l]))"),
        ("cce-sigmoid", False, "-sum(k, y[k]*log(h[k]))", "1/(1 + exp(-z[k]))"),
        ("mse-sigmoid", True, "1/m*sum(n, m, sum(k, (h[n, k] - y[n, k])^2/2))", "1/(1 + exp(-z[n, k]))"),
        ("cce-softmax", True, "1/m*sum(n, m, -sum(k, y[n, k]*log(h[n, k])))", "exp(z[n, k])/sum(l, exp(z[n, l]))"),
    ],
)
def test_the_statement_of_a_pair(pair: str, average: bool, cost: str, output: str) -> None:
    """Elementwise on its own; summed over k where either side couples; the mean over m examples if averaged."""
    loss, _, activation = pair.partition("-")
    found = catalogue.statement(LOSSES[loss], ACTIVATIONS[activation], average)
    families = {name: ("m", "K") if average else ("K",) for name in "hyz"}
    vector = average or "[" in cost
    symbols = Symbols(frozenset() if vector else frozenset("hyz"), families if vector else {}, {"k": "K", "n": "m"})
    assert found.cost == parse(cost, symbols)
    assert found.activation == parse(output, symbols)


# ---- adding an entry


def loss(slug: str, cost: object, domain: tuple[object, ...] = ()) -> Loss:
    return Loss(slug, slug, cost, domain, (), "a test, 1")


def test_a_new_loss_forms_its_pairs_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LOSSES, "quartic", loss("quartic", (h - y) ** 4 / 4))
    assert {pair for pair in catalogue.pairs() if pair.startswith("quartic")} == {f"quartic-{a}" for a in ACTIVATIONS}
    for average in (False, True):
        proof = prover.prove("quartic-identity", average)
        assert (proof.answer, proof.kind) == ("no", "residual")
        text = dumps(proof.checked)
        assert dumps(loads(text)) == text


def test_a_new_activation_forms_its_pairs_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    z = sympy.Symbol("z", real=True)
    monkeypatch.setitem(ACTIVATIONS, "cube", Activation("cube", "cube", z**3, (), "a test, 1"))
    anywhere = {f"{slug}-cube" for slug in LOSSES if OUTPUTS.get(slug, REAL) is REAL}
    assert {pair for pair in catalogue.pairs() if pair.endswith("-cube")} == anywhere
    assert "h = 0 at z = 0" in str(catalogue.why_inadmissible("poisson-cube"))
    assert prover.prove("mse-cube").factor == "3*z^2"


def test_a_new_loss_keeps_its_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    """y/h + log h needs h > 0; without saying so, its steps need what the statement does not declare."""
    cost = y / h + sympy.log(h)
    monkeypatch.setitem(LOSSES, "ratio", loss("ratio", cost, (sympy.Lt(0, h),)))
    assert prover.prove("ratio-exp").factor == "1/h"
    with pytest.raises(UnknownName, match="0 < h is needed"):
        prover.prove("ratio-identity")
    monkeypatch.setitem(LOSSES, "ratio", loss("ratio", cost))
    with pytest.raises(KernelError):
        prover.prove("ratio-identity")
