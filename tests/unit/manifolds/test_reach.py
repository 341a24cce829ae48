import math

import numpy as np
import pytest

from aeverify.errors import UsageError
from aeverify.manifolds import Chart, manifold
from aeverify.manifolds.reach import certified_reach


def _chart(formula, closed=True):
    return Chart((0.0,), (1.0,), (closed,), formula, (99.0,))


def _random_curve(rng, n, degree):
    a, b = (rng.normal(size=(degree, n)) / np.arange(1, degree + 1)[:, None] ** 1.5 for _ in range(2))

    def formula(parameters, ops):
        t = 2 * ops.pi * parameters[0]
        waves = [(ops.cos(k * t), ops.sin(k * t)) for k in range(1, degree + 1)]
        return [
            sum(float(a[k, i]) * waves[k][0] + float(b[k, i]) * waves[k][1] for k in range(degree)) for i in range(n)
        ]

    return _chart(formula)


def _sampled_reach(chart, count=400):
    """The least Federer quotient of well separated points of a grid, an upper bound of the reach."""
    u = (np.arange(count) / count)[:, None]
    x, v = chart.embed(u), chart.jacobian(u)[:, :, 0]
    v /= np.linalg.norm(v, axis=1)[:, None]
    gap = x[None] - x[:, None]
    square = (gap**2).sum(2)
    normal = np.sqrt(np.maximum(square - (gap * v[:, None]).sum(2) ** 2, 1e-30))
    square[square < 1e-6 * square.max()] = np.inf
    return float((square / (2 * normal)).min())


@pytest.mark.parametrize(
    ("spec", "tolerance"),
    [
        ("circle:radius=0.7", 1e-2),
        ("ellipse:a=3,b=2", 1e-3),
        ("ellipse:a=2,b=3", 1e-3),
        ("ellipse:a=40,b=0.5", 1e-2),
        ("spiral", 1e-3),
    ],
)
def test_reaches_hold_the_closed_forms(spec, tolerance):
    """Radius, b^2/a and the spiral's radius of curvature lie within the tolerance asked for."""
    k = manifold(spec)
    found = certified_reach(k.chart, k.chart.periodic[0], tolerance)
    exact = k.truth.reach
    assert found.interval.lower <= exact.upper
    assert exact.lower <= found.interval.upper
    assert found.interval.width <= tolerance * found.interval.upper
    assert found.is_embedded


def test_lower_ends_never_exceed_sampled_quotients():
    """100 random trigonometric curves in R^2 to R^5: lower <= upper, lower <= every sampled quotient, and in R^3 and
    higher the two ends meet within 2 %."""
    rng = np.random.default_rng(7)
    for trial in range(100):
        n = 2 + trial % 4
        chart = _random_curve(rng, n, 1 + trial % 3)
        found = certified_reach(chart)
        sampled = _sampled_reach(chart)
        assert found.interval.lower <= sampled * (1 + 1e-9)
        assert found.interval.lower <= found.interval.upper
        if n > 2:
            assert found.interval.width <= 0.02 * found.interval.upper


def test_both_ends_bound_the_reach_of_a_stadium_like_curve():
    """A thin ellipse bent into a banana has its two long sides close: the far pairs decide, not the curvature."""

    def formula(parameters, ops):
        t = 2 * ops.pi * parameters[0]
        angle = 1.35 * ops.cos(t)
        rho = 2 + ops.real(0.3) * ops.sin(t)
        return [rho * ops.cos(angle), rho * ops.sin(angle)]

    found = certified_reach(_chart(formula), tolerance=1e-3)
    assert found.is_embedded
    assert found.interval.width <= 1e-3 * found.interval.upper
    assert found.interval.lower <= _sampled_reach(_chart(formula), 1000)


def _figure_eight(parameters, ops):
    t = 2 * ops.pi * parameters[0]
    return [ops.sin(t), ops.sin(2 * t)]


