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

    Attributes:
        note: what a reader of the report has to know of the model: how it was read, what was changed to evaluate it.
    """

    def __init__(self, name: str, ambient_dim: int, latent_dim: int) -> None:
        self.name = name
        self.ambient_dim = require_positive(ambient_dim, "ambient_dim")
        self.latent_dim = require_positive(latent_dim, "latent_dim")
        self.note = ""

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
    def continuity_note(self) -> str:
        """What `continuity` rests on, in one sentence that names the operations; "" where there is nothing to say."""
        return ""

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
        encode: Callable[[Any], Any],
        decode: Callable[[Any], Any],
        *,
        ambient_dim: int | None = None,
        latent_dim: int | None = None,
        input_shape: Sequence[int] | None = None,
        latent_shape: Sequence[int] | None = None,
        arrays: str = "numpy",
        device: str = "cpu",
        batch_size: int | None = None,
        name: str = "callables",
        continuous: bool | None = None,
    ) -> Autoencoder:
        """An autoencoder of two functions on float64 arrays of shape (N, ambient_dim) and (N, latent_dim).

        `continuous=True` is the author's declaration that both are continuous; it is reported as an assumption, and a
        probe still looks for jumps. `continuous=False` makes theorems about continuous autoencoders VACUOUS.

        Args:
            encode, decode: the functions; arrays and torch tensors are both accepted as results.
            ambient_dim, latent_dim: n and m; may be left out where the shapes are given.
            input_shape, latent_shape: of one point and one code, such as (28, 28, 1): rows get this shape before the
                call, and what is returned is flattened.
            arrays: "numpy", or "torch" for functions that take float64 tensors (called without gradients).
            device: where these tensors lie.
            batch_size: most rows of one call; None for no limit.

        Raises:
            UsageError: not callable, dimensions or shapes that are missing, disagree or are not 1 <= m <= n, or a
                device that is not there.
        """
        from aeverify.autoencoders.callables import CallableAutoencoder, Calling

        calling = Calling.of(ambient_dim, latent_dim, input_shape, latent_shape, arrays, device, batch_size)
        return CallableAutoencoder(encode, decode, calling.ambient_dim, calling.latent_dim, name, continuous, calling)

    @staticmethod
    def from_modules(
        encoder: torch.nn.Module,
        decoder: torch.nn.Module,
        *,
        ambient_dim: int | None = None,
        latent_dim: int | None = None,
        input_shape: Sequence[int] | None = None,
        latent_shape: Sequence[int] | None = None,
        device: str = "cpu",
        batch_size: int | None = None,
        name: str = "modules",
    ) -> Autoencoder:
        """An autoencoder of two torch modules, copied, put in eval mode and evaluated in float64.

        Dimensions are read from the first and last layers where these are linear, else they, or the shape of a point,
        must be given.

        Args:
            encoder, decoder: the modules; each returns one tensor with a row for each row.
            ambient_dim, latent_dim: n and m.
            input_shape: shape of one point, such as (1, 28, 28): rows of n = 784 get it before they are encoded, and
                what is decoded is flattened.
            latent_shape: shape of one code; found by running the encoder if not given.
            device: where the copy is evaluated, "cpu", "cuda", "cuda:1".
            batch_size: most rows of one call; None for 2000.

        Raises:
            UsageError: not modules, dimensions that cannot be read or do not fit together, complex or quantised
                weights, a device that is not there.
            ModelError: `input_shape` was given, and the encoder does not accept it or returns no single tensor.
        """
        from aeverify.autoencoders.networks import ModuleAutoencoder

        if input_shape is not None:
            from aeverify.autoencoders.shapes import row_modules

            encoder, decoder, n, m = row_modules(encoder, decoder, input_shape, latent_shape)
            for what, given, found in (("ambient_dim", ambient_dim, n), ("latent_dim", latent_dim, m)):
                if given not in (None, found):
                    raise UsageError(
                        f"{what} {given} was given, and the shapes make it {found}; leave one of them out."
                    )
            ambient_dim, latent_dim = n, m
        elif latent_shape is not None:
            raise UsageError("latent_shape needs input_shape beside it; give both, or the dimensions alone.")
        return ModuleAutoencoder(
            encoder,
            decoder,
            ambient_dim=ambient_dim,
            latent_dim=latent_dim,
            name=name,
            device=device,
            batch_size=batch_size,
        )

    @staticmethod
    def from_object(
        model: Any,
        *,
        ambient_dim: int | None = None,
        latent_dim: int | None = None,
        input_shape: Sequence[int] | None = None,
        latent_shape: Sequence[int] | None = None,
        device: str = "cpu",
        batch_size: int | None = None,
        name: str | None = None,
        continuous: bool | None = None,
    ) -> Autoencoder:
        """An autoencoder of an object with `encode`/`decode`, with torch modules `encoder`/`decoder`, or with
        `transform`/`inverse_transform` (a fitted scikit-learn estimator or Pipeline).

        Chains of affine estimators (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, PCA, IncrementalPCA,
        TruncatedSVD, FastICA, and Pipelines of them) are written as two affine maps, known to be continuous, for which
        certified enclosures exist. Dimensions of fitted estimators are read; other objects need them.

        Raises:
            UsageError: the object has none of these pairs, is not fitted, or its dimensions cannot be read.
        """
        from aeverify.autoencoders.objects import from_object

        return from_object(
            model,
            ambient_dim=ambient_dim,
            latent_dim=latent_dim,
            input_shape=input_shape,
            latent_shape=latent_shape,
            device=device,
            batch_size=batch_size,
            name=name,
            continuous=continuous,
        )
