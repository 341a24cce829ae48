"""Products of manifolds, A x B in R^(n_A + n_B), with facts that follow from those of the factors."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, final

import numpy as np

from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.spec import Spec
from aeverify.errors import SpecError
from aeverify.manifolds.base import Manifold, Truth, require_one_chart_each
from aeverify.manifolds.chart import Chart, FloatArray, Operations
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.curves import FEDERER, HATCHER
from aeverify.manifolds.enclosed import hypotenuse
from aeverify.manifolds.enclosed import product as interval_product
from aeverify.manifolds.entry import MANIFOLDS, Entry, Parameter
from aeverify.manifolds.links import Extents, Union
from aeverify.manifolds.parameters import LARGEST_AMBIENT_DIM, LARGEST_DIM

_MOST_FACTORS = 8


@final
class Product(ConnectedManifold):
    """The product of connected manifolds, with the Euclidean distance of the product space.

    Facts from those of the factors A_i:

    - dimension adds up; closed, and orientable, iff all factors are; the volume is the product of the volumes;
    - Betti numbers by Kuenneth's formula over a field: their polynomials multiply;
    - reach = min_i reach A_i: the nearest points of (p_1, ..., p_N) are the products of the nearest points, so there is
      one iff each factor has one, and the distance is at least that in the factor that has several;
    - weak feature size likewise: (p_i) is critical iff each p_i is critical or in A_i;
    - |II(v, v)|^2 = sum |II_i(v_i, v_i)|^2 <= max k_i^2 sum |v_i|^4, so the largest normal curvature is the largest of
      the factors';
    - squares of diameters and of circumradii add up (for the latter: the product of centres is a centre, and weights on
      contact points that show that a ball is the smallest multiply), and so do those of the distance from a centre of
      symmetry;
    - embedding: A x B is homeomorphic to a subset of R^(a+b) for A in R^a, B in R^b, and of R^(a+b-1) if B is a closed
      surface of dimension b - 1, since then B x R is an open subset of R^b (a two-sided collar), and A x B lies in
      R^(a-1) x (R x B).

    Args:
        factors: connected manifolds, from 2 to 8 of them; dimensions add up to at most 100, ambient ones to 10,000.

    Raises:
        SpecError: another number of factors, one that is not connected (`product` takes those apart), or too large.
    """

    def __init__(self, factors: Sequence[Manifold]) -> None:
        parts: list[ConnectedManifold] = []
        for factor in factors:
            if not isinstance(factor, ConnectedManifold):
                raise SpecError(f"The factors of a product must be connected, got {factor}: use product(factors).")
            parts.append(factor)
        if not 2 <= len(parts) <= _MOST_FACTORS:
            raise SpecError(f"A product takes from 2 to {_MOST_FACTORS} factors, got {len(parts)}.")
        self.factors: tuple[ConnectedManifold, ...] = tuple(parts)
        charts = [f.chart for f in parts]
        ambient = sum(f.ambient_dim for f in parts)
        dim = sum(c.dim for c in charts)
        if ambient > LARGEST_AMBIENT_DIM or dim > LARGEST_DIM:
            raise SpecError(
                f"A product may have dimension {LARGEST_DIM} in R^{LARGEST_AMBIENT_DIM} at most, got {dim} in "
                f"R^{ambient}."
            )
        self._starts = [0, *itertools.accumulate(c.dim for c in charts)]
        flips = tuple(
            tuple(start + j for j in mirrored)
            for start, c in zip(self._starts, charts, strict=False)
            for mirrored in (c.flips or ((),) * c.dim)
        )
        chart = Chart(
            tuple(itertools.chain.from_iterable(c.lower for c in charts)),
            tuple(itertools.chain.from_iterable(c.upper for c in charts)),
            tuple(itertools.chain.from_iterable(c.periodic for c in charts)),
            self._formula,
            tuple(itertools.chain.from_iterable(c.speed for c in charts)),
            orthogonal=all(c.orthogonal or c.dim == 1 for c in charts),
            flips=flips if any(flips) else (),
            rounding=max(c.rounding for c in charts),
        )
        super().__init__(Spec("product", {"factors": tuple(str(f) for f in parts)}), ambient, chart)

    def _split(self, columns: Sequence[Any]) -> list[Sequence[Any]]:
        return [columns[a:b] for a, b in itertools.pairwise(self._starts)]

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        pieces = zip(self.factors, self._split(parameters), strict=True)
        return list(itertools.chain.from_iterable(f.chart.formula(u, ops) for f, u in pieces))

    def transport(self, unit: FloatArray) -> FloatArray | None:
        """The factors' transports side by side, where they all have one."""
        pieces = [
            f.transport(unit[:, a:b]) for f, (a, b) in zip(self.factors, itertools.pairwise(self._starts), strict=True)
        ]
        found = [p for p in pieces if p is not None]
        return np.concatenate(found, axis=1) if len(found) == len(pieces) else None

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Independent draws of the factors."""
        return np.concatenate([f.draw(n, rng) for f in self.factors], axis=1)

    def _find_truth(self) -> Truth:
        truths = [f.truth for f in self.factors]
        here = "derived in aeverify.manifolds.products.Product"
        common = [field for field in truths[0].betti if all(field in t.betti for t in truths)]
        betti = {}
        for field in common:
            polynomial = [1]
            for t in truths:
                polynomial = [int(x) for x in np.convolve(polynomial, t.betti[field])]
            betti[field] = tuple(polynomial)
        reach, feature = truths[0].reach, truths[0].weak_feature_size
        curvature = truths[0].curvature
        for t in truths[1:]:
            reach = reach.minimum(t.reach)
            known = feature is not None and t.weak_feature_size is not None
            feature = feature.minimum(t.weak_feature_size) if known else None  # type: ignore[union-attr, arg-type]
            both = curvature is not None and t.curvature is not None
            curvature = curvature.maximum(t.curvature) if both else None  # type: ignore[union-attr, arg-type]
        centers = [t.symmetry_center for t in truths]
        inner = [t.inner_radius for t in truths]
        symmetric = all(c is not None for c in centers) and all(r is not None for r in inner)
        dimension, closed, embedding = 0, False, 0
        for f, t in zip(self.factors, truths, strict=True):
            e = t.embedding_dim if t.embedding_dim is not None else f.ambient_dim
            collar = (t.closed and e == t.dimension + 1) or (closed and embedding == dimension + 1)
            first = embedding == 0
            dimension, closed = dimension + t.dimension, t.closed and (first or closed)
            embedding = e if first else embedding + e - collar
        topology = Citation(
            HATCHER, "Theorem 3.15; " + here, "Kuenneth's formula over a field: Betti polynomials multiply"
        )
        derived = Citation(here, "", "it follows from the factors")
        extent = Citation(here, "", "squares of distances add up over the factors")
        return Truth(
            dimension=sum(t.dimension for t in truths),
            closed=all(t.closed for t in truths),
            components=1,
            orientable=all(t.orientable for t in truths),
            volume=interval_product([t.volume for t in truths]),
            reach=reach,
            betti=betti,
            circumradius=hypotenuse([t.circumradius for t in truths]),
            diameter=hypotenuse([t.diameter for t in truths]),
            symmetry_center=tuple(x for c in centers for x in (c or ())) if symmetric else None,
            inner_radius=hypotenuse([r for r in inner if r is not None]) if symmetric else None,
            antipodal_index=1 if symmetric else 0,
            embedding_dim=embedding,
            curvature=curvature,
            weak_feature_size=feature,
            sources={
                **dict.fromkeys(("dimension", "closed", "components", "orientable"), derived),
                "volume": Citation(here, "", "the volume is the product of the factors' volumes"),
                "reach": Citation(FEDERER, "Definition 4.1; " + here, "the reach is the least of the factors' reaches"),
                "betti": topology,
                **dict.fromkeys(("circumradius", "diameter", "symmetry_center", "inner_radius"), extent),
                "antipodal_index": Citation(here, "", "an odd continuous function on a connected set has a zero"),
                "embedding_dim": Citation(here, "", "B x R is an open subset of R^(dim B + 1) for a closed surface B"),
                "curvature": Citation(here, "", "the largest of the factors' curvatures"),
                "weak_feature_size": Citation(here, "", "the least of the factors' weak feature sizes"),
            },
        )


def product(factors: Sequence[Manifold]) -> Manifold:
    """The product of any manifolds; where a factor is a union, the union of the products of components.

    The gap of such a union is the least gap of a factor: two products of components differ in some factor, and are
    that factor's gap apart if they differ in that one alone.

    Raises:
        SpecError: as `Product`, a union of more than 64 components, or a connected set that needs several charts.
    """
    for f in factors:
        require_one_chart_each(f, "a factor of a product")
    if all(len(f.components) == 1 for f in factors):
        return Product(factors)
    spec = Spec("product", {"factors": tuple(str(f) for f in factors)})
    parts = [Product(choice) for choice in itertools.product(*(f.components for f in factors))]
    gaps = [f.extents.gap for f in factors if isinstance(f, Union)]
    here = "derived in aeverify.manifolds.products.product"
    extents = Extents(
        gap=Interval(min(g.lower for g in gaps), min(g.upper for g in gaps)),
        circumradius=hypotenuse([f.truth.circumradius for f in factors]),
        diameter=hypotenuse([f.truth.diameter for f in factors]),
        gap_source=Citation(here, "", "the least gap of a factor"),
        extent_source=Citation(here, "", "squares of distances add up over the factors"),
    )
    return Union(parts, spec=spec, extents=extents)


def _build(factors: Any) -> Manifold:
    from aeverify.manifolds.catalog import manifold

    if isinstance(factors, str) or not isinstance(factors, Sequence) or not all(isinstance(f, str) for f in factors):
        raise SpecError(f"factors of a product must be a list of quoted specifications, got {factors!r}.")
    found = [manifold(f) for f in factors]
    if math.prod(len(f.components) for f in found) > 64:
        raise SpecError("A product may have at most 64 components. Take fewer parts.")
    return product(found)


MANIFOLDS.register(
    "product",
    Entry(
        name="product",
        summary="the product of other manifolds",
        build=_build,
        parameters=(Parameter("factors", 'specifications, such as ["circle","sphere:dim=2,radius=2"]'),),
        examples=('product:factors=["ellipse:a=2,b=1","sphere:dim=2,radius=1"]',),
    ),
)
