"""The kinds of mistakes: planted in what is true, found by proof; mended by the factor that is named."""

from __future__ import annotations

from typing import Any

import pytest
from samples import CORE, stored

import derive
from derive.checking import Check
from derive.syntax import plain

CODES = {
    "sign", "constant-factor", "missing-activation-derivative", "extra-activation-derivative", "wrong-variable",
    "diagonal-jacobian", "missing-condition", "mean-factor", "label-convention", "domain", "other",
}  # fmt: skip
VECTORS = [pair for pair in CORE if pair.endswith("softmax")]
SCALARS = [pair for pair in CORE if not pair.endswith(("softmax", "identity"))]
CONDITIONAL = ("cce-softmax", "poisson-softmax")  # h - y only where sum y = 1
per_pair = pytest.mark.parametrize("pair", CORE)
per_scalar = pytest.mark.parametrize("pair", SCALARS)


def delta(pair: str) -> str:
    found = stored(pair).verdict.delta
    assert found is not None
    return plain(found)


def wrong(claim: str, pair: str | None = None, **given: Any) -> Check:
    found: Check = derive.check(claim, pair, **given)
    assert found.answer == "wrong" and found.slip in CODES and found.explanation
    return found


def assert_mended(claim: str, found: Check, pair: str | None = None, **given: Any) -> None:
    """The claim times the factor that the slip names is right."""
    assert found.wrong is not None and found.wrong.slip.factor is not None
    assert derive.check(f"({claim})*({plain(found.wrong.slip.factor)})", pair, **given).answer == "right"


@per_pair
def test_a_sign(pair: str) -> None:
    claim = f"-({delta(pair)})"
    found = wrong(claim, pair)
    assert found.slip == "sign"
    assert_mended(claim, found, pair)


@per_pair
@pytest.mark.parametrize("factor", ["2", "1/2", "3", "-2/7", "pi"])
def test_a_constant(pair: str, factor: str) -> None:
    claim = f"{factor}*({delta(pair)})"
    found = wrong(claim, pair)
    assert found.slip == "constant-factor"
    assert_mended(claim, found, pair)


@per_scalar
def test_the_derivative_of_the_activation_left_out(pair: str) -> None:
    """dJ/dh written out in the place of dJ/dz."""
    claim = derive.check("dJ/dh = 7", pair).correction
    assert claim is not None
    found = wrong(claim, pair)
    assert found.slip == "missing-activation-derivative"
    assert_mended(claim, found, pair)


@per_scalar
def test_the_derivative_of_the_activation_twice(pair: str) -> None:
    for slope in ("dh_j/dz_j",) if "[j]" in delta(pair) else ("dh/dz", "f'(z)"):
        assert wrong(f"({delta(pair)})*{slope}", pair).slip == "extra-activation-derivative"


@per_scalar
def test_a_derivative_by_another_variable(pair: str) -> None:
    found = wrong("dJ/dz = dJ/dh", pair)
    assert found.slip == "wrong-variable"
    assert_mended("dJ/dh", found, pair)
    assert wrong(f"dJ/dh = {delta(pair)}", pair).slip == "wrong-variable"


@pytest.mark.parametrize("pair", VECTORS)
def test_only_the_diagonal_of_a_jacobian(pair: str) -> None:
    assert wrong("dJ/dz_j = dJ/dh_j*dh_j/dz_j", pair).slip == "diagonal-jacobian"
    assert wrong("dJ/dz_j = dJ/dh_j*h_j*(1 - h_j)", pair).slip == "diagonal-jacobian"
    assert wrong("dJ/dz_k = dJ/dh_k*dh_k/dz_k", pair).slip == "diagonal-jacobian"


