"""Two proofs side by side: which steps they share, where they part, and how strongly each corrects a wrong output.

What is compared is read off the checked steps; four notations print it, HTML in html.py. Imports curve, explain, and
the other notations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple, TypeAlias

from derive.derivation import COST
from derive.proof import Left, Proof, ProofStep
from derive.report import explain, latex, typst
from derive.report.curve import STEPS, Line
from derive.report.text import formula
from derive.report.typ import escaped
from derive.report.words import Decimal, Shown, Words, joined
from derive.term import Term, call, num

Key: TypeAlias = tuple[str, ...]
Stages: TypeAlias = dict[Key, list[ProofStep]]
NAMES: dict[Key, str] = {
    ("J",): "The loss",
    ("h",): "The activation",
    ("J", "h"): "The loss by the output",
    ("h", "z"): "The output by the pre-activation",
    ("J", "z"): "The loss by the pre-activation",
    ("J", "z", "2"): "The second derivative",
}
NOTES = ("Verdict", "Why", "Factor", "Remark")
DECIMALS = 5
EVERY = STEPS // 3  # sample has a row
COLUMN = 200  # points
PLOT = "plot.pdf"


class Stage(NamedTuple):
    """What is derived, its steps in both proofs, and whether these are the same."""

    key: Key
    steps: tuple[list[ProofStep], list[ProofStep]]

    @property
    def name(self) -> str:
        return NAMES.get(self.key, "Other steps")

    @property
    def is_shared(self) -> bool:
        first, second = ([(s.left, s.right, s.where) for s in steps] for steps in self.steps)
        return first == second

    @property
    def rows(self) -> Iterator[tuple[ProofStep | None, ProofStep | None]]:
        return zip_longest(*self.steps)


class Comparison(NamedTuple):
    """Two proofs with their lines, their stages, and |dJ/dz| of both at some z, for one target."""

    proofs: tuple[Proof, Proof]
    lines: tuple[Line, Line]
    stages: tuple[Stage, ...]
    values: tuple[tuple[str, ...], ...]  # z, |h - y| and |dJ/dz| of the first, the same of the second

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(explain.title(p)[0] for p in self.proofs)

    @property
    def parting(self) -> Words:
        """Which stages are the same, and where the proofs part."""
        same = [s.steps[0][0].left for s in self.stages if s.is_shared]
        apart = next((s for s in self.stages if not s.is_shared), None)
        if apart is None:
            return ("The two derivations are the same, step by step.",)
        found = next(step.left for steps in apart.steps for step in steps)
        shared = [p for left in same for p in (", ", left)][1:]
        start: Words = ("The same in both: ", *shared, ". ") if shared else ("They have no stage in common. ",)
        return (*start, "They part at ", found, ".")

    @property
    def notes(self) -> Iterator[tuple[str, Words, Words]]:
        """What is said of each, label by label."""
        found = [dict(explain.notes(p)) for p in self.proofs]
        yield from (
            (name, found[0].get(name, ()), found[1].get(name, ())) for name in NOTES if any(name in f for f in found)
        )

    @property
    def example(self) -> Words:
        """For which target, and which values of everything else, the numbers are."""
        found = [joined([line.at_target(line.targets[-1]), *line.example], ", ") for line in self.lines]
        if found[0] == found[1]:
            return (*found[0], ":")
        return (f"{self.names[0]} with ", *found[0], f"; {self.names[1]} with ", *found[1], ":")


def comparison(first: Proof, second: Proof) -> Comparison:
    """What two proofs share, and where they part."""
    stages = [_stages(p) for p in (first, second)]
    keys = sorted({*stages[0], *stages[1]}, key=lambda key: ([*NAMES].index(key) if key in NAMES else len(NAMES), key))
    found = tuple(Stage(key, (stages[0].get(key, []), stages[1].get(key, []))) for key in keys)
    lines = Line(first), Line(second)
    return Comparison((first, second), lines, found, _values(lines))


def _stages(proof: Proof) -> Stages:
    found: Stages = {}
    for step in proof.steps:
        found.setdefault(_key(step.left), []).append(step)
    return found


def _key(left: Left) -> Key:
    """J, h, dJ/dz and so on, whatever the indices."""
    terms = [left] if isinstance(left, Term) else [*left]
    return tuple(str(t.args[0]) if isinstance(t, Term) else str(t) for t in terms)


def _values(lines: Sequence[Line]) -> tuple[tuple[str, ...], ...]:
    span = min(line.span(line.proof.verdict.delta) for line in lines)
    rows = []
    for z in lines[0].samples(span)[::EVERY]:
        row = [formula(num(z), unicode=False)]
        for line in lines:
            y, delta = line.targets[-1], line.proof.verdict.delta
            row += [_rounded(line.misses(y, [z])[0]), _rounded(abs(line.value(delta, z, y)))]
        rows.append(tuple(row))
    return tuple(rows)


def _rounded(value: float) -> str:
    return f"{value:.{DECIMALS}f}" if value == value else ""


# ---- what every notation shows -----------------------------------------------------------------------


def title(found: Comparison) -> str:
    return " and ".join(found.names)


def table(found: Comparison) -> tuple[list[Words], list[tuple[str, ...]]]:
    """The head and the rows of the numbers; |h - y| once where both outputs are equally wrong."""
    head: list[Words] = [(found.lines[0].across,)]
    for name, line in zip(found.names, found.lines, strict=True):
        miss = call("abs", line.proof.statement.residual)
        head += [(f"{name}: ", line.at_first(miss)), (f"{name}: size of ", (COST, line.across))]
    if any(row[1] != row[3] for row in found.values):
        return head, [*found.values]
    head[1] = head[1][1:]
    return head[:3] + head[4:], [row[:3] + row[4:] for row in found.values]


def said(step: ProofStep | None) -> Words:
    """A step as words and a display; nothing for None."""
    return (f"({step.n}) ", *explain.reason(step), Shown(step.left, step.right)) if step else ()


def stage_title(stage: Stage) -> str:
    return stage.name + (" (the same in both)" if stage.is_shared else "")


# ---- Typst -------------------------------------------------------------------------------------------

BESIDE = r"""#let beside(is-high: false, first, second) = block(
  breakable: is-high, spacing: 1em, grid(columns: (1fr, 1fr), column-gutter: 16pt, first, second),
)
#let stage(name) = block(
  width: 100%, above: 1.4em, sticky: true, inset: (y: 3pt), stroke: (bottom: 0.5pt), strong(name),
)
"""


def as_typst(found: Comparison, plot: str | None = None, paper: str = "a4") -> str:
    """A document; plot: SVG."""
    parts = [typst.opening(title(found), paper), BESIDE, f"= {escaped(title(found))}"]
    parts += [typst.say(found.parting)]
    if plot:
        parts.append(f'#align(center, image(bytes("{_quoted(plot)}"), format: "svg", width: 75%))')
    parts += [*_typst_table(found), _typst_row(*(f"*{escaped(name)}*" for name in found.names))]
    for stage in found.stages:
        parts.append(f"#stage[{escaped(stage_title(stage))}]")
        parts += [_typst_row(*(typst.say(said(step), COLUMN) for step in row)) for row in stage.rows]
    for label, *both in found.notes:
        parts += [f"#stage[{escaped(label)}]", _typst_row(*(typst.say(words, COLUMN) for words in both))]
    return "\n".join(parts) + "\n"


def _typst_row(first: str, second: str) -> str:
    high = typst.high(max(first, second, key=lambda body: body.count("\n")))
    return f"#beside({high})[{first}][{second}]"


def _typst_table(found: Comparison) -> Iterator[str]:
    head, rows = table(found)
    yield typst.say(found.example)
    yield f"#table(columns: {len(head)}, inset: (x: 8pt, y: 3pt), stroke: none, align: right, table.hline(),"
    yield "  " + ", ".join(f"[{typst.say(words)}]" for words in head) + ", table.hline(),"
    for row in rows:
        yield "  " + ", ".join(f"[{typst.say((Decimal(value),))}]" for value in row) + ","
    yield "  table.hline())"


def _quoted(text: str) -> str:
    """Text inside of a string of Typst's."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


