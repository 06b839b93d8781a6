"""The audit of frameworks: that each call computes its statement, and that what is wrong, nan or a kink is seen.

Nothing is asserted of how accurate a framework is, only that it has the proved value at ordinary points.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flint import arb, ctx, fmpq

from derive import balls
from derive.audit import FORMATS, Audit, Place, Row, Value, audit, beside, ulps
from derive.cli import app
from derive.errors import DeriveError, KernelError, UnknownName
from derive.frameworks import FRAMEWORKS, JAX, NOT_YET, TORCH, Call, left_out, opened
from derive.library import load_proof
from derive.report import audit as report

PAGE = (Path(__file__).parent.parent / "docs" / "audit.md").read_text(encoding="utf-8")
ORDINARY = 5  # of the first points of a call, for which |z| is small
CLOSE = {"float64": 1e9, "float32": 1e3}  # ulps: what is computed is the same function, and not another one
BY_NAME = {call.name: call for call in (*TORCH, *JAX)}


def ordinary(call: Call) -> Call:
    return call._replace(zs=call.zs[: 3 if isinstance(call.zs[0], tuple) else ORDINARY], reductions=())


def one(framework: str, call: Call) -> Row:
    (row,) = audit(framework, [call]).rows
    return row


def compared(framework: str, call: Call) -> None:
    row = one(framework, ordinary(call))
    assert sum(map(len, row.values.values())) > 0
    for name, most in CLOSE.items():
        assert not row.failures(name)
        assert all(value.ulps is not None and value.ulps < most for value in row.values[name] if is_ordinary(value))
    assert all(kink.picks != "neither" for kink in row.kinks), row.kinks
    assert f"`{row.proof.delta}`".replace("|", "\\|") in PAGE, "derive audit torch jax -o docs/audit.md"


def is_ordinary(value: Value) -> bool:
    return not value.place.is_extreme


# ---- the calls -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", JAX, ids=lambda call: call.name)
def test_jax_computes_what_is_stated(call: Call) -> None:
    compared("jax", call)


@pytest.mark.parametrize("call", TORCH, ids=lambda call: call.name)
def test_torch_computes_what_is_stated(call: Call) -> None:
    pytest.importorskip("torch")
    compared("torch", call)


def numbers(value: Any) -> Iterator[Fraction]:
    if isinstance(value, tuple):
        for part in value:
            yield from numbers(part)
    else:
        yield Fraction(value)


@pytest.mark.parametrize("call", BY_NAME.values(), ids=lambda call: call.name)
def test_all_numbers_are_exact_in_both_formats(call: Call) -> None:
    for number in numbers((*call.zs, *call.ys, *call.values.values())):
        assert Fraction(struct.unpack("f", struct.pack("f", float(number)))[0]) == number


def test_names_are_told_apart() -> None:
    assert len(BY_NAME) == len(TORCH) + len(JAX)


def test_a_loss_that_no_call_uses_is_named() -> None:
    framework, loaded = opened("jax")
    assert left_out(framework, loaded._replace(losses=("l2_loss", "ctc_loss", "newest_loss"))) == {
        "ctc_loss": "a sum over alignments of two sequences, which the plain language does not have",
        "newest_loss": NOT_YET,
    }


@pytest.mark.parametrize(
    ("name", "divisors"),
    [
        ("MSELoss", {"mean": "m"}),
        ("KLDivLoss of log_softmax", {"mean": "m K", "batchmean": "m"}),
        ("CrossEntropyLoss(weight), classes", {"mean": "the sum of w[k] y[k]"}),
        ("CrossEntropyLoss(weight), probabilities", {"mean": "m"}),
    ],
)
def test_what_a_mean_of_torch_divides_by(name: str, divisors: dict[str, str]) -> None:
    pytest.importorskip("torch")
    assert one("torch", BY_NAME[name]).divisors == divisors


# ---- what is wrong is seen -----------------------------------------------------------------------------

SQUARED, HINGE, ENTROPY = (
    BY_NAME[name] for name in ("optax.squared_error", "optax.hinge_loss", "optax.softmax_cross_entropy")
)


def times(call: Call, factor: float) -> Call:
    return ordinary(call)._replace(run=lambda *given: factor * call.run(*given))


@pytest.mark.parametrize("call", [SQUARED, ENTROPY], ids=lambda call: call.name)
@pytest.mark.parametrize("factor", [-1.0, 0.5, 1 + 2.0**-20])
def test_another_gradient_is_far_off(call: Call, factor: float) -> None:
    worst = one("jax", times(call, factor)).worst("float64")
    assert worst is not None and worst.ulps is not None
    assert worst.ulps >= abs(factor - 1) * 2**52


def test_a_call_beside_the_wrong_statement_is_far_off() -> None:
    row = one("jax", ordinary(SQUARED)._replace(pair="mse-identity"))
    assert row.worst("float32") is not None and row.worst("float32").ulps >= 2**23  # type: ignore[union-attr, operator]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_is_told_apart(number: float) -> None:
    row = one("jax", times(SQUARED, number))
    assert len(row.failures("float64")) == len(row.values["float64"]) > 0
    assert row.worst("float64") is None
    assert "nan" in report.text([Audit("JAX", "", (row,), {})], 200)


def test_a_value_at_a_kink_that_neither_side_has() -> None:
    kinks = one("jax", times(HINGE, 4.0)).kinks
    assert kinks and {kink.picks for kink in kinks} == {"neither"}


@pytest.mark.parametrize(("found", "picks"), [(0.0, "above"), (1.0, "below"), (0.5, "between")])
def test_the_side_that_is_picked(found: float, picks: str) -> None:
    kink = one("jax", ordinary(HINGE)).kinks[0]
    sign = kink.place.y
    assert sorted((kink.below, kink.above)) == sorted((-sign, 0.0))
    chosen = kink._replace(found={"float64": -sign * found if sign == 1 else 1 - found})
    assert chosen.picks == picks


def test_a_place_where_nothing_is_proved_is_refused() -> None:
    outside = BY_NAME["BCELoss"]._replace(zs=(2,), run=SQUARED.run, reductions=())
    with pytest.raises(KernelError, match="nothing is proved at z = 2"):
        audit("jax", [outside])


@pytest.mark.parametrize("pair", ["mae-identity", "hinge-identity", "quantile-identity"])
def test_values_beside_a_kink_are_the_proved_ones(pair: str) -> None:
    proof = load_proof(pair)
    call = SQUARED._replace(pair=pair, values={"t": Fraction(1, 4)})
    y = 1 if "hinge" in pair else 0
    point = balls.Point({("y", ()): fmpq(y), ("z", ()): fmpq(y), ("t", ()): fmpq(1, 4)}, {}, {})
    (kink,) = proof.kinks
    sides = [balls.enclosure(t, point, proof.statement.definitions) for t in (kink.left, kink.right) if t is not None]
    assert sorted(beside(proof, call, Place(y, y, 0))) == sorted(map(float, sides))


# ---- units in the last place ---------------------------------------------------------------------------


def exactly(number: float | fmpq) -> arb:
    with ctx.workprec(4000):
        return arb(number if isinstance(number, fmpq) else fmpq(*number.as_integer_ratio()))


@pytest.mark.parametrize(
    ("found", "exact", "name", "expected"),
    [
        (1.0, 1.0, "float64", 0.0),
        (1 + 2.0**-52, 1.0, "float64", 1.0),
        (1 - 2.0**-53, 1.0, "float64", 0.5),
        (1 + 2.0**-23, 1.0, "float32", 1.0),
        (-8.0, -8 - 2.0**-49, "float64", 1.0),
        (2.0**-52, 0.0, "float64", 1.0),
        (0.0, 5e-324, "float64", 1.0),
        (0.0, 2.0**-149, "float32", 1.0),
        (0.0, fmpq(1, 2**1200), "float64", 0.0),
        (float("inf"), fmpq(2**1024), "float64", 0.0),
        (float("inf"), fmpq(2**128), "float32", 0.0),
    ],
)
def test_units_in_the_last_place(found: float, exact: float | fmpq, name: str, expected: float) -> None:
    assert ulps(found, exactly(exact), FORMATS[name]) == pytest.approx(expected, rel=1e-12, abs=1e-20)


@pytest.mark.parametrize(
    ("found", "exact"),
    [(float("-inf"), fmpq(2**1024)), (1e308, fmpq(2**1024)), (float("inf"), 1e308), (float("nan"), 1.0)],
)
def test_no_distance_to_what_should_not_be(found: float, exact: float | fmpq) -> None:
    assert ulps(found, exactly(exact), FORMATS["float64"]) is None


# ---- the command ---------------------------------------------------------------------------------------


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = tuple(map(ordinary, (SQUARED, HINGE, BY_NAME["jax.numpy.abs"])))
    monkeypatch.setitem(FRAMEWORKS, "jax", FRAMEWORKS["jax"]._replace(calls=calls))


@pytest.mark.usefixtures("few")
def test_the_command_prints_tables_data_and_a_page(tmp_path: Path) -> None:
    text = CliRunner().invoke(app, ["audit", "jax"], catch_exceptions=False)
    assert text.exit_code == 0 and "optax.hinge_loss" in text.output
    assert max(map(len, text.output.splitlines())) <= 80

    (data,) = json.loads(CliRunner().invoke(app, ["audit", "jax", "--json"], catch_exceptions=False).output)
    assert [row["call"] for row in data["rows"]] == ["optax.squared_error", "optax.hinge_loss", "jax.numpy.abs"]
    squared = data["rows"][0]
    assert (squared["pair"], squared["delta"], squared["float64"]["points"]) == ("sse-identity", "2*(h - y)", 15)
    (kink,) = data["rows"][2]["kinks"]
    assert (kink["z"], kink["below"], kink["above"]) == ("0", -1.0, 1.0)

    page = tmp_path / "audit.md"
    assert CliRunner().invoke(app, ["audit", "jax", "-o", str(page)], catch_exceptions=False).exit_code == 0
    rows = [line for line in page.read_text().splitlines() if line.startswith("| `optax.hinge_loss`")]
    assert len(rows) == 4 and "`where(h*y < 1, -y, 0)`" in rows[-1]


@pytest.mark.usefixtures("few")
def test_an_audit_is_no_latex(tmp_path: Path) -> None:
    with pytest.raises(DeriveError, match=r"\.txt, \.md or \.json"):
        CliRunner().invoke(app, ["audit", "jax", "-o", str(tmp_path / "a.tex")], catch_exceptions=False)
    assert not list(tmp_path.iterdir())


def test_an_unknown_framework() -> None:
    with pytest.raises(UnknownName, match="known are torch, jax"):
        audit("numpy")


def test_a_missing_framework_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optax", None)
    with pytest.raises(DeriveError, match=r"optax is not installed; pip install 'derive\[jax\]'"):
        audit("jax")
