"""Chains of steps about any function F, each checked by a rule of the kernel; imports kernel, balls and present.

F, G, A ... stand for any real functions of a real variable, differentiable as often as they have primes, so nothing is
evaluated. A step may assume an identity; where known functions are put in, the same step proves it.

Three inferences are made here, not in the kernel, and the theorems rest on them. ``both-sides``: two sides that are
equal for every z of an open set have the same derivative. ``gap``: what holds for all indices k and j holds with
the two exchanged. And an equation that a line proves or assumes may be used by later ones, which take on its
hypotheses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from flint import fmpq

from derive import balls
from derive.calculus import Calculus, Slope
from derive.errors import REFUSALS, KernelError
from derive.kernel import Derivative, Theorem, Theory, is_proved
from derive.laws import ABSTRACT
from derive.present import Presenter, length, tidy
from derive.syntax import Symbols, parse, plain
from derive.term import (
    ZERO,
    Term,
    index,
    item,
    kron,
    rebuild,
    reindex,
    rel,
    replace,
    sub,
    subterms,
    var,
)

J, X = var("J"), var("x")
OWN, OTHER = index("k"), index("j")
SWAP = {OWN: OTHER, OTHER: OWN}
BODY = Symbols(frozenset("xy"), {}, {}, functions=ABSTRACT)  # of a function that is put in: x is its argument
Part = TypeVar("Part")


# ---- what is to be proved --------------------------------------------------------------------------------


class Move(NamedTuple):
    """One step of a statement: a rule, why, the steps it rests on (from 1), and texts; a value left out is computed."""

    rule: str
    reason: str
    sources: tuple[int, ...] = ()
    left: str = ""
    by: str = ""
    value: str = ""


class Statement(NamedTuple):
    """J and h with the moves that are made, and which of them (from 1) are what is stated."""

    loss: str
    activation: str
    moves: tuple[Move, ...]
    claims: tuple[int, ...]
    is_vector: bool = False


# ---- the checker: a chain of lines, each of them a rule of the kernel ------------------------------------


class Partial(NamedTuple):
    """d subject / d variable, or the second derivative."""

    subject: Term
    variable: Term
    order: int = 1


class Setting(NamedTuple):
    """J (none where only h is looked at) and h as terms; scalars, or families over K classes."""

    cost: Term | None
    activation: Term
    is_vector: bool

    @property
    def symbols(self) -> Symbols:
        """The names of a chain; J only where it is defined, for it would be a variable of its own otherwise."""
        cost = frozenset(() if self.cost is None else "J")
        if self.is_vector:
            return Symbols(cost, dict.fromkeys("hyz", ("K",)), dict.fromkeys("kj", "K"), functions=ABSTRACT)
        return Symbols(cost | {*"hyzs"}, {}, {}, functions=ABSTRACT)

    @property
    def output(self) -> Term:
        return item("h", OWN) if self.is_vector else var("h")

    @property
    def variable(self) -> Term:
        return item("z", OTHER) if self.is_vector else var("z")

    @property
    def residual(self) -> Term:
        h, y = (item(n, OTHER) if self.is_vector else var(n) for n in "hy")
        return sub(h, y)

    @property
    def jacobian(self) -> tuple[Partial, Partial]:
        """d h[k]/dz[j], and with k and j exchanged."""
        return Partial(self.output, self.variable), Partial(reindex(self.output, SWAP), reindex(self.variable, SWAP))


class Line(NamedTuple):
    """One inference: a rule, why, earlier lines (from 0); left = value, or d left / d by = value; or a point z."""

    rule: str
    reason: str
    sources: tuple[int, ...]
    left: Term | None
    by: Term | None
    value: Term
    point: tuple[str, ...] = ()


class Fact(NamedTuple):
    """What a line says: left op right, under hypotheses; two left sides stand for their difference.

    ``theorem`` is the kernel's, and None where something is assumed or read off balls; ``carried`` are hypotheses of
    equations that were used.
    """

    left: tuple[Term | Partial, ...]
    right: Term
    hypotheses: tuple[Term, ...] = ()
    theorem: Theorem | None = None
    op: str = "="
    carried: tuple[Term, ...] = ()

    @property
    def given(self) -> list[Term]:
        """The hypotheses without those that follow from another at sight: a != 0 where a > 0."""
        return [h for h in self.hypotheses if h.args[0] != "!=" or rel(">", *h.args[1:]) not in self.hypotheses]

    @property
    def statement(self) -> str:
        return f"{' - '.join(map(_plain_left, self.left))} {self.op} {plain(self.right)}"


def _plain_left(left: Term | Partial) -> str:
    if isinstance(left, Term):
        return plain(left)
    above, below = (plain(t).replace("[", "_").replace("]", "") for t in left[:2])
    above = above if left.subject.kind in ("var", "item") else f"({above})"
    return f"d{above}/d{below}" if left.order == 1 else f"d{left.order}{above}/d{below}{left.order}"


class Run:
    """The facts of a chain under one setting; h is free in ``outer``, and the activation in ``inner``."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        cost = {} if setting.cost is None else {"J": ((), setting.cost)}
        self.outer = Theory(cost)
        self.inner = Theory({**cost, "h": (setting.output.args[1:], setting.activation)})
        self.facts: list[Fact] = []

    def take(self, line: Line) -> Fact:
        """Apply the line's rule and keep its fact.  Fails: an unknown rule or source, or the kernel refuses."""
        if line.rule not in RULES or not all(0 <= n < len(self.facts) for n in line.sources):
            raise KernelError(f"no such rule, or a step that rests on later ones: {line.rule}")
        sources = [self.facts[n] for n in line.sources]
        try:
            fact = RULES[line.rule](self, line, *sources)
        except REFUSALS as problem:
            raise KernelError(f"the rule {line.rule} does not apply: {problem}") from problem
        if fact.right != line.value:
            raise KernelError("the rule proves another right side")
        used = [h for s in sources for h in (s.carried if isinstance(s.left[0], Partial) else s.hypotheses)]
        hypotheses = tuple(dict.fromkeys((*fact.hypotheses, *used)))
        self.facts.append(fact._replace(hypotheses=hypotheses, carried=tuple(dict.fromkeys(used))))
        return self.facts[-1]


