import math

import numpy as np
import pytest

from aeverify.core import Interval
from aeverify.core.evidence import Rigor
from aeverify.errors import UsageError
from aeverify.manifolds import Manifold, manifold
from aeverify.manifolds.cloud import PointCloud


@pytest.mark.parametrize(
    ("spec", "dimension"), [("circle", 1), ("torus:R=2,r=1", 2), ("veronese", 2), ("sphere:dim=3", 3)]
)
def test_two_estimators_of_the_dimension_agree(spec, dimension):
    """Uniform samples of manifolds give their dimension."""
    estimate = PointCloud(manifold(spec).sample(1500, 3).points).dimension()
    assert estimate.value == dimension
    assert abs(estimate.details["two_nn"] - dimension) < 0.3
    assert abs(estimate.details["levina_bickel"] - dimension) < 0.3


def test_where_the_estimators_disagree_nothing_is_claimed():
    """Points on a line with tiny noise: two dimensions nearby, one farther away."""
    rng = np.random.default_rng(0)
    t = np.sort(rng.random(800))
    noise = rng.standard_normal((800, 2)) * 1.2e-3
    estimate = PointCloud(np.column_stack([t, 0 * t]) + noise).dimension(neighbors=40)
    assert estimate.value is None
    assert "do not agree" in estimate.method


def test_an_estimate_can_never_decide():
    """Its Evidence is EMPIRICAL and encloses nothing; a cloud is no manifold."""
    cloud = PointCloud(manifold("circle").sample(300, 1).points)
    for estimate in (cloud.dimension(), cloud.reach(1), cloud.confidence_radius(rounds=5)):
        evidence = estimate.evidence()
        assert evidence.interval == Interval.unknown()
        assert evidence.rigor is Rigor.EMPIRICAL
    assert not isinstance(cloud, Manifold)
    assert not hasattr(cloud, "truth")


def test_the_reach_estimate_of_a_fine_sample_is_near():
    """A dense ellipse(3, 2): 4/3 within a fifth; the label says which side it would bound."""
    estimate = PointCloud(manifold("ellipse:a=3,b=2").sample(2000, 2).points).reach(1)
    assert estimate.value == pytest.approx(4 / 3, rel=0.2)
    assert "upper bound" in estimate.method


def test_the_confidence_radius_shrinks_with_the_sample():
    """Four times the points on a circle: a smaller radius; the engine's diagram comes with it."""
    k = manifold("circle")
    small, large = (PointCloud(k.sample(n, 1).points).confidence_radius(rounds=20).value for n in (200, 800))
    assert large < small
    diagram, radius = PointCloud(k.sample(200, 1).points).homology(len)
    assert diagram == 200
    assert radius.quantity == "homology_confidence_radius"


def test_repeated_points_do_not_break_the_estimates():
    """Duplicates are looked at once."""
    x = manifold("circle").sample(300, 1).points
    assert PointCloud(np.concatenate([x, x, x])).dimension().value == PointCloud(x).dimension().value


@pytest.mark.parametrize(
    "points",
    [
        np.zeros(5),
        np.zeros((100, 2)),
        np.full((30, 2), math.nan),
        np.random.default_rng(0).random((19, 2)),
        [[1.0, math.inf]],
    ],
)
def test_clouds_that_say_nothing_are_refused(points):
    """No matrix, all points equal, NaN, infinite entries, too few points."""
    with pytest.raises(UsageError):
        PointCloud(points)


def test_bad_questions_are_refused():
    """A tangent space of the whole dimension, too many neighbours, a confidence of 1."""
    cloud = PointCloud(np.random.default_rng(0).random((50, 2)))
    with pytest.raises(UsageError):
        cloud.reach(2)
    with pytest.raises(UsageError):
        cloud.dimension(neighbors=50)
    with pytest.raises(UsageError):
        cloud.confidence_radius(1.0)
