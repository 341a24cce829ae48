"""Cloud: point clouds as they come, checked, without repetitions, scaled and thinned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.errors import MeasurementError, UsageError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cloud:
    """Distinct points, scaled by a power of two to coordinates of at most 1.

    Attributes:
        points: shape (N, n): the distinct points times 2^-exponent, which is exact; sorted by their first coordinate,
            which makes alpha complexes a third faster.
        rows: of each of them, the index of its first occurrence in the array that was given.
        exponent: of the scale.
        duplicates: how many rows were left out.
        float32: whether all coordinates are float32 numbers.
        rounding: see `Diagram.rounding`; in the units of the array that was given.
    """

    points: FloatArray
    rows: NDArray[np.int64]
    exponent: int
    duplicates: int
    float32: bool
    rounding: float


def cloud(points: FloatArray) -> Cloud:
    """A Cloud of an array of points.

    Squares of coordinates near 1e200 or 1e-200 would be lost silently; those of the scaled ones are not.

    Raises:
        UsageError: not a cloud of at least one point.
        MeasurementError: NaN or infinity among the coordinates.
    """
    x = checked(points)
    rows = np.argsort(x[:, 0])
    distinct = x[rows]
    if not (distinct[1:, 0] > distinct[:-1, 0]).all():
        distinct, rows = np.unique(x, axis=0, return_index=True)
    largest = max(float(distinct.max()), -float(distinct.min()))
    exponent = math.frexp(largest)[1]
    with np.errstate(over="ignore", under="ignore"):
        single = bool((distinct.astype(np.float32) == distinct).all())
    unit = float(np.spacing(np.float32(largest))) if single else float(np.spacing(largest))
    return Cloud(
        np.ldexp(distinct, -exponent),
        rows.astype(np.int64),
        exponent,
        len(x) - len(distinct),
        single,
        unit * math.sqrt(x.shape[1]) / 2 if largest else 0.0,
    )


def checked(points: FloatArray) -> FloatArray:
    """Points as a finite float64 array of shape (N, n), N, n >= 1; errors as `cloud`."""
    x = np.asarray(points, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] == 0 or x.shape[1] == 0:
        raise UsageError(f"A point cloud has shape (N, n) with N, n >= 1, got {x.shape}: give at least one point.")
    finite = np.isfinite(x)
    if not finite.all():
        bad = int((~finite.all(axis=1)).sum())
        raise MeasurementError(
            f"{bad} of {len(x)} points have NaN or infinite coordinates, so they have no homology: remove them or mend "
            "the model that returned them."
        )
    return x + 0.0  # -0.0 and 0.0 are one point


def is_integer(value: Any) -> bool:
    """Whether a value is an integer and no boolean."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def farthest_points(points: FloatArray, count: int) -> tuple[NDArray[np.int64], float]:
    """Indices of a farthest-point subsample, and how far any point of the cloud is from it (the covering radius within
    the cloud, up to rounding).

    Starts with the first point and keeps adding the point that is farthest from those chosen: deterministic, and
    within a factor 2 of the best covering radius for that count. Use it where `persistence` refuses a cloud as too
    large; the diagram then moves by at most the covering radius (alpha, bottleneck distance).

    Raises:
        UsageError: not a cloud of at least one point, or a count that is not positive.
        MeasurementError: NaN or infinity among the coordinates.

    Cost: count times N.
    """
    x = checked(points)
    if not is_integer(count) or count < 1:
        raise UsageError(f"The size of a subsample must be a positive integer, got {count!r}.")
    chosen = [0]
    distance = np.linalg.norm(x - x[0], axis=1)
    while len(chosen) < min(count, len(x)):
        i = int(distance.argmax())
        if distance[i] == 0.0:
            break
        chosen.append(i)
        distance = np.minimum(distance, np.linalg.norm(x - x[i], axis=1))
    return np.array(chosen, dtype=np.int64), float(distance.max())
