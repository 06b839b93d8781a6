"""Attacks on the judgement of claims: mutated derivatives, conditions that leave nothing, borders, points beside the
domain. What is right or wrong is found out without the package, by differences of J in mpmath."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice, product
from typing import Any

import mpmath
import pytest
from flint import fmpq
from samples import CORE, RARE, stored
from written_out import DIGITS, Place, close, difference_slope, places, written

import derive
from derive import checking
from derive.balls import Point, Slope, evaluate
from derive.derivation import COST
from derive.errors import KernelError
from derive.judge import (
    LARGE,
    NUMBERS,
    SIMPLE,
    SIZES,
    TARGETS,
    Judgement,
    _alternating,
    _drawn,
    _everywhere,
    _instance,
    _points,
    _request,
    _shares,
    _shown,
    judge,
)
from derive.model import Model
from derive.syntax import parse, parse_relation
from derive.term import ONE, Term, add, call, index, item, mul, neg, num, power, replace, subterms, sum_over, var
from derive.verdict import spread
from derive.witnesses import PARAMETERS, candidates, holds

PAIRS = (*CORE, *RARE)
per_pair = pytest.mark.parametrize("pair", PAIRS)


def model_of(pair: str) -> Model:
    return checking.setting(pair)[0]


def judged(pair: str, claim: Term) -> Judgement:
    model = model_of(pair)
    return judge(model, model.stand_in(COST, model.variable), claim)


def true_delta(pair: str) -> Term:
    """dJ/dz as the certificate of the pair has it; with all its pieces in one term."""
    found = stored(pair).verdict.delta
    assert found is not None
    return found


def shape(pair: str) -> str:
    return "".join(i.args[0] for i in stored(pair).certificate.statement.preactivation.args[1:])


# ---- the truth, by differences


def on_condition(pair: str, place: Place) -> Place:
    """The place with targets that add up to 1, where the pair says that they do."""
    if not stored(pair).verdict.conditions and not model_of(pair).conditions:
        return place
    return place._replace(y=tuple(tuple(v / sum(row) for v in row) for row in place.y))


def is_true(pair: str, claim: Term) -> bool:
    """Whether the claim is dJ/dz at some places, to 25 digits."""
    with mpmath.workdps(DIGITS):
        found = [on_condition(pair, place) for place in places(pair, shape(pair))]
        return all(
            close(written(pair, place, shape(pair)).value(claim), difference_slope(pair, place), 25) for place in found
        )


def place_at(pair: str, point: Point) -> Place:
    """The point of a witness as a place."""
    count = point.sizes.get("K", 1)
    has_index = bool(shape(pair))

    def row(name: str) -> tuple[object, ...]:
        return tuple(point.values[name, (k,) if has_index else ()] for k in range(1, count + 1))

    others = {name for name, _ in point.values} - {"z", "y", "h", "J"}
    parameters = {name: point.values[name, ()] if (name, ()) in point.values else row(name) for name in sorted(others)}
    return Place((row("z"),), (row("y"),), (0, point.indices.get("j", 1) - 1), parameters)


def assert_witness(pair: str, claim: Term, found: Judgement) -> None:
    """At the point dJ/dz has the one value and the claim the other."""
    assert found.point is not None
    with mpmath.workdps(DIGITS):
        place = place_at(pair, found.point)
        at, slope = written(pair, place, shape(pair)), difference_slope(pair, place)
        assert not close(at.value(claim), slope, 20)
        for value, shown in ((slope, found.left), (at.value(claim), found.right)):
            above, _, below = shown.partition("/")
            assert close(value, mpmath.mpf(above) / mpmath.mpf(below or 1), 12), shown


# ---- mutants of what is true


def mutants(pair: str) -> Iterator[tuple[str, Term]]:
    delta, statement = true_delta(pair), stored(pair).certificate.statement
    h, y = (statement.at_preactivation(t) for t in (statement.output, statement.target))
    z, free = statement.preactivation, statement.preactivation.args[1:]
    yield "sign", neg(delta)
    yield "twice", mul(num(2), delta)
    yield "h and y swapped", replace(delta, {h: y, y: h})
    yield "z/10^60 more", add(delta, mul(num(1, 10**60), z))
    yield "1 more", add(delta, ONE)
    yield "times h", mul(delta, h)
    yield "h - y", statement.residual
    if free:
        yield "added up", sum_over(free[0], delta)
    totals = [t for t in dict.fromkeys(subterms(delta)) if t.kind == "add" and not t.loose]
    for n, total in enumerate(totals[:2]):
        yield f"sign {n}", replace(delta, {total: add(neg(total.args[0]), *total.args[1:])})


@per_pair
def test_what_the_certificate_says_is_right(pair: str) -> None:
    delta = true_delta(pair)
    for spelling in (delta, spread(delta), add(delta, neg(ONE), ONE), mul(num(1, 3), delta, num(3))):
        assert judged(pair, spelling).holds is True


@per_pair
def test_a_mutant_is_not_right_unless_it_is_true_and_a_witness_shows_two_numbers(pair: str) -> None:
    refuted = 0
    for name, claim in mutants(pair):
        found = judged(pair, claim)
        if found.holds is True:
            assert name != "z/10^60 more" and is_true(pair, claim), name
        elif found.holds is False and name != "z/10^60 more":
            assert_witness(pair, claim, found)
            refuted += 1
    assert refuted >= 3


@pytest.mark.parametrize("pair", CORE)
def test_equal_but_for_less_than_any_float_is_wrong(pair: str) -> None:
    """The two numbers at the witness are shown with as many digits as it takes."""
    claim = dict(mutants(pair))["z/10^60 more"]
    found = judged(pair, claim)
    assert found.holds is False and found.left != found.right


# ---- conditions that leave too little


NOTHING_LEFT = [
    # (pair, claim): false, or undefined, on all of the domain, or on a part that is more than single values of z
    ("logistic-identity", "where(y < 1, where(y > -1, -y*sigmoid(-y*z), 5), 6)"),
    ("logistic-identity", "where(y > 0, where(y < 1, 5, 6), where(y > -1, 7, 8))"),
    ("logistic-identity", "-y*sigmoid(-y*z) + 0/(y^2 - 1)"),
    ("logistic-identity", "-y*sigmoid(-y*z) + 0/(y - 1)"),
    ("logistic-identity", "where(|y| > 1, 3, where(|y| < 1, 3, 5)) = 3"),
    ("focal-sigmoid", "where(y > 0, where(y > 1, 5, where(y < 1, 6, 7)), where(y > 0, 7, where(y < 0, 8, 9)))"),
    ("focal-sigmoid", "where(y > 1, 3, where(y < 1, 3, 5)) = 3"),
    ("mse-identity", "where(h - z > 0, 3, where(h - z < 0, 3, 5)) = 3"),
    ("mse-identity", "h - y + 0/(z - z)"),
    ("mse-identity", "h - y + 0/(h - z)"),
    ("mse-identity", "h - y + 0/(|z| + z)"),
    ("mse-identity", "h - y + 0/where(z > 0, 1, 0)"),
    ("mse-identity", "h - y + 0*log(|z| - z)"),
    ("mse-identity", "h - y + 0*log(z)"),
    ("mse-identity", "exp(log(z)) - y"),
    ("bce-sigmoid", "h - y + 0*log(y - 2)"),
    ("bce-sigmoid", "h - y + 0*log(h - 1)"),
    ("bce-sigmoid", "h - y + 0*sqrt(-1 - z^2)"),
    ("mse-relu", "dh/dz = where(h > 0, 1, where(h < 0, 5, 99))"),
    ("mse-relu", "where(h > z, 0, where(h < z, 0, 99)) = 0"),
    ("mse-relu", "where(h > 0, h - y, where(h < 0, 7, 8))"),
    ("mse-relu", "(h - y)*h/h"),
    ("cce-softmax", "where(sum(k, y_k) < 1, h_j*sum(k, y_k) - y_j, where(sum(k, y_k) > 1, h_j*sum(k, y_k) - y_j, 77))"),
    ("cce-softmax", "h_j*sum(k, y_k) - y_j + 0/(1 - sum(k, y_k))"),
    ("cce-softmax", "h_j*sum(k, y_k) - y_j + 0/(1 - sum(k, h_k))"),
    ("cce-softmax", "dJ/dz_j = (h_j*sum(l, y_l) - y_j)*kron(j, k)/kron(j, k)"),
    ("cce-softmax", "kron(j, k)/kron(j, k) = 1"),
    ("cce-softmax", "where(K > 2, 1, where(K < 2, 1, 3)) = 1"),
]


@pytest.mark.parametrize(("pair", "claim"), NOTHING_LEFT)
def test_a_condition_that_takes_more_than_single_values_away_makes_no_claim_right(pair: str, claim: str) -> None:
    assert derive.check(claim, pair).answer != "right"


SINGLE_VALUES = [
    # (pair, claim, condition): true but for values of z that are not worth a word
    ("hinge-identity", "where(y*z <= 1, -y, 0)", "h*y != 1"),
    ("hinge-identity", "-y/2 + y/2*sign(y*z - 1)", "h*y != 1"),
    ("mae-identity", "sign(h - y)", "h - y != 0"),
    ("mae-identity", "(h - y)/|h - y|", "h - y != 0"),
    ("mse-relu", "where(z >= 0, h - y, 0)", "z != 0"),
    ("mse-relu", "(h - y)*(1 + sign(z))/2", "z != 0"),
    ("bce-sigmoid", "(h - y)*z/z", "z != 0"),
    ("mse-identity", "(h*h - y^2)/(h + y)", "h + y != 0"),
]


@pytest.mark.parametrize(("pair", "claim", "condition"), SINGLE_VALUES)
def test_single_values_are_left_out_by_a_condition_that_is_said(pair: str, claim: str, condition: str) -> None:
    found = derive.check(claim, pair)
    assert found.answer == "right" and condition in found.to_json()["conditions"]


@pytest.mark.parametrize("activation", ["relu", "leakyrelu", "elu", "hardtanh"])
def test_no_value_is_right_at_a_kink(activation: str) -> None:
    """Only off it; a wrong piece is wrong whatever stands at the kink."""
    pair = f"mse-{activation}"
    delta = derive.prove(pair).delta
    assert derive.check(delta, pair).answer == "right"
    conditions = derive.check(delta, pair).to_json()["conditions"]
    assert (activation == "elu") or any("!=" in c for c in conditions)
    assert derive.check(f"{delta} + where(z > 1/7, 1, 0)", pair).answer != "right"


# ---- traps


RIGHT = [
    ("bce-sigmoid", "sigmoid(z) - y"),
    ("bce-sigmoid", "1/(1 + exp(-z)) - y"),
    ("bce-sigmoid", "(tanh(z/2) + 1)/2 - y"),
    ("bce-sigmoid", "exp(z)/(1 + exp(z)) - y"),
    ("bce-sigmoid", "h - y + 0.1 + 0.2 - 0.3"),
    ("bce-sigmoid", "dJ/dh*dh/dz"),
    ("bce-sigmoid", "dJ/dh*h*(1 - h)"),
    ("bce-sigmoid", "-(y - h)"),
    ("cce-softmax", "dJ/dz_k = h_k*sum(l, y_l) - y_k"),
    ("cce-softmax", "dJ/dz_l = h_l*sum(k, y_k) - y_l"),
    ("cce-softmax", "dJ/dz_j = sum(k, dJ/dh_k*dh_k/dz_j)"),
    ("cce-softmax", "dJ/dz_j = -sum(k, y_k*(kron(j, k) - h_j))"),
    ("cce-softmax", "dh_k/dz_j = h_k*(kron(j, k) - h_j)"),
    ("cce-softmax", "dh_j/dz_j = h_j*(1 - h_j)"),
    ("cce-softmax", "dh_j/dz_j = h_j*(kron(j, j) - h_j)"),
    ("cce-softmax", "sum(k, dJ/dz_k) = 0"),
    ("cce-softmax", "sum(k, dh_k/dz_j) = 0"),
    ("cce-softmax", "d/dz_k (sum(l, z_l^2)) = 2*z_k"),
    ("cce-softmax", "d2J/dz_j dz_k = h_k*(kron(j, k) - h_j)"),
    ("mse-relu", "h = max(z, 0)"),
    ("logistic-identity", "-y^3*sigmoid(-z*y^5)"),
    ("poisson-exp", "exp(z) - y"),
]


@pytest.mark.parametrize(("pair", "claim"), RIGHT)
def test_the_same_in_other_words_is_right(pair: str, claim: str) -> None:
    """Without a condition but for the one on the targets of the pair."""
    found = derive.check(claim, pair)
    assert found.answer == "right"
    assert {*found.to_json()["conditions"]} <= {"sum(k, y[k]) = 1"}


NOT_RIGHT = [
    ("cce-softmax", "dJ/dz_j = h_k*sum(l, y_l) - y_k"),
    ("cce-softmax", "dJ/dz_k = h - y"),
    ("cce-softmax", "dJ/dz = h_k - y_k"),
    ("cce-softmax", "dh_k/dz_j = h_k*(1 - h_j)"),
    ("cce-softmax", "dh_k/dz_j = -h_k*h_j"),
    ("cce-softmax", "dJ/dz_j = dJ/dh_j*dh_j/dz_j"),
    ("cce-softmax", "dJ/dz_j = sum(k, dJ/dh_k*dh_k/dz_k)"),
    ("cce-softmax", "d/dz_k (sum(l, z_l^2)) = 2*z_j"),
    ("cce-softmax", "d/dz_k (sum(l, z_l^2)) = 2*sum(l, z_l)"),
    ("cce-softmax", "sum(k, d/dz_k (h_k)) = 0"),
    ("cce-softmax", "y_j*y_k = kron(j, k)*y_j"),
    ("cce-softmax", "d/dy_j (sum(k, y_k)) = 0"),
    ("cce-softmax", "d/dh_j (sum(k, h_k)) = 0"),
    ("cce-softmax", "K = 2"),
    ("bce-sigmoid", "d/dz (dJ/dz) = 0"),
    ("bce-sigmoid", "d/dz (dh/dz) = 0"),
    ("bce-sigmoid", "d/dz (delta) = 0"),
    ("bce-sigmoid", "d/dh (dJ/dh) = 0"),
    ("bce-sigmoid", "d2J/dz dh = 0"),
    ("bce-sigmoid", "d/dz (h*dJ/dh) = dJ/dh*h*(1 - h)"),
    ("cce-softmax", "d/dz_j (dJ/dz_k) = 0"),
    ("cce-softmax", "d2J/dz_j dz_k = 0"),
    ("bce-sigmoid", "sqrt(z^2) = z"),
    ("bce-sigmoid", "log(exp(z) + 1/10^60) = z"),
    ("bce-sigmoid", "h - y + (sqrt(1 + 1/10^80) - 1)*z"),
    ("bce-sigmoid", "y^2 = y"),
    ("bce-sigmoid", "y = 1"),
    ("bce-sigmoid", "J = 1"),
    ("bce-sigmoid", "1 = 2"),
    ("bce-sigmoid", "log(-1) = log(-1)"),
    ("bce-sigmoid", "dJ/dz + 0*log(-h) = dJ/dz"),
    ("logistic-identity", "d/dy (y^2) = 0"),
    ("logistic-identity", "sigmoid(z) - y"),
    ("mse-relu", "h = z"),
    ("mse-relu", "where(z > 0, h - y, 1/10^50)"),
    ("mae-identity", "1"),
]


@pytest.mark.parametrize(("pair", "claim"), NOT_RIGHT)
def test_what_looks_true_and_is_not_is_not_right(pair: str, claim: str) -> None:
    assert derive.check(claim, pair).answer != "right"


@pytest.mark.parametrize("claim", ["h = softmax(z)", "h_j = softmax(z)[j]", "h_k = softmax(z)[k]"])
def test_softmax_of_the_whole_is_the_output_of_each(claim: str) -> None:
    """Without an index it is that of the coordinate, as h is."""
    assert derive.check(claim, "cce-softmax").answer == "right"


@pytest.mark.parametrize("claim", ["dz/dh = 0", "dz/dh = 1/(h*(1 - h))", "dh/dJ = 1", "d/dh (z) = 0"])
def test_no_derivative_is_by_what_comes_after(claim: str) -> None:
    with pytest.raises(derive.DeriveError):
        derive.check(claim, "bce-sigmoid")


@pytest.mark.parametrize(
    "claim",
    [
        "dJ/dz_k = h_k*sum(k, y_k) - y_k",  # k is free and bound
        "d/dz_k (sum(k, z_k^2)) = 2*z_k",
        "d/dz_j (sum(j, z_j^2)) = 2*z_j",
        "sum(k, sum(k, 1)) = K^2",
        "sum(j, d/dz_j (z_j^2)) = 2*sum(j, z_j)",
        "h_j - y_k",  # a bare expression is about one index
    ],
)
def test_an_index_with_two_meanings_is_refused(claim: str) -> None:
    with pytest.raises(derive.DeriveError):
        derive.check(claim, "cce-softmax")


def test_a_loss_that_uses_z_has_two_slopes() -> None:
    """dJ/dh with z kept, and dJ/dz with h moving."""
    given = {"loss": "h*z - y*z", "activation": "sigmoid(z)"}
    assert derive.check("dJ/dh = z", **given).answer == "right"
    assert derive.check("dJ/dz = h - y + z*h*(1 - h)", **given).answer == "right"
    assert derive.check("dJ/dz = h - y", **given).answer == "wrong"
    assert derive.check("dJ/dz = dJ/dh*dh/dz", **given).answer == "wrong"


# ---- what mutation testing found


@pytest.mark.parametrize("claim", ["h - y + 0/max(0, z - 200)", "h - y + 0/(|z - 200| + z - 200)"])
def test_where_no_generic_point_is_found_nothing_is_said_to_be_thin(claim: str) -> None:
    """All generic points have z < 100; what is undefined for z < 200 is not right off single values of z."""
    found = derive.check(claim, loss="(h - y)^2/2", activation="z", assume=("z > 100",))
    assert found.answer != "right"


def test_the_function_that_stands_for_any_other_has_its_own_derivative() -> None:
    z, place = var("z"), Point({("z", ()): fmpq(1, 3)}, {}, {})
    for argument in (z, power(z, 2), call("f", z)):
        value, slope = _instance(call("f", argument)), _instance(call("f'", argument))
        times_inner = evaluate(_instance(argument), place, {}, ("z", ()), 256)[1]
        assert evaluate(value, place, {}, ("z", ()), 256)[1].overlaps(
            evaluate(slope, place, {}, None, 256)[0] * times_inner
        )
        assert value != slope and not {t.args[0] for t in subterms(value) if t.kind == "call"} - {"sigmoid"}
    with pytest.raises(KernelError, match="second derivative"):
        _instance(call("f''", z))


UNSAID = [
    # (pair, claim): right on the whole domain, which is seen only on each side of a border
    ("huber-identity", "where(|h - y| <= d, h - y, d*sign(h - y))"),
    ("huber-identity", "where(|h - y| <= d, h - y, |d|*sign(h - y))"),
    ("huber-identity", "where(d < h - y, d, where(d < y - h, -d, h - y))"),
    ("mse-identity", "where(z > 0, z, -z) = |z|"),
    ("mse-identity", "cosh(|z|) = cosh(z)"),
    ("mse-identity", "atan(|z|)^2 = atan(z)^2"),
    ("mse-relu", "h*|z| = h*z"),
    # the border stands in what h and J are defined to be: h is 0 or z
    ("mse-relu", "(exp(h) - 1)*(exp(h - z) - 1) = 0"),
    ("mse-relu", "(exp(J - y^2/2) - 1)*(exp(J - (z - y)^2/2) - 1) = 0"),
]


@pytest.mark.parametrize(("pair", "claim"), UNSAID)
def test_what_holds_on_both_sides_of_a_border_and_on_it_needs_no_condition(pair: str, claim: str) -> None:
    found = derive.check(claim, pair)
    assert found.answer == "right" and found.to_json()["conditions"] == []


SQUARE = {"loss": "(h - y)^2/2", "activation": "z"}
FALSE_FAR_OUT = [
    # (claim, domain): false where no point is tried, and true or not defined where points are
    ("where(z < 0, 5, where(z < 100, h - y, 7))", ("z >= 0",)),
    ("where(z > 0, where(z > 100, 7, h - y), h - y)", ()),
    ("where(z > 0, h - y, where(z < -100, 7, h - y))", ()),
    ("where(|z| < 100, h - y, 7)", ()),
    ("cosh(|z|) = where(z < 100, cosh(z), 7)", ()),
    ("cosh(|z|) = where(z > -100, cosh(z), 7)", ()),
]


@pytest.mark.parametrize(("claim", "domain"), FALSE_FAR_OUT)
def test_each_side_of_a_border_is_proved_however_far_out(claim: str, domain: tuple[str, ...]) -> None:
    assert derive.check(claim, **SQUARE, assume=domain).answer == "undecided"


def test_a_side_on_which_nothing_is_needs_no_proof() -> None:
    """Of z >= 0 there is nothing below 0, and of z > 0 a border at -1 is none."""
    for claim in ("where(z < 0, 5, cosh(|y|)) = cosh(y)", "where(z > 0, cosh(|y|), cosh(-y)) = cosh(y)"):
        assert derive.check(claim, **SQUARE, assume=("z >= 0",)).answer == "right"
    walls = " + ".join(f"0*where(z > {-n}, 1, 2)" for n in range(1, 7))
    assert derive.check(f"cosh(|y|) + {walls} = cosh(y)", **SQUARE, assume=("z > 0",)).answer == "right"


def test_a_border_with_an_index_is_not_that_of_all_coordinates_at_once() -> None:
    """With z_j > 0 for all j, and then z_j < 0 for all j, both sides would be proved."""
    found = derive.check("where(z_j > 0, 1, where(z_k > 0, 0, 1)) = 1", "mse-softmax")
    assert found.answer == "wrong"


def distances(count: int) -> str:
    """The sum of |z - n|, written once more as pieces."""
    bars = (f"|z - {n}|" for n in range(count))
    pieces = (f"where(z > {n}, z - {n}, {n} - z)" for n in range(count))
    return f"{' + '.join(bars)} = {' + '.join(pieces)}"


def test_five_borders_within_one_another_are_looked_at_and_no_more() -> None:
    assert derive.check(distances(5), "mse-identity").answer == "right"
    assert derive.check(distances(6), "mse-identity").answer == "undecided"


# ---- what is left out, where generic points of the domain are rare


def test_what_the_pair_leaves_out_itself_needs_no_generic_point() -> None:
    """All generic points have z < 100, and the kink at h = y is the pair's own."""
    given = {"activation": "z", "loss": "|h - y|", "assume": ("z > 100",)}
    assert derive.check("sign(h - y)", **given).to_json()["conditions"] == ["h - y != 0"]
    assert derive.check("sign(h - y)", **given).answer == "right"


