"""Torch modules of the kinds that are fully connected, and the drawing of weights for all kinds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import final

import torch
from torch import Tensor, nn

from aeverify.autoencoders.architectures import MAX_PARAMETERS
from aeverify.autoencoders.building import activation_module
from aeverify.autoencoders.forms import TrainingForm
from aeverify.autoencoders.layers import ACTIVATIONS
from aeverify.core.seeds import Seed
from aeverify.errors import SpecError


def drawn(build: Callable[[], tuple[nn.Module, nn.Module]], seed: Seed) -> tuple[nn.Module, nn.Module]:
    """The modules that `build` returns, with weights drawn from `seed` alone; no global random state is touched.

    Weights are uniform in [-l, l] with l = sqrt(6/(in + out)) over a unit's inputs and outputs (Glorot and Bengio
    2010; a kernel's positions count), biases are zero, as Keras draws its layers.

    Raises:
        SpecError: more than `MAX_PARAMETERS` weights; nothing is allocated then.
    """
    with torch.device("meta"):
        modules = build()
    count = sum(p.numel() for module in modules for p in module.parameters())
    if count > MAX_PARAMETERS:
        raise SpecError(f"A model of {count} parameters is too large: at most {MAX_PARAMETERS} are built.")
    generator = torch.Generator().manual_seed(seed.value)
    for module in modules:
        module.to_empty(device="cpu")
        with torch.no_grad():
            for parameter in module.parameters():
                if parameter.ndim < 2:
                    parameter.zero_()
                    continue
                places = math.prod(parameter.shape[2:])
                limit = math.sqrt(6.0 / (places * (parameter.shape[0] + parameter.shape[1])))
                parameter.uniform_(-limit, limit, generator=generator)
    return modules


def activation_layer(name: str) -> nn.Module:
    """The torch layer of an activation of `ACTIVATIONS` with its default parameter."""
    return activation_module(name, ACTIVATIONS[name].default)


def dense(sizes: Sequence[int], activation: str, *last: nn.Module) -> nn.Sequential:
    """Linear layers of these widths with an activation between them, and what comes after the last one."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        if layers:
            layers.append(activation_layer(activation))
        layers.append(nn.Linear(before, after))
    return nn.Sequential(*layers, *last)


@final
class Transposed(TrainingForm):
    """z -> W^T z + c with the weight W of another Linear layer, shared and not copied, and a bias c of its own."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = linear.weight
        self.bias = nn.Parameter(torch.zeros(linear.in_features, dtype=linear.weight.dtype))

    def forward(self, codes: Tensor) -> Tensor:
        """W^T z + c on rows."""
        return nn.functional.linear(codes, self.weight.t(), self.bias)

    def evaluated(self) -> nn.Module:
        """A Linear layer with the weight W^T."""
        linear = nn.Linear(self.weight.shape[0], self.weight.shape[1], device="meta")
        linear.weight = nn.Parameter(self.weight.detach().t().contiguous().clone())
        linear.bias = nn.Parameter(self.bias.detach().clone())
        return linear


@final
class Staircase(TrainingForm):
    """A smooth staircase on each coordinate: s(x) = 1/2 + 1/(2 (N - 1)) sum_{j=1}^{N-1} tanh(a (x - j/N)).

    It has N levels 0, 1/(N - 1), ..., 1 and rises between them near j/N (Hecht-Nielsen 1995). Continuous for every
    steepness a; only the limit of infinite a jumps. As layers: each coordinate is copied N - 1 times, shifted and
    scaled by a, sent through tanh and averaged.
    """

    def __init__(self, width: int, levels: int, steepness: float) -> None:
        super().__init__()
        self.width, self.levels, self.steepness = width, levels, steepness

    def extra_repr(self) -> str:
        """The settings."""
        return f"width={self.width}, levels={self.levels}, steepness={self.steepness}"

    def _edges(self, like: Tensor) -> Tensor:
        return torch.arange(1, self.levels, dtype=like.dtype, device=like.device) / self.levels

    def forward(self, x: Tensor) -> Tensor:
        """s on every coordinate of the rows."""
        rises = torch.tanh(self.steepness * (x[..., None] - self._edges(x)))
        return 0.5 + 0.5 * rises.mean(-1)

    def evaluated(self) -> nn.Module:
        """Linear, Tanh, Linear."""
        copies, m = self.levels - 1, self.width
        spread, gather = nn.Linear(m, m * copies, device="meta"), nn.Linear(m * copies, m, device="meta")
        eye = torch.eye(m).repeat_interleave(copies, 0)
        spread.weight = nn.Parameter(self.steepness * eye)
        spread.bias = nn.Parameter(-self.steepness * self._edges(eye).repeat(m))
        gather.weight = nn.Parameter(0.5 * eye.t().contiguous() / copies)
        gather.bias = nn.Parameter(torch.full((m,), 0.5))
        return nn.Sequential(spread, nn.Tanh(), gather)
