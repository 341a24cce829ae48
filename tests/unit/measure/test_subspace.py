"""Principal angles and tours of codes, against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aeverify import measure
from aeverify.autoencoders.linear import PcaAutoencoder
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.errors import InvariantError, UsageError
from aeverify.measure.code_path import spanning_length

CROSS = np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
"""Covariance diag(2, 1/2)."""


def line(angle: float) -> Autoencoder:
    """Orthogonal projection to the line of that angle through 0."""
    u = np.array([math.cos(angle), math.sin(angle)])
    return Autoencoder.from_callables(
        lambda x: (x @ u)[:, None], lambda z: 3.0 + 0 * z @ u[None] + z @ u[None] - 3.0, ambient_dim=2, latent_dim=1
    )


@pytest.mark.parametrize("angle", [0.0, 1e-6, 0.3, math.pi / 2])
def test_the_sine_of_a_rotated_line(angle: float):
    """The principal direction is the first axis; for an orthogonal projection the bound is attained."""
    found = measure.principal_angle(line(angle), CROSS)
    assert math.sin(angle) in found.interval
    assert found.details["mean_squared_error"] == pytest.approx(0.5 + 1.5 * math.sin(angle) ** 2, abs=1e-12)
    assert found.details["bound"] == pytest.approx(math.sin(angle), abs=2e-6)


def test_the_bound_holds_for_every_rank_and_encoder():
    """100 random affine autoencoders of R^5 with m = 2: the sine is at most the root of excess over gap."""
    rng = np.random.Generator(np.random.PCG64(2))
    data = rng.standard_normal((40, 5)) * np.array([5.0, 3.0, 1.0, 0.5, 0.1])
    best = PcaAutoencoder.fit(data, 2)
    tight = 0
    for size in np.geomspace(1e-4, 1.0, 100):
        turn = best.directions + size * rng.standard_normal((5, 2))
        back = np.linalg.pinv(turn)
        model = Autoencoder.from_callables(
            lambda x, b=back: (x - best.mean) @ b.T,
            lambda z, t=turn: z @ t.T + best.mean,
            ambient_dim=5,
            latent_dim=2,
        )
        found = measure.principal_angle(model, data)
        assert found.interval.lower <= found.details["bound"] * (1 + 1e-9) + 1e-7
        tight += found.interval.upper > 0.3 * found.details["bound"]
    assert tight > 10


def test_a_decoder_of_lower_rank_has_a_sine_of_one():
    """A constant spans nothing."""
    found = measure.principal_angle(oracle("constant"), CROSS)
    assert (found.details["rank"], found.upper) == (0, 1.0)


def test_the_gap_of_the_cross():
    """(2 - 1/2)/2."""
    assert 0.75 in measure.eigengap(CROSS, 1).interval


@pytest.mark.parametrize("points", [np.zeros((3, 2)), np.zeros((1, 2)), np.full((3, 2), np.nan)])
def test_points_without_a_subspace_are_refused(points: np.ndarray):
    """Equal points, one point, NaN."""
    with pytest.raises(UsageError):
        measure.eigengap(points, 1)


def test_the_spanning_tree_of_a_grid():
    """A k x k unit grid has one of k^2 - 1 edges of length 1."""
    grid = np.stack(np.meshgrid(np.arange(5.0), np.arange(5.0)), axis=-1).reshape(-1, 2)
    assert spanning_length(grid) == 24.0


def test_a_decoder_that_visits_corners_travels_their_tour():
    """x -> <(1, 3), x> orders the corners of the unit square 00, 10, 01, 11: a tour of 2 + sqrt 2 over a range of 4,
    and the middle piece has slope sqrt(2)/2."""
    square = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    w = np.array([1.0, 3.0])
    nodes = np.array([0.0, 1.0, 3.0, 4.0])
    model = Autoencoder.from_callables(
        lambda x: (x @ w)[:, None],
        lambda z: np.column_stack([np.interp(z[:, 0], nodes, column) for column in square.T]),
        ambient_dim=2,
        latent_dim=1,
    )
    travel, tour = measure.decoder_travel(model, square)
    assert tour.details["polyline"] == pytest.approx(2 + math.sqrt(2), rel=1e-12)
    assert tour.details["spanning_tree_of_points"] == 3.0
    assert tour.details["sum_of_errors"] == 0.0
    assert travel.lower == pytest.approx(4.0, rel=1e-12)
    assert travel.upper == math.inf


def test_a_constant_decoder_pays_nothing():
    """Its points' spanning tree is paid by the errors: the bound without them would be false."""
    travel, tour = measure.decoder_travel(oracle("constant"), CROSS)
    assert tour.details["spanning_tree_of_points"] > 0
    assert (travel.lower, tour.lower) == (0.0, 0.0)


def test_a_false_constant_is_a_contradiction():
    """Declared 0.5, a piece of slope nearly 1."""
    with pytest.raises(InvariantError, match="slope"):
        measure.decoder_travel(
            oracle("liar_lipschitz:declared=0.5"), np.column_stack([np.cos(np.arange(6.0)), np.sin(np.arange(6.0))])
        )
