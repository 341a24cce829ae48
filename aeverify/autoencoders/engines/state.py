"""What an engine advances: the state of each model, and the group of models that are trained together.

Weights travel as one flat float32 vector in the order of the torch parameters, encoder first, so that every engine
reads and writes the same state.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.recipes import Recipe

if TYPE_CHECKING:
    import torch

Float32 = NDArray[np.float32]

MOMENTS = {"adam": 2, "rmsprop": 1, "sgd": 1}
"""Vectors as long as the weights that an optimiser carries."""

_KEPT_A_FOLD = 32


class Status(StrEnum):
    """Where the training of one model stands."""

    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped by the recipe's rule"
    DIVERGED = "diverged"


@dataclass(eq=False)
class ModelState:
    """One model between two steps: all that its further training depends on.

    Attributes:
        weights: float32, shape (P,).
        moments: of the optimiser, float32, shape (k, P).
        buffers: of a general module (running statistics), by name; empty for plain networks.
        step: steps taken.
        status: see `Status`.
        epoch_loss: sum over the rows of the current epoch of their loss, so far.
        epochs, losses: finished epochs (from 1) at logarithmic intervals and their mean losses, the last one included.
        best, best_epoch: smallest loss so far, where the recipe has patience.
        seconds: of computing.
    """

    weights: Float32
    moments: Float32
    buffers: dict[str, NDArray[Any]] = field(default_factory=dict)
    step: int = 0
    status: Status = Status.RUNNING
    epoch_loss: float = 0.0
    epochs: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    best: float = math.inf
    best_epoch: int = 0
    seconds: float = 0.0

    @property
    def running(self) -> bool:
        """Whether there are steps left to take."""
        return self.status is Status.RUNNING

    def record(self, epoch: int, loss: float) -> None:
        """Keep the loss of a finished epoch: every one up to 32, then 32 for each factor e, and always the last."""
        if self.epochs and not _is_kept(self.epochs[-1]):
            self.epochs[-1], self.losses[-1] = epoch, loss
        else:
            self.epochs.append(epoch)
            self.losses.append(loss)


def _is_kept(epoch: int) -> bool:
    return epoch == 1 or int(_KEPT_A_FOLD * math.log(epoch)) > int(_KEPT_A_FOLD * math.log(epoch - 1))


class PointSource(Protocol):
    """Training points that are made on the device where they are needed."""

    def tensor(self, device: str) -> torch.Tensor:
        """The points, float32 of shape (N, n), the same in every call."""


@dataclass(eq=False)
class Group:
    """Models of one architecture, recipe and number of points that are trained together.

    Attributes:
        network: an `Architecture`, or a `ModulePair` for the general engine.
        recipe: how.
        engine: "native", "flat", "functional" or "graph".
        device: "cpu" or "cuda".
        points: of each model, float32 of shape (N, n) or a `PointSource`.
        keys: of each model: its streams of orders and of noise.
        rates: the largest learning rate of each model.
        watched: of each model: the points that the stopping rule looks at; None for the training points.
        states: of each model.
    """

    network: Any
    recipe: Recipe
    engine: str
    device: str
    points: Sequence[Float32 | PointSource]
    keys: Sequence[tuple[int, int]]
    rates: Sequence[float]
    watched: Sequence[Float32 | None]
    states: list[ModelState]
    count: int

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.recipe.total_steps(self.count)

    @property
    def running(self) -> list[int]:
        """The models that have steps left."""
        return [i for i, state in enumerate(self.states) if state.running]

    def part(self, members: Sequence[int]) -> Group:
        """The group of some of its models, which share their states with this one."""
        return Group(
            self.network,
            self.recipe,
            self.engine,
            self.device,
            [self.points[i] for i in members],
            [self.keys[i] for i in members],
            [self.rates[i] for i in members],
            [self.watched[i] for i in members],
            [self.states[i] for i in members],
            self.count,
        )


class Engine(Protocol):
    """Takes steps of the models of a group, whose states it holds between `run` and `store`."""

    def run(self, members: Sequence[int], start: int, stop: int) -> NDArray[np.float64]:
        """Take the steps start <= s < stop of some models. Returns the sum over the rows of each step of their loss,
        shape (models, steps), before the step; from a loss that is not finite on, the rest of the row is NaN."""

    def reconstruct(self, member: int, points: Float32) -> Float32:
        """D(E(points)) in float32."""

    def store(self) -> None:
        """Write weights and moments back into the states."""
