"""Training: one architecture, one recipe and one seed give one model; restarts give several.

The gradient of the mean squared error of a fully connected network is written out by hand, since for such small layers
most of the time of automatic differentiation is overhead: per layer z = W h + b, y = f(z), and backwards
dW = dz^T h, db = sum of dz, dh = dz W with dz = dy f'(z). A test compares it with automatic differentiation.
All weights live in one flat vector, so that one optimiser call updates them. Model i is a function of its own seed
alone, whatever else is trained beside it: nothing is shared between restarts but the data.
"""

from __future__ import annotations

import math
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from aeverify.autoencoders.architectures import Architecture, architecture
from aeverify.autoencoders.networks import ModuleAutoencoder, one_thread
from aeverify.autoencoders.protocol import FloatArray
from aeverify.autoencoders.recipes import Recipe, recipe
from aeverify.autoencoders.validation import is_count
from aeverify.core.events import Event, Listener, Progress, StageFinished, StageStarted, silent
from aeverify.core.seeds import Seed
from aeverify.core.verdict import Reason
from aeverify.errors import UsageError

_SECONDS_BETWEEN_EVENTS = 0.3
_LARGEST = 1e30
_aten: Any = torch.ops.aten


@final
@dataclass(frozen=True)
class TrainingResult:
    """What became of one training run.

    Attributes:
        model: the trained model; None where training diverged.
        losses: training loss of each finished epoch: mean over its batches of the squared error per coordinate, each
            batch before its own step.
        mean_squared_error: of the final model over the training points, per coordinate, in float64; None if diverged.
        unexplained: that error divided by the variance of the points per coordinate; None if diverged.
        converged: training ran to its end and `unexplained` is at most the recipe's `converged_below`.
        diverged: the loss became NaN or infinite.
        stopped: `should_stop` ended it before its last epoch.
        reason: why it is of no use: DIVERGED, INTERRUPTED, NOT_CONVERGED; None where it converged.
        seconds: wall time.
        note: one sentence for the reader.
        architecture, recipe, seed, device: what was trained, how, from which seed and where.
    """

    model: ModuleAutoencoder | None
    losses: tuple[float, ...]
    mean_squared_error: float | None
    unexplained: float | None
    converged: bool
    diverged: bool
    stopped: bool
    reason: Reason | None
    seconds: float
    note: str
    architecture: Architecture
    recipe: Recipe
    seed: Seed
    device: str

    def record(self) -> dict[str, Any]:
        """JSON values that say how the model was trained; `save` writes them beside the weights."""
        return {
            "architecture": str(self.architecture),
            "recipe": self.recipe.to_dict(),
            "seed": str(self.seed),
            "epochs_done": len(self.losses),
            "mean_squared_error": self.mean_squared_error,
            "converged": self.converged,
            "device": self.device,
        }


def train(
    network: str | Architecture,
    points: FloatArray,
    how: str | Recipe = "default",
    seed: Seed | int = 0,
    *,
    listener: Listener = silent,
    should_stop: Callable[[], bool] | None = None,
    device: str = "auto",
    name: str | None = None,
    stage: str = "train",
) -> TrainingResult:
    """Train one model in float32, on one thread.

    The initial weights come from the seed's child "weights" and the order of the rows from its child "order".
    Divergence ends in a result, not in an exception. Cost: about 0.5 ms a step for the paper's network at batch 100.

    Args:
        network: architecture or its spec; the points' dimension fills in an `ambient_dim` that the spec leaves open.
        points: training points, shape (N, n), finite.
        how: recipe or its name.
        seed: root of the run's random streams.
        listener: hears StageStarted, Progress (a few a second) and StageFinished.
        should_stop: asked once an epoch; True ends the training with `stopped`.
        device: "auto" (CUDA where there is one and the layers are wide enough to pay), "cpu" or "cuda".
        name: of the model; the default tells the architecture and the seed.
        stage: name of the stage in events.

    Raises:
        UsageError: unusable points, a batch larger than the data, an unknown name, a device that is not there.
    """
    job = _Job(network, points, how, seed, device, name)
    with one_thread():
        return job.run(listener, should_stop or (lambda: False), stage)


