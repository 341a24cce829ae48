"""Batches: whether a model makes the same of a point whatever other points are evaluated with it."""

from __future__ import annotations

import sys

import numpy as np

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.manifolds.base import Manifold
from aeverify.measure.evaluation import require_compatible

_POINTS = 64


def batch_gap(autoencoder: Autoencoder, manifold: Manifold, *, seed: Seed | int = 0) -> Evidence:
    """Largest difference between D(E(x)) of a point among 63 others and of the same point beside one, as a share of the
    size of the reconstructions: 0 up to rounding for a function of one point; not so for batch norm without running
    statistics, batch norm in train mode or dropout.

    Points where both are NaN or infinite count as equal (other checks are about these); where one is, the gap is the
    largest number.

    Returns:
        Evidence "batch_gap" [gap, inf), EMPIRICAL: points that were not tried may differ more. The details
        name the point of the largest difference.

    Raises:
        UsageError: the model does not take points of K.
        ModelError: the model raised.

    Cost: 33 calls.
    """
    require_compatible(autoencoder, manifold)
    sample = manifold.sample(_POINTS, as_seed(seed).child("measure", "batch_gap"))
    x = sample.points
    together = autoencoder.reconstruct(x)
    apart = np.concatenate([autoencoder.reconstruct(x[i : i + 2]) for i in range(0, len(x), 2)])
    finite = np.isfinite(together).all(axis=1), np.isfinite(apart).all(axis=1)
    both = finite[0] & finite[1]
    size = max(float(np.abs(apart[both]).max(initial=0.0)), float(np.abs(together[both]).max(initial=0.0)), 1e-300)
    gap = np.where(finite[0] == finite[1], 0.0, np.inf)
    gap[both] = np.abs(together[both] - apart[both]).max(axis=1) / size
    row = int(gap.argmax())
    return Evidence(
        "batch_gap",
        Interval.at_least(min(float(gap[row]), sys.float_info.max)),
        Rigor.EMPIRICAL,
        f"Lower end: the largest change of {len(x)} reconstructions when the points are evaluated two at a time.",
        details={"points": len(x), "worst_point": [float(v) for v in x[row]], "seed": str(seed)},
    )
