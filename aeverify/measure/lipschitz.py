"""Lipschitz constants of E, D and D after E along K, from above by enclosures and from below by pairs of points.

**What the number is.** For E and for f = D after E: the least L with |f(x) - f(y)| <= L d_K(x, y), where d_K is the
length of the shortest path in K. (|x - y| <= d_K(x, y), so a Lipschitz constant in the Euclidean norm is one here.)
The error e = |f(x) - x| is then (L + 1)-Lipschitz along K. For D: the least L with |D(z) - D(w)| <= L |z - w| on the
convex hull of the codes of each component.

**Upper end.** The best of three. (i) The product of operator norms and activation constants, where the model knows it:
global. (ii) The largest certified Jacobian norm over chart boxes that cover K (`aeverify.enclosure.lipschitz_bound`):
it bounds the growth along every path in K. For D it is used where m = 1 only: a connected K has an interval as the
image, which the boxes cover; for m >= 2 the hull of the codes is more than their image. (iii) For f: L_E along K times
L_D along the image, since a path of length s in K has an image of length at most L_E s under E.

**Lower end.** For any two points, L >= |f(x) - f(y)| / d_K(x, y). The path distance is bounded from above by what the
reach allows, d_K <= 2 tau arcsin(|x - y| / (2 tau)) for |x - y| < 2 tau (Boissonnat, Lieutier and Wintraecken 2019),
or else by the length of the straight segment in the chart. The pair that was found is evaluated again in ball
arithmetic where that is possible, and is then a proof; else the float64 ratio less an allowance is EMPIRICAL.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder, Part
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.core.witness import WitnessPoint
from aeverify.errors import InvariantError, UsageError
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.certified import enclosable
from aeverify.measure.evaluation import (
    ALLOWANCE,
    at_parameters,
    ball_point,
    distance_interval,
    generator,
    require_compatible,
    require_real,
    witness_of,
    witness_point,
)
from aeverify.measure.search import ascend

FloatArray = NDArray[np.float64]

METRIC = Citation(
    "J.-D. Boissonnat, A. Lieutier and M. Wintraecken, The reach, metric distortion, geodesic convexity and the "
    "variation of tangent spaces, J. Appl. Comput. Topol. 3 (2019)",
    "Theorem 1",
    "two points at distance a < 2 tau are joined by a path of length at most 2 tau arcsin(a / (2 tau))",
)

_STEPS = (1e-2, 1e-3, 1e-4, 1e-5)
"""Distances of the two points of a pair, as a share of the chart's box."""
_BEST = 8


_Below = tuple[float, Rigor, tuple[WitnessPoint, ...]]
"""A lower bound with its rigor and its pair of points."""


@dataclass(frozen=True)
class _Above:
    """An upper bound with its rigor and where it comes from."""

    value: float
    rigor: Rigor
    words: str
    assumptions: tuple[str, ...] = ()


def lipschitz(
    autoencoder: Autoencoder,
    manifold: Manifold,
    *,
    part: Part = Part.RECONSTRUCTION,
    tolerance: float = 0.1,
    time_budget: float | None = 5.0,
    samples: int = 2_000,
    seed: Seed | int = 0,
) -> Evidence:
    """Enclosure of the Lipschitz constant of E, D or D after E along K (see the module for what exactly is meant).

    Args:
        autoencoder: the model.
        manifold: the set K.
        part: which function.
        tolerance: relative distance of the two ends at which the enclosures stop; > 0.
        time_budget: seconds for the certified upper end; 0 leaves it to what the model itself knows.
        samples: points at which the search for the steepest pair starts, on each component; 0 leaves the lower end
            at 0.
        seed: root of the random stream.

    Returns:
        Evidence "lipschitz_constant" [lower, upper]; upper is inf where no bound is known, and details["reason"] says
        why nothing was enclosed. Its rigor is that of the weaker finite end; details hold `lower_rigor` and
        `upper_rigor`. The witness has kind "slope": the two points of the lower end.

    Raises:
        UsageError: a number is out of range, or the dimensions of model and set differ.
        NonFiniteOutputError: NaN or infinity came out on K.
        InvariantError: the lower end exceeds the upper, so a declared constant is false (or this is a bug).

    Cost: about 40 evaluations of the model for each sample, and the time budget.

    Example:
        E(x) = x_1 on the unit circle has the constant 1, at (0, 1).
    """
    require_compatible(autoencoder, manifold)
    count = require_count(samples, "number of samples") if samples else 0
    wanted = require_real(tolerance, "tolerance")
    if not wanted > 0 or (time_budget is not None and not time_budget >= 0):
        raise UsageError(f"Expected a tolerance > 0 and a time budget >= 0, got {tolerance!r} and {time_budget!r}.")
    above, reason = _above(autoencoder, manifold, part, wanted, time_budget)
    root = as_seed(seed).child("measure", "lipschitz", str(part))
    parts = range(len(manifold.components)) if count else ()
    found = [_below(autoencoder, manifold, i, part, count, root.child(i)) for i in parts]
    nothing: _Below = (0.0, Rigor.CERTIFIED, ())
    lower, lower_rigor, pair = max(found, key=lambda f: (f[0], f[1].rank), default=nothing)
    if above is not None and lower > above.value:
        raise InvariantError(
            f"Two points of {manifold} show that the Lipschitz constant ({part}) of {autoencoder.name} is at least "
            f"{lower:.6g}, above the bound {above.value:.6g} ({above.words}): the constant that the model declares is "
            "false, or this is a bug of aeverify."
        )
    rigors = [lower_rigor, *([above.rigor] if above else [])]
    sure = "evaluated in ball arithmetic" if lower_rigor is Rigor.CERTIFIED else "in float64 less an allowance"
    return Evidence(
        quantity="lipschitz_constant",
        interval=Interval(lower, above.value if above else math.inf),
        rigor=min(rigors),
        method=f"Lower end: {f'the steepest pair of points that was found, {sure}' if pair else 'trivial'}. Upper end: "
        + (above.words if above else f"none, since {reason}")
        + ".",
        witness=witness_of("slope", autoencoder, manifold, pair, "Near points with outputs far apart.")
        if pair
        else None,
        citations=(METRIC,),
        assumptions=above.assumptions if above else (),
        details={
            "part": str(part),
            "lower_rigor": str(lower_rigor),
            "upper_rigor": str(above.rigor) if above else None,
            **({"reason": reason} if reason else {}),
            "samples": count,
            "seed": str(seed),
        },
    )


