from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import beta as beta_function
from scipy.special import ellipe

from aeverify import measure
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core import Interval, Rigor
from aeverify.errors import NonFiniteOutputError, UsageError
from aeverify.manifolds import manifold
from aeverify.measure.bad_set import mixture_interval


def bad_arc(share: float) -> Autoencoder:
    """Perfect on the unit circle but for an arc of that share of the length, where the error is 1."""

    def decode(z):
        turns = np.mod(np.arctan2(z[:, 1], z[:, 0]) / (2 * math.pi), 1.0)
        return np.where((turns < share)[:, None], 0.0, z)

    return Autoencoder.from_callables(lambda x: x, decode, ambient_dim=2, latent_dim=2)


def test_no_bad_draw_gives_the_closed_form_of_clopper_pearson(circle):
    """With no bad draw among n the limits are 0 and 1 - (alpha/2)^(1/n)."""
    found = measure.bad_set(oracle("identity"), circle, 0.1, draws=1_000, alpha=0.01)
    assert found.lower == 0.0
    assert found.upper == pytest.approx(1 - 0.005 ** (1 / 1_000), rel=1e-9)
    assert found.confidence == 0.99
    assert found.rigor is Rigor.STATISTICAL


def test_only_bad_draws_give_the_closed_form_of_clopper_pearson(circle):
    """With n bad draws the limits are (alpha/2)^(1/n) and 1."""
    found = measure.bad_set(oracle("constant"), circle, 0.5, draws=1_000, alpha=0.01)
    assert found.upper == 1.0
    assert found.lower == pytest.approx(0.005 ** (1 / 1_000), rel=1e-9)


@pytest.mark.parametrize("name", ["cut", "fold", "collapsed", "cut_two_circles"])
def test_the_enclosure_holds_the_true_share(name):
    """The exact share of the length, derived by hand for each oracle, lies inside."""
    model = oracle(name)
    found = measure.bad_set(model, manifold(model.truth.manifold), 0.1, draws=20_000)
    assert found.interval.intersects(model.truth.bad_share(0.1))
    assert found.interval.width < 0.02
    assert found.witness.points[0].error > 0.1


def test_an_error_at_the_threshold_is_counted_on_the_side_that_widens(circle):
    """A constant decoder whose error is the threshold up to rounding decides nothing."""
    found = measure.bad_set(oracle("constant"), circle, 1.0, draws=100)
    assert found.interval == Interval(0.0, 1.0)
    assert found.details["within_rounding_of_threshold"] == 100


def test_coverage_of_clopper_pearson(circle):
    """Over 300 seeds the 90 % limits miss the truth in at most 14 % of them (their nominal rate is at most 10 %)."""
    model = bad_arc(0.1)
    missed = sum(
        0.1 not in measure.bad_set(model, circle, 0.5, draws=100, alpha=0.1, seed=s).interval for s in range(300)
    )
    assert 1 <= missed <= 42


def test_the_sequence_covers_at_all_times(circle):
    """Over 150 seeds the running 90 % enclosure, looked at 20 times, misses the truth in at most 14 % of them."""
    model = bad_arc(0.2)
    missed = 0
    for seed in range(150):
        found = measure.bad_set_sequential(
            model, circle, 0.5, seed=seed, alpha=0.1, batch=50, max_draws=1_000, stop_when=lambda _: False
        )
        assert found.details["looks"] == 20
        missed += 0.2 not in found.interval
    assert missed <= 21


def test_the_sequence_stops_as_soon_as_it_may(circle):
    """The draws end when the caller is satisfied, and the interval satisfies the caller."""
    found = measure.bad_set_sequential(
        bad_arc(0.5), circle, 0.5, stop_when=lambda interval: interval.lower > 0.3, batch=100, max_draws=100_000
    )
    assert found.lower > 0.3
    assert found.details["draws"] < 2_000


