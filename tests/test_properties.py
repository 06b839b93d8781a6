"""Properties: derivatives and normal forms against balls and differences, metamorphic relations of all pairs, mutants.

What the kernel proves is compared here with two things that share none of its rules: dual numbers, and central
differences of values in 600 bits. The checkers are tested themselves: each catches a law that is planted wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import flint
import pytest
from flint import arb, fmpq
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from samples import CORE, SPREAD, stored
from strategies import FREE, functions, points

from derive import balls, laws
from derive.balls import Point, Slope
from derive.calculus import Calculus
from derive.certificate import Checked
from derive.derivation import COST, Statement
from derive.errors import KernelError
from derive.kernel import Theorem, Theory
from derive.term import (
    MINUS_ONE,
    ONE,
    ZERO,
    Term,
    add,
    call,
    div,
    index,
    item,
    mul,
    neg,
    num,
    power,
    rebuild,
    rel,
    replace,
    size,
    sub,
    subterms,
    sum_over,
    var,
    where,
)
from derive.verdict import _holds_everywhere

calm = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), max_examples=100)
few = settings(calm, max_examples=40)
u, v, w, z, y, h = (var(name) for name in "uvwzyh")
k, j, i = FREE
l = index("l")  # noqa: E741
TWO, HALF = num(2), num(1, 2)
VARIABLES = (u, w, item("z", j), item("y", k))
PRECISIONS = (64, 256, 1024)


# ---- the checkers --------------------------------------------------------------------------------------


def inside(theorem: Theorem, point: Point) -> bool:
    return all(_holds_everywhere(r, point, theorem.definitions) for r in theorem.hypotheses)


def value(request: Term | Slope, point: Point, bits: int) -> arb | None:
    try:
        found = balls.enclosure(request, point, {}, bits)
    except KernelError:
        return None
    return found if found.is_finite() else None


def differ(left: Term | Slope, right: Term | Slope, point: Point) -> bool:
    """The two are certainly different at the point."""
    for bits in PRECISIONS:
        a, b = value(left, point, bits), value(right, point, bits)
        if a is not None and b is not None and not a.overlaps(b):
            return True
    return False


def is_defined(request: Term | Slope, point: Point) -> bool:
    return any(value(request, point, bits) is not None for bits in PRECISIONS)


def normal_term(term: Term, assumptions: tuple[Term, ...]) -> Term:
    """The normal form, as a term."""
    algebra = Calculus({}, assumptions)

    def work() -> Term:
        algebra.use_equations(term.indices)
        return algebra.to_term(algebra.canonical(algebra.normal(term)))

    return algebra.attempt(work)  # type: ignore[no-any-return]


def raw_derivative(term: Term, variable: Term) -> Term:
    algebra = Calculus({}, ())
    return algebra.attempt(lambda: algebra.differentiate(term, variable)) or ZERO  # type: ignore[no-any-return]


def equality_agrees(left: Term, right: Term, point: Point, assumptions: tuple[Term, ...] = ()) -> bool | None:
    """Whether a proved equality holds at the point, both sides being defined; None where nothing is proved there."""
    try:
        theorem = Theory({}, assumptions).equal(left, right)
    except KernelError:
        return None
    if not inside(theorem, point):
        return None
    return not differ(left, right, point) and (has_regions(left) or is_defined(left, point))


def has_regions(term: Term, *kinked: str) -> bool:
    """Balls refuse a point on the border of a region, or a slope of Li2 at 0, where the kernel need not."""
    return any(t.kind == "where" or (t.kind == "call" and t.args[0] in kinked) for t in subterms(term))


def normal_form_agrees(term: Term, point: Point, assumptions: tuple[Term, ...] = ()) -> bool | None:
    try:
        normal = normal_term(term, assumptions)
    except KernelError:
        return None
    return equality_agrees(term, normal, point, assumptions)


def derivative_agrees(
    term: Term, variable: Term, point: Point, assumptions: tuple[Term, ...] = (), normal: bool = True
) -> bool | None:
    """Whether the derivative that the kernel proves is that of dual numbers and of differences."""
    try:
        claim = raw_derivative(term, variable)
        claim = normal_term(claim, assumptions) if normal else claim
        theorem = Theory({}, assumptions).derivative(term, variable, claim)
    except KernelError:
        return None
    if not inside(theorem, point):
        return None
    if differ(Slope(term, variable), claim, point):
        return False
    if not has_regions(term, "abs", "Li2") and not is_defined(Slope(term, variable), point):
        return False
    quotient = difference_quotient(term, variable, point)
    exact = value(claim, point, 1024)
    return quotient is None or exact is None or bool(abs(quotient - exact) < (1 + abs(exact)) * arb("1e-9"))


def difference_quotient(term: Term, variable: Term, point: Point) -> arb | None:
    """A central difference in 600 bits, where halving the step changes it by very little."""
    found = []
    for bits in (80, 81):
        step = fmpq(1, 2**bits)
        ends = [value(term, moved(point, variable, s), 600) for s in (step, -step)]
        if ends[0] is None or ends[1] is None:
            return None
        with flint.ctx.workprec(600):
            found.append((ends[0] - ends[1]) / (2 * arb(step)))
    with flint.ctx.workprec(600):
        settled = abs(found[0] - found[1]) < (1 + abs(found[0])) * arb("1e-15")
    return found[1] if settled else None


def moved(point: Point, variable: Term, step: fmpq) -> Point:
    key = variable.args[0], tuple(point.indices[n.args[0]] for n in variable.args[1:])
    return point._replace(values={**point.values, key: point.values[key] + step})  # type: ignore[operator]


# ---- the kernel against balls ----------------------------------------------------------------------------

ASSUMPTIONS: tuple[tuple[Term, ...], ...] = (
    (),
    (rel(">", u, ZERO), rel("<", v, ONE)),
    (rel("<", u, ZERO), rel(">=", w, ZERO)),
    (rel("!=", u, ZERO), rel(">", item("y", k), ZERO)),
    (rel(">", item("z", k), ZERO), rel(">", size("K"), ONE)),
    (rel("=", u, power(w, 2)),),
    (rel("=", v, add(u, ONE)), rel("<", item("y", k), ZERO)),
)


def meet_equations(point: Point, assumptions: tuple[Term, ...]) -> Point:
    """The point, moved to where the equations among the assumptions hold."""
    values = dict(point.values)
    for relation in assumptions:
        op, left, right = relation.args
        if op == "=":
            values[left.args[0], ()] = _exact(right, values)
    return point._replace(values=values)


def _exact(term: Term, values: Mapping[Any, Any]) -> fmpq:
    if term.kind == "num":
        return term.args[0]
    if term.kind == "add":
        return sum((_exact(t, values) for t in term.args), fmpq(0))
    if term.kind == "pow":
        return _exact(term.args[0], values) ** int(term.args[1].args[0].p)
    return values[term.args[0], ()]


@calm
@given(functions(), st.lists(points(), min_size=4, max_size=4), st.sampled_from(ASSUMPTIONS))
def test_normal_forms_agree_with_balls(term: Term, places: list[Point], assumptions: tuple[Term, ...]) -> None:
    for place in places:
        assert normal_form_agrees(term, meet_equations(place, assumptions), assumptions) is not False


@few
@given(
    functions(), st.sampled_from(VARIABLES), st.lists(points(), min_size=2, max_size=2), st.sampled_from(ASSUMPTIONS)
)
def test_derivatives_agree_with_balls_and_differences(
    term: Term, variable: Term, places: list[Point], assumptions: tuple[Term, ...]
) -> None:
    for place in places:
        place = meet_equations(place, assumptions)
        assert derivative_agrees(term, variable, place, assumptions) is not False


@calm
@given(functions(2), st.sampled_from(VARIABLES), points(), st.booleans())
def test_small_derivatives_agree(term: Term, variable: Term, place: Point, normal: bool) -> None:
    assert derivative_agrees(term, variable, place, normal=normal) is not False


# ---- derivatives follow the rules of calculus --------------------------------------------------------------


def holds(theory: Theory, subject: Term, variable: Term, claim: Term) -> bool:
    """False only if the kernel has a derivative, and it is another."""
    try:
        return bool(theory.derivative(subject, variable, claim))
    except KernelError as refusal:
        return "not the derivative" not in str(refusal)


@few
@given(functions(2, regions=False), functions(1), st.sampled_from(VARIABLES))
def test_linear_and_product_rule(f: Term, g: Term, variable: Term) -> None:
    try:
        df, dg = raw_derivative(f, variable), raw_derivative(g, variable)
    except KernelError:
        assume(False)
    c = num(3, 7)
    assert holds(Theory({}), add(mul(c, f), neg(g)), variable, sub(mul(c, df), dg))
    assert holds(Theory({}), mul(f, g), variable, add(mul(df, g), mul(f, dg)))


@few
@given(functions(2, regions=False), functions(2, regions=False))
def test_chain_rule(f: Term, g: Term) -> None:
    """f(u) with u := g(w): the kernel's chain against its own derivative of the whole."""
    f, g = replace(f, {w: v}), replace(without_indices(g), {u: v})
    theory, outer = Theory({"u": ((), g)}), Theory({})
    try:
        chained = theory.chain(
            outer.derivative(f, u, raw_derivative(f, u)), theory.derivative(u, w, raw_derivative(g, w))
        )
    except KernelError:
        assume(False)
    assert holds(theory, f, w, chained.conclusion[-1])


