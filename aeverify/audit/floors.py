"""Floors: numbers that no model of a class gets below, and ceilings: numbers that some model of it comes as near to as
one likes. No model is trained or evaluated here.

Write e(x) = |D(E(x)) - x| on the compact set K, B for a lower bound of the width w_m(K') of a closed connected part K'
of K, k for its dimension, mu for its volume and L for a Lipschitz constant of D after E along K'.

**Worst error.** e reaches w_m(K) or more (the definition of the width).

**Bad set, Lipschitz models.** e is (L + 1)-Lipschitz along K' and reaches B at some x*. So {e > t} holds the ball of
radius (B - t)/(L + 1) about x*, and its share of K is at least v((B - t)/(L + 1))/mu(K), with v the least volume of a
ball of K' of that radius (`aeverify.claims.volumes`).

**Mean errors, Lipschitz models.** Mean of e = integral over t > 0 of the share of {e > t}: at least the integral over
[0, B] of v((B - t)/(L + 1)) dt/mu(K); for curves B^2/((L + 1) mu(K)), as v(r) = 2 r. Mean of e^2: see
`aeverify.claims.mse_floor`. Without L these infima are 0: K has continuous models that are exact off as small a set as
one likes (Kvalheim and Sontag 2024, Theorem 2, for m = dim K; for every m >= 1, number the cells of a fine grid).

**Affine decoders.** The image of D lies in an affine subspace A of dimension m, so the mean of e^2 is at least the
least mean of d(x, A)^2: the sum of the n - m smallest eigenvalues of the covariance of the uniform law on K (Eckart
and Young 1936). Of N independent points the sum of the smallest empirical eigenvalues, F_N, is a minimum over A of
means, so its expectation is at most the minimum of the expectations, F. One point moves F_N by at most d^2/N, d the
diameter (the best A passes through the mean of the points). By McDiarmid's inequality
F >= F_N - d^2 sqrt(log(1/alpha)/(2 N)) with probability 1 - alpha. And sup e >= sqrt(mean of e^2).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from aeverify import widths
from aeverify.audit.ledger import Statement
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed
from aeverify.manifolds import Manifold, manifold

KVALHEIM_SONTAG = "M. D. Kvalheim and E. D. Sontag, Why should autoencoders work?, TMLR 2024 (arXiv:2310.02250)"
ECKART_YOUNG = Citation(
    "C. Eckart and G. Young, The approximation of one matrix by another of lower rank, Psychometrika 1 (1936)",
    "",
    "the best approximation of rank m leaves the sum of the smaller squared singular values",
)
ALPHA = 1e-6
"""Error probability of the one statistical floor, of affine decoders; far below the budget of any run."""

_DRAWS = 200_000
_MOST_AMBIENT_DIM = 64
_LAYERS = 500


def floors(statement: Statement) -> Iterator[Evidence]:
    """Lower bounds of the quantity of the statement for every model of its class, the cheap ones first.

    Nothing for models that may jump: R^n has a bijection with R^m, so that some of those are perfect on every set.
    """
    if statement.functions == "any" or statement.latent_dim is None:
        return
    k, m = manifold(statement.set), statement.latent_dim
    if statement.quantity == "sup-error":
        yield widths.closed_lower_bound(k, m)
        if statement.functions == "affine-decoder":
            yield from _affine_floors(k, m, statement)
        yield widths.best_lower(k, m)
    elif statement.functions == "affine-decoder" and statement.quantity == "mean-squared-error":
        yield from _affine_floors(k, m, statement)
    elif statement.functions == "lipschitz":
        found = _lipschitz_floor(k, m, statement)
        if found is not None:
            yield found


def ceiling(statement: Statement) -> Evidence | None:
    """Upper bound of the infimum of the quantity over the class: some model comes as near to it as one likes. None
    where none is known."""
    if statement.latent_dim is None:
        return None
    k, m = manifold(statement.set), statement.latent_dim
    if statement.functions == "any":
        proof = (
            "R^n and R^m have the same cardinality: a bijection between them and its inverse are E and D, exact on K."
        )
        return _derived(statement.quantity, Interval.exactly(0.0), proof) if _is_error(statement) else None
    if statement.quantity == "sup-error":
        if statement.functions == "continuous":
            return widths.upper_bounds(k, m)[0]
        radius = k.truth.circumradius.upper
        return _derived("sup-error", Interval(0.0, radius), "The constant at the centre of the smallest ball about K.")
    if statement.functions == "continuous" and _is_error(statement):
        if statement.quantity == "bad-set-share" and statement.level == 0.0:
            return None
        proof = (
            "Divide K into small cells, give each cell a number of its own and let the codes run from one number to "
            "the next in thin layers between the cells: continuous models that are nearly exact off as small a set as "
            "one likes. For m = dim K they are exact off it."
        )
        cited = Citation(KVALHEIM_SONTAG, "Theorem 2", "errors below epsilon off a set of measure below delta")
        return _derived(statement.quantity, Interval.exactly(0.0), proof, cited)
    return None


def is_positive_but_small(statement: Statement) -> Evidence | None:
    """The width, where it shows that the quantity is above 0 though its infimum over the class may be 0: then e
    exceeds the level on an open, non-empty set of a closed part of K. None elsewhere."""
    if statement.functions == "any" or statement.latent_dim is None:
        return None
    if statement.quantity not in ("mean-error", "mean-squared-error", "bad-set-share"):
        return None
    level = statement.level or 0.0
    for part in manifold(statement.set).connected_components:
        if part.truth.closed:
            bound = widths.best_lower(part, statement.latent_dim)
            if bound.lower > level:
                return bound
    return None


def _is_error(statement: Statement) -> bool:
    return statement.quantity in ("sup-error", "mean-error", "mean-squared-error", "bad-set-share", "sampled-maximum")


def _lipschitz_floor(k: Manifold, m: int, statement: Statement) -> Evidence | None:
    """The best floor of a share or a mean that a Lipschitz constant gives on one closed part of K."""
    assert statement.lipschitz is not None
    best: Evidence | None = None
    for part in k.connected_components:
        if not part.truth.closed or part.truth.dimension < 1:
            continue
        bound = widths.best_lower(part, m)
        value = _on_part(part, bound.lower, statement)
        value = value / k.truth.volume.upper * (1.0 - 2.0**-48)
        if value > 0 and (best is None or value > best.lower):
            best = Evidence(
                statement.quantity,
                Interval.at_least(value),
                Rigor.CERTIFIED,
                f"Lower end by the largest ball that the Lipschitz constant {statement.lipschitz:g} forces into the "
                f"set of large errors, with w_{m} >= {bound.lower:.6g} ({bound.details['name']}).",
                citations=(Citation(KVALHEIM_SONTAG, "remarks after Theorem 2"), *bound.citations),
                witness=bound.witness,
                details={
                    "name": "Lipschitz floor",
                    "proof": "e is (L + 1)-Lipschitz and reaches B = w_m, so {e > t} holds a ball of radius "
                    "(B - t)/(L + 1), whose volume the reach bounds from below.",
                    "width": bound.lower,
                },
            )
    return best


def _on_part(part: Manifold, b: float, statement: Statement) -> float:
    """Lower bound of the volume of {e > level}, or of the integral of e or of e^2, over one closed part."""
    from aeverify.claims.mse_floor import square_integral_lower
    from aeverify.claims.volumes import ball_volume_lower

    assert statement.lipschitz is not None
    truth, steep = part.truth, statement.lipschitz + 1.0
    if statement.quantity == "bad-set-share":
        rest = b - (statement.level or 0.0)
        return ball_volume_lower(truth.dimension, truth.reach.lower, rest / steep * (1.0 - 2.0**-50))
    if statement.quantity == "mean-squared-error":
        return square_integral_lower(truth.dimension, truth.reach.lower, b, statement.lipschitz)
    if statement.quantity != "mean-error" or b <= 0:
        return 0.0
    if truth.dimension == 1:
        # a closed curve is at least 4 B long, so that a ball of radius B/(L + 1) does not meet itself
        return b * b / steep * (1.0 - 1e-12)
    ends = [b * i / _LAYERS for i in range(_LAYERS + 1)]
    layers = (
        (high - low) * ball_volume_lower(truth.dimension, truth.reach.lower, (b - high) / steep * (1.0 - 1e-14))
        for low, high in itertools.pairwise(ends)
    )
    return math.fsum(layers) * (1.0 - 1e-11)


def _affine_floors(k: Manifold, m: int, statement: Statement) -> Iterator[Evidence]:
    """What Eckart and Young leave of the variance of K, with confidence 1 - `ALPHA`."""
    if k.ambient_dim > _MOST_AMBIENT_DIM or m >= k.ambient_dim:
        return
    points = k.sample(_DRAWS, Seed(0).child("audit", "affine floor", str(k))).points
    centred = points - points.mean(axis=0)
    values = np.linalg.eigvalsh(centred.T @ centred / len(points))
    left = float(values[: k.ambient_dim - m].sum()) - 1e-9 * float(values.sum())
    slack = k.truth.diameter.upper**2 * math.sqrt(math.log(1.0 / ALPHA) / (2.0 * _DRAWS))
    value = max(left - slack, 0.0)
    yield Evidence(
        statement.quantity,
        Interval.at_least(value if statement.quantity == "mean-squared-error" else math.sqrt(value)),
        Rigor.STATISTICAL,
        f"Lower end: the {k.ambient_dim - m} smallest eigenvalues of the covariance of {_DRAWS} uniform points sum to "
        f"{left:.6g}, less {slack:.3g} for the draw (McDiarmid)"
        + ("." if statement.quantity == "mean-squared-error" else "; sup e is at least the root of the mean of e^2."),
        confidence=1.0 - ALPHA,
        citations=(ECKART_YOUNG,),
        details={
            "name": "Eckart-Young floor",
            "proof": "The image of an affine D lies in an affine subspace of dimension m; the mean squared distance of "
            "K to the best one is the sum of the n - m smallest eigenvalues of its covariance.",
        },
    )


def _derived(quantity: str, interval: Interval, proof: str, *citations: Citation) -> Evidence:
    return Evidence(
        quantity,
        interval,
        Rigor.EXACT,
        f"Upper end: {proof}",
        citations=citations or (Citation("derived in aeverify.audit.floors"),),
        details={"name": "construction", "proof": proof},
    )
