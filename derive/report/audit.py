"""An audit of frameworks as text and as Markdown: the same tables; imports audit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from derive.audit import FORMATS, Audit, Choice, Row, Value
from derive.syntax import plain

FAR = 1000.0  # units in the last place, from which on a value is shown


class Table(NamedTuple):
    """A title, a sentence that says how to read it, and rows; code: the columns that are set as code in Markdown."""

    title: str
    said: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    code: tuple[int, ...] = (0,)


def tables(audit: Audit) -> Iterator[Table]:
    """The tables of an audit, in order; without those that have no row."""
    columns = [f"{name}, {where}" for name in FORMATS for where in ("ordinary", "extreme")]
    found = (
        Table("Worst error", ERRORS, ("call", *columns), tuple(map(_errors, audit.rows))),
        Table("Far off", FAR_OFF, ("call", "format", "at", "found", "exact"), tuple(_far(audit.rows))),
        Table("Kinks", KINKS, ("call", "at", "below", "above", "found", "picks"), tuple(_kinks(audit.rows))),
        Table("Reductions", REDUCTIONS, ("reduction", "divides by", "calls"), tuple(_reductions(audit.rows)), ()),
        Table("What is proved", PROVED, ("call", "J", "h", "dJ/dz"), tuple(map(_proved, audit.rows)), (0, 1, 2, 3)),
        Table("Not compared", "Losses that are shipped, and why.", ("loss", "why"), (*audit.left_out.items(),)),
    )
    yield from (table for table in found if table.rows)


ERRORS = (
    "In units in the last place (ulps) of the exact dJ/dz, of which a rounded value is 0.5 off at most. Ordinary: "
    "every |z| is 3 at most. Extreme: up to 1000, or near an end of the domain. nan: how often nan is found, "
    "or an infinity that should not be."
)
FAR_OFF = f"The worst value of each call that is {FAR:.0f} ulps off or more, and what is not a number."
KINKS = (
    "dJ/dz proved just below and just above in z (in z[j] for vectors), and the value that autograd has at the kink."
)
REDUCTIONS = "By what the gradient is less than that of the sum; m is the number of examples, K that of classes."
PROVED = "The statement that each call is measured by: dJ/dz as the kernel checked it, with h for the output."


def _errors(row: Row) -> tuple[str, ...]:
    cells = (_error(row, name, extreme) for name in FORMATS for extreme in (False, True))
    return row.call.name, *cells


def _error(row: Row, name: str, extreme: bool) -> str:
    worst = row.worst(name, extreme)
    failed = sum(v.place.is_extreme == extreme for v in row.failures(name))
    said = [_size(worst)] if worst else []
    return ", ".join([*said, *([f"nan {failed}x"] if failed else [])]) or "-"


def _size(value: Value) -> str:
    size = value.ulps or 0.0
    return (
        f"{size:.1f}"
        if size < 100
        else f"{size:.0f}"
        if size < FAR
        else f"{size:.0e}".replace("e+0", "e+").replace("+", "")
    )


def _far(rows: Iterable[Row]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        for name in FORMATS:
            worst, failed = row.worst(name), row.failures(name)
            shown = [*([worst] if worst and (worst.ulps or 0) >= FAR else []), *failed[:1]]
            yield from ((row.call.name, name, str(v.place), f"{v.found:.6g}", _short(v.exact)) for v in shown)


def _short(exact: str) -> str:
    return f"{float(exact):.6g}" if "e-" not in exact else _rounded(exact)


def _rounded(exact: str) -> str:
    """1.234567e-435 with six digits: it may be too small for a number of Python."""
    mantissa, exponent = exact.split("e")
    return f"{float(mantissa):.6g}e{exponent}"


def _kinks(rows: Iterable[Row]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        yield from (_kink(row.call.name, kink) for kink in row.kinks if kink.picks != "both")


def _kink(name: str, kink: Choice) -> tuple[str, ...]:
    found = dict.fromkeys(f"{value:.6g}" for value in kink.found.values())
    return name, str(kink.place), f"{kink.below:.6g}", f"{kink.above:.6g}", " or ".join(found), kink.picks


def _reductions(rows: Iterable[Row]) -> Iterator[tuple[str, ...]]:
    calls: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for reduction, divisor in row.divisors.items():
            calls.setdefault((reduction, divisor), []).append(row.call.name)
    yield from ((*key, ", ".join(names)) for key, names in calls.items())


def _proved(row: Row) -> tuple[str, ...]:
    statement = row.proof.statement
    return row.call.name, plain(statement.cost), plain(statement.activation), row.proof.delta


def _title(audit: Audit) -> str:
    return f"{audit.framework} {audit.version}: autograd against the proved dJ/dz"


# ---- text --------------------------------------------------------------------------------------------


def text(audits: Sequence[Audit], width: int = 80) -> str:
    """The tables with aligned columns; the last column is cut off where a line is longer than ``width``."""
    lines: list[str] = []
    for audit in audits:
        lines += [_title(audit), "=" * len(_title(audit)), ""]
        for table in tables(audit):
            lines += [
                table.title,
                "-" * len(table.title),
                *_wrapped(table.said, width),
                "",
                *_aligned(table, width),
                "",
            ]
    return "\n".join(lines)


def _wrapped(sentence: str, width: int) -> list[str]:
    from textwrap import wrap

    return wrap(sentence, width)


def _aligned(table: Table, width: int) -> Iterator[str]:
    whole = (table.head, *table.rows)
    widths = [max(len(row[n]) for row in whole) for n in range(len(table.head))]
    for row in whole:
        line = "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip()
        yield line if len(line) <= width else line[: width - 3] + "..."


# ---- Markdown ----------------------------------------------------------------------------------------


def markdown(audits: Sequence[Audit]) -> str:
    """The tables as a page, with the command that writes it."""
    lines = ["# Frameworks against proofs", "", INTRODUCTION, ""]
    for audit in audits:
        lines += [f"## {_title(audit)}", ""]
        for table in tables(audit):
            lines += [f"### {table.title}", "", table.said, "", *_piped(table), ""]
    return "\n".join(lines)


INTRODUCTION = """\
Written by `derive audit torch jax -o docs/audit.md` on a CPU, with the versions named below; others may differ. Each
call is put beside the statement that it computes. The kernel has proved what dJ/dz is for that, and ball arithmetic
evaluates it to 100 bits or more at exactly the numbers that the framework is given."""


def _piped(table: Table) -> Iterator[str]:
    yield _line(table.head)
    yield _line(["---"] * len(table.head))
    for row in table.rows:
        yield _line([f"`{cell}`" if n in table.code else cell for n, cell in enumerate(row)])


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
