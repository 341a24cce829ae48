"""Torch modules as stages: the same function, and clear errors for the rest."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from aeverify.autoencoders.blocks import Cosine, Residual, Sine
from aeverify.enclosure.layers import network_from_modules, supported_layers
from aeverify.enclosure.network import Affine
from aeverify.errors import ModelError


def _batch_norm(module: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        module.running_mean.copy_(torch.randn(module.running_mean.shape, generator=generator))
        module.running_var.copy_(torch.rand(module.running_var.shape, generator=generator) + 0.1)
        module.weight.copy_(torch.randn(module.weight.shape, generator=generator))
    return module


ENCODERS = {
    "mlp": lambda: nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 2)),
    "conv": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 3, 3, 2, 1), nn.ELU(), nn.Conv2d(3, 2, 2, groups=1), nn.Flatten()
    ),
    "grouped": lambda: nn.Sequential(
        nn.Unflatten(1, (4, 2, 2)),
        nn.Conv2d(4, 4, 1, groups=2),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(4, 2),
    ),
    "pool": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 4, 4)), nn.AvgPool2d(3, 1, 1), nn.SiLU(), nn.Flatten(), nn.Linear(16, 2)
    ),
    "conv1d": lambda: nn.Sequential(
        nn.Unflatten(1, (2, 8)), nn.Conv1d(2, 3, 3), nn.GELU(), nn.AvgPool1d(2), nn.Flatten(), nn.Linear(9, 2)
    ),
    "norm": lambda: nn.Sequential(nn.Linear(16, 6), _batch_norm(nn.BatchNorm1d(6)), nn.Sigmoid(), nn.Linear(6, 2)),
    "norm2d": lambda: nn.Sequential(
        nn.Unflatten(1, (4, 2, 2)), _batch_norm(nn.BatchNorm2d(4)), nn.Flatten(), nn.Softplus(), nn.Linear(16, 2)
    ),
    "residual": lambda: nn.Sequential(
        nn.Linear(16, 5),
        Residual(nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 4), nn.LeakyReLU(0.1), nn.Linear(4, 5))),
        nn.ReLU(),
        nn.Linear(5, 2),
    ),
    "nested": lambda: nn.Sequential(
        Residual(nn.Sequential(nn.ReLU(), Residual(nn.Linear(16, 16)), nn.Tanh())),
        Residual(nn.ReLU()),
        nn.Linear(16, 2),
    ),
    "waves": lambda: nn.Sequential(nn.Linear(16, 5), Sine(2.0), nn.Linear(5, 5), Cosine(-0.7), nn.Linear(5, 2)),
    "bare": lambda: nn.Linear(16, 2),
    "dropout": lambda: nn.Sequential(
        nn.Dropout(0.5),
        nn.Unflatten(1, (4, 2, 2)),
        nn.Dropout2d(0.5),
        nn.Flatten(),
        nn.Linear(16, 2),
        nn.AlphaDropout(),
    ),
}
DECODERS = {
    "mlp": lambda: nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(), nn.Linear(8, 16)),
    "transposed": lambda: nn.Sequential(
        nn.Linear(2, 8), nn.Unflatten(1, (2, 2, 2)), nn.ReLU(), nn.ConvTranspose2d(2, 1, 4, 2, 1), nn.Flatten()
    ),
    "upsample": lambda: nn.Sequential(
        nn.Linear(2, 8), nn.Unflatten(1, (2, 2, 2)), nn.Upsample(scale_factor=2), nn.Conv2d(2, 1, 3, 1, 1), nn.Flatten()
    ),
    "transposed1d": lambda: nn.Sequential(
        nn.Linear(2, 8), nn.Unflatten(1, (2, 4)), nn.ConvTranspose1d(2, 2, 2, 2), nn.ReLU(), nn.ReLU(), nn.Flatten()
    ),
}


@pytest.mark.parametrize("decoder", sorted(DECODERS))
@pytest.mark.parametrize("encoder", sorted(ENCODERS))
def test_stages_are_the_module(encoder, decoder):
    """The stages give what the modules give in float64."""
    torch.manual_seed(0)
    e, d = ENCODERS[encoder]().eval(), DECODERS[decoder]().eval()
    network = network_from_modules(e, d, ambient_dim=16, latent_dim=2)
    x = torch.randn(20, 16, dtype=torch.float64)
    expected = d.double()(e.double()(x))
    assert torch.allclose(network.reconstruct(x), expected.reshape(20, 16), rtol=1e-12, atol=1e-12)


def test_a_patched_layer_is_refused():
    """What a hook or a forward of its own computes is not known, in blocks as in layers."""
    for patched in (nn.Linear(4, 2), Residual(nn.Linear(4, 4)), Sine()):
        patched.forward = lambda x: x
        with pytest.raises(ModelError, match="forward of its own"):
            network_from_modules(nn.Sequential(patched), nn.Linear(2, 4), ambient_dim=4, latent_dim=2)
    hooked = Residual(nn.Sequential(nn.Linear(4, 4)))
    hooked.body[0].register_forward_hook(lambda module, x, y: 2 * y)
    with pytest.raises(ModelError, match="hook"):
        network_from_modules(nn.Sequential(hooked), nn.Linear(2, 4), ambient_dim=4, latent_dim=2)


def test_stored_weights_are_exact():
    """float32 weights become the same numbers in float64, and the modules are left alone."""
    e, d = nn.Linear(3, 1), nn.Linear(1, 3)
    network = network_from_modules(e, d, ambient_dim=3, latent_dim=1)
    assert isinstance(network.encoder[0], Affine)
    assert torch.equal(network.encoder[0].weight.float(), e.weight.T)
    assert e.weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nn.Sequential(nn.Linear(4, 4), nn.Softmax(1), nn.Linear(4, 2)), "Softmax"),
        (nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2)), "LayerNorm"),
        (nn.Sequential(nn.Linear(4, 4), nn.GELU("tanh"), nn.Linear(4, 2)), "tanh approximation"),
        (nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4, track_running_stats=False), nn.Linear(4, 2)), "batch"),
        (nn.Sequential(nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 1, 1, padding=1, padding_mode="circular")), "circular"),
        (nn.Sequential(nn.Unflatten(1, (1, 2, 2)), nn.Upsample(scale_factor=2, mode="bilinear")), "bilinear"),
        (nn.Sequential(nn.Unflatten(1, (1, 2, 2)), nn.MaxPool2d(2)), "MaxPool2d"),
        (nn.Sequential(nn.Linear(4, 3)), "returns 3 features"),
        (nn.Sequential(nn.Linear(5, 2)), "shape"),
        (nn.Sequential(Residual(nn.Linear(4, 2))), "adds features"),
    ],
)
def test_what_has_no_rule_is_named(module, words):
    """Unsupported layers and shapes that do not fit are ModelErrors that name the culprit."""
    with pytest.raises(ModelError, match=words):
        network_from_modules(module, nn.Linear(2, 4), ambient_dim=4, latent_dim=2)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(value):
    """NaN and infinite weights end in a ModelError."""
    e = nn.Linear(4, 2)
    with torch.no_grad():
        e.weight[0, 0] = value
    with pytest.raises(ModelError, match="NaN or infinite"):
        network_from_modules(e, nn.Linear(2, 4), ambient_dim=4, latent_dim=2)


def test_supported_layers_are_listed():
    """The list that error messages print holds every family of layers."""
    assert {"Linear", "Conv2d", "ConvTranspose2d", "Upsample", "Residual", "GELU", "BatchNorm1d"} <= set(
        supported_layers()
    )


def test_fingerprints_tell_networks_apart():
    """Different weights, different fingerprint; the same weights, the same."""
    torch.manual_seed(1)
    e, d = nn.Linear(3, 1), nn.Linear(1, 3)
    first, again = (network_from_modules(e, d, ambient_dim=3, latent_dim=1).fingerprint for _ in range(2))
    other = network_from_modules(nn.Linear(3, 1), d, ambient_dim=3, latent_dim=1).fingerprint
    assert first == again
    assert first != other
