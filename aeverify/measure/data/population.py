"""Population: what a held-out sample says of the rows that are still to come.

Let the held-out rows be independent draws from one population, and the model a function of other rows. Then their
errors e_1, ..., e_n are independent draws from the law of e on the population, and

**Share.** the number of errors above epsilon is binomial: exact Clopper-Pearson limits, as in `counting`.

**Quantile.** Q = inf {v : P(e <= v) >= q} lies between the order statistics e_(l) and e_(u) with P(Bin(n, q) <= l - 1)
<= alpha/2 and P(Bin(n, q) >= u) <= alpha/2 (derived in `counting`); no assumption on the law.

**All quantiles together.** With probability at least 1 - alpha, |F_n - F| <= d = sqrt(log(2/alpha) / (2n)) everywhere
(Dvoretzky, Kiefer and Wolfowitz 1956, with Massart's constant, 1990). Then F(v) >= q wherever F_n(v) >= q + d, so
Q <= e_(k) for k = ceil(n (q + d)); and F(v) < q wherever F_n(v) + d < q, so Q >= e_(k) for k = ceil(n (q - d)).

**Mean.** For 0 <= e <= b, b known before the sample was seen, the empirical Bernstein inequality bounds it on both
sides (`counting`). Without b there is no upper limit at any n: a set of probability 1/n^2 may carry any error. A
bootstrap interval is shown beside it for the reader; it holds in the limit of large n only, under moments that nobody
has checked, so it encloses nothing here and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed
from aeverify.core.witness import Witness
from aeverify.data import DataSet
from aeverify.errors import UsageError
from aeverify.measure.counting import (
    MAURER_PONTIL,
    mean_from_below,
    mean_of_bounded,
    quantile_interval,
    share_evidence,
)
from aeverify.measure.data.values import RowErrors, row_witness
from aeverify.measure.evaluation import generator, require_probability, require_real

FloatArray = NDArray[np.float64]

MASSART = Citation(
    "P. Massart, The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality, Annals of Probability 18 (1990)",
    "",
    "P(sup |F_n - F| > d) <= 2 exp(-2 n d^2)",
)
EFRON = Citation("B. Efron, Bootstrap methods: another look at the jackknife, Annals of Statistics 7 (1979)")


def assumptions_of(data: DataSet) -> tuple[str, ...]:
    """What every statement about the population takes from the caller's word."""
    return (
        "The held-out rows are independent draws from the population that the statement is about.",
        f"The model was not trained or chosen on the held-out rows ({data.held_out.rule}).",
    )


def population_share(
    autoencoder: Autoencoder, data: DataSet, held_out: RowErrors, epsilon: float, *, alpha: float = 0.01
) -> Evidence:
    """Enclosure of the share of the population with an error above epsilon.

    Args:
        autoencoder: the model.
        data: the data set.
        held_out: errors of the model at its held-out rows.
        epsilon: error level, in the units of the data.
        alpha: probability that the enclosure is wrong.

    Returns:
        Evidence "bad_share", STATISTICAL with confidence 1 - alpha, both ends; errors within rounding of epsilon count
        on the side that widens it. The witness is the row with the largest error.

    Raises:
        UsageError: a parameter is out of range.
    """
    level = require_real(epsilon, "error level", minimum=0.0)
    return share_evidence(
        "bad_share",
        held_out.low > level,
        held_out.high > level,
        require_probability(alpha, "alpha"),
        f"error above {level:g}",
        witness=_worst(autoencoder, data, held_out),
        assumptions=assumptions_of(data),
        details={**data.record(), "epsilon": level, "largest_error": float(held_out.errors.max())},
    )


def population_quantile(
    autoencoder: Autoencoder, data: DataSet, held_out: RowErrors, level: float, *, alpha: float = 0.01
) -> Evidence:
    """Enclosure of the `level` quantile of the error over the population, by order statistics of the held-out rows.

    Returns:
        Evidence "error_quantile", STATISTICAL with confidence 1 - alpha, both ends, in the units of the data; the upper
        end is infinite where there are too few rows for the level (n < log(alpha/2) / log(level)).

    Raises:
        UsageError: a parameter is out of range.
    """
    q, risk = require_probability(level, "quantile level"), require_probability(alpha, "alpha")
    n = len(held_out.errors)
    interval, first, last = quantile_interval(held_out.low, held_out.high, q, risk)
    return Evidence(
        quantity="error_quantile",
        interval=interval,
        rigor=Rigor.STATISTICAL,
        method=(
            f"Both ends: order statistics {first or 'none'} and {last or 'none'} of the errors at {n} held-out rows "
            f"for the quantile of level {q:g}."
        ),
        confidence=1.0 - risk,
        witness=_worst(autoencoder, data, held_out),
        assumptions=assumptions_of(data),
        details={**data.record(), "level": q, "sample_quantile": float(np.quantile(held_out.errors, q))},
    )


