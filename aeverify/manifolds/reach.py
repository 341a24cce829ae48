"""Reach: certified enclosures of the reach of curves, from their charts alone.

The reach of a compact set K is the least Federer quotient |q - p|^2 / (2 d(q - p, Tan_p K)) over pairs p != q of its
points (Federer 1959, Theorem 4.18), with Tan_p K the tangent line, or at an end point of an arc the half-line.

**Lower end.** Let p = gamma(0), q = gamma(s) be two points of a C^2 curve (or of an arc with end points, or of a closed
C^1 curve that is C^2 on finitely many arcs), s the arc length between them along one of the arcs that join them, and k
a bound of the curvature *on that arc*.

1. *Near pairs, k s <= pi: the quotient is at least 1/k.* Let nu be a unit vector normal to Tan_p (at an end point: of
   the polar cone, <nu, gamma'(0)> <= 0), c = p + nu / k and u(t) = |gamma(t) - c|^2 - 1/k^2. Then u(0) = 0,
   u'(0) = -2 <gamma'(0), nu> / k >= 0, and u'' = 2 + 2 <gamma'', gamma - c> >= 2 - 2 k sqrt(u + 1/k^2) >= -k^2 u by the
   inequality of the means. So u(t) = u'(0) sin(k t) / k + integral_0^t sin(k (t - r)) / k (u'' + k^2 u)(r) dr >= 0 for
   t <= pi / k: q lies in no open ball of radius 1/k that touches the curve at p, which is what the quotient says.
   Such pairs are different points too: along the arc the tangent turns by at most k t, so its inner product with the
   tangent at the middle is at least cos(k t) at the distance t from there, and |q - p| >= (2/k) sin(k s / 2) > 0.
2. *All other pairs: the quotient is at least |q - p| / 2*, since 0 lies in the tangent cone.

So the reach is at least the least of 1/k over the near pairs, which is at least 1/max curvature, and of |q - p| / 2
over the others. Nothing is lost: the reach of K is at most 1/max curvature, and with the largest curvature as k the far
pairs have |q - p| >= 2 reach (Boissonnat, Lieutier and Wintraecken 2019: points nearer than 2 reach are joined by an
arc of length at most 2 reach arcsin(|q - p| / (2 reach)) < pi reach). Both steps together prove the curve embedded
where the bound is positive.

The search halves pairs of cells I, J of the parameter interval. A pair of cells is settled if it is near (an upper
bound of the arc length that spans both cells, times the largest curvature on the cells in between, is at most pi), or
if its distance is at least twice the goal, by

    |gamma(s) - gamma(t)| >= <e, D> - h_I |<e, gamma'(c_I)>| - h_I^2 M_I / 2 - (the same of J)

for any unit vector e, here that of D = gamma(c_I) - gamma(c_J), with c the middles, h the half-widths and M bounds of
|gamma''| (Taylor's formula along e). At a closest pair e is normal to the curve, so the loss is quadratic in h.

**Upper end.** The quotient at one pair (found by search in floating point, evaluated in ball arithmetic), and one over
the curvature at one parameter, the limit of quotients there.

All bounds come from the formula: speed, curvature and derivatives by interval arithmetic on Taylor coefficients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np

from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.errors import UsageError
from aeverify.manifolds.arclength import (
    curvature_bounds,
    edges,
    middle_of_cells,
    require_curve,
    speed_bounds,
    squared_curvature_bounds,
    taylor_table,
)
from aeverify.manifolds.balls import BITS, ball_operations, precision
from aeverify.manifolds.chart import Chart, FloatArray

FEDERER = "Federer 1959, Curvature measures"

CITATION = Citation(
    FEDERER,
    "Theorem 4.18; derived in aeverify.manifolds.reach",
    "lower end: near pairs by comparison with circles, far pairs by their distance, on cells that cover the curve; "
    "upper end: one Federer quotient or one radius of curvature",
)

_FIRST_LEVEL = 5
_LAST_LEVEL = 40
_BASE_LEVELS = (10, 13, 15)
_MANY_PAIRS = 20_000
_ROWS = 2048
_MOST_PAIRS = 200_000
_NODES = 256
# Below this share of the length a reach is not told from 0: the curve meets itself or nearly does.
_SMALLEST_SHARE = 1e-9
_STARTS = 8

Pair: TypeAlias = tuple[tuple[float, ...], tuple[float, ...]]


@final
@dataclass(frozen=True)
class CertifiedReach:
    """Enclosure of the reach of a set, rounding included.

    Attributes:
        interval: the reach; the lower end is 0 where the set could not be proved embedded and regular.
        curvature: largest normal curvature; upper end inf where it could not be bounded.
        pair: chart parameters of two points whose Federer quotient bounds the reach from above, or of one point twice
            where the radius of curvature does.
        citation: where the method is proved.
        pairs: number of pairs of cells that were looked at.
    """

    interval: Interval
    curvature: Interval
    pair: Pair
    citation: Citation
    pairs: int

    @property
    def is_embedded(self) -> bool:
        """Whether the set is proved to be embedded: the lower end of the reach is positive."""
        return self.interval.lower > 0


def certified_reach(chart: Chart, closed: bool = True, tolerance: float = 0.02) -> CertifiedReach:
    """Certified enclosure of the reach of the curve of a chart; both ends by the theorems of this module.

    Args:
        chart: of a curve; the formula must be twice continuously differentiable. Of a closed curve it must be periodic
            with the length of its box, at least with a continuous tangent.
        closed: whether the two ends of the box are one point at which the curve is smooth; False for an arc.
        tolerance: relative gap of the two ends that is aimed at, from 1e-9 to 0.9. Curves that come close to touching
            themselves, and upper ends that the search misses, leave a wider one.

    Returns:
        The enclosure; [0, upper] where the curve meets itself, is not regular, or neither could be excluded (as where
        the reach is below about 1e-9 of the length).

    Raises:
        UsageError: no chart of a curve, a tolerance out of range, or ends that provably do not fit.

    Cost: 0.05 to 1 s for a few dozen operations a coordinate.

    Example:
        >>> from aeverify.manifolds import manifold
        >>> certified_reach(manifold("ellipse:a=3,b=2").chart, tolerance=1e-3).interval.lower > 1.332
        True
    """
    require_curve(chart)
    if not 1e-9 <= tolerance <= 0.9:
        raise UsageError(f"The tolerance of a reach must lie between 1e-9 and 0.9, got {tolerance!r}.")
    if closed:
        _require_closure(chart)
    curvature, where = curvature_bounds(chart, tolerance=tolerance / 16)
    upper, pair = _upper_end(chart, closed, curvature, where)
    if not math.isfinite(curvature.upper):
        return CertifiedReach(Interval(0.0, upper), curvature, pair, CITATION, 0)
    smooth = math.nextafter(1.0 / curvature.upper, 0.0) if curvature.upper > 0 else math.inf
    search = _FarPairs(chart, closed, curvature.upper, smooth, upper, pair, tolerance)
    lower = min(smooth, search.least_half_distance(), search.upper)
    return CertifiedReach(Interval(max(0.0, lower), search.upper), curvature, search.pair, CITATION, search.pairs)


def _require_closure(chart: Chart) -> None:
    """A necessary condition of a closed curve: the enclosures of point and tangent agree at both ends."""
    ends = np.array([chart.lower[0], chart.upper[0]])
    for table, what in zip(taylor_table(chart, ends, ends, 1), ("point", "tangent"), strict=True):
        size = max(1e-300, float(np.abs(table.upper).max()))
        gap = np.maximum(table.lower[:, 0] - table.upper[:, 1], table.lower[:, 1] - table.upper[:, 0])
        if float(gap.max()) > 1e-9 * size:
            raise UsageError(f"The two ends of this chart differ in their {what}: the curve is not closed smoothly.")


class _Cells:
    """Enclosures of the points, tangents and second derivatives on some cells, as float64 arrays with errors."""

    def __init__(self, chart: Chart, lower: FloatArray, upper: FloatArray) -> None:
        c = middle_of_cells(lower, upper)
        self.half = np.nextafter(np.maximum(upper - c, c - lower), np.inf)
        at = taylor_table(chart, c, c, 1)
        on = taylor_table(chart, lower, upper, 2)
        with np.errstate(all="ignore"):
            self.points, self.tangents = at[0].middle.T, at[1].middle.T
            errors = [_norm_up(t.radius) for t in at]
            bend = 2 * on[2].square().sum(0).sqrt().upper
            # What a pair loses apart from |<e, tangent>| h: rounding of point and tangent, and the remainder.
            self.loss = (errors[0] + self.half * errors[1] + 0.5 * self.half * self.half * bend) * (1 + 2.0**-48)
            self.reachable = self.half * np.sqrt((self.tangents**2).sum(axis=1))


def _norm_up(columns: FloatArray) -> FloatArray:
    """Upper bound of the Euclidean norms of columns (n, N)."""
    value: FloatArray = np.sqrt((columns * columns).sum(axis=0)) * (1 + (len(columns) + 4) * 2.0**-52) + 1e-150
    return value


class _FarPairs:
    """The search over pairs of dyadic cells.

    Attributes:
        upper, pair: certified upper bound of the reach and the pair that shows it; lowered where the search meets a
            pair with a smaller quotient.
        pairs: number of pairs of cells that were looked at.
    """

    def __init__(
        self,
        chart: Chart,
        closed: bool,
        curvature: float,
        smooth: float,
        upper: float,
        pair: Pair,
        tolerance: float,
    ) -> None:
        self.chart, self.closed, self.curvature = chart, closed, curvature
        self.smooth, self.upper, self.pair, self.tolerance = smooth, upper, pair, tolerance
        self.pairs = 0
        self._tabulate(_BASE_LEVELS[0])

    def _tabulate(self, level: int) -> None:
        """Bounds of arc lengths and curvatures on 2^level cells."""
        self.base_level, base = level, 1 << level
        u = edges(self.chart, np.arange(base + 1) / base)
        # Rows that stay in the processor's cache.
        parts = [slice(i, i + _ROWS) for i in range(0, base, _ROWS)]
        speed = np.concatenate([speed_bounds(self.chart, u[:-1][p], u[1:][p]) for p in parts])
        above = np.concatenate([squared_curvature_bounds(self.chart, u[:-1][p], u[1:][p])[0] for p in parts])
        bend = np.minimum(np.nextafter(np.sqrt(above), np.inf), self.curvature)
        lengths = speed * (np.diff(u) * (1 + 2.0**-51))
        if self.closed:
            lengths, bend = np.concatenate([lengths, lengths]), np.concatenate([bend, bend])
        self.lengths = lengths
        self.cumulative = np.concatenate([[0.0], np.cumsum(lengths)])
        # A computed partial sum of N non-negative terms is off by at most N 2^-52 times the whole; with those of the
        # interpolation within a cell and the differences this is more than enough.
        self.slack = (len(lengths) + 64) * 2.0**-50 * float(self.cumulative[-1])
        self.most = [bend]
        while 2 ** len(self.most) <= len(bend):
            last, step = self.most[-1], 2 ** (len(self.most) - 1)
            self.most.append(np.maximum(last[:-step], last[step:]))

    def _is_near(self, start: Any, stop: Any, level: int) -> Any:
        """Whether two cells are near along the arc from position start to stop, in units of 2^-level."""
        if level <= self.base_level:
            scale = 1 << (self.base_level - level)
            first, last = start * scale, stop * scale - 1
            arc = self.cumulative[last + 1] - self.cumulative[first]
        else:
            shift = level - self.base_level
            first, last = start >> shift, (stop - 1) >> shift
            share = 2.0**-shift
            low = self.cumulative[first] + self.lengths[first] * ((start - (first << shift)) * share)
            high = self.cumulative[last] + self.lengths[last] * ((stop - (last << shift)) * share)
            arc = high - low
        rank = np.log2(last - first + 1).astype(np.int64)
        # log2 of an integer below 2^18 is never rounded to the next integer.
        bend = np.empty(len(first))
        for r in np.unique(rank):
            rows = rank == r
            table = self.most[int(r)]
            bend[rows] = np.maximum(table[first[rows]], table[last[rows] - (1 << int(r)) + 1])
        return (arc + self.slack) * bend * (1 + 2.0**-50) <= math.pi

    def _drop_near(self, first: Any, second: Any, level: int) -> tuple[Any, Any]:
        near = self._is_near(first, second + 1, level)
        if self.closed:
            near |= self._is_near(second, first + (1 << level) + 1, level)
        return first[~near], second[~near]

    def least_half_distance(self) -> float:
        """Certified lower bound of |p - q| / 2 over all pairs that are not near, searched until it is close enough to
        the upper end of the reach or the work grows too large; inf where every pair is near."""
        count = 1 << _FIRST_LEVEL
        first, second = (x.astype(np.int64) for x in np.triu_indices(count))
        least = math.inf
        finer = list(_BASE_LEVELS[1:])
        for level in range(_FIRST_LEVEL, _LAST_LEVEL + 1):
            count = 1 << level
            first, second = self._drop_near(first, second, level)
            if len(first) > _MANY_PAIRS and finer and level > self.base_level:
                # Curvature bounds on too coarse cells keep near pairs from being seen as such.
                self._tabulate(finer.pop(0))
                first, second = self._drop_near(first, second, level)
            if not len(first):
                break
            self.pairs += len(first)
            used, index = np.unique(np.concatenate([first, second]), return_inverse=True)
            cells = _Cells(self.chart, edges(self.chart, used / count), edges(self.chart, (used + 1) / count))
            half, quotient = _distance_below(cells, index[: len(first)], index[len(first) :])
            best = int(quotient.argmin())
            if quotient[best] < self.upper * (1 - self.tolerance / 8):
                self._lower_upper_end((int(first[best]) + 0.5) / count, (int(second[best]) + 0.5) / count)
            goal = min(self.smooth, self.upper * (1 - self.tolerance / 4))
            done = half >= goal
            least = min(least, float(half[done].min(initial=math.inf)))
            first, second, half = first[~done], second[~done], half[~done]
            if not len(first):
                break
            hopeless = self.upper < _SMALLEST_SHARE * float(self.cumulative[-1])
            if len(first) > _MOST_PAIRS or level == _LAST_LEVEL or hopeless:
                return min(least, max(0.0, float(half.min())))
            diagonal = first == second
            children = [(2 * first, 2 * second), (2 * first, 2 * second + 1), (2 * first + 1, 2 * second + 1)]
            children.append((2 * first[~diagonal] + 1, 2 * second[~diagonal]))
            first = np.concatenate([c[0] for c in children])
            second = np.concatenate([c[1] for c in children])
        return least

    def _lower_upper_end(self, first: float, second: float) -> None:
        s, t = (float(u) for u in edges(self.chart, np.array([first, second])))
        for a, b in ((s, t), (t, s)):
            quotient = _certified_quotient(self.chart, self.closed, a, b)
            if quotient < self.upper:
                self.upper, self.pair = quotient, ((a,), (b,))


def _distance_below(cells: _Cells, i: Any, j: Any) -> tuple[FloatArray, FloatArray]:
    """For pairs of cells certified lower bounds of half their distance, possibly negative, and the lesser Federer
    quotient of their middles in float64 (inf where these are too close to tell)."""
    n = cells.points.shape[1]
    out, quotients = np.empty(len(i)), np.full(len(i), math.inf)
    squares = (cells.tangents**2).sum(axis=1)
    scale = float(np.abs(cells.points - cells.points[0]).max())
    rows = max(1, 4_000_000 // n)
    for start in range(0, len(i), rows):
        a, b = i[start : start + rows], j[start : start + rows]
        gap = cells.points[a] - cells.points[b]
        size = np.sqrt((gap * gap).sum(axis=1))
        with np.errstate(all="ignore"):
            along = gap / size[:, None]
        along[~(size > 1e-140)] = 0.0
        at_a, at_b = (along * cells.tangents[a]).sum(axis=1), (along * cells.tangents[b]).sum(axis=1)
        value = size - cells.half[a] * np.abs(at_a) - cells.half[b] * np.abs(at_b)
        value = value - cells.loss[a] - cells.loss[b]
        with np.errstate(all="ignore"):
            sine = np.sqrt(1 - np.minimum(at_a**2 / squares[a], at_b**2 / squares[b]))
            found = size / (2 * sine)
        usable = np.isfinite(found) & (size > 1e-9 * scale) & (sine > 1e-3) & (i[start : start + rows] != b)
        quotients[start : start + rows] = np.where(usable, found, math.inf)
        # Each inner product of n terms is off by less than (n + 8) 2^-52 times the product of the norms, and `along` is
        # a unit vector up to as much.
        slack = size + cells.reachable[a] + cells.reachable[b] + cells.loss[a] + cells.loss[b]
        out[start : start + rows] = 0.5 * (value - (n + 16) * 2.0**-50 * slack - 1e-140)
    return out, quotients


def _upper_end(chart: Chart, closed: bool, curvature: Interval, where: float) -> tuple[float, Pair]:
    """Certified upper bound of the reach and the pair of parameters that shows it."""
    best, pair = math.inf, ((where,), (where,))
    if curvature.lower > 0:
        best = math.nextafter(1.0 / curvature.lower, math.inf)
    for s, t in _candidates(chart, closed):
        quotient = _certified_quotient(chart, closed, s, t)
        if quotient < best:
            best, pair = quotient, ((s,), (t,))
    return best, pair


def _quotients(points: FloatArray, tangents: FloatArray, others: FloatArray, inward: FloatArray) -> FloatArray:
    """Federer quotients in float64 of pairs of rows; `inward` is 1 (-1) where the tangent cone is the half-line along
    (against) the tangent and 0 where it is the whole line."""
    gap = others - points
    square = (gap * gap).sum(axis=-1)
    along = (gap * tangents).sum(axis=-1) / np.sqrt((tangents * tangents).sum(axis=-1))
    along = np.where((inward == 0) | (along * inward > 0), along, 0.0)
    found: FloatArray = square / (2 * np.sqrt(np.maximum(square - along * along, 1e-24 * square)))
    return found


def _candidates(chart: Chart, closed: bool) -> list[tuple[float, float]]:
    """A few pairs of parameters with small Federer quotients, found by a grid and pattern searches from its best
    pairs. Only a search: what it finds is evaluated again."""
    low, high = chart.lower[0], chart.upper[0]
    positions = np.arange(_NODES) / _NODES if closed else np.arange(_NODES) / (_NODES - 1)

    def inward(x: FloatArray) -> FloatArray:
        return np.zeros(x.shape) if closed else np.where(x <= 0, 1.0, np.where(x >= 1, -1.0, 0.0))

    def embed(x: FloatArray) -> tuple[FloatArray, FloatArray]:
        u = edges(chart, np.mod(x, 1.0) if closed else x)[:, None]
        with np.errstate(all="ignore"):
            return chart.embed(u), chart.jacobian(u)[:, :, 0]

    x, v = embed(positions)
    table = np.empty((_NODES, _NODES))
    with np.errstate(all="ignore"):
        for i in range(_NODES):
            table[i] = _quotients(x[i], v[i], x, inward(positions[i : i + 1]))
    apart = np.abs(positions[:, None] - positions[None, :])
    if closed:
        apart = np.minimum(apart, 1 - apart)
    scale = float(np.abs(x - x[0]).max())
    table[(apart < 1.5 / _NODES) | ~np.isfinite(table)] = math.inf
    starts: list[tuple[float, float]] = []
    order = np.argsort(table, axis=None)
    for flat in order[: 40 * _NODES]:
        s, t = positions[flat // _NODES], positions[flat % _NODES]
        if all(max(_apart(s, a, closed), _apart(t, b, closed)) > 4 / _NODES for a, b in starts):
            starts.append((float(s), float(t)))
            if len(starts) == _STARTS:
                break
    if not starts:
        return []
    pair, step = np.array(starts), 1.0 / _NODES
    offsets = np.stack(np.meshgrid(np.arange(-2, 3), np.arange(-2, 3), indexing="ij"), -1).reshape(-1, 2) / 2
    for _ in range(44):
        trial = pair[:, None, :] + step * offsets
        trial = trial if closed else np.clip(trial, 0.0, 1.0)
        s, t = trial[..., 0].ravel(), trial[..., 1].ravel()
        points, tangents = embed(np.concatenate([s, t]))
        count = len(s)
        with np.errstate(all="ignore"):
            value = _quotients(points[:count], tangents[:count], points[count:], inward(s))
            close = np.abs(points[:count] - points[count:]).max(axis=1) < 1e-7 * scale
        distance = np.abs(s - t)
        distance = np.minimum(np.mod(distance, 1.0), 1 - np.mod(distance, 1.0)) if closed else distance
        value[~np.isfinite(value) | (distance < 1.0 / _NODES)] = math.inf
        value[close & (distance < 4.0 / _NODES)] = math.inf
        choice = value.reshape(len(pair), -1).argmin(axis=1)
        pair = trial[np.arange(len(pair)), choice]
        step *= 0.6
    u = edges(chart, (np.mod(pair, 1.0) if closed else pair).ravel()).reshape(-1, 2)
    return [(float(a), float(b)) for a, b in u if low <= a <= high and low <= b <= high and a != b]


def _apart(a: float, b: float, closed: bool) -> float:
    d = abs(float(a) - float(b))
    return min(d, 1 - d) if closed else d


def _certified_quotient(chart: Chart, closed: bool, s: float, t: float) -> float:
    """Certified upper bound of the Federer quotient of the points at parameters s and t, with the tangent at s; inf
    where ball arithmetic cannot tell the two points apart."""
    with precision(BITS):
        ops = ball_operations()
        p, rows = chart.differentiate([ops.real(s)], ops)
        q = chart.evaluate([ops.real(t)], ops)
        gap = [ops.real(b) - ops.real(a) for a, b in zip(p, q, strict=True)]
        tangent = [ops.real(row[0]) for row in rows]
        square, speed, along = (
            sum((a * b for a, b in zip(v, w, strict=True)), ops.real(0.0))
            for v, w in ((gap, gap), (tangent, tangent), (gap, tangent))
        )
        if not (square > 0 and speed > 0):
            return math.inf
        outward = not closed and ((s == chart.lower[0] and along < 0) or (s == chart.upper[0] and along > 0))
        normal = square if outward else square - along * along / speed
        if not normal > 0:
            return math.inf
        ball = square / (2 * ops.sqrt(normal))
        value = float(ball.upper())
        return math.nextafter(value, math.inf) if math.isfinite(value) else math.inf
