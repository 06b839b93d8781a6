"""Proofs, matching losses and theorems as web pages; imports the LaTeX printer, explain, and jinja2 with escaping on.

No text reaches a page but escaped, or as a formula that the printer of terms wrote.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from derive import __version__
from derive.certificate import dumps
from derive.matched import Match, MatchStep
from derive.proof import Proof, ProofStep
from derive.report import compare, explain, latex
from derive.report import match as matching
from derive.report.compare import Comparison
from derive.report.mathml import Environment, FileSystemLoader, Markup, StrictUndefined, escape, mathml
from derive.report.picture import picture
from derive.report.table import MARKS
from derive.report.tex import inline
from derive.report.words import Piece, Slope, Words, listed
from derive.survey import Cell
from derive.term import Term

if TYPE_CHECKING:
    from derive.theorems import Theorem

HERE = Path(__file__).parent
FONT = "derive-math.woff2"
FILES = ("style.css", "site.js", FONT, "derive-math.license.txt")  # what a site has beside its pages
BRIEF = 72  # characters of a formula in a list
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # what HTML has no place for, and terminals obey
PLACE = re.compile(r'id="|aria-labelledby="|href="#')  # in tags only: in text a quotation mark is escaped
REFERENCE = re.compile(r"\((\d\d?)\)")  # not a year
Rows = Sequence[tuple[str, Markup]]


class Assets(NamedTuple):
    """What a page may load, and where its style is: in a folder as seen from the page, or within the page."""

    policy: str
    root: str = ""
    style: Markup | None = None


class Article(NamedTuple):
    """All that is said about one proof; ``label`` is one of ``table.MARKS``, ``hypotheses`` may be none at all."""

    name: str
    subtitle: str = ""
    label: str = "undecided"
    answer: Markup | None = None
    given: Rows = ()
    result: Markup | None = None
    notes: Rows = ()
    steps: Sequence[tuple[int, Markup, Markup]] = ()
    hypotheses: Sequence[Markup] | None = None
    obligations: Sequence[tuple[int, Markup]] = ()
    latex: str = ""
    plot: str | None = None


# ---- words -------------------------------------------------------------------------------------------------


def say(words: Iterable[Piece]) -> Markup:
    """Words and formulas; the number of a step in brackets leads to it."""
    found = Markup("").join(_text(p) if isinstance(p, str) else mathml(latex.say((p,))) for p in words)
    return found[:-1] if found.endswith("</span>.") else found  # no full stop on a line of its own


def _text(words: str) -> Markup:
    return Markup(REFERENCE.sub(r'(<a href="#step-\1">\1</a>)', str(escape(words))))


def _rows(rows: Iterable[tuple[str, Words]]) -> Rows:
    return [(label, say(words)) for label, words in rows]


def _shown(left: Term | Slope, right: Term) -> Markup:
    """left = right, set by itself, in several lines where one is too narrow."""
    return mathml(latex._shown(left, right))


# ---- articles ----------------------------------------------------------------------------------------------


def article(proof: Proof) -> Article:
    """What there is to say about a proof."""
    pair, words = explain.title(proof)
    notes = _rows(row for row in explain.notes(proof) if row[0] not in ("Verdict", "Assumes"))
    last = proof.conclusion
    return Article(
        name=pair,
        subtitle=words,
        label=Cell(pair, proof.kind, proof.answer, conditions=tuple(proof.conditions)).label,
        answer=say(explain.verdict(proof)),
        given=[*_given(proof)],
        result=_shown(last.left, last.right),
        notes=notes,
        steps=[(s.n, say(explain.reason(s)), _shown(s.left, s.right)) for s in proof.steps],
        hypotheses=[say(listed((h,))) for h in proof.hypotheses],
        obligations=[*_obligations(proof)],
        latex=proof.to_latex(),
        plot=picture(proof),
    )


def _given(proof: Proof) -> Iterator[tuple[str, Markup]]:
    """The definitions, the domain and so on, and where the formulas are from."""
    for label, step in zip(("Loss", "Activation"), proof.steps, strict=False):
        yield label, _shown(step.left, step.right)
    yield from _rows(explain.setting(proof))
    if proof.about:
        yield "Sources", escape(f"{proof.about.loss_source}; {proof.about.activation_source}")


def _obligations(proof: Proof) -> Iterator[tuple[int, Markup]]:
    """What had to hold for a step, and why it does."""
    found = {o: step.n for step in reversed(proof.steps) for o in step.theorem.obligations if o.facts}
    for obligation, n in sorted(found.items(), key=lambda entry: entry[1]):
        yield n, say((obligation.claim, " because ", *listed(dict.fromkeys(obligation.facts))))


def of_match(found: Match) -> Article:
    """What there is to say about the matching loss of an activation."""
    notes = list(matching.notes(found))
    answer = next((words for label, words in notes if label == "Answer"), ())
    return Article(
        name=matching.title(found),
        label={True: "cancels", False: "other", None: "undecided"}[found.exists],
        answer=say(answer),
        notes=_rows(row for row in notes if row[0] != "Answer"),
        steps=[(s.n, say(s.reason), _statement(s)) for s in found.steps],
        latex=matching.display(found),
    )


def _statement(step: MatchStep) -> Markup:
    """What a step says besides its words: an equation, a relation, or nothing."""
    if step.right is None:
        return Markup("")
    return _shown(step.left, step.right) if step.left else mathml(f"\\[\n{latex.latex(step.right)}\n\\]")


def of_theorem(found: Theorem) -> Article:
    """What there is to say about a theorem and its instances."""
    from derive.report import theorem as report

    style = report.Style(say, lambda fact: mathml(report.TEX.fact(fact)))
    rows = [(say(words), mathml(latex._display(report._rows(fact)))) for words, fact in report.reasons(found.chain)]
    return Article(
        name=found.name,
        subtitle=found.title,
        notes=[(label, Markup(words)) for label, words in report.notes(found, style)],
        steps=[(n, *row) for n, row in enumerate(rows, 1)],
        latex=report.display(found.chain),
    )


# ---- pages of a site ----------------------------------------------------------------------------------------


def parts(proof: Proof) -> dict[str, Any]:
    """What a site shows of a proof, as JSON: its article, its picture, dJ/dz for a list, the names of both halves."""
    found = article(proof)
    address = found.plot and f"../plots/{proof.pair}.svg"
    names = [proof.about.loss, proof.about.activation] if proof.about else ["", ""]
    return {"article": body(found, address), "plot": found.plot, "shown": _brief(proof), "names": names}


def _brief(proof: Proof) -> Markup:
    """dJ/dz in a line, or why not."""
    if explain.is_piecewise(proof.verdict.delta):
        return Markup("by pieces")
    return mathml(f"${inline(proof.verdict.delta)}$") if len(proof.delta) <= BRIEF else Markup("see there")


# ---- pages -------------------------------------------------------------------------------------------------


@cache
def _templates() -> Environment:
    loader = FileSystemLoader(HERE / "templates")
    found = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=loader)
    found.globals.update(version=__version__, marks=MARKS)
    return found


def render(template: str, **values: Any) -> Markup:
    """A template of this package with values; every text in them is escaped, and has no control characters."""
    return Markup(CONTROL.sub("\N{REPLACEMENT CHARACTER}", _templates().get_template(template).render(values)))


def body(found: Article, plot: str | None = None) -> Markup:
    """The article without a page around it; ``plot`` is the address of its picture."""
    return render("article.html", article=found, plot=plot)


def alone(title: str, *found: tuple[Article, str | None]) -> str:
    """A page that needs no other file: style, font, pictures and certificates are in it, and it loads nothing.

    found: the articles, each with its certificate or None.
    """
    sections = [
        (_apart(_with_picture(one), n), certificate and _json(certificate))
        for n, (one, certificate) in enumerate(found)
    ]
    return render("alone.html", title=title, assets=_within(), sections=sections)


def _with_picture(found: Article) -> Markup:
    return body(found, found.plot and _data("image/svg+xml", found.plot.encode()))


def _json(text: str) -> str:
    return _data("application/json", text.encode("ascii"))


def _apart(part: Markup, n: int) -> Markup:
    """The part with names of its own for its places: those of the first on a page stay as they are."""
    return Markup(PLACE.sub(rf"\g<0>{n}-", str(part))) if n else part


@cache
def _within() -> Assets:
    style = (HERE / "assets" / "style.css").read_text(encoding="utf-8")
    font = _data("font/woff2", (HERE / "assets" / FONT).read_bytes())
    policy = "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:"
    return Assets(policy, style=Markup(style.replace(FONT, font)))


def beside(root: str) -> Assets:
    """The assets of a page whose style and script lie in the folder ``root``."""
    policy = "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; img-src 'self' data:"
    return Assets(policy, root)


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{b64encode(content).decode('ascii')}"


def page(*proofs: Proof) -> str:
    """Proofs one below the other as a page of its own, with their certificates."""
    found = [(article(p), dumps(p.checked)) for p in proofs]
    return alone(", ".join(dict.fromkeys(one.name for one, _ in found)), *found)


def comparison_page(found: Comparison, drawing: str) -> str:
    """Two proofs side by side as a page of its own; drawing: an SVG."""
    head, values = compare.table(found)
    stages = [
        (compare.stage_title(s), [[_cell(step, n) for n, step in enumerate(row)] for row in s.rows])
        for s in found.stages
    ]
    notes = [(label, [[_apart(say(words), n) for n, words in enumerate(both)]]) for label, *both in found.notes]
    return render(
        "compare.html",
        title=compare.title(found),
        assets=_within(),
        names=found.names,
        parting=say(found.parting),
        plot=_data("image/svg+xml", drawing.encode()),
        example=say(found.example),
        head=[*map(say, head)],
        values=values,
        stages=[*stages, *notes],
    )


def _cell(step: ProofStep | None, n: int) -> Markup:
    """A step in its column; what refers to it leads there."""
    return _apart(Markup('<div id="step-{}">{}</div>').format(step.n, say(compare.said(step))), n) if step else Markup()


def match_page(found: Match) -> str:
    return _alone(of_match(found))


def theorem_page(found: Theorem) -> str:
    return _alone(of_theorem(found))


def _alone(found: Article) -> str:
    return alone(found.name, (found, None))
