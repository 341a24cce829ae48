import math

import numpy as np
import pytest

from aeverify.manifolds import manifold
from aeverify.widths.extremes import largest_norm, least_norm, least_norm_at


def of_point(chart, point):
    def formula(_):
        return lambda p, ops: [x - c for x, c in zip(chart.formula(p, ops), point, strict=True)]

    return formula


@pytest.mark.parametrize("point", [(0.0, 0.0), (0.5, 0.0), (0.0, 1.0), (5.0, 0.0), (0.3, -0.2)])
def test_distances_from_an_ellipse_are_enclosed(point):
    """Least and largest distance of a point from the ellipse (3, 2) against a fine grid, which errs to one side."""
    chart = manifold("ellipse:a=3,b=2").chart
    x = chart.embed((np.arange(200_000) / 200_000)[:, None])
    away = np.linalg.norm(x - np.array(point), axis=1)
    least = least_norm(of_point(chart, point), [[0.0]], [[1.0]], 1e-7)
    largest = largest_norm(of_point(chart, point), [[0.0]], [[1.0]], 1e-7)
    assert least.lower <= away.min() <= least.upper * (1 + 1e-6)
    assert largest.lower * (1 - 1e-6) <= away.max() <= largest.upper
    assert least.width <= 2e-7 * least.upper
    assert largest.width <= 2e-7 * largest.upper


def test_a_least_norm_over_a_surface_tells_where_it_is():
    """The point (4, 0, 0) is 1 from the torus (2, 1), nearest at (3, 0, 0), parameters (0, 0) up to periods."""
    chart = manifold("torus:R=2,r=1").chart
    found, where = least_norm_at(of_point(chart, (4.0, 0.0, 0.0)), [[0.0, 0.0]], [[1.0, 1.0]], 1e-6)
    assert found.lower <= 1 <= found.upper
    assert chart.embed(where[None])[0] == pytest.approx([3, 0, 0], abs=1e-2)


def test_boxes_keep_their_formula():
    """Two boxes, two formulas: |u| + 1 on one, |u| + 2 on the other; parts of a box keep its formula."""
    shift = np.array([1.0, 2.0])

    def formula(index):
        return lambda p, ops: [p[0] * p[0] + shift[index]]

    found = least_norm(formula, [[-1.0], [-1.0]], [[1.0], [1.0]], 1e-6)
    assert found.lower <= 1 <= found.upper <= 1 + 1e-5
    assert largest_norm(formula, [[-1.0], [-1.0]], [[1.0], [1.0]], 1e-6).upper == pytest.approx(3, rel=1e-5)


def test_a_search_that_is_cut_short_is_still_sound():
    """With 4 boxes at most the enclosure is wide, and holds the least distance 2 of the centre."""
    chart = manifold("ellipse:a=3,b=2").chart
    found = least_norm(of_point(chart, (0.0, 0.0)), [[0.0]], [[1.0]], 1e-9, most=4)
    assert found.lower <= 2 <= found.upper
    assert found.width > 1e-3


def test_a_norm_that_vanishes_is_not_bounded_away_from_zero():
    """The least norm of sin is 0 on a box with its zero."""
    found = least_norm(lambda _: lambda p, ops: [ops.sin(p[0])], [[-1.0]], [[2.0]], 1e-6)
    assert found.lower == 0
    assert math.isfinite(found.upper)
