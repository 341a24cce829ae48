"""Binomial limits and tolerance ranks, against the equations that define them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from aeverify.core import Rigor
from aeverify.measure.counting import probability_interval, share_evidence, tolerance_rank


@pytest.mark.parametrize(("count", "draws"), [(3, 20), (500, 1000), (1, 7)])
def test_the_limits_solve_their_equations(count: int, draws: int):
    """P(Bin(n, p_l) >= X) = P(Bin(n, p_u) <= X) = alpha/2."""
    found = probability_interval(count, count, draws, 0.02)
    assert binom.sf(count - 1, draws, found.lower) == pytest.approx(0.01, rel=1e-6)
    assert binom.cdf(count, draws, found.upper) == pytest.approx(0.01, rel=1e-6)


def test_nothing_and_everything_have_closed_forms():
    """No event: p_u = 1 - (alpha/2)^(1/n); all events: p_l = (alpha/2)^(1/n)."""
    assert probability_interval(0, 0, 50, 0.01).lower == 0.0
    assert probability_interval(0, 0, 50, 0.01).upper == pytest.approx(1 - 0.005 ** (1 / 50), rel=1e-9)
    assert probability_interval(50, 50, 50, 0.01).lower == pytest.approx(0.005 ** (1 / 50), rel=1e-9)
    assert probability_interval(50, 50, 50, 0.01).upper == 1.0


def test_what_rounding_leaves_open_widens_the_interval():
    """Draws that only possibly have the event count at the upper end alone."""
    surely = np.array([True, False, False, False])
    possibly = np.array([True, True, False, False])
    found = share_evidence("share", surely, possibly, 0.1, "an event")
    assert found.interval.lower == probability_interval(1, 1, 4, 0.1).lower
    assert found.interval.upper == probability_interval(2, 2, 4, 0.1).upper
    assert (found.rigor, found.details["within_rounding"]) == (Rigor.STATISTICAL, 1)


@pytest.mark.parametrize("level", [0.01, 0.05, 0.3])
def test_the_rank_is_the_smallest_that_guarantees_the_level(level: float):
    """P(Bin(n, 1 - level) >= k) <= alpha at k and not at k - 1."""
    k = tolerance_rank(1000, level, 0.05)
    assert binom.sf(k - 1, 1000, 1 - level) <= 0.05 < binom.sf(k - 2, 1000, 1 - level)


def test_the_maximum_is_enough_from_the_stated_number_of_draws_on():
    """(1 - level)^n <= alpha needs n >= log(alpha)/log(1 - level): 59 at 5 % and 95 %."""
    assert math.ceil(math.log(0.05) / math.log(0.95)) == 59
    assert tolerance_rank(59, 0.05, 0.05) == 59
    assert tolerance_rank(58, 0.05, 0.05) == 0
