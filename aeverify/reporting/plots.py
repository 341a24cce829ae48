"""Figures: a core Plot becomes a Drawing, which plotly and the static SVG draw alike.

A component of K has one colour in every figure. The palette is told apart by readers with colour-vision deficiency
(after Okabe & Ito) and has a contrast of at least 3 against both the light and the dark page.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, final

from aeverify.core import Plot, Series
from aeverify.reporting.escaping import plotly_label

PALETTE = ("#3080c0", "#d1570c", "#0f9373", "#b5629f", "#8f7a12", "#7a6cc4", "#a0522d", "#6c7a89")
INK = "#808080"
"""What belongs to no component: thresholds, diagonals, bands, axes."""

DASHES = ("dash", "dot", "dashdot", "longdash")
HEIGHT = 380
_MOST_BAND_LABELS = 6
# WebGL draws half-transparent grid lines too faintly to be seen.
_SOLID_AXIS = {"showbackground": False, "gridcolor": "#a0a0a0", "linecolor": "#808080", "nticks": 5}


@final
@dataclass(frozen=True, slots=True)
class Layer:
    """One thing drawn: NaN in its columns is a gap.

    Attributes:
        name: unescaped; "" is not in the legend.
        columns: x, y and, in 3-D, z.
        style: "points", "line", "marker", "region" (a shaded polygon), "ticks" (upright strokes on a row), "cross" (in
            static drawings only) or one of DASHES.
        color: of PALETTE, or INK.
        faint: drawn behind points of the same component.
        label: written at the end of the line.
    """

    name: str
    columns: tuple[tuple[float, ...], ...]
    style: str
    color: str
    faint: bool = False
    label: str = ""


@final
@dataclass(frozen=True, slots=True)
class Drawing:
    """What both renderers draw, in the coordinates of the data.

    Attributes:
        plot: what it was made from.
        layers: bottom first.
        log: for each axis, whether its scale is logarithmic.
        bands: (start, end, label) on the first axis.
        rows: names of values of the second axis, where that axis is a list of rows and not a scale; else empty.
        equal: one unit is equally long on every axis.
        undrawn: how many points could not be drawn (not a number, infinite, or not positive on a logarithmic axis).
    """

    plot: Plot
    layers: tuple[Layer, ...]
    log: tuple[bool, ...]
    bands: tuple[tuple[float, float, str], ...]
    rows: tuple[tuple[float, str], ...]
    equal: bool
    undrawn: int


def drawing(plot: Plot) -> Drawing:
    """What there is to draw of a plot. Its id says of which kind it is: "persistence..." is a persistence diagram
    (diagonal, classes that never die on a line of their own), "codes..." with whole-numbered constant second columns
    has one row a series, "data...", "decoded..." and whatever is drawn in 3-D has equal units on its axes."""
    log = tuple(i in plot.log_axes for i in range(len(plot.axes)))
    diagram = plot.id.startswith("persistence") and len(plot.axes) == 2 and not any(log)
    rows = _rows(plot)
    lines = list(plot.lines)
    series = list(plot.series)
    diagonal: list[Layer] = []
    low, high = 0.0, 1.0
    if diagram:
        low, high = _extent(v for s in series for c in s.columns for v in c)
        low, top = min(low, 0.0), high + 0.12 * ((high - low) or 1.0)
        if any(v == math.inf for s in series for v in s.columns[1]):
            lines.append((top, "never dies"))
            series = [_capped(s, top) for s in series]
        diagonal.append(Layer("", ((low, high), (low, high)), "dot", INK))
    layers, undrawn = [], 0
    pointed = {s.component for s in series if s.style == "points" and s.component is not None}
    for i, s in enumerate(series):
        columns, lost = drawable(s.columns, log)
        undrawn += lost
        color = PALETTE[(i if s.component is None else s.component) % len(PALETTE)]
        if s.style == "region" and s.component is None:
            color = INK
        style = "ticks" if rows and s.style == "points" else s.style
        layers.append(Layer(s.name, columns, style, color, s.style == "line" and s.component in pointed))
    layers.sort(key=lambda layer: ("region", "line", "points", "ticks", "marker").index(layer.style))
    bands = tuple(
        (min(a, b), max(a, b), label)
        for a, b, label in plot.bands
        if math.isfinite(a) and math.isfinite(b) and (min(a, b) > 0 or not log[0])
    )
    reached = [v for layer in layers for v in layer.columns[0]] + [v for b in bands for v in b[:2]]
    left, right = (low, high) if diagram else _extent(v for v in reached if not log[0] or v > 0)
    across = [
        Layer("", ((left, right), (value, value)), DASHES[i % len(DASHES)], INK, label=label)
        for i, (value, label) in enumerate(lines)
        if len(plot.axes) == 2 and math.isfinite(value) and not (log[1] and value <= 0)
    ]
    space = len(plot.axes) == 3 or plot.id.startswith(("data", "decoded"))
    equal = diagram or (space and not rows and not any(log))
    return Drawing(plot, (*diagonal, *across, *layers), log, bands, rows, equal, undrawn)


def _rows(plot: Plot) -> tuple[tuple[float, str], ...]:
    if not plot.id.startswith("codes") or len(plot.axes) != 2:
        return ()
    found: dict[float, str] = {}
    for s in plot.series:
        values = set(s.columns[1])
        if len(values) > 1 or not all(v == round(v) if math.isfinite(v) else False for v in values):
            return ()
        for value in values:
            found.setdefault(value, s.name)
    return tuple(sorted(found.items()))


def _capped(series: Series, top: float) -> Series:
    births, deaths = series.columns
    return Series(
        series.name,
        (births, tuple(top if v == math.inf else v for v in deaths)),
        series.style,
        series.component,
    )


def drawable(columns: Sequence[Sequence[float]], log: Sequence[bool]) -> tuple[tuple[tuple[float, ...], ...], int]:
    """The columns with NaN in every column of a point that cannot be drawn (not finite, or not positive on a
    logarithmic axis), and the number of those points."""
    kept: list[tuple[float, ...]] = []
    lost = 0
    for point in zip(*columns, strict=True):
        drawn = all(math.isfinite(v) and (v > 0 or not is_log) for v, is_log in zip(point, log, strict=True))
        lost += not drawn
        kept.append(point if drawn else (math.nan,) * len(columns))
    return tuple(zip(*kept, strict=True)) if kept else tuple(() for _ in columns), lost


def _extent(values: Iterable[float]) -> tuple[float, float]:
    finite = [v for v in values if math.isfinite(v)]
    return (min(finite), max(finite)) if finite else (1.0, 2.0)


def figure(d: Drawing) -> dict[str, Any]:
    """The interactive figure of a drawing, `data` and `layout` as plotly.js takes them: transparent and in colours that
    suit a light and a dark page; every label from outside is escaped, since plotly's labels understand HTML."""
    solid = len(d.plot.axes) == 3
    traces = [_trace(layer, solid) for layer in d.layers]
    layout: dict[str, Any] = {
        "template": "none",
        "height": HEIGHT + 100 if solid else (220 + 40 * len(d.rows) if d.rows else HEIGHT),
        "margin": {"l": 8, "r": 8, "t": 36, "b": 8} if solid else {"l": 64, "r": 16, "t": 56, "b": 48},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": INK, "size": 13, "family": "system-ui, sans-serif"},
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "itemsizing": "constant"},
        "showlegend": not d.rows and sum(bool(layer.name) for layer in d.layers) > 0,
        "hovermode": "closest",
        "dragmode": "orbit" if solid else "zoom",
    }
    if solid:
        layout["scene"] = {
            "aspectmode": "data" if d.equal else "cube",
            "camera": {"eye": {"x": 1.3, "y": -1.45, "z": 0.85}, "center": {"x": 0, "y": 0, "z": -0.1}},
            **{f"{k}axis": _axis(d, i) | _SOLID_AXIS for i, k in enumerate("xyz")},
        }
        return {"data": traces, "layout": layout}
    layout["xaxis"] = _axis(d, 0) | {"automargin": True}
    layout["yaxis"] = _axis(d, 1) | {"automargin": True}
    if d.rows:
        layout["yaxis"] |= {
            "tickmode": "array",
            "tickvals": [v for v, _ in d.rows],
            "ticktext": [plotly_label(name) for _, name in d.rows],
            "range": [d.rows[-1][0] + 0.6, d.rows[0][0] - 0.6],
            "showgrid": False,
            "title": {"text": ""},
        }
    if d.equal:
        layout["yaxis"] |= {"scaleanchor": "x", "scaleratio": 1}
    layout["shapes"] = [
        {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": start,
            "x1": end,
            "y0": 0,
            "y1": 1,
            "layer": "below",
            "fillcolor": "rgba(128,128,128,0.2)",
            "line": {"color": "rgba(128,128,128,0.5)", "width": 1},
        }
        for start, end, _ in d.bands
    ]
    if len(d.bands) <= _MOST_BAND_LABELS:
        layout["annotations"] = [
            {
                "xref": "x",
                "yref": "paper",
                "x": math.log10(start) if d.log[0] else start,
                "y": 0.5,
                "xanchor": "right",
                "yanchor": "middle",
                "textangle": -90,
                "showarrow": False,
                "text": plotly_label(label),
                "font": {"size": 11},
            }
            for start, _, label in d.bands
        ]
    return {"data": traces, "layout": layout}


