"""The systems that are asked whether dJ/dz - claim is 0, each with a simple recipe of its own.

A system answers ``proved`` where its recipe ends in 0, ``refused`` where it decides by itself that the result is not
0, and else ``open``. Its time is CPU time by its own clock: of differentiating, simplifying and deciding, not of
reading or building the statement.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import sympy

from benchmarks.common import ENOUGH, forget, in_a_fork, measured
from benchmarks.statements import Question
from derive.checking import check
from derive.derivation import COST
from derive.errors import KernelError
from derive.judge import judge
from derive.kernel import Theory
from derive.model import of_statement
from derive.syntax import parse_claim
from derive.term import ZERO, Term, var

LIMIT = 20  # seconds for a statement: CPU time in Python, wall time of a program
PROVED, REFUSED, OPEN = "proved", "refused", "open"


class Answer(NamedTuple):
    said: str
    seconds: float


def spelled(term: Term, words: dict[str, Callable[..., Any]]) -> Any:
    """A term of SAYABLE kinds, built or written by a table of what its kinds mean."""
    return words[term.kind](*(spelled(a, words) if isinstance(a, Term) else a for a in term.args))


# ---- derive ------------------------------------------------------------------------------------------


def kernel(question: Question, before: Callable[[], object] = forget) -> Answer:
    """One judgement by the laws, dJ/dz = claim; where the kernel refuses it, the search for a point that shows why.

    Nothing is known of the pair, and no proof of it is read.
    """
    statement, known = question.statement, set(question.known())
    _, claim = parse_claim(question.claim, of_statement(statement).symbols).sides
    assert claim is not None

    def work() -> str:
        try:
            theory = Theory(statement.definitions, statement.inner_assumptions)
            if known.issuperset(theory.derivative(COST, statement.preactivation, claim).hypotheses):
                return PROVED
        except KernelError:
            pass
        model = of_statement(statement)
        found = judge(model, model.stand_in(COST, statement.preactivation), claim).holds
        return {True: PROVED, False: REFUSED, None: OPEN}[found]

    return Answer(*measured(work, before))


def checked(question: Question) -> Answer:
    """``derive check`` as a user has it: it also reads and re-checks the proof of the pair, and names the slip."""

    def work() -> str:
        return {"right": PROVED, "wrong": REFUSED, "undecided": OPEN}[check(question.claim, question.pair).answer]

    return Answer(*measured(work, forget))


# ---- SymPy and SymEngine -----------------------------------------------------------------------------


def _words(module: Any, symbol: Callable[[str], Any]) -> dict[str, Callable[..., Any]]:
    return {
        "num": lambda q: module.Integer(int(q.p)) / module.Integer(int(q.q)),
        "var": symbol,
        "add": lambda *terms: sum(terms, module.Integer(0)),
        "mul": lambda *factors: module.Mul(*factors),
        "pow": lambda base, exponent: base**exponent,
        "call": lambda name, *args: getattr(module, name)(*args) if args else module.pi,
    }


SIGNS = {">": "positive", "<": "negative", ">=": "nonnegative", "<=": "nonpositive"}
MIRRORED = {">": "<", "<": ">", ">=": "<=", "<=": ">="}


def _symbol(question: Question, name: str) -> Any:
    """A real symbol, with the sign that the statement gives it."""
    known = {"real": True}
    for relation in question.known():
        op, left, right = relation.args
        if (left, right) == (var(name), ZERO):
            known[SIGNS[op]] = True
        elif (left, right) == (ZERO, var(name)):
            known[SIGNS[MIRRORED[op]]] = True
    return sympy.Symbol(name, **known)


def _asked(module: Any, symbol: Callable[[str], Any], recipe: Callable[[Any], str], question: Question) -> Answer:
    cost, claim = (spelled(side, _words(module, symbol)) for side in question.sides())
    z = symbol("z")

    def work() -> str:
        return recipe(module.diff(cost, z) - claim)

    return Answer(*measured(work, forget))


def _simplify(difference: Any) -> str:
    found = sympy.simplify(difference)
    return PROVED if found == 0 else REFUSED if found.is_zero is False else OPEN


STEPS: tuple[Callable[[Any], Any], ...] = (
    lambda e: sympy.cancel(sympy.together(e)),
    lambda e: sympy.cancel(sympy.together(sympy.powsimp(sympy.expand(sympy.expand_log(e.rewrite(sympy.exp)))))),
    lambda e: sympy.radsimp(sympy.cancel(sympy.together(sympy.powdenest(sympy.logcombine(e))))),
)


def _by_hand(difference: Any) -> str:
    """What a patient person tries, until 0 comes out; ``equals`` decides the rest."""
    for step in STEPS:
        difference = step(difference)
        if difference == 0:
            return PROVED
    same = difference.equals(0)
    return {True: PROVED, False: REFUSED}.get(same, OPEN)


def _symengine(difference: Any) -> str:
    """One numerator, expanded: SymEngine's own ``simplify`` is that of SymPy."""
    found = difference.expand()
    found = found if found == 0 else difference.as_numer_denom()[0].expand()
    return PROVED if found == 0 else REFUSED if found.is_zero is False else OPEN


def _sympy_asked(recipe: Callable[[Any], str], question: Question) -> Answer:
    return _asked(sympy, partial(_symbol, question), recipe, question)


def _symengine_asked(question: Question) -> Answer:
    import symengine

    return _asked(symengine, symengine.Symbol, _symengine, question)


# ---- Maxima and Giac ---------------------------------------------------------------------------------


