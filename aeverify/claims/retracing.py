"""Retracing: on a closed curve with a code of one number, the bad points have to run back over the whole curve."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from aeverify import measure
from aeverify.claims.base import (
    KVALHEIM_SONTAG,
    Check,
    Finding,
    compact,
    finite_outputs,
    known_lipschitz,
    positive,
    together,
)
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation, Evidence
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.manifolds.base import Manifold


def _closed_curves(manifold: Manifold) -> list[int]:
    return [i for i, part in enumerate(manifold.components) if part.truth.closed and part.truth.dimension == 1]


def retracing_floor(
    length_lower: float, reach_lower: float, lipschitz_upper: float, epsilon: float, arcs: int
) -> float:
    """Lower bound of the length of any union of N arcs off which e <= epsilon, on a closed C^2 curve, for m = 1.

    Derivation. Let K be the curve, l its length, tau its reach, f = D after E, L its Lipschitz constant along K, K_0
    the arcs, mu_0 their length, sigma = 2 tau arcsin(epsilon / tau). A point where E is least and one where it is
    largest cut K into two arcs A_1, A_2, and E maps each onto the same interval. Take x in A_1 off K_0 and farther than
    2 epsilon from A_2. Some y in A_2 has E(y) = E(x), so f(y) = f(x); were y off K_0 too, |x - y| <= e(x) + e(y) <=
    2 epsilon. So y is in K_0: f(K_0 within A_2) covers f of the good part of A_1, and vice versa. The projection to K
    is tau / (tau - epsilon)-Lipschitz within epsilon of K (Federer 1959, 4.8), and moves f(x), x good, back to within
    sigma of x along K. The good points form at most N intervals, each shortened by at most 2 sigma, and the points near
    the two cuts cost at most 8 sigma. Comparing lengths, mu_0 L tau / (tau - epsilon) >= l - mu_0 - (2 N + 8) sigma, or

        mu_0 >= (l - (2 N + 8) sigma) / (1 + L tau / (tau - epsilon)).

    It is nearly attained: a linear tear of half width d has L = pi / d - 1 and mu_0 = 2 d = 2 pi / (L + 1).

    Args:
        length_lower, reach_lower: lower bounds of l and tau.
        lipschitz_upper: upper bound of L.
        epsilon: level, below the reach.
        arcs: N, exactly or from above.
    """
    tau = reach_lower
    sigma = 2.0 * tau * math.asin(min(epsilon / tau * (1.0 + 2.0**-50), 1.0)) * (1.0 + 2.0**-50)
    over = length_lower - (2 * arcs + 8) * sigma * (1.0 + 2.0**-50)
    return max(over / (1.0 + lipschitz_upper * tau / (tau - epsilon) * (1.0 + 2.0**-48)) * (1.0 - 2.0**-48), 0.0)


def uncounted_floor(length_lower: float, reach_lower: float, lipschitz_upper: float, epsilon: float) -> float:
    """Lower bound of the length of {e > epsilon} without a count of its arcs; 2 epsilon must be below the reach.

    Derivation. Keep the components of {e > epsilon} on which e exceeds 2 epsilon. On each, e climbs from epsilon to
    2 epsilon and back at a rate of at most L + 1, so its length is at least 2 epsilon / (L + 1), and there are at most
    N = mu_0 (L + 1) / (2 epsilon) of them, mu_0 the length of {e > epsilon}. Off them e <= 2 epsilon, so
    `retracing_floor` holds with 2 epsilon for epsilon, sigma' for sigma and this N; solved for mu_0,

        mu_0 >= (l - 8 sigma') / (1 + L tau / (tau - 2 epsilon) + (L + 1) sigma' / epsilon).
    """
    tau, level = reach_lower, 2.0 * epsilon
    sigma = 2.0 * tau * math.asin(min(level / tau * (1.0 + 2.0**-50), 1.0)) * (1.0 + 2.0**-50)
    steep = 1.0 + lipschitz_upper * tau / (tau - level) + (lipschitz_upper + 1.0) * sigma / epsilon
    return max((length_lower - 8.0 * sigma * (1.0 + 2.0**-50)) / (steep * (1.0 + 2.0**-46)), 0.0)


@final
@dataclass(frozen=True)
class Retracing(Check):
    """On each closed curve of K, the length on which e exceeds epsilon is at least its floor; m = 1.

    Where the model's layers allow it, the bad set is covered by arcs certified on boxes: their number is exact and
    their length enclosed (`retracing_floor`). Else the length of the bad set is enclosed by draws and held to the floor
    that needs no number of arcs (`uncounted_floor`), since arcs that were seen would bound their number from below
    only. The length is also what a Lipschitz constant must pay for: the message turns the inequality round. An upper
    end below the floor is a FAIL: then the declared L is false, or it is a bug of ours.
    """

    claim = Claim(
        id="retracing",
        title="The bad set retraces the curve",
        kind=ClaimKind.THEOREM,
        statement=(
            "On a closed C^2 curve of length l and reach tau, m = 1, N arcs off which e <= epsilon have total length "
            "at least (l - (2 N + 8) sigma) / (1 + L tau / (tau - epsilon)), sigma = 2 tau arcsin(epsilon / tau)."
        ),
        citation=Citation(
            KVALHEIM_SONTAG,
            "remarks after Theorem 2",
            "a small exceptional set needs functions that change rapidly; derived here for curves",
        ),
        quantity="bad_set_cover_length",
        relation=Relation.AT_LEAST,
        ledger=("K-17",),
    )
    by_name_only = True
    statistical_statements = 1

    epsilon: float = field(default=0.05, metadata={"meaning": "error level, in the units of the data; below reach / 2"})

    def __post_init__(self) -> None:
        positive(self.epsilon, "retracing.epsilon")

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Where the code has one number and some component is a closed curve whose reach is above 2 epsilon."""
        curves = _closed_curves(manifold)
        reaches = [manifold.components[i].truth.reach.lower for i in curves]
        return latent_dim == 1 and bool(curves) and min(reaches) > 2 * self.epsilon

    def premises(self, study: Study) -> Iterator[Premise]:
        """Codes of one number, closed curves of positive reach, E and D continuous, finite, Lipschitz."""
        yield compact(study)
        m = study.latent_dim
        yield Premise("code", f"The dimension of the code is {m}; the theorem is about 1.", m == 1)
        curves = _closed_curves(study.manifold)
        yield Premise("closed", "Some component of K is a closed curve.", bool(curves))
        reach = min(study.manifold.components[i].truth.reach.lower for i in curves)
        yield Premise(
            "reach",
            f"2 epsilon = {2 * self.epsilon:g} is below the reach of each closed curve, at least {reach:.6g}.",
            2 * self.epsilon < reach,
        )
        yield study.continuity()
        yield finite_outputs(study)
        yield known_lipschitz(study, curves)

    def find(self, study: Study) -> Finding:
        """The arcs on each closed curve against their floor; the least margin is shown."""
        return together([self._on_component(study, i) for i in _closed_curves(study.manifold)])

    def _on_component(self, study: Study, index: int) -> Finding:
        part = study.manifold.components[index]
        lipschitz = study.lipschitz_upper(index)
        assert lipschitz is not None
        facts = part.truth.volume.lower, part.truth.reach.lower
        found = measure.bad_set_cover(study.autoencoder, part, self.epsilon, time_budget=study.effort.enclosure_seconds)
        if isinstance(found, Evidence):
            arcs = int(found.details["arcs"])
            floor = retracing_floor(*facts, lipschitz.upper, self.epsilon, arcs)
            words = f"{arcs} arcs hold every point with error above {self.epsilon:g}; "
            if found.upper > 0:
                tau = facts[1]
                sigma = 2.0 * tau * math.asin(self.epsilon / tau)
                price = ((facts[0] - (2 * arcs + 8) * sigma) / found.upper - 1.0) * (tau - self.epsilon) / tau
                words += f"arcs as short as that ask for L >= {max(price, 0.0):.4g}, and L <= {lipschitz.upper:.4g}."
        else:
            bad = study.bad_set(self.epsilon, index)
            found = _length(bad, part, found)
            floor = uncounted_floor(*facts, lipschitz.upper, self.epsilon)
            words = f"The arcs were not counted; the floor holds for any number, with L <= {lipschitz.upper:.4g}."
        bar = Interval.exactly(floor)
        return Finding(
            decide(self.claim.relation, found.interval, bar), found, bar, (lipschitz,), (lipschitz,), message=words
        )


def _length(bad: Evidence, part: Manifold, reason: str) -> Evidence:
    """The share of a curve as a length in the units of the data, with the reason why no arcs were counted."""
    volume = part.truth.volume
    return Evidence(
        quantity="bad_set_length",
        interval=Interval(bad.lower * volume.lower * (1.0 - 2.0**-50), bad.upper * volume.upper * (1.0 + 2.0**-50)),
        rigor=bad.rigor,
        method=f"No certified cover: {reason}. {bad.method}",
        confidence=bad.confidence,
        witness=bad.witness,
        citations=bad.citations,
        assumptions=bad.assumptions,
        details={**bad.details, "certified_cover": f"not available: {reason}"},
    )
