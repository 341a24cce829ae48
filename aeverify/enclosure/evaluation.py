"""Boxes of several charts to certified bounds of the error: chunks in Morton order, dead ReLUs remembered as bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import torch
from torch import Tensor

from aeverify.core.clock import work
from aeverify.enclosure.charts import CellTable, ChartForms, cell_table, chart_forms
from aeverify.enclosure.distances import distance_bounds
from aeverify.enclosure.error_bounds import ErrorBounds, error_bounds
from aeverify.enclosure.network import Affine, Network
from aeverify.enclosure.relaxations import LeakyReLU
from aeverify.enclosure.rounding import UNIT
from aeverify.manifolds.chart import Chart

CHUNK = 384
"""Boxes that go through the network together: large enough to hide call overhead, small enough for the cache."""

_CHART = 60_000
"""Multiplications that count for a box whatever the network: its chart, and calls on small arrays."""


@dataclass(frozen=True)
class Boxes:
    """N boxes: corners (N, d), numbers of chart and cell (N,), and bits of the ReLUs that may be on, (N, bytes)."""

    low: Tensor
    high: Tensor
    chart: Tensor
    cell: Tensor
    alive: np.ndarray | None

    def __len__(self) -> int:
        return len(self.low)

    def select(self, index: Tensor) -> Boxes:
        """Some of the boxes."""
        alive = None if self.alive is None else self.alive[index.cpu().numpy()]
        return Boxes(self.low[index], self.high[index], self.chart[index], self.cell[index], alive)

    @staticmethod
    def join(parts: Sequence[Boxes]) -> Boxes:
        """The boxes of several lists."""
        bits = [p.alive for p in parts]
        alive = None if any(b is None for b in bits) else np.concatenate([b for b in bits if b is not None])
        columns = [torch.cat([getattr(p, k) for p in parts]) for k in ("low", "high", "chart", "cell")]
        return Boxes(columns[0], columns[1], columns[2], columns[3], alive)

    def centers(self) -> tuple[Tensor, Tensor]:
        """Centre and half-widths, the latter rounded up so that the box is covered whatever the centre lost."""
        center = (self.low + self.high) * 0.5
        half = torch.maximum(self.high - center, center - self.low)
        inexact = (center + half != self.high) | (center - half != self.low)
        return center, torch.where(inexact, half * (1 + 4 * UNIT), half)


@final
class Evaluator:
    """Certified error bounds of a network on boxes of charts."""

    def __init__(self, network: Network, charts: Sequence[Chart]) -> None:
        self.network, self.charts = network, tuple(charts)
        self.evaluated = 0
        self.table: CellTable
        weights = sum(stage.weight.numel() for stage in network.stages if isinstance(stage, Affine))
        self._cost = 2.0 * (weights + _CHART) * (2 + max(c.dim for c in self.charts))
        self.relus: list[tuple[int, int]] = []  # stage number and width
        stages = network.stages
        for i, stage in enumerate(stages):
            if isinstance(stage, LeakyReLU) and not stage.negative and stage.mask is None and not network.smooth:
                previous = stages[i - 1]
                assert isinstance(previous, Affine)
                self.relus.append((i, int(previous.weight.shape[1])))

    def prepare(self, cells: Boxes, check: Callable[[], None] = lambda: None) -> None:
        """Make the table of the cells that later boxes lie in; cell number i is row i of `cells`. Now and then `check`
        is called, and may raise."""
        center, half = cells.centers()
        order, parts = [], []
        for number, chart in enumerate(self.charts):
            for mine in (cells.chart == number).nonzero()[:, 0].split(4096 >> min(12, 2 * max(0, chart.dim - 3))):  # type: ignore[no-untyped-call]
                check()
                order.append(mine)
                parts.append(cell_table(chart, self.network.ambient_dim, center[mine], half[mine]))
        back = torch.argsort(torch.cat(order))
        self.table = CellTable(
            torch.cat([p.error for p in parts])[back],
            torch.cat([p.top for p in parts])[back],
            torch.cat([p.finite for p in parts])[back],
        )

    def count(self, boxes: int) -> None:
        """Count the work of sending so many boxes through the network, for budgets of counted work."""
        work(boxes * self._cost)

    def forms(self, boxes: Boxes) -> ChartForms:
        """Affine forms of the charts over the boxes; all boxes of one chart in one call."""
        center, half = boxes.centers()
        order, parts = [], []
        fine = self.table.finite[boxes.cell]
        whole = bool(fine.all())
        for number, chart in enumerate(self.charts):
            mine = boxes.chart == number
            for usable in (True,) if whole else (True, False):
                index = (mine if whole else mine & (fine == usable)).nonzero()[:, 0]
                if not len(index):
                    continue
                table, cell = self.table, boxes.cell[index]
                if not usable:  # the cell meets a singularity of the chart: ask the box itself
                    table = cell_table(chart, self.network.ambient_dim, center[index], half[index])
                    cell = torch.arange(len(index), device=cell.device)
                order.append(index)
                parts.append(chart_forms(chart, table, cell, center[index], half[index]))
        return (
            ChartForms.join(parts)
            if len(parts) == 1
            else ChartForms.join(parts).select(torch.argsort(torch.cat(order)))
        )

    def order(self, boxes: Boxes) -> Tensor:
        """A permutation that puts boxes near one another in parameter space near one another in the list."""
        center = (boxes.low + boxes.high) * 0.5
        key = torch.zeros(len(boxes), dtype=torch.long, device=center.device)
        dim = center.shape[1]
        bits = min(16, 48 // dim)
        lower = center.new_tensor([c.lower for c in self.charts])[boxes.chart]
        upper = center.new_tensor([c.upper for c in self.charts])[boxes.chart]
        cell = ((center - lower) / (upper - lower) * (2**bits)).long().clamp(0, 2**bits - 1)
        for b in range(bits):
            for i in range(dim):
                key |= ((cell[:, i] >> b) & 1) << (b * dim + i)
        return (key + (boxes.chart << (bits * dim))).argsort()

    def __call__(self, boxes: Boxes, check: Callable[[], None]) -> tuple[ErrorBounds, np.ndarray | None]:
        """Bounds of boxes that are already in order, and their bits; `check` may raise between chunks."""
        with torch.no_grad():
            forms = self.forms(boxes)
            parts, bits = [], []
            for start in range(0, len(boxes), CHUNK):
                check()
                index = slice(start, min(start + CHUNK, len(boxes)))
                chunk = forms.select(index)
                known = None if boxes.alive is None else self._unpack(boxes.alive[index])
                bounds, found = error_bounds(self.network, chunk, known)
                parts.append(bounds)
                bits.append(self._pack(found))
                self.count(len(bounds.lower))
            self.evaluated += len(boxes)
            alive = None if bits[0] is None else np.concatenate([b for b in bits if b is not None])
            bounds = self._constant_boxes(boxes, ErrorBounds.concatenate(parts))
        return bounds, alive

    def at_point(self, chart: int, place: Tensor) -> ErrorBounds:
        """Bounds at one point, (1, d), of a chart, in or out of the cells."""
        with torch.no_grad():
            zero = torch.zeros_like(place)
            table = cell_table(self.charts[chart], self.network.ambient_dim, place, zero)
            cell = torch.zeros(1, dtype=torch.long, device=place.device)
            return error_bounds(self.network, chart_forms(self.charts[chart], table, cell, place, zero), None)[0]

    def _constant_boxes(self, boxes: Boxes, bounds: ErrorBounds) -> ErrorBounds:
        """Sharper bounds where the network is constant on a box (`distances`)."""
        wide = bounds.constant & (boxes.high > boxes.low).any(1)  # at a point there is nothing to gain
        if not bool(wide.any()):
            return bounds
        lower, upper = bounds.lower.clone(), bounds.upper.clone()
        for number, chart in enumerate(self.charts):
            for index in (wide & (boxes.chart == number)).nonzero()[:, 0].split(4096):  # type: ignore[no-untyped-call]
                center, half = boxes.select(index).centers()
                low, high = distance_bounds(chart, bounds.value[index], bounds.radius[index], center, half)
                lower[index] = torch.maximum(lower[index], low)
                upper[index] = torch.minimum(upper[index], high)
        return replace(bounds, lower=lower, upper=upper)

    def _unpack(self, alive: np.ndarray) -> dict[int, Tensor]:
        union = np.unpackbits(np.bitwise_or.reduce(alive, axis=0)).astype(bool)
        known, start = {}, 0
        for stage, width in self.relus:
            known[stage] = torch.from_numpy(union[start : start + width]).to(self.network.device)
            start += width
        return known

    def _pack(self, found: dict[int, Tensor]) -> np.ndarray | None:
        if not self.relus:
            return None
        return np.packbits(torch.cat([found[stage] for stage, _ in self.relus], 1).cpu().numpy(), axis=1)
