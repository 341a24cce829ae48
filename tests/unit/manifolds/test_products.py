import math

import numpy as np
import pytest

from aeverify.core import Interval
from aeverify.errors import SpecError
from aeverify.manifolds import manifold
from aeverify.manifolds.base import INFINITE
from aeverify.manifolds.enclosed import hypotenuse, power, quotient, times
from aeverify.manifolds.enclosed import product as interval_product


def test_facts_of_a_product_follow_from_its_factors():
    """Torus times sphere: volumes multiply, Betti polynomials multiply, the reach is the least, extents add in
    squares."""
    truth = manifold('product:factors=["torus:R=2,r=1","sphere:dim=2,radius=4"]').truth
    assert truth.volume.lower == pytest.approx(8 * math.pi**2 * 64 * math.pi, rel=1e-14)
    assert truth.betti["Q"] == (1, 2, 2, 2, 1)
    assert truth.reach == Interval.exactly(1.0)
    assert truth.circumradius == Interval.exactly(5.0)
    assert truth.diameter == Interval.exactly(10.0)
    assert (truth.dimension, truth.embedding_dim) == (4, 5)


def test_the_product_with_a_surface_that_is_not_orientable_is_not():
    """Klein bottle times circle: over Z/2 a fundamental class, over Q none."""
    truth = manifold('product:factors=["klein:R=2,r=1","circle"]').truth
    assert not truth.orientable
    assert truth.betti["Z/2"] == (1, 3, 3, 1)
    assert truth.betti["Q"] == (1, 2, 1, 0)
    assert truth.embedding_dim == 5


def test_a_product_with_a_convex_set_keeps_the_reach():
    """A cylinder surface: circle times ball has the circle's reach and a boundary."""
    truth = manifold('product:factors=["circle:radius=2","ball:dim=2"]').truth
    assert truth.reach == Interval.exactly(2.0)
    assert not truth.closed
    assert manifold('product:factors=["ball:dim=2","ball:dim=2"]').truth.reach == INFINITE


def test_a_product_with_a_union_is_a_union_of_products():
    """Two linked circles times a circle: two tori, as far apart as the circles."""
    k = manifold('product:factors=["two_circles","circle:radius=3"]')
    assert len(k.components) == 2
    assert k.truth.reach == Interval.exactly(0.5)
    assert k.truth.betti["Q"] == (2, 4, 2)
    assert manifold(str(k)) == k


def test_the_mirroring_of_a_factor_is_kept():
    """The Moebius band in a product is mirrored in its own parameter, not in the circle's."""
    chart = manifold('product:factors=["circle","moebius:R=1,h=0.4"]').chart
    assert chart.flips == ((), (2,), ())
    np.testing.assert_allclose(chart.wrap(np.array([[1.5, 1.25, 0.3]])), [[0.5, 0.25, -0.3]])


def test_factors_are_drawn_independently():
    """The empirical correlation of the angles of a product is small."""
    u = manifold('product:factors=["ellipse:a=3,b=1","circle"]').sample(20_000, 1).parameters
    assert abs(np.corrcoef(np.cos(4 * np.pi * u[:, 0]), np.cos(2 * np.pi * u[:, 1]))[0, 1]) < 0.03


@pytest.mark.parametrize(
    "spec",
    [
        'product:factors=["circle"]',
        "product:factors=circle",
        "product:factors=[1,2]",
        'product:factors=["circle","nothing"]',
        'product:factors=["sphere:dim=60","sphere:dim=60"]',
        'product:factors=["blob:pixels=100","circle"]',
    ],
)
def test_products_that_cannot_be_are_refused(spec):
    """Fewer than two factors, no specifications, unknown names, too many dimensions."""
    with pytest.raises(SpecError if "nothing" not in spec else Exception) as caught:
        manifold(spec)
    assert "\n" not in str(caught.value)


def test_interval_arithmetic_is_outward_and_exact_where_it_can_be():
    """Sums of squares of Pythagorean triples stay exact; a third is enclosed."""
    exactly = Interval.exactly
    assert hypotenuse([exactly(3.0), exactly(4.0)]) == exactly(5.0)
    assert hypotenuse([exactly(0.0), exactly(0.1)]) == exactly(0.1)
    assert hypotenuse([exactly(1.0), INFINITE]).upper == math.inf
    assert times(exactly(0.1), 10.0).width < 1e-15
    assert 1 / 3 in quotient(exactly(1.0), 3.0)
    assert quotient(exactly(3.0), 2.0) == exactly(1.5)
    assert power(exactly(3.0), 4) == exactly(81.0)
    enclosed = interval_product([exactly(0.1), exactly(0.1), exactly(0.1)])
    assert enclosed.lower < enclosed.upper
    assert 0.1**3 in enclosed
