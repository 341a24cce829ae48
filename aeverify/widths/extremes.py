"""Extremes: certified least and largest norm of a vector function on boxes, by branch and bound with Taylor remainders.

Distances between curves, points, lines and surfaces are norms |f(u)| of a formula f on a box of parameters. For
g = |f|^2, a box with centre c and half sides h_i, every u in it has

    g(u) = g(c) + sum_i g_i(c) (u_i - c_i) + sum_{i <= j} g_ij(x) (u_i - c_i)(u_j - c_j)

with Taylor coefficients g_ij at some x in the box (Taylor's formula with Lagrange's remainder along the segment).
Interval jets enclose g(c), g_i(c) and all g_ij on the box, so

    g >= g(c) - sum_i |g_i(c)| h_i + sum_i min(0, g_ii) h_i^2 - sum_{i < j} |g_ij| h_i h_j,

and g >= the square of the interval of f; the larger counts. Boxes whose lower bound is below what is wanted are cut in
two, along the side that contributes most. The excess falls with the square of the side, so few boxes are needed. For
the largest norm the same is done for -g.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aeverify.core.interval import Interval
from aeverify.manifolds.chart import FloatArray, Formula
from aeverify.manifolds.intervals import IntervalArray
from aeverify.manifolds.jets import Jet, as_interval, interval_jets

FormulaOf = Callable[[np.ndarray], Formula]
"""Maps the indices of the boxes that some columns of parameters belong to, to the formula of these boxes."""

_MOST_BOXES = 1 << 16
_MOST_ROUNDS = 60


def least_norm(
    formula: FormulaOf, lower: Any, upper: Any, tolerance: float = 1e-4, most: int = _MOST_BOXES, enough: float = 0.0
) -> Interval:
    """Certified enclosure of the least norm of a vector function on N boxes.

    Args:
        formula: gives the formula of the boxes of given indices (0 to N - 1; parts of a box keep its index).
        lower, upper: corners, shape (N, d).
        tolerance: where to stop, as a share of the norm.
        most: boxes in work at most; then the enclosure reached is returned.
        enough: a norm above which boxes need no further cut, where only a bound is asked for.

    Cost: about 30 microseconds a box and coordinate.
    """
    low, high, _ = _search(formula, lower, upper, 1.0, tolerance, most, enough)
    return Interval(low, max(low, high))


def largest_norm(
    formula: FormulaOf, lower: Any, upper: Any, tolerance: float = 1e-4, most: int = _MOST_BOXES
) -> Interval:
    """Certified enclosure of the largest norm of a vector function on N boxes; see `least_norm`."""
    low, high, _ = _search(formula, lower, upper, -1.0, tolerance, most, 0.0)
    return Interval(min(low, high), high)


def least_norm_at(
    formula: FormulaOf, lower: Any, upper: Any, tolerance: float = 1e-4, most: int = _MOST_BOXES
) -> tuple[Interval, FloatArray]:
    """As `least_norm`, and parameters (d,) at which the norm is at most the upper end."""
    low, high, where = _search(formula, lower, upper, 1.0, tolerance, most, 0.0)
    return Interval(low, max(low, high)), where


def _search(
    formula: FormulaOf, lower: Any, upper: Any, sign: float, tolerance: float, most: int, enough: float
) -> tuple[float, float, FloatArray]:
    """Lower and upper end of the least (sign 1) or largest (sign -1) norm, and where the attained end is attained."""
    low, high = np.array(lower, dtype=np.float64), np.array(upper, dtype=np.float64)
    index = np.arange(len(low))
    attained, proved, where = math.inf, math.inf, low[0]
    for _ in range(_MOST_ROUNDS):
        middle = 0.5 * low + 0.5 * high
        # What overflows is replaced by the infinite end that it stands for.
        with np.errstate(all="ignore"):
            floor, value, push = _bounds(formula(index), low, high, middle, sign)
        best = int(value.argmin())
        if value[best] < attained:
            attained, where = float(value[best]), middle[best]
        # Of squares: twice the share.
        wanted = attained - 2 * tolerance * abs(attained)
        if sign > 0 and enough > 0:
            wanted = min(wanted, enough * enough)
        open_ = floor < wanted
        if 2 * int(open_.sum()) > most:
            open_[:] = False
        done = floor[~open_]
        if len(done):
            proved = min(proved, float(done.min()))
        if not open_.any():
            break
        low, high, index = _halved(low[open_], high[open_], index[open_], push[open_])
    else:
        proved = min(proved, float(floor[open_].min()))
    # proved <= sign g everywhere, and sign g <= attained somewhere.
    if sign > 0:
        return _root(proved, -1), _root(attained, 1), where
    return _root(-attained, -1), _root(-proved, 1), where


def _root(square: float, side: int) -> float:
    """Square root of a bound of a square, rounded to its side; 0 for what is negative."""
    return max(0.0, math.nextafter(math.sqrt(max(0.0, square)), side * math.inf))


def _halved(
    low: FloatArray, high: FloatArray, index: np.ndarray, push: FloatArray
) -> tuple[FloatArray, FloatArray, np.ndarray]:
    axis, rows = push.argmax(axis=1), np.arange(len(low))
    cut = 0.5 * low[rows, axis] + 0.5 * high[rows, axis]
    left, right = high.copy(), low.copy()
    left[rows, axis] = cut
    right[rows, axis] = cut
    return np.concatenate([low, right]), np.concatenate([left, high]), np.concatenate([index, index])


def _bounds(
    formula: Formula, low: FloatArray, high: FloatArray, middle: FloatArray, sign: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of sign |f|^2 on each box: a lower bound, an upper bound of the value at the middle, and by how much each side
    lowers the bound."""
    count, d = low.shape
    half = np.nextafter(np.maximum(high - middle, middle - low), np.inf)

    def square(parameters: Sequence[Any], ops: Any) -> list[Any]:
        total: Any = 0.0
        for c in formula(parameters, ops):
            total = total + (c if isinstance(c, Jet) else as_interval(c)).square()
        return [total * sign]

    (at,) = interval_jets(square, IntervalArray.exactly(middle), 1)
    (on,) = interval_jets(square, IntervalArray(low, high), 2)

    def table(x: Any) -> IntervalArray:
        found = as_interval(x)
        return IntervalArray(np.broadcast_to(found.lower, count), np.broadcast_to(found.upper, count))

    value, size = table(at.constant), np.zeros(count)
    push = np.zeros((count, d))
    floor = value.lower.copy()
    unit = np.eye(d, dtype=int)
    for i in range(d):
        slope = table(at.coefficient(tuple(unit[i]))).magnitude * half[:, i]
        bend = np.minimum(0.0, table(on.coefficient(tuple(2 * unit[i]))).lower) * half[:, i] ** 2
        floor += bend - slope
        push[:, i] += slope - bend
        for j in range(i):
            mixed = table(on.coefficient(tuple(unit[i] + unit[j]))).magnitude * half[:, i] * half[:, j]
            floor -= mixed
            push[:, i] += mixed
            push[:, j] += mixed
    size = np.abs(value.lower) + push.sum(axis=1)
    # Fewer than 8 + 4 d^2 roundings of numbers of at most this size each.
    floor -= size * (8 + 4 * d * d) * 2.0**-52 + 1e-300
    floor = np.where(np.isnan(floor), -np.inf, floor)
    natural = table(on.constant)
    return np.maximum(floor, natural.lower), value.upper, push
