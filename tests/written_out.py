"""The catalogue once more, with every class and every example written out: a second opinion for tests.

Nothing here shares the package's laws, rules, catalogue or evaluation; only the shape of its terms is read. The
formulas are those of the sources that the catalogue names.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

import mpmath
import sympy
from mpmath import mpf
from sympy import Rational

from derive.term import Term, open_sum
from derive.term import index as free_index

DIGITS = 60  # in which mpmath works
Matrix = tuple[tuple[Any, ...], ...]  # a row an example, a column a class
Parameters = Mapping[str, Any]  # a number each, or a number a class
NONE: Parameters = {}


# ---- the functions that the formulas are written in, in three libraries


def functions(of: Any) -> SimpleNamespace:
    """exp, log, sqrt, erf, atan, pi, where, size (|x|) and larger, of sympy, mpmath or jax.numpy."""
    return _functions(of.__name__)


@cache
def _functions(library: str) -> SimpleNamespace:
    found = {"sympy": _of_sympy, "mpmath": _of_mpmath, "jax.numpy": _of_jax}[library]()
    found.size = lambda x: found.where(x > 0, x, -x)
    found.larger = lambda a, b: found.where(a > b, a, b)
    return found


def _of_sympy() -> SimpleNamespace:
    names = {name: getattr(sympy, name) for name in ("exp", "log", "sqrt", "erf", "atan", "pi")}
    return SimpleNamespace(**names, where=_choice)


class Choice(sympy.Function):
    """a where the number is positive, else b; Piecewise would solve for where that is as it is built."""

    is_real = True

    @classmethod
    def eval(cls, number: Any, a: Any, b: Any) -> Any:
        return (a if number > 0 else b) if number.is_number else None

    def fdiff(self, argindex: int = 1) -> Any:
        return 0 if argindex == 1 else Choice(self.args[0], 3 - argindex, argindex - 2)


def _choice(test: Any, a: Any, b: Any) -> Any:
    if test in (sympy.true, sympy.false):
        return a if test else b
    return Choice(test.gts - test.lts, a, b)


def _of_mpmath() -> SimpleNamespace:
    names = {name: getattr(mpmath, name) for name in ("exp", "log", "sqrt", "erf", "atan", "pi")}
    return SimpleNamespace(**names, where=lambda test, a, b: a if test else b)


def _of_jax() -> SimpleNamespace:
    import jax

    names = {name: getattr(jax.numpy, name) for name in ("exp", "log", "sqrt", "pi", "where")}
    return SimpleNamespace(**names, atan=jax.numpy.arctan, erf=jax.scipy.special.erf)


# ---- J for one coordinate, or for one example; h for all coordinates of one example


def _huber(r: Any, d: Any, of: Any) -> Any:
    return of.where(of.size(r) > d, d * (of.size(r) - d / 2), r**2 / 2)


def _cross_entropy(h: Any, y: Any, of: Any) -> Any:
    return -(y * of.log(h) + (1 - y) * of.log(1 - h))


def _focal(h: Any, y: Any, q: Any, of: Any) -> Any:
    """-alpha_t (1 - h_t)^gamma log h_t for the probability h_t of the class y in {0, 1} and its weight alpha_t."""
    share, weight = y * h + (1 - y) * (1 - h), y * q.alpha + (1 - y) * (1 - q.alpha)
    return -weight * (1 - share) ** q.gamma * of.log(share)


def _dot(left: Iterable[Any], right: Iterable[Any]) -> Any:
    return sum(a * b for a, b in zip(left, right, strict=True))


ELEMENTWISE: Mapping[str, Callable[[Any, Any, Any, Any], Any]] = {
    "mse": lambda h, y, q, of: (h - y) ** 2 / 2,
    "sse": lambda h, y, q, of: (h - y) ** 2,
    "mae": lambda h, y, q, of: of.size(h - y),
    "huber": lambda h, y, q, of: _huber(h - y, q.d, of),
    "smoothl1": lambda h, y, q, of: _huber(h - y, q.d, of) / q.d,
    "logcosh": lambda h, y, q, of: of.log((of.exp(h - y) + of.exp(y - h)) / 2),
    "pseudohuber": lambda h, y, q, of: q.d**2 * (of.sqrt(1 + ((h - y) / q.d) ** 2) - 1),
    "cauchy": lambda h, y, q, of: q.c**2 / 2 * of.log(1 + ((h - y) / q.c) ** 2),
    "quantile": lambda h, y, q, of: of.larger(q.t * (y - h), (q.t - 1) * (y - h)),
    "expectile": lambda h, y, q, of: of.size(q.t - of.where(y < h, 1, 0)) * (h - y) ** 2,
    "epsinsensitive": lambda h, y, q, of: of.larger(of.size(h - y) - q.epsilon, 0),
    "msle": lambda h, y, q, of: (of.log(1 + h) - of.log(1 + y)) ** 2 / 2,
    "bce": lambda h, y, q, of: _cross_entropy(h, y, of),
    "wbce": lambda h, y, q, of: -q.w * y * of.log(h) - (1 - y) * of.log(1 - h),
    "focal": _focal,
    "brier": lambda h, y, q, of: (h - y) ** 2,
    "binomial": lambda h, y, q, of: -y * of.log(h) - (q.N - y) * of.log(1 - h),
    "poisson": lambda h, y, q, of: h - y * of.log(h),
    "gamma": lambda h, y, q, of: y / h + of.log(h),
    "invgaussian": lambda h, y, q, of: (y - h) ** 2 / (2 * h**2 * y),
    "tweedie": lambda h, y, q, of: -y * h ** (1 - q.p) / (1 - q.p) + h ** (2 - q.p) / (2 - q.p),
    "negbin": lambda h, y, q, of: -y * of.log(h / (h + q.r)) - q.r * of.log(q.r / (h + q.r)),
    "exponential": lambda h, y, q, of: y * h - of.log(h),
    "hinge": lambda h, y, q, of: of.larger(1 - y * h, 0),
    "sqhinge": lambda h, y, q, of: of.larger(1 - y * h, 0) ** 2,
    "logistic": lambda h, y, q, of: of.log(1 + of.exp(-y * h)),
    "exploss": lambda h, y, q, of: of.exp(-y * h),
}


def _smoothed(h: Sequence[Any], y: Sequence[Any], q: Any, of: Any) -> Any:
    soft = [(1 - q.epsilon) * b + q.epsilon / len(h) for b in y]
    return -_dot(soft, map(of.log, h))


def _dice(h: Sequence[Any], y: Sequence[Any], q: Any, of: Any) -> Any:
    return 1 - (2 * _dot(h, y) + q.s) / (sum(h) + sum(y) + q.s)


def _tversky(h: Sequence[Any], y: Sequence[Any], q: Any, of: Any) -> Any:
    hits, false_alarms, misses = _dot(h, y), _dot(h, [1 - b for b in y]), _dot([1 - a for a in h], y)
    return 1 - hits / (hits + q.alpha * false_alarms + q.beta * misses)


JOINT: Mapping[str, Callable[[Sequence[Any], Sequence[Any], Any, Any], Any]] = {
    "cce": lambda h, y, q, of: -_dot(y, map(of.log, h)),
    "wcce": lambda h, y, q, of: -sum(w * b * of.log(a) for w, a, b in zip(q.w, h, y, strict=True)),
    "lsce": _smoothed,
    "kl": lambda h, y, q, of: sum(b * of.log(b / a) for a, b in zip(h, y, strict=True)),
    "reversekl": lambda h, y, q, of: sum(a * of.log(a / b) for a, b in zip(h, y, strict=True)),
    "mbce": lambda h, y, q, of: sum(_cross_entropy(a, b, of) for a, b in zip(h, y, strict=True)),
    "dice": _dice,
    "tversky": _tversky,
}
LOSSES = (*ELEMENTWISE, *JOINT)


def _sigmoid(x: Any, of: Any) -> Any:
    return of.exp(x) / (of.exp(x) + 1)


def _tanh(x: Any, of: Any) -> Any:
    return (of.exp(x) - of.exp(-x)) / (of.exp(x) + of.exp(-x))


def _normal(x: Any, of: Any) -> Any:
    """The distribution function of the standard normal distribution."""
    return (1 + of.erf(x / of.sqrt(2))) / 2


def _elu(x: Any, alpha: Any, of: Any) -> Any:
    return of.where(x > 0, x, alpha * (of.exp(x) - 1))


def _clipped(x: Any, low: Any, high: Any, of: Any) -> Any:
    return of.where(x < low, low, of.where(x > high, high, x))


COORDINATEWISE: Mapping[str, Callable[[Any, Any, Any], Any]] = {
    "identity": lambda x, q, of: x,
    "sigmoid": lambda x, q, of: _sigmoid(x, of),
    "tanh": lambda x, q, of: _tanh(x, of),
    "halftanh": lambda x, q, of: (1 + _tanh(x, of)) / 2,
    "exp": lambda x, q, of: of.exp(x),
    "softplus": lambda x, q, of: of.log(1 + of.exp(x)),
    "relu": lambda x, q, of: of.larger(x, 0),
    "leakyrelu": lambda x, q, of: of.where(x > 0, x, q.alpha * x),
    "elu": lambda x, q, of: _elu(x, q.alpha, of),
    "selu": lambda x, q, of: vars(q)["lambda"] * _elu(x, q.alpha, of),
    "hardtanh": lambda x, q, of: _clipped(x, -1, 1, of),
    "hardsigmoid": lambda x, q, of: _clipped((x + 3) / 6, 0, 1, of),
    "probit": lambda x, q, of: _normal(x, of),
    "cloglog": lambda x, q, of: 1 - of.exp(-of.exp(x)),
    "loglog": lambda x, q, of: of.exp(-of.exp(-x)),
    "cauchit": lambda x, q, of: (2 * of.atan(x) / of.pi + 1) / 2,
    "arctan": lambda x, q, of: of.atan(x),
    "softsign": lambda x, q, of: x / (1 + of.size(x)),
    "gelu": lambda x, q, of: x * _normal(x, of),
    "silu": lambda x, q, of: x * _sigmoid(x, of),
    "mish": lambda x, q, of: x * _tanh(of.log(1 + of.exp(x)), of),
    "square": lambda x, q, of: x**2,
    "inverse": lambda x, q, of: -1 / x,
    "invsqrt": lambda x, q, of: 1 / of.sqrt(-2 * x),
    "power": lambda x, q, of: ((1 - q.p) * x) ** (1 / (1 - q.p)),
    "nblink": lambda x, q, of: q.r * of.exp(x) / (1 - of.exp(x)),
}


def _shares(parts: Sequence[Any]) -> list[Any]:
    return [part / sum(parts) for part in parts]


COUPLED: Mapping[str, Callable[[Sequence[Any], Any, Any], list[Any]]] = {
    "softmax": lambda z, q, of: _shares([of.exp(x) for x in z]),
    "softmaxT": lambda z, q, of: _shares([of.exp(x / q.T) for x in z]),
    "logsoftmax": lambda z, q, of: [x - of.log(sum(of.exp(t) for t in z)) for x in z],
    "normalize": lambda z, q, of: _shares(z),
    "unitnorm": lambda z, q, of: [x / of.sqrt(_dot(z, z)) for x in z],
}
ACTIVATIONS = (*COORDINATEWISE, *COUPLED)


# ---- where they are used


class Range(NamedTuple):
    """The numbers between low and high; ``closed``: and low; a high of None is infinite."""

    low: int | None = None
    high: int | None = None
    closed: bool = False

    def __contains__(self, value: Any) -> bool:
        above = self.low is None or value > self.low or (self.closed and value == self.low)
        return bool(above and (self.high is None or value < self.high))


REAL, POSITIVE, UNIT = Range(), Range(0), Range(0, 1)
# of a coordinate of h (J is real there), z, and each parameter; "w[k]" is a number a class
OUTPUTS: Mapping[str, Range] = {
    **dict.fromkeys(("bce", "wbce", "focal", "binomial", "mbce", "dice", "tversky"), UNIT),
    **dict.fromkeys(("cce", "wcce", "lsce", "kl", "reversekl", "poisson", "gamma", "invgaussian"), POSITIVE),
    **dict.fromkeys(("tweedie", "negbin", "exponential"), POSITIVE),
    "msle": Range(-1),
}
INPUTS: Mapping[str, Range] = {
    **dict.fromkeys(("inverse", "invsqrt", "power", "nblink"), Range(None, 0)),
    "normalize": POSITIVE,
}
PARAMETERS: Mapping[str, Mapping[str, Range]] = {
    "huber": {"d": POSITIVE},
    "smoothl1": {"d": POSITIVE},
    "pseudohuber": {"d": POSITIVE},
    "cauchy": {"c": POSITIVE},
    "quantile": {"t": UNIT},
    "expectile": {"t": UNIT},
    "epsinsensitive": {"epsilon": POSITIVE},
    "wbce": {"w": POSITIVE},
    "focal": {"alpha": UNIT, "gamma": Range(0, None, True)},
    "binomial": {"N": POSITIVE},
    "wcce": {"w[k]": POSITIVE},
    "lsce": {"epsilon": UNIT},
    "tweedie": {"p": Range(1, 2)},
    "power": {"p": Range(1, 2)},
    "negbin": {"r": POSITIVE},
    "nblink": {"r": POSITIVE},
    "dice": {"s": POSITIVE},
    "tversky": {"alpha": POSITIVE, "beta": POSITIVE},
    "leakyrelu": {"alpha": POSITIVE},
    "elu": {"alpha": POSITIVE},
    "selu": {"lambda": POSITIVE, "alpha": POSITIVE},
    "softmaxT": {"T": POSITIVE},
}
CLASSES = dict.fromkeys(("softmax", "softmaxT", "logsoftmax", "normalize"), 2)  # least; of one, nothing would move
SIGNS, LABELS = (-1, 1), (0, 1)
# y: the numbers between two, or one of several
TARGETS: Mapping[str, Range | tuple[int, ...]] = {
    **dict.fromkeys(("hinge", "sqhinge", "logistic", "exploss"), SIGNS),
    **dict.fromkeys(("bce", "wbce", "brier", "mbce", "dice", "tversky"), UNIT),
    **dict.fromkeys(("cce", "wcce", "lsce", "kl", "reversekl"), UNIT),
    **dict.fromkeys(("poisson", "gamma", "invgaussian", "tweedie", "negbin", "exponential"), POSITIVE),
    "binomial": UNIT,  # of the share y/N
    "focal": LABELS,
    "msle": Range(-1),
}
# Where z is drawn for an activation or one pair, unless it is [-3, 3]: both sides of every kink, h off its limits by
# more than float64 rounds away.
DRAWN: Mapping[str, Range] = {
    "hardtanh": Range(-2, 2),
    "hardsigmoid": Range(-5, 5),
    "cloglog": Range(-3, 1),
    "loglog": Range(-1, 3),
    **dict.fromkeys(("inverse", "invsqrt", "power", "nblink"), Range(-4, -1)),
    **dict.fromkeys(("normalize", "poisson-identity"), Range(0, 3)),
}


class Place(NamedTuple):
    """An exact point of m examples and K classes, and the coordinate (example, class) by which J is differentiated."""

    z: Matrix
    y: Matrix
    at: tuple[int, int] = (0, 0)
    parameters: Parameters = NONE


def outputs(activation: str, z: Matrix, of: Any, parameters: Parameters = NONE) -> Matrix:
    q, library = SimpleNamespace(**parameters), functions(of)
    if activation in COUPLED:
        return tuple(tuple(COUPLED[activation](row, q, library)) for row in z)
    return tuple(tuple(COORDINATEWISE[activation](x, q, library) for x in row) for row in z)


def loss(slug: str, h: Sequence[Any], y: Sequence[Any], of: Any, parameters: Parameters = NONE) -> Any:
    """J of one example, summed over its classes."""
    q, library = SimpleNamespace(**parameters), functions(of)
    if slug in JOINT:
        return JOINT[slug](h, y, q, library)
    return sum(ELEMENTWISE[slug](a, b, q, library) for a, b in zip(h, y, strict=True))


def cost(pair: str, z: Matrix, y: Matrix, of: Any, parameters: Parameters = NONE) -> Any:
    """J averaged over the examples, of which there may be one, and summed over the classes."""
    slug, _, activation = pair.partition("-")
    rows = zip(outputs(activation, z, of, parameters), y, strict=True)
    return sum(loss(slug, h, row, of, parameters) for h, row in rows) / len(z)


# ---- places


def random_place(seed: int, examples: int, classes: int) -> Place:
    """Rational z in [-3, 3] and y strictly between 0 and 1, whose sum is not 1; for a pair without parameters."""
    draw = random.Random(seed)
    rows, columns = range(examples), range(classes)
    z = tuple(tuple(Rational(draw.randint(-21, 21), 7) for _ in columns) for _ in rows)
    y = tuple(tuple(Rational(draw.randint(1, 10), 13 if k else 11) for k in columns) for _ in rows)  # sum != 1
    return Place(z, y, (draw.randrange(examples), draw.randrange(classes)))


def place_of(pair: str, seed: int, examples: int, classes: int) -> Place:
    """A place where the pair is used; off its kinks, because z, each y and the parameters have other powers of 2 below
    them, and for the same reason with sum y != 1. Every number is one of float64."""
    slug, _, activation = pair.partition("-")
    draw = random.Random(f"{pair} {seed}")
    parameters = {**draw_parameters(slug, draw, classes), **draw_parameters(activation, draw, classes)}
    rows, columns = range(examples), range(classes)
    between = DRAWN.get(pair) or DRAWN.get(activation) or Range(-3, 3)
    z = tuple(tuple(odd(draw, between, 64) for _ in columns) for _ in rows)
    y = tuple(tuple(draw_target(slug, draw, 128 << k, parameters) for k in columns) for _ in rows)
    return Place(z, y, (draw.randrange(examples), draw.randrange(classes)), parameters)


def odd(draw: random.Random, between: Range, parts: int) -> Rational:
    """An odd number of parts, a power of 2, away from the ends, and near 0 where there are none."""
    if between.low is None:
        low, high = -4.0, 4.0
    elif between.high is None:
        low, high = between.low + 1 / 2, between.low + 3.0
    else:
        low, high = between.low + 1 / 16, between.high - 1 / 16
    return Rational(2 * draw.randrange(int(low * parts / 2), int(high * parts / 2)) + 1, parts)


def draw_parameters(slug: str, draw: random.Random, classes: int) -> dict[str, Any]:
    """Numbers inside their domains; N, the number of trials, is an integer."""
    found: dict[str, Any] = {}
    for name, between in PARAMETERS.get(slug, {}).items():
        if name == "N":
            found[name] = Rational(draw.randint(1, 5))
        elif name.endswith("[k]"):
            found[name[:-3]] = tuple(odd(draw, between, 4096) for _ in range(classes))
        elif name == "p":  # from 5/4 to 7/4, or powers by 1/(1 - p) would overflow; SymPy takes roots of few parts only
            found[name] = 1 + odd(draw, UNIT, 8) / 2 + Rational(1, 4)
        else:
            found[name] = odd(draw, between, 16 if name == "gamma" else 4096)
    return found


def draw_target(slug: str, draw: random.Random, parts: int, parameters: Parameters) -> Rational:
    allowed = TARGETS.get(slug, REAL)
    if slug == "binomial":
        return Rational(draw.randint(0, int(parameters["N"])))
    return odd(draw, allowed, parts) if isinstance(allowed, Range) else Rational(draw.choice(allowed))


def is_inside(pair: str, place: Place) -> bool:
    """Whether there are as many classes as the activation needs, and every h lies where the loss is defined."""
    slug, _, activation = pair.partition("-")
    h = outputs(activation, numbers(place.z), mpmath, in_mpmath(place.parameters))
    inside = all(value in OUTPUTS.get(slug, REAL) for row in h for value in row)
    return inside and len(place.z[0]) >= CLASSES.get(activation, 1)


def moved(place: Place, by: Rational) -> Place:
    """The place with z larger at its coordinate."""
    n, k = place.at
    row = (*place.z[n][:k], place.z[n][k] + by, *place.z[n][k + 1 :])
    return place._replace(z=(*place.z[:n], row, *place.z[n + 1 :]))


def numbers(matrix: Matrix) -> Matrix:
    """In the working precision; numbers of mpmath as they are."""
    return tuple(tuple(v if isinstance(v, mpf) else mpf(int(v.p)) / mpf(int(v.q)) for v in row) for row in matrix)


def in_mpmath(parameters: Parameters) -> Parameters:
    return {n: numbers((v,))[0] if isinstance(v, tuple) else numbers(((v,),))[0][0] for n, v in parameters.items()}


# ---- dJ/dz by SymPy and by differences


def sympy_slope(pair: str, place: Place) -> Any:
    """dJ/dz at the place, exactly, by SymPy on the cost written out."""
    rows = enumerate(place.z)
    symbols = tuple(tuple(sympy.Symbol(f"z{n}{k}", real=True) for k, _ in enumerate(row)) for n, row in rows)
    n, k = place.at
    slope = sympy.diff(cost(pair, symbols, place.y, sympy, place.parameters), symbols[n][k])
    values = {s: v for row_s, row_v in zip(symbols, place.z, strict=True) for s, v in zip(row_s, row_v, strict=True)}
    return slope.subs(values)


STEP = Rational(1, 10**20)


def difference_slope(pair: str, place: Place) -> Any:
    """dJ/dz at the place by central differences; right to about 30 digits."""
    with mpmath.workdps(2 * DIGITS):
        y, parameters = numbers(place.y), in_mpmath(place.parameters)

        def at(steps: int) -> Any:
            return cost(pair, numbers(moved(place, steps * STEP).z), y, mpmath, parameters)

        once, twice = at(1) - at(-1), at(2) - at(-2)
        return (8 * once - twice) / (12 * numbers(((STEP,),))[0][0])


def difference_curvature(pair: str, place: Place) -> Any:
    """d2J/dz2 at the place by its coordinate twice, by differences of differences; right to about 15 digits."""
    step = Rational(1, 10**10)
    with mpmath.workdps(2 * DIGITS):
        return (difference_slope(pair, moved(place, step)) - difference_slope(pair, moved(place, -step))) * 10**10 / 2


# ---- the value of a term


CALLS: Mapping[str, Callable[..., Any]] = {
    **{name: getattr(mpmath, name) for name in ("exp", "log", "sqrt", "sinh", "cosh", "tanh", "sin", "cos", "atan")},
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "erf": mpmath.erf,
    "phi": mpmath.npdf,
    "Phi": mpmath.ncdf,
    "abs": abs,
    "Li2": lambda x: mpmath.polylog(2, x),
    "pi": lambda: +mpmath.pi,
}
COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


class Written(NamedTuple):
    """What the names of a term stand for; a scalar is the family element without indices."""

    values: Mapping[tuple[str, tuple[int, ...]], Any]
    sizes: Mapping[str, int]
    indices: Mapping[str, int]

    def value(self, term: Term) -> Any:
        """The number that the term is, in the working precision of mpmath; of a relation, whether it holds."""
        return getattr(self, f"_{term.kind}")(term)

    def _num(self, term: Term) -> Any:
        above, below = int(term.args[0].p), int(term.args[0].q)
        return mpf(above) if below == 1 else mpf(above) / below

    def _var(self, term: Term) -> Any:
        return self.values[term.args[0], ()]

    def _size(self, term: Term) -> Any:
        return mpf(self.sizes[term.args[0]])

    def _index(self, term: Term) -> int:
        return self.indices[term.args[0]]

    def _item(self, term: Term) -> Any:
        return self.values[term.args[0], tuple(self._index(i) for i in term.args[1:])]

    def _add(self, term: Term) -> Any:
        return sum(self.value(t) for t in term.args)

    def _mul(self, term: Term) -> Any:
        return mpmath.fprod(self.value(t) for t in term.args)

    def _pow(self, term: Term) -> Any:
        return self.value(term.args[0]) ** self.value(term.args[1])

    def _call(self, term: Term) -> Any:
        return CALLS[term.args[0]](*(self.value(t) for t in term.args[1:]))

    def _kron(self, term: Term) -> Any:
        return mpf(self._index(term.args[0]) == self._index(term.args[1]))

    def _rel(self, term: Term) -> bool:
        comparison, left, right = term.args
        return bool(COMPARISONS[comparison](self.value(left), self.value(right)))

    def _where(self, term: Term) -> Any:
        condition, inside, outside = term.args
        return self.value(inside if self.value(condition) else outside)

    def _sum(self, term: Term) -> Any:
        i = free_index(f"running{len(self.indices)}", term.args[0])
        body = open_sum(term, i)
        return sum(
            self._replace(indices={**self.indices, i.args[0]: n}).value(body)
            for n in range(1, self.sizes[term.args[0]] + 1)
        )


def written(pair: str, place: Place, shape: str) -> Written:
    """z, y, h and the parameters at a place: ``shape`` says which indices the first three have, "" or "j" or "ij"."""
    activation = pair.partition("-")[2]
    z, y, parameters = numbers(place.z), numbers(place.y), in_mpmath(place.parameters)
    values: dict[tuple[str, tuple[int, ...]], Any] = {}
    for name, matrix in (("z", z), ("y", y), ("h", outputs(activation, z, mpmath, parameters))):
        for n, row in enumerate(matrix, 1):
            for k, value in enumerate(row, 1):
                values[name, {"": (), "j": (k,), "ij": (n, k)}[shape]] = value
    for name, value in parameters.items():
        values |= {(name, (k,)): v for k, v in enumerate(value, 1)} if isinstance(value, tuple) else {(name, ()): value}
    n, k = place.at
    sizes = {"m": len(place.z), "K": len(place.z[0])}
    return Written(values, sizes, {"i": n + 1, "j": k + 1})


def close(left: Any, right: Any, digits: int) -> bool:
    return bool(abs(left - right) <= (1 + abs(left)) * mpf(10) ** -digits)


def is_slope(pair: str, term: Term, shape: str) -> bool:
    """Whether the term is dJ/dz of the pair, to 40 digits, at three places of each of a few sizes."""
    with mpmath.workdps(DIGITS):
        return all(
            close(written(pair, place, shape).value(term), mpf(str(sympy.N(sympy_slope(pair, place), 50))), 40)
            for place in places(pair, shape)
        )


def places(pair: str, shape: str) -> list[Place]:
    """Three places for each of a few numbers of examples and classes, where the pair is used."""
    sizes = {"": [(1, 1)], "j": [(1, 1), (1, 2), (1, 3)], "ij": [(1, 1), (2, 2), (3, 1)]}[shape]
    found = [place_of(pair, 100 * n + seed, *size) for n, size in enumerate(sizes) for seed in range(3)]
    return [place for place in found if is_inside(pair, place)]
