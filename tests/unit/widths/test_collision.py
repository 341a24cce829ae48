import numpy as np
import pytest

from aeverify.errors import UsageError
from aeverify.manifolds import manifold
from aeverify.manifolds.extent import distances
from aeverify.manifolds.triod import Triod
from aeverify.widths.collision import antipode_bound, swap_path_bound, triod_bound
from aeverify.widths.paths import swap_path_of

DUMBBELL = "fourier:cosine=[[2,0]],sine=[[0,0.6],[0,0],[0,0.25]]"


def ellipse_nodes(a, b, n):
    angle = 2 * np.pi * np.arange(n) / n
    return np.column_stack([a * np.cos(angle), b * np.sin(angle)])


def test_a_grid_that_jumps_over_the_diagonal_proves_nothing():
    """Ellipse with semi-axes 1 and .001, 7 nodes: half the grid's level is above the width .001, for moves of both ends
    jump over pairs x = y; the bound, of the continuous path, is not."""
    points = ellipse_nodes(1, 0.001, 14)
    level, first, second = swap_path_of(distances(points, points))
    assert level >= 0
    eight = distances(points[::2], points[::2])
    assert max(np.minimum(eight, np.roll(eight, (-1, 1), (0, 1))).ravel()) > 0.4
    assert len(first) == len(second)
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


def test_the_loss_is_of_second_order():
    """On the star, the dumbbell and the Reuleaux curve 256 nodes lose less than one part in 10^5 of the width."""
    for spec, width in (("star:a=0.3,k=3", 1.0), ("reuleaux:width=3", 1.5), (DUMBBELL, 0.603737)):
        assert width * (1 - 1e-5) < swap_path_bound(manifold(spec)).lower <= width * (1 + 1e-6)


@pytest.mark.parametrize(("spec", "least"), [("torus:R=2,r=1", 3.0), ("moebius:R=1,h=0.4", 1.0), ("swiss_roll", 9.4)])
def test_loops_on_surfaces_bound_their_first_width(spec, least):
    """The outer circle of the torus, the core of the band, the boundary of the roll."""
    assert least * (1 - 1e-5) < swap_path_bound(manifold(spec)).lower <= manifold(spec).truth.circumradius.upper


@pytest.mark.parametrize("legs", [[1, 1, 1], [3, 2, 1], [1e-9, 2e-9, 1e-9]])
def test_a_triod_has_half_its_shortest_leg(legs):
    """H^1 is 0 and the reach is 0, yet w_1 is half the shortest leg: the certificate gives it from below."""
    k = Triod(legs)
    assert all(b == (1, 0) for b in k.truth.betti.values())
    found = triod_bound(k)
    assert min(legs) / 2 * (1 - 1e-8) < found.lower <= min(legs) / 2
    assert len(found.witness.points) == 3


def test_triods_are_triods():
    """Of a closed curve the method says nothing."""
    assert triod_bound(manifold("circle")) is None


def test_arcs_have_no_swap_path_bound():
    """The ends of an arc cannot be exchanged: no evidence, rather than evidence of 0."""
    assert swap_path_bound(manifold("spiral")) is None


def test_the_best_component_of_a_union_counts():
    """Of a circle of radius 1 inside one of radius 4 the larger carries the bound, and is named."""
    found = swap_path_bound(manifold('union:parts=["circle:radius=1","circle:radius=4"]'))
    assert found.details["component"] == 1
    assert 3.9 < found.lower <= 4


def test_the_witness_is_a_pair_at_the_level():
    """The two points of the witness lie on the set, at the least distance of the path, 4."""
    found = swap_path_bound(manifold("ellipse:a=3,b=2"))
    first, second = (np.array(p.point) for p in found.witness.points)
    assert np.linalg.norm(first - second) == pytest.approx(4, rel=1e-5)
    assert found.details["least_distance"]["lower"] <= np.linalg.norm(first - second)


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
