"""Least distances of codes over pairs of boxes, and covers of bad sets: sound at dense points, exact where known."""

from __future__ import annotations

import math

import pytest
import torch

from aeverify.autoencoders.building import from_architecture
from aeverify.enclosure import network_from_modules
from aeverify.enclosure.charts import ChartForms
from aeverify.enclosure.cover import bad_cover
from aeverify.enclosure.evaluation import Boxes, Evaluator
from aeverify.enclosure.pairs import code_distance, code_hulls
from aeverify.enclosure.subdivision import grid_of
from aeverify.errors import UsageError
from aeverify.manifolds import manifold


def network(ambient: int, latent: int, activation: str, seed: int = 0):
    """A random network."""
    spec = f"mlp:ambient_dim={ambient},latent_dim={latent},hidden=[16,16],activation={activation}"
    model = from_architecture(spec, seed)
    return network_from_modules(model.encoder, model.decoder, ambient_dim=ambient, latent_dim=latent)


def forms_of(net, chart, boxes: Boxes) -> ChartForms:
    """The chart over boxes."""
    evaluate = Evaluator(net, [chart])
    evaluate.prepare(boxes)
    return evaluate.forms(boxes)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh", "silu", "gelu"])
@pytest.mark.parametrize("spec", ["circle:radius=1,ambient_dim=3", "torus:R=2,r=1"])
def test_codes_lie_in_the_hull_of_their_box(activation: str, spec: str):
    """At random points of every first box."""
    space, net = manifold(spec), network(3, 2, activation, 5)
    boxes = grid_of([space.chart], net.device)
    boxes = boxes.select(torch.arange(0, len(boxes), 7))
    boxes = Boxes(boxes.low, boxes.high, boxes.chart, torch.arange(len(boxes)), None)
    low, high = code_hulls(net, forms_of(net, space.chart, boxes))
    share = torch.rand(boxes.low.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x = torch.from_numpy(space.chart.embed((boxes.low + share * (boxes.high - boxes.low)).numpy()))
    for stage in net.encoder:
        x = stage.apply(x)
    assert bool(((low <= x) & (x <= high)).all())
    assert float((high - low).mean()) < 1.0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_no_pair_has_nearer_codes_than_the_lower_end(seed: int, activation: str):
    """Dense pairs of far points of the circle, codes in the plane; the upper end is met."""
    space, net = manifold("circle"), network(2, 2, activation, seed)
    found = code_distance(net, [space.chart], apart=0.5, tolerance=1e-2, time_budget=None)
    x = torch.from_numpy(space.grid(1500).points)
    code = x
    for stage in net.encoder:
        code = stage.apply(code)
    far = torch.cdist(x, x) >= 0.5
    least = float(torch.cdist(code, code)[far].min())
    assert found.lower <= least
    assert found.upper >= found.lower >= found.upper - 1e-2


def test_a_limit_ends_the_search_early():
    """Whether a distance exceeds a number takes fewer boxes than the distance."""
    space, net = manifold("circle"), network(2, 2, "tanh", 2)
    whole = code_distance(net, [space.chart], apart=0.5, tolerance=1e-4, time_budget=None)
    assert whole.lower > 0.1
    early = code_distance(net, [space.chart], apart=0.5, limit=whole.lower / 2, time_budget=None)
    assert (early.stopped, early.lower > whole.lower / 2) == ("decided", True)
    assert early.boxes < whole.boxes


def test_few_pairs_are_an_honest_wide_bound():
    """The memory limit ends the search with what it has."""
    space, net = manifold("circle"), network(2, 1, "relu", 1)
    found = code_distance(net, [space.chart], apart=0.5, tolerance=1e-12, max_pairs=10_000)
    assert (found.stopped, found.finished, found.lower) == ("pair limit", False, 0.0)


@pytest.mark.parametrize(
    "arguments", [{"apart": 0.0}, {"apart": math.inf}, {"apart": None}, {"tolerance": 0.0}, {"time_budget": -1.0}]
)
def test_numbers_out_of_range_are_refused(arguments):
    """Distances and tolerances are positive, and one chart has no other to be apart from."""
    with pytest.raises(UsageError):
        code_distance(network(2, 1, "relu"), [manifold("circle").chart], **{"apart": 0.5, **arguments})


@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_no_bad_point_is_outside_the_cover(activation: str):
    """The length of the points above the threshold is at most that of the cover, and near it."""
    space, net = manifold("circle"), network(2, 1, activation, 3)
    errors = net.errors(torch.from_numpy(space.grid(20_000).points))
    t = float(errors.median())
    found = bad_cover(net, space.chart, t, time_budget=None)
    share = float((errors > t).double().mean())
    assert found.length.upper >= 2 * math.pi * (share - 1e-3)
    assert found.length.lower <= 2 * math.pi * (share + 5e-3)
    steps = (errors > t).int().diff(append=(errors[:1] > t).int()).clamp(min=0).sum()
    assert found.arcs >= int(steps)