def without_indices(term: Term) -> Term:
    if term.kind in ("item", "kron") and term.indices:
        return v
    return rebuild(term, without_indices) if term.indices else term


@few
@given(functions(2), st.sampled_from(VARIABLES), st.sampled_from(VARIABLES))
def test_mixed_derivatives_commute(term: Term, first: Term, second: Term) -> None:
    try:
        left = raw_derivative(raw_derivative(term, first), second)
        right = raw_derivative(raw_derivative(term, second), first)
        Theory({}).equal(left, left)
        Theory({}).equal(right, right)
    except KernelError:
        assume(False)
    try:
        Theory({}).equal(left, right)
    except KernelError as refusal:
        assert "too" in str(refusal) or deltas(left) or deltas(right)


def deltas(term: Term) -> int:
    """Products of deltas with several free indices may stay apart: that is no claim."""
    return sum(t.kind == "kron" for t in subterms(term))


# ---- equality over random rewritings -----------------------------------------------------------------------

REWRITINGS: dict[str, Callable[[Term], Term]] = {
    "tanh": lambda t: sub(mul(TWO, call("sigmoid", mul(TWO, t))), ONE),
    "sigmoid": lambda t: sub(ONE, call("sigmoid", neg(t))),
    "softplus": lambda t: add(t, call("log", add(ONE, call("exp", neg(t))))),
    "sqrt": lambda t: power(t, HALF),
    "abs": lambda t: call("abs", neg(t)),
    "sin": lambda t: neg(call("sin", neg(t))),
    "cos": lambda t: call("cos", neg(t)),
    "atan": lambda t: neg(call("atan", neg(t))),
    "erf": lambda t: neg(call("erf", neg(t))),
    "exp": lambda t: power(call("exp", neg(t)), -1),
}
MIRROR = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


