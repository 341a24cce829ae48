from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from aeverify.autoencoders.building import mlp
from aeverify.autoencoders.loading import load
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.manifolds import manifold
from aeverify.measure.ranges import even, halves, image_balls, ranges_of, sides, tiles, winding_of_sides

FIXTURES = Path(__file__).parents[2] / "fixtures"


def cells(chart, count, rng):
    """Random boxes of a chart, of all sizes, with a random point in each."""
    extent = np.array(chart.upper) - np.array(chart.lower)
    size = extent * 10.0 ** rng.uniform(-9, -1, (count, chart.dim))
    low = np.array(chart.lower) + (extent - size) * rng.random((count, chart.dim))
    high = low + size
    return low, high, low + (high - low) * rng.random((count, chart.dim))


@pytest.mark.parametrize(
    "name",
    ["cut", "fold", "double_wrap", "identity", "collapsed", "label", "cut_two_circles", "spiral_arc"],
)
def test_ranges_hold_every_value_of_an_oracle(name):
    """Codes and errors at random points of random boxes lie in the ranges, up to the rounding of float64."""
    model = oracle(name)
    space = manifold(model.truth.manifold)
    ranges, rng = ranges_of(model, space), np.random.default_rng(1)
    for component, part in enumerate(space.components):
        low, high, u = cells(part.chart, 60, rng)
        x = part.chart.embed(u)
        lower, upper = ranges.codes(component, low, high)
        assert (lower <= model.encode(x) + 1e-9).all() and (model.encode(x) - 1e-9 <= upper).all()
        least, most = ranges.errors(component, low, high)
        assert (least <= model.errors(x) + 1e-9).all() and (model.errors(x) - 1e-9 <= most).all()
        assert np.isfinite(most).all() and np.isfinite(lower).all()


@pytest.mark.parametrize(
    ("model", "spec"),
    [
        (mlp(2, 1, (16, 16), "relu", seed=0), "circle"),
        (mlp(3, 2, (16, 16), "tanh", seed=1), "sphere"),
        (load(FIXTURES / "two_circles_paper_0.safetensors"), "two_circles"),
    ],
    ids=["relu", "tanh", "paper"],
)
def test_ranges_hold_every_value_of_a_network(model, spec):
    """The same for affine forms."""
    space = manifold(spec)
    ranges, rng = ranges_of(model, space), np.random.default_rng(2)
    low, high, u = cells(space.components[0].chart, 200, rng)
    x = space.components[0].chart.embed(u)
    lower, upper = ranges.codes(0, low, high)
    assert (lower <= model.encode(x) + 1e-9).all() and (model.encode(x) - 1e-9 <= upper).all()
    least, most = ranges.errors(0, low, high)
    assert (least <= model.errors(x) + 1e-9).all() and (model.errors(x) - 1e-9 <= most).all()


def test_ranges_shrink_with_their_boxes():
    """On a box of width 1e-9 the range of the identity's code is about as wide as the box."""
    ranges = ranges_of(oracle("identity"), manifold("circle"))
    lower, upper = ranges.codes(0, np.array([[0.3]]), np.array([[0.3 + 1e-9]]))
    assert float((upper - lower).max()) < 1e-8


def test_an_opaque_model_has_no_ranges():
    """Nothing is enclosed of what is not known."""
    truth = oracle("cut")
    model = Autoencoder.from_callables(truth.encode, truth.decode, ambient_dim=2, latent_dim=1)
    assert ranges_of(model, manifold("circle")) is None


@pytest.mark.parametrize("spec", ["circle:radius=3", "sphere", "torus:R=2,r=0.5"])
def test_images_of_boxes_lie_in_their_balls(spec):
    """Random points of random boxes are within the radius of the centre."""
    chart, rng = manifold(spec).chart, np.random.default_rng(3)
    low, high, u = cells(chart, 300, rng)
    points, radii = image_balls(chart, low, high)
    assert (np.linalg.norm(chart.embed(u) - points, axis=1) <= radii + 1e-14).all()


@pytest.mark.parametrize("turns", [-3, -1, 0, 1, 2, 5])
def test_quarter_turns_count_windings(turns):
    """Boxes along a curve that winds k times about 0, and 0 times about a point outside."""
    t = np.linspace(0, 1, 401)
    z = np.column_stack([np.cos(2 * np.pi * turns * t), np.sin(2 * np.pi * turns * t)])
    if turns == 0:
        z = np.column_stack([2 + np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)])
    low, high = np.minimum(z[:-1], z[1:]), np.maximum(z[:-1], z[1:])
    assert winding_of_sides(sides(low, high, np.zeros(2))) == turns
    assert winding_of_sides(sides(low, high, np.array([5.0, 5.0]))) == 0


def test_a_box_that_holds_the_point_decides_nothing():
    """An unknown side, and sides that face each other, are refused."""
    assert sides(np.array([[-1.0, -1.0]]), np.array([[1.0, 1.0]]), np.zeros(2)).tolist() == [-1]
    with pytest.raises(ValueError, match="may hold the point"):
        winding_of_sides(np.array([0, -1, 1]))
    with pytest.raises(ValueError, match="face each other"):
        winding_of_sides(np.array([0, 2]))


def test_tiles_and_their_halves_cover_the_box_of_a_chart():
    """Every corner of the grid is there, and a cut along the longest side in space leaves no gap."""
    chart = manifold("torus:R=2,r=1").chart
    low, high = tiles(chart, [2, 4])
    assert sorted(map(tuple, low.tolist())) == [(i / 2, j / 4) for i in range(2) for j in range(4)]
    assert (high - low == np.array([0.5, 0.25])).all()
    lower, upper = halves(chart, low, high)
    # a quarter of the tube is shorter than half of the core
    assert np.array_equal(lower[:8], low) and np.array_equal(upper[8:], high)
    assert np.array_equal(upper[:8], high - np.array([0.25, 0.0]))
    assert np.array_equal(lower[8:], low + np.array([0.25, 0.0]))


def test_cells_are_few_and_sets_of_many_dimensions_have_no_ranges():
    """As many along each parameter as wanted, unless they would be too many together."""
    assert even(2, 24, 4000) == [24, 24]
    assert even(3, 24, 1000) == [10, 10, 10]
    assert even(12, 6, 4000) == [1] * 12
    model = mlp(8, 2, (4,), seed=0)
    assert ranges_of(model, manifold("sphere:dim=7,radius=1")) is None
    assert ranges_of(mlp(7, 2, (4,), seed=0), manifold("sphere:dim=6,radius=1")) is not None


def test_a_module_with_a_forward_of_its_own_has_ranges():
    """By the layers that it is written as; they hold its codes."""

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(2, 1)

        def forward(self, x):
            return torch.clamp(self.inner(x), -0.5, 0.5)

    model = Autoencoder.from_modules(Own(), nn.Linear(1, 2), ambient_dim=2)
    space = manifold("circle")
    ranges, rng = ranges_of(model, space), np.random.default_rng(2)
    low, high, u = cells(space.chart, 60, rng)
    lower, upper = ranges.codes(0, low, high)
    codes = model.encode(space.chart.embed(u))
    assert ranges.method == "affine forms of chart boxes"
    assert (lower <= codes + 1e-9).all() and (codes - 1e-9 <= upper).all()
