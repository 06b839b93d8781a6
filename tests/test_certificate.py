"""Certificates: every shipped one reads back to its own bytes, and whatever else is put in a file is refused."""

from __future__ import annotations

import inspect
import json
import shutil
import sys
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from bad.make import CASES, HERE, Case, content, good
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import CORE, RARE, SPREAD

from derive import certificate
from derive.balls import Point
from derive.certificate import (
    MAX_BYTES,
    SCHEMA,
    Checked,
    _sealed,
    check,
    dumps,
    file_name,
    folder,
    load,
    loads,
    measure,
    shipped,
)
from derive.derivation import COST, Statement, replay
from derive.errors import CertificateError, DeriveError, KernelError
from derive.syntax import parse, parse_relation, plain
from derive.term import ZERO, rel, var

FILES = sorted(folder().glob("*.json"))
per_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
# One of each kind and shape: a yes, a yes under a condition, a multiple, a residual, another; scalar, vector, averaged;
# with regions and kinks, with regions joined, with parameters, with labels.
SAMPLE = (
    *("bce-sigmoid", "cce-softmax", "sse-identity", "mse-exp", "cce-softplus", "mse-exp.average"),
    *("mse-relu", "smoothl1-tanh", "hinge-identity"),
)
Path_ = tuple[str | int, ...]


def read(name: str) -> str:
    return good(name)


@cache
def checked(path: Path) -> Checked:
    return loads(path.read_text(encoding="ascii"))


def refusal(text: str) -> str:
    with pytest.raises(CertificateError) as caught:
        loads(text)
    return str(caught.value)


# ---- what is shipped


def test_a_file_is_shipped_for_each_pair() -> None:
    """Averaged ones are derived; that no pair is missing is tested where the catalogue is."""
    pairs = list(shipped())
    assert pairs == sorted(set(pairs))
    assert {path.name for path in FILES} == {file_name(pair, average=False) for pair in pairs}
    assert {*CORE, *RARE} <= {*pairs}


@per_file
def test_reading_and_writing_gives_the_same_bytes(path: Path) -> None:
    assert dumps(checked(path)) == path.read_bytes().decode("ascii")


@per_file
def test_a_file_is_named_by_what_it_says(path: Path) -> None:
    found = checked(path).certificate
    assert found.pair is not None
    assert file_name(found.pair, found.average) == path.name


@pytest.mark.parametrize("name", [*SAMPLE, *SPREAD])
def test_what_is_printed_is_what_the_kernel_finds(name: str) -> None:
    """Hypotheses, obligations and verdict of the file against theorems made anew from its steps."""
    data, found = json.loads(read(name)), loads(read(name))
    symbols = found.certificate.symbols
    theorems = replay(found.certificate.statement, found.certificate.steps)
    assert len(theorems) == len(data["steps"]) == len(found.theorems)
    for printed, theorem in zip(data["steps"], theorems, strict=True):
        assert {parse_relation(r, symbols) for r in printed["hypotheses"]} == {*theorem.hypotheses}
        proved = [(plain(o.claim), sorted(map(plain, o.facts))) for o in theorem.obligations]
        assert [(o["claim"], o["facts"]) for o in printed["obligations"]] == sorted(proved)
    assert parse(data["verdict"]["delta"], symbols) == found.verdict.delta
    for field in ("conditions", "exclusions", "hessian_exclusions"):
        assert sorted(data["verdict"][field]) == sorted(plain(c) for c in getattr(found.verdict, field))
    assert [kink["at"] for kink in data["verdict"]["kinks"]] == [plain(kink.at) for kink in found.verdict.kinks]


@per_file
def test_no_hypothesis_is_left_that_is_not_said(path: Path) -> None:
    """Of dJ/dz: the domain, the conditions and the exclusions; in a region also the region."""
    found = checked(path)
    statement, verdict = found.certificate.statement, found.verdict
    declared = {*statement.inner_assumptions, *verdict.conditions}
    every = [statement.loss_domain, verdict.exclusions, verdict.hessian_exclusions, statement.cases]
    said = declared.union(*every, *(s.assuming for s in found.certificate.steps))
    whole = [
        t
        for s, t in zip(found.certificate.steps, found.theorems, strict=True)
        if t.conclusion[:2] == (COST, statement.preactivation) and not s.assuming
    ]
    divided = {rel("!=", statement.residual, ZERO)} if verdict.kind == "residual" else set()  # where g is continued
    for theorem in whole:
        own = verdict.exclusions if theorem.conclusion[-1] == 1 else verdict.hessian_exclusions
        assert set(theorem.hypotheses) <= {*declared, *own, *divided}
    inner = [t for t in found.theorems if t.definitions == statement.definitions]
    assert all(h in said or h.args[0] == "!=" for t in inner for h in t.hypotheses)
    equations = {h for theorem in found.theorems for h in theorem.hypotheses if h.args[0] == "="}
    assert equations <= {*verdict.conditions, *statement.cases}


