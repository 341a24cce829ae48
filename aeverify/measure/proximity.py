"""Proximity: how far points of R^n are from K, enclosed from a grid with a proved covering radius.

If every point of K is within h of a node, then for any p the distance r of p to the nearest node has
r - h <= d(p, K) <= r: nodes are points of K, and the nearest point of K has a node within h.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.evaluation import ALLOWANCE

FloatArray = NDArray[np.float64]

NODES = 20_000


@final
@dataclass(frozen=True, eq=False)
class Nodes:
    """Nodes on a compact set.

    Attributes:
        points: shape (N, n).
        radius: upper bound of the distance of any point of the set to the nearest node.
    """

    points: FloatArray
    radius: float
    _tree: Any

    @classmethod
    def of(cls, manifold: Manifold, nodes: int = NODES) -> Nodes:
        """A grid of about that many nodes on the set.

        Raises:
            UsageError: the number is out of range.
        """
        from scipy.spatial import cKDTree

        grid = manifold.grid(require_count(nodes, "number of nodes"))
        return cls(grid.points, grid.covering_radius.upper, cKDTree(grid.points))

    def distances(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lower and upper bounds (N,) of the distances of points (N, n) to the set, with an allowance for rounding."""
        near = np.asarray(self._tree.query(points)[0], dtype=np.float64)
        size = np.linalg.norm(points, axis=1) + float(np.abs(self.points).max()) * np.sqrt(points.shape[1])
        pad = ALLOWANCE * np.sqrt(points.shape[1]) * size
        return np.maximum(near - self.radius - pad, 0.0), near + pad


def surroundings(
    manifold: Manifold, nodes: Nodes, count: int, *, margin: float, apart: float, rng: np.random.Generator
) -> FloatArray:
    """Independent uniform draws of the box about K, widened by `margin` on every side, at distance >= `apart` from K.

    Args:
        manifold: K, for the message.
        nodes: nodes on K.
        count: how many are wanted.
        margin, apart: in the units of the data.
        rng: the random stream.

    Raises:
        UsageError: fewer than one in a thousand of the box's points is known to be that far from K.
    """
    low, high = nodes.points.min(axis=0) - margin, nodes.points.max(axis=0) + margin
    kept: list[FloatArray] = []
    found = tried = 0
    while found < count:
        drawn = rng.uniform(low, high, size=(max(count, 1000), len(low)))
        far = drawn[nodes.distances(drawn)[0] >= apart]
        kept.append(far)
        found, tried = found + len(far), tried + len(drawn)
        if found < tried / 1000 and tried >= 10_000:
            raise UsageError(
                f"Hardly a point of the box about {manifold} is known to be {apart:g} away from it ({found} of "
                f"{tried}): give a smaller distance or a larger margin."
            )
    return np.concatenate(kept)[:count]