def _text(pi: str) -> dict[str, Callable[..., str]]:
    return {
        "num": lambda q: f"({q})",
        "var": lambda name: f"x{name}",  # lambda, gamma and the like mean something else there
        "add": lambda *terms: f"({' + '.join(terms)})",
        "mul": lambda *factors: f"({'*'.join(factors)})",
        "pow": lambda base, exponent: f"({base}^{exponent})",
        "call": lambda name, *args: f"{name}({', '.join(args)})" if args else pi,
        "rel": lambda op, left, right: f"{left} {op} {right}",
    }


class Program(NamedTuple):
    """A system that reads statements line by line: how it is started, what is sent first, and how it is asked.

    It answers a line "ANSWER", what is said, and the seconds, the mean of runs that take a while together: Giac's
    ``time`` sees to that by itself.
    """

    command: tuple[str, ...]
    words: dict[str, Callable[..., str]]
    first: str
    asked: Callable[[str, str, list[str]], str]


MAXIMA_FIRST = f"""
recipe() := block([r: radcan(diff(J, xz) - c)],
  if r # 0 then r: radcan(exponentialize(r)),
  if r = 0 then return('proved),
  r: is(equal(r, 0)),
  if r = true then 'proved elseif r = false then 'refused else 'open)$
ask() := block([n: 1, t: 0, t0, said: recipe()],
  while t < {ENOUGH} do (n: 2*n, t0: elapsed_run_time(), for i thru n do recipe(), t: elapsed_run_time() - t0),
  print("ANSWER", said, float(t/n)))$
"""
GIAC_FIRST = """
recipe():={local r; r:=simplify(diff(J,xz)-c); if (r!=0) { r:=normal(tsimplify(hyp2exp(r))); };
 if (r==0) { return "proved"; }; if (size(lname(r))==0) { return "refused"; }; return "open"; }:;
ask():={local said; said:=recipe(); print("ANSWER "+said+" "+string(evalf(time(recipe())[0]))); }:;
"""


def _maxima(cost: str, claim: str, known: list[str]) -> str:
    assumed = f"assume({', '.join(known)})$ " if known else ""
    return f'kill(facts)$ {assumed}J: {cost}$ c: {claim}$ ask()$ print("DONE")$'


def _giac(cost: str, claim: str, known: list[str]) -> str:
    """Giac assumes relations of one variable with a number; more than one with ``additionally``."""
    purged = sorted(set(re.findall(r"\bx\w+", cost)))
    assumed, seen = "", set[str]()
    for relation in known:
        names = set(re.findall(r"\bx\w+", relation))
        if len(names) == 1:
            assumed += f"{'additionally' if names & seen else 'assume'}({relation}):; "
            seen |= names
    return f'purge({", ".join(purged)}):; {assumed}J:={cost}:; c:={claim}:; ask():; print("DONE"):;'


PROGRAMS = {
    "Maxima": Program(("maxima", "--very-quiet"), _text("%pi"), MAXIMA_FIRST, _maxima),
    "Giac": Program(("giac",), _text("pi"), GIAC_FIRST, _giac),
}


class Conversation:
    """One process of a program for all questions; a new one after a question that took too long."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None

    def __call__(self, question: Question) -> Answer | None:
        """The answer; None where the program raised an error or took too long."""
        cost, claim = (spelled(side, self.program.words) for side in question.sides())
        known = [spelled(relation, self.program.words) for relation in question.known()]
        found = re.search(r"(?m)^ANSWER (\w+) (\S+)", self._told(self.program.asked(cost, claim, known)))
        return Answer(found[1], float(found[2])) if found else None

    def _told(self, text: str) -> str:
        """What the program prints until it is done."""
        process = self._running()
        assert process.stdin and process.stdout
        process.stdin.write(f"{text}\n".encode())
        process.stdin.flush()
        said, end = b"", time.monotonic() + LIMIT
        while not re.search(rb"(?m)^DONE", said):
            ready, _, _ = select.select([process.stdout], [], [], max(0, end - time.monotonic()))
            part = os.read(process.stdout.fileno(), 1 << 16) if ready else b""
            if not part:
                self.close()
                break
            said += part
        return said.decode(errors="replace")

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(self.program.command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT)
            self._told(" ".join(self.program.first.split()) + ' print("DONE");')
        return self.process

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


IN_PYTHON: dict[str, Callable[[Question], Answer]] = {
    "derive, kernel": kernel,
    "derive, kernel, warm": partial(kernel, before=lambda: None),
    "derive check": checked,
    "SymPy, simplify": partial(_sympy_asked, _simplify),
    "SymPy, by hand": partial(_sympy_asked, _by_hand),
    "SymEngine": _symengine_asked,
}


def answers(system: str, questions: Iterable[Question]) -> Iterator[Answer | None]:
    """The answers of a system, one by one; None where it failed or took too long. Raises KeyError for unknown names."""
    if system in IN_PYTHON:
        ask = IN_PYTHON[system]
        for question in WARM_UP:
            ask(question)  # what is imported on the first use is no part of an answer
        yield from (in_a_fork(partial(ask, question), LIMIT) for question in questions)
        return
    conversation = Conversation(PROGRAMS[system])
    try:
        yield from map(conversation, questions)
    finally:
        conversation.close()


def is_installed(system: str) -> bool:
    if system in PROGRAMS:
        return shutil.which(PROGRAMS[system].command[0]) is not None
    return system != "SymEngine" or find_spec("symengine") is not None


WARM_UP = (
    Question("logcosh-softplus", "dJ/dz = h - y", False, ""),
    Question("mse-probit", "dJ/dz = (h - y)*phi(z)", True, ""),
)
SYSTEMS = (*IN_PYTHON, *PROGRAMS)
