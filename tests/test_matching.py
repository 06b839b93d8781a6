"""Matching losses: every claim is re-checked here by balls, which share nothing with the search or the kernel."""

from __future__ import annotations

import json

import pytest
import sympy
from flint import fmpq

from derive import balls
from derive.activations import ACTIVATIONS
from derive.antiderivatives import Proposals
from derive.bridge import to_term
from derive.errors import DeriveError
from derive.kernel import Theory
from derive.matched import Match, Problem
from derive.matching import match
from derive.potentials import Scalar
from derive.syntax import Symbols, parse, parse_relation, plain
from derive.term import ZERO, Term, add, index, item, mul, replace, sub, subterms, var

H, J, Y, Z = map(var, "hJyz")
PARAMETERS = ("alpha", "lambda", "p", "r", "T", "w")
SCALAR = Symbols(frozenset(("z", "y", "h", *PARAMETERS)), {}, {})
FAMILIES = {"z": ("K",), "y": ("K",), "h": ("K",)}
VECTOR = Symbols(frozenset(PARAMETERS), FAMILIES, {"k": "K", "j": "K"})
VALUES = {"alpha": fmpq(1, 2), "lambda": fmpq(3, 2), "p": fmpq(3, 2), "r": fmpq(2), "T": fmpq(2), "w": fmpq(3)}

# textbook forms, from the issue: J without -y z, up to a constant
TEXTBOOK = {
    "identity": "z^2/2",
    "sigmoid": "log(1 + exp(z))",
    "tanh": "log(cosh(z))",
    "halftanh": "z/2 + log(cosh(z))/2",
    "exp": "exp(z)",
    "softplus": "-Li2(-exp(z))",
    "relu": "where(z > 0, z, 0)^2/2",
    "leakyrelu": "where(z > 0, z^2, alpha*z^2)/2",
    "elu": "where(z > 0, z^2/2, alpha*(exp(z) - z - 1))",
    "hardtanh": "where(z > 1, z - 1/2, where(z < -1, -z - 1/2, z^2/2))",
    "arctan": "z*atan(z) - log(1 + z^2)/2",
    "cauchit": "z/2 + (z*atan(z) - log(1 + z^2)/2)/pi",
    "softsign": "|z| - log(1 + |z|)",
    "square": "z^3/3",
    "inverse": "-log(-z)",
    "invsqrt": "-sqrt(-2*z)",
    "power": "((1 - p)*z)^((2 - p)/(1 - p))/(2 - p)",
    "nblink": "-r*log(1 - exp(z))",
    "probit": "z*(1 + erf(sqrt(2)*z/2))/2 + phi(z)",
    "silu": "z*log(1 + exp(z)) + Li2(-exp(z))",
}
NO_CLOSED_FORM = {"loglog", "cloglog", "mish"}
NOT_CONVEX = {"gelu", "silu", "mish", "square"}
ABSENT = {"logsoftmax", "normalize"}
OUTPUT = {  # the loss of the catalogue that the activation belongs to
    "identity": "(h - y)^2/2",
    "sigmoid": "-y*log(h) - (1 - y)*log(1 - h)",
    "exp": "h - y*log(h)",
    "inverse": "y/h + log(h)",
    "invsqrt": "y/(2*h^2) - 1/h",
    "power": "h^(2 - p)/(2 - p) - y*h^(1 - p)/(1 - p)",
    "nblink": "-y*log(h/(h + r)) - r*log(r/(h + r))",
}

SCALARS = [s for s, a in ACTIVATIONS.items() if not any(t.kind == "item" for t in subterms(to_term(a.output)))]
VECTORS = [s for s in ACTIVATIONS if s not in SCALARS]


@pytest.fixture(scope="module")
def found() -> dict[str, Match]:
    return {slug: match(slug) for slug in ACTIVATIONS}


def scalar_points(relations: tuple[Term, ...]) -> list[balls.Point]:
    """Points off all seams, where the relations hold."""
    values = {(name, ()): value for name, value in VALUES.items()}
    ys = {("y", ()): fmpq(2, 7)}
    points = [balls.Point({**values, **ys, ("z", ()): fmpq(n, 8)}, {}, {}) for n in range(-37, 38, 7)]
    return [p for p in points if all(balls.certainly_holds(r, p, {}) for r in relations)]


