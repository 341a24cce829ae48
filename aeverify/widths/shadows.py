"""Shadows: candidates for lines and circles that a closed curve winds around, far from it. A search in float64 over
polygons: nothing here is a bound."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np

from aeverify.manifolds.chart import FloatArray

Line: TypeAlias = tuple[FloatArray, FloatArray, float]
Ring: TypeAlias = tuple[FloatArray, FloatArray, FloatArray, float]

_DIRECTIONS = 48
_GRID = 21
_STARTS = 3
_RING = 48
_RADII = 8
_GOLDEN = math.pi * (3 - math.sqrt(5))


def line_candidates(points: FloatArray, *, plane: bool = False) -> list[Line]:
    """Lines (a point, a direction, the distance) around which a closed polygon of R^3, shape (N, 3), winds, farthest
    first; `plane` takes the third axis as the only direction."""
    x = points[:: max(1, len(points) // 256)]
    found = []
    for v in [np.array([0.0, 0.0, 1.0])] if plane else _directions(x):
        frame = _frame(v)
        flat = x @ frame.T
        low, high = flat.min(axis=0), flat.max(axis=0)
        steps = (np.arange(_GRID) + 0.5) / _GRID
        grid = np.stack(np.meshgrid(*(low + (high - low) * steps[:, None]).T), axis=-1).reshape(-1, 2)
        distance = np.where(_turns(flat, grid) != 0, _away(flat, grid), 0.0)
        best = int(distance.argmax())
        if distance[best] > 0:
            found.append((float(distance[best]), v, grid[best]))
    found.sort(key=lambda f: -f[0])
    out = [_climbed(points, v, at, plane) for _, v, at in found[:_STARTS]]
    return sorted(out, key=lambda line: -line[2])


def _climbed(points: FloatArray, v: FloatArray, at: FloatArray, plane: bool) -> Line:
    """The line after descent from a start, and after snapping to round numbers where that costs nothing."""
    from scipy.optimize import minimize

    frame = _frame(v)
    size = float(np.abs(points - points.mean(axis=0)).max())

    def line(z: FloatArray) -> tuple[FloatArray, FloatArray]:
        direction = v if plane else v + frame.T @ z[2:]
        return frame.T @ z[:2], direction / np.linalg.norm(direction)

    def value(p: FloatArray, direction: FloatArray) -> float:
        basis = _frame(direction)
        flat, here = points @ basis.T, (basis @ p)[None]
        return float(_away(flat, here)[0]) if _turns(flat, here)[0] else 0.0

    start = np.concatenate([at, np.zeros(0 if plane else 2)])
    steps = np.vstack([start, start + np.diag([0.05 * size] * 2 + [0.1] * (len(start) - 2))])
    found = minimize(
        lambda z: -value(*line(z)),
        start,
        method="Nelder-Mead",
        options={"maxiter": 300, "initial_simplex": steps, "xatol": 1e-9 * size, "fatol": 1e-10 * size},
    )
    p, direction = line(np.asarray(found.x))
    best = value(p, direction)
    unit = 10.0 ** math.floor(math.log10(size) - 2)
    axis = np.round(direction) + 0.0
    rounded = np.round(p / unit) * unit + 0.0
    options = [(rounded, direction), (p, direction)]
    if np.linalg.norm(direction - axis) < 0.02:
        options = [(rounded, axis), (p, axis), *options]
    for q, w in options:
        if value(q, w) >= best * (1 - 2e-4):
            return q, w, value(q, w)
    return p, direction, best


def loop_candidates(points: FloatArray) -> list[Ring]:
    """Circles (centre, two vectors of its plane of the length of the radius, the distance) that are linked with a
    closed polygon of R^3, shape (N, 3), farthest first: about axes through the middle, then by descent."""
    from scipy.optimize import minimize

    x = points[:: max(1, len(points) // 192)]
    middle = x.mean(axis=0)
    size = float(np.abs(x - middle).max())
    found = []
    for v in _axes(x):
        frame = _frame(v)
        away = np.linalg.norm((x - middle) @ frame.T, axis=1)
        for r in away.min() + (away.max() - away.min()) * (np.arange(_RADII) + 0.5) / _RADII:
            distance = _ring_value(x, middle, r * frame)
            if distance > 0:
                found.append((distance, v, float(r)))
    found.sort(key=lambda f: -f[0])
    out = []
    for _, v, r in found[:2]:
        frame = _frame(v)

        def ring(z: FloatArray, v: FloatArray = v, frame: FloatArray = frame) -> tuple[FloatArray, FloatArray]:
            direction = v + frame.T @ z[3:5]
            return z[:3], z[5] * _frame(direction / np.linalg.norm(direction))

        start = np.concatenate([middle, [0.0, 0.0, r]])
        steps = np.vstack([start, start + np.diag([0.1 * size] * 3 + [0.1] * 2 + [0.1 * r])])
        best = minimize(
            lambda z, ring=ring: -_ring_value(x, *ring(z)),
            start,
            method="Nelder-Mead",
            options={"maxiter": 120, "initial_simplex": steps},
        )
        center, vectors = ring(np.asarray(best.x))
        out.append((center, vectors[0], vectors[1], _ring_value(x, center, vectors)))
    return sorted(out, key=lambda o: -o[3])


def _ring_value(x: FloatArray, center: FloatArray, vectors: FloatArray) -> float:
    """Distance of a circle from the nodes of a polygon; 0 where the two are not linked."""
    turn = 2 * np.pi * np.arange(_RING) / _RING
    ring = center + np.outer(np.cos(turn), vectors[0]) + np.outer(np.sin(turn), vectors[1])
    distance = float(np.sqrt(((x[:, None] - ring[None]) ** 2).sum(axis=2).min()))
    return distance if round(abs(_gauss(x, ring))) else 0.0


def _gauss(x: FloatArray, y: FloatArray) -> float:
    """Gauss's linking integral by the midpoint rule."""
    dx, dy = np.roll(x, -1, axis=0) - x, np.roll(y, -1, axis=0) - y
    gap = (x + dx / 2)[:, None] - (y + dy / 2)[None]
    density = (np.cross(dx[:, None], dy[None]) * gap).sum(axis=2) / ((gap**2).sum(axis=2) ** 1.5 + 1e-300)
    return float(density.sum() / (4 * np.pi))


