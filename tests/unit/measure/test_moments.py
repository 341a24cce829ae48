"""The mean square from bad sets, the arcs of a cover and the gap to float32, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from aeverify import measure
from aeverify.autoencoders.building import from_architecture
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core import Evidence, Interval, Rigor
from aeverify.errors import UsageError
from aeverify.manifolds import manifold


def fold() -> Autoencoder:
    """The circle folded flat: (x, y) -> (x, 0), with error |y|."""
    encoder, decoder = nn.Linear(2, 1, bias=False), nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        encoder.weight.copy_(torch.tensor([[1.0, 0.0]]))
        decoder.weight.copy_(torch.tensor([[1.0], [0.0]]))
    return Autoencoder.from_modules(nn.Sequential(encoder), nn.Sequential(decoder))


def test_the_mean_square_is_enclosed_by_a_layer_cake():
    """The mean of y^2 over the unit circle is 1/2; sixteen certified levels come within an eighth."""
    circle = manifold("circle")
    bad = [measure.bad_set(fold(), circle, i / 16, tolerance=1e-4) for i in range(16)]
    found = measure.mean_square(bad, measure.sup_error(fold(), circle, tolerance=1e-3))
    assert found.rigor is Rigor.CERTIFIED
    assert 0.5 in found.interval
    assert found.interval.width < 0.125


def test_confidences_of_several_levels_add_up():
    """Two statements at 1 % each hold together at 98 %; without a worst error there is no upper end."""
    circle = manifold("circle")
    bad = [measure.bad_set(oracle("cut"), circle, t, draws=2000, alpha=0.01) for t in (0.1, 0.5)]
    found = measure.mean_square(bad)
    assert (found.upper, found.confidence) == (math.inf, pytest.approx(0.98))


def test_a_level_that_is_not_known_is_refused():
    """A share of an unknown level says nothing of squares."""
    with pytest.raises(UsageError, match="threshold"):
        measure.mean_square([Evidence("bad_set_measure", Interval(0, 1), Rigor.CERTIFIED, "")])


def test_the_cover_of_a_folded_circle_has_two_arcs_of_known_length():
    """|sin| > 1/2 on two arcs of 2 pi / 3 each."""
    found = measure.bad_set_cover(fold(), manifold("circle"), 0.5)
    assert (found.details["arcs"], found.rigor) == (2, Rigor.CERTIFIED)
    assert found.upper >= 4 * math.pi / 3 >= found.lower - 0.01
    assert found.interval.width < 1e-6


def test_an_arc_across_the_end_of_the_chart_is_counted_once():
    """Leaving x out instead, the bad arcs are about angle 0, where the chart begins, and pi: two, not three."""
    encoder, decoder = nn.Linear(2, 1, bias=False), nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        encoder.weight.copy_(torch.tensor([[0.0, 1.0]]))
        decoder.weight.copy_(torch.tensor([[0.0], [1.0]]))
    model = Autoencoder.from_modules(nn.Sequential(encoder), nn.Sequential(decoder))
    assert measure.bad_set_cover(model, manifold("circle"), 0.5).details["arcs"] == 2


def test_no_point_above_the_threshold_needs_no_arc():
    """The error is at most 1."""
    found = measure.bad_set_cover(fold(), manifold("circle"), 1.5)
    assert (found.details["arcs"], found.interval) == (0, Interval.exactly(0.0))


def test_a_cover_needs_a_curve_and_layers():
    """A surface is refused; a model without layers gives the reason; no time gives the whole curve."""
    with pytest.raises(UsageError, match="curve"):
        measure.bad_set_cover(
            from_architecture("mlp:ambient_dim=3,latent_dim=1,hidden=[4]", 0), manifold("sphere"), 1.0
        )
    assert "torch layers" in measure.bad_set_cover(oracle("cut"), manifold("circle"), 0.1)
    whole = measure.bad_set_cover(fold(), manifold("circle"), 0.5, time_budget=0.0)
    assert whole.details["arcs"] == 1
    assert whole.interval.lower == pytest.approx(2 * math.pi)


def test_the_float32_program_is_a_little_off():
    """Some units in the last place of float32, seen and never taken for a bound from above."""
    found = measure.deployment_gap(
        from_architecture("mlp:ambient_dim=2,latent_dim=1,hidden=[32,32]", 3), manifold("circle")
    )
    assert (found.rigor, found.upper, found.details["non_finite"]) == (Rigor.EMPIRICAL, math.inf, 0)
    assert 1e-9 < found.lower < 1e-5
    assert "torch modules" in measure.deployment_gap(oracle("cut"), manifold("circle"))


def test_a_float32_overflow_is_counted_not_measured():
    """1e30 squared is finite in float64 and infinite in float32."""
    encoder = nn.Sequential(nn.Linear(2, 1, bias=False), nn.Linear(1, 1, bias=False))
    with torch.no_grad():
        for layer in encoder:
            layer.weight.fill_(1e30)
    decoder = nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        decoder.weight.fill_(1e-30)
    found = measure.deployment_gap(Autoencoder.from_modules(encoder, nn.Sequential(decoder)), manifold("circle"))
    assert found.details["non_finite"] > 0
    assert found.upper == math.inf
