"""Spheres: round spheres, ellipsoids and hemispheres of any dimension, each with every fact exact or enclosed.

All three use hyperspherical angles in turns: s_1 = cos t_1, s_2 = sin t_1 cos t_2, ..., s_{d+1} = sin t_1 ... sin t_d
with t_i = 2 pi u_i, u_1, ..., u_{d-1} in [0, 1/2] and u_d in [0, 1] periodic. The partial derivatives by t_i have
length sin t_1 ... sin t_{i-1} and are orthogonal; the seams where a sine vanishes have measure 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, final

import numpy as np

from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.spec import Spec
from aeverify.manifolds.balls import closed_form, integral
from aeverify.manifolds.base import Truth
from aeverify.manifolds.chart import Chart, FloatArray, Operations
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.curves import BLASCHKE, BORSUK, FEDERER, FIELDS, HATCHER
from aeverify.manifolds.entry import MANIFOLDS, Entry, Parameter
from aeverify.manifolds.parameters import (
    LARGEST_DIM,
    require_dim,
    require_length,
    require_lengths,
    require_volume,
    rounded_up,
)

_BATCH = 262_144


def spherical(parameters: Sequence[Any], ops: Operations) -> list[Any]:
    """Coordinates of the point of the unit sphere S^d of d angles in turns."""
    coordinates: list[Any] = []
    product: Any = None
    for u in parameters:
        turn = 2 * ops.pi * u
        c, s = ops.cos(turn), ops.sin(turn)
        coordinates.append(c if product is None else product * c)
        product = s if product is None else product * s
    return [*coordinates, product]


def spherical_angles(points: FloatArray) -> FloatArray:
    """Angles in turns (N, d) of directions (N, d + 1), not 0: the inverse of `spherical`."""
    d = points.shape[1] - 1
    out = np.empty((len(points), d))
    # rest[:, i] is the length of the coordinates from i on.
    rest = np.sqrt(np.cumsum(points[:, ::-1] ** 2, axis=1))[:, ::-1]
    for i in range(d - 1):
        out[:, i] = np.arctan2(rest[:, i + 1], points[:, i]) / (2 * math.pi)
    out[:, -1] = np.mod(np.arctan2(points[:, -1], points[:, -2]) / (2 * math.pi), 1.0)
    return out


def spherical_transport(unit: FloatArray) -> FloatArray:
    """Angles in turns (N, d) of points of the unit cube (N, d), uniform on S^d for uniform points of the cube.

    t_i has density proportional to sin(t)^k, k = d - i, so (1 - cos t_i) / 2 = sin(t_i / 2)^2 has the Beta law of
    parameters (k + 1)/2, (k + 1)/2, whose quantile function is used; for k = 1 it is uniform.
    """
    d = unit.shape[1]
    out = np.array(unit)
    for i in range(d - 1):
        half = (d - i) / 2
        quantile = unit[:, i]
        if d - 1 - i > 1:
            from scipy.special import betaincinv

            quantile = betaincinv(half, half, unit[:, i])
        out[:, i] = np.arcsin(np.sqrt(quantile)) / math.pi
    return out


def _directions(n: int, d: int, rng: np.random.Generator) -> FloatArray:
    """n independent uniform points of S^d, shape (n, d + 1): normalised Gaussian vectors (Muller 1959)."""
    x = rng.standard_normal((n, d + 1))
    norm = np.linalg.norm(x, axis=1)
    while not norm.all():
        x[norm == 0] = rng.standard_normal((int((norm == 0).sum()), d + 1))
        norm = np.linalg.norm(x, axis=1)
    x /= norm[:, None]
    return x


def sphere_area(d: int, ops: Operations) -> Any:
    """Ball of the volume 2 pi^((d+1)/2) / Gamma((d+1)/2) of the unit sphere S^d."""
    return 2 * ops.pi ** (ops.real(d + 1) / 2) / (ops.real(d + 1) / 2).gamma()


def sphere_betti(d: int) -> tuple[int, ...]:
    """Betti numbers of S^d, d >= 1, over any field."""
    return (1, *(0,) * (d - 1), 1)


def _chart_box(d: int, first: float = 0.5) -> tuple[tuple[float, ...], tuple[float, ...], tuple[bool, ...]]:
    """Lower and upper corner of the box of angles and which of them are periodic; the first ends at `first`."""
    ends = (first, *(0.5,) * (d - 2), 1.0) if d > 1 else (1.0,)
    return (0.0,) * d, ends, (*(False,) * (d - 1), True)


@final
class Sphere(ConnectedManifold):
    """The sphere {|x| = r} of dimension d in R^(d+1).

    Reach: the centre is the only point with more than one nearest point, at distance r. It is the only critical point
    of the distance to the set off the set, so the weak feature size is r too.

    Args:
        dim: d, from 1 to 100.
        radius: r, from 1e-100 to 1e100, with r^d between 1e-200 and 1e200.

    Raises:
        SpecError: a parameter is out of range.
    """

    def __init__(self, dim: int = 2, radius: float = 1.0) -> None:
        self.dim = d = require_dim(dim, 1, "a sphere")
        self.radius = r = require_length(radius, "radius of a sphere")
        require_volume((r,) * d, "the sphere")
        chart = Chart(
            *_chart_box(d),
            self._formula,
            (rounded_up(2 * math.pi * r),) * d,
            orthogonal=True,
            rounding=16.0 + 8 * d,
        )
        super().__init__(Spec("sphere", {"dim": d, "radius": r}), d + 1, chart)

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        return [self.radius * s for s in spherical(parameters, ops)]

    def transport(self, unit: FloatArray) -> FloatArray:
        """Quantile functions of the angles; see `spherical_transport`."""
        return spherical_transport(unit)

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Angles of normalised Gaussian vectors; for d <= 2 the transport, which is faster."""
        if self.dim <= 2:
            return spherical_transport(rng.random((n, self.dim)))
        return spherical_angles(_directions(n, self.dim, rng))

    def _find_truth(self) -> Truth:
        d, r = self.dim, self.radius
        here = "derived in aeverify.manifolds.spheres.Sphere"
        topology = Citation(HATCHER, "Example 0.3 and Corollary 2.14", "H_0 and H_d of S^d are free of rank 1")
        extent = Citation(here, "", "K = -K, all points have norm r, and antipodes are the farthest points")
        critical = Citation(FEDERER, "Definition 4.1", "only the centre, at distance r, has several nearest points")
        exactly = Interval.exactly(r)
        return Truth(
            dimension=d,
            closed=True,
            components=1,
            orientable=True,
            volume=closed_form(lambda ops: sphere_area(d, ops) * ops.real(r) ** d),
            reach=exactly,
            betti=dict.fromkeys(FIELDS, sphere_betti(d)),
            circumradius=exactly,
            diameter=Interval.exactly(2 * r),
            symmetry_center=(0.0,) * (d + 1),
            inner_radius=exactly,
            antipodal_index=d,
            embedding_dim=d + 1,
            curvature=closed_form(lambda ops: 1 / ops.real(r)),
            weak_feature_size=exactly,
            sources={
                **dict.fromkeys(("dimension", "closed", "components", "orientable", "betti"), topology),
                "volume": Citation(
                    "NIST Digital Library of Mathematical Functions",
                    "5.19(iii)",
                    "the sphere S^d of radius r has volume 2 pi^((d+1)/2) r^d / Gamma((d+1)/2)",
                ),
                **dict.fromkeys(("reach", "weak_feature_size"), critical),
                **dict.fromkeys(("circumradius", "diameter", "symmetry_center", "inner_radius"), extent),
                "antipodal_index": Citation(BORSUK, "Satz II", "every odd map of S^d to R^d has a zero"),
                "embedding_dim": Citation(here, "", "the set lies in R^(d+1)"),
                "curvature": Citation(here, "", "the geodesics are circles of radius r about the centre"),
            },
        )


