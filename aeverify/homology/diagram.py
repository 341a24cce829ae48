"""Diagram: the persistence diagram of a finite point cloud, and the distance of two."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.errors import UsageError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Diagram:
    """The persistence diagram of a finite point cloud over Z/field, in radius units.

    Attributes:
        degrees: for each degree j from 0, the intervals [birth, death), shape (k, 2), longest first; death is inf for
            a class that never dies. Intervals of length zero are left out.
        field: prime p of the coefficient field Z/p.
        engine: "alpha", "rips" or "path" (points on a line).
        points: number of distinct points.
        duplicates: how many points were removed because they repeat another.
        simplices: size of the complex; of a Rips complex that is never listed, the number of its edges (after the
            collapse, where there was one).
        max_radius: radius at which the filtration was cut; inf where it was not. A class alive at the cut has death
            inf, see `alive_until`.
        reason: why this engine, in words.
        rounding: where all coordinates are float32 numbers, how far the cloud may be from the one that was rounded to
            it, sqrt(n) / 2 units in the last place of the largest coordinate; else the same in float64. Alpha bars are
            those of the unrounded cloud within this much (the bottleneck distance is at most the Hausdorff distance),
            so a bar that is shorter than twice this may come from rounding alone.
        float32: whether all coordinates are float32 numbers, as codes of a float32 model are: ties and duplicates
            among them are to be expected.
    """

    degrees: tuple[FloatArray, ...]
    field: int
    engine: str
    points: int
    duplicates: int
    simplices: int
    max_radius: float = math.inf
    reason: str = ""
    rounding: float = 0.0
    float32: bool = False

    @property
    def field_name(self) -> str:
        """ "Z/p"."""
        return f"Z/{self.field}"

    def intervals(self, degree: int) -> FloatArray:
        """All intervals of a degree, shape (k, 2); empty beyond the degrees that were computed."""
        return self.degrees[degree] if 0 <= degree < len(self.degrees) else np.empty((0, 2))

    def alive_until(self, degree: int) -> FloatArray:
        """All intervals of a degree with the sound reading of a cut: a class alive at `max_radius` is known to live
        until there, so that is its death here."""
        return np.minimum(self.intervals(degree), self.max_radius)

    def bars(self, degree: int) -> list[tuple[float, float]]:
        """The intervals of a degree that end."""
        return [(float(b), float(d)) for b, d in self.intervals(degree) if math.isfinite(d)]

    def essential(self, degree: int) -> int:
        """How many classes of a degree never die (or are alive where the filtration was cut)."""
        return int(np.isinf(self.intervals(degree)[:, 1]).sum())

    def betti(self, degree: int, radius: float) -> int:
        """Number of classes alive at the radius: rank of H_degree of the complex there."""
        return self.persistent_betti(degree, radius, radius)

    def persistent_betti(self, degree: int, start: float, end: float) -> int:
        """Number of classes that are born at `start` or before and alive at `end`: the rank of H_degree of the complex
        at `start` in that at `end`."""
        intervals = self.intervals(degree)
        return int(((intervals[:, 0] <= start) & (end < intervals[:, 1])).sum())

    def longer_than(self, degree: int, length: float) -> int:
        """Number of intervals with death - birth > length."""
        intervals = self.intervals(degree)
        return int((intervals[:, 1] - intervals[:, 0] > length).sum())

    @property
    def largest_gap(self) -> float:
        """Half the largest gap that has to be bridged to connect the cloud: the last finite death in degree 0."""
        finite = self.intervals(0)[:, 1]
        finite = finite[np.isfinite(finite)]
        return float(finite.max(initial=0.0))

    def to_dict(self, most: int = 200) -> dict[str, Any]:
        """JSON values: the `most` longest bars of each degree in 6 digits (an infinite death is null), and the rest."""
        bars = [
            [[float(f"{b:.6g}"), float(f"{d:.6g}") if math.isfinite(d) else None] for b, d in rows[:most].tolist()]
            for rows in self.degrees
        ]
        return {
            "field": self.field_name,
            "engine": self.engine,
            "reason": self.reason,
            "points": self.points,
            "duplicates": self.duplicates,
            "float32": self.float32,
            "rounding": float(f"{self.rounding:.3g}"),
            "simplices": self.simplices,
            "units": "radius",
            "max_radius": self.max_radius if math.isfinite(self.max_radius) else None,
            "counts": [len(rows) for rows in self.degrees],
            "bars": bars,
        }


def bottleneck(first: Diagram, second: Diagram, degree: int) -> float:
    """Exact bottleneck distance of two diagrams in one degree, in radius units, by hera; inf where they have different
    numbers of infinite bars.

    Raises:
        UsageError: the diagrams are over different fields.
    """
    if first.field != second.field:
        raise UsageError(
            f"Diagrams over {first.field_name} and {second.field_name} cannot be compared: compute both over one field."
        )
    from gudhi.hera import bottleneck_distance

    # delta = 0 asks for the exact distance; points on the diagonal, which hera does not take, were left out already
    return float(bottleneck_distance(first.intervals(degree), second.intervals(degree), 0.0))


def longest_first(rows: FloatArray) -> FloatArray:
    """Intervals without those of length zero, in the order of a Diagram."""
    rows = rows[rows[:, 1] > rows[:, 0]]
    with np.errstate(invalid="ignore"):
        return rows[np.lexsort((rows[:, 0], rows[:, 0] - rows[:, 1]))]
