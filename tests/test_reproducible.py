"""The same bytes whatever the hash seed, the number of workers, and what a process has done before.

What is shipped is the measure: certificates and sheets are derived afresh and compared with it, in processes of every
hash seed, in another order each. All of them: PYTHONHASHSEED=7 scripts/regenerate --check.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from samples import CORE, SPREAD

ROOT = Path(__file__).parent.parent
SEEDS = range(10)
SAMPLE = tuple(sorted({*CORE, *SPREAD[::2]}))
WRONG = "dJ/dz = dJ/dh * dh/dz\n = (h - y)/(h*(1 - h)) * h*(1 - h)\n = y - h\n"
PATIENT = ("--timeout", "600")  # a machine that is busy is no other answer
ANSWERS = {
    "check": ("check", "--pair", "mse-softmax", "h_j - y_j", "--json", *PATIENT),
    "check a derivation": ("check", "--pair", "bce-sigmoid", WRONG, "--json", *PATIENT),
    "check in a network": ("check", "--pair", "cce-softmax", "--layer", "2", "delta2_j = a2_j", "--json", *PATIENT),
    "prove": ("prove", "--loss", "w*|h - y|", "--activation", "max(z, a*z)", "--param", "w > 0", "--param", "a"),
    "match": ("match", "--activation", "where(z > 0, z, z/(1 - z))", "--json", *PATIENT),
    "average": ("cce-softmax", "--average", "--json", *PATIENT),
    "atlas": ("atlas", "--activation", "softmax", "--json"),
    "list": ("list", "--activation", "relu", "--json"),
    "theorem": ("theorem", "bregman", "--json"),
}


def run(seed: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(seed), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=False
    )


def test_hash_seeds_change_the_order_of_sets() -> None:
    """Else the tests below would say nothing."""
    assert len({run(seed, "-c", "print(*{*'abcdefgh'})").stdout for seed in SEEDS}) > 1


@pytest.mark.parametrize("seed", SEEDS)
def test_certificates_and_sheets(seed: int) -> None:
    """Many pairs by one process (or two), one after the other: each finds what the ones before it left behind."""
    pairs = random.Random(seed).sample(SAMPLE, len(SAMPLE))
    found = run(seed, "scripts/regenerate", "--check", "--jobs", str(1 + seed % 2), *pairs)
    assert (found.stdout, found.returncode) == (f"{2 * len(pairs)} files derived afresh, 0 differ\n", 0), found.stderr


@pytest.mark.parametrize("pair", SAMPLE[::6])
def test_certificates_of_a_process_that_did_nothing_before(pair: str) -> None:
    found = run(len(pair), "scripts/regenerate", "--check", "--jobs", "1", pair)
    assert (found.stdout, found.returncode) == ("2 files derived afresh, 0 differ\n", 0), found.stderr


@pytest.mark.parametrize("arguments", ANSWERS.values(), ids=ANSWERS)
def test_answers(arguments: tuple[str, ...]) -> None:
    runs = (run(seed, "-m", "derive", *arguments) for seed in SEEDS[::3])
    found = {(r.returncode, r.stdout, r.stderr) for r in runs}
    ((code, out, err),) = found
    assert code in (0, 1) and out and err == ""


def test_answers_of_one_worker_and_of_two() -> None:
    one, two = (run(0, "-m", "derive", "atlas", "--loss", "mse", "--fresh", "--jobs", n, "--json") for n in "12")
    assert one.returncode == 0 and one.stdout == two.stdout
