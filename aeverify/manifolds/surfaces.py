"""Surfaces in R^3: the torus of revolution, the Moebius band and the Swiss roll."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np

from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.spec import Spec
from aeverify.errors import SpecError
from aeverify.manifolds.balls import (
    BITS,
    ball_operations,
    certified_points,
    closed_form,
    integral,
    interval_of,
    precision,
)
from aeverify.manifolds.base import Truth
from aeverify.manifolds.chart import Chart, FloatArray, Operations
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.curves import FEDERER, FIELDS, HATCHER
from aeverify.manifolds.enclosed import hypotenuse
from aeverify.manifolds.entry import MANIFOLDS, Entry, Parameter
from aeverify.manifolds.extent import Cover, circumradius_bounds, cover, diameter_bounds
from aeverify.manifolds.parameters import require_length, require_real, require_volume, rounded_up

_NODES = 1024
_CELLS = 2048
_MOST_TURNS = 50.0


def increasing_inverse(
    value: Callable[[FloatArray], FloatArray], slope: Callable[[FloatArray], FloatArray], low: float, high: float
) -> Callable[[FloatArray], FloatArray]:
    """The inverse, to rounding, of an increasing function on [low, high] whose slope is positive: Newton's steps where
    they stay in the bracket, bisection else."""

    def inverse(target: FloatArray) -> FloatArray:
        a, b = np.full(target.shape, low), np.full(target.shape, high)
        x: FloatArray = (a + b) / 2
        for _ in range(80):
            gap = value(x) - target
            a, b = np.where(gap < 0, x, a), np.where(gap < 0, b, x)
            following: FloatArray = x - gap / slope(x)
            outside = ~((following >= a) & (following <= b))
            following[outside] = ((a + b) / 2)[outside]
            if np.array_equal(following, x) or float(np.abs(following - x).max(initial=0.0)) <= 2.0**-52 * high:
                return following
            x = following
        return x

    return inverse


@final
class Torus(ConnectedManifold):
    """The torus of revolution ((R + r cos v) cos u, (R + r cos v) sin u, r sin v), R > r, with u and v in turns.

    Reach = min(r, R - r): the tube about the core circle is embedded up to radius r < R, within it the nearest point is
    unique but on the core, at distance r; outside of it a point off the axis of revolution has the nearest point of
    its meridian half plane, and a point of the axis at height z has a circle of them, at distance
    (R^2 + z^2)^(1/2) - r >= R - r. The core circle (value r) and the origin (value R - r) are critical points of the
    distance, so the weak feature size is the reach. The principal curvatures are 1/r and cos v / (R + r cos v).

    Sampling: the angle v has density (1 + (r / R) cos v) / 2 pi. A uniform v is kept with probability
    (1 + (r / R) cos v) / 2 and else moved by half a turn: the two ways to arrive at v have densities that add up to
    (1 + (r / R) cos v) / 2 pi. Nothing is thrown away.

    Args:
        R: radius of the core circle.
        r: radius of the tube, smaller than R.

    Raises:
        SpecError: a parameter is out of range, or R <= r, where the surface would meet itself.
    """

    def __init__(self, R: float, r: float) -> None:
        self.R = require_length(R, "R of a torus")
        self.r = require_length(r, "r of a torus")
        require_ring(self.R, self.r, "A torus of revolution")
        self._ratio = self.r / self.R
        speed = (rounded_up(2 * math.pi * (self.R + self.r)), rounded_up(2 * math.pi * self.r))
        chart = Chart((0.0, 0.0), (1.0, 1.0), (True, True), self._formula, speed, orthogonal=True)
        super().__init__(Spec("torus", {"R": self.R, "r": self.r}), 3, chart)

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        u, v = 2 * ops.pi * parameters[0], 2 * ops.pi * parameters[1]
        ring = self.R + self.r * ops.cos(v)
        return [ring * ops.cos(u), ring * ops.sin(u), self.r * ops.sin(v)]

    def transport(self, unit: FloatArray) -> FloatArray:
        """v solves v + (r / R) sin v = 2 pi w, the quantile of its law."""
        rho = self._ratio
        inverse = increasing_inverse(lambda v: v + rho * np.sin(v), lambda v: 1 + rho * np.cos(v), 0.0, 2 * math.pi)
        return np.column_stack([unit[:, 0], np.clip(inverse(2 * math.pi * unit[:, 1]) / (2 * math.pi), 0.0, 1.0)])

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Uniform angles, of which v is moved by half a turn with probability (1 - (r / R) cos v) / 2."""
        u = rng.random((n, 2))
        v = u[:, 1]
        moved = 2 * rng.random(n) >= 1 + self._ratio * np.cos((2 * math.pi) * v)
        v += 0.5 * moved
        v -= v >= 1.0
        return u

    def _find_truth(self) -> Truth:
        R, r = self.R, self.r
        here = "derived in aeverify.manifolds.surfaces.Torus"
        topology = Citation(HATCHER, "Examples 2.3 and 3.16", "the torus S^1 x S^1 has Betti numbers 1, 2, 1")
        outer = closed_form(lambda ops: ops.real(R) + ops.real(r))
        inner = closed_form(lambda ops: ops.real(R) - ops.real(r))
        reach = Interval.exactly(r).minimum(inner)
        extent = Citation(here, "", "R - r <= |x| <= R + r, with equality on the equators, and K = -K")
        medial = Citation(FEDERER, "Definition 4.1; " + here, "the core circle at r and the axis at R - r or more")
        return Truth(
            dimension=2,
            closed=True,
            components=1,
            orientable=True,
            volume=closed_form(lambda ops: 4 * ops.pi**2 * ops.real(R) * ops.real(r)),
            reach=reach,
            betti=dict.fromkeys(FIELDS, (1, 2, 1)),
            circumradius=outer,
            diameter=Interval(2 * outer.lower, 2 * outer.upper),
            symmetry_center=(0.0, 0.0, 0.0),
            inner_radius=inner,
            antipodal_index=1,
            embedding_dim=3,
            curvature=closed_form(lambda ops: 1 / ops.real(r)).maximum(
                closed_form(lambda ops: 1 / (ops.real(R) - ops.real(r)))
            ),
            weak_feature_size=reach,
            sources={
                **dict.fromkeys(("dimension", "closed", "components", "orientable", "betti"), topology),
                "volume": Citation(here, "", "4 pi^2 R r, by Pappus or by integration"),
                **dict.fromkeys(("reach", "weak_feature_size"), medial),
                **dict.fromkeys(("circumradius", "diameter", "symmetry_center", "inner_radius"), extent),
                "antipodal_index": Citation(here, "", "an odd continuous function on a connected set has a zero"),
                "embedding_dim": Citation(here, "", "the set lies in R^3"),
                "curvature": Citation(here, "", "the larger of 1 / r and 1 / (R - r)"),
            },
        )


