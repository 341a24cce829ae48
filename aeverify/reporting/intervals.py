"""Interval charts: what is known of a number, drawn against what is claimed of it.

A chart is a column of strips, each an SVG as wide as its cell: positions are percentages, so that strips line up
whatever the width of the page and no label is ever scaled. An end that is known has a cap, an end that is not known
an arrow that leaves the strip; the dashed line is the threshold, the hatched side satisfies the claim.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

from aeverify.core import Interval, Outcome, Relation, Verdict
from aeverify.reporting.svg import text
from aeverify.reporting.wording import evidence_text, threshold_text

_HEIGHT = 28
_MIDDLE = _HEIGHT / 2
_LEFT, _RIGHT = 4.0, 96.0
_ZERO, _BREAK = 5.0, 12.0
_LOG_FROM = 1e3
_LARGEST = 1e308
_ERRORS = frozenset(
    {
        "encoder_floor",
        "error_quantile",
        "least_error",
        "mean_error",
        "root_mean_squared_error",
        "sup_error",
        "training_error",
        "width",
    }
)
"""Quantities that are lengths of error vectors, which are drawn on one axis: the width bounds beside the error."""


def axis_name(quantity: str) -> str:
    """Evidence on quantities of one name is drawn on one axis: errors beside the widths that bound them, any other
    quantity with its like."""
    return "error" if quantity in _ERRORS else quantity


@final
@dataclass(frozen=True, slots=True)
class Axis:
    """From numbers to percentages of a strip.

    Attributes:
        low, high: ends of the axis; their decimal logarithms where `log`.
        log: the scale is logarithmic.
        zero: the scale is logarithmic and 0 has a place of its own, left of a break.
    """

    low: float
    high: float
    log: bool = False
    zero: bool = False

    @classmethod
    def around(cls, intervals: Iterable[Interval]) -> Axis:
        """An axis that shows every finite end of the intervals with room on both sides; logarithmic where none is
        negative and the largest is more than 1000 times the smallest above 0."""
        ends = [v for i in intervals for v in (i.lower, i.upper) if math.isfinite(v)]
        above = [v for v in ends if v > 0]
        if above and min(ends) >= 0 and max(above) / min(above) > _LOG_FROM:
            low, high = math.log10(min(above)), math.log10(max(above))
            room = 0.05 * (high - low)
            return cls(low - room, high + room, log=True, zero=min(ends) == 0)
        low, high = (min(ends), max(ends)) if ends else (0.0, 0.0)
        # Halves first: the difference of two finite numbers may overflow.
        room = 0.2 * (high / 2 - low / 2) * 2 if high > low else abs(high) * 0.5 or 1.0
        room = max(room, 1e-300)
        return cls(max(low - room, -_LARGEST), min(high + room, _LARGEST))

    def at(self, value: float) -> float:
        """Percentage of a strip's width; 0 and 100 are kept for the infinities."""
        if math.isinf(value):
            return 0.0 if value < 0 else 100.0
        if self.log:
            if value <= 0:
                return _ZERO if self.zero else 0.0
            left = _BREAK if self.zero else _LEFT
            share = (math.log10(value) - self.low) / (self.high - self.low)
        else:
            left = _LEFT
            share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return left + (_RIGHT - left) * min(max(share, 0.0), 1.0)

    def ticks(self) -> list[tuple[float, str]]:
        """About four round numbers with their labels; only 2 where labels would be long."""
        if self.log:
            first, last = math.ceil(self.low), math.floor(self.high)
            step = max(1, math.ceil((last - first + 1) / 4))
            powers = [k for k in range(first, last + 1, step) if -300 < k < 300]
            return [(0.0, "0")] * self.zero + [(10.0**k, f"1e{k}") for k in powers]
        raw = (self.high / 2 - self.low / 2) / 2
        if not 1e-290 < raw < 1e290:
            return [(self.low, f"{self.low:.1e}"), (self.high, f"{self.high:.1e}")]
        magnitude = 10.0 ** math.floor(math.log10(raw))
        step_size = next(m * magnitude for m in (1.0, 2.0, 5.0, 10.0) if m * magnitude >= raw * 0.999)
        largest = max(abs(self.low), abs(self.high))
        digits = min(max(3, math.ceil(math.log10(largest / step_size)) + 1), 17)
        first = math.ceil(self.low / step_size)
        found = [(k * step_size, f"{k * step_size:.{digits}g}") for k in range(first, first + 8)]
        found = [(v, label) for v, label in found if self.low <= v <= self.high]
        return [found[0], found[-1]] if len(found) > 2 and max(len(label) for _, label in found) > 9 else found