def _needed(part: Part | None) -> Part:
    if part is None:
        raise KernelError("a part of the step is missing, or is no theorem")
    return part


def _slope(fact: Fact) -> Derivative:
    conclusion = _needed(fact.theorem).conclusion
    if not isinstance(conclusion, Derivative) or not isinstance(fact.left[0], Partial):
        raise KernelError("a derivative is needed")
    return conclusion


def _fact(theorem: Theorem) -> Fact:
    """The theorem less the equations that it uses: those are what other lines of the chain say."""
    said = theorem.conclusion
    hypotheses = tuple(h for h in theorem.hypotheses if h.args[0] != "=")
    if isinstance(said, Derivative):
        return Fact((Partial(said.subject, said.variable, said.order),), said.value, hypotheses, theorem)
    return Fact((said.left,), said.right, hypotheses, theorem)


def _definition(run: Run, line: Line) -> Fact:
    return _fact(run.inner.definition(_needed(line.left)))


def _derivative(run: Run, line: Line) -> Fact:
    theory = run.outer if line.by == run.setting.output else run.inner
    return _fact(theory.derivative(_needed(line.left), _needed(line.by), line.value))


def _second(run: Run, line: Line, first: Fact, slope: Fact) -> Fact:
    return _fact(run.inner.total(run.outer, _needed(first.theorem), _needed(slope.theorem), line.value))


def _chain(run: Run, _: Line, outer: Fact, inner: Fact) -> Fact:
    return _fact(run.inner.chain(_needed(outer.theorem), _needed(inner.theorem)))


