from __future__ import annotations

import numpy as np
import pytest
import torch
from flint import arb

from aeverify import measure
from aeverify.autoencoders.linear import PcaAutoencoder, pca_floor
from aeverify.autoencoders.protocol import Continuity, Part
from aeverify.core import Rigor
from aeverify.errors import UsageError
from aeverify.manifolds import manifold

PUBLISHED_RMSE = 0.9049436506773132


def spiral_points() -> np.ndarray:
    """The data of source 003: rng seed 0, 100 points."""
    t = np.random.default_rng(0).uniform(0, 1, 100)
    return np.column_stack([(t + 1) * np.cos(5 * t + 1.5), (t + 1) * np.sin(5 * t + 1.5)])


def test_the_printed_pca_error_of_the_spiral() -> None:
    """sqrt(sum of squared norms / n) is 0.9049436506773132 to 1e-12."""
    x = spiral_points()
    assert abs(PcaAutoencoder.fit(x, 1).rmse(x) - PUBLISHED_RMSE) <= 1e-12


def test_the_worst_error_of_pca_is_enclosed() -> None:
    """On an ellipse one direction leaves the other semi-axis, 2; the torch layers compute what numpy does."""
    ellipse = manifold("ellipse:a=3,b=2")
    model = PcaAutoencoder.fit(ellipse.grid(1000).points, 1)
    found = measure.sup_error(model, ellipse, tolerance=1e-6)
    assert found.rigor is Rigor.CERTIFIED
    assert 2 - 2e-6 <= found.interval.lower <= 2 + 1e-9 and found.interval.width <= 1e-6
    x = np.random.default_rng(3).normal(size=(20, 2))
    with torch.no_grad():
        codes = model.encoder(torch.from_numpy(x))
        back = model.decoder(codes)
    np.testing.assert_allclose(codes.numpy(), model.encode(x), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(back.numpy(), model.reconstruct(x), rtol=1e-13, atol=1e-13)


def test_pca_reaches_the_floor() -> None:
    """mean |x - D(E(x))|^2 is the sum of the smallest eigenvalues of the covariance with 1/N."""
    x = np.random.default_rng(1).normal(size=(50, 4)) * [3, 2, 1, 0.5]
    eigenvalues = np.linalg.eigvalsh(np.cov(x.T, bias=True))
    for m in (1, 2, 3, 4):
        floor = pca_floor(x, m)
        assert abs(floor - eigenvalues[: 4 - m].sum()) <= 1e-13 * eigenvalues.sum()
        assert abs(PcaAutoencoder.fit(x, m).rmse(x) ** 2 - floor) <= 1e-13 * eigenvalues.sum()


def test_no_affine_decoder_with_the_best_encoder_is_below_the_floor() -> None:
    """Random planes in R^4, each with its own best encoder (the nearest point), stay above."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(60, 4)) * [3, 2, 1, 0.5]
    floor = pca_floor(x, 2)
    for _ in range(50):
        q = np.linalg.qr(rng.normal(size=(4, 2)))[0]
        centred = x - x.mean(axis=0)
        rest = centred - centred @ q @ q.T
        assert (rest**2).sum() / len(x) >= floor


def test_the_sign_is_fixed() -> None:
    """Turning the data round leaves the directions as they are, and the largest component is positive."""
    x = spiral_points()
    first, second = PcaAutoencoder.fit(x, 2), PcaAutoencoder.fit(-x, 2)
    assert np.abs(first.directions - second.directions).max() < 1e-14
    for column in first.directions.T:
        assert column[np.abs(column).argmax()] > 0


def test_facts_of_an_affine_model() -> None:
    """Continuous, affine, of constant 1 up to rounding, and the same fingerprint for the same data."""
    ae = PcaAutoencoder.fit(spiral_points(), 1)
    assert (ae.continuity, ae.affine_decoder) == (Continuity.KNOWN, True)
    for part in Part:
        evidence = ae.lipschitz(part)
        assert evidence is not None
        assert 1.0 - 1e-15 <= evidence.upper <= 1.0 + 1e-12
    assert ae.fingerprint() == PcaAutoencoder.fit(spiral_points(), 1).fingerprint()
    assert ae.fingerprint() != PcaAutoencoder.fit(spiral_points()[:99], 1).fingerprint()


def test_balls_hold_the_values() -> None:
    """The enclosure of the stored map holds what float64 computes, up to its rounding."""
    ae = PcaAutoencoder.fit(spiral_points(), 1)
    x = np.array([0.3, -1.7])
    balls, codes = ae.reconstruct_balls([arb(v) for v in x.tolist()]), ae.encode_balls(x.tolist())
    assert balls is not None
    assert codes is not None
    assert max(abs(float(b.mid()) - v) for b, v in zip(balls, ae.reconstruct(x[None])[0], strict=True)) < 1e-14
    assert abs(float(codes[0].mid()) - ae.encode(x[None])[0, 0]) < 1e-14


def test_full_dimension_and_few_points() -> None:
    """m = n reconstructs exactly, and one point has n directions, too."""
    x = spiral_points()
    assert PcaAutoencoder.fit(x, 2).rmse(x) < 1e-14
    assert PcaAutoencoder.fit(x[:1], 2).rmse(x[:1]) < 1e-14


@pytest.mark.parametrize(
    ("points", "m"),
    [
        (np.zeros(3), 1),
        (np.empty((0, 2)), 1),
        (np.array([[np.nan, 1.0]]), 1),
        (np.zeros((3, 2)), 3),
        (np.zeros((3, 2)), 0),
    ],
)
def test_unusable_points_are_refused(points: np.ndarray, m: int) -> None:
    """Shapes, NaN and dimensions are checked."""
    with pytest.raises(UsageError):
        PcaAutoencoder.fit(points, m)


def test_parts_that_do_not_fit_are_refused() -> None:
    """A mean of another length than the directions, or NaN."""
    with pytest.raises(UsageError, match="Expected a mean"):
        PcaAutoencoder(np.zeros(3), np.zeros((2, 1)))
    with pytest.raises(UsageError, match="finite"):
        PcaAutoencoder(np.array([0.0, np.nan]), np.eye(2)[:, :1])