@final
class Moebius(ConnectedManifold):
    """The Moebius band ((R + t cos(u/2)) cos u, (R + t cos(u/2)) sin u, t sin(u/2)), |t| <= h < R, with u in turns.

    After one turn of u the parameter t is mirrored. Embedded: R + t cos(u/2) > 0 is the distance from the axis, which
    with the angle u gives t. The partial derivatives are orthogonal, of length ((R + t cos(u/2))^2 + t^2/4)^(1/2) (with
    u in radians) and 1. Area: with c = cos(u/2) and A = c^2 + 1/4 the square is A t^2 + 2 R c t + R^2, of discriminant
    -R^2, so the integral over t is elementary, and that over u is enclosed in ball arithmetic.

    Reach: at t = 0 the second fundamental form in the frame (d/dt, d/du / R) is ((0, 1/2R), (1/2R, sin(u/2) / R)),
    whose largest eigenvalue is (1 + 2^(1/2)) / 2R at u = pi; so the reach is at most 2 R / (1 + 2^(1/2)). No lower
    bound is proved.

    Args:
        R: radius of the core circle.
        h: half the width of the band, smaller than R.

    Raises:
        SpecError: a parameter is out of range, or R <= h, where the band would meet itself.
    """

    def __init__(self, R: float, h: float) -> None:
        self.R = require_length(R, "R of a Moebius band")
        self.h = require_length(h, "h of a Moebius band")
        require_ring(self.R, self.h, "A Moebius band", "h")
        speed = (rounded_up(2 * math.pi * math.hypot(self.R + self.h, self.h / 2)), 1.0)
        chart = Chart(
            (0.0, -self.h),
            (1.0, self.h),
            (True, False),
            self._formula,
            speed,
            orthogonal=True,
            flips=((1,), ()),
        )
        super().__init__(Spec("moebius", {"R": self.R, "h": self.h}), 3, chart)

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        half, t = ops.pi * parameters[0], parameters[1]
        ring = self.R + t * ops.cos(half)
        return [ring * ops.cos(2 * half), ring * ops.sin(2 * half), t * ops.sin(half)]

    def _area(self, ops: Operations) -> Any:
        R, h = ops.real(self.R), ops.real(self.h)

        def primitive(t: Any, c: Any, analytic: bool) -> Any:
            a = c * c + ops.real(0.25)
            linear = 2 * (a * t + R * c)
            root = (a * t * t + 2 * R * c * t + R * R).sqrt(analytic=analytic)
            lead = a.sqrt(analytic=analytic)
            logarithm = (2 * lead * root + linear).log(analytic=analytic)
            return linear / (4 * a) * root + R * R / (8 * a * lead) * logarithm

        def integrand(half: Any, analytic: bool) -> Any:
            c = half.cos()
            return primitive(h, c, analytic) - primitive(-h, c, analytic)

        return 2 * integral(integrand, 0, ops.pi)

    def _find_truth(self) -> Truth:
        R, h = self.R, self.h
        here = "derived in aeverify.manifolds.surfaces.Moebius"
        band = Citation(here, "", "it retracts to its core circle, along which d/dt comes back as -d/dt")
        outer = closed_form(lambda ops: ops.real(R) + ops.real(h))
        covered = cover((self,), _NODES)
        size = Interval(max(R, circumradius_bounds(covered).lower), outer.upper)
        across = Interval(max(2 * R, diameter_bounds(covered).lower), 2 * outer.upper)
        extent = Citation(here, "", "|x| <= R + h, the core circle is in the set, and a grid of points bounds below")
        return Truth(
            dimension=2,
            closed=False,
            components=1,
            orientable=False,
            volume=closed_form(self._area),
            reach=Interval(0.0, closed_form(lambda ops: 2 * ops.real(R) / (1 + ops.sqrt(ops.real(2.0)))).upper),
            betti=dict.fromkeys(FIELDS, (1, 1, 0)),
            circumradius=size,
            diameter=across,
            embedding_dim=3,
            sources={
                **dict.fromkeys(("dimension", "closed", "components", "orientable", "betti"), band),
                "volume": Citation(here, "", "an integral of one variable, enclosed in ball arithmetic"),
                "reach": Citation(FEDERER, "Theorem 4.18; " + here, "at most the radius of curvature at u = pi, t = 0"),
                **dict.fromkeys(("circumradius", "diameter"), extent),
                "embedding_dim": Citation(here, "", "the set lies in R^3"),
            },
        )


