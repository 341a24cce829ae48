"""Persistent homology of finite point clouds: one engine room, the only importer of gudhi.

All values are in radius units: a bar [b, d) says that the union of closed balls of radius r around the points has the
class for b <= r < d. So the alpha complex (whose own values are squared radii) and the Rips complex (edge lengths,
halved here) are read on one scale, and a circle of radius 1 dies at 1 for alpha. For Rips the bar is that of the flag
complex of the graph with edges of length at most 2r, which is not the union of balls: it may have classes that no
union of balls in that space has (six points of a regular hexagon have a Rips H_2).

What is easily lost, and how it is kept: the coefficient field is always named (Z/11 would be gudhi's default, which
cannot see non-orientable sets); homology in the top dimension of the complex is computed and not dropped; repeated
points are removed first and counted; points on a line are sorted and their path is read off, without any complex;
alpha complexes use exact predicates ("safe"), since the fast ones return wrong bars on noise-free circles. A cloud
too large for the engine is refused before it starts. The engine is tested on a circle before its first use in a
process.

Accuracy: gudhi's "safe" alpha values are promised to a relative 1e-5 of the squared radius, 5e-6 of the radius; the
combinatorics are exact. Values below 1e-12 of the cloud's extent are not trusted by anything here.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from aeverify.errors import InvariantError, MeasurementError, UsageError

FloatArray = NDArray[np.float64]
Engine = Literal["auto", "alpha", "rips"]

ALPHA_DIMENSIONS = 4
"""Largest dimension of the space for alpha complexes: beyond it a Delaunay triangulation is too large."""

ALPHA_LIMITS: Mapping[int, int] = {2: 200_000, 3: 4_000, 4: 1_000}
"""Most points by dimension of the space. Delaunay triangulations have O(n) simplices in the plane, but up to O(n^2) in
R^3 and R^4 and they do on two linked circles (1,000 points: 630,000 simplices, 2 s)."""

RIPS_SIMPLICES = 6_000_000
"""Most simplices of an expanded Rips complex, about 1 GB."""

RELATIVE_ACCURACY = 1e-5
"""Promised relative accuracy of alpha values in radius units, with room to spare."""

_LARGEST_PRIME = 46_337


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
        simplices: size of the complex.
        max_radius: radius at which the filtration was cut; inf where it was not. A class alive at the cut has death
            inf.
    """

    degrees: tuple[FloatArray, ...]
    field: int
    engine: str
    points: int
    duplicates: int
    simplices: int
    max_radius: float = math.inf

    @property
    def field_name(self) -> str:
        """ "Z/p"."""
        return f"Z/{self.field}"

    def intervals(self, degree: int) -> FloatArray:
        """All intervals of a degree, shape (k, 2); empty beyond the degrees that were computed."""
        return self.degrees[degree] if 0 <= degree < len(self.degrees) else np.empty((0, 2))

    def bars(self, degree: int) -> list[tuple[float, float]]:
        """The intervals of a degree that end."""
        return [(float(b), float(d)) for b, d in self.intervals(degree) if math.isfinite(d)]

    def essential(self, degree: int) -> int:
        """How many classes of a degree never die (or are alive where the filtration was cut)."""
        return int(np.isinf(self.intervals(degree)[:, 1]).sum())

    def betti(self, degree: int, radius: float) -> int:
        """Number of classes alive at the radius: rank of H_degree of the complex there."""
        intervals = self.intervals(degree)
        return int(((intervals[:, 0] <= radius) & (radius < intervals[:, 1])).sum())

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
            "points": self.points,
            "duplicates": self.duplicates,
            "simplices": self.simplices,
            "units": "radius",
            "counts": [len(rows) for rows in self.degrees],
            "bars": bars,
        }


