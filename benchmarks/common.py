"""What the parts of benchmarks/run share: clocks, cold caches, tables, plots, and the places in docs/performance.md."""

from __future__ import annotations

import multiprocessing
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import sympy.core.cache

from derive import algebra, term

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGE = DOCS / "performance.md"
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")  # Okabe and Ito
STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)))

ENOUGH, RUNS = 0.1, 5  # CPU seconds after which, and runs after which, no more are made
PATIENCE = 10  # wall seconds for a CPU second, on a busy machine
Found = TypeVar("Found")


class Report(NamedTuple):
    """What a part found: Markdown, and how to draw its figures, by their file names."""

    text: str
    figures: Mapping[str, Callable[[], Any]] = MappingProxyType({})


clock = time.thread_time  # that of the process is coarse once a limit of CPU time is set


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of one run."""
    start = clock()
    work()
    return clock() - start


def measured(work: Callable[[], Found], before: Callable[[], object] = lambda: None) -> tuple[Found, float]:
    """What comes out, and the median of some runs, each after ``before``, which is not timed; of one, if it is long."""
    times: list[float] = []
    while len(times) < RUNS and sum(times) < ENOUGH:
        before()
        start = clock()
        found = work()
        times.append(clock() - start)
    return found, statistics.median(times)


def median(work: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    """The seconds of ``measured``."""
    return measured(work, before)[1]


def forget() -> None:
    """Clear what derive and SymPy keep from one question to the next."""
    for name, module in [*sys.modules.items()]:
        if name.partition(".")[0] == "derive":
            for value in vars(module).values():
                if callable(getattr(value, "cache_clear", None)):
                    value.cache_clear()
    term._KNOWN.clear()
    algebra._FACTORED.clear()
    sympy.core.cache.clear_cache()


def in_a_fork(work: Callable[[], Found], limit: int) -> Found | None:
    """What ``work`` returns, in a process of its own; None where it raises, dies or takes more CPU seconds."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_sent, args=(work, sender, limit))
    process.start()
    sender.close()
    try:
        found: Found | None = receiver.recv() if receiver.poll(PATIENCE * limit) else None
    except EOFError:
        found = None
    process.kill()
    process.join()
    return found


def _sent(work: Callable[[], object], sender: Any, limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    try:
        found = work()
    except Exception:  # other systems raise what they like
        found = None
    sender.send(found)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows)]) + "\n"


def figure(width: float, height: float, columns: int = 1) -> tuple[Any, Any]:
    """A matplotlib figure and its axes, whose SVG is the same from run to run and keeps text as text."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "derive", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    return pyplot.subplots(1, columns, figsize=(width, height), layout="constrained")


def write(part: str, found: Report) -> None:
    """Put a report between the marker lines of its part in docs/performance.md, and its figures beside that.

    Raises ValueError where there are no such lines.
    """
    page = PAGE.read_text(encoding="utf-8")
    place = re.compile(rf"(<!-- benchmarks/run {part}: .*-->\n).*?(<!-- end of {part} -->)", re.DOTALL)
    if not place.search(page):
        raise ValueError(f"docs/performance.md has no marker lines of {part}")
    PAGE.write_text(place.sub(lambda m: f"{m[1]}\n{found.text}\n{m[2]}", page), encoding="utf-8")
    for name, draw in found.figures.items():
        draw().savefig(DOCS / name, metadata={"Date": None})
