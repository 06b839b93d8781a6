"""The kind of mistake in a wrong claim, by proof: what would have to be changed to make it right; imports judge, model.

Each rule names one slip and asks the kernel whether the claim, mended so, is right. The first that is wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

from derive.calculus import Calculus
from derive.derivation import COST
from derive.errors import KernelError
from derive.judge import proved
from derive.model import EXAMPLES, VARIABLES, Model, Quantity
from derive.present import tidy
from derive.proof import slope
from derive.remarks import leaves
from derive.syntax import plain
from derive.term import (
    MINUS_ONE,
    ONE,
    ZERO,
    Term,
    add,
    index,
    item,
    mul,
    neg,
    num,
    power,
    rel,
    replace,
    size,
    sub,
    subterms,
    sum_over,
    var,
)

UNITS = {"z": "h", "z2": "a2"}  # the output of each layer by its z
MOST_REGIONS = 16
MOST_SUMMANDS = 12  # whose signs are tried, one at a time


Piece: TypeAlias = str | Term | tuple[Term, Term] | tuple[Term, Term, int]  # words, a formula, a derivative


class Slip(NamedTuple):
    """A code of the contract, a sentence in words and formulas; the factor that the claim lacks, or the condition."""

    code: str
    words: tuple[Piece, ...]
    factor: Term | None = None
    condition: Term | None = None

    @property
    def sentence(self) -> str:
        """The words with their formulas in the plain language."""
        return "".join(p if isinstance(p, str) else plain(p) if isinstance(p, Term) else slope(*p) for p in self.words)


class Case(NamedTuple):
    """A wrong equation, left = claim, to be mended on its right; ``shown`` is how a derivative is written out."""

    model: Model
    left: Term
    claim: Term
    shown: Callable[[Term], Term | None]

    @property
    def quantity(self) -> Quantity | None:
        return self.model.quantity_of(self.left)

    @property
    def name(self) -> Piece:
        """dJ/dz_j, or what else stands on the left."""
        return self.written(self.left)

    def written(self, stand_in: Term) -> Piece:
        """A stand-in as the derivative that it is."""
        quantity = self.model.quantity_of(stand_in)
        if quantity is None:
            return stand_in
        return (quantity.subject, quantity.variable, *((quantity.order,) if quantity.order > 1 else ()))

    def same(self, left: Term, right: Term, given: tuple[Term, ...] = ()) -> bool:
        try:
            proved(self.model, left, right, None, given)
        except KernelError:
            return False
        return True

    def link(self, stand_in: Term) -> tuple[Piece, ...]:
        """dh/dz = h(1 - h), as words."""
        found = self.shown(stand_in)
        return (self.written(stand_in), *((" = ", found) if found is not None else ()))

    def unit(self) -> tuple[Term, Term] | None:
        """The output of the layer whose z the claim is about, and that z; None for a claim about something else."""
        quantity = self.quantity
        if quantity is None or quantity.subject != COST or quantity.variable.args[0] not in UNITS:
            return None
        name, *place = quantity.variable.args
        return (item(UNITS[name], *place) if place else var(UNITS[name])), quantity.variable


def slip(model: Model, left: Term, claim: Term, shown: Callable[[Term], Term | None]) -> Slip:
    """What is wrong with left = claim; "other" where no rule finds it."""
    case = Case(model, left, claim, shown)
    return next(chain.from_iterable(rule(case) for rule in RULES))


def _sign(case: Case) -> Iterator[Slip]:
    if case.same(case.left, neg(case.claim)):
        yield Slip("sign", ("The sign is wrong: times -1 this is ", case.name, "."), MINUS_ONE)


def _variable(case: Case) -> Iterator[Slip]:
    """dJ/dh for dJ/dz where it is named so, and dJ/dz for dJ/dh."""
    model, quantity, unit = case.model, case.quantity, case.unit()
    if unit and (other := model.stand_in(COST, unit[0])).args[0] in case.claim.names and case.same(other, case.claim):
        prime = model.stand_in(*unit)
        said = ("This is ", case.written(other), ", the derivative by the output; ", case.name)
        is_sum = _is_coupled(model, unit[0])
        every: tuple[Piece, ...] = (" is by the pre-activation, on which every output rests: a sum over all of them.",)
        more = every if is_sum else (" is by the pre-activation, and has the factor ", *case.link(prime), " more.")
        yield Slip("wrong-variable", (*said, *more), None if is_sum else case.shown(prime))
    if quantity and quantity.subject == COST and quantity.variable.args[0] in UNITS.values():
        z = {h: z for z, h in UNITS.items()}[quantity.variable.args[0]]
        place = quantity.variable.args[1:]
        other = model.stand_in(COST, item(z, *place) if place else var(z))
        if case.same(other, case.claim):
            said = ("This is ", case.written(other), ", the derivative by the pre-activation; ", case.name)
            yield Slip("wrong-variable", (*said, " is by the output, and lacks the derivative of the activation."))


def _activation_derivative(case: Case) -> Iterator[Slip]:
    unit = case.unit()
    if unit is None or _is_coupled(case.model, unit[0]):
        return
    prime = case.model.stand_in(*unit)
    if case.same(case.left, mul(case.claim, prime)):
        outer = case.written(case.model.stand_in(COST, unit[0]))
        said = ("The derivative of the activation is missing: this is ", outer, ", and ", case.name, " is that times ")
        yield Slip("missing-activation-derivative", (*said, *case.link(prime), "."), case.shown(prime))
    if case.same(mul(case.left, prime), case.claim):
        often = ("The derivative of the activation stands here once too often: ", *case.link(prime), ".")
        yield Slip("extra-activation-derivative", often, case.shown(prime))


def _is_coupled(model: Model, output: Term) -> bool:
    """Whether an output rests on the z of other units too."""
    return output.kind == "item" and any(t.kind == "sum" for t in subterms(model.definitions[output.args[0]][1]))


def _diagonal(case: Case) -> Iterator[Slip]:
    unit = case.unit()
    if unit is None or not _is_coupled(case.model, unit[0]):
        return
    outer, own = case.model.stand_in(COST, unit[0]), case.model.stand_in(*unit)
    if _is_multiple(case, mul(outer, own)):
        said = (
            "This takes only the diagonal ",
            case.written(own),
            " of the Jacobian. Every output depends on ",
            unit[1],
        )
        yield Slip("diagonal-jacobian", (*said, ", so that ", case.name, " is a sum over all outputs."))


def _is_multiple(case: Case, term: Term) -> bool:
    return case.same(term, case.claim) or _ratio(case.model, term, case.claim) is not None


def _constant(case: Case) -> Iterator[Slip]:
    factor = _ratio(case.model, case.left, case.claim)
    if factor is None or factor == ONE or not case.same(case.left, mul(factor, case.claim)):
        return
    inverse = num(1 / factor.args[0]) if factor.kind == "num" else tidy(power(factor, -1))
    is_missing = len(plain(factor)) <= len(plain(inverse))
    said = ("the factor ", factor, " is missing.") if is_missing else ("the factor ", inverse, " is too much.")
    names = {t.args[0] for t in subterms(factor) if t.kind in ("var", "item", "size")}
    if names == {EXAMPLES}:
        yield Slip("mean-factor", (f"J is the mean over {EXAMPLES} examples: ", *said), factor)
    else:
        yield Slip("constant-factor", ("Right but for a constant: ", *said), factor)


def _ratio(model: Model, left: Term, claim: Term) -> Term | None:
    """left/claim where that is free of the variables."""
    for extra in dict.fromkeys(((), model.conditions)):
        theory = model.theory_for((left, claim), extra)
        algebra = Calculus(theory.definitions, theory.assumptions)
        quotient = mul(left, power(claim, -1))
        try:
            found = algebra.attempt(lambda: algebra.to_term(algebra.canonical(algebra.normal(quotient))))  # noqa: B023
        except KernelError:
            continue
        if (
            found != ZERO
            and not found.names & VARIABLES
            and not found.indices
            and not any(t.kind == "sum" for t in subterms(found))
        ):
            return tidy(found)
    return None


def _condition(case: Case) -> Iterator[Slip]:
    """Right if the targets add up to 1, which nobody said."""
    families = case.model.names[0]
    if "K" not in families.get("y", ()) or case.model.conditions:
        return
    k = index("k")
    total = rel("=", sum_over(k, item("y", *(index("i", "m"),) * (len(families["y"]) - 1), k)), ONE)
    if case.same(case.left, case.claim, (total,)):
        yield Slip("missing-condition", ("Right only if ", total, ", which is not said here."), None, total)


def _labels(case: Case) -> Iterator[Slip]:
    """Right for targets that are written with other numbers."""
    y = var("y")
    if case.model.names[0].get("y"):
        return
    truth = case.model.written_out(case.left)
    for labels, moved, said in (
        ((0, 1), sub(mul(num(2), y), ONE), "y in {0, 1}, where this loss is meant for y in {-1, 1}"),
        ((-1, 1), mul(num(1, 2), add(y, ONE)), "y in {-1, 1}, where this loss is meant for y in {0, 1}"),
        ((0, 1), sub(ONE, y), "the two labels the other way round"),
    ):
        each = [({y: num(n)}, {y: tidy(replace(moved, {y: num(n)}))}) for n in labels]
        if all(case.same(replace(truth, own), replace(case.claim, there)) for there, own in each):
            yield Slip("label-convention", (f"Right for {said}.",))


def _domain(case: Case) -> Iterator[Slip]:
    """Wrong in its sign only, or right, on a part of the domain where it says something."""
    regions = [region for region in _regions(case) if not case.same(case.left, ZERO, region)]
    turned = [region for region in regions if case.same(case.left, neg(case.claim), region)]
    if turned:
        where = _either(turned)
        yield Slip("sign", ("The sign is wrong: where ", *where, ", times -1 this is ", case.name, "."), MINUS_ONE)
    right = [region for region in regions if case.same(case.left, case.claim, region)]
    if right:
        yield Slip("domain", ("Right only where ", *_either(right), "."))


def _either(regions: Sequence[tuple[Term, ...]]) -> tuple[Piece, ...]:
    """a < b and b < c, or d < a."""
    shown = [tuple(p for r in region for p in (" and ", r))[1:] for region in regions]
    return tuple(p for words in shown for p in (", or where ", *words))[1:]


def _regions(case: Case) -> Iterator[tuple[Term, ...]]:
    """The regions of what is true and of the claim; that z is positive or negative."""
    found = [region for t in (case.left, case.claim) for region, _ in leaves(case.model.written_out(t))]
    if case.model.variable.kind == "var":
        found += [(rel(op, case.model.variable, ZERO),) for op in (">", "<")]
    yield from dict.fromkeys(region for region in found[:MOST_REGIONS] if region)


def _one_sign(case: Case) -> Iterator[Slip]:
    """Right if one summand had the other sign."""
    summands = [(t, n) for t in dict.fromkeys(subterms(case.claim)) if t.kind == "add" for n in range(len(t.args))]
    for total, n in summands[:MOST_SUMMANDS]:
        flipped = add(*(neg(t) if i == n else t for i, t in enumerate(total.args)))
        if case.same(case.left, replace(case.claim, {total: flipped})):
            yield Slip("sign", ("One sign is wrong: that of ", total.args[n], "."))


def _uncollapsed(case: Case) -> Iterator[Slip]:
    """The derivatives of all units added up, where one is asked for."""
    quantity = case.quantity
    if quantity is None or not quantity.variable.indices or case.same(case.claim, ZERO):
        return
    total = case.left
    for i in reversed(quantity.variable.indices):
        total = sum_over(i, total)
        if case.same(total, case.claim):
            said = ("This adds up ", case.name, f" over {i.args[0]}: a sum should have collapsed to one term.")
            yield Slip("other", said)


def _decay(case: Case) -> Iterator[Slip]:
    """The gradient of a weight without the share of the weight decay."""
    quantity = case.quantity
    if quantity is None or "lambda" not in case.model.names[1] or not quantity.variable.args[0].startswith("Theta"):
        return
    share = tidy(sub(case.left, case.claim))
    for below in ((size(EXAMPLES),) if EXAMPLES in case.model.symbols.sizes else (), ()):
        decay = mul(var("lambda"), *(power(t, -1) for t in below), quantity.variable)
        if case.same(share, decay):
            yield Slip("other", ("The weight decay is missing: add ", decay, "."))


def _other(case: Case) -> Iterator[Slip]:
    yield Slip("other", ("None of the usual slips explains it.",))


RULES: tuple[Callable[[Case], Iterator[Slip]], ...] = (
    _variable,
    _sign,
    _activation_derivative,
    _constant,
    _diagonal,
    _condition,
    _labels,
    _domain,
    _one_sign,
    _uncollapsed,
    _decay,
    _other,
)
