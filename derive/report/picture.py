"""The plot of a proof for a web page: one panel, in as few bytes as it needs; imports plot, and matplotlib to draw."""

from __future__ import annotations

import re
from io import StringIO

from derive.errors import DeriveError
from derive.proof import Proof

SIZE = (5.6, 3.6)  # inches
PLACE = (
    0.13,
    0.28,
    0.85,
    0.57,
)  # of the panel: from the left, from below, width, height; finding one takes half the time
NUMBER = re.compile(r"-?\d+\.\d+")
TAG = re.compile(r"<[^>]*>")
UNSEEN = re.compile(r'<metadata>.*?</metadata>|<!--.*?-->| transform="rotate\(-?0 [^"]*"', re.DOTALL)


def picture(proof: Proof) -> str | None:
    """dJ/dz along z as the text of an SVG; None where there is nothing to draw it with, or nothing to draw."""
    try:
        import matplotlib

        from derive.report.plot import FORMATS, SETTINGS, figure  # type: ignore[import-not-found, unused-ignore]

        drawing = figure([proof])
    except (ImportError, DeriveError):
        return None
    for axes in drawing.axes[1:]:
        axes.remove()
    drawing.set_size_inches(SIZE)
    drawing.set_layout_engine("none")
    drawing.axes[0].set_position(PLACE)
    found = StringIO()
    with matplotlib.rc_context({**SETTINGS, "svg.fonttype": "none"}):
        drawing.savefig(found, format="svg", **FORMATS["svg"])
    return squeezed(found.getvalue())


def squeezed(svg: str) -> str:
    """The same picture: coordinates of one decimal, styles said once, no names that nothing refers to."""
    shown = UNSEEN.sub("", svg[svg.index("<svg") :])
    shown = TAG.sub(lambda tag: NUMBER.sub(_brief, tag[0]), shown)  # what is to be read keeps all its digits
    used = set(re.findall(r"#(\w+)", shown))
    shown = re.sub(r' id="([^"]*)"', lambda name: name[0] if name[1] in used else "", shown)
    styles: dict[str, str] = {}
    shown = re.sub(r' style="([^"]*)"', lambda s: f' class="{styles.setdefault(s[1], f"s{len(styles)}")}"', shown)
    rules = "".join(f".{name}{{{style}}}" for style, name in styles.items())
    shown = re.sub(r"\s+", " ", shown).replace("> <", "><").replace(' "', '"')
    return shown.replace("</style>", f"{rules}</style>", 1) + "\n"


def _brief(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}".removesuffix(".0")
