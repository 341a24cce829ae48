"""Witness pictures: every point and its reconstruction, in any dimension, whatever the numbers."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest

from aeverify.core import Plot, Series, Witness, WitnessPoint
from aeverify.reporting.pictures import witness_drawing
from aeverify.reporting.plots import PALETTE
from aeverify.reporting.svg import static_figure

CIRCLE = tuple(2 * math.pi * i / 1000 for i in range(1001))


def data(size: int) -> Plot:
    """A circle in the plane or in space."""
    columns = (tuple(map(math.cos, CIRCLE)), tuple(map(math.sin, CIRCLE)), (0.0,) * len(CIRCLE))[:size]
    return Plot("data", "K", "", ("u", "v", "w")[:size], (Series("K", columns, "line", 1),))


def witness(*points: tuple[tuple[float, ...], tuple[float, ...]]) -> Witness:
    """Points of component 1 with their reconstructions."""
    return Witness("point", "circle", "", tuple(WitnessPoint(1, (), p, (), r, 0.0) for p, r in points))


@pytest.mark.parametrize("size", [2, 3])
def test_points_are_drawn_on_the_set(size: int) -> None:
    """The set thinned, each point a diamond in its component's colour, each reconstruction a cross, a line between."""
    a, b, decoded = (1.0, 0.0, 0.0)[:size], (0.0, 1.0, 0.0)[:size], (0.5, 0.5, 0.5)[:size]
    found = witness_drawing(witness((a, decoded), (b, decoded)), [data(size)], "restart 0")
    assert found is not None
    assert [(layer.name, layer.style) for layer in found.layers] == [
        ("K", "line"),
        ("error", "dot"),
        ("point", "marker"),
        ("", "marker"),
        ("reconstruction", "cross"),
    ]
    assert found.layers[0].color == found.layers[2].color == PALETTE[1]
    assert 100 < len(found.layers[0].columns[0]) < 200
    assert tuple(c[-1] for c in found.layers[0].columns) == tuple(c[-1] for c in data(size).series[0].columns)
    assert found.layers[1].columns[0][:2] == (1.0, 0.5) and math.isnan(found.layers[1].columns[0][2])
    assert found.layers[4].columns == tuple((v, v) for v in decoded)
    assert (found.plot.axes, found.equal, found.undrawn) == (("u", "v", "w")[:size], True, 0)
    ET.fromstring(static_figure(found))


@pytest.mark.parametrize("size", [1, 4, 784])
def test_other_dimensions_are_profiles(size: int) -> None:
    """Coordinates beside one another, the first 400 where there are more, and the caption says which."""
    point, decoded = tuple(float(i) for i in range(size)), (0.0,) * size
    found = witness_drawing(witness((point, decoded)), [data(3)], "restart 0")
    assert found is not None
    shown = min(size, 400)
    assert [layer.columns[1] for layer in found.layers] == [point[:shown], decoded[:shown]]
    assert [layer.style for layer in found.layers] == ["line" if size > 1 else "marker", "cross"]
    assert (f"the first 400 of {size}" in found.plot.caption) == (size > 400)
    ET.fromstring(static_figure(found))


def test_a_set_of_another_dimension_is_left_out() -> None:
    """A figure of the set that is not in the witness's space cannot carry its points."""
    found = witness_drawing(witness(((1.0, 0.0), (0.0, 0.0))), [data(3)], "x")
    assert found is not None
    assert [layer.style for layer in found.layers] == ["dot", "marker", "cross"]


def test_points_without_coordinates_have_no_picture() -> None:
    """A fact about K alone, points of two dimensions, no point at all."""
    assert witness_drawing(witness(), [data(2)], "x") is None
    assert witness_drawing(witness(((), ())), [data(2)], "x") is None
    assert witness_drawing(witness(((1.0,), ()), ((1.0, 2.0), ())), [data(2)], "x") is None


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("value", [math.inf, -math.inf, 1e308, 5e-324])
def test_any_number_is_borne(size: int, value: float) -> None:
    """What has no place is left out and counted, and the drawing is well-formed."""
    found = witness_drawing(witness(((value,) * size, (-value,) * size)), [data(2), data(3)], "x")
    assert found is not None
    assert (found.undrawn > 0) == math.isinf(value)
    text = static_figure(found)
    ET.fromstring(text)
    assert "nan" not in text and "inf" not in text


def test_gaps_of_the_set_stay_gaps_when_it_is_thinned() -> None:
    """No line is drawn across a place where there is nothing."""
    x = tuple(math.nan if 500 <= i < 510 else float(i) for i in range(1001))
    plot = Plot("data", "", "", ("x", "y"), (Series("K", (x, (0.0,) * 1001), "line", 0),))
    found = witness_drawing(witness(((1.0, 0.0), (0.0, 0.0))), [plot], "x")
    assert found is not None
    columns = found.layers[0].columns
    assert len(columns[0]) == len(columns[1]) < 250
    gap = [i for i, v in enumerate(columns[0]) if math.isnan(v)]
    assert gap and columns[0][gap[0] - 1] < 500 and columns[0][gap[-1] + 1] >= 510
