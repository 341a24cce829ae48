"""Passes over the rows of affine forms, whose number differs from box to box.

N boxes share one matrix `rows` (slots * N + R, w): `slots` blocks of N rows, one row of each box in each block, then R
ragged rows, row i of box owner[i]. A pass over such a matrix moves far more memory than it computes, so that what is
done to a row is done while it is at hand: on the processor by compiled loops (`loops`), on other devices by tensor
operations. Both are plain IEEE float64 arithmetic, with the same operations but for the order of the sums.
"""

from __future__ import annotations

import importlib
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, final

import numpy as np
import torch
from torch import Tensor

with warnings.catch_warnings():  # the library says once a process that its sparse rows are in beta
    warnings.simplefilter("ignore")
    torch.sparse_csr_tensor([0, 1], [0], [1.0], (1, 1))


@cache
def _loops() -> Any:
    """The compiled loops, and with them the compiler: loaded when first needed."""
    return importlib.import_module("aeverify.enclosure.loops")


def _compiled(tensor: Tensor) -> bool:
    """Whether the compiled loops reach the tensor's memory."""
    return tensor.device.type == "cpu"


@final
@dataclass(frozen=True)
class Grouping:
    """The ragged rows by box: order[starts[b] : starts[b + 1]] are those of box b; no box has more than `most`."""

    starts: Tensor
    order: Tensor
    most: int

    @staticmethod
    def of(owner: Tensor, count: int) -> Grouping:
        """Group rows with these owners, numbers below `count`."""
        if _compiled(owner):
            starts, order = owner.new_empty(count + 1), torch.empty_like(owner)
            return Grouping(starts, order, _loops().group(owner.numpy(), starts.numpy(), order.numpy()))
        starts = torch.zeros(count + 1, dtype=torch.long, device=owner.device)
        counts = torch.bincount(owner, minlength=count)
        torch.cumsum(counts, 0, out=starts[1:])
        return Grouping(starts, torch.argsort(owner, stable=True), int(counts.max()))

    def sum(self, values: Tensor) -> Tensor:
        """Sums over the rows of each box: (R, w) to (N, w)."""
        if _compiled(values):
            out = values.new_empty(len(self.starts) - 1, values.shape[1])
            _loops().total(values.contiguous().numpy(), self.starts.numpy(), self.order.numpy(), out.numpy())
            return out
        return self._selector(values) @ values

    def _selector(self, like: Tensor) -> Tensor:
        ones = torch.ones(len(self.order), dtype=like.dtype, device=like.device)
        shape = (len(self.starts) - 1, len(self.order))
        return torch.sparse_csr_tensor(self.starts, self.order, ones, shape, check_invariants=False)


def spread(rows: Tensor, slots: int, groups: Grouping) -> Tensor:
    """Sum of the magnitudes of all rows of each box but its first, (N, w): at most slots - 1 + groups.most terms."""
    count = len(groups.starts) - 1
    if _compiled(rows):
        out = rows.new_empty(count, rows.shape[1])
        _loops().spread(rows.numpy(), slots, groups.starts.numpy(), groups.order.numpy(), out.numpy())
        return out
    out = rows[count : slots * count].view(slots - 1, count, -1).abs().sum(0)
    return out + groups.sum(rows[slots * count :].abs()) if len(groups.order) else out


class Sides(NamedTuple):
    """On which side of 0 the neurons are: slope (N, w), 1 where above and `negative` elsewhere; alive (N, w), where not
    below; the size |centre| + spread (N, w); and box, neuron, lower and upper bound of those that are on both sides."""

    slope: Tensor
    alive: Tensor
    size: Tensor
    box: Tensor
    neuron: Tensor
    low: Tensor
    high: Tensor


