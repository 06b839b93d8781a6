"""Writes tests/corpus/false.jsonl: false statements, each with a point at which the balls of tools/recheck.py say so.

    python tools/make_corpus.py [--check]

Every pair of the catalogue gives one wrong statement, by a mutation that goes round with the pair, and the pairs of ALL
every one that applies; the traps are written by hand. --check writes nothing and ends with 1 if the file would change.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from flint import arb, ctx
from recheck import Case, Env, ball, fulfils, taylor, value

ROOT = Path(__file__).parent.parent
CORPUS = ROOT / "tests" / "corpus" / "false.jsonl"
ALL = ("bce-sigmoid", "mse-sigmoid", "mse-tanh", "huber-relu", "poisson-exp", "gamma-exp", "cce-softmax", "sse-softmax")
SUBJECTS = {"dJ/dz": "dJ/dz", "dJ/dz_j": "dJ/dz", "dJ/dh": "dJ/dh", "dJ/dh_k": "dJ/dh", "dh/dz": "dh/dz"}
SUBJECTS |= {"dh_k/dz_j": "dh/dz", "d2J/dz2": "d2J/dz2", "d2J/dz_j2": "d2J/dz2"}
Source = tuple[Case, str, str, str]  # the case, and the texts of dJ/dz, dJ/dh and dh/dz


def swapped(text: str) -> str:
    return re.sub(r"\b[hy]\b", lambda found: {"h": "y", "y": "h"}[found[0]], text)


def left(case: Case, scalar: str) -> str:
    return {"dJ/dz": "dJ/dz_j", "dJ/dh": "dJ/dh_k", "dh/dz": "dh_k/dz_j"}[scalar] if case.vector else scalar


def inner_sum(text: str) -> str | None:
    """The text with its first sum of one factor collapsed to the term of j."""
    found = re.search(r"sum\(k, (\w+)\[k\]\)", text)
    return text.replace(found[0], f"{found[1]}[j]", 1) if found else None


def only_in_a_region(source: Source) -> str | None:
    regions = source[0].verdict["regions"]
    return f"{left(source[0], 'dJ/dz')} = {regions[-1]['delta']}" if regions else None


def one_index(source: Source) -> str | None:
    case, _, _, jacobian = source
    return f"dh_k/dz_j = {jacobian.replace('[j]', '[k]')}" if case.vector and "[j]" in jacobian else None


def collapsed(source: Source) -> str | None:
    found = inner_sum(source[1]) if source[0].vector else None
    return found and f"dJ/dz_j = {found}"


def without_slope(source: Source) -> str:
    case, _, loss_slope, _ = source
    return f"{left(case, 'dJ/dz')} = {loss_slope.replace('[k]', '[j]') if case.vector else loss_slope}"


MUTATIONS: dict[str, Callable[[Source], str | None]] = {
    "sign": lambda s: f"{left(s[0], 'dJ/dz')} = -({s[1]})",
    "factor 2": lambda s: f"{left(s[0], 'dJ/dz')} = 2*({s[1]})",
    "f' dropped": lambda s: without_slope(s) if "sum" not in s[2] else None,
    "f' added": lambda s: None if s[0].vector else f"dJ/dz = ({s[1]})*({s[3]})",
    "h and y swapped": lambda s: f"{left(s[0], 'dJ/dz')} = {swapped(s[1])}",
    "an index renamed": one_index,
    "a sum collapsed": collapsed,
    "a sum kept": lambda s: (
        f"dJ/dz_j = sum(k, {s[1].replace('[j]', '[k]')})" if s[0].vector and "sum" not in s[1] else None
    ),
    "a region for all": only_in_a_region,
    "+ 10^-60 z": lambda s: f"{left(s[0], 'dJ/dz')} = {s[1]} + {s[0].statement['preactivation']}/10^60",
    "wrong variable": lambda s: None if s[0].vector else f"dJ/dh = {s[1]}",
    "sign of dJ/dh": lambda s: f"{left(s[0], 'dJ/dh')} = -({s[2]})",
    "sign of dh/dz": lambda s: f"{left(s[0], 'dh/dz')} = -({s[3]})",
    "h - y after all": lambda s: None if s[0].verdict["answer"] == "yes" else f"{left(s[0], 'dJ/dz')} = {s[0].claim}",
}
SOFTMAX, SQUARES = "exp(z[k])/sum(l, exp(z[l]))", "sum(k, (h[k] - y[k])^2)"
# Pair, or loss and activation; what is claimed.
TRAPS: tuple[tuple[Any, str], ...] = (
    ("bce-sigmoid", "dJ/dz = h - y + log(1 + 1/10^40 + sqrt((1 + 1/10^40)^2 - 1))*z"),  # acosh(1 + 10^-40) z
    ("bce-sigmoid", "dJ/dz = h - y + (sqrt(2)*sqrt(3) - sqrt(6) + 10^(-60))*z"),
    ("bce-sigmoid", "dJ/dz = h - y + (0.1 + 0.2 - 0.3 + 1e-17)*z"),
    ("bce-sigmoid", "dJ/dz = h - y + (exp(pi*sqrt(163)) - 262537412640768744)*z"),
    ("bce-sigmoid", "dJ/dh = h - y"),
    ("bce-sigmoid", "dJ/dh = 1/(h*(1 - h))"),
    ("bce-sigmoid", "dJ/dh = -(y/h + (1 - y)/(1 - h))"),
    ("bce-sigmoid", "d2J/dz2 = 2*h*(1 - h)"),
    ("bce-sigmoid", "dh/dz = h"),
    ("bce-sigmoid", "dh/dz = h*(1 + h)"),
    ("mse-sigmoid", "dJ/dz = h - y"),
    ("sse-identity", "dJ/dz = h - y"),
    ("sse-sigmoid", "dJ/dz = 2*(h - y)"),
    ("cce-softmax", "dJ/dz_j = sum(k, h[k]*y[k]) - y[j]"),
    ("cce-softmax", "dJ/dz_j = -y[j]"),
    ("cce-softmax", "dJ/dz_j = -y[j]*(1 - h[j])"),
    ("cce-softmax", "dh_k/dz_j = h[k]*(1 - h[j])"),
    ("cce-softmax", "dh_k/dz_j = kron(k, j)*h[k]*(1 - h[k])"),
    ("cce-softmax", "dh_k/dz_j = h[k]*(kron(k, j) - h[k])"),
    ("cce-softmax", "dh_k/dz_j = -h[k]*h[j]"),
    ("cce-softmaxT", "dJ/dz_j = h[j] - y[j]"),
    ("cce-softmaxT", "dJ/dz_j = T*(h[j] - y[j])"),
    ("sse-softmax", "dJ/dz_j = 2*(h[j] - y[j])*h[j]*(1 - h[j])"),
    ("sse-softmax", "dJ/dz_j = 2*sum(k, (h[k] - y[k])*h[k]*(kron(k, j) - h[k]))"),
    ("hinge-identity", "dJ/dz = where(y*z < 0, -y, 0)"),
    ("hinge-identity", "dJ/dz = -y"),
    ("mae-identity", "dJ/dz = 1"),
    ("huber-identity", "dJ/dz = y - h"),
    ("huber-identity", "dJ/dz = h - y"),
    ("msle-exp", "dJ/dz = h*(log(1 + h) - log(1 + y))/(1 + y)"),
    ("logistic-identity", "dJ/dz = sigmoid(z) - y"),
    ("brier-relu", "dJ/dz = 2*(h - y)"),
    ("brier-relu", "dJ/dz = 0"),
    ("brier-relu", "dh/dz = 1"),
    ("brier-leakyrelu", "dh/dz = alpha"),
    ("tweedie-power", "dJ/dz = (1 - p)*(h - y)"),
    ("focal-sigmoid", "dJ/dz = h - y"),
    ("gamma-inverse", "dJ/dz = y - h"),
    (("h", "sqrt(z^2)"), "dJ/dz = 1"),
    (("h", "sqrt(z^2)"), "dJ/dz = z"),
    (("h", "log(exp(z)) + abs(z)"), "dJ/dz = 2"),
    (("h", "atan(z) + z"), "dJ/dz = 1"),
    (("h", "z*abs(z)"), "dJ/dz = 2*z"),
    (("h^2/2 - y*h", "z"), "dJ/dz = h + y"),
    (("sum(k, h[k]^2)", "z[k]"), "dJ/dz_j = sum(k, 2*h[k])"),
    (("sum(k, h[k]^2)", "z[k]"), "dJ/dz_j = 2*h[j]*K"),
    (("sum(k, h[k])^2", "z[k]"), "dJ/dz_j = 2*h[j]"),
    ((SQUARES, SOFTMAX), "dJ/dz_j = 2*h[j]*(h[j] - y[j])"),
    ((SQUARES, SOFTMAX), "dJ/dz_j = 2*h[j]*((h[j] - y[j]) - sum(k, h[k] - y[k]))"),
)


def stated(loss: str, activation: str) -> Case:
    """A statement of one's own, as a certificate would say it."""
    vector = "[" in loss
    at = (
        {"output": "h[k]", "target": "y[k]", "preactivation": "z[j]"}
        if vector
        else {"output": "h", "target": "y", "preactivation": "z"}
    )
    families = {name: ["K"] for name in "hyz"} if vector else {}
    symbols = {
        "scalars": [] if vector else ["h", "y", "z"],
        "families": families,
        "indices": {"j": "K", "k": "K"} if vector else {},
    }
    empty = {name: list[str]() for name in ("loss_domain", "activation_domain", "targets", "parameters", "cases")}
    statement = {"cost": loss, "activation": activation, **at, **empty}
    verdict = {"exclusions": [], "conditions": [], "regions": [], "answer": "no"}
    return Case(
        {
            "schema": "derive-certificate/2",
            "pair": loss + activation,
            "symbols": symbols,
            "statement": statement,
            "verdict": verdict,
            "steps": [],
        }
    )


