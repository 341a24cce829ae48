"""PcaAutoencoder: projection to the principal subspace, the best that an affine decoder can do on average."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import numpy as np

from aeverify.autoencoders.layers import Affine, Layers, evaluate
from aeverify.autoencoders.lipschitz import lipschitz_evidence
from aeverify.autoencoders.protocol import Autoencoder, Continuity, FloatArray, Part, require_latent_dim
from aeverify.core.evidence import Evidence
from aeverify.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

    from aeverify.autoencoders.balls import BallNetwork


@final
class PcaAutoencoder(Autoencoder):
    """E(x) = V^T (x - mean), D(z) = V z + mean, with the first m principal directions as the columns of V.

    Of all autoencoders with an affine decoder and any encoder, this one has the least mean squared error over the
    points that it was fitted to (Eckart and Young 1936); see `pca_floor`. The stored V is orthonormal up to rounding
    only, so that the certified Lipschitz bounds are 1 plus a few units of the last place.

    Args:
        mean: shape (n,).
        directions: V, shape (n, m), finite.
        name: how reports call the model.
        source: path that it was loaded from, else "".

    Raises:
        UsageError: shapes that do not fit, 1 <= m <= n violated, or numbers that are not finite.
    """

    def __init__(self, mean: FloatArray, directions: FloatArray, name: str = "pca", source: str = "") -> None:
        mean, directions = (np.array(a, dtype=np.float64) for a in (mean, directions))
        if mean.ndim != 1 or directions.ndim != 2 or directions.shape[0] != len(mean):
            raise UsageError(f"Expected a mean (n,) and directions (n, m), got {mean.shape} and {directions.shape}.")
        if not (np.isfinite(mean).all() and np.isfinite(directions).all()):
            raise UsageError("The mean and the directions must be finite numbers.")
        require_latent_dim(directions.shape[1], len(mean))
        super().__init__(name, *directions.shape)
        self.mean, self.directions = mean, directions
        mean.setflags(write=False)
        directions.setflags(write=False)
        self._source = source
        n, m = directions.shape
        self._encoder: Layers = (Affine(np.eye(n), -mean), Affine(directions.T.copy(), np.zeros(m)))
        self._decoder: Layers = (Affine(directions, mean),)

    @classmethod
    def fit(cls, points: FloatArray, latent_dim: int, name: str = "pca") -> PcaAutoencoder:
        """The principal subspace of points (N, n), by a singular value decomposition of the centred points.

        Of the two signs of a direction the one is taken whose component of largest magnitude (the first of equals) is
        positive. Fewer points than latent dimensions leave directions that carry no variance.

        Raises:
            UsageError: points of another shape, not finite, or not 1 <= latent_dim <= n.
        """
        x = _checked(points)
        m = require_latent_dim(latent_dim, x.shape[1])
        mean = x.mean(axis=0)
        # all n directions are wanted; with more points than coordinates the thin form has them
        _, _, rows = np.linalg.svd(x - mean, full_matrices=len(x) < x.shape[1])
        rows = rows[:m]
        largest = np.abs(rows).argmax(axis=1)
        signs = np.where(rows[np.arange(m), largest] < 0, -1.0, 1.0)
        return cls(mean, (rows * signs[:, None]).T, name)

    @property
    def source(self) -> str:
        """Path of the file that it was loaded from; "" where it lives in memory only."""
        return self._source

    @property
    def continuity(self) -> Continuity:
        """KNOWN: both maps are affine."""
        return Continuity.KNOWN

    @property
    def affine_decoder(self) -> bool:
        """True."""
        return True

    @cached_property
    def encoder(self) -> nn.Module:
        """E as two torch layers with the stored numbers, exactly: subtraction of the mean, then V^T."""
        return _stack(self._encoder)

    @cached_property
    def decoder(self) -> nn.Module:
        """D as one torch layer with the stored numbers."""
        return _stack(self._decoder)

    def lipschitz(self, part: Part) -> Evidence | None:
        """CERTIFIED upper bound, 1 up to the rounding of the stored directions."""
        layers = {
            Part.ENCODER: self._encoder,
            Part.DECODER: self._decoder,
            Part.RECONSTRUCTION: (*self._encoder, *self._decoder),
        }[part]
        return lipschitz_evidence(layers, part)

    def fingerprint(self) -> str:
        """SHA-256 (hex) of the mean and the directions; the same in every process."""
        digest = hashlib.sha256(f"aeverify pca 1\n{self.directions.shape}\n".encode())
        digest.update(np.ascontiguousarray(self.mean).tobytes())
        digest.update(np.ascontiguousarray(self.directions).tobytes())
        return digest.hexdigest()

    def rmse(self, points: FloatArray) -> float:
        """sqrt(sum over N points of |x - D(E(x))|^2 / N): a mean of squared norms, as source 003 defines its RMSE.

        Raises:
            UsageError: points of another shape, or none.
        """
        x = _checked(points)
        return float(np.sqrt(((x - self.reconstruct(x)) ** 2).sum() / len(x)))

    @cached_property
    def _balls(self) -> tuple[BallNetwork, BallNetwork]:
        from aeverify.autoencoders.balls import BallNetwork

        return BallNetwork(self._encoder), BallNetwork(self._decoder)

    def encode_balls(self, point: Sequence[Any]) -> list[Any] | None:
        """Enclosures of the coordinates of E(x) with the stored numbers."""
        return self._balls[0].propagate(point)

    def reconstruct_balls(self, point: Sequence[Any]) -> list[Any] | None:
        """Enclosures of the coordinates of D(E(x)) with the stored numbers."""
        return self._balls[1].propagate(self._balls[0].propagate(point))

    def _encode(self, points: FloatArray) -> FloatArray:
        return evaluate(self._encoder[1:], points - self.mean)

    def _decode(self, codes: FloatArray) -> FloatArray:
        return evaluate(self._decoder, codes)


def _stack(layers: Layers) -> nn.Module:
    import torch
    from torch import nn

    found = []
    for layer in layers:
        assert isinstance(layer, Affine)
        linear = nn.Linear(layer.weight.shape[1], layer.weight.shape[0], device="meta", dtype=torch.float64)
        linear.weight = nn.Parameter(torch.from_numpy(layer.weight.copy()), requires_grad=False)
        linear.bias = nn.Parameter(torch.from_numpy(layer.bias.copy()), requires_grad=False)
        found.append(linear)
    return nn.Sequential(*found)


def pca_floor(points: FloatArray, latent_dim: int) -> float:
    """Least mean over the N points of |x - D(E(x))|^2 that any encoder with an affine decoder of R^m can reach.

    The image of D lies in an affine subspace of dimension at most m, and the mean squared distance to the best such
    subspace is the sum of the n - m smallest eigenvalues of the covariance with 1/N (Eckart and Young 1936), that is
    the sum of the smallest squared singular values of the centred points over N. Computed in float64, correct to a few
    units in the last place of the total variance; EMPIRICAL.

    Raises:
        UsageError: points of another shape, not finite, or not 1 <= latent_dim <= n.
    """
    x = _checked(points)
    m = require_latent_dim(latent_dim, x.shape[1])
    values = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    return float(np.sum(np.square(values[m:])) / len(x))


def _checked(points: FloatArray) -> FloatArray:
    x = np.asarray(points, dtype=np.float64)
    if x.ndim != 2 or not x.size:
        raise UsageError(f"Expected points of shape (N, n) with N and n at least 1, got an array of shape {x.shape}.")
    if not np.isfinite(x).all():
        raise UsageError("The points have entries that are NaN or infinite: remove or mend these rows.")
    return x
