import math

import numpy as np
import pytest

from aeverify.core import Interval
from aeverify.errors import SpecError
from aeverify.manifolds import manifold
from aeverify.manifolds.balls import ball_operations, precision
from aeverify.manifolds.base import INFINITE
from aeverify.manifolds.spheres import sphere_area, spherical_angles, spherical_transport


@pytest.mark.parametrize(
    ("dim", "volume"), [(1, 2 * math.pi), (2, 4 * math.pi), (3, 2 * math.pi**2), (4, 8 * math.pi**2 / 3)]
)
def test_the_volume_of_the_unit_sphere(dim, volume):
    """2 pi, 4 pi, 2 pi^2, 8 pi^2 / 3, and r^d times that for radius r."""
    assert manifold(f"sphere:dim={dim}").truth.volume.lower == pytest.approx(volume, rel=1e-14)
    assert manifold(f"sphere:dim={dim},radius=3").truth.volume.upper == pytest.approx(volume * 3**dim, rel=1e-14)


def test_all_lengths_of_a_sphere_are_its_radius():
    """Reach, weak feature size, circumradius and inner radius are r exactly, the diameter 2 r, the curvature 1 / r."""
    truth = manifold("sphere:dim=5,radius=0.25").truth
    exactly = Interval.exactly(0.25)
    assert truth.reach == truth.weak_feature_size == truth.circumradius == truth.inner_radius == exactly
    assert (truth.diameter, truth.curvature) == (Interval.exactly(0.5), Interval.exactly(4.0))
    assert truth.betti["Z/3"] == (1, 0, 0, 0, 0, 1)
    assert (truth.antipodal_index, truth.embedding_dim) == (5, 6)


def test_angles_and_points_are_inverse():
    """The angles of a random direction give that direction back, in the box of the chart."""
    x = np.random.default_rng(1).standard_normal((200, 5))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    chart = manifold("sphere:dim=4").chart
    u = spherical_angles(x)
    np.testing.assert_allclose(chart.embed(u), x, atol=1e-14)
    assert (u >= chart.lower).all()
    assert (u <= chart.upper).all()


def test_the_transport_takes_the_cube_to_the_uniform_law():
    """Second moments of the transported midpoint grid are those of the uniform law on S^3: 1 / 4 each."""
    axis = (np.arange(40) + 0.5) / 40
    unit = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    x = manifold("sphere:dim=3").chart.embed(spherical_transport(unit))
    np.testing.assert_allclose(x.T @ x / len(x), np.eye(4) / 4, atol=1e-3)


@pytest.mark.parametrize(
    ("axes", "area"),
    [
        ([1, 1, 1], 4 * math.pi),
        ([2, 2, 2, 2], 2 * math.pi**2 * 8),
        # Prolate spheroid a = 1, c = 2: 2 pi a^2 (1 + c / (a e) asin e), e^2 = 1 - a^2 / c^2.
        ([1, 1, 2], 2 * math.pi * (1 + 2 / math.sqrt(0.75) * math.asin(math.sqrt(0.75)))),
    ],
)
def test_the_area_of_an_ellipsoid(axes, area):
    """Spheres and a spheroid of revolution have elementary areas."""
    assert manifold(f"ellipsoid:axes={axes}").truth.volume.lower == pytest.approx(area, rel=1e-14)


def test_an_ellipsoid_in_the_plane_is_the_ellipse():
    """The general integral and the elliptic integral enclose one length."""
    ellipse, ellipsoid = manifold("ellipse:a=3,b=2").truth, manifold("ellipsoid:axes=[3,2]").truth
    assert ellipse.volume.intersects(ellipsoid.volume)
    assert (ellipse.reach, ellipse.diameter) == (ellipsoid.reach, ellipsoid.diameter)


def test_the_order_of_axes_does_not_matter():
    """Facts of an ellipsoid depend on the set of its axes; its reach is a_min^2 / a_max."""
    first, second = manifold("ellipsoid:axes=[3,2,1]").truth, manifold("ellipsoid:axes=[1,3,2]").truth
    assert first.reach == second.reach
    assert 1 / 3 in first.reach
    assert first.volume.intersects(second.volume)
    assert first.curvature == Interval.exactly(3.0)


def test_a_hemisphere_is_half_a_sphere_with_boundary():
    """Half the volume, contractible, not closed, still of reach r; its points have x_1 >= 0."""
    half, whole = manifold("hemisphere:dim=3,radius=2"), manifold("sphere:dim=3,radius=2")
    assert half.truth.volume.upper == pytest.approx(whole.truth.volume.upper / 2, rel=1e-14)
    assert half.truth.betti["Q"] == (1, 0, 0, 0)
    assert not half.truth.closed
    assert half.truth.reach == Interval.exactly(2.0)
    assert half.sample(500, 0).points[:, 0].min() >= 0


def test_a_ball_is_convex_and_full():
    """Volume 4 pi r^3 / 3, infinite reach, contractible; radii are drawn with density 3 rho^2."""
    ball = manifold("ball:dim=3,radius=2")
    assert ball.truth.volume.lower == pytest.approx(32 * math.pi / 3, rel=1e-14)
    assert ball.truth.reach == INFINITE
    rho = np.linalg.norm(ball.sample(20_000, 1).points, axis=1)
    assert rho.mean() == pytest.approx(1.5, abs=0.01)


def test_an_annulus_has_the_reach_of_its_hole():
    """Area pi (b^2 - a^2), reach a, one loop."""
    truth = manifold("annulus:inner=1,outer=3").truth
    assert truth.volume.lower == pytest.approx(8 * math.pi, rel=1e-14)
    assert truth.reach == Interval.exactly(1.0)
    assert truth.betti["Q"] == (1, 1, 0)


def test_the_sphere_area_is_a_ball_of_the_working_precision():
    """The area of S^2 at 256 bits is 4 pi to 70 digits."""
    with precision(256):
        ops = ball_operations()
        assert float(abs(sphere_area(2, ops) - 4 * ops.pi)) < 1e-70


@pytest.mark.parametrize(
    "spec",
    [
        "sphere:dim=0",
        "sphere:dim=101",
        "sphere:dim=1e9",
        "sphere:dim=2.5",
        "sphere:radius=0",
        "sphere:radius=-1",
        "sphere:dim=100,radius=1e30",
        "ellipsoid:axes=[1]",
        "ellipsoid:axes=3",
        "ellipsoid:axes=[1,0]",
        "ellipsoid:axes=[1e90,1e90,1e90,1e90]",
        "hemisphere:dim=1",
        "ball:dim=1",
        "annulus:inner=2,outer=2",
        "annulus:inner=2,outer=1",
        "annulus:inner=0,outer=1",
    ],
)
def test_bad_parameters_are_refused_in_one_paragraph(spec):
    """Whatever makes the set empty, a point or too large to enclose is refused with the reason."""
    with pytest.raises(SpecError) as caught:
        manifold(spec)
    assert "\n" not in str(caught.value)


def test_nan_axes_are_refused():
    """NaN never gets into a set, by specification or by call."""
    from aeverify.manifolds.spheres import Ellipsoid, Sphere

    with pytest.raises(SpecError):
        Ellipsoid([math.nan, 1.0])
    with pytest.raises(SpecError):
        Sphere(2, math.nan)
