"""Planning: an ensemble as groups of models with their first states, checked before anything is trained."""

from __future__ import annotations

import hashlib
import math
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch

from aeverify.autoencoders.architectures import Architecture
from aeverify.autoencoders.engines.functional import ModulePair, buffers_of, fill, flat_weights
from aeverify.autoencoders.engines.graphs import bytes_a_model
from aeverify.autoencoders.engines.state import MOMENTS, Group, ModelState, PointSource
from aeverify.autoencoders.members import Member, Modules, checked_points, network_for
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.autoencoders.protocol import FloatArray
from aeverify.autoencoders.recipes import Recipe
from aeverify.autoencoders.results import TrainingResult, result_of
from aeverify.errors import ModelError, UsageError

MOST_IN_A_GROUP = 16
"""On a CPU: 16 paper models with their moments fill 17 MB, about what stays in the last cache."""

_FLOPS = 5e10
_DEVICE_SHARE = 0.8


@final
@dataclass(eq=False)
class Saved:
    """The models that share a checkpoint: its name, their indices and their latest whole states."""

    name: str
    indices: tuple[int, ...]
    states: list[ModelState]


@dataclass(eq=False)
class Job:
    """Models that are sent off together: their indices, the group, and how often a worker died with it."""

    indices: list[int]
    group: Group
    saved: Saved
    crashes: int = 0

    def take(self, states: list[ModelState]) -> None:
        """Take the states that a slice returned."""
        self.group.states = states
        for i, state in zip(self.indices, states, strict=True):
            self.saved.states[self.saved.indices.index(i)] = state

    def halves(self) -> list[Job]:
        """Two jobs of half the models each."""
        middle = len(self.indices) // 2
        places = (range(middle), range(middle, len(self.indices)))
        return [Job([self.indices[k] for k in some], self.group.part(some), self.saved) for some in places]


