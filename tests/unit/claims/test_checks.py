"""Checks: the verdict on hand-built subjects, and what makes each check fail."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import final

import numpy as np
import pytest

import aeverify
from aeverify.autoencoders.callables import CallableAutoencoder
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.claims import CLAIMS, Effort, Study, claim
from aeverify.claims.thick_set import ball_volume_lower
from aeverify.core import Interval, Outcome, Reason, Rigor, Seed, Spec
from aeverify.errors import UnknownNameError, UsageError
from aeverify.manifolds import Chart, Circle, Manifold, Sample, Truth, manifold

SMALL = Effort(samples=2000, draws=5000, homology_samples=100)


def study(model: Autoencoder | str, space: Manifold | str = "circle", **fields: object) -> Study:
    """A study with small sample sizes."""
    subject = oracle(model) if isinstance(model, str) else model
    return Study(subject, manifold(space), Seed(0), effort=SMALL, **fields)  # type: ignore[arg-type]


@final
class LyingCircle(Manifold):
    """A unit circle that claims a reach of 5: what a false fact about K does to the theorem."""

    def __init__(self) -> None:
        self._circle = Circle(1.0)

    @property
    def spec(self) -> Spec:
        """A spec of its own, so that nothing cached of the circle is taken for it."""
        return Spec("lying_circle")

    @property
    def ambient_dim(self) -> int:
        """2."""
        return 2

    @property
    def truth(self) -> Truth:
        """The circle's, but for the reach."""
        return replace(
            self._circle.truth,
            reach=Interval.exactly(5.0),
            inner_radius=Interval.exactly(5.0),
            # So large that no map is tried on it: one would contradict the reach, which is an error and not a FAIL.
            circumradius=Interval(5, 1e100),
        )

    @property
    def chart(self) -> Chart:
        """The circle's."""
        return self._circle.chart

    def sample(self, n: int, seed: Seed | int) -> Sample:
        """The circle's."""
        return self._circle.sample(n, seed)

    def grid(self, n: int) -> Sample:
        """The circle's."""
        return self._circle.grid(n)


def test_theorem_1_fails_on_a_set_with_a_false_reach():
    """The constant map has a certified worst error of about 1, which is below the reach of 5 that the set claims."""
    verdict = claim("theorem-1").check(study("constant", LyingCircle()))
    assert (verdict.outcome, verdict.rigor) == (Outcome.FAIL, Rigor.CERTIFIED)
    assert verdict.evidence is not None and verdict.evidence.interval.upper < 5


def without(axis: int) -> CallableAutoencoder:
    """Codes that leave one coordinate of R^3 out, put back as 0."""
    kept = [i for i in range(3) if i != axis]

    def decode(codes: np.ndarray) -> np.ndarray:
        points = np.zeros((len(codes), 3))
        points[:, kept] = codes
        return points

    return CallableAutoencoder(lambda x: x[:, kept], decode, 3, 2, name=f"without_{axis}", continuous=True)


def test_a_connected_set_with_several_charts_is_held_to_its_own_bound():
    """No piece of the genus-2 surface is obstructed for two numbers, or has a class in degree 2; the surface is, and
    has one. Leaving y out errs by (c + 1/4)^(1/2), where f = c at its highest."""
    s = study(without(1), "genus2:c=0.1")
    assert s.obstructed_components() == ()
    verdict = claim("theorem-1").check(s)
    assert verdict.outcome is Outcome.PASS
    assert verdict.evidence is not None
    assert verdict.evidence.interval.lower == pytest.approx(0.35**0.5, rel=1e-3)
    assert verdict.threshold is not None and verdict.threshold.lower == pytest.approx(0.1)
    lost = claim("latent-topology").check(s)
    assert lost.outcome is Outcome.PASS
    assert lost.message.startswith("1 classes of K in degrees >= 2")


def test_which_claims_apply_is_asked_of_the_set_and_of_its_components():
    """The genus-2 surface is obstructed for 2 numbers, not for 3; a union has no better bound than its components."""
    for name in ("theorem-1", "paradox", "latent-topology"):
        assert claim(name).applies(manifold("genus2"), 2)
        assert not claim(name).applies(manifold("genus2"), 3)
    assert study("identity", "circle").whole_obstruction() is None
    assert study("cut_two_circles:half_width=0.001", "two_circles").whole_obstruction() is None


