"""The command line as a user meets it: a process of its own, exit codes, one line of error, files kept whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from derive import cli, prover
from derive.errors import KernelError

ROOT = Path(__file__).parent.parent
CERTIFICATES = ROOT / "proofs" / "certificates"
FIELDS = {
    "schema", "pair", "loss", "activation", "parameters", "domain", "answer", "kind", "conditions", "delta", "factor",
    "regions", "kinks", "witness", "steps", "checked_by", "reason",
}  # fmt: skip


def derive(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "derive", *arguments],
        capture_output=True,
        encoding="utf-8",
        cwd=cwd,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **environment},
    )


def complaint(*arguments: str, code: int = 2) -> str:
    """The one line on standard error of a command that fails with the code."""
    run = derive(*arguments)
    assert (run.returncode, run.stdout) == (code, "")
    assert run.stderr.startswith("derive: ") and run.stderr.count("\n") == 1
    return run.stderr


def test_a_pair_that_cancels() -> None:
    run = derive("bce-sigmoid")
    assert run.returncode == 0 and run.stderr == ""
    assert "∂J/∂z = h − y" in run.stdout
    assert max(map(len, run.stdout.splitlines())) <= 80


def test_ascii_where_the_terminal_has_no_unicode() -> None:
    run = derive("cce-softmax", PYTHONIOENCODING="ascii")
    assert run.returncode == 0 and run.stdout.isascii()
    assert "dJ/dz_j = h_j - y_j" in run.stdout


def test_no_colour_outside_a_terminal() -> None:
    assert "\x1b" not in derive("mse-sigmoid", FORCE_COLOR="1").stdout


def test_json_is_the_object_of_the_contract() -> None:
    run = derive("mse-sigmoid", "--json")
    found = json.loads(run.stdout)
    assert set(found) == FIELDS
    assert (found["answer"], found["kind"], found["delta"]) == ("no", "residual", "h*(1 - h)*(h - y)")
    assert found["factor"] == "h*(1 - h)" and found["conditions"] == []
    assert found["witness"] == {"z": "0", "y": "1", "delta": "-1/8", "claim": "-1/2"}
    assert all(set(step) == {"n", "rule", "statement", "latex", "checked"} for step in found["steps"])
    assert [step["n"] for step in found["steps"]] == list(range(1, len(found["steps"]) + 1))


def test_a_yes_under_a_condition_has_a_witness_that_breaks_it() -> None:
    found = json.loads(derive("cce-softmax", "--json").stdout)
    assert (found["answer"], found["kind"]) == ("yes", "cancels")
    assert found["conditions"] == ["sum(k, y[k]) = 1"]
    assert found["delta"] == "h[j]*sum(k, y[k]) - y[j]"
    assert found["witness"]["delta"] != found["witness"]["claim"]


def test_average_is_by_z_of_one_example() -> None:
    found = json.loads(derive("bce-sigmoid", "--average", "--json").stdout)
    assert (found["answer"], found["kind"], found["factor"]) == ("no", "multiple", "1/m")
    assert found["delta"] == "1/m*(h[i, j] - y[i, j])"


def test_fresh_and_stored_agree() -> None:
    assert derive("poisson-softplus", "--fresh").stdout == derive("poisson-softplus").stdout


def test_list() -> None:
    run = derive("list", COLUMNS="80")
    assert run.returncode == 0
    assert max(map(len, run.stdout.splitlines())) <= 80
    rows = json.loads(derive("list", "--json").stdout)
    assert [set(row) for row in rows] == [FIELDS - {"steps"}] * len(rows)
    assert [row["pair"] for row in rows] == [line.split()[0] for line in run.stdout.splitlines()[1 : len(rows) + 1]]


def test_verify() -> None:
    files = sorted(map(str, CERTIFICATES.glob("*.json")))
    run = derive("verify", *files)
    assert run.returncode == 0
    assert run.stdout.splitlines()[-1] == f"{len(files)} of {len(files)} certificates hold"


def test_verify_refuses_and_says_why(tmp_path: Path) -> None:
    good = CERTIFICATES / "bce-sigmoid.json"
    bad = tmp_path / "bad.json"
    bad.write_text(good.read_text().replace("h - y", "h + y"))
    run = derive("verify", str(good), str(bad))
    assert run.returncode == 1
    assert run.stdout.splitlines()[-1] == "1 of 2 certificates hold"
    assert "checksum" in run.stderr and run.stderr.count("\n") == 1


def test_verify_reads_standard_input() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "derive", "verify", "-"],
        input=(CERTIFICATES / "mse-tanh.json").read_bytes(),
        capture_output=True,
        cwd=ROOT,
        timeout=60,
    )
    assert run.returncode == 0


def test_an_endless_file_is_refused() -> None:
    run = derive("verify", "/dev/zero")
    assert run.returncode == 1
    assert "longer than" in run.stderr and run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["bce-sigmod"], "did you mean bce-sigmoid?"),
        (["lst"], "did you mean 'derive list'?"),
        (["nonsense"], "derive list"),
        (["bce-tanh"], "0 < h is needed"),
        (["cce-identity"], "is no pair"),
        (["bce-sigmoid", "--jsn"], "--json"),
        (["bce-sigmoid", "--format", "pdf"], "'text', 'latex', 'markdown', 'json'"),
        (["bce-sigmoid", "-o", "proof.doc"], "--format"),
        (["bce-sigmoid", "-o", "no/such/folder/proof.tex"], "cannot write"),
        (["verify", "no-such-file.json"], "cannot read"),
        (["verify"], "FILE"),
        (["__import__('os').system('id')"], "no pair is called"),
        (["../../etc/passwd"], "no pair is called"),
        (["\x1b[31m-\x00"[:5] + "-x"], "no pair is called"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], words: str) -> None:
    line = complaint(*arguments)
    assert words in line
    assert "\x1b" not in line and "Traceback" not in line


@pytest.mark.parametrize(("suffix", "start"), [("tex", "\\documentclass"), ("md", "# "), ("json", "{"), ("txt", "mse")])
def test_output_goes_by_the_suffix(tmp_path: Path, suffix: str, start: str) -> None:
    target = tmp_path / f"proof.{suffix}"
    run = derive("mse-sigmoid", "-o", str(target))
    assert (run.returncode, run.stdout) == (0, "")
    assert target.read_text(encoding="utf-8").startswith(start)
    assert [p.name for p in tmp_path.iterdir()] == [target.name]


def test_a_file_that_cannot_be_replaced_stays_whole(tmp_path: Path) -> None:
    target = tmp_path / "proof.tex"
    target.mkdir()
    (target / "inside").write_text("kept")
    assert "cannot write" in complaint("bce-sigmoid", "-o", str(target))
    assert (target / "inside").read_text() == "kept"
    assert [p.name for p in tmp_path.iterdir()] == ["proof.tex"]


def test_a_broken_stored_proof_is_no_verdict(tmp_path: Path) -> None:
    for name in ("bce-sigmoid.json", "mse-sigmoid.json"):
        target = tmp_path / "copy" / "proofs" / "certificates" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text((CERTIFICATES / "mse-sigmoid.json").read_text())
    copy = tmp_path / "copy" / "derive"
    subprocess.run(["cp", "-r", str(ROOT / "derive"), str(copy)], check=True)
    run = subprocess.run(
        [sys.executable, "-m", "derive", "bce-sigmoid"],
        capture_output=True,
        text=True,
        cwd=copy.parent,
        env={**os.environ, "PYTHONPATH": str(copy.parent)},
    )
    assert run.returncode == 2 and run.stdout == ""
    assert "another pair" in run.stderr


def test_help_has_examples_and_exit_codes() -> None:
    for arguments in ((), ("--help",)):
        run = derive(*arguments)
        assert run.returncode == 0
        assert "derive mse-sigmoid" in run.stdout and "3 undecided" in " ".join(run.stdout.split())


def test_version() -> None:
    import derive as package

    assert derive("--version").stdout.strip().endswith(package.__version__)


def test_completion_knows_the_pairs() -> None:
    program = "import sys; sys.argv = ['derive']; from derive.cli import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "_DERIVE_COMPLETE": "bash_complete", "COMP_WORDS": "derive mse-s", "COMP_CWORD": "1"},
    )
    assert run.stdout.split() == ["plain,mse-sigmoid", "plain,mse-softmax", "plain,mse-softplus"]


@pytest.mark.parametrize("fault", [RecursionError("too deep"), KernelError("no proof was found"), ValueError("a flaw")])
def test_a_search_that_fails_is_undecided(
    fault: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def search(pair: str, average: bool) -> None:
        raise fault

    monkeypatch.setattr(prover, "prove", search)
    with pytest.raises(SystemExit) as stop:
        cli.app(["bce-sigmoid", "--fresh", "--json"], standalone_mode=False)
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert stop.value.code == 3
    assert set(found) == FIELDS
    assert (found["answer"], found["kind"], found["checked_by"]) == ("undecided", None, [])
    assert str(fault) in found["reason"] and str(fault) in err
