"""Latent topology (ledger K-22, K-23): codes on a line have no H_1, so the circle's class is lost by every encoder."""

from __future__ import annotations

from hypothesis import given, settings

import aeverify
from aeverify.core import Interval, Outcome, Rigor
from properties.drawn import EFFORT, activations, closed_curves, hidden_layers, network, seeds


@settings(deadline=None, max_examples=25, derandomize=True)
@given(spec=closed_curves, hidden=hidden_layers, activation=activations, seed=seeds)
def test_codes_of_closed_curves_have_no_h1(spec: str, hidden: tuple[int, ...], activation: str, seed: int):
    """K-23: the diagram of the codes is empty in degree 1, and the sample of K shows what was lost."""
    model = network(spec, hidden, activation, seed, 0)
    report = aeverify.check(model, spec, claims=["latent-topology"], seed=seed, effort=EFFORT)
    (verdict,) = report.verdicts
    assert (verdict.outcome, verdict.rigor) == (Outcome.PASS, Rigor.EXACT)
    lost = next(e for e in verdict.supporting if e.quantity == "lost_classes")
    assert lost.interval == Interval.exactly(1.0)
