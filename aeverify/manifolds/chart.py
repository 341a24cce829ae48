"""Chart: a box of parameters and one formula that embeds it, evaluated in whatever arithmetic the caller brings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from aeverify.errors import UsageError
from aeverify.manifolds.dual import Dual, DualOperations, seeded
from aeverify.manifolds.jets import DerivativeBounds, bound_derivatives

FloatArray = NDArray[np.float64]

MOST_BOXED_PARAMETERS = 6
"""Most parameters of a chart whose boxes are looked at: beyond, boxes get too many, the Taylor series of the formula
has hundreds of terms, and what is enclosed gets too wide."""


class Operations(Protocol):
    """The elementary functions that a chart's formula may use besides +, -, *, / and integer powers.

    numpy arrays, torch tensors, arb balls and derivative-carrying numbers each bring their own, so that one formula
    serves sampling, training, plotting and certified evaluation alike. `real` makes a float the exact number that it
    is in this arithmetic, so that constants of a formula round no earlier than its parameters do. The functions take
    numbers made by `real` too.
    """

    pi: Any

    def real(self, x: float, /) -> Any:
        """A float as a number of this arithmetic."""

    def sin(self, x: Any, /) -> Any:
        """The sine."""

    def cos(self, x: Any, /) -> Any:
        """The cosine."""

    def sqrt(self, x: Any, /) -> Any:
        """The square root."""

    def exp(self, x: Any, /) -> Any:
        """The exponential."""


class _NumpyOperations:
    pi: Any = math.pi
    real = staticmethod(np.float64)

    def sin(self, x: Any, /) -> Any:
        return np.sin(x)

    def cos(self, x: Any, /) -> Any:
        return np.cos(x)

    def sqrt(self, x: Any, /) -> Any:
        return np.sqrt(x)

    def exp(self, x: Any, /) -> Any:
        return np.exp(x)


NUMPY: Operations = _NumpyOperations()

Formula = Callable[[Sequence[Any], Operations], Sequence[Any]]


@dataclass(frozen=True)
class Chart:
    """An embedded box: parameters u in [lower, upper] (with opposite sides identified where `periodic`) to a point.

    Angles are measured in turns (one turn = 2 pi), so that the box [0, 1] and its dyadic parts are exact in binary.

    Attributes:
        lower, upper: corners of the box, exact floating-point numbers; their length is the dimension.
        periodic: for each parameter, whether its two ends are the same points.
        formula: maps the columns of parameters and the operations to the coordinates.
        speed: for each parameter, a proved upper bound of |d(point)/d(parameter)| on the whole box.
        orthogonal: whether the partial derivatives are proved to be orthogonal everywhere.
        flips: for each periodic parameter, the other parameters that are mirrored (v to lower + upper - v) where it
            passes its end, as along the core of a Moebius band; empty where there are none.
        rounding: bound of the rounding errors of `embed`, in units of 2^-52 times the size of the coordinates.
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    periodic: tuple[bool, ...]
    formula: Formula
    speed: tuple[float, ...]
    orthogonal: bool = False
    flips: tuple[tuple[int, ...], ...] = ()
    rounding: float = 16.0

    @property
    def dim(self) -> int:
        """Number of parameters."""
        return len(self.lower)

    def embed(self, parameters: FloatArray) -> FloatArray:
        """Points of parameters of shape (N, dim), in float64: shape (N, ambient_dim).

        Raises:
            UsageError: the array has another shape.
        """
        u = self._rows(parameters)
        columns = self.formula([u[:, i] for i in range(self.dim)], NUMPY)
        return np.column_stack([np.broadcast_to(np.asarray(c, dtype=np.float64), len(u)) for c in columns])

    def jacobian(self, parameters: FloatArray) -> FloatArray:
        """Tangents of the chart at parameters (N, dim), in float64: entry [i, j, k] of the result, of shape
        (N, ambient_dim, dim), is the derivative of coordinate j by parameter k at point i. No step size is involved:
        the formula is evaluated on dual numbers, and the error is rounding alone.

        Raises:
            UsageError: the array has another shape.
        """
        u = self._rows(parameters)
        rows = self.differentiate([u[:, i] for i in range(self.dim)], NUMPY)[1]
        out = np.empty((len(u), len(rows), self.dim))
        for j, row in enumerate(rows):
            for k, partial in enumerate(row):
                out[:, j, k] = partial
        return out

    def differentiate(self, parameters: Sequence[Any], operations: Operations) -> tuple[list[Any], list[list[Any]]]:
        """The coordinates of one parameter point (or of columns) and their partial derivatives, one row a coordinate,
        in the arithmetic of `operations`; enclosures where `operations` are those of balls."""
        coordinates = self.formula(seeded(parameters), DualOperations(operations))
        values, rows = [], []
        for c in coordinates:
            values.append(c.value if isinstance(c, Dual) else c)
            rows.append(list(c.partials) if isinstance(c, Dual) else [0.0] * self.dim)
        return values, rows

    def derivative_bounds(self, lower: FloatArray, upper: FloatArray, order: int = 2) -> DerivativeBounds:
        """Certified enclosures of the point and of its partial derivatives on N boxes of parameters, rounding included.

        The formula is evaluated on Taylor coefficients in interval arithmetic, so that no derivative is given by hand:
        each enclosure holds for every parameter in the box (natural interval extension; its excess over the range
        shrinks in proportion to the sides of the box). On boxes of one point all enclosures are as narrow as rounding
        allows. The formula is evaluated where it is defined, also outside the chart's own box.

        Args:
            lower, upper: corners of the boxes, shape (N, dim), finite, lower <= upper.
            order: 2, or 3 to get third derivatives too.

        Raises:
            UsageError: another shape or order, NaN, or an empty box.

        Cost: vectorised over boxes; about as many evaluations of the formula as there are coefficients.
        """
        return bound_derivatives(self.formula, self._rows(lower), self._rows(upper), order)

    def evaluate(self, parameters: Sequence[Any], operations: Operations) -> list[Any]:
        """The coordinates of one parameter point (or of columns) in the arithmetic of `operations`."""
        return list(self.formula(parameters, operations))

    def wrap(self, parameters: FloatArray) -> FloatArray:
        """Parameters brought back into the box: periodic ones modulo their period, others clipped to the ends."""
        u = np.array(parameters, dtype=np.float64)
        for i, mirrored in enumerate(self.flips):
            odd = np.mod(np.floor((u[:, i] - self.lower[i]) / (self.upper[i] - self.lower[i])), 2) == 1
            for j in mirrored:
                u[odd, j] = self.lower[j] + self.upper[j] - u[odd, j]
        for i, (low, high, periodic) in enumerate(zip(self.lower, self.upper, self.periodic, strict=True)):
            u[:, i] = low + np.mod(u[:, i] - low, high - low) if periodic else np.clip(u[:, i], low, high)
        return u

    def _rows(self, parameters: FloatArray) -> FloatArray:
        u = np.asarray(parameters, dtype=np.float64)
        if u.ndim != 2 or u.shape[1] != self.dim:
            raise UsageError(f"Expected chart parameters of shape (N, {self.dim}), got an array of shape {u.shape}.")
        return u
