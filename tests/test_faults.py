"""Faults of the machine: killed, full, unwritable, out of memory, incomplete. Old files stay whole, none is a verdict.

Each fault is a real one, made by the system: a signal, a limit of the process, a full file system, a package that is
not found. Exit code 1 is a verdict (wrong, does not hold), so that no fault may end with it.
"""

from __future__ import annotations

import json
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from test_worker import children, needs_proc, until

ROOT = Path(__file__).parent.parent
CERTIFICATES = ROOT / "proofs" / "certificates"
OLD = "the old file\n"
BIT = 1024  # bytes, less than any sheet or certificate
EASY = ("prove", "--loss", "mse", "--activation", "tanh(z)")
# 2^11 regions: no answer for minutes
HEAVY = ("--loss", " + ".join(f"|h - {n}*y|" for n in range(1, 12)), "--activation", "z", "--timeout", "300")
BUSY = {
    "prove": ("prove", *HEAVY),
    "check": ("check", "h - y", *HEAVY),
    "match": ("match", "--activation", " + ".join(f"|z - {n}|^({n}/7)" for n in range(1, 9)), "--timeout", "300"),
}
DIES_OF_SIZE = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)"  # Python ignores the signal at its start
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="faults are made as Linux makes them")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "derive", *arguments]


def environment(folder: Path | None = None, before: str = "") -> dict[str, str]:
    """Of a process, and of its children, that runs a program before anything else."""
    path = [str(ROOT)]
    if folder is not None:
        (folder / "sitecustomize.py").write_text(before)
        path.insert(0, str(folder))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "ignore"}


