"""derive: proofs of output-layer gradients. Names are loaded when they are first used; SymPy only to derive afresh."""

from __future__ import annotations

from typing import Any

from derive.errors import DeriveError

__version__ = "0.1.0"
__all__ = ["DeriveError", "__version__", "pairs", "prove", "prover"]


def prove(pair: str, average: bool = False, fresh: bool = False) -> Any:
    """The ``Proof`` of a pair such as "bce-sigmoid": is dJ/dz^(L) = h - y?

    The shipped certificate is re-checked by the kernel, step by step; ``fresh`` derives it anew with SymPy instead.
    average: J is averaged over m examples and summed over K outputs. Raises DeriveError for an unknown pair.
    """
    from derive.library import load_proof

    return load_proof(pair, average, fresh)


def pairs() -> list[str]:
    """Slugs of the pairs in the catalogue, ``<loss>-<activation>``, in alphabetical order."""
    from derive.certificate import shipped

    return list(shipped())


def __getattr__(name: str) -> Any:
    if name == "prover":
        import derive.prover as module

        return module
    raise AttributeError(f"module 'derive' has no attribute {name!r}")
