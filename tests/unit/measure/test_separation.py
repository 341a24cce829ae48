"""Distances of codes: of different components and of far points, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from aeverify import measure
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core import Rigor
from aeverify.errors import UsageError
from aeverify.manifolds import manifold


def projection(weights: list[list[float]]) -> Autoencoder:
    """The encoder x -> weights x."""
    encoder = nn.Linear(len(weights[0]), len(weights), bias=False)
    decoder = nn.Linear(len(weights), len(weights[0]), bias=False)
    with torch.no_grad():
        encoder.weight.copy_(torch.tensor(weights))
    return Autoencoder.from_modules(nn.Sequential(encoder), nn.Sequential(decoder))


def test_codes_of_the_two_circles_overlap_in_their_first_coordinate():
    """[-1, 1] and [0, 2]: pairs with equal codes exist, and one is found as near as was asked."""
    found = measure.code_separation(projection([[1.0, 0.0, 0.0]]), manifold("two_circles"), tolerance=1e-3)
    assert (found.rigor, found.lower) == (Rigor.CERTIFIED, 0.0)
    assert found.upper <= 1e-3


def test_the_least_distance_of_two_components_is_enclosed():
    """The two circles are 1 apart, and so are their codes under the identity of R^3."""
    model = projection([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    found = measure.code_separation(model, manifold("two_circles"), tolerance=1e-2)
    assert 1.0 in found.interval
    assert found.interval.width <= 2e-2
    assert [p.component for p in found.witness.points] == [0, 1]


def test_far_points_of_a_circle_keep_their_distance_under_the_identity():
    """Codes equal points, so the least distance of codes of points at least rho apart is rho."""
    found = measure.injectivity_gap(projection([[1.0, 0.0], [0.0, 1.0]]), manifold("circle"), 0.5, tolerance=1e-2)
    assert 0.5 >= found.lower >= 0.5 - 2e-2
    assert 0.5 <= found.upper <= 0.5 + 2e-2


def test_a_sign_change_gives_two_points_with_one_code():
    """Leaving y out folds the circle: the distance is exactly 0, certified, up to the diameter 2."""
    model = projection([[1.0, 0.0]])
    floor = measure.encoder_floor(model, manifold("circle"))
    found = measure.injectivity_gap(model, manifold("circle"), 1.5, collision=floor)
    assert (found.lower, found.upper, found.rigor) == (0.0, 0.0, Rigor.CERTIFIED)
    alone = measure.injectivity_gap(model, manifold("circle"), 1.5, tolerance=1e-3)
    assert (alone.lower, alone.upper <= 1e-3) == (0.0, True)


def test_pairs_farther_apart_than_the_set_is_large_do_not_exist():
    """The least of no numbers is as large as any, and there is no witness."""
    found = measure.injectivity_gap(projection([[1.0, 0.0]]), manifold("circle"), 2.5)
    assert found.lower > 1e300
    assert (found.upper, found.witness) == (math.inf, None)


def test_a_budget_of_zero_says_nothing():
    """An honest wide enclosure."""
    found = measure.code_separation(projection([[1.0, 0.0, 0.0]]), manifold("two_circles"), time_budget=0.0)
    assert (found.lower, found.upper, found.details["finished"]) == (0.0, math.inf, False)


def test_a_model_without_layers_gives_the_reason_and_draws_the_rest():
    """The oracle has no layers; drawn pairs bound the distance from above only."""
    label = oracle("label")
    assert "torch layers" in measure.code_separation(label, manifold("two_circles"))
    drawn = measure.nearest_codes(label, manifold("two_circles"), apart=None, samples=200)
    assert (drawn.rigor, drawn.lower) == (Rigor.EMPIRICAL, 0.0)
    assert drawn.upper == pytest.approx(1.0)


def test_one_component_has_nothing_to_be_apart_from():
    """A usage error, not an empty minimum."""
    with pytest.raises(UsageError, match="two or more components"):
        measure.code_separation(projection([[1.0, 0.0]]), manifold("circle"))


@pytest.mark.parametrize("apart", [-1.0, 0.0, math.nan])
def test_a_distance_that_is_not_positive_is_refused(apart):
    """Every point is at distance 0 of itself."""
    with pytest.raises(UsageError, match="distance"):
        measure.injectivity_gap(projection([[1.0, 0.0]]), manifold("circle"), apart)
