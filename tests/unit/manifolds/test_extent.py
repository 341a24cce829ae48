import numpy as np

from aeverify.manifolds import manifold
from aeverify.manifolds.extent import circumradius_bounds, cover, diameter_bounds, distance_bounds, gap_bounds


def test_the_ellipse_is_enclosed():
    """Diameter 6 and circumradius 3 of the ellipse (3, 2) lie in enclosures narrower than a covering radius or two."""
    k = cover((manifold("ellipse:a=3,b=2"),), 512)
    assert 6.0 in diameter_bounds(k)
    assert 3.0 in circumradius_bounds(k)
    assert diameter_bounds(k).width < 3 * k.radius
    assert circumradius_bounds(k).width < 0.05


def test_the_two_circles_are_enclosed():
    """Gap 1, diameter 3 and circumradius 3/2 of the two circles lie in the enclosures that the grid alone gives."""
    a, b = manifold("two_circles").components
    gap = gap_bounds(cover((a,), 512), cover((b,), 512))
    assert 1.0 in gap
    assert gap.width < 0.03
    both = cover((a, b), 512)
    assert 3.0 in diameter_bounds(both)
    assert 1.5 in circumradius_bounds(both)


def test_a_far_centre_costs_no_soundness():
    """A unit circle 10^6 radii away still has circumradius 1 and diameter 2 inside the enclosures."""
    k = cover((manifold("circle:radius=1,center=[1e6,-1e6]"),), 256)
    assert 1.0 in circumradius_bounds(k)
    assert 2.0 in diameter_bounds(k)


def test_the_lower_end_of_the_circumradius_is_sound_after_few_steps_too():
    """Whatever the walk has found by then, its weights give a lower and its centre an upper bound."""
    k = cover((manifold("ellipse:a=3,b=2"),), 64)
    for steps in (1, 2, 5, 50):
        assert 3.0 in circumradius_bounds(k, iterations=steps)


def test_distance_bounds_hold_the_exact_distance():
    """The exact distance of (0, 0) and (1/3, 1/7) as floats lies strictly inside."""
    from fractions import Fraction

    square = Fraction(1 / 3) ** 2 + Fraction(1 / 7) ** 2
    found = distance_bounds(float(np.hypot(1 / 3, 1 / 7)), 2, 0.0)
    assert Fraction(found.lower) ** 2 < square < Fraction(found.upper) ** 2
    assert found.width < 1e-14
