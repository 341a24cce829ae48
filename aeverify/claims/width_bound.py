"""The width bound as an invariant: no certified enclosure of a worst error may lie below it."""

from __future__ import annotations

from aeverify.core.evidence import Evidence
from aeverify.errors import InvariantError


def require_width_bound(sup_error: Evidence, bound: Evidence, where: str) -> None:
    """Raise where the certified upper end of a worst error is below a proved lower bound of the width.

    sup e >= w_m(K) >= bound for every continuous model, and enclosures are made of continuous models only; the upper
    end is a certified number above sup e. So a violation is a false fact about K, or a bug of aeverify, never a
    property of the model.

    Args:
        sup_error: certified evidence on the worst error on K or on one component.
        bound: evidence on the width of that set; its lower end counts.
        where: what the set is called in the message.

    Raises:
        InvariantError: the upper end is below the bound.
    """
    if sup_error.upper < bound.interval.lower:
        raise InvariantError(
            f"The worst error on {where} is at most {sup_error.upper!r}, certified, but no continuous autoencoder gets "
            f"below {bound.interval.lower!r}: a fact that is declared about the set is false, or this is a bug of "
            "aeverify."
        )
