"""Whether an activation has a matching loss, and which: proofs by the kernel and by balls; imports both.

Guesses come from ``antiderivatives`` (SymPy). What is beyond the kernel rests on theorems of analysis that a step
names, and whose premises the steps before it prove.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, islice, product
from typing import Any, TypeAlias

from flint import fmpq

from derive import balls
from derive.antiderivatives import Proposals
from derive.bridge import to_term
from derive.calculus import Calculus
from derive.certificate import write_point
from derive.errors import REFUSALS, KernelError
from derive.kernel import Theorem, Theory, is_proved, opposite, strictly
from derive.laws import law
from derive.losses import LOSSES
from derive.matched import OTHER, OWN, Match, MatchStep, Problem, Words
from derive.present import Presenter, tidy
from derive.syntax import plain
from derive.term import (
    MINUS_ONE,
    ZERO,
    Definitions,
    Term,
    add,
    call,
    index,
    item,
    kron,
    mul,
    neg,
    num,
    reindex,
    rel,
    replace,
    sub,
    subterms,
    sum_over,
    var,
)

Region: TypeAlias = tuple[Term, ...]
Seam: TypeAlias = tuple[Term, Term, Term]  # l = r, and the two branches that agree there

J, H, Y, Z = map(var, "Jhyz")
COORDINATES = tuple(fmpq(p, q) for p, q in ((0, 1), (1, 1), (-1, 1), (2, 1), (-2, 1), (1, 2), (-1, 2), (3, 1), (-3, 1)))
FAR = tuple(fmpq(n) for n in (5, -5, 10, -10, 100, -100))
PARAMETERS = tuple(fmpq(p, q) for p, q in ((1, 1), (2, 1), (1, 2), (3, 2), (-1, 1), (1, 4), (3, 1)))
MOST_BORDERS = 3
MOST_POINTS, TRIED, PRECISION, DECIMALS = 5_000, 200, 128, 20

DARBOUX = "A derivative has no jumps (Darboux; Rudin, Principles of Mathematical Analysis, 5.12), so there is no J."
MEAN_VALUE = (
    "J and h are continuous, and the points left out are isolated: by the mean value theorem the same holds there "
    "(Rudin, Principles of Mathematical Analysis, 5.10)."
)
FUNDAMENTAL = (
    "h is continuous, so J = F(z) - y z with F an integral of h is a matching loss (fundamental theorem of calculus)."
)
RISES = "h does not decrease, so J is convex in z (Helmbold, Kivinen, Warmuth, NIPS 8, 1995)."
POINCARE = (
    "The Jacobian of h is symmetric and the domain convex, so there is a J (Poincare lemma; Kivinen, Warmuth 2001)."
)
SCHWARZ = "Second derivatives of J would be equal in either order (Schwarz), so there is no J (Kivinen, Warmuth 2001)."
DOMINANT = (
    "A symmetric matrix with no positive entry off the diagonal and rows that add to 0 or more is positive "
    "semidefinite (Horn, Johnson, Matrix Analysis, 6.1.10): J is convex in z."
)


class Solver:
    """One activation: its theory, and the steps so far."""

    output: Term
    variable: Term
    target: Term

    def __init__(self, problem: Problem, timeout: float) -> None:
        self.body, self.name = problem.body, problem.name
        self.definitions: Definitions = {"h": (self.output.args[1:], problem.body)}
        first = Theory(self.definitions, problem.assumptions).definition(self.output)
        self.assumptions = tuple(dict.fromkeys((*problem.assumptions, *first.hypotheses)))
        self.theory = Theory(self.definitions, self.assumptions)
        self.calculus = Calculus(self.definitions, self.assumptions)
        self.theory.equal(self.output, self.body)  # within the kernel's limits, so SymPy may see it
        self.residual = sub(reindex(self.output, {OWN: OTHER}), self.target)
        self.guesses = self.proposals(timeout)
        self.steps: list[MatchStep] = []
        self.say("activation", problem.introduction, self.output, self.body)

    def proposals(self, timeout: float) -> Proposals:
        return Proposals(timeout, [n for n in self.parameters() if self.always(rel(">", var(n), ZERO))])

    def parameters(self) -> list[str]:
        found = {t.args[0] for whole in (self.body, *self.assumptions) for t in subterms(whole) if t.kind == "var"}
        return sorted(found - {"z"})

    def families(self) -> list[str]:
        """The parameters that have an index, such as w[k]."""
        found = {t.args[0] for whole in (self.body, *self.assumptions) for t in subterms(whole) if t.kind == "item"}
        return sorted(found - {"z"})

    def say(
        self,
        rule: str,
        reason: str | Words,
        left: Term | tuple[Term, Term] | None = None,
        right: Term | None = None,
        checked: bool = True,
    ) -> None:
        words = (reason,) if isinstance(reason, str) else reason
        self.steps.append(MatchStep(len(self.steps) + 1, rule, words, left, right, checked))

    @property
    def is_vector(self) -> bool:
        return bool(self.output.args[1:])

    def always(self, relation: Term, region: Region = ()) -> bool:
        """Whether a relation is proved to hold on the domain, or on a region of it."""
        theory = Theory(self.definitions, (*region, *self.assumptions)) if region else self.theory
        return is_proved(theory.holds, relation)

    def extra(self, theorem: Theorem, region: Region = ()) -> list[Term]:
        """Hypotheses beyond the domain."""
        return [h for h in theorem.hypotheses if h not in (*region, *self.assumptions)]

    def slope_of(self, term: Term, region: Region = ()) -> Term | None:
        """d term/dz in a form for people, where it is proved to exist."""
        theory, plainly = Theory(self.definitions, (*region, *self.assumptions)), Calculus(self.definitions, ())
        raw = plainly.attempt(lambda: plainly.differentiate(term, self.variable)) or ZERO
        for value in sorted((tidy(raw), self.shown(raw, region)), key=_length):
            try:
                return None if self.extra(theory.derivative(term, self.variable, value), region) else value
            except KernelError:
                continue
        return None

    def shown(self, term: Term, region: Region) -> Term:
        try:
            return Presenter(Calculus({}, (*region, *self.assumptions)), [kron(OWN, OTHER)]).shown(term)
        except KernelError:
            return term

    def proved(self, cost: Term, targets: tuple[Term, ...] = ()) -> Theorem | None:
        """|- dJ/dz = h - y for J = cost, where the kernel accepts it."""
        try:
            theory = Theory({**self.definitions, "J": ((), cost)}, (*self.assumptions, *targets))
            return theory.derivative(J, self.variable, self.residual)
        except KernelError:
            return None

    def accepted(self, stages: Iterable[Iterable[Term]]) -> Iterator[tuple[Term, Theorem]]:
        """The costs that the kernel accepts, with its theorems; the shortest of each stage first."""
        for stage in stages:
            proofs = [(cost, self.proved(cost)) for cost in dict.fromkeys(stage)]
            found = [(cost, theorem) for cost, theorem in proofs if theorem is not None]
            yield from sorted(found, key=lambda pair: _length(pair[0]))

    def is_convex_domain(self) -> bool:
        """Whether the assumptions cut out half-spaces only: inequalities that are linear in z."""
        for relation in (r for r in self.assumptions if "z" in r.names):
            side = Calculus({}, ())
            slope_of_side = side.attempt(partial(side.differentiate, sub(*relation.args[1:]), self.variable))
            if relation.args[0] in ("=", "!=") or "z" in Theory({}).moving_names(slope_of_side or ZERO):
                return False
        return True

    def coordinates(self) -> Iterator[tuple[dict[balls.Key, fmpq], dict[str, int]]]:
        """Values of z, and sizes."""
        raise NotImplementedError

    def points(self) -> Iterator[balls.Point]:
        """Small exact points that certainly satisfy the assumptions."""
        names, families = self.parameters(), self.families()
        values = product(product(PARAMETERS, repeat=len(names)), product((1, -1), repeat=len(families)))
        indices = dict(zip("kj", (1, 2), strict=True)) if self.output.args[1:] else {}
        for (given, signs), (z, sizes) in islice(product(values, self.coordinates()), MOST_POINTS):
            parameters: dict[balls.Key, fmpq] = {(n, ()): value for n, value in zip(names, given, strict=True)}
            for name, sign in zip(families, signs, strict=True):
                parameters |= {(name, (n,)): sign * PARAMETERS[n] for n in range(1, sizes.get("K", 0) + 1)}
            point = balls.Point({**parameters, **z}, sizes, indices)
            if all(_holds(r, p) for r in self.assumptions for p in _everywhere(r, point)):
                yield point

    def enter(self) -> None:
        """A point inside of the domain, so that what is said about it is not empty.  Raises KernelError without one."""
        point = next(self.points(), None)
        if point is None:
            raise KernelError("no point of the domain was found among those tried")
        if self.assumptions:
            self.say("inside", ("The domain has a point: ", *_at(point), "."))

    def catalogue(self) -> Iterator[tuple[str, Term, tuple[Term, ...]]]:
        """The losses of the catalogue in h, y and the activation's own parameters, with their equations on y."""
        known = {"h", "y", *self.parameters()}
        for entry in LOSSES.values():
            cost = to_term(entry.cost)
            if cost.names <= known and self.is_vector == any(t.kind == "item" for t in subterms(cost)):
                yield entry.name, cost, tuple(t for t in map(to_term, entry.targets) if t.args[0] == "=")

    def answer(self, exists: bool | None, reason: str | None = None, cost: Term | None = None, **known: Any) -> Match:
        loss = None if cost is None else plain(cost)
        hypotheses = known.pop("hypotheses", self.assumptions)
        formulas = {"residual": self.residual, "variable": self.variable, **known.pop("formulas", {})}
        if cost is not None:
            formulas["loss"] = cost
        return Match(
            activation=plain(self.body),
            exists=exists,
            loss=loss,
            reason=reason,
            hypotheses=hypotheses,
            name=self.name,
            steps=tuple(self.steps),
            formulas=formulas,
            **known,
        )


