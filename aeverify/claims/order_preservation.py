"""Order preservation: on an arc, a one-dimensional code keeps the order of points, up to a gap that the error sets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from aeverify import measure
from aeverify.claims.base import Check, Finding, compact, finite_outputs
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.manifolds.base import Manifold


@final
@dataclass(frozen=True)
class OrderPreservation(Check):
    """If sup e <= epsilon on an arc, E keeps (or reverses) the order of all points further apart than delta(epsilon).

    Derivation. Let gamma: [0, 1] -> R^n be injective, m = 1, epsilon >= sup e, and delta an upper bound of
    max {|s - t| : |gamma(s) - gamma(t)| <= 2 epsilon}. If E(gamma(s)) = E(gamma(t)), then the two points have one
    reconstruction, so |gamma(s) - gamma(t)| <= 2 epsilon and |s - t| <= delta. So E(gamma(t)) - E(gamma(s)) has no zero
    on the triangle t - s > delta, which is connected, and keeps one sign there. The triangle is empty for delta >= 1:
    then the claim is empty too. epsilon must be an upper bound of the worst error, and delta one of the gap; sampled
    values bound the other side.

    "Order is not a general property of autoencoders" is therefore right only for autoencoders with large errors.
    """

    claim = Claim(
        id="order-preservation",
        title="Codes keep the order along an arc",
        kind=ClaimKind.THEOREM,
        statement=(
            "On an arc with sup e <= epsilon, a one-dimensional code is monotone over all pairs of points whose "
            "parameters differ by more than delta(epsilon); checked on sampled pairs."
        ),
        citation=Citation(
            "intermediate value theorem, derived in aeverify.claims.order_preservation",
            "",
            "no two points further apart than delta share a code, so the sign of the difference cannot change",
        ),
        quantity="order_violations",
        relation=Relation.EQUAL,
        ledger=("T-12",),
    )

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Connected arcs with a one-dimensional code."""
        return _is_arc(manifold) and latent_dim == 1

    def premises(self, study: Study) -> Iterator[Premise]:
        """An arc, m = 1, E and D continuous and finite, and an error bound small enough to say something."""
        yield compact(study)
        yield Premise(
            "arc",
            "K is a connected arc (a one-dimensional manifold with two ends) and the code has one number.",
            _is_arc(study.manifold) and study.latent_dim == 1,
        )
        yield study.continuity()
        yield finite_outputs(study)
        sup = study.sup_error()
        gap = self._gap(study)
        known = gap is not None and gap < 1.0
        statement = (
            f"An upper bound of the worst error, {sup.interval.upper:.4g}, gives delta <= {gap:.4g} < 1."
            if known
            else f"delta(epsilon) < 1 for an upper bound epsilon of the worst error ({sup.interval.upper:g})."
        )
        # an error that is large for certain makes the claim empty; one that is only not bounded leaves it open
        least = measure.arc_gap_evidence(study.manifold, sup.interval.lower).interval.lower
        holds = True if known else (False if least >= 1.0 else None)
        yield Premise("small-error", statement, holds, sup)

    def find(self, study: Study) -> Finding:
        """Pairs in the wrong order among all pairs of a sample whose gap exceeds delta."""
        gap = self._gap(study)
        assert gap is not None
        order = measure.code_order(
            study.autoencoder, study.manifold, gap=gap, seed=study.seed.child("code_order"), samples=2000
        )
        zero = Interval.exactly(0.0)
        return Finding(
            decide(self.claim.relation, order.interval, zero),
            order,
            zero,
            supporting=(study.sup_error(),),
            needed=(study.sup_error(),),
            message=f"delta = {gap:.4g} of the parameter interval.",
        )

    def _gap(self, study: Study) -> float | None:
        upper = study.sup_error().interval.upper
        return measure.arc_gap(study.manifold, upper) if upper < float("inf") else None


def _is_arc(manifold: Manifold) -> bool:
    truth = manifold.truth
    return len(manifold.components) == 1 and truth.dimension == 1 and not truth.closed
