"""Theorem 1 (ledger K-7, K-7b, K-10): no continuous autoencoder gets below the width, whatever is drawn."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

import aeverify
from aeverify import widths
from aeverify.core import Outcome, Rigor
from aeverify.manifolds import manifold
from properties.drawn import EFFORT, activations, closed_curves, hidden_layers, network, seeds


@settings(deadline=None, max_examples=40, derandomize=True)
@given(spec=closed_curves, hidden=hidden_layers, activation=activations, seed=seeds)
def test_untrained_networks_obey_theorem_1(spec: str, hidden: tuple[int, ...], activation: str, seed: int):
    """K-7: for any weights whatever a point with an error of at least the width bound is found and certified."""
    model = network(spec, hidden, activation, seed, 0)
    report = aeverify.check(model, spec, claims=["theorem-1"], seed=seed, effort=EFFORT)
    (verdict,) = report.verdicts
    assert verdict.outcome is Outcome.PASS, verdict
    assert verdict.rigor is Rigor.CERTIFIED


@settings(deadline=None, max_examples=15, derandomize=True)
@given(spec=closed_curves, hidden=hidden_layers, activation=activations, seed=seeds, epochs=st.integers(1, 30))
def test_trained_networks_obey_theorem_1(spec: str, hidden: tuple[int, ...], activation: str, seed: int, epochs: int):
    """K-10: training does not get below the bound either."""
    model = network(spec, hidden, activation, seed, epochs)
    report = aeverify.check(model, spec, claims=["theorem-1"], seed=seed, effort=EFFORT)
    assert report.outcome is Outcome.PASS, report.verdicts


@settings(deadline=None, max_examples=40, derandomize=True)
@given(spec=closed_curves)
def test_the_width_is_at_least_the_reach(spec: str):
    """K-7: the width of a closed curve lies between its reach and its circumradius."""
    space = manifold(spec)
    width = widths.bounds(space, 1).interval
    assert space.truth.reach.lower <= width.upper
    assert width.lower >= space.truth.reach.lower * (1 - 1e-12)
    assert width.lower <= space.truth.circumradius.upper