def _listed(relations: Iterable[Term]) -> Words:
    return tuple(p for r in relations for p in (", ", r))[1:]


def _everywhere(relation: Term, point: balls.Point) -> Iterator[balls.Point]:
    """The point with every value of the relation's free indices."""
    names = [i.args[0] for i in relation.indices]
    for values in product(*(range(1, point.sizes.get(i.args[1], 0) + 1) for i in relation.indices)):
        yield point._replace(indices={**point.indices, **dict(zip(names, values, strict=True))})


def _holds(relation: Term, point: balls.Point) -> bool:
    """Whether a relation on z, parameters and sizes certainly holds at a point."""
    try:
        return balls.certainly_holds(relation, point, {})
    except (KernelError, *REFUSALS):
        return False


def _enclosed(request: balls.Slope, point: balls.Point, definitions: Definitions) -> Any:
    """A ball, or None where none is certified."""
    try:
        return balls.enclosure(request, point, definitions, PRECISION)
    except (KernelError, *REFUSALS):
        return None


def _decimal(ball: Any) -> str:
    if ball.is_exact():
        mantissa, exponent = ball.man_exp()
        return str(fmpq(mantissa) * fmpq(2) ** int(exponent))
    return str(ball.str(DECIMALS, radius=False))


def _length(term: Term) -> int:
    return len(plain(term))


