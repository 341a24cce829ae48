"""Upper bounds: autoencoders that can be written down, and so cannot be beaten by the theorem.

- *Centre*: E constant, D the centre of the smallest ball that holds K: error at most the circumradius. On a disjoint
  union one constant a component (the rule of disjoint unions): the largest circumradius of a component.
- *Families*: collapses, truncations and products, see `aeverify.widths.spectra`.
- *Embedding*: if h: K -> R^m is a homeomorphism onto its image, E = h and D = h^{-1}, extended by Tietze's theorem,
  have error 0. An arc embeds in R^1; a closed plane curve in R^2, and so do finitely many disjoint ones, linked or
  not: each is homeomorphic to the unit circle, and h puts copies of it into disjoint discs; h is continuous since
  the components are compact and disjoint. Every K embeds in R^n.
"""

from __future__ import annotations

from collections.abc import Sequence

from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.manifolds import Manifold
from aeverify.widths.method import upper_bound
from aeverify.widths.spectra import Best, family_upper

HERE = "derived in aeverify.widths.upper"
CENTER = Citation(HERE, "centre", "a constant autoencoder errs by at most the circumradius")
EMBEDDING = Citation(HERE, "embedding", "a set that is homeomorphic to a subset of R^m is encoded in R^m without loss")
UNION = Citation(
    "derived in aeverify.widths.method", "disjoint unions", "the width of a disjoint union is the largest of its parts'"
)


def component_bounds(part: Manifold, latent_dim: int, best: Best) -> tuple[Evidence, ...]:
    """Upper bounds of the width of one connected manifold by closed forms, one Evidence a method, best first.

    Args:
        part: the manifold.
        latent_dim: m.
        best: gives the best upper bound known of another manifold, for the factors of products.
    """
    truth = part.truth
    found = [
        upper_bound(
            "centre",
            truth.circumradius.upper,
            Rigor.EXACT if truth.circumradius.is_exact else Rigor.CERTIFIED,
            "Upper end of the circumradius: the autoencoder that always answers with the centre.",
            "E is constant and D its centre, so the error is at most the radius of the ball.",
            CENTER,
        )
    ]
    found.extend(family_upper(part, latent_dim, best))
    embedding = part.ambient_dim if truth.embedding_dim is None else min(truth.embedding_dim, part.ambient_dim)
    if latent_dim >= embedding:
        found.append(
            upper_bound(
                "embedding",
                0.0,
                Rigor.EXACT,
                f"K is homeomorphic to a subset of R^{embedding}, so a code of {latent_dim} numbers loses nothing.",
                "E is the homeomorphism and D its inverse, both extended continuously to the whole space (Tietze).",
                EMBEDDING,
            )
        )
    return tuple(sorted(found, key=lambda e: e.upper))


def union_bounds(K: Manifold, best: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Upper bounds of the width of a disjoint union, best first: the largest best bound of a component (named as that
    component's method), and the centre of the whole set. The charted pieces of a connected set meet, so that the rule
    of disjoint unions says nothing of them.

    Args:
        K: the union.
        best: the best upper bound of each of its connected components, in order.
    """
    index = max(range(len(best)), key=lambda i: best[i].upper)
    widest = best[index]
    union = upper_bound(
        f"{widest.details['name']} of each component",
        widest.upper,
        min((e.rigor for e in best), key=lambda r: r.rank),
        f"Largest over the {len(best)} components, each with its own autoencoder. {widest.method}",
        "Codes of different components go to disjoint balls of R^m, so D knows the component and does there what is "
        f"best for it; component {index} is the worst: {widest.details['proof']}",
        UNION,
        component=index,
        upper_of_each_component=[e.upper for e in best],
    )
    circumradius = K.truth.circumradius
    whole = upper_bound(
        "centre of the whole set",
        circumradius.upper,
        Rigor.EXACT if circumradius.is_exact else Rigor.CERTIFIED,
        "Upper end of the circumradius of the whole set: the autoencoder that always answers with its centre.",
        "E is constant and D its centre, so the error is at most the radius of the ball.",
        CENTER,
    )
    return tuple(sorted((union, whole), key=lambda e: e.upper))
