"""What is said besides a verdict: the sign of a factor, where dJ/dz vanishes, subdifferentials at kinks.

Imports asymptotics, derivation, kernel, term, verdict. Signs, empty regions and values are asked of the kernel;
limits of the calculus of leading terms, which is not trusted, and is named where they are printed. What neither
finds is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from derive import asymptotics
from derive.derivation import Statement
from derive.errors import KernelError
from derive.kernel import Theory, is_proved, opposite, resolved, strictly
from derive.term import MINUS_ONE, ONE, ZERO, Term, add, call, div, mul, neg, num, rebuild, rel, replace, sub, subterms
from derive.verdict import Kink, Verdict

HALF_PI = div(call("pi"), num(2))
ENDS = (neg(HALF_PI), num(-1), ZERO, ONE, HALF_PI)  # where the outputs of usual activations end, in order
SIGNS = {">": "positive", ">=": "nonnegative", "<": "negative", "<=": "nonpositive"}
MOST = 60  # nodes of a branch; the sign of a larger one takes longer than a reader waits
TOGETHER = {  # the sign of a whole, by the signs of its branches
    "zero": {"zero"},
    "positive": {"positive"},
    "negative": {"negative"},
    "nonnegative": {"nonnegative", "positive", "zero"},
    "nonpositive": {"nonpositive", "negative", "zero"},
}
Region = tuple[Term, ...]


class Vanishing(NamedTuple):
    """Where dJ/dz goes to 0 whatever the target: as h goes to the ends of its range, in regions, as z goes to infinity.

    ``downward``: to minus infinity, and to infinity where it is False.
    """

    ends: tuple[Term, ...] = ()
    regions: tuple[Region, ...] = ()
    downward: tuple[bool, ...] = ()


def leaves(term: Term, region: Region = ()) -> Iterator[tuple[Region, Term]]:
    """The branches of a piecewise term, each with the relations under which it is meant."""
    branch = next((t for t in subterms(term) if t.kind == "where" and not t.loose), None)
    if branch is None:
        yield region, settled(term)
        return
    condition = branch.args[0]
    for side, relation in ((True, strictly(condition)), (False, strictly(opposite(condition)))):
        yield from leaves(resolved(term, condition, side), (*region, relation))


def settled(term: Term) -> Term:
    """The same where the term is defined: no factor 1, none both above and below the line, 0 for a product with a 0."""
    term = rebuild(term, settled)
    if term.kind != "mul":
        return term
    rest = [f for t in term.args for f in (t.args if t.kind == "mul" else (t,)) if f != ONE]
    for below in [t for t in rest if t.kind == "pow" and t.args[1] == MINUS_ONE and t.args[0] in rest]:
        if below.args[0] in rest:
            rest.remove(below)
            rest.remove(below.args[0])
    return ZERO if ZERO in rest else mul(*rest)


@lru_cache(maxsize=4096)
def essential(region: Region) -> Region:
    """The relations without those that the others imply."""
    kept = list(dict.fromkeys(region))
    for relation in region:
        rest = tuple(r for r in kept if r != relation)
        if len(rest) < len(kept) and rest and is_proved(Theory({}, rest).holds, relation):
            kept.remove(relation)
    return tuple(kept)


def is_empty(statement: Statement, region: Region) -> bool:
    """Whether the kernel proves that the relations of a region do not hold together anywhere on the domain."""
    return any(
        is_proved(Theory(statement.definitions, statement.inner_assumptions + region[:n]).holds, opposite(relation))
        for n, relation in enumerate(region)
    )


# ---- signs ---------------------------------------------------------------------------------------


def sign(statement: Statement, term: Term) -> str | None:
    """The sign, such as "positive", "nonnegative" or "zero", where the kernel proves it in every region; else None."""
    found = {_sign(statement, leaf, region) for region, leaf in leaves(term)}
    return next((name for name, every in TOGETHER.items() if found <= every), None)


def _sign(statement: Statement, term: Term, region: Region) -> str | None:
    if term.nodes > MOST:
        return None
    if term == ZERO:
        return "zero"
    theory = Theory(statement.definitions, _closed(statement, region))
    for weak, strict in ((">=", ">"), ("<=", "<")):
        if is_proved(theory.holds, rel(weak, term, ZERO)):
            return SIGNS[strict if is_proved(theory.holds, rel(strict, term, ZERO)) else weak]
    return None


def _closed(statement: Statement, region: Region) -> Region:
    """What is known in a region: where l < r, and l is not negative, r is positive; where r is not positive, l < 0."""
    given = statement.inner_assumptions + region
    theory, found = Theory(statement.definitions, given), []
    for op, *sides in (r.args for r in region if r.args[0] in ("<", ">")):
        low, high = sides if op == "<" else sides[::-1]
        if low != ZERO and is_proved(theory.holds, rel(">=", low, ZERO)):
            found.append(rel(">", high, ZERO))
        if high != ZERO and is_proved(theory.holds, rel("<=", high, ZERO)):
            found.append(rel("<", low, ZERO))
    return (*given, *found)


# ---- where dJ/dz vanishes ------------------------------------------------------------------------


def vanishing(statement: Statement, found: Verdict) -> Vanishing:
    """Where the steps of gradient descent die out although h - y does not."""
    if found.delta == ZERO or any(t.kind == "sum" and _moves(statement, t) for t in subterms(found.delta)):
        return Vanishing()
    pieces = [(region, leaf) for region, leaf in leaves(found.delta) if not is_empty(statement, region)]
    regions = tuple(essential(region) for region, leaf in pieces if leaf == ZERO and region)
    ways = [d for d in (True, False) if _contains(statement, _bounds(statement), d)]
    ends = tuple(_ends(statement, [leaf for _, leaf in pieces if leaf != ZERO], ways))
    far = [d for d in ways if not ends and not any(_contains(statement, r, d) for r in regions)]
    return Vanishing(ends, regions, tuple(d for d in far if _dies_out(statement, found.delta, d)))


def _bounds(statement: Statement) -> Region:
    """Where z may be."""
    z = statement.preactivation
    return tuple(statement.at_preactivation(r) for r in statement.activation_domain if z.args[0] in r.names)


def _contains(statement: Statement, region: Region, downward: bool) -> bool:
    """Whether all large z, up or down, lie in the region."""
    z, given = statement.preactivation, statement.given
    return all(asymptotics.holds_eventually(r, z, downward, given) for r in region)


def _moves(statement: Statement, term: Term) -> bool:
    return bool(term.names & {statement.output.args[0], statement.preactivation.args[0]})


def _ends(statement: Statement, leaves: list[Term], ways: list[bool]) -> Iterator[Term]:
    """The limits of h, as z goes to infinity, at which the kernel proves all the branches to be 0."""
    z, output = statement.preactivation, statement.at_preactivation(statement.output)
    if any(z.args[0] in leaf.names for leaf in leaves) or not leaves:
        return
    activation = statement.at_preactivation(statement.activation)
    limits = [asymptotics.limit(activation, z, downward, statement.given) for downward in ways]
    for end in ENDS:
        is_end = any(found is not None and is_proved(Theory({}).equal, found, end) for found in limits)
        if is_end and all(_is_zero(statement, replace(leaf, {output: end})) for leaf in leaves):
            yield end


def _is_zero(statement: Statement, term: Term) -> bool:
    """Whether a term is proved to be defined, and 0, for all parameters and targets."""
    given = statement.given
    try:
        return set(Theory({}, given).equal(term, ZERO).hypotheses) <= {*given}
    except KernelError:
        return False


def _dies_out(statement: Statement, delta: Term, downward: bool) -> bool:
    """Whether dJ/dz goes to 0 as z goes to infinity."""
    z, output = statement.preactivation, statement.at_preactivation(statement.output)
    activation = statement.at_preactivation(statement.activation)
    residual = replace(statement.residual, {output: activation})
    limits = (
        asymptotics.limit(replace(t, {output: activation}), z, downward, statement.given) for t in (delta, residual)
    )
    value, gap = limits
    return value == ZERO and gap != ZERO


# ---- kinks ---------------------------------------------------------------------------------------


def subdifferential(statement: Statement, found: Verdict, kink: Kink, slope: Term) -> tuple[Term, Term] | None:
    """[left, right] where J is proved to be convex around the kink; ``slope`` is dh/dz there.

    J is continuous at the kink; it is convex where its second derivative is not negative on both sides, and the
    value of dJ/dz on the side of the smaller z is not the greater one (Rockafellar, Convex Analysis, theorem 24.2).
    """
    if kink.left is None or kink.right is None or kink.left_where is None or found.hessian is None:
        return None
    if statement.output.args[1:] or not _grows(statement, kink.left_where, slope):
        return None
    at = Theory(statement.definitions, (*statement.inner_assumptions, kink.at))
    is_convex = all(
        _sign(statement, leaf, region) in ("positive", "nonnegative", "zero") for region, leaf in leaves(found.hessian)
    )
    return (kink.left, kink.right) if is_convex and is_proved(at.holds, rel("<=", kink.left, kink.right)) else None


def _grows(statement: Statement, side: Term, slope: Term) -> bool:
    """Whether ``side`` is proved to be the side of the smaller z: l < r where l - r rises with z, or l > r."""
    op, left, right = side.args
    difference, h, z = sub(left, right), statement.output, statement.preactivation
    if {h.args[0], z.args[0]} <= difference.names:
        return False
    moving, rate = (h, slope) if h.args[0] in difference.names else (z, ONE)
    step = sub(replace(difference, {moving: add(moving, ONE)}), difference)  # the slope of a linear difference
    try:
        is_linear = not Theory({}).derivative(difference, moving, step).hypotheses
    except KernelError:
        return False
    theory = Theory(statement.definitions, statement.inner_assumptions)
    return is_linear and is_proved(theory.holds, rel(">" if op in ("<", "<=") else "<", mul(step, rate), ZERO))
