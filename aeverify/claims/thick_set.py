"""The thick set: where the worst error is at least B, a whole ball of K has an error above a share of B."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from aeverify.claims.base import (
    KVALHEIM_SONTAG,
    Check,
    Finding,
    closed_obstructed,
    decided,
    obstruction_premises,
    positive,
    some_closed_obstructed,
    together,
)
from aeverify.claims.study import Study
from aeverify.claims.volumes import ball_volume_lower
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.verdict import Reason
from aeverify.manifolds.base import Manifold


@final
@dataclass(frozen=True)
class ThickSet(Check):
    """The set {e > (1 - eta) B} contains a ball of K of radius eta B / (L + 1), so its measure has a floor.

    Derivation. Let K' be a closed connected component with w_m(K') >= B, and L a Lipschitz constant of D after E. Then
    e = |D(E(x)) - x| is (L + 1)-Lipschitz, it attains its maximum over K' at some x*, and e(x*) >= B. Within distance
    eta B / (L + 1) of x* the error exceeds (1 - eta) B. The volume of that ball in K' is bounded below by
    `ball_volume_lower`. Every number is used on its sound side: B and the reach as lower bounds, L as an upper bound,
    the volume of K' as an upper bound. A sampled L is a lower bound of L and must not be used; where no upper bound of
    L is known the floor is 0 and the claim is that the measure is positive (which continuity alone implies).

    L is needed along K only: a path of length r in K' carries e down by at most (L + 1) r, and the ball is one of the
    path distance.

    Two independent enclosures of the measure meet: that from boxes (or, statistically, from uniform draws), and the
    ball around the witness that was actually found, which is certified where e(x*) and L are. An upper end below the
    floor is a FAIL: then the declared L is false, or it is a bug of ours.
    """

    claim = Claim(
        id="thick-set",
        title="The error is large on a thick set",
        kind=ClaimKind.THEOREM,
        statement=(
            "The share of a component K' with error above (1 - eta) B exceeds the volume of a ball of radius "
            "eta B / (L + 1), where B is a lower bound of w_m(K') and L bounds the Lipschitz constant of D after E."
        ),
        citation=Citation(
            KVALHEIM_SONTAG,
            "remarks after Theorems 1 and 2",
            "the error is bounded below on a nonempty open set, whose size a Lipschitz constant bounds from below",
        ),
        quantity="bad_set_measure",
        relation=Relation.GREATER,
        ledger=("K-8", "K-17"),
    )
    statistical_statements = 1

    eta: float = field(default=0.5, metadata={"meaning": "share of the bound B that is given away, in (0, 1)"})

    def __post_init__(self) -> None:
        positive(self.eta, "thick-set.eta", below=1.0)

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Where some closed component has a positive lower bound on its width."""
        return some_closed_obstructed(manifold, latent_dim)

    def premises(self, study: Study) -> Iterator[Premise]:
        """K compact and obstructed on a closed component; E and D continuous and finite."""
        yield from obstruction_premises(study, closed=True)

    def find(self, study: Study) -> Finding:
        """The measure on each closed obstructed component against its floor; the least margin is shown."""
        return together([self._on_component(study, i) for i in closed_obstructed(study)])

    def _on_component(self, study: Study, index: int) -> Finding:
        part = study.manifold.components[index]
        bound = study.obstruction(index)
        lipschitz = study.lipschitz_upper(index)
        level = (1.0 - self.eta) * bound.interval.lower
        floor = self._share_of_ball(part, self.eta * bound.interval.lower, lipschitz)
        threshold = Interval.exactly(floor)
        _, bad = decided(self.claim.relation, study.bad_sets(level, index), threshold)
        ball = self._witness_ball(study, index, level, lipschitz)
        contradiction = ball is not None and not bad.interval.intersects(ball.interval)
        if contradiction and ball is not None:
            floor, ball = max(floor, ball.interval.lower), None
        interval = bad.interval.intersect(ball.interval) if ball else bad.interval
        evidence = Evidence(
            quantity="bad_set_measure",
            interval=interval,
            rigor=bad.rigor,
            confidence=bad.confidence,
            method=bad.method + (" Lower end: the better of this and the ball around the witness." if ball else ""),
            witness=bad.witness,
            details={**bad.details, "level": level, "component": index, "floor": floor},
        )
        words = (
            f"L <= {lipschitz.interval.upper:.4g}, so the floor is a share of {floor:.3g}."
            if lipschitz
            else "No upper bound of the Lipschitz constant is known: the floor is 0 (positive measure)."
        )
        outcome, _ = decided(self.claim.relation, [evidence], Interval.exactly(floor))
        return Finding(
            outcome=outcome,
            evidence=evidence,
            threshold=Interval.exactly(floor),
            supporting=(bad, *((ball,) if ball else ()), *((lipschitz,) if lipschitz else ()), bound),
            needed=(bad, bound, *((lipschitz,) if lipschitz else ())),
            reason=Reason.CONTRADICTION if contradiction else None,
            message=words,
        )

    def _share_of_ball(self, part: Manifold, drop: float, lipschitz: Evidence | None) -> float:
        """Lower bound of the share of `part` within distance drop / (L + 1) of a point of it; 0 where L is unknown."""
        if lipschitz is None or not math.isfinite(lipschitz.interval.upper) or drop <= 0:
            return 0.0
        radius = drop / (lipschitz.interval.upper + 1.0) * (1.0 - 1e-15)
        volume = ball_volume_lower(part.truth.dimension, part.truth.reach.lower, radius)
        return min(volume / part.truth.volume.upper * (1.0 - 1e-15), 1.0)

    def _witness_ball(self, study: Study, index: int, level: float, lipschitz: Evidence | None) -> Evidence | None:
        """The ball around the worst point found: a lower bound of the share on which the error exceeds `level`; None
        where the error there is EMPIRICAL, which must not pass for part of a statistical enclosure."""
        worst_error = study.sup_errors()[index]
        lower_rigor = Rigor(str(worst_error.details.get("lower_rigor", worst_error.rigor)))
        share = self._share_of_ball(study.manifold.components[index], worst_error.interval.lower - level, lipschitz)
        if share <= 0.0 or lipschitz is None or lower_rigor is Rigor.EMPIRICAL:
            return None
        return Evidence(
            quantity="bad_set_measure",
            interval=Interval(share, 1.0),
            rigor=min(lower_rigor, lipschitz.rigor),
            method="Lower end: volume of the ball around the witness in which the Lipschitz constant keeps the error "
            f"above {level:g}.",
            witness=worst_error.witness,
        )
