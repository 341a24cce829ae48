import math

import numpy as np
import pytest
from flint import arb
from scipy import special

from aeverify.core import Interval
from aeverify.errors import SpecError
from aeverify.manifolds import Circle, Ellipse, Spiral, manifold
from aeverify.manifolds.balls import precision


def test_the_facts_of_a_circle():
    """Length 2 pi r is enclosed within 2 units in the last place; reach and circumradius are r, the diameter 2 r."""
    truth = Circle(0.3, ambient_dim=5).truth
    assert 0.6 * math.pi in truth.volume
    assert truth.volume.width <= 4 * math.ulp(2.0)
    assert truth.reach == truth.circumradius == truth.inner_radius == Interval.exactly(0.3)
    assert truth.diameter == Interval.exactly(0.6)
    assert truth.betti == {"Q": (1, 1), "Z/2": (1, 1), "Z/3": (1, 1)}


def test_the_second_circle_of_the_paper_has_a_spec_of_its_own():
    """(1 + sin s, 0, cos s) is the circle about (1, 0, 0) whose plane's first axis is z."""
    s = np.linspace(0, 1, 9)
    points = Circle(1, center=[1, 0, 0], plane=[2, 0], ambient_dim=3).chart.embed(s[:, None])
    angle = 2 * np.pi * s
    np.testing.assert_allclose(points, np.column_stack([1 + np.sin(angle), 0 * s, np.cos(angle)]), atol=1e-15)


def test_a_frame_and_a_plane_give_the_same_points():
    """The frame of two axes is the plane of these axes."""
    u = np.linspace(0, 1, 7)[:, None]
    by_frame = Circle(2, frame=[[0, 0, 1], [1, 0, 0]], ambient_dim=3).chart.embed(u)
    assert by_frame.tolist() == Circle(2, plane=(2, 0), ambient_dim=3).chart.embed(u).tolist()


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ({"radius": 0}, "positive"),
        ({"radius": -1.0}, "positive"),
        ({"radius": math.nan}, "finite"),
        ({"radius": math.inf}, "finite"),
        ({"radius": 10**400}, "finite"),
        ({"radius": True}, "real number"),
        ({"radius": "1"}, "real number"),
        ({"radius": 1e-300}, "between"),
        ({"radius": 1e300}, "between"),
        ({"ambient_dim": 1}, "between 2"),
        ({"ambient_dim": 10**6}, "between 2"),
        ({"ambient_dim": 2.0}, "integer"),
        ({"ambient_dim": True}, "integer"),
        ({"center": [1, 2, 3]}, "2 coordinates"),
        ({"center": 1}, "origin"),
        ({"center": "ab"}, "origin"),
        ({"center": [math.nan, 0]}, "finite"),
        ({"center": [True, 0]}, "real number"),
        ({"center": [1e7, 0]}, "far from the origin"),
        ({"plane": [0, 2]}, "axes from 0 to 1"),
        ({"plane": [0, 0]}, "two different axes"),
        ({"plane": [0]}, "two axes"),
        ({"plane": [0.0, 1.0]}, "axes from"),
        ({"plane": [True, False]}, "axes from"),
        ({"plane": [0, 1], "frame": [[1, 0], [0, 1]]}, "not both"),
        ({"frame": [[1, 0], [1, 0]]}, "orthonormal"),
        ({"frame": [[2, 0], [0, 1]]}, "orthonormal"),
        ({"frame": [[1e300, 0], [-1e300, 1]]}, "orthonormal"),
        ({"frame": [[1, 0, 0], [0, 1, 0]]}, "2 coordinates"),
        ({"frame": [[1, 0]]}, "two vectors"),
        ({"frame": [[math.inf, 0], [0, 1]]}, "finite"),
    ],
)
def test_parameters_of_a_circle_that_cannot_be_are_refused_in_one_paragraph(parameters, what):
    """Each wrong parameter gives a SpecError that says what was expected, without a line break."""
    with pytest.raises(SpecError, match=what) as caught:
        Circle(**parameters)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("a", "b"), [(3, 2), (2, 3), (1, 1), (0.25, 7), (1e-100, 1e100), (1e100, 1e100)])
def test_the_facts_of_an_ellipse(a, b):
    """Reach (shorter^2 / longer) and length enclose the closed forms, whichever semi-axis is longer."""
    longer, shorter = max(a, b), min(a, b)
    truth = Ellipse(a, b).truth
    assert truth.reach.lower <= shorter / longer * shorter * (1 + 1e-15)
    assert truth.reach.upper >= shorter / longer * shorter * (1 - 1e-15)
    length = 4 * longer * special.ellipe(1 - (shorter / longer) ** 2)
    assert truth.volume.lower == pytest.approx(length, rel=1e-14)
    assert truth.volume.width <= 4 * math.ulp(truth.volume.upper)
    assert truth.circumradius == Interval.exactly(longer)
    assert truth.inner_radius == Interval.exactly(shorter)
    assert truth.diameter == Interval.exactly(2 * longer)


