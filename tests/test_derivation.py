"""Derivation: statements keep their parts apart, and each step is what its rule proves."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from by_hand import (
    DOWN,
    GATED,
    H_POSITIVE,
    HALF,
    IN_REGIONS,
    LOOSE,
    MSE_RELU,
    MSE_RELU_STEPS,
    RESIDUAL,
    SECOND_IN_REGIONS,
    SOFT,
    SOFT_STEPS,
    SOFT_VALUE,
    SQUARE,
    UP,
    absolute,
    at,
    exp,
    h,
    i,
    j,
    k,
    l,
    log,
    refused,
    w,
    y,
    z,
)

from derive.derivation import COST, RULES, Derivation, Statement, Step, check_statement, replay
from derive.errors import KernelError
from derive.kernel import Derivative
from derive.term import (
    MINUS_ONE,
    ONE,
    ZERO,
    Term,
    add,
    call,
    div,
    item,
    mul,
    neg,
    num,
    power,
    rel,
    size,
    sub,
    sum_over,
    where,
)
from derive.verdict import verdict

# ---- replay ------------------------------------------------------------------------------------------

IDENTITY = Statement(SQUARE, h, y, z, z)
TO_CHAIN = (
    Step("differentiate-loss", (), RESIDUAL),
    Step("differentiate-activation", (), ONE),
    Step("chain", (0, 1), mul(RESIDUAL, ONE)),
)
STEPS = (*TO_CHAIN, Step("rewrite", (2,), RESIDUAL))


def test_replay_accepts_each_rule() -> None:
    steps = (
        Step("cost", (), SQUARE),
        Step("output", (), z),
        *(s._replace(sources=tuple(n + 2 for n in s.sources)) for s in STEPS),
        Step("unfold", (5,), sub(z, y)),
    )
    theorems = replay(IDENTITY, steps)
    values = [t.conclusion.value if isinstance(t.conclusion, Derivative) else t.conclusion.right for t in theorems]
    assert values == [s.value for s in steps]


@pytest.mark.parametrize(
    "step",
    [
        Step("cost", (), ZERO),
        Step("output", (), y),
        Step("differentiate-loss", (), neg(RESIDUAL)),
        Step("differentiate-activation", (), ZERO),
        Step("chain", (0, 1), RESIDUAL),
        Step("chain", (1, 0), mul(ONE, RESIDUAL)),
        Step("chain", (0,), RESIDUAL),
        Step("chain", (), RESIDUAL),
        Step("rewrite", (0, 1), RESIDUAL),
        Step("rewrite", (2,), neg(RESIDUAL)),
        Step("rewrite", (3,), RESIDUAL),
        Step("rewrite", (4,), RESIDUAL),
        Step("rewrite", (-1,), RESIDUAL),
        Step("rewrite", ("2",), RESIDUAL),  # type: ignore[arg-type]
        Step("unfold", (2,), neg(RESIDUAL)),
        Step("condition", (2,), RESIDUAL),
        Step("condition", (2,), neg(RESIDUAL), (rel("=", y, ZERO),)),
        Step("rewrite", (2,), neg(RESIDUAL), (H_POSITIVE,)),
        Step("rewrite", (2,), RESIDUAL, (h,)),
        Step("trust", (), RESIDUAL),
        Step("", (), RESIDUAL),
    ],
    ids=str,
)
def test_replay_refuses_a_step(step: Step) -> None:
    refused(lambda: replay(IDENTITY, (*TO_CHAIN, step)), "step 4")


def test_replay_of_nothing_proves_nothing() -> None:
    assert replay(IDENTITY, ()) == ()
    refused(lambda: verdict(IDENTITY, (), (), {}), "does not end")


def test_a_definition_is_no_value_to_rewrite() -> None:
    steps = (Step("cost", (), SQUARE), Step("rewrite", (0,), SQUARE))
    refused(lambda: replay(IDENTITY, steps), "value of a derivative")


def test_a_derivation_keeps_no_refused_step() -> None:
    run = Derivation(IDENTITY)
    refused(lambda: run.extend(Step("differentiate-loss", (), neg(RESIDUAL))))
    assert run.theorems == []


# ---- what may be assumed -----------------------------------------------------------------------------

ABSOLUTE = sub(h, absolute(y))
OF_ABSOLUTE = IDENTITY._replace(cost=mul(HALF, power(ABSOLUTE, 2)))
TO_ABSOLUTE = (
    Step("differentiate-loss", (), ABSOLUTE),
    Step("differentiate-activation", (), ONE),
    Step("chain", (0, 1), mul(ABSOLUTE, ONE)),
)


@pytest.mark.parametrize("rule", ["rewrite", "unfold"])
@pytest.mark.parametrize("field", ["targets", "parameters"])
def test_inequalities_of_targets_and_parameters_are_assumed(rule: str, field: str) -> None:
    """And are said as hypotheses; J is the half square of h - |y|, or of h - |w|."""
    of = {"targets": y, "parameters": w}[field]
    slope = sub(h, absolute(of))
    positive = rel(">", of, ZERO)
    statement = IDENTITY._replace(cost=mul(HALF, power(slope, 2)), **{field: (positive,)})
    steps = (TO_ABSOLUTE[0]._replace(value=slope), TO_ABSOLUTE[1], Step("chain", (0, 1), mul(slope, ONE)))
    last = Step(rule, (2,), sub(h, of))
    assert replay(statement, (*steps, last))[-1].hypotheses == (positive,)
    for other in ((), (rel("<", of, ZERO),), (rel("!=", of, ZERO),)):
        refused(lambda other=other: replay(statement._replace(**{field: other}), (*steps, last)), "step 4")  # type: ignore[misc]


def test_an_equation_among_the_targets_is_never_assumed_unsaid() -> None:
    one = rel("=", y, ONE)
    statement = IDENTITY._replace(targets=(one,))
    for rule in ("rewrite", "unfold"):
        step = Step(rule, (2,), sub(h, ONE))
        refused(lambda step=step: replay(statement, (*TO_CHAIN, step)), "differ")  # type: ignore[misc]
    assert replay(statement, (*TO_CHAIN, Step("condition", (2,), sub(h, ONE), (one,))))[-1].hypotheses == (one,)


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        (rel("=", y, ONE), sub(h, ONE)),
        (rel("=", y, w), sub(h, w)),
        (rel("=", power(y, 2), y), sub(h, power(y, 3))),
        (rel("=", size("K"), y), sub(h, size("K"))),
    ],
    ids=str,
)
def test_a_condition_is_an_equation_between_targets_parameters_and_sizes(condition: Term, value: Term) -> None:
    """Declared or not: it is a hypothesis."""
    accepted = Step("condition", (2,), value, (condition,))
    assert replay(IDENTITY, (*TO_CHAIN, accepted))[-1].hypotheses == (condition,)
    refused(lambda: replay(IDENTITY, (*TO_CHAIN, accepted._replace(value=neg(value)))), "step 4")


@pytest.mark.parametrize(
    "assuming",
    [
        (),
        (rel(">", y, ZERO),),
        (rel("!=", y, ZERO),),
        (rel("=", h, y),),
        (rel("=", z, y),),
        (rel("=", COST, ZERO),),
        (rel("=", y, ONE), rel("=", h, y)),
        (rel("=", y, ONE), rel(">", y, ZERO)),
        (rel("=", add(y, h), h),),
        (ONE,),
        (y,),
        (rel("=", item("y", LOOSE), ONE),),
    ],
    ids=str,
)
def test_nothing_else_is_a_condition(assuming: tuple[Term, ...]) -> None:
    refused(lambda: replay(IDENTITY, (*TO_CHAIN, Step("condition", (2,), RESIDUAL, assuming))), "step 4")


@pytest.mark.parametrize("rule", sorted(set(RULES) - {"condition", "cost", "output"}))
@pytest.mark.parametrize("assuming", [(ONE,), (rel(">", item("z", LOOSE), ZERO),), (z, H_POSITIVE)], ids=str)
def test_a_step_assumes_relations(rule: str, assuming: tuple[Term, ...]) -> None:
    sources = {"chain": (0, 1), "total": (1,), "second": (2, 1), "cases": (2, 2), "join": (2, 2)}.get(rule, (2,))
    refused(lambda: replay(IDENTITY, (*TO_CHAIN, Step(rule, sources, RESIDUAL, assuming))), "assumes relations")


# ---- regions -----------------------------------------------------------------------------------------


def test_pieces() -> None:
    second = Step("cases", (8, 9), where(UP, ONE, ZERO), (UP,))
    theorems = replay(MSE_RELU, (*MSE_RELU_STEPS, *SECOND_IN_REGIONS, second))
    kink = rel("!=", z, ZERO)
    assert [theorems[n].hypotheses for n in (0, 1, 2, 5, 6)] == [(), (UP,), (DOWN,), (UP,), (DOWN,)]
    assert theorems[7].conclusion == Derivative(COST, z, GATED) and theorems[7].hypotheses == (kink,)
    assert theorems[10].conclusion == Derivative(COST, z, where(UP, ONE, ZERO), 2)
    assert theorems[10].hypotheses == (kink,)


def test_joined_pieces() -> None:
    theorem = replay(SOFT, SOFT_STEPS)[-1]
    assert theorem.conclusion == Derivative(COST, z, SOFT_VALUE) and theorem.hypotheses == ()


def test_every_rule_is_accepted_somewhere_above() -> None:
    steps = (*TO_CHAIN, *MSE_RELU_STEPS, *SECOND_IN_REGIONS, *SOFT_STEPS, *BESIDE_STEPS)
    assert {s.rule for s in steps} | {"cost", "output", "unfold", "condition"} == set(RULES)


def test_a_region_is_not_left_by_a_step_without_it() -> None:
    for rule in ("rewrite", "unfold"):
        theorem = replay(MSE_RELU, (*IN_REGIONS, Step(rule, (5,), add(RESIDUAL, ZERO))))[-1]
        assert theorem.hypotheses == (UP,)
    chained = Step("chain", (0, 1), mul(RESIDUAL, ONE))
    assert replay(MSE_RELU, (*IN_REGIONS, chained))[-1].hypotheses == (UP,)


def test_a_region_may_contradict_another() -> None:
    """Then the theorem is about nothing, and says so."""
    for region in ((DOWN,), (), (UP, DOWN)):
        with suppress(KernelError):
            theorem = replay(MSE_RELU, (*IN_REGIONS, Step("rewrite", (5,), add(RESIDUAL, ZERO), region)))[-1]
            assert UP in theorem.hypotheses


@pytest.mark.parametrize(
    "step",
    [
        Step("differentiate-activation", (), ONE),
        Step("differentiate-activation", (), ZERO),
        Step("differentiate-activation", (), ZERO, (UP,)),
        Step("differentiate-activation", (), ONE, (DOWN,)),
        Step("rewrite", (5,), ZERO, (UP,)),
        Step("rewrite", (5,), ZERO),
        Step("rewrite", (3,), ZERO, (DOWN,)),
        Step("unfold", (5,), neg(y), (UP,)),
        Step("cases", (5, 6), RESIDUAL, (UP,)),
        Step("cases", (5, 6), ZERO, (UP,)),
        Step("cases", (5, 6), mul(where(UP, ZERO, ONE), RESIDUAL), (UP,)),
        Step("cases", (6, 5), mul(where(UP, ONE, ZERO), RESIDUAL), (UP,)),
        Step("cases", (5, 6), where(rel(">=", z, ZERO), RESIDUAL, ZERO), (UP,)),
        Step("cases", (5, 6), GATED, ()),
        Step("cases", (5,), GATED, (UP,)),
        Step("cases", (1, 2), GATED, (UP,)),
        Step("cases", (0, 6), GATED, (UP,)),
        Step("cases", (5, 6), GATED, (rel("!=", z, ZERO),)),
        Step("cases", (5, 6), GATED, (rel("=", z, ZERO),)),
        Step("join", (5, 6), GATED, (UP,)),
        Step("join", (5, 6), GATED, ()),
        Step("join", (1, 2), where(UP, ONE, ZERO), (UP,)),
        Step("second", (5, 1), ZERO, (UP,)),
        Step("second", (5, 2), ONE, (UP,)),
        Step("second", (1, 5), ONE, (UP,)),
        Step("second", (5,), ONE, (UP,)),
        Step("second", (0, 1), ONE, (UP,)),
        Step("total", (1,), ZERO, (UP,)),
        Step("total", (0,), RESIDUAL, (UP,)),
        Step("total", (), RESIDUAL, (UP,)),
        Step("chain", (0, 1), RESIDUAL, (UP,)),
    ],
    ids=str,
)
def test_replay_refuses_a_step_in_regions(step: Step) -> None:
    """Or the hypotheses of both regions stay with it."""
    try:
        theorem = replay(MSE_RELU, (*IN_REGIONS, step))[-1]
    except KernelError as problem:
        assert str(problem).startswith("step 8")
    else:
        assert {UP, DOWN} <= set(theorem.hypotheses)


def test_a_kink_is_not_joined_away() -> None:
    """relu, |h - y|, a hinge and a pinball keep theirs, whatever form the values have."""
    refused(lambda: replay(MSE_RELU, (*IN_REGIONS, Step("join", (5, 6), GATED, (UP,)))), "step 8")
    above, below = rel(">", h, y), rel("<", h, y)
    for cost, left, right in (
        (absolute(RESIDUAL), ONE, MINUS_ONE),
        (where(above, mul(HALF, RESIDUAL), neg(RESIDUAL)), HALF, MINUS_ONE),
        (where(above, RESIDUAL, ZERO), ONE, ZERO),
    ):
        steps = (
            Step("differentiate-loss", (), left, (above,)),
            Step("differentiate-loss", (), right, (below,)),
            Step("differentiate-activation", (), ONE),
            Step("chain", (0, 2), mul(left, ONE), (above,)),
            Step("chain", (1, 2), mul(right, ONE), (below,)),
        )
        statement = IDENTITY._replace(cost=cost)
        last = Step("cases", (3, 4), where(above, mul(left, ONE), mul(right, ONE)), (above,))
        assert replay(statement, (*steps, last))[-1].hypotheses == (rel("!=", h, y),)
        joined = (*steps, last._replace(rule="join"))
        refused(lambda s=statement, t=joined: replay(s, t), "step 6")  # type: ignore[misc]


# ---- losses that use z besides h ----------------------------------------------------------------------

BESIDE = Statement(sub(log(add(ONE, exp(z))), mul(y, z)), h, y, div(ONE, add(ONE, exp(neg(z)))), z)
D_SIGMOID = mul(h, sub(ONE, h))
BESIDE_STEPS = (
    Step("differentiate-activation", (), div(exp(neg(z)), power(add(ONE, exp(neg(z))), 2))),
    Step("unfold", (0,), D_SIGMOID),
    Step("total", (1,), sub(div(exp(z), add(ONE, exp(z))), y)),
    Step("unfold", (2,), RESIDUAL),
    Step("second", (3, 1), D_SIGMOID),
)


def test_a_loss_that_uses_the_preactivation() -> None:
    """log(1 + exp z) - y z with the sigmoid: dJ/dz = h - y, and the second derivative h (1 - h)."""
    theorems = replay(BESIDE, BESIDE_STEPS)
    assert theorems[3].conclusion == Derivative(COST, z, RESIDUAL)
    assert theorems[4].conclusion == Derivative(COST, z, D_SIGMOID, 2)
    assert all(t.hypotheses == () for t in theorems)


@pytest.mark.parametrize(
    "step",
    [
        Step("total", (1,), neg(y)),
        Step("total", (1,), RESIDUAL),
        Step("total", (2,), RESIDUAL),
        Step("total", (1, 1), sub(div(exp(z), add(ONE, exp(z))), y)),
        Step("second", (3, 1), ONE),
        Step("second", (3, 1), ZERO),
        Step("second", (1, 3), D_SIGMOID),
        Step("second", (1, 1), D_SIGMOID),
        Step("second", (3, 3), D_SIGMOID),
        Step("rewrite", (2,), RESIDUAL),
    ],
    ids=str,
)
def test_replay_refuses_a_step_beside(step: Step) -> None:
    refused(lambda: replay(BESIDE, (*BESIDE_STEPS[:4], step)), "step 5")


# ---- statements that are no statements --------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "steps"),
    [
        (
            Statement(ZERO, COST, y, add(exp(z), y), z),
            (Step("differentiate-activation", (), exp(z)), Step("unfold", (0,), sub(COST, y))),
        ),
        (
            Statement(SQUARE, h, y, exp(w), h),
            (Step("differentiate-loss", (), RESIDUAL), Step("unfold", (0,), RESIDUAL)),
        ),
        (
            Statement(sub(h, mul(HALF, power(log(h), 2))), h, z, exp(z), z, (H_POSITIVE,)),
            (
                Step("differentiate-loss", (), sub(ONE, div(log(h), h))),
                Step("differentiate-activation", (), h),
                Step("chain", (0, 1), mul(sub(ONE, div(log(h), h)), h)),
                Step("unfold", (2,), sub(h, z)),
            ),
        ),
        (Statement(add(COST, ONE), h, y, z, z), (Step("cost", (), add(COST, ONE)),)),
        (Statement(SQUARE, h, y, h, z), (Step("output", (), h),)),
        (Statement(SQUARE, h, y, COST, z), (Step("output", (), COST),)),
        (Statement(SQUARE, h, y, z, z, activation_domain=(rel("=", z, y),)), ()),
        (Statement(SQUARE, h, y, z, z, activation_domain=(rel(">", y, ZERO),)), ()),
        (Statement(SQUARE, h, y, z, z, loss_domain=(rel("=", h, ONE),)), ()),
        (Statement(SQUARE, h, y, z, z, targets=(rel("=", h, y),)), ()),
        (Statement(SQUARE, h, y, z, z, targets=(rel("=", z, y),)), ()),
        (Statement(SQUARE, h, y, z, z, parameters=(rel("=", w, ONE),)), ()),
        (Statement(SQUARE, h, y, z, z, parameters=(rel(">", h, ZERO),)), ()),
        (Statement(SQUARE, h, y, z, z, parameters=(rel(">", y, ZERO),)), ()),
        (Statement(SQUARE, h, y, z, z, parameters=(rel(">", z, ZERO),)), ()),
        (Statement(SQUARE, h, y, z, z, parameters=(rel(">", COST, ZERO),)), ()),
        (Statement(SQUARE, h, y, z, z, targets=(rel(">", h, ZERO),)), ()),
        (Statement(SQUARE, h, y, z, z, cases=(rel("=", y, h),)), ()),
        (Statement(SQUARE, h, y, z, z, cases=(rel("=", z, ONE),)), ()),
        (Statement(SQUARE, h, y, z, z, cases=(rel(">", y, ZERO),)), ()),
        (Statement(SQUARE, h, y, add(z, y), z), ()),
        (Statement(SQUARE, num(2), y, z, z), ()),
        (Statement(SQUARE, call("h"), y, z, z), ()),
    ],
    ids=lambda v: "",
)
def test_parts_of_a_statement_are_kept_apart(statement: Statement, steps: tuple[Step, ...]) -> None:
    refused(lambda: replay(statement, steps))
    refused(lambda: verdict(statement, STEPS, replay(IDENTITY, STEPS), {"inside": at(z=1, y=1)}))


@pytest.mark.parametrize("statement", ["z", None, (), IDENTITY._replace(cost="z"), IDENTITY._replace(targets=(1,))])
def test_a_statement_of_another_type_is_refused(statement: Any) -> None:
    refused(lambda: replay(statement, ()))
    refused(lambda: verdict(statement, STEPS, replay(IDENTITY, STEPS), {"inside": at(z=1, y=1)}))


VECTOR = sum_over(k, mul(HALF, power(sub(item("h", k), item("y", k)), 2)))


@pytest.mark.parametrize("preactivation", [z, item("z", i), item("z", k), item("z", j, l), item("z", LOOSE)], ids=str)
def test_indices_of_a_statement_fit(preactivation: Term) -> None:
    refused(lambda: replay(Statement(VECTOR, item("h", k), item("y", k), item("z", k), preactivation), ()))


@pytest.mark.parametrize("target", [y, item("y", l), item("y", i), item("y", k, l)], ids=str)
def test_the_target_is_indexed_as_the_output(target: Term) -> None:
    refused(lambda: replay(Statement(VECTOR, item("h", k), target, item("z", k), item("z", j)), ()))


# ---- what mutation testing found -----------------------------------------------------------------------


def test_what_a_condition_may_name() -> None:
    """Targets, parameters and sizes, the targets at least; nothing that z moves, and no inequality."""
    assert IDENTITY.is_condition(rel("=", y, ONE)) and IDENTITY.is_condition(rel("=", mul(w, y), size("K")))
    for foreign in (COST, h, z):
        assert not IDENTITY.is_condition(rel("=", y, foreign)) and not IDENTITY.is_condition(rel("=", foreign, y))
    for other in (rel("=", w, ONE), rel("=", ONE, ONE), rel("<", y, ONE), rel("!=", y, ONE), rel("<=", y, ONE)):
        assert not IDENTITY.is_condition(other)


def test_no_part_of_a_statement_names_what_belongs_elsewhere() -> None:
    """The check says so itself, before any definition rests on another."""
    check_statement(IDENTITY)
    foreign = {
        "cost": (COST,),
        "activation": (COST, h, y),
        "loss_domain": (COST, z),
        "activation_domain": (COST, h, y),
        "targets": (COST, h, z),
        "parameters": (COST, h, y, z),
        "cases": (COST, h, z),
    }
    for field, names in foreign.items():
        for name in names:
            op = "=" if field == "cases" else ">"
            part = mul(w, name) if field in ("cost", "activation") else (rel(op, mul(w, name), ONE),)
            statement = IDENTITY._replace(**{field: part})  # type: ignore[arg-type]
            refused(lambda statement=statement: check_statement(statement), "has no place")  # type: ignore[misc]


ELEMENTWISE = Statement(VECTOR, item("h", k), item("y", k), item("z", k), item("z", j))


def test_a_condition_names_no_element_of_the_output_or_the_preactivation() -> None:
    target = item("y", k)
    assert ELEMENTWISE.is_condition(rel("=", sum_over(k, target), ONE))
    for foreign in (item("h", k), item("z", k), item("z", j)):
        assert not ELEMENTWISE.is_condition(rel("=", sum_over(k, target), foreign))


def test_nothing_else_is_named_j() -> None:
    for field in ("output", "target", "preactivation"):
        statement = IDENTITY._replace(**{field: COST})  # type: ignore[arg-type]
        refused(lambda statement=statement: check_statement(statement), "three different variables")  # type: ignore[misc]


def test_an_output_of_other_indices_than_z_has_no_residual() -> None:
    with pytest.raises(ValueError, match="zip"):
        _ = ELEMENTWISE._replace(preactivation=z).residual
