"""Autoencoder: the subject of every claim, an encoder E: R^n -> R^m and a decoder D: R^m -> R^n."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aeverify.core.dimensions import require_latent_dim, require_positive
from aeverify.core.evidence import Evidence
from aeverify.errors import AeverifyError, ModelError, UsageError

if TYPE_CHECKING:
    import torch

__all__ = ["Autoencoder", "Continuity", "FloatArray", "Part", "require_latent_dim"]

FloatArray = NDArray[np.float64]


class Continuity(StrEnum):
    """What is known of the continuity of E and D before anything is run.

    KNOWN: every operation of the graph is continuous. DECLARED: the author says so. OPAQUE: nothing is known; a probe
    may find a jump, and finding none is EMPIRICAL. DISCONTINUOUS: the graph has an operation that jumps.
    """

    KNOWN = "known"
    DECLARED = "declared"
    OPAQUE = "opaque"
    DISCONTINUOUS = "discontinuous"


class Part(StrEnum):
    """Which function of an autoencoder is meant: E, D, or D after E."""

    ENCODER = "encoder"
    DECODER = "decoder"
    RECONSTRUCTION = "reconstruction"


class Autoencoder(ABC):
    """An encoder and a decoder, evaluated in float64 as real functions of their stored weights.

    Subclasses implement `_encode` and `_decode` on float64 arrays; the public methods check shapes and turn whatever
    the model raises into a `ModelError`. Values may be non-finite: measuring decides what that means.
    """

    def __init__(self, name: str, ambient_dim: int, latent_dim: int) -> None:
        self.name = name
        self.ambient_dim = require_positive(ambient_dim, "ambient_dim")
        self.latent_dim = require_positive(latent_dim, "latent_dim")

    @abstractmethod
    def _encode(self, points: FloatArray) -> FloatArray: ...

    @abstractmethod
    def _decode(self, codes: FloatArray) -> FloatArray: ...

    @abstractmethod
    def fingerprint(self) -> str:
        """SHA-256 (hex) of what determines the function: architecture and weights, or the oracle's spec. Models that
        live in memory only (callables) have a fingerprint that holds within one process."""

    @property
    def source(self) -> str:
        """What rebuilds the model: an oracle spec, the path of a saved model, or "" where it lives in memory only."""
        return ""

    @property
    def continuity(self) -> Continuity:
        """What is known of the continuity of E and D."""
        return Continuity.OPAQUE

    @property
    def affine_decoder(self) -> bool:
        """True where D is known (or declared) to be an affine map."""
        return False

    def lipschitz(self, part: Part) -> Evidence | None:
        """Upper bound of the global Lipschitz constant (Euclidean norms) of E, D or D after E: an Evidence on
        "lipschitz_constant" with interval [0, bound], CERTIFIED or EXACT; None where no bound is known."""
        return None

    def reconstruct_balls(self, point: Sequence[Any]) -> list[Any] | None:
        """Enclosures (python-flint `arb`) of the coordinates of D(E(x)) for x enclosed by `point`: the real function
        of the stored weights, rounding included; None where the model cannot be evaluated in ball arithmetic."""
        return None

    def encode_balls(self, point: Sequence[Any]) -> list[Any] | None:
        """Enclosures of the coordinates of E(x); see `reconstruct_balls`."""
        return None

    def encode(self, points: FloatArray) -> FloatArray:
        """Codes (N, latent_dim) of points (N, ambient_dim), float64.

        Raises:
            UsageError: `points` has another shape.
            ModelError: the model raised, or returned another shape.
        """
        return self._call(self._encode, points, self.ambient_dim, self.latent_dim, "encoder")

    def decode(self, codes: FloatArray) -> FloatArray:
        """Points (N, ambient_dim) of codes (N, latent_dim), float64; raises as `encode`."""
        return self._call(self._decode, codes, self.latent_dim, self.ambient_dim, "decoder")

    def reconstruct(self, points: FloatArray) -> FloatArray:
        """D(E(points)), shape (N, ambient_dim)."""
        return self.decode(self.encode(points))

    def errors(self, points: FloatArray) -> FloatArray:
        """|D(E(x)) - x| for each row x, shape (N,), in the units of the data; NaN where the model returns NaN."""
        x = np.asarray(points, dtype=np.float64)
        distances: FloatArray = np.linalg.norm(self.reconstruct(x) - x, axis=1)
        return distances

    def _call(
        self, function: Callable[[FloatArray], FloatArray], rows: FloatArray, before: int, after: int, what: str
    ) -> FloatArray:
        x = np.asarray(rows, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != before:
            raise UsageError(f"The {what} of {self.name} takes an array of shape (N, {before}), got {x.shape}.")
        try:
            y = np.asarray(function(x), dtype=np.float64)
        except AeverifyError:
            raise
        except Exception as error:
            raise ModelError(
                f"The {what} of {self.name} raised {type(error).__name__} on an array of shape {x.shape}: {error}. "
                "Give a model that accepts float64 rows of that shape."
            ) from error
        if y.shape != (len(x), after):
            raise ModelError(
                f"The {what} of {self.name} returned shape {y.shape} for input of shape {x.shape}; expected "
                f"({len(x)}, {after}). Check ambient_dim and latent_dim, or flatten the model's output."
            )
        return y

    @staticmethod
    def from_callables(
        encode: Callable[[FloatArray], FloatArray],
        decode: Callable[[FloatArray], FloatArray],
        *,
        ambient_dim: int,
        latent_dim: int,
        name: str = "callables",
        continuous: bool | None = None,
    ) -> Autoencoder:
        """An autoencoder of two functions on float64 arrays of shape (N, ambient_dim) and (N, latent_dim).

        `continuous=True` is the author's declaration that both are continuous; it is reported as an assumption, and a
        probe still looks for jumps. `continuous=False` makes theorems about continuous autoencoders VACUOUS.

        Raises:
            UsageError: not callable, or dimensions that are not 1 <= latent_dim <= ambient_dim.
        """
        from aeverify.autoencoders.callables import CallableAutoencoder

        return CallableAutoencoder(encode, decode, ambient_dim, latent_dim, name, continuous)

    @staticmethod
    def from_modules(
        encoder: torch.nn.Module,
        decoder: torch.nn.Module,
        *,
        ambient_dim: int | None = None,
        latent_dim: int | None = None,
        name: str = "modules",
    ) -> Autoencoder:
        """An autoencoder of two torch modules, copied, put in eval mode and evaluated in float64.

        Dimensions are read from the first and last layers where these are linear, else they must be given.

        Raises:
            UsageError: not modules, or dimensions that cannot be read or do not fit together.
        """
        from aeverify.autoencoders.networks import ModuleAutoencoder

        return ModuleAutoencoder(encoder, decoder, ambient_dim=ambient_dim, latent_dim=latent_dim, name=name)
