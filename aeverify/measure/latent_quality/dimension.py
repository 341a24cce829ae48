"""Intrinsic dimension of the codes, and the units of the code that vary at all.

**Dimension.** Where points are spread with a constant density over the ball that holds the k nearest neighbours of a
point, the numbers log(T_k / T_j), j < k, with T_j the distance of the j-th neighbour, are the order statistics of k - 1
independent exponential variables of rate d. Over N points S = sum of all of them has mean N (k - 1) / d, and were the
points' neighbourhoods independent, S would have the Gamma law for which (N (k - 1) - 1) / S is unbiased. That is
Levina and Bickel's estimator, its inverses averaged as MacKay and Ghahramani showed to be right, and for k = 2 the
maximum likelihood form of the two-nearest-neighbour estimator of Facco et al.

Bias: no side of it is bounded. It errs low near a boundary, in dimensions above about 5 (exponentially many points
would be needed) and across density changes; high where noise is thicker than the neighbourhoods; larger k is steadier
and biased more by curvature. Equal codes count once, or their distance 0 would give any number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aeverify.errors import UsageError
from aeverify.measure.latent_quality.distances import FloatArray, require_rows


def code_dimension(codes: object, neighbours: int = 2) -> float:
    """Estimate of the intrinsic dimension of codes (n, m) from k neighbours; k = 2 is TwoNN. It bounds nothing.

    Raises:
        UsageError: k is below 2, or there are not more than k different codes (constant codes have one), or all
            neighbours are at one distance.
    """
    x = np.unique(require_rows(codes, "codes"), axis=0)
    if isinstance(neighbours, bool) or not isinstance(neighbours, int) or neighbours < 2:
        raise UsageError(f"The dimension needs an integer number of neighbours, at least 2, got {neighbours!r}.")
    if len(x) <= neighbours:
        raise UsageError(
            f"The dimension from {neighbours} neighbours needs more than {neighbours} different codes, got {len(x)}: "
            "the code is constant, or nearly so."
        )
    from scipy.spatial import cKDTree

    distances = cKDTree(x).query(x, k=neighbours + 1)[0][:, 1:]
    total = float(np.log(distances[:, -1:] / distances[:, :-1]).sum())
    if not (np.isfinite(total) and total > 0.0):
        raise UsageError(
            "All neighbours of every code are at one distance (or at none that float64 can tell from 0), as on a "
            "regular grid: the estimate needs scattered points."
        )
    return (len(x) * (neighbours - 1) - 1) / total


def unit_variances(codes: FloatArray) -> FloatArray:
    """Variance (m,) of each code coordinate over the sample, in squared code units."""
    return np.asarray(codes.var(axis=0, ddof=1), dtype=np.float64)


def active_units(variances: NDArray[np.float64], threshold: float) -> int:
    """Number of coordinates with a variance above the threshold. Codes can be rescaled, so the number is worth as much
    as their unit: for a variational model that is the prior's."""
    return int((variances > threshold).sum())
