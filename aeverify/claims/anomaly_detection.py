"""Anomaly detection by the reconstruction error, with a calibrated threshold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from aeverify import measure
from aeverify.claims.base import Check, Finding, positive
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.errors import UsageError
from aeverify.manifolds import manifold as build
from aeverify.manifolds.base import Manifold

_MOST = 20_000


@final
@dataclass(frozen=True)
class AnomalyDetection(Check):
    """The error tells anomalies from points of K: the AUROC is at least `auroc`.

    Beside it stand the threshold whose false-alarm rate on K is at most `level` with the stated confidence, the share
    of the anomalies above it, and the anomalies with the smallest errors: what the detector is blind to. Nothing says
    that a model must have a large error off K: the identity has none anywhere.
    """

    claim = Claim(
        id="anomaly-detection",
        title="The error detects anomalies",
        kind=ClaimKind.REQUIREMENT,
        statement=(
            "The area under the ROC curve of the error, anomalies against uniform points of K, is at least `auroc`; "
            "anomalies are uniform points of the set `other`, or of the box about K at a least distance from it."
        ),
        citation=Citation(
            "Autoencoder tutorial with a Keras spiral example (source 003)",
            "anomaly detection",
            "data unlike the training data are reconstructed badly",
        ),
        quantity="auroc",
        relation=Relation.AT_LEAST,
        ledger=("T-16", "T-17", "T-18"),
    )
    by_name_only = True
    statistical_statements = 3

    auroc: float = field(default=0.9, metadata={"meaning": "least area under the ROC curve, in (0, 1)"})
    level: float = field(default=0.05, metadata={"meaning": "false-alarm rate of the threshold, in (0, 1)"})
    other: str = field(default="", metadata={"meaning": "spec of a set of anomalies; empty: the box about K"})
    apart: float = field(default=0.3, metadata={"meaning": "least distance of the box's points from K, in circumradii"})
    margin: float = field(default=0.5, metadata={"meaning": "how far the box exceeds K, in circumradii"})

    def __post_init__(self) -> None:
        positive(self.auroc, "anomaly-detection.auroc", below=1.0)
        positive(self.level, "anomaly-detection.level", below=1.0)
        positive(self.apart, "anomaly-detection.apart")
        positive(self.margin, "anomaly-detection.margin")
        if self.other:
            build(self.other)

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Sets that are thinner than their space, so that there are points off them."""
        return manifold.truth.dimension < manifold.ambient_dim

    def premises(self, study: Study) -> Iterator[Premise]:
        """Anomalies of the same space that are not points of K."""
        if self.other:
            other = build(self.other)
            yield Premise(
                "other-set",
                "The parameter `other` names a set of the same space that is not K.",
                other.ambient_dim == study.manifold.ambient_dim and other != study.manifold,
            )
        else:
            thin = self.applies(study.manifold, study.latent_dim)
            yield Premise("thin", "K has a smaller dimension than the space, so that there are points off it.", thin)

    def find(self, study: Study) -> Finding:
        """The AUROC, with the calibrated threshold and what it detects."""
        if study.effort.draws < 100:
            raise UsageError(f"anomaly-detection needs measure.draws of at least 100, got {study.effort.draws}.")
        radius = study.manifold.truth.circumradius.upper
        seed = study.seed.child("anomaly_detection")
        outliers = measure.anomalies(
            study.manifold,
            build(self.other) if self.other else None,
            apart=self.apart * radius,
            margin=self.margin * radius,
            seed=seed,
            draws=min(study.effort.draws, _MOST),
        )
        area = measure.auroc(study.autoencoder, study.manifold, outliers, seed=seed, alpha=study.alpha)
        alarm = measure.anomaly_threshold(
            study.autoencoder,
            study.manifold,
            self.level,
            seed=seed,
            draws=study.effort.draws,
            alpha=study.alpha,
        )
        threshold = float(alarm.details["threshold"])
        caught = measure.detection_rate(study.autoencoder, study.manifold, outliers, threshold, alpha=study.alpha)
        bar = Interval.exactly(self.auroc)
        blind = area.details["smallest_errors"][0]
        away = area.details["their_distances_from_K_at_least"][0]
        return Finding(
            decide(self.claim.relation, area.interval, bar),
            area,
            bar,
            supporting=(alarm, caught),
            message=(
                f"Threshold {threshold:.6g} for a false-alarm rate of at most {self.level:g}; above it is a share "
                f"{caught.interval} of {outliers.words}. The least suspicious of them has error {blind:.4g} at a "
                f"distance of at least {away:.4g} from K."
            ),
        )
