import itertools
import math

import numpy as np
import pytest

from aeverify.core import Interval
from aeverify.errors import SpecError
from aeverify.manifolds import manifold


def test_the_facts_of_the_clifford_torus():
    """Area 4 pi^2 r1 r2, reach the smaller radius, all points at (r1^2 + r2^2)^(1/2), embeds in R^3."""
    truth = manifold("clifford:r1=3,r2=4").truth
    assert truth.volume.lower == pytest.approx(48 * math.pi**2, rel=1e-14)
    assert truth.reach == truth.weak_feature_size == Interval.exactly(3.0)
    assert truth.circumradius == truth.inner_radius == Interval.exactly(5.0)
    assert (truth.betti["Q"], truth.embedding_dim) == ((1, 2, 1), 3)


def test_the_betti_numbers_of_a_flat_torus_are_binomial():
    """1, 4, 6, 4, 1 in dimension four."""
    assert manifold("flat_torus:radii=[1,2,3,4]").truth.betti["Z/2"] == (1, 4, 6, 4, 1)


def test_the_clifford_torus_is_a_product_of_circles():
    """The general product of two circles knows the same facts."""
    torus = manifold("clifford:r1=0.5,r2=2").truth
    product = manifold('product:factors=["circle:radius=0.5","circle:radius=2"]').truth
    for name in ("reach", "betti", "embedding_dim", "closed", "orientable", "dimension"):
        assert getattr(torus, name) == getattr(product, name)
    for name in ("volume", "circumradius", "diameter", "inner_radius", "curvature"):
        assert getattr(torus, name).intersects(getattr(product, name))


@pytest.mark.parametrize("p", [3, 4, 8])
def test_images_of_the_blob_have_the_inner_products_of_the_proof(p):
    """<I(a, b), I(a', b')> = p^2 C(a - a') C(b - b') with C(x) = 1/4 + cos(2 pi x) / 8; entries lie in [0, 1]."""
    k = manifold(f"blob:pixels={p}")
    u, v = np.random.default_rng(0).random((2, 100, 2))
    x, y = k.chart.embed(u), k.chart.embed(v)
    c = 0.25 + np.cos(2 * np.pi * (u - v)) / 8
    np.testing.assert_allclose((x * y).sum(axis=1), p**2 * c.prod(axis=1), atol=1e-12)
    assert x.min() >= 0
    assert x.max() <= 1


def test_a_blob_moves_by_whole_pixels_as_the_image_rolls():
    """Moving the blob by one pixel rolls the image."""
    k = manifold("blob:pixels=6")
    image, moved = k.chart.embed(np.array([[0.2, 0.7], [0.2 + 1 / 6, 0.7]])).reshape(2, 6, 6)
    np.testing.assert_allclose(np.roll(image, 1, axis=0), moved, atol=1e-14)


def test_the_closed_forms_of_the_blob():
    """Reach p 3^(1/2) / 8, diameter p / 2, circumradius p 5^(1/2) / 8, area 3 pi^2 p^2 / 16."""
    truth = manifold("blob:pixels=16").truth
    assert 2 * math.sqrt(3) in truth.reach
    assert truth.reach.width < 1e-14
    assert truth.diameter == Interval.exactly(8.0)
    assert 2 * math.sqrt(5) in truth.circumradius
    assert 48 * math.pi**2 == pytest.approx(truth.volume.lower, rel=1e-14)


def test_the_quotient_behind_the_blobs_reach():
    """Federer's quotient at a pair with cosines 1 - X, 1 - Y is rho (3 - k) / (9 - 8 k + 2 k^2)^(1/2), k = XY/(X +
    Y)."""
    k = manifold("blob:pixels=5")
    u = np.random.default_rng(5).random((200, 2))
    origin = np.zeros((1, 2))
    d = k.chart.embed(u) - k.chart.embed(origin)
    tangents = np.linalg.qr(k.chart.jacobian(origin))[0][0]
    square = (d**2).sum(axis=1)
    off = np.sqrt(square - ((d @ tangents) ** 2).sum(axis=1))
    X, Y = (1 - np.cos(2 * np.pi * u)).T
    ratio = X * Y / (X + Y)
    expected = 5 * math.sqrt(3) / 8 * (3 - ratio) / np.sqrt(9 - 8 * ratio + 2 * ratio**2)
    np.testing.assert_allclose(square / (2 * off), expected, rtol=1e-9)


@pytest.mark.parametrize(
    "spec",
    [
        "blob:pixels=2",
        "blob:pixels=101",
        "blob:pixels=4.5",
        "clifford:r1=0,r2=1",
        "flat_torus:radii=[1]",
        "flat_torus:radii=2",
    ],
)
def test_bad_parameters_are_refused(spec):
    """Too few pixels or circles, or no lengths."""
    with pytest.raises(SpecError):
        manifold(spec)


def test_the_diameter_of_the_blob_is_attained():
    """Blobs half an image apart both ways are p / 2 apart, and no pair of a grid is farther."""
    k = manifold("blob:pixels=4")
    x = k.grid(64).points
    worst = max(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(x, 2))
    assert worst == pytest.approx(2.0, rel=1e-12)