def test_a_kink_that_the_proof_has_joined_is_the_pairs_own() -> None:
    """h = x |x| with x = z - 200 has the derivative 2 |x|, at 0 too; by the laws alone not there: a claim may lack it.

    The proof for all z is one for z > 100, where no generic point is.
    """
    given = {"loss": "(h - y)^2/2", "activation": "(z - 200)*|z - 200|"}
    found = checking.setting(None, **given)[1]()
    model = checking.setting(None, **given, assume=("z > 100",))[0]
    assert found is not None
    model.learn(step.theorem for step in found.steps if not step.where)
    slope = model.stand_in(COST, var("z"))
    bare, signed = (parse(text, model.symbols) for text in ("2*|z - 200|*(h - y)", "2*(z - 200)*sign(z - 200)*(h - y)"))
    assert judge(model, slope, bare) == Judgement(True)
    assert judge(model, slope, signed) == Judgement(True, (parse_relation("z - 200 != 0", model.symbols),))


def test_what_the_laws_alone_prove_is_right() -> None:
    """By the power rule; (2 - p)/(2 - p) needs no condition, as 1 < p < 2. The proof of the pair has another form."""
    claim = "dJ/dh = ((2 - p)*h^((2 - p) - 1))/(2 - p) - y*((1 - p)*h^((1 - p) - 1))/(1 - p)"
    found = derive.check(claim, "tweedie-power")
    assert found.answer == "right" and found.to_json()["conditions"] == []


