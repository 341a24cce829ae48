"""Rounding: certified float64 evaluation of networks of affine maps and piecewise linear activations.

Beside each value runs a bound of its distance from the real function's value. For an affine map with n inputs, unit
roundoff u = 2^-53 and g_k = k u / (1 - k u), any order of summation and fused multiply-add or not,

    |fl(W x + b) - (W x + b)| <= g_{n+1} (|W| |x| + |b|) + n 2^-1074

(Higham, Accuracy and Stability of Numerical Algorithms, section 3.5). If |x - x_real| <= d, then |W x - W x_real| <=
|W| d, so d' = |W| d + g_{n+1} (|W| |x| + |b|) + n 2^-1074. The right side is evaluated in float64 and raised by the
factor 1 + 4 (n + 2) u, which covers its own rounding. ReLU is exact and keeps d; leaky ReLU with slope s multiplies
by s on the negative side: d' = max(1, |s|) d + u |s x| + 2^-1074. Other activations are not covered, since nothing
bounds the error of a platform's exp and tanh.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.layers import Affine, Layers
from aeverify.autoencoders.protocol import Autoencoder, Part

FloatArray = NDArray[np.float64]

_UNIT = 2.0**-53
_TINY = 2.0**-1074


def certified_values(layers: Layers, rows: FloatArray, error: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Values of the layers at rows (N, in) and certified bounds of their distance from the real values, entrywise.

    Args:
        layers: affine maps, ReLU and leaky ReLU.
        rows: float64 inputs, (N, in).
        error: bounds of the distance of the inputs from the real inputs, (N, in).

    Returns:
        Values and bounds, both (N, out); None where a layer is not covered.
    """
    x, d = rows, error
    for layer in layers:
        if isinstance(layer, Affine):
            n = layer.weight.shape[1]
            gamma = (n + 2) * _UNIT / (1.0 - (n + 2) * _UNIT)
            size = np.abs(layer.weight)
            d = (np.abs(x) * gamma + d) @ size.T + gamma * np.abs(layer.bias) + 2 * n * _TINY
            d = d * (1.0 + 4 * (n + 4) * _UNIT)
            x = x @ layer.weight.T + layer.bias
        elif layer.activation == "relu":
            x = np.maximum(x, 0.0)
        elif layer.activation == "leaky_relu":
            slope = abs(layer.parameter)
            d = (max(1.0, slope) * d + 2 * _UNIT * slope * np.abs(x)) * (1.0 + 8 * _UNIT) + 2 * _TINY
            x = np.where(x >= 0, x, layer.parameter * x)
        else:
            return None
    return x, d


def operations(autoencoder: Autoencoder) -> int:
    """Multiplications and additions that `certified_errors` spends on one point; 0 where the layers are not known."""
    stacks = [getattr(autoencoder, name, None) for name in ("encoder_layers", "decoder_layers")]
    return sum(4 * layer.weight.size for stack in stacks for layer in stack or () if isinstance(layer, Affine))


def certified_errors(autoencoder: Autoencoder, points: FloatArray) -> FloatArray | None:
    """Certified upper bounds of |D(E(x)) - x|, shape (N,), for float64 points x (N, n) taken as the exact numbers
    that they are; None where the model is not a known stack of affine maps and piecewise linear activations.

    Cost: twice that of evaluating the model.
    """
    encoder: Layers | None = getattr(autoencoder, "encoder_layers", None)
    decoder: Layers | None = getattr(autoencoder, "decoder_layers", None)
    if encoder is None or decoder is None:
        return None
    found = []
    n = points.shape[1]
    for start in range(0, len(points), 8_192):
        x = points[start : start + 8_192]
        values = certified_values((*encoder, *decoder), x, np.zeros_like(x))
        if values is None:
            return None
        y, d = values
        # per coordinate: the real difference is within d plus the rounding of one subtraction
        gap = np.abs(y - x)
        bound = (gap + d) * (1.0 + 8 * _UNIT)
        found.append(np.sqrt(np.square(bound).sum(axis=1) * (1.0 + 4 * (n + 4) * _UNIT) + n * _TINY))
    top = np.concatenate(found) * (1.0 + 8 * _UNIT) + math.sqrt(n) * 2.0**-500
    return np.asarray(top)


def error_through_code(
    autoencoder: Autoencoder, points: FloatArray, radius: float, nodes: int = 20_000
) -> float | None:
    """Certified upper bound of sup e over a set that lies within `radius` of `points`, for a one-dimensional code.

    Any L of D after E is about the product of those of E and D, and too large by far for a trained network. Bounding
    the code first separates them. With Lipschitz constants L_E and L_D: E(x) lies in the hull [a, b] of the codes of
    the points, widened by L_E radius. D on [a, b] lies within L_D h/2 of its values on a grid of step h. So for any c

        e(x) <= |D(E(x)) - c| + |x - c|
             <= max over the grid |D(z) - c| + L_D h/2 + max over the points |x - c| + radius.

    It is about twice the size of the set however steep the tear is, where the bound from L alone can be thousands.

    Args:
        autoencoder: a stack of affine maps and piecewise linear activations.
        points: float64 points, (N, n).
        radius: every point of the set is within this distance of one of them.
        nodes: grid points between a and b.

    Returns:
        The bound, rounded up; None where the code is not one-dimensional, the layers are not covered, or a Lipschitz
        constant is not known. Cost: N + nodes evaluations of half the network, twice over.
    """
    encoder: Layers | None = getattr(autoencoder, "encoder_layers", None)
    decoder: Layers | None = getattr(autoencoder, "decoder_layers", None)
    steep = [autoencoder.lipschitz(part) for part in (Part.ENCODER, Part.DECODER)]
    if encoder is None or decoder is None or autoencoder.latent_dim != 1 or steep[0] is None or steep[1] is None:
        return None
    coded = certified_values(encoder, points, np.zeros_like(points))
    if coded is None:
        return None
    codes, error = coded
    spread = steep[0].upper * radius * (1.0 + 4 * _UNIT)
    low = float((codes - error).min()) - spread
    high = float((codes + error).max()) + spread
    # the grid's own rounding: its nodes are off by a few units in the last place of the larger end
    slip = 8 * _UNIT * max(abs(low), abs(high)) + _TINY
    low, high = low - slip, high + slip
    grid = np.linspace(low, high, nodes)[:, None]
    decoded = certified_values(decoder, grid, np.zeros_like(grid))
    if decoded is None or not np.isfinite(high - low):
        return None
    values, error = decoded
    center = 0.5 * (points.min(axis=0) + points.max(axis=0))
    n = points.shape[1]
    raised = 1.0 + 8 * (n + 4) * _UNIT
    away = float(np.sqrt(np.square((np.abs(values - center) + error) * raised).sum(axis=1)).max()) * raised
    off = float(np.sqrt(np.square(points - center).sum(axis=1)).max()) * raised
    step = (high - low) / (nodes - 1) / 2.0 * (1.0 + 8 * _UNIT) + slip
    total = (away + steep[1].upper * step + off + radius) * (1.0 + 16 * _UNIT) + math.sqrt(n) * 2.0**-500
    return total if math.isfinite(total) else None
