"""Convex bodies: w_{n-1} is half the minimal width, of the body and of its boundary alike.

**Theorem.** Let C in R^n, n >= 2, be compact and convex with minimal width w (the least distance of two parallel
supporting hyperplanes), and K = C or its boundary. Then w_{n-1}(K) = w / 2.

*At least*: let C be strictly convex, p(u) the boundary point with outer normal u. Borsuk and Ulam, for u -> E(p(u)),
give E(p(u)) = E(p(-u)) for some u; and |p(u) - p(-u)| >= width(u) >= w. In general add a ball of radius d and round:
boundaries of strictly convex bodies near C are homeomorphic to that of C by a map that moves points little, widths are
continuous, and sup errors change by no more than points move. For the body use the rule of subsets. *At most*: a
projection along the direction of least width errs by half of it.

Which sets are convex is known in two ways here. Segments, balls and their products, and transforms of them, are convex
bodies; a product of boxes and balls holds products of balls of dimension m + 1 whose least half width is the
(m + 1)-th largest half side, so w_m is at least that. A plane curve is convex if it is closed, without double points
and of curvature without zeros, which interval boxes prove.

**The minimal width of a curve from below.** For unit vectors v between n_k and n_{k+1}, v = (a n_k + b n_{k+1}) with
a, b >= 0 and a + b >= 1; so for any two points p, q of K with (p - q) n >= t at both ends, (p - q) v >= t too. With
one pair for each of the intervals into which directions n_k cut a half turn, the least t is a lower bound of the
width in all directions. A pair that is best in the middle of the interval loses only to second order.
"""

from __future__ import annotations

import math

import numpy as np

from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.manifolds import Manifold, certified_points
from aeverify.manifolds.arcs import Segment
from aeverify.manifolds.chart import Chart
from aeverify.manifolds.discs import Ball
from aeverify.manifolds.enclosed import times
from aeverify.manifolds.intervals import IntervalArray
from aeverify.manifolds.products import Product
from aeverify.manifolds.transforms import Transformed
from aeverify.widths.method import lower_bound, pair_witness

_NODES = 2048
_DIRECTIONS = 1024
_CELLS = 512
_MOST_CELLS = 1 << 14

BORSUK_ULAM = Citation(
    "Borsuk 1933, Drei Sätze über die n-dimensionale euklidische Sphäre",
    "Satz II; derived in aeverify.widths.convex",
    "opposite boundary points of a convex body share a code, and are at least the minimal width apart",
)


def minimal_width_bound(part: Manifold, latent_dim: int) -> Evidence | None:
    """Lower bound of the width of a convex body, or of a convex plane curve, from half a minimal width; None where the
    set is not known to be convex or m is not below its dimension. EXACT for products of segments and balls, else
    CERTIFIED.

    Cost: closed forms; 0.1 s for a plane curve.
    """
    sides = _half_sides(part)
    if sides is not None:
        if latent_dim >= len(sides):
            return None
        half = sorted(sides, key=lambda s: -s.lower)[latent_dim]
        return lower_bound(
            "minimal width",
            half.lower,
            Rigor.EXACT if half.is_exact else Rigor.CERTIFIED,
            f"Half the minimal width of a convex body of dimension {latent_dim + 1} in K.",
            "Opposite boundary points of that body share a code for some normal direction (Borsuk and Ulam), and are "
            "at least the minimal width apart.",
            BORSUK_ULAM,
        )
    if latent_dim == 1 and part.ambient_dim == 2 and part.truth.dimension == 1 and part.truth.closed:
        return _curve(part) if is_convex_curve(part.chart) else None
    return None


def _half_sides(part: Manifold) -> list[Interval] | None:
    """Half widths of a product of segments and balls along the axes of a frame; None of other sets."""
    if isinstance(part, Segment):
        return [Interval.exactly(part.length / 2)]
    if isinstance(part, Ball):
        return [Interval.exactly(part.radius)] * part.dim
    if isinstance(part, Product):
        found = [_half_sides(f) for f in part.factors]
        return None if None in found else [s for sides in found if sides is not None for s in sides]
    if isinstance(part, Transformed):
        base = _half_sides(part.base)
        return None if base is None else [times(s, part.factor) if part.factor != 1 else s for s in base]
    return None


def is_convex_curve(chart: Chart) -> bool:
    """Whether interval boxes prove that the curvature of a closed plane curve has no zero; then a curve without double
    points is convex."""
    low, high = chart.lower[0], chart.upper[0]
    edges = low + (high - low) * (np.arange(_CELLS + 1) / _CELLS)
    edges[-1] = high
    a, b = edges[:-1], edges[1:]
    sign = 0
    while len(a) <= _MOST_CELLS:
        d = chart.derivative_bounds(a[:, None], b[:, None])
        turn: IntervalArray = d.first[:, 0, 0] * d.second[:, 1, 0, 0] - d.first[:, 1, 0] * d.second[:, 0, 0, 0]
        if sign == 0:
            sign = 1 if float(np.median(turn.middle)) > 0 else -1
        if bool(((turn.upper if sign > 0 else -turn.lower) <= 0).any()):
            return False
        open_ = (turn.lower if sign > 0 else -turn.upper) <= 0
        if not open_.any():
            return True
        middle = 0.5 * a[open_] + 0.5 * b[open_]
        a, b = np.concatenate([a[open_], middle]), np.concatenate([middle, b[open_]])
        if float((b - a).min()) < 2.0**-30 * (high - low):
            return False
    return False


def _curve(part: Manifold) -> Evidence:
    chart = part.chart
    low, high = chart.lower[0], chart.upper[0]
    u = low + (high - low) * (np.arange(_NODES) / _NODES)
    x, error = certified_points(chart, u[:, None])
    angles = math.pi * np.arange(_DIRECTIONS + 1) / _DIRECTIONS
    normals = np.column_stack([np.cos(angles), np.sin(angles)])
    normals[-1] = -normals[0]
    half = math.pi / _DIRECTIONS / 2
    middles = np.column_stack([np.cos(angles[:-1] + half), np.sin(angles[:-1] + half)])
    along = x @ middles.T
    p, q = along.argmax(axis=0), along.argmin(axis=0)
    chord = x[p] - x[q]
    ends = np.minimum((chord * normals[:-1]).sum(axis=1), (chord * normals[1:]).sum(axis=1))
    k = int(ends.argmin())
    # Normals have length 1 up to 2^-51; products and sums are off by a few units of 2^-53 of the coordinates.
    value = float(ends[k]) * (1 - 2.0**-48) - (2 * error + float(np.abs(x).max()) * 2.0**-48)
    direction = [float(v) for v in middles[k]]
    return lower_bound(
        "minimal width",
        value / 2,
        Rigor.CERTIFIED,
        f"Half the minimal width of the convex curve, bounded below in all directions by {_DIRECTIONS} pairs of its "
        "points.",
        "The curve is convex: its curvature has no zero. Points with opposite normals share a code for some direction "
        "(Borsuk and Ulam), and are at least the minimal width apart.",
        BORSUK_ULAM,
        witness=pair_witness(
            part,
            0,
            [(float(u[p[k]]),), (float(u[q[k]]),)],
            f"farthest points along ({direction[0]:.6g}, {direction[1]:.6g}), where the curve is about least wide",
        ),
        directions=_DIRECTIONS,
    )
