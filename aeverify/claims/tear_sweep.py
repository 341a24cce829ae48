"""Tear sweep: a model that is good off a small tear errs on it by nearly the eccentricity of K seen from there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from aeverify.claims.base import Check, Finding, compact, finite_outputs, positive
from aeverify.claims.encoder_evidence import closed_parts, sliced_parts, slices, sweep
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold


@final
@dataclass(frozen=True)
class TearSweep(Check):
    """sup e >= d(x, {e > epsilon}) - epsilon (3 epsilon for surfaces) for every deep good point x.

    The bad points of a continuous code of a closed k-manifold in k numbers are decoded to all of K, nearly: each deep
    good point shares its code with a bad one (`measure.sweep`). So a model that is good off one small tear has a worst
    error of nearly the eccentricity of K from the tear: 2 on the unit circle, where the constant has 1. The floor needs
    nothing but where the error is small, which boxes certify.

    A FAIL is a bug of ours or news: the floor exceeds a certified worst error.
    """

    claim = Claim(
        id="tear-sweep",
        title="The tear sweeps the manifold",
        kind=ClaimKind.THEOREM,
        statement=(
            "On a closed k-manifold coded by k numbers the worst error is at least the distance of any deep good point "
            "from {e > epsilon}, less epsilon (k = 1) or 3 epsilon (k >= 2, reach >= 10 epsilon)."
        ),
        citation=Citation(
            "derived in aeverify.measure.sweep",
            "the tear sweeps the manifold",
            "every deep good point is the reconstruction, nearly, of a bad point",
        ),
        quantity="sup_error",
        relation=Relation.AT_LEAST,
        ledger=("K-17", "K-35"),
    )

    epsilon: float = dataclasses.field(
        default=0.1, metadata={"meaning": "error level above which a point belongs to the tear"}
    )

    def __post_init__(self) -> None:
        positive(self.epsilon, "tear-sweep.epsilon")

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Where K has closed components of as many dimensions as the code has numbers."""
        return bool(closed_parts(manifold, latent_dim))

    def premises(self, study: Study) -> Iterator[Premise]:
        """K compact, closed of dimension m; E and D continuous and finite; some point is good and deep."""
        yield compact(study)
        parts = closed_parts(study.manifold, study.latent_dim)
        yield Premise(
            "closed", f"Some component of K is a closed manifold of dimension {study.latent_dim}.", bool(parts)
        )
        yield study.continuity()
        yield finite_outputs(study)
        found = [sweep(study, i, self.epsilon) for i in parts]
        deep = [f.deep for f in found]
        holds = True if any(deep) else (None if None in deep else False)
        first = next((f for f in found if f.deep is holds), found[0])
        yield Premise("deep", f"Some good point is deep: {first.why}.", holds, first.floor)

    def find(self, study: Study) -> Finding:
        """The worst error of each component against its floor; the least margin is shown."""
        findings = []
        for i in closed_parts(study.manifold, study.latent_dim):
            floor, worst = sweep(study, i, self.epsilon).floor, study.sup_errors()[i]
            if floor is None:
                continue
            wanted = Interval.exactly(floor.lower)
            words = (
                f"Component {i}: {sweep(study, i, self.epsilon).why}; so its worst error is {floor.lower:.6g} or more."
            )
            outcome = decide(self.claim.relation, worst.interval, wanted)
            findings.append(Finding(outcome, worst, wanted, (floor,), (floor,), message=words))
        order = ("FAIL", "INCONCLUSIVE", "PASS")
        first = min(findings, key=lambda f: (order.index(f.outcome), f.evidence.interval.lower - f.threshold.upper))
        rest = tuple(e for f in findings if f is not first for e in (f.evidence, *f.supporting))
        return dataclasses.replace(first, supporting=(*first.supporting, *rest), needed=(*first.needed, *rest))


@final
@dataclass(frozen=True)
class TearEverySlice(Check):
    """With codes of one number every closed slice of K has a tear of its own.

    Each closed curve K' in K has a positive width for one number: half the least distance of two of its points half a
    period apart. So each parallel circle of a torus of revolution has a point with an error of at least its radius
    R + r cos v, and {e >= R - r}, which meets all of them, has one-dimensional measure of at least 2 pi r: the bad set
    of a torus coded by one number is no point and no small arc.

    Compared with 0 is the least margin, over the slices, of the worst error of a slice over its bound.
    """

    claim = Claim(
        id="tear-every-slice",
        title="Every closed slice has its own tear",
        kind=ClaimKind.THEOREM,
        statement=(
            "With codes of one number, every closed slice x(t) of K, of period P, has a point with an error of at "
            "least half the least distance of x(t) from x(t + P/2)."
        ),
        citation=Citation(
            "derived in aeverify.measure.slices",
            "every slice has its own tear",
            "E(x(t)) - E(x(t + P/2)) changes its sign, so two points of the slice at that distance share a code",
        ),
        quantity="slice_margin",
        relation=Relation.AT_LEAST,
        ledger=("K-7", "K-17"),
    )

    slices: int = dataclasses.field(default=8, metadata={"meaning": "slices for each further chart parameter"})

    def __post_init__(self) -> None:
        if not 1 <= self.slices <= 1000:
            raise UsageError(f"tear-every-slice.slices must be an integer from 1 to 1000, got {self.slices}.")

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Where codes have one number and some chart of K has closed slices."""
        return latent_dim == 1 and bool(sliced_parts(manifold))

    def premises(self, study: Study) -> Iterator[Premise]:
        """K compact with closed slices, m = 1; E and D continuous and finite."""
        yield compact(study)
        yield Premise(
            "slices",
            f"Some chart of K has at least 2 parameters, one of which runs round closed slices, and codes have 1 "
            f"number (here {study.latent_dim}).",
            self.applies(study.manifold, study.latent_dim),
        )
        yield study.continuity()
        yield finite_outputs(study)

    def find(self, study: Study) -> Finding:
        """The least margin over all slices."""
        found = [e for i, axis in sliced_parts(study.manifold) for e in slices(study, i, axis, self.slices)]
        margins = [(e.lower - e.details["bound"], e) for e in found]
        least, worst = min(margins, key=lambda pair: pair[0])
        above = min(e.upper - e.details["bound"] for e in found)
        evidence = Evidence(
            quantity="slice_margin",
            interval=Interval(least, max(least, above)),
            rigor=min((e.rigor for e in found), default=Rigor.EMPIRICAL),
            method=(
                f"Lower end: over {len(found)} slices, the worst error found less the bound of the slice, rounded down "
                "in the bound; upper end: the same with the ranges of the error."
            ),
            witness=worst.witness,
            details={"slices": [[*e.details["slice"], e.lower, e.details["bound"]] for e in found[:64]]},
        )
        zero = Interval.exactly(0.0)
        return Finding(
            decide(self.claim.relation, evidence.interval, zero),
            evidence,
            zero,
            supporting=(worst,),
            message=f"{len(found)} slices, each with a point at or above its own bound of up to "
            f"{max(e.details['bound'] for e in found):.4g}."
            if least >= 0
            else "A slice was found without a point at or above its bound: raise the effort.",
        )
