"""Every point of every box lies inside its enclosure, and weakened rules are caught."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from flint import arb, ctx
from safetensors.torch import load_file
from torch import nn

from aeverify.enclosure import arithmetics, charts, error_bounds, propagation, relaxations
from aeverify.enclosure.evaluation import Boxes, Evaluator
from aeverify.enclosure.layers import network_from_modules
from tests.unit.enclosure import extended
from tests.unit.enclosure.exact import CHARTS, error_ball, forms_of, make, random_mlp
from tests.unit.enclosure.fuzz import random_run, violations

FIXTURES = Path(__file__).parents[2] / "fixtures"


def test_no_point_of_a_random_network_lies_outside_its_enclosure():
    """All points of random networks of all layers, on all charts, in boxes wide and tiny, are inside."""
    assert violations(networks=32, points=100, seed=1, boxes=2) == 0


def test_no_point_lies_outside_in_wide_boxes():
    """Boxes of an eighth of a turn, where every relaxation is at work."""
    assert violations(networks=24, points=100, seed=2, halves=(3, 6), boxes=2) == 0


def test_eighty_bit_values_lie_in_balls():
    """What the fuzz compares with: its values are within their own bounds of ball arithmetic, and narrow."""
    found = random_run(24, 2, 3, boxes=1, spot=2)
    assert (found.mismatches, found.balls >= 48) == (0, True)


def test_the_normal_distribution_function_in_eighty_bits():
    """The table and series behind GELU, against balls."""
    x = np.linspace(-14, 14, 501)
    values = extended._normal(x.astype(np.longdouble))
    with ctx.workprec(160):
        for a, y in zip(x.tolist(), values, strict=True):
            exact = (-arb(a) / arb(2).sqrt()).erfc() / 2
            high = float(y)
            assert abs(exact - arb(high) - arb(float(y - np.longdouble(high)))) <= extended.FUNCTION


def _cancelling(scale: float):
    """Every hidden neuron of size `scale` has a twin that cancels it: the code is exactly 0, computed it is not."""
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(1, 24), nn.ReLU(), nn.Linear(24, 1)).double()
    decoder = nn.Linear(1, 1).double()
    with torch.no_grad():
        encoder[0].weight.copy_(scale * torch.rand(12, 1).double().repeat(2, 1))
        encoder[0].bias.copy_(scale * torch.rand(12).double().repeat(2))
        encoder[2].weight.copy_(torch.rand(1, 12).double().repeat(1, 2))
        encoder[2].weight[0, 12:] *= -1.0
        order = torch.randperm(24)
        encoder[0].weight.copy_(encoder[0].weight[order])
        encoder[0].bias.copy_(encoder[0].bias[order])
        encoder[2].weight.copy_(encoder[2].weight[:, order])
        encoder[2].bias.zero_()
    return network_from_modules(encoder, decoder, ambient_dim=1, latent_dim=1)


def _point_violations() -> int:
    chart = make(lambda u, ops: [u[0]], (0.0,), (1.0,))
    network = _cancelling(2.0**30)
    center = torch.arange(1, 60, dtype=torch.float64)[:, None] / 64
    bounds, _ = error_bounds.error_bounds(network, forms_of(chart, 1, center, torch.zeros_like(center)), None)
    count = 0
    for i, row in enumerate(center.tolist()):
        e = error_ball(network, chart, row)
        count += bool(e < float(bounds.lower[i]) or e > float(bounds.upper[i]))
    return count


def test_rounding_is_enclosed_where_large_numbers_cancel():
    """At single points of a badly conditioned network the exact error is still inside."""
    assert _point_violations() == 0


def test_dropping_the_rounding_of_the_products_is_caught(monkeypatch):
    """Without gamma in the layers the same points fall outside."""
    monkeypatch.setattr(propagation, "gamma", lambda n: 0.0)
    monkeypatch.setattr(propagation, "UNIT", 0.0)
    assert _point_violations() > 0


def test_a_rounding_pad_a_thousand_times_too_small_is_caught(monkeypatch):
    """The pad of the products is needed down to a modest factor."""
    true = propagation.gamma
    monkeypatch.setattr(propagation, "gamma", lambda n: true(n) / 1000)
    monkeypatch.setattr(propagation, "UNIT", propagation.UNIT / 1000)
    assert _point_violations() > 0


@pytest.mark.parametrize("factor", [0.0, 0.5, 0.9])
def test_a_shortened_relu_error_is_caught(monkeypatch, factor):
    """The generator of an unstable ReLU is as short as it can be."""
    true = relaxations.LeakyReLU.relax
    monkeypatch.setattr(relaxations.LeakyReLU, "relax", lambda *a: (lambda k, c, e: (k, c, e * factor))(*true(*a)))
    assert _kink_violations() > 0


def _kink_violations() -> int:
    """One ReLU with its kink inside the box: f(x) - x on a segment."""
    encoder, decoder = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1)).double(), nn.Linear(1, 1).double()
    with torch.no_grad():
        for layer in (encoder[0], encoder[2], decoder):
            layer.weight.fill_(1.0)
            layer.bias.zero_()
        encoder[0].bias.fill_(-0.5)
        decoder.bias.fill_(4.0)
    network = network_from_modules(encoder, decoder, ambient_dim=1, latent_dim=1)
    center, half = torch.full((1, 1), 0.5).double(), torch.full((1, 1), 0.25).double()
    chart = make(lambda u, ops: [u[0]], (0.0,), (1.0,))
    bounds, _ = error_bounds.error_bounds(network, forms_of(chart, 1, center, half), None)
    count = 0
    for s in torch.linspace(-1, 1, 33).tolist():
        e = error_ball(network, chart, [0.5 + 0.25 * s])
        lower = float(bounds.lower_slope[0, 0]) * s + float(bounds.lower_offset[0])
        upper = float(bounds.upper_slope[0, 0]) * s + float(bounds.upper_offset[0])
        count += bool(e < lower or e > upper)
    return count


def test_the_kink_of_a_relu_is_enclosed():
    """The unmutated rule passes where the mutants above fail."""
    assert _kink_violations() == 0


def _identity(n: int):
    """E = id, D = 2 id: the error is |x| = 1 on the unit circle."""
    encoder, decoder = nn.Linear(n, n).double(), nn.Linear(n, n).double()
    with torch.no_grad():
        encoder.weight.copy_(torch.eye(n))
        decoder.weight.copy_(2 * torch.eye(n))
        encoder.bias.zero_()
        decoder.bias.zero_()
    return network_from_modules(encoder, decoder, ambient_dim=n, latent_dim=n)


def test_dropping_the_error_of_sine_and_cosine_is_caught(monkeypatch):
    """At a point of the circle the exact error 1 is enclosed; without the chart's rounding it is not everywhere."""
    network = _identity(2)
    chart, ambient = CHARTS["circle"]
    center = torch.arange(1, 200, dtype=torch.float64)[:, None] / 256
    for module in (arithmetics, charts, error_bounds, propagation):
        for name in ("gamma", "UNIT", "FUNCTION_ERROR", "TINY"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, (lambda n: 0.0) if name == "gamma" else 0.0)
    bounds, _ = error_bounds.error_bounds(network, forms_of(chart, ambient, center, torch.zeros_like(center)), None)
    outside = (bounds.lower > 1) | (bounds.upper < 1)
    assert bool(outside.any())


