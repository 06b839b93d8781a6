"""Checked proofs that several test modules share, each made once; the whole catalogue is ``shipped()``."""

from __future__ import annotations

from functools import cache

from derive import prover
from derive.certificate import Checked, load, shipped

# The pairs that people meet first: smooth on their domain, and proved by every rule but those for pieces.
CORE = (
    *("bce-sigmoid", "bce-softmax", "cce-exp", "cce-sigmoid", "cce-softmax", "cce-softplus", "poisson-exp"),
    *("poisson-sigmoid", "poisson-softmax", "poisson-softplus"),
    *(f"mse-{name}" for name in ("exp", "identity", "sigmoid", "softmax", "softplus", "tanh")),
    *(f"sse-{name}" for name in ("exp", "identity", "sigmoid", "softmax", "softplus", "tanh")),
)
# Every 25th of the others, and one of each shape that is rare among them.
RARE = ("mae-relu", "huber-identity", "hinge-tanh", "wbce-sigmoid", "kl-softmax", "hinge-identity", "mse-selu")
SPREAD = tuple(sorted({*[p for p in shipped() if p not in CORE][::25], *RARE} & {*shipped()}))


@cache
def stored(pair: str, average: bool = False) -> Checked:
    """The shipped proof of a pair; averaged over examples it is derived."""
    return prover.prove(pair, average=True).checked if average else load(pair)
