"""What float64 arithmetic may lose, and how it is given back.

Notation: u = 2^-53 is the unit roundoff. In round to nearest every +, -, *, / and sqrt returns the exact result times
(1 + d), |d| <= u, unless it underflows, and then it is off by at most 2^-1074. A sum of n products in any order, with
or without fused multiply-add, is off by at most gamma(n) sum |a_i b_i| + n 2^-1074 where gamma(n) = n u / (1 - n u)
(Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, section 3.1). A product of n factors (1 + d_i)
or their inverses is 1 + d with |d| <= gamma(n) (same, Lemma 3.1).

The elementary functions of the tensor library (sin, cos, exp, tanh, sigmoid, erf, log1p) come with no proof. They are
taken to be within `FUNCTION_ULPS` units in the last place of the larger of |result| and the magnitude stated where
they are used; that is an assumption, which the tests check against ball arithmetic.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

UNIT = 2.0**-53
TINY = 2.0**-1000
"""Added wherever an underflow could have lost something: far above 2^-1074 times any number of operations."""
FUNCTION_ULPS = 8
FUNCTION_ERROR = FUNCTION_ULPS * 2.0**-52
"""Relative error taken for an elementary function of the tensor library."""


def gamma(n: int) -> float:
    """Upper bound of n u / (1 - n u) for n < 2^40."""
    return n * UNIT * (1.0 + 2.0**-10)


def sum_up(x: Tensor) -> float:
    """Upper bound of the sum of the non-negative elements of x, in any order of summation."""
    return float(x.sum()) * (1.0 + gamma(x.numel() + 4)) + TINY


def sum_down(x: Tensor) -> float:
    """Lower bound (at least 0) of the sum of the non-negative elements of x, in any order of summation."""
    return max(0.0, float(x.sum()) * (1.0 - gamma(x.numel() + 4)) - TINY)


def require_full_precision(device: torch.device) -> None:
    """Switch reduced-precision products off: float64 has none, but a bound must not depend on a global switch."""
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = False


def product(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """a @ b of float64 matrices by the faster library at hand; the bound gamma holds for either.

    On the CPU numpy's matrix product is taken: its library is never slower for these narrow shapes, and up to twice as
    fast where the tensor library's one does not use the processor's widest registers.
    """
    if a.device.type != "cpu":
        return torch.mm(a, b, out=out)
    if out is None:
        out = a.new_empty(a.shape[0], b.shape[1])
    with np.errstate(all="ignore"):  # an overflow shows in the bounds, which become infinite or NaN
        np.matmul(a.numpy(), b.numpy(), out=out.numpy())
    return out
