from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from aeverify.autoencoders.building import from_architecture, mlp
from aeverify.autoencoders.layers import Affine, Pointwise
from aeverify.autoencoders.loading import load
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Part
from aeverify.manifolds import manifold
from aeverify.measure.rounding import certified_errors, certified_values, error_through_code, operations


def exactly(layers, row):
    """The layers in rational arithmetic."""
    x = [Fraction(v) for v in row]
    for layer in layers:
        if isinstance(layer, Affine):
            x = [
                sum((Fraction(w) * v for w, v in zip(weights, x, strict=True)), Fraction(b))
                for weights, b in zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
            ]
        else:
            slope = Fraction(layer.parameter) if layer.activation == "leaky_relu" else Fraction(0)
            x = [v if v >= 0 else slope * v for v in x]
    return x


@pytest.mark.parametrize("activation", [Pointwise("relu"), Pointwise("leaky_relu", 0.1), Pointwise("leaky_relu", -2.0)])
@pytest.mark.parametrize("scale", [1.0, 1e6, 1e-3])
def test_the_bound_holds_against_rational_arithmetic(activation, scale):
    """No coordinate of a random network is further from the exact value than its bound, and the bound is tight."""
    rng = np.random.Generator(np.random.PCG64(5))
    sizes = (3, 20, 20, 2)
    layers = []
    for before, after in itertools.pairwise(sizes):
        layers += [Affine(rng.standard_normal((after, before)) * scale, rng.standard_normal(after)), activation]
    rows = rng.standard_normal((20, 3))
    values, bounds = certified_values(tuple(layers[:-1]), rows, np.zeros_like(rows))
    for row, value, bound in zip(rows.tolist(), values.tolist(), bounds.tolist(), strict=True):
        for exact, v, b in zip(exactly(layers[:-1], row), value, bound, strict=True):
            assert abs(exact - Fraction(v)) <= Fraction(b)
    assert bounds.max() < 1e-10 * max(np.abs(values).max(), 1.0)


def test_an_error_of_the_input_is_carried_along():
    """A perturbation within the given bound stays within the bound of the output."""
    rng = np.random.Generator(np.random.PCG64(6))
    layers = (Affine(rng.standard_normal((4, 3)), rng.standard_normal(4)), Pointwise("relu"))
    rows = rng.standard_normal((10, 3))
    given = np.full_like(rows, 0.1)
    values, bounds = certified_values(layers, rows, given)
    moved, _ = certified_values(layers, rows + given * rng.choice([-1.0, 1.0], rows.shape), np.zeros_like(rows))
    assert (np.abs(moved - values) <= bounds).all()


def test_certified_errors_are_upper_bounds():
    """They exceed the float64 errors by rounding alone."""
    model = mlp(3, 1, (32, 32), "relu", seed=1)
    rows = np.random.Generator(np.random.PCG64(7)).standard_normal((500, 3))
    bounds = certified_errors(model, rows)
    errors = model.errors(rows)
    assert (bounds >= errors * (1 - 1e-13)).all()
    assert (bounds <= errors + 1e-10).all()
    assert operations(model) == 4 * (2 * 3 * 32 + 2 * 32 * 32 + 2 * 32)


def test_what_is_not_covered_has_no_bound():
    """Smooth activations and models without layers."""
    rows = np.zeros((1, 2))
    assert certified_errors(mlp(2, 1, (4,), "tanh"), rows) is None
    assert certified_errors(oracle("cut"), rows) is None
    assert operations(oracle("cut")) == 0


@pytest.mark.parametrize("seed", range(6))
def test_the_bound_through_the_code_is_an_upper_bound(seed):
    """No point of a dense sample of the circle errs more, for networks with steep and with flat codes."""
    circle = manifold("circle")
    model = from_architecture("mlp:ambient_dim=2,latent_dim=1,hidden=[16,16]", seed)
    grid = circle.grid(500)
    bound = error_through_code(model, grid.points, grid.covering_radius.upper, nodes=300)
    assert bound >= model.errors(circle.grid(20_000).points).max()


def test_the_bound_through_the_code_says_something_where_the_constant_does_not(root):
    """A trained network on one circle: L is in the hundred thousands, the bound below twice the diameter and a bit."""
    model = load(root / "tests/fixtures/two_circles_paper_0.safetensors")
    grid = manifold("two_circles").components[0].grid(5_000)
    bound = error_through_code(model, grid.points, grid.covering_radius.upper)
    assert model.lipschitz(Part.RECONSTRUCTION).upper > 1e5
    assert 2.0 <= bound < 4.5


def test_the_bound_through_the_code_widens_with_the_radius():
    """A set that reaches further from the points can err more: by (1 + L_E L_D) times the radius at least."""
    model = from_architecture("mlp:ambient_dim=2,latent_dim=1,hidden=[8]", 3)
    points = manifold("circle").grid(200).points
    assert error_through_code(model, points, 0.5) >= error_through_code(model, points, 0.0) + 0.5


def test_a_code_of_two_numbers_has_no_bound_through_it():
    """The grid over the code is one-dimensional."""
    assert error_through_code(oracle("identity"), manifold("circle").grid(10).points, 0.1) is None
