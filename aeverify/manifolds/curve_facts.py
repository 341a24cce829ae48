"""Facts of curves that follow from their charts alone: length, reach, curvature and extent, enclosed with rounding."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.errors import InvariantError
from aeverify.manifolds.arclength import length_bounds, speed_bound
from aeverify.manifolds.base import Truth
from aeverify.manifolds.chart import Chart, Operations
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.curves import FIELDS, HATCHER
from aeverify.manifolds.extent import circumradius_bounds, cover, diameter_bounds
from aeverify.manifolds.reach import CertifiedReach, certified_reach

TOLERANCE = 1e-3
_NODES = 1024
_COORDINATES = 1 << 15


def curve_chart(
    formula: Callable[[Sequence[Any], Operations], list[Any]], *, closed: bool, rounding: float = 16.0
) -> Chart:
    """The chart of a curve over [0, 1], with a certified bound of its speed."""
    chart = Chart((0.0,), (1.0,), (closed,), formula, (math.inf,), rounding=rounding)
    return dataclasses.replace(chart, speed=(speed_bound(chart),))


@functools.lru_cache(maxsize=256)
def enclosed_reach(curve: ConnectedManifold, tolerance: float = TOLERANCE) -> CertifiedReach:
    """Reach and largest curvature of a curve, by `certified_reach`; remembered."""
    return certified_reach(curve.chart, closed=curve.chart.periodic[0], tolerance=tolerance)


@functools.lru_cache(maxsize=256)
def enclosed_extent(curve: ConnectedManifold) -> tuple[Interval, Interval]:
    """Circumradius and diameter of a curve, from a covering grid; remembered."""
    covered = cover((curve,), max(128, min(_NODES, _COORDINATES // curve.ambient_dim)))
    return circumradius_bounds(covered), diameter_bounds(covered)


@functools.lru_cache(maxsize=256)
def enclosed_length(curve: ConnectedManifold) -> Interval:
    """Length of a curve; remembered."""
    return length_bounds(curve.chart)


def curve_truth(curve: ConnectedManifold, here: str, embedded: str, **known: Any) -> Truth:
    """Truth of a simple closed curve or of an arc (as the chart's box is periodic or not).

    Length, reach, curvature, circumradius and diameter are enclosed from the chart, unless `known` gives them.

    Args:
        curve: the set; its chart must be injective (but for the two ends of a closed curve) and regular.
        here: the name of the family's class, for the sources.
        embedded: one sentence that says why the chart is injective; "" where the certified reach proves it.
        known: facts that are known better, by name, each as a pair of the value and its Citation.

    Raises:
        InvariantError: neither `embedded` nor the certified reach says that the curve is embedded; a bug of ours.
    """
    closed = curve.chart.periodic[0]
    values: dict[str, Any] = {}
    sources: dict[str, Citation] = {}
    if "reach" not in known or "curvature" not in known:
        found = enclosed_reach(curve)
        if not embedded and not found.is_embedded:
            raise InvariantError(f"{curve} was built without a proof that it is embedded.")
        values["reach"], values["curvature"] = found.interval, found.curvature
        sources["reach"] = found.citation
        sources["curvature"] = Citation(
            "derived in aeverify.manifolds.arclength", "", "Taylor expansion of the squared curvature on cells"
        )
    injective = Citation(here, "", embedded) if embedded else CITATION_OF_EMBEDDING
    kind = Citation(
        HATCHER,
        "Example 0.3 and section 2.2" if closed else "section 2.1",
        ("an injective closed curve is homeomorphic to S^1" if closed else "an injective arc is contractible")
        + f"; {injective.statement}",
    )
    if "volume" not in known:
        values["volume"] = enclosed_length(curve)
        sources["volume"] = Citation(
            "derived in aeverify.manifolds.arclength", "", "the integral of the speed, Taylor-expanded on cells"
        )
    if "circumradius" not in known or "diameter" not in known:
        values["circumradius"], values["diameter"] = enclosed_extent(curve)
        grid = Citation("enclosed by aeverify.manifolds.extent", "", "a grid of points covers the curve")
        sources["circumradius"] = sources["diameter"] = grid
    for name, (value, source) in known.items():
        values[name], sources[name] = value, source
    shape = "the unit circle of R^2" if closed else "an interval"
    return Truth(
        dimension=1,
        closed=closed,
        components=1,
        orientable=True,
        betti=dict.fromkeys(FIELDS, (1, 1) if closed else (1, 0)),
        embedding_dim=2 if closed else 1,
        sources={
            "dimension": Citation(here, "", "the chart is regular: its speed is nowhere 0"),
            "closed": kind,
            "components": kind,
            "orientable": kind,
            "betti": kind,
            "embedding_dim": Citation(here, "", f"the curve is homeomorphic to {shape}"),
            **sources,
        },
        **values,
    )


CITATION_OF_EMBEDDING = Citation(
    "derived in aeverify.manifolds.reach", "", "a positive certified lower end of the reach proves the chart injective"
)