def train_restarts(
    network: str | Architecture,
    points: FloatArray,
    how: str | Recipe = "default",
    seeds: Sequence[Seed] = (),
    *,
    listener: Listener = silent,
    should_stop: Callable[[], bool] | None = None,
    device: str = "auto",
    names: Sequence[str] | None = None,
    workers: int | None = None,
    kept: MutableMapping[int, TrainingResult] | None = None,
) -> Iterator[TrainingResult]:
    """Train one model a seed, and yield each result as soon as it and those before it are finished.

    Whatever interrupts the caller, the results that were yielded are the caller's, and those that were finished but not
    yet yielded are in `kept`; the rest is stopped within an epoch.
    Models are trained side by side on threads of one process (torch leaves the interpreter lock while it computes);
    each is the same as if it were trained alone. The listener is called on the caller's thread, `should_stop` on those
    that train; the stage of seed i is "train restart i", counted from 0.

    Args:
        seeds: one for each model, in the order of the results.
        names: of the models, one for each seed.
        workers: how many at a time; the default is the number of cores (1 on CUDA).
        kept: takes each result by its index as soon as its training has ended.

    Raises:
        UsageError: as `train`, and before any model is trained; or no seeds, or names that do not match them.
    """
    if not seeds:
        raise UsageError("No restart was asked for: give at least one seed.")
    if names is not None and len(names) != len(seeds):
        raise UsageError(f"{len(seeds)} seeds need as many names, got {len(names)}.")
    if workers is not None and not is_count(workers):
        raise UsageError(f"workers must be a positive whole number, got {workers!r}.")
    jobs = [
        _Job(network, points, how, seed, device, names[i] if names is not None else None)
        for i, seed in enumerate(seeds)
    ]
    if workers is None:
        workers = 1 if jobs[0].device.type == "cuda" else _cores()
    finished = kept if kept is not None else {}
    return _side_by_side(jobs, listener, should_stop or (lambda: False), min(workers, len(jobs)), finished)


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _side_by_side(
    jobs: Sequence[_Job],
    listener: Listener,
    should_stop: Callable[[], bool],
    workers: int,
    kept: MutableMapping[int, TrainingResult],
) -> Iterator[TrainingResult]:
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    abandoned = threading.Event()

    def work(index: int) -> TrainingResult:
        torch.set_num_threads(1)
        result = jobs[index].run(events.put, lambda: abandoned.is_set() or should_stop(), f"train restart {index}")
        if not result.stopped:
            kept[index] = result
        return result

    def deliver(future: Future[TrainingResult]) -> TrainingResult:
        while not future.done():
            try:
                listener(events.get(timeout=0.1))
            except queue.Empty:
                continue
        while not events.empty():
            listener(events.get())
        return future.result()

    with one_thread(), ThreadPoolExecutor(workers, thread_name_prefix="aeverify-train") as pool:
        futures = [pool.submit(work, index) for index in range(len(jobs))]
        try:
            for future in futures:
                yield deliver(future)
        finally:
            abandoned.set()
            for future in futures:
                future.cancel()


