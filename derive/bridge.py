"""The only translator between SymPy expressions and terms; imports sympy, syntax, term and errors.

From SymPy: names become real variables whatever assumptions a symbol carries; ``Indexed`` elements become
family elements, ``Sum(e, (k, 1, K))`` a sum over a symbolic size. Anything without a term is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, reduce
from typing import Any

import sympy
from flint import fmpq
from sympy.core.function import AppliedUndef

from derive.errors import DeriveError
from derive.laws import ABSTRACT, law
from derive.syntax import RESERVED, SUGAR
from derive.term import (
    MINUS_ONE,
    ONE,
    Term,
    add,
    call,
    index,
    item,
    kron,
    mul,
    neg,
    num,
    open_sum,
    power,
    rel,
    size,
    sub,
    sum_over,
    var,
    where,
)

SIZES = ("K", "m")
FUNCTIONS: dict[Any, str] = {
    sympy.exp: "exp",
    sympy.log: "log",
    sympy.tanh: "tanh",
    sympy.sinh: "sinh",
    sympy.cosh: "cosh",
    sympy.erf: "erf",
    sympy.sin: "sin",
    sympy.cos: "cos",
    sympy.atan: "atan",
    sympy.Abs: "abs",
}
RELATIONS = {
    sympy.StrictLessThan: "<",
    sympy.LessThan: "<=",
    sympy.StrictGreaterThan: ">",
    sympy.GreaterThan: ">=",
    sympy.Equality: "=",
    sympy.Unequality: "!=",
}
TO_SYMPY: dict[str, Callable[..., Any]] = {name: function for function, name in FUNCTIONS.items()} | {
    "sqrt": sympy.sqrt,
    "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)),
    "softplus": lambda x: sympy.log(1 + sympy.exp(x)),
    "phi": lambda x: sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi),
    "Phi": lambda x: (1 + sympy.erf(x / sympy.sqrt(2))) / 2,
    "Li2": lambda x: sympy.polylog(2, x),
}


class Abstract(sympy.Function):  # type: ignore[misc]
    """Any differentiable function of a real variable; SymPy differentiates F to F'."""

    is_real = True

    def fdiff(self, argindex: int = 1) -> Any:
        return abstract(f"{type(self).__name__}'")(*self.args)


@cache
def abstract(name: str) -> Any:
    """The SymPy function F, F', ... of an abstract name; raises DeriveError for any other name."""
    if name.rstrip("'") not in ABSTRACT or law(name) is None:
        raise DeriveError(f"no abstract function is called {name!r}; choose from {', '.join(sorted(ABSTRACT))}")
    return type(name, (Abstract,), {"nargs": 1})


Bound = Mapping[str, str]  # letters bound by the sums around an expression, with their sizes


def to_term(expression: Any) -> Term:
    """The term of a SymPy expression or relation, in the order in which SymPy prints it.

    Raises DeriveError for floats, complex numbers, whatever the language of terms has no word for, and beyond
    the limits of terms.
    """
    if not isinstance(expression, sympy.Basic):
        raise DeriveError(
            f"not a SymPy expression: {type(expression).__name__}; write exact numbers with sympy.Rational"
        )
    try:
        return _read(expression, {})
    except ValueError as problem:
        raise DeriveError(f"the expression is {problem}") from problem


def _read(expression: Any, bound: Bound) -> Term:
    if expression.has(sympy.Float):
        raise DeriveError("a float is not exact; write Rational(1, 2) for 0.5")
    if type(expression) in RELATIONS:
        return rel(RELATIONS[type(expression)], _read(expression.lhs, bound), _read(expression.rhs, bound))
    for kind, translate in _FROM.items():
        if isinstance(expression, kind):
            return translate(expression, bound)
    if expression.func in FUNCTIONS:
        return call(FUNCTIONS[expression.func], _read(expression.args[0], bound))
    raise DeriveError(f"no term says {expression.func.__name__}; write it with exp, log, powers and sums")


def _add(expression: Any, bound: Bound) -> Term:
    terms = [_read(t, bound) for t in expression.as_ordered_terms()]
    return add(*sorted(terms, key=_place_in_sum))


