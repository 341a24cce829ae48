"""Arcs: segments, helices and Archimedean spirals, curves with two end points, which one number can follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.spec import Spec
from aeverify.errors import SpecError
from aeverify.manifolds.balls import closed_form
from aeverify.manifolds.base import INFINITE, Truth
from aeverify.manifolds.chart import Operations
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.curve_facts import curve_chart, curve_truth
from aeverify.manifolds.curves import FEDERER
from aeverify.manifolds.entry import MANIFOLDS, Entry, Parameter
from aeverify.manifolds.parameters import require_ambient_dim, require_length, require_real


def _require_turns(value: Any, what: str) -> float:
    turns = require_real(value, f"turns of {what}")
    if not 0.01 <= turns <= 100:
        raise SpecError(f"turns of {what} must lie between 0.01 and 100, got {value!r}.")
    return turns


@final
class Segment(ConnectedManifold):
    """The segment from the origin to length e_1 in R^n.

    It is convex: every point of the space has one nearest point in it, so reach and weak feature size are infinite
    (given as "at least the largest number of float64").

    Args:
        length: from 1e-100 to 1e100.
        ambient_dim: n, at least 1.

    Raises:
        SpecError: a parameter is out of range.
    """

    def __init__(self, length: float = 1.0, ambient_dim: int = 2) -> None:
        self.length = require_length(length, "length of a segment")
        self._zeros = (n := require_ambient_dim(ambient_dim, 1, "a segment")) - 1
        spec = Spec("segment", {"length": self.length, "ambient_dim": n})
        super().__init__(spec, n, curve_chart(self._formula, closed=False))

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        return [self.length * parameters[0], *[ops.real(0.0)] * self._zeros]

    def _find_truth(self) -> Truth:
        here = "derived in aeverify.manifolds.arcs.Segment"
        convex = Citation(FEDERER, "Remark 4.2", "a closed set is convex if and only if its reach is infinite")
        ends = Citation(here, "", "the two end points are the farthest, and their middle is the centre")
        return curve_truth(
            self,
            here,
            "the first coordinate increases along the segment",
            reach=(INFINITE, convex),
            weak_feature_size=(INFINITE, Citation(here, "", "the distance to a convex set has no critical point")),
            curvature=(Interval.exactly(0.0), Citation(here, "", "a straight line")),
            volume=(Interval.exactly(self.length), Citation(here, "", "the speed of the chart is the length")),
            diameter=(Interval.exactly(self.length), ends),
            circumradius=(Interval.exactly(self.length / 2), ends),
        )


@final
class Helix(ConnectedManifold):
    """The helix arc (radius cos a, radius sin a, pitch a / 2 pi), a from 0 to 2 pi turns.

    Embedded: the third coordinate increases. With b = pitch / 2 pi the speed in a is sqrt(radius^2 + b^2), constant,
    and the curvature radius / (radius^2 + b^2). The reach is the radius of curvature where the pitch is large or the
    arc short, and half the least distance of neighbouring turns otherwise; it is enclosed by `certified_reach`.

    Args:
        radius: of the cylinder, from 1e-100 to 1e100.
        pitch: rise in one turn, from 1e-100 to 1e100.
        turns: from 0.01 to 100.

    Raises:
        SpecError: a parameter is out of range, or radius and pitch differ by a factor of more than 1000.
    """

    def __init__(self, radius: float = 1.0, pitch: float = 1.0, turns: float = 2.0) -> None:
        self.radius = require_length(radius, "radius of a helix")
        self.pitch = require_length(pitch, "pitch of a helix")
        if not 1e-3 <= self.pitch / self.radius <= 1e3:
            raise SpecError(f"pitch and radius of a helix may differ by a factor of 1000, got {pitch!r}, {radius!r}.")
        self.turns = _require_turns(turns, "a helix")
        spec = Spec("helix", {"radius": self.radius, "pitch": self.pitch, "turns": self.turns})
        super().__init__(spec, 3, curve_chart(self._formula, closed=False))

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        turns = self.turns * parameters[0]
        angle = 2 * ops.pi * turns
        return [self.radius * ops.cos(angle), self.radius * ops.sin(angle), self.pitch * turns]

    def _find_truth(self) -> Truth:
        here = "derived in aeverify.manifolds.arcs.Helix"

        def square(ops: Operations) -> Any:
            return (2 * ops.pi * ops.real(self.radius)) ** 2 + ops.real(self.pitch) ** 2

        return curve_truth(
            self,
            here,
            "the third coordinate increases along the arc",
            volume=(
                closed_form(lambda ops: ops.real(self.turns) * ops.sqrt(square(ops))),
                Citation(here, "", "the speed is constant"),
            ),
            curvature=(
                closed_form(lambda ops: (2 * ops.pi) ** 2 * ops.real(self.radius) / square(ops)),
                Citation(here, "", "the curvature is radius / (radius^2 + b^2), b = pitch / 2 pi"),
            ),
        )


@final
class SpiralArc(ConnectedManifold):
    """The Archimedean spiral arc rho (cos 2 pi turns t, sin 2 pi turns t), rho = start + (end - start) t, t in [0, 1].

    Embedded and regular: rho = |x| increases with a constant rate. Reach, length, curvature and extent are enclosed
    from the chart. The tutorial's spiral (source 003) is `spiral`.

    Args:
        start, end: radii of the end points, 0 <= start < end <= 1e100; end at least 1e-100.
        turns: from 0.01 to 100.

    Raises:
        SpecError: a parameter is out of range.
    """

    def __init__(self, start: float = 1.0, end: float = 2.0, turns: float = 1.0) -> None:
        self.start = require_real(start, "start of a spiral arc") + 0.0
        self.end = require_length(end, "end of a spiral arc")
        if not 0 <= self.start <= self.end * (1 - 1e-3):
            raise SpecError(
                f"start of a spiral arc must lie between 0 and 0.999 times its end, got {start!r} and {end!r}: the "
                "radius must grow, else the turns of the arc would meet."
            )
        self.turns = _require_turns(turns, "a spiral arc")
        spec = Spec("spiral_arc", {"start": self.start, "end": self.end, "turns": self.turns})
        super().__init__(spec, 2, curve_chart(self._formula, closed=False))

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        angle = 2 * ops.pi * (self.turns * parameters[0])
        rho = self.start + (ops.real(self.end) - self.start) * parameters[0]
        return [rho * ops.cos(angle), rho * ops.sin(angle)]

    def _find_truth(self) -> Truth:
        return curve_truth(
            self, "derived in aeverify.manifolds.arcs.SpiralArc", "the distance from the origin increases along the arc"
        )


MANIFOLDS.register(
    "segment",
    Entry(
        name="segment",
        summary="a segment in R^n, a convex set",
        build=Segment,
        parameters=(
            Parameter("length", "from 1e-100 to 1e100", "1"),
            Parameter("ambient_dim", "dimension n of the space, from 1 to 10000", "2"),
        ),
        examples=("segment:length=1,ambient_dim=2",),
    ),
)
MANIFOLDS.register(
    "helix",
    Entry(
        name="helix",
        summary="an arc of a helix in R^3",
        build=Helix,
        parameters=(
            Parameter("radius", "radius of the cylinder", "1"),
            Parameter("pitch", "rise in one turn, within a factor of 1000 of the radius", "1"),
            Parameter("turns", "number of turns, from 0.01 to 100", "2"),
        ),
        examples=("helix:radius=1,pitch=1,turns=2", "helix:radius=1,pitch=5,turns=0.5"),
    ),
)
MANIFOLDS.register(
    "spiral_arc",
    Entry(
        name="spiral_arc",
        summary="an arc of an Archimedean spiral in the plane",
        build=SpiralArc,
        parameters=(
            Parameter("start", "radius of the inner end point, from 0 to 0.999 times end", "1"),
            Parameter("end", "radius of the outer end point", "2"),
            Parameter("turns", "number of turns, from 0.01 to 100", "1"),
        ),
        examples=("spiral_arc:start=1,end=2,turns=1", "spiral_arc:start=0,end=3,turns=2"),
    ),
)