def _axis(d: Drawing, index: int) -> dict[str, Any]:
    axis: dict[str, Any] = {
        "title": {"text": plotly_label(d.plot.axes[index]), "font": {"size": 13}},
        "type": "log" if d.log[index] else "linear",
        "zeroline": False,
        "showline": True,
        "linecolor": "rgba(128,128,128,0.6)",
        "gridcolor": "rgba(128,128,128,0.22)",
        "exponentformat": "power",
    }
    if d.log[index]:
        low, high = _extent(v for layer in d.layers for v in layer.columns[index] if v > 0)
        if math.log10(high) - math.log10(low) >= 1:
            axis["dtick"] = math.ceil((math.log10(high) - math.log10(low)) / 8)
    return axis


def _trace(layer: Layer, solid: bool) -> dict[str, Any]:
    trace: dict[str, Any] = {
        "type": "scatter3d" if solid else "scatter",
        "name": plotly_label(layer.name),
        "showlegend": bool(layer.name),
        **{
            axis: [None if math.isnan(v) else v for v in column]
            for axis, column in zip("xyz", layer.columns, strict=False)
        },
    }
    if layer.style == "points":
        trace |= {
            "mode": "markers",
            "marker": {"color": layer.color, "size": 2.5 if solid else 6, "line": {"width": 0}},
        }
    elif layer.style == "marker":
        trace |= {
            "mode": "markers",
            "marker": {
                "color": layer.color,
                "size": 6 if solid else 11,
                "symbol": "diamond",
                "line": {"color": INK, "width": 1},
            },
        }
    elif layer.style == "ticks":
        trace |= {
            "mode": "markers",
            "marker": {
                "color": layer.color,
                "symbol": "line-ns",
                "size": 22,
                "opacity": 0.6,
                "line": {"color": layer.color, "width": 1},
            },
        }
    elif layer.style == "region":
        trace |= {
            "mode": "lines",
            "fill": "toself",
            "opacity": 0.35,
            "line": {"color": layer.color, "width": 0.5},
            "hoverinfo": "skip",
        }
    elif layer.style == "line":
        trace |= {"mode": "lines", "line": {"color": layer.color, "width": 4 if solid else 1.8}, "connectgaps": False}
        if layer.faint:
            trace["opacity"] = 0.35
    else:
        trace |= {
            "mode": "lines+text" if layer.label else "lines",
            "line": {"color": layer.color, "width": 1.5, "dash": layer.style},
            "hoverinfo": "skip",
        }
        if layer.label:
            trace |= {"text": ["", plotly_label(layer.label)], "textposition": "top left", "textfont": {"size": 12}}
    return trace
