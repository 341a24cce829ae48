"""Divergences against closed forms and integrals, draws against their moments, and the continuity of the mean path."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from torch import distributions

from aeverify.autoencoders.kinds.priors import (
    Bernoulli,
    GaussianPrior,
    Posterior,
    PosteriorMean,
    SpherePrior,
    TorusPrior,
    wrapped_normal_divergence,
)
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.autoencoders.protocol import Continuity

DRAWS = 200_000


def normals(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_the_gaussian_divergence_is_that_of_torch() -> None:
    """1/2 sum s^2 + mu^2 - 1 - log s^2 to 1e-12, and 0 at mu = 0, s = 1 only."""
    parameters = 2.0 * normals(50, 8)
    mu, log_variance = parameters.split(4, 1)
    expected = distributions.kl_divergence(
        distributions.Normal(mu, (0.5 * log_variance).exp()), distributions.Normal(0.0, 1.0)
    ).sum(1)
    prior = GaussianPrior(4)
    assert torch.allclose(prior.divergence(parameters), expected, rtol=1e-12, atol=1e-12)
    assert prior.divergence(torch.zeros(1, 8)).item() == 0.0
    assert (prior.divergence(1e-2 * torch.eye(8, dtype=torch.float64)) > 1e-6).all()


def wrapped_density(angle: float, spread: float) -> float:
    turns = 2.0 * math.pi * np.arange(-60, 61)
    return float(np.exp(-0.5 * ((angle + turns) / spread) ** 2).sum() / (spread * math.sqrt(2.0 * math.pi)))


@pytest.mark.parametrize("spread", [0.02, 0.3, 1.0, 1.9, 2.1, 3.0, 6.0])
def test_the_circle_divergence_is_its_integral(spread: float) -> None:
    """KL of the wrapped normal from the uniform distribution, by adaptive quadrature over the circle."""

    def integrand(angle: float) -> float:
        density = wrapped_density(angle, spread)
        return density * math.log(2.0 * math.pi * density) if density > 0.0 else 0.0

    expected = 2.0 * quad(integrand, 0.0, min(math.pi, 12.0 * spread), epsabs=1e-13, limit=200)[0]
    found = wrapped_normal_divergence(torch.tensor([spread], dtype=torch.float64)).item()
    assert found == pytest.approx(expected, abs=2e-9)


@pytest.mark.parametrize("concentration", [0.01, 0.0999, 0.1001, 1.0, 5.0, 40.0])
def test_the_sphere_divergence_and_mean_are_their_integrals(concentration: float) -> None:
    """Over the height w in [-1, 1], on which the uniform density is 1/2 and q's is k e^{kw}/(2 sinh k)."""
    k = concentration

    def density(w: float) -> float:
        return k * math.exp(k * (w - 1.0)) / (1.0 - math.exp(-2.0 * k))

    divergence = quad(lambda w: density(w) * math.log(2.0 * density(w)), -1.0, 1.0, epsabs=1e-14)[0]
    mean = quad(lambda w: w * density(w), -1.0, 1.0, epsabs=1e-14)[0]
    parameters = torch.tensor([[0.0, 0.6 * k, 0.8 * k]], dtype=torch.float64)
    assert SpherePrior().divergence(parameters).item() == pytest.approx(divergence, abs=1e-11)
    assert SpherePrior().mean(parameters)[0].numpy() == pytest.approx([0.0, 0.6 * mean, 0.8 * mean], abs=1e-9)


@pytest.mark.parametrize(
    ("prior", "parameters"),
    [
        (GaussianPrior(2), [0.3, -1.0, -0.5, 0.7]),
        (TorusPrior(2), [0.4, -0.3, 1.5, 2.0]),
        (SpherePrior(), [0.5, -1.0, 2.0]),
        (SpherePrior(), [0.02, 0.0, 0.01]),
    ],
)
def test_draws_have_the_mean_that_the_deterministic_path_takes(prior: GaussianPrior, parameters: list[float]) -> None:
    """The average of 200,000 draws is within 5 standard errors of E[z]; on circles and spheres they have norm 1."""
    row = torch.tensor([parameters], dtype=torch.float64)
    draws = prior.sample(row.expand(DRAWS, -1), normals(DRAWS, prior.noise))
    error = (draws.mean(0) - prior.mean(row)[0]).abs()
    assert (error <= 5.0 * draws.std(0) / math.sqrt(DRAWS)).all()
    if isinstance(prior, TorusPrior):
        assert torch.allclose(draws.unflatten(1, (2, 2)).norm(dim=2), torch.ones(DRAWS, 2, dtype=torch.float64))
    if isinstance(prior, SpherePrior):
        assert torch.allclose(draws.norm(dim=1), torch.ones(DRAWS, dtype=torch.float64), atol=1e-6)


@pytest.mark.parametrize("prior", [TorusPrior(1), SpherePrior()])
def test_the_mean_is_continuous_where_the_direction_is_not(prior: TorusPrior | SpherePrior) -> None:
    """Near r = 0 the direction r/|r| jumps; the mean shrinks to 0 with |r|."""
    r = torch.zeros(1, prior.outputs, dtype=torch.float64)
    r[0, 0] = 1e-7
    assert prior.mean(r).norm().item() <= 1.1e-7
    assert prior.mean(-r).norm().item() <= 1.1e-7


def test_gradients_are_finite_where_a_direction_does_not_exist() -> None:
    """At r = 0 and far out, for draws and divergences."""
    for prior in (TorusPrior(1), SpherePrior()):
        for size in (0.0, 1e-3, 1e3):
            r = torch.full((4, prior.outputs), size, requires_grad=True)
            loss = prior.sample(r, normals(4, prior.noise).float()).sum() + prior.divergence(r).sum()
            loss.backward()
            assert r.grad is not None and r.grad.isfinite().all() and loss.isfinite()


def test_what_is_evaluated_is_what_eval_mode_computes() -> None:
    """The posterior's mean and the Bernoulli mean as plain layers: equal outputs, and continuous."""
    torch.manual_seed(0)
    for prior, m in ((GaussianPrior(2), 2), (TorusPrior(1), 2), (SpherePrior(), 3)):
        encoder = Posterior(
            torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, prior.outputs)), prior
        )
        decoder = Bernoulli(torch.nn.Sequential(torch.nn.Linear(m, 3)), -2.0, 3.0)
        x = torch.randn(7, 3)
        assert encoder.train()(x).shape == (7, prior.outputs)
        model = ModuleAutoencoder(encoder, decoder, ambient_dim=3, latent_dim=m)
        codes = encoder.eval()(x)
        assert model.encode(x.numpy()) == pytest.approx(codes.detach().numpy(), abs=1e-6)
        outputs = decoder.eval()(codes)
        assert model.decode(codes.detach().numpy()) == pytest.approx(outputs.detach().numpy(), abs=1e-6)
        assert outputs.min() > -2.0 and outputs.max() < 3.0
        assert model.continuity is Continuity.KNOWN
        has_layers = model.encoder_layers is not None
        assert has_layers == isinstance(prior, GaussianPrior)
    assert not list(PosteriorMean(SpherePrior()).parameters())