def test_overflow_gives_an_unknown_box_and_never_a_finite_bound():
    """Weights of 1e200 overflow in float64: nothing is known, and nothing is claimed."""
    encoder = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)).double()
    decoder = nn.Linear(1, 2).double()
    with torch.no_grad():
        encoder[0].weight.fill_(1e200)
        encoder[2].weight.fill_(1e200)
    network = network_from_modules(encoder, decoder, ambient_dim=2, latent_dim=1)
    chart, ambient = CHARTS["circle"]
    center, half = torch.full((1, 1), 0.0625).double(), torch.full((1, 1), 0.01).double()
    bounds, alive = error_bounds.error_bounds(network, forms_of(chart, ambient, center, half), None)
    assert (float(bounds.lower[0]), float(bounds.upper[0])) == (0.0, float("inf"))
    assert bool(next(iter(alive.values())).any())


@pytest.mark.parametrize("seed", range(6))
def test_boxes_that_inherit_dead_neurons_are_sound(seed):
    """What a parent box knows of its ReLUs is used on its children, and their exact errors stay inside."""
    rng = np.random.Generator(np.random.PCG64(seed))
    chart, _ = CHARTS["torus"]
    network = network_from_modules(
        random_mlp([3, 24, 24, 2], nn.ReLU, rng), random_mlp([2, 24, 24, 3], nn.ReLU, rng), ambient_dim=3, latent_dim=2
    )
    evaluate = Evaluator(network, [chart])
    low = torch.from_numpy(rng.integers(0, 15, size=(3, 2)) / 16.0)
    parents = Boxes(low, low + 2.0**-6, torch.zeros(3, dtype=torch.long), torch.arange(3), None)
    evaluate.prepare(parents)
    _, alive = evaluate(parents, lambda: None)
    known = Boxes(parents.low, parents.high, parents.chart, parents.cell, alive)
    middle = (known.low[:, :1] + known.high[:, :1]) / 2
    left = Boxes(known.low, torch.cat([middle, known.high[:, 1:]], 1), known.chart, known.cell, alive)
    assert alive is not None
    assert int(np.unpackbits(np.bitwise_or.reduce(alive, axis=0)).sum()) < 0.9 * 96
    bounds, _ = evaluate(left, lambda: None)
    for i in range(3):
        for s in rng.integers(0, 9, size=(12, 2)) / 8.0:
            u = [float(a + (b - a) * t) for a, b, t in zip(left.low[i], left.high[i], s, strict=True)]
            e = error_ball(network, chart, u)
            assert float(bounds.lower[i]) <= e <= float(bounds.upper[i])


