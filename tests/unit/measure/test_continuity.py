from __future__ import annotations

import math

import numpy as np
import pytest

from aeverify import measure
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core import Rigor
from aeverify.errors import NonFiniteOutputError
from aeverify.manifolds import manifold


def test_a_known_graph_is_continuous(circle):
    """Nothing is probed, and the largest jump is exactly 0."""
    premise = measure.continuity(oracle("cut"), circle)
    assert premise.holds is True
    assert premise.evidence.interval.upper == 0.0
    assert premise.evidence.rigor is Rigor.EXACT


def test_the_jump_of_atan2_is_found(circle):
    """Two adjacent points have codes a full turn apart."""
    premise = measure.continuity(oracle("atan2"), circle)
    first, second = premise.evidence.witness.points
    assert premise.id == "continuous"
    assert premise.holds is False
    assert premise.evidence.lower == pytest.approx(2 * math.pi)
    assert premise.evidence.witness.kind == "jump"
    assert math.dist(first.point, second.point) < 1e-14
    assert abs(first.code[0] - second.code[0]) == pytest.approx(2 * math.pi)


def test_a_jump_at_the_chart_seam_is_found(circle):
    """An angle in [0, 2 pi) jumps where the chart's box ends."""
    model = Autoencoder.from_callables(
        lambda x: np.mod(np.arctan2(x[:, 1:], x[:, :1]), 2 * math.pi),
        lambda z: np.hstack([np.cos(z), np.sin(z)]),
        ambient_dim=2,
        latent_dim=1,
    )
    assert measure.continuity(model, circle).holds is False


def test_a_declaration_does_not_hide_a_jump(circle):
    """The probe refutes an author who declares an atan2 encoder continuous."""
    assert measure.continuity(oracle("liar_continuity"), circle).holds is False


@pytest.mark.parametrize("half_width", [0.3, 1e-3, 1e-6, 1e-9, 1e-11])
def test_a_continuous_tear_is_no_jump(circle, rotated_cut, half_width):
    """However steep, a change that shrinks with the bracket is continuous."""
    opaque = measure.continuity(rotated_cut(half_width), circle)
    declared = measure.continuity(rotated_cut(half_width, continuous=True), circle)
    assert opaque.holds is True
    assert opaque.evidence is not None
    assert opaque.evidence.rigor is Rigor.EMPIRICAL
    assert opaque.evidence.upper == math.inf
    assert declared.holds is True
    assert declared.evidence.assumptions == ("The author declares E and D continuous.",)


def test_a_declared_discontinuity_stands(circle, rotated_cut):
    """What the author calls discontinuous is not continuous, whether a jump is met or not."""
    assert measure.continuity(rotated_cut(0.1, continuous=False), circle).holds is False


def test_rounded_codes_jump(circle):
    """Codes rounded to two decimals."""
    cut = oracle("cut")
    model = Autoencoder.from_callables(lambda x: np.round(cut.encode(x), 2), cut.decode, ambient_dim=2, latent_dim=1)
    assert measure.continuity(model, circle).holds is False


def test_a_decoder_that_jumps_between_codes_is_found():
    """Two circles coded 0 and 1; the decoder switches at 1/2, where no point of K is coded."""
    label = oracle("label")
    model = Autoencoder.from_callables(
        label.encode, lambda z: (z >= 0.5) * np.array([[1.0, 0.0, 0.0]]), ambient_dim=3, latent_dim=1
    )
    circles = manifold("two_circles")
    premise = measure.continuity(model, circles)
    assert premise.holds is False
    assert premise.evidence.details["part"] == "decoder"
    assert [p.code[0] for p in premise.evidence.witness.points] == [math.nextafter(0.5, 0.0), 0.5]
    assert measure.reevaluate(model, circles, premise.evidence.witness) == premise.evidence.witness


def test_a_model_in_float32_is_no_jump(circle):
    """Steps of single precision are far below the jumps that are looked for."""
    cut = oracle("cut:half_width=0.01")
    model = Autoencoder.from_callables(
        lambda x: cut.encode(x.astype(np.float32).astype(np.float64)).astype(np.float32),
        lambda z: cut.decode(z.astype(np.float32).astype(np.float64)).astype(np.float32),
        ambient_dim=2,
        latent_dim=1,
    )
    assert measure.continuity(model, circle).holds is True


def test_rounding_noise_of_a_constant_code_is_no_jump(circle):
    """Codes that are 0 up to rounding have no range to jump in."""
    model = Autoencoder.from_callables(
        lambda x: np.hypot(x[:, :1], x[:, 1:]) - 1.0, lambda z: np.zeros((len(z), 2)), ambient_dim=2, latent_dim=1
    )
    assert measure.continuity(model, circle).holds is True


def test_nan_between_codes_is_reported(circle):
    """A decoder that is not finite between two codes of K raises with the code as witness."""
    cut = oracle("cut")
    model = Autoencoder.from_callables(
        lambda x: np.where(x[:, :1] > 0, 1.0, -1.0) + 0.1 * cut.encode(x),
        lambda z: np.where(np.abs(z) < 0.5, np.nan, z) * np.ones((1, 2)),
        ambient_dim=2,
        latent_dim=1,
        continuous=True,
    )
    with pytest.raises(NonFiniteOutputError) as caught:
        measure.continuity(model, circle)
    assert abs(caught.value.witness.points[0].code[0]) < 0.5


def test_the_operations_that_decide_are_named() -> None:
    """In the details where they are known, and in the method where one of them jumps and the probe met no jump."""
    from torch import nn

    from aeverify import Autoencoder

    circle = manifold("circle")
    smooth = Autoencoder.from_modules(nn.Linear(2, 1), nn.Linear(1, 2))
    found = measure.continuity(smooth, circle)
    assert found.holds is True
    assert found.evidence is not None and "layer" in found.evidence.details["graph"]
    jumping = Autoencoder.from_modules(
        nn.Sequential(nn.Linear(2, 1), nn.Hardshrink(1e-9)), nn.Linear(1, 2), ambient_dim=2, latent_dim=1
    )
    found = measure.continuity(jumping, circle, nodes=64)
    assert found.holds is False
    assert found.evidence is not None and "Hardshrink" in found.evidence.method
