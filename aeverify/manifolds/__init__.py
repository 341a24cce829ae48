"""Manifolds: compact sets of which the truth is known, with charts, uniform samples and covering grids."""

from aeverify.manifolds.arcs import Helix, Segment, SpiralArc
from aeverify.manifolds.balls import ball_operations, certified_points, interval_of, point_balls
from aeverify.manifolds.base import Manifold, Sample, Truth
from aeverify.manifolds.blob import Blob
from aeverify.manifolds.catalog import facts, has_published_data, manifold, training_points
from aeverify.manifolds.chart import NUMPY, Chart, Operations
from aeverify.manifolds.cloud import Estimate, PointCloud
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.covering import certified_covering_radius, covering_radius_tail
from aeverify.manifolds.curves import Circle, Ellipse, Spiral
from aeverify.manifolds.discs import Annulus, Ball
from aeverify.manifolds.entry import MANIFOLDS, Entry, Parameter
from aeverify.manifolds.flat import FlatTorus, clifford
from aeverify.manifolds.fourier import FourierCurve
from aeverify.manifolds.genus_two import GenusTwo
from aeverify.manifolds.images import RotatingBar
from aeverify.manifolds.jets import DerivativeBounds
from aeverify.manifolds.knots import TorusKnot, Trefoil
from aeverify.manifolds.links import Extents, Union, two_circles
from aeverify.manifolds.nonorientable import Klein, ProjectivePlane, Veronese
from aeverify.manifolds.products import Product, product
from aeverify.manifolds.reach import CertifiedReach, certified_reach
from aeverify.manifolds.reuleaux import Reuleaux
from aeverify.manifolds.spheres import Ellipsoid, Hemisphere, Sphere
from aeverify.manifolds.star import Star
from aeverify.manifolds.surface_reach import certified_surface_reach
from aeverify.manifolds.surfaces import Moebius, SwissRoll, Torus
from aeverify.manifolds.tensors import sample_tensors
from aeverify.manifolds.transforms import Included, Moved, Scaled, included, moved, scaled
from aeverify.manifolds.triod import Triod

__all__ = [
    "MANIFOLDS",
    "NUMPY",
    "Annulus",
    "Ball",
    "Blob",
    "CertifiedReach",
    "Chart",
    "Circle",
    "ConnectedManifold",
    "DerivativeBounds",
    "Ellipse",
    "Ellipsoid",
    "Entry",
    "Estimate",
    "Extents",
    "FlatTorus",
    "FourierCurve",
    "GenusTwo",
    "Helix",
    "Hemisphere",
    "Included",
    "Klein",
    "Manifold",
    "Moebius",
    "Moved",
    "Operations",
    "Parameter",
    "PointCloud",
    "Product",
    "ProjectivePlane",
    "Reuleaux",
    "RotatingBar",
    "Sample",
    "Scaled",
    "Segment",
    "Sphere",
    "Spiral",
    "SpiralArc",
    "Star",
    "SwissRoll",
    "Torus",
    "TorusKnot",
    "Trefoil",
    "Triod",
    "Truth",
    "Union",
    "Veronese",
    "ball_operations",
    "certified_covering_radius",
    "certified_points",
    "certified_reach",
    "certified_surface_reach",
    "clifford",
    "covering_radius_tail",
    "facts",
    "has_published_data",
    "included",
    "interval_of",
    "manifold",
    "moved",
    "point_balls",
    "product",
    "sample_tensors",
    "scaled",
    "training_points",
    "two_circles",
]