def strip(
    interval: Interval | None,
    axis: Axis,
    threshold: Interval | None = None,
    relation: Relation = Relation.EQUAL,
    label: str = "",
) -> str:
    """One interval on an axis, against a threshold where there is one.

    Args:
        interval: what is known; None draws the threshold alone.
        axis: shared by the strips of a chart.
        threshold: what the interval is compared with.
        relation: how; says which side is hatched.
        label: what the strip shows, in words, for who does not see it; "" where the words stand beside it.
    """
    parts = [f'<line class="axis" x2="100%" y1="{_MIDDLE:g}" y2="{_MIDDLE:g}"/>']
    if threshold is not None:
        parts.insert(0, _claimed(threshold, relation, axis))
    if interval is not None:
        parts.append(_evidence(interval, axis))
    if threshold is not None:
        ends = sorted({axis.at(v) for v in (threshold.lower, threshold.upper) if math.isfinite(v)})
        parts += [f'<line class="threshold" x1="{x:.2f}%" x2="{x:.2f}%" y1="1" y2="{_HEIGHT - 1}"/>' for x in ends]
    named = f'role="img" aria-label="{text(label)}"' if label else 'aria-hidden="true"'
    return f'<svg class="strip" {named} width="100%" height="{_HEIGHT}">{"".join(parts)}</svg>'


def _claimed(threshold: Interval, relation: Relation, axis: Axis) -> str:
    low, high = axis.at(threshold.lower), axis.at(threshold.upper)
    start, end = {
        Relation.AT_LEAST: (high, 100.0),
        Relation.GREATER: (high, 100.0),
        Relation.AT_MOST: (0.0, low),
        Relation.LESS: (0.0, low),
        Relation.EQUAL: (low, high),
    }[relation]
    return f'<rect class="claimed" x="{start:.2f}%" width="{end - start:.2f}%" y="3" height="{_HEIGHT - 6}"/>'


def _evidence(interval: Interval, axis: Axis) -> str:
    left, right = axis.at(interval.lower), axis.at(interval.upper)
    if interval.is_exact:
        return f'<circle class="evidence" cx="{left:.2f}%" cy="{_MIDDLE:g}" r="5"/>'
    parts = [
        f'<rect class="evidence" x="{left:.2f}%" width="{right - left:.2f}%" y="{_MIDDLE - 4:g}" height="8"/>',
    ]
    for value, at, back in ((interval.lower, left, 9), (interval.upper, right, -9)):
        if math.isfinite(value):
            parts.append(f'<line class="cap" x1="{at:.2f}%" x2="{at:.2f}%" y1="{_MIDDLE - 8:g}" y2="{_MIDDLE + 8:g}"/>')
        else:
            # A nested drawing, since a path knows no percentages.
            tip = f'<path class="evidence" d="M{back} -9L0 0L{back} 9z"/>'
            parts.append(f'<svg class="tip" x="{at:g}%" y="{_MIDDLE:g}">{tip}</svg>')
    return "".join(parts)


def scale(axis: Axis) -> str:
    """The axis itself with its labelled ticks, to stand below the strips of a chart; it repeats what the cells say."""
    parts = ['<line class="axis" x2="100%" y1="1" y2="1"/>']
    for value, label in axis.ticks():
        at = axis.at(value)
        parts.append(f'<line class="axis" x1="{at:.2f}%" x2="{at:.2f}%" y1="1" y2="6"/>')
        side = "start" if at < 8 and not axis.zero else "end" if at > 92 else "middle"
        parts.append(f'<text x="{at:.2f}%" y="18" text-anchor="{side}">{text(label)}</text>')
    if axis.zero:
        at = (_ZERO + _BREAK) / 2
        parts.append(f'<svg class="tip" x="{at:g}%" y="1"><path class="break" d="M-4 5L0 -5M0 5L4 -5"/></svg>')
    return f'<svg class="scale" aria-hidden="true" width="100%" height="22">{"".join(parts)}</svg>'


@final
@dataclass(frozen=True, slots=True)
class Row:
    """One line of a chart.

    Attributes:
        name: what the number is, or whose.
        kind: "deciding", "supporting", or "" in a chart of several subjects.
        interval, rigor: the evidence; None and "" where there is none.
        threshold, relation: what it is compared with; None where it is not.
        verdict: number of the verdict that the line stands for, 0 for none.
        outcome: of that verdict.
        note: further words, how it was found.
    """

    name: str
    kind: str
    interval: Interval | None
    rigor: str
    threshold: Interval | None = None
    relation: Relation = Relation.EQUAL
    verdict: int = 0
    outcome: Outcome | None = None
    note: str = ""


@final
@dataclass(frozen=True, slots=True)
class Chart:
    """Rows on one axis.

    Attributes:
        name: the axis in words.
        axis: what the rows share.
        rows: top first.
    """

    name: str
    axis: Axis
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, name: str, rows: Sequence[Row]) -> Chart:
        """A chart whose axis shows every row and threshold."""
        found = [i for r in rows for i in (r.interval, r.threshold) if i is not None]
        return cls(name, Axis.around(found), tuple(rows))


def bar(verdict: Verdict, axis: Axis) -> str:
    """The deciding evidence against the threshold, as the verdict table shows it; "" where there is no evidence."""
    if verdict.evidence is None:
        return ""
    label = f"{evidence_text(verdict)}; claimed: {threshold_text(verdict) or 'nothing to compare with'}"
    return strip(verdict.evidence.interval, axis, verdict.threshold, verdict.claim.relation, label)
