"""A point cloud's homology: the engine's diagram beside the confidence radius of the cloud."""

from __future__ import annotations

from functools import partial

from aeverify.core import Interval, Rigor
from aeverify.homology import persistence
from aeverify.manifolds import PointCloud, manifold


def test_a_circle_has_one_loop_above_the_noise():
    """2000 draws of a circle: one H_1 bar is longer than twice the radius, and none of the others."""
    cloud = PointCloud(manifold("circle").sample(2000, 0).points)
    diagram, radius = cloud.homology(partial(persistence, max_degree=1, field=2))
    assert radius.value is not None
    assert diagram.longer_than(1, 2 * radius.value) == 1


def test_two_circles_have_two_components_above_the_noise():
    """Far apart, so that the gap is above the noise."""
    far = manifold('union:parts=["circle:radius=1","circle:radius=1,center=[6,0]"]')
    diagram, radius = PointCloud(far.sample(600, 1).points).homology(partial(persistence, max_degree=0))
    assert radius.value is not None
    assert diagram.longer_than(0, 2 * radius.value) == 2


def test_the_radius_can_decide_nothing():
    """It is asymptotic, so its evidence encloses nothing."""
    evidence = PointCloud(manifold("circle").sample(100, 0).points).confidence_radius().evidence()
    assert evidence.interval == Interval.unknown()
    assert evidence.rigor is Rigor.EMPIRICAL
