"""Continuity of the code: near inputs have near codes, as a bound of the encoder's Lipschitz constant along K."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import final

from aeverify import measure
from aeverify.autoencoders.protocol import Part
from aeverify.claims.base import Check, Finding, positive, together
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation, Evidence
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.manifolds.base import Manifold


@final
@dataclass(frozen=True)
class CodeContinuity(Check):
    """|E(x) - E(y)| <= constant d_K(x, y) along each component of K.

    Of a variational model E is its mean path, which is deterministic. "Close inputs, close codes" without a number is
    the continuity of E, which every network of continuous layers has; with a number it competes with the error: where
    a lower bound of the width obstructs K, a small bad set needs a large constant of D after E (`lipschitz-price`).
    """

    claim = Claim(
        id="code-continuity",
        title="Near inputs have near codes",
        kind=ClaimKind.REQUIREMENT,
        statement="The Lipschitz constant of the encoder along each component of K is at most `constant`.",
        citation=Citation("Notes on autoencoders (source 001)", "continuity", "close inputs are to have close codes"),
        quantity="lipschitz_constant",
        relation=Relation.AT_MOST,
        ledger=("V-9", "V-14", "S-24"),
    )
    by_name_only = True

    constant: float = field(default=10.0, metadata={"meaning": "code units per unit of path length in K"})

    def __post_init__(self) -> None:
        positive(self.constant, "code-continuity.constant")

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Everywhere."""
        return True

    def premises(self, study: Study) -> Iterator[Premise]:
        """E continuous."""
        yield study.continuity()

    def find(self, study: Study) -> Finding:
        """A steep pair of points from below and the enclosure from above; the worst component is shown."""
        bar = Interval.exactly(self.constant)
        found = [self._on_component(study, i) for i in range(len(study.manifold.components))]
        worst = together([Finding(decide(self.claim.relation, e.interval, bar), e, bar) for e in found])
        return replace(worst, needed=worst.supporting)

    def _on_component(self, study: Study, index: int) -> Evidence:
        part = study.manifold.components[index]
        return measure.lipschitz(
            study.autoencoder,
            part,
            part=Part.ENCODER,
            samples=max(study.effort.samples // 10, 10),
            time_budget=study.effort.enclosure_seconds / 2,
            seed=study.seed.child("code_continuity", index),
        )
