from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from aeverify.autoencoders.building import from_architecture, mlp, paper_network, spiral_network
from aeverify.autoencoders.networks import ModuleAutoencoder, one_thread
from aeverify.autoencoders.protocol import Autoencoder, Continuity, Part
from aeverify.errors import ModelError, UsageError


def pair(*middle: nn.Module, n: int = 3, m: int = 1) -> ModuleAutoencoder:
    """An encoder with the given layers after the first, and a linear decoder."""
    return ModuleAutoencoder(nn.Sequential(nn.Linear(n, 4), *middle, nn.Linear(4, m)), nn.Sequential(nn.Linear(m, n)))


class Own(nn.Module):
    """A container whose forward may do anything."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.first(x).round()


class LookalikeReLU(nn.ReLU):
    """A subclass of a trusted layer that jumps."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return (input > 0).to(input)


def test_dimensions_are_read_from_both_ends() -> None:
    """The paper's network says 3 and 1 without being told."""
    ae = paper_network(0)
    assert (ae.ambient_dim, ae.latent_dim) == (3, 1)
    assert (spiral_network(0).ambient_dim, spiral_network(0).latent_dim) == (2, 1)
    assert (mlp(4, 2, [5]).ambient_dim, mlp(4, 2, [5]).latent_dim) == (4, 2)


def test_it_is_evaluated_in_float64_with_the_stored_weights() -> None:
    """The float32 weights are taken as exact numbers and everything else is computed in float64."""
    encoder, decoder = nn.Sequential(nn.Linear(2, 1)), nn.Sequential(nn.Linear(1, 2))
    ae = ModuleAutoencoder(encoder, decoder)
    x = np.random.default_rng(0).normal(size=(7, 2))
    w, b = (p.detach().double().numpy() for p in encoder[0].parameters())
    assert np.abs(ae.encode(x) - (x @ w.T + b)).max() < 1e-15
    assert np.float64 == ae.reconstruct(x).dtype


def test_the_caller_keeps_the_modules() -> None:
    """Neither mode, type nor gradients of the caller's modules change, and later changes of them are not seen."""
    encoder, decoder = nn.Sequential(nn.Linear(2, 1)).train(), nn.Sequential(nn.Linear(1, 2))
    ae = ModuleAutoencoder(encoder, decoder)
    before = ae.encode(np.ones((1, 2)))
    with torch.no_grad():
        encoder[0].weight.fill_(9.0)
    assert encoder.training
    assert torch.float32 == encoder[0].weight.dtype
    assert encoder[0].weight.requires_grad
    assert before.tolist() == ae.encode(np.ones((1, 2))).tolist()


def test_many_rows_are_the_same_as_few() -> None:
    """Rows are evaluated in chunks, and no row is lost at their borders."""
    ae = spiral_network(0)
    x = np.random.default_rng(0).normal(size=(4501, 2))
    whole = ae.reconstruct(x)
    assert whole.shape == (4501, 2)
    for i in (0, 1999, 2000, 4000, 4500):
        assert np.abs(whole[i] - ae.reconstruct(x[i : i + 1])[0]).max() < 1e-14
    assert ae.encode(np.empty((0, 2))).shape == (0, 1)


def test_evaluation_leaves_the_number_of_threads_alone() -> None:
    """One thread inside, the caller's number outside."""
    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    assert before == torch.get_num_threads()


@pytest.mark.parametrize(
    "layer",
    [
        nn.ReLU(),
        nn.LeakyReLU(),
        nn.ELU(),
        nn.SiLU(),
        nn.GELU(),
        nn.GELU("tanh"),
        nn.Softplus(),
        nn.Tanh(),
        nn.Sigmoid(),
        nn.Identity(),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.LayerNorm(4),
        nn.BatchNorm1d(4),
        nn.Sequential(nn.ReLU(), nn.Linear(4, 4)),
        nn.Softmax(dim=1),
    ],
)
def test_stacks_of_continuous_layers_are_known_to_be_continuous(layer: nn.Module) -> None:
    """Every type on the list in eval mode, and what torch.export finds to consist of continuous operators."""
    assert pair(layer).continuity == Continuity.KNOWN