@per_file
def test_the_numbers_of_a_witness_are_measured_again(path: Path) -> None:
    found = checked(path).certificate
    for name, witness in found.points.items():
        assert measure(found.statement, name, witness.point) == witness


def test_measure_gives_exact_rationals_and_15_digits() -> None:
    statement = loads(read("mse-sigmoid")).certificate.statement
    half = Point({("z", ()): _number("0"), ("y", ()): _number("1/4")}, {}, {})
    assert measure(statement, "witness", half)[1:] == ("1/16", "1/4")
    one = Point({("z", ()): _number("1"), ("y", ()): _number("0")}, {}, {})
    assert measure(statement, "border", one)[1:] == ("0.143734840457215", "0")  # h^2 (1 - h) at h = 1/(1 + 1/e)


def _number(text: str) -> Any:
    return parse(text, certificate.Symbols(frozenset(), {}, {})).args[0]


def test_check_refuses_with_a_kernel_error() -> None:
    found = loads(read("mse-sigmoid")).certificate
    assert check(found).verdict.kind == "residual"
    with pytest.raises(KernelError, match="a point is missing"):
        check(found._replace(points={}))
    *others, simplified, second = found.steps
    for steps, why in (
        ((*others, simplified._replace(value=var("y")), second), r"step 7 \(rewrite\)"),
        ((*others, simplified, second._replace(value=var("y"))), r"step 8 \(second\)"),
    ):
        with pytest.raises(KernelError, match=why):
            check(found._replace(steps=steps))


# ---- where they live


def test_load_gives_the_pair_that_was_asked_for() -> None:
    found = load("bce-sigmoid").certificate
    assert (found.pair, found.average) == ("bce-sigmoid", False)


def test_load_of_an_averaged_certificate(elsewhere: Path) -> None:
    (elsewhere / "mse-exp.average.json").write_text(read("mse-exp.average"), encoding="ascii")
    found = load("mse-exp", average=True).certificate
    assert (found.pair, found.average) == ("mse-exp", True)
    with pytest.raises(CertificateError, match="no certificate"):
        load("mse-exp")


@pytest.mark.parametrize("pair", ["nothing-here", "", "bce-sigmoid.average", "../latex/bce-sigmoid", "x" * 5000])
def test_load_of_what_is_not_shipped(pair: str) -> None:
    with pytest.raises(CertificateError):
        load(pair)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(certificate, "folder", lambda: tmp_path)
    return tmp_path


def test_load_refuses_the_certificate_of_another_pair(elsewhere: Path) -> None:
    shutil.copy(FILES[0].parent / "mse-sigmoid.json", elsewhere / "bce-sigmoid.json")
    assert list(shipped()) == ["bce-sigmoid"]
    with pytest.raises(CertificateError, match="of another pair"):
        load("bce-sigmoid")


def test_load_refuses_a_certificate_of_the_other_cost(elsewhere: Path) -> None:
    shutil.copy(FILES[0].parent / "mse-sigmoid.json", elsewhere / "mse-sigmoid.average.json")
    assert list(shipped()) == []
    with pytest.raises(CertificateError, match="of another pair"):
        load("mse-sigmoid", average=True)


def test_load_refuses_a_damaged_file(elsewhere: Path) -> None:
    text = read("mse-sigmoid")
    for damaged in (text[:300], text.replace("sigmoid", "sigm\u00f6id"), ""):
        (elsewhere / "mse-sigmoid.json").write_text(damaged, encoding="utf-8")
        with pytest.raises(CertificateError):
            load("mse-sigmoid")


