"""A theorem for any function as text, LaTeX and Markdown; imports the printers of proofs, chains and theorems."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from derive.chains import Chain, Fact, Line, Partial
from derive.report.latex import LINE, PREAMBLE, say
from derive.report.lines import lines, unbroken
from derive.report.tex import MARKS, inline, latex, row, tokens
from derive.report.text import ASCII, DIM, SPACE, UNICODE, _Page, formula
from derive.report.words import Words, listed
from derive.term import Term, index, item, num, rel, var
from derive.theorems import Corollary, Theorem, functions, pieces


class Style(NamedTuple):
    """How a format says words, and an equation in a line of prose."""

    say: Callable[[Words], str]
    fact: Callable[[Fact], str]


def title(found: Theorem) -> str:
    return f"{found.name}: {found.title}"


def reasons(chain: Chain) -> Iterator[tuple[Words, Fact]]:
    """Every step: why it may be taken, and what it needs that no step before it needed."""
    needed: set[Term] = set()
    for line, fact in zip(chain.lines, chain.facts, strict=True):
        new = [h for h in fact.given if h not in needed]
        needed.update(new)
        assumed = (" This is assumed.",) if line.rule == "assume" else ()
        where = (" It holds where ", *listed(new), ".") if new else ()
        yield (line.reason, *_point(line, " At "), *assumed, *where), fact


def _point(line: Line, lead: str) -> Words:
    """At K = 2, z_1 = 1, z_2 = 2 with k = 1 and j = 2."""
    if not line.point:
        return ()
    values = enumerate(line.point, 1)
    named = [rel("=", item("z", index(str(n))), num(*map(int, text.split("/")))) for n, text in values]
    at = [p for r in (rel("=", var("K"), num(len(line.point))), *named) for p in (", ", r)][1:]
    return lead, *at, " with k = 1 and j = 2."


def claims(chain: Chain, style: Style) -> str:
    """What is stated, each with the relations under which it holds."""
    said = []
    for fact in chain.claimed:
        said.append(style.fact(fact) + (style.say((" if ", *listed(fact.given))) if fact.given else ""))
    return "; ".join(said)


def notes(found: Theorem, style: Style) -> Iterator[tuple[str, str]]:
    """Everything below the steps: what is stated, assumed, and cited; the instances."""
    chain = found.chain
    yield "Theorem", claims(chain, style) + "."
    yield "Functions", style.say(tuple(p for words in functions(chain) for p in (", ", *words))[1:]) + "."
    if chain.identities:
        yield "Assumes", style.say((*listed(chain.identities), ", for all values in question."))
    for cited in found.cited:
        yield "Cited", style.say(("Not checked here. ", *pieces(cited, chain.setting)))
    for instance in found.instances:
        yield "Instance", _instance(instance, style)
    yield "Source", style.say((found.source, "."))


def _instance(found: Corollary, style: Style) -> str:
    chain = found.chain
    name = f"{found.title} ({found.pair})" if found.pair else found.title
    defined = [style.fact(f) for line, f in zip(chain.lines, chain.facts, strict=True) if line.rule == "definition"]
    assumed = style.say((", where ", *listed(chain.identities))) if chain.identities else ""
    points = "".join(style.say(_point(line, " The last holds at ")) for line in chain.lines)
    return f"{style.say((name,))}. {', '.join(defined)}{assumed}: {claims(chain, style)}.{points}"


# ---- text ------------------------------------------------------------------------------------------------


def text(found: Theorem, width: int = 80, unicode: bool = True, colour: bool = False) -> str:
    """The steps and what is stated, in lines of at most ``width`` characters where the formulas allow it."""
    page = _Page(width, unicode, colour)
    style = Style(page.say, lambda f: _kept(f"{_left_text(f, unicode)} {formula(f.right, unicode)}", page.width))
    page.title(title(found))
    for n, (words, fact) in enumerate(reasons(found.chain), 1):
        page.prose(words, f"{n:>3}. ", style=DIM)
        _display_text(page, fact)
    page.rows.append("")
    for label, said in notes(found, style):
        page.prose((said,), f"  {label + ':':<11}")
    return "\n".join(page.rows) + "\n"


def _kept(shown: str, width: int) -> str:
    """A formula that no line of prose breaks, unless it has to."""
    return shown.replace(" ", SPACE) if len(shown) < 2 * width // 3 else shown


def _display_text(page: _Page, fact: Fact, indent: int = 6) -> None:
    head = " " * indent + _left_text(fact, page.unicode)
    beside = page.broken(fact.right, len(head) + 1)
    if max(map(len, beside)) <= page.width:
        page.rows += [head + beside[0][len(head) :], *beside[1:]]
    else:
        page.rows += [head, *page.broken(fact.right, indent + 4)]


def _left_text(fact: Fact, unicode: bool) -> str:
    """The left side and the sign behind it."""
    marks = UNICODE if unicode else ASCII
    parts = [_partial_text(t, unicode) if isinstance(t, Partial) else formula(t, unicode) for t in fact.left]
    return f"{marks.minus.text.join(parts)} {marks.relations[fact.op]}"


def _partial_text(slope: Partial, unicode: bool) -> str:
    d, square = ("∂", "²") if unicode else ("d", "^2")
    twice = square if slope.order == 2 else ""
    return f"{d}{twice}{formula(slope.subject, unicode)}/{d}{formula(slope.variable, unicode)}{twice}"


# ---- LaTeX and Markdown ----------------------------------------------------------------------------------


TEX = Style(say, lambda f: f"${_left_tex(f, _slashed)} {inline(f.right)}$")


def equation(fact: Fact) -> str:
    r"""What a step says, on one line: ``\frac{\partial J}{\partial z} = h - y``."""
    return f"{_left_tex(fact, _fraction)} {latex(fact.right)}"


def display(chain: Chain) -> str:
    """The definitions and what is stated as one aligned block."""
    defined = [f for line, f in zip(chain.lines, chain.facts, strict=True) if line.rule == "definition"]
    return _aligned([shown for fact in (*defined, *chain.claimed) for shown in _rows(fact)])


def sheet(found: Theorem) -> str:
    """A LaTeX document of its own: the steps, what is stated, assumed and cited, the instances."""
    rows = [f"\\begin{{center}}\n{{\\Large\\bfseries {say((title(found),))}}}\n\\end{{center}}"]
    rows += ["\\begin{enumerate}", "\\renewcommand{\\labelenumi}{(\\theenumi)}"]
    for words, fact in reasons(found.chain):
        shown = _rows(fact)
        body = shown[0].replace("&", "", 1) if len(shown) == 1 else _aligned(shown)
        rows.append(f"\\item {say(words)}\n\\[\n{body}\n\\]")
    rows.append("\\end{enumerate}")
    rows += [f"\\paragraph{{{label}.}} {said}\n" for label, said in notes(found, TEX)]
    return PREAMBLE + "\n".join(rows) + "\n\\end{document}\n"


def markdown(found: Theorem) -> str:
    """A page: the steps as numbered displays, then what is stated, assumed and cited, the instances."""
    rows = [f"# {say((title(found),))}\n"]
    for n, (words, fact) in enumerate(reasons(found.chain), 1):
        rows.append(f"{n}. {say(words)}\n\n   $$\n   {equation(fact)}\n   $$\n")
    return "\n".join((*rows, *(f"**{label}.** {said}\n" for label, said in notes(found, TEX))))


def _aligned(rows: Sequence[str]) -> str:
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def _rows(fact: Fact) -> list[str]:
    """left &= right, in several lines where one is too narrow."""
    head, sign = _left_tex(fact, _fraction), MARKS.relations[fact.op]
    left = head.removesuffix(f" {sign}")
    room = LINE - 60 - 80 * (len(fact.left) > 1)
    rows = [row(part) for part in lines(tokens(fact.right), room, room)]
    return [f"{left} &{sign} {rows[0]}", *(rf"&\quad {{}}{part}" for part in rows[1:])]


def _left_tex(fact: Fact, partial: Callable[[Partial], str]) -> str:
    parts = [partial(t) if isinstance(t, Partial) else inline(t) for t in fact.left]
    return f"{' - '.join(parts)} {MARKS.relations[fact.op]}"


def _fraction(slope: Partial) -> str:
    above, below = _parts(slope)
    return rf"\frac{{{above}}}{{{below}}}"


def _slashed(slope: Partial) -> str:
    return "/".join(_parts(slope))


def _parts(slope: Partial) -> tuple[str, str]:
    twice = "^2" if slope.order == 2 else ""
    above, below = (unbroken(tokens(t))[0].strip() for t in slope[:2])
    return rf"\partial{twice} {above}", rf"\partial {below}{twice}"