@final
class SwissRoll(ConnectedManifold):
    """The Swiss roll (t cos t, y, t sin t), t = 2 pi s, start <= s <= end, 0 <= y <= width: an arc times a segment.

    It is flat: dropping the roll is an isometry to a rectangle, and a homeomorphism to a plane set, so a code of two
    numbers loses nothing. The reach is that of the plane arc (a product with a convex set keeps it).

    **Reach of the arc**, t_0 <= t <= t_1. The curvature is (2 + t^2) / (1 + t^2)^(3/2), which falls with t (its
    derivative in q = t^2 has the sign of (1 + q) - 1.5 (2 + q) < 0), so its maximum is k = curvature(t_0) and the reach
    is at most 1 / k. Pairs whose arc is at most pi / k have Federer quotients of at least 1 / k (the comparison of
    `curves.Spiral`, step 1). For a pair at t and t + D whose arc is longer, D (1 + (t + D)^2)^(1/2) >= pi / k gives
    t + D >= b(D) = ((pi / k D)^2 - 1)^(1/2), so the product of the two radii is at least t_0 (t_0 + D) and at least
    b (b - D), and the squared distance D^2 + 4 t (t + D) sin^2(D / 2) is enclosed from below on small intervals of D
    in ball arithmetic; half its root bounds the quotient. Upper end: the quotient at the best of sampled pairs of
    inner points, in ball arithmetic.

    Args:
        start: first angle in turns, from 0.
        end: last angle in turns, larger than start, at most 50.
        width: length of the roll.

    Raises:
        SpecError: a parameter is out of range.
    """

    def __init__(self, start: float = 0.75, end: float = 2.25, width: float = 21.0) -> None:
        self.start = a = require_real(start, "start of a Swiss roll") + 0.0
        self.end = b = require_real(end, "end of a Swiss roll")
        self.width = require_length(width, "width of a Swiss roll")
        if not 0 <= a < b <= _MOST_TURNS or b - a < 1e-6:
            raise SpecError(
                f"A Swiss roll needs 0 <= start < end <= {_MOST_TURNS:g} turns, at least 1e-6 apart, got {start!r} and "
                f"{end!r}."
            )
        speed = rounded_up(2 * math.pi * math.hypot(1.0, 2 * math.pi * b))
        chart = Chart((a, 0.0), (b, self.width), (False, False), _roll, (speed, 1.0), orthogonal=True)
        self._arc = Chart((a,), (b,), (False,), _roll_arc, (speed,))
        super().__init__(Spec("swiss_roll", {"start": a, "end": b, "width": self.width}), 3, chart)

    def transport(self, unit: FloatArray) -> FloatArray:
        """The arc length of t is uniform."""
        first, last = 2 * math.pi * self.start, 2 * math.pi * self.end
        inverse = increasing_inverse(_arc_length, lambda t: np.sqrt(1 + t * t), first, last)
        low, high = (float(_arc_length(np.array([t]))[0]) for t in (first, last))
        t = inverse(low + (high - low) * unit[:, 0])
        return np.column_stack([np.clip(t / (2 * math.pi), self.start, self.end), self.width * unit[:, 1]])

    def _find_truth(self) -> Truth:
        here = "derived in aeverify.manifolds.surfaces.SwissRoll"
        a, b, width = self.start, self.end, self.width
        rectangle = Citation(here, "", "(t, y) is a homeomorphism to a rectangle, which is contractible")
        grid = Citation("enclosed by aeverify.manifolds.extent", "", "a grid of 1024 points covers the arc")
        nodes = a + (b - a) * ((np.arange(_NODES) + 0.5) / _NODES)
        points, error = certified_points(self._arc, nodes[:, None])
        radius = rounded_up(self._arc.speed[0] * (b - a) / (2 * _NODES)) + 2 * error + 1e-12
        covered = Cover(points, error, radius)

        def primitive(s: float, ops: Operations) -> Any:
            t = 2 * ops.pi * ops.real(s)
            return (t * ops.sqrt(1 + t * t) + t.asinh()) / 2

        curvature = closed_form(lambda ops: _roll_curvature(2 * ops.pi * ops.real(a), ops))
        segment = Interval.exactly(width)
        return Truth(
            dimension=2,
            closed=False,
            components=1,
            orientable=True,
            volume=closed_form(lambda ops: (primitive(b, ops) - primitive(a, ops)) * ops.real(width)),
            reach=self._reach(),
            betti=dict.fromkeys(FIELDS, (1, 0, 0)),
            circumradius=hypotenuse([circumradius_bounds(covered), Interval.exactly(width / 2)]),
            diameter=hypotenuse([diameter_bounds(covered), segment]),
            embedding_dim=2,
            curvature=curvature,
            sources={
                **dict.fromkeys(
                    ("dimension", "closed", "components", "orientable", "betti", "embedding_dim"), rectangle
                ),
                "volume": Citation(here, "", "the length of the arc, in closed form, times the width"),
                "reach": Citation(
                    FEDERER, "Theorem 4.18; " + here, "near pairs by curvature, far ones by their distance"
                ),
                **dict.fromkeys(("circumradius", "diameter"), grid),
                "curvature": Citation(here, "", "that of the arc at its inner end; along the roll it is 0"),
            },
        )

    def _reach(self) -> Interval:
        first, last = 2 * math.pi * self.start, 2 * math.pi * self.end
        with precision(BITS):
            ops = ball_operations()
            t_0, t_1 = 2 * ops.pi * ops.real(self.start), 2 * ops.pi * ops.real(self.end)
            k = _roll_curvature(t_0, ops)
            cells = _CELLS * max(1, math.ceil(self.end - self.start))
            step = (t_1 - t_0) / cells
            least = (2 / k) ** 2
            for i in range(cells):
                # D is the interval of this cell; b falls with D, so that of the far end bounds it from below.
                near, far = step * i, step * (i + 1)
                square = (ops.pi / (k * far)) ** 2 - 1
                b = ops.sqrt(square) if square > 0 else ops.real(0.0)
                if b > t_1:
                    continue
                product = t_0 * (t_0 + near)
                if b > far and b * (b - far) > product:
                    product = b * (b - far)
                sine = ops.sin(near.union(far) / 2)
                lowest = near * near + 4 * product * (sine * sine)
                least = least.min(ops.real(lowest.lower()))
            lower = (ops.sqrt(least) / 2).min(1 / k)
            upper = 1 / k
            for s, q in self._tight_pairs(first, last):
                upper = upper.min(_quotient(ops.real(s), ops.real(q), ops))
            return Interval(max(0.0, interval_of(lower).lower), interval_of(upper).upper)

    @staticmethod
    def _tight_pairs(first: float, last: float) -> list[tuple[float, float]]:
        """Inner points whose Federer quotient is small: the best of a grid of pairs about one turn apart."""
        inner = first + 1e-6 * (last - first)
        best: tuple[float, float, float] | None = None
        for t in np.linspace(inner, min(inner + 0.5, last), 8)[:-1]:
            q = np.linspace(t + 0.5, last, 4096)[:-1] if t + 0.5 < last else np.empty(0)
            if not len(q):
                continue
            values = np.array([_quotient(float(t), q, None)]).ravel()
            j = int(values.argmin())
            if best is None or values[j] < best[0]:
                best = (float(values[j]), float(t), float(q[j]))
        return [] if best is None else [best[1:]]


