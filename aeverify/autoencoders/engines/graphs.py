"""The graph engine: many fully connected networks on a CUDA device, each step replayed from one captured graph.

Not yet run on a GPU: it was written and type-checked for one, and its steps are tested on the CPU, where the same
operations run without capture.

A step reads its place, its rows and its rate from tensors on the device and leaves its losses in one, so that nothing
is sent and nothing waits until the span ends; the order of an epoch is computed on the device as well. The optimiser is
bound by memory: it reads weights, gradient and two moments and writes three of them, 28 bytes a weight and step, and
the gradient is written once more: 32 bytes, or 2.2 MB a step of the paper's network. Products are float32 without TF32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from aeverify.autoencoders.architectures import Architecture
from aeverify.autoencoders.engines.advance import factors
from aeverify.autoencoders.engines.flat import FlatNetworks, Update, stacked
from aeverify.autoencoders.engines.order import epoch_orders
from aeverify.autoencoders.engines.state import MOMENTS, Float32, Group
from aeverify.autoencoders.recipes import Recipe

BYTES_A_WEIGHT_AND_STEP = 32
"""Memory traffic that no step can avoid: the floor against which the GPU benchmark is measured."""

_ROWS = 65_536
_WARM_UP = 3


def bytes_a_model(shape: Architecture, how: Recipe, count: int) -> int:
    """Estimate of the memory on the device that one model of an ensemble needs: weights, gradient, moments and a
    layer's product, three activations a unit and row, its points and their order."""
    units = sum(shape.encoder_sizes) + sum(shape.decoder_sizes)
    vectors = 3 + MOMENTS[how.optimizer]
    rows = how.rows_a_step(count)
    return 4 * (vectors * shape.parameter_count + 3 * rows * units + count * (shape.ambient_dim + 4))


@final
class GraphEngine:
    """The running models of a group as one batch on their device."""

    def __init__(self, group: Group) -> None:
        self._group, self._members, self._device = group, group.running, group.device
        self._load()

    def _load(self) -> None:
        group, how, device = self._group, self._group.recipe, self._device
        self._weights, self._moments, self._points = stacked(group, self._members, device)
        self._networks = FlatNetworks(group.network, self._weights)
        start, rates = group.states[self._members[0]].step, [group.rates[i] for i in self._members]
        self._update = Update(how, self._weights, self._networks.gradient, self._moments, start, rates)
        count, batch, per_epoch = group.count, how.rows_a_step(group.count), how.steps_an_epoch(group.count)
        keys = [k - 2**64 if k >= 2**63 else k for k in (group.keys[i][0] % 2**64 for i in self._members)]
        self._keys = torch.tensor(keys, dtype=torch.int64, device=device)
        self._order = torch.zeros((len(self._members), per_epoch * batch), dtype=torch.int64, device=device)
        used = torch.ones(per_epoch * batch, device=device)
        used[count:] = 0.0
        self._used = used.view(per_epoch, batch) if count % batch else None
        self._columns = torch.arange(batch, device=device)
        self._step = torch.zeros((1,), dtype=torch.int64, device=device)  # within its epoch
        self._at = torch.zeros((1,), dtype=torch.int64, device=device)  # within its span
        self._graph: torch.cuda.CUDAGraph | None = None
        self._shares = torch.empty(0, dtype=torch.float64, device=device)
        self._losses = torch.empty(0, device=device)

    def _take_step(self) -> None:
        """One step of all models, in operations on tensors that stay where they are."""
        columns = self._step * len(self._columns) + self._columns
        index = self._order.index_select(1, columns)[:, :, None].expand(-1, -1, self._points.shape[2])
        rows = self._points.gather(1, index)
        used = None if self._used is None else self._used.index_select(0, self._step)[0]
        errors = self._networks.squared_errors(rows, used)
        self._losses.index_copy_(0, self._at, errors[None])
        self._update(self._shares.index_select(0, self._at)[0])
        self._step.add_(1)
        self._at.add_(1)

    def _capture(self) -> None:
        """Record a step as a graph; the steps that warm it up are undone."""
        held = [self._weights.clone(), self._moments.clone(), self._step.clone(), self._at.clone()]
        side: torch.cuda.Stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UP):
                self._step.copy_(held[2])
                self._at.copy_(held[3])
                self._take_step()
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._take_step()
        for tensor, before in zip((self._weights, self._moments, self._step, self._at), held, strict=True):
            tensor.copy_(before)

    @torch.no_grad()
    def run(self, members: Sequence[int], start: int, stop: int) -> NDArray[np.float64]:
        """See `Engine`."""
        group, how = self._group, self._group.recipe
        if list(members) != self._members:
            self.store()
            self._members = list(members)
            self._load()
        steps, per_epoch, count = stop - start, how.steps_an_epoch(group.count), group.count
        if len(self._shares) < steps:  # the graph, if there is one, reads other tensors
            self._shares = torch.zeros(steps, dtype=torch.float64, device=self._device)
            self._losses = torch.zeros((steps, len(members)), device=self._device)
            self._graph = None
        self._shares[:steps] = torch.from_numpy(factors(group, start, stop)).to(self._device)
        self._at.zero_()
        self._step.fill_(start % per_epoch)
        for s in range(start, stop):
            if s == start or s % per_epoch == 0:
                self._step.fill_(s % per_epoch)
                if how.shuffle:
                    self._order[:, :count] = epoch_orders(self._keys, s // per_epoch, count)
                else:
                    self._order[:, :count] = torch.arange(count, device=self._device)
            if self._device == "cpu":
                self._take_step()
                continue
            if self._graph is None:
                self._capture_at(s)
            assert self._graph is not None
            self._graph.replay()
        sums: NDArray[np.float64] = self._losses[:steps].cpu().numpy().T.astype(np.float64)
        return sums / float(group.network.ambient_dim)

    def _capture_at(self, step: int) -> None:
        before = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = False
        try:
            self._capture()
        finally:
            torch.backends.cuda.matmul.allow_tf32 = before
        # The counter of the optimiser went along with the steps that warmed the graph up.
        self._update.taken.fill_(float(step))

    @torch.no_grad()
    def reconstruct(self, member: int, points: Float32) -> Float32:
        """See `Engine`."""
        row = self._members.index(member)
        parts = torch.split(torch.from_numpy(np.ascontiguousarray(points)).to(self._device), _ROWS)
        outputs: Float32 = torch.cat([self._networks.reconstruct(row, p) for p in parts]).cpu().numpy()
        return outputs

    def store(self) -> None:
        """See `Engine`."""
        weights, moments = self._weights.cpu().numpy(), self._moments.cpu().numpy()
        for row, i in enumerate(self._members):
            state = self._group.states[i]
            state.weights[:], state.moments[:] = weights[row], moments[:, row]
