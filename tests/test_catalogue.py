"""The catalogue: its entries against definitions written a second time, their domains, and what adding one takes."""

from __future__ import annotations

import mpmath
import pytest
import sympy
from mpmath import mpf
from written_out import ACTIVATIONS as WRITTEN_ACTIVATIONS
from written_out import DIGITS, Written, close, numbers, outputs, random_place
from written_out import LOSSES as WRITTEN_LOSSES

from derive import prover
from derive.activations import ACTIVATIONS, Activation
from derive.bridge import to_term
from derive.certificate import dumps, loads
from derive.errors import KernelError, UnknownName
from derive.losses import LOSSES, Loss, h, y
from derive.syntax import Symbols, parse, plain
from derive.term import Term, subterms

per_loss = pytest.mark.parametrize("slug", LOSSES)
per_activation = pytest.mark.parametrize("slug", ACTIVATIONS)


def test_what_the_catalogue_holds() -> None:
    assert list(LOSSES) == list(WRITTEN_LOSSES)
    assert list(ACTIVATIONS) == list(WRITTEN_ACTIVATIONS)


@pytest.mark.parametrize("entry", [*LOSSES.values(), *ACTIVATIONS.values()], ids=lambda entry: entry.slug)
def test_an_entry_is_complete(entry: Loss | Activation) -> None:
    assert {**LOSSES, **ACTIVATIONS}[entry.slug] is entry
    assert entry.slug.isascii()
    assert entry.slug.isalnum()
    assert entry.slug == entry.slug.lower()
    assert entry.name
    assert "," in entry.source  # author or title, and the place in it
    assert len({found.name for found in (*LOSSES.values(), *ACTIVATIONS.values())}) == len(LOSSES) + len(ACTIVATIONS)


@pytest.mark.parametrize("entry", [*LOSSES.values(), *ACTIVATIONS.values()], ids=lambda entry: entry.slug)
def test_an_entry_says_only_what_has_a_text(entry: Loss | Activation) -> None:
    expressions = [entry[2], *entry.domain, *(entry.targets if isinstance(entry, Loss) else ())]
    for expression in expressions:
        term = to_term(expression)
        assert plain(term)
        assert not any(t.kind in ("bound", "var") and t.args[0] not in ("h", "y", "z", 0) for t in subterms(term))


# ---- the same function as the one written a second time


def shape_of(term: Term) -> str:
    return "j" if any(t.kind == "item" for t in subterms(term)) else ""


@per_loss
@pytest.mark.parametrize("classes", [1, 2, 3])
def test_a_loss_is_the_one_that_is_meant(slug: str, classes: int) -> None:
    """J for h and y drawn apart; summed over the classes where the entry says so, else for each of them."""
    term = to_term(LOSSES[slug].cost)
    place = random_place(classes, 1, classes)
    with mpmath.workdps(DIGITS):
        h_row, y_row = numbers(random_place(classes + 50, 1, classes).y)[0], numbers(place.y)[0]
        expected = [WRITTEN_LOSSES[slug](a, b, mpmath) for a, b in zip(h_row, y_row, strict=True)]
        if shape_of(term):
            values = {("h", (n,)): v for n, v in enumerate(h_row, 1)} | {("y", (n,)): v for n, v in enumerate(y_row, 1)}
            assert close(Written(values, {"K": classes}, {}).value(term), sum(expected), 50)
        else:
            for a, b, value in zip(h_row, y_row, expected, strict=True):
                assert close(Written({("h", ()): a, ("y", ()): b}, {}, {}).value(term), value, 50)


@per_activation
@pytest.mark.parametrize("classes", [1, 2, 3])
def test_an_activation_is_the_one_that_is_meant(slug: str, classes: int) -> None:
    term = to_term(ACTIVATIONS[slug].output)
    with mpmath.workdps(DIGITS):
        z = numbers(random_place(classes, 1, classes).z)
        expected = outputs(slug, z, mpmath)[0]
        for k in range(1, classes + 1):
            key = "z", (k,) if shape_of(term) else ()
            values = {("z", (n,)): v for n, v in enumerate(z[0], 1)} | {key: z[0][k - 1]}
            assert close(Written(values, {"K": classes}, {"k": k}).value(term), expected[k - 1], 50)


@per_loss
def test_a_loss_is_real_inside_its_domain_and_not_outside(slug: str) -> None:
    """Every h from -2 to 2 in steps of 1/8: J is a real number there exactly where the entry says so."""
    term = to_term(LOSSES[slug].cost)
    domain = [to_term(r) for r in LOSSES[slug].domain]
    indices = (1,) if shape_of(term) else ()
    for n in range(-16, 17):
        values = {("h", indices): mpf(n) / 8, ("y", indices): mpf(1) / 3}
        point = Written(values, {"K": 1}, {"k": 1})
        inside = all(_holds(point, r) for r in domain)
        try:
            value = point.value(term)
            real = bool(mpmath.isfinite(value) and mpmath.im(value) == 0)
        except (ValueError, ZeroDivisionError):
            real = False
        assert real == inside


def _holds(point: Written, relation: Term) -> bool:
    left, right = (point.value(t) for t in relation.args[1:])
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[relation.args[0]])


@pytest.mark.parametrize(
    ("slug", "targets"),
    [
        ("mse", []),
        ("sse", []),
        ("bce", ["0 <= y", "y <= 1"]),
        ("cce", ["0 <= y[k]", "sum(k, y[k]) = 1"]),
        ("poisson", ["0 <= y"]),
    ],
)
def test_targets(slug: str, targets: list[str]) -> None:
    assert [plain(to_term(r)) for r in LOSSES[slug].targets] == targets


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
    found = prover.statement(LOSSES[loss], ACTIVATIONS[activation], average)
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
    assert {pair for pair in prover.pairs() if pair.startswith("quartic")} == {f"quartic-{a}" for a in ACTIVATIONS}
    for average in (False, True):
        proof = prover.prove("quartic-identity", average)
        assert (proof.answer, proof.kind) == ("no", "residual")
        text = dumps(proof.checked)
        assert dumps(loads(text)) == text


def test_a_new_activation_forms_its_pairs_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    z = sympy.Symbol("z", real=True)
    square = Activation("square", "square", z**2, (), "a test, 1")
    monkeypatch.setitem(ACTIVATIONS, "square", square)
    assert {pair for pair in prover.pairs() if pair.endswith("square")} == {"mse-square", "sse-square"}
    assert "h = 0 at z = 0" in str(prover.why_inadmissible("poisson-square"))
    assert prover.prove("mse-square").factor == "2*z"


def test_a_new_loss_keeps_its_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    """y/h + log h needs h > 0; without saying so, its steps need what the statement does not declare."""
    gamma = y / h + sympy.log(h)
    monkeypatch.setitem(LOSSES, "gamma", loss("gamma", gamma, (sympy.Lt(0, h),)))
    assert prover.prove("gamma-exp").factor == "1/h"
    with pytest.raises(UnknownName, match="0 < h is needed"):
        prover.prove("gamma-identity")
    monkeypatch.setitem(LOSSES, "gamma", loss("gamma", gamma))
    with pytest.raises(KernelError):
        prover.prove("gamma-identity")
