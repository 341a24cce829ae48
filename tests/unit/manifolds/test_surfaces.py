import math

import numpy as np
import pytest

from aeverify.core import Interval
from aeverify.errors import SpecError
from aeverify.manifolds import manifold


def quotients(k, n, seed):
    """Least Federer quotient over pairs of n random points that are not close."""
    sample = k.sample(n, seed)
    tangents = np.linalg.qr(k.chart.jacobian(sample.parameters))[0]
    d = sample.points[None] - sample.points[:, None]
    square = (d**2).sum(axis=2)
    along = np.einsum("ajk,akl->ajl", d, tangents)
    off = np.sqrt(np.maximum(square - (along**2).sum(axis=2), 1e-300))
    keep = square > 1e-3 * square.max()
    return float((square[keep] / (2 * off[keep])).min())


def test_the_facts_of_a_torus_of_revolution():
    """Area 4 pi^2 R r, reach min(r, R - r), circumradius R + r, Betti numbers 1, 2, 1."""
    truth = manifold("torus:R=2,r=0.5").truth
    assert truth.volume.lower == pytest.approx(4 * math.pi**2, rel=1e-14)
    assert truth.reach == truth.weak_feature_size == Interval.exactly(0.5)
    assert (truth.circumradius, truth.inner_radius) == (Interval.exactly(2.5), Interval.exactly(1.5))
    assert truth.curvature == Interval.exactly(2.0)
    assert truth.betti["Z/2"] == (1, 2, 1)
    assert 0.25 in manifold("torus:R=1,r=0.75").truth.reach


def test_draws_on_a_torus_have_the_mean_of_the_area():
    """The mean of cos v is r / 2 R; uniform angles would give 0."""
    u = manifold("torus:R=1,r=0.7").sample(200_000, 3).parameters
    assert np.cos(2 * np.pi * u[:, 1]).mean() == pytest.approx(0.35, abs=0.01)
    assert u.min() >= 0
    assert u.max() < 1


def test_the_transport_of_the_torus_solves_its_equation():
    """v + (r / R) sin v = 2 pi w to rounding, also for nearly equal radii."""
    for spec in ("torus:R=2,r=1", "torus:R=1,r=0.999999"):
        k = manifold(spec)
        w = np.linspace(0, 1, 1001)
        v = 2 * np.pi * k.transport(np.column_stack([w, w]))[:, 1]
        np.testing.assert_allclose(v + k.r / k.R * np.sin(v), 2 * np.pi * w, atol=1e-12)


def test_a_moebius_band_comes_back_mirrored():
    """One turn of u maps t to -t; the band is not orientable, has a boundary and the homology of a circle."""
    k = manifold("moebius:R=1,h=0.4")
    np.testing.assert_allclose(k.chart.embed([[1.0, 0.3]]), k.chart.embed([[0.0, -0.3]]), atol=1e-15)
    np.testing.assert_allclose(k.chart.wrap(np.array([[1.25, 0.3], [2.25, 0.3]])), [[0.25, -0.3], [0.25, 0.3]])
    assert not k.truth.orientable
    assert not k.truth.closed
    assert set(k.truth.betti.values()) == {(1, 1, 0)}


def test_the_area_of_a_thin_moebius_band_is_that_of_a_rectangle():
    """For small h the area is 4 pi R h (1 + O(h^2))."""
    h = 1e-3
    volume = manifold(f"moebius:R=1,h={h}").truth.volume
    assert volume.lower == pytest.approx(4 * math.pi * h, rel=1e-6)
    assert volume.width < 1e-15


def test_the_reach_of_the_classical_swiss_roll():
    """Half the gap of neighbouring turns, 3.111, well below the radius of curvature 4.618."""
    truth = manifold("swiss_roll").truth
    assert truth.reach.lower > 3.11
    assert truth.reach.upper < 3.112
    assert pytest.approx(truth.curvature.lower, rel=1e-3) == 1 / 4.618


