from __future__ import annotations

import math

import numpy as np
import pytest

from aeverify import measure
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.errors import NonFiniteOutputError, UsageError

POINTS = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 2.0], [1.0, 0.0]])


@pytest.fixture
def zero() -> Autoencoder:
    """Sends every point to the origin, so that the error is the norm: 0, 5, 2, 1."""
    return Autoencoder.from_callables(
        lambda x: 0 * x[:, :1], lambda z: np.zeros((len(z), 2)), ambient_dim=2, latent_dim=1
    )


def test_the_figures_have_their_closed_forms(zero):
    """Largest error 5, mean square 30/4, root of it, half of the points within 1."""
    assert 5.0 in measure.training_error(zero, POINTS).interval
    assert 7.5 in measure.mean_squared_error(zero, POINTS).interval
    assert math.sqrt(7.5) in measure.root_mean_squared_error(zero, POINTS).interval
    assert measure.training_error(zero, POINTS).interval.width < 1e-11
    assert measure.root_mean_squared_error(zero, POINTS).interval.width < 1e-11


def test_the_witness_is_the_worst_point(zero):
    """The point with error 5."""
    assert measure.training_error(zero, POINTS).witness.points[0].point == (3.0, 4.0)


def test_a_share_is_a_count_up_to_rounding(zero):
    """An error at the threshold up to rounding is counted on both sides."""
    assert measure.share_within(zero, POINTS, 1.5).interval.lower == 0.5
    assert measure.share_within(zero, POINTS, 1.5).interval.is_exact
    at_threshold = measure.share_within(zero, POINTS, 2.0).interval
    assert (at_threshold.lower, at_threshold.upper) == (0.5, 0.75)


def test_samples_are_taken_as_points(circle):
    """A Sample carries its points."""
    found = measure.training_error(oracle("shift"), circle.grid(40))
    assert 0.1 in found.interval
    assert found.details["points"] == 40


def test_the_witness_of_a_known_set_replays(circle):
    """With the set named, the worst training point is evaluated again at its coordinates."""
    model = oracle("shift")
    witness = measure.training_error(model, circle.grid(40), manifold=circle).witness
    assert measure.reevaluate(model, circle, witness) == witness


def test_nothing_is_said_of_no_points(zero):
    """An empty data set is refused, not perfect."""
    with pytest.raises(UsageError, match="N >= 1"):
        measure.training_error(zero, np.empty((0, 2)))


def test_nan_at_a_training_point_is_reported(circle):
    """A training point where NaN comes out ends the measurement."""
    with pytest.raises(NonFiniteOutputError):
        measure.training_error(oracle("nan"), circle.grid(100))
