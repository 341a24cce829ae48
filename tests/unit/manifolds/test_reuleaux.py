import math

import numpy as np
import pytest

from aeverify.errors import SpecError
from aeverify.manifolds import certified_reach, manifold
from aeverify.manifolds.curve_facts import enclosed_extent, enclosed_length


@pytest.mark.parametrize("spec", ["reuleaux", "reuleaux:width=2,sides=5,sharpness=0.5"])
def test_the_width_is_the_same_in_every_direction(spec):
    """The extent of a fine grid along 100 directions is the width."""
    k = manifold(spec)
    x = k.chart.embed((np.arange(20_000) / 20_000)[:, None])
    angles = np.pi * np.arange(100) / 100
    along = x @ np.stack([np.cos(angles), np.sin(angles)])
    np.testing.assert_allclose(along.max(axis=0) - along.min(axis=0), k.width, rtol=1e-6)


@pytest.mark.parametrize("spec", ["reuleaux", "reuleaux:width=2,sides=5,sharpness=0.5"])
def test_the_facts_agree_with_enclosures_from_the_chart(spec):
    """Length pi w, reach (w/2)(1 - sharpness), circumradius and diameter, each against the general method."""
    k = manifold(spec)
    assert enclosed_length(k).intersects(k.truth.volume)
    found = certified_reach(k.chart, closed=True, tolerance=1e-3)
    assert found.interval.intersects(k.truth.reach)
    circumradius, diameter = enclosed_extent(k)
    assert circumradius.intersects(k.truth.circumradius)
    assert diameter.intersects(k.truth.diameter)
    assert k.truth.volume.lower == pytest.approx(math.pi * k.width)


@pytest.mark.parametrize("spec", ["reuleaux:sides=4", "reuleaux:sides=1", "reuleaux:sharpness=1", "reuleaux:width=0"])
def test_parameters_that_cannot_be_are_refused(spec):
    """An even number of sides, corners that are not smooth, no width."""
    with pytest.raises(SpecError):
        manifold(spec)
