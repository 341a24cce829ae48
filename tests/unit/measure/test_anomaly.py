"""Anomaly scores of which the law is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aeverify import measure
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.errors import UsageError
from aeverify.manifolds import Manifold, manifold


def test_a_threshold_has_its_false_alarm_rate(circle: Manifold):
    """The fold's error on the circle is |sin|, above t with probability 1 - (2/pi) arcsin t: just below it."""
    found = measure.anomaly_threshold(oracle("fold"), circle, 0.05, draws=20_000, alpha=1e-3)
    rate = 1 - 2 / math.pi * math.asin(min(found.details["threshold"], 1.0))
    assert 0.03 < rate <= 0.05
    assert found.interval.upper == 0.05


def test_the_rate_is_kept_by_all_but_alpha_of_calibrations(circle: Manifold):
    """Of 200 calibrations at confidence 0.9 about 20 miss the level; 45 would have probability below 1e-6."""
    missed = 0
    for seed in range(200):
        found = measure.anomaly_threshold(oracle("fold"), circle, 0.1, seed=seed, draws=200, alpha=0.1)
        missed += 1 - 2 / math.pi * math.asin(min(found.details["threshold"], 1.0)) > 0.1
    assert 0 < missed < 45


def test_the_area_of_two_known_laws(circle: Manifold):
    """With D = 0 the error is |x|: 1 on the circle, and 3 or 0.5 on circles of these radii."""
    model = oracle("constant")
    big, small = manifold("circle:radius=3"), manifold("circle:radius=0.5")
    far = measure.anomalies(circle, big, apart=0.1, margin=0.1, draws=2_000)
    near = measure.anomalies(circle, small, apart=0.1, margin=0.1, draws=2_000)
    assert measure.auroc(model, circle, far).interval.lower > 0.99
    assert measure.auroc(model, circle, near).interval.upper < 0.01
    assert measure.auroc(model, circle, near).details["u_statistic"] == 0.0
    assert measure.detection_rate(model, circle, far, 2.0).interval.lower > 0.99
    assert float(far.distances.min()) == pytest.approx(2.0, abs=0.01)


def test_the_area_of_uniform_scores():
    """Scores uniform in [0, 1] on K and in [0, 2] on the anomalies: 1/2 + 1/2 times 1/2."""
    model = Autoencoder.from_callables(
        lambda p: p[:, :1], lambda z: np.column_stack([2 * z[:, 0], 0 * z[:, 0]]), ambient_dim=2, latent_dim=1
    )
    # |2 x - x| = x on a segment from 0 to its length
    found = measure.auroc(
        model,
        manifold("segment"),
        measure.anomalies(manifold("segment"), manifold("segment:length=2"), apart=0.1, margin=0.1, draws=20_000),
        alpha=1e-6,
    )
    assert 0.75 in found.interval
    assert found.details["u_statistic"] == pytest.approx(0.75, abs=0.01)
    assert found.details["smallest_errors"] == sorted(found.details["smallest_errors"])


def test_equal_scores_are_a_tie(circle: Manifold):
    """The identity has no error anywhere: its area, 1/2, cannot be told from anything by counting wins."""
    other = measure.anomalies(circle, None, apart=0.3, margin=0.5, draws=500)
    found = measure.auroc(oracle("identity"), circle, other)
    assert (found.lower, found.upper) == (0.0, 1.0)
    assert found.details["u_statistic"] == 0.5


def test_unusable_input_is_refused(circle: Manifold):
    """A set of another space, too few draws, a level out of range."""
    with pytest.raises(UsageError, match="same space"):
        measure.anomalies(circle, manifold("sphere"), apart=0.1, margin=0.1)
    with pytest.raises(UsageError, match="too few"):
        measure.anomaly_threshold(oracle("fold"), circle, 0.01, draws=100)
    with pytest.raises(UsageError, match="strictly between"):
        measure.anomaly_threshold(oracle("fold"), circle, 1.0)
