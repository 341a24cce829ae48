"""Reuleaux: smooth plane curves of constant width, rounded Reuleaux polygons with an odd number of sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.spec import Spec
from aeverify.errors import SpecError
from aeverify.manifolds.balls import closed_form
from aeverify.manifolds.base import Truth
from aeverify.manifolds.chart import Operations
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.curve_facts import curve_chart, curve_truth
from aeverify.manifolds.curves import BLASCHKE
from aeverify.manifolds.entry import MANIFOLDS, Entry, Parameter
from aeverify.manifolds.parameters import require_integer, require_length, require_real

_MOST_SIDES = 31


@final
class Reuleaux(ConnectedManifold):
    """The closed convex curve with the support function h(t) = w/2 + b cos k t, k odd, b = sharpness w / (2 (k^2 - 1)):
    the points h(t) (cos t, sin t) + h'(t) (-sin t, cos t), with t in turns, [0, 1].

    Convex and embedded: the radius of curvature in the direction t is h + h'' = (w/2)(1 - sharpness cos k t) > 0, so
    the tangent turns once, strictly. Width: h(t) + h(t + pi) = w for odd k, in every direction. Reach: by Blaschke's
    rolling theorem the least radius of curvature, (w/2)(1 - sharpness). Length: pi w (Barbier). Extent: the farthest
    points of a set of constant width w are w apart; by its k-fold symmetry the smallest ball has its centre at the
    origin, and the radius max h = w/2 + b, since max |x| = max h for a convex set that holds the origin. The largest
    disc inside has the radius min h = w/2 - b, which is less than w/2: winding numbers see less than collisions.

    Args:
        width: w, from 1e-100 to 1e100.
        sides: k, an odd integer from 3 to 31.
        sharpness: from 0.001 to 0.999; towards 1 the curvature at the k corners grows without bound.

    Raises:
        SpecError: a parameter is out of range.
    """

    def __init__(self, width: float = 1.0, sides: int = 3, sharpness: float = 0.9) -> None:
        self.width = require_length(width, "width of a Reuleaux curve")
        self.sides = require_integer(sides, 3, _MOST_SIDES, "sides of a Reuleaux curve")
        if self.sides % 2 == 0:
            raise SpecError(f"A curve of constant width needs an odd number of sides, got {sides}.")
        self.sharpness = require_real(sharpness, "sharpness of a Reuleaux curve")
        if not 0.001 <= self.sharpness <= 0.999:
            raise SpecError(f"sharpness of a Reuleaux curve must lie between 0.001 and 0.999, got {sharpness!r}.")
        spec = Spec("reuleaux", {"width": self.width, "sides": self.sides, "sharpness": self.sharpness})
        super().__init__(spec, 2, curve_chart(self._formula, closed=True))

    def _bulge(self, ops: Operations) -> Any:
        return ops.real(self.width) * ops.real(self.sharpness) / (2 * (self.sides**2 - 1))

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        turn = 2 * ops.pi * parameters[0]
        b, k = self._bulge(ops), self.sides
        h = ops.real(self.width) / 2 + b * ops.cos(k * turn)
        slope = -(b * k) * ops.sin(k * turn)
        c, s = ops.cos(turn), ops.sin(turn)
        return [h * c - slope * s, h * s + slope * c]

    def _find_truth(self) -> Truth:
        here = "derived in aeverify.manifolds.reuleaux.Reuleaux"
        ball = Citation(here, "", "by symmetry about the origin, from which the farthest points are max h away")
        rolling = Citation(BLASCHKE, f"rolling theorem; {here}", "the least radius of curvature (w/2)(1 - sharpness)")
        half = self.width / 2
        return curve_truth(
            self,
            here,
            "the tangent of a convex curve turns once",
            reach=(closed_form(lambda ops: ops.real(half) * (1 - ops.real(self.sharpness))), rolling),
            curvature=(closed_form(lambda ops: 1 / (ops.real(half) * (1 - ops.real(self.sharpness)))), rolling),
            volume=(
                closed_form(lambda ops: ops.pi * ops.real(self.width)),
                Citation("Barbier 1860", here, "a curve of constant width w has length pi w"),
            ),
            diameter=(Interval.exactly(self.width), Citation(here, "", "a set of constant width w has diameter w")),
            circumradius=(closed_form(lambda ops: ops.real(half) + self._bulge(ops)), ball),
        )


MANIFOLDS.register(
    "reuleaux",
    Entry(
        name="reuleaux",
        summary="a smooth curve of constant width, a rounded Reuleaux polygon",
        build=Reuleaux,
        parameters=(
            Parameter("width", "the width in every direction, from 1e-100 to 1e100", "1"),
            Parameter("sides", "number of sides, an odd integer from 3 to 31", "3"),
            Parameter("sharpness", "of the corners, from 0.001 (round) to 0.999", "0.9"),
        ),
        examples=("reuleaux:width=1,sides=3,sharpness=0.9",),
    ),
)
