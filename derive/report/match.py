"""A matching loss as text, LaTeX and Markdown; imports the printers of proofs, and the types of a match only."""

from __future__ import annotations

from collections.abc import Iterator

from derive.matched import Match, MatchStep
from derive.report.latex import PREAMBLE, _shown, say
from derive.report.tex import latex, left_side
from derive.report.text import DIM, _Page
from derive.report.words import Piece, Row, Slope, Words, listed
from derive.term import rel, var

COST = var("J")
CONVEX = {
    True: "Yes: J is convex in z.",
    False: "No: J is not convex in z.",
    None: "Not decided.",
}


def title(found: Match) -> str:
    return f"matching loss: {found.name}" if found.name else "matching loss"


def slope(found: Match) -> Slope:
    return COST, found.formulas["variable"]


def notes(found: Match) -> Iterator[Row]:
    """What is known, below the steps."""
    yield "Answer", answer(found)
    for label, name in (("Loss", "loss"), ("In h", "output_loss")):
        if name in found.formulas:
            given: Words = (
                (" if ", *listed(found.output_conditions)) if label == "In h" and found.output_conditions else ()
            )
            yield label, (rel("=", COST, found.formulas[name]), *given)
    if found.exists:
        yield "Convex", (CONVEX[found.convex],)
    if found.hypotheses:
        yield "Assumes", (*listed(found.hypotheses), ".")
    if found.reason:
        yield "Reason", (found.reason[:1].upper() + found.reason[1:] + ".",)


def answer(found: Match) -> Words:
    if not found.formulas or found.exists is None:
        return ("Undecided.",)
    says: tuple[Piece, ...] = (" with ", slope(found), " = ", found.formulas["residual"], ".")
    if not found.exists:
        return ("No, refuted: there is no J", *says)
    return ("Yes, proved: there is a J", *says)


def text(found: Match, width: int = 80, unicode: bool = True, colour: bool = False) -> str:
    """The steps and what follows, in lines of at most ``width`` characters where the formulas allow it."""
    page = _Page(width, unicode, colour)
    page.title(title(found))
    for step in found.steps:
        page.prose(step.reason, f"{step.n:>3}. ", style=DIM)
        if step.right is not None and step.left is not None:
            page.equation(step.left, step.right)
        elif step.right is not None:
            page.rows += page.broken(step.right, 6)
    page.notes(notes(found))
    return "\n".join(page.rows) + "\n"


def latex_statement(step: MatchStep) -> str:
    """The statement of a step on one line: an equation, a relation, or words."""
    if step.right is None:
        return say(step.reason)
    return latex(step.right) if step.left is None else f"{left_side(step.left).text} = {latex(step.right)}"


def display(found: Match) -> str:
    """J and its derivative as one aligned block; without a closed form, what is known in words."""
    if "loss" not in found.formulas:
        return rf"\text{{{say(answer(found))}}}"
    rows = [rf"J &= {latex(found.formulas['loss'])}"]
    rows.append(rf"{left_side(slope(found)).text} &= {latex(found.formulas['residual'])}")
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def sheet(found: Match) -> str:
    """A LaTeX document of its own: the steps, and what is known."""
    rows = [f"\\begin{{center}}\n{{\\Large\\bfseries {say((title(found),))}}}\n\\end{{center}}"]
    if found.steps:
        rows += ["\\begin{enumerate}", *("\\item " + _item(step) for step in found.steps), "\\end{enumerate}"]
    rows += [f"\\paragraph{{{label}.}} {say(words)}\n" for label, words in notes(found)]
    return PREAMBLE + "\n".join(rows) + "\n\\end{document}\n"


def _item(step: MatchStep) -> str:
    if step.right is None:
        return say(step.reason)
    shown = f"\\[\n{latex(step.right)}\n\\]" if step.left is None else _shown(step.left, step.right)
    return f"{say(step.reason)}\n{shown}"


def markdown(found: Match) -> str:
    """A page: the steps as numbered displays, then what is known."""
    rows = [f"# {say((title(found),))}\n"]
    for step in found.steps:
        rows.append(f"{step.n}. {say(step.reason)}\n")
        if step.right is not None:
            rows.append(f"   $$\n   {latex_statement(step)}\n   $$\n")
    return "\n".join((*rows, *(f"**{label}.** {say(words)}\n" for label, words in notes(found))))
