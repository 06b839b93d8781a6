"""Pictures of pages: small, the same each time, text as text, and nothing of a drawing lost by squeezing it."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from samples import stored

from derive.proof import Proof
from derive.report.picture import picture, squeezed

DRAWN = """<?xml version="1.0"?>
<!DOCTYPE svg PUBLIC "x" "y">
<svg xmlns:xlink="http://www.w3.org/1999/xlink" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">
 <metadata>when</metadata>
 <defs><style type="text/css">*{stroke-linejoin: round}</style></defs>
 <g id="figure_1"><!-- words -->
  <path id="used" d="M 0.123456 1.96
L -2.04 3 " style="fill: none"/>
  <use xlink:href="#used" x="1.000001" style="fill: none"/>
  <text style="font: x" transform="rotate(-0 1 2)">a 0.25</text>
 </g>
</svg>
"""


def test_squeezed() -> None:
    assert squeezed(DRAWN) == (
        '<svg xmlns:xlink="http://www.w3.org/1999/xlink" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">'
        '<defs><style type="text/css">*{stroke-linejoin: round}.s0{fill: none}.s1{font: x}</style></defs>'
        '<g><path id="used" d="M 0.1 2 L -2 3" class="s0"/><use xlink:href="#used" x="1" class="s0"/>'
        '<text class="s1">a 0.25</text></g></svg> \n'
    )


@pytest.mark.parametrize("pair", ["bce-sigmoid", "mse-relu", "cce-softmax", "mae-relu"])
def test_a_picture(pair: str) -> None:
    pytest.importorskip("derive.report.plot")  # drawn there; without it a page has no picture
    shown = picture(Proof(stored(pair)))
    assert shown is not None and shown == picture(Proof(stored(pair)))
    root = ElementTree.fromstring(shown)
    words = {"".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text")}
    assert any(pair in w or w.startswith("∂J/∂z") for w in words)
    assert set(re.findall(r'(?:href="|url\()#(\w+)', shown)) <= set(re.findall(r'id="(\w+)"', shown))
    assert not re.findall(r"https?://(?!www\.w3\.org/)", shown) and "script" not in shown
