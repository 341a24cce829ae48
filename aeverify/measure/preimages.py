"""Preimages: how many points of a closed k-manifold share a code, for codes of k numbers.

Let K be a closed k-manifold and E: K -> R^k continuous, smooth or piecewise linear near the preimages of a regular code
z. K is compact and R^k is not, so E misses some code; the number of preimages modulo 2 is the same for all regular
codes (the degree modulo 2), hence 0: almost every code has an even number of preimages. A code that is unique to one
point is impossible but for codes that are not regular, and for a model that reconstructs well off a tear the second
preimage of every good point lies in the tear.

Counted are the preimages of the piecewise linear map through the codes of a triangulated grid of the chart's box, whose
identified sides are evaluated at the same points of K. On a curve the grid is refined where the code moves most. All of
this is EMPIRICAL: preimages closer than the grid are missed, in pairs. A jump of the code between two nodes would be
counted as a crossing; it is told by bisection and not counted. An odd count is a fault of the counter (or a sign of a
jump), never a refutation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.evaluation import encode, generator, require_compatible
from aeverify.measure.search import bisect

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_JUMP = 1e-3
_ROUNDING = 1e-9
_REFINEMENTS = 12

DEGREE = Citation(
    "J. W. Milnor, Topology from the Differentiable Viewpoint, 1965",
    "section 4",
    "the number of preimages modulo 2 is the same for all regular values of a map of closed manifolds",
)


@dataclass(frozen=True, eq=False)
class PreimageCounts:
    """Numbers of preimages of random codes.

    Attributes:
        counts: one a code, over the connected set as a whole, shape (Z,).
        odd: Evidence "odd_preimage_counts": how many of the codes have an odd number; [0, count], EMPIRICAL.
    """

    counts: IntArray
    odd: Evidence

    @property
    def typical(self) -> int:
        """The median number of preimages."""
        return int(np.median(self.counts)) if len(self.counts) else 0


def preimage_counts(
    autoencoder: Autoencoder,
    manifold: Manifold,
    component: int = 0,
    *,
    codes: int = 200,
    nodes: int = 4_096,
    seed: Seed | int = 0,
) -> PreimageCounts:
    """Numbers of preimages, on one component, of random codes: codes of uniform draws of it, moved a little.

    Args:
        autoencoder: a model whose codes have as many numbers as the component has dimensions, 1 or 2.
        manifold: the set K.
        component: index of a closed component with one chart.
        codes: how many codes are tried.
        nodes: about how many points the grid has.
        seed: root of the random stream.

    Returns:
        PreimageCounts. Where no two codes differ there is no regular code, and no counts.

    Raises:
        UsageError: another dimension, a component that is not closed, or a parameter out of range.
        NonFiniteOutputError: NaN or infinity came out on K.

    Cost: `nodes` evaluations of the encoder, and codes x nodes comparisons.
    """
    require_compatible(autoencoder, manifold)
    tried, size = require_count(codes, "number of codes"), require_count(nodes, "number of nodes")
    if not 0 <= component < len(manifold.components):
        raise UsageError(f"{manifold} has components 0 to {len(manifold.components) - 1}, got {component}.")
    part, m = manifold.components[component], autoencoder.latent_dim
    if part.chart.dim not in (1, 2) or m != part.chart.dim or not part.truth.closed:
        raise UsageError(
            f"Preimages are counted on closed curves coded by 1 number and closed surfaces coded by 2; component "
            f"{component} of {manifold} has dimension {part.chart.dim} and the code {m}."
        )
    rng = generator(seed, "measure", "preimage_counts", component)
    sample = part.sample(tried, int(rng.integers(2**31)))
    targets = encode(autoencoder, manifold, sample.points, component, sample.parameters)
    spread = np.ptp(targets, axis=0)
    targets = targets + 1e-6 * spread * rng.standard_normal(targets.shape)
    # a code that varies by rounding alone is constant: it has no regular values
    if not (spread > _ROUNDING * (1.0 + np.abs(targets).max(axis=0))).all():
        targets = targets[:0]
    if m == 1:
        counts = _on_curve(autoencoder, manifold, component, targets.reshape(-1), size)
    else:
        counts = _on_surface(autoencoder, manifold, component, targets.reshape(-1, 2), size)
    wrong = int((counts % 2).sum())
    histogram: dict[str, Any] = {str(k): int((counts == k).sum()) for k in np.unique(counts).tolist()}
    odd = Evidence(
        quantity="odd_preimage_counts",
        interval=Interval(0.0, float(wrong)),
        rigor=Rigor.EMPIRICAL,
        method=(
            f"Upper end: {wrong} of {len(counts)} random codes have an odd number of preimages on a grid of about "
            f"{size} points; an odd number is a fault of the counter, so the lower end is 0."
        ),
        citations=(DEGREE,),
        details={"component": component, "codes": len(counts), "histogram": histogram, "seed": str(seed)},
    )
    return PreimageCounts(counts, odd)


def _on_curve(autoencoder: Autoencoder, manifold: Manifold, component: int, targets: FloatArray, size: int) -> IntArray:
    chart = manifold.components[component].chart

    def code(t: FloatArray) -> FloatArray:
        return encode(autoencoder, manifold, chart.embed(t[:, None]), component, t[:, None])[:, 0]

    nodes = np.linspace(chart.lower[0], chart.upper[0], max(size // 2, 16) + 1)
    values = code(nodes)
    for _ in range(_REFINEMENTS):
        steps = np.abs(np.diff(values))
        steep = np.flatnonzero(steps > 8.0 * (float(np.ptp(values)) / len(values) + 1e-300))
        if not len(steep) or len(nodes) > size:
            break
        middle = (nodes[steep] + nodes[steep + 1]) / 2
        nodes, order = np.unique(np.concatenate([nodes, middle]), return_index=True)
        values = np.concatenate([values, code(middle)])[order]
    # the two ends of the chart are one point of K, which has one code
    values[-1] = values[0]
    counts = np.zeros(len(targets), dtype=np.int64)
    jumps = _jumps(code, nodes, values)
    for i, z in enumerate(targets.tolist()):
        crossing = ((values[:-1] > z) != (values[1:] > z)) & ~jumps
        counts[i] = int(crossing.sum())
    return counts


def _jumps(code: Callable[[FloatArray], FloatArray], nodes: FloatArray, values: FloatArray) -> NDArray[np.bool_]:
    """Which cells hold a jump: their change, if it is large, is still there when the cell is a few floats wide."""
    change = np.diff(values)
    found = np.zeros(len(change), dtype=bool)
    steep = np.flatnonzero(np.abs(change) > 0.05 * float(np.ptp(values)))
    if not len(steep):
        return found
    middle = (values[steep] + values[steep + 1]) / 2
    levels = dict(zip(nodes[steep].tolist(), middle.tolist(), strict=True))
    for i in steep.tolist():
        level = levels[float(nodes[i])]
        a, b = bisect(_less(code, level), nodes[i : i + 1], nodes[i + 1 : i + 2])
        ends = code(np.concatenate([a, b]))
        found[i] = abs(float(ends[1] - ends[0])) > _JUMP * float(np.ptp(values))
    return found


def _less(code: Callable[[FloatArray], FloatArray], level: float) -> Callable[[FloatArray], FloatArray]:
    return lambda t: code(t) - level


def _on_surface(
    autoencoder: Autoencoder, manifold: Manifold, component: int, targets: FloatArray, size: int
) -> IntArray:
    chart = manifold.components[component].chart
    cells = max(8, int(size**0.5))
    axes = [np.linspace(a, b, cells + 1) for a, b in zip(chart.lower, chart.upper, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    u = grid.reshape(-1, 2)
    z = encode(autoencoder, manifold, chart.embed(u), component, u).reshape(cells + 1, cells + 1, 2)
    a, b, c, d = z[:-1, :-1], z[1:, :-1], z[1:, 1:], z[:-1, 1:]
    triangles = np.concatenate([np.stack([a, b, c], axis=2), np.stack([a, c, d], axis=2)]).reshape(-1, 3, 2)
    counts = np.zeros(len(targets), dtype=np.int64)
    for i, target in enumerate(targets):
        counts[i] = int(_holds(triangles, target).sum())
    return counts


def _holds(triangles: FloatArray, z: FloatArray) -> NDArray[np.bool_]:
    """Which triangles (T, 3, 2) hold the point z, by ray crossings: each edge counts for the same side in both of its
    triangles, so that none is counted twice or left out."""
    inside = np.zeros(len(triangles), dtype=bool)
    for k in range(3):
        p, q = triangles[:, k], triangles[:, (k + 1) % 3]
        spans = (p[:, 1] > z[1]) != (q[:, 1] > z[1])
        with np.errstate(divide="ignore", invalid="ignore"):
            x = p[:, 0] + (z[1] - p[:, 1]) * (q[:, 0] - p[:, 0]) / (q[:, 1] - p[:, 1])
        inside ^= spans & (x > z[0])
    return inside
