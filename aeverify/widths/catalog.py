"""Catalog: every method that bounds a width, and the best enclosure that they give together."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from typing import Any

from aeverify.core.dimensions import require_latent_dim
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.spec import Spec
from aeverify.manifolds import Manifold, manifold
from aeverify.widths.collision import antipode_bound, swap_path_bound
from aeverify.widths.method import QUANTITY, lower_bound
from aeverify.widths.nonorientable import nonorientable_bound
from aeverify.widths.reach import reach_bounds
from aeverify.widths.spectra import family_lower
from aeverify.widths.upper import union_bounds


def lower_bounds(K: str | Spec | Manifold, latent_dim: int) -> tuple[Evidence, ...]:
    """Lower bounds of the width w_m(K), m = latent_dim, one Evidence a method that applies, best first.

    Every continuous autoencoder with latent dimension m has sup error at least each of these. There is always one: 0.
    Each is Evidence on "width" with interval [value, inf), EXACT (closed form) or CERTIFIED (rounded down), with
    `details`: name, side, value, proof, component (of a union, the one that carries the bound, else None).

    Raises:
        UsageError: K is no manifold, or not 1 <= latent_dim <= the ambient dimension.

    Cost: below a second a closed curve for m = 1 (swap paths); else closed forms. Results are remembered.
    """
    k = manifold(K)
    return _lower_bounds(k, require_latent_dim(latent_dim, k.ambient_dim))


@functools.lru_cache(maxsize=256)
def _lower_bounds(k: Manifold, m: int) -> tuple[Evidence, ...]:
    found = list(reach_bounds(k, m))
    antipodes = antipode_bound(k, m)
    if antipodes is not None:
        found.append(antipodes)
    twisted = nonorientable_bound(k, m)
    if twisted is not None:
        found.append(twisted)
    found.extend(_families_below(k, m))
    if m == 1:
        swap = swap_path_bound(k)
        if swap is not None:
            found.append(swap)
    trivial = lower_bound(
        "non-negativity",
        0.0,
        Rigor.EXACT,
        "A width is never negative.",
        "It is an infimum of lengths.",
        Citation("derived in aeverify.widths.catalog", "", "w_m(K) >= 0"),
    )
    return tuple(sorted((*found, trivial), key=lambda e: (-e.lower, -e.rigor.rank)))


def _families_below(k: Manifold, m: int) -> list[Evidence]:
    """Lower bounds from the families of the components."""
    found = []
    several = len(k.connected_components) > 1
    for i, part in enumerate(k.connected_components):
        for evidence in family_lower(part, m, _best_below):
            found.append(replace(evidence, details={**evidence.details, "component": i}) if several else evidence)
    return found


def _best_below(k: Manifold, m: int) -> Interval:
    best = _lower_bounds(k, m)[0]
    exact = best.rigor is Rigor.EXACT
    return Interval(best.lower, best.lower if exact else math.nextafter(best.lower, math.inf))


def upper_bounds(K: str | Spec | Manifold, latent_dim: int) -> tuple[Evidence, ...]:
    """Upper bounds of the width w_m(K), m = latent_dim, one Evidence a method that applies, best first.

    Some continuous autoencoder with latent dimension m has sup error at most each of these (or as close to it as one
    likes). Interval [0, value]; otherwise as `lower_bounds`.

    Raises:
        UsageError: K is no manifold, or not 1 <= latent_dim <= the ambient dimension.
    """
    k = manifold(K)
    return union_bounds(k, require_latent_dim(latent_dim, k.ambient_dim))


def best_lower(K: str | Spec | Manifold, latent_dim: int) -> Evidence:
    """The largest of `lower_bounds`: the number that no continuous autoencoder's sup error can go below."""
    return lower_bounds(K, latent_dim)[0]


def bounds(K: str | Spec | Manifold, latent_dim: int) -> Evidence:
    """Two-sided enclosure of the width w_m(K), m = latent_dim: the best lower and the best upper bound.

    w_m(K) is the infimum of sup_{x in K} |D(E(x)) - x| over all continuous E: R^n -> R^m and D: R^m -> R^n, in the
    units of K.

    Returns:
        Evidence on "width": EXACT where both ends are closed forms (then equal ends are the width itself), else
        CERTIFIED. `details` has "lower" and "upper" (of the best bounds: method, value, proof, citation), "methods"
        (all of them, with side, rigor and component) and "reach" (what the reach alone gives, None where it gives
        nothing). The witness is that of the best lower bound,
        or of one as good, where there are points to show.

    Raises:
        UsageError: K is no manifold, or not 1 <= latent_dim <= the ambient dimension.
        InvariantError: a lower bound exceeds an upper bound; a bug of ours.

    Example:
        >>> bounds("two_circles", 1).interval
        Interval(lower=1.0, upper=1.0)
        >>> bounds("ellipse:a=3,b=2", 1).interval
        Interval(lower=2.0, upper=2.0)
    """
    k = manifold(K)
    below, above = lower_bounds(k, latent_dim), upper_bounds(k, latent_dim)
    low, high = below[0], above[0]
    by_reach = [e.lower for e in below if e.details["name"] == "reach"]
    return Evidence(
        quantity=QUANTITY,
        interval=Interval(low.lower, high.upper),
        rigor=min(low.rigor, high.rigor, key=lambda r: r.rank),
        method=f"Lower end by {low.details['name']}: {low.method} Upper end by {high.details['name']}: {high.method}",
        witness=next((e.witness for e in below if e.lower == low.lower and e.witness is not None), None),
        citations=tuple(dict.fromkeys((*low.citations, *high.citations))),
        details={
            "manifold": str(k),
            "latent_dim": int(latent_dim),
            "lower": _summary(low),
            "upper": _summary(high),
            "methods": [_summary(e) for e in (*below, *above)],
            "reach": by_reach[0] if by_reach else None,
        },
    )


def _summary(evidence: Evidence) -> dict[str, Any]:
    details = evidence.details
    return {
        "method": details["name"],
        "side": details["side"],
        "value": details["value"],
        "rigor": str(evidence.rigor),
        "summary": evidence.method,
        "proof": details["proof"],
        "citation": evidence.citations[0].to_dict(),
        "component": details["component"],
        "witness": evidence.witness.to_dict() if evidence.witness is not None else None,
    }
