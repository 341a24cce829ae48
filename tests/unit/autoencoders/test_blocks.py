"""Sine, cosine and residual blocks: their formulas, and when they are trusted."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from aeverify.autoencoders import blocks
from aeverify.autoencoders.blocks import Cosine, Residual, Sine
from aeverify.autoencoders.building import from_architecture
from aeverify.autoencoders.loading import load, save
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.autoencoders.protocol import Continuity, Part
from aeverify.errors import SpecError, UsageError


def _autoencoder(*encoder: nn.Module) -> ModuleAutoencoder:
    stack = nn.Sequential(*encoder, nn.Linear(3, 1))
    return ModuleAutoencoder(stack, nn.Sequential(nn.Linear(1, 3)), ambient_dim=3, latent_dim=1)


def test_formulas() -> None:
    """sin(w x), cos(w x), x + body(x)."""
    x = torch.linspace(-2, 2, 9).double()
    assert torch.equal(torch.sin(3.0 * x), Sine(3.0)(x))
    assert torch.equal(torch.cos(-0.5 * x), Cosine(-0.5)(x))
    assert torch.equal(x + torch.sin(x), Residual(Sine())(x))


@pytest.mark.parametrize("frequency", [0.0, float("nan"), float("inf"), 1e7, True, "2"])
def test_frequencies_that_cannot_be_bounded_are_refused(frequency: object) -> None:
    """Zero, not finite, beyond 1e6, not a number."""
    with pytest.raises(UsageError, match="frequency"):
        Sine(frequency)  # type: ignore[arg-type]


def test_blocks_of_ours_are_known_to_be_continuous() -> None:
    """Nested, and with every kind of continuous leaf inside."""
    inner = Residual(nn.Sequential(nn.Linear(3, 4), Cosine(2.0), nn.Linear(4, 3)))
    assert _autoencoder(Residual(nn.Sequential(inner, Sine())), nn.ReLU()).continuity is Continuity.KNOWN


def _subclass() -> nn.Module:
    class Other(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Identity()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.sign(x)

    return Other()


def _patched(module: nn.Module) -> nn.Module:
    module.forward = torch.sign
    return module


def _hooked(module: nn.Module) -> nn.Module:
    module.register_forward_hook(lambda m, x, y: torch.sign(y))
    return module


@pytest.mark.parametrize(
    "make",
    [
        _subclass,
        lambda: _patched(Residual(nn.Identity())),
        lambda: _hooked(Residual(nn.Identity())),
        lambda: Residual(_patched(nn.Linear(3, 3))),
        lambda: Residual(nn.Sequential(nn.Linear(3, 3), _hooked(nn.ReLU()))),
        lambda: _patched(Sine()),
        lambda: _hooked(Cosine()),
    ],
    ids=["subclass", "patched", "hooked", "patched inside", "hooked inside", "sine", "cosine"],
)
def test_blocks_that_compute_something_else_are_seen_to_jump(make: object) -> None:
    """Look-alikes, own forwards, hooks, and what is inside: torch.export finds their sign."""
    model = _autoencoder(make())  # type: ignore[operator]
    assert model.continuity is Continuity.DISCONTINUOUS
    assert "sign" in model.continuity_note


def test_a_patched_class_is_opaque(monkeypatch: pytest.MonkeyPatch) -> None:
    """The forward of the class itself is compared with the one that was defined."""
    assert blocks.is_ours(Residual(nn.Identity()))
    monkeypatch.setattr(Residual, "forward", lambda self, x: torch.sign(x))
    assert not blocks.is_ours(Residual(nn.Identity()))
    assert _autoencoder(Residual(nn.Identity())).continuity is Continuity.OPAQUE


def test_a_jump_inside_a_block_is_discontinuous() -> None:
    """Hardshrink in the body of a residual block."""
    assert _autoencoder(Residual(nn.Hardshrink())).continuity is Continuity.DISCONTINUOUS


@pytest.mark.parametrize("activation", ["sin", "cos"])
def test_waves_are_activations_like_the_others(activation: str, tmp_path: object) -> None:
    """Specs, saved files, Lipschitz constants and balls know them, frequency included."""
    spec = f"mlp:ambient_dim=3,latent_dim=1,hidden=[5],activation={activation},parameter=2.5"
    ae = from_architecture(spec, 3)
    assert ae.continuity is Continuity.KNOWN
    path = f"{tmp_path}/waves.safetensors"
    save(ae, path)
    assert load(path).fingerprint() == ae.fingerprint()
    x = np.random.default_rng(0).normal(size=(50, 3))
    balls = ae.reconstruct_balls(x[0].tolist())
    assert balls is not None
    assert max(abs(float(b.mid()) - v) for b, v in zip(balls, ae.reconstruct(x[:1])[0], strict=True)) < 1e-13
    found = ae.lipschitz(Part.ENCODER)
    assert found is not None
    codes = ae.encode(x)
    steepest = max(abs(codes[i, 0] - codes[j, 0]) / np.linalg.norm(x[i] - x[j]) for i in range(50) for j in range(i))
    assert steepest <= found.interval.upper


def test_a_frequency_of_zero_is_no_architecture() -> None:
    """The spec is refused before anything is built."""
    with pytest.raises(SpecError, match="frequency"):
        from_architecture("mlp:ambient_dim=3,latent_dim=1,activation=sin,parameter=0", 0)
