"""Memorisation: training points reproduced, other points of K not; and what a one-dimensional code pays for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from aeverify import measure
from aeverify.claims.base import Check, Finding, decided, finite_outputs, positive
from aeverify.claims.pca_subspace import data_of
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold


@final
@dataclass(frozen=True)
class Memorisation(Check):
    """A model that reproduces its training points reproduces the rest of K too.

    The extreme that this flags: all N training points on one number each and back, losslessly, and nothing else. The
    training error alone cannot tell it from a good model; fresh uniform points of K can: the share of K on which the
    error exceeds `unseen` circumradii is enclosed, and must be at most `share`. A model that does not even fit its
    training points (some error above `fitted` circumradii) memorises nothing, and the claim is VACUOUS.
    """

    claim = Claim(
        id="memorisation",
        title="No memorisation",
        kind=ClaimKind.REQUIREMENT,
        statement=(
            "Where every training error is at most `fitted` circumradii, the share of K with an error above `unseen` "
            "circumradii is at most `share`."
        ),
        citation=Citation(
            "Lecture slides on autoencoders (source 002) and notes on autoencoders (source 001)",
            "failure by too much capacity",
            "a one-dimensional code can map every training point to its index and back",
        ),
        quantity="bad_set_measure",
        relation=Relation.AT_MOST,
        ledger=("V-7", "V-8", "S-20", "S-22", "K-16"),
    )
    by_name_only = True
    statistical_statements = 1

    fitted: float = field(default=0.05, metadata={"meaning": "largest training error, in circumradii of K"})
    unseen: float = field(default=0.2, metadata={"meaning": "error level on K, in circumradii of K"})
    share: float = field(default=0.25, metadata={"meaning": "share of K that may exceed it, in (0, 1)"})

    def __post_init__(self) -> None:
        positive(self.fitted, "memorisation.fitted")
        positive(self.unseen, "memorisation.unseen")
        positive(self.share, "memorisation.share", below=1.0)
        if self.fitted > self.unseen:
            raise UsageError(
                f"memorisation.fitted must be at most memorisation.unseen, got {self.fitted:g} and {self.unseen:g}."
            )

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Everywhere."""
        return True

    def premises(self, study: Study) -> Iterator[Premise]:
        """The training points are known and were fitted."""
        yield Premise("training-set", "The points that the model was trained on are known.", study.training is not None)
        assert study.training is not None
        found = measure.training_error(study.autoencoder, study.training, manifold=study.manifold)
        bar = self.fitted * study.manifold.truth.circumradius.lower
        holds = True if found.upper <= bar else (False if found.lower > bar else None)
        yield Premise("fitted", f"Every training error is at most {bar:.6g}.", holds, found)

    def find(self, study: Study) -> Finding:
        """The share of K with a large error, against the share that may have one."""
        level = self.unseen * study.manifold.truth.circumradius.upper
        bar = Interval.exactly(self.share)
        outcome, evidence = decided(self.claim.relation, study.bad_sets(level), bar)
        assert study.training is not None
        return Finding(outcome, evidence, bar, message=f"{len(study.training)} training points; level {level:.6g}.")


@final
@dataclass(frozen=True)
class CodeRangePrice(Check):
    """Lip(D) times the range of a one-dimensional code is at least the length of a tour of the points.

    `measure.decoder_travel` derives it. The claim holds what is known of L (z_max - z_min), from below by the steepest
    piece and from above by the model's bound of L, against the longest of the three tours. FAIL: the bound is false,
    or it is a bug of ours. Its use is the figure: a model that memorises N far points on a line has to be steep.
    """

    claim = Claim(
        id="code-range-price",
        title="A code on a line pays for every point",
        kind=ClaimKind.THEOREM,
        statement=(
            "For a one-dimensional code, Lip(D) (z_max - z_min) over the data is at least the polyline of the outputs "
            "in code order, their spanning tree, and the spanning tree of the data less twice the sum of the errors."
        ),
        citation=Citation(
            "derived in aeverify.measure.code_path", "", "the polyline of the outputs is a spanning tree of them"
        ),
        quantity="lipschitz_times_code_range",
        relation=Relation.AT_LEAST,
        ledger=("V-7", "S-20"),
    )
    by_name_only = True

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """One-dimensional codes."""
        return latent_dim == 1

    def premises(self, study: Study) -> Iterator[Premise]:
        """m = 1, E and D continuous and finite."""
        yield Premise("one-dimensional-code", "The code has one number.", study.latent_dim == 1)
        yield study.continuity()
        yield finite_outputs(study)

    def find(self, study: Study) -> Finding:
        """The travel of the decoder against the tour."""
        data = data_of(study)
        travel, tour = measure.decoder_travel(study.autoencoder, data.points)
        bar = Interval.exactly(tour.lower)
        return Finding(
            decide(self.claim.relation, travel.interval, bar),
            travel,
            bar,
            supporting=(tour,),
            needed=(tour,),
            message=(
                f"{travel.details['points']} points; spanning tree {tour.details['spanning_tree_of_points']:.6g}, sum "
                f"of errors {tour.details['sum_of_errors']:.6g}; D has a piece of slope "
                f"{travel.details['steepest_piece']:.6g}."
            ),
        )
