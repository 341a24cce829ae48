"""A cover of the bad set of a curve by finitely many arcs, certified: off the arcs the error is at most the threshold.

Boxes of the curve's parameter whose certified upper bound of the error is at most the threshold are good; the others
are cut in two until those that are neither good nor wholly bad are few. What is not good in the end is a union of
closed boxes. Boxes that share an end form one arc. The number of arcs and their length are known exactly and with
rounding included, while the number of components of the bad set itself is not (a sample of it is a lower bound).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch

from aeverify.core.clock import seconds
from aeverify.core.interval import Interval
from aeverify.enclosure.evaluation import Boxes, Evaluator
from aeverify.enclosure.network import Network
from aeverify.enclosure.rounding import require_full_precision, sum_down, sum_up
from aeverify.enclosure.subdivision import grid_of
from aeverify.enclosure.volumes import box_volumes, density_patches
from aeverify.errors import UsageError
from aeverify.manifolds.chart import Chart

ROUNDS = 40
SLACK = 1e-3
"""The cutting ends when the undecided boxes are at most this part of the parameter length of the bad ones."""


@final
@dataclass(frozen=True)
class Cover:
    """Closed arcs of a curve that hold {e > t}.

    Attributes:
        arcs: their number. length: certified enclosure of their total length. boxes: evaluated boxes.
    """

    arcs: int
    length: Interval
    boxes: int


def bad_cover(network: Network, chart: Chart, threshold: float, *, time_budget: float | None = 5.0) -> Cover:
    """Arcs off which |D(E(x)) - x| <= threshold on the curve of that chart, certified, rounding included.

    Args:
        network: the real function of the stored weights.
        chart: of one parameter, injective but for its ends, which are one point where it is periodic.
        threshold: in the units of the data, >= 0.
        time_budget: seconds after which the cover reached so far is returned; 0 gives the whole curve as one arc.

    Raises:
        UsageError: a chart of more parameters, or one that cannot be enclosed.
    """
    if chart.dim != 1:
        raise UsageError(f"Arcs cover the bad set of a curve; the chart has {chart.dim} parameters.")
    require_full_precision(network.device)
    start = seconds()
    evaluate = Evaluator(network, [chart])
    pending = grid_of([chart], network.device)
    evaluate.prepare(pending)
    kept = [pending.select(torch.arange(0))]
    bad_length = 0.0
    for _ in range(ROUNDS):
        if time_budget is not None and seconds() - start >= time_budget:
            break
        bounds, _ = evaluate(pending, lambda: None)
        bad, open_ = bounds.lower > threshold, ~((bounds.upper <= threshold) | (bounds.lower > threshold))
        kept.append(pending.select(bad.nonzero()[:, 0]))
        bad_length += float((kept[-1].high - kept[-1].low).sum())
        pending = pending.select(open_.nonzero()[:, 0])
        pending = Boxes(pending.low, pending.high, pending.chart, pending.cell, None)
        left = float((pending.high - pending.low).sum())
        if left <= SLACK * bad_length:
            break
        middle = (pending.low + pending.high) * 0.5
        pending = Boxes(
            torch.cat([pending.low, middle]),
            torch.cat([middle, pending.high]),
            pending.chart.repeat(2),
            pending.cell.repeat(2),
            None,
        )
    low = torch.cat([*(k.low for k in kept), pending.low])[:, 0]
    high = torch.cat([*(k.high for k in kept), pending.high])[:, 0]
    if not len(low):
        return Cover(0, Interval.exactly(0.0), evaluate.evaluated)
    order = torch.argsort(low)
    low, high = low[order], high[order]
    center, half = (low + high)[:, None] * 0.5, (high - low)[:, None] * 0.5
    # half-widths a little too large cover the box whatever the centre lost
    patches = density_patches(chart, center, half * (1 + 1e-12) + 1e-300)
    volumes = box_volumes(patches, torch.arange(len(low)), low[:, None], high[:, None])
    arcs = 1 + int((low[1:] != high[:-1]).sum())
    if chart.periodic[0] and arcs > 1 and float(low[0]) == chart.lower[0] and float(high[-1]) == chart.upper[0]:
        arcs -= 1
    return Cover(arcs, Interval(sum_down(volumes.lower), sum_up(volumes.upper)), evaluate.evaluated)