# ---- what must be refused


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_certificate_is_refused_for_its_reason(case: Case) -> None:
    text = case.path.read_bytes().decode("utf-8")
    with pytest.raises(CertificateError, match=case.reason):
        loads(text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_certificate_has_what_it_is_made_to_have(case: Case) -> None:
    """The stored file is what tests/bad/make.py makes; its checksum fits, unless the file itself is damaged."""
    assert case.path.read_bytes().decode("utf-8") == case.text, "run python tests/bad/make.py"
    if case.damage is None:
        body = json.loads(case.text)
        del body["checksum"]
        assert _sealed(body) == case.text


def test_every_bad_certificate_is_tested_once() -> None:
    assert sorted(path.name for path in HERE.glob("*.json")) == sorted(f"{case.name}.json" for case in CASES)
    assert len({case.text for case in CASES}) == len(CASES)


@pytest.mark.parametrize("base", sorted({case.base for case in CASES}))
def test_what_the_bad_ones_are_made_from_is_good(base: str) -> None:
    """Otherwise they would be refused for nothing."""
    assert dumps(loads(_sealed(content(base)))) == read(base)


def test_a_file_longer_than_the_limit_is_refused_before_it_is_read() -> None:
    assert refusal(read("mse-sigmoid") + " " * MAX_BYTES) == f"longer than {MAX_BYTES} bytes"


@pytest.mark.parametrize(
    "text", ["", " ", "null", "0", '"text"', "[]", "{}", "\0", "\ufeff{}", '{"schema": "\ud800"}', "{" * 9]
)
def test_what_is_no_certificate_at_all_is_refused(text: str) -> None:
    refusal(text)


def test_a_schema_of_any_type_is_refused() -> None:
    for schema in (None, 1, [], {}, SCHEMA + "1", SCHEMA.upper(), [SCHEMA]):
        assert "schema" in refusal(_sealed(content("mse-sigmoid") | {"schema": schema}))


@pytest.fixture
def room() -> Iterator[int]:
    """How many calls deep the stack may still become: few, so that the edge is quickly reached."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 250)
    yield 250
    sys.setrecursionlimit(limit)


@pytest.mark.parametrize("field", ["schema", "pair", "extra"])
@pytest.mark.parametrize("brackets", ["[]", '{"a":}'], ids=["lists", "objects"])
def test_nesting_at_the_edge_of_the_stack_is_refused(field: str, brackets: str, room: int) -> None:
    """Deep enough to be read, and too deep to be written or shown: still no RecursionError."""
    opening, closing = brackets[:-1], brackets[-1]
    text = read("mse-sigmoid").replace('"schema"', f'"{field}": @, "old"' if field != "pair" else '"schema"')
    text = text.replace('"mse-sigmoid"', "@") if field == "pair" else text
    for depth in range(10, room + 10):
        refusal(text.replace("@", opening * depth + "1" + closing * depth))


# ---- every single field of a certificate matters


def places(data: Any, at: Path_ = ()) -> Iterator[Path_]:
    """The way to every value, outermost first."""
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in children:
        yield (*at, key)
        yield from places(value, (*at, key))


def parent(data: Any, at: Path_) -> Any:
    for key in at[:-1]:
        data = data[key]
    return data


def other(value: Any) -> Any:
    """A value of the same type that says something else; terms are negated."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return f"-({value})"
    return [*value, *value[-1:]] if value else [0]


@pytest.mark.parametrize("name", SAMPLE)
def test_no_value_can_be_changed(name: str) -> None:
    """Except for the words about loss and activation, which have no say in the proof."""
    body = content(name)
    for at in places(body):
        changed = deepcopy(body)
        holder = parent(changed, at)
        if not isinstance(holder[at[-1]], dict):
            holder[at[-1]] = other(holder[at[-1]])
            if not (is_said_twice(at) or at[0] == "about"):
                refusal(_sealed(changed))


def is_said_twice(at: Path_) -> bool:
    """Relations that are declared or assumed twice, which makes no difference."""
    return at[-1] == "assuming" or (at[0] == "statement" and at[1:] in {(name,) for name in Statement._fields[5:]})


@pytest.mark.parametrize("name", SAMPLE)
def test_no_value_can_be_removed(name: str) -> None:
    body = content(name)
    for at in places(body):
        changed = deepcopy(body)
        del parent(changed, at)[at[-1]]
        if not is_said_less(at, body):
            refusal(_sealed(changed))


def is_said_less(at: Path_, body: dict[str, Any]) -> bool:
    """What makes another true statement: a target that no step uses, or a name (J) that no term uses.

    A step that goes on from a region has its hypotheses, whether it says so or not; so has one that puts two regions
    together within a third, and only the last relation is the one that tells the two apart.
    """
    goes_on = False
    if at[0] == "steps" and at[2:3] == ("assuming",) and len(at) == 4:
        step = body["steps"][at[1]]
        is_within = step["rule"] in ("cases", "join") and at[3] < len(step["assuming"]) - 1
        goes_on = step["rule"] in ("chain", "second") or is_within
    return goes_on or at[:-1] == ("statement", "targets") or at == ("symbols", "scalars", 0)


@pytest.mark.parametrize("name", SAMPLE)
def test_no_step_can_be_removed_even_if_the_rest_is_renumbered(name: str) -> None:
    """Except for the two definitions, which the statement says as well and no step rests on."""
    body = content(name)
    for n in range(3, len(body["steps"]) + 1):
        changed = deepcopy(body)
        del changed["steps"][n - 1]
        for step in changed["steps"]:
            step["n"] -= step["n"] > n
            step["from"] = [k - (k > n) for k in step["from"]]
        refusal(_sealed(changed))


@pytest.mark.parametrize("name", SAMPLE)
def test_no_line_can_be_moved_doubled_or_left_out(name: str) -> None:
    lines = read(name).splitlines(keepends=True)
    for n in range(0, len(lines), 3):
        refusal("".join(lines[:n] + lines[n + 1 :]))
        refusal("".join(lines[: n + 1] + lines[n:]))


# ---- nothing but CertificateError, whatever the text


def judged(text: str) -> None:
    """Refused, or a certificate whose text is the one that would be written; no other exception."""
    try:
        found = loads(text)
    except CertificateError as problem:
        assert str(problem)
    else:
        assert dumps(found) == text


names = st.sampled_from(SAMPLE)
scraps = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(
        ("", "h", "y[k]", "z[j]", "J", "K", "m", "0", "1/0", "h = y", "K > 1", "sum(k, y[k]) = 1", "chain")
    ),
    st.text(max_size=8),
    st.just([]),
    st.just({}),
    st.just([None]),
    st.just({"z": []}),
)