@pytest.mark.parametrize(
    ("loss", "condition"),
    [("-sum(k, y[k]*log(h[k]))", "sum(k, y[k]) = 1"), ("sum(k, y[k]*log(y[k]/h[k]))", "sum(k, y[k]) = 1")],
)
def test_a_condition_on_the_targets_that_nobody_said(loss: str, condition: str) -> None:
    given = {"loss": loss, "activation": "softmax(z)"}
    found = wrong("h_j - y_j", **given)
    assert found.slip == "missing-condition"
    assert found.to_json()["conditions"] == [condition]
    said = derive.check("h_j - y_j", assume=[condition], **given)
    assert said.answer == "right" and said.to_json()["conditions"] == [condition]


@pytest.mark.parametrize("pair", [pair for pair in CORE if pair not in VECTORS][:6])
def test_the_mean_over_examples(pair: str) -> None:
    total = derive.check("dJ/dz[i,k] = 7", pair, average=True).correction
    assert total is not None
    claim = f"dJ/dz[i,k] = m*({total})"
    found = wrong(claim, pair, average=True)
    assert found.slip == "mean-factor" and "1/m" in (found.explanation or "")
    assert wrong(f"dJ/dz[i,k] = ({total})/m", pair, average=True).slip == "mean-factor"


def test_labels() -> None:
    assert wrong("sigmoid(z) - y", "logistic-identity").slip == "label-convention"
    assert wrong("-y*sigmoid(-y*z)", "bce-sigmoid").slip == "label-convention"
    assert wrong("h - (1 - y)", "bce-sigmoid").slip == "label-convention"


@pytest.mark.parametrize(
    ("pair", "claim", "where"),
    [
        ("hinge-identity", "-y", "h*y < 1"),
        ("mse-relu", "h = z", "z > 0"),
        ("mse-leakyrelu", "h - y", "z > 0"),
        ("mse-hardtanh", "h - y", "z < 1"),
    ],
)
def test_right_on_a_part_of_the_domain(pair: str, claim: str, where: str) -> None:
    found = wrong(claim, pair)
    assert found.slip in ("domain", "missing-activation-derivative")
    assert found.slip != "domain" or "only where" in (found.explanation or "")
    assert found.slip != "domain" or where in (found.explanation or "")


@pytest.mark.parametrize(
    ("pair", "claim", "term"),
    [
        ("bce-sigmoid", "dJ/dh = -y/h - (1 - y)/(1 - h)", "(1 - y)/(1 - h)"),
        ("bce-sigmoid", "h + y", "y"),
        ("mse-sigmoid", "(h + y)*h*(1 - h)", "y"),
        ("mse-tanh", "(h - y)*(1 + h^2)", "h^2"),
    ],
)
def test_one_sign_of_several(pair: str, claim: str, term: str) -> None:
    found = wrong(claim, pair)
    assert found.slip == "sign" and term in (found.explanation or "")


@pytest.mark.parametrize("pair", VECTORS)
def test_a_sum_that_should_have_collapsed(pair: str) -> None:
    """Nothing is said of it where the sum is 0, as that of all dJ/dz of a softmax is."""
    found = wrong("dJ/dh_j = sum(k, dJ/dh_k)", pair)
    assert found.slip == "other" and "collapsed" in (found.explanation or "")
    assert "collapsed" not in (wrong("dJ/dz_j = 0", pair).explanation or "")


def test_the_weight_decay() -> None:
    found = wrong("dJ/dTheta2_kj = (h_k - y_k)*a2_j", "bce-sigmoid", layer=2, l2=True)
    assert found.slip == "other" and "add lambda*Theta2[k, j]" in (found.explanation or "")


@pytest.mark.parametrize(
    ("pair", "claim"),
    [
        ("bce-sigmoid", "7"),
        ("bce-sigmoid", "h - y + z/10^60"),
        ("bce-sigmoid", "h - y + 1"),
        ("mse-sigmoid", "(h - y)*h^2*(1 - h)"),
        ("cce-softmax", "dJ/dz_j = h_j"),
        ("mse-identity", "z*(h - y)"),
        ("mse-identity", "0"),
    ],
)
def test_nothing_is_made_up(pair: str, claim: str) -> None:
    """A factor that is no constant is no constant-factor."""
    assert wrong(claim, pair).slip == "other"


