from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from aeverify import measure
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core import Witness
from aeverify.errors import NonFiniteOutputError, UsageError
from aeverify.manifolds import manifold


def test_a_witness_point_is_what_the_model_makes_of_it():
    """Point, code, reconstruction and error agree with the model; the component is that of the union."""
    model, circles = oracle("label"), manifold("two_circles")
    point = measure.witness_point(model, circles, 1, (0.25,))
    x = circles.embed(1, np.array([[0.25]]))
    assert point.component == 1
    assert point.point == tuple(x[0])
    assert point.code == tuple(model.encode(x)[0])
    assert point.reconstruction == tuple(model.reconstruct(x)[0])
    assert point.error == float(model.errors(x)[0])


def test_reevaluating_with_the_same_model_changes_nothing(circle):
    """A replay of an unchanged model gives the same witness, also through JSON."""
    model = oracle("cut")
    witness = measure.sup_error(model, circle, samples=200).witness
    again = measure.reevaluate(model, circle, Witness.from_dict(witness.to_dict()))
    assert again == witness


def test_reevaluating_with_a_mended_model_shows_it(circle):
    """A model that is right at the witness has error 0 there, and the witness carries its fingerprint."""
    witness = measure.sup_error(oracle("cut"), circle, samples=200).witness
    mended = oracle("identity")
    again = measure.reevaluate(mended, circle, witness)
    assert again.points[0].error == 0.0
    assert again.model_hash == mended.fingerprint()


def test_reevaluating_a_non_finite_point_says_so(circle):
    """A NaN witness stays one with the same model, and becomes a point with a mended one."""
    with pytest.raises(NonFiniteOutputError) as caught:
        measure.sup_error(oracle("nan"), circle)
    witness = caught.value.witness
    assert measure.reevaluate(oracle("nan"), circle, witness).kind == "non_finite"
    assert measure.reevaluate(oracle("identity"), circle, witness).points[0].error == 0.0


def test_a_witness_of_another_set_is_refused(circle):
    """Chart parameters mean nothing on another set."""
    witness = measure.sup_error(oracle("cut"), circle, samples=200).witness
    with pytest.raises(UsageError, match="lies on"):
        measure.reevaluate(oracle("cut"), circle, dataclasses.replace(witness, manifold="ellipse:a=3,b=2"))
    with pytest.raises(UsageError, match="no points"):
        measure.reevaluate(oracle("cut"), circle, dataclasses.replace(witness, points=()))
    with pytest.raises(UsageError, match="components 0 to 0"):
        measure.witness_point(oracle("cut"), circle, 1, (0.5,))


def test_an_overflowing_error_counts_as_non_finite(circle):
    """A reconstruction of 1e300 has an infinite norm; it never becomes a number."""
    model = Autoencoder.from_callables(
        lambda x: x[:, :1], lambda z: np.full((len(z), 2), 1e300), ambient_dim=2, latent_dim=1
    )
    with pytest.raises(NonFiniteOutputError):
        measure.sup_error(model, circle, samples=100)
