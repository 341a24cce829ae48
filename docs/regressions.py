"""Write what the gates of examples/ say of forty changes: `python docs/regressions.py` makes docs/regressions.md.

Each change is judged by the real command line, two at a time; about 6 minutes of two cores. Ends with an error, and
leaves the page as it is, if a regression is not caught or a harmless change does not pass.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aeverify.core.report import Report
from aeverify.core.verdict import Outcome
from aeverify.reporting.wording import brief_interval_text
from tests.regressions.cases import HARMLESS, REGRESSIONS
from tests.regressions.running import GATES, Case, Judged, require_caught, require_passed, run_case, run_gate

PAGE = Path(__file__).with_suffix(".md")

TEXT = """\
# Regressions that the gate catches, and changes that it lets pass

`python docs/regressions.py` writes this page: it makes each change below to a model of [examples/](examples.md), runs
`aeverify check` with the claims file of that example, and looks at the exit code and the report. The claims files are
those of the examples, and none is adapted to a case.

| gate | K | claims |
| --- | --- | --- |
{gates}

## Twenty regressions, all caught

Exit code 1: a claim fails. Exit code 2: the file is refused. Exit code 4: a premise does not hold, so nothing is shown.
*Says so* is the claim that is asked to catch it, with its evidence; after the semicolon stand other claims that do not
pass.

| change | gate | what is done | exit code | says so |
| --- | --- | --- | ---: | --- |
{caught}

## Twenty harmless changes, all passed

Each runs beside the report of the unchanged model (`--baseline`): exit code 0, every claim passes again, and nothing is
worse beyond noise.

| change | gate | what is done | exit code | beside the baseline |
| --- | --- | --- | ---: | --- |
{passed}
"""


def main() -> None:
    """Run everything and write the page."""
    with tempfile.TemporaryDirectory() as scratch:
        reports: dict[str, Path] = {}
        gates = []
        for gate in GATES.values():
            reports[gate.folder] = _folder(scratch, gate.folder)
            report = run_gate(gate, reports[gate.folder]).report
            if report is None or report.exit_code:
                raise SystemExit(f"the gate of {gate.folder} does not open as it is")
            gates.append(f"| {gate.folder} | `{report.manifold}` | {_claims(report)} |")

        def caught(case: Case) -> str:
            found = run_case(case, _folder(scratch, case.name))
            require_caught(case, found)
            return f"{head(case)} {says_so(case, found)} |"

        def passed(case: Case) -> str:
            found = run_case(case, _folder(scratch, case.name), reports[case.gate] / "report.json")
            require_passed(case, found)
            return f"{head(case)} {beside(found)} |"

        with ThreadPoolExecutor(2) as pool:
            rows = [_told(pool.map(row, cases)) for row, cases in ((caught, REGRESSIONS), (passed, HARMLESS))]
    parts = {"gates": gates, "caught": rows[0], "passed": rows[1]}
    PAGE.write_text(TEXT.format(**{name: "\n".join(lines) for name, lines in parts.items()}), encoding="utf-8")


def _told(rows: Iterable[str]) -> list[str]:
    """The rows, each shown as soon as it is there."""
    found = []
    for row in rows:
        sys.stderr.write(row + "\n")
        found.append(row)
    return found


def _folder(scratch: str, name: str) -> Path:
    folder = Path(scratch) / name.replace(" ", "-")
    folder.mkdir()
    return folder


def _claims(report: Report) -> str:
    return ", ".join(f"`{v.claim.id}` ({v.rigor.name})" for v in report.verdicts if v.rigor is not None)


def head(case: Case) -> str:
    """The part of a row that the case alone decides."""
    return f"| {case.name} | {case.gate} | {case.change} | {case.exit_code} |"


def says_so(case: Case, found: Judged) -> str:
    """The verdict that catches it, with its evidence, or the first sentence of the refusal."""
    if not case.claim:
        words = " ".join(found.stderr.removeprefix("aeverify: ").split())
        return "refused: " + words.split(": expected")[0].partition("; ")[0].removesuffix(".").replace("|", "\\|")
    verdict = found.verdict(case.claim)
    text = f"`{case.claim}` {case.outcome}"
    if verdict.evidence is not None and verdict.rigor is not None:
        interval = verdict.evidence.interval
        word = "=" if interval.is_exact else "in"
        text += f", {verdict.evidence.quantity} {word} {brief_interval_text(interval)}, {verdict.rigor.name}"
    if verdict.outcome is not Outcome.FAIL:
        text += f": {verdict.message.rstrip('.')}"
    others = found.others(case.claim)
    return text + (f"; {', '.join(others)}" if others else "")


def beside(found: Judged) -> str:
    """How many verdicts there are, and how many changed in which way."""
    assert found.report is not None and found.report.baseline is not None
    counts = found.report.baseline.counts
    return f"{len(found.report.verdicts)} PASS: " + ", ".join(f"{n} {how}" for how, n in counts.items() if n)


if __name__ == "__main__":
    main()
