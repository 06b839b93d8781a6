"""The theorems about any function: they hold, their mutants do not, and their instances are pairs of the catalogue."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from derive import theorems
from derive.certificate import folder, load
from derive.chains import Chain, Line, Move, Run, Setting, Statement, Writer, put_in, read_chain, write_chain
from derive.errors import CertificateError, DeriveError, KernelError, UnknownName
from derive.kernel import Derivative, Theory
from derive.laws import ABSTRACT
from derive.matching import match
from derive.proof import Proof
from derive.syntax import Symbols, parse, plain
from derive.term import ZERO, Term, index, item, var
from derive.theorems import THEOREMS, Corollary, Theorem, dumps, loads, names, pieces

STORED = Path(__file__).parent.parent / "proofs" / "theorems"
SCALAR, VECTOR = (Setting(ZERO, ZERO, is_vector).symbols for is_vector in (False, True))
Edit = Callable[[dict[str, Any]], object]


theorem = cache(theorems.theorem)


@pytest.fixture(scope="module", params=names())
def found(request: pytest.FixtureRequest) -> Theorem:
    return theorem(request.param)


# ---- what is stated ------------------------------------------------------------------------------------------

STATED = {
    "matching-loss": ["dJ/dz = h - y", "d2J/dz2 = F''(z)", "L'(h) = (h - y)/F''(z) if F''(z) != 0"],
    "matching-loss-vector": ["dJ/dz_j = h[j] - y[j]", "dh_k/dz_j - dh_j/dz_k = 0"],
    "canonical-link": [
        "dJ/dz = (h - y)*psi'(z)/s if s != 0",
        "dJ/dz = (h - y)*g'(z)/(s*A''(psi(z))) if s != 0, A''(psi(z)) != 0",
    ],
    "proper-composite": ["dJ/dh = (h - y)*w(h)", "dJ/dz = (h - y)*w(h)/psi'(h) if psi'(h) != 0"],
    "bregman": ["dJ/dh = F''(h)*(h - y)", "dJ/dz = F''(h)*g'(z)*(h - y)"],
    "fenchel-young": ["dJ/dz = h - y", "d2J/dz2 = G''(z)"],
}
ASSUMED = {
    "matching-loss": ["L(h) = F(z) - y*z"],
    "canonical-link": ["h = g(z)"],
    "proper-composite": ["L1'(h) = -(1 - h)*w(h)", "L0'(h) = h*w(h)", "psi(h) = z"],
}


def test_the_theorem_is_the_one_of_the_sources(found: Theorem) -> None:
    assert found.chain.statement == "; ".join(STATED[found.name])
    assert [plain(r) for r in found.chain.identities] == ASSUMED.get(found.name, [])


def test_nothing_is_assumed_in_silence(found: Theorem) -> None:
    """Every equation that a theorem of the kernel rests on is said, or follows from one that is said."""
    for line, fact in zip(found.chain.lines, found.chain.facts, strict=True):
        equations = [h for h in fact.theorem.hypotheses if h.args[0] == "="] if fact.theorem else []
        assert len(equations) <= sum(e.rule in ("assume", "both-sides") for e in found.chain.lines)
        assert (fact.theorem is None) == (line.rule == "assume")


def test_cited_remarks_are_no_steps(found: Theorem) -> None:
    said = found.to_json()
    assert [remark["checked"] for remark in said["cited"]] == [False] * len(found.cited) and found.cited
    assert [step["checked"] for step in said["steps"]] == [line.rule != "assume" for line in found.chain.lines]


def test_json_has_the_fields_of_the_command(found: Theorem) -> None:
    said = json.loads(json.dumps(found.to_json()))
    assert list(said) == [
        *("schema", "theorem", "title", "statement", "loss", "activation", "assumptions", "steps"),
        *("cited", "instances", "source"),
    ]
    assert said["schema"] == "derive/1" and said["theorem"] == found.name and said["source"]
    for n, step in enumerate(said["steps"], 1):
        assert list(step) == ["n", "rule", "statement", "latex", "checked"] and step["n"] == n
    assert len(said["instances"]) >= 2
    assert all(
        i["loss"] is None or parse(i["loss"], VECTOR if "[" in i["activation"] else SCALAR) for i in said["instances"]
    )


def test_functions_are_as_smooth_as_their_primes() -> None:
    said = theorem("matching-loss").to_json()["assumptions"]
    assert said[:2] == [
        "F is any twice continuously differentiable function",
        "L is any continuously differentiable function",
    ]
    assert "w is any continuous function" in theorem("proper-composite").to_json()["assumptions"]


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean bregman"):
        theorem("Bregmann")
    with pytest.raises(UnknownName, match="matching-loss, matching-loss-vector"):
        theorem("q")


def test_sympy_is_not_needed() -> None:
    program = (
        "import sys\nfrom derive.theorems import names, theorem, dumps, loads\n"
        "for n in names():\n    loads(dumps(theorem(n))).to_json()\nprint('sympy' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert run.stdout.strip() == "False"


def test_a_theorem_shows_itself_in_a_notebook() -> None:
    assert theorem("bregman")._repr_latex_().startswith("$$\\begin{aligned}\nJ &= ")


# ---- what is not true is refused -----------------------------------------------------------------------------


def mutants() -> Iterator[Any]:
    for name, entry in THEOREMS.items():
        statement = entry.statement
        for n, move in enumerate(statement.moves):
            for wrong in _mutated(move.value, "z" if move.rule == "assume" else "1"):
                moves = (*statement.moves[:n], move._replace(value=wrong), *statement.moves[n + 1 :])
                yield pytest.param(statement._replace(moves=moves), id=f"{name}-{n + 1}: {wrong}")
        for wrong in _without_primes(statement.activation):
            yield pytest.param(statement._replace(activation=wrong), id=f"{name}: h = {wrong}")
        for wrong in _without_primes(statement.loss):
            yield pytest.param(statement._replace(loss=wrong), id=f"{name}: J = {wrong}")
        yield pytest.param(statement._replace(loss=f"-({statement.loss})"), id=f"{name}: -J")


def _mutated(value: str, summand: str) -> list[str]:
    """A wrong sign, factor or summand, and a prime that is dropped or added."""
    if not value:
        return []
    signs = [] if value == "0" else [f"-({value})", f"2*({value})"]
    return [
        *signs,
        f"({value}) + {summand}",
        *_without_primes(value),
        *[value.replace("'(", "''(", 1)] * ("'(" in value),
    ]


def _without_primes(text: str) -> list[str]:
    return [text[:n] + text[n + 1 :] for n, c in enumerate(text) if c == "'"]


@pytest.mark.parametrize("statement", list(mutants()))
def test_a_mutated_statement_is_refused(statement: Statement) -> None:
    with pytest.raises(KernelError, match="no proof of step"):
        Writer(statement, {}).chain()


COMPOSITE = {"L1": "-log(x)", "L0": "-log(1 - x)", "w": "1/(x*(1 - x))", "psi": "log(x/(1 - x))", "g": "sigmoid(x)"}


@pytest.mark.parametrize(
    ("name", "functions", "wrong"),
    [
        ("proper-composite", COMPOSITE, {"g": "Phi(x)"}),  # the link does not undo it
        ("proper-composite", COMPOSITE, {"psi": "log(x)"}),
        ("proper-composite", COMPOSITE, {"w": "2"}),  # the weight of another loss
        ("proper-composite", COMPOSITE, {"L0": "x^2"}),  # not proper
        ("canonical-link", {"A": "exp(x)", "psi": "x", "g": "exp(x)"}, {"g": "x"}),  # not the mean
        ("matching-loss", {"F": "exp(x)", "L": "x - y*log(x)"}, {"L": "x - 2*y*log(x)"}),
    ],
)
def test_known_functions_must_satisfy_what_is_assumed(
    name: str, functions: dict[str, str], wrong: dict[str, str]
) -> None:
    statement = THEOREMS[name].statement
    assert Writer(statement, functions).chain().identities == []
    with pytest.raises(KernelError, match=r"no proof of step \d+ \(assume\)"):
        Writer(statement, functions | wrong).chain()


# ---- the instances -------------------------------------------------------------------------------------------

INSTANCES = [(name, n) for name, entry in THEOREMS.items() for n in range(len(entry.instances))]
PAIRS = [(name, n) for name, n in INSTANCES if THEOREMS[name].instances[n].pair]


def instance(name: str, n: int) -> Corollary:
    return theorem(name).instances[n]


def proof_of(pair: str) -> Proof:
    """The catalogue's proof: the shipped one, or one derived now."""
    if (folder() / f"{pair}.json").exists():
        return Proof(load(pair))
    from derive.prover import prove

    return prove(pair)


