"""Figures: what the pipeline gives is drawn, in colours that mean the same everywhere."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET

import plotly.graph_objects as go
import pytest

from aeverify.core import Plot, Series
from aeverify.errors import InvariantError
from aeverify.reporting.html import _TEMPLATES
from aeverify.reporting.plots import INK, PALETTE, drawing, figure
from aeverify.reporting.svg import static_figure


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2)."""
    values = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("color", [*PALETTE, INK])
def test_palette_has_contrast_on_both_pages(color: str) -> None:
    """Graphics need a contrast of 3 against the light page and the dark one."""
    for page in ("#ffffff", "#15181c"):
        a, b = sorted((luminance(color), luminance(page)))
        assert (b + 0.05) / (a + 0.05) >= 3


def test_a_component_has_one_colour_everywhere() -> None:
    """Whatever the order of the series and the kind of the figure."""
    flat = Plot(
        "error",
        "",
        "",
        ("t", "e"),
        (Series("b", ((0.0,), (1.0,)), "line", 1), Series("a", ((0.0,), (1.0,)), "marker", 0)),
    )
    solid = Plot("data", "", "", ("x", "y", "z"), (Series("b", ((0.0,),) * 3, "points", 1),))
    assert {layer.name: layer.color for layer in drawing(flat).layers} == {"a": PALETTE[0], "b": PALETTE[1]}
    assert figure(drawing(solid))["data"][0]["marker"]["color"] == PALETTE[1]


def test_codes_of_components_are_rows() -> None:
    """Codes on a line: one named row a component, the first on top."""
    plot = Plot(
        "codes-0",
        "",
        "",
        ("code", "component"),
        tuple(Series(f"c{i}", ((1.0, 2.0), (i, i)), "points", i) for i in (0, 1)),
    )
    assert drawing(plot).rows == ((0, "c0"), (1, "c1"))
    axis = figure(drawing(plot))["layout"]["yaxis"]
    assert (axis["ticktext"], axis["range"][0] > axis["range"][1]) == (["c0", "c1"], True)


def test_codes_in_a_plane_are_not_rows() -> None:
    """Two-dimensional codes keep both their axes."""
    plot = Plot("codes-0", "", "", ("code 1", "code 2"), (Series("K", ((1.0, 2.0), (0.5, 0.7))),))
    assert drawing(plot).rows == ()


def test_classes_that_never_die_have_their_line() -> None:
    """An infinite death is drawn on a labelled line above all finite ones, and the diagonal is there."""
    plot = Plot("persistence-0", "", "", ("birth", "death"), (Series("H_0", ((0.0, 0.0), (1.0, math.inf))),))
    found = drawing(plot)
    line = next(layer for layer in found.layers if layer.label == "never dies")
    points = next(layer for layer in found.layers if layer.name == "H_0")
    assert points.columns[1] == (1.0, line.columns[1][0])
    assert line.columns[1][0] > 1.0
    assert found.equal
    assert found.undrawn == 0


def test_points_without_a_place_are_counted() -> None:
    """NaN, infinities, and zero on a logarithmic axis are gaps that the reader is told of."""
    plot = Plot(
        "error-0", "", "", ("t", "e"), (Series("K", ((0.0, 1.0, 2.0, 3.0), (0.0, math.nan, math.inf, 1.0))),), (1,)
    )
    assert drawing(plot).undrawn == 3
    assert figure(drawing(plot))["data"][0]["y"] == [None, None, None, 1.0]


def test_figure_json_has_no_nan() -> None:
    """Browsers refuse NaN in JSON."""
    plot = Plot("x", "", "", ("t", "e"), (Series("K", ((0.0, 1.0), (math.nan, 1.0))),))
    assert json.loads(json.dumps(figure(drawing(plot)), allow_nan=False))["data"][0]["y"] == [None, 1.0]


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("name", ["data", "codes", "persistence", "error"])
def test_plotly_knows_every_property(axes: int, name: str) -> None:
    """The figures are written as plain data, for speed; plotly's own classes accept every property of them."""
    styles = ("points", "line", "marker", "region")[: 4 if axes == 2 else 3]
    series = tuple(Series(style, ((1.0, 2.0),) * axes, style, 0) for style in styles)
    log = () if name == "data" else (0, 1)
    plot = Plot(name, "t", "c", ("x", "y", "z")[:axes], series, log, ((0.1, 0.2, "b"),), ((1.0, "l"),))
    made = figure(drawing(plot))
    assert len(go.Figure(data=made["data"], layout=made["layout"]).data) == len(drawing(plot).layers)


@pytest.mark.parametrize(
    "values", [(), (0.0,), (5e-324, 1e-323), (1e308, -1e308), (1.0, 1.0), (math.inf,), (1e-300, 1e300), (math.nan,)]
)
@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("log", [(), (0, 1)])
@pytest.mark.parametrize("name", ["data", "codes", "persistence", "error"])
def test_static_drawings_bear_any_numbers(
    values: tuple[float, ...], axes: int, log: tuple[int, ...], name: str
) -> None:
    """Empty, denormal, huge, infinite: the drawing is well-formed SVG and says no NaN."""
    series = tuple(Series(style, (values,) * axes, style) for style in ("points", "line", "marker"))
    plot = Plot(name, "<t>", "]]>", ("x", "y", "z")[:axes], series, log, ((0.1, 0.2, "<b>"),), ((1.0, "&"),))
    text = static_figure(drawing(plot))
    ET.fromstring(text)
    assert "nan" not in text
    assert "inf" not in text


def test_series_and_plots_refuse_what_cannot_be_drawn() -> None:
    """Columns of one length, as many as axes, in a known style."""
    with pytest.raises(InvariantError, match="style"):
        Series("a", ((0.0,), (0.0,)), "dots")
    with pytest.raises(InvariantError, match="lengths"):
        Series("a", ((0.0,), ()))
    with pytest.raises(InvariantError, match="axes"):
        Plot("a", "", "", ("x", "y", "z"), (Series("a", ((0.0,), (0.0,))),))
    with pytest.raises(InvariantError, match="index"):
        Plot("a", "", "", ("x", "y"), (), log_axes=(2,))


def test_figures_offer_no_upload() -> None:
    """plotly.js has a button that sends a figure's data to its makers' cloud; ours has not."""
    script = (_TEMPLATES / "figures.js").read_text("utf-8")
    assert "showSendToCloud: false" in script
    assert 'plotlyServerURL: ""' in script


def test_regions_are_shaded_behind_everything() -> None:
    """A polygon without a component is drawn in ink, at the bottom, closed, in both renderers."""
    corners = ((0.0, 1.0, 1.0), (0.0, 0.0, 2.0))
    plot = Plot(
        "tradeoff-0",
        "",
        "",
        ("x", "y"),
        (Series("model", ((0.5,), (0.5,)), "marker", 0), Series("forbidden", corners, "region")),
    )
    found = drawing(plot)
    assert [(layer.name, layer.color) for layer in found.layers] == [("forbidden", INK), ("model", PALETTE[0])]
    assert figure(found)["data"][0]["fill"] == "toself"
    path = next(e for e in ET.fromstring(static_figure(found)).iter() if e.get("class", "").startswith("region"))
    assert path.get("d", "").endswith("z") and path.get("d", "").count("L") == 2
