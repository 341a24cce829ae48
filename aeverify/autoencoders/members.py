"""Members: what one model of an ensemble is made of, and general networks that the user builds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from aeverify.autoencoders.architectures import Architecture, architecture
from aeverify.autoencoders.engines.state import PointSource
from aeverify.autoencoders.protocol import FloatArray
from aeverify.autoencoders.validation import is_real
from aeverify.core.seeds import Seed
from aeverify.errors import UsageError

if TYPE_CHECKING:
    import torch

    from aeverify.autoencoders.engines.objectives import Objective

_LARGEST = 1e30


@final
@dataclass(frozen=True, eq=False)
class Modules:
    """A network that the user builds: any two torch modules that map (rows, n) to (rows, m) and back.

    Attributes:
        build: makes encoder and decoder from a seed, with weights that are a function of that seed alone. For training
            in several processes it must not live in `__main__`; then models are trained in this one.
        name: how reports and checkpoints call the architecture.
        objective: what training makes small; None for the recipe's loss.
    """

    build: Callable[[Seed], tuple[torch.nn.Module, torch.nn.Module]]
    name: str = "modules"
    objective: Objective | None = None

    def __str__(self) -> str:
        return self.name


@final
@dataclass(frozen=True, eq=False)
class Member:
    """One model of an ensemble: a function of these values alone, whatever is trained beside it.

    Attributes:
        seed: root of its random streams: "weights", "order" and "noise".
        points: its training points, shape (N, n), finite; or a source that makes them on the device.
        learning_rate: in place of the recipe's.
        watched: the points that the recipe's stopping rule looks at; None for the training points.
        name: of the model; None tells the architecture and the seed.
    """

    seed: Seed
    points: FloatArray | PointSource
    learning_rate: float | None = None
    watched: FloatArray | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if self.learning_rate is not None and not (is_real(self.learning_rate) and self.learning_rate > 0.0):
            raise UsageError(f"learning_rate must be a positive finite number, got {self.learning_rate!r}.")


def checked_points(points: object) -> FloatArray:
    """Training points in float64.

    Raises:
        UsageError: not an array of finite numbers of shape (N, n) that fit float32.
    """
    x = np.asarray(points)
    if x.ndim != 2 or not x.size or x.dtype.kind not in "fiu":
        raise UsageError(
            f"Training needs points as an array of numbers of shape (N, n), got {x.dtype} of shape {x.shape}."
        )
    x = np.ascontiguousarray(x, dtype=np.float64)
    bad = ~np.isfinite(x)
    if bad.any():
        raise UsageError(
            f"The training points have {int(bad.sum())} entries that are NaN or infinite, the first in row "
            f"{int(np.argwhere(bad)[0][0])}: remove or mend these rows."
        )
    if np.abs(x).max() > _LARGEST:
        raise UsageError(f"A coordinate of {np.abs(x).max():.3g} does not fit training in float32: rescale the points.")
    return x


def network_for(network: str | Architecture | Modules, ambient_dim: int) -> Architecture | Modules:
    """The network that is meant, for points of that dimension; raises as `architecture`."""
    return network if isinstance(network, Modules) else architecture(network, ambient_dim=ambient_dim)
