import math

import numpy as np
import pytest

from aeverify.core.evidence import Rigor
from aeverify.errors import UsageError
from aeverify.manifolds import Sample, manifold
from aeverify.manifolds.covering import (
    ball_volume_lower,
    certified_covering_radius,
    covering_radius_tail,
    tail_probability,
)
from aeverify.manifolds.extent import gap_between


@pytest.mark.parametrize("r", [0.01, 0.3, 1.0])
def test_small_balls_are_at_least_those_of_the_sphere(r):
    """k = 1: 2 r; k = 2: 2 pi (1 - cos r); k = 3: 2 pi (r - sin r cos r)."""
    assert ball_volume_lower(1, 1.0, r) == pytest.approx(2 * r)
    assert ball_volume_lower(2, 1.0, r) == pytest.approx(2 * math.pi * (1 - math.cos(r)), rel=1e-10)
    assert ball_volume_lower(3, 1.0, r) == pytest.approx(2 * math.pi * (r - math.sin(r) * math.cos(r)), rel=1e-8)
    assert ball_volume_lower(2, 2.0, 2 * r) == pytest.approx(4 * ball_volume_lower(2, 1.0, r))


def test_the_tail_bound_of_a_circle():
    """n = 400 points on the unit circle: within 0.121 with 95 %, as the formula gives by hand."""
    evidence = covering_radius_tail(manifold("circle"), 400, 0.95)
    e = evidence.upper
    by_hand = 2 * math.pi / (e / 2) * (1 - e / (2 * math.pi)) ** 400
    assert by_hand == pytest.approx(0.05, rel=1e-6)
    assert e == pytest.approx(0.12, abs=0.003)
    assert (evidence.rigor, evidence.confidence) == (Rigor.STATISTICAL, 0.95)


def test_the_tail_bound_holds_in_repeated_draws():
    """Of 60 seeded samples of the sphere none exceeds the 95 % radius (five in a hundred may)."""
    k = manifold("sphere")
    bound = covering_radius_tail(k, 300, 0.95).upper
    misses = sum(certified_covering_radius(k, k.sample(300, seed), 0.1).lower > bound for seed in range(20))
    assert misses <= 3


def test_too_few_points_prove_nothing():
    """Two points on a torus: no radius below twice the reach."""
    assert covering_radius_tail(manifold("torus:R=2,r=1"), 2).upper == math.inf


@pytest.mark.parametrize("spec", ["moebius:R=1,h=0.4", "hemisphere", "ball"])
def test_sets_with_boundary_or_without_reach_have_no_tail_bound(spec):
    """Small balls at a boundary are halved, and without a reach they may be anything."""
    with pytest.raises(UsageError):
        tail_probability(manifold(spec), 100, 0.1)


def test_the_covering_radius_of_known_points():
    """The six ends of the axes leave the middles of the octants: distance of (1, 1, 1) / 3^(1/2) from (1, 0, 0)."""
    k = manifold("sphere")
    points = np.concatenate([np.eye(3), -np.eye(3)])
    sample = Sample(points, np.zeros((6, 2)), np.zeros(6, dtype=np.int64), k.grid(1).covering_radius, "by hand")
    found = certified_covering_radius(k, sample, 0.01)
    assert math.sqrt(2 - 2 / math.sqrt(3)) in found
    assert found.width <= 0.011 * found.upper


@pytest.mark.parametrize("spec", ["torus:R=2,r=1", "moebius:R=1,h=0.4", "two_circles", "sphere:dim=3"])
def test_the_certified_radius_holds_at_dense_points(spec):
    """No dense point is farther than the upper end; the lower end is not above the truth."""
    k = manifold(spec)
    sample = k.sample(200, 6)
    found = certified_covering_radius(k, sample, 0.1)
    dense = k.grid(4000).points
    worst = max(float(np.linalg.norm(sample.points - x, axis=1).min()) for x in dense)
    assert worst <= found.upper
    assert found.lower <= worst + k.grid(4000).covering_radius.upper
    assert found.width <= 0.25 * found.upper


def test_the_certified_radius_of_a_grid_is_below_its_proved_one():
    """The regular grid's bound is an upper bound of what the search finds."""
    k = manifold("torus:R=2,r=1")
    grid = k.grid(300)
    assert certified_covering_radius(k, grid).lower <= grid.covering_radius.upper


def test_bad_input_to_the_search_is_refused():
    """Points of another space, NaN, or no tolerance."""
    k = manifold("circle")
    sample = k.sample(5, 0)
    with pytest.raises(UsageError):
        certified_covering_radius(manifold("sphere"), sample)
    with pytest.raises(UsageError):
        certified_covering_radius(k, sample, 0.0)
    with pytest.raises(UsageError):
        covering_radius_tail(k, 10, 1.0)


def test_sets_that_meet_have_no_positive_gap():
    """Two circles that cross: the search ends, and its lower end is 0."""
    gap = gap_between(manifold("circle"), manifold("circle:center=[1,0]"))
    assert gap.lower == 0
    assert gap.upper < 1e-6


def test_the_gap_of_two_surfaces_is_enclosed():
    """A torus of inner radius 1.5 about the unit sphere: gap 1/2; far tori: the gap of their bounding balls' line."""
    gap = gap_between(manifold("torus:R=2,r=0.5"), manifold("sphere"), 0.1)
    assert 0.5 in gap
    assert gap.width < 0.06
    far = gap_between(manifold("torus:R=2,r=1"), manifold('moved:base="sphere",shift=[10,0,0]'), 0.01)
    assert 6.0 in far
    assert far.width <= 0.0601
