"""The pairs of the catalogue as statements; imports losses, activations and bridge, and with them SymPy.

One entry in losses.py or activations.py is all it takes: every pair, its certificate and its cell come from here.
"""

from __future__ import annotations

from collections.abc import Iterator

from derive.activations import ACTIVATIONS, ALIASES, Activation
from derive.bridge import to_term
from derive.certificate import About
from derive.derivation import Statement
from derive.errors import UnknownName
from derive.losses import LOSSES, Loss
from derive.prover import assembled, obstacle
from derive.term import replace, var


def pairs() -> list[str]:
    """Slugs of all admissible pairs: those whose activation stays, provably, in the domain of the loss."""
    return [pair for pair, why in cells() if why is None]


def cells() -> Iterator[tuple[str, str | None]]:
    """Every loss with every activation: the slug, and None or why they are no pair."""
    for loss in LOSSES.values():
        for activation in ACTIVATIONS.values():
            yield f"{loss.slug}-{activation.slug}", obstacle(statement(loss, activation))


def found_pair(pair: str, average: bool = False) -> Statement:
    """The statement of a pair; raises UnknownName for unknown parts, and says why where the two do not fit."""
    why = why_inadmissible(pair)
    if why is not None:
        raise UnknownName(f"{pair} is no pair: {why}")
    return statement(*_entries(pair), average)


def about(pair: str) -> About:
    """What the catalogue calls the two halves, and where their formulas are from."""
    loss, activation = _entries(pair)
    return About(loss.name, activation.name, loss.source, activation.source, loss.note, activation.note)


def why_inadmissible(pair: str) -> str | None:
    """Why the activation of a pair does not fit its loss, or None; raises UnknownName for unknown parts."""
    return obstacle(statement(*_entries(pair)))


def _entries(pair: str) -> tuple[Loss, Activation]:
    loss, _, activation = pair.partition("-")
    activation = ALIASES.get(activation, activation)
    if loss not in LOSSES or activation not in ACTIVATIONS:
        known = f"losses: {', '.join(LOSSES)}; activations: {', '.join(ACTIVATIONS)}"
        raise UnknownName(f"{pair} is not <loss>-<activation>; {known}")
    return LOSSES[loss], ACTIVATIONS[activation]


def statement(loss: Loss, activation: Activation, average: bool = False) -> Statement:
    """J, h and their domains as terms: scalars, vectors over K where either side couples, or averaged."""
    output = to_term(activation.output)
    domain = [to_term(r) for r in loss.domain]
    where = [to_term(r) for r in activation.domain]
    if activation.slug in loss.restricted:
        where += [replace(r, {var("h"): output}) for r in domain]
    rest = ([to_term(r) for r in rs] for rs in (loss.targets, (*loss.parameters, *activation.parameters), loss.cases))
    return assembled(to_term(loss.cost), output, [domain, where, *rest], average)
