"""Modules with a forward of their own, drawn: what is enclosed is around every error that is found with the module."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as f
from hypothesis import given, note, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from aeverify import measure
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core import Rigor
from aeverify.manifolds import manifold

WIDTH = 8
STEPS: dict[str, Callable[[Tensor, nn.Linear], Tensor]] = {
    "relu": lambda h, layer: f.relu(layer(h)),
    "tanh": lambda h, layer: torch.tanh(layer(h)),
    "silu": lambda h, layer: f.silu(layer(h)),
    "elu": lambda h, layer: f.elu(layer(h), 1.3),
    "clamp": lambda h, layer: torch.clamp(layer(h), -0.5, 0.75),
    "relu6": lambda h, layer: f.relu6(3 * layer(h)) / 3,
    "maximum": lambda h, layer: f.max_pool1d(layer(h).unsqueeze(1), 3, 1, 1).squeeze(1),
    "mean": lambda h, layer: f.avg_pool1d(layer(h).unsqueeze(1), 3, 1, 1).squeeze(1),
    "residual": lambda h, layer: h + f.relu(layer(h)),
    "residual of a maximum": lambda h, layer: h + f.max_pool1d(layer(h).unsqueeze(1), 2, 1, 1)[:, 0, :WIDTH],
    "normalised": lambda h, layer: (layer(h) - 0.1307) / 0.3081,
    "turned": lambda h, layer: layer(h).view(-1, 2, 4).transpose(1, 2).reshape(-1, WIDTH),
    "halves": lambda h, layer: torch.sigmoid(layer(h)).flip(1) - 0.5,
    "gate": lambda h, layer: (g := layer(h)) * torch.sigmoid(g),
}


class Drawn(nn.Module):
    """Linear, steps, linear."""

    def __init__(self, before: int, after: int, steps: list[str], seed: int) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(before, WIDTH), nn.Linear(WIDTH, after)
        self.inner = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in steps)
        self.steps = steps
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for p in self.parameters():
                p.copy_(torch.randn(p.shape, generator=generator) * 0.6)

    def forward(self, x: Tensor) -> Tensor:
        """In order."""
        h = self.first(x)
        for name, layer in zip(self.steps, self.inner, strict=True):
            h = STEPS[name](h, layer)
        out: Tensor = self.last(h)
        return out


@pytest.mark.parametrize("spec", ["circle", "ellipse:a=3,b=2"])
@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    down=st.lists(st.sampled_from(sorted(STEPS)), max_size=3),
    up=st.lists(st.sampled_from(sorted(STEPS)), max_size=3),
    seed=st.integers(0, 2**16),
)
def test_enclosures_of_drawn_modules_hold_every_error(spec: str, down: list[str], up: list[str], seed: int):
    """Certified for each combination, and never below what the module does at 2000 points."""
    model = Autoencoder.from_modules(Drawn(2, 1, down, seed), Drawn(1, 2, up, seed + 1), ambient_dim=2)
    space = manifold(spec)
    found = measure.sup_error(model, space, tolerance=0.05, time_budget=1.0)
    note(f"encoder {down}, decoder {up}, seed {seed}: {found}")
    dense = model.errors(space.grid(2000).points).max()
    assert found.rigor is Rigor.CERTIFIED
    assert dense <= found.interval.upper * (1 + 1e-12)
    assert found.interval.lower <= found.interval.upper
