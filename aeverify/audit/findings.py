"""Finding: what became of one row of a ledger, why, and on which evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aeverify.core.evidence import Citation, Evidence
from aeverify.core.interval import Interval, decode_number, encode_number
from aeverify.core.report import Plot
from aeverify.core.verdict import Outcome
from aeverify.errors import InvariantError, UsageError

Figure = float | int | str | Interval
"""One figure of a row: a number, a word, or what is known of a number."""


class AuditReason(StrEnum):
    """Why a row has its outcome; the value is advice to whoever wants to use the claim."""

    SUPPORTED = "The evidence satisfies the claim as it is printed: it may be used."
    FORCED = "Theory implies the claim for every model, so that it is true and no achievement: cite the theorem."
    IMPOSSIBLE = "No model of the stated class can satisfy the claim: look at the bound, and for an error in the text."
    REFUTED = "A counterexample or the known truth contradicts the claim: look at the evidence."
    NOT_REPRODUCED = "The stated recipe does not give the printed number: ask for the missing part of the recipe."
    LOOSE = "The claim is true only with a premise that the text omits: use it together with the premise that is named."
    UNDECIDED = "The evidence does not decide the claim: give more seeds, more effort or the full budget."
    FULL_BUDGET = "The quick budget does not train what this claim is about: run the audit with --budget full."
    NOT_CHECKABLE = "Nothing in the claim can be computed: see what is missing."
    PREMISE_UNMET = "A premise of the claim does not hold on the stated set, so that it says nothing there."
    WRONG_SIDE = "The printed evidence bounds the claimed quantity from the other side, and supports nothing: bound it."
    CRASHED = "The check raised an error: see the message; nothing was decided."

    @property
    def code(self) -> str:
        """Its name in a ledger, such as "not-reproduced"."""
        return self.name.lower().replace("_", "-")

    @property
    def outcome(self) -> Outcome:
        """The outcome that goes with it."""
        return _OUTCOMES[self]

    @classmethod
    def of_code(cls, code: str) -> AuditReason:
        """The reason of that name.

        Raises:
            UsageError: there is none.
        """
        for reason in cls:
            if reason.code == code:
                return reason
        raise UsageError(f"There is no audit reason {code!r}; known: {', '.join(r.code for r in cls)}.")


_OUTCOMES = {
    AuditReason.SUPPORTED: Outcome.PASS,
    AuditReason.FORCED: Outcome.PASS,
    AuditReason.IMPOSSIBLE: Outcome.FAIL,
    AuditReason.REFUTED: Outcome.FAIL,
    AuditReason.NOT_REPRODUCED: Outcome.FAIL,
    AuditReason.LOOSE: Outcome.INCONCLUSIVE,
    AuditReason.UNDECIDED: Outcome.INCONCLUSIVE,
    AuditReason.FULL_BUDGET: Outcome.INCONCLUSIVE,
    AuditReason.NOT_CHECKABLE: Outcome.VACUOUS,
    AuditReason.PREMISE_UNMET: Outcome.VACUOUS,
    AuditReason.WRONG_SIDE: Outcome.VACUOUS,
    AuditReason.CRASHED: Outcome.ERROR,
}


@dataclass(frozen=True)
class Finding:
    """What became of one row.

    Attributes:
        reason: why; it brings the outcome with it.
        text: what was found, in one or a few sentences, with the numbers that decide.
        evidence: what it was decided on, the deciding one first; PASS, FAIL and LOOSE have some.
        figures: numbers and words for the table of the page, by name.
        plots: figures to draw; ids are made unique by the page.
        citations: theorems that the finding leans on, beyond those of the evidence.
        proof: why the theory excludes or forces the claim, in short; "" where it does not.
        premise: of a LOOSE claim, the premise that its text omits.
        commands: command lines that show the same again, for instance `aeverify width circle --latent-dim 1`.

    Raises:
        InvariantError: an outcome without evidence, a loose claim without its premise, or no text.
    """

    reason: AuditReason
    text: str
    evidence: tuple[Evidence, ...] = ()
    figures: Mapping[str, Figure] = field(default_factory=dict)
    plots: tuple[Plot, ...] = ()
    citations: tuple[Citation, ...] = ()
    proof: str = ""
    premise: str = ""
    commands: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        decided = self.outcome in (Outcome.PASS, Outcome.FAIL) or self.reason is AuditReason.LOOSE
        if decided and not self.evidence:
            raise InvariantError(f"A row came out {self.reason.code} without evidence: nothing is decided by nothing.")
        if (self.reason is AuditReason.LOOSE) != bool(self.premise):
            raise InvariantError("A loose claim, and no other, names the premise that its text omits.")
        if not self.text.strip():
            raise InvariantError(f"A row came out {self.reason.code} without a word on what was found.")
        for name, value in self.figures.items():
            if isinstance(value, bool) or not isinstance(value, float | int | str | Interval):
                raise InvariantError(f"Figure {name!r} must be a number, a word or an Interval, got {value!r}.")

    @property
    def outcome(self) -> Outcome:
        """PASS, FAIL, INCONCLUSIVE, VACUOUS or ERROR."""
        return self.reason.outcome

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "outcome": str(self.outcome),
            "reason": {"code": self.reason.code, "advice": str(self.reason)},
            "text": self.text,
            "evidence": [e.to_dict() for e in self.evidence],
            "figures": {name: _encoded(value) for name, value in self.figures.items()},
            "plots": [p.to_dict() for p in self.plots],
            "citations": [c.to_dict() for c in self.citations],
            "proof": self.proof,
            "premise": self.premise,
            "commands": list(self.commands),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Finding:
        """The inverse of `to_dict`."""
        return cls(
            reason=AuditReason.of_code(data["reason"]["code"]),
            text=data["text"],
            evidence=tuple(Evidence.from_dict(e) for e in data["evidence"]),
            figures={name: _decoded(value) for name, value in data["figures"].items()},
            plots=tuple(Plot.from_dict(p) for p in data["plots"]),
            citations=tuple(Citation.from_dict(c) for c in data["citations"]),
            proof=data["proof"],
            premise=data["premise"],
            commands=tuple(data["commands"]),
        )


def lies(interval: Interval) -> str:
    """ "is 0" for a number that is known, "is in [1, 2]" for one that is enclosed."""
    return f"is {interval}" if interval.is_exact else f"is in {interval}"


def _encoded(value: Figure) -> Any:
    if isinstance(value, Interval):
        return value.to_dict()
    if isinstance(value, str):
        return {"text": value}
    return value if isinstance(value, int) else encode_number(value)


def _decoded(value: Any) -> Figure:
    if isinstance(value, Mapping):
        return str(value["text"]) if "text" in value else Interval.from_dict(value)
    return value if isinstance(value, int) else decode_number(value)
