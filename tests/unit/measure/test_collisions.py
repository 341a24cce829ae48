from __future__ import annotations

import math

import pytest

from aeverify import measure
from aeverify.autoencoders.building import mlp
from aeverify.autoencoders.oracles import oracle
from aeverify.core import Rigor
from aeverify.errors import UsageError
from aeverify.manifolds import manifold


def test_a_double_wrap_collides_at_the_diameter(circle):
    """Antipodal points have one code, so the worst error is at least the radius: half their distance."""
    found = measure.collisions(oracle("double_wrap"), circle)
    assert found.details["distance"] == pytest.approx(2.0, abs=1e-3)
    assert 1.0 - 1e-3 <= found.lower <= 1.0
    assert found.rigor is Rigor.CERTIFIED
    assert found.witness.kind == "collision"
    assert len(found.witness.points) == 2


@pytest.mark.parametrize("name", ["constant", "cut", "fold", "collapsed", "label", "identity", "spiral_arc"])
def test_the_bound_never_exceeds_the_true_worst_error(name):
    """A lower bound of sup e, on every oracle."""
    model = oracle(name)
    found = measure.collisions(model, manifold(model.truth.manifold), samples=2_000)
    assert found.lower <= model.truth.sup_error.upper
    assert found.upper == math.inf


def test_an_injective_encoder_shows_no_far_collision(circle):
    """The identity's nearest codes belong to the nearest points."""
    assert measure.collisions(oracle("identity"), circle, samples=1_000).details["distance"] < 0.05


def test_a_fold_has_its_floor_at_the_radius(circle):
    """Vertical pairs share a code; the widest pair has half distance 1, and the floor is certified."""
    found = measure.encoder_floor(oracle("fold"), circle)
    assert 0.99 <= found.lower <= 1.0
    assert found.rigor is Rigor.CERTIFIED


@pytest.mark.parametrize("half_width", ["0.05", "1e-6", "1e-9"])
def test_every_continuous_code_of_a_circle_has_floor_one(circle, half_width):
    """By Borsuk-Ulam some antipodes share a code, however narrow the tear is."""
    found = measure.encoder_floor(oracle(f"cut:half_width={half_width}"), circle)
    assert 0.99 <= found.lower <= 1.0
    assert found.rigor is Rigor.CERTIFIED


@pytest.mark.parametrize("seed", [0, 1])
def test_the_floor_of_a_network_is_certified_and_below_its_worst_error(circle, seed):
    """R(E) <= sup e for every decoder, so also for this one."""
    model = mlp(2, 1, (16, 16), "relu", seed=seed)
    floor = measure.encoder_floor(model, circle)
    assert floor.rigor is Rigor.CERTIFIED
    assert 0.98 <= floor.lower <= measure.sup_error(model, circle, samples=500).upper


def test_a_jump_is_no_equality(circle):
    """The codes of an atan2 encoder change sign at its jump without passing zero, so there is no floor."""
    assert measure.encoder_floor(oracle("atan2"), circle).lower == 0.0


def test_an_opaque_encoder_has_an_empirical_floor(circle, rotated_cut):
    """Where nothing is known of the graph the floor is observed, under the assumption that E is continuous."""
    found = measure.encoder_floor(rotated_cut(1e-3), circle)
    assert found.rigor is Rigor.EMPIRICAL
    assert 0.99 <= found.lower <= 1.0
    assert found.assumptions == ("The encoder is continuous.",)


def test_an_arc_needs_no_collision():
    """An injective code of the spiral has no floor."""
    assert measure.encoder_floor(oracle("spiral_arc"), manifold("spiral")).lower == 0.0


def test_codes_of_two_dimensions_give_the_trivial_floor(circle):
    """No sign change certifies an equality of two coordinates."""
    assert measure.encoder_floor(oracle("double_wrap"), circle).lower == 0.0


def test_bad_parameters_are_refused(circle):
    """No samples, no nodes, a negative tolerance."""
    with pytest.raises(UsageError):
        measure.collisions(oracle("cut"), circle, samples=0)
    with pytest.raises(UsageError):
        measure.collisions(oracle("cut"), circle, tolerance=-1.0)
    with pytest.raises(UsageError):
        measure.encoder_floor(oracle("cut"), circle, nodes=0)
