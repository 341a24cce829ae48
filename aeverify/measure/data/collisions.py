"""Collisions: far rows of the data with nearly the same code, and what such a pair costs.

A pair (x, y) of rows collides when |E(x) - E(y)| is at most `tolerance` times the diagonal of the box of all codes. The
quantity is the largest |x - y| over the colliding pairs, as a share of the diagonal of the box of the rows; so it lies
in [0, 1], and no unit matters. Among at most `most` rows all colliding pairs are listed where they are not too many;
then the maximum over these rows is known on both sides. It is a fact about these rows: others may collide more.

**What it costs.** |x - y| <= e(x) + |D(E(x)) - D(E(y))| + e(y), so for a decoder with Lipschitz constant L_D

    max(e(x), e(y)) >= |x - y| / 2 - L_D |E(x) - E(y)| / 2,

which is |x - y| / 2 where the codes coincide, for every decoder. Where no L_D is known the errors at the two rows stand
for themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder, Part
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed
from aeverify.data import DataSet
from aeverify.errors import UsageError
from aeverify.manifolds.balls import ball_operations, precision
from aeverify.manifolds.base import require_count
from aeverify.measure.data.values import moderate_codes, require_same_space, row_point, row_witness
from aeverify.measure.evaluation import ALLOWANCE, BITS, distance_interval, generator, require_real

FloatArray = NDArray[np.float64]
Indices = NDArray[np.int64]

_NEIGHBOURS = 32
_MOST_PAIRS = 5_000_000
_MOST_PRODUCTS = 2 * 10**9
_BLOCK = 2**22
_SHOWN = 10
_PAD = 1e-12


@dataclass(frozen=True, eq=False)
class DataCollisions:
    """Colliding rows and what follows.

    Attributes:
        distances: enclosures of "collision_distance", most rigorous first.
        consequence: Evidence "sup_error" [bound, inf) from the worst pair.
    """

    distances: tuple[Evidence, ...]
    consequence: Evidence


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Pairs of positions with their distances and code distances; `all_of_them` where no colliding pair is missing."""

    first: Indices
    second: Indices
    distance: FloatArray
    gap: FloatArray
    all_of_them: bool


