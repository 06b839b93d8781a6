"""A proof as a Typst document, and its PDF; imports typ, explain and the proof's types, typst only to compile.

A document is one text without files beside it. No text of a user reaches Typst but by the printer of terms, or escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from derive.errors import DeriveError
from derive.proof import Proof, ProofStep
from derive.report import explain
from derive.report.explain import is_piecewise
from derive.report.lines import unbroken
from derive.report.typ import LINE, MARKS, broken, environment, escaped, inline, left_side, rows, tokens, typst
from derive.report.words import Cases, Chain, Decimal, Infinity, Piece, Shown, Words, joined, listed
from derive.term import Term

PAPERS = {"a4": "a4", "letter": "us-letter"}
LONG = 80  # characters of a formula that may be broken in a line of prose
TALLEST = 14  # lines of a display that no page break divides
STEP, CELL = LINE - 24, LINE - 70  # what is left of a line beside the number of a step, and beside a label
IF = '"if" thick '
PREAMBLE = r"""#set document(title: "%(title)s", date: none)
#set page(paper: "%(paper)s", margin: (x: (100%% - 150mm) / 2, y: 20mm), numbering: "1")
#set text(font: "New Computer Modern", size: 10pt, lang: "en")
#set par(justify: true, spacing: 0.9em)
#show heading: set align(center)
#show heading: set text(size: 1.3em)
#show math.equation: set text(font: "New Computer Modern Math")
#show math.equation.where(block: true): set align(start)
#show math.equation.where(block: true): set block(spacing: 0.7em)

