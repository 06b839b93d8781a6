"""What the LaTeX printer has written, as MathML; imports errors only, and math-core.

A ``$formula$`` stands in its line; a display between ``\\[`` and ``\\]`` by itself, in a box that scrolls where it is
too wide.
"""

from __future__ import annotations

import re
from functools import cache

from derive.errors import DeriveError

try:  # here, where every page passes, so that a missing package is one error
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup, escape
    from math_core import LatexError, LatexToMathML
except ImportError as problem:
    raise DeriveError("HTML needs jinja2 and math-core; install them with: pip install 'derive[html]'") from problem

__all__ = ["Environment", "FileSystemLoader", "Markup", "StrictUndefined", "escape", "mathml"]
FORMULA = re.compile(r"\$(?P<inline>[^$]+)\$\s*|\\\[\n(?P<display>.+?)\n\\\]\s*", re.DOTALL)

ROOM = "[1ex]"  # behind the end of a row: the rows of a page are high enough
PRIME = re.compile(r"<msup>(<mi>[^<]*</mi>)(<mo>[′″‴⁗]</mo>)</msup>")  # the font has primes where they belong
STYLE = re.compile(r' style="[^"]*"')  # of the cells of a table: the style sheet says it once


def mathml(latex: str) -> Markup:
    """The MathML of formulas in $...$ or \\[...\\]; raises DeriveError for anything else, and for unknown LaTeX."""
    if FORMULA.sub("", latex).strip():
        raise DeriveError(f"no formula: {latex!r}")
    return Markup("").join(map(_shown, FORMULA.finditer(latex)))


def _shown(found: re.Match[str]) -> Markup:
    if found["inline"]:
        return _converted(found["inline"], False)
    return Markup('<span class="eq">{}</span>').format(_converted(found["display"], True))


@cache
def _converter() -> LatexToMathML:
    return LatexToMathML()


def _converted(latex: str, is_display: bool) -> Markup:
    try:
        found = _converter().convert_with_local_state(latex.replace(ROOM, ""), displaystyle=is_display)
        return Markup(PRIME.sub(r"<mrow>\1\2</mrow>", STYLE.sub("", found)))
    except LatexError as problem:
        raise DeriveError(f"no MathML for {latex!r}: {problem}") from problem
