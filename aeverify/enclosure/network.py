"""A network as the enclosures see it: affine maps and activations in a row, encoder first, then decoder.

Every affine layer of any kind is one matrix on flattened features. Its entries are the stored weights, exact in
float64; where a layer's true entries are not float64 numbers (the 1/k of average pooling, the scale of batch norm) the
real matrix W satisfies |W - weight| <= relative * |weight| entry by entry, and the bias likewise `bias_error`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import final

import torch
from torch import Tensor

from aeverify.enclosure.relaxations import Activation
from aeverify.errors import ModelError


@final
@dataclass(frozen=True, eq=False)
class Affine:
    """x -> x @ weight + bias on rows, weight (in, out) float64."""

    weight: Tensor
    bias: Tensor
    relative: float = 0.0
    bias_error: Tensor | None = None

    @cached_property
    def magnitude(self) -> Tensor:
        """|weight|, rounded up so that it bounds the real matrix."""
        return self.weight.abs() * (1 + 2 * self.relative)

    @cached_property
    def fan_in(self) -> int:
        """Largest number of non-zero terms in one output: adding and multiplying zeros loses nothing."""
        return int((self.weight != 0).sum(0).max()) if self.weight.numel() else 0

    @cached_property
    def row_norm(self) -> float:
        """Upper bound of max_out sum_in |weight|, the operator norm of the transpose between 1-norms."""
        return float(self.magnitude.sum(0).max()) * (1 + 1e-9) + 1e-290

    def apply(self, x: Tensor) -> Tensor:
        """Plain float64 evaluation."""
        return x @ self.weight + self.bias


Stage = Affine | Activation


@final
@dataclass(frozen=True, eq=False)
class Network:
    """An encoder and a decoder as stages.

    Attributes:
        encoder, decoder: stages; each begins and ends with an affine map.
        ambient_dim, latent_dim: n and m.
    """

    encoder: tuple[Stage, ...]
    decoder: tuple[Stage, ...]
    ambient_dim: int
    latent_dim: int

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Encoder and decoder in one row."""
        return self.encoder + self.decoder

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(s.weight.device for s in self.stages if isinstance(s, Affine))

    @cached_property
    def smooth(self) -> bool:
        """True where some activation is not piecewise linear."""
        return any(isinstance(s, Activation) and not s.piecewise_linear for s in self.stages)

    def reconstruct(self, x: Tensor) -> Tensor:
        """D(E(x)) for rows x, plain float64."""
        for stage in self.stages:
            x = stage.apply(x)
        return x

    def errors(self, x: Tensor) -> Tensor:
        """|D(E(x)) - x| for rows x in plain float64: true up to rounding, no bound."""
        found: Tensor = torch.linalg.vector_norm(self.reconstruct(x) - x, dim=1)
        return found

    def to(self, device: torch.device | str) -> Network:
        """The same network on another device."""

        def move(stage: Stage) -> Stage:
            if isinstance(stage, Affine):
                error = None if stage.bias_error is None else stage.bias_error.to(device)
                return Affine(stage.weight.to(device), stage.bias.to(device), stage.relative, error)
            return stage.to(device)

        encoder, decoder = tuple(map(move, self.encoder)), tuple(map(move, self.decoder))
        return replace(self, encoder=encoder, decoder=decoder)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the stages: kinds, parameters and weights."""
        digest = hashlib.sha256()
        for stage in self.stages:
            if isinstance(stage, Affine):
                digest.update(stage.weight.cpu().numpy().tobytes() + stage.bias.cpu().numpy().tobytes())
            else:
                digest.update(repr(stage).encode())
        return digest.hexdigest()


def build_network(encoder: tuple[Stage, ...], decoder: tuple[Stage, ...]) -> Network:
    """A network of two rows of stages, with its dimensions checked.

    Raises:
        ModelError: a dimension does not fit, or a weight is NaN or infinite.
    """
    parts = []
    for name, stages in (("encoder", encoder), ("decoder", decoder)):
        affine = [s for s in stages if isinstance(s, Affine)]
        if not affine or not isinstance(stages[0], Affine) or not isinstance(stages[-1], Affine):
            first = affine[0].weight.shape[0] if affine else 0
            raise ModelError(
                f"The {name} needs an affine first and last stage, got {len(stages)} stages ({first} inputs)."
            )
        for i, stage in enumerate(affine):
            if not bool(torch.isfinite(stage.weight).all() and torch.isfinite(stage.bias).all()):
                raise ModelError(
                    f"Affine layer {i} of the {name} has NaN or infinite weights; no bound can be computed. "
                    "Train again or load another file."
                )
        parts.append((affine[0].weight.shape[0], affine[-1].weight.shape[1]))
    (ambient, latent), (code, output) = parts
    if code != latent or output != ambient:
        raise ModelError(
            f"The encoder maps R^{ambient} to R^{latent} and the decoder R^{code} to R^{output}; expected a decoder "
            f"from R^{latent} to R^{ambient}."
        )
    return Network(encoder, decoder, ambient, latent)
