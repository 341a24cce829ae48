import math

import numpy as np
import pytest

from aeverify.core import Interval
from aeverify.errors import SpecError, UsageError
from aeverify.manifolds import Circle, Ellipse, Spiral, Union, manifold, two_circles


def test_the_facts_of_the_two_circles():
    """Reach exactly 1/2 although each circle has 1; two components; length 4 pi; Betti numbers 2, 2."""
    k = two_circles()
    assert k.truth.reach == Interval.exactly(0.5)
    assert [c.truth.reach for c in k.components] == [Interval.exactly(1.0)] * 2
    assert k.truth.components == 2
    assert 4 * math.pi in k.truth.volume
    assert k.truth.volume.width < 1e-14
    assert k.truth.betti["Z/3"] == (2, 2)
    assert (k.truth.circumradius, k.truth.diameter) == (Interval.exactly(1.5), Interval.exactly(3.0))


def test_the_squared_distance_of_the_two_circles_is_the_formula_of_the_proof():
    """|a - b|^2 = 1 + 2 (1 + sin 2 pi s) (1 - cos 2 pi t) at random parameters."""
    k = two_circles()
    t, s = np.random.default_rng(2).random((2, 100))
    a, b = k.embed(0, t[:, None]), k.embed(1, s[:, None])
    expected = 1 + 2 * (1 + np.sin(2 * np.pi * s)) * (1 - np.cos(2 * np.pi * t))
    np.testing.assert_allclose(((a - b) ** 2).sum(axis=1), expected, atol=1e-14)


def test_the_grid_alone_finds_the_exact_facts_of_the_two_circles():
    """The same union without the exact extents encloses reach 1/2, circumradius 3/2 and diameter 3."""
    truth = Union(two_circles().components).truth
    assert 0.5 in truth.reach
    assert 1.5 in truth.circumradius
    assert 3.0 in truth.diameter


def test_each_component_has_a_spec_that_rebuilds_it():
    """A witness names its component; the component can be rebuilt alone."""
    for component in two_circles().components:
        rebuilt = manifold(str(component))
        u = np.linspace(0, 1, 5)[:, None]
        assert rebuilt.chart.embed(u).tolist() == component.chart.embed(u).tolist()


def test_a_union_adds_up_and_takes_the_least_reach():
    """Concentric circles of radius 1 and 2: gap 1, reach 1/2; a third far away changes nothing of the reach."""
    k = Union([Circle(1), Circle(2), Circle(1, center=[100, 0])])
    assert 0.5 in k.truth.reach
    assert k.truth.reach.width < 0.02
    assert 8 * math.pi in k.truth.volume
    assert k.truth.betti["Q"] == (3, 3)
    assert k.truth.embedding_dim == 2


def test_an_arc_in_a_union_makes_it_not_closed():
    """The spiral inside a large circle: not closed, Betti numbers 2, 1."""
    k = Union([Spiral(), Circle(10)])
    assert not k.truth.closed
    assert k.truth.betti["Q"] == (2, 1)
    assert k.truth.reach.upper <= Spiral().truth.reach.upper


def test_a_union_of_a_union_has_its_components():
    """Nested unions are flat, and print as one that rebuilds them."""
    k = Union([Union([Circle(1), Circle(2)]), Ellipse(5, 4)])
    assert len(k.components) == 3
    assert manifold(str(k)) == k


def test_points_and_components_of_samples_and_grids_fit_together():
    """Every point of a sample and of a grid is the embedding of its parameters in its component."""
    k = two_circles()
    for sample in (k.sample(40, 1), k.grid(41)):
        for i in range(2):
            rows = sample.component == i
            assert rows.any()
            np.testing.assert_array_equal(sample.points[rows], k.embed(i, sample.parameters[rows]))


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ([Circle(1)], "from 2"),
        ([], "from 2"),
        ([Circle(1), Circle(1)], "disjoint"),
        ([Circle(1), Circle(1, center=[1, 0])], "disjoint"),
        ([Circle(1), Circle(1, ambient_dim=3)], "one space"),
        ([Circle(i + 1) for i in range(65)], "from 2 to 64"),
    ],
)
def test_unions_that_cannot_be_are_refused(parts, what):
    """Parts must be at least two, in one space, and provably disjoint."""
    with pytest.raises(SpecError, match=what):
        Union(parts)


def test_a_union_has_no_chart():
    """Asking a union for its chart says to ask the components."""
    with pytest.raises(UsageError, match="components"):
        _ = two_circles().chart
