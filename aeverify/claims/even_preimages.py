"""Even preimages: almost every code of a closed k-manifold in k numbers belongs to an even number of points."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from aeverify.claims.base import Check, Finding, compact, finite_outputs
from aeverify.claims.encoder_evidence import closed_parts, preimages
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.manifolds.base import Manifold


@final
@dataclass(frozen=True)
class EvenPreimages(Check):
    """Random codes of a closed k-manifold coded by k numbers have an even number of preimages.

    The number modulo 2 is the same for all regular codes of a smooth or piecewise linear encoder, and 0 for a code that
    is not met at all, which there is since K is compact. So nothing but a null set of codes is unique to one point; the
    report tells how many preimages a typical code has, which is 2 for a fold and for a tear alike. Counting on a grid
    is EMPIRICAL, and an odd count is a fault of the counter, so the check passes or is INCONCLUSIVE and never fails.
    """

    claim = Claim(
        id="even-preimages",
        title="Codes have an even number of preimages",
        kind=ClaimKind.THEOREM,
        statement=(
            "On a closed k-manifold coded by k numbers every regular code has an even number of preimages: no sampled "
            "code has an odd one."
        ),
        citation=Citation(
            "J. W. Milnor, Topology from the Differentiable Viewpoint, 1965",
            "section 4",
            "the number of preimages modulo 2 is the same for all regular values",
        ),
        quantity="odd_preimage_counts",
        relation=Relation.EQUAL,
        ledger=("K-22",),
    )

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Where K has closed components of as many dimensions as the code has numbers, 1 or 2."""
        return latent_dim in (1, 2) and bool(closed_parts(manifold, latent_dim))

    def premises(self, study: Study) -> Iterator[Premise]:
        """K compact with closed components of dimension m <= 2; E continuous; finite outputs; some regular code."""
        yield compact(study)
        m = study.latent_dim
        yield Premise(
            "closed",
            f"Some component of K is a closed manifold of dimension {m}, which is 1 or 2.",
            self.applies(study.manifold, m),
        )
        yield study.continuity()
        yield finite_outputs(study)
        counted = any(len(preimages(study, i).counts) for i in closed_parts(study.manifold, m))
        yield Premise("regular", "Codes vary on some closed component, so that regular codes can be drawn.", counted)

    def find(self, study: Study) -> Finding:
        """How many sampled codes have an odd number of preimages, on the component that has most."""
        found = [preimages(study, i) for i in closed_parts(study.manifold, study.latent_dim)]
        found = [f for f in found if len(f.counts)]
        first = max(found, key=lambda f: f.odd.upper)
        zero = Interval.exactly(0.0)
        rest = tuple(f.odd for f in found if f is not first)
        words = (
            "A typical code has " + ", ".join(str(f.typical) for f in found) + " preimages on each closed component."
        )
        finding = Finding(decide(self.claim.relation, first.odd.interval, zero), first.odd, zero, message=words)
        return dataclasses.replace(finding, supporting=rest, needed=rest)
