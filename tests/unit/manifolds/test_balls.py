import math
import subprocess
import sys

import numpy as np
import pytest
from flint import arb

from aeverify.errors import MeasurementError, UsageError
from aeverify.manifolds import certified_points, interval_of, manifold, point_balls
from aeverify.manifolds.balls import enclosure, precision


def test_a_point_of_the_second_circle_is_enclosed_on_the_exact_circle():
    """|x - c|^2 of the enclosed point of the two circles' second component holds 1 within 2^-100."""
    with precision(128):
        x, y, z = point_balls(manifold("two_circles"), [0.3], component=1)
        square = (x - 1) ** 2 + y**2 + z**2
    assert square.contains(1)
    assert float(square.rad()) < 2.0**-100


def test_a_frame_of_rounded_vectors_still_gives_a_true_circle():
    """0.6 and 0.8 are not orthonormal in binary; the enclosed point lies on the exact circle nevertheless."""
    k = manifold("circle:radius=2,ambient_dim=3,frame=[[0.6,0.8,0],[-0.8,0.6,0]]")
    with precision(128):
        square = sum(v * v for v in point_balls(k, [0.123]))
    assert square.contains(4)
    assert float(square.rad()) < 2.0**-100


@pytest.mark.parametrize(
    ("parameters", "component", "what"),
    [
        ([0.1], 2, "components 0 to 1"),
        ([0.1, 0.2], 0, "1 chart parameters"),
        ([1.5], 0, "lies in"),
        ([math.nan], 0, "lies in"),
    ],
)
def test_points_that_are_not_on_the_chart_are_refused(parameters, component, what):
    """A witness with a wrong component, number of parameters or parameter is no point of the set."""
    with pytest.raises(UsageError, match=what):
        point_balls(manifold("two_circles"), parameters, component=component)


def test_certified_points_are_within_the_stated_error():
    """The error of the float points is tiny, positive, and covers the distance from points of 300 bits."""
    chart = manifold("spiral").chart
    u = np.random.default_rng(1).random((50, 1))
    points, error = certified_points(chart, u)
    assert 0 < error < 1e-15
    fine, _ = certified_points(chart, u, bits=300)
    assert np.abs(points - fine).max() <= error


def test_interval_of_rounds_outward():
    """The float ends of the enclosure of 1/3 lie on either side of it."""
    with precision(200):
        third = arb(1) / 3
        found = interval_of(third)
        assert arb(found.lower) < third < arb(found.upper)
    assert found.width <= 2.0**-52
    assert interval_of(arb(2)).is_exact


def test_a_ball_that_is_not_finite_is_no_interval():
    """Dividing by a ball that holds 0 gives no enclosure."""
    with pytest.raises(MeasurementError, match="not finite"):
        interval_of(arb(1) / arb(0))


def test_an_enclosure_that_never_narrows_is_refused():
    """A number known to one digit only is not passed off as an enclosure of a number."""
    with pytest.raises(MeasurementError, match="narrow"):
        enclosure(lambda: arb(1, 0.1))


def test_importing_manifolds_loads_no_heavy_package():
    """python-flint, scipy and torch wait until they are needed."""
    heavy = ["flint", "scipy", "torch", "gudhi"]
    code = f"import sys, aeverify.manifolds, aeverify.widths; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
