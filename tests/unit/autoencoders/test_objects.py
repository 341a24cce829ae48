"""Objects as autoencoders: scikit-learn estimators as affine layers, torch modules with methods, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import NMF, PCA, FastICA, IncrementalPCA, KernelPCA, TruncatedSVD
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)
from torch import nn

from aeverify import Autoencoder, measure
from aeverify.autoencoders.callables import CallableAutoencoder
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.autoencoders.protocol import Continuity, Part
from aeverify.core.evidence import Rigor
from aeverify.enclosure import network_from_modules
from aeverify.errors import ModelError, UsageError
from aeverify.manifolds import manifold

RNG = np.random.default_rng(0)
DATA = RNG.normal(size=(80, 5)) @ RNG.normal(size=(5, 5)) * [1, 2, 0.1, 4, 30] + [5, 100, 0, -3, 2]

AFFINE = {
    "pca": PCA(2),
    "whitened": PCA(3, whiten=True),
    "all components": PCA(),
    "incremental": IncrementalPCA(2),
    "svd": TruncatedSVD(2),
    "ica": FastICA(2, random_state=0, tol=0.1),
    "standard": make_pipeline(StandardScaler(), PCA(2)),
    "not centred": make_pipeline(StandardScaler(with_mean=False), PCA(2)),
    "not scaled": make_pipeline(StandardScaler(with_std=False), PCA(2)),
    "min max": make_pipeline(MinMaxScaler((-1, 2)), PCA(2)),
    "robust": make_pipeline(RobustScaler(), MaxAbsScaler(), TruncatedSVD(2)),
    "robust without centre": make_pipeline(RobustScaler(with_centering=False, with_scaling=False), PCA(1)),
    "nested": Pipeline([("scale", make_pipeline(StandardScaler(), "passthrough")), ("pca", PCA(2))]),
}


@pytest.mark.parametrize("name", AFFINE)
def test_affine_estimators_are_affine_layers(name: str) -> None:
    """Equal to the estimator up to rounding, known to be continuous, with an affine decoder."""
    estimator = AFFINE[name].fit(DATA)
    model = Autoencoder.from_object(estimator, name=name)
    codes = estimator.transform(DATA)
    points = estimator.inverse_transform(codes)
    assert isinstance(model, ModuleAutoencoder)
    assert (model.ambient_dim, model.latent_dim) == (5, codes.shape[1])
    assert np.abs(model.encode(DATA) - codes).max() <= 1e-12 * max(1.0, np.abs(codes).max()) * 10
    assert np.abs(model.decode(codes) - points).max() <= 1e-12 * np.abs(points).max()
    assert model.continuity is Continuity.KNOWN
    assert model.affine_decoder
    assert model.lipschitz(Part.RECONSTRUCTION) is not None
    network_from_modules(model.encoder, model.decoder, ambient_dim=5, latent_dim=model.latent_dim)


def test_the_worst_error_of_a_pipeline_is_enclosed() -> None:
    """PCA of an ellipse with half-axes 3 and 2 to one axis: the worst error is the other half-axis."""
    t = 2 * np.pi * np.arange(1000) / 1000
    points = np.stack([3 * np.cos(t), 2 * np.sin(t)], axis=1)
    model = Autoencoder.from_object(make_pipeline(StandardScaler(with_std=False), PCA(1)).fit(points))
    found = measure.sup_error(model, manifold("ellipse:a=3,b=2"), tolerance=1e-3, time_budget=20)
    assert found.rigor is Rigor.CERTIFIED
    assert found.interval.lower - 1e-9 <= 2.0 <= found.interval.upper + 1e-9


@pytest.mark.parametrize(
    "estimator",
    [
        NMF(2, max_iter=2000, tol=0.01),
        make_pipeline(MinMaxScaler(clip=True), PCA(2)),
        KernelPCA(2, fit_inverse_transform=True),
        make_pipeline(FunctionTransformer(np.tanh, np.arctanh, check_inverse=False), PCA(2)),
        type("MyPCA", (PCA,), {"__doc__": "A subclass may compute anything."})(2),
    ],
    ids=["nmf", "clipped", "kernel", "function", "subclass"],
)
def test_other_estimators_are_called(estimator: Any) -> None:
    """As functions about whose continuity nothing is known."""
    x = np.abs(DATA) / 200
    estimator.fit(x)
    model = Autoencoder.from_object(estimator, batch_size=7)
    assert isinstance(model, CallableAutoencoder)
    assert model.continuity is Continuity.OPAQUE
    assert (model.ambient_dim, model.latent_dim) == (5, 2)
    np.testing.assert_allclose(model.encode(x), estimator.transform(x), rtol=1e-6, atol=1e-9)


def test_attributes_that_do_not_agree_with_the_estimator_are_not_used() -> None:
    """The two affine maps are compared with what the estimator returns."""
    estimator = PCA(2).fit(DATA)
    estimator.transform = lambda x: np.tanh(PCA.transform(estimator, x))
    model = Autoencoder.from_object(estimator)
    assert isinstance(model, CallableAutoencoder)
    assert np.abs(model.encode(DATA)).max() <= 1.0


def test_estimators_that_cannot_be_used_say_why() -> None:
    """Not fitted, a class, another number of features, no way back, nothing at all."""
    for bad, message in (
        (PCA(2), "is not fitted: call fit"),
        (make_pipeline(StandardScaler(), PCA(2)), "is not fitted: call fit"),
        (PCA, "is a class"),
        (StandardScaler().fit, "is no autoencoder that is known"),
        (42, "it has none of these"),
        (make_pipeline(StandardScaler(), KernelPCA(2)).fit(DATA), "has no way back from its codes"),
    ):
        with pytest.raises(UsageError, match=message):
            Autoencoder.from_object(bad)
    with pytest.raises(UsageError, match="does not take 3 features"):
        Autoencoder.from_object(PCA(2).fit(DATA), ambient_dim=3)
    with pytest.raises(UsageError, match="latent_dim 1 was given"):
        Autoencoder.from_object(PCA(2).fit(DATA), latent_dim=1)


class Coder:
    """Any object with encode and decode."""

    def encode(self, x: Any) -> Any:
        return x[:, :1]

    def decode(self, z: Any) -> Any:
        return np.hstack([z, 0 * z])


class Variational(nn.Module):
    """A module with methods, whose encode returns mean and log variance."""

    def __init__(self, both: bool) -> None:
        super().__init__()
        self.first, self.second, self.both = nn.Linear(3, 2), nn.Linear(2, 3), both
        self.drop = nn.Dropout(0.5)

    def encode(self, x: torch.Tensor) -> Any:
        mean = self.drop(torch.tanh(self.first(x)))
        return (mean, mean) if self.both else mean

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return self.second(z)


class Parts(nn.Module):
    """A module with children encoder and decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(3, 2), nn.Linear(2, 3)


