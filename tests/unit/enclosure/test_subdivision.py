"""Branch and bound against closed forms, planted defects, budgets and interruptions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from flint import acb, arb
from torch import nn

from aeverify import measure
from aeverify.autoencoders.building import mlp
from aeverify.core import Rigor
from aeverify.core.seeds import Seed
from aeverify.enclosure import decide_requirement, enclose_bad_set, enclose_sup_error
from aeverify.enclosure.evaluation import Evaluator
from aeverify.enclosure.layers import network_from_modules
from aeverify.enclosure.network import Network
from aeverify.enclosure.subdivision import MOST_CELLS, grid_of
from aeverify.errors import ModelError, UsageError
from aeverify.manifolds import manifold
from tests.unit.enclosure.exact import CHARTS, error_ball, make, random_mlp


def _linear(encode: list[list[float]], decode: list[list[float]], offset: list[float] | None = None) -> Network:
    """A linear autoencoder from two matrices (out, in), and the decoder's bias."""
    e, d = nn.Linear(len(encode[0]), len(encode)).double(), nn.Linear(len(decode[0]), len(decode)).double()
    with torch.no_grad():
        e.weight.copy_(torch.tensor(encode))
        e.bias.zero_()
        d.weight.copy_(torch.tensor(decode))
        d.bias.copy_(torch.tensor(offset or [0.0] * len(decode)))
    return network_from_modules(e, d, ambient_dim=len(encode[0]), latent_dim=len(encode))


def _drop_last(n: int) -> Network:
    """Projection along the last axis: the error is |x_n|."""
    eye = [[float(i == j) for j in range(n)] for i in range(n)]
    return _linear(eye[:-1], [row[:-1] for row in eye])


CHART = {name: [chart] for name, (chart, _) in CHARTS.items()}


@pytest.mark.parametrize(("name", "n"), [("circle", 2), ("sphere", 3)])
def test_constant_decoder_at_the_centre(name, n):
    """A constant decoder at the centre of a sphere errs by exactly the radius: [1, 1] to 1e-12."""
    network = _linear([[1.0] * n], [[0.0]] * n)
    found = enclose_sup_error(network, CHART[name], tolerance=1e-12)
    assert found.finished
    assert 1.0 in found.interval
    assert found.interval.width <= 1e-12


@pytest.mark.parametrize("t", [0.125, 0.5, 0.9])
def test_bad_share_of_projections(t):
    """|sin| > t on 1 - 2 asin(t)/pi of the circle and of the torus; |z| > t on 1 - t of the sphere (Archimedes)."""
    arc = 1 - 2 * math.asin(t) / math.pi
    for name, n, exact, tolerance in (("circle", 2, arc, 1e-9), ("sphere", 3, 1 - t, 1e-3), ("torus", 3, arc, 1e-3)):
        found = enclose_bad_set(_drop_last(n), CHART[name], t, tolerance=tolerance)
        assert found.finished
        assert exact in found.interval
        assert found.interval.width <= tolerance


def test_sup_error_of_projections():
    """The error |x_n| has supremum 1 on the circle, the sphere and the torus."""
    for name, n, tolerance in (("circle", 2, 1e-6), ("sphere", 3, 1e-6), ("torus", 3, 1e-4)):
        found = enclose_sup_error(_drop_last(n), CHART[name], tolerance=tolerance)
        assert found.finished
        assert 1.0 in found.interval
        assert found.interval.width <= tolerance


def test_everything_or_nothing_is_bad():
    """A threshold below or above all errors gives the share 1 or 0, exactly."""
    network = _linear([[1.0, 1.0, 1.0]], [[0.0]] * 3)
    assert enclose_bad_set(network, CHART["sphere"], 0.5, tolerance=1e-3).interval.lower == pytest.approx(
        1.0, abs=1e-12
    )
    assert enclose_bad_set(network, CHART["sphere"], 1.5, tolerance=1e-3).interval.upper == 0.0