@pytest.mark.parametrize(("name", "n"), PAIRS, ids=[f"{a}: {THEOREMS[a].instances[b].pair}" for a, b in PAIRS])
def test_an_instance_is_the_pair_of_the_catalogue(name: str, n: int) -> None:
    """The same h, and the same dJ/dz by a proof of its own: so the same J, up to a term free of z."""
    found = instance(name, n)
    assert found.pair is not None
    proof, setting = proof_of(found.pair), found.chain.setting
    given = (*proof.statement.inner_assumptions, *proof.statement.loss_domain)
    assert Theory({}, given).equal(setting.activation, proof.statement.activation)
    theory = Theory({"h": ((), setting.activation)}, given)
    slopes = [f for f in found.chain.claimed if f.theorem and f.theorem.conclusion == _slope(f.right)]
    assert slopes
    for fact in slopes:
        theory.equal(fact.right, proof.verdict.delta)
        with pytest.raises(KernelError):
            theory.equal(fact.right, parse(f"2*({plain(proof.verdict.delta)})", SCALAR))


def _slope(value: Term) -> Derivative:
    return Derivative(var("J"), var("z"), value)


@pytest.mark.parametrize(("name", "n"), INSTANCES, ids=[f"{a}: {THEOREMS[a].instances[b].title}" for a, b in INSTANCES])
def test_an_instance_has_the_functions_put_in(name: str, n: int) -> None:
    """What is stated is the theorem's own statement with the functions put in: each line is equal to that."""
    entry, found = THEOREMS[name].instances[n], instance(name, n).chain
    assert not set(found.functions) & set(entry.functions)
    if entry.case:
        return
    bodies = {
        f: parse(text, Symbols(frozenset("xy"), {}, {}, functions=ABSTRACT)) for f, text in entry.functions.items()
    }
    whole = theorem(name).chain
    theory = Theory({"h": (found.setting.output.args[1:], found.setting.activation)})
    for ours, theirs in zip(found.facts, whole.facts, strict=True):
        theory.equal(ours.right, put_in(theirs.right, bodies))


