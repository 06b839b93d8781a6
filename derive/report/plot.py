"""Plots of proofs: dJ/dz, its factor and the loss along z; imports curve and the proof's types, matplotlib to draw.

Same proofs, same bytes. Pairs differ by colour (Okabe and Ito's, for colour-blind people), targets by dashes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from derive.errors import DeriveError
from derive.files import by_suffix, replace
from derive.proof import Proof
from derive.report.curve import Curve, Line, element, factor, name
from derive.report.text import formula
from derive.term import Term

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("solid", (0, (5, 2)))  # by target
WIDEST, THINNER = 2.4, 0.25  # points of a line: one that lies on another leaves it in sight
WIDTH, HEIGHT, ROW = 4.4, 3.4, 0.22  # inches of a panel, and of a line of the title or the legend
DPI = 150
NEARLY = 0.9  # of the greatest |h - y|: there an output is confidently wrong
TITLES = {
    "delta": "The derivative of the loss by the pre-activation",
    "size": "How strongly an output is corrected",
    "factor": "The factor g of ∂J/∂z = g (h − y) along the range of h",
    "loss": "The loss along the pre-activation",
}
SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "derive",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.usetex": False,
    "text.parse_math": False,
    "path.simplify_threshold": 0.2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
}
FORMATS: dict[str, dict[str, Any]] = {  # what would change from day to day, or with the version, is left out
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "png": {"metadata": {"Software": None}, "dpi": DPI},
    "pdf": {"metadata": {"CreationDate": None, "Creator": None, "Producer": None}},
}
SUFFIXES = {f".{form}": form for form in FORMATS}


class Plot:
    """A plot as a notebook shows it; ``figure`` is matplotlib's, to go on with."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure

    def save(self, file: str) -> None:
        """Write it as .svg, .png or .pdf; raises DeriveError for another suffix, and where it cannot be written."""
        replace(file, image(self.figure, by_suffix(file, SUFFIXES)))

    def __repr__(self) -> str:
        return f"<Plot: {self.figure.get_suptitle()}>"

    def _repr_png_(self) -> bytes:
        return image(self.figure, "png")


class Trace(NamedTuple):
    """A curve with its place in the legend and its look; of a magnitude, |value| is drawn."""

    curve: Curve
    label: str
    colour: str
    dashes: Any
    width: float
    is_magnitude: bool = False
    is_closed: bool = False

    @property
    def values(self) -> list[float]:
        return [abs(v) if self.is_magnitude else v for v in self.curve.values]


class Panel(NamedTuple):
    """Traces in one pair of axes, with the names of these, and where the output is most wrong."""

    traces: list[Trace]
    across: str
    upward: str
    wrong: tuple[float, float] | None = None


def figure(proofs: Sequence[Proof], what: str = "delta") -> Figure:
    """dJ/dz and its magnitude ("delta") or J ("loss") along z, or g of g (h - y) against h ("factor"), for each target.

    "size" is the magnitude for the greatest target only, with the place where the output is most wrong.
    Raises DeriveError for nothing to plot, another kind of plot, a proof without a factor, and without matplotlib.
    """
    if not 0 < len(proofs) <= len(COLOURS):
        raise DeriveError(f"a plot shows 1 to {len(COLOURS)} pairs")
    if what not in TITLES:
        raise DeriveError(f"no plot is called {what!r}; there is {', '.join(TITLES)}")
    lines = [Line(p) for p in proofs]
    panels = {"delta": _slopes, "size": _sizes, "factor": _factors, "loss": _losses}[what](lines)
    return _drawn(panels, _title(lines, TITLES[what]))


def svg(proofs: Sequence[Proof], what: str = "delta") -> str:
    """The figure as SVG."""
    return image(figure(proofs, what), "svg").decode("utf-8")


def image(drawing: Figure, form: str) -> bytes:
    """A figure as a file; form: a key of ``FORMATS``."""
    import matplotlib

    found = BytesIO()
    with matplotlib.rc_context(SETTINGS):
        drawing.savefig(found, format=form, **FORMATS[form])
    return found.getvalue()


# ---- what is shown -----------------------------------------------------------------------------------


def _slopes(lines: Sequence[Line]) -> list[Panel]:
    terms = [line.proof.verdict.delta for line in lines]
    traces = [t for found in _traces(lines, terms) for t in found]
    magnitudes = [t._replace(is_magnitude=True) for t in traces]
    across = formula(lines[0].across)
    slope = f"∂J/∂{across}"
    return [Panel(traces, across, slope), Panel(magnitudes, across, f"|{slope}|")]


def _sizes(lines: Sequence[Line]) -> list[Panel]:
    """The magnitude of dJ/dz for the greatest target of each, and where the output is most wrong."""
    found = [traces[-1] for traces in _traces(lines, [line.proof.verdict.delta for line in lines])]
    traces = [t._replace(is_magnitude=True, dashes=DASHES[n % 2]) for n, t in enumerate(found)]
    across = formula(lines[0].across)
    return [Panel(traces, across, f"|∂J/∂{across}|", _wrong(lines[0], traces[0].curve.across))]


