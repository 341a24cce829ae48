"""Homology of the rows against homology of their codes: what an encoder keeps of the clusters and holes of the data.

Both clouds are thinned by farthest points, which moves their diagrams by at most the radius h within which the kept
points cover the cloud (stability). How far the cloud itself is from what it was drawn from is estimated by halves: g is
the largest distance of a row of one random half from the other half, over several splits. Bars longer than 2 (g + h)
are taken for features, in radius units; the same rule, each with its own g and h, on either side. Degree 0 counts
clusters, degree 1 loops, degree 2 cavities.

Nothing bounds g: a loop of the population may have a gap that no row shows. So all of this is EMPIRICAL, and true of
the rows. Beside it stands the band of Fasy et al. (2014), twice a quantile of the Hausdorff distance of subsamples of
size N / log N, which is an asymptotic confidence band and wider.

Counts of features do not depend on the scale of the codes. The bottleneck distance does: codes are scaled so that their
root mean square distance from their mean is that of the rows, and even then an encoder that stretches moves every bar.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed
from aeverify.core.witness import Witness
from aeverify.data import DataSet
from aeverify.errors import UsageError
from aeverify.homology import ALPHA_DIMENSIONS, Diagram, bottleneck, farthest_points, persistence
from aeverify.homology.theorems import CONFIDENCE_SETS, STABILITY
from aeverify.manifolds.base import require_count
from aeverify.measure.data.values import moderate_codes, require_same_space, row_point, row_witness
from aeverify.measure.evaluation import generator, require_probability

FloatArray = NDArray[np.float64]

LEAST_ROWS = 20
_SPLITS = 10
_ROUNDS = 50
_ALPHA_POINTS = {1: 1_000, 2: 1_000, 3: 500, 4: 250}
_RIPS_POINTS = {0: 400, 1: 200, 2: 50}
_NUMBERS = 2**22
_TREE_DIMENSIONS = 8
_PAIR_ROWS = 300


@dataclass(frozen=True, eq=False)
class CloudHomology:
    """Diagram of one cloud and what in it is longer than its sampling noise.

    Attributes:
        diagram: of the thinned cloud.
        noise: g + h; bars longer than twice this count.
        band: the asymptotic confidence band of Fasy et al., of the cloud.
        features: number of those bars in each degree from 0.
    """

    diagram: Diagram
    noise: float
    band: float
    features: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class DataHomology:
    """Homology of the rows and of their codes.

    Attributes:
        data, codes: either cloud.
        mismatch: Evidence "homology_mismatch": the sum over the degrees of the differences of the feature counts; where
            it is not 0, the witness is a pair of rows that the encoder puts together ("collision") or apart ("slope").
        distance: Evidence "bottleneck_distance": the largest over the degrees, in the units of the data, of the rows'
            diagram from that of the scaled codes.
    """

    data: CloudHomology
    codes: CloudHomology
    mismatch: Evidence
    distance: Evidence

    @property
    def has_features(self) -> bool:
        """Whether either cloud shows more than one connected piece without holes."""
        return any(sum(c.features) > 1 for c in (self.data, self.codes))


def data_homology(
    autoencoder: Autoencoder,
    data: DataSet,
    *,
    max_degree: int = 1,
    field: int = 2,
    most: int = 2_000,
    confidence: float = 0.95,
    seed: Seed | int = 0,
) -> DataHomology:
    """Persistent homology of the rows of a data set and of their codes, with the features of each.

    Args:
        autoencoder: the model.
        data: the data set.
        max_degree: highest degree of homology, 0, 1 or 2.
        field: prime p of the coefficient field Z/p.
        most: rows that are drawn of a larger data set (fewer of wide ones).
        confidence: of the asymptotic band, which is shown and decides nothing.
        seed: root of the random streams.

    Returns:
        DataHomology; both Evidences are EMPIRICAL. Alpha complexes where rows and codes have at most 4 numbers, else
        Rips complexes of at most 200 points (50 in degree 2) on both sides.

    Raises:
        UsageError: a parameter is out of range, or fewer than 20 different rows.
        NonFiniteOutputError: NaN or infinity came out.
        MeasurementError: the engine failed.
    """
    require_same_space(autoencoder, data)
    if isinstance(max_degree, bool) or max_degree not in (0, 1, 2):
        raise UsageError(f"max_degree must be 0, 1 or 2, got {max_degree!r}.")
    level = require_probability(confidence, "confidence")
    count = min(require_count(most, "number of rows"), max(200, _NUMBERS // data.ambient_dim))
    index = data.subset(count, seed)
    x = data.rows(index)
    _, first = np.unique(x, axis=0, return_index=True)
    if len(first) < LEAST_ROWS:
        raise UsageError(f"{data} has {len(first)} different rows among {len(x)}; homology needs {LEAST_ROWS}.")
    index, x = index[np.sort(first)], x[np.sort(first)]
    z = moderate_codes(autoencoder, data, index, x)
    alpha = max(x.shape[1], z.shape[1]) <= ALPHA_DIMENSIONS
    rng = generator(seed, "measure", "data_homology")
    found = [_cloud(cloud, max_degree, field, alpha, level, rng) for cloud in (x, z)]
    rows, codes = found
    scale = _radius(x) / _radius(z) if _radius(z) > 0 else 1.0
    details: dict[str, Any] = {
        **data.record(),
        "rows": len(x),
        "features_of_data": list(rows.features),
        "features_of_codes": list(codes.features),
        "noise_of_data": rows.noise,
        "noise_of_codes": codes.noise,
        "band_of_data": rows.band,
        "band_of_codes": codes.band,
        "band_confidence": level,
        "data_diagram": rows.diagram.to_dict(20),
        "code_diagram": codes.diagram.to_dict(20),
        "seed": str(seed),
    }
    counts = ", ".join(f"degree {j}: {a} and {b}" for j, (a, b) in enumerate(zip(*_features(found), strict=True)))
    mismatch = sum(abs(a - b) for a, b in zip(rows.features, codes.features, strict=True))
    return DataHomology(
        rows,
        codes,
        Evidence(
            "homology_mismatch",
            Interval.exactly(float(mismatch)),
            Rigor.EMPIRICAL,
            "Both ends: differences of the numbers of bars longer than the sampling noise, over "
            f"{rows.diagram.field_name} ({rows.diagram.engine} complexes of {rows.diagram.points} and "
            f"{codes.diagram.points} points), rows and codes in {counts}; true of these rows.",
            witness=_pair(autoencoder, data, index, x, z, rows, codes) if mismatch else None,
            citations=(STABILITY, CONFIDENCE_SETS),
            details=details,
        ),
        _distance(rows.diagram, codes.diagram, scale, max_degree),
    )


def _pair(
    autoencoder: Autoencoder,
    data: DataSet,
    index: NDArray[np.int64],
    x: FloatArray,
    z: FloatArray,
    rows: CloudHomology,
    codes: CloudHomology,
) -> Witness | None:
    """Two rows that the encoder puts together or tears apart: within the noise of one another in one cloud, and as far
    as can be in the other, in its root mean square radii; None where no two rows are so near."""
    kept = farthest_points(x, _PAIR_ROWS)[0]
    found: list[tuple[float, str, int, int]] = []
    apart = [np.linalg.norm(c[kept][:, None] - c[kept][None, :], axis=2) for c in (z, x)]
    for near, far, noise, radius, kind in (
        (apart[0], apart[1], codes.noise, _radius(x), "collision"),
        (apart[1], apart[0], rows.noise, _radius(z), "slope"),
    ):
        close = np.where((near <= 2.0 * noise) & (far > 0.0), far, -1.0)
        i, j = np.unravel_index(int(close.argmax()), close.shape)
        if close[i, j] > 0.0 and radius > 0.0:
            found.append((float(close[i, j]) / radius, kind, int(index[kept[i]]), int(index[kept[j]])))
    if not found:
        return None
    _, kind, a, b = max(found)
    points = row_point(autoencoder, data, a), row_point(autoencoder, data, b)
    gap, distance = (math.dist(getattr(points[0], k), getattr(points[1], k)) for k in ("code", "point"))
    note = f"{data.where(a)} and {data.where(b)} are {distance:.6g} apart, and their codes {gap:.6g}."
    return row_witness(kind, autoencoder, data, points, note)


def _features(found: list[CloudHomology]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return found[0].features, found[1].features


def _radius(cloud: FloatArray) -> float:
    return float(np.sqrt(np.square(cloud - cloud.mean(axis=0)).sum(axis=1).mean()))


class _Distances:
    """Distances from subsets of a cloud: by a tree in few dimensions, where it pays, else from one matrix. The matrix
    comes of inner products, which lose distances below 1e-8 of the cloud's size; noise is never so small."""

    def __init__(self, cloud: FloatArray) -> None:
        self._cloud, self._matrix = cloud, None
        if cloud.shape[1] > _TREE_DIMENSIONS:
            x = cloud - cloud.mean(axis=0)
            norms = np.square(x).sum(axis=1)
            self._matrix = np.sqrt(np.maximum(norms[:, None] + norms[None, :] - 2.0 * (x @ x.T), 0.0))

    def farthest(self, kept: NDArray[np.int64], others: NDArray[np.int64]) -> float:
        """The largest distance of one of the others from the nearest one kept."""
        if self._matrix is not None:
            return float(self._matrix[np.ix_(kept, others)].min(axis=0).max())
        from scipy.spatial import cKDTree

        return float(cKDTree(self._cloud[kept]).query(self._cloud[others])[0].max())


