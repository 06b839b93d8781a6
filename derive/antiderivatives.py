"""Proposals by SymPy: antiderivatives, potentials, losses of the output; untrusted, imports sympy and bridge.

What comes from here is a guess, which the kernel has to prove. SymPy runs against a clock in the main thread
(elsewhere without one), and whatever it fails with, no guess is made.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import product
from time import process_time
from typing import Any

import sympy
from sympy.integrals.manualintegrate import manualintegrate

from derive.bridge import to_sympy, to_term
from derive.present import tidy
from derive.term import ZERO, Term, add, call, item, open_sum, replace, subterms, sum_over, var, where

MOST_SIGNS = 3  # logarithms whose argument is tried with both signs
LONGEST = 3.0  # seconds of CPU for one call of SymPy: a busy machine must not change what is found
Z = to_sympy(var("z"))
T, S, H, Y, CDF, DENSITY = sympy.symbols("t_z S_z h y Phi_z phi_z", real=True)
U = sympy.Symbol("u_z", positive=True)
ERF = sympy.erf(sympy.sqrt(2) * Z / 2)


class _TimeUp(BaseException):
    """Not an Exception, so that no handler of SymPy's takes it for one of its own."""


class Proposals:
    """Guesses for one activation until the time is up; ``positive`` are the names that SymPy may think positive."""

    def __init__(self, seconds: float, positive: Iterable[str] = ()) -> None:
        self.deadline = process_time() + seconds
        self.inverses: dict[Term, list[Any]] = {}
        self.positive = {sympy.Symbol(name, real=True): sympy.Symbol(name, positive=True) for name in positive}

    # ---- functions of one variable

    def antiderivatives(self, body: Term) -> Iterator[list[Term]]:
        """Terms whose derivative by z may be the body, the quick guesses first; it is free of ``where``."""
        expression = self._attempt(self._read, body)
        if expression is None:
            return
        for methods in ((_by_power, _by_exponentials, manualintegrate), (sympy.integrate,), (_by_parts,)):
            found = [f for method in methods for f in self._integral(method, expression, Z)]
            yield self._terms(found, Z)
            yield self._terms([s for f in found if (s := self._attempt(sympy.simplify, f)) is not None], Z)

    def joined(self, condition: Term, inside: Term, outside: Term) -> Term | None:
        """where(condition, inside + c, outside) with the constant c that makes it continuous."""

        def join() -> Term:
            _, *sides = condition.args
            left, right, a, b = map(self._read, (*sides, inside, outside))
            (border,) = sympy.solve(left - right, Z)
            return where(condition, self._plus(inside, sympy.simplify((b - a).subs(Z, border))), outside)

        found: Term | None = self._attempt(join)
        return found

    def from_origin(self, term: Term) -> Term:
        """The term less its value at z = 0, within each branch; the term itself where that fails."""
        found: Term | None = self._attempt(lambda: self._plus(term, -sympy.simplify(self._read(term).subs(Z, 0))))
        return term if found is None else found

    def _plus(self, term: Term, constant: Any) -> Term:
        if constant == 0:
            return term
        if term.kind == "where":
            return where(term.args[0], *(self._plus(t, constant) for t in term.args[1:]))
        return to_term(sympy.expand(self._read(term) + constant))

    def border(self, left: Term, right: Term) -> Term | None:
        """The one rational z where two terms are equal, or None."""
        found = self._attempt(lambda: sympy.solve(to_sympy(left) - to_sympy(right), Z)) or []
        return to_term(found[0]) if len(found) == 1 and found[0].is_Rational else None

    def output_slopes(self, body: Term) -> Iterator[Term]:
        """dh/dz as a function of h, by z as a function of h; the body is free of ``where``."""
        for inverse in self._inverses(body):
            found = self._attempt(lambda z=inverse: to_term(sympy.factor(sympy.simplify(1 / sympy.diff(z, H)))))
            if found is not None:
                yield found

    def output_losses(self, body: Term) -> Iterator[list[Term]]:
        """J of h and y with dJ/dh = (h - y) dz/dh."""
        for inverse in self._inverses(body):
            slope = self._attempt(lambda z=inverse: sympy.simplify(H * sympy.diff(z, H)))
            for method in (_by_power, manualintegrate, sympy.integrate) if slope is not None else ():
                found = self._integral(method, slope, H)
                yield self._terms([_gathered(f - Y * inverse) for f in found], H)

    def _inverses(self, body: Term) -> list[Any]:
        if body not in self.inverses:
            self.inverses[body] = self._attempt(lambda: sympy.solve(self._read(body) - H, Z)) or []
        return self.inverses[body]

    # ---- functions of a vector

    def potentials(self, body: Term, own: Term) -> Iterator[list[Term]]:
        """F with dF/dz[own] = body, where that is a(z[own]) + b(S) g'(z[own]) with S the sum over all of g(z)."""
        here, t, sums = item("z", own), var("t_z"), {s for s in subterms(body) if s.kind == "sum" and not s.indices}
        total = sums.pop() if len(sums) == 1 else sum_over(own, here)
        parted = self._attempt(lambda: self._parted(replace(body, {total: var("S_z"), here: t}), total, own))
        for method in (_by_power, _by_exponentials, manualintegrate, sympy.integrate) if parted else ():
            outer, single = (
                [*self._terms(self._integral(method, e, x), x), ZERO] for e, x in zip(parted, (S, T), strict=True)
            )
            yield [
                tidy(add(replace(a, {var("S_z"): total}), sum_over(own, replace(b, {t: here})) if b != ZERO else ZERO))
                for a, b in product(outer, single)
            ]

    def _parted(self, body: Term, total: Term, own: Term) -> tuple[Any, Any]:
        """b(S), which must be free of t, and a(t)."""
        single, rest = self._read(body).as_independent(S, as_Add=True)
        slope = sympy.diff(self._read(replace(open_sum(total, own), {item("z", own): var("t_z")})), T)
        outer = sympy.simplify(rest / slope)
        return (sympy.S.Zero if outer.has(T) else outer), single

    # ---- SymPy, and the ways to write what it found

    def _read(self, term: Term) -> Any:
        return to_sympy(term).subs(self.positive)

    def _attempt(self, work: Callable[..., Any], *given: Any) -> Any:
        """What the work returns, or None: SymPy fails in more ways than can be listed, and each is only no guess."""
        left = min(self.deadline - process_time(), LONGEST)
        try:
            with _limit(left):
                return work(*given) if left > 0 else None
        except (_TimeUp, Exception):
            return None

    def _integral(self, method: Callable[[Any, Any], Any], expression: Any, z: Any) -> list[Any]:
        """Antiderivatives as SymPy writes them, one for each case of the parameters."""
        return self._attempt(lambda: list(_branches(method(expression, z)))) or []

    def _terms(self, found: Iterable[Any], z: Any) -> list[Term]:
        """The same antiderivatives in some forms, as terms without constants."""
        every = [g for f in found for g in (f, self._attempt(sympy.expand, f)) if g is not None]
        plainly = [g.as_independent(z, as_Add=True)[1] if g.is_Add else g for g in every]
        forms = dict.fromkeys(form for g in plainly for form in (*_signed(g), *_by_distribution(g)))
        terms = [self._attempt(to_term, f) for f in forms]
        return [g for t in terms if t is not None for g in _with_distribution(t)]


