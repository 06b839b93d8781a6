"""Claims that people made about gradients, in both spellings, through the command line: right or wrong, and why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import derive

ROOT = Path(__file__).parent.parent
CODES = {"right": 0, "wrong": 1, "undecided": 3}


@cache
def checked(*arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the JSON of ``derive check``."""
    run = subprocess.run(
        [sys.executable, "-m", "derive", "check", "--json", *arguments],
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
    )
    assert run.stdout, run.stderr
    return run.returncode, json.loads(run.stdout)


class Claim(NamedTuple):
    """A claim in both spellings with what it is about, and the slip if it is wrong.

    correct: an equation that what should stand there satisfies. conditions: of the claim, or else of the correction.
    said: words of the explanation.
    """

    plain: str
    latex: str
    about: str | dict[str, Any]
    slip: str | None = None
    correct: str = ""
    conditions: tuple[str, ...] = ()
    said: str = ""

    @property
    def options(self) -> dict[str, Any]:
        return {"pair": self.about} if isinstance(self.about, str) else self.about

    @property
    def arguments(self) -> list[str]:
        flags = [f"--{name}" for name, value in self.options.items() if value is True]
        named = {name: str(value) for name, value in self.options.items() if value is not True and name != "params"}
        named_flags = [part for name, value in named.items() for part in (f"--{name}", value)]
        return [*flags, *named_flags, *(part for p in self.options.get("params", ()) for part in ("--param", p))]


BCE, SOFTMAX = "bce-sigmoid", "cce-softmax"
AVERAGED: dict[str, Any] = {"pair": BCE, "average": True}
HIDDEN: dict[str, Any] = {"pair": BCE, "layer": 2}
SUM_IS_ONE = ("sum(k, y[k]) = 1",)
CROSS_ENTROPY = "-sum(k, y[k]*log(h[k]))"
UNSAID: dict[str, Any] = {"loss": CROSS_ENTROPY, "activation": "softmax(z)"}
COLLAPSED = "a sum should have collapsed"

