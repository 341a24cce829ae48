"""Persistence: how far a set must be thickened before a class of it dies is a lower bound of the width.

**Theorem.** Let K be compact, j >= m >= 1, F a field. If r >= 0 and the map H^j(K^r; F) -> H^j(K; F) of Cech cohomology
is not zero (K^r: all points within r of K), then w_m(K) >= r.

Proof. Let r' = sup_K |f(x) - x| for f = D E. The segments from x to f(x) stay in K^r', so the inclusion of K in K^r' is
homotopic there to K -> E(K) -> K^r'. E(K) is a compact subset of R^m, whose H^j is 0 for j >= m (Alexander duality,
Dold 1995, VIII.8.15). So H^j(K^r') -> H^j(K) is zero, and r' > r, since K^r holds K^r' otherwise.

**Certificate from finitely many points.** Let X be finite, X in K^nu, K in X^eps (nu: noise, eps: covering radius), and
let the homology of the offsets X^t (alpha complexes) have an interval [b, d) in degree j >= m. If

    b + nu < reach(K)   and   d > b + nu + eps,   then   w_m(K) >= d - eps.

Proof. X^b lies in K^(b + nu), which retracts to K along segments inside K^(b + nu), so inside X^(b + nu + eps). So
the class of the interval at b comes, in X^t for b + nu + eps <= t < d, from a class c of H_j(K), and is not zero there.
Suppose sup e + eps < d and choose eta > 0 with sup e + eps + eta < d. D maps a small open neighbourhood U of E(K) into
X^(sup e + eps + eta), and K -> U -> X^(sup e + eps + eta) is homotopic there to the inclusion; but H_j(U) = 0 for
j >= m, U being open in R^m. So c is zero there, a contradiction.

The reach enters through the birth alone: the bound may be far above it. Without the condition on the birth the number
is wrong: an arc that nearly closes has a long bar, born when its ends meet, and width 0. The weak feature size may
stand for the reach (b + nu > 0; K is replaced by K^s with s -> 0, into which the larger offset deforms).

Rips complexes R_t (edges of length at most 2t), for dimensions beyond alpha complexes: by Jung's theorem R_b lies in
the Cech complex at c b, c = sqrt(2n / (n + 1)), and that at t lies in R_t. So an interval [b, d) with c b + nu < reach
and d > c b + nu + eps gives the same bound.

**Rounding.** gudhi's "safe" alpha complexes are combinatorially exact; their squared values f are converted with a
relative error of at most 1e-5. Where |f' - f| <= eta f, sublevel sets interleave, so an interval [b', d') of f' shows a
class that is born at b'(1 + eta) / (1 - eta) or before and alive until d'(1 - eta) / (1 + eta): on radii, b is
multiplied by 1 + 1e-5 and d by 1 - 1e-5. CERTIFIED here is modulo the correctness of CGAL and gudhi.

**Unions of balls.** K = X^rho, rho > 0, is known exactly, and K^r = X^(rho + r): an interval [b, d) with b <= rho < d
in degree j >= m gives w_m(K) >= d - rho without any sampling.

**Many points on one sphere** make Delaunay triangulations large and slow. So the nodes on surfaces are moved at random,
by at most a few percent of the covering radius, which is added to nu and to eps.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from aeverify.core.dimensions import require_latent_dim
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.errors import MeasurementError, UsageError
from aeverify.homology import ALPHA_DIMENSIONS, RELATIVE_ACCURACY, Diagram, persistence, persistence_over
from aeverify.manifolds import Manifold
from aeverify.manifolds.chart import FloatArray
from aeverify.manifolds.extent import cover
from aeverify.widths.method import lower_bound

FIELDS = (2, 3)
SOFTWARE = "gudhi and CGAL compute what they promise"

DUALITY = Citation(
    "Dold 1995, Lectures on Algebraic Topology; derived in aeverify.widths.persistence",
    "VIII.8.15",
    "H^j of a compact subset of R^m is 0 for j >= m, so a class of K that lives until r forbids errors below r",
)

# Nodes of a set of dimension k in R^n at default effort: a second or two each. Curves in space have quadratically large
# Delaunay triangulations.
_NODES = {
    (1, 2): 2_000,
    (1, 3): 800,
    (1, 4): 300,
    (2, 2): 3_000,
    (2, 3): 6_000,
    (2, 4): 600,
    (3, 3): 4_000,
    (3, 4): 800,
}
# Beyond alpha complexes: a Rips complex gives less than the reach of a round surface, and takes minutes.
_RIPS_NODES = {1: 250}
_MOVE = 0.05
_RIPS_ACCURACY = 1e-9


@dataclass(frozen=True, eq=False)
class Net:
    """Points near a set with what is known of how near.

    Attributes:
        points: shape (N, n).
        covering: eps: every point of the set is within this distance of a point.
        noise: nu: every point is within this distance of the set.
    """

    points: FloatArray
    covering: float
    noise: float


def persistence_bound(
    K: Manifold, latent_dim: int, *, points: int | None = None, subsets: Sequence[Manifold] = ()
) -> Evidence | None:
    """Lower bound of the width by persistence: the best over the connected components of K, and over compact subsets of
    K where the caller knows some (a bound for a part is one for the whole); over Z/2 and Z/3; None where no reach (or
    weak feature size) is proved or no class of degree latent_dim or more passes the certificate.

    CERTIFIED modulo the correctness of gudhi and CGAL: nodes are evaluated in ball arithmetic, their covering radius is
    proved, the persistence is read on the safe side.

    Args:
        K: any manifold.
        latent_dim: m.
        points: nodes a part; by default as many as take about a second. The bound loses about the covering radius.
        subsets: compact subsets of K; that they are is the caller's word.

    Raises:
        UsageError: not 1 <= latent_dim <= the ambient dimension.
        MeasurementError: so many nodes that their complex is too large.

    Cost: 0.05 s a curve in the plane, 0.5 s in space, 1 to 3 s a surface; diagrams are remembered.

    Example:
        On the ellipse with semi-axes 3 and 2 the bound for m = 1 is 1.99: the reach is 4/3, the width is 2.
    """
    m = require_latent_dim(latent_dim, K.ambient_dim)
    several = len(K.connected_components) > 1
    best: Evidence | None = None
    for i, part in enumerate((*K.connected_components, *subsets)):
        reach = proved_reach(part)
        if part.ambient_dim != K.ambient_dim:
            raise UsageError(f"{part} lies in R^{part.ambient_dim}, so it is no subset of {K}, in R^{K.ambient_dim}.")
        if reach <= 0 or m > max(part.truth.dimension, 1) or not _may_have_a_class(part, m):
            continue
        found = net_and_diagrams(part, points)
        if found is None:
            continue
        net, diagrams = found
        own = i < len(K.connected_components)
        where = str(part) if not own else f"component {i}" if several else "K"
        evidence = _evidence(net, diagrams, m, reach, where, i if several and own else None)
        if evidence is not None and (best is None or evidence.lower > best.lower):
            best = evidence
    return best


def sample_bound(
    points: FloatArray,
    latent_dim: int,
    *,
    reach: Interval | float,
    covering_radius: Evidence | Interval | float | None = None,
    noise: float = 0.0,
    field: int = 2,
) -> Evidence:
    """Lower bound of the width of a set of which a sample is given, as rigorous as what is known of the sample.

    Args:
        points: shape (N, n), within `noise` of the set.
        latent_dim: m.
        reach: of the set: an Interval where it is proved (its lower end counts), a number where it is assumed.
        covering_radius: Evidence or an Interval where it is proved (the upper end counts; STATISTICAL Evidence, as from
            `manifolds.covering_radius_tail`, makes STATISTICAL Evidence), a number where it is assumed, None where
            nothing is known.
        noise: upper bound of the distance of the points from the set, at least that from rounding.
        field: prime p.

    Returns:
        Evidence on "width", [value, inf): CERTIFIED where reach and covering radius are proved, STATISTICAL where the
        covering radius is, EMPIRICAL with the assumption named where one of them is a number. Where the covering
        radius is unknown nothing is enclosed, [0, inf): a finite set has width 0, so no sample alone bounds a width;
        `details` then has "estimate", with half the largest gap of the sample in its place.

    Raises:
        UsageError: a parameter is out of range.
        MeasurementError: as `aeverify.homology.persistence`.
    """
    if not noise >= 0 or math.isinf(noise):
        raise UsageError(f"The noise must be a finite number of at least 0, got {noise!r}.")
    x = np.asarray(points, dtype=np.float64)
    # every degree from m up to n - 1 counts, where an alpha complex can be had
    n = x.shape[1] if x.ndim == 2 else 1
    m = require_latent_dim(latent_dim, n)
    degree = n - 1 if n <= ALPHA_DIMENSIONS else m
    diagram = persistence(
        x, max_degree=max(degree, 1), field=field, engine="alpha" if n <= ALPHA_DIMENSIONS else "rips"
    )
    assumptions: list[str] = [SOFTWARE]
    least = reach.lower if isinstance(reach, Interval) else float(reach)
    if not least > 0:
        raise UsageError(f"The certificate needs a positive lower bound of the reach, got {reach!r}.")
    if not isinstance(reach, Interval):
        assumptions.append(f"the reach is at least {least:g}")
    eps, rigor = _known(covering_radius, assumptions)
    if len(assumptions) > 1:
        rigor = Rigor.EMPIRICAL
    unknown = math.isinf(eps)
    net = Net(x, diagram.largest_gap if unknown else eps, noise)
    evidence = _evidence(net, (diagram,), m, least, "the sampled set", None) or _nothing(net, diagram, m)
    if unknown:
        estimate = {**evidence.details, "estimate": evidence.lower, "value": 0.0}
        method = "Nothing is enclosed: the covering radius of the sample is not known, and a finite set has width 0."
        evidence = replace(evidence, interval=Interval.at_least(0.0), method=method, details=estimate)
    confidence = covering_radius.confidence if isinstance(covering_radius, Evidence) else None
    return replace(
        evidence,
        rigor=rigor,
        confidence=confidence if rigor is Rigor.STATISTICAL else None,
        assumptions=tuple(assumptions),
    )


def balls_bound(centers: FloatArray, radius: float, latent_dim: int, *, field: int = 2) -> Evidence:
    """Certified lower bound of the width of a union of closed balls of one radius: the largest d - radius over the
    classes of degree latent_dim or more of the union, which live until the balls have radius d; 0 where there is none.

    Args:
        centers: shape (N, n), n <= 4; the union is that of the balls about these very numbers.
        radius: rho > 0.
        latent_dim: m.
        field: prime p.

    Raises:
        UsageError: a parameter is out of range.
        MeasurementError: as `aeverify.homology.persistence`.

    Example:
        For balls of radius 0.2 about the corners of a regular 40-gon of radius 1 the bound for m = 1 is 0.8.
    """
    x = np.asarray(centers, dtype=np.float64)
    if not radius > 0 or math.isinf(radius):
        raise UsageError(f"The radius of the balls must be positive and finite, got {radius!r}.")
    n = x.shape[1] if x.ndim == 2 else 1
    m = require_latent_dim(latent_dim, n)
    diagram = persistence(x, max_degree=max(n - 1, 1), field=field, engine="alpha")
    alive = [
        (b, d, j) for b, d, j in sound_intervals(diagram, m) if b <= radius < d and (j < n or diagram.engine == "path")
    ]
    birth, death, degree = max(alive, key=lambda row: row[1], default=(0.0, radius, m))
    value = math.nextafter(death - radius, -math.inf) if alive else 0.0
    return replace(
        lower_bound(
            "persistence of a union of balls",
            value,
            Rigor.CERTIFIED,
            f"A class of degree {degree} over {diagram.field_name} of the union lives until the balls have radius "
            f"{death:.6g}. Certified modulo the correctness of gudhi and CGAL."
            if alive
            else f"The union has no class of degree {m} or more over {diagram.field_name}; a width is not negative.",
            "The offset of the union at r is the union of the balls of radius rho + r, and errors below d - rho would "
            "send the class through a subset of R^m.",
            DUALITY,
            birth=birth,
            death=death,
            degree=degree,
            field=diagram.field_name,
            points=diagram.points,
        ),
        assumptions=(SOFTWARE,),
    )


def sound_intervals(diagram: Diagram, least_degree: int) -> list[tuple[float, float, int]]:
    """Intervals (birth at most, death at least, degree) in degrees from `least_degree`, on the safe side of the
    engine's rounding; a class alive at a cut dies there."""
    eta = _RIPS_ACCURACY if diagram.engine == "rips" else RELATIVE_ACCURACY
    return [
        (float(b) * (1 + eta), float(d) * (1 - eta), j)
        for j in range(max(least_degree, 1), len(diagram.degrees))
        for b, d in diagram.alive_until(j)
    ]


