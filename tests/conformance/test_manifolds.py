"""Every entry of the catalog of manifolds against what its truth says."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats
from scipy.spatial import cKDTree

from aeverify.manifolds import MANIFOLDS, manifold, point_balls
from aeverify.manifolds.base import INFINITE

EXAMPLES = [example for entry in MANIFOLDS.values() for example in entry.examples]
every_example = pytest.mark.parametrize("spec", EXAMPLES)


@every_example
def test_the_spec_rebuilds_the_set(spec):
    """Every example prints as itself and rebuilds a set with the same points."""
    k = manifold(spec)
    again = manifold(str(k))
    assert str(k) == spec
    assert again == k
    assert hash(again) == hash(k)
    assert again.grid(9).points.tolist() == k.grid(9).points.tolist()


@every_example
def test_every_fact_has_a_source(spec):
    """A fact without a citation is a defect; so is a citation of no fact."""
    for k in (manifold(spec), *manifold(spec).components):
        truth = k.truth
        stated = {
            f.name
            for f in dataclasses.fields(truth)
            if (f.name != "sources" and getattr(truth, f.name) not in (None, 0)) or f.name == "closed"
        }
        assert stated <= set(truth.sources)
        assert all(c.source and c.statement for c in truth.sources.values())


def quadrature(chart, n=24):
    """Nodes (N, d) and weights of a rule on the parameter box: exact for smooth functions to about 1e-8."""
    axes = []
    for low, high, periodic in zip(chart.lower, chart.upper, chart.periodic, strict=True):
        if chart.dim == 1:
            axes.append(
                (low + (high - low) * (np.arange(20_000) + 0.5) / 20_000, np.full(20_000, (high - low) / 20_000))
            )
        elif periodic:
            step = (high - low) / (2 * n)
            axes.append((low + step * (np.arange(2 * n) + 0.5), np.full(2 * n, step)))
        else:
            x, w = np.polynomial.legendre.leggauss(n)
            axes.append(((low + high) / 2 + (high - low) / 2 * x, (high - low) / 2 * w))
    nodes = np.stack(np.meshgrid(*(x for x, _ in axes), indexing="ij"), axis=-1).reshape(-1, chart.dim)
    weights = np.stack(np.meshgrid(*(w for _, w in axes), indexing="ij"), axis=-1).reshape(-1, chart.dim).prod(axis=1)
    return nodes, weights


def inner_parameters(chart, n=13):
    """Points of the box that keep a tenth of its sides away from its ends."""
    low, high = np.array(chart.lower), np.array(chart.upper)
    return low + (high - low) * (0.1 + 0.8 * np.random.default_rng(3).random((n, chart.dim)))


def area_element(chart, u):
    tangents = chart.jacobian(u)
    gram = np.einsum("nij,nik->njk", tangents, tangents)
    return np.sqrt(np.maximum(np.linalg.det(gram), 0))


@every_example
def test_the_volume_is_that_of_the_chart(spec):
    """Quadrature of the chart's area element gives the volume of each component, and these add up."""
    k = manifold(spec)
    total, error = 0.0, 1e-6
    for part in k.components:
        rules = [quadrature(part.chart, n) for n in (24, 12)]
        volume, coarse = (float(area_element(part.chart, u) @ weights) for u, weights in rules)
        # A chart without derivatives at some points is integrated slowly, as a coarser rule shows.
        change = abs(coarse / volume - 1)
        error = max(error, change if change > 1e-3 else 0.0)
        assert part.truth.volume.lower * (1 - error) <= volume <= part.truth.volume.upper * (1 + error)
        total += volume
    assert k.truth.volume.lower * (1 - error) <= total <= k.truth.volume.upper * (1 + error)


@every_example
def test_speeds_and_orthogonality_hold(spec):
    """No partial derivative is longer than its proved bound; those said to be orthogonal are."""
    for part in manifold(spec).components:
        chart = part.chart
        u = quadrature(chart)[0]
        tangents = chart.jacobian(u)
        lengths = np.linalg.norm(tangents, axis=1)
        assert (lengths <= np.array(chart.speed) * (1 + 1e-12)).all()
        if chart.orthogonal:
            gram = np.einsum("nij,nik->njk", tangents, tangents) / np.outer(chart.speed, chart.speed)
            assert np.abs(gram - np.eye(chart.dim) * gram).max() < 1e-12


