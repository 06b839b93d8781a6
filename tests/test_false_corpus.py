"""Statements known to be false, corpus/false.jsonl: none is called right.

``python tests/test_false_corpus.py`` scores provers on all of them; the suite takes the traps, and one in three of the
rest. A line has the ``mutation`` that made it; ``given``, a pair or a loss and an activation; the ``claim``; a
``witness``, where its sides are ``right`` and ``claimed``, found by tools/make_corpus.py without the kernel.
"""

from __future__ import annotations

import importlib
import json
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import pytest
import sympy

from derive.bridge import to_sympy
from derive.certificate import load
from derive.checking import check
from derive.errors import DeriveError
from derive.syntax import parse

ROOT = Path(__file__).parent.parent
CORPUS = ROOT / "tests" / "corpus" / "false.jsonl"
ROWS = [json.loads(line) for line in CORPUS.read_text().splitlines()]
BY_MUTATION: dict[str, list[dict[str, Any]]] = defaultdict(list)
for row in ROWS:
    BY_MUTATION[row["mutation"]].append(row)
SECONDS = 5  # that simplify has for a statement
WITNESSED, REFUSED, UNDECIDED, ACCEPTED = "refused with a witness", "refused", "undecided", "accepted"


def ours(row: dict[str, Any]) -> str:
    try:
        found = check(row["claim"], **row["given"])
    except DeriveError:
        return UNDECIDED
    return {"right": ACCEPTED, "undecided": UNDECIDED, "wrong": WITNESSED if found.wrong else REFUSED}[found.answer]


def simplified(row: dict[str, Any]) -> str:
    """What everybody would write: is simplify(derivative - claim) 0? One output only, and no more than SECONDS."""
    if "[" in row["claim"] or "pair" not in row["given"]:
        return UNDECIDED
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(SECONDS)
    try:
        return ACCEPTED if sympy.simplify(_difference(row)) == 0 else REFUSED
    except Exception:  # SymPy raises what it likes
        return UNDECIDED
    finally:
        signal.alarm(0)


def _give_up(*_: object) -> None:
    raise TimeoutError


def _difference(row: dict[str, Any]) -> Any:
    certificate = load(row["given"]["pair"]).certificate
    statement, (left, _, claim) = certificate.statement, row["claim"].partition(" = ")
    cost, activation = to_sympy(statement.cost), to_sympy(statement.activation)
    h, z = (to_sympy(term) for term in (statement.output, statement.preactivation))
    right = {
        "dJ/dz": lambda: cost.subs(h, activation).diff(z),
        "dJ/dh": lambda: cost.diff(h).subs(h, activation),
        "dh/dz": lambda: activation.diff(z),
        "d2J/dz2": lambda: cost.subs(h, activation).diff(z, 2),
    }[left]()
    return right - to_sympy(parse(claim, certificate.symbols)).subs(h, activation)


PROVERS: dict[str, Callable[[dict[str, Any]], str]] = {
    "derive check": ours,
    "always yes": lambda row: ACCEPTED,
    "always undecided": lambda row: UNDECIDED,
    "SymPy, diff and simplify": simplified,
}


def score(prover: Callable[[dict[str, Any]], str], rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(map(prover, rows))


def test_the_corpus_is_large_and_mixed() -> None:
    assert len(ROWS) >= 500
    assert len({json.dumps(row["given"]) for row in ROWS}) > 700
    assert len({(json.dumps(row["given"]), row["claim"]) for row in ROWS}) == len(ROWS)
    assert len(BY_MUTATION) > 12 and all(len(rows) > 3 for rows in BY_MUTATION.values())


@pytest.mark.parametrize("mutation", BY_MUTATION)
def test_nothing_false_is_accepted(mutation: str) -> None:
    chosen = BY_MUTATION[mutation][:: 1 if mutation == "trap" else 3]
    found = {row["claim"]: ours(row) for row in chosen}
    assert [claim for claim, said in found.items() if said in (ACCEPTED, REFUSED)] == []
    assert sum(said == UNDECIDED for said in found.values()) <= 1


def test_the_witnesses_show_that_they_are_false(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "tools")
    make_corpus = importlib.import_module("make_corpus")
    assert [row["claim"] for row in ROWS if not make_corpus.is_shown(row)] == []


def test_the_score_tells_a_prover_that_always_says_yes() -> None:
    assert score(PROVERS["always yes"], ROWS) == {ACCEPTED: len(ROWS)}
    assert score(PROVERS["always undecided"], ROWS) == {UNDECIDED: len(ROWS)}


def test_two_values_of_a_target_are_not_all_labellings() -> None:
    """These hold where all y[k] are the same: once, they were called right."""
    once = (
        ("hinge-normalize", "factor 2"),
        ("hinge-softmax", "a region for all"),
        ("logistic-softmaxT", "a region for all"),
    )
    rows = [row for row in ROWS if (row["given"].get("pair"), row["mutation"]) in once]
    assert len(rows) == len(once)
    assert ACCEPTED not in map(ours, rows)


def _said(case: tuple[str, dict[str, Any]]) -> str:
    return PROVERS[case[0]](case[1])


def main() -> None:
    """The score of each prover, as a table."""
    columns = (WITNESSED, REFUSED, UNDECIDED, ACCEPTED)
    print(f"| of {len(ROWS)} false statements | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    with Pool() as pool:
        for name in PROVERS:
            found = Counter(pool.map(_said, [(name, row) for row in ROWS], chunksize=8))
            print(f"| {name} | {' | '.join(str(found[column]) for column in columns)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
