import pytest

from aeverify.errors import SpecError
from aeverify.manifolds import TorusKnot, manifold


def test_the_trefoil_has_a_certified_reach():
    """At least 0.606, and 0.60716 from above; its curvature is at most 1/1.2872."""
    truth = manifold("trefoil").truth
    assert truth.reach.lower >= 0.606
    assert truth.reach.upper == pytest.approx(0.60715, abs=1e-4)
    assert truth.curvature is not None
    assert 1 / truth.curvature.upper == pytest.approx(1.2873, abs=1e-3)


@pytest.mark.parametrize(("p", "q", "R", "r", "reach"), [(2, 3, 2, 1, 0.83164), (2, 5, 3, 1, 0.99795)])
def test_the_reaches_of_torus_knots(p, q, R, r, reach):
    """Two values found independently by sampling."""
    found = TorusKnot(p, q, R, r).truth.reach
    assert found.lower <= reach + 1e-5
    assert reach - 1e-5 <= found.upper
    assert found.width < 2e-3 * reach


def test_a_torus_knot_lies_on_its_torus():
    """All points have distance r from the core circle."""
    x, y, z = manifold("torus_knot:p=3,q=4,R=2,r=0.5").grid(200).points.T
    assert ((x**2 + y**2) ** 0.5 - 2) ** 2 + z**2 == pytest.approx(0.25, abs=1e-12)


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ({"p": 2, "q": 4}, "traced 2 times"),
        ({"p": 0, "q": 3}, "between 1 and 50"),
        ({"p": 2.0, "q": 3}, "integer"),
        ({"p": 2, "q": 3, "R": 1, "r": 1}, "R > r"),
        ({"p": 2, "q": 3, "R": 1, "r": 2}, "R > r"),
        ({"p": 2, "q": 3, "r": -1}, "positive"),
        ({"p": 2, "q": 3, "R": float("nan")}, "finite"),
    ],
)
def test_torus_knots_that_cannot_be_are_refused(parameters, what):
    """Common divisors, R <= r and numbers out of range."""
    with pytest.raises(SpecError, match=what):
        TorusKnot(**parameters)
