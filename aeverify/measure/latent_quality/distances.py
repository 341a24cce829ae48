"""Distances and ranks: what every score of latent quality is made of.

**Ties.** Two points at one distance have no order. They are ranked against the encoder: of points at equal distance in
one space, the one that is farther in the other comes first among the codes' neighbours, and the one with the farther
code first among the data's; what is equal in both spaces keeps its order. Scores of tied distances are thereby the
least favourable ones, whatever the order of the rows: constant codes have trustworthiness 0, and not the 1/2 or more
that a sort by row number would give. Distances that are equal but for rounding are no ties.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aeverify.errors import UsageError

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]

MEMORY = 2**31
"""Bytes that the matrices of one call may take."""

BYTES_A_PAIR = 60
"""Bytes that all scores of a sample need for each of its n^2 pairs at the most: the two matrices of distances, two
condensed copies, and the ranks of both (measured: 57)."""

BLOCK = 2**18
"""Entries of a block of rows that is ranked at once: few enough to stay in the cache."""


def require_rows(rows: object, what: str, least: int = 4) -> FloatArray:
    """`rows` as a float64 array (n, d) of finite numbers with at least that many rows.

    Raises:
        UsageError: another shape, no numbers, too few rows, NaN or infinity.
    """
    try:
        x = np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"The {what} must be an array of numbers of shape (n, d): {error}.") from error
    if x.ndim != 2 or x.shape[1] < 1:
        raise UsageError(
            f"The {what} must have shape (n, d) with d >= 1, got {x.shape}: give one row a point (flatten images)."
        )
    if len(x) < least:
        raise UsageError(f"Latent quality needs at least {least} {what}, got {len(x)}.")
    finite = np.isfinite(x).all(axis=1)
    if not finite.all():
        raise UsageError(
            f"The {what} must be finite; row {int(np.argmin(finite))} has NaN or infinity ({int((~finite).sum())} of "
            f"{len(x)} rows have). Leave these rows out, or mend the model."
        )
    return x


def require_neighbours(neighbours: int, points: int, *, third: bool = False) -> int:
    """k, checked to be an integer with 1 <= k < n/2, or k <= n/3 for the mean relative rank errors.

    Raises:
        UsageError: it is not.
    """
    if isinstance(neighbours, bool) or not isinstance(neighbours, int | np.integer):
        raise UsageError(f"The number of neighbours must be an integer, got {neighbours!r}.")
    most = points // 3 if third else (points - 1) // 2
    if not 1 <= neighbours <= most:
        raise UsageError(
            f"The number of neighbours k must satisfy 1 <= k {'<= n/3' if third else '< n/2'}, for beyond it the "
            f"score leaves its range: got k = {neighbours} for n = {points} points. Ask for at most {most} neighbours, "
            "or give more points."
        )
    return int(neighbours)


def require_memory(points: int, bytes_a_pair: int, limit: int) -> None:
    """Check that matrices of n^2 entries fit.

    Raises:
        UsageError: they would take more than `limit` bytes.
    """
    wanted = points * points * bytes_a_pair
    if wanted > limit:
        most = int((limit / bytes_a_pair) ** 0.5)
        raise UsageError(
            f"{points} points have matrices of about {wanted / 2**30:.3g} GiB, above the limit of "
            f"{limit / 2**30:.3g} GiB: take a random subsample of at most {most} points, or raise `memory`."
        )


def pairwise(rows: FloatArray) -> FloatArray:
    """Euclidean distances (n, n) of the rows (n, d), from differences and not from inner products: near points keep
    their digits. Cost: n^2 d / 2."""
    from scipy.spatial.distance import pdist, squareform

    return np.asarray(squareform(pdist(rows), checks=False), dtype=np.float64)


def condensed(matrix: FloatArray) -> FloatArray:
    """The entries above the diagonal of a symmetric matrix (n, n), in a row."""
    from scipy.spatial.distance import squareform

    return np.asarray(squareform(matrix, checks=False), dtype=np.float64)


def ordered(distances: FloatArray, other: FloatArray) -> tuple[IndexArray, FloatArray]:
    """For each row the columns by rising distance, and the rising distances, both (q, n); of equal ones the farther in
    the other space first, so that ties speak against the encoder."""
    order = np.argsort(distances, axis=1)
    rising = np.take_along_axis(distances, order, axis=1)
    tied = (rising[:, 1:] == rising[:, :-1]).any(axis=1)
    if tied.any():
        order[tied] = np.lexsort((-other[tied], distances[tied]), axis=1)
    return order, rising


def ranks_of(order: IndexArray, first: int) -> NDArray[np.int32]:
    """The place of each column in its row's order, counted from `first`."""
    ranks = np.empty(order.shape, dtype=np.int32)
    places = np.arange(first, first + order.shape[1], dtype=np.int32)
    np.put_along_axis(ranks, order, np.broadcast_to(places, order.shape), axis=1)
    return ranks
