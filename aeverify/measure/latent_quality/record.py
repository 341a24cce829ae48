"""LatentQuality: all scores of one sample in one record, with the worst points, and what is enclosed over K."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval, encode_number
from aeverify.core.seeds import Seed, as_seed
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.evaluation import encode, evaluate_points, require_compatible, require_probability, require_real
from aeverify.measure.latent_quality.dimension import active_units, code_dimension, unit_variances
from aeverify.measure.latent_quality.distances import (
    BYTES_A_PAIR,
    MEMORY,
    FloatArray,
    condensed,
    pairwise,
    require_memory,
    require_neighbours,
    require_rows,
)
from aeverify.measure.latent_quality.drawing import DrawSettings
from aeverify.measure.latent_quality.geodesics import geodesic_distances, graph_distances
from aeverify.measure.latent_quality.jacobians import Stretch, decoder_stretch, encoder_stretch, largest_dimension
from aeverify.measure.latent_quality.metric import density_divergences, shepard, stresses, triplet_accuracy
from aeverify.measure.latent_quality.population import mean_scores
from aeverify.measure.latent_quality.ranks import curve_scores, require_pair, sample_ranks
from aeverify.measure.latent_quality.scores import SCORES
from aeverify.measure.latent_quality.worst import Rows, WorstPoint

SIGMAS = (0.01, 0.1, 1.0)
"""Bandwidths of the density estimates, in squares of the largest distance."""

_ENCLOSED = ("trustworthiness", "continuity", "neighbours_kept")
_SHOWN = ("trustworthiness", "continuity", "mrre_false", "mrre_missing", "neighbours_kept", "r_nx_log_area")


@final
@dataclass(frozen=True)
class LatentQuality:
    """Scores of the codes of one sample. Each is a number of that sample, EMPIRICAL and without a side: it bounds
    nothing about other points. What holds over K is in `enclosed`.

    Attributes:
        points: n.
        neighbours: k.
        distances: what codes were compared with: "Euclidean", "geodesic" or "geodesic along a graph of neighbours".
        scores: by name, in the order of `SCORES`; None where a score is not defined (codes that are all the same have
            no correlation), and left out where it was not asked for (Jacobians of codes without a model).
        q_nx: Q_NX(k) for k = 1, ..., n - 1.
        density_kl: the divergence for each sigma.
        variances: of the code coordinates.
        worst: for each pointwise score the worst points, worst first.
        enclosed: means over K that are enclosed from independent draws of their own; empty for data.
        details: seed, thresholds, and what was said of derivatives.
    """

    points: int
    neighbours: int
    distances: str
    scores: Mapping[str, float | None]
    q_nx: tuple[float, ...]
    density_kl: Mapping[float, float]
    variances: tuple[float, ...]
    worst: tuple[WorstPoint, ...]
    enclosed: tuple[Evidence, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def worst_of(self, score: str) -> tuple[WorstPoint, ...]:
        """The worst points of one score, worst first.

        Raises:
            UsageError: the score has no values of single points here.
        """
        found = tuple(w for w in self.worst if w.score == score)
        if not found:
            having = ", ".join(dict.fromkeys(w.score for w in self.worst))
            raise UsageError(f"There are no worst points of {score!r}; there are of: {having or 'none'}.")
        return found

    def figures(self) -> dict[str, float]:
        """A few finite numbers for the record of a model in a report: means beside the worst point's value."""
        found: dict[str, float] = {}
        for name in _SHOWN:
            value = self.scores.get(name)
            if value is not None:
                found[name] = value
                if SCORES[name].pointwise:
                    found[f"{name}_at_worst"] = self.worst_of(name)[0].value
        return found

    def evidence(self) -> tuple[Evidence, ...]:
        """Each score as EMPIRICAL evidence that encloses nothing, with the number among the details: to be shown in a
        report, never to decide."""
        return tuple(
            Evidence(
                quantity=name,
                interval=Interval.unknown(),
                rigor=Rigor.EMPIRICAL,
                method=f"{SCORES[name].meaning} A number of {self.points} points that bounds neither side.",
                citations=(SCORES[name].citation,),
                details={"estimate": encode_number(value), "points": self.points, "neighbours": self.neighbours},
            )
            for name, value in self.scores.items()
            if value is not None
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON form; infinities as the strings "inf" and "-inf", what is not defined as null."""
        return {
            "points": self.points,
            "neighbours": self.neighbours,
            "distances": self.distances,
            "scores": {
                name: {
                    "value": None if value is None else encode_number(value),
                    "range": [encode_number(SCORES[name].lowest), encode_number(SCORES[name].highest)],
                    "better": SCORES[name].better,
                }
                for name, value in self.scores.items()
            },
            "q_nx": list(self.q_nx),
            "density_kl": {repr(sigma): value for sigma, value in self.density_kl.items()},
            "variances": list(self.variances),
            "worst": [w.to_dict() for w in self.worst],
            "enclosed": [e.to_dict() for e in self.enclosed],
            "details": dict(self.details),
        }


@final
@dataclass(frozen=True)
class QualitySettings:
    """What scores of a sample depend on beside the neighbours and the seed.

    Attributes:
        sigmas: bandwidths of the density estimates.
        triplets: number of drawn triplets.
        variance: a code coordinate is active above this variance.
        worst: how many worst points are kept a score.
        memory: bytes that the matrices may take.
        graph_neighbours: neighbours a point in the graph, where geodesic distances need one.

    Raises:
        UsageError: a value is out of range.
    """

    sigmas: tuple[float, ...] = SIGMAS
    triplets: int = 100_000
    variance: float = 0.01
    worst: int = 5
    memory: int = MEMORY
    graph_neighbours: int = 10

    def __post_init__(self) -> None:
        for name in ("triplets", "worst"):
            require_count(getattr(self, name), f"number of {name}")
        require_real(self.variance, "variance of an active unit", minimum=0.0)
        require_real(self.memory, "memory", minimum=1.0)
        if not self.sigmas:
            raise UsageError("The sweep of sigma is empty: give at least one.")
        for sigma in self.sigmas:
            require_real(sigma, "sigma", minimum=1e-6)


def quality_of_codes(
    points: object,
    codes: object,
    *,
    neighbours: int = 10,
    geodesic: bool = False,
    seed: Seed | int = 0,
    settings: QualitySettings | None = None,
) -> LatentQuality:
    """All scores of codes (n, m) of data points (n, d), without a model.

    Args:
        points: one row a point (images flattened).
        codes: one row a code.
        neighbours: k, 1 <= k < n/2; the mean relative rank errors are given where k <= n/3.
        geodesic: compare codes with path lengths along the graph of the points' nearest neighbours; an estimate of the
            geodesic distances that bounds them on neither side.
        seed: root of the random stream of the triplets.
        settings: thresholds, sweeps and limits.

    Raises:
        UsageError: shapes that do not fit together, fewer than 4 points, NaN or infinity, all points the same, k out of
            range, too many points for the memory, or a graph that is not connected.

    Cost: n^2 (d + m) for distances and 2 n^2 log n for ranks; about 1 s for n = 2000.
    """
    rows = Rows(*require_pair(points, codes))
    return _of_data(rows, neighbours, geodesic, as_seed(seed), settings or QualitySettings())


def latent_quality(
    autoencoder: Autoencoder,
    data: Manifold | FloatArray,
    *,
    neighbours: int = 10,
    points: int = 1_000,
    draws: int = 5_000,
    geodesic: bool = False,
    seed: Seed | int = 0,
    alpha: float = 0.01,
    settings: QualitySettings | None = None,
) -> LatentQuality:
    """All scores of a model's codes, of a data set or of a uniform sample of K.

    Args:
        autoencoder: the model.
        data: the set K, or data points (n, d), all of which are used.
        neighbours: k, 1 <= k < n/2; the mean relative rank errors are given where k <= n/3.
        points: number n of uniform draws of K; plays no part for data.
        draws: independent draws behind the enclosed means over K; 0 leaves them out.
        geodesic: compare codes with geodesic distances on K, exact where they are known, else along a graph.
        seed: root of the random streams.
        alpha: probability that some enclosure is wrong, shared by all.
        settings: thresholds, sweeps and limits.

    Raises:
        UsageError: as `quality_of_codes`, or the model and the data do not fit together.
        NonFiniteOutputError: NaN or infinity came out.

    Cost: as `quality_of_codes`, 4 m evaluations of D and 4 dim K of E at each point, and those of `mean_scores`.
    """
    asked, root = settings or QualitySettings(), as_seed(seed)
    if not isinstance(data, Manifold):
        x = require_rows(data, "points")
        values = evaluate_points(autoencoder, "", x, 0, np.empty((len(x), 0)))
        rows = Rows(*require_pair(x, values.codes))
        return _with_stretch(_of_data(rows, neighbours, geodesic, root, asked), autoencoder, rows, asked)
    require_compatible(autoencoder, data)
    n, risk = require_count(points, "number of points"), require_probability(alpha, "alpha")
    require_neighbours(neighbours, n)
    require_memory(n, BYTES_A_PAIR, int(asked.memory))
    sample = data.sample(n, root.child("measure", "latent_quality", "sample"))
    codes = encode(autoencoder, data, sample.points, sample.component, sample.parameters)
    rows = Rows(*require_pair(sample.points, codes), sample, data)
    along = geodesic_distances(data) if geodesic else None
    if along is not None:
        found = _quality(rows, along(sample.parameters, sample.parameters), "geodesic", neighbours, root, asked)
    else:
        found = _of_data(rows, neighbours, geodesic, root, asked)
    found = _with_stretch(found, autoencoder, rows, asked)
    if not draws or (geodesic and along is None):
        return found
    drawing = DrawSettings(neighbours, n, draws, geodesic, root)
    enclosed = mean_scores(autoencoder, data, _ENCLOSED, drawing, alpha=risk)
    return replace(found, enclosed=enclosed)


def _of_data(rows: Rows, neighbours: int, geodesic: bool, seed: Seed, asked: QualitySettings) -> LatentQuality:
    require_memory(len(rows.points), BYTES_A_PAIR, int(asked.memory))
    if not geodesic:
        return _quality(rows, pairwise(rows.points), "Euclidean", neighbours, seed, asked)
    graph = graph_distances(rows.points, asked.graph_neighbours)
    return _quality(rows, graph, "geodesic along a graph of neighbours", neighbours, seed, asked)


def _quality(
    rows: Rows, data: FloatArray, distances: str, neighbours: int, seed: Seed, asked: QualitySettings
) -> LatentQuality:
    z, n = rows.codes, len(rows.codes)
    k = require_neighbours(neighbours, n)
    codes = pairwise(z)
    ranks = sample_ranks(data, codes, k)
    condensed_data, condensed_codes = condensed(data), condensed(codes)
    divergences = density_divergences(data, codes, asked.sigmas)
    variances = unit_variances(z)
    scores: dict[str, float | None] = {
        **{name: float(v.mean()) for name, v in ranks.values.items()},
        **curve_scores(ranks.q_nx),
        "density_kl": max(divergences),
        **stresses(condensed_data, condensed_codes),
        **shepard(condensed_data, condensed_codes),
        "triplet_accuracy": triplet_accuracy(data, codes, asked.triplets, seed),
        "code_dimension_two_nn": _dimension(z, 2),
        "code_dimension_levina_bickel": _dimension(z, max(k, 2)),
        "active_units": float(active_units(variances, asked.variance)),
    }
    return LatentQuality(
        points=n,
        neighbours=k,
        distances=distances,
        scores=_in_order(scores),
        q_nx=tuple(map(float, ranks.q_nx)),
        density_kl=dict(zip(asked.sigmas, divergences, strict=True)),
        variances=tuple(map(float, variances)),
        worst=rows.worst_neighbours(ranks, asked.worst),
        details={"seed": str(seed), "triplets": asked.triplets, "active_above": asked.variance},
    )


def _dimension(codes: FloatArray, neighbours: int) -> float | None:
    """The estimate, None where the codes have none (constant, nearly so, or on a grid)."""
    try:
        return code_dimension(codes, neighbours)
    except UsageError:
        return None


def _in_order(scores: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: scores[name] for name in SCORES if name in scores}


def _with_stretch(found: LatentQuality, autoencoder: Autoencoder, rows: Rows, asked: QualitySettings) -> LatentQuality:
    """The record with the scores of the Jacobians, where the dimensions allow these."""
    scores, worst, details = dict(found.scores), list(found.worst), dict(found.details)
    stretches: dict[str, Stretch] = {}
    if autoencoder.ambient_dim >= autoencoder.latent_dim:
        stretches["decoder"] = decoder_stretch(autoencoder, rows.codes)
    k, sample = rows.manifold, rows.sample
    if k is not None and sample is not None and autoencoder.latent_dim >= largest_dimension(k):
        stretches["encoder"] = encoder_stretch(autoencoder, k, sample)
    for part, stretch in stretches.items():
        name = f"{part}_condition"
        scores[name] = float(stretch.condition.mean())
        scores[f"{part}_area_distortion"] = stretch.area_distortion
        details[f"{part}_step_disagreement"] = stretch.disagreement
        worst += rows.worst(name, stretch.condition, asked.worst)
    return replace(found, scores=_in_order(scores), worst=tuple(worst), details=details)