@pytest.mark.parametrize("name", ["torus_0", "torus_gelu_0"])
def test_a_trained_network_is_enclosed(name):
    """Exact errors of a trained 3-128-128-128-2-128-128-128-3 network lie between the affine bounds of small boxes."""
    weights = load_file(FIXTURES / f"enclosure_{name}.safetensors")
    activation = nn.GELU if "gelu" in name else nn.ReLU
    parts = []
    for part, sizes in (("encoder", [3, 128, 128, 128, 2]), ("decoder", [2, 128, 128, 128, 3])):
        module = random_mlp(sizes, activation, np.random.Generator(np.random.PCG64(0)))
        module.load_state_dict({k[8:]: v for k, v in weights.items() if k.startswith(part)})
        parts.append(module)
    network = network_from_modules(*parts, ambient_dim=3, latent_dim=2)
    chart, _ = CHARTS["torus"]
    rng = np.random.Generator(np.random.PCG64(1))
    center = torch.from_numpy(rng.integers(1, 256, size=(5, 2)) / 256.0)
    half = torch.tensor([2.0**-5, 2.0**-8, 2.0**-11, 2.0**-30, 0.0]).double()[:, None].repeat(1, 2)
    bounds, _ = error_bounds.error_bounds(network, forms_of(chart, 3, center, half), None)
    for i in range(5):
        for s in rng.integers(-8, 9, size=(3, 2)) / 8.0:
            e = error_ball(network, chart, (center[i] + half[i] * torch.from_numpy(s)).tolist())
            lower = float((bounds.lower_slope[i] * torch.from_numpy(s)).sum() + bounds.lower_offset[i])
            upper = float((bounds.upper_slope[i] * torch.from_numpy(s)).sum() + bounds.upper_offset[i])
            assert lower - 1e-15 <= e <= upper + 1e-15