@st.composite
def rewritings(draw: st.DrawFn, term: Term) -> Term:
    """The term written otherwise here and there, by laws that hold wherever it is defined."""
    term = rebuild(term, lambda t: draw(rewritings(t)) if t.kind not in ("index", "bound") else t)
    choice = draw(st.integers(0, 3))
    if choice == 0:
        return term
    if term.kind in ("add", "mul"):
        return Term(term.kind, term.args[::-1]) if choice == 1 else distributed(term)
    if term.kind == "call" and term.args[0] in REWRITINGS:
        return REWRITINGS[term.args[0]](term.args[1])
    if term.kind == "where":
        (op, left, right), inside, outside = term.args[0].args, *term.args[1:]
        return where(rel(MIRROR[op], right, left), inside, outside)
    if term.kind in ("rel", "index", "bound"):
        return term
    return (mul(ONE, term), add(sub(u, u), term), neg(neg(term)))[choice - 1]


def distributed(term: Term) -> Term:
    """a (b + c) as a b + a c."""
    if term.kind == "mul" and term.args[-1].kind == "add":
        return add(*(mul(*term.args[:-1], t) for t in term.args[-1].args))
    return term


@calm
@given(st.data(), functions())
def test_equality_over_rewritings(data: st.DataObject, term: Term) -> None:
    try:
        Theory({}).equal(term, term)
    except KernelError:
        assume(False)
    other = data.draw(rewritings(term))
    try:
        theorem = Theory({}).equal(term, other)
    except KernelError as refusal:
        assert "differ" not in str(refusal)
        return
    assert not (inside(theorem, place := data.draw(points())) and differ(term, other, place))


