"""Sampling: random points that are uniform in the intrinsic measure, and grids that provably cover, for any chart.

**Uniform draws.** Let J be the chart's Jacobian. The intrinsic measure has density sqrt(det J^T J) on the parameter
box, and Hadamard's inequality bounds it by prod_i |dx/du_i| <= prod_i speed_i, a proved envelope. So a parameter drawn
uniformly from the box and kept with probability sqrt(det J^T J) / prod_i speed_i is exactly uniform on the set, up to
the rounding of the density (about 1e-16 relative) and the 53 bits of the generator. The expected share that is kept
is volume / (prod_i speed_i x volume of the box): 1 for a circle, at least 2/pi for any ellipse. Families that know a
map of the unit cube to their chart that takes the uniform law to theirs (`ConnectedManifold.transport`) use that.

**Stratified and quasi-random points** have the same law on average, and spread more evenly than independent ones; they
are not independent, so no confidence interval may be computed from them. With a transport: n points of the cube, one
uniform in each of prod k_i <= n equal cells and the rest uniform in the cube, or the first n of a scrambled Sobol
sequence, are transported. Without: the points are proposals in the parameter box with one coordinate more, kept where
that coordinate is below the density over its envelope; about n of them are kept.

**Covering.** A path that changes one parameter at a time has length at most sum_i speed_i |change of u_i|. So a grid
in which every parameter of the box is within r_i of a node's covers the set within sum_i speed_i r_i. Where the partial
derivatives are orthogonal the straight path in the box has length at most sqrt(sum_i (speed_i r_i)^2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold, Sample, require_count
from aeverify.manifolds.chart import Chart, FloatArray

if TYPE_CHECKING:
    from aeverify.manifolds.connected import ConnectedManifold

METHODS = ("uniform", "stratified", "sobol")
_BATCH = 1_000_000
_MOST_PROPOSALS = 20_000_000


def evaluation_error(chart: Chart, points: FloatArray) -> float:
    """Upper bound of the distance between points computed by `Chart.embed` and the exact ones.

    Assumes elementary functions correct within 4 units in the last place and a formula of a few dozen operations (or
    `Chart.rounding` for longer ones): each coordinate is then off by fewer than 16 units (`Chart.rounding`) in the last
    place of the largest coordinate on the set (which is at most that of `points` plus the length of a path to the
    farthest point) or of the largest speed.
    """
    sides = zip(chart.speed, chart.lower, chart.upper, strict=True)
    scale = float(np.abs(points).max(initial=0.0)) + sum(s * max(1.0, high - low) for s, low, high in sides)
    return chart.rounding * 2.0**-52 * math.sqrt(points.shape[1]) * scale


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


def relative_density(chart: Chart, parameters: FloatArray) -> FloatArray:
    """Density of the intrinsic measure at parameters (N, d) over its envelope prod_i speed_i: shape (N,), at most 1."""
    tangents = chart.jacobian(parameters) / np.array(chart.speed)
    if chart.dim == 1 or chart.orthogonal:
        lengths: FloatArray = np.sqrt(np.einsum("nij,nij->nj", tangents, tangents))
        density: FloatArray = np.prod(lengths, axis=1)
        return density
    gram = np.einsum("nij,nik->njk", tangents, tangents)
    root: FloatArray = np.sqrt(np.maximum(np.linalg.det(gram), 0.0))
    return root


def draw_parameters(chart: Chart, n: int, rng: np.random.Generator) -> FloatArray:
    """n independent parameters (n, d) whose points are uniform in the intrinsic measure; see the module. Cost: linear
    in n over the share that is kept."""
    low, length = np.array(chart.lower), np.array(chart.upper) - np.array(chart.lower)
    kept: list[FloatArray] = []
    missing = n
    while missing > 0:
        size = min(_BATCH, 64 + missing + missing // 2)
        u = low + length * rng.random((size, chart.dim))
        kept.append(u[rng.random(size) < relative_density(chart, u)][:missing])
        missing -= len(kept[-1])
    return np.concatenate(kept)


def spread_points(n: int, dim: int, method: str, rng: np.random.Generator) -> FloatArray:
    """n points (n, dim) of the unit cube, each uniform: "stratified" (one in each of prod k_i <= n equal cells, the
    rest anywhere) or "sobol" (the first n of a scrambled Sobol sequence)."""
    if method == "sobol":
        from scipy.stats import qmc

        power = max(0, math.ceil(math.log2(n)))
        found: FloatArray = qmc.Sobol(dim, scramble=True, rng=rng).random_base2(power)[:n]
        return found
    counts = np.ones(dim, dtype=np.int64)
    counts[:] = max(1, int(n ** (1 / dim)))
    while math.prod(int(c) for c in counts) > n:
        counts[int(counts.argmax())] -= 1
    for axis in range(dim):
        others = math.prod(int(c) for c in np.delete(counts, axis))
        counts[axis] = max(int(counts[axis]), n // others)
    cells = math.prod(int(c) for c in counts)
    index = np.stack(np.unravel_index(np.arange(cells), tuple(int(c) for c in counts)), axis=1)
    return np.concatenate([(index + rng.random((cells, dim))) / counts, rng.random((n - cells, dim))])


def sample_connected(manifold: ConnectedManifold, n: int, seed: Seed | int, method: str = "uniform") -> Sample:
    """Random points of a connected manifold, uniform in its intrinsic measure; see the module.

    Args:
        manifold: where the points are drawn.
        n: how many; about n for the methods that spread, on a family without `transport`.
        seed: of the draws.
        method: "uniform" (independent points), "stratified" or "sobol" (spread points, not independent).

    Raises:
        UsageError: n is not a count, the seed is no seed, there is no such method, or it needs too many proposals.
    """
    n, seed = require_count(n), as_seed(seed)
    if method not in METHODS:
        raise UsageError(f"The method of sampling must be one of {', '.join(METHODS)}, got {method!r}.")
    chart = manifold.chart
    rng = np.random.Generator(np.random.PCG64(seed.value))
    if method == "uniform":
        u = manifold.draw(n, rng)
        words = f"{n} independent draws, uniform in the intrinsic measure, seed {seed}"
    else:
        u, words = _spread(manifold, n, method, rng)
        words = f"{len(u)} {words} points, uniform in the intrinsic measure on average, not independent, seed {seed}"
    return Sample(
        points=chart.embed(u),
        parameters=u,
        component=np.zeros(len(u), dtype=np.int64),
        covering_radius=covering_radius(chart, u),
        method=words,
    )


def _spread(manifold: ConnectedManifold, n: int, method: str, rng: np.random.Generator) -> tuple[FloatArray, str]:
    chart = manifold.chart
    words = "scrambled Sobol" if method == "sobol" else "stratified"
    if manifold.transport(np.empty((0, chart.dim))) is not None:
        u = manifold.transport(spread_points(n, chart.dim, method, rng))
        assert u is not None
        return u, words
    low, length = np.array(chart.lower), np.array(chart.upper) - np.array(chart.lower)
    share = manifold.truth.volume.lower / (math.prod(chart.speed) * math.prod(length))
    if n > share * _MOST_PROPOSALS:
        raise UsageError(
            f"{n} {words} points on {manifold} would take {n / share:.3g} proposals, more than {_MOST_PROPOSALS}: "
            'ask for fewer points, or for method="uniform".'
        )
    proposals = spread_points(math.ceil(n / share), chart.dim + 1, method, rng)
    u = low + length * proposals[:, :-1]
    keep = np.zeros(len(u), dtype=bool)
    for start in range(0, len(u), _BATCH):
        rows = slice(start, start + _BATCH)
        keep[rows] = proposals[rows, -1] < relative_density(chart, u[rows])
    if not keep.any():
        return manifold.draw(1, rng), words
    return u[keep], f"{words} (by rejection)"


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
    axes, reached = [], []
    for low, high, periodic, speed, count in zip(
        chart.lower, chart.upper, chart.periodic, chart.speed, counts, strict=True
    ):
        offset = 0.0 if periodic else 0.5
        axes.append(low + (high - low) * ((np.arange(count) + offset) / count))
        reached.append(speed * (high - low) / count / 2)
    radius = math.hypot(*reached) if chart.orthogonal else math.fsum(reached)
    u = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, chart.dim)
    points = chart.embed(u)
    return Sample(
        points=points,
        parameters=u,
        component=np.zeros(len(u), dtype=np.int64),
        covering_radius=Interval(0.0, _rounded_up(radius) + evaluation_error(chart, points)),
        method=f"regular grid of {' x '.join(map(str, counts))} parameters",
    )


def sample_parts(K: Manifold, n: int, seed: Seed | int, method: str = "uniform") -> Sample:
    """Random points of a set with several `components`, which may overlap in a null set.

    "uniform": n independent points, the component of each drawn in proportion to the volumes (middles of their
    enclosures: the law is off in total variation by at most the largest relative width), then the point in it.
    Another method: the points are shared out in proportion to the volumes, at least one a component, and spread on
    each. Parameters are padded with zeros to the largest dimension.

    Raises:
        UsageError: as `sample_connected`.
    """
    n, seed = require_count(n), as_seed(seed)
    parts = K.components
    if method != "uniform":
        spread = [
            part.sample(max(1, round(n * share)), seed.child("component", i), method=method)
            for i, (part, share) in enumerate(zip(parts, _shares(parts), strict=True))
        ]
        return _joined(spread, f"of each component: {spread[0].method}")
    rng = np.random.Generator(np.random.PCG64(seed.value))
    component = rng.choice(len(parts), size=n, p=_shares(parts)).astype(np.int64)
    counts = np.bincount(component, minlength=len(parts))
    drawn = [
        part.sample(int(c), seed.child("component", i)) if c else None
        for i, (part, c) in enumerate(zip(parts, counts, strict=True))
    ]
    points = np.empty((n, K.ambient_dim))
    parameters = np.full((n, max(part.chart.dim for part in parts)), 0.0)
    radius = 0.0
    for i, sample in enumerate(drawn):
        if sample is None:
            radius = math.inf
            continue
        rows = component == i
        points[rows] = sample.points
        parameters[rows, : sample.parameters.shape[1]] = sample.parameters
        radius = max(radius, sample.covering_radius.upper)
    words = f"{n} independent draws, uniform in the intrinsic measure of {len(drawn)} components, seed {seed}"
    return Sample(points, parameters, component, Interval(0.0, radius), words)


def grid_of_parts(K: Manifold, n: int) -> Sample:
    """A deterministic grid of about n points of a set with several `components`, at least one a component, shared out
    in proportion to the volumes; its covering radius is the largest of the components'.

    Raises:
        UsageError: n is not a count.
    """
    n = require_count(n, "grid size")
    parts = K.components
    grids = [part.grid(max(1, round(n * share))) for part, share in zip(parts, _shares(parts), strict=True)]
    return _joined(grids, f"regular grids of {', '.join(str(len(g)) for g in grids)} points, one a component")


def _shares(parts: Sequence[Manifold]) -> list[float]:
    volumes = [v.lower + (v.upper - v.lower) / 2 for v in (part.truth.volume for part in parts)]
    total = math.fsum(volumes)
    return [v / total for v in volumes]


def _joined(samples: Sequence[Sample], method: str) -> Sample:
    """One sample of one a component; parameters are padded with zeros to the largest dimension."""
    width = max(s.parameters.shape[1] for s in samples)
    return Sample(
        points=np.concatenate([s.points for s in samples]),
        parameters=np.concatenate(
            [np.pad(s.parameters, ((0, 0), (0, width - s.parameters.shape[1]))) for s in samples]
        ),
        component=np.repeat(np.arange(len(samples)), [len(s) for s in samples]).astype(np.int64),
        covering_radius=Interval(0.0, max(s.covering_radius.upper for s in samples)),
        method=method,
    )
