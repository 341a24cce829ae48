"""One bound on the width by one method, as Evidence on "width" whose details carry the proof in short.

The width w_m(K) is the least sup_{x in K} |D(E(x)) - x| over all continuous E: R^n -> R^m and D: R^m -> R^n, taken as
an infimum: the manifold width of DeVore, Howard and Micchelli 1989 for a subset of Euclidean space. Three rules are
used throughout:

- *Subsets*: w_m(K') <= w_m(K) for compact K' in K, since every autoencoder of K is one of K'. A lower bound for a
  component is a lower bound for the union (an upper bound is not).
- *Disjoint unions*: w_m(K_1 u ... u K_N) = max_i w_m(K_i) for disjoint compact K_i and m >= 1. >= is the rule of
  subsets. <=: move the codes E_i(K_i), which are compact, into disjoint balls of R^m by similarities, let D be the
  moved D_i on the i-th ball, and extend E and D to all of R^n and R^m by Tietze's theorem. Linking plays no part.
- *Sides*: a lower bound is the Evidence interval [value, inf), an upper bound is [0, value].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval, encode_number
from aeverify.core.witness import Witness, WitnessPoint
from aeverify.manifolds import Manifold

QUANTITY = "width"


def lower_bound(
    name: str,
    value: float,
    rigor: Rigor,
    method: str,
    proof: str,
    citation: Citation,
    *,
    component: int | None = None,
    witness: Witness | None = None,
    **figures: Any,
) -> Evidence:
    """Evidence that w_m(K) >= value; a negative value says no more than 0 does."""
    value = max(0.0, value)
    return _evidence(
        "lower", name, Interval.at_least(value), value, rigor, method, proof, citation, component, witness, figures
    )


def upper_bound(
    name: str,
    value: float,
    rigor: Rigor,
    method: str,
    proof: str,
    citation: Citation,
    *,
    component: int | None = None,
    witness: Witness | None = None,
    **figures: Any,
) -> Evidence:
    """Evidence that w_m(K) <= value."""
    return _evidence(
        "upper", name, Interval(0.0, value), value, rigor, method, proof, citation, component, witness, figures
    )


def _evidence(
    side: str,
    name: str,
    interval: Interval,
    value: float,
    rigor: Rigor,
    method: str,
    proof: str,
    citation: Citation,
    component: int | None,
    witness: Witness | None,
    figures: dict[str, Any],
) -> Evidence:
    details = {"name": name, "side": side, "value": encode_number(value), "proof": proof, "component": component}
    return Evidence(QUANTITY, interval, rigor, method, None, witness, (citation,), (), {**details, **figures})


def pair_witness(K: Manifold, component: int, parameters: list[tuple[float, ...]], note: str) -> Witness:
    """Points of one component that show a fact about K; K is the set that the bound is about."""
    part = K.components[component]
    points = part.chart.embed(np.array(parameters, dtype=np.float64))
    rows = zip(parameters, points.tolist(), strict=True)
    return Witness(
        kind="width",
        manifold=str(K),
        model_hash="",
        points=tuple(WitnessPoint(component, p, tuple(x), (), (), 0.0) for p, x in rows),
        note=note,
    )
