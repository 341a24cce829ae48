"""Every rule that an enclosure rests on, weakened one at a time: exact points must then fall outside.

Each mutant is a change of one rule (a relaxation, a layer, a remainder, a rounding pad, a sum) and a check that counts
what is wrong; the check finds nothing without the change. `docs/enclosures.md` lists them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import product as cartesian
from typing import Any

import numpy as np
import pytest
import torch
from flint import arb, ctx
from torch import nn

from aeverify.autoencoders.blocks import Residual
from aeverify.enclosure import (
    distances,
    enclose_bad_set,
    error_bounds,
    layers,
    propagation,
    questions,
    relaxations,
    rounding,
    volumes,
)
from aeverify.enclosure.evaluation import Boxes, Evaluator
from aeverify.enclosure.layers import network_from_modules
from aeverify.manifolds.chart import Chart
from tests.unit.enclosure.exact import ACTIVATIONS, CHARTS, forms_of, make
from tests.unit.enclosure.fuzz import Subject, compare
from tests.unit.enclosure.test_soundness import _point_violations

SEGMENT = make(lambda u, ops: [4 * u[0]], (-1.0,), (1.0,))
IDS = [repr(a()) for a in ACTIVATIONS]


def _affine(weight: float, bias: float) -> nn.Linear:
    layer = nn.Linear(1, 1).double()
    with torch.no_grad():
        layer.weight.fill_(weight)
        layer.bias.fill_(bias)
    return layer


def _scalar(encoder: list[nn.Module], decoder: list[nn.Module], chart: Chart = SEGMENT) -> Subject:
    """Modules that act on single numbers, D of which adds 64: e = D(E(x)) - x is smooth."""
    e, d = nn.Sequential(_affine(1, 0), *encoder, _affine(1, 0)), nn.Sequential(_affine(1, 0), *decoder, _affine(1, 64))
    network = network_from_modules(e, d, ambient_dim=1, latent_dim=1)
    return Subject("scalar", e.eval(), d.eval(), network, chart)


def _wide(subject: Subject) -> int:
    """Failures in boxes of half-width 1/2 to 4 on both sides of 0."""
    center = torch.tensor([[0.0], [0.125], [-0.25], [0.5], [-0.625]]).double()
    half = torch.tensor([[1.0], [0.25], [0.5], [0.125], [0.25]]).double()
    bounds, _ = error_bounds.error_bounds(subject.network, forms_of(subject.chart, 1, center, half), None)
    return compare(subject, bounds, center, half, 400, np.random.Generator(np.random.PCG64(0))).failures


def _scaled_error(factor: float, true: Callable[..., Any]) -> Callable[..., Any]:
    def weak(*arguments: Any) -> Any:
        k, c, e = true(*arguments)
        return k, c, e * factor

    return weak


@pytest.mark.parametrize("part", ["encoder", "decoder"])
@pytest.mark.parametrize("make_activation", ACTIVATIONS, ids=IDS)
def test_a_weakened_relaxation_is_caught(monkeypatch, make_activation, part):
    """Each activation, in either half of the network: its error nine tenths as large loses points, as it is none."""
    activation = make_activation()
    subject = _scalar([activation], []) if part == "encoder" else _scalar([], [activation])
    assert _wide(subject) == 0
    stage = next(s for s in subject.network.stages if isinstance(s, relaxations.Activation))
    monkeypatch.setattr(type(stage), "relax", _scaled_error(0.9, type(stage).relax))
    assert _wide(subject) > 0


def _image_subject(kind: type[nn.Module]) -> Subject:
    """A network on the 4 x 4 images of a bar, or on 16 numbers, in which one layer of the kind acts."""
    torch.manual_seed(7)
    flat, signal, image = (16,), (1, 16), (1, 4, 4)
    rows: dict[type[nn.Module], tuple[tuple[int, ...], nn.Module, int]] = {
        nn.Linear: (flat, nn.Linear(16, 8), 8),
        nn.Conv1d: (signal, nn.Conv1d(1, 2, 3, 1, 1), 32),
        nn.Conv2d: (image, nn.Conv2d(1, 2, 3, 2, 1), 8),
        nn.ConvTranspose1d: (signal, nn.ConvTranspose1d(1, 2, 4, 2, 1), 64),
        nn.ConvTranspose2d: (image, nn.ConvTranspose2d(1, 2, 4, 2, 1), 128),
        nn.Upsample: (image, nn.Upsample(scale_factor=2), 64),
        nn.AvgPool1d: (signal, nn.AvgPool1d(2), 8),
        nn.AvgPool2d: (image, nn.AvgPool2d(2), 4),
        nn.BatchNorm1d: (flat, nn.BatchNorm1d(16), 16),
        nn.BatchNorm2d: (image, nn.BatchNorm2d(1), 16),
        Residual: (flat, Residual(nn.Sequential(nn.Linear(16, 4), nn.ReLU(), nn.Linear(4, 16))), 16),
    }
    shape, layer, size = rows[kind]
    if hasattr(layer, "running_mean"):
        with torch.no_grad():
            layer.running_mean.uniform_(-1, 1)
            layer.running_var.uniform_(0.1, 2)
    start = [] if shape == flat else [nn.Unflatten(1, shape)]
    encoder = nn.Sequential(*start, layer, nn.Flatten(), nn.ReLU(), nn.Linear(size, 2)).eval()
    decoder = nn.Linear(2, 16).eval()
    network = network_from_modules(encoder, decoder, ambient_dim=16, latent_dim=2)
    return Subject(kind.__name__, encoder, decoder, network, CHARTS["bar"][0])


LAYERS = [
    nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.Upsample, nn.AvgPool1d, nn.AvgPool2d,
    nn.BatchNorm1d, nn.BatchNorm2d, Residual,
]  # fmt: skip


def _small(subject: Subject) -> int:
    """Failures in boxes of half-width 2^-40."""
    center = torch.tensor([[0.125], [0.3125], [0.75]]).double()
    half = torch.full_like(center, 2.0**-40)
    ambient = subject.network.ambient_dim
    bounds, _ = error_bounds.error_bounds(subject.network, forms_of(subject.chart, ambient, center, half), None)
    return compare(subject, bounds, center, half, 12, np.random.Generator(np.random.PCG64(0))).failures


@pytest.mark.parametrize("kind", LAYERS, ids=lambda k: k.__name__)
def test_a_layer_whose_matrix_is_off_is_caught(monkeypatch, kind):
    """Each kind of layer: weights off by a part of 1e-8, against the module itself in 80-bit arithmetic."""
    assert _small(_image_subject(kind)) == 0
    true = layers._LAYERS[kind]

    def off(module: Any, shape: Any) -> Any:
        stages, out = true(module, shape)
        return [replace(stages[0], weight=stages[0].weight * (1 + 1e-8)), *stages[1:]], out

    monkeypatch.setitem(layers._LAYERS, kind, off)
    assert _small(_image_subject(kind)) > 0


def _weak_reduce(monkeypatch: pytest.MonkeyPatch) -> None:
    true = propagation.Forms.reduce

    def reduce(self: propagation.Forms) -> None:
        true(self)
        self.rows[(1 + self.dim) * self.count :] *= 0.9

    monkeypatch.setattr(propagation.Forms, "reduce", reduce)


def _weak_backward(monkeypatch: pytest.MonkeyPatch) -> None:
    true = propagation.backward

    def backward(*arguments: Any) -> Any:
        bound, parts = true(*arguments)
        return bound * 0.9, parts

    monkeypatch.setattr(propagation, "backward", backward)
    monkeypatch.setattr(error_bounds, "backward", backward)


def _weak_vertices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_bounds, "vertices", lambda dim, like: 0.9 * _vertices(dim, like))


_vertices = error_bounds.vertices


def _weak_assembly(index: int, change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[..., None]:
    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        true = error_bounds._assemble

        def assemble(*arguments: Any) -> Any:
            found = list(true(*arguments))
            found[index] = change(found[index])
            return tuple(found)

        monkeypatch.setattr(error_bounds, "_assemble", assemble)

    return patch


PROPAGATION = {
    "the code's symbols": (_weak_reduce, nn.ReLU, "encoder"),
    "the backward pass to the code": (_weak_backward, nn.SiLU, "encoder"),
    "the backward pass to the output": (_weak_backward, nn.SiLU, "decoder"),
    "the vertices of the upper bound": (_weak_vertices, nn.ReLU, "decoder"),
    "the constant from below": (_weak_assembly(0, lambda t: t * 1.01), nn.ReLU, "decoder"),
    "the constant from above": (_weak_assembly(1, lambda t: t * 0.99), nn.ReLU, "decoder"),
    "the affine bound from below": (_weak_assembly(3, lambda t: t + 0.01), nn.ReLU, "decoder"),
    "the affine bound from above": (_weak_assembly(5, lambda t: t - 0.01), nn.ReLU, "decoder"),
}


@pytest.mark.parametrize("name", sorted(PROPAGATION))
def test_a_weakened_step_of_the_propagation_is_caught(monkeypatch, name):
    """Each step between the layers and the bound, a tenth or a hundredth weaker."""
    weaken, kind, part = PROPAGATION[name]
    subject = _scalar([kind()], []) if part == "encoder" else _scalar([], [kind()])
    assert _wide(subject) == 0
    weaken(monkeypatch)
    assert _wide(subject) > 0


def test_a_rounding_pad_that_is_dropped_is_caught(monkeypatch):
    """The radius that the products' roundings leave at the end, a thousand times too small."""
    assert _point_violations() == 0
    true = propagation.Forms.affine

    def affine(self: Any, *arguments: Any) -> None:
        true(self, *arguments)
        self.rounding = self.rounding * 1e-3

    monkeypatch.setattr(propagation.Forms, "affine", affine)
    assert _point_violations() > 0


