"""The requirement on latent quality: what it asks, and what it refuses to ask."""

from __future__ import annotations

import pytest

from aeverify.autoencoders.oracles import oracle
from aeverify.claims import CLAIMS
from aeverify.claims.latent_quality import LatentQualityBound
from aeverify.claims.study import Effort, Study
from aeverify.core import Outcome, Relation, Seed
from aeverify.errors import UnknownNameError, UsageError
from aeverify.manifolds import manifold
from aeverify.measure.latent_quality import SCORES

QUICK = Effort(samples=500, draws=4000, homology_samples=100)


def study(spec: str) -> Study:
    """A model on the circle, with few samples."""
    return Study(oracle(spec), manifold("circle"), Seed(0), effort=QUICK)


def test_a_mean_passes_where_the_points_fail():
    """The tear that no mean shows is refuted point by point, with a witness."""
    torn = study("cut:half_width=0.0005")
    mean = LatentQualityBound(at_least=0.99).check(torn)
    assert mean.outcome is Outcome.PASS
    assert "does not see a tear" in mean.message
    points = LatentQualityBound(score="continuity", at_least=0.9, pointwise=True, share=0.001).check(torn)
    assert points.outcome is Outcome.FAIL
    assert points.witness is not None and len(points.witness.points) == 2


def test_the_relation_and_the_quantity_are_those_of_the_question():
    """Higher is better, lower is better, or a share that may miss."""
    asked = [
        LatentQualityBound(at_least=0.9),
        LatentQualityBound(score="mrre_false", at_most=0.1),
        LatentQualityBound(score="continuity", at_least=0.9, pointwise=True, share=0.1),
        LatentQualityBound(score="continuity", at_least=0.9, pointwise=True),
    ]
    assert [(c.claim.quantity, c.claim.relation) for c in asked] == [
        ("trustworthiness", Relation.AT_LEAST),
        ("mrre_false", Relation.AT_MOST),
        ("missed_share", Relation.AT_MOST),
        ("continuity", Relation.AT_LEAST),
    ]
    assert {c.claim.id for c in asked} == {"latent-quality"}
    again = asked[0].configured({"score": "mrre_missing", "at_least": None, "at_most": 0.2})
    assert (again.claim.quantity, again.claim.relation) == ("mrre_missing", Relation.AT_MOST)
    assert CLAIMS["latent-quality"].claim.relation is Relation.AT_LEAST


def test_nothing_is_asked_without_a_bound():
    """The claim without numbers is left out of runs that name no claims, and VACUOUS where it is named."""
    check = LatentQualityBound()
    assert not check.chosen(manifold("circle"), 1)
    assert check.check(study("identity")).outcome is Outcome.VACUOUS


def test_every_score_that_can_be_enclosed_can_be_asked_for():
    """And is decided, or undecided, without an error."""
    for name, score in SCORES.items():
        if score.over_set:
            bound = {"at_least": 0.5} if score.better == "higher" else {"at_most": max(score.lowest, 0.5)}
            pointwise = score.pointwise and not score.mean
            check = LatentQualityBound(score=name, pointwise=pointwise, share=0.1 * pointwise, points=200, **bound)
            assert check.check(study("identity")).outcome in (Outcome.PASS, Outcome.INCONCLUSIVE), name


def test_a_model_that_returns_nan_is_an_error():
    """Not a failure, and never a pass."""
    assert LatentQualityBound(at_least=0.5).check(study("nan")).outcome is Outcome.ERROR


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"score": "stress", "at_most": 0.1}, "number of one sample"),
        ({"at_most": 0.9}, "give latent-quality.at_least"),
        ({"score": "mrre_false", "at_least": 0.9}, "give latent-quality.at_most"),
        ({"at_least": 1.5}, "range"),
        ({"at_least": float("nan")}, "range"),
        ({"at_least": True}, "must be a number"),
        ({"score": "decoder_condition", "at_most": float("inf"), "pointwise": True}, "range"),
        ({"score": "decoder_condition", "at_most": 2.0}, "pointwise = true"),
        ({"score": "triplet_accuracy", "at_least": 0.9, "pointwise": True}, "no score of single points"),
        ({"at_least": 0.9, "share": 0.1}, "pointwise is true"),
        ({"at_least": 0.9, "share": 1.0, "pointwise": True}, "share"),
        ({"at_least": 0.9, "neighbours": 0}, "neighbours"),
        ({"at_least": 0.9, "points": 10**6}, "points"),
    ],
)
def test_questions_that_cannot_be_asked_are_refused(parameters: dict[str, object], words: str):
    """With what to write instead."""
    with pytest.raises(UsageError, match=words):
        LatentQualityBound().configured(parameters)


def test_an_unknown_score_lists_the_nearest():
    """A misspelt name."""
    with pytest.raises(UnknownNameError, match="did you mean 'continuity'"):
        LatentQualityBound().configured({"score": "continuty"})
