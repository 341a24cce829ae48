"""Reach: w_m(K) >= reach(K') for every compact part K' of K with a hole of dimension m or more.

**Theorem.** Let K' be compact, j >= m >= 1, and H^j(K'; F) != 0 (Cech cohomology over a field F). Then
w_m(K') >= reach(K').

Proof. Suppose some continuous E, D have r = sup_{K'} |D(E(x)) - x| < reach(K'). The segments from x to f(x) = D(E(x))
stay in the offset of K' at r, which retracts to K' by the nearest point; so the identity of K' is homotopic to the
retraction after f, and it factors, up to homotopy, through the compact set E(K') in R^m. But H^j(E(K'); F) = 0 for
j >= m by Alexander duality (Dold 1995, VIII.8.15), so the identity of H^j(K'; F) is 0, against H^j != 0.

For j = m this is Theorem 3 of Kvalheim and Sontag 2024 (Theorem 1 for a closed m-manifold); fewer latent dimensions
only make the width larger. By the rule of subsets K' may be any component: the two circles of the paper have reach 1/2
together and 1 each, so the width is at least 1.

Only the lower end of the reach is used. For the manifolds here Betti numbers are those of the singular homology, which
agrees with Cech cohomology in rank on compact manifolds.
"""

from __future__ import annotations

from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.manifolds import Manifold, Truth
from aeverify.widths.method import lower_bound

KVALHEIM_SONTAG = Citation(
    "Kvalheim and Sontag 2024, Why should autoencoders work?, TMLR",
    "Theorems 1 and 3",
    "with k-dimensional codes, the sup error on a compact set with H^k not zero is at least the reach of the set",
)


def hole(truth: Truth, latent_dim: int) -> tuple[str, int] | None:
    """A field F and a degree j >= latent_dim with b_j over F positive; None where there is none."""
    for field, betti in truth.betti.items():
        for j in range(latent_dim, len(betti)):
            if betti[j] > 0:
                return field, j
    return None


def reach_bounds(K: Manifold, latent_dim: int) -> tuple[Evidence, ...]:
    """Lower bounds of the width from the reach: the best component, and of a union the whole set too.

    Returns:
        Evidence named "reach" and, for a union, "reach of the whole set"; empty where no part has a hole of dimension
        latent_dim or more. EXACT where the reach is known exactly, else CERTIFIED.
    """
    found = []
    parts = [(i, c.truth, hole(c.truth, latent_dim)) for i, c in enumerate(K.connected_components)]
    able = [(i, truth, h) for i, truth, h in parts if h is not None]
    if able:
        index, truth, best = max(able, key=lambda entry: entry[1].reach.lower)
        assert best is not None
        several = len(K.connected_components) > 1
        found.append(_bound("reach", truth, best, index if several else None, [t.reach.lower for _, t, _ in able]))
        whole = hole(K.truth, latent_dim)
        if several and whole is not None:
            found.append(_bound("reach of the whole set", K.truth, whole, None, []))
    return tuple(found)


def _bound(name: str, truth: Truth, hole: tuple[str, int], component: int | None, reaches: list[float]) -> Evidence:
    field, j = hole
    where = "K" if component is None else f"component {component}"
    return lower_bound(
        name,
        truth.reach.lower,
        Rigor.EXACT if truth.reach.is_exact else Rigor.CERTIFIED,
        f"Lower end of the reach of {where}, whose cohomology in degree {j} over {field} is not zero.",
        f"A smaller error would make the identity of H^{j}({where}; {field}) factor through a compact subset of R^m, "
        "m <= " + str(j) + ", whose cohomology in that degree is zero.",
        KVALHEIM_SONTAG,
        component=component,
        field=field,
        degree=j,
        reach_of_each_component=reaches,
    )
