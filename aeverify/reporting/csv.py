"""CSV, one line a verdict, for spreadsheets and data frames.

Cells of text come from outside, and spreadsheets calculate what looks like a formula: a cell that begins with =, +, -
or @ (full-width ones too, after white space or quotation marks too) gets an apostrophe before it, which spreadsheets
take for "this is text", and so does what follows a semicolon, which separates cells in half of the world. Numbers stand
in cells of their own as Python writes them; an end without a bound is an empty cell.
"""

from __future__ import annotations

import csv
import io
import math
import re

from aeverify.core import Interval, Report, Verdict
from aeverify.reporting import wording
from aeverify.reporting.escaping import plain, shortened

HEADER = (
    "outcome",
    "claim",
    "title",
    "subject",
    "manifold",
    "quantity",
    "lower",
    "upper",
    "relation",
    "threshold_lower",
    "threshold_upper",
    "rigor",
    "confidence",
    "reason",
    "message",
    "standing",
    "source",
    "replay",
)
_LONG_CELL = 4_000
_FORMULA = re.compile(r"""(^|;)([\s'"]*)(?=[=+\-@＝＋－＠])""")


def render_csv(report: Report) -> str:
    """A header and one line a verdict, in the order of the report; then one line for each gated claim that was not
    run, its outcome "NOT RUN"."""
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(HEADER)
    for verdict in report.verdicts:
        writer.writerow(_row(report, verdict))
    for claim in wording.not_run(report):
        writer.writerow(["NOT RUN", cell(claim), *[""] * (len(HEADER) - 2)])
    return stream.getvalue()


def cell(text: str) -> str:
    """`text` as a cell that no spreadsheet takes for a formula: one line, nothing invisible, cut off visibly."""
    return _FORMULA.sub(r"\1'\2", shortened(plain(text), _LONG_CELL))


def _row(report: Report, verdict: Verdict) -> list[str | float]:
    evidence, claim = verdict.evidence, verdict.claim
    return [
        str(verdict.outcome),
        cell(claim.id),
        cell(claim.title),
        cell(verdict.subject),
        cell(verdict.manifold),
        cell(evidence.quantity) if evidence else "",
        *_ends(evidence.interval if evidence else None),
        # As a word: ">=" and its like begin formulas in some spreadsheets.
        claim.relation.name.lower().replace("_", " ") if verdict.threshold else "",
        *_ends(verdict.threshold),
        str(verdict.rigor or ""),
        evidence.confidence if evidence and evidence.confidence is not None else "",
        verdict.reason.name,
        cell(verdict.message),
        cell(wording.standing(report, verdict)),
        cell(str(claim.citation)),
        cell(verdict.replay),
    ]


def _ends(interval: Interval | None) -> list[str | float]:
    if interval is None:
        return ["", ""]
    return [v if math.isfinite(v) else "" for v in (interval.lower, interval.upper)]
