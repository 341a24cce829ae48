"""Latent quality against scikit-learn's trustworthiness and a plain implementation, in turns on one thread.

    OMP_NUM_THREADS=1 python benchmarks/latent_quality.py [points] [repeats]

scikit-learn computes one score (trustworthiness). `ranks` computes five scores for every point and the whole curve
Q_NX; `all` every score of `quality_of_codes`. `plain` is the textbook: two full sorts a point in a loop over points,
five scores, no curve. CPU seconds, medians of interleaved repeats; scikit-learn has to be installed.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from sklearn.manifold import trustworthiness

from aeverify.measure import quality_of_codes
from aeverify.measure.latent_quality.distances import pairwise
from aeverify.measure.latent_quality.ranks import sample_ranks

K = 10


def plain(x: np.ndarray, z: np.ndarray) -> float:
    """Means of the five rank scores, point by point; the first is returned."""
    n, totals = len(x), np.zeros(5)
    for i in range(n):
        ranks = []
        for rows in (x, z):
            distance = np.sqrt(((rows - rows[i]) ** 2).sum(axis=1))
            distance[i] = -1.0
            rank = np.empty(n, dtype=int)
            rank[np.argsort(distance)] = np.arange(n)
            ranks.append(rank)
        rho, r = ranks
        near_x, near_z = (rho >= 1) & (rho <= K), (r >= 1) & (r <= K)
        totals += (
            1 - 2 * np.maximum(rho[near_z] - K, 0).sum() / (K * (2 * n - 3 * K - 1)),
            1 - 2 * np.maximum(r[near_x] - K, 0).sum() / (K * (2 * n - 3 * K - 1)),
            (np.abs(rho - r)[near_z] / r[near_z]).sum(),
            (np.abs(rho - r)[near_x] / rho[near_x]).sum(),
            (near_x & near_z).sum() / K,
        )
    return float(totals[0] / n)


def main(points: int, repeats: int) -> None:
    """Print one line a method."""
    rng = np.random.Generator(np.random.PCG64(0))
    x = rng.standard_normal((points, 10))
    z = x[:, :2] + 0.1 * rng.standard_normal((points, 2))
    methods: dict[str, Callable[[], float]] = {
        "scikit-learn, one score": lambda: float(trustworthiness(x, z, n_neighbors=K)),
        "plain, five scores": lambda: plain(x, z),
        "ranks, five scores and Q_NX": lambda: float(
            sample_ranks(pairwise(x), pairwise(z), K).values["trustworthiness"].mean()
        ),
        "all, quality_of_codes": lambda: float(quality_of_codes(x, z, neighbours=K).scores["trustworthiness"] or 0.0),
    }
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    values: dict[str, float] = {}
    for _ in range(repeats):
        for name, method in methods.items():
            start = time.process_time()
            values[name] = method()
            seconds[name].append(time.process_time() - start)
    first = statistics.median(next(iter(seconds.values())))
    sys.stdout.write(f"{points} points in R^10, codes in R^2, k = {K}, {repeats} repeats\n")
    for name in methods:
        middle = statistics.median(seconds[name])
        sys.stdout.write(f"{name:30} {middle:7.3f} s  {middle / first:6.2f} x  trustworthiness {values[name]:.12f}\n")
    if max(values.values()) - min(values.values()) > 1e-12:
        raise SystemExit("the methods disagree")


if __name__ == "__main__":
    main(*(int(a) for a in (sys.argv[1:] or ["2000", "5"])))