@pytest.mark.parametrize(("n", "slug"), [(0, "softmax"), (1, "unitnorm"), (4, "normalize")])
def test_vectors_agree_with_the_search_for_a_matching_loss(n: int, slug: str) -> None:
    found, chain = match(slug), instance("matching-loss-vector", n).chain
    assert found.exists is (chain.lines[-1].rule != "differs")
    assert Theory({}, found.hypotheses).equal(chain.setting.activation, parse(found.activation, VECTOR))


def test_only_exponentials_over_their_sum_have_a_matching_loss() -> None:
    rows = theorem("matching-loss-vector").instances[3:]
    assert [c.chain.facts[2].right == ZERO for c in rows] == [True, False, False, False]
    assert [c.chain.facts[-1].op for c in rows] == ["=", "!=", "!=", "!="]


def test_put_in_differentiates_the_body() -> None:
    bodies = {"F": parse("x^3", Symbols(frozenset("x"), {}, {})), "s": parse("2", SCALAR)}
    shown = put_in(parse("F''(h*z)/s + F(y) + G'(z)", SCALAR), bodies)
    Theory({}).equal(shown, parse("3*h*z + y^3 + G'(z)", SCALAR))


# ---- files ---------------------------------------------------------------------------------------------------


def test_a_file_is_read_back(found: Theorem) -> None:
    text = dumps(found)
    assert dumps(loads(text)) == text and loads(text).to_json() == found.to_json()


