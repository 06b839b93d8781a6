"""Negative controls: a wrong pair, a wrong prover, a wrong kernel and a wrong law must each be noticed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from samples import CORE, SPREAD, stored
from sympy import IndexedBase, Sum, Symbol, exp, log, symbols, tanh
from written_out import is_slope

from derive import prover
from derive.activations import ACTIVATIONS
from derive.balls import Slope, certainly_different
from derive.calculus import Calculus
from derive.certificate import Checked, _sealed, check, dumps, loads
from derive.derivation import COST, Derivation, Step, replay
from derive.errors import CertificateError, DeriveError, KernelError
from derive.kernel import Derivative, Theory
from derive.laws import LAWS, Law
from derive.losses import LOSSES
from derive.term import ONE, Term, add, call, div, mul, neg, num, power, replace
from derive.verdict import verdict

h, y, z = symbols("h y z", real=True)
k, l = symbols("k l", integer=True)  # noqa: E741
K = Symbol("K", integer=True, positive=True)
H, Y, Z = (IndexedBase(name, real=True) for name in "hyz")

CONDITIONAL = {(pair, False) for pair in ("cce-softmax", "kl-softmax", "poisson-softmax")}
CANCELS = CONDITIONAL | {(pair, False) for pair in ("bce-sigmoid", "mse-identity", "poisson-exp")}
CASES = [*((pair, average) for pair in CORE for average in (False, True)), *((pair, False) for pair in SPREAD)]
NO = [case for case in CASES if case not in CANCELS]
per_no = pytest.mark.parametrize(("pair", "average"), NO)
per_case = pytest.mark.parametrize(("pair", "average"), CASES)


def shape(checked: Checked) -> str:
    return "".join(i.args[0] for i in checked.certificate.statement.preactivation.args[1:])


# ---- a planted wrong pair

WRONG_LOSSES: list[tuple[str, Any, Any]] = [
    ("bce", "sigmoid", -y * log(h) + (1 - y) * log(1 - h)),
    ("bce", "sigmoid", y * log(h) + (1 - y) * log(1 - h)),
    ("bce", "sigmoid", -y * log(h) - y * log(1 - h)),
    ("bce", "sigmoid", -y * log(1 - h) - (1 - y) * log(h)),
    ("bce", "sigmoid", -2 * y * log(h) - (1 - y) * log(1 - h)),
    ("bce", "sigmoid", -y * log(h) - (1 - y) * log(1 - h) + h / 10**60),
    ("mse", "identity", (h + y) ** 2 / 2),
    ("mse", "identity", (h - y) ** 2),
    ("mse", "identity", (h - y) ** 2 / 2 + h / 10**60),
    ("mse", "identity", (h - y) ** 3 / 3),
    ("poisson", "exp", h + y * log(h)),
    ("poisson", "exp", h - log(h)),
    ("poisson", "exp", y - h * log(h)),
    ("cce", "softmax", Sum(Y[k] * log(H[k]), (k, 1, K))),
    ("cce", "softmax", -Sum(H[k] * log(H[k]), (k, 1, K))),
    ("cce", "softmax", -Sum(2 * Y[k] * log(H[k]), (k, 1, K))),
    ("cce", "softmax", -Sum(log(H[k]), (k, 1, K))),
]
WRONG_ACTIVATIONS: list[tuple[str, str, Any]] = [
    ("bce", "sigmoid", 1 / (1 + exp(z))),
    ("bce", "sigmoid", 1 / (2 + exp(-z))),
    ("bce", "sigmoid", 1 / (1 + exp(-2 * z))),
    ("bce", "sigmoid", (1 + tanh(z)) / 2),
    ("mse", "identity", -z),
    ("mse", "identity", 2 * z),
    ("mse", "identity", z + z**2 / 10**60),
    ("poisson", "exp", exp(-z)),
    ("poisson", "exp", exp(z) + exp(2 * z) / 10**60),
    ("cce", "softmax", exp(2 * Z[k]) / Sum(exp(2 * Z[l]), (l, 1, K))),
    ("cce", "softmax", exp(-Z[k]) / Sum(exp(-Z[l]), (l, 1, K))),
    ("cce", "softmax", exp(Z[k])),
]


def assert_not_proved(pair: str, average: bool = False) -> None:
    """Refuted, inadmissible or undecided: anything but a yes."""
    try:
        proof = prover.prove(pair, average)
    except DeriveError:
        return
    assert proof.answer == "no"
    assert proof.kind != "cancels"


@pytest.mark.parametrize(("loss", "activation", "cost"), WRONG_LOSSES, ids=[f"{a}: {c}" for a, _, c in WRONG_LOSSES])
def test_a_wrong_loss_does_not_cancel(loss: str, activation: str, cost: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert prover.prove(f"{loss}-{activation}").kind == "cancels"
    monkeypatch.setitem(LOSSES, loss, LOSSES[loss]._replace(cost=cost))
    assert_not_proved(f"{loss}-{activation}")


@pytest.mark.parametrize(
    ("loss", "activation", "output"), WRONG_ACTIVATIONS, ids=[f"{b}: {c}" for _, b, c in WRONG_ACTIVATIONS]
)
def test_a_wrong_activation_does_not_cancel(
    loss: str, activation: str, output: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ACTIVATIONS, activation, ACTIVATIONS[activation]._replace(output=output))
    assert_not_proved(f"{loss}-{activation}")


@pytest.mark.parametrize("pair", ["cce-softmax", "bce-sigmoid"])
def test_a_wrong_entry_makes_the_shipped_certificate_differ(pair: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shipped is derived afresh from the catalogue and compared by its bytes."""
    before = dumps(prover.prove(pair).checked)
    assert before == dumps(stored(pair))
    loss = LOSSES[pair[:3]]
    monkeypatch.setitem(LOSSES, pair[:3], loss._replace(cost=2 * loss.cost))
    after = prover.prove(pair)
    assert dumps(after.checked) != before
    assert after.kind == "multiple"