def test_an_exact_reach_is_one_number():
    """4/1 is a float, so the reach of the ellipse with semi-axes 1 and 2 over 4 is exact; 4/3 is enclosed by two."""
    assert Ellipse(4, 2).truth.reach == Interval.exactly(1.0)
    third = Ellipse(3, 2).truth.reach
    assert third.upper == math.nextafter(third.lower, 2)
    assert 3 * third.lower < 4 < 3 * third.upper or 4 / 3 in third


def test_the_reach_of_an_ellipse_is_not_refuted_by_sampled_quotients():
    """Federer's quotient over sampled pairs is an upper bound of the reach, and comes close to 4/3."""
    k = Ellipse(3, 2)
    u = np.linspace(0, 1, 400, endpoint=False)[:, None]
    best = federer(k.chart, u)
    assert k.truth.reach.lower <= best * (1 + 1e-9)
    assert best == pytest.approx(4 / 3, rel=1e-2)


def federer(chart, u):
    """Least |q - p|^2 / (2 d(q - p, tangent at p)) over pairs that are not too near."""
    x = chart.embed(u)
    tangent = chart.jacobian(u)[:, :, 0]
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    d = x[None] - x[:, None]
    along = np.einsum("ijk,ik->ij", d, tangent)
    square = (d**2).sum(axis=2)
    off = np.sqrt(np.maximum(square - along**2, 0))
    keep = square > 1e-3
    return float((square[keep] / (2 * np.maximum(off[keep], 1e-300))).min())


def test_the_facts_of_the_spiral():
    """Length by quadrature, reach 26^(3/2) / 135, one component, an arc."""
    truth = Spiral().truth
    t = np.linspace(1, 2, 200_001)
    assert np.trapezoid(np.sqrt(1 + 25 * t**2), t) == pytest.approx(truth.volume.lower, rel=1e-10)
    assert 26**1.5 / 135 in Interval(truth.reach.lower - 1e-15, truth.reach.upper + 1e-15)
    assert truth.reach.width <= 3 * math.ulp(1.0)
    assert (truth.closed, truth.components, truth.betti["Z/2"]) == (False, 1, (1, 0))


def test_the_reach_of_the_spiral_is_the_radius_of_curvature_at_its_inner_end():
    """1 / kappa(0) from exact tangents and a second difference of them."""
    chart, h = Spiral().chart, 1e-6
    velocity = chart.jacobian(np.array([[0.0]]))[0, :, 0]
    acceleration = (chart.jacobian(np.array([[h]])) - chart.jacobian(np.array([[-h]])))[0, :, 0] / (2 * h)
    cross = velocity[0] * acceleration[1] - velocity[1] * acceleration[0]
    assert np.linalg.norm(velocity) ** 3 / cross == pytest.approx(Spiral().truth.reach.lower, rel=1e-6)


def far_pairs_are_proved(factor, most=5000):
    """Whether boxes of (rho_1, D) in ball arithmetic show every pair of the spiral to be nearer than pi / k along the
    arc, or farther than 2 sqrt(factor) / k in the plane."""
    with precision(64):
        radius = 26 * arb(26).sqrt() / 135
        near, far = arb.pi() * radius, 4 * radius**2 * factor
        boxes = [(1.0, 2.0, 0.0, 1.0)]
        while boxes and most:
            most -= 1
            p, q, d, e = boxes.pop()
            if p + d > 2:
                continue
            rho, gap = arb((p + q) / 2, (q - p) / 2), arb((d + e) / 2, (e - d) / 2)
            outer = arb(min(q + e, 2.0))
            if arb(e) * (1 + 25 * outer**2).sqrt() < near:
                continue
            if gap**2 + 4 * rho * (rho + gap) * (5 * gap / 2).sin() ** 2 > far:
                continue
            if q - p > e - d:
                boxes += [(p, (p + q) / 2, d, e), ((p + q) / 2, q, d, e)]
            else:
                boxes += [(p, q, d, (d + e) / 2), (p, q, (d + e) / 2, e)]
    return not boxes


def test_far_pairs_of_the_spiral_are_as_far_as_the_proof_says():
    """Step 2 of the proof of the reach holds on all boxes, and would not with a bound that the two ends violate: their
    squared distance is 1.002 times the one that is needed."""
    assert far_pairs_are_proved(1)
    assert not far_pairs_are_proved(1.003)


def test_the_diameter_and_circumradius_of_the_spiral_hold_a_dense_sample():
    """No pair of a dense sample is farther apart than the diameter's upper end, and some pair is nearly."""
    truth = Spiral().truth
    x = Spiral().grid(1500).points
    worst = max(float(np.linalg.norm(x - p, axis=1).max()) for p in x)
    assert truth.diameter.lower - 0.01 <= worst <= truth.diameter.upper
    assert truth.diameter.lower / 2 <= truth.circumradius.upper
    assert truth.circumradius.width < 0.01


@pytest.mark.parametrize("spec", ["ellipse:a=0,b=1", "ellipse:a=1,b=-1", "ellipse:a=1e-300,b=1", "ellipse:a=true,b=1"])
def test_semi_axes_that_cannot_be_are_refused(spec):
    """A semi-axis is a positive number in the stated range."""
    with pytest.raises(SpecError, match="semi-axis"):
        manifold(spec)
