"""Contraction: the penalty ||J_E(x)||_F^2 of a contractive autoencoder, measured over K.

||J||_2 <= ||J||_F <= sqrt(min(m, n)) ||J||_2: the root of the penalty at x bounds how much E stretches any direction at
x, its local Lipschitz constant, and exceeds it by a factor of at most sqrt(min(m, n)). For one layer of sigmoids
h = s(W x + b) it is sum_j (h_j (1 - h_j))^2 |W_j|^2 (Rifai, Vincent, Muller, Glorot and Bengio, ICML 2011).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Citation, Evidence
from aeverify.core.seeds import Seed, as_seed
from aeverify.errors import ModelError, NonFiniteOutputError, UsageError
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.counting import share_evidence
from aeverify.measure.evaluation import (
    ROWS,
    require_compatible,
    require_probability,
    require_real,
    sampled_point,
    witness_of,
)

FloatArray = NDArray[np.float64]

RIFAI = Citation(
    "S. Rifai, P. Vincent, X. Muller, X. Glorot and Y. Bengio, Contractive auto-encoders, ICML 2011",
    "",
    "the squared Frobenius norm of the encoder's Jacobian as a penalty",
)
_ROUNDING = 1e-9
"""Relative allowance for rounding in a float64 Jacobian."""


def has_jacobian(autoencoder: Autoencoder) -> bool:
    """Whether E is a torch module, of which derivatives can be taken."""
    from aeverify.autoencoders.networks import ModuleAutoencoder

    return isinstance(autoencoder, ModuleAutoencoder)


def encoder_jacobians(autoencoder: Autoencoder, points: FloatArray) -> FloatArray:
    """J_E at points (N, n), shape (N, m, n), by reverse-mode differentiation in float64; at a kink of a piecewise
    linear E one of its one-sided derivatives.

    Raises:
        UsageError: E is not a torch module.
        ModelError: the module raised, or is not differentiable by torch.

    Cost: m + 1 evaluations of E.
    """
    import torch

    from aeverify.autoencoders.networks import ModuleAutoencoder

    if not isinstance(autoencoder, ModuleAutoencoder):
        raise UsageError(f"{autoencoder.name} is not made of torch modules, so its Jacobian is not known.")
    rows = []
    for i in range(0, len(points), ROWS):
        x = torch.tensor(points[i : i + ROWS], dtype=torch.float64, requires_grad=True)
        try:
            with torch.enable_grad():
                codes = autoencoder.encoder(x)
                # rows do not depend on each other in eval mode, so the sum over them has the row's own gradient
                parts = [
                    torch.autograd.grad(codes[:, j].sum(), x, retain_graph=True)[0]
                    for j in range(autoencoder.latent_dim)
                ]
        except RuntimeError as error:
            raise ModelError(f"The encoder of {autoencoder.name} cannot be differentiated: {error}.") from error
        rows.append(torch.stack(parts, dim=1).numpy())
    return np.concatenate(rows) if rows else np.empty((0, autoencoder.latent_dim, autoencoder.ambient_dim))


def stretched_share(
    autoencoder: Autoencoder,
    manifold: Manifold,
    bound: float,
    *,
    seed: Seed | int = 0,
    draws: int = 100_000,
    alpha: float = 0.01,
) -> Evidence:
    """Share of K on which ||J_E||_F > bound; off it the local Lipschitz constant of E is at most the bound.

    Args:
        autoencoder: a model of torch modules.
        manifold: the set K.
        bound: in code units per unit of the data, at least 0.
        seed: root of the random stream.
        draws: number n of independent uniform draws.
        alpha: probability that the enclosure is wrong.

    Returns:
        Evidence "stretched_share" in [0, 1], STATISTICAL, both ends; the witness is the draw with the largest norm.
        Details: the mean penalty ||J_E||_F^2 of the draws, the largest ||J_E||_F and the largest ||J_E||_2.

    Raises:
        UsageError: a parameter is out of range, or E is not a torch module.
        ModelError: E cannot be differentiated.
        NonFiniteOutputError: a derivative is NaN or infinite.
    """
    require_compatible(autoencoder, manifold)
    level, risk = require_real(bound, "bound", minimum=0.0), require_probability(alpha, "alpha")
    n = require_count(draws, "number of draws")
    sample = manifold.sample(n, as_seed(seed).child("measure", "stretched_share"))
    jacobians = encoder_jacobians(autoencoder, sample.points)
    norms = np.linalg.norm(jacobians, axis=(1, 2))
    if not np.isfinite(norms).all():
        raise NonFiniteOutputError(f"A derivative of the encoder of {autoencoder.name} is NaN or infinite on K.")
    i = int(norms.argmax())
    point = sampled_point(autoencoder, manifold, sample, i)
    return share_evidence(
        "stretched_share",
        norms * (1.0 - _ROUNDING) > level,
        norms * (1.0 + _ROUNDING) > level,
        risk,
        f"||J_E||_F exceeds {level:g}",
        witness=witness_of("point", autoencoder, manifold, (point,), "The largest ||J_E||_F among the draws."),
        details={
            "bound": level,
            "mean_penalty": float((norms**2).mean()),
            "largest_frobenius_norm": float(norms[i]),
            "largest_operator_norm": float(np.linalg.norm(jacobians, 2, axis=(1, 2)).max()),
            "seed": str(seed),
        },
    )
