from __future__ import annotations

import math

import numpy as np
import pytest

from aeverify.core import Interval, Rigor
from aeverify.errors import UsageError
from aeverify.homology import persistence
from aeverify.manifolds import covering_radius_tail, manifold
from aeverify.widths import upper_bounds
from aeverify.widths.nonorientable import nonorientable_sample_bound
from aeverify.widths.persistence import (
    Net,
    balls_bound,
    net_of,
    persistence_bound,
    sample_bound,
    sound_intervals,
)


@pytest.mark.parametrize(
    ("spec", "m", "width", "share"),
    [
        ("circle:radius=1", 1, 1.0, 0.99),
        ("ellipse:a=3,b=2", 1, 2.0, 0.99),
        ("star:a=0.3,k=3,radius=1", 1, 0.7, 0.99),
        ("two_circles", 1, 1.0, 0.98),
        ("sphere:dim=2,radius=1", 2, 1.0, 0.94),
        ("torus:R=1,r=0.7", 2, 0.7, 0.89),
        ("sphere:dim=3,radius=0.5", 3, 0.5, 0.55),
        ("projective_plane", 2, 0.5, 0.7),
        ("circle:radius=1,ambient_dim=5", 1, 1.0, 0.8),
    ],
)
def test_the_certificate_is_below_the_death_of_the_class_and_near_it(spec, m, width, share):
    """The largest r for which the class lives in the offset is known; the bound loses about the covering radius."""
    found = persistence_bound(manifold(spec), m)
    assert found.rigor is Rigor.CERTIFIED
    assert share * width <= found.lower < width
    assert found.interval == Interval.at_least(found.lower)
    assert found.lower <= upper_bounds(spec, m)[0].upper


def test_the_bound_may_exceed_the_reach():
    """Torus (1, 0.7): reach 0.3, and the class of degree 2 lives until 0.7."""
    K = manifold("torus:R=1,r=0.7")
    assert K.truth.reach.upper < 0.31
    assert persistence_bound(K, 2).lower > 0.6


def test_components_are_taken_apart():
    """In the union of the two linked circles both classes die at 1/2; each circle alone gives 1."""
    union = manifold("two_circles")
    found = persistence_bound(union, 1)
    assert found.lower > 0.98
    assert found.details["component"] in (0, 1)
    together = net_of(union, 200).points
    assert max(d for _, d in persistence(together).bars(1)) < 0.51


def test_listed_subsets_count():
    """A disc has no class; a circle in it, which the caller knows, has."""
    disc = manifold("ball:dim=2,radius=1")
    assert persistence_bound(disc, 1) is None
    found = persistence_bound(disc, 1, subsets=[manifold("circle:radius=0.5")])
    assert 0.49 < found.lower < 0.5
    with pytest.raises(UsageError, match="no subset"):
        persistence_bound(disc, 1, subsets=[manifold("sphere:dim=2")])


def without_the_condition(net, m):
    """What the certificate would say if births were not compared with the reach."""
    diagram = persistence(net.points, max_degree=net.points.shape[1] - 1, engine="alpha")
    rows = [(b, d) for b, d, _ in sound_intervals(diagram, m) if d > b + net.noise + net.covering]
    return max((d - net.covering for _, d in rows), default=0.0)


def test_the_trefoil_has_a_long_bar_that_is_refused():
    """Bars [0.61, 1.0) are not born at the knot; they are listed as refused, and the bound rests on another."""
    found = persistence_bound(manifold("trefoil"), 1)
    assert found.details["birth"] < 0.1
    refused = found.details["refused"]
    assert any(birth == pytest.approx(0.607, abs=0.01) and death > 0.99 for birth, death in refused)
    assert all(birth + found.details["noise"] >= found.details["reach"] for birth, _ in refused)


def test_without_the_birth_condition_the_number_is_wrong():
    """Arcs that nearly close, and turns of a helix, have width 0 and long bars: nothing is certified of them, and
    without the condition it would be."""
    for spec, wrong in (("spiral_arc:start=1,end=1.2,turns=0.95", 0.8), ("helix:radius=1,pitch=0.3,turns=3", 0.8)):
        K = manifold(spec)
        assert upper_bounds(K, 1)[0].upper == 0.0
        net = net_of(K, 300)
        assert without_the_condition(net, 1) > wrong
        found = sample_bound(net.points, 1, reach=K.truth.reach, covering_radius=Interval(0.0, net.covering))
        assert found.lower == 0.0
        assert persistence_bound(K, 1) is None