def _less(potential: Term, *product_of: Term) -> Term:
    """F - y z, flat."""
    return add(*(potential.args if potential.kind == "add" else (potential,)), mul(MINUS_ONE, *product_of))


def _at(point: balls.Point) -> Words:
    """K = 2, z_1 = 0, z_2 = 1."""
    sizes = [rel("=", var(n), num(v)) for n, v in point.sizes.items()]
    named = [(var(n) if not i else item(n, *(index(str(c)) for c in i)), v) for (n, i), v in point.values.items()]
    return _listed(
        (*sizes, *(rel("=", name, value if isinstance(value, Term) else num(value)) for name, value in named))
    )


def _witness(point: balls.Point, **values: str) -> dict[str, str]:
    return {**write_point(point), **values}


# ---- functions of one variable ------------------------------------------------------------------------


class Scalar(Solver):
    """J = F(z) - y z where F' = h; there is one where h is continuous, and it is convex iff h does not decrease."""

    output, variable, target = H, Z, Y

    def solve(self) -> Match:
        self.enter()
        jump = self.jump()
        if jump is not None:
            return self.refuted(jump)
        seams = self.seams("h", self.definitions)
        cost = self.found()
        if cost is None and seams is None:
            return self.answer(None, "h is not proved to be continuous, and no loss was found")
        open_ = self.explain(cost, seams) if cost is not None else self.integral(seams or [])
        known = self.convexity(seams)
        output = self.in_output() if cost is not None and known["convex"] and not open_ else {}
        reason = known.pop("reason")
        if cost is None:
            reason = "no closed form of the loss was found" + (f"; {reason}" if reason else "")
        if seams is None and open_:
            reason = "h is not proved to be continuous where the loss has a seam"
        hypotheses = (*self.assumptions, *open_)
        exists = None if seams is None and open_ else True
        return self.answer(exists, reason, cost, hypotheses=hypotheses, **known, **output)

    def coordinates(self) -> Iterator[tuple[dict[balls.Key, fmpq], dict[str, int]]]:
        """Small numbers, and those next to a bound that is assumed."""
        bounds = dict.fromkeys(t.args[0] for r in self.assumptions for t in subterms(r) if t.kind == "num")
        near = (value for bound in bounds for value in (bound + 1, bound - 1, bound + fmpq(1, 8)))
        return (({("z", ()): value}, {}) for value in (*COORDINATES, *near, *FAR))

    # -- the loss

    def found(self) -> Term | None:
        """The first cost that is a loss on the whole domain, else the first that is one on a part."""
        partly = None
        for cost, theorem in self.accepted(self.costs()):
            if self.is_everywhere(cost, theorem):
                return cost
            partly = partly or cost
        return partly

    def costs(self) -> Iterator[Iterable[Term]]:
        """F - y z: by SymPy's integrals; by F(|z|) where h is odd in |z|; branch by branch."""
        if _split(self.body) is None:
            for stage in self.guesses.antiderivatives(self.body):
                yield map(_cost, stage)
            return
        magnitude = call("abs", Z)
        for stage in self.guesses.antiderivatives(replace(self.body, {magnitude: Z})) if self.has(magnitude) else ():
            yield [_cost(replace(f, {Z: magnitude})) for f in stage]
        whole = self.by_branches(self.body, ())
        if whole is not None:
            yield [_cost(self.guesses.from_origin(whole)), _cost(whole)]

    def has(self, term: Term) -> bool:
        return any(t == term for t in subterms(self.body)) and _split(replace(self.body, {term: Z})) is None

    def proved(self, cost: Term, targets: Region = ()) -> Theorem | None:
        """The same, side by side of the borders of J and h where it is not seen at once."""
        definitions = {**self.definitions, "J": ((), cost)}
        borders = list(dict.fromkeys((*_borders(self.body), *_borders(cost))))
        return super().proved(cost, targets) or self.by_cases(definitions, borders[:MOST_BORDERS], targets)

    def by_cases(self, definitions: Definitions, borders: list[Term], region: Region) -> Theorem | None:
        theory = Theory(definitions, (*region, *self.assumptions))
        try:
            return theory.derivative(J, Z, self.residual)
        except KernelError:
            if not borders:
                return None
        condition, *rest = borders
        inside = self.by_cases(definitions, rest, (*region, strictly(condition)))
        outside = self.by_cases(definitions, rest, (*region, strictly(opposite(condition))))
        try:
            return theory.cases(condition, inside, outside, self.residual) if inside and outside else None
        except KernelError:
            return None

    def by_branches(self, body: Term, region: Region) -> Term | None:
        """An antiderivative of each branch, with the constants that join them."""
        found = _split(body)
        if found is None:
            return next(
                (f for s in self.guesses.antiderivatives(body) for f in s if self.is_integral(f, body, region)), None
            )
        condition, inside, outside = found
        a = self.by_branches(inside, (*region, strictly(condition)))
        b = self.by_branches(outside, (*region, strictly(opposite(condition))))
        return None if a is None or b is None else self.guesses.joined(condition, a, b)

    def is_integral(self, term: Term, body: Term, region: Region) -> bool:
        try:
            theorem = Theory(self.definitions, (*region, *self.assumptions)).derivative(term, Z, body)
        except KernelError:
            return False
        return not self.extra(theorem, region)

    def is_everywhere(self, cost: Term, theorem: Theorem) -> bool:
        """Whether dJ/dz = h - y on the whole domain, at seams by the mean value theorem."""
        extra = self.extra(theorem)
        both = {**self.definitions, "J": ((), cost)}
        closed = all(r.args[0] == "!=" and self.is_isolated(r) for r in extra)
        return not extra or (closed and None not in (self.seams("h", both), self.seams("J", both)))

    def is_isolated(self, border: Term) -> bool:
        """Whether the z at which both sides are equal are isolated: their difference has a slope there."""
        gap = sub(*border.args[1:])
        found = self.slope_of(gap)
        return found is not None and self.always(rel("!=", found, ZERO))

    def seams(self, name: str, definitions: Definitions) -> list[Seam] | None:
        """Where branches of a definition meet: l = r, and both of them there, proved equal; None if not continuous.

        Every law is continuous where it is smooth, and |x| everywhere; so the whole is, where its branches agree.
        """
        body, found = definitions[name][1], []
        if self.extra(Theory(definitions, self.assumptions).definition(var(name))):
            return None
        for part in dict.fromkeys(subterms(body)):
            if part.kind == "call" and len(part.args) == 2 and part.args[0] != "abs":
                found_law = law(part.args[0])
                if found_law is None or not all(map(self.always, found_law.smooth(part.args[1]))):
                    return None
            elif part.kind == "where" and self.is_open(part.args[0]):
                border = rel("=", *part.args[0].args[1:])
                try:
                    theorem = Theory(definitions, (*self.assumptions, border)).equal(*part.args[1:])
                except KernelError:
                    return None
                if self.extra(theorem, (border,)):
                    return None
                found.append((border, *part.args[1:]))
        return found

    def is_open(self, condition: Term) -> bool:
        algebra = self.calculus
        return algebra.attempt(lambda: algebra.decide(condition)) is None

    # -- the steps

    def explain(self, cost: Term, seams: list[Seam] | None) -> list[Term]:
        """The steps from J to dJ/dz = h - y; returns the hypotheses that stay open."""
        theorem = self.proved(cost)
        if theorem is None:
            raise KernelError("the loss is not accepted a second time")
        extra = self.extra(theorem)
        self.say("loss", "J is an integral of h, less y z.", J, cost)
        apart: Words = (", where ", *_listed(extra)) if extra else ()
        self.say("derivative", ("Differentiate J by z", *apart, "."), (J, Z), self.residual)
        if not extra or not self.is_everywhere(cost, theorem):
            return extra
        own = self.seams("J", {**self.definitions, "J": ((), cost)}) or []
        self.meet("h", seams or [])
        self.meet("J", own)
        self.say("mean-value", MEAN_VALUE, (J, Z), self.residual, checked=False)
        return []

    def meet(self, name: str, seams: list[Seam]) -> None:
        for border, inside, outside in seams:
            words: Words = ("The branches of ", var(name), " meet at ", border, ".")
            self.say("seam", words, inside, outside)

    def integral(self, seams: list[Seam]) -> list[Term]:
        self.meet("h", seams)
        self.say("fundamental-theorem", FUNDAMENTAL, checked=False)
        return []

    def convexity(self, seams: list[Seam] | None) -> dict[str, Any]:
        """convex, with a witness where it is not, and a reason where it is open."""
        pieces = list(_pieces(self.body, ()))
        slopes = [self.slope_of(leaf, region) for region, leaf in pieces]
        rises = all(
            d is not None and self.always(rel(">=", d, ZERO), region)
            for d, (region, _) in zip(slopes, pieces, strict=True)
        )
        isolated = all(map(self.is_isolated, _borders(self.body)))
        if rises and isolated and seams is not None and self.is_convex_domain():
            for d, (region, _) in zip(slopes, pieces, strict=True):
                where_: Words = (" where ", *_listed(region)) if region else ()
                self.say("slope", ("The derivative of h", *where_, "; it is not negative."), (H, Z), d)
            self.say("convex", RISES, checked=False)
            return {"convex": True, "reason": None}
        return self.falls(rises)

    def falls(self, rises: bool) -> dict[str, Any]:
        for point in self.points():
            ball = _enclosed(balls.Slope(H, Z), point, self.definitions)
            if ball is not None and ball < 0:
                value = _decimal(ball)
                words = (
                    "At ",
                    *_at(point),
                    " the derivative of h is ",
                    value,
                    ": h decreases there, and J is not convex.",
                )
                self.say("not-convex", words)
                return {"convex": False, "witness": _witness(point, **{"dh/dz": value}), "reason": None}
        if rises and not self.is_convex_domain():
            return {
                "convex": None,
                "reason": "the domain is not known to be an interval; h does not decrease on each part",
            }
        return {"convex": None, "reason": "h is neither proved to be nondecreasing nor refuted"}

    # -- the same loss as a function of the output

    def in_output(self) -> dict[str, Any]:
        """J in h and y, with its steps: a loss of the catalogue, or what SymPy integrates; nothing if there is none."""
        slope_, guesses = self.slope_in_output(), self.guesses.output_losses(self.body)
        if slope_ is None:
            return {}
        costs = chain(((cost, title) for title, cost, _ in self.catalogue()), ((c, "") for s in guesses for c in s))
        for cost, title in costs:
            outer = self.through_output(cost, slope_)
            if outer is not None:
                named = f"This is the loss called {title}" if title else "In terms of h it is"
                self.say("output-loss", f"{named}, up to what is free of z.", J, cost)
                self.say("output-slope", "The derivative of h, in h.", (H, Z), slope_)
                self.say(
                    "output-chain", "By the chain rule the derivative by z is the same.", (J, Z), mul(outer, slope_)
                )
                self.say("output-derivative", "Simplify.", (J, Z), self.residual)
                return {"output_loss": plain(cost), "formulas": {"output_loss": cost}}
        return {}

    def slope_in_output(self) -> Term | None:
        """dh/dz as a function of h."""
        for guess in self.guesses.output_slopes(self.body) if _split(self.body) is None else ():
            value = self.tidied(guess)
            try:
                if not self.extra(self.theory.derivative(H, Z, value)):
                    return value
            except KernelError:
                continue
        return None

    def through_output(self, cost: Term, slope_: Term) -> Term | None:
        """dJ/dh, where dJ/dh dh/dz = h - y is proved with h free, and all that it takes holds for h = f(z)."""
        outer, plainly = Theory({"J": ((), cost)}), Calculus({}, ())
        inner = Theory({**self.definitions, "J": ((), cost)}, self.assumptions)
        try:
            value = self.tidied(plainly.attempt(lambda: plainly.differentiate(cost, H)) or ZERO)
            chained = inner.chain(outer.derivative(J, H, value), inner.derivative(H, Z, slope_))
            theorem = inner.rewrite(chained, outer.equal(mul(value, slope_), self.residual))
        except KernelError:
            return None
        return None if self.extra(theorem) else value

    def tidied(self, term: Term) -> Term:
        """A function of h, over one denominator where that is shorter."""
        return min(tidy(term), self.shown(term, (rel(">", H, ZERO),)), key=_length)

    # -- jumps

    def jump(self) -> tuple[balls.Point, Term, Term] | None:
        """A point at which the two sides of h certainly differ, and the sides."""
        for part in dict.fromkeys(t for t in subterms(self.body) if t.kind == "where"):
            sides = [replace(self.body, {part: branch}) for branch in part.args[1:]]
            border = sub(*part.args[0].args[1:])
            for point in islice(self.points(), len(PARAMETERS)):
                at = self.on_border(border, point)
                if at is not None and balls.certainly_different(sides[0], sides[1], at, {}):
                    return at, sides[0], sides[1]
        return None

    def on_border(self, border: Term, point: balls.Point) -> balls.Point | None:
        """The point with z on the border, crossed there, if that is rational and inside the domain."""
        given = {var(n): num(v) for (n, i), v in point.values.items() if n != "z" and isinstance(v, fmpq)}
        z = self.guesses.border(replace(border, given), ZERO)
        if z is None:
            return None
        at = point._replace(values={**point.values, ("z", ()): z.args[0]})
        inside = all(_holds(r, at) for r in self.assumptions)
        return at if inside and balls.certainly_different(balls.Slope(border, Z), ZERO, at, {}) else None

    def refuted(self, found: tuple[balls.Point, Term, Term]) -> Match:
        point, *sides = found
        self.say("jump", ("At ", *_at(point), " the two sides of h differ."), None, rel("!=", *sides))
        self.say("darboux", DARBOUX, checked=False)
        return self.answer(False, witness=_witness(point))


