"""Anomaly detection by the reconstruction error: a threshold with a guaranteed false-alarm rate, and the AUROC.

**Threshold.** The k-th smallest score of n independent uniform draws of K, with k from `counting.tolerance_rank`: with
confidence 1 - alpha a fresh uniform point of K is called an anomaly with probability at most `level`, whatever the
model is.

**AUROC** = P(e(y) > e(x)) + P(e(y) = e(x))/2 for x uniform on K and y an anomaly. It is enclosed from n disjoint
independent pairs (x_i, y_i) by exact binomial limits: P(e(y) > e(x)) from below, P(e(y) >= e(x)) from above. (The
U-statistic over all n^2 pairs, in the details, has a smaller variance and no such limits.)

**What an anomaly is** has to be said: a uniform draw of another set K', or of the box about K at a least distance from
K (known from a grid with a proved covering radius). A model may be blind to anomalies of a third sort.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.core.witness import WitnessPoint
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.counting import share_evidence, tolerance_rank
from aeverify.measure.evaluation import (
    Values,
    draw_errors,
    evaluate_points,
    generator,
    require_compatible,
    require_probability,
    require_real,
    witness_of,
)
from aeverify.measure.proximity import Nodes, surroundings

FloatArray = NDArray[np.float64]

WILKS = Citation(
    "S. S. Wilks, Determination of sample sizes for setting tolerance limits, Ann. Math. Statist. 12 (1941)",
    "",
    "order statistics bound a share of the population with a confidence that does not depend on its law",
)
_LISTED = 10


@final
@dataclass(frozen=True, eq=False)
class Anomalies:
    """Draws that should be told from K.

    Attributes:
        points: shape (N, n), independent draws of one law.
        words: what they are.
        distances: lower bounds of their distances to K, shape (N,).
    """

    points: FloatArray
    words: str
    distances: FloatArray


def anomalies(
    manifold: Manifold,
    other: Manifold | None = None,
    *,
    apart: float,
    margin: float,
    seed: Seed | int = 0,
    draws: int = 20_000,
) -> Anomalies:
    """Uniform draws of `other`, or, where that is None, of the box about K at distance at least `apart` from K.

    Args:
        manifold: the set K.
        other: another set of the same space.
        apart: least distance from K of a point of the box, in the units of the data, above 0.
        margin: by how much the box exceeds K on every side, in the units of the data.
        seed: root of the random stream.
        draws: how many.

    Raises:
        UsageError: other dimensions, a number out of range, or a box with hardly a point that far from K.
    """
    least = require_real(apart, "distance from K", minimum=0.0)
    wide = require_real(margin, "margin", minimum=0.0)
    n, root = require_count(draws, "number of draws"), as_seed(seed).child("measure", "anomalies")
    nodes = Nodes.of(manifold)
    if other is not None:
        if other.ambient_dim != manifold.ambient_dim:
            raise UsageError(
                f"{other} lies in R^{other.ambient_dim} and {manifold} in R^{manifold.ambient_dim}: give a set of the "
                "same space."
            )
        points = other.sample(n, root.child("other")).points
        return Anomalies(points, f"uniform points of {other}", nodes.distances(points)[0])
    points = surroundings(manifold, nodes, n, margin=wide, apart=least, rng=generator(root, "box"))
    words = f"uniform points of the box about {manifold} widened by {wide:g}, at least {least:g} from it"
    return Anomalies(points, words, nodes.distances(points)[0])


def anomaly_threshold(
    autoencoder: Autoencoder,
    manifold: Manifold,
    level: float = 0.05,
    *,
    seed: Seed | int = 0,
    draws: int = 100_000,
    alpha: float = 0.01,
) -> Evidence:
    """The score above which a point is called an anomaly, and the false-alarm rate that it guarantees on K.

    Returns:
        Evidence "false_alarm_rate" [0, level], STATISTICAL with confidence 1 - alpha over the calibration draws;
        details["threshold"] is the score, in the units of the data.

    Raises:
        UsageError: a parameter is out of range, or too few draws for the level (fewer than log(alpha)/log(1 - level)).
        NonFiniteOutputError: NaN or infinity came out on K.

    Cost: n evaluations of the model.
    """
    rate, risk = require_probability(level, "false-alarm rate"), require_probability(alpha, "alpha")
    n = require_count(draws, "number of draws")
    rank = tolerance_rank(n, rate, risk)
    if not rank:
        raise UsageError(f"{n} draws are too few for a false-alarm rate of {rate:g} at confidence {1 - risk:g}.")
    errors, allowance, worst = draw_errors(
        autoencoder, manifold, n, as_seed(seed).child("measure", "anomaly_threshold")
    )
    threshold = float(np.sort(errors + allowance)[rank - 1])
    return Evidence(
        quantity="false_alarm_rate",
        interval=Interval(0.0, rate),
        rigor=Rigor.STATISTICAL,
        method=f"Upper end: the score {threshold:.6g}, number {rank} of {n} independent uniform draws of K in "
        "ascending order, is a tolerance limit; the lower end is trivial.",
        confidence=1.0 - risk,
        witness=witness_of("point", autoencoder, manifold, (worst,), "The largest error among the calibration draws."),
        citations=(WILKS,),
        details={"threshold": threshold, "rank": rank, "draws": n, "seed": str(seed)},
    )


def auroc(
    autoencoder: Autoencoder,
    manifold: Manifold,
    outliers: Anomalies,
    *,
    seed: Seed | int = 0,
    alpha: float = 0.01,
) -> Evidence:
    """Area under the ROC curve of the reconstruction error as a score of the anomalies against uniform points of K.

    Returns:
        Evidence "auroc" in [0, 1], STATISTICAL with confidence 1 - alpha, both ends; one pair for each anomaly. The
        witness is the anomalies with the smallest errors, up to ten: what the detector is blind to; the details have
        their distances to K from below.

    Raises:
        UsageError: no anomalies, or other dimensions.
        NonFiniteOutputError: NaN or infinity came out.
    """
    risk, n = require_probability(alpha, "alpha"), len(outliers.points)
    require_count(n, "number of anomalies")
    inside, pad, _ = draw_errors(autoencoder, manifold, n, as_seed(seed).child("measure", "auroc"))
    values = _outside(autoencoder, manifold, outliers)
    low, high = inside - pad, inside + pad
    quietest = np.argsort(values.errors)[:_LISTED]
    ordered = np.sort(inside)
    below = np.searchsorted(ordered, values.errors, side="left") + np.searchsorted(ordered, values.errors, side="right")
    return share_evidence(
        "auroc",
        values.errors - values.allowance > high,
        values.errors + values.allowance >= low,
        risk,
        "an anomaly has a larger error than the point of K it is paired with",
        witness=witness_of(
            "point",
            autoencoder,
            manifold,
            [_alone(autoencoder, manifold, outliers.points[i]) for i in quietest],
            "Anomalies with the smallest errors.",
        ),
        details={
            "anomalies": outliers.words,
            "u_statistic": float(below.mean() / (2 * n)),
            "smallest_errors": [float(values.errors[i]) for i in quietest],
            "their_distances_from_K_at_least": [float(outliers.distances[i]) for i in quietest],
            "seed": str(seed),
        },
    )


def detection_rate(
    autoencoder: Autoencoder, manifold: Manifold, outliers: Anomalies, threshold: float, *, alpha: float = 0.01
) -> Evidence:
    """Probability that an anomaly has an error above the threshold: Evidence "detection_rate", STATISTICAL, both ends.

    Raises:
        UsageError: a number out of range.
        NonFiniteOutputError: NaN or infinity came out.
    """
    t = require_real(threshold, "threshold", minimum=0.0)
    values = _outside(autoencoder, manifold, outliers)
    return share_evidence(
        "detection_rate",
        values.errors > t + values.allowance,
        values.errors > t - values.allowance,
        require_probability(alpha, "alpha"),
        f"an anomaly has an error above {t:.6g}",
        details={"threshold": t, "anomalies": outliers.words},
    )


def _outside(autoencoder: Autoencoder, manifold: Manifold, outliers: Anomalies) -> Values:
    require_compatible(autoencoder, manifold)
    n = len(outliers.points)
    return evaluate_points(autoencoder, str(manifold), outliers.points, np.zeros(n, dtype=np.int64), np.empty((n, 0)))


def _alone(autoencoder: Autoencoder, manifold: Manifold, point: FloatArray) -> WitnessPoint:
    """A point off K by its coordinates, evaluated alone as its replay does."""
    values = evaluate_points(autoencoder, str(manifold), point[None], 0, np.empty((1, 0)))
    return WitnessPoint(
        component=0,
        parameters=(),
        point=tuple(map(float, values.points[0])),
        code=tuple(map(float, values.codes[0])),
        reconstruction=tuple(map(float, values.reconstructions[0])),
        error=float(values.errors[0]),
    )
