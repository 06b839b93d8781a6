"""A proof as Markdown with LaTeX displays, as forges show it; imports latex, explain and the proof's types."""

from __future__ import annotations

from collections.abc import Iterator

from derive.proof import Proof
from derive.report import explain
from derive.report.latex import equation
from derive.report.latex import say as say_in_latex
from derive.report.words import Words


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
