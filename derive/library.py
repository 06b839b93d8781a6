"""The pairs by name: the shipped proof, a fresh one, or what to write instead; imports certificate and proof.

The prover, and with it SymPy, is imported only where something has to be derived or explained anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from derive.certificate import file_name, folder, load, loads, shipped
from derive.errors import REFUSALS, CertificateError, KernelError, UnknownName
from derive.proof import Proof
from derive.term import Term, subterms

INDEX = "inadmissible.json"


class Index(NamedTuple):
    """The slugs of the catalogue in its order, other names of activations, and why a cell is no pair."""

    losses: tuple[str, ...]
    activations: tuple[str, ...]
    aliases: Mapping[str, str]
    reasons: Mapping[str, str]


@cache
def index() -> Index:
    """The index that is shipped beside the certificates; raises CertificateError where it is missing or damaged."""
    try:
        data = json.loads((folder().parent / INDEX).read_text(encoding="ascii"))
        reasons = {cell["pair"]: cell["why"] for cell in data["cells"]}
        return Index(tuple(data["losses"]), tuple(data["activations"]), data["aliases"], reasons)
    except (OSError, *REFUSALS) as problem:
        raise CertificateError(f"{INDEX} is missing or damaged: {problem}") from problem


def axes() -> Index:
    """The index of the catalogue, without reasons."""
    from derive.activations import ACTIVATIONS, ALIASES
    from derive.losses import LOSSES

    return Index(tuple(LOSSES), tuple(ACTIVATIONS), ALIASES, {})


def written_index() -> str:
    """The text of the index that is shipped, derived from the catalogue."""
    from derive.catalogue import cells

    why = [{"pair": pair, "why": why} for pair, why in cells() if why is not None]
    made = axes()
    found = {"losses": made.losses, "activations": made.activations, "aliases": made.aliases, "cells": why}
    return json.dumps(found, indent=1, ensure_ascii=True) + "\n"


# ---- proofs ----------------------------------------------------------------------------------------


def load_proof(pair: str, average: bool = False, fresh: bool = False, timeout: float | None = None) -> Proof:
    """The proof of a pair: the shipped one, re-checked; where none is shipped, or ``fresh``, one derived anew.

    Raises UnknownName with the nearest pair, or with the reason why it is none; KernelError where the search fails.
    """
    known = list(shipped())
    name = pair if pair in known else _without_alias(pair)
    if name not in known:
        raise UnknownName(_unknown(name, known))
    if fresh or (average and not (folder() / file_name(name, average)).exists()):
        return derived({"pair": name, "average": average}, timeout)
    return Proof(load(name, average))


def derived(request: Mapping[str, Any], timeout: float | None = None) -> Proof:
    """What ``prover.prove`` finds for the request; with a timeout in a process of its own, whose proof is re-checked.

    Whatever goes wrong in the search is no verdict: KernelError, undecided. Bad input is a DeriveError.
    """
    if timeout is not None:
        return _from_elsewhere(request, timeout)
    from derive.prover import prove

    try:
        return prove(**request)
    except REFUSALS as problem:
        raise KernelError(f"the search failed: {problem}") from problem


def _from_elsewhere(request: Mapping[str, Any], timeout: float) -> Proof:
    from derive.worker import bounded

    text = bounded("prove", _as_text(request), timeout)
    try:
        proof = Proof(loads(text))
    except CertificateError as problem:
        raise KernelError(f"the proof that was found does not hold when it is read again: {problem}") from problem
    if (proof.pair, proof.average) != (request.get("pair"), request.get("average", False)):
        raise KernelError("the proof that was found is one of another pair")
    return proof


def _as_text(request: Mapping[str, Any]) -> dict[str, Any]:
    """The request with its SymPy expressions in the plain language, and their names declared."""
    found = dict(request)
    for role in ("loss", "activation"):
        if not isinstance(found.get(role), str | None):
            from derive.bridge import to_term
            from derive.syntax import plain

            term = to_term(found[role])
            found[role], found["params"] = plain(term), [*found.get("params", ()), *_undeclared(term, found)]
    return found


def _undeclared(term: Term, request: Mapping[str, Any]) -> list[str]:
    declared = set(re.findall(r"\w+", " ".join(request.get("params", ()))))
    families = {t.args[0] for t in subterms(term) if t.kind == "item"}
    return [f"{name}[k]" if name in families else name for name in sorted(term.names - {*"hyzJ"} - declared)]


# ---- names -----------------------------------------------------------------------------------------


def chosen(found: Index, loss: str | None = None, activation: str | None = None) -> Index:
    """The index with this loss and this activation only (None: all); raises UnknownName with the nearest slug."""
    if loss is not None:
        found = found._replace(losses=(_slug(loss, "loss", found.losses),))
    if activation is not None:
        known = (*found.activations, *found.aliases)
        slug = _slug(activation, "activation", known)
        found = found._replace(activations=(found.aliases.get(slug, slug),))
    return found


def _slug(word: str, role: str, known: Sequence[str]) -> str:
    if word not in known:
        raise UnknownName(
            f"no {role} is called {word!r}; {_nearest(word, known) or 'the catalogue has ' + ', '.join(known)}"
        )
    return word


def _without_alias(pair: str) -> str:
    """bce-linear as bce-identity, which may be no pair; other names as they are."""
    loss, _, activation = pair.partition("-")
    if not activation or not pair.isascii():
        return pair
    return f"{loss}-{index().aliases.get(activation, activation)}"


def _unknown(pair: str, known: list[str]) -> str:
    why = index().reasons.get(pair)
    if why is not None:
        return f"{pair} is no pair: {why}; 'derive list' shows the pairs"
    hint = _nearest(pair, known) or "pairs are written <loss>-<activation>;"
    return f"no pair is called {pair!r}; {hint} 'derive list' shows them all"


def _nearest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    names = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), names, n=1)
    return f"did you mean {names[near[0]]}?" if near else ""
