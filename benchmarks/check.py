"""`derive check` by the length of a derivation, and lines parsed a second, against simplify(lhs - rhs) of SymPy.

SymPy is given the lines as expressions in z and y, and its cache is cleared before each; nothing of it is timed but
simplify.
"""

from __future__ import annotations

import statistics
from functools import partial
from typing import Any

import sympy

from benchmarks.common import Report, figure, forget, median, seconds, table
from derive import checking
from derive.bridge import to_sympy
from derive.model import of_statement
from derive.syntax import parse_claim

LENGTHS = (125, 250, 500, 1000, 2000)
PARSED, SIMPLIFIED = 2_000, 20
LINES = {  # of which {n} is another number in each round, so that no line is one that was judged before
    "plain": (
        "{n}*dJ/dz = {n}*dJ/dh * dh/dz",
        "= {n}*(h - y)/(h*(1 - h)) * h*(1 - h)",
        "= (-{n}*y/h + {n}*(1 - y)/(1 - h)) * exp(-z)/(1 + exp(-z))^2",
        "= {n}*h - {n}*y",
    ),
    "LaTeX": (
        r"{n}\frac{{\partial J}}{{\partial z}}"
        r" = {n}\frac{{\partial J}}{{\partial h}} \cdot \frac{{\partial h}}{{\partial z}}",
        r"= {n}\frac{{\hat{{y}} - y}}{{\hat{{y}}(1 - \hat{{y}})}} \cdot \hat{{y}}(1 - \hat{{y}})",
        r"= \left(-\frac{{{n}y}}{{h}} + \frac{{{n}(1 - y)}}{{1 - h}}\right) \frac{{e^{{-z}}}}{{(1 + e^{{-z}})^2}}",
        r"= {n}\hat{{y}} - {n}y",
    ),
}


def lines(spelling: str, length: int) -> list[str]:
    rounds = range(1, length // len(LINES[spelling]) + 2)
    return [line.format(n=n) for n in rounds for line in LINES[spelling]][:length]


def judged(length: int) -> float:
    text = "pair: bce-sigmoid\n" + "\n".join(lines("plain", length))
    return statistics.median(seconds(lambda: checking.check(text)) for _ in range(5))


def parsed(spelling: str) -> float:
    """Lines a second."""
    model, _ = checking.setting("bce-sigmoid")
    texts = lines(spelling, PARSED)
    return PARSED / statistics.median(seconds(lambda: [parse_claim(t, model.symbols) for t in texts]) for _ in range(5))


def simplified(count: int) -> list[float]:
    """Seconds of simplify for each of so many lines, each side with h written out, and derivatives by the laws.

    The proof of the pair is not used for that: with dJ/dz = h - y put in, nothing is left to simplify.
    """
    model = of_statement(checking.setting("bce-sigmoid")[0].statement)
    h, output = sympy.Symbol("h", real=True), to_sympy(model.statement.activation)
    found, left = [], None
    for text in lines("plain", count):
        first, *others = parse_claim(text, model.symbols).sides
        left = first or left
        assert left is not None and others[-1] is not None
        sides = [to_sympy(model.written_out(side)).subs(h, output) for side in (left, others[-1])]
        found.append(median(partial(sympy.simplify, sides[0] - sides[1]), forget))
    return found


def plot(times: list[float]) -> Any:
    drawn, axes = figure(6, 3.2)
    axes.plot(LENGTHS, times, "o-")
    axes.set(xlabel="lines of a derivation", ylabel="judge it (s)", title="How the cost of a check grows")
    axes.set(xlim=(0, None), ylim=(0, None))
    axes.grid(alpha=0.3)
    return drawn


def report() -> Report:
    times = [judged(length) for length in LENGTHS]
    theirs = statistics.median(simplified(SIMPLIFIED))
    ours = times[-2] / LENGTHS[-2]
    each = [f"{1000 * t / n:.2f}" for n, t in zip(LENGTHS, times, strict=True)]
    rows = [["seconds", *(f"{t:.2f}" for t in times)], ["ms a line", *each]]
    speeds = [[spelling, f"{parsed(spelling):,.0f}"] for spelling in LINES]
    text = [
        table(["lines of a derivation", *map(str, LENGTHS)], rows),
        f"`sympy.simplify(lhs - rhs)` takes {1000 * theirs:.0f} ms for such a line (median of {SIMPLIFIED}):"
        f" {theirs / ours:.0f} times as long.\n",
        table(["spelling", "lines parsed a second"], speeds),
        "![How the cost of a check grows](check.svg)\n",
    ]
    return Report("\n".join(text), {"check.svg": lambda: plot(times)})
