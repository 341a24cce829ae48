"""Losses against closed forms, and what the printed one would do."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from aeverify.autoencoders.engines.objectives import squared_jacobian
from aeverify.autoencoders.kinds import kind
from aeverify.autoencoders.kinds.objectives import (
    HutchinsonContraction,
    Masking,
    NegativeElbo,
    SparseKl,
    Topological,
    distances,
    spanning_tree,
)
from aeverify.autoencoders.kinds.priors import GaussianPrior
from aeverify.homology import persistence


def rows(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def elbo(likelihood: str, variance: float = 0.25, low: float = 0.0, high: float = 1.0) -> NegativeElbo:
    return NegativeElbo(GaussianPrior(2), likelihood, 1.0, variance, low, high)


def test_the_squared_error_is_the_gaussian_likelihood_with_fixed_variance() -> None:
    """-log p = |x - y|^2/(2 s^2) + (n/2) log(2 pi s^2), equal to torch's density to 1e-12."""
    x, y = rows(6, 3), rows(6, 3, seed=1)
    expected = -torch.distributions.Normal(y, 0.5).log_prob(x).sum(1)
    assert torch.allclose(elbo("gaussian").cost(y, x), expected, rtol=1e-12, atol=1e-12)


def test_the_bernoulli_likelihood_is_least_at_the_data() -> None:
    """On a grid of outputs, and equal to torch's mass function at 0 and 1."""
    grid = torch.linspace(0.001, 0.999, 999, dtype=torch.float64)[:, None]
    for u in (0.1, 0.5, 0.82):
        cost = elbo("bernoulli").cost(grid.logit(), torch.full_like(grid, u))
        assert grid[cost.argmin()].item() == pytest.approx(u, abs=1e-9)
    binary = torch.tensor([[0.0, 1.0, 1.0]], dtype=torch.float64)
    logits = rows(1, 3)
    expected = -torch.distributions.Bernoulli(logits=logits).log_prob(binary).sum()
    assert elbo("bernoulli").cost(logits, binary).item() == pytest.approx(expected.item(), rel=1e-12)


def test_the_loss_printed_in_source_001_is_not_least_at_the_data() -> None:
    """-sum x log y falls below its value at y = x on [0, 1], and without bound beyond 1; ours does not."""
    x = 0.3

    def printed(y: float) -> float:
        return -x * math.log(y)

    assert printed(1.0) < printed(x)
    assert printed(1e30) < -20.0
    ours = elbo("bernoulli").cost(
        torch.linspace(-40.0, 40.0, 801, dtype=torch.float64)[:, None], torch.full((801, 1), x)
    )
    assert ours.min().item() > 0.0


def test_data_outside_their_stated_range_are_no_bernoulli_data() -> None:
    """The cross-entropy would be unbounded below; the loss is NaN, which ends a training as diverged."""
    assert elbo("bernoulli").cost(torch.zeros(2, 1), torch.tensor([[1.5], [0.5]])).isnan().tolist() == [True, False]
    assert elbo("bernoulli", low=-2.0, high=2.0).cost(torch.zeros(1, 1), torch.tensor([[1.5]])).isfinite().all()


def test_the_sparsity_penalty_is_zero_at_its_target_only() -> None:
    """And equal to the divergence of two Bernoulli distributions elsewhere."""
    penalty = SparseKl(1.0, 0.2)
    assert penalty.penalty(torch.full((5, 3), 0.2, dtype=torch.float64)).item() == pytest.approx(0.0, abs=1e-15)
    codes = torch.tensor([[0.1, 0.9], [0.3, 0.5]], dtype=torch.float64)
    expected = sum(
        torch.distributions.kl_divergence(torch.distributions.Bernoulli(0.2), torch.distributions.Bernoulli(q)).item()
        for q in (0.2, 0.7)
    )
    assert penalty.penalty(codes).item() == pytest.approx(expected, rel=1e-6)
    assert penalty.penalty(torch.zeros(2, 2)).isfinite()


def test_the_contractive_penalty_of_one_sigmoid_layer_has_a_closed_form() -> None:
    """||J||_F^2 = sum_j (h_j (1 - h_j))^2 |W_j|^2, by the exact penalty and by the mean over all sign vectors of the
    estimator; it bounds the squared spectral norm."""
    torch.manual_seed(3)
    encoder = nn.Sequential(nn.Linear(4, 3), nn.Sigmoid()).double()
    x = rows(5, 4)
    h = encoder(x)
    expected = ((h * (1.0 - h)).square() * encoder[0].weight.square().sum(1)).sum(1)
    assert torch.allclose(squared_jacobian(encoder, x), expected, rtol=1e-12)
    estimator = HutchinsonContraction(1.0, 3)
    signs = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=3)), dtype=torch.float64)
    estimates = [estimator.estimate(encoder, x, s.expand(5, 3)) for s in signs]
    assert torch.allclose(torch.stack(estimates).mean(0), expected, rtol=1e-12)
    assert torch.stack(estimates).std(0).min() > 0.0
    jacobians = torch.func.vmap(torch.func.jacrev(encoder))(x)
    assert (torch.linalg.matrix_norm(jacobians, 2).square() <= expected * (1.0 + 1e-12)).all()


