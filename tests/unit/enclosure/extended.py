"""Autoencoders and charts in 80-bit arithmetic, many points at a time, each value with a bound of its own error.

The soundness fuzz asks whether the exact error of a point lies inside an enclosure; this gives the error within some
1e-17, thousands of times faster than balls, and says by how much it may be off. What it cannot decide is asked again in
ball arithmetic, so nothing hides behind the bound. The torch modules themselves are evaluated, not the stages that the
library made of them: a layer that was translated wrongly is seen.

Bounds: u = 2^-64 is the unit roundoff. A sum of n products is off by at most gamma(n) times
the sum of their sizes in any order. The C library's long double functions are taken to be within `FUNCTION` of the
larger of |result| and 1 (its manual says 1 or 2 units in the last place; a test compares with balls). Errors are kept
in float64 and rounded up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from flint import arb, ctx
from torch import nn

from aeverify.autoencoders.blocks import Cosine, Residual, Sine
from aeverify.manifolds.chart import Chart

Array = np.ndarray

UNIT = float(np.finfo(np.longdouble).eps) / 2
"""2^-64 on x86; where long double is float64, all bounds here become as wide, and balls decide more often."""
FUNCTION = max(16 * UNIT, 2.0**-60)
_UP = 1 + 2.0**-40


def _wide(x: Any) -> Array:
    return np.asarray(x, dtype=np.longdouble)


def _size(x: Array) -> Array:
    """|x| in float64, rounded up."""
    return np.abs(x).astype(np.float64) * _UP + 1e-300


class Real:
    """An array of 80-bit numbers, each within `error` (float64) of the real number it stands for."""

    __array_ufunc__ = None

    def __init__(self, value: Any, error: Any = 0.0) -> None:
        self.value = _wide(value)
        self.error = np.broadcast_to(np.asarray(error, dtype=np.float64), self.value.shape)

    def _rounded(self, value: Array, error: Array) -> Real:
        return Real(value, (error + UNIT * _size(value)) * _UP + 1e-300)

    def __add__(self, other: Any) -> Real:
        b = other if isinstance(other, Real) else Real(other)
        return self._rounded(self.value + b.value, self.error + b.error)

    def __neg__(self) -> Real:
        return Real(-self.value, self.error)

    def __sub__(self, other: Any) -> Real:
        return self + (-(other if isinstance(other, Real) else Real(other)))

    def __rsub__(self, other: Any) -> Real:
        return (-self) + other

    def __mul__(self, other: Any) -> Real:
        b = other if isinstance(other, Real) else Real(other)
        error = _size(self.value) * b.error + self.error * (_size(b.value) + b.error)
        return self._rounded(self.value * b.value, error)

    __radd__, __rmul__ = __add__, __mul__

    def __truediv__(self, other: Any) -> Real:
        b = other if isinstance(other, Real) else Real(other)
        quotient = self.value / b.value
        least = np.abs(b.value).astype(np.float64) * (1 - 2.0**-40) - b.error
        error = np.where(least > 0, (self.error + _size(quotient) * b.error) / np.maximum(least, 1e-300), np.inf)
        return self._rounded(quotient, error * _UP)

    def __rtruediv__(self, other: Any) -> Real:
        return Real(np.broadcast_to(_wide(other), self.value.shape)) / self

    def __pow__(self, n: int) -> Real:
        result: Real = self
        for _ in range(n - 1):
            result = result * self
        return result

    def through(self, function: Callable[[Array], Array], slope: Any) -> Real:
        """A function of the C library with |f'| <= slope between the value and the real argument."""
        value = function(self.value)
        return self._rounded(value, slope * self.error + FUNCTION * np.maximum(_size(value), 1.0))


class Operations:
    """What a chart's formula is given."""

    pi = Real(np.longdouble("3.14159265358979323846264338327950288"), 4 * UNIT)

    def real(self, x: Any, /) -> Real:
        return x if isinstance(x, Real) else Real(x)

    def sin(self, x: Any, /) -> Real:
        return self.real(x).through(np.sin, 1.0)

    def cos(self, x: Any, /) -> Real:
        return self.real(x).through(np.cos, 1.0)

    def exp(self, x: Any, /) -> Real:
        x = self.real(x)
        return x.through(np.exp, np.exp(x.value.astype(np.float64) + x.error + 1e-9))

    def sqrt(self, x: Any, /) -> Real:
        x = self.real(x)
        least = np.maximum(x.value.astype(np.float64) * (1 - 1e-9) - x.error, 0.0)
        return x.through(np.sqrt, 1 / np.sqrt(np.maximum(least, 1e-300)))