def _by_power(expression: Any, z: Any) -> Any:
    """c b^n with b linear in z: c b^(n + 1)/((n + 1) b')."""
    factor, rest = expression.as_independent(z, as_Add=False)
    base, exponent = rest.as_base_exp()
    slope = sympy.diff(base, z)
    if slope.has(z) or exponent.has(z):
        return None
    above = sympy.factor(sympy.together(exponent + 1))
    return base**above * sympy.simplify(factor / (above * slope))


def _by_exponentials(expression: Any, z: Any) -> Any:
    """With u = e^z, where z occurs in exponents only."""
    if not expression.has(sympy.exp, sympy.tanh):
        return None
    inside = expression.rewrite(sympy.exp).subs(z, sympy.log(U))
    return None if inside.has(sympy.log(U)) else sympy.integrate(sympy.simplify(inside / U), U).subs(U, sympy.exp(z))


def _by_parts(expression: Any, z: Any) -> Any:
    """The integral of z g(z) as z G(z) less the integral of G."""
    if z not in sympy.Mul.make_args(expression):
        return None
    first = next(_branches(_by_exponentials(expression / z, z)))
    return z * first - next(_branches(_by_exponentials(first, z)))


def _branches(found: Any) -> Iterator[Any]:
    """The branches of a Piecewise, which tells values of parameters apart; what is no real closed form is left out."""
    if found is not None:
        whole = sympy.piecewise_fold(found)
        for branch in [e for e, _ in whole.args] if isinstance(whole, sympy.Piecewise) else [whole]:
            branch = branch.replace(sympy.exp_polar, sympy.exp)
            if not branch.has(sympy.Integral):
                yield branch


def _signed(form: Any) -> Iterator[Any]:
    """The form, with log(-p) or log|p| for log(p) too: SymPy does not tell them apart, the reals do."""
    logs = sorted((g for g in form.atoms(sympy.log) if g.free_symbols), key=str)
    choices = list(product((1, -1), repeat=len(logs))) if len(logs) <= MOST_SIGNS else [(1,) * len(logs)]
    for signs in choices:
        flipped = {g: sympy.log(sympy.expand(-g.args[0])) for g, s in zip(logs, signs, strict=True) if s < 0}
        yield form.subs(flipped)
    yield form.subs({g: sympy.log(sympy.Abs(g.args[0])) for g in logs})


def _by_distribution(form: Any) -> Iterator[Any]:
    """The form with the normal distribution function and density for erf(z/sqrt(2)) and exp(-z^2/2)."""
    if form.has(ERF):
        table = {ERF: 2 * CDF - 1, sympy.exp(-(Z**2) / 2): sympy.sqrt(2 * sympy.pi) * DENSITY}
        yield sympy.expand(form.subs(table)).as_independent(Z, CDF, DENSITY, as_Add=True)[1]


def _with_distribution(term: Term) -> Iterator[Term]:
    """The function Phi(z) by its name, and by erf as an activation may have it."""
    cdf, density, z = var("Phi_z"), var("phi_z"), var("z")
    for named in (call("Phi", z), to_term((1 + ERF) / 2)) if cdf in subterms(term) else (cdf,):
        yield replace(term, {cdf: named, density: call("phi", z)})


def _gathered(form: Any) -> Any:
    """The logarithms of products taken apart, each with what it is multiplied by."""
    apart = sympy.expand(sympy.expand_log(form, force=True)).as_independent(sympy.I, as_Add=True)[0]
    return sympy.collect(apart, sorted(apart.atoms(sympy.log), key=str))


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Raises _TimeUp when the time is up; in another thread than the main one, or without such clocks, never."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer") or seconds <= 0:
        yield
        return

    def stop(*_: object) -> None:
        raise _TimeUp

    before = signal.signal(signal.SIGVTALRM, stop)
    outer, _ = signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, outer)
        signal.signal(signal.SIGVTALRM, before)
