"""Pattern search for large errors, against errors whose maximum is known."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from aeverify.enclosure.ascent import climb, point_errors
from aeverify.enclosure.layers import network_from_modules
from aeverify.enclosure.network import Network
from tests.unit.enclosure.exact import CHARTS, make


def _drop_last(n: int) -> Network:
    """Projection along the last axis: the error is |x_n|."""
    parts = []
    for rows, columns in ((n - 1, n), (n, n - 1)):
        layer = nn.Linear(columns, rows).double()
        with torch.no_grad():
            layer.weight.copy_(torch.eye(rows, columns))
            layer.bias.zero_()
        parts.append(layer)
    return network_from_modules(*parts, ambient_dim=n, latent_dim=n - 1)


@pytest.mark.parametrize(("name", "n"), [("circle", 2), ("sphere", 3), ("torus", 3)])
def test_a_climb_reaches_the_largest_error(name, n):
    """|x_n| has maximum 1 on the circle, the sphere and the torus."""
    chart, network = CHARTS[name][0], _drop_last(n)
    low, high = torch.tensor(chart.lower).double(), torch.tensor(chart.upper).double()
    start = (low + (high - low) * torch.tensor([0.3, 0.6])[:, None]).reshape(2, -1)
    numbers, step = torch.zeros(2, dtype=torch.long), ((high - low) / 8).expand(2, -1)
    points, errors = climb(network, [chart], numbers, start, step, 40)
    assert float(errors.min()) == pytest.approx(1.0, abs=1e-6)
    assert errors.tolist() == point_errors(network, [chart], numbers, points).tolist()
    assert bool(((points >= low) & (points <= high)).all())


def test_a_climb_stays_in_its_chart():
    """The error u on [0, 1] ends at the edge, and each point keeps the chart that it started in."""
    charts = [make(lambda u, ops, k=k: [0.0 * u[0], k * u[0]], (0.0,), (1.0,)) for k in (1.0, 2.0)]
    numbers, start = torch.tensor([1, 0]), torch.full((2, 1), 0.3).double()
    points, errors = climb(_drop_last(2), charts, numbers, start, torch.full((2, 1), 0.5).double(), 10)
    assert points.tolist() == [[1.0], [1.0]]
    assert errors.tolist() == [2.0, 1.0]


def test_a_point_without_a_number_is_never_the_largest():
    """1/u at 0 counts as -1."""
    chart = make(lambda u, ops: [u[0], 1 / u[0]], (-1.0,), (1.0,))
    with pytest.warns(RuntimeWarning):
        errors = point_errors(
            _drop_last(2), [chart], torch.zeros(2, dtype=torch.long), torch.tensor([[0.0], [0.5]]).double()
        )
    assert errors.tolist() == [-1.0, 2.0]
