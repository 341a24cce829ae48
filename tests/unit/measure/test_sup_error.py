from __future__ import annotations

import math

import numpy as np
import pytest

from aeverify import measure
from aeverify.autoencoders.building import mlp
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder, Part
from aeverify.core import Evidence, Interval, Rigor
from aeverify.errors import InvariantError, NonFiniteOutputError, UsageError
from aeverify.manifolds import manifold

KNOWN = ("constant", "cut", "fold", "double_wrap", "identity", "shift", "collapsed", "spiral_arc", "cut_two_circles")


@pytest.mark.parametrize("name", KNOWN)
def test_the_enclosure_holds_the_true_worst_error(name):
    """The lower end is at most the true sup error, within 1 % of it, and the upper end is not below it."""
    model = oracle(name)
    found = measure.sup_error(model, manifold(model.truth.manifold), samples=2_000)
    truth = model.truth.sup_error
    assert truth is not None
    assert found.lower <= truth.upper
    assert found.upper >= truth.lower
    assert found.lower >= 0.99 * truth.lower
    assert found.rigor is Rigor.CERTIFIED


@pytest.mark.parametrize("half_width", [1e-4, 1e-6, 1e-9])
@pytest.mark.parametrize("angle", [0.7, 5.1])
def test_a_tear_narrower_than_any_sampling_is_found(circle, rotated_cut, half_width, angle):
    """500 samples see no error at all, and the worst error is still found to 1 %."""
    model = rotated_cut(half_width, angle)
    found = measure.sup_error(model, circle, samples=500)
    assert model.errors(circle.grid(500).points).max() < 1e-12
    assert found.details["sampled_maximum"] < 1e-12
    assert 1.98 <= found.lower <= 2.0


def test_an_opaque_model_is_only_observed(circle, off_center):
    """Without ball arithmetic and Lipschitz constant the lower end is EMPIRICAL and the upper end infinite."""
    found = measure.sup_error(off_center(0.25), circle, samples=500)
    assert found.rigor is Rigor.EMPIRICAL
    assert found.upper == math.inf
    assert 1.25 - 1e-9 <= found.lower <= 1.25


def test_a_constant_decoder_at_the_centre_has_exactly_the_radius(circle):
    """The lower end is the radius itself, with no unit in the last place lost."""
    assert measure.sup_error(oracle("constant"), circle).lower == 1.0


def test_the_witness_shows_the_lower_end(circle):
    """The witness evaluates to the lower end and names set, model and chart parameters."""
    model = oracle("cut")
    found = measure.sup_error(model, circle, samples=500)
    (point,) = found.witness.points
    assert found.witness.kind == "point"
    assert found.witness.manifold == str(circle)
    assert found.witness.model_hash == model.fingerprint()
    assert point.error == pytest.approx(found.lower, rel=1e-9)
    assert measure.reevaluate(model, circle, found.witness) == found.witness


def test_components_come_in_order():
    """Each component has its own evidence, and the whole set has the maximum."""
    model, circles = oracle("label"), manifold("two_circles")
    parts = measure.sup_error_by_component(model, circles, samples=500)
    whole = measure.sup_error(model, circles, samples=500)
    assert [p.details["component"] for p in parts] == [0, 1]
    assert whole.lower == max(p.lower for p in parts)
    assert Evidence.from_dict(whole.to_dict()) == whole


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_upper_end_of_a_network_holds(circle, seed):
    """A network with a known Lipschitz constant has a certified upper end that dense samples never exceed."""
    model = mlp(2, 1, (8, 8), "relu", seed=seed)
    found = measure.sup_error(model, circle, samples=500)
    dense = float(model.errors(circle.grid(20_000).points).max())
    assert found.rigor is Rigor.CERTIFIED
    assert found.lower <= dense * (1 + 1e-6)
    assert dense <= found.upper < math.inf
    assert found.details["lipschitz"] == model.lipschitz(Part.RECONSTRUCTION).upper


def test_a_false_lipschitz_constant_is_a_contradiction(circle):
    """A declared constant that the witness refutes raises instead of giving an enclosure."""
    with pytest.raises(InvariantError, match="Lipschitz constant"):
        measure.sup_error(oracle("liar_lipschitz"), circle, samples=500)


def test_nan_on_an_arc_ends_the_measurement_with_a_witness(circle):
    """The error carries a witness of kind non_finite that can be written as JSON."""
    with pytest.raises(NonFiniteOutputError) as caught:
        measure.sup_error(oracle("nan"), circle)
    witness = caught.value.witness
    assert witness.kind == "non_finite"
    assert witness.to_dict()["points"][0]["error"] == "inf"
    assert not np.isfinite(oracle("nan").encode(np.array([witness.points[0].point]))).all()


def test_the_same_seed_gives_the_same_evidence(circle, rotated_cut):
    """Two runs agree in every number, and another seed draws other points."""
    model = rotated_cut(0.01)
    first, second = (measure.sup_error(model, circle, samples=200, seed=7) for _ in range(2))
    other = measure.sup_error(model, circle, samples=200, seed=8)
    assert first == second
    assert first.details["seed"] != other.details["seed"]


def test_wrong_dimensions_are_refused(circle):
    """A model of R^3 cannot be measured on a circle in the plane."""
    with pytest.raises(UsageError, match=r"R\^3"):
        measure.sup_error(oracle("identity:ambient_dim=3"), circle)
    with pytest.raises(UsageError, match="positive integer"):
        measure.sup_error(oracle("cut"), circle, samples=0)


def test_ball_arithmetic_encloses_the_error(circle):
    """The certified error of an identity is 0 in a tiny interval, and an opaque model has none."""
    found = measure.certified_error(oracle("identity"), circle, 0, (0.3,))
    assert found.lower == 0.0
    assert found.upper < 1e-30
    opaque = Autoencoder.from_callables(lambda x: x, lambda z: z, ambient_dim=2, latent_dim=2)
    assert measure.certified_error(opaque, circle, 0, (0.3,)) is None


def test_certified_errors_match_float_errors(circle):
    """For a network, ball arithmetic and float64 agree to rounding."""
    model = mlp(2, 1, (16, 16), "tanh", seed=3)
    for t in (0.1, 0.37, 0.99):
        interval = measure.certified_error(model, circle, 0, (t,))
        value = float(model.errors(circle.chart.embed(np.array([[t]])))[0])
        assert value == pytest.approx(interval.lower, rel=1e-12)
        assert isinstance(interval, Interval)
        assert interval.width < 1e-14