def _rewrite(run: Run, line: Line, first: Fact, *given: Fact) -> Fact:
    theorem = _needed(first.theorem)
    theory = run.outer if theorem.definitions == run.outer.definitions else run.inner
    return _fact(theory.rewrite(theorem, _equation(theory, _slope(first).value, line.value, given)))


def _equal(run: Run, line: Line, *given: Fact) -> Fact:
    return _fact(_equation(run.inner, _needed(line.left), line.value, given))


def _equation(theory: Theory, left: Term, right: Term, given: Sequence[Fact]) -> Theorem:
    """|- left = right, by normal forms; or under one equation, where the difference is a multiple of its own."""
    if not given:
        return theory.equal(left, right)
    (fact,) = given
    if not isinstance(fact.left[0], Term) or len(fact.left) > 1:
        raise KernelError("only an equation can be used")
    return theory.equal_where_zero(sub(fact.left[0], fact.right), left, right)


def _assume(run: Run, line: Line) -> Fact:
    """A hypothesis about abstract functions, for every z in question (and where h is free, every h)."""
    left = _needed(line.left)
    if not _abstract(_atoms(sub(left, line.value))):
        raise KernelError("an equation of known functions is proved, not assumed")
    readings = [t.equal(side, side) for t in (run.outer, run.inner) for side in (left, line.value)]
    return Fact((left,), line.value, tuple(dict.fromkeys(h for r in readings for h in r.hypotheses)))


def _atoms(term: Term) -> list[Term]:
    """What the numerator of a term is made of in normal form, so without what only seems to be in it: F in 0*F(z)."""
    algebra = Calculus({}, ())
    return algebra.attempt(lambda: algebra.atoms_of(algebra.canonical(algebra.normal(term))[0]))


def _abstract(terms: Iterable[Term]) -> dict[str, int]:
    """The abstract functions in the terms, and the most primes of each."""
    found: dict[str, int] = {}
    for name in (t.args[0] for whole in terms for t in subterms(whole) if t.kind == "call"):
        stem = name.rstrip("'")
        if stem in ABSTRACT:
            found[stem] = max(found.get(stem, 0), len(name) - len(stem))
    return found


def _both_sides(run: Run, line: Line, identity: Fact, slope: Fact) -> Fact:
    """From left = right for every z of an open set, and d left / dz = a: a = d right / dz.

    The set is that of the hypotheses: it is open where they are strict inequalities, or !=, between continuous
    functions, which abstract ones are said to be. Fails: they are not, or may jump (``where``); the derivative is of
    another term, by another variable, of second order, or taken where h is free.
    """
    found, variable = _slope(slope), run.setting.variable
    if slope.left != (Partial(found.subject, variable),) or identity.left != (found.subject,):
        raise KernelError("this is not the derivative of the left side by z")
    if _needed(slope.theorem).definitions != run.inner.definitions:
        raise KernelError("the derivative of the left side was taken where h is free")
    right = _fact(run.inner.derivative(identity.right, variable, line.value))
    hypotheses = tuple(dict.fromkeys((*identity.hypotheses, *slope.hypotheses, *right.hypotheses)))
    strict = all(h.args[0] in ("<", ">", "!=") for h in hypotheses)
    if not strict or any(t.kind == "where" for h in hypotheses for t in subterms(h)):
        raise KernelError("the two sides are known to be equal on no open set")
    return Fact((found.value,), line.value, hypotheses, right.theorem)


def _gap(run: Run, line: Line, slope: Fact) -> Fact:
    """d h[k]/dz[j] - d h[j]/dz[k] = value."""
    found = _slope(slope)
    if (found.subject, found.variable) != (run.setting.output, run.setting.variable):
        raise KernelError("the derivative of h[k] by z[j] is needed")
    theorem = run.inner.equal(sub(found.value, reindex(found.value, SWAP)), line.value)
    hypotheses = tuple(dict.fromkeys((*slope.hypotheses, *_fact(theorem).hypotheses)))
    return Fact(run.setting.jacobian, line.value, hypotheses, theorem)


