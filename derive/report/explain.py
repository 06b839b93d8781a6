"""What a teacher says about a proof, as words and terms; imports words, layout and the checked proof, no notation.

Text and LaTeX print the terms of a sentence in their own way. Every claim is read off the checked steps:
off the shape of their values, or asked of the kernel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from derive.balls import Point
from derive.certificate import Witness
from derive.derivation import COST
from derive.proof import Kink, Proof, ProofStep
from derive.remarks import essential, is_empty
from derive.report.layout import binders, inverse
from derive.report.words import (
    Cases,
    Infinity,
    Piece,
    Row,
    Shown,
    Slope,
    Words,
    joined,
    listed,
    measured,
    point_words,
)
from derive.syntax import plain
from derive.term import ONE, ZERO, Term, mul, num, power, reindex, rel, subterms, times, var

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
    "total": "Total derivative: the loss uses z itself, so z counts directly, and through the output by {}.",
    "cases": "Put {} and {} together",
    "join": "Put {} and {} together",
    "target": "Put into {} the target ",
    "second": "Differentiate {} once more, with {} for the output.",
    "divided": "Write {} as a factor times ",
}
SIGNS = {
    "positive": "It is positive: {} always has the sign of {}.",
    "nonnegative": "It is never negative: {} never has the opposite sign of {}.",
    "negative": "It is negative: {} always has the opposite sign of {}.",
    "nonpositive": "It is never positive: {} never has the sign of {}.",
}
LONG = 240  # characters of a formula that is not said twice
CURVATURE = {"positive": "It is positive", "nonnegative": "It is never negative", "zero": "It is 0"}


def title(proof: Proof) -> tuple[str, str]:
    """The pair, and what it stands for: bce-sigmoid, binary cross-entropy with logistic sigmoid."""
    about = proof.about
    words = f"{about.loss} with {about.activation}" if about else "a loss and an activation"
    return proof.pair or "custom pair", words + (", averaged over the examples" if proof.average else "")


# ---- what is given -----------------------------------------------------------------------------------------


def setting(proof: Proof) -> Iterator[Row]:
    """Domain, parameters, targets and sizes."""
    statement = proof.statement
    if statement.loss_domain:
        rules = ("chain", "total")
        discharged = {o.claim for step in proof.steps if step.rule in rules for o in step.theorem.obligations}
        holds = set(statement.loss_domain) <= discharged
        inside: Words = (", where every output of the activation lies",) if holds else ()
        yield "Domain", (*listed(statement.loss_domain), *inside)
    if statement.activation_domain:
        yield "Given", listed(statement.activation_domain)
    if statement.parameters or proof.free_parameters:
        free = [p for t in proof.free_parameters for p in (", ", t)]
        yield "Parameters", (*listed(statement.parameters), *(free if statement.parameters else free[1:]))
    if statement.targets or statement.cases:
        meant: Words = (", meant for ", *joined(statement.cases, " or ")) if statement.cases else ()
        yield "Targets", (*listed(statement.targets), *(meant if statement.targets else meant[1:]))
    if statement.output.indices:
        yield "Indices", _ranges(proof)


def _ranges(proof: Proof) -> Words:
    statement, words = proof.statement, list[Piece]()
    pairs = dict.fromkeys(i.args for i in (*statement.output.indices, *statement.preactivation.indices))
    for over in dict.fromkeys(s for _, s in pairs):
        names = [p for name, s in pairs if s == over for p in (" and ", var(name))][1:]
        words += ["; ", *names, " from 1 to ", var(over), " for any ", var(over)]
    return tuple(words[1:])


# ---- steps -------------------------------------------------------------------------------------------------


def reason(step: ProofStep) -> Words:
    """Why a step may be taken, and where."""
    words = _because(step)
    if not step.where or step.rule == "condition":
        return words
    first = words[0]
    assert isinstance(first, str)
    return ("Where ", *joined(essential(step.where)), ": ", first[0].lower() + first[1:], *words[1:])


def _because(step: ProofStep) -> Words:
    is_plain = step.reason == "common-denominator" and not any(inverse(t) for t in subterms(step.right))
    words = REASONS["simplify" if is_plain else step.reason].format(*(f"({n})" for n in step.sources))
    if step.reason in ("condition", "target"):
        return (words, *listed(step.assuming), ".")
    if step.reason == "chain-rule":
        names = [p for name in binders(step.right) for p in (" and ", var(name))][1:]
        return (words, *((", and sum over ", *names) if names else ()), ".")
    if step.reason in ("cases", "join"):
        return (words, *_border(step))
    if step.reason == "divided":
        return (words, step.right.args[-1], ": the factor stays finite where that is 0.")
    if step.reason == "simplify" and _has_inverse(step.right):
        return (f"Write ({step.sources[0]}) as a factor times ", step.right.args[-1], ", which is not 0 here.")
    return (words,)


def _border(step: ProofStep) -> Words:
    """What is said where two regions meet."""
    border = step.assuming[-1]
    if step.reason == "cases":
        return ("; nothing is said where ", *joined([rel("=", *border.args[1:])]), ".")
    meeting = joined([rel("=", *border.args[1:])])
    return ("; where ", *meeting, " the loss has no jump and both values agree, so that it holds there too.")


def _has_inverse(value: Term) -> bool:
    """Whether a product has its last factor below the line too."""
    found = value.args[-1] if value.kind == "mul" else None
    return any(inverse(t) == found for t in subterms(mul(*value.args[:-1]))) if found is not None else False


# ---- what is said below the result -------------------------------------------------------------------------


def notes(proof: Proof) -> Iterator[Row]:
    """Everything that is said below the result."""
    yield "Verdict", verdict(proof)
    yield from regions(proof)
    yield "Why", why(proof)
    for kink in proof.kinks:
        yield "Kink" if kink.left else "Except", kink_words(proof, kink)
    if remark := (*sign(proof), *flats(proof)):
        yield "Factor" if proof.sign else "Remark", remark
    if goes := limits(proof):
        yield "Limits", goes
    yield from curvature(proof)
    yield "Assumes", hypotheses(proof)
    if proof.border:
        yield "Border", border(proof, proof.border)
    if proof.witness:
        lead = "Where the condition fails: at " if proof.answer == "yes" else "At "
        yield "Witness", (lead, *witness(proof, proof.witness))
    about = proof.about
    for note in (about.loss_note, about.activation_note) if about else ():
        if note:
            yield "Note", (note[:1].upper() + note[1:] + ".",)


def target(proof: Proof) -> Slope:
    return proof.target


def verdict(proof: Proof) -> Words:
    """Is dJ/dz = h - y? What is it instead?"""
    residual, factor = proof.statement.residual, proof.verdict.factor
    if proof.kind == "cancels":
        sizes = dict.fromkeys(i.args[1] for i in proof.statement.output.indices)
        for_any = " for any " + " and ".join(sizes) if sizes else " for all real values of the variables"
        under: Words = (", if ", *listed(proof.hypotheses)) if proof.hypotheses else ()
        return "Yes, proved: ", target(proof), " = ", residual, for_any, *under, "."
    no: Words = ("No, refuted: ", target(proof), " is not ", residual)
    if proof.kind is None:
        return *no, ". Whether it is that times a finite factor is left open."
    if factor is None:
        return *no, ", nor a multiple of it."
    if is_piecewise(factor):
        return *no, ", but that times a factor with several cases."
    what = "constant " if proof.kind == "multiple" else "factor "
    return *no, f", but that times the {what}", factor, "."


def is_piecewise(term: Term) -> bool:
    return any(t.kind == "where" for t in subterms(term))


def hypotheses(proof: Proof) -> Words:
    return (*listed(proof.hypotheses), ".") if proof.hypotheses else ("Nothing beyond the domain.",)


def regions(proof: Proof) -> Iterator[Row]:
    """dJ/dz piece by piece: where z > 0, where z < 0; for each value of a discrete target."""
    by_target = [r for r in proof.regions if r.where[0].args[0] == "="]
    for label, found in (("Regions", [r for r in proof.regions if r not in by_target]), ("By target", by_target)):
        if found:
            yield label, (Cases(target(proof), tuple((r.delta, essential(r.where)) for r in found)),)


def kink_words(proof: Proof, kink: Kink) -> Words:
    """What is known where two pieces meet."""
    place = joined([kink.at])
    if kink.left is None or kink.right is None or kink.left_where is None or kink.right_where is None:
        some = (" for some ", *joined(kink.at.indices, " or ")) if kink.at.indices else ()
        return "Nothing is said where ", *place, *some, "."
    sides = ((kink.left, kink.left_where), (kink.right, kink.right_where))
    values = [p for value, side in sides for p in (" and to ", value, " from where ", *joined([side]))][1:]
    words: Words = ("Where ", *place, ": ", target(proof), " goes to ", *values)
    if kink.left == kink.right:
        return *words, "."
    if kink.between is None:
        return *words, "; where these differ, it has no value."
    ends = kink.between
    return *words, ", and has no value; the subdifferential is the interval from ", ends[0], " to ", ends[1], "."


def curvature(proof: Proof) -> Iterator[Row]:
    """The second derivative, and its sign where it is proved."""
    value, z = proof.verdict.hessian, proof.statement.preactivation
    if value is None:
        return
    slope = COST, z, 2
    words: Words = (Shown(slope, value),)
    if len(plain(value)) > LONG:
        words = (slope, f" is stated in ({next(s.n for s in proof.steps if (s.left, s.right) == (slope, value))}). ")
    if proof.curvature in CURVATURE:
        convex: Words = (", so that ", COST, " is convex in ", z) if proof.is_convex else ()
        words = (*words, CURVATURE[proof.curvature], *convex, ".")
    yield "Curvature", words


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
    divisors = [d for f in factors(a) if (d := inverse(f) or _symbolic_inverse(f)) is not None]
    below = [t for d in divisors for t in factors(d) if t.kind not in ("size", "num")]
    above = [f for f in factors(b) if f.kind != "kron" and f != ONE]
    return Parts(outer, a, inner, b, below, above, [f for f in factors(b) if f.kind == "kron"])


def _symbolic_inverse(term: Term) -> Term | None:
    """h^p of h^(-p), which is not written below a line; None for any other term."""
    exponent = term.args[1] if term.kind == "pow" else ONE
    if exponent.kind != "mul" or exponent.args[0].kind != "num" or exponent.args[0].args[0] >= 0:
        return None
    return power(term.args[0], times(num(-exponent.args[0].args[0]), *exponent.args[1:]))


def _divisor(found: Parts) -> Words:
    """What dJ/dh has to cancel with: as it is written, below the line or as a factor with a negative power."""
    negative = [f for f in factors(found.outer_value) if _symbolic_inverse(f) is not None]
    if len(negative) == len(found.below):
        return found.outer, " has the factor ", mul(*negative), ", and "
    return found.outer, " has ", mul(*found.below), " below the line, and "


def factors(term: Term) -> list[Term]:
    """The factors of a product, of its products too."""
    return [f for t in term.args for f in factors(t)] if term.kind == "mul" else [term]


def why(proof: Proof) -> Words:
    """One or two sentences: what cancels, or what does not."""
    if not any(s.rule == "differentiate-loss" for s in proof.steps):
        return _why_total(proof)
    if any(s.where for s in proof.steps if s.rule.startswith("differentiate")):
        return _why_pieces(proof)
    return _why_coupled(proof, parts(proof)) if is_coupled(proof) else _why_single(proof, parts(proof))


def is_coupled(proof: Proof) -> bool:
    """Whether h[k] is a function of all z: it has a sum over them."""
    family = proof.statement.preactivation.args[0]
    sums = [t for t in subterms(proof.statement.activation) if t.kind == "sum"]
    return any(t.kind == "item" and t.args[0] == family for s in sums for t in subterms(s))


def _why_total(proof: Proof) -> Words:
    """The loss uses z besides h, or instead of it."""
    z, output = proof.statement.preactivation, proof.statement.output
    if output.args[0] not in proof.statement.cost.names:
        return "The loss is given in ", z, " and does not use the output: it is differentiated as it stands."
    return "The loss uses ", z, " besides the output, so ", target(proof), " has a part that does not pass through it."


def _why_pieces(proof: Proof) -> Words:
    """In each region the chain rule multiplies two plain derivatives."""
    output, z = proof.statement.output, proof.statement.preactivation
    outer, inner = (COST, output), (output, z)
    said = [_values(proof, slope) for slope in (outer, inner)]
    return "In each region by itself, the chain rule multiplies two derivatives: ", *said[0], "; ", *said[1], "."


def _values(proof: Proof, slope: Slope) -> Words:
    """dh/dz is 1 where z > 0 and 0 where z < 0; nothing of regions that are empty."""
    last = {s.where: s.right for s in proof.steps if s.left == slope and s.rule not in ("cases", "join")}
    said: list[Piece] = []
    for where, value in last.items():
        if is_empty(proof.statement, where):
            continue
        said += [", ", value, *((" where ", *joined(essential(where))) if where else ())]
    return slope, " is ", *said[1:]


def _why_single(proof: Proof, found: Parts) -> Words:
    """h depends on one z only: the factors of dJ/dh and dh/dz meet without a sum."""
    lead: Words = ()
    if found.same:
        equal = [p for d in found.same for p in (" and ", rel("=", *_ordered(d, found.inner[0])))][1:]
        lead = (found.inner, " is 0 unless ", *equal, ". ")
    factor = proof.verdict.factor
    if factor is None and proof.kind != "cancels":
        own = _own_residual(proof)
        lacks: Words = (" has no factor ", own, " to begin with.") if own not in factors(found.outer_value) else (".",)
        return (*lead, found.outer, " = ", found.outer_value, *lacks)
    if any(s.reason == "divided" for s in proof.steps):
        return (*lead, found.outer, " = ", found.outer_value, *_why_divided(proof))
    if not found.above:
        one: Words = ("Then it is 1",) if found.same else (found.inner, " = 1")
        return (*lead, *one, ", so nothing has to cancel", *_constant(proof), ".")
    above = mul(*found.above)
    slope: Words = ("that is ", above) if found.same else (found.inner, " = ", above)
    if Counter(found.above) == Counter(found.below):
        return (*lead, *_divisor(found), *slope, ": the two cancel", *_constant(proof), ".")
    return (*lead, *_what_remains(proof, found, slope))


def _why_divided(proof: Proof) -> Words:
    own = _own_residual(proof)
    return " is 0 where ", *joined([rel("=", own, ZERO)]), ", so it is ", own, " times a factor that stays finite."


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
    ends: Words = (": the factor ", proof.verdict.factor, " remains.") if proof.verdict.factor is not None else (".",)
    if not found.below:
        return (found.outer, " = ", found.outer_value, " has nothing below the line to cancel ", *slope[-1:], *ends)
    what = ", which cancels only in part" if found.shared else ", which does not cancel"
    return (*_divisor(found), *slope, what, *ends)


def _why_coupled(proof: Proof, found: Parts) -> Words:
    """h[k] depends on every z: what becomes of the sum over k."""
    value = proof.conclusion.right
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


# ---- sign, and where nothing is learned --------------------------------------------------------------------


def sign(proof: Proof) -> Words:
    """What the sign of the factor means for a step of gradient descent."""
    if proof.sign not in SIGNS:
        return ()
    before, middle, after = SIGNS[proof.sign].split("{}")
    return before, target(proof), middle, proof.statement.residual, after


def flats(proof: Proof) -> Words:
    """Where dJ/dz is proved to be 0 whatever the target; after what is said of the sign, if anything is."""
    places = [p for region in proof.vanishing.regions for p in (" and where ", *joined(region))]
    words = (" ", target(proof), " is 0 where ", *places[1:], ": nothing is learned there.") if places else ()
    return words if proof.sign in SIGNS else words[1:]


def limits(proof: Proof) -> Words:
    """Where dJ/dz goes to 0 whatever the target, by the calculus of leading terms: no theorem of the kernel."""
    found, z = proof.vanishing, proof.statement.preactivation
    output = proof.statement.at_preactivation(proof.statement.output)
    goes: list[Piece] = [p for end in found.ends for p in (" and as ", output, " goes to ", end)]
    goes += [p for is_down in found.downward for p in (" and as ", z, " goes to ", Infinity(is_down))]
    source = " (by leading terms, not by the kernel)"
    rest = (source, ": there learning is slow, however wrong the output is.")
    return (target(proof), " goes to 0 ", str(goes[0])[5:], *goes[1:], *rest) if goes else ()


# ---- points ----------------------------------------------------------------------------------------------


def _point(proof: Proof, point: Point) -> Words:
    return point_words(proof.symbols.families, proof.statement.output.args[1:], point)


def witness(proof: Proof, found: Witness) -> Words:
    """A point where dJ/dz and h - y differ, as the kernel has checked."""
    values: Words = (target(proof), " is ", *measured(found.delta), ", but ")
    claim: Words = (proof.statement.residual, " is ", *measured(found.claim), ".")
    return (*_point(proof, found.point), ": ", *values, *claim)


def border(proof: Proof, found: Witness) -> Words:
    """A point where h = y and yet dJ/dz, or its limit there, is not 0, as the kernel has checked."""
    residual = proof.statement.residual
    at = ("At ", *_point(proof, found.point), ": ", residual, " is 0, but ", target(proof))
    if not found.delta:
        return (*at, " does not go to 0 there, so no factor times ", residual, " gives it.")
    return (*at, " is ", *measured(found.delta), ", so no factor times ", residual, " gives it.")
