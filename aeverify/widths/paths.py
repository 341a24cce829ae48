"""Paths: loops of K as lists of chart parameters, and paths of pairs of their points, searched on a grid and then
certified as the continuous paths that they are.

A loop of N nodes is cyclic; between two nodes it is the image of a straight segment of chart parameters. A path of
pairs moves each of its two ends by at most one node at a time, along the loop. **Nothing is read off the nodes**:
the least or largest distance of the two ends along each move is enclosed by `aeverify.widths.extremes`, so that what
the path does between nodes counts, and any search may choose it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from aeverify.core.interval import Interval
from aeverify.manifolds.chart import Chart, FloatArray, Formula, Operations
from aeverify.manifolds.extent import distances
from aeverify.manifolds.intervals import IntervalArray
from aeverify.widths.extremes import largest_norm, least_norm

_LEVELS = 1e-6


@final
@dataclass(frozen=True, eq=False)
class Loop:
    """A closed curve on K, cyclic: move k runs along the straight segment of chart parameters from `starts[k]` to
    `ends[k]`, both of shape (N, d); the end of a move is the same point of K as the start of the next."""

    chart: Chart
    starts: FloatArray
    ends: FloatArray

    def __len__(self) -> int:
        return len(self.starts)

    def points(self) -> FloatArray:
        """The N nodes in space, where moves start, in float64."""
        return self.chart.embed(self.starts)

    def _moves(self, walk: np.ndarray) -> tuple[FloatArray, FloatArray]:
        """Parameters at both ends of the moves of a walk over nodes, numbered round and round."""
        start, end = walk[:-1], walk[1:]
        k = np.minimum(start, end) % len(self)
        back, still = (end < start)[:, None], (end == start)[:, None]
        one, other = self.starts[k], np.where(still, self.starts[k], self.ends[k])
        return np.where(back, other, one), np.where(back, one, other)

    def between(self, first: np.ndarray, second: np.ndarray, *, largest: bool, tolerance: float = 1e-6) -> Interval:
        """Certified enclosure of the least (or largest) distance of two ends that move along a path of pairs.

        Args:
            first, second: nodes of the two ends, shape (M,), numbered round and round; steps are -1, 0 or 1.
            largest: the largest instead.
            tolerance: as a share of it.
        """
        walks = [self._moves(first), self._moves(second)]
        formula = self.chart.formula

        def along(index: np.ndarray) -> Formula:
            def at(parameters: Sequence[Any], ops: Operations) -> list[Any]:
                ends = []
                for a, b in walks:
                    slopes = IntervalArray.exactly(b[index]) - a[index]
                    columns = [parameters[0] * slopes[:, i] + a[index, i] for i in range(a.shape[1])]
                    ends.append(formula(columns, ops))
                return [x - y for x, y in zip(*ends, strict=True)]

            return at

        count = len(first) - 1
        return (largest_norm if largest else least_norm)(along, np.zeros((count, 1)), np.ones((count, 1)), tolerance)


def closed_curve(chart: Chart, nodes: int) -> Loop:
    """The loop that a periodic chart of one parameter is, with equally spaced nodes."""
    rows = _steps(chart.lower[0], chart.upper[0], nodes)[:, None]
    return Loop(chart, rows[:-1], rows[1:])


def loops_of(chart: Chart, nodes: int) -> list[Loop]:
    """Some loops on a surface with a chart of two parameters: coordinate circles where a parameter is periodic (gone
    round twice where that mirrors the other), and the boundary of the box of parameters where none is."""
    found = []
    for i in range(2):
        if not chart.periodic[i]:
            continue
        j = 1 - i
        low, high = chart.lower[j], chart.upper[j]
        mirrored = bool(chart.flips) and j in chart.flips[i]
        for share in (0.0, 0.25, 0.5, 0.75):
            turns = [low + (high - low) * share]
            if mirrored and share != 0.5:
                # The second turn runs on the mirrored side.
                turns.append(low + high - turns[0])
            rows = _steps(chart.lower[i], chart.upper[i], nodes // len(turns))
            columns = [(rows, np.full(len(rows), value)) for value in turns]
            paths = [np.column_stack(c if i == 0 else c[::-1]) for c in columns]
            found.append(Loop(chart, np.concatenate([p[:-1] for p in paths]), np.concatenate([p[1:] for p in paths])))
    if not any(chart.periodic):
        corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
        across = [_steps(chart.lower[i], chart.upper[i], nodes // 4) for i in range(2)]
        paths = []
        for a, b in itertools.pairwise(corners):
            sides = [
                across[i][:: 1 if a[i] < b[i] else -1] if a[i] != b[i] else np.full(len(across[i]), across[i][-a[i]])
                for i in range(2)
            ]
            paths.append(np.column_stack(sides))
        found.append(Loop(chart, np.concatenate([p[:-1] for p in paths]), np.concatenate([p[1:] for p in paths])))
    return found


def _steps(low: float, high: float, count: int) -> FloatArray:
    rows = low + (high - low) * (np.arange(count + 1) / count)
    rows[-1] = high
    return rows


def best_swap_path(loop: Loop) -> tuple[float, np.ndarray, np.ndarray]:
    """The max-min swap path on a grid: a path of pairs of nodes from some (i, j) to (j, i), by moves of one or both
    ends by two nodes, that keeps the ends as far apart at nodes and at the middles of moves as it can.

    Returns:
        The least distance at its nodes (a search result, not a bound), and the nodes of the two ends, in single
        steps, numbered round and round; empty where every path meets the diagonal.

    Cost: about 20 connected-component labellings of a graph of N^2 / 4 nodes: 0.3 s for N = 512.
    """
    x = loop.points()
    return swap_path_of(distances(x, x))


def swap_path_of(table: FloatArray) -> tuple[float, np.ndarray, np.ndarray]:
    """`best_swap_path` from the distances of the nodes, shape (N, N), symmetric, N even."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import breadth_first_order, connected_components

    full = len(table)
    n = full // 2
    own = table[::2, ::2]
    index = np.arange(n * n).reshape(n, n)
    starts, ends, weights = [], [], []
    for di, dj in ((1, 0), (0, 1), (1, 1), (1, -1)):
        middle = np.roll(table, (-di, -dj), (0, 1))[::2, ::2]
        after = np.roll(own, (-di, -dj), (0, 1))
        starts.append(index.ravel())
        ends.append(np.roll(index, (-di, -dj), (0, 1)).ravel())
        weights.append(np.minimum(np.minimum(own, after), middle).ravel())
    start, end, weight = (np.concatenate(a) for a in (starts, ends, weights))

    def graph(level: float) -> Any:
        keep = weight >= level
        return coo_matrix(
            (np.ones(int(keep.sum()), dtype=np.int8), (start[keep], end[keep])), shape=(n * n, n * n)
        ).tocsr()

    def swapped(level: float, g: Any) -> np.ndarray:
        labels = connected_components(g, directed=False)[1].reshape(n, n)
        found: np.ndarray = (labels == labels.T) & (own >= level) & (index != index.T)
        return found

    low, high = 0.0, float(own.max())
    best = None
    while high - low > _LEVELS * high:
        level = (low + high) / 2
        g = graph(level)
        pairs = swapped(level, g)
        if pairs.any():
            low, best = level, (g, pairs)
        else:
            high = level
    nothing = np.empty(0, dtype=np.int64)
    if best is None:
        return 0.0, nothing, nothing
    g, pairs = best
    i, j = (int(v) for v in np.argwhere(pairs)[0])
    before = breadth_first_order(g, index[i, j], directed=False)[1]
    nodes = [int(index[j, i])]
    while nodes[-1] != index[i, j]:
        nodes.append(int(before[nodes[-1]]))
    rows = np.array(nodes[::-1])
    first, second = _unwrapped(rows // n, n), _unwrapped(rows % n, n)
    return low, _with_middles(first), _with_middles(second)


def best_fold(loop: Loop) -> tuple[float, np.ndarray, np.ndarray]:
    """The fold of a closed curve with the least Frechet distance of its two arcs, on its nodes.

    A fold has two turning points a, b; the first end of a path of pairs runs from a to b one way, the second the
    other way round, neither ever back. In terms of u = (first - second), which grows from 0 to N, all folds at once
    are one dynamic program over N layers of N nodes.

    Returns:
        The largest distance at its nodes (a search result, not a bound), and the nodes of the two ends.

    Cost: N^2 distances: 0.2 s for N = 1024 in R^3.
    """
    x = loop.points()
    n = len(x)
    previous, current = np.full(n, np.inf), np.zeros(n)
    choice = np.zeros((n + 1, n), dtype=np.int8)
    for u in range(1, n + 1):
        gap = np.sqrt(((x - np.roll(x, u, axis=0)) ** 2).sum(axis=1))
        both, stay, move = np.roll(previous, 1), current, np.roll(current, 1)
        single = np.minimum(stay, move)
        choice[u] = np.where(both <= single, 2, np.where(stay <= move, 0, 1))
        previous, current = current, np.maximum(gap, np.minimum(both, single))
    s = int(current.argmin())
    value, u = float(current[s]), n
    first, second = [s], [s - n]
    while u:
        step = int(choice[u, s % n])
        if step:
            s -= 1
        u -= 2 if step == 2 else 1
        first.append(s)
        second.append(s - u)
    return value, np.array(first[::-1]), np.array(second[::-1])


def _unwrapped(rows: np.ndarray, n: int) -> np.ndarray:
    """Indices modulo n as a walk of steps -1, 0 and 1."""
    steps = (np.diff(rows) + 1) % n - 1
    found: np.ndarray = np.concatenate([rows[:1], rows[0] + np.cumsum(steps)])
    return found


def _with_middles(walk: np.ndarray) -> np.ndarray:
    """Every second node of the loop, with the nodes between."""
    out = np.empty(2 * len(walk) - 1, dtype=np.int64)
    out[::2] = 2 * walk
    out[1::2] = walk[:-1] + walk[1:]
    return out
