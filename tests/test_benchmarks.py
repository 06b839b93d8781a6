"""The benchmarks: the list of statements is what it says, our own column comes out, and others are asked the same."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sympy
from flint import arb, ctx

from derive.syntax import Symbols, parse

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT))

from benchmarks import common, compare, statements, systems  # noqa: E402
from benchmarks.statements import Question  # noqa: E402
from benchmarks.systems import OPEN, PROVED, REFUSED, Answer  # noqa: E402

RIGHT = {True: PROVED, False: REFUSED}
asked = cache(statements.questions)


def sample() -> list[Question]:
    return [q for q in asked() if q.kind != "trap"][::12]


def symbol(name: str) -> Any:
    return sympy.Symbol(name, real=True)


# ---- the statements ------------------------------------------------------------------------------------


def test_there_are_enough_of_both_and_none_twice() -> None:
    assert sum(q.is_true for q in asked()) >= 60 and sum(not q.is_true for q in asked()) >= 60
    assert len({(q.pair, q.claim, q.spelled) for q in asked()}) == len(asked())
    assert len({q.pair for q in asked()}) > 100
    assert sum(q.kind == "trap" for q in asked()) > 10


def test_every_statement_can_be_said_everywhere() -> None:
    assert all(statements.is_sayable(*q.sides()) for q in asked())
    names = {name for q in asked() for side in q.sides() for name in side.names}
    assert "h" not in names and {"y", "z"} <= names


@pytest.mark.parametrize("text", ["where(z > 0, z, 0)", "abs(z)", "Li2(z)", "sum(k, z)"])
def test_what_not_every_system_can_say_is_left_out(text: str) -> None:
    assert not statements.is_sayable(parse(text, Symbols(frozenset("z"), {}, {})))


def test_a_statement_is_true_or_false_in_numbers() -> None:
    """To 65 digits at a point of the domain: the true ones hold and the false ones fail, as other systems see them."""
    for question in sample():
        cost, claim = (systems.spelled(side, systems._words(sympy, symbol)) for side in question.sides())
        point = {s: sympy.Rational(2, 3) for s in cost.free_symbols | claim.free_symbols}
        point |= {symbol(name): sympy.Rational(3, 2) for name in ("p", "N")}
        point[symbol("z")] = sympy.Rational(-1 if any("z" in r.names for r in question.known()) else 1, 3)
        apart = (sympy.diff(cost, symbol("z")) - claim).subs(point).evalf(80)
        assert (abs(apart) < sympy.Rational(1, 10**65)) == question.is_true, question


def test_the_traps_are_what_they_are_called_elsewhere() -> None:
    """acosh and sin(acos) are the logarithm and the root that derive is asked about, and not 0."""
    words = systems._words(arb, arb) | {
        "num": arb,
        "add": lambda *terms: sum(terms, arb(0)),
        "mul": lambda a, *rest: a * words["mul"](*rest) if rest else a,
        "call": lambda name, *args: getattr(args[0], name)() if args else arb.pi(),
    }
    with ctx.workprec(1000):
        for question in statements.traps():
            ours, theirs = (systems.spelled(term, words) for term in question.spelled[0])
            assert ours.overlaps(theirs) and not ours.contains(0) and ours.rel_accuracy_bits() > 500
            assert question.sides()[1] != question._replace(spelled=()).sides()[1]


# ---- our column ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("system", ["derive, kernel", "derive check"])
def test_derive_proves_the_true_and_refuses_the_false(system: str) -> None:
    some = sample() + [q for q in asked() if q.kind == "trap"]
    found = list(systems.answers(system, some))
    assert [answer and answer.said for answer in found] == [RIGHT[q.is_true] for q in some]
    assert all(answer and answer.seconds > 0 for answer in found)


def test_naive_sympy_falls_into_a_trap() -> None:
    found = systems.answers("SymPy, simplify", statements.traps())
    assert PROVED in [answer and answer.said for answer in found]


@pytest.mark.parametrize("system", [s for s in systems.SYSTEMS if "derive" not in s])
def test_other_systems_are_asked_the_same(system: str) -> None:
    if not systems.is_installed(system):
        pytest.skip(f"{system} is not installed")
    right = Question("mse-identity", "dJ/dz = h - y", True, "")
    good, bad = systems.answers(system, [right, right._replace(claim="dJ/dz = 2*(h - y)", is_true=False)])
    assert good is not None and good.said == PROVED and good.seconds > 0
    assert bad is not None and bad.said in (OPEN, REFUSED)


# ---- counting, and what the parts share ------------------------------------------------------------------


def test_answers_are_counted_by_what_is_true() -> None:
    some = [q for q in asked() if q.is_true][:2] + [q for q in asked() if not q.is_true][:2]
    given = [Answer(said, 0.001) for said in (PROVED, REFUSED, PROVED, OPEN)]
    run = {compare.OURS: given}
    assert compare.said(some, run).splitlines()[-1] == f"| {compare.OURS} | 1 | 0 | 50% | 0 | 1 | 2 |"
    assert compare.mistakes(some, run).count(compare.OURS) == 2
    assert "No system" in compare.mistakes([some[0], some[3]], {compare.OURS: [given[0], given[3]]})


def test_what_takes_too_long_or_fails_is_no_answer() -> None:
    assert common.in_a_fork(lambda: 7, 10) == 7
    assert common.in_a_fork(partial(sum, count()), 1) is None
    assert common.in_a_fork(lambda: 1 / 0, 10) is None


def test_a_report_goes_between_its_marker_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- benchmarks/run check: -->\nold\n<!-- end of check -->\nb\n", encoding="utf-8")
    monkeypatch.setattr(common, "PAGE", page)
    common.write("check", common.Report("new"))
    assert page.read_text() == "a\n<!-- benchmarks/run check: -->\n\nnew\n<!-- end of check -->\nb\n"
    with pytest.raises(ValueError, match="atlas"):
        common.write("atlas", common.Report("new"))


def test_every_part_can_be_run_and_has_its_place_on_the_page() -> None:
    run = (ROOT / "benchmarks" / "run").read_text(encoding="utf-8")
    found = re.search(r"(?m)^PARTS = \((.*)\)$", run)
    page = common.PAGE.read_text(encoding="utf-8")
    parts = re.findall(r'"(\w+)"', found[1]) if found else []
    assert len(parts) == 6
    for part in parts:
        assert callable(importlib.import_module(f"benchmarks.{part}").report)
        assert f"<!-- benchmarks/run {part}: " in page and f"<!-- end of {part} -->" in page


def test_an_unknown_part_is_refused() -> None:
    command = [sys.executable, ROOT / "benchmarks" / "run", "nothing"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 2 and "choose from commands, compare" in run.stderr
