"""Manifold: a compact subset of R^n of which the truth is known."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np

from aeverify.core.dimensions import require_positive
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed
from aeverify.core.spec import Spec
from aeverify.errors import SpecError, UsageError
from aeverify.manifolds.chart import Chart, FloatArray

# An Interval has a finite lower end; a quantity that is infinite is at least every number of float64.
INFINITE = Interval.at_least(sys.float_info.max)


@dataclass(frozen=True)
class Truth:
    """What is known of a compact set, each fact exact or enclosed, with its source.

    Attributes:
        dimension: of the set (the largest of its components).
        closed: every component is a compact manifold without boundary.
        components: number of connected components.
        orientable: every component is orientable.
        volume: intrinsic measure (length, area, ...) of the whole set.
        reach: of the whole set in its ambient space (Federer); of a convex set, where it is infinite, `INFINITE`.
        betti: Betti numbers b_0, b_1, ... over each named field ("Q", "Z/2", "Z/3").
        circumradius: of the smallest ball that holds the set.
        diameter: largest distance of two points.
        symmetry_center: the point p with K = 2p - K, where K is known to be centrally symmetric; else None.
        inner_radius: least distance of the set from `symmetry_center`; None where there is no such centre (it is known
            too of a moved set whose centre is no point of float64).
        antipodal_index: an m for which the Borsuk-Ulam theorem holds on the set: every continuous map g to R^m with
            g(2p - x) = -g(x) has a zero (k for a k-sphere, 1 for a connected set); 0 where nothing is known.
        embedding_dim: an m for which the set is homeomorphic to a subset of R^m; None where only the ambient
            dimension is known.
        curvature: largest normal curvature |II(v, v)| of unit tangents v (of a set with boundary: at its inner
            points); None where nothing is known.
        weak_feature_size: least positive critical value of the distance to the set (Chazal and Lieutier); at least
            the reach; None where it is not known.
        sources: for each fact by name, where it is proved. A fact without a source is a defect.
    """

    dimension: int
    closed: bool
    components: int
    orientable: bool
    volume: Interval
    reach: Interval
    betti: Mapping[str, tuple[int, ...]]
    circumradius: Interval
    diameter: Interval
    symmetry_center: tuple[float, ...] | None = None
    inner_radius: Interval | None = None
    antipodal_index: int = 0
    embedding_dim: int | None = None
    curvature: Interval | None = None
    weak_feature_size: Interval | None = None
    sources: Mapping[str, Citation] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Sample:
    """Points of a manifold with where they come from.

    Attributes:
        points: shape (N, ambient_dim), float64.
        parameters: chart parameters, shape (N, d).
        component: index of the component of each point, shape (N,).
        covering_radius: every point of the set is within this distance of a sample point; [0, inf) where unknown.
        method: how it was drawn, in words, with the seed.
    """

    points: FloatArray
    parameters: FloatArray
    component: np.ndarray
    covering_radius: Interval
    method: str

    def __len__(self) -> int:
        return len(self.points)


class Manifold(ABC):
    """A compact subset of R^n given by charts, with known truth.

    A manifold with one chart, injective off a null set and onto, is its own single component; a union has one
    component a part. A connected set that needs several charts has one component a chart: closed pieces that overlap
    in a null set only. Two manifolds with the same spec are the same set.
    """

    @property
    @abstractmethod
    def spec(self) -> Spec:
        """The specification that rebuilds this set; `str(manifold)` is its one-line form."""

    @property
    @abstractmethod
    def ambient_dim(self) -> int:
        """n, the dimension of the space that the set lies in."""

    @property
    @abstractmethod
    def truth(self) -> Truth:
        """What is known of the set."""

    @property
    @abstractmethod
    def chart(self) -> Chart:
        """The chart of a manifold with one.

        Raises:
            UsageError: the set has several; ask each of its `components`.
        """

    @property
    def components(self) -> tuple[Manifold, ...]:
        """The charted parts, in order: the connected components, or, for a set that needs several charts, closed
        pieces that overlap in a null set only. `truth.components` counts connected components."""
        return (self,)

    @property
    def connected_components(self) -> tuple[Manifold, ...]:
        """The connected components, in order: `components`, where these are; else the set itself, if it is connected.

        What holds of disjoint parts alone (Betti numbers add up, a width is the largest of the parts') holds of
        these, not of `components`.
        """
        return self.components

    @abstractmethod
    def sample(self, n: int, seed: Seed | int, *, method: str = "uniform") -> Sample:
        """Random points of the intrinsic measure: n independent ones, or by another of `sampling.METHODS`."""

    @abstractmethod
    def grid(self, n: int) -> Sample:
        """A deterministic grid of about n points (at least one a component) with a proved covering radius."""

    def embed(self, component: int, parameters: FloatArray) -> FloatArray:
        """Points (N, ambient_dim) of chart parameters (N, d) of one component."""
        return self.components[component].chart.embed(parameters)

    def __str__(self) -> str:
        return str(self.spec)

    def __repr__(self) -> str:
        return f"aeverify.manifold({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Manifold) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


class FamilyMember(Manifold):
    """A set of a family, which keeps its spec and its ambient dimension, and its truth once that is found.

    A family implements `_find_truth`, which is called once, when the truth is first asked for.
    """

    def __init__(self, spec: Spec, ambient_dim: int) -> None:
        self._spec = spec
        self._ambient_dim = ambient_dim
        self._truth: Truth | None = None

    @abstractmethod
    def _find_truth(self) -> Truth: ...

    @final
    @property
    def spec(self) -> Spec:
        """The specification that rebuilds this set."""
        return self._spec

    @final
    @property
    def ambient_dim(self) -> int:
        """n, the dimension of the space that the set lies in."""
        return self._ambient_dim

    @final
    @property
    def truth(self) -> Truth:
        """What is known of the set."""
        if self._truth is None:
            self._truth = self._find_truth()
        return self._truth


def require_one_chart_each(manifold: Manifold, what: str) -> None:
    """Refuses a set of which some connected component has several charts.

    Raises:
        SpecError: it has.
    """
    if manifold.connected_components != manifold.components:
        raise SpecError(
            f"{manifold} cannot be {what}: it is connected and has {len(manifold.components)} charts, and {what} needs "
            "one chart for each connected component."
        )


_MOST_POINTS = 10**8


def require_count(n: int, what: str = "sample size") -> int:
    """n, checked to be an integer from 1 to 10^8.

    Raises:
        UsageError: it is not.
    """
    count = require_positive(n, f"The {what}")
    if count > _MOST_POINTS:
        raise UsageError(f"The {what} may be at most {_MOST_POINTS}, got {count}: ask for fewer points.")
    return count