def _directions(x: FloatArray) -> list[FloatArray]:
    i = np.arange(_DIRECTIONS) + 0.5
    z, angle = i / _DIRECTIONS, _GOLDEN * i
    r = np.sqrt(1 - z**2)
    return [*_axes(x), *np.column_stack([r * np.cos(angle), r * np.sin(angle), z])]


def _axes(x: FloatArray) -> list[FloatArray]:
    """Coordinate axes and principal axes."""
    principal = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2]
    return [*np.eye(3), *principal]


def _frame(v: FloatArray) -> FloatArray:
    """Two orthonormal vectors orthogonal to a unit vector, as rows."""
    first = np.cross(v, np.eye(3)[int(np.abs(v).argmin())])
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(v, first)])


def _turns(flat: FloatArray, at: FloatArray) -> FloatArray:
    """Winding numbers of a closed polygon (N, 2) about points (M, 2)."""
    gap = flat[None] - at[:, None]
    angle = np.arctan2(gap[..., 1], gap[..., 0])
    steps = np.diff(np.concatenate([angle, angle[:, :1]], axis=1), axis=1)
    turns: FloatArray = np.round((steps - 2 * np.pi * np.round(steps / (2 * np.pi))).sum(axis=1) / (2 * np.pi))
    return turns


def _away(flat: FloatArray, at: FloatArray) -> FloatArray:
    """Distances of points (M, 2) from the nodes of a polygon (N, 2)."""
    away: FloatArray = np.sqrt(((flat[None] - at[:, None]) ** 2).sum(axis=2).min(axis=1))
    return away
