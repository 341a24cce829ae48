"""Transforms: a manifold scaled, moved rigidly, or included in a larger space; each says how every fact changes.

Orthonormal frames are products of Householder reflections x -> x - 2 v (v . x) / (v . v) of stored vectors v, which are
exactly orthogonal whatever the rounding of v; the same formula serves floats and balls. With v_i made of Gaussian
numbers on the coordinates from i on, shifted along e_i by their norm, the frame is uniformly distributed up to signs
(Stewart 1980).

How facts change: under a similarity of factor c lengths (reach, circumradius, diameter, inner radius, weak feature
size) are multiplied by c, the volume by c^dimension, the curvature by 1 / c; all else stays. Under an isometry onto an
affine subspace of R^N nothing changes: the reach is taken in R^N, but a point of R^N and its projection to the
subspace have the same nearest points, and the projection is nearer.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any, final

import numpy as np

from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed
from aeverify.core.spec import Spec
from aeverify.errors import SpecError
from aeverify.manifolds.base import INFINITE, Manifold, Truth, require_one_chart_each
from aeverify.manifolds.chart import FloatArray, Formula, Operations
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.enclosed import power, product, quotient, times
from aeverify.manifolds.entry import MANIFOLDS, Entry, Parameter
from aeverify.manifolds.links import Extents, Union
from aeverify.manifolds.parameters import (
    LARGEST_LENGTH,
    SMALLEST_LENGTH,
    require_ambient_dim,
    require_center,
    require_length,
    rounded_up,
)

HERE = "derived in aeverify.manifolds.transforms"


class Transformed(ConnectedManifold):
    """A connected manifold after a similarity of factor `factor`; subclasses say which.

    Attributes:
        base: the manifold that is transformed.
        factor: by which lengths grow; 1 for isometries.
    """

    def __init__(
        self, base: Manifold, factor: float, spec: Spec, ambient_dim: int, formula: Formula, rounding: float
    ) -> None:
        if not isinstance(base, ConnectedManifold):
            raise SpecError(
                f"{spec.name} takes a connected manifold as its base, got {base}; use the function for unions."
            )
        self.base = base
        self.factor = factor
        chart = dataclasses.replace(
            base.chart,
            formula=formula,
            speed=base.chart.speed if factor == 1 else tuple(rounded_up(factor * s) for s in base.chart.speed),
            rounding=rounding,
        )
        super().__init__(spec, ambient_dim, chart)

    def transport(self, unit: FloatArray) -> FloatArray | None:
        """That of the base."""
        return self.base.transport(unit)

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """That of the base: a similarity keeps the normalised measure."""
        return self.base.draw(n, rng)

    def _center(self) -> tuple[float, ...] | None:
        """The centre of symmetry, where it is a point of float64."""
        center = self.base.truth.symmetry_center
        return (0.0,) * self.ambient_dim if center is not None and not any(center) else None

    def _find_truth(self) -> Truth:
        truth = self.base.truth
        c = self.factor

        def scaled(x: Interval | None) -> Interval | None:
            return x if x is None or x == INFINITE or c == 1 else times(x, c)

        def length(x: Interval) -> Interval:
            found = scaled(x)
            assert found is not None
            return found

        embedding = truth.embedding_dim if truth.embedding_dim is not None else self.base.ambient_dim
        law = {
            "volume": "the volume of the base times factor^dimension",
            "curvature": "the curvature of the base over the factor",
            **dict.fromkeys(
                ("reach", "circumradius", "diameter", "inner_radius", "weak_feature_size"),
                "that of the base times the factor",
            ),
        }
        sources = {
            name: Citation(f"{HERE}; base: {source.source}", source.place, law.get(name, source.statement))
            for name, source in truth.sources.items()
        }
        sources["embedding_dim"] = Citation(HERE, "", "the base is homeomorphic to it, and lies in its own space")
        return dataclasses.replace(
            truth,
            volume=truth.volume if c == 1 else product([truth.volume, power(Interval.exactly(c), truth.dimension)]),
            reach=length(truth.reach),
            circumradius=length(truth.circumradius),
            diameter=length(truth.diameter),
            symmetry_center=self._center(),
            inner_radius=scaled(truth.inner_radius),
            embedding_dim=embedding,
            curvature=None if truth.curvature is None else quotient(truth.curvature, c) if c != 1 else truth.curvature,
            weak_feature_size=scaled(truth.weak_feature_size),
            sources=sources,
        )


@final
class Scaled(Transformed):
    """c K, a connected manifold K scaled about the origin.

    Args:
        base: K.
        factor: c, from 1e-100 to 1e100; the diameter of c K must lie in that range too.

    Raises:
        SpecError: a parameter is out of range, or the base is not connected.
    """

    def __init__(self, base: Manifold, factor: float) -> None:
        c = require_length(factor, "factor of a scaled set")
        size = c * base.truth.diameter.upper
        volume = math.log10(max(base.truth.volume.lower, 1e-300)) + base.truth.dimension * math.log10(c)
        if not SMALLEST_LENGTH <= size <= LARGEST_LENGTH or abs(volume) > 250:
            raise SpecError(f"A set of diameter {size:g} cannot be enclosed in float64; got the factor {factor!r}.")
        spec = Spec("scaled", {"base": str(base), "factor": c})
        super().__init__(base, c, spec, base.ambient_dim, self._formula, base.chart.rounding + 4)

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        return [
            self.factor * ops.real(x) if isinstance(x, float | int) else self.factor * x
            for x in self.base.chart.formula(parameters, ops)
        ]


@final
class Moved(Transformed):
    """Q K + t, a connected manifold K after a rigid motion (orientation kept).

    Args:
        base: K in R^n.
        rotation: "none", or an integer seed from which a uniformly distributed rotation Q is drawn.
        shift: t, n coordinates, or 0; at most 1e6 times as far as the set is large.

    Raises:
        SpecError: a parameter is out of range, or the base is not connected.
    """

    def __init__(self, base: Manifold, rotation: str | int = "none", shift: float | Sequence[float] = 0) -> None:
        n = base.ambient_dim
        self.shift = require_center(shift, n, base.truth.diameter.lower, "shift of a moved set")
        self.rotation = require_rotation(rotation)
        # n - 1 reflections; the sign of the last coordinate makes the determinant 1.
        self._vectors = [] if isinstance(self.rotation, str) else householder_vectors(n, n - 1, self.rotation)
        self._odd = len(self._vectors) % 2 == 1
        parameters: dict[str, Any] = {"base": str(base)}
        if not isinstance(self.rotation, str):
            parameters["rotation"] = self.rotation
        if any(self.shift):
            parameters["shift"] = self.shift
        rounding = base.chart.rounding + 4 + 4.0 * len(self._vectors) * (n + 4)
        super().__init__(base, 1.0, Spec("moved", parameters), n, self._formula, rounding)

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        x = list(self.base.chart.formula(parameters, ops))
        if self._odd:
            x[-1] = -x[-1]
        return [y + t if t else y for y, t in zip(reflected(x, self._vectors, ops), self.shift, strict=True)]

    def _center(self) -> tuple[float, ...] | None:
        return self.shift if super()._center() is not None else None


@final
class Included(Transformed):
    """A connected manifold of R^n in R^N, N >= n, by the linear isometry of a random orthonormal frame.

    Args:
        base: the manifold in R^n.
        ambient_dim: N, from n to 10,000.
        seed: of the frame, which is uniformly distributed.

    Raises:
        SpecError: a parameter is out of range, or the base is not connected.
    """

    def __init__(self, base: Manifold, ambient_dim: int, seed: int = 0) -> None:
        n = require_ambient_dim(ambient_dim, base.ambient_dim, f"an inclusion of {base}")
        root = require_rotation(seed)
        if isinstance(root, str):
            raise SpecError(f"seed of an inclusion must be an integer from 0, got {seed!r}.")
        self.seed = root
        self._vectors = householder_vectors(n, min(base.ambient_dim, n - 1), root)
        spec = Spec("included", {"base": str(base), "ambient_dim": n, "seed": root})
        rounding = base.chart.rounding + 4.0 * len(self._vectors) * (n + 4)
        super().__init__(base, 1.0, spec, n, self._formula, rounding)

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        x = list(self.base.chart.formula(parameters, ops))
        return reflected([*x, *(ops.real(0.0) for _ in range(self.ambient_dim - len(x)))], self._vectors, ops)


def require_rotation(value: Any) -> str | int:
    """ "none" or a seed.

    Raises:
        SpecError: it is neither.
    """
    if value == "none":
        return "none"
    if isinstance(value, bool) or not isinstance(value, Integral) or not 0 <= int(value) < 2**63:
        raise SpecError(f'A rotation is "none" or a seed, an integer from 0 to 2^63 - 1, got {value!r}.')
    return int(value)


def householder_vectors(n: int, count: int, seed: int) -> list[FloatArray]:
    """Vectors of `count` reflections of R^n whose product has uniformly distributed first `count` columns; the i-th
    has its first i coordinates left out."""
    rng = np.random.Generator(np.random.PCG64(Seed(seed).child("frame").value))
    vectors = []
    for i in range(count):
        v = rng.standard_normal(n - i)
        v[0] += math.copysign(float(np.linalg.norm(v)), v[0])
        vectors.append(v / np.abs(v).max())
    return vectors


def reflected(x: list[Any], vectors: Sequence[FloatArray], ops: Operations) -> list[Any]:
    """x after the reflections, the last one first, in the arithmetic of `ops`."""
    y = list(x)
    for i in reversed(range(len(vectors))):
        v = [float(c) for c in vectors[i]]
        square: Any = ops.real(0.0)
        for c in v:
            square = square + ops.real(c) * c
        inner: Any = ops.real(0.0)
        for c, value in zip(v, y[i:], strict=True):
            inner = inner + value * c
        step = inner * (2 / square)
        for j, c in enumerate(v):
            y[i + j] = y[i + j] - step * c
    return y


def _each(base: Manifold, make: Callable[[Manifold], Manifold], spec: Callable[[str], Spec], factor: float) -> Manifold:
    """The transform of a connected manifold, or the union of the transforms of the components."""
    require_one_chart_each(base, "the base of a transform")
    if len(base.components) == 1:
        return make(base)
    assert isinstance(base, Union)
    e = base.extents
    extents = Extents(
        gap=times(e.gap, factor),
        circumradius=times(e.circumradius, factor),
        diameter=times(e.diameter, factor),
        gap_source=Citation(f"{HERE}; base: {e.gap_source.source}", e.gap_source.place, e.gap_source.statement),
        extent_source=Citation(
            f"{HERE}; base: {e.extent_source.source}", e.extent_source.place, e.extent_source.statement
        ),
    )
    return Union([make(part) for part in base.components], spec=spec(str(base)), extents=extents)


def scaled(base: Manifold, factor: float) -> Manifold:
    """`factor` times the set, about the origin; of a union, the union of the scaled components.

    Raises:
        SpecError: see `Scaled`.
    """
    c = require_length(factor, "factor of a scaled set")
    return _each(base, lambda k: Scaled(k, c), lambda name: Spec("scaled", {"base": name, "factor": c}), c)


def moved(base: Manifold, rotation: str | int = "none", shift: float | Sequence[float] = 0) -> Manifold:
    """The set after a rigid motion; of a union, the union of the moved components.

    Raises:
        SpecError: see `Moved`.
    """
    t = require_center(shift, base.ambient_dim, base.truth.diameter.lower, "shift of a moved set")
    q = require_rotation(rotation)

    def spec(name: str) -> Spec:
        parameters: dict[str, Any] = {"base": name}
        if not isinstance(q, str):
            parameters["rotation"] = q
        return Spec("moved", {**parameters, "shift": t} if any(t) else parameters)

    return _each(base, lambda k: Moved(k, q, t), spec, 1.0)


def included(base: Manifold, ambient_dim: int, seed: int = 0) -> Manifold:
    """The set in R^N by a random orthonormal frame; of a union, the union of its components in the same frame.

    Raises:
        SpecError: see `Included`.
    """
    n = require_ambient_dim(ambient_dim, base.ambient_dim, f"an inclusion of {base}")

    def spec(name: str) -> Spec:
        return Spec("included", {"base": name, "ambient_dim": n, "seed": seed})

    return _each(base, lambda k: Included(k, n, seed), spec, 1.0)


def _read(base: Any) -> Manifold:
    from aeverify.manifolds.catalog import manifold

    if not isinstance(base, str):
        raise SpecError(f'base of a transform must be a quoted specification such as "torus:R=2,r=1", got {base!r}.')
    return manifold(base)


_BASE = Parameter("base", 'specification of the set, quoted, such as "torus:R=2,r=1"')

MANIFOLDS.register(
    "scaled",
    Entry(
        name="scaled",
        summary="another manifold, scaled about the origin",
        build=lambda base, factor: scaled(_read(base), factor),
        parameters=(_BASE, Parameter("factor", "by which lengths grow, from 1e-100 to 1e100")),
        examples=('scaled:base="torus:R=2,r=1",factor=3',),
    ),
)
MANIFOLDS.register(
    "moved",
    Entry(
        name="moved",
        summary="another manifold after a rigid motion",
        build=lambda base, rotation="none", shift=0: moved(_read(base), rotation, shift),
        parameters=(
            _BASE,
            Parameter("rotation", "a seed from which a rotation is drawn, or none", "none"),
            Parameter("shift", "translation, a list of n numbers, or 0", "0"),
        ),
        examples=('moved:base="ellipsoid:axes=[3,2,1]",rotation=7,shift=[1,0,-2]',),
    ),
)
MANIFOLDS.register(
    "included",
    Entry(
        name="included",
        summary="another manifold, isometrically in a space of more dimensions",
        build=lambda base, ambient_dim, seed=0: included(_read(base), ambient_dim, seed),
        parameters=(
            _BASE,
            Parameter("ambient_dim", "dimension N of the space, at least that of the base, at most 10000"),
            Parameter("seed", "seed of the orthonormal frame", "0"),
        ),
        examples=('included:base="klein:R=2,r=1",ambient_dim=10,seed=1',),
    ),
)