@st.composite
def edited(draw: st.DrawFn) -> str:
    """A certificate with a few of its values removed, doubled, exchanged or replaced, and a fitting checksum."""
    body = content(draw(names))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.sampled_from(list(places(body))))
        holder, key = parent(body, at), at[-1]
        action = draw(st.sampled_from(("remove", "double", "exchange", "replace")))
        if action == "remove":
            del holder[key]
        elif action == "double" and isinstance(holder, list):
            holder.insert(int(key), deepcopy(holder[int(key)]))
        elif action == "exchange":
            source = draw(st.sampled_from(list(places(body))))
            holder[key] = deepcopy(parent(body, source)[source[-1]])
        else:
            holder[key] = draw(scraps)
        if not list(places(body)):
            break
    return _sealed(body)


@given(edited())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_edited_certificates(text: str) -> None:
    judged(text)


@given(names, st.data())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_damaged_bytes(name: str, data: st.DataObject) -> None:
    raw = bytearray(read(name).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    if bytes(raw).decode("latin-1") != read(name):
        refusal(bytes(raw).decode("latin-1"))


@given(names, st.data())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_cut_and_joined_text(name: str, data: st.DataObject) -> None:
    text = read(name)
    start, stop = (data.draw(st.integers(0, len(text))) for _ in range(2))
    if (cut := text[:start] + text[stop:]) != text:
        refusal(cut)


@given(st.one_of(st.text(max_size=200), st.recursive(scraps, st.lists, max_leaves=8).map(json.dumps)))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_text(text: str) -> None:
    refusal(text)


@given(
    st.dictionaries(
        st.sampled_from(("pair", "average", "symbols", "statement", "steps", "verdict", "points")),
        st.recursive(scraps, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner), max_leaves=6),
    )
)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_content_under_a_fitting_checksum(body: dict[str, Any]) -> None:
    refusal(_sealed({"schema": SCHEMA, **body}))


def test_a_text_is_read_under_its_own_symbols() -> None:
    families = {"scalars": [], "families": {"z": ["K"]}, "indices": {"k": "K"}, "functions": []}
    scalars = {"scalars": ["z"], "families": {}, "indices": {}, "functions": []}
    names = json.dumps(families), json.dumps(scalars)
    for _ in range(2):  # the second time from memory
        assert [certificate._read_term(t, n).kind for t, n in zip(("z[k]", "z"), names, strict=True)] == ["item", "var"]
        for text, other in zip(("z", "z[k]"), names, strict=True):
            with pytest.raises(DeriveError):
                certificate._read_term(text, other)