@pytest.mark.parametrize(
    ("claim", "given"),
    [
        ("-y*sigmoid(-y*z)*(z - 2)/(z - 2)", {"pair": "logistic-identity"}),  # of generic points those with y^2 = 1
        ("(h - y)*(z - 1)/(z - 1)", {**SQUARE, "assume": ("z > 0",)}),  # half of them are in the domain
        ("(h - y)*(z - 1)*(h + y)/((z - 1)*(h + y))", {**SQUARE, "assume": ("z > 0", "z < 2")}),
    ],
)
def test_generic_points_are_those_of_the_domain(claim: str, given: dict[str, Any]) -> None:
    found = derive.check(claim, **given)
    assert found.answer == "right" and all("!=" in c for c in found.to_json()["conditions"])


def test_all_that_may_leave_out_too_much_is_said() -> None:
    claim = "h - y + 0/max(0, z - 200) + 0/max(0, z - 300)"
    found = derive.check(claim, **SQUARE, assume=("z > 100",))
    walls = [f"where(0 > z - {n}, 0, z - {n}) != 0" for n in (200, 300)]
    assert found.reason == (
        f"undecided: it is proved only where {', '.join(walls)}, which may leave out more than single points"
    )


# ---- right on a smaller domain


def asked_and_judged(claim: str, **given: Any) -> tuple[Model, Judgement]:
    """The judgement of dJ/dz = claim."""
    model, _ = checking.setting(None, **given)
    return model, judge(model, model.stand_in(COST, model.variable), parse(claim, model.symbols))


