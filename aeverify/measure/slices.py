"""Slices: the tear of every closed slice of a surface that is coded by one number.

With codes of one number, each closed curve K' in K (a parallel circle of a torus, say)
has w_1(K') > 0 of its own. Let x(t) run once round K' in a period P. E(x(t)) - E(x(t + P/2)) changes its sign over half
a period, so some pair has one code, and one of its points errs by at least half the distance of the pair: the slice has
a point with e >= (1/2) min_t |x(t) - x(t + P/2)|. For the torus of revolution with radii R > r the slice at angle v has
the bound R + r cos v >= R - r; so {e >= R - r} meets every parallel circle, its image under the 1-Lipschitz map
(x, y, z) -> (|(x, y)|, z) is the whole meridian circle, and its one-dimensional Hausdorff measure is at least 2 pi r. A
tear that is a point, or a set of small length, is impossible.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.witness import Witness
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.evaluation import (
    at_parameters,
    certified_error,
    encode,
    require_compatible,
    witness_of,
    witness_point,
)
from aeverify.measure.ranges import Ranges, image_balls, ranges_of
from aeverify.measure.search import bisect

FloatArray = NDArray[np.float64]

SLICES = Citation(
    "derived in aeverify.measure.slices",
    "every slice has its own tear",
    "two points half a period apart share a code of one number",
)


def slice_maxima(
    autoencoder: Autoencoder,
    manifold: Manifold,
    component: int = 0,
    *,
    axis: int = 0,
    slices: int = 16,
    nodes: int = 256,
) -> tuple[Evidence, ...]:
    """The worst error found on each of several closed curves of a component, beside the bound that its own tear forces.

    Args:
        autoencoder: a continuous model with codes of one number.
        manifold: the set K.
        component: index of a component with at least 2 parameters, of which `axis` is periodic and mirrors none.
        axis: the parameter that runs along the slices; the slices are at equal steps of the others.
        slices: how many slices for each other parameter.
        nodes: points of a slice.

    Returns:
        One Evidence "sup_error" a slice, [worst error found, certified upper bound over the slice]; details hold
        `slice` (the other parameters) and `bound`, a lower bound, certified, of what every continuous model with
        such codes has on the slice. The witness is the pair with one code. CERTIFIED where the model evaluates in
        ball arithmetic and no end is infinite for another reason; else EMPIRICAL.

    Raises:
        UsageError: codes of more than one number, or no such closed slices.
        NonFiniteOutputError: NaN or infinity came out on K.
    """
    require_compatible(autoencoder, manifold)
    if autoencoder.latent_dim != 1:
        raise UsageError(f"Slices need codes of 1 number, those of {autoencoder.name} have {autoencoder.latent_dim}.")
    if not 0 <= component < len(manifold.components):
        raise UsageError(f"{manifold} has components 0 to {len(manifold.components) - 1}, got {component}.")
    chart = manifold.components[component].chart
    count, n = require_count(slices, "number of slices"), max(8, require_count(nodes, "number of nodes") // 2 * 2)
    mirrored = chart.flips[axis] if chart.flips and 0 <= axis < chart.dim else ()
    if chart.dim < 2 or not 0 <= axis < chart.dim or not chart.periodic[axis] or mirrored:
        raise UsageError(f"Parameter {axis} of component {component} of {manifold} does not run round closed slices.")
    others = [i for i in range(chart.dim) if i != axis]
    steps = [chart.lower[i] + (chart.upper[i] - chart.lower[i]) * (np.arange(count) + 0.5) / count for i in others]
    ranges = ranges_of(autoencoder, manifold)
    made = []
    for place in np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, len(others)):
        made.append(_slice(autoencoder, manifold, component, axis, others, place, n, ranges))
    return tuple(made)


def _slice(
    autoencoder: Autoencoder,
    manifold: Manifold,
    component: int,
    axis: int,
    others: list[int],
    place: FloatArray,
    n: int,
    ranges: Ranges | None,
) -> Evidence:
    chart = manifold.components[component].chart
    low, period = chart.lower[axis], chart.upper[axis] - chart.lower[axis]

    def row(t: FloatArray) -> FloatArray:
        u = np.empty((len(t), chart.dim))
        u[:, others] = place
        u[:, axis] = t
        return u

    # n is even, so that half a period is a whole number of cells
    edges = low + period * (np.arange(n + 1) / n)
    edges[-1] = chart.upper[axis]
    points, radii = image_balls(chart, row(edges[:-1]), row(edges[1:]))
    half = n // 2
    apart = np.linalg.norm(points - np.roll(points, half, axis=0), axis=1) - radii - np.roll(radii, half)
    # the shift by half a period is exact up to the rounding of the edges, which a few units of 2^-52 cover
    pad = 2.0**-44 * (float(np.abs(points).max()) + chart.speed[axis] * (abs(low) + period))
    bound = max(0.0, float(apart.min()) / 2.0 - pad)

    def difference(t: FloatArray) -> FloatArray:
        u, v = row(t), row(low + np.mod(t + period / 2.0 - low, period))
        codes = [encode(autoencoder, manifold, chart.embed(w), component, w)[:, 0] for w in (u, v)]
        return codes[0] - codes[1]

    t = bisect(difference, np.array([low]), np.array([low + period / 2.0]))
    starts = np.array([t[0][0], t[1][0]])
    rows = np.concatenate([row(starts), row(low + np.mod(starts + period / 2.0 - low, period))])
    errors = at_parameters(autoencoder, manifold, component, rows)
    sampled = at_parameters(autoencoder, manifold, component, row(edges[:-1]))
    everything = np.concatenate([rows, row(edges[:-1])])
    worst = everything[int(np.concatenate([errors.errors, sampled.errors]).argmax())]
    known = certified_error(autoencoder, manifold, component, tuple(worst.tolist()))
    point = witness_point(autoencoder, manifold, component, tuple(worst.tolist()))
    lower = known.lower if known is not None else max(0.0, point.error - float(errors.allowance.max()))
    upper = math.inf if ranges is None else float(ranges.errors(component, row(edges[:-1]), row(edges[1:]))[1].max())
    pair = tuple(witness_point(autoencoder, manifold, component, tuple(u)) for u in rows[[0, 2]].tolist())
    witness: Witness = witness_of(
        "collision", autoencoder, manifold, (point, *pair), "The worst point of the slice, and two points of one code."
    )
    return Evidence(
        quantity="sup_error",
        interval=Interval(lower, max(lower, upper)),
        rigor=Rigor.CERTIFIED if known is not None else Rigor.EMPIRICAL,
        method=(
            "Lower end: the worst of a pair half a period apart with one code (bisection) and of sampled points of "
            "the slice" + ("; upper end: ranges of the error on its cells." if math.isfinite(upper) else ".")
        ),
        witness=witness,
        citations=(SLICES,),
        details={"component": component, "slice": [float(v) for v in place], "bound": bound},
    )
