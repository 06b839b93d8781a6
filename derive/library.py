"""The pairs by name: the shipped proof, a fresh one, or what to write instead; imports certificate and proof.

The prover, and with it SymPy, is imported only where something has to be derived or explained anew.
"""

from __future__ import annotations

from derive.certificate import load, shipped
from derive.errors import REFUSALS, KernelError, UnknownName
from derive.proof import Proof


def load_proof(pair: str, average: bool = False, fresh: bool = False) -> Proof:
    """The proof of a pair; raises UnknownName with the nearest pair, or with the reason why it is none."""
    known = list(shipped())
    if pair not in known:
        raise UnknownName(_unknown(pair, known))
    if fresh:
        return _derived(pair, average)
    return Proof(load(pair, average))


def _derived(pair: str, average: bool) -> Proof:
    """The proof derived anew; whatever goes wrong in the search is no verdict: KernelError, undecided."""
    from derive.prover import prove

    try:
        return prove(pair, average)
    except REFUSALS as problem:
        raise KernelError(f"the search failed: {problem}") from problem


def _unknown(pair: str, known: list[str]) -> str:
    loss, _, activation = pair.partition("-")
    if loss in {p.partition("-")[0] for p in known} and activation in {p.partition("-")[2] for p in known}:
        from derive.prover import why_inadmissible

        return f"{pair} is no pair: {why_inadmissible(pair)}; 'derive list' shows the pairs"
    from difflib import get_close_matches

    near = get_close_matches(pair.lower(), known, n=1)
    hint = f"did you mean {near[0]}?" if near else "pairs are written <loss>-<activation>;"
    return f"no pair is called {pair!r}; {hint} 'derive list' shows them all"
