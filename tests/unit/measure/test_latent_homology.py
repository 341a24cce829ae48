from __future__ import annotations

import math

import numpy as np
import pytest

from aeverify import measure
from aeverify.autoencoders.callables import CallableAutoencoder
from aeverify.autoencoders.oracles import oracle
from aeverify.core import Evidence, Rigor
from aeverify.errors import NonFiniteOutputError, UsageError
from aeverify.manifolds import manifold


@pytest.mark.parametrize("name", ["cut", "fold", "identity", "double_wrap", "constant", "label", "spiral_arc"])
def test_codes_have_no_bars_in_degree_m(name):
    """Alexander duality holds for every encoder: the count is exactly 0."""
    model = oracle(name)
    found = measure.latent_homology(model, manifold(model.truth.manifold), samples=150)
    assert found.latent_bars.interval.is_exact
    assert found.latent_bars.interval.lower == 0.0
    assert found.latent_bars.rigor is Rigor.EXACT
    assert Evidence.from_dict(found.latent_bars.to_dict()) == found.latent_bars


def test_a_circle_coded_by_one_number_loses_its_class(circle):
    """H_1 of the circle is lost, and the sample shows that it was there."""
    found = measure.latent_homology(oracle("cut"), circle, samples=200)
    assert found.lost_classes.interval.lower == found.lost_classes.interval.upper == 1.0
    assert found.lost_classes.rigor is Rigor.EXACT
    assert found.long_bars.details["sample_from_degree_1"] == [[1]]
    (birth, death), *_ = found.sample_diagrams[0].bars(1)
    assert birth < 0.2
    assert death == pytest.approx(1.0, rel=1e-4)


def test_lost_classes_of_a_set_with_several_charts_are_its_own():
    """The genus-2 surface loses the class in degree 2 that none of its three charted pieces has."""
    space = manifold("genus2")
    model = CallableAutoencoder(lambda x: x[:, :2], lambda z: np.column_stack([z, 0 * z[:, 0]]), 3, 2, continuous=True)
    found = measure.latent_homology(model, space, samples=60)
    assert len(found.code_diagrams) == 3
    assert found.lost_classes.interval.lower == found.lost_classes.interval.upper == 1.0


@pytest.mark.parametrize("name", ["identity", "double_wrap"])
def test_a_code_in_the_plane_keeps_the_class(circle, name):
    """One long bar of the codes; a double wrap has the same diagram, which a diagram cannot tell apart."""
    found = measure.latent_homology(oracle(name), circle, samples=200)
    assert found.long_bars.interval.lower == 1.0
    assert found.lost_classes.interval.upper == 0.0


def test_each_component_is_kept_apart():
    """Two linked circles give two diagrams with one bar each up to radius 1, though their union's bars end at 1/2."""
    found = measure.latent_homology(oracle("cut_two_circles"), manifold("two_circles"), samples=150, field=3)
    assert found.field_name == "Z/3"
    assert [len(d.bars(1)[:1]) for d in found.sample_diagrams] == [1, 1]
    assert all(d.bars(1)[0][1] == pytest.approx(1.0, rel=1e-4) for d in found.sample_diagrams)
    assert found.lost_classes.interval.lower == 2.0
    assert found.supporting == (found.lost_classes, found.long_bars)


def test_an_arc_has_nothing_to_lose():
    """The spiral nearly closes, which is no class of it: the sample has no long bar."""
    found = measure.latent_homology(oracle("spiral_arc"), manifold("spiral"), samples=200)
    assert found.lost_classes.interval.upper == 0.0
    assert found.long_bars.details["sample_from_degree_1"] == [[0]]


def test_many_code_dimensions_are_not_counted():
    """Beyond alpha complexes the number of bars is left open rather than taken from a Rips complex."""
    model = oracle("identity:ambient_dim=5")
    circle = manifold("circle:ambient_dim=5")
    found = measure.latent_homology(model, circle, samples=60)
    assert found.latent_bars.interval.upper == math.inf
    assert found.code_diagrams[0].engine == "rips"


def test_bad_input_is_refused(circle):
    """A field that is not prime, and NaN."""
    with pytest.raises(UsageError, match="prime"):
        measure.latent_homology(oracle("cut"), circle, field=4)
    with pytest.raises(NonFiniteOutputError):
        measure.latent_homology(oracle("nan:half_width=0.5"), circle)