@pytest.mark.parametrize(
    ("claim", "domain"),
    [
        ("exp(log(z)) - y", ("z > -1/2", "y > 2")),
        ("exp(log(z)) - y + 0*log(1 - z)", ("y > 2",)),  # never do both fail
        ("z - y + 0*sqrt(z - 1)", ("z < 3", "z > -3", "y < 0")),
    ],
)
def test_what_is_right_on_a_smaller_domain_has_no_value_at_a_point_of_the_domain(
    claim: str, domain: tuple[str, ...]
) -> None:
    model, found = asked_and_judged(claim, **SQUARE, assume=domain)
    assert (found.holds, found.right) == (False, "undefined") and found.point is not None
    assert found.conditions and all(r.args[0] in (">", ">=") for r in found.conditions)
    assert all(holds(parse_relation(r, model.symbols), found.point, model.definitions) for r in domain)
    assert not all(holds(r, found.point, model.definitions) for r in found.conditions)
    values = found.point.values
    assert found.left == str(values["z", ()] - values["y", ()])  # type: ignore[operator]


def test_the_point_of_a_smaller_domain_gives_the_left_side_a_value() -> None:
    """Where z < -1 the right side is not defined; at z = -2, which is tried first, the left one is not either."""
    found = derive.check("z/(z + 2) = exp(log(z + 1) - log(z + 1))*z/(z + 2)", "mse-identity")
    witness = found.to_json()["witness"]
    assert (found.answer, witness["z"], witness["value"], witness["claim"]) == ("wrong", "-4", "2", "undefined")