CURVED = ["circle", "sphere", "torus", "klein", "flat", "graph", "bar"]


def _chart_violations(name: str, half: float, weaken: Callable[[Any], Any]) -> int:
    """Points of a chart outside their form, seen from directions in which the form is narrow."""
    chart, n = CHARTS[name]
    rng = np.random.Generator(np.random.PCG64(3))
    low, high = torch.tensor(chart.lower).double(), torch.tensor(chart.upper).double()
    center = low + (high - low) * torch.from_numpy(rng.integers(3, 29, size=(12, chart.dim)) / 32.0)
    forms = weaken(forms_of(chart, n, center, torch.full_like(center, half)))
    corners = error_bounds.vertices(chart.dim, center).numpy()
    signs = np.concatenate([corners, np.zeros((1, chart.dim))])
    count = 0
    with ctx.workprec(160):
        for i in range(len(center)):
            for s in signs:
                u = (center[i].numpy() + half * s).tolist()
                x = chart.evaluate([arb(v) for v in u], _balls())
                for j in range(n):
                    form = arb(float(forms.center[i, j]))
                    for k in range(chart.dim):
                        form += arb(float(forms.slopes[k, i, j])) * arb(float(s[k]))
                    spread = arb(float(forms.radius[i, j]))
                    for g in forms.generators[:, i, j].tolist():
                        spread += abs(arb(g))
                    count += not (abs(arb(0) + x[j] - form) <= spread)
    return count