def _wrong(line: Line, across: Sequence[float]) -> tuple[float, float] | None:
    """Where |h - y| is nearly as great as it gets, at one end of the line."""
    zs = line.samples(round(max(across)))
    misses = line.misses(line.targets[-1], zs)
    most = max((m for m in misses if m == m), default=0.0)
    places = [float(z.p) / float(z.q) for z, m in zip(zs, misses, strict=True) if m >= NEARLY * most]
    return (min(places), max(places)) if places and max(places) - min(places) < max(across) else None


def _losses(lines: Sequence[Line]) -> list[Panel]:
    terms = [line.proof.statement.cost for line in lines]
    traces = [t for found in _traces(lines, terms) for t in found]
    return [Panel([t._replace(curve=t.curve.closed, is_closed=True) for t in traces], formula(lines[0].across), "J")]


def _factors(lines: Sequence[Line]) -> list[Panel]:
    """The factor along the range of h; one curve where it does not depend on the target."""
    across = [line.proof.statement.at_preactivation(line.proof.statement.output) for line in lines]
    terms = [factor(line.proof) for line in lines]
    shown: list[Trace] = []
    for line, traces, term in zip(lines, _traces(lines, terms, across), terms, strict=True):
        depends = line.y.args[0] in term.names or len({t.curve.values for t in traces}) > 1
        shown += traces if depends else [traces[0]._replace(label=name(line.proof))]
    output = element((lines[0].proof.statement.output.args[0], lines[0].key[1]), tuple(lines[0].sizes))
    return [Panel(shown, formula(output), "g")]


def _traces(lines: Sequence[Line], terms: Sequence[Term], across: Sequence[Term] = ()) -> Iterator[list[Trace]]:
    """The curves of each proof, one a target, all over the same range of z."""
    span = min(line.span(term) for line, term in zip(lines, terms, strict=True))
    for n, (line, term) in enumerate(zip(lines, terms, strict=True)):
        yield [
            Trace(
                line.curve(term, y, span, across[n] if across else None),
                f"{name(line.proof)}, {formula(line.at_target(y))}",
                COLOURS[n if len(lines) > 1 else number],
                DASHES[number],
                WIDEST - n * THINNER,
            )
            for number, y in enumerate(line.targets)
        ]


def _title(lines: Sequence[Line], words: str) -> str:
    """The words, and what keeps its value in each pair."""
    held = {name(line.proof): line.held for line in lines if line.held}
    if len(held) == len(lines) and len({*held.values()}) == 1:
        return f"{words}\nfor {lines[0].held}"
    return "\n".join([words, *(f"{pair}: {said}" for pair, said in held.items())])


# ---- drawing -----------------------------------------------------------------------------------------


def _drawn(panels: Sequence[Panel], title: str) -> Figure:
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as problem:
        raise DeriveError("a plot needs the package matplotlib: pip install 'derive[plot]'") from problem
    with matplotlib.rc_context(SETTINGS):
        rows = -(-len(panels[0].traces) // len(panels)) + title.count("\n")
        size = WIDTH * max(1.3, len(panels)), HEIGHT + ROW * rows
        found = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(found)
        for axes, panel in zip(found.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            _fill(axes, panel)
        found.suptitle(title, fontsize="medium", x=0.02, ha="left")
        handles, labels = found.axes[0].get_legend_handles_labels()
        found.legend(handles, labels, loc="outside lower left", ncols=len(panels), frameon=False)
    return found


def _fill(axes: Axes, panel: Panel) -> None:
    for trace in panel.traces:
        axes.plot(trace.curve.across, trace.values, **_look(trace))
        for gap in trace.curve.gaps:
            _mark(axes, trace, gap.at, (gap.left, gap.right), gap.is_jump)
    if panel.wrong:
        axes.axvspan(*panel.wrong, color="#eeeeee", zorder=0)
        axes.text(sum(panel.wrong) / 2, 1.01, "confidently wrong", transform=axes.get_xaxis_transform(), ha="center")
    axes.set_xlabel(panel.across)
    axes.set_ylabel(panel.upward)
    axes.axhline(0, color="#888888", lw=0.8, zorder=0)


def _look(trace: Trace) -> dict[str, Any]:
    return {"color": trace.colour, "linestyle": trace.dashes, "linewidth": trace.width, "label": trace.label}


def _mark(axes: Axes, trace: Trace, at: float, sides: tuple[float, float], is_jump: bool) -> None:
    """Open points where two pieces meet and there is no value, a full one where there is one."""
    found = [abs(v) if trace.is_magnitude else v for v in sides]
    face = trace.colour if trace.is_closed and not is_jump else "white"
    for value in found if is_jump else found[:1]:
        axes.plot([at], [value], marker="o", ms=5, mfc=face, mec=trace.colour, ls="none")
