"""What held-out rows say of the population: closed forms, scipy's exact limits, and coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core import Interval, Rigor
from aeverify.data import DataSet, Part, load_data
from aeverify.errors import UsageError
from aeverify.measure import data as measure


def zeros(width: int = 1) -> Autoencoder:
    """Everything decodes to 0, so that the error of a row is its norm."""
    return Autoencoder.from_callables(
        lambda x: x[:, :1] * 0.0, lambda z: np.zeros((len(z), width)), ambient_dim=width, latent_dim=1, continuous=True
    )


def numbers(values: np.ndarray) -> tuple[DataSet, measure.RowErrors]:
    """Rows of one number, all held out, with the errors |x|."""
    data = load_data(np.asarray(values, dtype=np.float64).reshape(-1, 1), held_out=1.0, name="numbers")
    return data, measure.row_errors(zeros(), data, Part.HELD_OUT)


def uniform(count: int, seed: int) -> np.ndarray:
    """Independent uniform draws of [0, 1]."""
    return np.random.Generator(np.random.PCG64(seed)).random(count)


@pytest.mark.parametrize(("bad", "rows"), [(0, 100), (1, 100), (17, 60), (59, 60), (60, 60), (1, 1)])
@pytest.mark.parametrize("alpha", [0.01, 0.2])
def test_the_share_has_the_exact_limits_of_clopper_and_pearson(bad: int, rows: int, alpha: float):
    """They agree with scipy's, which computes them by another way."""
    data, errors = numbers(np.r_[np.linspace(2.0, 3.0, bad), np.linspace(0.0, 0.9, rows - bad)])
    found = measure.population_share(zeros(), data, errors, 1.0, alpha=alpha)
    expected = binomtest(bad, rows).proportion_ci(confidence_level=1 - alpha, method="exact")
    assert found.lower == pytest.approx(expected.low, rel=1e-9, abs=1e-12)
    assert found.upper == pytest.approx(expected.high, rel=1e-9)
    assert (found.rigor, found.confidence) == (Rigor.STATISTICAL, 1 - alpha)
    assert len(found.assumptions) == 2 and "all rows" in found.assumptions[1]


def test_an_error_at_the_level_widens_the_share():
    """Within rounding of epsilon it counts on the side that widens."""
    data, errors = numbers(np.full(50, 0.7))
    assert measure.population_share(zeros(), data, errors, 0.7).interval == Interval(0.0, 1.0)


def test_the_limits_cover_as_often_as_they_say():
    """Over 300 samples of 100 rows the true share, quantile and mean lie inside at least as often as promised."""
    hits = {"share": 0, "quantile": 0, "mean": 0, "band": 0}
    alpha, rounds = 0.1, 300
    for i in range(rounds):
        data, errors = numbers(uniform(100, i))
        share = measure.population_share(zeros(), data, errors, 0.8, alpha=alpha)
        quantile = measure.population_quantile(zeros(), data, errors, 0.7, alpha=alpha)
        mean = measure.population_mean(zeros(), data, errors, bound=1.0, alpha=alpha)
        band = measure.population_band(data, errors, (0.2, 0.5, 0.8), alpha=alpha)
        hits["share"] += 0.2 in share.interval
        hits["quantile"] += 0.7 in quantile.interval
        hits["mean"] += 0.5 in mean.interval
        hits["band"] += all(q["level"] in Interval.from_dict(q) for q in band.details["quantiles"])
    # four standard deviations below the promise
    assert min(hits.values()) >= rounds * (0.9 - 4 * math.sqrt(0.09 / rounds))


def test_the_quantile_has_the_order_statistics_that_the_binomial_law_gives():
    """For the median of 10 rows at 95 % these are the second and the ninth; at 99.9 % there are none."""
    data, errors = numbers(np.arange(1.0, 11.0))
    found = measure.population_quantile(zeros(), data, errors, 0.5, alpha=0.05)
    assert (found.lower, found.upper) == (pytest.approx(2.0), pytest.approx(9.0))
    assert measure.population_quantile(zeros(), data, errors, 0.5, alpha=0.001).interval == Interval(0.0, math.inf)


def test_the_band_is_that_of_dvoretzky_kiefer_and_wolfowitz():
    """Half width sqrt(log(2/alpha) / 2n); the quantiles are order statistics at level plus and minus it."""
    data, errors = numbers(np.arange(1.0, 1001.0))
    band = measure.population_band(data, errors, (0.5, 0.99), alpha=0.01)
    d = math.sqrt(math.log(200) / 2000)
    assert band.details["half_width"] == pytest.approx(d)
    median, last = (Interval.from_dict(q) for q in band.details["quantiles"])
    assert (median.lower, median.upper) == (
        pytest.approx(math.ceil(1000 * (0.5 - d))),
        pytest.approx(math.ceil(1000 * (0.5 + d))),
    )
    assert last.upper == math.inf
    assert band.interval == median
    with pytest.raises(UsageError, match="at least one level"):
        measure.population_band(data, errors, ())


def test_the_mean_has_an_upper_end_only_with_a_bound():
    """Without one, rows that were not seen may carry any error; the bootstrap encloses nothing."""
    data, errors = numbers(uniform(2_000, 1))
    bounded = measure.population_mean(zeros(), data, errors, bound=1.0)
    assert 0.4 < bounded.lower < 0.5 < bounded.upper < 0.6
    assert bounded.assumptions[-1] == "No error on the population exceeds 1."
    free = measure.population_mean(zeros(), data, errors)
    assert free.upper == math.inf and 0.4 < free.lower < 0.5
    shown = measure.bootstrap_mean(data, errors)
    assert (shown.interval, shown.rigor) == (Interval.unknown(), Rigor.EMPIRICAL)
    assert shown.details["low"] < 0.5 < shown.details["high"] < shown.details["low"] + 0.1


def test_a_bound_that_a_row_refutes_is_refused():
    """And so are too few rows."""
    data, errors = numbers(uniform(100, 1))
    with pytest.raises(UsageError, match="exceeded by the error"):
        measure.population_mean(zeros(), data, errors, bound=0.5)
    few, few_errors = numbers(uniform(19, 1))
    with pytest.raises(UsageError, match="at least 20"):
        measure.population_mean(zeros(), few, few_errors)


@pytest.mark.parametrize("alpha", [0.0, 1.0, math.nan])
def test_alpha_must_be_a_probability(alpha: float):
    """Of every statement."""
    data, errors = numbers(uniform(30, 1))
    for call in (
        lambda: measure.population_share(zeros(), data, errors, 0.5, alpha=alpha),
        lambda: measure.population_quantile(zeros(), data, errors, 0.5, alpha=alpha),
        lambda: measure.population_mean(zeros(), data, errors, alpha=alpha),
        lambda: measure.population_band(data, errors, alpha=alpha),
    ):
        with pytest.raises(UsageError):
            call()
