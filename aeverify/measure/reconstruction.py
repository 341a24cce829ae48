"""Errors at given points: the figures that a training log shows. They say nothing of any other point of K."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.witness import Witness, WitnessPoint
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold, Sample
from aeverify.measure.evaluation import Values, evaluate_points, require_real

FloatArray = NDArray[np.float64]


def training_error(
    autoencoder: Autoencoder, data: Sample | FloatArray, *, manifold: Manifold | None = None
) -> Evidence:
    """The largest error |D(E(x)) - x| over the given points, in the units of the data.

    Args:
        autoencoder: the model.
        data: a Sample, or points of shape (N, n), N >= 1.
        manifold: the set that the points lie on, which the witness then names, so that `reevaluate` takes it.

    Returns:
        Evidence "training_error", two-sided: the float64 value and an allowance for rounding on either side,
        EMPIRICAL; the witness is the worst point, by its coordinates.

    Raises:
        UsageError: no points, or another shape.
        NonFiniteOutputError: NaN or infinity came out.
    """
    values = _values(autoencoder, data)
    i = int(values.errors.argmax())
    return Evidence(
        "training_error",
        _around(float(values.errors[i]), float(values.allowance.max())),
        Rigor.EMPIRICAL,
        f"Both ends: largest float64 error at {len(values.errors)} given points, with an allowance for rounding.",
        witness=_witness(autoencoder, data, values, i, "" if manifold is None else str(manifold)),
        details={"points": len(values.errors)},
    )


def mean_squared_error(autoencoder: Autoencoder, data: Sample | FloatArray) -> Evidence:
    """Mean over the given points of |D(E(x)) - x|^2, the squared Euclidean norm (not divided by the dimension n).

    Returns:
        Evidence "mean_squared_error", two-sided with an allowance for rounding, EMPIRICAL; raises as `training_error`.
    """
    values = _values(autoencoder, data)
    mean = math.fsum((values.errors**2).tolist()) / len(values.errors)
    # |a^2 - b^2| <= |a - b| (2 |a| + |a - b|)
    spread = float((values.allowance * (2 * values.errors + values.allowance)).mean())
    return Evidence(
        "mean_squared_error",
        _around(mean, spread + 2.0**-50 * mean),
        Rigor.EMPIRICAL,
        f"Both ends: float64 mean of squared errors at {len(values.errors)} given points, with an allowance for "
        "rounding.",
        details={"points": len(values.errors), "value": mean},
    )


def root_mean_squared_error(autoencoder: Autoencoder, data: Sample | FloatArray) -> Evidence:
    """Square root of the mean over the given points of |D(E(x)) - x|^2: not per coordinate (that would be smaller by
    sqrt(n)).

    Returns:
        Evidence "root_mean_squared_error", two-sided with an allowance for rounding, EMPIRICAL; raises as
        `training_error`.
    """
    values = _values(autoencoder, data)
    root = math.sqrt(math.fsum((values.errors**2).tolist()) / len(values.errors))
    # by the triangle inequality of the mean square norm
    spread = math.sqrt(float((values.allowance**2).mean()))
    return Evidence(
        "root_mean_squared_error",
        _around(root, spread + 2.0**-50 * root),
        Rigor.EMPIRICAL,
        f"Both ends: float64 root mean square of errors at {len(values.errors)} given points, with an allowance for "
        "rounding.",
        details={"points": len(values.errors), "value": root},
    )


def share_within(autoencoder: Autoencoder, data: Sample | FloatArray, threshold: float) -> Evidence:
    """Share of the given points with an error of at most `threshold`: an exact count, two-sided only where an error is
    within rounding of the threshold.

    Returns:
        Evidence "share_within" in [0, 1], EMPIRICAL; raises as `training_error`.
    """
    t = require_real(threshold, "threshold", minimum=0.0)
    values = _values(autoencoder, data)
    n = len(values.errors)
    surely = int((values.errors + values.allowance <= t).sum())
    possibly = int((values.errors - values.allowance <= t).sum())
    return Evidence(
        "share_within",
        Interval(surely / n, possibly / n),
        Rigor.EMPIRICAL,
        f"Both ends: {surely} of {n} given points have a float64 error of at most {t:g}, up to rounding.",
        details={"points": n, "within": surely, "threshold": t},
    )


def _points(data: Sample | FloatArray) -> FloatArray:
    points = np.asarray(data.points if isinstance(data, Sample) else data, dtype=np.float64)
    if points.ndim != 2 or not len(points):
        raise UsageError(f"Expected points of shape (N, n) with N >= 1, got an array of shape {points.shape}.")
    return points


def _values(autoencoder: Autoencoder, data: Sample | FloatArray) -> Values:
    points = _points(data)
    component = data.component if isinstance(data, Sample) else np.zeros(len(points), dtype=np.int64)
    parameters = data.parameters if isinstance(data, Sample) else np.empty((len(points), 0))
    return evaluate_points(autoencoder, "", points, component, parameters)


def _witness(autoencoder: Autoencoder, data: Sample | FloatArray, values: Values, i: int, spec: str) -> Witness:
    point = WitnessPoint(
        component=int(data.component[i]) if isinstance(data, Sample) else 0,
        parameters=(),
        point=tuple(map(float, values.points[i])),
        code=tuple(map(float, values.codes[i])),
        reconstruction=tuple(map(float, values.reconstructions[i])),
        error=float(values.errors[i]),
    )
    return Witness("point", spec, autoencoder.fingerprint(), (point,), "The largest error among the given points.")


def _around(value: float, spread: float) -> Interval:
    return Interval(max(value - spread, 0.0), value + spread)
