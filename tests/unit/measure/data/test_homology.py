"""Homology of rows and codes: clusters and loops that are there, lost or added."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core import Interval, Rigor
from aeverify.data import load_data
from aeverify.errors import UsageError
from aeverify.measure import data as measure


def circle(rows: int = 400, seed: int = 0) -> np.ndarray:
    """Independent uniform rows of the unit circle."""
    t = np.random.Generator(np.random.PCG64(seed)).uniform(0, 2 * math.pi, rows)
    return np.c_[np.cos(t), np.sin(t)]


def clusters(count: int = 3) -> np.ndarray:
    """Small clusters at distance 4 of each other."""
    noise = np.random.Generator(np.random.PCG64(0)).standard_normal((100 * count, 2)) * 0.1
    return noise + np.repeat(np.arange(count), 100)[:, None] * np.array([4.0, 0.0])


def affine(scale: float, width: int = 2) -> Autoencoder:
    """Codes are rows times a number."""
    return Autoencoder.from_callables(
        lambda x: x * scale, lambda z: z / scale, ambient_dim=width, latent_dim=width, continuous=True
    )


def test_a_loop_and_clusters_are_seen_and_kept():
    """Whatever the scale of the codes, which the bottleneck distance allows for."""
    loop = measure.data_homology(affine(100.0), load_data(circle()))
    assert (loop.data.features, loop.codes.features, loop.mismatch.interval) == ((1, 1), (1, 1), Interval.exactly(0.0))
    assert loop.distance.upper < 0.01
    three = measure.data_homology(affine(0.01), load_data(clusters()))
    assert (three.data.features, three.codes.features) == ((3, 0), (3, 0))
    assert (loop.has_features, three.has_features) == (True, True)


def test_a_loop_that_the_code_loses_is_counted():
    """With one number a code there is no loop; the bottleneck distance is half the bar or more."""
    found = measure.data_homology(oracle("cut:half_width=0.05"), load_data(circle()))
    assert (found.data.features, found.codes.features) == ((1, 1), (1, 0))
    assert (found.mismatch.interval, found.mismatch.rigor) == (Interval.exactly(1.0), Rigor.EMPIRICAL)
    assert found.distance.lower > 0.4
    witness = found.mismatch.witness
    assert witness is not None and len(witness.points) == 2
    near, far = sorted(
        math.dist(getattr(witness.points[0], k), getattr(witness.points[1], k)) for k in ("point", "code")
    )
    assert near < 0.3 < 1.0 < far


def test_clusters_that_the_code_merges_or_makes_are_counted():
    """Lost ones and added ones alike."""
    merged = Autoencoder.from_callables(lambda x: x[:, 1:], lambda z: np.c_[z, z], ambient_dim=2, latent_dim=1)
    assert measure.data_homology(merged, load_data(clusters()), max_degree=0).mismatch.lower == 2.0
    split = Autoencoder.from_callables(lambda x: x + 9.0 * np.sign(x[:, :1]), lambda z: z, ambient_dim=2, latent_dim=2)
    blob = clusters(1)
    found = measure.data_homology(split, load_data(blob), max_degree=0)
    assert (found.data.features, found.codes.features) == ((1,), (2,))


def test_a_cavity_is_seen_in_degree_two():
    """A sphere has no loop and one cavity."""
    x = np.random.Generator(np.random.PCG64(0)).standard_normal((1_500, 3))
    found = measure.data_homology(affine(1.0, 3), load_data(x / np.linalg.norm(x, axis=1, keepdims=True)), max_degree=2)
    assert found.data.features == found.codes.features == (1, 0, 1)


def test_wide_rows_take_rips_complexes_on_both_sides():
    """A circle in R^10, with codes in the plane."""
    x = np.c_[circle(), np.zeros((400, 8))]
    model = Autoencoder.from_callables(
        lambda y: y[:, :2], lambda z: np.c_[z, np.zeros((len(z), 8))], ambient_dim=10, latent_dim=2
    )
    found = measure.data_homology(model, load_data(x))
    assert (found.data.diagram.engine, found.codes.diagram.engine) == ("rips", "rips")
    assert found.data.features == found.codes.features == (1, 1)
    assert found.distance.upper < 1e-6


def test_a_featureless_cloud_has_nothing_to_keep():
    """One normal cloud, and its codes."""
    blob = clusters(1)
    assert not measure.data_homology(affine(1.0), load_data(blob)).has_features


def test_collapsed_codes_are_one_point():
    """No scale, no noise, one component."""
    found = measure.data_homology(oracle("constant"), load_data(circle()))
    assert (found.codes.features, found.codes.noise) == ((1, 0), 0.0)


@pytest.mark.parametrize("bad", [{"max_degree": 3}, {"max_degree": -1}, {"max_degree": True}, {"confidence": 1.0}])
def test_parameters_out_of_range_are_refused(bad: dict):
    """With messages of ours."""
    with pytest.raises(UsageError):
        measure.data_homology(affine(1.0), load_data(circle()), **bad)


def test_too_few_different_rows_are_refused():
    """Repetitions do not count."""
    with pytest.raises(UsageError, match="19 different rows"):
        measure.data_homology(affine(1.0), load_data(np.repeat(circle(19), 3, axis=0)))
