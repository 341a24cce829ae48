"""Scores of ranks: who is whose neighbour in the data and in the codes.

Among n points let rho_ij be the rank of j by its distance from i in the data (1 for the nearest), r_ij that in the
codes, and k the size of a neighbourhood. For each point i

    trustworthiness   1 - 2 / (k (2n - 3k - 1)) sum over r_ij <= k of max(rho_ij - k, 0)
    continuity        1 - 2 / (k (2n - 3k - 1)) sum over rho_ij <= k of max(r_ij - k, 0)
    mrre_false        sum over r_ij <= k of |rho_ij - r_ij| / r_ij, over H
    mrre_missing      sum over rho_ij <= k of |rho_ij - r_ij| / rho_ij, over H,      H = sum_{s=1}^k (n - 2s) / s
    neighbours_kept   number of j with rho_ij <= k and r_ij <= k, over k

and the score of the sample is the mean. Ranges. Distinct ranks rho sum to the most where they are n-1, ..., n-k, all
above k for k < n/2: sum of (n - s - k) for s = 1..k, which is k (2n - 3k - 1) / 2, so the first two lie in [0, 1] and
attain both ends. For k <= n/3 the sum of |rho - s| / s over s = 1..k with distinct ranks rho is at most H: if some
rho < s, one of the k ranks n-k, ..., n-1 is free, and to take it gives at least (n - k - s) / s >= 1 > (s - rho) / s;
with all rho >= s the sum is that of rho / s less k, the largest where the largest ranks go to the smallest s
(rearrangement). For larger k that fails, so k <= n/3 is a premise. (Lee and Verleysen divide by a sum of n - 2s + 1,
which is larger by less than 1 in n and is not attained.)

With Q the co-ranking matrix, Q_kl the number of pairs with rho = k and r = l, Q_NX(k) is the sum of its first k rows
and columns over n k: the mean of `neighbours_kept`. R_NX(k) = ((n-1) Q_NX(k) - k) / (n - 1 - k) is 0 on average for
random codes; the area is sum R_NX(k) / k over sum 1 / k, k = 1..n-2. Two sets of k among N = n - 1 share at least
2k - N, so R_NX >= -k / (N - k) >= -1 for 2k <= N and R_NX >= -(N - k) / k >= -1 beyond: it lies in [-1, 1]. K_max,
where Q_NX(k) - k / (n - 1) is largest, splits Q_NX into a local and a global part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from aeverify.errors import UsageError
from aeverify.measure.latent_quality.distances import (
    BLOCK,
    MEMORY,
    FloatArray,
    IndexArray,
    ordered,
    pairwise,
    ranks_of,
    require_memory,
    require_neighbours,
    require_rows,
)


@final
@dataclass(frozen=True, eq=False)
class LocalRanks:
    """Scores of q points, and with whom they are at their worst.

    Attributes:
        values: for each pointwise rank score its values (q,).
        false_partner: column of the code neighbour with the largest rank in the data.
        missing_partner: column of the data neighbour with the largest rank in the codes.
        kept: number of columns with both ranks at most k, summed over the points, for k = 0, ..., n - 1.
    """

    values: dict[str, FloatArray]
    false_partner: IndexArray
    missing_partner: IndexArray
    kept: NDArray[np.int64]

    def partner_of(self, score: str) -> IndexArray:
        """The columns with which a score is at its worst: missing neighbours for `continuity` and `mrre_missing`."""
        return self.missing_partner if score in ("continuity", "mrre_missing") else self.false_partner

    @property
    def q_nx(self) -> FloatArray:
        """Q_NX(k), k = 1, ..., n - 1."""
        sizes = np.arange(1, len(self.kept))
        return np.asarray(self.kept[1:] / (sizes * len(self.false_partner)), dtype=np.float64)


def local_ranks(data: FloatArray, codes: FloatArray, neighbours: int, own: IndexArray | None = None) -> LocalRanks:
    """Scores of points from their distances to others.

    Args:
        data, codes: distances (q, n') of q points to n' others in the two spaces.
        neighbours: k; the mean relative rank errors are given where k <= n/3.
        own: for each point the column that is the point itself, which is left out; None: no column is. So n is n'
            with it and n' + 1 without it.

    Cost: 2 q sorts of n' numbers, in blocks.
    """
    count, columns = data.shape
    n = columns if own is not None else columns + 1
    k = require_neighbours(neighbours, n)
    step = max(1, BLOCK // columns)
    return joined(
        [
            _block(data[i : i + step], codes[i : i + step], k, n, None if own is None else own[i : i + step])
            for i in range(0, count, step)
        ]
    )


def joined(blocks: list[LocalRanks]) -> LocalRanks:
    """The scores of all points from those of blocks of them."""
    return LocalRanks(
        {name: np.concatenate([b.values[name] for b in blocks]) for name in blocks[0].values},
        np.concatenate([b.false_partner for b in blocks]),
        np.concatenate([b.missing_partner for b in blocks]),
        np.sum([b.kept for b in blocks], axis=0),
    )


def _block(data: FloatArray, codes: FloatArray, k: int, n: int, own: IndexArray | None) -> LocalRanks:
    first, rows = 1, np.arange(len(data))[:, None]
    if own is not None:
        # the point itself comes before those that coincide with it, and has rank 0
        first = 0
        data, codes = data.copy(), codes.copy()
        data[rows[:, 0], own] = codes[rows[:, 0], own] = -1.0
    by_data, rising = ordered(data, codes)
    # with the columns in the order of the data, the order of the codes is the list of the data's ranks
    by_codes = ordered(np.take_along_axis(codes, by_data, axis=1), rising)[0]
    start = 1 - first
    near = slice(start, start + k)
    rho_near = by_codes[:, near] + first
    # among all places in the codes, those of the k nearest in the data: k a row, by rising place
    place = np.nonzero((by_codes >= start) & (by_codes < start + k))[1].reshape(len(data), k)
    r_near = np.empty_like(place)
    np.put_along_axis(r_near, by_codes[rows, place] - start, place + first, axis=1)
    values = _values(rho_near.astype(np.float64), r_near.astype(np.float64), k, n)
    largest = np.maximum(by_codes, np.arange(by_codes.shape[1])) + first
    both = np.bincount(largest.ravel(), minlength=n)
    both[0] = 0
    return LocalRanks(
        values,
        by_data[rows[:, 0], rho_near.max(axis=1) - first],
        by_data[rows[:, 0], r_near.argmax(axis=1) + start],
        np.cumsum(both),
    )


def _values(rho_near: FloatArray, r_near: FloatArray, k: int, n: int) -> dict[str, FloatArray]:
    """The scores of the points from the data's ranks of their code neighbours, and the codes' of their neighbours in
    the data, both (q, k)."""
    places = np.arange(1, k + 1, dtype=np.float64)
    scale = 2.0 / (k * (2.0 * n - 3.0 * k - 1.0))
    values = {
        "trustworthiness": 1.0 - scale * np.maximum(rho_near - k, 0.0).sum(axis=1),
        "continuity": 1.0 - scale * np.maximum(r_near - k, 0.0).sum(axis=1),
        "neighbours_kept": (rho_near <= k).mean(axis=1),
    }
    if 3 * k <= n:
        largest = float(((n - 2.0 * places) / places).sum())
        values["mrre_false"] = (np.abs(rho_near - places) / places).sum(axis=1) / largest
        values["mrre_missing"] = (np.abs(r_near - places) / places).sum(axis=1) / largest
    # products with the scale may leave [0, 1] by a rounding
    return {name: np.clip(v, 0.0, 1.0) for name, v in values.items()}


def sample_ranks(data: FloatArray, codes: FloatArray, neighbours: int) -> LocalRanks:
    """`local_ranks` of all points of a sample, from its matrices (n, n) of distances."""
    return local_ranks(data, codes, neighbours, np.arange(len(data)))


def coranking_matrix(points: object, codes: object, *, memory: int = MEMORY) -> NDArray[np.int64]:
    """The co-ranking matrix (n-1, n-1): entry [k-1, l-1] counts the pairs of rank k in the data and l in the codes.

    Args:
        points, codes: rows (n, d) and (n, m).
        memory: bytes that may be used.

    Raises:
        UsageError: shapes that do not fit together, NaN or infinity, or too many points.
    """
    x, z = require_pair(points, codes)
    n = len(x)
    require_memory(n, 40, memory)
    data, coded = pairwise(x), pairwise(z)
    np.fill_diagonal(data, -1.0)
    np.fill_diagonal(coded, -1.0)
    joint = ranks_of(ordered(data, coded)[0], 0).astype(np.int64)
    joint *= n
    joint += ranks_of(ordered(coded, data)[0], 0)
    return np.bincount(joint.ravel(), minlength=n * n).reshape(n, n)[1:, 1:]


def require_pair(points: object, codes: object) -> tuple[FloatArray, FloatArray]:
    """Points and codes as arrays with one row a point each.

    Raises:
        UsageError: shapes that do not fit together, NaN or infinity, or all points are the same.
    """
    x, z = require_rows(points, "points"), require_rows(codes, "codes")
    if len(x) != len(z):
        raise UsageError(f"There must be one code a point: got {len(x)} points and {len(z)} codes.")
    if not np.ptp(x, axis=0).any():
        raise UsageError("All points are the same, so that there are no distances to keep: give different points.")
    return x, z


def curve_scores(q_nx: FloatArray) -> dict[str, float]:
    """The areas of the curve Q_NX(k), k = 1, ..., n - 1, and its two parts."""
    others = len(q_nx)
    sizes = np.arange(1, others + 1, dtype=np.float64)
    gain = q_nx - sizes / others
    split = int(gain[:-1].argmax())
    proper = sizes[:-1]
    r_nx = (others * q_nx[:-1] - proper) / (others - proper)
    return {
        "q_nx_area": float(q_nx.mean()),
        "q_nx_local": float(q_nx[: split + 1].mean()),
        "q_nx_global": float(q_nx[split:].mean()),
        "r_nx_log_area": float((r_nx / proper).sum() / (1.0 / proper).sum()),
    }
