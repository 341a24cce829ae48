from __future__ import annotations

import math
import re
import subprocess
import sys

import numpy as np
import pytest

from aeverify.errors import InvariantError, MeasurementError, UsageError
from aeverify.homology import (
    Diagram,
    bottleneck,
    exact_radii,
    farthest_points,
    holes,
    persistence,
    persistence_over,
)


def polygon(n: int, radius: float = 1.0) -> np.ndarray:
    """A regular n-gon."""
    angle = 2 * math.pi * np.arange(n) / n
    return radius * np.column_stack([np.cos(angle), np.sin(angle)])


OCTAHEDRON = np.vstack([np.eye(3), -np.eye(3)])


@pytest.mark.parametrize("field", [2, 3, 11])
@pytest.mark.parametrize("n", [5, 12, 40])
def test_a_regular_polygon_has_its_closed_form(n, field):
    """Alpha H_1 of the n-gon of radius 1 is [sin(pi/n), 1)."""
    diagram = persistence(polygon(n), field=field)
    (birth, death) = diagram.bars(1)[0]
    assert birth == pytest.approx(math.sin(math.pi / n), rel=1e-5)
    assert death == pytest.approx(1.0, rel=1e-5)
    assert diagram.field_name == f"Z/{field}"
    assert diagram.engine == "alpha"
    assert diagram.essential(0) == 1


@pytest.mark.parametrize("n", [6, 12, 30])
def test_rips_values_are_in_radius_units(n):
    """Rips H_1 of the n-gon starts at half an edge and ends at half the chord over ceil(n/3) steps."""
    (birth, death) = persistence(polygon(n), engine="rips").bars(1)[0]
    assert birth == pytest.approx(math.sin(math.pi / n))
    assert death == pytest.approx(math.sin(math.pi * math.ceil(n / 3) / n))


def test_a_square_tells_alpha_and_rips_units():
    """The unit square: both complexes have H_1 = [1/2, sqrt(2)/2)."""
    square = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    for engine in ("alpha", "rips"):
        assert persistence(square, engine=engine).bars(1) == [pytest.approx((0.5, math.sqrt(0.5)), rel=1e-5)]


def test_the_top_degree_is_kept():
    """The octahedron: alpha H_2 = [sqrt(2/3), 1), Rips H_2 = [sqrt(1/2), 1)."""
    assert persistence(OCTAHEDRON, max_degree=2).bars(2) == [pytest.approx((math.sqrt(2 / 3), 1.0), rel=1e-5)]
    assert persistence(OCTAHEDRON, max_degree=2, engine="rips").bars(2) == [pytest.approx((math.sqrt(0.5), 1.0))]


def test_a_rips_complex_of_the_plane_may_have_a_second_homology():
    """A regular hexagon has Rips H_2 = [sqrt(3)/2, 1) in radius units; its alpha H_2 is empty."""
    assert persistence(polygon(6), max_degree=2, engine="rips").bars(2) == [pytest.approx((math.sqrt(3) / 2, 1.0))]
    assert len(persistence(polygon(6), max_degree=2).intervals(2)) == 0


