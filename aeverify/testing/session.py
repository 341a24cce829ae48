"""What the pytest plugin collects over a session: verdicts with their tests, witness files, one report, a few lines.

It knows no test library: the plugin hands over names of tests, exceptions and outcomes. Importing it loads no torch.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, final

from aeverify import __version__
from aeverify.core import GatePolicy, Ignore, Outcome, Provenance, Report, Verdict
from aeverify.errors import AeverifyError
from aeverify.testing.claims import Checked
from aeverify.testing.settings import active
from aeverify.testing.witnesses import save_witness

_SHOWN_TESTS = 10
_FOREVER = "9999-12-31"


@final
class Session:
    """Verdicts of a test session.

    Args:
        seed: root seed of the session.
        command: how it was started.
        here: the folder in which it was started; paths are shown as seen from there.
        folder: of the report, or None.
    """

    def __init__(self, seed: int, command: str, here: Path, folder: Path | None) -> None:
        self._seed, self._command, self._here, self._folder = seed, command, here, folder
        self._began, self._started = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
        self._checked: dict[str, list[dict[str, Any]]] = {}
        self._broken: dict[str, str] = {}
        self._crashed = ""
        self._written = ""

    def keep(
        self, nodeid: str, error: BaseException | None, found: Sequence[Checked], witnesses: Path | None
    ) -> list[dict[str, Any]]:
        """What one test checked, in JSON form. Where the test failed, its exception gets notes: the seed of the test,
        and the witness file of each verdict that is not PASS.

        Args:
            nodeid: name of the test.
            error: what the test failed with, or None.
            found: what it checked.
            witnesses: folder of the witness files, or None where there is none.
        """
        settings = active()
        if error is not None and settings is not None:
            error.add_note(_row("seed", f"{settings.seed} ({settings.origin})"))
        rows = []
        for checked in found:
            report = checked.report
            if error is not None and not checked.expected_failure:
                verdicts = tuple(self._saved(nodeid, v, checked, error, witnesses) for v in report.verdicts)
                report = replace(report, verdicts=verdicts)
            rows.append({"report": report.to_dict(), "expected": checked.expected_failure})
        return rows

    def _saved(
        self, nodeid: str, verdict: Verdict, checked: Checked, error: BaseException, folder: Path | None
    ) -> Verdict:
        """The verdict, saved in a file of its own where it is not PASS."""
        if verdict.outcome is Outcome.PASS:
            return verdict
        if folder is None:
            error.add_note(_row("saved", "nothing: pytest's cache is off; give --aeverify-report FOLDER"))
            return verdict
        path = folder / f"{_file_name(nodeid, verdict)}.json"
        try:
            told = save_witness(checked.report, verdict, checked.model, path, self._shown(path))
        except AeverifyError as why:
            error.add_note(_row("saved", f"nothing: {why}"))
            return verdict
        error.add_note(_row("saved", self._shown(path)))
        if told.replay:
            error.add_note(_row("again", told.replay))
        return told

    def _shown(self, path: Path) -> str:
        """The path as a user writes it where the session was started."""
        return str(path.relative_to(self._here) if path.is_relative_to(self._here) else path)

    def take(self, nodeid: str, rows: Sequence[dict[str, Any]], failed: bool) -> None:
        """Collect what a test checked, whatever process it ran in, and whether it failed."""
        if rows:
            self._checked.setdefault(nodeid, []).extend(rows)
        verdicts = [v for row in rows if not row["expected"] for v in row["report"]["verdicts"]]
        if failed and all(v["outcome"] == "PASS" for v in verdicts):
            self._broken[nodeid] = "failed, and no verdict says so"

    def lose(self, nodeid: str, crashed: bool = False) -> None:
        """Note that claims may be missing: a module could not be collected, or the process that ran a test died."""
        if crashed:
            self._crashed = f"the worker that ran {nodeid} crashed"
        else:
            self._broken[nodeid] = "could not be collected"

    def write(self, interrupted: str = "") -> bool:
        """Write the report into the folder; False where it could not be written, which the lines then say."""
        from aeverify.reporting import write_report

        assert self._folder is not None
        try:
            write_report(self._merged("; ".join(filter(None, [interrupted, self._crashed]))), self._folder)
        except (AeverifyError, OSError) as error:
            self._written = f"the report could not be written: {error}"
            return False
        self._written = f"report: {self._shown(self._folder / 'report.html')}"
        return True

    def lines(self) -> list[str]:
        """Counts of the outcomes, every verdict that is not PASS with its test, and where the report is."""
        verdicts = [(nodeid, v, row["expected"]) for nodeid, row in self._rows for v in row["report"]["verdicts"]]
        found = []
        if verdicts:
            counts = Counter(f"{v['outcome']} as expected" if expected else v["outcome"] for _, v, expected in verdicts)
            found.append(", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items())))
        for nodeid, verdict, expected in verdicts:
            if verdict["outcome"] != "PASS":
                why = f"as expected: {expected}" if expected else verdict["reason"]["advice"]
                found.append(
                    f"{verdict['outcome']:<12} {verdict['claim']['id']} for {verdict['subject']} "
                    f"on {verdict['manifold']} in {nodeid}: {why}"
                )
        return [*found, *self._troubles(), self._written] if self._written else found

    @property
    def _rows(self) -> list[tuple[str, dict[str, Any]]]:
        """What was checked with its test, in the order of the tests' names: that of no scheduler."""
        return [(nodeid, row) for nodeid in sorted(self._checked) for row in self._checked[nodeid]]

    def _merged(self, interrupted: str) -> Report:
        from aeverify.reporting.merge import merge

        provenance = Provenance(
            versions={"aeverify": __version__, "python": platform.python_version()},
            device="",
            cpu_capability="",
            dtype="",
            root_seed=self._seed,
            command=self._command,
            started=self._started,
            duration_seconds=round(time.monotonic() - self._began, 3),
        )
        reports = [(Report.from_dict(row["report"]), str(row["expected"])) for _, row in self._rows]
        whole = merge((report for report, _ in reports), "pytest session", provenance)
        return replace(
            whole,
            policy=GatePolicy(ignores=_ignores([(v, expected) for r, expected in reports for v in r.verdicts])),
            interrupted="; ".join(filter(None, [whole.interrupted, interrupted])),
            notes=(*whole.notes, *self._troubles()),
        )

    def _troubles(self) -> list[str]:
        """A sentence for each kind of trouble that kept claims out of the report."""
        found = []
        for what in dict.fromkeys(self._broken.values()):
            tests = sorted(nodeid for nodeid, why in self._broken.items() if why == what)
            more = f" and {len(tests) - _SHOWN_TESTS} more" if len(tests) > _SHOWN_TESTS else ""
            found.append(f"{len(tests)} {what}: {', '.join(tests[:_SHOWN_TESTS])}{more}.")
        return found


