"""Search: sign changes by bisection and large values by ascent, many starts at once, for any callable.

Nothing here is evidence. A search ends in points; what the model does at those points is the evidence.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from aeverify.manifolds.chart import Chart

FloatArray = NDArray[np.float64]

Function = Callable[[FloatArray], FloatArray]
"""Maps rows (N, d) to values (N,), or rows of one number given as (N,) to values (N,)."""

_HALVINGS = 1100
"""More halvings than there are between any two float64 numbers."""

_STEPS = np.array([16.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.25, 0.125])
_ZOOM = np.logspace(-1, -15, 29)


def bisect(function: Function, left: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Brackets (left, right) with a sign change each, halved until no float64 number lies between.

    Args:
        function: g on rows of one number, shape (N,) to (N,).
        left, right: ends with g(left) and g(right) of opposite sign (or a zero at an end), shape (N,).

    Returns:
        The shrunken brackets. g changes sign in each, as g is computed in float64: whether the real g does is for the
        caller to certify. Near 0 the halving stops at a width of 1e-17, so about 60 evaluations of N rows.
    """
    a, b = left.copy(), right.copy()
    positive = function(a) > 0
    for _ in range(_HALVINGS):
        middle = a + (b - a) / 2
        open_ = (middle > np.minimum(a, b)) & (middle < np.maximum(a, b)) & (np.abs(b - a) > 1e-17)
        if not open_.any():
            break
        same = np.zeros(len(a), dtype=bool)
        same[open_] = (function(middle[open_]) > 0) == positive[open_]
        a = np.where(open_ & same, middle, a)
        b = np.where(open_ & ~same, middle, b)
    return a, b


def largest_change(
    difference: Callable[[FloatArray, FloatArray], FloatArray], left: FloatArray, right: FloatArray, stop: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Brackets halved towards the larger change until no float64 number lies between, or their width is at most `stop`.

    Args:
        difference: maps two arrays (N,) of positions to the sizes (N,) of the change between them.
        left, right: ends of the brackets, left < right, shape (N,).
        stop: width at which a bracket is left as it is.

    If the change over a bracket comes from one jump, every half that holds it keeps all of it, so the bracket closes
    in on the jump; by the triangle inequality one half always keeps at least half of the change.
    """
    a, b = left.copy(), right.copy()
    for _ in range(_HALVINGS):
        middle = a + (b - a) / 2
        open_ = np.flatnonzero((middle > a) & (middle < b) & (b - a > max(stop, 1e-17)))
        if not len(open_):
            break
        first = difference(a[open_], middle[open_])
        second = difference(middle[open_], b[open_])
        left_half = first >= second
        b[open_[left_half]] = middle[open_[left_half]]
        a[open_[~left_half]] = middle[open_[~left_half]]
    return a, b


def ascend(
    function: Function, chart: Chart, starts: FloatArray, scales: FloatArray, iterations: int = 40
) -> tuple[FloatArray, FloatArray]:
    """Local maxima of `function` over the chart's box: gradient ascent by finite differences with backtracking.

    All starts move at once. In each iteration the gradient is taken by central differences over the start's scale;
    eight step lengths along it, from 16 scales down to an eighth, are tried, and so are single steps along each
    axis; the best is taken. Where nothing is better the scale is divided by 8. No value ever falls.

    Args:
        function: rows (N, d) of chart parameters to values (N,).
        chart: its box bounds the search; periodic parameters wrap.
        starts: (S, d).
        scales: (S,), first step, as a share of the box.
        iterations: each costs S (4 d + 8) evaluations.

    Returns:
        Points (S, d) and their values (S,).
    """
    u, h = chart.wrap(starts), scales.astype(np.float64).copy()
    extent = np.array(chart.upper) - np.array(chart.lower)
    best = function(u)
    count, d = u.shape
    axes = np.concatenate([np.eye(d), -np.eye(d)])
    rows = np.arange(count)
    for _ in range(iterations):
        around = chart.wrap((u[:, None] + h[:, None, None] * extent * axes).reshape(-1, d))
        values = function(around).reshape(count, 2 * d)
        gradient = values[:, :d] - values[:, d:]
        norm = np.linalg.norm(gradient, axis=1, keepdims=True)
        direction = np.divide(gradient, norm, out=np.zeros_like(gradient), where=norm > 0)
        steps = chart.wrap(
            (u[:, None] + (h[:, None] * _STEPS)[:, :, None] * extent * direction[:, None]).reshape(-1, d)
        )
        candidates = np.concatenate([around.reshape(count, -1, d), steps.reshape(count, -1, d)], axis=1)
        scores = np.concatenate([values, function(steps).reshape(count, -1)], axis=1)
        chosen = scores.argmax(axis=1)
        better = scores[rows, chosen] > best
        u = np.where(better[:, None], candidates[rows, chosen], u)
        best = np.where(better, scores[rows, chosen], best)
        h = np.where(better, h, h / 8)
        if (h < 1e-17).all():
            break
    return u, best


def zoom(
    function: Function, chart: Chart, centers: FloatArray, rng: np.random.Generator, per_scale: int = 8
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The best point around each center at distances from 1e-1 to 1e-15 of the box, two scales a decade.

    A feature of any width that reaches to within a few widths of a center is met at the scales near its width, whereas
    equal steps would have to be as fine as the feature.

    Returns:
        Points (S, d), values (S,) and the scale (S,), as a share of the box, at which each was found; a center that is
        best itself is returned with the smallest scale.
    """
    count, d = centers.shape
    extent = np.array(chart.upper) - np.array(chart.lower)
    directions = rng.standard_normal((count, len(_ZOOM), per_scale, d))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    if d == 1:
        directions = np.broadcast_to(np.where(np.arange(per_scale) % 2, -1.0, 1.0)[:, None], directions.shape)
    lengths = _ZOOM[None, :, None] * rng.uniform(0.3, 1.0, (count, len(_ZOOM), per_scale))
    moved = centers[:, None, None] + lengths[..., None] * extent * directions
    everywhere = np.concatenate([centers[:, None], moved.reshape(count, -1, d)], axis=1)
    wrapped = chart.wrap(everywhere.reshape(-1, d))
    values = function(wrapped).reshape(count, -1)
    chosen = values.argmax(axis=1)
    scale = np.concatenate([np.full((count, 1), _ZOOM[-1]), lengths.reshape(count, -1)], axis=1)
    rows = np.arange(count)
    return wrapped.reshape(count, -1, d)[rows, chosen], values[rows, chosen], scale[rows, chosen]
