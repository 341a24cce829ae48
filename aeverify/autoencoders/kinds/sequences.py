"""The two halves of a sequence autoencoder, from plain operations that exist for many models at once."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

from aeverify.autoencoders.blocks import continuous


@continuous
@final
class GatedCell(nn.Module):
    """h' = (1 - u) c + u h, with gates r, u = sigmoid(A (x, h)) and c = tanh(B x + r (C h)) (Cho et al. 2014)."""

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.gates = nn.Linear(inputs + units, 2 * units)
        self.from_input, self.from_state = nn.Linear(inputs, units), nn.Linear(units, units)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """The next state, shape (batch, units)."""
        reset, update = torch.sigmoid(self.gates(torch.cat([x, h], 1))).chunk(2, 1)
        candidate = torch.tanh(self.from_input(x) + reset * self.from_state(h))
        return (1.0 - update) * candidate + update * h


@continuous
@final
class Reader(nn.Module):
    """Rows of steps -> codes: the last state of a recurrent cell, through Linear."""

    def __init__(self, steps: int, features: int, units: int, latent_dim: int) -> None:
        super().__init__()
        self.steps, self.features, self.units = steps, features, units
        self.cell, self.last = GatedCell(features, units), nn.Linear(units, latent_dim)

    def extra_repr(self) -> str:
        """The sizes that no layer tells."""
        return f"steps={self.steps}, features={self.features}"

    def forward(self, rows: Tensor) -> Tensor:
        """See the class."""
        sequence = rows.reshape(-1, self.steps, self.features)
        h = torch.zeros_like(rows[:, :1]).expand(-1, self.units)
        for t in range(self.steps):
            h = self.cell(sequence[:, t], h)
        codes: Tensor = self.last(h)
        return codes


@continuous
@final
class Writer(nn.Module):
    """Codes -> rows of steps: a recurrent cell that starts from the code and is given it at every step."""

    def __init__(self, steps: int, features: int, units: int, latent_dim: int) -> None:
        super().__init__()
        self.steps, self.features = steps, features
        self.first, self.cell = nn.Linear(latent_dim, units), GatedCell(latent_dim, units)
        self.last = nn.Linear(units, features)

    def extra_repr(self) -> str:
        """The sizes that no layer tells."""
        return f"steps={self.steps}, features={self.features}"

    def forward(self, codes: Tensor) -> Tensor:
        """See the class."""
        h, written = torch.tanh(self.first(codes)), []
        for _ in range(self.steps):
            h = self.cell(codes, h)
            written.append(self.last(h))
        return torch.cat(written, 1)