def proved_reach(part: Manifold) -> float:
    """Lower bound of the reach, or of the weak feature size where that is larger: what births are compared with."""
    weak = part.truth.weak_feature_size
    return max(part.truth.reach.lower, weak.lower if weak is not None else 0.0)


@functools.lru_cache(maxsize=128)
def net_of(part: Manifold, points: int) -> Net:
    """About so many nodes of a connected set with proved covering radius and noise; moved a little on surfaces."""
    pieces = part.components
    found = cover(pieces, max(1, points // len(pieces)))
    x, moved = found.points, 0.0
    if part.truth.dimension >= 2:
        rng = np.random.Generator(np.random.PCG64(0))
        size = _MOVE * found.radius / math.sqrt(part.ambient_dim)
        x = found.points + rng.uniform(-size, size, found.points.shape)
        moved = float(np.linalg.norm(x - found.points, axis=1).max()) * (1 + 1e-12)
    return Net(x, (found.radius + moved) * (1 + 1e-15), (found.error + moved) * (1 + 1e-15))


@functools.lru_cache(maxsize=64)
def net_and_diagrams(part: Manifold, points: int | None) -> tuple[Net, tuple[Diagram, ...]] | None:
    """Nodes of a connected set and their diagrams over FIELDS; None where the default effort has none for such a set.
    Remembered."""
    k, n = part.truth.dimension, part.ambient_dim
    alpha = n <= ALPHA_DIMENSIONS
    default = _NODES.get((k, n)) if alpha else _RIPS_NODES.get(k)
    count = points if points is not None else default
    if count is None:
        return None
    net = net_of(part, count)
    top = n - 1 if alpha else min(k, 2)
    try:
        return net, persistence_over(net.points, FIELDS, max_degree=top, engine="alpha" if alpha else "rips")
    except MeasurementError:
        if points is not None:
            raise
        return None


def _may_have_a_class(part: Manifold, m: int) -> bool:
    """Whether the set has, or may have, homology in degrees >= m over one of the fields."""
    known = [part.truth.betti.get(f"Z/{p}") for p in FIELDS]
    return any(betti is None or any(betti[m:]) for betti in known)


def _evidence(
    net: Net, diagrams: Sequence[Diagram], m: int, reach: float, where: str, component: int | None
) -> Evidence | None:
    n = net.points.shape[1]
    accepted: list[tuple[float, float, float, int, Diagram]] = []
    refused: list[tuple[float, float]] = []
    for diagram in diagrams:
        stretch = math.sqrt(2 * n / (n + 1)) * (1 + 1e-15) if diagram.engine == "rips" else 1.0
        for birth, death, degree in sound_intervals(diagram, m):
            pushed = (birth * stretch + net.noise) * (1 + 1e-15)
            long = death > (pushed + net.covering) * (1 + 1e-15)
            if long and pushed < reach:
                value = math.nextafter(death - net.covering, -math.inf)
                accepted.append((value, birth, death, degree, diagram))
            elif long:
                refused.append((birth, death))
    if not accepted:
        return None
    value, birth, death, degree, diagram = max(accepted, key=lambda row: row[0])
    evidence = lower_bound(
        "persistence",
        value,
        Rigor.CERTIFIED,
        f"A class of degree {degree} over {diagram.field_name} of {where}, seen in {diagram.points} nodes with "
        f"covering radius {net.covering:.4g} ({diagram.engine} complex), is born at {birth:.4g}, below the reach, "
        f"and lives until {death:.6g}; less the covering radius. Certified modulo the correctness of gudhi and CGAL.",
        "A smaller error would make the inclusion of K in its offset factor through a subset of R^m, m <= "
        f"{degree}, and kill the class before it dies; it is one of K since it is born within the reach, where the "
        "offset retracts to K.",
        DUALITY,
        component=component,
        birth=birth,
        death=death,
        degree=degree,
        field=diagram.field_name,
        engine=diagram.engine,
        points=diagram.points,
        covering_radius=net.covering,
        noise=net.noise,
        reach=reach,
        refused=[list(bar) for bar in sorted(refused, key=lambda bar: bar[0] - bar[1])[:5]],
    )
    return replace(evidence, assumptions=(SOFTWARE,))


def _nothing(net: Net, diagram: Diagram, m: int) -> Evidence:
    return lower_bound(
        "persistence",
        0.0,
        Rigor.CERTIFIED,
        f"No class of degree {m} or more over {diagram.field_name} passes the certificate; a width is not negative.",
        "It is an infimum of lengths.",
        DUALITY,
        points=diagram.points,
        covering_radius=net.covering,
        noise=net.noise,
    )


def _known(covering: Evidence | Interval | float | None, assumptions: list[str]) -> tuple[float, Rigor]:
    """Upper end of a covering radius, inf where it is unknown, and how far it can be trusted."""
    if covering is None:
        assumptions.append("the sample covers the set within half its largest gap")
        return math.inf, Rigor.EMPIRICAL
    if isinstance(covering, Evidence):
        eps, rigor = covering.upper, covering.rigor
        rigor = min(rigor, Rigor.CERTIFIED, key=lambda r: r.rank)
    elif isinstance(covering, Interval):
        eps, rigor = covering.upper, Rigor.CERTIFIED
    else:
        eps, rigor = float(covering), Rigor.EMPIRICAL
        assumptions.append(f"the covering radius is at most {eps:g}")
    if math.isnan(eps) or eps < 0:
        raise UsageError(f"The covering radius must be a number of at least 0, got {covering!r}.")
    return eps, rigor if math.isfinite(eps) else Rigor.EMPIRICAL
