"""The losses: one entry each, a SymPy expression with its domain, targets and source; imports sympy only.

``cost`` is J per sample in h and y; a loss that indexes them, h[k] and y[k], acts on a vector of K
outputs. ``domain`` are the relations on h under which J is real, ``targets`` those on y: an equation among
them may become a condition of an answer, and is stated there. ``cases`` are the values of a discrete target,
as equations: ``targets`` is then the interval that they span. ``parameters`` are relations on all other names.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sympy import (
    Abs,
    Eq,
    Ge,
    Gt,
    IndexedBase,
    Le,
    Lt,
    Piecewise,
    Rational,
    Sum,
    Symbol,
    cosh,
    exp,
    log,
    sqrt,
    symbols,
)

h, y, w, d, c, t, r, s, p, epsilon, alpha, beta, gamma, N = symbols(
    "h y w d c t r s p epsilon alpha beta gamma N", real=True
)
k = Symbol("k", integer=True)
K = Symbol("K", integer=True, positive=True)
H, Y, W = (IndexedBase(name, real=True) for name in "hyw")


class Loss(NamedTuple):
    slug: str
    name: str
    cost: Any
    domain: tuple[Any, ...]
    targets: tuple[Any, ...]
    source: str
    parameters: tuple[Any, ...] = ()
    cases: tuple[Any, ...] = ()
    note: str = ""
    restricted: tuple[str, ...] = ()  # activations in use though they leave the domain: z is kept where they do not


def _over_classes(summand: Any) -> Any:
    return Sum(summand, (k, 1, K))


HALF = Rational(1, 2)
PROBABILITY, SIMPLEX = (Le(0, y), Le(y, 1)), (Le(0, Y[k]), Eq(_over_classes(Y[k]), 1))
UNIT, POSITIVE, POSITIVE_VECTOR = (Lt(0, h), Lt(h, 1)), (Lt(0, h),), (Lt(0, H[k]),)
UNIT_VECTOR = (Lt(0, H[k]), Lt(H[k], 1))
SMOOTHED = (1 - epsilon) * Y[k] + epsilon / K
HITS = _over_classes(H[k] * Y[k])
SIGNS = ((Le(-1, y), Le(y, 1)), (Eq(y, -1), Eq(y, 1)))

LOSSES = {
    entry.slug: entry
    for entry in (
        Loss(
            "mse",
            "half squared error",
            (h - y) ** 2 / 2,
            (),
            (),
            "Bishop, PRML, eq. 5.14",
            note="with the factor 1/2; without it see sse",
        ),
        Loss(
            "sse",
            "squared error",
            (h - y) ** 2,
            (),
            (),
            "Hastie, Tibshirani, Friedman, ESL, eq. 11.9",
            note="without the factor 1/2",
        ),
        Loss("mae", "absolute error", Abs(h - y), (), (), "Hastie, Tibshirani, Friedman, ESL, 10.6"),
        Loss(
            "huber",
            "Huber loss",
            Piecewise((d * (h - y - d / 2), h - y > d), (d * (y - h - d / 2), y - h > d), ((h - y) ** 2 / 2, True)),
            (),
            (),
            "Huber, Annals of Mathematical Statistics 35 (1964), sect. 2",
            parameters=(Gt(d, 0),),
        ),
        Loss(
            "smoothl1",
            "smooth L1 loss",
            Piecewise((h - y - d / 2, h - y > d), (y - h - d / 2, y - h > d), ((h - y) ** 2 / (2 * d), True)),
            (),
            (),
            "Girshick, Fast R-CNN (2015), eq. 3",
            parameters=(Gt(d, 0),),
            note="Huber loss divided by d; d is called beta in PyTorch",
        ),
        Loss("logcosh", "log-cosh loss", log(cosh(h - y)), (), (), "Saleh, Saleh, arXiv 2208.04564 (2022), eq. 1"),
        Loss(
            "pseudohuber",
            "pseudo-Huber loss",
            d**2 * (sqrt(1 + ((h - y) / d) ** 2) - 1),
            (),
            (),
            "Hartley, Zisserman, Multiple View Geometry, A6.8",
            parameters=(Gt(d, 0),),
        ),
        Loss(
            "cauchy",
            "Cauchy loss",
            c**2 / 2 * log(1 + ((h - y) / c) ** 2),
            (),
            (),
            "Barron, CVPR (2019), eq. 3",
            parameters=(Gt(c, 0),),
        ),
        Loss(
            "quantile",
            "quantile loss",
            Piecewise((t * (y - h), y > h), ((1 - t) * (h - y), True)),
            (),
            (),
            "Koenker, Bassett, Econometrica 46 (1978), eq. 2.1",
            parameters=(Gt(t, 0), Lt(t, 1)),
            note="also called pinball loss",
        ),
        Loss(
            "expectile",
            "expectile loss",
            Piecewise((t * (h - y) ** 2, y > h), ((1 - t) * (h - y) ** 2, True)),
            (),
            (),
            "Newey, Powell, Econometrica 55 (1987), eq. 2.3",
            parameters=(Gt(t, 0), Lt(t, 1)),
        ),
        Loss(
            "epsinsensitive",
            "epsilon-insensitive loss",
            Piecewise((h - y - epsilon, h - y > epsilon), (y - h - epsilon, y - h > epsilon), (0, True)),
            (),
            (),
            "Vapnik, The Nature of Statistical Learning Theory, 6.1",
            parameters=(Gt(epsilon, 0),),
        ),
        Loss(
            "msle",
            "half squared logarithmic error",
            (log(1 + h) - log(1 + y)) ** 2 / 2,
            (Lt(-1, h),),
            (Lt(-1, y),),
            "scikit-learn, User Guide, 3.4.6 (mean squared logarithmic error)",
            note="with the factor 1/2",
        ),
        Loss(
            "bce",
            "binary cross-entropy",
            -y * log(h) - (1 - y) * log(1 - h),
            UNIT,
            PROBABILITY,
            "Bishop, PRML, eq. 5.21",
        ),
        Loss(
            "wbce",
            "weighted binary cross-entropy",
            -w * y * log(h) - (1 - y) * log(1 - h),
            UNIT,
            PROBABILITY,
            "PyTorch, torch.nn.BCEWithLogitsLoss (pos weight)",
            parameters=(Gt(w, 0),),
            note="w weighs the positive class only",
        ),
        Loss(
            "focal",
            "focal loss",
            -alpha * y * (1 - h) ** gamma * log(h) - (1 - alpha) * (1 - y) * h**gamma * log(1 - h),
            UNIT,
            PROBABILITY,
            "Lin, Goyal, Girshick, He, Dollar, ICCV (2017), eq. 5",
            parameters=(Gt(alpha, 0), Lt(alpha, 1), Ge(gamma, 0)),
            cases=(Eq(y, 0), Eq(y, 1)),
        ),
        Loss(
            "brier",
            "Brier score",
            (h - y) ** 2,
            (),
            PROBABILITY,
            "Brier, Monthly Weather Review 78 (1950), eq. 2",
            note="meant for probabilities; the sum over classes is taken where the output is a vector",
        ),
        Loss(
            "binomial",
            "binomial negative log-likelihood",
            -y * log(h) - (N - y) * log(1 - h),
            UNIT,
            (Le(0, y), Le(y, N)),
            "McCullagh, Nelder, Generalized Linear Models, 4.2",
            parameters=(Gt(N, 0),),
            note="y successes in N trials, up to a constant",
        ),
        Loss(
            "cce",
            "categorical cross-entropy",
            -_over_classes(Y[k] * log(H[k])),
            POSITIVE_VECTOR,
            SIMPLEX,
            "Bishop, PRML, eq. 5.24",
        ),
        Loss(
            "wcce",
            "weighted categorical cross-entropy",
            -_over_classes(W[k] * Y[k] * log(H[k])),
            POSITIVE_VECTOR,
            SIMPLEX,
            "PyTorch, torch.nn.CrossEntropyLoss (weight)",
            parameters=(Gt(W[k], 0),),
        ),
        Loss(
            "lsce",
            "label-smoothed cross-entropy",
            -_over_classes(SMOOTHED * log(H[k])),
            POSITIVE_VECTOR,
            SIMPLEX,
            "Szegedy et al., CVPR (2016), sect. 7",
            parameters=(Gt(epsilon, 0), Lt(epsilon, 1)),
        ),
        Loss(
            "kl",
            "Kullback-Leibler divergence",
            _over_classes(Y[k] * log(Y[k] / H[k])),
            POSITIVE_VECTOR,
            (Lt(0, Y[k]), Eq(_over_classes(Y[k]), 1)),
            "Kullback, Leibler, Annals of Mathematical Statistics 22 (1951), eq. 2.4",
        ),
        Loss(
            "reversekl",
            "reverse Kullback-Leibler divergence",
            _over_classes(H[k] * log(H[k] / Y[k])),
            POSITIVE_VECTOR,
            (Lt(0, Y[k]), Eq(_over_classes(Y[k]), 1)),
            "Bishop, PRML, eq. 10.16",
        ),
        Loss(
            "mbce",
            "multilabel binary cross-entropy",
            -_over_classes(Y[k] * log(H[k]) + (1 - Y[k]) * log(1 - H[k])),
            UNIT_VECTOR,
            (Le(0, Y[k]), Le(Y[k], 1)),
            "Bishop, PRML, eq. 5.22",
        ),
        Loss(
            "poisson",
            "Poisson negative log-likelihood",
            h - y * log(h),
            POSITIVE,
            (Le(0, y),),
            "McCullagh, Nelder, Generalized Linear Models, 6.2",
            restricted=("identity",),
        ),
        Loss(
            "gamma",
            "gamma negative log-likelihood",
            y / h + log(h),
            POSITIVE,
            (Lt(0, y),),
            "McCullagh, Nelder, Generalized Linear Models, 8.2",
        ),
        Loss(
            "invgaussian",
            "inverse Gaussian negative log-likelihood",
            (y - h) ** 2 / (2 * h**2 * y),
            POSITIVE,
            (Lt(0, y),),
            "McCullagh, Nelder, Generalized Linear Models, table 2.1",
        ),
        Loss(
            "tweedie",
            "Tweedie deviance",
            -y * h ** (1 - p) / (1 - p) + h ** (2 - p) / (2 - p),
            POSITIVE,
            (Le(0, y),),
            "Jorgensen, The Theory of Dispersion Models, ch. 4",
            parameters=(Lt(1, p), Lt(p, 2)),
            note="half the deviance, up to a constant",
        ),
        Loss(
            "negbin",
            "negative binomial negative log-likelihood",
            -y * log(h / (h + r)) - r * log(r / (h + r)),
            POSITIVE,
            (Le(0, y),),
            "Hilbe, Negative Binomial Regression, ch. 8",
            parameters=(Gt(r, 0),),
        ),
        Loss(
            "exponential",
            "exponential negative log-likelihood",
            h * y - log(h),
            POSITIVE,
            (Lt(0, y),),
            "Lawless, Statistical Models and Methods for Lifetime Data, 4.1",
            note="h is the rate, 1/h the mean",
        ),
        Loss(
            "hinge",
            "hinge loss",
            Piecewise((1 - h * y, h * y < 1), (0, True)),
            (),
            SIGNS[0],
            "Hastie, Tibshirani, Friedman, ESL, eq. 12.25",
            cases=SIGNS[1],
        ),
        Loss(
            "sqhinge",
            "squared hinge loss",
            Piecewise(((1 - h * y) ** 2, h * y < 1), (0, True)),
            (),
            SIGNS[0],
            "Hastie, Tibshirani, Friedman, ESL, table 12.1",
            cases=SIGNS[1],
        ),
        Loss(
            "logistic",
            "logistic loss",
            log(1 + exp(-h * y)),
            (),
            SIGNS[0],
            "Hastie, Tibshirani, Friedman, ESL, table 12.1",
            cases=SIGNS[1],
            note="binary cross-entropy for labels -1 and 1",
        ),
        Loss(
            "exploss",
            "exponential loss",
            exp(-h * y),
            (),
            SIGNS[0],
            "Hastie, Tibshirani, Friedman, ESL, eq. 10.8",
            cases=SIGNS[1],
        ),
        Loss(
            "dice",
            "Dice loss",
            1 - (2 * HITS + s) / (_over_classes(H[k]) + _over_classes(Y[k]) + s),
            UNIT_VECTOR,
            (Le(0, Y[k]), Le(Y[k], 1)),
            "Milletari, Navab, Ahmadi, 3DV (2016), sect. 3",
            parameters=(Gt(s, 0),),
            note="s smooths the quotient",
        ),
        Loss(
            "tversky",
            "Tversky loss",
            1 - HITS / (HITS + alpha * _over_classes(H[k] * (1 - Y[k])) + beta * _over_classes((1 - H[k]) * Y[k])),
            UNIT_VECTOR,
            (Le(0, Y[k]), Le(Y[k], 1)),
            "Salehi, Erdogmus, Gholipour, MLMI (2017), eq. 3",
            parameters=(Gt(alpha, 0), Gt(beta, 0)),
        ),
    )
}
