"""A proof as its reader sees it: the fields of the JSON, LaTeX for notebooks, SymPy on request.

Imports certificate, remarks; report and bridge only inside the method that needs them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from derive import remarks
from derive.certificate import Checked, write_point
from derive.derivation import COST
from derive.kernel import Derivative, Theorem
from derive.syntax import plain
from derive.term import Term, index, item, var

JSON_SCHEMA = "derive/1"
Left: TypeAlias = Term | tuple[Term, Term] | tuple[Term, Term, int]


class ProofStep(NamedTuple):
    """Step ``n``: ``left = right``, where left is J, h, or a derivative as (subject, variable) or (.., .., 2)."""

    n: int
    rule: str
    reason: str
    sources: tuple[int, ...]
    left: Left
    right: Term
    theorem: Theorem
    assuming: tuple[Term, ...]

    @property
    def where(self) -> tuple[Term, ...]:
        """The region, conditions or value of the target for which the step says what it says."""
        return self.assuming[:-1] if self.rule in ("cases", "join") else self.assuming

    @property
    def statement(self) -> str:
        left = self.left
        return f"{plain(left) if isinstance(left, Term) else slope(*left)} = {plain(self.right)}"


class Region(NamedTuple):
    """dJ/dz = delta where the relations hold."""

    where: tuple[Term, ...]
    delta: Term
    factor: Term | None
    kind: str | None

    def to_json(self) -> dict[str, Any]:
        texts = {"where": joined(self.where), "delta": plain(self.delta), "factor": _text(self.factor)}
        return {**texts, "kind": self.kind}


class Kink(NamedTuple):
    """Where dJ/dz may have no value, and its one-sided values; ``between`` are the ends of a proved subdifferential."""

    at: Term
    left: Term | None
    right: Term | None
    left_where: Term | None
    right_where: Term | None
    between: tuple[Term, Term] | None

    @property
    def subdifferential(self) -> str | None:
        return f"[{plain(self.between[0])}, {plain(self.between[1])}]" if self.between else None

    def to_json(self) -> dict[str, Any]:
        sides = {name: _text(getattr(self, name)) for name in self._fields[1:-1]}
        return {"at": plain(self.at), **sides, "subdifferential": self.subdifferential}


def joined(relations: Iterable[Term]) -> str | None:
    """Relations as one text, without those that the others imply; None where there are none."""
    return " and ".join(map(plain, remarks.essential(tuple(relations)))) or None


def _text(term: Term | None) -> str | None:
    return None if term is None else plain(term)


def slope(subject: Term, variable: Term, order: int = 1) -> str:
    """dJ/dz_j in the plain language, or d2J/dz2; d/dz (h^2) of an expression."""
    times = str(order) if order > 1 else ""
    if subject.kind not in ("var", "item"):
        return f"d{times}/d{_indexed(variable)}{times} ({plain(subject)})"
    return f"d{times}{_indexed(subject)}/d{_indexed(variable)}{times}"


def _indexed(term: Term) -> str:
    name, *indices = term.args
    if len(indices) == 1:
        return f"{name}_{indices[0].args[0]}"
    return plain(term)


class Proof:
    """A checked derivation of dJ/dz. Every attribute is read off the theorems that the kernel made.

    answer: "yes" or "no": does dJ/dz equal h - y, under ``conditions``?
    kind: "cancels", "multiple" (c (h - y)), "residual" (g (h - y)), "other", or None: the shape is left open.
    delta, factor, conditions, parameters, domain, hessian (d2J/dz2): text in the plain language, or None.
    regions, kinks: dJ/dz piece by piece, and where the pieces meet. sign: what is proved of the factor, or None.
    """

    def __init__(self, checked: Checked) -> None:
        self.checked = checked
        certificate, theorems, self.verdict = checked
        self.pair = certificate.pair
        self.about = certificate.about
        self.average = certificate.average
        self.statement = certificate.statement
        self.symbols = certificate.symbols
        self.witness = certificate.points.get("witness")
        self.border = certificate.points.get("border")
        rows = zip(certificate.steps, certificate.reasons, theorems, strict=True)
        self.steps = tuple(
            ProofStep(n, s.rule, reason, tuple(k + 1 for k in s.sources), _left(t), s.value, t, s.assuming)
            for n, (s, reason, t) in enumerate(rows, 1)
        )

    @property
    def answer(self) -> str:
        return self.verdict.answer

    @property
    def kind(self) -> str | None:
        return self.verdict.kind

    @property
    def delta(self) -> str:
        return plain(self.verdict.delta)

    @property
    def factor(self) -> str | None:
        return None if self.verdict.factor is None else plain(self.verdict.factor)

    @property
    def conditions(self) -> list[str]:
        return [plain(c) for c in self.verdict.conditions]

    @property
    def hessian(self) -> str | None:
        return _text(self.verdict.hessian)

    @property
    def parameters(self) -> list[str]:
        """Relations on parameters, and the names of those without any."""
        return [*map(plain, self.statement.parameters), *map(plain, self.free_parameters)]

    @cached_property
    def free_parameters(self) -> list[Term]:
        """The parameters about which no relation is given."""
        statement = self.statement
        taken = {"J", *(t.args[0] for t in (statement.output, statement.target, statement.preactivation))}
        names = (statement.cost.names | statement.activation.names) - taken
        names -= frozenset[str]().union(*(r.names for r in statement.parameters))
        return [_element(name, self.symbols.families.get(name, ())) for name in sorted(names)]

    @property
    def domain(self) -> list[str]:
        """Relations on h, z, sizes and targets that hold throughout, and where nothing is said; no conditions."""
        statement, kinks = self.statement, {k.at.args[1:] for k in self.verdict.kinks}
        targets = tuple(r for r in statement.targets if r.args[0] != "=")
        apart = tuple(r for r in self.verdict.exclusions if r.args[1:] not in kinks)
        return [*map(plain, dict.fromkeys((*statement.loss_domain, *statement.activation_domain, *targets, *apart)))]

    @cached_property
    def conclusion(self) -> ProofStep:
        """The step that states dJ/dz as the verdict reads it."""
        return [s for s in self.steps if s.left == self.target and self._is_whole(s)][-1]

    @property
    def target(self) -> tuple[Term, Term]:
        return COST, self.statement.preactivation

    def _is_whole(self, step: ProofStep) -> bool:
        """Whether a step is about the whole domain, under conditions or not, and any target."""
        return not step.where or (step.rule == "condition" and not set(step.where) <= set(self.statement.cases))

    @property
    def hypotheses(self) -> tuple[Term, ...]:
        """What the conclusion assumes: conditions, and relations on z, targets, parameters and sizes."""
        verdict = self.verdict
        stated = {*self.statement.inner_assumptions, *verdict.conditions, *verdict.exclusions}
        return tuple(h for h in self.conclusion.theorem.hypotheses if h in stated)

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        """dJ/dz piece by piece, as briefly as a step says it without assuming more."""
        found = self.verdict.regions
        return tuple(r._replace(delta=self._briefest(r.where, r.delta)) for r in map(Region._make, found))

    def _briefest(self, where: tuple[Term, ...], delta: Term) -> Term:
        found = [s for s in self.steps if s.left == self.target and s.where == where]
        stated = next((set(s.theorem.hypotheses) for s in found if s.right == delta), set())
        values = [remarks.settled(s.right) for s in found if set(s.theorem.hypotheses) <= stated]
        return min([delta, *values], key=lambda term: len(plain(term)))

    @cached_property
    def kinks(self) -> tuple[Kink, ...]:
        """Where two pieces meet, with the values of dJ/dz on both sides where they are proved."""
        found = []
        for k in self.verdict.kinks:
            left, right = (t and remarks.settled(t) for t in (k.left, k.right))
            found.append(Kink(k.at, left, right, k.left_where, k.right_where, self._between(k)))
        return tuple(found)

    def _between(self, kink: Any) -> tuple[Term, Term] | None:
        slopes = [s.right for s in self.steps if s.left == (self.statement.output, self.statement.preactivation)]
        regions = {s.where for s in self.steps if s.rule == "differentiate-activation"}
        if len(regions) != 1:
            return None
        found = remarks.subdifferential(self.statement, self.verdict, kink, slopes[-1])
        return found and (remarks.settled(found[0]), remarks.settled(found[1]))

    @cached_property
    def sign(self) -> str | None:
        """The sign of the factor, such as "positive" or "nonnegative", where that is proved."""
        return None if self.verdict.factor is None else remarks.sign(self.statement, self.verdict.factor)

    @cached_property
    def curvature(self) -> str | None:
        """The sign of the second derivative, where it is proved; for scalars, as of a vector it says little."""
        is_scalar = not self.statement.preactivation.indices
        return remarks.sign(self.statement, self.verdict.hessian) if self.verdict.hessian and is_scalar else None

    @property
    def is_convex(self) -> bool:
        """Whether J is proved to be convex in z, for scalars."""
        z, ends = self.statement.preactivation, {k.at.args[1:] for k in self.kinks if k.between}
        is_interval = all(z in r.args and r.args[0] != "!=" for r in self.statement.activation_domain)
        is_whole = all(r.args[0] == "!=" and r.args[1:] in ends for r in self.verdict.exclusions)
        return is_interval and is_whole and self.curvature in ("positive", "nonnegative", "zero")

    @cached_property
    def vanishing(self) -> remarks.Vanishing:
        """Where dJ/dz is proved to go to 0 though h - y does not."""
        return remarks.vanishing(self.statement, self.verdict)

    @property
    def saturation(self) -> str | None:
        """Where dJ/dz goes to 0 however wrong the output is, in a few words; None where nothing is proved."""
        z, found = _indexed(self.statement.preactivation), self.vanishing
        output = plain(self.statement.at_preactivation(self.statement.output))
        ends = [f"as {output} goes to {plain(end)}" for end in found.ends]
        regions = [f"where {joined(region)}" for region in found.regions]
        far = [f"as {z} goes to {'-' * is_down}infinity" for is_down in found.downward]
        return ", ".join((*ends, *regions, *far)) or None

    def to_json(self, steps: bool = True) -> dict[str, Any]:
        """The object of ``--json``; without steps it is a row of ``derive list --json``."""
        witness = self.witness
        found: dict[str, Any] = {
            "schema": JSON_SCHEMA,
            "pair": self.pair,
            "loss": plain(self.statement.cost),
            "activation": plain(self.statement.activation),
            "parameters": self.parameters,
            "domain": self.domain,
            "answer": self.answer,
            "kind": self.kind,
            "conditions": self.conditions,
            "delta": self.delta,
            "factor": self.factor,
            "regions": [region.to_json() for region in self.regions],
            "kinks": [kink.to_json() for kink in self.kinks],
            "hessian": self.hessian,
            "saturation": self.saturation,
            "witness": witness and {**write_point(witness.point), "delta": witness.delta, "claim": witness.claim},
        }
        if steps:
            found["steps"] = [_step(step) for step in self.steps]
        return {**found, "checked_by": ["kernel"], "reason": None}

    def to_latex(self) -> str:
        """The proof as an aligned LaTeX display, for notebooks and documents with amsmath."""
        from derive.report.latex import display

        return display(self)

    def to_sympy(self) -> Any:
        """dJ/dz, before conditions, as a SymPy expression in h, y, z."""
        from derive.bridge import to_sympy

        return to_sympy(self.verdict.delta)

    def plot(self, what: str = "delta") -> Any:
        """A ``Plot`` of dJ/dz along z ("delta"), its size ("size"), the factor along h ("factor"), or J ("loss").

        Raises DeriveError for another word, for a proof without a factor, and without matplotlib.
        """
        from derive.report.plot import Plot, figure

        return Plot(figure([self], what))

    def save(self, file: str, paper: str = "a4") -> None:
        """Write the proof as a sheet: .tex, .pdf, .html or .md; paper: "a4" or "letter".

        Raises DeriveError for another suffix, where a package is missing, and where the file cannot be written.
        """
        from derive.files import by_suffix, replace
        from derive.report.sheets import FORMATS, sheets

        replace(file, sheets([self], by_suffix(file, FORMATS), paper))

    def _repr_latex_(self) -> str:
        return f"$${self.to_latex()}$$"

    def __repr__(self) -> str:
        name = self.pair or "custom pair"
        factor = f", factor {self.factor}" if self.factor else ""
        return f"<Proof {name}: {self.answer}, {self.kind}, delta = {self.delta}{factor}>"


def _element(name: str, sizes: tuple[str, ...]) -> Term:
    """w, or w[k] for a family."""
    return item(name, *(index(letter, size) for letter, size in zip("kl", sizes, strict=False))) if sizes else var(name)


def _step(step: ProofStep) -> dict[str, Any]:
    """A step as JSON; "where" is the region or condition under which its statement holds."""
    from derive.report.latex import equation

    found = {"n": step.n, "rule": step.rule, "statement": step.statement, "where": joined(step.where)}
    return {**found, "latex": equation(step), "checked": True}


def undecided(pair: str | None, reason: str) -> dict[str, Any]:
    """The object of ``--json`` where nothing is proved: the same fields, and the reason."""
    lists: dict[str, Any] = {name: [] for name in ("parameters", "domain", "conditions", "regions", "kinks", "steps")}
    nothing = dict.fromkeys(("loss", "activation", "kind", "delta", "factor", "hessian", "saturation", "witness"))
    known = {"schema": JSON_SCHEMA, "pair": pair, "answer": "undecided", "reason": reason}
    return {**nothing, **lists, **known, "checked_by": []}


def _left(theorem: Theorem) -> Left:
    found = theorem.conclusion
    if not isinstance(found, Derivative):
        return found.left
    return (found.subject, found.variable) if found.order == 1 else (found.subject, found.variable, found.order)
