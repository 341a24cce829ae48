"""Lipschitz constants along K: both ends against closed forms, and what is said where one is missing."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from aeverify import measure
from aeverify.autoencoders.building import from_architecture
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder, Part
from aeverify.core import Rigor
from aeverify.errors import InvariantError, UsageError
from aeverify.manifolds import manifold


def linear(weights: list[list[float]], back: list[list[float]]) -> Autoencoder:
    """x -> back (weights x), as torch layers."""
    encoder, decoder = (nn.Linear(len(w[0]), len(w), bias=False) for w in (weights, back))
    with torch.no_grad():
        encoder.weight.copy_(torch.tensor(weights))
        decoder.weight.copy_(torch.tensor(back))
    return Autoencoder.from_modules(nn.Sequential(encoder), nn.Sequential(decoder))


@pytest.mark.parametrize(("part", "value"), [(Part.ENCODER, 3.0), (Part.DECODER, 2.0), (Part.RECONSTRUCTION, 6.0)])
def test_a_linear_map_has_the_constant_of_its_matrix(part, value):
    """x -> 3 x_1 -> (2 z, 0) on the circle: the constant is attained where the circle runs along the first axis."""
    found = measure.lipschitz(linear([[3.0, 0.0]], [[2.0], [0.0]]), manifold("circle"), part=part, samples=200)
    assert (found.details["lower_rigor"], found.details["upper_rigor"]) == ("CERTIFIED", "CERTIFIED")
    assert value in found.interval
    assert found.interval.width <= 1e-3 * value


def test_boxes_along_the_set_beat_the_global_product():
    """On the circle x_1 + 2 > 0, so the steep side of the kink, which the product of norms counts, is never met."""
    encoder = nn.Sequential(nn.Linear(2, 1), nn.LeakyReLU(100.0), nn.Linear(1, 1, bias=False))
    with torch.no_grad():
        encoder[0].weight.copy_(torch.tensor([[1.0, 0.0]]))
        encoder[0].bias.fill_(2.0)
        encoder[2].weight.fill_(1.0)
    model = Autoencoder.from_modules(encoder, linear([[1.0, 0.0]], [[1.0], [0.0]]).decoder)
    found = measure.lipschitz(model, manifold("circle"), samples=200)
    assert model.lipschitz(Part.RECONSTRUCTION).upper >= 100.0
    assert 0.99 < found.lower <= 1.0 <= found.upper < 1.01


def test_the_tear_of_a_trained_network_is_found_and_bounded(root):
    """Certified from both sides, within a factor 2 here, where the product of norms is 100 times too large."""
    from aeverify.autoencoders.loading import load

    model = load(root / "tests/fixtures/two_circles_paper_1.safetensors")
    found = measure.lipschitz(model, manifold("two_circles").components[0], samples=500, time_budget=4.0)
    assert found.rigor is Rigor.CERTIFIED
    assert 1000 < found.lower <= found.upper < model.lipschitz(Part.RECONSTRUCTION).upper / 20


def test_a_model_without_layers_keeps_what_it_declares_and_says_so():
    """The cut oracle derives its constant by hand; the reason why nothing was enclosed is in the details."""
    found = measure.lipschitz(oracle("cut:half_width=0.05"), manifold("circle"), samples=500)
    assert math.pi / 0.05 - 1 == pytest.approx(found.upper, rel=1e-2)
    assert found.lower >= 0.99 * found.upper
    assert "torch layers" in found.details["reason"]


def test_without_any_bound_the_upper_end_is_infinite():
    """Two callables: a pair of points from below, nothing from above."""
    truth = oracle("cut:half_width=0.05")
    model = Autoencoder.from_callables(truth.encode, truth.decode, ambient_dim=2, latent_dim=1)
    found = measure.lipschitz(model, manifold("circle"), samples=500)
    assert (found.upper, found.rigor) == (math.inf, Rigor.EMPIRICAL)
    assert 50 < found.lower <= math.pi / 0.05


def test_a_false_constant_is_refuted_by_two_points():
    """The pair that shows it is evaluated in ball arithmetic."""
    with pytest.raises(InvariantError, match="declares is false"):
        measure.lipschitz(oracle("liar_lipschitz"), manifold("circle"))


def test_a_budget_of_zero_leaves_what_the_model_knows():
    """The product of norms stays, and the reason is given."""
    model = from_architecture("mlp:ambient_dim=2,latent_dim=1,hidden=[8]", 0)
    found = measure.lipschitz(model, manifold("circle"), time_budget=0.0, samples=0)
    assert found.upper == model.lipschitz(Part.RECONSTRUCTION).upper
    assert (found.lower, found.witness, found.details["reason"]) == (0.0, None, "the time budget is 0")


def test_codes_of_two_numbers_have_no_certified_hull():
    """For the decoder and m = 2 the boxes do not cover the hull of the codes, so only the global product is used."""
    model = from_architecture("mlp:ambient_dim=3,latent_dim=2,hidden=[8]", 0)
    found = measure.lipschitz(model, manifold("sphere"), part=Part.DECODER, samples=100)
    assert found.upper == model.lipschitz(Part.DECODER).upper
    assert "convex hull" in found.details["reason"]
    whole = measure.lipschitz(model, manifold("sphere"), samples=100, time_budget=2.0)
    assert whole.upper < model.lipschitz(Part.RECONSTRUCTION).upper


@pytest.mark.parametrize("arguments", [{"tolerance": 0.0}, {"time_budget": -1.0}, {"samples": -3}])
def test_numbers_out_of_range_are_refused(arguments):
    """A tolerance of zero and a negative budget or count are usage errors."""
    with pytest.raises(UsageError):
        measure.lipschitz(oracle("cut"), manifold("circle"), **arguments)
