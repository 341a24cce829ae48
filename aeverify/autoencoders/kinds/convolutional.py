"""Convolutional kinds: signals (1-D) and pictures (2-D) as flattened rows, and a small U-Net.

A row of n = channels x length or channels x height x width numbers is unflattened, coded, and flattened again, so that
every measure and claim sees vectors. The decoder is the encoder's list of layers reversed: each convolution that led
from one shape to another has a layer that leads back, to exactly the shape that was met on the way down.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from aeverify.autoencoders.kinds.base import Kind, TrainedKind, register, setting
from aeverify.autoencoders.layers import ACTIVATIONS
from aeverify.autoencoders.validation import is_count
from aeverify.core.seeds import Seed
from aeverify.errors import SpecError

if TYPE_CHECKING:
    from torch import nn

Shape = tuple[int, ...]


def image_shape(given: Kind, shape: Shape) -> Shape:
    """(channels, length) or (channels, height, width) of a row of n numbers; an empty `shape` means (1, n).

    Raises:
        SpecError: not two or three positive sizes, or another product than n.
    """
    n = given.ambient_dim
    if not shape:
        return (1, n)
    if len(shape) not in (2, 3) or math.prod(shape) != n:
        raise SpecError(
            f"shape of {given.name} must be [channels,length] or [channels,height,width] with product {n}, the number "
            f"of coordinates, got {list(shape)}."
        )
    return shape


@register
@final
@dataclass(frozen=True)
class Convolutional(TrainedKind):
    """A convolutional autoencoder in one or two dimensions; its decoder reverses the encoder's layers.

    Encoder: for each entry of `channels` a convolution with an odd kernel k, stride and padding (k - 1)/2, and the
    activation; then Linear to the code. Decoder: Linear back, then for each convolution reversed either the transposed
    convolution of the same kernel and stride (up=transposed), or nearest-neighbour upsampling and a convolution of
    stride 1 (up=upsampling). A transposed convolution with the same weights is the adjoint of the convolution,
    <conv x, y> = <x, conv^T y>: it restores the shape and not the values.
    """

    name: ClassVar[str] = "convolutional"
    sources: ClassVar[tuple[str, ...]] = ("T-19", "T-20", "T-22", "T-23")

    shape: tuple[int, ...] = setting((), "[channels,length] or [channels,height,width] of a row; empty: [1,n]")
    channels: tuple[int, ...] = setting((8, 16), "channels after each convolution of the encoder")
    kernel: int = setting(3, "odd width of the kernels")
    stride: int = setting(2, "by which each convolution shortens")
    up: str = setting("transposed", "transposed or upsampling")
    activation: str = setting("relu", "after every layer but the code and the output")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_widths("shape")
        self._require_widths("channels")
        self._require("channels", lambda v: len(v) >= 1, "a list of at least one width")
        self._require("kernel", lambda v: is_count(v) and v % 2 == 1 and v <= 99, "an odd number from 1 to 99")
        self._require("stride", lambda v: is_count(v) and v <= 8, "a whole number from 1 to 8")
        self._require_choice("up", "transposed", "upsampling")
        ACTIVATIONS[self.activation]
        image_shape(self, self.shape)

    def shapes(self) -> tuple[Shape, ...]:
        """Shapes from the row to the last convolution: a side s becomes floor((s - 1)/stride) + 1."""
        shapes = [image_shape(self, self.shape)]
        for width in self.channels:
            shapes.append((width, *((side - 1) // self.stride + 1 for side in shapes[-1][1:])))
        return tuple(shapes)

    def build(self, seed: Seed) -> tuple[nn.Module, nn.Module]:
        """See `TrainedKind`."""
        from aeverify.autoencoders.kinds.modules import drawn

        return drawn(self._modules, seed)

    def _modules(self) -> tuple[nn.Module, nn.Module]:
        from torch import nn

        from aeverify.autoencoders.kinds.modules import activation_layer

        shapes = self.shapes()
        plane = len(shapes[0]) == 3
        convolution = nn.Conv2d if plane else nn.Conv1d
        transposed = nn.ConvTranspose2d if plane else nn.ConvTranspose1d
        padding, size = (self.kernel - 1) // 2, math.prod(shapes[-1])
        down: list[nn.Module] = [nn.Unflatten(1, shapes[0])]
        for before, after in itertools.pairwise(shapes):
            down += [
                convolution(before[0], after[0], self.kernel, self.stride, padding),
                activation_layer(self.activation),
            ]
        up: list[nn.Module] = [nn.Linear(self.latent_dim, size), nn.Unflatten(1, shapes[-1])]
        for after, before in zip(shapes[::-1], shapes[-2::-1], strict=False):
            up.append(activation_layer(self.activation))
            if self.up == "upsampling":
                up += [nn.Upsample(size=before[1:]), convolution(after[0], before[0], self.kernel, 1, padding)]
                continue
            lost = tuple(s - ((t - 1) * self.stride + 1) for s, t in zip(before[1:], after[1:], strict=True))
            sizes = (after[0], before[0], self.kernel, self.stride, padding)
            up.append(transposed(*sizes, output_padding=lost))  # type: ignore[arg-type]
        return nn.Sequential(*down, nn.Flatten(), nn.Linear(size, self.latent_dim)), nn.Sequential(*up, nn.Flatten())


@register
@final
@dataclass(frozen=True)
class UNet(TrainedKind):
    """A small U-Net used as an autoencoder, in one or two dimensions, with or without skip connections.

    Down: for each entry of `channels` a convolution, the activation and average pooling by 2; then Linear to
    `bottleneck` numbers. Up: Linear, and for each level reversed upsampling, the skip tensor beside it, a convolution
    and the activation; a last convolution gives the channels of the row. What the decoder is given is the code: with
    skips it holds the skip tensors too, so that latent_dim is `bottleneck` plus their sizes, as a rule more than n.
    Then the model is no bottleneck, and theorems about codes of `bottleneck` numbers do not speak of it.
    """

    name: ClassVar[str] = "unet"
    sources: ClassVar[tuple[str, ...]] = ("C-13", "C-14")

    latent_dim: int = setting(0, "follows from the other settings where skips are on; else the bottleneck")
    shape: tuple[int, ...] = setting((), "[channels,length] or [channels,height,width] of a row; empty: [1,n]")
    channels: tuple[int, ...] = setting((8, 16), "channels of each level")
    bottleneck: int = setting(0, "numbers at the bottom; 0: latent_dim without skips, 2 with them")
    skips: bool = setting(False, "whether the decoder is given the tensors of each level, which the code then holds")
    activation: str = setting("relu", "after every convolution but the last")

    def __post_init__(self) -> None:
        self._require_widths("shape")
        self._require_widths("channels")
        self._require("channels", lambda v: len(v) >= 1, "a list of at least one width")
        self._require("skips", lambda v: v in (True, False), "true or false")
        self._require("bottleneck", lambda v: v == 0 or is_count(v), "a whole number")
        ACTIVATIONS[self.activation]
        shapes = self.shapes()
        if min(shapes[-1][1:]) < 1:
            raise SpecError(
                f"A unet of {len(self.channels)} levels halves the sides of {list(shapes[0])} to nothing: take "
                "fewer levels."
            )
        bottom = self.bottleneck or (2 if self.skips else self.latent_dim)
        code = bottom + (sum(self.skip_sizes()) if self.skips else 0)
        if self.latent_dim not in (0, code):
            raise SpecError(
                f"This unet has codes of {code} numbers ({bottom} at the bottom"
                f"{', the others in its skip connections' if self.skips else ''}), and latent_dim is {self.latent_dim}."
            )
        object.__setattr__(self, "bottleneck", bottom)
        object.__setattr__(self, "latent_dim", code)
        super().__post_init__()

    def shapes(self) -> tuple[Shape, ...]:
        """Shapes from the row to the last level, pooled: sides are halved, rounded down."""
        shapes = [image_shape(self, self.shape)]
        for width in self.channels:
            shapes.append((width, *(side // 2 for side in shapes[-1][1:])))
        return tuple(shapes)

    def skip_sizes(self) -> tuple[int, ...]:
        """Numbers in the tensor of each level before pooling."""
        sides = [shape[1:] for shape in self.shapes()[:-1]]
        return tuple(width * math.prod(side) for width, side in zip(self.channels, sides, strict=True))

    def build(self, seed: Seed) -> tuple[nn.Module, nn.Module]:
        """See `TrainedKind`."""
        from aeverify.autoencoders.kinds.modules import drawn

        return drawn(self._modules, seed)

    def _modules(self) -> tuple[nn.Module, nn.Module]:
        from torch import nn

        from aeverify.autoencoders.kinds.levels import LevelsDown, LevelsUp
        from aeverify.autoencoders.kinds.modules import activation_layer

        shapes, factor = self.shapes(), 2 if self.skips else 1
        plane = len(shapes[0]) == 3
        convolution = nn.Conv2d if plane else nn.Conv1d
        pool = nn.AvgPool2d if plane else nn.AvgPool1d
        size = math.prod(shapes[-1])
        down = [
            nn.Sequential(convolution(before[0], after[0], 3, padding=1), activation_layer(self.activation))
            for before, after in itertools.pairwise(shapes)
        ]
        up = [
            nn.Sequential(convolution(factor * after[0], before[0], 3, padding=1), activation_layer(self.activation))
            for after, before in zip(shapes[:0:-1], (*shapes[-2:0:-1], shapes[1]), strict=True)
        ]
        first, last = nn.Unflatten(1, shapes[0]), nn.Sequential(nn.Flatten(), nn.Linear(size, self.bottleneck))
        start = nn.Sequential(nn.Linear(self.bottleneck, size), nn.Unflatten(1, shapes[-1]))
        grow = [nn.Upsample(size=shape[1:]) for shape in shapes[-2::-1]]
        finish = nn.Sequential(convolution(shapes[1][0], shapes[0][0], 3, padding=1), nn.Flatten())
        if not self.skips:
            steps = [layer for block in down for layer in (*block, pool(2))]
            back = [layer for step, block in zip(grow, up, strict=True) for layer in (step, *block)]
            return nn.Sequential(first, *steps, *last), nn.Sequential(*start, *back, *finish)
        skips = [(width, *shape[1:]) for width, shape in zip(self.channels, shapes, strict=False)]
        return (
            LevelsDown(first, down, pool(2), last),
            LevelsUp(start, grow, up, finish, self.bottleneck, skips[::-1]),
        )
