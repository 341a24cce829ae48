"""GatePolicy: which verdicts stop a release, and the exit code that says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from aeverify.core.verdict import Outcome, Verdict
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
class GatePolicy:
    """Which claims gate, and whether an undecided one may pass.

    Attributes:
        gated: ids of the claims that gate; None means every claim. An empty tuple is refused: a gate that looks at
            nothing cannot open.
        allow_inconclusive: INCONCLUSIVE, VACUOUS or unchecked gated claims exit 0 instead of 4.

    Raises:
        UsageError: `gated` is empty.
    """

    gated: tuple[str, ...] | None = None
    allow_inconclusive: bool = False

    def __post_init__(self) -> None:
        if self.gated is not None and not self.gated:
            raise UsageError("A gate policy with no gated claim is invalid: name at least one claim, or leave it out.")

    def select(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """The verdicts that gate."""
        return [v for v in verdicts if self.gated is None or v.claim.id in self.gated]

    def exit_code(self, verdicts: Sequence[Verdict]) -> ExitCode:
        """0: every gated claim is PASS. 1: some gated claim is FAIL. 3: none failed and some gated claim is ERROR.
        4: nothing failed, but a gated claim is INCONCLUSIVE, VACUOUS or was not run, or no claim was checked at all
        (`allow_inconclusive` turns the former, not an empty run, into 0)."""
        chosen = self.select(verdicts)
        outcomes = {v.outcome for v in chosen}
        if Outcome.FAIL in outcomes:
            return ExitCode.FAILED
        if Outcome.ERROR in outcomes:
            return ExitCode.INTERNAL
        if not chosen:
            return ExitCode.UNDECIDED
        missing = set(self.gated or ()) - {v.claim.id for v in chosen}
        undecided = bool(missing) or outcomes != {Outcome.PASS}
        return ExitCode.UNDECIDED if undecided and not self.allow_inconclusive else ExitCode.PASSED
