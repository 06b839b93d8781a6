"""A proof as Markdown with LaTeX displays, as forges show it, and an index of many.

Imports latex, explain, survey and the proof's types.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from derive.proof import Proof
from derive.report import explain
from derive.report.latex import equation
from derive.report.latex import say as say_in_latex
from derive.report.table import MARKS
from derive.report.words import Words
from derive.survey import Cell

BRIEF = 64  # characters of a formula in an index
INTRODUCTION = """\
# Proofs

The proofs of {pairs} pairs of a loss and an output activation, each derived from the definitions and checked by the
kernel: a certificate with every step, which `derive verify FILE` re-checks, and a LaTeX sheet, {megabytes} MB in all.
`scripts/regenerate` writes this folder, and the tests fail where it differs. [Theorems](theorems) hold for any
activation and loss; [why the other combinations are no pairs](inadmissible.json) is a list of its own. h - y stands for
h[j] - y[j] where the outputs are coupled.
"""


def markdown(proof: Proof) -> str:
    """A page: definitions and steps as numbered displays, then the verdict and what it rests on."""
    return "\n".join((*_head(proof), *_steps(proof), *_notes(proof)))


def say(words: Words) -> str:
    """Words and inline formulas; those that stand by themselves are fenced as forges know it."""
    return say_in_latex(words).replace("\\[\n", "\n\n$$\n").replace("\n\\]\n", "\n$$\n\n")


def _head(proof: Proof) -> Iterator[str]:
    pair, words = explain.title(proof)
    yield f"# {pair}\n\n{words[:1].upper()}{words[1:]}.\n"
    for label, piece in explain.setting(proof):
        yield f"- {label}: {say(piece)}"


def _steps(proof: Proof) -> Iterator[str]:
    yield ""
    for step in proof.steps:
        yield f"{step.n}. {say(explain.reason(step))}\n\n   $$\n   {equation(step)}\n   $$\n"


def _notes(proof: Proof) -> Iterator[str]:
    for label, words in explain.notes(proof):
        yield f"**{label}.** {say(words)}\n"


# ---- an index ----------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """A line of an index: the names of both halves in words, and what is proved."""

    loss: str
    activation: str
    cell: Cell
    delta: str


def entry(proof: Proof) -> Entry:
    """The line of a pair of the catalogue."""
    pair, conditions = str(proof.pair), tuple(proof.conditions)
    loss, activation = (proof.about.loss, proof.about.activation) if proof.about else ("", "")
    return Entry(loss, activation, Cell(pair, proof.kind, proof.answer, proof.factor, None, conditions), proof.delta)


def index(entries: Sequence[Entry], size: int) -> str:
    """A table a loss, a line a pair with its verdict and its files, which have ``size`` bytes together.

    The entries of a loss stand one after the other.
    """
    counts = Counter(e.cell.label for e in entries)
    found = [INTRODUCTION.format(pairs=len(entries), megabytes=round(size / 1e6)), "| pairs | dJ/dz |", "|---:|---|"]
    found += [f"| {counts[label]} | {words} |" for label, (_, words) in MARKS.items() if counts[label]]
    for slug, group in groupby(entries, lambda e: e.cell.pair.split("-", 1)[0]):
        lines = [*group]
        found += [f"\n## {slug}: {lines[0].loss}\n", "| pair | activation | dJ/dz | proof |", "|---|---|---|---|"]
        found += map(_line, lines)
    return "\n".join(found) + "\n"


def _line(e: Entry) -> str:
    pair = e.cell.pair
    files = f"[certificate](certificates/{pair}.json), [LaTeX](latex/{pair}.tex)"
    return f"| {pair} | {e.activation} | {_verdict(e)} | {files} |"


def _verdict(e: Entry) -> str:
    """What dJ/dz is, in a line; a formula that is long is left to the proof."""
    cell, condition = e.cell, "".join(f", if {_code(c)}" for c in e.cell.conditions)
    if cell.label in ("cancels", "conditional"):
        return f"**{_code('h - y')}**{condition}"
    if cell.factor:
        return f"{_code(cell.factor) or 'a factor'} times {_code('h - y')}{condition}"
    shown = _code(e.delta)
    return f"not {_code('h - y')}" + (f", but {shown}" if shown else "")


def _code(text: str) -> str:
    """A formula in the cell of a table; nothing where it is long."""
    return f"`{text.replace('|', chr(92) + '|')}`" if len(text) <= BRIEF else ""
