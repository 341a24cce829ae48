"""The sweep: what a tear forces the error to be, from nothing but where the error is small.

**The tear sweeps the manifold.** Let K be a connected closed k-manifold and the code have k numbers, E and D
continuous.

*k = 1.* Let [p, q] be an arc of K on which e <= epsilon, x between p and q, with d(q, arc [p, x]) > 2 epsilon,
d(p, arc [x, q]) > 2 epsilon and d(x, K off the arc) > 2 epsilon. Two good points with one code are at most 2 epsilon
apart, since both are within epsilon of one reconstruction. So E(p) != E(q), and E(x) lies strictly between them: if
E(x) were beyond E(q), say, then E would take the value E(q) on [p, x] by the intermediate value theorem, at a good
point that is more than 2 epsilon from q; the same with p. The rest of K joins q to p, so it has a point y with
E(y) = E(x); |x - y| > 2 epsilon, hence y is bad; D(E(y)) = D(E(x)) is within epsilon of x. So

    sup e >= e(y) >= |y - x| - epsilon >= d(x, {e > epsilon}) - epsilon.

*k >= 2*, K of class C^2 with reach t >= 10 epsilon, and e <= epsilon on K n B(x, 5 epsilon). Let A be the annulus
2 epsilon <= |y - x| <= 5 epsilon of K and S its outer sphere. On A the tangential part of y - x is longer than epsilon
(normal parts are at most |y - x|^2 / (2 t)), so D(E(y)) - x keeps a tangential part that is homotopic to that of y - x
off 0, and E|S is essential in E(A): some z off E(A) is wound round by E|S an odd number of times. S bounds both the
inner ball and the rest of K, so both have a point with code z: x' with |x' - x| < 2 epsilon and y' with
|y' - x| > 5 epsilon, so y' is bad, and its reconstruction is within 3 epsilon of x:
sup e >= d(x, {e > epsilon}) - 3 epsilon.

For a model that is good off one small tear the floor is therefore nearly the eccentricity of K seen from the tear, not
the reach: the price of a small bad set is a large error on it. x is good where boxes say so, and the distance to the
boxes that are not good is at most the distance to the bad set, so the bound is on its sound side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder, Continuity
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.errors import InvariantError, UsageError
from aeverify.manifolds.base import Manifold
from aeverify.manifolds.chart import Chart
from aeverify.measure.evaluation import witness_of, witness_point
from aeverify.measure.ranges import image_balls
from aeverify.measure.tear import Localisation, runs_of

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_CANDIDATES = 12
"""Deep points that are tried."""

SWEEP = Citation(
    "derived in aeverify.measure.sweep",
    "the tear sweeps the manifold",
    "every deep good point is the reconstruction, nearly, of a bad point",
)


@dataclass(frozen=True)
class Sweep:
    """What the tear forces.

    Attributes:
        floor: Evidence "sup_error" [bound, inf) on the component; None where no deep point was found.
        deep: True where a deep good point was found, False where there is certainly none, None otherwise.
        why: in words.
    """

    floor: Evidence | None
    deep: bool | None
    why: str


def sweep(autoencoder: Autoencoder, manifold: Manifold, found: Localisation) -> Sweep:
    """Lower bound of the worst error of a closed k-manifold coded by k numbers, from where its error is small alone.

    Args:
        autoencoder: a continuous model whose codes have as many numbers as the component has dimensions.
        manifold: the set K.
        found: which boxes of the component are good; the component is a connected closed manifold.

    Returns:
        Sweep; its floor is d(x, {e > epsilon}) - epsilon (3 epsilon for k >= 2) for the best deep point x, as rigorous
        as `found`. The witness is x: its reconstruction is met again at a bad point.

    Raises:
        UsageError: the component is not closed, or the code has another dimension than it.
        InvariantError: the error is certified to be at most epsilon on the whole component although a deep point
            forces a bad one: the model is not continuous, or this is a bug.
    """
    part = manifold.components[found.component]
    k, epsilon = part.truth.dimension, found.epsilon
    if not part.truth.closed or k != autoencoder.latent_dim:
        raise UsageError(
            f"The tear sweeps a closed manifold coded by as many numbers as it has dimensions; this component has "
            f"dimension {k} ({'closed' if part.truth.closed else 'not closed'}), the code {autoencoder.latent_dim}."
        )
    points, radii = image_balls(part.chart, found.low, found.high)
    if not found.good.any():
        words = f"no box has an error of at most {epsilon:g}"
        return Sweep(None, False if found.bad.all() else None, words)
    others = ~found.good
    if k == 1:
        place, loss = _deep_on_curve(found, points, radii, part.chart, others), epsilon
    else:
        if part.truth.reach.lower < 10.0 * epsilon:
            return Sweep(None, False, f"the reach {part.truth.reach} is not 10 times {epsilon:g}")
        place, loss = _deep_in_space(found, points, radii, others), 3.0 * epsilon * (1.0 + 2.0**-50)
    if place is None:
        never = _nowhere_deep(found, points, radii, part.chart, k)
        words = f"no good point is far enough from where the error may exceed {epsilon:g}"
        return Sweep(None, False if never else None, words)
    index, distance = place
    if not math.isfinite(distance):
        if found.rigor < Rigor.CERTIFIED:
            return Sweep(None, None, f"no error above {epsilon:g} was sampled, although there must be one")
        raise InvariantError(
            f"The error is at most {epsilon:g} on all of component {found.component}, which no continuous code of "
            f"{k} numbers allows: the model is not continuous, or this is a bug of aeverify."
        )
    bound = max(0.0, math.nextafter(distance - loss, -math.inf))
    x = found.low[index] + (found.high[index] - found.low[index]) / 2
    point = witness_point(autoencoder, manifold, found.component, tuple(x.tolist()))
    declared = autoencoder.continuity is not Continuity.KNOWN
    evidence = Evidence(
        quantity="sup_error",
        interval=Interval.at_least(bound),
        rigor=found.rigor,
        method=(
            f"Lower end: distance of a deep good point from the tear, less {loss:.6g}; the tear takes every deep good "
            f"point's place somewhere ({found.method})."
        ),
        witness=witness_of("point", autoencoder, manifold, (point,), "A good point that a bad one is decoded to."),
        citations=(SWEEP,),
        assumptions=("E and D are continuous.",) if declared else (),
        details={
            "component": found.component,
            "epsilon": epsilon,
            "distance": distance,
            "lower_rigor": str(found.rigor),
        },
    )
    return Sweep(evidence, True, f"a good point lies {distance:.6g} from where the error may exceed {epsilon:g}")


def _deep_on_curve(
    found: Localisation, points: FloatArray, radii: FloatArray, chart: Chart, others: BoolArray
) -> tuple[int, float] | None:
    """The middle of a good box with the largest certified distance from all others, if a good arc [p, q] about it
    meets the three conditions of the module; and that distance."""
    from scipy.spatial import cKDTree

    n, reach = len(points), 2.0 * found.epsilon * (1.0 + 2.0**-40)
    good = np.flatnonzero(found.good)
    pad = 1e-12 * (1.0 + float(np.abs(points).max()))
    if others.any():
        # the distance to a ball is at least that of its centre less the largest radius
        near = np.asarray(cKDTree(points[others]).query(points[good])[0]) - float(radii[others].max())
    else:
        near = np.full(len(good), math.inf)
    best: tuple[int, float] | None = None
    for i in good[np.argsort(-near, kind="stable")][:: max(1, len(good) // (64 * _CANDIDATES))][:_CANDIDATES]:
        x = int(i)
        gap = np.linalg.norm(points - points[x], axis=1) - radii - pad
        distance = float(gap[others].min()) if others.any() else math.inf
        if best is not None and distance <= best[1]:
            continue
        if _has_arc(found, points, radii, chart, x, gap, reach, pad, n):
            best = (x, distance)
    return best


def _has_arc(
    found: Localisation,
    points: FloatArray,
    radii: FloatArray,
    chart: Chart,
    x: int,
    gap: FloatArray,
    reach: float,
    pad: float,
    n: int,
) -> bool:
    """Whether some good boxes p..q about box x have ends that are as far from x and each other as needed."""
    closed = chart.periodic[0]
    steps = np.arange(1, n // 2)
    back, forth = (x - steps, x + steps)
    if not closed:
        return False
    back, forth = back % n, forth % n
    stop = np.flatnonzero(~(found.good[back] & found.good[forth]))
    last = int(stop[0]) if len(stop) else len(steps)
    # p and q are the middles of the boxes `back[j]` and `forth[j]`; the arc between them is made of good boxes
    for j in np.unique(np.linspace(0, last - 1, 24).astype(int)) if last else ():
        p, q = int(back[j]), int(forth[j])
        before, after = np.concatenate([back[: j + 1], [x]]), np.concatenate([[x], forth[: j + 1]])
        rest = np.ones(n, dtype=bool)
        rest[before] = rest[after] = False
        rest[[p, q]] = True
        far_q = float((np.linalg.norm(points[before] - points[q], axis=1) - radii[before]).min()) - pad
        far_p = float((np.linalg.norm(points[after] - points[p], axis=1) - radii[after]).min()) - pad
        if far_q > reach and far_p > reach and float(gap[rest].min()) > reach:
            return True
    return False


def _deep_in_space(
    found: Localisation, points: FloatArray, radii: FloatArray, others: BoolArray
) -> tuple[int, float] | None:
    """The middle of a good box farthest from all boxes that are not good, if that is more than 5 epsilon."""
    from scipy.spatial import cKDTree

    good = np.flatnonzero(found.good)
    if not others.any():
        return int(good[0]), math.inf
    near = np.asarray(cKDTree(points[others]).query(points[good])[0])
    pad = 1e-12 * (1.0 + float(np.abs(points).max()))
    best: tuple[int, float] | None = None
    for i in good[np.argsort(-near, kind="stable")][:_CANDIDATES]:
        distance = float((np.linalg.norm(points[others] - points[i], axis=1) - radii[others]).min()) - pad
        if distance > 5.0 * found.epsilon * (1.0 + 2.0**-40) and (best is None or distance > best[1]):
            best = (int(i), distance)
    return best


def _nowhere_deep(found: Localisation, points: FloatArray, radii: FloatArray, chart: Chart, k: int) -> bool:
    """Whether there is certainly no deep point: on a curve every run of boxes that are not bad is at most 4 epsilon
    long (a deep point has good arcs of more than 2 epsilon on both sides), else every such box is within 5 epsilon of
    a bad one."""
    from scipy.spatial import cKDTree

    if not found.bad.any():
        return False
    maybe = ~found.bad
    if not maybe.any():
        return True
    if k > 1:
        nearest, which = cKDTree(points[found.bad]).query(points[maybe])
        reached = nearest + radii[maybe] + radii[found.bad][which]
        return bool((reached <= 5.0 * found.epsilon).all())
    runs = runs_of(maybe)
    lengths = [float(found.high[b, 0] - found.low[a, 0]) for a, b in runs]
    if chart.periodic[0] and len(runs) > 1 and maybe[0] and maybe[-1]:
        lengths = [*lengths[1:-1], lengths[0] + lengths[-1]]
    return all(length * chart.speed[0] * (1.0 + 2.0**-40) <= 4.0 * found.epsilon for length in lengths)
