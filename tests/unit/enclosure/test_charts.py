"""Chart forms and Taylor arithmetic against ball arithmetic and closed forms."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from flint import arb, arb_series, ctx

from aeverify.enclosure.arithmetics import BALL, PLAIN, TRACKED
from aeverify.enclosure.charts import cell_table, chart_forms, chart_jets, require_chart
from aeverify.errors import ModelError, UsageError
from aeverify.manifolds.balls import ball_operations
from tests.unit.enclosure.exact import CHARTS, forms_of, make


def _outside(name: str, change=lambda forms: forms, seed: int = 0) -> int:
    """Sampled points that leave their chart form, seen from random directions."""
    chart, n = CHARTS[name]
    rng = np.random.Generator(np.random.PCG64(seed))
    count = 0
    for exponent in (4, 8, 20, 45):
        half = torch.full((6, chart.dim), 2.0**-exponent, dtype=torch.float64)
        low, high = torch.tensor(chart.lower).double(), torch.tensor(chart.upper).double()
        center = low + (high - low) * torch.from_numpy(rng.integers(2, 30, size=(6, chart.dim)) / 32.0)
        forms = change(forms_of(chart, n, center, half))
        for i in range(6):
            for _ in range(4):
                s = rng.integers(-8, 9, size=chart.dim) / 8.0
                u = [float(c + h * t) for c, h, t in zip(center[i], half[i], s, strict=True)]
                with ctx.workprec(160):
                    x = [arb(0) + v for v in chart.formula([arb(v) for v in u], ball_operations())]
                    direction = rng.integers(-3, 4, size=n).tolist()
                    value = sum((arb(d) * v for d, v in zip(direction, x, strict=True)), arb(0))
                    form, spread = arb(0), arb(0)
                    for j, d in enumerate(direction):
                        form += d * arb(float(forms.center[i, j]))
                        spread += abs(d) * arb(float(forms.radius[i, j]))
                        for k in range(chart.dim):
                            form += d * arb(float(forms.slopes[k, i, j])) * arb(float(s[k]))
                    for g in forms.generators[:, i].tolist():
                        spread += abs(sum((d * arb(v) for d, v in zip(direction, g, strict=True)), arb(0)))
                    count += bool(abs(value - form) > spread)
    return count


@pytest.mark.parametrize("name", sorted(CHARTS))
def test_points_of_a_chart_lie_in_its_form(name):
    """Exact points of boxes from 1/16 to 2^-45 wide lie in the affine form, in every direction."""
    assert _outside(name) == 0


@pytest.mark.parametrize("name", ["torus", "bar"])
def test_shortened_remainders_are_caught(name):
    """Generators a tenth as long do not hold the chart any more."""
    assert _outside(name, lambda f: replace(f, generators=f.generators * 0.1, radius=f.radius * 0.1)) > 0


def test_dropped_chart_rounding_is_caught():
    """Without the running error some exact points fall outside tiny boxes."""
    assert _outside("torus", lambda f: replace(f, radius=f.radius * 0.0)) > 0


def test_a_cell_serves_the_boxes_inside_it():
    """Forms made with the table of a larger cell hold the points of its sub-boxes."""
    chart, n = CHARTS["torus"]
    cell = cell_table(chart, n, torch.tensor([[0.25, 0.25]]).double(), torch.tensor([[0.0625, 0.0625]]).double())
    center, half = torch.tensor([[0.21875, 0.265625]]).double(), torch.tensor([[0.015625, 0.0078125]]).double()
    wide = chart_forms(chart, cell, torch.zeros(1, dtype=torch.long), center, half)
    own = forms_of(chart, n, center, half)
    assert bool((wide.generators.abs().sum(0) >= own.generators.abs().sum(0) * (1 - 1e-12)).all())
    assert bool((wide.radius >= own.radius * (1 - 1e-12)).all())
    assert bool((wide.radius < 1e-13).all())


FUNCTIONS = {
    "sin": (lambda x, ops: ops.sin(x), lambda x: x.sin()),
    "cos": (lambda x, ops: ops.cos(x), lambda x: x.cos()),
    "exp": (lambda x, ops: ops.exp(x), lambda x: x.exp()),
    "sqrt": (lambda x, ops: ops.sqrt(2 + x), lambda x: (2 + x).sqrt()),
    "quotient": (lambda x, ops: (1 + x) / (3 - x**2), lambda x: (1 + x) / (3 - x * x)),
    "power": (lambda x, ops: (2 + x) ** -3, lambda x: 1 / ((2 + x) * (2 + x) * (2 + x))),
    "constants": (lambda x, ops: x * ops.sqrt(ops.real(2.0)) / ops.pi - 1 / ops.real(3.0), None),
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_taylor_coefficients_are_enclosed(name):
    """Balls and running errors hold the exact Taylor coefficients at every point of a box."""
    formula, exact = FUNCTIONS[name]
    chart = make(lambda u, ops: [formula(u[0], ops)], (-1.0,), (1.0,))
    centers = torch.linspace(-0.75, 0.75, 25, dtype=torch.float64)[:, None]
    half = torch.full_like(centers, 2.0**-6)
    (ball,) = chart_jets(chart, BALL, centers, half, 4)
    (tracked,) = chart_jets(chart, TRACKED, centers, half, 4)
    inner = centers + half * 0.5
    (plain,) = chart_jets(chart, PLAIN, inner, torch.zeros_like(half), 4)
    with ctx.workprec(200), ctx.extraprec(0):
        ctx.cap = 5
        for i, x in enumerate(inner[:, 0].tolist()):
            t = arb_series([arb(x), 1])
            series = exact(t) if exact else t * arb(2).sqrt() / arb.pi() - arb(1) / 3
            for k in range(5):
                true = series[k]
                if (k,) not in ball.terms:
                    assert abs(true) < 1e-40
                    continue
                mid, rad = (v.expand(25)[i].item() for v in ball.terms[k,])
                assert abs(true - mid) <= rad
                value, error = plain.terms[k,][0].expand(25)[i].item(), tracked.terms[k,][2].expand(25)[i].item()
                assert abs(true - value) <= error
                assert error < 1e-12


def test_a_singular_box_is_not_finite_and_says_so():
    """1/u over a box that holds 0 is not enclosed."""
    chart = make(lambda u, ops: [1 / u[0]], (-1.0,), (1.0,))
    forms = forms_of(chart, 1, torch.tensor([[0.0], [0.5]]).double(), torch.tensor([[0.25], [0.25]]).double())
    assert forms.finite.tolist() == [False, True]


def test_a_formula_without_enclosure_is_refused():
    """A formula that leaves the elementary operations is named in the error."""
    chart = make(lambda u, ops: [np.arctan2(u[0], 1.0)], (0.0,), (1.0,))
    with pytest.raises(UsageError, match="cannot be differentiated with enclosures"):
        require_chart(chart, 1)


def test_a_chart_into_another_space_is_refused():
    """The dimensions of chart and network must agree."""
    with pytest.raises(ModelError, match="R\\^2"):
        require_chart(CHARTS["circle"][0], 3)


def test_the_box_of_a_chart_must_be_finite():
    """An infinite or empty parameter box is refused."""
    with pytest.raises(UsageError, match="lower < upper"):
        require_chart(make(lambda u, ops: [u[0]], (0.0,), (math.inf,)), 1)
