"""Certified enclosures through the measures: what they enclose, how they end, and how they are refused."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from aeverify import measure
from aeverify.autoencoders.building import from_architecture
from aeverify.autoencoders.loading import load
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core import Rigor
from aeverify.errors import UsageError
from aeverify.manifolds import manifold


@pytest.fixture(scope="module")
def trained():
    """The paper's network, trained on the paper's circles."""
    from pathlib import Path

    return load(Path(__file__).parents[2] / "fixtures" / "two_circles_paper_0.safetensors")


def test_the_worst_error_of_a_trained_network_is_enclosed(trained):
    """Within the tolerance, above the width 1, and around what the search finds."""
    found = measure.sup_error(trained, manifold("two_circles"), tolerance=1e-4)
    searched = measure.sup_error(trained, manifold("two_circles"), samples=2000)
    assert found.rigor is Rigor.CERTIFIED
    assert found.interval.width <= 1e-4
    assert found.lower >= 1.0
    assert found.interval.intersects(searched.interval)
    assert found.witness.points[0].error <= found.upper


def test_the_bad_set_of_a_trained_network_is_enclosed(trained):
    """Within the tolerance, and inside the statistical enclosure at a tiny error probability."""
    found = measure.bad_set(trained, manifold("two_circles"), 0.1, tolerance=1e-7)
    drawn = measure.bad_set(trained, manifold("two_circles"), 0.1, draws=20_000, alpha=1e-9)
    assert (found.rigor, found.confidence) == (Rigor.CERTIFIED, None)
    assert found.interval.width <= 1e-7
    assert drawn.interval.encloses(found.interval)


def test_a_budget_of_zero_is_an_honest_wide_enclosure(trained):
    """Nothing is lost and nothing is claimed."""
    found = measure.bad_set(trained, manifold("two_circles"), 0.1, time_budget=0.0)
    assert (found.lower, found.upper, found.rigor) == (0.0, 1.0, Rigor.CERTIFIED)
    assert found.details["finished"] is False


def test_a_model_without_layers_falls_back_and_says_so():
    """An oracle is no stack of torch layers."""
    found = measure.bad_set(oracle("cut"), manifold("circle"), 0.1, tolerance=1e-3, draws=2000)
    assert found.rigor is Rigor.STATISTICAL
    assert "not available" in found.details["certified_enclosure"]
    assert (
        "no certified enclosure" in measure.sup_error(oracle("cut"), manifold("circle"), tolerance=0.1).method.lower()
    )


def test_a_hook_is_not_overlooked():
    """A forward hook changes what the layers compute: what is enclosed is the module with its hook."""
    layer = nn.Linear(2, 1)
    circle, back = manifold("circle"), nn.Sequential(nn.Linear(1, 2))
    plain = Autoencoder.from_modules(nn.Sequential(copy.deepcopy(layer)), back)
    layer.register_forward_hook(lambda module, inputs, output: output + 10.0)
    model = Autoencoder.from_modules(nn.Sequential(layer), back)
    found = measure.sup_error(model, circle, tolerance=1e-3)
    dense = model.errors(circle.grid(5000).points).max()
    assert found.rigor is Rigor.CERTIFIED
    assert dense - 1e-9 <= found.interval.upper <= dense + 2e-3
    assert plain.errors(circle.grid(5000).points).max() < found.interval.lower - 0.1


def test_a_hook_that_jumps_is_not_overlooked():
    """Then nothing is certified."""
    layer = nn.Linear(2, 1)
    layer.register_forward_hook(lambda module, inputs, output: torch.round(output))
    model = Autoencoder.from_modules(nn.Sequential(layer), nn.Sequential(nn.Linear(1, 2)))
    found = measure.bad_set(model, manifold("circle"), 0.1, tolerance=1e-3, draws=2000)
    assert found.rigor is Rigor.STATISTICAL
    assert "not available" in found.details["certified_enclosure"]


@pytest.mark.parametrize("tolerance", [0.0, -1.0, float("nan")])
def test_a_tolerance_that_is_not_positive_is_refused(trained, tolerance):
    """Zero width is not to be had."""
    with pytest.raises(UsageError, match="tolerance"):
        measure.sup_error(trained, manifold("two_circles"), tolerance=tolerance)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu", "silu", "gelu", "softplus", "tanh", "sigmoid"])
def test_every_activation_is_enclosed(activation):
    """A random network of each kind: the dense maximum lies in the enclosure."""
    circle = manifold("circle")
    model = from_architecture(f"mlp:ambient_dim=2,latent_dim=1,hidden=[8],activation={activation}", 1)
    found = measure.sup_error(model, circle, tolerance=1e-3)
    dense = model.errors(circle.grid(5000).points).max()
    assert found.rigor is Rigor.CERTIFIED
    assert found.lower <= found.upper <= found.lower + 1e-3
    assert dense <= found.upper
    assert dense >= found.lower - 1e-3
