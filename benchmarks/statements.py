"""The statements that every system is asked: is dJ/dz = claim, for smooth scalar pairs? Imports derive and the corpora.

True ones are formulas of public sources (tests/corpus/true.jsonl) and, for other pairs of the catalogue, the proved
dJ/dz; false ones are those of tests/corpus/false.jsonl, which has a point for each at which it fails. Pieces, bars and
sums are left out, since not every system can say them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from derive import certificate
from derive.derivation import COST, Statement
from derive.laws import LAWS
from derive.model import of_statement
from derive.syntax import parse_claim, plain
from derive.term import ONE, Term, add, call, div, mul, num, power, rebuild, replace, sub, subterms, var

CORPUS = Path(__file__).resolve().parents[1] / "tests" / "corpus"
TRUE, MOST = 3, 14  # one in so many pairs of the catalogue; false statements of one mutation, but all of the traps
SAYABLE = {"num", "var", "add", "mul", "pow", "call"}
WRITTEN_OUT = ("sigmoid", "softplus", "phi", "Phi")  # by laws.py: not every system has a name for them
ABOUT = "dJ/dz = "


class Question(NamedTuple):
    """``claim``: as it is written for derive; ``kind``: the source or the mutation; ``spelled``: see ``traps``."""

    pair: str
    claim: str
    is_true: bool
    kind: str
    spelled: tuple[tuple[Term, Term], ...] = ()

    @property
    def statement(self) -> Statement:
        return _statement(self.pair)

    def sides(self) -> tuple[Term, Term]:
        """J and the claim as terms in z, y and parameters alone, for systems that have no h."""
        model = of_statement(self.statement)
        _, claim = parse_claim(self.claim, model.symbols).sides
        assert claim is not None
        in_z = {var("h"): self.statement.activation}
        return _simple(replace(self.statement.cost, in_z)), _simple(replace(replace(claim, dict(self.spelled)), in_z))

    def known(self) -> tuple[Term, ...]:
        """What may be assumed of the variables."""
        return tuple(r for r in (*self.statement.given, *self.statement.activation_domain) if COST not in r.names)


@cache
def _statement(pair: str) -> Statement:
    return certificate.load(pair).certificate.statement


def _simple(term: Term) -> Term:
    term = rebuild(term, _simple)
    rule = LAWS[term.args[0]].rewrite if term.kind == "call" and term.args[0] in WRITTEN_OUT else None
    return _simple(rule(term.args[1])) if rule else term


def is_sayable(*terms: Term) -> bool:
    parts = [part for term in terms for part in subterms(term)]
    return all(part.kind in SAYABLE and part.args[0] not in ("abs", "Li2") for part in parts)


@cache
def pairs() -> dict[str, str]:
    """The pairs that can be asked about, with the proved dJ/dz."""
    found = {}
    for pair in certificate.shipped():
        text = (certificate.folder() / certificate.file_name(pair, False)).read_text(encoding="ascii")
        if "[k]" in text or "where(" in text:
            continue  # sums and pieces, without loading all of them
        checked = certificate.load(pair)
        statement, delta = checked.certificate.statement, checked.verdict.delta
        if delta is not None and is_sayable(statement.cost, statement.activation, delta):
            found[pair] = plain(delta)
    return found


def rows(name: str) -> Iterator[dict[str, Any]]:
    """The rows of a corpus about dJ/dz of such a pair."""
    for line in (CORPUS / f"{name}.jsonl").read_text(encoding="ascii").splitlines():
        row = json.loads(line)
        named = {**row, **row.get("given", {})}
        about_the_output = named["claim"].startswith(ABOUT) and "answer" not in row and "layer" not in row
        if named.get("pair") in pairs() and about_the_output:
            yield named


def true() -> list[Question]:
    stated = {(row["pair"], row["claim"]): row["source"] for row in rows("true")}
    found = [Question(pair, claim, True, source) for (pair, claim), source in stated.items()]
    rest = [pair for pair in pairs() if pair not in {q.pair for q in found}]
    return found + [Question(pair, ABOUT + pairs()[pair], True, "catalogue") for pair in rest[::TRUE]]


def false() -> list[Question]:
    by_kind = defaultdict(list)
    for row in rows("false"):
        by_kind[row["mutation"]].append(Question(row["pair"], row["claim"], False, row["mutation"]))
    found = list(traps())
    for kind, questions in by_kind.items():
        every = 1 if kind == "trap" else -(-len(questions) // MOST)
        found += questions[::every]
    return found


def traps() -> Iterator[Question]:
    """Constants that are nearly 0, times z, added to h - y; with names of functions that the language has no word for.

    acosh(c) = log(c + sqrt(c^2 - 1)) for c > 1; sin(acos(c)) = sqrt(1 - c^2), c the cosine of a small angle.
    With mse-identity they are all that is left to simplify.
    """
    nearly_one = add(ONE, num(1, 10**40))
    cosine = call("cos", mul(power(call("pi"), num(2)), num(1, 2160)))
    below = mul(num(14), call("sqrt", sub(num(50), mul(num(14), cosine))))
    thin = div(sub(num(98), mul(num(14), cosine)), below)
    for ours, theirs in (
        (call("log", add(nearly_one, call("sqrt", sub(power(nearly_one, 2), ONE)))), call("acosh", nearly_one)),
        (call("sqrt", sub(ONE, power(thin, 2))), call("sin", call("acos", thin))),
    ):
        for pair in ("bce-sigmoid", "mse-identity"):
            yield Question(pair, f"{ABOUT}h - y + {plain(ours)}*z", False, "trap", ((ours, theirs),))


def questions() -> list[Question]:
    return true() + false()
