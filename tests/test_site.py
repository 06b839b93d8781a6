"""The site: what lies in its folder, that the folder is replaced whole or not at all, and the command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from derive import site, survey
from derive.certificate import file_name, folder
from derive.errors import CertificateError, DeriveError, UnknownName
from derive.library import index
from derive.site import PARTS, write

ROOT = Path(__file__).parent.parent
ADDRESS = re.compile(r'(?:href|src)="([^"]*)"')


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of one loss."""
    target = tmp_path_factory.mktemp("site") / "bce"
    assert write(str(target), loss="bce") == len(list((target / "pairs").iterdir()))
    return target


def files(target: Path) -> dict[str, bytes]:
    return {str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file()}


def test_every_pair_has_its_page_and_its_certificate(pages: Path) -> None:
    pairs = [cell["pair"] for cell in json.loads((pages / "atlas.json").read_text())["cells"] if cell["why"] is None]
    assert "bce-sigmoid" in pairs and "bce-identity" not in pairs
    assert sorted(p.name for p in (pages / "pairs").iterdir()) == sorted(f"{pair}.html" for pair in pairs)
    for pair in pairs:
        assert (pages / "certificates" / f"{pair}.json").read_bytes() == (folder() / f"{pair}.json").read_bytes()


def test_every_address_is_of_a_file_in_the_folder(pages: Path) -> None:
    for page in pages.rglob("*.html"):
        for address in ADDRESS.findall(page.read_text(encoding="utf-8")):
            parts = urlsplit(address)
            if parts.scheme == "data" or address.startswith("#"):
                continue
            found = (page.parent / unquote(parts.path)).resolve()
            assert not parts.netloc and not parts.scheme and found.is_relative_to(pages.resolve()) and found.is_file()


def test_the_matrix_and_the_list_have_every_cell(pages: Path) -> None:
    text = (pages / "index.html").read_text(encoding="utf-8")
    for tag in ("td", "tr"):
        assert len(re.findall(rf'<{tag} class="[a-z]+">', text)) == len(index().activations)
    assert 'aria-label="bce-sigmoid, cancels"' in text
    assert "0 &lt; h is needed, and h = 0 at z = 0" in text


def test_neighbours_are_by_kind(pages: Path) -> None:
    text = (pages / "pairs" / "bce-sigmoid.html").read_text(encoding="utf-8")
    assert 'href="bce-sigmoid.html" aria-current="page"' in text and 'href="bce-halftanh.html"' in text
    near = text[text.index("bce with other activations") :]
    marks = re.findall(r'<dt class="([a-z]+)">|<a href="bce-([a-z]+)\.html"', near)
    shown = [label or name for label, name in marks]
    assert shown[:4] == ["cancels", "sigmoid", "multiple", "halftanh"] and shown[4:6] == ["residual", "probit"]


def test_the_same_certificates_give_the_same_bytes(pages: Path, tmp_path: Path) -> None:
    write(str(tmp_path / "again"), loss="bce", jobs=2)
    assert files(tmp_path / "again") == files(pages)


def test_the_site_of_an_activation(tmp_path: Path) -> None:
    write(str(tmp_path / "site"), activation="linear")
    found = json.loads((tmp_path / "site" / "atlas.json").read_text())
    assert found["activations"] == ["identity"] and found["losses"] == list(index().losses)


# ---- the folder ----------------------------------------------------------------------------------------------


def test_an_older_site_is_replaced(pages: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    write(str(target), activation="identity")
    write(str(target), loss="bce")
    assert files(target) == files(pages)
    assert [p.name for p in tmp_path.iterdir()] == ["site"]


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    assert write(str(tmp_path), loss="bce", activation="sigmoid") == 1
    assert {p.name for p in tmp_path.iterdir()} == PARTS


def test_a_link_to_a_folder_stays_one(tmp_path: Path) -> None:
    (tmp_path / "true").mkdir()
    (tmp_path / "link").symlink_to("true")
    write(str(tmp_path / "link"), loss="bce", activation="sigmoid")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "true" / "index.html").is_file()


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("ten years")
    with pytest.raises(DeriveError, match=r"holds other files, such as 'thesis\.tex'"):
        write(str(tmp_path), loss="bce", activation="sigmoid")
    assert files(tmp_path) == {"thesis.tex": b"ten years"}