def _cloud(
    cloud: FloatArray, degree: int, field: int, alpha: bool, level: float, rng: np.random.Generator
) -> CloudHomology:
    n, halves = len(cloud), 0.0
    apart = _Distances(cloud)
    for _ in range(_SPLITS):
        order = rng.permutation(n)
        a, b = order[: n // 2], order[n // 2 :]
        halves = max(halves, apart.farthest(a, b), apart.farthest(b, a))
    size, every = max(2, int(n / math.log(n))), np.arange(n)
    subsamples = [apart.farthest(rng.choice(n, size, replace=False), every) for _ in range(_ROUNDS)]
    limit = _ALPHA_POINTS[cloud.shape[1]] if alpha else _RIPS_POINTS[degree]
    kept, radius = farthest_points(cloud, limit)
    diagram = persistence(cloud[kept], max_degree=degree, field=field, engine="auto" if alpha else "rips")
    noise = halves + radius
    return CloudHomology(
        diagram,
        noise,
        2.0 * float(np.quantile(subsamples, level, method="higher")),
        tuple(diagram.longer_than(j, 2.0 * noise) for j in range(degree + 1)),
    )


def _distance(rows: Diagram, codes: Diagram, scale: float, degree: int) -> Evidence:
    scaled = Diagram(
        tuple(d * scale for d in codes.degrees),
        codes.field,
        codes.engine,
        codes.points,
        codes.duplicates,
        codes.simplices,
    )
    found = [bottleneck(rows, scaled, j) for j in range(degree + 1)]
    worst = max(found)
    if not math.isfinite(worst):
        interval, method = (
            Interval.unknown(),
            "Nothing is enclosed: the diagrams have different numbers of infinite bars.",
        )
    else:
        interval = Interval.exactly(worst)
        method = (
            f"Both ends: exact bottleneck distance of the diagrams of the thinned clouds, codes scaled by {scale:.4g}, "
            "the largest over the degrees; true of these rows."
        )
    return Evidence(
        "bottleneck_distance",
        interval,
        Rigor.EMPIRICAL,
        method,
        citations=(STABILITY,),
        details={"by_degree": [d if math.isfinite(d) else None for d in found], "scale": scale},
    )
