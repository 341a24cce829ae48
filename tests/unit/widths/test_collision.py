import itertools
import math

import numpy as np
import pytest

from aeverify.errors import UsageError
from aeverify.manifolds import manifold
from aeverify.manifolds.extent import distances
from aeverify.widths.collision import antipode_bound, best_swap_level, swap_path_bound


def brute_force(table):
    """Max-min swap path by adding pairs in order of falling distance and joining neighbours."""
    n = len(table)
    parent = {}

    def root(p):
        while parent[p] != p:
            p = parent[p]
        return p

    pairs = sorted(itertools.product(range(n), repeat=2), key=lambda p: -table[p])
    for level, group in itertools.groupby(pairs, key=lambda p: table[p]):
        for i, j in group:
            parent[i, j] = (i, j)
            for q in (((i + 1) % n, j), ((i - 1) % n, j), (i, (j + 1) % n), (i, (j - 1) % n)):
                if q in parent:
                    parent[root((i, j))] = root(q)
        if any(i != j and (j, i) in parent and root((i, j)) == root((j, i)) for i, j in parent):
            return level
    return 0.0


@pytest.mark.parametrize("n", [3, 4, 7, 12])
def test_the_level_is_that_of_a_plain_search(n):
    """Bisection over connected components agrees with union-find on random closed polygons and on round ones."""
    rng = np.random.default_rng(n)
    for points in (rng.normal(size=(n, 2)), np.exp(2j * np.pi * np.arange(n) / n).view(float).reshape(n, 2)):
        table = distances(points, points)
        assert best_swap_level(table)[0] == brute_force(table)


def ellipse_nodes(a, b, n):
    angle = 2 * np.pi * np.arange(n) / n
    return np.column_stack([a * np.cos(angle), b * np.sin(angle)])


def test_four_moves_are_sound_where_eight_are_not():
    """Ellipse with semi-axes 1 and .001, 7 nodes: (V - a/2) / 2 with the exact longest arc is at most the width .001;
    moves of both ends at once would give .2115."""
    points = ellipse_nodes(1, 0.001, 7)
    level, _ = best_swap_level(distances(points, points))
    fine = ellipse_nodes(1, 0.001, 7 * 2000)
    steps = np.linalg.norm(np.diff(np.vstack([fine, fine[:1]]), axis=0), axis=1).reshape(7, 2000).sum(axis=1)
    assert (level - steps.max() / 2) / 2 <= 0.001
    assert swap_path_bound(manifold("ellipse:a=1,b=0.001"), 7).lower <= 0.001


@pytest.mark.parametrize("spec", ["ellipse:a=3,b=2", "ellipse:a=2,b=3", "circle:radius=0.5,ambient_dim=4"])
@pytest.mark.parametrize("nodes", [3, 5, 8, 31, 64, 256])
def test_swap_paths_stay_below_the_exact_width(spec, nodes):
    """On ellipses and circles the bound never exceeds the shorter semi-axis, whatever the grid."""
    k = manifold(spec)
    found = swap_path_bound(k, nodes)
    assert found.lower <= k.truth.inner_radius.lower
    if nodes == 256:
        assert found.lower > 0.99 * k.truth.inner_radius.lower


def test_the_loss_is_a_quarter_of_the_arc():
    """On the circle with 256 nodes antipodes step past each other: V is one node short of 2 and the bound is
    (V - a/2) / 2."""
    found = swap_path_bound(manifold("circle"), 256)
    expected = math.cos(math.pi / 256) - 2 * math.pi / 256 / 4
    assert found.lower == pytest.approx(expected, abs=1e-12)
    assert found.details["longest_arc"] == pytest.approx(2 * math.pi / 256, rel=1e-12)


def test_arcs_have_no_swap_path_bound():
    """The ends of an arc cannot be exchanged: no evidence, rather than evidence of 0."""
    assert swap_path_bound(manifold("spiral")) is None


def test_the_best_component_of_a_union_counts():
    """Of a circle of radius 1 inside one of radius 4 the larger carries the bound, and is named."""
    found = swap_path_bound(manifold('union:parts=["circle:radius=1","circle:radius=4"]'))
    assert found.details["component"] == 1
    assert 3.9 < found.lower <= 4


def test_the_witness_is_a_pair_at_the_level():
    """The two points of the witness lie on the set, at the distance that the bound leans on."""
    found = swap_path_bound(manifold("ellipse:a=3,b=2"))
    first, second = (np.array(p.point) for p in found.witness.points)
    assert np.linalg.norm(first - second) == pytest.approx(found.details["grid_level"], rel=1e-12)


@pytest.mark.parametrize("nodes", [2, 0, -1, 4096, 8.0, True])
def test_numbers_of_nodes_that_cannot_be_are_refused(nodes):
    """A swap path needs from 3 to 2048 nodes."""
    with pytest.raises(UsageError):
        swap_path_bound(manifold("circle"), nodes)


def test_antipodes_of_an_ellipse_meet_at_the_shorter_semi_axis():
    """The bound is exactly the shorter semi-axis and its witness the two ends of that axis."""
    found = antipode_bound(manifold("ellipse:a=2,b=3"), 1)
    assert found.lower == 2.0
    points = np.array([p.point for p in found.witness.points])
    np.testing.assert_allclose(np.abs(points), [[2, 0], [2, 0]], atol=1e-12)
    np.testing.assert_allclose(points[0], -points[1], atol=1e-12)


@pytest.mark.parametrize(("spec", "m"), [("spiral", 1), ("circle", 2), ("two_circles", 2)])
def test_antipodes_say_nothing_without_symmetry_or_index(spec, m):
    """An arc has no antipodes, and on a circle Borsuk-Ulam ends at one latent dimension."""
    assert antipode_bound(manifold(spec), m) is None
