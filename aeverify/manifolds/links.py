"""Links: disjoint unions of components, among them the two linked circles of the paper."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.spec import Spec
from aeverify.errors import SpecError, UsageError
from aeverify.manifolds.base import Manifold, Truth, require_one_chart_each
from aeverify.manifolds.chart import Chart
from aeverify.manifolds.curves import FEDERER, FIELDS, Circle
from aeverify.manifolds.extent import circumradius_bounds, cover, diameter_bounds, gap_between, gap_bounds
from aeverify.manifolds.parts import ManifoldOfParts

_NODES = 256
_TOLERANCE = 0.01
_MOST_PARTS = 64


@dataclass(frozen=True)
class Extents:
    """What of a union does not follow from its parts one by one, with where it is proved.

    Attributes:
        gap: least distance of two different parts.
        circumradius: of the smallest ball that holds the union.
        diameter: largest distance of two of its points.
        gap_source, extent_source: citations of the gap, and of the circumradius and the diameter.
    """

    gap: Interval
    circumradius: Interval
    diameter: Interval
    gap_source: Citation
    extent_source: Citation


@final
class Union(ManifoldOfParts):
    """The disjoint union of connected manifolds of one ambient space.

    Facts of the union from those of its parts A_i, with d the least distance of two different parts:

    - components, volume (the sum of the measures of parts of each dimension) and Betti numbers add up; the dimension
      and the curvature are the largest; closed and orientable if all are;
    - reach = min(min_i reach A_i, d / 2) exactly: near a point p the union is the part that holds p, so tangent cones
      are the parts' own, and Federer's quotient |q - p|^2 / (2 d(q - p, Tan_p)) is the part's for pairs inside a part
      and at least |q - p| / 2 >= d / 2 for the others, while the middle of a closest pair of two parts has two nearest
      points at distance d / 2;
    - it is homeomorphic to a subset of R^m if every part is: shrink the parts into disjoint balls of R^m.

    d, the circumradius and the diameter are enclosed from covering grids.

    Args:
        parts: manifolds of the same ambient dimension; a union among them stands for its components.
        spec: another specification that rebuilds the union; `union:parts=[...]` where it is left out.
        extents: gap, circumradius and diameter, where these are known exactly; enclosed where left out.

    Raises:
        SpecError: fewer than two parts, more than 64, different ambient dimensions, a connected part with
            several charts, or parts that cannot be proved disjoint.
    """

    def __init__(self, parts: Sequence[Manifold], *, spec: Spec | None = None, extents: Extents | None = None) -> None:
        for part in parts:
            require_one_chart_each(part, "a part of a union")
        flat = tuple(component for part in parts for component in part.components)
        if not 2 <= len(flat) <= _MOST_PARTS:
            raise SpecError(f"A union takes from 2 to {_MOST_PARTS} connected parts, got {len(flat)}.")
        dims = sorted({part.ambient_dim for part in flat})
        if len(dims) > 1:
            raise SpecError(f"The parts of a union must lie in one space, got ambient dimensions {dims}.")
        super().__init__(spec or Spec("union", {"parts": tuple(str(part) for part in flat)}), flat)
        self._extents = extents if extents is not None else _found_extents(flat)

    @property
    def chart(self) -> Chart:
        """A union has no chart of its own.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"{self} is a union of {len(self._parts)} components: ask each of its components for a chart.")

    @property
    def extents(self) -> Extents:
        """Gap, circumradius and diameter."""
        return self._extents

    def _find_truth(self) -> Truth:
        truths = [part.truth for part in self._parts]
        dimension = max(t.dimension for t in truths)
        reach = Interval(self._extents.gap.lower / 2, self._extents.gap.upper / 2)
        for t in truths:
            reach = reach.minimum(t.reach)
        embedding = [t.embedding_dim for t in truths]
        curvature = truths[0].curvature
        for t in truths[1:]:
            both = curvature is not None and t.curvature is not None
            curvature = curvature.maximum(t.curvature) if both else None  # type: ignore[union-attr, arg-type]
        sums = Citation(
            "derived in aeverify.manifolds.links.Union", "", "the parts are disjoint, so it follows from the parts"
        )
        volume = truths[0].volume
        for t in truths[1:]:
            low, high = volume.lower + t.volume.lower, volume.upper + t.volume.upper
            volume = Interval(math.nextafter(low, -math.inf), math.nextafter(high, math.inf))
        return Truth(
            dimension=dimension,
            closed=all(t.closed for t in truths),
            components=len(truths),
            orientable=all(t.orientable for t in truths),
            volume=volume,
            reach=reach,
            betti={
                field: tuple(
                    sum(t.betti[field][j] if j < len(t.betti[field]) else 0 for t in truths)
                    for j in range(dimension + 1)
                )
                for field in FIELDS
                if all(field in t.betti for t in truths)
            },
            circumradius=self._extents.circumradius,
            diameter=self._extents.diameter,
            embedding_dim=None if None in embedding else max(e for e in embedding if e is not None),
            curvature=curvature,
            sources={
                **dict.fromkeys(("dimension", "closed", "components", "orientable", "volume", "betti"), sums),
                "reach": Citation(
                    FEDERER,
                    "Theorem 4.18; derived in aeverify.manifolds.links.Union",
                    "the reach of a disjoint union is the least of the parts' reaches and half their gap; "
                    f"the gap: {self._extents.gap_source.statement}",
                ),
                "curvature": Citation(
                    "derived in aeverify.manifolds.links.Union", "", "the largest of the parts' curvatures"
                ),
                "circumradius": self._extents.extent_source,
                "diameter": self._extents.extent_source,
                "embedding_dim": Citation(
                    "derived in aeverify.manifolds.links.Union",
                    "",
                    "parts in R^m can be shrunk into disjoint balls of R^m",
                ),
            },
        )


