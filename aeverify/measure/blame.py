"""Blame: how much of the worst error is the encoder's, which no decoder could repair.

For a fixed continuous encoder E on compact K the best worst error over all continuous decoders is

    R(E) = sup over codes z of the circumradius of the fibre K n E^{-1}(z).

At least: D(z) is one point for the whole fibre. At most: fibres are upper semicontinuous, so the centre of the smallest
ball about the fibre of z serves all codes near z up to any eta > 0, and a partition of unity glues these centres
together (balls are convex). The infimum need not be attained. So R(E) <= sup e for every decoder, and what lies between
the two is the decoder's to repair.

**From below.** Two points with one code, as far apart as they are, with a proof that the codes are equal: a sign change
for m = 1 (`collisions.encoder_floor`); for m = 2, on a surface that is symmetric about a point p, the winding number
of g(x) = E(x) - E(2 p - x) round the edge of a box of chart parameters. If it is not 0, g has a zero in the box (a
nowhere-zero g would contract the edge in the plane without 0), and R(E) is at least the least distance of the box's
image from p. Where codes have 2 numbers and 2 p - x is antipodal on a sphere, Borsuk and Ulam say that the search must
succeed; the proof is the winding number, an integer from certified ranges.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold, require_count
from aeverify.manifolds.chart import Chart
from aeverify.measure.evaluation import encode, require_compatible, witness_of, witness_point
from aeverify.measure.ranges import Ranges, image_balls, ranges_of, sides, winding_of_sides

FloatArray = NDArray[np.float64]

_BOX_SIZES = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
_EDGE_CELLS = 16
_MOST_EDGE_CELLS = 2_048
_STARTS = 8

BEST_DECODER = Citation(
    "derived in aeverify.measure.blame",
    "elimination of the decoder",
    "the least worst error over all decoders is the largest circumradius of a fibre of the encoder",
)


def antipodal_floor(autoencoder: Autoencoder, manifold: Manifold, component: int = 0) -> Evidence:
    """Certified lower bound of R(E) from a pair x, 2 p - x with one code on a symmetric surface; for m = 2.

    Args:
        autoencoder: a model with codes of two numbers.
        manifold: the set K.
        component: index of a component of two parameters that is symmetric about a known point p.

    Returns:
        Evidence "encoder_floor" [bound, inf), CERTIFIED by a winding number; [0, inf) where no pair was found or
        nothing can be certified. The witness is the pair.

    Raises:
        UsageError: m is not 2, no centre of symmetry, or another number of parameters.

    Cost: a grid of 1,600 points, a few Newton searches and the ranges of some hundred boxes.
    """
    from scipy.optimize import root

    require_compatible(autoencoder, manifold)
    part = manifold.components[component]
    center = part.truth.symmetry_center
    if autoencoder.latent_dim != 2 or part.chart.dim != 2 or center is None:
        raise UsageError("Antipodal pairs are sought on a symmetric surface coded by two numbers.")
    ranges = ranges_of(autoencoder, manifold)
    if ranges is None:
        return _trivial("the encoder cannot be enclosed on boxes")
    chart, middle = part.chart, np.array(center)
    mirror = _mirrored(chart, center)

    def g(u: FloatArray) -> FloatArray:
        x = chart.embed(u)
        return np.asarray(autoencoder.encode(x) - autoencoder.encode(2.0 * middle - x))

    low, high = np.array(chart.lower), np.array(chart.upper)
    share = (np.arange(40) + 0.5) / 40
    grid = low + (high - low) * np.stack(np.meshgrid(share, share, indexing="ij"), axis=-1).reshape(-1, 2)
    starts = grid[np.argsort((g(grid) ** 2).sum(axis=1))[:_STARTS]]
    for start in starts:
        found = root(lambda u: g(chart.wrap(u[None]))[0], start, options={"xtol": 1e-14})
        u = chart.wrap(np.asarray(found.x, dtype=np.float64)[None])[0]
        if not np.isfinite(u).all() or float(np.abs(g(u[None])).max()) > 1e-6 * (1.0 + float(np.abs(g(grid)).max())):
            continue
        for size in _BOX_SIZES:
            corner, other = u - size * (high - low), u + size * (high - low)
            outside = (corner < low) | (other > high)
            if (outside & ~np.array(chart.periodic)).any() or (outside.any() and any(chart.flips)):
                break
            if _winds(ranges, chart, mirror, corner, other):
                return _pair_floor(autoencoder, manifold, component, middle, u, corner, other)
    return _trivial("no box with a certified antipodal collision was found")


def shared_code_floor(autoencoder: Autoencoder, manifold: Manifold, *, nodes: int = 2_000) -> Evidence:
    """Lower bound of R(E), EMPIRICAL, from nodes of a grid whose codes agree up to rounding.

    Serves where no sign change and no winding number can prove that codes are equal, because they agree on whole
    families of points: a constant code, or a circle wrapped twice, whose antipodes share their codes.

    Args:
        autoencoder: the model.
        manifold: the set K.
        nodes: points of the grid, an even number on each curve, so that antipodes are among them.

    Returns:
        Evidence "encoder_floor" [half distance, inf): EMPIRICAL, for equal codes in float64 show nothing; [0, inf),
        CERTIFIED since trivial, where no far points share their code.

    Raises:
        NonFiniteOutputError: NaN or infinity came out on K.
    """
    require_compatible(autoencoder, manifold)
    count = max(2, require_count(nodes, "number of nodes") // (2 * len(manifold.components)) * 2)
    points, codes, owner, places = [], [], [], []
    for index, part in enumerate(manifold.components):
        grid = part.grid(count)
        points.append(grid.points)
        codes.append(encode(autoencoder, manifold, grid.points, index, grid.parameters))
        owner += [index] * len(grid)
        places += grid.parameters.tolist()
    x, z = np.concatenate(points), np.concatenate(codes)
    size = 2.0**-40 * (float(np.abs(z).max()) or 1.0)
    best, pair = 0.0, (0, 0)
    # codes on either side of a rounding boundary are not compared: a lower bound may miss some
    _, group = np.unique(np.rint(z / size), axis=0, return_inverse=True)
    order = np.argsort(group.ravel(), kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(group.ravel()[order])) + 1):
        far = np.linalg.norm(x[members] - x[members[0]], axis=1)
        if float(far.max()) / 2.0 > best:
            best, pair = float(far.max()) / 2.0, (int(members[0]), int(members[int(far.argmax())]))
    best = max(0.0, best - 2.0**-40 * float(np.abs(x).max()))
    if best == 0.0:
        return _trivial("no far points of a grid share their code")
    ends = tuple(witness_point(autoencoder, manifold, owner[i], tuple(places[i])) for i in pair)
    return Evidence(
        quantity="encoder_floor",
        interval=Interval.at_least(best),
        rigor=Rigor.EMPIRICAL,
        method=f"Lower end: half the distance of two of {len(x)} grid points whose codes agree up to rounding.",
        witness=witness_of("collision", autoencoder, manifold, ends, "Two points with one code, up to rounding."),
        citations=(BEST_DECODER,),
    )


def _trivial(why: str) -> Evidence:
    return Evidence("encoder_floor", Interval.at_least(0.0), Rigor.CERTIFIED, f"Lower end: 0, which is trivial; {why}.")


def _mirrored(chart: Chart, center: tuple[float, ...]) -> Chart:
    """The chart followed by the reflection x -> 2 p - x."""

    def formula(parameters: Sequence[Any], operations: Any) -> Sequence[Any]:
        image = chart.formula(parameters, operations)
        return [operations.real(2.0 * p) - c for p, c in zip(center, image, strict=True)]

    return replace(chart, formula=formula)


def _winds(ranges: Ranges, chart: Chart, mirror: Chart, corner: FloatArray, other: FloatArray) -> bool:
    """Whether E(x) - E(2 p - x) is certified to wind about 0 along the edge of a box of parameters."""
    cells = _EDGE_CELLS
    while cells <= _MOST_EDGE_CELLS:
        low, high = _edge(corner, other, cells)
        here, there = ranges.codes_on(chart, low, high), ranges.codes_on(mirror, low, high)
        # differences of bounds, one step outward
        chain = sides(
            np.nextafter(here[0] - there[1], -math.inf), np.nextafter(here[1] - there[0], math.inf), np.zeros(2)
        )
        if (chain >= 0).all():
            return winding_of_sides(chain) != 0
        cells *= 4
    return False


def _edge(corner: FloatArray, other: FloatArray, cells: int) -> tuple[FloatArray, FloatArray]:
    """The edge of a box as a closed chain of 4 cells segments, counterclockwise."""
    xs, ys = (np.linspace(a, b, cells + 1) for a, b in zip(corner, other, strict=True))
    bottom = [(xs[i], ys[0], xs[i + 1], ys[0]) for i in range(cells)]
    right = [(xs[-1], ys[i], xs[-1], ys[i + 1]) for i in range(cells)]
    top = [(xs[i], ys[-1], xs[i + 1], ys[-1]) for i in reversed(range(cells))]
    left = [(xs[0], ys[i], xs[0], ys[i + 1]) for i in reversed(range(cells))]
    rows = np.array([*bottom, *right, *top, *left])
    return rows[:, :2].copy(), rows[:, 2:].copy()


def _pair_floor(
    autoencoder: Autoencoder,
    manifold: Manifold,
    component: int,
    middle: FloatArray,
    u: FloatArray,
    corner: FloatArray,
    other: FloatArray,
) -> Evidence:
    chart = manifold.components[component].chart
    points, radii = image_balls(chart, corner[None], other[None])
    away = float(np.linalg.norm(points[0] - middle))
    pad = 2.0**-44 * (float(np.abs(points).max()) + float(np.abs(middle).max()))
    bound = max(0.0, (away - float(radii[0])) * (1.0 - 2.0**-40) - pad)
    point = witness_point(autoencoder, manifold, component, tuple(u.tolist()))
    opposite = 2.0 * middle - np.array(point.point)
    code = autoencoder.encode(opposite[None])[0]
    made = autoencoder.decode(code[None])[0]
    second = replace(
        point,
        parameters=(),
        point=tuple(opposite.tolist()),
        code=tuple(code.tolist()),
        reconstruction=tuple(made.tolist()),
        error=float(np.linalg.norm(made - opposite)),
    )
    return Evidence(
        quantity="encoder_floor",
        interval=Interval.at_least(bound),
        rigor=Rigor.CERTIFIED,
        method=(
            "Lower end: least distance from the centre of symmetry of a box of parameters round whose edge "
            "E(x) - E(2 p - x) winds about 0, so that some antipodes in it have one code."
        ),
        witness=witness_of("collision", autoencoder, manifold, (point, second), "Antipodes with one code, nearly."),
        citations=(BEST_DECODER,),
        details={"component": component, "box": [corner.tolist(), other.tolist()]},
    )


def encoder_floor_bounds(lowers: Sequence[Evidence], upper: Evidence) -> Evidence:
    """R(E) between the best of several lower bounds and an upper bound, as one Evidence "encoder_floor".

    A lower bound that is weaker than CERTIFIED is taken only where it exceeds every certified one; the rigor is then
    its own. Where it exceeds the certified upper bound (a float64 shadow) it is cut off there.
    """
    certified = [e for e in lowers if e.rigor >= Rigor.CERTIFIED]
    best = max(certified, key=lambda e: e.lower, default=None)
    other = max((e for e in lowers if e.rigor < Rigor.CERTIFIED), key=lambda e: e.lower, default=None)
    chosen = other if other is not None and (best is None or other.lower > best.lower) else best
    if chosen is None:
        return upper
    low = chosen.lower if chosen.rigor >= Rigor.CERTIFIED else min(chosen.lower, upper.upper)
    return Evidence(
        quantity="encoder_floor",
        interval=Interval(low, upper.upper),
        rigor=min(chosen.rigor, upper.rigor),
        method=f"{chosen.method} {upper.method}",
        witness=chosen.witness,
        citations=(BEST_DECODER,),
        assumptions=tuple(dict.fromkeys([*chosen.assumptions, *upper.assumptions])),
        details={"lower_rigor": str(chosen.rigor), "upper_rigor": str(upper.rigor), **upper.details},
    )


def encoder_share(floor: Evidence, sup_error: Evidence) -> Evidence:
    """The share of the worst error that no decoder could repair: R(E) / sup e, between 0 and 1.

    Args:
        floor: enclosure of R(E).
        sup_error: enclosure of the worst error of the whole model, with a positive lower end.

    Returns:
        Evidence "encoder_share", as rigorous as the weaker of the two.

    Raises:
        UsageError: no positive lower bound of the worst error is known.
    """
    if not sup_error.lower > 0.0:
        raise UsageError("The worst error may be 0, so that there is nothing to blame anything for.")
    low = 0.0 if math.isinf(sup_error.upper) else math.nextafter(floor.lower / sup_error.upper, -math.inf)
    # R(E) <= sup e, so the share is at most 1 and at least R(E)'s lower end over the upper end of sup e
    high = 1.0 if math.isinf(floor.upper) else min(1.0, math.nextafter(floor.upper / sup_error.lower, math.inf))
    low = min(max(low, 0.0), high)
    rigor = min(floor.rigor, sup_error.rigor)
    return Evidence(
        quantity="encoder_share",
        interval=Interval(low, high),
        rigor=rigor,
        confidence=sup_error.confidence if rigor is sup_error.rigor else floor.confidence,
        method="Both ends: the encoder's floor R(E), which no decoder goes below, over the worst error.",
        witness=floor.witness,
        citations=(BEST_DECODER,),
        details={
            "encoder_floor": [floor.lower, floor.upper if math.isfinite(floor.upper) else None],
            "sup_error": [sup_error.lower, sup_error.upper if math.isfinite(sup_error.upper) else None],
        },
    )
