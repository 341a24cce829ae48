"""Certified upper bounds of Lipschitz constants: the product of operator norms and activation constants.

Operator norm of W (m x n), all in float64 with unit roundoff u = 2^-53. Write fl for what the processor computes and
g_k = k u/(1 - k u). For products in any order of summation, with or without fused multiply-add (Higham, Accuracy and
Stability of Numerical Algorithms, section 3.5), |fl(A^T A) - A^T A| <= g_m |A|^T |A| + m 2^-1074 entrywise, hence in
Frobenius norm by at most g_m |A|_F^2 + m n 2^-1074. Since |A|_2^2 = |A^T A|_2,

    |A|_2 <= sqrt( |fl(A^T A)|_2 + g_m |A|_F^2 + m n 2^-1074 ),

which is applied again to fl(A^T A), j times, and ends with |B|_2 <= |B|_F. Without rounding the result would be
|(W^T W)^(2^(j-1))|_F^(1/2^j), too large by at most the factor min(m, n)^(1/2^(j+1)): 1.00004 for 128 columns, j = 16.
Every matrix is scaled by a power of two to entries of magnitude at most 1, which is exact up to the underflow term.
Subnormal numbers must not be flushed to zero (the default of numpy and torch).

A second bound serves matrices with orthonormal columns: |W|_2^2 <= 1 + |W^T W - I|_F. The smaller one is returned.

Consecutive affine maps are multiplied out: |W_2 W_1|_2 <= |fl(W_2 W_1)|_2 + g_k |W_2|_F |W_1|_F.
"""

from __future__ import annotations

import math

import numpy as np

from aeverify.autoencoders.layers import Affine, Layers
from aeverify.autoencoders.protocol import FloatArray, Part
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval

_UNIT = 2.0**-53
_TINY = 2.0**-1074
_SQUARINGS = 16


def _gamma(k: int) -> float:
    """Upper bound of k u/(1 - k u)."""
    return _up(k * _UNIT / (1.0 - k * _UNIT))


def _up(value: float) -> float:
    """A number above the real result of one rounded operation whose float64 result is `value`."""
    return math.nextafter(value, math.inf)


def _frobenius_upper(matrix: FloatArray) -> float:
    """Certified upper bound of the Frobenius norm of a matrix with entries of magnitude at most 1.

    The squares lose at most 2^-1074 each to underflow; N squares and additions have a relative error of at most g_N,
    so that the exact sum is at most fl(sum) (1 + 2 g_N) + N 2^-1074 (g_N < 1/4 for every size that fits in memory).
    """
    n = matrix.size
    total = float(np.sum(np.square(matrix)))
    return _up(math.sqrt(_up(_up(total * _up(1.0 + _up(2.0 * _gamma(n)))) + _up(n * _TINY))))


def operator_norm_upper(matrix: FloatArray) -> float:
    """Certified upper bound of the spectral norm of a float64 matrix; inf where an entry is not finite.

    Cost: 16 products of a matrix with its transpose, milliseconds for 128 x 128.
    """
    a = np.array(matrix, dtype=np.float64)
    if not np.isfinite(a).all():
        return math.inf
    if a.shape[0] < a.shape[1]:
        a = np.ascontiguousarray(a.T)
    largest = float(np.max(np.abs(a), initial=0.0))
    if largest == 0.0:
        return 0.0
    exponent = math.frexp(largest)[1]
    scaled = np.ldexp(a, -exponent)
    lost = a.size * _TINY
    bound = min(_power_bound(scaled, _SQUARINGS), _orthonormal_bound(scaled, exponent))
    bound = _up(bound + lost)
    try:
        return _up(math.ldexp(bound, exponent))
    except OverflowError:
        return math.inf


