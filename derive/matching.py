"""The matching loss of an activation: J with dJ/dz = h - y, or a proof that there is none.

Guesses come from ``antiderivatives`` (SymPy, imported when they are needed); the kernel and balls decide. What is
beyond them rests on theorems of analysis that a step names, and whose premises the steps before it prove.

Helmbold, Kivinen, Warmuth, NIPS 8 (1995): J = int h dz - y z is, up to c(y), the only such loss, and is convex in z
iff h does not decrease. Kivinen, Warmuth (2001): for a vector there is one iff dh_k/dz_j = dh_j/dz_k.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from flint import fmpq

from derive import balls
from derive.algebra import Definitions
from derive.calculus import Calculus
from derive.errors import REFUSALS, DeriveError, KernelError, UnknownName
from derive.kernel import Theorem, Theory
from derive.laws import LAWS
from derive.present import Presenter, tidy
from derive.certificate import write_point
from derive.proof import JSON_SCHEMA, slope
from derive.syntax import RESERVED, Symbols, parse, parse_relation, plain
from derive.term import (
    MINUS_ONE,
    ZERO,
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

if TYPE_CHECKING:
    from derive.antiderivatives import Proposals

Piece: TypeAlias = str | Term | tuple[Term, Term]
Words: TypeAlias = tuple[Piece, ...]
Region: TypeAlias = tuple[Term, ...]

J, H, Y, Z = map(var, "Jhyz")
OWN, OTHER = index("k"), index("j")
SIZES = frozenset(("K", "m"))
NAMES_OF_THE_STATEMENT = {"J", "h", "y", "z"}
OPPOSITE = {"<": ">", "<=": ">", ">": "<", ">=": "<"}
COORDINATES = tuple(fmpq(p, q) for p, q in ((0, 1), (1, 1), (-1, 1), (2, 1), (-2, 1), (1, 2), (-1, 2), (3, 1), (-3, 1)))
PARAMETERS = tuple(fmpq(p, q) for p, q in ((1, 1), (2, 1), (1, 2), (3, 2), (-1, 1), (1, 4), (3, 1)))
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


class MatchStep(NamedTuple):
    """Step ``n``: why, and what is said: left = right, or a relation ``right``, or nothing but the words.

    ``checked``: the kernel or balls certified it; else it is a theorem of analysis, and the steps before are its premises.
    """

    n: int
    rule: str
    reason: Words
    left: Term | tuple[Term, Term] | None
    right: Term | None
    checked: bool

    @property
    def statement(self) -> str:
        if self.right is None:
            return "".join(map(_plain_piece, self.reason))
        if self.left is None:
            return plain(self.right)
        return f"{_plain_piece(self.left)} = {plain(self.right)}"


def _plain_piece(piece: Piece) -> str:
    return piece if isinstance(piece, str) else plain(piece) if isinstance(piece, Term) else slope(*piece)


@dataclass(frozen=True)
class Match:
    """What is known about the matching loss of an activation.

    activation: text of h(z), or of h[k] from z. exists: is there a J with dJ/dz = h - y (None: undecided)?
    loss: J as text in z and y, None where it has no closed form; output_loss: the same in h and y, up to c(y).
    convex: is J convex in z? witness: the point that refutes existence, or else convexity. reason: why something is None.
    """

    activation: str
    exists: bool | None = None
    loss: str | None = None
    convex: bool | None = None
    output_loss: str | None = None
    output_conditions: tuple[Term, ...] = ()
    witness: dict[str, str] | None = None
    steps: tuple[MatchStep, ...] = ()
    reason: str | None = None
    hypotheses: tuple[Term, ...] = ()
    name: str | None = None
    formulas: dict[str, Term] = field(default_factory=dict, repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """The object of ``derive match --json``."""
        from derive.report.match import latex_statement

        names = ("activation", "exists", "loss", "convex", "output_loss", "witness", "reason")
        steps = [
            {"n": s.n, "rule": s.rule, "statement": s.statement, "latex": latex_statement(s), "checked": s.checked}
            for s in self.steps
        ]
        hypotheses = [plain(h) for h in self.hypotheses]
        return {"schema": JSON_SCHEMA, **{n: getattr(self, n) for n in names}, "hypotheses": hypotheses, "steps": steps}

    def _repr_latex_(self) -> str:
        from derive.report.match import display

        return f"$${display(self)}$$"


def match(activation: Any, params: Sequence[str] = (), assume: Sequence[str] = (), timeout: float = 10.0) -> Match:
    """The loss J with dJ/dz = h - y for an activation h(z), or the proof that there is none.

    activation: a slug of the catalogue, text in the plain language (``z`` elementwise, ``z[k]`` for a vector), or a
    SymPy expression; params: "w", "w>0" or "0<t<1" for each other name; assume: relations on z, such as "z<0";
    timeout: seconds for SymPy's guesses. Raises DeriveError for bad input; what cannot be decided is None, with a reason.
    """
    problem = _problem(activation, params, assume)
    try:
        solver = _Vector if problem.is_vector else _Scalar
        return solver(problem, timeout).solve()
    except (KernelError, *REFUSALS) as obstacle:
        return Match(plain(problem.body), name=problem.name, reason=f"undecided: {obstacle}")


# ---- what is asked ---------------------------------------------------------------------------------


class _Problem(NamedTuple):
    """h = body, or h[k] = body, under assumptions on z and the parameters."""

    body: Term
    assumptions: tuple[Term, ...]
    name: str | None = None

    @property
    def is_vector(self) -> bool:
        return any(t.kind == "item" for t in subterms(self.body))


def _problem(activation: Any, params: Sequence[str], assume: Sequence[str]) -> _Problem:
    names = [name for text in params for name in _names(text)]
    letters = _letters(" ".join((activation if isinstance(activation, str) else "", *assume)))
    body, given, title = _body(activation, names)
    free = sorted(t.args[0] for t in body.indices)
    if len(free) > 1 or (not free and any(t.kind == "item" for t in subterms(body))):
        raise DeriveError("an activation of a vector is h[k], with one free index, as in exp(z[k])/sum(l, exp(z[l]))")
    body = reindex(body, {i: OWN for i in body.indices})
    known = {t.args[0] for t in subterms(body) if t.kind == "var"} | {n for r in given for n in r.names}
    scalars = frozenset({*names, *known} - SIZES - ({"z"} if free else set()) | (set() if free else {"z"}))
    symbols = Symbols(scalars, {"z": ("K",)} if free else {}, dict.fromkeys(letters, "K"))
    said = tuple(r for text in (*params, *assume) for r in _relations(text, symbols))
    return _coordinatewise(_Problem(body, tuple(dict.fromkeys((*given, *said))), title))


def _body(activation: Any, names: Sequence[str]) -> tuple[Term, tuple[Term, ...], str | None]:
    """h as a term, the relations that the catalogue gives, and its name there."""
    from derive.activations import ACTIVATIONS, ALIASES
    from derive.bridge import to_term

    if not isinstance(activation, str):
        return to_term(activation), (), None
    entry = ACTIVATIONS.get(ALIASES.get(activation, activation))
    if entry is not None:
        return to_term(entry.output), tuple(map(to_term, (*entry.domain, *entry.parameters))), entry.slug
    letters = _letters(activation)
    if re.fullmatch(r"[a-zA-Z]{2,}", activation) and activation not in {*names, *RESERVED}:
        raise UnknownName(_unknown(activation, [*ACTIVATIONS, *ALIASES]))
    families = {"z": ("K",)} if letters else {}
    return parse(activation, Symbols(frozenset({*names} | ({"z"} - {*families})), families, letters)), (), None


def _unknown(word: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), known, n=1)
    hint = f"did you mean {near[0]}?" if near else "write its formula in z, such as 'z/(1 + |z|)'"
    return f"no activation is called {word!r}; {hint}"


def _letters(text: str) -> dict[str, str]:
    """The free indices of z in a text, over K."""
    used = re.findall(r"\bz\s*\[\s*([A-Za-z]\w*)\s*\]|\bz_([A-Za-z]\w*)", text)
    bound = set(re.findall(r"\bsum\s*\(\s*([A-Za-z]\w*)", text))
    return {a or b: "K" for a, b in used if (a or b) not in bound}


def _names(text: str) -> list[str]:
    """The names that a declaration such as "0<t<1" or "w" declares."""
    found = [n for n in re.findall(r"[A-Za-z_]\w*", text) if n not in RESERVED | SIZES]
    for name in found:
        if name in NAMES_OF_THE_STATEMENT:
            raise DeriveError(f"the name {name} has a meaning already; a parameter needs another")
    if not found:
        raise DeriveError(f"no name is declared by {text[:40]!r}; write 'w', 'w > 0' or '0 < t < 1'")
    return found


def _relations(text: str, symbols: Symbols) -> Iterator[Term]:
    """a < b < c as a < b and b < c; a name alone says nothing about it."""
    parts = re.split(r"(<=|>=|!=|<|>|=)", text)
    for n in range(1, len(parts), 2):
        yield parse_relation("".join(parts[n - 1 : n + 2]), symbols)


def _coordinatewise(problem: _Problem) -> _Problem:
    """A vector whose h[k] uses z[k] alone is the scalar h(z), coordinate by coordinate."""
    own = item("z", OWN)
    terms = [replace(reindex(t, {i: OWN for i in t.indices}), {own: Z}) for t in (problem.body, *problem.assumptions)]
    is_single = not any(t.kind in ("item", "sum", "size", "kron") for whole in terms for t in subterms(whole))
    return _Problem(terms[0], tuple(terms[1:]), problem.name) if problem.is_vector and is_single else problem


# ---- both kinds --------------------------------------------------------------------------------------


class _Solver:
    """One activation: its theory, and the steps so far."""

    output: Term
    variable: Term
    target: Term

    def __init__(self, problem: _Problem, timeout: float) -> None:
        self.body, self.name = problem.body, problem.name
        self.definitions: Definitions = {"h": (self.output.args[1:], problem.body)}
        first = Theory(self.definitions, problem.assumptions).definition(self.output)
        self.assumptions = tuple(dict.fromkeys((*problem.assumptions, *first.hypotheses)))
        self.theory = Theory(self.definitions, self.assumptions)
        self.calculus = Calculus(self.definitions, self.assumptions)
        self.residual = sub(reindex(self.output, {OWN: OTHER}), self.target)
        self.guesses = self.proposals(timeout)
        self.steps: list[MatchStep] = []
        self.say("activation", "The activation.", self.output, self.body)

    def proposals(self, timeout: float) -> Proposals:
        from derive.antiderivatives import Proposals

        return Proposals(timeout, [n for n in self.parameters() if self.always(rel(">", var(n), ZERO))])

    def parameters(self) -> list[str]:
        found = {t.args[0] for whole in (self.body, *self.assumptions) for t in subterms(whole) if t.kind == "var"}
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

    def always(self, relation: Term, region: Region = ()) -> bool:
        """Whether a relation is proved to hold on the domain, or on a region of it."""
        algebra = Calculus(self.definitions, (*self.assumptions, *region)) if region else self.calculus
        try:
            return algebra.attempt(lambda: algebra.obligation(relation)).is_met
        except KernelError:
            return False

    def extra(self, theorem: Theorem, region: Region = ()) -> list[Term]:
        """Hypotheses beyond the domain."""
        return [h for h in theorem.hypotheses if h not in (*self.assumptions, *region)]

    def slope_of(self, term: Term, region: Region = ()) -> Term | None:
        """d term/dz in a form for people, where it is proved to exist."""
        theory, plainly = Theory(self.definitions, (*self.assumptions, *region)), Calculus(self.definitions, ())
        raw = plainly.attempt(lambda: plainly.differentiate(term, self.variable)) or ZERO
        for value in (self.shown(raw, region), raw):
            try:
                return None if self.extra(theory.derivative(term, self.variable, value), region) else value
            except KernelError:
                continue
        return None

    def shown(self, term: Term, region: Region) -> Term:
        try:
            return Presenter(Calculus({}, (*self.assumptions, *region)), [kron(OWN, OTHER)]).shown(term)
        except KernelError:
            return term

    def proved(self, cost: Term, targets: tuple[Term, ...] = ()) -> Theorem | None:
        """|- dJ/dz = h - y for J = cost, where the kernel accepts it."""
        try:
            theory = Theory({**self.definitions, "J": ((), cost)}, (*self.assumptions, *targets))
            return theory.derivative(J, self.variable, self.residual)
        except KernelError:
            return None

    def best(self, stages: Iterable[Iterable[Term]], allowed: Callable[[Term, Theorem], bool]) -> Term | None:
        """The shortest accepted cost of the first stage that has one."""
        for stage in stages:
            proofs = ((cost, self.proved(cost)) for cost in dict.fromkeys(stage))
            found = [cost for cost, theorem in proofs if theorem is not None and allowed(cost, theorem)]
            if found:
                return min(found, key=lambda cost: len(plain(cost)))
        return None

    def is_convex_domain(self) -> bool:
        """Whether the assumptions cut out half-spaces only: inequalities that are linear in z."""
        for relation in (r for r in self.assumptions if "z" in r.names):
            side = Calculus({}, ())
            slope_of_side = side.attempt(lambda r=relation, s=side: s.differentiate(sub(*r.args[1:]), self.variable))
            if relation.args[0] in ("=", "!=") or "z" in Theory({}).moving_names(slope_of_side or ZERO):
                return False
        return True

    def coordinates(self) -> Iterator[tuple[dict[balls.Key, fmpq], dict[str, int]]]:
        """Values of z, and sizes."""
        raise NotImplementedError

    def points(self) -> Iterator[balls.Point]:
        """Small exact points that certainly satisfy the assumptions."""
        names = self.parameters()
        values = product(PARAMETERS, repeat=len(names))
        indices = dict(zip("kj", (1, 2), strict=True)) if self.output.args[1:] else {}
        for given, (z, sizes) in islice(product(values, self.coordinates()), MOST_POINTS):
            parameters = {(name, ()): value for name, value in zip(names, given, strict=True)}
            point = balls.Point({**parameters, **z}, sizes, indices)
            if all(
                balls.certainly_holds(r, p, self.definitions) for r in self.assumptions for p in _everywhere(r, point)
            ):
                yield point

    def catalogue(self) -> tuple[str, Term, tuple[Term, ...]] | None:
        """The loss of the catalogue, in h and y, that has the same derivative; with the condition that it needs."""
        from derive.bridge import to_term
        from derive.losses import LOSSES

        known = {"h", "y", *self.parameters()}
        for entry in LOSSES.values():
            cost = to_term(entry.cost)
            if cost.names <= known and bool(self.output.args[1:]) == any(t.kind == "item" for t in subterms(cost)):
                equations = tuple(t for t in map(to_term, entry.targets) if t.args[0] == "=")
                for targets in ((), equations) if equations else ((),):
                    theorem = self.proved(cost, targets)
                    if theorem is not None and set(self.extra(theorem)) <= set(targets):
                        return entry.name, cost, targets
        return None

    def answer(self, exists: bool | None, reason: str | None = None, cost: Term | None = None, **known: Any) -> Match:
        loss = None if cost is None else plain(cost)
        hypotheses = known.pop("hypotheses", self.assumptions)
        formulas = {"loss": cost} if cost is not None else {}
        return Match(
            activation=plain(self.body),
            exists=exists,
            loss=loss,
            reason=reason,
            hypotheses=hypotheses,
            name=self.name,
            steps=tuple(self.steps),
            formulas={"activation": self.body, **formulas, **known.pop("formulas", {})},
            **known,
        )

    def in_output(self) -> dict[str, Any]:
        """The loss in h and y, with a step, where one is found."""
        found = self.catalogue()
        title, cost, targets = found or ("", self.best(self.output_costs(), lambda _, t: not self.extra(t)), ())
        if cost is None:
            return {}
        named: Words = (f"This is the loss called {title}" if title else "In h and y", ", up to what is free of z")
        where_: Words = (", where ", *_listed(targets)) if targets else ()
        self.say("output-loss", (*named, *where_, ":"), J, cost)
        self.say("output-derivative", "Its derivative by z is the same.", (J, self.variable), self.residual)
        return {"output_loss": plain(cost), "output_conditions": targets, "formulas": {"output": cost}}

    def output_costs(self) -> Iterable[Iterable[Term]]:
        return ()


def _listed(relations: Iterable[Term]) -> Words:
    return tuple(p for r in relations for p in (", ", r))[1:]


def _everywhere(relation: Term, point: balls.Point) -> Iterator[balls.Point]:
    """The point with every value of the relation's free indices."""
    names = [i.args[0] for i in relation.indices]
    for values in product(*(range(1, point.sizes.get(i.args[1], 0) + 1) for i in relation.indices)):
        yield point._replace(indices={**point.indices, **dict(zip(names, values, strict=True))})