def test_the_shipped_file_is_what_is_proved_afresh(found: Theorem) -> None:
    assert (STORED / f"{found.name}.json").read_text(encoding="ascii") == dumps(found)


def test_every_shipped_file_is_a_theorem() -> None:
    assert sorted(p.stem for p in STORED.glob("*.json")) == sorted(names())


def test_other_steps_may_prove_the_same() -> None:
    """A file is held to what it states, not to the steps that the writer would take."""
    data = json.loads(dumps(theorem("bregman")))
    extra = {**data["steps"][3], "n": len(data["steps"]) + 1}
    data["steps"].append(extra)
    found = loads(json.dumps(data, indent=1) + "\n")
    assert found.chain.statement == theorem("bregman").chain.statement and len(found.chain.lines) == extra["n"]


def at_point(point: list[str]) -> Edit:
    return lambda d: d["instances"][4]["steps"][3].update(point=point)


EDITS: dict[str, tuple[str, Edit, str]] = {
    "a value": ("bregman", lambda d: d["steps"][5].update(value="F''(h)*g'(z)*(y - h)"), r"step 6 \(rewrite\)"),
    "the loss": ("bregman", lambda d: d.update(loss="F(y) - F(h)"), r"step 1 \(definition\)"),
    "an instance": ("bregman", lambda d: d["instances"][0].update(activation="tanh(z)"), r"step 2 \(definition\)"),
    "a rule": ("bregman", lambda d: d["steps"][2].update(rule="assume"), r"step 5 \(chain\): .* no theorem"),
    "no such rule": ("bregman", lambda d: d["steps"][2].update(rule="trust"), "no such rule"),
    "a later source": ("bregman", lambda d: d["steps"][4].update({"from": [3, 6]}), "no such rule, or a step"),
    "sources left out": ("bregman", lambda d: d["steps"][4].update({"from": [3]}), "does not apply"),
    "a printed statement": ("bregman", lambda d: d["steps"][2].update(statement="dJ/dh = 0"), "the kernel finds"),
    "a printed hypothesis": ("canonical-link", lambda d: d["steps"][0].update(hypotheses=[]), "the kernel finds"),
    "a claim": ("bregman", lambda d: d.update(claims=[7]), "what is claimed is no step"),
    "no claim": ("bregman", lambda d: d.update(claims=[]), "what is claimed is no step"),
    "an assumption claimed": ("canonical-link", lambda d: d.update(claims=[6]), "what is assumed cannot be claimed"),
    "known functions assumed": (
        "matching-loss",
        lambda d: d["instances"][0]["steps"][6].update(rule="assume", left="1", value="2"),
        "is proved, not assumed",
    ),
    "a point": ("matching-loss-vector", at_point(["1", "1"]), "to differ"),
    "a point of one class": (
        "matching-loss-vector",
        at_point(["1"]),
        "not",
    ),
    "a point that is none": (
        "matching-loss-vector",
        at_point(["1/0", "1"]),
        "apply",
    ),
    "a schema": ("bregman", lambda d: d.update(schema="derive-theorem/2"), "which this version reads"),
    "a word": ("bregman", lambda d: d.update(title="\\input{x}"), "plain words"),
    "a reason": ("bregman", lambda d: d["steps"][0].update(reason="<b>"), "plain words"),
    "a remark": ("bregman", lambda d: d.update(cited=["$x$"]), "plain words"),
    "an undeclared name": ("bregman", lambda d: d.update(loss="Q(h)"), "unknown function"),
    "another field": ("bregman", lambda d: d.update(trusted=True), "the kernel finds"),
    "the name": ("matching-loss", lambda d: d.update(name="fenchel-young"), "something else than the theorem fenchel"),
    "a name of no theorem": ("bregman", lambda d: d.update(name="everything"), "no theorem is called"),
    "the title": ("bregman", lambda d: d.update(title="Every loss cancels"), "something else"),
    "the source": ("bregman", lambda d: d.update(source="nowhere"), "something else"),
    "a citation": ("bregman", lambda d: d.update(cited=["J is always convex (Rudin)."]), "something else"),
    "the pair of an instance": ("bregman", lambda d: d["instances"][0].update(pair="mse-tanh"), "something else"),
    "a pair that is none": ("bregman", lambda d: d["instances"][0].update(pair="foo-bar"), "something else"),
    "the title of an instance": ("bregman", lambda d: d["instances"][0].update(title="any"), "something else"),
    "instances left out": ("bregman", lambda d: d.update(instances=[]), "something else"),
    "claims left out": ("bregman", lambda d: d.update(claims=[6]), "something else"),
    "a definition claimed": ("bregman", lambda d: d.update(claims=[1, 3, 6]), "something else"),
    "0 for false": ("bregman", lambda d: d.update(vector=0), "the kernel finds"),
    "a field lost": ("bregman", lambda d: d.pop("vector"), "vector"),
}


