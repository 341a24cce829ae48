"""Collision: two points far apart with one code cost half their distance.

**Lemma.** If E(x) = E(y), then D(E(x)) is one point, so max(e(x), e(y)) >= |x - y| / 2 for the errors e.

So w_m(K) >= r whenever every continuous E: K -> R^m gives one code to some pair at distance 2 r or more. Two ways to
force such a pair:

**Antipodes.** Let K' be symmetric about p and not contain p. The map g(x) = E(x) - E(2p - x) is odd. Where the
Borsuk-Ulam theorem holds on K' for R^m (`Truth.antipodal_index` >= m: m <= k on a k-sphere, m = 1 on any connected
set), g has a zero, so x and 2p - x collide: w_m(K') >= min |x - p|. A circle of radius r: r. An ellipse: the shorter
semi-axis.

**Swap paths** (m = 1, on any loop in K). Let (x(s), y(s)) be a path of pairs of points of K from (p, q) to (q, p)
along which |x - y| >= 2 r. Then E(x) - E(y) changes its sign, so some pair on the path collides: w_1 >= r. A good path
is searched on a grid of pairs of nodes of the loop, with moves of one or both ends: the largest level for which some
component of the pairs at that distance or more holds both (i, j) and (j, i), by bisection. The grid proves nothing (a
move of both ends at once can jump over pairs x = y, and a move of one end can lose up to half the arc between
nodes); the continuous path that was found does: the least distance of its ends is enclosed by
`aeverify.widths.extremes`. Of surfaces some loops are tried (`aeverify.widths.paths.loops_of`): a loop is a compact
subset, so its bound is one of K.

**Triods** (m = 1). Let three arcs run in K from one point to the ends e_1, e_2, e_3, and let r_i be the distance of
e_i from the union of the other two arcs. Walk the pair from (e_1, e_2) by way of (e_1, e_3), (e_2, e_3) to (e_2, e_1),
in each step along two arcs while one end waits: w_1 >= min r_i / 2, although the set may be contractible and no
homology sees it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from aeverify.core.dimensions import require_positive
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.witness import Witness, WitnessPoint
from aeverify.errors import UsageError
from aeverify.manifolds import Manifold
from aeverify.manifolds.chart import Operations
from aeverify.manifolds.triod import Triod
from aeverify.widths.extremes import least_norm
from aeverify.widths.method import lower_bound, pair_witness
from aeverify.widths.paths import Loop, best_swap_path, closed_curve, loops_of

NODES = 256
_MOST_NODES = 2048

BORSUK_ULAM = Citation(
    "Borsuk 1933, Drei Sätze über die n-dimensionale euklidische Sphäre",
    "Satz II",
    "every continuous map of a k-sphere to R^k takes some pair of antipodes to one point",
)
INTERMEDIATE_VALUE = Citation(
    "derived in aeverify.widths.collision",
    "swap paths",
    "a continuous function that is exchanged with its negative along a path has a zero on it",
)


def antipode_bound(K: Manifold, latent_dim: int) -> Evidence | None:
    """Lower bound of the width from antipodes: the largest distance of a component from its centre of symmetry, over
    the components on which the Borsuk-Ulam theorem holds for R^latent_dim; None where there is none.

    EXACT where that distance is known exactly, else CERTIFIED.
    """
    best: Evidence | None = None
    for i, part in enumerate(K.connected_components):
        truth = part.truth
        if truth.inner_radius is None or truth.antipodal_index < latent_dim or truth.inner_radius.lower <= 0:
            continue
        several = len(K.connected_components) > 1
        where = f"Component {i}" if several else "K"
        evidence = lower_bound(
            "antipodes",
            truth.inner_radius.lower,
            Rigor.EXACT if truth.inner_radius.is_exact else Rigor.CERTIFIED,
            f"{where} is symmetric about a point from which it keeps this distance; two antipodes have one code.",
            "E(x) - E(2p - x) is odd, so by Borsuk and Ulam it has a zero: x and 2p - x, at distance 2 |x - p|, have "
            "one code, and the farther of the two from its decoded point is off by at least |x - p|.",
            BORSUK_ULAM,
            component=i if several else None,
            witness=_nearest_antipodes(K, i),
        )
        if best is None or evidence.lower > best.lower:
            best = evidence
    return best


def _nearest_antipodes(K: Manifold, component: int) -> Witness | None:
    """A pair of antipodes of a closed curve that is nearest among 64 nodes, where half a period is the antipode."""
    if len(K.connected_components) != len(K.components):
        return None
    part = K.components[component]
    chart, center = part.chart, part.truth.symmetry_center
    if center is None or chart.periodic != (True,):
        return None
    low, length = chart.lower[0], chart.upper[0] - chart.lower[0]
    turns = np.arange(32) / 64
    first, second = (chart.embed((low + length * t)[:, None]) for t in (turns, turns + 0.5))
    reflected = 2 * np.array(center) - first
    if not np.allclose(second, reflected, rtol=0.0, atol=1e-9 * (part.truth.diameter.upper + max(map(abs, center)))):
        return None
    away = np.linalg.norm(first - center, axis=1)
    # The first of those that are equally near up to rounding.
    t = float(turns[np.flatnonzero(away <= away.min() * (1 + 1e-9))[0]])
    pair: list[tuple[float, ...]] = [(low + length * t,), (low + length * (t + 0.5),)]
    return pair_witness(K, component, pair, "antipodes at the least distance from the centre of symmetry")


def swap_path_bound(K: Manifold, nodes: int = NODES) -> Evidence | None:
    """Lower bound of w_1 from the best swap path found on each closed curve, and on some loops of each surface, among
    the charted parts of K; None where there is neither. CERTIFIED: the path is enclosed as a continuous path.

    Args:
        K: any manifold.
        nodes: N, nodes of a loop, from 3 to 2048: of the search; the bound holds for any.

    Raises:
        UsageError: another number of nodes.

    Cost: about 20 connected-component labellings of a graph of N^2 nodes: 0.2 s a loop for N = 256.
    """
    if not 3 <= require_positive(nodes, "the number of nodes") <= _MOST_NODES:
        raise UsageError(f"The number of nodes of a swap path must lie between 3 and {_MOST_NODES}, got {nodes!r}.")
    best: Evidence | None = None
    for i, part in enumerate(K.components):
        for what, loop in _loops(part, nodes):
            evidence = _swap(K, i, what, loop)
            if evidence is not None and (best is None or evidence.lower > best.lower):
                best = evidence
    return best


def _loops(part: Manifold, nodes: int) -> list[tuple[str, Loop]]:
    if part.truth.dimension == 1 and part.truth.closed:
        return [("", closed_curve(part.chart, 2 * nodes))]
    if part.chart.dim == 2:
        return [(" on a loop", loop) for loop in loops_of(part.chart, max(8, nodes // 4 * 4))]
    return []


def _swap(K: Manifold, component: int, what: str, loop: Loop) -> Evidence | None:
    _, first, second = best_swap_path(loop)
    if not len(first):
        return None
    distance = loop.between(first, second, largest=False)
    several = len(K.connected_components) > 1
    where = f"component {component}" if several else "K"
    points = loop.points()
    gaps = np.linalg.norm(points[first % len(loop)] - points[second % len(loop)], axis=1)
    closest = int(gaps.argmin())
    pair = [tuple(loop.starts[int(walk[closest]) % len(loop)].tolist()) for walk in (first, second)]
    return lower_bound(
        "swap path",
        math.nextafter(distance.lower / 2, -math.inf),
        Rigor.CERTIFIED,
        f"The ends of a pair of points{what} of {where} can be exchanged without coming closer than twice this value "
        f"(a path of pairs over a grid of {len(loop)} nodes, enclosed between the nodes too).",
        "Along the path E(x) - E(y) changes its sign, so some pair on it has one code; the farther of the two from "
        "its decoded point is off by at least half their distance.",
        INTERMEDIATE_VALUE,
        component=component if several else None,
        witness=pair_witness(K, component, pair, "the closest pair among the nodes of the swap path"),
        nodes=len(loop),
        moves=len(first) - 1,
        least_distance=distance.to_dict(),
    )


def triod_bound(K: Manifold) -> Evidence | None:
    """Lower bound of w_1 of a triod: half the least distance of an end from the other two legs; None of other sets.
    CERTIFIED."""
    if not isinstance(K, Triod):
        return None
    charts = [leg.chart for leg in K.components]

    def gap(i: int, j: int) -> float:
        end = charts[i].upper

        def away(parameters: Sequence[Any], ops: Operations) -> list[Any]:
            tip = charts[i].formula([ops.real(e) for e in end], ops)
            return [x - y for x, y in zip(tip, charts[j].formula(parameters, ops), strict=True)]

        return least_norm(lambda _: away, [charts[j].lower], [charts[j].upper], 1e-9).lower

    value = min(gap(i, j) for i, j in itertools.permutations(range(3), 2))
    tips = np.array([c.embed(np.array([c.upper]))[0] for c in charts])
    return lower_bound(
        "triod",
        math.nextafter(value / 2, -math.inf),
        Rigor.CERTIFIED,
        "Half the least distance of the end of a leg from the other two legs.",
        "Two points can change places on a triod, one waiting at an end while the other walks along the other two "
        "legs; E(x) - E(y) changes its sign on the way, so two points so far apart have one code.",
        INTERMEDIATE_VALUE,
        witness=Witness(
            "width",
            str(K),
            "",
            tuple(
                WitnessPoint(i, tuple(c.upper), tuple(p), (), (), 0.0)
                for i, (c, p) in enumerate(zip(charts, tips.tolist(), strict=True))
            ),
            "the ends of the three legs",
        ),
    )
