"""The atlas: what is known about every loss with every activation; imports library, worker, and lazily its report."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from derive.certificate import file_name, folder, shipped
from derive.errors import REFUSALS, CertificateError, DeriveError
from derive.library import Index, axes, chosen, index
from derive.worker import SECONDS, cpus, parallel

Watch = Callable[[Iterator[Any], int], Iterator[Any]]


class Cell(NamedTuple):
    """A loss with an activation: ``why`` it is no pair (kind and answer None), or why it is undecided."""

    pair: str
    kind: str | None = None
    answer: str | None = None
    factor: str | None = None
    why: str | None = None
    conditions: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """A kind, or "conditional", "open" (no, of a shape that is not decided), "undecided", "none"."""
        if self.answer is None:
            return "none"
        if self.answer == "undecided":
            return "undecided"
        return "conditional" if self.conditions and self.kind == "cancels" else self.kind or "open"


class Atlas:
    """The matrix losses x activations; ``cells`` are its rows, one after the other."""

    def __init__(self, losses: Iterable[str], activations: Iterable[str], cells: Iterable[Cell]) -> None:
        self.losses, self.activations, self.cells = tuple(losses), tuple(activations), tuple(cells)

    def rows(self) -> Iterator[tuple[str, tuple[Cell, ...]]]:
        """Each loss with its cells, in the order of the activations."""
        length = len(self.activations)
        for n, loss in enumerate(self.losses):
            yield loss, self.cells[n * length : (n + 1) * length]

    def counts(self) -> Counter[str]:
        """How many cells have each label."""
        return Counter(cell.label for cell in self.cells)

    def to_json(self) -> dict[str, Any]:
        """The object of ``derive atlas --json``."""
        fields = ("pair", "kind", "answer", "factor", "why")
        cells = [{name: getattr(cell, name) for name in fields} for cell in self.cells]
        return {"losses": list(self.losses), "activations": list(self.activations), "cells": cells}

    def _repr_html_(self) -> str:
        from derive.report.table import html

        return html(self)

    def __repr__(self) -> str:
        found = ", ".join(f"{n} {label}" for label, n in self.counts().most_common())
        return f"<Atlas of {len(self.losses)} losses and {len(self.activations)} activations: {found}>"


def survey(
    loss: str | None = None,
    activation: str | None = None,
    fresh: bool = False,
    jobs: int | None = None,
    watch: Watch = lambda answers, total: answers,
) -> Atlas:
    """The atlas, or the row of a loss, or the column of an activation, from shipped certificates that are re-checked.

    fresh: derived anew, ``SECONDS`` at most a cell; watch: takes the answers and their number, and gives the answers.
    Raises UnknownName for a slug that is none, CertificateError where a certificate does not hold.
    """
    found = chosen(axes() if fresh else index(), loss, activation)
    if fresh:
        return Atlas(found.losses, found.activations, _derived(_names(found), jobs, watch))
    return assembled(found, checked(kept(found), jobs, watch))


def _names(found: Index) -> list[str]:
    return [f"{a}-{b}" for a in found.losses for b in found.activations]


def kept(found: Index) -> list[str]:
    """The shipped pairs of an index, in its order."""
    known = set(shipped())
    return [name for name in _names(found) if name in known]


def assembled(found: Index, rows: Iterable[dict[str, Any]]) -> Atlas:
    """The atlas of an index, from the rows of its shipped pairs."""
    cells = {row["pair"]: _cell(row) for row in rows}
    return Atlas(found.losses, found.activations, (cells.get(name) or _absent(name, found) for name in _names(found)))


def _absent(name: str, found: Index) -> Cell:
    if name in found.reasons:
        return Cell(name, why=found.reasons[name])
    return Cell(name, None, "undecided", None, "no certificate is shipped")


def _derived(names: list[str], jobs: int | None, watch: Watch) -> Iterator[Cell]:
    answers = watch(parallel("derive", [{"pair": name} for name in names], jobs or cpus(), SECONDS), len(names))
    for name, answer in zip(names, answers, strict=True):
        yield Cell(name, None, "undecided", None, str(answer)) if isinstance(answer, DeriveError) else _cell(answer)


def _cell(row: dict[str, Any]) -> Cell:
    if row.get("why") is not None:
        return Cell(row["pair"], why=row["why"])
    return Cell(row["pair"], row["kind"], row["answer"], row["factor"], None, tuple(row["conditions"]))


def stored(loss: str | None = None, activation: str | None = None, kind: str | None = None) -> list[str]:
    """The shipped pairs with this loss, activation and kind (None: any), in alphabetical order."""
    if loss is None and activation is None:
        pairs = list(shipped())
    else:
        found = chosen(index(), loss, activation)
        pairs = sorted({f"{a}-{b}" for a in found.losses for b in found.activations} & set(shipped()))
    return [pair for pair in pairs if kind is None or _may_be(pair, kind)]


def _may_be(pair: str, kind: str) -> bool:
    """Whether the certificate says so, which is not believed; a damaged one is kept, for the check to name it."""
    try:
        return bool(json.loads(stored_text(pair))["verdict"]["kind"] == kind)
    except REFUSALS:
        return True


def checked(
    pairs: list[str], jobs: int | None = None, watch: Watch = lambda answers, total: answers, task: str = "row"
) -> Iterator[dict[str, Any]]:
    """The row of each pair, its ``to_json`` without steps, as its certificate is re-checked, in order.

    task: of ``worker``, "row" or "page", which adds what a page of a site shows.

    Raises CertificateError at the first certificate that does not hold, KernelError where one cannot be checked.
    """
    cases = [{"text": stored_text(pair)} for pair in pairs]
    for pair, row in zip(pairs, watch(parallel(task, cases, jobs or cpus()), len(cases)), strict=True):
        if isinstance(row, DeriveError) and not isinstance(row, CertificateError):
            raise row  # its process was ended, say: no statement
        if isinstance(row, CertificateError):
            raise CertificateError(f"the certificate of {pair} does not hold: {row}")
        if (row["pair"], row.pop("average")) != (pair, False):
            raise CertificateError(f"{file_name(pair, False)} is the certificate of another pair")
        yield row


def stored_text(pair: str) -> str:
    try:
        return (folder() / file_name(pair, False)).read_text(encoding="ascii", errors="replace")
    except OSError as problem:
        raise CertificateError(f"no certificate is shipped for {pair}: {problem.strerror}") from problem
