"""The laws of functions, one row each; imports term only.

``derivative`` is f'(x); ``domain`` are the relations under which f(x) is real, ``smooth`` those
under which it is differentiable too (both open); ``rewrite`` says f by simpler functions;
``odd`` is f(-x) = -f(x); ``sign`` is what is known of f's sign: that of "exp" is +, of "atan" as
of its argument. Sources: Abramowitz & Stegun, chapters 4 (elementary) and 7 (erf); NIST DLMF 4, 7, 25.12.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from derive.term import MINUS_ONE, ONE, ZERO, Term, add, call, div, mul, neg, num, power, rel, sub, times, where

Rewrite = Callable[[Term], Term]
Relations = Callable[[Term], tuple[Term, ...]]

HALF, TWO, PI = num(1, 2), num(2), call("pi")


def _everywhere(_: Term) -> tuple[Term, ...]:
    return ()


def _positive(x: Term) -> tuple[Term, ...]:
    return (rel(">", x, ZERO),)


def _nonzero(x: Term) -> tuple[Term, ...]:
    return (rel("!=", x, ZERO),)


def _below_one(x: Term) -> tuple[Term, ...]:
    return (rel("<", x, ONE),)


class Law(NamedTuple):
    derivative: Rewrite
    domain: Relations = _everywhere
    smooth: Relations = _everywhere
    rewrite: Rewrite | None = None
    odd: bool = False
    sign: str = ""


def _exp(x: Term) -> Term:
    return call("exp", x)


LAWS: dict[str, Law] = {
    "exp": Law(_exp, sign="positive"),
    "log": Law(lambda x: power(x, -1), _positive, _positive),
    "sqrt": Law(lambda x: div(HALF, call("sqrt", x)), _positive, _positive, lambda x: power(x, HALF)),
    "sinh": Law(lambda x: call("cosh", x), rewrite=lambda x: mul(HALF, sub(_exp(x), _exp(neg(x))))),
    "cosh": Law(lambda x: call("sinh", x), rewrite=lambda x: mul(HALF, add(_exp(x), _exp(neg(x))))),
    "tanh": Law(
        lambda x: sub(ONE, power(call("tanh", x), 2)),
        rewrite=lambda x: div(sub(_exp(mul(TWO, x)), ONE), add(_exp(mul(TWO, x)), ONE)),
    ),
    "sigmoid": Law(
        lambda x: mul(call("sigmoid", x), sub(ONE, call("sigmoid", x))),
        rewrite=lambda x: div(ONE, add(ONE, _exp(neg(x)))),
    ),
    "softplus": Law(lambda x: call("sigmoid", x), rewrite=lambda x: call("log", add(ONE, _exp(x)))),
    "erf": Law(lambda x: mul(TWO, _exp(neg(power(x, 2))), power(call("sqrt", PI), -1)), odd=True, sign="as argument"),
    "phi": Law(
        lambda x: mul(MINUS_ONE, x, call("phi", x)),
        rewrite=lambda x: div(_exp(mul(num(-1, 2), power(x, 2))), call("sqrt", mul(TWO, PI))),
    ),
    "Phi": Law(
        lambda x: call("phi", x),
        rewrite=lambda x: mul(HALF, add(ONE, call("erf", mul(HALF, call("sqrt", TWO), x)))),
    ),
    "sin": Law(lambda x: call("cos", x), odd=True),
    "cos": Law(lambda x: mul(MINUS_ONE, call("sin", x))),
    "atan": Law(lambda x: power(add(ONE, power(x, 2)), -1), odd=True, sign="as argument"),
    "abs": Law(lambda x: where(rel(">", x, ZERO), ONE, MINUS_ONE), smooth=_nonzero),
    # Li2(x) = x + x^2/2^2 + x^3/3^2 + ...; smooth at 0 too, where this quotient does not say the slope 1
    "Li2": Law(
        lambda x: mul(MINUS_ONE, call("log", sub(ONE, x)), power(x, -1)),
        _below_one,
        lambda x: (*_below_one(x), *_nonzero(x)),
        sign="as argument",
    ),
}
CONSTANTS = {"pi": "positive"}
BOUNDS = {"erf": ONE, "atan": div(PI, TWO)}  # |f(x)| < this
ABSTRACT = frozenset(("F", "G", "A", "L", "L0", "L1", "f", "g", "psi", "w"))  # names for any function
MAX_PRIMES = 4


def law(name: str) -> Law | None:
    """The row of a function, or None; F, F', F'' ... of an ABSTRACT name F stand for any real function of a
    real variable, differentiable as often as needed, and its derivatives: what is proved holds for every such F."""
    found = LAWS.get(name)
    if found is not None:
        return found
    stem = name.rstrip("'")
    if stem in ABSTRACT and len(name) - len(stem) <= MAX_PRIMES:
        return Law(lambda x: call(f"{name}'", x))
    return None


def power_domain(base: Term, exponent: Term) -> tuple[Term, ...]:
    """Where base^exponent is real and smooth: anywhere for n >= 0, base != 0 for n < 0, else base > 0."""
    if exponent.kind == "num" and exponent.args[0].q == 1:
        return () if exponent.args[0] >= 0 else _nonzero(base)
    return _positive(base)


def power_derivative(base: Term, exponent: Term, base_d: Term | None, exponent_d: Term | None) -> Term | None:
    """d(b^e) = e b^(e-1) db + b^e log(b) de, and d(b^0) = 0; None stands for a derivative that is zero."""
    parts = []
    if base_d is not None and exponent != ZERO:
        lower = num(exponent.args[0] - 1) if exponent.kind == "num" else sub(exponent, ONE)
        parts.append(times(exponent, base if lower == ONE else power(base, lower), base_d))
    if exponent_d is not None:
        parts.append(times(power(base, exponent), call("log", base), exponent_d))
    return add(*parts) if parts else None
