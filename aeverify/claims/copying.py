"""Copying: a model that gives back any input is no model of K. Copy ratios, and denoising that was not trained."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from aeverify import measure
from aeverify.claims.base import Check, Finding, positive, together
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.manifolds.base import Manifold

LEARNING_BY_COPYING = "Learning by copying (source 004)"


@final
@dataclass(frozen=True)
class NoCopying(Check):
    """|f(x~) - x~| is rarely small beside |x~ - x|, for x~ = x + noise off K: f is not the identity near K.

    Which points f leaves in place is what it has learned: near K a good model moves x~ back by the part of the noise
    that is normal to K, so the ratio is that part's share of the noise; a copy leaves all of it (ratio 0).
    """

    claim = Claim(
        id="no-copying",
        title="Noise is not copied",
        kind=ClaimKind.REQUIREMENT,
        statement=(
            "For x uniform on K and x~ = x + `noise` xi, the probability of |D(E(x~)) - x~| <= `ratio` |x~ - x| is at "
            "most `share`."
        ),
        citation=Citation(
            LEARNING_BY_COPYING, "memorisation", "|O(a~) - a~| / |a~ - a| near 0 means that the identity was learned"
        ),
        quantity="copy_share",
        relation=Relation.AT_MOST,
        ledger=("C-1", "C-10", "C-11", "S-8", "S-11", "S-22"),
    )
    by_name_only = True
    statistical_statements = 1

    noise: float = field(default=0.1, metadata={"meaning": "standard deviation, in the units of the data"})
    ratio: float = field(default=0.1, metadata={"meaning": "copy ratio that counts as a copy, in (0, 1)"})
    share: float = field(default=0.5, metadata={"meaning": "probability of a copy that is allowed, in (0, 1)"})

    def __post_init__(self) -> None:
        positive(self.noise, "no-copying.noise")
        positive(self.ratio, "no-copying.ratio", below=1.0)
        positive(self.share, "no-copying.share", below=1.0)

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Sets that are thinner than their space."""
        return _thin(manifold)

    def premises(self, study: Study) -> Iterator[Premise]:
        """K thinner than its space (else noise stays on it), noise smaller than K."""
        yield _thin_premise(study)
        yield _small_noise(study, self.noise)

    def find(self, study: Study) -> Finding:
        """The share of copies among noisy draws."""
        found = measure.copy_share(
            study.autoencoder,
            study.manifold,
            self.noise,
            self.ratio,
            seed=study.seed.child("copy_share"),
            draws=study.effort.draws,
            alpha=study.alpha,
        )
        bar = Interval.exactly(self.share)
        return Finding(
            decide(self.claim.relation, found.interval, bar),
            found,
            bar,
            message=f"Median copy ratio {found.details['median_copy_ratio']:.4g} (0: the identity).",
        )


@final
@dataclass(frozen=True)
class UntrainedDenoising(Check):
    """The output is nearer to the clean point than the noisy input was, more often than not, at every noise level.

    An exact sign test at each of `levels` noise levels, `noise` and its halves: the lower confidence limit of the
    probability of |f(x~) - x| < |x~ - x| must exceed 1/2 at all of them. The identity ties always, which counts as no
    win. Nothing asks whether the model was trained to denoise.
    """

    claim = Claim(
        id="untrained-denoising",
        title="The model denoises",
        kind=ClaimKind.REQUIREMENT,
        statement=(
            "For x uniform on K and x~ = x + s xi, |D(E(x~)) - x| < |x~ - x| has a probability above `share`, at each "
            "of the noise levels s = `noise`, `noise`/2, ... (`levels` of them)."
        ),
        citation=Citation(
            LEARNING_BY_COPYING, "denoising", "overcomplete networks denoise although they were not trained to"
        ),
        quantity="denoising_share",
        relation=Relation.GREATER,
        ledger=("C-11", "C-12", "C-20", "S-25"),
    )
    by_name_only = True
    statistical_statements = 3

    noise: float = field(default=0.2, metadata={"meaning": "largest standard deviation, in the units of the data"})
    levels: int = field(default=3, metadata={"meaning": "noise levels, each half of the one before, 1 to 20"})
    share: float = field(default=0.5, metadata={"meaning": "probability that must be exceeded, in (0, 1)"})

    def __post_init__(self) -> None:
        positive(self.noise, "untrained-denoising.noise")
        positive(self.levels, "untrained-denoising.levels", below=21)
        positive(self.share, "untrained-denoising.share", below=1.0)

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Sets that are thinner than their space."""
        return _thin(manifold)

    def premises(self, study: Study) -> Iterator[Premise]:
        """K thinner than its space, noise smaller than K (else a constant denoises)."""
        yield _thin_premise(study)
        yield _small_noise(study, self.noise)

    def find(self, study: Study) -> Finding:
        """The sign test at each level; the weakest is shown."""
        bar = Interval.exactly(self.share)
        findings = []
        for i in range(self.levels):
            found = measure.denoising_share(
                study.autoencoder,
                study.manifold,
                self.noise / 2**i,
                seed=study.seed.child("denoising_share", i),
                draws=study.effort.draws,
                # the run reserves three statements for this claim, to be shared by the levels
                alpha=study.alpha * min(3 / self.levels, 1.0),
            )
            findings.append(Finding(decide(self.claim.relation, found.interval, bar), found, bar))
        worst = together(findings)
        shown = ", ".join(
            f"{f.evidence.details['noise']:.4g}: {f.evidence.interval}, median gain "
            f"{f.evidence.details['median_gain']:.3g}"
            for f in findings
        )
        return Finding(
            worst.outcome,
            worst.evidence,
            bar,
            supporting=worst.supporting,
            needed=worst.supporting,
            message=f"By noise level: {shown}.",
        )


def _thin(manifold: Manifold) -> bool:
    return manifold.truth.dimension < manifold.ambient_dim


def _thin_premise(study: Study) -> Premise:
    return Premise(
        "thin", "K has a smaller dimension than the space, so that noise leads off it.", _thin(study.manifold)
    )


def _small_noise(study: Study, noise: float) -> Premise:
    """The premise that a noisy point is nearer to its clean one than K is wide."""
    size, radius = noise * math.sqrt(study.manifold.ambient_dim), study.manifold.truth.circumradius.lower
    return Premise(
        "small-noise",
        f"The root mean square of the noise, {size:.4g}, is at most the circumradius of K, {radius:.4g}: beyond it the "
        "constant at the centre denoises.",
        size <= radius,
    )
