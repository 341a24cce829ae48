"""Changes to a model that passed its gate, each judged by the real command line with the claims of an example.

The claims files stand in examples/ and were written before the changes. A change that must be caught runs as the gate
of that example does; a harmless one runs beside the report of the unchanged model (`--baseline`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aeverify.core.comparison import Change
from aeverify.core.report import Report
from aeverify.core.verdict import Outcome, Verdict
from aeverify.reporting import read_report

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"


@dataclass(frozen=True)
class Gate:
    """One gate of examples/.

    Attributes:
        folder: its folder there.
        name: of the model, in its claims file.
        options: with which it is run.
    """

    folder: str
    name: str
    options: tuple[str, ...] = ()

    @property
    def claims(self) -> Path:
        """The claims file."""
        return EXAMPLES / self.folder / "claims.toml"


GATES = {
    g.folder: g
    for g in (Gate("pytorch", "conv"), Gate("keras", "keras"), Gate("scikit_learn", "pca", ("--trust-model",)))
}


@dataclass(frozen=True)
class Case:
    """One change, and what the gate has to say of it.

    Attributes:
        name: what it is called.
        gate: folder of the gate.
        change: what is done, in a sentence.
        build: writes the changed files into a folder and returns the arguments that name the model there.
        exit_code: of the command.
        claim, outcome: which claim says so, and how; both empty where the file is refused.
        reason: name of the reason of that verdict, or words of the refusal.
        environment: of the process, beside this one's.
    """

    name: str
    gate: str
    change: str
    build: Callable[[Path], Sequence[str]]
    exit_code: int = 0
    claim: str = ""
    outcome: str = ""
    reason: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """How the command ended.

    Attributes:
        exit_code: of the process.
        stderr: what it wrote there.
        report: None where the file was refused.
    """

    exit_code: int
    stderr: str
    report: Report | None

    def verdict(self, claim: str) -> Verdict:
        """The verdict on a claim.

        Raises:
            LookupError: there is not exactly one.
        """
        found = [v for v in self.report.verdicts if v.claim.id == claim] if self.report else []
        if len(found) != 1:
            raise LookupError(f"{len(found)} verdicts on {claim}; the command said: {self.stderr}")
        return found[0]

    def others(self, claim: str) -> list[str]:
        """Every other verdict that is not PASS, as words."""
        rest = [v for v in self.report.verdicts if v.claim.id != claim] if self.report else []
        return [f"{v.claim.id} {v.outcome}" for v in rest if v.outcome is not Outcome.PASS]


def judge(gate: Gate, folder: Path, out: Path, model: Sequence[str] = (), **environment: str) -> Judged:
    """`aeverify check` with the claims of a gate.

    Args:
        gate: whose claims.
        folder: where the command runs.
        out: folder of the report.
        model: arguments that name another model than the gate's own, and further options.
        environment: of the process, beside this one's.
    """
    done = subprocess.run(
        [sys.executable, "-m", "aeverify", "check", *model, "--claims", str(gate.claims), "--out", str(out), "--quiet"],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GITHUB_ACTIONS": "", **environment},
        timeout=600,
    )
    file = out / "report.json"
    return Judged(done.returncode, done.stderr, read_report(file) if file.exists() else None)


def run_gate(gate: Gate, out: Path) -> Judged:
    """The gate of an example as it is committed, run in its folder."""
    return judge(gate, EXAMPLES / gate.folder, out, gate.options)


def run_case(case: Case, folder: Path, baseline: Path | None = None) -> Judged:
    """Make a change and judge what came of it, beside a baseline where one is given."""
    gate = GATES[case.gate]
    beside = [] if baseline is None else ["--baseline", str(baseline)]
    return judge(gate, folder, folder / "out", [*case.build(folder), "--name", gate.name, *beside], **case.environment)


def require_caught(case: Case, found: Judged) -> None:
    """The gate caught the change, for the right reason.

    Raises:
        AssertionError: it did not.
    """
    assert (case.name, case.exit_code) == (case.name, found.exit_code), found.stderr
    assert "Traceback" not in found.stderr
    if not case.claim:
        assert found.report is None and case.reason in found.stderr, found.stderr
        return
    verdict = found.verdict(case.claim)
    assert (case.outcome, case.reason) == (str(verdict.outcome), verdict.reason.name)
    if verdict.outcome is Outcome.FAIL:
        assert verdict.witness is not None


def require_passed(case: Case, found: Judged) -> None:
    """The gate let the change pass: every claim was decided as before, and nothing is worse than the baseline.

    Raises:
        AssertionError: it did not.
    """
    assert (case.name, 0) == (case.name, found.exit_code), found.stderr
    assert found.report is not None and found.report.baseline is not None
    assert {Outcome.PASS} == {v.outcome for v in found.report.verdicts}
    assert {Change.SAME} == {row.change for row in found.report.baseline.verdicts} and not found.report.baseline.gone
