"""A model whose reconstruction of a point depends on the points beside it is no function, and no claim holds of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import aeverify
from aeverify import measure
from aeverify.claims import CLAIMS
from aeverify.core import Outcome, Rigor
from aeverify.manifolds import manifold


def normalised() -> aeverify.Autoencoder:
    """Batch norm that keeps no running statistics."""
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8, track_running_stats=False), nn.Linear(8, 1))
    return aeverify.Autoencoder.from_modules(encoder, nn.Linear(1, 2))


def centred() -> aeverify.Autoencoder:
    """Callables that take the mean of the batch away."""
    return aeverify.Autoencoder.from_callables(
        lambda x: x[:, :1] - x[:, :1].mean(), lambda z: np.hstack([z, 0.0 * z]), ambient_dim=2, latent_dim=1
    )


@pytest.mark.parametrize("model", [normalised(), centred()], ids=["batch norm", "callables"])
def test_a_model_of_the_batch_is_seen_and_no_claim_is_made_of_it(model: aeverify.Autoencoder):
    """Also the claims without a premise of continuity: statistics of draws would be statistics of nothing."""
    found = measure.batch_gap(model, manifold("circle"))
    assert found.interval.lower > 0.01 and found.interval.upper == np.inf
    assert found.rigor is Rigor.EMPIRICAL and len(found.details["worst_point"]) == 2
    named = {"theorem-1": {}, "theorem-2": {}, "error-bound": {"epsilon": 9.0, "delta": 0.5}, "noise-robustness": {}}
    report = aeverify.check(model, "circle", claims={k: v for k, v in named.items() if k in CLAIMS})
    assert [v.outcome for v in report.verdicts] == [Outcome.VACUOUS] * len(named)
    assert {v.premises[-1].id for v in report.verdicts} == {"function-of-one-point"}


def test_a_function_of_one_point_has_no_gap():
    """Up to rounding; NaN on both sides is no difference."""
    assert measure.batch_gap(aeverify.oracle("cut:half_width=0.01"), manifold("circle")).interval.lower < 1e-9
    assert measure.batch_gap(aeverify.oracle("nan"), manifold("circle")).interval.lower < 1e-9


def test_a_model_that_is_finite_in_small_batches_only_has_the_largest_gap():
    """NaN among others and a number beside one."""
    model = aeverify.Autoencoder.from_callables(
        lambda x: x[:, :1] * (np.nan if len(x) > 2 else 1.0), lambda z: np.hstack([z, z]), ambient_dim=2, latent_dim=1
    )
    assert measure.batch_gap(model, manifold("circle")).interval.lower > 1e308
