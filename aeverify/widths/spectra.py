"""Spectra: bounds on the width that use what a family is, from below by a subset or a loop and from above by a map.

Lower bounds, each of a compact subset K' of K (rule of subsets):

- *Subspheres*. The ellipsoid of semi-axes a_1 >= ... >= a_n holds, in the span of its first m + 1 axes, an m-sphere
  that is symmetric about the origin and at least a_{m+1} away from it; by Borsuk and Ulam every map to R^m has one code
  for two of its antipodes: w_m >= a_{m+1}. The boundary sphere S^(d-1) of a d-ball or of a d-dimensional hemisphere of
  radius r gives w_m >= r for m <= d - 1. The circles of largest radius about the centre give w_1 >= R + r for the torus
  of revolution and the Klein bottle, >= b for the annulus, >= 1 for the projective plane in R^4 (its points with x =
  0), and >= R for the Moebius band (its core). The outer rim f = c, z = 0 of the genus-2 surface is a circle symmetric
  about the centre, whose points are (2 s - s^2 + c)^(1/2) away, 0 <= s <= a, with a^2 - a = c and a > 1. This is
  concave under the root, c at s = 0 and a at s = a: w_1 >= c^(1/2).
- *Subtori*. The product of the m largest circles of a flat torus has H^m != 0 and reach the m-th largest radius.
- *Inradius*. The core circle of a torus of revolution lies in the bounded part of the complement, at distance r: the
  torus is not null-homologous in its offset at any s < r, and H^2 of a subset of R^2 is 0: w_2 >= r, also where the
  reach is R - r < r.
- *Klein bottle, w_3 >= r for every R > r.* Let Z = {(R e^(iu), i t e^(iu/2)) : t real}, a 2-cycle mod 2 of S^4 with
  infinity. Its squared distance from the point of K at (u + D, v) is a^2 + 4 A R sin^2(D/2) + |b e^(iD/2) - i t|^2 >=
  r^2 + sin^2(D/2) ((2 R + a)^2 - r^2) >= r^2, with a = r cos v, b = r sin v, A = R + a. So for s < r linking with Z is
  a class z of H^1(K^s; Z/2). It is 1 on the meridians: the disc that a meridian bounds in its normal plane meets Z in
  the core alone. The first Stiefel-Whitney class w_1 of K is pulled back from the core circle and 0 on meridians; so z
  w_1 != 0 in H^2(K; Z/2) (w_1^2 = 0, and the cup product is not degenerate), and Sq^1 z = z^2 = z w_1 (Wu). If some
  autoencoder with m = 3 had sup error s < r, the inclusion K -> K^s would factor up to homotopy through a compact P in
  R^3, where Sq^1: H^1(P; Z/2) -> H^2(P; Z/2) is 0, since H^2(P; Z) = H_0(R^3 - P) reduced has no torsion (Alexander).
- *Rungs.* On the Moebius band (R, h) take the six points of the boundary curve at thirds of its two turns, the six arcs
  between them and the three rungs at u = 0, 120, 240 degrees: a K_{3,3}. Every general-position map of it to the plane
  makes two disjoint edges meet (van Kampen 1932, Flores 1933), so w_2 is at least half the least distance of disjoint
  edges. Disjoint boundary arcs: |beta(s) - beta(s')|^2 = 4 sin^2(D/4) (h^2 + 4 q q' cos^2(D/4)) with q, q' >= R - h and
  D in [120, 600] degrees, at least 4 h^2 if 4 q q' sin^2(D/4) >= h^2, which holds for R >= 2 h. A rung and a disjoint
  edge are at least 120 degrees apart: at least 3^(1/2) (R - h) apart. So w_2 >= min(h, 3^(1/2) (R - h) / 2) for R >= 2
  h.
- *Triod* of legs at 120 degrees: the distance of a tip from the other legs is the length of its leg, so
  w_1 >= min l_i / 2 (`aeverify.widths.collision`).
- *Factors and transforms*: a product holds a copy of each factor; c K has c times the width of K, and an isometry onto
  a subset of a larger space changes no width.

Upper bounds, each an autoencoder (E, D), or a map E with fibres of circumradius at most the bound (the best decoder
errs
by no more than the largest circumradius of a fibre: centres of fibres, glued by a partition of unity):

- *Axis truncation* of ellipses and ellipsoids: dropping all coordinates but the first m gives
  error^2 = sum_{i > m} x_i^2 <= a_{m+1}^2 sum_{i > m} (x_i / a_i)^2 <= a_{m+1}^2. This is what PCA does, so on an
  ellipsoid no autoencoder has a smaller sup error than PCA.
- *Collapse to the core*: torus of revolution and Klein bottle to the core circle in R^2: r. Moebius band: h. Flat
  torus: keep the m - 1 largest circles, whose product embeds in R^m, and put the centres for the others.
- *Genus-2 surface*: dropping z errs by |z| <= c: w_2 <= c.
- *Projective plane in R^4*: dropping the first two coordinates errs by |sin t| / 2 <= 1/2: w_2 <= 1/2.
- *Veronese surface, m = 3*: E = (x z, y z, x^2 - y^2 + 2 z^2), the cross-cap. For z != 0 and (x, y) != 0 the values z^2
  with the same (x z, y z) are z_1^2 and z_2^2 = 1 - z_1^2, and the last entries differ by (z_1^2 - z_2^2) (2 - (a^2 -
  b^2) / (a^2 + b^2)), a = x z, b = y z, so z^2 and the point are known; at z = 0 the fibres are {(cos f, +-sin f, 0)},
  half as far apart as |sin 2f| 2^(1/2): at most 1 / 2^(1/2).
- *Triod*: the shortest leg collapses to the centre, where the fibre is that leg: w_1 <= min l_i / 2.
- *Products*: the squares of the factors' errors add up, for any way to share m; or some factors embed, the others
  collapse.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.manifolds import Manifold
from aeverify.manifolds.balls import closed_form
from aeverify.manifolds.curves import Ellipse
from aeverify.manifolds.discs import Annulus, Ball
from aeverify.manifolds.enclosed import hypotenuse, times
from aeverify.manifolds.flat import FlatTorus
from aeverify.manifolds.genus_two import GenusTwo
from aeverify.manifolds.nonorientable import Klein, ProjectivePlane, Veronese
from aeverify.manifolds.products import Product
from aeverify.manifolds.spheres import Ellipsoid, Hemisphere
from aeverify.manifolds.surfaces import Moebius, Torus
from aeverify.manifolds.transforms import Transformed
from aeverify.manifolds.triod import Triod
from aeverify.widths.method import lower_bound, upper_bound

HERE = "derived in aeverify.widths.spectra"
BORSUK_ULAM = Citation(
    "Borsuk 1933, Drei Sätze über die n-dimensionale euklidische Sphäre",
    f"Satz II; {HERE}",
    "every continuous map of a k-sphere to R^k takes some pair of antipodes to one point",
)
VAN_KAMPEN = Citation(
    "van Kampen 1932, Komplexe in euklidischen Räumen; Flores 1933",
    HERE,
    "every general-position map of K_{3,3} to the plane makes two disjoint edges meet",
)
THOM = Citation(
    "Hatcher 2002, Algebraic Topology",
    f"section 4.L and Theorem 3.44; {HERE}",
    "Sq^1 vanishes on H^1 of a compact subset of R^3, whose H^2 over Z has no torsion",
)
DUALITY = Citation(
    "Dold 1995, Lectures on Algebraic Topology", f"VIII.8.15; {HERE}", "H^j of a compact subset of R^m is 0 for j >= m"
)

Best = Callable[[Manifold, int], Interval]


@dataclass(frozen=True)
class Bound:
    """One bound: which way it holds is told by the function that returns it.

    Attributes:
        name: of the method.
        value: enclosure of the bound; its sound end is used.
        method, proof: one sentence each.
        citation: where it stands.
    """

    name: str
    value: Interval
    method: str
    proof: str
    citation: Citation


def family_lower(part: Manifold, latent_dim: int, best: Best) -> tuple[Evidence, ...]:
    """Lower bounds of the width of a connected manifold from what its family is.

    Args:
        part: the manifold.
        latent_dim: m.
        best: gives the best lower bound known of another manifold and latent dimension, as the lower end of an
            interval of one point where it is EXACT; for the factors of products.
    """
    return tuple(
        lower_bound(
            b.name,
            b.value.lower,
            Rigor.EXACT if b.value.is_exact else Rigor.CERTIFIED,
            b.method,
            b.proof,
            b.citation,
        )
        for b in _below(part, latent_dim, best)
    )


def family_upper(part: Manifold, latent_dim: int, best: Best) -> tuple[Evidence, ...]:
    """Upper bounds of the width of a connected manifold from maps that its family has; arguments as `family_lower`,
    with `best` the best upper bound, as an upper end."""
    return tuple(
        upper_bound(
            b.name,
            b.value.upper,
            Rigor.EXACT if b.value.is_exact else Rigor.CERTIFIED,
            b.method,
            b.proof,
            b.citation,
        )
        for b in _above(part, latent_dim, best)
    )


def _subsphere(value: Interval, what: str) -> Bound:
    return Bound(
        "antipodes of a subsphere",
        value,
        f"Distance of {what} from the centre about which it is symmetric; two antipodes have one code.",
        "E(x) - E(2p - x) is odd, so by Borsuk and Ulam it has a zero on that sphere: x and 2p - x have one code, and "
        "one "
        "of them is off by half their distance.",
        BORSUK_ULAM,
    )


def _below(part: Manifold, m: int, best: Best) -> Iterator[Bound]:
    if isinstance(part, Ellipsoid) and m < part.ambient_dim:
        yield _subsphere(Interval.exactly(part.semi_axes[m]), f"the {m}-sphere in the span of the {m + 1} longest axes")
    elif isinstance(part, Ball | Hemisphere) and m < part.dim:
        yield _subsphere(Interval.exactly(part.radius), f"the boundary sphere of dimension {part.dim - 1}")
    elif isinstance(part, Annulus) and m == 1:
        yield _subsphere(Interval.exactly(part.outer), "the outer circle")
    elif isinstance(part, Torus | Klein) and m == 1:
        yield _subsphere(part.truth.circumradius, "the outer circle")
    elif isinstance(part, ProjectivePlane) and m == 1:
        yield _subsphere(Interval.exactly(1.0), "the circle of points with x = 0")
    elif isinstance(part, GenusTwo) and m == 1:
        yield _subsphere(closed_form(lambda ops: ops.sqrt(ops.real(part.c))), "the outer rim f = c, z = 0")
    elif isinstance(part, Moebius) and m == 1:
        yield _subsphere(Interval.exactly(part.R), "the core circle")
    elif isinstance(part, FlatTorus) and m <= len(part.radii):
        yield Bound(
            "reach of a subtorus",
            Interval.exactly(sorted(part.radii, reverse=True)[m - 1]),
            f"Reach of the product of the {m} largest circles, a part of K whose cohomology in degree {m} is not zero.",
            f"A smaller error would make the identity of H^{m} of the subtorus factor through H^{m} of a subset of "
            f"R^{m}, "
            "which is zero.",
            DUALITY,
        )
    elif isinstance(part, Torus) and m == 2:
        yield Bound(
            "inradius",
            Interval.exactly(part.r),
            "Distance of the core circle from K; it lies in the bounded part of the complement.",
            "The class of K is not zero in its offset at any s < r, for the core circle has winding number 1; a "
            "smaller "
            "error would make it factor through H_2 of a subset of the plane, which is zero.",
            DUALITY,
        )
    elif isinstance(part, Klein) and m in (2, 3):
        yield Bound(
            "first Steenrod square",
            Interval.exactly(part.r),
            "Distance of K from a surface that links its meridians.",
            "Linking with that surface is a class z of H^1 of the offset at s < r with Sq^1 z not zero on K; through a "
            "subset of R^3 (all the more of R^2) it would be zero.",
            THOM,
        )
    elif isinstance(part, Moebius) and m == 2 and 2 * part.h <= part.R:
        rungs = closed_form(lambda ops: ops.sqrt(ops.real(3.0)) * (ops.real(part.R) - ops.real(part.h)) / 2)
        yield Bound(
            "disjoint edges of K_{3,3}",
            Interval.exactly(part.h).minimum(rungs),
            "Half the least distance of disjoint edges of a K_{3,3} drawn on K: six boundary arcs and three rungs.",
            "No general-position map of K_{3,3} to the plane keeps disjoint edges apart, so two points on disjoint "
            "edges "
            "have one code, up to as little as one likes.",
            VAN_KAMPEN,
        )
    elif isinstance(part, Triod) and m == 1:
        yield Bound(
            "triod",
            Interval.exactly(min(part.legs) / 2),
            "Half the shortest leg: the end of a leg keeps its length as distance from the other two.",
            "Two points can change places on a triod, one waiting at an end while the other walks along the other two "
            "legs; E(x) - E(y) changes its sign on the way, so two points so far apart have one code.",
            Citation(HERE, "", "a continuous function that is exchanged with its negative along a path has a zero"),
        )
    elif isinstance(part, Product):
        able = [(best(f, m), f) for f in part.factors if m <= f.ambient_dim]
        value, factor = max(able, key=lambda pair: pair[0].lower, default=(Interval.exactly(0.0), part.factors[0]))
        yield Bound(
            "factor",
            value,
            f"Best lower bound of the factor {factor}, of which the product holds a copy.",
            "The width of a compact subset is at most that of the set.",
            Citation("derived in aeverify.widths.method", "subsets", "w_m(K') <= w_m(K) for compact K' in K"),
        )
    elif isinstance(part, Transformed) and m <= part.base.ambient_dim:
        for b in _below(part.base, m, best):
            yield _scaled(b, part.factor)


def _above(part: Manifold, m: int, best: Best) -> Iterator[Bound]:
    collapse = "E is a homeomorphism after the collapse, D its inverse; both extend to the whole space (Tietze)."
    if isinstance(part, Ellipse | Ellipsoid) and m < part.ambient_dim:
        yield Bound(
            "axis truncation",
            Interval.exactly(part.semi_axes[m]),
            f"The semi-axis number {m + 1} from the longest: the projection to the {m} longest axes, which is what "
            f"PCA does.",
            "The squared error is sum_{i > m} x_i^2 <= a_{m+1}^2 sum_{i > m} (x_i / a_i)^2 <= a_{m+1}^2.",
            Citation(
                "Pinkus 1985, n-Widths in Approximation Theory",
                f"chapter IV; {HERE}",
                "the linear width of an ellipsoid is its next semi-axis, attained by truncation",
            ),
        )
    elif isinstance(part, Torus | Klein) and m >= 2:
        yield Bound(
            "collapse to the core",
            Interval.exactly(part.r),
            "Radius of the tube: every point is replaced by its centre on the core circle, a plane curve.",
            collapse,
            Citation(HERE, "", "the core circle is a plane circle at distance r from every point of K"),
        )
    elif isinstance(part, GenusTwo) and m == 2:
        yield Bound(
            "truncation",
            Interval.exactly(part.c),
            "Half the thickness c: z is dropped.",
            "E keeps x and y, D puts z = 0; on K z^2 <= c^2.",
            Citation(HERE, "", "f^2 + z^2 = c^2 on K"),
        )
    elif isinstance(part, Moebius) and m == 2:
        yield Bound(
            "collapse to the core",
            Interval.exactly(part.h),
            "Half the width of the band: every point is replaced by that of its rung on the core circle.",
            collapse,
            Citation(HERE, "", "the rungs are segments of half length h"),
        )
    elif isinstance(part, ProjectivePlane) and m in (2, 3):
        yield Bound(
            "truncation",
            Interval.exactly(0.5),
            "The last two coordinates are kept; the others have norm |sin t| / 2.",
            "E is the projection to a plane and D the inclusion of it.",
            Citation(HERE, "", "the first two coordinates have norm at most 1/2"),
        )
    elif isinstance(part, Veronese) and m == 3:
        yield Bound(
            "cross-cap",
            closed_form(lambda ops: 1 / ops.sqrt(ops.real(2.0))),
            "Half the largest distance of two points in one fibre of (x z, y z, x^2 - y^2 + 2 z^2).",
            "Its fibres are points, and pairs of points of the circle z = 0; decode with the middles of fibres.",
            Citation(HERE, "", "the cross-cap has double points on the circle z = 0 only"),
        )
    elif isinstance(part, Triod) and m == 1:
        yield Bound(
            "collapse of a leg",
            Interval.exactly(min(part.legs) / 2),
            "Half the shortest leg: it gets the code of the centre, and its middle as its decoded point.",
            "E follows the other two legs and is constant on the shortest; its fibres are points and that leg, whose "
            "circumradius is half its length.",
            Citation(HERE, "", "the best decoder errs by no more than the largest circumradius of a fibre"),
        )
    elif isinstance(part, FlatTorus) and m <= len(part.radii):
        radii = sorted(part.radii, reverse=True)
        yield Bound(
            "collapse of the smallest circles",
            hypotenuse([Interval.exactly(r) for r in radii[m - 1 :]]),
            f"The {m - 1} largest circles are kept, whose product embeds in R^{m}; the others are replaced by their "
            f"centres.",
            collapse,
            Citation(HERE, "", "the (m - 1)-torus embeds in R^m"),
        )
    elif isinstance(part, Product):
        yield from _above_product(part, m, best)
    elif isinstance(part, Transformed):
        for b in _above(part.base, m, best):
            yield _scaled(b, part.factor)


def _above_product(part: Product, m: int, best: Best) -> Iterator[Bound]:
    # least[j]: the smallest error found of the factors so far with j latent dimensions in all.
    nothing = Interval.exactly(0.0)
    least = [nothing] * (m + 1)
    for f in part.factors:
        errors = [f.truth.circumradius, *(best(f, i) if i < f.ambient_dim else nothing for i in range(1, m + 1))]
        least = [
            min((hypotenuse([least[j - i], errors[i]]) for i in range(j + 1)), key=lambda x: x.upper)
            for j in range(m + 1)
        ]
    yield Bound(
        "factors",
        least[m],
        "Root of the sum of the squares of the factors' errors, for the best way to share the latent dimensions.",
        "E and D act on each factor alone, with codes side by side; a factor without code is replaced by its centre.",
        Citation(HERE, "", "w_{i+j}(A x B)^2 <= w_i(A)^2 + w_j(B)^2, with w_0 the circumradius"),
    )
    for size in range(2, len(part.factors)):
        for kept in itertools.combinations(part.factors, size):
            embedding = Product(kept).truth.embedding_dim
            if embedding is not None and embedding <= m:
                others = [f.truth.circumradius for f in part.factors if not any(f is k for k in kept)]
                yield Bound(
                    "collapse of factors",
                    hypotenuse(others),
                    f"{len(kept)} factors are kept, whose product embeds in R^{embedding}; the others become centres.",
                    "E is the embedding after the collapse, D its inverse and the centres.",
                    Citation(HERE, "", "a product of factors that embeds in R^m is encoded without loss"),
                )


def _scaled(b: Bound, factor: float) -> Bound:
    if factor == 1:
        return replace(b, method=f"Isometric copy. {b.method}")
    return replace(b, value=times(b.value, factor), method=f"{factor:g} times that of the base. {b.method}")