def _enclosed(request: balls.Slope, point: balls.Point, definitions: Definitions) -> Any:
    """A ball, or None where none is certified."""
    try:
        return balls.enclosure(request, point, definitions, PRECISION)
    except (KernelError, *REFUSALS):
        return None


def _decimal(ball: Any) -> str:
    return str(ball.str(DECIMALS, radius=False))


def _less(potential: Term, inner: Term) -> Term:
    """F - y z, flat."""
    return add(*(potential.args if potential.kind == "add" else (potential,)), mul(MINUS_ONE, *inner))


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


class _Scalar(_Solver):
    """J = F(z) - y z where F' = h; there is one where h is continuous, and it is convex iff h does not decrease."""

    output, variable, target = H, Z, Y

    def solve(self) -> Match:
        jump = self.jump()
        if jump is not None:
            return self.refuted(jump)
        seams = self.seams("h", self.definitions)
        cost = self.best(self.costs(), self.is_everywhere) or self.best(self.costs(), lambda *_: True)
        if cost is None and seams is None:
            return self.answer(None, "h is not proved to be continuous, and no loss was found")
        open_ = self.explain(cost, seams) if cost is not None else self.integral(seams or [])
        known = self.convexity(seams)
        output = self.in_output() if cost is not None and known["convex"] and not open_ else {}
        reason = known.pop("reason")
        if cost is None:
            reason = "the loss has no closed form in the language" + (f"; {reason}" if reason else "")
        if seams is None and open_:
            reason = "h is not proved to be continuous where the loss has a seam"
        hypotheses = (*self.assumptions, *open_)
        exists = None if seams is None and open_ else True
        return self.answer(exists, reason, cost, hypotheses=hypotheses, **known, **output)

    def coordinates(self) -> Iterator[tuple[dict[balls.Key, fmpq], dict[str, int]]]:
        return (({("z", ()): value}, {}) for value in COORDINATES)

    # -- the loss

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

    def by_branches(self, body: Term, region: Region) -> Term | None:
        """An antiderivative of each branch, with the constants that join them."""
        found = _split(body)
        if found is None:
            return next(
                (f for s in self.guesses.antiderivatives(body) for f in s if self.is_integral(f, body, region)), None
            )
        condition, inside, outside = found
        a = self.by_branches(inside, (*region, _strict(condition)))
        b = self.by_branches(outside, (*region, _otherwise(condition)))
        return None if a is None or b is None else self.guesses.joined(condition, a, b)

    def is_integral(self, term: Term, body: Term, region: Region) -> bool:
        try:
            theorem = Theory(self.definitions, (*self.assumptions, *region)).derivative(term, Z, body)
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

    def seams(self, name: str, definitions: Definitions) -> list[tuple[Term, Term, Term]] | None:
        """Where branches of a definition meet: l = r, and both of them there, proved equal; None if not continuous.

        Every law is continuous where it is smooth, and |x| everywhere; so the whole is, where its branches agree.
        """
        body, found = definitions[name][1], []
        if self.extra(Theory(definitions, self.assumptions).definition(var(name))):
            return None
        for part in dict.fromkeys(subterms(body)):
            if part.kind == "call" and len(part.args) == 2 and part.args[0] != "abs":
                if not all(map(self.always, LAWS[part.args[0]].smooth(part.args[1]))):
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

    def explain(self, cost: Term, seams: list[tuple[Term, Term, Term]] | None) -> list[Term]:
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

    def meet(self, name: str, seams: list[tuple[Term, Term, Term]]) -> None:
        for border, inside, outside in seams:
            words: Words = ("The branches of ", var(name), " meet, at ", border, ".")
            self.say("seam", words, inside, outside)

    def integral(self, seams: list[tuple[Term, Term, Term]]) -> list[Term]:
        self.meet("h", seams)
        self.say("fundamental-theorem", FUNDAMENTAL, checked=False)
        return []

    def convexity(self, seams: list[tuple[Term, Term, Term]] | None) -> dict[str, Any]:
        """convex, with a witness where it is not, and a reason where it is open."""
        pieces = list(_pieces(self.body, ()))
        slopes = [self.slope_of(leaf, region) for region, leaf in pieces]
        rises = all(
            d is not None and self.always(rel(">=", d, ZERO), region)
            for d, (region, _) in zip(slopes, pieces, strict=True)
        )
        isolated = all(map(self.is_isolated, _borders(self.body)))
        if rises and isolated and seams is not None and self.is_convex_domain():
            for d, (region, leaf) in zip(slopes, pieces, strict=True):
                where_: Words = (" where ", *_listed(region)) if region else ()
                self.say("slope", ("The derivative of h", *where_, "."), (leaf if region else H, Z), d)
                self.say("monotone", "It is not negative.", None, rel(">=", d or ZERO, ZERO))
            self.say("convex", RISES, checked=False)
            return {"convex": True, "reason": None}
        return self.falls()

    def falls(self) -> dict[str, Any]:
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
        return {"convex": None, "reason": "h is neither proved to be nondecreasing nor refuted"}

    def output_costs(self) -> Iterable[Iterable[Term]]:
        return self.guesses.output_losses(self.body) if _split(self.body) is None else ()

    # -- jumps

    def jump(self) -> tuple[balls.Point, Term, Term] | None:
        """A point at which the two sides of h certainly differ, and the sides."""
        for part in dict.fromkeys(t for t in subterms(self.body) if t.kind == "where"):
            sides = [replace(self.body, {part: branch}) for branch in part.args[1:]]
            border = sub(*part.args[0].args[1:])
            for point in islice(self.points(), len(PARAMETERS)):
                at = self.on_border(border, point)
                if at is not None and balls.certainly_different(*sides, at, {}):
                    return at, *sides
        return None

    def on_border(self, border: Term, point: balls.Point) -> balls.Point | None:
        """The point with z on the border, crossed there, if that is rational and inside the domain."""
        given = {var(n): num(v) for (n, i), v in point.values.items() if n != "z" and isinstance(v, fmpq)}
        z = self.guesses.border(replace(border, given), ZERO)
        if z is None:
            return None
        at = point._replace(values={**point.values, ("z", ()): z.args[0]})
        inside = all(balls.certainly_holds(r, at, {}) for r in self.assumptions)
        return at if inside and balls.certainly_different(balls.Slope(border, Z), ZERO, at, {}) else None

    def refuted(self, found: tuple[balls.Point, Term, Term]) -> Match:
        point, *sides = found
        self.say("jump", ("At ", *_at(point), " the two sides of h differ."), None, rel("!=", *sides))
        self.say("darboux", DARBOUX, checked=False)
        return self.answer(False, witness=_witness(point))


