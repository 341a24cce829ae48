"""Dual numbers: a value and its partial derivatives, carried through a formula by the rules of calculus.

A chart's formula evaluated on dual numbers gives its tangents without a second formula that could disagree with the
first. The arithmetic underneath is the caller's: float64 columns give derivatives at many points at once, balls give
enclosures of derivatives, and dual numbers inside dual numbers give second derivatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

from aeverify.errors import UsageError


@final
@dataclass(frozen=True)
class Dual:
    """x + sum_i partials[i] eps_i with eps_i eps_j = 0: a value and its first partial derivatives.

    Numbers of any other type that meet a Dual in an operation are constants.
    """

    value: Any
    partials: tuple[Any, ...]

    # numpy must hand mixed operations over instead of making an array of objects.
    __array_ufunc__: ClassVar[None] = None

    def _chain(self, value: Any, slope: Any) -> Dual:
        """f(x) of value f and slope f'."""
        return Dual(value, tuple(slope * p for p in self.partials))

    def __neg__(self) -> Dual:
        return self._chain(-self.value, -1)

    def __add__(self, other: Any) -> Dual:
        if isinstance(other, Dual):
            partials = zip(self.partials, other.partials, strict=True)
            return Dual(self.value + other.value, tuple(p + q for p, q in partials))
        return Dual(self.value + other, self.partials)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Dual:
        return self.__add__(-other)

    def __rsub__(self, other: Any) -> Dual:
        return (-self).__add__(other)

    def __mul__(self, other: Any) -> Dual:
        if isinstance(other, Dual):
            partials = zip(self.partials, other.partials, strict=True)
            return Dual(self.value * other.value, tuple(p * other.value + self.value * q for p, q in partials))
        return Dual(self.value * other, tuple(p * other for p in self.partials))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Dual:
        if isinstance(other, Dual):
            return self * other._reciprocal()
        return Dual(self.value / other, tuple(p / other for p in self.partials))

    def __rtruediv__(self, other: Any) -> Dual:
        return self._reciprocal().__mul__(other)

    def _reciprocal(self) -> Dual:
        inverse = 1 / self.value
        return self._chain(inverse, -(inverse * inverse))

    def __pow__(self, exponent: Any) -> Dual:
        if isinstance(exponent, bool) or not isinstance(exponent, int) or exponent < 1:
            raise UsageError(f"A formula may use positive integer powers only, got the exponent {exponent!r}.")
        if exponent == 1:
            return self
        return self._chain(self.value**exponent, exponent * self.value ** (exponent - 1))


@final
class DualOperations:
    """The elementary functions on dual numbers over the arithmetic of `base`; other numbers pass through to `base`.

    `DualOperations(DualOperations(base))` serves second derivatives.
    """

    def __init__(self, base: Any) -> None:
        self.base = base
        self.pi: Any = base.pi

    def real(self, x: float, /) -> Any:
        """A constant."""
        return self.base.real(x)

    def sin(self, x: Any, /) -> Any:
        """d sin = cos."""
        return x._chain(self.base.sin(x.value), self.base.cos(x.value)) if isinstance(x, Dual) else self.base.sin(x)

    def cos(self, x: Any, /) -> Any:
        """d cos = -sin."""
        return x._chain(self.base.cos(x.value), -self.base.sin(x.value)) if isinstance(x, Dual) else self.base.cos(x)

    def sqrt(self, x: Any, /) -> Any:
        """d sqrt = 1 / (2 sqrt)."""
        if not isinstance(x, Dual):
            return self.base.sqrt(x)
        root = self.base.sqrt(x.value)
        return x._chain(root, 1 / (2 * root))

    def exp(self, x: Any, /) -> Any:
        """d exp = exp."""
        if not isinstance(x, Dual):
            return self.base.exp(x)
        value = self.base.exp(x.value)
        return x._chain(value, value)


def seeded(parameters: Sequence[Any]) -> list[Dual]:
    """The independent variables: each parameter with partial derivative 1 in its own direction and 0 in the others."""
    d = len(parameters)
    return [Dual(u, tuple(1.0 if i == j else 0.0 for j in range(d))) for i, u in enumerate(parameters)]
