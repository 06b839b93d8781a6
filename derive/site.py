"""The atlas as a folder of web pages that need nothing else; imports survey, library and report.html.

The folder is written beside and then takes its place; one that holds anything else than such a site is left alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from derive.errors import CertificateError, DeriveError
from derive.library import chosen, index
from derive.report import html
from derive.report.mathml import Markup
from derive.report.table import MARKS, fact
from derive.survey import Atlas, Cell, Watch, assembled, checked, kept, stored_text

PARTS = {"index.html", "atlas.json", "pairs", "certificates", "plots", *html.FILES}
Pages: TypeAlias = Mapping[str, Mapping[str, Any]]
Neighbours: TypeAlias = Mapping[str, Mapping[str, Sequence[Cell]]]  # by slug and label
SAFE = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)+")  # names of pairs that are names of files


def write(
    folder: str,
    loss: str | None = None,
    activation: str | None = None,
    jobs: int | None = None,
    watch: Watch = lambda answers, total: answers,
) -> int:
    """Write the site, or that of one loss or activation, from shipped certificates that are re-checked.

    Returns the number of pairs. Raises UnknownName for a slug that is none, CertificateError where a certificate does
    not hold, DeriveError where the folder cannot be written or holds other files.
    """
    found = chosen(index(), loss, activation)
    with _replaced(folder) as part:
        pages = {_safe(row["pair"]): row for row in checked(kept(found), jobs, watch, "page")}
        _fill(part, assembled(found, pages.values()), pages)
    return len(pages)


def _safe(pair: str) -> str:
    """The name, which is one of a file in the folder and nowhere else."""
    if not SAFE.fullmatch(pair):
        raise CertificateError(f"a certificate has the name {pair!r}, which is no name of a pair")
    return pair


# ---- what is written ---------------------------------------------------------------------------------------


def _fill(part: Path, atlas: Atlas, pages: Pages) -> None:
    for name in ("pairs", "certificates", "plots"):
        (part / name).mkdir()
    for name in html.FILES:
        shutil.copyfile(html.HERE / "assets" / name, part / name)
    _put(part / "index.html", _index(atlas, pages))
    _put(part / "atlas.json", json.dumps(atlas.to_json(), indent=1) + "\n")
    near = _neighbours(atlas)
    for pair, row in pages.items():
        _put(part / "pairs" / f"{pair}.html", _page(pair, row["article"], row["answer"], near))
        _put(part / "certificates" / f"{pair}.json", stored_text(pair))
        if row["plot"]:
            _put(part / "plots" / f"{pair}.svg", row["plot"])


def _put(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")


def _index(atlas: Atlas, pages: Pages) -> str:
    counts = atlas.counts()
    names: dict[str, str] = {}
    for pair, row in pages.items():
        names |= dict(zip(pair.split("-", 1), row["names"], strict=True))
    return html.render(
        "index.html",
        assets=html.beside(""),
        title="Is dJ/dz = h - y? Every loss with every activation",
        atlas=atlas,
        legend=[(label, mark, counts[label], words) for label, (mark, words) in MARKS.items() if counts[label]],
        names=names,
        shown={pair: Markup(row["shown"]) for pair, row in pages.items()},
        fact=fact,
    )


def _neighbours(atlas: Atlas) -> Neighbours:
    """The pairs of each loss, and of each activation, by their label, in the order of the legend."""
    found: dict[str, dict[str, list[Cell]]] = {}
    for cell in sorted(atlas.cells, key=lambda cell: [*MARKS].index(cell.label)):
        if cell.answer in ("yes", "no"):
            for slug in cell.pair.split("-", 1):
                found.setdefault(slug, {}).setdefault(cell.label, []).append(cell)
    return found


def _page(pair: str, article: str, answer: str, near: Neighbours) -> str:
    loss, activation = pair.split("-", 1)
    return html.render(
        "pair.html",
        assets=html.beside("../"),
        title=f"{pair}: is dJ/dz = h - y? {answer}",
        pair=pair,
        loss=loss,
        activation=activation,
        body=Markup(article),
        near=near,
    )


# ---- the folder --------------------------------------------------------------------------------------------


@contextmanager
def _replaced(folder: str) -> Iterator[Path]:
    """A new folder that takes the place of the given one when all is written; whatever goes wrong, it is gone."""
    target = Path(os.path.realpath(folder))
    part, old = (target.with_name(f"{target.name}.{os.getpid()}.{end}") for end in ("part", "old"))
    try:
        _refuse_others(target)
        part.mkdir(parents=True)
        yield part
        if target.exists():
            target.rename(old)
        part.rename(target)
    except OSError as problem:
        raise DeriveError(f"cannot write {folder}: {problem.strerror or problem}") from problem
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        for rest in (part, old):
            shutil.rmtree(rest, ignore_errors=True)


def _refuse_others(target: Path) -> None:
    """Only what a site consists of may be replaced."""
    others = sorted({entry.name for entry in target.iterdir()} - PARTS) if target.exists() else []
    if others:
        raise DeriveError(f"{target} holds other files, such as {others[0]!r}; name a new or an empty folder")
