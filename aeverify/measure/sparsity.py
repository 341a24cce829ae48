"""Sparsity of codes: how often a coordinate of a code is (nearly) zero."""

from __future__ import annotations

import numpy as np

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence
from aeverify.core.seeds import Seed, as_seed
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.counting import share_evidence
from aeverify.measure.evaluation import encode, generator, require_compatible, require_probability, require_real


def sparse_share(
    autoencoder: Autoencoder,
    manifold: Manifold,
    level: float = 1e-3,
    *,
    seed: Seed | int = 0,
    draws: int = 100_000,
    alpha: float = 0.01,
) -> Evidence:
    """Probability that |E_j(x)| <= level for x uniform on K and j uniform among the coordinates of the code.

    Each draw is one pair (x, j), so the draws are independent and have exact binomial limits, which the coordinates of
    one code would not. A code that is the same everywhere may be as sparse as one likes: read it beside the error.

    Args:
        autoencoder: the model.
        manifold: the set K.
        level: what counts as zero, in the units of the codes, at least 0. Codes are compared as they are computed, in
            float64, so that a level within rounding of a common value of |E_j| decides by rounding.
        seed: root of the random stream.
        draws: number n of independent pairs.
        alpha: probability that the enclosure is wrong.

    Returns:
        Evidence "sparse_share" in [0, 1], STATISTICAL, both ends; the details have the share of the pairs for each
        coordinate, and the number of coordinates that are never above the level (dead ones).

    Raises:
        UsageError: a parameter is out of range.
        NonFiniteOutputError: NaN or infinity came out on K.

    Cost: n evaluations of E.
    """
    require_compatible(autoencoder, manifold)
    zero, risk = require_real(level, "level", minimum=0.0), require_probability(alpha, "alpha")
    n, root = require_count(draws, "number of draws"), as_seed(seed).child("measure", "sparse_share")
    sample = manifold.sample(n, root.child("points"))
    codes = np.abs(encode(autoencoder, manifold, sample.points, sample.component, sample.parameters))
    picked = generator(root, "coordinates").integers(autoencoder.latent_dim, size=n)
    small = codes[np.arange(n), picked] <= zero
    shares = (codes <= zero).mean(axis=0)
    return share_evidence(
        "sparse_share",
        small,
        small,
        risk,
        f"a random coordinate of the code is at most {zero:g} in magnitude",
        details={
            "level": zero,
            "shares": [float(s) for s in shares],
            "dead": int((shares == 1.0).sum()),
            "seed": str(seed),
        },
    )
