"""The catalogue once more, with every class and every example written out: a second opinion for tests.

Nothing here shares the package's laws, rules, catalogue or evaluation; only the shape of its terms is read.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import mpmath
import sympy
from mpmath import mpf

from derive.term import Term, open_sum
from derive.term import index as free_index

DIGITS = 60  # in which mpmath works
Matrix = tuple[tuple[Any, ...], ...]  # a row an example, a column a class

# J for one coordinate of one example, and h for all coordinates of one example; ``of`` is sympy or mpmath.
LOSSES: Mapping[str, Callable[[Any, Any, Any], Any]] = {
    "mse": lambda h, y, of: (h - y) ** 2 / 2,
    "sse": lambda h, y, of: (h - y) ** 2,
    "bce": lambda h, y, of: -(y * of.log(h) + (1 - y) * of.log(1 - h)),
    "cce": lambda h, y, of: -y * of.log(h),
    "poisson": lambda h, y, of: h - y * of.log(h),
}
ACTIVATIONS: Mapping[str, Callable[[Sequence[Any], Any], list[Any]]] = {
    "identity": lambda z, of: list(z),
    "sigmoid": lambda z, of: [of.exp(x) / (of.exp(x) + 1) for x in z],
    "tanh": lambda z, of: [(of.exp(x) - of.exp(-x)) / (of.exp(x) + of.exp(-x)) for x in z],
    "exp": lambda z, of: [of.exp(x) for x in z],
    "softplus": lambda z, of: [of.log(1 + of.exp(x)) for x in z],
    "softmax": lambda z, of: [of.exp(x) / sum(of.exp(t) for t in z) for x in z],
}


class Place(NamedTuple):
    """An exact point of m examples and K classes, and the coordinate (example, class) by which J is differentiated."""

    z: Matrix
    y: Matrix
    at: tuple[int, int] = (0, 0)


def outputs(activation: str, z: Matrix, of: Any) -> Matrix:
    return tuple(tuple(ACTIVATIONS[activation](row, of)) for row in z)


def cost(pair: str, z: Matrix, y: Matrix, of: Any) -> Any:
    """J averaged over the examples, of which there may be one, and summed over the classes."""
    loss, _, activation = pair.partition("-")
    h = outputs(activation, z, of)
    cells = [(a, b) for row_h, row_y in zip(h, y, strict=True) for a, b in zip(row_h, row_y, strict=True)]
    return sum(LOSSES[loss](a, b, of) for a, b in cells) / len(z)


def random_place(seed: int, examples: int, classes: int) -> Place:
    """Rational z in [-3, 3] and y strictly between 0 and 1, whose sum is not 1."""
    draw = random.Random(seed)
    rows, columns = range(examples), range(classes)
    z = tuple(tuple(sympy.Rational(draw.randint(-21, 21), 7) for _ in columns) for _ in rows)
    y = tuple(tuple(sympy.Rational(draw.randint(1, 10), 13 if k else 11) for k in columns) for _ in rows)  # sum != 1
    return Place(z, y, (draw.randrange(examples), draw.randrange(classes)))


# ---- dJ/dz by SymPy and by differences


def sympy_slope(pair: str, place: Place) -> Any:
    """dJ/dz at the place, exactly, by SymPy on the cost written out."""
    symbols = tuple(tuple(sympy.Symbol(f"z{n}{k}") for k, _ in enumerate(row)) for n, row in enumerate(place.z))
    n, k = place.at
    slope = sympy.diff(cost(pair, symbols, place.y, sympy), symbols[n][k])
    values = {s: v for row_s, row_v in zip(symbols, place.z, strict=True) for s, v in zip(row_s, row_v, strict=True)}
    return slope.subs(values)


def difference_slope(pair: str, place: Place) -> Any:
    """dJ/dz at the place by central differences; right to about 30 digits."""
    n, k = place.at
    with mpmath.workdps(2 * DIGITS):
        z, y, step = numbers(place.z), numbers(place.y), mpf(10) ** -20

        def moved(by: Any) -> Any:
            row = (*z[n][:k], z[n][k] + by, *z[n][k + 1 :])
            return cost(pair, (*z[:n], row, *z[n + 1 :]), y, mpmath)

        once = (moved(step) - moved(-step)) / (2 * step)
        twice = (moved(2 * step) - moved(-2 * step)) / (4 * step)
        return (4 * once - twice) / 3


def numbers(matrix: Matrix) -> Matrix:
    return tuple(tuple(mpf(int(v.p)) / mpf(int(v.q)) for v in row) for row in matrix)


# ---- the value of a term


class Written(NamedTuple):
    """What the names of a term stand for; a scalar is the family element without indices."""

    values: Mapping[tuple[str, tuple[int, ...]], Any]
    sizes: Mapping[str, int]
    indices: Mapping[str, int]

    def value(self, term: Term) -> Any:
        """The number that the term is, in the working precision of mpmath."""
        return getattr(self, f"_{term.kind}")(term)

    def _num(self, term: Term) -> Any:
        return mpf(int(term.args[0].p)) / mpf(int(term.args[0].q))

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
        return getattr(mpmath, term.args[0])(*(self.value(t) for t in term.args[1:]))

    def _kron(self, term: Term) -> Any:
        return mpf(self._index(term.args[0]) == self._index(term.args[1]))

    def _sum(self, term: Term) -> Any:
        i = free_index(f"running{len(self.indices)}", term.args[0])
        body = open_sum(term, i)
        return sum(
            self._replace(indices={**self.indices, i.args[0]: n}).value(body)
            for n in range(1, self.sizes[term.args[0]] + 1)
        )


def written(pair: str, place: Place, shape: str) -> Written:
    """The names z, y, h at a place: ``shape`` says which indices they have, "" or "j" or "ij"."""
    activation = pair.partition("-")[2]
    z, y = numbers(place.z), numbers(place.y)
    values = {}
    for name, matrix in (("z", z), ("y", y), ("h", outputs(activation, z, mpmath))):
        for n, row in enumerate(matrix, 1):
            for k, value in enumerate(row, 1):
                values[name, {"": (), "j": (k,), "ij": (n, k)}[shape]] = value
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
    """Three places for each of a few numbers of examples and classes; bce-softmax needs two classes."""
    sizes = {"": [(1, 1)], "j": [(1, 1), (1, 2), (1, 3)], "ij": [(1, 1), (2, 2), (3, 1)]}[shape]
    sizes = [(m, classes) for m, classes in sizes if classes > 1 or pair != "bce-softmax"]
    return [random_place(100 * n + seed, *found) for n, found in enumerate(sizes) for seed in range(3)]