def _cost(integral: Term) -> Term:
    return _less(integral, (Y, Z))


def _strict(condition: Term) -> Term:
    op, left, right = condition.args
    return rel(op[0], left, right)


def _otherwise(condition: Term) -> Term:
    op, left, right = condition.args
    return rel({"<": ">", ">": "<"}[op[0]], left, right)


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
    yield from _pieces(inside, (*region, _strict(condition)))
    yield from _pieces(outside, (*region, _otherwise(condition)))


def _borders(body: Term) -> Iterator[Term]:
    for part in dict.fromkeys(subterms(body)):
        if part.kind == "where":
            yield part.args[0]
        elif part.kind == "call" and part.args[0] == "abs":
            yield rel(">", part.args[1], ZERO)


# ---- functions of a vector ------------------------------------------------------------------------------


class _Vector(_Solver):
    """h[k] from all of z: there is a loss iff the Jacobian is symmetric, on a convex domain."""

    output, variable, target = item("h", OWN), item("z", OTHER), item("y", OTHER)

    def solve(self) -> Match:
        refuted = self.asymmetry()
        if refuted is not None:
            return refuted
        jacobian = self.slope_of(self.output)
        if jacobian is not None:
            self.say("jacobian", "The Jacobian.", (self.output, self.variable), jacobian)
        is_symmetric = jacobian is not None and self.is_symmetric(jacobian)
        own = reindex(self.body, {OWN: OTHER})
        inner = sum_over(OWN, mul(item("y", OWN), item("z", OWN)))
        costs = ([_less(f, (inner,)) for f in stage] for stage in self.guesses.potentials(own, OTHER))
        cost = self.best(costs, lambda _, theorem: not self.extra(theorem))
        if cost is not None:
            self.say("loss", "J is a potential of h, less the inner product of y and z.", J, cost)
            self.say("derivative", "Differentiate J.", (J, self.variable), self.residual)
        elif is_symmetric and self.is_convex_domain():
            self.say("poincare", POINCARE, checked=False)
        else:
            return self.answer(None, "no potential of h was found, and nothing refutes one")
        known = self.convexity(jacobian) if jacobian is not None else {"convex": None, "reason": None}
        output = self.in_output() if cost is not None else {}
        reason = known.pop("reason") or (None if cost is not None else "the loss was not found in closed form")
        return self.answer(True, reason, cost, **known, **output)

    def coordinates(self) -> Iterator[tuple[dict[balls.Key, fmpq], dict[str, int]]]:
        for count in (2, 3):
            for values in product(COORDINATES, repeat=count):
                yield {("z", (n,)): value for n, value in enumerate(values, 1)}, {"K": count}

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
