"""ConnectedManifold: a manifold with one component, given by one chart."""

from __future__ import annotations

from typing import final

import numpy as np

from aeverify.core.seeds import Seed
from aeverify.core.spec import Spec
from aeverify.manifolds.base import FamilyMember, Sample
from aeverify.manifolds.chart import Chart, FloatArray
from aeverify.manifolds.sampling import draw_parameters, regular_grid, sample_connected


class ConnectedManifold(FamilyMember):
    """A connected compact set with one chart, injective off a null set and onto.

    A family passes its spec and chart to `__init__` and implements `_find_truth`, which is called once, when the truth
    is first asked for. Sampling and grids come from the chart.
    """

    def __init__(self, spec: Spec, ambient_dim: int, chart: Chart) -> None:
        super().__init__(spec, ambient_dim)
        self._chart = chart

    @final
    @property
    def chart(self) -> Chart:
        """The chart."""
        return self._chart

    def transport(self, unit: FloatArray) -> FloatArray | None:
        """Chart parameters (N, dim) of points of the unit cube (N, dim), by a map that takes the uniform law on the
        cube to the intrinsic measure (normalised) and neighbours to neighbours; None where the family has no such map
        in closed form."""
        return None

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """n independent chart parameters (n, dim) whose points are uniform in the intrinsic measure: of uniform points
        of the cube where there is a `transport`, else by `sampling.draw_parameters`."""
        if self.transport(np.empty((0, self.chart.dim))) is None:
            return draw_parameters(self.chart, n, rng)
        found = self.transport(rng.random((n, self.chart.dim)))
        assert found is not None
        return found

    @final
    def sample(self, n: int, seed: Seed | int, *, method: str = "uniform") -> Sample:
        """Random points of the intrinsic measure; see `sampling.sample_connected`."""
        return sample_connected(self, n, seed, method)

    @final
    def grid(self, n: int) -> Sample:
        """A deterministic grid of about n points with a proved covering radius; see `sampling.regular_grid`."""
        return regular_grid(self, n)
