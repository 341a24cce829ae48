"""Scores of distances against textbook loops and other libraries."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.spatial.distance import pdist, squareform
from scipy.stats import pearsonr, rankdata, spearmanr

from aeverify.core.seeds import Seed
from aeverify.errors import UsageError
from aeverify.measure import code_dimension, quality_of_codes
from aeverify.measure.latent_quality.dimension import active_units, unit_variances
from aeverify.measure.latent_quality.metric import (
    density_divergences,
    draw_triplets,
    mean_ranks,
    shepard,
    stresses,
    triplet_accuracy,
)

RNG = np.random.Generator(np.random.PCG64(12))
X = RNG.standard_normal((24, 3))
Z = 3.0 * X[:, :2] + 0.5 * RNG.standard_normal((24, 2))
PAIRS = list(itertools.combinations(range(24), 2))
D = [math.dist(X[i], X[j]) for i, j in PAIRS]
C = [math.dist(Z[i], Z[j]) for i, j in PAIRS]


def test_stress_is_the_textbook_one():
    """Squared differences of distances over squared distances."""
    expected = math.sqrt(sum((d - c) ** 2 for d, c in zip(D, C, strict=True)) / sum(d * d for d in D))
    assert stresses(pdist(X), pdist(Z))["stress"] == pytest.approx(expected, rel=1e-12)


def test_scale_free_stress_is_the_least_over_scales():
    """A numerical search over the scale finds the same, and no scale of the codes changes it."""
    best = minimize_scalar(lambda a: stresses(pdist(X), a * pdist(Z))["stress"], bounds=(0.0, 2.0), method="bounded")
    found = stresses(pdist(X), pdist(Z))["scale_free_stress"]
    assert found == pytest.approx(best.fun, abs=1e-9)
    assert stresses(pdist(X), 1e150 * pdist(Z))["scale_free_stress"] == pytest.approx(found, rel=1e-9)
    assert stresses(pdist(X), 7.0 * pdist(X))["scale_free_stress"] == pytest.approx(0.0, abs=1e-12)


def test_shepard_correlations_are_those_of_scipy():
    """Pearson's and Spearman's, the latter with ties too."""
    found = shepard(np.array(D), np.array(C))
    assert found["shepard_pearson"] == pytest.approx(pearsonr(D, C).statistic, abs=1e-12)
    assert found["shepard_spearman"] == pytest.approx(spearmanr(D, C).statistic, abs=1e-12)
    a, b = np.round(D), np.round(C)
    assert shepard(a, b)["shepard_spearman"] == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)
    assert mean_ranks(a) == pytest.approx(rankdata(a) - 1)


def test_triplets_are_three_different_points_and_uniform():
    """Every ordered triple of 5 points is drawn about equally often."""
    i, a, b = draw_triplets(5, 60_000, Seed(1))
    assert not ((i == a) | (i == b) | (a == b)).any()
    counts = np.bincount(i * 25 + a * 5 + b, minlength=125)
    assert (counts > 0).sum() == 60
    assert counts[counts > 0] == pytest.approx(np.full(60, 1000), abs=160)


def test_triplet_accuracy_is_that_of_all_triplets():
    """Drawn triplets estimate the share over all of them."""
    d, c = squareform(D), squareform(C)
    right = [
        np.sign(d[i, a] - d[i, b]) == np.sign(c[i, a] - c[i, b]) for i, a, b in itertools.permutations(range(24), 3)
    ]
    assert triplet_accuracy(d, c, 200_000, Seed(0)) == pytest.approx(np.mean(right), abs=0.006)


def test_density_divergence_is_the_textbook_one():
    """Gaussian sums, normalised, and Gibbs' sum, by loops."""

    def density(rows: np.ndarray, sigma: float) -> list[float]:
        largest = max(math.dist(p, q) for p in rows for q in rows)
        sums = [sum(math.exp(-((math.dist(p, q) / largest) ** 2) / sigma) for q in rows) for p in rows]
        return [s / sum(sums) for s in sums]

    found = density_divergences(squareform(D), squareform(C), (0.01, 1.0))
    for sigma, value in zip((0.01, 1.0), found, strict=True):
        p, q = density(X, sigma), density(Z, sigma)
        assert value == pytest.approx(sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)), rel=1e-9)
        assert value > 0.0
    assert density_divergences(squareform(D), squareform(D), (0.1,)) == (0.0,)


def test_constant_codes_have_defined_values():
    """The least favourable end of every range, or no value at all."""
    scores = quality_of_codes(X, np.zeros((24, 2)), neighbours=5).scores
    assert {name: scores[name] for name in ("trustworthiness", "continuity", "neighbours_kept")} == {
        "trustworthiness": 0.0,
        "continuity": 0.0,
        "neighbours_kept": 0.0,
    }
    assert (scores["mrre_false"], scores["mrre_missing"]) == (1.0, 1.0)
    assert (scores["stress"], scores["scale_free_stress"], scores["triplet_accuracy"]) == (1.0, 1.0, 0.0)
    assert (scores["shepard_pearson"], scores["shepard_spearman"]) == (None, None)
    assert (scores["code_dimension_two_nn"], scores["code_dimension_levina_bickel"]) == (None, None)
    assert scores["active_units"] == 0.0


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("neighbours", [2, 20])
def test_the_dimension_of_a_cube(dimension: int, neighbours: int):
    """Uniform points of a cube in R^5 have its dimension, a little less for the points at its faces."""
    rng = np.random.Generator(np.random.PCG64(4))
    codes = np.zeros((4000, 5))
    codes[:, :dimension] = rng.random((4000, dimension))
    assert code_dimension(codes, neighbours) == pytest.approx(dimension, rel=0.1)


def test_the_dimension_is_the_textbook_sum():
    """Logarithms of ratios of sorted distances by loops; a code that occurs twice counts once."""
    logs = []
    for i in range(24):
        near = sorted(math.dist(Z[i], Z[j]) for j in range(24) if j != i)[:4]
        logs += [math.log(near[3] / t) for t in near[:3]]
    expected = (24 * 3 - 1) / sum(logs)
    assert code_dimension(Z, 4) == pytest.approx(expected, rel=1e-12)
    assert code_dimension(np.concatenate([Z, Z[:5]]), 4) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("codes", "neighbours", "words"),
    [
        (np.zeros((9, 2)), 2, "the code is constant"),
        (Z, 1, "at least 2"),
        (Z, 24, "different codes"),
        (np.eye(6), 2, "regular grid"),
    ],
)
def test_codes_without_a_dimension_are_refused(codes: np.ndarray, neighbours: int, words: str):
    """An estimate that would be infinite or 0 / 0 says why there is none."""
    with pytest.raises(UsageError, match=words):
        code_dimension(codes, neighbours)


def test_units_that_vary_are_active():
    """Two of three coordinates have a variance above the threshold."""
    codes = np.column_stack([Z, np.full(24, 5.0)])
    variances = unit_variances(codes)
    assert variances == pytest.approx(codes.var(axis=0, ddof=1))
    assert active_units(variances, 0.01) == 2
