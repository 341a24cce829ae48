"""Activations and their relaxations by parallel lines: f(x) in slope * x + offset +- error for all x in [low, high].

Every rule returns float64 numbers that satisfy this inclusion for the real function, roundings included: `slope` is
taken as the exact number it is, and whatever its computation lost is in `error`. The smooth functions themselves, with
the constants that the rules below need, are in `smooth`.

Piecewise linear (ReLU, leaky ReLU; value a x below 0, x above): for ANY slope k the function f(x) - k x is linear on
[low, 0] and on [0, high], so on the box it ranges over the hull of its values at low, 0 and high. With the chord's
slope the two ends agree.

Smooth, m the midpoint and d the half-width of the box, x = m + t:

(a) Taylor to order 3: f(m + t) = f + f' t + f'' t^2/2 + f''' t^3/6 + r, |r| <= Q t^4/24 with Q >= |f''''| on the box.
    The slope f' + f''' d^2/8 leaves f''' (t^3 - 3 d^2 t/4)/6, which is at most |f'''| d^3/24 (4 t^3 - 3 t is
    Chebyshev's), and t^2 f''/2 lies within |f''| d^2/4 of f'' d^2/4. So the error is |f''| d^2/4 + |f'''| d^3/24 +
    Q d^4/24.
(b) Wide boxes: the chord's slope k, and the range of g(x) = f(x) - k x by tangents. Where f is convex on [a, b], g lies
    above its tangents in a and b. With p = max(0, k - f'(a)) and q = max(0, f'(b) - k), g >= g(a) - p (x - a) and
    g >= g(b) - q (b - x); the mean of the two with weights w = q/(p + q) and 1 - w is free of x, hence

        g >= w g(a) + (1 - w) g(b) - w p (b - a)      on [a, b].

    A third point c of [a, b] halves the interval: if f'(c) >= k, g rises on [c, b], so that the bound of [a, c] holds
    on [a, b], and else that of [c, b]. Where f is concave the same holds for -f. On a convex part the largest value of
    g is at an end, so over the whole box g ranges between its values at low and high and these bounds of its parts (an
    end that is a turning point of f' belongs to two parts, and is bounded in the one where g is not extreme there).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import NamedTuple, final

import torch
from torch import Tensor

from aeverify.enclosure.rounding import FUNCTION_ERROR, UNIT

Relaxation = tuple[Tensor, Tensor, Tensor]
"""slope, offset, error."""

CUBIC = (1 + 8 * UNIT) / 24.0
"""max |t^3 - 3 t / 4| / 6 over [-1, 1]."""


@dataclass(frozen=True, eq=False)
class Activation(ABC):
    """A function applied to every neuron, or to those of `mask` where one is given (the others pass unchanged)."""

    mask: Tensor | None = None

    @property
    def piecewise_linear(self) -> bool:
        """True where each neuron is linear on either side of 0."""
        return False

    @abstractmethod
    def function(self, x: Tensor) -> Tensor:
        """The activation in plain float64."""

    @abstractmethod
    def relax(self, low: Tensor, high: Tensor) -> Relaxation:
        """Parallel lines that enclose the function on [low, high], element by element."""

    @abstractmethod
    def slope_range(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """Bounds [p, q] of every difference quotient of f on [low, high].

        NaN where the box is NaN, infinite where f may jump."""

    def apply(self, x: Tensor) -> Tensor:
        """Plain float64 evaluation, the mask respected."""
        return self.function(x) if self.mask is None else torch.where(self.mask, self.function(x), x)

    def relaxed(self, low: Tensor, high: Tensor) -> Relaxation:
        """`relax`, with slope 1 and no error off the mask."""
        k, c, e = self.relax(low, high)
        if self.mask is not None:
            zero = torch.zeros_like(c)
            k = torch.where(self.mask, k, torch.ones_like(k))
            c, e = torch.where(self.mask, c, zero), torch.where(self.mask, e, zero)
        return k, c, e

    def slopes(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """`slope_range`, with slope 1 off the mask."""
        p, q = self.slope_range(low, high)
        if self.mask is not None:
            one = torch.ones_like(p)
            p, q = torch.where(self.mask, p, one), torch.where(self.mask, q, one)
        return p, q

    def to(self, device: torch.device | str) -> Activation:
        """The same activation on another device."""
        return self if self.mask is None else replace(self, mask=self.mask.to(device))

    def extended(self, width: int, extra: int, device: torch.device) -> Activation:
        """For `width` neurons that the activation acts on, followed by `extra` that pass unchanged."""
        mask = torch.ones(width, dtype=torch.bool, device=device) if self.mask is None else self.mask
        return replace(self, mask=torch.cat([mask, torch.zeros(extra, dtype=torch.bool, device=device)]))


@final
@dataclass(frozen=True, eq=False)
class LeakyReLU(Activation):
    """x for x >= 0 and `negative` * x below; ReLU is `negative` = 0."""

    negative: float = 0.0

    @property
    def piecewise_linear(self) -> bool:
        return True

    def function(self, x: Tensor) -> Tensor:
        return torch.where(x >= 0, x, self.negative * x)

    def relax(self, low: Tensor, high: Tensor) -> Relaxation:
        one = torch.ones_like(low)
        above, below = low >= 0, high <= 0
        width = (high - low).clamp(min=1e-300)
        chord = (high - self.negative * low) / width
        k = torch.where(above, one, torch.where(below, one * self.negative, chord))
        left, right = (self.negative - k) * low, (1.0 - k) * high
        zero = torch.zeros_like(low)
        least, most = torch.minimum(torch.minimum(left, right), zero), torch.maximum(torch.maximum(left, right), zero)
        error = (most - least) * (0.5 + 4 * UNIT) + 4 * UNIT * torch.maximum(most, -least)
        stable = above | below
        return k, torch.where(stable, zero, (most + least) * 0.5), torch.where(stable, zero, error)

    def slope_range(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        one = torch.ones_like(low)
        left = one * self.negative
        above, below = low >= 0, high <= 0
        p = torch.where(above, one, torch.where(below, left, torch.minimum(one, left)))
        q = torch.where(above, one, torch.where(below, left, torch.maximum(one, left)))
        unknown = torch.isnan(low) | torch.isnan(high)
        return p.masked_fill(unknown, torch.nan), q.masked_fill(unknown, torch.nan)


class Part(NamedTuple):
    """An interval on which f is convex or concave, f and f' at its ends (0 at infinite ones), and at a point inside.

    The ends may be off the true turning points of f' by 1e-11, which `SLOPE_LOSS` pays for: f'' stays below 1e-11
    there, so that a slope is off by 1e-22.
    """

    start: float
    end: float
    convex: bool
    at_start: tuple[float, float] = (0.0, 0.0)
    at_end: tuple[float, float] = (0.0, 0.0)
    inside: tuple[float, float, float] | None = None


SLOPE_LOSS = 64 * FUNCTION_ERROR
"""What a computed f', f'' or f''' may be off by, in units of 1 + the bound of that derivative.

