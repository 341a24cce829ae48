"""Modules with a forward of their own as stacks of layers: the same function, and what is refused by name."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as f
from torch import Tensor, nn

from aeverify import measure
from aeverify.autoencoders.blocks import Quotient
from aeverify.autoencoders.exported import stack_of
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.autoencoders.protocol import Autoencoder, Continuity, Part
from aeverify.autoencoders.rows import NotRebuilt
from aeverify.core import Rigor
from aeverify.enclosure import network_from_modules
from aeverify.errors import UsageError
from aeverify.manifolds import manifold
from aeverify.measure.certified import enclosable


@functools.cache
def weights(*shape: int) -> Tensor:
    """Numbers of some size."""
    return torch.from_numpy(np.random.default_rng(sum(shape)).normal(0.0, 0.7, shape))


class Forward(nn.Module):
    """A forward of its own, with weights of its own."""

    def __init__(self, forward: Callable[..., Tensor], **tensors: Tensor) -> None:
        super().__init__()
        self.formula = forward
        for name, tensor in tensors.items():
            self.register_parameter(name, nn.Parameter(tensor.clone()))

    def forward(self, x: Tensor) -> Tensor:
        """The formula."""
        return self.formula(self, x)


def images(formula: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A formula of images (2, 6, 6) as one of rows of 72 numbers."""
    return lambda self, x: formula(self, x.view(-1, 2, 6, 6)).flatten(1)


W: dict[str, Tensor] = {"w": weights(3, 72), "b": weights(3), "k": weights(4, 2, 3, 3), "c": weights(4)}

