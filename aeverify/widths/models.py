"""Models: any autoencoder that was built is an upper bound, by its certified sup error.

w_m(K) is an infimum over all continuous autoencoders, so the sup error on K of each one with m latent dimensions is an
upper bound. Nothing of a model is needed here but the Evidence of that number, so widths know no models.
"""

from __future__ import annotations

import math

from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.errors import UsageError
from aeverify.widths.method import upper_bound

INFIMUM = Citation("derived in aeverify.widths.models", "", "an infimum is at most each of its values")


def upper_from_model(evidence: Evidence, manifold: str) -> Evidence:
    """Upper bound of a width from the certified sup error of one continuous autoencoder.

    Args:
        evidence: on "sup_error" over the whole set, CERTIFIED or EXACT, with a finite upper end, of an autoencoder
            with the latent dimension that the width is asked for (the caller's to know).
        manifold: specification of the set; a witness in the evidence must be one of the same set.

    Returns:
        Evidence on "width": [0, upper end], of the same rigor.

    Raises:
        UsageError: the evidence is on something else, on another set, not certified, or has no finite upper end.
    """
    found = f"got evidence on {evidence.quantity!r}, {evidence.interval} ({evidence.rigor})"
    if evidence.quantity != "sup_error":
        raise UsageError(f"An upper bound of a width is read off the sup error of a model, {found}.")
    if evidence.rigor < Rigor.CERTIFIED or not math.isfinite(evidence.upper):
        raise UsageError(
            "An upper bound of a width needs a sup error with a certified, finite upper end, "
            f"{found}. Measure it with a tolerance (certified enclosure)."
        )
    if evidence.witness is not None and evidence.witness.manifold not in ("", manifold):
        raise UsageError(
            f"The sup error of a model on {evidence.witness.manifold} does not bound the width of {manifold}."
        )
    return upper_bound(
        "a model",
        evidence.upper,
        evidence.rigor,
        f"Upper end of the certified sup error of an autoencoder. {evidence.method}",
        "The width is an infimum over all continuous autoencoders, and this is one.",
        INFIMUM,
        witness=evidence.witness,
    )
