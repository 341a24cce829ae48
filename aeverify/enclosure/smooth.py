"""The smooth activations: derivatives, proved constants, and where each is convex or concave.

The rules that turn these into relaxations are in `relaxations`. Each constant is proved by a test in ball arithmetic;
where one is attained the code takes a slightly larger one. Narrow boxes have half-width at most `narrow`.

* tanh, y = tanh x: f' = 1 - y^2, f'' = -2 y f', f''' = f' (6 y^2 - 2) = f' (4 - 6 f'), f'''' = f' 8 y (2 - 3 y^2), so
  |f''''| <= 8 f' (the factor is largest at y = 1), and |(log f')'| = |2 y| <= 2, so that f' <= e^(1/2) f'(m) on narrow
  boxes (1/4). Convex below 0, concave above. S = 4/(3 sqrt 3) < 0.7699, T = 2, Q < 4.09.
* sigmoid s(x) = (1 + tanh(x/2))/2: s'''' = s' y (2 - 3 y^2) with y = tanh(x/2), |s''''| <= s', |(log s')'| <= 1.
* softplus(x) = log(1 + exp x): f' = s, so S = 1/4, T < 0.09624, Q = 1/8; |f''''| = |s'''| <= s', and s' <= e^(1/2)
  s'(m) on narrow boxes (1/2). Convex. With beta, log(1 + exp(beta x))/beta: S beta, T beta^2, Q beta^3. torch's module
  returns x itself beyond beta x > threshold (20): a jump of log(1 + exp(-20))/beta < 2.0612e-9/beta, which is added to
  the error of the boxes that reach there. So both functions are enclosed: the smooth one and the one with the jump. The
  latter has no Lipschitz constant: `slope_range` is infinite wherever the switch cannot be excluded.
* SiLU x s(x): f' = s (1 + x (1 - s)), f'' = s (1 - s)(2 + x (1 - 2 s)), which vanishes where x tanh(x/2) = 2, at
  +-2.39935728...: concave, convex, concave. Q = |f''''(0)| = 1/2, T < 0.3083. f(x) - x/2 is even: f'(-x) = 1 - f'(x).
* GELU x P(x), P the normal distribution function, p its density: f' = P + x p, f'' = (2 - x^2) p, f''' = (x^3 - 4 x) p,
  f'''' = (7 x^2 - 4 - x^4) p, Q = 4/sqrt(2 pi) at 0. Turns at +-sqrt 2, even like SiLU.
* ELU, a (exp x - 1) below 0, x above, a > 0: all derivatives on x <= 0 are a exp x <= e^(1/4) f''(m) on narrow boxes
  (1/4). The straight part counts as concave, so that the kink at 0 is bounded from both sides. Boxes across 0 are never
  served by Taylor's formula.
* sin(w x), cos(w x): in z = w x every derivative is at most 1. Taylor serves all boxes; where its error exceeds 1, and
  where |z| > 2^20 (far inside what the assumption of `rounding` is checked for), the relaxation is 0 +- 1. w x is
  rounded, relatively by u: the box of z is widened by 2 u |z|, and the slope times w, within u |w x|, to the error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from aeverify.enclosure.relaxations import SLOPE_LOSS, Part, Relaxation, SmoothActivation
from aeverify.enclosure.rounding import FUNCTION_ERROR, UNIT

ROOT_E = 1.6488
"""Above e^(1/2)."""


def _range_of_wave(parts: tuple[Part, ...], low: Tensor, high: Tensor, ends: tuple[Tensor, Tensor]) -> list[Tensor]:
    """Least and largest slope of f, from its slopes at the ends of the box and at the turning points inside it."""
    least, most = torch.minimum(*ends), torch.maximum(*ends)
    for part in parts[1:]:
        inside = (low <= part.start + 1e-9) & (high >= part.start - 1e-9)
        slope = torch.full_like(least, part.at_start[1])
        least = torch.where(inside, torch.minimum(least, slope), least)
        most = torch.where(inside, torch.maximum(most, slope), most)
    return [least, most]


@dataclass(frozen=True, eq=False)
class _Smooth(SmoothActivation):
    """The slope's extremes are at the ends of the box and at turning points."""

    def slope_range(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        least, most = _range_of_wave(self.parts, low, high, (self.tangent(low)[1], self.tangent(high)[1]))
        return least - SLOPE_LOSS, most + SLOPE_LOSS


@final
@dataclass(frozen=True, eq=False)
class Tanh(_Smooth):
    """Hyperbolic tangent, as 2 s(2 x) - 1: the library's logistic function is four times as fast."""

    bounds = (0.7699, 2.001, 4.09)
    parts = (Part(-math.inf, 0.0, True, at_end=(0.0, 1.0)), Part(0.0, math.inf, False, at_start=(0.0, 1.0)))

    def tangent(self, x: Tensor) -> tuple[Tensor, Tensor]:
        s = torch.sigmoid(x + x)
        return (s + s).sub_(1), (4 * s).mul_(1 - s)

    def taylor(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        y, d = self.tangent(x)
        return y, d, (y * d).mul_(-2), (d * -6).add_(4).mul_(d)

    def function(self, x: Tensor) -> Tensor:
        return torch.tanh(x)

    def fourth_derivative(self, first: Tensor, second: Tensor) -> Tensor:
        return (first * (8 * ROOT_E)).add_(SLOPE_LOSS * 16).clamp_(max=self.bounds[2])


@final
@dataclass(frozen=True, eq=False)
class Sigmoid(_Smooth):
    """Logistic function."""

    bounds = (0.09624, 0.1251, 0.1279)
    parts = (Part(-math.inf, 0.0, True, at_end=(0.5, 0.25)), Part(0.0, math.inf, False, at_start=(0.5, 0.25)))
    narrow = 0.5

    def tangent(self, x: Tensor) -> tuple[Tensor, Tensor]:
        s = torch.sigmoid(x)
        return s, s * (1 - s)

    def taylor(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        s, d = self.tangent(x)
        return s, d, d * (1 - 2 * s), d * (1 - 6 * d)

    def fourth_derivative(self, first: Tensor, second: Tensor) -> Tensor:
        return (first * ROOT_E).add_(SLOPE_LOSS * 2).clamp_(max=self.bounds[2])


@final
@dataclass(frozen=True, eq=False)
class Softplus(SmoothActivation):
    """log(1 + exp(beta x)) / beta, and x itself where beta x > threshold (20)."""

    beta: float = 1.0
    threshold: float = 20.0
    parts = (Part(-math.inf, math.inf, True),)

    @property
    def bounds(self) -> tuple[float, float, float]:
        b = self.beta * (1 + 1e-12)
        return 0.2501 * b, 0.09624 * b**2, 0.1251 * b**3

    @property
    def narrow(self) -> float:
        return 0.5 / self.beta

    def tangent(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z = self.beta * x
        return (z.clamp(min=0) + torch.log1p(torch.exp(-z.abs()))) / self.beta, torch.sigmoid(z)

    def taylor(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        f, s = self.tangent(x)
        d = s * (1 - s)
        return f, s, self.beta * d, self.beta**2 * d * (1 - 2 * s)

    def function(self, x: Tensor) -> Tensor:
        return torch.where(self.beta * x > self.threshold, x, self.tangent(x)[0])

    def fourth_derivative(self, first: Tensor, second: Tensor) -> Tensor:
        scale = ROOT_E * self.beta**2 * (1 + 1e-9)
        return (second * scale).add_(SLOPE_LOSS * 2 * self.bounds[2]).clamp_(max=self.bounds[2])

    def _reaches_switch(self, high: Tensor) -> Tensor:
        return high * self.beta > self.threshold * (1 - 1e-9)

    def slope_range(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        # beta x is rounded before the sigmoid: relative u of |z| times s' |z| <= 0.23.
        most = self.tangent(high)[1] + SLOPE_LOSS
        return self.tangent(low)[1] - SLOPE_LOSS, most.masked_fill(self._reaches_switch(high), torch.inf)

    def relax(self, low: Tensor, high: Tensor) -> Relaxation:
        k, c, e = super().relax(low, high)
        jump = math.log1p(math.exp(-self.threshold)) / self.beta * 1.0001
        return k, c, e + jump * self._reaches_switch(high).to(e.dtype)


def _even_about_half(turn: float, at: tuple[float, float]) -> tuple[Part, ...]:
    """Concave, convex, concave, for f with f(x) - x/2 even that turns at +-turn, with value and slope at turn."""
    f, s = at
    left = (f - turn, 1.0 - s)
    return (
        Part(-math.inf, -turn, False, at_end=left),
        Part(-turn, turn, True, left, at, (0.0, 0.0, 0.5)),
        Part(turn, math.inf, False, at_start=at),
    )


SILU_TURN = 2.399357280515468
_SILU_AT_TURN = 1.0 / (1.0 + math.exp(-SILU_TURN))


@final
@dataclass(frozen=True, eq=False)
class SiLU(_Smooth):
    """x sigmoid(x)."""

    bounds = (0.5001, 0.32, 0.501)
    # At the turn f' = 1/2 + x/4: s (1 - s)(2 + x (1 - 2 s)) = 0.
    parts = _even_about_half(SILU_TURN, (SILU_TURN * _SILU_AT_TURN, 0.5 + SILU_TURN / 4))

    def tangent(self, x: Tensor) -> tuple[Tensor, Tensor]:
        s = torch.sigmoid(x)
        f = x * s
        return f, torch.addcmul(f, f, s, value=-1.0).add_(s)

    def taylor(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        s = torch.sigmoid(x)
        f, t = x * s, 1 - s
        d, odd = s * t, t - s
        second = (x * odd).add_(2).mul_(d)
        third = (d * -6).add_(1).mul_(x).add_(odd, alpha=3).mul_(d)
        return f, torch.addcmul(s, f, t), second, third


_SQRT_HALF, _DENSITY = math.sqrt(0.5), 1.0 / math.sqrt(2.0 * math.pi)
_GELU_CDF = 0.5 * (1.0 + math.erf(1.0))


@final
@dataclass(frozen=True, eq=False)
class GELU(_Smooth):
    """x P(x) with the exact normal distribution function, P = (1 + erf(x/sqrt 2))/2 (absolute error matters only)."""

    bounds = (0.79789, 0.7790, 1.597)
    parts = _even_about_half(
        math.sqrt(2.0), (math.sqrt(2.0) * _GELU_CDF, _GELU_CDF + math.sqrt(2.0) * _DENSITY * math.exp(-1.0))
    )

    def _cdf_and_density(self, x: Tensor, square: Tensor) -> tuple[Tensor, Tensor]:
        cdf = torch.erf(x * _SQRT_HALF).add_(1).mul_(0.5)
        return cdf, torch.exp(square * -0.5).mul_(_DENSITY)

    def tangent(self, x: Tensor) -> tuple[Tensor, Tensor]:
        cdf, density = self._cdf_and_density(x, x * x)
        return x * cdf, torch.addcmul(cdf, x, density)

    def taylor(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        square = x * x
        cdf, density = self._cdf_and_density(x, square)
        wave = x * density
        return x * cdf, cdf + wave, (2 - square).mul_(density), square.sub_(4).mul_(wave)

    def function(self, x: Tensor) -> Tensor:
        return x * 0.5 * torch.erfc(-x * _SQRT_HALF)


@final
@dataclass(frozen=True, eq=False)
class ELU(_Smooth):
    """x for x >= 0, alpha (exp(x) - 1) below; alpha > 0."""

    alpha: float = 1.0

    @property
    def bounds(self) -> tuple[float, float, float]:
        return self.alpha, self.alpha, self.alpha

    @property
    def parts(self) -> tuple[Part, ...]:
        return (
            Part(-math.inf, 0.0, True, at_end=(0.0, self.alpha)),
            Part(0.0, math.inf, False, at_start=(0.0, 1.0)),
        )

    def tangent(self, x: Tensor) -> tuple[Tensor, Tensor]:
        positive, below = x > 0, x.clamp(max=0)
        value = torch.where(positive, x, self.alpha * torch.expm1(below))
        return value, torch.where(positive, torch.ones_like(x), self.alpha * torch.exp(below))

    def taylor(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        f, s = self.tangent(x)
        bent = s.masked_fill(x > 0, 0.0)
        return f, s, bent, bent.clone()

    def fourth_derivative(self, first: Tensor, second: Tensor) -> Tensor:
        return (second * 1.2841).clamp_(max=self.alpha)

    def unfit(self, low: Tensor, high: Tensor, d: Tensor) -> Tensor:
        return (d > self.narrow) | ((low < 0) & (high > 0))

    def slope_range(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        # At the kink the slopes are alpha and 1.
        left, right = self.tangent(low)[1], self.tangent(high)[1]
        kink = (low <= 0) & (high >= 0)
        least, most = torch.minimum(left, right), torch.maximum(left, right)
        least = torch.where(kink, least.clamp(max=min(self.alpha, 1.0)), least)
        most = torch.where(kink, most.clamp(min=max(self.alpha, 1.0)), most)
        slack = SLOPE_LOSS * (1 + self.alpha)
        return least - slack, most + slack

    def relax(self, low: Tensor, high: Tensor) -> Relaxation:
        k, c, e = super().relax(low, high)
        # The pads of the base are for |f'| <= 2 and |f| <= 1 + |x|.
        return k, c, e + 64 * FUNCTION_ERROR * self.alpha * (1 + low.abs() + high.abs())


@final
@dataclass(frozen=True, eq=False)
class Sine(SmoothActivation):
    """sin(frequency x), or cos(frequency x) where `cosine`."""

    frequency: float = 1.0
    cosine: bool = False

    FARTHEST = 2.0**20
    bounds = (1.0, 1.0, 1.0)
    parts = ()
    narrow = math.inf

    def tangent(self, x: Tensor) -> tuple[Tensor, Tensor]:
        f, slope, _, _ = self.taylor(self.frequency * x)
        return f, slope * self.frequency

    def taylor(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Of sin and cos themselves, at z = frequency x."""
        s, c = torch.sin(x), torch.cos(x)
        return (c, -s, -c, s.clone()) if self.cosine else (s, c, -s, -c)

    def _arguments(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        a, b = low * self.frequency, high * self.frequency
        a, b = (b, a) if self.frequency < 0 else (a, b)
        return a - 2 * UNIT * a.abs(), b + 2 * UNIT * b.abs()

    def relax(self, low: Tensor, high: Tensor) -> Relaxation:
        a, b = self._arguments(low, high)
        k, c, e = super().relax(a, b)
        size = torch.maximum(a.abs(), b.abs())
        flat = (e > 1) | (size > self.FARTHEST)
        k = (k * self.frequency).masked_fill(flat, 0.0)
        return k, c.masked_fill(flat, 0.0), (e + 4 * UNIT * size).masked_fill(flat, 1 + FUNCTION_ERROR)

    def slope_range(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        a, b = self._arguments(low, high)
        m, d = (a + b) * 0.5, (b - a) * (0.5 + 4 * UNIT)
        slope = self.taylor(m)[1]
        d = (d + SLOPE_LOSS).masked_fill(torch.maximum(a.abs(), b.abs()) > self.FARTHEST, 2.0)
        p, q = (slope - d).clamp(min=-1.0), (slope + d).clamp(max=1.0)
        w, up = self.frequency, 1 + 4 * UNIT
        ends = torch.minimum(p * w, q * w), torch.maximum(p * w, q * w)
        return ends[0] - 4 * UNIT * ends[0].abs(), ends[1] * up + 4 * UNIT * ends[1].abs()
