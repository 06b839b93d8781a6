"""Hypothesis strategies for random terms, shared by all tests."""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq
from hypothesis import strategies as st

from derive.balls import Key, Point
from derive.laws import CONSTANTS, LAWS
from derive.syntax import Symbols
from derive.term import (
    MINUS_ONE,
    RELATIONS,
    Term,
    add,
    call,
    div,
    index,
    item,
    kron,
    mul,
    neg,
    num,
    power,
    rel,
    size,
    sub,
    sum_over,
    var,
    where,
)

SYMBOLS = Symbols(
    scalars=frozenset(("z", "h", "y", "w", "e", "k", "h_k", "alpha")),
    families={"z": ("K",), "h": ("K",), "y": ("K",), "Y": ("m", "K"), "x": ("m",), "Theta": ("K", "K")},
    indices={"k": "K", "j": "K", "i": "m"},
    functions=frozenset(("F", "psi")),
)
CALLS = tuple(sorted(LAWS))
ABSTRACT_CALLS = ("F", "F'", "F''''", "psi", "psi''")
FREE = tuple(index(name, over) for name, over in SYMBOLS.indices.items())
# names of bound indices: some clash, some are no names
HINTS = ("k", "l", "i", "j", "z", "Y", "m", "K", "exp", "e", "F", "a", "max", "k1", "", "2x", "é")


def rationals() -> st.SearchStrategy[Term]:
    """Exact numbers: small ones mostly, and some with many digits."""
    small = st.builds(fmpq, st.integers(-9, 9), st.integers(1, 9))
    large = st.builds(fmpq, st.integers(-(10**40), 10**40), st.integers(1, 10**40))
    return st.one_of(st.integers(-3, 3).map(fmpq), small, large).map(num)


def variables() -> st.SearchStrategy[Term]:
    return st.sampled_from(sorted(SYMBOLS.scalars)).map(var)


@st.composite
def items(draw: st.DrawFn, indices: Sequence[Term] = FREE) -> Term:
    """An element of a declared family; an index of each size must be among ``indices``."""
    name, sizes = draw(st.sampled_from(sorted(SYMBOLS.families.items())))
    return item(name, *(draw(st.sampled_from([i for i in indices if i.args[1] == over])) for over in sizes))


@st.composite
def deltas(draw: st.DrawFn, indices: Sequence[Term] = FREE) -> Term:
    first = draw(st.sampled_from(indices))
    return kron(first, draw(st.sampled_from([i for i in indices if i.args[1] == first.args[1]])))


def leaves(indices: Sequence[Term] = FREE) -> st.SearchStrategy[Term]:
    sizes = st.sampled_from(sorted(SYMBOLS.sizes)).map(size)
    constants = st.sampled_from(sorted(CONSTANTS)).map(call)
    return st.one_of(rationals(), variables(), items(indices), deltas(indices), sizes, constants)


@st.composite
def sums(draw: st.DrawFn, indices: Sequence[Term], depth: int, names: Sequence[str] = CALLS) -> Term:
    """A sum whose hint may be the name of anything else."""
    bound = index(f"fresh{len(indices)}", draw(st.sampled_from(sorted(SYMBOLS.sizes))))
    total = sum_over(bound, draw(terms(depth, (*indices, bound, bound), names)))  # twice: more often drawn
    return Term(total.kind, total.args, draw(st.sampled_from(HINTS)))


@st.composite
def relations(
    draw: st.DrawFn,
    depth: int = 2,
    indices: Sequence[Term] = FREE,
    ops: Sequence[str] = RELATIONS,
    names: Sequence[str] = CALLS,
) -> Term:
    side = terms(depth, indices, names)
    return rel(draw(st.sampled_from(ops)), draw(side), draw(side))


@st.composite
def terms(draw: st.DrawFn, depth: int = 4, indices: Sequence[Term] = FREE, names: Sequence[str] = CALLS) -> Term:
    """Any expression over SYMBOLS that calls ``names``, nested at most ``depth`` operations deep."""
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        return draw(leaves(indices))
    inner = terms(depth - 1, indices, names)
    some = st.lists(inner, min_size=2, max_size=4)
    conditions = relations(depth - 1, indices, RELATIONS[:4], names)
    kinds = (
        some.map(lambda found: add(*found)),
        some.map(lambda found: mul(*found)),
        inner.map(neg),
        st.builds(sub, inner, inner),
        st.builds(div, inner, inner),
        st.builds(power, inner, st.one_of(st.integers(-3, 3), inner)),
        st.builds(call, st.sampled_from(names), inner),
        st.builds(where, conditions, inner, inner),
        sums(indices, depth - 1, names),
    )
    return draw(st.one_of(*kinds))


WRITTEN = (
    *(var(name) for name in ("z", "h", "y", "w", "alpha")),
    item("z", FREE[0]),
    item("h", FREE[1]),
    kron(*FREE[:2]),
)


