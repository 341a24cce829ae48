"""Triod: three segments of the plane that meet in one point; contractible, and yet one number cannot follow it.

With legs of lengths l_1, l_2, l_3 at 120 degrees the tips are (l_i^2 + l_j^2 + l_i l_j)^(1/2) apart. The triod spans
the triangle of its tips, whose angles at the centre are all 120 degrees, so a ball that holds the tips holds the set:
its smallest ball is that of the triangle. The angle at tip i is not acute if and only if l_j l_k >= 2 l_i^2 + l_i l_j +
l_i l_k; then the radius is half the opposite side; otherwise it is the circumradius s_12 s_13 s_23 / 4 A of the
triangle, with A = 3^(1/2) (l_1 l_2 + l_2 l_3 + l_1 l_3) / 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, final

from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.spec import Spec
from aeverify.errors import SpecError
from aeverify.manifolds.balls import closed_form
from aeverify.manifolds.base import INFINITE, Manifold, Truth
from aeverify.manifolds.chart import Chart, Operations
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.curve_facts import curve_truth
from aeverify.manifolds.curves import FEDERER, FIELDS
from aeverify.manifolds.entry import MANIFOLDS, Entry, Parameter
from aeverify.manifolds.parameters import require_integer, require_length, rounded_up
from aeverify.manifolds.parts import ManifoldOfParts

HERE = "derived in aeverify.manifolds.triod"


def _require_legs(legs: Any) -> tuple[float, ...]:
    if isinstance(legs, str) or not isinstance(legs, Sequence) or len(legs) != 3:
        raise SpecError(f"A triod takes three legs, such as legs=[1,1,1], got {legs!r}.")
    return tuple(require_length(x, "leg of a triod") for x in legs)


@final
class TriodLeg(ConnectedManifold):
    """One leg of a `Triod`: the segment from the centre along the direction of leg 0, 1 or 2; the chart is the distance
    from the centre.

    Args:
        legs: lengths of the three legs.
        leg: which.

    Raises:
        SpecError: a parameter is out of range.
    """

    def __init__(self, legs: Sequence[float], leg: int) -> None:
        self.legs = _require_legs(legs)
        self.leg = require_integer(leg, 0, 2, "leg of a triod")
        self.length = self.legs[self.leg]
        chart = Chart((0.0,), (self.length,), (False,), self._formula, (rounded_up(1.0),))
        super().__init__(Spec("triod", {"legs": self.legs, "leg": self.leg}), 2, chart)

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        t = parameters[0]
        if self.leg == 0:
            return [t, ops.real(0.0) * t]
        up = ops.sqrt(ops.real(3.0)) / 2 * t
        return [-t / 2, up if self.leg == 1 else -up]

    def _find_truth(self) -> Truth:
        convex = Citation(FEDERER, "Remark 4.2", "a closed set is convex if and only if its reach is infinite")
        ends = Citation(HERE, "", "a segment")
        return curve_truth(
            self,
            f"{HERE}.TriodLeg",
            "the distance from the centre tells the point",
            reach=(INFINITE, convex),
            weak_feature_size=(INFINITE, Citation(HERE, "", "the distance to a convex set has no critical point")),
            curvature=(Interval.exactly(0.0), Citation(HERE, "", "a straight line")),
            volume=(Interval.exactly(self.length), ends),
            diameter=(Interval.exactly(self.length), ends),
            circumradius=(Interval.exactly(self.length / 2), ends),
        )


@final
class Triod(ManifoldOfParts):
    """Three segments from the origin of the plane, at angles of 120 degrees; `components` are the legs (`TriodLeg`),
    which meet in the origin.

    The reach is 0: points on the bisector of two legs have two nearest points, as near to the centre as one likes. The
    set is contractible, so no homology sees it; but no continuous map to the line is injective on it.

    Args:
        legs: three lengths, from 1e-100 to 1e100, the longest at most 1000 times the shortest.

    Raises:
        SpecError: a parameter is out of range.
    """

    def __init__(self, legs: Sequence[float] = (1.0, 1.0, 1.0)) -> None:
        self.legs = _require_legs(legs)
        if max(self.legs) > 1000 * min(self.legs):
            raise SpecError(f"The legs of a triod may differ by a factor of 1000, got {list(self.legs)}.")
        super().__init__(Spec("triod", {"legs": self.legs}), [TriodLeg(self.legs, i) for i in range(3)])

    @property
    def connected_components(self) -> tuple[Manifold, ...]:
        """The triod itself, which is connected."""
        return (self,)

    def _find_truth(self) -> Truth:
        def side(i: int, j: int, ops: Operations) -> Any:
            a, b = ops.real(self.legs[i]), ops.real(self.legs[j])
            return ops.sqrt(a * a + a * b + b * b)

        def longest(ops: Operations) -> Any:
            first, second = sorted(range(3), key=lambda i: -self.legs[i])[:2]
            return side(first, second, ops)

        def radius(ops: Operations) -> Any:
            # Only the angle at the tip of the shortest leg, opposite the longest side, can fail to be acute.
            a, b, c = sorted(Fraction(x) for x in self.legs)
            if b * c >= 2 * a * a + a * b + a * c:
                return longest(ops) / 2
            x, y, z = (ops.real(v) for v in self.legs)
            area = ops.sqrt(ops.real(3.0)) * (x * y + y * z + x * z) / 4
            return side(0, 1, ops) * side(0, 2, ops) * side(1, 2, ops) / (4 * area)

        tree = Citation(HERE, "", "three segments with one common end: a tree")
        return Truth(
            dimension=1,
            closed=False,
            components=1,
            orientable=True,
            volume=closed_form(lambda ops: sum(ops.real(x) for x in self.legs)),
            reach=Interval.exactly(0.0),
            betti=dict.fromkeys(FIELDS, (1, 0)),
            circumradius=closed_form(radius),
            diameter=closed_form(longest),
            embedding_dim=2,
            sources={
                **dict.fromkeys(("dimension", "closed", "components", "orientable", "betti"), tree),
                "volume": Citation(HERE, "", "the sum of the lengths of the legs"),
                "reach": Citation(FEDERER, f"Definition 4.1; {HERE}", "points of a bisector have two nearest points"),
                "circumradius": Citation(HERE, "", "the smallest ball of the triangle of the tips"),
                "diameter": Citation(HERE, "", "the longest side of the triangle of the tips"),
                "embedding_dim": Citation(HERE, "", "the set lies in the plane"),
            },
        )


def _build(legs: Any = (1.0, 1.0, 1.0), leg: int | None = None) -> Manifold:
    return Triod(legs) if leg is None else TriodLeg(legs, leg)


MANIFOLDS.register(
    "triod",
    Entry(
        name="triod",
        summary="three segments of the plane from one point, at 120 degrees",
        build=_build,
        parameters=(
            Parameter("legs", "three lengths, from 1e-100 to 1e100", "[1,1,1]"),
            Parameter("leg", "0, 1 or 2: that leg alone", "the whole triod"),
        ),
        examples=("triod:legs=[1,1,1]", "triod:legs=[3,2,1]"),
    ),
)