@every_example
def test_opposite_sides_are_identified(spec):
    """A periodic parameter may pass its end, where others may be mirrored, without moving the point."""
    for part in manifold(spec).components:
        chart = part.chart
        u = inner_parameters(chart)
        for i, periodic in enumerate(chart.periodic):
            if periodic:
                beyond = u.copy()
                beyond[:, i] += chart.upper[i] - chart.lower[i]
                scale = np.abs(chart.embed(u)).max()
                np.testing.assert_allclose(chart.embed(beyond), chart.embed(chart.wrap(beyond)), atol=1e-11 * scale)


@every_example
def test_tangents_agree_with_finite_differences(spec):
    """The Jacobian is the derivative of the embedding."""
    for part in manifold(spec).components:
        chart = part.chart
        u = inner_parameters(chart)
        found = chart.jacobian(u)
        for i, (low, high) in enumerate(zip(chart.lower, chart.upper, strict=True)):
            step = np.zeros(chart.dim)
            step[i] = 1e-6 * (high - low)
            scale = chart.speed[i]
            expected = (chart.embed(u + step) - chart.embed(u - step)) / (2 * step[i])
            size = np.abs(chart.embed(u)).max()
            slack = 1e-7 + 1e-9 * size / (scale * (high - low))
            np.testing.assert_allclose(found[:, :, i] / scale, expected / scale, atol=slack)


@every_example
def test_samples_lie_on_the_set_and_are_uniform(spec):
    """Cells of the parameter box get points in proportion to their measure: chi-square, all methods of sampling."""
    k = manifold(spec)
    sample = k.sample(4000, 12)
    assert sample.points.shape == (4000, k.ambient_dim)
    assert np.isfinite(sample.points).all()
    for i, part in enumerate(k.components):
        chart = part.chart
        low, high = np.array(chart.lower), np.array(chart.upper)
        per_axis = max(2, round(20 ** (1 / chart.dim)))
        nodes, weights = quadrature(chart)
        if chart.dim > 1:
            # Gauss nodes do not resolve cells: a plain midpoint rule with a whole number of nodes a cell does.
            fine = per_axis * max(4, round(40_000 ** (1 / chart.dim) / per_axis))
            grid = np.stack(np.meshgrid(*[(np.arange(fine) + 0.5) / fine] * chart.dim, indexing="ij"), axis=-1)
            nodes, weights = low + (high - low) * grid.reshape(-1, chart.dim), np.ones(fine**chart.dim)
        measure = area_element(chart, nodes) * weights

        def cells(u, low=low, high=high, per_axis=per_axis, dim=chart.dim):
            index = ((u - low) / (high - low) * per_axis).astype(int).clip(0, per_axis - 1)
            return np.ravel_multi_index(tuple(index.T), (per_axis,) * dim)

        expected = np.bincount(cells(nodes), weights=measure, minlength=per_axis**chart.dim)
        u = sample.parameters[sample.component == i][:, : chart.dim]
        observed = np.bincount(cells(u), minlength=per_axis**chart.dim).astype(float)
        expected *= len(u) / expected.sum()
        small = expected < 8
        if small.any():
            observed = np.append(observed[~small], observed[small].sum())
            expected = np.append(expected[~small], expected[small].sum())
        assert stats.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue > 0.002
        np.testing.assert_allclose(
            chart.embed(u), sample.points[sample.component == i], rtol=0, atol=1e-12 * np.abs(sample.points).max()
        )


@pytest.mark.parametrize("method", ["stratified", "sobol"])
@every_example
def test_spread_samples_have_the_right_mean(spec, method):
    """The mean point of a spread sample is that of the measure, at least as closely as independent draws give it."""
    k = manifold(spec)
    sample = k.sample(1000, 4, method=method)
    assert 800 <= len(sample) <= 1200
    mean, volume = np.zeros(k.ambient_dim), 0.0
    for part in k.components:
        u, weights = quadrature(part.chart)
        weights = weights * area_element(part.chart, u)
        mean += weights @ part.chart.embed(u)
        volume += weights.sum()
    spread = k.truth.circumradius.upper / math.sqrt(len(sample))
    assert np.linalg.norm(sample.points.mean(axis=0) - mean / volume) < 2 * spread


@every_example
def test_a_grid_covers_the_set(spec):
    """No point of a random sample is farther from the grid than the proved covering radius."""
    k = manifold(spec)
    grid = k.grid(700)
    far = cKDTree(grid.points).query(k.sample(2000, 9).points)[0].max()
    assert far <= grid.covering_radius.upper


