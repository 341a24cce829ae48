"""Latent topology: a set of codes in R^m has no homology in degree m and above, so what K has there is lost."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from aeverify.claims.base import KVALHEIM_SONTAG, Check, Finding, compact, finite_outputs
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold


@final
@dataclass(frozen=True)
class LatentTopology(Check):
    """The persistence diagram of the codes of a sample of K is empty in every degree j >= m.

    Derivation. A compact subset P of R^m has Cech cohomology 0 in degrees >= m (Alexander duality, Dold VIII.8.15). The
    union of balls of one radius around finitely many codes is such a set, and the alpha complex is homotopy equivalent
    to it at every radius (nerve theorem), so the alpha diagram of codes has no interval in degree m or above, for any
    encoder whatever. H_j(K) with j >= m is therefore lost by every encoder: the report says how many classes. For m = 1
    the union of intervals on a line has no H_1 because it is a union of intervals; for m >= 2 the check exercises the
    homology engine. A FAIL is a fault of the engine or of the code's declared dimension. A Rips complex is no nerve of
    balls: six points of a regular hexagon in R^2 have a Rips H_2.
    """

    claim = Claim(
        id="latent-topology",
        title="Codes have no homology in degree m",
        kind=ClaimKind.THEOREM,
        statement=(
            "The set of codes in R^m has no persistent homology in degrees >= m over the named field, so every class "
            "that K has in those degrees is lost by the encoder."
        ),
        citation=Citation(
            KVALHEIM_SONTAG, "proof of Theorem 3", "H^k of a compact subset of R^k is zero by Alexander duality"
        ),
        quantity="latent_bars",
        relation=Relation.EQUAL,
        ledger=("K-22", "K-23", "K-36"),
    )

    field: int = dataclasses.field(default=2, metadata={"meaning": "prime p of the coefficient field Z/p"})
    engine: str = dataclasses.field(default="alpha", metadata={"meaning": "alpha (sound here) or rips"})
    samples: int = dataclasses.field(
        default=0, metadata={"meaning": "points of each component's diagram; 0 takes the run's effort"}
    )

    def __post_init__(self) -> None:
        if self.engine not in ("alpha", "rips"):
            raise UsageError(f'latent-topology.engine must be "alpha" or "rips", got {self.engine!r}.')
        if self.samples < 0:
            raise UsageError(f"latent-topology.samples must be 0 or a positive integer, got {self.samples}.")

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Where K has a class in some degree >= m to lose."""
        return any(any(numbers[latent_dim:]) for numbers in manifold.truth.betti.values())

    def premises(self, study: Study) -> Iterator[Premise]:
        """K compact with a class in degree >= m over the field; E continuous; finite codes."""
        yield compact(study)
        lost = self._classes(study)
        name = f"Z/{self.field}"
        yield Premise(
            "classes",
            f"K has {lost} homology classes over {name} in degrees >= {study.latent_dim}.",
            lost > 0,
        )
        yield study.continuity()
        yield finite_outputs(study)

    def find(self, study: Study) -> Finding:
        """The number of intervals in degrees >= m of the diagram of the codes."""
        options = {"samples": self.samples} if self.samples else {}
        homology = study.latent_homology(field=self.field, engine=self.engine, **options)
        bars = homology.latent_bars
        zero = Interval.exactly(0.0)
        return Finding(
            decide(self.claim.relation, bars.interval, zero),
            bars,
            zero,
            supporting=homology.supporting,
            message=f"{self._classes(study)} classes of K in degrees >= {study.latent_dim} over Z/{self.field} are "
            "lost by every encoder with this code dimension.",
        )

    def _classes(self, study: Study) -> int:
        name = f"Z/{self.field}"
        return sum(study.manifold.truth.betti.get(name, ())[study.latent_dim :])
