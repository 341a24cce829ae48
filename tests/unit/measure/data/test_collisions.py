"""Collisions among rows: held to a comparison of all pairs, and what they cost."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core import Interval, Rigor
from aeverify.data import load_data
from aeverify.errors import MeasurementError, UsageError
from aeverify.measure import data as measure


def projection(width: int = 3, keep: int = 1) -> Autoencoder:
    """The first coordinates as code, the rest decoded to 0."""
    return Autoencoder.from_callables(
        lambda x: x[:, :keep],
        lambda z: np.c_[z, np.zeros((len(z), width - keep))],
        ambient_dim=width,
        latent_dim=keep,
        continuous=True,
    )


def cloud(rows: int, width: int = 3, seed: int = 0) -> np.ndarray:
    """Independent normal rows."""
    return np.random.Generator(np.random.PCG64(seed)).standard_normal((rows, width))


@pytest.mark.parametrize("tolerance", [0.0, 1e-4, 0.01, 0.3, 1.0])
def test_the_farthest_colliding_pair_is_the_one_of_all_pairs(tolerance: float):
    """Enclosed on both sides, since every pair was looked at."""
    x = np.round(cloud(120), 2)
    found = measure.data_collisions(projection(), load_data(x), tolerance=tolerance).distances[-1]
    spread, extent = np.ptp(x[:, 0]), float(np.linalg.norm(np.ptp(x, axis=0)))
    pairs = [
        float(np.linalg.norm(a - b)) / extent
        for a, b in itertools.combinations(x, 2)
        if abs(a[0] - b[0]) < tolerance * spread + 1e-12
    ]
    assert found.details["all_pairs"] is True
    assert max(pairs) in found.interval
    assert found.interval.width < 1e-9 or tolerance in (0.0, 1.0)


def test_too_many_pairs_give_a_lower_end_alone(monkeypatch: pytest.MonkeyPatch):
    """A collapsed code collides everywhere; a good part of the diameter is found all the same, and 1 is no bound."""
    monkeypatch.setattr("aeverify.measure.data.collisions._MOST_PAIRS", 1_000)
    monkeypatch.setattr("aeverify.measure.data.collisions._MOST_PRODUCTS", 1_000)
    x = cloud(400, 2)
    found = measure.data_collisions(oracle("constant"), load_data(x)).distances
    assert found[-1].upper == 1.0 and found[-1].details["all_pairs"] is False
    assert found[-1].lower > 0.5
    assert [e.rigor for e in found] == [Rigor.CERTIFIED, Rigor.EMPIRICAL]


def test_a_subset_of_the_rows_bounds_nothing_from_above():
    """Rows that were not compared may collide more."""
    found = measure.data_collisions(oracle("identity"), load_data(cloud(300, 2)), most=100).distances[-1]
    assert (found.upper, found.details["rows"]) == (1.0, 100)


def test_pairs_are_shown_with_rows_distances_and_errors():
    """The worst first; the witness is that pair."""
    x = np.array([[0.0, 0, 0], [0, 3, 4], [1, 0, 0], [1, 0, 2], [2, 9, 9]])
    found = measure.data_collisions(projection(), load_data(x, name="five"))
    shown = found.distances[-1].details["pairs"]
    assert [sorted(p["rows"]) for p in shown] == [[0, 1], [2, 3]]
    assert [p["distance"] for p in shown] == [5.0, 2.0]
    assert sorted(shown[0]["errors"]) == [0.0, 5.0]
    assert set(shown[1]["where"]) == {"row 2 of five", "row 3 of five"}
    assert {p.point for p in found.distances[-1].witness.points} == {(0.0, 0.0, 0.0), (0.0, 3.0, 4.0)}


def test_a_pair_with_one_code_costs_half_its_distance():
    """Whatever the decoder: antipodes that share a code cost the radius, and no more where the centre is decoded."""
    angles = np.linspace(0.0, 2 * math.pi, 101)[:-1]
    data = load_data(np.c_[np.cos(angles), np.sin(angles)])
    found = measure.data_collisions(oracle("double_wrap"), data, tolerance=1e-9)
    assert found.consequence.interval.lower == pytest.approx(1.0, abs=1e-9)
    assert found.consequence.upper == math.inf
    assert found.distances[0].lower == pytest.approx(2 / math.hypot(2, 2), rel=1e-3)


def test_the_decoders_constant_makes_near_codes_cost_too():
    """(|x - y| - L_D gap) / 2 where it is more than the errors at the rows; here it is certified."""
    torch.manual_seed(1)
    encoder, decoder = torch.nn.Linear(2, 1, bias=False), torch.nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        encoder.weight.copy_(torch.tensor([[1.0, 0.0]]))
        decoder.weight.copy_(torch.tensor([[1.0], [0.0]]))
    model = Autoencoder.from_modules(encoder, decoder)
    x = np.array([[0.0, 1.0], [0.001, -1.0], [5.0, 0.0]])
    found = measure.data_collisions(model, load_data(x), tolerance=1e-3)
    assert found.consequence.rigor is Rigor.CERTIFIED
    assert found.consequence.lower == pytest.approx(1.0, abs=1e-9)
    assert found.distances[0].rigor is Rigor.CERTIFIED


def test_no_collision_is_no_distance():
    """Codes that are all apart leave nothing; the cost is trivial."""
    found = measure.data_collisions(oracle("identity"), load_data(np.eye(2)))
    (distance,) = found.distances
    assert (distance.lower, distance.witness) == (0.0, None)
    assert distance.upper < 1e-12
    assert found.consequence.interval == Interval.at_least(0.0)


@pytest.mark.parametrize("bad", [{"tolerance": -1.0}, {"tolerance": math.nan}, {"most": 0}])
def test_parameters_out_of_range_are_refused(bad: dict):
    """Before anything is evaluated."""
    with pytest.raises(UsageError):
        measure.data_collisions(oracle("identity"), load_data(cloud(10, 2)), **bad)


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_codes_whose_distances_overflow_or_vanish_are_an_error_of_the_model(scale: float):
    """They are finite, and say nothing."""
    model = Autoencoder.from_callables(lambda x: x * scale, lambda z: z / scale, ambient_dim=2, latent_dim=2)
    for call in (measure.data_collisions, measure.data_homology):
        with pytest.raises(MeasurementError, match="overflow"):
            call(model, load_data(cloud(30, 2)))


@pytest.mark.parametrize("x", [np.zeros((1, 2)), np.ones((9, 2))])
def test_rows_that_are_all_one_are_refused(x: np.ndarray):
    """No two of them are apart."""
    with pytest.raises(UsageError, match="two different rows"):
        measure.data_collisions(oracle("identity"), load_data(x))
