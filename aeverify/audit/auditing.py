"""Auditing: the rows of ledgers in, a report out. What was decided is kept, so that a killed audit goes on."""

from __future__ import annotations

import hashlib
import json
import shlex
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import aeverify
from aeverify.audit.findings import AuditReason, Finding
from aeverify.audit.kept import write_whole
from aeverify.audit.ledger import Budget, Ledger, Row, Source
from aeverify.core.events import Listener, StageFinished, StageStarted, silent
from aeverify.core.policy import ExitCode
from aeverify.core.seeds import Seed
from aeverify.core.verdict import Outcome
from aeverify.errors import AeverifyError, Interrupted, InvariantError, UsageError

Stage = Literal["possible", "reproduce", "check", "none"]
Status = Literal["held", "failed", "undecided", "crashed"]


@dataclass(frozen=True)
class AuditedRow:
    """One row with what became of it.

    Attributes:
        ledger: name of its ledger.
        row, source: as the ledger has them.
        finding: outcome, reason, evidence.
        stage: which stage ended it: possible (theory alone), reproduce (trained or evaluated), check (a row check),
            none (not checkable).
        expected: code of the reason that the ledger expects of this budget; None where it expects none.
        seconds: that it took, without the time of a result that was kept.
        kept: it was decided by an earlier run.
        again: the command that decides this row alone, with the same share of the error probability.
    """

    ledger: str
    row: Row
    source: Source
    finding: Finding
    stage: Stage
    expected: str | None
    seconds: float
    kept: bool = False
    again: str = ""

    @property
    def status(self) -> Status:
        """What the gate makes of it. A row with an expected reason: held where that came out, else failed. Without:
        held for PASS, failed for FAIL, else undecided. A row that crashed never holds."""
        if self.finding.outcome is Outcome.ERROR:
            return "crashed"
        if self.expected is not None:
            return "held" if self.finding.reason.code == self.expected else "failed"
        return {Outcome.PASS: "held", Outcome.FAIL: "failed"}.get(self.finding.outcome, "undecided")  # type: ignore[return-value]

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "ledger": self.ledger,
            "id": self.row.id,
            "source": {"name": self.row.source, **self.source.model_dump(mode="json")},
            "place": self.row.place,
            "quotation": self.row.quotation,
            "claim": self.row.claim,
            "statement": None if self.row.statement is None else str(self.row.statement),
            "premises": self.row.premises.model_dump(mode="json"),
            "derivation": self.row.derivation,
            "stage": self.stage,
            "expected": self.expected,
            "status": self.status,
            "seconds": round(self.seconds, 6),
            "kept": self.kept,
            "again": self.again,
            **self.finding.to_dict(),
        }