def sides(
    rows: Tensor, slots: int, groups: Grouping, rounding: Tensor, loss: float, negative: float, mask: Tensor | None
) -> Sides:
    """The neurons centre +- (spread + rounding + loss * (|centre| + spread)) against 0; those off `mask` are above.

    NaN (an overflow) is neither above nor below: it stays open and spoils the box, as it should."""
    count, width = rounding.shape
    reach = spread(rows, slots, groups)
    if _compiled(rows):
        slope, alive = rows.new_empty(count, width), torch.empty(count, width, dtype=torch.bool)
        box, neuron = torch.empty(2, count * width, dtype=torch.long).unbind()
        low, high = rows.new_empty(2, count * width).unbind()
        inside = np.ones(width, np.bool_) if mask is None else mask.numpy()
        found = _loops().sides(
            rows.numpy(), reach.numpy(), rounding.numpy(), loss, negative, inside, slope.numpy(), alive.numpy(),
            box.numpy(), neuron.numpy(), low.numpy(), high.numpy(),
        )  # fmt: skip
        return Sides(slope, alive, reach, box[:found], neuron[:found], low[:found], high[:found])
    center = rows[:count]
    size = center.abs() + reach
    radius = reach + rounding + loss * size
    lower, upper = center - radius, center + radius
    above = lower >= 0
    unstable = ~(above | (upper <= 0))
    if mask is not None:
        above, unstable = above | ~mask, unstable & mask
    slope = above.to(rows.dtype)
    slope += (1 - slope) * negative
    box, neuron = unstable.nonzero(as_tuple=True)
    return Sides(slope, above | unstable, size, box, neuron, lower[box, neuron], upper[box, neuron])


def shares(rows: Tensor, dim: int, count: int, box: Tensor, neuron: Tensor) -> Tensor:
    """Shares of the chart axes in the slopes (blocks 1 to dim of `rows`) of some neurons, (U, dim)."""
    if _compiled(rows):
        out = rows.new_empty(len(box), dim)
        _loops().shares(rows.numpy(), count, box.numpy(), neuron.numpy(), out.numpy())
        return out
    parts = rows[: (1 + dim) * count].view(1 + dim, count, -1)[1:, box, neuron].abs().T
    return parts / parts.sum(1, keepdim=True).clamp(min=1e-300)


def relax(
    rows: Tensor,
    slots: int,
    owner: Tensor,
    found: Sides,
    slope: Tensor,
    offset: Tensor,
    error: Tensor,
    rounding: Tensor,
) -> None:
    """Take every neuron y to found.slope * y, those of found.box and found.neuron to slope * y + offset +- error.

    In place: all of `rows`, their size and their rounding."""
    if _compiled(rows):
        _loops().relax(
            rows.numpy(), slots, owner.numpy(), found.slope.numpy(), found.size.numpy(), rounding.numpy(),
            found.box.numpy(), found.neuron.numpy(), slope.numpy(), offset.numpy(), error.numpy(),
        )  # fmt: skip
        return
    found.slope[found.box, found.neuron] = slope
    scale(rows, slots, owner, found.slope)
    rounding.mul_(found.slope.abs())
    found.size.mul_(found.slope.abs())
    rows[found.box, found.neuron] += offset
    found.size[found.box, found.neuron] += offset.abs() + error


def scale(rows: Tensor, slots: int, owner: Tensor, slope: Tensor) -> None:
    """Multiply every row by its box's row of `slope` (N, w), in place."""
    count, width = slope.shape
    if _compiled(rows):
        _loops().scale(rows.numpy(), slots, owner.numpy(), slope.contiguous().numpy())
        return
    rows[: slots * count].view(slots, count, width).mul_(slope)
    if len(owner):
        rows[slots * count :].mul_(slope.index_select(0, owner))


def gather(weight: Tensor, index: Tensor, length: Tensor, out: Tensor) -> None:
    """Rows `index` of `weight`, each times its `length`, into `out`."""
    if _compiled(weight):
        _loops().gather(weight.numpy(), index.numpy(), length.numpy(), out.numpy())
        return
    torch.index_select(weight, 0, index, out=out).mul_(length[:, None])
