"""What float64 arithmetic may lose, and how it is given back.

Notation: u = 2^-53 is the unit roundoff. In round to nearest every +, -, *, / and sqrt returns the exact result times
(1 + d), |d| <= u, unless it underflows, and then it is off by at most 2^-1074. A sum of n products in any order, with
or without fused multiply-add, is off by at most gamma(n) sum |a_i b_i| + n 2^-1074 where gamma(n) = n u / (1 - n u)
(Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, section 3.1). A product of n factors (1 + d_i)
or their inverses is 1 + d with |d| <= gamma(n) (same, Lemma 3.1).

The elementary functions of the tensor library (`FUNCTIONS`) come with no proof. They are taken to be within half of
FUNCTION_ERROR, relative to |result| for exp and sqrt (plus 2^-1000 where exp underflows) and to max(1, |result|) for
the others; for sin and cos up to |x| = 2^60. That is an assumption: every certified number of this package rests on
it. `check_functions` tests it once in a process on the device in use, before anything is enclosed there: some 3,000
arguments, stratified by magnitude from subnormal numbers to the largest ones of either sign and dense where the
functions vary, plus the neighbours of multiples of pi/2 for sin and cos, against ball arithmetic. A library that fails
is refused. The arguments are evaluated in one tensor, so that the vector code and its remainder loop are both met.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from flint import arb, ctx
from torch import Tensor

from aeverify.errors import InvariantError

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


def _logistic(x: Any) -> Any:
    small = (-abs(x)).exp()
    return (1 if x >= 0 else small) / (1 + small)


FUNCTIONS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Any], Any], float, bool]] = {
    "sin": (torch.sin, lambda x: x.sin(), 2.0**60, False),
    "cos": (torch.cos, lambda x: x.cos(), 2.0**60, False),
    "exp": (torch.exp, lambda x: x.exp(), 709.0, True),
    "expm1": (torch.expm1, lambda x: x.expm1(), 709.0, False),
    "sigmoid": (torch.sigmoid, _logistic, math.inf, False),
    "erf": (torch.erf, lambda x: x.erf(), math.inf, False),
    "log1p": (lambda x: torch.log1p(x.abs()), lambda x: abs(x).log1p(), math.inf, False),
    "sqrt": (lambda x: torch.sqrt(x.abs()), lambda x: abs(x).sqrt(), math.inf, True),
}
"""The elementary functions in use: torch's, the exact one on balls, largest |argument|, error relative to |result|."""


def _arguments(largest: float) -> Tensor:
    """Some 390 arguments of either sign in every range of magnitudes, deterministic."""
    magnitudes = [0.0, 5e-324, 1e-310, 2.2250738585072014e-308, 1e-200, 1e-100, 1e-30, 1e-16, 1e-8, 1e-4]
    magnitudes += [k * 0.0773 for k in range(1, 60)] + [5 + k * 0.911 for k in range(45)]
    magnitudes += [1.7**k for k in range(5, 77)] + [10.0**k for k in range(20, 309, 36)] + [1.7976931348623157e308]
    magnitudes = [m for m in magnitudes if m <= largest]
    if largest == 2.0**60:
        for k in (1, 2, 3, 11, 1001, 123457, 2**21 + 1, 10**9 + 7, 10**15 + 37):
            near = k * (math.pi / 2)
            magnitudes += [math.nextafter(near, 0.0), near, math.nextafter(near, math.inf)]
    return torch.tensor([s * m for m in magnitudes for s in (1.0, -1.0)], dtype=torch.float64)


def function_violations(device: torch.device, name: str) -> list[float]:
    """Arguments at which one function of `FUNCTIONS` is further off than is taken for granted."""
    function, exact, largest, relative = FUNCTIONS[name]
    x = _arguments(largest)
    values = function(x.to(device)).cpu().tolist()
    wrong = []
    with ctx.workprec(192):
        for a, y in zip(x.tolist(), values, strict=True):
            if not math.isfinite(y):
                wrong.append(a)
                continue
            size = abs(y) if relative else max(1.0, abs(y))
            gap = abs(exact(arb(a)) - arb(y))
            if not gap <= FUNCTION_ERROR / 2 * size + (TINY if relative else 0.0):
                wrong.append(a)
    return wrong


@cache
def check_functions(device: torch.device) -> None:
    """Check the assumption on elementary functions on a device; once per process, about 20 ms.

    Raises:
        InvariantError: a function of the installed library is less exact than certified bounds take it to be.
    """
    for name in FUNCTIONS:
        wrong = function_violations(device, name)
        if wrong:
            raise InvariantError(
                f"torch {torch.__version__} on {device} returns {name}({wrong[0]!r}) more than {FUNCTION_ULPS // 2} "
                "units in the last place off the true value: certified bounds cannot be computed with it. Use another "
                "device or another build of torch, or measure by sampling."
            )


def require_full_precision(device: torch.device) -> None:
    """Switch reduced-precision products off, and check the elementary functions of the device.

    Raises:
        InvariantError: as `check_functions`.
    """
    if device.type == "cuda":  # float64 has no reduced precision, but a bound must not depend on a global switch
        torch.backends.cuda.matmul.allow_tf32 = False
    check_functions(device)


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
