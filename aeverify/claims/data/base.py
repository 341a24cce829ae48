"""DataCheck and DataStudy: one claim about one model on one data set, and what was measured of the two so far."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aeverify.autoencoders.protocol import Autoencoder, Continuity
from aeverify.claims.base import CheckOf
from aeverify.claims.study import Effort
from aeverify.core.claim import Premise
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed
from aeverify.data import DataSet, Part
from aeverify.measure import data as measure

T = TypeVar("T")

_SAME = 1e-4
"""Change of a reconstruction, relative to its size, that float32 may show between batches of different sizes."""


@dataclass(eq=False)
class DataStudy:
    """One model on one data set, with everything that was measured so far.

    Attributes:
        autoencoder: the subject.
        data: the rows.
        seed: root of the random streams of this study.
        alpha: error probability of each single statistical statement; the run's budget has been split already.
        effort: sample sizes: `samples` rows are compared for collisions, `enclosure_seconds` go into certifying.

    Raises:
        UsageError: the model takes points of another dimension than the rows.
    """

    autoencoder: Autoencoder
    data: DataSet
    seed: Seed
    alpha: float = 0.01
    effort: Effort = field(default_factory=Effort)
    _cache: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        measure.require_same_space(self.autoencoder, self.data)

    def _once(self, key: Hashable, measure_it: Callable[[], T]) -> T:
        if key not in self._cache:
            self._cache[key] = measure_it()
        found: T = self._cache[key]
        return found

    @property
    def latent_dim(self) -> int:
        """m, the code dimension."""
        return self.autoencoder.latent_dim

    def errors(self, part: Part) -> measure.RowErrors:
        """Errors at the rows of a part."""
        return self._once(("errors", part), lambda: measure.row_errors(self.autoencoder, self.data, part))

    def batch_gap(self) -> Evidence:
        """What a row's reconstruction owes to the rows beside it."""
        return self._once("batch_gap", lambda: measure.batch_gap(self.autoencoder, self.data))

    def collisions(self, tolerance: float) -> measure.DataCollisions:
        """Far rows with nearly the same code."""
        return self._once(
            ("collisions", tolerance),
            lambda: measure.data_collisions(
                self.autoencoder,
                self.data,
                tolerance=tolerance,
                most=self.effort.samples,
                seed=self.seed.child("data_collisions"),
            ),
        )

    def homology(self, max_degree: int) -> measure.DataHomology:
        """Homology of the rows and of their codes."""
        return self._once(
            ("homology", max_degree),
            lambda: measure.data_homology(
                self.autoencoder, self.data, max_degree=max_degree, seed=self.seed.child("data_homology")
            ),
        )


@dataclass(frozen=True)
class DataCheck(CheckOf[DataStudy, DataSet]):
    """A claim that can be decided about a `DataStudy`. The dataclass fields of a subclass are its parameters."""

    def names(self, study: DataStudy) -> tuple[str, str]:
        """Name of the model and of the data."""
        return study.autoencoder.name, str(study.data)

    def applies(self, manifold: DataSet, latent_dim: int) -> bool:
        """Whether the claim says something about this data set and latent dimension."""
        return True


def one_point_function(study: DataStudy) -> Premise:
    """The premise that the model makes the same of a row whatever other rows are evaluated with it."""
    gap = study.batch_gap()
    same = gap.lower <= _SAME
    statement = (
        f"What the model makes of a row is the same alone and among others, at {gap.details['rows']} rows."
        if same
        else f"The reconstruction of a row changes by {gap.lower:.3g} of its size with the rows beside it: put the "
        "model in evaluation mode (batch norm, dropout)."
    )
    # an autoencoder is a function by its protocol; only what refutes that is evidence
    return Premise("function-of-one-point", statement, same, None if same else gap)


def held_out(study: DataStudy) -> Premise:
    """The premise that some rows were held out from training, by the caller's word."""
    count = study.data.count(Part.HELD_OUT)
    statement = (
        f"The caller says that {count} rows were held out from training: {study.data.held_out.rule}."
        if count
        else "No held-out rows are named, so nothing is known of rows that the model was not trained on: give "
        "held_out=, 1.0 where it was trained on none of these."
    )
    return Premise("held-out", statement, count > 0)


def independent(study: DataStudy) -> Premise:
    """The premise that the rows are independent draws, by the caller's word."""
    told = study.data.independent
    statement = "The caller says that the rows are independent draws from one population."
    refused = "The caller says that the rows are not independent draws, so no binomial law holds for their errors."
    return Premise("independent", statement if told else refused, told)


def disjoint(study: DataStudy) -> Premise:
    """The premise that no held-out row stands among the training rows."""
    shared = study.data.shared_count
    rows = ", ".join(study.data.where(i) for i in study.data.shared_rows[:5])
    evidence = Evidence(
        "shared_rows",
        Interval.exactly(float(shared)),
        Rigor.EXACT,
        "Both ends: held-out rows that stand among the other rows too, number for number.",
        details={**study.data.record(), "rows": list(study.data.shared_rows[:20])},
    )
    statement = (
        "No held-out row stands among the other rows."
        if not shared
        else f"{shared} held-out rows stand among the other rows ({rows}{', ...' if shared > 5 else ''}), so they were "
        "not held out: remove the repetitions before the split."
    )
    return Premise("disjoint", statement, shared == 0, evidence)


def continuous(study: DataStudy) -> Premise:
    """The premise that E and D are continuous: from the graph, or by the author's word; no row shows it."""
    known = study.autoencoder.continuity
    statement = {
        Continuity.KNOWN: "Every operation of the model is continuous.",
        Continuity.DECLARED: "The author declares that the model is continuous.",
        Continuity.OPAQUE: "Nothing is known of the model's operations, and rows alone cannot show continuity.",
        Continuity.DISCONTINUOUS: "The model has an operation that jumps.",
    }[known]
    holds = {Continuity.OPAQUE: None, Continuity.DISCONTINUOUS: False}.get(known, True)
    rigor = Rigor.EMPIRICAL if known is Continuity.DECLARED else Rigor.EXACT
    assumed = ("E and D are continuous, as the author declares.",) if known is Continuity.DECLARED else ()
    evidence = None
    if holds:
        evidence = Evidence("jump", Interval.exactly(0.0), rigor, "Both ends: from the graph.", assumptions=assumed)
    return Premise("continuous", statement, holds, evidence)
