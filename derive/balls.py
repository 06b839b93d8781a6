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
Number = Any  # a ball (arb), a dual number (arb_series mod x^2) or an exact fmpq: the same operators

PRECISIONS = (64, 128, 256, 512, 1024, 2048, 4096)
EXPONENT_LIMIT, SUMMAND_LIMIT, BIT_LIMIT = 10_000, 10_000, 100_000


class Point(NamedTuple):
    """Exact values; one given as a term (y := h) is its number at the point, a constant to derivatives."""

    values: Mapping[Key, fmpq | Term]
    sizes: Mapping[str, int]
    indices: Mapping[str, int]


class Slope(NamedTuple):
    """The request d subject / d variable: its partial derivative, through definitions that use the variable."""

    subject: Term
    variable: Term


class Ball(NamedTuple):
    """An enclosure of the value, and of the derivative along the direction (0 where none is asked)."""

    value: arb
    slope: arb


class _Frame(NamedTuple):
    """What the indices stand for: bound ones, innermost first, and the formal ones inside a definition."""

    bound: tuple[tuple[str, int], ...] = ()
    formal: Mapping[Term, int] | None = None


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip  # on balls each is true only if it holds for all their members
_FUNCTIONS: Mapping[str, Callable[[Number], Number]] = {
    **{name: operator.methodcaller(name) for name in ("exp", "log", "sqrt", "erf", "sin", "cos", "atan")},
    "sinh": lambda x: (x.exp() - (-x).exp()) / 2,
    "cosh": lambda x: (x.exp() + (-x).exp()) / 2,
    "tanh": lambda x: (x.exp() - (-x).exp()) / (x.exp() + (-x).exp()),
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "softplus": lambda x: (1 + x.exp()).log(),
    "phi": lambda x: (-x * x / 2).exp() / (2 * arb.pi()).sqrt(),
    "Phi": lambda x: (-x / arb(2).sqrt()).erfc() / 2,
}
_ON_POSITIVE = ("log", "sqrt")


def _certified(condition: bool, what: str) -> None:
    if not condition:
        raise KernelError(f"not certified at this point: {what}")


def _dual(number: fmpq | arb) -> arb_series:
    return arb_series([number], prec=2)


def _value(number: Number) -> Any:
    return number[0] if isinstance(number, arb_series) else number


