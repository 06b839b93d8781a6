"""derive: proofs of output-layer gradients. Names are loaded when they are first used; SymPy only to derive afresh."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from derive.errors import DeriveError

__version__ = "0.1.0"
__all__ = ["DeriveError", "__version__", "atlas", "check", "match", "pairs", "plot", "prove", "prover"]


def prove(
    pair: str | None = None,
    average: bool = False,
    fresh: bool = False,
    *,
    loss: Any = None,
    activation: Any = None,
    params: Sequence[str] = (),
    assume: Sequence[str] = (),
    timeout: float | None = None,
) -> Any:
    """The ``Proof`` of a pair such as "bce-sigmoid", or of a loss and an activation: is dJ/dz^(L) = h - y?

    The shipped certificate of a pair is re-checked by the kernel, step by step; ``fresh`` derives it anew instead.
    loss, activation: a slug, text in the plain language, or a SymPy expression in h, y and z; params: other names, such
    as "w" or "0 < t < 1"; assume: relations that hold besides, such as "z < 0".
    average: J is averaged over m examples and summed over K outputs. timeout: seconds of a search, which then runs in a
    process of its own. Raises DeriveError for bad input, and its KernelError where the answer is undecided.
    """
    from derive import library

    if pair is None:
        request = {"loss": loss, "activation": activation, "params": [*params], "assume": [*assume], "average": average}
        return library.derived(request, timeout)
    if loss is not None or activation is not None or params or assume:
        raise DeriveError("give a pair such as 'bce-sigmoid', or a loss and an activation")
    return library.load_proof(pair, average, fresh, timeout)


def match(activation: Any, params: Sequence[str] = (), assume: Sequence[str] = (), timeout: float = 10.0) -> Any:
    """The ``Match`` of an activation: the loss J with dJ/dz = h - y, or the proof that there is none.

    activation: a slug, text in the plain language, or a SymPy expression in z. Raises DeriveError for bad input.
    """
    from derive.matching import match as matched

    return matched(activation, params, assume, timeout)


def check(claim: str, pair: str | None = None, **given: Any) -> Any:
    """The ``Check`` of a claim such as "h - y" for a pair, or of the lines of a derivation.

    given: loss, activation, params and assume as of ``prove``; layer, average and l2 for networks, as
    ``derive.checking.check`` says. Raises DeriveError for what cannot be read.
    """
    from derive.checking import check as checked

    return checked(claim, pair, **given)


def pairs() -> list[str]:
    """Slugs of the pairs in the catalogue, ``<loss>-<activation>``, in alphabetical order."""
    from derive.certificate import shipped

    return list(shipped())


def atlas(loss: str | None = None, activation: str | None = None, fresh: bool = False, jobs: int | None = None) -> Any:
    """The ``Atlas`` of all losses and activations, or a row or column of it; a notebook shows it as a table.

    Every shipped certificate is re-checked; ``fresh`` derives all anew. Raises DeriveError for an unknown slug.
    """
    from derive.survey import survey

    return survey(loss, activation, fresh, jobs)


def plot(*proofs: Any, what: str = "delta") -> Any:
    """The ``Plot`` of one or more proofs, or pairs by their names, along the same z; a notebook shows it.

    what: "delta" (dJ/dz), "size" (its size), "factor" (g of g (h - y) along h) or "loss". Raises DeriveError for
    another word, an unknown pair, a proof without a factor, and without matplotlib.
    """
    from derive.report.plot import Plot, figure

    return Plot(figure([prove(p) if isinstance(p, str) else p for p in proofs], what))


def __getattr__(name: str) -> Any:
    if name == "prover":
        import derive.prover as module

        return module
    raise AttributeError(f"module 'derive' has no attribute {name!r}")
