"""Flat tori: products of circles in R^(2k), among them the Clifford torus in R^4."""

from __future__ import annotations

import itertools
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
from aeverify.manifolds.enclosed import hypotenuse
from aeverify.manifolds.entry import MANIFOLDS, Entry, Parameter
from aeverify.manifolds.parameters import require_length, require_lengths, require_volume, rounded_up


@final
class FlatTorus(ConnectedManifold):
    """The product of k circles of radii r_1, ..., r_k about the origin, in R^(2k): isometric to a flat k-torus.

    Facts: volume prod 2 pi r_i; reach min r_i (a point has several nearest points iff one of its plane parts is 0, and
    then its distance is at least that r_i, which is attained; such a point is critical for the distance if its other
    parts lie on their circles, so the weak feature size is the same); b_j is k over j; |II(v, v)|^2 =
    sum v_i^4 / r_i^2 for unit v, at most 1 / min r_i^2, attained; every point has norm (sum r_i^2)^(1/2), and K = -K.
    It embeds in R^(k+1): T^(k-1) x R does in R^k by induction, and S^1 x R^k in R^(k+1).

    Args:
        radii: r_1, ..., r_k, from 2 to 50 of them.

    Raises:
        SpecError: a parameter is out of range.
    """

    def __init__(self, radii: Sequence[float], *, spec: Spec | None = None) -> None:
        self.radii = r = require_lengths(radii, 2, 50, "radii of a flat torus")
        require_volume(r, "the flat torus")
        k = len(r)
        chart = Chart(
            (0.0,) * k,
            (1.0,) * k,
            (True,) * k,
            self._formula,
            tuple(rounded_up(2 * math.pi * x) for x in r),
            orthogonal=True,
        )
        super().__init__(spec if spec is not None else Spec("flat_torus", {"radii": r}), 2 * k, chart)

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        turns = [2 * ops.pi * u for u in parameters]
        pairs = ((r * ops.cos(t), r * ops.sin(t)) for r, t in zip(self.radii, turns, strict=True))
        return list(itertools.chain.from_iterable(pairs))

    def transport(self, unit: FloatArray) -> FloatArray:
        """The angles are uniform."""
        return unit

    def _find_truth(self) -> Truth:
        r, k = self.radii, len(self.radii)
        here = "derived in aeverify.manifolds.flat.FlatTorus"
        topology = Citation(HATCHER, "Example 3.16", "the k-torus has Betti numbers k over j")
        extent = Citation(here, "", "all points have norm (sum r_i^2)^(1/2), and K = -K")
        size = hypotenuse([Interval.exactly(x) for x in r])
        least = Interval.exactly(min(r))

        def volume(ops: Operations) -> Any:
            product = (2 * ops.pi) ** k
            for x in r:
                product = product * ops.real(x)
            return product

        medial = Citation(FEDERER, "Definition 4.1; " + here, "several nearest points only where a plane part is 0")
        return Truth(
            dimension=k,
            closed=True,
            components=1,
            orientable=True,
            volume=closed_form(volume),
            reach=least,
            betti=dict.fromkeys(FIELDS, tuple(math.comb(k, j) for j in range(k + 1))),
            circumradius=size,
            diameter=Interval(2 * size.lower, 2 * size.upper),
            symmetry_center=(0.0,) * (2 * k),
            inner_radius=size,
            antipodal_index=1,
            embedding_dim=k + 1,
            curvature=closed_form(lambda ops: 1 / ops.real(min(r))),
            weak_feature_size=least,
            sources={
                **dict.fromkeys(("dimension", "closed", "components", "orientable", "betti"), topology),
                "volume": Citation(here, "", "the product of the lengths 2 pi r_i"),
                **dict.fromkeys(("reach", "weak_feature_size"), medial),
                **dict.fromkeys(("circumradius", "diameter", "symmetry_center", "inner_radius"), extent),
                "antipodal_index": Citation(here, "", "an odd continuous function on a connected set has a zero"),
                "embedding_dim": Citation(here, "", "S^1 x R^k embeds in R^(k+1), so the k-torus does by induction"),
                "curvature": Citation(here, "", "|II(v, v)|^2 = sum v_i^4 / r_i^2 <= 1 / min r_i^2"),
            },
        )


def clifford(r1: float, r2: float) -> FlatTorus:
    """The product of circles of radii r1 and r2 in R^4, called the Clifford torus.

    Raises:
        SpecError: a radius is out of range.
    """
    first = require_length(r1, "r1 of a Clifford torus")
    second = require_length(r2, "r2 of a Clifford torus")
    return FlatTorus((first, second), spec=Spec("clifford", {"r1": first, "r2": second}))


MANIFOLDS.register(
    "clifford",
    Entry(
        name="clifford",
        summary="the Clifford torus, a product of two circles in R^4",
        build=clifford,
        parameters=(Parameter("r1", "radius of the first circle"), Parameter("r2", "radius of the second circle")),
        examples=("clifford:r1=0.6,r2=1.1",),
    ),
)
MANIFOLDS.register(
    "flat_torus",
    Entry(
        name="flat_torus",
        summary="a flat torus, a product of k circles in R^(2k)",
        build=FlatTorus,
        parameters=(Parameter("radii", "radii of the circles, a list of 2 to 50 numbers"),),
        examples=("flat_torus:radii=[1,1,1]",),
    ),
)