def _above(
    autoencoder: Autoencoder, manifold: Manifold, part: Part, tolerance: float, time_budget: float | None
) -> tuple[_Above | None, str]:
    """The best upper bound that is known, and the reason why none comes from enclosures ("" where one does)."""
    found: list[_Above] = []
    known = autoencoder.lipschitz(part)
    if known is not None and math.isfinite(known.upper):
        found.append(_Above(known.upper, known.rigor, known.method.rstrip("."), known.assumptions))
    network = _network(autoencoder, manifold, part)
    reason = network if isinstance(network, str) else ""
    if time_budget == 0:
        reason = reason or "the time budget is 0"
    if not reason:
        found += _enclosed(network, manifold, part, tolerance, time_budget)
    best = min((a for a in found if math.isfinite(a.value)), key=lambda a: a.value, default=None)
    return best, reason


def _network(autoencoder: Autoencoder, manifold: Manifold, part: Part) -> Any:
    """The model as a `Network`, or the reason (a string) why boxes say nothing of that part."""
    if part is Part.DECODER and autoencoder.latent_dim > 1:
        return "boxes cover the codes of K and not their convex hull, and the code has more than one dimension"
    return enclosable(autoencoder, manifold)


def _enclosed(
    network: Any, manifold: Manifold, part: Part, tolerance: float, time_budget: float | None
) -> list[_Above]:
    """Upper bounds from boxes: of the part itself, and for D after E the product of the bounds of E and D."""
    from aeverify.enclosure import lipschitz_bound

    def bound(which: Any, share: float) -> float:
        """The largest over the components, whose charts may differ in dimension."""
        charts = [component.chart for component in manifold.components]
        seconds = None if time_budget is None else time_budget * share / len(charts)
        uppers: list[float] = [
            lipschitz_bound(network, [chart], part=which, tolerance=tolerance, time_budget=seconds).upper
            for chart in charts
        ]
        return max(uppers)

    words = "certified Jacobian norms on chart boxes that cover K, rounding included"
    if part is not Part.RECONSTRUCTION:
        return [_Above(bound(part.value, 1.0), Rigor.CERTIFIED, words)]
    # through a code of one number |J_f| = |J_D| |J_E| at every point, and the two factors are found much faster
    narrow = network.latent_dim == 1
    product = bound("encoder", 0.2) * bound("decoder", 0.8 if narrow else 0.3)
    found = [_Above(math.nextafter(product, math.inf), Rigor.CERTIFIED, f"product for E and D of {words}")]
    if not narrow:
        found.append(_Above(bound("reconstruction", 0.5), Rigor.CERTIFIED, words))
    return found


