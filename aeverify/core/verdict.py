"""Verdict: what the evidence says of a claim. `decide` is the only place where a number meets a threshold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aeverify.core.claim import Claim, Premise, Relation
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.witness import Witness
from aeverify.errors import InvariantError


class Outcome(StrEnum):
    """PASS and FAIL need evidence on their side; INCONCLUSIVE: the evidence straddles the threshold; VACUOUS: a
    premise is unmet or nothing was checked; ERROR: we or the subject crashed."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    VACUOUS = "VACUOUS"
    ERROR = "ERROR"


class Reason(StrEnum):
    """Why a verdict came out as it did; the value is advice to the reader."""

    SATISFIED = "The whole enclosure satisfies the claim."
    VIOLATED = "The whole enclosure violates the claim: look at the witness and replay it."
    STRADDLES = "The enclosure contains the threshold: raise the sample size or the effort, or move the threshold."
    PREMISE_UNMET = "A premise does not hold, so the claim says nothing here: see the premises."
    PREMISE_UNDECIDED = "A premise could not be decided: give more effort or a model whose graph is known."
    NOT_CONTINUOUS = (
        "The model is not a continuous function, so theorems about continuous autoencoders say nothing about it: "
        "replace the operation that jumps (atan2, argmax, rounding, batch norm in train mode, dropout)."
    )
    NO_OBSTRUCTION = (
        "No lower bound above zero is known for this set and latent dimension: nothing obstructs the model."
    )
    NON_FINITE_OUTPUT = "The model returned NaN or infinity on K: mend the model; nothing was decided from it."
    CRASHED = "The check or the model raised an error: see the message; the claim was not decided."
    CONTRADICTION = (
        "Two enclosures of one number have nothing in common: a declared bound is false, or this is a bug of aeverify."
    )
    DIVERGED = "Training diverged (loss became NaN or infinite): lower the learning rate or use another seed."
    NOT_CONVERGED = "No restart converged: train longer, use more restarts or a wider network."
    EXISTENTIAL = (
        "The claim is that some model exists; these do not show it, and that refutes nothing: train more, or longer."
    )
    NOTHING_CHECKED = "Nothing was checked, and nothing is not a pass: name at least one claim and one model."
    INTERRUPTED = "The run was stopped before this was decided: run it again with a larger budget."
    NOT_RUN = "NOT RUN: the time or memory that the run was given ended before this was decided: give it more."


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one claim on one subject.

    Attributes:
        claim: the claim.
        subject: name of the model (or of the group of restarts).
        manifold: spec of K.
        outcome, reason: what came out and why.
        rigor: that of the weakest evidence which the outcome needed; None where nothing was decided.
        evidence: the deciding evidence; None where there is none (then the outcome is never PASS).
        threshold: what the evidence was compared with; an Interval since a threshold may itself be a bound.
        supporting: further evidence (each component, the width bound).
        premises: each with its own finding.
        witness: points to re-evaluate; a FAIL decided by the model's values has one.
        replay: one command (or one Python call for a model that lives in memory only) that re-evaluates the witness.
        message: further words for the reader ("restart 2 did not converge").
    """

    claim: Claim
    subject: str
    manifold: str
    outcome: Outcome
    reason: Reason
    rigor: Rigor | None = None
    evidence: Evidence | None = None
    threshold: Interval | None = None
    supporting: tuple[Evidence, ...] = ()
    premises: tuple[Premise, ...] = ()
    witness: Witness | None = None
    replay: str = ""
    message: str = ""

    def __post_init__(self) -> None:
        if self.outcome in (Outcome.PASS, Outcome.FAIL) and (self.evidence is None or self.rigor is None):
            raise InvariantError(f"{self.claim.id}: {self.outcome} without evidence; nothing is decided by nothing.")
        if self.outcome is Outcome.PASS and any(p.holds is not True for p in self.premises):
            raise InvariantError(f"{self.claim.id}: PASS although a premise was not shown to hold.")

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "claim": self.claim.to_dict(),
            "subject": self.subject,
            "manifold": self.manifold,
            "outcome": str(self.outcome),
            "reason": {"code": self.reason.name, "advice": str(self.reason)},
            "rigor": str(self.rigor) if self.rigor else None,
            "evidence": self.evidence.to_dict() if self.evidence else None,
            "threshold": self.threshold.to_dict() if self.threshold else None,
            "supporting": [e.to_dict() for e in self.supporting],
            "premises": [p.to_dict() for p in self.premises],
            "witness": self.witness.to_dict() if self.witness else None,
            "replay": self.replay,
            "message": self.message,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Verdict:
        """The inverse of `to_dict`."""
        return cls(
            claim=Claim.from_dict(data["claim"]),
            subject=data["subject"],
            manifold=data["manifold"],
            outcome=Outcome(data["outcome"]),
            reason=Reason[data["reason"]["code"]],
            rigor=Rigor(data["rigor"]) if data["rigor"] else None,
            evidence=Evidence.from_dict(data["evidence"]) if data["evidence"] else None,
            threshold=Interval.from_dict(data["threshold"]) if data["threshold"] else None,
            supporting=tuple(Evidence.from_dict(e) for e in data["supporting"]),
            premises=tuple(Premise.from_dict(p) for p in data["premises"]),
            witness=Witness.from_dict(data["witness"]) if data["witness"] else None,
            replay=data["replay"],
            message=data["message"],
        )


def decide(relation: Relation, quantity: Interval, threshold: Interval) -> Outcome:
    """PASS if every value of `quantity` satisfies the relation to every value of `threshold`, FAIL if every value
    violates it against every value of `threshold`, INCONCLUSIVE otherwise.

    A threshold that is itself a bound (a width known only from below) is passed as the Interval of what may be
    asserted: the caller that claims "sup e >= every proved lower bound" passes the bound as one point.
    """
    q, t = quantity, threshold
    satisfied, violated = {
        Relation.AT_LEAST: (q.lower >= t.upper, q.upper < t.lower),
        Relation.AT_MOST: (q.upper <= t.lower, q.lower > t.upper),
        Relation.GREATER: (q.lower > t.upper, q.upper <= t.lower),
        Relation.LESS: (q.upper < t.lower, q.lower >= t.upper),
        Relation.EQUAL: (q.is_exact and t.is_exact and q.lower == t.lower, not q.intersects(t)),
    }[relation]
    if satisfied:
        return Outcome.PASS
    return Outcome.FAIL if violated else Outcome.INCONCLUSIVE


def reason_of(outcome: Outcome) -> Reason:
    """The Reason that goes with an outcome of `decide`."""
    return {
        Outcome.PASS: Reason.SATISFIED,
        Outcome.FAIL: Reason.VIOLATED,
        Outcome.INCONCLUSIVE: Reason.STRADDLES,
        Outcome.VACUOUS: Reason.PREMISE_UNMET,
        Outcome.ERROR: Reason.CRASHED,
    }[outcome]


_WORST_FIRST = (Outcome.FAIL, Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.VACUOUS, Outcome.PASS)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of a conjunction: FAIL before ERROR before INCONCLUSIVE before VACUOUS before PASS.

    An empty conjunction is VACUOUS: nothing was checked.
    """
    present = set(outcomes)
    return next((o for o in _WORST_FIRST if o in present), Outcome.VACUOUS)
