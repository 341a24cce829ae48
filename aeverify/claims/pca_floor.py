"""The PCA floor: no affine decoder beats the eigenvalues left out; and the printed PCA error of a tutorial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

import numpy as np

from aeverify import measure
from aeverify.autoencoders.linear import PcaAutoencoder, pca_floor
from aeverify.claims.base import Check, Finding, finite_outputs, positive
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.manifolds.base import Manifold

ECKART_YOUNG = Citation(
    "C. Eckart and G. Young, The approximation of one matrix by another of lower rank, Psychometrika 1 (1936)",
    "",
    "the best approximation of rank m leaves the sum of the smaller squared singular values",
)
SPIRAL_TUTORIAL = Citation(
    "Autoencoder tutorial with a Keras spiral example (source 003)",
    "Comparison to PCA",
    "RMSE: 0.9049436506773132",
)
PRINTED_PCA_RMSE = 0.9049436506773132


@final
@dataclass(frozen=True)
class PcaFloor(Check):
    """mean |x - D(E(x))|^2 over a data set is at least the sum of the n - m smallest eigenvalues of its covariance.

    Derivation. An affine D of R^m has its image in an affine subspace A of dimension at most m, whatever E is; so
    |x - D(E(x))| >= d(x, A), and the mean of d(x, A)^2 is least for the subspace through the mean spanned by the top m
    eigenvectors of the covariance (with 1/N), where it is the sum of the others (Eckart and Young). PCA attains it, so
    the comparison allows for rounding: a relative 1e-10 of the floor and 1e-14 of the total variance.
    """

    claim = Claim(
        id="pca-floor",
        title="No affine decoder beats PCA",
        kind=ClaimKind.THEOREM,
        statement=(
            "With an affine decoder and any encoder, the mean squared error over a data set is at least the sum of the "
            "n - m smallest eigenvalues of its covariance."
        ),
        citation=ECKART_YOUNG,
        quantity="mean_squared_error",
        relation=Relation.AT_LEAST,
        ledger=("V-2", "S-15", "T-6"),
    )

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """A claim on models with an affine decoder: it has to be asked for by name, or comes with a PCA baseline."""
        return False

    def premises(self, study: Study) -> Iterator[Premise]:
        """D affine, outputs finite, a data set known."""
        yield Premise("affine-decoder", "D is an affine map.", study.autoencoder.affine_decoder)
        yield finite_outputs(study)

    def find(self, study: Study) -> Finding:
        """Mean squared error over the training set (or a sample of K), against the eigenvalues."""
        data = study.training or study.manifold.sample(1000, study.seed.child("pca_floor"))
        error = measure.mean_squared_error(study.autoencoder, data)
        variance = float(np.var(data.points, axis=0).sum())
        floor = max(pca_floor(data.points, study.latent_dim) * (1.0 - 1e-10) - 1e-14 * variance, 0.0)
        threshold = Interval.exactly(floor)
        return Finding(
            decide(self.claim.relation, error.interval, threshold),
            error,
            threshold,
            message=f"{len(data)} points; floor less the allowance for rounding: {floor:.12g}.",
        )


@final
@dataclass(frozen=True)
class PcaPublished(Check):
    """The PCA error that source 003 prints for its spiral data, 0.9049436506773132, is reproduced to 1e-12.

    Their RMSE is sqrt(sum over points of |x - D(E(x))|^2 / N): a mean of squared norms, not of squared coordinates.
    """

    claim = Claim(
        id="pca-published",
        title="Printed PCA error of the spiral reproduced",
        kind=ClaimKind.PUBLISHED,
        statement="PCA with one component on the tutorial's 100 spiral points has RMSE 0.9049436506773132.",
        citation=SPIRAL_TUTORIAL,
        quantity="rmse_deviation",
        relation=Relation.AT_MOST,
        ledger=("T-13",),
    )

    tolerance: float = field(default=1e-12, metadata={"meaning": "largest deviation from the printed number"})

    def __post_init__(self) -> None:
        positive(self.tolerance, "pca-published.tolerance")

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """A claim on one data set and one model: it has to be asked for by name."""
        return False

    def premises(self, study: Study) -> Iterator[Premise]:
        """The model is PCA with one component, and the set is the tutorial's spiral."""
        yield Premise(
            "subject",
            "The model is PCA with one component and K is the tutorial's spiral with its 100 points.",
            isinstance(study.autoencoder, PcaAutoencoder)
            and study.latent_dim == 1
            and str(study.manifold) == "spiral"
            and study.training is not None
            and len(study.training) == 100,
        )

    def find(self, study: Study) -> Finding:
        """|RMSE - printed|, with an allowance of a dozen units in the last place for our own rounding."""
        assert study.training is not None
        error = measure.root_mean_squared_error(study.autoencoder, study.training)
        deviation = abs(error.interval.lower - PRINTED_PCA_RMSE)
        pad = max(error.interval.width, 1e-14)
        evidence = Evidence(
            "rmse_deviation",
            Interval(max(deviation - pad, 0.0), deviation + pad),
            Rigor.EMPIRICAL,
            f"RMSE {error.interval.lower:.16g} over the 100 points, in float64, allowance {pad:.1e}.",
        )
        threshold = Interval.exactly(self.tolerance)
        return Finding(decide(self.claim.relation, evidence.interval, threshold), evidence, threshold, (error,))
