"""Normal curvature of surfaces: certified enclosures of the largest one from a chart with two parameters.

In an orthonormal frame of the tangent plane II(w, w) = H + A cos 2a + B sin 2a for the unit tangent w at the angle a.
The vectors H, A and B are bounded on boxes by their Taylor polynomials of first order with Lagrange's remainder, the
angle is sampled (`_normal_curvatures`), and boxes with the largest bounds are halved.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from aeverify.core.interval import Interval
from aeverify.errors import UsageError
from aeverify.manifolds.chart import Chart, FloatArray
from aeverify.manifolds.intervals import INTERVALS, IntervalArray
from aeverify.manifolds.jets import Jet, JetOperations, coefficient_table, variables

_CURVATURE_GRID = 24
_DIRECTIONS = 128
_ROWS = 4096
_MOST_BOXES = 100_000


def box_of(chart: Chart) -> tuple[FloatArray, FloatArray]:
    """Lower corner and sides of the box of a chart, each of shape (dim,)."""
    low = np.array(chart.lower)
    return low, np.array(chart.upper) - low


def _dot(a: Sequence[Any], b: Sequence[Any]) -> Any:
    total: Any = None
    for x, y in zip(a, b, strict=True):
        term = x.square() if x is y else x * y
        total = term if total is None else total + term
    return total


def _second_fundamental_form(chart: Chart, boxes: IntervalArray, order: int) -> list[list[Jet]]:
    """Jets in (u, v) of the vectors H, A, B with II(w, w) = H + A cos 2 a + B sin 2 a for the unit tangent w at the
    angle a in the orthonormal frame that Gram and Schmidt make of the partial derivatives."""
    count = boxes.shape[1]
    with np.errstate(all="ignore"):
        ops = JetOperations(INTERVALS)
        raw = chart.formula(variables([boxes[:, i] for i in range(count)], order + 2, INTERVALS.real(1.0)), ops)
        phi = [x if isinstance(x, Jet) else Jet({(0, 0): INTERVALS.real(x)}, order + 2) for x in raw]
        u, v = ([x.derivative(k).truncated(order) for x in phi] for k in range(2))
        uu, uv, vv = (
            [x.derivative(k).derivative(m).truncated(order) for x in phi] for k, m in ((0, 0), (0, 1), (1, 1))
        )
        # Frame e_1 = p u, e_2 = q (v - s u).
        e = _dot(u, u)
        s = _dot(u, v) / e
        p = 1 / ops.sqrt(e)
        first = [p * x for x in u]
        rest = [y - s * x for x, y in zip(u, v, strict=True)]
        q = 1 / ops.sqrt(_dot(rest, rest))
        second = [q * x for x in rest]
        pp, pq, qq = p.square(), p * q, q.square()
        bends = [
            [pp * x for x in uu],
            [pq * (y - s * x) for x, y in zip(uu, uv, strict=True)],
            [qq * (z - 2 * (s * y) + s.square() * x) for x, y, z in zip(uu, uv, vv, strict=True)],
        ]
        normal = []
        for bend in bends:
            along, across = _dot(bend, first), _dot(bend, second)
            normal.append([b - along * x - across * y for b, x, y in zip(bend, first, second, strict=True)])
        n11, n12, n22 = normal
        mean = [(x + y) * 0.5 for x, y in zip(n11, n22, strict=True)]
        return [mean, [(x - y) * 0.5 for x, y in zip(n11, n22, strict=True)], n12]


def _table(vectors: list[list[Jet]], index: tuple[int, int], count: int) -> IntervalArray:
    """One coefficient of the three vectors: shape (3, n, count)."""
    tables = [coefficient_table(v, index, count) for v in vectors]
    return IntervalArray(np.stack([t.lower for t in tables]), np.stack([t.upper for t in tables]))


_TURNS = 2 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
_WEIGHTS = np.stack([np.ones(_DIRECTIONS), np.cos(_TURNS), np.sin(_TURNS)])


def _normal_curvatures(chart: Chart, lower: FloatArray, upper: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """On boxes: certified upper bounds of the largest normal curvature (inf where the surface may not be regular),
    certified lower bounds of it at the middles, and for each parameter how much it adds to the upper bound.

    H + A cos b + B sin b runs through an ellipse. Between two samples at angles b apart by d it lies in the triangle
    that the tangents make, whose apex is H + (E_1 + E_2 - 2 H) / (2 cos^2 (d/2)); with |E_i| <= M and |H| <= sup |E| it
    follows that sup |E| <= M / cos^2 (d/2) + sup |E| tan^2 (d/2), that is sup |E| <= M / cos d. On a box the vectors
    are linear functions of the parameters up to a remainder, and norms of linear functions are largest at the corners.
    """
    c = np.clip(0.5 * lower + 0.5 * upper, lower, upper)
    h = np.nextafter(np.maximum(upper - c, c - lower), np.inf)
    count = len(c)
    at = _second_fundamental_form(chart, IntervalArray(c, c), 1)
    on = _second_fundamental_form(chart, IntervalArray(lower, upper), 2)
    with np.errstate(all="ignore"):
        value = _table(at, (0, 0), count)
        slopes = [_table(at, index, count) for index in ((1, 0), (0, 1))]
        remainder = [_table(on, index, count) for index in ((2, 0), (1, 1), (0, 2))]

        def size(x: FloatArray) -> FloatArray:
            """Sum over the three vectors of upper bounds of their norms."""
            norms: FloatArray = np.sqrt((x * x).sum(axis=1)).sum(axis=0) * (1 + 2.0**-40)
            return norms

        rounding = size(value.radius)
        losses = [rounding]
        for k in range(2):
            losses.append(h[:, k] * size(slopes[k].radius))
        seconds = [size(r.magnitude) for r in remainder]
        curved = [seconds[0] * h[:, 0] ** 2, seconds[1] * h[:, 0] * h[:, 1], seconds[2] * h[:, 1] ** 2]
        loss = sum(losses[1:], losses[0]) + curved[0] + curved[1] + curved[2]

        def largest(vectors: FloatArray) -> FloatArray:
            """Largest norm over the sampled directions, from vectors (3, n, N)."""
            out = np.zeros(count)
            for weights in _WEIGHTS.T:
                v = weights[0] * vectors[0] + weights[1] * vectors[1] + weights[2] * vectors[2]
                out = np.maximum(out, (v * v).sum(axis=0))
            return np.sqrt(out)

        middle = value.middle
        steps = [slopes[k].middle * h[:, k] for k in range(2)]
        corners = np.zeros(count)
        for p, q in itertools.product((-1.0, 1.0), repeat=2):
            corners = np.maximum(corners, largest(middle + p * steps[0] + q * steps[1]))
        scale = size(middle) + size(steps[0]) + size(steps[1])
        # Rounding of sums of a few products is far below 2^-40 of their sizes.
        above = (corners + loss + 2.0**-40 * scale) / math.cos(2 * math.pi / _DIRECTIONS) * (1 + 2.0**-40)
        below = largest(middle) - rounding - 2.0**-40 * scale
        share = np.stack(
            [size(steps[0]) * 0.1 + curved[0] + curved[1], size(steps[1]) * 0.1 + curved[1] + curved[2]], axis=1
        )
    return np.where(np.isnan(above), np.inf, above), np.nan_to_num(np.maximum(below, 0.0), nan=0.0), share


def normal_curvature_bounds(chart: Chart, tolerance: float = 1e-2) -> tuple[Interval, tuple[float, float]]:
    """Certified enclosure of the largest normal curvature of a surface, and parameters where its lower end is attained.

    The upper end is inf where the surface could not be proved to be regular. The upper end is at best 0.1 % above the
    truth, for the directions are sampled.

    Raises:
        UsageError: the chart has not two parameters.
    """
    if chart.dim != 2:
        raise UsageError(f"The chart of a surface has two parameters, got one with {chart.dim}.")
    low, side = box_of(chart)
    i, j = (x.ravel() for x in np.meshgrid(*(np.arange(_CURVATURE_GRID),) * 2, indexing="ij"))
    index = np.stack([i, j], axis=1)
    lower, upper = low + side * (index / _CURVATURE_GRID), low + side * ((index + 1) / _CURVATURE_GRID)
    largest, where, settled, spent = 0.0, (float(low[0]), float(low[1])), 0.0, 0
    while True:
        parts = [
            _normal_curvatures(chart, lower[k : k + _ROWS], upper[k : k + _ROWS]) for k in range(0, len(lower), _ROWS)
        ]
        above, below, share = (np.concatenate([p[k] for p in parts]) for k in range(3))
        c = np.clip(0.5 * lower + 0.5 * upper, lower, upper)
        best = int(below.argmax())
        if below[best] > largest:
            largest, where = float(below[best]), (float(c[best, 0]), float(c[best, 1]))
        spent += len(c)
        open_ = above > max(largest * (1 + tolerance), 1e-100)
        settled = max(settled, float(above[~open_].max(initial=0.0)))
        if not open_.any():
            break
        if spent > _MOST_BOXES:
            settled = max(settled, float(above[open_].max()))
            break
        lower, upper, c, share = lower[open_], upper[open_], c[open_], share[open_]
        share = np.where(np.isfinite(share).all(axis=1)[:, None], share, (upper - lower) / side)
        axis = share.argmax(axis=1)
        rows = np.arange(len(axis))
        left, right = upper.copy(), lower.copy()
        left[rows, axis] = c[rows, axis]
        right[rows, axis] = c[rows, axis]
        lower, upper = np.concatenate([lower, right]), np.concatenate([left, upper])
    return Interval(max(0.0, math.nextafter(largest, -math.inf)), settled), where
