from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aeverify import measure
from aeverify.autoencoders.building import mlp
from aeverify.autoencoders.loading import load
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core import Rigor
from aeverify.errors import InvariantError, UsageError
from aeverify.manifolds import manifold

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.mark.parametrize("name", ["cut:half_width=0.05", "cut:half_width=1e-9", "fold", "constant", "collapsed"])
def test_tears_have_the_length_of_the_bad_set(circle, name):
    """The known share of {e > 0.1} lies between the lengths of the tears, which are within 5 % of each other."""
    model = oracle(name)
    share = model.truth.bad_share(0.1)
    found = measure.tears(measure.localise(model, circle, 0, 0.1), circle)
    lower, upper = (sum(getattr(t.length, end) for t in found) / (2 * math.pi) for end in ("lower", "upper"))
    assert lower <= share.upper and share.lower <= upper
    assert upper - lower <= 0.05 * upper


@pytest.mark.parametrize("half_width", [0.05, 1e-6, 1e-9])
def test_a_tear_is_where_it_is(circle, half_width):
    """Known: theta = pi, half-width (2 h / pi) arccos(epsilon / 2), half a turn from the start of the chart."""
    found = measure.localise(oracle(f"cut:half_width={half_width!r}"), circle, 0, 0.1)
    (tear,) = measure.tears(found, circle)
    reach = 2 * half_width / math.pi * math.acos(0.05) / (2 * math.pi)
    assert found.rigor is Rigor.CERTIFIED
    assert tear.outer.lower <= 0.5 - reach and 0.5 + reach <= tear.outer.upper
    assert 0.5 - reach <= tear.inner.lower + 1e-12 and tear.inner.upper - 1e-12 <= 0.5 + reach
    assert tear.start.lower <= math.pi and tear.start.upper >= math.pi * (1 - half_width)


def test_a_tear_across_the_end_of_the_chart_is_one(circle):
    """A fold along the first axis is good at theta = 0, where the chart begins; one along the second is bad there."""
    fold = measure.tears(measure.localise(oracle("fold"), circle, 0, 0.1), circle)
    assert len(fold) == 2
    flat = Autoencoder.from_callables(
        lambda x: x[:, 1:], lambda z: np.column_stack([0 * z, z]), ambient_dim=2, latent_dim=1, continuous=True
    )
    turned = measure.tears(measure.localise(flat, circle, 0, 0.1), circle)
    assert len(turned) == 2
    assert any(t.outer.lower < 0.0 < t.outer.upper for t in turned)


def test_an_opaque_model_is_searched(circle, rotated_cut):
    """A tear between the samples is found where a spike is known, EMPIRICAL."""
    model = rotated_cut(1e-7, continuous=True)
    t = ((math.pi + 2.3) % (2 * math.pi)) / (2 * math.pi)
    found = measure.localise(model, circle, 0, 0.1, spikes=[(t,)])
    (tear,) = measure.tears(found, circle)
    assert found.rigor is Rigor.EMPIRICAL
    assert tear.outer.lower - 1e-12 <= t <= tear.outer.upper + 1e-12


@pytest.mark.parametrize("name", ["cut:half_width=0.05", "cut:half_width=1e-9"])
def test_the_tear_of_a_circle_forces_the_diameter(circle, name):
    """Off a tear at one point the farthest point is a diameter away: 2 - epsilon, less the tear; the truth is 2."""
    found = measure.sweep(oracle(name), circle, measure.localise(oracle(name), circle, 0, 0.1))
    assert found.deep is True
    assert found.floor.rigor is Rigor.CERTIFIED
    assert 1.89 <= found.floor.lower <= 1.9


def test_a_tear_that_was_not_sampled_forces_nothing(circle, rotated_cut):
    """All samples are good, which no continuous model allows; but nothing was enclosed, so it is no contradiction."""
    model = rotated_cut(1e-9, continuous=True)
    found = measure.localise(model, circle, 0, 0.1)
    swept = measure.sweep(model, circle, found)
    assert found.good.all()
    assert (swept.floor, swept.deep) == (None, None)


def test_a_certified_absence_of_the_tear_is_a_contradiction(circle):
    """Boxes that claim that the cut map has no error cannot be right."""
    found = measure.localise(oracle("cut"), circle, 0, 0.1)
    lie = replace(found, good=np.ones_like(found.good), bad=np.zeros_like(found.bad))
    with pytest.raises(InvariantError, match="no continuous code"):
        measure.sweep(oracle("cut"), circle, lie)


@pytest.mark.parametrize("name", ["fold", "constant", "collapsed"])
def test_no_point_is_deep_where_most_are_bad(circle, name):
    """Then nothing is forced, for certain."""
    found = measure.sweep(oracle(name), circle, measure.localise(oracle(name), circle, 0, 0.1))
    assert (found.floor, found.deep) == (None, False)


