"""The bad set {e > t}: the share of K with a large error, from independent uniform draws.

Every statement derived here is STATISTICAL: it holds with the stated confidence over the draws, whatever the model is.
An error that rounding could put on either side of a threshold is counted on the side that widens the interval.

**Clopper-Pearson.** X of n independent draws are bad, X ~ Bin(n, p). The lower limit p_l solves P(Bin(n, p_l) >= X) =
alpha/2 and the upper limit P(Bin(n, p_u) <= X) = alpha/2; with the regularised incomplete beta function
P(Bin(n, p) >= x) = I_p(x, n - x + 1) these are the alpha/2 quantile of Beta(X, n - X + 1) and the 1 - alpha/2 quantile
of Beta(X + 1, n - X). Each side fails with probability at most alpha/2. (Clopper and Pearson, Biometrika 26, 1934.)

**Anytime-valid sequence.** For the true p the likelihood ratio of the Beta(1/2, 1/2) mixture to Bernoulli(p),
M_n(p) = B(1/2 + x, 1/2 + n - x) / (B(1/2, 1/2) p^x (1 - p)^(n - x)), is a non-negative martingale with M_0 = 1. By
Ville's inequality P(some n has M_n(p) >= 1/alpha) <= alpha, so {p : M_n(p) < 1/alpha} holds p at all n at once, and so
does the intersection of these sets over the times that were looked at: one may stop whenever one likes. -log M_n is
concave in p with its maximum at x/n, so the set is an interval. (Ville 1939; Robbins, Ann. Math. Statist. 41, 1970.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.core.witness import WitnessPoint
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.certified import enclosed, without_enclosure
from aeverify.measure.counting import CLOPPER_PEARSON, probability_interval, widened_share
from aeverify.measure.evaluation import (
    draw_errors,
    require_probability,
    require_real,
    witness_of,
)

FloatArray = NDArray[np.float64]

VILLE = Citation(
    "J. Ville, Etude critique de la notion de collectif, 1939",
    "",
    "a non-negative martingale with mean 1 reaches 1/alpha with probability at most alpha",
)


def bad_set(
    autoencoder: Autoencoder,
    manifold: Manifold,
    threshold: float,
    *,
    seed: Seed | int = 0,
    draws: int = 100_000,
    alpha: float = 0.01,
    tolerance: float | None = None,
    time_budget: float | None = None,
) -> Evidence:
    """Enclosure of the share of K's volume on which the error exceeds `threshold`: exact Clopper-Pearson, or certified.

    With `tolerance` or `time_budget`, branch and bound over chart boxes encloses it, CERTIFIED, rounding included,
    where the model is made of torch layers whose rules are known. Elsewhere the statistical enclosure comes back, and
    says why.

    Args:
        autoencoder: the model.
        manifold: the set K.
        threshold: error level t in the units of the data, at least 0.
        seed: root of the random stream.
        draws: number n of independent draws, uniform in the intrinsic measure.
        alpha: probability that the statistical enclosure is wrong.
        tolerance: width of the certified enclosure asked for, a share.
        time_budget: seconds after which the certified enclosure reached so far is returned.

    Returns:
        Evidence "bad_set_measure" in [0, 1], STATISTICAL with confidence 1 - alpha, both ends; the witness is the
        drawn point with the largest error. Width about 5.2 sqrt(p (1 - p) / n) for alpha = 0.01, and 5.3 / n where
        none is bad.

    Raises:
        UsageError: a parameter is out of range.
        NonFiniteOutputError: NaN or infinity came out on K.

    Cost: n evaluations of the model.

    Example:
        A continuous broken circle that is perfect off a tear of half width d has {e > 0} of share 2 d / (2 pi).
    """
    t, alpha = require_real(threshold, "threshold", minimum=0.0), require_probability(alpha, "alpha")
    n = require_count(draws, "number of draws")
    if tolerance is not None or time_budget is not None:
        found = enclosed(autoencoder, manifold, threshold=t, tolerance=tolerance, time_budget=time_budget)
        if isinstance(found, Evidence):
            return found
        drawn = bad_set(autoencoder, manifold, t, seed=seed, draws=n, alpha=alpha)
        return without_enclosure(drawn, found)
    errors, allowance, worst = draw_errors(autoencoder, manifold, n, as_seed(seed).child("measure", "bad_set"))
    surely, possibly = _counts(errors, allowance, t)
    return Evidence(
        quantity="bad_set_measure",
        interval=probability_interval(surely, possibly, n, alpha),
        rigor=Rigor.STATISTICAL,
        method=(
            f"Both ends: Clopper-Pearson limits for {surely} errors above {t:g} among {n} independent uniform "
            "draws, as a share of the volume of K."
        ),
        confidence=1.0 - alpha,
        witness=witness_of("point", autoencoder, manifold, (worst,), "The largest error among the draws."),
        citations=(CLOPPER_PEARSON,),
        details=_details(seed, n, t, surely, possibly),
    )


def bad_set_sequential(
    autoencoder: Autoencoder,
    manifold: Manifold,
    threshold: float,
    *,
    stop_when: Callable[[Interval], bool],
    seed: Seed | int = 0,
    alpha: float = 0.01,
    batch: int = 1_000,
    max_draws: int = 1_000_000,
) -> Evidence:
    """Anytime-valid enclosure of the share of K's volume on which the error exceeds `threshold`.

    After each batch the running enclosure is handed to `stop_when`; the sampling ends when that returns True or after
    `max_draws`. The confidence holds for any stopping rule, one that peeks included, where repeated Clopper-Pearson
    limits would fail far more often than alpha.

    Returns:
        Evidence as `bad_set`; wider than Clopper-Pearson at the same n by about a factor 1.5 to 2.

    Raises:
        UsageError: a parameter is out of range.
        NonFiniteOutputError: NaN or infinity came out on K.

    Cost: the draws that were needed.
    """
    t, alpha = require_real(threshold, "threshold", minimum=0.0), require_probability(alpha, "alpha")
    size, most = require_count(batch, "batch size"), require_count(max_draws, "most draws")
    root = as_seed(seed).child("measure", "bad_set_sequential")
    running = Interval(0.0, 1.0)
    n = surely = possibly = looks = 0
    worst: WitnessPoint | None = None
    while n < most:
        count = min(size, most - n)
        errors, allowance, found = draw_errors(autoencoder, manifold, count, root.child(looks))
        more, maybe = _counts(errors, allowance, t)
        n, surely, possibly, looks = n + count, surely + more, possibly + maybe, looks + 1
        if worst is None or found.error > worst.error:
            worst = found
        now = Interval(mixture_interval(surely, n, alpha).lower, mixture_interval(possibly, n, alpha).upper)
        # an empty intersection has probability at most alpha: it is the failure that the confidence allows for
        if running.intersects(now):
            running = running.intersect(now)
        if stop_when(running):
            break
    assert worst is not None
    return Evidence(
        quantity="bad_set_measure",
        interval=running,
        rigor=Rigor.STATISTICAL,
        method=(
            f"Both ends: anytime-valid Beta(1/2, 1/2) mixture sequence, {surely} errors above {t:g} among {n} "
            f"independent uniform draws, looked at {looks} times, as a share of the volume of K."
        ),
        confidence=1.0 - alpha,
        witness=witness_of("point", autoencoder, manifold, (worst,), "The largest error among the draws."),
        citations=(VILLE,),
        details={**_details(seed, n, t, surely, possibly), "looks": looks},
    )


def mixture_interval(bad: int, draws: int, alpha: float) -> Interval:
    """The p in [0, 1] with M_n(p) < 1/alpha (see the module), rounded outward: one look of the sequence.

    Args:
        bad: number x of bad draws, 0 <= x <= n.
        draws: n.
        alpha: error probability of the whole sequence.
    """
    x, n = bad, draws

    def excess(p: float) -> float:
        """log M_n(p) - log(1/alpha)."""
        # 1e-9 covers the rounding of the logarithms of the gamma function, and widens the set
        value = _log_beta(0.5 + x, 0.5 + n - x) - _log_beta(0.5, 0.5) + math.log(alpha) - 1e-9
        value -= x * math.log(p) if x else 0.0
        value -= (n - x) * math.log1p(-p) if n - x else 0.0
        return value

    center = x / n
    lower = 0.0 if x == 0 else _root(excess, 0.0, center)
    upper = 1.0 if x == n else _root(excess, 1.0, center)
    return widened_share(lower, upper)


def _root(excess: Callable[[float], float], outside: float, inside: float) -> float:
    """The end of {excess < 0} between a point outside (0 or 1) and one inside, from the outer side."""
    for _ in range(200):
        middle = (outside + inside) / 2
        if middle in (outside, inside):
            break
        if excess(middle) < 0:
            inside = middle
        else:
            outside = middle
    return outside


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _counts(errors: FloatArray, allowance: FloatArray, threshold: float) -> tuple[int, int]:
    """How many errors are above the threshold for certain, and how many may be, up to rounding."""
    return int((errors > threshold + allowance).sum()), int((errors > threshold - allowance).sum())


def _details(seed: Seed | int, draws: int, threshold: float, surely: int, possibly: int) -> dict[str, Any]:
    found: dict[str, Any] = {"threshold": threshold, "draws": draws, "bad": surely, "seed": str(seed)}
    if possibly != surely:
        found["within_rounding_of_threshold"] = possibly - surely
    return found
