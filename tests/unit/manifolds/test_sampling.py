import math

import numpy as np
import pytest
from scipy import stats

from aeverify.core import Spec
from aeverify.errors import UsageError
from aeverify.manifolds import Chart, Manifold, manifold, training_points
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.sampling import covering_radius, draw_parameters


def arc_length(chart, u, steps=20_000):
    """Length of the curve from its start to each parameter, by the trapezoidal rule."""
    t = np.linspace(chart.lower[0], chart.upper[0], steps + 1)
    speed = np.linalg.norm(chart.jacobian(t[:, None])[:, :, 0], axis=1)
    total = np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2 * np.diff(t))])
    return np.interp(u, t, total), total[-1]


@pytest.mark.parametrize("spec", ["circle:radius=2", "ellipse:a=3,b=2", "ellipse:a=1,b=20", "spiral"])
def test_samples_of_curves_are_uniform_in_arc_length(spec):
    """The Kolmogorov-Smirnov test of 4000 seeded draws against the uniform law in arc length does not reject."""
    k = manifold(spec)
    s, total = arc_length(k.chart, k.sample(4000, 7).parameters[:, 0])
    assert stats.kstest(s / total, "uniform").pvalue > 0.01


def test_draws_that_are_uniform_in_the_angle_would_be_rejected():
    """The same test tells the uniform law in the angle from the one in arc length on a flat ellipse."""
    chart = manifold("ellipse:a=1,b=20").chart
    s, total = arc_length(chart, np.random.default_rng(7).random(4000))
    assert stats.kstest(s / total, "uniform").pvalue < 1e-6


def test_samples_of_a_surface_are_uniform_in_area():
    """On a torus of revolution the share of points with cos v < 0 is 1/2 - r / (pi R), not 1/2."""

    def torus(u, ops):
        ring = 2 + ops.cos(2 * ops.pi * u[1])
        return [ring * ops.cos(2 * ops.pi * u[0]), ring * ops.sin(2 * ops.pi * u[0]), ops.sin(2 * ops.pi * u[1])]

    chart = Chart((0.0, 0.0), (1.0, 1.0), (True, True), torus, (6 * math.pi * (1 + 1e-12), 2 * math.pi * (1 + 1e-12)))
    u = draw_parameters(chart, 20_000, np.random.default_rng(3))
    inner = int((np.cos(2 * np.pi * u[:, 1]) < 0).sum())
    assert stats.binomtest(inner, 20_000, 0.5 - 1 / (2 * math.pi)).pvalue > 0.01


def test_the_components_of_a_union_are_drawn_by_volume():
    """The counts of points on a circle of length 2 pi and one of length 8 pi pass the chi-square test."""
    k = manifold('union:parts=["circle:radius=1","circle:radius=4"]')
    counts = np.bincount(k.sample(5000, 11).component, minlength=2)
    assert stats.chisquare(counts, [1000, 4000]).pvalue > 0.01


def test_the_same_seed_gives_the_same_points():
    """Samples depend on the manifold, the number and the seed alone."""
    k = manifold("two_circles")
    assert k.sample(50, 3).points.tolist() == manifold("two_circles").sample(50, 3).points.tolist()
    assert k.sample(50, 3).points.tolist() != k.sample(50, 4).points.tolist()


def nearest(points, dense):
    return np.array([np.linalg.norm(points - x, axis=1).min() for x in dense])


@pytest.mark.parametrize("spec", ["circle:radius=3,ambient_dim=4", "ellipse:a=3,b=2", "spiral", "two_circles"])
@pytest.mark.parametrize("n", [2, 7, 100])
def test_the_covering_radius_of_a_grid_holds_at_dense_points(spec, n):
    """No point of a dense random sample is farther from the grid than the proved radius, which is not slack either."""
    k = manifold(spec)
    grid = k.grid(n)
    worst = nearest(grid.points, k.sample(3000, 5).points).max()
    assert worst <= grid.covering_radius.upper
    assert grid.covering_radius.upper < 4 * worst


@pytest.mark.parametrize("spec", ["ellipse:a=3,b=2", "spiral", "two_circles"])
def test_the_covering_radius_of_a_random_sample_holds_at_dense_points(spec):
    """The radius proved from the sorted parameters of a sample holds at every dense point."""
    k = manifold(spec)
    sample = k.sample(60, 1)
    assert nearest(sample.points, k.grid(3000).points).max() <= sample.covering_radius.upper


def test_a_sample_that_misses_a_component_covers_nothing():
    """One point cannot cover two circles: the covering radius is unknown above."""
    assert manifold("two_circles").sample(1, 0).covering_radius.upper == math.inf


def test_the_ends_of_an_arc_count_whole_gaps():
    """On an arc the gap before the first point is not halved: one point in the middle covers half the length bound."""
    chart = manifold("spiral").chart
    assert covering_radius(chart, np.array([[0.5]])).upper == pytest.approx(math.sqrt(101) / 2, rel=1e-12)
    assert covering_radius(chart, np.array([[0.0]])).upper == pytest.approx(math.sqrt(101), rel=1e-12)


def test_a_grid_of_one_point_covers_half_the_length():
    """On a closed curve one node covers up to half a turn."""
    assert manifold("circle").grid(1).covering_radius.upper == pytest.approx(math.pi, rel=1e-12)


class Square(ConnectedManifold):
    """The unit square times (1, 3), to try grids with two parameters."""

    def __init__(self):
        chart = Chart(
            (0.0, 0.0), (1.0, 1.0), (False, True), lambda u, ops: [u[0] + ops.real(0.0), 3 * u[1]], (1.0, 3.0)
        )
        super().__init__(Spec("square"), 2, chart)

    def _find_truth(self):
        raise NotImplementedError


def test_grids_of_two_parameters_share_out_nodes_by_side():
    """About n nodes, three times as many along the side that is three times as long; radius = half steps added up."""
    square: Manifold = Square()
    grid = square.grid(300)
    assert grid.method == "regular grid of 10 x 30 parameters"
    assert grid.covering_radius.upper == pytest.approx(0.05 + 0.05, rel=1e-9)


def test_nothing_is_proved_of_random_points_on_a_surface():
    """With two parameters the covering radius of a sample is left open."""
    assert Square().sample(10, 0).covering_radius.upper == math.inf


@pytest.mark.parametrize("n", [0, -3, 2.5, True, "10", None, 10**9])
def test_counts_that_are_none_are_refused(n):
    """The number of points is an integer from 1 to 10^8, for samples, grids and training points alike."""
    for spec in ("circle", "two_circles"):
        for draw in (lambda k: k.sample(n, 0), lambda k: k.grid(n), lambda k: training_points(k, n, 0)):
            with pytest.raises(UsageError):
                draw(manifold(spec))


def test_a_seed_that_is_none_is_refused():
    """Seeds are non-negative integers."""
    with pytest.raises(UsageError, match="seed"):
        manifold("circle").sample(3, -1)