def test_the_projective_plane_is_seen_over_two_alone():
    """RP^2 in R^4 has b = (1, 1, 1) over Z/2 and (1, 0, 0) over Z/3 at a radius between sampling and reach."""
    rng = np.random.Generator(np.random.PCG64(0))
    v = rng.standard_normal((2_000, 3))
    x, y, z = (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    cloud = np.column_stack([x * y, x * z, y**2 - z**2, 2 * y * z])
    cloud = cloud[farthest_points(cloud, 150)[0]]
    over = persistence_over(cloud, (2, 3), max_degree=2)
    assert [[d.betti(j, 0.35) for j in range(3)] for d in over] == [[1, 1, 1], [1, 0, 0]]


def test_points_on_a_line_need_no_complex():
    """Neighbours merge at half their distance; nothing else happens."""
    diagram = persistence(np.array([[3.0], [0.0], [1.0], [7.0], [1.0]]))
    assert diagram.engine == "path"
    assert diagram.duplicates == 1
    assert diagram.bars(0) == [(0.0, 2.0), (0.0, 1.0), (0.0, 0.5)]
    assert diagram.essential(0) == 1
    assert len(diagram.intervals(1)) == 0
    assert diagram.largest_gap == 2.0


@pytest.mark.parametrize("engine", ["alpha", "rips"])
def test_collinear_points_of_the_plane_agree_with_the_line(engine):
    """The path on a line in R^2 has the same diagram as in R."""
    t = np.array([0.0, 1.0, 3.0, 3.5])
    flat = persistence(np.column_stack([3 * t, 4 * t]), engine=engine)
    line = persistence(5 * t[:, None])
    assert np.allclose(flat.intervals(0), line.intervals(0))
    assert len(flat.intervals(1)) == 0


@pytest.mark.parametrize("scale", [1e-200, 1e-150, 1.0, 1e150, 1e200])
def test_no_scale_loses_bars(scale):
    """Scaling the cloud scales the diagram, also where squares of coordinates would overflow or underflow."""
    for engine in ("alpha", "rips"):
        (birth, death) = persistence(polygon(8) * scale, engine=engine).bars(1)[0]
        assert birth == pytest.approx(scale * math.sin(math.pi / 8), rel=1e-5)
        assert death > 1.5 * birth


def test_duplicates_are_removed_and_counted():
    """The paper's grid repeats its end point: one duplicate of 20, and the diagram of 19 points."""
    angle = np.linspace(0.0, 1.0, 20)[:, None] % 1.0 * 2 * math.pi
    cloud = np.hstack([np.cos(angle), np.sin(angle)])
    diagram = persistence(cloud)
    assert (diagram.points, diagram.duplicates) == (19, 1)


@pytest.mark.parametrize("dimension", [1, 2, 3, 6])
def test_one_point_and_equal_points(dimension):
    """One class in degree 0 that never dies."""
    for count in (1, 5):
        diagram = persistence(np.full((count, dimension), 2.5), max_degree=2)
        assert (diagram.points, diagram.duplicates, diagram.essential(0)) == (1, count - 1, 1)
        assert diagram.bars(0) == []


def test_a_cut_filtration_keeps_classes_alive():
    """Cut at radius 1/2, the class of the 12-gon is born and does not die."""
    for engine in ("alpha", "rips"):
        diagram = persistence(polygon(12), engine=engine, max_radius=0.5)
        assert diagram.essential(1) == 1
        assert diagram.max_radius == 0.5
        assert diagram.betti(1, 0.4) == 1


@pytest.mark.parametrize(
    "cloud", [np.empty((0, 2)), np.empty((3, 0)), np.zeros(4), np.zeros((2, 2, 2))], ids=["empty", "flat", "1-D", "3-D"]
)
def test_what_is_no_cloud_is_refused(cloud):
    """A cloud has at least one point and one coordinate."""
    with pytest.raises(UsageError, match="at least one point"):
        persistence(cloud)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_non_finite_points_are_refused(value):
    """NaN has no homology."""
    with pytest.raises(MeasurementError, match="NaN or infinite"):
        persistence(np.array([[0.0, 1.0], [value, 2.0]]))


@pytest.mark.parametrize("field", [0, 1, 4, -3, 46_349, 2.0, True])
def test_a_field_is_a_prime(field):
    """Z/4 is no field, and gudhi has none above 46,337."""
    with pytest.raises(UsageError, match="prime"):
        persistence(polygon(5), field=field)


def test_other_bad_parameters_are_refused():
    """Degrees, engines and radii."""
    with pytest.raises(UsageError, match="max_degree"):
        persistence(polygon(5), max_degree=-1)
    with pytest.raises(UsageError, match="engine"):
        persistence(polygon(5), engine="ripser")
    with pytest.raises(UsageError, match="max_radius"):
        persistence(polygon(5), max_radius=math.nan)
    with pytest.raises(UsageError, match='engine="rips"'):
        persistence(np.zeros((3, 6)) + np.arange(3)[:, None], engine="alpha")


def test_too_large_a_cloud_is_refused_with_advice():
    """The message says to how many points to subsample, before anything is built; that many are taken."""
    rng = np.random.Generator(np.random.PCG64(0))
    cloud = rng.random((2_000, 3))
    for arguments in ({"memory": 5e6}, {"memory": 1e6, "engine": "rips", "max_degree": 2, "max_radius": 0.1}):
        with pytest.raises(MeasurementError, match=r"GiB allowed: subsample to at most \d+ points") as refused:
            persistence(cloud, **arguments)
        fits = int(re.search(r"at most (\d+) points", str(refused.value)).group(1))
        assert 1 < fits < 2_000
        assert persistence(cloud[:fits], **arguments).points == fits
    with pytest.raises(MeasurementError, match="subsample"):
        persistence(rng.random((100_000, 6)), max_degree=2)


def test_the_bottleneck_distance_has_its_closed_form():
    """Scaling a polygon by 1.1 moves the death of its class by 0.1, the largest change of all bars."""
    first, second = persistence(polygon(20)), persistence(polygon(20, 1.1))
    assert bottleneck(first, second, 1) == pytest.approx(0.1, rel=1e-4)
    assert bottleneck(first, first, 1) == 0.0
    with pytest.raises(UsageError, match="Z/3"):
        bottleneck(first, persistence(polygon(20), field=3), 1)


def test_stability_under_perturbation():
    """The bottleneck distance of alpha diagrams is at most the Hausdorff distance of the clouds."""
    rng = np.random.Generator(np.random.PCG64(1))
    cloud = rng.random((60, 2))
    move = rng.uniform(-1, 1, cloud.shape) * 0.01 / math.sqrt(2)
    for degree in (0, 1):
        assert bottleneck(persistence(cloud), persistence(cloud + move), degree) <= 0.01 * (1 + 1e-4)


def test_farthest_points_cover():
    """The radius is that of the cover, and all points are taken where the count allows."""
    cloud = np.random.Generator(np.random.PCG64(2)).random((300, 2))
    chosen, radius = farthest_points(cloud, 40)
    distance = np.linalg.norm(cloud[:, None] - cloud[chosen][None], axis=2).min(axis=1)
    assert len(set(chosen.tolist())) == 40
    assert radius == pytest.approx(distance.max())
    assert farthest_points(cloud, 1_000)[1] == 0.0
    assert len(farthest_points(np.ones((7, 2)), 3)[0]) == 1


def test_importing_loads_no_gudhi():
    """gudhi is loaded when the first diagram is computed."""
    code = "import aeverify.homology, aeverify.measure, sys; print([m for m in ('gudhi', 'torch') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_hera_and_cgal_agree():
    """The bottleneck distance of random diagrams with infinite bars is the same by another library."""
    import gudhi

    rng = np.random.Generator(np.random.PCG64(3))
    for _ in range(20):
        first, second = (np.sort(rng.random((rng.integers(1, 20), 2)), axis=1) for _ in range(2))
        forever = np.array([[rng.random(), math.inf]])
        rows = [np.vstack([d, forever]) for d in (first, second)]
        diagrams = [Diagram((r,), 2, "rips", 1, 0, 1) for r in rows]
        assert bottleneck(*diagrams, 0) == pytest.approx(gudhi.bottleneck_distance(*rows, 0.0))
    assert bottleneck(diagrams[0], Diagram((first,), 2, "rips", 1, 0, 1), 0) == math.inf


def test_fields_share_a_complex():
    """Diagrams over several fields are those over each."""
    both = persistence_over(polygon(9), (2, 3))
    assert [d.field for d in both] == [2, 3]
    for diagram in both:
        assert diagram.to_dict() == persistence(polygon(9), field=diagram.field).to_dict()


def test_the_engine_says_why_it_was_chosen():
    """Alpha in low dimensions, Rips above and where a cut leaves few pairs."""
    rng = np.random.Generator(np.random.PCG64(0))
    cloud = rng.random((400, 3))
    assert (persistence(cloud).engine, persistence(cloud, max_radius=0.3).engine) == ("alpha", "alpha")
    near = persistence(cloud, max_radius=0.05)
    assert near.engine == "rips"
    assert "pairs a point within the cut" in near.reason
    assert persistence(rng.random((20, 5))).reason == "alpha complexes are too large in dimensions above 4"
    assert persistence(cloud[:, :2], max_radius=0.01).engine == "alpha"


@pytest.mark.parametrize("max_degree", [0, 1, 2])
@pytest.mark.parametrize("radius", [0.15, 0.4, math.inf])
def test_all_ways_to_a_rips_diagram_agree(max_degree, radius, monkeypatch):
    """The port of ripser on tables and on graphs, and the expanded complex, give one diagram, shuffled too."""
    rng = np.random.Generator(np.random.PCG64(5))
    cloud = rng.random((60, 3))
    arguments = {"max_degree": max_degree, "engine": "rips", "max_radius": radius}
    with_port = persistence(cloud, **arguments)
    shuffled = persistence(cloud[rng.permutation(60)], **arguments)
    monkeypatch.setattr("aeverify.homology.rips._port", lambda: None)
    expanded = persistence(cloud, **arguments)
    for degree in range(max_degree + 1):
        for other in (shuffled, expanded):
            assert np.allclose(with_port.intervals(degree), other.intervals(degree))


def test_float32_codes_are_recognised_and_their_rounding_stated():
    """Float32 coordinates with ties and repetitions: counted, and the rounding is half a unit in the last place a
    coordinate."""
    rng = np.random.Generator(np.random.PCG64(0))
    codes = (np.round(rng.random((300, 2)) * 8) / 8).astype(np.float32).astype(np.float64)
    diagram = persistence(codes)
    assert diagram.float32
    assert diagram.points + diagram.duplicates == 300
    assert diagram.points <= 81
    assert diagram.rounding == pytest.approx(2.0**-23 * math.sqrt(2) / 2)
    assert not persistence(codes + 1e-12).float32
    moved = rng.random((80, 2))
    rounded = moved.astype(np.float32).astype(np.float64)
    first, second = persistence(moved), persistence(rounded)
    assert bottleneck(first, second, 1) <= second.rounding * (1 + 1e-4) + 1e-5 * float(second.intervals(1).max())


def test_a_cut_class_lives_until_the_cut_at_least():
    """The sound reading of an infinite death of a cut filtration."""
    diagram = persistence(polygon(12), max_radius=0.5)
    assert diagram.intervals(1)[0][1] == math.inf
    assert diagram.alive_until(1)[0][1] == 0.5
    assert diagram.persistent_betti(1, 0.3, 0.45) == 1
    assert diagram.persistent_betti(1, 0.2, 0.45) == 0


@pytest.mark.parametrize("engine", ["alpha", "rips"])
def test_a_hole_is_found_among_the_points(engine):
    """The loop of a polygon with an island: all corners in order; the hole's centre is that of the polygon (alpha)."""
    n = 12
    right = np.array([[5.0, 0.0]])
    cloud = np.vstack([polygon(n) + right, 0.0 * right, polygon(n)[:1] + right])
    (hole, *_) = holes(cloud, engine=engine)
    assert (hole.degree, hole.birth) == (1, pytest.approx(math.sin(math.pi / n), rel=1e-5))
    assert hole.death == pytest.approx(persistence(cloud, engine=engine).bars(1)[0][1])
    assert set(hole.born_at) <= set(range(n))
    assert set(hole.filled_at) <= set(range(n))
    loop = list(hole.loop)
    assert sorted(loop) == list(range(n))
    assert all((b - a) % n in (1, n - 1) for a, b in zip(loop, loop[1:] + loop[:1], strict=True))
    if engine == "alpha":
        assert hole.center == pytest.approx([5.0, 0.0], abs=1e-6)


def test_a_hole_of_degree_two_has_its_centre():
    """The octahedron's inside."""
    (hole,) = holes(3.0 * OCTAHEDRON, 2)
    assert hole.center == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)
    assert (hole.birth, hole.death) == (pytest.approx(3 * math.sqrt(2 / 3)), pytest.approx(3.0))
    assert hole.loop == ()


