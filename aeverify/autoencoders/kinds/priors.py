"""Priors of variational autoencoders: how codes are drawn, their divergence in closed form, and the mean code.

Each posterior family has a mean E[z] that is a continuous function of the encoder's output everywhere: the code of
the deterministic path, on which theorems about continuous autoencoders are asked. For the circle and the sphere the
mean lies inside them (its length tells the concentration), since no continuous map to them could be undecided.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, final

import torch
from torch import Tensor, nn

from aeverify.autoencoders.blocks import continuous
from aeverify.autoencoders.forms import TrainingForm

_ANGLES = 256
_NARROW = 0.45


class Prior(Protocol):
    """A prior with its family of posteriors, for codes in R^m; picklable.

    Attributes:
        noise: standard normal numbers for one draw.
        outputs: numbers that the encoder returns for one row.
    """

    @property
    def noise(self) -> int:
        """See the class."""

    @property
    def outputs(self) -> int:
        """See the class."""

    def sample(self, parameters: Tensor, noise: Tensor) -> Tensor:
        """Draws z, shape (batch, m), differentiable in the parameters (batch, outputs)."""

    def divergence(self, parameters: Tensor) -> Tensor:
        """KL(q || p) >= 0 in nats, shape (batch,)."""

    def mean(self, parameters: Tensor) -> Tensor:
        """E[z], shape (batch, m), continuous in the parameters."""


@final
@dataclass(frozen=True)
class GaussianPrior:
    """p = N(0, I) and q = N(mu, diag(s^2)); the encoder returns mu and log s^2.

    KL = 1/2 sum s^2 + mu^2 - 1 - log s^2 (Kingma and Welling 2014, appendix B), 0 at mu = 0, s = 1 only.
    """

    latent_dim: int

    @property
    def noise(self) -> int:
        """m."""
        return self.latent_dim

    @property
    def outputs(self) -> int:
        """2 m."""
        return 2 * self.latent_dim

    def sample(self, parameters: Tensor, noise: Tensor) -> Tensor:
        """mu + s noise."""
        mu, log_variance = parameters[:, : self.latent_dim], parameters[:, self.latent_dim :]
        codes: Tensor = mu + (0.5 * log_variance).exp() * noise
        return codes

    def divergence(self, parameters: Tensor) -> Tensor:
        """See the class."""
        mu, log_variance = parameters[:, : self.latent_dim], parameters[:, self.latent_dim :]
        divergence: Tensor = 0.5 * (log_variance.exp() + mu.square() - 1.0 - log_variance).sum(1)
        return divergence

    def mean(self, parameters: Tensor) -> Tensor:
        """mu."""
        return parameters[:, : self.latent_dim]


@final
@dataclass(frozen=True)
class TorusPrior:
    """p uniform on a torus of d = m/2 unit circles; q a product of wrapped normal distributions.

    For each circle the encoder returns r in R^2: the direction r/|r| is the mean angle, and the resultant length
    |E z| = exp(-s^2/2) is |r|/sqrt(1 + |r|^2), so s^2 = log(1 + 1/|r|^2) and E z = r/sqrt(1 + |r|^2), smooth in r.
    A draw turns the direction by the angle s eps, eps ~ N(0, 1). KL(q || p): `wrapped_normal_divergence`.
    """

    circles: int

    @property
    def noise(self) -> int:
        """d."""
        return self.circles

    @property
    def outputs(self) -> int:
        """2 d."""
        return 2 * self.circles

    def sample(self, parameters: Tensor, noise: Tensor) -> Tensor:
        """d points of the unit circle, side by side."""
        r = parameters.reshape(-1, self.circles, 2)
        squared = r.square().sum(-1, keepdim=True).clamp_min(1e-12)
        direction = r / squared.sqrt()
        angle = noise[..., None] * _spread(squared)
        x, y = direction[..., :1], direction[..., 1:]
        return torch.cat([x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()], 2).flatten(1)

    def divergence(self, parameters: Tensor) -> Tensor:
        """See the class."""
        r = parameters.reshape(-1, self.circles, 2)
        return wrapped_normal_divergence(_spread(r.square().sum(-1).clamp_min(1e-12))).sum(1)

    def mean(self, parameters: Tensor) -> Tensor:
        """r/sqrt(1 + |r|^2) on every circle."""
        r = parameters.reshape(-1, self.circles, 2)
        inside: Tensor = (r / (1.0 + r.square().sum(-1, keepdim=True)).sqrt()).flatten(1)
        return inside


def _spread(squared: Tensor) -> Tensor:
    """s of |r|^2."""
    return squared.reciprocal().log1p().sqrt()


def wrapped_normal_divergence(spread: Tensor) -> Tensor:
    """KL of the wrapped normal distribution of standard deviation s = `spread` from the uniform one on the circle, in
    nats, of the same shape; within 1e-9.

    With g = 2 pi f, f the density at the angle t from the mean, KL is the mean of g log g over the circle. For s < 0.45
    it is log 2 pi less the entropy of the normal distribution, as wrapping changes it by about exp(-pi^2/(2 s^2)). Else
    by the trapezoidal rule on 256 angles, whose error on this analytic periodic function is about exp(-128 s^2), with
    g = sqrt(2 pi)/s sum_k exp(-(t + 2 pi k)^2/(2 s^2)) for s < 2, and g = 1 + 2 sum_{k>=1} exp(-k^2 s^2/2) cos k t
    beyond (two forms of one theta function).
    """
    s = spread[..., None]
    half = torch.arange(_ANGLES // 2 + 1).to(spread) * (2.0 * math.pi / _ANGLES)
    weights = torch.full_like(half, 2.0 / _ANGLES)
    weights[0] = weights[-1] = 1.0 / _ANGLES
    near = s.clamp(_NARROW, 2.0)[..., None]
    turns = 2.0 * math.pi * torch.arange(-3, 4).to(spread)
    log_wrapped = (-0.5 * ((half[:, None] + turns) / near).square()).logsumexp(-1) - near[..., 0].log()
    k = torch.arange(1, 5).to(spread)
    series = (2.0 * (-0.5 * (k * s.clamp_min(2.0)[..., None]).square()).exp() * (k * half[:, None]).cos()).sum(-1)
    log_density = torch.where(s < 2.0, log_wrapped + 0.5 * math.log(2.0 * math.pi), series.log1p())
    wide = (weights * log_density.exp() * log_density).sum(-1)
    narrow = 0.5 * math.log(2.0 * math.pi) - 0.5 - spread.clamp_max(_NARROW).log()
    return torch.where(spread < _NARROW, narrow, wide)


@final
@dataclass(frozen=True)
class SpherePrior:
    """p uniform on the unit sphere of R^3 and q von Mises-Fisher (Davidson et al. 2018), m = 3.

    The encoder returns r in R^3: mean direction r/|r|, concentration k = |r|. The density on the sphere is
    k/(4 pi sinh k) exp(k z.r/|r|); E z = A(k) r/k with A(k) = coth k - 1/k, smooth in r with A(k)/k -> 1/3 at 0; and
    KL(q || p) = k A(k) + log(k/sinh k). The height w = z.r/|r| has the distribution function
    (e^{kw} - e^{-k})/(e^k - e^{-k}), so w = 1 + log(u + (1 - u) e^{-2k})/k for uniform u, drawn without rejection; the
    part across is uniform on its circle and independent of w.
    """

    @property
    def noise(self) -> int:
        """3: its part along the direction gives u, its part across the position on the circle."""
        return 3

    @property
    def outputs(self) -> int:
        """3."""
        return 3

    def sample(self, parameters: Tensor, noise: Tensor) -> Tensor:
        """Points of the unit sphere."""
        k = _length(parameters)
        direction = parameters / k
        along = (noise * direction).sum(1, keepdim=True)
        across = noise - along * direction
        across = across / across.square().sum(1, keepdim=True).clamp_min(1e-12).sqrt()
        u = (0.5 * torch.erfc(-along / math.sqrt(2.0))).clamp(1e-7, 1.0 - 1e-7)
        w = (1.0 + torch.log(u + (1.0 - u) * (-2.0 * k).exp()) / k).clamp(-1.0, 1.0)
        return w * direction + (1.0 - w.square()).clamp_min(1e-12).sqrt() * across

    def divergence(self, parameters: Tensor) -> Tensor:
        """See the class; log(k/sinh k) = log(2 k) - k - log(1 - e^{-2k}); k^2/6 - k^4/60 + k^6/567 where k < 0.1."""
        k = _length(parameters)[:, 0]
        safe = k.clamp_min(0.1)
        ratio = (-2.0 * safe).exp()
        full = safe * (1.0 + ratio) / (1.0 - ratio) - 1.0 + (2.0 * safe).log() - safe - torch.log1p(-ratio)
        return torch.where(k < 0.1, k.square() / 6.0 - k.pow(4) / 60.0 + k.pow(6) / 567.0, full)

    def mean(self, parameters: Tensor) -> Tensor:
        """A(k) r/k."""
        k = _length(parameters)
        safe = k.clamp_min(0.1)
        full = (1.0 / torch.tanh(safe) - 1.0 / safe) / safe
        return parameters * torch.where(k < 0.1, 1.0 / 3.0 - k.square() / 45.0 + 2.0 * k.pow(4) / 945.0, full)


def _length(rows: Tensor) -> Tensor:
    return rows.square().sum(1, keepdim=True).clamp_min(1e-12).sqrt()


@continuous
@final
class PosteriorMean(nn.Module):
    """The mean of a posterior on the torus or the sphere, a continuous function of the encoder's output."""

    def __init__(self, prior: TorusPrior | SpherePrior) -> None:
        super().__init__()
        self.prior = prior

    def extra_repr(self) -> str:
        """The prior."""
        return str(self.prior)

    def forward(self, parameters: Tensor) -> Tensor:
        """E[z]."""
        return self.prior.mean(parameters)