FORWARDS: dict[str, Callable[..., Tensor]] = {
    "linear": lambda self, x: f.linear(x, self.w, self.b),
    "without bias": lambda self, x: f.linear(x, self.w),
    "tied": lambda self, x: f.linear(f.linear(x, self.w), self.w.t()),
    "product": lambda self, x: x @ self.w.T + self.b,
    "addmm": lambda self, x: torch.addmm(self.b, x, self.w.T),
    "slice of the weights": lambda self, x: f.linear(x, self.w[:2]),
    **{
        name: functools.partial(lambda act, self, x: act(f.linear(x, self.w)), act)
        for name, act in (
            ("relu", f.relu),
            ("in place", lambda h: torch.relu_(h)),
            ("leaky relu", lambda h: f.leaky_relu(h, 0.3)),
            ("elu", lambda h: f.elu(h, 1.5)),
            ("selu", f.selu),
            ("silu", f.silu),
            ("silu by hand", lambda h: h * torch.sigmoid(h)),
            ("gelu", f.gelu),
            ("softplus", lambda h: f.softplus(h, 2.0)),
            ("tanh", torch.tanh),
            ("sigmoid", torch.sigmoid),
            ("sine", torch.sin),
            ("cosine", torch.cos),
            ("relu6", lambda h: f.relu6(4 * h)),
            ("hardtanh", lambda h: f.hardtanh(h, -0.5, 1.0)),
            ("clamp", lambda h: h.clamp(-0.25, 0.5)),
            ("clamp below", lambda h: h.clamp(min=0.1)),
            ("clamp above", lambda h: torch.clamp(h, max=-0.1)),
            ("dropout", lambda h: f.dropout(h, 0.5, training=False)),
            ("shifted", lambda h: 1 - (h - 0.3) * 2 / 7),
            ("negative", lambda h: -h + 1.5),
        )
    },
    "standardised": lambda self, x: (x - 0.13) / 3,
    "divided by weights": lambda self, x: f.linear(x, self.w) / self.b,
    "residual": lambda self, x: x + f.linear(torch.tanh(f.linear(x, self.w)), self.w.t()),
    "residual after a residual": lambda self, x: (h := x + f.relu(-x)) + f.linear(f.linear(h, self.w), self.w.t()),
    "residual in a residual": lambda self, x: x + torch.tanh((h := torch.sin(x)) + f.relu(h)),
    "half of it": lambda self, x: f.linear(x, self.w[:2]).chunk(2, dim=1)[0],
    "second half": lambda self, x: torch.split(x, 36, dim=1)[1],
    "every other": lambda self, x: x[:, ::2],
    "backwards": lambda self, x: torch.flip(x, [1]),
    "repeated": lambda self, x: f.linear(x, self.w).repeat(1, 2),
    "convolution": images(lambda self, x: f.conv2d(x, self.k, self.c, stride=2, padding=1)),
    "convolution of one size": images(lambda self, x: f.conv2d(x, self.k, padding="same")),
    "dilated": images(lambda self, x: f.conv2d(x, self.k, dilation=2)),
    "in groups": images(lambda self, x: f.conv2d(x, self.k[:, :1], groups=2)),
    "transposed": images(lambda self, x: f.conv_transpose2d(x, self.k[:2], stride=2)),
    "sequence": lambda self, x: f.conv1d(x.view(-1, 2, 36), self.k[:, :, 0], self.c).flatten(1),
    "pooling": images(lambda self, x: f.avg_pool2d(x, 2)),
    "padded pooling": images(lambda self, x: f.avg_pool2d(x, 3, 2, 1, count_include_pad=False)),
    "adaptive pooling": images(lambda self, x: f.adaptive_avg_pool2d(x, (3, 2))),
    "mean of all pixels": images(lambda self, x: x.mean(dim=(2, 3))),
    "largest": images(lambda self, x: f.max_pool2d(x, 2)),
    "largest of overlapping windows": images(lambda self, x: f.max_pool2d(x - 4, 3, 2, 1)),
    "largest of a sequence": lambda self, x: f.max_pool1d(x.view(-1, 4, 18), 5, 3, 2, 1).flatten(1),
    "upsampling": images(lambda self, x: f.interpolate(x, scale_factor=2)),
    "upsampling to a size": images(lambda self, x: f.interpolate(x, size=(12, 18))),
    "padding": images(lambda self, x: f.pad(x, (1, 0, 2, 3))),
    "cropping": images(lambda self, x: x[:, :, 1:5, :-1]),
    "channels": images(lambda self, x: f.relu(x[:, :1])),
    "channels last": images(lambda self, x: x.permute(0, 2, 3, 1)),
    "pixel shuffle": lambda self, x: f.pixel_shuffle(x.view(-1, 8, 3, 3), 2).flatten(1),
    "normalised channels": images(
        lambda self, x: (x - torch.tensor([0.1, 0.2]).view(1, 2, 1, 1)) / torch.tensor([0.3, 0.7]).view(2, 1, 1)
    ),
    "clamped image": images(lambda self, x: torch.clamp(f.conv2d(x, self.k), 0.0, 1.0)),
    "shape of the batch": lambda self, x: x.reshape(x.shape[0], 2, -1).transpose(1, 2).reshape(x.size(0), -1),
}


@pytest.mark.parametrize("name", FORWARDS)
def test_stacks_are_the_same_function(name: str) -> None:
    """At random points, in float64, and known to be continuous; enclosures have a rule for each layer."""
    module = Forward(FORWARDS[name], **W).double().eval()
    stack = stack_of(module, 72)
    x = torch.from_numpy(np.random.default_rng(1).normal(size=(9, 72)))
    with torch.no_grad():
        expected, found = module(x).flatten(1), stack(x)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    m = expected.shape[1]
    network = network_from_modules(stack, nn.Linear(m, 72), ambient_dim=72, latent_dim=m)
    rows = x
    for stage in network.encoder:
        rows = stage.apply(rows)
    torch.testing.assert_close(rows, expected, rtol=1e-11, atol=1e-11)