@final
class _Job:
    """One training run, checked and ready to start."""

    def __init__(
        self,
        network: str | Architecture,
        points: FloatArray,
        how: str | Recipe,
        seed: Seed | int,
        device: str,
        name: str | None,
    ) -> None:
        self.points = _checked_points(points)
        self.architecture = architecture(network, ambient_dim=self.points.shape[1])
        self.recipe = recipe(how)
        self.batch = self.recipe.rows_a_step(len(self.points))
        self.seed = seed if isinstance(seed, Seed) else Seed(seed)
        self.device = _device(device)
        self.name = name if name is not None else f"{self.architecture} seed {self.seed}"

    def run(self, listener: Callable[[Event], None], should_stop: Callable[[], bool], stage: str) -> TrainingResult:
        listener(StageStarted(stage))
        started = time.perf_counter()
        encoder, decoder = self.architecture.build(self.seed.child("weights"))
        losses: list[float] = []
        with torch.no_grad():
            diverged, stopped = self._descend(encoder, decoder, losses, listener, should_stop, stage)
        result = self._result(encoder, decoder, losses, diverged, stopped, time.perf_counter() - started)
        listener(StageFinished(stage, result.seconds, result.note))
        return result

    def _descend(
        self,
        encoder: nn.Sequential,
        decoder: nn.Sequential,
        losses: list[float],
        listener: Callable[[Event], None],
        should_stop: Callable[[], bool],
        stage: str,
    ) -> tuple[bool, bool]:
        """Train the two modules in place; returns whether it diverged and whether it was stopped."""
        how, count = self.recipe, len(self.points)
        data = torch.from_numpy(self.points).to(self.device, torch.float32)
        weights = FlatNetwork(encoder, decoder, self.architecture, self.device)
        update = _OPTIMIZERS[how.optimizer](weights.flat, weights.gradient, how)
        order = torch.Generator().manual_seed(self.seed.child("order").value)
        steps = how.epochs * math.ceil(count / self.batch)
        step, heard = 0, time.perf_counter()
        diverged = stopped = False
        total = torch.zeros((), device=self.device)
        for epoch in range(how.epochs):
            if should_stop():
                stopped = True
                break
            rows = data[torch.randperm(count, generator=order).to(self.device)] if how.shuffle else data
            total.zero_()
            for start in range(0, count, self.batch):
                total += weights.squared_error(rows[start : start + self.batch])
                update(how.rate(step, steps))
                step += 1
            loss = float(total) / rows.numel()
            if not math.isfinite(loss):
                diverged = True
                break
            losses.append(loss)
            now = time.perf_counter()
            if now - heard >= _SECONDS_BETWEEN_EVENTS or epoch + 1 == how.epochs:
                heard = now
                listener(Progress(stage, epoch + 1, how.epochs, {"loss": loss}))
        weights.write_back()
        return diverged, stopped

    def _result(
        self,
        encoder: nn.Sequential,
        decoder: nn.Sequential,
        losses: list[float],
        diverged: bool,
        stopped: bool,
        seconds: float,
    ) -> TrainingResult:
        model = None
        error = unexplained = None
        if not diverged:
            model = ModuleAutoencoder(encoder, decoder, name=self.name)
            error = float(np.mean(np.square(model.reconstruct(self.points) - self.points)))
            variance = float(np.mean(np.var(self.points, axis=0)))
            unexplained = error / variance if variance > 0.0 else (0.0 if error == 0.0 else math.inf)
            if not math.isfinite(error):
                model, error, unexplained, diverged = None, None, None, True
        threshold = self.recipe.converged_below
        converged = unexplained is not None and not stopped and unexplained <= threshold
        reason: Reason | None
        if diverged:
            reason, note = Reason.DIVERGED, f"diverged in epoch {len(losses) + 1} of {self.recipe.epochs}"
        elif stopped:
            reason, note = Reason.INTERRUPTED, f"stopped after {len(losses)} of {self.recipe.epochs} epochs"
        else:
            reason = None if converged else Reason.NOT_CONVERGED
            note = (
                f"{'converged' if converged else 'not converged'}: mean squared error {error:.3g}, {unexplained:.2g} "
                f"of the variance (at most {threshold:g} counts as converged)"
            )
        return TrainingResult(
            model=model,
            losses=tuple(losses),
            mean_squared_error=error,
            unexplained=unexplained,
            converged=converged,
            diverged=diverged,
            stopped=stopped,
            reason=reason,
            seconds=seconds,
            note=note,
            architecture=self.architecture,
            recipe=self.recipe,
            seed=self.seed,
            device=str(self.device),
        )


