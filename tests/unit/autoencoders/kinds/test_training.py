"""Every kind trains on a manifold, becomes a model of two continuous maps, and comes back from its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aeverify.autoencoders.kinds import KINDS, FittedKind, TrainedKind, kind, learn
from aeverify.autoencoders.linear import pca_floor
from aeverify.autoencoders.loading import load, save
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.autoencoders.protocol import Continuity, FloatArray
from aeverify.autoencoders.recipes import Recipe, recipe
from aeverify.errors import ModelError, ModelFileError, UsageError

ANGLES = 2.0 * np.pi * np.arange(40) / 40
CIRCLE: FloatArray = np.stack([np.cos(ANGLES), np.sin(ANGLES), 0.2 * np.sin(2.0 * ANGLES)], axis=1)
WAVES: FloatArray = np.sin(ANGLES[:, None] + np.linspace(0.0, 3.0, 8))
"""A closed curve in R^8: a wave at its phases."""

TRAINED = [
    ("linear:latent_dim=2", CIRCLE, 400),
    ("undercomplete:latent_dim=2,hidden=[16]", CIRCLE, 150),
    ("overcomplete:latent_dim=5,hidden=[8]", CIRCLE, 150),
    ("tied:latent_dim=2,hidden=[]", CIRCLE, 150),
    ("tied:latent_dim=2,hidden=[16],activation=tanh", CIRCLE, 150),
    ("replicator:latent_dim=2,hidden=[16]", CIRCLE, 200),
    ("sparse:latent_dim=6,hidden=[16]", CIRCLE, 150),
    ("sparse:latent_dim=6,hidden=[16],penalty=kl", CIRCLE, 150),
    ("contractive:latent_dim=2,hidden=[16]", CIRCLE, 150),
    ("contractive:latent_dim=2,hidden=[16],estimator=hutchinson", CIRCLE, 150),
    ("denoising:latent_dim=2,hidden=[16]", CIRCLE, 150),
    ("masked:latent_dim=2,hidden=[16]", CIRCLE, 150),
    ("topological:latent_dim=2,hidden=[16]", CIRCLE, 150),
    ("variational:latent_dim=2,hidden=[16]", CIRCLE, 200),
    ("variational:latent_dim=2,hidden=[16],prior=torus", CIRCLE, 200),
    ("variational:latent_dim=3,hidden=[16],prior=sphere", CIRCLE, 200),
    ("variational:latent_dim=2,hidden=[16],likelihood=bernoulli,low=-1,high=1,beta=0.01", CIRCLE, 200),
    ("convolutional:latent_dim=2,channels=[4]", WAVES, 150),
    ("convolutional:latent_dim=2,channels=[4],up=upsampling", WAVES, 150),
    ("convolutional:latent_dim=2,channels=[4],shape=[1,2,4]", WAVES, 150),
    ("convolutional:latent_dim=2,channels=[4],shape=[1,2,4],up=upsampling", WAVES, 150),
    ("unet:latent_dim=2,channels=[4]", WAVES, 150),
    ("unet:skips=true,channels=[4]", WAVES, 150),
    ("recurrent:latent_dim=2,units=8,features=2", WAVES, 150),
]


def brief(steps: int) -> Recipe:
    return recipe("quick", steps=steps, batch_size=20, learning_rate=2e-2)


def test_every_trained_kind_is_in_the_list() -> None:
    """None is left out of the tests below."""
    names = {name for name, entry in KINDS.items() if issubclass(entry.make, TrainedKind)}
    assert {spec.split(":")[0] for spec, _, _ in TRAINED} == names
    assert set(KINDS) - names == {name for name, entry in KINDS.items() if issubclass(entry.make, FittedKind)}


@pytest.mark.parametrize(("spec", "points", "steps"), TRAINED, ids=[spec for spec, _, _ in TRAINED])
def test_training_lowers_the_error_and_the_model_comes_back_from_its_file(
    spec: str, points: FloatArray, steps: int, tmp_path: Path
) -> None:
    """To less than half of the variance and of where it began; the deterministic maps are known to be continuous."""
    made = kind(spec, ambient_dim=points.shape[1])
    assert isinstance(made, TrainedKind)
    variance = np.var(points, axis=0).sum()
    start = np.square(made.untrained(1).errors(points)).mean()
    model = learn(spec, points, brief(steps), 1)
    assert np.square(model.errors(points)).mean() < 0.5 * min(start, variance)
    assert (model.latent_dim, model.continuity) == (made.latent_dim, Continuity.KNOWN)
    again = load(save(model, tmp_path / "model.safetensors"))
    assert again.fingerprint() == model.fingerprint()
    assert np.array_equal(again.reconstruct(points), model.reconstruct(points))


@pytest.mark.parametrize("spec", ["tied:hidden=[]", "tied:hidden=[5],activation=tanh"])
def test_tied_weights_stay_tied(spec: str) -> None:
    """After training every matrix of D is the transpose of E's, bit for bit, and differs from its start."""
    model = learn(spec, CIRCLE, brief(60), 1, latent_dim=2)
    start = kind(spec, ambient_dim=3, latent_dim=2).untrained(1)  # type: ignore[attr-defined]
    assert isinstance(model, ModuleAutoencoder) and model.encoder_layers and model.decoder_layers
    matrices = [
        [layer.weight for layer in layers if hasattr(layer, "weight")]
        for layers in (model.encoder_layers, model.decoder_layers)
    ]
    for e, d in zip(matrices[0], reversed(matrices[1]), strict=True):
        assert np.array_equal(e, d.T)
    assert not np.array_equal(matrices[0][0], start.encoder_layers[0].weight)


