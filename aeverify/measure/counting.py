"""Counting: confidence limits of the probability of an event, and of a bounded mean, from independent draws.

X of n independent draws have the event, X ~ Bin(n, p). The lower limit solves P(Bin(n, p_l) >= X) = alpha/2, the upper
one P(Bin(n, p_u) <= X) = alpha/2; with P(Bin(n, p) >= x) = I_p(x, n - x + 1), the regularised incomplete beta function,
they are quantiles of Beta(X, n - X + 1) and Beta(X + 1, n - X). Each side fails with probability at most alpha/2, for
every n and p (Clopper and Pearson, Biometrika 26, 1934).

Of n independent numbers in [0, b] with sample variance V, the mean of the law exceeds the average with probability at
most delta by more than sqrt(2 V log(2/delta) / n) + 7 b log(2/delta) / (3 (n - 1)) (Maurer and Pontil, COLT 2009,
Theorem 4, applied to the numbers over b); the same for b less the numbers bounds the other side.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.witness import Witness

FloatArray = NDArray[np.float64]

CLOPPER_PEARSON = Citation(
    "C. J. Clopper and E. S. Pearson, The use of confidence or fiducial limits, Biometrika 26 (1934)",
    "",
    "binomial confidence limits whose coverage is at least nominal for every n and p",
)
MAURER_PONTIL = Citation(
    "A. Maurer and M. Pontil, Empirical Bernstein bounds and sample variance penalization, COLT 2009",
    "Theorem 4",
    "deviation of the mean of bounded variables in terms of the sample variance",
)
_ROUNDING = 1e-12
"""Widening of beta quantiles and of bisected roots, far above their numerical error."""


def probability_interval(surely: int, possibly: int, draws: int, alpha: float) -> Interval:
    """Clopper-Pearson enclosure of a probability at confidence 1 - alpha, both ends.

    Args:
        surely: draws that have the event for certain.
        possibly: draws that may have it, up to rounding; at least `surely`.
        draws: n, at least 1.
        alpha: error probability of the two sides together.
    """
    from scipy.stats import beta

    lower = 0.0 if surely == 0 else float(beta.ppf(alpha / 2, surely, draws - surely + 1))
    upper = 1.0 if possibly == draws else float(beta.ppf(1 - alpha / 2, possibly + 1, draws - possibly))
    return widened_share(lower, upper)


def widened_share(lower: float, upper: float) -> Interval:
    """[lower, upper] widened by the numerical error of its ends and cut to [0, 1]."""
    return Interval(max(lower * (1.0 - _ROUNDING) - 1e-300, 0.0), min(upper * (1.0 + _ROUNDING), 1.0))


def share_evidence(
    quantity: str,
    surely: NDArray[np.bool_],
    possibly: NDArray[np.bool_],
    alpha: float,
    event: str,
    *,
    witness: Witness | None = None,
    assumptions: tuple[str, ...] = (),
    details: dict[str, Any] | None = None,
) -> Evidence:
    """STATISTICAL evidence on the probability of an event that each of n independent draws surely or possibly has.

    Args:
        quantity: name of the probability.
        surely, possibly: shape (n,), for each draw.
        alpha: probability that the enclosure is wrong.
        event: the event in words, for the method.
        witness, assumptions, details: handed on.
    """
    n, low, high = len(surely), int(surely.sum()), int(possibly.sum())
    found: dict[str, Any] = {"draws": n, "count": low, **(details or {})}
    if high != low:
        found["within_rounding"] = high - low
    return Evidence(
        quantity=quantity,
        interval=probability_interval(low, high, n, alpha),
        rigor=Rigor.STATISTICAL,
        method=f"Both ends: exact Clopper-Pearson limits; {event} in {low} of {n} independent draws.",
        confidence=1.0 - alpha,
        witness=witness,
        citations=(CLOPPER_PEARSON,),
        assumptions=assumptions,
        details=found,
    )


def deviation_of_mean(values: FloatArray, bound: float, delta: float) -> float:
    """One-sided deviation of the mean from the average, at probability delta, for independent values in [0, bound]."""
    n = len(values)
    log = math.log(2.0 / delta)
    variance = float(values.var(ddof=1))
    return (math.sqrt(2.0 * variance * log / n) + 7.0 * bound * log / (3.0 * (n - 1))) * (1.0 + 1e-12)


def mean_of_bounded(values: FloatArray, bound: float, rounding: float, alpha: float) -> Interval:
    """Empirical Bernstein enclosure at confidence 1 - alpha of the mean of a number in [0, bound], from independent
    draws of it, each off by at most `rounding`; both ends fail with probability alpha/2 each."""
    mean, radius = float(values.mean()), deviation_of_mean(np.minimum(values, bound), bound, alpha / 2)
    return Interval(max(mean - radius - rounding, 0.0), min(mean + radius + rounding, bound))


def mean_from_below(values: FloatArray, rounding: float, alpha: float) -> tuple[Interval, float]:
    """Lower limit at confidence 1 - alpha of the mean of a number >= 0 of which no bound is known, from at least 20
    independent draws e of it, each off by at most `rounding`: the limit for min(e, c). And c, the largest of the first
    tenth of the draws, which the rest is independent of."""
    pilot = len(values) // 10
    c = float(values[:pilot].max())
    cut = np.minimum(values[pilot:], c)
    return Interval.at_least(max(float(cut.mean()) - deviation_of_mean(cut, c, alpha) - rounding, 0.0)), c


def quantile_interval(low: FloatArray, high: FloatArray, level: float, alpha: float) -> tuple[Interval, int, int]:
    """Enclosure at confidence 1 - alpha of the quantile of a number >= 0, from bounds of independent draws of it, each
    of shape (n,), and the ranks of its ends (`quantile_ranks`); an end of which there is none is 0 or infinite."""
    first, last = quantile_ranks(len(low), level, alpha)
    lower = float(np.sort(low)[first - 1]) if first else 0.0
    upper = float(np.sort(high)[last - 1]) if last else math.inf
    return Interval(lower, upper), first, last


def quantile_ranks(draws: int, level: float, alpha: float) -> tuple[int, int]:
    """Ranks l and u (from 1; 0 where there is none) such that Q = inf {v : P(e <= v) >= level} lies between the l-th
    and the u-th smallest of n independent draws with probability at least 1 - alpha, whatever the law.

    Q < e_(l) says that at most l - 1 draws are <= Q, while P(e <= Q) >= level: probability at most P(Bin(n, level) <=
    l - 1). Q > e_(u) says that at least u draws are < Q, while P(e < Q) <= level: at most P(Bin(n, level) >= u).
    """
    from scipy.stats import binom

    ranks = np.arange(1, draws + 1)
    # 1e-9 of alpha covers the rounding of the binomial tails
    tail = alpha / 2 * (1.0 - 1e-9)
    below = np.flatnonzero(binom.cdf(ranks - 1, draws, level) <= tail)
    beyond = np.flatnonzero(binom.sf(ranks - 1, draws, level) <= tail)
    return int(ranks[below[-1]]) if len(below) else 0, int(ranks[beyond[0]]) if len(beyond) else 0


def tolerance_rank(draws: int, level: float, alpha: float) -> int:
    """The smallest k with P(Bin(n, 1 - level) >= k) <= alpha, or 0 where no k <= n does.

    Let s_(k) be the k-th smallest of n independent scores, F their law and Q = inf {v : F(v) >= 1 - level}. If
    P(s > s_(k)) > level then F(s_(k)) < 1 - level, so s_(k) < Q and at least k scores are below Q; as P(s < Q) <=
    1 - level, that has probability at most P(Bin(n, 1 - level) >= k). So with confidence 1 - alpha the score exceeds
    s_(k) with probability at most `level`, whatever its law (Wilks, Ann. Math. Statist. 12, 1941). Needs
    n >= log(alpha) / log(1 - level).
    """
    from scipy.stats import binom

    if draws < math.log(alpha) / math.log1p(-level):
        return 0
    ranks = np.arange(1, draws + 1)
    # 1e-9 of alpha covers the rounding of the binomial tails
    good = np.flatnonzero(binom.sf(ranks - 1, draws, 1.0 - level) <= alpha * (1.0 - 1e-9))
    return int(ranks[good[0]]) if len(good) else 0
