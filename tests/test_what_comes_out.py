"""What the literature says of these pairs: kinds, factors and conditions, compared by the kernel's equality."""

from __future__ import annotations

import pytest

from derive.certificate import load
from derive.kernel import Theory, strictly
from derive.proof import Proof
from derive.syntax import parse, parse_relation
from derive.term import Term

SUM_TO_ONE = ["sum(k, y[k]) = 1"]

# 1. exactly h - y, and what has to be assumed
CANCELS: dict[str, list[str]] = {
    "mse-identity": [],
    "bce-sigmoid": [],
    "poisson-exp": [],
    "gamma-inverse": [],
    "invgaussian-invsqrt": [],
    "tweedie-power": [],
    "negbin-nblink": [],
    "kl-softmax": SUM_TO_ONE,
    "cce-softmax": SUM_TO_ONE,
}
# 2. a constant multiple
MULTIPLES = {
    "sse-identity": ("2", []),
    "brier-identity": ("2", []),
    "bce-halftanh": ("2", []),
    "cce-softmaxT": ("1/T", SUM_TO_ONE),
}
# 3. a residual factor
FACTORS = {
    "mse-sigmoid": "h*(1 - h)",
    "mse-tanh": "1 - h^2",
    "mse-exp": "h",
    "mse-softplus": "1 - exp(-h)",
    "mse-probit": "phi(z)",
    "mse-arctan": "1/(1 + z^2)",
    "mse-relu": "where(z > 0, 1, 0)",
    "bce-probit": "phi(z)/(h*(1 - h))",
    "bce-cloglog": "exp(z)/h",
    "bce-cauchit": "1/(pi*(1 + z^2)*h*(1 - h))",
    "poisson-identity": "1/h",
    "poisson-softplus": "(1 - exp(-h))/h",
    "gamma-exp": "1/h",
    "invgaussian-exp": "1/h^2",
    "tweedie-exp": "h^(1 - p)",
    "negbin-exp": "r/(r + h)",
}
# 4. of no such shape: dJ/dz itself
DELTAS = {
    "cce-sigmoid": "y[j]*(h[j] - 1)",
    "wbce-sigmoid": "(1 - y)*h - w*y*(1 - h)",
    "binomial-sigmoid": "N*h - y",
    "wcce-softmax": "h[j]*sum(k, w[k]*y[k]) - w[j]*y[j]",
    "mse-softmax": "h[j]*((h[j] - y[j]) - sum(k, h[k]*(h[k] - y[k])))",
    "bce-softmax": "h[j]*((h[j] - y[j])/(h[j]*(1 - h[j])) - sum(k, h[k]*(h[k] - y[k])/(h[k]*(1 - h[k]))))",
    "reversekl-softmax": "h[j]*(log(h[j]/y[j]) - sum(k, h[k]*log(h[k]/y[k])))",
    "quantile-identity": "where(h < y, -t, 1 - t)",  # off h = y, where 1[h > y] = 1 - 1[h < y]
    "hinge-identity": "where(y*h < 1, -y, 0)",
    "logistic-identity": "-y/(1 + exp(y*h))",
    "exploss-identity": "-y*exp(-y*h)",
    "dice-sigmoid": "-h[j]*(1 - h[j])*(2*y[j]*(sum(k, h[k]) + sum(k, y[k]) + s) - 2*sum(k, h[k]*y[k]) - s)"
    "/(sum(k, h[k]) + sum(k, y[k]) + s)^2",
    "tversky-sigmoid": "-h[j]*(1 - h[j])*(y[j]*(alpha*sum(k, h[k]*(1 - y[k])) + beta*sum(k, (1 - h[k])*y[k]))"
    " - sum(k, h[k]*y[k])*(alpha*(1 - y[j]) - beta*y[j]))"
    "/(sum(k, h[k]*y[k]) + alpha*sum(k, h[k]*(1 - y[k])) + beta*sum(k, (1 - h[k])*y[k]))^2",
}
FOCAL = {
    "y = 1": "alpha*(1 - h)^gamma*(gamma*h*log(h) - (1 - h))",
    "y = 0": "-(1 - alpha)*h^gamma*(gamma*(1 - h)*log(1 - h) - h)",
}
HUBER = {
    "d < h - y": "d",
    "d < y - h": "-d",
    "d > y - h": "h - y",
}