FROM_TWO_PAGES = {
    "slope of the sigmoid": Claim("sigma'(z) = h*(1 - h)", r"\sigma'(z) = h(1-h)", BCE),
    "slope of the output": Claim("dh/dz = h(1-h)", r"\frac{\partial h}{\partial z} = h(1-h)", BCE),
    "one output of one example": Claim(
        "dJ/dh[i,k] = (1/m)*(h[i,k] - y[i,k])/(h[i,k]*(1 - h[i,k]))",
        r"\frac{\partial J}{\partial h^{(i)}_k} = \frac{1}{m}\frac{h^{(i)}_k - y^{(i)}_k}{h^{(i)}_k (1 - h^{(i)}_k)}",
        AVERAGED,
    ),
    "a double sum that stayed": Claim(
        "dJ/dh[i,k] = (1/m)*sum(r, m, sum(l, (h[r,l] - y[r,l])/(h[r,l]*(1 - h[r,l]))))",
        r"\frac{\partial J}{\partial h^{(i)}_k} = \frac{1}{m} \sum_{r=1}^m \sum_{l=1}^K"
        r" \frac{h^{(r)}_l - y^{(r)}_l}{h^{(r)}_l (1 - h^{(r)}_l)}",
        AVERAGED,
        "other",
        "dJ/dh[i,k] = (h[i,k] - y[i,k])/(m*h[i,k]*(1 - h[i,k]))",
        said=COLLAPSED,
    ),
    "one output, one example": Claim(
        "dJ/dh = (h-y)/(h(1-h))", r"\frac{\partial J}{\partial h} = \frac{h-y}{h(1-h)}", BCE
    ),
    "the answer given for dJ/dh": Claim(
        "dJ/dh = h - y",
        r"\frac{\partial J}{\partial h_\theta(x)} = h_\theta(x) - y",
        BCE,
        "wrong-variable",
        "dJ/dh = (h - y)/(h*(1 - h))",
    ),
    "delta defined by h": Claim(
        "delta^(3) = dJ/dh",
        r"\delta^{(3)} = \frac{\partial J}{\partial h}",
        BCE,
        "wrong-variable",
        "delta = h - y",
    ),
    "a comment": Claim("h(1-h) dJ/dh = h - y", r"h(1-h) \frac{\partial J}{\partial h} = h - y", BCE),
    "delta as a double sum": Claim(
        "dJ/dz[i,j] = (1/m)*sum(r, m, sum(k, h[r,k] - y[r,k]))",
        r"\frac{\partial J}{\partial z^{(i)}_j} = \frac{1}{m}\sum_{r=1}^m \sum_{k=1}^K (h^{(r)}_k - y^{(r)}_k)",
        AVERAGED,
        "other",
        "dJ/dz[i,j] = (h[i,j] - y[i,j])/m",
        said=COLLAPSED,
    ),
    "delta of one output and example": Claim("delta^(3) = h - y", r"\delta^{(3)} = h_\theta(x) - y", BCE),
    "delta of the last layer": Claim("delta = a - y", r"\delta^{(L)} = a^{(L)} - y", BCE),
    "a hidden layer": Claim(
        "delta2_j = sum(k, Theta2_kj*delta3_k)*a2_j*(1 - a2_j)",
        r"\delta^{(2)}_j = \sum_{k=1}^K \Theta^{(2)}_{kj} \delta^{(3)}_k \cdot a^{(2)}_j (1 - a^{(2)}_j)",
        HIDDEN,
    ),
    "a hidden layer by f'": Claim(
        "delta2_j = sum(k, Theta2_kj*(h_k - y_k))*f'(z2_j)",
        r"\delta^{(2)}_j = \left(\sum_k \Theta^{(2)}_{kj} (a^{(3)}_k - y_k)\right) f'(z^{(2)}_j)",
        HIDDEN,
    ),
    "a hidden layer without f'": Claim(
        "delta2_j = sum(k, Theta2_kj*(h_k - y_k))",
        r"\delta^{(2)}_j = \sum_{k} \Theta^{(2)}_{kj} (h_k - y_k)",
        HIDDEN,
        "missing-activation-derivative",
        "delta2_j = sum(k, Theta2_kj*delta_k)*a2_j*(1 - a2_j)",
    ),
    "squared error with a sigmoid": Claim("-(y - yhat)*f'(z)", r"\delta = -(y - \hat{y}) f'(z)", "mse-sigmoid"),
    "the same with a": Claim("delta = (a - y) f'(z)", r"(a - y) f'(z)", "mse-sigmoid"),
    "squared error whole": Claim(
        "yhat - y",
        r"\hat{y} - y",
        {"loss": "(yhat - y)^2", "activation": "z"},
        "constant-factor",
        "dJ/dz = 2*(h - y)",
    ),
    "squared error halved": Claim("yhat - y", r"\hat{y} - y", {"loss": "(h - y)^2/2", "activation": "z"}),
    "cross-entropy with a sigmoid": Claim("yhat - y", r"\hat{y} - y", BCE),
    "cross-entropy with softmax": Claim("yhat_j - y_j", r"\hat{y}_j - y_j", SOFTMAX, conditions=SUM_IS_ONE),
    "cross-entropy with softmax, unsaid": Claim(
        "yhat_j - y_j",
        r"\hat{y}_j - y_j",
        UNSAID,
        "missing-condition",
        "dJ/dz_j = h_j*sum(k, y_k) - y_j",
        SUM_IS_ONE,
    ),
    "slope of the cross-entropy": Claim(
        "d/dh (-y*log(h) - (1 - y)*log(1 - h)) = 1/(h*(1 - h))",
        r"\frac{d}{dh}\left(-y \log h - (1-y) \log(1-h)\right) = \frac{1}{h(1-h)}",
        BCE,
        "other",
        "dJ/dh = (h - y)/(h*(1 - h))",
    ),
}

