import math

import numpy as np
import pytest

from aeverify.core import Interval
from aeverify.errors import SpecError
from aeverify.manifolds import Helix, Segment, SpiralArc, manifold
from aeverify.manifolds.base import INFINITE
from aeverify.manifolds.reach import certified_reach


def test_a_segment_is_convex():
    """Infinite reach, length and diameter exact, one component, no hole."""
    truth = Segment(2.5, ambient_dim=4).truth
    assert truth.reach == truth.weak_feature_size == INFINITE
    assert truth.volume == truth.diameter == Interval.exactly(2.5)
    assert truth.curvature == Interval.exactly(0.0)
    assert truth.betti["Z/2"] == (1, 0)
    assert not truth.closed
    assert Segment(2.5, ambient_dim=1).grid(3).points.shape == (3, 1)


def test_the_certificate_knows_that_a_segment_is_nearly_convex():
    """Without curvature there are no far pairs: the certified lower end is far beyond the length."""
    assert certified_reach(Segment(1.0).chart, closed=False).interval.lower > 1e3


def _helix_reach(a, b, span):
    """min((a^2 + b^2) / a, half the least distance beyond the first root of a^2 sin u + b^2 u)."""
    u = np.linspace(1e-3, span, 400_001)
    slope = a**2 * np.sin(u) + b**2 * u
    roots = np.flatnonzero(slope < 0)
    smooth = (a**2 + b**2) / a
    if not len(roots):
        return smooth
    far = u[roots[0] :]
    return min(smooth, 0.5 * np.sqrt(2 * a**2 * (1 - np.cos(far)) + b**2 * far**2).min())


@pytest.mark.parametrize(
    ("b", "turns", "known"), [(0.5, 2.0, 1.25), (0.1, 2.0, 0.31260), (0.3, 1.5, 0.90182), (0.1, 0.4, 1.01)]
)
def test_the_reach_of_a_helix(b, turns, known):
    """Closed form in the bottleneck equation, against the certificate; a short arc has the radius of curvature."""
    found = Helix(1.0, 2 * math.pi * b, turns).truth.reach
    exact = _helix_reach(1.0, b, 2 * math.pi * turns)
    assert exact == pytest.approx(known, abs=1e-5)
    assert found.lower <= exact * (1 + 1e-9)
    assert exact * (1 - 1e-9) <= found.upper
    assert found.width <= 1e-3 * exact


def test_length_and_curvature_of_a_helix_are_closed_forms():
    """2 pi turns sqrt(a^2 + b^2) and a / (a^2 + b^2)."""
    truth = Helix(2.0, 2 * math.pi * 0.5, 3.0).truth
    assert truth.volume.lower == pytest.approx(6 * math.pi * math.sqrt(4.25), rel=1e-14)
    assert truth.curvature is not None
    assert truth.curvature.lower == pytest.approx(2 / 4.25, rel=1e-14)


def test_the_tutorials_spiral_is_a_spiral_arc_up_to_a_rotation():
    """start=1, end=2 and 5 / 2 pi turns have the facts of `spiral`."""
    special, general = manifold("spiral").truth, SpiralArc(1, 2, 5 / (2 * math.pi)).truth
    assert general.volume.lower == pytest.approx(special.volume.lower, rel=1e-9)
    assert general.reach.lower == pytest.approx(special.reach.lower, rel=1e-3)
    assert general.reach.lower <= special.reach.upper * (1 + 1e-9)


@pytest.mark.parametrize(
    ("family", "parameters", "what"),
    [
        (Segment, {"length": 0}, "positive"),
        (Segment, {"length": math.nan}, "finite"),
        (Segment, {"ambient_dim": 0}, "between 1"),
        (Helix, {"radius": -1}, "positive"),
        (Helix, {"pitch": 0}, "positive"),
        (Helix, {"pitch": 1e-9}, "factor of 1000"),
        (Helix, {"turns": 0}, "turns"),
        (Helix, {"turns": math.inf}, "finite"),
        (SpiralArc, {"start": 2, "end": 2}, "must grow"),
        (SpiralArc, {"start": -1}, "between 0"),
        (SpiralArc, {"turns": 1000}, "turns"),
    ],
)
def test_arcs_that_cannot_be_are_refused(family, parameters, what):
    """Lengths, turns and radii out of range."""
    with pytest.raises(SpecError, match=what):
        family(**parameters)
