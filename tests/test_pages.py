"""The site in a real Chromium: every page loads and complains of nothing, the filter filters, and all can be read."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser

from derive.certificate import shipped
from derive.library import index

ROOT = Path(__file__).parent.parent
MOST, MOST_OF_A_PAGE = 30_000_000, 150_000  # bytes
CELLS = len(index().losses) * len(index().activations)
SHOWN = "[...document.querySelectorAll('{} tr:not([hidden])')].length"
# the contrast of text and ground, as WCAG computes it
CONTRAST = """(() => {
  const part = (v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = (rgb) => [.2126, .7152, .0722].reduce((sum, weight, n) => sum + weight * part(rgb[n] / 255), .05);
  const colour = (e, name) => getComputedStyle(e)[name].match(/[0-9.]+/g).map(Number);
  const ground = (e) => {
    const found = colour(e, 'backgroundColor');
    return found[3] === 0 ? ground(e.parentElement) : found;
  };
  const ratio = (e) => {
    const both = [colour(e, 'color'), ground(e)].map(light);
    return Math.max(...both) / Math.min(...both);
  };
  const texts = document.querySelectorAll('a, li, dt, dd, td, th, p, label, h1, h2, summary, span, b, output');
  return Math.min(...[...texts].filter((e) => e.offsetParent).map(ratio));
})()"""

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The whole site, as ``derive atlas -o`` writes it; once, where several processes test."""
    shared = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    folder = shared / "pages"
    try:
        folder.mkdir()
    except FileExistsError:  # another process writes it: the folder of the site appears when it is complete
        wait_for(folder / "ended")
    else:
        command = [sys.executable, "-m", "derive", "atlas", "-o", str(folder / "site")]
        run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
        (folder / "ended").write_text(f"{run.returncode} {run.stderr}")
    assert (folder / "ended").read_text() == "0 "
    return folder / "site"


def wait_for(path: Path, seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path} does not come"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with Browser() as found:
        yield found


@pytest.fixture
def browser(tab: Browser) -> Browser:
    tab.scripts(True)
    tab.look(prefers_color_scheme="light")
    return tab


def loaded(browser: Browser, page: Path, fragment: str = "") -> None:
    """Load a page from the folder of the site, which asks for nothing outside of it and complains of nothing."""
    found = browser.visit(page, fragment)
    folder = page.parents[page.parent.name == "pairs"].resolve().as_uri()
    assert found.complaints == []
    assert all(url.startswith((folder, "data:,")) for url in found.requests), found.requests


@pytest.mark.parametrize("loss", index().losses)
def test_every_page_loads_and_fits_a_narrow_screen(browser: Browser, site: Path, loss: str) -> None:
    browser.look(360, 800)
    pages = sorted((site / "pairs").glob(f"{loss}-*.html"))
    assert [page.stem for page in pages] == [pair for pair in shipped() if pair.startswith(f"{loss}-")]
    for page in pages:
        loaded(browser, page)
        assert browser.value("document.documentElement.scrollWidth <= innerWidth"), f"{page.name} is too wide"


def test_the_site_is_small(site: Path) -> None:
    sizes = {path: path.stat().st_size for path in site.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < MOST
    assert max(size for path, size in sizes.items() if path.parent.name == "pairs") < MOST_OF_A_PAGE


# ---- the filter ----------------------------------------------------------------------------------------------


@pytest.fixture
def atlas(browser: Browser, site: Path) -> Browser:
    browser.visit(site / "pairs" / "mse-tanh.html")  # a page in between, so that the next load is one
    loaded(browser, site / "index.html")
    return browser


def shown(browser: Browser) -> tuple[int, list[str]]:
    """How many lines of the list are left, and the losses and activations of the matrix."""
    seen = "[...document.querySelectorAll('.matrix th:not([hidden])')].filter(e => e.offsetParent)"
    heads = browser.value(f"{seen}.map(e => e.textContent)")
    return browser.value(SHOWN.format(".list tbody")), heads


def test_nothing_is_hidden_at_first(atlas: Browser) -> None:
    assert shown(atlas) == (CELLS, [*index().activations, *index().losses])


def test_search_finds_by_slug_and_by_name(atlas: Browser) -> None:
    atlas.value("document.querySelector('[name=q]').focus()")
    atlas.type("Binary CROSS-entropy logistic")
    count, heads = shown(atlas)
    assert "bce" in heads and "sigmoid" in heads and "mse" not in heads and "identity" not in heads
    assert atlas.value("document.querySelector('output').textContent") == f"{count} of {CELLS} cells"


def test_kinds_are_filtered(atlas: Browser) -> None:
    atlas.value("document.querySelector('[name=kind][value=cancels]').click()")
    only = atlas.value("[...document.querySelectorAll('.list tbody tr:not([hidden])')].map(e => e.className)")
    assert only and set(only) == {"cancels"}
    assert atlas.value("document.querySelectorAll('.matrix td:not(.off)').length") == 1 + len(only)
    atlas.value("document.querySelector('[name=kind][value=multiple]').click()")
    more = atlas.value("[...document.querySelectorAll('.list tbody tr:not([hidden])')].map(e => e.className)")
    assert set(more) == {"cancels", "multiple"} and len(more) > len(only)


def test_show_all_takes_it_back(atlas: Browser) -> None:
    atlas.value("document.querySelector('[name=kind][value=open]').click()")
    assert shown(atlas)[0] < CELLS
    atlas.value("document.querySelector('button[type=reset]').click()")
    atlas.value("new Promise(done => setTimeout(done))")
    assert shown(atlas)[0] == CELLS


def test_what_is_nowhere_leaves_nothing(atlas: Browser) -> None:
    atlas.value("document.querySelector('[name=q]').focus()")
    atlas.type("<script>alert(1)</script>")
    assert shown(atlas) == (0, [])


def test_a_page_leads_to_all_with_its_loss(browser: Browser, site: Path) -> None:
    loaded(browser, site / "pairs" / "bce-sigmoid.html")
    href = browser.value("document.querySelector('nav a:nth-of-type(2)').getAttribute('href')")
    loaded(browser, site / "index.html", href.partition("html")[2])
    assert shown(browser) == (len(index().activations), [*index().activations, "bce"])


# ---- keys, and readers ---------------------------------------------------------------------------------------


def test_arrows_lead_from_pair_to_pair(atlas: Browser) -> None:
    active = "document.activeElement.getAttribute('href')"
    atlas.value("document.querySelector('.matrix a[href$=\"/bce-sigmoid.html\"]').focus()")
    atlas.press("ArrowRight")
    assert atlas.value(active) == "pairs/bce-halftanh.html"  # bce-tanh is no pair
    atlas.press("ArrowUp")
    assert atlas.value(active) == "pairs/msle-halftanh.html"
    atlas.press("ArrowDown")
    atlas.press("ArrowLeft")
    assert atlas.value(active) == "pairs/bce-sigmoid.html"
    atlas.press("Enter")
    atlas.value("new Promise(done => setTimeout(done, 500))")
    assert atlas.value("document.querySelector('h1').textContent") == "bce-sigmoid"


def test_the_first_key_skips_to_the_content(atlas: Browser) -> None:
    atlas.press("Tab")
    assert atlas.value("document.activeElement.className") == "skip"
    assert atlas.value("document.activeElement.getBoundingClientRect().left >= 0")


@pytest.mark.parametrize("name", ["index.html", "pairs/cce-softmax.html", "pairs/focal-normalize.html"])
def test_what_a_screen_reader_needs(browser: Browser, site: Path, name: str) -> None:
    loaded(browser, site / name)
    nodes = browser.ask("Accessibility.getFullAXTree")["nodes"]
    named = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"]
        and node["role"]["value"] in ("link", "searchbox", "combobox", "checkbox", "button", "region")
    ]
    assert named and all(words for _, words in named), named
    roles = [node["role"]["value"] for node in nodes if not node["ignored"]]
    assert roles.count("main") == 1 and "MathMLMath" in roles
    levels = browser.value("[...document.querySelectorAll('h1, h2, h3')].map(e => +e.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1 and 3 not in levels
    assert browser.value("document.documentElement.lang") == "en"
    names = browser.value("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", "pairs/cce-softmax.html"])
def test_contrast(browser: Browser, site: Path, name: str, scheme: str) -> None:
    browser.look(prefers_color_scheme=scheme)
    loaded(browser, site / name)
    ground = browser.value("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 22, 26)"}[scheme]
    assert browser.value(CONTRAST) >= 4.5


# ---- formulas ------------------------------------------------------------------------------------------------


def test_formulas_are_set_in_the_font_of_the_site(browser: Browser, site: Path) -> None:
    loaded(browser, site / "pairs" / "cce-softmax.html")
    fonts = browser.value("[...document.fonts].map(f => f.family + ', ' + f.status)")
    assert [font.replace('"', "") for font in fonts] == ["Derive Math, loaded"]
    assert "Derive Math" in browser.value("getComputedStyle(document.querySelector('math')).fontFamily")


def test_a_wide_formula_scrolls_and_is_not_cut(browser: Browser, site: Path) -> None:
    browser.look(360, 800)
    loaded(browser, site / "pairs" / "expectile-mish.html")
    wide = browser.value(
        "[...document.querySelectorAll('.eq')].map(e => { e.scrollLeft = 1e6; const box = e.getBoundingClientRect();"
        " return [e.scrollWidth > e.clientWidth, e.firstChild.getBoundingClientRect().right <= box.right + 1,"
        " box.right <= innerWidth, e.scrollHeight <= e.clientHeight + 1, e.tabIndex] })"
    )
    assert any(row[0] for row in wide) and not all(row[0] for row in wide)
    assert all(row[1:4] == [True, True, True] for row in wide)
    assert all((row[4] == 0) == row[0] for row in wide)  # the keyboard reaches what scrolls


def test_no_formula_is_wider_than_a_wide_screen(browser: Browser, site: Path) -> None:
    for name in ("bce-sigmoid", "cce-softmax", "mse-relu", "expectile-mish"):
        loaded(browser, site / "pairs" / f"{name}.html")
        assert browser.value("[...document.querySelectorAll('.eq')].every(e => e.scrollWidth <= e.clientWidth)"), name


def test_without_script_all_can_be_read(browser: Browser, site: Path) -> None:
    browser.scripts(False)
    loaded(browser, site / "index.html")
    browser.scripts(True)  # for the questions asked here; those of the page have not run
    assert browser.value("document.querySelector('form').offsetParent === null")
    assert shown(browser) == (CELLS, [*index().activations, *index().losses])


def test_a_printed_page_has_no_more_than_the_proof(browser: Browser, site: Path) -> None:
    loaded(browser, site / "pairs" / "mse-tanh.html")
    browser.ask("Emulation.setEmulatedMedia", media="print")
    visible = browser.value(
        "['nav', 'aside', 'footer', 'article', '.steps'].map(e => document.querySelector(e).offsetParent !== null)"
    )
    browser.ask("Emulation.setEmulatedMedia", media="")
    assert visible == [False, False, False, True, True]


def test_latex_is_copied_or_selected(browser: Browser, site: Path) -> None:
    loaded(browser, site / "pairs" / "mse-tanh.html")
    browser.value("document.querySelector('.copy').open = true; document.querySelector('.copy button').click()")
    browser.value("new Promise(done => setTimeout(done, 100))")
    assert browser.value("document.querySelector('.copy button').textContent") in ("Copied", "Selected")
    assert browser.value("document.querySelector('.copy code').textContent").startswith("\\begin{aligned}\nJ &= ")


def test_a_page_of_its_own(browser: Browser, tmp_path: Path) -> None:
    target = tmp_path / "found.html"
    options = ["--loss", "(h - y)^4/4", "--activation", "tanh(z)", "-o", str(target)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "derive", "prove", *options], check=True, env=environment)
    found = browser.visit(target)
    assert found.complaints == [] and {url.partition(":")[0] for url in found.requests} == {"file", "data"}
    assert len([url for url in found.requests if url.startswith("file:")]) == 1
    assert browser.value("[...document.fonts].every(f => f.status === 'loaded')")
