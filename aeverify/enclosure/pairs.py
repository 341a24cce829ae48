"""Certified bounds of the least distance between the codes of two points of K that are far apart.

Which pairs: points of different charts (the components of K, to see whether their codes are separated), or points at a
distance of at least `apart` in the ambient space (to see whether E is injective up to that scale).

**Hulls.** The affine forms of `propagation`, stopped at the code, give for each chart box an axis-parallel box [lo, hi]
in R^m that holds E of all its points, rounding included. For two chart boxes the codes are at least

    | ( max(lo_a - hi_b, lo_b - hi_a, 0) )_coordinates |

apart. The points of two boxes are at most |c_a - c_b| + r_a + r_b apart, with c, r the centre and the radius of the
chart's affine form, so that a pair of boxes all of whose points are nearer than `apart` is left out.

**Search.** Breadth first over pairs of boxes: those whose bound exceeds what is asked for are closed (the least of
their bounds is remembered), the boxes of the others are cut in two. The lower end is the least bound over open and
closed pairs, valid at any time. The upper end is the distance of two codes that were met, computed in plain float64:
who needs it certified evaluates that pair anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from aeverify.core.clock import seconds, work
from aeverify.enclosure.charts import ChartForms, require_chart
from aeverify.enclosure.evaluation import CHUNK, Boxes, Evaluator
from aeverify.enclosure.network import Affine, Network
from aeverify.enclosure.propagation import Forms, Records, backward
from aeverify.enclosure.rounding import TINY, UNIT, gamma, require_full_precision
from aeverify.enclosure.subdivision import grid_of
from aeverify.errors import UsageError
from aeverify.manifolds.chart import Chart

FIRST_CELLS = (128, 12, 4, 2)
"""Cells per axis of the first grid, for charts of one parameter, two, three, and more."""
MAX_PAIRS = 4_000_000
"""Pairs that are held at once; beyond that the search ends with what it has."""
_PAIR = 100.0
"""Multiplications that the comparison of one pair counts for."""

Point = tuple[int, tuple[float, ...]]


@final
@dataclass(frozen=True)
class CodeDistance:
    """What is known of the least distance between codes of the pairs that were asked about.

    Attributes:
        lower: certified lower bound, rounding included; inf where there is no such pair.
        upper: distance of the codes of `witness` in plain float64; inf where no pair was met.
        witness: two points (chart number, parameters).
        finished: the tolerance was reached or the limit decided.
        stopped: "tolerance", "decided", "time budget", "pair limit", "resolution".
        boxes, pairs: evaluated chart boxes, compared pairs.
    """

    lower: float
    upper: float
    witness: tuple[Point, Point] | None
    finished: bool
    stopped: str
    boxes: int
    pairs: int


def code_hulls(network: Network, chart: ChartForms) -> tuple[Tensor, Tensor]:
    """Certified boxes [lo, hi], each (N, m), that hold E on the chart boxes; infinite where nothing is known."""
    forms = Forms(chart)
    records: Records = []
    for i, stage in enumerate(network.encoder):
        if isinstance(stage, Affine):
            forms.affine(stage, None)
            records.append(None)
            if i + 1 == len(network.encoder) or isinstance(network.encoder[i + 1], Affine):
                forms.measure()
        elif network.smooth:
            records.append(forms.activate_smooth(stage))
        else:
            forms.activate(stage, 0)
    if forms.relaxation is not None:
        eye = torch.eye(network.latent_dim, dtype=torch.float64, device=forms.rows.device)
        bound, _ = backward(network.encoder, records, eye.expand(forms.count, -1, -1), False)
        forms.relaxation = torch.minimum(forms.relaxation, bound)
    low, high = forms.ranges()
    known = chart.finite[:, None] & torch.isfinite(low) & torch.isfinite(high)
    return low.masked_fill(~known, -torch.inf), high.masked_fill(~known, torch.inf)


@dataclass(frozen=True)
class _Table:
    """Boxes with what is known of each: code hull, code and point at the centre, radius of the point set."""

    boxes: Boxes
    low: Tensor
    high: Tensor
    code: Tensor
    center: Tensor
    radius: Tensor


@final
class _Search:
    """One run."""

    def __init__(
        self, network: Network, charts: Sequence[Chart], apart: float | None, limit: float | None, tolerance: float
    ) -> None:
        self.network, self.charts = network, tuple(charts)
        self.apart, self.limit, self.tolerance = apart, limit, tolerance
        self.evaluate = Evaluator(network, charts)
        self.closed, self.best = math.inf, math.inf
        self.witness: tuple[Point, Point] | None = None
        self.compared = self.evaluated = 0

    def table(self, boxes: Boxes) -> _Table:
        """Evaluate boxes."""
        with torch.no_grad():
            forms = self.evaluate.forms(boxes)
            parts = [code_hulls(self.network, forms.select(slice(i, i + CHUNK))) for i in range(0, len(boxes), CHUNK)]
            reach = forms.slopes.abs().sum(0) + forms.generators.abs().sum(0) + forms.radius
            radius = torch.linalg.vector_norm(reach, dim=1) * (1 + gamma(reach.shape[1] + 128)) + TINY
            radius = radius.masked_fill(~forms.finite, torch.inf)
            code = forms.center
            for stage in self.network.encoder:
                code = stage.apply(code)
        self.evaluated += len(boxes)
        self.evaluate.count(len(boxes))
        low, high = torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])
        return _Table(boxes, low, high, code, forms.center, radius)

    def compare(self, t: _Table, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Close the pairs of rows a, b that are settled; the open ones with their bounds."""
        self.compared += len(a)
        work(_PAIR * len(a))
        gap = torch.linalg.vector_norm(t.center[a] - t.center[b], dim=1)
        middle = torch.linalg.vector_norm(t.code[a] - t.code[b], dim=1)
        if self.apart is not None:
            width = t.center.shape[1]
            size = t.center.abs().amax() if len(a) else t.center.new_zeros(())
            most = (gap + t.radius[a] + t.radius[b]) * (1 + gamma(width + 16)) + 8 * UNIT * width * size
            far = ~(most < self.apart)
            a, b, gap, middle = a[far], b[far], gap[far], middle[far]
            middle = middle.masked_fill(gap < self.apart * (1 + 1e-9) + 16 * UNIT * width * size, torch.inf)
        if not len(a):
            return a, b, middle
        nearest = int(middle.argmin())
        if float(middle[nearest]) < self.best:
            self.best = float(middle[nearest])
            self.witness = (self._point(t, int(a[nearest])), self._point(t, int(b[nearest])))
        hull = torch.maximum(t.low[a] - t.high[b], t.low[b] - t.high[a]).clamp(min=0.0)
        bound = torch.nan_to_num(torch.linalg.vector_norm(hull, dim=1), nan=0.0, posinf=0.0)
        bound = bound * (1 - gamma(hull.shape[1] + 16))
        aim = self.best - self.tolerance
        settled = bound >= aim if self.limit is None else bound > self.limit
        if bool(settled.any()):
            self.closed = min(self.closed, float(bound[settled].min()))
        return a[~settled], b[~settled], bound[~settled]

    def _point(self, t: _Table, row: int) -> Point:
        center = (t.boxes.low[row] + t.boxes.high[row]) * 0.5
        return int(t.boxes.chart[row]), tuple(center.tolist())

    def why(self, lower: float) -> str | None:
        """Why the search may end, or None."""
        if self.limit is not None:
            return "decided" if lower > self.limit or self.best < self.limit else None
        return "tolerance" if lower >= self.best - self.tolerance else None


