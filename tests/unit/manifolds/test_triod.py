import itertools
import math

import numpy as np
import pytest

from aeverify.core import Interval
from aeverify.errors import SpecError, UsageError
from aeverify.manifolds import manifold
from aeverify.manifolds.extent import circumradius_bounds, cover
from aeverify.manifolds.triod import Triod, TriodLeg


@pytest.mark.parametrize("legs", [(1, 1, 1), (3, 2, 1), (10, 9, 0.5), (1, 5, 5)])
def test_the_extent_agrees_with_a_grid(legs):
    """Circumradius and diameter from closed forms, acute and obtuse triangles of tips, against covering grids."""
    k = Triod(legs)
    tips = np.array([leg.chart.embed(np.array([leg.chart.upper]))[0] for leg in k.components])
    across = max(np.linalg.norm(a - b) for a, b in itertools.combinations(tips, 2))
    assert k.truth.diameter.lower == pytest.approx(across, rel=1e-12)
    assert circumradius_bounds(cover(k.components, 400)).intersects(k.truth.circumradius)
    assert k.truth.circumradius.upper < circumradius_bounds(cover(k.components, 400)).upper


def test_the_facts_of_the_round_triod():
    """Legs of length 1: length 3, tips sqrt 3 apart, in the ball of radius 1; contractible, of reach 0."""
    t = manifold("triod").truth
    assert t.volume == Interval.exactly(3.0)
    assert t.reach == Interval.exactly(0.0)
    assert math.sqrt(3) == pytest.approx(t.diameter.lower)
    assert t.circumradius.lower == pytest.approx(1)
    assert (t.dimension, t.closed, t.components, t.embedding_dim) == (1, False, 1, 2)


def test_the_legs_meet_in_the_origin_and_are_connected():
    """Three charts, one connected component; each starts in the origin exactly."""
    k = manifold("triod:legs=[3,2,1]")
    assert [leg.length for leg in k.components] == [3, 2, 1]
    assert k.connected_components == (k,)
    for leg in k.components:
        assert leg.chart.embed(np.zeros((1, 1))).tolist() == [[0, 0]]
        assert isinstance(manifold(str(leg)), TriodLeg)
    with pytest.raises(UsageError):
        _ = k.chart


def test_samples_are_spread_over_the_legs_by_length():
    """Of 6000 points half lie on the leg of length 3, a third on that of length 2."""
    sample = manifold("triod:legs=[3,2,1]").sample(6000, 1)
    shares = np.bincount(sample.component) / 6000
    np.testing.assert_allclose(shares, [1 / 2, 1 / 3, 1 / 6], atol=0.03)


@pytest.mark.parametrize("spec", ["triod:legs=[1,1]", "triod:legs=[1,1,0]", "triod:legs=[1,1,2000]", "triod:leg=3"])
def test_legs_that_cannot_be_are_refused(spec):
    """Three positive lengths within a factor of 1000, and one of three legs."""
    with pytest.raises(SpecError):
        manifold(spec)
