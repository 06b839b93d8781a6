"""The arrows of the design, read from the source: which module may import which, and where SymPy may live.

An import inside a function is lazy: it must keep to the arrows too, but it costs nothing until it is needed.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "derive"

LANGUAGE = {"errors", "term", "laws", "language", "spelling", "plain", "syntax"}
KERNEL = {"balls", "kernel", "derivation", "verdict"}
CHECKED = LANGUAGE | KERNEL | {"certificate"}
CATALOGUE = {"activations", "bridge", "losses"}
REPORT = {"report"} | {
    f"report.{room}"
    for room in (
        *("explain", "layout", "lines", "tex", "words", "text", "latex", "markdown", "match", "table", "theorem"),
        *("html", "mathml", "picture"),
    )
}
SHEETS = {f"report.{room}" for room in ("typ", "typst", "curve", "plot", "compare", "sheets")}


class Rule(NamedTuple):
    modules: set[str]  # of this package
    libraries: set[str]  # that are installed; the standard library is free outside the trusted modules
    later: set[str] = frozenset()  # type: ignore[assignment]  # modules that a function may import when it is called


# Every module of the package has a row: a new file needs a decision about what it may import.
RULES = {
    "errors": Rule(set(), set()),
    "term": Rule({"errors"}, {"flint"}),
    "laws": Rule({"errors", "term"}, {"flint"}),
    "algebra": Rule({"errors", "term", "laws"}, {"flint"}),
    "calculus": Rule({"errors", "term", "laws", "algebra"}, {"flint"}),
    "kernel": Rule({"errors", "term", "algebra", "calculus"}, set()),
    "derivation": Rule({"errors", "term", "algebra", "kernel"}, set()),
    "verdict": Rule({"errors", "term", "calculus", "kernel", "derivation", "balls"}, {"flint"}),
    "balls": Rule({"errors", "term"}, {"flint"}),  # not laws: a second opinion must not share their mistakes
    "language": Rule({"term", "laws"}, set()),
    "spelling": Rule({"errors", "language"}, set()),
    "plain": Rule({"term", "language"}, {"flint"}),
    "syntax": Rule({"errors", "term", "laws", "language", "spelling", "plain"}, set()),
    "files": Rule({"errors"}, set()),
    "documents": Rule({"errors", "spelling"}, set()),
    "certificate": Rule(LANGUAGE | KERNEL, {"flint"}),
    "asymptotics": Rule({"errors", "term", "laws", "kernel"}, {"flint"}),
    "remarks": Rule(LANGUAGE | KERNEL | {"asymptotics"}, set()),
    "proof": Rule(CHECKED | {"remarks"}, set(), REPORT | {"bridge", "files", "report.plot", "report.sheets"}),
    **{room: Rule(CHECKED | REPORT | {"proof", "remarks"}, {"flint"}) for room in REPORT},
    "report.markdown": Rule(CHECKED | REPORT | {"proof", "report.table", "survey"}, set()),
    "report.typ": Rule(REPORT | {"term"}, set()),
    "report.typst": Rule(CHECKED | REPORT | {"proof", "report.typ"}, {"typst"}),
    "report.curve": Rule(CHECKED | REPORT | {"proof", "witnesses"}, {"flint"}),
    "report.plot": Rule(CHECKED | REPORT | {"files", "proof", "report.curve"}, {"matplotlib"}),
    "report.compare": Rule(CHECKED | REPORT | {"proof", "report.curve", "report.typ", "report.typst"}, set()),
    "report.sheets": Rule(CHECKED | REPORT | SHEETS | {"proof"}, set(), {"report.html"}),
    "bridge": Rule(LANGUAGE, {"flint", "sympy"}),
    "losses": Rule({"errors"}, {"sympy"}),
    "activations": Rule({"errors"}, {"sympy"}),
    "catalogue": Rule(CHECKED | CATALOGUE | {"prover"}, set()),
    "request": Rule(LANGUAGE | KERNEL | {"calculus", "prover"}, set(), CATALOGUE),
    "witnesses": Rule(CHECKED, {"flint"}),
    "present": Rule(LANGUAGE | {"algebra"}, {"flint"}),
    "prover": Rule(
        CHECKED | {"algebra", "calculus", "present", "proof", "witnesses"}, {"flint"}, {"catalogue", "request"}
    ),
    "chains": Rule(LANGUAGE | {"balls", "calculus", "kernel", "present"}, {"flint"}),
    "theorems": Rule(CHECKED | {"chains", "proof"}, set(), {"report.theorem"}),
    "report.theorem": Rule(CHECKED | REPORT | {"chains", "proof", "theorems"}, set()),
    "antiderivatives": Rule(LANGUAGE | {"algebra", "bridge", "present"}, {"sympy"}),
    "matched": Rule(CHECKED | {"proof"}, set(), REPORT),
    "potentials": Rule(
        CHECKED | CATALOGUE | {"algebra", "calculus", "present", "antiderivatives", "matched"}, {"flint"}
    ),
    "matching": Rule(LANGUAGE | {"matched", "request"}, set(), {"potentials"}),
    "report.match": Rule(CHECKED | REPORT | {"matched"}, set()),
    "report.mathml": Rule({"errors"}, {"jinja2", "markupsafe", "math_core"}),
    "report.html": Rule(
        CHECKED | REPORT | {"__init__", "proof", "report.compare", "matched", "survey", "theorems"}, set()
    ),
    "report.picture": Rule(CHECKED | {"proof"}, {"matplotlib"}, {"report.plot"}),
    "report.table": Rule(CHECKED | REPORT | {"proof", "survey"}, set()),
    "model": Rule(LANGUAGE | {"algebra", "calculus", "kernel", "derivation"}, set()),
    "judge": Rule(LANGUAGE | {"balls", "kernel", "model", "witnesses"}, {"flint"}),
    "corrections": Rule(CHECKED | {"judge", "model", "present", "proof"}, set()),
    "slips": Rule(CHECKED | {"calculus", "judge", "model", "present", "proof", "remarks"}, set()),
    "checking": Rule(
        CHECKED | {"corrections", "documents", "judge", "model", "proof", "slips"},
        set(),
        {"library", "prover", "request", "report.check"},
    ),
    "report.check": Rule(CHECKED | REPORT | {"checking"}, set()),
    "library": Rule(
        {"errors", "term", "certificate", "proof"}, set(), LANGUAGE | CATALOGUE | {"catalogue", "prover", "worker"}
    ),
    "worker": Rule(
        {"errors"},
        set(),
        {"catalogue", "certificate", "checking", "matching", "proof", "prover", "theorems", "report.check"} | REPORT,
    ),
    "survey": Rule({"errors", "certificate", "library", "worker"}, set(), {"report.table"}),
    "site": Rule({"errors", "library", "survey", *REPORT}, set()),
    "frameworks": Rule({"errors"}, {"torch", "jax", "optax"}),  # inside of functions: see the test below
    "audit": Rule(LANGUAGE | {"balls", "frameworks", "library", "proof", "witnesses"}, {"flint"}),
    "report.audit": Rule(LANGUAGE | {"audit"}, set()),
    "cli": Rule(
        {"__init__", "errors", "proof"},
        {"click"},
        {
            "audit",
            "certificate",
            "checking",
            "files",
            "library",
            "matched",
            "report.audit",
            "site",
            "survey",
            "theorems",
            "worker",
        }
        | REPORT
        | SHEETS,
    ),
    "__main__": Rule({"cli"}, set()),
    "__init__": Rule(
        {"errors"}, set(), {"certificate", "checking", "library", "matching", "prover", "report.plot", "survey"}
    ),
}
MAY_LOAD_SYMPY = {"bridge", "losses", "activations", "catalogue", "antiderivatives", "potentials"}
TRUSTED = {"term", "laws", "algebra", "calculus", "kernel", "derivation", "verdict", "balls"}
TRUSTED_STANDARD_LIBRARY = {
    "__future__",
    *("collections", "functools", "itertools", "math", "operator", "types", "typing"),
}
BANNED = {"eval", "exec", "sympify", "parse_expr", "pickle", "__import__", "import_module"}


def module_name(path: Path) -> str:
    """``report.latex`` for derive/report/latex.py, ``report`` for its __init__, ``__init__`` for the package's own."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


