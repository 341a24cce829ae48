"""The claims about what autoencoders of the literature are said to do: their numbers, premises and parameters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from aeverify.autoencoders.linear import PcaAutoencoder
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.claims import CLAIMS, Effort, Study, claim
from aeverify.core import Outcome, Reason, Rigor, Seed, Verdict
from aeverify.errors import UsageError
from aeverify.manifolds import Manifold, manifold

SMALL = Effort(samples=500, draws=5_000, homology_samples=50, enclosure_seconds=0.2)
NAMES = (
    "pca-subspace",
    "beats-pca",
    "memorisation",
    "code-range-price",
    "no-copying",
    "untrained-denoising",
    "noise-robustness",
    "missing-input-robustness",
    "data-specificity",
    "anomaly-detection",
    "generated-samples",
    "completeness-obstruction",
    "code-continuity",
    "contraction",
)


def judged(name: str, model: Autoencoder, k: str | Manifold, n: int = 0, **parameters: Any) -> Verdict:
    """The verdict of one claim; with n, on a study whose training points are n draws."""
    space = manifold(k)
    training = space.sample(n, 3) if n else None
    study = Study(model, space, Seed(1), alpha=1e-4, training=training, effort=SMALL)
    return claim(name).configured(parameters).check(study)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_takes_them_by_name_only(name: str):
    """Each needs numbers or sets that only the user knows, or is not about every model."""
    check = CLAIMS[name]
    assert check.by_name_only
    assert not check.chosen(manifold("two_circles"), 1)
    assert check.claim.ledger


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("pca-subspace", {"tolerance": 0.0}),
        ("pca-subspace", {"gap": 1.0}),
        ("beats-pca", {"ratio": 1.0}),
        ("memorisation", {"fitted": 0.3, "unseen": 0.2}),
        ("memorisation", {"share": 0.0}),
        ("no-copying", {"ratio": 1.0}),
        ("untrained-denoising", {"levels": 0}),
        ("untrained-denoising", {"levels": 21}),
        ("noise-robustness", {"noise": -1.0}),
        ("missing-input-robustness", {"hidden": 1.0}),
        ("missing-input-robustness", {"fill": math.inf}),
        ("data-specificity", {"other": "no-such-set"}),
        ("anomaly-detection", {"level": 0.0}),
        ("generated-samples", {"beyond": 0.0}),
        ("code-continuity", {"constant": math.nan}),
        ("contraction", {"bound": 0.0}),
        ("contraction", {"share": 1.0}),
    ],
)
def test_parameters_out_of_range_are_refused(name: str, parameters: dict[str, Any]):
    """Before anything is measured."""
    with pytest.raises(UsageError):
        claim(name).configured(parameters)


def test_training_error_alone_does_not_tell_memorisation():
    """A polyline through 5 points of the circle, joined by a linear code: no error there, up to 1 - cos(angle/2) or
    more elsewhere; the same polyline through 200 points is a good model of the circle."""
    for count, outcome in ((5, Outcome.FAIL), (200, Outcome.PASS)):
        angles = np.linspace(0, 1.9 * math.pi, count)
        points = np.column_stack([np.cos(angles), np.sin(angles)])
        model = Autoencoder.from_callables(
            lambda x: np.mod(np.arctan2(x[:, 1], x[:, 0]), 2 * math.pi)[:, None],
            lambda z, a=angles, p=points: np.column_stack([np.interp(z[:, 0], a, column) for column in p.T]),
            ambient_dim=2,
            latent_dim=1,
        )
        arc = manifold("circle")
        sample = arc.sample(count, 0)
        training = type(sample)(points, angles[:, None], np.zeros(count, dtype=np.int64), sample.covering_radius, "")
        study = Study(model, arc, Seed(1), alpha=1e-4, training=training, effort=SMALL)
        found = claim("memorisation").configured({"unseen": 0.1, "fitted": 0.01}).check(study)
        assert (count, found.outcome, found.rigor) == (count, outcome, Rigor.EMPIRICAL)


def test_a_model_that_does_not_fit_memorises_nothing():
    """Every error of the constant is 1."""
    found = judged("memorisation", oracle("constant"), "circle", n=20)
    assert (found.outcome, found.reason) == (Outcome.VACUOUS, Reason.PREMISE_UNMET)
    assert found.premises[-1].id == "fitted"


def test_pca_of_an_isotropic_set_is_not_determined():
    """On the circle's quarter turns both eigenvalues are 1/2."""
    circle = manifold("circle")
    grid = circle.grid(8)
    model = PcaAutoencoder.fit(grid.points, 1)
    study = Study(model, circle, Seed(1), training=grid, effort=SMALL)
    found = claim("pca-subspace").check(study)
    assert (found.outcome, found.premises[-1].id) == (Outcome.VACUOUS, "eigengap")