def agrees(cost: Term, output: Term, point: balls.Point, j: int | None = None) -> bool:
    """Whether balls for dJ/dz and h - y are finite, small and overlap."""
    k, own = index("k"), index("j")
    families = j is not None
    z, y = (item("z", own), item("y", own)) if families else (Z, Y)
    definitions = {"J": ((), cost), "h": ((k,) if families else (), output)}
    residual = sub(item("h", own) if families else H, y)
    slope = balls.enclosure(balls.Slope(J, z), point, definitions, 200)
    gap = slope - balls.enclosure(residual, point, definitions, 200)
    return bool(abs(gap) < 1e-40)


@pytest.mark.parametrize("slug", SCALARS)
def test_elementwise_loss_has_the_derivative_that_it_claims(slug: str, found: dict[str, Match]) -> None:
    known = found[slug]
    assert known.exists is True
    assert (known.loss is None) == (slug in NO_CLOSED_FORM)
    output = to_term(ACTIVATIONS[slug].output)
    points = scalar_points(known.hypotheses)
    assert len(points) >= 3
    for text in filter(None, (known.loss, known.output_loss)):
        assert all(agrees(parse(text, SCALAR), output, p) for p in points)


@pytest.mark.parametrize("slug", TEXTBOOK)
def test_loss_is_the_textbook_one_up_to_a_constant(slug: str, found: dict[str, Match]) -> None:
    loss = found[slug].loss
    assert loss is not None
    cost, expected = add(parse(loss, SCALAR), mul(Y, Z)), parse(TEXTBOOK[slug], SCALAR)
    for p in scalar_points(found[slug].hypotheses):
        a, b = (balls.enclosure(balls.Slope(t, Z), p, {}, 200) for t in (cost, expected))
        assert abs(a - b) < 1e-40


@pytest.mark.parametrize("slug", OUTPUT)
def test_loss_in_terms_of_the_output(slug: str, found: dict[str, Match]) -> None:
    known = found[slug]
    assert known.output_loss is not None and known.output_conditions == ()
    both = sub(parse(known.output_loss, SCALAR), parse(OUTPUT[slug], SCALAR))
    points = [p for p in scalar_points(()) if p.values["z", ()] > 0]
    points = [p._replace(values={**p.values, ("h", ()): p.values["z", ()] / 8}) for p in points]
    assert points and all(abs(balls.enclosure(balls.Slope(both, H), p, {}, 200)) < 1e-40 for p in points)


@pytest.mark.parametrize("slug", SCALARS)
def test_convex_or_refuted_at_a_point(slug: str, found: dict[str, Match]) -> None:
    known, output = found[slug], to_term(ACTIVATIONS[slug].output)
    assert known.convex is (slug not in NOT_CONVEX)
    if known.convex:
        slopes = [balls.enclosure(balls.Slope(output, Z), p, {}) for p in scalar_points(known.hypotheses)]
        assert slopes and not any(s < 0 for s in slopes)
    else:
        assert known.witness is not None
        point = balls.Point({("z", ()): fmpq(*map(int, known.witness["z"].split("/")))}, {}, {})
        assert balls.enclosure(balls.Slope(output, Z), point, {}) < 0


@pytest.mark.parametrize("slug", sorted({*VECTORS} - ABSENT))
def test_vector_loss_has_the_derivative_that_it_claims(slug: str, found: dict[str, Match]) -> None:
    known, output = found[slug], to_term(ACTIVATIONS[slug].output)
    assert known.exists is True and known.loss is not None
    z = {("z", (n,)): fmpq(2 * n - 3, 4) for n in (1, 2, 3)}
    y = {("y", (n,)): fmpq(n, 6) for n in (1, 2, 3)}  # adds to 1
    values = {(name, ()): value for name, value in VALUES.items()}
    point = balls.Point({**values, **z, **y}, {"K": 3}, {"j": 2})
    for text in filter(None, (known.loss, known.output_loss)):
        assert agrees(parse(text, VECTOR), output, point, 2)


