"""Kinds that are computed from the points without gradients: PCA, the memoriser, and recirculation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from aeverify.autoencoders.kinds.base import FittedKind, register, setting
from aeverify.autoencoders.kinds.memoriser import MemoriserAutoencoder
from aeverify.autoencoders.linear import PcaAutoencoder
from aeverify.autoencoders.members import checked_points
from aeverify.autoencoders.protocol import Autoencoder, FloatArray
from aeverify.autoencoders.validation import is_count, is_real
from aeverify.core.dimensions import require_latent_dim
from aeverify.core.seeds import Seed, as_seed
from aeverify.errors import SpecError, UsageError

if TYPE_CHECKING:
    from torch import nn


@register
@final
@dataclass(frozen=True)
class Pca(FittedKind):
    """Projection to the first m principal directions, the best autoencoder with an affine decoder on average."""

    name: ClassVar[str] = "pca"
    sources: ClassVar[tuple[str, ...]] = ("K-4", "V-2", "S-3", "T-13")

    def fit(self, points: FloatArray, seed: Seed | int = 0) -> Autoencoder:
        """See `PcaAutoencoder.fit`; the seed is not used."""
        return PcaAutoencoder.fit(_points(points, self.ambient_dim), self.latent_dim)


@register
@final
@dataclass(frozen=True)
class Memoriser(FittedKind):
    """An autoencoder with one code number that returns every training point: the extreme of overfitting.

    A random direction codes the points, a polyline through them decodes. Its training error is 0 up to rounding, and
    its decoder pays: Lip(D) (largest code - least code) is at least the length of the polyline, which is at least that
    of a minimum spanning tree of the points. Elsewhere it errs by about the distance between points.
    """

    name: ClassVar[str] = "memoriser"
    sources: ClassVar[tuple[str, ...]] = ("V-7", "S-20")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.latent_dim != 1:
            raise SpecError(f"The memoriser codes by one number, and latent_dim is {self.latent_dim}.")

    def fit(self, points: FloatArray, seed: Seed | int = 0) -> Autoencoder:
        """See `MemoriserAutoencoder.fit`."""
        return MemoriserAutoencoder.fit(_points(points, self.ambient_dim), seed)


@register
@final
@dataclass(frozen=True)
class Recirculation(FittedKind):
    """One hidden layer of sigmoids trained by recirculation (Hinton and McClelland 1988), not by backpropagation.

    Activity goes round twice. First: the input v0 gives the code h1 = s(W v0 + b) and the output r = M h1 + c. Then the
    mixture v2 = q v0 + (1 - q) r gives h3 = q h1 + (1 - q) s(W v2 + b). Each weight learns from what it sees on both of
    its ends: M by (v0 - v2) h1^T, W by (h1 - h3) v2^T. Where M is near W^T, h1 - h3 is to first order in 1 - q a
    positive multiple of the error sent back through M^T and s', so this follows the gradient of the squared error
    without a backward pass. It starts from M = W^T; nothing keeps the two aligned, and the error can rise again in long
    training (on the pictures of docs/kinds.md it does after about 100 passes). The points are centred and scaled to
    variance 1 in training; the affine maps of the result undo that.
    """

    name: ClassVar[str] = "recirculation"
    sources: ClassVar[tuple[str, ...]] = ("S-14",)

    regression: float = setting(0.75, "q, how much of the old activity stays, from 0 to below 1")
    learning_rate: float = setting(0.01, "step size")
    epochs: int = setting(200, "passes over the points")
    batch_size: int = setting(20, "rows a step")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_latent_dim(self.latent_dim, self.ambient_dim)
        self._require("regression", lambda v: is_real(v) and 0.0 <= v < 1.0, "a number from 0 to below 1")
        self._require_positive("learning_rate")
        for name in ("epochs", "batch_size"):
            self._require(name, is_count, "a positive whole number")

    def fit(self, points: FloatArray, seed: Seed | int = 0) -> Autoencoder:
        """Cost: about 20 microseconds a step for small networks.

        Raises:
            UsageError: unusable points, or activity that diverged (choose a smaller learning_rate).
        """
        from torch import nn

        from aeverify.autoencoders.networks import ModuleAutoencoder

        x = _points(points, self.ambient_dim)
        centre, scale = x.mean(axis=0), float(x.std()) or 1.0
        w, b, m, c = self._learn((x - centre) / scale, as_seed(seed))
        # E(x) = s(W (x - centre)/scale + b), D(h) = scale (M h + c) + centre
        first = _affine(w / scale, b - w @ centre / scale)
        second = _affine(scale * m, scale * c + centre)
        return ModuleAutoencoder(nn.Sequential(first, nn.Sigmoid()), second, name=str(self))

    @np.errstate(over="ignore", invalid="ignore")
    def _learn(self, v: FloatArray, seed: Seed) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        n, m = self.ambient_dim, self.latent_dim
        limit = np.sqrt(6.0 / (n + m))
        w = _generator(seed.child("weights")).uniform(-limit, limit, (m, n))
        order = _generator(seed.child("order"))
        back, b, c = w.T.copy(), np.zeros(m), np.zeros(n)
        q = self.regression
        for epoch in range(self.epochs):
            rate = self.learning_rate * 0.5 * (1.0 + np.cos(np.pi * epoch / self.epochs))
            rows = order.permutation(len(v))
            for start in range(0, len(v), self.batch_size):
                v0 = v[rows[start : start + self.batch_size]]
                h1 = _sigmoid(v0 @ w.T + b)
                v2 = q * v0 + (1.0 - q) * (h1 @ back.T + c)
                h3 = q * h1 + (1.0 - q) * _sigmoid(v2 @ w.T + b)
                visible, hidden = (v0 - v2) / len(v0), (h1 - h3) / len(v0)
                back += rate / (1.0 - q) * visible.T @ h1
                c += rate / (1.0 - q) * visible.sum(axis=0)
                w += rate / (1.0 - q) ** 2 * hidden.T @ v2
                b += rate / (1.0 - q) ** 2 * hidden.sum(axis=0)
            if not np.isfinite(back).all():
                raise UsageError(
                    f"Recirculation diverged in epoch {epoch + 1} at the rate {self.learning_rate:g}: choose "
                    "a smaller one."
                )
        return w, b, back, c


def _generator(seed: Seed) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed.value))


def _sigmoid(x: FloatArray) -> FloatArray:
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _affine(weight: FloatArray, bias: FloatArray) -> nn.Module:
    import torch

    layer = torch.nn.Linear(weight.shape[1], weight.shape[0], device="meta")
    layer.weight = torch.nn.Parameter(torch.from_numpy(np.ascontiguousarray(weight)))
    layer.bias = torch.nn.Parameter(torch.from_numpy(np.ascontiguousarray(bias)))
    return layer


def _points(points: FloatArray, ambient_dim: int) -> FloatArray:
    x = checked_points(points)
    if x.shape[1] != ambient_dim:
        raise UsageError(f"The kind has ambient_dim {ambient_dim}, and the points have {x.shape[1]} coordinates.")
    return x
