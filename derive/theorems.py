"""The theorems behind the catalogue, as data, proved for any function F; imports chains, syntax and proof, never SymPy.

A theorem is a chain of steps that the kernel checks each time it is asked for, and its instances are the same chain
with functions put in. What analysis says beyond that is cited, and marked as not checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from derive.certificate import PLAIN_TEXT
from derive.chains import Chain, Move, Setting, Statement, Writer, read_chain, write_chain
from derive.errors import REFUSALS, CertificateError, DeriveError, UnknownName
from derive.proof import JSON_SCHEMA, slope
from derive.syntax import parse, plain
from derive.term import Term, var

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
        Move("rewrite", "Use (7) in (4); V = A'' is the variance.", (4, 7), value="(h - y)*g'(z)/(s*A''(psi(z)))"),
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
            "A J with `dJ/dz[j]` = `h[j] - y[j]` exists only if `dh[k]/dz[j]` = `dh[j]/dz[k]`: second derivatives of "
            "J are equal in either order (Schwarz; Rudin, Principles of Mathematical Analysis, 9.41).",
            "If `dh[k]/dz[j]` = `dh[j]/dz[k]` on an open convex set, there is such a J (Poincare lemma).",
            "Hence outputs `f(z[k])` over their sum have a matching loss on an interval where f is not 0, for 2 "
            "classes or more, if and only if `f'(z[k])/f(z[k])` is constant: f(z) = c exp(b z), the softmax with a "
            "temperature.",
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
            "Where J is the negative logarithm of the density of y, up to a term free of z, `A'(psi(z))` is the mean "
            "of y and `s*A''(psi(z))` its variance (McCullagh, Nelder, Generalized Linear Models, 2.2.2).",
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
            Instance(
                "Poisson, identity link", {"A": "exp(x)", "psi": "log(x)", "s": "1", "g": "x"}, "poisson-identity"
            ),
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


# ---- a theorem as it is read ---------------------------------------------------------------------------------

Piece: TypeAlias = str | Term | tuple[Term, Term]  # words, a formula, d first / d second
SMOOTH = ("continuous ", "continuously differentiable ", "twice continuously differentiable ")


class Corollary(NamedTuple):
    """An instance, proved; ``pair``: the pair of the catalogue that it is, up to a term in J that is free of h."""

    title: str
    pair: str | None
    chain: Chain


@dataclass(frozen=True, repr=False)
class Theorem:
    """A theorem whose every step was checked when this was made.

    chain: the steps, the claims and their hypotheses; cited: what is not checked, formulas between backticks;
    instances: the same with known functions; source: where it is from.
    """

    name: str
    title: str
    chain: Chain
    cited: tuple[str, ...]
    instances: tuple[Corollary, ...]
    source: str

    def to_json(self) -> dict[str, Any]:
        """The object of ``derive theorem NAME --json``."""
        setting = self.chain.setting
        cited = [{"statement": "".join(map(_plain, pieces(t, setting))), "checked": False} for t in self.cited]
        instances = [{"title": i.title, "pair": i.pair, **_shown(i.chain)} for i in self.instances]
        head = {"schema": JSON_SCHEMA, "theorem": self.name, "title": self.title}
        return {**head, **_shown(self.chain), "cited": cited, "instances": instances, "source": self.source}

    def __repr__(self) -> str:
        return f"<Theorem {self.name}: {self.title}, {len(self.instances)} instances>"

    def _repr_latex_(self) -> str:
        from derive.report.theorem import display

        return f"$${display(self.chain)}$$"


def _shown(chain: Chain) -> dict[str, Any]:
    from derive.report.theorem import equation

    rows = enumerate(zip(chain.lines, chain.facts, strict=True), 1)
    assumed = ["".join(map(_plain, words)) for words in functions(chain)]
    return {
        "statement": chain.statement,
        "loss": chain.setting.cost and plain(chain.setting.cost),
        "activation": plain(chain.setting.activation),
        "assumptions": [*assumed, *map(plain, (*chain.identities, *chain.hypotheses))],
        "steps": [
            {
                "n": n,
                "rule": line.rule,
                "statement": f.statement,
                "latex": equation(f),
                "checked": line.rule != "assume",
            }
            for n, (line, f) in rows
        ],
    }


def functions(chain: Chain) -> list[tuple[Piece, ...]]:
    """What is assumed of the abstract functions: F is any twice differentiable function."""
    return [
        (var(name), f" is any {SMOOTH[n] if n < len(SMOOTH) else f'{n} times continuously differentiable '}function")
        for name, n in chain.functions.items()
    ]


def pieces(text: str, setting: Setting) -> list[Piece]:
    """Words with the formulas between backticks read as terms, and `dh/dz` as a derivative."""
    found: list[Piece] = []
    for n, part in enumerate(text.split("`")):
        above, _, below = part[1:].partition("/d")
        if n % 2 and part[:1] == "d" and below:
            found.append((parse(above, setting.symbols), parse(below, setting.symbols)))
        else:
            found.append(parse(part, setting.symbols) if n % 2 else part)
    return found


def _plain(piece: Piece) -> str:
    return piece if isinstance(piece, str) else plain(piece) if isinstance(piece, Term) else slope(*piece)


def names() -> tuple[str, ...]:
    return tuple(THEOREMS)


def theorem(name: str) -> Theorem:
    """The theorem of that name, proved now, with its instances; raises UnknownName with the nearest name."""
    entry = THEOREMS.get(name)
    if entry is None:
        raise UnknownName(_unknown(name))
    proved = [
        Corollary(i.title, i.pair, Writer(CASES.get(i.case, entry.statement), i.functions).chain(i.point))
        for i in entry.instances
    ]
    chain = Writer(entry.statement, {}).chain()
    return Theorem(name, entry.title, chain, entry.cited, tuple(proved), entry.source)


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), THEOREMS, n=1)
    return f"no theorem is called {name!r}; " + (
        f"did you mean {near[0]}?" if near else f"there are {', '.join(THEOREMS)}"
    )


# ---- files -----------------------------------------------------------------------------------------------------


def dumps(found: Theorem) -> str:
    """The theorem with all its steps, as the one text that ``loads`` accepts for it."""
    body = {
        "schema": SCHEMA,
        "name": found.name,
        "title": found.title,
        "source": found.source,
        "cited": found.cited,
        **write_chain(found.chain),
        "instances": [{"title": i.title, "pair": i.pair, **write_chain(i.chain)} for i in found.instances],
    }
    return json.dumps(body, indent=1, ensure_ascii=True) + "\n"


def loads(text: str) -> Theorem:
    """Read and re-check a stored theorem, every step of it and of its instances, by the kernel alone.

    Raises CertificateError: not JSON, another schema, changed content, a step that the kernel refuses, or a file that
    states something else than the theorem whose name it bears. By which steps it is proved is left to the file.
    """
    try:
        data = json.loads(text)
        if data["schema"] != SCHEMA:
            raise CertificateError(f"schema {data['schema']!r} is not {SCHEMA!r}, which this version reads")
        found = _read(data)
        is_same, is_named = dumps(found) == text, _said(found) == _said(theorem(found.name))
    except CertificateError:
        raise
    except (DeriveError, *REFUSALS) as problem:
        raise CertificateError(str(problem)) from problem
    if not is_same:
        raise CertificateError("what the file says of its steps is not what the kernel finds")
    if not is_named:
        raise CertificateError(f"the file states something else than the theorem {found.name}")
    return found


def _said(found: Theorem) -> tuple[Any, ...]:
    """What a theorem tells its reader, whatever the steps: words, J and h, what is assumed and what is claimed."""
    instances = [(i.title, i.pair, *_stated(i.chain)) for i in found.instances]
    return found.title, found.source, found.cited, *_stated(found.chain), instances


def _stated(chain: Chain) -> tuple[Any, ...]:
    return chain.setting, chain.functions, chain.identities, chain.statement


def _read(data: Mapping[str, Any]) -> Theorem:
    instances = [Corollary(row["title"], row["pair"], read_chain(row)) for row in data["instances"]]
    found = Theorem(
        data["name"], data["title"], read_chain(data), tuple(data["cited"]), tuple(instances), data["source"]
    )
    words = [found.name, found.title, found.source, *(i.title for i in instances), *(i.pair or "" for i in instances)]
    chains = [found.chain, *(i.chain for i in instances)]
    words += [line.reason for chain in chains for line in chain.lines]
    words += [p for text in found.cited for p in pieces(text, found.chain.setting) if isinstance(p, str)]
    if not all(isinstance(w, str) and set(w) <= PLAIN_TEXT for w in words):
        raise CertificateError("plain words are expected")
    return found
