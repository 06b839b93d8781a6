#!/usr/bin/env python3
"""Feed what nobody would write to the readers and to the kernel, for as long as asked, and keep what goes wrong.

    python tools/fuzz.py plain --seconds 600           also: latex, claim, document, certificate
    python tools/fuzz.py kernel --seconds 600

The readers are fed by atheris (pip install atheris), which follows the branches that an input takes. A reader may raise
DeriveError, and nothing else; it has SLOW seconds of processor time; what it reads as a term is read again as printed.
A certificate is changed here and there and sealed again, so that the kernel sees the changes; what is accepted then is
compared with balls. The kernel is fed by Hypothesis with the terms of tests/strategies.py. What fails is stored in
tests/fuzz/, which tests/test_fuzz.py replays, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
FAILURES, SHIPPED = ROOT / "tests" / "fuzz", ROOT / "proofs" / "certificates"
BATCH = 100  # cases of a property, before it is another one's turn
LARGE = 100_000  # characters that an edit of a certificate may add
MEMORY = 4 << 30  # bytes that the kernel may take: a normal form may be wide
SLOW = 2.0  # seconds of processor time
LONGEST = {"certificate": 64}  # bytes of an input, where it is no text
SETTINGS = ({"pair": "mse-selu"}, {"pair": "cce-softmax"}, {"pair": "cce-softmax", "layer": 2})


class Wrong(Exception):
    """An input after which something is not as promised."""


class Target(NamedTuple):
    """What is done with an input (raising DeriveError is fine), inputs to start from, and words to put in."""

    read: Callable[[bytes], None]
    seeds: Callable[[], Iterator[str | bytes]]
    words: tuple[str, ...] = ()


def checked(read: Callable[[bytes], None], data: bytes) -> bool:
    """Whether it is accepted; raises Wrong for a message of several lines, for what takes too long, and what else."""
    from derive.errors import DeriveError

    since, is_accepted = time.process_time(), True
    try:
        read(data)
    except DeriveError as problem:
        is_accepted = False
        if "\n" in str(problem):
            raise Wrong(f"a message of more than one line: {problem!a}") from problem
    if time.process_time() - since > SLOW:
        raise Wrong(f"slower than {SLOW:g} s")
    return is_accepted


def text_of(data: bytes, words: tuple[str, ...] = ()) -> str:
    """UTF-8, or after a byte that begins no character a word of the language for each byte."""
    if words and data[:1] == b"\xff":
        return " ".join(words[byte % len(words)] for byte in data[1:])
    return data.decode("utf-8", "surrogateescape")


# ---- expressions and claims ------------------------------------------------------------------------


@cache
def models() -> tuple[Any, ...]:
    from derive.checking import setting

    return tuple(setting(**given)[0] for given in SETTINGS)


def read_expression(spelling: str, words: tuple[str, ...]) -> Callable[[bytes], None]:
    """A reader of expressions; a term is to come back from its text."""

    def read(data: bytes) -> None:
        from strategies import SYMBOLS

        from derive.errors import DeriveError
        from derive.syntax import parse, plain

        term = parse(text_of(data, words), SYMBOLS, spelling)
        try:
            again = parse(plain(term), SYMBOLS)
        except DeriveError as problem:
            if "limit" in str(problem) or "longer" in str(problem):
                return
            raise Wrong(f"a term that is printed, and then not read: {problem}") from problem
        if again != term:
            raise Wrong("a term that is printed otherwise than it is read")

    return read


def read_claim(data: bytes) -> None:
    """A line of a derivation in each of the models, in the spelling that it has."""
    from derive.errors import DeriveError
    from derive.syntax import parse_claim

    problems = []
    for model in models():
        model.quantities.clear()
        try:
            parse_claim(text_of(data, CLAIM_WORDS), model.symbols)
        except DeriveError as problem:
            problems.append(problem)
    if len(problems) == len(models()):
        raise problems[0]


def terms_of_certificates() -> Iterator[str]:
    for path in sorted(SHIPPED.glob("*.json"))[::40]:
        yield from {step["value"] for step in json.loads(path.read_text(encoding="ascii"))["steps"]}


def latex_of_certificates() -> Iterator[str]:
    from derive.certificate import load
    from derive.proof import Proof

    for pair in ("bce-sigmoid", "cce-softmax", "mse-selu"):
        for step in Proof(load(pair)).to_json()["steps"]:
            yield step["latex"]


def latex_terms() -> Iterator[str]:
    """The right sides of the steps."""
    return (line.rpartition(" = ")[2].partition(r"\quad")[0] for line in latex_of_certificates())


def claims() -> Iterator[str]:
    yield from ("dJ/dz = dJ/dh * dh/dz", "= (h - y)/(h*(1 - h)) * f'(z)", "delta_j = sum(k, Theta2_kj*delta3_k)")
    yield from (r"\frac{\partial J}{\partial z_j} = \hat{y}_j - y_j", r"\delta^{(2)}_j = \sum_k \Theta^{(2)}_{kj}")
    yield from ("d/dh (y*log(h)) = y/h", "d2J/dz2 = h(1-h)", "dh_k/dz_j = h_k(kron(k, j) - h_j)", "J = |h - y| = 1e-3")
    yield from (r"h = \begin{cases} z & z > 0 \\ 0 & \text{otherwise} \end{cases}", r"\sigma'(z)", r"\sqrt[3]{z}")
    yield from latex_of_certificates()


PLAIN = r"""
    h y z z_j h[k] K m k j Theta_kj 2 0.1 1e pi ( ) [ ] , | + - * / ^ ** = < > <= != and ' sum(k, kron(k,j) where( max(
    softmax(z) sigmoid( exp( log sqrt( clip( f'(z) F'( dJ/dz dh_k/dz_j d2J/dz2 d/dh delta delta3_k a2_j _k e^z (L) (2)
    ^(L) d J nan #"""
LATEX = r"""
    \frac{ \tfrac \sum_ \sum_{k=1}^{K} \left( \right) \cdot \hat{y} \partial ^{(L)} \begin{cases} \end{cases} \\ & e^{
    \delta_{kj} \sigma \log \exp \sqrt[ \mathrm{ \operatorname{ \text{if} \text{otherwise} _{ ^{ } { \Theta \theta K '
    x^{(i)} \mathbb{1} \prime \ln \bigl( \, \max( h_\theta(x)_k \frac{\partial{}J}{\partial{}z} z y_k J 2 + - = < ( ) |
    \le \quad \lvert \rvert"""
PLAIN_WORDS, LATEX_WORDS = tuple(PLAIN.split()), tuple(LATEX.split())
CLAIM_WORDS = (*PLAIN_WORDS, *LATEX_WORDS)


# ---- documents -------------------------------------------------------------------------------------


def read_document(data: bytes) -> None:
    """A document of the kind that the first byte says."""
    from derive import documents

    kinds = ("", ".txt", ".derive", ".tex", ".md", ".ipynb")
    found = documents.read(text_of(data[1:]), kinds[data[0] % len(kinds)] if data else "")
    for line in found.lines:
        for column in (1, len(line.text)):
            line.place(column)


def written_documents() -> Iterator[bytes]:
    display = r"% derive: pair = bce-sigmoid" "\n" r"\begin{align*} a &= b \\ &= c \tag{1} \end{align*} $$x$$ \[ y \]"
    yield b"\x00# comment\npair: bce-sigmoid\n\ndJ/dz = dJ/dh * dh/dz\n      = h - y\n"
    yield b"\x03" + display.encode()
    yield b"\x04<!-- derive: pair = bce-sigmoid -->\n```math\nh = 1\n```\n~~~\n$$ h - y $$\n"
    cells = [{"cell_type": "markdown", "source": ["$$h - y$$", "\n", display]}, {"cell_type": "code", "source": "1"}]
    yield b"\x05" + json.dumps({"cells": cells, "nbformat": 4}).encode()


DOCUMENT = r"""
    $$ \[ \] \begin{align} \end{align} \begin{verbatim} \end{verbatim} ``` ~~~ ```math <!-- --> derive: pair: \\ \tag{ &
    { } \label{ "cells" "source" "cell_type" "markdown" \begin{cases} \end{cases} \intertext{"""
DOCUMENT_WORDS = (*DOCUMENT.split(), "% derive: pair = ", "layer: 2", "\\quad \\text{", "\r\n")


# ---- certificates ----------------------------------------------------------------------------------


class Choices:
    """Bytes as a row of choices; 0 once they have come to an end."""

    def __init__(self, data: bytes) -> None:
        self.rest = iter(data)

    def below(self, limit: int) -> int:
        return (next(self.rest, 0) * 256 + next(self.rest, 0)) % limit

    def one(self, options: Any) -> Any:
        return options[self.below(len(options))]


EDITS: dict[str, Callable[[Any, Choices, list[Any]], Any]] = {
    "another value": lambda old, choose, values: choose.one(values),
    "nothing": lambda old, choose, values: choose.one((None, [], {}, "", 0, -1, True, 1e300, 10**30, [[]], {"": 0})),
    "twice": lambda old, choose, values: [*old, *old] if isinstance(old, list) else [old, old],
    "without": lambda old, choose, values: without(old, choose),
    "word": lambda old, choose, values: spliced(
        old, choose, choose.one((*PLAIN_WORDS, "9^9^9", "-1", " + 1", "(", ")"))
    ),
    "number": lambda old, choose, values: spliced(old, choose, str(choose.below(100))),
    "cut": lambda old, choose, values: old[: choose.below(len(old) + 1)] if isinstance(old, str | list) else old,
    "swap": lambda old, choose, values: swapped(old, choose),
    "wrap": lambda old, choose, values: f"{choose.one(('exp', 'log', 'abs', 'F', 'sqrt'))}({old})",
}


def without(old: Any, choose: Choices) -> Any:
    if isinstance(old, dict) and old:
        gone = choose.one(sorted(old))
        return {name: value for name, value in old.items() if name != gone}
    if isinstance(old, list) and old:
        gone = choose.below(len(old))
        return old[:gone] + old[gone + 1 :]
    return None


def spliced(old: Any, choose: Choices, word: str) -> Any:
    if not isinstance(old, str):
        return word
    start = choose.below(len(old) + 1)
    return old[:start] + word + old[start + choose.below(3) :]


def swapped(old: Any, choose: Choices) -> Any:
    """Two names exchanged in a text, or two items in a list."""
    if isinstance(old, str):
        a, b = choose.one(
            (("h", "y"), ("z", "h"), ("k", "j"), ("+", "-"), ("*", "/"), ("<", ">"), ("K", "m"), ("1", "2"))
        )
        return old.replace(a, "\0").replace(b, a).replace("\0", b)
    if isinstance(old, list) and old:
        one, other = choose.below(len(old)), choose.below(len(old))
        old = [*old]
        old[one], old[other] = old[other], old[one]
    return old


def paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in JSON, the top left out."""
    if above:
        yield above
    for name in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from paths(value[name], (*above, name))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        value = value[name]
    return value


def edited(body: Any, choose: Choices) -> Any:
    """The certificate with one to three edits; the same edit may be made at several places, such as all "h - y"."""
    for _ in range(1 + choose.below(3)):
        places = list(paths(body))
        path = choose.one(places)
        old, values = at(body, path), [at(body, p) for p in places]
        new = EDITS[choose.one(sorted(EDITS))](old, choose, values)
        text, same = json.dumps(new), [p for p in places if at(body, p) == old]
        for place in same if choose.below(2) and len(text) * len(same) < LARGE else [path]:
            at(body, place[:-1])[place[-1]] = json.loads(text)
    return body


@cache
def originals() -> tuple[str, ...]:
    """Small certificates of every kind."""
    paths = sorted(SHIPPED.glob("*.json"), key=lambda p: (p.stat().st_size, p.name))
    names = (
        "bce-sigmoid",
        "cce-softmax",
        "mae-relu",
        "hinge-identity",
        "huber-identity",
        "kl-softmax",
        "mse-leakyrelu",
    )
    return tuple(p.read_text(encoding="ascii") for p in [*paths[:80:8], *(SHIPPED / f"{n}.json" for n in names)])


def changed(data: bytes) -> str:
    """The certificate that the bytes choose, edited as they say, and sealed."""
    from derive.certificate import _sealed

    choose = Choices(data)
    body = edited(json.loads(choose.one(originals())), choose)
    body.pop("checksum", None)
    return _sealed(body)


def read_certificate(data: bytes) -> None:
    """A changed certificate; where it is accepted, the dJ/dz of its verdict is held against dual numbers."""
    from derive import balls
    from derive.certificate import loads
    from derive.derivation import COST

    certificate, _, found = loads(changed(data))
    slope = balls.Slope(COST, certificate.statement.preactivation)
    for name, witness in certificate.points.items():
        wrong = balls.certainly_different(slope, found.delta, witness.point, certificate.statement.definitions)
        if wrong and not name.startswith("border"):
            raise Wrong(f"a certificate is accepted, and its dJ/dz is refuted at the point {name}")


def some_bytes(start: bytes = b"") -> Iterator[bytes]:
    for n in range(40):
        yield start + sha256(bytes([n])).digest()


TARGETS = {
    "plain": Target(read_expression("plain", PLAIN_WORDS), terms_of_certificates, PLAIN_WORDS),
    "latex": Target(read_expression("latex", LATEX_WORDS), latex_terms, LATEX_WORDS),
    "claim": Target(read_claim, claims, CLAIM_WORDS),
    "document": Target(read_document, written_documents, DOCUMENT_WORDS),
    "certificate": Target(read_certificate, some_bytes),
}


# ---- readers, by atheris ---------------------------------------------------------------------------


class Campaign:
    """Inputs so far, and the failures among them: one of each kind is stored."""

    def __init__(self, name: str, seconds: float) -> None:
        self.name, self.seconds, self.since = name, seconds, time.monotonic()
        self.inputs, self.accepted, self.failures = 0, 0, dict[str, Path]()

    def one(self, data: bytes) -> None:
        self.inputs += 1
        try:
            self.accepted += checked(TARGETS[self.name].read, data)
        except Exception as problem:
            self.keep(data, problem)
        if time.monotonic() - self.since > self.seconds:
            self.end()

    def keep(self, data: bytes, problem: Exception) -> None:
        last = traceback.extract_tb(problem.__traceback__)[-1]
        what = f"{problem}" if isinstance(problem, Wrong) else f"{type(problem).__name__} in {last.name}:{last.lineno}"
        if what not in self.failures:
            path = FAILURES / self.name / sha256(data).hexdigest()[:12]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            self.failures[what] = path
            print(f"{what}: {str(problem)[:200]!a}: {path}", flush=True)

    def end(self) -> None:
        """Say how it went; atheris itself never ends."""
        passed, failed = time.monotonic() - self.since, len(self.failures)
        print(
            f"{self.name}: {self.inputs} inputs in {passed:.0f} s, {self.accepted} accepted, {failed} kinds of failure"
        )
        sys.stdout.flush()
        os._exit(1 if self.failures else 0)


def fuzz_reader(name: str, seconds: float, folder: Path) -> None:
    import atheris

    target = TARGETS[name]
    with atheris.instrument_imports(include=["derive"]):
        import derive.certificate
        import derive.checking
        import derive.documents
        import derive.judge
        import derive.prover  # noqa: F401
    folder.mkdir(parents=True, exist_ok=True)
    seeds = (s.encode() if isinstance(s, str) else s for s in target.seeds())
    for seed in chain(seeds, some_bytes(b"\xff")):
        (folder / sha256(seed).hexdigest()[:12]).write_bytes(seed)
    words = folder.with_suffix(".words")
    words.write_text("".join(f'"{escaped(word)}"\n' for word in target.words or ("=",)), encoding="ascii")
    options = [
        f"-dict={words}",
        f"-max_len={LONGEST.get(name, 600)}",
        "-timeout=120",
        "-rss_limit_mb=0",
        "-print_final_stats=0",
    ]
    atheris.Setup([sys.argv[0], *options, "-verbosity=0", str(folder)], Campaign(name, seconds).one)
    atheris.Fuzz()


def escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


# ---- the kernel, by Hypothesis ---------------------------------------------------------------------


def fuzz_kernel(seconds: float) -> int:
    """Batches of random cases for each property in turn, until the time is over; says how many of them decided.

    A case that takes more than MEMORY fails; where FLINT ends the process for it, the place is printed.
    """
    from kernel_cases import CASES, search

    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    since, answers, failed = time.monotonic(), Counter[tuple[str, bool | None]](), set[str]()
    for number in count():
        for name in CASES:
            if time.monotonic() - since > seconds:
                for each in CASES:
                    told = sum(answers[each, answer] for answer in (True, False, None))
                    print(f"{each}: {told} cases, {answers[each, True]} confirmed, {answers[each, False]} refuted")
                most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
                print(f"kernel: {answers.total()} cases in {seconds:.0f} s, {len(failed)} fail; at most {most} MB")
                return 1 if failed else 0
            try:
                search(name, BATCH, number, lambda answer, name=name: answers.update([(name, answer)]))
            except Exception as problem:  # a refuted property, or an exception of the kernel that is no refusal
                failed.add(name)
                print(f"{name}: {type(problem).__name__}: {problem}", flush=True)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=[*TARGETS, "kernel"])
    parser.add_argument("--seconds", type=float, default=60.0, help="default: 60")
    parser.add_argument("--corpus", type=Path, help="where atheris keeps inputs (default: build/fuzz/TARGET)")
    options = parser.parse_args()
    if options.target == "kernel":
        return fuzz_kernel(options.seconds)
    fuzz_reader(options.target, options.seconds, options.corpus or ROOT / "build" / "fuzz" / options.target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