@pytest.mark.parametrize(
    "layer",
    [
        nn.LayerNorm(4, eps=0.0),
        nn.BatchNorm1d(4, track_running_stats=False),
        nn.Softplus(threshold=1.0),
        nn.MultiheadAttention(4, 1),
    ],
)
def test_other_layers_are_opaque(layer: nn.Module) -> None:
    """Divisions by zero, batch statistics, a jump that is hidden in a setting, a result that is no tensor."""
    assert pair(layer).continuity == Continuity.OPAQUE


@pytest.mark.parametrize("layer", [nn.Hardshrink(), nn.Threshold(0.0, 1.0), LookalikeReLU()])
def test_layers_that_jump_are_discontinuous(layer: nn.Module) -> None:
    """The graph shows it, no probe is needed."""
    assert pair(layer).continuity == Continuity.DISCONTINUOUS
    assert pair(nn.Threshold(0.0, 0.0)).continuity == Continuity.KNOWN


def test_a_container_with_its_own_forward_is_traced() -> None:
    """n must be given, although it has a linear layer; m is found by running it; and only its continuity is known."""
    with pytest.raises(UsageError, match="give ambient_dim="):
        ModuleAutoencoder(Own(), Own())
    assert ModuleAutoencoder(Own(), Own(), ambient_dim=3).latent_dim == 1
    ae = ModuleAutoencoder(Own(), nn.Linear(1, 3), ambient_dim=3, latent_dim=1)
    assert ae.continuity == Continuity.DISCONTINUOUS
    assert "round" in ae.continuity_note
    assert ae.encoder_layers is None
    assert ae.lipschitz(Part.ENCODER) is None
    assert ae.lipschitz(Part.DECODER) is not None
    assert ae.reconstruct_balls([0.0, 0.0, 0.0]) is None


def test_hooks_and_parametrizations_are_traced_and_give_no_bounds() -> None:
    """Both can change what a trusted layer computes; the operators that they run are seen."""
    hooked = nn.Sequential(nn.Linear(3, 1))
    hooked[0].register_forward_hook(lambda module, args, output: output.round())
    normed = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(3, 1)))
    patched = nn.Sequential(nn.Linear(3, 1))
    patched[0].forward = lambda x: x[:, :1].round()  # type: ignore[method-assign]
    expected = (Continuity.DISCONTINUOUS, Continuity.KNOWN, Continuity.DISCONTINUOUS)
    for encoder, continuity in zip((hooked, normed, patched), expected, strict=True):
        ae = ModuleAutoencoder(encoder, nn.Sequential(nn.Linear(1, 3)), ambient_dim=3, latent_dim=1)
        assert ae.continuity == continuity
        assert ae.lipschitz(Part.RECONSTRUCTION) is None


def test_train_mode_with_dropout_is_reported() -> None:
    """The model is evaluated in eval mode, so that the same input gives the same output, and the note says so."""
    ae = pair(nn.Dropout(0.5), nn.BatchNorm1d(4))
    assert "BatchNorm1d, Dropout" in ae.note
    x = np.ones((50, 3))
    assert len(np.unique(ae.encode(x))) == 1
    assert pair(nn.ReLU()).note == ""
    assert pair(nn.Dropout(0.5).eval()).note == ""


@pytest.mark.parametrize(
    ("encoder", "decoder", "given"),
    [
        (nn.Linear(3, 1), nn.Linear(1, 2), {}),
        (nn.Linear(3, 1), nn.Linear(2, 3), {}),
        (nn.Linear(3, 1), nn.Linear(1, 3), {"ambient_dim": 2}),
        (nn.Linear(1, 3), nn.Linear(3, 1), {}),
        (nn.Linear(3, 1), "decoder", {}),
        (nn.Linear(3, 1), nn.Linear(1, 3), {"latent_dim": 0}),
        (nn.Linear(3, 1, dtype=torch.complex64), nn.Linear(1, 3), {}),
    ],
)
def test_modules_that_do_not_fit_are_refused(encoder: nn.Module, decoder: nn.Module, given: dict[str, int]) -> None:
    """Each with one paragraph of ours."""
    with pytest.raises(UsageError):
        ModuleAutoencoder(encoder, decoder, **given)


def test_a_module_that_fails_becomes_a_model_error() -> None:
    """A wrong width inside is reported when it is first evaluated."""
    ae = ModuleAutoencoder(nn.Sequential(nn.Linear(3, 4), nn.Linear(5, 1)), nn.Linear(1, 3))
    with pytest.raises(ModelError, match="encoder of modules raised"):
        ae.encode(np.zeros((2, 3)))


