"""Geodesic distances against closed forms and other computations of them."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.special import ellipeinc

from aeverify.errors import MeasurementError, UsageError
from aeverify.manifolds import manifold
from aeverify.measure.latent_quality import geodesics as module
from aeverify.measure.latent_quality.geodesics import graph_distances

RNG = np.random.Generator(np.random.PCG64(21))


def between(spec: str, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Distances (p, q) on the set of that spec."""
    found = module.geodesic_distances(manifold(spec))
    assert found is not None
    return found(u, v)


def test_circle_and_flat_torus():
    """The shorter way round, on each circle."""
    u, v = np.array([[0.0], [0.1]]), np.array([[0.25], [0.9], [0.5]])
    assert between("circle:radius=2", u, v) == pytest.approx(
        4 * math.pi * np.array([[0.25, 0.1, 0.5], [0.15, 0.2, 0.4]])
    )
    a, b = RNG.random((6, 2)), RNG.random((5, 2))
    slow = [
        [
            min(
                math.hypot(2 * math.pi * (p[0] - q[0] + i), 2 * math.pi * 3 * (p[1] - q[1] + j))
                for i, j in itertools.product((-1, 0, 1), repeat=2)
            )
            for q in b
        ]
        for p in a
    ]
    assert between("clifford:r1=1,r2=3", a, b) == pytest.approx(np.array(slow))


def test_sphere():
    """r times the angle, also for points that are nearly equal or nearly opposite."""
    sphere = manifold("sphere:dim=2,radius=3")
    u, v = sphere.sample(20, 1).parameters, sphere.sample(15, 2).parameters
    x, y = sphere.chart.embed(u) / 3, sphere.chart.embed(v) / 3
    assert between(str(sphere), u, v) == pytest.approx(3 * np.arccos(x @ y.T), abs=1e-7)
    near = np.array([[0.25, 0.3], [0.25, 0.3 + 1e-9], [0.25, 0.8 + 1e-9]])
    found = between(str(sphere), near[:1], near)
    assert found[0] == pytest.approx([0.0, 6e-9 * math.pi, 3 * math.pi - 6e-9 * math.pi], rel=1e-6, abs=1e-15)


def test_ellipse():
    """The incomplete elliptic integral of the second kind."""
    a, b = 3.0, 1.0

    def upto(t: float) -> float:  # angle from the first axis, where the speed is (a^2 sin^2 + b^2 cos^2)^(1/2)
        return b * float(ellipeinc(2 * math.pi * t, 1 - a * a / (b * b)))

    u, v = RNG.random((7, 1)), RNG.random((6, 1))
    length = upto(1.0)
    slow = [[min(abs(upto(p) - upto(q)), length - abs(upto(p) - upto(q))) for q in v[:, 0]] for p in u[:, 0]]
    assert between("ellipse:a=3,b=1", u, v) == pytest.approx(np.array(slow), rel=1e-10)


def test_arcs_products_and_transforms():
    """An arc has one way; a product the root of squares; a similarity its factor; a ball the straight line."""
    segment = manifold("segment")
    low, high = segment.chart.lower[0], segment.chart.upper[0]
    u = np.array([[low], [high]])
    assert between("segment", u, u)[0, 1] == pytest.approx(segment.truth.volume.upper)
    pair = np.array([[0.0, low], [0.25, high]])
    product = between('product:factors=["circle","segment"]', pair, pair)
    assert product[0, 1] == pytest.approx(math.hypot(math.pi / 2, segment.truth.volume.upper))
    turn = np.array([[0.0], [0.5]])
    assert between('scaled:base="circle",factor=2', turn, turn)[0, 1] == pytest.approx(2 * math.pi)
    assert between('included:base="circle",ambient_dim=5', turn, turn)[0, 1] == pytest.approx(math.pi)
    disc = manifold("ball:dim=2")
    p = disc.sample(5, 0)
    assert between("ball:dim=2", p.parameters, p.parameters)[0, 1] == pytest.approx(math.dist(*p.points[:2]))


@pytest.mark.parametrize("spec", ["circle", "ellipse:a=3,b=1", "trefoil", "sphere", "clifford:r1=1,r2=2", "swiss_roll"])
def test_geodesic_distances_are_a_metric_above_the_chord(spec: str):
    """0 on the diagonal, symmetric, no triangle broken, and never below the straight line, nor far above it nearby."""
    k = manifold(spec)
    sample = k.sample(40, 3)
    d = between(spec, sample.parameters, sample.parameters)
    chord = np.linalg.norm(sample.points[:, None] - sample.points[None], axis=2)
    assert np.diagonal(d) == pytest.approx(np.zeros(40), abs=1e-9)
    assert d == pytest.approx(d.T, abs=1e-9)
    assert (d[:, None, :] <= d[:, :, None] + d[None, :, :] + 1e-9).all()
    assert (d >= chord - 1e-9).all()
    step = sample.parameters[:1] + 1e-5 * (np.array(k.chart.upper) - np.array(k.chart.lower))
    short = float(between(spec, sample.parameters[:1], step)[0, 0])
    assert short == pytest.approx(math.dist(k.chart.embed(step)[0], sample.points[0]), rel=1e-3)


def test_the_graph_comes_near_the_known_distances():
    """On a dense sample of a circle and of a Swiss roll."""
    for spec, n, off in (("circle", 600, 0.01), ("swiss_roll", 1500, 0.1)):
        sample = manifold(spec).sample(n, 5, method="sobol")
        exact = between(spec, sample.parameters[:50], sample.parameters)
        graph = graph_distances(sample.points, 8)[:50]
        far = exact > 0.3 * exact.max()
        assert (np.abs(graph / np.where(far, exact, 1.0) - 1)[far]).max() < off


def test_equal_points_are_joined_and_separate_ones_refused():
    """An edge of length 0 is an edge; two clusters have no path."""
    line = np.repeat(np.arange(10.0), 2)[:, None]
    assert graph_distances(line, 5)[0] == pytest.approx(line[:, 0])
    with pytest.raises(UsageError, match="falls into 2 parts"):
        graph_distances(np.concatenate([line, line + 1000.0]), 5)
    with pytest.raises(UsageError, match="from 1 to 19"):
        graph_distances(line, 20)


def test_sets_without_known_geodesics_say_so():
    """A torus of revolution, and a union."""
    assert module.geodesic_distances(manifold("torus:R=2,r=1")) is None
    assert module.geodesic_distances(manifold("two_circles")) is None
    assert module.geodesic_distances(manifold('product:factors=["circle","torus:R=2,r=1"]')) is None


def test_a_quadrature_that_misses_the_length_is_refused(monkeypatch: pytest.MonkeyPatch):
    """The enclosed length of the curve is the judge."""
    monkeypatch.setattr(module, "_PANELS", 1)
    monkeypatch.setattr(module, "_NODES", 2)
    with pytest.raises(MeasurementError, match="by quadrature"):
        module.geodesic_distances(manifold("ellipse:a=3,b=1"))