// A display that would be cut off is made smaller; <narrow> tells where that was needed.
#show math.equation.where(block: true): it => layout(room => {
  let wide = measure(it).width
  if wide <= room.width { it } else [#metadata(wide) <narrow> #scale(room.width / wide * 100%%, reflow: true, it)]
})
#let given(..rows) = table(
  columns: (auto, 1fr), column-gutter: 14pt, inset: (x: 0pt, y: 4pt), align: left + horizon, stroke: none,
  table.hline(), ..rows, table.hline(),
)
#let theorem(body) = block(width: 100%%, inset: 8pt, stroke: 0.5pt, radius: 2pt, [*Theorem.* #body])
#let step(number, is-high: false, body) = block(
  breakable: is-high, spacing: 1em, grid(columns: (24pt, 1fr), [(#number)], body),
)
#let note(label, is-high: false, body) = block(breakable: is-high, spacing: 1em, [*#label.* #body])
#let qed = place(right, dy: -1.5em, $square.stroked$)
"""


def document(proofs: Sequence[Proof], paper: str = "a4") -> str:
    """The sheets of the proofs as one document, each from a new page on; paper: a key of ``PAPERS``.

    Raises DeriveError for another paper, and where there is no proof.
    """
    if not proofs:
        raise DeriveError("a sheet needs a pair")
    title = ", ".join(dict.fromkeys(explain.title(p)[0] for p in proofs))
    return opening(title, paper) + "\n#pagebreak()\n".join("\n".join(sheet(p)) + "\n" for p in proofs)


def opening(title: str, paper: str) -> str:
    """What stands before every document."""
    if paper not in PAPERS:
        raise DeriveError(f"no paper is called {paper!r}; there is {' and '.join(PAPERS)}")
    shown = "".join(c for c in title if c.isascii() and c.isprintable() and c not in '"\\')
    return PREAMBLE % {"title": shown[:200], "paper": PAPERS[paper]}


def sheet(proof: Proof) -> Iterator[str]:
    """The parts of a sheet: definitions, theorem, numbered steps, verdict, hypotheses, obligations."""
    for part in (_title, _definitions, _theorem, _steps, _notes, _hypotheses, _obligations):
        yield from part(proof)


def pdf(source: str) -> bytes:
    """The PDF of a document, the same bytes each time; raises DeriveError where typst is not installed."""
    try:
        import typst as compiler
    except ImportError as problem:
        raise DeriveError("a PDF needs the package typst: pip install 'derive[pdf]'; or --engine latex") from problem
    found = compiler.compile(source.encode("utf-8"), format="pdf", ignore_system_fonts=True, timestamp=0)
    assert isinstance(found, bytes)
    return found


# ---- words -------------------------------------------------------------------------------------------


def say(pieces: Iterable[Piece], line: int = LINE) -> str:
    """Words and formulas as Typst; a formula that is wide stands by itself."""
    return "".join(_piece(p, line) for p in pieces)


def _piece(piece: Piece, line: int) -> str:
    if isinstance(piece, str):
        return escaped(piece)
    if isinstance(piece, Decimal):
        return f"${piece.digits.replace('e', ' dot.op 10^(')}{')' * ('e' in piece.digits)}$"
    if isinstance(piece, Infinity):
        return f"${'-' * piece.is_negative}infinity$"
    if isinstance(piece, Chain):
        return _whole(_relation(piece))
    if isinstance(piece, Shown):
        return display(rows(*piece, line=line))
    if isinstance(piece, Cases):
        return display(_cases(piece, line))
    if isinstance(piece, Term):
        is_wide = unbroken(tokens(piece, slashed=True))[1] > 2 * line // 5
        return display(list(broken(piece, line))) if is_wide else _whole(inline(piece))
    times = f"^({piece[2]})" if len(piece) == 3 else ""
    return _whole(rf"partial{times} {inline(piece[0])} \/ partial {inline(piece[1])}{times}")


def _whole(formula: str) -> str:
    """A formula in a line of prose, which is not broken there unless it is long."""
    return f"#box[${formula}$]" if len(formula) < LONG else f"${formula}$"


def _relation(piece: Piece) -> str:
    """a < b, or a < b < c."""
    if not isinstance(piece, Chain):
        assert isinstance(piece, Term)
        return inline(piece)
    end = f" {MARKS.relations[piece.rest.args[0]]} {inline(piece.rest.args[2])}" if piece.rest else ""
    return f"{inline(piece.first)}{end}"


def display(found: Sequence[str]) -> str:
    """Rows as a display; as several where they would not fit on a page."""
    parts = [found[n : n + TALLEST] for n in range(0, len(found), TALLEST)]
    return "\n" + "\n".join("$ " + " \\\n".join(part) + " $" for part in parts) + "\n"


def _cases(piece: Cases, line: int) -> list[str]:
    """left = cases with a row for each region; where that is too wide, a line for each."""
    head, found = left_side(piece.left), []
    for value, where in piece.rows:
        relations = ' thick "and" thick '.join(_relation(r) for r in joined(where) if not isinstance(r, str))
        found.append((value, relations, sum(unbroken(tokens(r, slashed=True))[1] + 25 for r in where)))
    widest = max(unbroken(tokens(value))[1] + wide for value, _, wide in found) + head.width + 40
    if widest <= line and not any(is_piecewise(value) for value, _, _ in found):
        shown = [f"display({typst(v)}) & quad {IF} {where}" for v, where, _ in found]
        return [f"{head.text} &= {environment(shown)}"]
    rows_of = [
        [*rows(piece.left, value, n == 0, line), f"&wide {IF} {where}"] for n, (value, where, _) in enumerate(found)
    ]
    return [part for rows in rows_of for part in rows]


# ---- the parts ---------------------------------------------------------------------------------------


def _title(proof: Proof) -> Iterator[str]:
    pair, words = map(escaped, explain.title(proof))
    yield f"\n= {pair}\n#align(center)[{words}]\n"


def _definitions(proof: Proof) -> Iterator[str]:
    """The table of what is given."""
    yield "#given("
    for label, step in zip(("Loss", "Activation"), proof.steps, strict=False):
        yield f"  [{label}], [{display(rows(step.left, step.right, line=CELL))}],"
    for label, words in explain.setting(proof):
        yield f"  [{escaped(label)}], [{say(words, CELL)}],"
    if proof.about:
        yield f"  [Sources], [{escaped(f'{proof.about.loss_source}; {proof.about.activation_source}')}],"
    yield ")"


def _theorem(proof: Proof) -> Iterator[str]:
    last = proof.conclusion
    given: Words = (" and if ", *listed(proof.hypotheses)) if proof.hypotheses else ()
    words: Words = ("With these definitions", *given, ",", Shown(last.left, last.right))
    no: Words = ("which is not identically ", proof.statement.residual, ".") if proof.answer == "no" else ()
    yield f"#theorem[{say((*words, *no), LINE - 16)}]"


def _steps(proof: Proof) -> Iterator[str]:
    yield "*Proof.*"
    yield from map(_step, proof.steps)
    yield "#qed"


def _step(step: ProofStep) -> str:
    body = say((*explain.reason(step), Shown(step.left, step.right)), STEP)
    return f"#step({step.n}, {high(body)})[{body}]"


def high(body: str) -> str:
    """What allows a page break within a part that may not fit on a page."""
    return "is-high: true" if body.count("\n") > TALLEST else ""


def _notes(proof: Proof) -> Iterator[str]:
    for label, words in explain.notes(proof):
        if label != "Assumes":
            body = say(words)
            yield f"#note([{escaped(label)}], {high(body)})[{body}]"


def _hypotheses(proof: Proof) -> Iterator[str]:
    found = [f"- {say(listed((h,)))}" for h in proof.hypotheses]
    body = "\n".join(found) or "None beyond the domain."
    yield f"#note([Hypotheses], {high(body)})[\n{body}\n]"


def _obligations(proof: Proof) -> Iterator[str]:
    """What had to hold for a step, and why it does."""
    found = {o: step.n for step in reversed(proof.steps) for o in step.theorem.obligations if o.facts}
    if not found:
        return
    yield "#note([Obligations discharged], is-high: true)[\n#set text(size: 0.9em)"
    for obligation, n in sorted(found.items(), key=lambda entry: entry[1]):
        facts = listed(dict.fromkeys(obligation.facts))
        yield f"- ({n}) {say((obligation.claim, ' because ', *facts))}."
    yield "]"