def test_a_smaller_domain_that_lacks_single_points_only_is_undecided() -> None:
    reason = "it is right on a smaller domain, but no point outside of that was found"
    assert derive.check("exp(log(|z|)) = |z|", "mse-identity").reason == f"undecided: {reason}"


# ---- the points that are tried

DRAWN = 300
MODELS: dict[str, dict[str, Any]] = {
    "mse-sigmoid": {"pair": "mse-sigmoid"},
    "focal-sigmoid": {"pair": "focal-sigmoid"},  # two parameters, and y of 0 or 1
    "logistic-identity": {"pair": "logistic-identity"},  # y of -1 or 1
    "mse-softmax": {"pair": "mse-softmax"},
    "cce-softmax": {"pair": "cce-softmax"},  # sum y = 1
    "cce-softmax averaged": {"pair": "cce-softmax", "average": True},
    "network": {"pair": "bce-sigmoid", "layer": 2, "average": True, "l2": True},
    "network of shares": {"pair": "cce-softmax", "layer": 2, "average": True},
}
per_model = pytest.mark.parametrize("name", MODELS)


def drawn(name: str, generic: bool = False) -> tuple[Model, list[Point]]:
    model = checking.setting(**MODELS[name])[0]
    return model, list(islice(_drawn(model, generic), DRAWN))


