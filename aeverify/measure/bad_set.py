"""The bad set {e > t} and the distribution of the error over K, from independent uniform draws.

Every statement here is STATISTICAL: it holds with the stated confidence over the draws, whatever the model is. An error
that rounding could put on either side of a threshold is counted on the side that widens the interval.

**Clopper-Pearson.** X of n independent draws are bad, X ~ Bin(n, p). The lower limit p_l solves P(Bin(n, p_l) >= X) =
alpha/2 and the upper limit P(Bin(n, p_u) <= X) = alpha/2; with the regularised incomplete beta function
P(Bin(n, p) >= x) = I_p(x, n - x + 1) these are the alpha/2 quantile of Beta(X, n - X + 1) and the 1 - alpha/2 quantile
of Beta(X + 1, n - X). Each side fails with probability at most alpha/2. (Clopper and Pearson, Biometrika 26, 1934.)

**Anytime-valid sequence.** For the true p the likelihood ratio of the Beta(1/2, 1/2) mixture to Bernoulli(p),
M_n(p) = B(1/2 + x, 1/2 + n - x) / (B(1/2, 1/2) p^x (1 - p)^(n - x)), is a non-negative martingale with M_0 = 1. By
Ville's inequality P(some n has M_n(p) >= 1/alpha) <= alpha, so {p : M_n(p) < 1/alpha} holds p at all n at once, and so
does the intersection of these sets over the times that were looked at: one may stop whenever one likes. -log M_n is
concave in p with its maximum at x/n, so the set is an interval. (Ville 1939; Robbins, Ann. Math. Statist. 41, 1970.)

**Quantiles.** Let Q = inf {v : P(e <= v) >= q} and e_(1) <= ... <= e_(n) the ordered errors. Q < e_(l) says that at
most l - 1 errors are <= Q, while P(e <= Q) >= q, so its probability is at most P(Bin(n, q) <= l - 1). Q > e_(u) says
that at least u errors are < Q, while P(e < Q) <= q, so its probability is at most P(Bin(n, q) >= u). No assumption on
the distribution.

**Mean.** If 0 <= e <= b, with probability at least 1 - delta the mean exceeds the average of n draws by at most
sqrt(2 V log(2/delta) / n) + 7 b log(2/delta) / (3 (n - 1)), V the sample variance (Maurer and Pontil, COLT 2009,
Theorem 4, applied to e/b); the same for b - e bounds the other side. b must be an upper bound of sup e. Without one
the mean has no upper limit at any n: an unseen set of measure 1/n^2 may carry any error.
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
from aeverify.core.seeds import Seed
from aeverify.core.witness import WitnessPoint
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold, as_seed, require_count
from aeverify.measure.certified import enclosed, without_enclosure
from aeverify.measure.evaluation import (
    evaluate,
    require_compatible,
    require_probability,
    require_real,
    witness_of,
    witness_point,
)

FloatArray = NDArray[np.float64]

CLOPPER_PEARSON = Citation(
    "C. J. Clopper and E. S. Pearson, The use of confidence or fiducial limits, Biometrika 26 (1934)",
    "",
    "binomial confidence limits whose coverage is at least nominal for every n and p",
)
VILLE = Citation(
    "J. Ville, Etude critique de la notion de collectif, 1939",
    "",
    "a non-negative martingale with mean 1 reaches 1/alpha with probability at most alpha",
)
MAURER_PONTIL = Citation(
    "A. Maurer and M. Pontil, Empirical Bernstein bounds and sample variance penalization, COLT 2009",
    "Theorem 4",
    "deviation of the mean of bounded variables in terms of the sample variance",
)

_QUANTILE_ROUNDING = 1e-12
"""Widening of beta quantiles and of bisected roots, far above their numerical error."""


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
    from scipy.stats import beta

    t, alpha = require_real(threshold, "threshold", minimum=0.0), require_probability(alpha, "alpha")
    n = require_count(draws, "number of draws")
    if tolerance is not None or time_budget is not None:
        found = enclosed(autoencoder, manifold, threshold=t, tolerance=tolerance, time_budget=time_budget)
        if isinstance(found, Evidence):
            return found
        drawn = bad_set(autoencoder, manifold, t, seed=seed, draws=n, alpha=alpha)
        return without_enclosure(drawn, found)
    errors, allowance, worst = _draw(autoencoder, manifold, n, as_seed(seed).child("measure", "bad_set"))
    surely, possibly = _counts(errors, allowance, t)
    lower = float(beta.ppf(alpha / 2, surely, n - surely + 1)) if surely else 0.0
    upper = float(beta.ppf(1 - alpha / 2, possibly + 1, n - possibly)) if possibly < n else 1.0
    return Evidence(
        quantity="bad_set_measure",
        interval=_share(lower, upper),
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
        errors, allowance, found = _draw(autoencoder, manifold, count, root.child(looks))
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
    return _share(lower, upper)


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
    from scipy.stats import binom

    q, alpha = require_probability(level, "quantile level"), require_probability(alpha, "alpha")
    n = require_count(draws, "number of draws")
    errors, allowance, worst = _draw(autoencoder, manifold, n, as_seed(seed).child("measure", "quantile_error"))
    low, high = np.sort(np.maximum(errors - allowance, 0.0)), np.sort(errors + allowance)
    ranks = np.arange(1, n + 1)
    # 1e-9 of alpha covers the rounding of the binomial tails
    tail = alpha / 2 * (1.0 - 1e-9)
    below = np.flatnonzero(binom.cdf(ranks - 1, n, q) <= tail)
    beyond = np.flatnonzero(binom.sf(ranks - 1, n, q) <= tail)
    lower = float(low[below[-1]]) if len(below) else 0.0
    upper = float(high[beyond[0]]) if len(beyond) else math.inf
    return Evidence(
        quantity="error_quantile",
        interval=Interval(lower, upper),
        rigor=Rigor.STATISTICAL,
        method=(
            f"Both ends: order statistics {below[-1] + 1 if len(below) else 0} and "
            f"{beyond[0] + 1 if len(beyond) else 'none'} of {n} independent uniform draws for the quantile of level "
            f"{q:g}."
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
    errors, allowance, worst = _draw(autoencoder, manifold, n, as_seed(seed).child("measure", "mean_error"))
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
        radius = _bernstein(np.minimum(errors, b), b, alpha / 2)
        interval = Interval(
            max(float(errors.mean()) - radius - rounding, 0.0), min(float(errors.mean()) + radius + rounding, b)
        )
        method = f"Both ends: empirical Bernstein inequality with e <= {b:.6g}"
        assumptions = ("The given upper bound of the worst error holds.",)
        details["bound"] = b
    else:
        pilot = n // 10
        c = float(errors[:pilot].max())
        cut = np.minimum(errors[pilot:], c)
        radius = _bernstein(cut, c, alpha)
        interval = Interval.at_least(max(float(cut.mean()) - radius - rounding, 0.0))
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


def _bernstein(values: FloatArray, bound: float, delta: float) -> float:
    """One-sided deviation of the mean from the average, at probability delta, for independent values in [0, bound]."""
    n = len(values)
    log = math.log(2.0 / delta)
    variance = float(values.var(ddof=1))
    return (math.sqrt(2.0 * variance * log / n) + 7.0 * bound * log / (3.0 * (n - 1))) * (1.0 + _QUANTILE_ROUNDING)


def _draw(
    autoencoder: Autoencoder, manifold: Manifold, n: int, seed: Seed
) -> tuple[FloatArray, FloatArray, WitnessPoint]:
    """Errors and allowances at n independent uniform draws, and the worst of them as a witness."""
    require_compatible(autoencoder, manifold)
    sample = manifold.sample(n, seed)
    values = evaluate(autoencoder, manifold, sample.points, sample.component, sample.parameters)
    i = int(values.errors.argmax())
    index = int(sample.component[i])
    dimension = manifold.components[index].chart.dim
    point = witness_point(autoencoder, manifold, index, tuple(sample.parameters[i][:dimension]))
    return values.errors, values.allowance, point


def _counts(errors: FloatArray, allowance: FloatArray, threshold: float) -> tuple[int, int]:
    """How many errors are above the threshold for certain, and how many may be, up to rounding."""
    return int((errors > threshold + allowance).sum()), int((errors > threshold - allowance).sum())


def _share(lower: float, upper: float) -> Interval:
    """[lower, upper] widened by the numerical error of its ends and cut to [0, 1]."""
    return Interval(max(lower * (1.0 - _QUANTILE_ROUNDING) - 1e-300, 0.0), min(upper * (1.0 + _QUANTILE_ROUNDING), 1.0))


def _details(seed: Seed | int, draws: int, threshold: float, surely: int, possibly: int) -> dict[str, Any]:
    found: dict[str, Any] = {"threshold": threshold, "draws": draws, "bad": surely, "seed": str(seed)}
    if possibly != surely:
        found["within_rounding_of_threshold"] = possibly - surely
    return found
