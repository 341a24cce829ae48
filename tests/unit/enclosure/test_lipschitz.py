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
        found = lipschitz_bound(network, [CHARTS["sphere"][0]], part=part, tolerance=1e-6)
        assert exact in found
        assert found.width <= 1e-5 * exact


@pytest.mark.parametrize("seed", range(12))
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


def test_wrong_arguments_are_refused():
    """An unknown part and a zero tolerance."""
    network = network_from_modules(nn.Linear(2, 1), nn.Linear(1, 2), ambient_dim=2, latent_dim=1)
    with pytest.raises(UsageError, match="part"):
        lipschitz_bound(network, [CHARTS["circle"][0]], part="latent")
    with pytest.raises(UsageError, match="tolerance"):
        lipschitz_bound(network, [CHARTS["circle"][0]], tolerance=0.0)