def rows(point: Point) -> list[list[Any]]:
    """The targets, class by class: a row an example."""
    keys = sorted(key for key in point.values if key[0] == "y")
    of_row = {rest: [point.values[key] for key in keys if key[1][:-1] == rest] for rest in {k[1][:-1] for k in keys}}
    return list(of_row.values())


@per_model
@pytest.mark.parametrize("generic", [False, True])
def test_a_point_that_is_drawn_has_one_number_for_each_name_and_place(name: str, generic: bool) -> None:
    model, points = drawn(name, generic)
    families, scalars, _ = model.names
    over = {n: sizes for n, sizes in families.items() if n not in model.definitions}
    over |= {n: () for n in scalars if n not in model.definitions}
    for point in points:
        counts = {n: place for n, place in point.sizes.items()}
        expected = {
            (n, place) for n, sizes in over.items() for place in product(*(range(1, counts[i] + 1) for i in sizes))
        }
        assert point.values.keys() == expected and not point.indices
    used = {size for sizes in families.values() for size in sizes}
    for size, counts_of in SIZES.items():
        assert {p.sizes.get(size) for p in points} == ({*counts_of} if size in used else {None})


@per_model
def test_simple_numbers_are_drawn_for_each_name_and_all_of_them(name: str) -> None:
    model, points = drawn(name)
    own = {n for r in model.statement.parameters for n in r.names} | {"lambda"}
    seen: dict[str, set[Any]] = {}
    for point in points:
        for (of, _), value in point.values.items():
            seen.setdefault(of, set()).add(value)
    for of, numbers in seen.items():
        allowed = PARAMETERS if of in own else NUMBERS if of != "y" else (0, 1) if model.conditions else TARGETS
        assert numbers == {fmpq(n) for n in allowed}, of
    if model.conditions:
        assert all(sum(row) == 1 for point in points for row in rows(point))
        assert {row.index(1) for point in points for row in rows(point)} == {0, 1, 2}


