"""What certified enclosures do with models, sets and numbers that they cannot take, through the public functions."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from aeverify import measure
from aeverify.autoencoders.building import from_architecture
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core import Interval, Rigor
from aeverify.errors import InvariantError, NonFiniteOutputError, UsageError
from aeverify.manifolds import Circle, manifold
from aeverify.measure import certified


def modules(*inner: nn.Module) -> Autoencoder:
    """2 -> 1 -> 2 with some layers between."""
    return Autoencoder.from_modules(
        nn.Sequential(nn.Linear(2, 1), *inner), nn.Sequential(nn.Linear(1, 2)), latent_dim=1
    )


@pytest.mark.parametrize("layer", [nn.Softsign(), nn.LayerNorm(1), nn.Hardshrink(), nn.Threshold(0.1, 0.0)])
def test_a_layer_without_a_rule_is_named(layer):
    """Unsupported or discontinuous, it is in the reason; the draws take over, STATISTICAL."""
    found = measure.bad_set(modules(layer), manifold("circle"), 0.1, tolerance=1e-3, draws=1000)
    assert found.rigor is Rigor.STATISTICAL
    assert type(layer).__name__ in found.details["certified_enclosure"]


def test_weights_that_are_not_finite_are_never_enclosed():
    """The reason says so, and evaluating the model ends with the point at which NaN came out."""
    model = modules()
    with torch.no_grad():
        model.encoder[0].weight.fill_(math.nan)
    assert "NaN" in certified.enclosable(model, manifold("circle"))
    with pytest.raises(NonFiniteOutputError):
        measure.sup_error(model, manifold("circle"), tolerance=1e-3)


class Absolute(Circle):
    """A circle whose formula uses an operation that has no derivative bounds."""

    @property
    def chart(self):
        """The circle's, with an absolute value."""
        old = super().chart
        return replace(old, formula=lambda u, ops: [abs(c) for c in old.formula(u, ops)])

    def sample(self, n, seed):
        """The circle's."""
        return Circle(1.0).sample(n, seed)


def test_a_chart_without_derivative_bounds_is_named():
    """The formula is at fault, not the model; what rests on points alone still comes back."""
    found = measure.bad_set(modules(), Absolute(1.0), 0.1, tolerance=1e-3, draws=1000)
    assert found.rigor is Rigor.STATISTICAL
    assert "formula cannot be differentiated" in found.details["certified_enclosure"]


@pytest.mark.parametrize("arguments", [{"tolerance": 0.0}, {"tolerance": math.inf}, {"time_budget": -1.0}])
def test_numbers_out_of_range_are_refused(arguments):
    """A tolerance of zero is not to be had, and no time is negative."""
    with pytest.raises(UsageError):
        measure.bad_set(modules(), manifold("circle"), 0.1, **arguments)


def test_a_budget_of_zero_is_an_honest_wide_enclosure():
    """The search still finds its witness; the certified upper end is infinite."""
    (found,) = measure.sup_error_by_component(modules(), manifold("circle"), samples=500, time_budget=0.0)
    assert (found.upper, found.details["finished"]) == (math.inf, False)
    assert found.lower > 0


def test_a_requirement_is_decided_from_both_sides():
    """A random network errs by about 1 everywhere: more than 0.01 somewhere, less than 100 everywhere."""
    model = from_architecture("mlp:ambient_dim=2,latent_dim=1,hidden=[8]", 0)
    circle = manifold("circle")
    assert measure.required(model, circle, 100.0, 0.0, time_budget=5.0).upper <= 100.0
    assert measure.required(model, circle, 0.01, 0.0, time_budget=5.0).lower > 0.01
    assert measure.required(model, circle, 0.01, 0.5, time_budget=5.0).lower > 0.5
    with pytest.raises(UsageError, match="share"):
        measure.required(model, circle, 0.1, 1.5, time_budget=1.0)


def test_the_witness_is_evaluated_again_in_ball_arithmetic():
    """Its ball lies within the enclosure and raises the lower end to the error at the witness."""
    model = from_architecture("mlp:ambient_dim=2,latent_dim=1,hidden=[8]", 0)
    found = measure.sup_error(model, manifold("circle"), tolerance=1e-2)
    ball = Interval.from_dict(found.details["witness_ball"])
    assert ball.lower <= found.lower <= ball.upper <= found.upper
    assert ball.width < 1e-12


def test_a_ball_that_does_not_meet_the_enclosure_is_a_bug_of_ours(monkeypatch):
    """Two independent computations of one number have to agree."""
    monkeypatch.setattr(certified, "certified_error", lambda *_: Interval(50.0, 51.0))
    with pytest.raises(InvariantError, match="do not meet"):
        measure.sup_error(
            from_architecture("mlp:ambient_dim=2,latent_dim=1,hidden=[8]", 0), manifold("circle"), tolerance=0.1
        )


def test_parts_of_different_dimensions_are_enclosed_one_by_one():
    """A circle beside a sphere: the worst error is that of the worse part."""
    space = manifold('union:parts=["circle:radius=1,ambient_dim=3","moved:base=sphere,shift=[5,0,0]"]')
    model = from_architecture("mlp:ambient_dim=3,latent_dim=1,hidden=[4]", 0)
    found = measure.sup_error(model, space, tolerance=0.5, time_budget=10.0)
    parts = measure.sup_error_by_component(model, space, samples=500, tolerance=0.5, time_budget=10.0)
    assert found.rigor is Rigor.CERTIFIED
    assert found.interval.intersects(Interval(max(p.lower for p in parts), max(p.upper for p in parts)))
