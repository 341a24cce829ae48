"""Soundness fuzz: random networks, charts and boxes; every sampled point must lie inside its enclosure.

`python -m tests.unit.enclosure.fuzz CASES POINTS [SEED]` is the long run; the tests take a short one. All points are
evaluated in ball arithmetic, at exact dyadic parameters.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from flint import arb
from torch import nn

from aeverify.enclosure.error_bounds import error_bounds, vertices
from aeverify.enclosure.layers import Residual, network_from_modules
from tests.unit.enclosure.exact import ACTIVATIONS, CHARTS, error_ball, forms_of, random_mlp


def _modules(
    ambient: int, width: int, latent: int, activation: Callable[[], nn.Module], rng: np.random.Generator
) -> tuple[nn.Module, nn.Module]:
    """Dense, residual or (for 4 x 4 images) convolutional encoder and decoder, with activations of two kinds."""
    other = ACTIVATIONS[int(rng.integers(len(ACTIVATIONS)))]
    kind = int(rng.integers(3))
    encoder: nn.Module = random_mlp([ambient, width, width, latent], activation, rng)
    decoder: nn.Module = random_mlp([latent, width, width, ambient], other, rng)
    if kind == 1:
        encoder = nn.Sequential(Residual(random_mlp([ambient, width, ambient], other, rng)), activation(), encoder)
        decoder = nn.Sequential(decoder, Residual(random_mlp([ambient, width, ambient], activation, rng)))
    if kind == 2 and ambient == 16:
        torch.manual_seed(int(rng.integers(2**31)))
        encoder = nn.Sequential(
            nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 3, 3, 1, 1), activation(), nn.AvgPool2d(2), nn.BatchNorm2d(3),
            nn.Flatten(), nn.Linear(12, latent),
        )  # fmt: skip
        decoder = nn.Sequential(
            nn.Linear(latent, 4), other(), nn.Unflatten(1, (1, 2, 2)), nn.Upsample(scale_factor=2),
            nn.ConvTranspose2d(1, 1, 3, 1, 1), nn.Flatten(),
        )  # fmt: skip
        with torch.no_grad():
            encoder[4].running_mean.uniform_(-1, 1)
            encoder[4].running_var.uniform_(0.1, 2)
    return encoder.eval(), decoder.eval()


def violations(cases: int, points: int, seed: int, halves: tuple[int, int] = (4, 40), boxes: int = 4) -> int:
    """How many of cases * boxes * points evaluated points lie outside their enclosure; must be 0."""
    rng = np.random.Generator(np.random.PCG64(seed))
    names = list(CHARTS)
    found = 0
    for case in range(cases):
        chart, ambient = CHARTS[names[case % len(names)]]
        activation = ACTIVATIONS[int(rng.integers(len(ACTIVATIONS)))]
        width, latent = int(rng.integers(2, 10)), int(rng.integers(1, min(ambient, 3) + 1))
        encoder, decoder = _modules(ambient, width, latent, activation, rng)
        network = network_from_modules(encoder, decoder, ambient_dim=ambient, latent_dim=latent)
        # Dyadic centres and half-widths: every point c + h s below is exact.
        exponents = rng.integers(halves[0], halves[1], size=(boxes, chart.dim))
        half = torch.from_numpy(np.where(rng.random((boxes, chart.dim)) < 0.1, 0.0, 2.0**-exponents))
        low, high = torch.tensor(chart.lower), torch.tensor(chart.upper)
        cells = torch.from_numpy(rng.integers(1, 31, size=(boxes, chart.dim)) / 32.0)
        center = (low + (high - low) * cells).double()
        bounds, _ = error_bounds(network, forms_of(chart, ambient, center, half), None)
        s = torch.from_numpy(rng.integers(-64, 65, size=(points, chart.dim)) / 64.0)
        s[: min(points, 2**chart.dim)] = vertices(chart.dim, s)[:points]
        for i in range(boxes):
            for row in s.tolist():
                u = [float(c + h * t) for c, h, t in zip(center[i], half[i], row, strict=True)]
                e = error_ball(network, chart, u)
                lower = arb(float(bounds.lower_offset[i]))
                upper = arb(float(bounds.upper_offset[i]))
                for k, t in enumerate(row):
                    lower += arb(float(bounds.lower_slope[i, k])) * arb(t)
                    upper += arb(float(bounds.upper_slope[i, k])) * arb(t)
                outside = e < lower or e > upper or e < float(bounds.lower[i]) or e > float(bounds.upper[i])
                found += bool(outside)
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    cases, points = int(sys.argv[1]), int(sys.argv[2])
    start = time.time()
    count = violations(cases, points, int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    boxes, seconds = cases * 4, time.time() - start
    sys.stdout.write(f"{cases} networks, {boxes} boxes, {boxes * points} points: {count} outside, {seconds:.0f} s\n")
