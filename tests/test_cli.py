"""The command line as a user meets it: a process of its own, exit codes, one line of error, files kept whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from derive import cli
from derive.certificate import shipped

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
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **environment},
    )


def complaint(*arguments: str, code: int = 2, cwd: Path = ROOT) -> str:
    """The one line on standard error of a command that fails with the code."""
    run = derive(*arguments, cwd=cwd)
    assert (run.returncode, run.stdout) == (code, ""), run.stderr
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
    assert set(found) >= FIELDS
    assert (found["answer"], found["kind"], found["delta"]) == ("no", "residual", "h*(1 - h)*(h - y)")
    assert found["factor"] == "h*(1 - h)" and found["conditions"] == []
    assert found["witness"] == {"z": "0", "y": "1", "delta": "-1/8", "claim": "-1/2"}
    assert all(set(step) >= {"n", "rule", "statement", "latex", "checked"} for step in found["steps"])
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


def test_another_name_of_an_activation() -> None:
    assert json.loads(derive("mse-linear", "--json").stdout)["pair"] == "mse-identity"
    assert json.loads(derive("bce-logistic-unit", "--json").stdout)["pair"] == "bce-sigmoid"


# ---- a pair of one's own -------------------------------------------------------------------------------


def test_prove() -> None:
    run = derive("prove", "--loss", "(h - y)^2/2", "--activation", "tanh(z)")
    assert (run.returncode, run.stderr) == (0, "")
    assert "(1 − h²)(h − y)" in run.stdout


def test_prove_gives_the_object_of_the_contract() -> None:
    run = derive("prove", "--loss", "-sum(k, y[k]*log(h[k]))", "--activation", "exp(z[k])/sum(l, exp(z[l]))", "--json")
    found, pair = json.loads(run.stdout), json.loads(derive("cce-softmax", "--json").stdout)
    assert set(found) == set(pair)
    assert found["pair"] is None and found["delta"] == pair["delta"] == "h[j]*sum(k, y[k]) - y[j]"


@pytest.mark.parametrize(
    ("arguments", "kind", "delta"),
    [
        (["--loss", "bce", "--activation", "sigmoid"], "cancels", "h - y"),
        (["--loss", "w*(h - y)^2/2", "--activation", "z", "--param", "w > 0"], "multiple", "w*(h - y)"),
        (["--loss", "y/h + log(h)", "--activation", "-1/z", "--assume", "z < 0"], "cancels", "h - y"),
        (["--loss", "t*c*(h - y)^2", "--activation", "z", "--param", "t", "--param", "0 < c < 1"], "multiple", None),
        (["--loss", "log(1 + exp(z)) - y*z", "--activation", "sigmoid(z)"], "cancels", "h - y"),
        (["--loss", "(h - y)^2/2", "--activation", "z", "--average"], "multiple", "1/m*(h[i, j] - y[i, j])"),
    ],
)
def test_prove_takes(arguments: list[str], kind: str, delta: str | None) -> None:
    run = derive("prove", *arguments, "--json")
    assert (run.returncode, run.stderr) == (0, "")
    found = json.loads(run.stdout)
    assert found["kind"] == kind and found["delta"] == (delta or found["delta"])


@pytest.mark.parametrize(("suffix", "start"), [("tex", "\\documentclass"), ("md", "# "), ("json", "{")])
def test_prove_writes_by_the_suffix(tmp_path: Path, suffix: str, start: str) -> None:
    target = tmp_path / f"proof.{suffix}"
    run = derive("prove", "--loss", "(h - y)^2/2", "--activation", "exp(z)", "-o", str(target))
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert target.read_text(encoding="utf-8").startswith(start)


# 2^11 regions: no answer for minutes
HEAVY = ["prove", "--loss", " + ".join(f"|h - {n}*y|" for n in range(1, 12)), "--activation", "z", "--timeout", "0.5"]


def test_no_answer_in_time_is_undecided() -> None:
    assert complaint(*HEAVY, code=3) == (
        "derive: the pair is undecided: no answer within 0.5 s; raise it by --timeout\n"
    )


def test_undecided_as_json() -> None:
    run = derive(*HEAVY, "--json")
    found = json.loads(run.stdout)
    assert run.returncode == 3 and run.stderr.count("\n") == 1
    assert set(found) >= FIELDS
    assert (found["answer"], found["kind"], found["pair"], found["checked_by"]) == ("undecided", None, None, [])
    assert found["reason"] == "no answer within 0.5 s; raise it by --timeout"


@pytest.mark.parametrize("timeout", ["0", "-1", "nan", "inf", "soon"])
def test_a_timeout_is_a_number_of_seconds(timeout: str) -> None:
    assert "timeout" in complaint("prove", "--loss", "h", "--activation", "z", "--timeout", timeout)


HOSTILE = {
    "code": "__import__('os').system('touch executed')",
    "classes": "().__class__.__bases__[0].__subclasses__()",
    "lambda": "(lambda: 42)()",
    "exec": "exec('open(1)')",
    "attribute": "h.__class__",
    "walrus": "h:=3",
    "list": "[i for i in range(3)]",
    "conditional": "h if h else y",
    "huge exponent": "h*1e999999999",
    "nested brackets": "(" * 250 + "h" + ")" * 250,
    "nested calls": "exp(" * 2000,
    "many signs": "-" * 100_000 + "h",
    "long literal": "h*" + "7" * 5000,
    "bigger power": "(w + h + y)^9999999",
    "cyrillic": "(h - у)^2",
    "full width": "（h - y)^2",
    "zero width": "(h\u200b - y)^2",
    "right to left": "(h \u202e- y)^2",
    "surrogate": b"h - \xff".decode("utf-8", "surrogateescape"),
    "empty": "",
    "blank": "  ",
    "nan": "nan*h",
    "infinity": "oo - oo",
    "no meaning": "h + 0/0",
    "log of 0": "h + log(0)",
    "input": "\\input{/etc/passwd}",
    "write18": "\\immediate\\write18{id}",
    "catcode": "\\catcode",
    "carets": "^^5cinput",
    "script": "<script>alert(1)</script>",
    "image": "<img onerror=x>",
    "escape": "\x1b[31mh\x07",
    "newline": "h\n- y?",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_one_line_of_error(text: str, tmp_path: Path) -> None:
    options = {"--loss": "h", "--activation": "z", "--param": "w", "--assume": "z < 0"}
    wanted = ["--loss"] if "h" in text else list(options)
    for option in wanted:
        arguments = [part for pair in {**options, option: text}.items() for part in pair]
        run = derive("prove", *arguments, cwd=tmp_path)
        assert (run.returncode in (2, 3), run.stdout) == (True, ""), option
        assert run.stderr.startswith("derive: ") and run.stderr.count("\n") == 1
        assert run.stderr[:-1].isprintable() and len(run.stderr) < 1000
        assert "Traceback" not in run.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_has_no_matching_loss(text: str, tmp_path: Path) -> None:
    line = derive("match", f"--activation={text}", "--param", "w", cwd=tmp_path)
    assert line.returncode in (2, 3) and line.stderr.count("\n") == 1 and line.stderr[:-1].isprintable()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["h*9^9^9", "h + 2^2^2^2^2^2", "h + " * 10_000 + "h", "h^(9^9)", "9**9**9", "(w + h + z + y)^30"]
)
def test_large_input_ends(text: str) -> None:
    run = derive("prove", "--loss", text, "--activation", "z", "--param", "w", "--json")
    assert run.returncode in (0, 2, 3) and "Traceback" not in run.stderr


def test_an_option_that_is_no_text_is_printable() -> None:
    assert complaint("bce-sigmoid", "--\x1b[31m\n")[:-1].isprintable()


# ---- matching losses -----------------------------------------------------------------------------------


def test_match() -> None:
    run = derive("match", "--activation", "tanh")
    assert (run.returncode, run.stderr) == (0, "")
    assert "log(cosh(z))" in run.stdout and max(map(len, run.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "exists", "convex"),
    [
        (["--activation", "sigmoid"], True, True),
        (["--activation", "swish"], True, False),
        (["--activation", "where(z > 0, z, a*z)", "--param", "a > 0"], True, True),
        (["--activation", "-1/z", "--assume", "z < 0"], True, True),
        (["--activation", "z[k]^2/sum(l, z[l]^2)"], False, None),
    ],
)
def test_match_gives_the_object_of_the_contract(arguments: list[str], exists: bool, convex: bool | None) -> None:
    run = derive("match", *arguments, "--json")
    assert (run.returncode, run.stderr) == (0, "")
    found = json.loads(run.stdout)
    assert set(found) >= {"schema", "activation", "exists", "loss", "convex", "witness", "steps"}
    assert (found["exists"], found["convex"]) == (exists, convex)


@pytest.mark.parametrize(
    ("suffix", "start"), [("tex", "\\documentclass"), ("md", "# "), ("json", "{"), ("txt", "match")]
)
def test_match_writes_by_the_suffix(tmp_path: Path, suffix: str, start: str) -> None:
    target = tmp_path / f"loss.{suffix}"
    run = derive("match", "--activation", "softplus", "-o", str(target))
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert target.read_text(encoding="utf-8").startswith(start)


def test_a_match_without_an_answer_in_time_is_undecided() -> None:
    run = derive("match", "--activation", "softplus", "--timeout", "0.05", "--json")
    assert run.returncode == 3
    assert run.stderr == "derive: the matching loss is undecided: no answer within 0.05 s; raise it by --timeout\n"
    assert json.loads(run.stdout)["exists"] is None


# ---- the catalogue -------------------------------------------------------------------------------------


def pairs_of(run: subprocess.CompletedProcess[str]) -> list[str]:
    assert (run.returncode, run.stderr) == (0, "")
    return [line.split()[0] for line in run.stdout.splitlines()[1:] if not line.startswith("*")]


def test_list() -> None:
    run = derive("list", COLUMNS="80")
    assert max(map(len, run.stdout.splitlines())) <= 80
    assert pairs_of(run) == sorted(pairs_of(run)) == list(shipped())


def test_list_as_json() -> None:
    run = derive("list", "--loss", "bce", "--json")
    rows = json.loads(run.stdout)
    assert all(set(row) >= FIELDS - {"steps"} and "steps" not in row for row in rows)
    assert [row["pair"] for row in rows] == pairs_of(derive("list", "--loss", "bce"))


@pytest.mark.parametrize("kind", ["cancels", "multiple"])
def test_list_of_a_kind(kind: str) -> None:
    found = pairs_of(derive("list", "--kind", kind))
    rows = json.loads(derive("list", "--kind", kind, "--jobs", "1", "--json").stdout)
    assert found and [row["pair"] for row in rows] == found
    assert {row["kind"] for row in rows} == {kind}


def test_list_of_an_activation() -> None:
    found = pairs_of(derive("list", "--activation", "swish", "--kind", "other"))
    assert found and all(pair.endswith("-silu") for pair in found)


def test_a_list_that_nobody_reads_on_stops() -> None:
    command = f"{sys.executable} -m derive list --jobs 2 | head -n 2"
    run = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert run.stdout.count("\n") == 2 and run.stderr == ""


def test_atlas() -> None:
    run = derive("atlas", "--activation", "softmax", COLUMNS="60")
    assert (run.returncode, run.stderr) == (0, "")
    assert "35 losses, 1 activations" in run.stdout and "h - y under a condition" in run.stdout


def test_atlas_as_json() -> None:
    found = json.loads(derive("atlas", "--loss", "bce", "--json").stdout)
    assert set(found) == {"losses", "activations", "cells"}
    assert found["losses"] == ["bce"] and len(found["cells"]) == len(found["activations"]) == 31
    assert all(set(cell) == {"pair", "kind", "answer", "factor", "why"} for cell in found["cells"])


def test_atlas_afresh_is_the_stored_one() -> None:
    arguments = ("atlas", "--loss", "poisson", "--json")
    assert derive(*arguments, "--fresh", "--jobs", "2").stdout == derive(*arguments).stdout


def test_progress_is_for_terminals_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cli, "PATIENCE", -1.0)
    assert list(cli._watched(iter("abc"), 3)) == [*"abc"]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert list(cli._watched(iter("abc"), 3)) == [*"abc"]
    counted = "\r1 of 3\r2 of 3\r3 of 3"
    assert capsys.readouterr().err == f"{counted}\r{' ' * len('3 of 3')}\r"


# ---- certificates --------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_verify(jobs: str) -> None:
    files = sorted(map(str, CERTIFICATES.glob("*.json")))[:40]
    run = derive("verify", *files, "--jobs", jobs)
    assert run.returncode == 0
    assert [line.partition(":")[0] for line in run.stdout.splitlines()[:-1]] == files
    assert run.stdout.splitlines()[-1] == f"{len(files)} of {len(files)} certificates hold"


def test_verify_refuses_and_says_why(tmp_path: Path) -> None:
    good = CERTIFICATES / "bce-sigmoid.json"
    bad = tmp_path / "bad.json"
    bad.write_text(good.read_text().replace("h - y", "h + y"))
    run = derive("verify", str(good), str(bad))
    assert run.returncode == 1
    assert run.stdout.splitlines()[-1] == "1 of 2 certificates hold"
    assert "checksum" in run.stderr and run.stderr.count("\n") == 1


def test_verify_as_json(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    run = derive("verify", str(CERTIFICATES / "mse-tanh.json"), str(bad), "--json")
    assert (run.returncode, run.stderr) == (1, "")
    good, broken = json.loads(run.stdout)
    assert (good["holds"], good["pair"], good["kind"]) == (True, "mse-tanh", "residual")
    assert (broken["holds"], broken["file"]) == (False, str(bad)) and "schema" in broken["reason"]


def test_a_name_of_a_file_is_printable(tmp_path: Path) -> None:
    target = tmp_path / "\x1b[31m\n.json"
    target.write_text("{}")
    run = derive("verify", str(target))
    assert run.stderr.count("\n") == 1 and run.stderr[:-1].isprintable()


def test_verify_takes_theorems(tmp_path: Path) -> None:
    shipped = ROOT / "proofs" / "theorems" / "bregman.json"
    bad = tmp_path / "bad.json"
    bad.write_text(shipped.read_text(encoding="ascii").replace('"F(y) - F(h)', '"F(h) - F(y)', 1), encoding="ascii")
    run = derive("verify", str(shipped), str(CERTIFICATES / "mse-tanh.json"), str(bad), "--json")
    rows = json.loads(run.stdout)
    assert run.returncode == 1 and [row["holds"] for row in rows] == [True, True, False]
    assert rows[0]["theorem"] == "bregman" and rows[1]["pair"] == "mse-tanh" and "step 1" in rows[2]["reason"]
    run = derive("verify", str(shipped))
    assert run.returncode == 0 and "holds, " in run.stdout and "theorem bregman" in run.stdout


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
        (["BCE-Sigmoid"], "did you mean bce-sigmoid?"),
        (["mtch"], "did you mean 'derive match'?"),
        (["bce-tanh"], "0 < h is needed"),
        (["bce-linear"], "bce-identity is no pair"),
        (["list", "--loss", "Poison"], "did you mean poisson?"),
        (["list", "--kind", "cancel"], "'cancels', 'multiple', 'residual', 'other'"),
        (["atlas", "--activation", "sigmod"], "did you mean sigmoid?"),
        (["atlas", "--jobs", "0"], "--jobs"),
        (["prove", "--loss", "h"], "--activation"),
        (["prove", "--loss", "w*h", "--activation", "z"], "--param w"),
        (["prove", "--loss", "log(h)", "--activation", "z"], "h > 0 is needed"),
        (["match"], "--activation"),
        (["match", "--activation", "sigmod"], "did you mean sigmoid?"),
        (["cce-identity"], "is no pair"),
        (["bce-sigmoid", "--jsn"], "--json"),
        (["bce-sigmoid", "--format", "pdf"], "'text', 'latex', 'markdown', 'html', 'json'"),
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


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("derive mse-s", [pair for pair in shipped() if pair.startswith("mse-s")]),
        ("derive list --loss po", ["poisson"]),
        ("derive atlas --activation softm", ["softmax", "softmaxT"]),
    ],
)
def test_completion(words: str, found: list[str]) -> None:
    program = "import sys; sys.argv = ['derive']; from derive.cli import main; main()"
    completion = {"_DERIVE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, env={**os.environ, **completion}
    )
    assert run.stdout.split() == [f"plain,{word}" for word in found]


@pytest.mark.parametrize("command", ["prove", "match", "list", "atlas", "verify"])
def test_every_command_has_examples(command: str) -> None:
    run = derive(command, "--help")
    assert run.returncode == 0 and f"  derive {command} " in run.stdout.partition("Examples:")[2]
    assert f"\n  {command} " in derive("--help").stdout
    assert max(map(len, run.stdout.splitlines())) <= 100
