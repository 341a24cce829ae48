"""Evidence: a measured quantity, how it is enclosed, and how far that can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aeverify.core.interval import Interval
from aeverify.core.witness import Witness
from aeverify.errors import InvariantError


class Rigor(StrEnum):
    """How far an Interval can be trusted; ordered, weakest first.

    EMPIRICAL: observed in floating point, true of the points that were looked at. STATISTICAL: holds with the stated
    confidence over independent draws. CERTIFIED: a sound enclosure, rounding included. EXACT: a closed form or an
    integer. A verdict is as rigorous as the weakest evidence that it needed.
    """

    EMPIRICAL = "EMPIRICAL"
    STATISTICAL = "STATISTICAL"
    CERTIFIED = "CERTIFIED"
    EXACT = "EXACT"

    @property
    def rank(self) -> int:
        """0 for the weakest to 3 for the strongest."""
        return list(Rigor).index(self)

    def __lt__(self, other: object) -> bool:
        return self.rank < Rigor(str(other)).rank

    def __le__(self, other: object) -> bool:
        return self.rank <= Rigor(str(other)).rank

    def __gt__(self, other: object) -> bool:
        return self.rank > Rigor(str(other)).rank

    def __ge__(self, other: object) -> bool:
        return self.rank >= Rigor(str(other)).rank


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a statement stands: author and year, title, the place in it, and what it says in one sentence."""

    source: str
    place: str = ""
    statement: str = ""

    def __str__(self) -> str:
        return f"{self.source}, {self.place}" if self.place else self.source

    def to_dict(self) -> dict[str, str]:
        """JSON form."""
        return {"source": self.source, "place": self.place, "statement": self.statement}

    @classmethod
    def from_dict(cls, data: Mapping[str, str]) -> Citation:
        """The inverse of `to_dict`."""
        return cls(data["source"], data.get("place", ""), data.get("statement", ""))


@dataclass(frozen=True, slots=True)
class Evidence:
    """One quantity of one subject, enclosed by `interval` with the stated rigor.

    Attributes:
        quantity: what the number is, a snake_case term of the field ("sup_error", "bad_set_measure", "width").
        interval: the enclosure; one-sided knowledge has an infinite end.
        rigor: how far the interval can be trusted (the weaker of its two finite ends).
        method: how it was found, one or two sentences; says which side each end bounds.
        confidence: 1 - alpha of STATISTICAL evidence; None otherwise.
        witness: points that show the finite end by re-evaluation, where there are such points.
        citations: the theorems that the method leans on.
        assumptions: what was taken for granted and not checked ("author declares D continuous").
        details: further figures for the reader (sample sizes, seeds, times); JSON values only, never decisive.
    """

    quantity: str
    interval: Interval
    rigor: Rigor
    method: str
    confidence: float | None = None
    witness: Witness | None = None
    citations: tuple[Citation, ...] = ()
    assumptions: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.rigor is Rigor.STATISTICAL) != (self.confidence is not None):
            raise InvariantError(
                f"Evidence on {self.quantity!r} has rigor {self.rigor} and confidence {self.confidence}: "
                "a confidence belongs to STATISTICAL evidence and to no other."
            )
        if self.confidence is not None and not 0.0 < self.confidence < 1.0:
            raise InvariantError(f"Confidence of {self.quantity!r} must lie in (0, 1), got {self.confidence}.")

    @property
    def lower(self) -> float:
        """Lower end of the interval."""
        return self.interval.lower

    @property
    def upper(self) -> float:
        """Upper end of the interval."""
        return self.interval.upper

    def __str__(self) -> str:
        confidence = f" at {100 * self.confidence:.4g} %" if self.confidence is not None else ""
        return f"{self.quantity} in {self.interval} ({self.rigor}{confidence})"

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "quantity": self.quantity,
            "interval": self.interval.to_dict(),
            "rigor": str(self.rigor),
            "method": self.method,
            "confidence": self.confidence,
            "witness": self.witness.to_dict() if self.witness else None,
            "citations": [c.to_dict() for c in self.citations],
            "assumptions": list(self.assumptions),
            "details": dict(self.details),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Evidence:
        """The inverse of `to_dict`."""
        return cls(
            quantity=data["quantity"],
            interval=Interval.from_dict(data["interval"]),
            rigor=Rigor(data["rigor"]),
            method=data["method"],
            confidence=data["confidence"],
            witness=Witness.from_dict(data["witness"]) if data["witness"] else None,
            citations=tuple(Citation.from_dict(c) for c in data["citations"]),
            assumptions=tuple(data["assumptions"]),
            details=dict(data["details"]),
        )
