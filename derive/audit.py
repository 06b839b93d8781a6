"""What frameworks compute against what is proved: dJ/dz by their autograd, and by balls; imports library, frameworks.

A call of a framework is named beside the statement that it computes. Its gradient is compared with the proved dJ/dz,
evaluated to many digits at the same exact point, in units in the last place; at a kink, where nothing is proved, with
dJ/dz just beside it. The frameworks are imported by ``opened`` only, when one is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

from flint import arb, ctx, fmpq

from derive import balls, library
from derive.errors import KernelError
from derive.frameworks import Call, Gradient, Numbers, left_out, opened
from derive.proof import JSON_SCHEMA, Proof
from derive.syntax import plain
from derive.term import Term, rebuild, rel
from derive.witnesses import holds


class Format(NamedTuple):
    """Of a floating point number: digits of the mantissa, the exponents of the least number and of overflow."""

    digits: int
    least: int
    most: int


FORMATS = {"float64": Format(53, -1074, 1024), "float32": Format(24, -149, 128)}
BESIDE = fmpq(1, 2**200)  # from a kink to the points beside it, and its square to leave the kinks in other coordinates
NEAR = 1e-9  # two values at a kink are the same one
ENOUGH, TINY = 100, fmpq(1, 2**1200)  # accurate bits of a number, and below what it rounds to 0 whatever it is
WORKING = 5000  # bits, in which numbers are compared
SWAPPED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}
ORDINARY = 3, 2**10  # of z and of its denominator, at most
EXAMPLES = 5  # in the batch that shows by what a mean divides


class Place(NamedTuple):
    """A point, and the coordinate j (from 1; 0 for a scalar) of the derivative by z[j]."""

    z: Numbers
    y: Numbers
    j: int

    def __str__(self) -> str:
        return f"z = {_numbers(self.z)}, y = {_numbers(self.y)}" + (f", j = {self.j}" if self.j else "")

    @property
    def is_extreme(self) -> bool:
        """Whether a z is large, or very close to 0 or 1."""
        zs = [_exact(v) for v in (self.z if isinstance(self.z, tuple) else (self.z,))]
        return any(abs(z) > ORDINARY[0] or z.q > ORDINARY[1] for z in zs)

    def to_json(self) -> dict[str, Any]:
        return {"z": _numbers(self.z), "y": _numbers(self.y), "j": self.j or None}


class Value(NamedTuple):
    """dJ/dz at a place, as found and exact; ``ulps`` is None where it is nan, or infinite and should not be."""

    place: Place
    found: float
    exact: str
    ulps: float | None

    def to_json(self) -> dict[str, Any]:
        return {**self.place.to_json(), "found": repr(self.found), "exact": self.exact, "ulps": self.ulps}


class Choice(NamedTuple):
    """What is picked at a kink: dJ/dz below and above z[j], and by number format what is found there."""

    place: Place
    below: float
    above: float
    found: Mapping[str, float]

    @property
    def picks(self) -> str:
        """Which side, by float64; both where they agree."""
        value, (least, most) = self.found["float64"], sorted((self.below, self.above))
        sides = [name for name in ("below", "above") if math.isclose(value, getattr(self, name), abs_tol=NEAR)]
        inside = "between" if least < value < most else "neither"
        return "both" if len(sides) == 2 else sides[0] if sides else inside

    def to_json(self) -> dict[str, Any]:
        found = {name: repr(value) for name, value in self.found.items()}
        return {**self.place.to_json(), "below": self.below, "above": self.above, **found, "picks": self.picks}


class Row(NamedTuple):
    """A call: the proof that it is measured by, the values by number format, the kinks, and by what a mean divides."""

    call: Call
    proof: Proof
    values: Mapping[str, tuple[Value, ...]]
    kinks: tuple[Choice, ...]
    divisors: Mapping[str, str]

    def worst(self, number_format: str, extreme: bool | None = None) -> Value | None:
        """The finite value that is most units in the last place off, of all places, or the ordinary or extreme ones."""
        places = (v for v in self.values[number_format] if extreme in (None, v.place.is_extreme))
        return max((v for v in places if v.ulps is not None), key=_ulps, default=None)

    def failures(self, number_format: str) -> tuple[Value, ...]:
        """Where nan, or an infinity that should not be, was found."""
        return tuple(v for v in self.values[number_format] if v.ulps is None)

    def to_json(self) -> dict[str, Any]:
        measured = {name: self._measured(name) for name in self.values}
        proved = {"pair": self.call.pair, "delta": self.proof.delta, "kind": self.proof.kind}
        loss, activation = plain(self.proof.statement.cost), plain(self.proof.statement.activation)
        given = {name: _numbers(value) for name, value in self.call.values.items()}
        kinks = [kink.to_json() for kink in self.kinks]
        said = {"call": self.call.name, **proved, "loss": loss, "activation": activation, "parameters": given}
        return {**said, **measured, "kinks": kinks, "mean_divides_by": dict(self.divisors)}

    def _measured(self, name: str) -> dict[str, Any]:
        worst = {key: self.worst(name, extreme) for key, extreme in (("ordinary", False), ("extreme", True))}
        found = {key: value and value.to_json() for key, value in worst.items()}
        return {"points": len(self.values[name]), **found, "not_finite": [v.to_json() for v in self.failures(name)]}


class Audit(NamedTuple):
    """All calls of a framework, and the losses that it ships and that are not compared, with the reason."""

    framework: str
    version: str
    rows: tuple[Row, ...]
    left_out: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        said = {"schema": JSON_SCHEMA, "framework": self.framework, "version": self.version}
        return {**said, "rows": [row.to_json() for row in self.rows], "left_out": dict(self.left_out)}


def audit(
    name: str,
    calls: Sequence[Call] | None = None,
    watched: Callable[[Iterator[Row], int], Iterator[Row]] = lambda rows, total: rows,
) -> Audit:
    """The calls of "torch" or "jax" (all of them, or those given) against the proved dJ/dz.

    watched: passes the rows on as they come. Raises DeriveError where the framework is unknown or not installed,
    KernelError where dJ/dz of a call is undecided.
    """
    framework, loaded = opened(name)
    calls = framework.calls if calls is None else calls
    rows = tuple(watched((_row(call, loaded.gradient) for call in calls), len(calls)))
    return Audit(framework.title, loaded.version, rows, left_out(framework, loaded))


# ---- one call ----------------------------------------------------------------------------------------


def _row(call: Call, gradient: Gradient) -> Row:
    proof = library.load_proof(call.pair) if call.pair else library.derived(call.request)
    pairs = list(product(call.zs, call.ys))
    zs, ys = [[_floats(v) for v in column] for column in zip(*pairs, strict=True)]
    found = {name: gradient(call, zs, ys, name, "sum") for name in FORMATS}
    values: dict[str, list[Value]] = {name: [] for name in FORMATS}
    kinks = []
    for n, (z, y) in enumerate(pairs):
        for j in range(1, len(z) + 1) if isinstance(z, tuple) else (0,):
            place, got = Place(z, y, j), {name: _element(found[name][n], j) for name in FORMATS}
            exact = delta(proof, call, place)
            if exact is None:
                kinks.append(Choice(place, *beside(proof, call, place), got))
                continue
            for name, number in got.items():
                values[name].append(Value(place, number, _text(exact), ulps(number, exact, FORMATS[name])))
    divisors = {name: _divisor(call, gradient, name) for name in call.reductions}
    return Row(call, proof, {name: tuple(v) for name, v in values.items()}, tuple(kinks), divisors)


def delta(proof: Proof, call: Call, place: Place) -> arb | None:
    """The proved dJ/dz[j] there, a ball of many digits; None at a kink. Raises KernelError where it is not stated."""
    point, definitions = _point(proof, call, place), proof.statement.definitions
    refused = [r for r in proof.hypotheses if not holds(r, point, definitions)]
    if any(r.args[0] != "!=" for r in refused):
        raise KernelError(f"{call.name}: nothing is proved at {place}, where not {plain(refused[0])}")
    return None if refused else _enclosed(_settled(proof.verdict.delta, point, definitions), point, definitions)


def beside(proof: Proof, call: Call, place: Place) -> tuple[float, float]:
    """dJ/dz[j] at points just below and just above in z[j], as the nearest numbers."""
    return _beside(proof, call, place, -BESIDE), _beside(proof, call, place, BESIDE)


def _beside(proof: Proof, call: Call, place: Place, step: fmpq) -> float:
    z: Numbers = (
        _exact(place.z) + step
        if not place.j
        else tuple(_exact(v) + (step if n == place.j else n * BESIDE**2) for n, v in enumerate(place.z, 1))
    )
    found = delta(proof, call, place._replace(z=z))
    if found is None:
        raise KernelError(f"{call.name}: a kink at the points beside {place} as well")
    return 0.0 if found.abs_upper() < NEAR**2 else float(found)


def _point(proof: Proof, call: Call, place: Place) -> balls.Point:
    values = {"z": place.z, "y": place.y, **call.values}
    keyed = {key: number for name, value in values.items() for key, number in _keyed(name, value)}
    classes = len(place.z) if isinstance(place.z, tuple) else 0
    own = proof.statement.preactivation.indices
    return balls.Point(keyed, {"K": classes} if classes else {}, {i.args[0]: place.j for i in own})


def _keyed(name: str, value: Numbers) -> Iterator[tuple[balls.Key, fmpq]]:
    if isinstance(value, tuple):
        yield from (((name, (n,)), _exact(number)) for n, number in enumerate(value, 1))
    else:
        yield (name, ()), _exact(value)


def _settled(term: Term, point: balls.Point, definitions: balls.Definitions) -> Term:
    """The term with its outer pieces chosen: balls enter regions strictly, but this is stated on their borders too."""
    if term.kind == "where" and not term.loose:
        relation, *pieces = term.args
        opposite = rel(SWAPPED[relation.args[0]], *relation.args[1:])
        for claim, piece in zip((relation, opposite), pieces, strict=True):
            if holds(claim, point, definitions):
                return _settled(piece, point, definitions)
    return rebuild(term, lambda part: _settled(part, point, definitions)) if term.kind != "sum" else term


def _enclosed(term: Term, point: balls.Point, definitions: balls.Definitions) -> arb:
    """A ball with many accurate bits, or around 0 and too small for any format."""
    for precision in balls.PRECISIONS:
        try:
            found = balls.enclosure(term, point, definitions, precision)
        except KernelError:
            continue
        if found.is_exact() or found.rel_accuracy_bits() >= ENOUGH or found.abs_upper() < TINY:
            return found
    raise KernelError(f"not certified at any precision: {plain(term)[:80]}")


# ---- numbers -----------------------------------------------------------------------------------------


def ulps(found: float, exact: arb, form: Format) -> float | None:
    """How many units in the last place of the exact value (of 1 where that is 0) it is off; 0 where both overflow.

    None for nan, and for infinity where the exact value is a number of the format.
    """
    bits = 1 if exact.contains(0) else _bits(exact)
    if bits > form.most:
        return 0.0 if math.isinf(found) and (found > 0) == bool(exact > 0) else None
    if not math.isfinite(found):
        return None
    with ctx.workprec(WORKING):
        return float((arb(_exact(found)) - exact).abs_lower() / arb(_power(max(bits - form.digits, form.least))))


def _bits(ball: arb) -> int:
    """The least n with |ball| < 2^n, for its middle."""
    mantissa, exponent = ball.mid().man_exp()
    return int(mantissa).bit_length() + int(exponent)


def _power(n: int) -> fmpq:
    return fmpq(2**n) if n >= 0 else fmpq(1, 2**-n)


def _ulps(value: Value) -> float:
    assert value.ulps is not None
    return value.ulps


def _divisor(call: Call, gradient: Gradient, reduction: str) -> str:
    """By what the gradient of a reduction is less than that of the sum, in a batch: "m", "m K", or a number."""
    rows = [(z, call.ys[n % len(call.ys)]) for n, z in enumerate((*call.zs, *call.zs)[:EXAMPLES])]
    zs, ys = [[_floats(v) for v in column] for column in zip(*rows, strict=True)]
    whole, mean = (_flat(gradient(call, zs, ys, "float64", r)) for r in ("sum", reduction))
    both = [(a, b) for a, b in zip(whole, mean, strict=True) if math.isfinite(a) and NEAR < abs(b) < math.inf]
    ratios = {round(a / b, 6) for a, b in both}
    classes = len(call.zs[0]) if isinstance(call.zs[0], tuple) else 1
    known = {float(EXAMPLES * classes): "m K", float(EXAMPLES): "m"}
    if isinstance(w := _floats(call.values.get("w", 0)), list):
        known |= {sum(a * b for y in ys for a, b in zip(w, y, strict=True)): "the sum of w[k] y[k]"}
    return known.get(found := ratios.pop(), f"{found:g}") if len(ratios) == 1 else "no constant"


def _flat(numbers: Any) -> list[float]:
    return [x for part in numbers for x in _flat(part)] if isinstance(numbers, list) else [numbers]


def _element(numbers: Any, j: int) -> float:
    return float(numbers[j - 1] if j else numbers)


def _floats(value: Numbers) -> Any:
    """The number as every format has it, exactly."""
    if isinstance(value, tuple):
        return [_floats(v) for v in value]
    number = _exact(value)
    return int(number.p) / int(number.q)


def _exact(number: Any) -> fmpq:
    return number if isinstance(number, fmpq) else fmpq(*number.as_integer_ratio())


def _numbers(value: Numbers) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_numbers, value))})"
    p, q = int((number := _exact(value)).p), int(number.q)
    power = f"2^-{q.bit_length() - 1}"
    return str(number) if q < 2**10 or p not in (1, q - 1) else power if p == 1 else f"1 - {power}"


def _text(ball: arb) -> str:
    with ctx.workprec(ENOUGH):
        return "0" if ball.abs_upper() < TINY and ball.contains(0) else str(ball.str(17, radius=False))