def _cost(integral: Term) -> Term:
    return _less(integral, Y, Z)


def _split(body: Term) -> tuple[Term, Term, Term] | None:
    """The condition of the outermost case, or |p|, and the body on either side; None where there is none."""
    for part in subterms(body):
        if part.kind == "where":
            return part.args[0], replace(body, {part: part.args[1]}), replace(body, {part: part.args[2]})
        if part.kind == "call" and part.args[0] == "abs":
            inner = part.args[1]
            return rel(">", inner, ZERO), replace(body, {part: inner}), replace(body, {part: neg(inner)})
    return None


def _pieces(body: Term, region: Region) -> Iterator[tuple[Region, Term]]:
    """The body without cases, region by region, seams left out."""
    found = _split(body)
    if found is None:
        yield region, body
        return
    condition, inside, outside = found
    yield from _pieces(inside, (*region, strictly(condition)))
    yield from _pieces(outside, (*region, strictly(opposite(condition))))


def _borders(body: Term) -> Iterator[Term]:
    for part in dict.fromkeys(subterms(body)):
        if part.kind == "where":
            yield part.args[0]
        elif part.kind == "call" and part.args[0] == "abs":
            yield rel(">", part.args[1], ZERO)


# ---- functions of a vector ------------------------------------------------------------------------------