def test_objects_with_encode_and_decode_are_called() -> None:
    """Dimensions must be given, since nothing says them; declarations are kept."""
    model = Autoencoder.from_object(Coder(), ambient_dim=2, latent_dim=1, continuous=True)
    np.testing.assert_array_equal(model.reconstruct(np.array([[3.0, 4.0]])), [[3.0, 0.0]])
    assert (model.name, model.continuity) == ("Coder", Continuity.DECLARED)
    with pytest.raises(UsageError, match="ambient_dim is missing"):
        Autoencoder.from_object(Coder(), latent_dim=1)
    assert Autoencoder.from_object(model) is model


def test_torch_modules_with_methods_are_traced() -> None:
    """In eval mode, with what was changed in the note; a tuple of mean and variance is refused with advice."""
    model = Autoencoder.from_object(Variational(both=False), ambient_dim=3, latent_dim=2)
    x = np.ones((50, 3))
    assert model.continuity is Continuity.KNOWN
    assert "Dropout" in model.note
    assert len(np.unique(model.encode(x), axis=0)) == 1
    pair = Autoencoder.from_object(Variational(both=True), ambient_dim=3, latent_dim=2)
    with pytest.raises(ModelError, match=r"tuple of 2 \(\(50, 2\), \(50, 2\)\).*give the mean"):
        pair.encode(x)


def test_torch_modules_with_parts_and_pairs_are_stacks() -> None:
    """Dimensions are read from the layers."""
    parts = Parts()
    first, second = Autoencoder.from_object(parts), Autoencoder.from_object((parts.encoder, parts.decoder))
    assert (first.ambient_dim, first.latent_dim) == (3, 2)
    assert first.fingerprint() == second.fingerprint()