@final
class Posterior(TrainingForm):
    """An encoder that returns the parameters of the posterior in train mode, and its mean in eval mode."""

    def __init__(self, stack: nn.Sequential, prior: Prior) -> None:
        super().__init__()
        self.stack, self.prior = stack, prior

    def forward(self, rows: Tensor) -> Tensor:
        """See the class."""
        parameters: Tensor = self.stack(rows)
        return parameters if self.training else self.prior.mean(parameters)

    def evaluated(self) -> nn.Module:
        """Gaussian: the stack with the rows of its last layer that give mu. Else the stack and `PosteriorMean`."""
        if not isinstance(self.prior, GaussianPrior):
            assert isinstance(self.prior, TorusPrior | SpherePrior)
            return nn.Sequential(*self.stack, PosteriorMean(self.prior))
        *first, last = self.stack
        assert isinstance(last, nn.Linear)
        m = self.prior.latent_dim
        mean = nn.Linear(last.in_features, m, device="meta")
        mean.weight = nn.Parameter(last.weight.detach()[:m].clone())
        mean.bias = nn.Parameter(last.bias.detach()[:m].clone())
        return nn.Sequential(*first, mean)


@final
class Bernoulli(TrainingForm):
    """A decoder that returns logits in train mode and low + (high - low) sigmoid(logits) in eval mode."""

    def __init__(self, stack: nn.Sequential, low: float, high: float) -> None:
        super().__init__()
        self.stack, self.low, self.high = stack, low, high

    def forward(self, codes: Tensor) -> Tensor:
        """See the class."""
        logits: Tensor = self.stack(codes)
        return logits if self.training else self.low + (self.high - self.low) * torch.sigmoid(logits)

    def evaluated(self) -> nn.Module:
        """The stack, Sigmoid and a diagonal Linear layer."""
        last = self.stack[-1]
        assert isinstance(last, nn.Linear)
        n = last.out_features
        scale = nn.Linear(n, n, device="meta")
        scale.weight = nn.Parameter((self.high - self.low) * torch.eye(n))
        scale.bias = nn.Parameter(torch.full((n,), float(self.low)))
        return nn.Sequential(*self.stack, nn.Sigmoid(), scale)