def persistence(
    points: FloatArray,
    *,
    max_degree: int = 1,
    field: int = 2,
    engine: Engine = "auto",
    max_radius: float = math.inf,
) -> Diagram:
    """Persistence diagram of a point cloud in degrees 0 to `max_degree`, in radius units.

    Args:
        points: shape (N, n), finite.
        max_degree: highest degree of homology.
        field: prime p; homology over Z/p.
        engine: "alpha" (exact nerve of the union of balls, ambient dimension at most 4), "rips" (flag complex of the
            distance graph, any dimension), or "auto": alpha where it can, else rips. Points on a line take neither.
        max_radius: radius at which to cut the filtration; classes alive there keep an infinite death.

    Returns:
        The Diagram; it names field, engine and sizes.

    Raises:
        UsageError: not a cloud of at least one point, a degree below 0, a field that is not prime (or above 46,337), an
            unknown engine.
        MeasurementError: NaN or infinity among the coordinates, or a cloud too large for the engine; the message says
            to how many points to subsample.

    Cost: alpha n log n in the plane and up to n^2 in R^3; rips up to n^(max_degree + 2), after an edge collapse.

    Example:
        A regular n-gon of radius 1 has one H_1 bar, [sin(pi/n), 1) for alpha.
    """
    x = _cloud(points)
    _require_field(field)
    if not _is_integer(max_degree) or max_degree < 0:
        raise UsageError(f"max_degree must be an integer of at least 0, got {max_degree!r}.")
    if engine not in ("auto", "alpha", "rips"):
        raise UsageError(f'The engine must be "auto", "alpha" or "rips", got {engine!r}.')
    if math.isnan(max_radius) or max_radius < 0:
        raise UsageError(f"max_radius must be a number of at least 0, got {max_radius!r}.")
    distinct = np.unique(x, axis=0)
    duplicates = len(x) - len(distinct)
    if len(distinct) == 1 or (distinct.shape[1] == 1 and engine != "rips"):
        degrees, simplices, name = _path(distinct[:, 0], max_radius), 2 * len(distinct) - 1, "path"
    else:
        chosen = engine if engine != "auto" else ("alpha" if distinct.shape[1] <= ALPHA_DIMENSIONS else "rips")
        _require_size(distinct, chosen, max_degree)
        _self_test()
        compute = _alpha if chosen == "alpha" else _rips
        # scaled by a power of two, which is exact: squares of coordinates near 1e200 or 1e-200 would be lost silently
        exponent = math.frexp(float(np.abs(distinct).max()))[1]
        scaled = np.ldexp(distinct, -exponent)
        degrees, simplices = compute(scaled, max_degree, field, math.ldexp(max_radius, -exponent))
        degrees = [np.ldexp(rows, exponent) for rows in degrees]
        name = chosen
    empty = np.empty((0, 2))
    ordered = tuple(_longest_first(degrees[j]) if j < len(degrees) else empty for j in range(max_degree + 1))
    return Diagram(ordered, field, name, len(distinct), duplicates, simplices, max_radius)


def bottleneck(first: Diagram, second: Diagram, degree: int) -> float:
    """Exact bottleneck distance of two diagrams in one degree, in radius units; inf where they have different numbers
    of infinite bars.

    Raises:
        UsageError: the diagrams are over different fields.
    """
    if first.field != second.field:
        raise UsageError(
            f"Diagrams over {first.field_name} and {second.field_name} cannot be compared: compute both over one field."
        )
    import gudhi

    return float(gudhi.bottleneck_distance(first.intervals(degree), second.intervals(degree), 0.0))


def farthest_points(points: FloatArray, count: int) -> tuple[NDArray[np.int64], float]:
    """Indices of a farthest-point subsample, and how far any point of the cloud is from it (the covering radius within
    the cloud, up to rounding).

    Starts with the first point and keeps adding the point that is farthest from those chosen: deterministic, and
    within a factor 2 of the best covering radius for that count. Use it where `persistence` refuses a cloud as too
    large; the diagram then moves by at most the covering radius (alpha, bottleneck distance).

    Raises:
        UsageError: not a cloud of at least one point, or a count that is not positive.
        MeasurementError: NaN or infinity among the coordinates.

    Cost: count times N.
    """
    x = _cloud(points)
    if not _is_integer(count) or count < 1:
        raise UsageError(f"The size of a subsample must be a positive integer, got {count!r}.")
    chosen = [0]
    distance = np.linalg.norm(x - x[0], axis=1)
    while len(chosen) < min(count, len(x)):
        i = int(distance.argmax())
        if distance[i] == 0.0:
            break
        chosen.append(i)
        distance = np.minimum(distance, np.linalg.norm(x - x[i], axis=1))
    return np.array(chosen, dtype=np.int64), float(distance.max())


def _cloud(points: FloatArray) -> FloatArray:
    x = np.asarray(points, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] == 0 or x.shape[1] == 0:
        raise UsageError(f"A point cloud has shape (N, n) with N, n >= 1, got {x.shape}: give at least one point.")
    if not np.isfinite(x).all():
        bad = int((~np.isfinite(x).all(axis=1)).sum())
        raise MeasurementError(
            f"{bad} of {len(x)} points have NaN or infinite coordinates, so they have no homology: remove them or mend "
            "the model that returned them."
        )
    return x + 0.0  # -0.0 and 0.0 are one point


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _require_field(field: int) -> None:
    prime = (
        _is_integer(field) and 2 <= field <= _LARGEST_PRIME and all(field % k for k in range(2, math.isqrt(field) + 1))
    )
    if not prime:
        raise UsageError(
            f"The coefficient field is Z/p for a prime p from 2 to {_LARGEST_PRIME}, got {field!r}: choose 2, 3 or "
            "11, say."
        )


def _require_size(x: FloatArray, engine: str, max_degree: int) -> None:
    n, dimension = x.shape
    if engine == "alpha":
        if dimension > ALPHA_DIMENSIONS:
            raise UsageError(
                f"Alpha complexes are computed up to dimension {ALPHA_DIMENSIONS}, the points lie in R^{dimension}: "
                "choose "
                'engine="rips".'
            )
        limit = ALPHA_LIMITS[dimension]
        if n > limit:
            raise MeasurementError(
                f"An alpha complex of {n} points in R^{dimension} may need {_delaunay_simplices(n, dimension):.2g} "
                f"simplices, too many for memory: subsample to at most {limit} points "
                "(aeverify.homology.farthest_points)."
            )
        return
    worst = _flag_simplices(n, max_degree)
    if worst > RIPS_SIMPLICES:
        fits = n
        while _flag_simplices(fits, max_degree) > RIPS_SIMPLICES:
            fits = int(fits * 0.95)
        raise MeasurementError(
            f"A Rips complex of {n} points up to degree {max_degree} may need {worst:.2g} simplices, too many for "
            f"memory: subsample to at most {fits} points (aeverify.homology.farthest_points) or lower max_degree."
        )


