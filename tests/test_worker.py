"""Tasks in processes of their own: answers, errors, and the limits of time and memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from derive import errors, worker
from derive.certificate import dumps, loads
from derive.errors import CertificateError, DeriveError, KernelError, SyntaxProblem, UnknownName
from derive.prover import prove
from derive.worker import FEW, bounded, parallel

ROOT = Path(__file__).parent.parent
EASY = {"loss": "(h - y)^2/2", "activation": "tanh(z)"}
# 2^11 regions: no answer for minutes
HEAVY = {"loss": " + ".join(f"|h - {n}*y|" for n in range(1, 12)), "activation": "z"}
needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="lists children by /proc")


def children(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return sorted(int(n) for found in lists for n in found.read_text().split())


def until(found: Any) -> Any:
    """What ``found`` gives as soon as it is true; fails where that is never."""
    for _ in range(6000):
        if value := found():
            return value
        time.sleep(0.01)
    pytest.fail("it did not happen")


@pytest.fixture
def child() -> Iterator[worker._Child]:
    hired = worker._Child()
    yield hired
    hired.close()


# ---- one task ----------------------------------------------------------------------------------------


def test_the_answer_is_the_certificate_that_this_process_would_write() -> None:
    assert bounded("prove", EASY) == dumps(prove(**EASY).checked)


def test_text_needs_no_sympy_in_the_child() -> None:
    program = (
        "import sys; from derive import worker\n"
        f"assert 'value' in worker._attempt('prove', {EASY!r})\n"
        "sys.exit('sympy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_a_syntax_error_comes_back_with_its_column() -> None:
    with pytest.raises(SyntaxProblem) as caught:
        bounded("prove", {**EASY, "loss": "(h - y"})
    assert caught.value.column == 7 and str(caught.value).startswith("column 7: ")


def test_an_unknown_name_comes_back_as_one() -> None:
    with pytest.raises(UnknownName, match="is no pair"):
        bounded("prove", {"pair": "bce-tanh"})


def test_a_certificate_that_does_not_hold_comes_back_as_one() -> None:
    with pytest.raises(CertificateError, match="not JSON"):
        bounded("check", {"text": "{"})


@pytest.mark.parametrize("kind", [k for k in vars(errors).values() if isinstance(k, type) and k is not SyntaxProblem])
def test_every_error_has_a_way_back(kind: type[Exception]) -> None:
    if not issubclass(kind, DeriveError):
        pytest.skip("no error of this package")
    found = worker._outcome({"error": kind.__name__, "message": "why", "details": {}})
    assert type(found) is kind and str(found) == "why"


def test_an_exception_that_nobody_foresaw_is_no_verdict() -> None:
    with pytest.raises(KernelError, match="the search failed"):
        bounded("prove", {"no such": "argument"})


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 1e9])
def test_a_timeout_is_a_sensible_number(seconds: float) -> None:
    with pytest.raises(DeriveError, match="timeout") as caught:
        bounded("prove", EASY, seconds)
    assert not isinstance(caught.value, KernelError)


# ---- limits ------------------------------------------------------------------------------------------


def test_no_answer_in_time_is_undecided() -> None:
    with pytest.raises(KernelError, match=r"^no answer within 0\.5 s; raise it by --timeout$"):
        bounded("prove", HEAVY, 0.5)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not limit the address space")
def test_no_answer_in_memory_is_undecided() -> None:
    with pytest.raises(KernelError, match=r"failed|memory|ended"):
        bounded("match", {"activation": "tanh", "form": "json", "look": {}}, megabytes=50)


def test_a_task_without_memory_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(worker.TASKS, "hoard", lambda: bytearray(1 << 62))
    assert worker._attempt("hoard", {})["message"] == "it takes more memory than allowed"


@pytest.mark.skipif(not hasattr(signal, "SIGXCPU"), reason="needs limits of processor time")
def test_processor_time_is_limited_without_the_parent(child: worker._Child) -> None:
    child.send({"task": "prove", "seconds": 0.1, "megabytes": 500, "cases": [HEAVY]})
    assert child.answer(60) is None
    assert str(child.obituary(0.1)) == "no answer within 0.1 s; raise it by --timeout"


def test_a_process_that_crashes_is_undecided(child: worker._Child) -> None:
    child.send({"task": "prove", "seconds": 60, "megabytes": 500, "cases": [HEAVY]})
    os.kill(child.process.pid, signal.SIGSEGV)
    assert child.answer(60) is None
    assert "SIGSEGV" in str(child.obituary(60))


def test_a_process_that_just_leaves_is_undecided(child: worker._Child) -> None:
    assert child.process.stdin is not None
    child.process.stdin.close()
    assert child.answer(60) is None
    assert str(child.obituary(60)) == "the process of the search ended with exit code 0"


@needs_proc
def test_ctrl_c_ends_the_child_as_well() -> None:
    arguments = ["prove", "--loss", HEAVY["loss"], "--activation", "z", "--timeout", "600"]
    # a job in the background of a shell inherits that Ctrl-C is ignored: here it is not
    start = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from derive.cli import main; main()"
    )
    command = [sys.executable, "-c", start, *arguments]
    parent = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)
    (found,) = until(lambda: children(parent.pid))
    parent.send_signal(signal.SIGINT)
    _, err = parent.communicate(timeout=60)
    assert parent.returncode == 130 and "Traceback" not in err
    until(lambda: not Path(f"/proc/{found}").exists())


def test_nothing_is_imported_from_the_working_directory(tmp_path: Path) -> None:
    for name in ("json", "flint", "resource", "derive"):
        (tmp_path / f"{name}.py").write_text("open('executed', 'w').close()")
    program = f"from derive.worker import bounded; print(bounded('prove', {EASY!r})[:1])"
    run = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (run.stdout, run.stderr) == ("{\n", "")
    assert not (tmp_path / "executed").exists()


# ---- many tasks --------------------------------------------------------------------------------------


def request(slope: int) -> dict[str, str]:
    return {"loss": f"{slope}*h - y", "activation": "z"}


@pytest.mark.parametrize("seconds", [None, 60])
@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("amount", [0, 1, FEW + 7])
def test_answers_come_in_order(amount: int, jobs: int, seconds: float | None) -> None:
    answers = list(parallel("prove", [request(n) for n in range(1, amount + 1)], jobs, seconds))
    slopes = [loads(answer).verdict.delta for answer in answers]
    assert [str(term.args[0]) for term in slopes] == [str(n) for n in range(1, amount + 1)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_goes_wrong_costs_its_own_case_only(jobs: int) -> None:
    cases = [request(1), HEAVY, {**EASY, "loss": "w*h"}, request(2)] * 2
    found = list(parallel("prove", cases, jobs, seconds=3))
    kinds = [type(answer) for answer in found]
    assert kinds == [str, KernelError, SyntaxProblem, str] * 2
    assert "no answer within 3 s" in str(found[1]) and "declare it" in str(found[2])


@needs_proc
def test_who_stops_listening_leaves_no_process() -> None:
    before = children(os.getpid())
    answers = parallel("prove", [request(n) for n in range(1, 9)] + [HEAVY] * 4, 2, 600)
    assert isinstance(next(answers), str)
    assert len(children(os.getpid())) > len(before)
    answers.close()  # type: ignore[attr-defined]
    assert children(os.getpid()) == before


def test_there_is_a_processor() -> None:
    assert worker.cpus() >= 1