def _halves(boxes: Boxes, charts: Sequence[Chart]) -> Boxes:
    """Row 2i and 2i + 1 of the result are the halves of box i, cut along its axis that is longest for its chart."""
    span = boxes.low.new_tensor([[h - w for w, h in zip(c.lower, c.upper, strict=True)] for c in charts])[boxes.chart]
    axis = ((boxes.high - boxes.low) / span).argmax(1, keepdim=True)
    middle = ((boxes.low + boxes.high) * 0.5).gather(1, axis)
    low = torch.stack([boxes.low, boxes.low.scatter(1, axis, middle)], 1).flatten(0, 1)
    high = torch.stack([boxes.high.scatter(1, axis, middle), boxes.high], 1).flatten(0, 1)
    return Boxes(low, high, boxes.chart.repeat_interleave(2), boxes.cell.repeat_interleave(2), None)


def _children(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The pairs of halves of each pair of rows; a box paired with itself gives three, not four."""
    first = torch.stack([2 * a, 2 * a, 2 * a + 1, 2 * a + 1]).flatten()
    second = torch.stack([2 * b, 2 * b + 1, 2 * b, 2 * b + 1]).flatten()
    keep = ~((a == b).repeat(4) & (first > second))
    return first[keep], second[keep]


def code_distance(
    network: Network,
    charts: Sequence[Chart],
    *,
    apart: float | None,
    limit: float | None = None,
    tolerance: float = 1e-6,
    time_budget: float | None = 10.0,
    max_pairs: int = MAX_PAIRS,
) -> CodeDistance:
    """The least |E(x) - E(y)| over pairs of points that are far apart, from below certified, from above by a witness.

    Args:
        network: its encoder is asked about.
        charts: of one dimension; with `apart` None each is a component of its own.
        apart: least distance |x - y| of the pairs, > 0; None asks for all pairs of points of different charts.
        limit: stop as soon as the least distance is known to exceed this, or a pair below it is met.
        tolerance: without a limit, stop when the two ends are this close; > 0.
        time_budget: seconds after which what was reached comes back; 0 gives [0, inf).
        max_pairs: pairs held at once, the memory of the search (about 100 bytes each).

    Raises:
        UsageError: a number out of range, fewer than two charts with `apart` None, charts of different dimensions.
        ModelError: the dimensions do not fit.
    """
    for value, what in ((apart, "distance"), (tolerance, "tolerance")):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise UsageError(f"The {what} must be a positive finite number, got {value!r}.")
    if time_budget is not None and not time_budget >= 0:
        raise UsageError(f"The time budget is a number of seconds >= 0 or None, got {time_budget!r}.")
    if not charts or (apart is None and len(charts) < 2) or len({c.dim for c in charts}) > 1:
        raise UsageError("Pairs need charts of one dimension, and two of them where no least distance is given.")
    for chart in charts:
        require_chart(chart, network.ambient_dim)
    require_full_precision(network.device)
    start = seconds()
    search = _Search(network, charts, apart, limit, tolerance)
    if time_budget == 0:
        return CodeDistance(0.0, math.inf, None, False, "time budget", 0, 0)
    boxes = grid_of(charts, network.device, FIRST_CELLS)
    search.evaluate.prepare(boxes)
    table = search.table(boxes)
    a, b = torch.triu_indices(len(boxes), len(boxes))
    if apart is None:
        other = boxes.chart[a] != boxes.chart[b]
        a, b = a[other], b[other]
    while True:
        a, b, bound = search.compare(table, a, b)
        lower = min(search.closed, float(bound.min()) if len(bound) else math.inf)
        why = search.why(lower)
        if why is None and not len(a):
            why = "resolution"
        if why is None and time_budget is not None and seconds() - start >= time_budget:
            why = "time budget"
        if why is None and 4 * len(a) > max_pairs:
            why = "pair limit"
        if why is not None:
            done = why in ("tolerance", "decided")
            return CodeDistance(
                max(lower, 0.0), search.best, search.witness, done, why, search.evaluated, search.compared
            )
        used, place = torch.unique(torch.cat([a, b]), return_inverse=True)
        halves = _halves(table.boxes.select(used), charts)
        if bool((halves.low >= halves.high).any()):
            return CodeDistance(
                max(lower, 0.0), search.best, search.witness, False, "resolution", search.evaluated, search.compared
            )
        table = search.table(halves)
        a, b = _children(place[: len(a)], place[len(a) :])
