"""The pieces of a sentence about a proof, and the phrases made of them; imports terms and checked proofs only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from flint import fmpq

from derive.balls import Key, Point
from derive.term import MINUS_ONE, ZERO, Term, index, item, mul, num, reindex, rel, var

Slope: TypeAlias = tuple[Term, Term] | tuple[Term, Term, int]  # d first / d second, or the derivative of an order


class Decimal(NamedTuple):
    """Digits as they are, for a number that is rounded."""

    digits: str


class Chain(NamedTuple):
    """a < b; where ``rest`` is b < c, it says a < b < c."""

    first: Term
    rest: Term | None = None


class Shown(NamedTuple):
    """left = right, set by itself."""

    left: Term | Slope
    right: Term


class Cases(NamedTuple):
    """left = value in each of the cases, set by itself."""

    left: Slope
    rows: tuple[tuple[Term, tuple[Term, ...]], ...]  # a value, and the relations where left has it


class Infinity(NamedTuple):
    """Infinity, or minus infinity."""

    is_negative: bool


Piece: TypeAlias = str | Term | Slope | Decimal | Chain | Infinity | Shown | Cases
Words: TypeAlias = tuple[Piece, ...]
Families: TypeAlias = Mapping[str, tuple[str, ...]]
Row: TypeAlias = tuple[str, Words]  # a label and what is said under it


def joined(relations: Sequence[Term], link: str = " and ") -> Words:
    """Relations, or other terms, with "and"; a < b and b < c as one."""
    found = _chained(map(readable, relations)) if all(r.kind == "rel" for r in relations) else relations
    return tuple(p for piece in found for p in (link, piece))[1:]


def readable(relation: Term) -> Term:
    """a < b for a - b < 0."""
    op, left, right = relation.args
    if right != ZERO or left.kind != "add" or len(left.args) != 2:
        return relation
    first, last = left.args
    is_difference = last.kind == "mul" and last.args[0] == MINUS_ONE
    return rel(op, first, mul(*last.args[1:])) if is_difference else relation


def listed(relations: Iterable[Term]) -> Words:
    """Relations with commas, 0 < h and h < 1 as one, and what their free indices mean."""
    words: list[Piece] = []
    found = list(_chained(map(readable, relations)))
    for n, chain in enumerate(found):
        words += [", ", chain]
        indices = chain.first.indices
        if indices and (n + 1 == len(found) or found[n + 1].first.indices != indices):
            words += [" for every ", *[p for i in indices for p in (" and ", i)][1:]]
    return tuple(words[1:])


def _chained(relations: Iterable[Term]) -> list[Chain]:
    """The relations, with a < b and b < c next to each other as one, and so b > a and b < c."""
    found: list[Chain] = []
    for relation in relations:
        op, left = relation.args[:2]
        before = found[-1] if found else None
        first = _upward(before.first) if before and not before.rest and op in ("<", "<=") else None
        if first is not None and first.args[2] == left:
            found[-1] = Chain(first, relation)
        else:
            found.append(Chain(relation))
    return found


def _upward(relation: Term) -> Term | None:
    """a < b, also for b > a."""
    op, left, right = relation.args
    turned = {">": "<", ">=": "<="}.get(op)
    return relation if op in ("<", "<=") else rel(turned, right, left) if turned else None


def measured(value: str) -> Words:
    """An exact rational, or the first digits of a decimal."""
    if "." not in value and "e" not in value:
        return (num(fmpq(*map(int, value.split("/")))),)
    return "about ", Decimal(value if "e" in value else value[:9].rstrip("0").rstrip("."))


def point_words(families: Families, indices: tuple[Term, ...], point: Point) -> Words:
    """K = 2, j = 1, every z_k = 0, y_1 = 1, y_2 = 0; ``indices`` are those of the output."""
    whole = [rel("=", var(name), num(n)) for name, n in (*point.sizes.items(), *point.indices.items())]
    words: list[Piece] = [p for r in whole for p in (", ", r)]
    for name in dict.fromkeys(name for name, _ in point.values):
        words += [", ", *_family_words(families, indices, name, point)]
    return tuple(words[1:])


def _family_words(families: Families, indices: tuple[Term, ...], name: str, point: Point) -> Words:
    places = [key for key in point.values if key[0] == name]
    shown = {key: _shown(point, key) for key in places}
    values = list(shown.values())
    common = max(values, key=values.count)
    odd = [key for key in places if shown[key] != common]
    if (len(places) <= 2 and odd) or len(places) == 1:
        odd, rest = places, []
    else:
        rest = ["every other " if odd else "every ", rel("=", _typical(families, indices, name), common)]
    listing: list[Piece] = [p for key in odd for p in (", ", rel("=", _element(families, key), shown[key]))]
    return tuple([*listing, ", ", *rest][1:] if rest else listing[1:])


def _shown(point: Point, key: Key) -> Term:
    """The value there; one given as another term has the point's own index values."""
    value = point.values[key]
    if not isinstance(value, Term):
        return num(value)
    return reindex(value, {i: index(str(point.indices[i.args[0]]), i.args[1]) for i in value.indices})


def _element(families: Families, key: Key) -> Term:
    name, numbers = key
    sizes: Sequence[str] = families.get(name, ())
    return item(name, *(index(str(n), s) for n, s in zip(numbers, sizes, strict=True))) if numbers else var(name)


def _typical(families: Families, indices: tuple[Term, ...], name: str) -> Term:
    """The family's element with the indices of the output."""
    sizes = tuple(i.args[1] for i in indices)
    return item(name, *indices) if sizes == families.get(name) else var(name)
