"""Certified: enclosures by branch and bound over chart boxes, where the model's layers and K's charts allow them.

The domain of a chart is low-dimensional, so the worst error and the measure of the bad set of a real network can be
enclosed with every rounding taken into account (`aeverify.enclosure`). Where that is not possible the caller says so in
the evidence and falls back on what it has; nothing is downgraded silently.
"""

from __future__ import annotations

from dataclasses import replace

from aeverify.autoencoders.protocol import Autoencoder, Continuity
from aeverify.core.evidence import Evidence, Rigor
from aeverify.errors import ModelError
from aeverify.manifolds.base import Manifold
from aeverify.measure.evaluation import require_compatible, witness_of, witness_point

SUP_TOLERANCE = 1e-3
BAD_SET_TOLERANCE = 1e-4


def enclosed(
    autoencoder: Autoencoder,
    manifold: Manifold,
    *,
    threshold: float | None,
    tolerance: float | None,
    time_budget: float | None,
) -> Evidence | str:
    """Certified Evidence on "sup_error" (threshold None) or "bad_set_measure", or the reason why there is none.

    Args:
        autoencoder: torch modules of layers that can be enclosed.
        manifold: the set K, whose charts cover it, injective off a null set.
        threshold: error level of the bad set, or None for the worst error.
        tolerance: width of the enclosure asked for; None takes 1e-3 for the worst error (in the units of the data) and
            1e-4 for the share.
        time_budget: seconds after which the enclosure reached so far is returned.

    Raises:
        UsageError: a tolerance that is not positive, a budget or a threshold that is negative, other dimensions.
    """
    require_compatible(autoencoder, manifold)
    modules = getattr(autoencoder, "encoder", None), getattr(autoencoder, "decoder", None)
    # a hook, a subclass or a patched forward makes the graph OPAQUE: its layers would not tell what it computes
    if modules[0] is None or modules[1] is None or autoencoder.continuity is not Continuity.KNOWN:
        return "the model is not made of torch layers alone whose rules are known"
    from aeverify.enclosure import enclose_bad_set, enclose_sup_error, network_from_modules

    charts = [part.chart for part in manifold.components]
    try:
        network = network_from_modules(*modules, ambient_dim=autoencoder.ambient_dim, latent_dim=autoencoder.latent_dim)
    except ModelError as error:
        return str(error)
    if threshold is None:
        wanted = SUP_TOLERANCE if tolerance is None else tolerance
        found = enclose_sup_error(network, charts, tolerance=wanted, time_budget=time_budget)
    else:
        if len({chart.dim for chart in charts}) > 1:
            return "the parts of K have different dimensions, so that its volume is that of the largest alone"
        wanted = BAD_SET_TOLERANCE if tolerance is None else tolerance
        found = enclose_bad_set(network, charts, threshold, tolerance=wanted, time_budget=time_budget)
    witness = None
    if found.witness is not None:
        index, parameters = found.witness
        point = witness_point(autoencoder, manifold, index, parameters)
        witness = witness_of("point", autoencoder, manifold, (point,), "The worst point that the search met.")
    done = "reached" if found.finished else f"not reached ({found.stopped})"
    return Evidence(
        quantity=found.quantity,
        interval=found.interval,
        rigor=Rigor.CERTIFIED,
        method=f"Both ends: branch and bound over {found.boxes} chart boxes with affine forms, rounding included; the "
        f"tolerance {wanted:g} was {done}.",
        witness=witness,
        details={
            "boxes": found.boxes,
            "tolerance": wanted,
            "finished": found.finished,
            "stopped": found.stopped,
            "lower_rigor": str(Rigor.CERTIFIED),
            "upper_rigor": str(Rigor.CERTIFIED),
            **({} if threshold is None else {"threshold": threshold}),
        },
    )


def without_enclosure(evidence: Evidence, reason: str) -> Evidence:
    """The evidence, with the reason why a certified enclosure that was asked for is not there."""
    return replace(
        evidence,
        method=f"No certified enclosure: {reason}. {evidence.method}",
        details={**evidence.details, "certified_enclosure": f"not available: {reason}"},
    )
