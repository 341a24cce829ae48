"""Ensembles: many models of one architecture trained together, each a function of its own seed, data and rate alone.

Models are trained in groups, and groups in slices of about a second: a slice takes the states of a group and returns
them, further on. This process keeps the states between slices. So any `concurrent.futures.Executor` can carry slices
out; one that was lost with its worker is sent again and nothing is lost but its second; checkpoints, progress and
stopping happen between slices, where every state is whole.

What holds whatever N is: with the native engine model i is the same bit for bit. The batched engines (flat, functional,
graph) let a library sum over batches in an order that may depend on N: there the weights agree to rounding, which
training amplifies (a relative 1e-4 after a few hundred steps is usual, and more near a tear).
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from pathlib import Path
from typing import final

import numpy as np

from aeverify.autoencoders.architectures import Architecture
from aeverify.autoencoders.checkpoints import Checkpoints
from aeverify.autoencoders.engines.advance import advance
from aeverify.autoencoders.engines.choice import cores, device_for, engine_for, is_out_of_memory
from aeverify.autoencoders.engines.state import ModelState
from aeverify.autoencoders.executors import Inline, WorkerPool
from aeverify.autoencoders.members import Member, Modules
from aeverify.autoencoders.networks import one_thread
from aeverify.autoencoders.planning import Ensemble, Job
from aeverify.autoencoders.recipes import Recipe, recipe
from aeverify.autoencoders.results import TrainingResult
from aeverify.autoencoders.validation import is_count, is_real
from aeverify.core.events import Listener, Progress, StageFinished, StageStarted, silent
from aeverify.errors import AeverifyError, MeasurementError, ModelError, UsageError

_SLICE = 1.0
_INLINE_SLICE = 0.4
_POLL = 0.2
_WORTH_A_POOL = 15.0
_MOST_CRASHES = 3
_MOST_STAGES = 64


def train_ensemble(
    network: str | Architecture | Modules,
    members: Sequence[Member],
    how: str | Recipe = "default",
    *,
    executor: Executor | None = None,
    workers: int | None = None,
    device: str = "auto",
    engine: str = "auto",
    checkpoint: str | Path | None = None,
    interval: float = 30.0,
    listener: Listener = silent,
    should_stop: Callable[[], bool] | None = None,
    stage: str = "train {}",
    kept: MutableMapping[int, TrainingResult] | None = None,
) -> Iterator[tuple[int, TrainingResult]]:
    """Train models of one architecture together; yields (index, result) as each one ends.

    A model that diverges, or that its recipe's rule stops, ends alone. Input is checked before this returns.

    Args:
        network: architecture or its spec (the points' dimension fills in an `ambient_dim` that it leaves open), or
            `Modules` for a network of one's own.
        members: the models.
        how: recipe or its name.
        executor: carries slices out; it is left open. None takes a `WorkerPool` of one-thread processes where the work
            is worth one, else this process. A worker of one's own executor should run torch on one thread.
        workers: how many slices at a time; the default is the number of cores (1 on CUDA).
        device: "auto" (CUDA where there is one), "cpu" or "cuda".
        engine: "auto": native where the compiled kernel has the network and the loss, else flat; functional for general
            networks and losses with penalties. "native", "flat" and "functional" ask for one (on a CPU).
        checkpoint: folder of checkpoints. One that holds this run's is resumed: the same models, bit for bit on the
            same machine and engine, as if it had not been interrupted.
        interval: seconds between checkpoints: what a kill can lose.
        listener: hears StageStarted, Progress and StageFinished, a stage for each model, or one for all beyond 64
            models. Called on the caller's thread.
        should_stop: asked between slices (a few times a second); True ends the training, with results that are
            `stopped`.
        stage: name of the stages in events; {} stands for the index of the model.
        kept: takes each result by its index as soon as there is one.

    Raises:
        UsageError: unusable points, a batch larger than the data, an unknown name, a device or engine that is not
            there, a checkpoint of other models, too little memory even for one model, a recipe with penalties
            for a network with a loss of its own.
        ModelError: a module of one's own raised.
        MeasurementError: workers crashed again and again.
    """
    if workers is not None and not is_count(workers):
        raise UsageError(f"workers must be a positive whole number, got {workers!r}.")
    if not is_real(interval) or interval < 0.0:
        raise UsageError(f"interval must be a number of seconds from 0 on, got {interval!r}.")
    where = device_for(device)
    plan = recipe(how)
    if isinstance(network, Modules) and network.objective is not None and not plan.is_plain:
        raise UsageError(
            f"{network} has a loss of its own, and the recipe {plan.name} has penalties or another loss: these "
            "would be ignored. Give the kind's settings, or train one without a loss of its own, such as undercomplete."
        )
    ensemble = Ensemble(network, members, plan, where)
    chosen = engine_for(ensemble.network, ensemble.how, where, engine)
    checkpoints = None if checkpoint is None else Checkpoints(checkpoint)
    several = workers or (1 if where == "cuda" else cores())
    run = _Run(ensemble, chosen, executor, several, checkpoints, interval, listener, stage)
    return run.results(should_stop or (lambda: False), kept if kept is not None else {})


@final
class _Run:
    """One call of `train_ensemble`: sends slices and takes what they return."""

    def __init__(
        self,
        ensemble: Ensemble,
        engine: str,
        executor: Executor | None,
        workers: int,
        checkpoints: Checkpoints | None,
        interval: float,
        listener: Listener,
        stage: str,
    ) -> None:
        self._ensemble, self._engine, self._checkpoints, self._interval = ensemble, engine, checkpoints, interval
        self._listener, self._stage = listener, stage
        self._detailed = len(ensemble.members) <= _MOST_STAGES
        parallel = min(workers, len(ensemble.members))
        # Work that is not worth starting processes for is done here, and so is what cannot be sent.
        pays = ensemble.device == "cpu" and parallel > 1 and ensemble.seconds >= _WORTH_A_POOL
        self._own_pool = WorkerPool(parallel) if executor is None and pays and ensemble.is_importable else None
        self._executor: Executor = executor or self._own_pool or Inline()
        self._inline = isinstance(self._executor, Inline)
        self._workers = 1 if self._inline else workers
        self._jobs = ensemble.jobs(engine, self._workers)
        self._written = dict.fromkeys((job.saved for job in self._jobs), time.monotonic())
        for job in self._jobs:
            self._resume(job)

    def _resume(self, job: Job) -> None:
        if self._checkpoints is not None:
            states = self._checkpoints.load(job.saved.name, self._ensemble.identity(job.saved, self._engine))
            if states is not None:
                job.take(states)

    def results(
        self, should_stop: Callable[[], bool], kept: MutableMapping[int, TrainingResult]
    ) -> Iterator[tuple[int, TrainingResult]]:
        """Send slices, take their states, and yield what has ended."""
        began = time.perf_counter()
        ready: deque[Job] = deque(self._jobs)
        sent: dict[Future[list[ModelState]], Job] = {}
        done: set[int] = set()
        self._announce()
        try:
            for job in self._jobs:  # those that a checkpoint had ended
                yield from self._ended(job, done, kept)
            while (ready or sent) and not should_stop():
                while ready and len(sent) < self._workers:
                    job = ready.popleft()
                    sent[self._send(job)] = job
                for future in wait(sent, timeout=_POLL, return_when=FIRST_COMPLETED).done:
                    job = sent.pop(future)
                    again = self._take(job, future)
                    ready.extend(again)
                    if again == [job] or not again:
                        yield from self._ended(job, done, kept)
                        self._tell(job, done)
            for job in [*ready, *sent.values()]:
                yield from self._ended(job, done, kept, stopped=True)
            if not self._detailed:
                name = self._name("").strip()
                self._listener(StageFinished(name, time.perf_counter() - began, f"{len(done)} models"))
        finally:
            for future in sent:
                future.cancel()
            if self._own_pool is not None:
                self._own_pool.shutdown(cancel_futures=True)

    def _send(self, job: Job) -> Future[list[ModelState]]:
        seconds = _INLINE_SLICE if self._inline else _SLICE
        if self._checkpoints is not None:
            seconds = min(seconds, self._interval)
        try:
            if self._inline:
                with one_thread():
                    return self._executor.submit(advance, job.group, seconds)
            return self._executor.submit(advance, job.group, seconds)
        except BrokenExecutor as error:
            raise self._broken(error) from error

    def _take(self, job: Job, future: Future[list[ModelState]]) -> list[Job]:
        """The states of a slice; returns what is to be sent on: the job, its halves if it did not fit, or nothing."""
        try:
            states = future.result()
        except BrokenExecutor as error:
            if self._own_pool is None:
                raise self._broken(error) from error
            return self._after_crash(job, error)
        except AeverifyError:
            raise
        except Exception as error:
            return self._after_error(job, error)
        job.take(states)
        job.crashes = 0
        ended = not job.group.running
        if self._checkpoints is not None and (ended or time.monotonic() - self._written[job.saved] >= self._interval):
            identity = self._ensemble.identity(job.saved, self._engine)
            self._checkpoints.save(job.saved.name, identity, job.saved.states)
            self._written[job.saved] = time.monotonic()
        return [] if ended else [job]

    def _after_crash(self, job: Job, error: BaseException) -> list[Job]:
        job.crashes += 1
        if job.crashes <= _MOST_CRASHES:
            return [job]
        if len(job.indices) > 1:
            return job.halves()
        raise MeasurementError(
            f"The worker that trained model {job.indices[0]} crashed {job.crashes} times ({error}): as a rule, for "
            "lack of memory. Use fewer workers or a smaller network."
        ) from error

    def _after_error(self, job: Job, error: Exception) -> list[Job]:
        network = self._ensemble.network
        if is_out_of_memory(error):
            if len(job.indices) > 1:
                return job.halves()
            raise UsageError(
                f"There is not enough memory on {self._ensemble.device} to train even one model of {network}: choose a "
                "smaller network or batch, or another device."
            ) from error
        if isinstance(network, Modules):
            raise ModelError(
                f"Training {network} raised {type(error).__name__}: {error}. Give modules that map (rows, n) to "
                "(rows, m) and back in train mode."
            ) from error
        raise error

    def _broken(self, error: BaseException) -> UsageError:
        saved = "; what the checkpoints hold is resumed by the same call" if self._checkpoints is not None else ""
        return UsageError(
            f"The executor that was passed is broken ({error}): a worker of it died{saved}. Pass a new one, or none: "
            "the default replaces a crashed worker."
        )

    def _name(self, index: int | str) -> str:
        return self._stage.replace("{}", str(index))

    def _announce(self) -> None:
        if not self._detailed:
            self._listener(StageStarted(self._name("").strip(), sum(s.step for p in self._written for s in p.states)))
            return
        done = {
            i: state.step // self._ensemble.how.steps_an_epoch(job.group.count)
            for job in self._jobs
            for i, state in zip(job.indices, job.group.states, strict=True)
        }
        for i in sorted(done):
            self._listener(StageStarted(self._name(i), done[i]))

    def _tell(self, job: Job, done: set[int]) -> None:
        """Progress: of each model that goes on, or of all together where there are too many."""
        if self._detailed:
            for i, state in zip(job.indices, job.group.states, strict=True):
                if state.running:
                    self._progress(job, i, state)
            return
        saved = list(self._written)
        losses = [s.losses[-1] for part in saved for s in part.states if s.losses]
        figures = {"ended": float(len(done)), "models": float(len(self._ensemble.members))}
        if losses:
            figures["median loss"] = float(np.median(losses))
        taken = sum(s.step for part in saved for s in part.states)
        total = sum(self._ensemble.how.total_steps(len(points)) for points in self._ensemble.points)
        self._listener(Progress(self._name("").strip(), taken, total, figures))

    def _progress(self, job: Job, i: int, state: ModelState) -> None:
        per_epoch = self._ensemble.how.steps_an_epoch(job.group.count)
        figures = {"loss": state.losses[-1]} if state.losses else {}
        self._listener(
            Progress(self._name(i), state.step // per_epoch, math.ceil(job.group.steps / per_epoch), figures)
        )

    def _ended(
        self, job: Job, done: set[int], kept: MutableMapping[int, TrainingResult], stopped: bool = False
    ) -> Iterator[tuple[int, TrainingResult]]:
        """The results of the models of a job that have ended, or of all that are left where training was stopped."""
        for i, state in zip(job.indices, job.group.states, strict=True):
            if i in done or (state.running and not stopped):
                continue
            done.add(i)
            result = self._ensemble.result(i, state, self._engine)
            if not result.stopped:
                kept[i] = result
            if self._detailed:
                self._progress(job, i, state)
                self._listener(StageFinished(self._name(i), state.seconds, result.note))
            yield i, result
