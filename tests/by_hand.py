"""Terms, points and refusals that the tests of kernel, derivation and verdict share; nothing of the prover."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flint import fmpq

from derive.balls import Point
from derive.derivation import Statement, Step
from derive.errors import KernelError
from derive.term import ONE, ZERO, Term, call, index, mul, num, power, rel, sub, var, where

w, x, y, z, h = (var(name) for name in "wxyzh")
k, j, l, i = index("k"), index("j"), index("l"), index("i", "m")  # noqa: E741
HALF, TWO = num(1, 2), num(2)
H_POSITIVE = rel(">", h, ZERO)
RESIDUAL = sub(h, y)
SQUARE = mul(HALF, power(RESIDUAL, 2))


def log(term: Term) -> Term:
    return call("log", term)


def exp(term: Term) -> Term:
    return call("exp", term)


def absolute(term: Term) -> Term:
    return call("abs", term)


def at(k: int = 0, j: int = 0, **values: object) -> Point:
    """A point; ``z_1=...`` is z[1], numbers are exact, terms stand as they are."""
    table = {}
    for name, value in values.items():
        head, *places = name.split("_")
        table[head, tuple(map(int, places))] = value if isinstance(value, Term) else fmpq(value)  # type: ignore[call-overload]
    return Point(table, {"K": k} if k else {}, {"j": j} if j else {})


def refused(work: Callable[[], Any], why: str | None = None) -> None:
    with pytest.raises(KernelError, match=why):
        work()


LOOSE = Term("bound", (0, "K"))

# half the squared error of relu: two regions, and a kink where z = 0
UP, DOWN = rel(">", z, ZERO), rel("<", z, ZERO)
RELU = where(UP, z, ZERO)
MSE_RELU = Statement(SQUARE, h, y, RELU, z)
IN_REGIONS = (
    Step("differentiate-loss", (), RESIDUAL),
    Step("differentiate-activation", (), ONE, (UP,)),
    Step("differentiate-activation", (), ZERO, (DOWN,)),
    Step("chain", (0, 1), mul(RESIDUAL, ONE), (UP,)),
    Step("chain", (0, 2), mul(RESIDUAL, ZERO), (DOWN,)),
    Step("rewrite", (3,), RESIDUAL, (UP,)),
    Step("rewrite", (4,), ZERO, (DOWN,)),
)
GATED = mul(where(UP, ONE, ZERO), RESIDUAL)
MSE_RELU_STEPS = (*IN_REGIONS, Step("cases", (5, 6), GATED, (UP,)))
SECOND_IN_REGIONS = (Step("second", (5, 1), ONE, (UP,)), Step("second", (6, 2), ZERO, (DOWN,)))

# a loss that is 0 for h < 0 and h^2/2 for h > 0, with the identity: its two regions are joined
H_NEGATIVE = rel("<", h, ZERO)
SOFT = Statement(where(H_POSITIVE, mul(HALF, power(h, 2)), ZERO), h, y, z, z)
SOFT_IN_REGIONS = (
    Step("differentiate-loss", (), h, (H_POSITIVE,)),
    Step("differentiate-loss", (), ZERO, (H_NEGATIVE,)),
    Step("differentiate-activation", (), ONE),
    Step("chain", (0, 2), mul(h, ONE), (H_POSITIVE,)),
    Step("chain", (1, 2), mul(ZERO, ONE), (H_NEGATIVE,)),
    Step("rewrite", (3,), h, (H_POSITIVE,)),
    Step("rewrite", (4,), ZERO, (H_NEGATIVE,)),
)
SOFT_VALUE = where(H_POSITIVE, h, ZERO)
SOFT_STEPS = (*SOFT_IN_REGIONS, Step("join", (5, 6), SOFT_VALUE, (H_POSITIVE,)))
