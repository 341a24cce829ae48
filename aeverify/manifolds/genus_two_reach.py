"""Reach and curvature of the closed surface of genus 2 about a figure eight, in the notation of `genus_two`.

S = {F = 0}, F = f^2 + z^2 - c^2, f = X^4 - X^2 + y^2, X = x - 1, and P = {|f| <= c} is its shadow in the plane z = 0.

For p, r on S: F(r) = F(p) gives <r - p, grad F(p)> = -(r - p)^T H (r - p) / 2 with H an average of the Hessians of F on
the segment, so Federer's quotient |r - p|^2 / 2 dist(r - p, Tan_p) is at least |grad F(p)| / M, M a bound of the norms
of the Hessians on the segment. It is also at least |r - p| / 2. So

    reach >= h  if  |grad F(p)| >= h max over the ball about p of radius 2 h of |Hess F|  for every p on S,

which is checked on boxes of (X, y) that cover P, with |grad F|^2 = 4 (c^2 + f^2 (|grad f|^2 - 1)) on S and
Hess F = (2 grad f grad f^T + 2 f Hess f) + 2 dz^2. Upper end: c, half the distance of (0, 0, +-c), and the radius of
normal curvature at a point of the plane y = 0 in the direction of that plane.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from aeverify.core.interval import Interval
from aeverify.manifolds.balls import closed_form
from aeverify.manifolds.chart import NUMPY, Operations
from aeverify.manifolds.intervals import IntervalArray

HERE = "derived in aeverify.manifolds.genus_two_reach"

_COARSEST, _FINEST = 6, 11
_REACH_STEPS = 8


@functools.lru_cache(maxsize=64)
def reach_bounds(c: float) -> tuple[Interval, Interval]:
    """Certified enclosures of the reach and of the largest normal curvature of the surface; see the module.

    Cost: about 1 s.
    """
    curvature = _curvature_lower(c)
    upper = min(c, math.nextafter(1 / curvature, math.inf))
    low, high = 0.0, upper
    for _ in range(_REACH_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if _reach_is_at_least(c, middle) else (low, middle)
    most = math.nextafter(1 / low, math.inf) if low > 0 else math.inf
    return Interval(low, upper), Interval(curvature, most)


def _curvature_lower(c: float) -> float:
    """Certified lower bound of the largest normal curvature: that of the section y = 0 at its best point on a grid."""

    def at(X: Any, ops: Operations) -> Any:
        f, slope, bend = X**4 - X**2, 4 * X**3 - 2 * X, 12 * X**2 - 2
        z2 = ops.real(c) * ops.real(c) - f**2
        # With F_X = 2 f f', F_XX = 2 f'^2 + 2 f f'', F_z = 2 z and F_zz = 2, all divided by 2.
        top = (slope**2 + f * bend) * z2 + (f * slope) ** 2
        square = (f * slope) ** 2 + z2
        return ops.sqrt(top * top) / (square * ops.sqrt(square))

    largest = math.sqrt(0.5 + math.sqrt(0.25 + c))
    X = largest * (np.arange(1, 8192) / 8192)
    with np.errstate(all="ignore"):
        values = at(X, NUMPY)
    values[np.abs(X**4 - X**2) > 0.9995 * c] = 0.0
    best = float(X[int(np.nanargmax(values))])
    return closed_form(lambda ops: at(ops.real(best), ops)).lower


def _reach_is_at_least(c: float, h: float) -> bool:
    """Whether the reach is proved to be at least h, on boxes of (X, y) that are cut until the proof succeeds."""
    n = 1 << _COARSEST
    # X <= 1.1 and y <= 0.71 on P, since X^2 <= 1/2 + (1/2)^(1/2) and y^2 <= f + 1/4; P is symmetric.
    cells = np.stack(np.meshgrid(np.arange(1.1 * n // 1 + 1), np.arange(0.71 * n // 1 + 1), indexing="ij"), axis=-1)
    low = cells.reshape(-1, 2) / n
    for level in range(_COARSEST, _FINEST + 1):
        side = 2.0**-level
        X, y = (IntervalArray(low[:, k], low[:, k] + side) for k in range(2))
        f, fx, fy = _level(X, y)
        on = (f.lower <= c) & (f.upper >= -c)
        f = IntervalArray(np.clip(f.lower, -c, c), np.clip(f.upper, -c, c))
        square = IntervalArray.exactly(c).square() + f.square() * (fx.square() + fy.square() - 1)
        gradient = 2 * square.sqrt()
        around = math.nextafter(2 * h, math.inf)
        ball = [IntervalArray(low[:, k], low[:, k] + side) + IntervalArray(-around, around) for k in range(2)]
        bad = on & ~(gradient.lower >= (IntervalArray.exactly(h) * _hessian_norm(*ball)).upper)
        if not bad.any():
            return True
        corners = low[bad]
        low = np.concatenate([corners + side / 2 * np.array(s) for s in ((0, 0), (0, 1), (1, 0), (1, 1))])
    return False


def _level(X: IntervalArray, y: IntervalArray) -> tuple[IntervalArray, IntervalArray, IntervalArray]:
    """f and its two partial derivatives."""
    # X^4 - X^2 = (X^2 - 1/2)^2 - 1/4 names the variable once.
    square = X.square()
    return (square - 0.5).square() - 0.25 + y.square(), 2 * X * (2 * square - 1), 2 * y


def _hessian_norm(X: IntervalArray, y: IntervalArray) -> IntervalArray:
    """Enclosures whose upper ends bound the spectral norm of the Hessian of F."""
    f, fx, fy = _level(X, y)
    first = 2 * fx.square() + 2 * f * (12 * X.square() - 2)
    second = 2 * fy.square() + 4 * f
    mixed = 2 * fx * fy
    half = (first + second) * 0.5
    root = (((first - second) * 0.5).square() + mixed.square()).sqrt()
    norm = IntervalArray.exactly(half.magnitude) + root
    return IntervalArray(np.maximum(norm.lower, 2.0), np.maximum(norm.upper, 2.0))
