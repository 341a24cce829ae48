"""A trained affine autoencoder spans the principal subspace; and what a nonlinear one gains over it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from aeverify import measure
from aeverify.autoencoders.linear import pca_floor
from aeverify.claims.base import Check, Finding, finite_outputs, positive
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation, Evidence
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.errors import InvariantError
from aeverify.manifolds.base import Manifold, Sample
from aeverify.measure.subspace import BALDI_HORNIK

_DRAWS = 1000


@final
@dataclass(frozen=True)
class PcaSubspace(Check):
    """The image of an affine decoder that was trained to its optimum is the principal subspace of the data.

    With R the directions of D and U the principal subspace, max sin^2 of their angles is at most (mean squared error -
    floor)/(l_m - l_{m+1}) for any encoder (`measure.principal_angle` derives it), so a loss near its floor and an
    eigengap leave no other subspace; tied and untied weights have the same optimum. The converse distance is not
    bounded: a decoder may span U while its encoder is bad. FAIL says that training did not end at the optimum, which
    the bound in the message then says too. A sine above that bound is impossible for an affine D: the declaration is
    false, and the verdict an ERROR.
    """

    claim = Claim(
        id="pca-subspace",
        title="A linear autoencoder spans the principal subspace",
        kind=ClaimKind.REQUIREMENT,
        statement=(
            "The sine of the largest angle between the image of the affine decoder and the span of the m principal "
            "directions of the data is at most `tolerance`; the eigengap (l_m - l_{m+1}) / l_1 is at least `gap`."
        ),
        citation=BALDI_HORNIK,
        quantity="principal_angle_sine",
        relation=Relation.AT_MOST,
        ledger=("S-15", "S-18", "T-6", "V-2"),
    )
    by_name_only = True

    tolerance: float = field(default=1e-3, metadata={"meaning": "largest sine of an angle, in (0, 1)"})
    gap: float = field(default=1e-3, metadata={"meaning": "least eigengap, as a share of the largest eigenvalue"})

    def __post_init__(self) -> None:
        positive(self.tolerance, "pca-subspace.tolerance", below=1.0)
        positive(self.gap, "pca-subspace.gap", below=1.0)

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Where a subspace of that dimension is not the whole space."""
        return latent_dim < manifold.ambient_dim

    def premises(self, study: Study) -> Iterator[Premise]:
        """D affine, m < n, outputs finite, an eigengap."""
        yield Premise("affine-decoder", "D is an affine map.", study.autoencoder.affine_decoder)
        yield Premise(
            "undercomplete",
            "The code has fewer numbers than the data.",
            study.latent_dim < study.manifold.ambient_dim,
        )
        yield finite_outputs(study)
        gap = measure.eigengap(data_of(study).points, study.latent_dim)
        yield Premise(
            "eigengap",
            f"The principal subspace is determined: (l_m - l_(m+1)) / l_1 is at least {self.gap:g}.",
            gap.lower >= self.gap,
            gap,
        )

    def find(self, study: Study) -> Finding:
        """The angle, against the tolerance."""
        found = measure.principal_angle(study.autoencoder, data_of(study).points)
        bound = float(found.details["bound"])
        if found.lower > bound * (1.0 + 1e-6) + 1e-6:
            raise InvariantError(
                f"The sine of the angle is at least {found.lower:.6g}, but an affine decoder with this error has at "
                f"most {bound:.6g}: the decoder is not affine, although {study.autoencoder.name} says so."
            )
        bar = Interval.exactly(self.tolerance)
        says = f"By its mean squared error the sine is at most {min(bound, 1.0):.3g}."
        return Finding(decide(self.claim.relation, found.interval, bar), found, bar, message=says)


@final
@dataclass(frozen=True)
class BeatsPca(Check):
    """The mean squared error over the data is below the PCA floor by a factor: what nonlinearity gained.

    On the same points, with the same m: no affine decoder gets below the floor (`pca-floor`), so a model that does
    uses its nonlinear decoder. A linear encoder is no hindrance.
    """

    claim = Claim(
        id="beats-pca",
        title="Nonlinear beats PCA",
        kind=ClaimKind.REQUIREMENT,
        statement="The mean squared error over the data is at most `ratio` times the PCA floor of the same data.",
        citation=Citation(
            "Autoencoder tutorial with a Keras spiral example (source 003)",
            "Comparison to PCA",
            "RMSE 0.038 of the network against 0.905 of PCA",
        ),
        quantity="mean_squared_error",
        relation=Relation.AT_MOST,
        ledger=("S-16", "T-13"),
    )
    by_name_only = True

    ratio: float = field(default=0.5, metadata={"meaning": "error as a share of the PCA floor, in (0, 1)"})

    def __post_init__(self) -> None:
        positive(self.ratio, "beats-pca.ratio", below=1.0)

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Where a subspace of that dimension is not the whole space."""
        return latent_dim < manifold.ambient_dim

    def premises(self, study: Study) -> Iterator[Premise]:
        """m < n, data that PCA does not reconstruct, outputs finite."""
        lower = study.latent_dim < study.manifold.ambient_dim
        yield Premise("undercomplete", "The code has fewer numbers than the data.", lower)
        floor = pca_floor(data_of(study).points, study.latent_dim)
        radius = study.manifold.truth.circumradius.upper
        yield Premise(
            "curved",
            "The data do not lie in an affine subspace of dimension m: the PCA floor is above 1e-12 squared radii.",
            floor > 1e-12 * radius * radius,
        )
        yield finite_outputs(study)

    def find(self, study: Study) -> Finding:
        """Mean squared error against a share of the floor."""
        data = data_of(study)
        error: Evidence = measure.mean_squared_error(study.autoencoder, data)
        floor = pca_floor(data.points, study.latent_dim)
        bar = Interval.exactly(self.ratio * floor * (1.0 - 1e-10))
        return Finding(
            decide(self.claim.relation, error.interval, bar),
            error,
            bar,
            message=f"{len(data)} points; PCA: {floor:.6g}, root {math.sqrt(floor):.6g}.",
        )


def data_of(study: Study) -> Sample:
    """The points that the model was trained on, or as many draws of K as serve for them."""
    return study.training or study.manifold.sample(_DRAWS, study.seed.child("data"))
