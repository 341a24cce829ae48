import pytest

from aeverify.errors import UsageError
from aeverify.manifolds import Chart, manifold
from aeverify.manifolds.normal_curvature import normal_curvature_bounds
from aeverify.manifolds.surface_reach import certified_surface_reach


def _torus(R, r):
    def formula(parameters, ops):
        u, v = 2 * ops.pi * parameters[0], 2 * ops.pi * parameters[1]
        rho = R + r * ops.cos(v)
        return [rho * ops.cos(u), rho * ops.sin(u), r * ops.sin(v)]

    return Chart((0.0, 0.0), (1.0, 1.0), (True, True), formula, (6.3 * (R + r), 6.3 * r))


def _clifford(parameters, ops):
    u, v = 2 * ops.pi * parameters[0], 2 * ops.pi * parameters[1]
    return [0.6 * ops.cos(u), 0.6 * ops.sin(u), 1.1 * ops.cos(v), 1.1 * ops.sin(v)]


def _klein(parameters, ops):
    u, v = 2 * ops.pi * parameters[0], 2 * ops.pi * parameters[1]
    rho = 1 + 0.7 * ops.cos(v)
    height = 0.7 * ops.sin(v)
    return [rho * ops.cos(u), rho * ops.sin(u), height * ops.cos(0.5 * u), height * ops.sin(0.5 * u)]


CLIFFORD = Chart((0.0, 0.0), (1.0, 1.0), (True, True), _clifford, (3.8, 7.0))
KLEIN = Chart((0.0, 0.0), (1.0, 1.0), (True, True), _klein, (11.0, 4.5), flips=((1,), ()))


@pytest.mark.parametrize(("R", "r"), [(2.0, 0.7), (1.0, 0.7)])
def test_the_largest_normal_curvature_of_a_torus(R, r):
    """max(1/r, 1/(R - r)), at the tube or at the inner equator."""
    found, _ = normal_curvature_bounds(_torus(R, r), 0.05)
    exact = max(1 / r, 1 / (R - r))
    assert found.lower <= exact * (1 + 1e-9)
    assert exact <= found.upper <= 1.08 * exact


def test_the_largest_normal_curvature_in_higher_codimension():
    """The product of circles of radii 0.6 and 1.1 in R^4 bends most along the smaller one."""
    found, _ = normal_curvature_bounds(CLIFFORD, 0.02)
    assert found.lower <= 1 / 0.6 <= found.upper <= 1.03 / 0.6


@pytest.mark.parametrize(
    ("chart", "exact"), [(_torus(1.0, 0.7), 0.3), (CLIFFORD, 0.6)], ids=["torus", "product of circles"]
)
def test_reaches_of_surfaces_hold_the_closed_forms(chart, exact):
    """min(r, R - r) and the smaller radius lie within the tolerance asked for."""
    found = certified_surface_reach(chart, 0.1)
    assert found.interval.lower <= exact <= found.interval.upper
    assert found.interval.width <= 0.1 * exact
    assert found.is_embedded


@pytest.mark.slow
@pytest.mark.parametrize(("chart", "least"), [(_torus(2.0, 0.7), 0.69), (KLEIN, 0.29)], ids=["torus", "Klein bottle"])
def test_reaches_of_surfaces_are_tight(chart, least):
    """Torus (2, 0.7): at least 0.69 of 0.7; Klein bottle (1, 0.7) in R^4: at least 0.29 of 0.3."""
    found = certified_surface_reach(chart, 0.02)
    assert least <= found.interval.lower
    assert found.interval.upper <= least / 0.965


@pytest.mark.slow
def test_a_torus_that_meets_itself_has_no_positive_lower_end():
    """R < r: the tube runs through the axis."""
    found = certified_surface_reach(_torus(0.7, 1.0), 0.5)
    assert found.interval.lower == 0.0


def test_charts_that_are_no_closed_surfaces_are_refused():
    """One parameter, open sides, a wrong period and a wrong tolerance are usage errors."""
    with pytest.raises(UsageError, match="two periodic"):
        certified_surface_reach(manifold("circle").chart)
    flat = Chart((0.0, 0.0), (1.0, 1.0), (True, True), lambda p, ops: [p[0], p[1], ops.cos(p[0])], (9.0, 9.0))
    with pytest.raises(UsageError, match="does not have the period"):
        certified_surface_reach(flat)
    with pytest.raises(UsageError, match="does not have the period"):
        certified_surface_reach(Chart((0.0, 0.0), (1.0, 1.0), (True, True), _klein, (11.0, 4.5)))
    with pytest.raises(UsageError, match="tolerance"):
        certified_surface_reach(CLIFFORD, 0.0)
