"""Continuity of user modules from the operators that torch.export finds."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from aeverify import Autoencoder
from aeverify.autoencoders.protocol import Continuity

KNOWN, JUMPS, OPAQUE = Continuity.KNOWN, Continuity.DISCONTINUOUS, Continuity.OPAQUE


class Through(nn.Module):
    """A linear layer and a function of its result."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.linear, self.function = nn.Linear(3, 2), function
        self.register_buffer("book", torch.tensor([[0.5, 1.0], [2.0, -1.0]]))

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.linear(x))


def vector_quantised(y: Tensor) -> Tensor:
    """The nearest of two codes."""
    book = torch.tensor([[0.5, 1.0], [2.0, -1.0]], dtype=y.dtype)
    return book[torch.cdist(y, book).argmin(1)]


CASES: dict[str, tuple[Callable[[Tensor], Tensor], Continuity, str]] = {
    "relu": (functional.relu, KNOWN, "list of continuous"),
    "swish by hand": (lambda y: y * torch.sigmoid(y), KNOWN, ""),
    "softmax and layer norm": (lambda y: functional.layer_norm(functional.softmax(y, 1), (2,)), KNOWN, ""),
    "attention": (lambda y: functional.scaled_dot_product_attention(y, y, y), KNOWN, ""),
    "normalised": (lambda y: functional.normalize(y), KNOWN, ""),
    "division by what is positive": (lambda y: y / (1 + y.square().sum(1, keepdim=True)), KNOWN, ""),
    "root of what is positive": (lambda y: (y.square() + 0.1).sqrt(), KNOWN, ""),
    "largest entry": (lambda y: y * y.max(1, keepdim=True)[0], KNOWN, ""),
    "entries by fixed indices": (lambda y: y[:, [1, 0]], KNOWN, ""),
    "where by fixed mask": (lambda y: torch.where(torch.tensor([True, False]), y, -y), KNOWN, ""),
    "threshold at its value": (lambda y: functional.threshold(y, 0.5, 0.5), KNOWN, ""),
    "dropout that is off": (lambda y: functional.dropout(y, 0.5, training=False), KNOWN, ""),
    "integer power": (lambda y: y**3, KNOWN, ""),
    "jump that is not used": (lambda y: (y.round(), y)[1], KNOWN, ""),
    "round": (torch.round, JUMPS, "round"),
    "straight through": (lambda y: y + (y.round() - y).detach(), JUMPS, "round"),
    "sign": (torch.sign, JUMPS, "sign"),
    "where": (lambda y: torch.where(y > 0, y, -1.0), JUMPS, "where"),
    "modulo": (lambda y: y % 1.0, JUMPS, "remainder"),
    "angle": (lambda y: torch.atan2(y[:, :1], y[:, 1:]) * y, JUMPS, "atan2"),
    "vector quantisation": (vector_quantised, JUMPS, "argmin"),
    "index of the largest entry": (lambda y: y * y.max(1, keepdim=True)[1], JUMPS, "max"),
    "threshold": (lambda y: functional.threshold(y, 0.5, 0.0), JUMPS, "threshold"),
    "cast to integers": (lambda y: y.to(torch.int32).to(y.dtype), JUMPS, "to"),
    "floor division": (lambda y: torch.div(y, 2.0, rounding_mode="floor"), JUMPS, "div"),
    "noise": (lambda y: y + torch.randn_like(y), JUMPS, "randn_like"),
    "dropout that is on": (lambda y: functional.dropout(y, 0.5, training=True), JUMPS, "dropout"),
    "softplus with an early threshold": (lambda y: functional.softplus(y, threshold=1), OPAQUE, "softplus"),
    "division": (lambda y: 1 / y, OPAQUE, "reciprocal"),
    "logarithm": (torch.log, OPAQUE, "log"),
    "root": (lambda y: y**0.5, OPAQUE, "pow"),
    "layer norm without eps": (lambda y: functional.layer_norm(y, (2,), eps=0.0), OPAQUE, "layer_norm"),
    "batch statistics": (lambda y: functional.batch_norm(y, None, None, training=True), OPAQUE, "batch_norm"),
    "unknown operator": (torch.special.bessel_j0, OPAQUE, "bessel"),
    "branch on values": (lambda y: y if y.sum() > 0 else -y, OPAQUE, "cannot trace"),
    "branch on the batch": (lambda y: y if len(y) != 4 else -y, OPAQUE, "fixed number of rows"),
    "numpy": (lambda y: torch.from_numpy(np.sort(y.numpy())), OPAQUE, "cannot trace"),
    "python's random numbers": (lambda y: y * random.random(), OPAQUE, "other numbers"),
}


@pytest.mark.parametrize("name", CASES)
def test_operators_decide(name: str) -> None:
    """Known, jumping or opaque, and the operator is named."""
    function, expected, mentioned = CASES[name]
    model = Autoencoder.from_modules(Through(function), nn.Linear(2, 3), ambient_dim=3, latent_dim=2)
    assert model.continuity is expected
    assert mentioned in model.continuity_note


def test_a_module_that_changes_itself_is_opaque() -> None:
    """Counting its calls, and using the count."""

    class Counts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 2)
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            return self.linear(x) * self.calls

    model = Autoencoder.from_modules(Counts(), nn.Linear(2, 3), ambient_dim=3, latent_dim=2)
    assert model.continuity is OPAQUE
    assert "changes its own buffers" in model.continuity_note


def test_what_the_decoder_does_counts_too() -> None:
    """A jump in either part decides, else what is opaque does."""
    for first, second, expected in (
        (torch.log, torch.round, JUMPS),
        (torch.tanh, torch.log, OPAQUE),
        (torch.tanh, torch.sin, KNOWN),
    ):
        decoder = nn.Sequential(nn.Linear(2, 3), Through(second), nn.Linear(2, 3))
        model = Autoencoder.from_modules(Through(first), decoder, ambient_dim=3, latent_dim=2)
        assert model.continuity is expected


def test_tracing_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """Not even where it fails."""
    for name in ("branch on values", "numpy"):
        model = Autoencoder.from_modules(Through(CASES[name][0]), nn.Linear(2, 3), ambient_dim=3, latent_dim=2)
        assert model.continuity is OPAQUE
    assert tuple(capfd.readouterr()) == ("", "")
