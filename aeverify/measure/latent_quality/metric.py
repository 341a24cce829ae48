"""Scores of distances: stress, correlations, triplets and densities.

With d_ij the distances in the data and c_ij those of the codes, over pairs i < j:

- stress is (sum (d - c)^2 / sum d^2)^(1/2). It changes with the unit of the codes. Over all scales a of the codes,
  sum (d - a c)^2 is least at a = sum d c / sum c^2, where the stress is (1 - (sum d c)^2 / (sum d^2 sum c^2))^(1/2), in
  [0, 1] by the Cauchy-Schwarz inequality: the scale-free stress. Constant codes have stress 1 at every scale.
- A triplet (i; a, b) is right where the signs of d_ia - d_ib and c_ia - c_ib agree. Equal distances agree with equal
  ones only, so constant codes have accuracy 0 wherever the data's distances differ.
- The density of a point is f_i = sum_j exp(-(d_ij / max d)^2 / sigma), over j with i itself, normalised to sum 1; the
  divergence is sum_i p_i log(p_i / q_i) with p that of the data and q that of the codes. It is 0 or more by Gibbs'
  inequality, and f_i >= 1 keeps it finite. Constant codes have the uniform density.
"""

from __future__ import annotations

import math

import numpy as np

from aeverify.core.seeds import Seed
from aeverify.measure.evaluation import generator
from aeverify.measure.latent_quality.distances import FloatArray, IndexArray


def stresses(data: FloatArray, codes: FloatArray) -> dict[str, float]:
    """Stress and scale-free stress of condensed distances; the data's are not all 0."""
    # in units of the largest distance: squares of 1e200 would overflow
    unit = float(data.max())
    d, c = data / unit, codes / unit
    squares, other, mixed = float(d @ d), float(c @ c), float(d @ c)
    plain = d - c
    free = 1.0
    if other > 0.0:
        # the difference itself, not 1 - cos^2, which would lose half of the digits of a small stress
        left = d - (mixed / other) * c
        free = min(math.sqrt(float(left @ left) / squares), 1.0)
    return {"stress": math.sqrt(float(plain @ plain) / squares), "scale_free_stress": free}


def correlation(a: FloatArray, b: FloatArray) -> float | None:
    """Pearson's correlation, in [-1, 1]; None where one of the two is constant."""
    x, y = a - a.mean(), b - b.mean()
    x_size, y_size = float(np.linalg.norm(x)), float(np.linalg.norm(y))
    floor_x, floor_y = (1e-14 * float(np.abs(v).max()) * math.sqrt(len(v)) for v in (a, b))
    if x_size <= floor_x or y_size <= floor_y:
        return None
    return min(max(float((x / x_size) @ (y / y_size)), -1.0), 1.0)


def mean_ranks(values: FloatArray) -> FloatArray:
    """Ranks (n,) from 0, equal values sharing the mean of theirs."""
    order = np.argsort(values)
    rising = values[order]
    starts = np.flatnonzero(np.concatenate([[True], rising[1:] != rising[:-1]]))
    counts = np.diff(np.concatenate([starts, [len(values)]]))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(starts + (counts - 1) / 2.0, counts)
    return ranks


def shepard(data: FloatArray, codes: FloatArray) -> dict[str, float | None]:
    """Correlations of condensed distances, of the numbers and of their ranks (equal ones share the mean rank)."""
    pearson = correlation(data, codes)
    # distances that are constant up to rounding have no ranks to correlate either
    spearman = None if pearson is None else correlation(mean_ranks(data), mean_ranks(codes))
    return {"shepard_pearson": pearson, "shepard_spearman": spearman}


def draw_triplets(points: int, count: int, seed: Seed) -> tuple[IndexArray, IndexArray, IndexArray]:
    """`count` independent uniform triples (i, a, b) of three different points."""
    rng = generator(seed, "triplets")
    i = rng.integers(0, points, count)
    a = rng.integers(0, points - 1, count)
    b = rng.integers(0, points - 2, count)
    a += a >= i
    # b skips the two that are taken, the smaller one first
    low, high = np.minimum(i, a), np.maximum(i, a)
    b += b >= low
    b += b >= high
    return i, a, b


def triplet_accuracy(data: FloatArray, codes: FloatArray, count: int, seed: Seed) -> float:
    """Share of right triplets among `count` drawn ones, from the matrices of distances."""
    i, a, b = draw_triplets(len(data), count, seed)
    return float((np.sign(data[i, a] - data[i, b]) == np.sign(codes[i, a] - codes[i, b])).mean())


def density_divergences(data: FloatArray, codes: FloatArray, sigmas: tuple[float, ...]) -> tuple[float, ...]:
    """KL_sigma for each sigma, from the matrices of distances; natural logarithm."""
    squares = []
    for matrix in (data, codes):
        largest = float(matrix.max())
        squares.append(np.square(matrix / largest) if largest > 0.0 else matrix)
    found = []
    for sigma in sigmas:
        p, q = (np.exp(s * (-1.0 / sigma)).sum(axis=1) for s in squares)
        p, q = p / p.sum(), q / q.sum()
        found.append(max(float(p @ np.log(p / q)), 0.0))
    return tuple(found)
