"""Certificates: a chain of steps as strict JSON, read back and re-checked; imports kernel and syntax, never SymPy.

Reading is strict: the bytes must be exactly those that writing the content again gives, so a file that
was cut, edited or made by a newer version is refused before the kernel sees it. What a
certificate claims about hypotheses, obligations and verdict is compared with what the kernel finds.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from derive import balls
from derive.derivation import COST, Statement, Step, replay
from derive.errors import REFUSALS, CertificateError, DeriveError, KernelError
from derive.kernel import Theorem
from derive.syntax import Symbols, parse, parse_relation, plain
from derive.term import Term, kept
from derive.verdict import Region, Verdict, verdict

SCHEMA = "derive-certificate/2"
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
    "total",
    "cases",
    "join",
    "target",
    "second",
    "divided",
)
DECIMALS = 15
_WORD = re.compile(r"\w+")
PLAIN_TEXT = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,;:()'-/=")
MAX_READ, MAX_SHORT = 4_000, 200  # texts whose terms are kept for the next certificate, and the longest of them
SHOWN = 120  # characters of a value in an error


class Witness(NamedTuple):
    """An exact point, with dJ/dz and the claim there: an exact rational, or a decimal rounded at the end."""

    point: balls.Point
    delta: str
    claim: str


class About(NamedTuple):
    """What the catalogue calls the two halves of a pair, and where their formulas are from; for people."""

    loss: str
    activation: str
    loss_source: str
    activation_source: str
    loss_note: str = ""
    activation_note: str = ""


class Certificate(NamedTuple):
    """What a file says; ``reasons`` are labels of ``REASONS`` for people, one a step, with no say in the proof."""

    pair: str | None
    about: About | None
    average: bool
    symbols: Symbols
    statement: Statement
    steps: tuple[Step, ...]
    reasons: tuple[str, ...]
    points: Mapping[str, Witness]


class Checked(NamedTuple):
    """A certificate with what the kernel made of it."""

    certificate: Certificate
    theorems: tuple[Theorem, ...]
    verdict: Verdict


def check(certificate: Certificate) -> Checked:
    """The certificate re-checked, every step of it, by the kernel alone.

    Raises KernelError where a step or the verdict does not hold.
    """
    statement = certificate.statement
    theorems = replay(statement, certificate.steps)
    found = verdict(statement, certificate.steps, theorems, {name: w.point for name, w in certificate.points.items()})
    for name, witness in certificate.points.items():
        if witness != measure(statement, name, witness.point):
            raise KernelError(f"the numbers printed at the point {name} are not those of the point")
    return Checked(certificate, theorems, found)


def measure(statement: Statement, name: str, point: balls.Point) -> Witness:
    """The point with dJ/dz and the claim (h - y; 0 at a border) evaluated there, for people to re-check."""
    slope, is_border = balls.Slope(COST, statement.preactivation), name.startswith("border")
    try:
        delta = balls.decimal(balls.enclosure(slope, point, statement.definitions, 256))
    except KernelError:
        if not is_border:  # where a border is a kink, dJ/dz has no value there
            raise
        delta = ""
    claim = "0" if is_border else balls.decimal(balls.enclosure(statement.residual, point, statement.definitions, 256))
    return Witness(point, delta, claim)


# ---- terms as text -------------------------------------------------------------------------------


def _write_statement(statement: Statement) -> dict[str, Any]:
    return {name: _write_field(value) for name, value in zip(statement._fields, statement, strict=True)}


def _write_field(value: Any) -> Any:
    return _text(value) if isinstance(value, Term) else [_text(r) for r in value]


def _read_statement(data: Mapping[str, Any], names: str) -> Statement:
    terms = [_read_term(data[name], names) for name in Statement._fields[:5]]
    domains = [tuple(_read_relation(r, names) for r in data[name]) for name in Statement._fields[5:]]
    return Statement._make([*terms, *domains])


def _read_term(text: str, names: str) -> Term:
    return _read(parse, text, names)


def _read_relation(text: str, names: str) -> Term:
    return _read(parse_relation, text, names)


def _read(rule: Callable[[str, Symbols], Term], text: str, names: str) -> Term:
    """What a text says under the symbols that ``names`` says as JSON; certificates have most short texts in common."""
    return _read_short(rule, text, names) if len(text) <= MAX_SHORT else rule(text, _symbols(names))


@lru_cache(MAX_READ)
def _read_short(rule: Callable[[str, Symbols], Term], text: str, names: str) -> Term:
    return _read_alike(rule, text, _symbols(names).scalars.intersection(_WORD.findall(text)), _but_scalars(names))


@lru_cache(MAX_READ)
def _read_alike(rule: Callable[[str, Symbols], Term], text: str, scalars: frozenset[str], others: str) -> Term:
    """With those variables only that the text names: certificates differ most in the names of their parameters."""
    return rule(text, _symbols(others)._replace(scalars=scalars))


@lru_cache
def _but_scalars(names: str) -> str:
    return json.dumps({**json.loads(names), "scalars": []})


@lru_cache
def _symbols(names: str) -> Symbols:
    return _read_symbols(json.loads(names))


def _write_symbols(symbols: Symbols) -> dict[str, Any]:
    return {
        "scalars": sorted(symbols.scalars),
        "families": {n: list(s) for n, s in sorted(symbols.families.items())},
        "indices": dict(sorted(symbols.indices.items())),
        "functions": sorted(symbols.functions),
    }


def _read_symbols(data: Mapping[str, Any]) -> Symbols:
    families = {n: tuple(s) for n, s in data["families"].items()}
    indices = dict(data["indices"])
    words = (
        *data["functions"],
        *data["scalars"],
        *families,
        *indices,
        *(s for shape in families.values() for s in shape),
        *indices.values(),
    )
    if not all(isinstance(w, str) and w.isascii() and w.isidentifier() for w in words):
        raise CertificateError("symbols: a name is a word of ASCII letters and digits")
    return Symbols(frozenset(data["scalars"]), families, indices, functions=frozenset(data["functions"]))


def write_point(point: balls.Point) -> dict[str, str]:
    """Sizes, indices and coordinates as text: {"K": "2", "j": "1", "z[1]": "0"}."""
    found = {name: str(n) for name, n in (*point.sizes.items(), *point.indices.items())}
    for (name, indices), value in point.values.items():
        key = name + (f"[{','.join(map(str, indices))}]" if indices else "")
        found[key] = plain(value) if isinstance(value, Term) else str(value)
    return found


def _read_point(data: Mapping[str, str], names: str) -> balls.Point:
    symbols = _symbols(names)
    sizes = {n: int(v) for n, v in data.items() if n in symbols.sizes}
    indices = {n: int(v) for n, v in data.items() if n in symbols.indices}
    values = {}
    for key, text in data.items():
        if key not in sizes and key not in indices:
            name, _, inside = key.partition("[")
            place = tuple(int(n) for n in inside.rstrip("]").split(",")) if inside else ()
            _check_place(name, place, sizes, symbols)
            value = _read_term(text, names)
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
        "about": certificate.about and certificate.about._asdict(),
        "average": certificate.average,
        "symbols": _write_symbols(certificate.symbols),
        "statement": _write_statement(certificate.statement),
        "steps": [_write_step(n, *step) for n, step in enumerate(steps, 1)],
        "verdict": _write_verdict(checked.verdict),
        "points": {name: _write_witness(point) for name, point in certificate.points.items()},
    }
    return _sealed(body)


NO_CHECKSUM = "00000000"


def _sealed(body: Mapping[str, Any]) -> str:
    """One line a field, one line a step; the checksum is that of the text with zeros in its place."""
    fields = {**body, "checksum": f"crc32:{NO_CHECKSUM}"}
    text = "{\n" + ",\n".join(f"{json.dumps(name)}: {_rows(value)}" for name, value in fields.items()) + "\n}\n"
    end = len(NO_CHECKSUM) + 4
    return text[:-end] + f"{zlib.crc32(text.encode()):08x}" + text[len(NO_CHECKSUM) - end :]


def _rows(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(json.dumps(v) for v in value) + "\n]"
    return json.dumps(value)


def _write_step(n: int, step: Step, reason: str, theorem: Theorem) -> dict[str, Any]:
    return {
        "n": n,
        "rule": step.rule,
        "from": [source + 1 for source in step.sources],
        "value": _text(step.value),
        "assuming": [_text(r) for r in step.assuming],
        "reason": reason,
        "hypotheses": _sorted(theorem.hypotheses),
        "obligations": sorted(map(_write_obligation, theorem.obligations), key=lambda o: (o["claim"], o["facts"])),
    }


def _write_obligation(found: Any) -> dict[str, Any]:
    return {"claim": _text(found.claim), "facts": _sorted(found.facts)}


def _sorted(relations: Iterable[Term]) -> list[str]:
    """What the kernel lists in the order in which FLINT happens to find factors."""
    return sorted(map(_text, relations))


def _write_verdict(found: Verdict) -> dict[str, Any]:
    return {
        "answer": found.answer,
        "kind": found.kind,
        "delta": _text(found.delta),
        "factor": _or_none(found.factor),
        "conditions": [_text(c) for c in found.conditions],
        "exclusions": _sorted(found.exclusions),
        "regions": [_write_region(r) for r in found.regions],
        "kinks": [{name: _or_none(value) for name, value in k._asdict().items()} for k in found.kinks],
        "hessian": _or_none(found.hessian),
        "hessian_exclusions": _sorted(found.hessian_exclusions),
    }


_text = kept(plain)  # many terms are written more than once


def _write_region(found: Region) -> dict[str, Any]:
    where = [_text(c) for c in found.where]
    return {"where": where, "delta": _text(found.delta), "factor": _or_none(found.factor), "kind": found.kind}


def _or_none(term: Term | None) -> str | None:
    return None if term is None else _text(term)


def _write_witness(witness: Witness) -> dict[str, Any]:
    return {"point": write_point(witness.point), "delta": witness.delta, "claim": witness.claim}


def _read_witness(data: Mapping[str, Any], names: str) -> Witness:
    return Witness(_read_point(data["point"], names), str(data["delta"]), str(data["claim"]))


def loads(text: str) -> Checked:
    """Read and re-check a certificate.

    Raises CertificateError, with what is wrong: not JSON, another schema, changed or cut content, a step that the
    kernel refuses, or a printed hypothesis, obligation, verdict or number that is not what the kernel finds.
    """
    try:
        data = _read_json(text)
        checked = check(_read_certificate(data))
        written = dumps(checked)
    except CertificateError:
        raise
    except DeriveError as problem:
        raise CertificateError(str(problem)) from problem
    except REFUSALS as problem:
        raise CertificateError(f"a field is missing or has the wrong shape ({str(problem)[:SHOWN]})") from problem
    if written != text:
        raise CertificateError(_difference(data, json.loads(written)))
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
        raise CertificateError(f"schema {_short(data.get('schema'))} is not {SCHEMA!r}, which this version reads")
    checksum = str(data.get("checksum", "")).removeprefix("crc32:")
    if not text.endswith(f'"checksum": "crc32:{checksum}"\n}}\n'):
        raise CertificateError("not in the form in which certificates are written")
    unsealed = text[: -len(checksum) - 4] + NO_CHECKSUM + text[-4:]
    if f"{zlib.crc32(unsealed.encode()):08x}" != checksum:
        raise CertificateError("the checksum does not fit: the file was changed or damaged")
    return data


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _read_certificate(data: Mapping[str, Any]) -> Certificate:
    names = json.dumps(data["symbols"])
    symbols = _symbols(names)
    reasons = tuple(step["reason"] for step in data["steps"])
    if not set(reasons) <= set(REASONS):
        raise CertificateError(f"unknown reason: {next(r for r in reasons if r not in REASONS)!r}")
    statement = _read_statement(data["statement"], names)
    if data["pair"] is not None and not _is_slug(data["pair"]):
        raise CertificateError("pair: a name is words of letters and digits joined by -")
    if data["average"] is not any(i.args[1] == "m" for i in statement.preactivation.args[1:]):
        raise CertificateError("average: the statement says otherwise")
    return Certificate(
        pair=data["pair"],
        about=_read_about(data["about"]),
        average=data["average"],
        symbols=symbols,
        statement=statement,
        steps=tuple(_read_step(step, names) for step in data["steps"]),
        reasons=reasons,
        points={name: _read_witness(point, names) for name, point in data["points"].items()},
    )


def _read_about(data: Mapping[str, str] | None) -> About | None:
    if data is None:
        return None
    about = About(**data)
    if not all(isinstance(text, str) and set(text) <= PLAIN_TEXT for text in about):
        raise CertificateError("about: plain words are expected")
    return about


def _is_slug(name: object) -> bool:
    return isinstance(name, str) and name.isascii() and name.replace("-", "").isalnum()


def _read_step(data: Mapping[str, Any], names: str) -> Step:
    assuming = tuple(_read_relation(r, names) for r in data["assuming"])
    value = _read_term(data["value"], names)
    return Step(str(data["rule"]), tuple(int(n) - 1 for n in data["from"]), value, assuming)


def _difference(printed: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Where the file and the kernel part: the field or the step, and both sides."""
    if printed.keys() != found.keys():
        return f"fields that differ: {', '.join(sorted(map(str, printed.keys() ^ found.keys())))}"
    field = next((f for f in found if printed[f] != found[f]), None)
    if field == "steps" and isinstance(printed[field], Sequence) and len(printed[field]) == len(found[field]):
        n, old, new = next(
            (n, a, b) for n, (a, b) in enumerate(zip(printed[field], found[field], strict=True), 1) if a != b
        )
        key = next((k for k in new if old.get(k) != new[k]), "fields")
        return f"step {n}, {key}: the file says {_short(old.get(key))}, the kernel finds {_short(new.get(key))}"
    if field is None:
        return "the file is not in the form in which certificates are written"
    return f"{field}: the file says {_short(printed[field])}, the kernel finds {_short(found[field])}"


def _short(value: object) -> str:
    text = ascii(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


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
