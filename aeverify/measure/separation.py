"""How far apart codes are: of points of different components, and of points that are far apart in K.

The lower end comes from chart boxes (`aeverify.enclosure.pairs`), CERTIFIED. The upper end is one pair of points,
evaluated in ball arithmetic where the model allows it, or, for one-dimensional codes, a pair with *equal* codes whose
existence a certified sign change proves (`collisions.encoder_floor`); it is handed in, since that is another measure.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.certified import enclosable
from aeverify.measure.evaluation import (
    ALLOWANCE,
    ball_point,
    distance_interval,
    evaluate,
    require_compatible,
    require_real,
    sampled_point,
    witness_of,
    witness_point,
)


def code_separation(
    autoencoder: Autoencoder,
    manifold: Manifold,
    *,
    limit: float | None = None,
    tolerance: float = 1e-3,
    time_budget: float | None = 10.0,
) -> Evidence | str:
    """Enclosure of the least |E(x) - E(y)| over points x, y of different components; or why there is none.

    Args:
        autoencoder: torch layers that can be enclosed.
        manifold: a set of at least two components, of one dimension, with one chart each.
        limit: stop as soon as the distance is known to exceed this, or a pair below it is met.
        tolerance: without a limit, the width asked for, in the units of the codes.
        time_budget: seconds after which what was reached is returned; 0 gives [0, inf).

    Returns:
        Evidence "code_distance". The lower end is CERTIFIED. The upper end is the distance of the codes of the witness
        ("collision", two points): CERTIFIED from balls, else left infinite, with the float64 value in the details.

    Raises:
        UsageError: fewer than two components, a number out of range, or other dimensions.
    """
    if len(manifold.components) < 2 or manifold.truth.components != len(manifold.components):
        raise UsageError(f"{manifold} does not consist of two or more components with one chart each.")
    return _distance(autoencoder, manifold, None, limit, tolerance, time_budget)


def injectivity_gap(
    autoencoder: Autoencoder,
    manifold: Manifold,
    apart: float,
    *,
    limit: float | None = None,
    tolerance: float = 1e-3,
    time_budget: float | None = 10.0,
    collision: Evidence | None = None,
) -> Evidence | str:
    """Enclosure of the least |E(x) - E(y)| over points with |x - y| >= `apart`; or why there is none.

    A positive lower end says that E is injective on K up to points nearer than `apart`.

    Args:
        autoencoder, manifold, limit, tolerance, time_budget: as for `code_separation`; one component will do.
        apart: least distance of the points in the ambient space, in the units of the data.
        collision: evidence "encoder_floor"; where it is CERTIFIED and at least apart / 2, two points at least `apart`
            apart have one code, and the upper end is 0.

    Returns, raises: as `code_separation`.
    """
    rho = require_real(apart, "distance", minimum=0.0)
    if collision is not None and collision.rigor >= Rigor.CERTIFIED and 2.0 * collision.lower >= rho:
        return Evidence(
            quantity="code_distance",
            interval=Interval.exactly(0.0),
            rigor=Rigor.CERTIFIED,
            method=f"Both ends: two points at distance at least {2.0 * collision.lower:.6g} have one code, by a "
            "certified sign change of the code along K.",
            witness=collision.witness,
            assumptions=collision.assumptions,
            details={"apart": rho},
        )
    return _distance(autoencoder, manifold, rho, limit, tolerance, time_budget)


def nearest_codes(
    autoencoder: Autoencoder,
    manifold: Manifold,
    *,
    apart: float | None,
    samples: int = 2_000,
    seed: Seed | int = 0,
) -> Evidence:
    """Upper bound of the least |E(x) - E(y)| from drawn pairs: of different components, or at least `apart` apart.
    0 where both codes come out equal in float64.

    Returns:
        Evidence "code_distance" [0, nearest pair plus an allowance], EMPIRICAL; [0, inf) where no such pair was drawn.

    Raises:
        UsageError: a number out of range, or other dimensions.
        NonFiniteOutputError: NaN or infinity came out on K.

    Cost: samples^2 comparisons.
    """
    require_compatible(autoencoder, manifold)
    count = max(require_count(samples, "number of samples"), 2)
    sample = manifold.sample(count, as_seed(seed).child("measure", "nearest_codes"))
    values = evaluate(autoencoder, manifold, sample.points, sample.component, sample.parameters)
    best, pair = math.inf, None
    for i in range(count - 1):
        if apart is None:
            allowed = sample.component[i + 1 :] != sample.component[i]
        else:
            allowed = np.linalg.norm(values.points[i + 1 :] - values.points[i], axis=1) >= apart * (1.0 + 1e-9)
        gaps = np.where(allowed, np.linalg.norm(values.codes[i + 1 :] - values.codes[i], axis=1), math.inf)
        j = int(gaps.argmin())
        if gaps[j] < best:
            best, pair = float(gaps[j]), (i, i + 1 + j)
    witness = None
    if pair is not None:
        points = [sampled_point(autoencoder, manifold, sample, k) for k in pair]
        if best > 0.0:  # equal codes are shown as equal: observed in floating point, as all that is EMPIRICAL
            best += ALLOWANCE * (1.0 + math.hypot(*points[0].code) + math.hypot(*points[1].code))
        witness = witness_of("collision", autoencoder, manifold, points, "Two far points with near codes.")
    return Evidence(
        quantity="code_distance",
        interval=Interval(0.0, best),
        rigor=Rigor.EMPIRICAL,
        method=f"Upper end: the nearest codes of such pairs among {count} draws, in float64 with an allowance for "
        "rounding. Lower end: trivial.",
        witness=witness,
        details={"samples": count, "apart": apart, "seed": str(seed)},
    )


def _distance(
    autoencoder: Autoencoder,
    manifold: Manifold,
    apart: float | None,
    limit: float | None,
    tolerance: float,
    time_budget: float | None,
) -> Evidence | str:
    require_compatible(autoencoder, manifold)
    network = enclosable(autoencoder, manifold)
    if isinstance(network, str):
        return network
    charts = [part.chart for part in manifold.components]
    if len({chart.dim for chart in charts}) > 1:
        return "the components of K have different dimensions"
    from aeverify.enclosure.pairs import code_distance

    found = code_distance(network, charts, apart=apart, limit=limit, tolerance=tolerance, time_budget=time_budget)
    upper, witness, details = math.inf, None, {}
    if found.witness is not None:
        points = tuple(witness_point(autoencoder, manifold, i, u) for i, u in found.witness)
        witness = witness_of("collision", autoencoder, manifold, points, "Two far points with near codes.")
        upper = _certified_upper(autoencoder, manifold, found.witness, apart)
        details = {"sampled_distance": math.dist(points[0].code, points[1].code)}
    lower = found.lower if math.isfinite(found.lower) else math.nextafter(math.inf, 0.0)
    return Evidence(
        quantity="code_distance",
        interval=Interval(lower, upper),
        rigor=Rigor.CERTIFIED,
        method=f"Lower end: code hulls of {found.pairs} pairs of chart boxes, rounding included ({found.stopped}). "
        f"Upper end: {'the codes of the witness, in ball arithmetic' if math.isfinite(upper) else 'none'}.",
        witness=witness,
        details={
            **details,
            "apart": apart,
            "boxes": found.boxes,
            "pairs": found.pairs,
            "finished": found.finished,
            "stopped": found.stopped,
        },
    )


def _certified_upper(autoencoder: Autoencoder, manifold: Manifold, pair: Any, apart: float | None) -> float:
    """Upper bound of |E(x) - E(y)| at the pair from balls, inf where there are none or the pair may be too near."""
    balls = [ball_point(manifold, i, u) for i, u in pair]
    x, y = balls
    if x is None or y is None:
        return math.inf
    codes = [autoencoder.encode_balls(b) for b in (x, y)]
    if codes[0] is None or codes[1] is None:
        return math.inf
    distance, gap = distance_interval(codes[0], codes[1]), distance_interval(x, y)
    if distance is None or gap is None or (apart is not None and gap.lower < apart):
        return math.inf
    return distance.upper
