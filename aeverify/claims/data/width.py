"""What a sample says of the width of the set that it was drawn from, if it covers that set."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np

from aeverify.claims.base import KVALHEIM_SONTAG, Finding
from aeverify.claims.data.base import DataCheck, DataStudy, continuous, one_point_function
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.data import DataSet, Part
from aeverify.errors import UsageError
from aeverify.homology import farthest_points
from aeverify.measure import data as measure
from aeverify.widths.persistence import sample_bound

_LANDMARKS = {1: 1_000, 2: 2_000, 3: 800, 4: 300}
_RIPS = {1: 200, 2: 50}
_CANDIDATES = 20_000


@final
@dataclass(frozen=True)
class DataWidth(DataCheck):
    """The worst error on K is at least the width that the rows show, if they cover K.

    A finite set has width 0, so rows alone bound nothing. Let every point of K be within `covering_radius` of a row,
    every row within `noise` of K, and the reach of K at least `reach`. Then a bar [b, d) of the rows in degree j >= m
    with b + noise < reach and d > b + noise + covering radius is a class of K, and w_m(K) >= d - covering radius. All
    three numbers are the caller's word, which nothing here can prove: the bound is EMPIRICAL, and names them. Where the
    covering radius or the reach is not given the claim is undecided, and an estimate is shown that bounds nothing.

    Held-out rows can refute the word: one that is farther from every other row than the covering radius and the noise
    together makes the claim VACUOUS. The claim passes where some row shows an error of the bound; where none does, the
    worst error lies between the rows.
    """

    claim = Claim(
        id="data-width",
        title="Worst error at least the width that the data show",
        kind=ClaimKind.THEOREM,
        statement=(
            "If every point of K is within `covering_radius` of a row, every row within `noise` of K, and reach(K) >= "
            "`reach`: the worst error on K is at least the lower bound of w_m(K) from the persistence of the rows."
        ),
        citation=Citation(
            f"{KVALHEIM_SONTAG}; derived in aeverify.widths.persistence",
            "Theorem 1",
            "a class of K that lives until r forbids errors below r",
        ),
        quantity="sup_error",
        relation=Relation.AT_LEAST,
    )
    by_name_only = True

    covering_radius: float = field(
        default=0.0, metadata={"meaning": "every point of K is within this of a row, by your word; 0: not known"}
    )
    reach: float = field(default=0.0, metadata={"meaning": "lower bound of the reach of K, by your word; 0: not known"})
    noise: float = field(default=0.0, metadata={"meaning": "every row is within this of K, by your word"})

    def __post_init__(self) -> None:
        for name in ("covering_radius", "reach", "noise"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise UsageError(f"data-width.{name} must be a finite number of at least 0, got {value!r}.")

    def applies(self, manifold: DataSet, latent_dim: int) -> bool:
        """Where the persistence of rows can be had in the degree m."""
        return latent_dim < manifold.ambient_dim and (manifold.ambient_dim in _LANDMARKS or latent_dim in _RIPS)

    def premises(self, study: DataStudy) -> Iterator[Premise]:
        """Numbers that the caller vouches for and no row refutes; continuity; and a bar that they make a bound."""
        n, m = study.data.ambient_dim, study.latent_dim
        statement = (
            f"Classes of degree {m} of rows in R^{n} can be computed."
            if self.applies(study.data, m)
            else f"Classes of degree {m} of rows in R^{n} cannot be computed here: alpha complexes go up to R^4, Rips "
            "complexes up to degree 2."
        )
        yield Premise("degree", statement, self.applies(study.data, m))
        if not (self.covering_radius and self.reach):
            yield Premise(
                "covering",
                "No covering radius or no reach is vouched for; a finite set has width 0, so that rows alone bound "
                "nothing. An estimate, which bounds nothing either, is among the details.",
                None,
                self._bound(study),
            )
        yield self._not_refuted(study)
        study.errors(Part.ALL)
        yield Premise("finite-outputs", "E and D returned finite numbers at every row.", True)
        yield continuous(study)
        yield one_point_function(study)
        bound = self._bound(study)
        found = bound.lower > 0.0
        yield Premise(
            "obstruction",
            f"The rows show w_{m}(K) >= {bound.lower:.6g}, given the caller's word."
            if found
            else f"No class of the rows of degree {m} or more passes the certificate.",
            found,
            bound,
        )

    def _not_refuted(self, study: DataStudy) -> Premise:
        from scipy.spatial import cKDTree

        data = study.data
        parts = [data.rows(data.subset(5_000, study.seed, p), p) for p in (Part.TRAINING, Part.HELD_OUT)]
        if not len(parts[0]) or not len(parts[1]) or len(parts[0]) < data.count(Part.TRAINING):
            return Premise("covering", "The covering radius is the caller's word; no held-out rows test it.", True)
        far = float(cKDTree(parts[0]).query(parts[1])[0].max())
        holds = far <= (self.covering_radius + self.noise) * (1.0 + 1e-12)
        evidence = Evidence(
            "covering_radius",
            Interval.at_least(max(far - self.noise, 0.0) * (1.0 - 1e-12)),
            Rigor.EMPIRICAL,
            f"Lower end: the largest distance of {len(parts[1])} held-out rows from the {len(parts[0])} others, less "
            "the noise.",
            details=data.record(),
        )
        statement = (
            "No held-out row is farther from the other rows than the covering radius that the caller vouches for."
            if holds
            else f"A held-out row is {far:.6g} from every other row, so {self.covering_radius:g} is not their covering "
            "radius."
        )
        return Premise("covering", statement, holds, evidence)

    def _rows(self, data: DataSet) -> Part:
        """The rows that the covering radius is said of: those that are not held out, where some are not."""
        return Part.TRAINING if data.count(Part.TRAINING) else Part.HELD_OUT

    def _bound(self, study: DataStudy) -> Evidence:
        return study._once(("data_width", self), lambda: self._computed(study))

    def _computed(self, study: DataStudy) -> Evidence:
        from scipy.spatial import cKDTree

        data, m = study.data, study.latent_dim
        part = self._rows(data)
        x = data.rows(data.subset(_CANDIDATES, study.seed, part), part)
        limit = _LANDMARKS[data.ambient_dim] if data.ambient_dim in _LANDMARKS else _RIPS[m]
        kept = x[farthest_points(x, limit)[0]]
        tree = cKDTree(kept)
        thinned = max(float(tree.query(rows)[0].max()) for _, rows in data.chunks(part))
        # the rows that were left out are within `thinned` of those kept, so K is within the sum
        covering = (self.covering_radius + thinned) * (1.0 + 1e-12)
        rounding = float(np.spacing(np.abs(x).max())) * math.sqrt(x.shape[1])
        declared = bool(self.covering_radius and self.reach)
        # without a reach nothing is enclosed; the extent stands in for it in the estimate
        reach = self.reach or data.extent or 1.0
        bound = sample_bound(
            kept, m, reach=reach, covering_radius=covering if declared else None, noise=self.noise + rounding
        )
        word = (
            f"Every point of K is within {self.covering_radius:g} of a row, every row within {self.noise:g} of K, and "
            f"the reach of K is at least {self.reach:g}, as the caller says.",
        )
        return replace(
            bound,
            rigor=Rigor.EMPIRICAL,
            confidence=None,
            assumptions=(*bound.assumptions, *(word if declared else ())),
            details={**bound.details, **data.record(), "landmarks": len(kept), "thinned_by": thinned},
        )

    def find(self, study: DataStudy) -> Finding:
        """The largest error at a row, from below, against the bound."""
        errors, bound = study.errors(Part.ALL), self._bound(study)
        bar = Interval.exactly(bound.lower)
        found = Evidence(
            quantity="sup_error",
            interval=Interval.at_least(float(errors.low.max())),
            rigor=Rigor.EMPIRICAL,
            method="Lower end: the largest error at a row, in float64. Upper end: none, since K has more points than "
            "the rows.",
            witness=measure.row_witness(
                "point",
                study.autoencoder,
                study.data,
                (errors.worst,),
                f"The largest error among the rows: {study.data.where(errors.worst_row)}.",
            ),
            details=study.data.record(),
        )
        outcome = decide(self.claim.relation, found.interval, bar)
        return Finding(outcome, found, bar, (bound,), (bound,))
