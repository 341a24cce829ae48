import math

import numpy as np
import pytest

from aeverify.errors import UsageError
from aeverify.manifolds import Chart, manifold
from aeverify.manifolds.chart import NUMPY
from aeverify.manifolds.jets import JetOperations, variables


def _coefficients(expression, x, order):
    jet = expression(variables([x], order)[0], JetOperations(NUMPY))
    return [float(jet.coefficient((k,))) for k in range(order + 1)]


def test_taylor_coefficients_of_elementary_functions():
    """exp, sin, cos, sqrt, quotients and powers have the series of the calculus books."""
    x = 0.7
    assert _coefficients(lambda t, o: o.exp(t), x, 4) == pytest.approx(
        [math.exp(x) / math.factorial(k) for k in range(5)]
    )
    s, c = math.sin(2 * x), math.cos(2 * x)
    assert _coefficients(lambda t, o: o.sin(2 * t), x, 3) == pytest.approx([s, 2 * c, -2 * s, -8 * c / 6])
    assert _coefficients(lambda t, o: o.cos(2 * t), x, 3) == pytest.approx([c, -2 * s, -2 * c, 8 * s / 6])
    r = math.sqrt(x)
    assert _coefficients(lambda t, o: o.sqrt(t), x, 3) == pytest.approx(
        [r, 1 / (2 * r), -1 / (8 * r**3), 1 / (16 * r**5)]
    )
    assert _coefficients(lambda t, o: 1 / t, x, 3) == pytest.approx([1 / x, -1 / x**2, 1 / x**3, -1 / x**4])
    assert _coefficients(lambda t, o: (1 + t) ** 3, x, 3) == pytest.approx([1.7**3, 3 * 1.7**2, 3 * 1.7, 1])
    assert _coefficients(lambda t, o: o.exp(o.sin(t) * t), x, 1)[1] == pytest.approx(
        math.exp(math.sin(x) * x) * (math.sin(x) + x * math.cos(x))
    )


def _saddle(parameters, ops):
    u, v = parameters
    return [ops.sin(u) * v**2, ops.exp(u * v), u / (2 + v)]


SADDLE = Chart((0.0, 0.0), (1.0, 1.0), (False, False), _saddle, (9.0, 9.0))


def test_derivatives_at_points_of_a_box_lie_in_the_bounds():
    """First, second and third partial derivatives in closed form, at random points of random boxes."""
    rng = np.random.default_rng(3)
    low = rng.random((40, 2)) * 0.8
    high = low + rng.random((40, 2)) * 0.2
    bounds = SADDLE.derivative_bounds(low, high, 3)
    assert bounds.first.shape == (40, 3, 2)
    assert bounds.second.shape == (40, 3, 2, 2)
    assert bounds.third is not None
    for share in rng.random((5, 40, 2)):
        u, v = (low + share * (high - low)).T
        e = np.exp(u * v)
        exact = {
            (0, 0): np.cos(u) * v**2,
            (1, 1): u * e,
            (2, 1): -u / (2 + v) ** 2,
            (0, 0, 1): 2 * v * np.cos(u),
            (1, 0, 1): e * (1 + u * v),
            (2, 1, 1): 2 * u / (2 + v) ** 3,
            (0, 1, 1, 0): 2 * np.cos(u),
            (1, 0, 0, 1): e * (2 * v + u * v**2),
        }
        for index, value in exact.items():
            table = (bounds.first, bounds.second, bounds.third)[len(index) - 2]
            low_end, high_end = table.lower[(slice(None), *index)], table.upper[(slice(None), *index)]
            assert np.all(low_end <= value + 1e-12)
            assert np.all(value - 1e-12 <= high_end)


def test_bounds_on_a_point_are_as_narrow_as_rounding():
    """On a box of one point the bounds agree with the dual numbers of the chart."""
    chart = manifold("ellipse:a=3,b=2").chart
    u = np.array([[0.1], [0.77]])
    bounds = chart.derivative_bounds(u, u)
    np.testing.assert_allclose(bounds.point.middle, chart.embed(u), atol=1e-12)
    np.testing.assert_allclose(bounds.first.middle, chart.jacobian(u), atol=1e-11)
    assert float(bounds.second.radius.max()) < 1e-10
    assert bounds.third is None


@pytest.mark.parametrize(
    ("lower", "upper", "order"),
    [([[0.2]], [[0.1]], 2), ([[np.nan]], [[0.1]], 2), ([[0.1, 0.1]], [[0.2, 0.2]], 2), ([[0.1]], [[0.2]], 4)],
)
def test_boxes_that_cannot_be_are_refused(lower, upper, order):
    """Empty boxes, NaN, another dimension and another order are usage errors."""
    with pytest.raises(UsageError):
        manifold("circle").chart.derivative_bounds(np.array(lower), np.array(upper), order)
