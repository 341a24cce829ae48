"""Discs: full balls of any dimension and plane annuli, compact sets with boundary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, final

import numpy as np

from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.spec import Spec
from aeverify.errors import SpecError
from aeverify.manifolds.balls import closed_form
from aeverify.manifolds.base import INFINITE, Truth
from aeverify.manifolds.chart import Chart, FloatArray, Operations
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.curves import FEDERER, FIELDS
from aeverify.manifolds.entry import MANIFOLDS, Entry, Parameter
from aeverify.manifolds.parameters import require_dim, require_length, require_volume, rounded_up
from aeverify.manifolds.spheres import sphere_area, spherical, spherical_transport


@final
class Ball(ConnectedManifold):
    """The full ball {|x| <= r} of R^d; d = 2 is the disc. It is convex, so its reach is infinite.

    The chart is rho s(t) with rho in [0, r] and s the hyperspherical angles of S^(d-1), in turns.

    Args:
        dim: d, from 2 to 100.
        radius: r, from 1e-100 to 1e100, with r^d between 1e-200 and 1e200.

    Raises:
        SpecError: a parameter is out of range.
    """

    def __init__(self, dim: int = 2, radius: float = 1.0) -> None:
        self.dim = d = require_dim(dim, 2, "a ball")
        self.radius = r = require_length(radius, "radius of a ball")
        require_volume((r,) * d, "the ball")
        chart = Chart(
            (0.0,) * d,
            (r, *(0.5,) * (d - 2), 1.0),
            (*(False,) * (d - 1), True),
            _polar,
            (1.0, *(rounded_up(2 * math.pi * r),) * (d - 1)),
            orthogonal=True,
            rounding=16.0 + 8 * d,
        )
        super().__init__(Spec("ball", {"dim": d, "radius": r}), d, chart)

    def transport(self, unit: FloatArray) -> FloatArray:
        """rho / r is the d-th root of the first coordinate; the angles are those of the sphere."""
        rho = np.minimum(self.radius * unit[:, :1] ** (1 / self.dim), self.radius)
        return np.concatenate([rho, spherical_transport(unit[:, 1:])], axis=1)

    def _find_truth(self) -> Truth:
        d, r = self.dim, self.radius
        here = "derived in aeverify.manifolds.discs.Ball"
        convex = Citation(here, "", "a ball is convex, hence contractible; its boundary is S^(d-1)")
        extent = Citation(here, "", "the boundary sphere holds antipodes, and the centre is in the set")
        return Truth(
            dimension=d,
            closed=False,
            components=1,
            orientable=True,
            volume=closed_form(lambda ops: sphere_area(d - 1, ops) * ops.real(r) ** d / d),
            reach=INFINITE,
            betti=dict.fromkeys(FIELDS, (1, *(0,) * d)),
            circumradius=Interval.exactly(r),
            diameter=Interval.exactly(2 * r),
            symmetry_center=(0.0,) * d,
            inner_radius=Interval.exactly(0.0),
            embedding_dim=d,
            curvature=Interval.exactly(0.0),
            sources={
                **dict.fromkeys(("dimension", "closed", "components", "orientable", "betti"), convex),
                "volume": Citation(here, "", "the area of the sphere of radius rho, integrated over rho"),
                "reach": Citation(FEDERER, "Remark 4.2", "the reach of a closed convex set is infinite"),
                **dict.fromkeys(("circumradius", "diameter", "symmetry_center", "inner_radius"), extent),
                **dict.fromkeys(("embedding_dim", "curvature"), Citation(here, "", "it is an open part of R^d inside")),
            },
        )


@final
class Annulus(ConnectedManifold):
    """The plane annulus {a <= |x| <= b}.

    Reach = a: a point with 0 < |p| < a has one nearest point, a p / |p|, and so has a point with |p| > b; the origin
    has a circle of them, at distance a. The origin is also the only critical point of the distance off the set.

    Args:
        inner: a, from 1e-100 to 1e100.
        outer: b, larger than a.

    Raises:
        SpecError: a parameter is out of range, or inner is not smaller than outer.
    """

    def __init__(self, inner: float, outer: float) -> None:
        self.inner = a = require_length(inner, "inner radius of an annulus")
        self.outer = b = require_length(outer, "outer radius of an annulus")
        if not a < b:
            raise SpecError(f"The inner radius of an annulus must be smaller than the outer one, got {a:g} and {b:g}.")
        require_volume((b, b), "the annulus")
        chart = Chart((a, 0.0), (b, 1.0), (False, True), _polar, (1.0, rounded_up(2 * math.pi * b)), orthogonal=True)
        super().__init__(Spec("annulus", {"inner": a, "outer": b}), 2, chart)

    def transport(self, unit: FloatArray) -> FloatArray:
        """The square of the distance from the origin is uniform on [a^2, b^2]."""
        share = (self.inner / self.outer) ** 2
        rho = self.outer * np.sqrt(share + (1 - share) * unit[:, 0])
        return np.column_stack([np.clip(rho, self.inner, self.outer), unit[:, 1]])

    def _find_truth(self) -> Truth:
        a, b = self.inner, self.outer
        here = "derived in aeverify.manifolds.discs.Annulus"
        ring = Citation(here, "", "x / |x| and |x| make it a circle times an interval, so a homotopy circle")
        extent = Citation(here, "", "K = -K, a <= |x| <= b, and the outer circle holds antipodes")
        hole = Citation(FEDERER, "Definition 4.1", "only the origin, at distance a, has several nearest points")
        return Truth(
            dimension=2,
            closed=False,
            components=1,
            orientable=True,
            volume=closed_form(lambda ops: ops.pi * (ops.real(b) - ops.real(a)) * (ops.real(b) + ops.real(a))),
            reach=Interval.exactly(a),
            betti=dict.fromkeys(FIELDS, (1, 1, 0)),
            circumradius=Interval.exactly(b),
            diameter=Interval.exactly(2 * b),
            symmetry_center=(0.0, 0.0),
            inner_radius=Interval.exactly(a),
            antipodal_index=1,
            embedding_dim=2,
            curvature=Interval.exactly(0.0),
            weak_feature_size=Interval.exactly(a),
            sources={
                **dict.fromkeys(("dimension", "closed", "components", "orientable", "betti"), ring),
                "volume": Citation(here, "", "pi (b^2 - a^2)"),
                **dict.fromkeys(("reach", "weak_feature_size"), hole),
                **dict.fromkeys(("circumradius", "diameter", "symmetry_center", "inner_radius"), extent),
                "antipodal_index": Citation(here, "", "an odd continuous function on a connected set has a zero"),
                **dict.fromkeys(("embedding_dim", "curvature"), Citation(here, "", "the set lies in the plane")),
            },
        )


def _polar(parameters: Sequence[Any], ops: Operations) -> list[Any]:
    return [parameters[0] * s for s in spherical(parameters[1:], ops)]


MANIFOLDS.register(
    "ball",
    Entry(
        name="ball",
        summary="a full ball of R^d, a disc for d = 2",
        build=Ball,
        parameters=(
            Parameter("dim", "dimension d, from 2 to 100", "2"),
            Parameter("radius", "radius, from 1e-100 to 1e100", "1"),
        ),
        examples=("ball:dim=2,radius=1", "ball:dim=3,radius=2"),
    ),
)
MANIFOLDS.register(
    "annulus",
    Entry(
        name="annulus",
        summary="a plane annulus",
        build=Annulus,
        parameters=(
            Parameter("inner", "inner radius, from 1e-100 to 1e100"),
            Parameter("outer", "outer radius, larger than inner"),
        ),
        examples=("annulus:inner=1,outer=2",),
    ),
)
