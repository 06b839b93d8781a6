"""Is a claim right, and which line of a derivation is wrong? Imports model, slips, syntax, documents; no SymPy.

The kernel says what is right, balls at an exact point what is wrong; whatever neither says is undecided. A line is
judged twice: it is *true* if it holds by the definitions of the pair, and it *follows* if it holds given the false
lines before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from derive import documents
from derive.certificate import write_point
from derive.corrections import correction
from derive.derivation import COST, Statement
from derive.documents import Line as Written
from derive.errors import REFUSALS, DeriveError, KernelError, SyntaxProblem
from derive.judge import Judgement, judge
from derive.model import Model, of_network, of_statement
from derive.proof import JSON_SCHEMA, Proof
from derive.slips import Slip, slip
from derive.spelling import spelling_of
from derive.syntax import parse_claim, plain
from derive.term import Term, mul, reindex, sum_over

HEADER = {
    **{name: name for name in ("pair", "loss", "activation", "assume", "layer", "average", "l2")},
    "param": "params",
}
ANSWERS = {True: "right", False: "wrong", None: "undecided"}


class Line(NamedTuple):
    """What is said of a line: ``sides`` are equal by it; ``mark`` are the columns of what is wrong in it."""

    n: int
    written: Written
    follows: bool | None
    true: bool | None
    reason: str
    conditions: tuple[Term, ...] = ()
    mark: tuple[int, int] | None = None
    sides: tuple[Term, ...] = ()

    def to_json(self) -> dict[str, Any]:
        said = {"follows": self.follows, "true": self.true, "reason": self.reason}
        return {"n": self.n, "text": self.written.text, **said, "line": self.written.n}


class Wrong(NamedTuple):
    """The first wrong equation: its sides, the point that shows it, what should stand there, and what was wrong."""

    left: Term
    claim: Term
    judgement: Judgement
    correction: Term | None
    slip: Slip
    functions: tuple[str, ...] = ()  # that may be any, and are the logistic sigmoid at the point

    @property
    def witness(self) -> dict[str, str]:
        """The point, and both sides there: ``value`` of what is right, and ``claim``."""
        found = self.judgement
        assert found.point is not None
        chosen = dict.fromkeys(self.functions, "sigmoid")
        return {**write_point(found.point), **chosen, "value": found.left, "claim": found.right}


class Check(NamedTuple):
    """The judgement of all lines.

    answer: "right", "wrong" or "undecided". first_wrong: the number of the first wrong line. conditions: what the right
    lines, or a wrong claim that lacks one, need beyond the domain. reason: why it is undecided.
    """

    model: Model
    answer: str
    lines: tuple[Line, ...]
    first_wrong: int | None = None
    conditions: tuple[Term, ...] = ()
    wrong: Wrong | None = None
    reason: str | None = None

    @property
    def correction(self) -> str | None:
        """What should stand in the first wrong line."""
        return plain(self.wrong.correction) if self.wrong and self.wrong.correction else None

    @property
    def slip(self) -> str | None:
        """The kind of mistake in the first wrong line, a code such as "sign"; ``explanation`` says it in a sentence."""
        return self.wrong.slip.code if self.wrong else None

    @property
    def explanation(self) -> str | None:
        return self.wrong.slip.sentence if self.wrong else None

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": JSON_SCHEMA,
            "answer": self.answer,
            "lines": [line.to_json() for line in self.lines],
            "first_wrong": self.first_wrong,
            "correction": self.correction,
            "conditions": [plain(c) for c in self.conditions],
            "slip": self.slip,
            "explanation": self.explanation,
            "witness": self.wrong.witness if self.wrong else None,
            "reason": self.reason,
        }

    def _repr_html_(self) -> str:
        from derive.report.check import html

        return html(self)

    def __repr__(self) -> str:
        what = f", line {self.first_wrong}: {self.slip}" if self.wrong else ""
        return f"<Check {self.answer}{what}>"


def undecided(reason: str) -> dict[str, Any]:
    """The JSON where nothing was judged."""
    nothing = dict.fromkeys(("first_wrong", "correction", "slip", "explanation", "witness"))
    return {"schema": JSON_SCHEMA, "answer": "undecided", "lines": [], "conditions": [], **nothing, "reason": reason}


class _Derivation:
    """The lines of one derivation, judged in order."""

    def __init__(self, model: Model, proof: Callable[[], Proof | None]) -> None:
        self.model, self.proof = model, proof
        self.left: Term | None = None  # what the lines of the chain are said to equal
        self.previous: tuple[Term, bool | None] | None = None  # the side before, and whether it is true
        self.stated: dict[str, Term] = {}  # derivatives that a false line said to be something else
        self.wrong: tuple[Term, Term, Judgement] | None = None

    def line(self, n: int, written: Written) -> Line:
        sides, columns = self._sides(written)
        follows: bool | None = True
        true: bool | None = True
        reason, conditions, mark = "", dict[Term, None](), None
        is_first = self.previous is None and not self.stated
        for side, column, end in zip(sides, columns, (*columns[1:], len(written.text) + 1), strict=True):
            step, whole = self._judged(side)
            follows, true = _worse(follows, step.holds), _worse(true, whole.holds)
            conditions |= dict.fromkeys((*whole.conditions, *step.conditions))
            if whole.holds is not True and mark is None:
                mark = (column, _end(written.text, column, end))
                reason = "" if whole.holds is False else whole.reason
            if whole.holds is False and self.wrong is None and self.left is not None:
                self.wrong = self.left, side, whole
            if whole.holds is False:
                self._state(side)
            self.previous = side, whole.holds
        said = _said(follows, true, reason, [*conditions], is_first)
        assert self.left is not None
        return Line(n, written, follows, true, said, (*conditions,), mark, (self.left, *sides))

    def _sides(self, written: Written) -> tuple[tuple[Term, ...], tuple[int, ...]]:
        """What is claimed to equal the left side of the chain, with the columns."""
        claim = parse_claim(written.text, self.model.symbols, written.spelling)
        first, *others = claim.sides
        if first is None and self.left is None:
            raise SyntaxProblem("nothing stands before this =: write what it is, as in dJ/dz = ...", claim.columns[0])
        if first is not None and others:
            self.left, self.previous = first, None
        elif first is not None:
            self.left, self.previous, others = asked(self.model, first), None, [first]
        shift = len(claim.sides) - len(others)
        return tuple(t for t in others if t is not None), claim.columns[shift:]

    def _judged(self, side: Term) -> tuple[Judgement, Judgement]:
        """Whether a side follows from the one before, and whether it is true."""
        assert self.left is not None
        if self.previous is None:
            whole = judge(self.model, self.left, side)
            return (judge(self.model, self.left, side, self.stated) if self.stated else whole), whole
        before, was_true = self.previous
        step = judge(self.model, before, side, self.stated)
        if was_true and step.holds is True and not self.stated:
            return step, step
        return step, judge(self.model, self.left, side)

    def _state(self, side: Term) -> None:
        """A false line about a derivative is what the lines after it may rest on."""
        name = self.left.args[0] if self.left is not None and self.model.quantity_of(self.left) else None
        if name is None or self.left is None or self.left.args[0] in side.names:
            return
        formals = self.model.quantities[name].formals
        own = dict(zip(self.left.args[1:], formals, strict=True))
        if len(own) == len(formals) and set(side.indices) <= own.keys():
            self.stated[name] = reindex(side, own)
            self.stated |= self._chain(name)

    def _chain(self, name: str) -> dict[str, Term]:
        """dJ/dz by the chain rule from what was stated, where dJ/dh or dh/dz was."""
        statement = self.model.statement
        whole, parts = ("dJ/dz", ("dJ/dh", "dh/dz"))
        if name not in parts or "a2" in self.model.definitions or "z" in statement.cost.names:
            return {}
        outer = self.model.stand_in(COST, statement.output)
        inner = self.model.stand_in(statement.output, statement.preactivation)
        product = mul(outer, inner)
        for i in reversed(statement.output.args[1:]):
            product = sum_over(i, product)
        self.model.stand_in(COST, statement.preactivation)
        own = dict(zip(statement.preactivation.args[1:], self.model.quantities[whole].formals, strict=True))
        return {whole: reindex(product, own)}


def _worse(one: bool | None, other: bool | None) -> bool | None:
    """False if one is, else None if one is."""
    return False if False in (one, other) else None if None in (one, other) else True


def _end(text: str, column: int, end: int) -> int:
    """The last column of a side, without the = behind it."""
    return column + max(len(text[column - 1 : end - 1].rstrip(" =&\\")), 1) - 1


def _said(follows: bool | None, true: bool | None, reason: str, conditions: Sequence[Term], is_first: bool) -> str:
    if None in (follows, true):
        return f"undecided: {reason}" if true is None else "undecided, whether it follows from the lines before"
    if not true:
        return "wrong" if is_first else "follows from a wrong line" if follows else "wrong, and does not follow"
    needed = f" where {', '.join(map(plain, conditions))}" if conditions else ""
    return f"right{needed}" if follows else f"true{needed}, but it does not follow from the lines before: right by luck"


def asked(model: Model, claim: Term) -> Term:
    """What a bare expression is a claim about: dJ/dz, at its one free index if it has another than j."""
    variable = model.variable
    own, free = variable.args[1:], claim.indices
    if len(own) == 1 and len(free) == 1 and free[0].args[1] == own[0].args[1]:
        own = free
    if not set(free) <= set(own):
        names = ", ".join(i.args[0] for i in free)
        raise DeriveError(f"the expression has the indices {names}: write what it is, as in dJ/dz_j = ...")
    return model.stand_in(COST, Term(variable.kind, (variable.args[0], *own)))


def check_lines(
    model: Model,
    written: Sequence[Written],
    proof: Callable[[], Proof | None] = lambda: None,
    is_document: bool = False,
) -> Check:
    """The judgement of the lines of a derivation, or of one claim.

    proof: of the pair, for the form of a correction. Raises DeriveError for a line that cannot be read, with its
    number in a document.
    """
    if not written:
        raise DeriveError("no line to check: write an equation a line, such as dJ/dz = h - y")
    derivation = _Derivation(model, proof)
    lines = []
    for n, line in enumerate(written, 1):
        try:
            lines.append(derivation.line(n, line))
        except DeriveError as problem:
            raise _placed(problem, line, is_document or len(written) > 1) from problem
    found = _worst(lines)
    first = next((line.n for line in lines if line.true is False), None)
    conditions = tuple(dict.fromkeys(c for line in lines if line.true for c in line.conditions))
    if found is None:
        return Check(model, "undecided", tuple(lines), conditions=conditions, reason=_why(lines))
    if derivation.wrong is None:
        return Check(model, ANSWERS[found], tuple(lines), first, conditions)
    return _explained(derivation, tuple(lines), first, conditions)


def _worst(lines: Sequence[Line]) -> bool | None:
    found: bool | None = True
    for line in lines:
        found = _worse(found, _worse(line.true, line.follows))
    return found


def _why(lines: Sequence[Line]) -> str:
    return next(line.reason for line in lines if None in (line.true, line.follows))


def _explained(
    derivation: _Derivation, lines: tuple[Line, ...], first: int | None, conditions: tuple[Term, ...]
) -> Check:
    """The first wrong line with what should stand there, the slip, and the point that shows it."""
    model, proof = derivation.model, derivation.proof()
    assert derivation.wrong is not None
    left, claim, judgement = derivation.wrong
    if model.quantity_of(left) is None and model.quantity_of(claim) is not None:
        left, claim = claim, left
    mended = correction(model, proof, left)
    kind = _smaller(judgement) or slip(model, left, claim, lambda term: correction(model, proof, term))
    needed = (*((kind.condition,) if kind.condition else ()), *_needs(model, left, mended))
    found = Wrong(left, claim, judgement, mended, kind, tuple(sorted(model.names[2])))
    return Check(model, "wrong", lines, first, tuple(dict.fromkeys((*conditions, *needed))), found)


def _smaller(judgement: Judgement) -> Slip | None:
    """The slip of what is right, but has no value on a part of the domain."""
    where = tuple(p for r in judgement.conditions for p in (" and ", r))[1:]
    return Slip("domain", ("Right only where ", *where, ".")) if where else None


def _needs(model: Model, left: Term, mended: Term | None) -> tuple[Term, ...]:
    """The conditions under which a correction is right."""
    return () if mended is None else judge(model, left, mended).conditions


def _placed(problem: DeriveError, line: Written, named: bool) -> DeriveError:
    """The problem with its place in the file."""
    n, message = line.n, str(problem)
    if isinstance(problem, SyntaxProblem):
        n, column = line.place(problem.column)
        message = f"column {column}: {message.partition(': ')[2]}"
    return DeriveError(f"line {n}, {message}" if named else message)


def check(
    claim: str,
    pair: str | None = None,
    *,
    loss: Any = None,
    activation: Any = None,
    params: Sequence[str] = (),
    assume: Sequence[str] = (),
    layer: int | None = None,
    average: bool = False,
    l2: bool = False,
    kind: str | None = None,
) -> Check:
    """Is a claim right, such as "h - y" or "dJ/dh = (h - y)/(h*(1 - h))"? Several lines are a derivation.

    pair, or loss and activation with params and assume: as of ``derive.prove``. A bare expression is a claim about
    dJ/dz. The plain language and LaTeX are both read. layer: of a network of three layers with biases, in which Theta1,
    Theta2, b1, b2, a1, a2, z2 have a meaning too, 2 or 3; average: over m examples; l2: with weight decay lambda.
    kind: what kind of document the claim is, as in ``documents.read``: "", ".tex", ".md" or ".ipynb".
    Raises DeriveError for what cannot be read.
    """
    given = {"pair": pair, "loss": loss, "activation": activation, "params": params, "assume": assume}
    given |= {"layer": layer, "average": average, "l2": l2}
    is_document = kind is not None or "\n" in claim.strip()
    if not is_document:
        claim = claim.rstrip("\r\n")
        lines: Sequence[Written] = [Written(1, claim, 1, spelling_of(claim))]
    else:
        found = documents.read(claim, kind or "")
        lines, given = found.lines, _with_header(given, found.header)
    model, proof = setting(**given)
    return check_lines(model, lines, proof, is_document)


def _with_header(given: dict[str, Any], header: Sequence[documents.Entry]) -> dict[str, Any]:
    """What was asked for, and else what the document says of itself."""
    said: dict[str, Any] = {}
    for entry in header:
        name = HEADER[entry.key]
        if name in ("params", "assume"):
            said[name] = (*said.get(name, ()), entry.value)
        elif name in ("average", "l2"):
            said[name] = _is_yes(entry)
        elif name in said:
            raise DeriveError(f"line {entry.line}: {entry.key} is given twice")
        else:
            said[name] = _layer(entry) if name == "layer" else entry.value
    if given["pair"] or given["loss"] or given["activation"]:
        said = {name: value for name, value in said.items() if name not in ("pair", "loss", "activation")}
    return {**given, **{name: value for name, value in said.items() if not given[name]}}


def _is_yes(entry: documents.Entry) -> bool:
    if entry.value.lower() not in ("yes", "no", "true", "false"):
        raise DeriveError(f"line {entry.line}: write {entry.key}: yes or {entry.key}: no")
    return entry.value.lower() in ("yes", "true")


def _layer(entry: documents.Entry) -> int:
    if not entry.value.isdigit() or len(entry.value) > 3:
        raise DeriveError(f"line {entry.line}: a layer is a number, such as layer: 2")
    return int(entry.value)


def setting(
    pair: str | None,
    loss: Any = None,
    activation: Any = None,
    params: Sequence[str] = (),
    assume: Sequence[str] = (),
    layer: int | None = None,
    average: bool = False,
    l2: bool = False,
) -> tuple[Model, Callable[[], Proof | None]]:
    """The model in which claims are read, and the proof of its pair. Raises DeriveError."""
    from derive import library

    is_network = layer is not None or l2
    if pair is not None:
        if loss is not None or activation is not None or params or assume:
            raise DeriveError("give a pair such as 'bce-sigmoid', or a loss and an activation")
        known = library.load_proof(pair, average and not is_network)
        statement = known.statement

        def proof() -> Proof | None:
            return known
    else:
        if loss is None or activation is None:
            raise DeriveError("a claim is about a pair: add --pair bce-sigmoid, or --loss and --activation")
        from derive import request

        statement = request.read(loss, activation, params, assume, average and not is_network)

        @cache
        def proof() -> Proof | None:
            return _proof_of(statement)

    if is_network:
        return of_network(statement, layer or 3, average, l2), proof
    model = of_statement(statement)
    if pair is not None:
        model.learn(step.theorem for step in known.steps if not step.where)
    return model, proof


def _proof_of(statement: Statement) -> Proof | None:
    from derive.prover import proved

    try:
        return proved(statement)
    except (KernelError, *REFUSALS):
        return None
