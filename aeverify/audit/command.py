"""The `aeverify audit` command: options and printing; the work is in `aeverify.audit.auditing`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from aeverify.audit.auditing import Audit, AuditedRow

EPILOG = """\
\b
A row is held where the reason that came out is the one that its ledger expects; without an expectation, where it is
PASS. It failed where another reason came out than expected, or FAIL without an expectation.

\b
Exit codes:
  0    every row held
  1    some row failed
  2    usage error: an option, a row or a ledger is wrong
  3    none failed, and a check crashed
  4    nothing failed, but a row without an expectation is INCONCLUSIVE or VACUOUS
  130  interrupted; what was decided is reported, and the same command goes on from there
"""


@click.argument("ledger_files", metavar="LEDGER.toml...", nargs=-1, required=True)
@click.option(
    "--budget", type=click.Choice(["quick", "full"]), default="quick", show_default=True, help="How much is trained."
)
@click.option("--out", metavar="FOLDER", help="Folder of the report and of what is kept; default reports/audit.")
@click.option("--row", "only", metavar="ID", multiple=True, help="Audit this row alone; may be given several times.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, help="Root seed of every random stream.")
@click.option("--alpha", type=float, default=0.05, show_default=True, help="Error probability of the whole run.")
@click.option("--fresh", is_flag=True, help="Decide every row again, also those that an earlier run decided.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json", "markdown"]),
    default="terminal",
    show_default=True,
    help="What is printed on stdout; the folder gets report.json, report.md and report.html.",
)
def audit(
    ledger_files: tuple[str, ...],
    budget: str,
    out: str | None,
    only: tuple[str, ...],
    seed: int,
    alpha: float,
    fresh: bool,
    quiet: bool,
    form: str,
) -> int:
    """Ask of every printed claim in LEDGER.toml: is it possible, is it forced, does it reproduce?

    Results are kept in FOLDER row by row, so that a run that was killed goes on where it stopped.
    """
    import shutil

    from aeverify.audit.auditing import audit as audited
    from aeverify.audit.kept import write_whole
    from aeverify.audit.ledger import Budget, load_ledger
    from aeverify.audit.page import html, markdown
    from aeverify.core.events import Event, Progress, StageFinished, StageStarted
    from aeverify.reporting.progress import ProgressLines

    ledgers = [load_ledger(path) for path in ledger_files]
    folder = Path(out or "reports/audit")
    wanted: Budget = "full" if budget == "full" else "quick"
    total = sum(len(ledger.rows) for ledger in ledgers) if not only else len(set(only))
    count = 0

    def told(row: AuditedRow) -> None:
        nonlocal count
        count += 1
        if not quiet:
            kept = ", kept" if row.kept else f", {row.seconds:.2f} s"
            verdict = f"{row.finding.outcome} {row.finding.reason.code}"
            progress.close()
            click.echo(f"[{count}/{total}] {row.row.id}: {verdict} ({row.status}{kept})", err=True)

    progress = ProgressLines(sys.stderr, live=sys.stderr.isatty())

    def heard(event: Event) -> None:
        """Trainings alone: a row tells of itself when it is decided."""
        row_itself = isinstance(event, StageStarted | StageFinished) and event.stage.startswith("row ")
        if not quiet and not row_itself and (isinstance(event, Progress) or sys.stderr.isatty()):
            progress(event)

    if fresh:
        shutil.rmtree(folder / "rows", ignore_errors=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        report = audited(
            ledgers, budget=wanted, seed=seed, alpha=alpha, folder=folder, only=only, listener=heard, reached=told
        )
        texts = {"report.json": _json(report), "report.md": markdown(report), "report.html": html(report)}
        for name, text in texts.items():
            write_whole(folder / name, text)
    except OSError as error:
        raise click.UsageError(
            f"The output folder {folder} cannot be written: {error.strerror or error}. Choose another with --out."
        ) from error
    printed = {"json": texts["report.json"], "markdown": texts["report.md"], "terminal": _terminal(report)}
    click.echo(printed[form].rstrip("\n"))
    sys.stdout.flush()
    if not quiet:
        click.echo(f"Report: {folder / 'report.html'}", err=True)
    return int(report.exit_code)


def _json(report: Audit) -> str:
    return json.dumps(report.to_dict(), indent=1, allow_nan=False, ensure_ascii=False)


def _terminal(report: Audit) -> str:
    """One line a row, the counts below."""
    import textwrap

    lines = []
    for r in report.rows:
        expected = f", expected {r.expected}" if r.status == "failed" and r.expected else ""
        lines.append(f"{r.row.id}: {r.finding.outcome} ({r.finding.reason.code}{expected})")
        lines += textwrap.wrap(r.finding.text, 100, initial_indent="    ", subsequent_indent="    ")
    counts = ", ".join(f"{n} {name}" for name, n in report.outcomes.items() if n)
    reasons = ", ".join(f"{n} {name}" for name, n in report.reasons.items())
    statuses = [f"{sum(r.status == s for r in report.rows)} {s}" for s in ("held", "failed", "undecided", "crashed")]
    lines += ["", f"{len(report.rows)} rows in {report.seconds:.1f} s: {counts or 'none'}", f"reasons: {reasons}"]
    lines.append(f"gate: {', '.join(statuses)}")
    if report.left:
        lines.append(f"interrupted at {report.interrupted}; not reached: {', '.join(report.left)}")
    return "\n".join(lines)
