"""Where an affine decoder's image lies: the angle to the principal subspace of the data, and what the error says of it.

Let C be the covariance (1/N) of N points with eigenvalues l_1 >= ... >= l_n and eigenvectors u_i, U the span of the
first m, D affine with image in a + R, dim R = m, P the projector onto R, theta_1, ..., theta_m the angles of R and U.
Whatever E is, mean |x - D(E(x))|^2 >= trace(C) - trace(P C), and

    trace(P_U C) - trace(P C) = sum_{i <= m} l_i (1 - |P u_i|^2) - sum_{i > m} l_i |P u_i|^2
                              >= (l_m - l_{m+1}) sum_j sin^2 theta_j,

since sum_i |P u_i|^2 = m and sum_{i <= m} (1 - |P u_i|^2) = sum_j sin^2 theta_j. So

    max_j sin^2 theta_j <= (mean squared error - floor) / (l_m - l_{m+1}),   floor = l_{m+1} + ... + l_n:

an affine decoder that is nearly optimal nearly spans the principal subspace, as soon as there is an eigengap. (That
the optimum spans it: Baldi and Hornik, Neural Networks 2, 1989. Without a gap the subspace is not determined.)
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.errors import NonFiniteOutputError, UsageError

FloatArray = NDArray[np.float64]

BALDI_HORNIK = Citation(
    "P. Baldi and K. Hornik, Neural networks and principal component analysis: learning from examples without local "
    "minima, Neural Networks 2 (1989)",
    "",
    "the optimum of a linear autoencoder under squared error is the projection to the principal subspace",
)


def eigengap(points: FloatArray, latent_dim: int) -> Evidence:
    """(l_m - l_{m+1}) / l_1 of the covariance of points (N, n): 0 where the principal subspace is not determined.

    Returns:
        Evidence "relative_eigengap" in [0, 1], two-sided with an allowance for rounding, EMPIRICAL.

    Raises:
        UsageError: fewer than two points, latent_dim outside 1 to n - 1, or points that are all equal.
    """
    values = _spectrum(points, latent_dim)[0]
    gap = float((values[latent_dim - 1] - values[latent_dim]) / values[0])
    return Evidence(
        "relative_eigengap",
        Interval(max(gap - 1e-12, 0.0), gap + 1e-12),
        Rigor.EMPIRICAL,
        f"Both ends: float64 eigenvalues of the covariance of {len(points)} points, with an allowance for rounding.",
        details={"eigenvalues": [float(v) for v in values[: latent_dim + 1]]},
    )


def principal_angle(autoencoder: Autoencoder, points: FloatArray) -> Evidence:
    """Sine of the largest angle between the image of an affine D and the principal subspace of points (N, n).

    The directions of D are D(e_j) - D(0). A D of lower rank has a sine of 1.

    Returns:
        Evidence "principal_angle_sine" in [0, 1], two-sided with an allowance of 1e-9, EMPIRICAL; details: the mean
        squared error, its floor, and `bound`, the square root of (error - floor)/(l_m - l_{m+1}), an upper bound of the
        sine where D is affine (inf without a gap).

    Raises:
        UsageError: unusable points, or latent_dim >= n.
        NonFiniteOutputError: NaN or infinity came out.
    """
    m = autoencoder.latent_dim
    values, axes = _spectrum(points, m)
    origin = autoencoder.decode(np.zeros((1, m)))[0]
    directions = (autoencoder.decode(np.eye(m)) - origin).T
    rebuilt = autoencoder.reconstruct(points)
    if not (np.isfinite(directions).all() and np.isfinite(rebuilt).all()):
        raise NonFiniteOutputError(f"{autoencoder.name} returned NaN or infinity; finite outputs are expected.")
    scale = np.linalg.norm(directions, axis=0)
    rank = int(np.linalg.matrix_rank(directions / np.where(scale > 0, scale, 1.0))) if scale.max() > 0 else 0
    sine = 1.0
    if rank == m:
        basis = np.linalg.qr(directions / scale)[0]
        # the sine itself, not 1 - cosine^2: small angles keep their digits
        sine = float(np.linalg.norm(basis - axes @ (axes.T @ basis), 2))
    mean_square = float(((rebuilt - points) ** 2).sum() / len(points))
    floor, gap = float(values[m:].sum()), float(values[m - 1] - values[m])
    excess = max(mean_square - floor, 0.0) + 1e-12 * float(values.sum())
    return Evidence(
        "principal_angle_sine",
        Interval(max(sine - 1e-9, 0.0), min(sine + 1e-9, 1.0)),
        Rigor.EMPIRICAL,
        f"Both ends: float64 singular values of what is left of the {m} directions of D off the principal subspace of "
        f"{len(points)} points, with an allowance for rounding.",
        citations=(BALDI_HORNIK,),
        details={
            "rank": rank,
            "mean_squared_error": mean_square,
            "floor": floor,
            "bound": math.sqrt(excess / gap) if gap > 0 else "inf",
        },
    )


def _spectrum(points: FloatArray, latent_dim: int) -> tuple[FloatArray, FloatArray]:
    """All n eigenvalues of the covariance, descending, and the first m eigenvectors as columns (n, m)."""
    if points.ndim != 2 or len(points) < 2 or not np.isfinite(points).all():
        raise UsageError(f"Expected two or more finite points of shape (N, n), got shape {points.shape}.")
    if not 1 <= latent_dim < points.shape[1]:
        raise UsageError(f"A principal subspace of R^{points.shape[1]} needs 1 <= m < n, got m = {latent_dim}.")
    centered = points - points.mean(axis=0)
    _, singular, rows = np.linalg.svd(centered, full_matrices=True)
    values = np.zeros(points.shape[1])
    values[: len(singular)] = singular**2 / len(points)
    if not values[0] > 0:
        raise UsageError("The points are all equal: they have no principal subspace.")
    return values, rows[:latent_dim].T
