import math

import numpy as np
import pytest

from aeverify.core import Interval
from aeverify.errors import SpecError
from aeverify.manifolds import manifold, point_balls
from aeverify.manifolds.transforms import householder_vectors, included, moved, reflected, scaled

BASES = ["ellipse:a=3,b=2", "torus:R=2,r=1", "klein:R=2,r=1", "moebius:R=1,h=0.4", "two_circles", "ball:dim=2,radius=1"]
LENGTHS = ("reach", "circumradius", "diameter", "inner_radius", "weak_feature_size")
KEPT = ("dimension", "closed", "components", "orientable", "betti", "antipodal_index")


@pytest.mark.parametrize("base", BASES)
def test_scaling_multiplies_lengths_and_powers_of_them(base):
    """Lengths by c, the volume by c^dimension, the curvature by 1 / c; topology stays."""
    k, c = manifold(base), 3.0
    before, after = k.truth, scaled(k, c).truth
    for name in LENGTHS:
        old, new = getattr(before, name), getattr(after, name)
        assert (old is None) == (new is None)
        if old is not None and old.upper < math.inf:
            assert new.lower == pytest.approx(old.lower * c, rel=1e-14)
            assert new.upper == pytest.approx(old.upper * c, rel=1e-14)
    assert after.volume.lower == pytest.approx(before.volume.lower * c**before.dimension, rel=1e-14)
    for name in KEPT:
        assert getattr(after, name) == getattr(before, name)
    if before.curvature is not None:
        assert after.curvature.lower == pytest.approx(before.curvature.lower / c, rel=1e-14)


@pytest.mark.parametrize("base", BASES)
def test_isometries_change_no_fact(base):
    """A rotation, a shift and an inclusion keep every length, the volume and the topology."""
    k = manifold(base)
    n = k.ambient_dim
    for image in (moved(k, 5, [1.0] * n), included(k, n + 4, 2)):
        for name in (*LENGTHS, *KEPT, "volume", "curvature"):
            assert getattr(image.truth, name) == getattr(k.truth, name)


@pytest.mark.parametrize("base", BASES)
def test_isometries_keep_distances(base):
    """Distances of points of the same parameters agree to rounding."""
    k = manifold(base)
    sample = k.sample(60, 1)
    n = k.ambient_dim
    distances = np.linalg.norm(sample.points[:, None] - sample.points[None], axis=2)
    for image in (moved(k, 5, [1.0] * n), included(k, n + 4, 2)):
        x = np.empty((60, image.ambient_dim))
        for i, part in enumerate(k.components):
            rows = sample.component == i
            x[rows] = image.embed(i, sample.parameters[rows, : part.chart.dim])
        np.testing.assert_allclose(np.linalg.norm(x[:, None] - x[None], axis=2), distances, atol=1e-12)


def test_the_same_seed_draws_the_same_parameters():
    """A similarity keeps the normalised measure, so draws correspond."""
    k = manifold("ellipsoid:axes=[3,2,1]")
    assert scaled(k, 2.0).sample(50, 4).parameters.tolist() == k.sample(50, 4).parameters.tolist()


def test_transforms_compose_in_one_line():
    """Nested specifications are quoted and read back."""
    k = scaled(moved(included(manifold("torus:R=2,r=1"), 5, 1), 3, [1, 0, 0, 0, 0]), 0.5)
    again = manifold(str(k))
    assert again == k
    assert again.grid(30).points.tolist() == k.grid(30).points.tolist()
    assert again.truth.reach == Interval.exactly(0.5)


def test_reflections_make_an_exactly_orthogonal_frame():
    """In ball arithmetic the images of the axes are orthonormal within the balls."""
    from aeverify.manifolds.balls import ball_operations, precision

    vectors = householder_vectors(6, 4, 9)
    with precision(128):
        ops = ball_operations()
        axes = [[ops.real(1.0 if i == j else 0.0) for i in range(6)] for j in range(4)]
        frame = [reflected(axis, vectors, ops) for axis in axes]
        for i in range(4):
            for j in range(4):
                inner = sum((a * b for a, b in zip(frame[i], frame[j], strict=True)), ops.real(0.0))
                assert inner.contains(1 if i == j else 0)
                assert float(inner.rad()) < 1e-30


def test_a_rotation_keeps_orientation():
    """The matrix of a moved set has determinant 1, in even and odd dimensions."""
    for base, n in (("circle", 2), ("torus:R=2,r=1", 3)):
        k = manifold(base)
        image = moved(k, 11)
        x, y = k.sample(40, 0).points, image.sample(40, 0).points
        matrix = np.linalg.lstsq(x, y, rcond=None)[0]
        assert np.linalg.det(matrix) == pytest.approx(1.0, abs=1e-9)
        assert matrix.shape == (n, n)


def test_a_shift_moves_the_centre_of_symmetry():
    """A set symmetric about the origin is symmetric about the shift."""
    k = moved(manifold("sphere"), 3, [1, 2, 3])
    assert k.truth.symmetry_center == (1.0, 2.0, 3.0)
    np.testing.assert_allclose(np.linalg.norm(k.sample(50, 0).points - [1, 2, 3], axis=1), 1.0, atol=1e-13)


def test_balls_of_a_transformed_point_hold_the_floats():
    """The certified point of a moved and included set is where the floats are."""
    k = manifold('included:base="moved:base=\\"klein:R=2,r=1\\",rotation=1,shift=[1,2,3,4]",ambient_dim=7,seed=3')
    floats = k.chart.embed([[0.3, 0.6]])[0]
    for value, ball in zip(floats, point_balls(k, [0.3, 0.6]), strict=True):
        assert abs(float(ball.mid()) - value) < 1e-13


@pytest.mark.parametrize(
    "spec",
    [
        "scaled:base=circle,factor=0",
        "scaled:base=circle,factor=-1",
        "scaled:base=circle,factor=1e150",
        "scaled:base=3,factor=2",
        "moved:base=circle,rotation=1.5",
        "moved:base=circle,rotation=-1",
        "moved:base=circle,shift=[1,2,3]",
        "moved:base=circle,shift=[1e9,0]",
        "included:base=circle,ambient_dim=1",
        "included:base=circle,ambient_dim=10001",
        "included:base=circle,ambient_dim=5,seed=none",
    ],
)
def test_bad_transforms_are_refused(spec):
    """No length, no seed, another space: each with the reason."""
    with pytest.raises(SpecError) as caught:
        manifold(spec)
    assert "\n" not in str(caught.value)
