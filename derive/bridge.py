"""The only translator between SymPy expressions and terms; imports sympy, term and errors.

From SymPy: names become real variables whatever assumptions a symbol carries; ``Indexed`` elements become
family elements, ``Sum(e, (k, 1, K))`` a sum over a symbolic size. Anything without a term is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from flint import fmpq

from derive.errors import DeriveError
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
    num,
    open_sum,
    power,
    rel,
    size,
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
}


def to_term(expression: Any) -> Term:
    """The term of a SymPy expression or relation, in the order in which SymPy prints it.

    Raises DeriveError for floats, complex numbers and whatever the language of terms has no word for.
    """
    if type(expression) in RELATIONS:
        return rel(RELATIONS[type(expression)], to_term(expression.lhs), to_term(expression.rhs))
    for kind, translate in _FROM.items():
        if isinstance(expression, kind):
            return translate(expression)
    if expression.func in FUNCTIONS:
        return call(FUNCTIONS[expression.func], to_term(expression.args[0]))
    raise DeriveError(f"no term says {expression.func.__name__}; write it with exp, log, powers and sums")


def _add(expression: Any) -> Term:
    terms = [to_term(t) for t in expression.as_ordered_terms()]
    return add(*sorted(terms, key=lambda t: not (t.kind == "num" and t.args[0] > 0)))


def _mul(expression: Any) -> Term:
    """Number, numerators, reciprocals; -x y is one product with the factor -1, x/2 ends in 2^-1."""
    coefficient, rest = expression.as_coeff_Mul()
    factors = [to_term(f) for f in rest.as_ordered_factors()]
    factors.sort(key=_place)
    p, q = int(coefficient.p), int(coefficient.q)
    head = [] if p == 1 else [MINUS_ONE] if p == -1 else [num(p)]
    return mul(*head, *factors, *([] if q == 1 else [power(num(q), -1)]))


def _place(factor: Term) -> int:
    """Variables, then sums and powers, functions, and reciprocals at the end."""
    if factor.kind == "pow" and factor.args[1].kind == "num" and factor.args[1].args[0] < 0:
        return 3
    return {"var": 0, "item": 0, "size": 0, "call": 2}.get(factor.kind, 1)


def _pow(expression: Any) -> Term:
    return power(to_term(expression.base), to_term(expression.exp))


def _symbol(expression: Any) -> Term:
    return size(expression.name) if expression.name in SIZES else var(expression.name)


def _index(expression: Any) -> Term:
    if not isinstance(expression, sympy.Symbol):
        raise DeriveError(f"an index is a letter, not {expression}")
    return index(expression.name)


def _indexed(expression: Any) -> Term:
    return item(expression.base.label.name, *(_index(i) for i in expression.indices))


def _sum(expression: Any) -> Term:
    (letter, low, high), *more = expression.limits
    if more or low != 1 or not isinstance(high, sympy.Symbol) or high.name not in SIZES:
        raise DeriveError(f"a sum runs over k = 1..K, not {expression.limits}")
    return sum_over(index(letter.name, high.name), to_term(expression.function))


def _piecewise(expression: Any) -> Term:
    (inside, condition), *rest = expression.args
    if condition == sympy.true:
        return to_term(inside)
    if not rest:
        raise DeriveError("the last piece of a Piecewise needs the condition True")
    return where(to_term(condition), to_term(inside), _piecewise(sympy.Piecewise(*rest)))


_FROM: dict[Any, Callable[[Any], Term]] = {
    sympy.Rational: lambda e: num(int(e.p), int(e.q)),
    sympy.Symbol: _symbol,
    sympy.Add: _add,
    sympy.Mul: _mul,
    sympy.exp: lambda e: call("exp", to_term(e.exp)),
    sympy.Pow: _pow,
    sympy.Indexed: _indexed,
    sympy.Sum: _sum,
    sympy.KroneckerDelta: lambda e: kron(_index(e.args[0]), _index(e.args[1])),
    sympy.Piecewise: _piecewise,
    type(sympy.pi): lambda _: call("pi"),
    type(sympy.E): lambda _: call("exp", ONE),
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
    "call": lambda name, *args: TO_SYMPY[name](*map(to_sympy, args)) if args else sympy.pi,
    "kron": lambda i, j: sympy.KroneckerDelta(to_sympy(i), to_sympy(j)),
    "where": lambda c, a, b: sympy.Piecewise((to_sympy(a), to_sympy(c)), (to_sympy(b), True)),
    "rel": lambda op, a, b: next(r for r, o in RELATIONS.items() if o == op)(to_sympy(a), to_sympy(b)),
}