def chart_points(chart: Chart, parameters: Array) -> Real:
    """The points (N, n) of exact parameters (N, d)."""
    count = len(parameters)
    found = [c if isinstance(c, Real) else Real(c) for c in chart.formula(list(map(Real, parameters.T)), Operations())]
    values = [np.broadcast_to(c.value, (count,)) for c in found]
    return Real(np.stack(values, 1), np.stack([np.broadcast_to(c.error, (count,)) for c in found], 1))


def _normal_table() -> tuple[Array, int]:
    """Taylor coefficients of the normal distribution function at k/4, |k| <= 50, exact to 2^-64 of themselves.

    Phi(m + t) = Phi(m) + phi(m) sum (-1)^k He_k(m) t^(k+1) / (k+1)!. By Cramer's inequality |He_k| phi <= 0.44
    sqrt(k!), so for |t| <= 1/8 what is left out after k = 14 is below 0.44 sqrt(15!)/16! 8^-16 < 1e-22."""
    degree, rows = 15, []
    with ctx.workprec(160):
        for i in range(-50, 51):
            m = arb(i) / 4
            density = (-m * m / 2).exp() / (2 * arb.pi()).sqrt()
            row = [(-m / arb(2).sqrt()).erfc() / 2]
            hermite = [arb(1), m]
            for k in range(degree):
                row.append((-1) ** k * hermite[k] * density / math.factorial(k + 1))
                hermite.append(m * hermite[-1] - (k + 1) * hermite[-2])
            high = [float(c) for c in row]
            low = [float(c - arb(h)) for c, h in zip(row, high, strict=True)]
            rows.append(_wide(high) + _wide(low))
    return np.stack(rows, 1), degree


_TABLE: list[tuple[Array, int]] = []


def _normal(x: Array) -> Array:
    """Normal distribution function, absolute error below 2^-60: three roundings of a number at most 1, and 34 of the
    rest, whose terms add up to less than 0.06."""
    if not _TABLE:
        _TABLE.append(_normal_table())
    table, degree = _TABLE[0]
    inside = np.clip(x, -12.4, 12.4)
    index = np.rint(inside * 4)
    t = inside - index / 4
    place = index.astype(np.intp) + 50
    total = table[degree][place]
    for k in range(degree - 1, -1, -1):
        total = total * t + table[k][place]
    return np.where(x > 12.4, _wide(1.0), np.where(x < -12.4, _wide(0.0), total))


