import numpy as np
import pytest

from aeverify.errors import SpecError
from aeverify.manifolds import FourierCurve, manifold


def test_coefficients_give_the_curve():
    """An ellipse is the Fourier curve of degree 1, with the facts of the ellipse."""
    k = FourierCurve(cosine=[[3, 0]], sine=[[0, 2]])
    ellipse = manifold("ellipse:a=3,b=2")
    np.testing.assert_allclose(k.grid(50).points, ellipse.grid(50).points, atol=1e-12)
    assert k.truth.volume.encloses(ellipse.truth.volume)
    assert k.truth.reach.lower <= 4 / 3 <= k.truth.reach.upper
    assert k.truth.reach.width < 2e-3


def test_the_shorter_list_is_continued_with_zeros_and_trailing_zeros_go():
    """One curve has one canonical line."""
    k = FourierCurve(cosine=[[1, 0], [0, 0.1], [0, 0]], sine=[[0, 1]])
    assert str(k) == "fourier:cosine=[[1,0],[0,0.1]],sine=[[0,1],[0,0]]"
    assert manifold(str(k)) == k


def test_a_seed_draws_the_same_curve_again():
    """Same seed, same curve; another seed, another curve; the line rebuilds it."""
    k = FourierCurve(seed=5)
    assert str(k) == "fourier:seed=5,degree=3,ambient_dim=3,decay=2"
    assert manifold(str(k)).cosine == k.cosine
    assert FourierCurve(seed=6).cosine != k.cosine
    assert k.truth.reach.lower > 0


@pytest.mark.parametrize("seed", range(10))
def test_small_amplitudes_are_embedded_whatever_is_drawn(seed):
    """Amplitude 0.99 in the plane, where most random curves meet themselves: certified after the fact."""
    k = FourierCurve(seed=seed, degree=6, ambient_dim=2, decay=0.5, amplitude=0.99)
    assert k.truth.reach.lower > 0


def test_amplitude_zero_is_the_unit_circle():
    """Nothing is added."""
    truth = FourierCurve(seed=3, ambient_dim=4, amplitude=0).truth
    assert 1.0 in truth.reach
    assert truth.reach.width < 1e-3


FIGURE_EIGHT = {"cosine": [[0, 0]], "sine": [[1, 0], [0, 1]]}
ASTROID = {"cosine": [[3, 0], [0, 0], [1, 0]], "sine": [[0, 3], [0, 0], [0, -1]]}


@pytest.mark.parametrize("coefficients", [FIGURE_EIGHT, ASTROID])
def test_curves_that_meet_themselves_or_have_cusps_are_refused(coefficients):
    """The message says where and what to change."""
    with pytest.raises(SpecError, match=r"could not be proved to be embedded.*ambient_dim=3"):
        FourierCurve(**coefficients)


def test_a_random_plane_curve_that_meets_itself_is_refused():
    """Seed 0 in the plane crosses itself."""
    with pytest.raises(SpecError, match="meets itself"):
        FourierCurve(seed=0, degree=5, ambient_dim=2, decay=1)


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ({}, "needs coefficients"),
        ({"degree": 3}, "belong to a seed"),
        ({"cosine": [[1, 0]], "seed": 0}, "not both"),
        ({"cosine": [[0, 0]], "sine": [[0, 0]]}, "largest coefficient"),
        ({"cosine": [[1, 0], [1, 0, 0]]}, "one length"),
        ({"cosine": [[1]], "sine": [[1]]}, "one length"),
        ({"cosine": [1, 2]}, "list of vectors"),
        ({"cosine": "ab"}, "list of vectors"),
        ({"cosine": [[1, float("nan")]]}, "finite"),
        ({"cosine": [[0, 0], [1, 0]], "sine": [[0, 0], [0, 1]]}, "traced 2 times"),
        ({"cosine": [[1, 0]] * 33}, "at most 32"),
        ({"seed": -1}, "seed"),
        ({"seed": 0, "degree": 0}, "degree"),
        ({"seed": 0, "degree": 33}, "degree"),
        ({"seed": 0, "ambient_dim": 1}, "ambient_dim"),
        ({"seed": 0, "decay": -1}, "decay"),
        ({"seed": 0, "amplitude": -1}, "amplitude"),
        ({"seed": 0, "amplitude": float("inf")}, "finite"),
    ],
)
def test_fourier_curves_that_cannot_be_are_refused(parameters, what):
    """Missing, contradictory and wrong parameters."""
    with pytest.raises(SpecError, match=what):
        FourierCurve(**parameters)
