"""Tasks in processes of their own, with limits, so that nothing hangs; imports errors, and in a task what that needs.

A C loop does not stop for a signal handler: a task that takes too long, or too much memory, ends with its process.
Parent and child speak JSON, a line each: what the parent asks for are names of ``TASKS``, what comes back are values.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from derive import errors
from derive.errors import DeriveError, KernelError

SECONDS, MEGABYTES = 10.0, 500
MAX_SECONDS, MAX_JOBS = 86_400, 256
MAX_BATCH, FEW = 32, 24  # cases of a message; cases that are done sooner than a process has started
GARBAGE = 100_000  # new objects after which a child looks for garbage
GRACE = 1.0  # seconds in which a process that says no more has ended
SHOWN = 300  # characters of the message of an unexpected exception
Case = Mapping[str, Any]


# ---- the tasks -------------------------------------------------------------------------------------


def _prove(**request: Any) -> str:
    """The text of the certificate of a pair, or of a loss and an activation."""
    from derive.certificate import dumps
    from derive.prover import prove

    return dumps(prove(**request).checked)


def _derive(pair: str) -> dict[str, Any]:
    """The row of a pair that is derived afresh, or why it is none."""
    from derive.catalogue import why_inadmissible
    from derive.prover import prove

    why = why_inadmissible(pair)
    return {"pair": pair, "why": why} if why is not None else prove(pair).to_json(steps=False)


def _check(text: str) -> dict[str, Any]:
    """What a certificate that is re-checked says, and the number of its steps."""
    from derive.certificate import loads

    certificate, theorems, found = loads(text)
    return {"pair": certificate.pair, "answer": found.answer, "kind": found.kind, "steps": len(theorems)}


def _row(text: str) -> dict[str, Any]:
    """The row of a certificate that is re-checked."""
    return _row_of(_proof(text))


def _page(text: str) -> dict[str, Any]:
    """The same row, and what the page of a site shows of the proof."""
    from derive.report.html import parts

    proof = _proof(text)
    return {**_row_of(proof), **parts(proof)}


def _proof(text: str) -> Any:
    from derive.certificate import loads
    from derive.proof import Proof

    return Proof(loads(text))


def _row_of(proof: Any) -> dict[str, Any]:
    return {**proof.to_json(steps=False), "average": proof.average}


def _match(form: str, look: Mapping[str, Any], **request: Any) -> dict[str, Any]:
    """Whether an activation has a matching loss (None: undecided, with the reason), and the report about it."""
    from derive.matching import match
    from derive.report import match as report

    found = match(**request)
    if form == "json":
        return {"exists": found.exists, "reason": found.reason, "report": found.to_json()}
    if form == "html":
        from derive.report.html import match_page

        return {"exists": found.exists, "reason": found.reason, "report": match_page(found)}
    shown = {"text": lambda m: report.text(m, **look), "latex": report.sheet, "markdown": report.markdown}[form](found)
    return {"exists": found.exists, "reason": found.reason, "report": shown}


def _judge(form: str, look: Mapping[str, Any], **request: Any) -> dict[str, Any]:
    """The judgement of a claim or a derivation, and the report about it."""
    from derive.checking import check
    from derive.report.check import text

    found = check(**request)
    return {"answer": found.answer, "report": found.to_json() if form == "json" else text(found, **look)}


TASKS: dict[str, Callable[..., Any]] = {
    "prove": _prove,
    "derive": _derive,
    "check": _check,
    "row": _row,
    "page": _page,
    "match": _match,
    "judge": _judge,
}


# ---- the parent ------------------------------------------------------------------------------------


def bounded(task: str, case: Case, seconds: float = SECONDS, megabytes: int = MEGABYTES) -> Any:
    """What the task answers, as JSON.

    Raises what the task raises, and KernelError where its process has no answer within the limits.
    """
    if not 0 < seconds <= MAX_SECONDS:
        raise DeriveError(f"a timeout is a number of seconds from 0 to {MAX_SECONDS}")
    crew = _Crew(task, seconds, megabytes)
    try:
        (found,) = crew.work([case])
    finally:
        crew.dismiss()
    if isinstance(found, DeriveError):
        raise found
    return found


def parallel(
    task: str, cases: Sequence[Case], jobs: int, seconds: float | None = None, megabytes: int = MEGABYTES
) -> Iterator[Any]:
    """What the task answers for each case, in order; a DeriveError instead of an answer is given, not raised.

    jobs: how many processes; seconds: the limit of each case. Without a limit, a few cases are done in this process.
    """
    if seconds is None and (jobs == 1 or len(cases) <= FEW):
        yield from (_outcome(_attempt(task, case)) for case in cases)
        return
    crew, pool = _Crew(task, seconds, megabytes), ThreadPoolExecutor(min(jobs, MAX_JOBS))
    try:
        for answers in pool.map(crew.work, _batches(cases, jobs)):
            yield from answers
    finally:
        crew.dismiss()
        pool.shutdown(cancel_futures=True)


def _batches(cases: Sequence[Case], jobs: int) -> Iterator[Sequence[Case]]:
    """Long ones first, since what a child has read helps it on, and short ones at last, so that all end together."""
    while cases:
        length = max(1, min(MAX_BATCH, len(cases) // (4 * jobs)))
        yield cases[:length]
        cases = cases[length:]


def cpus() -> int:
    """How many processes this one may run at the same time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Crew:
    """Children that take batches of one task, each from one thread at a time."""

    def __init__(self, task: str, seconds: float | None, megabytes: int) -> None:
        self.task, self.seconds, self.megabytes = task, seconds, megabytes
        self.lock = threading.Lock()
        self.idle: list[_Child] = []
        self.hired: list[_Child] = []
        self.is_dismissed = False

    def work(self, batch: Sequence[Case]) -> list[Any]:
        """The answers to a batch; a child that ends costs the case that it had, and another one does the rest."""
        found: list[Any] = []
        while len(found) < len(batch) and (child := self._child()) is not None:
            seconds = self.seconds or MAX_SECONDS  # of processor time, where there is no other limit
            child.send(
                {"task": self.task, "seconds": seconds, "megabytes": self.megabytes, "cases": batch[len(found) :]}
            )
            while len(found) < len(batch) and (answer := child.answer(self.seconds)) is not None:
                found.append(_outcome(answer))
            if len(found) < len(batch):
                found.append(child.obituary(seconds))
            else:
                self.idle.append(child)
        return found

    def _child(self) -> _Child | None:
        with self.lock:
            if self.is_dismissed:
                return None
            if self.idle:
                return self.idle.pop()
            self.hired.append(_Child())
            return self.hired[-1]

    def dismiss(self) -> None:
        """End all children, busy or not."""
        with self.lock:
            self.is_dismissed = True
        for child in self.hired:
            child.close()


