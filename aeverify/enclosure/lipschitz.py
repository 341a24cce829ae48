"""Certified upper bounds of the Lipschitz constants of E, D and D.E on boxes and along K.

On a box, the affine forms of `propagation` hold for every input in the zonotope that encloses the chart's image, which
is convex; so do the ranges of all neurons, and with them the range [p, q] of every activation's slope. The Jacobian (in
the sense of Clarke, where there are kinks) at any point of the zonotope is a product W_L D_L ... D_1 W_1 with diagonal
D_l in [p_l, q_l]. It is carried as midpoint and radius, |J - M| <= R entry by entry:

    affine:      M' = W M,        R' = |W| R + gamma |W| |M|
    activation:  M' = k M,        R' = max(|p|, |q|) R + (q - p)/2 |M|,    k = (p + q)/2.

Euclidean operator norms: |J|_2 <= |M|_F + |R|_F, and with few rows or columns |M|_2 <= sqrt(largest row sum of |M
M^T|). By the mean value theorem on the convex zonotope the bound is a Lipschitz constant of the function on the hull
of the box's image. Along K: |f(x) - f(y)| <= L d_K(x, y) with the path distance d_K, for L the largest bound over
boxes that cover K.

D is bounded on the convex sets of codes that enclose E of each box, so on their union, which holds E(K): the bound is
a Lipschitz constant with respect to the length of paths inside E(K), NOT on the convex hull of E(K). Where m = 1 and K
is connected, E(K) is an interval and the two are the same.

A Softplus that may reach its threshold, where torch's program jumps, has no Lipschitz constant: its boxes have bound
infinity.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from aeverify.core.clock import seconds
from aeverify.core.interval import Interval
from aeverify.enclosure.charts import ChartForms, require_chart
from aeverify.enclosure.evaluation import Boxes, Evaluator
from aeverify.enclosure.network import Affine, Network
from aeverify.enclosure.propagation import Forms
from aeverify.enclosure.rounding import TINY, UNIT, gamma, product, require_full_precision
from aeverify.enclosure.subdivision import grid_of
from aeverify.errors import UsageError
from aeverify.manifolds.chart import Chart

Part = Literal["encoder", "decoder", "reconstruction"]
CHUNK = 256
"""Boxes that are evaluated between two looks at the clock."""
SAMPLED = 32
"""Centres of each chunk at which the Jacobian is computed for the lower end: those of the largest bounds."""


def _norm(mid: Tensor, rad: Tensor) -> Tensor:
    """Upper bounds (N,) of the operator norm of matrices within rad of mid, (N, r, w)."""
    n = mid.shape[1] * mid.shape[2]
    frobenius = torch.linalg.vector_norm(mid.flatten(1), dim=1)
    gram = torch.bmm(mid, mid.transpose(1, 2)) if mid.shape[1] <= mid.shape[2] else torch.bmm(mid.transpose(1, 2), mid)
    inner = max(mid.shape[1:])
    # Rounding of the Gram matrix: gamma times |M|_F^2 in each entry.
    row = gram.abs().sum(2).amax(1) + gamma(inner + 8) * min(mid.shape[1:]) * frobenius**2
    best = torch.minimum(frobenius, torch.sqrt(row))
    bound: Tensor = (best + torch.linalg.vector_norm(rad.flatten(1), dim=1)) * (1 + gamma(n + 64)) + TINY
    return bound


def box_lipschitz(network: Network, chart: ChartForms, part: Part) -> Tensor:
    """Certified upper bounds (N,) of the Lipschitz constant of E, of D on E's image, or of D.E, on each box's hull."""
    forms = Forms(chart)
    count = chart.center.shape[0]
    split = len(network.encoder)
    mid: Tensor | None = None
    rad: Tensor | None = None
    for i, stage in enumerate(network.stages):
        if i == split:
            if part == "encoder":
                break
            if part == "decoder":
                mid = rad = None
        if isinstance(stage, Affine):
            if mid is None or rad is None:
                eye = torch.eye(stage.weight.shape[0], dtype=torch.float64, device=stage.weight.device)
                mid, rad = eye.expand(count, -1, -1), torch.zeros_like(eye).expand(count, -1, -1)
            loss = (gamma(stage.fan_in + 16) + stage.relative) * 1.01
            shape = (count, mid.shape[1], -1)
            rad = product(((rad * (1 + 2 * loss)) + loss * mid.abs()).reshape(-1, mid.shape[2]), stage.magnitude).view(
                shape
            )
            mid = product(mid.reshape(-1, mid.shape[2]), stage.weight).view(shape)
            forms.affine(stage, None)
            if i + 1 == len(network.stages) or isinstance(network.stages[i + 1], Affine):
                forms.measure()
        else:
            assert mid is not None
            assert rad is not None
            p, q = stage.slopes(*forms.ranges())
            k, h = (p + q) * 0.5, (q - p) * (0.5 + 4 * UNIT)
            rad = rad * torch.maximum(p.abs(), q.abs())[:, None] + mid.abs() * (h + 4 * UNIT * k.abs())[:, None]
            rad, mid = rad * (1 + 8 * UNIT), mid * k[:, None]
            if network.smooth:
                forms.activate_smooth(stage)
            else:
                forms.activate(stage, 0)
        if i == split - 1:
            forms.reduce()
    assert mid is not None
    assert rad is not None
    bound = torch.nan_to_num(_norm(mid, rad), nan=torch.inf, posinf=torch.inf)
    return torch.where(chart.finite, bound, torch.full_like(bound, torch.inf))


def _sampled(network: Network, points: Tensor, part: Part) -> float:
    """The largest operator norm of the Jacobian at some points, in plain float64: a lower bound up to rounding."""
    stages = {"encoder": network.encoder, "decoder": network.decoder, "reconstruction": network.stages}[part]
    x = points
    if part == "decoder":
        for stage in network.encoder:
            x = stage.apply(x)

    def function(y: Tensor) -> Tensor:
        for stage in stages:
            y = stage.apply(y)
        return y

    if not len(x):
        return 0.0
    jacobian = torch.func.vmap(torch.func.jacrev(function))(x)
    return float(torch.linalg.matrix_norm(jacobian, 2).max())


def lipschitz_bound(
    network: Network,
    charts: Sequence[Chart],
    *,
    part: Part = "reconstruction",
    tolerance: float = 0.1,
    time_budget: float | None = 10.0,
) -> Interval:
    """Enclosure of the largest Jacobian norm of E, D or D.E along K: [sampled lower bound, certified upper bound].

    The upper end is CERTIFIED (rounding included): the Lipschitz constant of E or D.E with respect to path distance
    along K, of D with respect to the length of paths inside E(K) (see the module), and on the convex hull of the
    image of every box that it was computed on. It is infinite where the budget ends before all of K was covered. The
    lower end is the Jacobian norm at points, plain float64 (EMPIRICAL). Boxes are split, worst first, until upper <=
    (1 + tolerance) lower or the budget ends, which is looked at between chunks of 256 boxes (some milliseconds each).

    Raises:
        UsageError: an unknown part, no chart, a tolerance that is not positive, or a negative budget.
        ModelError: the dimensions do not fit.
    """
    if part not in ("encoder", "decoder", "reconstruction"):
        raise UsageError(f"The part is 'encoder', 'decoder' or 'reconstruction', got {part!r}.")
    if not tolerance > 0 or (time_budget is not None and not time_budget >= 0):
        raise UsageError(f"Expected a positive tolerance and a budget >= 0, got {tolerance!r} and {time_budget!r}.")
    if not charts:
        raise UsageError("No charts were given: there is no set to bound the slope on.")
    for chart in charts:
        require_chart(chart, network.ambient_dim)
    require_full_precision(network.device)
    start = seconds()

    def late() -> bool:
        return time_budget is not None and seconds() - start >= time_budget

    evaluate = Evaluator(network, charts)
    boxes = grid_of(charts, network.device)
    bounds = boxes.low.new_full((len(boxes),), torch.inf)  # what is known of each box, from itself or its parent
    lower, closed = 0.0, 0.0
    if not late():
        evaluate.prepare(boxes)
    fresh = torch.arange(len(boxes), device=bounds.device)  # boxes still to be evaluated
    while True:
        with torch.no_grad():
            for index in fresh.split(CHUNK):  # type: ignore[no-untyped-call]
                if late():
                    break
                forms = evaluate.forms(boxes.select(index))
                found = torch.minimum(bounds[index], box_lipschitz(network, forms, part))
                bounds[index] = found
                evaluate.count(len(index))
                promising = torch.topk(found, min(SAMPLED, len(found))).indices
                promising = promising[forms.finite[promising]]
                lower = max(lower, _sampled(network, forms.center[promising], part))
        settled = bounds <= lower
        closed = max([closed, *bounds[settled].tolist()])
        boxes, bounds = boxes.select((~settled).nonzero()[:, 0]), bounds[~settled]
        upper = max([closed, *bounds.tolist()])
        if upper <= lower * (1 + tolerance) or late() or not len(bounds):
            return Interval(min(lower * (1 - 1e-9), upper), upper)
        worst = torch.zeros_like(bounds, dtype=torch.bool)
        worst[torch.topk(bounds, min(512, len(bounds))).indices] = True
        halves = split_widest(boxes.select(worst.nonzero()[:, 0]), charts)
        boxes = Boxes.join([boxes.select((~worst).nonzero()[:, 0]), halves])
        bounds = torch.cat([bounds[~worst], bounds[worst].repeat(2)])
        fresh = torch.arange(len(boxes) - len(halves), len(boxes), device=bounds.device)


def split_widest(boxes: Boxes, charts: Sequence[Chart]) -> Boxes:
    """Both halves of each box along the axis that is longest relative to its chart."""
    span = boxes.low.new_tensor([[h - w for w, h in zip(c.lower, c.upper, strict=True)] for c in charts])[boxes.chart]
    axis = ((boxes.high - boxes.low) / span).argmax(1, keepdim=True)
    middle = ((boxes.low + boxes.high) * 0.5).gather(1, axis)
    first = Boxes(boxes.low, boxes.high.scatter(1, axis, middle), boxes.chart, boxes.cell, None)
    second = Boxes(boxes.low.scatter(1, axis, middle), boxes.high, boxes.chart, boxes.cell, None)
    return Boxes.join([first, second])
