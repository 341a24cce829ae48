import math

import numpy as np
import pytest

from aeverify.core import Rigor
from aeverify.manifolds import manifold
from aeverify.widths import upper_bounds
from aeverify.widths.convex import is_convex_curve, minimal_width_bound
from aeverify.widths.cut import cut_bound
from aeverify.widths.projection import truncation_bound


@pytest.mark.parametrize(
    ("spec", "m", "expected"),
    [
        ("ellipse:a=3,b=2", 1, 2.0),
        ("ellipsoid:axes=[3,2,1]", 1, 2.0),
        ("ellipsoid:axes=[3,2,1]", 2, 1.0),
        ("torus:R=2,r=1", 2, 1.0),
        ("moebius:R=1,h=0.4", 2, 0.4),
        ("reuleaux:width=1", 1, 0.5),
    ],
)
def test_projections_attain_half_the_least_width(spec, m, expected):
    """On symmetric sets PCA is best; on a curve of constant width every direction is."""
    assert expected * (1 - 1e-12) <= truncation_bound(manifold(spec), m).upper <= expected * (1 + 1e-3)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("circle:radius=1.5", 3.0),  # the diameter, as the oracle `cut` has it
        ("ellipse:a=3,b=2", math.sqrt(16.2)),  # from (0, 2), 13 - 5 s^2 - 8 s is largest at s = -4/5
        ('scaled:base="ellipse:a=3,b=2",factor=2', 2 * math.sqrt(16.2)),
    ],
)
def test_cut_maps_err_by_the_least_eccentricity(spec, expected):
    """Among all methods, and only where all are asked for; for every m the same, and never below the centre's."""
    for m in (1, 2):
        found = {e.details["name"]: e for e in upper_bounds(spec, m, every=True)}
        cut = found["cut map"]
        assert cut.rigor is Rigor.CERTIFIED
        assert expected * (1 - 1e-12) <= cut.upper <= expected * (1 + 1e-4)
        assert found["centre"].upper <= cut.upper
    assert "cut map" not in {e.details["name"] for e in upper_bounds(spec, 1)}


def test_sets_that_are_no_closed_curve_have_no_cut_map():
    """An arc needs none, a surface has other cuts."""
    assert cut_bound(manifold("segment")) is None
    assert cut_bound(manifold("torus:R=2,r=1")) is None


def test_the_residual_is_enclosed_over_the_whole_set():
    """The matrix and the offset that are told give an autoencoder whose error on a fine grid stays below the bound and
    comes close to it."""
    k = manifold("trefoil")
    found = truncation_bound(k, 1)
    q, r = np.array(found.details["matrix"]), np.array(found.details["offset"])
    x = k.chart.embed((np.arange(20_000) / 20_000)[:, None])
    errors = np.linalg.norm(x - r - x @ q @ q.T, axis=1)
    assert 0.999 * found.upper <= errors.max() <= found.upper


@pytest.mark.parametrize(("spec", "m"), [("circle", 2), ("rotating_bar:pixels=32,width=0.5", 2)])
def test_projections_that_cannot_be_enclosed_are_left_out(spec, m):
    """No dimension left to drop; a matrix of more than 1024 entries."""
    assert truncation_bound(manifold(spec), m) is None


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("ellipse:a=3,b=2", True),
        ("star:a=0.3,k=3", False),
        ("star:a=0.05,k=3", True),
        ("reuleaux:sharpness=0.999", True),
    ],
)
def test_convexity_is_proved_or_not_claimed(spec, expected):
    """1 + a cos 3t is convex for a <= 1/10; a Reuleaux curve always, however sharp."""
    assert is_convex_curve(manifold(spec).chart) is expected


def test_a_flat_point_is_not_proved_convex():
    """At a = 1/10 the curvature of 1 + a cos 3t vanishes in the bays: boxes never separate it from 0."""
    assert is_convex_curve(manifold("star:a=0.1,k=3").chart) is False


@pytest.mark.parametrize(
    ("spec", "m", "expected"),
    [
        ("segment:length=3,ambient_dim=2", 1, None),
        ("ball:dim=3,radius=2", 2, 2.0),
        ("ball:dim=3,radius=2", 3, None),
        ('product:factors=["segment:length=4,ambient_dim=1","ball:dim=2,radius=0.5"]', 1, 0.5),
        ('scaled:base="ball:dim=2",factor=3', 1, 3.0),
        ('product:factors=["segment:length=1,ambient_dim=1","circle"]', 1, None),
        ("trefoil", 1, None),
    ],
)
def test_convex_bodies_have_half_their_minimal_width(spec, m, expected):
    """Products of segments and balls exactly; nothing of sets that are not convex or have no dimension left."""
    found = minimal_width_bound(manifold(spec), m)
    assert (None if found is None else found.lower) == expected


@pytest.mark.parametrize(
    ("spec", "half"), [("ellipse:a=3,b=2", 2.0), ("reuleaux:width=1,sides=7", 0.5), ("star:a=0.05,k=2", 0.95)]
)
def test_the_minimal_width_of_a_curve_is_bounded_below(spec, half):
    """Never above, and within one part in 10^4."""
    assert half * (1 - 1e-4) < minimal_width_bound(manifold(spec), 1).lower <= half * (1 + 1e-12)


def test_half_a_width_is_not_claimed_of_a_curve_that_is_not_convex():
    """The star's hull has a larger width than its own w_1 allows."""
    assert minimal_width_bound(manifold("star:a=0.3,k=3"), 1) is None
    assert math.isfinite(truncation_bound(manifold("star:a=0.3,k=3"), 1).upper)
