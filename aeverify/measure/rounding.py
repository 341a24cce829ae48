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
from aeverify.autoencoders.protocol import Autoencoder

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