@final
class Ellipsoid(ConnectedManifold):
    """The surface {sum_i (x_i / a_i)^2 = 1} in R^n, of dimension n - 1, with semi-axes a_i in any order.

    With A the longest and B the shortest semi-axis: the normal curvature is largest, A / B^2, at the ends of the
    longest axis in the direction of the shortest, and by Blaschke's rolling theorem a closed convex surface whose
    normal curvatures are at most 1/r has a ball of radius r that touches it from inside at every point and holds none
    of its points; from outside every ball is free by convexity. So the reach is B^2 / A exactly.

    Volume: x -> (a_i x_i) takes the unit sphere to the ellipsoid and multiplies areas at x by
    prod_i a_i |(x_i / a_i)|. With Q = sum_i x_i^2 / a_i^2, g a Gaussian vector of R^n and E Q(g)^(1/2) =
    E |g| E_sphere Q^(1/2), and with q^(1/2) = (2 pi^(1/2))^(-1) int_0^oo (1 - e^(-q t)) t^(-3/2) dt, y^2 = t, an
    integration by parts and y = tan p:

        E Q(g)^(1/2) = pi^(-1/2) int_0^oo 2 P(y) sum_i q_i / (1 + 2 q_i y^2) dy,  P(y) = prod_i (1 + 2 q_i y^2)^(-1/2),

    an integral over [0, pi/2] of a function that is analytic there, which is enclosed in ball arithmetic.

    Args:
        axes: a_1, ..., a_n, from 2 to 101 of them.

    Raises:
        SpecError: a parameter is out of range.
    """

    def __init__(self, axes: Sequence[float]) -> None:
        self.axes = a = require_lengths(axes, 2, LARGEST_DIM + 1, "axes of an ellipsoid")
        require_volume(sorted(a)[1:], "the ellipsoid")
        require_volume(sorted(a)[:-1], "the ellipsoid")
        d = len(a) - 1
        # The i-th angle moves the coordinates from i on.
        speed = tuple(rounded_up(2 * math.pi * max(a[i:])) for i in range(d))
        chart = Chart(*_chart_box(d), self._formula, speed, rounding=16.0 + 8 * d)
        super().__init__(Spec("ellipsoid", {"axes": a}), d + 1, chart)

    @property
    def semi_axes(self) -> tuple[float, ...]:
        """The semi-axes, longest first."""
        return tuple(sorted(self.axes, reverse=True))

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        return [a * s for a, s in zip(self.axes, spherical(parameters, ops), strict=True)]

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Uniform points s of the sphere, kept with probability B |(s_i / a_i)|, which is at most 1 and in proportion
        to the factor by which areas grow at s."""
        a = np.array(self.axes)
        shortest = float(a.min())
        kept: list[FloatArray] = []
        missing = n
        while missing > 0:
            s = _directions(min(_BATCH, 64 + 2 * missing), len(a) - 1, rng)
            s = s[rng.random(len(s)) < np.linalg.norm(s * (shortest / a), axis=1)][:missing]
            kept.append(spherical_angles(s))
            missing -= len(s)
        return np.concatenate(kept)

    def _area(self, ops: Operations) -> Any:
        n = len(self.axes)
        a = [ops.real(x) for x in self.axes]
        # q_i in the unit of the shortest axis, so that the integrand is of order 1.
        shortest = ops.real(min(self.axes))
        q = [(shortest / x) ** 2 for x in a]

        def integrand(p: Any, analytic: bool) -> Any:
            c, s = p.cos() ** 2, p.sin() ** 2
            value, total = p.cos() ** n, ops.real(0.0)
            for q_i in q:
                value = value / (c + 2 * q_i * s).sqrt(analytic=analytic)
                total = total + q_i / (c + 2 * q_i * s)
            return value * total

        gaussian = 2 / ops.sqrt(ops.pi) * integral(integrand, 0, ops.pi / 2)
        norm = ops.sqrt(ops.real(2.0)) * (ops.real(n + 1) / 2).gamma() / (ops.real(n) / 2).gamma()
        product = ops.real(1.0)
        for x in a:
            product = product * x
        return sphere_area(n - 1, ops) * product / shortest * gaussian / norm

    def _find_truth(self) -> Truth:
        longest, shortest = max(self.axes), min(self.axes)
        n = len(self.axes)
        here = "derived in aeverify.manifolds.spheres.Ellipsoid"
        topology = Citation(here, "", "x -> (x_i / a_i) is a diffeomorphism to S^(n-1)")
        extent = Citation(here, "", "B <= |x| <= A, with equality at the ends of the axes, and K = -K")
        rolling = Citation(
            BLASCHKE,
            "rolling theorem; Koutroufiotis 1972 in all dimensions; " + here,
            "a closed convex surface has reach 1 / (largest normal curvature) = B^2 / A",
        )
        return Truth(
            dimension=n - 1,
            closed=True,
            components=1,
            orientable=True,
            volume=closed_form(self._area),
            reach=closed_form(lambda ops: ops.real(shortest) ** 2 / ops.real(longest)),
            betti=dict.fromkeys(FIELDS, sphere_betti(n - 1)),
            circumradius=Interval.exactly(longest),
            diameter=Interval.exactly(2 * longest),
            symmetry_center=(0.0,) * n,
            inner_radius=Interval.exactly(shortest),
            antipodal_index=n - 1,
            embedding_dim=n,
            curvature=closed_form(lambda ops: ops.real(longest) / ops.real(shortest) ** 2),
            sources={
                **dict.fromkeys(("dimension", "closed", "components", "orientable", "betti"), topology),
                "volume": Citation(here, "", "an integral of one variable, enclosed in ball arithmetic"),
                **dict.fromkeys(("reach", "curvature"), rolling),
                **dict.fromkeys(("circumradius", "diameter", "symmetry_center", "inner_radius"), extent),
                "antipodal_index": Citation(BORSUK, "Satz II", "every odd map of S^(n-1) to R^(n-1) has a zero"),
                "embedding_dim": Citation(here, "", "the set lies in R^n"),
            },
        )


@final
class Hemisphere(ConnectedManifold):
    """The closed upper half {|x| = r, x_1 >= 0} of the sphere of dimension d in R^(d+1), with boundary S^(d-1).

    Reach = r: at a boundary point p the tangent cone is the half {v . e_1 >= 0} of the sphere's tangent space, and
    (q - p) . e_1 = q_1 >= 0 for every q of the set, so Federer's quotient |q - p|^2 / (2 d(q - p, Tan_p)) is that of
    the sphere for all pairs, which is r. The boundary holds antipodes, so circumradius and diameter are the sphere's.

    Args:
        dim: d, from 2 to 100.
        radius: r, from 1e-100 to 1e100, with r^d between 1e-200 and 1e200.

    Raises:
        SpecError: a parameter is out of range.
    """

    def __init__(self, dim: int = 2, radius: float = 1.0) -> None:
        self.dim = d = require_dim(dim, 2, "a hemisphere")
        self.radius = r = require_length(radius, "radius of a hemisphere")
        require_volume((r,) * d, "the hemisphere")
        speed = (rounded_up(2 * math.pi * r),) * d
        chart = Chart(*_chart_box(d, 0.25), self._formula, speed, orthogonal=True, rounding=16.0 + 8 * d)
        super().__init__(Spec("hemisphere", {"dim": d, "radius": r}), d + 1, chart)

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        return [self.radius * s for s in spherical(parameters, ops)]

    def transport(self, unit: FloatArray) -> FloatArray:
        """That of the sphere on the lower half of the first coordinate of the cube."""
        half = np.array(unit)
        half[:, 0] /= 2
        return spherical_transport(half)

    def _find_truth(self) -> Truth:
        d, r = self.dim, self.radius
        here = "derived in aeverify.manifolds.spheres.Hemisphere"
        disc = Citation(here, "", "dropping x_1 is a homeomorphism to the closed ball of R^d, which is contractible")
        extent = Citation(here, "", "the boundary holds antipodes of the sphere")
        exactly = Interval.exactly(r)
        return Truth(
            dimension=d,
            closed=False,
            components=1,
            orientable=True,
            volume=closed_form(lambda ops: sphere_area(d, ops) * ops.real(r) ** d / 2),
            reach=exactly,
            betti=dict.fromkeys(FIELDS, (1, *(0,) * d)),
            circumradius=exactly,
            diameter=Interval.exactly(2 * r),
            embedding_dim=d,
            curvature=closed_form(lambda ops: 1 / ops.real(r)),
            sources={
                **dict.fromkeys(("dimension", "closed", "components", "orientable", "betti", "embedding_dim"), disc),
                "volume": Citation(here, "", "half of the sphere"),
                "reach": Citation(FEDERER, "Theorem 4.18; " + here, "its quotient is r for every pair of points"),
                **dict.fromkeys(("circumradius", "diameter"), extent),
                "curvature": Citation(here, "", "that of the sphere"),
            },
        )


MANIFOLDS.register(
    "sphere",
    Entry(
        name="sphere",
        summary="a round sphere of any dimension",
        build=Sphere,
        parameters=(
            Parameter("dim", "dimension d, from 1 to 100", "2"),
            Parameter("radius", "radius, from 1e-100 to 1e100", "1"),
        ),
        examples=("sphere:dim=2,radius=1", "sphere:dim=3,radius=0.5"),
    ),
)
MANIFOLDS.register(
    "ellipsoid",
    Entry(
        name="ellipsoid",
        summary="the surface of an ellipsoid in R^n, about the origin",
        build=Ellipsoid,
        parameters=(Parameter("axes", "semi-axes, a list of 2 to 101 numbers"),),
        examples=("ellipsoid:axes=[3,2,1]",),
    ),
)
MANIFOLDS.register(
    "hemisphere",
    Entry(
        name="hemisphere",
        summary="a closed half sphere, with boundary",
        build=Hemisphere,
        parameters=(
            Parameter("dim", "dimension d, from 2 to 100", "2"),
            Parameter("radius", "radius, from 1e-100 to 1e100", "1"),
        ),
        examples=("hemisphere:dim=2,radius=1",),
    ),
)
