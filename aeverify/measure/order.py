"""The order of codes along an arc, for one-dimensional codes.

Let gamma: [0, 1] -> R^n be an injective arc, m = 1, E and D continuous and sup e <= epsilon on the arc. Two points
with one code have one reconstruction, so they are at most 2 epsilon apart; hence E(gamma(t)) - E(gamma(s)) has no
zero where t - s > delta(epsilon) = max {|s - t| : |gamma(s) - gamma(t)| <= 2 epsilon}. That triangle is connected, so
the difference keeps its sign on it: codes preserve (or reverse) the order of all points further apart than delta.
epsilon must be an upper bound of the worst error and delta an upper bound of the gap: a sampled gap is a lower bound.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.core.witness import Witness
from aeverify.errors import UsageError
from aeverify.manifolds.balls import certified_points
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.evaluation import (
    ALLOWANCE,
    encode,
    require_compatible,
    require_real,
    witness_of,
    witness_point,
)

FloatArray = NDArray[np.float64]

_FIRST_CELLS = 128
_MOST_PAIRS = 200_000
_MOST_CELLS = 2**15
_MOST_POINTS = 20_000
_ROUNDING = 1e-12


def code_order(
    autoencoder: Autoencoder,
    manifold: Manifold,
    *,
    gap: float = 0.0,
    seed: Seed | int = 0,
    samples: int = 2_000,
) -> Evidence:
    """Number of pairs of sampled points of an arc whose codes are in the wrong order.

    The right order is the one (rising or falling along the parameter) that fewer pairs violate. Counted are all pairs
    whose parameters differ by more than `gap`, as a share of the parameter interval; two equal codes are in neither
    order.

    Args:
        autoencoder: a model with one-dimensional codes.
        manifold: a connected arc.
        gap: smallest difference of parameters that counts, 0 for all pairs.
        seed: root of the random stream.
        samples: number of uniform draws, 2 to 20,000.

    Returns:
        Evidence "order_violations" [surely, possibly], EMPIRICAL: what is true of the sampled pairs, and of those
        alone. The ends differ by the pairs whose codes agree up to rounding. Kendall's tau of codes against the
        parameter (1 or -1 for perfect order), the number of pairs and the direction stand in the details; the witness
        of kind "order" is the violating pair with the largest difference of parameters.

    Raises:
        UsageError: K is no arc, the code has more than one dimension, or a parameter is out of range.
        NonFiniteOutputError: NaN or infinity came out on K.

    Cost: samples^2 comparisons.
    """
    from scipy.stats import kendalltau

    require_compatible(autoencoder, manifold)
    _require_arc(manifold)
    if autoencoder.latent_dim != 1:
        raise UsageError(f"Codes of {autoencoder.latent_dim} dimensions have no order: give a model with latent_dim 1.")
    delta = require_real(gap, "gap", minimum=0.0)
    n = require_count(samples, "number of samples")
    if not 2 <= n <= _MOST_POINTS:
        raise UsageError(f"The number of samples must lie in [2, {_MOST_POINTS}], got {n}.")
    sample = manifold.sample(n, as_seed(seed).child("measure", "code_order"))
    codes = encode(autoencoder, manifold, sample.points, 0, sample.parameters)[:, 0]
    chart = manifold.chart
    t = (sample.parameters[:, 0] - chart.lower[0]) / (chart.upper[0] - chart.lower[0])
    order = np.argsort(t)
    t, z = t[order], codes[order]
    pad = ALLOWANCE * float(np.abs(z).max(initial=0.0))
    rising = _violations(t, z, delta, pad)
    falling = _violations(t, -z, delta, pad)
    surely, possibly, pairs, worst = min(rising, falling)
    tau = float(kendalltau(t, z).statistic) if np.ptp(z) > 0 else 0.0
    witness: Witness | None = None
    if worst is not None:
        points = [witness_point(autoencoder, manifold, 0, tuple(sample.parameters[order[k]])) for k in worst]
        words = "two points whose codes are in the wrong order, or equal up to rounding"
        witness = witness_of("order", autoencoder, manifold, points, f"The first and the second are {words}.")
    return Evidence(
        "order_violations",
        Interval(float(surely), float(possibly)),
        Rigor.EMPIRICAL,
        f"Both ends: count over {pairs} pairs of {n} uniform draws with parameters more than {delta:.6g} apart; "
        "nothing is said of other pairs.",
        witness=witness,
        details={
            "kendall_tau": tau,
            "pairs": pairs,
            "gap": delta,
            "direction": "rising" if rising <= falling else "falling",
            "samples": n,
            "seed": str(seed),
        },
    )


def _violations(t: FloatArray, z: FloatArray, delta: float, pad: float) -> tuple[int, int, int, tuple[int, int] | None]:
    """Pairs i < j with t_j - t_i > delta and z_j < z_i: surely, possibly; their number; the one with the largest t_j
    - t_i."""
    surely = possibly = pairs = 0
    worst: tuple[float, tuple[int, int]] | None = None
    for i in range(len(t) - 1):
        first = int(np.searchsorted(t, t[i] + delta, side="right"))
        first = max(first, i + 1)
        rise = z[first:] - z[i]
        pairs += len(rise)
        surely += int((rise < -pad).sum())
        doubtful = np.flatnonzero(rise <= pad)
        possibly += len(doubtful)
        if len(doubtful):
            j = first + int(doubtful[-1])
            if worst is None or t[j] - t[i] > worst[0]:
                worst = (float(t[j] - t[i]), (i, j))
    return surely, possibly, pairs, worst[1] if worst else None


def arc_gap(manifold: Manifold, epsilon: float, *, tolerance: float = 1e-4) -> float:
    """Certified upper bound of delta(epsilon) = max {|s - t| : |gamma(s) - gamma(t)| <= 2 epsilon} on an arc, as a
    share of the parameter interval (1 where the whole arc is that near, and for infinite epsilon).

    See `arc_gap_evidence`, whose upper end this is.
    """
    return arc_gap_evidence(manifold, epsilon, tolerance=tolerance).upper


def arc_gap_evidence(manifold: Manifold, epsilon: float, *, tolerance: float = 1e-4) -> Evidence:
    """Certified enclosure of delta(epsilon) = max {|s - t| : |gamma(s) - gamma(t)| <= 2 epsilon} on an arc gamma.

    Branch and bound over pairs of parameter cells. With cell width h and a proved bound v of the speed, points of two
    cells are at least |gamma(c_i) - gamma(c_j)| - v h apart, c their centres; a pair of cells for which this exceeds
    2 epsilon is excluded. Upper end: the largest (j - i + 1) h over the pairs that are left. Lower end: the largest
    (j - i) h over pairs of centres that are within 2 epsilon. Pairs whose (j - i + 1) h cannot exceed the lower end
    are dropped and the others halved until the ends are within `tolerance`. Centres are evaluated in ball arithmetic;
    the remaining operations are padded by 1e-12, more than a thousand times their rounding.

    Args:
        manifold: a connected arc.
        epsilon: at least 0, in the units of the data; infinity gives 1.
        tolerance: width of the enclosure at which to stop, as a share of the parameter interval.

    Returns:
        Evidence "arc_gap", CERTIFIED on both ends; wider than the tolerance where 2^15 cells were not enough.

    Raises:
        UsageError: K is no arc, or a parameter is out of range.

    Cost: about a second for the spiral at tolerance 1e-4.
    """
    _require_arc(manifold)
    if epsilon != math.inf:
        require_real(epsilon, "epsilon (a number or infinity)", minimum=0.0)
    wanted = require_real(tolerance, "tolerance", minimum=0.0)
    chart = manifold.chart
    low, length = chart.lower[0], chart.upper[0] - chart.lower[0]
    reach = 2.0 * epsilon
    if math.isinf(epsilon) or _within(manifold, np.array([[chart.lower[0]], [chart.upper[0]]]), reach):
        return _gap_evidence(Interval.exactly(1.0), epsilon, 0)
    cells = _FIRST_CELLS
    first, second = np.triu_indices(cells)
    best = 0.0
    while True:
        h = 1.0 / cells
        used, position = np.unique(np.concatenate([first, second]), return_inverse=True)
        points, off = certified_points(chart, (low + length * ((used + 0.5) * h))[:, None])
        scale = 1.0 + float(np.abs(points).max())
        pad = 2.0 * off + _ROUNDING * scale
        x, y = points[position[: len(first)]], points[position[len(first) :]]
        distance = np.linalg.norm(x - y, axis=1)
        near = distance + pad <= reach
        if near.any():
            best = max(best, float((second - first)[near].max()) * h)
        spread = chart.speed[0] * length * h * (1.0 + _ROUNDING)
        top = (second - first + 1) * h
        kept = (distance - pad - spread <= reach) & (top > best)
        upper = max(float(top[kept].max(initial=0.0)), best)
        if upper - best <= wanted or 2 * cells > _MOST_CELLS or 4 * int(kept.sum()) > _MOST_PAIRS:
            return _gap_evidence(Interval(best, min(upper, 1.0)), epsilon, cells)
        i, j = 2 * first[kept], 2 * second[kept]
        diagonal = i == j
        first = np.concatenate([i, i, i + 1, (i + 1)[~diagonal]])
        second = np.concatenate([j, j + 1, j + 1, j[~diagonal]])
        cells *= 2


def _within(manifold: Manifold, parameters: FloatArray, reach: float) -> bool:
    points, off = certified_points(manifold.chart, parameters)
    pad = 2.0 * off + _ROUNDING * (1.0 + float(np.abs(points).max()))
    return bool(np.linalg.norm(points[0] - points[1]) + pad <= reach)


def _gap_evidence(interval: Interval, epsilon: float, cells: int) -> Evidence:
    return Evidence(
        "arc_gap",
        interval,
        Rigor.CERTIFIED,
        "Upper end: no two parameter cells further apart hold points within 2 epsilon, by the chart's speed bound. "
        "Lower end: two points that are.",
        details={"epsilon": epsilon if math.isfinite(epsilon) else None, "cells": cells},
    )


def _require_arc(manifold: Manifold) -> None:
    if len(manifold.components) != 1 or manifold.chart.dim != 1 or manifold.chart.periodic[0]:
        raise UsageError(f"{manifold} is not a connected arc (one chart with one parameter that is not periodic).")
