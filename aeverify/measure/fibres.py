"""Fibres: a certified upper bound of R(E), the largest circumradius of a set of points of K that share a code.

R(E) is the least worst error that any continuous decoder can reach with the encoder E (see `blame`): fibres are upper
semicontinuous, so the centre of the smallest ball about the fibre of a code serves all codes near it up to any eta > 0,
and a partition of unity glues these centres together.

Boxes of chart parameters cover K; box i has its image in the ball B(x_i, r_i) of R^n and its codes in
[lo_i, hi_i]. A point of box i shares its code only with points of boxes j whose code ranges meet that of i. So for any
centre c the circumradius of every fibre through box i is at most max over those j of |x_j - c| + r_j, and R(E) is at
most the largest of these numbers over i. Any c is sound; a good one is found by moving towards the farthest ball.
A scan of finitely many codes would bound nothing, since the size of a fibre may jump up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.evaluation import require_compatible, require_real
from aeverify.measure.ranges import Ranges, even, halves, image_balls, ranges_of, tiles

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_FIRST = {1: 384, 2: 24}
"""Cells per axis of the first boxes, by chart dimension; 6 elsewhere."""
_STEPS = 24
_ROUNDS = 40

FIBRES = Citation(
    "derived in aeverify.measure.fibres",
    "",
    "the least worst error over all decoders is at most the largest circumradius of a fibre of the encoder",
)


@dataclass(frozen=True, eq=False)
class _Boxes:
    """Boxes of all components: component (N,), corners (N, d), image balls and code ranges."""

    component: NDArray[np.int64]
    low: FloatArray
    high: FloatArray
    points: FloatArray
    radii: FloatArray
    lower: FloatArray
    upper: FloatArray

    def select(self, keep: BoolArray) -> _Boxes:
        return _Boxes(*(getattr(self, name)[keep] for name in _FIELDS))

    @staticmethod
    def join(parts: Sequence[_Boxes]) -> _Boxes:
        return _Boxes(*(np.concatenate([getattr(p, name) for p in parts]) for name in _FIELDS))


_FIELDS = ("component", "low", "high", "points", "radii", "lower", "upper")


def fibre_radius_upper(
    autoencoder: Autoencoder, manifold: Manifold, *, tolerance: float = 0.02, most: int = 4_000, known: float = 0.0
) -> Evidence:
    """Certified upper bound of R(E), the least worst error that any decoder can reach with this encoder.

    Args:
        autoencoder: the model; only its encoder is looked at.
        manifold: the set K, of components of one dimension.
        tolerance: stop when the bound exceeds `known` by no more than this share of the largest radius of K.
        most: boxes at most.
        known: a lower bound of R(E), below which nothing is refined.

    Returns:
        Evidence "encoder_floor" [0, bound], CERTIFIED; [0, inf) where the encoder has no ranges on boxes. It holds
        for fibres across components too.

    Raises:
        UsageError: components of different dimensions, or a parameter out of range.

    Cost: up to `most` boxes and, in each of about ten rounds, the square of their number in comparisons.
    """
    require_compatible(autoencoder, manifold)
    wanted = require_real(tolerance, "tolerance", minimum=1e-6)
    limit = require_count(most, "number of boxes")
    if len({part.chart.dim for part in manifold.components}) != 1:
        raise UsageError("Fibres are enclosed on sets whose components have one dimension.")
    ranges = ranges_of(autoencoder, manifold)
    if ranges is None:
        return Evidence(
            "encoder_floor",
            Interval.at_least(0.0),
            Rigor.CERTIFIED,
            "Upper end: none; the encoder cannot be enclosed on boxes, and finitely many fibres bound nothing.",
        )
    boxes = _Boxes.join([_start(ranges, i, limit) for i in range(len(manifold.components))])
    scale = float(np.linalg.norm(np.ptp(boxes.points, axis=0))) / 2.0
    known_codes = np.concatenate([boxes.lower, boxes.upper])
    known_codes = known_codes[np.isfinite(known_codes).all(axis=1)]
    spread = float(np.ptp(known_codes, axis=0).max()) if len(known_codes) else 0.0
    spread = spread if spread > 1e-9 else 1.0
    best = math.inf
    for _ in range(_ROUNDS):
        goal = known + wanted * scale
        bounds, farthest = _fibre_bounds(boxes, goal)
        best = min(best, float(bounds.max()))
        active = bounds > goal
        if not active.any():
            break
        size = boxes.radii / scale + (boxes.upper - boxes.lower).max(axis=1) / spread
        worst = int(bounds.argmax())
        # all boxes that meet the worst one are small, in space and in code: what is left are fibres, not boxes
        if float(size[_meeting(boxes, worst)].max()) < wanted:
            break
        mine = np.flatnonzero(active)
        split = np.zeros(len(active), dtype=bool)
        split[np.where(size[mine] >= size[farthest[mine]], mine, farthest[mine])] = True
        room = limit - len(boxes.low)
        if room <= 0:
            break
        if int(split.sum()) > room:
            # the boxes with the largest bounds first
            order = np.argsort(-np.where(split, bounds, -math.inf), kind="stable")[:room]
            split = np.zeros(len(split), dtype=bool)
            split[order] = True
        boxes = _Boxes.join([boxes.select(~split), *_halved(ranges, boxes.select(split))])
    return Evidence(
        quantity="encoder_floor",
        interval=Interval(0.0, best * (1.0 + 2.0**-40) + 2.0**-44 * float(np.abs(boxes.points).max())),
        rigor=Rigor.CERTIFIED,
        method=(
            f"Upper end: {len(boxes.low)} boxes ({ranges.method}); every fibre through a box lies in the boxes whose "
            "code ranges meet its own, and these in a ball of that radius."
        ),
        citations=(FIBRES,),
        details={"boxes": len(boxes.low), "tolerance": wanted},
    )


def _start(ranges: Ranges, component: int, most: int) -> _Boxes:
    chart = ranges.manifold.components[component].chart
    return _evaluated(ranges, component, *tiles(chart, even(chart.dim, _FIRST.get(chart.dim, 6), most)))


def _evaluated(ranges: Ranges, component: int, low: FloatArray, high: FloatArray) -> _Boxes:
    chart = ranges.manifold.components[component].chart
    points, radii = image_balls(chart, low, high)
    lower, upper = ranges.codes(component, low, high)
    return _Boxes(np.full(len(low), component, dtype=np.int64), low, high, points, radii, lower, upper)


def _halved(ranges: Ranges, boxes: _Boxes) -> list[_Boxes]:
    made = []
    for component in np.unique(boxes.component).tolist():
        mine = boxes.select(boxes.component == component)
        chart = ranges.manifold.components[component].chart
        made.append(_evaluated(ranges, component, *halves(chart, mine.low, mine.high)))
    return made


def _fibre_bounds(boxes: _Boxes, goal: float) -> tuple[FloatArray, NDArray[np.int64]]:
    """For each box an upper bound of the circumradius of the fibres through it, and the box that is farthest from the
    centre used; centres are improved where the bound exceeds the goal."""
    n = len(boxes.low)
    bounds, farthest = np.zeros(n), np.zeros(n, dtype=np.int64)
    for i in range(n):
        members = _meeting(boxes, i)
        x, r = boxes.points[members], boxes.radii[members]
        center = (x.min(axis=0) + x.max(axis=0)) / 2
        reach = np.linalg.norm(x - center, axis=1) + r
        best, far = float(reach.max()), int(reach.argmax())
        last = far
        for step in range(_STEPS):
            if best <= goal:
                break
            center = center + (x[last] - center) / (step + 2)
            reach = np.linalg.norm(x - center, axis=1) + r
            last = int(reach.argmax())
            if reach[last] < best:
                best, far = float(reach[last]), last
        bounds[i], farthest[i] = best, members[far]
    return bounds, farthest


def _meeting(boxes: _Boxes, i: int) -> NDArray[np.int64]:
    """The boxes whose code ranges meet that of box i."""
    return np.flatnonzero(((boxes.lower <= boxes.upper[i]) & (boxes.lower[i] <= boxes.upper)).all(axis=1))
