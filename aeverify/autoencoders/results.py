"""TrainingResult: what became of the training of one model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from aeverify.autoencoders.architectures import Architecture
from aeverify.autoencoders.engines.state import ModelState, Status
from aeverify.autoencoders.members import Modules
from aeverify.autoencoders.protocol import FloatArray
from aeverify.autoencoders.recipes import Recipe
from aeverify.core.seeds import Seed
from aeverify.core.verdict import Reason

if TYPE_CHECKING:
    from aeverify.autoencoders.networks import ModuleAutoencoder


@final
@dataclass(frozen=True)
class TrainingResult:
    """What became of one training run.

    Attributes:
        model: the trained model; None where training diverged.
        losses: training loss of the epochs in `loss_epochs`: mean over the batches of the squared error per coordinate,
            each batch before its own step.
        loss_epochs: finished epochs, from 1: every one up to 32, then 32 for each factor e, and the last one.
        epochs_done: finished epochs.
        mean_squared_error: of the final model over the training points, per coordinate, in float64; None if diverged.
        unexplained: that error divided by the variance of the points per coordinate; None if diverged.
        converged: training ended by itself and `unexplained` is at most the recipe's `converged_below`.
        diverged: the loss became NaN or infinite.
        stopped: `should_stop` ended it before its last epoch.
        reason: why it is of no use: DIVERGED, INTERRUPTED, NOT_CONVERGED; None where it converged.
        seconds: of computing, the time of a group of models shared equally.
        note: one sentence for the reader.
        architecture, recipe, seed, device: what was trained, how, from which seed and where.
        engine: what took the steps: native, flat, functional or graph.
    """

    model: ModuleAutoencoder | None
    losses: tuple[float, ...]
    loss_epochs: tuple[int, ...]
    epochs_done: int
    mean_squared_error: float | None
    unexplained: float | None
    converged: bool
    diverged: bool
    stopped: bool
    reason: Reason | None
    seconds: float
    note: str
    architecture: Architecture | Modules
    parameter_count: int
    recipe: Recipe
    seed: Seed
    device: str
    engine: str

    def record(self) -> dict[str, Any]:
        """JSON values that say how the model was trained; `save` writes them beside the weights."""
        return {
            "architecture": str(self.architecture),
            "recipe": self.recipe.to_dict(),
            "seed": str(self.seed),
            "epochs_done": self.epochs_done,
            "mean_squared_error": self.mean_squared_error,
            "converged": self.converged,
            "device": self.device,
            "engine": self.engine,
        }


def result_of(
    state: ModelState,
    model: ModuleAutoencoder | None,
    points: FloatArray,
    network: Architecture | Modules,
    how: Recipe,
    seed: Seed,
    device: str,
    engine: str,
) -> TrainingResult:
    """The result of a state: its errors over the training points, measured in float64, and what they mean.

    Args:
        model: of the state; ignored where it diverged.
    """
    diverged = state.status is Status.DIVERGED
    stopped = state.status is Status.RUNNING
    error = unexplained = None
    if not diverged and model is not None:
        error = float(np.mean(np.square(model.reconstruct(points) - points)))
        variance = float(np.mean(np.var(points, axis=0)))
        unexplained = error / variance if variance > 0.0 else (0.0 if error == 0.0 else math.inf)
        diverged = not math.isfinite(error)
    if diverged:
        model, error, unexplained = None, None, None
    per_epoch = how.steps_an_epoch(len(points))
    done, threshold = state.step // per_epoch, how.converged_below
    epochs = math.ceil(how.total_steps(len(points)) / per_epoch)
    converged = unexplained is not None and not stopped and unexplained <= threshold
    reason: Reason | None
    if diverged:
        reason, note = Reason.DIVERGED, f"diverged in epoch {done + 1} of {epochs}"
    elif stopped:
        reason, note = Reason.INTERRUPTED, f"stopped after {done} of {epochs} epochs"
    else:
        reason = None if converged else Reason.NOT_CONVERGED
        note = (
            f"{'converged' if converged else 'not converged'}: mean squared error {error:.3g}, {unexplained:.2g} "
            f"of the variance (at most {threshold:g} counts as converged)"
        )
        if state.status is Status.STOPPED:
            note += f"; ended by its stopping rule after {done} of {epochs} epochs"
    return TrainingResult(
        model=model,
        losses=tuple(state.losses),
        loss_epochs=tuple(state.epochs),
        epochs_done=done,
        mean_squared_error=error,
        unexplained=unexplained,
        converged=converged,
        diverged=diverged,
        stopped=stopped,
        reason=reason,
        seconds=state.seconds,
        note=note,
        architecture=network,
        parameter_count=len(state.weights),
        recipe=how,
        seed=seed,
        device=device,
        engine=engine,
    )
