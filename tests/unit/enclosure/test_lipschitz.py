"""Lipschitz bounds against linear maps and difference quotients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from aeverify.enclosure import lipschitz_bound
from aeverify.enclosure.layers import network_from_modules
from aeverify.enclosure.lipschitz import box_lipschitz
from aeverify.errors import UsageError
from tests.unit.enclosure.exact import ACTIVATIONS, CHARTS, forms_of, random_mlp


def test_linear_maps_have_their_operator_norm():
    """E = diag(3, 1, 0) rows, D = 2 E^T: norms 3, 6 and 18, to the tolerance."""
    encoder, decoder = nn.Linear(3, 2).double(), nn.Linear(2, 3).double()
    with torch.no_grad():
        encoder.weight.copy_(torch.tensor([[3.0, 0, 0], [0, 1.0, 0]]))
        decoder.weight.copy_(2 * encoder.weight.T)
    network = network_from_modules(encoder, decoder, ambient_dim=3, latent_dim=2)
    for part, exact in (("encoder", 3.0), ("decoder", 6.0), ("reconstruction", 18.0)):
        found = lipschitz_bound(network, [CHARTS["sphere"][0]], part=part, tolerance=1e-6, time_budget=None)
        assert exact in found
        assert found.width <= 1e-5 * exact


@pytest.mark.parametrize("seed", range(len(ACTIVATIONS)))
def test_difference_quotients_stay_below_the_bound(seed):
    """On the points of a box, |f(x) - f(y)| <= L |x - y| for every part."""
    rng = np.random.Generator(np.random.PCG64(seed))
    chart, n = CHARTS["torus"]
    kind = ACTIVATIONS[seed % len(ACTIVATIONS)]
    network = network_from_modules(
        random_mlp([n, 9, 7, 2], kind, rng), random_mlp([2, 7, 9, n], kind, rng), ambient_dim=n, latent_dim=2
    )
    center = torch.from_numpy(rng.random((20, 2)))
    half = torch.full_like(center, 0.02)
    forms = forms_of(chart, n, center, half)
    for part in ("encoder", "decoder", "reconstruction"):
        bound = box_lipschitz(network, forms, part)
        for i in range(20):
            u = center[i] + half[i] * torch.from_numpy(rng.uniform(-1, 1, size=(40, 2)))
            x = torch.from_numpy(chart.embed(u.numpy()))
            z = x
            for stage in network.encoder:
                z = stage.apply(z)
            before, after = {
                "encoder": (x, z),
                "decoder": (z, network.reconstruct(x)),
                "reconstruction": (x, network.reconstruct(x)),
            }[part]
            top = torch.pdist(after)
            quotients = top / torch.pdist(before).clamp(min=1e-12)
            assert float(quotients.max()) <= float(bound[i]) * (1 + 1e-9)


def test_the_enclosure_shrinks_with_the_boxes():
    """For a trained-size network on the circle the certified bound comes within 1 % of the sampled one."""
    rng = np.random.Generator(np.random.PCG64(0))
    network = network_from_modules(
        random_mlp([2, 16, 1], nn.ReLU, rng), random_mlp([1, 16, 2], nn.Tanh, rng), ambient_dim=2, latent_dim=1
    )
    found = lipschitz_bound(network, [CHARTS["circle"][0]], tolerance=0.01, time_budget=20.0)
    assert 0 < found.lower <= found.upper <= 1.011 * found.lower


@pytest.mark.parametrize("make_activation", ACTIVATIONS, ids=lambda a: repr(a()))
def test_a_scalar_decoder_has_its_steepest_slope(make_activation):
    """D(z) = g(3 z) on [0, 1], E the identity: every activation's L is the largest slope at 20,001 points, to 2 %."""
    encoder, decoder = nn.Linear(1, 1).double(), nn.Sequential(nn.Linear(1, 1), make_activation(), nn.Linear(1, 1))
    decoder = decoder.double()
    with torch.no_grad():
        for layer, weight in ((encoder, 1.0), (decoder[0], 3.0), (decoder[2], 1.0)):
            layer.weight.fill_(weight)
            layer.bias.fill_(-1.0 if weight == 3.0 else 0.0)
    network = network_from_modules(encoder, decoder, ambient_dim=1, latent_dim=1)
    z = torch.linspace(0, 1, 20_001).double()[:, None]
    with torch.no_grad():
        steepest = float((decoder(z).diff(dim=0) / z.diff(dim=0)).abs().max())
    for part in ("decoder", "reconstruction"):
        found = lipschitz_bound(network, [CHARTS["segment"][0]], part=part, tolerance=0.01, time_budget=20.0)
        assert steepest * (1 - 1e-6) <= found.upper <= 1.02 * steepest


