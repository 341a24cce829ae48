import numpy as np
import pytest

from aeverify.manifolds import Circle, Union, manifold
from aeverify.widths.inradius import candidates, inradius_bound, inside_bound, triangulated
from aeverify.widths.linking import line_bound, linked_components_bound, linking_bound, loop_bound, point_bound


def test_the_trefoil_winds_twice_around_its_axis():
    """|x|^2 + |y|^2 = 5 - 4 cos 6 pi t is at least 1: the axis gives w_1 >= 1, with linking number 2."""
    found = line_bound(manifold("trefoil"), 0, (0.0, 0.0, 0.0), (0.0, 0.0, 2.0))
    assert 1 - 1e-10 < found.lower <= 1
    assert abs(found.details["linking_number"]) == 2


def test_a_line_that_the_curve_does_not_wind_around_says_nothing():
    """Far outside, and through the side of the circle."""
    k = manifold("circle:ambient_dim=3")
    assert line_bound(k, 0, (5.0, 0.0, 0.0), (0.0, 0.0, 1.0)) is None
    assert line_bound(k, 0, (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)) is None
    assert 0.5 * (1 - 1e-9) < line_bound(k, 0, (0.5, 0.0, 0.0), (0.0, 0.0, 1.0)).lower <= 0.5


def test_a_point_nearer_than_the_polygon_deviates_proves_nothing():
    """1e-9 inside the circle the winding number of the polygon need not be that of the circle."""
    k = manifold("circle")
    assert point_bound(k, 0, (1 - 1e-9, 0.0)) is None
    assert point_bound(k, 0, (0.25, 0.0)).lower == pytest.approx(0.75)
    assert point_bound(k, 0, (1.25, 0.0)) is None


@pytest.mark.parametrize(
    ("spec", "least", "most"),
    [
        ("ellipse:a=3,b=2", 1.999, 2.0),
        ("star:a=0.3,k=3", 0.6999, 0.7),
        ("reuleaux:width=1,sharpness=0.9", 0.44374, 0.44375),
        ("torus_knot:p=2,q=5,R=3,r=1", 1.9999, 2.0),
    ],
)
def test_the_search_finds_the_inradius(spec, least, most):
    """The largest disc inside, never more: less than the width of the star and of the Reuleaux curve; and the axis of
    a torus knot, which goes around it twice, at distance R - r = 2, where the tube gives 1."""
    assert least <= linking_bound(manifold(spec)).lower <= most


def test_linked_circles_bound_each_other():
    """The two circles of Kvalheim and Sontag are linked once at distance 1; far circles are not linked."""
    found = linked_components_bound(manifold("two_circles"))
    assert 1 - 1e-3 < found.lower <= 1
    assert abs(found.details["linking_number"]) == 1
    apart = Union([Circle(1, ambient_dim=3), Circle(1, center=(9, 0, 0), ambient_dim=3)])
    assert linked_components_bound(apart) is None


def test_a_loop_inside_the_torus_links_the_knot_q_times():
    """The core circle of the torus is at distance r of the (2, 3) knot on it, and linked three times."""
    knot = manifold("torus_knot:p=2,q=3,R=2,r=1")
    core = manifold("circle:radius=2,ambient_dim=3")
    found = loop_bound(knot, 0, core.chart, "the core", (0.0, 0.0, 0.0))
    assert 1 - 2e-4 < found.lower <= 1
    assert abs(found.details["linking_number"]) == 3


@pytest.mark.parametrize(
    ("spec", "r"), [("torus:R=1,r=0.7", 0.7), ("sphere:dim=2,radius=3", 3.0), ("ellipsoid:axes=[3,2,1]", 1.0)]
)
def test_a_point_inside_a_surface_bounds_the_second_width(spec, r):
    """The largest ball inside, within 1 %: on the torus (1, .7) more than twice the reach .3."""
    found = inradius_bound(manifold(spec))
    assert 0.99 * r < found.lower <= r


def test_a_point_outside_a_surface_is_refused():
    """In the hole of the torus the ray meets the surface an even number of times."""
    k = manifold("torus:R=2,r=1")
    cycle = triangulated(k)
    assert inside_bound(k, 0, np.zeros(3), cycle) is None
    assert inside_bound(k, 0, np.array([2.0, 0.0, 0.0]), cycle).lower == pytest.approx(1, rel=1e-3)


def test_triangles_that_do_not_close_up_are_no_cycle():
    """A hemisphere has a boundary."""
    assert triangulated(manifold("hemisphere:dim=2")) is None


def test_candidates_lie_on_the_core_of_the_torus():
    """The largest touching balls of the torus have their centres on its core circle, or outside it on the axis."""
    for point in candidates(manifold("torus:R=2,r=1")):
        ring = np.hypot(point[0], point[1])
        assert abs(ring - 2) < 0.1 or ring < 1