@pytest.mark.parametrize(("name", "edit", "reason"), EDITS.values(), ids=EDITS)
def test_an_edited_file_is_refused(name: str, edit: Edit, reason: str) -> None:
    data = json.loads(dumps(theorem(name)))
    edit(data)
    with pytest.raises(CertificateError, match=reason):
        loads(json.dumps(data, indent=1) + "\n")


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"schema": "derive-theorem/1"}', "[" * 100_000])
def test_what_is_no_theorem_is_refused(text: str) -> None:
    with pytest.raises(CertificateError):
        loads(text)


# ---- the rules that chains add to the kernel's -----------------------------------------------------------------


def line(rule: str, value: str, *sources: int, left: str = "", by: str = "", vector: bool = False) -> Line:
    symbols = VECTOR if vector else SCALAR
    shown = [parse(t, symbols) if t else None for t in (left, by)]
    return Line(rule, "", sources, shown[0], shown[1], parse(value, symbols))


def run(activation: str, *lines: Line, cost: str = "y*h") -> Run:
    found = Run(Setting(parse(cost, SCALAR), parse(activation, SCALAR), False))
    for one in lines:
        found.take(one)
    return found


INVERSE = (line("assume", "z", left="psi(h)"), line("derivative", "psi'(h)*g'(z)", left="psi(h)", by="z"))


def test_both_sides_of_an_identity_are_differentiated() -> None:
    fact = run("g(z)", *INVERSE).take(line("both-sides", "1", 0, 1))
    assert fact.statement == "psi'(h)*g'(z) = 1"


@pytest.mark.parametrize(
    ("lines", "last", "reason"),
    [
        (INVERSE, line("both-sides", "2", 0, 1), "not the derivative"),
        (INVERSE, line("both-sides", "1", 1, 1), "not the derivative of the left side"),
        (INVERSE, line("both-sides", "1", 1, 0), "a derivative is needed|is no theorem"),
        (
            (INVERSE[0], line("derivative", "psi'(h)", left="psi(h)", by="h")),  # h free: no derivative by z
            line("both-sides", "1", 0, 1),
            "not the derivative of the left side by z",
        ),
        (
            (INVERSE[0], line("derivative", "w'(h)*g'(z)", left="w(h)", by="z")),
            line("both-sides", "1", 0, 1),
            "not the derivative of the left side",
        ),
        (
            (INVERSE[0], line("derivative", "0", left="psi(h)", by="y")),
            line("both-sides", "0", 0, 1),
            "not the derivative of the left side by z",
        ),
    ],
)
def test_both_sides_is_refused(lines: tuple[Line, ...], last: Line, reason: str) -> None:
    started = run("g(z)", *lines)
    with pytest.raises(KernelError, match=reason):
        started.take(last)


