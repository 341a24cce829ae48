"""Closed surfaces that are not orientable: the Klein bottle and the projective plane, in R^4 and in R^5.

Their Betti numbers depend on the field. Over Z/2 every closed surface has b_2 = 1; over Q and over Z/3 a surface that
is not orientable has b_2 = 0, and the torsion Z/2 of H_1 disappears.
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
from aeverify.manifolds.curves import FEDERER, HATCHER
from aeverify.manifolds.entry import MANIFOLDS, Entry, Parameter
from aeverify.manifolds.parameters import require_length, rounded_up
from aeverify.manifolds.surfaces import increasing_inverse, require_ring

KLEIN_BETTI = {"Q": (1, 1, 0), "Z/2": (1, 2, 1), "Z/3": (1, 1, 0)}
PROJECTIVE_BETTI = {"Q": (1, 0, 0), "Z/2": (1, 1, 1), "Z/3": (1, 0, 0)}


@final
class Klein(ConnectedManifold):
    """The Klein bottle ((R + r cos v) e^(iu), r sin v e^(iu/2)) in C^2 = R^4, R > r, with u and v in turns.

    After one turn of u the angle v is mirrored. The partial derivatives are orthogonal, of length
    g = ((R + r cos v)^2 + r^2 sin^2 v / 4)^(1/2) and r (angles in radians), so the area is 2 pi r int g dv.

    **Reach = r where R >= 2 r.** It is at most r (the meridians are geodesics and circles of radius r) and at most R -
    r (antipodes of the inner circle v = pi see each other along normals). For the lower bound let p be at (0, v) and q
    at (2w, v'), which is no loss since (e^(ia), e^(ia/2)) acts by isometries; a = r cos v, b = r sin v, A = R + a, and
    a', b', A' likewise for q; c = cos w, s = sin w. In the plane of the real parts p has the unit normal n_1 = (cos v,
    sin v), in that of the imaginary parts n_2 = (-b/2, A) / g, and these span the normal space. Write D = |q - p|^2,
    N_i = <q - p, n_i>. Then

        D + 2 r N_1 = 4 R A' s^2  (both sides are |q - (R, 0)|^2 - r^2),   N_2 = s (A b' - b A' c) / g,

    so D^2 - 4 r^2 (N_1^2 + N_2^2) = 4 s^2 G / g^2 with G = 2 R A' g^2 (D - 2 R A' s^2) - r^2 (A b' - b A' c)^2. As a
    polynomial in c of degree 2, D - 2 R A' s^2 has leading coefficient 2 R A' - 4 A A', so G is concave in c if
    R <= 2 A, and that holds as A >= R - r >= R / 2. At c = 1 with C^2 = (a - a')^2 + (b - b')^2:
    G = 2 R A' g^2 C^2 - r^2 (A (b' - b) - b (a' - a))^2 >= C^2 (2 R A' (A^2 + b^2/4) - r^2 (A^2 + b^2)) >= 0,
    since 2 R A' >= R^2 >= 4 r^2. c = -1 is the same with -b' for b'. So G >= 0 for all c: Federer's quotient
    D / (2 (N_1^2 + N_2^2)^(1/2)) is at least r. By the same inequality the normal curvatures are at most 1 / r. The
    core circle (R e^(iu), 0) is critical for the distance, at r, so the weak feature size is r.

    **For R < 2 r** the upper end is R - r, and with t = R - r a lower end is t / ((R / r)^2 + (1 + 2^(1/2))^2)^(1/2).
    Let c >= 0, else take -b' and -c. D = C^2 + 4 A A' s^2 + 2 b b' (1 - c) >= C^2 / 2 + 4 A A' s^2, since 4 |b b'| <=
    C^2 if b b' < 0. The identity above gives |2 r N_1| = |4 R A' s^2 - D| <= D R / t, as D >= 4 A A' s^2 and A >= t.
    From
    A b' - b A' c = A (b' - b) - b (a' - a) + b A' (1 - c), g >= (A^2 + b^2)^(1/2) / 2 and 1 - c <= s^2:
    |N_2| <= 2 |s| C + 2 A' s^2 <= D / (2 A A')^(1/2) + D / (2 A) <= D (1 + 2^(1/2)) / (2 t). So D / (2 |N|) is at least
    that.

    Args:
        R: radius of the core circle.
        r: radius of the tube, smaller than R.

    Raises:
        SpecError: a parameter is out of range, or R <= r, where the surface would meet itself.
    """

    def __init__(self, R: float, r: float) -> None:
        self.R = require_length(R, "R of a Klein bottle")
        self.r = require_length(r, "r of a Klein bottle")
        require_ring(self.R, self.r, "A Klein bottle")
        # g^2 = (R + r cos v)^2 + r^2 sin^2 v / 4 grows with cos v, as R > r, so g <= R + r.
        speed = (rounded_up(2 * math.pi * (self.R + self.r)), rounded_up(2 * math.pi * self.r))
        chart = Chart((0.0, 0.0), (1.0, 1.0), (True, True), self._formula, speed, orthogonal=True, flips=((1,), ()))
        super().__init__(Spec("klein", {"R": self.R, "r": self.r}), 4, chart)

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        half, v = ops.pi * parameters[0], 2 * ops.pi * parameters[1]
        ring, height = self.R + self.r * ops.cos(v), self.r * ops.sin(v)
        return [ring * ops.cos(2 * half), ring * ops.sin(2 * half), height * ops.cos(half), height * ops.sin(half)]

    def _area(self, ops: Operations) -> Any:
        R, r = ops.real(self.R), ops.real(self.r)

        def integrand(v: Any, analytic: bool) -> Any:
            return ((R + r * v.cos()) ** 2 + (r * v.sin() / 2) ** 2).sqrt(analytic=analytic)

        return 4 * ops.pi * r * integral(integrand, 0, ops.pi)

    def _find_truth(self) -> Truth:
        R, r = self.R, self.r
        here = "derived in aeverify.manifolds.nonorientable.Klein"
        topology = Citation(
            HATCHER, "Examples 2.47 and 3.8", "H_1 of the Klein bottle is Z + Z/2, H_2 is 0; over Z/2 it has 1, 2, 1"
        )
        outer = closed_form(lambda ops: ops.real(R) + ops.real(r))
        inner = closed_form(lambda ops: ops.real(R) - ops.real(r))
        proved = 2 * r <= R
        floor = closed_form(
            lambda ops: (ops.real(R) - r) / ops.sqrt((ops.real(R) / r) ** 2 + (1 + ops.sqrt(ops.real(2.0))) ** 2)
        )
        extent = Citation(here, "", "|x| <= R + r, with equality on the circle v = 0")
        reach = Citation(
            FEDERER,
            "Theorem 4.18; " + here,
            "R >= 2 r: its quotient is at least r for every pair; else bounds, at most R - r by the inner circle",
        )
        return Truth(
            dimension=2,
            closed=True,
            components=1,
            orientable=False,
            volume=closed_form(self._area),
            reach=Interval.exactly(r) if proved else Interval(floor.lower, inner.upper),
            betti=KLEIN_BETTI,
            circumradius=outer,
            diameter=Interval(2 * outer.lower, 2 * outer.upper),
            embedding_dim=4,
            curvature=closed_form(lambda ops: 1 / ops.real(r)) if proved else None,
            weak_feature_size=Interval.exactly(r) if proved else None,
            sources={
                **dict.fromkeys(("dimension", "closed", "components", "orientable", "betti"), topology),
                "volume": Citation(here, "", "an integral of one variable, enclosed in ball arithmetic"),
                **dict.fromkeys(("reach", "curvature", "weak_feature_size"), reach),
                **dict.fromkeys(("circumradius", "diameter"), extent),
                "embedding_dim": Citation(here, "", "the set lies in R^4"),
            },
        )


@final
class ProjectivePlane(ConnectedManifold):
    """The projective plane (x y, x z, y^2 - z^2, 2 y z), x^2 + y^2 + z^2 = 1, in R^4.

    With y + i z = sin(t/2) e^(if), x = cos(t/2) it is (1/2 sin t e^(if), 1/2 (1 - cos t) e^(2if)) in C^2, 0 <= t <= pi,
    f of period 2 pi: the half meridians are half circles of radius 1/2 about (0, e^(2if)/2). The chart has t and f in
    turns. With Y = (1 - cos t) / 2 the partial derivatives are orthogonal, of length 1/2 and g = (Y + 3 Y^2)^(1/2), so
    the area is 2 pi int_0^1 (4 - 3 c^2)^(1/2) dc = pi + 4 pi^2 / 3^(3/2), c = cos(t/2).

    **Reach = 1/2.** It is at most 1/2 (the meridians are geodesics and circles of radius 1/2). (e^(ia), e^(2ia)) acts
    by isometries, so let f = 0 at p, with X = sin t / 2, Y; and X', Y', c = cos f at q, D = |q - p|^2. Unit normals at
    p: in the plane of real parts n_1 = (2 X, 2 Y - 1), in that of imaginary parts n_2 = (-2 Y, X) / g; N_i = <q - p,
    n_i>.
    With X^2 + Y^2 = Y:

        D + N_1 = 2 Y' sin^2 f,   N_2 = 2 sin f (X Y' c - Y X') / g,
        D^2 - N_1^2 - N_2^2 = 4 sin^2 f (Y' (D - Y' sin^2 f) - (X Y' c - Y X')^2 / g^2) = 12 sin^2 f Y Y' D / (1 + 3 Y).

    The last step is algebra: (1 + 3 Y) (D - Y' sin^2 f) - ((1 - Y) Y' c^2 - 2 X X' c + Y (1 - Y')) = 3 Y D. As this is
    at least 0, Federer's quotient D / (2 (N_1^2 + N_2^2)^(1/2)) is at least 1/2 (at Y = 0 by continuity). So the normal
    curvatures are at most 2. The centres (0, e^(2if)/2) of the meridians are critical for the distance, at 1/2.

    The circle t = pi has radius 1 about the origin and all points have norm Y^(1/2) <= 1: circumradius 1, diameter 2.
    """

    def __init__(self) -> None:
        # g <= 2 since Y <= 1.
        speed = (rounded_up(math.pi), rounded_up(4 * math.pi))
        chart = Chart((0.0, 0.0), (0.5, 1.0), (False, True), _cross, speed, orthogonal=True)
        super().__init__(Spec("projective_plane"), 4, chart)

    def transport(self, unit: FloatArray) -> FloatArray:
        """c = cos(t/2) has density proportional to (4 - 3 c^2)^(1/2), whose integral is elementary."""
        root = math.sqrt(3.0)

        def value(c: FloatArray) -> FloatArray:
            total: FloatArray = c * np.sqrt(4 - 3 * c * c) / 2 + 2 / root * np.arcsin(np.minimum(root / 2 * c, 1.0))
            return total

        whole = 0.5 + 2 / root * math.pi / 3
        c = np.clip(increasing_inverse(value, lambda x: np.sqrt(4 - 3 * x * x), 0.0, 1.0)(whole * unit[:, 0]), 0.0, 1.0)
        return np.column_stack([np.arccos(c) / math.pi, unit[:, 1]])

    def _find_truth(self) -> Truth:
        here = "derived in aeverify.manifolds.nonorientable.ProjectivePlane"
        topology = Citation(HATCHER, "Example 2.42", "RP^2 has H_1 = Z/2 and H_2 = 0; over Z/2 it has 1, 1, 1")
        half = Interval.exactly(0.5)
        extent = Citation(here, "", "a unit circle about the origin lies in the set, and |x| <= 1")
        reach = Citation(
            FEDERER, "Theorem 4.18; " + here, "its quotient is at least 1/2 for every pair, by an identity"
        )
        return Truth(
            dimension=2,
            closed=True,
            components=1,
            orientable=False,
            volume=closed_form(lambda ops: ops.pi + 4 * ops.pi**2 / (3 * ops.sqrt(ops.real(3.0)))),
            reach=half,
            betti=PROJECTIVE_BETTI,
            circumradius=Interval.exactly(1.0),
            diameter=Interval.exactly(2.0),
            embedding_dim=4,
            curvature=Interval.exactly(2.0),
            weak_feature_size=half,
            sources={
                **dict.fromkeys(("dimension", "closed", "components", "orientable", "betti"), topology),
                "volume": Citation(here, "", "pi + 4 pi^2 / 3^(3/2)"),
                **dict.fromkeys(("reach", "curvature", "weak_feature_size"), reach),
                **dict.fromkeys(("circumradius", "diameter"), extent),
                "embedding_dim": Citation(here, "", "the set lies in R^4"),
            },
        )


@final
class Veronese(ConnectedManifold):
    """The Veronese surface {x x^T : |x| = 1, x in R^3}, a projective plane, in isometric coordinates of R^5.

    Symmetric matrices of trace 1 with the Frobenius norm are R^5 about I/3: the coordinates are (x^2 - y^2) / 2^(1/2),
    (x^2 + y^2 - 2 z^2) / 6^(1/2) and 2^(1/2) times x y, x z, y z. The geodesics are circles of radius 1/2^(1/2), and
    the metric is 2^(1/2) times that of the half sphere, so the area is 4 pi. The chart is that of the half sphere,
    polar angle and longitude in turns.

    Reach = 1/2^(1/2): x x^T is nearest to a matrix A if x is a top eigenvector of A, so A has several nearest points
    iff its top eigenvalue l is multiple; then l >= 1/3 and |A - x x^T|^2 >= 2 l^2 + (1 - 2 l)^2 - 2 l + 1 =
    6 l^2 - 6 l + 2 >= 1/2, with equality for A = diag(1/2, 1/2, 0), the centre of a geodesic circle and therefore
    critical. |x x^T - I/3|^2 = 2/3 at all points, whose mean is I/3, so the circumradius is (2/3)^(1/2) exactly, and
    |x x^T - y y^T|^2 = 2 - 2 (x . y)^2, so the diameter is 2^(1/2).
    """

    def __init__(self) -> None:
        speed = rounded_up(2 * math.pi * math.sqrt(2.0))
        chart = Chart((0.0, 0.0), (0.25, 1.0), (False, True), _veronese, (speed, speed), orthogonal=True)
        super().__init__(Spec("veronese"), 5, chart)

    def transport(self, unit: FloatArray) -> FloatArray:
        """The cosine of the polar angle is uniform on [0, 1]."""
        return np.column_stack([np.arcsin(np.sqrt(unit[:, 0] / 2)) / math.pi, unit[:, 1]])

    def _find_truth(self) -> Truth:
        here = "derived in aeverify.manifolds.nonorientable.Veronese"
        topology = Citation(HATCHER, "Example 2.42", "RP^2 has H_1 = Z/2 and H_2 = 0; over Z/2 it has 1, 1, 1")
        reach = closed_form(lambda ops: 1 / ops.sqrt(ops.real(2.0)))
        root = closed_form(lambda ops: ops.sqrt(ops.real(2.0)))
        medial = Citation(
            FEDERER, "Definition 4.1; " + here, "several nearest points iff the top eigenvalue is multiple"
        )
        return Truth(
            dimension=2,
            closed=True,
            components=1,
            orientable=False,
            volume=closed_form(lambda ops: 4 * ops.pi),
            reach=reach,
            betti=PROJECTIVE_BETTI,
            circumradius=closed_form(lambda ops: ops.sqrt(ops.real(2.0) / 3)),
            diameter=root,
            embedding_dim=4,
            curvature=root,
            weak_feature_size=reach,
            sources={
                **dict.fromkeys(("dimension", "closed", "components", "orientable", "betti"), topology),
                "volume": Citation(here, "", "twice the area 2 pi of the half sphere"),
                **dict.fromkeys(("reach", "weak_feature_size"), medial),
                "circumradius": Citation(here, "", "all points are equally far from their mean I/3"),
                "diameter": Citation(here, "", "|x x^T - y y^T|^2 = 2 - 2 (x . y)^2"),
                "embedding_dim": Citation(
                    "derived in aeverify.manifolds.nonorientable.ProjectivePlane", "", "RP^2 embeds in R^4"
                ),
                "curvature": Citation(here, "", "the geodesics are circles of radius 1 / 2^(1/2)"),
            },
        )


def _cross(parameters: Sequence[Any], ops: Operations) -> list[Any]:
    t, f = 2 * ops.pi * parameters[0], 2 * ops.pi * parameters[1]
    x, y = ops.sin(t) / 2, (1 - ops.cos(t)) / 2
    return [x * ops.cos(f), x * ops.sin(f), y * ops.cos(2 * f), y * ops.sin(2 * f)]


def _veronese(parameters: Sequence[Any], ops: Operations) -> list[Any]:
    polar, longitude = 2 * ops.pi * parameters[0], 2 * ops.pi * parameters[1]
    s, z = ops.sin(polar), ops.cos(polar)
    x, y = s * ops.cos(longitude), s * ops.sin(longitude)
    two, six = ops.sqrt(ops.real(2.0)), ops.sqrt(ops.real(6.0))
    return [
        (x * x - y * y) / two,
        (s * s - 2 * (z * z)) / six,
        two * (x * y),
        two * (x * z),
        two * (y * z),
    ]


MANIFOLDS.register(
    "klein",
    Entry(
        name="klein",
        summary="a Klein bottle in R^4",
        build=Klein,
        parameters=(
            Parameter("R", "radius of the core circle"),
            Parameter("r", "radius of the tube, smaller than R"),
        ),
        examples=("klein:R=2,r=1", "klein:R=1,r=0.7"),
    ),
)
MANIFOLDS.register(
    "projective_plane",
    Entry(
        name="projective_plane",
        summary="the projective plane in R^4",
        build=ProjectivePlane,
        examples=("projective_plane",),
    ),
)
MANIFOLDS.register(
    "veronese",
    Entry(
        name="veronese",
        summary="the Veronese surface, a projective plane in R^5",
        build=Veronese,
        examples=("veronese",),
    ),
)
