"""Collisions: far points of K with nearly equal codes, and the floor that the encoder alone puts under the error.

**Collision bound.** For any x, y in K, |x - y| <= e(x) + |D(E(x)) - D(E(y))| + e(y), so
max(e(x), e(y)) >= (|x - y| - L_D |E(x) - E(y)|) / 2 if D is L_D-Lipschitz. Without an upper bound L_D the pair still
certifies itself: max(e(x), e(y)) is a lower bound of sup e, whatever made it large.

**Encoder floor.** For a fixed encoder, no decoder does better than R(E) = sup over codes z of the circumradius of the
fibre E^{-1}(z) within K: D(z) is one point for the whole fibre (and for continuous E some continuous D comes as close
to R(E) as one likes). If E(x) = E(y), then R(E) >= |x - y| / 2.

Equal codes in floating point show nothing: two different codes may round to one. For m = 1 a sign change does: let
g(s) = E(x(s)) - E(y) along a path x(s) in K from a to b. If g(a) and g(b) have opposite signs and E is continuous, g
has a zero at some s* between, and R(E) >= |x(s*) - y| / 2 >= half the least distance of y from the path between a and
b. The signs are certified in ball arithmetic, and so is the distance, by evaluating the chart on the whole bracket.
Sampled fibres are never an upper bound of R(E).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder, Continuity, Part
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.core.witness import WitnessPoint
from aeverify.manifolds.balls import ball_operations, precision
from aeverify.manifolds.base import Manifold, Sample, require_count
from aeverify.measure.evaluation import (
    BITS,
    Values,
    ball_point,
    certified_error,
    distance_interval,
    encode,
    evaluate,
    generator,
    require_compatible,
    require_real,
    sampled_point,
    witness_of,
    witness_point,
)
from aeverify.measure.search import bisect

FloatArray = NDArray[np.float64]

_NEIGHBOURS = 32
_BEST_PAIRS = 6
_BRACKETS = (0.0, 1e-13, 1e-11, 1e-9, 1e-7, 1e-5)
_JUMP = 1e-3


def collisions(
    autoencoder: Autoencoder,
    manifold: Manifold,
    *,
    seed: Seed | int = 0,
    samples: int = 5_000,
    tolerance: float = 1e-3,
) -> Evidence:
    """Lower bound of the worst error from the sampled pair of points that are farthest apart for their codes.

    Among uniform draws every point is compared with its 32 nearest neighbours in code space. With a known Lipschitz
    constant L_D of the decoder the pair maximises |x - y| - L_D |E(x) - E(y)|; without one it maximises |x - y| among
    the pairs whose codes differ by at most `tolerance` of the largest code spread.

    Args:
        autoencoder: the model.
        manifold: the set K.
        seed: root of the random stream.
        samples: number of draws, at least 2.
        tolerance: how near codes must be, as a share of the spread of all codes.

    Returns:
        Evidence "sup_error" [bound, inf), the larger of the collision bound and max(e(x), e(y)); CERTIFIED where both
        points were evaluated in ball arithmetic (and L_D is certified, where it is used), else EMPIRICAL. The witness
        has kind "collision" and two points; details hold the pair's distance and code distance.

    Raises:
        UsageError: a parameter is out of range.
        NonFiniteOutputError: NaN or infinity came out on K.

    Cost: the draws, and 32 samples log(samples) for the tree.
    """
    from scipy.spatial import cKDTree

    require_compatible(autoencoder, manifold)
    n = max(require_count(samples, "number of samples"), 2)
    share = require_real(tolerance, "tolerance", minimum=0.0)
    sample = manifold.sample(n, as_seed(seed).child("measure", "collisions"))
    values = evaluate(autoencoder, manifold, sample.points, sample.component, sample.parameters)
    slope = _decoder_constant(autoencoder)
    spread = float(np.linalg.norm(np.ptp(values.codes, axis=0)))
    neighbours = min(_NEIGHBOURS, n - 1) + 1
    gaps, partners = cKDTree(values.codes).query(values.codes, k=neighbours)
    first = np.repeat(np.arange(n), neighbours)
    second, gap = partners.ravel(), gaps.ravel()
    distance = np.linalg.norm(values.points[first] - values.points[second], axis=1)
    score = np.where(gap <= share * spread, distance, -1.0)
    if slope is not None:
        score = np.maximum(score, distance - slope.upper * gap)
    best = np.argsort(score)[::-1][: 2 * _BEST_PAIRS : 2]
    found = [_pair_evidence(autoencoder, manifold, sample, values, int(first[i]), int(second[i]), slope) for i in best]
    evidence = max(found, key=lambda e: (e.lower, e.rigor.rank))
    details = {**evidence.details, "samples": n, "seed": str(seed), "tolerance": share, "code_spread": spread}
    return Evidence(
        evidence.quantity,
        evidence.interval,
        evidence.rigor,
        evidence.method,
        witness=evidence.witness,
        details=details,
    )


def _decoder_constant(autoencoder: Autoencoder) -> Evidence | None:
    constant = autoencoder.lipschitz(Part.DECODER)
    return constant if constant is not None and math.isfinite(constant.upper) else None


def _pair_evidence(
    autoencoder: Autoencoder,
    manifold: Manifold,
    sample: Sample,
    values: Values,
    i: int,
    j: int,
    slope: Evidence | None,
) -> Evidence:
    points = tuple(sampled_point(autoencoder, manifold, sample, k) for k in (i, j))
    distance = float(np.linalg.norm(values.points[i] - values.points[j]))
    gap = float(np.linalg.norm(values.codes[i] - values.codes[j]))
    certified = [certified_error(autoencoder, manifold, p.component, p.parameters) for p in points]
    lower, rigor, by = 0.0, Rigor.CERTIFIED, "the larger of the two errors"
    for p, enclosure, k in zip(points, certified, (i, j), strict=True):
        if enclosure is None:
            rigor = Rigor.EMPIRICAL
            lower = max(lower, p.error - float(values.allowance[k]))
        else:
            lower = max(lower, enclosure.lower)
    if slope is not None:
        bound, strength = _collision_bound(autoencoder, manifold, points, distance, gap, slope)
        if bound > lower:
            lower, rigor, by = bound, strength, f"(|x - y| - L_D |E(x) - E(y)|) / 2 with L_D = {slope.upper:.4g}"
    note = f"Two points at distance {distance:.6g} whose codes differ by {gap:.3g}."
    return Evidence(
        quantity="sup_error",
        interval=Interval.at_least(lower),
        rigor=rigor,
        method=f"Lower end: {by}, for the sampled pair with nearly equal codes that is farthest apart.",
        witness=witness_of("collision", autoencoder, manifold, points, note),
        details={"distance": distance, "code_distance": gap, "lower_rigor": str(rigor)},
    )


def _collision_bound(
    autoencoder: Autoencoder,
    manifold: Manifold,
    points: tuple[WitnessPoint, ...],
    distance: float,
    gap: float,
    slope: Evidence,
) -> tuple[float, Rigor]:
    """(|x - y| - L_D |E(x) - E(y)|) / 2 rounded down, CERTIFIED where both distances come from balls."""
    balls = [ball_point(manifold, p.component, p.parameters) for p in points]
    x, y = balls
    if x is not None and y is not None:
        codes = [autoencoder.encode_balls(b) for b in (x, y)]
        if codes[0] is not None and codes[1] is not None:
            apart, near = distance_interval(x, y), distance_interval(codes[0], codes[1])
            if apart is not None and near is not None:
                loss = math.nextafter(slope.upper * near.upper, math.inf)
                return math.nextafter(apart.lower - loss, -math.inf) / 2, min(Rigor.CERTIFIED, slope.rigor)
    size = 1.0 + max(abs(c) for p in points for c in (*p.point, *p.code))
    pad = 2.0**-44 * size * (1.0 + slope.upper)
    return (distance - slope.upper * gap - pad) / 2, Rigor.EMPIRICAL


def encoder_floor(
    autoencoder: Autoencoder,
    manifold: Manifold,
    *,
    seed: Seed | int = 0,
    nodes: int = 1_024,
    targets: int = 256,
) -> Evidence:
    """Lower bound of R(E), the least worst error that any decoder can reach with this encoder; for m = 1.

    Each component is walked along a chain of `nodes` chart points (along a curve itself; in more dimensions along
    random straight segments of the parameter box). Where E - E(y) changes sign on a segment, for one of `targets`
    points y of K, the segment holds a point with y's code; the farthest such points are then bisected, certified and
    reported.

    Returns:
        Evidence "encoder_floor" [bound, inf), in the units of the data. CERTIFIED where E is known to be continuous and
        the signs and the distance were certified in ball arithmetic; else EMPIRICAL. [0, inf), CERTIFIED since a radius
        is never negative, where nothing was found, where E is discontinuous and for m >= 2 (no sign change then).
        Never an upper bound.

    Raises:
        UsageError: a parameter is out of range.
        NonFiniteOutputError: NaN or infinity came out on K.

    Cost: nodes x targets comparisons, and about 60 evaluations for each of the best crossings.
    """
    require_compatible(autoencoder, manifold)
    count, wanted = require_count(nodes, "number of nodes"), require_count(targets, "number of targets")
    if autoencoder.latent_dim != 1:
        return _no_floor("codes have more than one coordinate, and a sign change needs exactly one")
    if autoencoder.continuity is Continuity.DISCONTINUOUS:
        return _no_floor("the encoder is not continuous, so that a sign change need not be a zero")
    rng = generator(seed, "measure", "encoder_floor")
    crossings = _crossings(autoencoder, manifold, rng, max(count, 2), wanted)
    best: tuple[float, Rigor, tuple[WitnessPoint, ...], float] | None = None
    for component, left, right, target, target_parameters in crossings:
        found = _certify(autoencoder, manifold, component, left, right, target, target_parameters)
        if found is not None and (best is None or (found[1], found[0]) > (best[1], best[0])):
            best = found
    if best is None:
        return _no_floor("no two points with one code were found")
    half, rigor, points, width = best
    declared = autoencoder.continuity is not Continuity.KNOWN
    return Evidence(
        quantity="encoder_floor",
        interval=Interval.at_least(half),
        rigor=rigor,
        method=(
            "Lower end: half the least distance between a point y and a segment of K on which E - E(y) changes sign"
            + (", signs and distance in ball arithmetic." if rigor is Rigor.CERTIFIED else ", in float64.")
        ),
        witness=witness_of(
            "collision", autoencoder, manifold, points, "A point between the first two has the third's code."
        ),
        assumptions=("The encoder is continuous.",) if declared else (),
        details={"nodes": count, "targets": wanted, "seed": str(seed), "bracket": width},
    )


def _no_floor(why: str) -> Evidence:
    return Evidence("encoder_floor", Interval.at_least(0.0), Rigor.CERTIFIED, f"Lower end: 0, which is trivial; {why}.")


_Crossing = tuple[int, FloatArray, FloatArray, int, FloatArray]


def _crossings(
    autoencoder: Autoencoder, manifold: Manifold, rng: np.random.Generator, count: int, wanted: int
) -> list[_Crossing]:
    """(component, segment ends, component and parameters of y), farthest first, at most `_BEST_PAIRS`."""
    chains, codes, points, owner = [], [], [], []
    for index, part in enumerate(manifold.components):
        chart = part.chart
        low, high = np.array(chart.lower), np.array(chart.upper)
        share = np.linspace(0.0, 1.0, count)[:, None] if chart.dim == 1 else rng.random((count, chart.dim))
        u = low + (high - low) * share
        x = chart.embed(u)
        chains.append(u)
        points.append(x)
        codes.append(encode(autoencoder, manifold, x, index, u)[:, 0])
        owner.append(index)
    found: list[tuple[float, _Crossing]] = []
    for target, (u, x, z) in enumerate(zip(chains, points, codes, strict=True)):
        chosen = np.unique(np.linspace(0, len(u) - 1, min(wanted, len(u))).astype(int))
        for index in range(len(chains)):
            signs = np.sign(codes[index][None, :] - z[chosen][:, None])
            row, node = np.nonzero(signs[:, :-1] * signs[:, 1:] < 0)
            if not len(row):
                continue
            middle = (points[index][node] + points[index][node + 1]) / 2
            distance = np.linalg.norm(middle - x[chosen[row]], axis=1)
            for k in np.argsort(distance)[::-1][:_BEST_PAIRS]:
                ends = chains[index][node[k]], chains[index][node[k] + 1]
                found.append((float(distance[k]), (index, *ends, target, u[chosen[row[k]]])))
    found.sort(key=lambda f: -f[0])
    return [crossing for _, crossing in found[:_BEST_PAIRS]]


def _certify(
    autoencoder: Autoencoder,
    manifold: Manifold,
    component: int,
    left: FloatArray,
    right: FloatArray,
    target: int,
    target_parameters: FloatArray,
) -> tuple[float, Rigor, tuple[WitnessPoint, ...], float] | None:
    """The crossing as (half distance, rigor, witness, bracket), or None where it is a jump and no crossing."""
    chart = manifold.components[component].chart
    y = manifold.components[target].chart.embed(target_parameters[None])
    level = float(autoencoder.encode(y)[0, 0])

    def place(s: FloatArray) -> FloatArray:
        return np.asarray(left + s[:, None] * (right - left))

    def g(s: FloatArray) -> FloatArray:
        u = place(s)
        return encode(autoencoder, manifold, chart.embed(u), component, u)[:, 0] - level

    a, b = (float(v[0]) for v in bisect(g, np.array([0.0]), np.array([1.0])))
    a, b = min(a, b), max(a, b)
    ends = g(np.array([0.0, 1.0, a, b]))
    if abs(ends[2] - ends[3]) > _JUMP * abs(ends[0] - ends[1]):
        return None
    known = autoencoder.continuity is Continuity.KNOWN
    for widen in _BRACKETS if known else ():
        # beyond the segment if need be (its end may be the zero), but within the chart's box
        u, v = np.clip(place(np.array([a - widen, b + widen])), chart.lower, chart.upper)
        half = _certified_half_distance(autoencoder, manifold, component, u, v, target, target_parameters)
        if half is not None:
            return (
                half,
                Rigor.CERTIFIED,
                _three(autoencoder, manifold, component, u, v, target, target_parameters),
                b - a,
            )
    u, v = place(np.array([a, b]))
    x = chart.embed(np.stack([u, v]))
    length = float(np.abs(u - v) @ np.array(chart.speed))
    pad = 2.0**-44 * (1.0 + float(np.abs(x).max()) + float(np.abs(y).max()))
    half = (float(np.linalg.norm(x - y, axis=1).max()) - length - pad) / 2
    points = _three(autoencoder, manifold, component, u, v, target, target_parameters)
    return (half, Rigor.EMPIRICAL, points, b - a) if half > 0 else None


def _three(
    autoencoder: Autoencoder,
    manifold: Manifold,
    component: int,
    u: FloatArray,
    v: FloatArray,
    target: int,
    target_parameters: FloatArray,
) -> tuple[WitnessPoint, ...]:
    return (
        witness_point(autoencoder, manifold, component, tuple(u)),
        witness_point(autoencoder, manifold, component, tuple(v)),
        witness_point(autoencoder, manifold, target, tuple(target_parameters)),
    )


def _certified_half_distance(
    autoencoder: Autoencoder,
    manifold: Manifold,
    component: int,
    u: FloatArray,
    v: FloatArray,
    target: int,
    target_parameters: FloatArray,
) -> float | None:
    """Half the least distance of y from the box between u and v, if E - E(y) has certified opposite signs at u and
    v."""
    y = ball_point(manifold, target, tuple(target_parameters))
    ends = [ball_point(manifold, component, tuple(w)) for w in (u, v)]
    if y is None or ends[0] is None or ends[1] is None:
        return None
    codes: list[Any] = [autoencoder.encode_balls(p) for p in (ends[0], ends[1], y)]
    if any(c is None for c in codes):
        return None
    with precision(BITS):
        signs = [codes[k][0] - codes[2][0] for k in (0, 1)]
        if not ((signs[0] < 0 and signs[1] > 0) or (signs[0] > 0 and signs[1] < 0)):
            return None
        operations = ball_operations()
        hull = [operations.real(p).union(operations.real(q)) for p, q in zip(u.tolist(), v.tolist(), strict=True)]
        chart = manifold.components[component].chart
        segment = [operations.real(c) for c in chart.evaluate(hull, operations)]
        if not all(c.is_finite() for c in segment):
            return None
    apart = distance_interval(segment, y)
    # halving is exact, since a distance of K is far from the smallest numbers
    return None if apart is None else apart.lower / 2
