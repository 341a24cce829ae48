"""The three questions that branch and bound answers, and what it returns.

A question turns the bounds of boxes into *credits* (numbers per box that add up or are compared), says which boxes to
split first and along which axis, and reads the enclosure off the credits of all boxes: at any time, not only at the
end.

Sup. The chart boxes cover K, so sup e <= max over boxes of their upper bounds. From below, sup e >= the certified lower
bound at any single point (a box of width 0) and >= the lower bound of any box.

Measure. The boxes tile the chart boxes exactly, charts are injective off null sets and components are disjoint, so the
volumes of {e > t} and {e <= t} are the sums over boxes. In a box with affine bounds l <= e <= u: {l > t} is bad and
{u <= t} is good; each is a half-space share of the box. With share f of the parameter volume P, density in [w0, w1] and
box volume in [V0, V1]: the part has volume at least max(f P w0, V0 - (1 - f) P w1, 0). If lo > t all of the box is bad
and the good part is exactly 0, and vice versa. Summing b0 <= bad <= b1 and g0 <= good <= g1 over the boxes,

    share of the volume = bad / (bad + good) in [b0 / (b0 + g1), b1 / (b1 + g0)],

because the quotient rises with bad and falls with good: the total volume is not needed.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import final

import torch
from torch import Tensor

from aeverify.core.interval import Interval
from aeverify.enclosure.error_bounds import ErrorBounds
from aeverify.enclosure.rounding import UNIT, sum_down, sum_up
from aeverify.enclosure.volumes import BoxVolumes, half_space_share


@final
@dataclass(frozen=True)
class Enclosure:
    """What branch and bound found.

    Attributes:
        quantity: "sup_error" or "bad_set_measure" (a share of the volume, 0 to 1).
        interval: certified enclosure, rounding included; valid whether or not the search was finished.
        finished: the asked width was reached, or the requirement decided.
        boxes: number of boxes evaluated. open_boxes: boxes left that could be split further.
        seconds: wall-clock time.
        stopped: why it stopped: "tolerance", "decided", "time budget", "interrupted", "box limit", "resolution".
        witness: chart number and parameters of the worst point found; None where none was evaluated.
        witness_error: certified interval of the error at the witness.
    """

    quantity: str
    interval: Interval
    finished: bool
    boxes: int
    open_boxes: int
    seconds: float
    stopped: str
    witness: tuple[int, tuple[float, ...]] | None = None
    witness_error: Interval | None = None


@final
@dataclass(frozen=True)
class Decision:
    """Whether a requirement holds: True (shown), False (refuted), None (not decided), and the enclosure behind it."""

    holds: bool | None
    enclosure: Enclosure


@dataclass
class Witness:
    """The best point so far: its chart, parameters and certified error."""

    chart: int = -1
    parameters: tuple[float, ...] = ()
    error: Interval = field(default_factory=Interval.unknown)


class Question(ABC):
    """What is asked of the boxes."""

    quantity: str
    needs_volumes: bool
    seeks_worst: bool
    closed: tuple[float, ...]

    @abstractmethod
    def credits(self, bounds: ErrorBounds, volumes: BoxVolumes | None) -> Tensor:
        """Numbers per box, (N, k)."""

    @abstractmethod
    def blame(self, bounds: ErrorBounds) -> Tensor:
        """How much each axis keeps a box open, (N, d)."""

    @abstractmethod
    def hopeless(self, middle: Tensor, radius: Tensor, lower: Tensor, upper: Tensor, witness: Witness) -> Tensor:
        """Whether nothing would be learned, (N,) bool, from a box whose affine bounds are middle -+ radius at its
        centre and vary by `lower` and `upper` over it."""

    @abstractmethod
    def close(self, credits: Tensor, witness: Witness) -> tuple[Tensor, tuple[float, ...]]:
        """Which boxes need no further look, (N,) bool, and what they add to the closed totals."""

    @abstractmethod
    def add(self, closed: tuple[float, ...], more: tuple[float, ...]) -> tuple[float, ...]:
        """The closed totals of both."""

    @abstractmethod
    def retire(self, credits: Tensor) -> tuple[float, ...]:
        """Closed totals of boxes that are given up undecided (memory, resolution): sound, but wide for ever."""

    @abstractmethod
    def gaps(self, credits: Tensor, interval: Interval) -> Tensor:
        """How much each box keeps the enclosure wide, (N,)."""

    @abstractmethod
    def selection(self, gaps: Tensor, interval: Interval, closed: tuple[float, ...]) -> Tensor:
        """Which boxes to split next: indices, given the gaps."""

    @abstractmethod
    def interval(self, credits: Tensor, closed: tuple[float, ...], witness: Witness) -> Interval:
        """The enclosure that the boxes and the closed totals give."""

    @abstractmethod
    def decided(self, interval: Interval) -> str | None:
        """Why to stop ("tolerance", "decided"), or None."""


@final
class SupQuestion(Question):
    """sup e over K, to an absolute width; or, with a limit, whether sup e <= limit."""

    quantity, needs_volumes, seeks_worst = "sup_error", False, True

    def __init__(self, tolerance: float, limit: float | None = None, batch: int = 2048) -> None:
        self.tolerance, self.limit, self.batch = tolerance, limit, batch
        self.closed = (0.0,)

    def credits(self, bounds: ErrorBounds, volumes: BoxVolumes | None) -> Tensor:
        return torch.stack([bounds.upper, bounds.lower], 1)

    def blame(self, bounds: ErrorBounds) -> Tensor:
        return bounds.blame + bounds.lower_slope.abs()

    def hopeless(self, middle: Tensor, radius: Tensor, lower: Tensor, upper: Tensor, witness: Witness) -> Tensor:
        return middle + radius + upper > max(0.0, witness.error.lower) + self.tolerance

    def close(self, credits: Tensor, witness: Witness) -> tuple[Tensor, tuple[float, ...]]:
        floor = max(0.0, witness.error.lower)
        if self.limit is not None and self.limit > floor:
            done = credits[:, 0] <= self.limit
            return done, (float(credits[done, 0].amax()) if bool(done.any()) else 0.0,)
        return credits[:, 0] <= floor, (0.0,)

    def add(self, closed: tuple[float, ...], more: tuple[float, ...]) -> tuple[float, ...]:
        return (max(closed[0], more[0]),)

    def retire(self, credits: Tensor) -> tuple[float, ...]:
        return (float(credits[:, 0].amax()) if len(credits) else 0.0,)

    def gaps(self, credits: Tensor, interval: Interval) -> Tensor:
        return credits[:, 0]

    def selection(self, gaps: Tensor, interval: Interval, closed: tuple[float, ...]) -> Tensor:
        return torch.topk(gaps, min(self.batch, len(gaps))).indices

    def interval(self, credits: Tensor, closed: tuple[float, ...], witness: Witness) -> Interval:
        lower, upper = max(0.0, witness.error.lower), closed[0]
        if len(credits):
            upper = max(upper, float(credits[:, 0].amax()))
            lower = max(lower, float(credits[:, 1].amax()))
        return Interval(lower, max(lower, upper))

    def decided(self, interval: Interval) -> str | None:
        if self.limit is not None:
            return "decided" if interval.upper <= self.limit or interval.lower > self.limit else None
        return "tolerance" if interval.width <= self.tolerance else None


@final
class MeasureQuestion(Question):
    """The share of K's volume on which e > threshold, to an absolute width; or, with a limit, whether it is <= limit.

    Credits: lower and upper bound of the bad volume, lower and upper bound of the good volume."""

    quantity, needs_volumes, seeks_worst = "bad_set_measure", True, False

    def __init__(self, threshold: float, tolerance: float, limit: float | None = None, fraction: float = 0.6) -> None:
        self.threshold, self.tolerance, self.limit, self.fraction = threshold, tolerance, limit, fraction
        self.closed = (0.0, 0.0, 0.0, 0.0)

    def credits(self, bounds: ErrorBounds, volumes: BoxVolumes | None) -> Tensor:
        assert volumes is not None
        t, v = self.threshold, volumes
        bad_tau = (t - bounds.lower_offset) + 2 * UNIT * (abs(t) + bounds.lower_offset.abs())
        good_tau = (bounds.upper_offset - t) + 2 * UNIT * (abs(t) + bounds.upper_offset.abs())
        zero = torch.zeros_like(v.lower)
        all_bad, all_good = bounds.lower > t, bounds.upper <= t

        def part(share: Tensor) -> Tensor:
            inside = share * v.parameter_lower * v.density_lower * (1 - 8 * UNIT)
            outside = (1 - share) * v.parameter_upper * v.density_upper * (1 + 8 * UNIT)
            # An infinite density (a chart that is not enclosed there) gives NaN: nothing is known, so 0.
            return torch.nan_to_num(torch.maximum(inside, (v.lower - outside) * (1 - 4 * UNIT)), nan=0.0).clamp(min=0.0)

        unknown = torch.isinf(good_tau)
        good_share = half_space_share(bounds.upper_slope, torch.where(unknown, zero, good_tau))
        bad = part(half_space_share(bounds.lower_slope, bad_tau))
        good = part(torch.where(unknown, zero, good_share))
        bad = torch.where(all_bad, v.lower, torch.where(all_good, zero, bad))
        good = torch.where(all_good, v.lower, torch.where(all_bad, zero, good))
        more_bad = torch.where(all_good, zero, (v.upper - good) * (1 + 4 * UNIT))
        more_good = torch.where(all_bad, zero, (v.upper - bad) * (1 + 4 * UNIT))
        return torch.stack([bad, torch.maximum(more_bad, bad), good, torch.maximum(more_good, good)], 1)

    def blame(self, bounds: ErrorBounds) -> Tensor:
        return bounds.blame

    def hopeless(self, middle: Tensor, radius: Tensor, lower: Tensor, upper: Tensor, witness: Witness) -> Tensor:
        return (middle - radius + lower < self.threshold) & (middle + radius - upper > self.threshold)

    def close(self, credits: Tensor, witness: Witness) -> tuple[Tensor, tuple[float, ...]]:
        doubt = (credits[:, 1] - credits[:, 0]) + (credits[:, 3] - credits[:, 2])
        settled = (credits[:, 1] == 0) | (credits[:, 3] == 0)  # all good or all bad: only the volume is in doubt
        allowed = torch.where(settled, 0.5, 0.02).to(doubt) * self.tolerance * (credits[:, 1] + credits[:, 2])
        done = torch.isfinite(doubt) & (doubt <= allowed)
        return done, self.retire(credits[done])

    def add(self, closed: tuple[float, ...], more: tuple[float, ...]) -> tuple[float, ...]:
        sums = [a + b for a, b in zip(closed, more, strict=True)]
        return tuple(s * (1 - 4 * UNIT) if i % 2 == 0 else s * (1 + 4 * UNIT) for i, s in enumerate(sums))

    def retire(self, credits: Tensor) -> tuple[float, ...]:
        return (sum_down(credits[:, 0]), sum_up(credits[:, 1]), sum_down(credits[:, 2]), sum_up(credits[:, 3]))

    def gaps(self, credits: Tensor, interval: Interval) -> Tensor:
        share = 0.5 * (interval.lower + interval.upper)
        return (1 - share) * (credits[:, 1] - credits[:, 0]) + share * (credits[:, 3] - credits[:, 2])

    def selection(self, gaps: Tensor, interval: Interval, closed: tuple[float, ...]) -> Tensor:
        if not bool(torch.isfinite(gaps).all()):
            gaps = torch.nan_to_num(gaps, posinf=1e300)
        ordered, index = gaps.sort(descending=True)
        running = ordered.cumsum(0)
        # A bisection leaves about half of the gap: near the end, split no more than the tolerance needs.
        needed = 2.2 * max(0.0, 1.0 - self.tolerance / max(interval.width, 1e-300)) if self.limit is None else 1.0
        count = int((running < min(self.fraction, needed) * running[-1]).sum()) + 1
        return index[: max(count, min(256, len(index)))]

    def interval(self, credits: Tensor, closed: tuple[float, ...], witness: Witness) -> Interval:
        b0, b1, g0, g1 = self.add(closed, self.retire(credits))
        lower = b0 / (b0 + g1) * (1 - 8 * UNIT) if b0 > 0 and math.isfinite(g1) else 0.0
        upper = b1 / (b1 + g0) * (1 + 8 * UNIT) if math.isfinite(b1) and b1 + g0 > 0 else 1.0
        if b1 <= 1e-290:
            upper = 0.0 if g0 > 0 else 1.0
        return Interval(lower, max(lower, min(1.0, upper)))

    def decided(self, interval: Interval) -> str | None:
        if self.limit is not None:
            return "decided" if interval.upper <= self.limit or interval.lower > self.limit else None
        return "tolerance" if interval.width <= self.tolerance else None