def test_targets_that_do_not_sum_to_one_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether or not cce says so of its targets: it is a condition that is said, broken by the witness, or no yes."""
    monkeypatch.setitem(LOSSES, "cce", LOSSES["cce"]._replace(targets=LOSSES["cce"].targets[:1]))
    proof = prover.prove("cce-softmax")
    assert (proof.answer, proof.conditions) in (("no", []), ("yes", ["sum(k, y[k]) = 1"]))
    assert proof.delta == "h[j]*sum(k, y[k]) - y[j]"
    assert proof.witness is not None
    values = proof.witness.point.values
    assert sum(value for (name, _), value in values.items() if name == "y") != 1


# ---- a prover that always says yes


def whole_slopes(checked: Checked) -> list[int]:
    """The steps that say dJ/dz in no region of their own."""
    statement, found = checked.certificate.statement, []
    for n, (step, theorem) in enumerate(zip(checked.certificate.steps, checked.theorems, strict=True)):
        conclusion, regions = theorem.conclusion, len(step.assuming) - (step.rule in ("cases", "join"))
        is_slope_of_all = conclusion[:2] == (COST, statement.preactivation) and not regions
        if is_slope_of_all and isinstance(conclusion, Derivative) and conclusion.order == 1:
            found.append(n)
    return found


def claims(checked: Checked) -> list[Step]:
    """h - y as the last word, by every rule that could say it."""
    statement, known = checked.certificate.statement, checked.certificate.steps
    of_z = [n for n, s in enumerate(known) if s.rule == "differentiate-activation"][:1]
    steps = [Step(rule, (n,), statement.residual) for rule in ("rewrite", "unfold") for n in whole_slopes(checked)]
    assumed = dict.fromkeys((*statement.targets, *checked.verdict.conditions))
    steps += [Step("condition", (n,), statement.residual, (r,)) for r in assumed for n in whole_slopes(checked)]
    again = [s._replace(value=statement.residual) for s in known if s.rule in ("chain", "cases", "join", "total")]
    return [*steps, *again, Step("total", (*of_z,), statement.residual), Step("cost", (), statement.residual)]


@per_no
def test_a_claim_of_h_minus_y_is_refused_where_the_pair_does_not_cancel(pair: str, average: bool) -> None:
    checked = stored(pair, average)
    certificate = checked.certificate
    for claim in claims(checked):
        with pytest.raises(KernelError):
            replay(certificate.statement, (*certificate.steps, claim))
        with pytest.raises(KernelError):
            check(certificate._replace(steps=(*certificate.steps[:-1], claim)))


@pytest.mark.parametrize(("pair", "average"), sorted(CANCELS))
def test_the_same_claim_is_accepted_where_it_does(pair: str, average: bool) -> None:
    """The control of the control."""
    certificate = stored(pair, average).certificate
    accepted = 0
    for claim in claims(stored(pair, average)):
        try:
            replay(certificate.statement, (*certificate.steps, claim))
            accepted += 1
        except KernelError:
            continue
    assert accepted >= 1


@per_no
def test_a_prover_whose_every_step_says_h_minus_y_is_refused(pair: str, average: bool) -> None:
    certificate = stored(pair, average).certificate
    run = Derivation(certificate.statement)
    refused = []
    for step in certificate.steps:
        try:
            run.extend(step._replace(value=certificate.statement.residual))
        except KernelError:
            refused.append(step)
            run.extend(step)
        if step.rule == "chain":
            assert step in refused
    assert certificate.steps[-1] in refused


@per_no
def test_a_yes_written_over_a_no_is_refused(pair: str, average: bool) -> None:
    """The very text of the certificate, with another verdict and a checksum that fits."""
    body = json.loads(dumps(stored(pair, average)))
    del body["checksum"]
    body["verdict"] |= {"answer": "yes", "kind": "cancels", "factor": None}
    with pytest.raises(CertificateError, match="verdict"):
        loads(_sealed(body))


# ---- a kernel that always says equal


@per_no
def test_at_the_witness_balls_alone_tell_the_claim_from_the_truth(pair: str, average: bool) -> None:
    """No law and no normal form of the kernel is used there."""
    certificate = stored(pair, average).certificate
    statement = certificate.statement
    slope, point = Slope(COST, statement.preactivation), certificate.points["witness"].point
    assert certainly_different(slope, statement.residual, point, statement.definitions)
    truth = stored(pair, average).verdict.delta
    assert not certainly_different(slope, truth, point, statement.definitions)


@per_no
def test_a_kernel_that_believes_everything_is_found_out(
    pair: str, average: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would call the pair a yes; the numbers of another program say otherwise, and so does the witness."""
    certificate = stored(pair, average).certificate
    statement = certificate.statement
    lie = Step("rewrite", (whole_slopes(stored(pair, average))[-1],), statement.residual)
    monkeypatch.setattr(Calculus, "same", lambda *_: True)
    theorems = replay(statement, (*certificate.steps, lie))
    conclusion = theorems[-1].conclusion
    assert isinstance(conclusion, Derivative)
    assert conclusion.value == statement.residual
    assert not is_slope(pair, conclusion.value, shape(stored(pair, average)))
    with pytest.raises(KernelError, match=r"a point is missing|about a part of the domain"):  # a witness against a yes
        steps = (*certificate.steps, lie)
        verdict(statement, steps, theorems, {name: w.point for name, w in certificate.points.items()})