def _differs(run: Run, line: Line) -> Fact:
    """At the point z, with k = 1 and j = 2, balls for d h[k]/dz[j] and d h[j]/dz[k] do not overlap."""
    own, other = (balls.Slope(*s[:2]) for s in run.setting.jacobian)
    values: dict[balls.Key, fmpq | Term] = {("z", (n,)): _rational(t) for n, t in enumerate(line.point, 1)}
    at = balls.Point(values, {"K": len(line.point)}, {OWN.args[0]: 1, OTHER.args[0]: 2})
    if line.value != ZERO or not balls.certainly_different(own, other, at, run.inner.definitions):
        raise KernelError("the two derivatives are not certified to differ at the point")
    return Fact(run.setting.jacobian, ZERO, op="!=")


def _rational(text: str) -> fmpq:
    above, _, below = text.partition("/")
    return fmpq(int(above), int(below or "1"))


RULES: Mapping[str, Callable[..., Fact]] = {
    "definition": _definition,
    "derivative": _derivative,
    "second": _second,
    "chain": _chain,
    "rewrite": _rewrite,
    "equal": _equal,
    "assume": _assume,
    "both-sides": _both_sides,
    "gap": _gap,
    "differs": _differs,
}


# ---- the writer: moves and functions as a chain of lines that the checker accepts -------------------------


class Chain(NamedTuple):
    """A checked chain; ``claims`` are the numbers (from 0) of what is stated."""

    setting: Setting
    lines: tuple[Line, ...]
    facts: tuple[Fact, ...]
    claims: tuple[int, ...]

    @property
    def functions(self) -> dict[str, int]:
        """The abstract functions that are left, and how often each is differentiated."""
        return dict(sorted(_abstract(t for f in self.facts for t in (*_terms(f.left), f.right)).items()))

    @property
    def identities(self) -> list[Term]:
        """The equations that are assumed, as relations."""
        facts = zip(self.lines, self.facts, strict=True)
        return [rel("=", t, f.right) for line, f in facts if line.rule == "assume" for t in _terms(f.left)]

    @property
    def hypotheses(self) -> tuple[Term, ...]:
        """All relations that some claim needs."""
        return tuple(dict.fromkeys(h for f in self.claimed for h in f.given))

    @property
    def claimed(self) -> list[Fact]:
        """What is stated, once each, and nothing that is seen without a proof."""
        facts = {self.facts[n].statement: self.facts[n] for n in self.claims}
        return [f for f in facts.values() if f.left != (f.right,)]

    @property
    def statement(self) -> str:
        """The claims, each with the relations under which it holds."""
        given = [", ".join(map(plain, f.given)) for f in self.claimed]
        return "; ".join(f.statement + (g and f" if {g}") for f, g in zip(self.claimed, given, strict=True))


def _terms(left: Iterable[Term | Partial]) -> Iterator[Term]:
    for part in left:
        yield from (part,) if isinstance(part, Term) else part[:2]


