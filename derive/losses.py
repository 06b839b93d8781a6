"""The losses: one entry each, a SymPy expression with its domain, targets and source; imports sympy only.

``cost`` is J per sample in h and y; a loss that indexes them, h[k] and y[k], acts on a vector of K
outputs. ``domain`` are the relations on h under which J is real, ``targets`` those on y: an equation among
them may become a condition of an answer, and is stated there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sympy import Eq, IndexedBase, Le, Lt, Sum, Symbol, log, symbols

h, y = symbols("h y", real=True)
k = Symbol("k", integer=True)
K = Symbol("K", integer=True, positive=True)
H, Y = IndexedBase("h", real=True), IndexedBase("y", real=True)


class Loss(NamedTuple):
    slug: str
    name: str
    cost: Any
    domain: tuple[Any, ...]
    targets: tuple[Any, ...]
    source: str


LOSSES = {
    entry.slug: entry
    for entry in (
        Loss("mse", "half squared error", (h - y) ** 2 / 2, (), (), "Bishop, PRML, eq. 5.14"),
        Loss("sse", "squared error", (h - y) ** 2, (), (), "Hastie, Tibshirani, Friedman, ESL, eq. 11.9"),
        Loss(
            "bce",
            "binary cross-entropy",
            -y * log(h) - (1 - y) * log(1 - h),
            (Lt(0, h), Lt(h, 1)),
            (Le(0, y), Le(y, 1)),
            "Bishop, PRML, eq. 5.21",
        ),
        Loss(
            "cce",
            "categorical cross-entropy",
            -Sum(Y[k] * log(H[k]), (k, 1, K)),
            (Lt(0, H[k]),),
            (Le(0, Y[k]), Eq(Sum(Y[k], (k, 1, K)), 1)),
            "Bishop, PRML, eq. 5.24",
        ),
        Loss(
            "poisson",
            "Poisson negative log-likelihood",
            h - y * log(h),
            (Lt(0, h),),
            (Le(0, y),),
            "McCullagh, Nelder, Generalized Linear Models, 6.2",
        ),
    )
}
