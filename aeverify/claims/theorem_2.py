"""Theorem 2, in its PAC reading: small error off a set of small measure that avoids the training points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from aeverify import measure
from aeverify.claims.base import KVALHEIM_SONTAG, Check, Finding, compact, decided, finite_outputs, positive
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Quantifier, Relation
from aeverify.core.evidence import Citation, Evidence
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide, worst
from aeverify.manifolds.base import Manifold


@final
@dataclass(frozen=True)
class Theorem2(Check):
    """This model realises Theorem 2 at (epsilon, delta): e < epsilon at every training point, and the share of K on
    which e > epsilon is below delta.

    The theorem says that for all epsilon, delta > 0 and any finite set some autoencoder does so. One model that does
    not refutes nothing; so among restarts trained by the run SOME one must, and for a model that was given to us it is
    a requirement on that model.

    The measure says nothing of the latent dimension: cutting R^n by a fine grid and coding cells by number shows that
    the conclusion holds with m = 1 for every compact K of finite measure. A small bad set is no evidence that m is
    right.
    """

    claim = Claim(
        id="theorem-2",
        title="Error small off a set of small measure",
        kind=ClaimKind.REQUIREMENT,
        statement=(
            "The share of K with error above epsilon is below delta, and every training point has an error below "
            "epsilon (Theorem 2 says that such a model exists for all epsilon, delta > 0 and any finite training set)."
        ),
        citation=Citation(
            KVALHEIM_SONTAG, "Theorem 2", "sup over K off K_0 of |D(E(x)) - x| < epsilon with measure(K_0) < delta"
        ),
        quantity="bad_set_measure",
        relation=Relation.LESS,
        quantifier=Quantifier.SOME,
        ledger=("K-12", "K-13", "K-16"),
    )
    statistical_statements = 1

    epsilon: float = field(default=0.1, metadata={"meaning": "error level, in the units of the data"})
    delta: float = field(default=0.05, metadata={"meaning": "share of the volume of K that may exceed epsilon"})
    training: bool = field(default=True, metadata={"meaning": "also require error < epsilon at every training point"})

    def __post_init__(self) -> None:
        positive(self.epsilon, "theorem-2.epsilon")
        positive(self.delta, "theorem-2.delta", below=1.0)

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Where no component has a dimension above the latent dimension, as the theorem assumes."""
        return all(part.truth.dimension <= latent_dim for part in manifold.components)

    def premises(self, study: Study) -> Iterator[Premise]:
        """K compact of dimension at most m, E and D continuous and finite."""
        yield compact(study)
        dimension = max(part.truth.dimension for part in study.manifold.components)
        yield Premise(
            "dimension",
            f"K has dimension {dimension}, the code {study.latent_dim}; the theorem assumes dim K <= m.",
            dimension <= study.latent_dim,
        )
        yield study.continuity()
        yield finite_outputs(study)

    def find(self, study: Study) -> Finding:
        """The enclosure of the bad set's measure, and the worst training point where these are known."""
        threshold = Interval.exactly(self.delta)
        small, bad = decided(self.claim.relation, study.bad_sets(self.epsilon), threshold)
        outcomes = [small]
        worst_training: tuple[Evidence, ...] = ()
        message = "No training set is known for this model, so only the measure is judged."
        if self.training and study.training is not None:
            worst_training = (measure.training_error(study.autoencoder, study.training, manifold=study.manifold),)
            found = decide(Relation.LESS, worst_training[0].interval, Interval.exactly(self.epsilon))
            outcomes.append(found)
            message = f"Largest error at a training point: {worst_training[0].interval} (must be < {self.epsilon:g})."
        outcome = worst(outcomes)
        # the training condition alone failed: it is then the evidence that decides
        if worst_training and outcomes[0] is not outcome:
            return Finding(outcome, worst_training[0], Interval.exactly(self.epsilon), (bad,), (bad,), message=message)
        return Finding(outcome, bad, threshold, worst_training, worst_training, message=message)