NOWHERE = "where(z^2 <= 0, 1, 0)"  # is positive at the one point z = 0


@pytest.mark.parametrize(
    ("identity", "given"),
    [
        (("F(z)", f"z - 0*log({NOWHERE})"), "F(z)"),
        (("F(z)", "z - 0*log(where(z >= 0, where(z <= 0, 1, 0), 0))"), "F(z)"),
        (("F(s)", f"F(z) - 0*log({NOWHERE.replace('z', '(z - s)')})"), "F(s)"),
    ],
)
def test_an_identity_on_no_open_set_says_nothing_about_slopes(identity: tuple[str, str], given: str) -> None:
    """F(z) = z at z = 0 alone is true of F = z^2, whose slope there is not 1."""
    left, right = identity
    shorter = right.split(" - ")[0]
    slope = "F'(z)" if given == "F(z)" else "0"
    started = run(
        "z",
        line("assume", right, left=left),
        line("equal", shorter, 0, left=left),
        line("derivative", slope, left=given, by="z"),
    )
    value = "1" if shorter == "z" else "F'(z)"
    with pytest.raises(KernelError, match="equal on no open set"):
        started.take(line("both-sides", value, 1, 2))


def test_an_open_set_needs_continuous_functions_and_says_so() -> None:
    """G(z)/F(z) = z/F(z) with F = 1 at 0 and 0 elsewhere holds for G = z^2 where F is not 0: F is continuous."""
    lines = (
        line("assume", "z/F(z)", left="G(z)/F(z)"),
        line("equal", "z", 0, left="G(z)"),
        line("derivative", "G'(z)", left="G(z)", by="z"),
        line("both-sides", "1", 1, 2),
    )
    started = run("z", *lines)
    assert "F(z) != 0" in map(plain, started.facts[3].hypotheses)
    said = theorems.functions(Chain(started.setting, lines, tuple(started.facts), (3,)))
    assert (var("F"), " is any continuous function") in said


def test_both_sides_is_not_about_second_derivatives() -> None:
    lines = (
        line("definition", "y*h", left="J"),
        line("derivative", "y*g'(z)", left="J", by="z"),
        line("derivative", "g'(z)", left="h", by="z"),
        line("second", "y*g''(z)", 1, 2),
    )
    started = run("g(z)", *lines)
    with pytest.raises(KernelError, match="not the derivative of the left side by z"):
        started.take(line("both-sides", "y*g'(z)", 0, 3))
    assert started.take(line("both-sides", "y*g'(z)", 0, 1)).statement == "y*g'(z) = y*g'(z)"


def test_both_sides_is_not_about_a_gap() -> None:
    started = Run(Setting(None, parse("z[k] + sum(l, z[l])", VECTOR), True))
    started.take(line("derivative", "kron(k, j) + 1", left="h[k]", by="z[j]", vector=True))
    started.take(line("gap", "0", 0, vector=True))
    with pytest.raises(KernelError, match="not the derivative of the left side by z"):
        started.take(line("both-sides", "0", 1, 0, vector=True))


def test_an_equation_brings_its_hypotheses_along() -> None:
    """exp(log z) = z for z > 0 only; what is rewritten by it says so, and so does what is made of that."""
    lines = (
        line("equal", "z", left="exp(log(z))"),
        line("derivative", "1", left="exp(log(z))", by="z"),
        line("both-sides", "1", 0, 1),
        line("assume", "exp(log(z))", left="g(z)"),
        line("derivative", "y*g'(z)", left="J", by="z"),
    )
    facts = run("g(z)", *lines)
    assert {plain(h) for h in facts.facts[2].hypotheses} >= {"z > 0"}
    last = facts.take(line("equal", "z", 3, left="g(z)"))
    assert "z > 0" in map(plain, last.hypotheses)
    made = facts.take(line("equal", "z + 1", 5, left="g(z) + 1"))
    assert "z > 0" in map(plain, made.hypotheses)