def _power_bound(a: FloatArray, squarings: int) -> float:
    """Upper bound of the spectral norm of a matrix with entries of magnitude at most 1."""
    frobenius = _frobenius_upper(a)
    if squarings == 0:
        return frobenius
    rows, columns = a.shape
    gram = a.T @ a
    pad = _up(_up(_gamma(rows + 1) * _up(frobenius * frobenius)) + _up(rows * columns * _TINY) + columns**2 * _TINY)
    largest = float(np.max(np.abs(gram)))
    if largest == 0.0:
        return frobenius
    exponent = math.frexp(largest)[1]
    inner = _power_bound(np.ldexp(gram, -exponent), squarings - 1)
    inner = _up(inner + _up(columns**2 * _TINY))
    return min(frobenius, _up(math.sqrt(_up(_up(math.ldexp(inner, exponent)) + pad))))


def _orthonormal_bound(a: FloatArray, exponent: int) -> float:
    """sqrt(1 + |W^T W - I|_F) for W = 2^exponent a, divided by 2^exponent; inf where W is far from orthonormal."""
    if abs(exponent) > 2:
        return math.inf
    w = np.ldexp(a, exponent)
    defect = w.T @ w - np.eye(w.shape[1])
    if float(np.max(np.abs(defect))) > 0.5:
        return math.inf
    frobenius = _up(_frobenius_upper(a) * 2.0**exponent)
    # The subtraction rounds by at most u |defect entry|, and the product as in the module docstring.
    pad = _up(_gamma(w.shape[0] + 1) * _up(frobenius * frobenius)) + w.size * w.shape[1] * _TINY
    total = _up(1.0 + _up(_up(_frobenius_upper(defect) * (1.0 + 4.0 * _UNIT)) + _up(pad)))
    return _up(math.sqrt(total)) / 2.0**exponent


def lipschitz_upper(layers: Layers) -> float:
    """Certified upper bound of the Lipschitz constant of the composition in Euclidean norms; inf where it overflows."""
    bound = 1.0
    pending: FloatArray | None = None
    slack = 0.0
    for layer in layers:
        if isinstance(layer, Affine):
            if pending is None:
                pending, slack = layer.weight, 0.0
            else:
                left, right = operator_norm_upper(layer.weight), slack
                scale = _up(_plain_frobenius(layer.weight) * _plain_frobenius(pending))
                rounding = _up(_gamma(layer.weight.shape[1] + 1) * scale) + layer.weight.size * pending.shape[1] * _TINY
                slack = _up(_up(left * right) + _up(rounding)) if right else _up(rounding)
                pending = layer.weight @ pending
            continue
        if pending is not None:
            bound = _up(bound * _up(operator_norm_upper(pending) + slack))
            pending = None
        bound = _up(bound * layer.lipschitz) if layer.lipschitz != 1.0 else bound
    if pending is not None:
        norm = operator_norm_upper(pending)
        norm = _up(norm + slack) if slack else norm
        bound = norm if bound == 1.0 else _up(bound * norm)
    return math.inf if math.isnan(bound) else bound


def _plain_frobenius(matrix: FloatArray) -> float:
    """Upper bound of the Frobenius norm of any finite matrix; inf where an entry is not finite."""
    largest = float(np.max(np.abs(matrix), initial=0.0))
    if not math.isfinite(largest):
        return math.inf
    if largest == 0.0:
        return 0.0
    exponent = math.frexp(largest)[1]
    try:
        return _up(math.ldexp(_up(_frobenius_upper(np.ldexp(matrix, -exponent)) + matrix.size * _TINY), exponent))
    except OverflowError:
        return math.inf


def lipschitz_evidence(layers: Layers, part: Part) -> Evidence | None:
    """Evidence "lipschitz_constant" in [0, bound], CERTIFIED; None where no finite bound comes out."""
    bound = lipschitz_upper(layers)
    if not math.isfinite(bound):
        return None
    return Evidence(
        quantity="lipschitz_constant",
        interval=Interval(0.0, bound),
        rigor=Rigor.CERTIFIED,
        method=(
            "The upper end bounds the global Lipschitz constant in Euclidean norms: product of spectral norms (power "
            "bound with a proved rounding pad, consecutive linear layers multiplied out) and activation constants."
        ),
        details={"part": str(part), "affine_layers": sum(isinstance(layer, Affine) for layer in layers)},
    )