def test_the_reach_of_a_short_roll_is_its_radius_of_curvature():
    """Less than half a turn from the centre: the curvature 2 at the inner end decides."""
    assert manifold("swiss_roll:start=0,end=0.4,width=1").truth.reach == Interval.exactly(0.5)


def test_the_swiss_roll_is_uniform_along_the_arc():
    """The arc length of the transported coordinate is the coordinate."""
    k = manifold("swiss_roll")
    w = np.linspace(0, 1, 101)
    t = 2 * np.pi * k.transport(np.column_stack([w, w]))[:, 0]
    length = (t * np.sqrt(1 + t * t) + np.arcsinh(t)) / 2
    np.testing.assert_allclose((length - length[0]) / (length[-1] - length[0]), w, atol=1e-12)


@pytest.mark.parametrize("spec", ["klein:R=2,r=1", "klein:R=5,r=1", "klein:R=2.5,r=1.25"])
def test_the_reach_of_a_fat_ringed_klein_bottle_is_its_tube(spec):
    """R >= 2 r: the reach is r exactly, and no sampled quotient is below."""
    k = manifold(spec)
    assert k.truth.reach == Interval.exactly(k.r)
    assert quotients(k, 700, 1) >= k.r * (1 - 1e-9)


def test_the_identity_behind_the_klein_bottles_reach():
    """D^2 - 4 r^2 |N|^2 = 4 s^2 G / g^2, with D and N computed from points and tangents, at random pairs."""
    R, r = 2.3, 1.0
    k = manifold(f"klein:R={R},r={r}")
    rng = np.random.default_rng(0)
    v, w, v2 = 2 * np.pi * rng.random((3, 400))
    p = np.column_stack([np.zeros(400), v / (2 * np.pi)])
    q = np.column_stack([w / np.pi, v2 / (2 * np.pi)])
    d = k.chart.embed(q) - k.chart.embed(p)
    tangents = np.linalg.qr(k.chart.jacobian(p))[0]
    D = (d**2).sum(axis=1)
    normal = D - (np.einsum("nj,njk->nk", d, tangents) ** 2).sum(axis=1)
    a, b, a2, b2 = r * np.cos(v), r * np.sin(v), r * np.cos(v2), r * np.sin(v2)
    A, A2, c, s = R + a, R + a2, np.cos(w), np.sin(w)
    g2 = A**2 + b**2 / 4
    G = 2 * R * A2 * g2 * (D - 2 * R * A2 * s**2) - r**2 * (A * b2 - b * A2 * c) ** 2
    np.testing.assert_allclose(D**2 - 4 * r**2 * normal, 4 * s**2 * G / g2, atol=1e-9)
    assert G.min() >= -1e-9


@pytest.mark.parametrize("spec", ["klein:R=1,r=0.7", "klein:R=1,r=0.95", "klein:R=1.9,r=1"])
def test_the_lower_end_of_a_narrow_klein_bottle_is_not_refuted(spec):
    """R < 2 r: t / ((R / r)^2 + (1 + 2^(1/2))^2)^(1/2), t = R - r, is below every sampled quotient."""
    k = manifold(spec)
    assert k.truth.reach.lower == pytest.approx((k.R - k.r) / math.hypot(k.R / k.r, 1 + math.sqrt(2)), rel=1e-12)
    assert 0 < k.truth.reach.lower < quotients(k, 900, 2)


def test_a_narrow_klein_bottle_claims_no_exact_reach():
    """R < 2 r: the upper end is R - r, and no curvature is claimed."""
    truth = manifold("klein:R=1,r=0.7").truth
    assert truth.reach.lower < 0.2
    assert truth.reach.upper == pytest.approx(0.3)
    assert truth.curvature is None


