"""The thick set: where the worst error is at least B, a whole ball of K has an error above a share of B."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from aeverify.autoencoders.protocol import Part
from aeverify.claims.base import KVALHEIM_SONTAG, Check, Finding, compact, finite_outputs, obstructed, positive
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.verdict import Reason, decide
from aeverify.manifolds.base import Manifold


def ball_volume_lower(dimension: int, reach_lower: float, radius_lower: float) -> float:
    """Lower bound of the intrinsic volume of M within distance r of a point x of M, for every x, rounded down.

    M is a closed C^2 submanifold of the given dimension k with reach at least tau. M within B(x, r) holds the geodesic
    ball of radius r. By the Gauss equation M has sectional curvature at most 1/tau^2, closed geodesics have length at
    least 2 pi tau (Fenchel), so the injectivity radius is at least pi tau (Klingenberg), and Guenther's comparison
    gives volume >= k omega_k * integral over [0, r] of (tau sin(t / tau))^{k-1} dt for r <= pi tau. For k = 1 this is
    2 r and for k = 2 it is 2 pi tau^2 (1 - cos(r / tau)). The bound increases with r, so a larger r is cut to pi tau.

    Args:
        dimension: k, 1 or 2.
        reach_lower: lower bound of the reach, in the units of the data.
        radius_lower: lower bound of r.

    Raises:
        ValueError: dimension is neither 1 nor 2.

    Example:
        On the unit circle the true length within distance r is 4 arcsin(r / 2) >= 2 r:

        >>> ball_volume_lower(1, 1.0, 0.5) <= 4 * math.asin(0.25)
        True
    """
    pad = 1.0 - 1e-12  # a dozen roundings of one unit in the last place each, and libm's cosine, stay far below this
    radius = min(radius_lower, math.pi * reach_lower * pad)
    if dimension == 1:
        return 2.0 * radius * pad
    if dimension == 2:
        # 1 - cos t = 2 sin^2(t/2) keeps relative accuracy for small t
        return 4.0 * math.pi * (reach_lower * math.sin(radius / (2.0 * reach_lower))) ** 2 * pad
    raise ValueError(f"ball_volume_lower knows dimensions 1 and 2, got {dimension}")


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

    Two independent enclosures of the measure meet: the statistical one from uniform draws, and the ball around the
    witness that was actually found, which is certified where e(x*) and L are. An upper end below the floor is a FAIL:
    then the declared L is false, or it is a bug of ours.
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
        """Where some closed component of dimension 1 or 2 has a positive lower bound on its width."""
        from aeverify import widths

        return any(
            part.truth.closed and part.truth.dimension <= 2 and widths.best_lower(part, latent_dim).interval.lower > 0
            for part in manifold.components
        )

    def premises(self, study: Study) -> Iterator[Premise]:
        """K compact and obstructed on a closed component; E and D continuous and finite."""
        yield compact(study)
        yield study.continuity()
        yield obstructed(study)
        closed = self._candidates(study)
        yield Premise("closed", "Some obstructed component is a closed manifold of dimension 1 or 2.", bool(closed))
        yield finite_outputs(study)

    def find(self, study: Study) -> Finding:
        """The measure on each closed obstructed component against its floor; the least margin is shown."""
        findings = [self._on_component(study, i) for i in self._candidates(study)]
        order = ("FAIL", "INCONCLUSIVE", "PASS")
        first = min(findings, key=lambda f: (order.index(f.outcome), f.evidence.interval.lower - f.threshold.upper))
        rest = [f.evidence for f in findings if f is not first]
        return Finding(
            first.outcome,
            first.evidence,
            first.threshold,
            supporting=(*first.supporting, *rest),
            needed=(*first.needed, *rest),
            reason=first.reason,
            message=first.message,
        )

    def _candidates(self, study: Study) -> list[int]:
        parts = study.manifold.components
        return [
            i for i in study.obstructed_components() if parts[i].truth.closed and parts[i].truth.dimension in (1, 2)
        ]

    def _on_component(self, study: Study, index: int) -> Finding:
        part = study.manifold.components[index]
        bound = study.obstruction(index)
        lipschitz = study.autoencoder.lipschitz(Part.RECONSTRUCTION)
        level = (1.0 - self.eta) * bound.interval.lower
        floor = self._share_of_ball(part, self.eta * bound.interval.lower, lipschitz)
        bad = study.bad_set(level, index)
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
        return Finding(
            outcome=decide(self.claim.relation, interval, Interval.exactly(floor)),
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
