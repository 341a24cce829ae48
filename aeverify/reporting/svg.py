"""Static drawings in SVG: interval bars, and every figure for readers without JavaScript, without WebGL, or on paper.

A figure in 3-D is drawn as its three projections along the axes. Colours are CSS classes, so that the page's light and
dark schemes reach them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final
from xml.sax.saxutils import escape

from aeverify.core import Interval, Relation, Verdict
from aeverify.reporting.escaping import plain
from aeverify.reporting.plots import INK, PALETTE, Drawing, Layer
from aeverify.reporting.wording import evidence_text, interval_text, threshold_text

_DASH_ARRAYS = {"dash": "6 4", "dot": "2 3", "dashdot": "7 3 2 3", "longdash": "11 5"}


def text(value: str) -> str:
    """`value` for the inside of an SVG element or attribute."""
    return escape(plain(value), {'"': "&quot;"})


def color_class(color: str) -> str:
    """CSS class of a colour of the palette."""
    return "ink" if color == INK else f"c{PALETTE.index(color)}"


# Interval bars


def scale_of(intervals: Sequence[Interval]) -> tuple[float, float]:
    """An axis that shows every finite end of the intervals with room on both sides; common to the verdicts of one
    claim, so that they can be compared."""
    ends = [v for i in intervals for v in (i.lower, i.upper) if math.isfinite(v)] or [0.0]
    low, high = min(ends), max(ends)
    # Halves first: the difference of two finite numbers may overflow.
    room = 0.2 * (high / 2 - low / 2) * 2 if high > low else abs(high) * 0.5 or 1.0
    room = max(room, 1e-300)
    largest = 1e308
    return max(low - room, -largest), min(high + room, largest)


def interval_bar(verdict: Verdict, scale: tuple[float, float], width: int = 220, height: int = 30) -> str:
    """The evidence as a bar against the threshold (dashed), the side that satisfies the claim tinted; an arrow where
    an end is infinite. "" where there is no evidence."""
    if verdict.evidence is None:
        return ""
    margin, middle = 10, height / 2

    def at(value: float) -> float:
        low, high = scale
        if value == -math.inf:
            return 0.0
        if value == math.inf:
            return float(width)
        share = (value / 2 - low / 2) / (high / 2 - low / 2)
        return margin + (width - 2 * margin) * min(max(share, 0.0), 1.0)

    interval = verdict.evidence.interval
    parts = [f'<line class="axis" x1="0" y1="{middle:g}" x2="{width}" y2="{middle:g}"/>']
    if verdict.threshold is not None:
        low, high = at(verdict.threshold.lower), at(verdict.threshold.upper)
        start, end = {
            Relation.AT_LEAST: (high, float(width)),
            Relation.GREATER: (high, float(width)),
            Relation.AT_MOST: (0.0, low),
            Relation.LESS: (0.0, low),
            Relation.EQUAL: (low, high),
        }[verdict.claim.relation]
        parts.append(
            f'<rect class="claimed" x="{start:.1f}" y="3" width="{max(end - start, 0):.1f}" height="{height - 6}"/>'
        )
    left, right = at(interval.lower), at(interval.upper)
    if interval.is_exact:
        parts.append(f'<circle class="evidence" cx="{left:.1f}" cy="{middle:g}" r="5"/>')
    else:
        bar = f'x="{left:.1f}" y="{middle - 4:g}" width="{max(right - left, 2):.1f}"'
        parts.append(f'<rect class="evidence" {bar} height="8" rx="2"/>')
        for end, tip, back in ((interval.upper, width, width - 9), (interval.lower, 0, 9)):
            if not math.isfinite(end):
                d = f"M{back} {middle - 8:g}L{tip} {middle:g}L{back} {middle + 8:g}z"
                parts.append(f'<path class="evidence" d="{d}"/>')
    if verdict.threshold is not None:
        for x in sorted({low, high}):
            parts.append(f'<line class="threshold" x1="{x:.1f}" y1="1" x2="{x:.1f}" y2="{height - 1}"/>')
    label = f"{evidence_text(verdict)}; claimed: {threshold_text(verdict) or 'nothing to compare with'}"
    return (
        f'<svg class="bar" role="img" aria-label="{text(label)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{"".join(parts)}</svg>'
    )


def scale_text(scale: tuple[float, float]) -> str:
    """The ends of a bar's axis in words."""
    return interval_text(Interval(*scale))


# Figures


def static_figure(drawing: Drawing) -> str:
    """The whole drawing as one SVG element; 3-D as the projections along the third, second and first axis."""
    label = text(f"{drawing.plot.title}. {drawing.plot.caption}")
    if len(drawing.plot.axes) == 2:
        height = 90 + 50 * len(drawing.rows) if drawing.rows else 330
        panels, size = [_Panel(drawing, (0, 1), 0, 640, height)], (640, height)
    else:
        pairs = ((0, 1), (0, 2), (1, 2))
        panels, size = [_Panel(drawing, pair, 260 * i, 250, 250) for i, pair in enumerate(pairs)], (770, 250)
    body = "".join(panel.draw() for panel in panels)
    return (
        f'<svg class="static" role="img" aria-label="{label}" viewBox="0 0 {size[0]} {size[1]}" '
        f'width="{size[0]}" height="{size[1]}">{body}</svg>'
    )


@final
@dataclass(frozen=True)
class _Panel:
    """One pair of axes of a drawing in its own rectangle."""

    drawing: Drawing
    pair: tuple[int, int]
    left: float
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
        box = (self.left + margin_left, self.left + self.width - 10, self.height - 44, 12.0)
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
            at = self.left + 13
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