def test_theorem_1_holds_every_circle_to_its_own_bound():
    """On the two circles there is one witness for each, and both errors are at least 1."""
    verdict = claim("theorem-1").check(study("cut_two_circles:half_width=0.001", "two_circles"))
    assert verdict.outcome is Outcome.PASS and verdict.witness is not None
    assert [p.component for p in verdict.witness.points] == [0, 1]
    assert all(p.error >= 1 for p in verdict.witness.points)


def test_theorem_1_needs_every_circle():
    """One circle torn with error 2 does not make up for another that is reconstructed: the check takes the least."""
    verdict = claim("theorem-1").check(study("label", "two_circles"))
    assert verdict.threshold == Interval.exactly(1.0)
    assert pytest.approx(verdict.evidence.interval.lower, abs=1e-9) == 1.0


def test_theorem_1_is_vacuous_where_the_code_is_as_large_as_the_data():
    """The identity of the plane is perfect, and no lower bound is known for m = 2."""
    verdict = claim("theorem-1").check(study("identity"))
    assert (verdict.outcome, verdict.reason) == (Outcome.VACUOUS, Reason.NO_OBSTRUCTION)


def test_a_model_that_raises_ends_in_an_error_verdict():
    """What the model throws is told in the message, and nothing is decided."""

    def broken(points: np.ndarray) -> np.ndarray:
        raise RuntimeError("out of cheese")

    model = Autoencoder.from_callables(broken, broken, ambient_dim=2, latent_dim=1)
    verdict = claim("theorem-1").check(study(model))
    assert (verdict.outcome, verdict.reason) == (Outcome.ERROR, Reason.CRASHED)
    assert "out of cheese" in verdict.message


def test_a_model_of_the_wrong_shape_ends_in_an_error_verdict():
    """Codes with two numbers where one was declared are no evidence."""
    model = Autoencoder.from_callables(lambda x: x, lambda z: z, ambient_dim=2, latent_dim=1)
    assert claim("latent-topology").check(study(model)).outcome is Outcome.ERROR


def test_nan_on_an_arc_narrower_than_the_grid_is_never_a_pass():
    """Whatever the search meets, the outcome of a model that is NaN on 1 % of the circle is ERROR."""
    for name in ("theorem-1", "theorem-2", "thick-set", "latent-topology", "paradox"):
        assert claim(name).check(study("nan:half_width=0.03")).outcome is Outcome.ERROR


def test_an_opaque_model_is_judged_with_empirical_rigor():
    """Nothing is known of the graph of two callables, so what they show is observed, not certified."""
    truth = oracle("cut:half_width=0.05")
    model = Autoencoder.from_callables(truth.encode, truth.decode, ambient_dim=2, latent_dim=1)
    verdict = claim("theorem-1").check(study(model))
    assert (verdict.outcome, verdict.rigor) == (Outcome.PASS, Rigor.EMPIRICAL)


def test_theorem_2_asks_that_training_points_be_good():
    """A tear across a training point fails although its measure is small."""
    data = manifold("circle").grid(100)
    torn = study("cut:half_width=0.02", training=replace_points(data, [[-1.0, 0.0]]))
    verdict = claim("theorem-2").check(torn)
    assert verdict.outcome is Outcome.FAIL and verdict.evidence.quantity == "training_error"
    assert claim("theorem-2").configured({"training": False}).check(torn).outcome is Outcome.PASS


def replace_points(sample: Sample, points: list[list[float]]) -> Sample:
    """A sample that consists of the given points of the circle at half a turn."""
    return Sample(
        np.array(points), np.full((len(points), 1), 0.5), np.zeros(len(points), int), sample.covering_radius, ""
    )


def test_latent_topology_sees_an_engine_that_is_not_sound():
    """Bars in degree m, such as a Rips complex may show, make the check fail: it compares with zero exactly."""
    check = claim("latent-topology")
    subject = study("cut:half_width=0.05")
    found = check.find(subject)
    bars = replace(found.evidence, interval=Interval.exactly(1.0))
    subject._cache[("latent_homology", ("engine", "alpha"), ("field", 2))] = replace(
        subject.latent_homology(field=2, engine="alpha"), latent_bars=bars
    )
    assert check.check(subject).outcome is Outcome.FAIL


@pytest.mark.parametrize("radius", [0.01, 0.3, 1.0, 2.5])
def test_ball_volume_is_a_lower_bound_on_circles_and_spheres(radius: float):
    """On the unit circle the length within a chord r is 4 arcsin(r/2), on the unit sphere the area is pi r^2."""
    chord = min(radius, 2.0)
    assert ball_volume_lower(1, 1.0, radius) <= 4 * math.asin(chord / 2) * (1 + 1e-15)
    assert ball_volume_lower(2, 1.0, radius) <= math.pi * chord**2 * (1 + 1e-15)


