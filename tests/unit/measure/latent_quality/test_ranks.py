"""Rank scores against textbook loops, their ranges, their ties and their premises."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from aeverify.errors import UsageError
from aeverify.measure.latent_quality import QualitySettings, coranking_matrix, distances, quality_of_codes, ranks

FloatArray = NDArray[np.float64]
NAMES = ("trustworthiness", "continuity", "mrre_false", "mrre_missing", "neighbours_kept")


def scattered(n: int, seed: int = 3) -> tuple[FloatArray, FloatArray]:
    """n points of R^3, and their first two coordinates with noise for codes."""
    rng = np.random.Generator(np.random.PCG64(seed))
    x = rng.standard_normal((n, 3))
    return x, x[:, :2] + 0.3 * rng.standard_normal((n, 2))


def with_ties(n: int) -> tuple[FloatArray, FloatArray]:
    """Points of a small grid, many of them twice, and codes of few values."""
    rng = np.random.Generator(np.random.PCG64(8))
    return rng.integers(0, 4, (n, 2)).astype(float), rng.integers(0, 5, (n, 1)).astype(float)


def slow_ranks(mine: FloatArray, other: FloatArray) -> list[list[int]]:
    """Rank of j about i: 1 + how many come before it; at one distance the farther one in the other space does."""
    n = len(mine)
    key = [[(mine[i, j], -other[i, j], j) for j in range(n)] for i in range(n)]
    return [
        [0 if i == j else 1 + sum(m not in (i, j) and key[i][m] < key[i][j] for m in range(n)) for j in range(n)]
        for i in range(n)
    ]


def slow_scores(x: FloatArray, z: FloatArray, k: int) -> dict[str, list[float]]:
    """The definitions, one point and one pair at a time."""
    n = len(x)
    d = np.array([[np.linalg.norm(x[i] - x[j]) for j in range(n)] for i in range(n)])
    c = np.array([[np.linalg.norm(z[i] - z[j]) for j in range(n)] for i in range(n)])
    rho, r = slow_ranks(d, c), slow_ranks(c, d)
    largest = sum((n - 2 * s) / s for s in range(1, k + 1))
    out: dict[str, list[float]] = {name: [] for name in NAMES}
    for i in range(n):
        others = [j for j in range(n) if j != i]
        entered = sum(rho[i][j] - k for j in others if r[i][j] <= k < rho[i][j])
        left = sum(r[i][j] - k for j in others if rho[i][j] <= k < r[i][j])
        out["trustworthiness"].append(1 - 2 * entered / (k * (2 * n - 3 * k - 1)))
        out["continuity"].append(1 - 2 * left / (k * (2 * n - 3 * k - 1)))
        false = sum(abs(rho[i][j] - r[i][j]) / r[i][j] for j in others if r[i][j] <= k)
        missing = sum(abs(rho[i][j] - r[i][j]) / rho[i][j] for j in others if rho[i][j] <= k)
        out["mrre_false"].append(false / largest)
        out["mrre_missing"].append(missing / largest)
        out["neighbours_kept"].append(sum(rho[i][j] <= k and r[i][j] <= k for j in others) / k)
    return out


@pytest.mark.parametrize("data", [scattered(32), with_ties(32)], ids=["scattered", "with ties"])
@pytest.mark.parametrize("k", [1, 4, 10])
def test_rank_scores_are_the_textbook_ones(data: tuple[FloatArray, FloatArray], k: int):
    """Every point's own score, with and without tied distances."""
    x, z = data
    expected = slow_scores(x, z, k)
    found = ranks.sample_ranks(distances.pairwise(x), distances.pairwise(z), k)
    assert set(found.values) == set(NAMES)
    for name in NAMES:
        assert found.values[name] == pytest.approx(expected[name], abs=1e-12), name


def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch):
    """A sample that is ranked a few rows at a time has the same scores, partners and curve."""
    x, z = scattered(30)
    d, c = distances.pairwise(x), distances.pairwise(z)
    whole = ranks.sample_ranks(d, c, 5)
    monkeypatch.setattr(ranks, "BLOCK", 100)
    parts = ranks.sample_ranks(d, c, 5)
    assert all((whole.values[name] == parts.values[name]).all() for name in NAMES)
    assert (whole.missing_partner == parts.missing_partner).all()
    assert (whole.q_nx == parts.q_nx).all()


def test_ties_do_not_depend_on_the_order_of_the_rows():
    """Rows in another order have the same scores although most of their distances are tied."""
    x, z = with_ties(40)
    order = np.random.Generator(np.random.PCG64(2)).permutation(40)
    here = ranks.sample_ranks(distances.pairwise(x), distances.pairwise(z), 6)
    there = ranks.sample_ranks(distances.pairwise(x[order]), distances.pairwise(z[order]), 6)
    for name in NAMES:
        assert there.values[name] == pytest.approx(here.values[name][order], abs=1e-12), name