def data_collisions(
    autoencoder: Autoencoder,
    data: DataSet,
    *,
    tolerance: float = 1e-3,
    most: int = 20_000,
    seed: Seed | int = 0,
) -> DataCollisions:
    """The farthest rows of a data set with nearly the same code.

    Args:
        autoencoder: the model.
        data: the data set.
        tolerance: how near codes must be, as a share of the diagonal of the box of the codes; at least 0.
        most: rows that are compared; of a larger data set so many are drawn, and then there is no upper end below 1.
        seed: root of the random stream.

    Returns:
        `distances`: Evidence "collision_distance", a share of the diagonal of the box of the rows: first a CERTIFIED
        lower end where the worst pair could be evaluated in ball arithmetic, last both ends in float64, EMPIRICAL; the
        witness has kind "collision", and details list up to 10 pairs with rows, distances, code distances and errors.
        `consequence`: what the worst pair says of the worst error.

    Raises:
        UsageError: a parameter is out of range, fewer than two rows, or rows that are all the same.
        NonFiniteOutputError: NaN or infinity came out.

    Cost: the codes, a tree of them, and a distance for each colliding pair (at most 5 million).
    """
    require_same_space(autoencoder, data)
    share = require_real(tolerance, "tolerance", minimum=0.0)
    index = data.subset(require_count(most, "number of rows"), seed)
    if len(index) < 2 or data.extent == 0.0:
        raise UsageError(f"{data} needs two different rows for a collision, it has {len(index)} in all.")
    x = data.rows(index)
    z = moderate_codes(autoencoder, data, index, x)
    spread = float(np.linalg.norm(np.ptp(z, axis=0)))
    near = share * spread
    # rounding of the codes' own distances; what the model rounds is unknown, hence EMPIRICAL
    pad = ALLOWANCE * math.sqrt(z.shape[1]) * (float(np.abs(z).max()) + spread)
    pairs = _colliding(x, z, near + pad, generator(seed, "measure", "data_collisions"))
    surely = pairs.gap <= max(near - pad, 0.0)
    slack = ALLOWANCE * math.sqrt(x.shape[1]) * data.extent
    lower = max(float(pairs.distance[surely].max(initial=0.0)) - slack, 0.0) / data.extent * (1.0 - _PAD)
    whole = pairs.all_of_them and len(index) == len(data)
    upper = min((float(pairs.distance.max(initial=0.0)) + slack) / data.extent * (1.0 + _PAD), 1.0) if whole else 1.0
    order = np.argsort(np.where(surely, pairs.distance, -1.0))[::-1]
    order = order[: min(_SHOWN, int(surely.sum()))]
    shown = [_shown(autoencoder, data, index, pairs, int(k)) for k in order]
    details: dict[str, Any] = {
        **data.record(),
        "rows": len(index),
        "tolerance": share,
        "code_extent": spread,
        "data_extent": data.extent,
        "colliding_pairs": int(surely.sum()),
        "all_pairs": whole,
        "seed": str(seed),
        "pairs": [row for row, _ in shown],
    }
    how = (
        f"Both ends: all {len(pairs.gap)} pairs of {len(index)} rows whose codes are within {share:g} of the diagonal "
        "of the codes' box, in float64."
        if whole
        else (
            f"Lower end: pairs of {len(index)} of {len(data)} rows with nearly equal codes, in float64. Upper end: 1, "
            "since not every pair was looked at."
        )
    )
    if not shown:
        empirical = Evidence(
            "collision_distance", Interval(0.0, upper), Rigor.EMPIRICAL, f"{how} None was found.", details=details
        )
        trivial = Evidence(
            "sup_error", Interval.at_least(0.0), Rigor.CERTIFIED, "Lower end: 0, which is trivial; no pair collides."
        )
        return DataCollisions((empirical,), trivial)
    points = shown[0][1]
    i, j = (data.where(int(index[p])) for p in (pairs.first[order[0]], pairs.second[order[0]]))
    note = f"{i} and {j} are {pairs.distance[order[0]]:.6g} apart, and their codes differ by {pairs.gap[order[0]]:.3g}."
    witness = row_witness("collision", autoencoder, data, points, note)
    empirical = Evidence(
        "collision_distance",
        Interval(min(lower, upper), upper),
        Rigor.EMPIRICAL,
        how,
        witness=witness,
        details=details,
    )
    balls = _balls(autoencoder, points)
    consequence = _consequence(autoencoder, points, balls, witness)
    if balls is None or balls[1].upper > near:
        return DataCollisions((empirical,), consequence)
    certified = Evidence(
        "collision_distance",
        Interval(min(balls[0].lower / data.extent * (1.0 - _PAD), 1.0), 1.0),
        Rigor.CERTIFIED,
        "Lower end: the worst pair found, rows taken for the exact numbers that they have, codes in ball arithmetic. "
        "Upper end: 1, which no pair exceeds.",
        witness=witness,
        details=details,
    )
    return DataCollisions((certified, empirical), consequence)