def test_softmax_belongs_to_cross_entropy_under_a_condition(found: dict[str, Match]) -> None:
    known = found["softmax"]
    assert known.convex is True
    assert known.output_loss == "-sum(k, y[k]*log(h[k]))"
    assert [plain(c) for c in known.output_conditions] == ["sum(k, y[k]) = 1"]


@pytest.mark.parametrize(
    "activation",
    [*sorted(ABSENT), "z[k]^2/sum(l, z[l]^2)", "softplus(z[k])/sum(l, softplus(z[l]))"],
)
def test_no_loss_where_the_jacobian_is_not_symmetric(activation: str) -> None:
    known = match(activation)
    assert known.exists is False and known.loss is None and known.witness is not None
    body = to_term(ACTIVATIONS[activation].output) if activation in ACTIVATIONS else parse(activation, VECTOR)
    size = int(known.witness["K"])
    z = {("z", (n,)): fmpq(*map(int, known.witness[f"z[{n}]"].split("/"))) for n in range(1, size + 1)}
    k, j = index("k"), index("j")
    point = balls.Point(z, {"K": size}, {"k": int(known.witness["k"]), "j": int(known.witness["j"])})
    entries = balls.Slope(item("h", k), item("z", j)), balls.Slope(item("h", j), item("z", k))
    assert balls.certainly_different(*entries, point, {"h": ((k,), body)})


@pytest.mark.parametrize(
    ("activation", "loss"),
    [
        ("z[k]*sum(l, z[l]^2)", "sum(l, z[l]^2)^2/4"),
        ("z[k] + sum(l, z[l])", "sum(l, z[l])^2/2 + sum(l, z[l]^2)/2"),
    ],
)
def test_potential_of_a_function_of_one_sum_and_one_coordinate(activation: str, loss: str) -> None:
    known = match(activation)
    assert known.exists is True and known.loss is not None
    expected = parse(f"{loss} - sum(k, y[k]*z[k])", VECTOR)
    theory = Theory({})
    assert theory.equal(parse(known.loss, VECTOR), expected).hypotheses == ()


@pytest.mark.parametrize(
    ("activation", "params", "loss"),
    [
        ("softmax(z)", (), "log(sum(l, exp(z[l])))"),
        ("softmax(z/T)", ("T > 0",), "T*log(sum(l, exp(z[l]/T)))"),
        ("sum(l, z[l])", (), "sum(l, z[l])^2/2"),
        ("w[k]*exp(z[k])/sum(l, w[l]*exp(z[l]))", ("w[k] > 0",), "log(sum(l, w[l]*exp(z[l])))"),
    ],
)
def test_what_prove_reads_is_read(activation: str, params: tuple[str, ...], loss: str) -> None:
    known = match(activation, params=params)
    assert known.exists is True and known.loss is not None
    symbols = VECTOR._replace(families={**FAMILIES, "w": ("K",)}, scalars=VECTOR.scalars - {"w"})
    expected = parse(f"{loss} - sum(k, y[k]*z[k])", symbols)
    assert Theory({}).equal(parse(known.loss, symbols), expected)


def test_a_parameter_of_each_coordinate() -> None:
    known = match("tanh(w[k]*z[k])", params=["w[k] > 0"])
    assert known.loss == "log(cosh(w*z))/w - y*z" and known.convex is True
    assert [plain(h) for h in known.hypotheses] == ["w > 0"]
    apart = match("w[k]*z[k]/sum(l, w[l]*z[l])", params=["w[k] > 0"], assume=["z[k] > 0"])
    assert apart.exists is False and apart.witness is not None and {"w[1]", "w[2]"} <= {*apart.witness}


def test_assumptions_on_the_parameters_of_a_slug() -> None:
    assert [plain(h) for h in match("leakyrelu", assume=["alpha < 1/2"]).hypotheses] == ["alpha > 0", "alpha < 1/2"]


def test_a_vector_that_acts_coordinate_by_coordinate_is_a_scalar() -> None:
    assert match("tanh(z[k])").loss == match("tanh").loss
    assert match("-1/z[k]", assume=["z[k] < 0"]).loss == match("inverse").loss