@per_model
def test_generic_numbers_solve_no_simple_equation(name: str) -> None:
    """They have a large prime denominator, unless they are targets of few values; shares add up to 1."""
    model, points = drawn(name, generic=True)
    own = {n for r in model.statement.parameters for n in r.names} | {"lambda"}
    for point in points:
        for (of, _), value in point.values.items():
            if of == "y" and (model.cases or model.conditions):
                continue
            assert isinstance(value, fmpq) and value.q == LARGE
            assert 0 < value < (1 if of == "y" else 3) if of in {*own, "y"} else -3 < value < 3
        if model.conditions:
            assert all(sum(row) == 1 and min(row) > 0 and max(row) < 1 for row in rows(point))
        elif model.cases:
            assert {value for row in rows(point) for value in row} <= {fmpq(n) for n in TARGETS}
    others = [v for p in points for (of, _), v in p.values.items() if of not in {*own, "y"}]
    assert min(others) < -2 and max(others) > 2  # type: ignore[type-var]
    if not model.cases:
        assert len({str(rows(point)) for point in points}) > DRAWN - 10


def test_the_shares_of_each_example_add_up_to_one() -> None:
    """And nothing but the targets is changed."""
    values = {(name, (i, k)): fmpq(7) for name in ("y", "z") for i in (1, 2) for k in (1, 2, 3)}
    found = _shares(values, random.Random(5))
    assert found.keys() == {key for key in values if key[0] == "y"}
    parts = [[found["y", (i, k)] for k in (1, 2, 3)] for i in (1, 2)]
    assert [sum(row) for row in parts] == [1, 1] and parts[0] != parts[1]
    assert all(0 < part < 1 for row in parts for part in row)


