"""The loops of `ragged` in machine code: float64 arrays of the processor's memory, plain IEEE arithmetic, one thread.

Compiled when this module is first imported, and kept on disk by the compiler (beside this file, or else in the user's
cache folder, or else not at all). What each does is said in `ragged`, which has them in tensor operations too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

MATRIX, VECTOR, INDEX = "float64[:, ::1]", "float64[::1]", "int64[::1]"
FLAGS = "boolean[:, ::1]"


def _loop(result: str, *arguments: str) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function for arguments of these types."""
    signature = f"{result}({', '.join(arguments)})"

    def compiled(function: Callable[..., Any]) -> Any:
        try:
            return numba.njit(signature, cache=True)(function)
        except RuntimeError:  # there is no folder to keep it in
            return numba.njit(signature)(function)

    return compiled


@_loop("int64", INDEX, INDEX, INDEX)
def group(owner: Any, starts: Any, order: Any) -> Any:
    """`Grouping.of`: fills starts and order, returns the largest number."""
    count, most = len(starts) - 1, 0
    starts[:] = 0
    for i in range(len(owner)):
        starts[owner[i] + 1] += 1
    for b in range(count):
        most = max(most, starts[b + 1])
        starts[b + 1] += starts[b]
    place = starts[:count].copy()
    for i in range(len(owner)):
        order[place[owner[i]]] = i
        place[owner[i]] += 1
    return most


@_loop("void", MATRIX, INDEX, INDEX, MATRIX)
def total(values: Any, starts: Any, order: Any, out: Any) -> None:
    """`Grouping.sum`."""
    width = values.shape[1]
    for b in range(len(starts) - 1):
        for j in range(width):
            out[b, j] = 0.0
        for i in range(starts[b], starts[b + 1]):
            for j in range(width):
                out[b, j] += values[order[i], j]


@_loop("void", MATRIX, "int64", INDEX, INDEX, MATRIX)
def spread(rows: Any, slots: Any, starts: Any, order: Any, out: Any) -> None:
    """`ragged.spread`."""
    count, width = out.shape
    for b in range(count):
        far = out[b]
        for j in range(width):
            far[j] = 0.0
        for s in range(1, slots):
            row = rows[s * count + b]
            for j in range(width):
                far[j] += abs(row[j])
        for i in range(starts[b], starts[b + 1]):
            row = rows[slots * count + order[i]]
            for j in range(width):
                far[j] += abs(row[j])


@_loop(
    "int64", MATRIX, MATRIX, MATRIX, "float64", "float64", "boolean[::1]", MATRIX, FLAGS, INDEX, INDEX, VECTOR, VECTOR
)
def sides(
    rows: Any, size: Any, rounding: Any, loss: Any, negative: Any, mask: Any, slope: Any, alive: Any, box: Any,
    neuron: Any, low: Any, high: Any,
) -> Any:  # fmt: skip
    """`ragged.sides`: `size` comes in as the spread; returns how many neurons are on both sides."""
    count, width = slope.shape
    found = 0
    lower, upper = np.empty(width), np.empty(width)
    for b in range(count):
        for j in range(width):
            reach, center = size[b, j], rows[b, j]
            size[b, j] = abs(center) + reach
            radius = reach + rounding[b, j] + loss * size[b, j]
            lower[j], upper[j] = center - radius, center + radius
            above = (lower[j] >= 0) | (not mask[j])
            slope[b, j] = 1.0 if above else negative
            alive[b, j] = above | (not upper[j] <= 0)
        for j in range(width):
            if alive[b, j] and mask[j] and not lower[j] >= 0:
                box[found], neuron[found], low[found], high[found] = b, j, lower[j], upper[j]
                found += 1
    return found


@_loop("void", MATRIX, "int64", INDEX, INDEX, MATRIX)
def shares(rows: Any, count: Any, box: Any, neuron: Any, out: Any) -> None:
    """`ragged.shares`."""
    dim = out.shape[1]
    for i in range(len(box)):
        length = 0.0
        for k in range(dim):
            out[i, k] = abs(rows[(1 + k) * count + box[i], neuron[i]])
            length += out[i, k]
        for k in range(dim):
            out[i, k] /= max(length, 1e-300)


@_loop("void", MATRIX, "int64", INDEX, MATRIX)
def scale(rows: Any, slots: Any, owner: Any, slope: Any) -> None:
    """`ragged.scale`."""
    count, width = slope.shape
    for i in range(slots * count + len(owner)):
        row, factor = rows[i], slope[i % count if i < slots * count else owner[i - slots * count]]
        for j in range(width):
            row[j] *= factor[j]


@_loop("void", MATRIX, "int64", INDEX, MATRIX, MATRIX, MATRIX, INDEX, INDEX, VECTOR, VECTOR, VECTOR)
def relax(
    rows: Any, slots: Any, owner: Any, factors: Any, size: Any, rounding: Any, box: Any, neuron: Any, slope: Any,
    offset: Any, error: Any,
) -> None:  # fmt: skip
    """`ragged.relax`."""
    count, width = factors.shape
    for i in range(len(box)):
        factors[box[i], neuron[i]] = slope[i]
    scale(rows, slots, owner, factors)
    for b in range(count):
        for j in range(width):
            size[b, j] *= abs(factors[b, j])
            rounding[b, j] *= abs(factors[b, j])
    for i in range(len(box)):
        rows[box[i], neuron[i]] += offset[i]
        size[box[i], neuron[i]] += abs(offset[i]) + error[i]


@_loop("void", MATRIX, INDEX, VECTOR, MATRIX)
def gather(weight: Any, index: Any, length: Any, out: Any) -> None:
    """`ragged.gather`."""
    width = weight.shape[1]
    for i in range(len(index)):
        row, to, factor = weight[index[i]], out[i], length[i]
        for j in range(width):
            to[j] = row[j] * factor
