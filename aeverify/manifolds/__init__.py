"""Manifolds: compact sets of which the truth is known, with charts, uniform samples and covering grids."""

from aeverify.manifolds.balls import ball_operations, certified_points, interval_of, point_balls
from aeverify.manifolds.base import Manifold, Sample, Truth
from aeverify.manifolds.catalog import MANIFOLDS, Entry, Parameter, facts, has_published_data, manifold, training_points
from aeverify.manifolds.chart import NUMPY, Chart, Operations
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.curves import Circle, Ellipse, Spiral
from aeverify.manifolds.links import Extents, Union, two_circles

__all__ = [
    "MANIFOLDS",
    "NUMPY",
    "Chart",
    "Circle",
    "ConnectedManifold",
    "Ellipse",
    "Entry",
    "Extents",
    "Manifold",
    "Operations",
    "Parameter",
    "Sample",
    "Spiral",
    "Truth",
    "Union",
    "ball_operations",
    "certified_points",
    "facts",
    "has_published_data",
    "interval_of",
    "manifold",
    "point_balls",
    "training_points",
    "two_circles",
]
