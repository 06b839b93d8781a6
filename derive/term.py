"""Immutable terms: the statements that are proved; imports python-flint only.

A term is a kind and its arguments. Numbers are exact rationals, variables are real, an index
runs over 1..size for a symbolic size (K classes, m examples), and ``sum`` is the only binder: it
is stored with de Bruijn indices, so that no renaming can capture and equality is up to the
name of the bound index.

    num (q)            var (name)           size (name)          item (name, index, ...)
    index (name, size) bound (depth, size)  add (term, ...)      mul (term, ...)
    pow (base, exp)    call (name, arg)     sum (size, body)     kron (index, index)
    where (rel, a, b)  rel (op, a, b)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

from flint import fmpq

Definitions = Mapping[str, "tuple[tuple[Term, ...], Term]"]  # name: its indices and its body
RELATIONS = ("<", "<=", ">", ">=", "=", "!=")
MAX_DEPTH = 100
MAX_NODES = 300_000
MAX_ARGUMENTS = 100_000
MAX_KNOWN, MAX_KNOWN_WIDTH = 50_000, 30
MAX_KEPT = 200_000  # nodes of the terms that are kept for one function
Work = TypeVar("Work", bound=Callable[..., Any])


# kind: types of the leading plain arguments, kinds of the terms that follow, and how many of those
_NUMBERS = frozenset(("num", "var", "size", "item", "add", "mul", "pow", "call", "sum", "kron", "where", "rest"))
_INDICES = frozenset(("index", "bound"))
_NOTHING: frozenset[str] = frozenset()
_SHAPES: dict[str, tuple[tuple[type, ...], frozenset[str], int, int]] = {
    "num": ((fmpq,), _NOTHING, 0, 0),
    "var": ((str,), _NOTHING, 0, 0),
    "size": ((str,), _NOTHING, 0, 0),
    "item": ((str,), _INDICES, 1, 8),
    "index": ((str, str), _NOTHING, 0, 0),
    "bound": ((int, str), _NOTHING, 0, 0),
    "add": ((), _NUMBERS, 0, MAX_ARGUMENTS),
    "mul": ((), _NUMBERS, 0, MAX_ARGUMENTS),
    "pow": ((), _NUMBERS, 2, 2),
    "call": ((str,), _NUMBERS, 0, 8),
    "sum": ((str,), _NUMBERS, 1, 1),
    "kron": ((), _INDICES, 2, 2),
    "where": ((), _NUMBERS | {"rel"}, 3, 3),
    "rel": ((str,), _NUMBERS, 2, 2),
    "rest": ((), _NUMBERS | _INDICES, 2, 2),  # made by algebra only: a sum less one of its terms
}
_PLAIN = {kind: len(heads) for kind, (heads, *_) in _SHAPES.items()}
_KNOWN: dict[tuple[Any, ...], Term] = {}  # nodes that are made again and again, by kind, hint and what they hold


class Term:
    """One node; equal terms have equal kind and arguments (``hint`` only names a bound index).

    What every walk asks for is kept: ``indices``, the free indices in order of appearance; ``names`` of
    variables and families; ``loose``, the number of binders missing around the term (0 if it is closed); ``depth``
    and ``nodes``. Raises ValueError for a node of no such shape, nested too deeply or too large.
    """

    __slots__ = ("_hash", "args", "depth", "hint", "indices", "kind", "loose", "names", "nodes")
    kind: str
    args: tuple[Any, ...]
    hint: str
    indices: tuple[Term, ...]
    names: frozenset[str]
    loose: int
    depth: int
    nodes: int

    def __new__(cls, kind: str, args: tuple[Any, ...], hint: str = "") -> Term:
        # a node holds its subterms: as long as it is known, no other objects have their ids
        plain = _PLAIN.get(kind)
        if not plain:
            key: tuple[Any, ...] = (kind, hint, *map(id, args))
        elif kind == "num" and [*map(type, args)] == [fmpq]:  # its own hash takes long
            key = (kind, args[0].p, args[0].q)
        elif kind == "bound":  # True is no 1
            key = (kind, repr(args))
        else:
            key = (kind, hint, *args[:plain], *map(id, args[plain:]))
        found = _KNOWN.get(key)
        if found is None:
            found = _made(object.__new__(cls), kind, args, hint)
            if len(key) <= MAX_KNOWN_WIDTH:
                if len(_KNOWN) >= MAX_KNOWN:
                    _KNOWN.clear()
                _KNOWN[key] = found
        return found

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("terms are immutable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("terms are immutable")

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined,no-any-return]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Term):
            return NotImplemented
        return (
            self._hash == other._hash  # type: ignore[attr-defined]
            and self.kind == other.kind
            and self.args == other.args
        )

    def __repr__(self) -> str:
        return f"{self.kind}{self.args!r}"


# the slots' own setters: the one way past __setattr__
_set_kind, _set_args, _set_hint, _set_indices, _set_names, _set_loose, _set_depth, _set_nodes, _set_hash = (
    Term.__dict__[name].__set__
    for name in ("kind", "args", "hint", "indices", "names", "loose", "depth", "nodes", "_hash")
)


def _made(self: Term, kind: str, args: tuple[Any, ...], hint: str) -> Term:
    """Fills a new node, and checks its shape."""
    heads, kinds, least, most = _SHAPES.get(kind, ((), _NOTHING, 1, 0))
    terms = args[len(heads) :]
    if not least <= len(terms) <= most or tuple(map(type, args[: len(heads)])) != heads:
        raise ValueError(f"no term has the shape {kind}{tuple(type(a).__name__ for a in args)}")
    indices: tuple[Term, ...] = (self,) if kind == "index" else ()
    names = frozenset((args[0],)) if kind == "var" or kind == "item" else _NOTHING
    loose, depth, nodes = (args[0] + 1 if kind == "bound" else 0), 0, 1
    for a in terms:
        if type(a) is not Term or a.kind not in kinds:
            raise ValueError(f"a {kind} does not hold {a!r}")
        if a.indices:
            indices = (*indices, *(i for i in a.indices if i not in indices)) if indices else a.indices
        if a.names and a.names is not names:
            names = names | a.names if names else a.names
        loose = a.loose if a.loose > loose else loose
        depth = a.depth if a.depth > depth else depth
        nodes += a.nodes
    if depth >= MAX_DEPTH or nodes > MAX_NODES:
        raise ValueError(f"nested deeper than {MAX_DEPTH}, or of more than {MAX_NODES} nodes")
    if kind in _CHECKS:
        _CHECKS[kind](*args)
    _set_kind(self, kind)
    _set_args(self, args)
    _set_hint(self, hint)
    _set_indices(self, indices)
    _set_names(self, names)
    _set_loose(self, max(0, loose - 1) if kind == "sum" else loose)
    _set_depth(self, depth + 1)
    _set_nodes(self, nodes)
    _set_hash(self, hash((kind, args if kind != "num" else (int(args[0].p), int(args[0].q)))))
    return self


def _same_size(i: Term, j: Term) -> None:
    if i.args[1] != j.args[1]:
        raise ValueError("a Kronecker delta compares two indices over the same size")


def _known_relation(op: str, _left: Term, _right: Term) -> None:
    if op not in RELATIONS:
        raise ValueError(f"no such relation: {op}")


def _inequality(condition: Term, *branches: Term) -> None:
    if condition.kind != "rel" or condition.args[0] in ("=", "!=") or any(b.kind == "rel" for b in branches):
        raise ValueError("where needs an inequality and two numbers")


def _depth(depth: int, _size: str) -> None:
    if depth < 0:
        raise ValueError("a bound index counts the binders between it and its own, from 0")


_CHECKS: dict[str, Callable[..., None]] = {
    "bound": _depth,
    "kron": _same_size,
    "rel": _known_relation,
    "where": _inequality,
}


def num(value: int | str | fmpq, denominator: int = 1) -> Term:
    return Term("num", (fmpq(int(value), denominator) if not isinstance(value, fmpq) else value,))


ZERO, ONE, MINUS_ONE = num(0), num(1), num(-1)
_EXPONENTS = {n: num(n) for n in range(-4, 5)}


def var(name: str) -> Term:
    return Term("var", (name,))


def size(name: str) -> Term:
    """A symbolic size, an integer of at least 1."""
    return Term("size", (name,))


def index(name: str, size_name: str = "K") -> Term:
    """A free index over 1..size; a statement about it holds for every value that it can have."""
    return Term("index", (name, size_name))


def item(name: str, *indices: Term) -> Term:
    """The element ``name[i, ...]`` of an indexed family of real variables."""
    return Term("item", (name, *indices))


def add(*terms: Term) -> Term:
    return terms[0] if len(terms) == 1 else Term("add", terms) if terms else ZERO


def mul(*terms: Term) -> Term:
    return terms[0] if len(terms) == 1 else Term("mul", terms) if terms else ONE


def times(*factors: Term) -> Term:
    """The product without its factors 1."""
    return mul(*[f for f in factors if f is not ONE and f != ONE])


def power(base: Term, exponent: Term | int) -> Term:
    if isinstance(exponent, int):
        exponent = _EXPONENTS.get(exponent) or num(exponent)
    return Term("pow", (base, exponent))


def neg(term: Term) -> Term:
    """The negated term, folded only into a number: -(2) is the number -2."""
    if term.kind == "num":
        return num(-term.args[0])
    return Term("mul", (MINUS_ONE, term))


def sub(left: Term, right: Term) -> Term:
    return Term("add", (left, neg(right)))


def div(above: Term, below: Term) -> Term:
    """above * below^-1; the 1 of a plain reciprocal is left out."""
    inverse = power(below, -1)
    return inverse if above == ONE else Term("mul", (above, inverse))


def call(name: str, *args: Term) -> Term:
    return Term("call", (name, *args))


def kron(i: Term, j: Term) -> Term:
    """The Kronecker delta: 1 where the indices agree, else 0; both run over the same size."""
    return Term("kron", (i, j))


def rel(op: str, left: Term, right: Term) -> Term:
    return Term("rel", (op, left, right))


def where(condition: Term, inside: Term, outside: Term) -> Term:
    return Term("where", (condition, inside, outside))


def kept(work: Work) -> Work:
    """The same function of terms, with a memory; it tells them apart as objects, as equal ones may have other hints."""
    known: dict[tuple[int, ...], tuple[tuple[Term, ...], Any]] = {}
    weight = 0

    @wraps(work)
    def remembered(*terms: Term) -> Any:
        nonlocal weight
        key = tuple(map(id, terms))
        found = known.get(key)
        if found is None:
            found = terms, work(*terms)
            weight += sum(t.nodes for t in terms)
            if weight > MAX_KEPT:
                known.clear()
                weight = 0
            known[key] = found
        return found[1]

    return cast("Work", remembered)


@kept
def sum_over(i: Term, body: Term) -> Term:
    """Sum of ``body`` over the free index ``i``, which it binds."""
    if i.kind != "index":
        raise ValueError("a sum binds a free index")
    return Term("sum", (i.args[1], _close(body, i, 0)), hint=i.args[0])


@kept
def open_sum(total: Term, i: Term) -> Term:
    """The summand with the bound index replaced by the index ``i`` of the same size."""
    if i.args[1] != total.args[0]:
        raise ValueError("an index over another size")
    return _open(total.args[1], i, 0)


def rebuild(term: Term, change: Callable[[Term], Term]) -> Term:
    """The term with ``change`` applied to its direct subterms; itself where none changes."""
    found: list[Any] | None = None
    for n, part in enumerate(term.args):
        if type(part) is Term:
            changed = change(part)
            if changed is not part:
                found = found or [*term.args]
                found[n] = changed
    return term if found is None else Term(term.kind, tuple(found), term.hint)


def _close(term: Term, i: Term, depth: int) -> Term:
    if term == i:
        return Term("bound", (depth, i.args[1]))
    if i not in term.indices:
        return term
    inner = depth + (term.kind == "sum")
    return rebuild(term, lambda t: _close(t, i, inner))


def _open(term: Term, i: Term, depth: int) -> Term:
    if term.loose <= depth:
        return term
    if term.kind == "bound":
        if term.args[0] == depth and term.args[1] != i.args[1]:
            raise ValueError("a bound index over another size than its sum")
        return i if term.args[0] == depth else term
    inner = depth + (term.kind == "sum")
    return rebuild(term, lambda t: _open(t, i, inner))


def replace(term: Term, table: Mapping[Term, Term]) -> Term:
    """Simultaneous replacement of subterms without bound indices, such as variables or families' elements."""
    found = table.get(term)
    return found if found is not None else rebuild(term, lambda t: replace(t, table))


def reindex(term: Term, table: Mapping[Term, Term]) -> Term:
    """Simultaneous replacement of free indices by indices."""
    return _reindexed(term, *table, *table.values()) if any(i in table for i in term.indices) else term


@kept
def _reindexed(term: Term, *indices: Term) -> Term:
    """With the first half of the indices replaced by the second."""
    half = len(indices) // 2
    table = dict(zip(indices[:half], indices[half:], strict=True))

    def changed(part: Term) -> Term:
        if not any(i in table for i in part.indices):
            return part
        return table[part] if part.kind == "index" else rebuild(part, changed)

    return changed(term)


def subterms(term: Term) -> Iterator[Term]:
    """The term and everything below it, each occurrence once."""
    yield term
    for a in term.args:
        if isinstance(a, Term):
            yield from subterms(a)


def rename(total: Term, hint: str) -> Term:
    """The same sum with another name for its bound index."""
    return Term("sum", total.args, hint)


def names_behind(terms: Iterable[Term], definitions: Definitions) -> frozenset[str]:
    """All variables on which terms rest, through definitions."""
    found: frozenset[str] = frozenset()
    waiting = [name for term in terms for name in term.names]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found |= {name}
            waiting += definitions[name][1].names if name in definitions else ()
    return found
