"""ManifoldOfParts: a manifold of several components, each with a chart of its own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import final

from aeverify.core.seeds import Seed
from aeverify.core.spec import Spec
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold, Sample, Truth
from aeverify.manifolds.chart import Chart
from aeverify.manifolds.sampling import grid_of_parts, sample_parts


class ManifoldOfParts(Manifold):
    """A compact set made of parts with one chart each: disjoint ones, or the pieces of a connected set that needs
    several charts, which overlap in a null set.

    A family passes its spec and parts to `__init__` and implements `_find_truth`, which is called once, when the truth
    is first asked for. Sampling and grids come from the parts.
    """

    def __init__(self, spec: Spec, parts: Sequence[Manifold]) -> None:
        self._spec = spec
        self._parts = tuple(parts)
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
        return self._parts[0].ambient_dim

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
    @property
    def truth(self) -> Truth:
        """What is known of the set."""
        if self._truth is None:
            self._truth = self._find_truth()
        return self._truth

    @final
    def sample(self, n: int, seed: Seed | int, *, method: str = "uniform") -> Sample:
        """Random points of the intrinsic measure, the part by its measure, then a point of it; see
        `sampling.sample_parts`."""
        return sample_parts(self, n, seed, method)

    @final
    def grid(self, n: int) -> Sample:
        """A deterministic grid of about n points with a proved covering radius; see `sampling.grid_of_parts`."""
        return grid_of_parts(self, n)
