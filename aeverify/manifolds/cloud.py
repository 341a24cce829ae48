"""PointCloud: a data set as K. What is known of it is estimated, and typed so that it can never certify anything.

An `Estimate` is a number without a side: it is no Interval, and the Evidence made of it is EMPIRICAL with nothing
enclosed, so that every decision on it is inconclusive. A finite set has width 0 for every latent dimension (its points
can be put in a row), so no sample alone can bound what an autoencoder must get wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.errors import UsageError
from aeverify.manifolds.base import require_count
from aeverify.manifolds.chart import FloatArray

TWO_NN = Citation(
    "Facco, d'Errico, Rodriguez and Laio 2017, Estimating the intrinsic dimension of datasets by a minimal "
    "neighborhood "
    "information",
    "",
    "the ratio of the distances to the second and the first neighbour has the Pareto law of exponent d",
)
LEVINA_BICKEL = Citation(
    "Levina and Bickel 2004, Maximum likelihood estimation of intrinsic dimension; MacKay and Ghahramani 2005",
    "",
    "the logarithms of ratios of neighbour distances have mean 1 / d",
)
AAMARI = Citation(
    "Aamari, Kim, Chazal, Michel, Rinaldo and Wasserman 2019, Estimating the reach of a manifold",
    "section 4",
    "the least Federer quotient over pairs of a sample estimates the reach",
)
FASY = Citation(
    "Fasy, Lecci, Rinaldo, Wasserman, Balakrishnan and Singh 2014, Confidence sets for persistence diagrams",
    "section 4.1",
    "twice a quantile of the Hausdorff distance of subsamples bounds the bottleneck distance, asymptotically",
)

_AGREEMENT = 0.25
_LEAST_POINTS = 20
_PAIRS = 2_000


@final
@dataclass(frozen=True)
class Estimate:
    """A number that was estimated from data: no side of it is bounded.

    Attributes:
        quantity: what it is.
        value: the number; None where the estimators do not agree.
        method: how it was found, and towards which side it errs where that is known.
        citation: where the method stands.
        details: figures behind it.
    """

    quantity: str
    value: float | None
    method: str
    citation: Citation
    details: dict[str, Any]

    def evidence(self) -> Evidence:
        """EMPIRICAL Evidence that encloses nothing: (-inf, inf), with the value among the details."""
        return Evidence(
            quantity=self.quantity,
            interval=Interval.unknown(),
            rigor=Rigor.EMPIRICAL,
            method=self.method,
            citations=(self.citation,),
            details={"estimate": self.value, **self.details},
        )


@final
class PointCloud:
    """N points of R^n of which nothing else is known. It is no `Manifold`: it has no truth, no chart and no measure.

    Args:
        points: shape (N, n), at least 20 different rows, finite.
        name: what to call the data in reports.

    Raises:
        UsageError: another shape, too few different points, NaN or infinite entries.
    """

    def __init__(self, points: FloatArray | Sequence[Sequence[float]], name: str = "point cloud") -> None:
        x = np.array(points, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] < 1:
            raise UsageError(f"A point cloud is an array of shape (N, n), got shape {x.shape}.")
        if not np.isfinite(x).all():
            raise UsageError(
                f"The points of {name!r} must be finite; row {int((~np.isfinite(x)).any(axis=1).argmax())} is not."
            )
        different = np.unique(x, axis=0)
        if len(different) < _LEAST_POINTS:
            raise UsageError(
                f"A point cloud needs at least {_LEAST_POINTS} different points for any estimate, {name!r} has "
                f"{len(different)}."
            )
        x.setflags(write=False)
        self.points: FloatArray = x
        self.name = name
        self._different = different

    @property
    def ambient_dim(self) -> int:
        """n."""
        return int(self.points.shape[1])

    @property
    def different(self) -> int:
        """How many of the points are different."""
        return len(self._different)

    def __len__(self) -> int:
        return len(self.points)

    def __repr__(self) -> str:
        return f"PointCloud({self.name!r}: {len(self)} points in R^{self.ambient_dim})"

    def dimension(self, neighbors: int = 10) -> Estimate:
        """Estimate of the intrinsic dimension, given only where two estimators agree within a quarter and round to one
        integer: TwoNN (maximum likelihood on the ratios of the two nearest distances, its largest tenth left out) and
        Levina and Bickel's maximum likelihood with k neighbours, averaged as inverses.

        Raises:
            UsageError: neighbors is not between 3 and the number of different points less one.
        """
        from scipy.spatial import cKDTree

        x = self._different
        k = require_count(neighbors, "number of neighbours")
        if not 3 <= k < len(x):
            raise UsageError(f"The number of neighbours must lie between 3 and {len(x) - 1}, got {k}.")
        distances = cKDTree(x).query(x, k=k + 1)[0][:, 1:]
        ratio = np.sort(distances[:, 1] / distances[:, 0])
        count = max(2, int(0.9 * len(ratio)))
        # Fit of -log(1 - F) = d log(ratio) through the origin on the lower nine tenths.
        logs = np.log(ratio[:count])
        levels = -np.log1p(-(np.arange(1, count + 1) / (len(ratio) + 1)))
        square = float((logs * logs).sum())
        two_nn = float((logs * levels).sum()) / square if square > 0 else math.inf
        inverse = float(np.log(distances[:, -1:] / distances[:, :-1]).sum() / (len(x) * (k - 1)))
        likelihood = 1 / inverse if inverse > 0 else math.inf
        low, high = sorted((two_nn, likelihood))
        agree = (
            math.isfinite(high) and high - low <= _AGREEMENT * high and round(low) == round(high) and round(low) >= 1
        )
        return Estimate(
            "intrinsic_dimension",
            float(round((low + high) / 2)) if agree else None,
            "TwoNN and the maximum likelihood of Levina and Bickel, which "
            + ("agree." if agree else "do not agree, so nothing is claimed."),
            LEVINA_BICKEL,
            {"two_nn": two_nn, "levina_bickel": likelihood, "neighbors": k, "two_nn_source": TWO_NN.source},
        )

    def reach(self, dimension: int, neighbors: int = 12, seed: Seed | int = 0) -> Estimate:
        """Estimate of the reach: the least Federer quotient over pairs of points, with tangents from local principal
        components. With exact tangents it would be an upper bound, so it is labelled one; tangents are estimated
        here, so it is not certain on either side.

        Args:
            dimension: of the tangent spaces.
            neighbors: how many points a tangent space is fitted to, more than the dimension.
            seed: of the choice of points where there are more than 2000.

        Raises:
            UsageError: the dimension is not between 1 and the ambient dimension, or there are too few neighbours.
        """
        from scipy.spatial import cKDTree

        x = self._different
        d, k = require_count(dimension, "dimension"), require_count(neighbors, "number of neighbours")
        if not d < self.ambient_dim or not d < k < len(x):
            raise UsageError(
                f"Tangent spaces of dimension {d} in R^{self.ambient_dim} need 1 <= dimension < ambient dimension and "
                f"dimension < neighbours < {len(x)}, got {k} neighbours."
            )
        rng = np.random.Generator(np.random.PCG64(as_seed(seed).value))
        rows = np.arange(len(x)) if len(x) <= _PAIRS else np.sort(rng.choice(len(x), _PAIRS, replace=False))
        spacing, index = cKDTree(x).query(x[rows], k=k + 1)
        local = x[index] - x[index].mean(axis=1, keepdims=True)
        tangents = np.linalg.svd(local, full_matrices=False)[2][:, :d, :]
        # Pairs closer than the patch that a tangent space was fitted to say nothing.
        patch = spacing[:, -1]
        best = math.inf
        for i, p in enumerate(rows):
            away = x[rows] - x[p]
            square = (away**2).sum(axis=1)
            off = np.sqrt(np.maximum(square - ((away @ tangents[i].T) ** 2).sum(axis=1), 0.0))
            keep = (square > (4 * patch[i]) ** 2) & (off > 0)
            if keep.any():
                best = min(best, float((square[keep] / (2 * off[keep])).min()))
        return Estimate(
            "reach",
            best if math.isfinite(best) else None,
            "Least Federer quotient over pairs of points with estimated tangents: an upper bound up to their error.",
            AAMARI,
            {"dimension": d, "neighbors": k, "points": len(rows), "side": "upper, up to the error of the tangents"},
        )

    def confidence_radius(self, confidence: float = 0.95, seed: Seed | int = 0, rounds: int = 100) -> Estimate:
        """Radius within which features of the persistence diagram may be noise, at an asymptotic level: twice the
        quantile of the Hausdorff distance of the cloud from subsamples of N / log N points.

        Raises:
            UsageError: the confidence is not in (0, 1), or rounds is not a count.
        """
        from scipy.spatial import cKDTree

        if not 0 < confidence < 1:
            raise UsageError(f"The confidence must lie between 0 and 1, got {confidence!r}.")
        x, count = self._different, require_count(rounds, "number of rounds")
        size = max(2, int(len(x) / math.log(len(x))))
        rng = np.random.Generator(np.random.PCG64(as_seed(seed).value))
        found = [float(cKDTree(x[rng.choice(len(x), size, replace=False)]).query(x)[0].max()) for _ in range(count)]
        return Estimate(
            "homology_confidence_radius",
            2 * float(np.quantile(found, confidence)),
            "Twice a quantile of the Hausdorff distance of subsamples; the level holds asymptotically only.",
            FASY,
            {"confidence": confidence, "subsample": size, "rounds": count},
        )

    def homology(
        self, engine: Callable[[FloatArray], Any], confidence: float = 0.95, seed: Seed | int = 0
    ) -> tuple[Any, Estimate]:
        """The persistence diagram that an engine makes of the points, with its confidence radius: features that live
        longer than twice the radius (in radius units) are taken to be real, asymptotically.

        Args:
            engine: maps points (N, n) to a diagram; homology is computed by a module above this one.
            confidence, seed: as in `confidence_radius`.
        """
        return engine(self._different), self.confidence_radius(confidence, seed)
