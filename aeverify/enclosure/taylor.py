"""Taylor arithmetic: one chart formula gives values and derivatives for a batch of points or boxes.

A `Jet` holds the Taylor coefficients f_a = d^a f / a! of a function of d parameters for all |a| <= order, in one of the
arithmetics of `arithmetics`: at points in plain float64, or as enclosures at every point of a box.

Sum and product are those of power series. For an elementary function f, write g = g_0 + w where w has no constant term:
f(g) = sum_k f^(k)(g_0)/k! w^k, truncated at the order, because w^k starts at order k.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, final

import torch
from flint import arb, ctx
from torch import Tensor

from aeverify.enclosure.arithmetics import BALL, PLAIN, Arithmetic, Coefficient
from aeverify.enclosure.rounding import UNIT
from aeverify.errors import UsageError

BITS = 128

Index = tuple[int, ...]


@functools.lru_cache(maxsize=64)
def indices(dim: int, order: int) -> tuple[Index, ...]:
    """All multi-indices of length dim and total degree at most `order`, by degree, then in lexicographic order."""

    def of_degree(axes: int, degree: int) -> Iterator[Index]:
        if axes == 0:
            yield from [()] if degree == 0 else []
            return
        for first in range(degree + 1) if axes > 1 else (degree,):
            for rest in of_degree(axes - 1, degree - first):
                yield (first, *rest)

    return tuple(a for degree in range(order + 1) for a in of_degree(dim, degree))


@final
class Jet:
    """Truncated power series; coefficients that are structurally zero are absent.

    Attributes:
        arithmetic: of the coefficients. order: highest total degree kept.
        terms: multi-index to coefficient, tensors of one shape (N,) or of shape ().
    """

    __slots__ = ("arithmetic", "order", "terms")
    __array_ufunc__ = None

    def __init__(self, arithmetic: Arithmetic, order: int, terms: dict[Index, Coefficient]) -> None:
        self.arithmetic, self.order, self.terms = arithmetic, order, terms

    @staticmethod
    def variables(arithmetic: Arithmetic, mid: Tensor, rad: Tensor, order: int) -> list[Jet]:
        """The parameters as jets: expanded over the boxes of centres (N, d) and half-widths (N, d)."""
        dim = mid.shape[1]
        one, zero = torch.ones_like(mid[:, 0]), torch.zeros_like(mid[:, 0])
        size = 1 if arithmetic is PLAIN else 2 if arithmetic is BALL else 3
        jets = []
        for i in range(dim):
            unit = tuple(int(i == k) for k in range(dim))
            terms = {(0,) * dim: (mid[:, i], rad[:, i], zero)[:size], unit: (one, zero, zero)[:size]}
            jets.append(Jet(arithmetic, order, terms))
        return jets

    def _new(self, terms: dict[Index, Coefficient]) -> Jet:
        return Jet(self.arithmetic, self.order, terms)

    def _lift(self, other: Any) -> Jet:
        if isinstance(other, Jet):
            return other
        reference = next(iter(self.terms.values()))[0]
        if isinstance(other, _Constant):
            return self._new({self.origin: self.arithmetic.lift(*other.enclosure(), reference)})
        number = float(other)
        if isinstance(other, int) and int(number) != other:
            raise TypeError(f"the integer {other} is not a float64 number")
        return self._new({self.origin: self.arithmetic.lift(number, 0.0, reference)})

    def truncated(self, order: int) -> Jet:
        """The terms up to a lower order."""
        return Jet(self.arithmetic, order, {a: t for a, t in self.terms.items() if sum(a) <= order})

    @property
    def origin(self) -> Index:
        """The multi-index of the constant term."""
        return (0,) * len(next(iter(self.terms)))

    def __neg__(self) -> Jet:
        return self._new({a: self.arithmetic.negative(t) for a, t in self.terms.items()})

    def __add__(self, other: Any) -> Jet:
        terms = dict(self.terms)
        for a, t in self._lift(other).terms.items():
            terms[a] = self.arithmetic.add(terms[a], t) if a in terms else t
        return self._new(terms)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Jet:
        return self + (-self._lift(other))

    def __rsub__(self, other: Any) -> Jet:
        result: Jet = (-self) + other
        return result

    def __mul__(self, other: Any) -> Jet:
        found: dict[Index, list[tuple[Coefficient, Coefficient]]] = {}
        for i, left in self.terms.items():
            for j, right in self._lift(other).terms.items():
                a = tuple(map(int.__add__, i, j))
                if sum(a) <= self.order:
                    found.setdefault(a, []).append((left, right))
        return self._new({a: self.arithmetic.dot(pairs) for a, pairs in found.items()})

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Jet:
        return self * self._lift(other).compose(self.arithmetic.reciprocal)

    def __rtruediv__(self, other: Any) -> Jet:
        result: Jet = self.compose(self.arithmetic.reciprocal) * other
        return result

    def __pow__(self, exponent: int) -> Jet:
        if not isinstance(exponent, int):
            raise TypeError(f"only integer powers are elementary here, got {exponent!r}")
        if exponent < 0:
            return (self**-exponent).compose(self.arithmetic.reciprocal)
        result = self._lift(1.0)
        for _ in range(exponent):
            result = result * self
        return result

    def compose(self, function: Callable[[Coefficient, int], list[Coefficient]]) -> Jet:
        """f of this jet, where `function(x, order)` gives f^(k)/k! at x, k = 0..order."""
        origin = self.origin
        outer = function(self.terms[origin] if origin in self.terms else self._lift(0.0).terms[origin], self.order)
        step = self._new({a: t for a, t in self.terms.items() if a != origin})
        result = self._new({origin: outer[0]})
        if not step.terms:
            return result
        power = step
        for k in range(1, self.order + 1):
            result = result + self._new({origin: outer[k]}) * power
            if k < self.order:
                power = power * step
        return result


@final
class _Constant:
    """A real constant of a formula, carried as an arb ball at 128 bits until it meets a jet."""

    __slots__ = ("ball",)
    __array_ufunc__ = None

    def __init__(self, ball: Any) -> None:
        self.ball = ball

    def enclosure(self) -> tuple[float, float]:
        """The nearest float64 and a bound of its distance.

        Raises:
            UsageError: the constant is not finite.
        """
        mid = float(self.ball.mid())
        rad = float((self.ball - mid).abs_upper()) * (1 + 4 * UNIT)
        if not (math.isfinite(mid) and math.isfinite(rad)):
            raise UsageError(f"A constant of the chart's formula is not finite: {self.ball}. Check the parameters.")
        return mid, rad

    def _with(self, other: Any, operation: Callable[[Any, Any], Any]) -> Any:
        if isinstance(other, _Constant):
            other = other.ball
        elif isinstance(other, float | int):
            other = arb(other)
        else:
            return NotImplemented
        with ctx.workprec(BITS):
            return _Constant(operation(self.ball, other))

    def __add__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a + b)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a * b)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a / b)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b / a)

    def __pow__(self, exponent: int) -> Any:
        return self._with(exponent, lambda a, b: a**b)

    def __neg__(self) -> Any:
        return _Constant(-self.ball)

    def apply(self, function: str) -> _Constant:
        """A function of arb, by name."""
        with ctx.workprec(BITS):
            return _Constant(getattr(self.ball, function)())


def _pi() -> _Constant:
    with ctx.workprec(BITS):
        return _Constant(arb.pi())


@final
class JetOperations:
    """The operations of a chart's formula on jets; functions of constants stay constants."""

    def __init__(self) -> None:
        self.pi = _pi()

    def real(self, x: float, /) -> Any:
        """A float as the exact number that it is."""
        return _Constant(arb(float(x)))

    def sin(self, x: Any, /) -> Any:
        """Sine."""
        return x.compose(lambda c, n: x.arithmetic.sine(c, n, 0)) if isinstance(x, Jet) else x.apply("sin")

    def cos(self, x: Any, /) -> Any:
        """Cosine."""
        return x.compose(lambda c, n: x.arithmetic.sine(c, n, 1)) if isinstance(x, Jet) else x.apply("cos")

    def sqrt(self, x: Any, /) -> Any:
        """Square root."""
        return x.compose(x.arithmetic.root) if isinstance(x, Jet) else x.apply("sqrt")

    def exp(self, x: Any, /) -> Any:
        """Exponential function."""
        return x.compose(x.arithmetic.exponential) if isinstance(x, Jet) else x.apply("exp")
