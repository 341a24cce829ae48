"""Catalog: every method that bounds a width, and the best enclosure that they give together.

Closed forms come first: they cost nothing. What is left of the gap between them is then closed by searches, in order of
their cost, each of which ends with a certificate: fold maps and projections from above, swap paths, convexity, drawn
graphs, lines and loops and inner points from below. A search that cannot improve anything (the ends have met, or the
component is not the one that decides) is left out, unless every method is asked for.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from aeverify.core.dimensions import require_latent_dim
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.spec import Spec
from aeverify.errors import InvariantError, MeasurementError, UsageError
from aeverify.manifolds import Manifold, manifold
from aeverify.manifolds.transforms import Transformed
from aeverify.widths.collision import antipode_bound, swap_path_bound, triod_bound
from aeverify.widths.convex import minimal_width_bound
from aeverify.widths.cut import cut_bound
from aeverify.widths.fold import fold_bound
from aeverify.widths.inradius import inradius_bound
from aeverify.widths.kuratowski import graph_bound
from aeverify.widths.linking import linked_components_bound, linking_bound
from aeverify.widths.method import QUANTITY, lower_bound
from aeverify.widths.models import upper_from_model
from aeverify.widths.nonorientable import nonorientable_bound, nonorientable_sample_bound
from aeverify.widths.persistence import persistence_bound
from aeverify.widths.placing import copied, of_subset, placed
from aeverify.widths.projection import truncation_bound
from aeverify.widths.reach import reach_bounds
from aeverify.widths.spectra import family_lower
from aeverify.widths.upper import component_bounds, union_bounds

_MET = 1 - 1e-9
_CLOSE = 1 - 1e-3
# Squares and cubes of lengths must neither overflow nor vanish in float64.
_SIZES = (1e-60, 1e60)
_MOST_AMBIENT_DIM = 512


def lower_bounds(
    K: str | Spec | Manifold,
    latent_dim: int,
    *,
    every: bool = False,
    subsets: Iterable[str | Spec | Manifold] = (),
) -> tuple[Evidence, ...]:
    """Lower bounds of the width w_m(K), m = latent_dim, one Evidence a method that applies, best first.

    Every continuous autoencoder with latent dimension m has sup error at least each of these. There is always one: 0.
    Each is Evidence on "width" with interval [value, inf), EXACT (closed form) or CERTIFIED (rounded down), with
    `details`: name, side, value, proof, component (of a union, the one that carries the bound, else None).

    Args:
        K: a manifold or its specification.
        latent_dim: m.
        every: run every method that applies, also those that cannot improve the best bound.
        subsets: compact subsets of K, whose best bounds are bounds of K; that they are subsets is the caller's word,
            and told as an assumption.

    Raises:
        UsageError: K is no manifold, or not 1 <= latent_dim <= the ambient dimension, or a subset lies in another
            space.

    Cost: closed forms where they meet; else up to a few seconds of searches a component. Results are remembered.
    """
    k = manifold(K)
    m = require_latent_dim(latent_dim, k.ambient_dim)
    found = _lower_bounds(k, m, bool(every))
    listed = [manifold(s) for s in subsets]
    for s in listed:
        if s.ambient_dim != k.ambient_dim:
            raise UsageError(f"{s} lies in R^{s.ambient_dim}, so it is no subset of {k}, in R^{k.ambient_dim}.")
    return _sorted_below((*found, *(of_subset(_lower_bounds(s, m, bool(every))[0], s) for s in listed)))


@functools.lru_cache(maxsize=512)
def _lower_bounds(k: Manifold, m: int, every: bool) -> tuple[Evidence, ...]:
    found = list(_closed_lower_bounds(k, m))
    parts = k.connected_components
    several = len(parts) > 1
    for i, part in enumerate(parts):
        floor = max(e.lower for e in found)
        ceiling = math.inf if every else _component_upper_bounds(part, m, False)[0].upper
        if floor < ceiling * _MET:
            searched = _searched_lower_bounds(part, m, every)
            found.extend(placed(e, k, i) for e in searched) if several else found.extend(searched)
    if several and m == 1:
        ceiling = math.inf if every else _upper_bounds(k, m, False)[0].upper
        if max(e.lower for e in found) < ceiling * _CLOSE:
            linked = linked_components_bound(k)
            if linked is not None:
                found.append(linked)
    return _sorted_below(found)


def closed_lower_bound(K: str | Spec | Manifold, latent_dim: int) -> Evidence:
    """The best lower bound of the width w_m(K) by closed forms and known facts alone, without the searches that
    `best_lower` adds: at once, and sometimes smaller. Otherwise as one of `lower_bounds`. The witness is that of a
    bound as good, where the best one has no points to show.

    Raises:
        UsageError: K is no manifold, or not 1 <= latent_dim <= the ambient dimension.
    """
    k = manifold(K)
    found = _closed_lower_bounds(k, require_latent_dim(latent_dim, k.ambient_dim))
    witness = next((e.witness for e in found if e.lower == found[0].lower and e.witness is not None), None)
    return replace(found[0], witness=witness)


def _sorted_below(found: Iterable[Evidence]) -> tuple[Evidence, ...]:
    return tuple(sorted(found, key=lambda e: (-e.lower, -e.rigor.rank)))


@functools.lru_cache(maxsize=512)
def _closed_lower_bounds(k: Manifold, m: int) -> tuple[Evidence, ...]:
    """Lower bounds by closed forms and facts of the truth, best first."""
    found = list(reach_bounds(k, m))
    for method in (antipode_bound, nonorientable_bound):
        evidence = method(k, m)
        if evidence is not None:
            found.append(evidence)
    several = len(k.connected_components) > 1
    for i, part in enumerate(k.connected_components):
        for evidence in family_lower(part, m, _best_below):
            found.append(placed(evidence, k, i) if several else evidence)
    found.append(
        lower_bound(
            "non-negativity",
            0.0,
            Rigor.EXACT,
            "A width is never negative.",
            "It is an infimum of lengths.",
            Citation("derived in aeverify.widths.catalog", "", "w_m(K) >= 0"),
        )
    )
    return _sorted_below(found)


def _best_below(k: Manifold, m: int) -> Interval:
    best = _lower_bounds(k, m, False)[0]
    exact = best.rigor is Rigor.EXACT
    return Interval(best.lower, best.lower if exact else math.nextafter(best.lower, math.inf))


@functools.lru_cache(maxsize=512)
def _searched_lower_bounds(part: Manifold, m: int, every: bool) -> tuple[Evidence, ...]:
    """Lower bounds of one connected set by searches that end in certificates."""
    if isinstance(part, Transformed):
        if m > part.base.ambient_dim:
            return ()
        return tuple(copied(e, part) for e in _searched_lower_bounds(part.base, m, every))
    if not _is_searchable(part):
        return ()
    found: list[Evidence] = []
    floor = _closed_lower_bounds(part, m)[0].lower
    ceiling = math.inf if every else _component_upper_bounds(part, m, False)[0].upper
    for share, search in _lower_searches(m):
        if max([floor, *(e.lower for e in found)]) >= ceiling * share:
            break
        try:
            evidence = search(part)
        except MeasurementError:
            # A formula that balls cannot follow to the edge of its box: this search says nothing.
            continue
        if evidence is not None:
            found.append(evidence)
    return tuple(found)


def _lower_searches(m: int) -> Iterator[tuple[float, Callable[[Manifold], Evidence | None]]]:
    """Searches from the cheapest on, each with the share of the upper bound from which on it is not worth while."""
    yield _MET, lambda part: minimal_width_bound(part, m)
    if m == 1:
        yield _MET, triod_bound
        yield _MET, swap_path_bound
        yield _CLOSE, linking_bound
    if m == 2:
        yield _MET, graph_bound
    if m <= 2:
        yield _CLOSE, inradius_bound
    yield _CLOSE, lambda part: persistence_bound(part, m)
    if m == 3:
        yield _CLOSE, lambda part: nonorientable_sample_bound(part, m)


def _is_searchable(part: Manifold) -> bool:
    size = part.truth.circumradius
    return part.ambient_dim <= _MOST_AMBIENT_DIM and _SIZES[0] <= size.lower and size.upper <= _SIZES[1]


def upper_bounds(K: str | Spec | Manifold, latent_dim: int, *, every: bool = False) -> tuple[Evidence, ...]:
    """Upper bounds of the width w_m(K), m = latent_dim, one Evidence a method that applies, best first.

    Some continuous autoencoder with latent dimension m has sup error at most each of these (or as close to it as one
    likes). Interval [0, value]; otherwise as `lower_bounds`.

    Raises:
        UsageError: K is no manifold, or not 1 <= latent_dim <= the ambient dimension.
    """
    k = manifold(K)
    return _upper_bounds(k, require_latent_dim(latent_dim, k.ambient_dim), bool(every))


@functools.lru_cache(maxsize=512)
def _upper_bounds(k: Manifold, m: int, every: bool) -> tuple[Evidence, ...]:
    if len(k.connected_components) == 1:
        return _component_upper_bounds(k, m, every)
    return union_bounds(k, [_component_upper_bounds(part, m, every)[0] for part in k.connected_components])


@functools.lru_cache(maxsize=512)
def _component_upper_bounds(part: Manifold, m: int, every: bool) -> tuple[Evidence, ...]:
    """Upper bounds of one connected set, best first: searches where closed forms do not meet."""
    found = list(component_bounds(part, m, _best_above))
    least = min(e.upper for e in found)
    if every or _closed_lower_bounds(part, m)[0].lower < least * _MET:
        found.extend(_searched_upper_bounds(part, m))
    if every:
        found.extend(_cut(part))
    return tuple(sorted(found, key=lambda e: (e.upper, -e.rigor.rank)))


@functools.lru_cache(maxsize=512)
def _cut(part: Manifold) -> tuple[Evidence, ...]:
    """The cut map, which is never better than the centre: told of where every method is asked for."""
    if isinstance(part, Transformed):
        return tuple(copied(e, part) for e in _cut(part.base))
    found = cut_bound(part) if _is_searchable(part) else None
    return () if found is None else (found,)


@functools.lru_cache(maxsize=512)
def _searched_upper_bounds(part: Manifold, m: int) -> tuple[Evidence, ...]:
    if isinstance(part, Transformed):
        if m > part.base.ambient_dim:
            return ()
        return tuple(copied(e, part) for e in _searched_upper_bounds(part.base, m))
    if not _is_searchable(part):
        return ()
    found = [fold_bound(part) if m == 1 else None, truncation_bound(part, m)]
    return tuple(e for e in found if e is not None)


def _best_above(part: Manifold, m: int) -> Interval:
    best = _component_upper_bounds(part, m, False)[0]
    exact = best.rigor is Rigor.EXACT
    return Interval(best.upper if exact else math.nextafter(best.upper, 0.0), best.upper)


def best_lower(K: str | Spec | Manifold, latent_dim: int) -> Evidence:
    """The largest of `lower_bounds`: the number that no continuous autoencoder's sup error can go below."""
    return lower_bounds(K, latent_dim)[0]


