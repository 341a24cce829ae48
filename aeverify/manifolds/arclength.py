"""Arc length: certified enclosures of the speed, the length and the curvature of a curve from its chart alone.

Let gamma be the chart of a curve, and A = |gamma'|^2, B = |gamma''|^2, C = <gamma', gamma''> as functions of the
parameter. The speed is sqrt(A), the square of the curvature is (A B - C^2) / A^3. Their Taylor coefficients come from
those of gamma (`interval_jets`) by the rules of power series: at the middle c of a cell of half-width h as numbers
known up to rounding, on the whole cell as enclosures. Then Taylor's formula with Lagrange's remainder bounds each
function f on the cell, f(c + x) in f(c) + f_1 x + ... + f_m(cell) x^m, and its integral over the cell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from aeverify.core.interval import Interval
from aeverify.errors import MeasurementError, UsageError
from aeverify.manifolds.chart import Chart, FloatArray
from aeverify.manifolds.intervals import INTERVALS, IntervalArray
from aeverify.manifolds.jets import Index, Jet, JetOperations, coefficient_table, interval_jets

_CELLS = 128
_MOST_CELLS = 1 << 16


def require_curve(chart: Chart) -> None:
    """The chart has one parameter.

    Raises:
        UsageError: it has not.
    """
    if chart.dim != 1:
        raise UsageError(f"A chart of a curve has one parameter, got one with {chart.dim}.")


def edges(chart: Chart, positions: FloatArray) -> FloatArray:
    """Parameters of positions in [0, 1] along the side of the chart's box; 0 and 1 give its ends exactly."""
    low, high = chart.lower[0], chart.upper[0]
    u = low + (high - low) * positions
    return np.where(positions >= 1, high, np.clip(u, low, high))


def taylor_table(chart: Chart, lower: FloatArray, upper: FloatArray, order: int) -> list[IntervalArray]:
    """Taylor coefficients of a curve of orders 0 to `order` on N cells [lower, upper]: arrays (n, N)."""
    jets = interval_jets(chart.formula, IntervalArray(lower[:, None], upper[:, None]), order)
    return [coefficient_table(jets, (k,), len(lower)) for k in range(order + 1)]


