"""Reach of closed surfaces: certified enclosures from one chart whose two parameters are both periodic.

The comparison with tangent balls of `aeverify.manifolds.reach` holds on any closed C^2 manifold: with k a bound of the
normal curvatures |II(v, v)| of unit tangents v, points p, q joined by a minimal geodesic gamma of length s <= pi / k
have a Federer quotient of at least 1/k, since gamma'' is normal with |gamma''| <= k; all other pairs have one of at
least |q - p| / 2. So

    reach >= min(1/k, inf {|q - p| / 2 : the intrinsic distance of p and q exceeds pi / k}).

1. *k*: `normal_curvature.normal_curvature_bounds`.
2. *Near pairs of boxes*: the intrinsic distance is at most the length of the straight path in the parameter plane, for
   every way of unrolling the identified sides, by bounds of the metric on the box that spans both.
3. *Far pairs of boxes*: e being the direction between the middles,
   |phi(x) - phi(y)| >= <e, phi(x) - phi(y)> >= |D| - sum_k h_k |<e, phi_k>| - sum_kl h_k h_l M_kl / 2 - the same at y.

Pairs of boxes are halved, along the parameter along which boxes are longest, until each is near or far enough. Upper
end: one Federer quotient, or one over the normal curvature at one point in one direction.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.errors import UsageError
from aeverify.manifolds.balls import BITS, ball_operations, precision
from aeverify.manifolds.chart import Chart, FloatArray
from aeverify.manifolds.normal_curvature import box_of, normal_curvature_bounds
from aeverify.manifolds.reach import FEDERER, CertifiedReach, Pair

CITATION = Citation(
    FEDERER,
    "Theorem 4.18; derived in aeverify.manifolds.surface_reach",
    "lower end: near pairs by comparison with tangent balls, far pairs by their distance, on boxes that cover the "
    "surface; upper end: one Federer quotient or one radius of normal curvature",
)

_TABLE = 64
_PARTS = 8
_MOST_PAIRS = 2_000_000
_MOST_STEPS = 40
_NODES = 24
_STARTS = 6


def certified_surface_reach(chart: Chart, tolerance: float = 0.02) -> CertifiedReach:
    """Certified enclosure of the reach of a closed surface.

    Args:
        chart: with two periodic parameters (`flips` allowed), regular everywhere, of a twice continuously
            differentiable formula whose continuation agrees with the identifications.
        tolerance: relative gap of the two ends that is aimed at, from 1e-4 to 0.9.

    Returns:
        The enclosure; [0, upper] where regularity or embeddedness could not be proved.

    Raises:
        UsageError: another chart, a tolerance out of range, or identifications that provably do not hold.

    Cost: 1 to 30 s; grows with the square of 1 / tolerance where many pairs attain the reach, as on tubes.
    """
    if chart.dim != 2 or not all(chart.periodic):
        raise UsageError("The reach of a surface is certified for charts with two periodic parameters.")
    if not 1e-4 <= tolerance <= 0.9:
        raise UsageError(f"The tolerance of a surface's reach must lie between 1e-4 and 0.9, got {tolerance!r}.")
    _require_identifications(chart)
    curvature, where = normal_curvature_bounds(chart, tolerance / 2)
    upper = math.nextafter(1.0 / curvature.lower, math.inf) if curvature.lower > 0 else math.inf
    pair: Pair = (where, where)
    for s, t in _candidates(chart):
        quotient = _certified_quotient(chart, s, t)
        if quotient < upper:
            upper, pair = quotient, (s, t)
    if not math.isfinite(curvature.upper):
        return CertifiedReach(Interval(0.0, upper), curvature, pair, CITATION, 0)
    smooth = math.nextafter(1.0 / curvature.upper, 0.0)
    search = _FarBoxes(chart, curvature.upper)
    lower = min(smooth, search.least_half_distance(min(smooth, upper * (1 - 0.65 * tolerance))), upper)
    return CertifiedReach(Interval(max(0.0, lower), upper), curvature, pair, CITATION, search.pairs)


def _mirrored(chart: Chart, k: int) -> tuple[int, ...]:
    return chart.flips[k] if k < len(chart.flips) else ()


def _require_identifications(chart: Chart) -> None:
    """A necessary condition: the formula, continued past the ends, has the period (and mirrors) of the chart."""
    low, side = box_of(chart)
    u = low + side * np.array([[0.1, 0.2], [0.35, 0.8], [0.0, 0.45], [0.7, 0.0]])
    for k in range(2):
        v = u.copy()
        v[:, k] += side[k]
        for j in _mirrored(chart, k):
            v[:, j] = 2 * low[j] + side[j] - v[:, j]
        a, b = chart.embed(u), chart.embed(v)
        if not np.allclose(a, b, rtol=0, atol=1e-9 * float(np.abs(a).max())):
            raise UsageError(f"The formula of this chart does not have the period of its parameter {k}.")


class _Boxes:
    """Enclosures of points, tangents and second derivatives on boxes, as float64 arrays with errors."""

    def __init__(self, chart: Chart, lower: FloatArray, upper: FloatArray) -> None:
        c = np.clip(0.5 * lower + 0.5 * upper, lower, upper)
        self.half = np.nextafter(np.maximum(upper - c, c - lower), np.inf)
        at, on = chart.derivative_bounds(c, c), chart.derivative_bounds(lower, upper)
        with np.errstate(all="ignore"):
            self.points, self.tangents = at.point.middle, at.first.middle
            self.loss = at.point.radius.sum(axis=1)
            for k in range(2):
                self.loss = self.loss + self.half[:, k] * at.first.radius[:, :, k].sum(axis=1)
                for m in range(2):
                    bend = on.second[:, :, k, m].square().sum(1).sqrt().upper
                    self.loss = self.loss + 0.5 * self.half[:, k] * self.half[:, m] * bend
            self.loss = self.loss * (1 + 2.0**-40)
            self.reachable = (self.half * np.sqrt((self.tangents**2).sum(axis=1))).sum(axis=1)


class _FarBoxes:
    """The search over pairs of boxes."""

    def __init__(self, chart: Chart, curvature: float) -> None:
        self.chart, self.curvature = chart, curvature
        self.pairs = 0
        low, side = box_of(chart)
        # The metric on boxes of the plane of parameters, one period beyond the chart's box on each side.
        count = 3 * _TABLE
        e = [low[k] + side[k] * (np.arange(count + 1) / _TABLE - 1) for k in range(2)]
        i, j = (x.ravel() for x in np.meshgrid(np.arange(count), np.arange(count), indexing="ij"))
        lower, upper = np.stack([e[0][i], e[1][j]], 1), np.stack([e[0][i + 1], e[1][j + 1]], 1)
        first = chart.derivative_bounds(lower, upper).first
        with np.errstate(all="ignore"):
            u, v = first[:, :, 0], first[:, :, 1]
            metric = [u.square().sum(1).upper, v.square().sum(1).upper, (u * v).sum(1).magnitude]
        scales = (side[0] ** 2, side[1] ** 2, side[0] * side[1])
        self.metric = [
            _range_maxima(np.reshape(m * s * (1 + 2.0**-48), (count, count)))
            for m, s in zip(metric, scales, strict=True)
        ]
        self.speed = [math.sqrt(float(np.max(m[0][0]))) for m in self.metric[:2]]

    def _is_near(self, a: Any, b: Any, levels: tuple[int, int]) -> Any:
        """Whether pairs of boxes a, b (N, 2) are near along a straight path, in some unrolling."""
        near = np.zeros(len(a), dtype=bool)
        for shift in itertools.product((-1, 0, 1), repeat=2):
            moved = b.copy()
            for k in range(2):
                if shift[k]:
                    for j in _mirrored(self.chart, k):
                        moved[:, j] = (1 << levels[j]) - 1 - moved[:, j]
            moved += np.array([shift[k] << levels[k] for k in range(2)])
            rows = np.flatnonzero(~near)
            bend = self._length(a[rows], moved[rows], levels, 1) * self.curvature
            near[rows[bend <= math.pi]] = True
            rows = rows[(bend > math.pi) & (bend <= 2.5 * math.pi)]
            for start in range(0, len(rows), 100_000):
                some = rows[start : start + 100_000]
                bend = self._length(a[some], moved[some], levels, _PARTS) * self.curvature
                near[some[bend <= math.pi]] = True
        return near

    def _length(self, a: Any, b: Any, levels: tuple[int, int], parts: int) -> FloatArray:
        """Upper bounds of the lengths of the straight paths of the parameter plane between any point of box a and any
        point of box b, (N, 2) each, cut into `parts`: at the time t the path is in the box (1 - t) a + t b, a translate
        of the two, and each part crosses the box that spans two of these."""
        unit = [2.0 ** -levels[k] for k in range(2)]
        extent = [(np.abs(b[:, k] - a[:, k]) + 1) * unit[k] / parts for k in range(2)]
        total = np.zeros(len(a))
        for part in range(parts):
            first, last = [], []
            for k in range(2):
                # Positions in cells of the table, widened by far more than their rounding.
                ends = [(a[:, k] + (b[:, k] - a[:, k]) * (t / parts)) * unit[k] for t in (part, part + 1)]
                low, high = np.minimum(*ends), np.maximum(*ends) + unit[k]
                first.append(np.floor((low - 2.0**-40) * _TABLE).astype(np.int64) + _TABLE)
                last.append(np.ceil((high + 2.0**-40) * _TABLE).astype(np.int64) - 1 + _TABLE)
            first = [np.maximum(x, 0) for x in first]
            last = [np.minimum(x, 3 * _TABLE - 1) for x in last]
            e, g, f = (_range_maximum(m, first, last) for m in self.metric)
            total += np.sqrt(e * extent[0] ** 2 + g * extent[1] ** 2 + 2 * f * extent[0] * extent[1])
        return total * (1 + 2.0**-40)

    def least_half_distance(self, goal: float) -> float:
        """Certified lower bound of |p - q| / 2 over all pairs of points whose boxes are not near."""
        low, side = box_of(self.chart)
        levels = [3, 3]
        index = np.arange(64)
        first, second = (x.astype(np.int64) for x in np.triu_indices(64))
        a, b = (np.stack([index[x] // 8, index[x] % 8], axis=1) for x in (first, second))
        least = math.inf
        for _ in range(_MOST_STEPS):
            sizes = np.array([1 << levels[0], 1 << levels[1]])
            self.pairs += len(a)
            flat = np.concatenate([a, b])
            used, position = np.unique(flat[:, 0] * int(sizes[1]) + flat[:, 1], return_inverse=True)
            cells = np.stack([used // sizes[1], used % sizes[1]], axis=1)
            boxes = _Boxes(self.chart, low + side * (cells / sizes), low + side * ((cells + 1) / sizes))
            half = 0.5 * _distance_below(boxes, position[: len(a)], position[len(a) :])
            done = half >= goal
            least = min(least, float(half[done].min(initial=math.inf)))
            a, b, half = a[~done], b[~done], half[~done]
            near = self._is_near(a, b, (levels[0], levels[1]))
            a, b, half = a[~near], b[~near], half[~near]
            if not len(a):
                return least
            if len(a) > _MOST_PAIRS // 4:
                break
            axis = int(np.argmax([self.speed[k] / sizes[k] for k in range(2)]))
            levels[axis] += 1
            a, b = _halved(a, b, axis)
        return min(least, max(0.0, float(half.min())))


def _halved(a: Any, b: Any, axis: int) -> tuple[Any, Any]:
    """All pairs of halves along one axis, those of one box with itself once."""
    same = (a == b).all(axis=1)
    parts = []
    for p, q in itertools.product((0, 1), repeat=2):
        keep = ~same if (p, q) == (1, 0) else np.ones(len(a), dtype=bool)
        x, y = a[keep].copy(), b[keep].copy()
        x[:, axis] = 2 * x[:, axis] + p
        y[:, axis] = 2 * y[:, axis] + q
        parts.append((x, y))
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _range_maxima(table: FloatArray) -> list[list[FloatArray]]:
    """Maxima over all rectangles of 2^r x 2^s entries."""
    rows = [table]
    while 2 ** len(rows) <= len(table):
        step = 2 ** (len(rows) - 1)
        rows.append(np.maximum(rows[-1][:-step], rows[-1][step:]))
    out = []
    for row in rows:
        columns = [row]
        while 2 ** len(columns) <= table.shape[1]:
            step = 2 ** (len(columns) - 1)
            columns.append(np.maximum(columns[-1][:, :-step], columns[-1][:, step:]))
        out.append(columns)
    return out


def _range_maximum(maxima: list[list[FloatArray]], first: list[Any], last: list[Any]) -> FloatArray:
    """Maxima over the rectangles [first, last] of indices, both ends included."""
    rank = [np.log2(b - a + 1).astype(np.int64) for a, b in zip(first, last, strict=True)]
    out = np.empty(len(first[0]))
    code = rank[0] * 64 + rank[1]
    for value in np.unique(code):
        r, s = int(value) // 64, int(value) % 64
        rows = code == value
        table = maxima[r][s]
        a, b = first[0][rows], last[0][rows] - (1 << r) + 1
        c, d = first[1][rows], last[1][rows] - (1 << s) + 1
        out[rows] = np.maximum(np.maximum(table[a, c], table[a, d]), np.maximum(table[b, c], table[b, d]))
    return out


def _distance_below(boxes: _Boxes, i: Any, j: Any) -> FloatArray:
    """Certified lower bounds of the distances of pairs of boxes, possibly negative; rounding as in `reach`."""
    n = boxes.points.shape[1]
    out = np.empty(len(i))
    for start in range(0, len(i), 200_000):
        a, b = i[start : start + 200_000], j[start : start + 200_000]
        gap = boxes.points[a] - boxes.points[b]
        size = np.sqrt((gap * gap).sum(axis=1))
        with np.errstate(all="ignore"):
            along = gap / size[:, None]
        along[~(size > 1e-140)] = 0.0
        value = size - boxes.loss[a] - boxes.loss[b]
        for k in range(2):
            for x in (a, b):
                value = value - boxes.half[x, k] * np.abs((along * boxes.tangents[x, :, k]).sum(axis=1))
        slack = size + boxes.reachable[a] + boxes.reachable[b] + boxes.loss[a] + boxes.loss[b]
        out[start : start + 200_000] = value - (n + 16) * 2.0**-50 * slack - 1e-140
    return out


def _quotients(points: FloatArray, frames: FloatArray, others: FloatArray) -> FloatArray:
    """Federer quotients in float64; frames are orthonormal bases of the tangent planes."""
    gap = others - points
    square = (gap * gap).sum(axis=-1)
    along = np.einsum("...i,...ij->...j", gap, frames)
    found: FloatArray = square / (2 * np.sqrt(np.maximum(square - (along**2).sum(axis=-1), 1e-24 * square)))
    return found


def _candidates(chart: Chart) -> list[Pair]:
    """A few pairs of parameters with small Federer quotients. Only a search."""
    low, side = box_of(chart)
    axis = np.arange(_NODES) / _NODES
    unit = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)

    def frame(x: FloatArray) -> tuple[FloatArray, FloatArray]:
        u = low + side * x
        return chart.embed(u), np.linalg.qr(chart.jacobian(u))[0]

    points, frames = frame(unit)
    scale = float(np.abs(points - points[0]).max())
    with np.errstate(all="ignore"):
        table = np.stack([_quotients(points[i], frames[i], points) for i in range(len(points))])
        gaps = np.stack([np.abs(points - p).max(axis=1) for p in points])
    table[(gaps < 1e-3 * scale) | ~np.isfinite(table)] = math.inf
    order = np.argsort(table, axis=None)[: 50 * len(points) : len(points) // 8][: 4 * _STARTS]
    starts = np.concatenate([unit[order // len(unit)], unit[order % len(unit)]], axis=1)[:_STARTS]
    offsets = np.array(list(itertools.product((-1.0, 0.0, 1.0), repeat=4)))
    step = 1.0 / _NODES
    for _ in range(40):
        trial = starts[:, None, :] + step * offsets
        flat = trial.reshape(-1, 4)
        (p, f), (q, _) = frame(flat[:, :2]), frame(flat[:, 2:])
        with np.errstate(all="ignore"):
            value = _quotients(p, f, q)
            value[(np.abs(p - q).max(axis=1) < 1e-3 * scale) | ~np.isfinite(value)] = math.inf
        choice = value.reshape(len(starts), -1).argmin(axis=1)
        starts = trial[np.arange(len(starts)), choice]
        step *= 0.7
    u = starts.reshape(-1, 2, 2) * side + low
    return [((float(s[0]), float(s[1])), (float(t[0]), float(t[1]))) for s, t in u]


def _certified_quotient(chart: Chart, s: tuple[float, ...], t: tuple[float, ...]) -> float:
    """Certified upper bound of the Federer quotient of two points, with the tangent plane at the first; inf where
    ball arithmetic cannot tell the points apart."""
    with precision(BITS):
        ops = ball_operations()
        p, rows = chart.differentiate([ops.real(x) for x in s], ops)
        q = chart.evaluate([ops.real(x) for x in t], ops)
        gap = [ops.real(b) - ops.real(a) for a, b in zip(p, q, strict=True)]
        first, second = ([ops.real(row[k]) for row in rows] for k in range(2))

        def dot(v: list[Any], w: list[Any]) -> Any:
            return sum((x * y for x, y in zip(v, w, strict=True)), ops.real(0.0))

        square, e, f, g = dot(gap, gap), dot(first, first), dot(first, second), dot(second, second)
        x, y, determinant = dot(gap, first), dot(gap, second), e * g - f * f
        if not (square > 0 and determinant > 0):
            return math.inf
        normal = square - (g * x * x - 2 * f * x * y + e * y * y) / determinant
        if not normal > 0:
            return math.inf
        value = float((square / (2 * ops.sqrt(normal))).upper())
        return math.nextafter(value, math.inf) if math.isfinite(value) else math.inf
