"""Charts, networks and an evaluation in ball arithmetic (python-flint, 160 bits) for the tests of the enclosures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from flint import arb, arb_mat, ctx
from torch import nn

from aeverify.autoencoders import blocks
from aeverify.enclosure.charts import ChartForms, cell_table, chart_forms
from aeverify.enclosure.network import Affine, Network
from aeverify.enclosure.relaxations import Activation, LeakyReLU
from aeverify.enclosure.smooth import ELU, GELU, Sigmoid, SiLU, Sine, Softplus, Tanh
from aeverify.manifolds.balls import ball_operations
from aeverify.manifolds.chart import Chart

BITS = 160


def make(formula: Callable[..., Any], lower: Sequence[float], upper: Sequence[float]) -> Chart:
    return Chart(tuple(lower), tuple(upper), (False,) * len(lower), formula, (100.0,) * len(lower))


def _circle(u: Any, ops: Any) -> list[Any]:
    turn = 2 * ops.pi * u[0]
    return [ops.cos(turn), ops.sin(turn)]


def _sphere(u: Any, ops: Any) -> list[Any]:
    a, b = 2 * ops.pi * u[0], 2 * ops.pi * u[1]
    return [ops.cos(b) * ops.cos(a), ops.cos(b) * ops.sin(a), ops.sin(b)]


def _torus(u: Any, ops: Any) -> list[Any]:
    a, b = 2 * ops.pi * u[0], 2 * ops.pi * u[1]
    w = 2 + ops.cos(b)
    return [w * ops.cos(a), w * ops.sin(a), ops.sin(b)]


def _klein(u: Any, ops: Any) -> list[Any]:
    a, b, half = 2 * ops.pi * u[0], 2 * ops.pi * u[1], ops.pi * u[0]
    w, s = 2 + ops.cos(b), ops.sin(b)
    return [w * ops.cos(a), w * ops.sin(a), s * ops.cos(half), s * ops.sin(half)]


def _flat(u: Any, ops: Any) -> list[Any]:
    return [f(2 * ops.pi * x) for x in u for f in (ops.cos, ops.sin)]


def _graph(u: Any, ops: Any) -> list[Any]:
    return [u[0], ops.exp(-(u[0] * u[0])), ops.sqrt(1 + u[0] ** 2), 1 / (2 + u[0])]


def _bar(u: Any, ops: Any) -> list[Any]:
    s, c = ops.sin(ops.pi * u[0]), ops.cos(ops.pi * u[0])
    axis = (-0.75, -0.25, 0.25, 0.75)
    across = [(x * s - y * c) * 2 for y in axis for x in axis]
    return [ops.exp(-(z * z)) for z in across]  # balls that hold 0 have no power


CHARTS: dict[str, tuple[Chart, int]] = {
    "segment": (make(lambda u, ops: [u[0]], (0.0,), (1.0,)), 1),
    "circle": (make(_circle, (0.0,), (1.0,)), 2),
    "sphere": (make(_sphere, (0.0, -0.25), (1.0, 0.25)), 3),
    "torus": (make(_torus, (0.0, 0.0), (1.0, 1.0)), 3),
    "klein": (make(_klein, (0.0, 0.0), (1.0, 1.0)), 4),
    "flat": (make(_flat, (0.0,) * 3, (1.0,) * 3), 6),
    "graph": (make(_graph, (-1.0,), (1.0,)), 4),
    "bar": (make(_bar, (0.0,), (1.0,)), 16),
}

ACTIVATIONS: tuple[Callable[[], nn.Module], ...] = (
    nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.GELU, nn.Softplus, nn.Tanh, nn.Sigmoid,
    lambda: nn.ELU(1.7), lambda: nn.Softplus(3.0), lambda: nn.LeakyReLU(-0.3), lambda: nn.ELU(0.4),
    blocks.Sine, lambda: blocks.Cosine(-2.5), lambda: blocks.Sine(6.0),
)  # fmt: skip


def forms_of(chart: Chart, ambient: int, center: torch.Tensor, half: torch.Tensor) -> ChartForms:
    """Chart forms with each box its own cell."""
    table = cell_table(chart, ambient, center, half)
    return chart_forms(chart, table, torch.arange(len(center)), center, half)


def activate(stage: Activation, x: Any) -> Any:
    """The real activation on a ball."""
    zero = arb(0)
    if isinstance(stage, LeakyReLU):
        return x.max(zero) + arb(stage.negative) * x.min(zero)
    if isinstance(stage, Tanh):
        return x.tanh()
    if isinstance(stage, Sigmoid):
        return 1 / (1 + (-x).exp())
    if isinstance(stage, SiLU):
        return x / (1 + (-x).exp())
    if isinstance(stage, GELU):
        return x * (-x / arb(2).sqrt()).erfc() / 2
    if isinstance(stage, ELU):
        return x.max(zero) + arb(stage.alpha) * x.min(zero).expm1()
    if isinstance(stage, Sine):
        z = arb(stage.frequency) * x
        return z.cos() if stage.cosine else z.sin()
    assert isinstance(stage, Softplus)
    z = arb(stage.beta) * x
    if z > stage.threshold:
        return x
    return (z.max(zero) + (-abs(z)).exp().log1p()) / arb(stage.beta)


def error_ball(network: Network, chart: Chart, parameters: Sequence[float]) -> Any:
    """Enclosure of the exact error at one exact parameter point."""
    with ctx.workprec(BITS):
        point = chart.formula([arb(float(p)) for p in parameters], ball_operations())
        x = [p if isinstance(p, arb) else arb(p) for p in point]
        y = list(x)
        for stage in network.stages:
            if isinstance(stage, Affine):
                weight = arb_mat([[arb(v) for v in row] for row in stage.weight.T.tolist()])
                column = weight * arb_mat([[v] for v in y])
                y = [column[i, 0] + arb(b) for i, b in enumerate(stage.bias.tolist())]
            else:
                mask = [True] * len(y) if stage.mask is None else stage.mask.tolist()
                y = [activate(stage, v) if m else v for v, m in zip(y, mask, strict=True)]
        total = arb(0)
        for a, b in zip(y, x, strict=True):
            total += (a - b) ** 2
        return total.max(arb(0)).sqrt()


def random_mlp(sizes: Sequence[int], activation: Callable[[], nn.Module], rng: np.random.Generator) -> nn.Sequential:
    """A network with random float32 weights of varied scale."""
    layers: list[nn.Module] = []
    for i, (a, b) in enumerate(pairwise(sizes)):
        linear = nn.Linear(a, b)
        scale = rng.uniform(0.5, 2.5) / np.sqrt(a)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(rng.normal(size=(b, a)) * scale))
            linear.bias.copy_(torch.from_numpy(rng.normal(size=b) * 0.5))
        layers.append(linear)
        if i < len(sizes) - 2:
            layers.append(activation())
    return nn.Sequential(*layers)