def test_an_equation_is_used_only_where_the_difference_is_its_multiple() -> None:
    started = run("g(z)", line("assume", "z", left="psi(h)"))
    assert started.take(line("equal", "z^2", 0, left="psi(h)^2")).statement == "psi(h)^2 = z^2"
    with pytest.raises(KernelError, match="no multiple"):
        started.take(line("equal", "2*z", 0, left="psi(h)^2"))
    with pytest.raises(KernelError, match="does not apply"):
        started.take(line("equal", "z^2", 0, 0, left="psi(h)^2"))


def test_a_derivative_is_no_equation_to_rewrite_by() -> None:
    started = run("g(z)", line("derivative", "g'(z)", left="h", by="z"))
    with pytest.raises(KernelError, match="only an equation can be used"):
        started.take(line("equal", "g'(z)", 0, left="h"))


@pytest.mark.parametrize(
    ("left", "value"),
    [
        ("1", "2"),
        ("z + 0*F(z)", "0"),
        ("z*F(z)/F(z)", "0"),
        ("F(z) + z", "F(z)"),
        ("F(z)^0", "2"),
        ("F(2*z/2) - F(z)", "1"),
    ],
)
def test_assumptions_are_about_abstract_functions(left: str, value: str) -> None:
    """An equation of known functions is true or contradictory, also where an abstract one only seems to be in it."""
    with pytest.raises(KernelError, match="proved, not assumed"):
        run("g(z)", line("assume", value, left=left))


@pytest.mark.parametrize(("is_vector", "activation", "by"), [(False, "z", "z"), (True, "z[k]", "z[j]")])
def test_there_is_no_j_without_a_loss(is_vector: bool, activation: str, by: str) -> None:
    """It would be a variable of its own, and dJ/dz = 0."""
    step = {"rule": "derivative", "reason": "", "from": [], "left": "J", "by": by, "value": "0", "point": []}
    data = {"vector": is_vector, "loss": None, "activation": activation, "claims": [1], "steps": [step]}
    with pytest.raises(DeriveError, match="unknown name 'J'"):
        read_chain(data)
    with pytest.raises(DeriveError, match="unknown name 'J'"):
        read_chain(data | {"loss": "J + 1"})


def test_a_right_side_that_the_rule_does_not_prove_is_refused() -> None:
    started = run("g(z)", line("derivative", "y", left="J", by="h"), line("derivative", "g'(z)", left="h", by="z"))
    with pytest.raises(KernelError, match="another right side"):
        started.take(line("chain", "g'(z)*y", 0, 1))
    assert started.take(line("chain", "y*g'(z)", 0, 1)).statement == "dJ/dz = y*g'(z)"


def test_a_gap_is_one_of_the_jacobian() -> None:
    started = Run(Setting(None, parse("z[k]/sum(l, z[l])", VECTOR), True))
    started.take(line("derivative", "kron(k, j)", left="z[k]", by="z[j]", vector=True))
    with pytest.raises(KernelError, match=r"the derivative of h\[k\] by z\[j\] is needed"):
        started.take(line("gap", "0", 0, vector=True))


def test_two_derivatives_differ_only_where_balls_say_so() -> None:
    started = Run(Setting(None, parse("exp(z[k])/sum(l, exp(z[l]))", VECTOR), True))
    with pytest.raises(KernelError, match="not certified to differ"):
        started.take(Line("differs", "", (), None, None, ZERO, ("1", "2")))


def test_words_hold_formulas_between_backticks() -> None:
    setting = Setting(None, ZERO, True)
    h, z = item("h", index("k")), item("z", index("j"))
    assert pieces("if `dh[k]/dz[j]` is `h[k]`", setting) == ["if ", (h, z), " is ", h, ""]
    with pytest.raises(DeriveError):
        pieces("`Q(z)`", setting)


def test_a_chain_is_read_as_it_is_written() -> None:
    chain: Chain = theorem("bregman").chain
    assert write_chain(read_chain(write_chain(chain))) == write_chain(chain)
    assert all(isinstance(m, Move) for m in THEOREMS["bregman"].statement.moves)
