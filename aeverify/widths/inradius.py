"""Inradius: a point in the bounded part of the complement of a closed surface in R^3 bounds w_2 by its distance.

This is `aeverify.widths.linking` for j = n - 1 = 2: a 2-cycle c in K that goes around p an odd number of times is not
null-homologous modulo 2 in R^3 - p, so w_m(K) >= d(p, K) for m <= 2. It can exceed the reach by far: what counts is
the room inside, not curvature or narrow passages outside.

The cycle comes from a triangulation of the charts, checked and not assumed. Boxes of parameters are cut in two
triangles each; vertices that agree up to rounding are identified, triangles that lose a corner thereby are dropped. If
then every edge lies in an even number of triangles, the triangles form a cycle modulo 2. Its points are within

    eta = 1/2 max (|x_uu| h^2 + 2 |x_uv| h k + |x_vv| k^2) + what identifying moves

of K: for weights l_i with sum l_i (v_i - u) = 0 Taylor's formula at u gives |x(u) - sum l_i x(v_i)| at most the
remainders. If eta < reach(K), the nearest point of K is a continuous map on the cycle, which moves along segments that
stay within eta of K; if also eta < d(p, K), these miss p, so a cycle in K goes around p as often modulo 2. That number
is the parity of the crossings of a ray with triangles, exactly (`aeverify.widths.predicates`).

The search for p takes balls that touch the surface from one side at a node and shrink until they touch it nowhere
else, and climbs from the largest; it proves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.errors import MeasurementError
from aeverify.manifolds import Manifold, certified_points
from aeverify.manifolds.chart import Chart, FloatArray, Operations
from aeverify.widths.extremes import least_norm_at
from aeverify.widths.linking import DUALITY, PROOF
from aeverify.widths.method import lower_bound, pair_witness
from aeverify.widths.predicates import is_inside

_SIDE = 48
_SHRINKS = 12
_STARTS = 6
_SAME = 1e-9
_TOLERANCE = 1e-4

HERE = Citation(
    DUALITY.source,
    "VIII.8.15; derived in aeverify.widths.inradius",
    "H^2 of a compact subset of the plane is 0, so no surface with an inside survives coding in it",
)


@final
@dataclass(frozen=True, eq=False)
class Cycle:
    """Triangles, shape (N, 3, 3), in which every edge is used an even number of times, all within `deviation` of K."""

    triangles: FloatArray
    deviation: float


def inradius_bound(K: Manifold) -> Evidence | None:
    """Lower bound of w_1 and w_2 from a point inside a closed surface in R^3; None where K has no closed surface of
    positive reach in R^3, or no point is found, or a check fails. CERTIFIED. Cost: 1 s a surface."""
    if K.ambient_dim != 3:
        return None
    best: Evidence | None = None
    for i, part in enumerate(K.connected_components):
        if part.truth.dimension != 2 or not part.truth.closed or part.truth.reach.lower <= 0:
            continue
        cycle = triangulated(part)
        if cycle is None or cycle.deviation >= part.truth.reach.lower:
            continue
        for point in candidates(part):
            evidence = inside_bound(K, i, point, cycle)
            if evidence is not None:
                if best is None or evidence.lower > best.lower:
                    best = evidence
                break
    return best


def inside_bound(K: Manifold, component: int, point: FloatArray, cycle: Cycle) -> Evidence | None:
    """Lower bound of w_2 from one point and a cycle of a connected component; None where the point is not inside, or
    nearer than the cycle deviates."""
    part = K.connected_components[component]
    least, nearest = math.inf, (0, np.zeros(2))
    for piece, charted in enumerate(part.components):
        low, where = _distance(charted.chart, point)
        if low < least:
            least, nearest = low, (piece, where)
    if least <= cycle.deviation or not is_inside(point, cycle.triangles):
        return None
    several = len(K.connected_components) > 1
    at = ", ".join(f"{c:.6g}" for c in point)
    return lower_bound(
        "inradius",
        least,
        Rigor.CERTIFIED,
        f"Distance of {f'component {component}' if several else 'K'} from the point ({at}) inside it.",
        PROOF.format(what="the point"),
        HERE,
        component=component if several else None,
        witness=pair_witness(
            K,
            component if several else nearest[0],
            [tuple(nearest[1].tolist())],
            f"about the point of K that is nearest to ({at}), which a ray leaves through K an odd number of times",
        ),
        point=[float(c) for c in point],
        triangles=len(cycle.triangles),
        deviation=cycle.deviation,
    )


def _distance(chart: Chart, point: FloatArray) -> tuple[float, FloatArray]:
    center = point.tolist()

    def away(parameters: Sequence[Any], ops: Operations) -> list[Any]:
        return [x - c for x, c in zip(chart.formula(parameters, ops), center, strict=True)]

    low, high, _ = _cells(chart, 8)
    found, where = least_norm_at(lambda _: away, low, high, _TOLERANCE)
    return found.lower, where


def _cells(chart: Chart, side: int) -> tuple[FloatArray, FloatArray, list[FloatArray]]:
    """Corners of the boxes of a regular grid of the parameters, row by row, and the grid's lines."""
    lines = []
    for a, b in zip(chart.lower, chart.upper, strict=True):
        line = a + (b - a) * (np.arange(side + 1) / side)
        line[-1] = b
        lines.append(line)
    low = np.stack(np.meshgrid(lines[0][:-1], lines[1][:-1], indexing="ij"), axis=-1).reshape(-1, 2)
    high = np.stack(np.meshgrid(lines[0][1:], lines[1][1:], indexing="ij"), axis=-1).reshape(-1, 2)
    return low, high, lines


