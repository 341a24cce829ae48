"""A contractive encoder: its Jacobian is small on most of K, and with it the local Lipschitz constant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from aeverify import measure
from aeverify.claims.base import Check, Finding, positive
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.manifolds.base import Manifold
from aeverify.measure.contraction import RIFAI


@final
@dataclass(frozen=True)
class Contraction(Check):
    """||J_E(x)||_F <= bound but for a share of K: there E stretches no direction by more than the bound.

    The root of the contractive penalty bounds ||J_E(x)||_2 and with it the local Lipschitz constant of E at x, in all
    directions of the space and not only along K (which is what `code-continuity` looks at). Codes can be scaled down
    and decoded by a steeper D, so the bound is worth as much as the units of the codes are: read it beside the error.
    """

    claim = Claim(
        id="contraction",
        title="The encoder is contractive",
        kind=ClaimKind.REQUIREMENT,
        statement=(
            "The share of K on which the Frobenius norm of the encoder's Jacobian, a bound of its local Lipschitz "
            "constant, exceeds `bound` is at most `share`."
        ),
        citation=RIFAI,
        quantity="stretched_share",
        relation=Relation.AT_MOST,
        ledger=("C-3", "S-24"),
    )
    by_name_only = True
    statistical_statements = 1

    bound: float = field(default=1.0, metadata={"meaning": "code units per unit of the data"})
    share: float = field(default=0.05, metadata={"meaning": "share of K that may exceed it, in (0, 1)"})

    def __post_init__(self) -> None:
        positive(self.bound, "contraction.bound")
        positive(self.share, "contraction.share", below=1.0)

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Everywhere."""
        return True

    def premises(self, study: Study) -> Iterator[Premise]:
        """E is a torch module, of which derivatives can be taken."""
        yield Premise("torch-module", "E is a torch module.", measure.has_jacobian(study.autoencoder))

    def find(self, study: Study) -> Finding:
        """The share of K with a larger Jacobian."""
        found = measure.stretched_share(
            study.autoencoder,
            study.manifold,
            self.bound,
            seed=study.seed.child("stretched_share"),
            draws=study.effort.draws,
            alpha=study.alpha,
        )
        bar = Interval.exactly(self.share)
        penalty, largest = found.details["mean_penalty"], found.details["largest_operator_norm"]
        return Finding(
            decide(self.claim.relation, found.interval, bar),
            found,
            bar,
            message=f"Mean penalty {penalty:.6g}; among the draws ||J_E||_2 reaches {largest:.6g}.",
        )
