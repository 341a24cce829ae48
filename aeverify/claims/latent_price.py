"""The Lipschitz price of a code of few dimensions: many far points of K need many far codes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from aeverify.autoencoders.protocol import Part
from aeverify.claims.base import KVALHEIM_SONTAG, Check, Finding, compact, finite_outputs, positive
from aeverify.claims.study import Study
from aeverify.claims.volumes import ball_volume_upper
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation, Evidence
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.manifolds.base import Manifold


def latent_price(latent_dim: int, diameter_upper: float, good_lower: float, ball_upper: float, epsilon: float) -> float:
    """Lower bound of Lip(E) Lip(D) for an autoencoder with e <= epsilon on a subset G of K, rounded down.

    Derivation. Let L = L_E L_D, Delta the diameter of K, eta = epsilon / L_D. E(G) lies in a ball of radius L_E Delta
    about one of its points. A maximal subset of E(G) with mutual distances above eta has at most
    (1 + 2 L_E Delta / eta)^m = (1 + 2 L Delta / epsilon)^m members (the balls of radius eta / 2 about them are disjoint
    and lie in one of radius L_E Delta + eta / 2), and balls of radius eta about its members cover E(G). The x in G
    whose codes lie in one of these balls have D(E(x)) within L_D eta = epsilon of one point of R^n, hence lie within
    2 epsilon of it. So G is covered by that many balls of radius 2 epsilon, and with V an upper bound of the volume of
    K within such a ball, (1 + 2 L Delta / epsilon)^m >= volume(G) / V, that is

        L >= (epsilon / (2 Delta)) ((volume(G) / V)^{1/m} - 1),    about epsilon^{1 - k/m}.

    Args:
        latent_dim: m.
        diameter_upper: upper bound of Delta.
        good_lower: lower bound of the volume of G.
        ball_upper: upper bound V.
        epsilon: error level.
    """
    if not (good_lower > 0 and math.isfinite(ball_upper) and ball_upper > 0):
        return 0.0
    balls = float((good_lower / ball_upper) ** (1.0 / latent_dim)) * (1.0 - 1e-12)
    return max(epsilon / (2.0 * diameter_upper) * (balls - 1.0) * (1.0 - 1e-12), 0.0)


@final
@dataclass(frozen=True)
class LatentPrice(Check):
    """Lip(E) Lip(D) is at least what covering K by as few balls as R^m allows asks for; worth most where m < dim K.

    See `latent_price` for the derivation. The good volume enters as a lower bound, the volume of balls and the diameter
    as upper bounds. Lipschitz constants are Euclidean here (not along K): an upper bound of the product is that of the
    operator norms of the model; the best lower bound is the steepest pair of points of D after E. An upper bound below
    the price is a FAIL: then a declared constant is false, or it is a bug of ours.
    """

    claim = Claim(
        id="latent-price",
        title="A code of few dimensions has its price",
        kind=ClaimKind.THEOREM,
        statement=(
            "Lip(E) Lip(D) >= (epsilon / (2 diameter)) ((volume{e <= epsilon} / V(2 epsilon))^{1/m} - 1), where V(r) "
            "bounds the volume of K within a ball of radius r."
        ),
        citation=Citation(
            KVALHEIM_SONTAG,
            "remarks after Theorem 2",
            "small errors off a small set need functions that change rapidly; derived here by counting balls",
        ),
        quantity="lipschitz_product",
        relation=Relation.AT_LEAST,
        ledger=("K-2", "K-17"),
    )
    by_name_only = True
    statistical_statements = 1

    epsilon: float = field(default=0.05, metadata={"meaning": "error level, in the units of the data; below reach / 2"})

    def __post_init__(self) -> None:
        positive(self.epsilon, "latent-price.epsilon")

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Where K is closed, of one dimension, larger than that of the code, and its reach is above 2 epsilon."""
        dimensions = {part.truth.dimension for part in manifold.components}
        truth = manifold.truth
        one = truth.closed and len(dimensions) == 1 and latent_dim < min(dimensions)
        return one and truth.reach.lower > 2 * self.epsilon

    def premises(self, study: Study) -> Iterator[Premise]:
        """K a closed manifold of one dimension and reach above 2 epsilon; E and D continuous and finite."""
        truth = study.manifold.truth
        yield compact(study)
        one = len({part.truth.dimension for part in study.manifold.components}) == 1
        yield Premise("closed", "K is a closed manifold, all of one dimension.", truth.closed and one)
        yield Premise(
            "reach",
            f"2 epsilon = {2 * self.epsilon:g} is below the reach of K, at least {truth.reach.lower:.6g}.",
            2 * self.epsilon < truth.reach.lower,
        )
        yield study.continuity()
        yield finite_outputs(study)

    def find(self, study: Study) -> Finding:
        """What is known of Lip(E) Lip(D) against the price of the volume that is good."""
        truth, m = study.manifold.truth, study.latent_dim
        bad = study.bad_set(self.epsilon)
        good = max(1.0 - bad.upper, 0.0) * truth.volume.lower * (1.0 - 2.0**-48)
        ball = ball_volume_upper(truth.dimension, truth.reach.lower, 2.0 * self.epsilon)
        price = Interval.exactly(latent_price(m, truth.diameter.upper, good, ball, self.epsilon))
        product = _product(study)
        return Finding(
            decide(self.claim.relation, product.interval, price),
            product,
            price,
            (bad,),
            (bad,),
            message=(
                f"At least {good:.4g} of the volume {truth.volume} has an error of at most {self.epsilon:g}; no "
                f"ball of radius {2 * self.epsilon:g} holds more than {ball:.4g} of it, so Lip(E) Lip(D) "
                f">= {price.lower:.4g}."
            ),
            witness=product.witness,
        )


def _product(study: Study) -> Evidence:
    """Enclosure of Lip(E) Lip(D) in Euclidean norms: at least the steepness of D after E along K, at most the product
    of the constants that the model knows."""
    steepest = max((study.lipschitz(i) for i in range(len(study.manifold.components))), key=lambda e: e.lower)
    known = [study.autoencoder.lipschitz(part) for part in (Part.ENCODER, Part.DECODER)]
    uppers = [k.upper for k in known if k is not None]
    upper = math.nextafter(uppers[0] * uppers[1], math.inf) if len(uppers) == 2 else math.inf
    above = [k.rigor for k in known if k is not None] if math.isfinite(upper) else []
    lower_rigor = type(steepest.rigor)(str(steepest.details["lower_rigor"]))
    return Evidence(
        quantity="lipschitz_product",
        interval=Interval(steepest.lower, upper),
        rigor=min([lower_rigor, *above]),
        method=f"Lower end: {steepest.method.removeprefix('Lower end: ').partition(' Upper end')[0]} Upper end: "
        + ("the product of the global constants of E and D." if above else "none; the model knows no constants."),
        witness=steepest.witness,
        citations=steepest.citations,
        assumptions=tuple(a for k in known if k is not None for a in k.assumptions),
        details={"lower_rigor": str(lower_rigor)},
    )
