"""Cut maps: a closed curve is cut at a point and laid out on an interval, as trained networks do it.

Let p be a point of a closed curve K and A the arc of K within a distance delta of p along the curve. E maps K without
A homeomorphically onto [0, 1], and A continuously back from 1 to 0; D is the inverse on [0, 1] (both extend by
Tietze's theorem). Off A the error is 0. For x in A the output is some y of K, and |y - x| <= |y - p| + delta. So

    w_m <= max over K of |y - p|, the eccentricity of p, for every m >= 1.

A point q that is at most r from all of K is at most the eccentricity of every p, so that the constant map is never
worse: this bound is not there to be the best, but to say what the worst error is of a map with as small a bad set as
one likes.
"""

from __future__ import annotations

import math

import numpy as np

from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.manifolds import Manifold
from aeverify.manifolds.extent import distances
from aeverify.widths.method import pair_witness, upper_bound
from aeverify.widths.paths import closed_curve

NODES = 512
_MOST_COORDINATES = 1 << 18

CUT = Citation(
    "derived in aeverify.widths.cut",
    "cut maps",
    "a curve cut at p errs near p only, by at most its eccentricity",
)


def cut_bound(part: Manifold, nodes: int = NODES) -> Evidence | None:
    """Upper bound of w_m of a closed curve, for every m, from the cut map at the node of least eccentricity; None for
    other sets. CERTIFIED: the largest distance from that point is enclosed along the whole curve.

    Cost: nodes^2 distances, 0.05 s for 512 nodes in R^3.
    """
    if part.truth.dimension != 1 or not part.truth.closed or part.connected_components != part.components:
        return None
    nodes = max(128, min(nodes, _MOST_COORDINATES // part.ambient_dim))
    loop = closed_curve(part.chart, nodes)
    points = loop.points()
    table = distances(points, points)
    where = int(table.max(axis=1).argmin())
    far = int(table[where].argmax())
    around = np.arange(nodes + 1)
    largest = loop.between(around, np.full(nodes + 1, where), largest=True)
    pair = [tuple(loop.starts[i].tolist()) for i in (where, far)]
    return upper_bound(
        "cut map",
        math.nextafter(largest.upper, math.inf),
        Rigor.CERTIFIED,
        f"Largest distance from the point of least eccentricity of {nodes} nodes, enclosed along the whole curve.",
        "E cuts the curve at p, lays it out on an interval and runs back over a short arc at p; D is the inverse. Only "
        "on that arc there is an error, of at most the distance from p to the farthest point.",
        CUT,
        witness=pair_witness(part, 0, pair, "the point of the cut, and the node that is farthest from it"),
        nodes=nodes,
    )