@pytest.mark.parametrize("place", ["file", "file/site", "/proc/nowhere/site"])
def test_a_folder_that_cannot_be_written(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DeriveError, match="cannot write"):
        write(str(tmp_path / place), loss="bce", activation="sigmoid")
    assert files(tmp_path) == {"file": b"mine"}


def test_what_goes_wrong_on_the_way_leaves_the_old_site(pages: Path, tmp_path: Path) -> None:
    def stops(answers: Iterator[Any], total: int) -> Iterator[Any]:
        yield next(answers)
        raise KeyboardInterrupt

    target = tmp_path / "site"
    write(str(target), loss="bce")
    with pytest.raises(KeyboardInterrupt):
        write(str(target), loss="mse", watch=stops)
    assert files(target) == files(pages) and [p.name for p in tmp_path.iterdir()] == ["site"]


def test_a_certificate_that_does_not_hold_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "certificates"
    kept.mkdir()
    text = (folder() / file_name("bce-sigmoid", False)).read_text()
    (kept / "bce-sigmoid.json").write_text(text.replace('"value": "h - y"', '"value": "h + y"'))
    monkeypatch.setattr(survey, "folder", lambda: kept)
    with pytest.raises(CertificateError, match="bce-sigmoid does not hold"):
        write(str(tmp_path / "site"), loss="bce", activation="sigmoid")
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("name", ["../../evil", "a/b-c", "a-b.html", "-a", "a-b\n", "a-<b>", "..", "a-é"])
def test_no_name_leaves_the_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"pair": name, "article": "", "plot": None, "shown": "", "names": ["", ""], "answer": "yes"}
    monkeypatch.setattr(site, "checked", lambda *given: iter([row]))
    with pytest.raises(CertificateError, match="no name of a pair"):
        write(str(tmp_path / "in" / "site"))
    assert files(tmp_path) == {}


def test_an_unknown_loss(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean bce"):
        write(str(tmp_path / "site"), loss="bcee")


# ---- the command line ----------------------------------------------------------------------------------------


def derive(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "derive", *arguments],
        capture_output=True,
        encoding="utf-8",
        cwd=cwd,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
    )


def test_derive_atlas_writes_a_site(tmp_path: Path) -> None:
    run = derive("atlas", "--loss", "bce", "--activation", "sigmoid", "-o", "site", cwd=tmp_path)
    assert (run.returncode, run.stdout, run.stderr) == (0, "site/index.html: 1 pairs\n", "")
    assert {p.name for p in (tmp_path / "site").iterdir()} == PARTS


@pytest.mark.parametrize("flag", ["--json", "--fresh"])
def test_a_site_is_no_json_and_not_fresh(flag: str, tmp_path: Path) -> None:
    run = derive("atlas", flag, "-o", str(tmp_path / "site"))
    assert run.returncode == 2 and run.stderr.startswith("derive: a site is written from the stored proofs")


@pytest.mark.parametrize(
    "arguments",
    [
        ["bce-sigmoid"],
        ["prove", "--loss", "w*(h - y)^2/2", "--activation", "tanh(z)", "--param", "w > 0"],
        ["match", "--activation", "tanh"],
        ["theorem", "canonical-link"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_html_by_the_suffix_and_by_the_format(arguments: list[str], tmp_path: Path) -> None:
    run = derive(*arguments, "-o", str(tmp_path / "found.html"))
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    written = (tmp_path / "found.html").read_text(encoding="utf-8")
    assert written.startswith("<!doctype html>") and "<math" in written
    assert derive(*arguments, "--format", "html").stdout == written


def test_a_page_of_a_stored_proof_needs_no_sympy() -> None:
    program = (
        "import sys\nfrom derive.cli import app\napp(['bce-sigmoid', '--format', 'html'], standalone_mode=False)\n"
    )
    program += "sys.exit('sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True).returncode == 0


def test_without_its_packages_html_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "math_core.py").write_text("raise ImportError('none')")
    run = subprocess.run(
        [sys.executable, "-m", "derive", "bce-sigmoid", "--format", "html"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "derive: HTML needs jinja2 and math-core; install them with: pip install 'derive[html]'\n"
