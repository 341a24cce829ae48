"""The points at which scores are at their worst: what a mean hides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from aeverify.core.interval import encode_number
from aeverify.manifolds.base import Manifold, Sample
from aeverify.measure.evaluation import place_of
from aeverify.measure.latent_quality.distances import FloatArray, IndexArray
from aeverify.measure.latent_quality.ranks import LocalRanks
from aeverify.measure.latent_quality.scores import SCORES


@final
@dataclass(frozen=True)
class WorstPoint:
    """A point at which a score is at its worst.

    Attributes:
        score: which score.
        value: the point's own value.
        row: row of the sample or of the data.
        partner: row of the neighbour that makes it so; None for condition numbers.
        point, code: coordinates.
        component, parameters: where the point lies on K; None and () for data.
    """

    score: str
    value: float
    row: int
    partner: int | None
    point: tuple[float, ...]
    code: tuple[float, ...]
    component: int | None = None
    parameters: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "score": self.score,
            "value": encode_number(self.value),
            "row": self.row,
            "partner": self.partner,
            "point": list(self.point),
            "code": list(self.code),
            "component": self.component,
            "parameters": list(self.parameters),
        }


@final
@dataclass(frozen=True, eq=False)
class Rows:
    """Where the rows of a sample come from: points (n, d), codes (n, m), and K with its sample where there is one."""

    points: FloatArray
    codes: FloatArray
    sample: Sample | None = None
    manifold: Manifold | None = None

    def worst(self, score: str, values: FloatArray, count: int, partners: IndexArray | None = None) -> list[WorstPoint]:
        """The rows with the worst values, worst first; of equal ones the first, so that the same data give the same."""
        signed = values if SCORES[score].better == "higher" else -values
        return [
            self._point(score, float(values[i]), int(i), None if partners is None else int(partners[i]))
            for i in np.argsort(signed, kind="stable")[:count]
        ]

    def worst_neighbours(self, ranks: LocalRanks, count: int) -> tuple[WorstPoint, ...]:
        """The worst points of each rank score."""
        found: list[WorstPoint] = []
        for name, values in ranks.values.items():
            found += self.worst(name, values, count, ranks.partner_of(name))
        return tuple(found)

    def _point(self, score: str, value: float, row: int, partner: int | None) -> WorstPoint:
        component: int | None = None
        parameters: tuple[float, ...] = ()
        if self.sample is not None and self.manifold is not None:
            component, parameters = place_of(self.manifold, self.sample, row)
        point, code = tuple(map(float, self.points[row])), tuple(map(float, self.codes[row]))
        return WorstPoint(score, value, row, partner, point, code, component, parameters)
