"""The kernel in process: scalar pairs against naive SymPy, and cce-softmax against SymPy with K written out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial

import sympy

from benchmarks.common import Report, forget, median, table
from derive import certificate, prover
from derive.activations import ACTIVATIONS
from derive.derivation import replay
from derive.losses import LOSSES

LOSS_SLUGS, ACTIVATION_SLUGS = ("mse", "sse", "bce", "poisson"), ("identity", "sigmoid", "tanh", "exp", "softplus")
LIMIT = 60.0  # seconds for one run of another system
INNER = 10  # runs that are timed together, where one is short


def naive(pair: str) -> Callable[[], object]:
    """simplify(diff(J, z) - (h - y)), with J written out in z."""
    loss, _, activation = pair.partition("-")
    h, y, z = sympy.symbols("h y z", real=True)
    output = ACTIVATIONS[activation].output
    cost = LOSSES[loss].cost.subs(h, output)
    return lambda: sympy.simplify(sympy.diff(cost, z) - (output - y))


def repeated(work: Callable[[], object]) -> Callable[[], object]:
    return lambda: [work() for _ in range(INNER)]


def scalar_pairs() -> str:
    known = set(certificate.shipped())
    pairs = [pair for a in LOSS_SLUGS for b in ACTIVATION_SLUGS if (pair := f"{a}-{b}") in known]
    totals = dict.fromkeys(("simplified", "fresh", "checked", "replayed"), 0.0)
    for pair in pairs:
        stored = certificate.load(pair).certificate
        totals["simplified"] += median(naive(pair), forget)
        totals["fresh"] += median(partial(prover.prove, pair))
        totals["checked"] += median(repeated(partial(certificate.check, stored))) / INNER
        totals["replayed"] += median(repeated(partial(replay, stored.statement, stored.steps))) / INNER
    names = {
        "simplified": "SymPy: `simplify(diff(J, z) - (h - y))`, its cache cleared before",
        "fresh": "derive afresh: search, proof, witness, second derivative",
        "checked": "re-check a proof, with its witness",
        "replayed": "replay the steps of a proof in the kernel",
    }
    rows = [(names[n], f"{1000 * t:.1f}", f"1/{totals['simplified'] / t:.0f}") for n, t in totals.items()]
    return table(
        (
            f"{len(pairs)} scalar pairs: {', '.join(LOSS_SLUGS)} with {', '.join(ACTIVATION_SLUGS)}",
            "ms in all",
            "ratio",
        ),
        rows,
    )


WRITTEN_OUT = """
import sys, time, sympy
K = int(sys.argv[1])
z = sympy.symbols(f"z1:{K + 1}", real=True)
y = sympy.symbols(f"y1:{K + 1}", real=True)
y = (*y[:-1], 1 - sum(y[:-1]))
total = sum(sympy.exp(t) for t in z)
h = [sympy.exp(t) / total for t in z]
J = -sum(a * sympy.log(b) for a, b in zip(y, h))
start = time.process_time()
found = sympy.simplify(sympy.diff(J, z[0]) - (h[0] - y[0]))
print(f"{1000 * (time.process_time() - start):.0f} ms, {'0' if found == 0 else 'not 0'}")
"""
SYMBOLIC = """
import sympy
k, l, n = sympy.symbols("k l n", integer=True, positive=True)
z, y = sympy.IndexedBase("z"), sympy.IndexedBase("y")
J = -sympy.Sum(y[k] * sympy.log(sympy.exp(z[k]) / sympy.Sum(sympy.exp(z[l]), (l, 1, n))), (k, 1, n))
j = sympy.Symbol("j", integer=True, positive=True)
print(sympy.simplify(sympy.diff(J, z[j])))
"""


def other(program: str, *arguments: str) -> str:
    """The last line that a SymPy program prints, or how it ended."""
    command = [sys.executable, "-c", program, *arguments]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return f"over {LIMIT:.0f} s"
    lines = (run.stdout if run.returncode == 0 else run.stderr).strip().splitlines()
    return lines[-1][:60] if lines else "nothing"


def classes() -> str:
    stored = certificate.load("cce-softmax").certificate
    ours = median(repeated(partial(replay, stored.statement, stored.steps))) / INNER
    rows = [("any K (symbolic)", f"{ours * 1e3:.2f} ms, proved", f"`{other(SYMBOLIC)}`")]
    rows += [(f"K = {count}", "the same proof", other(WRITTEN_OUT, str(count))) for count in (2, 4, 8, 16)]
    return table(("cce-softmax", "kernel replay", "SymPy `simplify`"), rows)


def report() -> Report:
    return Report(f"{scalar_pairs()}\n{classes()}")