def limit(kind: int, most: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(kind, (most, most))


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    given = {"capture_output": True, "cwd": ROOT, "env": environment(), "timeout": 120, **options}
    return subprocess.run(command(*arguments), encoding="utf-8", check=False, **given)  # type: ignore[call-overload,no-any-return]


def is_one_line(stderr: str) -> bool:
    return stderr.startswith("derive: ") and stderr.count("\n") == 1 and "Traceback" not in stderr


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file that is there already, in a folder of its own."""
    (tmp_path / "out").mkdir()
    found = tmp_path / "out" / "sheet.tex"
    found.write_text(OLD)
    return found


def new_content(pair: str = "bce-sigmoid") -> str:
    return run(pair, "--format", "latex").stdout


# ---- killed while writing ------------------------------------------------------------------------------------


def test_killed_in_the_middle_of_writing(target: Path, tmp_path: Path) -> None:
    killed = run(
        *("bce-sigmoid", "-o", str(target)),
        env=environment(tmp_path, DIES_OF_SIZE),
        preexec_fn=limit(resource.RLIMIT_FSIZE, BIT),
    )
    assert killed.returncode == -signal.SIGXFSZ
    (rest,) = set(target.parent.iterdir()) - {target}
    assert rest.suffix == ".part" and rest.stat().st_size == BIT  # so it was in the middle
    assert target.read_text() == OLD
    assert run("bce-sigmoid", "-o", str(target)).returncode == 0
    assert target.read_text(encoding="utf-8") == new_content()


def test_killed_at_any_time(target: Path) -> None:
    since = time.monotonic()
    new = new_content()
    most = time.monotonic() - since
    for n in range(8):
        process = subprocess.Popen(command("bce-sigmoid", "-o", str(target)), cwd=ROOT, env=environment())
        time.sleep(most * (4 + n) / 12)
        process.kill()
        process.wait()
        assert target.read_text(encoding="utf-8") in (OLD, new)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project with the proofs of one pair, one of them outdated."""
    for folder in ("derive", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("certificates/mse-tanh.json", "latex/mse-tanh.tex"):
        (tmp_path / "proofs" / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / "proofs" / name, tmp_path / "proofs" / name)
    (tmp_path / "proofs" / "certificates" / "mse-tanh.json").write_text(OLD)
    return tmp_path


def test_regenerate_killed_in_the_middle_of_writing(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outdated = copy / "proofs" / "certificates" / "mse-tanh.json"
    before = environment(tmp_path_factory.mktemp("before"), DIES_OF_SIZE)
    regenerate = [sys.executable, "scripts/regenerate", "--jobs", "1", "mse-tanh"]
    killed = subprocess.run(
        regenerate, cwd=copy, env=before, preexec_fn=limit(resource.RLIMIT_FSIZE, BIT), capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGXFSZ
    assert outdated.read_text() == OLD
    done = subprocess.run(regenerate, cwd=copy, env=environment(), capture_output=True, text=True, check=True)
    assert "2 files derived afresh, 1 written" in done.stdout
    assert outdated.read_bytes() == (CERTIFICATES / "mse-tanh.json").read_bytes()


# ---- no room, no right ---------------------------------------------------------------------------------------


def test_a_file_that_may_not_grow(target: Path) -> None:
    failed = run("bce-sigmoid", "-o", str(target), preexec_fn=limit(resource.RLIMIT_FSIZE, BIT))
    assert failed.returncode == 2 and failed.stdout == ""
    assert is_one_line(failed.stderr) and "File too large" in failed.stderr
    assert target.read_text() == OLD and [*target.parent.iterdir()] == [target]


def mounting() -> list[str]:
    """The start of a command that may mount file systems of its own."""
    found = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    probe = [*found, "mount", "-t", "tmpfs", "none", "/mnt"]
    if shutil.which("unshare") is None or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    return found


def test_a_full_disk(target: Path) -> None:
    folder = shlex.quote(str(target.parent))
    script = f"""
        mount -t tmpfs -o size=8k none {folder}
        printf %s {shlex.quote(OLD)} > {folder}/sheet.tex
        {shlex.join(command("mse-selu", "-o", str(target)))}
        echo "exit code $?"
        cat {folder}/sheet.tex
        ls {folder}"""
    found = subprocess.run(
        [*mounting(), "sh", "-c", script], env=environment(), cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert is_one_line(found.stderr) and "No space left on device" in found.stderr
    assert found.stdout == f"exit code 2\n{OLD}sheet.tex\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("bce-sigmoid",),
        ("mse-tanh", "--json"),
        ("list", "--loss", "bce"),
        EASY,
        ("check", "--pair", "bce-sigmoid", "h"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_standard_output_is_full(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        failed = run(*arguments, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert failed.returncode == 2
    assert is_one_line(failed.stderr) and "No space left on device" in failed.stderr


def without_privileges() -> list[str]:
    """The start of a command that may do what its user may: root may write anywhere otherwise."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root without setpriv")
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


@pytest.mark.parametrize("protected", ["folder", "file"])
def test_what_may_not_be_written(target: Path, protected: str) -> None:
    chosen = target.parent if protected == "folder" else target
    chosen.chmod(0o555)
    try:
        failed = subprocess.run(
            [*without_privileges(), *command("bce-sigmoid", "-o", str(target))],
            env=environment(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        chosen.chmod(0o755)
    assert failed.returncode == 2 and failed.stdout == ""
    assert is_one_line(failed.stderr) and "Permission denied" in failed.stderr
    assert target.read_text() == OLD and [*target.parent.iterdir()] == [target]


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.tex"
    os.mkfifo(pipe)
    with subprocess.Popen(command("bce-sigmoid", "-o", str(pipe)), cwd=ROOT, env=environment()) as process:
        assert pipe.read_text(encoding="utf-8") == new_content()
    assert process.returncode == 0 and pipe.is_fifo()


def test_a_link_and_the_mode_of_a_file_stay(target: Path) -> None:
    link = target.with_name("link.tex")
    link.symlink_to(target.name)
    target.chmod(0o600)
    assert run("bce-sigmoid", "-o", str(link)).returncode == 0
    assert link.is_symlink() and target.read_text(encoding="utf-8") == new_content()
    assert target.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("closed", "arguments", "code"),
    [
        ("1>&-", ("bce-sigmoid",), 0),
        ("2>&-", ("bce-sigmod",), 2),
        ("0<&-", ("verify", "-"), 2),
        ("0<&- 1>&- 2>&-", EASY, 0),
    ],
)
def test_closed_from_the_start(closed: str, arguments: tuple[str, ...], code: int) -> None:
    script = f"{shlex.join(command(*arguments))} {closed}"
    found = subprocess.run(
        ["sh", "-c", script], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout) == (code, "")
    assert found.stderr == "" or is_one_line(found.stderr)


# ---- several at once -----------------------------------------------------------------------------------------


def test_writers_at_once(target: Path) -> None:
    pairs = ("bce-sigmoid", "mse-selu")
    whole = {OLD, *map(new_content, pairs)}
    writers = [subprocess.Popen(command(pair, "-o", str(target)), cwd=ROOT, env=environment()) for pair in pairs * 2]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        seen.add(target.read_text(encoding="utf-8"))
    assert seen <= whole and [writer.returncode for writer in writers] == [0] * 4
    assert target.read_text(encoding="utf-8") in whole - {OLD}
    assert [*target.parent.iterdir()] == [target]


# ---- processes and memory ------------------------------------------------------------------------------------


@needs_proc
@pytest.mark.parametrize("arguments", BUSY.values(), ids=BUSY)
def test_a_worker_that_is_killed_is_undecided(arguments: tuple[str, ...]) -> None:
    with subprocess.Popen(
        command(*arguments, "--json"),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as parent:
        (child,) = until(lambda: children(parent.pid))
        os.kill(child, signal.SIGKILL)
        out, err = parent.communicate(timeout=60)
    assert parent.returncode == 3
    assert is_one_line(err) and "ended by SIGKILL" in err
    found = json.loads(out)
    assert found.get("answer", "undecided") == "undecided" and found.get("exists") is None


@needs_proc
@pytest.mark.parametrize("kind", ["verify", "list"])
def test_a_checker_that_is_killed_says_nothing_of_its_certificate(kind: str) -> None:
    files = [] if kind == "list" else sorted(map(str, CERTIFICATES.glob("*.json")))[:60]
    arguments = (kind, *files, "--jobs", "2", "--json")
    with subprocess.Popen(
        command(*arguments), cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as parent:
        os.kill(until(lambda: children(parent.pid))[0], signal.SIGKILL)
        out, err = parent.communicate(timeout=120)
    assert parent.returncode == 3
    if kind == "list":
        assert is_one_line(err) and "undecided" in err and "SIGKILL" in err
    else:
        rows = json.loads(out)
        assert [row["file"] for row in rows] == files and err == ""
        assert [row["holds"] for row in rows].count(None) == 1 and not any(row["holds"] is False for row in rows)


@needs_proc
def test_a_parent_that_is_killed_leaves_no_worker_for_long() -> None:
    parent = subprocess.Popen(command("prove", *HEAVY[:-1], "1"), cwd=ROOT, env=environment())
    (child,) = until(lambda: children(parent.pid))
    parent.kill()
    parent.wait()
    until(lambda: not Path(f"/proc/{child}").exists() or "\nState:\tZ" in Path(f"/proc/{child}/status").read_text())


@cache
def with_ample_memory(arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return run(*arguments)


@pytest.mark.parametrize("megabytes", [64, 96, 160])
@pytest.mark.parametrize(
    "arguments",
    [("mse-selu",), EASY, ("check", "--pair", "mse-selu", "h - y"), ("match", "--activation", "tanh")],
    ids=lambda arguments: arguments[0],
)
def test_little_memory_is_no_verdict(arguments: tuple[str, ...], megabytes: int) -> None:
    found = run(*arguments, preexec_fn=limit(resource.RLIMIT_AS, megabytes << 20))
    ample = with_ample_memory(arguments)
    if found.returncode == ample.returncode and found.stdout == ample.stdout:
        return
    assert found.returncode not in (0, 1) and found.stdout == "", found.stderr
    assert "Traceback" not in found.stderr


def test_a_worker_without_memory_is_undecided(tmp_path: Path) -> None:
    """The parent has memory enough, its worker has not: it takes 400 MB before it begins."""
    hoarding = "import sys\nif sys.argv[0] == '-m': hoard = bytearray(440 << 20)"
    failed = run("match", "--activation", "softplus(z)", env=environment(tmp_path, hoarding))
    assert failed.returncode == 3 and failed.stdout == ""
    assert is_one_line(failed.stderr) and "undecided" in failed.stderr


def test_no_process_can_be_started() -> None:
    """Files enough to import what is needed, and too few for the pipes of a worker."""
    failed = run(*EASY, preexec_fn=limit(resource.RLIMIT_NOFILE, 6))
    assert failed.returncode == 3 and failed.stdout == ""
    assert is_one_line(failed.stderr) and "no process can be started" in failed.stderr


# ---- an incomplete installation --------------------------------------------------------------------------------


COMMANDS = (
    *(("mse-tanh",), EASY, ("check", "--pair", "mse-tanh", "h - y"), ("match", "--activation", "tanh")),
    *(("list", "--loss", "bce"), ("atlas", "--loss", "bce"), ("theorem", "bregman")),
    ("verify", str(CERTIFICATES / "mse-tanh.json")),
    ("verify", str(ROOT / "proofs" / "theorems" / "bregman.json")),
)


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_without_python_flint(arguments: tuple[str, ...], tmp_path: Path) -> None:
    failed = run(*arguments, env=environment(tmp_path, "import sys; sys.modules['flint'] = None"))
    assert (failed.returncode, failed.stdout) == (2, "")
    assert is_one_line(failed.stderr) and "python -m pip install python-flint" in failed.stderr


@pytest.mark.parametrize(("arguments", "code"), [(("mse-tanh",), 0), (("mse-tanh", "--fresh"), 2)])
def test_without_sympy(arguments: tuple[str, ...], code: int, tmp_path: Path) -> None:
    found = run(*arguments, env=environment(tmp_path, "import sys; sys.modules['sympy'] = None"))
    assert found.returncode == code
    assert found.stderr == "" if code == 0 else "python -m pip install sympy" in found.stderr