SOURCES = {module_name(p): p.read_text(encoding="utf-8") for p in sorted(PACKAGE.rglob("*.py"))}


def eager(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the module is imported: all but the bodies of functions."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from eager(child)


def imported(node: ast.AST) -> list[str]:
    """Dotted names that a statement may import; ``from a import b`` may mean the module a.b."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        source = "." * node.level + (node.module or "")
        return [source, *(f"{source}.{alias.name}" for alias in node.names)]
    return []


def own_modules(dotted_names: list[str]) -> set[str]:
    """Modules of this package among the names; the bare package is its __init__."""
    own = {name.removeprefix("derive.") for name in dotted_names if name.startswith("derive.")}
    found = {name for name in own if name in SOURCES or name in RULES}
    if "derive" in dotted_names:
        return found or {"__init__"}
    return found or {min(own, key=len)} if own else set()


def words(node: ast.AST) -> set[str]:
    """The identifiers that a node uses (it may define a method of such a name)."""
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.Attribute):
        return {node.attr}
    return {part for name in imported(node) for part in name.split(".")}


def problems(module: str, source: str) -> list[str]:
    """What the source does against the rule of its module; empty where it keeps to it."""
    rule, found, tree = RULES[module], [], ast.parse(source)
    at_once = {id(node) for node in eager(tree)}
    for node in ast.walk(tree):
        names = imported(node)
        allowed = rule.modules | {module} | (set() if id(node) in at_once else rule.later)
        found += [f"uses {word}" for word in sorted(words(node) & BANNED)]
        found += [f"imports {name}" for name in sorted(own_modules(names) - allowed)]
        for name in sorted({name.split(".")[0] for name in names} - {"derive"} - rule.libraries):
            if name not in (TRUSTED_STANDARD_LIBRARY if module in TRUSTED else sys.stdlib_module_names):
                found.append(f"imports {name or 'by a relative path'}")
    return found


def loaded_with(module: str) -> set[str]:
    """Everything that importing the module imports, of this package and of others, by top-level statements."""
    loaded: set[str] = set()
    waiting = {module, "__init__"}
    while waiting:
        name = waiting.pop()
        loaded.add(name)
        if name in SOURCES:
            statements = [imported(node) for node in eager(ast.parse(SOURCES[name]))]
            libraries = {dotted.split(".")[0] for names in statements for dotted in names} - {"derive"}
            packages = {name.partition(".")[0]} if "." in name else set()
            waiting |= set().union(*map(own_modules, statements), libraries, packages) - loaded
    return loaded


def test_every_module_has_a_rule() -> None:
    assert set(SOURCES) <= set(RULES), "decide what the new module may import, and add its row to RULES"


@pytest.mark.parametrize("module", [name for name in SOURCES if name in RULES])
def test_module_keeps_to_its_rule(module: str) -> None:
    assert problems(module, SOURCES[module]) == []


@pytest.mark.parametrize("module", [name for name in SOURCES if name not in MAY_LOAD_SYMPY])
def test_importing_a_module_loads_no_sympy(module: str) -> None:
    assert "sympy" not in loaded_with(module)


@pytest.mark.parametrize("module", SOURCES)
def test_importing_a_module_loads_no_framework(module: str) -> None:
    assert not {"torch", "jax", "optax"} & loaded_with(module)


def test_the_rules_themselves_have_no_cycle() -> None:
    rooms = {name: rule.modules - {name} for name, rule in RULES.items() if name not in REPORT}
    while leaves := [name for name in rooms if not rooms[name] & set(rooms)]:
        for name in leaves:
            del rooms[name]
    assert rooms == {}


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("kernel", "import sympy", "imports sympy"),
        ("kernel", "def f():\n    from sympy import diff", "imports sympy"),
        ("kernel", "import json", "imports json"),
        ("kernel", "from derive.prover import prove", "imports prover"),
        ("kernel", "from derive import prover", "imports prover"),
        ("kernel", "import derive.prover", "imports prover"),
        ("kernel", "import derive", "imports __init__"),
        ("kernel", "from . import term", "imports by a relative path"),
        ("algebra", "from derive.kernel import prove", "imports kernel"),
        ("balls", "from derive.laws import LAWS", "imports laws"),
        ("certificate", "import sympy.core", "imports sympy"),
        ("verdict", "from derive.witnesses import points", "imports witnesses"),
        ("derivation", "from derive.verdict import verdict", "imports verdict"),
        ("kernel", "from derive import balls", "imports balls"),
        ("witnesses", "import sympy", "imports sympy"),
        ("prover", "from derive.catalogue import pairs", "imports catalogue"),
        ("prover", "def f():\n    from derive.catalogue import pairs", None),
        ("prover", "def f():\n    from derive.cli import main", "imports cli"),
        ("kernel", "from derive.unheard_of import x", "imports unheard_of"),
        ("syntax", "x = eval('1')", "uses eval"),
        ("syntax", "import builtins; builtins.exec('1')", "uses exec"),
        ("bridge", "from sympy import sympify as s", "uses sympify"),
        ("bridge", "from sympy.parsing.sympy_parser import parse_expr", "uses parse_expr"),
        ("bridge", "class sigmoid:\n    def eval(cls, x): ...", None),
        ("certificate", "import pickle", "uses pickle"),
        ("cli", "import importlib; importlib.import_module('sympy')", "uses import_module"),
        ("kernel", "from flint import fmpq", "imports flint"),
        ("verdict", "from typing import NamedTuple\nfrom flint import fmpq\nfrom derive.term import Term", None),
    ],
)
def test_a_planted_import_is_found(module: str, source: str, complaint: str | None) -> None:
    assert (complaint in problems(module, source)) if complaint else problems(module, source) == []


def loads_sympy(*arguments: str) -> bool:
    """Whether the command, run in a process of its own, imports SymPy; fails unless the command succeeds."""
    program = (
        "import sys\nfrom derive.cli import main\ntry:\n    main()\n"
        "except SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "print('sympy' in sys.modules, file=sys.stderr)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert run.returncode == 0, run.stderr
    return run.stderr.splitlines()[-1] == "True"


@pytest.mark.parametrize(
    "arguments",
    [
        ("bce-sigmoid",),
        ("cce-softmax", "--json"),
        ("list", "--kind", "cancels"),
        ("atlas", "--loss", "bce"),
        ("sheet", "--compare", "bce-sigmoid", "mse-sigmoid"),
        ("plot", "cce-softmax"),
        ("prove", "--loss", "(h - y)^2/2", "--activation", "tanh(z)"),
        ("mse-linear", "--json"),
        ("--help",),
        ("verify", "proofs/certificates/bce-sigmoid.json"),
    ],
    ids=" ".join,
)
def test_command_answers_without_sympy(arguments: tuple[str, ...]) -> None:
    assert not loads_sympy(*arguments)


def test_deriving_afresh_does_load_sympy() -> None:
    program = "import sys, derive; derive.prove('bce-sigmoid', fresh=True); sys.exit('sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 1
