"""Interval: what is known about a real number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any

from aeverify.errors import InvariantError, UsageError


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed enclosure [lower, upper] of one real number.

    One-sided knowledge has an infinite end: a maximum over samples is `Interval.at_least(m)`, that is [m, inf).
    NaN is refused, and so is an empty interval, so that neither can ever decide anything.

    Raises:
        InvariantError: an end is NaN, lower > upper, lower is +inf or upper is -inf.

    Example:
        >>> Interval.at_least(1.5)
        Interval(lower=1.5, upper=inf)
        >>> 2.0 in Interval(1.0, 3.0)
        True
    """

    lower: float
    upper: float

    def __post_init__(self) -> None:
        lower, upper = float(self.lower), float(self.upper)
        if math.isnan(lower) or math.isnan(upper):
            raise InvariantError(f"Interval ends must be numbers, got [{lower}, {upper}]: NaN is not knowledge.")
        if lower > upper or lower == math.inf or upper == -math.inf:
            raise InvariantError(f"[{lower}, {upper}] is empty: expected lower <= upper with a real number between.")
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)

    @classmethod
    def exactly(cls, value: float) -> Interval:
        """The one-point interval [value, value]."""
        return cls(value, value)

    @classmethod
    def at_least(cls, lower: float) -> Interval:
        """Only a lower bound is known: [lower, inf)."""
        return cls(lower, math.inf)

    @classmethod
    def at_most(cls, upper: float) -> Interval:
        """Only an upper bound is known: (-inf, upper]."""
        return cls(-math.inf, upper)

    @classmethod
    def unknown(cls) -> Interval:
        """Nothing is known: (-inf, inf)."""
        return cls(-math.inf, math.inf)

    @classmethod
    def around(cls, value: float, ulps: int = 1) -> Interval:
        """[value - ulps, value + ulps] in units of the last place: an enclosure of a real number whose nearest
        floating-point number is at most `ulps` units in the last place away from `value`."""
        lower = upper = float(value)
        for _ in range(ulps):
            lower, upper = math.nextafter(lower, -math.inf), math.nextafter(upper, math.inf)
        return cls(lower, upper)

    @property
    def width(self) -> float:
        """upper - lower, rounded up; inf where an end is infinite, 0 for a point."""
        if self.lower == self.upper:
            return 0.0
        return math.nextafter(self.upper - self.lower, math.inf)

    @property
    def is_exact(self) -> bool:
        """True where both ends are the same number."""
        return self.lower == self.upper

    @property
    def is_finite(self) -> bool:
        """True where both ends are finite."""
        return math.isfinite(self.lower) and math.isfinite(self.upper)

    def __contains__(self, value: float) -> bool:
        return self.lower <= value <= self.upper

    def encloses(self, other: Interval) -> bool:
        """True where every number of `other` lies in this interval."""
        return self.lower <= other.lower and other.upper <= self.upper

    def intersects(self, other: Interval) -> bool:
        """True where some number lies in both."""
        return self.lower <= other.upper and other.lower <= self.upper

    def intersect(self, other: Interval) -> Interval:
        """The numbers in both: two enclosures of the same number give a narrower one.

        Raises:
            InvariantError: no number lies in both; one of the two enclosures is wrong.
        """
        if not self.intersects(other):
            raise InvariantError(f"{self} and {other} have no number in common, so one of the two enclosures is wrong.")
        return Interval(max(self.lower, other.lower), min(self.upper, other.upper))

    def hull(self, other: Interval) -> Interval:
        """The smallest interval that holds both."""
        return Interval(min(self.lower, other.lower), max(self.upper, other.upper))

    def maximum(self, other: Interval) -> Interval:
        """Enclosure of max(x, y) for x in this interval and y in `other`."""
        return Interval(max(self.lower, other.lower), max(self.upper, other.upper))

    def minimum(self, other: Interval) -> Interval:
        """Enclosure of min(x, y) for x in this interval and y in `other`."""
        return Interval(min(self.lower, other.lower), min(self.upper, other.upper))

    def __str__(self) -> str:
        """6 significant digits, rounded outward; more digits where 6 would widen the interval by more than a tenth,
        and all of them for a single number."""
        low, high = self.lower, self.upper
        if self.is_exact:
            short = f"{low:.12g}"
            return short if float(short) == low else repr(low)
        left = right = ""
        for digits in (6, 9, 12, 17):
            left = f"[{rounded(low, digits, ROUND_FLOOR)}" if math.isfinite(low) else "(-inf"
            right = f"{rounded(high, digits, ROUND_CEILING)}]" if math.isfinite(high) else "inf)"
            if not self.is_finite:
                break
            printed = Decimal(right[:-1]) - Decimal(left[1:])
            if printed <= (Decimal(high) - Decimal(low)) * Decimal("1.1"):
                break
        return f"{left}, {right}"

    def to_dict(self) -> dict[str, float | str]:
        """`{"lower": ..., "upper": ...}`; an infinite end is the string "inf" or "-inf", since JSON has no infinity."""
        return {"lower": encode_number(self.lower), "upper": encode_number(self.upper)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Interval:
        """The inverse of `to_dict`."""
        return cls(decode_number(data["lower"]), decode_number(data["upper"]))


def rounded(value: float, digits: int, rounding: str) -> str:
    """`value` in `digits` significant digits, rounded as `rounding` of the decimal module says."""
    nearest = f"{value:.{digits}g}"
    # A short decimal that reads back as the very same floating-point number is that number's name (0.1).
    if float(nearest) == value:
        return nearest
    exact = Decimal(value).normalize(Context(prec=digits, rounding=rounding))
    usual = f"{float(exact):.{digits}g}"
    return usual if Decimal(usual) == exact else str(exact)


def encode_number(value: float) -> float | str:
    """A JSON value for a real number or an infinity: "inf" and "-inf" stand for the infinities.

    Raises:
        InvariantError: value is NaN.
    """
    if math.isnan(value):
        raise InvariantError("NaN cannot be written: a number that is not known must be an Interval or absent.")
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return float(value)


def decode_number(value: float | int | str) -> float:
    """The inverse of `encode_number`.

    Raises:
        UsageError: value is neither a number nor "inf" or "-inf".
    """
    if isinstance(value, str):
        if value not in ("inf", "-inf"):
            raise UsageError(f'Expected a number, "inf" or "-inf", got {value!r}.')
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f'Expected a number, "inf" or "-inf", got {value!r}.')
    return float(value)
