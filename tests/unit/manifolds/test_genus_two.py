"""The genus-2 surface: its three charts, and facts against closed forms and independent computations."""

import math

import numpy as np
import pytest
from scipy.spatial import cKDTree

from aeverify.errors import SpecError, UsageError
from aeverify.manifolds import GenusTwo, certified_covering_radius, manifold, product, scaled
from aeverify.manifolds.covering import tail_probability
from aeverify.manifolds.genus_two import PIECES, GenusTwoPiece
from aeverify.manifolds.links import Union

VALUES = [0.001, 0.02, 0.1, 0.249]


def levels(x, y):
    """f, its gradient squared."""
    X = x - 1
    return X**4 - X**2 + y**2, (4 * X**3 - 2 * X) ** 2 + 4 * y**2


def projections(c, n):
    """Points of the octant above midpoint grids of the three coordinate planes, each with the cosine of the angle
    between the normal and that axis, and the area of a cell."""
    t = (np.arange(n) + 0.5) / n
    width, depth = math.sqrt(0.5 + math.sqrt(0.25 + c)), math.sqrt(c + 0.25)
    found = []

    def add(X, y, z, axis, cell):
        f, slope = levels(X + 1, y)
        normal = np.abs(np.stack([f * (4 * X**3 - 2 * X), f * 2 * y, z]))
        cosine = normal[axis] / np.sqrt(f**2 * slope + z**2)
        found.append((np.column_stack([X + 1, y, z]), cosine, cell))

    X, y = (a.ravel() for a in np.meshgrid(width * t, depth * t))
    f = levels(X + 1, y)[0]
    keep = np.abs(f) < c
    add(X[keep], y[keep], np.sqrt(c * c - f[keep] ** 2), 2, width * depth / n**2)
    for sign in (-1, 1):
        X, z = (a.ravel() for a in np.meshgrid(width * t, c * t))
        y2 = sign * np.sqrt(c * c - z * z) + X**2 - X**4
        keep = y2 > 0
        add(X[keep], np.sqrt(y2[keep]), z[keep], 1, width * c / n**2)
        for root in (-1, 1):
            y, z = (a.ravel() for a in np.meshgrid(depth * t, c * t))
            square = 0.25 + sign * np.sqrt(c * c - z * z) - y * y
            s = 0.5 + root * np.sqrt(np.maximum(square, 0))
            keep = (square > 0) & (s > 0)
            add(np.sqrt(s[keep]), y[keep], z[keep], 0, depth * c / n**2)
    return found


@pytest.mark.parametrize("c", VALUES)
def test_points_satisfy_the_equation(c):
    """Samples and grids solve (x (x - 1)^2 (x - 2) + y^2)^2 + z^2 = c^2 to rounding, on every piece."""
    k = GenusTwo(c)
    for sample in (k.sample(2000, 1), k.grid(500)):
        x, y, z = sample.points.T
        assert np.abs((x * (x - 1) ** 2 * (x - 2) + y**2) ** 2 + z**2 - c * c).max() < 1e-12 * c
        assert set(sample.component) == {0, 1, 2}
        f = levels(x, y)[0]
        assert (f[sample.component == 0] > -1e-12).all()
        assert (f[sample.component > 0] < 1e-12).all()
        assert (x[sample.component == 1] >= 1).all()
        assert (x[sample.component == 2] <= 1).all()


@pytest.mark.parametrize("c", VALUES)
def test_the_pieces_cover_the_surface(c):
    """Every point above a grid of a coordinate plane, found from the equation, is within the grid's covering radius."""
    grid = GenusTwo(c).grid(6000)
    tree = cKDTree(grid.points)
    for points, _, _ in projections(c, 60):
        assert tree.query(points)[0].max() <= grid.covering_radius.upper


@pytest.mark.parametrize("c", [0.02, 0.1, 0.2])
def test_the_areas_of_the_pieces_add_up(c):
    """The area is the sum over the axes of the integral of (cosine of the normal) over the shadow: no overlap."""
    truth = GenusTwo(c).truth
    area = 8 * sum(float(cosine.sum()) * cell for _, cosine, cell in projections(c, 1200))
    assert truth.volume.lower * (1 - 1e-3) < area < truth.volume.upper * (1 + 1e-3)
    assert truth.volume.width < 1e-4 * truth.volume.upper
    parts = [part.truth.volume for part in GenusTwo(c).components]
    assert truth.volume.lower <= sum(v.lower for v in parts) <= sum(v.upper for v in parts) <= truth.volume.upper
    assert parts[1] == parts[2]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("c", VALUES)
def test_speeds_hold_next_to_the_points_where_the_chart_has_no_derivative(piece, c):
    """No tangent is longer than the proved bound, and the bounds are not more than half too large."""
    chart = GenusTwoPiece(c, piece).chart
    rng = np.random.default_rng(5)
    turns = (0.25, 0.75) if piece == "outer" else (0.5,)
    near = [
        np.column_stack([t + s * 10.0 ** rng.uniform(-9, -1, 3000), 10.0 ** rng.uniform(-9, -1, 3000)])
        for t in turns
        for s in (-1, 1)
    ]
    u = np.concatenate([*near, 1e-12 + (1 - 2e-12) * rng.random((20_000, 2))])
    lengths = np.linalg.norm(chart.jacobian(u), axis=1).max(axis=0)
    assert (lengths <= np.array(chart.speed) * (1 + 1e-9)).all()
    assert (lengths >= 0.65 * np.array(chart.speed)).all()