class _Evaluation:
    """One pass at one point; ``lift`` picks the numbers: fmpq (exact), arb, or _dual."""

    def __init__(self, point: Point, definitions: Definitions, lift: Callable[..., Number], direction: Key | None):
        self.point, self.definitions, self.lift, self.direction = point, definitions, lift, direction
        self.known: dict[Key, Number] = {}
        self.summands = 0

    def visit(self, term: Term, frame: _Frame) -> Number:
        rule = _RULES.get(term.kind)
        if rule is None:
            raise KernelError(f"not a number: a term of kind {term.kind}")
        return rule(self, term.args, frame)

    def size(self, name: str) -> int:
        found = self.point.sizes.get(name, 0)
        _certified(found >= 1, f"the size {name} is missing or below 1")
        return found

    def index(self, term: Term, frame: _Frame) -> int:
        label, size = term.args
        if term.kind == "bound":
            owner, found = frame.bound[label] if 0 <= label < len(frame.bound) else ("", 0)
            _certified(owner == size, "a bound index belongs to no sum over its size")
            return int(found)
        found = self.point.indices.get(label, 0) if frame.formal is None else frame.formal.get(term, 0)
        _certified(1 <= found <= self.size(size), f"the index {label} is missing or not in 1..{size}")
        return found

    def key(self, args: tuple[Any, ...], frame: _Frame) -> Key:
        return args[0], tuple([self.index(i, frame) for i in args[1:]])

    def atom(self, args: tuple[Any, ...], frame: _Frame) -> Number:
        key = self.key(args, frame)
        formals, body = self.definitions.get(args[0], (None, None))
        if formals is not None and [f.args[1] for f in formals] != [i.args[1] for i in args[1:]]:
            raise KernelError(f"{args[0]} is used with other indices than it is defined with")
        if key not in self.known:
            number = self.given(key) if formals is None else self.defined(key, formals, body)
            self.known[key] = arb_series([number[0], 1], prec=2) if key == self.direction else number
        return self.known[key]

    def given(self, key: Key) -> Number:
        value = self.point.values.get(key)
        if isinstance(value, Term):
            return self.lift(_value(self.visit(value, _Frame())))
        _certified(isinstance(value, fmpq), f"{key[0]}{list(key[1]) or ''} has no exact value")
        return self.lift(value)

    def defined(self, key: Key, formals: tuple[Term, ...], body: Any) -> Number:
        formal = dict(zip(formals, key[1], strict=True))
        if key in self.point.values or len(formal) != len(formals):
            raise KernelError(f"{key[0]} is defined twice, or with a repeated index")
        return self.visit(body, _Frame((), formal))

    def fold(self, combine: Callable[[Number, Number], Number], unit: int, numbers: Iterable[Number]) -> Number:
        total = self.lift(fmpq(unit))
        for number in numbers:
            total = combine(total, number)
            if self.lift is fmpq and total.height_bits() > BIT_LIMIT:
                raise KernelError(f"an exact number of more than {BIT_LIMIT} bits")
        return total

    def add(self, args: tuple[Any, ...], frame: _Frame) -> Number:
        return self.fold(operator.add, 0, [self.visit(t, frame) for t in args])

    def mul(self, args: tuple[Any, ...], frame: _Frame) -> Number:
        return self.fold(operator.mul, 1, [self.visit(t, frame) for t in args])

    def sum(self, args: tuple[Any, ...], frame: _Frame) -> Number:
        name, body = args
        count = self.size(name)
        self.summands += count
        if self.summands > SUMMAND_LIMIT:
            raise KernelError(f"more than {SUMMAND_LIMIT} summands")
        inner = (_Frame(((name, i), *frame.bound), frame.formal) for i in range(1, count + 1))
        return self.fold(operator.add, 0, (self.visit(body, f) for f in inner))

    def power(self, args: tuple[Any, ...], frame: _Frame) -> Number:
        base, exponent = self.visit(args[0], frame), args[1]
        if exponent.kind == "num" and exponent.args[0].q == 1:
            return self.finite(self.integer_power(base, int(exponent.args[0].p)))
        _certified(self.lift is not fmpq and _value(base) > 0, "the base of a power is positive")
        return self.finite((self.visit(exponent, frame) * base.log()).exp())

    def integer_power(self, base: Number, exponent: int) -> Number:
        if abs(exponent) > EXPONENT_LIMIT:
            raise KernelError(f"an exponent beyond {EXPONENT_LIMIT}")
        if exponent < 0:
            _certified(_value(base) != 0, "a denominator is not 0")
            base = 1 / base
        factors = []
        for bit in f"{abs(exponent):b}"[::-1] if exponent else "":
            factors += [base] if bit == "1" else []
            base = base * base
        return self.fold(operator.mul, 1, factors)

    def call(self, args: tuple[Any, ...], frame: _Frame) -> Number:
        name, *arguments = args
        _certified(self.lift is not fmpq or name == "abs", f"{name} is rational")
        if name == "pi" and not arguments:
            return self.lift(arb.pi())
        if len(arguments) != 1 or name not in ("abs", *_FUNCTIONS):
            raise KernelError(f"no function {name} of {len(arguments)} arguments")
        x = self.visit(arguments[0], frame)
        if name == "abs":
            return self.magnitude(x)
        _certified(name not in _ON_POSITIVE or _value(x) > 0, f"the argument of {name} is positive")
        return self.finite(_FUNCTIONS[name](x))

    def magnitude(self, x: Number) -> Number:
        sign = (_value(x) > 0) - (_value(x) < 0)
        _certified(sign != 0 or self.direction is None, "the argument of abs is not 0")
        return x * sign if sign else abs(x)

    def finite(self, x: Number) -> Number:
        _certified(self.lift is fmpq or _value(x).is_finite(), "a finite enclosure")
        return x

    def kron(self, args: tuple[Any, ...], frame: _Frame) -> Number:
        return self.lift(fmpq(self.index(args[0], frame) == self.index(args[1], frame)))

    def where(self, args: tuple[Any, ...], frame: _Frame) -> Number:
        (relation, left, right), inside, outside = args[0].args, args[1], args[2]
        left, right = _value(self.visit(left, frame)), _value(self.visit(right, frame))
        _certified(left < right or left > right, "a region is entered strictly")
        return self.visit(inside if _COMPARE[relation](left, right) else outside, frame)