def test_the_decoder_is_affine_without_activation_only() -> None:
    """A linear decoder is, a ReLU network is not."""
    assert pair(nn.ReLU()).affine_decoder
    assert not paper_network(0).affine_decoder


def test_fingerprint_follows_weights_settings_and_types() -> None:
    """One bit of one weight, a slope, or the stored type changes it; the seed alone decides it."""
    base = spiral_network(0)
    assert base.fingerprint() == spiral_network(0).fingerprint()
    assert base.fingerprint() != spiral_network(1).fingerprint()
    encoder, decoder = nn.Sequential(nn.Linear(2, 1)), nn.Sequential(nn.Linear(1, 2))
    first = ModuleAutoencoder(encoder, decoder).fingerprint()
    assert first != ModuleAutoencoder(encoder.double(), decoder.double()).fingerprint()
    slopes = [pair(nn.LeakyReLU(s)) for s in (0.1, 0.2)]
    slopes[1].encoder.load_state_dict(slopes[0].encoder.state_dict())
    assert slopes[0].fingerprint() != slopes[1].fingerprint()


def test_fingerprint_of_an_opaque_module_follows_its_weights() -> None:
    """Modules that are no plain stack have one, too."""
    torch_seeded = [Own() for _ in range(2)]
    prints = [ModuleAutoencoder(m, nn.Linear(1, 3), ambient_dim=3, latent_dim=1).fingerprint() for m in torch_seeded]
    assert prints[0] != prints[1]


def test_fingerprint_is_the_same_in_another_process() -> None:
    """A report names a model by it."""
    code = "from aeverify.autoencoders.building import spiral_network as s; print(s(7).fingerprint())"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert spiral_network(7).fingerprint() == out.stdout.strip()


def test_from_modules_is_the_same_class() -> None:
    """The protocol's constructor leads here."""
    ae = Autoencoder.from_modules(nn.Linear(3, 2), nn.Linear(2, 3), name="mine")
    assert isinstance(ae, ModuleAutoencoder)
    assert (ae.name, ae.source) == ("mine", "")


@pytest.mark.parametrize(
    "activation", ["relu", "leaky_relu", "elu", "silu", "gelu", "softplus", "tanh", "sigmoid", "sin", "cos"]
)
def test_every_activation_can_be_built_and_is_known(activation: str) -> None:
    """Architecture specs reach every activation."""
    ae = from_architecture(f"mlp:ambient_dim=3,latent_dim=2,hidden=[5],activation={activation}", 0)
    assert ae.continuity == Continuity.KNOWN
    assert ae.encoder_layers is not None
    assert ae.lipschitz(Part.RECONSTRUCTION) is not None


@pytest.mark.parametrize(
    "modules",
    [
        (
            nn.Sequential(nn.Linear(3, 40), nn.ReLU(), nn.Linear(40, 1)),
            nn.Sequential(nn.Linear(1, 40), nn.Linear(40, 3)),
        ),
        (nn.Sequential(nn.Linear(3, 9), nn.LeakyReLU(0.2), nn.Linear(9, 2)), nn.Linear(2, 3)),
        (nn.Sequential(nn.Linear(3, 9), nn.ReLU(), nn.LeakyReLU(0.2), nn.Linear(9, 2)), nn.Linear(2, 3)),
        (nn.Sequential(nn.ReLU(), nn.Linear(3, 2)), nn.Linear(2, 3)),
        (nn.Sequential(nn.Linear(3, 9), nn.Tanh(), nn.Linear(9, 2)), nn.Sequential(nn.Linear(2, 3), nn.ReLU())),
    ],
)
def test_the_fast_path_is_the_model_in_float32(modules: tuple[nn.Module, nn.Module]) -> None:
    """Agrees with float64 to the rounding of float32, in the kernel and in torch, for any number of rows."""
    model = ModuleAutoencoder(*modules, ambient_dim=3, latent_dim=modules[0](torch.zeros(1, 3)).shape[1])
    for count in (0, 1, 7, 4321):
        points = np.random.default_rng(count).normal(size=(count, 3))
        fast = model.reconstruct_fast(points)
        assert fast.dtype == np.float32 and fast.shape == (count, 3)
        assert np.abs(fast - model.reconstruct(points)).max(initial=0.0) < 1e-5
    with pytest.raises(UsageError, match="takes an array of shape"):
        model.reconstruct_fast(np.zeros((4, 2)))