def test_what_has_no_holes_and_what_cannot():
    """Points on a line have none; a class that outlives the cut is filled by nothing; bad parameters are refused."""
    assert holes(np.arange(5.0)[:, None]) == ()
    (hole,) = holes(polygon(12), max_radius=0.5)
    assert (hole.death, hole.filled_at, hole.center) == (math.inf, (), None)
    for arguments in ({"degree": 0}, {"most": 0}, {"field": 4}):
        with pytest.raises(UsageError):
            holes(polygon(5), **arguments)


def test_exact_radii_are_far_from_all_values():
    """Of a regular polygon: between the edges' value and the circumradius, where all the rest comes."""
    radii = exact_radii(polygon(12))
    assert [math.sin(math.pi / 12) < r < 1 for r in radii] == [False, True]


def test_the_self_test_refuses_an_engine_that_loses_a_class(monkeypatch):
    """Values in squares, a lost top degree and a wrong field are all noticed."""
    from aeverify.homology import selftest

    real = selftest.tree_degrees
    wrong = {
        "squares": lambda tree, top, field, unit=1.0: [r**2 for r in real(tree, top, field, unit)],
        "no top degree": lambda tree, top, field, unit=1.0: [*real(tree, top - 1, field, unit), np.empty((0, 2))],
        "another field": lambda tree, top, field, unit=1.0: real(tree, top, 11, unit),
    }
    for defect in wrong.values():
        monkeypatch.setattr(selftest, "tree_degrees", defect)
        with pytest.raises(InvariantError, match="cannot be used"):
            selftest.self_test.__wrapped__()
    monkeypatch.setattr(selftest, "tree_degrees", real)
    selftest.self_test.__wrapped__()


def test_more_bad_parameters_are_refused():
    """Memory, and names of engines in words."""
    for arguments in ({"memory": 0.0}, {"memory": math.nan}, {"max_radius": -1.0}):
        with pytest.raises(UsageError):
            persistence(polygon(5), **arguments)
