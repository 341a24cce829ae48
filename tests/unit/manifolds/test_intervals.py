import numpy as np
import pytest
from flint import arb

from aeverify.errors import UsageError
from aeverify.manifolds.balls import precision
from aeverify.manifolds.intervals import INTERVALS, IntervalArray


def _holds(interval: IntervalArray, i: int, ball: arb) -> bool:
    return bool(ball >= float(interval.lower[i]) and ball <= float(interval.upper[i]))


@pytest.mark.parametrize("name", ["sin", "cos", "exp"])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 30.0, 1e4, 3e6])
def test_elementary_functions_hold_the_values_at_points_of_the_intervals(name, scale):
    """Ball arithmetic at both ends and inside gives values within the enclosure, near and far from 0."""
    rng = np.random.default_rng(0)
    low = rng.uniform(-scale, scale, 200)
    high = low + np.abs(rng.normal(size=200)) * 10.0 ** rng.uniform(-17, 1, 200)
    with np.errstate(over="ignore"):
        found = getattr(IntervalArray(low, high), name)()
    with precision(200):
        for i in range(200):
            for share in (0.0, 0.37, 1.0):
                x = min(max(low[i] + share * (high[i] - low[i]), low[i]), high[i])
                assert _holds(found, i, getattr(arb(float(x)), name)())


def test_sine_and_cosine_of_floats_are_narrow():
    """The enclosures of one-point intervals are 2^-45 wide, and 1 and -1 are attained on a turn."""
    x = IntervalArray.exactly(np.linspace(-20, 20, 101))
    assert float((x.sin().upper - x.sin().lower).max()) <= 2.0**-44
    turn = IntervalArray(0.0, 7.0)
    assert (float(turn.cos().lower), float(turn.cos().upper)) == (-1.0, 1.0)
    crest = IntervalArray(1.5, 1.6).sin()
    assert float(crest.upper) == 1.0
    assert float(crest.lower) == pytest.approx(np.sin(1.5), abs=1e-12)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv"])
def test_arithmetic_holds_the_exact_results(name):
    """Sums, differences, products and quotients of numbers in the intervals lie in the result, rounding included."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 300))
    x = IntervalArray(a, a + rng.random(300) * 1e-3)
    y = IntervalArray(b, b + rng.random(300) * 1e-3)
    operation = f"__{name}__"
    found = getattr(x, operation)(y)
    with precision(200):
        for i in range(300):
            for p, q in ((x.lower[i], y.lower[i]), (x.upper[i], y.lower[i]), (x.upper[i], y.upper[i])):
                assert _holds(found, i, getattr(arb(float(p)), operation)(arb(float(q))))


def test_a_tenth_three_times_is_not_rounded_to_the_nearest():
    """0.1 x 3 is enclosed by two different floats: the exact product lies between."""
    found = IntervalArray.exactly(0.1) * 3
    assert float(found.lower) < float(found.upper)
    with precision(200):
        assert arb(0.1) * 3 >= float(found.lower)
        assert arb(0.1) * 3 <= float(found.upper)


def test_what_cannot_be_bounded_is_the_whole_line():
    """A quotient by an interval that holds 0 and 0 x inf say nothing."""
    whole = IntervalArray.exactly(1.0) / IntervalArray(-1.0, 1.0)
    assert (float(whole.lower), float(whole.upper)) == (-np.inf, np.inf)
    with np.errstate(invalid="ignore"):
        product = IntervalArray.exactly(0.0) * whole
    assert float(product.lower) == -np.inf


def test_even_powers_are_not_negative():
    """[-1, 2]^2 is [0, 4], and (-2)^3 is -8."""
    square = IntervalArray(-1.0, 2.0) ** 2
    assert float(square.lower) == 0.0
    assert 4.0 <= float(square.upper) <= 4.000001
    cube = IntervalArray.exactly(-2.0) ** 3
    assert float(cube.lower) <= -8.0 <= float(cube.upper) < -7.99


def test_sums_are_rounded_outward():
    """The sum of many tenths encloses the exact sum."""
    found = IntervalArray.exactly(np.full(1000, 0.1)).sum(0)
    with precision(200):
        assert arb(0.1) * 1000 >= float(found.lower)
        assert arb(0.1) * 1000 <= float(found.upper)
    assert float(found.upper - found.lower) < 1e-9


@pytest.mark.parametrize(("low", "high"), [(np.nan, 1.0), (1.0, 0.0)])
def test_empty_intervals_and_nan_are_refused(low, high):
    """Neither is knowledge."""
    with pytest.raises(UsageError, match="lower <= upper"):
        IntervalArray(low, high)


def test_pi_is_enclosed():
    """pi lies strictly between the two floats of the enclosure."""
    with precision(200):
        assert arb.pi() > float(INTERVALS.pi.lower)
        assert arb.pi() < float(INTERVALS.pi.upper)
