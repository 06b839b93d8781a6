"""The theorems behind the catalogue, for any function F: their statements as data, proved by the kernel and read back.

Imports the kernel and the forms of ``present``, never SymPy. F, G, A ... are any functions of a real variable, smooth
enough for the primes that are used, so nothing is evaluated: a theorem is a chain of moves, each checked by a rule of
``Theory``, and its instances are the same chain with functions put in. What analysis says beyond that is cited, and
marked as not checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from derive.chains import Move, Statement

SCHEMA = "derive-theorem/1"


class Instance(NamedTuple):
    """Functions of x, and parameters, put in for those of a statement; ``pair``: the pair of the catalogue it is."""

    title: str
    functions: Mapping[str, str]
    pair: str | None = None
    case: str = ""  # the statement, where it is not the theorem's own
    point: tuple[str, ...] = ()  # z at which the last value is certainly not 0


class Entry(NamedTuple):
    """A theorem: its statement, what is cited and not checked, and its instances."""

    title: str
    statement: Statement
    cited: tuple[str, ...]
    instances: tuple[Instance, ...]
    source: str


# ---- the statements ----------------------------------------------------------------------------------

LOSS = Move("definition", "The loss.", left="J")
OUTPUT = Move("definition", "The activation.", left="h")
SLOPE = Move("derivative", "Differentiate the activation.", left="h", by="z")
BOTH_SIDES = "Both sides of ({}) are the same function of z, and so are their derivatives."

MATCHING = Statement(
    "F(z) - y*z",
    "F'(z)",
    (
        LOSS,
        OUTPUT,
        Move("derivative", "Differentiate the loss.", left="J", by="z"),
        Move("rewrite", "Write (3) in terms of the output.", (3,), value="h - y"),
        SLOPE,
        Move("second", "Differentiate (4) once more: the second derivative is the slope of h.", (4, 5)),
        Move("assume", "Let J be known as a function L of the output.", left="L(h)", value="F(z) - y*z"),
        Move("derivative", "Chain rule.", left="L(h)", by="z"),
        Move("both-sides", BOTH_SIDES.format(7), (7, 8), value="h - y"),
        Move("equal", "Solve (9) for the slope in the output.", (9,), left="L'(h)", value="(h - y)/F''(z)"),
    ),
    (4, 6, 10),
)
POTENTIAL = Statement(
    "G(sum(l, F(z[l]))) - sum(l, y[l]*z[l])",
    "G'(sum(l, F(z[l])))*F'(z[k])",
    (
        LOSS,
        OUTPUT._replace(left="h[k]"),
        Move("derivative", "Differentiate the loss.", left="J", by="z[j]"),
        Move("rewrite", "Write (3) in terms of the output.", (3,), value="h[j] - y[j]"),
        SLOPE._replace(left="h[k]", by="z[j]"),
        Move("gap", "Exchange j and k in (5), and subtract: the Jacobian is symmetric.", (5,), value="0"),
    ),
    (4, 6),
    is_vector=True,
)
NORMALISED = Statement(
    "",
    "f(z[k])/sum(l, f(z[l]))",
    (
        OUTPUT._replace(left="h[k]"),
        SLOPE._replace(left="h[k]", by="z[j]"),
        Move(
            "gap",
            "Exchange j and k in (2), and subtract.",
            (2,),
            value="(f(z[j])*f'(z[k]) - f(z[k])*f'(z[j]))/sum(l, f(z[l]))^2",
        ),
    ),
    (3,),
    is_vector=True,
)
CANONICAL = Statement(
    "(A(psi(z)) - y*psi(z))/s",
    "A'(psi(z))",
    (
        Move("definition", "The negative log-likelihood, up to c(y): eta = psi(z), dispersion s.", left="J"),
        Move("definition", "The mean.", left="h"),
        Move("derivative", "Differentiate the loss.", left="J", by="z"),
        Move("rewrite", "Write (3) in terms of the output.", (3,), value="(h - y)*psi'(z)/s"),
        SLOPE,
        Move("assume", "Call the mean, as a function of z, g.", left="h", value="g(z)"),
        Move("both-sides", BOTH_SIDES.format(6), (6, 5)),
        Move(
            "rewrite", "Use (7) in (4); the variance function is V = A''.", (4, 7), value="(h - y)*g'(z)/(s*A''(psi(z)))"
        ),
    ),
    (4, 8),
)
COMPOSITE = Statement(
    "y*L1(h) + (1 - y)*L0(h)",
    "g(z)",
    (
        Move("definition", "The loss: L1 where y = 1, and L0 where y = 0.", left="J"),
        Move("definition", "The inverse link.", left="h"),
        Move("derivative", "Differentiate the loss with respect to the output.", left="J", by="h"),
        Move("assume", "The loss is proper, with weight w.", left="L1'(h)", value="-(1 - h)*w(h)"),
        Move("assume", "The same for y = 0.", left="L0'(h)", value="h*w(h)"),
        Move("rewrite", "Use (4) in (3).", (3, 4), value="-y*(1 - h)*w(h) + (1 - y)*L0'(h)"),
        Move("rewrite", "Use (5) in (6), and collect.", (6, 5), value="(h - y)*w(h)"),
        SLOPE._replace(reason="Differentiate the inverse link."),
        Move("chain", "Chain rule: multiply (7) by (8).", (7, 8)),
        Move("assume", "The link psi undoes g.", left="psi(h)", value="z"),
        Move("derivative", "Chain rule.", left="psi(h)", by="z"),
        Move("both-sides", BOTH_SIDES.format(10), (10, 11)),
        Move("rewrite", "Use (12) in (9).", (9, 12), value="(h - y)*w(h)/psi'(h)"),
    ),
    (7, 13),
)
BREGMAN = Statement(
    "F(y) - F(h) - F'(h)*(y - h)",
    "g(z)",
    (
        Move("definition", "The loss: what a tangent of F at h misses at y.", left="J"),
        OUTPUT,
        Move("derivative", "Differentiate the loss with respect to the output.", left="J", by="h"),
        SLOPE,
        Move("chain", "Chain rule: multiply (3) by (4).", (3, 4)),
        Move("rewrite", "Put the factors of (5) in front.", (5,), value="F''(h)*g'(z)*(h - y)"),
    ),
    (3, 6),
)
FENCHEL_YOUNG = Statement(
    "G(z) + F(y) - y*z",
    "G'(z)",
    (
        LOSS,
        OUTPUT,
        Move("derivative", "Differentiate the loss.", left="J", by="z"),
        Move("rewrite", "Write (3) in terms of the output.", (3,), value="h - y"),
        SLOPE,
        Move("second", "Differentiate (4) once more.", (4, 5)),
    ),
    (4, 6),
)
CASES = {"normalised": NORMALISED}

SIGMOID, LOGIT = "sigmoid(x)", "log(x/(1 - x))"
LOG_LOSS = {"L1": "-log(x)", "L0": "-log(1 - x)", "w": "1/(x*(1 - x))"}

THEOREMS: dict[str, Entry] = {
    "matching-loss": Entry(
        "Matching loss of an activation",
        MATCHING,
        (
            "Any other J with the same derivative in z differs from this one by some c(y): a function whose "
            "derivative is 0 on an interval is constant (mean value theorem; Rudin, Principles of Mathematical "
            "Analysis, 5.11).",
            "J is convex in z if and only if h does not decrease: its derivative h - y must not decrease (Rudin, "
            "Principles of Mathematical Analysis, chapter 5, exercise 14). No second derivative is needed for this.",
        ),
        (
            Instance(
                "cross-entropy with the logistic sigmoid",
                {"F": "softplus(x)", "L": "-y*log(x) - (1 - y)*log(1 - x)"},
                "bce-sigmoid",
            ),
            Instance(
                "half the squared error with the identity",
                {"F": "(x^2 + y^2)/2", "L": "(x - y)^2/2"},
                "mse-identity",
            ),
            Instance("Poisson loss with the exponential", {"F": "exp(x)", "L": "x - y*log(x)"}, "poisson-exp"),
            Instance(
                "the hyperbolic tangent",
                {"F": "log(cosh(x))", "L": "-log(1 - x^2)/2 - y*log((1 + x)/(1 - x))/2"},
            ),
        ),
        "Helmbold, Kivinen, Warmuth, Worst-case loss bounds for single neurons, NIPS 8 (1995)",
    ),
    "matching-loss-vector": Entry(
        "Matching loss of a vector of outputs",
        POTENTIAL,
        (
            "A J with these derivatives exists only if dh_k/dz_j = dh_j/dz_k: second derivatives of J are equal in "
            "either order (Schwarz; Rudin, Principles of Mathematical Analysis, 9.41).",
            "If dh_k/dz_j = dh_j/dz_k on an open convex set, there is such a J (Poincare lemma).",
            "Hence outputs f(z_k) over their sum have a matching loss on an interval where f is not 0, for 2 classes "
            "or more, if and only if f'/f is constant: f(z) = c exp(b z), the softmax with a temperature.",
        ),
        (
            Instance(
                "softmax: G = log, F = exp",
                {"G": "log(x)", "F": "exp(x)"},
            ),
            Instance("unitnorm: G = sqrt, F = square", {"G": "sqrt(x)", "F": "x^2"}),
            Instance("any function over its sum", {}, case="normalised"),
            Instance("exponentials over their sum", {"f": "exp(x)"}, case="normalised"),
            Instance("normalize: numbers over their sum", {"f": "x"}, case="normalised", point=("1", "2")),
            Instance("squares over their sum", {"f": "x^2"}, case="normalised", point=("1", "2")),
            Instance("softplus over its sum", {"f": "log(1 + exp(x))"}, case="normalised", point=("0", "1")),
        ),
        "Kivinen, Warmuth, Relative loss bounds for multidimensional regression problems, Machine Learning 45 (2001)",
    ),
    "canonical-link": Entry(
        "Negative log-likelihood of an exponential family",
        CANONICAL,
        (
            "A'(eta) is the mean and s A''(eta) the variance of a target with density exp((y eta - A(eta))/s + c(y, s)) "
            "(McCullagh, Nelder, Generalized Linear Models, 2.2.2).",
        ),
        (
            Instance("any family with its canonical link", {"psi": "x"}),
            Instance("Bernoulli, canonical", {"A": "softplus(x)", "psi": "x", "s": "1", "g": SIGMOID}, "bce-sigmoid"),
            Instance(
                "Bernoulli, probit link",
                {"A": "log(1 + exp(x))", "psi": "log(Phi(x)/(1 - Phi(x)))", "s": "1", "g": "Phi(x)"},
                "bce-probit",
            ),
            Instance("Poisson, canonical", {"A": "exp(x)", "psi": "x", "s": "1", "g": "exp(x)"}, "poisson-exp"),
            Instance("Poisson, identity link", {"A": "exp(x)", "psi": "log(x)", "s": "1", "g": "x"}, "poisson-identity"),
            Instance("gamma, canonical", {"A": "-log(-x)", "psi": "x", "s": "1", "g": "-1/x"}, "gamma-inverse"),
            Instance("gamma, log link", {"A": "-log(-x)", "psi": "-exp(-x)", "s": "1", "g": "exp(x)"}, "gamma-exp"),
            Instance("normal of variance s, canonical", {"A": "x^2/2", "psi": "x", "g": "x"}),
        ),
        "Bishop, Pattern Recognition and Machine Learning (2006), 4.3.6",
    ),
    "proper-composite": Entry(
        "Proper binary loss behind a link",
        COMPOSITE,
        (
            "Every proper loss with differentiable parts L1 and L0 has such a weight w, and w is not negative "
            "(Shuford, Albert, Massengill 1966; Savage 1971).",
        ),
        (
            Instance("log loss with the logit", {**LOG_LOSS, "psi": LOGIT, "g": SIGMOID}, "bce-sigmoid"),
            Instance(
                "log loss with the complementary log-log link",
                {**LOG_LOSS, "psi": "log(-log(1 - x))", "g": "1 - exp(-exp(x))"},
                "bce-cloglog",
            ),
            Instance(
                "squared error on probabilities with the logit",
                {"L1": "(1 - x)^2", "L0": "x^2", "w": "2", "psi": LOGIT, "g": SIGMOID},
                "brier-sigmoid",
            ),
            Instance("log loss with any link", LOG_LOSS),
        ),
        "Reid, Williamson, Composite binary losses, JMLR 11 (2010)",
    ),
    "bregman": Entry(
        "Bregman divergence",
        BREGMAN,
        (
            "If F is convex, J is not negative: F lies above its tangents (Boyd, Vandenberghe, Convex Optimization, "
            "3.1.3).",
        ),
        (
            Instance("half the squared error with the logistic sigmoid", {"F": "x^2/2", "g": SIGMOID}, "mse-sigmoid"),
            Instance("half the squared error with any activation", {"F": "x^2/2"}),
            Instance("Poisson loss with the exponential", {"F": "x*log(x) - x", "g": "exp(x)"}, "poisson-exp"),
            Instance("gamma loss with the exponential", {"F": "-log(x)", "g": "exp(x)"}, "gamma-exp"),
            Instance(
                "cross-entropy with the logistic sigmoid",
                {"F": "x*log(x) + (1 - x)*log(1 - x)", "g": SIGMOID},
                "bce-sigmoid",
            ),
        ),
        "Bregman, USSR Computational Mathematics and Mathematical Physics 7 (1967)",
    ),
    "fenchel-young": Entry(
        "Fenchel-Young loss",
        FENCHEL_YOUNG,
        (
            "If G is the convex conjugate of F, J is not negative, and 0 where y = h (Fenchel-Young inequality; "
            "Rockafellar, Convex Analysis, theorem 23.5).",
        ),
        (
            Instance("half the squared error with the identity", {"G": "x^2/2", "F": "x^2/2"}, "mse-identity"),
            Instance(
                "cross-entropy with the logistic sigmoid",
                {"G": "softplus(x)", "F": "x*log(x) + (1 - x)*log(1 - x)"},
                "bce-sigmoid",
            ),
            Instance("Poisson loss with the exponential", {"G": "exp(x)", "F": "x*log(x) - x"}, "poisson-exp"),
        ),
        "Blondel, Martins, Niculae, Learning with Fenchel-Young losses, JMLR 21 (2020)",
    ),
}


