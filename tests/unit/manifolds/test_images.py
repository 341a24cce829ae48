import numpy as np
import pytest

from aeverify.errors import SpecError
from aeverify.manifolds import RotatingBar, manifold


def test_the_pictures_show_the_bar():
    """Pixels are Gaussian functions of the distance from the line at the angle pi t through the centre."""
    k = RotatingBar(pixels=5, width=0.4)
    t = np.array([0.0, 0.1, 0.25, 0.6, 0.99])
    x, y = np.meshgrid(np.linspace(-1, 1, 5), np.linspace(1, -1, 5))
    angle = np.pi * t[:, None, None]
    picture = np.exp(-((y * np.cos(angle) - x * np.sin(angle)) ** 2) / (2 * 0.4**2))
    np.testing.assert_allclose(k.chart.embed(t[:, None]), picture.reshape(5, 25), atol=1e-12)


def test_half_a_turn_of_the_bar_closes_the_curve():
    """The pictures at t = 0 and t = 1 are one, with one tangent; at t = 1/2 the bar is upright."""
    k = manifold("rotating_bar:pixels=6")
    points = k.chart.embed(np.array([[0.0], [1.0], [0.5]]))
    tangents = k.chart.jacobian(np.array([[0.0], [1.0]]))
    np.testing.assert_allclose(points[0], points[1], atol=1e-12)
    np.testing.assert_allclose(tangents[0], tangents[1], atol=1e-11)
    np.testing.assert_allclose(points[2].reshape(6, 6), points[0].reshape(6, 6).T[::-1], atol=1e-12)


def test_the_facts_of_a_rotating_bar():
    """A closed curve with a certified reach and one hole."""
    k = RotatingBar(pixels=4, width=0.5)
    truth = k.truth
    assert k.ambient_dim == 16
    assert truth.closed
    assert truth.betti["Q"] == (1, 1)
    assert 0 < truth.reach.lower <= truth.reach.upper <= truth.circumradius.upper
    assert truth.reach.width < 2e-3 * truth.reach.upper


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ({"pixels": 2}, "between 3 and 32"),
        ({"pixels": 64}, "between 3 and 32"),
        ({"pixels": 8.0}, "integer"),
        ({"width": 0}, "between 0.1 and 2"),
        ({"width": float("nan")}, "finite"),
    ],
)
def test_bars_that_cannot_be_are_refused(parameters, what):
    """Too few or many pixels and widths out of range."""
    with pytest.raises(SpecError, match=what):
        RotatingBar(**parameters)
