"""The distribution of the error over K: quantiles and mean from independent uniform draws, mean square from bad sets.

Quantiles and mean are STATISTICAL: they hold with the stated confidence over the draws, whatever the model is.

**Quantiles.** Let Q = inf {v : P(e <= v) >= q} and e_(1) <= ... <= e_(n) the ordered errors. Q < e_(l) says that at
most l - 1 errors are <= Q, while P(e <= Q) >= q, so its probability is at most P(Bin(n, q) <= l - 1). Q > e_(u) says
that at least u errors are < Q, while P(e < Q) <= q, so its probability is at most P(Bin(n, q) >= u). No assumption on
the distribution.

**Mean.** If 0 <= e <= b, the empirical Bernstein inequality (`counting.deviation_of_mean`) bounds both sides. b must be
an upper bound of sup e. Without one the mean has no upper limit at any n: an unseen set of measure 1/n^2 may carry any
error.

**Mean square.** For any level t, e >= t on {e > t} and e <= t off it, so with p = share of {e > t} and s >= sup e

    t^2 p <= mean of e^2 <= t^2 + (s^2 - t^2) p.

With several levels 0 = t_0 < t_1 < ... < t_k the layer cake gives mean of e^2 >= sum (t_i^2 - t_{i-1}^2) p_i and, with
t_{k+1} = s, mean of e^2 <= sum (t_{i+1}^2 - t_i^2) p_i, p_0 = 1. It is as rigorous as the shares are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.counting import MAURER_PONTIL, mean_from_below, mean_of_bounded, quantile_interval
from aeverify.measure.evaluation import draw_errors, require_probability, witness_of

FloatArray = NDArray[np.float64]


def quantile_error(
    autoencoder: Autoencoder,
    manifold: Manifold,
    level: float = 0.5,
    *,
    seed: Seed | int = 0,
    draws: int = 100_000,
    alpha: float = 0.01,
) -> Evidence:
    """Enclosure of the `level` quantile of the error over K (0.5: the median), by order statistics of uniform draws.

    Returns:
        Evidence "error_quantile", STATISTICAL with confidence 1 - alpha, both ends, in the units of the data; the upper
        end is infinite where n is too small for the level (n < log(alpha/2) / log(level)).

    Raises:
        UsageError: a parameter is out of range.
        NonFiniteOutputError: NaN or infinity came out on K.

    Cost: n evaluations of the model.
    """
    q, alpha = require_probability(level, "quantile level"), require_probability(alpha, "alpha")
    n = require_count(draws, "number of draws")
    errors, allowance, worst = draw_errors(autoencoder, manifold, n, as_seed(seed).child("measure", "quantile_error"))
    low, high = np.maximum(errors - allowance, 0.0), errors + allowance
    interval, first, last = quantile_interval(low, high, q, alpha)
    return Evidence(
        quantity="error_quantile",
        interval=interval,
        rigor=Rigor.STATISTICAL,
        method=(
            f"Both ends: order statistics {first} and {last or 'none'} of {n} independent uniform draws for the "
            f"quantile of level {q:g}."
        ),
        confidence=1.0 - alpha,
        witness=witness_of("point", autoencoder, manifold, (worst,), "The largest error among the draws."),
        details={"draws": n, "level": q, "seed": str(seed), "sample_quantile": float(np.quantile(errors, q))},
    )


def mean_error(
    autoencoder: Autoencoder,
    manifold: Manifold,
    *,
    bound: Interval | None = None,
    seed: Seed | int = 0,
    draws: int = 100_000,
    alpha: float = 0.01,
) -> Evidence:
    """Enclosure of the mean of the error over K in the intrinsic measure, by the empirical Bernstein inequality.

    Args:
        autoencoder: the model.
        manifold: the set K.
        bound: enclosure of sup e over K; its upper end, if finite, is what makes an upper limit of the mean possible.
        seed: root of the random stream.
        draws: number n of independent uniform draws, at least 20.
        alpha: probability that the enclosure is wrong.

    Returns:
        Evidence "mean_error", STATISTICAL with confidence 1 - alpha, in the units of the data. With a finite bound both
        ends fail with probability alpha/2 each. Without one the upper end is infinite, and the lower end holds for
        min(e, c) and so for e, where c is the largest error of the first tenth of the draws, which the rest is
        independent of.

    Raises:
        UsageError: a parameter is out of range, or fewer than 20 draws.
        NonFiniteOutputError: NaN or infinity came out on K.

    Cost: n evaluations of the model.
    """
    alpha, n = require_probability(alpha, "alpha"), require_count(draws, "number of draws")
    if n < 20:
        raise UsageError(f"The mean needs at least 20 draws, got {n}.")
    errors, allowance, worst = draw_errors(autoencoder, manifold, n, as_seed(seed).child("measure", "mean_error"))
    rounding = float(allowance.max())
    details: dict[str, Any] = {"draws": n, "seed": str(seed), "sample_mean": float(errors.mean())}
    assumptions: tuple[str, ...] = ()
    if bound is not None and math.isfinite(bound.upper):
        b = max(bound.upper, 0.0)
        if float((errors - allowance).max()) > b:
            raise UsageError(
                f"The bound {b:g} of the worst error is exceeded by the error {float(errors.max()):g} at a drawn "
                "point: give an upper bound of sup e, or none."
            )
        interval = mean_of_bounded(errors, b, rounding, alpha)
        method = f"Both ends: empirical Bernstein inequality with e <= {b:.6g}"
        assumptions = ("The given upper bound of the worst error holds.",)
        details["bound"] = b
    else:
        interval, c = mean_from_below(errors, rounding, alpha)
        method = (
            f"Lower end: empirical Bernstein inequality for min(e, {c:.6g}). Upper end: none, since no upper bound "
            "of the worst error is known and an unseen set may carry any error"
        )
        details["cut"] = c
    return Evidence(
        quantity="mean_error",
        interval=interval,
        rigor=Rigor.STATISTICAL,
        method=f"{method}; {n} independent uniform draws.",
        confidence=1.0 - alpha,
        witness=witness_of("point", autoencoder, manifold, (worst,), "The largest error among the draws."),
        citations=(MAURER_PONTIL,),
        assumptions=assumptions,
        details=details,
    )


def mean_square(bad_sets: Sequence[Evidence], sup_error: Evidence | None = None) -> Evidence:
    """Enclosure of the mean of |D(E(x)) - x|^2 over K from the shares on which the error exceeds some levels.

    Args:
        bad_sets: Evidence "bad_set_measure" of one model on one set, each with details["threshold"]; at least one.
        sup_error: enclosure of the worst error there; its upper end, if finite, gives the upper end.

    Returns:
        Evidence "mean_squared_error", the squared Euclidean norm in squared units of the data, as rigorous as the
        weakest of what it was made from; of STATISTICAL ones the confidences are added up (union bound).

    Raises:
        UsageError: no bad set, or one without its threshold.
    """
    levels = sorted(((float(e.details.get("threshold", math.nan)), e) for e in bad_sets), key=lambda pair: pair[0])
    if not levels or any(not t >= 0 for t, _ in levels):
        raise UsageError('Expected Evidence on "bad_set_measure" with its threshold in the details.')
    lower = upper = before = 0.0
    share = 1.0
    for t, bad in levels:
        lower += max(t * t - before * before, 0.0) * bad.lower * (1.0 - 2.0**-48)
        upper += max(t * t - before * before, 0.0) * share * (1.0 + 2.0**-48)
        before, share = t, min(share, bad.upper)
    top = math.inf if sup_error is None else sup_error.upper
    upper = math.inf if math.isinf(top) else upper + max(top * top - before * before, 0.0) * share * (1.0 + 2.0**-48)
    used = [e for _, e in levels] + ([sup_error] if sup_error is not None and math.isfinite(top) else [])
    rigor = min(e.rigor for e in used)
    missed = sum(1.0 - e.confidence for e in used if e.confidence is not None)
    return Evidence(
        quantity="mean_squared_error",
        interval=Interval(lower * (1.0 - 2.0**-40), upper * (1.0 + 2.0**-40)),
        rigor=rigor,
        method="Lower end: layer cake over the shares of K with an error above "
        + ", ".join(f"{t:.4g}" for t, _ in levels)
        + (
            ". Upper end: none, since no upper bound of the worst error is known."
            if math.isinf(upper)
            else "; upper end likewise, with the upper end of the worst error."
        ),
        confidence=max(1.0 - missed, 1e-300) if rigor is Rigor.STATISTICAL else None,
        witness=levels[-1][1].witness,
        details={"levels": [t for t, _ in levels]},
    )
