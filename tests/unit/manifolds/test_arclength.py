import math

import numpy as np
import pytest

from aeverify.errors import MeasurementError, UsageError
from aeverify.manifolds import Chart, manifold
from aeverify.manifolds.arclength import curvature_bounds, length_bounds, speed_bound


@pytest.mark.parametrize("spec", ["circle:radius=0.7", "ellipse:a=3,b=2", "ellipse:a=100,b=0.5", "spiral"])
def test_lengths_hold_the_closed_forms(spec):
    """Circles, elliptic integrals and the spiral's primitive lie in narrow enclosures."""
    k = manifold(spec)
    found = length_bounds(k.chart)
    assert found.encloses(k.truth.volume)
    assert found.width < 1e-6 * found.lower


@pytest.mark.parametrize("spec", ["circle:radius=0.7", "ellipse:a=3,b=2", "ellipse:a=100,b=0.5", "spiral"])
def test_curvatures_hold_the_closed_forms(spec):
    """1/r, a/b^2 and the spiral's curvature at its inner end lie in enclosures of the asked tolerance."""
    k = manifold(spec)
    found, _ = curvature_bounds(k.chart, 1e-4)
    exact = k.truth.curvature
    assert exact is not None
    assert found.lower <= exact.upper
    assert exact.lower <= found.upper
    assert found.width < 2e-4 * found.lower


def test_speed_is_bounded_from_above_and_closely():
    """The largest speed of the ellipse is 2 pi times its longer semi-axis."""
    found = speed_bound(manifold("ellipse:a=3,b=2").chart)
    assert 6 * math.pi <= found <= 6 * math.pi * 1.001


def _cusp(parameters, ops):
    t = 2 * ops.pi * parameters[0]
    return [ops.cos(t) ** 3, ops.sin(t) ** 3]


def test_a_curve_with_cusps_has_no_bound_of_its_curvature():
    """The astroid stops at its cusps: no finite upper end, and no length is claimed."""
    chart = Chart((0.0,), (1.0,), (True,), _cusp, (99.0,))
    assert curvature_bounds(chart)[0].upper == np.inf
    with pytest.raises(MeasurementError, match="speed"):
        length_bounds(chart)


def test_surfaces_are_refused():
    """Arc length is a notion of curves."""
    chart = Chart((0.0, 0.0), (1.0, 1.0), (True, True), lambda p, ops: [p[0], p[1]], (1.0, 1.0))
    with pytest.raises(UsageError, match="one parameter"):
        length_bounds(chart)