REFUSED: dict[str, tuple[Callable[..., Tensor], str]] = {
    "product of branches": (lambda self, x: torch.tanh(x) * torch.sin(x), "multiplies two branches"),
    "difference": (lambda self, x: torch.tanh(x) - x, "subtracts a branch"),
    "two branches": (lambda self, x: torch.tanh(x) + torch.sin(x), "no residual block"),
    "joined": (lambda self, x: torch.cat([x, torch.sin(x)], 1), "the operator cat joins several branches"),
    "no layer": (lambda self, x: torch.exp(x), "the operator exp has no form as a layer"),
    "rows mixed": (lambda self, x: torch.flip(x, [0]), "mixes the rows of a batch"),
    "rows averaged": (lambda self, x: x - x.mean(0), "does not have the batch first|no residual|joins|subtracts"),
    "weights computed": (lambda self, x: f.linear(x, self.w / self.w.norm()), "a weight is computed .* operator div"),
    "a clamp of no float's width": (lambda self, x: x.clamp(-0.1, 0.7), "width of its clamp"),
    "divided by the input": (lambda self, x: 1 / (1 + torch.sigmoid(x)), "the operator reciprocal has no form"),
    "on more than rows": (lambda self, x: f.linear(x.view(-1, 2, 36), self.w[:, :36]).flatten(1), "not on rows"),
    "float32": (lambda self, x: x.float().double(), "converts to torch.float32"),
    "branch on values": (lambda self, x: x if x.sum() > 0 else -x, "torch.export cannot trace"),
    "windows of two sizes": (images(lambda self, x: f.adaptive_avg_pool2d(x, 4)), "windows of different sizes"),
    "padded by one": (images(lambda self, x: f.pad(x, (1, 1), value=1.0)), "not by zeros"),
    "by the batch": (images(lambda self, x: f.batch_norm(x, None, None, training=True)), "normalises by the batch"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_form_as_layers_is_refused_by_name(name: str) -> None:
    """Never another function instead."""
    formula, reason = REFUSED[name]
    with pytest.raises(NotRebuilt, match=reason):
        stack_of(Forward(formula, **W).double().eval(), 72)


def test_a_module_that_changes_from_call_to_call_is_refused() -> None:
    """What was recorded is compared with what it computes."""
    calls = []

    def formula(self: nn.Module, x: Tensor) -> Tensor:
        calls.append(1)
        return x * float(len(calls))

    with pytest.raises(NotRebuilt, match="differ from it"):
        stack_of(Forward(formula).double(), 3)


class Encoder(nn.Module):
    """A class as users write it: functional activations, batch norm, a skip and a variational head."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(2, 16), nn.Linear(16, 16)
        self.norm = nn.BatchNorm1d(16)
        self.head = nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        """The mean."""
        h = f.relu(self.first(x / 3))
        h = h + f.relu(self.norm(self.second(h)))
        mean, _ = self.head(h).chunk(2, dim=1)
        return mean


class Decoder(nn.Module):
    """Two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.first, self.second = nn.Linear(1, 16), nn.Linear(16, 2)

    def forward(self, z: Tensor) -> Tensor:
        """The point."""
        return self.second(f.leaky_relu(self.first(z)))


def test_a_class_of_ones_own_is_enclosed() -> None:
    """Certified, and around the errors that are found on the circle with the module itself."""
    model = Autoencoder.from_modules(Encoder(), Decoder(), ambient_dim=2, latent_dim=1)
    circle = manifold("circle")
    found = measure.sup_error(model, circle, tolerance=1e-3)
    dense = model.errors(circle.grid(20_000).points).max()
    assert found.rigor is Rigor.CERTIFIED
    assert dense - 1e-12 <= found.interval.upper <= dense + 2e-3
    assert found.interval.lower <= dense + 1e-6


def test_lipschitz_and_balls_come_with_the_layers() -> None:
    """Upper bounds hold for pairs of points, and a ball holds what the module returns."""

    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Decoder()

        def forward(self, z: Tensor) -> Tensor:
            return torch.tanh(self.inner(z))

    class Down(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, :1] * 2.0

    model = Autoencoder.from_modules(Down(), Plain(), ambient_dim=2, latent_dim=1)
    x = np.random.default_rng(0).normal(size=(200, 2))
    bound = model.lipschitz(Part.RECONSTRUCTION)
    assert bound is not None and bound.rigor is Rigor.CERTIFIED
    moved = np.linalg.norm(model.reconstruct(x[1:]) - model.reconstruct(x[:-1]), axis=1)
    assert (moved <= bound.interval.upper * np.linalg.norm(x[1:] - x[:-1], axis=1) * (1 + 1e-12)).all()
    balls = model.reconstruct_balls(x[0].tolist())
    assert balls is not None
    assert all(
        abs(float(ball.mid()) - value) <= float(ball.rad()) + 1e-12
        for ball, value in zip(balls, model.reconstruct(x[:1])[0], strict=True)
    )


def test_rounding_is_bounded_for_plain_stacks_only() -> None:
    """A stack that was made from a graph may round otherwise than the module that is evaluated."""
    model = Autoencoder.from_modules(Encoder(), Decoder(), ambient_dim=2, latent_dim=1)
    assert isinstance(model, ModuleAutoencoder)
    assert model.encoder_layers is None and model.decoder_layers is None
    assert not isinstance(model.rebuilt, str)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (nn.Softmax(1), "The layer Softmax has no certified rule.*the operator softmax has no form"),
        (nn.LayerNorm(1), "The layer LayerNorm has no certified rule.*the operator layer_norm has no form"),
    ],
)
def test_the_reason_names_what_is_missing(layer: nn.Module, reason: str) -> None:
    """Both the layer and why it was not rebuilt."""
    model = Autoencoder.from_modules(
        nn.Sequential(nn.Linear(2, 1), layer), nn.Linear(1, 2), ambient_dim=2, latent_dim=1
    )
    found = enclosable(model, manifold("circle"))
    assert isinstance(found, str)
    assert re.search(reason, found)


