"""Comparison: what became of each verdict since an earlier report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Change(StrEnum):
    """How a verdict stands to its counterpart in the earlier report."""

    SAME = "same"
    BETTER = "better"
    WORSE = "worse"
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Compared:
    """One verdict beside its counterpart.

    Attributes:
        claim, subject: which verdict.
        change: how it stands; NEW has no counterpart in the earlier report, GONE none in the later one.
        before, after: outcomes, "" where there is none.
        text: what changed, in words and numbers.
    """

    claim: str
    subject: str
    change: Change
    before: str
    after: str
    text: str

    def to_dict(self) -> dict[str, str]:
        """JSON form."""
        return {
            "claim": self.claim,
            "subject": self.subject,
            "change": str(self.change),
            "before": self.before,
            "after": self.after,
            "text": self.text,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Compared:
        """The inverse of `to_dict`."""
        return cls(**{**data, "change": Change(data["change"])})


@dataclass(frozen=True, slots=True)
class Comparison:
    """All verdicts of a report beside those of an earlier one.

    Attributes:
        source: name of the earlier report.
        noise: relative change of a quantity, beyond both enclosures, that counts as none.
        verdicts: one for each verdict of the later report, in its order.
        gone: verdicts that only the earlier report has.
    """

    source: str
    noise: float
    verdicts: tuple[Compared, ...]
    gone: tuple[Compared, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many verdicts changed in each way; every way is a key."""
        found = [c.change for c in (*self.verdicts, *self.gone)]
        return {str(change): found.count(change) for change in Change}

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "source": self.source,
            "noise": self.noise,
            "verdicts": [c.to_dict() for c in self.verdicts],
            "gone": [c.to_dict() for c in self.gone],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Comparison:
        """The inverse of `to_dict`."""
        return cls(
            data["source"],
            float(data["noise"]),
            tuple(Compared.from_dict(c) for c in data["verdicts"]),
            tuple(Compared.from_dict(c) for c in data["gone"]),
        )
