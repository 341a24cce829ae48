"""Volumes and half-space shares against closed forms."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch

from aeverify.enclosure.subdivision import grid_of
from aeverify.enclosure.volumes import box_volumes, density_patches, half_space_share
from aeverify.errors import UsageError
from aeverify.manifolds.chart import Chart
from tests.unit.enclosure.exact import CHARTS, make


def _total(chart: Chart) -> tuple[float, float]:
    boxes = grid_of([chart], torch.device("cpu"))
    center, half = boxes.centers()
    patches = density_patches(chart, center, half)
    found = box_volumes(patches, torch.arange(len(boxes)), boxes.low, boxes.high)
    return float(found.lower.sum()), float(found.upper.sum())


@pytest.mark.parametrize(
    ("name", "exact", "width"),
    [("circle", 2 * math.pi, 1e-9), ("torus", 8 * math.pi**2, 5e-3), ("flat", (2 * math.pi) ** 3, 40.0)],
)
def test_total_volume(name, exact, width):
    """Length of the circle, area of the torus (4 pi^2 R r), volume of the flat 3-torus."""
    low, high = _total(CHARTS[name][0])
    assert low <= exact * (1 + 1e-15)
    assert high >= exact * (1 - 1e-15)
    assert high - low <= width


def test_sphere_with_poles():
    """4 pi is enclosed although the density vanishes at the poles, where only [0, sup] is known."""
    low, high = _total(CHARTS["sphere"][0])
    assert low <= 4 * math.pi <= high
    assert high - low < 0.12


def test_parts_of_a_patch_add_up_to_it():
    """The volumes of the pieces of a box enclose the volume of the box."""
    chart = CHARTS["torus"][0]
    center, half = torch.tensor([[0.25, 0.375]]).double(), torch.tensor([[0.015625, 0.03125]]).double()
    patches = density_patches(chart, center, half)
    zero = torch.zeros(1, dtype=torch.long)
    whole = box_volumes(patches, zero, center - half, center + half)
    cut = center[:, 1:] + 0.25 * half[:, 1:]
    first = box_volumes(patches, zero, center - half, torch.cat([center[:, :1] + half[:, :1], cut], 1))
    second = box_volumes(patches, zero, torch.cat([center[:, :1] - half[:, :1], cut], 1), center + half)
    low, high = float(first.lower + second.lower), float(first.upper + second.upper)
    assert low <= float(whole.upper)
    assert high >= float(whole.lower)
    assert high - low < 0.1 * high
    # Exact: 4 pi^2 r integral of (R + r cos 2 pi v) dv du.
    a, b = 0.375 - 0.03125, 0.375 + 0.03125
    exact = (
        2
        * 0.015625
        * 4
        * math.pi**2
        * (2 * (b - a) + (math.sin(2 * math.pi * b) - math.sin(2 * math.pi * a)) / (2 * math.pi))
    )
    assert float(whole.lower) <= exact <= float(whole.upper)


def test_density_range_holds_the_density():
    """sqrt(det J^T J) of the torus at random points of boxes inside a patch."""
    chart = CHARTS["torus"][0]
    patch = density_patches(chart, torch.tensor([[0.5, 0.25]]).double(), torch.tensor([[0.0625, 0.0625]]).double())
    low, high = torch.tensor([[0.46, 0.2]]).double(), torch.tensor([[0.52, 0.23]]).double()
    found = box_volumes(patch, torch.zeros(1, dtype=torch.long), low, high)
    for v in np.linspace(0.2, 0.23, 50):
        density = 4 * math.pi**2 * (2 + math.cos(2 * math.pi * v))
        assert float(found.density_lower) <= density <= float(found.density_upper)


def _exact_share(a: list[float], tau: float) -> float:
    """Fine grid of cell centres, in double precision: within 1e-2 of the share."""
    n = {1: 20001, 2: 401, 3: 81}[len(a)]
    axis = (np.arange(n) + 0.5) / n * 2 - 1
    mesh = np.meshgrid(*[axis * x for x in a], indexing="ij")
    return float((sum(mesh) > tau).mean())


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_half_space_share_is_a_sharp_lower_bound(dim):
    """Never above the share, and close to it, over coefficients of very different size."""
    rng = np.random.Generator(np.random.PCG64(dim))
    for _ in range(60):
        a = (rng.normal(size=dim) * 10.0 ** rng.integers(-4, 1, size=dim)).tolist()
        tau = float(rng.uniform(-1.3, 1.3) * sum(abs(x) for x in a))
        found = float(
            half_space_share(torch.tensor([a], dtype=torch.float64), torch.tensor([tau], dtype=torch.float64))
        )
        exact = _exact_share(a, tau)
        assert found <= exact + 0.02
        assert found >= exact - 0.04


def test_half_space_share_closed_forms():
    """Halves, corners and everything."""
    one = torch.ones(1, dtype=torch.float64)
    for dim in (1, 2, 3, 4):
        a = torch.ones(1, dim, dtype=torch.float64)
        for tau, exact in (
            (0.0, 0.5),
            (-dim - 1.0, 1.0),
            (float(dim), 0.0),
            (dim - 1.0, 1 / (math.factorial(dim) * 2**dim)),
        ):
            assert float(half_space_share(a, tau * one)) == pytest.approx(exact, abs=1e-9)
            assert float(half_space_share(a, tau * one)) <= exact


def test_half_space_share_of_a_flat_function():
    """A constant is above tau everywhere or nowhere."""
    zero = torch.zeros(1, 2, dtype=torch.float64)
    shares = [float(half_space_share(zero, torch.tensor([t], dtype=torch.float64))) for t in (-1e-9, 0.0, 1e-9)]
    assert shares == [1.0, 0.0, 0.0]


def test_a_share_and_its_complement_do_not_exceed_one():
    """{a.s > tau} and {-a.s > -tau} are disjoint."""
    for a, tau in product(([1.0, 1e-3, 0.02], [0.3, 0.2, 0.1], [1.0, 1.0, 1e-12]), (-0.7, 0.0, 0.1, 0.5)):
        x, t = torch.tensor([a], dtype=torch.float64), torch.tensor([tau], dtype=torch.float64)
        assert float(half_space_share(x, t) + half_space_share(-x, -t)) <= 1.0


def test_a_formula_without_derivatives_has_no_volume():
    """The error names what the formula did."""
    with pytest.raises(UsageError):
        density_patches(
            make(lambda u, ops: [abs(u[0])], (0.0,), (1.0,)), torch.zeros(1, 1).double(), torch.ones(1, 1).double()
        )
