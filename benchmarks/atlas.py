"""The whole atlas: derived afresh, re-checked, against naive SymPy, and how the cost of a proof grows.

Ratios compare totals of one run on one machine. Naive SymPy is simplify(diff(J, z) - (h - y)), its cache cleared
before each pair, with a limit a pair: what exceeds it counts as the limit, so that the ratio is a lower bound. Ours
is given twice: as it is, what it keeps from pair to pair staying warm, and with that and SymPy's cache cleared too.
Nobody's time contains the import of SymPy, and the processes look for garbage as seldom as those of the command.
"""

from __future__ import annotations

import gc
import signal
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

from benchmarks.common import STYLES, Report, figure, forget, seconds, table
from benchmarks.kernel import naive
from benchmarks.statements import pairs as smooth_pairs
from derive import prover
from derive.certificate import file_name, folder, loads, shipped
from derive.errors import KernelError
from derive.worker import GARBAGE, parallel

JOBS = 2
SECONDS = 20  # for one pair of naive SymPy
SIZES = (1, 2, 4, 8, 16)


def fresh(pair: str) -> float:
    return seconds(partial(prover.prove, pair))


def cold(pair: str) -> float:
    forget()
    return fresh(pair)


def rechecked(pair: str) -> float:
    text = (folder() / file_name(pair, False)).read_text(encoding="ascii")
    return seconds(lambda: loads(text))


def simplified(pair: str) -> float:
    """Seconds of naive SymPy; the limit where it takes longer."""

    def stop(*_: object) -> None:
        raise TimeoutError

    work = naive(pair)
    forget()
    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of CPU time
    try:
        return seconds(work)
    except TimeoutError:
        return float(SECONDS)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def ready() -> None:
    """A process as one of ``derive.worker`` is, with SymPy imported."""
    import sympy  # noqa: F401

    gc.freeze()
    gc.set_threshold(GARBAGE)


def together(task: Callable[[str], float], pairs: Sequence[str]) -> tuple[float, list[float]]:
    """Wall seconds of all in JOBS processes, and the CPU seconds of each."""
    start = time.perf_counter()
    with ProcessPoolExecutor(JOBS, initializer=ready) as pool:
        found = list(pool.map(task, pairs, chunksize=8))
    return time.perf_counter() - start, found


def at_once(pairs: Sequence[str]) -> float:
    """Wall seconds in which the processes of the command re-check all, from their start."""
    texts = [{"text": (folder() / file_name(pair, False)).read_text(encoding="ascii")} for pair in pairs]
    start = time.perf_counter()
    assert all(isinstance(answer, dict) for answer in parallel("check", texts, JOBS))
    return time.perf_counter() - start


def totals() -> Iterator[str]:
    pairs, smooth = [*shipped()], [*smooth_pairs()]
    wall, each = together(fresh, pairs)
    checked, (_, every) = at_once(pairs), together(rechecked, pairs)
    rows = [
        ["derived afresh", len(pairs), f"{wall:.1f}", f"{sum(each):.1f}"],
        ["re-checked from its certificates", len(pairs), f"{checked:.2f}", f"{sum(every):.2f}"],
    ]
    yield table(["whole atlas", "pairs", f"wall seconds on {JOBS} cores", "CPU seconds"], rows)
    own = dict(zip(pairs, each, strict=True))
    _, slow = together(simplified, smooth)
    compared = {"as it is": [own[p] for p in smooth], "everything cleared before each pair": together(cold, smooth)[1]}
    rows = [
        [f"derive, {name}", f"{sum(ours):.1f}", f"1/{sum(slow) / sum(ours):.0f}", f"1/{_ratio(slow, ours):.0f}"]
        for name, ours in compared.items()
    ]
    over = sum(s >= SECONDS for s in slow)
    rows.append([f"naive SymPy, {over} pairs stopped at {SECONDS} s", f"{sum(slow):.0f}", "1", "1"])
    header = [f"{len(smooth)} smooth scalar pairs", "CPU seconds", "ratio of the totals", "median ratio of the pairs"]
    yield table(header, rows)
    ten = sorted(zip(pairs, each, every, strict=True), key=lambda row: -row[1])[:10]
    rows = [[p, f"{1000 * a:.0f}", f"{1000 * b:.0f}"] for p, a, b in ten]
    yield table(["slowest pairs", "afresh (ms)", "re-checked (ms)"], rows)


def _ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    return statistics.median(t / o for t, o in zip(theirs, ours, strict=True))


# ---- growth --------------------------------------------------------------------------------------------


def nested(n: int) -> dict[str, Any]:
    activation = "z"
    for _ in range(n):
        activation = f"softplus({activation})"
    return {"loss": "(h - y)^2/2", "activation": activation}


def parameters(n: int) -> dict[str, Any]:
    names = [f"w{k}" for k in range(n)]
    loss = " + ".join(f"{w}*(h - y)^2" for w in names)
    return {"loss": loss, "activation": "sigmoid(z)", "params": [f"{w} > 0" for w in names]}


def terms(n: int) -> dict[str, Any]:
    loss = " + ".join(f"(h - y)^{2 * k}/{2 * k}" for k in range(1, n + 1))
    return {"loss": loss, "activation": "sigmoid(z)"}


GROWTH = {"parameters": parameters, "terms of the loss": terms, "nested softplus": nested}


def growth() -> dict[str, list[tuple[int, float]]]:
    """Milliseconds by size, each the median of three; a series ends where the kernel refuses."""
    found: dict[str, list[tuple[int, float]]] = {}
    for name, make in GROWTH.items():
        for n in SIZES:
            try:
                runs = [seconds(partial(prover.prove, **make(n))) for _ in range(3)]
            except KernelError:
                break
            found.setdefault(name, []).append((n, 1000 * statistics.median(runs)))
    return found


def plot(series: dict[str, list[tuple[int, float]]]) -> Any:
    drawn, axes = figure(6, 3.2)
    for (name, points), style, marker in zip(series.items(), STYLES, "os^", strict=False):
        axes.loglog(*zip(*points, strict=True), linestyle=style, marker=marker, label=name, base=2)
    axes.set(xlabel="how many", ylabel="derive a proof (ms)", title="How the cost of a proof grows")
    axes.set_xticks(SIZES, [str(n) for n in SIZES])
    axes.grid(alpha=0.3)
    axes.legend()
    return drawn


def report() -> Report:
    series = growth()
    header = ["derive afresh (ms)", *map(str, SIZES)]
    rows = [[name, *(f"{ms:.0f}" for _, ms in points)] for name, points in series.items()]
    full = [[*row, *["undecided"] * (len(header) - len(row))] for row in rows]
    text = "\n".join([*totals(), table(header, full), "![How the cost of a proof grows](growth.svg)\n"])
    return Report(text, {"growth.svg": lambda: plot(series)})
