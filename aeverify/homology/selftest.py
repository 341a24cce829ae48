"""Self-test: what this build of gudhi must find on a circle and on the projective plane before anything rests on it.

A regular 12-gon: alpha H_1 is [sin(pi/12), 1), Rips H_1 ends where a triangle of the flag complex first holds the
centre, at edges over 4 steps: sin(pi/3). The projective plane has Betti numbers (1, 1, 1) over Z/2 and (1, 0, 0) over
Z/3. For alpha complexes: the 31 axes of the icosahedron (through 12 vertices, 20 faces, 30 edges) under the embedding
(xy, xz, y^2 - z^2, 2yz) in R^4, at the radius 0.49, just below its reach 1/2. For Rips complexes: the 21 axes through
vertices and edges under v -> v v^T, at edges of length 1.
"""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
from numpy.typing import NDArray

from aeverify.errors import InvariantError
from aeverify.homology.alpha import alpha_tree, tree_degrees
from aeverify.homology.rips import rips_degrees, rips_tree

FloatArray = NDArray[np.float64]

_ENOUGH = float(2**28)
_PLANE = {2: (1, 1, 1), 3: (1, 0, 0)}


@functools.cache
def self_test() -> None:
    """Runs once a process, 0.1 s.

    Raises:
        InvariantError: an engine does not find what it must; no diagram of this build of gudhi can be used.
    """
    angle = 2 * math.pi * np.arange(12) / 12
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    flat, veronese = _projective_planes()
    for field in (2, 3):
        alpha, round_ = alpha_tree(flat, math.inf), alpha_tree(circle, math.inf)
        _same("alpha", f"a circle over Z/{field}", _first(tree_degrees(round_, 1, field)[1]), 1.0)
        _betti("alpha", field, tree_degrees(alpha, 2, field), 0.49)
        for cut in (math.inf, 0.95):
            (port,), _ = rips_degrees(circle, 1, (field,), cut, _ENOUGH)
            _same("rips", f"a circle over Z/{field}", _first(port[1]), math.sin(math.pi / 3))
        (port,), _ = rips_degrees(veronese, 2, (field,), 0.6, _ENOUGH)
        _betti("rips", field, port, 0.5)
    # the expanded complex holds no simplex above an edge's triangle: its top degree must count
    points, loop = tree_degrees(rips_tree(circle, 1, math.inf, _ENOUGH), 1, 2, 0.5)
    _same("expanded rips", "a circle over Z/2", _first(loop), math.sin(math.pi / 3))
    if len(points) != len(circle):
        raise InvariantError(
            f"The expanded rips engine finds {len(points)} classes of degree 0 among {len(circle)} points: this build "
            "of gudhi cannot be used."
        )


def _first(rows: FloatArray) -> FloatArray:
    rows = np.asarray(rows)
    return rows[np.argmax(rows[:, 1] - rows[:, 0])] if len(rows) else np.zeros(2)


def _same(engine: str, what: str, found: FloatArray, death: float) -> None:
    expected = np.array([math.sin(math.pi / 12), death])
    if not np.allclose(found, expected, rtol=1e-4):
        raise InvariantError(
            f"The {engine} engine finds {found.tolist()} for the H_1 of {what}, expected {expected.tolist()}: this "
            "build of gudhi cannot be used."
        )


def _betti(engine: str, field: int, degrees: list[FloatArray], radius: float) -> None:
    found = tuple(int(((rows[:, 0] <= radius) & (radius < rows[:, 1])).sum()) for rows in degrees)
    if found != _PLANE[field]:
        raise InvariantError(
            f"The {engine} engine finds Betti numbers {found} for the projective plane over Z/{field}, expected "
            f"{_PLANE[field]}: this build of gudhi cannot be used."
        )


def _projective_planes() -> tuple[FloatArray, FloatArray]:
    """31 points of the projective plane in R^4 and 21 in R^6."""
    golden = (1 + math.sqrt(5)) / 2
    corners = [
        np.roll([0.0, a, b], shift) / math.hypot(1.0, golden)
        for a, b, shift in itertools.product((1.0, -1.0), (golden, -golden), range(3))
    ]
    near = [(i, j) for i, j in itertools.combinations(range(12), 2) if float(corners[i] @ corners[j]) > 0.4]
    edges = [corners[i] + corners[j] for i, j in near]
    faces = [
        corners[i] + corners[j] + corners[k]
        for (i, j), k in itertools.product(near, range(12))
        if k > j and (i, k) in near and (j, k) in near
    ]
    vertex_axes, edge_axes, face_axes = (_axes(directions) for directions in (corners, edges, faces))
    x, y, z = np.vstack([vertex_axes, edge_axes, face_axes]).T
    flat = np.column_stack([x * y, x * z, y**2 - z**2, 2 * y * z])
    x, y, z = np.vstack([vertex_axes, edge_axes]).T
    root = math.sqrt(2.0)
    return flat, np.column_stack([x * x, y * y, z * z, root * x * y, root * x * z, root * y * z])


def _axes(directions: list[FloatArray]) -> FloatArray:
    """One unit vector of each pair of opposite directions."""
    units = [d / np.linalg.norm(d) for d in directions]
    kept: list[FloatArray] = []
    for u in units:
        if all(abs(float(u @ k)) < 0.999 for k in kept):
            kept.append(u)
    return np.array(kept)
