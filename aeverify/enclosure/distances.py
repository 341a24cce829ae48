"""Where the network is constant on a box: the error is the distance of the chart to one point, bounded to high order.

Let f = c' on the box, |c' - c| <= r. Then e(u) = |phi(u) - c'| lies within r of the square root of the function
F(u) = sum_i (phi_i(u) - c_i)^2, whose Taylor series of order q is carried in ball arithmetic:

    F(c_Q + h s) in F_0 +- (sum_{1 <= |a| <= q} |F_a| h^a + sum_{|a| = q+1} sup_Q |F_a| h^a).

Affine forms of e cannot see that F may be constant to all orders (a constant decoder at the centre of a sphere); this
does.
"""

from __future__ import annotations

import torch
from torch import Tensor

from aeverify.enclosure.arithmetics import BALL, Arithmetic
from aeverify.enclosure.charts import chart_jets
from aeverify.enclosure.rounding import TINY, UNIT, gamma
from aeverify.enclosure.taylor import Jet, indices
from aeverify.manifolds.chart import Chart

ORDER = {1: 10, 2: 8}
"""Order of the Taylor series by chart dimension; 5 elsewhere."""


def distance_bounds(chart: Chart, target: Tensor, slack: Tensor, center: Tensor, half: Tensor) -> tuple[Tensor, Tensor]:
    """Lower and upper bounds, each (N,), of |chart(u) - y| over |u - center| <= half and |y - target| <= slack.

    Args:
        target: (N, n). slack: Euclidean radius, (N,). center, half: (N, d).
    """
    count, dim = center.shape
    order = ORDER.get(dim, 5)

    def squared(rad: Tensor, degree: int) -> Jet:
        jets = chart_jets(chart, BALL, center, rad, degree)
        return _sum_of_squares(BALL, jets, target)

    at, over = squared(torch.zeros_like(half), order), squared(half, order + 1)
    spread = torch.zeros_like(slack)
    value, _ = at.terms[at.origin]
    for a in indices(dim, order + 1):
        source = at if sum(a) <= order else over
        if a in source.terms:
            mid, rad = source.terms[a]
            size = (rad if a == at.origin else mid.abs() + rad).expand(count)
            for i, k in enumerate(a):
                size = size * half[:, i] ** k
            spread = spread + size
    spread = spread * (1 + gamma(1000)) + 4 * UNIT * value.abs() + TINY
    low = torch.sqrt((value - spread).clamp(min=0.0)) * (1 - 4 * UNIT) - slack
    high = torch.sqrt((value + spread).clamp(min=0.0)) * (1 + 4 * UNIT) + slack
    low = (low * (1 - 4 * UNIT) - TINY).clamp(min=0.0)
    return torch.nan_to_num(low, nan=0.0), torch.nan_to_num(high * (1 + 4 * UNIT), nan=float("inf"))


def _sum_of_squares(arithmetic: Arithmetic, jets: list[Jet], target: Tensor) -> Jet:
    total: Jet | None = None
    for i, jet in enumerate(jets):
        shift = Jet(arithmetic, jet.order, {jet.origin: (-target[:, i], torch.zeros_like(target[:, i]))})
        difference = jet + shift
        square = difference * difference
        total = square if total is None else total + square
    assert total is not None
    return total
