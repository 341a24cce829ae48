"""Fully connected kinds: linear, tied weights, undercomplete, overcomplete, and the replicator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from aeverify.autoencoders.architectures import Architecture
from aeverify.autoencoders.kinds.base import TrainedKind, register, setting
from aeverify.autoencoders.layers import ACTIVATIONS
from aeverify.autoencoders.validation import is_count
from aeverify.core.dimensions import require_latent_dim
from aeverify.core.seeds import Seed
from aeverify.errors import SpecError

if TYPE_CHECKING:
    from torch import nn


def is_overcomplete(ambient_dim: int, widths: Sequence[int]) -> bool:
    """Whether every layer, the code included, has at least n units, so that each could hold a copy of the input (source
    004). Then the architecture forces nothing: what keeps the model from copying must come from its training."""
    return all(width >= ambient_dim for width in widths)


@dataclass(frozen=True)
class DenseKind(TrainedKind):
    """A fully connected autoencoder n -> hidden -> m -> reversed hidden -> n with linear bottleneck and output."""

    hidden: tuple[int, ...] = setting((64, 64), "widths of the encoder's hidden layers; the decoder reverses them")
    activation: str = setting("relu", "after every hidden layer, with its default parameter")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_widths("hidden")
        ACTIVATIONS[self.activation]

    @property
    def encoder_sizes(self) -> tuple[int, ...]:
        """Widths from input to code."""
        return (self.ambient_dim, *self.hidden, self.latent_dim)

    @property
    def overcomplete(self) -> bool:
        """See `is_overcomplete`."""
        return is_overcomplete(self.ambient_dim, self.encoder_sizes[1:])

    def build(self, seed: Seed) -> tuple[nn.Module, nn.Module]:
        """See `TrainedKind`."""
        from aeverify.autoencoders.kinds.modules import dense, drawn

        sizes = self.encoder_sizes
        return drawn(lambda: (dense(sizes, self.activation), dense(sizes[::-1], self.activation)), seed)


@register
@final
@dataclass(frozen=True)
class Linear(TrainedKind):
    """Two affine maps with free weights: no activation anywhere, at best as good as PCA.

    The mean squared error is at least the PCA floor of `pca_floor`, whatever the training (Baldi and Hornik 1989);
    where the m-th and (m+1)-th eigenvalues of the covariance differ, the best model spans the principal subspace, and
    its axes are not determined.
    """

    name: ClassVar[str] = "linear"
    sources: ClassVar[tuple[str, ...]] = ("S-15", "T-6", "K-4")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_latent_dim(self.latent_dim, self.ambient_dim)

    def network(self) -> Architecture:
        """An architecture without hidden layers, which the fast engines train."""
        return Architecture(self.ambient_dim, self.latent_dim, ())

    def build(self, seed: Seed) -> tuple[nn.Module, nn.Module]:
        """See `TrainedKind`."""
        return self.network().build(seed)


@register
@final
@dataclass(frozen=True)
class Undercomplete(DenseKind):
    """A fully connected autoencoder whose code has at most as many numbers as the data, with any activation."""

    name: ClassVar[str] = "undercomplete"
    sources: ClassVar[tuple[str, ...]] = ("S-10", "S-16", "K-32")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_latent_dim(self.latent_dim, self.ambient_dim)

    def network(self) -> Architecture:
        """The same as `mlp:`, which the fast engines train."""
        return Architecture(self.ambient_dim, self.latent_dim, self.hidden, self.activation)

    def build(self, seed: Seed) -> tuple[nn.Module, nn.Module]:
        """See `TrainedKind`."""
        return self.network().build(seed)


@register
@final
@dataclass(frozen=True)
class Overcomplete(DenseKind):
    """A fully connected autoencoder in which every layer, the code included, has at least n units, enough to copy.

    No theorem about widths speaks of it, since w_m(K) = 0 for m >= n. What it learns is a matter of training.
    """

    name: ClassVar[str] = "overcomplete"
    sources: ClassVar[tuple[str, ...]] = ("C-2", "S-11", "S-22")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.overcomplete:
            raise SpecError(
                f"overcomplete: every layer needs at least {self.ambient_dim} units, got {self.encoder_sizes[1:]}: "
                "widen the layers or the code, or choose the kind undercomplete."
            )


@register
@final
@dataclass(frozen=True)
class Tied(DenseKind):
    """A fully connected autoencoder whose decoder uses the encoder's weight matrices, transposed and shared.

    One parameter serves both maps, so that the two stay equal at every step of training. hidden=[] is the tied linear
    autoencoder D(E(x)) = W^T (W x + b) + c.
    """

    name: ClassVar[str] = "tied"
    sources: ClassVar[tuple[str, ...]] = ("S-18",)

    def build(self, seed: Seed) -> tuple[nn.Module, nn.Module]:
        """See `TrainedKind`."""
        from torch import nn

        from aeverify.autoencoders.kinds.modules import Transposed, activation_layer, dense, drawn

        encoder, _ = drawn(lambda: (dense(self.encoder_sizes, self.activation), nn.Identity()), seed)
        layers: list[nn.Module] = []
        for linear in reversed([m for m in encoder.modules() if isinstance(m, nn.Linear)]):
            if layers:
                layers.append(activation_layer(self.activation))
            layers.append(Transposed(linear))
        return encoder, nn.Sequential(*layers)


@register
@final
@dataclass(frozen=True)
class Replicator(DenseKind):
    """A replicator network (Hecht-Nielsen 1995): three hidden layers, the middle one with a smooth staircase.

    The staircase has `levels` steps in [0, 1] and is continuous, however steep; its limit would quantise the code.
    Its Lipschitz constant is at most about steepness/(2 (levels - 1)) (one edge at a time is steep), so that certified
    bounds widen with the steepness.
    """

    name: ClassVar[str] = "replicator"
    sources: ClassVar[tuple[str, ...]] = ("K-18",)

    hidden: tuple[int, ...] = setting((64,), "widths of the encoder's hidden layers; the decoder reverses them")
    activation: str = setting("tanh", "after every hidden layer, with its default parameter")
    levels: int = setting(8, "number of levels of the staircase, at least 2")
    steepness: float = setting(10.0, "a, how fast it rises between two levels")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("levels", lambda v: is_count(v) and 2 <= v <= 1000, "a whole number from 2 to 1000")
        self._require_positive("steepness")

    def build(self, seed: Seed) -> tuple[nn.Module, nn.Module]:
        """See `TrainedKind`; the code layer starts around 1/2, the middle of the staircase, with a quarter of the usual
        weights, since the staircase is flat outside [0, 1]."""
        import torch

        from aeverify.autoencoders.kinds.modules import Staircase, dense, drawn

        sizes = self.encoder_sizes
        stairs = Staircase(self.latent_dim, self.levels, self.steepness)
        encoder, decoder = drawn(
            lambda: (dense(sizes, self.activation, stairs), dense(sizes[::-1], self.activation)), seed
        )
        last = list(encoder.children())[-2]
        assert isinstance(last, torch.nn.Linear)
        with torch.no_grad():
            last.weight.mul_(0.25)
            last.bias.fill_(0.5)
        return encoder, decoder
