"""Building: untrained networks from an architecture and a seed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import nn

from aeverify.autoencoders.architectures import Architecture, architecture
from aeverify.autoencoders.blocks import Cosine, Sine
from aeverify.autoencoders.layers import ACTIVATIONS
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.core.seeds import Seed


def mlp(
    ambient_dim: int,
    latent_dim: int,
    hidden: Sequence[int] = (128, 128, 128),
    activation: str = "relu",
    *,
    seed: Seed | int = 0,
    name: str = "mlp",
) -> ModuleAutoencoder:
    """An untrained fully connected autoencoder (see `Architecture` for its form, initialisation and errors)."""
    return from_architecture(Architecture(ambient_dim, latent_dim, tuple(hidden), activation), seed, name=name)


def paper_network(seed: Seed | int = 0) -> ModuleAutoencoder:
    """The untrained network of Kvalheim and Sontag 2024, section 4: 67,332 parameters."""
    return from_architecture(architecture("paper"), seed, name="paper")


def spiral_network(seed: Seed | int = 0) -> ModuleAutoencoder:
    """The untrained network of the Keras tutorial on the spiral (source 003): 303 parameters."""
    return from_architecture(architecture("spiral"), seed, name="spiral")


def from_architecture(spec: str | Architecture, seed: Seed | int = 0, *, name: str | None = None) -> ModuleAutoencoder:
    """An untrained autoencoder of an architecture or its spec, drawn from `seed`; raises as `architecture`."""
    shape = architecture(spec)
    return ModuleAutoencoder(*shape.build(seed), name=name or str(shape))


def build_modules(shape: Architecture, seed: Seed) -> tuple[nn.Sequential, nn.Sequential]:
    """Encoder and decoder of an architecture; see `Architecture.build`."""
    generator = torch.Generator().manual_seed(seed.value)
    parts = []
    for sizes in (shape.encoder_sizes, shape.decoder_sizes):
        modules: list[nn.Module] = []
        for before, after in itertools.pairwise(sizes):
            if modules:
                modules.append(activation_module(shape.activation, shape.parameter or 0.0))
            linear = nn.Linear(before, after, device="meta").to_empty(device="cpu")
            limit = math.sqrt(6.0 / (before + after))
            with torch.no_grad():
                linear.weight.uniform_(-limit, limit, generator=generator)
                linear.bias.zero_()
            modules.append(linear)
        parts.append(nn.Sequential(*modules))
    return parts[0], parts[1]


def activation_module(name: str, parameter: float) -> nn.Module:
    """The torch layer of an activation of `ACTIVATIONS`."""
    makers: dict[str, Callable[[], nn.Module]] = {
        "relu": nn.ReLU,
        "leaky_relu": lambda: nn.LeakyReLU(parameter),
        "elu": lambda: nn.ELU(parameter),
        "silu": nn.SiLU,
        "gelu": nn.GELU,
        "softplus": lambda: nn.Softplus(beta=parameter),
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
        "sin": lambda: Sine(parameter),
        "cos": lambda: Cosine(parameter),
    }
    ACTIVATIONS[name]  # an unknown name is refused with the known ones
    return makers[name]()