_RULES: Mapping[str, Callable[[_Evaluation, tuple[Any, ...], _Frame], Number]] = {
    "num": lambda run, args, _: run.lift(args[0]),
    "size": lambda run, args, _: run.lift(fmpq(run.size(args[0]))),
    "var": _Evaluation.atom, "item": _Evaluation.atom, "add": _Evaluation.add, "mul": _Evaluation.mul,
    "pow": _Evaluation.power, "call": _Evaluation.call, "sum": _Evaluation.sum, "kron": _Evaluation.kron,
    "where": _Evaluation.where,
}  # fmt: skip


def _run(term: Term, point: Point, definitions: Definitions, lift: Callable[..., Number], direction: Any) -> Number:
    if direction is not None and direction[0] not in definitions and direction not in point.values:
        raise KernelError(f"no variable {direction[0]} to differentiate by")
    try:
        return _Evaluation(point, definitions, lift, direction).visit(term, _Frame())
    except RecursionError:
        raise KernelError("nested too deeply, or defined by itself") from None


def evaluate(
    term: Term, point: Point, definitions: Definitions, direction: Key | None = None, precision: int = 64
) -> Ball:
    """Value and derivative along ``direction``. Fails: undefined, not smooth, or not certified to be."""
    with ctx.workprec(precision):
        number = _run(term, point, definitions, arb if direction is None else _dual, direction)
        return Ball(number, arb(0)) if direction is None else Ball(number[0], number[1])


def enclosure(request: Term | Slope, point: Point, definitions: Definitions, precision: int = 64) -> arb:
    """A ball around the requested value or derivative. Fails: as ``evaluate``."""
    if isinstance(request, Term):
        return evaluate(request, point, definitions, None, precision).value
    if request.variable.kind not in ("var", "item"):
        raise KernelError("a derivative is by a variable")
    direction = _Evaluation(point, definitions, arb, None).key(request.variable.args, _Frame())
    return evaluate(request.subject, point, definitions, direction, precision).slope


def certainly_different(left: Term | Slope, right: Term | Slope, point: Point, definitions: Definitions) -> bool:
    """True only if two finite balls do not overlap at some precision; False says nothing."""
    for precision in PRECISIONS:
        try:
            a, b = (enclosure(side, point, definitions, precision) for side in (left, right))
        except KernelError:
            continue
        if a.is_finite() and b.is_finite() and not a.overlaps(b):
            return True
    return False


def certainly_holds(relation: Term, point: Point, definitions: Definitions) -> bool:
    """True only if the relation is certified: by exact rational arithmetic, else by balls; False says nothing."""
    compare, sides = _COMPARE[relation.args[0]], relation.args[1:]
    try:
        return compare(*(_run(side, point, definitions, fmpq, None) for side in sides))
    except KernelError:
        pass
    for precision in PRECISIONS:
        try:
            if compare(*(enclosure(side, point, definitions, precision) for side in sides)):
                return True
        except KernelError:
            continue
    return False
