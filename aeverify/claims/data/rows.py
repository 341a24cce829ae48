"""Claims about the rows themselves: their largest error, far rows with one code, and the shape that codes keep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from aeverify.claims.base import Finding, decided, positive
from aeverify.claims.data.base import DataCheck, DataStudy, one_point_function
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.verdict import Outcome, decide
from aeverify.data import Part
from aeverify.errors import UsageError
from aeverify.measure import data as measure


@final
@dataclass(frozen=True)
class DataSup(DataCheck):
    """error <= epsilon on every row of the data set: a fact about finitely many points, and about nothing else.

    CERTIFIED where every row was evaluated with its rounding enclosed (known layers, within the time that
    `enclosure_seconds` gives), else EMPIRICAL. That it holds on the rows bounds the worst error elsewhere from neither
    side that a release needs: a finite set can be reconstructed perfectly with one number a code.
    """

    claim = Claim(
        id="data-sup",
        title="Error at most epsilon on every row",
        kind=ClaimKind.REQUIREMENT,
        statement="No row of the data set has an error above `epsilon`; nothing is said of points that are no rows.",
        citation=Citation("A requirement of the user", "", "error <= epsilon on every row"),
        quantity="sup_error_on_data",
        relation=Relation.AT_MOST,
    )
    by_name_only = True

    epsilon: float = field(default=0.1, metadata={"meaning": "error level, in the units of the data"})
    only_held_out: bool = field(default=False, metadata={"meaning": "look at the held-out rows alone"})

    def __post_init__(self) -> None:
        positive(self.epsilon, "data-sup.epsilon")

    def premises(self, study: DataStudy) -> Iterator[Premise]:
        """There are such rows, and they are judged one by one."""
        count = study.data.count(self._part)
        yield Premise("rows", f"The data set has {count} {self._part} rows.", count > 0)
        yield one_point_function(study)

    @property
    def _part(self) -> Part:
        return Part.HELD_OUT if self.only_held_out else Part.ALL

    def find(self, study: DataStudy) -> Finding:
        """The largest error, as rigorous as the decision can be had."""
        bar = Interval.exactly(self.epsilon)
        found = measure.sup_on_data(
            study.autoencoder,
            study.data,
            study.errors(self._part),
            time_budget=study.effort.enclosure_seconds,
        )
        outcome, evidence = decided(self.claim.relation, found, bar)
        return Finding(outcome, evidence, bar, message=f"The worst is {evidence.details['worst_row']}.")


@final
@dataclass(frozen=True)
class NoDataCollisions(DataCheck):
    """No two far rows have nearly the same code. Both distances are shares of the diagonal of a box, that of the rows
    and that of the codes, so no unit matters. Where all colliding pairs could be listed it is decided on both sides;
    it says nothing of rows that are not in the data set.

    A pair with one code costs at least half its distance at one of the two rows, for every decoder; the evidence on
    that stands beside the verdict.
    """

    claim = Claim(
        id="data-collisions",
        title="No two far rows with nearly the same code",
        kind=ClaimKind.REQUIREMENT,
        statement=(
            "Rows whose codes differ by at most `tolerance` of the diagonal of the codes' box are at most `separation` "
            "of the diagonal of the rows' box apart."
        ),
        citation=Citation(
            "Derived in aeverify.measure.data.collisions",
            "",
            "max(e(x), e(y)) >= |x - y| / 2 - L_D |E(x) - E(y)| / 2",
        ),
        quantity="collision_distance",
        relation=Relation.AT_MOST,
    )

    separation: float = field(default=0.25, metadata={"meaning": "how far rows may be apart, as a share, in (0, 1)"})
    tolerance: float = field(
        default=1e-3, metadata={"meaning": "how near codes count as the same, as a share, in (0, 1)"}
    )

    def __post_init__(self) -> None:
        positive(self.separation, "data-collisions.separation", below=1.0)
        positive(self.tolerance, "data-collisions.tolerance", below=1.0)

    def premises(self, study: DataStudy) -> Iterator[Premise]:
        """Two different rows, judged one by one."""
        holds = len(study.data) > 1 and study.data.extent > 0.0
        statement = "The data set has two different rows." if holds else "The data set has no two different rows."
        yield Premise("different-rows", statement, holds)
        yield one_point_function(study)

    def find(self, study: DataStudy) -> Finding:
        """The farthest colliding pair, with what it costs."""
        bar = Interval.exactly(self.separation)
        found = study.collisions(self.tolerance)
        outcome, evidence = decided(self.claim.relation, found.distances, bar)
        pairs = evidence.details["colliding_pairs"]
        return Finding(
            outcome,
            evidence,
            bar,
            (found.consequence,),
            message=f"{pairs} pairs with nearly the same code; the worst error is at least "
            f"{found.consequence.lower:.6g}.",
        )


@final
@dataclass(frozen=True)
class DataLatentHomology(DataCheck):
    """The codes have the clusters and holes that the rows have: the same number of bars longer than the sampling
    noise, in each degree. EMPIRICAL: true of the rows that were looked at. Holes of degree m and more are lost by every
    encoder to R^m, so that a loop with one number a code always fails."""

    claim = Claim(
        id="data-latent-homology",
        title="Codes keep the homology of the data",
        kind=ClaimKind.REQUIREMENT,
        statement=(
            "The numbers of features (bars longer than the sampling noise) of rows and codes differ by at most "
            "`mismatch` in all, over the degrees 0 to `max_degree` and Z/2; and, where `distance` is not 0, the "
            "bottleneck distance of their diagrams is at most `distance`."
        ),
        citation=Citation(
            "Derived in aeverify.measure.data.homology; B. T. Fasy et al., Confidence sets for persistence diagrams, "
            "Annals of Statistics 42 (2014)",
            "",
            "features of a sampled set are the bars longer than its sampling noise",
        ),
        quantity="homology_mismatch",
        relation=Relation.AT_MOST,
    )
    by_name_only = True

    mismatch: int = field(default=0, metadata={"meaning": "how many features may be lost or added"})
    max_degree: int = field(default=1, metadata={"meaning": "highest degree: 0 clusters, 1 loops, 2 cavities"})
    distance: float = field(
        default=0.0, metadata={"meaning": "largest bottleneck distance, in the units of the data; 0: not asked"}
    )

    def __post_init__(self) -> None:
        if self.mismatch < 0 or self.max_degree not in (0, 1, 2) or not 0.0 <= self.distance < float("inf"):
            raise UsageError(
                "data-latent-homology takes mismatch >= 0, max_degree 0, 1 or 2, and a finite distance >= 0; got "
                f"{self.mismatch!r}, {self.max_degree!r} and {self.distance!r}."
            )

    def premises(self, study: DataStudy) -> Iterator[Premise]:
        """Enough different rows, judged one by one, which show a feature, or whose codes do."""
        most = len(study.data) - study.data.duplicates
        least = measure.LEAST_ROWS
        yield Premise("enough-rows", f"There are {most} different rows; homology needs {least}.", most >= least)
        yield one_point_function(study)
        found = study.homology(self.max_degree)
        statement = (
            "Rows or codes show more than one cluster, or a hole, longer than the sampling noise."
            if found.has_features
            else "Neither rows nor codes show more than one piece without holes at this many rows, so there is nothing "
            "to keep: give more rows, or another claim."
        )
        yield Premise("features", statement, found.has_features)

    def find(self, study: DataStudy) -> Finding:
        """The mismatch of the counts, and the distance where it is asked for."""
        found = study.homology(self.max_degree)
        counts = f"Features from degree 0: rows {list(found.data.features)}, codes {list(found.codes.features)}."
        bar = Interval.exactly(float(self.mismatch))
        first = Finding(
            decide(self.claim.relation, found.mismatch.interval, bar),
            found.mismatch,
            bar,
            (found.distance,),
            message=counts,
        )
        if not self.distance or first.outcome is not Outcome.PASS:
            return first
        limit = Interval.exactly(self.distance)
        return Finding(
            decide(self.claim.relation, found.distance.interval, limit),
            found.distance,
            limit,
            (found.mismatch,),
            (found.mismatch,),
            message=counts,
        )
