"""Arithmetic on enclosed facts: sums, products and roots of Intervals, rounded outward, infinite ends allowed.

One operation of float64 is off by at most half a unit in the last place, so one step outward makes its result a bound.
A result that is exact stays exact: products and sums are compared with the exact rational result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from aeverify.core.interval import Interval
from aeverify.manifolds.base import INFINITE

_EXACT = 2.0**500


def _bound(value: float, exact: Callable[[], Fraction], towards: float) -> float:
    """`value` moved one step towards `towards` if it lies on the other side of the exact result."""
    if math.isinf(value):
        return INFINITE.lower if towards < 0 else value
    difference = Fraction(value) - exact()
    if (difference > 0 and towards < 0) or (difference < 0 and towards > 0):
        return math.nextafter(value, towards)
    return value


def times(x: Interval, factor: float) -> Interval:
    """x * factor for factor > 0, rounded outward."""
    return product([x, Interval.exactly(factor)])


def product(factors: Sequence[Interval]) -> Interval:
    """Product of numbers that are at least 0."""
    low, high = 1.0, 1.0
    for f in factors:
        a, b = low * f.lower, high * f.upper
        low = _bound(a, lambda p=low, q=f.lower: Fraction(p) * Fraction(q), -math.inf)  # type: ignore[misc]
        if not math.isinf(b):
            b = _bound(b, lambda p=high, q=f.upper: Fraction(p) * Fraction(q), math.inf)  # type: ignore[misc]
        high = b
    return Interval(low, high)


def hypotenuse(sides: Sequence[Interval]) -> Interval:
    """Square root of the sum of the squares of numbers that are at least 0."""
    positive = [s for s in sides if s != Interval.exactly(0.0)]
    if len(positive) <= 1:
        return positive[0] if positive else Interval.exactly(0.0)
    # math.hypot is correct within one unit in the last place.
    low, high = math.hypot(*(s.lower for s in sides)), math.hypot(*(s.upper for s in sides))
    if all(s.is_exact for s in sides) and max(abs(s.lower) for s in sides) < _EXACT:
        square = sum((Fraction(s.lower) ** 2 for s in sides), Fraction(0))
        if Fraction(low) ** 2 == square:
            return Interval.exactly(low)
    low = math.nextafter(math.nextafter(low, 0.0), 0.0)
    return Interval(low, high if math.isinf(high) else Interval.around(high, 2).upper)


def power(x: Interval, exponent: int) -> Interval:
    """x^exponent for x at least 0."""
    return product([x] * exponent)


def quotient(x: Interval, divisor: float) -> Interval:
    """x / divisor for divisor > 0, rounded outward."""
    low, high = x.lower / divisor, x.upper / divisor
    if Fraction(low) * Fraction(divisor) == Fraction(x.lower) and x.is_exact:
        return Interval.exactly(low)
    return Interval(math.nextafter(low, -math.inf), high if math.isinf(high) else math.nextafter(high, math.inf))
