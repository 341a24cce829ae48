"""IntervalArray: many real intervals at once in float64, every operation rounded outward by a proved bound.

**What is assumed of the machine**: float64 +, -, *, / and sqrt are correctly rounded (IEEE 754, round to nearest, no
flushing of subnormal numbers), so the exact result of one operation lies between the two neighbours of the computed
one. No library function is trusted: sine, cosine and exponential are computed here by reduction and Taylor's formula.

**Sine and cosine** of a float c with |c| <= 2^20. k is a nearest integer of c / (pi/2), found up to 2^-31, and
r = (c - k P_1) - k P_2 with pi/2 = P_1 + P_2 + p: P_1 has 33 bits, so that k P_1 is exact, and k |p| < 2^-65. Two
subtractions of numbers below 1 and one product below 2^-12 put r within 2^-52 + 2^-53 of c - k pi/2; and
|r| <= 0.79. Taylor's polynomials of degree 17 and 18 are off by 0.79^19 / 19! < 1e-19. Horner's rule with rounded
coefficients takes fewer than 40 roundings of terms whose absolute values sum to at most cosh(0.79) < 1.33: an error
below 40 x 1.33 x 2^-53 x 1.01 < 2^-47.2. Together: below 2^-46, the pad used. Beyond 2^20 the enclosure is [-1, 1].

**Exponential** of a float |c| <= 700: k nearest to c / ln 2, r = (c - k L_1) - k L_2 likewise with L_1 of 42 bits
(|k| <= 1010), |r| <= 0.36, the polynomial of degree 14 is off by 0.36^15 / 15! < 1e-18, Horner's rule by less than
40 x 1.44 x 2^-53 x 1.01 < 2^-47, the reduced argument by a factor 1 + 2^-51; times 2^k, which is exact. The pad is the
factor 1 +- 2^-45, since the polynomial is at least 0.69.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aeverify.errors import UsageError

FloatArray: TypeAlias = NDArray[np.float64]

_TRIG_PAD = 2.0**-46
_LARGEST_ANGLE = 2.0**20
_EXP_PAD = 2.0**-45
_LARGEST_EXPONENT = 700.0

# pi/2 and ln 2 in two parts: 33 and 42 leading bits, and the nearest float of the rest.
_HALF_PI = (float.fromhex("0x1.921fb544p+0"), float.fromhex("0x1.0b4611a626331p-34"))
_LN_2 = (float.fromhex("0x1.62e42fefa38p-1"), float.fromhex("0x1.ef35793c7673p-45"))

_SINE = tuple((-1.0) ** (k // 2) / math.factorial(k) for k in range(1, 18, 2))
_COSINE = tuple((-1.0) ** (k // 2) / math.factorial(k) for k in range(0, 19, 2))
_EXPONENTIAL = tuple(1.0 / math.factorial(k) for k in range(15))


def _down(x: Any) -> FloatArray:
    out: FloatArray = np.nextafter(x, -np.inf)
    return out


def _up(x: Any) -> FloatArray:
    out: FloatArray = np.nextafter(x, np.inf)
    return out


def _horner(coefficients: tuple[float, ...], x: FloatArray) -> FloatArray:
    value = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        value = value * x + c
    return value


def _sine(c: FloatArray, quarter: int) -> FloatArray:
    """sin(c + quarter pi/2) up to `_TRIG_PAD`, for |c| <= 2^20."""
    k = np.rint(c * (2 / math.pi))
    r = (c - k * _HALF_PI[0]) - k * _HALF_PI[1]
    z = r * r
    turn = (k.astype(np.int64) + quarter) & 3
    value = np.where(turn & 1, _horner(_COSINE, z), r * _horner(_SINE, z))
    return np.where(turn & 2, -value, value)


def _exponential(c: FloatArray) -> FloatArray:
    """exp(c) up to a factor 1 +- `_EXP_PAD`, for |c| <= 700."""
    k = np.rint(c * (1 / math.log(2)))
    r = (c - k * _LN_2[0]) - k * _LN_2[1]
    return np.ldexp(_horner(_EXPONENTIAL, r), k.astype(np.int32))


@final
class IntervalArray:
    """An array of closed intervals [lower, upper], each known to hold a real number (ends may be infinite).

    Arithmetic with floats, integers and float arrays takes these as the exact numbers that they are. A result that
    cannot be bounded, such as a quotient by an interval that holds 0, is (-inf, inf).

    Raises:
        UsageError: an end is NaN, or a lower end exceeds its upper end.
    """

    __slots__ = ("lower", "upper")
    __array_ufunc__: ClassVar[None] = None

    def __init__(self, lower: ArrayLike, upper: ArrayLike) -> None:
        low, high = np.broadcast_arrays(np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64))
        if not np.all(low <= high):
            raise UsageError("Every interval needs two numbers with lower <= upper; some have NaN or are empty.")
        self.lower, self.upper = low, high

    @classmethod
    def _raw(cls, lower: FloatArray, upper: FloatArray) -> IntervalArray:
        out = object.__new__(cls)
        out.lower, out.upper = lower, upper
        return out

    @classmethod
    def _safe(cls, lower: FloatArray, upper: FloatArray) -> IntervalArray:
        """One step outward; NaN ends, of 0 x inf or inf - inf, become infinite ones."""
        low, high = _down(lower), _up(upper)
        bad = np.isnan(low) | np.isnan(high)
        if np.any(bad):
            low, high = np.where(bad, -np.inf, low), np.where(bad, np.inf, high)
        return cls._raw(low, high)

    @classmethod
    def exactly(cls, values: ArrayLike) -> IntervalArray:
        """The one-point intervals of floats."""
        return cls(values, values)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.lower.shape

    @property
    def magnitude(self) -> FloatArray:
        """Largest absolute value in each interval."""
        out: FloatArray = np.maximum(np.abs(self.lower), np.abs(self.upper))
        return out

    @property
    def radius(self) -> FloatArray:
        """Upper bound of the distance of each number of the interval from `middle`."""
        middle = self.middle
        return np.maximum(_up(self.upper - middle), _up(middle - self.lower))

    @property
    def middle(self) -> FloatArray:
        """A float in or next to the middle of each interval."""
        return 0.5 * self.lower + 0.5 * self.upper

    def __getitem__(self, key: Any) -> IntervalArray:
        return IntervalArray._raw(self.lower[key], self.upper[key])

    def __repr__(self) -> str:
        return f"IntervalArray({self.lower!r}, {self.upper!r})"

    def __neg__(self) -> IntervalArray:
        return IntervalArray._raw(-self.upper, -self.lower)

    def __add__(self, other: Any) -> IntervalArray:
        if isinstance(other, IntervalArray):
            return IntervalArray._safe(self.lower + other.lower, self.upper + other.upper)
        if not _is_plain(other):
            return NotImplemented
        x = _exact(other)
        return IntervalArray._safe(self.lower + x, self.upper + x)

    __radd__ = __add__

    def __sub__(self, other: Any) -> IntervalArray:
        if isinstance(other, IntervalArray):
            return IntervalArray._safe(self.lower - other.upper, self.upper - other.lower)
        if not _is_plain(other):
            return NotImplemented
        x = _exact(other)
        return IntervalArray._safe(self.lower - x, self.upper - x)

    def __rsub__(self, other: Any) -> IntervalArray:
        return (-self).__add__(other)

    def __mul__(self, other: Any) -> IntervalArray:
        if isinstance(other, IntervalArray):
            p, q = self.lower * other.lower, self.lower * other.upper
            r, s = self.upper * other.lower, self.upper * other.upper
            return IntervalArray._safe(
                np.minimum(np.minimum(p, q), np.minimum(r, s)), np.maximum(np.maximum(p, q), np.maximum(r, s))
            )
        if not _is_plain(other):
            return NotImplemented
        x = _exact(other)
        if x.ndim == 0 and abs(x) == 1.0:
            return self if x > 0 else -self
        p, q = self.lower * x, self.upper * x
        return IntervalArray._safe(np.minimum(p, q), np.maximum(p, q))

    __rmul__ = __mul__

    def reciprocal(self) -> IntervalArray:
        """1 / x; (-inf, inf) where the interval holds 0."""
        holds_zero = (self.lower <= 0) & (self.upper >= 0)
        one = np.where(holds_zero, 1.0, self.lower), np.where(holds_zero, 1.0, self.upper)
        low, high = _down(1.0 / one[1]), _up(1.0 / one[0])
        return IntervalArray._raw(np.where(holds_zero, -np.inf, low), np.where(holds_zero, np.inf, high))

    def __truediv__(self, other: Any) -> IntervalArray:
        if isinstance(other, IntervalArray):
            return self * other.reciprocal()
        if not _is_plain(other):
            return NotImplemented
        x = _exact(other)
        if np.any(x == 0):
            return self * IntervalArray.exactly(x).reciprocal()
        p, q = self.lower / x, self.upper / x
        return IntervalArray._safe(np.minimum(p, q), np.maximum(p, q))

    def __rtruediv__(self, other: Any) -> IntervalArray:
        return self.reciprocal().__mul__(other)

    def square(self) -> IntervalArray:
        """x^2, never below 0."""
        p, q = self.lower * self.lower, self.upper * self.upper
        holds_zero = (self.lower <= 0) & (self.upper >= 0)
        low = np.where(holds_zero, 0.0, np.maximum(0.0, _down(np.minimum(p, q))))
        return IntervalArray._raw(low, _up(np.maximum(p, q)))

    def __pow__(self, exponent: Any) -> IntervalArray:
        if isinstance(exponent, bool) or not isinstance(exponent, int) or exponent < 1:
            raise UsageError(f"A formula may use positive integer powers only, got the exponent {exponent!r}.")
        if exponent == 1:
            return self
        half = (self ** (exponent // 2)).square()
        return half * self if exponent % 2 else half

    def sqrt(self) -> IntervalArray:
        """Square root of the part of each interval that is not negative."""
        low, high = np.maximum(self.lower, 0.0), np.maximum(self.upper, 0.0)
        return IntervalArray._raw(np.maximum(0.0, _down(np.sqrt(low))), _up(np.sqrt(high)))

    def _sine(self, quarter: int) -> IntervalArray:
        """sin(x + quarter pi/2)."""
        wide = ~((self.lower >= -_LARGEST_ANGLE) & (self.upper <= _LARGEST_ANGLE))
        a, b = np.where(wide, 0.0, self.lower), np.where(wide, 0.0, self.upper)
        p, q = _sine(a, quarter), _sine(b, quarter)
        low, high = np.minimum(p, q) - _TRIG_PAD, np.maximum(p, q) + _TRIG_PAD
        # Turns from the last crest (trough) before a, less than one with the pad, tell whether one lies in [a, b]. The
        # quotient is off by less than 2^-30, so a crest within the pad of an end is taken to lie inside.
        start, end = a / (2 * math.pi) - 2.0**-28, b / (2 * math.pi) + 2.0**-28
        crest, trough = (1 - quarter) / 4, (3 - quarter) / 4
        has_crest = np.floor(end - crest) >= np.ceil(start - crest)
        has_trough = np.floor(end - trough) >= np.ceil(start - trough)
        high = np.where(wide | has_crest, 1.0, np.minimum(high, 1.0))
        low = np.where(wide | has_trough, -1.0, np.maximum(low, -1.0))
        return IntervalArray._raw(low, high)

    def sin(self) -> IntervalArray:
        """Sine."""
        return self._sine(0)

    def cos(self) -> IntervalArray:
        """Cosine."""
        return self._sine(1)

    def exp(self) -> IntervalArray:
        """Exponential."""
        a = np.clip(self.lower, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)
        b = np.clip(self.upper, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)
        low = np.where(self.lower < -_LARGEST_EXPONENT, 0.0, _exponential(a) * (1 - _EXP_PAD))
        high = np.where(self.upper > _LARGEST_EXPONENT, np.inf, _exponential(b) * (1 + _EXP_PAD))
        return IntervalArray._raw(low, high)

    def sum(self, axis: int) -> IntervalArray:
        """Sum along one axis. In any order of summation n terms are off by at most n 2^-52 times the sum of their
        absolute values; that sum, computed, is off by as little, which the doubled factor covers."""
        factor = (self.shape[axis] + 2) * 2.0**-51
        low, high = self.lower.sum(axis=axis), self.upper.sum(axis=axis)
        low = low - factor * np.abs(self.lower).sum(axis=axis)
        high = high + factor * np.abs(self.upper).sum(axis=axis)
        return IntervalArray._safe(low, high)

    def intersect(self, other: IntervalArray) -> IntervalArray:
        """What is in both, where both are known to hold the same numbers."""
        return IntervalArray(np.maximum(self.lower, other.lower), np.minimum(self.upper, other.upper))


def _is_plain(value: Any) -> bool:
    return isinstance(value, int | float | np.ndarray | np.floating | np.integer) and not isinstance(value, bool)


def _exact(value: Any) -> FloatArray:
    """A number as a float array; an integer that float64 cannot hold is refused."""
    if isinstance(value, int) and abs(value) > 2**53:
        raise UsageError(f"{value} cannot be written in float64 exactly.")
    return np.asarray(value, dtype=np.float64)


class _IntervalOperations:
    """The operations of a chart's formula on interval arrays."""

    pi: Any = IntervalArray(math.pi, math.nextafter(math.pi, 4.0))

    def real(self, x: Any, /) -> Any:
        return x if isinstance(x, IntervalArray) else IntervalArray.exactly(x)

    def sin(self, x: Any, /) -> Any:
        return x.sin()

    def cos(self, x: Any, /) -> Any:
        return x.cos()

    def sqrt(self, x: Any, /) -> Any:
        return x.sqrt()

    def exp(self, x: Any, /) -> Any:
        return x.exp()


INTERVALS: Any = _IntervalOperations()
