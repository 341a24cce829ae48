"""Stacks: torch modules read as plain lists of layers, where they are no more than that.

A plain stack is what `continuity.leaves_of` finds the leaves of. From those come the exact layers that ball arithmetic
and Lipschitz bounds read, the widths at both ends, the description that a file holds, and the fingerprint.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import numpy as np
import torch
from torch import nn

from aeverify.autoencoders.blocks import DROPOUTS, Cosine, Sine
from aeverify.autoencoders.continuity import leaves_of
from aeverify.autoencoders.layers import ACTIVATIONS, Affine, Layer, Layers, Pointwise

_ACTIVATION_OF: dict[type[nn.Module], str] = {
    nn.ReLU: "relu",
    nn.LeakyReLU: "leaky_relu",
    nn.ELU: "elu",
    nn.SiLU: "silu",
    nn.GELU: "gelu",
    nn.Softplus: "softplus",
    nn.Tanh: "tanh",
    nn.Sigmoid: "sigmoid",
    Sine: "sin",
    Cosine: "cos",
}


def layers_of(module: nn.Module) -> Layers | None:
    """The module as affine maps and activations with exact weights; None where it is anything else."""
    leaves = leaves_of(module)
    if leaves is None:
        return None
    layers: list[Layer] = []
    for leaf in leaves:
        kind = type(leaf)
        if isinstance(leaf, nn.Linear) and kind is nn.Linear:
            weight = leaf.weight.detach().double().numpy()
            has_bias = isinstance(leaf.bias, torch.Tensor)
            bias = leaf.bias.detach().double().numpy() if has_bias else np.zeros(len(weight))
            layers.append(Affine(weight, bias))
        elif kind in (nn.Identity, *DROPOUTS) or (isinstance(leaf, nn.Flatten) and leaf.start_dim == 1):
            continue
        elif kind in _ACTIVATION_OF:
            activation = _pointwise(leaf, _ACTIVATION_OF[kind])
            if activation is None:
                return None
            layers.append(activation)
        else:
            return None
    return tuple(layers)


def _pointwise(leaf: nn.Module, name: str) -> Pointwise | None:
    if isinstance(leaf, nn.GELU) and leaf.approximate != "none":
        return None
    if isinstance(leaf, nn.Softplus) and leaf.beta <= 0:
        return None
    attribute = ACTIVATIONS[name].parameter
    parameter = float(getattr(leaf, attribute)) if attribute else 0.0
    return Pointwise(name, parameter) if math.isfinite(parameter) else None


def _end(module: nn.Module, last: bool) -> int | None:
    """Width at one end of a plain stack, where the first leaf that can change it is Linear."""
    leaves = leaves_of(module)
    if leaves is None:
        return None
    for leaf in reversed(leaves) if last else leaves:
        if type(leaf) is nn.Linear:
            return int(leaf.out_features if last else leaf.in_features)
        if type(leaf) not in _ACTIVATION_OF and type(leaf) not in (nn.Identity, *DROPOUTS):
            return None
    return None


def first_width(module: nn.Module) -> int | None:
    """Width of what a plain stack takes; None where its first layer that can change the width is not Linear."""
    return _end(module, last=False)


def last_width(module: nn.Module) -> int | None:
    """Width of what a plain stack returns; None where its last layer that can change the width is not Linear."""
    return _end(module, last=True)


def describe(module: nn.Module) -> list[list[Any]] | None:
    """A plain stack as JSON values: `["linear", in, out, has_bias]` and `[activation, parameter]`, first to last.

    This is what a saved file holds and what the fingerprint hashes; None where the module is not such a stack.
    """
    leaves = leaves_of(module)
    if leaves is None or layers_of(module) is None:
        return None
    description: list[list[Any]] = []
    for leaf in leaves:
        if isinstance(leaf, nn.Linear):
            description.append(["linear", leaf.in_features, leaf.out_features, isinstance(leaf.bias, torch.Tensor)])
        elif type(leaf) in _ACTIVATION_OF:
            found = _pointwise(leaf, _ACTIVATION_OF[type(leaf)])
            description.append([_ACTIVATION_OF[type(leaf)], found.parameter if found else 0.0])
    return description


def linears(module: nn.Module) -> list[nn.Linear]:
    """The Linear layers of a plain stack, first to last."""
    return [leaf for leaf in leaves_of(module) or [] if isinstance(leaf, nn.Linear)]


def stored_fingerprint(encoder: nn.Module, decoder: nn.Module) -> str:
    """SHA-256 (hex) of the layers with their settings and of the weights in the type in which they are stored."""
    digest = hashlib.sha256(b"aeverify module autoencoder 1\n")
    for module in (encoder, decoder):
        description = describe(module)
        named: list[tuple[str, torch.Tensor]]
        if description is not None:
            digest.update(json.dumps(description).encode())
            named = [(str(i), p) for i, layer in enumerate(linears(module)) for p in layer.parameters()]
        else:
            settings = [
                [p, f"{type(m).__module__}.{type(m).__qualname__}", m.extra_repr()] for p, m in module.named_modules()
            ]
            digest.update(json.dumps(settings).encode())
            state = module.state_dict()
            named = [(p, t) for p, t in sorted(state.items()) if isinstance(t, torch.Tensor)]
        for path, tensor in named:
            digest.update(f"\n{path} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
