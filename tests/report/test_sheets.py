"""Sheets of several proofs, two proofs side by side, both engines, and the commands that write them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from samples import stored
from test_typst import HOSTILE
from test_typst import compiled as by_typst

from derive.errors import DeriveError
from derive.proof import Proof
from derive.report.compare import as_latex, as_markdown, as_typst, comparison
from derive.report.sheets import compiled, document, sheets
from derive.report.typst import document as typst_document

PAIRS = ("bce-sigmoid", "mse-sigmoid")
COMPARED = [
    PAIRS,
    ("cce-softmax", "mse-softmax"),
    ("mae-relu", "huber-tanh"),
    ("bce-sigmoid", "cce-softmax"),
    PAIRS[:1] * 2,
]


def proofs(*pairs: str) -> list[Proof]:
    return [Proof(stored(pair)) for pair in pairs]


def derive(*arguments: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "derive", *arguments]
    return subprocess.run(command, capture_output=True, cwd=folder, env=environment, timeout=100)


# ---- documents


def test_every_pair_has_its_section() -> None:
    found = document(proofs(*PAIRS, "cce-softmax"))
    assert found.count("\\documentclass") == found.count("\\end{document}") == 1 and found.count("\\clearpage") == 2
    assert re.findall(r"\\bfseries ([a-z-]+)}", found) == [*PAIRS, "cce-softmax"]
    found = typst_document(proofs(*PAIRS))
    assert re.findall(r"^= (.*)$", found, re.MULTILINE) == ["bce\\-sigmoid", "mse\\-sigmoid"]


def test_one_sheet_is_what_the_pair_prints() -> None:
    from derive.report.latex import sheet

    (proof,) = proofs("mse-sigmoid")
    assert document([proof]) == sheet(proof)


def test_markdown_of_several_pairs() -> None:
    found = sheets(proofs(*PAIRS), "markdown").decode()
    assert [row for row in found.splitlines() if row.startswith("# ")] == ["# bce-sigmoid", "# mse-sigmoid"]


def test_an_unknown_paper_is_refused() -> None:
    with pytest.raises(DeriveError, match="a4 and letter"):
        document(proofs("mse-sigmoid"), "a5")


# ---- side by side


def test_where_two_proofs_part() -> None:
    found = comparison(*proofs(*PAIRS))
    assert [stage.key for stage in found.stages if stage.is_shared] == [("h",), ("h", "z")]
    assert [len(stage.steps[0]) for stage in found.stages] == [1, 1, 2, 2, 2, 1]
    assert "".join(p for p in found.parting if isinstance(p, str)) == "The same in both: , . They part at ."
    assert all(found.proofs[n].steps[s.n - 1] is s for stage in found.stages for n in (0, 1) for s in stage.steps[n])


def test_the_numbers_of_a_comparison() -> None:
    rows = comparison(*proofs(*PAIRS)).values
    assert rows[0] == ("-6", "0.99753", "0.99753", "0.99753", "0.00246") and [row[0] for row in rows][3] == "0"


def test_the_numbers_of_vectors_are_those_of_the_first_class() -> None:
    found = as_typst(comparison(*proofs("cce-softmax", "mse-softmax")))
    assert "abs(h_(1) - y_(1))" in found and "partial z_(1)" in found and "y_(1) = 1" in found


def test_a_proof_and_itself_do_not_part() -> None:
    found = comparison(*proofs(*PAIRS[:1] * 2))
    assert found.parting == ("The two derivations are the same, step by step.",)


@pytest.mark.parametrize("pairs", COMPARED, ids=" ".join)
def test_every_notation_shows_every_step(pairs: tuple[str, str]) -> None:
    found = comparison(*proofs(*pairs))
    steps = sum(len(proof.steps) for proof in found.proofs)
    texts = as_typst(found), "\n".join(as_latex(found)), "\n".join(as_markdown(found))
    for text, start in zip(texts, (r"\[\\\((\d+)\\\) ", r"strut \((\d+)\) ", r"\| \((\d+)\) "), strict=True):
        assert len(re.findall(start, text)) == steps
        assert text.count("=") > steps
    assert by_typst(texts[0]) == []


def test_a_table_in_markdown_has_as_many_cells_in_every_row() -> None:
    rows = "\n".join(as_markdown(comparison(*proofs(*PAIRS)))).split("\n\n")
    tables = [block.splitlines() for block in rows if block.startswith("|")]
    assert [{row.count(" | ") for row in table} for table in tables] == [{3}, {2}]


def test_two_are_needed() -> None:
    with pytest.raises(DeriveError, match="not 1"):
        sheets(proofs("bce-sigmoid"), "pdf", beside=True)


def test_a_comparison_in_typst_is_the_same_twice_and_has_its_plot() -> None:
    found = [sheets(proofs(*PAIRS), "pdf", beside=True) for _ in range(2)]
    assert found[0] == found[1] and len(found[0]) > len(sheets(proofs(*PAIRS[:1] * 2), "pdf")) / 4


def test_hostile_names_side_by_side(samples: Mapping[str, Proof]) -> None:
    pair = [Proof(samples[name].checked) for name in PAIRS]
    for pair[0].pair in HOSTILE:
        by_typst(as_typst(comparison(*pair)))
        body = "\n".join(as_latex(comparison(*pair)))
        assert not re.search(r"read\(\"|\\u\{|`|#|~", body)


# ---- LaTeX as an engine


@pytest.mark.tex
@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_latexmk_makes_the_same_bytes_twice(paper: str) -> None:
    found = [sheets(proofs("mse-sigmoid"), "pdf", paper, "latex") for _ in range(2)]
    assert found[0] == found[1] and found[0].startswith(b"%PDF")


@pytest.mark.tex
def test_latexmk_makes_a_comparison_with_its_plot() -> None:
    assert sheets(proofs(*PAIRS), "pdf", engine="latex", beside=True).startswith(b"%PDF")


@pytest.mark.tex
def test_many_sheets_in_one_run_of_latexmk() -> None:
    assert sheets(proofs(*PAIRS, "mae-softmax", "tversky-cauchit"), "pdf", engine="latex").startswith(b"%PDF")


@pytest.mark.tex
@pytest.mark.parametrize(
    "attack",
    [
        r"\input{/etc/passwd}",
        r"\openin1=/etc/passwd \ifeof1 \errmessage{refused}\fi",
        r"\immediate\openout1=/tmp/derive-was-here \immediate\write1{x}\immediate\closeout1",
        r"\immediate\openout1=../derive-was-here \immediate\write1{x}\immediate\closeout1",
    ],
)
def test_tex_reads_and_writes_only_its_folder(attack: str) -> None:
    with pytest.raises(DeriveError, match="TeX made no PDF: !"):
        compiled(f"\\documentclass{{article}}\\begin{{document}}x{attack}\\end{{document}}", {})
    assert not Path("/tmp/derive-was-here").exists()


@pytest.mark.tex
def test_tex_starts_no_program(tmp_path: Path) -> None:
    target = tmp_path / "made"
    source = rf"\documentclass{{article}}\begin{{document}}x\immediate\write18{{touch {target}}}\end{{document}}"
    assert compiled(source, {}).startswith(b"%PDF") and not target.exists()


def test_no_latexmk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DeriveError, match="needs latexmk and pdflatex"):
        sheets(proofs("mse-sigmoid"), "pdf", engine="latex")


# ---- commands


def test_sheet_writes_by_the_suffix(tmp_path: Path) -> None:
    starts = {".pdf": b"%PDF", ".tex": b"\\documentclass", ".html": b"<!doctype html>", ".md": b"# bce-sigmoid"}
    for suffix, start in starts.items():
        run = derive("sheet", *PAIRS, "-o", f"a{suffix}", folder=tmp_path)
        assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
        assert (tmp_path / f"a{suffix}").read_bytes().startswith(start)
    assert {path.name for path in tmp_path.iterdir()} == {f"a{suffix}" for suffix in starts}


def test_sheet_without_a_file_is_latex(tmp_path: Path) -> None:
    run = derive("sheet", "mse-sigmoid", folder=tmp_path)
    assert run.stdout.decode() == document(proofs("mse-sigmoid")) and not [*tmp_path.iterdir()]


def test_plot_writes_by_the_suffix(tmp_path: Path) -> None:
    for suffix, start in ((".svg", b"<?xml"), (".png", b"\x89PNG")):
        run = derive("plot", *PAIRS, "--what", "factor", "-o", f"a{suffix}", folder=tmp_path)
        assert (run.returncode, run.stderr) == (0, b"") and (tmp_path / f"a{suffix}").read_bytes().startswith(start)


def test_a_pair_of_the_users_own(tmp_path: Path) -> None:
    own = ("--loss", "c*(h - y)^4", "--activation", "tanh(z)", "--param", "c > 0")
    assert derive("sheet", "--compare", "mse-tanh", *own, "-o", "a.pdf", folder=tmp_path).returncode == 0
    assert derive("plot", *own, "-o", "a.svg", folder=tmp_path).returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"a.pdf", "a.svg"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("sheet",), "give pairs such as bce-sigmoid"),
        (("sheet", "--loss", "mse"), "give pairs such as bce-sigmoid"),
        (("sheet", "bce-sigmod"), "did you mean bce-sigmoid"),
        (("sheet", "bce-sigmoid", "-o", "x.docx"), "must end in .tex, .pdf, .html, .md"),
        (("sheet", "bce-sigmoid", "-o", "no/x.pdf"), "cannot write no/x.pdf"),
        (("sheet", "--compare", "bce-sigmoid", "-o", "x.pdf"), "not 1"),
        (("plot", "focal-sigmoid", "--what", "factor"), "focal-sigmoid has no factor"),
        (("plot", "bce-sigmoid", "-o", "x.gif"), "must end in .svg, .png, .pdf"),
        (("plot", *PAIRS * 4), "1 to 7 pairs"),
    ],
)
def test_bad_input_is_one_plain_line(arguments: tuple[str, ...], complaint: str, tmp_path: Path) -> None:
    run = derive(*arguments, folder=tmp_path)
    assert (run.returncode, run.stdout) == (2, b"") and run.stderr.count(b"\n") == 1
    assert complaint in run.stderr.decode() and not [*tmp_path.iterdir()]


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    from derive.files import replace

    (tmp_path / "folder").mkdir()
    with pytest.raises(DeriveError, match="cannot write"):
        replace(str(tmp_path / "folder"), b"x")
    replace(str(tmp_path / "file"), b"old")
    replace(str(tmp_path / "file"), b"new")
    assert {path.name: path.is_dir() or path.read_bytes() for path in tmp_path.iterdir()} == {
        "folder": True,
        "file": b"new",
    }


@pytest.mark.parametrize("name", ["a b.pdf", "$(id).pdf", "-x.pdf", "é.pdf", "\x1b[31m.pdf", "%n.pdf"])
def test_a_strange_file_name_is_just_a_name(name: str, tmp_path: Path) -> None:
    run = derive("sheet", "mse-sigmoid", f"--output={name}", folder=tmp_path)
    assert run.returncode == 0 and [path.name for path in tmp_path.iterdir()] == [name]
