"""Activations and their relaxations by parallel lines: f(x) in slope * x + offset +- error for all x in [low, high].

Every rule returns float64 numbers that satisfy this inclusion for the real function, roundings included: `slope` is
taken as the exact number it is, and whatever its computation lost is in `error`.

Piecewise linear (ReLU, leaky ReLU; value a x below 0, x above): for ANY slope k the function f(x) - k x is linear on
[low, 0] and on [0, high], so on the box it ranges over the hull of its values at low, 0 and high. With the chord's
slope the two ends agree.

Smooth. Candidates, of which the smallest error is taken, neuron by neuron:

(a) Taylor at the midpoint m, d = (high - low)/2: f(x) - f(m) - f'(m)(x - m) = f''(xi)(x - m)^2/2 and f''(xi) lies in
    [p, q], p = max(f''(m) - T d, -S), q = min(f''(m) + T d, S), S >= sup|f''|, T >= sup|f'''|. With p <- min(p, 0),
    q <- max(q, 0) the right side lies in [p, q] d^2/2, because 0 <= (x - m)^2 <= d^2. In place of T a bound of |f'''|
    on the box may stand: tanh and sigmoid have one that falls with f', so that saturated neurons cost little.
(b) k <= min f' on the box: f(x) - k x does not decrease, so it ranges between its values at low and high; k >= max f':
    it does not increase, and ranges between them the other way round.
(c) f = ReLU - [0, g] (SiLU, GELU) or ReLU + [0, g] (softplus) and the piecewise-linear rule.

Constants (each is proved by a test in ball arithmetic; where one is attained the code takes a slightly larger one):

* tanh, y = tanh x: f'' = -2 y (1 - y^2), largest at y^2 = 1/3: S = 4/(3 sqrt 3) < 0.7699. f''' = (1 - y^2)(6 y^2 - 2),
  a quadratic in y^2 in [0, 1] with ends -2 and 0 and maximum 2/3: T = 2. f' = 1 - y^2 falls with |x|.
* sigmoid(x) = (1 + tanh(x/2))/2: f'' = tanh''(x/2)/8, f''' = tanh'''(x/2)/16: S < 0.09624, T = 1/8. f' falls with |x|.
* softplus(x) = log(1 + exp x): f' = sigmoid (rising), f'' = sigmoid' <= 1/4, f''' = sigmoid'': S = 1/4, T < 0.09624.
  With beta: log(1 + exp(beta x))/beta: S beta, T beta^2. Its module returns x itself beyond beta x > 20: the jump is
  at most log(1 + exp(-20))/beta < 2.0612e-9/beta and is added to the error of boxes that reach there.
* SiLU x s, s = sigmoid x: f' = s (1 + x (1 - s)), f'' = s (1 - s)(2 + x (1 - 2 s)), S = 1/2 (at 0), T < 0.32. f'' is
  even and vanishes only at +-2.39935728...: f' falls until -2.3994, rises until 2.3994, falls after; its least and
  largest values are > -0.09985 and < 1.09985. (c): x - f = x (1 - s) <= 0.27847 for x >= 0 and f >= -0.27847
  for x <= 0, the same number.
* GELU x Phi(x): f' = Phi + x phi, f'' = (2 - x^2) phi, S = 2/sqrt(2 pi) < 0.79789, f''' = (x^3 - 4 x) phi, T < 0.7790.
  f' has its least and largest value at -+sqrt 2: > -0.12905, < 1.12905. (c): g < 0.16998.
* ELU, a (exp x - 1) below 0, x above, a > 0: linear on x >= 0; on x <= 0 f' = f'' = f''' = a exp x <= a exp(high);
  across 0 (b) alone, with f' between min(a exp(low), 1) and max(a, 1).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor

from aeverify.enclosure.rounding import FUNCTION_ERROR, UNIT

NARROW = 0.05
"""Half-width below which candidate (a) alone is tried: (b) and (c) are hardly ever better there."""

Relaxation = tuple[Tensor, Tensor, Tensor]
"""slope, offset, error."""


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


def _smallest(candidates: list[Relaxation]) -> Relaxation:
    k, c, e = candidates[0]
    for k2, c2, e2 in candidates[1:]:
        better = e2 < e
        k, c, e = torch.where(better, k2, k), torch.where(better, c2, c), torch.where(better, e2, e)
    return k, c, e


def _pad(low: Tensor, high: Tensor) -> Tensor:
    """What the evaluation of f, f' and f'' and the arithmetic of one candidate may lose, on a box.

    All functions here satisfy |f(x)| <= |x| + max(a, 1), |f'| < 2 max(a, 1), |f''| < 1: no candidate adds more than 12
    numbers of size (|low| + |high| + 1), each within FUNCTION_ERROR of itself."""
    return 16 * FUNCTION_ERROR * (1.0 + low.abs() + high.abs())


@dataclass(frozen=True, eq=False)
class SmoothActivation(Activation):
    """Base of the smooth rules: f with two derivatives, and what bounds f', f'' and f'''."""

    @abstractmethod
    def taylor(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """f, f', f'' at x."""

    @property
    @abstractmethod
    def bounds(self) -> tuple[float, float]:
        """Upper bounds of sup|f''| and sup|f'''|."""

    @abstractmethod
    def slope_range(self, low: Tensor, high: Tensor, at_low: Tensor, at_high: Tensor) -> tuple[Tensor, Tensor]:
        """A lower bound of min f' and an upper bound of max f' on [low, high], given f' at its ends."""

    @property
    def above_relu(self) -> tuple[float, float] | None:
        """[p, q] with f - ReLU in [p, q] everywhere, or None."""
        return None

    def function(self, x: Tensor) -> Tensor:
        return self.taylor(x)[0]

    def third_derivative(self, m: Tensor, d: Tensor, slope: Tensor) -> Tensor | float:
        """Upper bound of |f'''| on m +- d, given f'(m); the global one unless a rule knows better."""
        return self.bounds[1]

    def relax(self, low: Tensor, high: Tensor) -> Relaxation:
        pad = _pad(low, high)
        second = self.bounds[0]
        m, d = (low + high) * 0.5, (high - low) * (0.5 + 4 * UNIT)
        y, k, s = self.taylor(m)
        third = self.third_derivative(m, d, k)
        loss = 4 * FUNCTION_ERROR * (1 + 4 * second)  # of the computed f''
        p = (s - third * d - loss).clamp(min=-second, max=0.0)
        q = (s + third * d + loss).clamp(max=second, min=0.0)
        quarter = d * d * 0.25
        c, e = y - k * m + quarter * (p + q), quarter * (q - p) * (1 + 8 * UNIT)
        wide = (d > NARROW).nonzero(as_tuple=True)
        if len(wide[0]):
            found = _smallest([(k[wide], c[wide], e[wide]), *self._wide_candidates(low[wide], high[wide])])
            k, c, e = (t.index_put(wide, v) for t, v in zip((k, c, e), found, strict=True))
        return k, c, e * (1 + 8 * UNIT) + pad

    def _wide_candidates(self, low: Tensor, high: Tensor) -> list[Relaxation]:
        """Candidates (b) and (c)."""
        candidates = []
        at_low, slope_low, _ = self.taylor(low)
        at_high, slope_high, _ = self.taylor(high)
        for k in self.slope_range(low, high, slope_low, slope_high):
            left, right = at_low - k * low, at_high - k * high
            candidates.append((k, (left + right) * 0.5, (left - right).abs() * (0.5 + 4 * UNIT)))
        if self.above_relu is not None:
            least, most = self.above_relu
            k, c, e = LeakyReLU().relax(low, high)
            candidates.append((k, c + 0.5 * (least + most), e + 0.5 * (most - least)))
        return candidates


