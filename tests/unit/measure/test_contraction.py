"""The encoder's Jacobian over K, against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from aeverify import measure
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.errors import UsageError
from aeverify.manifolds import Manifold
from aeverify.measure.contraction import encoder_jacobians

W = np.array([[1.0, -2.0], [0.5, 0.25]])
B = np.array([0.1, -0.3])


@pytest.fixture(scope="module")
def sigmoids() -> Autoencoder:
    """h = s(W x + b), two codes of two numbers."""
    encoder, decoder = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid()).double(), nn.Sequential(nn.Linear(2, 2)).double()
    with torch.no_grad():
        encoder[0].weight.copy_(torch.tensor(W))
        encoder[0].bias.copy_(torch.tensor(B))
    return Autoencoder.from_modules(encoder, decoder, latent_dim=2)


def test_the_penalty_of_one_layer_of_sigmoids(sigmoids: Autoencoder):
    """sum_j (h_j (1 - h_j))^2 |W_j|^2, and it bounds the squared operator norm."""
    points = np.random.Generator(np.random.PCG64(1)).standard_normal((50, 2))
    h = 1 / (1 + np.exp(-(points @ W.T + B)))
    expected = ((h * (1 - h)) ** 2 * (W**2).sum(axis=1)).sum(axis=1)
    jacobians = encoder_jacobians(sigmoids, points)
    assert np.linalg.norm(jacobians, axis=(1, 2)) ** 2 == pytest.approx(expected, rel=1e-12)
    assert (np.linalg.norm(jacobians, 2, axis=(1, 2)) ** 2 <= expected * (1 + 1e-12)).all()


def test_the_share_of_a_known_jacobian(circle: Manifold):
    """E(x) = s(4 x_1) has |J_E| = 4 s (1 - s), above 4 v (1 - v), v = s(4 cos a), where |x_1| < cos a: 1 - 2 a / pi."""
    encoder, decoder = nn.Sequential(nn.Linear(2, 1, bias=False), nn.Sigmoid()), nn.Sequential(nn.Linear(1, 2))
    with torch.no_grad():
        encoder[0].weight.copy_(torch.tensor([[4.0, 0.0]]))
    model = Autoencoder.from_modules(encoder.double(), decoder.double(), latent_dim=1)
    v = 1 / (1 + math.exp(-4 * math.cos(1.0)))
    found = measure.stretched_share(model, circle, 4 * v * (1 - v), draws=20_000, alpha=1e-6)
    assert 1 - 2 / math.pi in found.interval
    assert found.details["largest_frobenius_norm"] == pytest.approx(1.0, abs=1e-3)
    assert found.details["largest_operator_norm"] == pytest.approx(1.0, abs=1e-3)


def test_an_opaque_encoder_has_no_jacobian(circle: Manifold):
    """A function on arrays cannot be differentiated: a usage error."""
    assert not measure.has_jacobian(oracle("fold"))
    with pytest.raises(UsageError, match="torch modules"):
        measure.stretched_share(oracle("fold"), circle, 1.0)


def test_unusable_numbers_are_refused(sigmoids: Autoencoder, circle: Manifold):
    """A negative bound."""
    with pytest.raises(UsageError):
        measure.stretched_share(sigmoids, circle, -1.0)
