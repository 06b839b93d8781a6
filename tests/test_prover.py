"""The prover: what each pair must come out as, and each number of it by routes that share no code with the proof."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import mpmath
import pytest
import sympy
from mpmath import mpf
from written_out import (
    DIGITS,
    Place,
    close,
    difference_slope,
    is_slope,
    outputs,
    places,
    random_place,
    sympy_slope,
    written,
)

from derive import catalogue, prover
from derive.certificate import dumps, file_name, folder, load
from derive.errors import DeriveError, UnknownName
from derive.kernel import Theory
from derive.proof import Proof
from derive.syntax import parse, parse_relation, plain
from derive.term import Term, div, index, item, mul, power, rebuild, size, sub, var

LOSSES = ("mse", "sse", "bce", "cce", "poisson")
ACTIVATIONS = ("identity", "sigmoid", "tanh", "exp", "softplus", "softmax")


class Expected(NamedTuple):
    """kind and delta = dJ/dz per sample, before any condition; the factor where delta = factor (h - y)."""

    kind: str
    delta: str
    factor: str | None = None
    conditions: tuple[str, ...] = ()


def residual(factor: str, kind: str = "residual") -> Expected:
    return Expected(kind, f"({factor})*(h - y)", factor)


# From the definitions, by hand. A squared error carries h'(z) along; the entropy and Poisson losses divide it
# by h (1 - h), h or nothing; softmax has dh_k/dz_j = h_k (delta_kj - h_j), and its outputs sum to 1.
CANCELS = Expected("cancels", "h - y")
SUM_TO_ONE = ("sum(k, y[k]) = 1",)
SOFTMAX_LABELS = "h[j]*sum(k, y[k]) - y[j]"
SOFTMAX_SQUARES = "h[j]*(h[j] - y[j]) - h[j]*sum(l, h[l]*(h[l] - y[l]))"
EXPECTED = {
    "mse-identity": CANCELS,
    "mse-sigmoid": residual("h - h^2"),
    "mse-tanh": residual("(1 - h)*(1 + h)"),
    "mse-exp": residual("h"),
    "mse-softplus": residual("1 - exp(-h)"),
    "mse-softmax": Expected("other", SOFTMAX_SQUARES),
    "sse-identity": residual("2", "multiple"),
    "sse-sigmoid": residual("2*h - 2*h^2"),
    "sse-tanh": residual("2 - 2*h^2"),
    "sse-exp": residual("2*h"),
    "sse-softplus": residual("2 - 2/exp(h)"),
    "sse-softmax": Expected("other", f"2*({SOFTMAX_SQUARES})"),
    "bce-sigmoid": CANCELS,
    "bce-softmax": Expected(
        "other", "h[j]*((h[j] - y[j])/(h[j]*(1 - h[j])) - sum(l, h[l]*((h[l] - y[l])/(h[l]*(1 - h[l])))))"
    ),
    "cce-sigmoid": Expected("other", "y[j]*(h[j] - 1)"),
    "cce-exp": Expected("other", "-y[j]"),
    "cce-softplus": Expected("other", "y[j]*(exp(-h[j]) - 1)/h[j]"),
    "cce-softmax": Expected("cancels", SOFTMAX_LABELS, None, SUM_TO_ONE),
    "poisson-sigmoid": residual("1 - h"),
    "poisson-exp": CANCELS,
    "poisson-softplus": residual("(1 - exp(-h))/h"),
    # sum_k (1 - y_k/h_k) h_k (delta_kj - h_j) = (h_j - y_j) - h_j (1 - sum y), as the outputs add up to 1
    "poisson-softmax": Expected("cancels", SOFTMAX_LABELS, None, SUM_TO_ONE),
}
# h at a point where the activation has left the domain of the loss, and what of the domain fails there.
INADMISSIBLE = {
    "bce-identity": ("0 < h", "h = 0 at z = 0"),
    "bce-tanh": ("0 < h", "h = 0 at z = 0"),
    "bce-exp": ("h < 1", "h = 1.000 at z = 0"),
    "bce-softplus": ("h < 1", "h = 1.313 at z = 1"),  # log(1 + e)
    "cce-identity": ("0 < h[k]", "h = 0 at z[1] = 0"),
    "cce-tanh": ("0 < h[k]", "h = 0 at z[1] = 0"),
    "poisson-tanh": ("0 < h", "h = 0 at z = 0"),
}
CASES = [(pair, average) for pair in EXPECTED for average in (False, True)]
per_pair = pytest.mark.parametrize("pair", EXPECTED)
per_case = pytest.mark.parametrize(("pair", "average"), CASES, ids=[file_name(*c)[: -len(".json")] for c in CASES])


@cache
def fresh(pair: str, average: bool = False) -> Proof:
    return prover.prove(pair, average)


def shape(proof: Proof) -> str:
    """The indices of z: none, a class, or an example and a class."""
    return "".join(i.args[0] for i in proof.statement.preactivation.args[1:])


# ---- which pairs there are


def test_the_pairs_are_exactly_the_admissible_ones() -> None:
    among = {f"{a}-{b}" for a, b in product(LOSSES, ACTIVATIONS)} - {"poisson-identity"}  # restricted to z > 0
    assert among & set(catalogue.pairs()) == set(EXPECTED)
    assert set(EXPECTED) | set(INADMISSIBLE) == among
    assert not set(EXPECTED) & set(INADMISSIBLE)


@pytest.mark.parametrize("pair", INADMISSIBLE)
def test_an_inadmissible_pair_is_refused_with_the_reason(pair: str) -> None:
    needed, point = INADMISSIBLE[pair]
    reason = catalogue.why_inadmissible(pair)
    assert reason is not None
    assert reason.startswith(f"{needed} is needed, and {point}")
    for average in (False, True):
        with pytest.raises(UnknownName) as caught:
            prover.prove(pair, average)
        assert str(caught.value) == f"{pair} is no pair: {reason}"


@per_pair
def test_an_admissible_pair_has_no_obstacle(pair: str) -> None:
    assert catalogue.why_inadmissible(pair) is None


@pytest.mark.parametrize(
    "pair", ["", "mse", "mse-", "-sigmoid", "mse-nothing", "nothing-identity", "mse-sigmoid-x", "MSE-sigmoid"]
)
def test_a_pair_of_unknown_parts_is_refused(pair: str) -> None:
    for ask in (prover.prove, catalogue.why_inadmissible):
        with pytest.raises(UnknownName, match=r"is not <loss>-<activation>; losses: mse, sse, .*activations: identity"):
            ask(pair)


# ---- what comes out, compared by the kernel


def averaged(term: Term) -> Term:
    """A per-sample term as that of example i: h, y or h[k] become h[i, j], y[i, j], h[i, k]."""
    i, j = index("i", "m"), index("j")
    if term.kind == "var":
        return item(term.args[0], i, j)
    if term.kind == "item":
        return item(term.args[0], i, *term.args[1:])
    return rebuild(term, averaged)


def wanted(text: str, pair: str, average: bool) -> Term:
    """An expected value as a term; averaged, it is that of one example over m."""
    term = parse(text, fresh(pair).symbols)
    return div(averaged(term), size("m")) if average else term


def assert_equal(proof: Proof, left: Term, right: Term) -> None:
    """Equal by the kernel for every h in the domain of the loss, without further hypotheses."""
    theory = Theory(proof.statement.outer_definitions, proof.statement.loss_domain)
    theorem = theory.equal(left, right)
    assert set(theorem.hypotheses) <= set(proof.statement.loss_domain)


def expected_kind(pair: str, average: bool) -> str:
    """The mean turns h - y into (h - y)/m, which is a constant multiple, and leaves the other kinds as they are."""
    kind = EXPECTED[pair].kind
    return "multiple" if average and kind == "cancels" else kind


@per_case
def test_kind_and_answer(pair: str, average: bool) -> None:
    proof = fresh(pair, average)
    assert proof.kind == expected_kind(pair, average)
    assert proof.answer == ("yes" if proof.kind == "cancels" else "no")


@per_case
def test_delta(pair: str, average: bool) -> None:
    proof = fresh(pair, average)
    assert_equal(proof, proof.verdict.delta, wanted(EXPECTED[pair].delta, pair, average))


@per_case
def test_factor(pair: str, average: bool) -> None:
    """factor = g with delta = g (h - y), under the conditions; 1/m for what cancels in each sample."""
    proof, expected = fresh(pair, average), EXPECTED[pair]
    if proof.kind in ("cancels", "other"):
        assert proof.verdict.factor is None
        return
    assert proof.verdict.factor is not None
    assert_equal(proof, proof.verdict.factor, wanted(expected.factor or "1", pair, average))
    assert proof.conclusion.right == mul(*_factors(proof.verdict.factor), proof.statement.residual)


def _factors(term: Term) -> tuple[Term, ...]:
    return term.args if term.kind == "mul" else (term,)


@per_case
def test_conditions(pair: str, average: bool) -> None:
    proof = fresh(pair, average)
    example = "n" if pair.startswith("cce") else "i"  # the declared condition, or one read off dJ/dz: for every example
    texts = [text.replace("y[k]", f"y[{example}, k]") if average else text for text in EXPECTED[pair].conditions]
    assert list(proof.verdict.conditions) == [parse_relation(text, proof.symbols) for text in texts]


@per_case
def test_the_last_theorem_says_h_minus_y_at_the_coordinate_of_z(pair: str, average: bool) -> None:
    proof = fresh(pair, average)
    h, y = (_at_z(name, shape(proof)) for name in "hy")
    assert proof.statement.residual == sub(h, y)
    assert (proof.conclusion.right == sub(h, y)) == (proof.kind == "cancels")


def _at_z(name: str, letters: str) -> Term:
    indices = [index(letter, "m" if letter == "i" else "K") for letter in letters]
    return item(name, *indices) if indices else var(name)


@per_case
def test_more_than_one_class_is_asked_for_only_where_one_is_too_few(pair: str, average: bool) -> None:
    """With one class softmax is 1, and log(1 - h) is undefined; every other statement holds for K = 1 too."""
    proof = fresh(pair, average)
    assert [plain(r) for r in proof.statement.activation_domain] == (["K > 1"] if pair == "bce-softmax" else [])


def test_a_size_that_nothing_rests_on_is_not_asked_for() -> None:
    proof = prover.prove(loss="cce", activation="softmax", assume=["K > 5"])
    assert proof.answer == "yes" and proof.statement.activation_domain == proof.statement.parameters == ()
    needed = prover.prove(loss="bce", activation="softmax", assume=["K > 5"])
    assert [plain(r) for r in needed.statement.activation_domain] == ["K > 1"]


@pytest.mark.parametrize("loss", ["dice", "tversky"])
def test_a_size_that_only_the_domain_rests_on_is_asked_for(loss: str) -> None:
    """With one class h = 1, and not h < 1, though no step needs that."""
    proof = prover.prove(loss=loss, activation="softmax", assume=["K > 5"])
    assert "h[k] < 1" in map(plain, proof.statement.loss_domain)
    assert not any("K > 1" in map(plain, theorem.hypotheses) for theorem in proof.checked.theorems)
    assert [plain(r) for r in proof.statement.activation_domain] == ["K > 1"]
    one_class = proof.statement._replace(activation_domain=())
    assert prover.obstacle(one_class) == "h[k] < 1 is needed, and it is not proved for every z"


NORM = "sqrt(sum(k, (h[k] - y[k])^2))"
OVERLAP = "sum(k, h[k]*y[k])/sum(k, h[k]*y[k] + h[k]*(1 - y[k]) + (1 - h[k])*y[k])"


@pytest.mark.parametrize(
    ("loss", "activation", "point"),
    [
        (NORM, "z[k]", "h = 0 at z[1] = 0, z[2] = 0, y[1] = 0, y[2] = 0"),
        (OVERLAP, "sigmoid", "h = 0.5000 at z[1] = 0, z[2] = 0, y[1] = -1, y[2] = -1"),
    ],
)
def test_a_domain_may_rest_on_a_sum_and_on_targets(loss: str, activation: str, point: str) -> None:
    """It has no free index then."""
    with pytest.raises(DeriveError, match=re.escape(f"{point}; restrict z or y by --assume")):
        prover.prove(loss=loss, activation=activation)


def test_no_point_outside_of_the_targets_speaks_against_a_pair() -> None:
    proof = prover.prove(loss=OVERLAP, activation="sigmoid", assume=["0 <= y[k] <= 1"])
    assert (proof.answer, proof.kind) == ("no", "other")


def test_a_border_lies_inside_of_a_closed_domain() -> None:
    """Not at z = 0, from where y = h is no point between others."""
    loss = "h - y*log(h + c)"
    proof = prover.prove(loss=loss, activation="identity", params=["c > 0"], assume=["z >= 0"])
    open_ = prover.prove(loss=loss, activation="identity", params=["c > 0"], assume=["z > 0"])
    assert (
        (proof.answer, proof.kind, proof.delta)
        == (open_.answer, open_.kind, open_.delta)
        == ("no", "other", proof.delta)
    )
    assert proof.checked.certificate.points["border"].point.values["z", ()] > 0


@per_case
def test_the_averaged_cost_is_the_mean(pair: str, average: bool) -> None:
    cost = fresh(pair, average).statement.cost
    assert (cost.kind == "mul" and cost.args[0] == power(size("m"), -1)) == average
    assert shape(fresh(pair, average)) == ("ij" if average else "j" if "cce" in pair or "softmax" in pair else "")


@per_pair
def test_a_fresh_proof_is_the_shipped_one_byte_by_byte(pair: str) -> None:
    text = (folder() / file_name(pair, False)).read_text(encoding="ascii")
    assert dumps(fresh(pair).checked) == text
    assert dumps(load(pair)) == text


# ---- the same numbers by two other routes


@per_case
def test_delta_is_what_sympy_differentiates_and_what_differences_give(pair: str, average: bool) -> None:
    """For 1 to 3 classes and 1 to 3 examples, at rational points, to 40 and to 25 digits."""
    proof = fresh(pair, average)
    assert is_slope(pair, proof.verdict.delta, shape(proof))
    for place in places(pair, shape(proof)):
        with mpmath.workdps(DIGITS):
            delta = written(pair, place, shape(proof)).value(proof.verdict.delta)
            assert close(delta, difference_slope(pair, place), 25)


@per_pair
def test_every_derivative_in_the_steps_has_the_value_of_the_last(pair: str) -> None:
    """dJ/dz in each step, not only in the last, except where a condition is used that the point does not meet."""
    proof = fresh(pair)
    with mpmath.workdps(DIGITS):
        for place in places(pair, shape(proof)):
            found = written(pair, place, shape(proof))
            slope = mpf(str(sympy.N(sympy_slope(pair, place), 50)))
            for step in proof.steps:
                if (
                    isinstance(step.left, tuple)
                    and len(step.left) == 2
                    and step.left[1] == proof.statement.preactivation
                    and "J" in step.left[0].args
                ):
                    assert close(found.value(step.right), slope, 40) == (step.rule != "condition")


def test_under_the_condition_cce_softmax_is_h_minus_y() -> None:
    third = sympy.Rational(1, 3)
    place = random_place(7, 1, 3)._replace(y=((third / 2, third, third * 3 / 2),))
    with mpmath.workdps(DIGITS):
        found = written("cce-softmax", place, "j")
        expected = found.value(fresh("cce-softmax").statement.residual)
        assert close(mpf(str(sympy.N(sympy_slope("cce-softmax", place), 50))), expected, 40)


# ---- witnesses


class Shown(NamedTuple):
    """A witness as the certificate prints it, read without the package."""

    place: Place
    delta: str
    claim: str


def shown(proof: Proof, field: str) -> Shown | None:
    data = json.loads(dumps(proof.checked))["points"].get(field)
    if data is None:
        return None
    point = data["point"]
    examples, classes = int(point.get("m", 1)), int(point.get("K", 1))
    at = int(point.get("i", 1)) - 1, int(point.get("j", 1)) - 1

    def matrix(name: str) -> tuple[tuple[Any, ...], ...]:
        keys = {"": "{name}", "j": "{name}[{k}]", "ij": "{name}[{n},{k}]"}[shape(proof)]
        texts = [
            [point[keys.format(name=name, n=n, k=k)] for k in range(1, classes + 1)] for n in range(1, examples + 1)
        ]
        return tuple(tuple("h" if "h" in t else sympy.Rational(t) for t in row) for row in texts)

    return Shown(Place(matrix("z"), matrix("y"), at), data["delta"], data["claim"])


def with_output_as_target(pair: str, place: Place) -> Place:
    """The place of a border point, where y = h at one coordinate: h is put in, as an exact SymPy number."""
    h = outputs(pair.partition("-")[2], place.z, sympy)
    return place._replace(
        y=tuple(
            tuple(h[n][k] if value == "h" else value for k, value in enumerate(row)) for n, row in enumerate(place.y)
        )
    )


def residual_at(pair: str, place: Place) -> Any:
    n, k = place.at
    return outputs(pair.partition("-")[2], place.z, sympy)[n][k] - place.y[n][k]


def assert_printed(text: str, exact: Any) -> None:
    """The exact rational, or 15 correct digits."""
    if "." not in text:
        assert sympy.Rational(text) == sympy.nsimplify(exact)
    else:
        assert abs(sympy.Rational(text) - sympy.N(exact, 40)) < sympy.Rational(1, 10**14)


@per_case
def test_a_no_has_a_witness_that_sympy_confirms(pair: str, average: bool) -> None:
    """dJ/dz and h - y there, exactly; they differ; the place is in the domain and meets the declared targets."""
    proof = fresh(pair, average)
    witness = shown(proof, "witness")
    if proof.kind == "cancels" and not proof.conditions:
        assert witness is None
        return
    assert witness is not None
    slope, claim = sympy_slope(pair, witness.place), residual_at(pair, witness.place)
    assert_printed(witness.delta, slope)
    assert_printed(witness.claim, claim)
    assert abs(sympy.N(slope - claim, 40)) > sympy.Rational(1, 100)
    assert allowed_targets(pair, witness.place) == (proof.answer == "no")


@per_case
def test_other_has_a_border_point_that_sympy_confirms(pair: str, average: bool) -> None:
    """h = y there and still dJ/dz is not 0, so that dJ/dz is no multiple of h - y."""
    border = shown(fresh(pair, average), "border")
    assert (border is not None) == (EXPECTED[pair].kind == "other")
    if border is not None:
        place = with_output_as_target(pair, border.place)
        slope = sympy_slope(pair, place)
        assert residual_at(pair, place) == 0
        assert_printed(border.delta, slope)
        assert abs(sympy.N(slope, 40)) > sympy.Rational(1, 100)
        assert border.claim == "0"


def allowed_targets(pair: str, place: Place) -> bool:
    loss = pair.partition("-")[0]
    if loss == "cce":
        return all(sum(row) == 1 and min(row) >= 0 for row in place.y)
    if pair == "poisson-softmax" and any(sum(row) != 1 for row in place.y):
        return False  # the condition that is inferred
    bounds = {"bce": (0, 1), "poisson": (0, sympy.oo)}.get(loss, (-sympy.oo, sympy.oo))
    return all(bounds[0] <= y <= bounds[1] for row in place.y for y in row)


@per_case
def test_a_yes_has_a_point_where_its_conditions_hold_and_both_sides_agree(pair: str, average: bool) -> None:
    """So that it is no statement about nothing."""
    proof = fresh(pair, average)
    inside = shown(proof, "inside")
    assert (inside is not None) == (proof.answer == "yes")
    if inside is not None:
        assert allowed_targets(pair, inside.place)
        assert sympy.simplify(sympy_slope(pair, inside.place) - residual_at(pair, inside.place)) == 0
        assert_printed(inside.delta, sympy_slope(pair, inside.place))


# ---- the steps that a textbook shows


def told(pair: str, average: bool = False) -> list[tuple[str, str]]:
    return [(s.reason, s.statement) for s in fresh(pair, average).steps]


def test_bce_sigmoid_as_a_textbook_has_it() -> None:
    assert told("bce-sigmoid") == [
        ("loss-definition", "J = -y*log(h) - (1 - y)*log(1 - h)"),
        ("activation-definition", "h = 1/(1 + exp(-z))"),
        ("differentiate-loss", "dJ/dh = -y/h + (1 - y)/(1 - h)"),
        ("common-denominator", "dJ/dh = (h - y)/(h*(1 - h))"),
        ("differentiate-activation", "dh/dz = exp(-z)/(1 + exp(-z))^2"),
        ("in-output", "dh/dz = h*(1 - h)"),
        ("chain-rule", "dJ/dz = ((h - y)/(h*(1 - h)))*(h*(1 - h))"),
        ("cancel", "dJ/dz = h - y"),
        ("second", "d2J/dz2 = h*(1 - h)"),
    ]


def test_cce_softmax_splits_the_sum_collapses_it_and_states_its_condition() -> None:
    assert told("cce-softmax")[2:] == [
        ("differentiate-loss", "dJ/dh_k = -y[k]/h[k]"),
        (
            "differentiate-activation",
            "dh_k/dz_j = exp(z[k])*kron(k, j)/sum(l, exp(z[l])) - exp(z[k])*exp(z[j])/sum(l, exp(z[l]))^2",
        ),
        ("in-output", "dh_k/dz_j = h[k]*(kron(k, j) - h[j])"),
        ("chain-rule", "dJ/dz_j = sum(k, (-y[k]/h[k])*(h[k]*(kron(k, j) - h[j])))"),
        ("multiply", "dJ/dz_j = sum(k, -y[k]*(kron(k, j) - h[j]))"),
        ("split", "dJ/dz_j = sum(k, -y[k]*kron(k, j)) + h[j]*sum(k, y[k])"),
        ("collapse", "dJ/dz_j = -y[j] + h[j]*sum(k, y[k])"),
        ("simplify", "dJ/dz_j = h[j]*sum(k, y[k]) - y[j]"),
        ("second", "d2J/dz_j2 = h[j]*sum(k, y[k])*(1 - h[j])"),
        ("condition", "dJ/dz_j = h[j] - y[j]"),
    ]


@per_case
def test_every_derivation_starts_from_the_definitions_and_uses_the_chain_rule_once(pair: str, average: bool) -> None:
    proof = fresh(pair, average)
    reasons = [s.reason for s in proof.steps]
    assert reasons[:3] == ["loss-definition", "activation-definition", "differentiate-loss"]
    assert reasons.count("differentiate-activation") == reasons.count("chain-rule") == 1
    assert [s.rule for s in proof.steps].count("condition") == len(EXPECTED[pair].conditions)
    assert proof.steps[-1].rule == "condition" or not proof.conditions


@pytest.mark.parametrize("pair", ["mse-softmax", "sse-softmax", "bce-softmax", "cce-softmax", "poisson-softmax"])
@pytest.mark.parametrize("average", [False, True])
def test_softmax_shows_the_split_and_the_collapse(pair: str, average: bool) -> None:
    reasons = [s.reason for s in fresh(pair, average).steps]
    assert ("collapse-examples" in reasons) == average
    start = reasons.index("multiply")
    assert reasons[start : start + 3] == ["multiply", "split", "collapse"]


@per_case
def test_dh_dz_is_shown_in_terms_of_h(pair: str, average: bool) -> None:
    proof = fresh(pair, average)
    if not pair.endswith("identity"):
        step = next(s for s in proof.steps if s.reason == "in-output")
        assert "z" not in plain(step.right)


@pytest.mark.parametrize("pair", ["mse-sigmoid", "cce-softmax"])
def test_proving_twice_gives_the_same_bytes(pair: str) -> None:
    assert dumps(prover.prove(pair).checked) == dumps(prover.prove(pair).checked)
