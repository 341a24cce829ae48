"""Blob: the images of one smooth blob moved over a periodic image, a flat torus in the space of all images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, final

from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.spec import Spec
from aeverify.manifolds.balls import closed_form
from aeverify.manifolds.base import Truth
from aeverify.manifolds.chart import Chart, FloatArray, Operations
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.curves import FEDERER, FIELDS, HATCHER
from aeverify.manifolds.entry import MANIFOLDS, Entry, Parameter
from aeverify.manifolds.parameters import require_integer, rounded_up


@final
class Blob(ConnectedManifold):
    """Images I(a, b) of p x p pixels, I_ij = g(i/p - a) g(j/p - b), with g(x) = (1 + cos 2 pi x) / 2 = cos^2(pi x).

    a and b in turns say where the blob is; image entries lie in [0, 1] and are listed row by row.

    **Inner products.** For p >= 3 the sums over pixels of cos and sin of 2 pi i/p and of twice that vanish, so
    sum_i g(i/p - a) g(i/p - a') = p C(a - a') with C(x) = 1/4 + cos(2 pi x) / 8, and <I(a, b), I(a', b')> =
    p^2 C(a - a') C(b - b'). Hence translations act by isometries, and 1/8 <= C <= 3/8 gives all else:

    - embedded: |I - I'|^2 = 2 p^2 (9/64 - C C') is 0 only for C = C' = 3/8, that is a = a', b = b';
    - flat: the partial derivatives are orthogonal (C'(0) = 0), of constant square p^2 (3/8) (2 pi)^2 / 8 a turn, that
      is of length 2 pi rho with rho = p 3^(1/2) / 8; area (2 pi rho)^2 = 3 pi^2 p^2 / 16;
    - diameter: 2 p^2 (9/64 - 1/64) = p^2 / 4, so p / 2, for blobs half an image apart both ways;
    - circumradius: the mean image is the constant 1/4, all images are equally far from it, at
      p (9/64 - 1/16)^(1/2) = p 5^(1/2) / 8, and no smaller ball holds a set whose points are all that far from
      their mean;
    - **reach = rho.** Let q be at angles whose cosines are 1 - X, 1 - Y, and D = |q - p|^2 = p^2 (3 X + 3 Y - X Y) /
      32. The tangential part T of q - p has T^2 = p^2 (X (2 - X) (3 - Y)^2 + Y (2 - Y) (3 - X)^2) / 192, and with s = X
      + Y, k = X Y / s in [0, 1] Federer's quotient is D / (2 (D - T^2)^(1/2)) = rho (3 - k) / (9 - 8 k + 2 k^2)^(1/2).
      The square of the factor is 1 at k = 0 and grows on [0, 1] (its derivative has the sign of (3 - k)(6 - 4 k)), so
      the quotient is at least rho, which it approaches as q comes close. By the same token all normal curvatures are 1
      / rho.

    Args:
        pixels: p, from 3 to 100.

    Raises:
        SpecError: pixels is out of range.
    """

    def __init__(self, pixels: int) -> None:
        # Fewer than three pixels cannot show where the blob is.
        self.pixels = p = require_integer(pixels, 3, 100, "pixels of a blob")
        speed = rounded_up(2 * math.pi * p * math.sqrt(3.0) / 8)
        chart = Chart((0.0, 0.0), (1.0, 1.0), (True, True), self._formula, (speed, speed), orthogonal=True)
        super().__init__(Spec("blob", {"pixels": p}), p * p, chart)

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        profiles = []
        for u in parameters:
            c, s = ops.cos(2 * ops.pi * u), ops.sin(2 * ops.pi * u)
            turns = [2 * ops.pi * (ops.real(float(i)) / self.pixels) for i in range(self.pixels)]
            profiles.append([(1 + ops.cos(t) * c + ops.sin(t) * s) / 2 for t in turns])
        rows, columns = profiles
        return [x * y for x in rows for y in columns]

    def transport(self, unit: FloatArray) -> FloatArray:
        """The translations are uniform."""
        return unit

    def _find_truth(self) -> Truth:
        p = self.pixels
        here = "derived in aeverify.manifolds.blob.Blob"
        topology = Citation(HATCHER, "Examples 2.3 and 3.16", "the torus S^1 x S^1 has Betti numbers 1, 2, 1")
        rho = closed_form(lambda ops: p * ops.sqrt(ops.real(3.0)) / 8)
        quotient = Citation(FEDERER, "Theorem 4.18; " + here, "its quotient is at least p 3^(1/2) / 8 for every pair")
        return Truth(
            dimension=2,
            closed=True,
            components=1,
            orientable=True,
            volume=closed_form(lambda ops: 3 * ops.pi**2 * p**2 / 16),
            reach=rho,
            betti=dict.fromkeys(FIELDS, (1, 2, 1)),
            circumradius=closed_form(lambda ops: p * ops.sqrt(ops.real(5.0)) / 8),
            diameter=Interval.exactly(p / 2),
            embedding_dim=3,
            curvature=closed_form(lambda ops: 8 / (p * ops.sqrt(ops.real(3.0)))),
            sources={
                **dict.fromkeys(("dimension", "closed", "components", "orientable", "betti"), topology),
                "volume": Citation(here, "", "the metric is flat: 3 pi^2 p^2 / 16"),
                **dict.fromkeys(("reach", "curvature"), quotient),
                "circumradius": Citation(here, "", "all images are equally far from their mean"),
                "diameter": Citation(here, "", "|I - I'|^2 = 2 p^2 (9/64 - C C') with 1/8 <= C, C' <= 3/8"),
                "embedding_dim": Citation(here, "", "the torus embeds in R^3"),
            },
        )


MANIFOLDS.register(
    "blob",
    Entry(
        name="blob",
        summary="the images of a smooth blob moved over a periodic image of p x p pixels, a flat torus",
        build=Blob,
        parameters=(Parameter("pixels", "p, pixels a side, from 3 to 100"),),
        examples=("blob:pixels=8",),
    ),
)
