import itertools

import numpy as np
import pytest

from aeverify.manifolds import manifold
from aeverify.manifolds.extent import distances
from aeverify.widths.fold import fold_bound
from aeverify.widths.paths import Loop, best_fold, closed_curve, loops_of, swap_path_of


def brute_force_swap(table):
    """Max-min swap path on even nodes, moves of one or both ends, middles counted, by joining in falling order."""
    full = len(table)
    n = full // 2
    parent = {p: p for p in itertools.product(range(n), repeat=2)}

    def root(p):
        while parent[p] != p:
            p = parent[p]
        return p

    moves = []
    for i, j in itertools.product(range(n), repeat=2):
        for di, dj in ((1, 0), (0, 1), (1, 1), (1, -1)):
            k, m = (i + di) % n, (j + dj) % n
            middle = table[(2 * i + di) % full, (2 * j + dj) % full]
            moves.append((min(table[2 * i, 2 * j], table[2 * k, 2 * m], middle), (i, j), (k, m)))
    for level, p, q in sorted(moves, key=lambda move: -move[0]):
        parent[root(p)] = root(q)
        if any(i != j and root((i, j)) == root((j, i)) for i, j in parent):
            return level
    return 0.0


@pytest.mark.parametrize("n", [6, 8, 12])
def test_the_swap_level_is_that_of_a_plain_search(n):
    """Bisection over connected components agrees with joining pairs one by one, and the path keeps the level."""
    rng = np.random.default_rng(n)
    for points in (rng.normal(size=(n, 2)), np.exp(2j * np.pi * np.arange(n) / n).view(float).reshape(n, 2)):
        table = distances(points, points)
        level, first, second = swap_path_of(table)
        expected = brute_force_swap(table)
        assert level == pytest.approx(expected, rel=1e-5)
        if expected > 0:
            assert table[first % n, second % n].min() >= level
            assert (first[0] % n, second[0] % n) == (second[-1] % n, first[-1] % n)
            assert np.abs(np.diff(first)).max() <= 1
            assert np.abs(np.diff(second)).max() <= 1


def brute_force_fold(x):
    """Least over turning points of the discrete Frechet distance of the two arcs."""
    n = len(x)
    best = np.inf
    for a, length in itertools.product(range(n), range(1, n)):
        one = [(a + i) % n for i in range(length + 1)]
        other = [(a - i) % n for i in range(n - length + 1)]
        table = distances(x[one], x[other])
        reach = np.full(table.shape, np.inf)
        for i, j in itertools.product(*map(range, table.shape)):
            before = (
                0.0
                if i == j == 0
                else min(
                    reach[i - 1, j] if i else np.inf,
                    reach[i, j - 1] if j else np.inf,
                    reach[i - 1, j - 1] if i and j else np.inf,
                )
            )
            reach[i, j] = max(before, table[i, j])
        best = min(best, reach[-1, -1])
    return best


@pytest.mark.parametrize("seed", range(4))
def test_one_program_finds_the_best_fold(seed):
    """All folds at once agree with the discrete Frechet distance over every pair of turning points."""
    rng = np.random.default_rng(seed)
    turn = 2 * np.pi * np.arange(10) / 10
    x = np.column_stack([np.cos(turn), np.sin(turn), 0 * turn]) + 0.5 * rng.normal(size=(10, 3))

    class Points(Loop):
        def points(self):
            return x

    loop = object.__new__(Points)
    object.__setattr__(loop, "starts", x)
    level, first, second = best_fold(loop)
    assert level == pytest.approx(brute_force_fold(x), rel=1e-12)
    assert (first[-1] - first[0]) + (second[0] - second[-1]) == 10
    assert set(np.diff(first)) <= {0, 1}
    assert set(np.diff(second)) <= {0, -1}


def test_distances_between_nodes_count():
    """A path that goes straight over the diagonal in one move has least distance 0, though its nodes are apart."""
    loop = closed_curve(manifold("circle").chart, 8)
    found = loop.between(np.array([0, 1]), np.array([1, 0]), largest=False)
    assert found.lower == 0
    assert found.upper < 1e-3
    apart = loop.between(np.array([0, 1, 2]), np.array([4, 5, 6]), largest=False)
    assert apart.lower <= 2 <= apart.upper * (1 + 1e-9)


@pytest.mark.parametrize("spec", ["torus:R=2,r=1", "moebius:R=1,h=0.4", "klein:R=2,r=1", "swiss_roll", "sphere:dim=2"])
def test_loops_on_surfaces_close(spec):
    """Each move ends at the point of K at which the next begins."""
    chart = manifold(spec).chart
    loops = loops_of(chart, 24)
    assert loops
    for loop in loops:
        ends, following = chart.embed(loop.ends), np.roll(chart.embed(loop.starts), -1, axis=0)
        np.testing.assert_allclose(ends, following, atol=1e-12)


@pytest.mark.parametrize(
    ("spec", "width"), [("circle", 1.0), ("ellipse:a=3,b=2", 2.0), ("star:a=0.3,k=3", 1.0), ("trefoil", 1.62426)]
)
def test_fold_maps_bound_from_above(spec, width):
    """Half the Frechet distance of the best two arcs, never below the width and close to what is known."""
    found = fold_bound(manifold(spec))
    assert width * (1 - 1e-5) <= found.upper <= width * (1 + 1e-5)


def test_arcs_have_no_fold():
    """An arc is encoded without loss; there is nothing to fold."""
    assert fold_bound(manifold("spiral")) is None
