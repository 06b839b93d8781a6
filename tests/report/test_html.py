"""Web pages: every formula becomes MathML, nothing foreign gets in, and a page of its own needs nothing else."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from samples import CORE, SPREAD, stored
from strategies import terms

from derive import theorems
from derive.certificate import dumps, loads
from derive.errors import DeriveError
from derive.matched import Match
from derive.matching import match
from derive.proof import Proof
from derive.report import html
from derive.report.compare import comparison
from derive.report.html import Article, alone, article, body, comparison_page, match_page, page, say, theorem_page
from derive.report.latex import latex
from derive.report.mathml import Markup, mathml
from derive.term import Term

ELEMENTS = {
    *("math", "mi", "mn", "mo", "mtext", "mspace", "mrow", "mfrac", "msqrt", "msub", "msup", "msubsup", "munder"),
    *("munderover", "mtable", "mtr", "mtd", "mpadded"),
}
VOID = {"meta", "link", "img", "input", "br"}
HOSTILE = [
    *("<script>alert(x)</script>", "<img src=x onerror=alert(x)>", "</pre></main>", '" onload="alert(x)', "{{ 7*7 }}"),
    *(r"\input{/etc/passwd}", "$\\href{javascript:alert(x)}{x}$", "\x1b[31mred\x1b[0m", "&lt;b&gt;"),
]


class Reader(HTMLParser):
    """The tags in their order, with their attributes; fails where they are not nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def values(self, tag: str, name: str) -> list[str | None]:
        return [found[name] for t, found in self.tags if t == tag and name in found]


def tree(shown: str) -> ElementTree.Element:
    return ElementTree.fromstring(shown.replace("&ApplyFunction;", "\u2061"))


# ---- formulas ------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(terms())
def test_every_term_becomes_mathml(term: Term) -> None:
    found = tree(f"<p>{mathml(f'${latex(term)}$')}</p>")
    assert {element.tag for element in found.iter()} <= ELEMENTS | {"p"}
    assert all(set(element.attrib).isdisjoint({"style", "href", "class"}) for element in found.iter())


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("$h - y$", "<math><mi>h</mi><mo>−</mo><mi>y</mi></math>"),
        ("$F''$", "<math><mrow><mi>F</mi><mo>″</mo></mrow></math>"),
        (r"$\frac{h}{2}$", "<math><mfrac><mi>h</mi><mn>2</mn></mfrac></math>"),
        (
            "\\[\nz_k\n\\]",
            '<span class="eq"><math display="block"><msub><mi>z</mi><mi>k</mi></msub></math></span>',
        ),
    ],
)
def test_mathml(source: str, shown: str) -> None:
    assert mathml(source) == shown


def test_rows_of_cases_and_of_broken_lines_are_rows_of_a_table() -> None:
    cases = tree(
        mathml(r"$\begin{cases} \displaystyle \frac{z}{2} & \text{if } z \\[1ex] 0 & \text{otherwise} \end{cases}$")
    )
    assert [len(row) for row in cases.iter("mtr")] == [2, 2]
    assert "ex" not in "".join(cases.itertext())
    broken = tree(mathml("\\[\n\\begin{aligned}\nJ &= h \\\\\n&\\quad {}+ y\n\\end{aligned}\n\\]"))
    assert [len(row) for row in broken.iter("mtr")] == [2, 2]


@pytest.mark.parametrize("source", ["h", "$h$ and y", r"$\nonsense$", r"$\frac{h}$", "$h", "<b>"])
def test_what_is_no_formula_is_refused(source: str) -> None:
    with pytest.raises(DeriveError):
        mathml(source)


def test_the_font_has_every_character_of_every_formula() -> None:
    font = TTFont(BytesIO((html.HERE / "assets" / html.FONT).read_bytes()))
    known = set(font.getBestCmap())
    for pair in (*CORE, *SPREAD):
        for shown in re.findall(r"<math.*?</math>", body(article(Proof(stored(pair)))), re.DOTALL):
            single = {element.text for element in tree(shown).iter("mi") if len(element.text or "") == 1}
            assert {ord(c) for c in "".join(tree(shown).itertext())} <= known, pair
            assert {slanted(letter) for letter in single if letter} <= known, pair
    assert {"MATH", "GSUB"} <= set(font.keys())
    assert "Latin Modern" not in {str(font["name"].getDebugName(n)) for n in (1, 4, 6)}  # as the licence asks


def slanted(letter: str) -> int:
    """What a browser shows for a single letter: the italic one of mathematics."""
    if letter == "h":
        return 0x210E
    for first, last, start in (("A", "Z", 0x1D434), ("a", "z", 0x1D44E), ("Α", "Ω", 0x1D6E2), ("α", "ω", 0x1D6FC)):
        if first <= letter <= last:
            return start + ord(letter) - ord(first)
    return {"∂": 0x1D715, "ϵ": 0x1D716, "ϕ": 0x1D719}.get(letter, ord(letter))


# ---- pages ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", (*CORE, *SPREAD))
def test_a_page_of_its_own_asks_for_nothing(pair: str) -> None:
    found = Reader(page(Proof(stored(pair))))
    addresses = [v for tag, values in found.tags for k, v in values.items() if k in ("src", "href", "srcset", "action")]
    assert all(str(v).startswith(("#", "data:")) for v in addresses)
    assert "script" not in dict(found.tags) and not [k for _, v in found.tags for k in v if k.startswith("on")]
    (policy,) = [v["content"] for t, v in found.tags if t == "meta" and v.get("http-equiv")]
    assert policy and policy.startswith("default-src 'none'") and "http" not in policy


