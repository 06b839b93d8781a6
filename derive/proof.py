"""A proof as its reader sees it: the fields of the JSON, LaTeX for notebooks, SymPy on request.

Imports certificate; report and bridge only inside the method that needs them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from derive.certificate import Checked, write_point
from derive.kernel import Derivative, Theorem
from derive.syntax import plain
from derive.term import Term

JSON_SCHEMA = "derive/1"


class ProofStep(NamedTuple):
    """Step ``n``: ``left = right``, where left is J, h or a derivative given as (subject, variable)."""

    n: int
    rule: str
    reason: str
    sources: tuple[int, ...]
    left: Term | tuple[Term, Term]
    right: Term
    theorem: Theorem
    assuming: tuple[Term, ...]

    @property
    def statement(self) -> str:
        left = self.left
        return f"{plain(left) if isinstance(left, Term) else slope(*left)} = {plain(self.right)}"


def slope(subject: Term, variable: Term) -> str:
    """dJ/dz_j in the plain language."""
    return f"d{_indexed(subject)}/d{_indexed(variable)}"


def _indexed(term: Term) -> str:
    name, *indices = term.args
    if len(indices) == 1:
        return f"{name}_{indices[0].args[0]}"
    return plain(term)


class Proof:
    """A checked derivation of dJ/dz. Every attribute is read off the theorems that the kernel made.

    answer: "yes" or "no": does dJ/dz equal h - y, under ``conditions``?
    kind: "cancels", "multiple" (c (h - y)), "residual" (g (h - y)) or "other".
    delta, factor, conditions: text in the plain language; factor is the c or g, or None.
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
    def hypotheses(self) -> tuple[Term, ...]:
        """What the last theorem assumes: conditions, and relations on z, parameters and sizes."""
        return self.steps[-1].theorem.hypotheses

    def to_json(self, steps: bool = True) -> dict[str, Any]:
        """The object of ``--json``; without steps it is a row of ``derive list --json``."""
        found: dict[str, Any] = {
            "schema": JSON_SCHEMA,
            "pair": self.pair,
            "loss": plain(self.statement.cost),
            "activation": plain(self.statement.activation),
            "parameters": [],
            "domain": [plain(r) for r in (*self.statement.loss_domain, *self.statement.activation_domain)],
            "answer": self.answer,
            "kind": self.kind,
            "conditions": self.conditions,
            "delta": self.delta,
            "factor": self.factor,
            "regions": [],
            "kinks": [],
            "witness": self.witness
            and {**write_point(self.witness.point), "delta": self.witness.delta, "claim": self.witness.claim},
        }
        if steps:
            from derive.report.latex import equation

            found["steps"] = [
                {
                    "n": s.n,
                    "rule": s.rule,
                    "statement": s.statement,
                    "latex": equation(s),
                    "checked": True,
                }
                for s in self.steps
            ]
        return {**found, "checked_by": ["kernel"], "reason": None}

    def to_latex(self) -> str:
        """The proof as an aligned LaTeX display, for notebooks and documents with amsmath."""
        from derive.report.latex import display

        return display(self)

    def to_sympy(self) -> Any:
        """dJ/dz, before conditions, as a SymPy expression in h, y, z."""
        from derive.bridge import to_sympy

        return to_sympy(self.verdict.delta)

    def _repr_latex_(self) -> str:
        return f"$${self.to_latex()}$$"

    def __repr__(self) -> str:
        name = self.pair or "custom pair"
        factor = f", factor {self.factor}" if self.factor else ""
        return f"<Proof {name}: {self.answer}, {self.kind}, delta = {self.delta}{factor}>"


def undecided(pair: str | None, reason: str) -> dict[str, Any]:
    """The object of ``--json`` where nothing is proved: the same fields, and the reason."""
    empty: dict[str, Any] = {"parameters": [], "domain": [], "conditions": [], "regions": [], "kinks": [], "steps": []}
    known: dict[str, Any] = {
        "schema": JSON_SCHEMA,
        "pair": pair,
        "answer": "undecided",
        "checked_by": [],
        "reason": reason,
    }
    return {**dict.fromkeys(("loss", "activation", "kind", "delta", "factor", "witness")), **empty, **known}


def _left(theorem: Theorem) -> Term | tuple[Term, Term]:
    conclusion = theorem.conclusion
    return (conclusion.subject, conclusion.variable) if isinstance(conclusion, Derivative) else conclusion.left