def truth(case: Case, env: Env, subject: str) -> arb:
    free = {name: x for name, x in env.items() if name != "truths"} | {"free": True}
    return case.truths(free if subject == "dJ/dh" else env)[subject]


def domain(case: Case) -> tuple[str, ...]:
    """With the pair's conditions, so that a claim that is right under them is not called false."""
    s, verdict = case.statement, case.verdict
    found = (*s["activation_domain"], *s["parameters"], *s["targets"], *verdict["conditions"], *verdict["exclusions"])
    return tuple(dict.fromkeys(found))


def sides(case: Case, claim: str, env: Env) -> tuple[arb, arb]:
    """What is right at a point, and what is claimed."""
    subject, _, text = claim.partition(" = ")
    return truth(case, env, SUBJECTS[subject]), taylor(value(text, env))


def is_false(case: Case, claim: str, env: Env) -> bool:
    """Are the sides certainly apart, at a point of the domain?"""
    right, claimed = sides(case, claim, env)
    apart = right.is_finite() and claimed.is_finite() and not right.overlaps(claimed)
    return bool(apart) and fulfils(env, domain(case))


def witness(case: Case, claim: str) -> dict[str, Any] | None:
    """A point at which the claim is false; None where none was found."""
    for size in [2, 3] * 100 if case.vector else [1] * 200:
        env = case.point(domain(case), size)
        if is_false(case, claim, env):
            right, claimed = (x.str(70, radius=False) for x in sides(case, claim, env))
            return {"witness": written(case, env), "right": right, "claimed": claimed}
    return None