@every_example
def test_balls_hold_the_floating_point_values(spec):
    """The float point of a parameter is within the stated rounding of its enclosure, whose radius is tiny."""
    k = manifold(spec)
    for i, part in enumerate(k.components):
        chart = part.chart
        low, high = np.array(chart.lower), np.array(chart.upper)
        for t in (0.0, 0.1, 1 / 3, 0.75, 1.0):
            u = low + (high - low) * t
            floats = chart.embed(u[None, :])[0]
            balls = point_balls(k, u.tolist(), component=i)
            size = np.abs(floats).max() + max(chart.speed)
            for value, ball in zip(floats, balls, strict=True):
                assert abs(float(ball.mid()) - value) <= 4 * chart.rounding * 2.0**-52 * size
                assert float(ball.rad()) <= 2.0**-100 * (1 + size)


@every_example
def test_the_extent_holds_a_dense_sample(spec):
    """Points keep within the diameter; the distance from a centre of symmetry keeps between its two radii."""
    k = manifold(spec)
    x = k.grid(600).points
    worst = max(float(np.linalg.norm(x - p, axis=1).max()) for p in x)
    assert 0.8 * k.truth.diameter.lower <= worst <= k.truth.diameter.upper * (1 + 1e-12)
    assert k.truth.diameter.lower / 2 <= k.truth.circumradius.upper
    # Jung: a set of diameter d in R^n lies in a ball of radius d sqrt(n / (2 n + 2)) < d / sqrt(2).
    assert k.truth.circumradius.lower <= k.truth.diameter.upper / math.sqrt(2)
    if k.truth.symmetry_center is not None:
        assert k.truth.inner_radius is not None
        away = np.linalg.norm(x - np.array(k.truth.symmetry_center), axis=1)
        assert away.min() >= k.truth.inner_radius.lower * (1 - 1e-12)
        assert away.max() <= k.truth.circumradius.upper * (1 + 1e-12)


@every_example
def test_the_reach_is_not_refuted_by_sampled_quotients(spec):
    """Federer's quotient over pairs of a sample with exact tangents is an upper bound of the reach."""
    k = manifold(spec)
    sample = k.sample(400, 2)
    normal_part = np.empty((400, 400))
    d = sample.points[None] - sample.points[:, None]
    for i, part in enumerate(k.components):
        rows = np.flatnonzero(sample.component == i)
        tangents = np.linalg.qr(part.chart.jacobian(sample.parameters[rows, : part.chart.dim]))[0]
        along = np.einsum("ajk,akl->ajl", d[rows], tangents)
        normal_part[rows] = np.sqrt(np.maximum((d[rows] ** 2).sum(axis=2) - (along**2).sum(axis=2), 0))
    square = (d**2).sum(axis=2)
    keep = square > 1e-3 * k.truth.diameter.upper**2
    quotient = float((square[keep] / (2 * np.maximum(normal_part[keep], 1e-300))).min())
    infinite = k.truth.reach == INFINITE
    assert quotient >= (1e4 * k.truth.diameter.upper if infinite else k.truth.reach.lower * (1 - 1e-9))


@every_example
def test_topology_is_consistent(spec):
    """b_0 counts components; the Euler characteristic is the same over every field, that of chart and triangulation for
    closed sets of odd dimension (0); the top Betti number of a closed connected set tells orientability."""
    truth = manifold(spec).truth
    characteristics = set()
    for field, betti in truth.betti.items():
        assert betti[0] == truth.components
        assert len(betti) == truth.dimension + 1
        characteristics.add(sum((-1) ** j * b for j, b in enumerate(betti)))
        if truth.closed and truth.components == 1:
            assert betti[-1] == (1 if truth.orientable or field == "Z/2" else 0)
            if truth.orientable or field == "Z/2":
                assert list(betti) == list(reversed(betti))
    assert len(characteristics) == 1
    if truth.closed and truth.dimension % 2 == 1:
        assert characteristics == {0}


@every_example
def test_curvature_reach_and_weak_feature_size_are_in_order(spec):
    """reach <= 1 / curvature and reach <= weak feature size <= circumradius, where these are known."""
    truth = manifold(spec).truth
    if truth.curvature is not None and truth.curvature.upper > 0:
        assert truth.reach.lower * truth.curvature.lower <= 1 + 1e-12
    if truth.weak_feature_size not in (None, INFINITE):
        assert truth.reach.lower <= truth.weak_feature_size.upper
        assert truth.weak_feature_size.lower <= truth.circumradius.upper