FROM_ELSEWHERE = {
    "dZ of a course": Claim("dZ = A - Y", r"\frac{\partial J}{\partial Z} = A - Y", BCE),
    "dA of a course": Claim(
        "dA = -Y/A + (1 - Y)/(1 - A)", r"\frac{\partial J}{\partial A} = -\frac{Y}{A} + \frac{1-Y}{1-A}", BCE
    ),
    "da for dz": Claim(
        "da = a - y",
        r"\frac{\partial J}{\partial a} = a - y",
        BCE,
        "wrong-variable",
        "dJ/dh = (h - y)/(h*(1 - h))",
    ),
    "the sign of one term": Claim(
        "dJ/dh = -(y/yhat + (1 - y)/(1 - yhat))",
        r"\frac{\partial J}{\partial \hat{y}} = -\left(\frac{y}{\hat{y}} + \frac{1-y}{1-\hat{y}}\right)",
        BCE,
        "sign",
        "dJ/dh = (h - y)/(h*(1 - h))",
    ),
    "p in the wrong place": Claim(
        "dJ/dz_j = sum(i, p_i*y_i) - y_j",
        r"\frac{\partial J}{\partial z_j} = \sum_i p_i y_i - y_j",
        SOFTMAX,
        "other",
        "dJ/dz_j = p_j*sum(i, y_i) - y_j",
        SUM_IS_ONE,
    ),
    "p before the sum": Claim("dJ/dz_i = p_i*sum(k, y_k) - y_i", r"p_i \sum_k y_k - y_i", UNSAID),
    "p minus y": Claim("p_i - y_i", r"\frac{\partial J}{\partial z_i} = p_i - y_i", SOFTMAX, conditions=SUM_IS_ONE),
    "a temperature": Claim("(p_j - y_j)/T", r"\frac{p_j - y_j}{T}", "cce-softmaxT", conditions=SUM_IS_ONE),
    "a temperature, unsaid": Claim(
        "dJ/dz_j = (p_j - y_j)/T",
        r"\frac{1}{T} (p_j - y_j)",
        {"loss": CROSS_ENTROPY, "activation": "exp(z[k]/T)/sum(l, exp(z[l]/T))", "params": ("T > 0",)},
        "missing-condition",
        "dJ/dz_j = (p_j*sum(k, y_k) - y_j)/T",
        SUM_IS_ONE,
    ),
    "only the diagonal": Claim(
        "2*(p_j - y_j)*p_j*(1 - p_j)",
        r"2 (p_j - y_j) p_j (1 - p_j)",
        "sse-softmax",
        "diagonal-jacobian",
        "dJ/dz_j = 2*sum(i, (p_i - y_i)*p_i*(kron(i, j) - p_j))",
    ),
    "the whole Jacobian": Claim(
        "2*sum(i, (p_i - y_i)*p_i*(kron(i, j) - p_j))",
        r"2 \sum_i (p_i - y_i) p_i (\delta_{ij} - p_j)",
        {"loss": "sum(k, (h[k] - y[k])^2)", "activation": "softmax(z)"},
    ),
    "labels 0 and 1 for -1 and 1": Claim(
        "sigmoid(z) - y",
        r"\sigma(z) - y",
        "logistic-identity",
        "label-convention",
        "dJ/dz = -y*sigmoid(-y*z)",
        said="{-1, 1}",
    ),
    "the same of a loss written out": Claim(
        "sigmoid(z) - y",
        r"\sigma(z) - y",
        {"loss": "log(1 + exp(-y*z))", "activation": "z"},
        "label-convention",
        "dJ/dz = -y*sigmoid(-y*z)",
    ),
    "labels -1 and 1": Claim(
        "-y*sigmoid(-y*z)", r"-y \, \sigma(-y z)", {"loss": "log(1 + exp(-y*z))", "activation": "z"}
    ),
    "the perceptron for the hinge": Claim(
        "max(0, -y*z)",
        r"\max(0, -y z)",
        "hinge-identity",
        "other",
        "dJ/dz = where(y*z < 1, -y, 0)",
        ("h*y != 1",),
    ),
    "the hinge": Claim(
        "where(y*z < 1, -y, 0)",
        r"\begin{cases} -y & \text{if } y z < 1 \\ 0 & \text{otherwise} \end{cases}",
        "hinge-identity",
        conditions=("h*y != 1",),
    ),
    "label minus prediction": Claim(
        "y - h",
        r"y - \hat{y}",
        "huber-identity",
        "sign",
        "dJ/dz = where(h - y > d, d, where(h - y < -d, -d, h - y))",
    ),
    "label minus prediction inside": Claim(
        "where(|h - y| < d, y - h, where(h > y, d, -d))",
        r"\begin{cases} y - h & \text{if } |h - y| < d \\ d & \text{if } h > y \\ -d & \text{otherwise} \end{cases}",
        "huber-identity",
        "sign",
        "dJ/dz = where(h - y > d, d, where(h - y < -d, -d, h - y))",
    ),
    "y for h below": Claim(
        "dJ/dh = (log(1 + h) - log(1 + y))/(1 + y)",
        r"\frac{\partial J}{\partial h} = \frac{\ln(1+h) - \ln(1+y)}{1+y}",
        "msle-softplus",
        "other",
        "dJ/dh = (log(1 + h) - log(1 + y))/(1 + h)",
    ),
    "the focal loss by p": Claim(
        "-alpha*y*(1 - p)^gamma/p + alpha*gamma*y*(1 - p)^(gamma - 1)*log(p)"
        " + (1 - alpha)*(1 - y)*p^gamma/(1 - p) - gamma*(1 - alpha)*(1 - y)*p^(gamma - 1)*log(1 - p)",
        r"-\frac{\alpha y (1-p)^\gamma}{p} + \alpha \gamma y (1-p)^{\gamma-1} \log(p)"
        r" + \frac{(1-\alpha)(1-y) p^\gamma}{1-p} - \gamma (1-\alpha)(1-y) p^{\gamma-1} \log(1-p)",
        "focal-sigmoid",
        "missing-activation-derivative",
        "dJ/dz = dJ/dh*h*(1 - h)",
    ),
    "twice the curvature": Claim(
        "d2J/dz2 = 2*p*(1 - p)",
        r"\frac{\partial^2 J}{\partial z^2} = 2p(1-p)",
        BCE,
        "constant-factor",
        "d2J/dz2 = h*(1 - h)",
    ),
    "the curvature": Claim("d2J/dz2 = p(1-p)", r"\frac{\partial^2 J}{\partial z^2} = p(1-p)", BCE),
}
CLAIMS = {**FROM_TWO_PAGES, **FROM_ELSEWHERE}
SPELLINGS = ("plain", "latex")
spelt = pytest.mark.parametrize("spelling", SPELLINGS)


