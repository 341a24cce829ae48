"""The same questions on every device at hand: the processor, and a GPU where there is one.

`pytest tests/unit/enclosure/test_devices.py -rs` on a machine with a GPU runs both; elsewhere the GPU's are skipped."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from aeverify.enclosure import enclose_bad_set, enclose_sup_error, rounding
from aeverify.enclosure.error_bounds import ErrorBounds, error_bounds
from aeverify.enclosure.layers import network_from_modules
from tests.unit.enclosure.exact import CHARTS, forms_of, random_mlp
from tests.unit.enclosure.fuzz import FIXTURES, Subject, compare, random_subject, trained_subject

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch can use")),
]


def _projection(n: int) -> Any:
    """Forgets the last coordinate: e = |x_n|."""
    encoder, decoder = nn.Linear(n, n - 1).double(), nn.Linear(n - 1, n).double()
    with torch.no_grad():
        for layer in (encoder, decoder):
            layer.weight.copy_(torch.eye(n)[: layer.weight.shape[0], : layer.weight.shape[1]])
            layer.bias.zero_()
    return network_from_modules(encoder, decoder, ambient_dim=n, latent_dim=n - 1)


@pytest.mark.parametrize("device", DEVICES)
def test_closed_forms(device):
    """|z| > 1/2 on half of the sphere (Archimedes), |y| > 1/2 on two thirds of the circle; the largest |y| is 1."""
    sphere, circle = ([CHARTS[name][0]] for name in ("sphere", "circle"))
    half = enclose_bad_set(_projection(3).to(device), sphere, 0.5, tolerance=1e-2)
    thirds = enclose_bad_set(_projection(2).to(device), circle, 0.5, tolerance=1e-7)
    top = enclose_sup_error(_projection(2).to(device), circle, tolerance=1e-6)
    assert [half.finished, thirds.finished, top.finished] == [True] * 3
    assert 0.5 in half.interval
    assert 1 - 2 * math.asin(0.5) / math.pi in thirds.interval
    assert 1.0 in top.interval


def _moved(subject: Subject, center: torch.Tensor, half: torch.Tensor, device: str) -> ErrorBounds:
    """Bounds computed on the device, brought back."""
    network = subject.network.to(device)
    forms = forms_of(subject.chart, network.ambient_dim, center.to(device), half.to(device))
    bounds, _ = error_bounds(network, forms, None)
    return ErrorBounds(*(getattr(bounds, name).cpu() for name in ErrorBounds.__dataclass_fields__))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", sorted(CHARTS))
def test_points_of_random_networks_are_enclosed(device, name):
    """Bounds computed on the device hold the errors of points, evaluated in 80-bit arithmetic on the processor."""
    rng = np.random.Generator(np.random.PCG64(4))
    for _ in range(4):
        subject = random_subject(name, rng)
        low, high = torch.tensor(subject.chart.lower).double(), torch.tensor(subject.chart.upper).double()
        cells = torch.from_numpy(rng.integers(1, 31, size=(3, subject.chart.dim)) / 32.0)
        center = low + (high - low) * cells
        half = torch.tensor([2.0**-5, 2.0**-12, 2.0**-35]).double()[:, None].expand_as(center).contiguous()
        bounds = _moved(subject, center, half, device)
        assert compare(subject, bounds, center, half, 48, rng).failures == 0


@pytest.mark.parametrize("device", DEVICES)
def test_a_trained_network_is_enclosed(device):
    """The torus fixture on boxes from 2^-6 to 2^-30."""
    subject = trained_subject(FIXTURES / "enclosure_torus_0.safetensors")
    rng = np.random.Generator(np.random.PCG64(5))
    center = torch.from_numpy(rng.integers(1, 255, size=(4, 2)) / 256.0)
    half = torch.tensor([2.0**-6, 2.0**-10, 2.0**-20, 2.0**-30]).double()[:, None].repeat(1, 2)
    assert compare(subject, _moved(subject, center, half, device), center, half, 48, rng).failures == 0


def test_reduced_precision_is_switched_off(monkeypatch):
    """TF32 products are off on a GPU after the first question, whatever was set before."""
    monkeypatch.setattr(rounding, "check_functions", lambda device: None)
    before = torch.backends.cuda.matmul.allow_tf32
    try:
        torch.backends.cuda.matmul.allow_tf32 = True
        rounding.require_full_precision(torch.device("cuda"))
        assert torch.backends.cuda.matmul.allow_tf32 is False
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def test_bounds_are_of_float64():
    """Float32 weights give float64 bounds: nothing on the way is rounded to less."""
    rng = np.random.Generator(np.random.PCG64(0))
    e, d = random_mlp([2, 8, 1], nn.Tanh, rng), random_mlp([1, 8, 2], nn.ReLU, rng)
    network = network_from_modules(e, d, ambient_dim=2, latent_dim=1)
    center = torch.full((1, 1), 0.25).double()
    bounds, _ = error_bounds(network, forms_of(CHARTS["circle"][0], 2, center, center / 64), None)
    assert {t.dtype for t in (bounds.lower, bounds.upper, bounds.upper_slope)} == {torch.float64}