@pytest.mark.parametrize("spec", ["linear", "tied:hidden=[]"])
def test_linear_kinds_do_not_beat_pca(spec: str) -> None:
    """The mean squared error is at least the PCA floor, and close to it after training."""
    model = learn(spec, CIRCLE, brief(400), 2, latent_dim=2)
    error, floor = np.square(model.errors(CIRCLE)).mean(), pca_floor(CIRCLE, 2)
    assert floor * (1.0 - 1e-9) <= error < 1.5 * floor


def test_a_loss_of_the_recipe_is_not_ignored_in_silence() -> None:
    """A kind with a loss of its own refuses a recipe with penalties."""
    with pytest.raises(UsageError, match="loss of its own"):
        learn("variational", CIRCLE, recipe("quick", code_l1=0.1), latent_dim=2)


def test_bernoulli_data_outside_their_range_end_in_an_error() -> None:
    """The coordinates reach -1, and [0, 1] is the default range."""
    with pytest.raises(ModelError, match="diverged"):
        learn("variational:likelihood=bernoulli,hidden=[4]", CIRCLE, brief(20), latent_dim=2)


def test_a_file_whose_weights_do_not_fit_its_kind_is_refused(tmp_path: Path) -> None:
    """A spec that was changed in the file, and a spec that is fitted and not trained."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    model = kind("unet:latent_dim=2,channels=[4]", ambient_dim=8).untrained(0)  # type: ignore[attr-defined]
    path = save(model, tmp_path / "model.safetensors")
    with safe_open(path, framework="pt") as file:
        metadata = dict(file.metadata())
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for other in ("channels=[5]", "wings=2"):
        changed = {**metadata, "aeverify": metadata["aeverify"].replace("channels=[4]", other)}
        assert changed != metadata
        save_file(tensors, tmp_path / "changed.safetensors", changed)
        with pytest.raises(ModelFileError):
            load(tmp_path / "changed.safetensors")
    fitted = {
        **metadata,
        "aeverify": '{"schema": "aeverify-model/1", "kind": "built", "spec": "pca:ambient_dim=8,latent_dim=2"}',
    }
    save_file(tensors, tmp_path / "fitted.safetensors", fitted)
    with pytest.raises(ModelFileError, match="not a model kind that is trained"):
        load(tmp_path / "fitted.safetensors")


def test_a_module_that_was_changed_is_not_saved_under_its_old_spec(tmp_path: Path) -> None:
    """The mark of the kind is no promise: what does not come back the same is refused."""
    import torch

    encoder, decoder = kind("unet:latent_dim=2,channels=[4]", ambient_dim=8).network().build(_seed())  # type: ignore[attr-defined]
    encoder[2] = torch.nn.Tanh()
    with pytest.raises(UsageError, match="cannot be saved"):
        save(ModuleAutoencoder(encoder, decoder, ambient_dim=8, latent_dim=2), tmp_path / "model.safetensors")


def _seed() -> object:
    from aeverify.core.seeds import Seed

    return Seed(0)


def test_weights_that_two_modules_share_are_trained_once() -> None:
    """A tied autoencoder of 3 x 2 has one matrix and two biases, and ends the same alone and in an ensemble."""
    from aeverify.autoencoders.ensembles import train_ensemble
    from aeverify.autoencoders.members import Member
    from aeverify.core.seeds import Seed

    network = kind("tied:hidden=[]", ambient_dim=3, latent_dim=2).network()  # type: ignore[attr-defined]
    members = [Member(Seed(i), CIRCLE) for i in range(3)]
    together = dict(train_ensemble(network, members, brief(20), workers=1))
    alone = dict(train_ensemble(network, members[2:], brief(20), workers=1))
    assert [r.parameter_count for r in together.values()] == [6 + 2 + 3] * 3
    assert together[2].model is not None and alone[0].model is not None
    assert together[2].model.reconstruct(CIRCLE) == pytest.approx(alone[0].model.reconstruct(CIRCLE), abs=1e-4)


WITHOUT_ENCLOSURES = (
    "recurrent",
    "unet:skips=true",
    "variational:latent_dim=2,hidden=[16],prior=torus",
    "variational:latent_dim=3,hidden=[16],prior=sphere",
)


@pytest.mark.parametrize(("spec", "points", "_"), TRAINED, ids=[spec for spec, _, _ in TRAINED])
def test_certified_enclosures_exist_for_kinds_that_are_rows_of_layers(spec: str, points: FloatArray, _: int) -> None:
    """All but recurrent ones, U-Nets with skips, and priors on curved sets, which say which layer has no rule."""
    import torch

    from aeverify.enclosure import network_from_modules

    model = kind(spec, ambient_dim=points.shape[1]).untrained(0)  # type: ignore[attr-defined]
    dims = {"ambient_dim": model.ambient_dim, "latent_dim": model.latent_dim}
    if spec.startswith(WITHOUT_ENCLOSURES):
        with pytest.raises(ModelError, match="no certified rule"):
            network_from_modules(model.encoder, model.decoder, **dims)
        return
    network = network_from_modules(model.encoder, model.decoder, **dims)
    outputs = network.reconstruct(torch.from_numpy(points)).numpy()
    assert outputs == pytest.approx(model.reconstruct(points), abs=1e-9)