def test_two_components_share_one_measure():
    """Two circles, one reconstructed exactly, one to its centre: half of the length is bad."""
    first = make(lambda u, ops: [*CHARTS["circle"][0].formula(u, ops), 0.0 * u[0]], (0.0,), (1.0,))

    def far(u, ops):
        x, y = CHARTS["circle"][0].formula(u, ops)
        return [0.0 * u[0], x, 3 * y]

    network = _linear([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    found = enclose_bad_set(network, [first, make(far, (0.0,), (1.0,))], 1e-9, tolerance=1e-6)
    # The second is an ellipse with semi-axes 1 and 3; its perimeter is 12 E(8/9).
    perimeter = 12 * float(acb(arb(8) / 9).elliptic_e().real)
    assert perimeter / (perimeter + 2 * math.pi) in found.interval
    sup = enclose_sup_error(network, [first, make(far, (0.0,), (1.0,))], tolerance=1e-6)
    assert 3.0 in sup.interval
    assert sup.witness is not None
    assert sup.witness[0] == 1


def _spike(width: float) -> Network:
    """Identity on a segment plus a hat of height 5 and half-width `width` at 0.3."""
    encoder = nn.Linear(1, 1).double()
    decoder = nn.Sequential(nn.Linear(1, 4), nn.ReLU(), nn.Linear(4, 1)).double()
    with torch.no_grad():
        encoder.weight.fill_(1.0)
        encoder.bias.zero_()
        scale = 2.0 ** round(-math.log2(width))
        decoder[0].weight.copy_(torch.tensor([[1.0], [scale], [scale], [scale]], dtype=torch.float64))
        shifts = [-0.296875 * scale - k for k in (-1.0, 0.0, 1.0)]
        decoder[0].bias.copy_(torch.tensor([0.0, *shifts], dtype=torch.float64))
        decoder[2].weight.copy_(torch.tensor([[1.0, 5.0, -10.0, 5.0]]))
        decoder[2].bias.zero_()
    return network_from_modules(encoder, decoder, ambient_dim=1, latent_dim=1)


def test_a_planted_spike_is_found_and_enclosed():
    """An error of 5 on a relative measure of 1e-9: both its height and its measure are enclosed."""
    network = _spike(2.0**-30)
    sup = enclose_sup_error(network, CHART["segment"], tolerance=1e-3)
    assert 5.0 in sup.interval
    assert sup.interval.width <= 1e-3
    share = enclose_bad_set(network, CHART["segment"], 1.0, tolerance=1e-12)
    assert 2 * 0.8 * 2.0**-30 in share.interval
    assert share.interval.width <= 1e-12


def test_the_witness_is_a_point_of_that_error():
    """The exact error at the witness lies in its interval, and the lower end of the enclosure is not above it."""
    torch.manual_seed(0)
    rng = np.random.Generator(np.random.PCG64(3))
    network = network_from_modules(
        random_mlp([3, 12, 2], nn.ReLU, rng), random_mlp([2, 12, 3], nn.Tanh, rng), ambient_dim=3, latent_dim=2
    )
    found = enclose_sup_error(network, CHART["torus"], tolerance=1e-2)
    assert found.finished
    assert found.witness is not None
    assert found.witness_error is not None
    exact = error_ball(network, CHART["torus"][0], found.witness[1])
    assert exact >= found.witness_error.lower
    assert exact <= found.witness_error.upper
    grid = torch.rand(20000, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    points = torch.from_numpy(CHART["torus"][0].embed(grid.numpy()))
    assert float(network.errors(points).max()) <= found.interval.upper


def test_charts_of_every_kind_run_through():
    """Sphere, Klein bottle, flat 3-torus, graph and image curve: sampled shares lie in the enclosures."""
    rng = np.random.Generator(np.random.PCG64(5))
    for name in ("klein", "graph", "bar"):
        chart, n = CHARTS[name]
        network = network_from_modules(
            random_mlp([n, 8, 1], nn.SiLU, rng), random_mlp([1, 8, n], nn.ReLU, rng), ambient_dim=n, latent_dim=1
        )
        found = enclose_sup_error(network, [chart], tolerance=0.2, time_budget=20.0)
        assert found.finished
        low, high = torch.tensor(chart.lower).double(), torch.tensor(chart.upper).double()
        u = low + (high - low) * torch.rand(2000, chart.dim, dtype=torch.float64)
        assert float(network.errors(torch.from_numpy(chart.embed(u.numpy()))).max()) <= found.interval.upper


def test_a_budget_of_zero_is_honest():
    """No time, no knowledge: [0, inf) and [0, 1]."""
    network = _drop_last(3)
    sup = enclose_sup_error(network, CHART["sphere"], tolerance=1e-3, time_budget=0)
    share = enclose_bad_set(network, CHART["sphere"], 0.5, tolerance=1e-3, time_budget=0)
    assert (sup.interval.lower, sup.interval.upper, sup.finished, sup.stopped) == (0.0, math.inf, False, "time budget")
    assert (share.interval.lower, share.interval.upper, share.finished) == (0.0, 1.0, False)


def test_a_box_limit_returns_what_was_reached():
    """A search that is cut short still encloses the truth."""
    found = enclose_bad_set(_drop_last(3), CHART["sphere"], 0.5, tolerance=1e-7, max_boxes=6000)
    assert not found.finished
    assert found.stopped == "box limit"
    assert 0.5 in found.interval
    assert found.interval.width < 0.2


@pytest.mark.parametrize("after", [0, 1, 2, 5])
def test_an_interrupt_keeps_the_enclosure_reached(monkeypatch, after):
    """Ctrl-C in the middle of a batch loses nothing and counts nothing twice."""
    true, calls = Evaluator.__call__, []

    def interrupted(self, boxes, check):
        if len(boxes) > 1:
            calls.append(len(boxes))
            if len(calls) > after:
                raise KeyboardInterrupt
        return true(self, boxes, check)

    monkeypatch.setattr(Evaluator, "__call__", interrupted)
    found = enclose_bad_set(_drop_last(3), CHART["sphere"], 0.5, tolerance=1e-6)
    assert found.stopped == "interrupted"
    assert 0.5 in found.interval
    assert found.interval.width < (1.1 if after == 0 else 0.2)


def test_requirements_are_decided_early():
    """True and False as soon as they are known, None where the budget ends first."""
    network = _drop_last(3)
    assert decide_requirement(network, CHART["sphere"], threshold=0.5, share=0.6).holds is True
    assert decide_requirement(network, CHART["sphere"], threshold=0.5, share=0.4).holds is False
    assert decide_requirement(network, CHART["sphere"], threshold=1.01).holds is True
    assert decide_requirement(network, CHART["sphere"], threshold=0.99).holds is False
    assert decide_requirement(network, CHART["sphere"], threshold=0.5, share=0.6, time_budget=0).holds is None
    assert decide_requirement(network, CHART["sphere"], threshold=0.5, share=0.5, max_boxes=8000).holds is None


def test_a_singular_chart_ends_in_an_honest_enclosure():
    """Where the chart cannot be enclosed the sup is not bounded from above, and the share stays open."""
    chart = make(lambda u, ops: [1 / u[0], u[0]], (-1.0,), (1.0,))
    found = enclose_sup_error(_drop_last(2), [chart], tolerance=1e-3, max_boxes=3000)
    assert found.interval.upper == math.inf
    assert not found.finished
    share = enclose_bad_set(_drop_last(2), [chart], 0.5, tolerance=1e-3, max_boxes=3000)
    assert 0.0 <= share.interval.lower <= share.interval.upper <= 1.0
    assert not share.finished


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"tolerance": 0.0}, "tolerance"),
        ({"tolerance": float("nan")}, "tolerance"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"tolerance": 1e-3, "time_budget": -1.0}, "budget"),
        ({"tolerance": 1e-3, "time_budget": float("nan")}, "budget"),
    ],
)
def test_wrong_numbers_are_refused(arguments, words):
    """Zero, negative and NaN tolerances and budgets are UsageErrors."""
    with pytest.raises(UsageError, match=words):
        enclose_sup_error(_drop_last(2), CHART["circle"], **arguments)