def population_band(
    data: DataSet, held_out: RowErrors, levels: Sequence[float] = (0.5, 0.9, 0.99), *, alpha: float = 0.01
) -> Evidence:
    """Enclosures of several quantiles of the error that hold together, from one band about the distribution function.

    Returns:
        Evidence "error_band": `interval` is that of the first level, `details` have all of them; STATISTICAL with
        confidence 1 - alpha for all together. An upper end is infinite where level + d > 1.

    Raises:
        UsageError: no level, or one outside (0, 1).
    """
    risk = require_probability(alpha, "alpha")
    if not levels:
        raise UsageError("Name at least one level of a quantile.")
    low, high, n = np.sort(held_out.low), np.sort(held_out.high), len(held_out.errors)
    # rounded up, so that the band is no narrower than the inequality has it
    d = math.sqrt(math.log(2.0 / risk) / (2.0 * n)) * (1.0 + 1e-12)
    found: list[Interval] = []
    for level in levels:
        q = require_probability(level, "quantile level")
        first, last = math.ceil(n * (q - d) * (1 - 1e-12)), math.ceil(n * (q + d) * (1 + 1e-12))
        found.append(
            Interval(float(low[first - 1]) if first >= 1 else 0.0, float(high[last - 1]) if last <= n else math.inf)
        )
    return Evidence(
        quantity="error_band",
        interval=found[0],
        rigor=Rigor.STATISTICAL,
        method=f"Both ends: the distribution function of {n} held-out errors, widened by {d:.4g} on either side.",
        confidence=1.0 - risk,
        citations=(MASSART,),
        assumptions=assumptions_of(data),
        details={
            **data.record(),
            "half_width": d,
            "quantiles": [{"level": float(q), **interval.to_dict()} for q, interval in zip(levels, found, strict=True)],
        },
    )


def population_mean(
    autoencoder: Autoencoder, data: DataSet, held_out: RowErrors, *, bound: float = math.inf, alpha: float = 0.01
) -> Evidence:
    """Enclosure of the mean error over the population, by the empirical Bernstein inequality.

    Args:
        autoencoder: the model.
        data: the data set.
        held_out: errors of the model at its held-out rows, at least 20.
        bound: b with e <= b on the population, known without the sample (data and reconstructions in [0, 1]^n give
            sqrt(n)); inf where none is known.
        alpha: probability that the enclosure is wrong.

    Returns:
        Evidence "mean_error", STATISTICAL with confidence 1 - alpha. Without a bound the upper end is infinite, and
        the lower one holds for min(e, c), c the largest error of the first tenth of the rows.

    Raises:
        UsageError: a parameter is out of range, fewer than 20 rows, or an error that exceeds the bound.
    """
    risk, n = require_probability(alpha, "alpha"), len(held_out.errors)
    if n < 20:
        raise UsageError(f"The mean needs at least 20 held-out rows, got {n}.")
    errors, rounding = held_out.errors, float(held_out.allowance.max())
    assumptions = assumptions_of(data)
    if math.isfinite(bound):
        b = require_real(bound, "bound of the error", minimum=0.0)
        if float(held_out.low.max()) > b:
            raise UsageError(
                f"The bound {b:g} of the error is exceeded by the error {float(errors.max()):g} at "
                f"{data.where(held_out.worst_row)}: give a bound that holds on the whole population."
            )
        interval = mean_of_bounded(errors, b, rounding, risk)
        method = f"Both ends: empirical Bernstein inequality with e <= {b:.6g}"
        assumptions = (*assumptions, f"No error on the population exceeds {b:g}.")
    else:
        interval, c = mean_from_below(errors, rounding, risk)
        method = (
            f"Lower end: empirical Bernstein inequality for min(e, {c:.6g}). Upper end: none, since no bound of the "
            "error is given and rows not seen may carry any error"
        )
    return Evidence(
        quantity="mean_error",
        interval=interval,
        rigor=Rigor.STATISTICAL,
        method=f"{method}; {n} held-out rows.",
        confidence=1.0 - risk,
        witness=_worst(autoencoder, data, held_out),
        citations=(MAURER_PONTIL,),
        assumptions=assumptions,
        details={**data.record(), "sample_mean": float(errors.mean())},
    )


def bootstrap_mean(
    data: DataSet, held_out: RowErrors, *, confidence: float = 0.99, rounds: int = 1_000, seed: Seed | int = 0
) -> Evidence:
    """The percentile bootstrap interval of the mean error, for the reader: it encloses nothing and decides nothing.

    Returns:
        Evidence "mean_error_bootstrap", EMPIRICAL with the interval (-inf, inf); `details` have the two percentiles.
    """
    level = require_probability(confidence, "confidence")
    rng, n = generator(seed, "measure", "bootstrap_mean"), len(held_out.errors)
    means = [float(held_out.errors[rng.integers(0, n, n)].mean()) for _ in range(rounds)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Evidence(
        quantity="mean_error_bootstrap",
        interval=Interval.unknown(),
        rigor=Rigor.EMPIRICAL,
        method=(
            f"Estimate: percentiles of the mean over {rounds} bootstrap samples, [{low:.6g}, {high:.6g}]; asymptotic, "
            "so nothing is enclosed."
        ),
        citations=(EFRON,),
        details={"estimate": float(held_out.errors.mean()), "low": float(low), "high": float(high), "level": level},
    )


def _worst(autoencoder: Autoencoder, data: DataSet, errors: RowErrors) -> Witness:
    note = f"The largest error among the {errors.part} rows: {data.where(errors.worst_row)}."
    return row_witness("point", autoencoder, data, (errors.worst,), note)