NAIVE: dict[str, Callable[[Term], Term]] = {
    "sqrt of a square": lambda t: call("sqrt", power(t, 2)),
    "abs": lambda t: call("abs", t),
    "mirrored": neg,
    "doubled": lambda t: mul(TWO, t),
    "nearly": lambda t: mul(t, add(ONE, num(1, 10**60))),
    "shifted": lambda t: add(t, num(1, 10**60)),
    "exp of log": lambda t: call("exp", call("log", t)),
    "log of exp": lambda t: call("log", call("exp", t)),
    "over itself": lambda t: div(power(t, 2), t),
    "cube root of a cube": lambda t: power(power(t, 3), num(1, 3)),
    "a region": lambda t: where(rel(">", t, ZERO), t, ZERO),
    "at k": lambda t: t if not t.indices else replace(t, {item("z", j): item("z", k)}),
}


@calm
@given(st.data(), functions(2), st.sampled_from(sorted(NAIVE)), points(), st.sampled_from(ASSUMPTIONS))
def test_never_both_proved_and_refuted(
    data: st.DataObject, term: Term, name: str, place: Point, assumptions: tuple[Term, ...]
) -> None:
    """One subterm is put through a law that holds sometimes; what is proved then is true."""
    candidates = [t for t in subterms(term) if t.kind not in ("rel", "index", "bound") and not t.loose]
    target = data.draw(st.sampled_from(candidates))
    other = replace(term, {target: NAIVE[name](target)})
    assert equality_agrees(term, other, meet_equations(place, assumptions), assumptions) is not False
    assert equality_agrees(other, term, meet_equations(place, assumptions), assumptions) is not False


# ---- the checkers catch a wrong law --------------------------------------------------------------------------

ARGUMENT = add(ONE, mul(HALF, u), power(w, 2))
PROBES = [
    Point({("u", ()): fmpq(a), ("w", ()): fmpq(b), ("v", ()): fmpq(1)}, {"K": 1, "m": 1}, {"k": 1, "j": 1, "i": 1})
    for a, b in ((1, 1), (3, -1), (-1, 2), (-8, 1), (0, 1))
]


def disagreements(name: str) -> int:
    """How often the checkers find the law of this function wrong."""
    probes = (call(name, ARGUMENT), call(name, u), call("abs", call(name, ARGUMENT)), power(call(name, u), 2))
    return sum(
        agrees is False
        for probe in probes
        for place in PROBES
        for agrees in (normal_form_agrees(probe, place), derivative_agrees(probe, u, place))
    )


@pytest.mark.parametrize("name", sorted(laws.LAWS))
def test_no_law_is_found_wrong(name: str) -> None:
    assert disagreements(name) == 0


def planted(name: str, law: laws.Law) -> Iterator[tuple[str, laws.Law]]:
    """The law made wrong, in each of its columns that says something."""
    slope, rewriting = law.derivative, law.rewrite
    yield "sign", law._replace(derivative=lambda t: neg(slope(t)))
    yield "factor", law._replace(derivative=lambda t: mul(TWO, slope(t)))
    yield "by very little", law._replace(derivative=lambda t: add(slope(t), num(1, 10**15)))
    if rewriting is not None:
        yield "rewrite by very little", law._replace(rewrite=lambda t: add(rewriting(t), num(1, 10**30)))
        if name not in ("cosh", "phi"):  # these are even
            yield "rewrite mirrored", law._replace(rewrite=lambda t: rewriting(neg(t)))
    elif law.domain(u):
        yield "no domain", law._replace(domain=lambda t: ())
        yield "wider domain", law._replace(domain=lambda t: (rel("!=", t, ZERO),))


PLANTED = [(name, what) for name in sorted(laws.LAWS) for what, _ in planted(name, laws.LAWS[name])]