def triangulated(part: Manifold, side: int = _SIDE) -> Cycle | None:
    """A cycle modulo 2 of triangles near a closed surface; None where the triangles of its charts do not close up."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    points, faces, deviation, offset = [], [], 0.0, 0
    for piece in part.components:
        low, high, lines = _cells(piece.chart, side)
        rows = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 2)
        try:
            vertices, error = certified_points(piece.chart, rows)
        except MeasurementError:
            # A formula that balls cannot follow to the edge of its box.
            return None
        second = piece.chart.derivative_bounds(low, high).second
        norms = np.sqrt((second.magnitude**2).sum(axis=1))
        h = (high - low) * (1 + 2.0**-40)
        bend = norms[:, 0, 0] * h[:, 0] ** 2 + 2 * norms[:, 0, 1] * h[:, 0] * h[:, 1] + norms[:, 1, 1] * h[:, 1] ** 2
        deviation = max(deviation, float(bend.max()) / 2 + error)
        corner = (np.arange(side)[:, None] * (side + 1) + np.arange(side)).ravel() + offset
        a, b, c, d = corner, corner + side + 1, corner + side + 2, corner + 1
        faces.append(np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])]))
        points.append(vertices)
        offset += len(vertices)
    x, triangles = np.concatenate(points), np.concatenate(faces)
    size = float(np.abs(x).max())
    close = cKDTree(x).query_pairs(_SAME * size, output_type="ndarray")
    graph = coo_matrix((np.ones(len(close), dtype=np.int8), (close[:, 0], close[:, 1])), shape=(len(x), len(x)))
    labels = connected_components(graph, directed=False)[1]
    chosen = np.full(int(labels.max()) + 1, -1)
    chosen[labels[::-1]] = np.arange(len(x))[::-1]
    representative = chosen[labels]
    moved = float(np.sqrt(((x - x[representative]) ** 2).sum(axis=1)).max())
    triangles = np.sort(representative[triangles], axis=1)
    triangles = triangles[(triangles[:, 0] != triangles[:, 1]) & (triangles[:, 1] != triangles[:, 2])]
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]])
    counts = np.unique(edges, axis=0, return_counts=True)[1]
    if not len(triangles) or bool((counts % 2).any()):
        return None
    return Cycle(x[triangles], (deviation + moved) * (1 + 2.0**-40))


def candidates(part: Manifold) -> list[FloatArray]:
    """Points that are far from a surface, on either side, farthest first; a search."""
    from scipy.optimize import minimize
    from scipy.spatial import cKDTree

    points, normals = [], []
    for piece in part.components:
        _, _, lines = _cells(piece.chart, 64)
        rows = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 2)
        tangents = piece.chart.jacobian(rows)
        points.append(piece.chart.embed(rows))
        normals.append(np.cross(tangents[:, :, 0], tangents[:, :, 1]))
    x, v = np.concatenate(points), np.concatenate(normals)
    length = np.linalg.norm(v, axis=1)
    tree = cKDTree(x)
    size = float(np.abs(x - x.mean(axis=0)).max())
    corners = x.min(axis=0), x.max(axis=0)

    def depth(z: FloatArray) -> float:
        inside = (z >= corners[0]).all() and (z <= corners[1]).all()
        return -float(tree.query(z)[0]) if inside else 0.0

    start = np.flatnonzero(length > 1e-6 * length.max())[:: max(1, len(x) // 400)]
    found = []
    for side in (1.0, -1.0):
        base, normal = x[start], side * v[start] / length[start, None]
        radius = np.full(len(start), size)
        for _ in range(_SHRINKS):
            away, index = tree.query(base + radius[:, None] * normal)
            gap = x[index] - base
            along = 2 * (gap * normal).sum(axis=1)
            touched = (away < radius * (1 - 1e-9)) & (along > 0)
            radius = np.where(touched, (gap**2).sum(axis=1) / np.where(touched, along, 1.0), radius)
        free = radius < 0.999 * size
        found += [(float(r), p) for r, p in zip(radius[free], (base + radius[:, None] * normal)[free], strict=True)]
    found.sort(key=lambda f: -f[0])
    kept: list[tuple[float, FloatArray]] = []
    for r, p in found:
        if len(kept) < _STARTS and all(np.linalg.norm(p - q) > 0.5 * min(r, s) for s, q in kept):
            kept.append((r, p))
    out = []
    for r, p in kept:
        simplex = p + np.vstack([np.zeros(3), 0.1 * r * np.eye(3)])
        climbed = minimize(depth, p, method="Nelder-Mead", options={"initial_simplex": simplex})
        out.append((float(-climbed.fun), np.asarray(climbed.x, dtype=np.float64)))
    return [p for _, p in sorted(out, key=lambda f: -f[0])]
