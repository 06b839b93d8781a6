"""The words of the expression language and its limits, for both spellings; imports terms and the names of laws."""

from __future__ import annotations

from collections.abc import Callable

from derive import term as make
from derive.laws import CONSTANTS, LAWS
from derive.term import Term

MAX_LENGTH, MAX_DIGITS, MAX_EXPONENT, MAX_SUMMANDS = 100_000, 1_000, 1_000, 10_000
DEFAULT_SIZE, EXAMPLES = "K", "m"  # what sum(k, ...) runs over, and the size whose index is written as x^{(i)}
ALIASES = {"ln": "log", "sigma": "sigmoid"}


def _clip(x: Term, low: Term, high: Term) -> Term:
    return make.where(make.rel("<", x, low), low, make.where(make.rel(">", x, high), high, x))


# Functions that are read as other terms: how many arguments, and what they mean. sign(0) is undefined.
SUGAR: dict[str, tuple[int, Callable[..., Term]]] = {
    "max": (2, lambda a, b: make.where(make.rel(">", a, b), a, b)),
    "min": (2, lambda a, b: make.where(make.rel("<", a, b), a, b)),
    "relu": (1, lambda x: make.where(make.rel(">", x, make.ZERO), x, make.ZERO)),
    "clip": (3, _clip),
    "sign": (1, lambda x: make.mul(x, make.power(make.call("abs", x), -1))),
    "tan": (1, lambda x: make.mul(make.call("sin", x), make.power(make.call("cos", x), -1))),
}
FUNCTIONS = tuple(sorted((*LAWS, *ALIASES, *SUGAR, "kron", "softmax", "sum", "where")))
GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu"),
    *("nu", "xi", "rho", "sigma", "tau", "upsilon", "chi", "psi", "omega"),
    *("Gamma", "Delta", "Theta", "Lambda", "Xi", "Sigma", "Upsilon", "Psi", "Omega"),
)
RESERVED = frozenset((*FUNCTIONS, *CONSTANTS, "and"))
