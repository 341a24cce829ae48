"""Certified: enclosures by branch and bound over chart boxes, where the model's layers and K's charts allow them.

The domain of a chart is low-dimensional, so the worst error and the measure of the bad set of a real network can be
enclosed with every rounding taken into account (`aeverify.enclosure`). Where that is not possible the caller says so in
the evidence and falls back on what it has; nothing is downgraded silently.

The worst point that the search met is evaluated again in ball arithmetic, by code that shares nothing with the
enclosures but the weights and the chart's formula; the two intervals have to meet, and the better lower end is taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aeverify.autoencoders.protocol import Autoencoder, Continuity
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.witness import Witness
from aeverify.errors import InvariantError, ModelError, UsageError
from aeverify.manifolds.base import Manifold
from aeverify.manifolds.chart import Chart
from aeverify.measure.evaluation import certified_error, require_compatible, require_real, witness_of, witness_point

SUP_TOLERANCE = 1e-3
BAD_SET_TOLERANCE = 1e-4


def network_of(autoencoder: Autoencoder) -> Any:
    """The model as a `Network` of the enclosures, or the reason (a string) why it has none: a model that is not made of
    torch layers, a layer or an operator without a rule or NaN among the weights (named)."""
    modules = getattr(autoencoder, "encoder", None), getattr(autoencoder, "decoder", None)
    if modules[0] is None or modules[1] is None:
        return "the model is not made of torch layers"
    from aeverify.enclosure import network_from_modules

    dims = {"ambient_dim": autoencoder.ambient_dim, "latent_dim": autoencoder.latent_dim}
    network: Any = None
    try:
        network = network_from_modules(*modules, **dims)
    except ModelError as error:
        reason = str(error).rstrip(".")
    # an operator that is not known leaves the graph OPAQUE: then layers would not tell what it computes
    if autoencoder.continuity is not Continuity.KNOWN:
        return reason if network is None else "the model is not made of torch layers alone whose rules are known"
    if network is not None:
        return network
    rebuilt = getattr(autoencoder, "rebuilt", "")
    if isinstance(rebuilt, str):
        return f"{reason}; {rebuilt}" if rebuilt else reason
    try:
        return network_from_modules(*rebuilt, **dims)
    except ModelError as error:
        return str(error).rstrip(".")


def enclosable(autoencoder: Autoencoder, manifold: Manifold) -> Any:
    """The model as a `Network`, or the reason (a string) why nothing can be enclosed: as `network_of`, or a chart
    without derivatives or of too many parameters.

    Raises:
        UsageError: the dimensions of model and set differ.
    """
    require_compatible(autoencoder, manifold)
    network = network_of(autoencoder)
    if isinstance(network, str):
        return network
    from aeverify.enclosure.charts import require_chart

    try:
        for part in manifold.components:
            require_chart(part.chart, autoencoder.ambient_dim)
    except (UsageError, ModelError) as error:
        return str(error).rstrip(".")
    return network


def enclosed(
    autoencoder: Autoencoder,
    manifold: Manifold,
    *,
    threshold: float | None,
    tolerance: float | None,
    time_budget: float | None,
    component: int | None = None,
) -> Evidence | str:
    """Certified Evidence on "sup_error" (threshold None) or "bad_set_measure", or the reason why there is none.

    Args:
        autoencoder: torch modules of layers that can be enclosed.
        manifold: the set K, whose charts cover it, injective off a null set.
        threshold: error level of the bad set, or None for the worst error.
        tolerance: width of the enclosure asked for; None takes 1e-3 for the worst error (in the units of the data) and
            1e-4 for the share.
        time_budget: seconds after which the enclosure reached so far is returned.
        component: number of the component of K that is meant, or None for all of K.

    Raises:
        UsageError: a tolerance that is not positive, a budget or a threshold that is negative, other dimensions.
        InvariantError: the enclosure and the ball around the error of the witness do not meet (a bug of aeverify).
    """
    network = enclosable(autoencoder, manifold)
    if isinstance(network, str):
        return network
    if threshold is None:
        wanted = SUP_TOLERANCE if tolerance is None else tolerance
        return sup_enclosure(autoencoder, manifold, network, _chosen(manifold, component), wanted, time_budget)
    from aeverify.enclosure import enclose_bad_set

    parts = _chosen(manifold, component)
    charts = [manifold.components[i].chart for i in parts]
    if len({chart.dim for chart in charts}) > 1:
        return "the parts of K have different dimensions, so that its volume is that of the largest alone"
    if (reason := _unmeasured(charts)) is not None:
        return reason
    wanted = BAD_SET_TOLERANCE if tolerance is None else tolerance
    found = enclose_bad_set(network, charts, threshold, tolerance=wanted, time_budget=time_budget)
    evidence = _evidence(autoencoder, manifold, found, parts, wanted)
    return replace(evidence, details={**evidence.details, "threshold": threshold})


def sup_enclosure(
    autoencoder: Autoencoder,
    manifold: Manifold,
    network: Any,
    parts: tuple[int, ...],
    tolerance: float,
    time_budget: float | None,
) -> Evidence:
    """Certified Evidence on the worst error over the components of K of these numbers. Every certified enclosure of a
    worst error that the measures hand out is made here, so that one place can hold it to the width bound of K."""
    from aeverify.enclosure import enclose_sup_error

    found = []
    by_dimension: dict[int, list[int]] = {}
    for i in parts:
        by_dimension.setdefault(manifold.components[i].chart.dim, []).append(i)
    for group in by_dimension.values():
        charts = [manifold.components[i].chart for i in group]
        budget = None if time_budget is None else time_budget / len(by_dimension)
        enclosure = enclose_sup_error(network, charts, tolerance=tolerance, time_budget=budget)
        found.append(_evidence(autoencoder, manifold, enclosure, tuple(group), tolerance))
    best = max(found, key=lambda e: e.lower)
    interval = best.interval
    for each in found:
        interval = interval.maximum(each.interval)
    return replace(best, interval=interval)


def required(
    autoencoder: Autoencoder, manifold: Manifold, threshold: float, share: float, *, time_budget: float | None
) -> Evidence | str:
    """Certified Evidence that is only as narrow as it takes to compare it with a requirement, or why there is none.

    Args:
        autoencoder, manifold: as in `enclosed`.
        threshold: error level t.
        share: the share of K's volume that may exceed t; 0 asks for sup e <= t, which is the same (e is continuous).
        time_budget: seconds after which the enclosure reached so far is returned.

    Returns:
        Evidence on "bad_set_measure", or on "sup_error" where `share` is 0.

    Raises:
        UsageError: a number out of range, or other dimensions.
    """
    t = require_real(threshold, "threshold", minimum=0.0)
    network = enclosable(autoencoder, manifold)
    if isinstance(network, str):
        return network
    from aeverify.enclosure import decide_requirement

    charts = [part.chart for part in manifold.components]
    if len({chart.dim for chart in charts}) > 1:
        return "the parts of K have different dimensions"
    if share and (reason := _unmeasured(charts)) is not None:
        return reason
    decision = decide_requirement(network, charts, threshold=t, share=share, time_budget=time_budget)
    evidence = _evidence(autoencoder, manifold, decision.enclosure, tuple(range(len(charts))), None)
    return replace(evidence, details={**evidence.details, "threshold": t})


def _unmeasured(charts: Sequence[Chart]) -> str | None:
    """The reason why boxes of these charts are not measured; None where they are."""
    from aeverify.enclosure.volumes import require_volumes

    try:
        require_volumes(charts)
    except UsageError as error:
        return str(error).rstrip(".")
    return None


def without_enclosure(evidence: Evidence, reason: str) -> Evidence:
    """The evidence, with the reason why a certified enclosure that was asked for is not there."""
    return replace(
        evidence,
        method=f"No certified enclosure: {reason}. {evidence.method}",
        details={**evidence.details, "certified_enclosure": f"not available: {reason}"},
    )


def _chosen(manifold: Manifold, component: int | None) -> tuple[int, ...]:
    return tuple(range(len(manifold.components))) if component is None else (component,)


def _evidence(
    autoencoder: Autoencoder, manifold: Manifold, found: Any, parts: tuple[int, ...], tolerance: float | None
) -> Evidence:
    """An `Enclosure` as Evidence, its witness evaluated again in ball arithmetic."""
    interval, witness, ball = found.interval, None, None
    if found.witness is not None:
        index, parameters = parts[found.witness[0]], found.witness[1]
        witness, ball = _witness(autoencoder, manifold, index, parameters)
        if ball is not None:
            interval = _meeting(interval, found, ball, manifold, autoencoder)
    if tolerance is None:
        aim = "it was decided" if found.finished else f"it was not decided ({found.stopped})"
    else:
        aim = f"the tolerance {tolerance:g} was " + ("reached" if found.finished else f"not reached ({found.stopped})")
    again = "; the witness was evaluated again in ball arithmetic" if ball is not None else ""
    return Evidence(
        quantity=found.quantity,
        interval=interval,
        rigor=Rigor.CERTIFIED,
        method=f"Both ends: branch and bound over {found.boxes} chart boxes with affine forms, rounding included; "
        f"{aim}{again}.",
        witness=witness,
        details={
            "boxes": found.boxes,
            "tolerance": tolerance,
            "finished": found.finished,
            "stopped": found.stopped,
            "lower_rigor": str(Rigor.CERTIFIED),
            "upper_rigor": str(Rigor.CERTIFIED),
            "witness_ball": None if ball is None else ball.to_dict(),
        },
    )


def _witness(
    autoencoder: Autoencoder, manifold: Manifold, index: int, parameters: tuple[float, ...]
) -> tuple[Witness, Interval | None]:
    point = witness_point(autoencoder, manifold, index, parameters)
    ball = certified_error(autoencoder, manifold, index, parameters)
    return witness_of("point", autoencoder, manifold, (point,), "The worst point that the search met."), ball


def _meeting(interval: Interval, found: Any, ball: Interval, manifold: Manifold, autoencoder: Autoencoder) -> Interval:
    """The enclosure, its lower end raised to that of the ball where it is about the worst error."""
    if not ball.intersects(found.witness_error) or (found.quantity == "sup_error" and ball.lower > interval.upper):
        raise InvariantError(
            f"The error of {autoencoder.name} at {found.witness} of {manifold} lies in {found.witness_error} by affine "
            f"forms and in {ball} by ball arithmetic, and the enclosure is {interval}: they do not meet, which is a "
            "bug of aeverify."
        )
    if found.quantity != "sup_error" or not math.isfinite(ball.lower):
        return interval
    return Interval(max(interval.lower, ball.lower), interval.upper)
