"""Kinds without gradients: the memoriser and what it costs, recirculation, PCA."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist

from aeverify.autoencoders.kinds import kind, learn
from aeverify.autoencoders.kinds.memoriser import MemoriserAutoencoder
from aeverify.autoencoders.linear import PcaAutoencoder, pca_floor
from aeverify.autoencoders.loading import load, save
from aeverify.autoencoders.protocol import Continuity, FloatArray, Part
from aeverify.errors import SpecError, UsageError


def sphere(count: int, seed: int = 0) -> FloatArray:
    x = np.random.Generator(np.random.PCG64(seed)).standard_normal((count, 3))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_the_memoriser_returns_its_points_and_misses_others() -> None:
    """Training error exactly 0; on other points of the sphere it errs by half a radius and more on average."""
    model = learn("memoriser", sphere(200), latent_dim=1)
    assert model.errors(sphere(200)).max() == 0.0
    assert model.errors(sphere(200, seed=1)).mean() > 0.5
    assert model.continuity is Continuity.KNOWN


def test_the_memoriser_pays_for_its_points_with_slope() -> None:
    """Lip(D) (z_max - z_min) >= length of the polyline >= length of a minimum spanning tree; the bound is sharp."""
    x = sphere(60)
    model = MemoriserAutoencoder.fit(x, 3)
    bound = model.lipschitz(Part.DECODER)
    assert bound is not None
    polyline = np.linalg.norm(np.diff(model.points, axis=0), axis=1)
    tree = minimum_spanning_tree(cdist(x, x)).sum()
    assert bound.upper * (model.codes[-1] - model.codes[0]) >= polyline.sum() >= tree
    assert bound.upper == pytest.approx((polyline / np.diff(model.codes)).max(), rel=1e-12)
    encoder = model.lipschitz(Part.ENCODER)
    assert encoder is not None and encoder.upper == pytest.approx(1.0, rel=1e-9)


def test_the_memoriser_counts_equal_points_once_and_is_decided_by_its_seed() -> None:
    """Twice the same points give the same model; another seed gives another direction."""
    x = sphere(20)
    twice = MemoriserAutoencoder.fit(np.concatenate([x, x]), 5)
    assert twice.fingerprint() == MemoriserAutoencoder.fit(x, 5).fingerprint()
    assert twice.fingerprint() != MemoriserAutoencoder.fit(x, 6).fingerprint()
    assert twice.decode(np.array([[-9.0], [9.0]])) == pytest.approx(twice.points[[0, -1]])


def test_points_that_one_number_cannot_tell_apart_are_refused() -> None:
    """Two points within one unit of the last place of a coordinate that is far from the origin."""
    x = np.array([[1e15, 0.0, 0.0], [1e15, 1e-300, 0.0]])
    with pytest.raises(UsageError, match="too close"):
        MemoriserAutoencoder.fit(x)
    with pytest.raises(UsageError, match="codes that increase"):
        MemoriserAutoencoder(np.ones(2), np.array([1.0, 0.0]), np.zeros((2, 2)))
    with pytest.raises(SpecError):
        kind("memoriser", ambient_dim=3, latent_dim=2)


def test_a_memoriser_comes_back_from_its_file(tmp_path: Path) -> None:
    """With its points, its fingerprint and its path."""
    model = MemoriserAutoencoder.fit(sphere(5))
    path = save(model, tmp_path / "memoriser.safetensors")
    again = load(path)
    assert (again.fingerprint(), again.source) == (model.fingerprint(), str(path))
    assert again.errors(sphere(5)).max() == 0.0


def test_recirculation_learns_without_a_backward_pass() -> None:
    """On an arc with one sigmoid unit the error falls to a tenth of the variance, and below that of its start."""
    t = np.linspace(0.0, 1.5, 60)
    arc = np.stack([np.cos(t), np.sin(t), 0.5 * t], axis=1)
    model = learn("recirculation:epochs=400,learning_rate=0.1", arc, latent_dim=1)
    short = learn("recirculation:epochs=1,learning_rate=0.1", arc, latent_dim=1)
    variance = np.var(arc, axis=0).sum()
    errors = [np.square(m.errors(arc)).mean() for m in (model, short)]
    assert errors[0] < 0.1 * variance < errors[1]
    assert errors[0] >= pca_floor(arc, 1)  # the decoder is affine
    assert model.affine_decoder and model.lipschitz(Part.RECONSTRUCTION) is not None


def test_recirculation_follows_the_gradient_of_the_squared_error() -> None:
    """With tied weights and q near 1, one step changes the encoder along minus the gradient through the encoder."""
    import torch

    made = kind(
        "recirculation:regression=0.9999,learning_rate=1e-6,epochs=1,batch_size=50", ambient_dim=3, latent_dim=2
    )
    x = sphere(50)
    x -= x.mean(axis=0)
    after = made.fit(x, 4)
    before = kind(
        "recirculation:regression=0.9999,learning_rate=1e-12,epochs=1,batch_size=50", ambient_dim=3, latent_dim=2
    ).fit(x, 4)
    step = (after.encoder[0].weight - before.encoder[0].weight).detach()  # type: ignore[attr-defined]
    encoder, decoder = before.encoder.requires_grad_(), before.decoder  # type: ignore[attr-defined]
    rows = torch.from_numpy(x)
    # rows are scaled by a common factor in training, which changes the length of the gradient and not its direction
    loss = (decoder(encoder(rows)) - rows).square().sum()
    gradient = torch.autograd.grad(loss, encoder[0].weight)[0]
    cosine = -(step * gradient).sum() / step.norm() / gradient.norm()
    assert cosine.item() > 0.999


def test_recirculation_that_diverges_says_so() -> None:
    """A rate of 1000."""
    with pytest.raises(UsageError, match="diverged"):
        learn("recirculation:learning_rate=1000,epochs=400", sphere(20), latent_dim=1)


def test_pca_is_a_kind() -> None:
    """The same model as by its own name."""
    x = sphere(30)
    assert learn("pca", x, latent_dim=2).fingerprint() == PcaAutoencoder.fit(x, 2).fingerprint()
    with pytest.raises(UsageError, match="coordinates"):
        kind("pca", ambient_dim=4, latent_dim=1).fit(x)  # type: ignore[attr-defined]
