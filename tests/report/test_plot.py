"""Curves have the values of the terms and know where these end; plots of them are the same bytes each time."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping

import pytest
from flint import fmpq
from samples import stored

from derive.errors import DeriveError
from derive.proof import Proof
from derive.report.curve import Curve, Gap, Line, factor
from derive.report.plot import FORMATS, TITLES, figure, image, svg

SIGMOID: Callable[[float], float] = lambda z: 1 / (1 + math.exp(-z))  # noqa: E731


def line(pair: str) -> Line:
    return Line(Proof(stored(pair)))


def slope(pair: str, y: int) -> Curve:
    found = line(pair)
    return found.curve(found.proof.verdict.delta, fmpq(y), 6)


# ---- curves


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ("bce-sigmoid", lambda z, y: SIGMOID(z) - y),
        ("mse-sigmoid", lambda z, y: SIGMOID(z) * (1 - SIGMOID(z)) * (SIGMOID(z) - y)),
        ("mse-tanh", lambda z, y: (1 - math.tanh(z) ** 2) * (math.tanh(z) - y)),
        ("cce-softmax", lambda z, y: SIGMOID(z) - y),  # z_2 = 0, y_2 = 1 - y
        ("mse-identity", lambda z, y: z - y),
    ],
)
def test_a_curve_has_the_values_of_the_derivative(pair: str, expected: Callable[[float, float], float]) -> None:
    for y in (0, 1):
        found = slope(pair, y)
        assert len(found.across) > 200 and found.gaps == ()
        for z, value in zip(found.across, found.values, strict=True):
            assert value == pytest.approx(expected(z, y), abs=1e-6)


@pytest.mark.parametrize(
    ("pair", "y", "gaps"),
    [
        ("mae-identity", 1, [Gap(1.0, -1.0, 1.0)]),
        ("hinge-relu", -1, [Gap(0.0, 0.0, 1.0)]),
        ("hinge-relu", 1, [Gap(0.0, 0.0, -1.0), Gap(1.0, -1.0, 0.0)]),
        ("bce-sigmoid", 1, []),
    ],
)
def test_where_pieces_meet_there_is_no_value_but_two_sides(pair: str, y: int, gaps: list[Gap]) -> None:
    found = slope(pair, y)
    assert [(g.at, g.left, g.right) for g in found.gaps] == [pytest.approx(tuple(g)) for g in gaps]
    assert all(math.isnan(found.values[found.across.index(gap.at)]) and gap.is_jump for gap in found.gaps)


def test_a_kink_between_samples_is_found() -> None:
    found = line("quantile-tanh")
    (place,) = found.kinks(fmpq(1, 4), 6)
    assert math.tanh(float(place.p) / float(place.q)) == pytest.approx(0.25, abs=1e-9)


def test_a_continuous_loss_is_closed_where_its_slope_has_a_gap() -> None:
    found = line("mae-identity")
    loss = found.curve(found.proof.statement.cost, fmpq(1), 6)
    assert math.isnan(loss.values[loss.across.index(1.0)])
    assert loss.closed.values[loss.across.index(1.0)] == pytest.approx(0, abs=1e-6)
    jump = found.curve(found.proof.verdict.delta, fmpq(1), 6)
    assert math.isnan(jump.closed.values[jump.across.index(1.0)])


@pytest.mark.parametrize(
    ("pair", "targets"),
    [
        ("bce-sigmoid", (0, 1)),
        ("hinge-tanh", (-1, 1)),  # its own targets
        ("gamma-exp", (fmpq(1, 4), 1)),  # y > 0
        ("kl-softmax", (fmpq(1, 4), fmpq(3, 4))),  # 0 < y_k, and they add up to 1
    ],
)
def test_targets_lie_in_their_domain(pair: str, targets: tuple[fmpq, ...]) -> None:
    assert line(pair).targets == targets


def test_nothing_is_shown_outside_of_the_domain() -> None:
    found = line("mse-inverse")  # h = -1/z, for z < 0
    values = found.curve(found.proof.verdict.delta, fmpq(0), 6)
    assert all(math.isnan(v) == (z >= 0) for z, v in zip(values.across, values.values, strict=True))


@pytest.mark.parametrize(
    ("pair", "held"),
    [
        ("bce-sigmoid", ""),
        ("huber-sigmoid", "d = 1/4"),  # small enough to show where pieces meet
        ("cce-softmax", "z_2 = 0, K = 2"),
        ("mse-unitnorm", "z_2 = 1, K = 2"),  # where all z are 0, it is not defined
    ],
)
def test_what_is_held_is_said(pair: str, held: str) -> None:
    assert line(pair).held == held


def test_values_that_grow_are_kept_in_sight() -> None:
    assert line("mse-exp").span(line("mse-exp").proof.verdict.delta) < 3
    assert line("bce-sigmoid").span(line("bce-sigmoid").proof.verdict.delta) == 6


# ---- plots


@pytest.mark.parametrize(
    ("what", "pairs"),
    [
        *((what, ("bce-sigmoid", "mse-sigmoid", "huber-sigmoid")) for what in TITLES),
        *((what, ("mse-softmax",)) for what in ("delta", "loss")),
        *((what, ("huber-tanh", "mae-relu")) for what in ("delta", "loss")),
    ],
)
def test_a_plot_shows_every_pair_and_target(what: str, pairs: tuple[str, ...]) -> None:
    proofs = [Proof(stored(pair)) for pair in pairs]
    found = figure(proofs, what)
    labels = [text.get_text() for text in found.legends[0].get_texts()]
    assert all(any(label.startswith(pair) for label in labels) for pair in pairs)
    assert len(labels) == len({*labels}) and len(found.axes) == (2 if what == "delta" else 1)
    looks = [(drawn.get_color(), drawn.get_linestyle()) for drawn in found.axes[0].lines if drawn.get_label()[0] != "_"]
    assert len(looks) == len({*looks}) == len(labels)


def test_the_factor_is_drawn_over_the_range_of_the_output() -> None:
    axes = figure([Proof(stored("mse-sigmoid"))], "factor").axes[0]
    across, values = (list(map(float, axes.lines[0].get_data()[n])) for n in (0, 1))
    assert 0 < min(across) < 0.01 and 0.99 < max(across) < 1 and axes.get_xlabel() == "h"
    assert values == pytest.approx([h * (1 - h) for h in across], abs=1e-9)


def test_a_magnitude_is_drawn_beside_the_slope() -> None:
    left, right = figure([Proof(stored("bce-sigmoid"))]).axes
    assert [abs(v) for v in left.lines[1].get_ydata()] == list(right.lines[1].get_ydata())
    assert (left.get_ylabel(), right.get_ylabel()) == ("∂J/∂z", "|∂J/∂z|")


def test_points_where_pieces_meet_are_open_for_slopes_and_full_for_losses() -> None:
    proofs = [Proof(stored("mae-identity"))]
    marks = {
        what: [drawn.get_markerfacecolor() for drawn in figure(proofs, what).axes[0].lines if drawn.get_marker() == "o"]
        for what in ("delta", "loss")
    }
    assert marks["delta"] == ["white"] * 4 and len(marks["loss"]) == 2 and "white" not in marks["loss"]


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_bytes_each_time(form: str) -> None:
    proofs = [Proof(stored("bce-sigmoid")), Proof(stored("mae-relu"))]
    assert image(figure(proofs), form) == image(figure(proofs), form)
    assert image(figure(proofs), form)[:5] in (b"<?xml", b"\x89PNG\r", b"%PDF-")


def test_nothing_is_cut_off() -> None:
    found = figure([Proof(stored(pair)) for pair in ("huber-sigmoid", "focal-sigmoid", "cce-softmax", "mae-relu")])
    found.draw_without_rendering()
    room = found.bbox
    texts = [*found.legends[0].get_texts(), found._suptitle, *(t for a in found.axes for t in (a.xaxis.label, a.title))]
    for text in texts:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= room.x1 and box.y1 <= room.y1, text.get_text()


def test_a_comparison_says_where_the_output_is_confidently_wrong() -> None:
    found = figure([Proof(stored(pair)) for pair in ("bce-sigmoid", "mse-sigmoid")], "size")
    (axes,) = found.axes
    assert [t.get_text() for t in axes.texts] == ["confidently wrong"]
    wrong = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    assert wrong.x0 == pytest.approx(-6) and SIGMOID(wrong.x1) == pytest.approx(0.1, abs=0.02)  # y = 1


HOSTILE = ("<script>alert(1)</script>", "$\\frac{1}{0}$", "--><svg onload=x>", "\x1b[31m", "_hidden", "a&b;", "")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_stays_out_of_the_plot(samples: Mapping[str, Proof], text: str) -> None:
    proof = Proof(samples["bce-sigmoid"].checked)
    proof.pair = text
    found = svg([proof])
    whole = list(ElementTree.fromstring(found).iter())
    assert "script" not in {tag.tag.rpartition("}")[2] for tag in whole} and found.count("<svg") == 1
    assert not [name for tag in whole for name in tag.attrib if name.startswith("on")] and "\x1b" not in found
    assert len(figure([proof]).legends[0].get_texts()) == 2


def test_what_cannot_be_plotted_is_said(samples: Mapping[str, Proof]) -> None:
    with pytest.raises(DeriveError, match="1 to 7 pairs"):
        figure([])
    with pytest.raises(DeriveError, match="no plot is called 'x'"):
        figure([samples["bce-sigmoid"]], "x")
    with pytest.raises(DeriveError, match="focal-sigmoid has no factor"):
        factor(samples["focal-sigmoid"])