def _delaunay_simplices(n: int, dimension: int) -> float:
    """Order of magnitude of the largest Delaunay triangulation."""
    return float(n ** math.ceil(dimension / 2) * 2**dimension)


def _flag_simplices(n: int, max_degree: int) -> int:
    """Simplices of dimension at most max_degree + 1 on n vertices."""
    return sum(math.comb(n, k + 1) for k in range(max_degree + 2))


def _path(values: FloatArray, max_radius: float) -> list[FloatArray]:
    """Degree 0 of points on a line: neighbours at distance g merge at radius g/2; degrees above are empty."""
    gaps = np.diff(np.sort(values)) / 2
    gaps = gaps[gaps <= max_radius]
    infinite = len(values) - len(gaps)
    deaths = np.concatenate([gaps, np.full(infinite, math.inf)])
    return [np.column_stack([np.zeros(len(deaths)), deaths])]


def _alpha(x: FloatArray, max_degree: int, field: int, max_radius: float) -> tuple[list[FloatArray], int]:
    import gudhi

    tree = _guarded(
        lambda: gudhi.AlphaComplex(points=x, precision="safe").create_simplex_tree(output_squared_values=False), len(x)
    )
    if tree.num_vertices() != len(x):
        raise MeasurementError(
            f"The Delaunay triangulation kept {tree.num_vertices()} of {len(x)} distinct points: some are too near "
            "each other for it. Round the cloud to fewer digits or subsample it "
            "(aeverify.homology.farthest_points)."
        )
    if math.isfinite(max_radius):
        tree.prune_above_filtration(max_radius)
    tree.compute_persistence(homology_coeff_field=field, persistence_dim_max=True)
    degrees = [_rows(tree, j) for j in range(max_degree + 1)]
    return degrees, int(tree.num_simplices())


def _rips(x: FloatArray, max_degree: int, field: int, max_radius: float) -> tuple[list[FloatArray], int]:
    """Edge collapse, then expansion one dimension beyond the degree. Without a cut the filtration ends at the radius
    from which all points are seen from one of them: there the complex is a cone, so nothing is lost."""
    import gudhi

    from_center = min(float(np.linalg.norm(x - p, axis=1).max()) for p in x)
    longest = float(min(2.0 * max_radius, math.nextafter(from_center, math.inf)))
    tree = _guarded(
        lambda: gudhi.RipsComplex(points=x, max_edge_length=longest).create_simplex_tree(max_dimension=1), len(x)
    )
    if max_degree >= 1:
        tree.collapse_edges()
        tree.expansion(max_degree + 1)
    # the collapsed complex may have no simplex above max_degree, and its top dimension must still count
    tree.compute_persistence(homology_coeff_field=field, persistence_dim_max=True)
    degrees = [_rows(tree, j) / 2 for j in range(max_degree + 1)]
    return degrees, int(tree.num_simplices())


def _guarded(build: Callable[[], Any], n: int) -> Any:
    try:
        return build()
    except (MemoryError, RuntimeError, ValueError) as error:
        raise MeasurementError(
            f"The homology engine failed on {n} points: {type(error).__name__}: {error}. Subsample the cloud or "
            "choose the other engine."
        ) from error


def _rows(tree: Any, degree: int) -> FloatArray:
    return np.asarray(tree.persistence_intervals_in_dimension(degree), dtype=np.float64).reshape(-1, 2)


def _longest_first(rows: FloatArray) -> FloatArray:
    rows = rows[rows[:, 1] > rows[:, 0]]
    with np.errstate(invalid="ignore"):
        return rows[np.lexsort((rows[:, 0], rows[:, 0] - rows[:, 1]))]


@functools.cache
def _self_test() -> None:
    """One look at a regular 12-gon over Z/2 and Z/3: alpha H_1 is [sin(pi/12), 1), Rips H_1 ends where a triangle of
    the flag complex first holds the centre, at edges over 4 steps: sin(pi/3)."""
    angle = 2 * math.pi * np.arange(12) / 12
    x = np.column_stack([np.cos(angle), np.sin(angle)])
    for field in (2, 3):
        for name, compute, death in (("alpha", _alpha, 1.0), ("rips", _rips, math.sin(math.pi / 3))):
            rows = _longest_first(compute(x, 1, field, math.inf)[0][1])
            expected = np.array([math.sin(math.pi / 12), death])
            if not len(rows) or not np.allclose(rows[0], expected, rtol=1e-4):
                raise InvariantError(
                    f"The {name} engine finds {rows[:1].tolist()} for the H_1 of a regular 12-gon over Z/{field}, "
                    f"expected {expected.tolist()}: this build of gudhi cannot be used."
                )
