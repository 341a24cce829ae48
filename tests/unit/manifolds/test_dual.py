import math

import numpy as np
import pytest
from flint import arb

from aeverify.errors import UsageError
from aeverify.manifolds import NUMPY, ball_operations
from aeverify.manifolds.dual import Dual, DualOperations, seeded


def formula(u, ops):
    """A function that uses every operation of charts."""
    x, y = u
    return (
        2 * x**3 - y / (1 + x * x) + ops.exp(-y) * ops.sin(3 * x) - ops.sqrt(4 + y) * ops.cos(x) + (1 - x) / 2 + 1 / y
    )


def gradient(x, y):
    """Its derivatives by hand."""
    by_x = (
        6 * x**2
        + 2 * x * y / (1 + x * x) ** 2
        + 3 * math.exp(-y) * math.cos(3 * x)
        + math.sqrt(4 + y) * math.sin(x)
        - 0.5
    )
    by_y = -1 / (1 + x * x) - math.exp(-y) * math.sin(3 * x) - math.cos(x) / (2 * math.sqrt(4 + y)) - 1 / y**2
    return by_x, by_y


def test_every_operation_follows_the_rules_of_calculus():
    """The partial derivatives of a formula with every operation are those computed by hand."""
    out = formula(seeded([0.7, 1.3]), DualOperations(NUMPY))
    assert out.partials == pytest.approx(gradient(0.7, 1.3), rel=1e-14)


def test_numpy_columns_flow_through():
    """Arrays on either side of an operation stay float64 columns and never become arrays of objects."""
    column = np.array([0.5, 2.0])
    out = column * Dual(column, (np.ones(2),)) + column
    assert out.value.tolist() == [0.75, 6.0]
    assert out.partials[0].tolist() == [0.5, 2.0]


def test_balls_flow_through():
    """In ball arithmetic the derivative is an enclosure that holds the one computed by hand."""
    out = formula(seeded([arb(0.7), arb(1.3)]), DualOperations(ball_operations()))
    by_x, by_y = gradient(0.7, 1.3)
    assert abs(float(out.partials[0].mid()) - by_x) < 1e-13
    assert abs(float(out.partials[1].mid()) - by_y) < 1e-13
    assert float(out.partials[0].rad()) < 1e-12


def test_dual_numbers_of_dual_numbers_give_second_derivatives():
    """d^2/dx^2 of x^3 sin x is 6 x sin x + 6 x^2 cos x - x^3 sin x."""
    x = 0.9
    inner = seeded([x])
    outer = [Dual(inner[0], (Dual(1.0, (0.0,)),))]
    ops = DualOperations(DualOperations(NUMPY))
    out = outer[0] ** 3 * ops.sin(outer[0])
    expected = 6 * x * math.sin(x) + 6 * x**2 * math.cos(x) - x**3 * math.sin(x)
    assert out.partials[0].partials[0] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("exponent", [0, -1, 0.5, True])
def test_other_powers_are_refused(exponent):
    """Only positive integer powers are part of the contract of formulas."""
    with pytest.raises(UsageError, match="positive integer powers"):
        Dual(2.0, (1.0,)) ** exponent
