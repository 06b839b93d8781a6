"""Certificates: a chain of steps as strict JSON, read back and re-checked; imports kernel and syntax, never SymPy.

Reading is strict: the bytes must be exactly those that writing the content again gives, so a file that
was cut, edited or made by a newer version is refused before the kernel sees it. What a
certificate claims about hypotheses, obligations and verdict is compared with what the kernel finds.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from flint import fmpq

from derive import balls
from derive.errors import CertificateError, DeriveError, KernelError
from derive.kernel import COST, Derivative, Statement, Step, Theorem, Verdict, replay, verdict
from derive.syntax import Symbols, parse, parse_relation, plain
from derive.term import Term

SCHEMA = "derive-certificate/1"
MAX_BYTES = 1_000_000
REASONS = (
    "loss-definition",
    "activation-definition",
    "differentiate-loss",
    "common-denominator",
    "differentiate-activation",
    "in-output",
    "chain-rule",
    "collapse-examples",
    "multiply",
    "split",
    "collapse",
    "normalised",
    "cancel",
    "simplify",
    "condition",
)
DECIMALS = 15


class Witness(NamedTuple):
    """An exact point, with dJ/dz and the claim there: an exact rational, or a decimal rounded at the end."""

    point: balls.Point
    delta: str
    claim: str


class Certificate(NamedTuple):
    """What a file says; ``reasons`` are labels of ``REASONS`` for people, one a step, with no say in the proof."""

    pair: str | None
    average: bool
    symbols: Symbols
    statement: Statement
    steps: tuple[Step, ...]
    reasons: tuple[str, ...]
    witness: Witness | None
    border: Witness | None


class Checked(NamedTuple):
    """A certificate with what the kernel made of it."""

    certificate: Certificate
    theorems: tuple[Theorem, ...]
    verdict: Verdict


def check(certificate: Certificate) -> Checked:
    """The certificate re-checked, every step of it, by the kernel alone.

    Raises KernelError where a step or the verdict does not hold.
    """
    theorems = replay(certificate.statement, certificate.steps)
    points = [w and w.point for w in (certificate.witness, certificate.border)]
    found = verdict(certificate.statement, theorems, *points)
    for witness, claim in ((certificate.witness, certificate.statement.residual), (certificate.border, None)):
        if witness is not None and witness != measure(certificate.statement, witness.point, claim):
            raise KernelError("the numbers printed at the witness are not those of the point")
    return Checked(certificate, theorems, found)


def measure(statement: Statement, point: balls.Point, claim: Term | None) -> Witness:
    """The point with dJ/dz and the claim (0 where there is none) evaluated there, for people to re-check."""
    slope = balls.Slope(COST, statement.preactivation)
    values = [balls.enclosure(r, point, statement.definitions, 256) for r in ((slope, claim) if claim else (slope,))]
    return Witness(point, _decimal(values[0]), _decimal(values[1]) if claim else "0")


def _decimal(ball: Any) -> str:
    if ball.is_exact():
        mantissa, exponent = ball.man_exp()
        return str(fmpq(mantissa) * fmpq(2) ** int(exponent))
    return str(ball.str(DECIMALS, radius=False))


# ---- terms as text -------------------------------------------------------------------------------


def _write_statement(statement: Statement) -> dict[str, Any]:
    return {name: _write_field(value) for name, value in zip(statement._fields, statement, strict=True)}


def _write_field(value: Any) -> Any:
    return plain(value) if isinstance(value, Term) else [plain(r) for r in value]


def _read_statement(data: Mapping[str, Any], symbols: Symbols) -> Statement:
    terms = [parse(data[name], symbols) for name in Statement._fields[:5]]
    domains = [tuple(parse_relation(r, symbols) for r in data[name]) for name in Statement._fields[5:]]
    return Statement._make([*terms, *domains])


def _write_symbols(symbols: Symbols) -> dict[str, Any]:
    return {
        "scalars": sorted(symbols.scalars),
        "families": {n: list(s) for n, s in sorted(symbols.families.items())},
        "indices": dict(sorted(symbols.indices.items())),
    }


def _read_symbols(data: Mapping[str, Any]) -> Symbols:
    families = {n: tuple(s) for n, s in data["families"].items()}
    indices = dict(data["indices"])
    words = (
        *data["scalars"],
        *families,
        *indices,
        *(s for shape in families.values() for s in shape),
        *indices.values(),
    )
    if not all(isinstance(w, str) and w.isascii() and w.isidentifier() for w in words):
        raise CertificateError("symbols: a name is a word of ASCII letters and digits")
    return Symbols(frozenset(data["scalars"]), families, indices)


def write_point(point: balls.Point) -> dict[str, str]:
    """Sizes, indices and coordinates as text: {"K": "2", "j": "1", "z[1]": "0"}."""
    found = {name: str(n) for name, n in (*point.sizes.items(), *point.indices.items())}
    for (name, indices), value in point.values.items():
        key = name + (f"[{','.join(map(str, indices))}]" if indices else "")
        found[key] = plain(value) if isinstance(value, Term) else str(value)
    return found


def _read_point(data: Mapping[str, str], symbols: Symbols) -> balls.Point:
    sizes = {n: int(v) for n, v in data.items() if n in symbols.sizes}
    indices = {n: int(v) for n, v in data.items() if n in symbols.indices}
    values = {}
    for key, text in data.items():
        if key not in sizes and key not in indices:
            name, _, inside = key.partition("[")
            place = tuple(int(n) for n in inside.rstrip("]").split(",")) if inside else ()
            _check_place(name, place, sizes, symbols)
            value = parse(text, symbols)
            values[name, place] = value.args[0] if value.kind == "num" else value
    return balls.Point(values, sizes, indices)


def _check_place(name: str, place: tuple[int, ...], sizes: Mapping[str, int], symbols: Symbols) -> None:
    shape = symbols.families.get(name, ()) if name in symbols.families or name in symbols.scalars else None
    if shape is None or len(place) != len(shape):
        raise CertificateError(f"witness: {name} with {len(place)} indices is not declared")
    if not all(1 <= n <= sizes.get(size, 0) for n, size in zip(place, shape, strict=True)):
        raise CertificateError(f"witness: {name}{list(place)} is outside the sizes of the point")


# ---- certificates as text ------------------------------------------------------------------------


def dumps(checked: Checked) -> str:
    """The certificate with the kernel's findings, as the one text that ``loads`` accepts for it."""
    certificate = checked.certificate
    steps = zip(certificate.steps, certificate.reasons, checked.theorems, strict=True)
    body = {
        "schema": SCHEMA,
        "pair": certificate.pair,
        "average": certificate.average,
        "symbols": _write_symbols(certificate.symbols),
        "statement": _write_statement(certificate.statement),
        "steps": [_write_step(n, *step) for n, step in enumerate(steps, 1)],
        "verdict": _write_verdict(checked.verdict),
        "witness": _write_witness(certificate.witness),
        "border": _write_witness(certificate.border),
    }
    return _sealed(body)