class _Child:
    """A process that runs ``main``, in a session of its own, so that Ctrl-C reaches the parent alone."""

    def __init__(self) -> None:
        # the modules of the parent, and nothing that happens to lie in the working directory
        path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
        self.is_late = False
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "derive.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},  # a thread each takes memory
                start_new_session=True,
            )
        except OSError as problem:
            raise KernelError(f"no process can be started for the search: {problem.strerror}") from problem

    def send(self, request: Mapping[str, Any]) -> None:
        """Ask; that a child has ended already is found out by ``answer``."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
            self.process.stdin.flush()

    def answer(self, seconds: float | None) -> dict[str, Any] | None:
        """The next answer; None where there is none in time, or the child has ended."""
        if seconds is None:
            return self._read()
        timer = threading.Timer(seconds, self._stop)
        timer.daemon = True  # Ctrl-C may come before it can be cancelled
        try:
            timer.start()
            return self._read()
        finally:
            timer.cancel()

    def _read(self) -> dict[str, Any] | None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def _stop(self) -> None:
        self.is_late = True
        self.kill()

    def kill(self) -> None:
        if self.process.poll() is not None:
            return
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()

    def close(self) -> None:
        self.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()

    def obituary(self, seconds: float) -> KernelError:
        """Why there is no answer."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE)
        self.kill()
        code = self.process.wait()
        if self.is_late or code == -getattr(signal, "SIGXCPU", 0):
            return KernelError(f"no answer within {seconds:g} s; raise it by --timeout")
        with suppress(ValueError):
            return KernelError(f"the process of the search was ended by {signal.Signals(-code).name}")
        return KernelError(f"the process of the search ended with exit code {code}")


def _outcome(answer: Mapping[str, Any]) -> Any:
    """The value of an answer, or the error that it tells of."""
    if "error" not in answer:
        return answer["value"]
    kind: type[DeriveError] = getattr(errors, answer["error"])
    problem = kind.__new__(kind, answer["message"])
    problem.__dict__.update(answer["details"])
    return problem


# ---- the child -------------------------------------------------------------------------------------


def main() -> None:
    """Answer requests from standard input until it ends; nothing but answers reaches standard output."""
    gc.freeze()
    gc.set_threshold(GARBAGE)  # few terms hold cycles, and to look for them in all that are kept takes long
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        for case in request["cases"]:
            _limit(request["seconds"], request["megabytes"])
            answers.write(json.dumps(_attempt(request["task"], case)) + "\n")
            answers.flush()


def _limit(seconds: float, megabytes: int) -> None:
    """Bound the memory of this process and the time of its next task, where the system can."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        for kind, most in (
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_CPU, int(used + seconds) + 2),
            (resource.RLIMIT_AS, megabytes << 20),
        ):
            hard = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _attempt(task: str, case: Case) -> dict[str, Any]:
    """What the task says, or what went wrong: an error of the user, else no statement."""
    try:
        return {"value": TASKS[task](**case)}
    except DeriveError as problem:
        kind = next(kind for kind in type(problem).__mro__ if kind.__module__ == errors.__name__)
        details = {name: value for name, value in vars(problem).items() if isinstance(value, int | str)}
        return {"error": kind.__name__, "message": str(problem), "details": details}
    except ModuleNotFoundError as problem:
        return {"error": "DeriveError", "message": str(errors.missing(problem)), "details": {}}
    except MemoryError:
        message = "it takes more memory than allowed"
    except Exception as problem:  # whatever a search runs into is no verdict
        message = f"the search failed: {' '.join(str(problem).split())[:SHOWN] or type(problem).__name__}"
    return {"error": "KernelError", "message": message, "details": {}}


if __name__ == "__main__":
    main()
