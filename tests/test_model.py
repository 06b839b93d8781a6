"""What the names in a claim stand for: derivatives in networks against automatic differentiation by JAX."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import jax
import mpmath
import pytest
import written_out
from jax import numpy as jnp
from written_out import Written

import derive
from derive.checking import setting
from derive.errors import DeriveError
from derive.syntax import parse_claim
from derive.term import Term

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)

SIZES = {"m": 2, "K": 3, "n2": 2, "n1": 2}
FAMILIES = {"Theta1": ("n2", "n1"), "b1": ("n2",), "Theta2": ("K", "n2"), "b2": ("K",), "a1": ("m", "n1")}
NODES = {"z2": "n2", "a2": "n2", "z": "K", "h": "K"}
LAMBDA = 0.375
POINTS = 3
Arrays = Mapping[str, Any]


# ---- the network, in JAX


class Network(NamedTuple):
    """J of one example by its output and target, what the output layer does to all of z, and each hidden unit."""

    loss: Any
    output: Any
    hidden: Any


NETWORKS = {
    "bce-sigmoid": Network(
        lambda h, y: -(y * jnp.log(h) + (1 - y) * jnp.log(1 - h)).sum(), jax.nn.sigmoid, jax.nn.sigmoid
    ),
    "mse-tanh": Network(lambda h, y: ((h - y) ** 2).sum() / 2, jnp.tanh, jnp.tanh),
    "mse-relu": Network(lambda h, y: ((h - y) ** 2).sum() / 2, jax.nn.relu, jax.nn.relu),
    "cce-softmax": Network(lambda h, y: -(y * jnp.log(h)).sum(), jax.nn.softmax, jnp.arctan),
}


def forward(pair: str, given: Arrays, nudges: Arrays, decays: bool) -> tuple[Any, dict[str, Any]]:
    """J, and each node; the nudges are added to the nodes, so that J has a derivative by each of them."""
    network, nodes = NETWORKS[pair], dict[str, Any]()
    nodes["z2"] = given["a1"] @ given["Theta1"].T + given["b1"] + nudges["z2"]
    nodes["a2"] = network.hidden(nodes["z2"]) + nudges["a2"]
    nodes["z"] = nodes["a2"] @ given["Theta2"].T + given["b2"] + nudges["z"]
    nodes["h"] = jax.vmap(network.output)(nodes["z"]) + nudges["h"]
    examples = len(given["y"])
    cost = jax.vmap(network.loss)(nodes["h"], given["y"]).sum() / examples
    squares = (given["Theta1"] ** 2).sum() + (given["Theta2"] ** 2).sum()
    return cost + decays * LAMBDA / (2 * examples) * squares, nodes


@cache
def at_random(pair: str, averages: bool, decays: bool, seed: int) -> Written:
    """All names at a random point: the numbers that are given, the nodes, and the derivatives of J, all by JAX."""
    draw, sizes = random.Random(f"{pair} {seed}"), {**SIZES, "m": SIZES["m"] if averages else 1}
    given = {name: drawn(draw, [sizes[s] for s in over]) for name, over in FAMILIES.items()}
    given["y"] = jax.nn.softmax(drawn(draw, [sizes["m"], sizes["K"]]))  # between 0 and 1, with the sum 1
    nudges = {name: jnp.zeros((sizes["m"], sizes[over])) for name, over in NODES.items()}
    slopes, nodes = jax.grad(lambda g, n: forward(pair, {**given, **g}, n, decays), argnums=(0, 1), has_aux=True)(
        {n: v for n, v in given.items() if n != "y"}, nudges
    )
    arrays = {**given, **nodes, **{f"dJ/d{n}": v for part in slopes for n, v in part.items()}}
    values = {("lambda", ()): mpmath.mpf(LAMBDA)}
    for name, array in arrays.items():
        is_of_example = name.removeprefix("dJ/d") in {*NODES, "a1", "y"}
        whole = array[0] if is_of_example and not averages else array
        for place in product(*map(range, whole.shape)):
            values[name, tuple(n + 1 for n in place)] = mpmath.mpf(float(whole[place]))
    return Written(values, sizes, {})


def drawn(draw: random.Random, shape: list[int]) -> Any:
    count = 1
    for size in shape:
        count *= size
    return jnp.array([draw.uniform(-2, 2) for _ in range(count)]).reshape(shape)


def holds(pair: str, options: Mapping[str, Any], claim: str) -> bool:
    """Whether both sides of a claim are the same numbers, for all values of its free indices, at a few points."""
    averages, decays = "average" in options, "l2" in options
    model, _ = setting(pair, layer=2, average=averages, l2=decays)
    left, right = parse_claim(claim, model.symbols).sides
    assert left is not None and right is not None
    points = [at_random(pair, averages, decays, seed) for seed in range(POINTS)]
    return all(close(at, left, right) for point in points for at in everywhere(point, left, right))


def everywhere(at: Written, *sides: Term) -> Iterator[Written]:
    free = sorted({i.args for side in sides for i in side.indices})
    for numbers in product(*(range(1, at.sizes[over] + 1) for _, over in free)):
        yield at._replace(indices={name: n for (name, _), n in zip(free, numbers, strict=True)})


def close(at: Written, left: Term, right: Term) -> bool:
    one, other = at.value(left), at.value(right)
    return bool(abs(one - other) <= 1e-9 * (1 + abs(one)))


@pytest.fixture(autouse=True)
def hidden_units_of_softmax(monkeypatch: pytest.MonkeyPatch) -> None:
    """f, which may be any function, is the arc tangent."""
    monkeypatch.setitem(written_out.CALLS, "f", mpmath.atan)
    monkeypatch.setitem(written_out.CALLS, "f'", lambda x: 1 / (1 + x**2))


# ---- gradients of networks

PLAIN: dict[str, Any] = {"layer": 2}
AVERAGED: dict[str, Any] = {"layer": 2, "average": True}
DECAYED: dict[str, Any] = {"layer": 2, "average": True, "l2": True}
DECAYED_ALONE: dict[str, Any] = {"layer": 2, "l2": True}

RIGHT: list[tuple[str, dict[str, Any], str]] = [
    *(
        (pair, PLAIN, claim)
        for pair in NETWORKS
        for claim in (
            "dJ/dz2_j = sum(k, Theta2_kj*dJ/dz_k)*f'(z2_j)",
            "dJ/da2_j = sum(k, Theta2_kj*dJ/dz_k)",
            "dJ/dTheta2_kj = dJ/dz_k*a2_j",
            "dJ/db2_k = dJ/dz_k",
            "dJ/dTheta1_jn = dJ/dz2_j*a1_n",
            "dJ/db1_j = delta2_j",
            "a2_j = f(z2_j)",
        )
    ),
    ("bce-sigmoid", PLAIN, "dJ/dz_k = h_k - y_k"),
    ("bce-sigmoid", PLAIN, "dJ/dz2_j = sum(k, Theta2_kj*(h_k - y_k))*a2_j*(1 - a2_j)"),
    ("bce-sigmoid", PLAIN, "dJ/dTheta1_ln = sum(k, Theta2_kl*(h_k - y_k))*a2_l*(1 - a2_l)*a1_n"),
    ("mse-tanh", PLAIN, "dJ/dz_k = (h_k - y_k)*(1 - h_k^2)"),
    ("mse-tanh", PLAIN, "dJ/dz2_j = sum(k, Theta2_kj*(h_k - y_k)*(1 - h_k^2))*(1 - a2_j^2)"),
    ("mse-relu", PLAIN, "dJ/dz2_j = sum(k, Theta2_kj*(h_k - y_k)*where(z_k > 0, 1, 0))*where(z2_j > 0, 1, 0)"),
    ("cce-softmax", PLAIN, "dJ/dz_k = h_k - y_k"),
    ("cce-softmax", PLAIN, "dJ/dTheta2_kj = (h_k - y_k)*a2_j"),
    ("cce-softmax", PLAIN, "dJ/dz2_j = sum(k, Theta2_kj*(h_k - y_k))*f'(z2_j)"),
    ("bce-sigmoid", AVERAGED, "dJ/dz[i,k] = 1/m*(h[i,k] - y[i,k])"),
    ("bce-sigmoid", AVERAGED, "dJ/dTheta2[k,j] = 1/m*sum(i, m, (h[i,k] - y[i,k])*a2[i,j])"),
    ("bce-sigmoid", AVERAGED, "dJ/dTheta1[j,n] = sum(i, m, dJ/dz2[i,j]*a1[i,n])"),
    ("bce-sigmoid", AVERAGED, "dJ/db1[j] = sum(i, m, dJ/dz2[i,j])"),
    ("bce-sigmoid", AVERAGED, "dJ/dz2[i,j] = sum(k, Theta2[k,j]*dJ/dz[i,k])*a2[i,j]*(1 - a2[i,j])"),
    ("mse-tanh", AVERAGED, "dJ/dTheta2[k,j] = 1/m*sum(i, m, (h[i,k] - y[i,k])*(1 - h[i,k]^2)*a2[i,j])"),
    ("cce-softmax", AVERAGED, "dJ/dTheta2[k,j] = 1/m*sum(i, m, (h[i,k] - y[i,k])*a2[i,j])"),
    ("bce-sigmoid", DECAYED, "dJ/dTheta2[k,j] = 1/m*sum(i, m, (h[i,k] - y[i,k])*a2[i,j]) + lambda/m*Theta2[k,j]"),
    ("bce-sigmoid", DECAYED, "dJ/dTheta1[j,n] = sum(i, m, dJ/dz2[i,j]*a1[i,n]) + lambda/m*Theta1[j,n]"),
    ("bce-sigmoid", DECAYED, "dJ/db2[k] = 1/m*sum(i, m, h[i,k] - y[i,k])"),
    ("bce-sigmoid", DECAYED_ALONE, "dJ/dTheta2_kj = (h_k - y_k)*a2_j + lambda*Theta2_kj"),
]

WRONG: list[tuple[str, dict[str, Any], str]] = [
    *(
        (pair, PLAIN, claim)
        for pair in NETWORKS
        for claim in (
            "dJ/dz2_j = sum(k, Theta2_kj*dJ/dz_k)",
            "dJ/dz2_j = sum(k, Theta2_kj*dJ/dh_k)*f'(z2_j)",
            "dJ/dz2_j = sum(k, Theta2_kj*dJ/dz_k)*a2_j",
            "dJ/dTheta2_kj = dJ/dh_k*a2_j",
            "dJ/dTheta2_kj = dJ/dz_k*z2_j",
            "dJ/dTheta1_jn = dJ/da2_j*a1_n",
            "dJ/db2_k = dJ/dh_k",
        )
    ),
    ("bce-sigmoid", PLAIN, "dJ/dz2_j = sum(k, Theta2_kj*(h_k - y_k))*a2_j"),
    ("bce-sigmoid", PLAIN, "dJ/dz2_j = sum(k, (h_k - y_k))*a2_j*(1 - a2_j)"),
    ("cce-softmax", PLAIN, "dJ/dz_k = dJ/dh_k*h_k*(1 - h_k)"),
    ("bce-sigmoid", AVERAGED, "dJ/dz[i,k] = h[i,k] - y[i,k]"),
    ("bce-sigmoid", AVERAGED, "dJ/dTheta2[k,j] = sum(i, m, (h[i,k] - y[i,k])*a2[i,j])"),
    ("bce-sigmoid", AVERAGED, "dJ/dTheta2[k,j] = 1/m*sum(i, m, dJ/dz[i,k]*a2[i,j])"),
    ("bce-sigmoid", DECAYED, "dJ/dTheta2[k,j] = 1/m*sum(i, m, (h[i,k] - y[i,k])*a2[i,j]) + lambda*Theta2[k,j]"),
    ("bce-sigmoid", DECAYED, "dJ/dTheta2[k,j] = 1/m*sum(i, m, (h[i,k] - y[i,k])*a2[i,j])"),
    ("bce-sigmoid", DECAYED, "dJ/dTheta1[j,n] = sum(i, m, dJ/dz2[i,j]*a1[i,n]) + lambda/m*b1[j]"),
    ("bce-sigmoid", DECAYED, "dJ/db2[k] = 1/m*sum(i, m, h[i,k] - y[i,k]) + lambda/m*b2[k]"),
    ("bce-sigmoid", DECAYED_ALONE, "dJ/dTheta2_kj = (h_k - y_k)*a2_j + 2*lambda*Theta2_kj"),
]


@pytest.mark.parametrize(("pair", "options", "claim"), RIGHT)
def test_a_gradient_that_is_right_is_that_of_automatic_differentiation(
    pair: str, options: dict[str, Any], claim: str
) -> None:
    assert holds(pair, options, claim)
    assert derive.check(claim, pair, **options).answer == "right"


@pytest.mark.parametrize(("pair", "options", "claim"), WRONG)
def test_a_gradient_that_is_wrong_differs_from_it(pair: str, options: dict[str, Any], claim: str) -> None:
    assert not holds(pair, options, claim)
    assert derive.check(claim, pair, **options).answer == "wrong"


@pytest.mark.parametrize(("pair", "options", "claim"), WRONG[::3])
def test_the_correction_of_a_gradient_is_that_of_automatic_differentiation(
    pair: str, options: dict[str, Any], claim: str
) -> None:
    left = claim.partition(" = ")[0]
    assert holds(pair, options, f"{left} = {derive.check(claim, pair, **options).correction}")


@pytest.mark.parametrize(
    ("claim", "options"),
    [
        ("dJ/dz_k = h_k - y_k", {"layer": 1}),
        ("dJ/dz_k = h_k - y_k", {"layer": 4}),
        ("dJ/dTheta2_kj = dJ/dz_j*a2_k", {"layer": 2}),  # indices of other sizes
        ("dJ/dTheta2_jk = dJ/dz_j*a2_k", {"layer": 2}),
        ("dJ/dTheta3_kj = 0", {"layer": 3}),
        ("dJ/dz2_j = 0", {}),  # no network was asked for
        ("dTheta2_kj/dz_k = 0", {"layer": 2}),
        ("da2_j/dz_k = 0", {"layer": 2}),
    ],
)
def test_what_a_network_does_not_have_is_refused(claim: str, options: dict[str, Any]) -> None:
    with pytest.raises(DeriveError):
        derive.check(claim, "bce-sigmoid", **options)


@pytest.mark.parametrize("name", ["lambda", "b1", "a2", "z2", "Theta1"])
def test_a_parameter_is_not_taken_for_a_name_of_the_network(name: str) -> None:
    """Refused, or undecided; it must not be both at once."""
    given: dict[str, Any] = {"loss": f"{name}*(h - y)^2/2", "activation": "z", "params": [name], "layer": 3}
    try:
        found = derive.check(f"dJ/dz_k = {name}*(h_k - y_k)", l2=True, **given)
    except DeriveError:
        return
    assert found.answer == "undecided"


@pytest.mark.parametrize("name", ["d", "e", "f", "p", "C", "delta", "dz", "dJ", "T"])
def test_a_parameter_has_the_meaning_that_is_declared(name: str) -> None:
    """Not that of another spelling of h, of J or of a derivative."""
    given: dict[str, Any] = {"loss": f"{name}*(h - y)^2/2", "activation": "z", "params": [name]}
    assert derive.check(f"{name}*(h - y)", **given).answer == "right"
    assert derive.check("h - y", **given).answer == "wrong"


@pytest.mark.parametrize(
    "claim",
    [
        "dJ/dz = (a - y)*f'(z)",
        "dJ/dz = (yhat - y)*dh/dz",
        "delta = (p - y)*dh/dz",
        "delta3 = (A - Y)*dh/dz",
        "dC/dz = (h - y)*f'(z)",
        "dL/dz = (h - y)*f'(z)",
        "h = f(z)",
        "dh/dz = f'(z)",
        "d2h/dz2 = d/dz (f'(z))",
        "f'(z) = f(z)*(1 - f(z))",
        "tanh'(z) = 1 - tanh(z)^2",
    ],
)
def test_names_of_books_mean_the_same(claim: str) -> None:
    assert derive.check(claim, "mse-sigmoid").answer == "right"
    left, _, right = claim.partition(" = ")
    assert derive.check(f"{left} = 2*({right}) + 1", "mse-sigmoid").answer == "wrong"


def test_sums_over_two_sizes_are_not_exchanged() -> None:
    """sum_k a_k sum_l b_kl = sum_l sum_k a_k b_kl has two normal forms: the claim is right, and no answer is given."""
    claim = "dJ/da1_n = sum(l, n2, Theta1_ln*dJ/dz2_l)"
    assert holds("bce-sigmoid", PLAIN, claim)
    assert derive.check(claim, "bce-sigmoid", **PLAIN).answer == "undecided"
