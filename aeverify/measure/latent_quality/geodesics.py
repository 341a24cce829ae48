"""Geodesic distances: lengths of shortest paths within K.

Known in closed form, or by quadrature of a smooth speed:

- a circle of radius r: 2 pi r min(t, 1 - t) for two angles t turns apart; the product of circles (a flat torus), and
  any product: the root of the sum of squares, since a shortest path of a product projects to shortest paths;
- a sphere of radius r: r times the angle, 2 atan2(|u - v|, |u + v|) of unit vectors, which is right to the last digits
  at both ends;
- a ball is convex: the distance itself; a Swiss roll is flat: the distance in the unrolled rectangle, which is convex;
- any other curve with one chart: the length s of the arc between the two points, or the lesser of s and L - s where it
  is closed. s by Gauss-Legendre quadrature of the speed, which is held against the enclosed length of K;
- a similarity multiplies lengths by its factor.

Elsewhere only the graph of nearest neighbours of a sample is left (as in Isomap): sums of chords undercut arcs, and
paths through sample points exceed shortest ones, so that it bounds the distance on neither side and is EMPIRICAL.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from aeverify.errors import MeasurementError, UsageError
from aeverify.manifolds.base import Manifold
from aeverify.manifolds.chart import Chart
from aeverify.manifolds.curves import Circle
from aeverify.manifolds.discs import Ball
from aeverify.manifolds.flat import FlatTorus
from aeverify.manifolds.products import Product
from aeverify.manifolds.spheres import Sphere
from aeverify.manifolds.surfaces import SwissRoll
from aeverify.manifolds.transforms import Transformed
from aeverify.measure.latent_quality.distances import FloatArray

Distances = Callable[[FloatArray, FloatArray], FloatArray]
"""From chart parameters (p, dim) and (q, dim) to geodesic distances (p, q)."""

_PANELS = 512
_NODES = 10
_AGREEMENT = 1e-6


def geodesic_distances(manifold: Manifold) -> Distances | None:
    """Geodesic distances of a connected set with one chart, by its parameters, up to rounding (and, for curves other
    than circles, quadrature to a millionth of the length at the worst); None where neither is known."""
    if isinstance(manifold, Circle):
        return _turns((2.0 * math.pi * manifold.radius,))
    if isinstance(manifold, FlatTorus):
        return _turns(tuple(2.0 * math.pi * r for r in manifold.radii))
    if isinstance(manifold, Sphere):
        return _great_circles(manifold)
    if isinstance(manifold, Ball):
        return lambda u, v: _straight(manifold.chart.embed(u), manifold.chart.embed(v))
    if isinstance(manifold, SwissRoll):
        return lambda u, v: _straight(_unrolled(u), _unrolled(v))
    if isinstance(manifold, Product):
        return _product(manifold)
    if isinstance(manifold, Transformed):
        base, factor = geodesic_distances(manifold.base), manifold.factor
        return None if base is None else lambda u, v: factor * base(u, v)
    if len(manifold.components) == 1 and manifold.chart.dim == 1:
        return _along(manifold)
    return None


def _straight(a: FloatArray, b: FloatArray) -> FloatArray:
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(a, b), dtype=np.float64)


def _turns(lengths: tuple[float, ...]) -> Distances:
    def distances(u: FloatArray, v: FloatArray) -> FloatArray:
        squares = np.zeros((len(u), len(v)))
        for i, length in enumerate(lengths):
            apart = np.abs(u[:, i, None] - v[None, :, i])
            apart = np.minimum(apart, 1.0 - apart) * length
            if len(lengths) == 1:
                return np.asarray(apart)
            squares += np.square(apart)
        return np.sqrt(squares)

    return distances


def _great_circles(sphere: Sphere) -> Distances:
    def distances(u: FloatArray, v: FloatArray) -> FloatArray:
        a, b = sphere.chart.embed(u), sphere.chart.embed(v)
        return np.asarray(2.0 * sphere.radius * np.arctan2(_straight(a, b), _straight(a, -b)))

    return distances


def _unrolled(parameters: FloatArray) -> FloatArray:
    """Points of the rectangle: the length of the arc (t cos t, t sin t) is (t (1 + t^2)^(1/2) + asinh t) / 2."""
    t = 2.0 * math.pi * parameters[:, 0]
    return np.column_stack([(t * np.sqrt(1.0 + t * t) + np.arcsinh(t)) / 2.0, parameters[:, 1]])


def _product(manifold: Product) -> Distances | None:
    parts: list[tuple[Distances, slice]] = []
    start = 0
    for factor in manifold.factors:
        found = geodesic_distances(factor)
        if found is None:
            return None
        parts.append((found, slice(start, start + factor.chart.dim)))
        start += factor.chart.dim

    def distances(u: FloatArray, v: FloatArray) -> FloatArray:
        return np.asarray(np.sqrt(sum(np.square(d(u[:, part], v[:, part])) for d, part in parts)))

    return distances


def _along(curve: Manifold) -> Distances:
    position, length = _arc_positions(curve)
    closed = curve.truth.closed

    def distances(u: FloatArray, v: FloatArray) -> FloatArray:
        apart = np.abs(position(u[:, 0])[:, None] - position(v[:, 0])[None, :])
        return np.asarray(np.minimum(apart, np.maximum(length - apart, 0.0)) if closed else apart)

    return distances


def _arc_positions(curve: Manifold) -> tuple[Callable[[FloatArray], FloatArray], float]:
    """The length of a curve up to a parameter, and its whole length.

    Raises:
        MeasurementError: quadrature misses the enclosed length of the curve by more than a millionth.
    """
    chart = curve.chart
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    edges = np.linspace(chart.lower[0], chart.upper[0], _PANELS + 1)

    def integral(low: FloatArray, high: FloatArray) -> FloatArray:
        half = (high - low) / 2.0
        at = low[:, None] + half[:, None] * (nodes + 1.0)
        return np.asarray(half * (_speed(chart, at.ravel()).reshape(at.shape) @ weights))

    upto = np.concatenate([[0.0], np.cumsum(integral(edges[:-1], edges[1:]))])
    known = curve.truth.volume
    if not known.lower * (1.0 - _AGREEMENT) <= upto[-1] <= known.upper * (1.0 + _AGREEMENT):
        raise MeasurementError(
            f"The length of {curve} by quadrature, {upto[-1]:.9g}, is not the known one, {known}, so its geodesic "
            "distances are not known well enough: leave `geodesic` out."
        )

    def position(u: FloatArray) -> FloatArray:
        panel = np.clip(np.searchsorted(edges, u, side="right") - 1, 0, _PANELS - 1)
        return np.asarray(upto[panel] + integral(edges[panel], u))

    return position, float(upto[-1])


def _speed(chart: Chart, parameters: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(chart.jacobian(parameters[:, None])[:, :, 0], axis=1))


def graph_distances(points: FloatArray, neighbours: int = 10) -> FloatArray:
    """Lengths (n, n) of shortest paths along the graph that joins each point with its nearest ones.

    Raises:
        UsageError: the number of neighbours is not between 1 and n - 1, or the graph is not connected.

    Cost: n searches of the graph: about a second for 2000 points.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components, dijkstra
    from scipy.spatial import cKDTree

    n = len(points)
    if isinstance(neighbours, bool) or not isinstance(neighbours, int) or not 1 <= neighbours < n:
        raise UsageError(f"The graph needs from 1 to {n - 1} neighbours a point, got {neighbours!r}.")
    lengths, partners = cKDTree(points).query(points, k=neighbours + 1)
    # stored zeros stay edges of length 0, so that equal points are joined; a point's edge to itself does no harm
    starts = np.arange(0, n * (neighbours + 1) + 1, neighbours + 1)
    graph = csr_array((lengths.ravel(), partners.ravel(), starts), shape=(n, n))
    parts, label = connected_components(graph, directed=False)
    if parts > 1:
        raise UsageError(
            f"The graph of {neighbours} nearest neighbours falls into {parts} parts (the largest has "
            f"{int(np.bincount(label).max())} of {n} points), between which no geodesic distance is known: raise "
            "`graph_neighbours`, give more points, or look at each component of K alone."
        )
    return np.asarray(dijkstra(graph, directed=False), dtype=np.float64)