def _doubled_circle(parameters, ops):
    t = 4 * ops.pi * parameters[0]
    return [ops.cos(t), ops.sin(t)]


def _astroid(parameters, ops):
    t = 2 * ops.pi * parameters[0]
    return [ops.cos(t) ** 3, ops.sin(t) ** 3]


@pytest.mark.parametrize("formula", [_figure_eight, _doubled_circle, _astroid])
def test_curves_that_meet_themselves_or_have_cusps_have_no_positive_lower_end(formula):
    """A crossing, a curve traced twice and cusps: [0, upper], never a positive bound."""
    found = certified_reach(_chart(formula))
    assert found.interval.lower == 0.0
    assert not found.is_embedded


def test_a_crossing_is_found_from_above():
    """At a crossing quotients are arbitrarily small, and the upper end says so."""
    assert certified_reach(_chart(_figure_eight)).interval.upper < 1e-6


def _letter_c(parameters, ops):
    angle = ops.pi * (parameters[0] * 1.9 + 0.05)
    return [ops.cos(angle), ops.sin(angle)]


def test_end_points_of_an_arc_count_with_their_half_lines():
    """The two ends of an almost closed circle face each other: the reach is half their distance, sin(0.05 pi)."""
    found = certified_reach(_chart(_letter_c, closed=False), closed=False, tolerance=1e-3)
    assert math.sin(0.05 * math.pi) in found.interval
    assert found.interval.width < 1e-3


def _half_circle(parameters, ops):
    angle = ops.pi * (parameters[0] * 0.9)
    return [ops.cos(angle), ops.sin(angle)]


def test_a_short_arc_of_a_circle_has_the_radius_as_reach():
    """Less than half a turn has no far pairs at all."""
    found = certified_reach(_chart(_half_circle, closed=False), closed=False, tolerance=1e-3)
    assert 1.0 in found.interval
    assert found.pairs >= 0
    assert found.interval.width < 1e-3


def test_the_upper_end_comes_with_the_pair_that_shows_it():
    """The Federer quotient of the pair, computed again in float64, is the upper end."""
    k = manifold("trefoil")
    found = certified_reach(k.chart)
    (s, t), upper = found.pair, found.interval.upper
    p, q = k.chart.embed(np.array([s, t]))
    v = k.chart.jacobian(np.array([s]))[0, :, 0]
    v /= np.linalg.norm(v)
    gap = q - p
    assert gap @ gap / (2 * np.linalg.norm(gap - (gap @ v) * v)) == pytest.approx(upper, rel=1e-9)


def test_scaling_scales_the_reach():
    """A curve of the size 1e-30 is treated like one of size 1."""

    def formula(parameters, ops):
        t = 2 * ops.pi * parameters[0]
        return [3e-30 * ops.cos(t), 2e-30 * ops.sin(t)]

    found = certified_reach(_chart(formula))
    assert 4e-30 / 3 in found.interval
    assert found.interval.width <= 0.02 * found.interval.upper


@pytest.mark.parametrize("tolerance", [0.0, -1.0, 1.0, math.nan])
def test_a_tolerance_that_cannot_be_is_refused(tolerance):
    """Zero, negative, large and NaN tolerances are usage errors."""
    with pytest.raises(UsageError, match="tolerance"):
        certified_reach(manifold("circle").chart, tolerance=tolerance)


def test_an_open_arc_is_not_taken_for_a_closed_curve():
    """The two ends of the spiral differ, which is proved and refused."""
    with pytest.raises(UsageError, match="not closed smoothly"):
        certified_reach(manifold("spiral").chart, closed=True)


def test_a_chart_of_a_surface_is_refused():
    """Curves have one parameter."""
    chart = Chart((0.0, 0.0), (1.0, 1.0), (True, True), lambda p, ops: [p[0], p[1]], (1.0, 1.0))
    with pytest.raises(UsageError, match="one parameter"):
        certified_reach(chart)