@pytest.mark.parametrize("kind", [nn.Tanh, nn.GELU, nn.SiLU])
def test_the_bound_of_a_smooth_network_is_near_its_steepest_chord(kind):
    """A code of one dimension: between the steepest of 4,000 chords and 5 % above it."""
    rng = np.random.Generator(np.random.PCG64(4))
    network = network_from_modules(
        random_mlp([2, 8, 1], kind, rng), random_mlp([1, 8, 2], kind, rng), ambient_dim=2, latent_dim=1
    )
    chart, _ = CHARTS["circle"]
    x = torch.from_numpy(chart.embed(np.linspace(0, 1, 4001)[:, None]))
    y = network.reconstruct(x)
    steepest = float(
        (torch.linalg.vector_norm(y.diff(dim=0), dim=1) / torch.linalg.vector_norm(x.diff(dim=0), dim=1)).max()
    )
    found = lipschitz_bound(network, [chart], tolerance=0.02, time_budget=20.0)
    assert steepest <= found.upper
    assert found.lower <= found.upper <= 1.03 * found.lower


def test_a_budget_of_zero_bounds_nothing_and_a_short_one_something():
    """Anytime: what is not covered is unbounded; what was reached is kept."""
    rng = np.random.Generator(np.random.PCG64(0))
    network = network_from_modules(
        random_mlp([3, 32, 2], nn.Tanh, rng), random_mlp([2, 32, 3], nn.Tanh, rng), ambient_dim=3, latent_dim=2
    )
    chart = CHARTS["torus"][0]
    nothing = lipschitz_bound(network, [chart], time_budget=0.0)
    assert (nothing.lower, nothing.upper) == (0.0, float("inf"))
    long = lipschitz_bound(network, [chart], tolerance=1.0, time_budget=60.0)
    assert long.upper <= 2 * long.lower * (1 + 1e-6)
    short = lipschitz_bound(network, [chart], tolerance=1e-9, time_budget=3.0)
    assert long.lower * 0.5 <= short.upper


def test_a_softplus_that_may_jump_has_no_bound():
    """Inputs far below torch's threshold: slope at most 1; across it: infinity."""
    encoder = nn.Sequential(nn.Linear(1, 1), nn.Softplus(), nn.Linear(1, 1)).double()
    decoder = nn.Linear(1, 1).double()
    with torch.no_grad():
        for layer in (encoder[0], encoder[2], decoder):
            layer.weight.fill_(1.0)
            layer.bias.zero_()
    for scale, finite in ((1.0, True), (30.0, False)):
        with torch.no_grad():
            encoder[0].weight.fill_(scale)
        network = network_from_modules(encoder, decoder, ambient_dim=1, latent_dim=1)
        found = lipschitz_bound(network, [CHARTS["segment"][0]], part="encoder", time_budget=0.5)
        assert np.isfinite(found.upper) == finite
        assert not finite or found.upper <= 1.0 + 1e-9


def test_an_overflow_is_unbounded():
    """Weights whose product is not a float64 number give infinity, never the largest float."""
    encoder, decoder = nn.Linear(2, 1).double(), nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 2)).double()
    with torch.no_grad():
        for layer in (encoder, decoder[0], decoder[2]):
            layer.weight.fill_(1e150)
    network = network_from_modules(encoder, decoder, ambient_dim=2, latent_dim=1)
    assert lipschitz_bound(network, [CHARTS["circle"][0]], time_budget=0.2).upper == float("inf")


def test_wrong_arguments_are_refused():
    """An unknown part and a zero tolerance."""
    network = network_from_modules(nn.Linear(2, 1), nn.Linear(1, 2), ambient_dim=2, latent_dim=1)
    with pytest.raises(UsageError, match="part"):
        lipschitz_bound(network, [CHARTS["circle"][0]], part="latent")
    with pytest.raises(UsageError, match="tolerance"):
        lipschitz_bound(network, [CHARTS["circle"][0]], tolerance=0.0)
    with pytest.raises(UsageError, match="charts"):
        lipschitz_bound(network, [])