def _sealed(body: Mapping[str, Any]) -> str:
    text = json.dumps({**body, "checksum": ""}, indent=1, ensure_ascii=True)
    checksum = f"crc32:{zlib.crc32(text.encode()):08x}"
    return json.dumps({**body, "checksum": checksum}, indent=1, ensure_ascii=True) + "\n"


def _write_step(n: int, step: Step, reason: str, theorem: Theorem) -> dict[str, Any]:
    return {
        "n": n,
        "rule": step.rule,
        "from": [source + 1 for source in step.sources],
        "value": plain(step.value),
        "assuming": [plain(r) for r in step.assuming],
        "reason": reason,
        "hypotheses": [plain(r) for r in theorem.hypotheses],
        "obligations": [{"claim": plain(o.claim), "facts": [plain(f) for f in o.facts]} for o in theorem.obligations],
    }


def _write_verdict(found: Verdict) -> dict[str, Any]:
    return {
        "answer": found.answer,
        "kind": found.kind,
        "delta": plain(found.delta),
        "factor": None if found.factor is None else plain(found.factor),
        "conditions": [plain(c) for c in found.conditions],
    }


def _write_witness(witness: Witness | None) -> dict[str, Any] | None:
    return witness and {"point": write_point(witness.point), "delta": witness.delta, "claim": witness.claim}


def _read_witness(data: Mapping[str, Any] | None, symbols: Symbols) -> Witness | None:
    return data and Witness(_read_point(data["point"], symbols), str(data["delta"]), str(data["claim"]))  # type: ignore[return-value]


def loads(text: str) -> Checked:
    """Read and re-check a certificate.

    Raises CertificateError, with what is wrong: not JSON, another schema, changed or cut content, a step that the
    kernel refuses, or a printed hypothesis, obligation, verdict or number that is not what the kernel finds.
    """
    data = _read_json(text)
    try:
        checked = check(_read_certificate(data))
    except CertificateError:
        raise
    except DeriveError as problem:
        raise CertificateError(str(problem)) from problem
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as problem:
        raise CertificateError(f"a field is missing or has the wrong shape ({problem})") from problem
    found = json.loads(dumps(checked))
    for field, value in data.items():
        if found.get(field) != value:
            raise CertificateError(_difference(field, value, found.get(field)))
    if dumps(checked) != text:
        raise CertificateError("the file is not in the form in which certificates are written")
    return checked


