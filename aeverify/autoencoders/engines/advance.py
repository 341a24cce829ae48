"""Advance a group of models: the one loop over steps and epochs, whatever engine takes the steps.

A group goes on for a given time and returns its states; what becomes of a model does not depend on where its steps were
interrupted. So a slice can be repeated elsewhere after a crash, and a saved state can be resumed.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.engines.order import epoch_order
from aeverify.autoencoders.engines.state import Engine, Float32, Group, ModelState, Status

_SPAN = 512
_GRAPH_SPAN = 8192


def engine_of(group: Group) -> Engine:
    """The engine that a group names, holding its states."""
    if group.engine == "native":
        from aeverify.autoencoders.engines.native import NativeEngine

        return NativeEngine(group)
    if group.engine == "functional":
        from aeverify.autoencoders.engines.functional import FunctionalEngine

        return FunctionalEngine(group)
    if group.engine == "graph":
        from aeverify.autoencoders.engines.graphs import GraphEngine

        return GraphEngine(group)
    from aeverify.autoencoders.engines.flat import FlatEngine

    return FlatEngine(group)


def advance(group: Group, seconds: float = math.inf) -> list[ModelState]:
    """Train the running models of a group, for about so many seconds or to their end.

    Returns:
        The states of all models of the group, those that had nothing left to do included: new ones, so that after an
        exception those of the group are what they were.
    """
    began = time.perf_counter()
    group = group.part(range(len(group.states)))
    group.states = copy.deepcopy(group.states)
    running = group.running
    if not running:
        return group.states
    engine = engine_of(group)
    per_epoch = group.recipe.steps_an_epoch(group.count)
    while running:
        start = group.states[running[0]].step
        stop = _stop_of_span(group, start, per_epoch)
        before = time.perf_counter()
        losses = engine.run(running, start, stop)
        took = time.perf_counter() - before
        for i, row in zip(running, losses, strict=True):
            group.states[i].seconds += took / len(running)
            _account(group, engine, i, row, per_epoch)
        running = [i for i in running if group.states[i].running]
        if time.perf_counter() - began >= seconds:
            break
    engine.store()
    return group.states


def _stop_of_span(group: Group, start: int, per_epoch: int) -> int:
    """Where the next span of steps ends: whole epochs where they are short, never beyond a look at the rule."""
    longest = _GRAPH_SPAN if group.engine == "graph" else _SPAN
    epochs = max(1, longest // per_epoch)
    if group.recipe.stop_epsilon is not None:
        epochs = min(epochs, group.recipe.stop_every - (start // per_epoch) % group.recipe.stop_every)
    if group.recipe.patience is not None:
        epochs = 1
    whole = (start // per_epoch + epochs) * per_epoch
    return min(group.steps, whole, start + longest)


def _account(group: Group, engine: Engine, member: int, losses: NDArray[np.float64], per_epoch: int) -> None:
    """Enter the losses of a span into the state of a model, and see whether it goes on."""
    state, steps = group.states[member], group.steps
    for loss in losses.tolist():
        if not math.isfinite(loss):
            state.status = Status.DIVERGED
            return
        state.epoch_loss += loss
        state.step += 1
        if state.step % per_epoch == 0:
            epoch = state.step // per_epoch
            state.record(epoch, state.epoch_loss / group.count)
            state.epoch_loss = 0.0
            if _is_enough(group, engine, member, epoch):
                state.status = Status.STOPPED
                return
    if state.step >= steps:
        state.status = Status.FINISHED


def _is_enough(group: Group, engine: Engine, member: int, epoch: int) -> bool:
    how, state = group.recipe, group.states[member]
    if how.patience is not None:
        if state.losses[-1] < state.best:
            state.best, state.best_epoch = state.losses[-1], epoch
        if epoch - state.best_epoch >= how.patience:
            return True
    if how.stop_epsilon is None or how.stop_delta is None or epoch % how.stop_every:
        return False
    points = group.watched[member]
    if points is None:
        points = materialised(group, member)
    errors = np.linalg.norm(engine.reconstruct(member, points) - points, axis=1)
    return bool(np.mean(~(errors <= how.stop_epsilon)) <= how.stop_delta)


def materialised(group: Group, member: int) -> Float32:
    """The training points of a model as an array."""
    points = group.points[member]
    if isinstance(points, np.ndarray):
        return points
    drawn: Float32 = points.tensor(group.device).cpu().numpy()
    return drawn


def batches(group: Group, members: Sequence[int], start: int, stop: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The rows of the steps start <= s < stop.

    Returns:
        Row numbers, shape (models, steps, batch), and how many of them each step uses, shape (steps,). Only the last
        step of an epoch uses fewer than all.
    """
    how, count = group.recipe, group.count
    batch, per_epoch = how.rows_a_step(count), how.steps_an_epoch(count)
    first, last = start // per_epoch, (stop - 1) // per_epoch
    width = per_epoch * batch
    rows = np.zeros((len(members), (last - first + 1) * width), dtype=np.int32)
    for k, i in enumerate(members):
        for e in range(first, last + 1):
            order = epoch_order(group.keys[i][0], e, count) if how.shuffle else np.arange(count)
            rows[k, (e - first) * width : (e - first) * width + count] = order
    counts = np.full(per_epoch, batch, dtype=np.int32)
    counts[-1] = count - (per_epoch - 1) * batch
    inside = slice(start - first * per_epoch, stop - first * per_epoch)
    return rows.reshape(len(members), -1, batch)[:, inside], np.tile(counts, last - first + 1)[inside]


def factors(group: Group, start: int, stop: int) -> NDArray[np.float64]:
    """The schedule of the learning rate, as shares of its largest value."""
    return group.recipe.factors(start, stop, group.steps)
