"""Star: the curve rho = 1 + a cos(k t) about the origin of the plane, with k bays of depth a."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

from aeverify.core.evidence import Citation
from aeverify.core.spec import Spec
from aeverify.errors import SpecError
from aeverify.manifolds.balls import closed_form
from aeverify.manifolds.base import Truth
from aeverify.manifolds.chart import Operations
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.curve_facts import curve_chart, curve_truth
from aeverify.manifolds.curves import BORSUK
from aeverify.manifolds.entry import MANIFOLDS, Entry, Parameter
from aeverify.manifolds.parameters import require_integer, require_length, require_real

_MOST_BAYS = 64


@final
class Star(ConnectedManifold):
    """The star curve radius (1 + a cos 2 pi k t) (cos 2 pi t, sin 2 pi t), t in [0, 1].

    Embedded and regular: with 0 < a < 1 the radius rho is positive, so a point tells its angle, and the speed
    sqrt(rho^2 + rho'^2) is positive. At the bottom of a bay rho' = 0 and rho'' = a k^2 radius, so the curvature there
    is (rho - rho'') / rho^2 and the reach at most radius (1 - a)^2 / |1 - a - a k^2|: 0.245 for a = 0.3, k = 3. The
    reach is enclosed by `certified_reach`. For even k the curve is symmetric about the origin, from which it keeps the
    distance radius (1 - a).

    Args:
        a: depth of the bays in units of the radius, 0 < a < 1.
        k: number of bays, an integer from 1 to 64.
        radius: mean radius, from 1e-100 to 1e100.

    Raises:
        SpecError: a parameter is out of range.
    """

    def __init__(self, a: float, k: int, radius: float = 1.0) -> None:
        self.a = require_real(a, "a of a star")
        if not 0.001 <= self.a <= 0.999:
            raise SpecError(
                f"a of a star must lie between 0.001 and 0.999, got {a!r}: from 1 on the curve runs through the "
                "origin, and at 0 it is a circle (use 'circle')."
            )
        self.k = require_integer(k, 1, _MOST_BAYS, "k of a star")
        self.radius = require_length(radius, "radius of a star")
        spec = Spec("star", {"a": self.a, "k": self.k, "radius": self.radius})
        super().__init__(spec, 2, curve_chart(self._formula, closed=True))

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        turn = 2 * ops.pi * parameters[0]
        rho = self.radius * (1 + self.a * ops.cos(self.k * turn))
        return [rho * ops.cos(turn), rho * ops.sin(turn)]

    def _find_truth(self) -> Truth:
        here = "derived in aeverify.manifolds.star.Star"
        known: dict[str, Any] = {}
        if self.k % 2 == 0:
            symmetry = Citation(here, "", "half a turn changes k t by k / 2 turns, a whole number for even k")
            inner = closed_form(lambda ops: ops.real(self.radius) * (1 - ops.real(self.a)))
            known = {
                "symmetry_center": ((0.0, 0.0), symmetry),
                "inner_radius": (inner, Citation(here, "", "rho is least, radius (1 - a), at the bottom of a bay")),
                "antipodal_index": (1, Citation(BORSUK, "Satz II", "an odd function on a connected set has a zero")),
            }
        return curve_truth(self, here, "rho is positive, so a point tells its angle", **known)


MANIFOLDS.register(
    "star",
    Entry(
        name="star",
        summary="the closed plane curve rho = 1 + a cos(k t), with k bays",
        build=Star,
        parameters=(
            Parameter("a", "depth of the bays in units of the radius, from 0.001 to 0.999"),
            Parameter("k", "number of bays, an integer from 1 to 64"),
            Parameter("radius", "mean radius, from 1e-100 to 1e100", "1"),
        ),
        examples=("star:a=0.3,k=3,radius=1", "star:a=0.1,k=2,radius=5"),
    ),
)