def summary(verdict: Mapping[str, Any], expected: str) -> str:
    """A verdict in one line of JSON, for the properties of a test in JUnit files."""
    evidence = verdict["evidence"] or {}
    return json.dumps(
        {
            "claim": verdict["claim"]["id"],
            "subject": verdict["subject"],
            "manifold": verdict["manifold"],
            "outcome": verdict["outcome"],
            "expected_failure": expected or None,
            "reason": verdict["reason"]["code"],
            "rigor": verdict["rigor"],
            "quantity": evidence.get("quantity"),
            "interval": evidence.get("interval"),
            "threshold": verdict["threshold"],
            "replay": verdict["replay"],
        }
    )


def _row(name: str, text: str) -> str:
    return f"  {name:<11}{text}"


def _file_name(nodeid: str, verdict: Verdict) -> str:
    """A name of harmless characters that no other test and claim has."""
    words = re.sub(r"[^A-Za-z0-9._]+", "-", nodeid.rpartition("/")[2]).strip("-.")[-60:]
    text = "\x1f".join((nodeid, verdict.claim.id, verdict.subject, verdict.manifold))
    return f"{words}-{verdict.claim.id}-{hashlib.sha256(text.encode(errors='backslashreplace')).hexdigest()[:10]}"


def _ignores(verdicts: Sequence[tuple[Verdict, str]]) -> tuple[Ignore, ...]:
    """Expected failures are shown as ignored, unless that would hide a verdict that was not expected, being on the same
    claim and model."""
    wrong = {(v.claim.id, v.subject) for v, expected in verdicts if not expected and v.outcome is not Outcome.PASS}
    found = {
        (v.claim.id, v.subject): Ignore(v.claim.id, f"expected to fail: {expected}", _FOREVER, v.subject)
        for v, expected in verdicts
        if expected and (v.claim.id, v.subject) not in wrong
    }
    return tuple(found.values())
