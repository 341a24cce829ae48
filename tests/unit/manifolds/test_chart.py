import numpy as np
import pytest

from aeverify.errors import UsageError
from aeverify.manifolds import NUMPY, Chart, manifold


def test_the_jacobian_of_a_surface_agrees_with_finite_differences():
    """Two parameters: every entry of the Jacobian of a torus agrees with central differences."""

    def torus(u, ops):
        ring = 2 + ops.cos(2 * ops.pi * u[1])
        return [
            ring * ops.cos(2 * ops.pi * u[0]),
            ring * ops.sin(2 * ops.pi * u[0]),
            ops.sin(2 * ops.pi * u[1]),
            ops.real(4.0),
        ]

    chart = Chart((0.0, 0.0), (1.0, 1.0), (True, True), torus, (19.0, 6.3))
    u = np.random.default_rng(0).random((20, 2))
    h = 1e-5
    expected = np.stack([(chart.embed(u + h * e) - chart.embed(u - h * e)) / (2 * h) for e in np.eye(2)], axis=2)
    np.testing.assert_allclose(chart.jacobian(u), expected, atol=1e-7)


def test_constant_coordinates_have_zero_derivative():
    """A circle in R^4 does not move along the axes off its plane."""
    jacobian = manifold("circle:ambient_dim=4").chart.jacobian(np.array([[0.1], [0.4]]))
    assert jacobian.shape == (2, 4, 1)
    assert jacobian[:, 2:, 0].tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_differentiate_returns_values_and_one_row_a_coordinate():
    """The values of `differentiate` are those of `evaluate`."""
    chart = manifold("ellipse:a=3,b=2").chart
    values, rows = chart.differentiate([0.125], NUMPY)
    assert values == chart.evaluate([0.125], NUMPY)
    assert [len(row) for row in rows] == [1, 1]


@pytest.mark.parametrize("shape", [(3,), (3, 2), (1, 3, 1)])
def test_parameters_of_another_shape_are_refused(shape):
    """Parameters come as rows of as many numbers as the chart has parameters."""
    chart = manifold("circle").chart
    for function in (chart.embed, chart.jacobian):
        with pytest.raises(UsageError, match="shape"):
            function(np.zeros(shape))


def test_wrap_brings_periodic_parameters_back_and_clips_others():
    """A circle's parameter is taken modulo one turn, a spiral's is clipped to its ends."""
    u = np.array([[-0.25], [1.5]])
    assert manifold("circle").chart.wrap(u).tolist() == [[0.75], [0.5]]
    assert manifold("spiral").chart.wrap(u).tolist() == [[0.0], [1.0]]