@dataclass(frozen=True)
class Audit:
    """The report of an audit.

    Attributes:
        rows: in the order of the ledgers.
        titles: of the ledgers, by name.
        budget, seed, alpha: of the run; alpha is the error probability of all statistical statements together.
        interrupted: id of the row during which it was stopped; "" where it came to its end.
        left: ids of the rows that were not reached.
        seconds: of the whole run.
    """

    rows: tuple[AuditedRow, ...]
    titles: Mapping[str, str]
    budget: Budget
    seed: int
    alpha: float
    seconds: float
    interrupted: str = ""
    left: tuple[str, ...] = ()

    @property
    def outcomes(self) -> dict[str, int]:
        """How many rows have each outcome, all five of them named."""
        found = Counter(str(r.finding.outcome) for r in self.rows)
        return {str(o): found[str(o)] for o in Outcome}

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows have each audit reason, those that occur."""
        found = Counter(r.finding.reason.code for r in self.rows)
        return {r.code: found[r.code] for r in AuditReason if found[r.code]}

    @property
    def exit_code(self) -> ExitCode:
        """1: some row failed (an unexpected reason, or FAIL where none was expected). 3: none failed and some row
        crashed. 4: nothing failed, but a row without an expectation is INCONCLUSIVE or VACUOUS, or a row was not
        reached. 0: every row held."""
        statuses = {r.status for r in self.rows}
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if "failed" in statuses:
            return ExitCode.FAILED
        if "crashed" in statuses:
            return ExitCode.INTERNAL
        return ExitCode.UNDECIDED if "undecided" in statuses or self.left or not self.rows else ExitCode.PASSED

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "schema": "aeverify-audit/1",
            "version": aeverify.__version__,
            "ledgers": dict(self.titles),
            "budget": self.budget,
            "seed": self.seed,
            "alpha": self.alpha,
            "seconds": round(self.seconds, 3),
            "outcomes": self.outcomes,
            "reasons": self.reasons,
            "statuses": dict(Counter(r.status for r in self.rows)),
            "exit_code": int(self.exit_code),
            "interrupted": self.interrupted,
            "left": list(self.left),
            "rows": [r.to_dict() for r in self.rows],
        }


def audit(
    ledgers: Sequence[Ledger],
    *,
    budget: Budget = "quick",
    seed: int = 0,
    alpha: float = 0.05,
    folder: Path | None = None,
    only: Sequence[str] = (),
    listener: Listener = silent,
    reached: Callable[[AuditedRow], None] | None = None,
) -> Audit:
    """Decide every row of the ledgers.

    The error budget `alpha` of the run is split once over all rows of all ledgers, whatever `only` selects: half of it
    equally over the rows that are reproduced, half equally over the others, so that a row comes out the same alone.

    Args:
        ledgers: what `load_ledger` gave.
        budget: "quick", or "full" for what the sources trained.
        seed: root of all random streams.
        alpha: error probability of all statistical statements together.
        folder: keeps each result and each trained model as soon as there is one; a run with the same rows, budget,
            seed, alpha and version of aeverify takes them up. None keeps nothing.
        only: ids of rows; all by default.
        listener: hears StageStarted and StageFinished of each row, and the events of trainings.
        reached: is given each row as soon as it is decided.

    Returns:
        The report. An interrupt (Ctrl-C) ends the run, and the report holds what was decided.

    Raises:
        UsageError: no ledger, two ledgers or rows of one name, an unknown id, alpha out of range.
    """
    clock = time.perf_counter()
    rows = [(ledger, row) for ledger in ledgers for row in ledger.rows]
    _require_usable(ledgers, rows, only, alpha)
    reproduced = sum(_is_reproduced(row) for _, row in rows)
    shares = {True: alpha / 2 / max(1, reproduced), False: alpha / 2 / max(1, len(rows) - reproduced)}
    done: list[AuditedRow] = []
    chosen = [(ledger, row) for ledger, row in rows if not only or row.id in only]
    interrupted = ""
    command = _command(ledgers, budget, seed, alpha)
    for ledger, row in chosen:
        listener(StageStarted(f"row {row.id}"))
        try:
            audited = _audited(ledger, row, budget, Seed(seed), shares[_is_reproduced(row)], folder, listener)
        except KeyboardInterrupt:
            interrupted = row.id
            break
        audited = replace(audited, again=f"{command} --row {shlex.quote(row.id)}")
        done.append(audited)
        note = f"{audited.finding.outcome} ({audited.finding.reason.code}){', kept' if audited.kept else ''}"
        listener(StageFinished(f"row {row.id}", audited.seconds, note))
        if reached is not None:
            reached(audited)
    return Audit(
        rows=tuple(done),
        titles={ledger.name: ledger.title for ledger in ledgers},
        budget=budget,
        seed=seed,
        alpha=alpha,
        seconds=time.perf_counter() - clock,
        interrupted=interrupted,
        left=tuple(row.id for _, row in chosen[len(done) :]),
    )


def _command(ledgers: Sequence[Ledger], budget: Budget, seed: int, alpha: float) -> str:
    """The command line of a run: all its ledgers, since they share the error probability."""
    files = [(ledger.folder / f"{ledger.name}.toml").as_posix() for ledger in ledgers]
    options = [("--budget", budget, "quick"), ("--seed", seed, 0), ("--alpha", alpha, 0.05)]
    given = [f"{name} {value}" for name, value, default in options if value != default]
    return " ".join(["aeverify audit", shlex.join(files), *given])


def _require_usable(
    ledgers: Sequence[Ledger], rows: Sequence[tuple[Ledger, Row]], only: Sequence[str], alpha: float
) -> None:
    if not ledgers:
        raise UsageError("No ledger was given: nothing audited is not a pass. Name at least one ledger file.")
    if not 0.0 < alpha < 1.0:
        raise UsageError(f"alpha must lie in (0, 1), got {alpha!r}.")
    for what, names in (("ledger", [ledger.name for ledger in ledgers]), ("row", [row.id for _, row in rows])):
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            raise UsageError(f"Two {what}s are called {twice[0]!r}: results are told apart by their names. Rename one.")
    unknown = sorted(set(only) - {row.id for _, row in rows})
    if unknown:
        known = ", ".join(row.id for _, row in rows)
        raise UsageError(f"There is no row {unknown[0]!r} in these ledgers; rows: {known}.")


def _is_reproduced(row: Row) -> bool:
    return row.check is None and row.training is not None


def _audited(
    ledger: Ledger, row: Row, budget: Budget, seed: Seed, alpha: float, folder: Path | None, listener: Listener
) -> AuditedRow:
    key = json.dumps([row.digest(), budget, str(seed), alpha, _code_digest()])
    place = None
    if folder is not None:
        place = folder / "rows" / f"{row.id}-{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
    kept = _read(place)
    if kept is not None:
        finding, stage, seconds = kept
    else:
        clock = time.perf_counter()
        finding, stage = _decide(ledger, row, budget, seed, alpha, folder, listener)
        seconds = time.perf_counter() - clock
        if place is not None and finding.reason is not AuditReason.CRASHED:
            write_whole(place, json.dumps({"finding": finding.to_dict(), "stage": stage, "seconds": seconds}))
    return AuditedRow(
        ledger=ledger.name,
        row=row,
        source=ledger.sources[row.source],
        finding=finding,
        stage=stage,
        expected=row.expectation(budget),
        seconds=seconds,
        kept=kept is not None,
    )


def _read(place: Path | None) -> tuple[Finding, Stage, float] | None:
    """A result that was kept; one that cannot be read is decided again."""
    if place is None or not place.exists():
        return None
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
        return Finding.from_dict(data["finding"]), data["stage"], float(data["seconds"])
    except (AeverifyError, OSError, ValueError, KeyError, TypeError):
        return None


def _decide(
    ledger: Ledger, row: Row, budget: Budget, seed: Seed, alpha: float, folder: Path | None, listener: Listener
) -> tuple[Finding, Stage]:
    """The finding on one row by the first stage that ends it; what goes wrong is a finding, not an exception."""
    if row.not_checkable is not None:
        return Finding(AuditReason.NOT_CHECKABLE, row.not_checkable), "none"
    stage: Stage = "possible"
    try:
        if row.check is None:
            from aeverify.audit.possible import judge

            found = judge(row)
            if found is not None:
                return found, stage
        stage = "check" if row.check else "reproduce"
        from aeverify.audit.context import AuditContext

        context = AuditContext(
            row=row,
            seed=seed,
            budget=budget,
            alpha=alpha,
            folder=None if folder is None else folder / "models",
            fixtures=ledger.folder / "weights",
            listener=listener,
        )
        if row.check is None:
            from aeverify.audit.reproduce import reproduce

            return reproduce(context), stage
        if row.budget == "full" and budget == "quick":
            return context.needs_full(f"row {row.id} asks for the full budget."), stage
        from aeverify.audit.rows import load_rows

        return load_rows()[row.check].check(context), stage
    except Interrupted as error:
        raise KeyboardInterrupt from error
    except Exception as error:  # whatever a check raises is told of its row, and the other rows go on
        ours = isinstance(error, InvariantError) or not isinstance(error, AeverifyError)
        what = f"{'internal error, ' if ours else ''}{type(error).__name__}: {error}"
        if ours and row.parameters:
            what += " (a wrong value in [rows.parameters] of this row can be the reason)"
        return Finding(AuditReason.CRASHED, what), stage


def _code_digest() -> str:
    """Hash of the package's own source: a result is taken up only by the code that found it."""
    global _digest
    if not _digest:
        found = hashlib.sha256()
        home = Path(aeverify.__file__).parent
        for file in sorted(home.rglob("*.py")):
            found.update(str(file.relative_to(home)).encode() + b"\0" + file.read_bytes())
        _digest = found.hexdigest()
    return _digest


_digest = ""
