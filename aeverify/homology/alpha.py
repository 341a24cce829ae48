"""Alpha complexes: the nerve of the union of balls cut down to the Delaunay triangulation, so the exact homology of
that union at every radius; in low dimensions only, since a Delaunay triangulation of n points in R^d has up to
n^ceil(d/2) simplices of each kind.

How many simplices a cloud has cannot be said from n and d alone: noise in R^3 has 28 n, a surface about 60 n, points on
two linked circles or on a knot 0.5 n^2 to 0.8 n^2. So before a large cloud is triangulated, two random subsamples of
it are, and the growth from one to the other is extrapolated.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.errors import MeasurementError

FloatArray = NDArray[np.float64]

_SUBSAMPLE = 400
# Measured with gudhi 3.13 on noise, spheres, tori, knots and linked circles: 240, 280 to 340, 330 to 360; on a
# product in R^5 390.
_BYTES = {1: 250, 2: 250, 3: 320, 4: 360, 5: 420}
_MOST_PER_POWER = 6.0


def alpha_tree(x: FloatArray, max_radius: float) -> Any:
    """The alpha complex of distinct points as a simplex tree with values in radius units, cut at max_radius.

    Raises:
        MeasurementError: gudhi failed, or the triangulation left out points.
    """
    import gudhi

    try:
        tree = gudhi.AlphaComplex(points=x, precision="safe").create_simplex_tree(output_squared_values=False)
    except (MemoryError, RuntimeError, ValueError) as error:
        raise MeasurementError(
            f"The alpha complex of {len(x)} points failed: {type(error).__name__}: {error}. Subsample the cloud "
            '(aeverify.homology.farthest_points) or choose engine="rips".'
        ) from error
    if tree.num_vertices() != len(x):
        raise MeasurementError(
            f"The Delaunay triangulation kept {tree.num_vertices()} of {len(x)} distinct points: some are too near "
            "each other for it. Round the cloud to fewer digits or subsample it "
            "(aeverify.homology.farthest_points)."
        )
    if math.isfinite(max_radius):
        tree.prune_above_filtration(max_radius)
    return tree


def tree_degrees(tree: Any, max_degree: int, field: int, unit: float = 1.0) -> list[FloatArray]:
    """Intervals of a filtered complex in degrees 0 to max_degree over Z/field, their values times `unit`. Homology in
    the top dimension of the complex counts, which gudhi leaves out unless asked."""
    tree.compute_persistence(homology_coeff_field=field, persistence_dim_max=True)
    rows = (tree.persistence_intervals_in_dimension(j) for j in range(max_degree + 1))
    return [np.asarray(r, dtype=np.float64).reshape(-1, 2) * unit for r in rows]


def delaunay_simplices(x: FloatArray) -> float:
    """Estimate of the number of simplices of the Delaunay triangulation of a cloud: 6 n in the plane, where it is at
    most that; else the growth between subsamples of 400 and 800 points (half and all of a small cloud) extrapolated,
    with a quarter to spare."""
    n, dimension = x.shape
    if dimension <= 2:
        return 6.0 * float(n)
    size = min(_SUBSAMPLE, n // 2)
    if size <= 2 * dimension:
        return worst_simplices(n, dimension)
    import gudhi

    rng = np.random.Generator(np.random.PCG64(0))
    order = rng.permutation(n)
    # inexact predicates will do for a count
    small, large = (
        gudhi.AlphaComplex(points=x[order[:m]], precision="fast").create_simplex_tree().num_simplices()
        for m in (size, 2 * size)
    )
    growth = min(max(math.log2(large / small), 1.0), float(math.ceil(dimension / 2)))
    return float(1.25 * large * (n / (2 * size)) ** growth)


def worst_simplices(n: int, dimension: int) -> float:
    """Order of magnitude of the largest number of simplices of a Delaunay triangulation of n points."""
    return float(_MOST_PER_POWER * float(n) ** math.ceil(dimension / 2))


def alpha_bytes(simplices: float, dimension: int) -> float:
    """Memory of a complex of that size with its persistence, measured."""
    return simplices * _BYTES[dimension]
