"""What a teacher says about a proof, in words and terms; imports the checked proof's types, never a notation.

Each sentence is a row of pieces, so that text and LaTeX print the terms in their own way. Every claim is
read off the checked steps: off the shape of their values, or asked of the kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from flint import fmpq

from derive.balls import Key, Point
from derive.certificate import Witness
from derive.errors import KernelError
from derive.kernel import COST, Theory
from derive.proof import Proof, ProofStep
from derive.report.layout import inverse
from derive.term import ONE, ZERO, Term, index, item, mul, num, reindex, rel, replace, subterms, var

Slope: TypeAlias = tuple[Term, Term]  # d first / d second


class Decimal(NamedTuple):
    """Digits as they are, for a number that is rounded."""

    digits: str


Piece: TypeAlias = str | Term | Slope | Decimal
Words: TypeAlias = tuple[Piece, ...]
Row: TypeAlias = tuple[str, Words]  # a label and what is said under it

NAMES = {
    "mse": "half squared error",
    "sse": "squared error",
    "bce": "binary cross-entropy",
    "cce": "categorical cross-entropy",
    "poisson": "Poisson negative log-likelihood",
    "sigmoid": "logistic sigmoid",
    "tanh": "hyperbolic tangent",
    "exp": "exponential",
}
REASONS = {
    "loss-definition": "The loss.",
    "activation-definition": "The activation.",
    "differentiate-loss": "Differentiate the loss by the output.",
    "common-denominator": "Put {} over a common denominator.",
    "differentiate-activation": "Differentiate the activation.",
    "in-output": "Write {} in terms of the output.",
    "chain-rule": "Chain rule: multiply {} by {}",
    "collapse-examples": "In {}, only one example has a Kronecker delta that is not 0.",
    "multiply": "Multiply the factors in {}.",
    "split": "Split the sum in {}.",
    "collapse": "In {}, a Kronecker delta leaves one term of its sum.",
    "normalised": "The outputs in {} add up to 1.",
    "cancel": "Cancel in {}.",
    "simplify": "Simplify {}.",
    "condition": "Use in {} the condition ",
}
BORDERS = (num(-1), ZERO, ONE)  # where the outputs of usual activations end


def title(proof: Proof) -> Words:
    """bce-sigmoid: binary cross-entropy with logistic sigmoid."""
    if not proof.pair:
        return ("A loss and an activation",)
    loss, _, activation = proof.pair.partition("-")
    words = f"{proof.pair}: {NAMES.get(loss, loss)} with {NAMES.get(activation, activation)}"
    return (words + (", averaged over the examples" if proof.average else ""),)


def setting(proof: Proof) -> Iterator[Row]:
    """Domain, targets and sizes."""
    statement = proof.statement
    if statement.loss_domain:
        discharged = {o.claim for step in proof.steps for o in step.theorem.obligations if step.rule == "chain"}
        holds = set(statement.loss_domain) <= discharged
        yield "Domain", (*listed(statement.loss_domain), "; every output of the activation is inside" if holds else "")
    if statement.activation_domain:
        yield "Given", listed(statement.activation_domain)
    if statement.targets:
        yield "Targets", listed(statement.targets)
    sizes = list(dict.fromkeys(i.args for i in (*statement.output.indices, *statement.preactivation.indices)))
    for over in dict.fromkeys(s for _, s in sizes):
        names = " and ".join(name for name, s in sizes if s == over)
        yield "Indices", (f"{names} from 1 to ", var(over), ", for any ", var(over))


def listed(relations: Iterable[Term]) -> Words:
    """Relations with commas, and what their free indices mean."""
    found = tuple(relations)
    names = dict.fromkeys(i.args[0] for r in found for i in r.indices)
    words: list[Piece] = [p for r in found for p in (", ", r)][1:]
    return (*words, f" for every {' and '.join(names)}" if names else "")


def reason(step: ProofStep) -> Words:
    """Why a step may be taken."""
    words = REASONS[step.reason].format(*(f"({n})" for n in step.sources))
    if step.reason == "condition":
        return (words, *listed(step.assuming), ".")
    if step.reason == "chain-rule":
        binders = _binders(step.right)
        return (words + (f", and sum over {' and '.join(binders)}." if binders else "."),)
    return (words,)


def _binders(term: Term) -> list[str]:
    return [term.hint, *_binders(term.args[1])] if term.kind == "sum" else []


def notes(proof: Proof) -> Iterator[Row]:
    """Everything that is said below the result."""
    yield "Verdict", verdict(proof)
    yield "Why", why(proof)
    if remark := saturation(proof):
        yield "Remark", remark
    yield "Assumes", hypotheses(proof)
    if proof.witness:
        lead = "where that fails: " if proof.answer == "yes" else ""
        yield "Witness", (lead, *witness(proof, proof.witness))


def target(proof: Proof) -> Slope:
    return COST, proof.statement.preactivation


def verdict(proof: Proof) -> Words:
    """Is dJ/dz = h - y? What is it instead?"""
    residual, value = proof.statement.residual, proof.steps[-1].right
    if proof.kind == "cancels":
        under = (", under a condition.",) if proof.conditions else (", for all real values of the variables.",)
        return "proved: ", target(proof), " = ", residual, *under
    if proof.kind == "other" or proof.verdict.factor is None:
        return "refuted: ", target(proof), " is not ", residual, ", nor a multiple of it."
    letter = "c" if proof.kind == "multiple" else "g"
    kind = "a constant multiple of it: " if proof.kind == "multiple" else "a factor remains: "
    shown = mul(var(letter), residual)
    ends: Words = (kind, target(proof), " = ", shown, f" with {letter} = ", proof.verdict.factor, ".")
    assert value == mul(*value.args[:-1], residual)
    return ("refuted: it is not ", residual, " but ", *ends)


def hypotheses(proof: Proof) -> Words:
    return (*listed(proof.hypotheses), ".") if proof.hypotheses else ("nothing beyond the domain.",)


# ---- why: the last values of dJ/dh and dh/dz, and what stands above and below their lines ----------------


class Parts(NamedTuple):
    """The two factors of the chain rule; ``same``: the pairs of indices that must agree for dh/dz not to be 0."""

    outer: Slope
    outer_value: Term
    inner: Slope
    inner_value: Term
    below: list[Term]
    above: list[Term]
    same: list[Term]

    @property
    def shared(self) -> list[Term]:
        left = list(self.below)
        return [t for t in self.above if t in left and not left.remove(t)]  # type: ignore[func-returns-value]


def parts(proof: Proof) -> Parts:
    output, z = proof.statement.output, proof.statement.preactivation
    outer, inner = (COST, output), (output, z)
    a, b = ([s.right for s in proof.steps if s.left == found][-1] for found in (outer, inner))
    below = [t for f in factors(a) if (d := inverse(f)) is not None for t in factors(d) if t.kind not in ("size", "num")]
    above = [f for f in factors(b) if f.kind != "kron" and f != ONE]
    return Parts(outer, a, inner, b, below, above, [f for f in factors(b) if f.kind == "kron"])


def factors(term: Term) -> list[Term]:
    """The factors of a product, of its products too."""
    return [f for t in term.args for f in factors(t)] if term.kind == "mul" else [term]


def why(proof: Proof) -> Words:
    """One or two sentences: what cancels, or what does not."""
    found = parts(proof)
    words = _why_coupled(proof, found) if is_coupled(proof) else _why_single(proof, found)
    return (*words, *_border(proof)) if proof.border else words


def is_coupled(proof: Proof) -> bool:
    """Whether h[k] is a function of all z: it has a sum over them."""
    family = proof.statement.preactivation.args[0]
    sums = [t for t in subterms(proof.statement.activation) if t.kind == "sum"]
    return any(t.kind == "item" and t.args[0] == family for s in sums for t in subterms(s))


def _why_single(proof: Proof, found: Parts) -> Words:
    lead: list[Piece] = []
    if found.same:
        equal = [p for d in found.same for p in (" and ", rel("=", *sorted(d.args, key=_by(found.inner[0]))))][1:]
        lead = [found.inner, " is 0 unless ", *equal, ". "]
    above = mul(*found.above)
    shown: Words = (found.inner, " = ", above) if not found.same else ("then it is ", above)
    if proof.kind == "other":
        return (*lead, found.outer, " = ", found.outer_value, " has no factor ", _own_residual(proof), ".")
    constant = _constant(proof)
    if not found.above:
        one: Words = ("Then it is 1",) if found.same else (found.inner, " = 1")
        return (*lead, *one, ", so nothing has to cancel", *constant, ".")
    if sorted(map(repr, found.above)) == sorted(map(repr, found.below)):
        below: Words = (found.outer, " has ", mul(*found.below), " below the line, and ")
        return (*lead, *below, *shown, ": the two cancel", *constant, ".")
    return (*lead, *_why_not(found), *shown, *_what_remains(proof, found))


def _by(first: Term) -> object:
    return lambda i: i not in first.indices


def _own_residual(proof: Proof) -> Term:
    statement = proof.statement
    back = dict(zip(statement.preactivation.args[1:], statement.output.args[1:], strict=True))
    return reindex(statement.residual, back)


def _constant(proof: Proof) -> Words:
    if proof.kind != "multiple" or proof.verdict.factor is None:
        return ()
    return ("; the constant ", proof.verdict.factor, " is left")


def _why_not(found: Parts) -> Words:
    if not found.below:
        return found.outer, " has nothing below the line, and "
    return found.outer, " has ", mul(*found.below), " below the line, and "


def _what_remains(proof: Proof, found: Parts) -> Words:
    what = "which cancels a part only" if found.shared else "which nothing cancels"
    assert proof.verdict.factor is not None
    return (f", {what}: the factor ", proof.verdict.factor, " remains.")


def _why_coupled(proof: Proof, found: Parts) -> Words:
    value = proof.steps[-1].right
    each: Words = ("Each output depends on every ", var(proof.statement.preactivation.args[0]), ": ")
    jacobian: Words = (*each, found.inner, " = ", found.inner_value, ". ")
    shared = mul(*found.shared)
    if found.shared:
        cancel: Words = ("Its factor ", shared, " cancels the one below the line of ", found.outer)
    else:
        cancel = (found.outer, " has nothing below the line to cancel its factors")
    if proof.conditions:
        used = listed(proof.verdict.conditions)
        ends: Words = ("; the sum leaves ", proof.verdict.delta, ", which is ", value, " because ", *used, ".")
    elif any(t.kind == "sum" for t in subterms(value)):
        ends = (", and a sum over all outputs remains in ", target(proof), ".")
    else:
        ends = (".",)
    return (*jacobian, *cancel, *ends)


def _border(proof: Proof) -> Words:
    """A point where h = y and yet dJ/dz != 0, as the kernel has checked."""
    assert proof.border is not None
    residual = proof.statement.residual
    value = _measured(proof.border.delta)
    place = point_words(proof, proof.border.point)
    lead: Words = (" At ", *place, " the residual ", residual, " is 0, but ", target(proof), " is ", *value)
    return (*lead, ": no factor times ", residual, " gives that.")


# ---- saturation ------------------------------------------------------------------------------------------


def saturation(proof: Proof) -> Words:
    """What the factor g does to learning; its zeros are named only where the kernel proves them."""
    factor = proof.verdict.factor
    if proof.kind != "residual" or factor is None:
        return ()
    output = proof.statement.at_preactivation(proof.statement.output)
    zeros = [rel("=", output, b) for b in BORDERS if vanishes(replace(factor, {output: b}))]
    if not zeros:
        return ("the factor ", factor, " scales every step: where it is small, learning is slow however wrong h is.")
    places = [p for z in zeros for p in (" and at ", z)][1:]
    return ("the factor is 0 at ", *places, ": near there the unit is saturated, and learns slowly however wrong it is.")


def vanishes(term: Term) -> bool:
    """Whether the kernel proves the term to be 0, with no hypothesis."""
    try:
        return not Theory({}).equal(term, ZERO).hypotheses
    except KernelError:
        return False


# ---- points ----------------------------------------------------------------------------------------------


def witness(proof: Proof, found: Witness) -> Words:
    place = point_words(proof, found.point)
    values: Words = (target(proof), " is ", *_measured(found.delta), ", but ")
    return ("at ", *place, ", ", *values, proof.statement.residual, " is ", *_measured(found.claim), ".")


def _measured(value: str) -> Words:
    """An exact rational, or the first digits of a decimal."""
    if "." not in value and "e" not in value:
        return (num(fmpq(*map(int, value.split("/")))),)
    return "about ", Decimal(value if "e" in value else value[:9].rstrip("0"))


def point_words(proof: Proof, point: Point) -> Words:
    """K = 2, j = 1, every z_k = 0, y_1 = 1, y_2 = 0."""
    whole = [rel("=", var(name), num(n)) for name, n in (*point.sizes.items(), *point.indices.items())]
    words: list[Piece] = [p for r in whole for p in (", ", r)]
    for name in dict.fromkeys(name for name, _ in point.values):
        words += [", ", *_family_words(proof, name, point)]
    return tuple(words[1:])


def _family_words(proof: Proof, name: str, point: Point) -> Words:
    places = [key for key in point.values if key[0] == name]
    shown = {key: _shown(point, key) for key in places}
    values = list(shown.values())
    common = max(values, key=values.count)
    odd = [key for key in places if shown[key] != common]
    if len(places) <= 2 and odd or len(places) == 1:
        odd, rest = places, []
    else:
        rest = ["every other " if odd else "every ", rel("=", _typical(proof, name), common)]
    listing: list[Piece] = [p for key in odd for p in (", ", rel("=", _element(proof, key), shown[key]))]
    return tuple([*listing, ", ", *rest][1:] if rest else listing[1:])


def _shown(point: Point, key: Key) -> Term:
    """The value there; one given as another term has the point's own index values."""
    value = point.values[key]
    if not isinstance(value, Term):
        return num(value)
    return reindex(value, {i: index(str(point.indices[i.args[0]]), i.args[1]) for i in value.indices})


def _element(proof: Proof, key: Key) -> Term:
    name, numbers = key
    sizes: Sequence[str] = proof.symbols.families.get(name, ())
    return item(name, *(index(str(n), s) for n, s in zip(numbers, sizes, strict=True))) if numbers else var(name)


def _typical(proof: Proof, name: str) -> Term:
    """The family's element with the indices of the output."""
    indices = proof.statement.output.args[1:]
    sizes = tuple(i.args[1] for i in indices)
    return item(name, *indices) if sizes == proof.symbols.families.get(name) else var(name)

