"""The closed surface of genus 2 about a figure eight, and the three charted pieces that it is made of.

**The surface.** S = {F = 0}, F = f^2 + z^2 - c^2, f = X^4 - X^2 + y^2, X = x - 1, 0 < c < 1/4. The gradient of f is
(4 X^3 - 2 X, 2 y): f has the critical points (0, 0), a saddle with f = 0, and (+-1/2^(1/2), 0), minima with f = -1/4,
where the second derivatives are (-2, 2) and (4, 2). On S the gradient (2 f grad f, 2 z) of F vanishes only where z = 0,
so |f| = c, and grad f = 0, so f is 0 or -1/4: never for 0 < c < 1/4. So S is a closed smooth surface. It is two copies
(z >= 0 and z <= 0) of P = {|f| <= c}, glued along the boundary z = 0 of P, and c is a regular value of |f|. By Morse
theory {f <= c} is a disc (two minima and one saddle of a proper function: two discs and a band) and {f < -c} is two
open discs (each holds one minimum and no other critical point). So P is a disc with two holes, of Euler number -1, and
S is connected, closed, orientable (it bounds {F <= 0}) and of Euler number -1 - 1 - 0 = -2: of genus 2, with Betti
numbers 1, 4, 1 over every field.

**Charts.** Write f = +-c q^2, q = sin chi, 0 <= chi <= pi; then z = c cos(chi) (1 + q^2)^(1/2) goes from c to -c.
With s = X^2 and e = (1/4 + f)^(1/2) the equation reads y^2 = (1/2 + e - s) (s - 1/2 + e).

- *Outer piece*, f = c q^2 >= 0. a = 1/2 + e >= 1, and 1/2 - e = -c q^2 / a. X = a^(1/2) cos t gives
  y = a^(1/2) sin(t) g, g = (a cos^2 t + c q^2 / a)^(1/2). (t, chi) is determined by the point, but at (0, 0, +-c), the
  image of cos t = q = 0.
- *Inner pieces*, f = -c q^2 <= 0, X >= 0 and X <= 0. s = 1/2 + e cos t gives y = e sin t and
  X = +-(c q^2 / (1/2 + e) + 2 e cos^2(t/2))^(1/2). (t, chi) is determined by the point, t up to whole turns.

They cover S, and two of them meet where f = 0 (or X = 0): in a null set. The roots have the form (A^2 + B^2)^(1/2) with
smooth A and B: the charts are Lipschitz, and smooth but at (0, 0, +-c).

**Speeds**, with p = cos^2 t, Q = q^2 and angles in radians.

- Outer, t: X_t^2 = a (1 - p), and y_t = a^(1/2) cos t (a cos 2t + c Q / a) / g with a^(1/2) |cos t| <= g. So the square
  is at most a (1 - T) / 2 + (a T + c Q / a)^2, T = cos 2t, which is convex in T: at most the larger of its ends
  a + (a - c Q / a)^2 = a + 1 (since a^2 - a = c Q) and (a + c Q / a)^2 = 4 e^2 = 1 + 4 c Q, and the first is the larger
  one as 3/2 + e - 4 e^2 > 0 on 1/2 <= e <= 1/2^(1/2). Speed <= (3/2 + (1/4 + c)^(1/2))^(1/2).
- Outer, chi: a' = c sin chi cos chi / e = (c Q / a)'. X' = cos t a' / (2 a^(1/2)), so X'^2 <= c^2 Q (1 - Q).
  y' = a' sin t (a p + e) / (a^(1/2) g), and a'^2 / g^2 <= c (1 - Q) a / e^2. So y'^2 is at most
  c (1 - Q) (1 - p) (1 + a p / e)^2, where (1 - p) (1 + a p / e)^2 <= (1 - p) (1 + 2 p)^2 <= 2, as a <= 2 e. And
  z'^2 = 4 c^2 Q^3 / (1 + Q) <= 2 c^2 Q. The sum of squares is at most c (1 - Q) (2 + c Q) + 2 c^2 Q <= 2 c.
- Inner, t: y_t = e cos t and X_t^2 = e^2 sin^2 t / (4 s) <= (1/2 + e - s) / 4 = e (1 - cos t) / 4. The sum is convex in
  cos t, and at its ends e^2 and e^2 + e/2, at most 1/2. Speed <= 2^(-1/2).
- Inner, chi: e' = -c sin chi cos chi / e, y' = e' sin t, X' = e' cos t / (2 X), X^2 >= c Q / (1/2 + e), and
  c Q = (1/2 - e) (1/2 + e). So X'^2 + y'^2 <= (c (1 - Q) / e^2) (1/2 + e) (cos^2 t / 4 + (1/2 - e) sin^2 t). The last
  two factors are at most 1/4 together ((1/2 + e) / 4 <= 1/4, and 1/4 - e^2), and (1 - Q) / (1/4 - c Q) <= 4. So the
  square of the speed is at most c + 2 c^2.

**Area.** On the curve f = const with x as parameter, dx dy = dx df / 2|y|; on S, dA = dx dy |grad F| / |F_z|. So

    dA = c q (1 / G) (q^4 |grad f|^2 / (1 + q^2) + cos^2 chi)^(1/2) dt dchi,

G = g on the outer piece and 2 |X| on an inner one. It is integrated over an eighth of the outer box and a quarter of an
inner one (the rest are mirror images), by Taylor's formula of order 4 on boxes with Lagrange's remainder in interval
arithmetic; boxes at the corner that belongs to (0, 0, +-c) count from 0 to the product of the speeds.

**Reach.** See `genus_two_reach`.

**Extent.** |(X, y, z)|^2 = 2 s - s^2 + f + c^2 - f^2. As s = 1 is allowed where f >= 0, it is at most 1 + f + c^2 - f^2
<= 1 + c there, attained at (+-1, +-c^(1/2), 0), and where f < 0 at most its value 1/2 + e + c^2 - f^2 < 1 + c at the
largest s. It is concave in s, hence least at an end of the range of s: at s = 0 f + c^2 - f^2 >= c^2 (f >= 0), at
s = 1/2 - e (f < 0) s + c^2 - f^2 >= c^2 as f^2 <= -f <= s, at s = 1/2 + e at least 1/2. So S lies between the spheres
of radii c and (1 + c)^(1/2), and touches both. It is symmetric about the centre, F being even in X, y and z.

**Antipodes.** Every odd map g: S -> R^2 has a zero. N = S / (+-) is a closed surface of Euler number -1, and L the line
bundle of the double cover S -> N; without zeros g would be a section without zeros of L + L, so w_1(L)^2 = 0. But
-1 reverses the orientation of R^3 and keeps outer normals of S outer, so it reverses that of S: S is the orientation
cover, w_1(L) = w_1(N), and w_1(N)^2 = w_2(N) (Wu) is the Euler number mod 2, not 0.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, final

import numpy as np

from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.spec import Spec
from aeverify.errors import SpecError
from aeverify.manifolds import genus_two_reach
from aeverify.manifolds.balls import closed_form
from aeverify.manifolds.base import Manifold, Truth
from aeverify.manifolds.chart import Chart, Operations
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.curves import FEDERER, FIELDS, HATCHER
from aeverify.manifolds.entry import MANIFOLDS, Entry, Parameter
from aeverify.manifolds.extent import circumradius_bounds, cover, diameter_bounds
from aeverify.manifolds.intervals import IntervalArray
from aeverify.manifolds.jets import as_interval, interval_jets
from aeverify.manifolds.parameters import require_real
from aeverify.manifolds.parts import ManifoldOfParts

PIECES = ("outer", "right", "left")
CENTER = (1.0, 0.0, 0.0)
HERE = "derived in aeverify.manifolds.genus_two"

_SMALLEST, _LARGEST = 0.001, 0.249
_NODES = 1024
_AREA_SHARE = 2.0**-17
_AREA_ROUNDS = 24


def _require_c(c: Any) -> float:
    number = require_real(c, "c of the genus-2 surface")
    if not _SMALLEST <= number <= _LARGEST:
        raise SpecError(
            f"c of the genus-2 surface must lie between {_SMALLEST} and {_LARGEST}, got {c!r}: the surface has genus 2 "
            "for 0 < c < 1/4 only, and near the ends it is too thin to be enclosed."
        )
    return number


def _on_levels(c: float, outer: bool, parameters: Sequence[Any], ops: Operations) -> tuple[Any, Any, Any, Any]:
    """(q, cos chi, e, c q^2 / (1/2 + e)) for parameters as those of the charts."""
    chi = ops.pi * parameters[1]
    q, cosine = ops.sin(chi), ops.cos(chi)
    level = ops.real(c) * q**2
    e = ops.sqrt(level + ops.real(0.25)) if outer else ops.sqrt(ops.real(0.25) - level)
    return q, cosine, e, level / (e + ops.real(0.5))


def _density(c: float, outer: bool, parameters: Sequence[Any], ops: Operations) -> list[Any]:
    """Area element by the parameters of the charts; see the module."""
    q, cosine, e, small = _on_levels(c, outer, parameters, ops)
    angle = 2 * ops.pi * parameters[0]
    if outer:
        a = e + ops.real(0.5)
        square = a * ops.cos(angle) ** 2
        g2 = square + small
        slope = 4 * square * (2 * square - 1) ** 2 + 4 * a * ops.sin(angle) ** 2 * g2
        root = ops.sqrt(g2)
    else:
        square = small + 2 * e * ops.cos(ops.pi * parameters[0]) ** 2
        slope = 4 * e**2 * (4 * square * ops.cos(angle) ** 2 + ops.sin(angle) ** 2)
        root = 2 * ops.sqrt(square)
    gradient = ops.sqrt(q**4 * slope / (q**2 + 1) + cosine**2)
    return [2 * ops.pi**2 * ops.real(c) * q / root * gradient]


@functools.lru_cache(maxsize=64)
def _area(c: float, outer: bool) -> Interval:
    """Certified enclosure of the area of a piece. Cost: about 0.5 s."""
    speed = _speeds(c, outer)
    cap = math.nextafter(speed[0] * speed[1], math.inf)
    side, copies = (0.25, 8) if outer else (0.5, 4)
    step = np.array([side, 0.5]) / 16
    low = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0), indexing="ij"), axis=-1).reshape(-1, 2) * (2 * step)
    accepted: list[IntervalArray] = []
    goal = math.inf
    for level in range(_AREA_ROUNDS):
        half = step / 2**level
        found = _integrals(c, outer, low, half, cap)
        if level == 0:
            goal = _AREA_SHARE * float(found.upper.sum()) / 1000
        wide = (found.upper - found.lower > goal) & (level < _AREA_ROUNDS - 1)
        accepted.append(found[~wide])
        if not wide.any():
            break
        corners = low[wide]
        low = np.concatenate([corners + half * np.array(shift) for shift in ((0, 0), (0, 1), (1, 0), (1, 1))])
    total = IntervalArray(np.concatenate([x.lower for x in accepted]), np.concatenate([x.upper for x in accepted])).sum(
        axis=0
    )
    total = total * copies
    return Interval(float(total.lower), float(total.upper))


def _integrals(c: float, outer: bool, low: Any, half: Any, cap: float) -> IntervalArray:
    """Integrals of the area element over boxes with the lower corners `low` and half sides `half`, all dyadic."""

    def formula(parameters: Sequence[Any], ops: Operations) -> list[Any]:
        return _density(c, outer, parameters, ops)

    size = 4 * float(half[0]) * float(half[1])
    with np.errstate(all="ignore"):
        middle = interval_jets(formula, IntervalArray.exactly(low + half), 2)[0]
        around = interval_jets(formula, IntervalArray(low, low + 2 * half), 4)[0]
        mean = IntervalArray.exactly(np.zeros(len(low)))
        for (i, j), jet in [((i, j), middle) for i, j in ((0, 0), (2, 0), (0, 2))] + [
            ((i, 4 - i), around) for i in range(5)
        ]:
            coefficient = as_interval(jet.coefficient((i, j)))
            if i % 2:
                coefficient = IntervalArray(-coefficient.magnitude, coefficient.magnitude)
            weight = IntervalArray.exactly(float(half[0]) ** i * float(half[1]) ** j) / float((i + 1) * (j + 1))
            mean = mean + coefficient * weight
    lower, upper = np.clip(mean.lower, 0.0, cap), np.clip(mean.upper, 0.0, cap)
    return IntervalArray(lower, upper) * size


def _speeds(c: float, outer: bool) -> tuple[float, float]:
    """Upper bounds of the speeds by the parameters of the charts; see the module."""
    if outer:
        around = closed_form(lambda ops: 2 * ops.pi * ops.sqrt(ops.real(1.5) + ops.sqrt(ops.real(c) + ops.real(0.25))))
        return around.upper, closed_form(lambda ops: ops.pi * ops.sqrt(2 * ops.real(c))).upper
    around = closed_form(lambda ops: ops.pi * ops.sqrt(ops.real(2.0)))
    return around.upper, closed_form(lambda ops: ops.pi * ops.sqrt(ops.real(c) * (1 + 2 * ops.real(c)))).upper


@final
class GenusTwoPiece(ConnectedManifold):
    """One of the three pieces of `GenusTwo`, with its chart: t in turns and chi in half turns, both from 0 to 1.

    The outer piece is an annulus with two pairs of boundary points made one each, at (1, 0, +-c): the chart identifies
    no other points, so its Betti numbers are 1, 1 + 2, 0. Off those points it is a surface with boundary. The inner
    pieces are annuli: their charts identify no points of the circle times the segment.

    Args:
        c: of the surface, from 0.001 to 0.249.
        piece: "outer", "right" (x >= 1) or "left".

    Raises:
        SpecError: c is out of range, or there is no such piece.
    """

    def __init__(self, c: float, piece: str) -> None:
        self.c = _require_c(c)
        if piece not in PIECES:
            raise SpecError(f"A piece of the genus-2 surface is one of {', '.join(PIECES)}, got {piece!r}.")
        self.piece = piece
        self.is_outer = piece == "outer"
        chart = Chart((0.0, 0.0), (1.0, 1.0), (True, False), self._formula, _speeds(self.c, self.is_outer))
        super().__init__(Spec("genus2", {"c": self.c, "piece": piece}), 3, chart)

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        q, cosine, e, small = _on_levels(self.c, self.is_outer, parameters, ops)
        angle = 2 * ops.pi * parameters[0]
        z = ops.real(self.c) * cosine * ops.sqrt(q**2 + 1)
        if self.is_outer:
            a = e + ops.real(0.5)
            x, width = ops.sqrt(a) * ops.cos(angle), ops.sqrt(a)
            return [x + 1, width * ops.sin(angle) * ops.sqrt(x**2 + small), z]
        x = ops.sqrt(small + 2 * e * ops.cos(ops.pi * parameters[0]) ** 2)
        return [1 + x if self.piece == "right" else 1 - x, e * ops.sin(angle), z]

    def _find_truth(self) -> Truth:
        c = self.c
        annulus = Citation(
            HERE,
            "",
            "an annulus, the image of a circle times a segment under a chart that identifies no points"
            if not self.is_outer
            else "an annulus with two pairs of boundary points made one each",
        )
        if self.is_outer:
            circumradius, diameter = _radius(c)
            extent = Citation(HERE, "", "it lies between spheres of radii c and (1 + c)^(1/2) and touches both")
        else:
            covered = cover((self,), _NODES)
            circumradius, diameter = circumradius_bounds(covered), diameter_bounds(covered)
            extent = Citation("enclosed by aeverify.manifolds.extent", "", "a grid of 1024 points covers the piece")
        symmetric = ("symmetry_center", "inner_radius") if self.is_outer else ()
        return Truth(
            dimension=2,
            closed=False,
            components=1,
            orientable=True,
            volume=_area(c, self.is_outer),
            reach=Interval.at_least(0.0),
            betti=dict.fromkeys(FIELDS, (1, 3, 0) if self.is_outer else (1, 1, 0)),
            circumradius=circumradius,
            diameter=diameter,
            symmetry_center=CENTER if self.is_outer else None,
            inner_radius=Interval.exactly(c) if self.is_outer else None,
            antipodal_index=int(self.is_outer),
            embedding_dim=3 if self.is_outer else 2,
            sources={
                **dict.fromkeys(("dimension", "closed", "components", "orientable", "betti"), annulus),
                "volume": Citation(HERE, "", "the area element, integrated in interval arithmetic"),
                "reach": Citation(FEDERER, "Definition 4.1", "a reach is not negative; no more is proved"),
                **dict.fromkeys(("circumradius", "diameter", *symmetric), extent),
                **(
                    {"antipodal_index": Citation(HERE, "", "an odd continuous function on a connected set has a zero")}
                    if self.is_outer
                    else {}
                ),
                "embedding_dim": Citation(HERE, "", "it lies in R^3" if self.is_outer else "an annulus lies in R^2"),
            },
        )


@final
class GenusTwo(ManifoldOfParts):
    """The closed surface (x (x - 1)^2 (x - 2) + y^2)^2 + z^2 = c^2 of genus 2; see the module.

    It is connected and has three charts: `components` are the pieces (`GenusTwoPiece`) outer, right and left, which
    overlap in a null set. A sample takes the piece by the middle of the enclosure of its area, so its law is off in
    total variation by less than 1e-4.

    Args:
        c: half the thickness, from 0.001 to 0.249 (the genus is 2 for 0 < c < 1/4).

    Raises:
        SpecError: c is out of range.
    """

    def __init__(self, c: float = 0.1) -> None:
        self.c = _require_c(c)
        super().__init__(Spec("genus2", {"c": self.c}), [GenusTwoPiece(self.c, piece) for piece in PIECES])

    @property
    def connected_components(self) -> tuple[Manifold, ...]:
        """The surface itself, which is connected."""
        return (self,)

    def _find_truth(self) -> Truth:
        c = self.c
        outer, inner = _area(c, True), _area(c, False)
        lower, upper = outer.lower + 2 * inner.lower, outer.upper + 2 * inner.upper
        circumradius, diameter = _radius(c)
        reach, curvature = genus_two_reach.reach_bounds(c)
        topology = Citation(
            HATCHER,
            f"section 2.2; {HERE}",
            "two copies of a disc with two holes, glued along the boundary: the closed orientable surface of genus 2, "
            "with Betti numbers 1, 4, 1",
        )
        extent = Citation(HERE, "", "S lies between the spheres of radii c and (1 + c)^(1/2) and touches both; S = -S")
        return Truth(
            dimension=2,
            closed=True,
            components=1,
            orientable=True,
            volume=Interval(math.nextafter(lower, 0.0), math.nextafter(upper, math.inf)),
            reach=reach,
            betti=dict.fromkeys(FIELDS, (1, 4, 1)),
            circumradius=circumradius,
            diameter=diameter,
            symmetry_center=CENTER,
            inner_radius=Interval.exactly(c),
            antipodal_index=2,
            embedding_dim=3,
            curvature=curvature,
            sources={
                **dict.fromkeys(("dimension", "closed", "components", "orientable", "betti"), topology),
                "volume": Citation(HERE, "", "the sum of the areas of three pieces that overlap in a null set"),
                "reach": Citation(
                    FEDERER,
                    f"Theorem 4.18; {genus_two_reach.HERE}",
                    "at least h if |grad F| >= h |Hess F| near every point; at most a radius of normal curvature and c",
                ),
                **dict.fromkeys(("circumradius", "diameter", "symmetry_center", "inner_radius"), extent),
                "antipodal_index": Citation(
                    "Milnor and Stasheff 1974, Characteristic Classes",
                    f"section 11; {HERE}",
                    "the square of w_1 of a closed surface of odd Euler number is not zero",
                ),
                "embedding_dim": Citation(HERE, "", "the set lies in R^3"),
                "curvature": Citation(
                    FEDERER,
                    f"Theorem 4.18; {genus_two_reach.HERE}",
                    "at least that at one point, at most one over the reach",
                ),
            },
        )


def _radius(c: float) -> tuple[Interval, Interval]:
    """Circumradius and diameter of the surface."""
    return (
        closed_form(lambda ops: ops.sqrt(ops.real(c) + 1)),
        closed_form(lambda ops: 2 * ops.sqrt(ops.real(c) + 1)),
    )


def _build(c: float = 0.1, piece: str | None = None) -> Manifold:
    return GenusTwo(c) if piece is None else GenusTwoPiece(c, piece)


MANIFOLDS.register(
    "genus2",
    Entry(
        name="genus2",
        summary="a closed surface of genus 2 in R^3, about a figure eight",
        build=_build,
        parameters=(
            Parameter("c", "half the thickness, from 0.001 to 0.249", "0.1"),
            Parameter("piece", "outer, right or left: one of its three charted pieces", "the whole surface"),
        ),
        examples=("genus2:c=0.1",),
    ),
)
