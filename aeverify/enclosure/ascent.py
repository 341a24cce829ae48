"""Large errors at points, found in plain float64: where a certified lower end of the worst error is looked for.

Pattern search (Hooke and Jeeves 1961): from each of a few points the best of its neighbours c + h v, v in {-1, 0, 1}^d
(+-unit vectors from four dimensions on), is taken while it is better; otherwise h is halved. No bound rests on what is
found: the caller encloses the error at the point again. A good point early saves boxes, because every box whose upper
bound stays below it is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product as cartesian

import torch
from torch import Tensor

from aeverify.enclosure.network import Network
from aeverify.manifolds.chart import Chart

CHUNK = 4096
"""Points that are evaluated together."""


def point_errors(network: Network, charts: Sequence[Chart], chart: Tensor, points: Tensor) -> Tensor:
    """|D(E(x)) - x| at points (N, d) of the charts numbered `chart` (N,), in plain float64; -1 where not finite."""
    found = points.new_empty(len(points))
    for number, one in enumerate(charts):
        for index in (chart == number).nonzero()[:, 0].split(CHUNK):  # type: ignore[no-untyped-call]
            x = torch.from_numpy(one.embed(points[index].cpu().numpy())).to(points)
            found[index] = torch.nan_to_num(network.errors(x), nan=-1.0, posinf=-1.0)
    return found


def _neighbours(dim: int, like: Tensor) -> Tensor:
    if dim <= 3:
        return like.new_tensor([v for v in cartesian((-1.0, 0.0, 1.0), repeat=dim) if any(v)])
    return torch.cat([torch.eye(dim), -torch.eye(dim)]).to(like)


def climb(
    network: Network, charts: Sequence[Chart], chart: Tensor, start: Tensor, step: Tensor, rounds: int
) -> tuple[Tensor, Tensor]:
    """Points (N, d) of no smaller error than `start`, and their errors (N,); `step` (N, d) is the first reach."""
    low = start.new_tensor([c.lower for c in charts])[chart]
    high = start.new_tensor([c.upper for c in charts])[chart]
    directions = _neighbours(start.shape[1], start)
    best, errors, step = start, point_errors(network, charts, chart, start), step.clone()
    for _ in range(rounds):
        trial = best[:, None] + step[:, None] * directions
        trial = torch.minimum(torch.maximum(trial, low[:, None]), high[:, None])
        values = point_errors(
            network, charts, chart.repeat_interleave(len(directions)), trial.reshape(-1, start.shape[1])
        ).view(len(start), -1)
        top, index = values.max(1)
        better = top > errors
        best = torch.where(better[:, None], trial[torch.arange(len(start), device=start.device), index], best)
        errors = torch.where(better, top, errors)
        step = torch.where(better[:, None], step, step * 0.5)
    return best, errors
