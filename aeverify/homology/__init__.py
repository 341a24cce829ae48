"""Persistent homology of finite point clouds: the only importer of gudhi.

All values are in radius units: a bar [b, d) says that the union of closed balls of radius r around the points has the
class for b <= r < d. The alpha complex (whose own values are squared radii) and the Rips complex (edge lengths, halved
here) are read on one scale, and a circle of radius 1 dies at 1 for alpha. For Rips the bar is that of the flag
complex of the graph with edges of length at most 2r, which is not the union of balls: it may have classes that no
union of balls in that space has (six points of a regular hexagon have a Rips H_2).

What is easily lost, and how it is kept: the coefficient field is always named (Z/11 would be gudhi's default, which
cannot see non-orientable sets); homology in the top dimension of the complex is computed and not dropped; repeated
points are removed first and counted; points on a line are sorted and their path is read off, without any complex;
alpha complexes use exact predicates ("safe"), since the fast ones return wrong bars on noise-free circles; squares of
very large or very small coordinates do not overflow, since clouds are scaled by a power of two first. A cloud too
large for the memory is refused before it starts. The engines are tested on a circle and on the projective plane, over
Z/2 and Z/3, before their first use in a process.

Accuracy: gudhi's "safe" alpha values are promised to a relative 1e-5 of the squared radius, 5e-6 of the radius; the
combinatorics are exact. Values below 1e-12 of the cloud's extent are not trusted by anything here.
"""

from aeverify.homology.cloud import farthest_points
from aeverify.homology.diagram import Diagram, bottleneck
from aeverify.homology.engine import ALPHA_DIMENSIONS, ALPHA_LIMITS, MEMORY, exact_radii, persistence, persistence_over
from aeverify.homology.holes import Hole, holes

RELATIVE_ACCURACY = 1e-5
"""Promised relative accuracy of alpha values in radius units, with room to spare: gudhi promises it of the squares."""

__all__ = [
    "ALPHA_DIMENSIONS",
    "ALPHA_LIMITS",
    "MEMORY",
    "RELATIVE_ACCURACY",
    "Diagram",
    "Hole",
    "bottleneck",
    "exact_radii",
    "farthest_points",
    "holes",
    "persistence",
    "persistence_over",
]