def require_ring(R: float, r: float, what: str, name: str = "r") -> None:
    """Refuses a ring that meets itself, or whose area float64 cannot hold.

    Raises:
        SpecError: R <= r.
    """
    if not r < R:
        raise SpecError(f"{what} needs R > {name}, else it meets itself: got R={R:g}, {name}={r:g}. Make R larger.")
    if not R - r >= 1e-9 * R:
        raise SpecError(f"{what} with R - {name} below 1e-9 R cannot be resolved: got R={R!r}, {name}={r!r}.")
    require_volume((R, r), what[0].lower() + what[1:])
    require_volume((R, R), what[0].lower() + what[1:])


def _arc_length(t: FloatArray) -> FloatArray:
    value: FloatArray = (t * np.sqrt(1 + t * t) + np.arcsinh(t)) / 2
    return value


def _roll(parameters: Sequence[Any], ops: Operations) -> list[Any]:
    t = 2 * ops.pi * parameters[0]
    return [t * ops.cos(t), parameters[1], t * ops.sin(t)]


def _roll_arc(parameters: Sequence[Any], ops: Operations) -> list[Any]:
    t = 2 * ops.pi * parameters[0]
    return [t * ops.cos(t), t * ops.sin(t)]


def _roll_curvature(t: Any, ops: Operations) -> Any:
    q = t * t
    return (2 + q) / ((1 + q) * ops.sqrt(1 + q))