def _below(autoencoder: Autoencoder, manifold: Manifold, index: int, part: Part, samples: int, seed: Seed) -> _Below:
    """The best lower bound on one component with its pair of points."""
    component = manifold.components[index]
    chart = component.chart
    rng = generator(seed, "steps")
    low, high = np.array(chart.lower), np.array(chart.upper)
    base = component.sample(samples, seed.child("draws")).parameters[:, : chart.dim]
    direction = rng.standard_normal((samples, chart.dim))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    best: _Below | None = None
    for step in _STEPS:

        def partner(u: FloatArray, step: float = step) -> FloatArray:
            """The other end of the pair, inside the box: along the diagonal that a hash of nothing but u picks."""
            move = direction[np.arange(len(u)) % samples] * step * (high - low)
            return np.asarray(np.where((u + move > high) | (u + move < low), u - move, u + move))

        def ratio(u: FloatArray, step: float = step) -> FloatArray:
            return _ratios(autoencoder, manifold, index, part, u, partner(u, step))

        order = np.argsort(ratio(base))[::-1][:_BEST]
        direction[:_BEST] = direction[order]
        tops, _ = ascend(ratio, chart, base[order], np.full(len(order), 1.0 / samples ** (1.0 / chart.dim)))
        candidates = np.concatenate([tops, base[order]])
        ends = partner(candidates)
        values = _ratios(autoencoder, manifold, index, part, candidates, ends)
        i = int(values.argmax())
        pair = _pair(autoencoder, manifold, index, part, candidates[i], ends[i])
        if best is None or pair[:2] > best[:2]:
            best = pair
    assert best is not None
    return best


def _ratios(
    autoencoder: Autoencoder, manifold: Manifold, index: int, part: Part, u: FloatArray, v: FloatArray
) -> FloatArray:
    """Float64 ratios |g(x) - g(y)| / |.| for the pairs of chart parameters u, v, (N,)."""
    first, second = (at_parameters(autoencoder, manifold, index, w) for w in (u, v))
    codes = np.linalg.norm(first.codes - second.codes, axis=1)
    images = np.linalg.norm(first.reconstructions - second.reconstructions, axis=1)
    points = np.linalg.norm(first.points - second.points, axis=1)
    over, under = {
        Part.ENCODER: (codes, points),
        Part.DECODER: (images, codes),
        Part.RECONSTRUCTION: (images, points),
    }[part]
    size = 1.0 + np.abs(first.points).max(initial=0.0) + np.abs(first.codes).max(initial=0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(under > 1e-9 * size, over / under, 0.0))


def _pair(autoencoder: Autoencoder, manifold: Manifold, index: int, part: Part, u: FloatArray, v: FloatArray) -> _Below:
    """Lower bound from one pair: CERTIFIED from balls where they are to be had."""
    rows = [tuple(map(float, w)) for w in (u, v)]
    points = tuple(witness_point(autoencoder, manifold, index, row) for row in rows)
    distances = _ball_distances(autoencoder, manifold, index, rows)
    rigor = Rigor.CERTIFIED
    if distances is None:
        rigor, distances = Rigor.EMPIRICAL, _float_distances(points)
    along, codes, images = distances
    path = Interval(0.0, _path_upper(manifold.components[index], u, v, along.upper))
    over, under = {
        Part.ENCODER: (codes, path),
        Part.DECODER: (images, codes),
        Part.RECONSTRUCTION: (images, path),
    }[part]
    value = over.lower / under.upper * (1.0 - 2.0**-50) if under.upper > 0 and over.lower > 0 else 0.0
    return value, rigor, points


def _ball_distances(
    autoencoder: Autoencoder, manifold: Manifold, index: int, rows: list[tuple[float, ...]]
) -> tuple[Interval, Interval, Interval] | None:
    """|x - y|, |E(x) - E(y)| and |f(x) - f(y)| from ball arithmetic."""
    balls = [ball_point(manifold, index, row) for row in rows]
    x, y = balls
    if x is None or y is None:
        return None
    codes = [autoencoder.encode_balls(b) for b in (x, y)]
    images = [autoencoder.reconstruct_balls(b) for b in (x, y)]
    found = []
    for a, b in ((x, y), tuple(codes), tuple(images)):
        if a is None or b is None:
            return None
        distance = distance_interval(a, b)
        if distance is None:
            return None
        found.append(distance)
    return found[0], found[1], found[2]


def _float_distances(points: tuple[WitnessPoint, ...]) -> tuple[Interval, Interval, Interval]:
    a, b = points
    found = []
    for p, q in ((a.point, b.point), (a.code, b.code), (a.reconstruction, b.reconstruction)):
        distance = math.dist(p, q)
        pad = ALLOWANCE * math.sqrt(len(p)) * (math.hypot(*p) + math.hypot(*q))
        found.append(Interval(max(distance - pad, 0.0), distance + pad))
    return found[0], found[1], found[2]


def _path_upper(part: Manifold, u: FloatArray, v: FloatArray, chord: float) -> float:
    """Upper bound of the length of a path in the component between two points, from its chord or along the chart."""
    straight = float(np.abs(u - v) @ np.array(part.chart.speed)) * (1.0 + 2.0**-40)
    tau = part.truth.reach.lower
    if not (tau > 0 and part.truth.closed and chord < tau):
        return max(straight, chord)
    half = chord / tau / 2.0 * (1.0 + 2.0**-50)
    # for h < 1/2, arcsin(h) <= h (1 + h^2 / 4): the terms of its series fall faster than those of a geometric one
    return min(straight, chord * (1.0 + half * half / 4.0) * (1.0 + 2.0**-48))
