"""ManifoldOfParts: a manifold of several components, each with a chart of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from aeverify.core.seeds import Seed
from aeverify.core.spec import Spec
from aeverify.errors import UsageError
from aeverify.manifolds.base import FamilyMember, Manifold, Sample
from aeverify.manifolds.chart import Chart
from aeverify.manifolds.sampling import grid_of_parts, sample_parts


class ManifoldOfParts(FamilyMember):
    """A compact set made of parts with one chart each: disjoint ones, or the pieces of a connected set that needs
    several charts, which overlap in a null set.

    A family passes its spec and parts to `__init__` and implements `_find_truth`, which is called once, when the truth
    is first asked for. Sampling and grids come from the parts.
    """

    def __init__(self, spec: Spec, parts: Sequence[Manifold]) -> None:
        self._parts = tuple(parts)
        super().__init__(spec, self._parts[0].ambient_dim)

    @final
    @property
    def components(self) -> tuple[Manifold, ...]:
        """The parts."""
        return self._parts

    @property
    def chart(self) -> Chart:
        """The set needs several charts.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"{self} has {len(self._parts)} charts: ask each of its components for one.")

    @final
    def sample(self, n: int, seed: Seed | int, *, method: str = "uniform") -> Sample:
        """Random points of the intrinsic measure, the part by its measure, then a point of it; see
        `sampling.sample_parts`."""
        return sample_parts(self, n, seed, method)

    @final
    def grid(self, n: int) -> Sample:
        """A deterministic grid of about n points with a proved covering radius; see `sampling.grid_of_parts`."""
        return grid_of_parts(self, n)