def _colliding(x: FloatArray, z: FloatArray, radius: float, rng: np.random.Generator) -> _Pairs:
    """Pairs of rows whose codes are within `radius`: all of them where they are few enough."""
    from scipy.spatial import cKDTree

    n, width = x.shape
    tree = cKDTree(z)
    room = min(_MOST_PAIRS, max(_MOST_PRODUCTS // width, n))
    if n * (n - 1) // 2 <= room or (int(tree.count_neighbors(tree, radius)) - n) // 2 <= room:
        found = tree.query_pairs(radius, output_type="ndarray").astype(np.int64)
        return _measured(x, z, found[:, 0], found[:, 1], True)
    count = min(_NEIGHBOURS, n - 1) + 1
    gaps, partners = tree.query(z, k=count)
    close = gaps.ravel() <= radius
    first, second = np.repeat(np.arange(n), count)[close], partners.ravel()[close].astype(np.int64)
    some = rng.choice(n, max(8, min(n, room // n)), replace=False)
    balls = tree.query_ball_point(z[some], radius)
    first = np.concatenate([first, *(np.full(len(b), i) for i, b in zip(some, balls, strict=True))])
    second = np.concatenate([second, *(np.array(b, dtype=np.int64) for b in balls)])
    apart = first != second
    return _measured(x, z, first[apart].astype(np.int64), second[apart], False)


def _measured(x: FloatArray, z: FloatArray, first: Indices, second: Indices, whole: bool) -> _Pairs:
    step = max(1, _BLOCK // x.shape[1])
    parts = [slice(i, i + step) for i in range(0, len(first), step)]
    distance = [np.linalg.norm(x[first[p]] - x[second[p]], axis=1) for p in parts]
    gap = [np.linalg.norm(z[first[p]] - z[second[p]], axis=1) for p in parts]
    empty = [np.empty(0)]
    return _Pairs(first, second, np.concatenate(distance or empty), np.concatenate(gap or empty), whole)


def _shown(
    autoencoder: Autoencoder, data: DataSet, index: Indices, pairs: _Pairs, k: int
) -> tuple[dict[str, Any], tuple[Any, Any]]:
    rows = int(index[pairs.first[k]]), int(index[pairs.second[k]])
    points = row_point(autoencoder, data, rows[0]), row_point(autoencoder, data, rows[1])
    return {
        "rows": list(rows),
        "where": [data.where(r) for r in rows],
        "distance": float(pairs.distance[k]),
        "code_distance": float(pairs.gap[k]),
        "errors": [p.error for p in points],
    }, points


def _balls(autoencoder: Autoencoder, points: tuple[Any, Any]) -> tuple[Interval, Interval, list[Interval]] | None:
    """Enclosures of the distance of two rows, of that of their codes, and of their errors; None where the model cannot
    be evaluated in ball arithmetic."""
    with precision(BITS):
        operations = ball_operations()
        x, y = ([operations.real(float(v)) for v in p.point] for p in points)
    codes = [autoencoder.encode_balls(p) for p in (x, y)]
    images = [autoencoder.reconstruct_balls(p) for p in (x, y)]
    if codes[0] is None or codes[1] is None or images[0] is None or images[1] is None:
        return None
    apart, near = distance_interval(x, y), distance_interval(codes[0], codes[1])
    errors = [distance_interval(images[0], x), distance_interval(images[1], y)]
    if apart is None or near is None or errors[0] is None or errors[1] is None:
        return None
    return apart, near, [errors[0], errors[1]]


def _consequence(
    autoencoder: Autoencoder,
    points: tuple[Any, Any],
    balls: tuple[Interval, Interval, list[Interval]] | None,
    witness: Any,
) -> Evidence:
    """The larger of the two errors, or what the decoder's Lipschitz constant makes of the pair."""
    x, y = (np.array(p.point) for p in points)
    codes = [np.array(p.code) for p in points]
    size = float(np.abs(np.concatenate([x, y])).max()) * math.sqrt(len(x))
    slack = ALLOWANCE * math.sqrt(len(x)) * (1.0 + size)
    if balls is None:
        lower, rigor = max(max(p.error for p in points) - slack, 0.0), Rigor.EMPIRICAL
    else:
        lower, rigor = max(e.lower for e in balls[2]), Rigor.CERTIFIED
    by = "the larger error of the two rows"
    slope = autoencoder.lipschitz(Part.DECODER)
    if slope is not None and math.isfinite(slope.upper):
        apart = Interval.at_least(float(np.linalg.norm(x - y)) - slack) if balls is None else balls[0]
        near = float(np.linalg.norm(codes[0] - codes[1])) + slack if balls is None else balls[1].upper
        bound = math.nextafter(apart.lower - math.nextafter(slope.upper * near, math.inf), -math.inf) / 2
        if bound > lower:
            lower, by = bound, f"(|x - y| - L_D |E(x) - E(y)|) / 2 with L_D = {slope.upper:.4g}"
            rigor = Rigor.EMPIRICAL if balls is None else min(Rigor.CERTIFIED, slope.rigor)
    return Evidence(
        quantity="sup_error",
        interval=Interval.at_least(lower),
        rigor=rigor,
        method=f"Lower end: {by}, for the pair that is farthest apart among those with nearly equal codes.",
        witness=witness,
    )