def _balls() -> Any:
    from aeverify.manifolds.balls import ball_operations

    return ball_operations()


@pytest.mark.parametrize("name", CURVED)
def test_a_weakened_remainder_of_a_chart_is_caught(name):
    """Remainder generators and radius nine tenths as large lose vertices or centres of boxes of half-width 2^-9."""
    half = 2.0**-9
    assert _chart_violations(name, half, lambda f: f) == 0
    assert _chart_violations(name, half, lambda f: replace(f, generators=f.generators * 0.9, radius=f.radius * 0.9)) > 0


@pytest.mark.parametrize("name", [*CURVED])
def test_a_dropped_rounding_of_a_chart_is_caught(name):
    """At single points the radius, which is all there is, holds the rounding of the chart's functions."""
    assert _chart_violations(name, 0.0, lambda f: f) == 0
    assert _chart_violations(name, 0.0, lambda f: replace(f, radius=f.radius * 1e-3)) > 0


def _distance_violations() -> int:
    """The distance of the circle to a point off its centre, at the ends and the middle of boxes."""
    chart, _ = CHARTS["circle"]
    center = torch.arange(1, 32, dtype=torch.float64)[:, None] / 32
    half = torch.full_like(center, 1 / 64)
    target = torch.tensor([[0.5, 0.25]]).double().expand(len(center), 2)
    low, high = distances.distance_bounds(chart, target, torch.zeros(len(center)).double(), center, half)
    turn = 2 * math.pi * (center + half * torch.linspace(-1, 1, 33, dtype=torch.float64))
    true = torch.sqrt((torch.cos(turn) - 0.5) ** 2 + (torch.sin(turn) - 0.25) ** 2)
    return int((true < low[:, None] - 1e-12).sum() + (true > high[:, None] + 1e-12).sum())


