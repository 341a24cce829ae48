import pytest

from aeverify.errors import SpecError
from aeverify.manifolds import Star, manifold


def test_the_reach_of_a_star_is_the_radius_of_curvature_of_its_bays():
    """(1 - a)^2 / |1 - a - a k^2|: 0.245 for a = 0.3, k = 3, within the tolerance of the certificate."""
    reach = manifold("star:a=0.3,k=3").truth.reach
    assert 0.245 in reach
    assert reach.width < 1e-3 * 0.245


def test_a_star_scales():
    """Radius 1e6 gives 1e6 times the facts."""
    small, large = Star(0.3, 3).truth, Star(0.3, 3, radius=1e6).truth
    assert large.reach.lower == pytest.approx(1e6 * small.reach.lower, rel=1e-6)
    assert large.volume.lower == pytest.approx(1e6 * small.volume.lower, rel=1e-6)


def test_stars_with_an_even_number_of_bays_are_symmetric():
    """Then the bottom of a bay has its antipode at the same distance; with an odd number there is no centre."""
    even = Star(0.1, 4).truth
    assert even.symmetry_center == (0.0, 0.0)
    assert even.inner_radius is not None
    assert pytest.approx(even.inner_radius.lower, rel=1e-15) == 0.9
    assert even.antipodal_index == 1
    assert Star(0.3, 3).truth.symmetry_center is None


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ({"a": 1.0, "k": 3}, "through the origin"),
        ({"a": 0.0, "k": 3}, "circle"),
        ({"a": -0.3, "k": 3}, "between"),
        ({"a": float("nan"), "k": 3}, "finite"),
        ({"a": 0.3, "k": 0}, "between 1 and 64"),
        ({"a": 0.3, "k": 2.5}, "integer"),
        ({"a": 0.3, "k": True}, "integer"),
        ({"a": 0.3, "k": 100}, "between 1 and 64"),
        ({"a": 0.3, "k": 3, "radius": 0}, "positive"),
    ],
)
def test_stars_that_cannot_be_are_refused(parameters, what):
    """One sentence says what was expected."""
    with pytest.raises(SpecError, match=what):
        Star(**parameters)
