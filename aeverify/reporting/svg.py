"""Static drawings in SVG: every figure for readers without JavaScript, without WebGL, or on paper, and the witnesses.

A figure in 3-D is drawn as its three projections along the axes. Colours are CSS classes, so that the page's light and
dark schemes reach them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final
from xml.sax.saxutils import escape

from aeverify.reporting.escaping import plain, shortened
from aeverify.reporting.plots import INK, PALETTE, Drawing, Layer

_LONG_LABEL = 400
_DASH_ARRAYS = {"dash": "6 4", "dot": "2 3", "dashdot": "7 3 2 3", "longdash": "11 5"}


def text(value: str) -> str:
    """`value` for the inside of an SVG element or attribute."""
    return escape(plain(shortened(value, _LONG_LABEL)), {'"': "&quot;"})


def color_class(color: str) -> str:
    """CSS class of a colour of the palette."""
    return "ink" if color == INK else f"c{PALETTE.index(color)}"


def static_figure(drawing: Drawing, width: int = 640) -> str:
    """The whole drawing as one SVG element; 3-D as three, the projections along the third, second and first axis, in
    a box that breaks between them where the page is narrow.

    Args:
        drawing: what to draw.
        width: in pixels of a page that is wide enough, for a drawing in 2-D.
    """
    label = text(drawing.plot.title) or "figure"
    if len(drawing.plot.axes) == 2:
        height = 90 + 50 * len(drawing.rows) if drawing.rows else 330
        return _element("static", label, width, height, _Panel(drawing, (0, 1), width, height))
    names = [text(name) for name in drawing.plot.axes]
    panels = [
        _element("static projection", f"{label} ({names[i]}, {names[j]})", 260, 250, _Panel(drawing, (i, j), 260, 250))
        for i, j in ((0, 1), (0, 2), (1, 2))
    ]
    return f'<div class="projections">{"".join(panels)}</div>'


def _element(name: str, label: str, width: float, height: float, panel: _Panel) -> str:
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg class="{name}" role="img" aria-label="{label}" {size}>{panel.draw()}</svg>'


@final
@dataclass(frozen=True)
class _Panel:
    """One pair of axes of a drawing."""

    drawing: Drawing
    pair: tuple[int, int]
    width: float
    height: float

    def draw(self) -> str:
        """The panel as SVG elements."""
        x, y = self._scales()
        parts = [self._bands(x, y), self._axes(x, y)]
        parts += [self._layer(layer, x, y) for layer in self.drawing.layers]
        return f"<g>{''.join(parts)}</g>"

    def _scales(self) -> tuple[_Scale, _Scale]:
        d = self.drawing
        margin_left = 64.0 if not d.rows else 110.0
        box = (margin_left, self.width - 10, self.height - 44, 12.0)
        scales = []
        for position, axis in enumerate(self.pair):
            values = [v for layer in d.layers for v in layer.columns[axis] if math.isfinite(v)]
            if axis == 0:
                values += [v for start, end, _ in d.bands for v in (start, end)]
            start, end = box[2 * position], box[2 * position + 1]
            if position == 1 and d.rows:
                scales.append(_Scale(d.rows[-1][0] + 0.6, d.rows[0][0] - 0.6, start, end, False))
            else:
                scales.append(_Scale.around(values, start, end, d.log[axis]))
        x, y = scales
        if d.equal:
            unit = min(x.pixels_per_unit, y.pixels_per_unit)
            x, y = x.with_unit(unit), y.with_unit(unit)
        return x, y

    def _bands(self, x: _Scale, y: _Scale) -> str:
        if self.pair[0] != 0:
            return ""
        return "".join(
            f'<rect class="band" x="{x.at(start):.1f}" y="{y.end:.1f}" width="{max(x.at(end) - x.at(start), 1):.1f}" '
            f'height="{y.start - y.end:.1f}"><title>{text(label)}</title></rect>'
            for start, end, label in self.drawing.bands
        )

    def _axes(self, x: _Scale, y: _Scale) -> str:
        d = self.drawing
        parts = []
        for value, label in x.ticks(5 if self.width > 300 else 3):
            at = x.at(value)
            parts.append(f'<line class="grid" x1="{at:.1f}" y1="{y.start:.1f}" x2="{at:.1f}" y2="{y.end:.1f}"/>')
            parts.append(f'<text x="{at:.1f}" y="{y.start + 16:.1f}" text-anchor="middle">{text(label)}</text>')
        rows = [(v, name if len(name) <= 16 else f"{name[:15]}…") for v, name in d.rows]
        for value, label in rows or y.ticks(5 if self.width > 300 else 3):
            at = y.at(value)
            if not d.rows:
                parts.append(f'<line class="grid" x1="{x.start:.1f}" y1="{at:.1f}" x2="{x.end:.1f}" y2="{at:.1f}"/>')
            parts.append(f'<text x="{x.start - 6:.1f}" y="{at + 4:.1f}" text-anchor="end">{text(label)}</text>')
        parts.append(f'<path class="frame" d="M{x.start:.1f} {y.end:.1f}V{y.start:.1f}H{x.end:.1f}"/>')
        names = [d.plot.axes[a] if len(d.plot.axes[a]) <= 40 else f"{d.plot.axes[a][:39]}…" for a in self.pair]
        middle_x, middle_y = (x.start + x.end) / 2, (y.start + y.end) / 2
        parts.append(f'<text x="{middle_x:.1f}" y="{y.start + 34:.1f}" text-anchor="middle">{text(names[0])}</text>')
        if not d.rows:
            at = 13.0
            turn = f"rotate(-90 {at:.1f} {middle_y:.1f})"
            parts.append(
                f'<text x="{at:.1f}" y="{middle_y:.1f}" text-anchor="middle" transform="{turn}">{text(names[1])}</text>'
            )
        return "".join(parts)

    def _layer(self, layer: Layer, x: _Scale, y: _Scale) -> str:
        points = list(zip(layer.columns[self.pair[0]], layer.columns[self.pair[1]], strict=True))
        name = f"{color_class(layer.color)}{' faint' if layer.faint else ''}"
        if layer.style == "points":
            d = "".join(f"M{x.at(a):.1f} {y.at(b):.1f}h0" for a, b in points if math.isfinite(a))
            return f'<path class="dots {name}" d="{d}"/>' if d else ""
        if layer.style == "ticks":
            d = "".join(f"M{x.at(a):.1f} {y.at(b) - 9:.1f}v18" for a, b in points if math.isfinite(a))
            return f'<path class="ticks {name}" d="{d}"/>' if d else ""
        if layer.style == "marker":
            d = "".join(f"M{x.at(a) - 6:.1f} {y.at(b):.1f}l6 -6l6 6l-6 6z" for a, b in points if math.isfinite(a))
            return f'<path class="marker {name}" d="{d}"/>' if d else ""
        if layer.style == "cross":
            d = "".join(
                f"M{x.at(a) - 5:.1f} {y.at(b) - 5:.1f}l10 10m0 -10l-10 10" for a, b in points if math.isfinite(a)
            )
            return f'<path class="cross {name}" d="{d}"/>' if d else ""
        if layer.style == "region":
            corners = [f"{x.at(a):.1f} {y.at(b):.1f}" for a, b in points if math.isfinite(a)]
            d = f"M{'L'.join(corners)}" if corners else ""
            return f'<path class="region {name}" d="{d}z"><title>{text(layer.name)}</title></path>' if d else ""
        d, pen, last = "", "M", ""
        for a, b in points:
            if not math.isfinite(a):
                pen, last = "M", ""
                continue
            step = f"{x.at(a):.1f} {y.at(b):.1f}"
            if step != last:
                d += pen + step
            pen, last = "L", step
        dashes = _DASH_ARRAYS.get(layer.style)
        dash = f' stroke-dasharray="{dashes}"' if dashes else ""
        label = ""
        if layer.label:
            at = f'x="{x.at(points[-1][0]) - 4:.1f}" y="{y.at(points[-1][1]) - 5:.1f}"'
            label = f'<text {at} text-anchor="end">{text(layer.label)}</text>'
        return f'<path class="{"rule" if dashes else "curve"} {name}" d="{d}"{dash}/>{label}' if d else ""


@final
@dataclass(frozen=True)
class _Scale:
    """From data in [low, high] (or reversed) to pixels in [start, end]."""

    low: float
    high: float
    start: float
    end: float
    log: bool

    @classmethod
    def around(cls, values: Sequence[float], start: float, end: float, log: bool) -> _Scale:
        """A scale that shows all values, with a margin."""
        mapped = [math.log10(v) for v in values if v > 0] if log else list(values)
        low, high = (min(mapped), max(mapped)) if mapped else (0.0, 1.0)
        # What is beyond is drawn at the edge: the arithmetic below must not overflow.
        low, high = (min(max(v, -1e300), 1e300) for v in (low, high))
        room = 0.04 * (high - low) if high > low else abs(high) * 0.1 or 0.5
        room = max(room, abs(high) * 1e-9, 1e-290)
        return cls(low - room, high + room, start, end, log)

    @property
    def pixels_per_unit(self) -> float:
        return abs(self.end - self.start) / (self.high - self.low)

    def with_unit(self, unit: float) -> _Scale:
        """The same centre with another unit."""
        middle, half = (self.low + self.high) / 2, abs(self.end - self.start) / unit / 2
        return _Scale(middle - half, middle + half, self.start, self.end, self.log)

    def at(self, value: float) -> float:
        """Pixel of a value."""
        mapped = math.log10(value) if self.log else value
        share = (mapped - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * min(max(share, -0.05), 1.05)

    def ticks(self, wanted: int) -> list[tuple[float, str]]:
        """About `wanted` round values with their labels."""
        if self.log:
            first, last = math.ceil(self.low), math.floor(self.high)
            if last > first:
                decades = max(1, math.ceil((last - first + 1) / wanted))
                return [(10.0**k, f"1e{k}") for k in range(first, last + 1, decades) if -300 < k < 300]
            return [
                (10.0**v, f"{10.0**v:.3g}") for v in (self.low, (self.low + self.high) / 2, self.high) if abs(v) < 300
            ]
        raw = (self.high - self.low) / wanted
        magnitude = 10.0 ** math.floor(math.log10(raw))
        step = next(m * magnitude for m in (1.0, 2.0, 5.0, 10.0) if m * magnitude >= raw * 0.999)
        start = math.ceil(self.low / step)
        found: list[tuple[float, str]] = []
        for k in range(start, start + 4 * wanted):
            value = k * step
            if value > self.high:
                break
            found.append((value, f"{value:.6g}"))
        return found
