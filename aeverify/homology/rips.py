"""Rips complexes: flag complexes of the graph of near pairs, for any dimension of the space.

Three steps, each with an estimate of what it needs before it starts: the pairs within the radius, from a k-d tree, or
from the full table of distances where nothing is cut (the filtration then ends where all points are seen from one of
them: there the complex is a cone, and nothing happens beyond); the edge collapse (Boissonnat and Pritam 2020, Glisse
and Pritam 2022), which keeps the persistent homology and leaves few edges; and gudhi's port of ripser (Bauer 2021),
which never lists the complex. Where the port cannot run (its simplices are numbered in 128 bits) the collapsed complex
is expanded, one dimension beyond the degree, so that no class of the top degree is made up, and with homology in its
top dimension counted, so that none is lost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.errors import MeasurementError
from aeverify.homology.alpha import tree_degrees

FloatArray = NDArray[np.float64]

# Measured with gudhi 3.13: ripser's columns in degree 1 of full graphs, columns in higher degrees after a collapse,
# edges in the collapse, and simplices of an expanded complex.
_FULL_BYTES = 1_200
_COLUMN_BYTES = 60
_COLLAPSE_BYTES = 150
_PAIR_BYTES = 48
_TREE_BYTES = 200
# Pairs are listed without being counted first where all of them take less: to choose an engine, and for Rips.
_SMALL, _MODERATE = 2**26, 2**28
# Collapsing costs more than it saves in degree 1 where points have more neighbours than this.
_COLLAPSE_NEIGHBORS = 150


@dataclass(frozen=True, eq=False)
class Graph:
    """Pairs of points at most `longest` apart, each once.

    Attributes:
        count: number of points.
        first, second: indices, shape (E,), int32.
        lengths: shape (E,).
        longest: pairs beyond are left out.
    """

    count: int
    first: NDArray[np.int32]
    second: NDArray[np.int32]
    lengths: FloatArray
    longest: float


@dataclass(frozen=True, eq=False)
class Near:
    """How many pairs of points are at most 2 max_radius apart, and their graph where it was listed to be counted."""

    count: int
    graph: Graph | None


def near_pairs(x: FloatArray, max_radius: float, small: int = _SMALL) -> Near:
    """The pairs of points in reach: listed where all pairs would fit into `small` bytes, else counted. Cost: that of a
    k-d tree's search."""
    from scipy.spatial import cKDTree

    n = len(x)
    if not math.isfinite(max_radius):
        return Near(n * (n - 1) // 2, None)
    if n * (n - 1) // 2 * _PAIR_BYTES <= small:
        graph = _graph(x, 2.0 * max_radius)
        return Near(len(graph.lengths), graph)
    tree = cKDTree(x)
    return Near(int(tree.count_neighbors(tree, 2.0 * max_radius) - n) // 2, None)


def rips_degrees(
    x: FloatArray,
    max_degree: int,
    fields: tuple[int, ...],
    max_radius: float,
    memory: float,
    near: Near | None = None,
) -> tuple[list[list[FloatArray]], int]:
    """Intervals of the Rips filtration of distinct points in radius units, for each field and each degree from 0, and
    the number of edges that were left; `near` tells the pairs in reach, where they have been counted.

    Raises:
        MeasurementError: an estimate exceeds `memory` bytes.
    """
    n = len(x)
    near = near_pairs(x, max_radius, _MODERATE) if near is None else near
    top = min(max_degree, max(0, n - 3))
    each = _PAIR_BYTES + (_COLLAPSE_BYTES if top >= 1 else 0)
    _require(near.count * each, memory, n, near.count, max_degree, f"the {near.count:.3g} pairs in reach")
    # points sorted along the set, as they often come, would make the edge collapse two times slower
    order = np.random.Generator(np.random.PCG64(0)).permutation(n).astype(np.int32)
    if near.count > n * (n - 1) / 4:
        table = _table(x[order])
        longest = min(2.0 * max_radius, math.nextafter(float(table.max(axis=1).min()), math.inf))
        if top <= 1 and _port() is not None:
            edges = (int((table <= longest).sum()) - n) // 2
            _require(edges * _FULL_BYTES * top, memory, n, near.count, max_degree, f"{edges:.3g} edges in degree 1")
            full = [_port()._full(table, top, longest, field) for field in fields]
            return [[np.asarray(rows) / 2 for rows in degrees] for degrees in full], edges
        first, second = np.triu_indices(n, 1)
        lengths = table[first, second]
        kept = lengths <= longest
        graph = Graph(n, first[kept].astype(np.int32), second[kept].astype(np.int32), lengths[kept], longest)
    else:
        listed = near.graph if near.graph is not None else _graph(x, 2.0 * max_radius)
        graph = Graph(n, order[listed.first], order[listed.second], listed.lengths, listed.longest)
    if top >= 2 or (top == 1 and 2 * len(graph.lengths) < _COLLAPSE_NEIGHBORS * n):
        graph = collapsed(graph)
    if top >= 1 and _most(len(graph.lengths), top) * _COLUMN_BYTES > memory:
        columns = _columns(graph, top)
        _require(columns * _COLUMN_BYTES, memory, n, near.count, max_degree, f"about {columns:.3g} simplices")
    return [_sparse(graph, top, field, memory) for field in fields], len(graph.lengths)


def rips_tree(x: FloatArray, max_degree: int, max_radius: float, memory: float) -> Any:
    """The collapsed and expanded Rips complex as a simplex tree, values in edge lengths; errors as `rips_degrees`."""
    n = len(x)
    near = near_pairs(x, max_radius)
    _require(near.count * _COLLAPSE_BYTES, memory, n, near.count, max_degree, f"the {near.count:.3g} pairs in reach")
    longest = 2.0 * max_radius
    if not math.isfinite(max_radius):
        longest = math.nextafter(float(_table(x).max(axis=1).min()), math.inf)
    graph = near.graph if near.graph is not None else _graph(x, longest)
    graph = collapsed(graph) if max_degree >= 1 else graph
    return _tree(graph, max_degree, memory)


def collapsed(graph: Graph) -> Graph:
    """A graph with fewer edges, some of them longer, whose flag complexes have the same persistent homology."""
    from gudhi.flag_filtration.edge_collapse import reduce_graph
    from scipy.sparse import coo_matrix

    n = graph.count
    if not len(graph.lengths):
        return graph
    less = reduce_graph(coo_matrix((graph.lengths, (graph.first, graph.second)), shape=(n, n)), 1)
    return Graph(n, less.row.astype(np.int32), less.col.astype(np.int32), np.asarray(less.data), graph.longest)


def _graph(x: FloatArray, longest: float) -> Graph:
    from scipy.spatial import cKDTree

    # a little more than asked for, since the tree's own distances are rounded in another way
    pairs = cKDTree(x).query_pairs(longest * (1 + 1e-9), output_type="ndarray")
    first, second = pairs[:, 0].astype(np.int32), pairs[:, 1].astype(np.int32)
    squares = np.zeros(len(pairs))
    for i in range(x.shape[1]):
        squares += (x[first, i] - x[second, i]) ** 2
    lengths = np.sqrt(squares)
    kept = lengths <= longest
    if not kept.all():
        first, second, lengths = first[kept], second[kept], lengths[kept]
    return Graph(len(x), first, second, lengths, longest)


def _table(x: FloatArray) -> FloatArray:
    from scipy.spatial.distance import pdist, squareform

    return np.asarray(squareform(pdist(x)))


def _port() -> Any:
    """gudhi's port of ripser without its scikit-learn front; None in a gudhi that has none."""
    try:
        from gudhi import _ripser_ext
    except ImportError:
        return None
    return _ripser_ext


def _sparse(graph: Graph, top: int, field: int, memory: float) -> list[FloatArray]:
    port, n = _port(), graph.count
    if port is None or math.comb(n, min(n // 2, top + 2)) >= 1 << (128 - (field - 2).bit_length()):
        return tree_degrees(_tree(graph, top, memory), top, field, 0.5)
    degrees = port._sparse(graph.first, graph.second, graph.lengths, n, top, graph.longest, field)
    return [np.asarray(rows, dtype=np.float64) / 2 for rows in degrees]


def _tree(graph: Graph, top: int, memory: float) -> Any:
    import gudhi
    from scipy.sparse import coo_matrix

    simplices = _columns(graph, top + 1) + graph.count
    _require(simplices * _TREE_BYTES, memory, graph.count, len(graph.lengths), top, f"about {simplices:.3g} simplices")
    tree = gudhi.SimplexTree()
    # a broadcast view of int32 would be misread without a word: vertices at inf, or at the values of edges
    tree.insert_batch(np.arange(graph.count, dtype=np.int64).reshape(1, -1), np.zeros(graph.count))
    shape = (graph.count, graph.count)
    tree.insert_edges_from_coo_matrix(coo_matrix((graph.lengths, (graph.first, graph.second)), shape=shape))
    tree.expansion(top + 1)
    return tree


def _most(edges: int, dimension: int) -> float:
    """Upper bound of the number of simplices in dimensions 1 to `dimension` of a flag complex with so many edges: at
    most (2 edges)^(c / 2) / c! cliques of c vertices (Kruskal and Katona)."""
    return math.fsum((2.0 * edges) ** (c / 2) / math.factorial(c) for c in range(2, dimension + 2))


def _columns(graph: Graph, dimension: int) -> float:
    """Number of simplices of the flag complex in dimensions 1 to `dimension`: edges and triangles counted, those above
    estimated by supposing that simplices have no more cofaces on average than those one dimension below."""
    from scipy.sparse import coo_matrix

    edges = float(len(graph.lengths))
    if dimension <= 1 or not edges:
        return edges
    ones = np.ones(len(graph.lengths))
    one_way = coo_matrix((ones, (graph.first, graph.second)), shape=(graph.count, graph.count)).tocsr()
    both = one_way + one_way.T
    triangles = float((both @ both).multiply(one_way).sum()) / 3
    total, below, here = edges + triangles, edges, triangles
    for k in range(3, dimension + 1):
        below, here = here, here * (k * here / below) / (k + 1) if below else 0.0
        total += here
    return total


def _require(needed: float, memory: float, n: int, near: int, max_degree: int, what: str) -> None:
    if needed <= memory:
        return
    # what is needed grows at least with the square of the number of points where they fill the same set
    fits = max(2, int(0.9 * n * math.sqrt(memory / needed)))
    raise MeasurementError(
        f"A Rips complex of {n} points up to degree {max_degree} needs about {needed / 2**30:.2g} GiB for {what}, more "
        f"than the {memory / 2**30:.2g} GiB allowed: subsample to at most {fits} points "
        f"(aeverify.homology.farthest_points), lower max_radius ({near:.3g} pairs are in reach now) or max_degree, or "
        "allow more memory."
    )
