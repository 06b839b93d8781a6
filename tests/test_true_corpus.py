"""What public references state about gradients and Hessians, as ``derive check`` judges it: corpus/true.jsonl.

A line of the corpus has the ``source``; ``pair``, or ``loss`` and ``activation`` with params and assume; ``claim``, the
formula of the source in h, y and z; ``note``, what it is there, such as a derivative of minus the loss. Where the
answer is not "right", ``answer`` says what it is, and ``why``. ``python tests/test_true_corpus.py`` prints the score.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from derive.checking import check

CORPUS = Path(__file__).parent / "corpus" / "true.jsonl"
ASKED = {"pair", "loss", "activation", "params", "assume", "layer", "average", "l2"}
SAID = {"source", "claim", "note", "answer", "why"}
ROWS = [json.loads(line) for line in CORPUS.read_text(encoding="ascii").splitlines()]
FEWEST, MOST_OPEN = 150, 0.05  # statements, and the share of them that may be undecided


def judged(row: dict[str, Any]) -> str:
    answer: str = check(row["claim"], **{name: row[name] for name in ASKED & row.keys()}).answer
    return answer


def expected(row: dict[str, Any]) -> str:
    answer: str = row.get("answer", "right")
    return answer


@pytest.mark.parametrize("row", ROWS, ids=[f"line {n}" for n in range(1, len(ROWS) + 1)])
def test_a_stated_formula_is_judged_as_the_corpus_says(row: dict[str, Any]) -> None:
    assert judged(row) == expected(row), f"{row['source']}: {row['claim']}"


def test_every_line_has_its_fields() -> None:
    for row in ROWS:
        assert row.keys() <= ASKED | SAID and row["source"] and row["claim"]
        assert ("pair" in row) != ("loss" in row and "activation" in row)


def test_no_statement_is_there_twice() -> None:
    assert max(Counter(json.dumps(row, sort_keys=True) for row in ROWS).values()) == 1


def test_every_disagreement_is_explained() -> None:
    for row in ROWS:
        assert ("why" in row) == ("answer" in row)
        assert row.get("answer") in (None, "wrong", "undecided")


def test_there_are_enough_and_few_are_left_open() -> None:
    found = Counter(map(expected, ROWS))
    assert len(ROWS) >= FEWEST
    assert found["undecided"] <= MOST_OPEN * len(ROWS)


if __name__ == "__main__":
    score = Counter(map(judged, ROWS))
    for answer in ("right", "undecided", "wrong"):
        print(f"{answer:<10} {score[answer]:>4}  {score[answer] / len(ROWS):.1%}")
    for row in ROWS:
        if "why" in row:
            print(f"\n{row['answer']}: {row['source']}: {row['claim']}\n    {row['why']}")
