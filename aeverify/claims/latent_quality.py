"""The requirement that codes keep neighbours, order or shape, in the scores of dimensionality reduction."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, final

from aeverify import measure
from aeverify.claims.base import Check, Finding, compact
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold
from aeverify.measure.latent_quality import SCORES, geodesic_distances, score_named

_MOST_DRAWS = 10_000
"""Draws beyond which a neighbour score costs more seconds than digits are worth."""


@final
@dataclass(frozen=True)
class LatentQualityBound(Check):
    """A score of latent quality is at least, or at most, a bound: on the mean over K, or at the points of K themselves.

    Means (`pointwise = false`) are enclosed from independent uniform draws, STATISTICAL. **A mean cannot see a tear**:
    a torn circle has a mean trustworthiness above 0.9999. With `pointwise = true` the bound is asked of single points:
    of all but a share of K (`share` above 0; Clopper-Pearson limits, STATISTICAL), or of every point (`share = 0`; then
    draws can refute it, with a witness, and never show it).

    Which bound is given follows the score: `at_least` for those that are better when higher (trustworthiness,
    continuity, neighbours_kept, triplet_accuracy, shepard_spearman), `at_most` for the others (mrre_false,
    mrre_missing, decoder_condition, encoder_condition). Condition numbers have no bound, so no mean over K can be
    enclosed: ask for them pointwise.
    """

    claim = Claim(
        id="latent-quality",
        title="Codes keep neighbours, order or shape",
        kind=ClaimKind.REQUIREMENT,
        statement=(
            "The score is at least `at_least`, or at most `at_most`: its mean over K (pointwise = false), or the "
            "score of each point of K but for the share `share` (pointwise = true)."
        ),
        citation=Citation(
            "A requirement of the user",
            "",
            "the scores are those of the literature on dimensionality reduction: docs/latent_quality.md",
        ),
        quantity="score",
        relation=Relation.AT_LEAST,
    )
    by_name_only = True
    statistical_statements = 1

    score: str = field(
        default="trustworthiness",
        metadata={"meaning": "one of " + ", ".join(name for name, s in SCORES.items() if s.over_set)},
    )
    at_least: float | None = field(
        default=None, metadata={"meaning": "bound of a score that is better when higher; nothing is asked without it"}
    )
    at_most: float | None = field(
        default=None, metadata={"meaning": "bound of a score that is better when lower; nothing is asked without it"}
    )
    pointwise: bool = field(default=False, metadata={"meaning": "ask it of single points, not of the mean"})
    share: float = field(
        default=0.0, metadata={"meaning": "share of K that may miss the bound, in [0, 1); only where pointwise is true"}
    )
    neighbours: int = field(default=10, metadata={"meaning": "size k of a neighbourhood"})
    points: int = field(default=1_000, metadata={"meaning": "points n that the neighbours are taken among"})
    geodesic: bool = field(default=False, metadata={"meaning": "compare codes with geodesic distances on K"})

    def __post_init__(self) -> None:
        asked = score_named(self.score)
        if not asked.over_set:
            having = ", ".join(name for name, s in SCORES.items() if s.over_set)
            raise UsageError(
                f"latent-quality.score = {self.score!r} is a number of one sample that nothing bounds, so it decides "
                f"nothing; those that can be enclosed over K are: {having}."
            )
        given, other = ("at_least", "at_most") if asked.better == "higher" else ("at_most", "at_least")
        if getattr(self, other) is not None:
            raise UsageError(f"{self.score} is better when {asked.better}: give latent-quality.{given}, not {other}.")
        if self._bound is not None:
            if isinstance(self._bound, bool) or not isinstance(self._bound, int | float):
                raise UsageError(f"latent-quality.{given} must be a number, got {self._bound!r}.")
            if not asked.lowest <= self._bound <= asked.highest or abs(self._bound) == float("inf"):
                raise UsageError(
                    f"latent-quality.{given} must lie in the range [{asked.lowest:g}, {asked.highest:g}] of "
                    f"{self.score}, got {self._bound!r}."
                )
        if self.pointwise and not asked.pointwise:
            raise UsageError(f"{self.score} is no score of single points: leave latent-quality.pointwise out.")
        if not self.pointwise and asked.pointwise and not asked.mean:
            raise UsageError(f"The mean of {self.score} cannot be enclosed: set latent-quality.pointwise = true.")
        if not 0.0 <= self.share < 1.0 or (self.share and not self.pointwise):
            raise UsageError(
                f"latent-quality.share must lie in [0, 1), and be 0 unless pointwise is true, got {self.share!r}."
            )
        for name in ("neighbours", "points"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 20_000:
                raise UsageError(f"latent-quality.{name} must be an integer from 1 to 20,000, got {value!r}.")
        counted = self.pointwise and self.share > 0
        relation = Relation.AT_MOST if counted or asked.better == "lower" else Relation.AT_LEAST
        quantity = "missed_share" if counted else self.score
        # this claim's own relation and quantity are those of the question that was asked
        object.__setattr__(self, "claim", dataclasses.replace(type(self).claim, relation=relation, quantity=quantity))

    @property
    def _bound(self) -> float | None:
        return self.at_least if SCORES[self.score].better == "higher" else self.at_most

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Everywhere."""
        return True

    def premises(self, study: Study) -> Iterator[Premise]:
        """K compact, a bound given, and what the score needs."""
        yield compact(study)
        asked = SCORES[self.score]
        side = "at_least" if asked.better == "higher" else "at_most"
        yield Premise(
            "bound",
            f"The bound {side} is {self._bound:g}."
            if self._bound is not None
            else f"No bound is given, so nothing is asked: set latent-quality.{side}.",
            self._bound is not None,
        )
        if asked.mean:
            third = self.score.startswith("mrre")
            most = self.points // 3 if third else (self.points - 1) // 2
            yield Premise(
                "neighbours",
                f"k = {self.neighbours} neighbours among n = {self.points} points: k "
                f"{'<= n/3' if third else '< n/2'} keeps the score in its range.",
                self.neighbours <= most,
            )
        if self.geodesic and not asked.name.endswith("condition"):
            known = geodesic_distances(study.manifold) is not None
            yield Premise("geodesics", f"The geodesic distances of K are {'' if known else 'not '}known.", known)
        if self.score == "encoder_condition":
            k = max(part.chart.dim for part in study.manifold.components)
            yield Premise(
                "dimension",
                f"The code dimension {study.latent_dim} is at least that of K, {k}.",
                (study.latent_dim >= k),
            )
        if self.score == "decoder_condition":
            n = study.manifold.ambient_dim
            yield Premise("dimension", f"The code dimension {study.latent_dim} is at most {n}.", study.latent_dim <= n)

    def find(self, study: Study) -> Finding:
        """The enclosed mean, the share of K that misses the bound, or the worst draw."""
        assert self._bound is not None
        bar = Interval.exactly(self._bound)
        options: dict[str, Any] = {
            "neighbours": self.neighbours,
            "reference": self.points,
            "geodesic": self.geodesic,
            "seed": study.seed.child("latent_quality"),
        }
        draws = study.effort.draws
        if SCORES[self.score].mean:
            draws = min(draws, _MOST_DRAWS)
        options["draws"] = max(draws, 20)
        subject = (study.autoencoder, study.manifold, self.score)
        if not self.pointwise:
            found = measure.mean_score(*subject, **options, alpha=study.alpha)
            worst = found.details.get("worst")
            message = "" if worst is None else f"A mean does not see a tear: the worst of the draws has {worst:.6g}."
        elif self.share:
            found = measure.missed_share(*subject, self._bound, **options, alpha=study.alpha)
            bar, side = Interval.exactly(self.share), "below" if self.at_least is not None else "above"
            message = f"A point misses it where its {self.score} is {side} {self._bound:g}; the worst of the draws has "
            message += f"{found.details['worst']:.6g}."
        else:
            found, message = measure.worst_score(*subject, **options), ""
        return Finding(decide(self.claim.relation, found.interval, bar), found, bar, message=message)