def test_the_mixture_interval_has_its_closed_form():
    """For x = 0 the upper end solves B(1/2, n + 1/2) / (pi (1 - p)^n) = 1/alpha; n = 1000, alpha = 0.05: 0.0070."""
    n, alpha = 1_000, 0.05
    expected = 1 - (alpha * beta_function(0.5, n + 0.5) / math.pi) ** (1 / n)
    assert mixture_interval(0, n, alpha).upper == pytest.approx(expected, rel=1e-6)
    assert round(expected, 4) == 0.0070
    assert mixture_interval(0, n, alpha).upper >= expected


def test_the_mixture_interval_is_symmetric():
    """Exchanging good and bad reflects the interval."""
    one, other = mixture_interval(30, 100, 0.01), mixture_interval(70, 100, 0.01)
    assert one.lower == pytest.approx(1 - other.upper, abs=1e-9)
    assert one.upper == pytest.approx(1 - other.lower, abs=1e-9)
    assert 0.3 in one


def test_the_median_has_its_closed_form(circle, off_center):
    """The median error of the constant decoder at (c, 0) is sqrt(1 + c^2), at right angles to c."""
    found = measure.quantile_error(off_center(0.5), circle, 0.5, draws=20_000)
    assert math.sqrt(1.25) in found.interval
    assert found.interval.width < 0.05


def test_a_quantile_beyond_the_sample_has_no_upper_end(circle, off_center):
    """Ten draws say nothing of the 0.999 quantile from above."""
    assert measure.quantile_error(off_center(0.5), circle, 0.999, draws=10).upper == math.inf
    assert measure.quantile_error(off_center(0.5), circle, 0.001, draws=10).lower == 0.0


def test_coverage_of_the_median(circle, off_center):
    """Over 300 seeds the 90 % limits miss the median in at most 14 % of them."""
    model, truth = off_center(0.5), math.sqrt(1.25)
    missed = sum(
        truth not in measure.quantile_error(model, circle, draws=101, alpha=0.1, seed=s).interval for s in range(300)
    )
    assert 1 <= missed <= 42


def mean_off_center(c: float) -> float:
    """Mean over the circle of sqrt(1 + c^2 - 2 c cos t): a complete elliptic integral."""
    return 2 * (1 + c) / math.pi * float(ellipe(4 * c / (1 + c) ** 2))


def test_the_mean_has_its_closed_form(circle, off_center):
    """With the bound 1 + c both ends enclose the mean, an elliptic integral."""
    found = measure.mean_error(off_center(0.5), circle, bound=Interval(0.0, 1.5), draws=20_000)
    assert mean_off_center(0.5) in found.interval
    assert found.interval.width < 0.05
    assert found.assumptions


def test_the_mean_without_a_bound_has_no_upper_end(circle, off_center):
    """An unseen set may carry any error, so the upper end is infinite, and the lower end is still sound."""
    found = measure.mean_error(off_center(0.5), circle, draws=20_000)
    assert found.upper == math.inf
    assert 0.9 * mean_off_center(0.5) < found.lower <= mean_off_center(0.5)


def test_a_bound_below_a_drawn_error_is_refused(circle, off_center):
    """A bound that a draw exceeds is no upper bound."""
    with pytest.raises(UsageError, match="exceeded"):
        measure.mean_error(off_center(0.5), circle, bound=Interval(0.0, 1.2))


@pytest.mark.parametrize(
    ("threshold", "options"),
    [(-1.0, {}), (math.nan, {}), (0.1, {"alpha": 0.0}), (0.1, {"alpha": 1.0}), (0.1, {"draws": 0})],
)
def test_parameters_out_of_range_are_refused(circle, threshold, options):
    """Negative or NaN thresholds, impossible confidences and empty samples are usage errors."""
    with pytest.raises(UsageError):
        measure.bad_set(oracle("cut"), circle, threshold, **options)


def test_nan_is_never_counted(circle):
    """A draw with NaN ends the measurement."""
    with pytest.raises(NonFiniteOutputError):
        measure.bad_set(oracle("nan"), circle, 0.1, draws=5_000)
