from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from aeverify import measure
from aeverify.autoencoders.building import mlp
from aeverify.autoencoders.loading import load
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core import Evidence, Interval, Rigor
from aeverify.errors import UsageError
from aeverify.manifolds import manifold

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.mark.parametrize(
    ("name", "radius"),
    [
        ("cut:half_width=0.05", 1.0),
        ("cut:half_width=1e-6", 1.0),
        ("fold", 1.0),
        ("fold:a=3,b=2", 2.0),
        ("constant", 1.0),
        ("collapsed", 1.0),
        ("double_wrap", 1.0),
        ("identity", 0.0),
        ("spiral_arc", 0.0),
        ("cut_two_circles", 1.0),
    ],
)
def test_the_fibre_radius_is_enclosed_from_above(name, radius):
    """Fibres by hand: pairs (x, -y) of a fold, the whole circle of a constant, antipodes of a double wrap, points of an
    injective code; the bound is within 8 % of the size of K above that."""
    model = oracle(name)
    found = measure.fibre_radius_upper(model, manifold(model.truth.manifold), known=radius)
    assert found.rigor is Rigor.CERTIFIED
    assert radius <= found.upper <= radius + 0.12


def test_a_trained_network_is_between_its_bounds():
    """The paper's network: R(E) is 1 within 3 %, half of its worst error of 2: a better decoder would halve it."""
    model, space = load(FIXTURES / "two_circles_paper_0.safetensors"), manifold("two_circles")
    lower = measure.encoder_floor(model, space)
    upper = measure.fibre_radius_upper(model, space, known=lower.lower)
    floor = measure.encoder_floor_bounds([lower], upper)
    assert floor.rigor is Rigor.CERTIFIED
    assert 0.99 <= floor.lower <= 1.0 + 1e-3 and floor.upper <= 1.04
    share = measure.encoder_share(floor, measure.sup_error(model, space, samples=1_000))
    assert share.upper <= 0.55


def test_what_cannot_be_enclosed_has_no_upper_bound():
    """Finitely many fibres bound nothing."""
    truth = oracle("cut")
    model = Autoencoder.from_callables(truth.encode, truth.decode, ambient_dim=2, latent_dim=1, continuous=True)
    assert measure.fibre_radius_upper(model, manifold("circle")).upper == math.inf


@pytest.mark.parametrize(("spec", "least"), [("sphere", 1.0), ("ellipsoid:axes=[3,2,1]", 1.0)])
@pytest.mark.parametrize("seed", [0, 1])
def test_antipodes_of_a_surface_share_a_code(spec, least, seed):
    """By Borsuk and Ulam, and certified by a winding number: at least the least distance from the centre."""
    space = manifold(spec)
    model = mlp(3, 2, (16, 16), "relu" if seed else "tanh", seed=seed)
    found = measure.antipodal_floor(model, space)
    assert found.rigor is Rigor.CERTIFIED
    assert found.lower >= least * (1 - 1e-5)
    assert found.lower <= measure.sup_error(model, space, samples=500).upper
    codes = [np.array(p.code) for p in found.witness.points]
    assert np.linalg.norm(codes[0] - codes[1]) < 1e-6


@pytest.mark.parametrize("name", ["double_wrap", "constant:latent_dim=2", "constant"])
def test_shared_codes_are_observed(circle, name):
    """Antipodes of a double wrap, all points of a constant: half distance 1, EMPIRICAL since codes round."""
    found = measure.shared_code_floor(oracle(name), circle)
    assert found.lower == pytest.approx(1.0, abs=1e-6) and found.lower <= 1.0
    assert found.rigor is Rigor.EMPIRICAL


def test_distinct_codes_share_nothing(circle):
    """The identity."""
    assert measure.shared_code_floor(oracle("identity"), circle).lower == 0.0


def evidence(quantity, lower, upper, rigor=Rigor.CERTIFIED):
    """Evidence by hand."""
    return Evidence(quantity, Interval(lower, upper), rigor, "by hand")


def test_the_share_is_the_quotient_rounded_outward():
    """[1, 1.1] of [2, 2.2] is [1/2.2, 0.55]; it never exceeds 1, and an unknown end leaves it open."""
    share = measure.encoder_share(evidence("encoder_floor", 1.0, 1.1), evidence("sup_error", 2.0, 2.2))
    assert share.interval.encloses(Interval(1 / 2.2, 0.55)) and share.interval.width < 0.0955
    assert measure.encoder_share(evidence("f", 0.0, math.inf), evidence("e", 1.0, math.inf)).interval == Interval(0, 1)
    with pytest.raises(UsageError):
        measure.encoder_share(evidence("f", 0.0, 1.0), evidence("e", 0.0, 1.0))


def test_an_observed_floor_beats_a_certified_one_only_where_it_is_larger():
    """The rigor of the bound is that of the end that was taken."""
    upper = evidence("encoder_floor", 0.0, 2.0)
    certified = evidence("encoder_floor", 0.5, math.inf)
    seen = evidence("encoder_floor", 0.4, math.inf, Rigor.EMPIRICAL)
    found = measure.encoder_floor_bounds([certified, seen], upper)
    assert (found.interval, found.rigor) == (Interval(0.5, 2.0), Rigor.CERTIFIED)
    more = evidence("encoder_floor", 0.9, math.inf, Rigor.EMPIRICAL)
    found = measure.encoder_floor_bounds([certified, more], upper)
    assert (found.interval, found.rigor) == (Interval(0.9, 2.0), Rigor.EMPIRICAL)


def test_bad_input_is_refused(circle):
    """A tolerance of 0, and surfaces coded by one number."""
    with pytest.raises(UsageError):
        measure.fibre_radius_upper(oracle("cut"), circle, tolerance=0.0)
    with pytest.raises(UsageError):
        measure.antipodal_floor(oracle("cut"), circle)
