"""Sparsity of soft-thresholded codes and its trend, against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aeverify import measure
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core import Evidence, Interval, Rigor
from aeverify.errors import UsageError
from aeverify.manifolds import Manifold


def shrunk(weight: float) -> Autoencoder:
    """Codes sign(x) max(|x| - weight, 0), the minimiser of (z - x)^2/2 + weight |z|; D is the identity."""
    return Autoencoder.from_callables(
        lambda x: np.sign(x) * np.maximum(np.abs(x) - weight, 0.0), lambda z: z, ambient_dim=2, latent_dim=2
    )


def seen(lower: float, upper: float, quantity: str = "share") -> Evidence:
    """An enclosure."""
    return Evidence(quantity, Interval(lower, upper), Rigor.STATISTICAL, "", confidence=0.99)


@pytest.mark.parametrize("weight", [0.1, 0.5, 0.9])
def test_zeros_of_soft_thresholded_codes(circle: Manifold, weight: float):
    """A coordinate of a uniform point of the circle is at most w in magnitude with probability (2/pi) arcsin w."""
    found = measure.sparse_share(shrunk(weight), circle, 0.0, draws=20_000, alpha=1e-6)
    assert 2 / math.pi * math.asin(weight) in found.interval
    assert found.interval.width < 0.05


def test_dead_coordinates_are_counted(circle: Manifold):
    """With a weight of 1 no coordinate of the circle survives."""
    found = measure.sparse_share(shrunk(1.0), circle, draws=1000)
    assert (found.details["dead"], found.details["shares"]) == (2, [1.0, 1.0])


def test_sparsity_rises_with_the_weight(circle: Manifold):
    """Six weights, 15 pairs, every one a rise for certain."""
    row = [
        measure.sparse_share(shrunk(w), circle, 0.0, draws=20_000, alpha=1e-3) for w in (0.0, 0.2, 0.4, 0.6, 0.8, 0.95)
    ]
    found = measure.kendall_tau(row)
    assert (found.lower, found.upper, found.details["rises"]) == (1.0, 1.0, 15)
    assert found.confidence == pytest.approx(1 - 6e-3)
    assert measure.kendall_tau(row[::-1]).upper == -1.0


def test_what_overlaps_is_not_known():
    """One rise, one fall, one undecided pair of three: tau in [-1/3, 1/3]."""
    found = measure.kendall_tau([seen(0.0, 0.1), seen(0.5, 0.7), seen(0.0, 0.2)])
    assert (found.details["rises"], found.details["falls"], found.details["undecided"]) == (1, 1, 1)
    assert (found.lower, found.upper) == (-1 / 3, 1 / 3)


@pytest.mark.parametrize("row", [[], [seen(0, 1)], [seen(0, 1), seen(0, 1, "other")]])
def test_a_trend_needs_a_row(row: list[Evidence]):
    """Nothing, one number, or numbers of different quantities."""
    with pytest.raises(UsageError, match="two or more"):
        measure.kendall_tau(row)


def test_a_negative_level_is_refused(circle: Manifold):
    """A magnitude is never negative."""
    with pytest.raises(UsageError):
        measure.sparse_share(shrunk(0.1), circle, -1.0)
