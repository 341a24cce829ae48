from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from flint import arb, ctx
from torch import nn

from aeverify.autoencoders.balls import BallNetwork
from aeverify.autoencoders.building import activation_module, from_architecture, paper_network
from aeverify.autoencoders.layers import Affine, Layers, Pointwise, evaluate
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.errors import UsageError

ACTIVATIONS = [
    ("relu", 0.0),
    ("leaky_relu", 0.25),
    ("leaky_relu", 2.0),
    ("leaky_relu", -0.5),
    ("elu", 1.5),
    ("elu", -0.5),
    ("silu", 0.0),
    ("gelu", 0.0),
    ("softplus", 2.0),
    ("tanh", 0.0),
    ("sigmoid", 0.0),
    ("sin", 1.0),
    ("cos", -2.5),
]


def single(name: str, parameter: float) -> BallNetwork:
    return BallNetwork((Pointwise(name, parameter),))


def holds(ball: arb, value: float, slack: float = 0.0) -> bool:
    return bool(float(ball.lower()) - slack <= value <= float(ball.upper()) + slack)


@pytest.mark.parametrize(("name", "parameter"), ACTIVATIONS)
def test_activations_agree_with_torch(name: str, parameter: float) -> None:
    """At exact points the ball is a point in float64's eyes, and it is torch's value up to torch's rounding."""
    x = np.array([-30.0, -3.0, -1.0, -1e-3, 0.0, 1e-3, 0.5, 1.0, 3.0, 9.0])
    expected = activation_module(name, parameter)(torch.from_numpy(x)).numpy()
    for value, want in zip(x, expected, strict=True):
        (ball,) = single(name, parameter).propagate([arb(float(value))])
        assert float(ball.rad()) < 1e-30
        assert abs(float(ball.mid()) - want) <= 1e-14 * max(1.0, abs(want))


@pytest.mark.parametrize(("name", "parameter"), ACTIVATIONS)
def test_numpy_and_torch_activations_agree(name: str, parameter: float) -> None:
    """The torch-free evaluation is the same function."""
    x = np.linspace(-8.0, 8.0, 41)[:, None]
    expected = activation_module(name, parameter)(torch.from_numpy(x)).numpy()
    assert np.abs(evaluate((Pointwise(name, parameter),), x) - expected).max() < 1e-13


@pytest.mark.parametrize(("name", "parameter"), ACTIVATIONS)
@pytest.mark.parametrize(("middle", "radius"), [(0.0, 1.0), (-2.4, 0.7), (1.4, 3.0), (-20.0, 0.5), (0.5, 1e-9)])
def test_a_wide_ball_holds_every_value(name: str, parameter: float, middle: float, radius: float) -> None:
    """The enclosure holds f(x) for every x of the ball, also where f has a kink or turns."""
    (ball,) = single(name, parameter).propagate([arb(middle, radius)])
    x = np.linspace(middle - radius, middle + radius, 201)
    values = activation_module(name, parameter)(torch.from_numpy(x)).numpy()
    assert all(holds(ball, v, 1e-14) for v in values)
    # and is not much wider than it must be
    assert float(ball.rad()) <= 2.0 * max(1.0, abs(parameter)) * radius


def test_the_balls_of_the_paper_network_hold_its_float64_values() -> None:
    """At exact points the enclosure is about 1e-30 wide; float64 evaluation is off by its own rounding only."""
    ae = paper_network(0)
    x = np.random.default_rng(0).normal(size=(20, 3))
    codes, images = ae.encode(x), ae.reconstruct(x)
    for row, code, image in zip(x, codes, images, strict=True):
        balls = ae.reconstruct_balls([arb(v) for v in row.tolist()])
        inner = ae.encode_balls(row.tolist())
        assert balls is not None
        assert inner is not None
        assert len(balls) == 3
        assert max(float(b.rad()) for b in balls) < 1e-28
        assert max(abs(float(b.mid()) - v) for b, v in zip(balls, image, strict=True)) < 1e-14
        assert abs(float(inner[0].mid()) - code[0]) < 1e-14


def test_two_precisions_give_overlapping_balls() -> None:
    """64 and 256 bits enclose the same real number, the finer inside the coarser."""
    ae = from_architecture("mlp:ambient_dim=3,latent_dim=2,hidden=[6,6],activation=silu", 3)
    layers = (*(ae.encoder_layers or ()), *(ae.decoder_layers or ()))
    point = [arb(v) for v in (0.1, -0.7, 2.0)]
    coarse, fine = (BallNetwork(layers, bits).propagate(point) for bits in (64, 256))
    assert all(c.contains(f) for c, f in zip(coarse, fine, strict=True))
    assert all(float(c.rad()) < 1e-15 for c in coarse)


def test_a_box_of_inputs_holds_the_images_of_its_points() -> None:
    """Enclosures of a whole box hold the values at points of it."""
    ae = from_architecture("mlp:ambient_dim=2,latent_dim=1,hidden=[8,8],activation=gelu", 1)
    balls = ae.reconstruct_balls([arb(0.3, 0.05), arb(-0.2, 0.05)])
    assert balls is not None
    x = np.random.default_rng(1).uniform(-0.05, 0.05, size=(200, 2)) + np.array([0.3, -0.2])
    for image in ae.reconstruct(x):
        assert all(holds(b, v, 1e-14) for b, v in zip(balls, image, strict=True))


def test_weights_enter_exactly() -> None:
    """1 + 2^-60 is the sum of two weights and not rounded to 1."""
    layers: Layers = (Affine(np.array([[1.0, 2.0**-60]]), np.array([0.0])),)
    (ball,) = BallNetwork(layers).propagate([arb(1), arb(1)])
    with ctx.workprec(128):
        assert ball.contains(1 + arb(2) ** -60)
        assert not ball.contains(arb(1))


def test_nan_stays_nan() -> None:
    """A point that is not known gives nothing that looks known."""
    for name, parameter in ACTIVATIONS:
        (ball,) = single(name, parameter).propagate([arb("nan")])
        assert not ball.is_finite()


def test_the_precision_of_the_caller_is_restored() -> None:
    """The working precision is a global of the library below."""
    before = ctx.prec
    single("tanh", 0.0).propagate([arb(1)])
    assert before == ctx.prec


def test_wrong_number_of_coordinates_is_refused() -> None:
    """A plane point does not go into a network of R^3."""
    with pytest.raises(UsageError, match="3 coordinates"):
        paper_network(0).encode_balls([0.0, 0.0])


@pytest.mark.parametrize("layer", [nn.GELU("tanh"), nn.LayerNorm(4), nn.Hardtanh()])
def test_layers_without_a_rule_have_no_balls(layer: nn.Module) -> None:
    """None instead of a wrong enclosure."""
    encoder = nn.Sequential(nn.Linear(3, 4), layer, nn.Linear(4, 1))
    ae = ModuleAutoencoder(encoder, nn.Sequential(nn.Linear(1, 3)))
    assert ae.reconstruct_balls([0.0, 0.0, 0.0]) is None
    assert ae.encode_balls([0.0, 0.0, 0.0]) is None


def test_large_arguments_stay_finite() -> None:
    """Softplus, sigmoid and SiLU at +-10^6 do not overflow."""
    for name, expected in (("softplus", 1e6), ("sigmoid", 1.0), ("silu", 1e6), ("gelu", 1e6)):
        (up,) = single(name, 1.0).propagate([arb(1e6)])
        (down,) = single(name, 1.0).propagate([arb(-1e6)])
        assert math.isclose(expected, float(up.mid()))
        assert abs(float(down.mid())) < 1e-9
