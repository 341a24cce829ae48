"""Covering: how well points cover a set, by a tail bound for independent draws and by a certified search for the
farthest.

**Tail.** M compact without boundary, of dimension k, every component of reach at least t, V its volume. Every geodesic
ball, hence M n B(x, r), has volume at least

    v(r) = k omega_k int_0^r (t sin(s / t))^(k - 1) ds,   0 < r <= pi t:

by the Gauss equation sectional curvatures are at most 1/t^2, so conjugate points are at least pi t apart; geodesic
loops have curvature at most 1/t in space, so length at least 2 pi t (Fenchel); the injectivity radius is at least pi t
(Klingenberg), and Guenther's comparison gives v. Take a maximal set of points of M that are e/2 apart: their balls of
radius e/4 are disjoint, so there are at most V / v(e/4), and their balls of radius e/2 cover M. If each holds one of n
independent uniform points, every point of M is within e of one of them. So

    P(covering radius > e) <= (V / v(e/4)) (1 - v(e/2) / V)^n.

**Search.** A box of chart parameters with centre c is mapped into the ball about c's point of radius sum_i speed_i h_i
(see `extent.gap_between`). The distance of c's point to the nearest sample point is a lower bound of the covering
radius; with the radius of the ball added it is an upper bound on the box. Boxes that could hold the farthest point are
cut in two until the ends meet.
"""

from __future__ import annotations

import math

import numpy as np

from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold, Sample, require_count
from aeverify.manifolds.extent import Boxes, distance_bounds

_MOST_ROUNDS = 48

GUENTHER = Citation(
    "Guenther 1960; Niyogi, Smale and Weinberger 2008; derived in aeverify.manifolds.covering",
    "",
    "small geodesic balls of a manifold of reach t are at least as large as those of the sphere of radius t",
)


def ball_volume_lower(dimension: int, reach: float, radius: float) -> float:
    """Lower bound v(r) of the volume of M n B(x, r) for x in a compact manifold M without boundary of that dimension
    and reach, 0 <= r <= reach pi / 2; relative error of the evaluation below 1e-12.

    Example:
        >>> round(ball_volume_lower(2, 1.0, 0.5), 12) == round(2 * math.pi * (1 - math.cos(0.5)), 12)
        True
    """
    k = dimension
    if k == 1:
        return 2 * radius
    from scipy.special import betainc, betaln

    x = min(radius / reach, math.pi / 2)
    # int_0^x sin^(k-1) = B(sin^2 x; k/2, 1/2) / 2, and omega_k k = 2 pi^(k/2) / Gamma(k/2).
    share = float(betainc(k / 2, 0.5, math.sin(x) ** 2))
    logarithm = math.log(math.pi) * k / 2 - math.lgamma(k / 2) + float(betaln(k / 2, 0.5)) + k * math.log(reach)
    return share * math.exp(logarithm)


def tail_probability(K: Manifold, n: int, radius: float) -> float:
    """Upper bound of the probability that n independent uniform points of a set leave some point of it farther than
    `radius` from all of them; 1 where nothing is proved.

    Raises:
        UsageError: the set has a boundary, or components of different dimensions, or no reach is proved.
    """
    n = require_count(n)
    parts = [c.truth for c in K.connected_components]
    dimension = K.truth.dimension
    reach = min(t.reach.lower for t in parts)
    if not K.truth.closed or any(t.dimension != dimension for t in parts) or reach <= 0:
        raise UsageError(
            f"The tail bound of the covering radius needs a closed manifold of one dimension with a proved reach; {K} "
            "is none. Use certified_covering_radius on the sample."
        )
    e = min(radius, 2 * reach)
    if not e > 0:
        return 1.0
    volume = K.truth.volume.upper
    small = ball_volume_lower(dimension, reach, e / 4) * (1 - 1e-12)
    middle = min(ball_volume_lower(dimension, reach, e / 2) * (1 - 1e-12), volume)
    if small <= 0:
        return 1.0
    exponent = n * math.log1p(-middle / volume) if middle < volume else -math.inf
    return min(1.0, volume / small * math.exp(exponent))


def covering_radius_tail(K: Manifold, n: int, confidence: float = 0.99) -> Evidence:
    """Upper bound of the covering radius of n independent uniform points that holds with the stated confidence, before
    the points are seen.

    Returns:
        STATISTICAL Evidence on "covering_radius": [0, e] with the least e found such that the tail is at most
        1 - confidence; [0, inf) where n is too small for any e up to twice the reach.

    Raises:
        UsageError: as `tail_probability`, or the confidence is not in (0, 1).
    """
    if not 0 < confidence < 1:
        raise UsageError(f"The confidence must lie between 0 and 1, got {confidence!r}.")
    alpha = 1 - confidence
    reach = min(c.truth.reach.lower for c in K.connected_components)
    high = 2 * reach
    upper = math.inf
    if tail_probability(K, n, high) <= alpha:
        low, upper = 0.0, high
        for _ in range(60):
            middle = (low + upper) / 2
            low, upper = (low, middle) if tail_probability(K, n, middle) <= alpha else (middle, upper)
    return Evidence(
        quantity="covering_radius",
        interval=Interval(0.0, upper),
        rigor=Rigor.STATISTICAL,
        method=f"Tail bound for {n} independent uniform points from the least volume of small balls; upper end.",
        confidence=confidence,
        citations=(GUENTHER,),
        details={"n": n, "reach": reach},
    )


def certified_covering_radius(K: Manifold, sample: Sample, tolerance: float = 0.05, most: int = 32_768) -> Interval:
    """Certified enclosure of the covering radius of given points: every point of K is within the upper end of one of
    them, and some point of K is not within less than the lower end.

    Args:
        K: the set, with charts.
        sample: the points; their coordinates are taken as the exact numbers that they are.
        tolerance: where to stop, as a share of the upper end.
        most: boxes a component at most; then the enclosure reached is returned.

    Raises:
        UsageError: the points have another dimension, or the tolerance is not positive.

    Cost: about 30 microseconds a box, and a nearest-neighbour search in the sample.
    """
    from scipy.spatial import cKDTree

    x = np.asarray(sample.points, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != K.ambient_dim or not len(x) or not np.isfinite(x).all():
        raise UsageError(f"Expected finite points of shape (N, {K.ambient_dim}), got an array of shape {x.shape}.")
    if not tolerance > 0:
        raise UsageError(f"The tolerance must be positive, got {tolerance!r}.")
    tree = cKDTree(x)
    parts = [Boxes(part) for part in K.components]
    best_lower, uppers = 0.0, [math.inf] * len(parts)
    active = list(range(len(parts)))
    for _ in range(_MOST_ROUNDS):
        reached = {}
        for i in active:
            boxes = parts[i]
            d = np.asarray(tree.query(boxes.points)[0], dtype=np.float64)
            slack = (float(d.max()) + float(boxes.radii.max())) * (K.ambient_dim + 16) * 2.0**-52
            best_lower = max(best_lower, distance_bounds(float(d.max()), K.ambient_dim, boxes.error).lower)
            reached[i] = d + boxes.radii + slack + boxes.error
            uppers[i] = min(uppers[i], float(reached[i].max()))
        following = []
        for i in active:
            kept = reached[i] > best_lower
            if uppers[i] - best_lower > tolerance * uppers[i] and 2 * int(kept.sum()) <= most and kept.any():
                parts[i].refine(kept)
                following.append(i)
        active = following
        if not active:
            break
    return Interval(max(0.0, best_lower), math.nextafter(max(uppers), math.inf))