def _inner(p: Sequence[IntervalArray], q: Sequence[IntervalArray], order: int) -> Jet:
    """The inner product of two vector-valued power series."""
    out: dict[Index, IntervalArray] = {}
    for m in range(order + 1):
        if p is q:
            terms = [2 * (p[i] * p[m - i]).sum(0) for i in range((m + 1) // 2)]
            if m % 2 == 0:
                terms.append(p[m // 2].square().sum(0))
        else:
            terms = [(p[i] * q[m - i]).sum(0) for i in range(m + 1)]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        out[(m,)] = total
    return Jet(out, order)


def _velocity(table: Sequence[IntervalArray]) -> list[IntervalArray]:
    """Taylor coefficients of the derivative."""
    return [table[k + 1] * (k + 1) for k in range(len(table) - 1)]


def speed_jet(table: Sequence[IntervalArray]) -> Jet:
    """Taylor coefficients of |gamma'|, of one order less than those of gamma given."""
    velocity = _velocity(table)
    with np.errstate(all="ignore"):
        return JetOperations(INTERVALS).sqrt(_inner(velocity, velocity, len(velocity) - 1))  # type: ignore[no-any-return]


def squared_curvature_jet(table: Sequence[IntervalArray]) -> Jet:
    """Taylor coefficients of the square of the curvature, of two orders less than those of gamma given."""
    velocity = _velocity(table)
    acceleration = _velocity(velocity)
    order = len(acceleration) - 1
    with np.errstate(all="ignore"):
        a = _inner(velocity, velocity, order)
        return (a * _inner(acceleration, acceleration, order) - _inner(velocity, acceleration, order).square()) / (
            a.square() * a
        )


def _middles(lower: FloatArray, upper: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A parameter c in each cell and an upper bound of the distance of the cell's parameters from it."""
    c = np.clip(0.5 * lower + 0.5 * upper, lower, upper)
    return c, np.nextafter(np.maximum(upper - c, c - lower), np.inf)


def speed_bounds(chart: Chart, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """Certified upper bounds of |gamma'| on cells: the better of the plain and the Taylor form of second order."""
    c, h = _middles(lower, upper)
    at = taylor_table(chart, c, c, 2)
    on = taylor_table(chart, lower, upper, 3)
    with np.errstate(all="ignore"):
        width = IntervalArray(-h, h)
        here, there = speed_jet(at), speed_jet(on)
        taylor = here.coefficient((0,)) + here.coefficient((1,)) * width + there.coefficient((2,)) * width.square()
        plain = on[1].square().sum(0).sqrt().upper
    bound: FloatArray = np.fmin(plain, taylor.upper)
    return bound


def speed_bound(chart: Chart, cells: int = 256) -> float:
    """Certified upper bound of |gamma'| on the whole box of a curve's chart.

    Raises:
        UsageError: the chart is not one of a curve.
    """
    require_curve(chart)
    u = edges(chart, np.arange(cells + 1) / cells)
    return float(speed_bounds(chart, u[:-1], u[1:]).max())


def squared_curvature_bounds(chart: Chart, lower: FloatArray, upper: FloatArray) -> tuple[FloatArray, FloatArray]:
    """For each cell a certified upper bound of the square of the curvature on it (inf where the speed may be 0), and
    a certified lower bound of its value at one parameter of the cell, `middle_of_cells`."""
    c, h = _middles(lower, upper)
    at = squared_curvature_jet(taylor_table(chart, c, c, 3))
    on = squared_curvature_jet(taylor_table(chart, lower, upper, 4))
    with np.errstate(all="ignore"):
        width = IntervalArray(-h, h)
        value = at.coefficient((0,))
        taylor = value + at.coefficient((1,)) * width + on.coefficient((2,)) * width.square()
        upper_bound = np.fmin(taylor.upper, on.coefficient((0,)).upper)
    upper_bound = np.where(np.isnan(upper_bound), np.inf, np.maximum(upper_bound, 0.0))
    return upper_bound, np.nan_to_num(np.maximum(value.lower, 0.0), nan=0.0)


def middle_of_cells(lower: FloatArray, upper: FloatArray) -> FloatArray:
    """The parameters at which `squared_curvature_bounds` evaluates its lower bounds."""
    return _middles(lower, upper)[0]


def curvature_bounds(chart: Chart, tolerance: float = 1e-4) -> tuple[Interval, float]:
    """Certified enclosure of the largest curvature of a curve, and a parameter where its lower end is attained.

    The upper end is inf where the speed cannot be bounded away from 0. Cells are halved as long as their upper bound
    exceeds the largest value found by more than the relative tolerance.

    Raises:
        UsageError: the chart is not one of a curve.

    Cost: a few milliseconds for trigonometric curves.
    """
    require_curve(chart)
    u = edges(chart, np.arange(_CELLS + 1) / _CELLS)
    low, high = u[:-1], u[1:]
    # A curvature that turns the curve by less than 1e-6 over the whole length counts as 0.
    negligible = (1e-6 / (speed_bound(chart) * max(chart.upper[0] - chart.lower[0], 1e-300))) ** 2
    largest, where, settled, spent = 0.0, float(low[0]), 0.0, 0
    while True:
        above, value = squared_curvature_bounds(chart, low, high)
        best = int(value.argmax())
        if value[best] > largest:
            largest, where = float(value[best]), float(middle_of_cells(low, high)[best])
        spent += len(low)
        c = middle_of_cells(low, high)
        open_ = (above > max(largest * (1 + tolerance), negligible)) & (c > low) & (c < high)
        settled = max(settled, float(above[~open_].max(initial=0.0)))
        if not open_.any():
            break
        if spent > _MOST_CELLS or settled == math.inf:
            settled = max(settled, float(above[open_].max()))
            break
        low, high, c = low[open_], high[open_], c[open_]
        low, high = np.concatenate([low, c]), np.concatenate([c, high])
    return Interval(_root_down(largest), _root_up(settled)), where


def _root_down(x: float) -> float:
    return max(0.0, math.nextafter(math.sqrt(x), -math.inf))


def _root_up(x: float) -> float:
    return math.nextafter(math.sqrt(x), math.inf)


def length_bounds(chart: Chart, tolerance: float = 1e-10) -> Interval:
    """Certified enclosure of the length of a curve, by Taylor expansion of the speed on cells.

    On a cell c + [-p, q] the integral of f_0 + f_1 x + f_2 x^2 + f_3 x^3 + f_4(cell) x^4 is taken term by term; x^4 is
    not negative, so the last term lies in f_4(cell) (q^5 + p^5) / 5. Cells are doubled until the enclosure is
    narrow enough in relation to the length, or no longer gains.

    Raises:
        UsageError: the chart is not one of a curve.
        MeasurementError: the speed cannot be bounded away from 0, so no finite enclosure was found.
    """
    require_curve(chart)
    best: Interval | None = None
    cells = _CELLS
    while cells <= _MOST_CELLS >> 2:
        u = edges(chart, np.arange(cells + 1) / cells)
        low, high = u[:-1], u[1:]
        c = middle_of_cells(low, high)
        at = speed_jet(taylor_table(chart, c, c, 4))
        on = speed_jet(taylor_table(chart, low, high, 5))
        before, after = IntervalArray.exactly(low) - c, IntervalArray.exactly(high) - c
        p, q, total = before, after, None
        with np.errstate(all="ignore"):
            for k in range(5):
                f = at.coefficient((k,)) if k < 4 else on.coefficient((4,))
                term = f * (q - p) / (k + 1)
                total = term if total is None else total + term
                p, q = p * before, q * after
            assert total is not None
            whole = total.sum(0)
        if np.isfinite(whole.lower) and np.isfinite(whole.upper) and whole.lower > 0:
            found = Interval(float(whole.lower), float(whole.upper))
            gained = best is None or found.width < 0.5 * best.width
            best = found if best is None else found.intersect(best)
            if best.width <= tolerance * best.lower or not gained:
                return best
        cells *= 2
    if best is None:
        raise MeasurementError("The speed of this curve cannot be bounded away from 0, so its length was not enclosed.")
    return best