@pytest.mark.parametrize(("pair", "average"), sorted(CANCELS - CONDITIONAL))
def test_the_numbers_of_the_other_program_confirm_a_yes(pair: str, average: bool) -> None:
    checked = stored(pair, average)
    assert is_slope(pair, checked.certificate.statement.residual, shape(checked))


# ---- claims that are nearly right


def mutants(delta: Term, residual: Term, preactivation: Term) -> dict[str, Term]:
    output, target = residual.args[0], mul(*residual.args[1].args[1:])
    swapped = replace(delta, {output: target, target: output})
    factors = delta.args if delta.kind == "mul" else (delta,)
    found = {
        "sign": neg(delta),
        "twice": mul(num(2), delta),
        "half": div(delta, num(2)),
        "a little more": mul(add(ONE, power(num(10), -60)), delta),
        "a little beside": add(delta, mul(power(num(10), -60), preactivation)),
        "one more": add(delta, ONE),
        "h twice": mul(output, delta),
    }
    found |= {
        f"without factor {n}": mul(*factors[:n], *factors[n + 1 :]) for n in range(len(factors)) if len(factors) > 1
    }
    return found | ({"h and y exchanged": swapped} if swapped != delta else {})


@per_case
def test_no_mutant_of_delta_is_proved(pair: str, average: bool) -> None:
    """Neither with h free, nor with h read as the activation."""
    checked = stored(pair, average)
    statement, delta = checked.certificate.statement, checked.verdict.delta
    theories = (
        Theory(statement.outer_definitions, statement.loss_domain),
        Theory(statement.definitions, statement.activation_domain),
    )
    for theory in theories:
        theory.equal(delta, delta)
        for name, mutant in mutants(delta, statement.residual, statement.preactivation).items():
            with pytest.raises(KernelError):
                theory.equal(delta, mutant)
                pytest.fail(f"proved: {name}")


