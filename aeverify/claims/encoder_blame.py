"""Encoder blame: the share of the worst error that no decoder could repair."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from aeverify import measure
from aeverify.claims.base import Check, Finding, compact, finite_outputs, positive
from aeverify.claims.encoder_evidence import encoder_floor
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.manifolds.base import Manifold


@final
@dataclass(frozen=True)
class EncoderBlame(Check):
    """R(E) / sup e is at most `share`: so much of the worst error is the encoder's fault, the rest the decoder's.

    R(E), the largest circumradius of a fibre of the encoder, is the least worst error that any decoder can reach with
    it (`measure.blame`). A share near 1 says that training the decoder further is in vain: the encoder sends far points
    to one code. A share of one half says that another decoder would halve the worst error; the cut maps are of this
    kind: the tear is decoded along the whole curve, and its middle would do.

    It is a requirement that waits to be named: where K is obstructed even the best autoencoder has a share of 1 (the
    constant on a circle), so no share is right for every model.
    """

    claim = Claim(
        id="encoder-blame",
        title="How much of the worst error is the encoder's",
        kind=ClaimKind.REQUIREMENT,
        statement="The encoder's floor R(E), below which no decoder brings the worst error, is at most `share` of it.",
        citation=Citation(
            "derived in aeverify.measure.blame",
            "elimination of the decoder",
            "the least worst error over all decoders is the largest circumradius of a fibre of the encoder",
        ),
        quantity="encoder_share",
        relation=Relation.AT_MOST,
        ledger=("K-10", "T-14"),
    )

    share: float = dataclasses.field(
        default=0.9, metadata={"meaning": "largest share of the worst error that may be the encoder's, in (0, 1]"}
    )

    def __post_init__(self) -> None:
        if self.share != 1.0:
            positive(self.share, "encoder-blame.share", below=1.0)

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Never by itself: only the user knows which share is too much."""
        return False

    def premises(self, study: Study) -> Iterator[Premise]:
        """K compact; E and D continuous and finite; an error that is not 0."""
        yield compact(study)
        yield study.continuity()
        yield finite_outputs(study)
        worst = study.sup_error()
        yield Premise("error", f"Some point of K has a positive error: the worst is {worst.interval}.",
                      worst.lower > 0.0, worst)  # fmt: skip

    def find(self, study: Study) -> Finding:
        """The share, from the enclosures of R(E) and of the worst error."""
        floor, worst = encoder_floor(study), study.sup_error()
        share = measure.encoder_share(floor, worst)
        limit = Interval.exactly(self.share)
        return Finding(
            decide(self.claim.relation, share.interval, limit),
            share,
            limit,
            supporting=(floor, worst),
            needed=(floor, worst),
            message=f"No decoder brings the worst error below R(E) in {floor.interval}; it is in {worst.interval}.",
        )
