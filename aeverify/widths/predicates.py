"""Predicates: exact integers of polygons, winding and linking numbers and crossing parities, whatever the rounding.

Coordinates are the floating-point numbers that they are. Signs of determinants are decided in float64 where the value
exceeds a proved bound of its rounding error (8 units of 2^-52 of the sum of the absolute values of all its products,
several times Shewchuk's 1997 constant for three dimensions), and in rational arithmetic else.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from aeverify.manifolds.chart import FloatArray

_FILTER = 2.0**-48


def winding_number(points: Sequence[tuple[Fraction, Fraction]]) -> int | None:
    """Winding number of a closed polygon of the plane about the origin; None where the origin is on the polygon.

    Counts the edges that cross the positive first axis, upwards less downwards: an edge from below (second coordinate
    at most 0) to above crosses it if the origin lies on its left.

    Example:
        >>> square = [(Fraction(x), Fraction(y)) for x, y in ((1, 1), (-1, 1), (-1, -1), (1, -1))]
        >>> winding_number(square)
        1
    """
    total = 0
    for (a, b), (c, d) in zip(points, (*points[1:], points[0]), strict=True):
        side = a * d - b * c
        if side == 0 and a * c <= 0 and b * d <= 0:
            return None
        if b <= 0 < d and side > 0:
            total += 1
        elif d <= 0 < b and side < 0:
            total -= 1
    return total


def orientation(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> np.ndarray:
    """Signs of det(b - a, c - a, d - a) for points of shape (..., 3), broadcast together, not all of one row: -1, 0 or
    1, exact.

    Differences of floating-point numbers are rounded by one part in 2^53 each, which the filter covers.
    """
    u, v, w = b - a, c - a, d - a
    terms = []
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        terms.append(u[..., i] * (v[..., j] * w[..., k] - v[..., k] * w[..., j]))
    size = sum(
        np.abs(u[..., i]) * (np.abs(v[..., j] * w[..., k]) + np.abs(v[..., k] * w[..., j]))
        for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1))
    )
    value = terms[0] + terms[1] + terms[2]
    signs: np.ndarray = np.sign(value).astype(np.int64)
    open_ = ~(np.abs(value) > _FILTER * size)
    if open_.any():
        shape = value.shape
        rows = [np.broadcast_to(x, (*shape, 3))[open_] for x in (a, b, c, d)]
        signs[open_] = [_exact(*points) for points in zip(*rows, strict=True)]
    return signs


def _exact(*points: FloatArray) -> int:
    a, *others = ([Fraction(float(x)) for x in p] for p in points)
    u, v, w = ([x - y for x, y in zip(p, a, strict=True)] for p in others)
    value = u[0] * (v[1] * w[2] - v[2] * w[1]) + u[1] * (v[2] * w[0] - v[0] * w[2]) + u[2] * (v[0] * w[1] - v[1] * w[0])
    return (value > 0) - (value < 0)


def crossings(start: FloatArray, end: FloatArray, a: FloatArray, b: FloatArray, c: FloatArray) -> np.ndarray | None:
    """Signs with which segments cross triangles, shapes (..., 3) broadcast together: 0 where they do not meet, 1 where
    the segment goes to the side from which a, b, c run counterclockwise, -1 the other way; None where some segment
    and triangle touch in a way that is not a crossing, so that another position must be tried."""
    low, high = orientation(a, b, c, start), orientation(a, b, c, end)
    apart = low * high > 0
    out: np.ndarray = np.zeros(apart.shape, dtype=np.int64)
    rows = np.nonzero(~apart)
    if not len(rows[0]):
        return out
    shape = (*apart.shape, 3)
    s, e, p, q, r = (np.broadcast_to(x, shape)[rows] for x in (start, end, a, b, c))
    sides = np.stack([orientation(s, e, p, q), orientation(s, e, q, r), orientation(s, e, r, p)])
    inside = (sides > 0).all(axis=0) | (sides < 0).all(axis=0)
    outside = (sides > 0).any(axis=0) & (sides < 0).any(axis=0)
    below, above = low[rows], high[rows]
    if bool((~outside & ~(inside & (below * above < 0))).any()):
        return None
    out[rows] = np.where(inside, np.sign(above - below), 0)
    return out


def linking_number(first: FloatArray, second: FloatArray) -> int | None:
    """Linking number of two disjoint closed polygons in R^3, shapes (N, 3) and (M, 3): exact; None where no position
    that was tried is general.

    It is the number of crossings, with signs, of the first polygon with a cone over the second, a surface that the
    second bounds, from whatever apex.
    """
    rng = np.random.Generator(np.random.PCG64(0))
    center = second.mean(axis=0)
    size = float(np.abs(second - center).max())
    end, following = np.roll(first, -1, axis=0), np.roll(second, -1, axis=0)
    for _ in range(5):
        apex = center + size * rng.uniform(-0.1, 0.1, 3)
        total = 0
        for i in range(0, len(second), 64):
            part = slice(i, i + 64)
            found = crossings(first[:, None], end[:, None], apex[None, None], second[None, part], following[None, part])
            if found is None:
                break
            total += int(found.sum())
        else:
            return total
    return None


def is_inside(point: FloatArray, triangles: FloatArray) -> bool | None:
    """Whether a ray from a point meets closed triangles, shape (N, 3, 3), an odd number of times; None where no ray
    that was tried is general."""
    rng = np.random.Generator(np.random.PCG64(0))
    size = float(np.abs(triangles - point).max())
    for _ in range(5):
        direction = rng.standard_normal(3)
        far = point + 8 * size * direction / np.linalg.norm(direction)
        found = crossings(point[None], far[None], triangles[:, 0], triangles[:, 1], triangles[:, 2])
        if found is not None:
            return bool(np.abs(found).sum() % 2)
    return None
