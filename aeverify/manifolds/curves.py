"""Curves: the circle, the ellipse and the spiral arc, each with every fact exact or enclosed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any, final

from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.spec import Spec
from aeverify.errors import SpecError
from aeverify.manifolds.balls import ball_operations, enclosure
from aeverify.manifolds.base import Truth
from aeverify.manifolds.chart import Chart, Operations
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.extent import circumradius_bounds, cover, diameter_bounds
from aeverify.manifolds.parameters import require_ambient_dim, require_center, require_length, require_real

FIELDS = ("Q", "Z/2", "Z/3")

HATCHER = "Hatcher 2002, Algebraic Topology"
FEDERER = "Federer 1959, Curvature measures"
BORSUK = "Borsuk 1933, Drei Sätze über die n-dimensionale euklidische Sphäre"
BLASCHKE = "Blaschke 1916, Kreis und Kugel"


def _closed_curve_sources(derivation: str) -> dict[str, Citation]:
    """Sources of the facts that hold for every simple closed curve."""
    topology = Citation(HATCHER, "Example 0.3 and section 2.2", "a simple closed curve is homeomorphic to S^1")
    return {
        "dimension": Citation(derivation, "", "the chart is regular: its speed is nowhere 0"),
        "closed": topology,
        "components": topology,
        "orientable": topology,
        "betti": Citation(HATCHER, "Corollary 2.14", "H_0 and H_1 of S^1 are free of rank 1, so b_0 = b_1 = 1"),
        "antipodal_index": Citation(BORSUK, "Satz II", "an odd continuous function on a connected set has a zero"),
        "embedding_dim": Citation(derivation, "", "a closed curve of its kind lies in a plane"),
    }


@final
class Circle(ConnectedManifold):
    """The circle of a given radius about a centre in a plane of R^n: c + r (cos 2 pi t f_1 + sin 2 pi t f_2).

    The chart is measured in turns, t in [0, 1]. Reach: every point off the axis through the centre has one nearest
    point, and the centre, at distance r, has all of them, so the reach is r exactly.

    Args:
        radius: r, from 1e-100 to 1e100.
        center: n coordinates, or 0 for the origin.
        plane: two different axes i, j of R^n (from 0): f_1 = e_i and f_2 = e_j.
        frame: two orthonormal vectors f_1, f_2 of R^n, instead of `plane`. They are read as directions: the exact
            frame is their Gram-Schmidt orthonormalisation, so that the set is a true circle although the given
            floating-point vectors are orthonormal up to rounding only.
        ambient_dim: n, at least 2.

    Raises:
        SpecError: a parameter is out of range, of the wrong length, or the frame is not orthonormal within 1e-9.
    """

    def __init__(
        self,
        radius: float = 1.0,
        center: float | Sequence[float] = 0,
        plane: Sequence[int] | None = None,
        frame: Sequence[Sequence[float]] | None = None,
        ambient_dim: int = 2,
    ) -> None:
        self.radius = r = require_length(radius, "radius of a circle")
        n = require_ambient_dim(ambient_dim, 2, "a circle")
        self.center = require_center(center, n, r, "center of a circle")
        if plane is not None and frame is not None:
            raise SpecError("A circle takes plane=[i,j] or frame=[[...],[...]], not both.")
        self.plane = _plane(plane if plane is not None else (0, 1), n) if frame is None else None
        self.frame = _frame(frame, n) if frame is not None else None

        parameters: dict[str, Any] = {"radius": r, "ambient_dim": n}
        if any(self.center):
            parameters["center"] = self.center
        if self.plane not in (None, (0, 1)):
            parameters["plane"] = self.plane
        if self.frame is not None:
            parameters["frame"] = self.frame
        speed = math.nextafter(2 * math.pi * r * (1 + 2.0**-50), math.inf)
        chart = Chart((0.0,), (1.0,), (True,), self._formula, (speed,))
        super().__init__(Spec("circle", parameters), n, chart)

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        turn = 2 * ops.pi * parameters[0]
        x, y = self.radius * ops.cos(turn), self.radius * ops.sin(turn)
        point: list[Any] = [ops.real(c) for c in self.center]
        if self.plane is not None:
            for axis, value in zip(self.plane, (x, y), strict=True):
                point[axis] = value + self.center[axis]
            return point
        assert self.frame is not None
        first, second = _orthonormalised(self.frame, ops)
        return [c + x * f + y * g for c, f, g in zip(point, first, second, strict=True)]

    def _find_truth(self) -> Truth:
        r = self.radius
        here = "derived in aeverify.manifolds.curves.Circle"
        symmetry = Citation(
            here, "", "the circle is symmetric about its centre, from which all its points have distance r"
        )
        return Truth(
            dimension=1,
            closed=True,
            components=1,
            orientable=True,
            volume=enclosure(lambda: 2 * ball_operations().pi * r),
            reach=Interval.exactly(r),
            betti=dict.fromkeys(FIELDS, (1, 1)),
            circumradius=Interval.exactly(r),
            diameter=Interval.exactly(2 * r),
            symmetry_center=self.center,
            inner_radius=Interval.exactly(r),
            antipodal_index=1,
            embedding_dim=2,
            curvature=enclosure(lambda: 1 / ball_operations().real(r)),
            weak_feature_size=Interval.exactly(r),
            sources={
                **_closed_curve_sources(here),
                "curvature": Citation(here, "", "the curvature is 1/r everywhere"),
                "weak_feature_size": Citation(
                    here,
                    "",
                    "only the points of the axis have several nearest points, and only the centre is in their hull",
                ),
                "volume": Citation(here, "", "the speed of the chart is 2 pi r"),
                "reach": Citation(
                    FEDERER,
                    "Definition 4.1",
                    "the points of the plane nearest to two points of the circle are its centre, at distance r",
                ),
                "circumradius": Citation(here, "", "a ball that holds two antipodes has radius at least r"),
                "diameter": Citation(here, "", "antipodes are the farthest points"),
                "symmetry_center": symmetry,
                "inner_radius": symmetry,
            },
        )


@final
class Ellipse(ConnectedManifold):
    """The ellipse (a cos 2 pi t, b sin 2 pi t), t in [0, 1], with semi-axes a and b in either order.

    With A the longer and B the shorter semi-axis: the curvature is largest, A / B^2, at the ends of the long axis, and
    by Blaschke's rolling theorem a closed convex curve of curvature at most 1/r has a disc of radius r that touches
    it from inside at every point and holds no point of it; from outside every disc is free by convexity. So the reach
    is B^2 / A exactly. The length is 4 A E(m), m = 1 - B^2/A^2, with E the complete elliptic integral of the second
    kind, enclosed in ball arithmetic.

    Args:
        a: semi-axis along the first coordinate, from 1e-100 to 1e100.
        b: semi-axis along the second coordinate.

    Raises:
        SpecError: a parameter is out of range.
    """

    def __init__(self, a: float, b: float) -> None:
        self.a = require_length(a, "semi-axis a of an ellipse")
        self.b = require_length(b, "semi-axis b of an ellipse")
        speed = math.nextafter(2 * math.pi * max(self.a, self.b) * (1 + 2.0**-50), math.inf)
        chart = Chart((0.0,), (1.0,), (True,), self._formula, (speed,))
        super().__init__(Spec("ellipse", {"a": self.a, "b": self.b}), 2, chart)

    @property
    def semi_axes(self) -> tuple[float, float]:
        """The longer and the shorter semi-axis."""
        return max(self.a, self.b), min(self.a, self.b)

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        turn = 2 * ops.pi * parameters[0]
        return [self.a * ops.cos(turn), self.b * ops.sin(turn)]

    def _find_truth(self) -> Truth:
        longer, shorter = self.semi_axes
        here = "derived in aeverify.manifolds.curves.Ellipse"
        extent = Citation(here, "", "B <= |x| <= A, with equality at the ends of the axes, and K = -K")

        def length() -> Any:
            import flint

            p, q = flint.arb(longer), flint.arb(shorter)
            return (4 * p * flint.acb(1 - (q / p) ** 2).elliptic_e()).real

        def reach() -> Any:
            ops = ball_operations()
            return ops.real(shorter) ** 2 / ops.real(longer)

        return Truth(
            dimension=1,
            closed=True,
            components=1,
            orientable=True,
            volume=enclosure(length),
            reach=enclosure(reach),
            betti=dict.fromkeys(FIELDS, (1, 1)),
            circumradius=Interval.exactly(longer),
            diameter=Interval.exactly(2 * longer),
            symmetry_center=(0.0, 0.0),
            inner_radius=Interval.exactly(shorter),
            antipodal_index=1,
            embedding_dim=2,
            curvature=enclosure(lambda: ball_operations().real(longer) / ball_operations().real(shorter) ** 2),
            sources={
                **_closed_curve_sources(here),
                "curvature": Citation(here, "", "the curvature is largest, A / B^2, at the ends of the long axis"),
                "volume": Citation(
                    "NIST Digital Library of Mathematical Functions",
                    "19.30(i)",
                    "the perimeter of an ellipse is 4 A E(1 - B^2/A^2)",
                ),
                "reach": Citation(
                    BLASCHKE,
                    "rolling theorem; " + here,
                    "a closed convex curve has reach 1 / (largest curvature) = B^2 / A",
                ),
                "circumradius": extent,
                "diameter": extent,
                "symmetry_center": extent,
                "inner_radius": extent,
            },
        )


@final
class Spiral(ConnectedManifold):
    """The arc (t + 1) (cos(5 t + 1.5), sin(5 t + 1.5)), 0 <= t <= 1, of an autoencoder tutorial (source 003).

    Write rho = t + 1; the arc is rho exp(5 i rho) turned, 1 <= rho <= 2. Speed: v(rho) = sqrt(1 + 25 rho^2), so the
    length is [rho v(rho) / 2 + asinh(5 rho) / 10] from 1 to 2. It is an arc: dimension 1, not closed, homeomorphic to
    an interval, so a code of one number loses nothing in principle.

    **Reach = 26^(3/2) / 135 = 0.98203..., the radius of curvature at t = 0.** The curvature is
    kappa(rho) = 5 (2 + 25 rho^2) / (1 + 25 rho^2)^(3/2), which falls (with q = 25 rho^2 the derivative of
    (2 + q) (1 + q)^(-3/2) has the sign of (1 + q) - 1.5 (2 + q) < 0), so its maximum is
    k = kappa(1) = 135 / 26^(3/2) = 1.0183. The reach is at most 1 / k, the limit of Federer's quotient
    |q - p|^2 / (2 d(q - p, Tan_p)) for pairs that close up at t = 0. It is at least 1 / k:

    1. Pairs whose arc length s is at most pi / k. Let c = p + nu / k with nu a unit vector of the normal cone of the
       arc at p (at an end point: the half space that does not look along the arc), and
       u(s) = |gamma(s) - c|^2 - 1/k^2 along the arc from p. Then u(0) = 0, u'(0) >= 0, and
       u'' = 2 + 2 <gamma'', gamma - c> >= 2 - 2 k sqrt(u + 1/k^2) >= -k^2 u by the inequality of the means. So
       u(s) = u'(0) sin(k s) / k + integral of sin(k (s - r)) / k (u'' + k^2 u)(r) dr >= 0 as long as k s <= pi: q lies
       in no open ball of radius 1/k that touches the arc at p, which says that Federer's quotient is at least 1/k.
    2. Pairs with s >= pi / k = 3.0851... The quotient is at least |q - p| / 2, so |q - p|^2 >= 4 / k^2 = 3.8575...
       is enough. Let the pair be rho_1 < rho_2 = rho_1 + D. Then
       |q - p|^2 = D^2 + 4 rho_1 rho_2 sin^2(5 D / 2), and s <= D v(rho_2).
       - D < 0.3069: s <= 0.3069 sqrt(101) < 3.0851, so there are no such pairs.
       - 0.3069 <= D <= 0.34: v(rho_2) >= 3.085 / 0.34 gives rho_2 >= 1.80, rho_1 >= 1.46, and sin^2(0.767) >= 0.48:
         the square is at least 4 x 1.46 x 1.80 x 0.48 > 5.
       - 0.34 <= D <= 0.385: rho_2 >= 1.59, rho_1 >= 1.20, sin^2(0.85) >= 0.564: at least 4 x 1.20 x 1.59 x 0.564 > 4.3.
       - 0.385 <= D <= 1: rho_1 rho_2 >= 1 + D, so the square is at least h(D) = D^2 + 4 (1 + D) sin^2(5 D / 2).
         h grows up to D = pi/5 and h(0.385) > 3.879; on [pi/5, 0.97], h is at least
         0.628^2 + 4 x 1.628 x sin^2(2.25) > 4.3 up to 0.9 and 0.9^2 + 4 x 1.9 x sin^2(2.425) > 4.0 beyond; on
         [0.97, 1], h' = 2 D + 4 sin^2(5 D / 2) + 10 (1 + D) sin(5 D) <= 2 + 1.73 + 19.7 sin(5) < 0, so h is at least
         h(1) = 1 + 8 sin^2(2.5) = 3.865...

    A test repeats step 2 in interval arithmetic. Diameter and circumradius are enclosed from a covering grid.
    """

    def __init__(self) -> None:
        chart = Chart((0.0,), (1.0,), (False,), _spiral_formula, (math.nextafter(math.sqrt(101.0), math.inf),))
        super().__init__(Spec("spiral"), 2, chart)

    def _find_truth(self) -> Truth:
        here = "derived in aeverify.manifolds.curves.Spiral"
        interval = Citation(here, "", "rho = |x| is injective on the arc, so the arc is homeomorphic to [1, 2]")
        grid = Citation("enclosed by aeverify.manifolds.extent", "", "a grid of 1024 points covers the arc")
        covered = cover((self,), 1024)

        def primitive(rho: int) -> Any:
            import flint

            x = flint.arb(rho)
            return x * (1 + 25 * x**2).sqrt() / 2 + (5 * x).asinh() / 10

        return Truth(
            dimension=1,
            closed=False,
            components=1,
            orientable=True,
            volume=enclosure(lambda: primitive(2) - primitive(1)),
            reach=enclosure(lambda: 26 * ball_operations().sqrt(ball_operations().real(26.0)) / 135),
            betti=dict.fromkeys(FIELDS, (1, 0)),
            circumradius=circumradius_bounds(covered),
            diameter=diameter_bounds(covered),
            embedding_dim=1,
            curvature=enclosure(lambda: 135 / (26 * ball_operations().sqrt(ball_operations().real(26.0)))),
            sources={
                "curvature": Citation(here, "", "the curvature falls along the arc, so it is largest at t = 0"),
                "dimension": Citation(here, "", "the chart is regular: its speed is nowhere 0"),
                "closed": Citation(here, "", "an arc has two end points"),
                "components": interval,
                "orientable": interval,
                "volume": Citation(here, "", "the integral of sqrt(1 + 25 rho^2) from 1 to 2"),
                "reach": Citation(
                    here,
                    "and Federer 1959, Theorem 4.18",
                    "the radius of curvature at t = 0: near pairs by comparison with circles, far ones by estimates",
                ),
                "betti": Citation(HATCHER, "section 2.1", "an arc is contractible"),
                "circumradius": grid,
                "diameter": grid,
                "embedding_dim": interval,
            },
        )


def _spiral_formula(parameters: Sequence[Any], ops: Operations) -> list[Any]:
    t = parameters[0]
    return [(t + 1) * ops.cos(5 * t + 1.5), (t + 1) * ops.sin(5 * t + 1.5)]


def _plane(value: Any, n: int) -> tuple[int, int]:
    """Two different axes of R^n."""
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise SpecError(f"plane of a circle must be two axes such as [0,1], got {value!r}.")
    for axis in value:
        if isinstance(axis, bool) or not isinstance(axis, Integral) or not 0 <= int(axis) < n:
            raise SpecError(f"plane of a circle must name axes from 0 to {n - 1}, got {value!r}.")
    if value[0] == value[1]:
        raise SpecError(f"plane of a circle must name two different axes, got {value!r}.")
    return int(value[0]), int(value[1])


def _frame(value: Any, n: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Two vectors of R^n, orthonormal within 1e-9."""
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise SpecError(f"frame of a circle must be two vectors [[...],[...]], got {value!r}.")
    vectors = []
    for vector in value:
        if isinstance(vector, str) or not isinstance(vector, Sequence) or len(vector) != n:
            raise SpecError(f"each vector of the frame of a circle must have {n} coordinates, got {vector!r}.")
        vectors.append(tuple(require_real(v, "each coordinate of the frame of a circle") + 0.0 for v in vector))
    first, second = vectors
    gram = [sum(p * q for p, q in zip(v, w, strict=True)) for v, w in ((first, first), (second, second), vectors)]
    if not max(abs(gram[0] - 1), abs(gram[1] - 1), abs(gram[2])) <= 1e-9 or not math.isfinite(sum(gram)):
        raise SpecError(
            f"frame of a circle must be orthonormal within 1e-9: the squared lengths are {gram[0]:.12g} and "
            f"{gram[1]:.12g}, the inner product is {gram[2]:.12g}. Normalise the vectors (numpy.linalg.qr)."
        )
    return first, second


def _orthonormalised(frame: tuple[tuple[float, ...], ...], ops: Operations) -> tuple[list[Any], list[Any]]:
    """Gram-Schmidt in the arithmetic of `ops`."""
    v, w = ([ops.real(x) for x in vector] for vector in frame)
    norm = ops.sqrt(sum(x * x for x in v))
    first = [x / norm for x in v]
    inner = sum(x * y for x, y in zip(w, first, strict=True))
    w = [y - inner * x for x, y in zip(first, w, strict=True)]
    norm = ops.sqrt(sum(x * x for x in w))
    return first, [y / norm for y in w]
