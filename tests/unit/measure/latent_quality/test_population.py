"""Scores enclosed over K: against exact values, and what each enclosure may decide."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from aeverify import measure
from aeverify.autoencoders.oracles import oracle
from aeverify.core import Outcome, Relation, Rigor, decide
from aeverify.core.interval import Interval
from aeverify.errors import NonFiniteOutputError, UnknownNameError, UsageError
from aeverify.manifolds import Manifold, manifold
from aeverify.measure.latent_quality import SCORES
from aeverify.measure.latent_quality.drawing import DrawSettings, draw_scores

TORN = "cut:half_width=0.0005"


def test_half_the_neighbours_of_a_double_wrap_are_false(circle: Manifold):
    """Each code neighbour lies on the own side of the circle with probability 1/2, so the expected share kept is 1/2;
    the reference points move it by a few hundredths."""
    found = measure.mean_score(oracle("double_wrap"), circle, "neighbours_kept", draws=4000)
    assert found.rigor is Rigor.STATISTICAL and found.confidence == 0.99
    assert found.interval.width < 0.05
    assert found.interval.intersects(Interval(0.47, 0.53))


def test_triplets_and_ranks_of_a_double_wrap_are_even(circle: Manifold):
    """Antipodes share a code: of a point and its antipode the code cannot say which is nearer, so triplets are right
    with probability 1/2 and Spearman's correlation is 0, by symmetry."""
    triplets = measure.mean_score(oracle("double_wrap"), circle, "triplet_accuracy", draws=20_000)
    assert 0.5 in triplets.interval and triplets.interval.width < 0.03
    ranks = measure.mean_score(oracle("double_wrap"), circle, "shepard_spearman", draws=20_000)
    assert 0.0 in ranks.interval and ranks.interval.width < 0.4


def test_the_identity_has_the_best_of_every_mean(circle: Manifold):
    """The good end of the range is not excluded, and what is far from it is."""
    for name in ("trustworthiness", "mrre_missing", "triplet_accuracy"):
        found = measure.mean_score(oracle("identity"), circle, name, draws=2000).interval
        best = SCORES[name].highest if SCORES[name].better == "higher" else SCORES[name].lowest
        assert best in found and found.width < 0.02
    assert measure.mean_score(oracle("identity"), circle, "shepard_spearman", draws=20_000).interval.upper == 1.0


def test_geodesic_triplets_of_a_circle_are_those_of_chords(circle: Manifold):
    """The chord grows with the arc, so both orders are the same; codes of a torn circle agree with them at 5/6: see
    `test_triplets_of_a_torn_circle`."""
    chords = measure.mean_score(oracle(TORN), circle, "triplet_accuracy", draws=5000)
    arcs = measure.mean_score(oracle(TORN), circle, "triplet_accuracy", draws=5000, geodesic=True)
    assert chords.interval == arcs.interval


def test_triplets_of_a_torn_circle(circle: Manifold):
    """The interval |a - b| of uniform angles against the arc: integrated on a fine grid of angles."""
    n = 400
    a = (np.arange(n) + 0.5) / n
    line = np.abs(a[:, None] - a[None, :])
    arc = np.minimum(line, 1.0 - line)
    agree = [
        np.sign(line[i, :, None] - line[i, None, :]) == np.sign(arc[i, :, None] - arc[i, None, :])
        for i in range(0, n, 8)
    ]
    found = measure.mean_score(oracle(TORN), circle, "triplet_accuracy", draws=20_000)
    assert float(np.mean(agree)) == pytest.approx(found.details["count"] / 20_000, abs=0.012)


def test_a_mean_does_not_see_a_tear_and_points_do(circle: Manifold):
    """Of a torn circle the mean trustworthiness is enclosed above 0.99; single points have lost their neighbours."""
    mean = measure.mean_score(oracle(TORN), circle, "trustworthiness", draws=5000)
    assert mean.interval.lower > 0.99 and mean.details["sample_mean"] > 0.999
    missed = measure.missed_share(oracle(TORN), circle, "continuity", 0.9, draws=5000)
    assert decide(Relation.AT_MOST, missed.interval, Interval.exactly(0.001)) is Outcome.FAIL
    worst = measure.worst_score(oracle(TORN), circle, "continuity", draws=5000)
    assert worst.rigor is Rigor.EMPIRICAL
    assert worst.interval.lower == 0.0 and worst.interval.upper < 0.6
    assert decide(Relation.AT_LEAST, worst.interval, Interval.exactly(0.9)) is Outcome.FAIL


def test_the_witness_of_a_tear_is_two_near_points_with_far_codes(circle: Manifold):
    """The worst point and the neighbour that it lost."""
    witness = measure.worst_score(oracle(TORN), circle, "continuity", draws=5000).witness
    assert witness is not None and len(witness.points) == 2
    here, there = witness.points
    assert math.dist(here.point, there.point) < 0.2
    assert math.dist(here.code, there.code) > 3.0
    assert "neighbour in K" in witness.note


