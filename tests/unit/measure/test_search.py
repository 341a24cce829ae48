from __future__ import annotations

import math

import numpy as np

from aeverify.manifolds import Chart, manifold
from aeverify.measure.search import ascend, bisect, largest_change, zoom


def test_bisection_ends_at_adjacent_numbers():
    """The zero of t^2 - 2 lies between two float64 numbers with none between them."""
    a, b = bisect(lambda t: t**2 - 2, np.array([1.0, 2.0]), np.array([2.0, 0.0]))
    for left, right in zip(np.minimum(a, b), np.maximum(a, b), strict=True):
        assert math.nextafter(left, math.inf) == right
        assert left <= math.sqrt(2) <= right


def test_the_largest_change_closes_in_on_a_jump():
    """A step among slopes is bracketed by adjacent numbers."""

    def step(t):
        return np.where(t < 0.3, t, t + 0.1)

    a, b = largest_change(lambda s, t: np.abs(step(s) - step(t)), np.array([0.0]), np.array([1.0]))
    assert (a[0], b[0]) == (math.nextafter(0.3, 0.0), 0.3)


def test_ascent_finds_maxima_in_several_dimensions():
    """A smooth bump on a box with one periodic side."""
    chart = Chart((0.0, 0.0), (1.0, 1.0), (True, False), lambda u, ops: [u[0], u[1]], (1.0, 1.0))

    def bump(u):
        return np.cos(2 * np.pi * (u[:, 0] - 0.95)) - (u[:, 1] - 0.7) ** 2

    u, values = ascend(bump, chart, np.array([[0.1, 0.1], [0.6, 0.99]]), np.array([0.05, 0.05]))
    assert np.allclose(u, [[0.95, 0.7], [0.95, 0.7]], atol=1e-5)
    assert np.allclose(values, 1.0)


def test_ascent_never_falls_and_stays_in_the_box():
    """At a maximum on the boundary nothing moves."""
    chart = manifold("spiral").chart
    u, values = ascend(lambda u: u[:, 0], chart, np.array([[1.0], [0.2]]), np.array([0.1, 0.1]))
    assert u.tolist() == [[1.0], [1.0]]
    assert values.tolist() == [1.0, 1.0]


def test_zoom_meets_features_of_every_width():
    """A spike of width 1e-10 beside the center is seen, at its own scale."""
    chart = manifold("circle").chart
    rng = np.random.Generator(np.random.PCG64(0))

    def spike(u):
        return ((u[:, 0] > 0.4 + 1e-11) & (u[:, 0] < 0.4 + 1e-10)).astype(float)

    u, values, scale = zoom(spike, chart, np.array([[0.4]]), rng)
    assert values[0] == 1.0
    assert 0 < u[0, 0] - 0.4 < 1e-10
    assert 1e-12 < scale[0] < 1e-9