def test_ball_volume_is_sharp_for_small_balls():
    """To first order it is the volume of a flat ball."""
    assert ball_volume_lower(1, 1.0, 1e-6) == pytest.approx(2e-6, rel=1e-9)
    assert ball_volume_lower(2, 1.0, 1e-6) == pytest.approx(math.pi * 1e-12, rel=1e-9)


def test_paradox_needs_both_halves():
    """A perfect identity has no large error and a constant no small one."""
    assert claim("paradox").check(study("constant")).outcome is Outcome.FAIL
    assert claim("paradox").check(study("cut:half_width=0.001")).outcome is Outcome.PASS


def test_order_is_open_where_the_error_is_not_bounded():
    """Without an upper bound of the worst error the premise is undecided, not assumed."""
    truth = oracle("spiral_arc")
    model = Autoencoder.from_callables(truth.encode, truth.decode, ambient_dim=2, latent_dim=1, continuous=True)
    verdict = claim("order-preservation").check(study(model, "spiral"))
    assert (verdict.outcome, verdict.reason) == (Outcome.INCONCLUSIVE, Reason.PREMISE_UNDECIDED)


@pytest.mark.parametrize("name", ["Theorem 1", "theorem_1", "THEOREM1"])
def test_claims_are_found_however_they_are_spelled(name: str):
    """Case and punctuation of an id do not matter."""
    assert claim(name).claim.id == "theorem-1"


def test_an_unknown_claim_names_the_nearest():
    """A typing error is answered with what was meant."""
    with pytest.raises(UnknownNameError, match="did you mean 'theorem-1'"):
        claim("theorem-11x")


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("theorem-2", {"epsilon": 0.0}),
        ("theorem-2", {"delta": 1.0}),
        ("theorem-2", {"delta": math.nan}),
        ("theorem-2", {"epsilon": "small"}),
        ("theorem-2", {"training": 1}),
        ("theorem-2", {"epsilom": 0.1}),
        ("thick-set", {"eta": 1.5}),
        ("latent-topology", {"engine": "magic"}),
        ("latent-topology", {"field": True}),
    ],
)
def test_bad_parameters_are_refused(name: str, parameters: dict[str, object]):
    """Unknown names, wrong types and values out of range are usage errors."""
    with pytest.raises(UsageError):
        claim(name).configured(parameters)


def test_every_claim_says_where_it_stands():
    """Id, statement, citation and meaning of each parameter are there."""
    for name, check in CLAIMS.items():
        assert name == check.claim.id
        assert check.claim.statement and check.claim.citation.source and check.claim.title
        assert all(about["meaning"] for about in check.parameters().values())


def test_an_empirical_witness_is_no_part_of_a_statistical_enclosure(monkeypatch: pytest.MonkeyPatch):
    """Without ball arithmetic the ball around the witness is left out, and the draws alone give the lower end."""
    model = oracle("cut:half_width=0.05")
    certified = claim("thick-set").check(study(model))
    monkeypatch.setattr(type(model), "reconstruct_balls", lambda self, point: None)
    empirical = claim("thick-set").check(study(model))
    kinds = [[e.rigor for e in v.supporting if e.quantity == "bad_set_measure"] for v in (certified, empirical)]
    assert kinds == [[Rigor.STATISTICAL, Rigor.CERTIFIED], [Rigor.STATISTICAL]]


def test_a_bug_in_one_claim_loses_no_other_verdict(monkeypatch: pytest.MonkeyPatch):
    """An exception of Python's own ends in ERROR, which says where; the claim beside it is decided."""
    from aeverify.claims.theorem_1 import Theorem1

    monkeypatch.setattr(Theorem1, "find", lambda self, study: {}["no such key"])
    report = aeverify.check(oracle("cut:half_width=0.05"), "circle", claims=["theorem-1", "latent-topology"])
    assert {v.claim.id: v.outcome for v in report.verdicts} == {
        "theorem-1": Outcome.ERROR,
        "latent-topology": Outcome.PASS,
    }
    (broken,) = (v for v in report.verdicts if v.outcome is Outcome.ERROR)
    assert "KeyError" in broken.message and "test_checks.py" in broken.message
