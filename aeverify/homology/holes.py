"""Holes: where the bars of a diagram are among the points.

The pairing of persistence gives every bar two simplices: one whose arrival makes the class, one whose arrival fills it.
The vertices of the second are where the hole is at its narrowest end: for an alpha complex its circumcentre keeps the
distance `death` from all points, and in degree n - 1 it is a local maximum of the distance to the cloud. In degree 1
the first simplex is an edge whose ends are connected before it comes, so a shortest path of earlier edges between them
closes it to a loop that represents the class: any two such loops differ by a loop that is older, so by the elder rule
each of them is born with the bar and becomes homologous to older loops where it dies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.errors import UsageError
from aeverify.homology.alpha import alpha_tree
from aeverify.homology.cloud import Cloud, cloud, is_integer
from aeverify.homology.engine import MEMORY, Engine, chosen, require_alpha, require_parameters
from aeverify.homology.rips import rips_tree
from aeverify.homology.selftest import self_test

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Hole:
    """One bar and where it is; indices are rows of the array of points.

    Attributes:
        degree: of homology.
        birth, death: the bar, in radius units; death is inf for a class that does not die.
        born_at: vertices of the simplex that makes the class.
        filled_at: vertices of the simplex that fills it; empty where nothing does.
        center: centre of the circumscribed sphere of `filled_at`, shape (n,); None where nothing fills it.
        loop: in degree 1, vertices of a closed path of edges no longer than twice the birth that represents the class,
            in order and without repetition of the first; else empty.
    """

    degree: int
    birth: float
    death: float
    born_at: tuple[int, ...]
    filled_at: tuple[int, ...]
    center: FloatArray | None
    loop: tuple[int, ...]


def holes(
    points: FloatArray,
    degree: int = 1,
    *,
    field: int = 2,
    engine: Engine = "auto",
    max_radius: float = math.inf,
    most: int = 10,
    memory: float = MEMORY,
) -> tuple[Hole, ...]:
    """The longest bars of one degree of a point cloud, at least 1, with the points where they are born and filled.

    Args:
        points, field, engine, max_radius, memory: as in `persistence`.
        degree: of homology, at least 1.
        most: how many bars, longest first.

    Raises:
        UsageError, MeasurementError: as `persistence`; or the degree or `most` is not positive.

    Cost: that of `persistence` with the complex listed, and a shortest path a hole in degree 1.

    Example:
        The hole of a regular n-gon has all its corners as loop and the n-gon's centre as centre.
    """
    given = cloud(points)
    if not is_integer(degree) or degree < 1:
        raise UsageError(f"Holes have degree 1 or more, got {degree!r}.")
    if not is_integer(most) or most < 1:
        raise UsageError(f"The number of holes must be a positive integer, got {most!r}.")
    x, cut = given.points, math.ldexp(max_radius, -given.exponent)
    require_parameters((field,), degree, engine, max_radius, memory)
    name, _, _ = chosen(x, engine, cut)
    if name == "path":
        return ()
    self_test()
    if name == "alpha":
        require_alpha(x, memory)
        tree, unit = alpha_tree(x, cut), 1.0
    else:
        tree, unit = rips_tree(x, degree, cut, memory), 0.5
    tree.compute_persistence(homology_coeff_field=field, persistence_dim_max=True)
    pairs = [(a, b) for a, b in tree.persistence_pairs() if len(a) == degree + 1]
    values = [(tree.filtration(a), tree.filtration(b) if b else math.inf) for a, b in pairs]
    order = sorted(range(len(pairs)), key=lambda i: (values[i][0] - values[i][1], values[i][0]))
    kept = [i for i in order if values[i][1] > values[i][0]][:most]
    return tuple(_hole(given, tree, degree, *pairs[i], *values[i], unit) for i in kept)


def _hole(
    given: Cloud, tree: Any, degree: int, first: list[int], last: list[int], birth: float, death: float, unit: float
) -> Hole:
    scale = math.ldexp(unit, given.exponent)
    loop = _loop(tree, first, birth) if degree == 1 else ()
    center = np.ldexp(_circumcenter(given.points[last]), given.exponent) if last else None
    named = [tuple(int(given.rows[v]) for v in vertices) for vertices in (sorted(first), sorted(last), loop)]
    return Hole(degree, birth * scale, death * scale, named[0], named[1], center, named[2])


def _loop(tree: Any, edge: list[int], birth: float) -> tuple[int, ...]:
    """A shortest path (in the number of edges of the filtration until the birth) between the ends of an edge."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import dijkstra

    a, b = edge
    edges = np.array([s for s, value in tree.get_skeleton(1) if len(s) == 2 and value <= birth and set(s) != {a, b}])
    n = int(tree.num_vertices())
    weights = np.ones(len(edges))
    graph = coo_matrix((weights, (edges[:, 0], edges[:, 1])), shape=(n, n)).tocsr()
    _, before = dijkstra(graph, directed=False, indices=a, return_predecessors=True, unweighted=True)
    path = [b]
    while path[-1] != a:
        path.append(int(before[path[-1]]))
    return tuple(path)


def _circumcenter(corners: FloatArray) -> FloatArray:
    """Centre of the smallest sphere through the corners of a simplex: their affine combination at equal distances."""
    edges = corners[1:] - corners[0]
    solution = np.linalg.lstsq(edges, (edges**2).sum(axis=1) / 2, rcond=None)[0]
    return np.asarray(corners[0] + solution)
