"""Sheets of several proofs as LaTeX, PDF, HTML or Markdown; imports the notations, runs latexmk on demand.

TeX runs in an empty temporary folder, may read and write nothing outside of it, and may start no program.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from derive.errors import DeriveError
from derive.proof import Proof
from derive.report import compare, latex, markdown, plot, typst

FORMATS = {".tex": "latex", ".pdf": "pdf", ".html": "html", ".md": "markdown"}
END = "\n\\end{document}\n"
SIZES = {"a4": ("a4paper", "210mm", "297mm"), "letter": ("letterpaper", "8.5in", "11in")}
SECONDS = 30.0, 2.0  # of a run of latexmk, and more for each pair
SHOWN = 300  # characters of an error message of TeX's
LATEXMK = (
    *("latexmk", "-norc", "-pdf", "-interaction=nonstopmode", "-halt-on-error", "-latexoption=-no-shell-escape"),
    "sheet.tex",
)
# Neither the day nor the name of the folder is in the PDF.
ENVIRONMENT = {"openin_any": "p", "openout_any": "p", "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1"}
REPRODUCIBLE = "\\pdftrailerid{}\n"


def sheets(proofs: Sequence[Proof], form: str, paper: str = "a4", engine: str = "typst", beside: bool = False) -> bytes:
    """The file: a section a proof, or, ``beside``, two proofs side by side; form: latex, pdf, html or markdown.

    Raises DeriveError where two proofs are not two, or what makes the PDF is not installed.
    """
    if beside and len(proofs) != 2:
        raise DeriveError(f"two pairs are put side by side, not {len(proofs)}")
    if form == "markdown":
        return _markdown(proofs, beside).encode("utf-8")
    if form == "html":
        return _html(proofs, beside).encode("utf-8")
    if form == "latex":
        return document(proofs, paper, beside).encode("ascii")
    if engine == "latex":
        assets = {compare.PLOT: plot.image(plot.figure(proofs, "size"), "pdf")} if beside else {}
        return compiled(document(proofs, paper, beside, bool(assets)), assets, len(proofs))
    if not beside:
        return typst.pdf(typst.document(proofs, paper))
    return typst.pdf(compare.as_typst(compare.comparison(*proofs), _drawing(proofs), paper))


def _drawing(proofs: Sequence[Proof]) -> str:
    return plot.image(plot.figure(proofs, "size"), "svg").decode("utf-8")


def _html(proofs: Sequence[Proof], beside: bool) -> str:
    from derive.report import html  # here, as only a page needs its packages

    return html.comparison_page(compare.comparison(*proofs), _drawing(proofs)) if beside else html.page(*proofs)


def _markdown(proofs: Sequence[Proof], beside: bool) -> str:
    if beside:
        return "\n".join(compare.as_markdown(compare.comparison(*proofs))) + "\n"
    return "\n\n---\n\n".join(map(markdown.markdown, proofs))


# ---- LaTeX -------------------------------------------------------------------------------------------


def document(proofs: Sequence[Proof], paper: str = "a4", beside: bool = False, has_plot: bool = False) -> str:
    """The sheets as one LaTeX document, each from a new page on."""
    if beside:
        bodies = ["\n".join(compare.as_latex(compare.comparison(*proofs), has_plot))]
    else:
        bodies = [latex.sheet(p).removeprefix(latex.PREAMBLE).removesuffix(END) for p in proofs]
    return _preamble(paper, has_plot) + "\n\\clearpage\n".join(bodies) + END


def _preamble(paper: str, has_plot: bool) -> str:
    if paper not in SIZES:
        raise DeriveError(f"no paper is called {paper!r}; there is {' and '.join(SIZES)}")
    name, wide, high = SIZES[paper]
    found = latex.PREAMBLE.replace("a4paper", name)
    if has_plot:
        found = found.replace("booktabs}", "booktabs,graphicx}")
    if paper == "a4":
        return found
    size = f"\\pdfpagewidth={wide} \\pdfpageheight={high}\n"  # article itself does not tell pdfTeX
    return found.replace("\\begin{document}", f"{size}\\setlength{{\\oddsidemargin}}{{7.5mm}}\n\\begin{{document}}")


def compiled(source: str, assets: Mapping[str, bytes], pairs: int = 1) -> bytes:
    """The PDF that latexmk makes of a document with its files; raises DeriveError with what TeX says."""
    with TemporaryDirectory(prefix="derive-") as name:
        folder = Path(name)
        (folder / "sheet.tex").write_text(REPRODUCIBLE + source, encoding="ascii")
        for file, content in assets.items():
            (folder / file).write_bytes(content)
        output = _run(folder, SECONDS[0] + SECONDS[1] * pairs)
        try:
            return (folder / "sheet.pdf").read_bytes()
        except OSError as problem:
            raise DeriveError(f"TeX made no PDF: {_complaint(output)[:SHOWN]}") from problem


def _complaint(output: str) -> str:
    """The errors of TeX in what latexmk says, or else what it says itself."""
    said = output.splitlines()
    errors = [line for line in said if line.startswith("!")] or [line for line in said if "latexmk:" in line.lower()]
    return " ".join(errors) or "it gave no reason"


def _run(folder: Path, seconds: float) -> str:
    """What latexmk says; it and what it started have ended."""
    environment = {**os.environ, **ENVIRONMENT, "HOME": str(folder), "TEXMFOUTPUT": str(folder)}
    try:
        process = subprocess.Popen(
            LATEXMK,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as problem:
        raise DeriveError("--engine latex needs latexmk and pdflatex; without it a PDF is made by typst") from problem
    try:
        return process.communicate(timeout=seconds)[0].decode("utf-8", "replace")
    except subprocess.TimeoutExpired as problem:
        raise DeriveError(f"TeX did not end within {seconds:g} s") from problem
    finally:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