@final
class FlatNetwork:
    """The weights of E and D as views of one flat vector, and the gradient of the squared error in another."""

    def __init__(
        self, encoder: nn.Sequential, decoder: nn.Sequential, shape: Architecture, device: torch.device
    ) -> None:
        self._linears = [m for part in (encoder, decoder) for m in part if isinstance(m, nn.Linear)]
        code = len(shape.hidden)
        last = len(self._linears) - 1
        self._active = [i not in (code, last) for i in range(last + 1)]
        self._forward, self._backward = _ACTIVATIONS[shape.activation]
        self._parameter = float(shape.parameter or 0.0)
        size = sum(p.numel() for m in self._linears for p in m.parameters())
        self.flat = torch.empty(size, device=device)
        self.gradient = torch.zeros(size, device=device)
        self._weights, self._biases = self._views(self.flat)
        self._weight_gradients, self._bias_gradients = self._views(self.gradient)
        for linear, weight, bias in zip(self._linears, self._weights, self._biases, strict=True):
            weight.copy_(linear.weight)
            bias.copy_(linear.bias)

    def _views(self, flat: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        weights, biases, start = [], [], 0
        for linear in self._linears:
            size = linear.weight.numel()
            weights.append(flat[start : start + size].view_as(linear.weight))
            biases.append(flat[start + size : start + size + linear.out_features])
            start += size + linear.out_features
        return weights, biases

    def squared_error(self, rows: Tensor) -> Tensor:
        """Sum over rows and coordinates of squared errors; leaves the gradient of their mean in `gradient`."""
        inputs, before = [rows], []
        for weight, bias, active in zip(self._weights, self._biases, self._active, strict=True):
            z = torch.addmm(bias, inputs[-1], weight.t())
            before.append(z)
            inputs.append(self._forward(z, self._parameter) if active else z)
        difference = inputs.pop() - rows
        flat = difference.view(-1)
        error = torch.dot(flat, flat)
        slope = difference.mul_(2.0 / difference.numel())
        for i in range(len(self._weights) - 1, -1, -1):
            if self._active[i]:
                slope = self._backward(slope, before[i], inputs[i + 1], self._parameter)
            torch.mm(slope.t(), inputs[i], out=self._weight_gradients[i])
            torch.sum(slope, 0, out=self._bias_gradients[i])
            if i:
                slope = slope @ self._weights[i]
        return error

    def write_back(self) -> None:
        """Copy the weights into the modules that they came from."""
        for linear, weight, bias in zip(self._linears, self._weights, self._biases, strict=True):
            linear.weight.copy_(weight)
            linear.bias.copy_(bias)


_Forward = Callable[[Tensor, float], Tensor]
_Backward = Callable[[Tensor, Tensor, Tensor, float], Tensor]

# Forward maps (z, parameter) to y; backward maps (dy, z, y, parameter) to dz.
_ACTIVATIONS: dict[str, tuple[_Forward, _Backward]] = {
    "relu": (lambda z, _: torch.relu(z), lambda g, z, y, _: _aten.threshold_backward(g, y, 0)),
    "leaky_relu": (
        nn.functional.leaky_relu,
        lambda g, z, y, s: _aten.leaky_relu_backward(g, z, s, False),
    ),
    "tanh": (lambda z, _: torch.tanh(z), lambda g, z, y, _: _aten.tanh_backward(g, y)),
    "sigmoid": (lambda z, _: torch.sigmoid(z), lambda g, z, y, _: _aten.sigmoid_backward(g, y)),
    "elu": (nn.functional.elu, lambda g, z, y, a: _aten.elu_backward(g, a, 1.0, 1.0, False, z)),
    "silu": (lambda z, _: nn.functional.silu(z), lambda g, z, y, _: _aten.silu_backward(g, z)),
    "gelu": (lambda z, _: nn.functional.gelu(z), lambda g, z, y, _: _aten.gelu_backward(g, z)),
    "sin": (lambda z, w: torch.sin(w * z), lambda g, z, y, w: w * g * torch.cos(w * z)),
    "cos": (lambda z, w: torch.cos(w * z), lambda g, z, y, w: -w * g * torch.sin(w * z)),
    "softplus": (
        lambda z, b: nn.functional.softplus(z, b),
        lambda g, z, y, b: _aten.softplus_backward(g, z, b, 20.0),
    ),
}


def _adam(flat: Tensor, gradient: Tensor, how: Recipe) -> Callable[[float], None]:
    flat.grad = gradient
    optimizer = torch.optim.Adam([flat], lr=how.learning_rate, eps=how.epsilon, fused=True)

    def update(rate: float) -> None:
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()

    return update


def _rmsprop(flat: Tensor, gradient: Tensor, how: Recipe) -> Callable[[float], None]:
    """v <- 0.9 v + 0.1 g^2, w <- w - rate g/sqrt(v + epsilon): epsilon inside the root as in Keras; torch differs."""
    mean_square = torch.zeros_like(flat)

    def update(rate: float) -> None:
        mean_square.mul_(0.9).addcmul_(gradient, gradient, value=0.1)
        flat.addcdiv_(gradient, (mean_square + how.epsilon).sqrt_(), value=-rate)

    return update


_OPTIMIZERS: dict[str, Callable[[Tensor, Tensor, Recipe], Callable[[float], None]]] = {
    "adam": _adam,
    "rmsprop": _rmsprop,
}


def _checked_points(points: FloatArray) -> FloatArray:
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


def _device(device: str) -> torch.device:
    if device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"device must be auto, cpu or cuda, got {device!r}.")
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("The device cuda was asked for and torch sees none here: use device 'auto' or 'cpu'.")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")