def test_a_worst_draw_decides_on_one_side_only(circle: Manifold):
    """That no draw is bad never shows that every point is good."""
    found = measure.worst_score(oracle("identity"), circle, "trustworthiness", draws=100)
    assert found.interval == Interval(0.0, 1.0)
    assert decide(Relation.AT_LEAST, found.interval, Interval.exactly(0.9)) is Outcome.INCONCLUSIVE
    high = measure.worst_score(oracle("double_wrap"), circle, "mrre_false", draws=100)
    assert high.interval.upper == 1.0 and high.interval.lower > 0.5


def test_condition_numbers_over_a_set():
    """Diag(2, 1) has 4 everywhere; a constant decoder exceeds every number."""
    disc = manifold("ball:dim=2")
    stretched = measure_model(2.0)
    assert measure.worst_score(stretched, disc, "encoder_condition", draws=50).interval.lower == pytest.approx(
        4.0, rel=1e-5
    )
    assert measure.missed_share(stretched, disc, "encoder_condition", 3.9, draws=200).interval.lower > 0.9
    assert measure.missed_share(stretched, disc, "encoder_condition", 4.1, draws=200).interval.upper < 0.1
    on_the_bound = measure.missed_share(stretched, disc, "encoder_condition", 4.0, draws=200).interval
    assert on_the_bound == Interval(0.0, 1.0)
    flat = measure.worst_score(oracle("double_wrap"), manifold("circle"), "decoder_condition", draws=50)
    assert flat.interval.lower > 0.99 * sys.float_info.max


def measure_model(factor: float):
    """E stretches the first axis."""
    from aeverify.autoencoders.protocol import Autoencoder

    return Autoencoder.from_callables(
        lambda x: x * np.array([factor, 1.0]), lambda z: z, ambient_dim=2, latent_dim=2, continuous=True
    )


def test_the_score_of_one_more_point_is_that_of_the_sample(circle: Manifold):
    """The value at x among Y is x's own value in the sample of x and Y."""
    from aeverify.measure.latent_quality.distances import pairwise
    from aeverify.measure.latent_quality.ranks import sample_ranks

    model = oracle("double_wrap")
    drawn = draw_scores(model, circle, "trustworthiness", DrawSettings(neighbours=5, reference=60, draws=20))
    assert drawn.reference is not None and len(drawn.reference) == 59
    for i in range(3):
        x = np.concatenate([drawn.sample.points[i : i + 1], drawn.reference.points])
        whole = sample_ranks(pairwise(x), pairwise(model.encode(x)), 5)
        assert whole.values["trustworthiness"][0] == pytest.approx(drawn.values[i], abs=1e-12)


def test_the_enclosure_covers_about_as_often_as_it_says(circle: Manifold):
    """Of 40 enclosures of the same mean at 90 %, with one reference sample each, few miss what 20,000 draws show."""
    missed = 0
    for seed in range(40):
        small = measure.mean_score(
            oracle("double_wrap"), circle, "neighbours_kept", neighbours=3, reference=40, draws=60, seed=seed, alpha=0.1
        )
        settings = DrawSettings(neighbours=3, reference=40, draws=4000, seed=seed)
        large = draw_scores(oracle("double_wrap"), circle, "neighbours_kept", settings)
        missed += not small.interval.intersects(Interval.around(float(large.values.mean())))
    assert missed <= 4


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m, k: measure.mean_score(m, k, "decoder_condition"), "it is not bounded"),
        (lambda m, k: measure.mean_score(m, k, "stress"), "number of one sample"),
        (lambda m, k: measure.worst_score(m, k, "triplet_accuracy"), "whole sample"),
        (lambda m, k: measure.mean_score(m, k, "trustworthiness", neighbours=500), "1 <= k < n/2"),
        (lambda m, k: measure.mean_score(m, k, "mrre_false", neighbours=400), "1 <= k <= n/3"),
        (lambda m, k: measure.mean_score(m, k, "trustworthiness", draws=19), "at least 20 draws"),
        (lambda m, k: measure.mean_score(m, k, "trustworthiness", alpha=1.0), "alpha"),
        (lambda m, k: measure.missed_share(m, k, "continuity", math.nan), "bound"),
        (lambda m, k: measure.mean_score(m, manifold("sphere"), "continuity"), "takes points of"),
    ],
)
def test_bad_questions_are_refused(call, words: str, circle: Manifold):
    """In words, before anything is measured."""
    with pytest.raises(UsageError, match=words):
        call(oracle("identity"), circle)


def test_unknown_scores_geodesics_and_outputs_are_refused(circle: Manifold):
    """The nearest name is suggested; a set without known geodesics and a NaN are no numbers."""
    with pytest.raises(UnknownNameError, match="did you mean 'trustworthiness'"):
        measure.mean_score(oracle("identity"), circle, "trustworthines")
    torus = manifold("torus:R=2,r=1")
    with pytest.raises(UsageError, match="are not known"):
        measure.mean_score(oracle("identity:ambient_dim=3"), torus, "continuity", geodesic=True)
    with pytest.raises(NonFiniteOutputError):
        measure.mean_score(oracle("nan"), circle, "continuity")
