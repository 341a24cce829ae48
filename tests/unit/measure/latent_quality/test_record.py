"""The record of all scores, of sets and of data."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from aeverify import measure
from aeverify.autoencoders.oracles import oracle
from aeverify.core import Outcome, Relation, decide
from aeverify.core.interval import Interval
from aeverify.errors import NonFiniteOutputError, UsageError
from aeverify.manifolds import Manifold, manifold
from aeverify.measure import QualitySettings, latent_quality, quality_of_codes
from aeverify.measure.latent_quality import SCORES

TORN = "cut:half_width=0.0005"


@pytest.fixture(scope="module")
def torn() -> measure.LatentQuality:
    """A circle that is cut open in a thousandth of a radian."""
    return latent_quality(oracle(TORN), manifold("circle"), draws=500)


def test_a_mean_score_cannot_see_a_tear(torn: measure.LatentQuality):
    """Mean trustworthiness 0.9999 and continuity 0.997; the worst point kept half of its neighbours at most."""
    assert torn.scores["trustworthiness"] > 0.9999
    assert torn.scores["continuity"] > 0.99
    worst = torn.worst_of("continuity")[0]
    assert worst.value < 0.6
    assert worst.partner is not None
    assert abs(abs(worst.parameters[0]) - 0.5) < 0.02


def test_every_score_is_in_its_range_and_in_order(torn: measure.LatentQuality):
    """Of a good, a folded and a collapsed model."""
    for found in (
        torn,
        *(latent_quality(oracle(s), manifold("circle"), points=60, draws=0) for s in ("double_wrap", "constant")),
    ):
        assert list(found.scores) == [name for name in SCORES if name in found.scores]
        assert len(found.scores) == len(SCORES)
        for name, value in found.scores.items():
            assert value is None or SCORES[name].lowest <= value <= SCORES[name].highest, name
        for point in found.worst:
            assert SCORES[point.score].pointwise
            assert SCORES[point.score].lowest <= point.value <= SCORES[point.score].highest


def test_worst_points_are_sorted_and_come_from_the_set(torn: measure.LatentQuality, circle: Manifold):
    """Worst first, with the parameters that give the point again."""
    for name in ("continuity", "mrre_missing"):
        values = [w.value for w in torn.worst_of(name)]
        assert values == sorted(values, reverse=SCORES[name].better == "lower")
        assert len(values) == 5
    point = torn.worst_of("trustworthiness")[0]
    assert circle.chart.embed(np.array([point.parameters]))[0] == pytest.approx(point.point)
    with pytest.raises(UsageError, match="no worst points of 'stress'"):
        torn.worst_of("stress")


def test_the_record_is_plain_json(torn: measure.LatentQuality):
    """Infinities as words, undefined as null, and the same numbers."""
    for found in (torn, latent_quality(oracle("constant"), manifold("circle"), points=50, draws=100)):
        text = json.dumps(found.to_dict(), allow_nan=False)
        scores = json.loads(text)["scores"]
        assert set(scores) == set(found.scores)
        assert scores["trustworthiness"]["value"] == found.scores["trustworthiness"]
        assert (scores["trustworthiness"]["range"], scores["trustworthiness"]["better"]) == ([0.0, 1.0], "higher")
    assert scores["decoder_condition"]["value"] == "inf"
    assert scores["shepard_pearson"]["value"] is None


def test_a_number_of_a_sample_decides_nothing(torn: measure.LatentQuality):
    """Scores as evidence enclose nothing; means over K are enclosed and may decide."""
    shown = torn.evidence()
    assert {e.quantity for e in shown} == {name for name, v in torn.scores.items() if v is not None}
    for evidence in shown:
        assert decide(Relation.AT_LEAST, evidence.interval, Interval.exactly(0.0)) is Outcome.INCONCLUSIVE
    assert [e.quantity for e in torn.enclosed] == ["trustworthiness", "continuity", "neighbours_kept"]
    assert all(e.confidence == pytest.approx(1 - 0.01 / 3) for e in torn.enclosed)


def test_figures_show_the_worst_point_beside_each_mean(torn: measure.LatentQuality):
    """What a report shows of a model: finite numbers only."""
    figures = torn.figures()
    assert figures["continuity_at_worst"] < 0.6 < figures["continuity"]
    assert all(math.isfinite(v) for v in figures.values())
    assert latent_quality(oracle("constant"), manifold("circle"), points=50, draws=0).figures()["continuity"] == 0.0


def test_the_same_seed_gives_the_same_record(circle: Manifold):
    """And another one another."""
    model = oracle("double_wrap")
    first, again, other = (latent_quality(model, circle, points=80, draws=50, seed=s).to_dict() for s in (1, 1, 2))
    assert first == again
    assert first != other


def test_data_have_the_scores_of_their_codes(circle: Manifold):
    """A model on an array, against its codes alone; Jacobians need the model, tangents a manifold."""
    model = oracle("double_wrap")
    x = circle.sample(120, 4).points
    found = latent_quality(model, x, neighbours=6)
    alone = quality_of_codes(x, model.encode(x), neighbours=6)
    assert {name: found.scores[name] for name in alone.scores} == alone.scores
    assert set(found.scores) - set(alone.scores) == {"decoder_condition", "decoder_area_distortion"}
    assert found.enclosed == ()
    assert found.worst[0].component is None and found.worst[0].parameters == ()


def test_codes_beyond_a_third_have_no_mean_relative_rank_errors():
    """k < n/2 is enough for trustworthiness, not for these."""
    rng = np.random.Generator(np.random.PCG64(2))
    x = rng.standard_normal((30, 2))
    assert "mrre_false" in quality_of_codes(x, x, neighbours=10).scores
    assert "mrre_false" not in quality_of_codes(x, x, neighbours=11).scores


def test_geodesic_versions():
    """A spiral's parameter keeps its arcs better than its chords; along a graph of data nearly so, and named so."""
    spiral = manifold("spiral")
    straight = latent_quality(oracle("spiral_arc"), spiral, points=150, draws=0)
    along = latent_quality(oracle("spiral_arc"), spiral, points=150, draws=50, geodesic=True)
    assert along.distances == "geodesic" and straight.distances == "Euclidean"
    assert along.scores["triplet_accuracy"] > straight.scores["triplet_accuracy"] + 0.03
    assert along.scores["scale_free_stress"] < straight.scores["scale_free_stress"]
    assert all(e.details["geodesic"] for e in along.enclosed)
    x = spiral.sample(200, 1, method="sobol").points
    graph = quality_of_codes(
        x, oracle("spiral_arc").encode(x), geodesic=True, settings=QualitySettings(graph_neighbours=4)
    )
    assert graph.distances == "geodesic along a graph of neighbours"
    assert graph.scores["triplet_accuracy"] == pytest.approx(along.scores["triplet_accuracy"], abs=0.05)
    torus = manifold("torus:R=2,r=1")
    shown = latent_quality(oracle("identity:ambient_dim=3"), torus, points=200, geodesic=True)
    assert shown.enclosed == () and shown.distances.endswith("graph of neighbours")


def test_outputs_that_are_not_finite_end_it(circle: Manifold):
    """On a set and on data."""
    for data in (circle, circle.sample(400, 0).points):
        with pytest.raises(NonFiniteOutputError):
            latent_quality(oracle("nan"), data)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"triplets": 0}, "number of triplets"),
        ({"worst": 0}, "number of worst"),
        ({"variance": -1.0}, "variance"),
        ({"sigmas": ()}, "sweep of sigma is empty"),
        ({"sigmas": (0.0,)}, "sigma"),
        ({"memory": 0}, "memory"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, object], words: str):
    """Before anything is measured."""
    with pytest.raises(UsageError, match=words):
        QualitySettings(**settings)  # type: ignore[arg-type]