def test_a_weakened_distance_series_is_caught(monkeypatch):
    """Where the network is constant: the series of the squared distance with its terms nine tenths as large."""
    assert _distance_violations() == 0
    true = distances._sum_of_squares

    def shrunk(arithmetic: Any, jets: Any, target: torch.Tensor) -> Any:
        jet = true(arithmetic, jets, target)
        for a, (mid, rad) in list(jet.terms.items()):
            if a != jet.origin:
                jet.terms[a] = (mid * 0.9, rad * 0.9)
        return jet

    monkeypatch.setattr(distances, "_sum_of_squares", shrunk)
    assert _distance_violations() > 0


def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neurons that a parent found on are taken for off on its children."""
    true = Evaluator._unpack
    monkeypatch.setattr(Evaluator, "_unpack", lambda self, alive: {k: v & ~v for k, v in true(self, alive).items()})


def test_a_live_neuron_taken_for_dead_is_caught(monkeypatch):
    """Dead columns: a ReLU that is on must be computed."""

    def failures() -> int:
        subject = _scalar([nn.ReLU()], [])
        evaluate = Evaluator(subject.network, [subject.chart])
        low, number = torch.tensor([[-0.25]]).double(), torch.zeros(1, dtype=torch.long)
        parents = Boxes(low, low + 1.0, number, number, None)
        evaluate.prepare(parents)
        _, alive = evaluate(parents, lambda: None)
        children = Boxes(low + 0.5, low + 1.0, number, number, alive)
        bounds, _ = evaluate(children, lambda: None)
        return compare(subject, bounds, *children.centers(), 200, np.random.Generator(np.random.PCG64(0))).failures

    assert failures() == 0
    _forget(monkeypatch)
    assert failures() > 0


def _exact_share(a: list[float], tau: float) -> Fraction:
    """The share of [-1, 1]^d with a.s > tau in rational arithmetic: sum over vertices of prod(v) (a.v - tau)_+^d."""
    weights = [abs(Fraction(x)) for x in a if x]
    d, t = len(weights), Fraction(tau)
    if not d:
        return Fraction(int(t < 0))
    total = Fraction(0)
    for v in cartesian((-1, 1), repeat=d):
        total += math.prod(v) * max(Fraction(0), sum(x * y for x, y in zip(v, weights, strict=True)) - t) ** d
    return total / (2**d * math.factorial(d) * math.prod(weights))


def _share_violations(dim: int, more: float = 0.0) -> int:
    rng = np.random.Generator(np.random.PCG64(dim))
    a = rng.normal(size=(300, dim)) * 10.0 ** rng.integers(-3, 1, size=(300, dim))
    tau = rng.uniform(-1.1, 1.1, size=300) * np.abs(a).sum(1)
    found = (volumes.half_space_share(torch.from_numpy(a), torch.from_numpy(tau)) + more).tolist()
    return sum(Fraction(f) > _exact_share(r, t) for f, r, t in zip(found, a.tolist(), tau.tolist(), strict=True))


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_share_of_a_half_space_that_is_not_rounded_down_is_caught(dim):
    """Against rational arithmetic: never above the share, and above it with 1e-8 more."""
    assert _share_violations(dim) == 0
    assert _share_violations(dim, 1e-8) > 0


def _volume_violations(weaken: Callable[[volumes.Patches], volumes.Patches] = lambda p: p) -> tuple[int, int]:
    """Boxes of the torus whose exact area, and points of it whose exact density, are not enclosed."""
    chart, _ = CHARTS["torus"]
    low = torch.tensor([[0.25, k / 16] for k in range(15)]).double()
    high = low + torch.tensor([[1 / 32, 1 / 16]])
    center, half = (low + high) / 2, (high - low) / 2
    patches = weaken(volumes.density_patches(chart, center, half))
    found = volumes.box_volumes(patches, torch.arange(len(low)), low, high)
    area, density = 0, 0
    with ctx.workprec(160):
        turn = 2 * arb.pi()
        for i, ((_, a), (_, b)) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
            exact = turn * turn * (2 * (arb(b) - arb(a)) + ((turn * b).sin() - (turn * a).sin()) / turn) / 32
            area += not (arb(float(found.lower[i])) <= exact <= arb(float(found.upper[i])))
            for v in (a, (a + b) / 2, b):
                w = turn * turn * (2 + (turn * v).cos())
                density += not (arb(float(found.density_lower[i])) <= w <= arb(float(found.density_upper[i])))
    return area, density


def test_weakened_density_models_are_caught():
    """Taylor models of the area element: their remainder (which is generous) a ten-thousandth, their slope a third."""
    assert _volume_violations() == (0, 0)
    assert _volume_violations(lambda p: replace(p, remainder=p.remainder * 1e-4))[0] > 0
    assert _volume_violations(lambda p: replace(p, slope=p.slope * 0.3))[1] > 0


def _sum_violations() -> int:
    rng = np.random.Generator(np.random.PCG64(0))
    count = 0
    for n in (10, 100, 1000, 5000):
        x = rng.random(n) * 10.0 ** rng.integers(-8, 1, size=n)
        exact = sum(map(Fraction, x.tolist()))
        count += Fraction(rounding.sum_up(torch.from_numpy(x))) < exact
        count += Fraction(rounding.sum_down(torch.from_numpy(x))) > exact
    return count


def test_sums_of_volumes_that_are_not_rounded_outward_are_caught(monkeypatch):
    """Against exact sums: without their pad some sums round to the wrong side."""
    assert _sum_violations() == 0
    monkeypatch.setattr(rounding, "gamma", lambda n: 0.0)
    assert _sum_violations() > 0


@pytest.mark.parametrize("index", range(4))
def test_a_shaved_total_is_caught(monkeypatch, index):
    """Each of the four totals (bad and good, from below and above) off by a thousandth excludes the exact share."""
    exact = 1 - 2 * math.asin(0.5) / math.pi

    def share() -> bool:
        chart, _ = CHARTS["circle"]
        return exact in enclose_bad_set(_projection(), [chart], 0.5, tolerance=1e-6).interval

    assert share()
    true = questions.MeasureQuestion.add

    def add(self: Any, closed: Any, more: Any) -> Any:
        found = list(true(self, closed, more))
        found[index] *= 1.001 if index % 2 == 0 else 0.999
        return tuple(found)

    monkeypatch.setattr(questions.MeasureQuestion, "add", add)
    assert not share()


def _projection() -> Any:
    """(x, y) to (x, 0): e = |y| = |sin|."""
    encoder, decoder = nn.Linear(2, 1).double(), nn.Linear(1, 2).double()
    with torch.no_grad():
        encoder.weight.copy_(torch.tensor([[1.0, 0.0]]))
        decoder.weight.copy_(torch.tensor([[1.0], [0.0]]))
        encoder.bias.zero_()
        decoder.bias.zero_()
    return network_from_modules(encoder, decoder, ambient_dim=2, latent_dim=1)
