"""Codes kept apart: those of different components, and those of points that are far apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import final

from aeverify import measure
from aeverify.claims.base import KVALHEIM_SONTAG, Check, Finding, compact, positive
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Quantifier, Relation
from aeverify.core.evidence import Citation, Evidence
from aeverify.core.interval import Interval
from aeverify.core.verdict import Outcome, decide
from aeverify.manifolds.base import Manifold


@final
@dataclass(frozen=True)
class LatentSeparation(Check):
    """|E(x) - E(y)| > gap for all x, y of different components of K.

    Codes that two components share have one reconstruction for points of both, so that one of the errors is at least
    half the distance of these points. The proof of Theorem 2 sends the components to disjoint discs of R^m. Decided by
    branch and bound over pairs of chart boxes (`aeverify.enclosure.pairs`), CERTIFIED, or by a pair of points.
    """

    claim = Claim(
        id="latent-separation",
        title="Codes of different components are apart",
        kind=ClaimKind.REQUIREMENT,
        statement="Codes of points of different components of K are more than gap apart.",
        citation=Citation(
            KVALHEIM_SONTAG, "proof of Theorem 2", "the components are sent to disjoint discs of the code space"
        ),
        quantity="code_distance",
        relation=Relation.GREATER,
        quantifier=Quantifier.SOME,
        ledger=("K-27", "K-36"),
    )
    by_name_only = True

    gap: float = field(default=0.0, metadata={"meaning": "least distance of codes, in code units; 0: disjoint"})

    def __post_init__(self) -> None:
        if not (math.isfinite(self.gap) and self.gap >= 0.0):
            positive(self.gap, "latent-separation.gap")

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Where K has at least two connected components of one dimension, each with its own chart."""
        return _separate(manifold)

    def premises(self, study: Study) -> Iterator[Premise]:
        """K compact with at least two components that have one chart each; layers that can be enclosed."""
        yield compact(study)
        count = study.manifold.truth.components
        yield Premise("components", f"K has {count} connected components.", _separate(study.manifold))
        yield study.continuity()

    def find(self, study: Study) -> Finding:
        """The least distance, as narrow as the decision needs."""
        found = measure.code_separation(
            study.autoencoder, study.manifold, limit=self.gap, time_budget=study.effort.enclosure_seconds
        )
        return _finding(self, study, found, self.gap, lambda: _drawn(study, None))


@final
@dataclass(frozen=True)
class InjectivityGap(Check):
    """|E(x) - E(y)| > gap for all x, y in K with |x - y| >= rho: E is injective up to the scale rho, with a margin.

    Two points with one code have one reconstruction, so one of their errors is at least half their distance. On a set
    with w_m(K) >= B such pairs exist for every rho up to 2 B where the bound comes from collisions, and the claim
    fails: on a closed curve with a code of one number a certified sign change gives such a pair. Decided by branch and
    bound over pairs of chart boxes, CERTIFIED, or by a pair of points.
    """

    claim = Claim(
        id="injectivity-gap",
        title="Far points have codes that are apart",
        kind=ClaimKind.REQUIREMENT,
        statement="Points of K at distance at least rho have codes that are more than gap apart.",
        citation=Citation(
            "The collision bound", "", "E(x) = E(y) implies that the error at x or y is at least |x - y| / 2"
        ),
        quantity="code_distance",
        relation=Relation.GREATER,
        ledger=("K-3",),
    )
    by_name_only = True

    rho: float = field(default=0.5, metadata={"meaning": "distance from which on points count as far, data's units"})
    gap: float = field(default=0.0, metadata={"meaning": "least distance of codes, in code units; 0: distinct"})

    def __post_init__(self) -> None:
        positive(self.rho, "injectivity-gap.rho")
        if not (math.isfinite(self.gap) and self.gap >= 0.0):
            positive(self.gap, "injectivity-gap.gap")

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Everywhere."""
        return True

    def premises(self, study: Study) -> Iterator[Premise]:
        """K compact and larger than rho; E and D continuous."""
        yield compact(study)
        most = study.manifold.truth.diameter.upper
        yield Premise("scale", f"rho = {self.rho:g} is at most the diameter of K, {most:.6g}.", self.rho <= most)
        yield study.continuity()

    def find(self, study: Study) -> Finding:
        """A certified collision for codes of one number, else pairs of boxes."""
        collision = None
        if study.latent_dim == 1:
            collision = measure.encoder_floor(study.autoencoder, study.manifold, seed=study.seed.child("collision"))
        found: Evidence | str
        found = measure.injectivity_gap(
            study.autoencoder,
            study.manifold,
            self.rho,
            limit=self.gap,
            time_budget=study.effort.enclosure_seconds,
            collision=collision,
        )
        return _finding(self, study, found, self.gap, lambda: _drawn(study, self.rho))


def _separate(manifold: Manifold) -> bool:
    parts = manifold.components
    dimensions = {part.truth.dimension for part in parts}
    return len(parts) == manifold.truth.components >= 2 and len(dimensions) == 1


def _finding(check: Check, study: Study, found: Evidence | str, gap: float, draw: Callable[[], Evidence]) -> Finding:
    """The decision from boxes; where there are none, or they leave it open, from a sampled pair, with the reason."""
    bar = Interval.exactly(gap)
    supporting: tuple[Evidence, ...] = ()
    evidence = found if isinstance(found, Evidence) else measure.without_enclosure(draw(), found)
    outcome = decide(check.claim.relation, evidence.interval, bar)
    if isinstance(found, Evidence) and outcome is Outcome.INCONCLUSIVE:
        pair = measure.without_enclosure(draw(), f"the boxes left it open ({found.details.get('stopped')})")
        if decide(check.claim.relation, pair.interval, bar) is Outcome.FAIL:
            outcome, evidence, supporting = Outcome.FAIL, pair, (found,)
    return Finding(outcome, evidence, bar, supporting=supporting, witness=evidence.witness)


def _drawn(study: Study, apart: float | None) -> Evidence:
    """The nearest codes among drawn pairs: an upper bound of the least distance, EMPIRICAL."""
    return measure.nearest_codes(
        study.autoencoder,
        study.manifold,
        apart=apart,
        samples=min(study.effort.samples, 2_000),
        seed=study.seed.child("nearest_codes"),
    )
