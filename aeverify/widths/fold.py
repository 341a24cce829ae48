"""Fold maps: a closed curve is folded onto an interval, and middles of pairs are decoded.

Let a and b cut a closed curve into two arcs, and let x(t), y(t), 0 <= t <= 1, run along the two arcs from a to b, each
strictly monotone. E(x(t)) = E(y(t)) = t is continuous on the curve, D(t) = (x(t) + y(t)) / 2 on [0, 1] (both extend
to the whole space by Tietze's theorem), and the error is at most half the largest |x(t) - y(t)|. If x and y are only
monotone, strictly monotone ones are as near as one likes. So

    w_1 <= F_1 = 1/2 min over a, b of the strong Frechet distance of the two arcs.

The least over all folds of a grid is one dynamic program (`aeverify.widths.paths.best_fold`); the largest distance
along the fold that was found is then enclosed, between the nodes too. On the examples here F_1 meets the swap path of
`aeverify.widths.collision` for plane curves; for knots a gap stays.
"""

from __future__ import annotations

import math

from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.manifolds import Manifold
from aeverify.widths.method import pair_witness, upper_bound
from aeverify.widths.paths import best_fold, closed_curve

NODES = 1024
_MOST_COORDINATES = 1 << 18

FRECHET = Citation(
    "Alt and Godau 1995, Computing the Frechet distance between two polygonal curves",
    "derived in aeverify.widths.fold",
    "half the Frechet distance of the two arcs of a closed curve is the sup error of a fold map",
)


def fold_bound(part: Manifold, nodes: int = NODES) -> Evidence | None:
    """Upper bound of w_1 of a closed curve from the best fold map on a grid; None for other sets. CERTIFIED: the
    largest distance of folded pairs is enclosed along the whole curve.

    Cost: nodes^2 distances, 0.1 s for 1024 nodes in R^3.
    """
    if part.truth.dimension != 1 or not part.truth.closed or part.connected_components != part.components:
        return None
    nodes = max(128, min(nodes, _MOST_COORDINATES // part.ambient_dim))
    loop = closed_curve(part.chart, nodes)
    _, first, second = best_fold(loop)
    distance = loop.between(first, second, largest=True)
    turns = [tuple(loop.starts[int(walk) % nodes].tolist()) for walk in (first[0], first[-1])]
    return upper_bound(
        "fold map",
        math.nextafter(distance.upper / 2, math.inf),
        Rigor.CERTIFIED,
        f"Half the largest distance of two points with one code under a fold of the curve (found over {nodes} nodes, "
        "enclosed between them too).",
        "E folds the curve at two points and runs along both arcs at once, D decodes the middle of each pair; the "
        "error is half their distance.",
        FRECHET,
        witness=pair_witness(part, 0, turns, "the two points at which the curve is folded"),
        nodes=nodes,
    )