def _place_in_sum(term: Term) -> int:
    """A positive number, then what has no minus sign: y - h and not -h + y."""
    leading = term.args[0] if term.kind == "mul" else term
    negative = leading.kind == "num" and leading.args[0] < 0
    return 2 if negative else term.kind != "num"


def _mul(expression: Any, bound: Bound) -> Term:
    """Number, numerators, reciprocals; -x y is one product with the factor -1, x/2 ends in 2^-1."""
    coefficient, rest = expression.as_coeff_Mul(rational=True)
    factors = [_read(f, bound) for f in rest.as_ordered_factors()]
    factors.sort(key=_place)
    p, q = int(coefficient.p), int(coefficient.q)
    head = [] if p == 1 else [MINUS_ONE] if p == -1 else [num(p)]
    return mul(*head, *factors, *([] if q == 1 else [power(num(q), -1)]))


def _place(factor: Term) -> int:
    """Variables, then sums and powers, functions, and reciprocals at the end."""
    if factor.kind == "pow" and factor.args[1].kind == "num" and factor.args[1].args[0] < 0:
        return 3
    return {"var": 0, "item": 0, "size": 0, "call": 2}.get(factor.kind, 1)


def _name(symbol: Any) -> str:
    """The name of a symbol; assumptions do not matter, but it must be a word that the plain language can print."""
    name = str(symbol.name)
    if type(symbol) is not sympy.Symbol or not (name.isascii() and name.isidentifier()) or name in RESERVED:
        raise DeriveError(f"{name!r} cannot name a variable; rename the symbol")
    return name


def _symbol(expression: Any, bound: Bound) -> Term:
    if expression.name in bound:
        raise DeriveError(f"the index {expression.name} of a sum is used as a number")
    return size(expression.name) if expression.name in SIZES else var(_name(expression))


def _index(expression: Any, bound: Bound) -> Term:
    if not isinstance(expression, sympy.Symbol):
        raise DeriveError(f"an index is a letter, not {expression}")
    return index(_name(expression), bound.get(expression.name, "K"))


def _indexed(expression: Any, bound: Bound) -> Term:
    return item(_name(expression.base.label), *(_index(i, bound) for i in expression.indices))


def _sum(expression: Any, bound: Bound) -> Term:
    (letter, low, high), *more = expression.limits
    if more or low != 1 or not isinstance(high, sympy.Symbol) or high.name not in SIZES:
        raise DeriveError(f"a sum runs over k = 1..K, not {expression.limits}")
    inner = {**bound, _name(letter): high.name}
    return sum_over(index(letter.name, high.name), _read(expression.function, inner))


def _kronecker(expression: Any, bound: Bound) -> Term:
    return kron(*(_index(i, bound) for i in expression.args))


def _piecewise(expression: Any, bound: Bound) -> Term:
    *pieces, (term, last) = [(_read(value, bound), condition) for value, condition in expression.args]
    if last != sympy.true:
        raise DeriveError("the last piece of a Piecewise needs the condition True")
    for inside, condition in reversed(pieces):
        parts = condition.args if isinstance(condition, sympy.And) else (condition,)
        if any(RELATIONS.get(type(part), "=") in ("=", "!=") for part in parts):
            raise DeriveError(f"a piece holds where inequalities do, not where {condition}")
        outside = term
        for part in reversed(parts):
            inside = where(_read(part, bound), inside, outside)
        term = inside
    return term


def _sugar(name: str) -> Callable[[Any, Bound], Term]:
    """Max(a, b, c) and the like, as the language of terms reads max(a, max(b, c)), with numbers at the end."""

    def read(expression: Any, bound: Bound) -> Term:
        count, meaning = SUGAR[name]
        *first, term = [_read(t, bound) for t in sorted(expression.args, key=lambda t: bool(t.is_number))]
        return reduce(lambda rest, t: meaning(t, rest), reversed(first), term) if count == 2 else meaning(term)

    return read