def proof(pair: str) -> Proof:
    return Proof(load(pair))


def same(found: Proof, left: Term | None, right: str, *region: Term) -> bool:
    """Whether the kernel proves both equal on the domain (and a region), with no further condition but exclusions."""
    assert left is not None
    statement = found.statement
    assumed = (*statement.inner_assumptions, *region)
    theorem = Theory(statement.definitions, assumed).equal(left, parse(right, found.symbols))
    return all(h in assumed or h.args[0] == "!=" for h in theorem.hypotheses)


@pytest.mark.parametrize("pair", CANCELS)
def test_exactly_the_residual(pair: str) -> None:
    found = proof(pair)
    assert (found.answer, found.kind, found.factor, found.conditions) == ("yes", "cancels", None, CANCELS[pair])
    assert not found.verdict.exclusions


@pytest.mark.parametrize("pair", ["cce-softmax", "kl-softmax"])
def test_without_the_condition_it_is_something_else(pair: str) -> None:
    found = proof(pair)
    assert same(found, found.verdict.delta, "h[j]*sum(k, y[k]) - y[j]")
    assert found.witness is not None
    assert sum(v for (name, _), v in found.witness.point.values.items() if name == "y") != 1


def test_smoothed_labels_are_met_instead_of_the_labels() -> None:
    """h - y' with y' = (1 - e) y + e/K, under sum y = 1: not h - y, so that the answer is no."""
    found = proof("lsce-softmax")
    assert (found.answer, found.conditions) == ("no", SUM_TO_ONE)
    last = next(s for s in reversed(found.steps) if s.assuming)
    assert same(found, last.right, "h[j] - ((1 - epsilon)*y[j] + epsilon/K)")


@pytest.mark.parametrize("pair", MULTIPLES)
def test_a_constant_multiple(pair: str) -> None:
    found, (factor, conditions) = proof(pair), MULTIPLES[pair]
    assert (found.answer, found.kind, found.conditions) == ("no", "multiple", conditions)
    assert same(found, found.verdict.factor, factor)


def test_the_mean_over_examples_is_a_multiple() -> None:
    from derive.prover import prove

    found = prove("bce-sigmoid", average=True)
    assert (found.kind, found.factor) == ("multiple", "1/m")


@pytest.mark.parametrize("pair", FACTORS)
def test_a_residual_factor(pair: str) -> None:
    found = proof(pair)
    assert (found.answer, found.kind, found.conditions) == ("no", "residual", [])
    assert same(found, found.verdict.factor, FACTORS[pair])


@pytest.mark.parametrize("pair", DELTAS)
def test_of_no_such_shape(pair: str) -> None:
    found = proof(pair)
    assert (found.answer, found.kind, found.conditions) == ("no", "other", [])
    border = [r for r in found.verdict.exclusions if r.args[0] == "!="]
    assert same(found, found.verdict.delta, DELTAS[pair], *border)


@pytest.mark.parametrize("target", FOCAL)
def test_focal_loss_by_class(target: str) -> None:
    found = proof("focal-sigmoid")
    assert found.kind == "other"
    relation = parse_relation(target, found.symbols)
    region = next(r for r in found.verdict.regions if r.where == (relation,))
    assert same(found, region.delta, FOCAL[target], relation)


def test_relu_has_a_kink_where_its_slope_jumps() -> None:
    found = proof("mse-relu").verdict
    (kink,) = found.kinks
    (zero, residual) = (parse(t, proof("mse-relu").symbols) for t in ("0", "h - y"))
    assert [(kink.left, kink.right)] == [(zero, residual)]


def test_huber_loss_by_region() -> None:
    """Three regions and no kink: dJ/dh is continuous where they meet."""
    found = proof("huber-identity")
    assert not found.verdict.kinks
    assert not found.verdict.exclusions
    assert len(found.verdict.regions) == len(HUBER)
    for last, delta in HUBER.items():
        relation = parse_relation(last, found.symbols)
        region = next(r for r in found.verdict.regions if r.where[-1] == strictly(relation))
        assert same(found, region.delta, delta, *region.where)
