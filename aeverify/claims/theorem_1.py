"""Theorem 1: no continuous autoencoder gets its worst error below the width of K, hence not below its reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from aeverify.claims.base import (
    KVALHEIM_SONTAG,
    Check,
    Finding,
    bound_to_meet,
    obstruction_premises,
    some_obstructed,
)
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation, Evidence
from aeverify.core.verdict import decide, worst
from aeverify.core.witness import Witness
from aeverify.manifolds.base import Manifold


@final
@dataclass(frozen=True)
class Theorem1(Check):
    """sup over each component K' of e(x) = |D(E(x)) - x| is at least the best proved lower bound of w_m(K').

    Kvalheim and Sontag prove sup e >= reach(K) for a closed k-dimensional submanifold and m = k. The width
    w_m(K') = inf over continuous (E, D) of sup_{K'} e is by definition the best such bound, and any lower bound of it
    may stand in its place. A bound for a compact subset is a bound for K, so every component is held to its own.
    Where the charted pieces of a connected K have weaker bounds than K, the largest of their worst errors is held to
    the bound of K too.

    Numbered steps: (1) K is compact. (2) E and D return finite numbers. (3) E and D are continuous on K. (4) A lower
    bound b > 0 on w_m of some component, or of K, is proved. (5) On each such set the enclosure of sup e lies above b.
    A FAIL means that a premise was declared falsely, that there is a bug of ours, or news.
    """

    claim = Claim(
        id="theorem-1",
        title="Worst error is at least the width bound",
        kind=ClaimKind.THEOREM,
        statement=(
            "For continuous E: R^n -> R^m and D: R^m -> R^n, sup over K of |D(E(x)) - x| >= w_m(K) >= reach(K) where K "
            "is a closed manifold of dimension at least m; here on each component, against its best proved lower bound."
        ),
        citation=Citation(KVALHEIM_SONTAG, "Theorem 1", "max over K of |D(E(x)) - x| >= reach(K)"),
        quantity="sup_error",
        relation=Relation.AT_LEAST,
        ledger=("K-7", "K-7b", "K-10", "K-38"),
    )

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Where a positive lower bound of the width of K or of some component is known."""
        return some_obstructed(manifold, latent_dim)

    def premises(self, study: Study) -> Iterator[Premise]:
        """Steps (1) to (4)."""
        yield from obstruction_premises(study)

    def find(self, study: Study) -> Finding:
        """Step (5), component by component, and K where its bound is better; the least margin is shown first."""
        errors: dict[int | None, Evidence] = {i: study.sup_errors()[i] for i in study.obstructed_components()}
        bounds: dict[int | None, Evidence] = {i: study.obstruction(i) for i in study.obstructed_components()}
        whole = study.whole_obstruction()
        if whole is not None:
            errors[None], bounds[None] = study.sup_error(), whole
        indices = tuple(errors)
        outcomes = {
            i: decide(self.claim.relation, errors[i].interval, bound_to_meet(bounds[i], errors[i])) for i in indices
        }
        outcome = worst(outcomes.values())
        first = min(
            (i for i in indices if outcomes[i] is outcome),
            key=lambda i: errors[i].interval.lower - bounds[i].interval.lower,
        )
        each = "; ".join(
            f"{'K' if i is None else f'component {i}'}: {errors[i].interval} against {bounds[i].interval.lower:g}"
            for i in indices
        )
        points = tuple(dict.fromkeys(p for i in indices if (w := errors[i].witness) for p in w.points[:1]))
        return Finding(
            outcome=outcome,
            evidence=errors[first],
            threshold=bound_to_meet(bounds[first], errors[first]),
            supporting=(*(errors[i] for i in indices if i != first), *(bounds[i] for i in indices), study.width()),
            needed=(*errors.values(), *bounds.values()),
            message=f"Worst error by component: {each}." if len(errors) > 1 else "",
            witness=Witness(
                "point",
                str(study.manifold),
                study.autoencoder.fingerprint(),
                points,
                "one point of each obstructed component with a large error",
            )
            if points
            else None,
        )
