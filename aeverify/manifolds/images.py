"""Images: sets of small grey pictures that depend smoothly on few parameters, as subsets of the space of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

from aeverify.core.spec import Spec
from aeverify.errors import SpecError
from aeverify.manifolds.base import Truth
from aeverify.manifolds.chart import Operations
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.curve_facts import curve_chart, curve_truth
from aeverify.manifolds.entry import MANIFOLDS, Entry, Parameter
from aeverify.manifolds.parameters import require_integer, require_real

_MOST_PIXELS = 32


@final
class RotatingBar(ConnectedManifold):
    """The closed curve in R^(p p) of pictures of a soft bar through the centre, turned by pi in one period.

    Pixel centres (x, y) form a regular grid of p x p points on the square [-1, 1]^2, rows from top (y = 1) to bottom.
    The pixel shows exp(-d^2 / (2 width^2)) with d = y cos a - x sin a, the distance of its centre from the line at the
    angle a = pi t. Since 2 d^2 = x^2 + y^2 - (x^2 - y^2) u - 2 x y v with u = cos 2 pi t, v = sin 2 pi t, the pixel is

        exp((-(x^2 + y^2) + (x^2 - y^2) u + 2 x y v) / (4 width^2)),

    so the picture is an analytic function of (u, v) on the unit circle, of period 1 in t. Embedded and regular for
    p >= 3: the logarithms of the pixels at the corner (1, 1) and at (1, y), y^2 < 1, are affine functions of (u, v),
    with linear parts (0, 2) and (1 - y^2, 2 y) over 4 width^2, which are independent; so the picture tells (u, v), and
    its derivative is 0 only with that of (u, v), which is nowhere 0. Reach, length, curvature and extent are enclosed
    from the chart.

    Args:
        pixels: p, from 3 to 32.
        width: standard deviation of the bar's profile, in units of half the picture, from 0.1 to 2.

    Raises:
        SpecError: a parameter is out of range.
    """

    def __init__(self, pixels: int = 8, width: float = 0.3) -> None:
        # Two pixels a side could not tell a bar from its mirror image.
        self.pixels = require_integer(pixels, 3, _MOST_PIXELS, "pixels of a rotating bar")
        self.width = require_real(width, "width of a rotating bar")
        if not 0.1 <= self.width <= 2:
            raise SpecError(
                f"width of a rotating bar must lie between 0.1 and 2 in units of half the picture, got {width!r}."
            )
        spec = Spec("rotating_bar", {"pixels": self.pixels, "width": self.width})
        chart = curve_chart(self._formula, closed=True, rounding=64.0 / self.width**2)
        super().__init__(spec, self.pixels**2, chart)

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        turn = 2 * ops.pi * parameters[0]
        u, v = ops.cos(turn), ops.sin(turn)
        half = self.pixels - 1
        scale = 4 * half**2 * ops.real(self.width) * self.width
        # Pixels whose exponents are equal are computed once: x and y are odd numbers over p - 1.
        known: dict[tuple[int, int, int], Any] = {}
        out = []
        for row in range(self.pixels):
            for column in range(self.pixels):
                x, y = 2 * column - half, half - 2 * row
                key = (x * x + y * y, x * x - y * y, x * y)
                if key not in known:
                    known[key] = ops.exp((key[1] * u + 2 * key[2] * v - key[0]) / scale)
                out.append(known[key])
        return out

    def _find_truth(self) -> Truth:
        return curve_truth(
            self,
            "derived in aeverify.manifolds.images.RotatingBar",
            "the logarithms of two pixels tell cosine and sine of twice the angle",
        )


MANIFOLDS.register(
    "rotating_bar",
    Entry(
        name="rotating_bar",
        summary="pictures of a soft bar that turns about the centre, a closed curve in R^(pixels x pixels)",
        build=RotatingBar,
        parameters=(
            Parameter("pixels", "pixels a side, from 3 to 32", "8"),
            Parameter("width", "standard deviation of the bar's profile in units of half the picture, 0.1 to 2", "0.3"),
        ),
        examples=("rotating_bar:pixels=8,width=0.3", "rotating_bar:pixels=5,width=0.5"),
    ),
)