def test_wrong_questions_are_refused():
    """A negative threshold, a share of 1, no charts, charts of two dimensions, a chart into another space."""
    network = _drop_last(2)
    with pytest.raises(UsageError, match="threshold"):
        enclose_bad_set(network, CHART["circle"], -0.1, tolerance=1e-3)
    with pytest.raises(UsageError, match="share"):
        decide_requirement(network, CHART["circle"], threshold=0.1, share=1.0)
    with pytest.raises(UsageError, match="No charts"):
        enclose_sup_error(network, [], tolerance=1e-3)
    flat = make(lambda u, ops: [u[0], u[1]], (0.0, 0.0), (1.0, 1.0))
    with pytest.raises(UsageError, match="same dimension"):
        enclose_sup_error(network, [CHART["circle"][0], flat], tolerance=1e-3)
    with pytest.raises(ModelError, match="R\\^3"):
        enclose_sup_error(network, CHART["torus"], tolerance=1e-3)


@pytest.mark.parametrize("dim", range(1, 14))
def test_the_first_grid_covers_the_chart_with_few_cells(dim: int):
    """Also of charts of many parameters, where a few cells an axis would be millions."""
    chart = manifold(f"sphere:dim={dim},radius=1").chart
    boxes = grid_of([chart], torch.device("cpu"))
    low, high = torch.tensor(chart.lower, dtype=torch.float64), torch.tensor(chart.upper, dtype=torch.float64)
    assert len(boxes) <= MOST_CELLS
    torch.testing.assert_close((boxes.high - boxes.low).prod(1).sum(), (high - low).prod())
    assert torch.equal(boxes.low.amin(0), low) and torch.equal(boxes.high.amax(0), high)


def test_a_set_of_many_dimensions_is_enclosed_or_refused_at_once():
    """Six parameters leave a wide enclosure of the worst error and samples of the share; nine are too many for both,
    and the reason says so."""
    for dim, method in ((6, "branch and bound over"), (9, "The chart has 9 parameters")):
        space = manifold(f"sphere:dim={dim},radius=1")
        model = mlp(dim + 1, 2, (8,), seed=0)
        found = measure.sup_error(model, space, tolerance=0.1, time_budget=0.5, samples=500)
        assert method in found.method
        assert model.errors(space.sample(2000, Seed(1).value).points).max() <= found.interval.upper
        share = measure.bad_set(model, space, 0.5, tolerance=0.1, time_budget=0.5, draws=500)
        assert f"The chart has {dim} parameters" in share.details["certified_enclosure"]
        assert share.rigor is Rigor.STATISTICAL
