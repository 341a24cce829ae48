"""Latent quality over K: scores enclosed from independent uniform draws, where a sample alone bounds nothing.

**Neighbour scores.** Fix n - 1 reference points Y of K once. The score s(x; Y) of one more point x, by its neighbours
in Y, lies in the score's range, and for independent uniform x its values are independent given Y: their mean over K is
enclosed by the empirical Bernstein inequality, the share of K that misses a bound by Clopper-Pearson limits, and the
worst drawn value is one side of the worst over K. All three are statements about Y, which the seed names. If Y is drawn
uniformly too, x and Y are n exchangeable points, so the mean over x and Y is exactly the expected score of a sample of
n points.

**Triplets** of independent draws are right with the very probability that is asked for.

**Spearman's correlation** of the distances of two independent points in the two spaces: with three independent pairs
and their distances (d_i, c_i), rho = 3 E[sign(d_1 - d_2) sign(c_1 - c_3)] (Kruskal 1958, for continuous laws; for
others this is what is enclosed). The product is a number in [-1, 1].

**Condition numbers** are functions of one draw. They are not bounded, so their mean is not enclosed.

Values are those of the float64 program: ranks and signs of distances have no allowance for rounding.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.core.witness import Witness
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold
from aeverify.measure.counting import MAURER_PONTIL, deviation_of_mean, share_evidence
from aeverify.measure.evaluation import encode, require_compatible, require_probability, require_real
from aeverify.measure.latent_quality.distances import FloatArray
from aeverify.measure.latent_quality.drawing import (
    DrawSettings,
    draw_neighbour_scores,
    draw_scores,
    require_draws,
    require_geodesics,
    worst_witness,
)
from aeverify.measure.latent_quality.geodesics import Distances
from aeverify.measure.latent_quality.scores import Score, score_named

_ROUNDING = 1e-12
"""Allowance for rounding in a neighbour score, a sum of at most n products."""

_STEP_ERROR = 1e-6
"""Relative allowance for the differences behind a condition number."""


def mean_score(
    autoencoder: Autoencoder,
    manifold: Manifold,
    score: str,
    *,
    neighbours: int = 10,
    reference: int = 1_000,
    draws: int = 5_000,
    geodesic: bool = False,
    seed: Seed | int = 0,
    alpha: float = 0.01,
) -> Evidence:
    """Enclosure of a neighbour score's mean over K, of triplet accuracy or of Spearman's correlation.

    Args:
        autoencoder: the model.
        manifold: the set K.
        score: the name of the score.
        neighbours: k, for neighbour scores.
        reference: number n of points that the neighbours are taken among, the point itself included.
        draws: number N of independent draws, at least 20.
        geodesic: compare codes with geodesic distances on K.
        seed: root of the random streams.
        alpha: probability that the enclosure is wrong.

    Returns:
        Evidence named after the score, STATISTICAL with confidence 1 - alpha, both ends. For neighbour scores the
        witness is the worst draw, and details hold its value; a mean close to the good end does not exclude a bad one.

    Raises:
        UsageError: a parameter is out of range, geodesic distances are not known, or the score is none of these.
        UnknownNameError: no such score.
        NonFiniteOutputError: NaN or infinity came out on K.
    """
    asked, risk = score_named(score), require_probability(alpha, "alpha")
    if asked.mean:
        settings = DrawSettings(neighbours, reference, draws, geodesic, seed)
        return mean_scores(autoencoder, manifold, (score,), settings, alpha=risk)[0]
    if score not in ("triplet_accuracy", "shepard_spearman"):
        what = "is not bounded" if asked.over_set else "is a number of one sample, without a side"
        raise UsageError(f"The mean of {score} over K cannot be enclosed: it {what}.")
    count = require_draws(draws)
    details = {"seed": str(seed), "geodesic": geodesic}
    if score == "triplet_accuracy":
        data, codes = _independent_pairs(autoencoder, manifold, count, 3, ((0, 1), (0, 2)), geodesic, seed)
        right = np.asarray(np.sign(data[0] - data[1]) == np.sign(codes[0] - codes[1]))
        return share_evidence(score, right, right, risk, "both spaces agree on which point is nearer", details=details)
    data, codes = _independent_pairs(autoencoder, manifold, count, 6, ((0, 1), (2, 3), (4, 5)), geodesic, seed)
    product = np.sign(data[0] - data[1]) * np.sign(codes[0] - codes[2])
    what = "three times the product of two signs of differences of distances, over three independent pairs"
    return _mean_evidence(asked, 3.0 * product, -3.0, 3.0, risk, what, details={"draws": count, **details})


def mean_scores(
    autoencoder: Autoencoder,
    manifold: Manifold,
    names: tuple[str, ...],
    settings: DrawSettings,
    *,
    alpha: float = 0.01,
) -> tuple[Evidence, ...]:
    """`mean_score` of several neighbour scores, from the same draws; alpha is shared equally by them."""
    risk = require_probability(alpha, "alpha") / len(names)
    found = draw_neighbour_scores(autoencoder, manifold, names, settings)
    return tuple(
        _mean_evidence(
            drawn.score,
            drawn.values,
            0.0,
            1.0,
            risk,
            f"the score over K by {drawn.method}",
            witness=worst_witness(autoencoder, manifold, drawn),
            details={**drawn.details, "worst": float(drawn.values[drawn.worst])},
        )
        for drawn in found
    )


def _mean_evidence(
    score: Score,
    values: FloatArray,
    low: float,
    high: float,
    alpha: float,
    what: str,
    *,
    details: dict[str, Any],
    witness: Witness | None = None,
) -> Evidence:
    """Empirical Bernstein limits of the mean of independent values in [low, high], cut to the score's range."""
    radius = deviation_of_mean(values - low, high - low, alpha / 2) + _ROUNDING
    mean = float(values.mean())
    return Evidence(
        quantity=score.name,
        interval=Interval(
            min(max(mean - radius, score.lowest), score.highest), max(min(mean + radius, score.highest), score.lowest)
        ),
        rigor=Rigor.STATISTICAL,
        method=f"Both ends: empirical Bernstein inequality; the mean of {what}, {len(values)} independent draws.",
        confidence=1.0 - alpha,
        witness=witness,
        citations=(MAURER_PONTIL, score.citation),
        details={**details, "sample_mean": mean},
    )


