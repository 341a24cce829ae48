"""Linking: a line, a loop or a point that K winds around bounds the width by its distance from K.

**Theorem.** Let c be a j-cycle in K, j >= m >= 1, and Z a closed set at distance d > 0 from K around which c is not
null-homologous in R^n - Z over some field. Then w_m(K) >= d.

Proof. For r < d the offset K^r misses Z, and some class of H^j(R^n - Z) is not zero on c, so H^j(K^r) -> H^j(K) is not
zero. If some continuous E, D had sup error r, the segments from x to D(E(x)) would stay in K^r, so the inclusion
K -> K^r would be homotopic to a map through the compact set E(K) in R^m, whose H^j is 0 (Alexander duality).

Witnesses here, each with an exact integer and an enclosed distance:

- *A point* in the plane with a winding number of a closed curve that is not 0, j = 1.
- *A line* in R^3 around which a closed curve winds k != 0 times, j = 1: its linking number with the line through
  infinity, the winding number of its shadow along the line.
- *A loop* in R^3, a circle or another component of a union, whose linking number with a closed curve is not 0, j = 1.
  Over the rationals any k != 0 will do, even ones too, where swap paths (linking modulo 2) may say less.

The integers are those of polygons (`aeverify.widths.predicates`). A polygon through points of the curve deviates from
it by at most eta = max |x''| h^2 / 8 plus the error of its vertices; where the distance of Z from the curve exceeds
the sum of the deviations of curve and Z, the straight homotopies to the polygons keep them disjoint, so the integers
are those of the curves. The distance is enclosed by branch and bound (`aeverify.widths.extremes`), so the search for Z
(shadows along many directions, circles about axes, then Nelder and Mead's descent) proves nothing and may be what it
likes.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, final

import numpy as np

from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.manifolds import Manifold, certified_points
from aeverify.manifolds.chart import Chart, FloatArray, Operations
from aeverify.manifolds.curve_facts import curve_chart
from aeverify.widths.extremes import least_norm_at
from aeverify.widths.method import lower_bound, pair_witness
from aeverify.widths.predicates import linking_number, winding_number
from aeverify.widths.shadows import line_candidates, loop_candidates

_NODES = 512
_TOLERANCE = 1e-12
_LOOP_TOLERANCE = 1e-4
_SHARE = 0.999

DUALITY = Citation(
    "Dold 1995, Lectures on Algebraic Topology",
    "VIII.8.15; derived in aeverify.widths.linking",
    "H^j of a compact subset of R^m is 0 for j >= m, so nothing that K winds around survives coding",
)
PROOF = (
    "Up to that distance the offset of K misses {what}, so the class that counts turns around it is not zero on K; a "
    "smaller error would make the inclusion of K in the offset factor through a subset of R^m, where it is zero."
)


@final
@dataclass(frozen=True, eq=False)
class Polygon:
    """Points of a closed curve in order, and how far the closed polygon through them is from the curve at most."""

    points: FloatArray
    deviation: float


@functools.lru_cache(maxsize=64)
def polygon(part: Manifold, nodes: int = _NODES) -> Polygon:
    """The polygon through equally spaced points of a closed curve with one chart."""
    return _polygon(part.chart, nodes)


def _polygon(chart: Chart, nodes: int) -> Polygon:
    low, high = chart.lower[0], chart.upper[0]
    u = low + (high - low) * (np.arange(nodes + 1) / nodes)
    u[-1] = high
    points, error = certified_points(chart, u[:-1, None])
    bend = chart.derivative_bounds(u[:-1, None], u[1:, None]).second[:, :, 0, 0].magnitude
    size = float(np.sqrt((bend**2).sum(axis=1)).max()) * float(np.diff(u).max()) ** 2 / 8
    return Polygon(points, (size + error) * (1 + 2.0**-40))


def linking_bound(K: Manifold) -> Evidence | None:
    """Lower bound of w_1 from the best point, line or loop found around which a closed curve of K winds; None where
    none is found, or K has no closed curve in R^2 or R^3. CERTIFIED.

    Cost: 0.1 s in the plane, 1 s a curve in R^3.
    """
    if K.ambient_dim not in (2, 3):
        return None
    best: Evidence | None = None
    for i in _closed_curves(K):
        for evidence in _witnesses(K, i):
            if evidence is not None and (best is None or evidence.lower > best.lower):
                best = evidence
    return best


def linked_components_bound(K: Manifold) -> Evidence | None:
    """Lower bound of w_1 from two linked closed curves among the components of a union in R^3: their distance; None
    where no two are linked. CERTIFIED."""
    best: Evidence | None = None
    curves = _closed_curves(K) if K.ambient_dim == 3 else []
    for i, j in itertools.combinations(curves, 2):
        evidence = loop_bound(K, i, K.components[j].chart, f"component {j}", None)
        if evidence is not None and (best is None or evidence.lower > best.lower):
            best = evidence
    return best


def _closed_curves(K: Manifold) -> list[int]:
    return [i for i, p in enumerate(K.components) if p.truth.dimension == 1 and p.truth.closed]


def _witnesses(K: Manifold, i: int) -> Iterator[Evidence | None]:
    part = K.components[i]
    nodes = polygon(part).points
    if K.ambient_dim == 2:
        flat = np.column_stack([nodes, np.zeros(len(nodes))])
        for point, _, _ in line_candidates(flat, plane=True)[:1]:
            yield point_bound(K, i, tuple(point[:2].tolist()))
        return
    lines = line_candidates(nodes)
    for point, direction, _ in lines[:2]:
        yield line_bound(K, i, tuple(point.tolist()), tuple(direction.tolist()))
    reached = lines[0][2] if lines else 0.0
    for center, first, second, distance in loop_candidates(nodes)[:1]:
        if distance > reached * _SHARE:
            yield loop_bound(K, i, _circle(center, first, second), "a circle", tuple(center.tolist()))


def point_bound(K: Manifold, component: int, point: tuple[float, float]) -> Evidence | None:
    """Lower bound of w_1 from a point of the plane; None where its winding number is 0 or the check fails."""
    part = K.components[component]
    formula = part.chart.formula

    def away(parameters: Sequence[Any], ops: Operations) -> list[Any]:
        return [x - p for x, p in zip(formula(parameters, ops), point, strict=True)]

    found, where = least_norm_at(lambda _: away, [part.chart.lower], [part.chart.upper], _TOLERANCE)
    shape = polygon(part)
    if found.lower <= shape.deviation:
        return None
    p = [Fraction(v) for v in point]
    turns = winding_number([(Fraction(float(x)) - p[0], Fraction(float(y)) - p[1]) for x, y in shape.points])
    if not turns:
        return None
    return _evidence(
        K,
        component,
        "winding number",
        found.lower,
        f"a point inside, ({point[0]:.6g}, {point[1]:.6g}), which K goes around {_times(turns)}",
        "the point",
        where,
        {"point": list(point), "winding_number": turns},
    )


def line_bound(K: Manifold, component: int, point: tuple[float, ...], direction: tuple[float, ...]) -> Evidence | None:
    """Lower bound of w_1 from a line of R^3; None where the curve does not wind around it or the check fails."""
    part = K.components[component]
    formula = part.chart.formula
    i = max(range(3), key=lambda a: abs(direction[a]))
    j, k = (i + 1) % 3, (i + 2) % 3

    def away(parameters: Sequence[Any], ops: Operations) -> list[Any]:
        # |(x - p) x v| is |v| times the distance from the line.
        x = [c - p for c, p in zip(formula(parameters, ops), point, strict=True)]
        v = direction
        return [x[(a + 1) % 3] * v[(a + 2) % 3] - x[(a + 2) % 3] * v[(a + 1) % 3] for a in range(3)]

    found, where = least_norm_at(lambda _: away, [part.chart.lower], [part.chart.upper], _TOLERANCE)
    length = math.sqrt(math.fsum(v * v for v in direction)) * (1 + 2.0**-50)
    distance = math.nextafter(found.lower / length, 0.0)
    shape = polygon(part)
    if distance <= shape.deviation:
        return None
    # (x, y, z) -> (v_i x_j - v_j x_i, v_i x_k - v_k x_i) has the direction of the line as its kernel exactly.
    v, p = [Fraction(c) for c in direction], [Fraction(c) for c in point]
    shadow = []
    for row in shape.points.tolist():
        x = [Fraction(c) - q for c, q in zip(row, p, strict=True)]
        shadow.append((v[i] * x[j] - v[j] * x[i], v[i] * x[k] - v[k] * x[i]))
    turns = winding_number(shadow)
    if not turns:
        return None
    through = ", ".join(f"{c:.6g}" for c in point)
    along = ", ".join(f"{c:.6g}" for c in direction)
    return _evidence(
        K,
        component,
        "linking number with a line",
        distance,
        f"the line through ({through}) along ({along}), around which K goes {_times(turns)}",
        "the line",
        where,
        {"point": list(point), "direction": list(direction), "linking_number": turns},
    )


def loop_bound(
    K: Manifold, component: int, loop: Chart, name: str, center: tuple[float, ...] | None
) -> Evidence | None:
    """Lower bound of w_1 from a loop of R^3 given by a chart; None where it is not linked or the check fails."""
    part = K.components[component]
    formula = part.chart.formula

    def away(parameters: Sequence[Any], ops: Operations) -> list[Any]:
        return [x - y for x, y in zip(formula(parameters[:1], ops), loop.formula(parameters[1:], ops), strict=True)]

    sides = 16
    steps = np.stack(np.meshgrid(np.arange(sides), np.arange(sides), indexing="ij"), axis=-1).reshape(-1, 2)
    low, high = (np.array([part.chart.lower[0], loop.lower[0]]), np.array([part.chart.upper[0], loop.upper[0]]))
    edges = low + (high - low) * (np.arange(sides + 1) / sides)[:, None]
    edges[-1] = high
    axes = np.arange(2)
    found, where = least_norm_at(lambda _: away, edges[steps, axes], edges[steps + 1, axes], _LOOP_TOLERANCE)
    shape, other = polygon(part), _polygon(loop, 192)
    if found.lower <= math.nextafter(shape.deviation + other.deviation, math.inf):
        return None
    turns = linking_number(shape.points, other.points)
    if not turns:
        return None
    where_text = "" if center is None else " about (" + ", ".join(f"{c:.6g}" for c in center) + ")"
    return _evidence(
        K,
        component,
        "linking number with a loop",
        found.lower,
        f"{name}{where_text}, with which K is linked {_times(turns)}",
        "the loop",
        where[:1],
        {"linking_number": turns, "loop": other.points[::8].tolist()},
    )


def _circle(center: FloatArray, first: FloatArray, second: FloatArray) -> Chart:
    c, a, b = center.tolist(), first.tolist(), second.tolist()

    def formula(parameters: Sequence[Any], ops: Operations) -> list[Any]:
        turn = 2 * ops.pi * parameters[0]
        x, y = ops.cos(turn), ops.sin(turn)
        return [x * p + y * q + o for o, p, q in zip(c, a, b, strict=True)]

    return curve_chart(formula, closed=True)


def _times(turns: int) -> str:
    return {1: "once", 2: "twice"}.get(abs(turns), f"{abs(turns)} times")


def _evidence(
    K: Manifold,
    component: int,
    name: str,
    value: float,
    what: str,
    short: str,
    where: FloatArray,
    figures: dict[str, Any],
) -> Evidence:
    several = len(K.connected_components) > 1
    return lower_bound(
        name,
        value,
        Rigor.CERTIFIED,
        f"Distance of {f'component {component}' if several else 'K'} from {what}.",
        PROOF.format(what=short),
        DUALITY,
        component=component if several else None,
        witness=pair_witness(K, component, [tuple(where.tolist())], f"the point of K that is nearest to {what}"),
        **figures,
    )
