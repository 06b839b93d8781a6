"""The activations: one entry each, a SymPy expression with its domain and source; imports sympy only.

``output`` is h as a function of z; an activation that indexes, z[k], gives h[k] from all of z.
``domain`` are the relations on z, parameters and sizes under which it is used; the range of h is not
typed in: whether it fits a loss is proved for each pair.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sympy import Gt, IndexedBase, Sum, Symbol, exp, log, symbols, tanh

z = symbols("z", real=True)
k, l = symbols("k l", integer=True)  # noqa: E741
K = Symbol("K", integer=True, positive=True)
Z = IndexedBase("z", real=True)


class Activation(NamedTuple):
    slug: str
    name: str
    output: Any
    domain: tuple[Any, ...]
    source: str


ACTIVATIONS = {
    entry.slug: entry
    for entry in (
        Activation("identity", "identity", z, (), "Bishop, PRML, 5.1"),
        Activation("sigmoid", "logistic sigmoid", 1 / (1 + exp(-z)), (), "Bishop, PRML, eq. 4.59"),
        Activation("tanh", "hyperbolic tangent", tanh(z), (), "Bishop, PRML, eq. 5.59"),
        Activation("exp", "exponential", exp(z), (), "McCullagh, Nelder, Generalized Linear Models, 2.2"),
        Activation("softplus", "softplus", log(1 + exp(z)), (), "Dugas et al., NIPS 13 (2001)"),
        Activation(
            "softmax",
            "softmax",
            exp(Z[k]) / Sum(exp(Z[l]), (l, 1, K)),
            (Gt(K, 1),),
            "Bishop, PRML, eq. 4.62",
        ),
    )
}
