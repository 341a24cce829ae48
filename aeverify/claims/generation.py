"""Generated points: near K inside the range of the codes, and necessarily far from a disconnected K somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

from aeverify import measure
from aeverify.claims.base import Check, Finding, compact, positive
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.manifolds.base import Manifold
from aeverify.manifolds.extent import gap_between


@final
@dataclass(frozen=True)
class GeneratedSamples(Check):
    """D(z) is within epsilon of K for nearly every z in the box of the codes.

    The distances to K are enclosed from a grid with a proved covering radius. The same share for a box `beyond` times
    as large is measured too, and shown beside it: outside of the range of its codes a decoder was never told anything.
    Where K is disconnected, `completeness-obstruction` says that some z in the box of the codes is far from K.
    """

    claim = Claim(
        id="generated-samples",
        title="Decoded codes are near the data",
        kind=ClaimKind.REQUIREMENT,
        statement=(
            "For z uniform in the smallest box that holds the codes of K, D(z) is farther than `epsilon` from K with "
            "a probability of at most `share`."
        ),
        citation=Citation(
            "Notes on autoencoders (source 001) and autoencoder tutorial (source 003)",
            "completeness; new samples",
            "decoded codes resemble the data inside the range of the codes",
        ),
        quantity="generated_far_share",
        relation=Relation.AT_MOST,
        ledger=("T-15", "V-1", "V-10", "V-14"),
    )
    by_name_only = True
    statistical_statements = 2

    epsilon: float = field(default=0.2, metadata={"meaning": "distance to K, in the units of the data"})
    share: float = field(default=0.1, metadata={"meaning": "probability that may exceed it, in (0, 1)"})
    beyond: float = field(default=10.0, metadata={"meaning": "factor of the larger box that is shown beside it"})

    def __post_init__(self) -> None:
        positive(self.epsilon, "generated-samples.epsilon")
        positive(self.share, "generated-samples.share", below=1.0)
        positive(self.beyond, "generated-samples.beyond")

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Everywhere."""
        return True

    def premises(self, study: Study) -> Iterator[Premise]:
        """Codes that are not all one (else there is no box to draw from)."""
        codes = study.autoencoder.encode(study.manifold.sample(100, study.seed.child("codes")).points)
        spread = float((codes.max(axis=0) - codes.min(axis=0)).max())
        yield Premise("spread", "The codes of K are not all the same.", spread > 0.0)

    def find(self, study: Study) -> Finding:
        """The share of far outputs inside, with the share beyond."""
        inside, outside = (
            measure.generated_far_share(
                study.autoencoder,
                study.manifold,
                self.epsilon,
                scale=scale,
                seed=study.seed.child("generated", name),
                draws=study.effort.draws,
                alpha=study.alpha,
            )
            for name, scale in (("inside", 1.0), ("beyond", self.beyond))
        )
        bar = Interval.exactly(self.share)
        return Finding(
            decide(self.claim.relation, inside.interval, bar),
            inside,
            bar,
            supporting=(outside,),
            message=(
                f"Median distance from K at least {inside.details['median_distance_at_least']:.4g} inside the box, "
                f"{outside.details['median_distance_at_least']:.4g} in the box {self.beyond:g} times as large."
            ),
        )


@final
@dataclass(frozen=True)
class CompletenessObstruction(Check):
    """If K is disconnected, some code between those of two parts decodes to a point far from K.

    Let A be one component, B the rest, g a lower bound of their distance, z_1 and z_2 codes with d(D(z_1), A) and
    d(D(z_2), B) at most g/2, D continuous. Then some z on the segment from z_1 to z_2 has d(D(z), K) >= g/2
    (`measure.generation` derives it): no continuous decoder on a connected set of codes fills a disconnected K alone,
    whatever its prior or regularisation. The witness is found by bisection and re-evaluated by decoding it; the
    threshold is g/2 less the resolution of the grid that the distances are taken from.

    The set of codes with d(D(z), K) > g/2 - h is open and not empty, for every h > 0: a prior whose support is the
    whole code space generates such points with positive probability.
    """

    claim = Claim(
        id="completeness-obstruction",
        title="A disconnected set cannot be generated from connected codes",
        kind=ClaimKind.THEOREM,
        statement=(
            "On a K of several components at distance >= g, of which two have a point with error <= g/2, some code on "
            "the segment between the codes of these points decodes to a point at distance >= g/2 from K."
        ),
        citation=Citation(
            "intermediate value theorem, derived in aeverify.measure.generation",
            "",
            "the difference of the distances to the two parts has a zero on every path between the codes",
        ),
        quantity="generated_distance",
        relation=Relation.AT_LEAST,
        ledger=("V-10", "V-14"),
    )
    by_name_only = True

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Sets of several connected components with one chart each."""
        return _disconnected(manifold)

    def premises(self, study: Study) -> Iterator[Premise]:
        """K compact and disconnected; D continuous; two components reconstructed somewhere."""
        yield compact(study)
        yield Premise(
            "disconnected", "K has several connected components, with one chart each.", _disconnected(study.manifold)
        )
        yield study.continuity()
        (first, errors_first), (_, errors_second) = _best(study)
        half = _gap(study, first) / 2
        worse = max(errors_first, errors_second, key=lambda e: e.upper)
        yield Premise(
            "both-parts",
            f"Two components have a point with an error of at most g/2 = {half:.6g}.",
            # the least error is not known from below, so that a large one on the grid refutes nothing
            True if worse.upper <= half else None,
            worse,
        )

    def find(self, study: Study) -> Finding:
        """The farthest output on the segment between the codes of the two best points."""
        (first, errors_first), (_, errors_second) = _best(study)
        codes = [_code(e) for e in (errors_first, errors_second)]
        found = measure.farthest_between(study.autoencoder, study.manifold, *codes)
        gap = _gap(study, first)
        allowance = float(found.details["resolution"]) * 1.001
        bar = Interval.exactly(max(gap / 2 - allowance, 0.0))
        separation = Evidence(
            "component_distance",
            Interval.at_least(gap),
            Rigor.CERTIFIED,
            f"Lower end: chart boxes of component {first} and of the others.",
        )
        return Finding(
            decide(self.claim.relation, found.interval, bar),
            found,
            bar,
            supporting=(separation,),
            message=f"g/2 = {gap / 2:.6g}, less {allowance:.2g} for the grid from which distances are taken.",
        )


def _disconnected(manifold: Manifold) -> bool:
    return 1 < len(manifold.components) == manifold.truth.components


def _best(study: Study) -> list[tuple[int, Evidence]]:
    """The two components with the smallest least errors."""
    found = enumerate(measure.nearest_reconstructions(study.autoencoder, study.manifold))
    return sorted(found, key=lambda pair: pair[1].upper)[:2]


def _code(found: Evidence) -> NDArray[np.float64]:
    """The code of the best reconstructed point."""
    assert found.witness is not None
    return np.array(found.witness.points[0].code, dtype=np.float64)


def _gap(study: Study, index: int) -> float:
    """Lower bound of the distance of one component to the rest."""
    parts = study.manifold.components
    return min(gap_between(parts[index], part).lower for i, part in enumerate(parts) if i != index)
