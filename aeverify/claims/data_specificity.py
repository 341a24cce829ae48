"""Data specificity: good on the set it was made for, bad on another."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import final

from aeverify import measure
from aeverify.claims.base import Check, Finding, positive, together
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.manifolds import manifold as build
from aeverify.manifolds.base import Manifold


@final
@dataclass(frozen=True)
class DataSpecificity(Check):
    """The error is at most epsilon on K, and above it on another set K', each but for a share.

    Both shares are enclosed. The claim is about the two named sets: a model that is bad on one K' may be good on
    another, and if K and K' meet, it cannot be good and bad on what they share.
    """

    claim = Claim(
        id="data-specificity",
        title="Good on its data, bad on others",
        kind=ClaimKind.REQUIREMENT,
        statement=(
            "The share of K with an error above `epsilon`, and the share of the set `other` with an error of at most "
            "`epsilon`, are each at most `share`."
        ),
        citation=Citation(
            "Lecture slides on autoencoders (source 002)",
            "properties of autoencoders",
            "an autoencoder is specific to its data: one of cats is bad at trees",
        ),
        quantity="share_on_the_wrong_side",
        relation=Relation.AT_MOST,
        ledger=("S-6", "S-10"),
    )
    by_name_only = True
    statistical_statements = 2

    other: str = field(default="", metadata={"meaning": "spec of another set K' of the same space"})
    epsilon: float = field(default=0.2, metadata={"meaning": "error level, in the units of the data"})
    share: float = field(default=0.1, metadata={"meaning": "share of either set on the wrong side, in (0, 1)"})

    def __post_init__(self) -> None:
        positive(self.epsilon, "data-specificity.epsilon")
        positive(self.share, "data-specificity.share", below=1.0)
        if self.other:
            build(self.other)

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Where another set of the same space is named."""
        return bool(self.other) and build(self.other).ambient_dim == manifold.ambient_dim

    def premises(self, study: Study) -> Iterator[Premise]:
        """Another set, of the same space."""
        yield Premise(
            "other-set",
            "The parameter `other` names a set of the same space that is not K.",
            self.applies(study.manifold, study.latent_dim) and build(self.other) != study.manifold,
        )

    def find(self, study: Study) -> Finding:
        """The two shares; the worse one is shown."""
        bar = Interval.exactly(self.share)
        own = study.bad_set(self.epsilon)
        there = measure.bad_set(
            study.autoencoder,
            build(self.other),
            self.epsilon,
            seed=study.seed.child("data_specificity"),
            draws=study.effort.draws,
            alpha=study.alpha,
        )
        good_there = Interval(
            max(math.nextafter(1.0 - there.upper, -1.0), 0.0), min(math.nextafter(1.0 - there.lower, 2.0), 1.0)
        )
        on_own = replace(own, quantity=self.claim.quantity)
        on_other = replace(
            there,
            quantity=self.claim.quantity,
            interval=good_there,
            # the witness lies on the other set, which a replay on K does not know
            witness=None,
            method=f"One less the share of {self.other} with an error above {self.epsilon:g}. {there.method}",
        )
        found = together([Finding(decide(self.claim.relation, e.interval, bar), e, bar) for e in (on_own, on_other)])
        return replace(
            found,
            needed=found.supporting,
            message=f"Error above {self.epsilon:g}: share {own.interval} of K, {there.interval} of {self.other}.",
        )
