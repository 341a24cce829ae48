"""Manifolds that are not orientable: their reach, or their persistence, bounds the width for one latent dimension more.

**Theorem.** Let K' be a closed connected manifold of dimension k >= 2 that is not orientable, smooth in R^n. Then
w_m(K') >= reach(K') for all m <= k + 1.

Proof. For m <= k this holds with H^k(K'; Z/2) != 0. Let m = k + 1 and suppose some continuous E, D have sup error
r < reach(K'). As in `aeverify.widths.reach`, the identity of K' is homotopic to a map through the compact set
P = E(K') in R^(k+1) (the offset retracts to K'). In Cech cohomology H^k(P; Z) is the reduced H_0 of R^(k+1) - P by
Alexander duality, which is free; so the Bockstein homomorphism of degree k - 1, H^(k-1)(P; Z/2) -> H^k(P; Z), whose
image is 2-torsion, is zero, and so is Sq^1 on H^(k-1)(P; Z/2), its reduction. By naturality Sq^1 is zero on
H^(k-1)(K'; Z/2). But there Sq^1 is the cup product with the first Stiefel-Whitney class (Wu), which is not zero since
K' is not orientable, and the cup product to H^k(K'; Z/2) is not degenerate.

**Certificate from finitely many points**, m = 3. Let X be finite with K in X^eps and X in K^nu, and Y = X^(r + eps). If

- (a) a class of H_2(.; Z/2) that is born at b with b + nu < reach(K), so comes from K, is alive at r + eps,
- (b) b_2(Y; Z/3) = 0,
- (c) b_3(Y; Z/2) = 0,

then w_3(K) >= r. Proof. By (c) and universal coefficients H^3(Y; Z) has no 2-torsion, so H^2(Y; Z) -> H^2(Y; Z/2) is
onto; by (a) some c in H^2(Y; Z) reduces to a class that is not zero on K. By (b) b_2(Y; Q) = 0, so c is torsion. If
sup e <= r, the inclusion of K in Y factors up to homotopy through the compact set P = E(K) in R^3, and H^2(P; Z) is
torsion-free (above), so c is zero on K: a contradiction. The reach enters through the birth alone.

(b) and (c) speak of one radius, and a bar that is shorter than the rounding of the values may be missing from a
diagram; so r + eps is taken in a gap between the values of simplices, where the complex is known exactly
(`aeverify.homology.exact_radii`).
"""

from __future__ import annotations

import math
from dataclasses import replace

from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.homology import ALPHA_DIMENSIONS, exact_radii
from aeverify.manifolds import Manifold
from aeverify.widths.method import lower_bound
from aeverify.widths.persistence import SOFTWARE, net_and_diagrams, proved_reach, sound_intervals

WU = Citation(
    "Wu 1950; Milnor and Stasheff 1974, Characteristic Classes, section 11; derived in aeverify.widths.nonorientable",
    "",
    "Sq^1 on H^(k-1) of a closed k-manifold is the cup product with the first Stiefel-Whitney class",
)

BOCKSTEIN = Citation(
    "Dold 1995, Lectures on Algebraic Topology; derived in aeverify.widths.nonorientable",
    "VIII.8.15",
    "H^2(P; Z) of a compact subset P of R^3 is torsion-free (Alexander duality)",
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


def nonorientable_sample_bound(K: Manifold, latent_dim: int, *, points: int | None = None) -> Evidence | None:
    """Certified lower bound of the width for latent_dim <= 3 from the persistence of nodes over Z/2 and Z/3, as in the
    module's certificate: the best component in R^4 (or less); None where none passes.

    CERTIFIED modulo the correctness of gudhi and CGAL.

    Args:
        K: any manifold.
        latent_dim: m.
        points: nodes a component; by default as for `persistence_bound`, with which the diagrams are shared.

    Cost: 1 to 2 s a surface in R^4.
    """
    if latent_dim > 3:
        return None
    best: Evidence | None = None
    several = len(K.connected_components) > 1
    for i, part in enumerate(K.connected_components):
        reach, truth = proved_reach(part), part.truth
        if not 4 <= part.ambient_dim <= ALPHA_DIMENSIONS or truth.orientable or truth.dimension < 2 or reach <= 0:
            continue
        found = net_and_diagrams(part, points)
        if found is None:
            continue
        net, (mod_2, mod_3) = found
        spoiling = [*mod_3.intervals(2).tolist(), *mod_2.intervals(3).tolist()]
        radii = exact_radii(net.points)
        for birth, death, degree in sound_intervals(mod_2, 2):
            pushed = (birth + net.noise) * (1 + 1e-15)
            if degree != 2 or pushed >= reach:
                continue
            good = radii[(radii > (pushed + net.covering) * (1 + 1e-15)) & (radii < death)]
            for b, d in spoiling:
                good = good[(good < b) | (good >= d)]
            if not len(good):
                continue
            radius = float(good[-1])
            evidence = lower_bound(
                "persistence of a manifold that is not orientable",
                math.nextafter(radius - net.covering, -math.inf),
                Rigor.CERTIFIED,
                f"A class of degree 2 over Z/2 of {f'component {i}' if several else 'K'}, born at {birth:.4g}, below "
                f"the reach, is alive at {radius:.6g}, where there is none over Z/3 and no class of degree 3 over Z/2 "
                f"({mod_2.points} nodes); less the covering radius {net.covering:.4g}. Certified modulo the "
                "correctness of gudhi and CGAL.",
                "An integral class of the offset reduces to one that is not zero on K and is torsion; a smaller error "
                "would take it through the second cohomology of a subset of R^3, which has no torsion.",
                BOCKSTEIN,
                component=i if several else None,
                birth=birth,
                radius=radius,
                points=mod_2.points,
                covering_radius=net.covering,
                noise=net.noise,
                reach=reach,
            )
            if best is None or evidence.lower > best.lower:
                best = replace(evidence, assumptions=(SOFTWARE,))
    return best