# ---- LaTeX -------------------------------------------------------------------------------------------


def as_latex(found: Comparison, has_plot: bool = False) -> Iterator[str]:
    """The body of a document; the plot is the file ``PLOT``."""
    yield f"\\begin{{center}}\n{{\\Large\\bfseries {latex.say((title(found),))}}}\n\\end{{center}}"
    yield latex.say(found.parting) + "\n"
    if has_plot:
        yield f"\\begin{{center}}\\includegraphics[width=0.75\\textwidth]{{{PLOT}}}\\end{{center}}"
    yield from _latex_table(found)
    yield _latex_row(*(f"\\textbf{{{latex.say((name,))}}}" for name in found.names))
    for stage in found.stages:
        yield f"\\paragraph{{{latex.say((stage_title(stage),))}}}\\leavevmode\\par"
        yield from (_latex_row(*(latex.say(said(step), COLUMN) for step in row)) for row in stage.rows)
    for label, *both in found.notes:
        yield f"\\paragraph{{{latex.say((label,))}}}\\leavevmode\\par"
        yield _latex_row(*(latex.say(words, COLUMN) for words in both))


def _latex_row(first: str, second: str) -> str:
    column = "\\begin{{minipage}}[t]{{0.48\\textwidth}}\\raggedright\\strut {}\\end{{minipage}}"
    return f"{column.format(first)}\\hfill\n{column.format(second)}\\par\\medskip"


def _latex_table(found: Comparison) -> Iterator[str]:
    head, rows = table(found)
    yield latex.say(found.example)
    yield f"\\begin{{center}}\\small\\begin{{tabular}}{{{'r' * len(head)}}}\n\\toprule"
    yield " & ".join(map(latex.say, head)) + r" \\ \midrule"
    yield from (" & ".join(latex.say((Decimal(value),)) for value in row) + r" \\" for row in rows)
    yield "\\bottomrule\n\\end{tabular}\\end{center}"


# ---- Markdown ----------------------------------------------------------------------------------------


def as_markdown(found: Comparison) -> Iterator[str]:
    """A page: two tables, of the numbers and of the steps."""
    yield f"# {title(found)}\n\n{latex.say(found.parting)}\n"
    head, rows = table(found)
    yield f"{latex.say(found.example)}\n\n{_markdown_row(*map(latex.say, head))}"
    yield _markdown_row(*("---:" for _ in head))
    yield from (_markdown_row(*row) for row in rows)
    yield "\n" + _markdown_row("", *found.names) + "\n" + _markdown_row(*("---",) * 3)
    for stage in found.stages:
        for n, row in enumerate(stage.rows):
            yield _markdown_row(stage_title(stage) if n == 0 else "", *map(_markdown_step, row))
    for label, *both in found.notes:
        yield _markdown_row(label, *(_cell(latex.say(words)) for words in both))


def _markdown_row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_step(step: ProofStep | None) -> str:
    return _cell(latex.say(said(step))) if step else ""


def _cell(text: str) -> str:
    """A display of a sentence in the cell of a table, on one line."""
    return " ".join(text.replace("\\[\n", " $").replace("\n\\]", "$ ").split())