def case_of(given: dict[str, str]) -> Case:
    if "pair" in given:
        return Case(json.loads((ROOT / "proofs" / "certificates" / f"{given['pair']}.json").read_text()))
    return stated(given["loss"], given["activation"])


def is_shown(row: dict[str, Any]) -> bool:
    """Does the point of a row of the corpus show that it is false, by the certificates of today?"""
    ctx.prec, ctx.cap = 500, 3
    case = case_of(row["given"])
    return is_false(case, row["claim"], case.read(row["witness"]))


def written(case: Case, env: Env) -> dict[str, str]:
    """The point in exact numbers."""
    found = {name: str(env[name]) for name in (*(["K"] if case.vector else []), *case.indices)}
    for name in [name for name in case.shapes if name != "h"]:
        for cell, number in env[name].items():
            exact = Fraction(number.mid().str(60, radius=False)).limit_denominator(10**9)
            assert ball(exact).overlaps(number), name
            found[f"{name}[{cell[0]}]" if cell else name] = str(exact)
    return found


def sources() -> Iterator[tuple[str, Source]]:
    for path in sorted((ROOT / "proofs" / "certificates").glob("*.json")):
        data = json.loads(path.read_text())
        steps = {step["rule"]: step["value"] for step in reversed(data["steps"]) if not step["assuming"]}
        if "differentiate-loss" in steps and "differentiate-activation" in steps:
            texts = (data["verdict"]["delta"], steps["differentiate-loss"], steps["differentiate-activation"])
        else:  # in pieces: those that hold in one region, which are wrong for all the same
            pieces = {step["rule"]: step["value"] for step in data["steps"]}
            texts = (data["verdict"]["delta"], pieces["differentiate-loss"], pieces["differentiate-activation"])
        yield path.stem, (Case(data), *texts)


def false_statements() -> Iterator[dict[str, Any]]:
    makers = list(MUTATIONS.items())
    for n, (pair, source) in enumerate(sources()):
        made = 0
        for name, mutation in makers[n % len(makers) :] + makers[: n % len(makers)]:
            claim = mutation(source) if pair in ALL or not made else None
            found = claim and len(claim) < 1000 and witness(source[0], claim)
            if found:
                made += 1
                yield {"mutation": name, "given": {"pair": pair}, "claim": claim, **found}
    for given, claim in TRAPS:
        names = {"pair": given} if isinstance(given, str) else dict(zip(("loss", "activation"), given, strict=True))
        found = witness(case_of(names), claim)
        assert found, f"{given}: {claim} is not seen to be false"
        yield {"mutation": "trap", "given": names, "claim": claim, **found}


def key(row: dict[str, Any]) -> tuple[str, str]:
    return json.dumps(row["given"]), row["claim"]


def main() -> int:
    ctx.prec, ctx.cap = 500, 3
    text = "".join({key(row): json.dumps(row) + "\n" for row in false_statements()}.values())
    if "--check" in sys.argv[1:]:
        return 0 if CORPUS.read_text() == text else 1
    CORPUS.parent.mkdir(exist_ok=True)
    CORPUS.write_text(text)
    print(f"{text.count(chr(10))} false statements")
    return 0


if __name__ == "__main__":
    sys.exit(main())
