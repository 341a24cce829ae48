"""GatePolicy: which verdicts stop a release, which are excused for a while, and the exit code that says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from aeverify.core.verdict import Outcome, Reason, Verdict
from aeverify.errors import UsageError


class ExitCode(IntEnum):
    """Exit codes of the command line; 130 is the shell's own code for an interrupt (128 + SIGINT)."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    INTERNAL = 3
    UNDECIDED = 4
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Ignore:
    """A verdict that may not be PASS until a date, and why. It is shown as ignored, never as PASS.

    Attributes:
        claim: id of the claim.
        reason: why; an ignore without a reason is refused.
        until: last day on which it holds, ISO 8601 ("2027-01-31").
        subject: name of the model; None means every model of the run.
        expired: whether that day had passed when the run began: then the verdict counts again.

    Raises:
        UsageError: no reason.
    """

    claim: str
    reason: str
    until: str
    subject: str | None = None
    expired: bool = False

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise UsageError(f"The ignore of {self.claim!r} has no reason: say why, in words a reviewer can judge.")

    def covers(self, verdict: Verdict) -> bool:
        """Whether it is about this verdict (expired or not); a PASS needs no excuse."""
        about = verdict.claim.id == self.claim and self.subject in (None, verdict.subject)
        return about and verdict.outcome is not Outcome.PASS

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "claim": self.claim,
            "reason": self.reason,
            "until": self.until,
            "subject": self.subject,
            "expired": self.expired,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Ignore:
        """The inverse of `to_dict`."""
        return cls(**data)


def _never(verdict: Verdict) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """Which claims gate, and whether an undecided one may pass.

    Attributes:
        gated: ids of the claims that gate; None means every claim. An empty tuple is refused: a gate that looks at
            nothing cannot open.
        allow_inconclusive: INCONCLUSIVE, VACUOUS or unchecked gated claims exit 0 instead of 4.
        fail_on: outcomes that exit 1 besides FAIL, which always does.
        ignores: verdicts that are excused until a date.

    Raises:
        UsageError: `gated` is empty, PASS among `fail_on`, or an outcome that is both failed on and allowed.
    """

    gated: tuple[str, ...] | None = None
    allow_inconclusive: bool = False
    fail_on: tuple[Outcome, ...] = ()
    ignores: tuple[Ignore, ...] = ()

    def __post_init__(self) -> None:
        if self.gated is not None and not self.gated:
            raise UsageError("A gate policy with no gated claim is invalid: name at least one claim, or leave it out.")
        if Outcome.PASS in self.fail_on:
            raise UsageError("A gate cannot fail on PASS: name other outcomes.")
        if self.allow_inconclusive and {Outcome.INCONCLUSIVE, Outcome.VACUOUS} & set(self.fail_on):
            raise UsageError("A gate cannot both fail on undecided claims and allow them: choose one of the two.")

    def select(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """The verdicts that gate, ignored ones among them."""
        return [v for v in verdicts if self.gated is None or v.claim.id in self.gated]

    def ignore_of(self, verdict: Verdict) -> Ignore | None:
        """The ignore that excuses this verdict now; None where it counts."""
        return next((i for i in self.ignores if not i.expired and i.covers(verdict)), None)

    def expired_ignore_of(self, verdict: Verdict) -> Ignore | None:
        """The ignore that excused this verdict once; None where there was none, or another one holds."""
        if self.ignore_of(verdict) is not None:
            return None
        return next((i for i in self.ignores if i.expired and i.covers(verdict)), None)

    def exit_code(self, verdicts: Sequence[Verdict], excused: Callable[[Verdict], bool] = _never) -> ExitCode:
        """0: every gated claim is PASS or excused. 1: some gated claim is FAIL, or of an outcome of `fail_on`. 3: none
        failed and some gated claim is ERROR. 4: nothing failed, but a gated claim is INCONCLUSIVE, VACUOUS or was not
        run (`allow_inconclusive` turns that into 0), or nothing was checked at all: no verdict that gates, none that
        was reached before the budget ended, or none that is not ignored.

        Args:
            verdicts: of the run.
            excused: further verdicts that do not stop the release (those that a baseline has as they are).
        """
        gating = self.select(verdicts)
        chosen = [v for v in gating if self.ignore_of(v) is None]
        outcomes = {v.outcome for v in chosen if not excused(v)}
        if outcomes & {Outcome.FAIL, *self.fail_on}:
            return ExitCode.FAILED
        if Outcome.ERROR in outcomes:
            return ExitCode.INTERNAL
        if all(v.reason is Reason.NOT_RUN for v in chosen):
            return ExitCode.UNDECIDED
        missing = set(self.gated or ()) - {v.claim.id for v in gating}
        undecided = bool(missing) or not outcomes <= {Outcome.PASS}
        return ExitCode.UNDECIDED if undecided and not self.allow_inconclusive else ExitCode.PASSED

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "gated": list(self.gated) if self.gated is not None else None,
            "allow_inconclusive": self.allow_inconclusive,
            "fail_on": [str(o) for o in self.fail_on],
            "ignores": [i.to_dict() for i in self.ignores],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GatePolicy:
        """The inverse of `to_dict`."""
        gated = data["gated"]
        return cls(
            gated=tuple(gated) if gated is not None else None,
            allow_inconclusive=data["allow_inconclusive"],
            fail_on=tuple(Outcome(o) for o in data["fail_on"]),
            ignores=tuple(Ignore.from_dict(i) for i in data["ignores"]),
        )
