"""Recurrent autoencoder: a row is a sequence that is read, and written again from its code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from aeverify.autoencoders.kinds.base import TrainedKind, register, setting
from aeverify.autoencoders.validation import is_count
from aeverify.core.seeds import Seed
from aeverify.errors import SpecError

if TYPE_CHECKING:
    from torch import nn


@register
@final
@dataclass(frozen=True)
class Recurrent(TrainedKind):
    """A sequence autoencoder with gated recurrent units (Cho et al. 2014): a row is n/features steps of `features`.

    The encoder reads the steps in order and sends its last state through Linear to the code; the decoder starts from a
    state that Linear makes of the code, is given the code at every step, and writes each step by Linear. All operations
    (affine maps, sigmoid, tanh, products) are continuous and the number of steps is fixed, so E and D are continuous.
    """

    name: ClassVar[str] = "recurrent"
    sources: ClassVar[tuple[str, ...]] = ("V-15", "S-1")

    features: int = setting(1, "numbers a step; n must be a multiple")
    units: int = setting(32, "size of the state")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("features", "units"):
            self._require(name, lambda v: is_count(v) and v <= 1_000_000, "a positive whole number")
        if self.ambient_dim % self.features:
            raise SpecError(
                f"recurrent: {self.ambient_dim} coordinates are not whole steps of {self.features} features."
            )

    def build(self, seed: Seed) -> tuple[nn.Module, nn.Module]:
        """See `TrainedKind`."""
        from aeverify.autoencoders.kinds.modules import drawn
        from aeverify.autoencoders.kinds.sequences import Reader, Writer

        steps = self.ambient_dim // self.features
        return drawn(
            lambda: (
                Reader(steps, self.features, self.units, self.latent_dim),
                Writer(steps, self.features, self.units, self.latent_dim),
            ),
            seed,
        )
