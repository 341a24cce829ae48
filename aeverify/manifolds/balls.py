"""Balls: chart points and closed forms as enclosures of real numbers (python-flint `arb`), rounding included.

A ball [m +/- r] encloses one real number, and every operation on balls returns a ball that encloses every result. So
what is read off a ball holds for the exact set, not for its floating-point shadow. python-flint is loaded when the
first ball is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aeverify.core.interval import Interval
from aeverify.errors import MeasurementError, UsageError
from aeverify.manifolds.base import Manifold
from aeverify.manifolds.chart import Chart, FloatArray, Operations

BITS = 128
_MOST_BITS = 8192


class _BallOperations:
    """The operations of a chart's formula on balls, at the working precision of the moment."""

    def __init__(self) -> None:
        import flint

        self._arb: Any = flint.arb
        self.pi: Any = flint.arb.pi()

    def real(self, x: Any, /) -> Any:
        """A float as the exact number that it is."""
        return self._arb(x)

    def sin(self, x: Any, /) -> Any:
        """Enclosure of the sine."""
        return x.sin()

    def cos(self, x: Any, /) -> Any:
        """Enclosure of the cosine."""
        return x.cos()

    def sqrt(self, x: Any, /) -> Any:
        """Enclosure of the square root; not finite where the ball holds a negative number."""
        return x.sqrt()

    def exp(self, x: Any, /) -> Any:
        """Enclosure of the exponential."""
        return x.exp()


def ball_operations() -> Operations:
    """The operations on balls, for `Chart.evaluate` and `Chart.differentiate`; pi has the precision that is set when
    this is called, so call it inside `precision`."""
    return _BallOperations()


def precision(bits: int) -> Any:
    """Context manager: balls are computed with `bits` bits inside it."""
    import flint

    return flint.ctx.workprec(bits)


def point_balls(manifold: Manifold, parameters: Sequence[float], *, component: int = 0, bits: int = BITS) -> list[Any]:
    """Enclosures of the coordinates of one point of the set: n balls.

    The parameters are taken as the exact floating-point numbers that they are, so the point enclosed lies on the
    exact set; a witness is evaluated again from them without any rounding error left out.

    Args:
        manifold: a set; of a union, the component of index `component` is meant.
        parameters: chart parameters of the point, one a dimension, inside the chart's box.
        component: index of the component.
        bits: working precision.

    Raises:
        UsageError: no such component, another number of parameters, or a parameter that is not in the box.
    """
    if not 0 <= component < len(manifold.components):
        raise UsageError(f"{manifold} has components 0 to {len(manifold.components) - 1}, got {component}.")
    chart = manifold.components[component].chart
    u = [float(p) for p in parameters]
    if len(u) != chart.dim:
        raise UsageError(f"A point of {manifold} has {chart.dim} chart parameters, got {len(u)}.")
    for value, low, high in zip(u, chart.lower, chart.upper, strict=True):
        if not low <= value <= high:
            raise UsageError(f"A chart parameter of {manifold} lies in [{low}, {high}], got {value}.")
    with precision(bits):
        operations = ball_operations()
        return [operations.real(x) for x in chart.evaluate([operations.real(v) for v in u], operations)]


def certified_points(chart: Chart, parameters: FloatArray, bits: int = BITS) -> tuple[FloatArray, float]:
    """Chart points as float64 rows (N, n), and a certified upper bound of the Euclidean distance of any row from the
    exact point of the same parameters (N, d). Cost: about 10 microseconds a coordinate."""
    u = np.asarray(parameters, dtype=np.float64)
    rows, error = [], 0.0
    with precision(bits):
        operations = ball_operations()
        for parameter in u.tolist():
            balls = [operations.real(x) for x in chart.evaluate([operations.real(v) for v in parameter], operations)]
            row = [float(b.mid()) for b in balls]
            gaps = [interval_of(b - x) for b, x in zip(balls, row, strict=True)]
            error = max(error, sum(max(-g.lower, g.upper) for g in gaps))
            rows.append(row)
    # The sum of n non-negative numbers is off by less than one part in 2^52 an addition.
    return np.array(rows, dtype=np.float64), error * (1.0 + 2.0**-50 * (1 + len(rows[0])))


def interval_of(ball: Any) -> Interval:
    """The smallest float64 Interval known to hold every number of a ball, rounded outward.

    Raises:
        MeasurementError: the ball is not finite (a division by a ball that holds 0, say).
    """
    if not ball.is_finite():
        raise MeasurementError(f"The enclosure {ball} is not finite: raise the working precision.")
    low, high = ball.lower(), ball.upper()
    lower, upper = float(low), float(high)
    # float() rounds to nearest; one step outward makes it a bound where it went the wrong way.
    if not low >= lower:
        lower = math.nextafter(lower, -math.inf)
    if not high <= upper:
        upper = math.nextafter(upper, math.inf)
    return Interval(lower, upper)


def enclosure(expression: Callable[[], Any]) -> Interval:
    """Certified float64 enclosure of a real number, at most two units in the last place wide.

    Args:
        expression: computes a ball of the number at the working precision of the moment; called with more and more
            bits until the enclosure is narrow enough.

    Raises:
        MeasurementError: no narrow enclosure came out at any precision.
    """
    bits = BITS
    while bits <= _MOST_BITS:
        with precision(bits):
            ball = expression()
            if ball.is_finite():
                found = interval_of(ball)
                if found.width <= 3 * math.ulp(max(abs(found.lower), abs(found.upper))):
                    return found
        bits *= 2
    raise MeasurementError(f"No narrow enclosure was found with {_MOST_BITS} bits of precision.")


def closed_form(expression: Callable[[Operations], Any]) -> Interval:
    """Certified enclosure, at most two units in the last place wide, of a real number given by a formula on the
    operations on balls; exact where float64 holds the number.

    Example:
        >>> closed_form(lambda ops: ops.sqrt(ops.real(9.0)))
        Interval(lower=3.0, upper=3.0)
    """

    def ball() -> Any:
        ops = ball_operations()
        return ops.real(expression(ops))

    return enclosure(ball)


def integral(integrand: Callable[[Any, bool], Any], lower: float, upper: float) -> Any:
    """Ball of the integral over [lower, upper] of a function that is analytic near the interval, at the working
    precision of the moment (Petras' algorithm in Arb, Johansson 2018).

    Args:
        integrand: maps a complex ball and the flag `analytic` to a complex ball; roots pass the flag on.
    """
    import flint

    return flint.acb.integral(integrand, lower, upper).real
