"""What tools/fuzz.py found stays mended, and a first few inputs and cases of each kind, the same ones every time."""

from __future__ import annotations

import json
import random
import runpy
from collections import Counter
from pathlib import Path

import pytest
from kernel_cases import CASES, search

from derive.certificate import loads
from derive.errors import CertificateError, DeriveError

FUZZ = runpy.run_path(str(Path(__file__).parent.parent / "tools" / "fuzz.py"))
STORED = sorted((p.parent.name, p) for name in FUZZ["TARGETS"] for p in (FUZZ["FAILURES"] / name).glob("*"))


@pytest.mark.parametrize(("name", "path"), STORED, ids=[f"{name}-{path.name}" for name, path in STORED])
def test_what_failed_before(name: str, path: Path) -> None:
    FUZZ["checked"](FUZZ["TARGETS"][name].read, path.read_bytes())


@pytest.mark.parametrize("name", FUZZ["TARGETS"])
def test_first_inputs(name: str) -> None:
    """The inputs to start from, most of them right, each as it is and changed at a few places."""
    target, choose = FUZZ["TARGETS"][name], random.Random(name)
    seeds = [s.encode() if isinstance(s, str) else s for s in target.seeds()]
    accepted = sum(FUZZ["checked"](target.read, seed) for seed in seeds)
    assert accepted > len(seeds) / 2 or (name == "certificate" and accepted > 0)
    for seed in choose.sample(seeds, min(len(seeds), 30)):
        for _ in range(10):
            data = bytearray(seed)
            for _ in range(choose.randint(1, 4)):
                word = choose.choice(target.words).encode() if target.words else choose.randbytes(2)
                at = choose.randrange(len(data) + 1)
                data[at : at + choose.randint(0, 3)] = word
            FUZZ["checked"](target.read, bytes(data))


def test_a_changed_certificate_reaches_the_kernel() -> None:
    """Sealed again it is refused for what it says, by many reasons, and not for its checksum."""
    choose, reasons = random.Random(0), Counter[str]()
    for _ in range(150):
        text = FUZZ["changed"](choose.randbytes(24))
        try:
            loads(text)
        except CertificateError as problem:
            reasons[str(problem).partition(":")[0][:20]] += 1
    assert "checksum" not in " ".join(reasons) and len(reasons) > 20


def test_what_is_no_plain_error_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each kind the first input, of a reader that is planted."""

    def read(data: bytes) -> None:
        if data[:1] == b"s":
            raise DeriveError("of\ntwo lines")
        int(data)

    monkeypatch.setitem(FUZZ["TARGETS"], "planted", FUZZ["Target"](read, lambda: iter(())))
    monkeypatch.setitem(FUZZ["Campaign"].keep.__globals__, "FAILURES", tmp_path)
    campaign = FUZZ["Campaign"]("planted", 1e9)
    for data in (b"1", b"one", b"two", b"second"):
        campaign.one(data)
    assert {p.read_bytes() for p in (tmp_path / "planted").iterdir()} == {b"one", b"second"}
    assert (campaign.inputs, campaign.accepted) == (4, 1)


def test_what_is_slow_is_no_plain_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FUZZ["checked"].__globals__, "SLOW", 0.01)
    with pytest.raises(FUZZ["Wrong"], match="slower"):
        FUZZ["checked"](lambda data: sum(range(10**7)), b"")


def test_a_plain_error_is_none_of_them() -> None:
    def refuse(data: bytes) -> None:
        raise DeriveError("no")

    assert FUZZ["checked"](refuse, b"") is False
    assert FUZZ["checked"](json.loads, b"{}") is True


@pytest.mark.parametrize("name", CASES)
def test_first_cases_of_the_kernel(name: str) -> None:
    """Those that failed before, and a few random ones, of which some decide."""
    answers = Counter[bool | None]()
    search(name, 40, 0, lambda answer: answers.update([answer]))
    assert answers[True] > 3 and not answers[False]