def test_the_bar_of_the_trefoil_would_certify_a_wrong_number():
    """The knot without a piece of length 2 is an arc, of width 0. The bar that is not born at the knot is still there,
    and dies at 1: without the condition on the birth it would certify 1, with it nothing is left."""
    knot = manifold("trefoil")
    turns = np.linspace(0.0, 0.93, 600)[:, None]
    chart = knot.chart
    points = chart.embed(chart.lower[0] + turns * (chart.upper[0] - chart.lower[0]))
    assert np.linalg.norm(points[0] - points[-1]) > 2 * knot.truth.reach.upper
    covering = float(np.linalg.norm(np.diff(points, axis=0), axis=1).max())
    assert without_the_condition(Net(points, covering, 1e-9), 1) > 0.9
    found = sample_bound(points, 1, reach=knot.truth.reach.lower, covering_radius=covering, noise=1e-9)
    assert found.lower == 0.0


def test_rigor_is_that_of_the_covering_radius():
    """Proved, in probability, assumed, unknown."""
    K = manifold("circle:radius=1")
    sample = K.sample(600, 0)
    cases = {
        Rigor.CERTIFIED: (K.truth.reach, sample.covering_radius),
        Rigor.STATISTICAL: (K.truth.reach, covering_radius_tail(K, 600, 0.99)),
        Rigor.EMPIRICAL: (K.truth.reach, 0.05),
    }
    for rigor, (reach, covering) in cases.items():
        found = sample_bound(sample.points, 1, reach=reach, covering_radius=covering, noise=1e-12)
        assert found.rigor is rigor
        assert 0.8 < found.lower < 1.0
        assert found.confidence == (0.99 if rigor is Rigor.STATISTICAL else None)
    assumed = sample_bound(sample.points, 1, reach=1.0, covering_radius=sample.covering_radius, noise=1e-12)
    assert assumed.rigor is Rigor.EMPIRICAL
    assert any("reach" in a for a in assumed.assumptions)
    for unknown in (None, Interval(0.0, math.inf)):
        found = sample_bound(sample.points, 1, reach=K.truth.reach, covering_radius=unknown)
        assert found.rigor is Rigor.EMPIRICAL
        assert found.interval == Interval.at_least(0.0)
        assert 0.8 < found.details["estimate"] < 1.0


def test_a_sample_that_covers_too_little_says_nothing():
    """Five points of the circle: their loop is born at 0.59, and with the covering radius 0.62 nothing is left."""
    K = manifold("circle:radius=1")
    grid = K.grid(5)
    found = sample_bound(grid.points, 1, reach=K.truth.reach, covering_radius=grid.covering_radius, noise=1e-12)
    assert found.lower == 0.0
    assert found.rigor is Rigor.CERTIFIED


def test_a_union_of_balls_is_known_exactly():
    """Balls of radius 1/5 about a regular 40-gon: the loop lives until the radius 1, so the width is at least 0.8; they
    fill no plane code; balls of radius 0.05 do not touch."""
    angle = 2 * math.pi * np.arange(40) / 40
    corners = np.column_stack([np.cos(angle), np.sin(angle)])
    found = balls_bound(corners, 0.2, 1)
    assert found.rigor is Rigor.CERTIFIED
    assert 0.8 * (1 - 1e-4) < found.lower < 0.8
    assert balls_bound(corners, 0.2, 2).lower == 0.0
    assert balls_bound(corners, 0.05, 1).lower == 0.0
    assert balls_bound(np.zeros((3, 2)), 0.2, 1).lower == 0.0
    for radius in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(UsageError, match="radius"):
            balls_bound(corners, radius, 1)


def test_wrong_parameters_are_refused():
    """Noise, reach, covering radius and latent dimensions."""
    x = manifold("circle").grid(20).points
    for arguments in (
        {"noise": -1.0},
        {"noise": math.nan},
        {"reach": 0.0},
        {"reach": math.nan},
        {"covering_radius": -0.1},
        {"covering_radius": math.nan},
    ):
        with pytest.raises(UsageError):
            sample_bound(x, 1, **{"reach": 1.0, **arguments})
    for m in (0, 3):
        with pytest.raises(UsageError):
            persistence_bound(manifold("circle"), m)


def test_the_projective_plane_binds_three_numbers_too():
    """Seen over Z/2 alone, it gives nearly its reach 1/2 for latent dimension 3; orientable surfaces give nothing."""
    found = nonorientable_sample_bound(manifold("projective_plane"), 3)
    assert found.rigor is Rigor.CERTIFIED
    assert 0.34 < found.lower < 0.5
    assert found.lower <= upper_bounds("projective_plane", 3)[0].upper
    assert nonorientable_sample_bound(manifold("projective_plane"), 4) is None
    assert nonorientable_sample_bound(manifold("clifford:r1=1,r2=1"), 3) is None


@pytest.mark.slow
def test_more_nodes_bring_the_klein_bottle_nearer():
    """Klein bottle (2, 1): w_2 = w_3 = 1."""
    K = manifold("klein:R=2,r=1")
    few, many = (nonorientable_sample_bound(K, 3, points=n).lower for n in (300, 1_500))
    assert 0.5 < few < many < 1.0
    assert many > 0.75
    assert 0.75 < persistence_bound(K, 2, points=1_500).lower < 1.0
