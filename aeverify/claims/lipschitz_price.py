"""Bad set and Lipschitz constant, read together: a small bad set has its price."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from aeverify.claims.base import (
    KVALHEIM_SONTAG,
    Check,
    Finding,
    closed_obstructed,
    obstruction_premises,
    positive,
    some_closed_obstructed,
    together,
)
from aeverify.claims.study import Study
from aeverify.claims.volumes import ball_radius_upper
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.manifolds.base import Manifold

READ_TOGETHER = (
    "A small bad set alone is no evidence that the latent dimension is right: with m = 1 every compact K has "
    "continuous autoencoders with as small a bad set as one likes (number the cells of a fine grid). They pay with "
    "the Lipschitz constant, so the two are read together."
)


@final
@dataclass(frozen=True)
class LipschitzPrice(Check):
    """L >= eta B / r - 1, where r is the radius of the largest ball of K' that fits into the bad set.

    Derivation. Let K' be a closed connected component with w_m(K') >= B, L the Lipschitz constant of D after E along
    K'. The set {e > (1 - eta) B} holds a ball of K' of radius rho = eta B / (L + 1) about a point with e >= B (see
    `thick-set`), whose volume is at least v(rho) (`volumes.ball_volume_lower`). If the volume of that set is at most
    mu_0 < v(pi tau), then v(rho) <= mu_0, rho <= v^{-1}(mu_0) and L >= eta B / v^{-1}(mu_0) - 1. B and the reach enter
    as lower bounds, mu_0 as an upper one (certified, or a confidence limit), v^{-1} is rounded up.

    The claim holds what was found out about L against this price. L found to be at least that is a PASS. An upper bound
    of L below the price is a FAIL: then the declared L is false, or it is a bug of ours.
    """

    claim = Claim(
        id="lipschitz-price",
        title="Bad set and Lipschitz constant together",
        kind=ClaimKind.THEOREM,
        statement=(
            "The Lipschitz constant of D after E along each closed component K' is at least eta B / r - 1, where B is "
            "a lower bound of w_m(K') and a ball of radius r has the volume of {e > (1 - eta) B}. " + READ_TOGETHER
        ),
        citation=Citation(
            KVALHEIM_SONTAG,
            "remarks after Theorem 2",
            "a small exceptional set needs functions that change rapidly",
        ),
        quantity="lipschitz_constant",
        relation=Relation.AT_LEAST,
        ledger=("K-17",),
    )
    statistical_statements = 1

    eta: float = field(default=0.5, metadata={"meaning": "share of the bound B that is given away, in (0, 1)"})

    def __post_init__(self) -> None:
        positive(self.eta, "lipschitz-price.eta", below=1.0)

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Where some closed component has a positive lower bound on its width."""
        return some_closed_obstructed(manifold, latent_dim)

    def premises(self, study: Study) -> Iterator[Premise]:
        """K compact and obstructed on a closed component; E and D continuous and finite."""
        yield from obstruction_premises(study, closed=True)

    def find(self, study: Study) -> Finding:
        """Price and Lipschitz constant on each closed obstructed component; the least margin is shown."""
        return together([self._on_component(study, i) for i in closed_obstructed(study)])

    def _on_component(self, study: Study, index: int) -> Finding:
        part = study.manifold.components[index]
        bound = study.obstruction(index)
        level = (1.0 - self.eta) * bound.interval.lower
        bad = study.bad_set(level, index)
        volume = bad.interval.upper * part.truth.volume.upper * (1.0 + 2.0**-50)
        radius = ball_radius_upper(part.truth.dimension, part.truth.reach.lower, volume)
        price = max(self.eta * bound.interval.lower / radius * (1.0 - 2.0**-48) - 1.0, 0.0)
        found = study.lipschitz(index)
        free = " The bad set is so large that it asks nothing of L." if math.isinf(radius) else ""
        return Finding(
            outcome=decide(self.claim.relation, found.interval, Interval.exactly(price)),
            evidence=found,
            threshold=Interval.exactly(price),
            supporting=(bad, bound),
            needed=(bad, bound),
            message=(
                f"Share of {'K' if len(study.manifold.components) == 1 else f'component {index}'} with error above "
                f"{level:.4g}: {bad.interval}; L in {found.interval}, of which that share asks for at least "
                f"{price:.4g}.{free} {READ_TOGETHER}"
            ),
            witness=found.witness,
        )
