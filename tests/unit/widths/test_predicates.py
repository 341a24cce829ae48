from fractions import Fraction

import numpy as np
import pytest

from aeverify.widths.predicates import crossings, is_inside, linking_number, orientation, winding_number


def ring(n, turns=1):
    t = 2 * np.pi * turns * np.arange(n) / n
    return np.column_stack([np.cos(t), np.sin(t)])


def exact(points):
    return [(Fraction(float(x)), Fraction(float(y))) for x, y in points]


@pytest.mark.parametrize("turns", [1, 2, -3])
def test_winding_numbers_count_turns(turns):
    """Round polygons about the origin, and shifted away from it."""
    assert winding_number(exact(ring(41, turns))) == turns
    assert winding_number(exact(ring(41, turns) + 3)) == 0


def test_a_point_on_the_polygon_has_no_winding_number():
    """In the middle of an edge and at a vertex."""
    square = [(Fraction(x), Fraction(y)) for x, y in ((0, -1), (0, 1), (-2, 1), (-2, -1))]
    assert winding_number(square) is None
    assert winding_number([(x, y + 1) for x, y in square]) is None


def test_orientations_that_float64_cannot_tell_are_exact():
    """Four points that are coplanar up to one unit in the last place of one coordinate."""
    a, b, c = np.array([0.1, 0.1, 0.1]), np.array([1.1, 0.1, 0.1]), np.array([0.1, 1.1, 0.1])
    heights = (0.1, np.nextafter(0.1, 1), np.nextafter(0.1, 0))
    fourth = np.array([[0.3, 0.4, z] for z in heights])
    assert orientation(a, b, c, fourth).tolist() == [0, 1, -1]


def test_a_segment_that_touches_an_edge_is_no_crossing():
    """Through the inside: a sign; through an edge: None, so that another position is tried; beside it: 0."""
    a, b, c = np.eye(3)
    start, end = np.zeros((1, 3)), np.ones((1, 3))
    assert np.abs(crossings(start, end, a, b, c)).tolist() == [1]
    assert crossings(start, np.array([[1.0, 1.0, 0.0]]), a, b, c) is None
    assert crossings(start, np.array([[1.0, -1.0, 0.1]]), a, b, c).tolist() == [0]


@pytest.mark.parametrize(("p", "q"), [(1, 2), (2, 3), (2, 5), (3, 1)])
def test_linking_numbers_of_torus_knots_and_their_core(p, q):
    """A (p, q) torus knot is linked q times with the core and p times with a far meridian loop through the axis."""
    t = 2 * np.pi * np.arange(300) / 300
    rho = 3 + np.cos(q * t)
    knot = np.column_stack([rho * np.cos(p * t), rho * np.sin(p * t), np.sin(q * t)])
    core = np.column_stack([3 * ring(64), np.zeros(64)])
    assert abs(linking_number(knot, core)) == q
    assert abs(linking_number(core, knot)) == q
    axis = np.array([[0.0, 0, -9], [0, 0, 9], [9, 1, 9], [9, 1, -9]])
    assert abs(linking_number(knot, axis)) == p
    assert linking_number(knot, core + np.array([20.0, 0, 0])) == 0


def test_points_inside_a_cube():
    """Twelve triangles; the parity tells inside from outside."""
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
    sides = [(0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (0, 2, 6, 4), (1, 3, 7, 5)]
    triangles = np.array([corners[list(t)] for a, b, c, d in sides for t in ((a, b, c), (a, c, d))])
    assert is_inside(np.array([0.5, 0.5, 0.5]), triangles) is True
    assert is_inside(np.array([0.9, 0.1, 0.2]), triangles) is True
    assert is_inside(np.array([1.1, 0.5, 0.5]), triangles) is False
