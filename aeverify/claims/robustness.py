"""Robustness: how often the reconstruction of a disturbed input is far from the clean point."""

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
from aeverify.manifolds.base import Manifold

REGULARISED = Citation(
    "Lecture slides on autoencoders (source 002)",
    "regularised autoencoders",
    "sparsity, small derivatives, robustness to noise and to missing inputs",
)


@final
@dataclass(frozen=True)
class NoiseRobustness(Check):
    """|D(E(x + noise xi)) - x| is at most epsilon, but for a share of the draws.

    A mean could hide, or be ruled by, a few outputs without any bound; the probability of a large error needs no bound
    and has exact confidence limits.
    """

    claim = Claim(
        id="noise-robustness",
        title="Robust to noise",
        kind=ClaimKind.REQUIREMENT,
        statement=(
            "For x uniform on K and xi standard normal, |D(E(x + `noise` xi)) - x| > `epsilon` has a probability of at "
            "most `share`."
        ),
        citation=REGULARISED,
        quantity="noisy_bad_share",
        relation=Relation.AT_MOST,
        ledger=("S-24", "V-13"),
    )
    by_name_only = True
    statistical_statements = 2

    noise: float = field(default=0.05, metadata={"meaning": "standard deviation, in the units of the data"})
    epsilon: float = field(default=0.2, metadata={"meaning": "error level, in the units of the data"})
    share: float = field(default=0.05, metadata={"meaning": "probability that may exceed it, in (0, 1)"})

    def __post_init__(self) -> None:
        positive(self.noise, "noise-robustness.noise")
        positive(self.epsilon, "noise-robustness.epsilon")
        positive(self.share, "noise-robustness.share", below=1.0)

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Everywhere."""
        return True

    def premises(self, study: Study) -> Iterator[Premise]:
        """The clean points are reconstructed: else there is nothing to be robust."""
        yield _clean(study, self.epsilon, self.share)

    def find(self, study: Study) -> Finding:
        """The share of noisy draws with a large error."""
        found = measure.noisy_bad_share(
            study.autoencoder,
            study.manifold,
            self.epsilon,
            self.noise,
            seed=study.seed.child("noisy_bad_share"),
            draws=study.effort.draws,
            alpha=study.alpha,
        )
        bar = Interval.exactly(self.share)
        return Finding(decide(self.claim.relation, found.interval, bar), found, bar)


@final
@dataclass(frozen=True)
class MissingInputRobustness(Check):
    """|D(E(x~)) - x| is at most epsilon where each coordinate of x is hidden with some probability, but for a share.

    On a K on which some coordinate cannot be told from the others (a point and its mirror image), no model can do
    better than guess: FAIL then says something of K too.
    """

    claim = Claim(
        id="missing-input-robustness",
        title="Robust to missing inputs",
        kind=ClaimKind.REQUIREMENT,
        statement=(
            "For x uniform on K and x~ with each coordinate replaced by `fill` with probability `hidden`, "
            "|D(E(x~)) - x| > `epsilon` has a probability of at most `share`."
        ),
        citation=REGULARISED,
        quantity="masked_bad_share",
        relation=Relation.AT_MOST,
        ledger=("S-24",),
    )
    by_name_only = True
    statistical_statements = 2

    hidden: float = field(default=0.1, metadata={"meaning": "probability that a coordinate is hidden, in (0, 1)"})
    fill: float = field(default=0.0, metadata={"meaning": "what a hidden coordinate is replaced by"})
    epsilon: float = field(default=0.2, metadata={"meaning": "error level, in the units of the data"})
    share: float = field(default=0.05, metadata={"meaning": "probability that may exceed it, in (0, 1)"})

    def __post_init__(self) -> None:
        positive(self.hidden, "missing-input-robustness.hidden", below=1.0)
        positive(self.epsilon, "missing-input-robustness.epsilon")
        positive(self.share, "missing-input-robustness.share", below=1.0)
        if not abs(self.fill) < 1e300:
            raise UsageError(f"missing-input-robustness.fill must be a finite number, got {self.fill!r}.")

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Everywhere."""
        return True

    def premises(self, study: Study) -> Iterator[Premise]:
        """The clean points are reconstructed."""
        yield _clean(study, self.epsilon, self.share)

    def find(self, study: Study) -> Finding:
        """The share of masked draws with a large error."""
        found = measure.masked_bad_share(
            study.autoencoder,
            study.manifold,
            self.epsilon,
            self.hidden,
            fill=float(self.fill),
            seed=study.seed.child("masked_bad_share"),
            draws=study.effort.draws,
            alpha=study.alpha,
        )
        bar = Interval.exactly(self.share)
        return Finding(decide(self.claim.relation, found.interval, bar), found, bar)


def _clean(study: Study, epsilon: float, share: float) -> Premise:
    """The premise that undisturbed points are reconstructed, so that a model without any accuracy is not called
    fragile."""
    found = study.bad_set(epsilon)
    return Premise(
        "accurate",
        f"The error on clean points is above {epsilon:g} on a share of K of at most {share:g}.",
        True if found.upper <= share else (False if found.lower > share else None),
        found,
    )