def test_scikit_learn_agrees():
    """Trustworthiness, and continuity as that of the exchanged spaces."""
    manifold = pytest.importorskip("sklearn.manifold")
    x, z = scattered(150)
    for k in (1, 7, 70):
        found = ranks.sample_ranks(distances.pairwise(x), distances.pairwise(z), k).values
        assert found["trustworthiness"].mean() == pytest.approx(
            manifold.trustworthiness(x, z, n_neighbors=k), abs=1e-12
        )
        assert found["continuity"].mean() == pytest.approx(manifold.trustworthiness(z, x, n_neighbors=k), abs=1e-12)


@pytest.mark.parametrize(("n", "k"), [(7, 1), (7, 2), (7, 3), (6, 2)])
def test_the_ranges_are_attained_and_not_left(n: int, k: int):
    """Over all orders of n - 1 others the scores fill [0, 1]: the worst is the reversed order."""
    others = n - 1
    orders = np.array(list(itertools.permutations(range(1, others + 1))), dtype=float)
    codes = np.broadcast_to(np.arange(1.0, others + 1), orders.shape)
    found = ranks.local_ranks(orders, codes, k).values
    assert ("mrre_false" in found) == (3 * k <= n)
    for name, values in found.items():
        assert (values.min(), values.max()) == (pytest.approx(0.0, abs=1e-15), pytest.approx(1.0, abs=1e-15)), name


def test_mean_relative_rank_errors_leave_their_range_beyond_a_third():
    """With k > n / 3 some order has an error above that of the reversed one: why k <= n / 3 is asked for."""
    n, k = 7, 3
    largest = sum(abs(n - 2 * s) / s for s in range(1, k + 1))
    errors = [
        sum(abs(order[s - 1] - s) / s for s in range(1, k + 1)) for order in itertools.permutations(range(1, n), k)
    ]
    assert max(errors) > largest


def test_the_coranking_matrix_counts_pairs():
    """Rows and columns sum to n; its corners are Q_NX; the identity is its diagonal."""
    x, z = scattered(25)
    q = coranking_matrix(x, z)
    assert q.shape == (24, 24)
    assert (q.sum(axis=0) == 25).all() and (q.sum(axis=1) == 25).all()
    curve = quality_of_codes(x, z, neighbours=5).q_nx
    assert curve == pytest.approx([q[:k, :k].sum() / (25 * k) for k in range(1, 25)])
    assert (coranking_matrix(x, x) == 25 * np.eye(24)).all()


def test_areas_of_the_curve_are_the_textbook_ones():
    """Mean, split mean and logarithmic area by loops."""
    x, z = scattered(20)
    curve = quality_of_codes(x, z, neighbours=5)
    q, n = curve.q_nx, 20
    gain = [q[k - 1] - k / (n - 1) for k in range(1, n - 1)]
    split = gain.index(max(gain)) + 1
    r = [((n - 1) * q[k - 1] - k) / (n - 1 - k) for k in range(1, n - 1)]
    area = sum(v / k for k, v in enumerate(r, 1)) / sum(1 / k for k in range(1, n - 1))
    assert curve.scores["q_nx_area"] == pytest.approx(sum(q) / (n - 1))
    assert curve.scores["q_nx_local"] == pytest.approx(sum(q[:split]) / split)
    assert curve.scores["q_nx_global"] == pytest.approx(sum(q[split - 1 :]) / (n - split))
    assert curve.scores["r_nx_log_area"] == pytest.approx(area)


def test_random_codes_have_no_area():
    """Codes that know nothing have R_NX near 0."""
    rng = np.random.Generator(np.random.PCG64(1))
    found = quality_of_codes(rng.standard_normal((300, 3)), rng.standard_normal((300, 2)))
    assert abs(found.scores["r_nx_log_area"] or 1.0) < 0.03


@pytest.mark.parametrize(
    ("points", "codes", "k", "words"),
    [
        (np.zeros((3, 2)), np.zeros((3, 1)), 1, "at least 4"),
        (np.eye(6), np.eye(6), 3, "1 <= k < n/2"),
        (np.eye(6), np.eye(6), 0, "1 <= k < n/2"),
        (np.eye(6), np.eye(5), 1, "one code a point"),
        (np.eye(6), np.full((6, 1), np.nan), 1, "row 0 has NaN"),
        (np.eye(6), np.full((6, 1), np.inf), 1, "infinity"),
        (np.ones((6, 2)), np.eye(6), 1, "All points are the same"),
        (np.zeros((6, 2, 2)), np.eye(6), 1, "flatten"),
        ([["a"] * 2] * 6, np.eye(6), 1, "array of numbers"),
    ],
)
def test_bad_input_is_refused_in_words(points: object, codes: object, k: int, words: str):
    """Nothing below raises in our place."""
    with pytest.raises(UsageError, match=words):
        quality_of_codes(points, codes, neighbours=k)


def test_too_many_points_are_refused_before_they_are_looked_at():
    """The message says how many would do."""
    x = np.arange(4000.0).reshape(2000, 2)
    with pytest.raises(UsageError, match="subsample of at most 129 points"):
        quality_of_codes(x, x, settings=QualitySettings(memory=10**6))
    with pytest.raises(UsageError, match="subsample"):
        coranking_matrix(x, x, memory=10**6)
