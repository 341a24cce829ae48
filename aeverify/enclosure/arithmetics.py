"""Three ways to carry the coefficient of a Taylor series: a plain number, a ball, and a ball with a running error.

* `PLAIN` (value,): float64, nothing else.
* `BALL` (mid, rad): |x - mid| <= rad for the exact x, at every expansion point of the box.
* `TRACKED` (mid, rad, err): a ball, and a bound, valid for every float64 expansion point of the box, of what the PLAIN
  evaluation of the same formula at that point is off by. So the plain evaluation, which is cheap, is made rigorous by
  one tracked evaluation over a larger box (running error analysis: Higham, section 3.3, with magnitudes taken over the
  box).

Rules. The product of m1 +- r1 and m2 +- r2 lies within |m1| r2 + r1 (|m2| + r2) of m1 m2; a sum of K computed products
is off by at most gamma(K) sum |m1 m2|. With suprema s = |mid| + rad, computed factors are at most s + err, and the
running error of a sum of products is sum (s1 err2 + err1 (s2 + err2)) + gamma(K + 1) sum (s1 + err1)(s2 + err2). For a
function with |f'| <= L between computed and exact argument, the running error is L err plus the error of the function
itself (`FUNCTION_ERROR`). Radii and errors are sums and products of non-negative numbers, and are rounded up.

A division by a ball that holds 0, or a root of one that does, gives an infinite radius. Infinite and NaN radii mean
"not enclosed"; every rule hands them on (sine and cosine, which are bounded by 1 everywhere, may make a finite radius
of an infinite one), and whoever reads the result asks `torch.isfinite`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from aeverify.enclosure.rounding import FUNCTION_ERROR, TINY, UNIT, gamma

Coefficient = tuple[Tensor, ...]
Pairs = Sequence[tuple[Coefficient, Coefficient]]


def _up(x: Tensor, n: int = 8) -> Tensor:
    return x * (1 + gamma(n + 2)) + TINY


def _hull(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    mid = (low + high) * 0.5
    return mid, torch.maximum(high - mid, mid - low) * (1 + 4 * UNIT) + TINY


def _ends(mid: Tensor, rad: Tensor) -> tuple[Tensor, Tensor]:
    """Lower and upper end of a ball, rounded outward."""
    wide = rad * (1 + 4 * UNIT) + UNIT * mid.abs()
    return mid - wide, mid + wide


class Arithmetic(ABC):
    """What a series needs of its coefficients. The functions return f^(k)/k! at (or over) x for k = 0..order."""

    @abstractmethod
    def lift(self, mid: float, rad: float, like: Tensor) -> Coefficient:
        """A real constant within rad of the float mid."""

    @abstractmethod
    def add(self, a: Coefficient, b: Coefficient) -> Coefficient:
        """a + b."""

    @abstractmethod
    def dot(self, pairs: Pairs) -> Coefficient:
        """The sum of the products of the pairs."""

    def negative(self, a: Coefficient) -> Coefficient:
        """-a."""
        return (-a[0], *a[1:])

    @abstractmethod
    def sine(self, x: Coefficient, order: int, shift: int) -> list[Coefficient]:
        """sin (shift 0) or cos (shift 1)."""

    @abstractmethod
    def exponential(self, x: Coefficient, order: int) -> list[Coefficient]:
        """exp."""

    @abstractmethod
    def reciprocal(self, x: Coefficient, order: int) -> list[Coefficient]:
        """1/x: (-1)^k x^(-k-1)."""

    @abstractmethod
    def root(self, x: Coefficient, order: int) -> list[Coefficient]:
        """sqrt: binomial(1/2, k) x^(1/2 - k)."""


def _binomials(order: int) -> list[float]:
    """binomial(1/2, k); the roundings of their computation are below k ulps."""
    values = [1.0]
    for k in range(order):
        values.append(values[-1] * (0.5 - k) / (k + 1))
    return values


def _sum(pairs: Pairs, i: int) -> Tensor:
    total = pairs[0][0][i] * pairs[0][1][i]
    for a, b in pairs[1:]:
        total = total + a[i] * b[i]
    return total


@final
class _Plain(Arithmetic):
    def lift(self, mid: float, rad: float, like: Tensor) -> Coefficient:
        return (like.new_tensor(mid),)

    def add(self, a: Coefficient, b: Coefficient) -> Coefficient:
        return (a[0] + b[0],)

    def dot(self, pairs: Pairs) -> Coefficient:
        return (_sum(pairs, 0),)

    def sine(self, x: Coefficient, order: int, shift: int) -> list[Coefficient]:
        s, c = torch.sin(x[0]), torch.cos(x[0])
        cycle = (s, c, -s, -c)
        return [(cycle[(k + shift) % 4] / math.factorial(k),) for k in range(order + 1)]

    def exponential(self, x: Coefficient, order: int) -> list[Coefficient]:
        e = torch.exp(x[0])
        return [(e / math.factorial(k),) for k in range(order + 1)]

    def reciprocal(self, x: Coefficient, order: int) -> list[Coefficient]:
        inverse = 1.0 / x[0]
        return [((-1.0) ** k * inverse ** (k + 1),) for k in range(order + 1)]

    def root(self, x: Coefficient, order: int) -> list[Coefficient]:
        r, inverse = torch.sqrt(x[0]), 1.0 / x[0]
        return [(b * r * inverse**k,) for k, b in enumerate(_binomials(order))]


class _Ball(Arithmetic):
    def lift(self, mid: float, rad: float, like: Tensor) -> Coefficient:
        return like.new_tensor(mid), like.new_tensor(rad)

    def add(self, a: Coefficient, b: Coefficient) -> Coefficient:
        m = a[0] + b[0]
        return m, _up(a[1] + b[1] + UNIT * m.abs())

    def dot(self, pairs: Pairs) -> Coefficient:
        mid, size, rad = None, None, None
        for (m1, r1, *_), (m2, r2, *_) in pairs:
            p = m1 * m2
            r = m1.abs() * r2 + r1 * (m2.abs() + r2)
            mid = p if mid is None else mid + p
            size = p.abs() if size is None else size + p.abs()
            rad = r if rad is None else rad + r
        assert mid is not None and size is not None and rad is not None
        n = len(pairs)
        return mid, _up(rad + gamma(n + 1) * size, 2 * n + 8)

    def sine(self, x: Coefficient, order: int, shift: int) -> list[Coefficient]:
        mid, rad = x[0], x[1]
        s, c = torch.sin(mid), torch.cos(mid)
        # |f(x) - f(m)| <= |f'(m)| r + r^2/2, and <= 2; FUNCTION_ERROR is taken relative to 1.
        cycle = ((s, c), (c, s), (-s, c), (-c, s))
        result: list[Coefficient] = []
        for k in range(order + 1):
            m, slope = cycle[(k + shift) % 4]
            r = torch.minimum((slope.abs() + FUNCTION_ERROR) * rad + rad * rad * 0.5, torch.full_like(rad, 2.0))
            factorial = math.factorial(k)
            result.append((m / factorial, _up(r + 2 * FUNCTION_ERROR) / factorial))
        return result

    def exponential(self, x: Coefficient, order: int) -> list[Coefficient]:
        mid, rad = x[0], x[1]
        e = torch.exp(mid)
        # |exp(x) - exp(m)| <= exp(m) (exp(r) - 1).
        r = _up(e * (torch.expm1(rad) * (1 + 2 * FUNCTION_ERROR) + 3 * FUNCTION_ERROR))
        return [(e / math.factorial(k), r / math.factorial(k) * (1 + 4 * UNIT)) for k in range(order + 1)]

    def reciprocal(self, x: Coefficient, order: int) -> list[Coefficient]:
        low, high = _ends(x[0], x[1])
        holds_zero = (low <= 0) & (high >= 0)
        result: list[Coefficient] = []
        for k in range(order + 1):
            # Monotone on either side of 0.
            a, b = (1 / low) ** (k + 1), (1 / high) ** (k + 1)
            pad = (k + 2) * FUNCTION_ERROR * torch.maximum(a.abs(), b.abs())
            m, r = _hull(torch.minimum(a, b) - pad, torch.maximum(a, b) + pad)
            result.append(((-m if k % 2 else m), r.masked_fill(holds_zero, math.inf)))
        return result

    def root(self, x: Coefficient, order: int) -> list[Coefficient]:
        low, high = _ends(x[0], x[1])
        outside = low <= 0
        low, high = low.masked_fill(outside, 1.0), high.masked_fill(outside, 1.0)
        result: list[Coefficient] = []
        for k, binomial in enumerate(_binomials(order)):
            # x^(1/2 - k) is monotone.
            a, b = low.sqrt() / low**k, high.sqrt() / high**k
            pad = (k + 2) * FUNCTION_ERROR * torch.maximum(a, b)
            m, r = _hull(torch.minimum(a, b) - pad, torch.maximum(a, b) + pad)
            m, r = binomial * m, _up(abs(binomial) * r + (2 * k + 2) * UNIT * abs(binomial) * m.abs())
            result.append((m, r.masked_fill(outside, math.inf)))
        return result


@final
class _Tracked(_Ball):
    def lift(self, mid: float, rad: float, like: Tensor) -> Coefficient:
        return like.new_tensor(mid), like.new_tensor(rad), like.new_tensor(rad)

    def add(self, a: Coefficient, b: Coefficient) -> Coefficient:
        m, r = super().add(a, b)
        e = a[2] + b[2]
        return m, r, _up(e + UNIT * (m.abs() + r + e))

    def dot(self, pairs: Pairs) -> Coefficient:
        mid, rad = super().dot(pairs)
        error, size = torch.zeros_like(mid), torch.zeros_like(mid)
        for (m1, r1, e1), (m2, r2, e2) in pairs:
            s1, s2 = m1.abs() + r1, m2.abs() + r2
            error = error + (s1 * e2 + e1 * (s2 + e2))
            size = size + (s1 + e1) * (s2 + e2)
        n = len(pairs)
        return mid, rad, _up(error + gamma(n + 1) * size, 3 * n + 8)

    def sine(self, x: Coefficient, order: int, shift: int) -> list[Coefficient]:
        error = x[2] * (1 + 4 * UNIT) + 2 * FUNCTION_ERROR
        balls = super().sine(x, order, shift)
        return [(*ball, error / math.factorial(k) * (1 + 4 * UNIT)) for k, ball in enumerate(balls)]

    def exponential(self, x: Coefficient, order: int) -> list[Coefficient]:
        balls = super().exponential(x, order)
        top = balls[0][0] + balls[0][1]
        error = _up(top * (torch.expm1(x[2]) * (1 + 2 * FUNCTION_ERROR) + 4 * FUNCTION_ERROR * torch.exp(x[2])))
        return [(*ball, error / math.factorial(k) * (1 + 4 * UNIT)) for k, ball in enumerate(balls)]

    def reciprocal(self, x: Coefficient, order: int) -> list[Coefficient]:
        balls = super().reciprocal(x, order)
        low, high = _ends(x[0], _up(x[1] + x[2]))
        least = torch.where(low > 0, low, -high)
        outside = least <= 0
        least = least.masked_fill(outside, 1.0)
        result: list[Coefficient] = []
        for k, ball in enumerate(balls):
            error = (k + 1) * x[2] / least ** (k + 2) + (k + 3) * FUNCTION_ERROR / least ** (k + 1)
            result.append((*ball, (error * (1 + 4 * k * FUNCTION_ERROR + 1e-14) + TINY).masked_fill(outside, math.inf)))
        return result

    def root(self, x: Coefficient, order: int) -> list[Coefficient]:
        balls = super().root(x, order)
        low, high = _ends(x[0], _up(x[1] + x[2]))
        outside = low <= 0
        low, high = low.masked_fill(outside, 1.0), high.masked_fill(outside, 1.0)
        result: list[Coefficient] = []
        for k, (ball, binomial) in enumerate(zip(balls, _binomials(order), strict=True)):
            top = high.sqrt() if k == 0 else low.sqrt() / low**k
            slope = abs(0.5 - k) * low.sqrt() / low ** (k + 1)
            error = abs(binomial) * (slope * x[2] + (2 * k + 4) * FUNCTION_ERROR * top)
            result.append((*ball, (error * (1 + 4 * k * FUNCTION_ERROR + 1e-14) + TINY).masked_fill(outside, math.inf)))
        return result


PLAIN: Arithmetic = _Plain()
BALL: Arithmetic = _Ball()
TRACKED: Arithmetic = _Tracked()