@pytest.mark.parametrize("slug", ["relu", "leakyrelu", "elu", "selu", "hardtanh", "hardsigmoid", "softsign"])
def test_seams_are_closed_by_continuity(slug: str, found: dict[str, Match]) -> None:
    known = found[slug]
    assert "z" not in {n for r in known.hypotheses for n in r.names}
    rules = [s.rule for s in known.steps]
    assert "mean-value" in rules
    assert ("seam" in rules) == (slug != "softsign")  # |z| is continuous by itself
    assert not next(s for s in known.steps if s.rule == "mean-value").checked


def test_a_jump_leaves_no_loss() -> None:
    known = match("where(z > w, 1, 0)", params=["w > 2"])
    assert known.exists is False and known.witness == {"w": "3", "z": "3"}
    assert match("where(z > 0, 1, 0)", assume=["z > 1"]).exists is True


def test_a_seam_that_is_not_proved_stays_a_hypothesis() -> None:
    known = match("where(exp(z) > 1, z, 0)")
    assert known.exists is None and known.reason
    assert [plain(h) for h in known.hypotheses] == ["exp(z) != 1"]


@pytest.mark.parametrize(
    ("activation", "options"),
    [
        ("z", {"assume": ["z > 5", "z < 4"]}),
        ("log(-z^2)", {}),
        ("where(z^2 > 1, z, 1)", {}),
    ],
)
def test_undecided_with_a_reason(activation: str, options: dict[str, list[str]]) -> None:
    known = match(activation, **options)
    assert known.exists is None and known.loss is None and known.reason


@pytest.mark.parametrize("activation", ["where(z > 0, -1, 1)*z", "z*w", "z + sin(3*z)"])
def test_what_decreases_somewhere_is_not_convex(activation: str) -> None:
    assert match(activation, params=["w"]).convex is False


def test_convexity_is_not_claimed_over_a_gap_in_the_domain() -> None:
    known = match("-1/z")
    assert known.exists is True and known.convex is None
    assert [plain(h) for h in known.hypotheses] == ["z != 0"]


@pytest.mark.parametrize(
    "wrong", ["log(1 + exp(z))*2 - y*z", "log(1 + exp(z)) + y*z", "log(1 + exp(z)) - y*z + z/10^60"]
)
def test_a_wrong_proposal_is_not_accepted(wrong: str) -> None:
    solver = Scalar(Problem(parse("sigmoid(z)", SCALAR), ()), 1.0)
    assert solver.proved(parse("log(1 + exp(z)) - y*z", SCALAR)) is not None
    assert solver.proved(parse(wrong, SCALAR)) is None


def test_a_loss_of_the_output_needs_the_right_slope() -> None:
    solver = Scalar(Problem(parse("sigmoid(z)", SCALAR), ()), 1.0)
    bce, slope = (parse(t, SCALAR) for t in ("-y*log(h) - (1 - y)*log(1 - h)", "h*(1 - h)"))
    assert solver.through_output(bce, slope) is not None
    assert solver.through_output(parse("(h - y)^2/2", SCALAR), slope) is None
    assert solver.through_output(bce, parse("h*(2 - h)", SCALAR)) is None


def test_a_step_between_branches_is_not_continuous() -> None:
    body = parse("where(z > 0, z + 1, z)", SCALAR)
    solver = Scalar(Problem(body, ()), 1.0)
    assert solver.seams("h", solver.definitions) is None
    assert solver.is_isolated(parse_relation("2*z != 1", SCALAR))
    assert not solver.is_isolated(parse_relation("z^2 != 0", SCALAR))


def test_without_time_existence_is_still_proved() -> None:
    known = match("sigmoid", timeout=0.0)
    assert known.exists is True and known.convex is True and known.loss is None and known.reason
    assert list(Proposals(0.0).antiderivatives(Z)) == []


def test_sympy_expressions_whatever_their_assumptions() -> None:
    for z in (sympy.Symbol("z"), sympy.Symbol("z", real=True)):
        assert match(1 / (1 + sympy.exp(-z))).loss == match("sigmoid").loss
    letter, indexed = sympy.Symbol("n", integer=True), sympy.IndexedBase("z")
    assert match(sympy.tanh(indexed[letter])).loss == match("tanh").loss


