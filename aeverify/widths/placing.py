"""Placing: a bound of one set told as a bound of another, a similar copy of it or a union that it is a component of.

A similarity of factor c multiplies widths by c: conjugate E and D with it. An isometry onto a subset of a larger space
changes no width: project orthogonally before E. A bound of a component is a lower bound of the union (subsets).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval, encode_number
from aeverify.core.witness import Witness
from aeverify.manifolds import Manifold
from aeverify.manifolds.enclosed import times
from aeverify.manifolds.transforms import Transformed


def placed(evidence: Evidence, K: Manifold, component: int) -> Evidence:
    """A lower bound of one component as one of the union K, in which the component has one chart."""
    return replace(
        evidence,
        method=f"Of component {component}: {evidence.method}",
        witness=_moved(evidence.witness, K, component),
        details={**evidence.details, "component": component},
    )


def of_subset(evidence: Evidence, subset: Manifold) -> Evidence:
    """A lower bound of a set as one of any set that holds it."""
    return replace(
        evidence,
        method=f"Of the subset {subset}: {evidence.method}",
        assumptions=(*evidence.assumptions, f"{subset} is a subset"),
        details={**evidence.details, "component": None, "subset": str(subset)},
    )


def copied(evidence: Evidence, image: Transformed) -> Evidence:
    """A bound of the base of a transform as one of its image, rounded to its side."""
    lower = evidence.details["side"] == "lower"
    value = evidence.lower if lower else evidence.upper
    scaled = times(Interval.exactly(value), image.factor) if image.factor != 1 else Interval.exactly(value)
    told = scaled.lower if lower else scaled.upper
    exact = evidence.rigor is Rigor.EXACT and not scaled.is_exact
    words = "Of an isometric copy" if image.factor == 1 else f"{image.factor:g} times that of the base"
    return replace(
        evidence,
        interval=Interval.at_least(told) if lower else Interval(0.0, told),
        rigor=Rigor.CERTIFIED if exact else evidence.rigor,
        method=f"{words}: {evidence.method}",
        witness=_moved(evidence.witness, image, None),
        details={**_of_base(evidence), "value": encode_number(told)},
    )


def _of_base(evidence: Evidence) -> dict[str, Any]:
    """Details, with what has coordinates or lengths of the base set apart."""
    general = ("name", "side", "proof", "component")
    return {
        **{name: evidence.details[name] for name in general},
        "base": {name: v for name, v in evidence.details.items() if name not in general},
    }


def _moved(witness: Witness | None, K: Manifold, component: int | None) -> Witness | None:
    if witness is None:
        return None
    points = []
    for p in witness.points:
        index = p.component if component is None else component
        at = K.components[index].chart.embed(np.array([p.parameters]))[0]
        points.append(replace(p, component=index, point=tuple(at.tolist())))
    return replace(witness, manifold=str(K), points=tuple(points))
