"""Branch and bound over chart boxes: best first, in batches, interruptible, with bounded memory.

The state (pool of open boxes with their credits, totals of closed boxes) is a valid enclosure at every moment: a batch
of parents is replaced by its children in one assignment, after all of them have been evaluated. Whatever stops the
search (tolerance, time budget, Ctrl-C, box limit) leaves the enclosure reached so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor

from aeverify.core.clock import seconds
from aeverify.core.interval import Interval
from aeverify.enclosure.ascent import climb
from aeverify.enclosure.charts import require_chart
from aeverify.enclosure.error_bounds import ErrorBounds
from aeverify.enclosure.evaluation import Boxes, Evaluator
from aeverify.enclosure.network import Network
from aeverify.enclosure.questions import Enclosure, Question, Witness
from aeverify.enclosure.rounding import require_full_precision
from aeverify.enclosure.volumes import BoxVolumes, Patches, box_volumes, density_patches
from aeverify.errors import UsageError
from aeverify.manifolds.chart import Chart

INITIAL_CELLS = (512, 64, 16, 4, 4, 4, 3, 2)
"""Cells per axis of the first grid, for charts of one parameter, two, and so on; the last also for more."""
MOST_CELLS = 4096
"""Cells of the first grid of one chart; the whole chart is one cell where they would be more."""
BATCH = 8 * 384
"""Children that are evaluated between two looks at the question."""
CUTS = 3
"""Most cuts of one box in one round."""
SHRINK = 0.25
"""What a cut is expected to leave of the gap that its axis is to blame for."""
FIRST_CLIMB, LATER_CLIMB = (128, 12), (4, 12)
"""Boxes from which the largest error is looked for, and steps of the search, after the first grid and after a batch."""
SMALLEST = 2.0**-46
"""Boxes narrower than this part of their chart are not split further."""


class _OutOfTime(Exception):
    """The deadline passed between two chunks."""


@dataclass(frozen=True)
class _Pool:
    """Open boxes with what is known of them."""

    boxes: Boxes
    credits: Tensor
    axis: Tensor
    patch: Tensor

    def __len__(self) -> int:
        return len(self.boxes)

    def select(self, index: Tensor) -> _Pool:
        return _Pool(self.boxes.select(index), self.credits[index], self.axis[index], self.patch[index])

    @staticmethod
    def join(parts: Sequence[_Pool]) -> _Pool:
        if len(parts) == 1:
            return parts[0]
        boxes = Boxes.join([p.boxes for p in parts])
        return _Pool(
            boxes,
            torch.cat([p.credits for p in parts]),
            torch.cat([p.axis for p in parts]),
            torch.cat([p.patch for p in parts]),
        )


@dataclass(frozen=True)
class _State:
    pool: _Pool
    closed: tuple[float, ...]


def grid_of(charts: Sequence[Chart], device: torch.device, per_axis: Sequence[int] = INITIAL_CELLS) -> Boxes:
    """The first boxes: a regular grid on each chart, whose edges are shared exactly.

    Args:
        charts, device: whose boxes, and where they lie.
        per_axis: cells per axis, as `INITIAL_CELLS`.
    """
    lows, highs, numbers = [], [], []
    for number, chart in enumerate(charts):
        cells = per_axis[min(chart.dim, len(per_axis)) - 1]
        if cells**chart.dim > MOST_CELLS:
            lows.append(torch.tensor([chart.lower], dtype=torch.float64))
            highs.append(torch.tensor([chart.upper], dtype=torch.float64))
            numbers.append(torch.full((1,), number, dtype=torch.long))
            continue
        edges = []
        for low, high in zip(chart.lower, chart.upper, strict=True):
            steps = torch.arange(cells + 1, dtype=torch.float64) / cells
            edge = low + (high - low) * steps
            edge[-1] = high
            edges.append(edge)
        lows.append(torch.cartesian_prod(*[e[:-1] for e in edges]).reshape(-1, chart.dim))
        highs.append(torch.cartesian_prod(*[e[1:] for e in edges]).reshape(-1, chart.dim))
        numbers.append(torch.full((len(lows[-1]),), number, dtype=torch.long))
    owner = torch.cat(numbers).to(device)
    return Boxes(
        torch.cat(lows).to(device), torch.cat(highs).to(device), owner, torch.arange(len(owner)).to(device), None
    )


@final
class Subdivision:
    """One run of branch and bound."""

    def __init__(
        self,
        network: Network,
        charts: Sequence[Chart],
        question: Question,
        *,
        time_budget: float | None = None,
        max_boxes: int = 10_000_000,
        max_open: int = 2_000_000,
    ) -> None:
        if not charts:
            raise UsageError("No charts were given: there is no set to enclose the error on.")
        if len({c.dim for c in charts}) != 1:
            raise UsageError(f"All charts of one run need the same dimension, got {[c.dim for c in charts]}.")
        for chart in charts:
            require_chart(chart, network.ambient_dim)
        require_full_precision(network.device)
        self.network, self.charts, self.question = network, tuple(charts), question
        self.evaluate = Evaluator(network, charts)
        self.max_boxes, self.max_open = max_boxes, max_open
        self.start = seconds()
        self.deadline = None if time_budget is None else self.start + time_budget
        self.witness = Witness()
        self.patches: Patches | None = None
        self.state: _State | None = None

    def _check(self) -> None:
        if self.deadline is not None and seconds() >= self.deadline:
            raise _OutOfTime

    def run(self) -> Enclosure:
        """Search until the question is decided or something stops it."""
        stopped = "time budget"
        try:
            self._check()
            self._begin()
            while True:
                why = self._stop()
                if why is not None:
                    stopped = why
                    break
                self._round()
        except _OutOfTime:
            pass
        except KeyboardInterrupt:
            stopped = "interrupted"
        interval = self._interval()
        found = self.question.decided(interval)
        known = self.witness.chart >= 0
        return Enclosure(
            quantity=self.question.quantity,
            interval=interval,
            finished=found is not None,
            boxes=self.evaluate.evaluated,
            open_boxes=0 if self.state is None else len(self.state.pool),
            seconds=seconds() - self.start,
            stopped=found or stopped,
            witness=(self.witness.chart, self.witness.parameters) if known else None,
            witness_error=self.witness.error if known else None,
        )

    def _interval(self) -> Interval:
        if self.state is None:
            return Interval(0.0, 1.0 if self.question.needs_volumes else float("inf"))
        return self.question.interval(self.state.pool.credits, self.state.closed, self.witness)

    def _stop(self) -> str | None:
        assert self.state is not None
        why = self.question.decided(self._interval())
        if why is None and not len(self.state.pool):
            why = "resolution"
        if why is None and self.evaluate.evaluated >= self.max_boxes:
            why = "box limit"
        return why

    def _begin(self) -> None:
        boxes = grid_of(self.charts, self.network.device)
        self.evaluate.prepare(boxes, self._check)
        boxes = boxes.select(self.evaluate.order(boxes))
        patch = torch.arange(len(boxes), device=boxes.low.device)
        pool = self._judge(boxes, self._patches(boxes) if self.question.needs_volumes else None, patch)
        self.state = self._settle([pool], self.question.closed)

    def _patches(self, boxes: Boxes) -> Patches:
        """Density models on the boxes, in their order."""
        center, half = boxes.centers()
        table: Patches | None = None
        order = []
        for number, chart in enumerate(self.charts):
            mine = (boxes.chart == number).nonzero()[:, 0]
            for part in mine.split(8192):  # type: ignore[no-untyped-call]
                self._check()
                found = density_patches(chart, center[part], half[part])
                table = found if table is None else table.append(found)
                order.append(part)
        assert table is not None
        return table.take(torch.argsort(torch.cat(order)))

    def _volumes(self, boxes: Boxes, table: Patches, patch: Tensor) -> BoxVolumes:
        return box_volumes(table, patch, boxes.low, boxes.high)

    def _judge(self, boxes: Boxes, fresh: Patches | None, patch: Tensor) -> _Pool:
        """Evaluate boxes; `fresh` replaces the table of density models."""
        bounds, alive = self.evaluate(boxes, self._check)
        if fresh is not None:
            self.patches = fresh
        volumes = None if self.patches is None else self._volumes(boxes, self.patches, patch)
        credits = self.question.credits(bounds, volumes)
        if self.state is None:
            self._improve_witness(boxes, bounds, *FIRST_CLIMB)
        elif self.question.seeks_worst:
            self._improve_witness(boxes, bounds, *LATER_CLIMB)
        return _Pool(replace(boxes, alive=alive), credits, self._plan(bounds), patch)

    def _plan(self, bounds: ErrorBounds) -> Tensor:
        """The axes of the next cuts, (N, CUTS), -1 for none: one cut, or more where one would settle nothing.

        A forecast, on which no bound rests: half a box has half the slope along the cut axis, and the part of the gap
        between the affine bounds that this axis is to blame for shrinks by `SHRINK`. While the question expects to
        learn nothing from such a piece, the piece is not evaluated but cut again."""
        blame, gap = self.question.blame(bounds), bounds.blame
        total = gap.sum(1, keepdim=True)
        share = torch.where(total > 0, gap / total.clamp(min=1e-300), 1.0 / gap.shape[1])
        middle = (bounds.upper_offset + bounds.lower_offset) * 0.5
        radius = (bounds.upper_offset - bounds.lower_offset) * 0.5
        lower, upper = bounds.lower_slope.abs(), bounds.upper_slope.abs()
        going = torch.ones_like(middle, dtype=torch.bool)
        axes = []
        for _ in range(CUTS):
            axis = blame.argmax(1, keepdim=True)
            axes.append(torch.where(going[:, None], axis, -torch.ones_like(axis)))
            half = torch.ones_like(blame).scatter_(1, axis, 0.5)
            blame, lower, upper = blame * half, lower * half, upper * half
            share = share * torch.ones_like(blame).scatter_(1, axis, SHRINK)
            left = radius * share.sum(1)
            going = going & self.question.hopeless(middle, left, lower.sum(1), upper.sum(1), self.witness)
        return torch.cat(axes, 1)

    def _improve_witness(self, boxes: Boxes, bounds: ErrorBounds, start: int, rounds: int) -> None:
        """Climb from the centres of the `start` boxes where the largest errors are expected, and of as many where the
        upper bound is largest."""
        best = max(0.0, self.witness.error.lower)
        undecided = torch.isfinite(bounds.upper) & (bounds.upper > best)
        expected = (bounds.lower_offset + bounds.upper_offset) * 0.5 + bounds.upper_slope.abs().sum(1)
        places = []
        for promise in (expected, bounds.upper):
            promise = torch.where(undecided, promise, -torch.ones_like(promise))
            top = torch.topk(promise, min(start, len(promise))).indices
            places.append(top[promise[top] > best])
        top = torch.unique(torch.cat(places))
        if not len(top):
            return
        near = boxes.select(top)
        center, half = near.centers()
        points, errors = climb(self.network, self.charts, near.chart, center, half, rounds)
        index = int(errors.argmax())
        if float(errors[index]) <= best:
            return
        place = points[index : index + 1]
        found = self.evaluate.at_point(int(near.chart[index]), place)
        low, high = float(found.lower[0]), float(found.upper[0])
        if low > best:
            self.witness = Witness(int(near.chart[index]), tuple(place[0].tolist()), Interval(low, high))

    def _settle(self, parts: Sequence[_Pool], closed: tuple[float, ...]) -> _State:
        """Close what needs no further look, and keep the pool within its limit."""
        pool = _Pool.join(parts)
        done, more = self.question.close(pool.credits, self.witness)
        closed = self.question.add(closed, more)
        if bool(done.any()):
            pool = pool.select((~done).nonzero()[:, 0])
        span = pool.boxes.low.new_tensor([c.upper for c in self.charts]) - pool.boxes.low.new_tensor(
            [c.lower for c in self.charts]
        )
        width = (pool.boxes.high - pool.boxes.low).gather(1, pool.axis[:, :1])[:, 0]
        stuck = width <= SMALLEST * span[pool.boxes.chart].amin(1)
        if len(pool) > self.max_open:
            gaps = self.question.gaps(pool.credits, Interval(0.0, 1.0))
            limit = torch.topk(gaps, self.max_open * 9 // 10).values[-1]
            stuck |= gaps < limit
        if bool(stuck.any()):
            closed = self.question.add(closed, self.question.retire(pool.credits[stuck]))
            pool = pool.select((~stuck).nonzero()[:, 0])
        return _State(pool, closed)

    def _split(self, parents: _Pool) -> tuple[Boxes, Tensor]:
        """The pieces of each box, in place: each cut is one float, so the pieces tile the parent exactly."""
        low, high = parents.boxes.low, parents.boxes.high
        index = torch.arange(len(parents), device=low.device)
        for cut in range(CUTS):
            plan = parents.axis[index, cut]
            repeats = (plan >= 0).long() + 1
            index, axis = index.repeat_interleave(repeats), plan.repeat_interleave(repeats)
            low, high = low.repeat_interleave(repeats, 0), high.repeat_interleave(repeats, 0)
            first = torch.ones_like(axis, dtype=torch.bool)
            first[(repeats.cumsum(0) - 1)[repeats == 2]] = False
            cutting = (axis >= 0)[:, None]
            at = axis.clamp(min=0)[:, None]
            middle = (low.gather(1, at) + high.gather(1, at)) * 0.5
            low = torch.where(cutting & ~first[:, None], low.scatter(1, at, middle), low)
            high = torch.where(cutting & first[:, None], high.scatter(1, at, middle), high)
        alive = None if parents.boxes.alive is None else parents.boxes.alive[index.cpu().numpy()]
        return Boxes(low, high, parents.boxes.chart[index], parents.boxes.cell[index], alive), parents.patch[index]

    def _refine_patches(self, boxes: Boxes, patch: Tensor) -> Tensor:
        """New density models for boxes whose inherited one is too coarse for the tolerance."""
        assert self.patches is not None
        table = self.patches
        tolerance = max(getattr(self.question, "tolerance", 0.0), 1e-13)
        coarse = ~table.sharp | (table.remainder > 0.2 * tolerance * table.upper)
        index = coarse[patch].nonzero()[:, 0]
        if not len(index):
            return patch
        fresh = self._patches(boxes.select(index))
        numbers = torch.arange(len(index), device=patch.device) + len(table.center)
        self.patches = table.append(fresh)
        return patch.index_copy(0, index, numbers)

    def _round(self) -> None:
        """Split the boxes that keep the enclosure widest."""
        assert self.state is not None
        state = self.state
        pool, closed = state.pool, state.closed
        gaps = self.question.gaps(pool.credits, self._interval())
        chosen = self.question.selection(gaps, self._interval(), closed)
        rest = torch.ones(len(pool), dtype=torch.bool, device=gaps.device)
        rest[chosen] = False
        parents = pool.select(chosen)
        parents = parents.select(self.evaluate.order(parents.boxes))
        done: list[tuple[_Pool, int]] = []  # children, and how many parents they replace so far: one append for both
        try:
            for start in range(0, len(parents), BATCH // 2):
                part = parents.select(torch.arange(start, min(start + BATCH // 2, len(parents)), device=gaps.device))
                boxes, patch = self._split(part)
                if self.patches is not None:
                    patch = self._refine_patches(boxes, patch)
                done.append((self._judge(boxes, None, patch), start + len(part)))
        finally:
            finished = done[-1][1] if done else 0
            left = parents.select(torch.arange(finished, len(parents), device=gaps.device))
            self.state = self._settle([pool.select(rest.nonzero()[:, 0]), left, *(p for p, _ in done)], closed)
