"""Source: rows of numbers that come in chunks and can be read again, wherever they are kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from aeverify.errors import UsageError

FloatArray = NDArray[np.float64]

CHUNK_BYTES = 32 * 2**20
"""Bytes of float64 rows that are read at a time."""

MOST_NUMBERS = 4_000_000
"""Largest number of numbers in a row: a picture of 2,000 x 2,000 points."""

_EXACT = 2**53


@dataclass(frozen=True, eq=False)
class Chunk:
    """Consecutive rows of a source.

    Attributes:
        rows: shape (k, n), float64; may be NaN or infinite, which the data set refuses.
        marks: shape (k,), True where the source says that a row is held out; None where it has no such column.
    """

    rows: FloatArray
    marks: NDArray[np.bool_] | None = None


class Source(ABC):
    """Rows in an order that is the same at every reading.

    Attributes:
        name: what to call it in messages.
        shape: of one row as it came, such as (28, 28).
        columns: names of the n numbers of a row; () where they have none.
        limit: largest number of rows that will be read.
    """

    def __init__(self, name: str, shape: tuple[int, ...], columns: tuple[str, ...], limit: int) -> None:
        self.name, self.shape, self.columns, self.limit = name, shape, columns, limit
        if not 1 <= self.width <= MOST_NUMBERS:
            raise UsageError(
                f"The rows of {name} have shape {shape}, {self.width} numbers each; expected 1 to {MOST_NUMBERS}."
            )

    @property
    def width(self) -> int:
        """n, how many numbers a row has."""
        found = 1
        for side in self.shape:
            found *= int(side)
        return found

    @property
    def chunk_rows(self) -> int:
        """How many rows are read at a time."""
        return max(1, CHUNK_BYTES // (8 * self.width))

    @abstractmethod
    def chunks(self) -> Iterator[Chunk]:
        """All rows from the first, in chunks of at most `chunk_rows`.

        Raises:
            UsageError: what is read is not what a source of its kind holds; the message says where.
        """

    def where(self, row: int) -> str:
        """Row `row`, counted from 0, as a reader finds it."""
        return f"row {row} of {self.name}"


@final
class ArraySource(Source):
    """Rows of a numpy array of shape (N, ...), which may be mapped from a file."""

    def __init__(self, array: Any, name: str, limit: int, marks: NDArray[np.bool_] | None = None) -> None:
        require_numeric(array.dtype, name)
        require_rows(array.shape, name, limit)
        super().__init__(name, tuple(int(s) for s in array.shape[1:]), (), limit)
        self._array, self._marks = array, marks

    def chunks(self) -> Iterator[Chunk]:
        """Slices along the first axis."""
        for start in range(0, len(self._array), self.chunk_rows):
            stop = start + self.chunk_rows
            marks = None if self._marks is None else self._marks[start:stop]
            yield Chunk(float_rows(np.asarray(self._array[start:stop]), self.name), marks)


def require_numeric(dtype: np.dtype[Any], name: str) -> None:
    """Check that an array has real numbers of at most 64 bits.

    Raises:
        UsageError: objects (which would have to be unpickled), text, dates, complex numbers, records.
    """
    if dtype.hasobject:
        raise UsageError(
            f"{name} holds Python objects, and reading them would run code of the file: save the array with a number "
            "type (array.astype('float64'))."
        )
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise UsageError(f"{name} holds values of type {dtype}; expected real numbers of at most 64 bits.")


def require_rows(shape: tuple[int, ...], name: str, limit: int) -> None:
    """Check the shape (N, ...) of an array of rows.

    Raises:
        UsageError: fewer than two axes, no row, or more than `limit` rows.
    """
    if len(shape) < 2:
        raise UsageError(
            f"{name} has shape {tuple(shape)}; expected (N, ...), one row a data point. Rows of one number have shape "
            "(N, 1): array.reshape(-1, 1)."
        )
    if shape[0] < 1:
        raise UsageError(f"{name} has no rows; expected at least one.")
    require_limit(shape[0], name, limit)


def require_limit(rows: int, name: str, limit: int) -> None:
    """Check the number of rows.

    Raises:
        UsageError: more than `limit`.
    """
    if rows > limit:
        raise UsageError(
            f"{name} has {'more than ' if rows == limit + 1 else ''}{min(rows, 10**30)} rows, more than the limit of "
            f"{limit}: take a random subset of them, or give a larger limit."
        )


def float_rows(array: NDArray[Any], name: str) -> FloatArray:
    """An array (k, ...) of numbers as rows (k, n), float64, in C order.

    Raises:
        UsageError: integers beyond 2^53, which float64 would change.
    """
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8 and array.size:
        low, high = int(array.min()), int(array.max())
        if low < -_EXACT or high > _EXACT:
            raise UsageError(
                f"{name} holds integers beyond 2^53, which float64 cannot represent: subtract an offset, or leave that "
                "column out (it may be an identifier)."
            )
    rows = np.ascontiguousarray(array, dtype=np.float64)
    return rows.reshape(len(array), -1)