@per_pair
def test_what_is_right_has_no_slip(pair: str) -> None:
    found = derive.check(delta(pair), pair)
    assert (found.answer, found.slip, found.explanation, found.correction) == ("right", None, None, None)


@per_pair
def test_the_correction_is_right_and_is_what_the_claim_is_not(pair: str) -> None:
    for left in ("dJ/dz", "dJ/dh"):
        name = left + ("_j" if pair in VECTORS else "")
        found = wrong(f"{name} = 7 + z" + ("_j" if pair in VECTORS else ""), pair)
        assert derive.check(f"{name} = {found.correction}", pair).answer == "right"


# ---- what mutation testing found


@pytest.mark.parametrize(
    ("claim", "code"),
    [
        ("dJ/da2_j", "wrong-variable"),
        ("sum(k, Theta2_kj*(h_k - y_k))", "missing-activation-derivative"),
        ("sum(k, Theta2_kj*(h_k - y_k))*(a2_j*(1 - a2_j))^2", "extra-activation-derivative"),
        ("-dJ/da2_j*a2_j*(1 - a2_j)", "sign"),
    ],
)
def test_slips_below_the_output_layer(claim: str, code: str) -> None:
    """delta of the hidden layer is sum_k Theta_kj (h_k - y_k) a_j (1 - a_j) by the chain rule."""
    found = derive.check(claim, "bce-sigmoid", layer=2)
    assert (found.answer, found.to_json()["slip"]) == ("wrong", code)


def test_a_slip_names_the_derivative_that_is_claimed() -> None:
    assert "dJ/dz" in str(wrong("y - h", "bce-sigmoid").explanation)
    assert "dJ/dz_j" in str(wrong("y_j - h_j", "cce-softmax").explanation)


def test_a_wrong_second_derivative_is_named_and_measured() -> None:
    """d2J/dz2 of bce with sigmoid is h (1 - h): 1/4 at z = 0."""
    found = wrong("d2J/dz2 = -h*(1 - h)", "bce-sigmoid")
    assert "d2J/dz2" in str(found.explanation)
    witness = found.to_json()["witness"]
    assert (witness["z"], witness["value"], witness["claim"]) == ("0", "1/4", "-1/4")


def test_the_factor_that_is_too_much_or_missing_is_said() -> None:
    for claim, said in (("2*(h - y)", "the factor 2 is too much"), ("(h - y)/2", "the factor 2 is missing")):
        assert said in str(wrong(claim, "bce-sigmoid").explanation)