class Vector(Solver):
    """h[k] from all of z: there is a loss iff the Jacobian is symmetric, on a convex domain."""

    output, variable, target = item("h", OWN), item("z", OTHER), item("y", OTHER)

    def solve(self) -> Match:
        self.enter()
        refuted = self.asymmetry()
        if refuted is not None:
            return refuted
        jacobian = self.slope_of(self.output)
        if jacobian is not None:
            self.say("jacobian", "The Jacobian.", (self.output, self.variable), jacobian)
        is_symmetric = jacobian is not None and self.is_symmetric(jacobian)
        own = reindex(self.body, {OWN: OTHER})
        inner = sum_over(OWN, mul(item("y", OWN), item("z", OWN)))
        costs = ([_less(f, inner) for f in stage] for stage in self.guesses.potentials(own, OTHER))
        cost = next((c for c, theorem in self.accepted(costs) if not self.extra(theorem)), None)
        if cost is not None:
            self.say("loss", "J is a potential of h, less the inner product of y and z.", J, cost)
            self.say("derivative", "Differentiate J.", (J, self.variable), self.residual)
        elif is_symmetric and self.is_convex_domain():
            self.say("poincare", POINCARE, checked=False)
        else:
            return self.answer(None, "no potential of h was found, and nothing refutes one")
        known = self.convexity(jacobian) if jacobian is not None else {"convex": None, "reason": None}
        output = self.in_output() if cost is not None else {}
        reason = known.pop("reason") or (None if cost is not None else "no closed form of the loss was found")
        return self.answer(True, reason, cost, **known, **output)

    def coordinates(self) -> Iterator[tuple[dict[balls.Key, fmpq], dict[str, int]]]:
        for count in (2, 3):
            for values in product(COORDINATES, repeat=count):
                yield {("z", (n,)): value for n, value in enumerate(values, 1)}, {"K": count}

    def in_output(self) -> dict[str, Any]:
        """The loss of the catalogue that has the same derivative, with the condition on y that it needs."""
        for title, cost, equations in self.catalogue():
            for targets in ((), equations) if equations else ((),):
                theorem = self.proved(cost, targets)
                if theorem is not None and set(self.extra(theorem)) <= set(targets):
                    where_: Words = (", if ", *_listed(targets)) if targets else ()
                    self.say("output-loss", (f"This is the loss called {title}", *where_, "."), J, cost)
                    self.say("output-derivative", "Its derivative is the same.", (J, self.variable), self.residual)
                    formulas = {"output_loss": cost}
                    return {"output_loss": plain(cost), "output_conditions": targets, "formulas": formulas}
        return {}

    def is_symmetric(self, jacobian: Term) -> bool:
        swapped = reindex(jacobian, {OWN: OTHER, OTHER: OWN})
        try:
            theorem = self.theory.equal(jacobian, swapped)
        except KernelError:
            return False
        if not self.extra(theorem):
            self.say("symmetric", "It is symmetric.", jacobian, swapped)
        return not self.extra(theorem)

    def asymmetry(self) -> Match | None:
        """A point at which dh_k/dz_j and dh_j/dz_k certainly differ."""
        h, z = ([item(name, i) for i in (OWN, OTHER)] for name in "hz")
        requests = (balls.Slope(h[0], z[1]), balls.Slope(h[1], z[0]))
        for point in islice(self.points(), TRIED):
            if balls.certainly_different(*requests, point, self.definitions):
                values = [_decimal(_enclosed(r, point, self.definitions)) for r in requests]
                entries = [(a.subject, a.variable) for a in requests]
                words: Words = (
                    *("At k = 1, j = 2, ", *_at(point), " the entry ", entries[0], " is ", values[0]),
                    *(", and ", entries[1], " is ", values[1], ": the Jacobian is not symmetric."),
                )
                self.say("asymmetric", words)
                self.say("schwarz", SCHWARZ, checked=False)
                named = dict(zip(("dh_k/dz_j", "dh_j/dz_k"), values, strict=True))
                return self.answer(False, witness=_witness(point, **named))
        return None

    def convexity(self, jacobian: Term) -> dict[str, Any]:
        """By rows that add to 0 and a diagonal that outweighs them; else a diagonal entry that is negative."""
        if not self.is_convex_domain():
            return {"convex": None, "reason": "convexity is asked on a convex domain only"}
        off = tidy(replace(jacobian, {kron(OWN, OTHER): ZERO, kron(OTHER, OWN): ZERO}))
        if self.is_zero(sum_over(OTHER, jacobian)) and self.always(rel("<=", off, ZERO)):
            self.say("off-diagonal", "Off the diagonal the Jacobian is not positive.", None, rel("<=", off, ZERO))
            self.say("rows", "Its rows add to 0.", sum_over(OTHER, jacobian), ZERO)
            self.say("convex", DOMINANT, checked=False)
            return {"convex": True, "reason": None}
        request = balls.Slope(self.output, item("z", OWN))
        for point in islice(self.points(), TRIED):
            ball = _enclosed(request, point, self.definitions)
            if ball is not None and ball < 0:
                value = _decimal(ball)
                words: Words = ("At k = 1, ", *_at(point), " the entry ", (self.output, item("z", OWN)), " is ", value)
                self.say("not-convex", (*words, ": J is not convex."))
                return {"convex": False, "witness": _witness(point, **{"dh_k/dz_k": value}), "reason": None}
        return {"convex": None, "reason": "convexity is neither proved nor refuted"}

    def is_zero(self, term: Term) -> bool:
        try:
            return not self.extra(self.theory.equal(term, ZERO))
        except KernelError:
            return False
