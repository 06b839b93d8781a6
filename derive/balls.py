"""Balls: a second opinion by arb at one exact point; imports python-flint, errors and term only.

Terms are evaluated there, and differentiated by dual numbers (flint's power series with two
coefficients), so no law and no rule of the kernel is used. All numbers are enclosures: balls can
say "certainly different" or "certainly holds", never "equal"; what they cannot certify they refuse.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from flint import arb, arb_series, ctx, fmpq

from derive.errors import KernelError
from derive.term import Term

Key = tuple[str, tuple[int, ...]]  # ("z", ()) is the scalar z, ("z", (1,)) is z[1]
Definitions = Mapping[str, tuple[tuple[Term, ...], Term]]  # h[k] := body(k) is "h": ((k,), body)
Number = Any  # exact (fmpq), a ball (arb) or a ball with its derivative (arb_series mod x^2): one arithmetic
Frame = tuple[tuple[tuple[str, int], ...], Mapping[Any, int]]  # bound (size, value), innermost first; free indices

PRECISIONS = (64, 128, 256, 512, 1024, 2048, 4096)
DECIMALS = 15
EXPONENT_LIMIT, SUMMAND_LIMIT, BIT_LIMIT = 10_000, 10_000, 100_000


class Point(NamedTuple):
    """Exact coordinates; one given as a term (y := h) is that number, a constant to derivatives."""

    values: Mapping[Key, fmpq | Term]
    sizes: Mapping[str, int]
    indices: Mapping[str, int]


class Slope(NamedTuple):
    """The request d subject / d variable: its partial derivative, through definitions that use the variable."""

    subject: Term
    variable: Term


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {  # on balls, true only if it holds for all their members
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip
_FUNCTIONS: Mapping[str, Callable[[Number], Number]] = {
    **{name: operator.methodcaller(name) for name in ("exp", "log", "sqrt", "erf", "sin", "cos", "atan")},
    "sinh": lambda x: (x.exp() - (-x).exp()) / 2,
    "cosh": lambda x: (x.exp() + (-x).exp()) / 2,
    "tanh": lambda x: (x.exp() - (-x).exp()) / (x.exp() + (-x).exp()),
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "softplus": lambda x: (1 + x.exp()).log(),
    "phi": lambda x: (-x * x / 2).exp() / (2 * arb.pi()).sqrt(),
    "Phi": lambda x: (-x / arb(2).sqrt()).erfc() / 2,
    "Li2": lambda x: _dilogarithm(x),
}


def _require(condition: bool, what: str, *names: object) -> None:
    if not condition:
        raise KernelError(f"not certified at this point: {what.format(*names)}")


def _dual(number: fmpq | arb, slope: int = 0) -> arb_series:
    return arb_series([number, slope], prec=2)


def _value(number: Number) -> Any:
    return number[0] if isinstance(number, arb_series) else number


def _dilogarithm(x: Number) -> Number:
    """Li2, and by d Li2 / dx = Li1(x)/x its slope, which is not certified at 0."""
    if not isinstance(x, arb_series):
        return x.polylog(2)
    _require(x[0] != 0, "the argument of Li2 is not 0")
    return arb_series([x[0].polylog(2), x[1] * x[0].polylog(1) / x[0]], prec=2)


class _Evaluation:
    """One pass at one point; ``lift`` picks the numbers: fmpq, arb or _dual."""

    def __init__(self, point: Point, definitions: Definitions, lift: Callable[..., Number], direction: Key | None):
        self.point, self.definitions, self.lift, self.direction = point, definitions, lift, direction
        self.top: Frame = (), {(i, size): n for i, n in point.indices.items() for size in point.sizes}
        self.known: dict[Key, Number] = {}
        self.summands = 0

    def visit(self, term: Term, frame: Frame) -> Number:
        _require(term.kind in _RULES, "a term of kind {} is a number", term.kind)
        return _RULES[term.kind](self, term.args, frame)

    def size(self, name: str) -> int:
        _require(self.point.sizes.get(name, 0) >= 1, "the size {} is at least 1", name)
        return self.point.sizes[name]

    def index(self, term: Term, frame: Frame) -> int:
        label, size = term.args
        if term.kind == "bound":
            _require(0 <= label < len(frame[0]) and frame[0][label][0] == size, "a bound index belongs to a sum")
            return int(frame[0][label][1])
        found: int = frame[1].get(term.args, 0)
        _require(1 <= found <= self.size(size), "the index {} is one of 1..{}", label, size)
        return found

    def key(self, args: tuple[Any, ...], frame: Frame) -> Key:
        return args[0], tuple([self.index(i, frame) for i in args[1:]])

    def atom(self, args: tuple[Any, ...], frame: Frame) -> Number:
        key = self.key(args, frame)
        formals, body = self.definitions.get(args[0], (None, None))
        fits = formals is None or [i.args[1] for i in formals] == [i.args[1] for i in args[1:]]
        _require(fits, "{} has the indices of its definition", args[0])
        if key not in self.known:
            number = self.given(key) if body is None else self.defined(key, formals or (), body)
            self.known[key] = _dual(number[0], 1) if key == self.direction else number
        return self.known[key]

    def given(self, key: Key) -> Number:
        value = self.point.values.get(key)
        _require(isinstance(value, (fmpq, Term)), "{}{} has an exact value", key[0], [*key[1]] or "")
        return self.lift(_value(self.visit(value, self.top)) if isinstance(value, Term) else value)

    def defined(self, key: Key, formals: tuple[Term, ...], body: Term) -> Number:
        formal = dict(zip([i.args for i in formals], key[1], strict=True))
        _require(key not in self.point.values and len(formal) == len(formals), "{} is defined once", key[0])
        return self.visit(body, ((), formal))

    def fold(self, combine: Callable[[Number, Number], Number], unit: int, numbers: Iterable[Number]) -> Number:
        total, is_exact = None, self.lift is fmpq
        for number in numbers:
            total = number if total is None else combine(total, number)
            _require(not is_exact or total.height_bits() <= BIT_LIMIT, "an exact number of {} bits", BIT_LIMIT)
        return self.lift(fmpq(unit)) if total is None else total

    def sum(self, args: tuple[Any, ...], frame: Frame) -> Number:
        (name, body), (bound, free) = args, frame
        count = self.size(name)
        self.summands += count
        _require(self.summands <= SUMMAND_LIMIT, "at most {} summands", SUMMAND_LIMIT)
        frames = ((((name, i), *bound), free) for i in range(1, count + 1))
        return self.fold(operator.add, 0, (self.visit(body, inner) for inner in frames))

    def power(self, args: tuple[Any, ...], frame: Frame) -> Number:
        base, exponent = self.visit(args[0], frame), args[1]
        if exponent.kind == "num" and exponent.args[0].q == 1:
            return self.integer_power(base, int(exponent.args[0].p))
        _require(self.lift is not fmpq and _value(base) > 0, "the base of a power is positive")
        return self.finite((self.visit(exponent, frame) * base.log()).exp())

    def integer_power(self, base: Number, exponent: int) -> Number:
        _require(abs(exponent) <= EXPONENT_LIMIT, "an exponent within {}", EXPONENT_LIMIT)
        _require(exponent >= 0 or _value(base) != 0, "a denominator is not 0")
        square = 1 / base if exponent < 0 else base
        total = self.lift(fmpq(1))
        for bit in reversed(f"{abs(exponent):b}"):
            total = self.fold(operator.mul, 1, (total, square)) if bit == "1" else total
            square = self.fold(operator.mul, 1, (square, square))
        return self.finite(total)

    def call(self, args: tuple[Any, ...], frame: Frame) -> Number:
        name, *arguments = args
        _require(self.lift is not fmpq or name == "abs", "{} is rational", name)
        if name == "pi" and not arguments:
            return self.lift(arb.pi())
        _require(len(arguments) == 1 and (name == "abs" or name in _FUNCTIONS), "{} is a known function", name)
        x = self.visit(arguments[0], frame)
        if name == "abs":
            return self.magnitude(x)
        _require(name not in ("log", "sqrt") or _value(x) > 0, "the argument of {} is positive", name)
        _require(name != "Li2" or _value(x) < 1, "the argument of Li2 is below 1")
        return self.finite(_FUNCTIONS[name](x))

    def magnitude(self, x: Number) -> Number:
        sign = (_value(x) > 0) - (_value(x) < 0)
        _require(sign != 0 or self.direction is None, "the argument of abs is not 0")
        return x * sign if sign else abs(x)

    def finite(self, x: Number) -> Number:
        _require(self.lift is fmpq or _value(x).is_finite(), "an enclosure is finite")
        return x

    def where(self, args: tuple[Any, ...], frame: Frame) -> Number:
        relation, *sides = args[0].args
        left, right = (_value(self.visit(side, frame)) for side in sides)
        _require(left < right or left > right, "a region is entered strictly")
        return self.visit(args[1] if _COMPARE[relation](left, right) else args[2], frame)


_RULES: Mapping[str, Callable[[_Evaluation, tuple[Any, ...], Frame], Number]] = {
    "num": lambda run, args, _: run.lift(args[0]),
    "size": lambda run, args, _: run.lift(fmpq(run.size(args[0]))),
    "kron": lambda run, args, frame: run.lift(fmpq(run.index(args[0], frame) == run.index(args[1], frame))),
    "add": lambda run, args, frame: run.fold(operator.add, 0, [run.visit(t, frame) for t in args]),
    "mul": lambda run, args, frame: run.fold(operator.mul, 1, [run.visit(t, frame) for t in args]),
    "var": _Evaluation.atom, "item": _Evaluation.atom, "sum": _Evaluation.sum, "pow": _Evaluation.power,
    "call": _Evaluation.call, "where": _Evaluation.where,
}  # fmt: skip


def _run(term: Term, point: Point, definitions: Definitions, lift: Callable[..., Number], by: Key | None) -> Number:
    _require(by is None or by[0] in definitions or by in point.values, "the derivative is by a coordinate")
    run = _Evaluation(point, definitions, lift, by)
    try:
        return run.visit(term, run.top)
    except RecursionError:
        raise KernelError("nested too deeply, or defined by itself") from None


def evaluate(
    term: Term, point: Point, definitions: Definitions, direction: Key | None = None, precision: int = 64
) -> tuple[arb, arb]:
    """Value and derivative along ``direction`` (0 without one). Fails: undefined, not smooth, or not certified."""
    with ctx.workprec(precision):
        number = _run(term, point, definitions, arb if direction is None else _dual, direction)
        return (number, arb(0)) if direction is None else (number[0], number[1])


def enclosure(request: Term | Slope, point: Point, definitions: Definitions, precision: int = 64) -> arb:
    """A ball around the requested value or derivative. Fails: as ``evaluate``."""
    if isinstance(request, Term):
        return evaluate(request, point, definitions, None, precision)[0]
    _require(request.variable.kind in ("var", "item"), "the derivative is by a variable")
    run = _Evaluation(point, definitions, arb, None)
    return evaluate(request.subject, point, definitions, run.key(request.variable.args, run.top), precision)[1]


def decimal(ball: arb, digits: int = DECIMALS) -> str:
    """The number, exactly where the ball is exact, else its first digits; "0.0" where none of them is known."""
    if ball.is_exact():
        mantissa, exponent = ball.man_exp()
        return str(fmpq(mantissa) * fmpq(2) ** int(exponent))
    return "0.0" if ball.contains(0) else str(ball.str(digits, radius=False))


def _at_some_precision(
    test: Callable[[arb, arb], bool], sides: Iterable[Term | Slope], point: Point, definitions: Definitions
) -> bool:
    for precision in PRECISIONS:
        try:
            left, right = (enclosure(side, point, definitions, precision) for side in sides)
        except KernelError:
            continue
        if left.is_finite() and right.is_finite() and test(left, right):
            return True
    return False


def certainly_different(left: Term | Slope, right: Term | Slope, point: Point, definitions: Definitions) -> bool:
    """True only if two finite balls do not overlap at some precision; False says nothing."""
    return _at_some_precision(lambda a, b: not a.overlaps(b), (left, right), point, definitions)


def certainly_holds(relation: Term, point: Point, definitions: Definitions) -> bool:
    """True only if certified, by exact rational arithmetic where that suffices, else by balls; False says nothing."""
    _require(relation.kind == "rel", "a relation is asked")
    compare, sides = _COMPARE[relation.args[0]], relation.args[1:]
    try:
        return bool(compare(*(_run(side, point, definitions, fmpq, None) for side in sides)))
    except KernelError:
        return _at_some_precision(compare, sides, point, definitions)
