"""Extent: certified enclosures of the diameter, the circumradius and the gap of sets, from grids that cover them.

Nodes are evaluated in balls, so that a node is known within `error` of a point of the set, and every point of the set
is within eta of a node (eta: the covering radius, plus `error`). Distances between floating-point nodes are computed
in float64: the relative error of a Euclidean distance in R^n is below (n + 6) 2^-52, and what underflows is below
1e-150, far below any length that a manifold may have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aeverify.core.interval import Interval
from aeverify.manifolds.balls import certified_points
from aeverify.manifolds.base import Manifold
from aeverify.manifolds.chart import FloatArray

_TINY = 1e-150
_ROWS = 256
# Sets that meet never separate: on a curve 48 halvings, on a surface 24 a side, are below any gap that can be proved.
_MOST_ROUNDS = 48


@dataclass(frozen=True, eq=False)
class Cover:
    """Points that cover a set.

    Attributes:
        points: shape (N, n), float64.
        error: each point is within this distance of a point of the set.
        radius: each point of the set is within this distance of one of the points.
    """

    points: FloatArray
    error: float
    radius: float


def cover(components: Sequence[Manifold], n: int) -> Cover:
    """A Cover of the union of connected sets by about n points each, certified. Cost: about 20 microseconds a point."""
    parts, error, radius = [], 0.0, 0.0
    for component in components:
        grid = component.grid(n)
        points, off = certified_points(component.chart, grid.parameters)
        parts.append(points)
        error, radius = max(error, off), max(radius, grid.covering_radius.upper + off)
    return Cover(np.concatenate(parts), error, radius)


def distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """Euclidean distances in float64 between all rows of a (N, n) and of b (M, n): shape (N, M)."""
    squares = np.zeros((len(a), len(b)))
    for i in range(a.shape[1]):
        squares += (a[:, i, None] - b[None, :, i]) ** 2
    return np.sqrt(squares)


def distance_bounds(value: float, ambient_dim: int, error: float) -> Interval:
    """Enclosure of the distance of two exact points, where `value` is the distance computed in float64 of
    approximations of them whose errors add up to at most `error`."""
    slack = value * (ambient_dim + 8) * 2.0**-52 + error * (1 + 2.0**-50) + _TINY
    return Interval(max(0.0, math.nextafter(value - slack, -math.inf)), math.nextafter(value + slack, math.inf))


def diameter_bounds(k: Cover) -> Interval:
    """Certified enclosure of the largest distance of two points: at least that of two nodes, at most 2 eta more.
    Cost: quadratic in the number of nodes."""
    n = k.points.shape[1]
    value = max(float(distances(k.points[i : i + _ROWS], k.points).max()) for i in range(0, len(k.points), _ROWS))
    found = distance_bounds(value, n, 2 * k.error)
    return Interval(found.lower, distance_bounds(value, n, 2 * k.radius).upper)


def gap_bounds(a: Cover, b: Cover) -> Interval:
    """Certified enclosure of the distance of two sets: at most that of two nodes, at least that less eta_a + eta_b.
    Cost: quadratic in the number of nodes."""
    n = a.points.shape[1]
    value = min(float(distances(a.points[i : i + _ROWS], b.points).min()) for i in range(0, len(a.points), _ROWS))
    lower = distance_bounds(value, n, a.radius + b.radius).lower
    return Interval(lower, distance_bounds(value, n, a.error + b.error).upper)


def gap_between(a: Manifold, b: Manifold, tolerance: float = 1e-2, most: int = 16_384) -> Interval:
    """Certified enclosure of the distance of two connected sets, by branch and bound over the boxes of their charts.

    A box of parameters with centre c and half sides h_i is mapped into the ball about the centre's point of radius
    sum_i speed_i h_i (or the root of the sum of squares where the chart is orthogonal). The distance of the sets is at
    most that of any two centres, and at least the least distance of centres less the two radii, over boxes that
    are kept; a box is dropped when even so it is farther from the other set than the best two centres.

    Args:
        a, b: connected manifolds of one ambient space.
        tolerance: where to stop, as a share of the upper end.
        most: boxes a set at most; then the enclosure reached is returned.
    """
    from scipy.spatial import cKDTree

    sides = [Boxes(k) for k in (a, b)]
    lower, upper = 0.0, math.inf
    n = a.ambient_dim
    for _ in range(_MOST_ROUNDS):
        trees = [cKDTree(s.points) for s in sides]
        nearest = [np.asarray(trees[1 - i].query(sides[i].points)[0], dtype=np.float64) for i in range(2)]
        error = sides[0].error + sides[1].error
        upper = min(upper, distance_bounds(float(nearest[0].min()), n, error).upper)
        reached = [
            near - s.radii - float(sides[1 - i].radii.max())
            for i, (near, s) in enumerate(zip(nearest, sides, strict=True))
        ]
        slack = 2 * error + float(max(near.max() for near in nearest)) * (n + 16) * 2.0**-52 + _TINY
        lower = max(lower, float(reached[0].min()) - slack, float(reached[1].min()) - slack)
        kept = [r - slack <= upper for r in reached]
        size = max(int(k.sum()) for k in kept)
        if upper - lower <= tolerance * upper or 2 * size > most:
            break
        for s, k in zip(sides, kept, strict=True):
            s.refine(k)
    return Interval(max(0.0, math.nextafter(lower, -math.inf)), upper)


class Boxes:
    """Boxes of a chart: centres, half sides, certified points of the centres, and radii of balls that hold the
    images."""

    def __init__(self, manifold: Manifold) -> None:
        self.chart = manifold.chart
        low, high = np.array(self.chart.lower), np.array(self.chart.upper)
        self.centers, self.halves = ((low + high) / 2)[None, :], ((high - low) / 2)[None, :]
        for _ in range(6):
            self._bisect(np.ones(len(self.centers), dtype=bool))
        self._measure()

    def refine(self, kept: np.ndarray) -> None:
        """Cut every box whose flag is set in two along its longest image side, and drop the others."""
        self._bisect(kept)
        self._measure()

    def _bisect(self, kept: np.ndarray) -> None:
        centers, halves = self.centers[kept], self.halves[kept]
        rows = np.arange(len(centers))
        axis = (halves * np.array(self.chart.speed)).argmax(axis=1)
        halves = halves.copy()
        halves[rows, axis] /= 2
        shift = np.zeros_like(centers)
        shift[rows, axis] = halves[rows, axis]
        self.centers = np.concatenate([centers - shift, centers + shift])
        self.halves = np.concatenate([halves, halves])

    def _measure(self) -> None:
        self.points, self.error = certified_points(self.chart, self.centers)
        reach = self.halves * np.array(self.chart.speed)
        total = np.sqrt((reach**2).sum(axis=1)) if self.chart.orthogonal else reach.sum(axis=1)
        # Centres are rounded; a factor above 1 covers that and the rounding of the sum.
        self.radii: FloatArray = total * (1 + 2.0**-30) + self.error


def circumradius_bounds(k: Cover, iterations: int = 2000) -> Interval:
    """Certified enclosure of the radius of the smallest ball that holds the set.

    Upper end: the ball about any centre c that holds all nodes has radius max |x_i - c|, plus eta. Lower end: for any
    weights w_i >= 0 of sum 1, the square of the radius is at least sum_i w_i |x_i - s|^2 with s = sum_i w_i x_i, since
    every ball of radius r about c has r^2 >= sum_i w_i |x_i - c|^2 >= sum_i w_i |x_i - s|^2. Both ends are sound
    for whatever centre and weights the search (Badoiu and Clarkson's walk towards the farthest node) ends with; only
    how close they come depends on it. Rounding: nodes are first moved to the origin, so that s is off by at most about
    N 2^-52 radii, whose square does not show; the rest is sums of N non-negative terms, each of relative error below
    (N + n + 8) 2^-52.
    """
    x = k.points - k.points[0]
    count, n = x.shape
    moved = 2.0**-51 * math.sqrt(n) * float(np.abs(x).max())
    center, hits = x.mean(axis=0), np.zeros(count)
    best_upper, best_center = math.inf, center
    for i in range(iterations):
        d = distances(x, center[None, :])[:, 0]
        far = int(d.argmax())
        if d[far] < best_upper:
            best_upper, best_center = float(d[far]), center
        hits[far] += 1.0
        center = center + (x[far] - center) / (i + 2)
    # Late hits are near the contact points; weights on the nodes that nearly touch the best ball do best.
    best_lower = 0.0
    reached = distances(x, best_center[None, :])[:, 0] >= 0.99 * best_upper
    for weights in (hits, np.where(reached, hits, 0.0)):
        total = weights.sum()
        if total > 0:
            w = weights / total
            s = (w[:, None] * x).sum(axis=0)
            spread = float((w * ((x - s) ** 2).sum(axis=1)).sum() / w.sum())
            best_lower = max(best_lower, math.sqrt(spread) * (1 - (count + n + 16) * 2.0**-51))
    lower = math.nextafter(best_lower - (k.error + moved) * (1 + 2.0**-50) - _TINY, -math.inf)
    return Interval(max(0.0, lower), distance_bounds(best_upper, n, k.radius + moved).upper)