@pytest.mark.parametrize(
    ("spec", "rational", "binary"),
    [
        ("klein:R=2,r=1", (1, 1, 0), (1, 2, 1)),
        ("projective_plane", (1, 0, 0), (1, 1, 1)),
        ("veronese", (1, 0, 0), (1, 1, 1)),
    ],
)
def test_the_field_matters_for_surfaces_that_are_not_orientable(spec, rational, binary):
    """Over Q and Z/3 the torsion disappears; over Z/2 there is a fundamental class."""
    truth = manifold(spec).truth
    assert truth.betti == {"Q": rational, "Z/2": binary, "Z/3": rational}
    assert not truth.orientable


def test_the_projective_plane_is_the_image_of_the_sphere():
    """The chart's points are (x y, x z, y^2 - z^2, 2 y z) for a point of the unit sphere."""
    u = manifold("projective_plane").sample(300, 2).parameters
    t, f = 2 * np.pi * u.T
    x, y, z = np.cos(t / 2), np.sin(t / 2) * np.cos(f), np.sin(t / 2) * np.sin(f)
    expected = np.column_stack([x * y, x * z, y**2 - z**2, 2 * y * z])
    np.testing.assert_allclose(manifold("projective_plane").chart.embed(u), expected, atol=1e-14)


def test_the_identity_behind_the_projective_planes_reach():
    """D^2 - |N|^2 = 12 sin^2 f Y Y' D / (1 + 3 Y) at random pairs, with N from points and tangents; the reach is
    1/2."""
    k = manifold("projective_plane")
    rng = np.random.default_rng(4)
    p, q = rng.random((2, 400, 2)) * [0.5, 1.0]
    d = k.chart.embed(q) - k.chart.embed(p)
    tangents = np.linalg.qr(k.chart.jacobian(p))[0]
    D = (d**2).sum(axis=1)
    normal = D - (np.einsum("nj,njk->nk", d, tangents) ** 2).sum(axis=1)
    Y, Y2 = ((1 - np.cos(2 * np.pi * t[:, 0])) / 2 for t in (p, q))
    angle = 2 * np.pi * (q[:, 1] - p[:, 1])
    np.testing.assert_allclose(D**2 - normal, 12 * np.sin(angle) ** 2 * Y * Y2 * D / (1 + 3 * Y), atol=1e-12)
    assert k.truth.reach == Interval.exactly(0.5)


def test_the_veronese_surface_is_isometric_to_the_projectors():
    """Distances of chart points are Frobenius distances of x x^T; the reach is 1 / 2^(1/2), the area 4 pi."""
    k = manifold("veronese")
    u = k.sample(60, 3).parameters
    polar, longitude = 2 * np.pi * u.T
    x = np.column_stack([np.sin(polar) * np.cos(longitude), np.sin(polar) * np.sin(longitude), np.cos(polar)])
    projectors = np.einsum("ni,nj->nij", x, x).reshape(60, 9)
    expected = np.linalg.norm(projectors[:, None] - projectors[None], axis=2)
    points = k.chart.embed(u)
    np.testing.assert_allclose(np.linalg.norm(points[:, None] - points[None], axis=2), expected, atol=1e-14)
    assert math.sqrt(0.5) in k.truth.reach
    assert 4 * math.pi in k.truth.volume


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        ("torus:R=1,r=1", "R > r"),
        ("torus:R=1,r=2", "R > r"),
        ("torus:R=1,r=0", "positive"),
        ("klein:R=1,r=1", "R > r"),
        ("moebius:R=1,h=1", "R > h"),
        ("moebius:R=1,h=-1", "positive"),
        ("swiss_roll:start=2,end=1", "start < end"),
        ("swiss_roll:start=-1,end=1", "start < end"),
        ("swiss_roll:start=0,end=51", "start < end"),
        ("swiss_roll:width=0", "positive"),
        ("veronese:dim=3", "takes no parameters"),
    ],
)
def test_sets_that_are_not_embedded_are_refused(spec, what):
    """A tube as thick as its ring meets itself; the message says what is needed."""
    with pytest.raises(SpecError, match=what) as caught:
        manifold(spec)
    assert "\n" not in str(caught.value)
