"""Witness pictures: the points of a witness on the set, and what the model makes of them.

In 2-D and 3-D the set is drawn as the report's figure of it shows it (thinned), each point on it as a diamond, its
reconstruction as a cross, and a dotted line between the two whose length is the error. In other dimensions the
coordinates are drawn one beside the other: those of the point as a line, those of the reconstruction as crosses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from aeverify.core import Plot, Witness, WitnessPoint
from aeverify.reporting.plots import INK, PALETTE, Drawing, Layer, drawable

_SET_POINTS = 150
_MOST_POINTS = 40
_MOST_COORDINATES = 400
_MOST_PROFILES = 2


def witness_drawing(witness: Witness, plots: Sequence[Plot], name: str) -> Drawing | None:
    """What there is to see of a witness; None where its points have no coordinates or not all equally many.

    Args:
        witness: the points.
        plots: figures of the report; the one with id "data" shows the set.
        name: whose witness it is, for the title.
    """
    points = witness.points[:_MOST_POINTS]
    sizes = {len(p.point) for p in points}
    if len(sizes) != 1 or sizes == {0}:
        return None
    size = sizes.pop()
    if size in (2, 3):
        return _in_space(points, size, plots, name)
    return _as_profiles(points[:_MOST_PROFILES], size, name)


def _in_space(points: Sequence[WitnessPoint], size: int, plots: Sequence[Plot], name: str) -> Drawing:
    data = next((p for p in plots if p.id == "data" and len(p.axes) == size and not p.log_axes), None)
    layers = []
    for i, s in enumerate(data.series if data else ()):
        color = PALETTE[(i if s.component is None else s.component) % len(PALETTE)]
        style = s.style if s.style in ("line", "points") else "points"
        layers.append(Layer(s.name, _thinned(s.columns), style, color, faint=True))
    linear = (False,) * size
    decoded = [p for p in points if len(p.reconstruction) == size]
    if decoded:
        gap = (math.nan,) * size
        ends = [v for p in decoded for v in (p.point, p.reconstruction, gap)]
        layers.append(Layer("error", drawable(_columns(ends), linear)[0], "dot", INK))
    lost = 0
    for i, p in enumerate(points):
        place, missing = drawable(_columns([p.point]), linear)
        layers.append(Layer("" if i else "point", place, "marker", PALETTE[p.component % len(PALETTE)]))
        lost += missing
    if decoded:
        places, missing = drawable(_columns([p.reconstruction for p in decoded]), linear)
        layers.append(Layer("reconstruction", places, "cross", INK))
        lost += missing
    axes = data.axes if data else ("x", "y", "z")[:size]
    caption = "Witness points on the set (diamonds), their reconstructions (crosses), and the errors between (dotted)."
    plot = Plot("witness", f"Witness of {name}", caption, axes, ())
    return Drawing(plot, tuple(layers), linear, (), (), True, lost)


def _as_profiles(points: Sequence[WitnessPoint], size: int, name: str) -> Drawing:
    shown = min(size, _MOST_COORDINATES)
    across = tuple(float(i) for i in range(shown))
    layers, lost = [], 0
    for i, p in enumerate(points):
        color = PALETTE[i % len(PALETTE)]
        which = f" {i + 1}" if len(points) > 1 else ""
        # One coordinate is a line of no length.
        drawn = [("point", p.point, "line" if shown > 1 else "marker")]
        if len(p.reconstruction) == size:
            drawn.append(("reconstruction", p.reconstruction, "cross"))
        for label, values, style in drawn:
            columns, missing = drawable((across, values[:shown]), (False, False))
            layers.append(Layer(f"{label}{which}", columns, style, color))
            lost += missing
    which = f"the first {shown} of {size} coordinates" if shown < size else f"all {size} coordinates"
    caption = f"Coordinates of the witness points (lines) and of their reconstructions (crosses): {which}."
    plot = Plot("witness", f"Witness of {name}", caption, ("coordinate", "value"), ())
    return Drawing(plot, tuple(layers), (False, False), (), (), False, lost)


def _columns(points: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    return tuple(zip(*points, strict=True))


def _thinned(columns: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    """About `_SET_POINTS` points of a series, its last one and its gaps among them."""
    kept, _ = drawable(columns, (False,) * len(columns))
    length = len(kept[0])
    step = max(1, math.ceil(length / _SET_POINTS))
    chosen = [i for i in range(length) if i % step == 0 or i == length - 1 or math.isnan(kept[0][i])]
    return tuple(tuple(column[i] for i in chosen) for column in kept)