def test_parameters_and_domains() -> None:
    known = match("w*tanh(z)", params=["0 < w < 1"])
    assert known.exists is True and known.convex is True
    assert [plain(h) for h in known.hypotheses] == ["0 < w", "w < 1"]
    assert match("log(z)").hypotheses == (parse_relation("z > 0", SCALAR),)


@pytest.mark.parametrize(
    ("activation", "options", "message"),
    [
        ("sigmod", {}, "did you mean sigmoid"),
        ("z*q", {}, "declare it: --param q"),
        ("z", {"params": ["y > 0"]}, "y has a meaning already"),
        ("z", {"params": ["1 < 2"]}, "no name is declared"),
        ("z", {"assume": ["y > 0"]}, "an assumption is about z"),
        ("z", {"assume": ["z"]}, "relation"),
        ("z[k] - z[j]", {}, "one free index"),
        ("MSE", {}, "no activation is called 'MSE'"),
        ("h*z", {}, "cannot use h"),
        ("z[k]", {"assume": ["h[k] > 0"]}, "an assumption is about z"),
        ("z*w[k]", {}, "unknown name 'w'"),
        ("", {}, "empty"),
        ("__import__('os').system('id')", {}, "column"),
        (sympy.Symbol("y") * sympy.Symbol("z"), {}, "cannot use y"),
        (sympy.Float("0.5") * sympy.Symbol("z"), {}, "not exact"),
        (0.5, {}, "not a SymPy expression"),
    ],
)
def test_bad_input_is_named(activation: object, options: dict[str, list[str]], message: str) -> None:
    with pytest.raises(DeriveError, match=message):
        match(activation, **options)


@pytest.mark.parametrize("slug", ["sigmoid", "hardtanh", "logsoftmax", "mish", "softmax"])
def test_json_object(slug: str, found: dict[str, Match]) -> None:
    data = json.loads(json.dumps(found[slug].to_json()))
    assert {"schema", "activation", "exists", "loss", "convex", "witness", "steps"} <= set(data)
    assert data["schema"] == "derive/1"
    assert [s["n"] for s in data["steps"]] == list(range(1, len(data["steps"]) + 1))
    assert all(
        {*s} == {"n", "rule", "statement", "latex", "checked"} and s["statement"] and s["latex"] for s in data["steps"]
    )
    symbols = VECTOR if "[" in data["activation"] else SCALAR
    assert all(plain(parse(data[n], symbols)) == data[n] for n in ("activation", "loss", "output_loss") if data[n])


def test_cited_theorems_are_not_called_checked(found: dict[str, Match]) -> None:
    cited = {"mean-value", "fundamental-theorem", "convex", "poincare", "schwarz", "darboux"}
    for known in found.values():
        assert all(s.checked == (s.rule not in cited) for s in known.steps)


def test_every_step_about_h_is_true_at_a_point(found: dict[str, Match]) -> None:
    """Equations of sigmoid's steps, with J and h put in, hold by balls."""
    known = found["sigmoid"]
    output = to_term(ACTIVATIONS["sigmoid"].output)
    cost = parse(known.loss or "", SCALAR)
    definitions = {"h": ((), output), "J": ((), cost)}
    slopes = [s for s in known.steps if isinstance(s.left, tuple) and s.right is not None]
    assert len(slopes) >= 4
    for step in slopes:
        assert isinstance(step.left, tuple)
        for point in scalar_points(()):
            left = balls.enclosure(balls.Slope(*step.left), point, definitions, 200)
            assert abs(left - balls.enclosure(step.right or ZERO, point, definitions, 200)) < 1e-40


def test_replacing_z_keeps_the_answer() -> None:
    """z -> a z + b: the loss is that of h, scaled; existence and convexity stay."""
    moved = replace(to_term(ACTIVATIONS["tanh"].output), {Z: parse("2*z + 1", SCALAR)})
    known = match(plain(moved))
    assert known.exists is True and known.convex is True and known.loss is not None
    points = scalar_points(())
    assert all(agrees(parse(known.loss, SCALAR), moved, p) for p in points)
