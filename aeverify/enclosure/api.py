"""The three questions asked of a network on charts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from aeverify.enclosure.network import Network
from aeverify.enclosure.questions import Decision, Enclosure, MeasureQuestion, SupQuestion
from aeverify.enclosure.subdivision import Subdivision
from aeverify.enclosure.volumes import require_volumes
from aeverify.errors import UsageError
from aeverify.manifolds.chart import Chart


def _positive(value: float, what: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value) or value <= 0:
        raise UsageError(f"The {what} must be a positive finite number, got {value!r}.")
    return float(value)


def _threshold(value: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value) or value < 0:
        raise UsageError(f"The threshold is an error, a finite number >= 0, got {value!r}.")
    return float(value)


def _budget(value: float | None) -> float | None:
    if value is not None and (not isinstance(value, int | float) or math.isnan(value) or value < 0):
        raise UsageError(f"The time budget is a number of seconds >= 0 or None, got {value!r}.")
    return value


def enclose_sup_error(
    network: Network,
    charts: Sequence[Chart],
    *,
    tolerance: float,
    time_budget: float | None = None,
    max_boxes: int = 10_000_000,
) -> Enclosure:
    """Certified enclosure of sup |D(E(x)) - x| over the union of the charts' images, rounding included.

    Args:
        network: the real function of the stored weights.
        charts: cover the set; overlaps are allowed here.
        tolerance: width of the enclosure asked for, in the units of the data, > 0.
        time_budget: seconds after which the enclosure reached so far is returned; 0 gives [0, inf).
        max_boxes: evaluated boxes after which it is returned too.

    Returns:
        Enclosure; `interval` is valid whatever stopped the search, `witness` is a point of error `witness_error`.

    Raises:
        UsageError: a tolerance that is not positive, a chart whose formula cannot be enclosed.
        ModelError: the dimensions do not fit.
    """
    question = SupQuestion(_positive(tolerance, "tolerance"))
    return Subdivision(network, charts, question, time_budget=_budget(time_budget), max_boxes=max_boxes).run()


def enclose_bad_set(
    network: Network,
    charts: Sequence[Chart],
    threshold: float,
    *,
    tolerance: float,
    time_budget: float | None = None,
    max_boxes: int = 10_000_000,
) -> Enclosure:
    """Certified enclosure of the share of the volume (length, area, ...) on which |D(E(x)) - x| > threshold.

    Args:
        network: the real function of the stored weights.
        charts: each injective off a null set, images disjoint up to null sets, all of one dimension.
        threshold: in the units of the data, >= 0.
        tolerance: width of the enclosure asked for, a share in (0, 1].
        time_budget, max_boxes: as for `enclose_sup_error`; a budget of 0 gives [0, 1].

    Raises:
        UsageError, ModelError: as `enclose_sup_error`; a chart of more parameters than `require_volumes` takes.
    """
    require_volumes(charts)
    question = MeasureQuestion(_threshold(threshold), _positive(tolerance, "tolerance"))
    return Subdivision(network, charts, question, time_budget=_budget(time_budget), max_boxes=max_boxes).run()


def decide_requirement(
    network: Network,
    charts: Sequence[Chart],
    *,
    threshold: float,
    share: float = 0.0,
    time_budget: float | None = None,
    max_boxes: int = 10_000_000,
) -> Decision:
    """Decide, as early as possible, whether |D(E(x)) - x| <= threshold off a set of at most `share` of the volume.

    With share 0 the requirement is sup error <= threshold: the error is continuous, so a set {e > t} that is not
    empty has positive volume. `holds` is None where the budget ended first.

    Raises:
        UsageError, ModelError: as `enclose_bad_set`, with share 0 as `enclose_sup_error`; a share outside [0, 1).
    """
    limit = _threshold(threshold)
    if not isinstance(share, int | float) or not 0 <= share < 1:
        raise UsageError(f"The share must lie in [0, 1), got {share!r}.")
    question: SupQuestion | MeasureQuestion
    if share == 0:
        question, bar = SupQuestion(1e-12, limit=limit), limit
    else:
        require_volumes(charts)
        question, bar = MeasureQuestion(limit, share * 1e-2, limit=float(share)), float(share)
    found = Subdivision(network, charts, question, time_budget=_budget(time_budget), max_boxes=max_boxes).run()
    holds = True if found.interval.upper <= bar else False if found.interval.lower > bar else None
    return Decision(holds, found)