class Writer:
    """A statement with functions put in: its values computed, and shown as people write them."""

    def __init__(self, statement: Statement, functions: Mapping[str, str]) -> None:
        bare = Setting(None, ZERO, statement.is_vector)
        self.statement, self.symbols = statement, bare.symbols
        self.bodies = {name: parse(text, BODY) for name, text in functions.items()}
        cost = self.simplest(self.read(statement.loss)) if statement.loss else None
        self.run = Run(bare._replace(cost=cost, activation=self.simplest(self.read(statement.activation))))
        self.symbols = self.run.setting.symbols
        self.lines: list[Line] = []

    def chain(self, point: tuple[str, ...] = ()) -> Chain:
        """All moves, and that the last value is not 0 at the point z.  Raises KernelError where one is refused."""
        for move in self.statement.moves:
            self.add(move)
        claims = [n - 1 for n in self.statement.claims]
        if point:
            claims.append(len(self.lines))
            self.take(Line("differs", DIFFERS, (), None, None, ZERO, point))
        return Chain(self.run.setting, tuple(self.lines), tuple(self.run.facts), tuple(claims))

    def read(self, text: str) -> Term:
        return put_in(parse(text, self.symbols), self.bodies)

    def simplest(self, term: Term) -> Term:
        """A form that is much shorter and proved equal, if any; a statement of all functions stays as it is."""
        return simplified(term, 3, 4) if self.bodies else term

    @property
    def presenter(self) -> Presenter:
        return Presenter(Calculus({}, ()), [kron(OWN, OTHER)])

    def add(self, move: Move) -> None:
        """The first way to write the move that the checker takes, without the equation it may do without."""
        sources = tuple(n - 1 for n in move.sources)
        left, by, value = (self.read(t) if t else None for t in (move.left, move.by, move.value))
        left = left if left is None else self.simplest(left)
        if value is None:
            value = self.computed(move.rule, sources, left, by)
        is_stated = not self.bodies and bool(move.value)
        problem: KernelError | None = None
        for rule, kept in self.ways(move.rule, sources):
            for shown in [value] if is_stated or move.rule in VERBATIM else self.forms(value):
                try:
                    return self.take(Line(rule, move.reason, kept, left, by, shown))
                except KernelError as refusal:
                    problem = refusal
        raise KernelError(f"no proof of step {len(self.lines) + 1} ({move.rule}): {problem}")

    def ways(self, rule: str, sources: tuple[int, ...]) -> list[tuple[str, tuple[int, ...]]]:
        """An equation between known functions is proved, not assumed; one that is not needed is not used."""
        if rule == "assume":
            return [("equal", ()), ("assume", ())]
        if rule in ("rewrite", "equal") and sources:
            return [(rule, sources[: rule == "rewrite"]), (rule, sources)]
        return [(rule, sources)]

    def take(self, line: Line) -> None:
        self.run.take(line)
        self.lines.append(line)

    def forms(self, term: Term) -> list[Term]:
        """Ways to write a term: as g (h - y) first, then the shortest; with h for the activation in an instance."""
        setting, presenter = self.run.setting, self.presenter
        found = [tidy(term), *_accepted(presenter.shown, tidy(term))]
        if self.bodies and setting.activation.kind != "var":
            found += [tidy(replace(t, {setting.activation: setting.output})) for t in found]
        multiples = [tidy(m) for t in found for m in _accepted(lambda t: presenter.multiple_of(t, setting.residual), t)]
        found += [s for t in found for s in _accepted(presenter.shown, t)]
        return [*sorted(dict.fromkeys(multiples), key=length), *sorted(dict.fromkeys(found), key=length)]

    def computed(self, rule: str, sources: tuple[int, ...], left: Term | None, by: Term | None) -> Term:
        """What a move proves, by the laws, before it is checked."""
        setting, facts = self.run.setting, [self.run.facts[n] for n in sources]
        if rule == "definition":
            return _needed(setting.cost if left == J else setting.activation)
        if rule == "derivative":
            theory = self.run.outer if by == setting.output else self.run.inner
            return derivative(_needed(left), _needed(by), Calculus(theory.definitions, ()))
        if rule == "both-sides":
            return derivative(facts[0].right, setting.variable, Calculus(self.run.inner.definitions, ()))
        if rule == "second":
            moved = Slope(setting.output.args[1:], setting.variable, facts[1].right)
            return derivative(facts[0].right, setting.variable, Calculus({}, (), {"h": moved}))
        return _slope(_chain(self.run, Line(rule, "", sources, left, by, ZERO), *facts)).value


VERBATIM = frozenset(("definition", "chain", "assume"))
DIFFERS = "It is not 0 everywhere, so there is no J."


def _accepted(propose: Callable[[Term], Term | None], term: Term) -> list[Term]:
    try:
        found = propose(term)
    except KernelError:
        return []
    return [] if found is None else [found]


