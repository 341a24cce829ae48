"""The requirement that a release has to meet: error at most epsilon off a set of at most a given share of K."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from aeverify.claims.base import Check, Finding, compact, decided, positive
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold


@final
@dataclass(frozen=True)
class ErrorBound(Check):
    """e <= epsilon off a set whose measure is at most the share delta of K; everywhere on K for delta = 0.

    Branch and bound over chart boxes decides it as early as it can, CERTIFIED, where the model consists of layers with
    rules and K's charts can be enclosed. Where that is not possible, or the time ran out, the decision rests on uniform
    draws (Clopper-Pearson limits, STATISTICAL), or for delta = 0 on the best witness against the best upper end, and
    the evidence says why. For delta = 0 the question is about the worst error, since e is continuous: where it exceeds
    epsilon at all, it does so on a set of positive measure.
    """

    claim = Claim(
        id="error-bound",
        title="Error at most epsilon off a share delta",
        kind=ClaimKind.REQUIREMENT,
        statement="The share of K with error above epsilon is at most delta (delta = 0: no point of K has one).",
        citation=Citation("A requirement of the user", "", "error <= epsilon off a set of measure <= delta"),
        quantity="bad_set_measure",
        relation=Relation.AT_MOST,
        ledger=("K-12", "K-16"),
    )
    by_name_only = True
    statistical_statements = 1

    epsilon: float = field(default=0.1, metadata={"meaning": "error level, in the units of the data"})
    delta: float = field(default=0.0, metadata={"meaning": "share of K's volume that may exceed it; 0: none"})

    def __post_init__(self) -> None:
        positive(self.epsilon, "error-bound.epsilon")
        if not 0.0 <= self.delta < 1.0:
            raise UsageError(f"error-bound.delta must lie in [0, 1), got {self.delta!r}.")

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Everywhere."""
        return True

    def premises(self, study: Study) -> Iterator[Premise]:
        """K compact, and E and D continuous where that is used (delta = 0)."""
        yield compact(study)
        if not self.delta:
            yield study.continuity()

    def find(self, study: Study) -> Finding:
        """The certified enclosure, as narrow as the decision needs, or what stands in for it."""
        bar = Interval.exactly(self.delta or self.epsilon)
        outcome, evidence = decided(self.claim.relation, study.requirement(self.epsilon, self.delta), bar)
        return Finding(outcome, evidence, bar)