def test_a_nearly_optimal_line_is_told_what_its_error_allows():
    """A line 0.01 off the first axis of an ellipse: the sine is 0.01, above 1e-3 and below 0.02."""
    direction = np.array([[math.cos(0.01)], [math.sin(0.01)]])
    grid = manifold("ellipse:a=3,b=1").grid(64)
    model = PcaAutoencoder(grid.points.mean(axis=0), direction)
    study = Study(model, manifold("ellipse:a=3,b=1"), Seed(1), training=grid, effort=SMALL)
    assert claim("pca-subspace").check(study).outcome is Outcome.FAIL
    assert claim("pca-subspace").configured({"tolerance": 0.02}).check(study).outcome is Outcome.PASS


def test_every_noise_level_has_to_be_won():
    """A shrunk projection, x to 0.9 x_1, wins against large noise and loses to small: 0.1 x is more than 0.01."""
    model = Autoencoder.from_callables(
        lambda x: x[:, :1],
        lambda z: np.column_stack([0.9 * z[:, 0], 0 * z[:, 0]]),
        ambient_dim=2,
        latent_dim=1,
        continuous=True,
    )
    assert judged("untrained-denoising", model, "segment", noise=0.3, levels=1).outcome is Outcome.PASS
    found = judged("untrained-denoising", model, "segment", noise=0.3, levels=7)
    assert found.outcome is Outcome.FAIL
    assert len(found.supporting) == 6
    assert "median gain" in found.message


def test_large_noise_is_no_test_of_denoising():
    """The constant at the centre is nearer to any point of the circle than noise of 5 leaves it: VACUOUS."""
    found = judged("untrained-denoising", oracle("constant"), "circle", noise=5.0)
    assert (found.outcome, found.premises[-1].id) == (Outcome.VACUOUS, "small-noise")


@pytest.mark.parametrize("name", ["no-copying", "untrained-denoising", "anomaly-detection"])
def test_a_set_that_fills_its_space_has_no_points_off_it(name: str):
    """The disc: VACUOUS for want of thinness."""
    found = judged(name, oracle("identity"), "ball")
    assert (found.outcome, found.premises[-1].id) == (Outcome.VACUOUS, "thin")


def test_bad_on_another_set_is_asked_of_that_set():
    """The cut map sends any point to the unit circle: bad on the circle of radius 3, good on its own."""
    cut = oracle("cut:half_width=0.05")
    found = judged("data-specificity", cut, "circle", other="circle:radius=3")
    assert (found.outcome, found.rigor) == (Outcome.PASS, Rigor.STATISTICAL)
    assert judged("data-specificity", cut, "circle", other="sphere").outcome is Outcome.VACUOUS
    assert judged("data-specificity", cut, "circle", other="circle").outcome is Outcome.VACUOUS


def test_anomalies_of_a_named_set():
    """Points of a circle three times as large have the error 2 of the cut map; the threshold stands beside."""
    found = judged("anomaly-detection", oracle("cut:half_width=0.05"), "circle", other="circle:radius=3")
    assert found.outcome is Outcome.PASS
    assert [e.quantity for e in found.supporting] == ["false_alarm_rate", "detection_rate"]
    assert found.witness is not None
    assert len(found.witness.points) == 10


def test_the_code_between_two_circles_decodes_far_from_both():
    """The theorem's 1/2 is met, with a code as the witness."""
    found = judged("completeness-obstruction", oracle("cut_two_circles"), "two_circles")
    assert found.outcome is Outcome.PASS
    assert found.evidence is not None and found.threshold is not None
    assert found.evidence.lower >= found.threshold.lower > 0.45
    assert found.witness is not None
    assert len(found.witness.points[0].code) == 1


def test_a_jump_of_the_decoder_escapes_the_obstruction():
    """A decoder that jumps from one circle to the other needs no point between them: VACUOUS."""
    joined = oracle("cut_two_circles")
    model = Autoencoder.from_callables(
        joined.encode,
        lambda z: joined.decode(np.where(z < math.pi, np.minimum(z, math.pi - 0.05), np.maximum(z, math.pi + 0.05))),
        ambient_dim=3,
        latent_dim=1,
        continuous=False,
    )
    found = judged("completeness-obstruction", model, "two_circles")
    assert (found.outcome, found.reason) == (Outcome.VACUOUS, Reason.NOT_CONTINUOUS)


def test_a_price_is_met_by_every_continuous_model():
    """The tour of the outputs is at most the steepest piece times the range, whatever the model is."""
    for spec in ("constant", "cut:half_width=0.05", "fold", "collapsed"):
        found = judged("code-range-price", oracle(spec), "circle")
        assert (spec, found.outcome) == (spec, Outcome.PASS)


def test_a_steep_encoder_is_bounded_from_both_sides():
    """The cut code runs back at (pi - h)/h = 61.8 a unit: above 10 and below 65."""
    cut = oracle("cut:half_width=0.05")
    assert judged("code-continuity", cut, "circle", constant=10.0).outcome is Outcome.FAIL
    assert judged("code-continuity", cut, "circle", constant=65.0).outcome is Outcome.PASS
