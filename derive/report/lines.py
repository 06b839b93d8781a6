"""Tokens in a row, and where a row that is too long is broken; imports nothing of this package."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Token(NamedTuple):
    """A piece of a line; a line may end before one that has a ``level``, better so where it is low."""

    text: str
    width: int
    level: int | None = None


def nested(tokens: Iterable[Token]) -> tuple[Token, ...]:
    return tuple(t if t.level is None else t._replace(level=t.level + 1) for t in tokens)


def unbroken(tokens: Iterable[Token]) -> tuple[str, int]:
    """The text and the width of tokens on one line."""
    found = tuple(tokens)
    return "".join(t.text for t in found), sum(t.width for t in found)


def lines(tokens: Sequence[Token], first: int, rest: int) -> list[list[Token]]:
    """The tokens in lines of at most the given widths, where that can be, broken at the outermost operators."""
    found: list[list[Token]] = []
    left, width = list(tokens), first
    while sum(t.width for t in left) > width and (at := _break(left, width)):
        found.append(left[:at])
        left, width = left[at:], rest
    return [*found, left]


def _break(tokens: Sequence[Token], width: int) -> int | None:
    """Where to break: at the least level in the line that still fits, late rather than early."""
    places: list[tuple[int, bool, int]] = []
    used = 0
    for n, token in enumerate(tokens):
        if n and token.level is not None and (used <= width or not places):
            places.append((token.level, 3 * used < width, -n))
        used += token.width
    return -min(places)[2] if places else None