@st.composite
def written(draw: st.DrawFn, depth: int = 3) -> Term:
    """An expression whose brackets are those that people write: a sum of products, each with one fraction at most."""
    terms = draw(st.lists(_written_product(depth), min_size=1, max_size=3))
    return add(*terms)


@st.composite
def _written_product(draw: st.DrawFn, depth: int) -> Term:
    """A number, some factors, and what they are divided by."""
    if draw(st.integers(0, 5)) == 0:
        return num(draw(st.integers(-9, 9)), draw(st.integers(1, 5)))
    coefficient = draw(st.sampled_from(([], [], [MINUS_ONE], [num(2)], [num(-3)])))
    factors = draw(st.lists(_written_factor(depth), min_size=1, max_size=3))
    above = [*coefficient, *factors[:-1]]
    is_sum = [f.kind for f in above if f != MINUS_ONE] == ["add"]  # which may be put behind the fraction
    if draw(st.booleans()) and above and not is_sum and not any(f.kind == "sum" for f in factors):
        factors[-1:] = [power(factors[-1], -1)]
    return mul(*coefficient, *factors)


@st.composite
def _written_factor(draw: st.DrawFn, depth: int) -> Term:
    if depth == 0 or draw(st.integers(0, 2)) == 0:
        return draw(st.sampled_from(WRITTEN))
    inner = written(depth - 1)
    bound = index("l")
    kinds = (
        st.builds(add, _written_product(0), _written_product(0)),
        st.builds(power, st.sampled_from(WRITTEN), st.sampled_from((num(2), num(3), WRITTEN[0]))),
        st.builds(call, st.sampled_from(("exp", "log", "sigmoid", "tanh", "F'", "softplus", "abs")), inner),
        st.sampled_from(WRITTEN).map(lambda term: sum_over(bound, mul(item("y", bound), term))),
    )
    return draw(st.one_of(*kinds))


# ---- functions of the real variables u, v, w and the families y, z, x, and points to evaluate them at ------------

REAL_SCALARS = ("u", "v", "w")
REAL_FAMILIES = {"z": "K", "y": "K", "x": "m"}


@st.composite
def functions(draw: st.DrawFn, depth: int = 3, indices: Sequence[Term] = FREE, regions: bool = True) -> Term:
    """An expression of which balls can find the value at ``points()`` inside its domain; small numbers only."""
    if depth == 0 or draw(st.integers(0, 7)) == 0:
        return draw(_real_leaves(indices))
    inner = functions(depth - 1, indices, regions)
    some = st.lists(inner, min_size=2, max_size=3)
    bound = index(f"fresh{len(indices)}", draw(st.sampled_from(("K", "K", "m"))))
    exponents = st.sampled_from((*map(num, (-2, -1, 2, 3)), num(1, 2), num(-1, 2), num(1, 3), var("w")))
    condition = st.builds(rel, st.sampled_from(RELATIONS[:4]), inner, inner)
    kinds = [
        some.map(lambda found: add(*found)),
        some.map(lambda found: mul(*found)),
        st.builds(power, inner, exponents),
        st.builds(call, st.sampled_from(sorted(LAWS)), inner),
        st.builds(call, st.sampled_from(("exp", "log", "abs", "sqrt", "sigmoid")), inner),
        functions(depth - 1, (*indices, bound, bound), regions).map(lambda body: sum_over(bound, body)),
    ]
    return draw(st.one_of(*kinds, *([st.builds(where, condition, inner, inner)] if regions else [])))


@st.composite
def _real_leaves(draw: st.DrawFn, indices: Sequence[Term]) -> Term:
    own = draw(st.sampled_from(indices))
    twin = draw(st.sampled_from([i for i in indices if i.args[1] == own.args[1]]))
    families = sorted(name for name, over in REAL_FAMILIES.items() if over == own.args[1])
    number = st.builds(fmpq, st.integers(-3, 3), st.integers(1, 3)).map(num)
    element = st.sampled_from(families).map(lambda name: item(name, own))
    scalar = st.sampled_from(REAL_SCALARS).map(var)
    others = st.sampled_from((kron(own, twin), size(own.args[1])))
    return draw(st.one_of(scalar, scalar, element, element, number, others))


@st.composite
def points(draw: st.DrawFn) -> Point:
    """An exact point for ``functions()``, with up to three classes and examples."""
    exact = st.builds(fmpq, st.integers(-6, 9), st.integers(1, 3))
    sizes = {over: draw(st.integers(1, 3)) for over in ("K", "m")}
    values: dict[Key, fmpq | Term] = {(name, ()): draw(exact) for name in REAL_SCALARS}
    for name, over in REAL_FAMILIES.items():
        values |= {(name, (place,)): draw(exact) for place in range(1, sizes[over] + 1)}
    places = {i.args[0]: draw(st.integers(1, sizes[i.args[1]])) for i in FREE}
    return Point(values, sizes, places)
