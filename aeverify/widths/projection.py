"""Truncation: linear encoders with affine decoders, their sup error enclosed over the charts.

E(x) = Q^T x and D(z) = r + Q z for any n x m matrix Q and any r make an autoencoder; its error at x is
|x - r - Q Q^T x|, whatever the rounding of Q. Q comes from the principal components of a grid (what PCA does, but r is
moved to the middle of the residuals, since the largest error counts and not the mean); for m = n - 1 also from the
direction of least width of the grid: half the least width of K bounds w_{n-1} from above, and on convex bodies it is
the width (`aeverify.widths.convex`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.manifolds import Manifold
from aeverify.manifolds.chart import Chart, FloatArray, Formula, Operations
from aeverify.widths.extremes import largest_norm
from aeverify.widths.method import upper_bound

_GRID = 2048
_MOST_BOXES = 1 << 13
_MOST_ENTRIES = 1024
_MOST_CHART_DIM = 3
_SIDES = {1: 16, 2: 8, 3: 4}

PINKUS = Citation(
    "Pinkus 1985, n-Widths in Approximation Theory",
    "derived in aeverify.widths.projection",
    "a linear projection is an autoencoder; its largest residual bounds the width from above",
)


def truncation_bound(part: Manifold, latent_dim: int) -> Evidence | None:
    """Upper bound of the width from the best linear projection found, CERTIFIED; None where charts have more than 3
    parameters or the matrix more than 1024 entries.

    Cost: 0.05 to 1 s.
    """
    n, m = part.ambient_dim, latent_dim
    if m >= n or n * m > _MOST_ENTRIES or any(k.chart.dim > _MOST_CHART_DIM for k in part.components):
        return None
    x = part.grid(_GRID).points
    centred = x - x.mean(axis=0)
    # Sets of equal extent in several directions have no principal axes; a slight weight makes the choice the same
    # on every machine.
    weighted = centred * (1 + 1e-5 * np.arange(n)[::-1])
    axes = np.linalg.eigh(weighted.T @ weighted)[1].T[::-1]
    matrices = [axes[:m].T]
    if m == n - 1:
        normal = _least_width_direction(centred, axes[-1])
        matrices.append(np.linalg.svd(normal[None, :])[2][1:].T)
    found = []
    for q in matrices:
        residual = x - (x @ q) @ q.T
        middle = _middle(residual)
        found.append((float(np.linalg.norm(residual - middle, axis=1).max()), q, middle))
    _, q, middle = min(found, key=lambda f: f[0])
    value = max(_largest_residual(k.chart, q, middle) for k in part.components)
    return upper_bound(
        "linear truncation",
        value,
        Rigor.CERTIFIED,
        f"Largest residual of a projection to {m} dimension{'s' if m > 1 else ''}, enclosed over all of K.",
        "E is linear and D affine: the error at x is the norm of the residual of x.",
        PINKUS,
        matrix=[[float(v) for v in row] for row in q] if q.size <= 16 else None,
        offset=[float(v) for v in middle] if q.size <= 16 else None,
    )


def _largest_residual(chart: Chart, q: FloatArray, middle: FloatArray) -> float:
    n, m = q.shape

    def residual(parameters: Sequence[Any], ops: Operations) -> list[Any]:
        x = [ops.real(c) for c in chart.formula(parameters, ops)]
        code = [_dot(x, q[:, j], ops) for j in range(m)]
        return [x[i] - _dot(code, q[i], ops) - float(middle[i]) for i in range(n)]

    def formula(_: np.ndarray) -> Formula:
        return residual

    sides = _SIDES[chart.dim]
    steps = np.stack(np.meshgrid(*[np.arange(sides)] * chart.dim, indexing="ij"), axis=-1).reshape(-1, chart.dim)
    low, high = np.array(chart.lower), np.array(chart.upper)
    edges = low + (high - low) * (np.arange(sides + 1) / sides)[:, None]
    edges[-1] = high
    axes = np.arange(chart.dim)
    return largest_norm(formula, edges[steps, axes], edges[steps + 1, axes], 1e-4, _MOST_BOXES).upper


def _dot(x: Sequence[Any], weights: FloatArray, ops: Operations) -> Any:
    total = ops.real(0.0)
    for value, weight in zip(x, weights.tolist(), strict=True):
        if weight:
            total = value * weight + total
    return total


def _middle(points: FloatArray) -> FloatArray:
    """About the centre of the smallest ball of the points (Badoiu and Clarkson's walk)."""
    center: FloatArray = points.mean(axis=0)
    best, least = center, np.inf
    for i in range(400):
        away = ((points - center) ** 2).sum(axis=1)
        far = int(away.argmax())
        if away[far] < least:
            best, least = center, away[far]
        center = center + (points[far] - center) / (i + 2)
    return best


def _least_width_direction(x: FloatArray, start: FloatArray) -> FloatArray:
    """A direction in which points are about least wide: a scan in the plane, else descent from the start."""

    def width(v: FloatArray) -> float:
        along = x @ v
        return float((along.max() - along.min()) / np.linalg.norm(v))

    if x.shape[1] == 2:
        angles = np.pi * np.arange(720) / 720
        step = np.pi / 720
        best = float(min(angles, key=lambda a: width(np.array([np.cos(a), np.sin(a)]))))
        for _ in range(40):
            best = float(min((best - step, best, best + step), key=lambda a: width(np.array([np.cos(a), np.sin(a)]))))
            step *= 0.7
        return np.array([np.cos(best), np.sin(best)])
    from scipy.optimize import minimize

    found = minimize(width, start, method="Nelder-Mead", options={"maxiter": 400})
    v = np.asarray(found.x, dtype=np.float64)
    return v / np.linalg.norm(v)
