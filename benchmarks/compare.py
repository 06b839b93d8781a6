"""Every system on the same statements: what it proves, what it gets wrong, how long it takes; tables and plots."""

from __future__ import annotations

import platform
import re
import statistics
import subprocess
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, NamedTuple

from benchmarks.common import COLOURS, STYLES, Report, figure, table
from benchmarks.statements import Question, questions
from benchmarks.systems import LIMIT, OPEN, PROVED, REFUSED, SYSTEMS, Answer, answers, is_installed
from derive.syntax import plain

Run = dict[str, list[Answer]]
OURS = "derive, kernel"
KINDS = {True: (PROVED, OPEN, REFUSED), False: (REFUSED, OPEN, PROVED)}  # right, open and wrong, by what is true


class Side(NamedTuple):
    """The answers of a system to the true or to the false statements."""

    asked: tuple[Question, ...]
    given: tuple[Answer, ...]

    def counts(self) -> tuple[int, ...]:
        found = Counter(answer.said for answer in self.given)
        return tuple(found[kind] for kind in KINDS[self.asked[0].is_true])

    def wrong(self) -> list[Question]:
        kind = KINDS[self.asked[0].is_true][2]
        return [q for q, answer in zip(self.asked, self.given, strict=True) if answer.said == kind]

    def times(self) -> list[float]:
        return [1000 * answer.seconds for answer in self.given]


def ask(asked: Sequence[Question], systems: Sequence[str]) -> Run:
    """The answers of all systems that are installed; one that fails or takes too long leaves the question open."""
    none = Answer(OPEN, LIMIT)
    return {s: [a or none for a in answers(s, asked)] for s in systems if is_installed(s)}


def side(asked: Sequence[Question], given: Sequence[Answer], is_true: bool) -> Side:
    chosen = [(q, a) for q, a in zip(asked, given, strict=True) if q.is_true == is_true]
    return Side(*map(tuple, zip(*chosen, strict=True)))


def said(asked: Sequence[Question], run: Run) -> str:
    rows = []
    for system, given in run.items():
        sides = [side(asked, given, is_true) for is_true in (True, False)]
        counts = [number for s in sides for number in s.counts()]
        share = counts[0] / len(sides[0].given)
        rows.append([system, *counts[:2], f"{share:.0%}", *counts[3:5], counts[2] + counts[5]])
    header = ["system", "true: proved", "left open", "proved share", "false: refused", "left open", "wrong verdicts"]
    return table(header, rows)


def times(asked: Sequence[Question], run: Run) -> str:
    rows = []
    for system, given in run.items():
        true, false = (side(asked, given, is_true) for is_true in (True, False))
        proved = [1000 * answer.seconds for answer in true.given if answer.said == PROVED]
        medians = [f"{statistics.median(s.times()):.2f}" for s in (true, false)]
        rows.append(
            [system, *medians, f"{max(proved, default=0):.1f}", f"{sum(proved):.0f}", *faster(run, asked, system)]
        )
    header = ["system", "median of the true (ms)", "of the false (ms)", "slowest proved (ms)", "all proved (ms)"]
    return table([*header, "faster than our kernel", "its time / ours, median"], rows)


def faster(run: Run, asked: Sequence[Question], system: str) -> tuple[str, str]:
    """On how many of the true statements that both prove a system takes less time, and the median ratio."""
    both = [
        a.seconds / b.seconds
        for q, a, b in zip(asked, run[system], run[OURS], strict=True)
        if q.is_true and (a.said, b.said) == (PROVED, PROVED)
    ]
    if system == OURS or not both:
        return "", ""
    return f"{sum(ratio < 1 for ratio in both)} of {len(both)}", f"{statistics.median(both):.2f}"


def mistakes(asked: Sequence[Question], run: Run) -> str:
    """Which statements were got wrong, and by whom."""
    found: dict[Question, list[str]] = {}
    for system, given in run.items():
        for is_true in (True, False):
            for question in side(asked, given, is_true).wrong():
                found.setdefault(question, []).append(system)
    rows = [
        [question.pair, f"`{shown(question)}`", "true" if question.is_true else "false", ", ".join(systems)]
        for question, systems in found.items()
    ]
    return table(["got wrong: pair", "claim", "is", "by"], rows) if rows else "No system got one wrong.\n"


def shown(question: Question) -> str:
    """The claim, with the names that other systems have for a part, and round numbers as powers of 10."""
    claim = question.claim
    for ours, theirs in question.spelled:
        claim = claim.replace(plain(ours), plain(theirs))
    return re.sub(r"10{20,}", lambda m: f"10^{len(m[0]) - 1}", claim)


# ---- versions ------------------------------------------------------------------------------------------


def versions(systems: Sequence[str]) -> str:
    found = [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in ("python-flint", "sympy"))]
    if "SymEngine" in systems:
        found.append(f"symengine {version('symengine')}")
    for system, command in {"Maxima": ["maxima", "--version"], "Giac": ["giac", "version()"]}.items():
        if system in systems:
            text = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout
            number = re.search(r"\d+\.\d+\.\d+", text)
            found.append(f"{system} {number[0] if number else 'of unknown version'}")
    return ", ".join(found)


# ---- plots ---------------------------------------------------------------------------------------------


def plot_times(asked: Sequence[Question], run: Run) -> Any:
    """The share of the true statements that a system has proved within a time."""
    drawn, axes = figure(6.4, 3.6)
    for (system, given), colour, style in zip(run.items(), (*COLOURS, "#888888"), (*STYLES, "-"), strict=False):
        true = side(asked, given, True)
        done = sorted(1000 * a.seconds for a in true.given if a.said == PROVED)
        shares = [100 * (n + 1) / len(true.given) for n in range(len(done))]
        axes.plot(done, shares, color=colour, linestyle=style, label=system)
    axes.set(
        xscale="log", ylim=(0, 103), xlabel="CPU time a statement (ms)", ylabel="proved (% of the true statements)"
    )
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="upper left")
    return drawn


def plot_answers(asked: Sequence[Question], run: Run) -> Any:
    """What the systems say of true and of false statements."""
    drawn, both = figure(6.4, 2.8, 2)
    for axes, is_true in zip(both, (True, False), strict=True):
        shown = [side(asked, given, is_true) for given in run.values()]
        left = [0.0] * len(run)
        for n, (label, colour) in enumerate({"right": "#0072B2", "left open": "#DDDDDD", "wrong": "#D55E00"}.items()):
            widths = [100 * s.counts()[n] / len(s.given) for s in shown]
            axes.barh([*run], widths, left=left, color=colour, label=label, edgecolor="white", linewidth=0.5)
            left = [a + b for a, b in zip(left, widths, strict=True)]
        what = "true" if is_true else "false"
        axes.set(title=f"{len(shown[0].given)} {what} statements", xlabel="%", xlim=(0, 100))
        axes.invert_yaxis()
    both[1].set_yticks([])
    drawn.legend(*both[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    return drawn


def report() -> Report:
    asked = questions()
    run = ask(asked, SYSTEMS)
    true = sum(q.is_true for q in asked)
    text = [
        f"{versions([*run])}. {true} true statements, {len(asked) - true} false; {LIMIT} s for each.\n",
        said(asked, run),
        "![What the systems say](answers.svg)\n",
        times(asked, run),
        "![Proved within a time](time.svg)\n",
        mistakes(asked, run),
    ]
    figures = {"answers.svg": lambda: plot_answers(asked, run), "time.svg": lambda: plot_times(asked, run)}
    return Report("\n".join(text), figures)
