"""Training: one architecture, one recipe and one seed give one model; restarts give several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from concurrent.futures import Executor
from pathlib import Path

from aeverify.autoencoders.architectures import Architecture
from aeverify.autoencoders.ensembles import train_ensemble
from aeverify.autoencoders.members import Member, Modules
from aeverify.autoencoders.protocol import FloatArray
from aeverify.autoencoders.recipes import Recipe
from aeverify.autoencoders.results import TrainingResult
from aeverify.core.events import Listener, silent
from aeverify.core.seeds import Seed, as_seed
from aeverify.errors import UsageError

__all__ = ["TrainingResult", "train", "train_restarts"]


def train(
    network: str | Architecture | Modules,
    points: FloatArray,
    how: str | Recipe = "default",
    seed: Seed | int = 0,
    *,
    listener: Listener = silent,
    should_stop: Callable[[], bool] | None = None,
    device: str = "auto",
    engine: str = "auto",
    name: str | None = None,
    stage: str = "train",
    checkpoint: str | Path | None = None,
    interval: float = 30.0,
) -> TrainingResult:
    """Train one model in float32, on one thread.

    The initial weights come from the seed's child "weights", the order of the rows from its child "order". Divergence
    ends in a result, not in an exception. Cost: about 0.14 ms a step for the paper's network at batch 20.

    Args:
        network: architecture or its spec; the points' dimension fills in an `ambient_dim` that the spec leaves open.
        points: training points, shape (N, n), finite.
        how: recipe or its name.
        seed: root of the run's random streams.
        listener: hears StageStarted, Progress (a few a second) and StageFinished.
        should_stop: asked a few times a second; True ends the training with `stopped`.
        device: "auto" (CUDA where there is one), "cpu" or "cuda".
        engine: see `train_ensemble`.
        name: of the model; the default tells the architecture and the seed.
        stage: name of the stage in events.
        checkpoint, interval: see `train_ensemble`.

    Raises:
        UsageError: unusable points, a batch larger than the data, an unknown name, a device that is not there, a
            checkpoint of another model.
        ModelError: a module of one's own raised.
    """
    member = Member(as_seed(seed), points, name=name)
    results = train_ensemble(
        network,
        [member],
        how,
        workers=1,
        device=device,
        engine=engine,
        checkpoint=checkpoint,
        interval=interval,
        listener=listener,
        should_stop=should_stop,
        stage=stage,
    )
    return next(iter(dict(results).values()))


def train_restarts(
    network: str | Architecture | Modules,
    points: FloatArray,
    how: str | Recipe = "default",
    seeds: Sequence[Seed] = (),
    *,
    listener: Listener = silent,
    should_stop: Callable[[], bool] | None = None,
    device: str = "auto",
    names: Sequence[str] | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    checkpoint: str | Path | None = None,
    interval: float = 30.0,
    kept: MutableMapping[int, TrainingResult] | None = None,
) -> Iterator[TrainingResult]:
    """Train one model for each seed on the same points, and yield them in the order of the seeds, each as soon as it
    and those before it have ended.

    Nothing is trained before the first result is asked for. An interrupt loses what was running: results that were
    yielded are the caller's, and those that had ended but were not yielded are in `kept`. The stage of seed i is
    "train restart i", counted from 0. Everything else is that of `train_ensemble`.

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
    members = [Member(as_seed(s), points, name=None if names is None else names[i]) for i, s in enumerate(seeds)]
    results = train_ensemble(
        network,
        members,
        how,
        executor=executor,
        workers=workers,
        device=device,
        checkpoint=checkpoint,
        interval=interval,
        listener=listener,
        should_stop=should_stop,
        stage="train restart {}",
        kept=kept,
    )
    return _in_order(results, len(seeds))


def _in_order(results: Iterator[tuple[int, TrainingResult]], count: int) -> Iterator[TrainingResult]:
    early: dict[int, TrainingResult] = {}
    for i in range(count):
        while i not in early:
            index, result = next(results)
            early[index] = result
        yield early.pop(i)
