"""Every entry of the catalog of manifolds against what its truth says."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from aeverify.manifolds import MANIFOLDS, manifold, point_balls

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


@every_example
def test_the_volume_is_that_of_the_chart(spec):
    """Quadrature of the chart's speed gives the volume of each component, and these add up."""
    k = manifold(spec)
    total = 0.0
    for part in k.components:
        u = (np.arange(20_000) + 0.5) / 20_000
        speed = np.linalg.norm(part.chart.jacobian(u[:, None])[:, :, 0], axis=1)
        assert speed.mean() == pytest.approx(part.truth.volume.lower, rel=1e-8)
        assert speed.max() <= part.chart.speed[0]
        total += speed.mean()
    assert total == pytest.approx(k.truth.volume.upper, rel=1e-8)


@every_example
def test_tangents_agree_with_finite_differences(spec):
    """The Jacobian is the derivative of the embedding."""
    for part in manifold(spec).components:
        u, h = np.linspace(0.1, 0.9, 13)[:, None], 1e-6
        scale = part.chart.speed[0]
        expected = (part.chart.embed(u + h) - part.chart.embed(u - h)) / (2 * h)
        np.testing.assert_allclose(part.chart.jacobian(u)[:, :, 0] / scale, expected / scale, atol=1e-8)


@every_example
def test_samples_lie_on_the_set_and_are_uniform(spec):
    """Equal shares of the length of each component get equal numbers of points: chi-square on 20 cells."""
    k = manifold(spec)
    sample = k.sample(4000, 12)
    assert sample.points.shape == (4000, k.ambient_dim)
    assert np.isfinite(sample.points).all()
    for i, part in enumerate(k.components):
        t = np.linspace(0, 1, 40_001)
        speed = np.linalg.norm(part.chart.jacobian(t[:, None])[:, :, 0], axis=1)
        length = np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2)])
        u = sample.parameters[sample.component == i][:, 0]
        cells = (np.interp(u, t, length / length[-1]) * 20).astype(int).clip(0, 19)
        assert stats.chisquare(np.bincount(cells, minlength=20)).pvalue > 0.005


@every_example
def test_balls_hold_the_floating_point_values(spec):
    """The float point of a parameter is within the stated rounding of its enclosure, whose radius is tiny."""
    k = manifold(spec)
    for i, part in enumerate(k.components):
        for t in (0.0, 0.1, 1 / 3, 0.75, 1.0):
            floats = part.chart.embed(np.array([[t]]))[0]
            balls = point_balls(k, [t], component=i)
            slack = 64 * 2.0**-52 * (np.abs(floats).max() + part.chart.speed[0])
            for value, ball in zip(floats, balls, strict=True):
                assert abs(float(ball.mid()) - value) <= slack
                assert float(ball.rad()) <= 2.0**-100 * (1 + part.chart.speed[0])


@every_example
def test_the_extent_holds_a_dense_sample(spec):
    """Points keep within the diameter; the distance from a centre of symmetry keeps between its two radii."""
    k = manifold(spec)
    x = k.grid(600).points
    worst = max(float(np.linalg.norm(x - p, axis=1).max()) for p in x)
    assert 0.9 * k.truth.diameter.lower <= worst <= k.truth.diameter.upper * (1 + 1e-12)
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
    grid = k.grid(400)
    tangents = np.empty_like(grid.points)
    for i, part in enumerate(k.components):
        rows = grid.component == i
        tangents[rows] = part.chart.jacobian(grid.parameters[rows])[:, :, 0]
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    d = grid.points[None] - grid.points[:, None]
    square = (d**2).sum(axis=2)
    off = np.sqrt(np.maximum(square - np.einsum("ijk,ik->ij", d, tangents) ** 2, 0))
    keep = square > 1e-3 * k.truth.diameter.upper**2
    quotient = float((square[keep] / (2 * np.maximum(off[keep], 1e-300))).min())
    assert quotient >= k.truth.reach.lower * (1 - 1e-9)


@every_example
def test_topology_is_consistent(spec):
    """b_0 counts components; the Euler characteristic of a closed curve is 0 over every field."""
    truth = manifold(spec).truth
    for betti in truth.betti.values():
        assert betti[0] == truth.components
        assert len(betti) == truth.dimension + 1
        if truth.closed and truth.dimension == 1:
            assert betti[0] - betti[1] == 0