AVERAGED: dict[str, Any] = {"pair": "bce-sigmoid", "average": True}
NETWORK: dict[str, Any] = {"pair": "bce-sigmoid", "layer": 2}
DECAYED: dict[str, Any] = {**NETWORK, "l2": True}
SHARES: dict[str, Any] = {"loss": "-sum(k, y[k]*log(h[k]))", "activation": "softmax(z)"}
SENTENCES = [
    # (claim, of what, what is said)
    ("y - h", {"pair": "bce-sigmoid"}, "The sign is wrong: times -1 this is dJ/dz."),
    ("d2J/dz2 = -h*(1 - h)", {"pair": "bce-sigmoid"}, "The sign is wrong: times -1 this is d2J/dz2."),
    ("dh/dz = -h*(1 - h)", {"pair": "bce-sigmoid"}, "The sign is wrong: times -1 this is dh/dz."),
    ("h = -z", {"pair": "mse-identity"}, "The sign is wrong: times -1 this is h."),
    (
        "dJ/dz = dJ/dh",
        {"pair": "mse-sigmoid"},
        "This is dJ/dh, the derivative by the output; dJ/dz is by the pre-activation, and has the factor"
        " dh/dz = h*(1 - h) more.",
    ),
    (
        "dJ/dz2_j = dJ/da2_j",
        NETWORK,
        "This is dJ/da2_j, the derivative by the output; dJ/dz2_j is by the pre-activation, and has the factor"
        " da2_j/dz2_j = a2[j]*(1 - a2[j]) more.",
    ),
    (
        "dJ/dh = (h - y)*h*(1 - h)",
        {"pair": "mse-sigmoid"},
        "This is dJ/dz, the derivative by the pre-activation; dJ/dh is by the output, and lacks the derivative of the"
        " activation.",
    ),
    (
        "dJ/da2_j = dJ/dz2_j",
        NETWORK,
        "This is dJ/dz2_j, the derivative by the pre-activation; dJ/da2_j is by the output, and lacks the derivative of"
        " the activation.",
    ),
    (
        "h - y",
        {"pair": "mse-sigmoid"},
        "The derivative of the activation is missing: this is dJ/dh, and dJ/dz is that times dh/dz = h*(1 - h).",
    ),
    (
        "(h - y)*(h*(1 - h))^2",
        {"pair": "mse-sigmoid"},
        "The derivative of the activation stands here once too often: dh/dz = h*(1 - h).",
    ),
    (
        "dJ/dz_k = dJ/dh_k*dh_k/dz_k",
        {"pair": "mse-softmax"},
        "This takes only the diagonal dh_k/dz_k of the Jacobian. Every output depends on z[k], so that dJ/dz_k is a sum"
        " over all outputs.",
    ),
    (
        "dJ/dz_j = 3*dJ/dh_j*h_j*(1 - h_j)",
        {"pair": "mse-softmax"},
        "This takes only the diagonal dh_j/dz_j of the Jacobian. Every output depends on z[j], so that dJ/dz_j is a sum"
        " over all outputs.",
    ),
    ("3*(h - y)", {"pair": "bce-sigmoid"}, "Right but for a constant: the factor 3 is too much."),
    ("(h - y)/3", {"pair": "bce-sigmoid"}, "Right but for a constant: the factor 3 is missing."),
    ("3/2*(h - y)", {"pair": "bce-sigmoid"}, "Right but for a constant: the factor 2/3 is missing."),
    ("(h - y)/pi", {"pair": "bce-sigmoid"}, "Right but for a constant: the factor pi is missing."),
    ("dJ/dz_j = K*dJ/dz_j", {"pair": "mse-softmax"}, "Right but for a constant: the factor 1/K is missing."),
    ("dJ/dz_j = dJ/dz_j/T", {"pair": "mse-softmaxT"}, "Right but for a constant: the factor T is missing."),
    ("dJ/dz[i,k] = h[i,k] - y[i,k]", AVERAGED, "J is the mean over m examples: the factor 1/m is missing."),
    ("dJ/dz[i,k] = (h[i,k] - y[i,k])/m^2", AVERAGED, "J is the mean over m examples: the factor m is missing."),
    ("dJ/dz[i,k] = 3*(h[i,k] - y[i,k])/m^2", AVERAGED, "J is the mean over m examples: the factor m/3 is missing."),
    (  # m and T are not m alone
        "dJ/dz[i,k] = m*T*dJ/dz[i,k]",
        {"pair": "mse-softmaxT", "average": True},
        "Right but for a constant: the factor 1/(m*T) is missing.",
    ),
    ("h_j - y_j", SHARES, "Right only if sum(k, y[k]) = 1, which is not said here."),
    (
        "dJ/dz[i,k] = (h[i,k] - y[i,k])/m",
        {**SHARES, "average": True},
        "Right only if sum(k, y[i, k]) = 1, which is not said here.",
    ),
    (
        "sigmoid(z) - y",
        {"pair": "logistic-identity"},
        "Right for y in {0, 1}, where this loss is meant for y in {-1, 1}.",
    ),
    (
        "-y*sigmoid(-y*z)",
        {"pair": "bce-sigmoid"},
        "Right for y in {-1, 1}, where this loss is meant for y in {0, 1}.",
    ),
    ("h - (1 - y)", {"pair": "bce-sigmoid"}, "Right for the two labels the other way round."),
    ("-y", {"pair": "hinge-identity"}, "Right only where h*y < 1."),
    ("h = z", {"pair": "mse-relu"}, "Right only where z > 0."),
    ("y", {"pair": "hinge-identity"}, "The sign is wrong: where h*y < 1, times -1 this is dJ/dz."),
    ("sign(z)*(h - y)", {"pair": "mse-identity"}, "The sign is wrong: where z < 0, times -1 this is dJ/dz."),
    ("h + y", {"pair": "bce-sigmoid"}, "One sign is wrong: that of y."),
    ("dJ/dz_j = h_j*sum(k, -y_k) - y_j", {"pair": "cce-softmax"}, "One sign is wrong: that of h[j]*sum(k, -y[k])."),
    (
        "dJ/dh_j = sum(k, dJ/dh_k)",
        {"pair": "mse-softmax"},
        "This adds up dJ/dh_j over j: a sum should have collapsed to one term.",
    ),
    (
        "dJ/dz[i,k] = sum(c, dJ/dz[i,c])",
        AVERAGED,
        "This adds up dJ/dz[i, k] over k: a sum should have collapsed to one term.",
    ),
    (
        "dJ/dz[i,k] = sum(n, m, sum(c, dJ/dz[n,c]))",
        AVERAGED,
        "This adds up dJ/dz[i, k] over i: a sum should have collapsed to one term.",
    ),
    ("dJ/dTheta1_lq = dJ/dz2_l*a1_q", DECAYED, "The weight decay is missing: add lambda*Theta1[l, q]."),
    (
        "dJ/dTheta2_kl = sum(i, m, (h[i,k] - y[i,k])*a2[i,l])/m",
        {**DECAYED, "average": True},
        "The weight decay is missing: add lambda/m*Theta2[k, l].",
    ),
    ("d/dh (h^2) = -2*h", {"pair": "mse-sigmoid"}, "The sign is wrong: times -1 this is d/dh (h^2)."),
    (
        "dJ/dz_j = dJ/dh_j",  # dJ/dz_j is sum_k dJ/dh_k dh_k/dz_j, and no multiple of dJ/dh_j
        {"pair": "cce-softmax"},
        "This is dJ/dh_j, the derivative by the output; dJ/dz_j is by the pre-activation, on which every output rests: "
        "a sum over all of them.",
    ),
    # what is no slip of these
    ("dJ/dz_j = y_j - h_j", {"pair": "mse-softmax"}, "None of the usual slips explains it."),
    ("dJ/dTheta2_kl = dJ/dz_k*a2_l + 2*lambda*Theta2_kl", DECAYED, "None of the usual slips explains it."),
    ("dJ/db2_k = h_k - y_k - lambda*b2_k", DECAYED, "None of the usual slips explains it."),
    ("h_k = z_k", DECAYED, "None of the usual slips explains it."),
    # right for exchanged labels 0 and 1 and for no others; for one of the two only
    ("h - (1 - y)^2", {"pair": "bce-sigmoid"}, "Right for the two labels the other way round."),
    ("y*h - 7*(1 - y)", {"pair": "bce-sigmoid"}, "None of the usual slips explains it."),
    ("(1 - y)*(h - 1) + 7*y", {"pair": "bce-sigmoid"}, "None of the usual slips explains it."),
    ("dJ/dz_j = h_j*dJ/dz_j", {"pair": "mse-softmax"}, "None of the usual slips explains it."),
    ("dJ/dz_j = sum(k, h_k^2)*dJ/dz_j", {"pair": "mse-softmax"}, "None of the usual slips explains it."),
    ("h = z", {"pair": "bce-sigmoid"}, "None of the usual slips explains it."),
    ("0", {"pair": "mse-identity"}, "None of the usual slips explains it."),
]


@pytest.mark.parametrize(("claim", "given", "said"), SENTENCES)
def test_what_is_said_of_a_slip(claim: str, given: dict[str, Any], said: str) -> None:
    assert wrong(claim, **given).explanation == said
