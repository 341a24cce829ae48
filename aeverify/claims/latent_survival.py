"""Latent survival: a small worst error forces the homology of K to be seen among the codes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from aeverify.claims.base import Check, Finding, compact, finite_outputs
from aeverify.claims.encoder_evidence import connected_parts, survival
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.errors import UsageError
from aeverify.homology import ALPHA_DIMENSIONS
from aeverify.manifolds.base import Manifold


@final
@dataclass(frozen=True)
class LatentHomologySurvives(Check):
    """At a worst error below the weak feature size r of a component, its classes in degrees 1 to m - 1 are bars of its
    codes.

    With D L_D-Lipschitz, sup e <= a < r and s = (r - a) / L_D: at least b_j bars in degree j of the alpha diagram of
    sampled codes are born by delta and die after s, where every code of the component is within delta <= s of a sampled
    one (proof in `measure.latent_barcodes`). The count is compared with the sum of the Betti numbers of K. It is a
    statement about codes up to scale s, and its premise is on the whole model: an encoder that wraps a circle twice has
    a perfect circle of codes, but cannot have such an error.

    A FAIL says that a declared constant is false, or is a bug of the engine or of ours. VACUOUS where the error is too
    large to force anything, INCONCLUSIVE where that is not decided.
    """

    claim = Claim(
        id="latent-homology-survives",
        title="Homology that the codes must keep",
        kind=ClaimKind.THEOREM,
        statement=(
            "Where the worst error is below the weak feature size of a component, every homology class of it in "
            "degrees 1 to m - 1 over the named field is a bar of the codes, born by the density of the sample and "
            "alive beyond (feature size - error) / L_D."
        ),
        citation=Citation(
            "derived in aeverify.measure.latent_barcodes; D. Cohen-Steiner, H. Edelsbrunner and J. Harer 2007",
            "features that must be there",
            "the inclusion of K into its offset factors through the offsets of the sampled codes",
        ),
        quantity="surviving_classes",
        relation=Relation.AT_LEAST,
        ledger=("K-22", "K-36", "V-9"),
    )

    field: int = dataclasses.field(default=2, metadata={"meaning": "prime p of the coefficient field Z/p"})
    samples: int = dataclasses.field(
        default=0, metadata={"meaning": "points of each component to begin with; 0 takes the run's effort"}
    )

    def __post_init__(self) -> None:
        if self.samples < 0:
            raise UsageError(f"latent-homology-survives.samples must be 0 or a positive integer, got {self.samples}.")

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Where some component has a class in a degree from 1 to m - 1, and alpha complexes are at hand."""
        return latent_dim <= ALPHA_DIMENSIONS and bool(self._candidates(manifold, latent_dim))

    def premises(self, study: Study) -> Iterator[Premise]:
        """K compact with a class in degrees 1 to m - 1; E and D continuous and finite; an error that forces it."""
        yield compact(study)
        parts = self._candidates(study.manifold, study.latent_dim)
        m = study.latent_dim
        yield Premise(
            "classes",
            f"K has homology classes over Z/{self.field} in degrees 1 to {m - 1}, and alpha complexes reach R^{m}.",
            bool(parts) and m <= ALPHA_DIMENSIONS,
        )
        yield study.continuity()
        yield finite_outputs(study)
        found = [survival(study, i, self.field, self.samples or study.effort.homology_samples) for i in parts]
        forced = [f.forced for f in found]
        holds = True if any(forced) else (None if None in forced else False)
        first = next((f for f in found if f.forced is holds), found[0])
        yield Premise(
            "small-error",
            f"The error is small enough to force classes to survive: {first.why}.",
            holds,
            study.sup_errors()[first.component],
        )

    def find(self, study: Study) -> Finding:
        """The bars that are there against the classes that must be, on each component where they are forced."""
        findings = []
        for i in self._candidates(study.manifold, study.latent_dim):
            found = survival(study, i, self.field, self.samples or study.effort.homology_samples)
            if found.forced and found.count is not None:
                wanted = Interval.exactly(float(found.required))
                words = (
                    f"{found.required} classes must be born by {found.born_by:.4g} and alive beyond "
                    f"{found.alive_after:.4g}: {found.why}."
                )
                outcome = decide(self.claim.relation, found.count.interval, wanted)
                findings.append(Finding(outcome, found.count, wanted, message=words))
        order = ("FAIL", "INCONCLUSIVE", "PASS")
        first = min(findings, key=lambda f: order.index(f.outcome))
        rest = tuple(f.evidence for f in findings if f is not first)
        return dataclasses.replace(first, supporting=rest, needed=rest)

    def _candidates(self, manifold: Manifold, latent_dim: int) -> list[int]:
        name = f"Z/{self.field}"
        return [
            i for i in connected_parts(manifold) if any(manifold.components[i].truth.betti.get(name, ())[1:latent_dim])
        ]
