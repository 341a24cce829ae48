"""Jets: Taylor coefficients up to a total order, carried through a formula by the rules of power series.

A formula evaluated on jets gives all its derivatives up to that order from the one formula. Over interval arrays the
coefficients are enclosures: evaluated at boxes, the coefficient of order k encloses every derivative of order k
(divided by k!) at every point of the box, which is what remainder terms need.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, final

import numpy as np

from aeverify.errors import UsageError
from aeverify.manifolds.intervals import INTERVALS, IntervalArray

Index: TypeAlias = tuple[int, ...]


@final
@dataclass(frozen=True)
class Jet:
    """sum_i coefficients[i] h^i over multi-indices i of total order at most `order`; absent coefficients are 0.

    Numbers of any other type that meet a Jet in an operation are constants.
    """

    coefficients: Mapping[Index, Any]
    order: int

    __array_ufunc__: ClassVar[None] = None

    @property
    def constant(self) -> Any:
        """The value."""
        return next((c for i, c in self.coefficients.items() if not any(i)), 0.0)

    @property
    def _zero(self) -> Index:
        return tuple(0 for _ in next(iter(self.coefficients)))

    def coefficient(self, index: Index) -> Any:
        """The coefficient of one multi-index, 0.0 where it is absent."""
        return self.coefficients.get(index, 0.0)

    def derivative(self, variable: int = 0) -> Jet:
        """The partial derivative, of one order less."""
        out = {}
        for i, c in self.coefficients.items():
            if i[variable]:
                out[(*i[:variable], i[variable] - 1, *i[variable + 1 :])] = c * i[variable]
        return Jet(out or {self._zero: 0.0}, self.order - 1)

    def truncated(self, order: int) -> Jet:
        """The coefficients up to a lower order."""
        return Jet({i: c for i, c in self.coefficients.items() if sum(i) <= order}, order)

    def __neg__(self) -> Jet:
        return Jet({i: -c for i, c in self.coefficients.items()}, self.order)

    def __add__(self, other: Any) -> Jet:
        out = dict(self.coefficients)
        if not isinstance(other, Jet):
            zero = self._zero
            out[zero] = out[zero] + other if zero in out else other
            return Jet(out, self.order)
        for i, c in other.coefficients.items():
            out[i] = out[i] + c if i in out else c
        return Jet(out, self.order)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Jet:
        return self.__add__(-other)

    def __rsub__(self, other: Any) -> Jet:
        return (-self).__add__(other)

    def __mul__(self, other: Any) -> Jet:
        if not isinstance(other, Jet):
            return Jet({i: c * other for i, c in self.coefficients.items()}, self.order)
        out: dict[Index, Any] = {}
        for i, c in self.coefficients.items():
            room = self.order - sum(i)
            for j, d in other.coefficients.items():
                if sum(j) <= room:
                    k = tuple(a + b for a, b in zip(i, j, strict=True))
                    term = c * d
                    out[k] = out[k] + term if k in out else term
        return Jet(out, self.order)

    __rmul__ = __mul__

    def square(self) -> Jet:
        """x^2: each product of two different coefficients is taken once, squares are not negative."""
        out: dict[Index, Any] = {}
        items = list(self.coefficients.items())
        for a, (i, c) in enumerate(items):
            for b in range(a, len(items)):
                j, d = items[b]
                if sum(i) + sum(j) <= self.order:
                    k = tuple(p + q for p, q in zip(i, j, strict=True))
                    term = c**2 if a == b else 2 * (c * d)
                    out[k] = out[k] + term if k in out else term
        return Jet(out or {self._zero: 0.0}, self.order)

    def __truediv__(self, other: Any) -> Jet:
        if isinstance(other, Jet):
            return self * other._reciprocal()
        return Jet({i: c / other for i, c in self.coefficients.items()}, self.order)

    def __rtruediv__(self, other: Any) -> Jet:
        return self._reciprocal().__mul__(other)

    def __pow__(self, exponent: Any) -> Jet:
        if isinstance(exponent, bool) or not isinstance(exponent, int) or exponent < 1:
            raise UsageError(f"A formula may use positive integer powers only, got the exponent {exponent!r}.")
        if exponent == 1:
            return self
        half = (self ** (exponent // 2)).square()
        return half * self if exponent % 2 else half

    def compose(self, series: Sequence[Any]) -> Jet:
        """f(x) from the Taylor coefficients f^(k)(x_0) / k!, k = 0 ... order, at the value x_0 of this jet."""
        zero = self._zero
        step = Jet({i: c for i, c in self.coefficients.items() if any(i)} or {zero: 0.0}, self.order)
        if not any(any(i) for i in step.coefficients):
            return Jet({zero: series[0]}, self.order)
        if len(step.coefficients) == 1:
            ((index, slope),) = step.coefficients.items()
            if sum(index) == 1:
                # An argument that is linear in one variable, as angles mostly are.
                powers = {tuple(k * i for i in index): series[k] * slope**k for k in range(1, self.order + 1)}
                return Jet({zero: series[0], **powers}, self.order)
        out = Jet({zero: series[self.order]}, self.order)
        for value in series[self.order - 1 :: -1] if self.order else ():
            out = out * step + value
        return out

    def _reciprocal(self) -> Jet:
        inverse = 1 / self.constant
        series = [inverse]
        for _ in range(self.order):
            series.append(-(series[-1] * inverse))
        return self.compose(series)


@final
class JetOperations:
    """The elementary functions on jets over the arithmetic of `base`; other numbers pass through to `base`."""

    def __init__(self, base: Any) -> None:
        self.base = base
        self.pi: Any = base.pi

    def real(self, x: Any, /) -> Any:
        """A constant."""
        return x if isinstance(x, Jet) else self.base.real(x)

    def _cycle(self, x: Jet, table: Callable[[Any, Any], Sequence[Any]]) -> Jet:
        sine, cosine = self.base.sin(x.constant), self.base.cos(x.constant)
        row = table(sine, cosine)
        return x.compose([row[k % 4] / math.factorial(k) for k in range(x.order + 1)])

    def sin(self, x: Any, /) -> Any:
        """Sine."""
        return self._cycle(x, lambda s, c: (s, c, -s, -c)) if isinstance(x, Jet) else self.base.sin(x)

    def cos(self, x: Any, /) -> Any:
        """Cosine."""
        return self._cycle(x, lambda s, c: (c, -s, -c, s)) if isinstance(x, Jet) else self.base.cos(x)

    def exp(self, x: Any, /) -> Any:
        """Exponential."""
        if not isinstance(x, Jet):
            return self.base.exp(x)
        value = self.base.exp(x.constant)
        return x.compose([value / math.factorial(k) for k in range(x.order + 1)])

    def sqrt(self, x: Any, /) -> Any:
        """Square root: the coefficient of order k + 1 is that of order k times (1/2 - k) / (k + 1) / x."""
        if not isinstance(x, Jet):
            return self.base.sqrt(x)
        inverse = 1 / x.constant
        series = [self.base.sqrt(x.constant)]
        for k in range(x.order):
            series.append(series[-1] * inverse * (1 - 2 * k) / (2 * (k + 1)))
        return x.compose(series)


def variables(values: Sequence[Any], order: int, one: Any = 1.0) -> list[Jet]:
    """The independent variables at `values`, as jets of the given order; `one` is the number 1 of their arithmetic."""
    d = len(values)
    zero = (0,) * d
    return [
        Jet({zero: v, **({tuple(int(i == j) for j in range(d)): one} if order else {})}, order)
        for i, v in enumerate(values)
    ]


def interval_jets(formula: Callable[..., Sequence[Any]], boxes: IntervalArray, order: int) -> list[Jet]:
    """Jets of the coordinates of a chart's formula at N boxes.

    Args:
        formula: of a chart.
        boxes: shape (N, d).
        order: total order of the Taylor coefficients.

    Returns:
        One Jet a coordinate; each coefficient is an IntervalArray (N,) or a constant, and encloses the Taylor
        coefficient of the exact formula at every point of the box.
    """
    # The number 1 is an interval too: products of plain floats would round to nearest.
    inputs = variables([boxes[:, i] for i in range(boxes.shape[1])], order, INTERVALS.real(1.0))
    zero = (0,) * boxes.shape[1]
    with np.errstate(all="ignore"):
        outputs = formula(inputs, JetOperations(INTERVALS))
    return [x if isinstance(x, Jet) else Jet({zero: INTERVALS.real(x)}, order) for x in outputs]


@final
@dataclass(frozen=True, eq=False)
class DerivativeBounds:
    """Enclosures of a chart and of its partial derivatives on N boxes; n the ambient, d the chart dimension.

    Attributes:
        point: the coordinates, shape (N, n).
        first: entry [i, j, k] encloses d(coordinate j) / d(parameter k) on box i; shape (N, n, d).
        second: the second partial derivatives, shape (N, n, d, d), symmetric in the last two.
        third: the third ones, shape (N, n, d, d, d); None unless they were asked for.
    """

    point: IntervalArray
    first: IntervalArray
    second: IntervalArray
    third: IntervalArray | None = None


def bound_derivatives(formula: Callable[..., Sequence[Any]], lower: Any, upper: Any, order: int) -> DerivativeBounds:
    """See `Chart.derivative_bounds`."""
    boxes = IntervalArray(lower, upper)
    if order not in (2, 3):
        raise UsageError(f"Derivatives are bounded up to order 2 or 3, got {order!r}.")
    jets = interval_jets(formula, boxes, order)
    count, d = boxes.shape
    tables: list[IntervalArray] = []
    for k in range(order + 1):
        shape = (count, len(jets), *(d,) * k)
        low, high = np.zeros(shape), np.zeros(shape)
        for multi in np.ndindex(*(d,) * k):
            index = tuple(multi.count(i) for i in range(d))
            factor = math.prod(math.factorial(i) for i in index)
            for j, jet in enumerate(jets):
                value = as_interval(jet.coefficient(index)) * factor
                low[(slice(None), j, *multi)], high[(slice(None), j, *multi)] = value.lower, value.upper
        tables.append(IntervalArray(low, high))
    return DerivativeBounds(tables[0], tables[1], tables[2], tables[3] if order == 3 else None)


def as_interval(value: Any) -> IntervalArray:
    """A number as an exact interval; an interval array is returned as it is."""
    return value if isinstance(value, IntervalArray) else IntervalArray.exactly(value)


def coefficient_table(jets: Sequence[Jet], index: Index, count: int) -> IntervalArray:
    """One Taylor coefficient of all coordinates: shape (n, count)."""
    rows = [as_interval(jet.coefficient(index)) for jet in jets]
    low, high = np.empty((len(rows), count)), np.empty((len(rows), count))
    for j, row in enumerate(rows):
        low[j], high[j] = row.lower, row.upper
    return IntervalArray(low, high)