def simplified(term: Term, most: int = 1, of: int = 1, same: bool = False) -> Term:
    """The term tidied, or an equal form of at most that part of its length, with no other (or the same) functions."""
    term = tidy(term)
    for form in _accepted(Presenter(Calculus({}, ())).shown, term):
        is_familiar = _calls(form) == _calls(term) if same else _calls(form) <= _calls(term)
        if is_familiar and of * length(form) <= most * length(term) and is_proved(Theory({}).equal, term, form):
            return form
    return term


def _calls(term: Term) -> set[str]:
    return {t.args[0] for t in subterms(term) if t.kind == "call"}


def derivative(term: Term, variable: Term, algebra: Calculus) -> Term:
    """The derivative by the laws, 0 where the term is free of the variable."""
    return algebra.attempt(lambda: algebra.differentiate(term, variable)) or ZERO


def put_in(term: Term, bodies: Mapping[str, Term]) -> Term:
    """The term with each F(t), F'(t), ... replaced by the body of F, or its derivative, at t; parameters likewise."""
    term = rebuild(term, lambda t: put_in(t, bodies))
    if term.kind == "var" and term.args[0] not in ABSTRACT:
        return bodies.get(term.args[0], term)
    stem = term.args[0].rstrip("'") if term.kind == "call" else ""
    if stem not in bodies:
        return term
    body = bodies[stem]
    for _ in range(len(term.args[0]) - len(stem)):
        body = simplified(derivative(body, X, Calculus({}, ())), same=True)
    return replace(body, {X: term.args[1]})


# ---- chains as data --------------------------------------------------------------------------------------


def write_chain(chain: Chain) -> dict[str, Any]:
    """The setting, every line with what it says, and the claims, as data for JSON."""
    setting = chain.setting
    lines = enumerate(zip(chain.lines, chain.facts, strict=True), 1)
    return {
        "vector": setting.is_vector,
        "loss": setting.cost and plain(setting.cost),
        "activation": plain(setting.activation),
        "claims": [n + 1 for n in chain.claims],
        "steps": [{"n": n, **_write_line(line, fact)} for n, (line, fact) in lines],
    }


def _write_line(line: Line, fact: Fact) -> dict[str, Any]:
    return {
        "rule": line.rule,
        "reason": line.reason,
        "from": [n + 1 for n in line.sources],
        "left": line.left and plain(line.left),
        "by": line.by and plain(line.by),
        "value": plain(line.value),
        "point": list(line.point),
        "statement": fact.statement,
        "hypotheses": [plain(h) for h in fact.hypotheses],
    }


def read_chain(data: Mapping[str, Any]) -> Chain:
    """The chain re-checked line by line.  Raises KernelError where a rule refuses, DeriveError for other text."""
    bare = Setting(None, ZERO, data["vector"] is True)
    symbols = bare.symbols
    cost = None if data["loss"] is None else parse(data["loss"], symbols)
    run = Run(bare._replace(cost=cost, activation=parse(data["activation"], symbols)))
    lines = tuple(_read_line(row, run.setting.symbols) for row in data["steps"])
    for n, line in enumerate(lines, 1):
        try:
            run.take(line)
        except KernelError as problem:
            raise KernelError(f"step {n} ({line.rule}): {problem}") from problem
    claims = tuple(int(n) - 1 for n in data["claims"])
    if not claims or not all(0 <= n < len(lines) for n in claims):
        raise KernelError("what is claimed is no step")
    if any(lines[n].rule == "assume" for n in claims):
        raise KernelError("what is assumed cannot be claimed")
    return Chain(run.setting, lines, tuple(run.facts), claims)


def _read_line(data: Mapping[str, Any], symbols: Symbols) -> Line:
    left, by = (None if data[name] is None else parse(data[name], symbols) for name in ("left", "by"))
    sources = tuple(int(n) - 1 for n in data["from"])
    value = parse(data["value"], symbols)
    return Line(str(data["rule"]), str(data["reason"]), sources, left, by, value, tuple(data["point"]))