def test_layers_without_a_rule_are_written_with_those_that_have_one() -> None:
    """ReLU6, Hardtanh and padding inside an `nn.Sequential`."""
    encoder = nn.Sequential(
        nn.Unflatten(1, (1, 2)), nn.ZeroPad1d(1), nn.Conv1d(1, 2, 3), nn.ReLU6(), nn.Flatten(), nn.Linear(4, 1)
    )
    decoder = nn.Sequential(nn.Linear(1, 2), nn.Hardtanh())
    model = Autoencoder.from_modules(encoder, decoder, ambient_dim=2, latent_dim=1)
    circle = manifold("circle")
    found = measure.sup_error(model, circle, tolerance=1e-3)
    assert found.rigor is Rigor.CERTIFIED
    assert model.errors(circle.grid(5000).points).max() <= found.interval.upper + 1e-12


def test_quotients_are_enclosed_with_their_rounding() -> None:
    """1/d of each divisor lies within the stated relative error of the entry, as fractions; zero is refused."""
    divisors = [3.0, 255.0, -0.3081, 1e-3, 7e5]
    back = nn.Linear(5, 5)
    network = network_from_modules(nn.Sequential(Quotient(divisors)), back, ambient_dim=5, latent_dim=5)
    stage: Any = network.encoder[0]
    for i, d in enumerate(divisors):
        entry, true = Fraction(float(stage.weight[i, i])), 1 / Fraction(d)
        assert entry != true
        assert abs(entry - true) <= Fraction(stage.relative) * abs(entry)
    for wrong in ([0.0], [float("nan")], [float("inf")]):
        with pytest.raises(UsageError, match="divisor"):
            Quotient(wrong)


def test_quotients_are_known_to_be_continuous() -> None:
    """As a leaf of a stack."""
    encoder = nn.Sequential(Quotient([3.0, 5.0]), nn.Linear(2, 1))
    model = Autoencoder.from_modules(encoder, nn.Linear(1, 2), ambient_dim=2, latent_dim=1)
    assert model.continuity is Continuity.KNOWN
    assert isinstance(model, ModuleAutoencoder)