# ---- a planted wrong law

WRONG_LAWS: dict[str, tuple[str, dict[str, Any]]] = {
    "log' = 2/x": ("log", {"derivative": lambda t: div(num(2), t)}),
    "log' = -1/x": ("log", {"derivative": lambda t: neg(power(t, -1))}),
    "log' = 1/x^2": ("log", {"derivative": lambda t: power(t, -2)}),
    "exp' = -exp": ("exp", {"derivative": lambda t: neg(call("exp", t))}),
    "exp' = 1": ("exp", {"derivative": lambda t: ONE}),
    "exp' = exp(2x)": ("exp", {"derivative": lambda t: call("exp", mul(num(2), t))}),
    "tanh' = 1 + tanh^2": ("tanh", {"derivative": lambda t: add(ONE, power(call("tanh", t), 2))}),
    "tanh = 2": ("tanh", {"rewrite": lambda t: num(2)}),
    "log without a domain": ("log", {"domain": lambda t: (), "smooth": lambda t: ()}),
}


def breaks(name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pairs whose shipped certificate no longer holds under the planted law."""
    function, fields = WRONG_LAWS[name]
    planted: Law = LAWS[function]._replace(**fields)
    texts = {case: dumps(stored(*case)) for case in CASES if not case[1]}
    monkeypatch.setitem(LAWS, function, planted)
    broken = []
    for (pair, _), text in texts.items():
        try:
            loads(text)
        except CertificateError:
            broken.append(pair)
    return broken


@pytest.mark.parametrize("name", WRONG_LAWS)
def test_a_wrong_law_breaks_the_shipped_certificates_that_use_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function = WRONG_LAWS[name][0]
    broken = breaks(name, monkeypatch)
    users = {
        "log": ("bce-sigmoid", "cce-softmax", "poisson-exp"),
        "exp": ("bce-sigmoid", "cce-softmax", "mse-softmax", "poisson-sigmoid"),
        "tanh": ("mse-tanh", "sse-tanh"),
    }[function]
    assert set(users) <= set(broken)
    assert "mse-identity" not in broken


@pytest.mark.parametrize("name", [name for name, (_, fields) in WRONG_LAWS.items() if "derivative" in fields])
def test_a_wrong_derivative_is_not_proved_consistently(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Derived afresh under it, each pair is undecided, as before, or wrong by the numbers of another program."""
    function, fields = WRONG_LAWS[name]
    monkeypatch.setitem(LAWS, function, LAWS[function]._replace(**fields))
    noticed = 0
    for pair in ("bce-sigmoid", "poisson-exp", "cce-softmax", "mse-tanh", "mse-sigmoid", "mse-exp"):
        try:
            proof = prover.prove(pair)
        except KernelError:
            noticed += 1
            continue
        noticed += not is_slope(pair, proof.verdict.delta, shape(proof.checked))
    assert noticed >= 1


@pytest.mark.parametrize("name", ["log without a domain"])
def test_a_law_without_its_domain_loses_hypotheses_and_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, fields = WRONG_LAWS[name]
    text = dumps(stored("bce-sigmoid", False))
    monkeypatch.setitem(LAWS, function, LAWS[function]._replace(**fields))
    with pytest.raises(CertificateError, match="hypotheses"):
        loads(text)
