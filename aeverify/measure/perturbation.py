"""Perturbed inputs: what a model makes of a point of K with noise on it, or with coordinates hidden.

x is uniform in the intrinsic measure of K, x~ = x + sigma xi with xi standard normal in R^n, or x~ is x with each
coordinate replaced by a fill value independently with a given probability. Every number here is the probability of an
event of one such pair (x, x~), enclosed from independent pairs (`counting`): STATISTICAL, true of any model. An event
that rounding could put on either side widens the interval.

**Copy ratio** |f(x~) - x~| / |x~ - x|, f = D after E: 0 for the identity, for which x~ is as good an input as x.
**Denoising** |f(x~) - x| < |x~ - x|: the output is nearer to the clean point than the input was. The identity only
ties. A projection to a linear K of dimension d in R^n has |f(x~) - x|^2 = sigma^2 chi^2_d against sigma^2 chi^2_n,
and wins with probability 1 for d < n.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence
from aeverify.core.seeds import Seed, as_seed
from aeverify.core.witness import Witness, WitnessPoint
from aeverify.manifolds.base import Manifold, Sample, require_count
from aeverify.measure.counting import share_evidence
from aeverify.measure.evaluation import (
    Values,
    evaluate_points,
    generator,
    require_compatible,
    require_probability,
    require_real,
    sampled_point,
    witness_of,
)

FloatArray = NDArray[np.float64]
_Disturb = Callable[[FloatArray, np.random.Generator], FloatArray]


def noisy_bad_share(
    autoencoder: Autoencoder,
    manifold: Manifold,
    epsilon: float,
    noise: float,
    *,
    seed: Seed | int = 0,
    draws: int = 100_000,
    alpha: float = 0.01,
) -> Evidence:
    """Probability that |D(E(x + noise xi)) - x| > epsilon.

    Args:
        autoencoder: the model.
        manifold: the set K.
        epsilon: error level, in the units of the data, at least 0.
        noise: standard deviation on each coordinate, above 0.
        seed: root of the random stream.
        draws: number n of independent pairs.
        alpha: probability that the enclosure is wrong.

    Returns:
        Evidence "noisy_bad_share" in [0, 1], STATISTICAL, both ends; the witness is the pair with the largest error.

    Raises:
        UsageError: a parameter is out of range.
        NonFiniteOutputError: NaN or infinity came out.

    Cost: n evaluations of the model.
    """
    level = require_real(epsilon, "error level", minimum=0.0)
    sigma = require_real(noise, "noise", minimum=1e-300)
    pair = _pairs(autoencoder, manifold, _noise(sigma), seed, draws, "noisy_bad_share")
    return _bad(autoencoder, manifold, pair, level, alpha, "noisy_bad_share", f"noise {sigma:g}", {"noise": sigma})


def masked_bad_share(
    autoencoder: Autoencoder,
    manifold: Manifold,
    epsilon: float,
    hidden: float,
    *,
    fill: float = 0.0,
    seed: Seed | int = 0,
    draws: int = 100_000,
    alpha: float = 0.01,
) -> Evidence:
    """Probability that |D(E(x~)) - x| > epsilon, x~ being x with each coordinate replaced by `fill` with probability
    `hidden`, independently.

    Returns, raises, cost: as `noisy_bad_share`, for the Evidence "masked_bad_share".
    """
    level = require_real(epsilon, "error level", minimum=0.0)
    share, value = require_probability(hidden, "share of hidden coordinates"), require_real(fill, "fill value")

    def hide(points: FloatArray, rng: np.random.Generator) -> FloatArray:
        return np.where(rng.random(points.shape) < share, value, points)

    pair = _pairs(autoencoder, manifold, hide, seed, draws, "masked_bad_share")
    words = f"each coordinate hidden with probability {share:g}"
    return _bad(autoencoder, manifold, pair, level, alpha, "masked_bad_share", words, {"hidden": share, "fill": value})


def copy_share(
    autoencoder: Autoencoder,
    manifold: Manifold,
    noise: float,
    ratio: float = 0.1,
    *,
    seed: Seed | int = 0,
    draws: int = 100_000,
    alpha: float = 0.01,
) -> Evidence:
    """Probability that |D(E(x~)) - x~| <= ratio |x~ - x| with x~ = x + noise xi: that the noise is copied.

    Returns, raises, cost: as `noisy_bad_share`, for the Evidence "copy_share"; `ratio` lies in (0, 1); the details have
    the median copy ratio of the draws.
    """
    sigma, most = require_real(noise, "noise", minimum=1e-300), require_probability(ratio, "copy ratio")
    clean, values = _pairs(autoencoder, manifold, _noise(sigma), seed, draws, "copy_share")
    moved = np.linalg.norm(values.points - clean.points, axis=1)
    pad = 2.0 * values.allowance
    quotient = values.errors / np.maximum(moved, 1e-300)
    return share_evidence(
        "copy_share",
        values.errors + pad <= most * moved,
        values.errors - pad <= most * moved,
        require_probability(alpha, "alpha"),
        f"|D(E(x~)) - x~| <= {most:g} |x~ - x| under noise {sigma:g}",
        witness=_witness(
            autoencoder,
            manifold,
            clean,
            values,
            int(quotient.argmin()),
            "A point of K, and with noise on it: its copy.",
        ),
        details={"noise": sigma, "ratio": most, "median_copy_ratio": float(np.median(quotient)), "seed": str(seed)},
    )


def denoising_share(
    autoencoder: Autoencoder,
    manifold: Manifold,
    noise: float,
    margin: float = 1e-6,
    *,
    seed: Seed | int = 0,
    draws: int = 100_000,
    alpha: float = 0.01,
) -> Evidence:
    """Probability that |D(E(x~)) - x| < (1 - margin) |x~ - x| with x~ = x + noise xi: that the output is cleaner.

    Returns, raises, cost: as `noisy_bad_share`, for the Evidence "denoising_share". The margin, in (0, 1), makes the
    tie of the identity a loss instead of a matter of rounding. A lower end above 1/2 is the sign test.
    """
    sigma, least = require_real(noise, "noise", minimum=1e-300), require_probability(margin, "margin")
    clean, values = _pairs(autoencoder, manifold, _noise(sigma), seed, draws, "denoising_share")
    moved = np.linalg.norm(values.points - clean.points, axis=1)
    after = np.linalg.norm(values.reconstructions - clean.points, axis=1)
    pad = 2.0 * values.allowance
    bar = (1.0 - least) * moved
    worst = int((after - moved).argmax())
    return share_evidence(
        "denoising_share",
        after + pad < bar,
        after - pad < bar,
        require_probability(alpha, "alpha"),
        f"|D(E(x~)) - x| < (1 - {least:g}) |x~ - x| under noise {sigma:g}",
        witness=_witness(
            autoencoder, manifold, clean, values, worst, "A point of K, and with noise on it: made worse the most."
        ),
        details={
            "noise": sigma,
            "margin": least,
            "median_gain": float(np.median(1.0 - after / np.maximum(moved, 1e-300))),
            "seed": str(seed),
        },
    )


def _noise(sigma: float) -> _Disturb:
    return lambda points, rng: points + sigma * rng.standard_normal(points.shape)


def _pairs(
    autoencoder: Autoencoder, manifold: Manifold, disturb: _Disturb, seed: Seed | int, draws: int, name: str
) -> tuple[Sample, Values]:
    """Clean draws of K, and the model at what became of them."""
    require_compatible(autoencoder, manifold)
    n = require_count(draws, "number of draws")
    root = as_seed(seed).child("measure", name)
    clean = manifold.sample(n, root.child("points"))
    moved = disturb(clean.points, generator(root, "disturbance"))
    return clean, evaluate_points(autoencoder, str(manifold), moved, clean.component, np.empty((n, 0)))


def _bad(
    autoencoder: Autoencoder,
    manifold: Manifold,
    pair: tuple[Sample, Values],
    epsilon: float,
    alpha: float,
    quantity: str,
    how: str,
    settings: dict[str, float],
) -> Evidence:
    clean, values = pair
    errors = np.linalg.norm(values.reconstructions - clean.points, axis=1)
    pad = 2.0 * values.allowance
    return share_evidence(
        quantity,
        errors > epsilon + pad,
        errors > epsilon - pad,
        require_probability(alpha, "alpha"),
        f"|D(E(x~)) - x| > {epsilon:g} with {how}",
        witness=_witness(
            autoencoder,
            manifold,
            clean,
            values,
            int(errors.argmax()),
            "A point of K, and what the model was given for it: the largest error from the clean point.",
        ),
        details={
            "threshold": epsilon,
            **settings,
            "median_error": float(np.median(errors)),
            "largest_error": float(errors.max()),
        },
    )


def _witness(autoencoder: Autoencoder, manifold: Manifold, clean: Sample, values: Values, i: int, note: str) -> Witness:
    """The clean point of K by its parameters, and the disturbed one by its coordinates, each evaluated alone."""
    first = sampled_point(autoencoder, manifold, clean, i)
    alone = evaluate_points(autoencoder, str(manifold), values.points[i : i + 1], first.component, np.empty((1, 0)))
    second = WitnessPoint(
        component=first.component,
        parameters=(),
        point=tuple(map(float, alone.points[0])),
        code=tuple(map(float, alone.codes[0])),
        reconstruction=tuple(map(float, alone.reconstructions[0])),
        error=float(alone.errors[0]),
    )
    return witness_of("point", autoencoder, manifold, (first, second), note)
