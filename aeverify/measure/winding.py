"""Winding: how often the encoder wraps a loop of K about a hole of its codes in the plane.

Let t -> x(t) be a closed curve in K (a whole curve, or a coordinate circle of a surface) and m = 2. For a point p off
the curve E(x(t)) the winding number of that curve about p is an integer, unchanged by every deformation that avoids p.

An embedded closed curve has winding number 1 or -1 about the points inside it and 0 about the points outside (Jordan,
and Hopf's Umlaufsatz for the sign), so a number of absolute value 2 or more proves that the encoder identifies points
of the loop: it wraps the loop several times round the hole. The image may be a perfect circle all the same, and then no
diagram of the codes shows anything: the winding number does.

The number is computed from certified ranges of E on the cells of a subdivision of the loop, none of which holds p, as a
sum of quarter turns (`ranges`): an exact integer. Where the model has no certified ranges it is the sum of the angles
between the codes of neighbouring nodes, EMPIRICAL: a loop between two nodes would be missed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder, Continuity
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.evaluation import encode, require_compatible, witness_of, witness_point
from aeverify.measure.ranges import Ranges, ranges_of, sides, winding_of_sides

FloatArray = NDArray[np.float64]

_HOLES = 60
"""Cells of the grid, along each axis of the codes' bounding box, whose centres are tried as points p."""
_MOST_CELLS = 40_000
_ROUNDS = 40

_JORDAN = Citation(
    "C. Jordan, Cours d'analyse, 1887; H. Hopf, Compositio Math. 2 (1935)",
    "",
    "a simple closed curve of the plane winds once round the points inside it and not at all round the others",
)