@pytest.mark.parametrize(("name", "what"), PLANTED)
def test_a_planted_law_is_caught(name: str, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(laws.LAWS, name, dict(planted(name, laws.LAWS[name]))[what])
    assert disagreements(name)


# ---- every pair ----------------------------------------------------------------------------------------------

PAIRS = [*((pair, average) for pair in CORE for average in (False, True)), *((pair, False) for pair in SPREAD)]
every_pair = pytest.mark.parametrize(("pair", "average"), PAIRS, ids=lambda v: str(v))
core = pytest.mark.parametrize(("pair", "average"), PAIRS[: 2 * len(CORE)], ids=lambda v: str(v))


def theory_of(statement: Statement, **changed: Term) -> Theory:
    """J and h as defined, with no step between; ``cost`` or ``activation`` may be another."""
    other = statement._replace(**changed)
    return Theory(other.definitions, other.inner_assumptions)


def is_smooth(statement: Statement) -> bool:
    return not any(has_regions(t, "abs") for t in (statement.cost, statement.activation))


def total_over(statement: Statement, term: Term) -> Term:
    for own in reversed(statement.output.args[1:]):
        term = sum_over(own, term)
    return term


@every_pair
def test_delta_is_the_derivative_without_the_chain_rule(pair: str, average: bool) -> None:
    """Of a loss or activation with pieces: off the borders, if all of them are written alike."""
    found = stored(pair, average)
    statement = found.certificate.statement
    theory = theory_of(statement)
    try:
        theorem = theory.derivative(COST, statement.preactivation, found.verdict.delta)
    except KernelError:
        assert not is_smooth(statement)
    else:
        said = (*statement.inner_assumptions, *found.verdict.exclusions)
        assert set(theorem.hypotheses) <= set(said) or not is_smooth(statement)


@core
def test_costs_that_differ_by_what_z_does_not_move(pair: str, average: bool) -> None:
    found = stored(pair, average)
    statement, delta = found.certificate.statement, found.verdict.delta
    free = total_over(statement, call("exp", statement.target))
    for cost, slope in (
        (add(statement.cost, u), delta),
        (add(statement.cost, free), delta),
        (sub(statement.cost, power(free, 2)), delta),
        (mul(u, statement.cost), mul(u, delta)),
        (neg(statement.cost), neg(delta)),
    ):
        theory = theory_of(statement, cost=cost)
        assert theory.derivative(COST, statement.preactivation, slope)
        with pytest.raises(KernelError):
            theory.derivative(COST, statement.preactivation, add(slope, num(1, 10**60)))


def renamed(term: Term, old: str, new: str) -> Term:
    """The same term of another variable or family."""
    if term.kind in ("var", "item") and term.args[0] == old:
        return Term(term.kind, (new, *term.args[1:]))
    return rebuild(term, lambda t: renamed(t, old, new))


@core
def test_a_scaled_and_shifted_preactivation(pair: str, average: bool) -> None:
    """h(x) with x := u z + v: dJ/dz is u delta(x)."""
    found = stored(pair, average)
    statement, delta = found.certificate.statement, found.verdict.delta
    of_z, name = statement.preactivation, statement.output.args[0]
    inner = add(mul(u, of_z), v)
    theory = Theory(
        {
            "J": ((), statement.cost),
            name: (statement.output.args[1:], renamed(statement.activation, "z", "x")),
            "x": (of_z.args[1:], inner),
        },
        statement.inner_assumptions,
    )
    scaled = mul(u, renamed(delta, "z", "x"))
    assert theory.derivative(COST, of_z, scaled)
    with pytest.raises(KernelError):
        theory.derivative(COST, of_z, renamed(delta, "z", "x"))


@pytest.mark.parametrize("pair", [p for p in CORE if p.endswith("-softmax")])
def test_softmax_does_not_see_a_shift(pair: str) -> None:
    found = stored(pair)
    statement, delta = found.certificate.statement, found.verdict.delta
    if not pair.startswith("bce"):  # its sum of quotients is beyond the normal form
        assert theory_of(statement).equal(sum_over(j, delta), ZERO)
    theory = Theory(
        {
            "J": ((), statement.cost),
            "h": (statement.output.args[1:], renamed(statement.activation, "z", "x")),
            "x": ((k,), add(item("z", k), u)),
        },
        statement.activation_domain,
    )
    assert theory.derivative(COST, u, ZERO)
    assert theory.equal(item("h", k), statement.activation)


def test_mirrored_labels() -> None:
    found = stored("bce-sigmoid")
    statement = found.certificate.statement
    delta = replace(found.verdict.delta, {h: statement.activation})
    mirrored = replace(delta, {z: neg(z), y: sub(ONE, y)})
    assert Theory({}).equal(mirrored, neg(delta))
    with pytest.raises(KernelError):
        Theory({}).equal(mirrored, delta)


@pytest.mark.parametrize("loss", ["mse", "sse"])
def test_tanh_is_a_sigmoid(loss: str) -> None:
    found = stored(f"{loss}-tanh")
    statement = found.certificate.statement
    sigmoid = sub(mul(TWO, call("sigmoid", mul(TWO, z))), ONE)
    assert Theory({}).equal(statement.activation, sigmoid)
    assert theory_of(statement, activation=sigmoid).derivative(COST, z, found.verdict.delta)


# ---- symbolic K against K classes written out ------------------------------------------------------------------


def written_out(term: Term, sizes: Mapping[str, int], places: Mapping[Term, int], outer: tuple[int, ...] = ()) -> Term:
    """The term with sums and deltas expanded, and z[2] as the scalar z_2."""
    if term.kind == "size":
        return num(sizes[term.args[0]])
    if term.kind == "kron":
        a, b = (place_of(t, places, outer) for t in term.args)
        return ONE if a == b else ZERO
    if term.kind == "item":
        return var("_".join([term.args[0], *(str(place_of(t, places, outer)) for t in term.args[1:])]))
    if term.kind == "sum":
        count = range(1, sizes[term.args[0]] + 1)
        return add(*(written_out(term.args[1], sizes, places, (n, *outer)) for n in count))
    return rebuild(term, lambda t: written_out(t, sizes, places, outer))


def place_of(own: Term, places: Mapping[Term, int], outer: tuple[int, ...]) -> int:
    return outer[own.args[0]] if own.kind == "bound" else places[own]


def all_places(indices: tuple[Term, ...], sizes: Mapping[str, int]) -> list[dict[Term, int]]:
    found: list[dict[Term, int]] = [{}]
    for own in indices:
        found = [{**places, own: n} for places in found for n in range(1, sizes[own.args[1]] + 1)]
    return found


def written_definitions(statement: Statement, sizes: Mapping[str, int]) -> dict[str, tuple[tuple[Term, ...], Term]]:
    definitions: dict[str, tuple[tuple[Term, ...], Term]] = {"J": ((), written_out(statement.cost, sizes, {}))}
    for places in all_places(statement.output.args[1:], sizes):
        name = written_out(statement.output, sizes, places).args[0]
        definitions[name] = ((), written_out(statement.activation, sizes, places))
    return definitions


SMALL = [{"K": count, "m": 1} for count in range(1, 6)]


@pytest.mark.parametrize("pair", CORE)
def test_symbolic_size_agrees_with_classes_written_out(pair: str) -> None:
    found = stored(pair)
    is_vector = found.certificate.statement.output.kind == "item"
    for sizes in SMALL[: 3 if pair == "bce-softmax" else 5] if is_vector else SMALL[:1]:
        if sizes["K"] > 1 or not pair.endswith("softmax"):
            check_written_out(found, sizes)


@pytest.mark.parametrize("pair", ["bce-sigmoid", "cce-softmax", "mse-softmax"])
@pytest.mark.parametrize("sizes", [{"K": 2, "m": 1}, {"K": 2, "m": 2}, {"K": 3, "m": 2}], ids=str)
def test_averaged_pairs_written_out(pair: str, sizes: Mapping[str, int]) -> None:
    check_written_out(stored(pair, True), sizes)


def check_written_out(found: Checked, sizes: Mapping[str, int]) -> None:
    statement, delta = found.certificate.statement, found.verdict.delta
    theory = Theory(written_definitions(statement, sizes))
    for places in all_places(statement.preactivation.args[1:], sizes)[:3]:
        variable = written_out(statement.preactivation, sizes, places)
        claim = written_out(delta, sizes, places)
        assert theory.derivative(COST, variable, claim)
        with pytest.raises(KernelError):
            theory.derivative(COST, variable, add(claim, mul(num(1, 10**60), variable)))


def test_softmax_of_two_is_a_sigmoid_of_the_difference() -> None:
    statement = stored("cce-softmax").certificate.statement
    (own,) = statement.output.args[1:]
    first, second = var("z_1"), var("z_2")
    left = written_out(statement.activation, {"K": 2}, {own: 1})
    assert Theory({}).equal(left, call("sigmoid", sub(first, second)))
    with pytest.raises(KernelError):
        Theory({}).equal(left, call("sigmoid", sub(second, first)))
    theory = Theory({"J": ((), written_out(statement.cost, {"K": 2}, {})), **written_definitions(statement, {"K": 2})})
    bit = rel("=", add(var("y_1"), var("y_2")), ONE)
    conditional = Theory(theory.definitions, (bit,))
    claim = sub(call("sigmoid", sub(first, second)), var("y_1"))
    assert conditional.derivative(COST, first, claim).hypotheses == (bit,)
    with pytest.raises(KernelError):
        theory.derivative(COST, first, claim)


# ---- negative controls -----------------------------------------------------------------------------------------


def mutants(statement: Statement, delta: Term) -> Iterator[Term]:
    """Claims near delta that are wrong."""
    of_z = statement.preactivation
    yield neg(delta)
    yield mul(TWO, delta)
    yield mul(HALF, delta)
    yield power(delta, 2)
    yield ZERO
    for tiny in (num(1, 10**30), num(1, 10**60)):
        yield add(delta, mul(tiny, of_z))
        yield add(delta, tiny)
        yield mul(delta, add(ONE, tiny))
    yield renamed(renamed(renamed(delta, "h", "t"), "y", "h"), "t", "y")
    if delta.kind in ("mul", "add"):
        for n, dropped in enumerate(delta.args):
            if dropped not in (ZERO, ONE, MINUS_ONE):
                yield Term(delta.kind, delta.args[:n] + delta.args[n + 1 :])
                yield Term(delta.kind, (*delta.args[:n], neg(dropped), *delta.args[n + 1 :]))


@core
def test_a_mutated_claim_is_never_proved(pair: str, average: bool) -> None:
    found = stored(pair, average)
    statement = found.certificate.statement
    theory = theory_of(statement)
    for claim in mutants(statement, found.verdict.delta):
        with pytest.raises(KernelError):
            theory.derivative(COST, statement.preactivation, claim)


@every_pair
def test_a_proved_mutant_is_true_at_the_points(pair: str, average: bool) -> None:
    """Also where two mutants of a value with pieces, such as its square, may happen to be the same."""
    found = stored(pair, average)
    statement = found.certificate.statement
    slope, theory = Slope(COST, statement.preactivation), theory_of(statement)
    places = [w.point for name, w in found.certificate.points.items() if not name.startswith("border")]
    assert places
    for claim in (*mutants(statement, found.verdict.delta), statement.residual):
        try:
            theory.derivative(COST, statement.preactivation, claim)
        except KernelError:
            continue
        assert not any(balls.certainly_different(slope, claim, place, statement.definitions) for place in places)


@every_pair
def test_the_residual_is_proved_for_pairs_that_cancel_only(pair: str, average: bool) -> None:
    found = stored(pair, average)
    statement = found.certificate.statement
    is_proved = True
    try:
        theory_of(statement).derivative(COST, statement.preactivation, statement.residual)
    except KernelError:
        is_proved = False
    assert is_proved == (found.verdict.kind == "cancels" and not found.verdict.conditions)


@pytest.mark.parametrize("pair", CORE)
def test_the_delta_of_another_pair_is_not_proved(pair: str) -> None:
    found = stored(pair)
    statement, delta = found.certificate.statement, found.verdict.delta
    for other in CORE:
        claim = stored(other)
        if claim.certificate.statement.preactivation != statement.preactivation:
            continue
        if claim.verdict.delta == delta or same_delta(statement, delta, claim.verdict.delta):
            continue
        with pytest.raises(KernelError):
            theory_of(statement).derivative(COST, statement.preactivation, claim.verdict.delta)


def same_delta(statement: Statement, first: Term, second: Term) -> bool:
    """Two deltas that agree at a random point agree: then the claim is none to refuse."""
    try:
        return bool(theory_of(statement).equal(first, second))
    except KernelError:
        return False
