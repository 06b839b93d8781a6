"""Random cases for the kernel, each held against balls: what tools/fuzz.py searches, and test_fuzz.py repeats.

A case says False where the kernel proves what balls refute, True where both agree, None where nothing is proved there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from flint import fmpq
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from strategies import functions, points
from test_properties import (
    ASSUMPTIONS,
    NAIVE,
    VARIABLES,
    derivative_agrees,
    equality_agrees,
    is_defined,
    meet_equations,
    moved,
    normal_form_agrees,
    value,
)

from derive import balls
from derive.balls import Point
from derive.errors import KernelError
from derive.kernel import Theory
from derive.term import RELATIONS, Term, add, call, div, mul, neg, num, power, rel, replace, sub, subterms, var, where
from derive.verdict import _holds_everywhere

STORED = Path(__file__).parent / "fuzz" / "kernel"
STEP, BITS, JUMP = fmpq(1, 2**1000), 4096, fmpq(1, 1000)
CONTRARY = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}
u, v, w = (var(name) for name in "uvw")
BORDERS = (u, v, w, add(u, v), mul(u, w), power(u, 2), sub(power(v, 2), w), mul(num(2), u))


AROUND: tuple[Callable[[Term, Term], Term], ...] = (
    lambda body, other: body,
    add,
    mul,
    lambda body, other: call("exp", body),
    lambda body, other: call("abs", body),
    lambda body, other: power(body, 2),
    lambda body, other: replace(other, {v: body}),
    lambda body, other: where(rel(">", body, num(0)), body, other),
)


class Case(NamedTuple):
    """What is drawn, and what is asked of it."""

    drawn: st.SearchStrategy[tuple]  # type: ignore[type-arg]
    agrees: Callable[..., bool | None]


def normal_form(term: Term, place: Point, assumptions: tuple[Term, ...]) -> bool | None:
    return normal_form_agrees(term, meet_equations(place, assumptions), assumptions)


def derivative(term: Term, variable: Term, place: Point, assumptions: tuple[Term, ...]) -> bool | None:
    return derivative_agrees(term, variable, meet_equations(place, assumptions), assumptions)


@st.composite
def nearly_equal(draw: st.DrawFn) -> tuple[Term, Term]:
    """A term, and one in which a subterm went through a law that holds sometimes."""
    term = draw(functions(draw(st.integers(1, 3))))
    target = draw(
        st.sampled_from([t for t in subterms(term) if t.kind not in ("rel", "index", "bound") and not t.loose])
    )
    return term, replace(term, {target: NAIVE[draw(st.sampled_from(sorted(NAIVE)))](target)})


def equal(sides: tuple[Term, Term], place: Point, assumptions: tuple[Term, ...]) -> bool | None:
    return equality_agrees(*sides, meet_equations(place, assumptions), assumptions)


def signed(depth: int = 2) -> st.SearchStrategy[Term]:
    """Terms of which the kernel often knows the sign."""
    laws = st.builds(call, st.sampled_from(("exp", "abs", "sigmoid", "softplus", "cosh")), functions(1))
    plain = st.one_of(st.sampled_from((u, v, w, num(1), num(1, 2))), laws, functions(1).map(lambda t: power(t, 2)))
    if depth == 0:
        return plain
    deeper = signed(depth - 1)
    two = [st.builds(make, deeper, deeper) for make in (add, mul, mul, sub, div)]
    return st.one_of(plain, *two, deeper.map(neg), deeper.map(lambda t: call("log", add(num(1), t))))


def within(place: Point, assumptions: tuple[Term, ...]) -> Point:
    """The point, moved to where the strict inequalities among the assumptions hold, and then the equations."""
    values = dict(place.values)
    for op, left, right in (relation.args for relation in assumptions):
        for key in values:
            if op in ("<", ">", ">=") and key[0] == left.args[0]:
                away = abs(values[key]) + fmpq(1, 7)  # type: ignore[arg-type]
                values[key] = balls._run(right, place, {}, fmpq, None) + (away if op != "<" else -away)
    return meet_equations(place._replace(values=values), assumptions)


def holds(op: str, sides: tuple[Term, Term], place: Point, assumptions: tuple[Term, ...]) -> bool | None:
    """A relation that holds wherever the assumptions do holds at the point; one that can never hold does not."""
    place, relation = within(place, assumptions), rel(op, *sides)
    if not all(_holds_everywhere(a, place, {}) for a in assumptions):
        return None
    try:
        found, contrary = Theory({}, assumptions).holds(relation), CONTRARY[op]
    except KernelError as problem:
        found, contrary = "can never hold" in str(problem), op
    if not found or not all(is_defined(side, place) for side in sides):
        return None
    return not balls.certainly_holds(rel(contrary, *sides), place, {})


@st.composite
def split(draw: st.DrawFn) -> tuple[Term, Point]:
    """A term with pieces, and a point on a border between them."""
    place, inner = draw(points()), functions(draw(st.integers(0, 2)), regions=False)
    border = draw(st.sampled_from(BORDERS))
    there = num(balls._run(border, place, {}, fmpq, None))
    first = draw(inner)
    ways = (first, add(first, mul(sub(border, there), draw(inner))), draw(inner), replace(first, {border: there}))
    second = draw(st.sampled_from(ways))
    body = where(rel(draw(st.sampled_from(RELATIONS[:4])), border, there), first, second)
    return draw(st.sampled_from(AROUND))(body, draw(inner)), place


def continuous(cut: tuple[Term, Point], variable: Term) -> bool | None:
    """A term that is proved to be continuous does not jump at the point: a gap shrinks as its ends come nearer.

    That it is small is not asked: exp(exp(9)) grows by more than 2^10000 in 2^-1000.
    """
    term, place = cut
    try:
        needs = Theory({}).continuous(term)
    except KernelError:
        return None
    if not all(_holds_everywhere(need, place, {}) for need in needs):
        return None
    ends = [value(term, moved(place, variable, step), BITS) for step in (STEP, -STEP, STEP**2, -(STEP**2))]
    if any(end is None for end in ends):
        return None
    wide, narrow = (abs(a - b) for a, b in (ends[:2], ends[2:]))
    return not (wide > JUMP and 2 * narrow > wide)


SIDES = st.tuples(signed(), st.one_of(st.just(num(0)), signed(1)))
CASES = {
    "normal form": Case(st.tuples(functions(), points(), st.sampled_from(ASSUMPTIONS)), normal_form),
    "derivative": Case(
        st.tuples(functions(), st.sampled_from(VARIABLES), points(), st.sampled_from(ASSUMPTIONS)), derivative
    ),
    "equal": Case(st.tuples(nearly_equal(), points(), st.sampled_from(ASSUMPTIONS)), equal),
    "holds": Case(st.tuples(st.sampled_from(RELATIONS), SIDES, points(), st.sampled_from(ASSUMPTIONS)), holds),
    "continuous": Case(st.tuples(split(), st.sampled_from((u, v, w))), continuous),
}


def search(name: str, examples: int, number: int, seen: Callable[[bool | None], None] = lambda answer: None) -> None:
    """Try cases: those that failed before, then random ones by this seed. What fails is stored, and raised."""

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=DirectoryBasedExampleDatabase(STORED / name.replace(" ", "-")),
        suppress_health_check=list(HealthCheck),
        phases=[Phase.reuse, Phase.generate, Phase.shrink],
    )
    @given(CASES[name].drawn)
    def attempt(drawn: tuple) -> None:  # type: ignore[type-arg]
        answer = CASES[name].agrees(*drawn)
        seen(answer)
        assert answer is not False, drawn

    attempt()
