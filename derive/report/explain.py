"""What a teacher says about a proof, as words and terms; imports words, layout and the checked proof, no notation.

Text and LaTeX print the terms of a sentence in their own way. Every claim is read off the checked steps:
off the shape of their values, or asked of the kernel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from derive.certificate import Witness
from derive.errors import KernelError
from derive.derivation import COST
from derive.kernel import Theory
from derive.proof import Proof, ProofStep
from derive.report.layout import binders, inverse
from derive.report.words import Piece, Row, Slope, Words, listed, measured, point_words
from derive.term import ONE, ZERO, Term, mul, num, reindex, rel, replace, subterms, var

REASONS = {
    "loss-definition": "The loss.",
    "activation-definition": "The activation.",
    "differentiate-loss": "Differentiate the loss with respect to the output.",
    "common-denominator": "Put {} over a common denominator.",
    "differentiate-activation": "Differentiate the activation.",
    "in-output": "Write {} in terms of the output.",
    "chain-rule": "Chain rule: multiply {} by {}",
    "collapse-examples": "The Kronecker delta in {} leaves one example of the sum.",
    "multiply": "Multiply the factors in {}.",
    "split": "Split the sum in {}.",
    "collapse": "The Kronecker delta in {} leaves one term of the sum.",
    "normalised": "The outputs in {} add up to 1.",
    "cancel": "Cancel in {}.",
    "simplify": "Simplify {}.",
    "condition": "Use in {} the condition ",
}
BORDERS = (num(-1), ZERO, ONE)  # where the outputs of usual activations end


def title(proof: Proof) -> tuple[str, str]:
    """The pair, and what it stands for: bce-sigmoid, binary cross-entropy with logistic sigmoid."""
    about = proof.about
    words = f"{about.loss} with {about.activation}" if about else "a loss and an activation"
    return proof.pair or "custom pair", words + (", averaged over the examples" if proof.average else "")


def setting(proof: Proof) -> Iterator[Row]:
    """Domain, targets and sizes."""
    statement = proof.statement
    if statement.loss_domain:
        discharged = {o.claim for step in proof.steps if step.rule == "chain" for o in step.theorem.obligations}
        holds = set(statement.loss_domain) <= discharged
        inside: Words = (", where every output of the activation lies",) if holds else ()
        yield "Domain", (*listed(statement.loss_domain), *inside)
    if statement.activation_domain:
        yield "Given", listed(statement.activation_domain)
    if statement.targets:
        yield "Targets", listed(statement.targets)
    if statement.output.indices:
        yield "Indices", _ranges(proof)


def _ranges(proof: Proof) -> Words:
    statement, words = proof.statement, list[Piece]()
    pairs = dict.fromkeys(i.args for i in (*statement.output.indices, *statement.preactivation.indices))
    for over in dict.fromkeys(s for _, s in pairs):
        names = [p for name, s in pairs if s == over for p in (" and ", var(name))][1:]
        words += ["; ", *names, " from 1 to ", var(over), " for any ", var(over)]
    return tuple(words[1:])


def reason(step: ProofStep) -> Words:
    """Why a step may be taken."""
    words = REASONS[step.reason].format(*(f"({n})" for n in step.sources))
    if step.reason == "condition":
        return (words, *listed(step.assuming), ".")
    if step.reason == "chain-rule":
        names = [p for name in binders(step.right) for p in (" and ", var(name))][1:]
        return (words, *((", and sum over ", *names) if names else ()), ".")
    return (words,)


def notes(proof: Proof) -> Iterator[Row]:
    """Everything that is said below the result."""
    yield "Verdict", verdict(proof)
    yield "Why", why(proof)
    if remark := saturation(proof):
        yield "Remark", remark
    yield "Assumes", hypotheses(proof)
    if proof.border:
        yield "Border", border(proof, proof.border)
    if proof.witness:
        lead = "Where the condition fails: at " if proof.answer == "yes" else "At "
        yield "Witness", (lead, *witness(proof, proof.witness))


def target(proof: Proof) -> Slope:
    return COST, proof.statement.preactivation


def verdict(proof: Proof) -> Words:
    """Is dJ/dz = h - y? What is it instead?"""
    residual, factor = proof.statement.residual, proof.verdict.factor
    if proof.kind == "cancels":
        sizes = dict.fromkeys(i.args[1] for i in proof.statement.output.indices)
        for_any = " for any " + " and ".join(sizes) if sizes else " for all real values of the variables"
        under: Words = (", if ", *listed(proof.hypotheses)) if proof.hypotheses else ()
        return "Yes, proved: ", target(proof), " = ", residual, for_any, *under, "."
    if factor is None:
        return "No, refuted: ", target(proof), " is not ", residual, ", nor a multiple of it."
    what = "constant " if proof.kind == "multiple" else "factor "
    return "No, refuted: ", target(proof), " is not ", residual, f", but that times the {what}", factor, "."


def hypotheses(proof: Proof) -> Words:
    return (*listed(proof.hypotheses), ".") if proof.hypotheses else ("Nothing beyond the domain.",)


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
    below = [
        t for f in factors(a) if (d := inverse(f)) is not None for t in factors(d) if t.kind not in ("size", "num")
    ]
    above = [f for f in factors(b) if f.kind != "kron" and f != ONE]
    return Parts(outer, a, inner, b, below, above, [f for f in factors(b) if f.kind == "kron"])


def factors(term: Term) -> list[Term]:
    """The factors of a product, of its products too."""
    return [f for t in term.args for f in factors(t)] if term.kind == "mul" else [term]


def why(proof: Proof) -> Words:
    """One or two sentences: what cancels, or what does not."""
    return _why_coupled(proof, parts(proof)) if is_coupled(proof) else _why_single(proof, parts(proof))


def is_coupled(proof: Proof) -> bool:
    """Whether h[k] is a function of all z: it has a sum over them."""
    family = proof.statement.preactivation.args[0]
    sums = [t for t in subterms(proof.statement.activation) if t.kind == "sum"]
    return any(t.kind == "item" and t.args[0] == family for s in sums for t in subterms(s))


def _why_single(proof: Proof, found: Parts) -> Words:
    """h depends on one z only: the factors of dJ/dh and dh/dz meet without a sum."""
    lead: Words = ()
    if found.same:
        equal = [p for d in found.same for p in (" and ", rel("=", *_ordered(d, found.inner[0])))][1:]
        lead = (found.inner, " is 0 unless ", *equal, ". ")
    if proof.kind == "other":
        own = _own_residual(proof)
        lacks: Words = (" has no factor ", own, " to begin with.") if own not in factors(found.outer_value) else (".",)
        return (*lead, found.outer, " = ", found.outer_value, *lacks)
    if not found.above:
        one: Words = ("Then it is 1",) if found.same else (found.inner, " = 1")
        return (*lead, *one, ", so nothing has to cancel", *_constant(proof), ".")
    above = mul(*found.above)
    slope: Words = ("that is ", above) if found.same else (found.inner, " = ", above)
    if Counter(found.above) == Counter(found.below):
        below: Words = (found.outer, " has ", mul(*found.below), " below the line, and ")
        return (*lead, *below, *slope, ": the two cancel", *_constant(proof), ".")
    return (*lead, *_what_remains(proof, found, slope))


def _ordered(delta: Term, first: Term) -> list[Term]:
    """The names of the two indices of a Kronecker delta, that of ``first`` in front."""
    return [var(i.args[0]) for i in sorted(delta.args, key=lambda i: i not in first.indices)]


def _own_residual(proof: Proof) -> Term:
    """h - y at the indices of h."""
    statement = proof.statement
    back = dict(zip(statement.preactivation.args[1:], statement.output.args[1:], strict=True))
    return reindex(statement.residual, back)


def _constant(proof: Proof) -> Words:
    """The c of c (h - y)."""
    factor = proof.verdict.factor
    return () if proof.kind != "multiple" or factor is None else ("; the constant ", factor, " is left")


def _what_remains(proof: Proof, found: Parts, slope: Words) -> Words:
    assert proof.verdict.factor is not None
    ends: Words = (": the factor ", proof.verdict.factor, " remains.")
    if not found.below:
        return (found.outer, " = ", found.outer_value, " has nothing below the line to cancel ", *slope[-1:], *ends)
    what = ", which cancels only in part" if found.shared else ", which does not cancel"
    return (found.outer, " has ", mul(*found.below), " below the line, and ", *slope, what, *ends)


def _why_coupled(proof: Proof, found: Parts) -> Words:
    """h[k] depends on every z: what becomes of the sum over k."""
    value = proof.steps[-1].right
    words: Words = ("Each output depends on every ", var(proof.statement.preactivation.args[0]), ": ")
    words = (*words, found.inner, " = ", found.inner_value, ". ")
    if found.shared:
        words = (*words, "Its factor ", mul(*found.shared), " cancels the one below the line of ", found.outer)
    else:
        words = (*words, found.outer, " has nothing below the line to cancel its factors")
    if proof.conditions:
        used = listed(proof.verdict.conditions)
        return (*words, "; the sum leaves ", proof.verdict.delta, ", and that is ", value, " because ", *used, ".")
    conjunction = ", but " if found.shared else ", and "
    if any(t.kind == "sum" for t in subterms(value)):
        return (*words, conjunction + "a sum over all outputs remains in ", target(proof), ".")
    return (*words, ".")


# ---- saturation ------------------------------------------------------------------------------------------


def saturation(proof: Proof) -> Words:
    """What the factor g does to learning; its zeros are named only where the kernel proves them."""
    factor = proof.verdict.factor
    if proof.kind != "residual" or factor is None:
        return ()
    output = proof.statement.at_preactivation(proof.statement.output)
    zeros = [rel("=", output, b) for b in BORDERS if vanishes(replace(factor, {output: b}))]
    if not zeros:
        return (
            "The factor ",
            factor,
            " scales every step: where it is small, learning is slow however wrong the output is.",
        )
    places = [p for z in zeros for p in (" and at ", z)][1:]
    return ("The factor is 0 at ", *places, ": near there learning is slow, however wrong the output is.")


def vanishes(term: Term) -> bool:
    """Whether the kernel proves the term to be 0, with no hypothesis."""
    try:
        return not Theory({}).equal(term, ZERO).hypotheses
    except KernelError:
        return False


# ---- points ----------------------------------------------------------------------------------------------


def witness(proof: Proof, found: Witness) -> Words:
    """A point where dJ/dz and h - y differ, as the kernel has checked."""
    values: Words = (target(proof), " is ", *measured(found.delta), ", but ")
    return (
        *point_words(proof, found.point),
        ": ",
        *values,
        proof.statement.residual,
        " is ",
        *measured(found.claim),
        ".",
    )


def border(proof: Proof, found: Witness) -> Words:
    """A point where h = y and yet dJ/dz is not 0, as the kernel has checked."""
    residual = proof.statement.residual
    values: Words = (residual, " is 0, but ", target(proof), " is ", *measured(found.delta))
    return ("At ", *point_words(proof, found.point), ": ", *values, ", so no factor times ", residual, " gives it.")
