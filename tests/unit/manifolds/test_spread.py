import math

import numpy as np
import pytest

from aeverify.errors import UsageError
from aeverify.manifolds import manifold
from aeverify.manifolds.covering import certified_covering_radius
from aeverify.manifolds.sampling import METHODS, spread_points
from aeverify.manifolds.tensors import sample_tensors


@pytest.mark.parametrize("n", [1, 2, 7, 64, 100])
@pytest.mark.parametrize("method", ["stratified", "sobol"])
def test_spread_points_are_as_many_as_asked_for_and_in_the_cube(n, method):
    """n points in [0, 1)^3."""
    points = spread_points(n, 3, method, np.random.default_rng(0))
    assert points.shape == (n, 3)
    assert points.min() >= 0
    assert points.max() < 1


def test_stratified_points_fill_every_cell_once():
    """64 points in the plane: one in each of 8 x 8 cells."""
    points = spread_points(64, 2, "stratified", np.random.default_rng(1))
    cells = (points * 8).astype(int)
    assert sorted(map(tuple, cells.tolist())) == [(i, j) for i in range(8) for j in range(8)]


def test_spread_points_cover_better_than_independent_ones():
    """On the torus the covering radius of 1000 spread points is smaller."""
    k = manifold("torus:R=2,r=1")
    radius = {m: certified_covering_radius(k, k.sample(1000, 1, method=m), 0.05).upper for m in METHODS}
    assert radius["sobol"] < radius["uniform"]
    assert radius["stratified"] < radius["uniform"]


def test_integrals_over_spread_points_are_closer():
    """The mean of x^2 over the sphere is 1/3; over 4096 spread points it is within 1e-3."""
    k = manifold("sphere")
    for method in ("stratified", "sobol"):
        x = k.sample(4096, 3, method=method).points
        np.testing.assert_allclose((x**2).mean(axis=0), 1 / 3, atol=1e-3)


def test_the_method_says_that_spread_points_are_not_independent():
    """So that nobody computes a confidence interval from them."""
    assert "not independent" in manifold("torus:R=2,r=1").sample(10, 0, method="sobol").method


def test_too_many_proposals_are_refused():
    """An ellipsoid of dimension 12 has no transport, and its chart keeps few proposals."""
    with pytest.raises(UsageError, match="proposals"):
        manifold("ellipsoid:axes=[1,1,1,1,1,1,1,1,1,1,1,1,2]").sample(100_000, 0, method="sobol")


def test_an_unknown_method_is_refused():
    """The known ones are listed."""
    with pytest.raises(UsageError, match="uniform, stratified, sobol"):
        manifold("circle").sample(10, 0, method="halton")
    with pytest.raises(UsageError, match="uniform, stratified, sobol"):
        manifold("two_circles").sample(10, 0, method="halton")


def test_a_union_of_different_dimensions_pads_parameters():
    """A sphere and a linked-free circle: two columns, the circle's second one 0; component tells which."""
    k = manifold('union:parts=["sphere:radius=1","circle:radius=3,ambient_dim=3"]')
    for sample in (k.sample(400, 1), k.grid(400), k.sample(400, 1, method="sobol")):
        assert sample.parameters.shape[1] == 2
        assert not sample.parameters[sample.component == 1, 1].any()
        np.testing.assert_allclose(np.linalg.norm(sample.points, axis=1), np.where(sample.component == 1, 3, 1))
    assert 1.0 in k.truth.reach
    assert k.truth.betti["Q"] == (2, 1, 1)
    assert k.truth.dimension == 2


@pytest.mark.parametrize(
    "spec", ["torus:R=2,r=1", "klein:R=2,r=1", "sphere:dim=9", "two_circles", "ellipsoid:axes=[3,2,1]"]
)
def test_points_drawn_as_tensors_are_those_of_their_parameters(spec):
    """Tensors on the device: same chart, uniform draws, the dtype asked for."""
    torch = pytest.importorskip("torch")
    k = manifold(spec)
    points, parameters, component = sample_tensors(k, 2000, 5, dtype=torch.float32)
    assert points.dtype == torch.float32
    assert parameters.dtype == torch.float64
    for i, part in enumerate(k.components):
        rows = (component == i).numpy()
        expected = part.chart.embed(parameters.numpy()[rows][:, : part.chart.dim])
        np.testing.assert_allclose(points.numpy()[rows], expected, atol=1e-5)
    again = sample_tensors(k, 2000, 5, dtype=torch.float32)[0]
    assert torch.equal(points, again)


def test_tensors_on_a_torus_have_the_mean_of_the_area():
    """The mean of cos v is r / 2 R."""
    pytest.importorskip("torch")
    v = sample_tensors(manifold("torus:R=1,r=0.7"), 50_000, 1)[1][:, 1].numpy()
    assert np.cos(2 * math.pi * v).mean() == pytest.approx(0.35, abs=0.015)
