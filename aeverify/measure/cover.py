"""Arcs of a curve that hold its whole bad set, certified: their number and their length."""

from __future__ import annotations

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence, Rigor
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold
from aeverify.measure.certified import enclosable
from aeverify.measure.evaluation import require_real


def bad_set_cover(
    autoencoder: Autoencoder, manifold: Manifold, threshold: float, *, time_budget: float | None = 5.0
) -> Evidence | str:
    """Closed arcs off which the error is at most `threshold`, on a curve with one chart; or why there are none.

    Args:
        autoencoder: the model.
        manifold: a curve.
        threshold: error level in the units of the data, at least 0.
        time_budget: seconds after which the cover reached so far is returned; 0 gives the whole curve as one arc.

    Returns:
        Evidence "bad_set_cover_length", CERTIFIED: the total length of the arcs, in the units of the data;
        details["arcs"] is their number, which is exact and bounds from above how many arcs it takes.

    Raises:
        UsageError: K is not a curve with one chart, a number out of range, or other dimensions.

    Cost: about a thousand boxes of the curve.
    """
    t = require_real(threshold, "threshold", minimum=0.0)
    if len(manifold.components) != 1 or manifold.chart.dim != 1:
        raise UsageError(f"Expected a curve with one chart, got {manifold}; give one component.")
    network = enclosable(autoencoder, manifold)
    if isinstance(network, str):
        return network
    from aeverify.enclosure.cover import bad_cover

    found = bad_cover(network, manifold.chart, t, time_budget=time_budget)
    return Evidence(
        quantity="bad_set_cover_length",
        interval=found.length,
        rigor=Rigor.CERTIFIED,
        method=f"Both ends: length of {found.arcs} closed arcs off which the error is at most {t:g}, certified on "
        f"{found.boxes} boxes of the curve, rounding included.",
        details={"arcs": found.arcs, "boxes": found.boxes, "threshold": t},
    )
