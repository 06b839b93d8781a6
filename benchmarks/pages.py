"""Sheets and pages: what the PDFs and the site take, how large the site is, and how soon Chromium shows a page."""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.common import ROOT, Report, in_a_fork, median, table
from derive import site
from derive.certificate import shipped
from derive.library import load_proof
from derive.report import typst
from derive.report.sheets import sheets

PAIRS = ("bce-sigmoid", "cce-softmax", "mae-identity", "huber-selu", "focal-softmax")
EVERY = 15  # page is loaded
LIMIT = 300  # CPU seconds
Row = tuple[str, str]


def report() -> Report:
    with tempfile.TemporaryDirectory() as folder:
        rows = [*_all_sheets(), *_sheets(), *_site(Path(folder) / "site"), *_loads(Path(folder) / "site")]
    return Report(table(("", ""), rows))


def _sheets() -> list[Row]:
    proofs = [load_proof(pair) for pair in PAIRS]
    times = [median(lambda p=proof: sheets([p], "pdf")) for proof in proofs]  # type: ignore[misc]
    return [("one PDF by Typst, warm, CPU", f"{1000 * min(times):.0f} to {1000 * max(times):.0f} ms")]


def _all_sheets() -> list[Row]:
    """Every pair in one document, by both engines; each in a process of its own, as Typst keeps what it has set.

    Before anything else: a process that has Typst's threads cannot be forked.
    """
    engines: dict[str, Callable[[], bytes]] = {
        "Typst": lambda: typst.pdf(typst.document([load_proof(pair) for pair in shipped()])),
        "LaTeX": lambda: sheets([load_proof(pair) for pair in shipped()], "pdf", engine="latex"),
    }
    found = {name: in_a_fork(lambda work=work: _cost(work), LIMIT) for name, work in engines.items()}  # type: ignore[misc]
    return [(f"all {len([*shipped()])} sheets by {name}", shown or "not done") for name, shown in found.items()]


def _cost(work: Callable[[], object]) -> str:
    work()
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(use.ru_utime + use.ru_stime for use in uses)
    return f"{seconds:.0f} s CPU, {max(use.ru_maxrss for use in uses) / 2**20:.1f} GiB"


def _site(folder: Path) -> list[Row]:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    site.write(str(folder))
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    files = [path for path in folder.rglob("*") if path.is_file()]
    largest = max(path.stat().st_size for path in folder.glob("pairs/*.html"))
    return [
        ("the site, every certificate re-checked", f"{wall:.0f} s, {after.ru_utime - before.ru_utime:.0f} s CPU"),
        ("its size", f"{sum(path.stat().st_size for path in files) / 1e6:.1f} MB in {len(files)} files"),
        ("its largest page of a pair", f"{largest / 1000:.0f} kB"),
    ]


def _loads(folder: Path) -> list[Row]:
    sys.path.append(str(ROOT / "tests"))
    from browser import Browser

    with Browser() as found:
        pages = sorted(folder.glob("pairs/*.html"))[::EVERY]
        times = [found.visit(page).milliseconds for page in pages]
        index = found.visit(folder / "index.html").milliseconds
    shown = f"{statistics.median(times):.0f} ms, at most {max(times):.0f} ms, of {len(times)}"
    return [("a page of a pair loads in Chromium within", shown), ("the matrix loads within", f"{index:.0f} ms")]
