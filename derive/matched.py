"""What is asked about a matching loss, and what is known about it; imports proof, and report inside of methods only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from derive.proof import JSON_SCHEMA, slope
from derive.syntax import plain
from derive.term import Term, index, subterms

Piece: TypeAlias = str | Term | tuple[Term, Term]
Words: TypeAlias = tuple[Piece, ...]

OWN, OTHER = index("k"), index("j")


class Problem(NamedTuple):
    """h = body, or h[k] = body, under assumptions on z and the parameters."""

    body: Term
    assumptions: tuple[Term, ...]
    name: str | None = None
    introduction: str = "The activation."

    @property
    def is_vector(self) -> bool:
        return any(t.kind == "item" for t in subterms(self.body))


class MatchStep(NamedTuple):
    """Step ``n``: why, and what is said: left = right, or a relation ``right``, or nothing but the words.

    ``checked``: the kernel or balls certified it; else a theorem of analysis says so, from the steps before.
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


@dataclass(frozen=True, repr=False)
class Match:
    """What is known about the matching loss of an activation.

    activation: text of h(z), or of h[k] from z. exists: is there a J with dJ/dz = h - y (None: undecided)?
    loss: J as text in z and y, None where it has no closed form; output_loss: the same in h and y, up to c(y), under
    output_conditions. convex: is J convex in z? witness: the point that refutes existence, or else convexity.
    hypotheses: the domain, and what else J takes. reason: why something is None.
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
    formulas: dict[str, Term] = field(default_factory=dict, compare=False)

    def to_json(self) -> dict[str, Any]:
        """The object of ``derive match --json``."""
        from derive.report.match import latex_statement

        names = ("activation", "exists", "loss", "convex", "witness", "output_loss", "reason")
        steps = [
            {"n": s.n, "rule": s.rule, "statement": s.statement, "latex": latex_statement(s), "checked": s.checked}
            for s in self.steps
        ]
        found: dict[str, Any] = {"schema": JSON_SCHEMA, **{n: getattr(self, n) for n in names}}
        found |= {n: [plain(r) for r in getattr(self, n)] for n in ("output_conditions", "hypotheses")}
        return {**found, "steps": steps}

    def __repr__(self) -> str:
        answer = {True: self.loss or "a loss without a closed form", False: "no loss", None: "undecided"}[self.exists]
        return f"<Match of {self.activation}: {answer}{', convex' * bool(self.convex)}>"

    def _repr_latex_(self) -> str:
        from derive.report.match import display

        return f"$${display(self)}$$"
