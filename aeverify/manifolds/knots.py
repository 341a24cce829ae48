"""Knots: torus knots and the trefoil, closed curves in R^3 of which no plane shadow is embedded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, final

from aeverify.core.spec import Spec
from aeverify.errors import SpecError
from aeverify.manifolds.base import Truth
from aeverify.manifolds.chart import Operations
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.curve_facts import curve_chart, curve_truth
from aeverify.manifolds.entry import MANIFOLDS, Entry, Parameter
from aeverify.manifolds.parameters import require_integer, require_length

_MOST_WINDINGS = 50


@final
class TorusKnot(ConnectedManifold):
    """The torus knot that winds p times around the axis of a torus and q times around its tube:
    ((R + r cos q t) cos p t, (R + r cos q t) sin p t, r sin q t), with t in turns, [0, 1].

    Embedded: for R > r > 0 the torus is embedded, with angles (p t, q t); two parameters with the same angles differ by
    whole multiples of 1/p and of 1/q, which for coprime p and q are whole numbers. Regular: the speed is at least
    2 pi p (R - r). Reach, length, curvature and extent are enclosed from the chart.

    Args:
        p, q: coprime integers from 1 to 50.
        R, r: radii of the torus, R > r, from 1e-100 to 1e100.

    Raises:
        SpecError: a parameter is out of range, p and q have a common divisor, or R <= r.
    """

    def __init__(self, p: int, q: int, R: float = 2.0, r: float = 1.0) -> None:
        self.p = require_integer(p, 1, _MOST_WINDINGS, "p of a torus knot")
        self.q = require_integer(q, 1, _MOST_WINDINGS, "q of a torus knot")
        if math.gcd(self.p, self.q) != 1:
            raise SpecError(
                f"p and q of a torus knot must have no common divisor, got {p} and {q}: the curve would be traced "
                f"{math.gcd(self.p, self.q)} times. Divide them by it."
            )
        self.R, self.r = require_length(R, "R of a torus knot"), require_length(r, "r of a torus knot")
        if self.r >= self.R:
            raise SpecError(f"A torus knot needs R > r, got R = {R!r} and r = {r!r}: the torus would meet itself.")
        spec = Spec("torus_knot", {"p": self.p, "q": self.q, "R": self.R, "r": self.r})
        super().__init__(spec, 3, curve_chart(self._formula, closed=True))

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        turn = 2 * ops.pi * parameters[0]
        around, along = self.q * turn, self.p * turn
        rho = self.R + self.r * ops.cos(around)
        return [rho * ops.cos(along), rho * ops.sin(along), self.r * ops.sin(around)]

    def _find_truth(self) -> Truth:
        return curve_truth(
            self,
            "derived in aeverify.manifolds.knots.TorusKnot",
            "the torus is embedded, and coprime windings meet no pair of angles twice",
        )


@final
class Trefoil(ConnectedManifold):
    """The trefoil (sin t + 2 sin 2t, cos t - 2 cos 2t, -sin 3t), with t in turns, [0, 1].

    Embedded and regular, since the certified lower end of its reach is positive: the reach is 0.60715..., half the
    distance of two strands where they cross over. Length, curvature and extent are enclosed from the chart.
    """

    def __init__(self) -> None:
        super().__init__(Spec("trefoil"), 3, curve_chart(_trefoil_formula, closed=True))

    def _find_truth(self) -> Truth:
        return curve_truth(self, "derived in aeverify.manifolds.knots.Trefoil", "")


def _trefoil_formula(parameters: Sequence[Any], ops: Operations) -> list[Any]:
    t = 2 * ops.pi * parameters[0]
    return [ops.sin(t) + 2 * ops.sin(2 * t), ops.cos(t) - 2 * ops.cos(2 * t), -ops.sin(3 * t)]


MANIFOLDS.register(
    "torus_knot",
    Entry(
        name="torus_knot",
        summary="the torus knot that winds p times around the axis and q times around the tube, in R^3",
        build=TorusKnot,
        parameters=(
            Parameter("p", "windings around the axis, from 1 to 50, coprime to q"),
            Parameter("q", "windings around the tube, from 1 to 50"),
            Parameter("R", "distance of the tube's centre from the axis, more than r", "2"),
            Parameter("r", "radius of the tube", "1"),
        ),
        examples=("torus_knot:p=2,q=3,R=2,r=1", "torus_knot:p=2,q=5,R=3,r=1"),
    ),
)
MANIFOLDS.register(
    "trefoil",
    Entry(name="trefoil", summary="a trefoil knot in R^3", build=Trefoil, examples=("trefoil",)),
)