def test_references_lead_to_steps() -> None:
    for pair in (*CORE, *SPREAD):
        found = Reader(page(Proof(stored(pair))))
        places = {f"#{v['id']}" for _, v in found.tags if "id" in v}
        assert {v for v in found.values("a", "href") if str(v).startswith("#")} <= places, pair


def test_every_step_is_there_with_its_reason() -> None:
    proof = Proof(stored("cce-softmax"))
    found = article(proof)
    assert [n for n, _, _ in found.steps] == [step.n for step in proof.steps]
    assert found.steps[-1][1].startswith('Use in (<a href="#step-10">10</a>) the condition <math>')
    assert found.label == "conditional" and len(found.hypotheses or ()) == 1
    assert found.latex == proof.to_latex()


@pytest.mark.parametrize(
    ("pair", "labels"),
    [
        ("mse-sigmoid", {"Why", "Factor", "Curvature", "Witness"}),
        ("mae-relu", {"Regions", "Kink", "Border", "Witness"}),
        ("hinge-identity", {"Regions", "Witness"}),
    ],
)
def test_what_a_page_says(pair: str, labels: set[str]) -> None:
    assert labels <= {label for label, _ in article(Proof(stored(pair))).notes}


def test_the_certificate_is_in_the_page() -> None:
    proof = Proof(stored("mse-tanh"))
    (address,) = [v for v in Reader(page(proof)).values("a", "href") if str(v).startswith("data:application/json")]
    text = base64.b64decode(str(address).partition(",")[2]).decode("ascii")
    assert text == dumps(proof.checked) and loads(text).certificate.pair == "mse-tanh"


def leads(found: Reader) -> list[str]:
    """The places that links of a page lead to; each place has one name, and each link leads to a place."""
    places = [v["id"] for _, v in found.tags if "id" in v]
    assert len(places) == len({*places})
    links = [str(v)[1:] for v in found.values("a", "href") if str(v).startswith("#")]
    labels = [str(v["aria-labelledby"]) for _, v in found.tags if "aria-labelledby" in v]
    assert {*links, *labels} <= {*places}
    return links


def test_several_proofs_on_a_page_refer_to_their_own_steps() -> None:
    proofs = [Proof(stored(pair)) for pair in ("bce-sigmoid", "cce-softmax", "mae-identity")]
    found = Reader(page(*proofs))
    alone_on_it = [Reader(page(proof)) for proof in proofs]
    assert sum(len(leads(one)) - 1 for one in alone_on_it) == len(leads(found)) - 1  # one leads to the content
    assert len([v for v in found.values("a", "download")]) == 3


def test_two_proofs_side_by_side_as_a_page() -> None:
    proofs = [Proof(stored(pair)) for pair in ("bce-sigmoid", "mae-identity")]
    shown = comparison_page(comparison(*proofs), "<svg/>")
    found = Reader(shown)
    assert {f"step-{step.n}" for step in proofs[0].steps} < {v.get("id") for _, v in found.tags}
    assert {f"1-step-{step.n}" for step in proofs[1].steps} < {v.get("id") for _, v in found.tags}
    assert leads(found) and found.values("img", "src") == ["data:image/svg+xml;base64,PHN2Zy8+"]
    assert all(say(row[1]) in shown for row in comparison(*proofs).notes)


@pytest.mark.parametrize("attack", HOSTILE)
def test_text_stays_text(attack: str) -> None:
    calm = Article("x", "x", given=[("x", Markup("x"))], latex="x", plot="x")
    wild = Article(attack, attack, given=[(attack, say((attack,)))], latex=attack, plot=attack)
    before, after = Reader(alone("x", (calm, None))), Reader(alone(attack, (wild, None)))
    assert [tag for tag, _ in before.tags] == [tag for tag, _ in after.tags]
    assert [set(v) for _, v in before.tags] == [set(v) for _, v in after.tags]
    shown = attack.replace("\x1b", "\ufffd")
    assert [text.replace(shown, "x") for text in after.texts] == before.texts


def test_a_hostile_name_of_a_match_stays_text() -> None:
    found = Reader(match_page(Match("z", reason="<b>no</b>", name="<script>alert(x)</script>")))
    assert "script" not in dict(found.tags) and "b" not in dict(found.tags)
    assert "<script>alert(x)</script>" in "".join(found.texts)


def test_a_matching_loss() -> None:
    found = match("tanh")
    shown = match_page(found)
    assert Reader(shown).values("li", "id") == [f"step-{step.n}" for step in found.steps]
    assert html.of_match(found).label == "cancels" and "Yes, proved" in shown
    assert html.of_match(Match("z")).label == "undecided"


@pytest.mark.parametrize("name", theorems.names())
def test_a_theorem(name: str) -> None:
    found = theorems.theorem(name)
    shown = Reader(theorem_page(found))
    steps = shown.values("li", "id")
    assert len(steps) == len(found.chain.lines)
    assert {str(v)[1:] for v in shown.values("a", "href") if str(v).startswith("#")} <= {*steps, "content"}
    assert {"Theorem", "Functions", "Source"} <= {text.strip() for text in shown.texts}


def test_the_same_proof_gives_the_same_bytes() -> None:
    assert page(Proof(stored("mse-relu"))) == page(Proof(stored("mse-relu")))


def test_what_a_site_needs_is_json() -> None:
    found = html.parts(Proof(stored("mse-tanh")))
    assert json.loads(json.dumps(found)) == found
    assert found["names"] == ["half squared error", "hyperbolic tangent"]
    assert tree(found["shown"]).tag == "math"


def test_the_files_of_a_site_are_there() -> None:
    folder = Path(html.__file__).parent / "assets"
    assert {path.name for path in folder.iterdir()} == set(html.FILES)
    assert "http" not in (folder / "style.css").read_text() + (folder / "site.js").read_text()