@spelt
@pytest.mark.parametrize("name", CLAIMS)
def test_the_answer_and_the_slip(name: str, spelling: str) -> None:
    claim = CLAIMS[name]
    code, found = checked(*claim.arguments, "--", getattr(claim, spelling))
    answer = "wrong" if claim.slip else "right"
    assert (found["answer"], found["slip"], code) == (answer, claim.slip, CODES[answer])
    assert found["first_wrong"] == (1 if claim.slip else None)
    assert tuple(found["conditions"]) == claim.conditions
    assert (found["witness"] is not None) == (answer == "wrong")
    assert found["reason"] is None
    assert claim.said in (found["explanation"] or "")


@spelt
@pytest.mark.parametrize("name", [name for name, claim in CLAIMS.items() if claim.slip])
def test_what_should_stand_there_is_right(name: str, spelling: str) -> None:
    """By the kernel, and not by its text; the control is that the claim itself is not."""
    claim = CLAIMS[name]
    _, found = checked(*claim.arguments, "--", getattr(claim, spelling))
    left, _, correct = claim.correct.partition(" = ")
    for right in (correct, found["correction"]):
        assert derive.check(f"{left} = {right}", **claim.options).answer == "right", right
    assert derive.check(f"{found['correction']} = {correct}", **claim.options).answer == "right"
    assert derive.check(getattr(claim, spelling), **claim.options).answer == "wrong"


@pytest.mark.parametrize("name", CLAIMS)
def test_both_spellings_say_the_same(name: str) -> None:
    plain, latex = (checked(*CLAIMS[name].arguments, "--", getattr(CLAIMS[name], s))[1] for s in SPELLINGS)
    for field in ("answer", "slip", "conditions", "correction", "witness"):
        assert plain[field] == latex[field], field


@pytest.mark.parametrize("name", [name for name, claim in CLAIMS.items() if claim.slip])
def test_the_witness_shows_two_numbers(name: str) -> None:
    witness = checked(*CLAIMS[name].arguments, "--", CLAIMS[name].plain)[1]["witness"]
    assert witness["value"] != witness["claim"]