def _polylog(expression: Any, bound: Bound) -> Term:
    """Li2, and Li1(x) = -log(1 - x), which is x times its slope."""
    order, x = expression.args[0], _read(expression.args[1], bound)
    if order == 1:
        return neg(call("log", sub(ONE, x)))
    if order != 2:
        raise DeriveError(f"no term says a polylogarithm of order {order}; only Li2(x) = polylog(2, x)")
    return call("Li2", x)


def _applied(expression: Any, bound: Bound) -> Term:
    name = type(expression).__name__
    if law(name) is None or name.rstrip("'") not in ABSTRACT or len(expression.args) != 1:
        raise DeriveError(f"no term says {name[:40]!r}; any function F(x) is one of {', '.join(sorted(ABSTRACT))}")
    return call(name, _read(expression.args[0], bound))


def _refuse(advice: str) -> Callable[[Any, Bound], Term]:
    def refuse(expression: Any, bound: Bound) -> Term:
        raise DeriveError(f"no term says {type(expression).__name__}; {advice}")

    return refuse


_FROM: dict[Any, Callable[[Any, Bound], Term]] = {
    sympy.Rational: lambda e, _: num(int(e.p), int(e.q)),
    sympy.Symbol: _symbol,
    sympy.Add: _add,
    sympy.Mul: _mul,
    sympy.exp: lambda e, bound: call("exp", _read(e.exp, bound)),
    sympy.Pow: lambda e, bound: power(_read(e.base, bound), _read(e.exp, bound)),
    sympy.Indexed: _indexed,
    sympy.Sum: _sum,
    sympy.KroneckerDelta: _kronecker,
    sympy.Piecewise: _piecewise,
    sympy.Max: _sugar("max"),
    sympy.Min: _sugar("min"),
    sympy.sign: _sugar("sign"),
    sympy.tan: _sugar("tan"),
    sympy.polylog: _polylog,
    Abstract: _applied,
    AppliedUndef: _applied,
    sympy.Heaviside: _refuse("it is undefined at 0: write Piecewise((0, x < 0), (1, True))"),
    sympy.Derivative: _refuse('differentiate first; the derivative of an abstract F is Function("F\'")'),
    type(sympy.pi): lambda *_: call("pi"),
    type(sympy.E): lambda *_: call("exp", ONE),
}


def to_sympy(term: Term) -> Any:
    """The SymPy expression of a term, with real symbols and families as ``IndexedBase``."""
    return _TO[term.kind](*term.args) if term.kind != "sum" else _sum_to_sympy(term)


def _rational(q: fmpq) -> Any:
    return sympy.Rational(int(q.p), int(q.q))


def _sum_to_sympy(term: Term) -> Any:
    taken = {i.args[0] for i in term.args[1].indices}
    name = next(n for n in (term.hint, *"klnpqrstuvw") if n.isalpha() and n not in taken)
    i = index(name, term.args[0])
    return sympy.Sum(to_sympy(open_sum(term, i)), (to_sympy(i), 1, to_sympy(size(term.args[0]))))


_TO: dict[str, Callable[..., Any]] = {
    "num": _rational,
    "var": lambda name: sympy.Symbol(name, real=True),
    "size": lambda name: sympy.Symbol(name, integer=True, positive=True),
    "index": lambda name, _: sympy.Symbol(name, integer=True),
    "item": lambda name, *i: sympy.IndexedBase(name, real=True)[tuple(to_sympy(x) for x in i)],
    "add": lambda *args: sympy.Add(*map(to_sympy, args)),
    "mul": lambda *args: sympy.Mul(*map(to_sympy, args)),
    "pow": lambda base, exponent: to_sympy(base) ** to_sympy(exponent),
    "call": lambda name, *args: (TO_SYMPY.get(name) or abstract(name))(*map(to_sympy, args)) if args else sympy.pi,
    "kron": lambda i, j: sympy.KroneckerDelta(to_sympy(i), to_sympy(j)),
    "where": lambda c, a, b: sympy.Piecewise((to_sympy(a), to_sympy(c)), (to_sympy(b), True)),
    "rel": lambda op, a, b: next(r for r, o in RELATIONS.items() if o == op)(to_sympy(a), to_sympy(b)),
}