def _quotient(t: Any, s: Any, ops: Operations | None) -> Any:
    """Federer's quotient of the arc's points at t and s with the tangent line at t; floats where ops is None."""
    cos, sin, sqrt = (np.cos, np.sin, np.sqrt) if ops is None else (ops.cos, ops.sin, ops.sqrt)
    x, y = s * cos(s) - t * cos(t), s * sin(s) - t * sin(t)
    along, across = cos(t) - t * sin(t), sin(t) + t * cos(t)
    off = x * across - y * along
    return (x * x + y * y) * sqrt(1 + t * t) / (2 * abs(off))


MANIFOLDS.register(
    "torus",
    Entry(
        name="torus",
        summary="a torus of revolution in R^3",
        build=Torus,
        parameters=(
            Parameter("R", "radius of the core circle"),
            Parameter("r", "radius of the tube, smaller than R"),
        ),
        examples=("torus:R=2,r=1", "torus:R=1,r=0.7"),
    ),
)
MANIFOLDS.register(
    "moebius",
    Entry(
        name="moebius",
        summary="a Moebius band in R^3, with boundary",
        build=Moebius,
        parameters=(
            Parameter("R", "radius of the core circle"),
            Parameter("h", "half the width, smaller than R"),
        ),
        examples=("moebius:R=1,h=0.4",),
    ),
)
MANIFOLDS.register(
    "swiss_roll",
    Entry(
        name="swiss_roll",
        summary="the Swiss roll in R^3, a rolled rectangle",
        build=SwissRoll,
        parameters=(
            Parameter("start", "first angle in turns, from 0", "0.75"),
            Parameter("end", "last angle in turns, at most 50", "2.25"),
            Parameter("width", "length of the roll", "21"),
        ),
        examples=("swiss_roll:start=0.75,end=2.25,width=21",),
    ),
)
