"""Decoded codes and their distances to K, against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aeverify import measure
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.errors import NonFiniteOutputError, UsageError
from aeverify.manifolds import Manifold, manifold
from aeverify.measure.generation import decode
from aeverify.measure.proximity import Nodes, surroundings

SMALL = {"draws": 20_000, "alpha": 1e-6}


def test_distances_to_the_circle_are_enclosed(circle: Manifold):
    """d(p, K) = ||p| - 1|."""
    points = np.random.Generator(np.random.PCG64(5)).uniform(-2, 2, (1000, 2))
    true = np.abs(np.hypot(*points.T) - 1.0)
    low, high = Nodes.of(circle, 2_000).distances(points)
    assert (low <= true).all() and (true <= high).all()
    assert float((high - low).max()) < 0.01


def test_points_of_the_surroundings_keep_their_distance(circle: Manifold):
    """They fill the widened box but for the ring |r - 1| < apart."""
    rng = np.random.Generator(np.random.PCG64(3))
    points = surroundings(circle, Nodes.of(circle), 5_000, margin=0.5, apart=0.3, rng=rng)
    radius = np.hypot(*points.T)
    assert points.shape == (5_000, 2)
    assert float(np.abs(radius - 1).min()) >= 0.3
    assert float(np.abs(points).max()) <= 1.5
    inside = math.pi * 0.7**2 / (9 - math.pi * (1.3**2 - 0.7**2))
    assert float((radius < 1).mean()) == pytest.approx(inside, abs=0.03)


def test_a_distance_that_the_box_does_not_have_is_refused(circle: Manifold):
    """Nothing within the box is 5 away."""
    rng = np.random.Generator(np.random.PCG64(3))
    with pytest.raises(UsageError, match="smaller distance"):
        surroundings(circle, Nodes.of(circle), 100, margin=0.5, apart=5.0, rng=rng)


def test_codes_of_a_folded_circle(circle: Manifold):
    """D(z) = (z, 0), |z| <= 1: 1 - |z| > 0.2 with probability 0.8; in the box twice as large 0.4 + 0.4."""
    fold = oracle("fold")
    inside = measure.generated_far_share(fold, circle, 0.2, **SMALL)
    assert 0.8 in inside.interval
    assert inside.interval.width < 0.05
    # |z| uniform in [0, 2]: below 0.8 or above 1.2
    assert 0.8 in measure.generated_far_share(fold, circle, 0.2, scale=2.0, **SMALL).interval
    assert inside.witness is not None
    assert measure.reevaluate(fold, circle, inside.witness).points[0].reconstruction[1] == 0.0


def test_a_decoder_onto_the_circle_generates_nothing_else(circle: Manifold):
    """D(z) = (cos z, sin z) for every z, a thousand times beyond the codes too."""
    found = measure.generated_far_share(oracle("cut:half_width=0.05"), circle, 0.01, scale=1e3, **SMALL)
    assert found.details["count"] == 0


def test_between_two_points_the_middle_is_far():
    """Two circles at distance 1 torn and joined by the code: the theorem asks for 1/2."""
    two, model = manifold("two_circles"), oracle("cut_two_circles")
    best = measure.nearest_reconstructions(model, two)
    assert [b.upper < 1e-12 for b in best] == [True, True]
    codes = [np.array(b.witness.points[0].code) for b in best if b.witness is not None]
    found = measure.farthest_between(model, two, *codes)
    assert found.lower >= 0.5 - 1.001 * found.details["resolution"]
    assert found.upper == math.inf
    # the bridge is the straight segment from A's (-cos h, sin h, 0) to B's (1 - sin h, 0, -cos h)
    ends = np.array([[-math.cos(0.05), math.sin(0.05), 0.0], [1 - math.sin(0.05), 0.0, -math.cos(0.05)]])
    line = ends[0] + np.linspace(0, 1, 2001)[:, None] * (ends[1] - ends[0])
    first = np.hypot(np.hypot(line[:, 0], line[:, 1]) - 1, line[:, 2])
    second = np.hypot(np.hypot(line[:, 0] - 1, line[:, 2]) - 1, line[:, 1])
    farthest = float(np.minimum(first, second).max())
    assert found.lower <= farthest + 1e-3


def test_one_component_has_no_between(circle: Manifold):
    """A usage error says so."""
    with pytest.raises(UsageError, match="one component"):
        measure.farthest_between(oracle("fold"), circle, np.zeros(1), np.ones(1))


def test_a_code_without_a_finite_output_is_the_witness(circle: Manifold):
    """D(z) = 1/z at 0."""
    model = Autoencoder.from_callables(
        lambda x: x[:, :1],
        lambda z: np.column_stack([np.where(z[:, 0] == 0, np.inf, z[:, 0]), z[:, 0]]),
        ambient_dim=2,
        latent_dim=1,
    )
    with pytest.raises(NonFiniteOutputError) as caught:
        decode(model, circle, np.array([[1.0], [0.0]]))
    assert caught.value.witness.kind == "non_finite"
    assert caught.value.witness.points[0].code == (0.0,)