def winding_number(
    autoencoder: Autoencoder,
    manifold: Manifold,
    component: int = 0,
    *,
    axis: int = 0,
    at: tuple[float, ...] | None = None,
    about: tuple[float, float] | None = None,
    nodes: int = 512,
) -> Evidence:
    """The winding number of the codes of a loop of K about a point of the plane, as an absolute value; m = 2.

    Args:
        autoencoder: a model with codes of two numbers.
        manifold: the set K.
        component: index of the component that the loop lies in.
        axis: the periodic chart parameter that runs along the loop.
        at: the chart parameters from which the loop starts; the lower corner of the chart's box by default.
        about: the point p of the plane; by default the point of a grid that is farthest from the codes among those
            about which they wind, the middle of the deepest hole.
        nodes: first subdivision of the loop.

    Returns:
        Evidence "winding_number", one integer. CERTIFIED where certified ranges of E on the cells keep off p; else
        EMPIRICAL. Where no point is given and none was found about which the codes wind, the number is 0, EMPIRICAL: a
        hole may be smaller than the grid. Details hold `about` and `clearance`, the distance of p from the sampled
        codes.

    Raises:
        UsageError: m is not 2, the parameter is not periodic (or mirrors another one), or an argument is out of range.
        NonFiniteOutputError: NaN or infinity came out on K.

    Cost: nodes x 3,600 angles for the choice of p; the ranges of a few hundred cells.

    Example:
        The identity of the plane winds a circle once about its centre, the map z -> z^2 / |z| twice.
    """
    require_compatible(autoencoder, manifold)
    count = max(require_count(nodes, "number of nodes"), 8)
    if autoencoder.latent_dim != 2:
        raise UsageError(f"Winding numbers need codes of 2 numbers, those of {autoencoder.name} have "
                         f"{autoencoder.latent_dim}.")  # fmt: skip
    if not 0 <= component < len(manifold.components):
        raise UsageError(f"{manifold} has components 0 to {len(manifold.components) - 1}, got {component}.")
    chart = manifold.components[component].chart
    start = chart.lower if at is None else tuple(map(float, at))
    mirrored = chart.flips[axis] if chart.flips and 0 <= axis < chart.dim else ()
    if not 0 <= axis < chart.dim or not chart.periodic[axis] or mirrored:
        raise UsageError(f"Parameter {axis} of {manifold} does not run round a loop; periodic are {chart.periodic}.")
    if len(start) != chart.dim:
        raise UsageError(f"A point of the chart has {chart.dim} parameters, got {len(start)}.")

    def place(t: FloatArray) -> FloatArray:
        rows = np.tile(np.array(start, dtype=np.float64), (len(t), 1))
        rows[:, axis] = t
        return rows

    edges = np.linspace(chart.lower[axis], chart.upper[axis], count + 1)
    codes = encode(autoencoder, manifold, chart.embed(place(edges[:-1])), component, place(edges[:-1]))
    chosen = None if about is None else np.array(about, dtype=np.float64)
    if chosen is None:
        chosen = _deepest_hole(codes)
    if chosen is None:
        return _no_hole(codes, manifold, component, count)
    found = None
    ranges = ranges_of(autoencoder, manifold)
    if ranges is not None:
        found = _certified(ranges, component, edges, place, chosen)
    number = found if found is not None else int(np.rint(_turns(codes, chosen[None])[0]))
    points = tuple(
        witness_point(autoencoder, manifold, component, tuple(row))
        for row in place(edges[:-1][:: max(1, count // 8)]).tolist()
    )
    return Evidence(
        quantity="winding_number",
        interval=Interval.exactly(float(abs(number))),
        rigor=Rigor.CERTIFIED if found is not None else Rigor.EMPIRICAL,
        method=(
            f"Both ends: the codes of the loop wind {number} times about ({chosen[0]:.6g}, {chosen[1]:.6g}), "
            + (
                "a sum of quarter turns of certified ranges that keep off that point."
                if found is not None
                else f"the sum of the angles between {count} sampled codes."
            )
        ),
        witness=witness_of("loop", autoencoder, manifold, points, "Points in order along the loop: look at the codes."),
        citations=(_JORDAN,),
        assumptions=() if autoencoder.continuity is Continuity.KNOWN else ("The encoder is continuous.",),
        details={
            "component": component,
            "signed": number,
            "about": [float(v) for v in chosen],
            "clearance": float(np.linalg.norm(codes - chosen, axis=1).min()),
        },
    )


def _no_hole(codes: FloatArray, manifold: Manifold, component: int, count: int) -> Evidence:
    spread = float(np.ptp(codes, axis=0).max())
    return Evidence(
        quantity="winding_number",
        interval=Interval.exactly(0.0),
        rigor=Rigor.EMPIRICAL,
        method=(
            f"Both ends: the codes of {count} points of the loop wind about none of {_HOLES**2} points of a grid over "
            "their bounding box; a smaller hole would be missed."
        ),
        details={"component": component, "code_spread": spread},
    )


def _turns(codes: FloatArray, points: FloatArray) -> FloatArray:
    """Turns of the closed polygon of codes (N, 2) about each of the points (P, 2), by the angles between nodes."""
    first = codes[None] - points[:, None]
    second = np.roll(first, -1, axis=1)
    cross = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    dot = (first * second).sum(axis=2)
    total: FloatArray = np.arctan2(cross, dot).sum(axis=1) / (2.0 * math.pi)
    return total


def _deepest_hole(codes: FloatArray) -> FloatArray | None:
    """The point of a grid farthest from the codes among those about which their polygon winds."""
    low, high = codes.min(axis=0), codes.max(axis=0)
    if not (high > low).all():
        return None
    axes = [a + (b - a) * (np.arange(_HOLES) + 0.5) / _HOLES for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    best: FloatArray | None = None
    depth = 0.0
    for chunk in np.array_split(grid, 8):
        winds = np.abs(np.rint(_turns(codes, chunk))) > 0
        if winds.any():
            inside = chunk[winds]
            clear = np.linalg.norm(inside[:, None] - codes[None], axis=2).min(axis=1)
            if float(clear.max()) > depth:
                best, depth = inside[int(clear.argmax())], float(clear.max())
    return best


def _certified(ranges: Ranges, component: int, edges: FloatArray, place: object, about: FloatArray) -> int | None:
    """The winding number from cells whose code ranges keep off the point; None where they cannot be made to."""
    assert callable(place)
    chain = np.full(len(edges) - 1, -1, dtype=np.int64)
    for _ in range(_ROUNDS):
        todo = np.flatnonzero(chain < 0)
        low, high = ranges.codes(component, place(edges[todo]), place(edges[todo + 1]))
        chain[todo] = sides(low, high, about)
        open_ = np.flatnonzero(chain < 0)
        if not len(open_):
            return winding_of_sides(chain)
        middle = edges[open_] + (edges[open_ + 1] - edges[open_]) / 2
        if len(edges) + len(middle) > _MOST_CELLS or (middle <= edges[open_]).any():
            return None
        edges = np.insert(edges, open_ + 1, middle)
        chain = np.insert(chain, open_ + 1, -1)
    return None