def test_free_indices_that_a_point_lacks_are_one_and_two() -> None:
    """Those that it has are kept; an index over one unit is 1, and over none there is no point."""
    i, j, k, s = index("i", "m"), index("j", "K"), index("k", "K"), index("s", "n1")
    point = Point({}, {"K": 3, "m": 2, "n1": 1}, {"j": 3})
    found = [p.indices for p in _everywhere([point], (j, k, i, s))]
    assert found == [{"j": 3, "k": a, "i": b, "s": 1} for a in (1, 2) for b in (1, 2)]
    assert not [*_everywhere([point], (index("q", "n2"),))]
    assert [*_everywhere([point], ())] == [point]


def test_a_pair_is_tried_at_its_simple_points_first_and_then_at_drawn_ones_too() -> None:
    model, j = model_of("mse-softmax"), index("j")
    simple, own = [*islice(candidates(model.statement), SIMPLE + 5)], [*islice(_drawn(model), 5)]
    mixed = [point for both in zip(simple[SIMPLE:], own, strict=True) for point in both]
    expected = [*simple[:SIMPLE], *_everywhere(mixed, (j,))]
    assert [*islice(_points(model, (item("z", j),)), len(expected))] == expected


def test_points_of_two_kinds_alternate_while_there_are_both() -> None:
    a, b, c, d = (Point({}, {"K": n}, {}) for n in range(1, 5))
    assert [*_alternating(iter((a, b, c)), iter((d,)))] == [a, d, b, c]


def test_a_network_is_tried_at_points_that_give_all_its_weights_a_value() -> None:
    model = checking.setting(**MODELS["network"])[0]
    for point in islice(_points(model, (model.variable,)), SIMPLE):
        assert {"Theta1", "Theta2", "b1", "b2", "a1", "y", "lambda"} == {name for name, _ in point.values}
        assert point.indices.keys() == {"i", "j"}


# ---- what is asked at a point


def test_a_first_derivative_is_asked_of_dual_numbers_and_not_of_a_law() -> None:
    """But where a line before has stated it to be something else, and the second, which dual numbers do not have."""
    model = model_of("mse-softmax")
    first = model.stand_in(COST, model.variable)
    assert _request(model, first, {}) == Slope(COST, model.variable)
    assert _request(model, first, {"dJ/dz": ONE}) == first
    assert _request(model, first, {"z": ONE}) == Slope(COST, model.variable)
    second = model.stand_in(COST, model.variable, 2)
    assert _request(model, second, {}) == second
    assert _request(model, model.variable, {}) == model.variable


@pytest.mark.parametrize("pair", ["logistic-identity", "hinge-identity", "focal-sigmoid"])
def test_a_target_of_a_witness_is_one_of_the_few_that_there_are(pair: str) -> None:
    model, found = model_of(pair), judged(pair, num(7))
    assert found.holds is False and found.point is not None
    assert sum(holds(case, found.point, model.definitions) for case in model.cases) == 1


def test_a_witness_is_in_the_domain() -> None:
    _, found = asked_and_judged("h + y", **SQUARE, assume=("z > 1", "y < -1/2"))
    assert found.holds is False and found.point is not None
    assert found.point.values["z", ()] > 1 and found.point.values["y", ()] < fmpq(-1, 2)  # type: ignore[operator]


def test_two_numbers_have_as_many_digits_as_it_takes_to_differ() -> None:
    """Fifteen, where they differ in the first ones; a hundred for a difference of 10^-40, a thousand for 10^-300."""
    z, place = var("z"), Point({("z", ()): fmpq(1)}, {}, {})
    third = mul(num(1, 3), call("exp", z))
    for exponent, digits in ((2, 15), (40, 100), (300, 1000)):
        other = add(third, num(1, 10**exponent))
        left, right = _shown((third, other), place, {})
        assert left != right and {len(t) - 2 for t in (left, right)} <= {digits - 1, digits}, (left, right)
    assert _shown((third, third), place, {})[0] == _shown((third, third), place, {})[1]