def _falling_from_zero(low: Tensor, high: Tensor, at_low: Tensor, at_high: Tensor, top: float) -> tuple[Tensor, Tensor]:
    """Range of an even f' that falls with |x| from its largest value `top` at 0."""
    least, most = torch.minimum(at_low, at_high), torch.maximum(at_low, at_high)
    most = torch.where((low <= 0) & (high >= 0), torch.full_like(most, top), most)
    return least - FUNCTION_ERROR, most + FUNCTION_ERROR


def _wave(
    low: Tensor, high: Tensor, at_low: Tensor, at_high: Tensor, turn: float, extremes: tuple[float, float]
) -> tuple[Tensor, Tensor]:
    """Range of f' that falls until -turn, rises until turn and falls after; turn is known to 1e-6."""
    least, most = torch.minimum(at_low, at_high), torch.maximum(at_low, at_high)
    has_least = (low <= -turn + 1e-6) & (high >= -turn - 1e-6)
    has_most = (low <= turn + 1e-6) & (high >= turn - 1e-6)
    least = torch.where(has_least, torch.full_like(least, extremes[0]), least)
    most = torch.where(has_most, torch.full_like(most, extremes[1]), most)
    return least - 2 * FUNCTION_ERROR, most + 2 * FUNCTION_ERROR