def bounds(
    K: str | Spec | Manifold,
    latent_dim: int,
    *,
    models: Iterable[Evidence] = (),
    subsets: Iterable[str | Spec | Manifold] = (),
    every: bool = False,
) -> Evidence:
    """Two-sided enclosure of the width w_m(K), m = latent_dim: the best lower and the best upper bound.

    w_m(K) is the infimum of sup_{x in K} |D(E(x)) - x| over all continuous E: R^n -> R^m and D: R^m -> R^n, in the
    units of K.

    Args:
        K: a manifold or its specification.
        latent_dim: m.
        models: certified sup errors on K of autoencoders with m latent dimensions, as `upper_from_model` takes them.
        subsets: compact subsets of K, as `lower_bounds` takes them.
        every: run every method that applies, also those that cannot improve the best bounds.

    Returns:
        Evidence on "width": EXACT where both ends are closed forms (then equal ends are the width itself), else
        CERTIFIED. `details` has "lower" and "upper" (of the best bounds: method, value, proof, citation), "methods"
        (all of them, with side, rigor and component) and "reach" (what the reach alone gives, None where it gives
        nothing). The witness is that of the best lower bound,
        or of one as good, where there are points to show.

    Raises:
        UsageError: K is no manifold, or not 1 <= latent_dim <= the ambient dimension.
        UsageError: an Evidence among `models` is no certified sup error with a finite upper end.
        InvariantError: a lower bound exceeds an upper bound: a fact of K or of a model is false, or a bug of ours.

    Example:
        >>> bounds("two_circles", 1).interval
        Interval(lower=1.0, upper=1.0)
        >>> bounds("ellipse:a=3,b=2", 1).interval
        Interval(lower=2.0, upper=2.0)
    """
    k = manifold(K)
    below, above = lower_bounds(k, latent_dim, every=every, subsets=subsets), upper_bounds(k, latent_dim, every=every)
    above = tuple(sorted((*above, *(upper_from_model(e, str(k)) for e in models)), key=lambda e: e.upper))
    low, high = below[0], above[0]
    if low.lower > high.upper:
        raise InvariantError(
            f"The lower bound {low.lower:g} of the width of {k} ({low.details['name']}) exceeds the upper bound "
            f"{high.upper:g} ({high.details['name']}): a fact that one of them uses is false, or this is a bug of "
            "aeverify."
        )
    by_reach = [e.lower for e in below if e.details["name"] == "reach"]
    return Evidence(
        quantity=QUANTITY,
        interval=Interval(low.lower, high.upper),
        rigor=min(low.rigor, high.rigor, key=lambda r: r.rank),
        method=f"Lower end by {low.details['name']}: {low.method} Upper end by {high.details['name']}: {high.method}",
        witness=next((e.witness for e in below if e.lower == low.lower and e.witness is not None), None),
        citations=tuple(dict.fromkeys((*low.citations, *high.citations))),
        assumptions=tuple(dict.fromkeys((*low.assumptions, *high.assumptions))),
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
