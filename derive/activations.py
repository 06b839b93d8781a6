"""The activations: one entry each, a SymPy expression with its domain, range and source; imports sympy only.

``output`` is h as a function of z; an activation that indexes, z[k], gives h[k] from all of z.
``domain`` are the relations on z and sizes under which it is used, ``parameters`` those on all other names.
``range`` are relations on h that hold for every z: the kernel proves them, and whether an activation fits a
loss is proved for each pair, not read off.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sympy import (
    Abs,
    Gt,
    IndexedBase,
    Le,
    Lt,
    Piecewise,
    Rational,
    Sum,
    Symbol,
    atan,
    erf,
    exp,
    log,
    pi,
    sqrt,
    symbols,
    tanh,
)

z, h, alpha, scale, p, r, T = symbols("z h alpha lambda p r T", real=True)
k, l = symbols("k l", integer=True)  # noqa: E741
K = Symbol("K", integer=True, positive=True)
Z, H = IndexedBase("z", real=True), IndexedBase("h", real=True)


class Activation(NamedTuple):
    slug: str
    name: str
    output: Any
    domain: tuple[Any, ...]
    source: str
    range: tuple[Any, ...] = ()
    parameters: tuple[Any, ...] = ()
    note: str = ""


def _over_classes(summand: Any) -> Any:
    return Sum(summand, (l, 1, K))


NORMAL_CDF = (1 + erf(z / sqrt(2))) / 2
UNIT, POSITIVE = (Lt(0, h), Lt(h, 1)), (Lt(0, h),)
UNIT_VECTOR, SEVERAL = (Lt(0, H[k]), Lt(H[k], 1)), (Gt(K, 1),)
GLM, LINKS = "McCullagh, Nelder, Generalized Linear Models, 2.2", "McCullagh, Nelder, Generalized Linear Models, 4.3"

ACTIVATIONS = {
    entry.slug: entry
    for entry in (
        Activation("identity", "identity", z, (), "Bishop, PRML, 5.1"),
        Activation("sigmoid", "logistic sigmoid", 1 / (1 + exp(-z)), (), "Bishop, PRML, eq. 4.59", UNIT),
        Activation("tanh", "hyperbolic tangent", tanh(z), (), "Bishop, PRML, eq. 5.59", (Lt(-1, h), Lt(h, 1))),
        Activation(
            "halftanh",
            "halved hyperbolic tangent",
            (1 + tanh(z)) / 2,
            (),
            "LeCun, Bottou, Orr, Mueller, Efficient BackProp (1998), 4.4",
            UNIT,
            note="the logistic sigmoid of 2z",
        ),
        Activation("exp", "exponential", exp(z), (), GLM, POSITIVE),
        Activation("softplus", "softplus", log(1 + exp(z)), (), "Dugas et al., NIPS 13 (2001)", POSITIVE),
        Activation(
            "relu",
            "rectified linear unit",
            Piecewise((z, z > 0), (0, True)),
            (),
            "Nair, Hinton, ICML (2010)",
            (Le(0, h),),
        ),
        Activation(
            "leakyrelu",
            "leaky rectified linear unit",
            Piecewise((z, z > 0), (alpha * z, True)),
            (),
            "Maas, Hannun, Ng, ICML (2013)",
            parameters=(Gt(alpha, 0),),
        ),
        Activation(
            "elu",
            "exponential linear unit",
            Piecewise((z, z > 0), (alpha * (exp(z) - 1), True)),
            (),
            "Clevert, Unterthiner, Hochreiter, ICLR (2016), eq. 15",
            (Lt(-alpha, h),),
            (Gt(alpha, 0),),
        ),
        Activation(
            "selu",
            "scaled exponential linear unit",
            Piecewise((scale * z, z > 0), (scale * alpha * (exp(z) - 1), True)),
            (),
            "Klambauer et al., NIPS 30 (2017), eq. 2",
            (Lt(-scale * alpha, h),),
            (Gt(scale, 0), Gt(alpha, 0)),
            note="for any constants; frameworks have lambda = 1.0507009873554805 and alpha = 1.6732632423543772",
        ),
        Activation(
            "hardtanh",
            "hard tanh",
            Piecewise((1, z > 1), (-1, z < -1), (z, True)),
            (),
            "Collobert, thesis, Paris VI (2004)",
            (Le(-1, h), Le(h, 1)),
        ),
        Activation(
            "hardsigmoid",
            "hard sigmoid",
            Piecewise((1, z > 3), (0, z < -3), (z / 6 + Rational(1, 2), True)),
            (),
            "PyTorch, torch.nn.Hardsigmoid",
            (Le(0, h), Le(h, 1)),
            note="Keras has slopes 0.2 or 1/6, by version",
        ),
        Activation("probit", "normal distribution function", NORMAL_CDF, (), LINKS, UNIT),
        Activation("cloglog", "complementary log-log", 1 - exp(-exp(z)), (), LINKS, UNIT),
        Activation("loglog", "log-log", exp(-exp(-z)), (), LINKS, UNIT),
        Activation("cauchit", "Cauchy distribution function", Rational(1, 2) + atan(z) / pi, (), LINKS, UNIT),
        Activation(
            "arctan",
            "arc tangent",
            atan(z),
            (),
            "Abramowitz, Stegun, 4.4",
            (Lt(-pi / 2, h), Lt(h, pi / 2)),
        ),
        Activation(
            "softsign",
            "softsign",
            z / (1 + Abs(z)),
            (),
            "Turian, Bergstra, Bengio, NAACL (2009)",
            (Lt(-1, h), Lt(h, 1)),
        ),
        Activation(
            "gelu",
            "Gaussian error linear unit",
            z * NORMAL_CDF,
            (),
            "Hendrycks, Gimpel, arXiv 1606.08415 (2016), eq. 1",
            note="by the error function, not by its approximation with tanh",
        ),
        Activation(
            "silu",
            "sigmoid linear unit",
            z / (1 + exp(-z)),
            (),
            "Elfwing, Uchibe, Doya, Neural Networks 107 (2018)",
            note="also called swish",
        ),
        Activation("mish", "mish", z * tanh(log(1 + exp(z))), (), "Misra, BMVC (2020), eq. 1"),
        Activation("square", "square", z**2, (), "Livni, Shalev-Shwartz, Shamir, NIPS 27 (2014)", (Le(0, h),)),
        Activation("inverse", "negative reciprocal", -1 / z, (Lt(z, 0),), GLM, POSITIVE),
        Activation("invsqrt", "inverse square root", (-2 * z) ** Rational(-1, 2), (Lt(z, 0),), GLM, POSITIVE),
        Activation(
            "power",
            "Tweedie canonical mean",
            ((1 - p) * z) ** (1 / (1 - p)),
            (Lt(z, 0),),
            "Jorgensen, The Theory of Dispersion Models, ch. 4",
            POSITIVE,
            (Lt(1, p), Lt(p, 2)),
        ),
        Activation(
            "nblink",
            "negative binomial canonical mean",
            r * exp(z) / (1 - exp(z)),
            (Lt(z, 0),),
            "Hilbe, Negative Binomial Regression, ch. 8",
            POSITIVE,
            (Gt(r, 0),),
        ),
        Activation(
            "softmax",
            "softmax",
            exp(Z[k]) / _over_classes(exp(Z[l])),
            SEVERAL,
            "Bishop, PRML, eq. 4.62",
            UNIT_VECTOR,
        ),
        Activation(
            "softmaxT",
            "softmax with temperature",
            exp(Z[k] / T) / _over_classes(exp(Z[l] / T)),
            SEVERAL,
            "Hinton, Vinyals, Dean, arXiv 1503.02531 (2015), eq. 1",
            UNIT_VECTOR,
            (Gt(T, 0),),
        ),
        Activation(
            "logsoftmax",
            "log-softmax",
            log(exp(Z[k]) / _over_classes(exp(Z[l]))),
            SEVERAL,
            "PyTorch, torch.nn.LogSoftmax",
            (Lt(H[k], 0),),
        ),
        Activation(
            "normalize",
            "normalised positive vector",
            Z[k] / _over_classes(Z[l]),
            (*SEVERAL, Gt(Z[k], 0)),
            "Bridle, Neurocomputing (1990)",
            UNIT_VECTOR,
        ),
        Activation(
            "unitnorm",
            "unit vector",
            Z[k] / sqrt(_over_classes(Z[l] ** 2)),
            (Gt(_over_classes(Z[l] ** 2), 0),),
            "Salimans, Kingma, NIPS 29 (2016), eq. 2",
        ),
    )
}
ALIASES = {"linear": "identity", "logistic-unit": "sigmoid", "swish": "silu"}
