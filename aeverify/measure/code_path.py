"""The price of a one-dimensional code: a decoder that visits many points has to run a long way.

Let z_i = E(x_i) be codes of N points on the line, sorted. D runs through D(z_1), ..., D(z_N) in this order, so with L
its Lipschitz constant on [z_1, z_N]

    L (z_N - z_1) >= sum |D(z_{i+1}) - D(z_i)| >= MST(D(z_i)) >= MST(x_i) - 2 sum_i e(x_i),

MST being the length of a minimum spanning tree: a polyline through all points is a spanning tree, and moving the ends
of an edge by e_i and e_j changes its length by at most e_i + e_j, which over the edges of the polyline adds up to at
most 2 sum e_i. (Without the errors it is true at error 0 only: a constant decoder pays nothing.) A model that puts all
its training points on a line and back pays this price whatever its size.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder, Part
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.errors import InvariantError, NonFiniteOutputError, UsageError

FloatArray = NDArray[np.float64]

_MOST = 2_000


def decoder_travel(autoencoder: Autoencoder, points: FloatArray) -> tuple[Evidence, Evidence]:
    """What a decoder with a one-dimensional code travels over the codes of the points, and what it has to.

    Args:
        autoencoder: a model with latent_dim 1.
        points: shape (N, n), 2 <= N; of more than 2,000 the first 2,000 are used.

    Returns:
        Evidence "lipschitz_times_code_range" of L (z_N - z_1): from below by the steepest of the pieces between
        neighbouring codes, from above by the model's own bound of L where it has one; and Evidence "tour_length", the
        largest of the three lower bounds, [length less an allowance, inf), details: each of the three. EMPIRICAL, in
        the units of the data.

    Raises:
        UsageError: another latent dimension, or unusable points.
        NonFiniteOutputError: NaN or infinity came out.
        InvariantError: D is steeper between two codes than the model's bound of its Lipschitz constant allows.

    Cost: N evaluations and N^2 distances.
    """
    if autoencoder.latent_dim != 1:
        raise UsageError(f"The codes of {autoencoder.name} have {autoencoder.latent_dim} numbers; one is expected.")
    if points.ndim != 2 or len(points) < 2 or points.shape[1] != autoencoder.ambient_dim:
        raise UsageError(f"Expected points of shape (N, {autoencoder.ambient_dim}), N >= 2, got {points.shape}.")
    used = np.unique(points[:_MOST], axis=0)
    codes = autoencoder.encode(used)[:, 0]
    order = np.argsort(codes)
    z = codes[order]
    path = autoencoder.decode(z[:, None])
    if not (np.isfinite(z).all() and np.isfinite(path).all()):
        raise NonFiniteOutputError(f"{autoencoder.name} returned NaN or infinity; finite outputs are expected.")
    steps, widths = np.linalg.norm(np.diff(path, axis=0), axis=1), np.diff(z)
    apart = widths > 0
    steep = float((steps[apart] / widths[apart]).max(initial=0.0))
    span = float(z[-1] - z[0])
    errors = np.linalg.norm(path - used[order], axis=1)
    tree, image = spanning_length(used), spanning_length(path)
    tour = math.fsum(steps[apart].tolist())
    least = max(tour, image, tree - 2.0 * math.fsum(errors.tolist()))
    pad = 1e-9 * max(tour, tree, float(np.abs(used).max()))
    above = autoencoder.lipschitz(Part.DECODER)
    top = math.inf if above is None else above.upper * span * (1.0 + 1e-12) + pad
    if top < steep * span:
        raise InvariantError(
            f"{autoencoder.name} says that D has a Lipschitz constant of at most {top / span:.6g}, but it has a piece "
            f"of slope {steep:.6g}: one of the two is wrong."
        )
    travel = Evidence(
        "lipschitz_times_code_range",
        Interval(steep * span, top),
        Rigor.EMPIRICAL,
        f"Lower end: the steepest of {len(z) - 1} pieces between neighbouring codes times the code range. Upper end: "
        + ("none, no bound of D's Lipschitz constant is known." if above is None else "the model's bound of L."),
        details={"steepest_piece": steep, "code_range": span, "points": len(used)},
    )
    tour_length = Evidence(
        "tour_length",
        Interval.at_least(max(least - pad, 0.0)),
        Rigor.EMPIRICAL,
        f"Lower end: the largest of polyline, spanning tree of the outputs, and spanning tree of the {len(used)} "
        "points less twice the sum of their errors, in float64 less an allowance.",
        details={
            "polyline": tour,
            "spanning_tree_of_outputs": image,
            "spanning_tree_of_points": tree,
            "sum_of_errors": math.fsum(errors.tolist()),
        },
    )
    return travel, tour_length


def spanning_length(points: FloatArray) -> float:
    """Length of a minimum spanning tree of points (N, n), by Prim's method: N^2 distances, one row at a time."""
    x = points
    near = np.linalg.norm(x - x[0], axis=1)
    open_ = np.ones(len(x), dtype=bool)
    open_[0] = False
    total = []
    for _ in range(len(x) - 1):
        i = int(np.where(open_, near, math.inf).argmin())
        total.append(float(near[i]))
        open_[i] = False
        near = np.minimum(near, np.linalg.norm(x - x[i], axis=1))
    return math.fsum(total)
