"""Sampling: random points that are uniform in the intrinsic measure, and grids that provably cover, for any chart.

**Uniform draws.** Let J be the chart's Jacobian. The intrinsic measure has density sqrt(det J^T J) on the parameter
box, and Hadamard's inequality bounds it by prod_i |dx/du_i| <= prod_i speed_i, a proved envelope. So a parameter drawn
uniformly from the box and kept with probability sqrt(det J^T J) / prod_i speed_i is exactly uniform on the set, up to
the rounding of the density (about 1e-16 relative) and the 53 bits of the generator. The expected share that is kept
is volume / (prod_i speed_i x volume of the box): 1 for a circle, at least 2/pi for any ellipse.

**Covering.** A path that changes one parameter at a time has length at most sum_i speed_i |change of u_i|. So a grid
in which every parameter of the box is within r_i of a node's covers the set within sum_i speed_i r_i.
"""

from __future__ import annotations

import math

import numpy as np

from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed
from aeverify.manifolds.base import Manifold, Sample, as_seed, require_count
from aeverify.manifolds.chart import Chart, FloatArray

_BATCH = 1_000_000


def evaluation_error(chart: Chart, points: FloatArray) -> float:
    """Upper bound of the distance between points computed by `Chart.embed` and the exact ones.

    Assumes a formula of a few dozen operations and elementary functions correct within 4 units in the last place:
    each coordinate is then off by fewer than 16 units in the last place of the largest coordinate on the set (which is
    at most that of `points` plus the length of a path to the farthest point) or of the largest speed.
    """
    sides = zip(chart.speed, chart.lower, chart.upper, strict=True)
    scale = float(np.abs(points).max(initial=0.0)) + sum(s * max(1.0, high - low) for s, low, high in sides)
    return 16 * 2.0**-52 * math.sqrt(points.shape[1]) * scale


def _rounded_up(value: float) -> float:
    """A bound that was computed with fewer than 64 roundings, as an upper bound."""
    return value * (1.0 + 2.0**-46) if value else 0.0


def covering_radius(chart: Chart, parameters: FloatArray) -> Interval:
    """[0, upper bound] of the covering radius of the points of these parameters (N, d) in the chart's set.

    One parameter: between neighbours every point is within half the gap of one of them, before the first and after the
    last within the whole gap (on a periodic chart there is no first and no last); times the speed bound. More
    parameters: [0, inf), nothing is proved. Includes the rounding of the computed points. Cost: a sort.
    """
    if chart.dim != 1:
        return Interval(0.0, math.inf)
    u = np.sort(np.asarray(parameters, dtype=np.float64)[:, 0])
    low, high = chart.lower[0], chart.upper[0]
    gap = float(np.diff(u).max(initial=0.0)) / 2
    outer = (u[0] - low) + (high - u[-1])
    gap = max(gap, outer / 2 if chart.periodic[0] else max(u[0] - low, high - u[-1]))
    points = chart.embed(u[[0, -1]][:, None])
    return Interval(0.0, _rounded_up(chart.speed[0] * gap) + evaluation_error(chart, points))


def draw_parameters(chart: Chart, n: int, rng: np.random.Generator) -> FloatArray:
    """n independent parameters (n, d) whose points are uniform in the intrinsic measure; see the module. Cost: linear
    in n over the share that is kept."""
    low, length = np.array(chart.lower), np.array(chart.upper) - np.array(chart.lower)
    speed = np.array(chart.speed)
    kept: list[FloatArray] = []
    missing = n
    while missing > 0:
        size = min(_BATCH, 64 + missing + missing // 2)
        u = low + length * rng.random((size, chart.dim))
        tangents = chart.jacobian(u) / speed
        if chart.dim == 1:
            density = np.linalg.norm(tangents[:, :, 0], axis=1)
        else:
            gram = np.einsum("nij,nik->njk", tangents, tangents)
            density = np.sqrt(np.maximum(np.linalg.det(gram), 0.0))
        kept.append(u[rng.random(size) < density][:missing])
        missing -= len(kept[-1])
    return np.concatenate(kept)


def sample_uniformly(manifold: Manifold, n: int, seed: Seed | int) -> Sample:
    """n independent points of a connected manifold, uniform in its intrinsic measure, by `draw_parameters`.

    Raises:
        UsageError: n is not a count, or the seed is no seed.
    """
    n, seed = require_count(n), as_seed(seed)
    chart = manifold.chart
    u = draw_parameters(chart, n, np.random.Generator(np.random.PCG64(seed.value)))
    return Sample(
        points=chart.embed(u),
        parameters=u,
        component=np.zeros(n, dtype=np.int64),
        covering_radius=covering_radius(chart, u),
        method=f"{n} independent draws, uniform in the intrinsic measure, seed {seed}",
    )


def regular_grid(manifold: Manifold, n: int) -> Sample:
    """About n points of a connected manifold on a grid of its parameter box; exactly n on a curve.

    A periodic parameter is cut into N steps from its lower end, another one into N cells with a node in the middle of
    each; every parameter is then within half a step of a node's, and the covering radius is at most
    sum_i speed_i step_i / 2. The numbers N_i are in proportion to speed_i times the length of side i.

    Raises:
        UsageError: n is not a count.
    """
    n = require_count(n, "grid size")
    chart = manifold.chart
    extents = [s * (b - a) for s, a, b in zip(chart.speed, chart.lower, chart.upper, strict=True)]
    scale = (n / math.prod(extents)) ** (1 / chart.dim) if chart.dim > 1 else n / extents[0]
    counts = [n] if chart.dim == 1 else [max(1, round(scale * extent)) for extent in extents]
    axes, radius = [], 0.0
    for low, high, periodic, speed, count in zip(
        chart.lower, chart.upper, chart.periodic, chart.speed, counts, strict=True
    ):
        offset = 0.0 if periodic else 0.5
        axes.append(low + (high - low) * ((np.arange(count) + offset) / count))
        radius += speed * (high - low) / count / 2
    u = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, chart.dim)
    points = chart.embed(u)
    return Sample(
        points=points,
        parameters=u,
        component=np.zeros(len(u), dtype=np.int64),
        covering_radius=Interval(0.0, _rounded_up(radius) + evaluation_error(chart, points)),
        method=f"regular grid of {' x '.join(map(str, counts))} parameters",
    )
