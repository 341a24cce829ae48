"""The paradox: in one and the same model the mean error is small and the worst error is at least the width bound."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from aeverify.claims.base import (
    KVALHEIM_SONTAG,
    Check,
    Finding,
    bound_to_meet,
    obstruction_premises,
    positive,
    some_obstructed,
)
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Quantifier, Relation
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide, worst
from aeverify.manifolds.base import Manifold


@final
@dataclass(frozen=True)
class Paradox(Check):
    """mean of e over K is below epsilon although sup e is at least the width bound.

    The mean of a non-negative variable has a finite-sample upper confidence bound only where the variable is bounded:
    the bound is the certified upper end of the worst error (from a Lipschitz constant). Where the model is opaque no
    such bound exists; then the median, which needs none, stands in for the mean, and the message says so.
    """

    claim = Claim(
        id="paradox",
        title="Mean error small, worst error above the bound",
        kind=ClaimKind.REQUIREMENT,
        statement="In one model the mean error over K is below epsilon and the worst error at least the width bound.",
        citation=Citation(
            KVALHEIM_SONTAG, "Introduction", "remarkable empirical success although Theorem 1 obstructs it"
        ),
        quantity="mean_error",
        relation=Relation.LESS,
        quantifier=Quantifier.SOME,
        ledger=("K-11",),
    )
    statistical_statements = 1

    epsilon: float = field(default=0.1, metadata={"meaning": "what counts as a small mean error, in the data's units"})

    def __post_init__(self) -> None:
        positive(self.epsilon, "paradox.epsilon")

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Where a positive lower bound of the width of K or of some component is known."""
        return some_obstructed(manifold, latent_dim)

    def premises(self, study: Study) -> Iterator[Premise]:
        """K compact and obstructed, E and D continuous and finite."""
        yield from obstruction_premises(study)

    def find(self, study: Study) -> Finding:
        """The mean (or median) from above and the worst error from below."""
        bounded = math.isfinite(study.sup_error().interval.upper)
        typical = study.mean_error() if bounded else study.median_error()
        sup = study.sup_error()
        bound = bound_to_meet(study.width(), sup)
        small = decide(Relation.LESS, typical.interval, Interval.exactly(self.epsilon))
        large = decide(Relation.AT_LEAST, sup.interval, bound)
        outcome = worst((small, large))
        message = f"Worst error {sup.interval} against the width bound {bound.lower:.6g}."
        if not bounded:
            message += " No upper bound of the error is known, so the median stands in for the mean."
        if small is not outcome:
            return Finding(outcome, sup, bound, (typical,), (typical, study.width()), message=message)
        return Finding(
            outcome,
            typical,
            Interval.exactly(self.epsilon),
            (sup, study.width()),
            (sup, study.width()),
            message=message,
            witness=sup.witness,
        )
