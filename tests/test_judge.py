"""Attacks on the judgement of claims: mutated derivatives, conditions that leave nothing, borders, points beside the
domain. What is right or wrong is found out without the package, by differences of J in mpmath."""

from __future__ import annotations

from collections.abc import Iterator

import mpmath
import pytest
from flint import fmpq
from samples import CORE, RARE, stored
from written_out import DIGITS, Place, close, difference_slope, places, written

import derive
from derive import checking
from derive.balls import Point, evaluate
from derive.derivation import COST
from derive.errors import KernelError
from derive.judge import Judgement, _instance, judge
from derive.model import Model
from derive.term import ONE, Term, add, call, mul, neg, num, power, replace, subterms, sum_over, var
from derive.verdict import spread

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