def _logistic(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _smooth(x: Real, value: Array, slope: Array, bend: float, lost: Array) -> Real:
    """A function with derivative `slope` at the values and |f''| <= bend, whose evaluation lost at most `lost`."""
    steepest = np.abs(slope).astype(np.float64) + bend * x.error + 1e-12
    return Real(value, (steepest * x.error + lost) * _UP)


def _softplus(module: nn.Softplus, x: Real) -> Real:
    beta, threshold = float(module.beta), float(module.threshold)
    z = beta * x.value
    value = np.where(z > threshold, x.value, (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / beta)
    # At the threshold the module jumps; where it is not known on which side a point lies, the jump is in the error.
    near = np.abs(z - threshold).astype(np.float64) <= 2 * beta * x.error + 1e-15 * threshold
    lost = 4 * FUNCTION * np.maximum(_size(z), 1.0) / beta + near * math.exp(-threshold) / beta * 1.01
    return _smooth(x, value, _logistic(z), 0.2501 * beta, lost)


def _activation(module: nn.Module, x: Real) -> Real | None:
    v, error = x.value, x.error
    size = np.maximum(_size(v), 1.0)
    if isinstance(module, nn.ReLU | nn.LeakyReLU):
        a = float(getattr(module, "negative_slope", 0.0))
        slope = np.where(v > error, 1.0, np.where(v < -error, abs(a), max(1.0, abs(a))))
        return Real(np.where(v >= 0, v, a * v), (error * slope + UNIT * size * abs(a)) * _UP)
    if isinstance(module, nn.Tanh):
        y = np.tanh(v)
        return _smooth(x, y, 1 - y * y, 0.77, FUNCTION * size)
    if isinstance(module, nn.Sigmoid):
        y = _logistic(v)
        return _smooth(x, y, y * (1 - y), 0.1, 4 * FUNCTION * np.ones_like(error))
    if isinstance(module, nn.SiLU):
        y = _logistic(v)
        return _smooth(x, v * y, y * (1 + v * (1 - y)), 0.51, 5 * FUNCTION * size)
    if isinstance(module, nn.GELU):
        y = _normal(v)
        return _smooth(x, v * y, y + v * np.exp(-v * v / 2) * 0.39894228, 0.8, 2 * FUNCTION * size)
    if isinstance(module, nn.ELU):
        a = float(module.alpha)
        left = a * np.expm1(np.minimum(v, 0))
        slope = np.where(v > error, 1.0, np.where(v < -error, left + a, max(1.0, a)))
        return _smooth(x, np.where(v > 0, v, left), slope, a, 2 * FUNCTION * a * np.ones_like(error))
    if isinstance(module, nn.Softplus):
        return _softplus(module, x)
    if isinstance(module, Sine | Cosine):
        w = module.frequency
        s, c = np.sin(w * v), np.cos(w * v)
        value, slope = (s, w * c) if isinstance(module, Sine) else (c, -w * s)
        return _smooth(x, value, slope, w * w, 2 * FUNCTION * np.maximum(_size(w * v), 1.0))
    return None


def _two(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def _convolve(x: Array, w: Array, stride: tuple[int, int], padding: tuple[int, int]) -> Array:
    """Correlation of images (N, C, H, W) with kernels (O, C, a, b), as torch defines it."""
    x = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    a, b = w.shape[2:]
    height, width = (x.shape[2] - a) // stride[0] + 1, (x.shape[3] - b) // stride[1] + 1
    total = np.zeros((len(x), w.shape[0], height, width), dtype=x.dtype)
    for i in range(a):
        for j in range(b):
            part = x[:, :, i : i + stride[0] * height : stride[0], j : j + stride[1] * width : stride[1]]
            total = total + np.moveaxis(np.moveaxis(part, 1, 3) @ w[:, :, i, j].T, 3, 1)
    return total


def _transposed(x: Array, w: Array, stride: tuple[int, int], padding: tuple[int, int], extra: tuple[int, int]) -> Array:
    """The transpose of the correlation with kernels (C, O, a, b)."""
    a, b = w.shape[2:]
    height, width = ((s - 1) * t + k for s, t, k in zip(x.shape[2:], stride, (a, b), strict=True))
    total = np.zeros((len(x), w.shape[1], height + extra[0], width + extra[1]), dtype=x.dtype)
    for i in range(a):
        for j in range(b):
            part = np.moveaxis(np.moveaxis(x, 1, 3) @ w[:, :, i, j], 3, 1)
            rows = slice(i, i + stride[0] * x.shape[2], stride[0])
            total[:, :, rows, j : j + stride[1] * x.shape[3] : stride[1]] += part
    return total[:, :, padding[0] : total.shape[2] - padding[0], padding[1] : total.shape[3] - padding[1]]


def _weighted(module: Any, x: Real) -> Real | None:
    """Layers x -> L(x; w) + b, L linear in both; one-dimensional images are images of height 1."""
    if isinstance(module, nn.Linear):

        def act(v: Array, w: Array) -> Array:
            return v @ w.T

        terms, tail = module.in_features, ()
    elif isinstance(module, nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d):
        flat, tail = x.value.ndim == 3, (1,) * (x.value.ndim - 2)

        def pair(value: Any, one: int) -> tuple[int, int]:
            return (one, int(value[0])) if flat else _two(value)

        def act(v: Array, w: Array) -> Array:
            v, w = (v[:, :, None], w[:, :, None]) if flat else (v, w)
            stride, padding = pair(module.stride, 1), pair(module.padding, 0)
            if isinstance(module, nn.Conv1d | nn.Conv2d):
                out = _convolve(v, w, stride, padding)
            else:
                out = _transposed(v, w, stride, padding, pair(module.output_padding, 0))
            return out[:, :, 0] if flat else out

        terms = int(module.weight.numel())
    else:
        return None
    w = module.weight.detach().double().numpy()
    b = np.zeros(1) if module.bias is None else module.bias.detach().double().numpy()
    b = b.reshape(-1, *tail)
    loss = (terms + 2) * UNIT * 1.01
    size = act(_size(x.value), np.abs(w)) + np.abs(b)
    error = act(np.ascontiguousarray(x.error), np.abs(w)) + loss * size
    return Real(act(x.value, _wide(w)) + _wide(b), error * (1 + 1e-9) + 1e-300)


def _pooled(module: Any, x: Real) -> Real:
    flat = isinstance(module, nn.AvgPool1d)
    kernel = (1, int(module.kernel_size[0])) if flat else _two(module.kernel_size)
    stride = (1, int(module.stride[0])) if flat else _two(module.stride)
    channels = x.value.shape[1]
    window = np.zeros((channels, channels, *kernel))
    window[np.arange(channels), np.arange(channels)] = 1.0

    def total(v: Array) -> Array:
        out = _convolve(v[:, :, None] if flat else v, window.astype(v.dtype), stride, (0, 0)) / math.prod(kernel)
        return out[:, :, 0] if flat else out

    loss = (math.prod(kernel) + 2) * UNIT
    return Real(total(x.value), (total(np.asarray(x.error)) + loss * total(_size(x.value))) * (1 + 1e-9))


def _normalized(module: Any, x: Real) -> Real:
    shape = (-1, *(1,) * (x.value.ndim - 2))

    def column(t: Any, default: float) -> Real:
        v = np.full(module.num_features, default) if t is None else t.detach().double().numpy()
        return Real(v.reshape(shape))

    scale = column(module.weight, 1.0) / Operations().sqrt(column(module.running_var, 1.0) + module.eps)
    return (x - column(module.running_mean, 0.0)) * scale + column(module.bias, 0.0)


def evaluate(module: nn.Module, x: Real) -> Real:
    """A torch module, as the real function of its stored weights, at points (N, ...)."""
    if isinstance(module, nn.Sequential):
        for child in module:
            x = evaluate(child, x)
        return x
    if isinstance(module, Residual):
        return x + evaluate(module.body, x)
    if isinstance(module, nn.Identity | nn.Dropout):
        return x
    if isinstance(module, nn.Flatten):
        return Real(x.value.reshape(len(x.value), -1), x.error.reshape(len(x.value), -1))
    if isinstance(module, nn.Unflatten):
        shape = (len(x.value), *module.unflattened_size)
        return Real(x.value.reshape(shape), x.error.reshape(shape))
    if isinstance(module, nn.Upsample):
        k = int(module.scale_factor)
        value, error = x.value, x.error
        for axis in range(2, x.value.ndim):
            value, error = value.repeat(k, axis), error.repeat(k, axis)
        return Real(value, error)
    if isinstance(module, nn.AvgPool1d | nn.AvgPool2d):
        return _pooled(module, x)
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        return _normalized(module, x)
    found = _activation(module, x)
    found = _weighted(module, x) if found is None else found
    assert found is not None, f"no 80-bit rule for {module}"
    return found


def errors(encoder: nn.Module, decoder: nn.Module, chart: Chart, parameters: Array) -> Real:
    """|D(E(x)) - x| at the points of exact parameters (N, d)."""
    with np.errstate(all="ignore"), torch.no_grad():
        x = chart_points(chart, parameters)
        y = evaluate(decoder, evaluate(encoder, x))
        difference = Real(y.value.reshape(x.value.shape), y.error.reshape(x.value.shape)) - x
        length = np.sqrt((difference.value**2).sum(1))
        n = x.value.shape[1]
        # |norm of a - norm of b| <= norm of (a - b); then n + 2 roundings relative to the result.
        error = np.sqrt((difference.error**2).sum(1)) * (1 + 1e-9) + (n + 4) * UNIT * _size(length)
        return Real(length, error + 1e-300)
