"""The mean squared error has a floor too: a Lipschitz model of an obstructed set cannot have a small one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from aeverify import measure
from aeverify.claims.base import (
    KVALHEIM_SONTAG,
    Check,
    Finding,
    closed_obstructed,
    known_lipschitz,
    obstruction_premises,
    some_closed_obstructed,
    together,
)
from aeverify.claims.study import Study
from aeverify.claims.volumes import ball_volume_lower
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.manifolds.base import Manifold

_LAYERS = 500
_LEVELS = (1 / 64, 1 / 8, 1 / 2)
"""Shares of B at which the bad set is measured: the lowest limits the upper end, 1/2 is also what `thick-set` asks."""


def square_integral_lower(dimension: int, reach_lower: float, bound_lower: float, lipschitz_upper: float) -> float:
    """Lower bound of the integral of e^2 over a closed K' with w_m(K') >= B and an L-Lipschitz D after E, rounded down.

    For 0 <= t < B the set {e > t} holds a ball of radius (B - t) / (L + 1), so by the layer cake

        integral of e^2 = integral of 2 t volume{e > t} dt >= integral over [0, B] of 2 t v((B - t) / (L + 1)) dt.

    For curves v(r) = 2 r gives 2 B^3 / (3 (L + 1)), for all L >= 0: the length of a closed curve is at least four times
    its circumradius, hence at least 4 B, so the ball of radius B / (L + 1) does not meet itself. In general the
    integral is a lower sum over 500 layers.

    Example:
        The circle has B = 1: the mean square is at least 1 / (3 pi (L + 1)).

        >>> abs(square_integral_lower(1, 1.0, 1.0, 0.0) - 2 / 3) < 1e-9
        True
    """
    b, steep = bound_lower, lipschitz_upper + 1.0
    if not (b > 0 and math.isfinite(steep)):
        return 0.0
    if dimension == 1:
        return 2.0 * b**3 / (3.0 * steep) * (1.0 - 1e-12)
    ends = [b * i / _LAYERS for i in range(_LAYERS + 1)]
    layers = (
        (high * high - low * low) * ball_volume_lower(dimension, reach_lower, (b - high) / steep * (1.0 - 1e-14))
        for low, high in itertools.pairwise(ends)
    )
    return math.fsum(layers) * (1.0 - 1e-11)


@final
@dataclass(frozen=True)
class MseFloor(Check):
    """The mean of e^2 over K' is at least the layer cake of the balls that the Lipschitz constant forces.

    See `square_integral_lower` for the derivation; B and the reach enter as lower bounds, L and the volume of K' as
    upper bounds, so the floor is true. The mean square itself is enclosed from the shares of K' with an error above
    B/64, B/8 and B/2 (`measure.mean_square`): CERTIFIED where these are. An upper end below the floor is a FAIL: then
    the declared L is false, or it is a bug of ours.
    """

    claim = Claim(
        id="mse-floor",
        title="Mean squared error is at least its floor",
        kind=ClaimKind.THEOREM,
        statement=(
            "The mean of |D(E(x)) - x|^2 over each closed component K' is at least the integral over [0, B] of 2 t "
            "v((B - t) / (L + 1)) dt by its volume; for a curve of length l, 2 B^3 / (3 (L + 1) l)."
        ),
        citation=Citation(
            KVALHEIM_SONTAG,
            "Theorem 1 and the remarks after Theorem 2",
            "the error is bounded below on a set whose size a Lipschitz constant bounds from below",
        ),
        quantity="mean_squared_error",
        relation=Relation.AT_LEAST,
        ledger=("K-17",),
    )
    by_name_only = True
    statistical_statements = len(_LEVELS)

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Where some closed component has a positive lower bound on its width."""
        return some_closed_obstructed(manifold, latent_dim)

    def premises(self, study: Study) -> Iterator[Premise]:
        """K compact and obstructed on a closed component; E and D continuous, finite, Lipschitz."""
        yield from obstruction_premises(study, closed=True)
        yield known_lipschitz(study, closed_obstructed(study))

    def find(self, study: Study) -> Finding:
        """The mean square on each closed obstructed component against its floor; the least margin is shown."""
        return together([self._on_component(study, i) for i in closed_obstructed(study)])

    def _on_component(self, study: Study, index: int) -> Finding:
        part, bound = study.manifold.components[index], study.obstruction(index)
        lipschitz = study.lipschitz_upper(index)
        assert lipschitz is not None
        b = bound.interval.lower
        shares = [study.bad_set(share * b, index) for share in _LEVELS]
        found = measure.mean_square(shares, study.sup_errors()[index])
        least = square_integral_lower(part.truth.dimension, part.truth.reach.lower, b, lipschitz.upper)
        floor = Interval.exactly(least / part.truth.volume.upper * (1.0 - 2.0**-48))
        return Finding(
            outcome=decide(self.claim.relation, found.interval, floor),
            evidence=found,
            threshold=floor,
            supporting=(lipschitz, bound),
            needed=(lipschitz, bound),
            message=f"With L <= {lipschitz.upper:.4g} the mean square is at least {floor.lower:.4g}.",
        )
