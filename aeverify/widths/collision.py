"""Collision: two points far apart with one code cost half their distance.

**Lemma.** If E(x) = E(y), then D(E(x)) is one point, so max(e(x), e(y)) >= |x - y| / 2 for the errors e.

So w_m(K) >= r whenever every continuous E: K -> R^m gives one code to some pair at distance 2 r or more. Two ways to
force such a pair:

**Antipodes.** Let K' be symmetric about p and not contain p. The map g(x) = E(x) - E(2p - x) is odd. Where the
Borsuk-Ulam theorem holds on K' for R^m (`Truth.antipodal_index` >= m: m <= k on a k-sphere, m = 1 on any connected
set), g has a zero, so x and 2p - x collide: w_m(K') >= min |x - p|. A circle of radius r: r. An ellipse: the shorter
semi-axis.

**Swap paths** (m = 1, any closed curve, or any connected set with a path of pairs). Let (x(s), y(s)) be a path of pairs
from (p, q) to (q, p) along which |x - y| >= 2 r. Then E(x) - E(y) changes its sign, so some pair on the path
collides: w_1 >= r. The best r is half the max-min swap path on the torus of pairs. On a grid of N nodes of the curve,
with moves that shift *one* end by one node, let V be the largest number for which a grid path from some (i, j) to
(j, i) keeps |x_i - x_j| >= V at all its nodes, and let a be an upper bound of every arc (not chord) between
neighbouring nodes. Then **w_1 >= (V - a/2) / 2**: in a move the shifting end stays, along the curve, within a/2 of one
of its two end nodes, so the distance stays above V - a/2. (Moves of both ends at once would lose twice as much; with
them and the loss of a/2 the bound is false: a diagonal move can jump over pairs x = y.) V is found by bisection
over the sorted distances, with connected components at each step: the swap exists at the level v if some component
of the pairs at distance >= v holds both (i, j) and (j, i).
"""

from __future__ import annotations

import math

import numpy as np

from aeverify.core.dimensions import require_positive
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.witness import Witness
from aeverify.errors import UsageError
from aeverify.manifolds import Manifold, certified_points
from aeverify.manifolds.chart import FloatArray
from aeverify.manifolds.extent import distance_bounds, distances
from aeverify.widths.method import lower_bound, pair_witness

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
    """Lower bound of w_1 from the best swap path on a grid of each closed curve among the components; None where
    there is no closed curve. CERTIFIED: nodes are evaluated in ball arithmetic, distances rounded down.

    Args:
        K: any manifold.
        nodes: N, nodes a curve, from 3 to 2048. The loss against the best swap path is about a/2 = length / (4 N).

    Raises:
        UsageError: another number of nodes.

    Cost: about 18 connected-component labellings of a graph of N^2 nodes: 0.4 s for N = 256.
    """
    if not 3 <= require_positive(nodes, "the number of nodes") <= _MOST_NODES:
        raise UsageError(f"The number of nodes of a swap path must lie between 3 and {_MOST_NODES}, got {nodes!r}.")
    best: Evidence | None = None
    for i, part in enumerate(K.connected_components):
        if part.truth.dimension != 1 or not part.truth.closed:
            continue
        chart = part.chart
        low, high = chart.lower[0], chart.upper[0]
        u = low + (high - low) * (np.arange(nodes) / nodes)
        points, error = certified_points(chart, u[:, None])
        table = distances(points, points)
        level, (first, second) = best_swap_level(table)
        # Nodes are the exact points of the computed parameters u; neighbours differ by at most this much.
        step = max(float(np.diff(u).max()), high - u[-1]) * (1 + 2.0**-50)
        arc = math.nextafter(chart.speed[0] * step, math.inf)
        v = distance_bounds(level, K.ambient_dim, 2 * error).lower
        value = math.nextafter((v - arc / 2) / 2, -math.inf)
        several = len(K.connected_components) > 1
        where = f"component {i}" if several else "K"
        evidence = lower_bound(
            "swap path",
            value,
            Rigor.CERTIFIED,
            f"The ends of a pair of points of {where} can be exchanged without coming closer than twice this value "
            f"(a path on a grid of {nodes} nodes, less what the curve can lose between them).",
            "Along the path E(x) - E(y) changes its sign, so some pair on it has one code; the pair is at least "
            "V - a/2 apart, with V the least distance at the nodes of the path and a the longest arc between nodes.",
            INTERMEDIATE_VALUE,
            component=i if several else None,
            witness=pair_witness(
                K, i, [(float(u[first]),), (float(u[second]),)], "a pair of nodes at the level of the best swap path"
            ),
            nodes=nodes,
            grid_level=v,
            longest_arc=arc,
        )
        if best is None or evidence.lower > best.lower:
            best = evidence
    return best


def best_swap_level(table: FloatArray) -> tuple[float, tuple[int, int]]:
    """The max-min swap path on a closed curve of N nodes, by moves of one end to a neighbouring node.

    Args:
        table: distances of the nodes, shape (N, N), symmetric, in order along the closed curve.

    Returns:
        The largest entry v such that a path of moves from some (i, j) to (j, i) stays at pairs whose entry is at
        least v, and a pair whose entry is v. v is 0 where every such path meets the diagonal.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(table)
    index = np.arange(n * n).reshape(n, n)
    start = np.concatenate([index.ravel(), index.ravel()])
    end = np.concatenate([np.roll(index, -1, axis=0).ravel(), np.roll(index, -1, axis=1).ravel()])
    flat = table.ravel()
    weight = np.minimum(flat[start], flat[end])

    def swaps(level: float) -> bool:
        keep = weight >= level
        graph = coo_matrix((np.ones(int(keep.sum()), dtype=np.int8), (start[keep], end[keep])), shape=(n * n, n * n))
        labels = connected_components(graph, directed=False)[1].reshape(n, n)
        return bool(((labels == labels.T) & (table >= level)).any())

    levels = np.unique(flat)
    low, high = 0, len(levels) - 1
    # levels[0] is the diagonal's 0, at which every two pairs are joined.
    while low < high:
        middle = (low + high + 1) // 2
        if swaps(float(levels[middle])):
            low = middle
        else:
            high = middle - 1
    level = float(levels[low])
    i, j = divmod(int(np.flatnonzero(flat == level)[0]), n)
    return level, (i, j)
