"""Graphs: a K_{3,3} drawn on K has two disjoint edges that every map to the plane makes meet.

**Theorem.** Let G be K_5 or K_{3,3} and g: G -> K continuous. Then w_2(K) >= half the least distance of g(e) and g(e')
over edges e, e' without a common vertex.

Proof. Every general-position map of G to the plane has an odd number of crossings of such edges (van Kampen 1932,
Flores 1933). E after g is a limit of such maps, so by compactness two points on disjoint edges have one code; the
farther of them from its decoded point is off by at least half their distance.

On a set with a chart of which one parameter is periodic and mirrors the other, v to c - v (a Moebius band, a Klein
bottle), take the curve at v = c / 2 + a, which closes after two turns; six points at thirds of its turns, the six arcs
between them, and the three rungs at v from c / 2 + a to c / 2 - a between opposite points: a K_{3,3}. Edges are
straight in the parameters, and distances of disjoint ones are enclosed by `aeverify.widths.extremes`. On the Moebius
band of half width h and core radius R >= (1 + 2 / 3^(1/2)) h with a = h this gives h, its width exactly.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.manifolds import Manifold
from aeverify.manifolds.chart import Chart, FloatArray, Formula, Operations
from aeverify.manifolds.intervals import IntervalArray
from aeverify.widths.extremes import least_norm
from aeverify.widths.method import lower_bound, pair_witness

_SHARES = (1.0, 0.85, 0.7, 0.55)
_POINTS = 48

VAN_KAMPEN = Citation(
    "van Kampen 1932, Komplexe in euklidischen Räumen; Flores 1933",
    "derived in aeverify.widths.kuratowski",
    "every general-position map of K_5 or K_{3,3} to the plane makes two disjoint edges meet",
)


def graph_bound(K: Manifold) -> Evidence | None:
    """Lower bound of w_2 from a K_{3,3} on each charted part with a mirroring period; None where there is none.
    CERTIFIED. Cost: 0.1 s."""
    best: Evidence | None = None
    for i, part in enumerate(K.components):
        chart = part.chart
        if chart.dim != 2 or not chart.periodic[0] or not chart.flips or chart.flips[0] != (1,):
            continue
        share = max(_SHARES, key=lambda s: _sampled(chart, *_edges(chart, s)[:2]))
        starts, ends, vertices = _edges(chart, share)
        value = disjoint_edges_distance(chart, starts, ends)
        several = len(K.connected_components) > 1
        evidence = lower_bound(
            "a drawn K_{3,3}",
            math.nextafter(value.lower / 2, -math.inf),
            Rigor.CERTIFIED,
            "Half the least distance of disjoint edges of a K_{3,3} drawn on K: six arcs of a curve that closes after "
            "two turns, and three rungs.",
            "No general-position map of K_{3,3} to the plane keeps disjoint edges apart, so two points on disjoint "
            "edges have one code, up to as little as one likes.",
            VAN_KAMPEN,
            component=i if several else None,
            witness=pair_witness(K, i, vertices, "the six vertices of the graph, in order along the curve"),
            least_distance=value.to_dict(),
        )
        if best is None or evidence.lower > best.lower:
            best = evidence
    return best


def disjoint_edges_distance(chart: Chart, starts: FloatArray, ends: FloatArray, tolerance: float = 1e-5) -> Interval:
    """Certified enclosure of the least distance of disjoint edges of the K_{3,3} of `_edges`.

    Args:
        chart: of the set.
        starts, ends: parameters of the ends of the nine edges, shape (9, d); edges are straight between them.
        tolerance: as a share of the distance.
    """
    first, second = (np.array(i) for i in zip(*_disjoint_pairs(), strict=True))
    formula = chart.formula

    def between(index: np.ndarray) -> Formula:
        def at(parameters: Sequence[Any], ops: Operations) -> list[Any]:
            points = []
            for t, edge in zip(parameters, (first[index], second[index]), strict=True):
                slopes = IntervalArray.exactly(ends[edge]) - starts[edge]
                points.append(formula([t * slopes[:, i] + starts[edge, i] for i in range(starts.shape[1])], ops))
            return [x - y for x, y in zip(*points, strict=True)]

        return at

    count = len(first)
    return least_norm(between, np.zeros((count, 2)), np.ones((count, 2)), tolerance)


def _edges(chart: Chart, share: float) -> tuple[FloatArray, FloatArray, list[tuple[float, ...]]]:
    """Ends of the edges (six arcs, then three rungs) in parameters, and the vertices."""
    (low, below), (high, above) = chart.lower, chart.upper
    # Both sides come from one rounded offset, so that the turns meet: the mirror maps v to below + above - v exactly.
    top = above - (above - below) * (1 - share) / 2
    bottom = (below + above) - top
    thirds = [low, low + (high - low) / 3, low + (high - low) * 2 / 3, high]
    starts, ends = [], []
    for v in (top, bottom):
        for a, b in itertools.pairwise(thirds):
            starts.append((a, v))
            ends.append((b, v))
    vertices: list[tuple[float, ...]] = list(starts)
    for u in thirds[:3]:
        starts.append((u, top))
        ends.append((u, bottom))
    return np.array(starts), np.array(ends), vertices


def _disjoint_pairs() -> list[tuple[int, int]]:
    """Pairs of edges without a common vertex: arc k joins vertices k, k + 1 modulo 6, rung k vertices k, k + 3."""
    joined = [{k, (k + 1) % 6} for k in range(6)] + [{k, k + 3} for k in range(3)]
    return [(i, j) for i, j in itertools.combinations(range(9), 2) if not joined[i] & joined[j]]


def _sampled(chart: Chart, starts: FloatArray, ends: FloatArray) -> float:
    t = np.linspace(0, 1, _POINTS)[:, None]
    drawn = [chart.embed(a * (1 - t) + b * t) for a, b in zip(starts, ends, strict=True)]
    return min(float(np.linalg.norm(drawn[i][:, None] - drawn[j][None], axis=2).min()) for i, j in _disjoint_pairs())
