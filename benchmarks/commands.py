"""Whole processes: one command of derive against the same statement in other systems; CPU time and peak memory."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence

from benchmarks.common import ROOT, Report, table

RUNS = 11
PAIR, CLAIM = "bce-sigmoid", "h - y"
FORMULAS = "h{is_}1/(1 + exp(-z)){then} J{is_}-y*log(h) - (1 - y)*log(1 - h){then} "
IN_PYTHON = "from {0} import *; z, y = symbols('z y'{1}); " + FORMULAS.format(is_=" = ", then=";") + "print({2})"
DIFFERENCE = "diff(J, z) - (h - y)"
COMMANDS = {
    "`derive bce-sigmoid`: re-check and print its proof": [sys.executable, "-m", "derive", PAIR],
    '`derive check --pair bce-sigmoid "h - y"`': [sys.executable, "-m", "derive", "check", "--pair", PAIR, CLAIM],
    '`python -c "import sympy"`, and nothing else': [sys.executable, "-c", "import sympy"],
    f"SymPy: `simplify({DIFFERENCE})`": [
        sys.executable,
        "-c",
        IN_PYTHON.format("sympy", ", real=True", f"simplify({DIFFERENCE})"),
    ],
    f"SymEngine: numerator of `{DIFFERENCE}`, expanded": [
        sys.executable,
        "-c",
        IN_PYTHON.format("symengine", "", f"({DIFFERENCE}).as_numer_denom()[0].expand()"),
    ],
    f"Maxima: `radcan({DIFFERENCE})`": [
        "maxima",
        "--very-quiet",
        f"--batch-string={FORMULAS.format(is_=': ', then='$')}print(radcan({DIFFERENCE}))$",
    ],
    f"Giac: `simplify({DIFFERENCE})`": ["giac", f"{FORMULAS.format(is_=':=', then=';')}simplify({DIFFERENCE})"],
}
PROBE = (
    "import resource, subprocess, sys\n"
    "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)\n"
    "u = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
    "print(u.ru_utime + u.ru_stime, u.ru_maxrss / 1024)"
)


def process(command: Sequence[str]) -> tuple[float, float]:
    """User and system seconds, and peak memory in MiB, of one run."""
    probe = [sys.executable, "-c", PROBE, *command]
    # as installed: with compiled modules, which the first run may have to write
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    run = subprocess.run(probe, capture_output=True, text=True, check=True, cwd=ROOT, env=environment)
    found = run.stdout.split()
    return float(found[0]), float(found[1])


def report() -> Report:
    """Every command once without being counted, then all of them in turn."""
    commands = {name: command for name, command in COMMANDS.items() if shutil.which(command[0])}
    for command in commands.values():
        process(command)
    runs = [{name: process(command) for name, command in commands.items()} for _ in range(RUNS)]
    ours, *_ = commands
    rows = []
    for name in commands:
        time, memory = (statistics.median(run[name][part] for run in runs) for part in (0, 1))
        ratio = statistics.median(run[ours][0] / run[name][0] for run in runs)
        rows.append((name, f"{1000 * time:.0f}", f"{memory:.0f}", f"{ratio:.2f}"))
    header = ("whole process", "CPU time (ms)", "peak memory (MiB)", "`derive bce-sigmoid` takes of it")
    return Report(f"Medians of {RUNS} runs in turn.\n\n" + table(header, rows))
