"""The two halves of a U-Net with skip connections, whose code is the bottleneck and all skip tensors in one vector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from aeverify.autoencoders.blocks import continuous


@continuous
@final
class LevelsDown(nn.Module):
    """Rows -> (bottleneck, tensor of the last level, ..., tensor of the first level), flattened side by side."""

    def __init__(self, first: nn.Module, levels: Sequence[nn.Module], pool: nn.Module, last: nn.Module) -> None:
        super().__init__()
        self.first, self.levels, self.pool, self.last = first, nn.Sequential(*levels), pool, last

    def forward(self, rows: Tensor) -> Tensor:
        """See the class."""
        x, kept = self.first(rows), []
        for level in self.levels:
            x = level(x)
            kept.append(x.flatten(1))
            x = self.pool(x)
        return torch.cat([self.last(x), *reversed(kept)], 1)


@continuous
@final
class LevelsUp(nn.Module):
    """The inverse arrangement: codes as `LevelsDown` returns them -> rows."""

    def __init__(
        self,
        first: nn.Module,
        grow: Sequence[nn.Module],
        levels: Sequence[nn.Module],
        last: nn.Module,
        bottleneck: int,
        skips: Sequence[tuple[int, ...]],
    ) -> None:
        super().__init__()
        self.first, self.grow, self.levels, self.last = first, nn.Sequential(*grow), nn.Sequential(*levels), last
        self.sizes, self.skips = [bottleneck, *(math.prod(shape) for shape in skips)], list(skips)

    def extra_repr(self) -> str:
        """How the code is divided."""
        return f"sizes={self.sizes}"

    def forward(self, codes: Tensor) -> Tensor:
        """See the class."""
        bottom, *kept = torch.split(codes, self.sizes, 1)
        x = self.first(bottom)
        for grow, level, part, shape in zip(self.grow, self.levels, kept, self.skips, strict=True):
            x = level(torch.cat([grow(x), part.reshape(-1, *shape)], 1))
        rows: Tensor = self.last(x)
        return rows
