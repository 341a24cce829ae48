"""Requirements on the population that held-out rows were drawn from: share, quantile and mean of the error."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from aeverify.claims.base import Finding, positive
from aeverify.claims.data.base import DataCheck, DataStudy, disjoint, held_out, independent, one_point_function
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.data import Part
from aeverify.errors import UsageError
from aeverify.measure import data as measure

_USER = "A requirement of the user"


def drawn(study: DataStudy) -> Iterator[Premise]:
    """What every statement about the population presupposes of the held-out rows."""
    yield held_out(study)
    yield independent(study)
    yield disjoint(study)
    yield one_point_function(study)


@final
@dataclass(frozen=True)
class PopulationError(DataCheck):
    """error <= epsilon on at least 1 - delta of the population, with the confidence that the run's budget leaves.

    The held-out rows are taken for independent draws that the model has not seen, by the caller's word. Then the number
    of errors above epsilon is binomial, and exact Clopper-Pearson limits enclose the share; n rows without one such
    error show a share of at most about log(2/alpha) / n, so that 1 % at 99 % takes 528 of them.
    """

    claim = Claim(
        id="population-error",
        title="Error at most epsilon on most of the population",
        kind=ClaimKind.REQUIREMENT,
        statement="The share of the population with an error above `epsilon` is at most `delta`.",
        citation=Citation(_USER, "", "error <= epsilon on at least 1 - delta of the population"),
        quantity="bad_share",
        relation=Relation.AT_MOST,
    )
    by_name_only = True
    statistical_statements = 1

    epsilon: float = field(default=0.1, metadata={"meaning": "error level, in the units of the data"})
    delta: float = field(default=0.01, metadata={"meaning": "share of the population that may exceed it, in (0, 1)"})

    def __post_init__(self) -> None:
        positive(self.epsilon, "population-error.epsilon")
        positive(self.delta, "population-error.delta", below=1.0)

    def premises(self, study: DataStudy) -> Iterator[Premise]:
        """Held-out rows that are independent, disjoint from the rest, and judged one by one."""
        yield from drawn(study)

    def find(self, study: DataStudy) -> Finding:
        """The share, beside the largest error."""
        errors, bar = study.errors(Part.HELD_OUT), Interval.exactly(self.delta)
        found = measure.population_share(study.autoencoder, study.data, errors, self.epsilon, alpha=study.alpha)
        return Finding(
            decide(self.claim.relation, found.interval, bar),
            found,
            bar,
            message=f"Largest error among {len(errors.rows)} held-out rows: {errors.worst.error:.6g}.",
        )


@final
@dataclass(frozen=True)
class PopulationQuantile(DataCheck):
    """The quantile of the error at a level is at most epsilon: by order statistics, without any assumption on the law
    of the error. Beside it stand three quantiles that hold together (Dvoretzky, Kiefer and Wolfowitz)."""

    claim = Claim(
        id="population-quantile",
        title="Quantile of the error at most epsilon",
        kind=ClaimKind.REQUIREMENT,
        statement="The quantile of level `level` of the error over the population is at most `epsilon`.",
        citation=Citation(_USER, "", "a quantile of the error is at most epsilon"),
        quantity="error_quantile",
        relation=Relation.AT_MOST,
    )
    by_name_only = True
    statistical_statements = 2

    level: float = field(default=0.5, metadata={"meaning": "level of the quantile, in (0, 1); 0.5 is the median"})
    epsilon: float = field(default=0.1, metadata={"meaning": "largest error allowed there, in the units of the data"})

    def __post_init__(self) -> None:
        positive(self.level, "population-quantile.level", below=1.0)
        positive(self.epsilon, "population-quantile.epsilon")

    def premises(self, study: DataStudy) -> Iterator[Premise]:
        """As of `population-error`."""
        yield from drawn(study)

    def find(self, study: DataStudy) -> Finding:
        """The quantile, beside the band."""
        errors, bar = study.errors(Part.HELD_OUT), Interval.exactly(self.epsilon)
        found = measure.population_quantile(study.autoencoder, study.data, errors, self.level, alpha=study.alpha)
        band = measure.population_band(study.data, errors, alpha=study.alpha)
        return Finding(decide(self.claim.relation, found.interval, bar), found, bar, (band,))


@final
@dataclass(frozen=True)
class PopulationMean(DataCheck):
    """The mean error is at most epsilon. It has an upper limit only where the error is bounded: name the bound. A mean
    says nothing of the worst rows, and a low one is reached by models that tear."""

    claim = Claim(
        id="population-mean",
        title="Mean error at most epsilon",
        kind=ClaimKind.REQUIREMENT,
        statement="The mean error over the population is at most `epsilon`, given that no error exceeds `bound`.",
        citation=Citation(_USER, "", "the mean error is at most epsilon"),
        quantity="mean_error",
        relation=Relation.AT_MOST,
    )
    by_name_only = True
    statistical_statements = 1

    epsilon: float = field(default=0.1, metadata={"meaning": "largest mean error allowed, in the units of the data"})
    bound: float = field(
        default=0.0, metadata={"meaning": "no error on the population exceeds this, by your word; 0: none is known"}
    )

    def __post_init__(self) -> None:
        positive(self.epsilon, "population-mean.epsilon")
        if not (math.isfinite(self.bound) and self.bound >= 0.0):
            raise UsageError(f"population-mean.bound must be a finite number of at least 0, got {self.bound!r}.")

    def premises(self, study: DataStudy) -> Iterator[Premise]:
        """As of `population-error`; at least 20 rows; and no row that refutes the bound."""
        yield from drawn(study)
        count = study.data.count(Part.HELD_OUT)
        yield Premise("enough-rows", f"There are {count} held-out rows; the mean needs at least 20.", count >= 20)
        if self.bound:
            errors = study.errors(Part.HELD_OUT)
            holds = float(errors.low.max()) <= self.bound
            statement = (
                f"No held-out row has an error above {self.bound:g}; that no other has is the caller's word."
                if holds
                else f"{study.data.where(errors.worst_row)} has the error {errors.worst.error:.6g}, so {self.bound:g} "
                "is no bound of the error."
            )
            yield Premise("bounded", statement, holds)

    def find(self, study: DataStudy) -> Finding:
        """The mean, beside its bootstrap interval."""
        errors, bar = study.errors(Part.HELD_OUT), Interval.exactly(self.epsilon)
        found = measure.population_mean(
            study.autoencoder, study.data, errors, bound=self.bound or math.inf, alpha=study.alpha
        )
        shown = measure.bootstrap_mean(
            study.data, errors, confidence=1.0 - study.alpha, seed=study.seed.child("bootstrap_mean")
        )
        outcome = decide(self.claim.relation, found.interval, bar)
        message = "" if self.bound else "No bound of the error is given, so the mean has no upper limit."
        return Finding(outcome, found, bar, (shown,), message=message)
