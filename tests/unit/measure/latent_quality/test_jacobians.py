"""How decoders and encoders stretch, against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.errors import NonFiniteOutputError, UsageError
from aeverify.manifolds import Manifold, manifold
from aeverify.measure.latent_quality.jacobians import decoder_stretch, encoder_stretch

RNG = np.random.Generator(np.random.PCG64(5))


def linear(encoder: np.ndarray, decoder: np.ndarray) -> Autoencoder:
    """E(x) = x A, D(z) = z B."""
    return Autoencoder.from_callables(
        lambda x: x @ encoder, lambda z: z @ decoder, ambient_dim=len(encoder), latent_dim=len(decoder), continuous=True
    )


def test_a_linear_decoder_has_the_singular_values_of_its_matrix():
    """Condition (s_1 / s_m)^2 and volume s_1 ... s_m at every code."""
    matrix = RNG.standard_normal((2, 5))
    values = np.linalg.svd(matrix, compute_uv=False)
    found = decoder_stretch(linear(matrix.T, matrix), RNG.standard_normal((30, 2)))
    assert found.condition == pytest.approx(np.full(30, (values[0] / values[1]) ** 2), rel=1e-8)
    assert found.log_volume == pytest.approx(np.full(30, math.log(values[0] * values[1])), rel=1e-8)
    assert found.area_distortion == pytest.approx(0.0, abs=1e-9)
    assert found.disagreement < 1e-9


def test_differences_agree_with_automatic_differentiation():
    """A smooth network's Jacobians from torch have the same condition numbers and volumes."""
    decoder = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 6)).double()
    with torch.no_grad():
        for weight in decoder.parameters():
            weight.copy_(torch.tensor(0.7 * RNG.standard_normal(tuple(weight.shape))))
    model = Autoencoder.from_modules(nn.Sequential(nn.Linear(6, 2)).double(), decoder)
    codes = RNG.standard_normal((20, 2))
    found = decoder_stretch(model, codes)
    jacobians = [torch.autograd.functional.jacobian(decoder, torch.tensor(z)).numpy() for z in codes]
    values = np.array([np.linalg.svd(j, compute_uv=False) for j in jacobians])
    assert found.condition == pytest.approx((values[:, 0] / values[:, 1]) ** 2, rel=1e-5)
    assert found.log_volume == pytest.approx(np.log(values).sum(axis=1), rel=1e-5)


def test_an_encoder_on_the_tangents_of_a_circle(circle: Manifold):
    """E(x, y) = (2 x, y) multiplies lengths at angle t by (4 sin^2 t + cos^2 t)^(1/2); its condition is 1."""
    sample = circle.sample(50, 0)
    angle = 2 * math.pi * sample.parameters[:, 0]
    found = encoder_stretch(linear(np.diag([2.0, 1.0]), np.eye(2)), circle, sample)
    assert found.log_volume == pytest.approx(0.5 * np.log(4 * np.sin(angle) ** 2 + np.cos(angle) ** 2), abs=1e-8)
    assert found.condition == pytest.approx(np.ones(50))


def test_an_encoder_on_a_surface_and_on_a_union():
    """The identity keeps all angles and areas; what is stretched off K does not count."""
    torus = manifold("torus:R=2,r=1")
    kept = encoder_stretch(linear(np.eye(3), np.eye(3)), torus, torus.sample(40, 1))
    assert kept.condition == pytest.approx(np.ones(40), rel=1e-8)
    assert kept.area_distortion == pytest.approx(0.0, abs=1e-8)
    disc = manifold("ball:dim=2")
    twice = encoder_stretch(linear(np.diag([2.0, 1.0]), np.eye(2)), disc, disc.sample(40, 1))
    assert twice.condition == pytest.approx(np.full(40, 4.0), rel=1e-8)
    circles = manifold("two_circles")
    apart = encoder_stretch(linear(np.eye(3), np.eye(3)), circles, circles.sample(40, 1))
    assert apart.log_volume == pytest.approx(np.zeros(40), abs=1e-8)


def test_collapsed_directions_have_infinite_condition():
    """A constant decoder, and one that forgets a coordinate but for rounding."""
    codes = RNG.standard_normal((10, 2))
    assert np.isinf(decoder_stretch(oracle("double_wrap"), codes).condition).all()
    flat = np.outer([1.0, 0.3], RNG.standard_normal(4))
    found = decoder_stretch(linear(flat.T, flat), codes)
    assert np.isinf(found.condition).all()
    assert found.area_distortion == math.inf


def test_what_has_no_condition_number_is_refused(circle: Manifold):
    """More codes than coordinates, fewer codes than the set has dimensions, NaN."""
    with pytest.raises(UsageError, match="collapses directions everywhere"):
        decoder_stretch(_wide(), RNG.standard_normal((5, 3)))
    sphere = manifold("sphere")
    with pytest.raises(UsageError, match="collapses directions of the 2-dimensional"):
        encoder_stretch(oracle("constant:ambient_dim=3"), sphere, sphere.sample(5, 0))
    broken = Autoencoder.from_callables(lambda x: x * np.nan, lambda z: z, ambient_dim=2, latent_dim=2, continuous=True)
    with pytest.raises(NonFiniteOutputError, match="derivative"):
        encoder_stretch(broken, circle, circle.sample(5, 0))


class _Wide(Autoencoder):
    def _encode(self, points: np.ndarray) -> np.ndarray:
        return np.hstack([points, points[:, :1]])

    def _decode(self, codes: np.ndarray) -> np.ndarray:
        return codes[:, :2]

    def fingerprint(self) -> str:
        return "wide"


def _wide() -> Autoencoder:
    """Codes of three numbers for points of the plane."""
    return _Wide("wide", 2, 3)
