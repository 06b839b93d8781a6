"""The calls of torch, jax and optax that are audited, each beside the statement that it computes.

A row names a pair of the catalogue, or a loss and an activation in the plain language, and the points. All numbers
are exact in float32 as well. Imports errors; a framework is imported by ``opened`` only.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from derive.errors import DeriveError, UnknownName

Number: TypeAlias = int | Fraction
Numbers: TypeAlias = Any  # a Number (or fmpq), or a tuple of them for a vector
Run: TypeAlias = Callable[[Any, Any, Any, str, Mapping[str, Any]], Any]
Gradient: TypeAlias = Callable[["Call", Sequence[Any], Sequence[Any], str, str], list[Any]]


class Call(NamedTuple):
    """A call of a framework: ``run(framework, z, y, reduction, values)`` is J of a batch, or all its parts.

    It computes ``pair``, or the request of ``derive.prove``, with these values of the parameters. All zs are taken with
    all ys.
    """

    name: str
    pair: str | None
    request: Mapping[str, Any]
    run: Run
    zs: Sequence[Numbers]
    ys: Sequence[Numbers]
    values: Mapping[str, Numbers]
    reductions: tuple[str, ...]


class Loaded(NamedTuple):
    """A framework that is installed: ``gradient(call, zs, ys, number format, reduction)`` of a batch, by autograd."""

    version: str
    losses: tuple[str, ...]
    gradient: Gradient


class Framework(NamedTuple):
    """Its calls, and how it is imported, which raises ImportError."""

    title: str
    calls: tuple[Call, ...]
    load: Callable[[], Loaded]


HALF, QUARTER, EIGHTH = Fraction(1, 2), Fraction(1, 4), Fraction(1, 8)
ZS = (0, HALF, -HALF, 1, -1, 3, -3, 30, -30, 100, -100, 1000, -1000)
POSITIVE = (Fraction(1, 2**20), HALF, 1, 3, 30, 1000)
INSIDE = (Fraction(1, 2**100), Fraction(1, 2**24), QUARTER, HALF, 1 - Fraction(1, 2**24))  # of the interval (0, 1)
REAL, PROBABILITY, SIGNS, COUNTS, UNUSED = (0, 1, -2), (0, 1, QUARTER), (-1, 1), (0, 1, 5), (0,)
VECTORS = (
    (0, 0, 0), (HALF, -3, 1), (0, 1, 1), (3, 30, -30), (30, -30, 0),
    (100, 0, 0), (1000, 0, -1000), (-1000, 0, 1000), (1000, 1000, 999),
)  # fmt: skip
ONE_HOT: tuple[Numbers, ...] = ((1, 0, 0), (0, 0, 1))
SIMPLEX, SETS = (*ONE_HOT, (QUARTER, QUARTER, HALF)), (*ONE_HOT, (1, 0, 1))
WEIGHTS = (1, HALF, 4)
LOGARITHMS = ((-1, -2, -3), (0, -30, -1000))


def _call(
    name: str,
    run: Run,
    pair: str | None = None,
    zs: Sequence[Numbers] = ZS,
    ys: Sequence[Numbers] = REAL,
    reductions: tuple[str, ...] = ("mean",),
    given: Mapping[str, tuple[str, Numbers]] | None = None,
    **request: Any,
) -> Call:
    """A row; ``given`` are the parameters, with their declarations and values."""
    given = given or {}
    if pair is None:
        request = {"activation": "identity", **request, "params": [text for text, _ in given.values()]}
    return Call(name, pair, request, run, zs, ys, {k: value for k, (_, value) in given.items()}, reductions)


def _activation(name: str, run: Callable[[Any, Any], Any], slug: str, **given: Any) -> Call:
    """J = h: the derivative of the activation itself."""
    return _call(
        name, lambda t, z, y, r, v: run(t, z), loss="h", activation=slug, ys=UNUSED, reductions=(), given=given
    )


def _listed(torch: Any, y: Any) -> Any:
    """The classes that a row of zeros and ones has, filled up with -1."""
    classes = torch.arange(y.shape[-1]).expand_as(y)
    found = torch.where(y > 0, classes, y.shape[-1]).sort(-1).values
    return torch.where(found < y.shape[-1], found, -1)


def _like(torch: Any, numbers: Any, z: Any) -> Any:
    return torch.tensor(numbers, dtype=z.dtype)


DELTA, MARGIN = {"d": ("d > 0", HALF)}, {"d": ("d > 0", 1)}
W = {"w": ("w[k] > 0", WEIGHTS)}
EPSILON = ("0 < epsilon < 1", EIGHTH)
SUM_HY = "sum(l, y[l]*h[l])"
TORCH = (
    _call("L1Loss", lambda t, z, y, r, v: t.nn.L1Loss(reduction=r)(z, y), "mae-identity"),
    _call("MSELoss", lambda t, z, y, r, v: t.nn.MSELoss(reduction=r)(z, y), "sse-identity"),
    _call(
        "HuberLoss(delta=1/2)",
        lambda t, z, y, r, v: t.nn.HuberLoss(delta=v["d"], reduction=r)(z, y),
        "huber-identity",
        given=DELTA,
    ),
    _call(
        "SmoothL1Loss(beta=1/2)",
        lambda t, z, y, r, v: t.nn.SmoothL1Loss(beta=v["d"], reduction=r)(z, y),
        "smoothl1-identity",
        given=DELTA,
    ),
    _call(
        "BCELoss",
        lambda t, z, y, r, v: t.nn.BCELoss(reduction=r)(z, y),
        loss="bce",
        assume=("0 < z", "z < 1"),
        zs=INSIDE,
        ys=PROBABILITY,
    ),
    _call(
        "BCELoss of sigmoid",
        lambda t, z, y, r, v: t.nn.BCELoss(reduction=r)(t.sigmoid(z), y),
        "bce-sigmoid",
        ys=PROBABILITY,
    ),
    _call(
        "BCEWithLogitsLoss",
        lambda t, z, y, r, v: t.nn.BCEWithLogitsLoss(reduction=r)(z, y),
        "bce-sigmoid",
        ys=PROBABILITY,
    ),
    _call(
        "BCEWithLogitsLoss(pos_weight=4)",
        lambda t, z, y, r, v: t.nn.BCEWithLogitsLoss(pos_weight=_like(t, v["w"], z), reduction=r)(z, y),
        "wbce-sigmoid",
        ys=PROBABILITY,
        given={"w": ("w > 0", 4)},
    ),
    _call(
        "MultiLabelSoftMarginLoss",
        lambda t, z, y, r, v: t.nn.MultiLabelSoftMarginLoss(reduction=r)(z, y),
        loss="-sum(k, y[k]*log(h[k]) + (1 - y[k])*log(1 - h[k]))/K",
        activation="sigmoid",
        zs=VECTORS,
        ys=SETS,
    ),
    _call(
        "SoftMarginLoss", lambda t, z, y, r, v: t.nn.SoftMarginLoss(reduction=r)(z, y), "logistic-identity", ys=SIGNS
    ),
    _call(
        "HingeEmbeddingLoss(margin=1)",
        lambda t, z, y, r, v: t.nn.HingeEmbeddingLoss(margin=v["d"], reduction=r)(z, y),
        loss="where(y > 0, h, max(0, d - h))",
        ys=SIGNS,
        given=MARGIN,
    ),
    _call(
        "MarginRankingLoss(margin=1)",
        lambda t, z, y, r, v: t.nn.MarginRankingLoss(margin=v["d"], reduction=r)(z, t.full_like(z, v["x"]), y),
        loss="max(0, -y*(h - x) + d)",
        ys=SIGNS,
        given={**MARGIN, "x": ("x", 2)},
    ),
    _call(
        "MultiMarginLoss(margin=1)",
        lambda t, z, y, r, v: t.nn.MultiMarginLoss(margin=v["d"], reduction=r)(z, y.argmax(-1)),
        loss=f"sum(k, (1 - y[k])*max(0, d + h[k] - {SUM_HY}))/K",
        zs=VECTORS,
        ys=ONE_HOT,
        given=MARGIN,
    ),
    _call(
        "MultiMarginLoss(p=2, margin=1)",
        lambda t, z, y, r, v: t.nn.MultiMarginLoss(p=2, margin=v["d"], reduction=r)(z, y.argmax(-1)),
        loss=f"sum(k, (1 - y[k])*max(0, d + h[k] - {SUM_HY})^2)/K",
        zs=VECTORS,
        ys=ONE_HOT,
        given=MARGIN,
    ),
    _call(
        "MultiLabelMarginLoss",
        lambda t, z, y, r, v: t.nn.MultiLabelMarginLoss(reduction=r)(z, _listed(t, y)),
        loss="sum(k, sum(l, y[k]*(1 - y[l])*max(0, 1 - h[k] + h[l])))/K",
        zs=VECTORS,
        ys=SETS,
    ),
    _call(
        "CrossEntropyLoss, classes",
        lambda t, z, y, r, v: t.nn.CrossEntropyLoss(reduction=r)(z, y.argmax(-1)),
        "cce-softmax",
        zs=VECTORS,
        ys=ONE_HOT,
    ),
    _call(
        "CrossEntropyLoss, probabilities",
        lambda t, z, y, r, v: t.nn.CrossEntropyLoss(reduction=r)(z, y),
        "cce-softmax",
        zs=VECTORS,
        ys=SIMPLEX,
    ),
    _call(
        "CrossEntropyLoss(weight), classes",
        lambda t, z, y, r, v: t.nn.CrossEntropyLoss(weight=_like(t, v["w"], z), reduction=r)(z, y.argmax(-1)),
        "wcce-softmax",
        zs=VECTORS,
        ys=ONE_HOT,
        given=W,
    ),
    _call(
        "CrossEntropyLoss(weight), probabilities",
        lambda t, z, y, r, v: t.nn.CrossEntropyLoss(weight=_like(t, v["w"], z), reduction=r)(z, y),
        "wcce-softmax",
        zs=VECTORS,
        ys=SIMPLEX,
        given=W,
    ),
    _call(
        "CrossEntropyLoss(label_smoothing=1/8)",
        lambda t, z, y, r, v: t.nn.CrossEntropyLoss(label_smoothing=v["epsilon"], reduction=r)(z, y),
        "lsce-softmax",
        zs=VECTORS,
        ys=SIMPLEX,
        given={"epsilon": EPSILON},
    ),
    _call(
        "CrossEntropyLoss(weight, label_smoothing=1/8)",
        lambda t, z, y, r, v: t.nn.CrossEntropyLoss(
            weight=_like(t, v["w"], z), label_smoothing=v["epsilon"], reduction=r
        )(z, y.argmax(-1)),
        loss="-sum(k, w[k]*((1 - epsilon)*y[k] + epsilon/K)*log(h[k]))",
        activation="softmax",
        zs=VECTORS,
        ys=ONE_HOT,
        given={**W, "epsilon": EPSILON},
    ),
    _call(
        "NLLLoss of log_softmax",
        lambda t, z, y, r, v: t.nn.NLLLoss(reduction=r)(t.log_softmax(z, -1), y.argmax(-1)),
        loss="-sum(k, y[k]*h[k])",
        activation="logsoftmax",
        zs=VECTORS,
        ys=ONE_HOT,
    ),
    _call(
        "NLLLoss(weight) of log_softmax",
        lambda t, z, y, r, v: t.nn.NLLLoss(weight=_like(t, v["w"], z), reduction=r)(t.log_softmax(z, -1), y.argmax(-1)),
        loss="-sum(k, w[k]*y[k]*h[k])",
        activation="logsoftmax",
        zs=VECTORS,
        ys=ONE_HOT,
        given=W,
    ),
    _call(
        "NLLLoss of log of softmax",
        lambda t, z, y, r, v: t.nn.NLLLoss(reduction=r)(t.log(t.softmax(z, -1)), y.argmax(-1)),
        "cce-softmax",
        zs=VECTORS,
        ys=ONE_HOT,
    ),
    _call(
        "KLDivLoss of log_softmax",
        lambda t, z, y, r, v: t.nn.KLDivLoss(reduction=r)(t.log_softmax(z, -1), y),
        loss="-sum(k, y[k]*h[k])",
        activation="logsoftmax",
        zs=VECTORS,
        ys=SIMPLEX,
        reductions=("mean", "batchmean"),
    ),
    _call(
        "KLDivLoss(log_target=True) of log_softmax",
        lambda t, z, y, r, v: t.nn.KLDivLoss(reduction=r, log_target=True)(t.log_softmax(z, -1), y),
        loss="sum(k, exp(y[k])*(y[k] - h[k]))",
        activation="logsoftmax",
        zs=VECTORS,
        ys=LOGARITHMS,
        reductions=("mean", "batchmean"),
    ),
    _call(
        "PoissonNLLLoss",
        lambda t, z, y, r, v: t.nn.PoissonNLLLoss(reduction=r)(z, y),
        loss="exp(h) - y*h",
        ys=COUNTS,
    ),
    _call(
        "PoissonNLLLoss(log_input=False, eps=2^-20)",
        lambda t, z, y, r, v: t.nn.PoissonNLLLoss(log_input=False, eps=v["c"], reduction=r)(z, y),
        loss="h - y*log(h + c)",
        assume=("z > 0",),
        zs=POSITIVE,
        ys=COUNTS,
        given={"c": ("c > 0", Fraction(1, 2**20))},
    ),
    _call(
        "GaussianNLLLoss, by input",
        lambda t, z, y, r, v: t.nn.GaussianNLLLoss(reduction=r)(z, y, t.full_like(z, v["v"])),
        loss="(log(v) + (h - y)^2/v)/2",
        given={"v": ("v > 0", QUARTER)},
    ),
    _call(
        "GaussianNLLLoss, by var",
        lambda t, z, y, r, v: t.nn.GaussianNLLLoss(eps=2.0**-24, reduction=r)(t.full_like(z, v["u"]), y, z),
        loss="(log(h) + (u - y)^2/h)/2",
        assume=("z > 0",),
        zs=POSITIVE,
        given={"u": ("u", 1)},
    ),
    _call(
        "CosineEmbeddingLoss, target 1",
        lambda t, z, y, r, v: t.nn.CosineEmbeddingLoss(reduction=r)(z, y, t.ones(len(z), dtype=z.dtype)),
        loss="1 - sum(k, h[k]*y[k])/sqrt(sum(k, h[k]^2)*sum(k, y[k]^2))",
        assume=("sum(k, z[k]^2) > 0", "y[k] > 0"),
        zs=VECTORS[1:],
        ys=((1, 2, 2), (QUARTER, QUARTER, HALF)),
    ),
    _activation("Sigmoid", lambda t, z: t.sigmoid(z), "sigmoid"),
    _activation("Tanh", lambda t, z: t.tanh(z), "tanh"),
    _activation("LogSigmoid", lambda t, z: t.nn.LogSigmoid()(z), "-softplus(-z)"),
    _activation("Softplus", lambda t, z: t.nn.Softplus()(z), "softplus"),
    _activation("ReLU", lambda t, z: t.relu(z), "relu"),
    _activation("LeakyReLU(1/4)", lambda t, z: t.nn.LeakyReLU(0.25)(z), "leakyrelu", alpha=("alpha > 0", QUARTER)),
    _activation("ELU(2)", lambda t, z: t.nn.ELU(2.0)(z), "elu", alpha=("alpha > 0", 2)),
    _activation("Hardtanh", lambda t, z: t.nn.Hardtanh()(z), "hardtanh"),
    _activation("Hardsigmoid", lambda t, z: t.nn.Hardsigmoid()(z), "hardsigmoid"),
    _activation("Softsign", lambda t, z: t.nn.Softsign()(z), "softsign"),
    _activation("GELU", lambda t, z: t.nn.GELU()(z), "gelu"),
    _activation("SiLU", lambda t, z: t.nn.SiLU()(z), "silu"),
    _activation("Mish", lambda t, z: t.nn.Mish()(z), "mish"),
    _activation("abs", lambda t, z: t.abs(z), "|z|"),
    _activation("maximum(z, 0)", lambda t, z: t.maximum(z, t.zeros_like(z)), "relu"),
    _activation("clamp(z, min=0)", lambda t, z: t.clamp(z, min=0), "relu"),
)


def _optax(
    name: str, run: Callable[[Any, Any, Any, Mapping[str, Any]], Any], pair: str | None = None, **given: Any
) -> Call:
    """A loss of optax, which leaves the reduction to its caller."""
    return _call(f"optax.{name}", lambda t, z, y, r, v: run(t.optax.losses, z, y, v), pair, reductions=(), **given)


JAX = (
    _optax("squared_error", lambda o, z, y, v: o.squared_error(z, y), "sse-identity"),
    _optax("l2_loss", lambda o, z, y, v: o.l2_loss(z, y), "mse-identity"),
    _optax("huber_loss(delta=1/2)", lambda o, z, y, v: o.huber_loss(z, y, delta=v["d"]), "huber-identity", given=DELTA),
    _optax("log_cosh", lambda o, z, y, v: o.log_cosh(z, y), "logcosh-identity"),
    _optax("hinge_loss", lambda o, z, y, v: o.hinge_loss(z, y), "hinge-identity", ys=SIGNS),
    _optax("perceptron_loss", lambda o, z, y, v: o.perceptron_loss(z, y), loss="max(0, -h*y)", ys=SIGNS),
    _optax(
        "sigmoid_binary_cross_entropy",
        lambda o, z, y, v: o.sigmoid_binary_cross_entropy(z, y),
        "bce-sigmoid",
        ys=PROBABILITY,
    ),
    _optax(
        "sigmoid_focal_loss(alpha=1/4)",
        lambda o, z, y, v: o.sigmoid_focal_loss(z, y, alpha=v["alpha"]),
        loss="-alpha*y*(1 - h)^2*log(h) - (1 - alpha)*(1 - y)*h^2*log(1 - h)",
        activation="sigmoid",
        ys=(0, 1),
        given={"alpha": ("0 < alpha < 1", QUARTER)},
    ),
    _optax(
        "softmax_cross_entropy", lambda o, z, y, v: o.softmax_cross_entropy(z, y), "cce-softmax", zs=VECTORS, ys=SIMPLEX
    ),
    _optax(
        "softmax_cross_entropy_with_integer_labels",
        lambda o, z, y, v: o.softmax_cross_entropy_with_integer_labels(z, y.argmax(-1)),
        "cce-softmax",
        zs=VECTORS,
        ys=ONE_HOT,
    ),
    _optax(
        "safe_softmax_cross_entropy",
        lambda o, z, y, v: o.safe_softmax_cross_entropy(z, y),
        "cce-softmax",
        zs=VECTORS,
        ys=SIMPLEX,
    ),
    _optax(
        "softmax_cross_entropy of smooth_labels(1/8)",
        lambda o, z, y, v: o.softmax_cross_entropy(z, o.smooth_labels(y, v["epsilon"])),
        "lsce-softmax",
        zs=VECTORS,
        ys=SIMPLEX,
        given={"epsilon": EPSILON},
    ),
    _optax(
        "poly_loss_cross_entropy(epsilon=2)",
        lambda o, z, y, v: o.poly_loss_cross_entropy(z, y, epsilon=v["e"]),
        loss="-sum(k, y[k]*log(h[k])) + e*sum(k, y[k]*(1 - h[k]))",
        activation="softmax",
        zs=VECTORS,
        ys=SIMPLEX,
        given={"e": ("e", 2)},
    ),
    _optax(
        "kl_divergence",
        lambda o, z, y, v: o.kl_divergence(z, y),
        loss="-sum(k, y[k]*h[k])",
        activation="z[k]",
        zs=VECTORS,
        ys=SIMPLEX,
    ),
    _optax(
        "kl_divergence_with_log_targets",
        lambda o, z, y, v: o.kl_divergence_with_log_targets(z, y),
        loss="sum(k, exp(y[k])*(y[k] - h[k]))",
        activation="z[k]",
        zs=VECTORS,
        ys=LOGARITHMS,
    ),
    _optax(
        "generalized_kl_divergence",
        lambda o, z, y, v: o.generalized_kl_divergence(z, y),
        loss="sum(k, exp(h[k]) - y[k]*h[k])",
        activation="z[k]",
        zs=VECTORS,
        ys=SIMPLEX,
    ),
    _optax(
        "cosine_distance",
        lambda o, z, y, v: o.cosine_distance(z, y),
        loss="1 - sum(k, h[k]*y[k])/sqrt(sum(k, h[k]^2)*sum(k, y[k]^2))",
        assume=("sum(k, z[k]^2) > 0", "y[k] > 0"),
        zs=VECTORS[1:],
        ys=((1, 2, 2), (QUARTER, QUARTER, HALF)),
    ),
    _optax(
        "binary_dice_loss(smooth=1)",
        lambda o, z, y, v: o.binary_dice_loss(z, y, smooth=v["s"] / 2),
        "dice-sigmoid",
        zs=VECTORS,
        ys=SETS,
        given={"s": ("s > 0", 2)},
    ),
    _optax(
        "sparsemax_loss",
        lambda o, z, y, v: o.sparsemax_loss(z, y > 0),
        loss="where((1 - 2*y)*h < -1, 0, where((1 - 2*y)*h > 1, (1 - 2*y)*h, ((1 - 2*y)*h + 1)^2/4))",
        ys=(0, 1),
    ),
    _activation("jax.nn.sigmoid", lambda t, z: t.jax.nn.sigmoid(z), "sigmoid"),
    _activation("jax.numpy.tanh", lambda t, z: t.jax.numpy.tanh(z), "tanh"),
    _activation("jax.nn.log_sigmoid", lambda t, z: t.jax.nn.log_sigmoid(z), "-softplus(-z)"),
    _activation("jax.nn.softplus", lambda t, z: t.jax.nn.softplus(z), "softplus"),
    _activation("jax.nn.relu", lambda t, z: t.jax.nn.relu(z), "relu"),
    _activation(
        "jax.nn.leaky_relu(1/4)",
        lambda t, z: t.jax.nn.leaky_relu(z, 0.25),
        "leakyrelu",
        alpha=("alpha > 0", QUARTER),
    ),
    _activation("jax.nn.elu(2)", lambda t, z: t.jax.nn.elu(z, 2.0), "elu", alpha=("alpha > 0", 2)),
    _activation("jax.nn.hard_tanh", lambda t, z: t.jax.nn.hard_tanh(z), "hardtanh"),
    _activation("jax.nn.hard_sigmoid", lambda t, z: t.jax.nn.hard_sigmoid(z), "hardsigmoid"),
    _activation("jax.nn.soft_sign", lambda t, z: t.jax.nn.soft_sign(z), "softsign"),
    _activation("jax.nn.gelu(approximate=False)", lambda t, z: t.jax.nn.gelu(z, approximate=False), "gelu"),
    _activation("jax.nn.silu", lambda t, z: t.jax.nn.silu(z), "silu"),
    _activation("jax.nn.mish", lambda t, z: t.jax.nn.mish(z), "mish"),
    _activation("jax.numpy.abs", lambda t, z: t.jax.numpy.abs(z), "|z|"),
    _activation("jax.numpy.maximum(z, 0)", lambda t, z: t.jax.numpy.maximum(z, 0), "relu"),
    _activation("jax.numpy.clip(z, min=0)", lambda t, z: t.jax.numpy.clip(z, min=0), "relu"),
)

OVER_PATHS = "a sum over alignments of two sequences, which the plain language does not have"
OVER_THREE = "a distance between three vectors: h, y and z are all the vectors of a statement"
A_MAXIMUM = "a maximum over all classes, which the plain language does not have"
REASONS = {
    "CTCLoss": OVER_PATHS,
    "TripletMarginLoss": OVER_THREE,
    "TripletMarginWithDistanceLoss": OVER_THREE,
    "LinearCrossEntropyLoss": "CrossEntropyLoss of a linear layer of its own",
    "NLLLoss2d": "another name of NLLLoss",
    "ctc_loss": OVER_PATHS,
    "ctc_loss_with_forward_probs": OVER_PATHS,
    "triplet_margin_loss": OVER_THREE,
    "ntxent": "it compares the examples of a batch with each other",
    "multiclass_hinge_loss": A_MAXIMUM,
    "multiclass_perceptron_loss": A_MAXIMUM,
    "multiclass_sparsemax_loss": "a projection on the simplex, which the plain language does not have",
    "make_fenchel_young_loss": "it makes losses, and is none",
    "cosine_similarity": "1 less cosine_distance, and no loss",
    "convex_kl_divergence": "another name of generalized_kl_divergence",
    "ranking_softmax_loss": "softmax_cross_entropy, up to its reduction",
    "dice_loss": "binary_dice_loss for each class",
    "multiclass_generalized_dice_loss": "binary_dice_loss for each class, weighted by the batch",
}
NOT_YET = "no statement is written for it yet"


# ---- their gradients -----------------------------------------------------------------------------------


def _torch() -> Loaded:
    import torch

    def gradient(call: Call, zs: Sequence[Any], ys: Sequence[Any], number_format: str, reduction: str) -> list[Any]:
        dtype = getattr(torch, number_format)
        z, y = torch.tensor(zs, dtype=dtype, requires_grad=True), torch.tensor(ys, dtype=dtype)
        with warnings.catch_warnings(action="ignore"):  # that the mean of KLDivLoss is none is what we measure
            call.run(torch, z, y, reduction, _plain(call)).sum().backward()
        found: list[Any] = z.grad.tolist()
        return found

    return Loaded(str(torch.__version__), tuple(torch.nn.modules.loss.__all__), gradient)


class _Jax(NamedTuple):
    jax: Any
    optax: Any


def _jax() -> Loaded:
    import jax
    import optax

    both = _Jax(jax, optax)

    def gradient(call: Call, zs: Sequence[Any], ys: Sequence[Any], number_format: str, reduction: str) -> list[Any]:
        with jax.enable_x64(True):
            z, y = (jax.numpy.array(v, dtype=number_format) for v in (zs, ys))
            found = jax.jit(jax.grad(lambda z: call.run(both, z, y, reduction, _plain(call)).sum()))(z)
            return list(found.tolist())

    losses = tuple(name for name in dir(optax.losses) if not name.startswith("_"))
    return Loaded(f"{jax.__version__}, optax {optax.__version__}", losses, gradient)


def _plain(call: Call) -> dict[str, Any]:
    """The values of the parameters as floats, which have them exactly."""
    return {k: [*map(float, v)] if isinstance(v, tuple) else float(v) for k, v in call.values.items()}


FRAMEWORKS = {"torch": Framework("PyTorch", TORCH, _torch), "jax": Framework("JAX", JAX, _jax)}


def opened(name: str) -> tuple[Framework, Loaded]:
    """A framework, imported; raises UnknownName where it is unknown, DeriveError where it is not installed."""
    if name not in FRAMEWORKS:
        raise UnknownName(f"no framework is called {name!r}; known are {', '.join(FRAMEWORKS)}")
    try:
        return FRAMEWORKS[name], FRAMEWORKS[name].load()
    except ImportError as problem:
        raise DeriveError(f"{problem.name or name} is not installed; pip install 'derive[{name}]'") from problem


def left_out(framework: Framework, loaded: Loaded) -> dict[str, str]:
    """The losses that are shipped and that no call uses, with the reason."""
    used = {word for call in framework.calls for word in re.findall(r"\w+", call.name)}
    return {name: REASONS.get(name, NOT_YET) for name in loaded.losses if name not in used}