1 - s cancels in SiLU for large x, but there x (1 - s) <= 41 FUNCTION_ERROR, and from x = 38 on both are computed as 0.
"""


@dataclass(frozen=True, eq=False)
class SmoothActivation(Activation):
    """Base of the smooth rules: f with three derivatives, the parts where it is convex or concave, a bound of f''''."""

    @abstractmethod
    def taylor(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """f, f', f'', f''' at x."""

    @abstractmethod
    def tangent(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """f, f' at x."""

    @property
    @abstractmethod
    def bounds(self) -> tuple[float, float, float]:
        """Upper bounds of sup|f''|, sup|f'''| and sup|f''''|."""

    @property
    @abstractmethod
    def parts(self) -> tuple[Part, ...]:
        """Where f is convex and where concave; they cover the line."""

    @property
    def narrow(self) -> float:
        """Half-width above which (b) takes the place of (a)."""
        return 0.25

    def function(self, x: Tensor) -> Tensor:
        return self.tangent(x)[0]

    def fourth_derivative(self, first: Tensor, second: Tensor) -> Tensor | float:
        """Upper bound of |f''''| on m +- `narrow`, given f' and f'' at m; the global one unless a rule knows better."""
        return self.bounds[2]

    def unfit(self, low: Tensor, high: Tensor, d: Tensor) -> Tensor:
        """Which boxes (a) does not serve."""
        return d > self.narrow

    def relax(self, low: Tensor, high: Tensor) -> Relaxation:
        m, d = (low + high).mul_(0.5), (high - low).mul_(0.5 + 4 * UNIT)
        value, first, second, third = self.taylor(m)
        square = d * d
        slope = torch.addcmul(first, third, square, value=0.125)
        offset = torch.addcmul(value, slope, m, value=-1.0).addcmul_(second, square, value=0.25)
        error = d * self.fourth_derivative(first, second)
        error.mul_(1 / 24).add_(third.abs_(), alpha=CUBIC).mul_(d).add_(second.abs_(), alpha=0.25)
        bound, steeper, _ = self.bounds
        error.mul_(1 + 16 * UNIT).add_(SLOPE_LOSS * (1 + bound) + SLOPE_LOSS * (1 + steeper) * d).mul_(square)
        wide = self.unfit(low, high, d).flatten().nonzero()[:, 0]
        if len(wide):
            box = [t.flatten().index_select(0, wide) for t in (low, high, m, value, first)]
            for whole, new in zip((slope, offset, error), self._chords(*box), strict=True):
                whole.view(-1).index_copy_(0, wide, new)
        # Evaluation of f and f' and the arithmetic: at most 12 numbers of size 1 + |x|, each within FUNCTION_ERROR.
        error.add_(m.abs_().add_(d), alpha=32 * FUNCTION_ERROR).add_(16 * FUNCTION_ERROR)
        return slope, offset, error

    def _chords(self, low: Tensor, high: Tensor, m: Tensor, at_m: Tensor, slope_m: Tensor) -> Relaxation:
        """Candidate (b) on one-dimensional tensors."""
        at_low, slope_low = self.tangent(low)
        at_high, slope_high = self.tangent(high)
        width = (high - low).clamp(min=1e-300)
        k = (at_high - at_low) / width
        left, right = at_low - k * low, at_high - k * high
        least, most = torch.minimum(left, right), torch.maximum(left, right)
        for part in self.parts:
            a, b = _End(low, at_low, slope_low), _End(high, at_high, slope_high)
            touched: Tensor | None = None
            if part.start > -math.inf:
                a, touched = a.cut(low < part.start, part.start, *part.at_start), high > part.start
            if part.end < math.inf:
                b = b.cut(high > part.end, part.end, *part.at_end)
                touched = low < part.end if touched is None else touched & (low < part.end)
            c = _End(m, at_m, slope_m)
            if len(self.parts) > 1:
                spare = a
                if part.inside is not None:
                    x, f, s = part.inside
                    spare = spare.cut((a.x < x) & (x < b.x), x, f, s)
                outside = (m <= a.x) | (m >= b.x)
                c = c.where(outside, spare)
            bound = _convex_bound(k, a, c, b, 1.0 if part.convex else -1.0)
            if part.convex:
                least = torch.minimum(least, bound if touched is None else torch.where(touched, bound, least))
            else:
                most = torch.maximum(most, bound if touched is None else torch.where(touched, bound, most))
        return k, (least + most) * 0.5, (most - least) * (0.5 + 4 * UNIT) + 4 * SLOPE_LOSS * width


class _End(NamedTuple):
    """A point with f and f' there."""

    x: Tensor
    f: Tensor
    s: Tensor

    def cut(self, where: Tensor, x: float, f: float, s: float) -> _End:
        """Another point, the same for all, where told."""
        return _End(self.x.masked_fill(where, x), self.f.masked_fill(where, f), self.s.masked_fill(where, s))

    def where(self, mask: Tensor, other: _End) -> _End:
        """Another point where told."""
        return _End(*(torch.where(mask, o, t) for t, o in zip(self, other, strict=True)))


def _convex_bound(k: Tensor, a: _End, c: _End, b: _End, sign: float) -> Tensor:
    """Lower bound of f - k x on [a, b] where f is convex (sign 1), upper bound where it is concave (sign -1)."""
    falling = (c.s - k) * sign < 0
    a, b = a.where(falling, c), c.where(falling, b)
    p, q = ((k - a.s) * sign).clamp(min=0), ((b.s - k) * sign).clamp(min=0)
    weight = q / (p + q + 1e-300)
    left, right = a.f - k * a.x, b.f - k * b.x
    return torch.addcmul(right, weight, left - right - sign * p * (b.x - a.x))