def test_probes_are_averaged() -> None:
    """Two probes with the noise of one each give the mean of the two estimates."""
    encoder, x, noise = nn.Linear(4, 3).double(), rows(5, 4), rows(5, 6)
    single = HutchinsonContraction(1.0, 3)
    both = HutchinsonContraction(1.0, 3, probes=2)
    assert both.noise == 6
    parts = [single.estimate(encoder, x, noise[:, i : i + 3]) for i in (0, 3)]
    assert torch.allclose(both.estimate(encoder, x, noise), (parts[0] + parts[1]) / 2.0)


def test_masking_hides_its_share_of_the_coordinates() -> None:
    """A map that copies what it sees pays for the hidden coordinates alone: the mean of x^2 times the share."""
    x = torch.ones(20_000, 3, dtype=torch.float64)
    loss = Masking(0.2, 3)(lambda r: r, lambda c: c, x, rows(20_000, 3))
    assert loss.item() == pytest.approx(0.2, abs=5.0 * math.sqrt(0.16 / 60_000))


def test_a_spanning_tree_has_the_least_length() -> None:
    """Against all trees on five points, equal points included."""
    points = rows(5, 2)
    points[4] = points[0]
    lengths = distances(points)
    i, j = spanning_tree(lengths)
    assert len(i) == 4
    edges = list(itertools.combinations(range(5), 2))
    best = min(sum(lengths[e].item() for e in tree) for tree in itertools.combinations(edges, 4) if _connects(tree))
    assert lengths[i, j].sum().item() == pytest.approx(best, abs=1e-12)


def _connects(tree: tuple[tuple[int, int], ...]) -> bool:
    part = {0}
    for _ in range(4):
        part |= {k for edge in tree if part & set(edge) for k in edge}
    return len(part) == 5


def test_the_topological_mismatch_knows_distances_and_not_positions() -> None:
    """0 for a rotated copy; for codes scaled by 2, each tree pays half the sum of its squared lengths."""
    x = rows(8, 3)
    rotation = torch.linalg.qr(rows(3, 3, seed=5))[0]
    assert Topological.mismatch(x, x @ rotation + 1.0).item() == pytest.approx(0.0, abs=1e-25)
    i, j = spanning_tree(distances(x))
    expected = distances(x)[i, j].square().sum().item() / 8
    assert Topological.mismatch(x, 2.0 * x).item() == pytest.approx(expected, rel=1e-9)


def test_the_spanning_tree_pairs_are_those_of_persistent_homology() -> None:
    """Moor et al. take the edges that kill a component; gudhi's deaths in a Rips complex are half of them."""
    x = rows(12, 5)
    lengths = distances(x)
    i, j = spanning_tree(lengths)
    bars = persistence(x.numpy(), max_degree=0, field=2, engine="rips").intervals(0)
    deaths = np.sort(bars[np.isfinite(bars[:, 1]), 1])
    assert np.sort(lengths[i, j].numpy()) / 2.0 == pytest.approx(deaths, rel=1e-6)


def test_the_topological_gradient_is_that_of_differences() -> None:
    """Central differences of the mismatch in one code coordinate."""
    x, codes = rows(6, 3), rows(6, 2, seed=2).requires_grad_()
    Topological.mismatch(x, codes).backward()
    step = torch.zeros(6, 2, dtype=torch.float64)
    step[2, 1] = 1e-6
    with torch.no_grad():
        slope = (Topological.mismatch(x, codes + step) - Topological.mismatch(x, codes - step)) / 2e-6
    assert codes.grad is not None
    assert codes.grad[2, 1].item() == pytest.approx(slope.item(), rel=1e-5)
    assert np.isfinite(slope.item()) and abs(slope.item()) > 1e-4


def test_the_best_linear_denoiser_shrinks() -> None:
    """For x ~ N(0, 1) and noise s, y/(1 + s^2) has loss s^2/(1 + s^2), below both a copy and a stronger shrinkage; a
    copy has s^2 (within 5 standard errors of 100,000 rows)."""
    s, x, noise = 0.5, rows(100_000, 1), rows(100_000, 1, seed=1)
    objective = kind("denoising:noise=0.5", ambient_dim=1, latent_dim=1).objective()  # type: ignore[attr-defined]
    best = 1.0 / (1.0 + s**2)
    losses = [objective(lambda r, w=w: w * r, lambda c: c, x, noise).item() for w in (1.0, best, best - 0.2)]
    margin = 5.0 * math.sqrt(2.0 / 100_000)
    assert losses[0] == pytest.approx(s**2, rel=margin)
    assert losses[1] == pytest.approx(s**2 / (1.0 + s**2), rel=margin)
    assert losses[1] < min(losses[0], losses[2])
