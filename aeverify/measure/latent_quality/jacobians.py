"""Local scores: how the decoder and the encoder stretch, from their Jacobians.

**Decoder.** The metric that D pulls back to the codes is g = J^T J with J the Jacobian of D at a code. With the
singular values s_1 >= ... >= s_m of J its condition number is (s_1 / s_m)^2, and sqrt(det g) = s_1 ... s_m the factor
by which D multiplies volumes. **Encoder.** Let Q be an orthonormal basis of the tangent space of K at x, from the
chart; J_E Q says how E stretches K at x, and its singular values give the same two numbers for E along K. Both need as
many dimensions after as before, or some direction is collapsed.

Derivatives are central differences, (f(x + h v) - f(x - h v)) / 2 h along each direction v, with h = 2^-14 of the
spread of the points: so any program can be asked, whatever it is made of. The relative error is (h^2 / 6) f''' / f'
where f is smooth (1e-8), 2^-53 / h from rounding in float64 (1e-12) and up to 2^-24 / h (1e-3) of a program that
computes in float32. At a kink it is a mean of the one-sided derivatives. The disagreement of steps h and 2 h is handed
on. Singular values below 1e-9 of the largest are 0: condition numbers above 1e18 are infinite.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.errors import NonFiniteOutputError, UsageError
from aeverify.manifolds.base import Manifold, Sample
from aeverify.measure.evaluation import ROWS
from aeverify.measure.latent_quality.distances import FloatArray

_STEP = 2.0**-14
_RANK = 1e-9


@final
@dataclass(frozen=True, eq=False)
class Stretch:
    """How a map stretches at each of n points.

    Attributes:
        condition: condition numbers (n,) of the pulled-back metric, at least 1; inf where a direction is collapsed.
        log_volume: logarithms (n,) of the volume factors; -inf where a direction is collapsed.
        disagreement: the 0.99 quantile over the points of the relative difference between the derivatives of two steps.
    """

    condition: FloatArray
    log_volume: FloatArray
    disagreement: float

    @property
    def area_distortion(self) -> float:
        """Standard deviation of the logarithms of the volume factors; inf where some factor is 0."""
        return float(self.log_volume.std()) if np.isfinite(self.log_volume).all() else float("inf")


def decoder_stretch(autoencoder: Autoencoder, codes: FloatArray) -> Stretch:
    """How D stretches at codes (n, m).

    Raises:
        UsageError: the ambient dimension is below m.
        NonFiniteOutputError: a derivative is NaN or infinite.

    Cost: 4 m evaluations of D.
    """
    n, m = codes.shape
    if autoencoder.ambient_dim < m:
        raise UsageError(
            f"A decoder from R^{m} to R^{autoencoder.ambient_dim} collapses directions everywhere, so its pulled-back "
            "metric has no condition number."
        )
    directions = np.broadcast_to(np.eye(m), (n, m, m))
    return _stretch(autoencoder.decode, codes, directions, f"decoder of {autoencoder.name}")


def largest_dimension(manifold: Manifold) -> int:
    """The dimension of K: the largest of its components'."""
    return max(part.chart.dim for part in manifold.components)


def encoder_stretch(autoencoder: Autoencoder, manifold: Manifold, sample: Sample) -> Stretch:
    """How E stretches K at the points of a sample, along its tangent spaces.

    Raises:
        UsageError: m is below the dimension of some component.
        NonFiniteOutputError: a derivative is NaN or infinite.

    Cost: 4 dim K evaluations of E.
    """
    dim = largest_dimension(manifold)
    if autoencoder.latent_dim < dim:
        raise UsageError(
            f"An encoder to R^{autoencoder.latent_dim} collapses directions of the {dim}-dimensional {manifold} "
            "everywhere, so the metric that it induces has no condition number."
        )
    condition, volume = np.empty(len(sample)), np.empty(len(sample))
    disagreement = 0.0
    for index, part in enumerate(manifold.components):
        rows = np.flatnonzero(sample.component == index)
        if len(rows):
            tangents = part.chart.jacobian(sample.parameters[rows, : part.chart.dim])
            basis = np.linalg.qr(tangents)[0]
            found = _stretch(autoencoder.encode, sample.points[rows], basis, f"encoder of {autoencoder.name}")
            condition[rows], volume[rows] = found.condition, found.log_volume
            disagreement = max(disagreement, found.disagreement)
    return Stretch(condition, volume, disagreement)


def _stretch(
    function: Callable[[FloatArray], FloatArray], points: FloatArray, directions: FloatArray, what: str
) -> Stretch:
    spread = float(np.linalg.norm(np.ptp(points, axis=0)))
    # a constant code has no spread, and its own size (or 1) is the only scale there is
    h = _STEP * (spread or float(np.abs(points).max()) or 1.0)
    jacobians = _differences(function, points, directions, h)
    wider = _differences(function, points, directions, 2.0 * h)
    if not (np.isfinite(jacobians).all() and np.isfinite(wider).all()):
        raise NonFiniteOutputError(f"A derivative of the {what} is NaN or infinite near K.")
    size = np.linalg.norm(jacobians, axis=(1, 2))
    change = np.linalg.norm(jacobians - wider, axis=(1, 2))
    relative = np.divide(change, size, out=np.zeros_like(size), where=size > 0.0)
    values = np.linalg.svd(jacobians, compute_uv=False)
    largest = values[:, 0]
    values = np.where(values > _RANK * largest[:, None], values, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        condition = np.where(values[:, -1] > 0.0, np.square(largest / values[:, -1]), np.inf)
        volume = np.log(values).sum(axis=1)
    return Stretch(condition, volume, float(np.quantile(relative, 0.99)))


def _differences(
    function: Callable[[FloatArray], FloatArray], points: FloatArray, directions: FloatArray, h: float
) -> FloatArray:
    """Derivatives (n, out, dim) of a function along directions (n, in, dim) at points (n, in)."""
    columns = []
    for j in range(directions.shape[2]):
        step = h * directions[:, :, j]
        columns.append((_called(function, points + step) - _called(function, points - step)) / (2.0 * h))
    return np.stack(columns, axis=2)


def _called(function: Callable[[FloatArray], FloatArray], rows: FloatArray) -> FloatArray:
    return np.concatenate([function(rows[i : i + ROWS]) for i in range(0, len(rows), ROWS)])
