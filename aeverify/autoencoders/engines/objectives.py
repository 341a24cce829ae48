"""Objectives: what training makes small, as a function of an encoder, a decoder, a batch and noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, final

import torch
from torch import Tensor

from aeverify.autoencoders.recipes import Recipe

Map = Callable[[Tensor], Tensor]


class Objective(Protocol):
    """A loss that the general engine differentiates, for one model at a time; it must be picklable.

    Attributes:
        noise: how many standard normal numbers it takes for each row; 0 for none.
    """

    @property
    def noise(self) -> int:
        """See the class."""

    def __call__(self, encode: Map, decode: Map, rows: Tensor, noise: Tensor) -> Tensor:
        """The loss without dimensions, a mean over the rows (batch, n); `noise` has shape (batch, self.noise) and is
        drawn from the model's own stream, new in every step."""


@final
@dataclass(frozen=True)
class RecipeObjective:
    """The loss of a recipe: reconstruction error of noisy inputs, with its penalties.

    mean |D(E(x + s z)) - x|^p over rows and coordinates (p = 2 for mse, 1 for mae)
    + code_l1 mean |E| + contraction mean over rows of ||J_E||_F^2, the Jacobian taken exactly, row by row.
    """

    recipe: Recipe
    ambient_dim: int

    @property
    def noise(self) -> int:
        """The ambient dimension where inputs are noisy."""
        return self.ambient_dim if self.recipe.input_noise else 0

    def __call__(self, encode: Map, decode: Map, rows: Tensor, noise: Tensor) -> Tensor:
        """See `Objective`."""
        how = self.recipe
        inputs = rows + how.input_noise * noise if how.input_noise else rows
        codes = encode(inputs)
        difference = decode(codes) - rows
        loss = difference.square().mean() if how.loss == "mse" else difference.abs().mean()
        if how.code_l1:
            loss = loss + how.code_l1 * codes.abs().mean()
        if how.contraction:
            loss = loss + how.contraction * squared_jacobian(encode, inputs).mean()
        return loss


def squared_jacobian(encode: Map, rows: Tensor) -> Tensor:
    """||J_E(x)||_F^2 at each row, shape (batch,): one backward derivative for each coordinate of the code. Rows must
    not mix in the encoder (as they do in batch normalisation)."""
    codes, pull = torch.func.vjp(encode, rows)[:2]
    total = torch.zeros_like(rows[:, 0])
    for k in range(codes.shape[1]):
        direction = torch.zeros_like(codes)
        direction[:, k] = 1.0
        total = total + pull(direction)[0].square().sum(1)
    return total