def _read_json(text: str) -> dict[str, Any]:
    if len(text) > MAX_BYTES:
        raise CertificateError(f"longer than {MAX_BYTES} bytes")
    try:
        data = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as problem:
        raise CertificateError(f"not JSON, or cut short ({problem})") from problem
    if not isinstance(data, dict):
        raise CertificateError("not a certificate: a JSON object is expected")
    if data.get("schema") != SCHEMA:
        raise CertificateError(f"schema {data.get('schema')!r} is not {SCHEMA!r}, which this version reads")
    if _sealed({k: v for k, v in data.items() if k != "checksum"}) != text:
        raise CertificateError("the checksum does not fit: the file was changed or damaged")
    return data


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _read_certificate(data: Mapping[str, Any]) -> Certificate:
    symbols = _read_symbols(data["symbols"])
    reasons = tuple(step["reason"] for step in data["steps"])
    if not set(reasons) <= set(REASONS):
        raise CertificateError(f"unknown reason: {next(r for r in reasons if r not in REASONS)!r}")
    known: dict[tuple[Term, str], Term] = {}
    statement = _shared(_read_statement(data["statement"], symbols), known)
    if data["pair"] is not None and not _is_slug(data["pair"]):
        raise CertificateError("pair: a name is words of a-z and 0-9 joined by -")
    if data["average"] is not any(i.args[1] == "m" for i in statement.preactivation.args[1:]):
        raise CertificateError("average: the statement says otherwise")
    return Certificate(
        pair=data["pair"],
        average=data["average"],
        symbols=symbols,
        statement=statement,
        steps=_shared(tuple(_read_step(step, symbols) for step in data["steps"]), known),
        reasons=reasons,
        witness=_read_witness(data["witness"], symbols),
        border=_read_witness(data["border"], symbols),
    )


def _is_slug(name: object) -> bool:
    return isinstance(name, str) and name.isascii() and name.replace("-", "").isalnum() and name == name.lower()


def _shared(value: Any, known: dict[tuple[Term, str], Term]) -> Any:
    """The same terms with equal subterms made one object, which the kernel compares faster."""
    if isinstance(value, Term):
        term = Term(value.kind, _shared(value.args, known), value.hint)
        return known.setdefault((term, value.hint), term)
    if isinstance(value, tuple):
        parts = [_shared(v, known) for v in value]
        return value._make(parts) if hasattr(value, "_make") else tuple(parts)
    return value


def _read_step(data: Mapping[str, Any], symbols: Symbols) -> Step:
    assuming = tuple(parse_relation(r, symbols) for r in data["assuming"])
    return Step(str(data["rule"]), tuple(int(n) - 1 for n in data["from"]), parse(data["value"], symbols), assuming)


def _difference(field: str, printed: Any, found: Any) -> str:
    """Where the file and the kernel part: the field or the step, and both sides."""
    if field == "steps" and isinstance(printed, Sequence) and len(printed) == len(found):
        for old, new in zip(printed, found, strict=True):
            for key in new:
                if old.get(key) != new[key]:
                    return f"step {new['n']}, {key}: the file says {old.get(key)!r}, the kernel finds {new[key]!r}"
    return f"{field}: the file says {printed!r}, the kernel finds {found!r}"


# ---- where certificates live -----------------------------------------------------------------------


def folder() -> Path:
    """The shipped certificates: beside the package in a source tree, inside it where it is installed."""
    installed = Path(__file__).parent / "certificates"
    return installed if installed.is_dir() else Path(__file__).parents[1] / "proofs" / "certificates"


def file_name(pair: str, average: bool) -> str:
    return f"{pair}.average.json" if average else f"{pair}.json"


def shipped() -> Iterator[str]:
    """Slugs of the pairs that have a certificate, in alphabetical order."""
    names = sorted(path.name for path in folder().glob("*.json"))
    return (name[: -len(".json")] for name in names if not name.endswith(".average.json"))


def load(pair: str, average: bool = False) -> Checked:
    """The shipped certificate of a pair, re-checked.  Raises CertificateError where there is none or it fails."""
    path = folder() / file_name(pair, average)
    try:
        checked = loads(path.read_text(encoding="ascii"))
    except (OSError, UnicodeError) as problem:
        raise CertificateError(f"no certificate is shipped for {pair}: {problem}") from problem
    if (checked.certificate.pair, checked.certificate.average) != (pair, average):
        raise CertificateError(f"{path} is the certificate of another pair")
    return checked


__all__ = ["Certificate", "Checked", "Derivative", "Witness", "check", "dumps", "load", "loads", "measure", "shipped"]