def test_the_charts_meet_the_special_points():
    """The saddle points (1, 0, +-c) are in all pieces, where the formula takes roots of 0."""
    for piece, turn in (("outer", 0.25), ("outer", 0.75), ("right", 0.5), ("left", 0.5)):
        points = GenusTwoPiece(0.1, piece).chart.embed(np.array([[turn, 0.0], [turn, 1.0]]))
        np.testing.assert_allclose(points, [[1, 0, 0.1], [1, 0, -0.1]], atol=1e-15)


def test_topology_by_the_euler_number_of_a_cell_count():
    """On a fine grid of squares {|f| <= c} has Euler number -1, and two copies glued along its boundary have -2."""
    k, n = GenusTwo(), 400
    x, y = np.meshgrid(1 + 1.2 * np.linspace(-1, 1, 2 * n), 0.8 * np.linspace(-1, 1, n))
    inside = np.abs(levels(x, y)[0]) <= k.c
    edges = (inside[1:] & inside[:-1]).sum() + (inside[:, 1:] & inside[:, :-1]).sum()
    squares = (inside[1:, 1:] & inside[1:, :-1] & inside[:-1, 1:] & inside[:-1, :-1]).sum()
    euler = int(inside.sum()) - int(edges) + int(squares)
    for betti in k.truth.betti.values():
        assert betti[0] - betti[1] + betti[2] == 2 * euler == -2
    # The pieces meet in circles, but for the two saddle points: outer -2, inner 0 and 0.
    characteristics = [p.truth.betti["Q"][0] - p.truth.betti["Q"][1] for p in k.components]
    assert characteristics == [-2, 0, 0]


@pytest.mark.parametrize("c", VALUES)
def test_the_extent_is_attained(c):
    """(1 +- 1, +-c^(1/2), 0) are on the surface, (1 + c)^(1/2) from the centre; (1, 0, +-c) are the nearest points."""
    truth = GenusTwo(c).truth
    assert math.sqrt(1 + c) in truth.circumradius
    assert levels(2.0, math.sqrt(c))[0] == pytest.approx(c)
    away = np.linalg.norm(GenusTwo(c).grid(4000).points - np.array([1, 0, 0]), axis=1)
    assert c * (1 - 1e-12) <= away.min()
    assert 0.95 * truth.circumradius.lower < away.max() <= truth.circumradius.upper * (1 + 1e-12)


def test_reach_and_curvature():
    """The reach is enclosed from both sides; the curvature at the best point of the section y = 0 is 41.16."""
    truth = GenusTwo().truth
    assert truth.reach.lower > 0.015
    assert truth.reach.upper == pytest.approx(0.0242954, rel=1e-5)
    assert truth.curvature.lower == pytest.approx(1 / truth.reach.upper)
    # Federer's quotients of a sample with normals from the equation.
    sample = GenusTwo().sample(1500, 3)
    x, y, z = sample.points.T
    f = levels(x, y)[0]
    normal = np.stack([f * (4 * (x - 1) ** 3 - 2 * (x - 1)), f * 2 * y, z], axis=1)
    normal /= np.linalg.norm(normal, axis=1)[:, None]
    d = sample.points[None] - sample.points[:, None]
    square = (d**2).sum(axis=2)
    with np.errstate(all="ignore"):
        quotients = square / (2 * np.abs(np.einsum("ijk,ik->ij", d, normal)))
    assert truth.reach.lower <= quotients[square > 1e-4].min()


def test_samples_share_the_pieces_by_area():
    """The numbers of points of 20,000 on the pieces are those of their areas, within 4 standard deviations."""
    k = GenusTwo()
    counts = np.bincount(k.sample(20_000, 8).component)
    volumes = np.array([p.truth.volume.lower for p in k.components])
    share = volumes / volumes.sum()
    assert (np.abs(counts - 20_000 * share) < 4 * np.sqrt(20_000 * share * (1 - share))).all()


def test_components_are_pieces_of_one_connected_set():
    """Three charts, one connected component; what needs disjoint parts with one chart each is refused."""
    k = manifold("genus2")
    assert len(k.components) == 3
    assert k.truth.components == 1
    assert k.connected_components == (k,)
    assert [manifold(str(p)) for p in k.components] == list(k.components)
    with pytest.raises(UsageError, match="3 charts"):
        _ = k.chart
    for make in (
        lambda: Union([k, manifold("circle:center=[9,0,0],ambient_dim=3")]),
        lambda: scaled(k, 2.0),
        lambda: product([k, manifold("circle")]),
    ):
        with pytest.raises(SpecError, match="needs one chart for each connected component"):
            make()


def test_the_tail_bound_uses_the_reach_of_the_whole():
    """The tail bound of the covering radius holds of the closed surface, whose pieces have a boundary."""
    assert tail_probability(GenusTwo(), 10**6, 0.03) < 1e-6


def test_certified_covering_radius_runs_over_the_pieces():
    """The farthest-point search over the charts agrees with the proved radius of the grid."""
    k = GenusTwo()
    grid = k.grid(200)
    found = certified_covering_radius(k, grid, tolerance=0.3)
    assert 0 < found.lower <= found.upper
    assert found.lower <= grid.covering_radius.upper


@pytest.mark.parametrize("c", [0, -0.1, 0.25, 1, 1e-5, float("nan"), "0.1", True])
def test_thickness_out_of_range(c):
    """Only 0 < c < 1/4 gives genus 2; the refusal says so."""
    with pytest.raises(SpecError, match="c of the genus-2 surface"):
        GenusTwo(c)


def test_no_such_piece():
    """A piece is one of three."""
    with pytest.raises(SpecError, match="outer, right, left"):
        GenusTwoPiece(0.1, "top")