@pytest.mark.parametrize(("index", "component"), [(0, 0), (1, 1)])
def test_the_floor_of_a_trained_network_is_nearly_its_worst_error(index, component):
    """The paper's networks: certified above 1.85 from the places where they are good alone, with a worst error of 2."""
    model = load(FIXTURES / f"two_circles_paper_{index}.safetensors")
    space = manifold("two_circles")
    found = measure.sweep(model, space, measure.localise(model, space, component, 0.1))
    assert found.floor.rigor is Rigor.CERTIFIED
    assert 1.85 <= found.floor.lower <= 2.0


@pytest.mark.parametrize("seed", range(4))
def test_the_floor_never_exceeds_the_worst_error(circle, seed):
    """Random networks, with the median of their errors as epsilon: where there is a floor, it is one."""
    model = mlp(2, 1, (16, 16), "relu", seed=seed)
    epsilon = float(np.median(model.errors(circle.grid(500).points)))
    found = measure.sweep(model, circle, measure.localise(model, circle, 0, epsilon))
    worst = measure.sup_error(model, circle, samples=500)
    assert found.floor is None or found.floor.lower <= worst.upper


def sphere_cut() -> Autoencoder:
    """The sphere less its south pole laid flat by its latitude, decoded back: torn about the south pole alone. With
    a = the angle from the north pole and h the angle of the tear, the code has length a for a <= pi - h and falls to 0
    at the south pole."""
    h = 0.3

    def encode(x: np.ndarray) -> np.ndarray:
        angle = np.arctan2(np.hypot(x[:, 0], x[:, 1]), x[:, 2])
        length = np.minimum(angle, (np.pi - h) / h * (np.pi - angle))
        return x[:, :2] * (length / np.maximum(np.hypot(x[:, 0], x[:, 1]), 1e-300))[:, None]

    def decode(z: np.ndarray) -> np.ndarray:
        a = np.hypot(z[:, 0], z[:, 1])
        return np.column_stack([z * np.sinc(a / np.pi)[:, None], np.cos(a)])

    return Autoencoder.from_callables(encode, decode, ambient_dim=3, latent_dim=2, continuous=True)


def test_the_tear_of_a_sphere_forces_nearly_the_diameter():
    """Torn in a cap of angle 0.3 about the south pole: the north pole is at least 2 cos(0.15) from it, less 3 epsilon
    and what the boxes lose; the worst error is 2."""
    sphere, model = manifold("sphere"), sphere_cut()
    found = measure.sweep(model, sphere, measure.localise(model, sphere, 0, 0.05))
    assert found.deep is True and found.floor.rigor is Rigor.EMPIRICAL
    assert 1.6 <= found.floor.lower <= 2 * math.cos(0.15) - 0.15 + 1e-3


def test_a_large_level_says_nothing_of_a_surface():
    """The reach must be 10 times epsilon."""
    sphere, model = manifold("sphere"), sphere_cut()
    assert measure.sweep(model, sphere, measure.localise(model, sphere, 0, 0.2)).deep is False


@pytest.mark.parametrize(
    "model", [oracle("constant:ambient_dim=3"), mlp(3, 1, (16, 16), "relu", seed=0)], ids=["constant", "mlp"]
)
def test_every_parallel_circle_of_a_torus_has_its_tear(model):
    """The bound of the slice at v is R + r cos v within 2 %, and the worst error of the slice is above it."""
    found = measure.slice_maxima(model, manifold("torus:R=2,r=0.5"), slices=4, nodes=256)
    assert len(found) == 4
    for slice_ in found:
        known = 2 + 0.5 * math.cos(2 * math.pi * slice_.details["slice"][0])
        assert 0.97 * known <= slice_.details["bound"] <= known
        assert slice_.rigor is Rigor.CERTIFIED
        assert slice_.details["bound"] <= slice_.lower <= slice_.upper


def test_bad_input_is_refused(circle):
    """A level of 0, components that are not there, arcs, curves that have no slices."""
    with pytest.raises(UsageError):
        measure.localise(oracle("cut"), circle, 0, 0.0)
    with pytest.raises(UsageError):
        measure.localise(oracle("cut"), circle, 1, 0.1)
    arc = manifold("spiral")
    with pytest.raises(UsageError):
        measure.sweep(oracle("spiral_arc"), arc, measure.localise(oracle("spiral_arc"), arc, 0, 0.1))
    with pytest.raises(UsageError):
        measure.slice_maxima(oracle("cut"), circle)
    with pytest.raises(UsageError):
        measure.slice_maxima(oracle("identity"), circle)