@final
class Ensemble:
    """What is to be trained: networks, points and first states of all members.

    Raises:
        UsageError: no members; unusable points; a batch larger than the data.
        ModelError: modules of one's own that do not fit together.
    """

    def __init__(
        self, network: str | Architecture | Modules, members: Sequence[Member], how: Recipe, device: str
    ) -> None:
        if not members:
            raise UsageError("No model was asked for: give at least one member (for restarts, at least one seed).")
        self.members, self.how, self.device = members, how, device
        self.points = self._checked()
        self.network = network_for(network, self.points[0].shape[1])
        for points in {id(p): p for p in self.points}.values():
            how.rows_a_step(len(points))
        self._modules: tuple[torch.nn.Module, torch.nn.Module] | None = None
        self.states = [self._first_state(i) for i in range(len(members))]

    def _checked(self) -> list[FloatArray]:
        """The points of all members in float64; members that share an array share the copy."""
        known: dict[int, FloatArray] = {}
        for member in self.members:
            if id(member.points) not in known:
                known[id(member.points)] = checked_points(_drawn(member.points, self.device))
        points = [known[id(m.points)] for m in self.members]
        widths = {p.shape[1] for p in points}
        if len(widths) > 1:
            raise UsageError(f"The members' points have dimensions {sorted(widths)}; an ensemble has one architecture.")
        for member in self.members:
            if member.watched is not None and checked_points(member.watched).shape[1] not in widths:
                raise UsageError("The watched points must have the dimension of the training points.")
        return points

    def _first_state(self, i: int) -> ModelState:
        encoder, decoder = self.network.build(self.members[i].seed.child("weights"))
        if self._modules is None:
            if isinstance(self.network, Modules):
                _try_out(self.network, encoder, decoder, self.points[i][:2])
            self._modules = encoder, decoder
        weights = flat_weights(encoder, decoder)
        moments = np.zeros((MOMENTS[self.how.optimizer], len(weights)), dtype=np.float32)
        return ModelState(weights, moments, buffers_of(encoder, decoder))

    @property
    def seconds(self) -> float:
        """Estimate of the work, on one core at 50 GFLOP/s: six operations a weight, row and step."""
        work = 0.0
        for state, points in zip(self.states, self.points, strict=True):
            work += 6.0 * len(state.weights) * self.how.total_steps(len(points)) * self.how.rows_a_step(len(points))
        return work / _FLOPS

    @property
    def is_importable(self) -> bool:
        """Whether another process can rebuild the network: a class that lives in `__main__` cannot be sent."""
        try:
            return b"__main__" not in pickle.dumps(self._for_engines())
        except Exception:
            return False

    def _for_engines(self) -> Architecture | ModulePair:
        if isinstance(self.network, Architecture):
            return self.network
        assert self._modules is not None
        return ModulePair(*self._modules, self.points[0].shape[1], self.network.objective, self.network.name)

    def jobs(self, engine: str, workers: int) -> list[Job]:
        """Groups of models with equally many points, sized to the cache of a CPU or to the memory of a device."""
        by_count: dict[int, list[int]] = {}
        for i, points in enumerate(self.points):
            by_count.setdefault(len(points), []).append(i)
        shared = {id(p): np.ascontiguousarray(p, dtype=np.float32) for p in self.points}
        network = self._for_engines()
        jobs: list[Job] = []
        for count, indices in by_count.items():
            size = self._group_size(len(indices), count, workers)
            for start in range(0, len(indices), size):
                some = indices[start : start + size]
                group = Group(
                    network=network,
                    recipe=self.how,
                    engine=engine,
                    device=self.device,
                    points=[self._source(i, shared) for i in some],
                    keys=[self._keys(i) for i in some],
                    rates=[self.members[i].learning_rate or self.how.learning_rate for i in some],
                    watched=[self._watched(i) for i in some],
                    states=[self.states[i] for i in some],
                    count=count,
                )
                saved = Saved(f"group-{len(jobs):04d}", tuple(some), list(group.states))
                jobs.append(Job(some, group, saved))
        return jobs

    def _source(self, i: int, shared: dict[int, Any]) -> Any:
        points = self.members[i].points
        return points if self.device != "cpu" and _is_source(points) else shared[id(self.points[i])]

    def _watched(self, i: int) -> Any:
        watched = self.members[i].watched
        return None if watched is None else np.ascontiguousarray(watched, dtype=np.float32)

    def _keys(self, i: int) -> tuple[int, int]:
        seed = self.members[i].seed
        return seed.child("order").value, seed.child("noise").value

    def _group_size(self, models: int, count: int, workers: int) -> int:
        if self.device == "cpu" or not isinstance(self.network, Architecture):
            return min(MOST_IN_A_GROUP, math.ceil(models / min(workers, models)))
        free, _ = torch.cuda.mem_get_info()
        return max(1, int(_DEVICE_SHARE * free) // bytes_a_model(self.network, self.how, count))

    def identity(self, saved: Saved, engine: str) -> dict[str, Any]:
        """What a checkpoint must agree with."""
        how = {k: v for k, v in self.how.to_dict().items() if k not in ("name", "summary")}
        data = hashlib.sha256()
        for i in saved.indices:
            data.update(self.points[i].tobytes())
        members = [self.members[i] for i in saved.indices]
        return {
            "architecture": str(self.network),
            "parameters": len(self.states[0].weights),
            "recipe": how,
            "seeds": [str(m.seed) for m in members],
            "learning rates": [m.learning_rate or self.how.learning_rate for m in members],
            "data": data.hexdigest(),
            "engine": engine,
        }

    def result(self, i: int, state: ModelState, engine: str) -> TrainingResult:
        """What became of member i, with its model."""
        member, points = self.members[i], self.points[i]
        name = member.name if member.name is not None else f"{self.network} seed {member.seed}"
        model = self._model(state, name)
        return result_of(state, model, points, self.network, self.how, member.seed, self.device, engine)

    def _model(self, state: ModelState, name: str) -> ModuleAutoencoder:
        assert self._modules is not None
        encoder, decoder = self._modules
        fill(state.weights, state.buffers, encoder, decoder)
        if isinstance(self.network, Architecture):
            return ModuleAutoencoder(encoder, decoder, name=name)
        points = self.points[0][:2]
        with torch.no_grad():
            codes = encoder.eval()(torch.from_numpy(points).to(torch.float32))
        model = ModuleAutoencoder(
            encoder, decoder.eval(), ambient_dim=points.shape[1], latent_dim=codes.shape[1], name=name
        )
        encoder.train()
        decoder.train()
        return model


def _is_source(points: object) -> bool:
    return not isinstance(points, np.ndarray) and callable(getattr(points, "tensor", None))


def _drawn(source: object, device: str) -> FloatArray | object:
    """The points of a source, for the measurements that are made here; anything else as it is."""
    if not _is_source(source):
        return source
    made: PointSource = source  # type: ignore[assignment]
    points: FloatArray = made.tensor(device).cpu().numpy().astype(np.float64)
    return points


def _try_out(network: Modules, encoder: object, decoder: object, points: FloatArray) -> None:
    """Send two rows through the modules, so that what does not fit is said before training begins."""
    if not isinstance(encoder, torch.nn.Module) or not isinstance(decoder, torch.nn.Module):
        raise UsageError(
            f"{network.name}: build must return two torch modules, got {type(encoder).__name__} and "
            f"{type(decoder).__name__}."
        )
    if not any(p.numel() for module in (encoder, decoder) for p in module.parameters()):
        raise UsageError(f"{network.name} has no parameters to train.")
    rows = torch.from_numpy(np.repeat(points, 2, axis=0)[:2]).to(torch.float32)
    modes = encoder.training, decoder.training
    try:
        with torch.no_grad():
            codes = encoder.eval()(rows)
            outputs = decoder.eval()(codes)
    except Exception as error:
        raise ModelError(f"{network.name} raised {type(error).__name__} on two training points: {error}.") from error
    encoder.train(modes[0])
    decoder.train(modes[1])
    if codes.ndim != 2 or outputs.shape != rows.shape:
        raise ModelError(
            f"{network.name} maps rows of shape {tuple(rows.shape)} to codes {tuple(codes.shape)} and outputs "
            f"{tuple(outputs.shape)}; expected (rows, m) and {tuple(rows.shape)}. Flatten inside the modules."
        )
