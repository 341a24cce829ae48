from __future__ import annotations

import math

import numpy as np
import pytest

from aeverify import measure
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core import Rigor, Spec
from aeverify.errors import UsageError
from aeverify.manifolds import Chart, ConnectedManifold, Truth, manifold


class Segment(ConnectedManifold):
    """The segment from (0, 0) to (2, 0): |gamma(s) - gamma(t)| = 2 |s - t|."""

    def __init__(self) -> None:
        chart = Chart((0.0,), (1.0,), (False,), lambda u, ops: [2 * u[0], 0 * u[0]], (2.0,))
        super().__init__(Spec("segment"), 2, chart)

    def _find_truth(self) -> Truth:
        raise NotImplementedError


@pytest.mark.parametrize("epsilon", [0.0, 0.01, 0.1, 0.3])
def test_the_gap_of_a_segment_has_its_closed_form(epsilon):
    """On a segment of length 2, |gamma(s) - gamma(t)| <= 2 eps says |s - t| <= eps."""
    found = measure.arc_gap_evidence(Segment(), epsilon)
    assert epsilon in found.interval
    assert found.interval.width <= 2e-4
    assert found.rigor is Rigor.CERTIFIED


@pytest.mark.parametrize(("epsilon", "sampled"), [(0.05, 0.0193), (0.2, 0.0761), (0.4, 0.149)])
def test_the_gap_of_the_spiral_is_above_sampled_values(epsilon, sampled):
    """Sampled gaps are lower bounds: the certified upper end is above them and near."""
    gap = measure.arc_gap(manifold("spiral"), epsilon)
    assert sampled <= gap <= 1.02 * sampled


def test_the_gap_is_an_upper_bound_for_every_pair():
    """No pair of a dense sample within 2 eps is further apart than the gap."""
    spiral = manifold("spiral")
    t = np.linspace(0.0, 1.0, 800)
    x = spiral.chart.embed(t[:, None])
    near = np.linalg.norm(x[:, None] - x[None], axis=2) <= 2 * 0.3
    widest = float(np.abs(t[:, None] - t[None])[near].max())
    assert widest <= measure.arc_gap(spiral, 0.3)


@pytest.mark.parametrize("epsilon", [math.inf, 1e6, 5.0])
def test_a_large_error_leaves_no_order(epsilon):
    """Where the two ends are within 2 eps the gap is the whole interval."""
    assert measure.arc_gap(manifold("spiral"), epsilon) == 1.0


def test_a_perfect_code_keeps_the_order():
    """No violation, Kendall's tau 1 or -1."""
    found = measure.code_order(oracle("spiral_arc"), manifold("spiral"), samples=300)
    assert found.interval.upper == 0.0
    assert abs(found.details["kendall_tau"]) == pytest.approx(1.0)
    assert found.details["pairs"] == 300 * 299 // 2
    assert found.witness is None


def tent(arc: Segment) -> Autoencoder:
    """Code |x - 1| on the segment: it folds in the middle."""
    return Autoencoder.from_callables(
        lambda x: np.abs(x[:, :1] - 1.0), lambda z: np.hstack([z, 0 * z]), ambient_dim=2, latent_dim=1
    )


def test_a_folded_code_violates_half_of_all_pairs():
    """About half of the pairs are in the wrong order whichever direction is called right."""
    arc = Segment()
    found = measure.code_order(tent(arc), arc, samples=400)
    pairs = found.details["pairs"]
    assert 0.4 * pairs < found.interval.lower <= found.interval.upper < 0.6 * pairs
    first, second = found.witness.points
    assert found.witness.kind == "order"
    direction = 1 if found.details["direction"] == "rising" else -1
    assert direction * (second.code[0] - first.code[0]) <= 0 < second.parameters[0] - first.parameters[0]


def test_pairs_within_the_gap_are_not_counted():
    """With a gap of 0.9 only pairs from opposite ends remain."""
    arc = Segment()
    found = measure.code_order(tent(arc), arc, gap=0.9, samples=400)
    assert found.details["pairs"] < 400 * 399 // 2 // 50


def test_equal_codes_are_left_open():
    """A constant code is in neither order: the count is between none and all pairs."""
    arc = Segment()
    model = Autoencoder.from_callables(
        lambda x: 0 * x[:, :1] + 3.0, lambda z: np.zeros((len(z), 2)), ambient_dim=2, latent_dim=1
    )
    found = measure.code_order(model, arc, samples=50)
    assert (found.interval.lower, found.interval.upper) == (0.0, 50 * 49 / 2)


def test_only_arcs_with_one_dimensional_codes_have_an_order(circle):
    """A circle has no order, and neither have codes in the plane."""
    with pytest.raises(UsageError, match="arc"):
        measure.code_order(oracle("cut"), circle)
    with pytest.raises(UsageError, match="arc"):
        measure.arc_gap(circle, 0.1)
    with pytest.raises(UsageError, match="latent_dim 1"):
        measure.code_order(oracle("identity"), manifold("spiral"))
    with pytest.raises(UsageError):
        measure.arc_gap(manifold("spiral"), math.nan)
