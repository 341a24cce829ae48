"""Manifolds that are not orientable: their reach bounds the width for one latent dimension more.

**Theorem.** Let K' be a closed connected manifold of dimension k >= 2 that is not orientable, smooth in R^n. Then
w_m(K') >= reach(K') for all m <= k + 1.

Proof. For m <= k this holds with H^k(K'; Z/2) != 0. Let m = k + 1 and suppose some continuous E, D have sup error
r < reach(K'). As in `aeverify.widths.reach`, the identity of K' is homotopic to a map through the compact set
P = E(K') in R^(k+1) (the offset retracts to K'). In Cech cohomology H^k(P; Z) is the reduced H_0 of R^(k+1) - P by
Alexander duality, which is free; so the Bockstein homomorphism of degree k - 1, H^(k-1)(P; Z/2) -> H^k(P; Z), whose
image is 2-torsion, is zero, and so is Sq^1 on H^(k-1)(P; Z/2), its reduction. By naturality Sq^1 is zero on
H^(k-1)(K'; Z/2). But there Sq^1 is the cup product with the first Stiefel-Whitney class (Wu), which is not zero since
K' is not orientable, and the cup product to H^k(K'; Z/2) is not degenerate.
"""

from __future__ import annotations

from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.manifolds import Manifold
from aeverify.widths.method import lower_bound

WU = Citation(
    "Wu 1950; Milnor and Stasheff 1974, Characteristic Classes, section 11; derived in aeverify.widths.nonorientable",
    "",
    "Sq^1 on H^(k-1) of a closed k-manifold is the cup product with the first Stiefel-Whitney class",
)


def nonorientable_bound(K: Manifold, latent_dim: int) -> Evidence | None:
    """Lower bound of the width from the largest reach of a component that is a closed manifold of dimension
    latent_dim - 1 >= 1, not orientable; None where there is none. EXACT where that reach is known exactly."""
    best: Evidence | None = None
    for i, part in enumerate(K.connected_components):
        t = part.truth
        if not t.closed or t.orientable or t.dimension < 2 or t.dimension != latent_dim - 1 or t.reach.lower <= 0:
            continue
        several = len(K.connected_components) > 1
        evidence = lower_bound(
            "reach of a manifold that is not orientable",
            t.reach.lower,
            Rigor.EXACT if t.reach.is_exact else Rigor.CERTIFIED,
            f"Lower end of the reach of {f'component {i}' if several else 'K'}, a closed {t.dimension}-manifold that "
            f"is "
            "not orientable.",
            f"A smaller error would make the identity of K factor through a subset of R^{latent_dim}, where Sq^1 is "
            f"zero "
            f"in degree {t.dimension - 1}; on K it is the product with the first Stiefel-Whitney class, which is not.",
            WU,
            component=i if several else None,
        )
        if best is None or evidence.lower > best.lower:
            best = evidence
    return best
