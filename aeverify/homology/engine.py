"""Engine: which complex, how large it may be, and the persistence of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from aeverify.errors import MeasurementError, UsageError
from aeverify.homology.alpha import alpha_bytes, alpha_tree, delaunay_simplices, tree_degrees, worst_simplices
from aeverify.homology.cloud import Cloud, cloud, is_integer
from aeverify.homology.diagram import Diagram, longest_first
from aeverify.homology.rips import Near, near_pairs, rips_degrees
from aeverify.homology.selftest import self_test

FloatArray = NDArray[np.float64]
Engine = Literal["auto", "alpha", "rips"]

ALPHA_DIMENSIONS = 4
"""Up to here alpha complexes are chosen."""
ALPHA_AT_MOST = 5
"""Up to here they are built where asked for by name: some hundred points in R^5 take many seconds."""
"""Largest dimension of the space for alpha complexes: beyond it a Delaunay triangulation is too large."""

ALPHA_LIMITS: Mapping[int, int] = {2: 200_000, 3: 4_000, 4: 1_000}
"""Sizes up to which an alpha complex is a matter of seconds even of a cloud whose Delaunay triangulation is quadratic
(4,000 points of a knot: 8 million simplices), by dimension of the space. Larger clouds are taken where the estimate of
their memory allows it."""

MEMORY = 4 * 2**30
"""Bytes that a complex may take unless told otherwise."""

# Pairs in reach a point below which Rips complexes of a cut filtration are faster than alpha complexes, by dimension of
# the space (benchmarks/homology.py, docs/homology.md). In the plane they never are.
_SPARSE = {3: 50.0, 4: 150.0}

_LARGEST_PRIME = 46_337


def persistence(
    points: FloatArray,
    *,
    max_degree: int = 1,
    field: int = 2,
    engine: Engine = "auto",
    max_radius: float = math.inf,
    memory: float = MEMORY,
) -> Diagram:
    """Persistence diagram of a point cloud in degrees 0 to `max_degree`, in radius units.

    Args:
        points: shape (N, n), finite.
        max_degree: highest degree of homology.
        field: prime p; homology over Z/p.
        engine: "alpha" (exact nerve of the union of balls, ambient dimension at most 5), "rips" (flag complex of the
            distance graph, any dimension), or "auto": alpha up to dimension 4, else rips; and rips in R^3 and R^4 where
            the filtration is cut at a max_radius within which points have few neighbours. The two are different
            filtrations with different bars: name the engine where it matters. Points on a line take neither.
        max_radius: radius at which to cut the filtration; classes alive there keep an infinite death.
        memory: bytes that may be used; a cloud that is estimated to need more is refused.

    Returns:
        The Diagram; it names field, engine, the reason for it, and sizes.

    Raises:
        UsageError: not a cloud of at least one point, a degree below 0, a field that is not prime (or above 46,337), an
            unknown engine.
        MeasurementError: NaN or infinity among the coordinates, or a cloud too large for the engine; the message says
            to how many points to subsample.

    Cost: alpha n log n in the plane and up to n^2 in R^3; rips about 1 to 3 microseconds a pair within the cut, and up
    to n^(max_degree + 2) without a cut. The first call in a process adds 0.1 s for the self-test; a field Z/p takes a
    table of p^2 steps (2 s for p near 46,000).

    Example:
        A regular n-gon of radius 1 has one H_1 bar, [sin(pi/n), 1) for alpha.
    """
    return persistence_over(
        points, (field,), max_degree=max_degree, engine=engine, max_radius=max_radius, memory=memory
    )[0]


def persistence_over(
    points: FloatArray,
    fields: Sequence[int],
    *,
    max_degree: int = 1,
    engine: Engine = "auto",
    max_radius: float = math.inf,
    memory: float = MEMORY,
) -> tuple[Diagram, ...]:
    """Persistence diagrams of one complex over several fields Z/p, in their order; otherwise as `persistence`."""
    given = cloud(points)
    require_parameters(fields, max_degree, engine, max_radius, memory)
    x, cut = given.points, math.ldexp(max_radius, -given.exponent)
    name, reason, near = chosen(x, engine, cut)
    if name == "path":
        path = _path(x[:, 0], cut)
        over, simplices = [path for _ in fields], 2 * len(x) - 1
    elif name == "alpha":
        require_alpha(x, memory)
        self_test()
        tree = alpha_tree(x, cut)
        over, simplices = [tree_degrees(tree, max_degree, field) for field in fields], int(tree.num_simplices())
    else:
        self_test()
        over, simplices = rips_degrees(x, max_degree, tuple(fields), cut, memory, near)
    return tuple(
        _diagram(given, degrees, max_degree, field, name, reason, simplices, max_radius)
        for field, degrees in zip(fields, over, strict=True)
    )


def require_parameters(fields: Sequence[int], max_degree: int, engine: str, max_radius: float, memory: float) -> None:
    """Refuses what `persistence` cannot take.

    Raises:
        UsageError: a parameter is out of range.
    """
    for field in fields:
        _require_field(field)
    if not is_integer(max_degree) or max_degree < 0:
        raise UsageError(f"max_degree must be an integer of at least 0, got {max_degree!r}.")
    if engine not in ("auto", "alpha", "rips"):
        raise UsageError(f'The engine must be "auto", "alpha" or "rips", got {engine!r}.')
    if math.isnan(max_radius) or max_radius < 0:
        raise UsageError(f"max_radius must be a number of at least 0, got {max_radius!r}.")
    if not memory > 0:
        raise UsageError(f"memory must be a positive number of bytes, got {memory!r}.")


def exact_radii(points: FloatArray, memory: float = MEMORY) -> FloatArray:
    """Radii at which the alpha complex of a cloud is known exactly, in spite of the rounding of its values.

    The complex at a radius r holds the simplices whose value is at most r. A value v that was computed is off by less
    than 1e-5 v; so where two neighbouring values leave a gap of more than 3e-5 r, the complex at the middle r of the
    gap is known for sure, and so are its Betti numbers. (Bars that are shorter than the rounding may be missing from a
    diagram, so that it shows no Betti number for certain at other radii.)

    Returns:
        The middles, increasing, shape (k,).

    Raises:
        UsageError, MeasurementError: as `persistence` with engine="alpha".
    """
    given = cloud(points)
    require_alpha(given.points, memory)
    tree = alpha_tree(given.points, math.inf)
    values = np.unique(np.fromiter((value for _, value in tree.get_filtration()), np.float64, tree.num_simplices()))
    middles, gaps = (values[1:] + values[:-1]) / 2, np.diff(values)
    return np.asarray(np.ldexp(middles[gaps > 3e-5 * middles], given.exponent))


def chosen(x: FloatArray, engine: Engine, max_radius: float) -> tuple[str, str, Near | None]:
    """The engine for distinct points, why, and the pairs in reach where they were counted for that."""
    n, dimension = x.shape
    if n == 1 or (dimension == 1 and engine != "rips"):
        return "path", "points on a line need no complex" if n > 1 else "one point needs no complex", None
    if engine != "auto":
        return engine, "as asked", None
    if dimension > ALPHA_DIMENSIONS:
        return "rips", f"alpha complexes are too large in dimensions above {ALPHA_DIMENSIONS}", None
    near = near_pairs(x, max_radius) if dimension > 2 and math.isfinite(max_radius) else None
    if near is not None and near.count <= _SPARSE[dimension] * n:
        within = f"{near.count / n:.3g} pairs a point within the cut, at most {_SPARSE[dimension]:g}"
        return "rips", f"{within}: faster than alpha", near
    return "alpha", f"exact, and fast in dimensions up to {ALPHA_DIMENSIONS}", near


def require_alpha(x: FloatArray, memory: float) -> None:
    """Refuses a cloud whose alpha complex is estimated to need more than `memory` bytes, or of too high a dimension.

    Raises:
        UsageError, MeasurementError: so.
    """
    n, dimension = x.shape
    if dimension > ALPHA_AT_MOST:
        raise UsageError(
            f"Alpha complexes are computed up to dimension {ALPHA_AT_MOST}, the points lie in R^{dimension}: "
            'choose engine="rips".'
        )
    if alpha_bytes(worst_simplices(n, dimension), dimension) <= memory:
        return
    simplices = delaunay_simplices(x)
    needed = alpha_bytes(simplices, dimension)
    if needed > memory:
        fits = max(2, int(0.8 * n * memory / needed))
        raise MeasurementError(
            f"An alpha complex of these {n} points in R^{dimension} may need {simplices:.2g} simplices, about "
            f"{needed / 2**30:.2g} GiB, more than the {memory / 2**30:.2g} GiB allowed: subsample to at most {fits} "
            "points (aeverify.homology.farthest_points), or allow more memory."
        )


def _diagram(
    given: Cloud,
    degrees: list[FloatArray],
    max_degree: int,
    field: int,
    name: str,
    reason: str,
    simplices: int,
    max_radius: float,
) -> Diagram:
    scaled = [longest_first(np.ldexp(rows, given.exponent)) for rows in degrees[: max_degree + 1]]
    empty = [np.empty((0, 2)) for _ in range(max_degree + 1 - len(scaled))]
    return Diagram(
        (*scaled, *empty),
        int(field),
        name,
        len(given.points),
        given.duplicates,
        simplices,
        max_radius,
        reason,
        given.rounding,
        given.float32,
    )


def _require_field(field: int) -> None:
    prime = (
        is_integer(field) and 2 <= field <= _LARGEST_PRIME and all(field % k for k in range(2, math.isqrt(field) + 1))
    )
    if not prime:
        raise UsageError(
            f"The coefficient field is Z/p for a prime p from 2 to {_LARGEST_PRIME}, got {field!r}: choose 2, 3 or "
            "11, say."
        )


def _path(values: FloatArray, max_radius: float) -> list[FloatArray]:
    """Degree 0 of points on a line: neighbours at distance g merge at radius g/2; degrees above are empty."""
    gaps = np.diff(np.sort(values)) / 2
    gaps = gaps[gaps <= max_radius]
    infinite = len(values) - len(gaps)
    deaths = np.concatenate([gaps, np.full(infinite, math.inf)])
    return [np.column_stack([np.zeros(len(deaths)), deaths])]
