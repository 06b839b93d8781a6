"""The independent re-checker: it agrees with every shipped certificate, and finds each error planted in a copy."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
TOOL, PROOFS = ROOT / "tools" / "recheck.py", ROOT / "proofs" / "certificates"
Mutation = Callable[[dict[str, Any]], Any]


@pytest.fixture(scope="module")
def recheck() -> ModuleType:
    spec = importlib.util.spec_from_file_location("recheck", TOOL)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["recheck"] = module
    spec.loader.exec_module(module)
    return module


def test_shipped_certificates_agree(recheck: ModuleType) -> None:
    """One in twenty; scripts/test checks all of them by the command."""
    found = [recheck.check(str(path)) for path in sorted(PROOFS.glob("*.json"))[::20]]
    assert len(found) > 35
    assert [f for f in found if f["problems"]] == []
    values, exact, in_balls = (sum(f[name] for f in found) for name in ("values", "exact", "balls only"))
    assert values > 100 * len(found) and exact > 30 * in_balls


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    data = json.loads((PROOFS / "bce-sigmoid.json").read_text())
    right, wrong = tmp_path / "bce-sigmoid.json", tmp_path / "forged-sigmoid.json"
    right.write_text(json.dumps(data))
    assert run(right) == (0, "1 of 1 certificates agree")
    data["verdict"]["delta"] = "y - h"
    wrong.write_text(json.dumps(data))
    assert run(tmp_path) == (1, "forged-sigmoid: delta: dJ/dz")
    assert run(tmp_path / "none") == (1, "none: not covered: FileNotFoundError")
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty") == (2, "0 of 0 certificates agree")


def run(path: Path) -> tuple[int, str]:
    """The exit code, and how the first line begins."""
    found = subprocess.run([sys.executable, TOOL, path], capture_output=True, text=True, check=False)
    line = found.stdout.splitlines()[0]
    return found.returncode, re.split(r" = |; | \[", line)[0]


def test_it_is_small() -> None:
    """So that it can be read in one sitting."""
    assert len(TOOL.read_text().splitlines()) < 400


def test_it_shares_nothing_with_the_project() -> None:
    nodes = [n for n in ast.walk(ast.parse(TOOL.read_text())) if isinstance(n, ast.Import | ast.ImportFrom)]
    roots = {
        name.partition(".")[0]
        for n in nodes
        for name in ([n.module or ""] if isinstance(n, ast.ImportFrom) else [a.name for a in n.names])
    }
    assert roots - set(sys.stdlib_module_names) == {"flint"}


def step(n: int, **fields: Any) -> Mutation:
    return lambda data: data["steps"][n - 1].update(fields)


def verdict(**fields: Any) -> Mutation:
    return lambda data: data["verdict"].update(fields)


def at(name: str, **fields: Any) -> Mutation:
    return lambda data: data["points"][name].update(fields)


def moved(name: str, **values: str) -> Mutation:
    return lambda data: data["points"][name]["point"].update(values)


PLANTED: tuple[tuple[str, Mutation], ...] = (
    ("bce-sigmoid", step(3, value="y/h + (1 - y)/(1 - h)")),  # a sign
    ("bce-sigmoid", step(4, value="2*(h - y)/(h*(1 - h))")),  # a factor
    ("bce-sigmoid", step(8, value="h - y + z/10^30")),
    ("bce-sigmoid", step(8, value="h - y + z/10^100")),
    ("bce-sigmoid", step(8, value="y - h")),
    ("bce-sigmoid", step(6, value="h")),
    ("bce-sigmoid", step(7, value="(h - y)/(h*(1 - h))")),  # the activation's derivative is gone
    ("bce-sigmoid", step(9, value="2*h*(1 - h)")),
    ("bce-sigmoid", step(7, **{"from": [6, 4]})),
    ("bce-sigmoid", step(3, hypotheses=[])),  # 0 < h < 1 is needed
    ("bce-sigmoid", lambda data: data["steps"][0]["obligations"][0].update(claim="h < 0")),
    ("bce-sigmoid", step(1, value="-y*log(h) - (1 - y)*log(1 - h) + 1")),
    ("bce-sigmoid", verdict(delta="y - h")),
    ("bce-sigmoid", verdict(hessian="h*(1 + h)")),
    ("bce-sigmoid", verdict(answer="no", kind="multiple", factor="1")),
    ("bce-sigmoid", moved("inside", y="2")),  # outside of the targets
    ("bce-sigmoid", at("inside", delta="-1/3")),
    ("bce-sigmoid", lambda data: data["points"].clear()),
    ("cce-softmax", step(5, value="h[k]*(kron(k, j) - h[k])")),  # an index
    ("cce-softmax", step(5, value="h[j]*(1 - h[j])")),  # the diagonal only
    ("cce-softmax", step(9, value="-y[j] + h[j]")),  # the condition is used and not said
    ("cce-softmax", step(12, hypotheses=[])),
    ("cce-softmax", step(3, value="-y[j]/h[k]")),
    ("cce-softmax", verdict(conditions=[])),
    ("cce-softmax", moved("witness", **{"y[1]": "0"})),  # fulfils the condition
    ("sse-sigmoid", verdict(kind="multiple")),
    ("sse-sigmoid", verdict(kind="other", factor=None)),
    ("exponential-exp", verdict(factor="z")),
    ("brier-relu", step(10, hypotheses=[])),  # z = 0 is a kink
    ("brier-relu", step(10, value="where(z < 0, 2, 0)*(h - y)")),
    ("brier-relu", lambda data: data["verdict"]["kinks"][0].update(left="2*(h - y)", right="0")),
    ("brier-relu", verdict(exclusions=[])),
    ("brier-relu", lambda data: data["verdict"]["regions"][1].update(delta="1")),
    ("huber-relu", step(9, hypotheses=[])),  # d > 0 is needed
    ("mae-identity", moved("witness", z="1", y="0")),  # shows nothing: delta = h - y = 1
    ("mse-identity", verdict(delta="h - y + (h - y)/10^60")),
    ("dice-softmax", lambda data: data["statement"].update(activation_domain=[])),  # h < 1 needs K > 1
)


@pytest.mark.parametrize(("pair", "mutation"), PLANTED, ids=[f"{n}-{pair}" for n, (pair, _) in enumerate(PLANTED)])
def test_a_planted_error_is_found(recheck: ModuleType, tmp_path: Path, pair: str, mutation: Mutation) -> None:
    path = PROOFS / f"{pair}.json"
    data = json.loads(path.read_text())
    assert recheck.check(str(path))["problems"] == []
    mutation(data)
    copy = tmp_path / path.name
    copy.write_text(json.dumps(data))
    assert recheck.check(str(copy))["problems"]


def test_conditions_are_met_by_points_of_all_sizes(recheck: ModuleType) -> None:
    """Balls cannot tell that the sum is 1 exactly: such points must not be thrown away, nor others let in."""
    recheck.ctx.prec = 500
    case = recheck.Case(json.loads((PROOFS / "cce-softmax.json").read_text()))
    points = case.points(("sum(k, y[k]) = 1", "0 <= y[k]"))
    assert {env["K"] for env in points} == {1, 2, 3, 4, 5}
    assert all(abs(sum(env["y"].values()) - 1) < 1e-100 for env in points)


def test_an_error_too_small_for_balls_is_counted(recheck: ModuleType, tmp_path: Path) -> None:
    """Balls of 500 bits cannot see it; the prime fields do not agree."""
    data = json.loads((PROOFS / "bce-sigmoid.json").read_text())
    data["steps"][7]["value"] = "h - y + z/10^300"
    copy = tmp_path / "bce-sigmoid.json"
    copy.write_text(json.dumps(data))
    assert recheck.check(str(copy))["balls only"] == 2


@pytest.mark.parametrize(
    "text", ["z(", "f(z)", "z if z else y", "().x", "[i for i in z]", "z @ y", "'z'", "z:=3", "True"]
)
def test_what_it_cannot_read_is_never_confirmed(recheck: ModuleType, tmp_path: Path, text: str) -> None:
    data = json.loads((PROOFS / "bce-sigmoid.json").read_text())
    data["steps"][3]["value"] = text
    copy = tmp_path / "bce-sigmoid.json"
    copy.write_text(json.dumps(data))
    assert recheck.check(str(copy))["problems"]
