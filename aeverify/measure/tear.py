"""The tear: where the error exceeds epsilon, and how long that set is.

Boxes of chart parameters are good (e <= epsilon on all of it), bad (e > epsilon on all of it) or open, by
certified ranges of e; open boxes are halved. On a curve a *tear* is a maximal run of boxes that are not good: it is
known to lie within the run, and to hold the bad boxes of the run. (A run may hold several components of {e > epsilon},
so the number of tears is a lower bound of nothing and an upper bound of nothing.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Rigor
from aeverify.core.interval import Interval
from aeverify.errors import UsageError
from aeverify.manifolds.arclength import length_bounds
from aeverify.manifolds.base import Manifold, require_count
from aeverify.manifolds.chart import Chart
from aeverify.measure.evaluation import at_parameters, require_compatible, require_real
from aeverify.measure.ranges import Ranges, even, halves, ranges_of, tiles
from aeverify.measure.search import bisect

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_FIRST = {1: 512, 2: 48, 3: 12}
_ROUNDS = 48
_RESOLUTION = 0.01
"""A box of a curve stays open where it is narrower than this share of its run."""


@dataclass(frozen=True)
class Tear:
    """A maximal arc of a curve that is not known to be good.

    Attributes:
        component: index of the component of K.
        outer: chart parameters; the arc that holds it. A tear across the end of a closed chart has an end beyond the
            chart's box (add or subtract the period).
        inner: the hull of what is certainly bad; None where nothing is.
        length: arc length: at least that of the bad boxes, at most that of the outer arc.
        start: arc length from the chart's lower end to the beginning of the outer arc.
    """

    component: int
    outer: Interval
    inner: Interval | None
    length: Interval
    start: Interval


@dataclass(frozen=True, eq=False)
class Localisation:
    """Boxes of one component by their error.

    Attributes:
        component: index of the component of K.
        low, high: corners of the boxes, (N, d); they tile the chart's box.
        good, bad: (N,): e <= epsilon on all of the box; e > epsilon on all of it. Neither: open.
        epsilon: the error level.
        rigor: CERTIFIED, or EMPIRICAL where boxes stand for sampled points.
        method: how it was found.
    """

    component: int
    low: FloatArray
    high: FloatArray
    good: BoolArray
    bad: BoolArray
    epsilon: float
    rigor: Rigor
    method: str


def localise(
    autoencoder: Autoencoder,
    manifold: Manifold,
    component: int,
    epsilon: float,
    *,
    spikes: Sequence[Sequence[float]] = (),
    most: int = 20_000,
) -> Localisation:
    """Boxes of a component on which the error is at most epsilon, above it, or undecided.

    Args:
        autoencoder: the model.
        manifold: the set K.
        component: index of the component.
        epsilon: error level, in the units of the data, above 0.
        spikes: chart parameters at which large errors are known; where nothing can be enclosed the sampled points are
            made dense about them.
        most: boxes at most.

    Returns:
        Localisation; CERTIFIED where the model has ranges on boxes. Else the boxes are cells between sampled points,
        good where both ends are and bad where both ends are: EMPIRICAL.

    Raises:
        UsageError: an argument is out of range.
        NonFiniteOutputError: NaN or infinity came out on K.
    """
    require_compatible(autoencoder, manifold)
    level = require_real(epsilon, "error level", minimum=0.0)
    if level == 0.0:
        raise UsageError("The error level of a tear must be above 0: at 0 rounding alone would be a tear.")
    if not 0 <= component < len(manifold.components):
        raise UsageError(f"{manifold} has components 0 to {len(manifold.components) - 1}, got {component}.")
    require_count(most, "number of boxes")
    ranges = ranges_of(autoencoder, manifold)
    if ranges is None:
        return _sampled(autoencoder, manifold, component, level, spikes, most)
    chart = manifold.components[component].chart
    low, high = tiles(chart, even(chart.dim, _FIRST.get(chart.dim, 6), most))
    good, bad = _judge(ranges, component, low, high, level)
    for _ in range(_ROUNDS):
        split = ~(good | bad)
        if chart.dim == 1:
            split &= _wide(low[:, 0], high[:, 0], good)
        count = int(split.sum())
        if not count or len(low) + count > most:
            break
        fresh_low, fresh_high = halves(chart, low[split], high[split])
        fresh = _judge(ranges, component, fresh_low, fresh_high, level)
        low, high = np.concatenate([low[~split], fresh_low]), np.concatenate([high[~split], fresh_high])
        good, bad = np.concatenate([good[~split], fresh[0]]), np.concatenate([bad[~split], fresh[1]])
        if chart.dim == 1:
            order = np.argsort(low[:, 0], kind="stable")
            low, high, good, bad = low[order], high[order], good[order], bad[order]
    return Localisation(component, low, high, good, bad, level, Rigor.CERTIFIED, f"{len(low)} boxes by {ranges.method}")


def _judge(
    ranges: Ranges, component: int, low: FloatArray, high: FloatArray, level: float
) -> tuple[BoolArray, BoolArray]:
    lower, upper = ranges.errors(component, low, high)
    return upper <= level, lower > level


def _wide(low: FloatArray, high: FloatArray, good: BoolArray) -> BoolArray:
    """Which boxes of a curve are wide in proportion to the run of boxes that are not good which they lie in."""
    run = np.zeros(len(low))
    for first, last in runs_of(~good):
        run[first : last + 1] = high[last] - low[first]
    width = high - low
    wide: BoolArray = (width > _RESOLUTION * run) & (width > 4 * np.spacing(np.maximum(np.abs(low), np.abs(high))))
    return wide


def runs_of(inside: BoolArray) -> list[tuple[int, int]]:
    """First and last index of each maximal run of True."""
    edge = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(np.int8), [0]])))
    return [(int(a), int(b) - 1) for a, b in zip(edge[::2], edge[1::2], strict=True)]


def _sampled(
    autoencoder: Autoencoder,
    manifold: Manifold,
    component: int,
    level: float,
    spikes: Sequence[Sequence[float]],
    most: int,
) -> Localisation:
    chart = manifold.components[component].chart
    cells = min(4_000, most // 2) if chart.dim == 1 else max(2, int((most // 2) ** (1.0 / chart.dim)))
    if chart.dim > 1:
        low, high = tiles(chart, [cells] * chart.dim)
        corners = [at_parameters(autoencoder, manifold, component, u).errors for u in (low, high)]
        good, bad = (corners[0] <= level) & (corners[1] <= level), (corners[0] > level) & (corners[1] > level)
        words = f"{len(low)} boxes judged by two corners"
        return Localisation(component, low, high, good, bad, level, Rigor.EMPIRICAL, words)
    nodes = np.linspace(chart.lower[0], chart.upper[0], cells + 1)
    around = np.concatenate([[0.0], np.logspace(-14, -2, 49), -np.logspace(-14, -2, 49)])
    near = [chart.lower[0] + np.mod(s[0] + around * (nodes[-1] - nodes[0]) - chart.lower[0], nodes[-1] - nodes[0])
            for s in spikes if len(s) == 1]  # fmt: skip
    nodes = np.unique(np.concatenate([nodes, *near]))

    def excess(t: FloatArray) -> FloatArray:
        return at_parameters(autoencoder, manifold, component, t[:, None]).errors - level

    value = excess(nodes)
    change = np.flatnonzero((value[:-1] > 0) != (value[1:] > 0))
    if len(change):
        a, b = bisect(excess, nodes[change], nodes[change + 1])
        nodes = np.unique(np.concatenate([nodes, a, b]))
        value = excess(nodes)
    good, bad = (value[:-1] <= 0) & (value[1:] <= 0), (value[:-1] > 0) & (value[1:] > 0)
    words = f"{len(nodes)} sampled points; narrower tears between them are missed"
    return Localisation(component, nodes[:-1, None], nodes[1:, None], good, bad, level, Rigor.EMPIRICAL, words)


def tears(found: Localisation, manifold: Manifold) -> tuple[Tear, ...]:
    """The tears of a curve, longest first: the maximal runs of boxes that are not good, joined across the end of a
    closed chart.

    Raises:
        UsageError: the component is not a curve.
    """
    chart = manifold.components[found.component].chart
    if chart.dim != 1:
        raise UsageError("Tears are arcs of a curve; this component has another dimension.")
    runs = runs_of(~found.good)
    low, high = found.low[:, 0], found.high[:, 0]
    period = chart.upper[0] - chart.lower[0]
    pieces = [[(first, last, 0.0)] for first, last in runs]
    if chart.periodic[0] and len(runs) > 1 and runs[0][0] == 0 and runs[-1][1] == len(low) - 1:
        pieces = [*pieces[1:-1], [(*runs[-1], -period), (*runs[0], 0.0)]]
    made = []
    for parts in pieces:
        a, b = float(low[parts[0][0]]) + parts[0][2], float(high[parts[-1][1]]) + parts[-1][2]
        surely = [(low[i] + move, high[i] + move) for first, last, move in parts for i in range(first, last + 1)
                  if found.bad[i]]  # fmt: skip
        inner = Interval(float(surely[0][0]), float(surely[-1][1])) if surely else None
        certain = sum(_arc(chart, float(u), float(v)).lower for u, v in _merged(surely))
        start = chart.lower[0] if len(parts) == 1 else chart.lower[0] - period
        made.append(
            Tear(
                found.component,
                Interval(a, b),
                inner,
                Interval(certain, max(certain, _arc(chart, a, b).upper)),
                _arc(chart, start, a),
            )
        )
    return tuple(sorted(made, key=lambda t: -t.length.upper))


def _merged(arcs: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Arcs in order, those that share an end joined."""
    out: list[tuple[float, float]] = []
    for a, b in arcs:
        if out and out[-1][1] == a:
            out[-1] = (out[-1][0], b)
        else:
            out.append((a, b))
    return out


def _arc(chart: Chart, low: float, high: float) -> Interval:
    """Enclosure of the length of the arc between two parameters."""
    if not high > low:
        return Interval.exactly(0.0)
    return length_bounds(replace(chart, lower=(low,), upper=(high,), periodic=(False,), flips=()), tolerance=1e-6)
