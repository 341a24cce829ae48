"""Witness: points that show something by re-evaluation alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aeverify.core.interval import decode_number, encode_number


@dataclass(frozen=True, slots=True)
class WitnessPoint:
    """One point of K with what the model makes of it.

    Attributes:
        component: index of the component of K that the point lies on.
        parameters: chart parameters of the point, exact floating-point numbers; empty for a point of a data set.
        point: coordinates in the ambient space, as computed from the parameters.
        code: E(point).
        reconstruction: D(E(point)).
        error: |D(E(point)) - point| in float64; a lower bound of the worst error up to rounding.
    """

    component: int
    parameters: tuple[float, ...]
    point: tuple[float, ...]
    code: tuple[float, ...]
    reconstruction: tuple[float, ...]
    error: float

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "component": self.component,
            "parameters": [encode_number(v) for v in self.parameters],
            "point": [encode_number(v) for v in self.point],
            "code": [encode_number(v) for v in self.code],
            "reconstruction": [encode_number(v) for v in self.reconstruction],
            "error": encode_number(self.error),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> WitnessPoint:
        """The inverse of `to_dict`."""
        return cls(
            component=int(data["component"]),
            parameters=tuple(decode_number(v) for v in data["parameters"]),
            point=tuple(decode_number(v) for v in data["point"]),
            code=tuple(decode_number(v) for v in data["code"]),
            reconstruction=tuple(decode_number(v) for v in data["reconstruction"]),
            error=decode_number(data["error"]),
        )


@dataclass(frozen=True, slots=True)
class Witness:
    """Points that show a finite end of an enclosure: evaluate the model there and look.

    Attributes:
        kind: "point" (a large error), "collision" (two far points with one code), "slope" (two near points with outputs
            far apart), "jump" (a discontinuity), "order" (a pair in the wrong order), "non_finite" (NaN or infinity
            came out), "width" (a fact about K).
        manifold: spec of K.
        model_hash: fingerprint of the model, "" for a fact about K alone.
        points: the points; codes, reconstructions and errors are empty or 0 for a fact about K alone.
        note: one sentence that says what to see.
    """

    kind: str
    manifold: str
    model_hash: str
    points: tuple[WitnessPoint, ...]
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "kind": self.kind,
            "manifold": self.manifold,
            "model_hash": self.model_hash,
            "points": [p.to_dict() for p in self.points],
            "note": self.note,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Witness:
        """The inverse of `to_dict`."""
        return cls(
            kind=data["kind"],
            manifold=data["manifold"],
            model_hash=data["model_hash"],
            points=tuple(WitnessPoint.from_dict(p) for p in data["points"]),
            note=data["note"],
        )