def two_circles() -> Union:
    """The two linked unit circles of Kvalheim and Sontag 2024, section 3 and appendix A.

    A = (cos 2 pi t, sin 2 pi t, 0) and B = (1 + sin 2 pi s, 0, cos 2 pi s): unit circles in the planes z = 0 and
    y = 0 about (0, 0, 0) and (1, 0, 0), each through the other's centre. All facts are exact but the volume 4 pi,
    which is enclosed:

    - gap 1: |a - b|^2 = 1 + 2 (1 + sin 2 pi s) (1 - cos 2 pi t) >= 1, with equality for a = (1, 0, 0), the centre of
      B; so the reach of the union is min(1, 1, 1/2) = 1/2, although each circle alone has reach 1;
    - circumradius 3/2: the ball about (1/2, 0, 0) of radius 3/2 holds A, since |a - c|^2 = 5/4 - cos 2 pi t <= 9/4,
      and B, since |b - c|^2 = 5/4 + sin 2 pi s <= 9/4; and (-1, 0, 0) in A and (2, 0, 0) in B have distance 3, which
      is therefore the diameter too;
    - no centre of symmetry: a point reflection maps a circle to one in a parallel plane, so it would have to map each
      circle to itself, hence fix both centres.
    """
    first = Circle(1.0, ambient_dim=3)
    second = Circle(1.0, center=(1.0, 0.0, 0.0), plane=(2, 0), ambient_dim=3)
    here = "derived in aeverify.manifolds.links.two_circles"
    extents = Extents(
        gap=Interval.exactly(1.0),
        circumradius=Interval.exactly(1.5),
        diameter=Interval.exactly(3.0),
        gap_source=Citation(here, "", "|a - b|^2 = 1 + 2 (1 + sin) (1 - cos) >= 1, with equality"),
        extent_source=Citation(
            here, "", "the ball about (1/2, 0, 0) of radius 3/2, and the pair (-1, 0, 0), (2, 0, 0)"
        ),
    )
    return Union((first, second), spec=Spec("two_circles"), extents=extents)


def _found_extents(parts: tuple[Manifold, ...]) -> Extents:
    """Enclosures from covering grids; pairs of parts that may be the closest are refined by branch and bound."""
    covers = [cover((part,), _NODES) for part in parts]
    pairs = list(itertools.combinations(range(len(parts)), 2))
    gaps = [gap_bounds(covers[i], covers[j]) for i, j in pairs]
    least = min(g.upper for g in gaps)
    for index, (i, j) in enumerate(pairs):
        if gaps[index].lower < least and gaps[index].width > _TOLERANCE * gaps[index].upper:
            gaps[index] = gaps[index].intersect(gap_between(parts[i], parts[j], _TOLERANCE))
            least = min(least, gaps[index].upper)
        if gaps[index].lower <= 0:
            raise SpecError(
                f"The parts of a union must be disjoint, and that cannot be proved of {parts[i]} and {parts[j]}, whose "
                f"distance is at most {gaps[index].upper:.3g}. Move them apart."
            )
    whole = cover(parts, _NODES)
    found = Citation("enclosed by aeverify.manifolds.extent", "", "a covering grid of each part")
    return Extents(
        gap=Interval(min(g.lower for g in gaps), least),
        circumradius=circumradius_bounds(whole),
        diameter=diameter_bounds(whole),
        gap_source=Citation("enclosed by aeverify.manifolds.extent", "", "branch and bound over boxes of the charts"),
        extent_source=found,
    )