def _independent_pairs(
    autoencoder: Autoencoder,
    manifold: Manifold,
    count: int,
    size: int,
    pairs: tuple[tuple[int, int], ...],
    geodesic: bool,
    seed: Seed | int,
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Distances in the two spaces of pairs among `size` independent points, `count` times: arrays (count,) a pair."""
    require_compatible(autoencoder, manifold)
    along = require_geodesics(manifold, geodesic)
    sample = manifold.sample(size * count, as_seed(seed).child("measure", "latent_quality", str(size)))
    codes = encode(autoencoder, manifold, sample.points, sample.component, sample.parameters)
    x, z = sample.points.reshape(count, size, -1), codes.reshape(count, size, -1)
    coded = [np.asarray(np.linalg.norm(z[:, a] - z[:, b], axis=1)) for a, b in pairs]
    if along is None:
        return [np.asarray(np.linalg.norm(x[:, a] - x[:, b], axis=1)) for a, b in pairs], coded
    u = sample.parameters.reshape(count, size, -1)
    return [_row_by_row(along, u[:, a], u[:, b]) for a, b in pairs], coded


def _row_by_row(along: Distances, u: FloatArray, v: FloatArray) -> FloatArray:
    """Distances (count,) of row i to row i, from small matrices of all to all."""
    step = 64
    parts = [np.diagonal(along(u[i : i + step], v[i : i + step])) for i in range(0, len(u), step)]
    return np.concatenate(parts)


def missed_share(
    autoencoder: Autoencoder,
    manifold: Manifold,
    score: str,
    bound: float,
    *,
    neighbours: int = 10,
    reference: int = 1_000,
    draws: int = 5_000,
    geodesic: bool = False,
    seed: Seed | int = 0,
    alpha: float = 0.01,
) -> Evidence:
    """Share of K whose own score misses the bound: is below it where higher is better, above it where lower is.

    A tear that no mean shows is a share of K with a bad score of its own: ask for this.

    Args:
        autoencoder, manifold, neighbours, reference, draws, geodesic, seed: as for `mean_score`.
        score: the name of a score that every point has.
        bound: in the range of the score.
        alpha: probability that the enclosure is wrong.

    Returns:
        Evidence "missed_share" in [0, 1], STATISTICAL with confidence 1 - alpha, both ends; the witness is the worst
        draw.

    Raises:
        UsageError: as `draw_scores`.
        NonFiniteOutputError: NaN or infinity came out on K.
    """
    risk, level = require_probability(alpha, "alpha"), require_real(bound, "bound")
    settings = DrawSettings(neighbours, reference, draws, geodesic, seed)
    drawn = draw_scores(autoencoder, manifold, score, settings)
    # a neighbour score that is the bound but for the rounding of its sum does not miss it; a condition number that
    # close to the bound may or may not
    pad = _ROUNDING if drawn.score.mean else _STEP_ERROR * abs(level)
    higher = drawn.score.better == "higher"
    excess = level - drawn.values if higher else drawn.values - level
    surely = excess > pad
    possibly = surely if drawn.score.mean else excess > -pad
    return share_evidence(
        "missed_share",
        np.asarray(surely),
        np.asarray(possibly),
        risk,
        f"{score} is {'below' if higher else 'above'} {level:g} ({drawn.method})",
        witness=worst_witness(autoencoder, manifold, drawn),
        details={**drawn.details, "score": score, "bound": level, "worst": _finite(drawn.values[drawn.worst])},
    )


def worst_score(
    autoencoder: Autoencoder,
    manifold: Manifold,
    score: str,
    *,
    neighbours: int = 10,
    reference: int = 1_000,
    draws: int = 5_000,
    geodesic: bool = False,
    seed: Seed | int = 0,
) -> Evidence:
    """One side of the worst value over K of a score that every point has: the worst drawn one.

    Returns:
        Evidence named after the score, EMPIRICAL: [lowest, least value] where higher is better, [greatest value,
        highest] where lower is. It can refute a bound and never show it. The witness is the worst draw.

    Raises:
        UsageError: as `draw_scores`.
        NonFiniteOutputError: NaN or infinity came out on K.
    """
    settings = DrawSettings(neighbours, reference, draws, geodesic, seed)
    drawn = draw_scores(autoencoder, manifold, score, settings)
    asked, value = drawn.score, float(_finite(drawn.values[drawn.worst]))
    higher = asked.better == "higher"
    if not asked.mean:
        value = max(value * (1.0 - _STEP_ERROR), asked.lowest)
    interval = Interval(asked.lowest, value) if higher else Interval(value, asked.highest)
    return Evidence(
        quantity=asked.name,
        interval=interval,
        rigor=Rigor.EMPIRICAL,
        method=f"{'Upper' if higher else 'Lower'} end: the worst of {len(drawn.values)} draws ({drawn.method}).",
        witness=worst_witness(autoencoder, manifold, drawn),
        citations=(asked.citation,),
        details={**drawn.details, "median": _finite(np.median(drawn.values))},
    )


def _finite(value: float | np.floating[Any]) -> float:
    """The value; an infinite one as the largest number of float64, which it exceeds."""
    return float(value) if math.isfinite(value) else sys.float_info.max
