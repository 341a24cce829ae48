"""What training makes small for the kinds that have a loss of their own; see `engines.objectives.Objective`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from scipy.sparse.csgraph import minimum_spanning_tree
from torch import Tensor

from aeverify.autoencoders.engines.objectives import Map
from aeverify.autoencoders.kinds.priors import Prior

_SMALL = 1e-6


@final
@dataclass(frozen=True)
class SparseKl:
    """Mean squared error + weight sum_j KL(target || mean_j), mean_j the mean over the batch of code coordinate j.

    KL(p || q) = p log(p/q) + (1 - p) log((1 - p)/(1 - q)) for two Bernoulli distributions, 0 at q = p only. Codes must
    lie in (0, 1): the encoder ends in a sigmoid. Means are kept 1e-6 away from 0 and 1.
    """

    weight: float
    target: float
    noise: int = 0

    def __call__(self, encode: Map, decode: Map, rows: Tensor, noise: Tensor) -> Tensor:
        """See `Objective`."""
        codes = encode(rows)
        return (decode(codes) - rows).square().mean() + self.weight * self.penalty(codes)

    def penalty(self, codes: Tensor) -> Tensor:
        """sum_j KL(target || mean_j) of codes (batch, m)."""
        p, q = self.target, codes.mean(0).clamp(_SMALL, 1.0 - _SMALL)
        return (p * (math.log(p) - q.log()) + (1.0 - p) * (math.log(1.0 - p) - (1.0 - q).log())).sum()


@final
@dataclass(frozen=True)
class HutchinsonContraction:
    """Mean squared error + weight times an unbiased estimate of the mean of ||J_E||_F^2.

    For v with independent signs, E[v v^T] = I, so E|J^T v|^2 = tr(J^T E[v v^T] J) = ||J||_F^2 (Hutchinson 1990). One
    backward derivative for each probe, where the exact penalty takes one for each coordinate of the code.
    """

    weight: float
    latent_dim: int
    probes: int = 1

    @property
    def noise(self) -> int:
        """Numbers whose signs make the probes."""
        return self.latent_dim * self.probes

    def __call__(self, encode: Map, decode: Map, rows: Tensor, noise: Tensor) -> Tensor:
        """See `Objective`."""
        codes = encode(rows)
        penalty = self.estimate(encode, rows, noise).mean()
        return (decode(codes) - rows).square().mean() + self.weight * penalty

    def estimate(self, encode: Map, rows: Tensor, noise: Tensor) -> Tensor:
        """The estimate of ||J_E||_F^2 at each row, shape (batch,)."""
        pull = torch.func.vjp(encode, rows)[1]
        signs = torch.where(noise >= 0, 1.0, -1.0).to(rows.dtype)
        m = self.latent_dim
        parts = [pull(signs[:, i * m : (i + 1) * m])[0].square().sum(1) for i in range(self.probes)]
        return torch.stack(parts).mean(0)


@final
@dataclass(frozen=True)
class Masking:
    """Mean squared error of D(E(x masked)) - x, each coordinate of the input set to 0 with probability `share`.

    A standard normal number hides its coordinate where it is below the `share` quantile (Vincent et al. 2008). 0 is the
    value of a hidden coordinate, so that data should be centred.
    """

    share: float
    ambient_dim: int

    @property
    def noise(self) -> int:
        """One number a coordinate."""
        return self.ambient_dim

    def __call__(self, encode: Map, decode: Map, rows: Tensor, noise: Tensor) -> Tensor:
        """See `Objective`."""
        quantile = math.sqrt(2.0) * float(torch.erfinv(torch.tensor(2.0 * self.share - 1.0, dtype=torch.float64)))
        return (decode(encode(torch.where(noise < quantile, 0.0, rows))) - rows).square().mean()


@final
@dataclass(frozen=True)
class NegativeElbo:
    """-log p(x | z) + beta KL(q(z | x) || p(z)), in nats a row, one draw of z (Kingma and Welling 2014; Higgins 2017).

    gaussian: -log p = |x - D(z)|^2 / (2 s^2) + (n/2) log(2 pi s^2), s^2 = `variance`.
    bernoulli: with u = (x - low)/(high - low) in [0, 1]^n and outputs y = sigmoid(logits),
    -log p = -sum_i u_i log y_i + (1 - u_i) log(1 - y_i), which has its minimum over y at y = u. (Source 001 prints
    -sum_i u_i log y_i alone: over y in [0, 1] it is least at y = 1 whatever u is, and for y > 1 it is unbounded below.)
    For u strictly between 0 and 1 this is a cross-entropy and not a normalised likelihood. A u outside [0, 1] would
    make it unbounded below too: the loss is NaN then, and training ends as diverged.
    """

    prior: Prior
    likelihood: str
    beta: float
    variance: float
    low: float
    high: float

    @property
    def noise(self) -> int:
        """What the prior's posterior is drawn from."""
        return self.prior.noise

    def __call__(self, encode: Map, decode: Map, rows: Tensor, noise: Tensor) -> Tensor:
        """See `Objective`; the encoder returns the parameters of the posterior, the decoder means or logits."""
        parameters = encode(rows)
        outputs = decode(self.prior.sample(parameters, noise))
        return (self.cost(outputs, rows) + self.beta * self.prior.divergence(parameters)).mean()

    def cost(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """-log p(x | z) for each row, shape (batch,)."""
        if self.likelihood == "gaussian":
            constant = 0.5 * rows.shape[1] * math.log(2.0 * math.pi * self.variance)
            return (outputs - rows).square().sum(1) / (2.0 * self.variance) + constant
        u = (rows - self.low) / (self.high - self.low)
        u = torch.where((u >= 0.0) & (u <= 1.0), u, math.nan)
        # -u log sigmoid(a) - (1 - u) log(1 - sigmoid(a)) = log(1 + e^a) - u a
        return (torch.nn.functional.softplus(outputs) - u * outputs).sum(1)


@final
@dataclass(frozen=True)
class Topological:
    """Mean squared error + weight times the mismatch of distances that make components (Moor et al. 2020).

    In a batch with distances A of the points and B of their codes, the finite bars of degree 0 of a Vietoris-Rips
    filtration die at the lengths of the edges of a minimum spanning tree. With S and T the trees of A and of B, the
    mismatch is 1/2 sum_S (A - B)^2 + 1/2 sum_T (A - B)^2, divided by the size of the batch. Bars of higher degree are
    not used. Trees are computed anew in each step and taken as constant for the gradient.
    """

    weight: float
    noise: int = 0

    def __call__(self, encode: Map, decode: Map, rows: Tensor, noise: Tensor) -> Tensor:
        """See `Objective`."""
        codes = encode(rows)
        return (decode(codes) - rows).square().mean() + self.weight * self.mismatch(rows, codes)

    @staticmethod
    def mismatch(rows: Tensor, codes: Tensor) -> Tensor:
        """The penalty without its weight."""
        a, b = distances(rows), distances(codes)
        total = torch.zeros((), dtype=rows.dtype, device=rows.device)
        for tree in (spanning_tree(a), spanning_tree(b)):
            i, j = (torch.from_numpy(part).to(rows.device) for part in tree)
            total = total + 0.5 * (a[i, j] - b[i, j]).square().sum()
        return total / len(rows)


def distances(rows: Tensor) -> Tensor:
    """Euclidean distances between rows, at least 1e-6 so that their gradient is finite."""
    return (rows[:, None] - rows[None]).square().sum(-1).clamp_min(1e-12).sqrt()


def spanning_tree(lengths: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the edges of a minimum spanning tree, shapes (N - 1,)."""
    matrix = lengths.detach().cpu().numpy().astype(np.float64)
    # a length of 0 would count as no edge; the tree is the same for all lengths raised alike
    tree = minimum_spanning_tree(np.triu(matrix + 1.0, 1)).tocoo()
    return tree.row.astype(np.int64), tree.col.astype(np.int64)
