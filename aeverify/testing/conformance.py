"""Conformance of a manifold: what it says of itself held against its own chart, part by part.

`check_manifold` runs every part on any `Manifold`, of the catalog or of a third party; each part can be run alone. A
part that fails raises AssertionError with the spec, what was found and what was said. The parts look at samples: they
can refute what a manifold says of itself, and prove nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np

from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.manifolds import Chart, Manifold, included, manifold, moved, scaled
from aeverify.manifolds.base import INFINITE
from aeverify.manifolds.chart import FloatArray

_NODES = 40_000
_LARGEST_GRID_DIM = 3
_ROUNDING = 1e-9


def check_manifold(
    K: Manifold | str, *, rebuild: Callable[[str], Manifold] = manifold, seed: Seed | int = 0, transforms: bool = True
) -> None:
    """Run every part on a manifold.

    Args:
        K: the manifold, or its specification.
        rebuild: makes a manifold of its specification; that of a third party's own families where K is one of them.
        seed: of the samples that the parts look at.
        transforms: whether to check the transforms of K too, where there are any: `aeverify.manifold` must know its
            family, and each connected component must have one chart.

    Raises:
        AssertionError: a part fails.

    Cost: about a tenth of a second, plus what the truth of K costs.
    """
    __tracebackhide__ = True
    K = rebuild(K) if isinstance(K, str) else K
    check_spec(K, rebuild=rebuild)
    for part in PARTS:
        part(K, seed=seed)
    if transforms and K.connected_components == K.components:
        check_transforms(K, seed=seed)


def check_spec(K: Manifold, *, rebuild: Callable[[str], Manifold] = manifold) -> None:
    """The one line that names K rebuilds it: an equal manifold with the same line and the same points.

    Raises:
        AssertionError: it does not.
    """
    text = str(K)
    _require(bool(text) and "\n" not in text, K, f"its specification is one line, got {text!r}")
    again = rebuild(text)
    _require(str(again) == text, K, f"its specification rebuilds {again} instead")
    _require(again == K and hash(again) == hash(K), K, "the rebuilt set is not equal to it")
    same = np.array_equal(again.grid(9).points, K.grid(9).points)
    _require(same, K, "the set that its specification rebuilds has other points")


def check_chart(K: Manifold, *, seed: Seed | int = 0) -> None:
    """The charts and the truth speak of the same set: dimensions; speeds that bound the tangents; orthogonality and
    periods that were promised; points within the diameter, the circumradius and the inner radius.

    Raises:
        AssertionError: they do not.
    """
    truth = K.truth
    dims = [part.chart.dim for part in K.components]
    connected = len(K.connected_components)
    _require(connected == truth.components, K, f"{connected} components, and {truth.components} in its truth")
    _require(max(dims) == truth.dimension, K, f"charts of dimensions {dims}, truth of dimension {truth.dimension}")
    for part in K.components:
        chart = part.chart
        u = _parameters(chart, 500, _rng(seed, "chart"))
        x, tangents = chart.embed(u), chart.jacobian(u)
        _require(x.shape[1] == K.ambient_dim, K, f"points of R^{x.shape[1]} in R^{K.ambient_dim}")
        _require(bool(np.isfinite(x).all() and np.isfinite(tangents).all()), K, "finite points and tangents")
        speed = np.linalg.norm(tangents, axis=1).max(axis=0)
        ok = bool((speed <= np.array(chart.speed) * (1 + 1e-12)).all())
        _require(ok, K, f"tangents of lengths up to {speed.tolist()}, above the speed bounds {chart.speed}")
        if chart.orthogonal:
            gram = np.einsum("nij,nik->njk", tangents, tangents) / np.outer(chart.speed, chart.speed)
            off = float(np.abs(gram - np.eye(chart.dim) * gram).max())
            _require(off < 1e-11, K, f"partial derivatives are orthogonal, found an inner product of {off:.3g}")
        scale = float(np.abs(x).max()) + 1e-300
        for i, periodic in enumerate(chart.periodic):
            if periodic:
                beyond = u.copy()
                beyond[:, i] += chart.upper[i] - chart.lower[i]
                apart = float(np.abs(chart.embed(beyond) - chart.embed(chart.wrap(beyond))).max())
                _require(apart <= 1e-10 * scale, K, f"parameter {i} is periodic, found points {apart:.3g} apart")
    x = np.concatenate([K.grid(300).points, K.sample(200, _seed(seed, "extent")).points])
    apart = max(float(np.linalg.norm(x - p, axis=1).max()) for p in x)
    slack = _ROUNDING * (float(np.abs(x).max()) + apart)
    _require(apart <= truth.diameter.upper + slack, K, f"points {apart:.9g} apart, diameter {truth.diameter}")
    _require(truth.diameter.lower <= 2 * truth.circumradius.upper + slack, K, "the diameter is at most two circumradii")
    jung = truth.diameter.upper * math.sqrt(K.ambient_dim / (2 * K.ambient_dim + 2))
    _require(truth.circumradius.lower <= jung + slack, K, f"circumradius {truth.circumradius}, by Jung at most {jung}")
    covered = K.grid(300).covering_radius.upper
    _require(
        truth.diameter.lower <= apart + 2 * covered + slack, K, f"diameter {truth.diameter}, found at most {apart:.9g}"
    )
    if truth.symmetry_center is not None:
        away = np.linalg.norm(x - np.array(truth.symmetry_center), axis=1)
        _require(float(away.max()) <= truth.circumradius.upper + slack, K, "points beyond the circumradius")
        if truth.inner_radius is not None:
            _require(float(away.min()) >= truth.inner_radius.lower - slack, K, "points within the inner radius")


def check_tangents(K: Manifold, *, seed: Seed | int = 0) -> None:
    """The Jacobian of each chart is the derivative of its embedding, by central differences.

    Raises:
        AssertionError: it is not.
    """
    for part in K.components:
        chart = part.chart
        u = _parameters(chart, 16, _rng(seed, "tangents"), margin=0.1)
        found = chart.jacobian(u)
        size = float(np.abs(chart.embed(u)).max())
        for i, (low, high) in enumerate(zip(chart.lower, chart.upper, strict=True)):
            step = np.zeros(chart.dim)
            step[i] = 1e-6 * (high - low)
            expected = (chart.embed(u + step) - chart.embed(u - step)) / (2 * step[i])
            off = float(np.abs(found[:, :, i] - expected).max()) / chart.speed[i]
            slack = 1e-6 + 1e-9 * size / (chart.speed[i] * (high - low))
            _require(off <= slack, K, f"the derivative by parameter {i} is off by {off:.3g} of its largest length")


def check_volume(K: Manifold, *, seed: Seed | int = 0) -> None:
    """The volume is the integral of the area element: by quadrature up to dimension 3, else by independent points with
    six standard errors; of each component, and of the whole.

    Raises:
        AssertionError: it is not.
    """
    whole, slack = 0.0, 0.0
    for part in K.components:
        volume, error = _integrate(part.chart, _rng(seed, "volume"))
        _require(_near(part.truth.volume, volume, error), K, f"area {volume:.9g} of {part}, said {part.truth.volume}")
        whole, slack = whole + volume, slack + error
    _require(_near(K.truth.volume, whole, slack), K, f"area {whole:.9g} by its chart, said {K.truth.volume}")


def check_sampler(K: Manifold, *, seed: Seed | int = 0, n: int = 4000, alpha: float = 1e-4) -> None:
    """Samples lie on the set where their parameters say, and cells get points in proportion to their measure.

    Each parameter is cut where the measure of what lies before it is a whole number of equal parts; chi-square over the
    cells, whose measures come from quadrature.

    Args:
        K: the manifold.
        seed: of the sample.
        n: points.
        alpha: the chance that a right sampler is refused, for each component.

    Raises:
        AssertionError: the sample is not uniform in the intrinsic measure, or not on the set.
    """
    from scipy import stats

    sample = K.sample(n, _seed(seed, "sampler"))
    _require(len(sample) == n, K, f"{n} points, got {len(sample)}")
    parts = K.components
    volumes = np.array([_integrate(part.chart, _rng(seed, "volume"))[0] for part in parts])
    if len({part.chart.dim for part in parts}) == 1 and len(parts) > 1:
        counts = np.bincount(sample.component, minlength=len(parts))
        p = float(stats.chisquare(counts, n * volumes / volumes.sum()).pvalue)
        _require(
            p >= alpha, K, f"components get {counts.tolist()} points, their volumes {volumes.tolist()} (p={p:.2g})"
        )
    for i, part in enumerate(parts):
        chart, rows = part.chart, sample.component == i
        u = sample.parameters[rows][:, : chart.dim]
        if not len(u):
            continue
        off = float(np.abs(chart.embed(u) - sample.points[rows]).max())
        _require(off <= 1e-11 * (1e-300 + float(np.abs(sample.points).max())), K, f"points {off:.3g} off its chart")
        p = _uniformity(chart, u, _rng(seed, "cells"))
        _require(p >= alpha, K, f"a sample of {part} is not uniform in the intrinsic measure (p={p:.2g})")


def check_topology(K: Manifold, *, seed: Seed | int = 0) -> None:
    """Betti numbers agree with each other: b_0 counts components, the Euler characteristic is the same over every field
    and 0 for closed sets of odd dimension, and a closed connected manifold obeys Poincare duality (over Z/2, or
    over any field if it is orientable; else its top Betti number over Q is 0). Of a union they add up.

    Raises:
        AssertionError: they do not.
    """
    for part in {K, *K.connected_components}:
        truth = part.truth
        euler = {}
        for field, betti in truth.betti.items():
            _require(betti[0] == truth.components, K, f"b_0 = {betti[0]} over {field}, {truth.components} components")
            _require(len(betti) == truth.dimension + 1, K, f"{len(betti)} Betti numbers in dimension {truth.dimension}")
            euler[field] = sum((-1) ** j * b for j, b in enumerate(betti))
            if truth.closed and truth.components == 1:
                dual = truth.orientable or field == "Z/2"
                _require(betti[-1] == dual, K, f"top Betti number {betti[-1]} over {field}")
                _require(not dual or betti == betti[::-1], K, f"Poincare duality, got {betti} over {field}")
            if not truth.closed and truth.components == 1:
                _require(betti[-1] == 0, K, f"no top class of a set with boundary, got {betti} over {field}")
        _require(len(set(euler.values())) <= 1, K, f"one Euler characteristic, got {euler}")
        if truth.closed and all(c.truth.dimension % 2 for c in part.connected_components):
            _require(set(euler.values()) <= {0}, K, f"Euler characteristic 0 in odd dimension, got {euler}")
    for field, betti in K.truth.betti.items():
        rows = [c.truth.betti[field] for c in K.connected_components if field in c.truth.betti]
        if len(rows) == len(K.connected_components):
            total = tuple(sum(column) for column in itertools.zip_longest(*rows, fillvalue=0))
            _require(betti == total, K, f"Betti numbers over {field} add up to {total}, got {betti}")


def check_covering(K: Manifold, *, seed: Seed | int = 0) -> None:
    """No point of a sample is farther from a grid than the grid's covering radius.

    Raises:
        AssertionError: one is.
    """
    from scipy.spatial import cKDTree

    grid = K.grid(500)
    _require(0 < grid.covering_radius.upper < math.inf, K, f"a proved covering radius, got {grid.covering_radius}")
    x = K.sample(1500, _seed(seed, "covering")).points
    far = float(cKDTree(grid.points).query(x)[0].max())
    bound = grid.covering_radius.upper + _ROUNDING * float(np.abs(x).max())
    _require(far <= bound, K, f"a point {far:.6g} away from a grid of covering radius {grid.covering_radius.upper:.6g}")


def check_reach(K: Manifold, *, seed: Seed | int = 0, n: int = 400) -> None:
    """The lower end of the reach is at most each upper bound of it: Federer's quotients |q - p|^2 / (2 d(q - p, T_p K))
    of a sample with exact tangents (at points where K has no boundary), the reciprocal of the curvature, and the weak
    feature size.

    Raises:
        AssertionError: it is not.
    """
    truth = K.truth
    sample = K.sample(n, _seed(seed, "reach"))
    x = sample.points
    size = truth.diameter.upper
    least = math.inf
    for i, part in enumerate(K.components):
        rows = np.flatnonzero(sample.component == i)
        if not len(rows):
            continue
        d = x[None] - x[rows][:, None]
        tangents = np.linalg.qr(part.chart.jacobian(sample.parameters[rows, : part.chart.dim]))[0]
        along = np.einsum("ajk,akl->ajl", d, tangents)
        square = (d**2).sum(axis=2)
        normal = np.sqrt(np.maximum(square - (along**2).sum(axis=2), 0))
        keep = square > 1e-4 * size**2
        if keep.any():
            least = min(least, float((square[keep] / (2 * np.maximum(normal[keep], 1e-14 * size))).min()))
    convex = truth.reach == INFINITE
    ok = least >= (1e4 * size if convex else truth.reach.lower * (1 - 1e-9))
    _require(ok, K, f"two points and a tangent show a reach of at most {least:.9g}, said {truth.reach}")
    _require(truth.reach.lower >= 0, K, f"a reach from 0, got {truth.reach}")
    if truth.curvature is not None and not convex:
        ok = truth.reach.lower * truth.curvature.lower <= 1 + 1e-9
        _require(ok, K, f"reach {truth.reach} is at most 1 / curvature, and that is {truth.curvature}")
    if truth.weak_feature_size is not None and not convex:
        ok = truth.reach.lower <= truth.weak_feature_size.upper * (1 + 1e-9)
        _require(ok, K, f"reach {truth.reach} is at most the weak feature size {truth.weak_feature_size}")


def check_transforms(K: Manifold, *, seed: Seed | int = 0) -> None:
    """Scaling, rigid motion and inclusion of K commute with its truth; see `check_similarity`.

    Raises:
        AssertionError: they do not.
    """
    root = 7
    shift = tuple(0.1 * K.truth.diameter.lower * (-1) ** i for i in range(K.ambient_dim))
    check_similarity(K, scaled(K, 3.0), 3.0, seed=seed)
    if K.ambient_dim <= 16:
        check_similarity(K, moved(K, root, shift), 1.0, seed=seed)
    check_similarity(K, included(K, K.ambient_dim + 2, root), 1.0, seed=seed)


def check_similarity(K: Manifold, image: Manifold, factor: float, *, seed: Seed | int = 0) -> None:
    """`image` is K after a similarity of that factor: distances of points with the same parameters are multiplied by
    it, and every fact changes as it must. Lengths are multiplied by it, the volume by factor^dimension, the
    curvature by 1 / factor, and the topology stays.

    Raises:
        AssertionError: it is not.
    """
    for i, part in enumerate(K.components):
        u = _parameters(part.chart, 20, _rng(seed, "similarity"))
        before, after = K.embed(i, u), image.embed(i, u)
        pairs = list(itertools.combinations(range(len(u)), 2))
        a = np.array([np.linalg.norm(before[p] - before[q]) for p, q in pairs]) * factor
        b = np.array([np.linalg.norm(after[p] - after[q]) for p, q in pairs])
        scale = float(np.abs(after).max() + a.max())
        off = float(np.abs(a - b).max())
        _require(off <= 1e-10 * scale, image, f"distances of {K} times {factor:g}, off by {off:.3g}")
    before_truth, after_truth = K.truth, image.truth
    for name in ("dimension", "closed", "components", "orientable", "betti"):
        x, y = getattr(before_truth, name), getattr(after_truth, name)
        _require(x == y, image, f"{name} as of {K}, {x}, got {y}")
    powers = {
        "volume": before_truth.dimension if K.components[0].truth.dimension == before_truth.dimension else None,
        "curvature": -1,
        **dict.fromkeys(("reach", "circumradius", "diameter", "inner_radius", "weak_feature_size"), 1),
    }
    if len({c.truth.dimension for c in K.components}) > 1:
        powers["volume"] = None
    for name, power in powers.items():
        was, now = getattr(before_truth, name), getattr(after_truth, name)
        if power is None or was is None or now is None or was == INFINITE:
            continue
        c = factor**power
        ok = was.lower * c * (1 - 1e-9) <= now.upper and now.lower <= was.upper * c * (1 + 1e-9)
        _require(ok, image, f"{name} of {K} times {c:g}, {was} before, got {now}")


PARTS: tuple[Callable[..., None], ...] = (
    check_chart,
    check_tangents,
    check_volume,
    check_sampler,
    check_topology,
    check_covering,
    check_reach,
)
"""The parts that need nothing but the manifold and a seed, in the order in which `check_manifold` runs them."""


def _require(holds: bool, K: Manifold, what: str) -> None:
    __tracebackhide__ = True
    if not holds:
        raise AssertionError(f"{K} does not conform: {what}.")


def _seed(seed: Seed | int, name: str) -> Seed:
    return as_seed(seed).child("conformance", name)


def _rng(seed: Seed | int, name: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(_seed(seed, name).value))


def _parameters(chart: Chart, n: int, rng: np.random.Generator, margin: float = 0.0) -> FloatArray:
    low, high = np.array(chart.lower), np.array(chart.upper)
    drawn: FloatArray = low + (high - low) * (margin + (1 - 2 * margin) * rng.random((n, chart.dim)))
    return drawn


def _area(chart: Chart, u: FloatArray) -> FloatArray:
    """The area element at parameters, in the unit of prod_i speed_i."""
    tangents = chart.jacobian(u) / np.array(chart.speed)
    gram = np.einsum("nij,nik->njk", tangents, tangents)
    found: FloatArray = np.sqrt(np.maximum(np.linalg.det(gram), 0.0))
    return found


def _integrate(chart: Chart, rng: np.random.Generator) -> tuple[float, float]:
    """Volume of the chart and a bound of the error, which is a heuristic one."""
    sides = [high - low for low, high in zip(chart.lower, chart.upper, strict=True)]
    unit = math.prod(chart.speed) * math.prod(sides)
    if chart.dim > _LARGEST_GRID_DIM:
        density = _area(chart, _parameters(chart, _NODES, rng))
        return unit * float(density.mean()), unit * 6 * float(density.std()) / math.sqrt(_NODES)
    volume = unit * _mean_area(chart, 24)
    if chart.dim == 1:
        return volume, 1e-6 * volume
    # A chart without derivatives at some points is integrated slowly, as a coarser rule shows.
    change = abs(volume - unit * _mean_area(chart, 12))
    return volume, change if change > 1e-3 * volume else 1e-6 * volume


def _mean_area(chart: Chart, n: int) -> float:
    """Mean of the area element over the box in units of the product of the speeds: by n Gauss nodes a side, 2 n equally
    spaced ones along periodic parameters."""
    axes = []
    for low, high, periodic in zip(chart.lower, chart.upper, chart.periodic, strict=True):
        side = high - low
        if chart.dim == 1:
            axes.append((low + side * (np.arange(_NODES) + 0.5) / _NODES, np.full(_NODES, 1 / _NODES)))
        elif periodic:
            axes.append((low + side * (np.arange(2 * n) + 0.5) / (2 * n), np.full(2 * n, 1 / (2 * n))))
        else:
            x, w = np.polynomial.legendre.leggauss(n)
            axes.append((low + side * (x + 1) / 2, w / 2))
    u = np.stack(np.meshgrid(*(x for x, _ in axes), indexing="ij"), axis=-1).reshape(-1, chart.dim)
    w = np.stack(np.meshgrid(*(w for _, w in axes), indexing="ij"), axis=-1).reshape(-1, chart.dim).prod(axis=1)
    return float(_area(chart, u) @ w)


def _near(said: Interval, found: float, error: float) -> bool:
    return said.lower - error <= found <= said.upper + error


def _uniformity(chart: Chart, u: FloatArray, rng: np.random.Generator) -> float:
    """p-value of chi-square for parameters u of the intrinsic measure, over cells cut at quantiles of each one."""
    from scipy import stats

    low, side = np.array(chart.lower), np.array(chart.upper) - np.array(chart.lower)
    axes = min(chart.dim, _LARGEST_GRID_DIM)
    per_axis = {1: 20, 2: 5, 3: 3}[axes]
    fine = round(_NODES ** (1 / chart.dim)) if chart.dim <= _LARGEST_GRID_DIM else 0
    if fine:
        middle = (np.arange(fine) + 0.5) / fine
        unit = np.stack(np.meshgrid(*[middle] * chart.dim, indexing="ij"), axis=-1).reshape(-1, chart.dim)
    else:
        fine = 60
        unit = rng.random((10 * _NODES, chart.dim))
    measure = _area(chart, low + side * unit)
    index = np.minimum((unit * fine).astype(int), fine - 1)
    where = np.minimum(((u - low) / side * fine).astype(int), fine - 1)
    cells, found = np.zeros(len(unit), dtype=int), np.zeros(len(u), dtype=int)
    for i in range(axes):
        before = np.cumsum(np.bincount(index[:, i], weights=measure, minlength=fine)) / measure.sum()
        label = np.minimum((before * per_axis * (1 - 1e-12)).astype(int), per_axis - 1)
        cells, found = cells * per_axis + label[index[:, i]], found * per_axis + label[where[:, i]]
    expected = np.bincount(cells, weights=measure, minlength=per_axis**axes)
    observed = np.bincount(found, minlength=per_axis**axes).astype(float)
    expected *= len(u) / expected.sum()
    small = expected < 8
    if small.any():
        observed = np.append(observed[~small], observed[small].sum())
        expected = np.append(expected[~small], expected[small].sum())
        observed, expected = observed[expected > 0], expected[expected > 0]
    return (
        float(stats.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue)
        if len(observed) > 1
        else 1.0
    )


__all__ = [
    "PARTS",
    "check_chart",
    "check_covering",
    "check_manifold",
    "check_reach",
    "check_sampler",
    "check_similarity",
    "check_spec",
    "check_tangents",
    "check_topology",
    "check_transforms",
    "check_volume",
]