@final
@dataclass(frozen=True, eq=False)
class Tanh(SmoothActivation):
    """Hyperbolic tangent."""

    bounds = (0.7699, 2.001)

    def taylor(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y = torch.tanh(x)
        d = (1 - y) * (1 + y)
        return y, d, -2 * y * d

    def third_derivative(self, m: Tensor, d: Tensor, slope: Tensor) -> Tensor:
        # |f'''| = f' |6 y^2 - 2| <= 4 f', and |(log f')'| = |2 y| <= 2: f' <= f'(m) exp(2 d) on the box.
        near = 4 * (slope + 4 * FUNCTION_ERROR) * torch.exp(2 * d.clamp(max=1.0)) * (1 + 8 * FUNCTION_ERROR)
        return torch.where(d <= 1, near.clamp(max=self.bounds[1]), torch.full_like(d, self.bounds[1]))

    def slope_range(self, low: Tensor, high: Tensor, at_low: Tensor, at_high: Tensor) -> tuple[Tensor, Tensor]:
        return _falling_from_zero(low, high, at_low, at_high, 1.0)


@final
@dataclass(frozen=True, eq=False)
class Sigmoid(SmoothActivation):
    """Logistic function."""

    bounds = (0.09624, 0.1251)

    def taylor(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        s = torch.sigmoid(x)
        d = s * (1 - s)
        return s, d, d * (1 - 2 * s)

    def third_derivative(self, m: Tensor, d: Tensor, slope: Tensor) -> Tensor:
        # f''' = f' (1 - 6 s + 6 s^2), whose second factor lies in [-1/2, 1], and |(log f')'| = |1 - 2 s| <= 1.
        near = (slope + 4 * FUNCTION_ERROR) * torch.exp(d.clamp(max=1.0)) * (1 + 8 * FUNCTION_ERROR)
        return torch.where(d <= 1, near.clamp(max=self.bounds[1]), torch.full_like(d, self.bounds[1]))

    def slope_range(self, low: Tensor, high: Tensor, at_low: Tensor, at_high: Tensor) -> tuple[Tensor, Tensor]:
        return _falling_from_zero(low, high, at_low, at_high, 0.25)


@final
@dataclass(frozen=True, eq=False)
class Softplus(SmoothActivation):
    """log(1 + exp(beta x)) / beta, and x itself where beta x > threshold (20)."""

    beta: float = 1.0
    threshold: float = 20.0

    @property
    def bounds(self) -> tuple[float, float]:
        return 0.2501 * self.beta, 0.09624 * self.beta**2 * (1 + 1e-12)

    @property
    def above_relu(self) -> tuple[float, float]:
        return 0.0, 0.69315 / self.beta * (1 + 1e-12)

    def taylor(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z = self.beta * x
        f = (z.clamp(min=0) + torch.log1p(torch.exp(-z.abs()))) / self.beta
        s = torch.sigmoid(z)
        return f, s, self.beta * s * (1 - s)

    def function(self, x: Tensor) -> Tensor:
        return torch.where(self.beta * x > self.threshold, x, self.taylor(x)[0])

    def slope_range(self, low: Tensor, high: Tensor, at_low: Tensor, at_high: Tensor) -> tuple[Tensor, Tensor]:
        # beta x is rounded before the sigmoid: relative u of |z| times s' |z| <= 0.23.
        return at_low - FUNCTION_ERROR, at_high + FUNCTION_ERROR

    def relax(self, low: Tensor, high: Tensor) -> Relaxation:
        k, c, e = super().relax(low, high)
        jump = math.log1p(math.exp(-self.threshold)) / self.beta * 1.0001
        return k, c, e + jump * (high * self.beta > self.threshold * (1 - 1e-9)).to(e.dtype)


@final
@dataclass(frozen=True, eq=False)
class SiLU(SmoothActivation):
    """x sigmoid(x)."""

    bounds = (0.5001, 0.32)
    above_relu = (-0.27847, 0.0)

    def taylor(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        s = torch.sigmoid(x)
        t = 1 - s
        return x * s, s * (1 + x * t), s * t * (2 + x * (t - s))

    def slope_range(self, low: Tensor, high: Tensor, at_low: Tensor, at_high: Tensor) -> tuple[Tensor, Tensor]:
        # 1 - s cancels for large x, but x u stays below FUNCTION_ERROR (1 + |x|), which the caller pads.
        least, most = _wave(low, high, at_low, at_high, 2.3993572805, (-0.09985, 1.09985))
        slack = 4 * UNIT * torch.maximum(low.abs(), high.abs())
        return least - slack, most + slack


_SQRT_HALF, _INVERSE_ROOT_TWO_PI = math.sqrt(0.5), 1.0 / math.sqrt(2.0 * math.pi)


@final
@dataclass(frozen=True, eq=False)
class GELU(SmoothActivation):
    """x Phi(x) with the exact normal distribution function."""

    bounds = (0.79789, 0.7790)
    above_relu = (-0.16998, 0.0)

    def taylor(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        cdf = 0.5 * torch.erfc(-x * _SQRT_HALF)
        pdf = _INVERSE_ROOT_TWO_PI * torch.exp(-0.5 * x * x)
        return x * cdf, cdf + x * pdf, (2 - x * x) * pdf

    def slope_range(self, low: Tensor, high: Tensor, at_low: Tensor, at_high: Tensor) -> tuple[Tensor, Tensor]:
        return _wave(low, high, at_low, at_high, math.sqrt(2.0), (-0.12905, 1.12905))


@final
@dataclass(frozen=True, eq=False)
class ELU(SmoothActivation):
    """x for x >= 0, alpha (exp(x) - 1) below; alpha > 0."""

    alpha: float = 1.0

    @property
    def bounds(self) -> tuple[float, float]:
        return self.alpha, self.alpha

    def taylor(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        e = self.alpha * torch.exp(x.clamp(max=0))
        positive, zero = x > 0, torch.zeros_like(x)
        value = torch.where(positive, x, self.alpha * torch.expm1(x.clamp(max=0)))
        return value, torch.where(positive, torch.ones_like(x), e), torch.where(positive, zero, e)

    def slope_range(self, low: Tensor, high: Tensor, at_low: Tensor, at_high: Tensor) -> tuple[Tensor, Tensor]:
        one = torch.ones_like(low)
        left, right = self.alpha * torch.exp(low.clamp(max=0)), self.alpha * torch.exp(high.clamp(max=0))
        least = torch.where(low >= 0, one, torch.where(high > 0, torch.minimum(left, one), left))
        most = torch.where(low >= 0, one, torch.where(high > 0, torch.maximum(right, one), right))
        slack = 2 * FUNCTION_ERROR * (1 + self.alpha)
        return least - slack, most + slack

    def relax(self, low: Tensor, high: Tensor) -> Relaxation:
        pad = _pad(low, high) * (1 + self.alpha)
        at_low, slope_low, _ = self.taylor(low)
        at_high, slope_high, _ = self.taylor(high)
        candidates = []
        for k in self.slope_range(low, high, slope_low, slope_high):
            left, right = at_low - k * low, at_high - k * high
            candidates.append((k, (left + right) * 0.5, (left - right).abs() * (0.5 + 4 * UNIT)))
        # (a) where the box lies on one side of 0; f'' in [alpha exp(low), alpha exp(high)] on the left.
        m, d = (low + high) * 0.5, (high - low) * (0.5 + 4 * UNIT)
        y, k, _ = self.taylor(m)
        q = torch.where(low >= 0, torch.zeros_like(m), self.alpha * torch.exp(high.clamp(max=0)) * (1 + FUNCTION_ERROR))
        quarter = d * d * 0.25
        error = torch.where((low >= 0) | (high <= 0), quarter * q, torch.full_like(q, math.inf))
        candidates.append((k, y - k * m + quarter * q, error))
        k, c, e = _smallest(candidates)
        return k, c, e * (1 + 8 * UNIT) + pad
