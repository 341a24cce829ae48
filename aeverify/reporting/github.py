"""GitHub: annotations of a workflow run, and the summary of a step.

A workflow command is one line, `::error title=...::message`; `%`, carriage returns and line feeds are escaped as the
runner reads them, and in properties `:` and `,` as well, so that no string of a report can open a command of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from aeverify.core import Outcome, Report, Verdict
from aeverify.reporting import wording
from aeverify.reporting.escaping import markdown as md
from aeverify.reporting.escaping import plain, shortened
from aeverify.reporting.markdown import verdict_table

_LEVELS = {
    Outcome.FAIL: "error",
    Outcome.ERROR: "error",
    Outcome.INCONCLUSIVE: "warning",
    Outcome.VACUOUS: "warning",
}
_LONG = 1500
_MOST = 50
"""Annotations of one run; GitHub shows ten of each level in a step, and drops the rest."""


def workflow_commands(report: Report) -> list[str]:
    """A workflow command for every verdict that is not PASS, errors first, and one for each warning of the report;
    what is excused or does not gate is a notice."""
    found = [_annotation(report, v) for v in report.verdicts if v.outcome is not Outcome.PASS]
    found += [
        ("notice" if warning == wording.calm(report) else "warning", "aeverify", warning)
        for warning in wording.warnings(report)
    ]
    order = ("error", "warning", "notice")
    found.sort(key=lambda f: order.index(f[0]))
    return [f"::{level} title={_property(title)}::{_data(text)}" for level, title, text in found[:_MOST]]


def _annotation(report: Report, verdict: Verdict) -> tuple[str, str, str]:
    standing = wording.standing(report, verdict)
    title = f"{verdict.outcome}: {verdict.claim.id} on {verdict.subject}" + (f" ({standing})" if standing else "")
    text = f"{wording.evidence_text(verdict)}; claimed: {wording.threshold_text(verdict) or 'nothing compared'}. "
    text += wording.why(verdict) + (f" Replay: {verdict.replay}" if verdict.replay else "")
    stops = wording.is_gated(report, verdict) and not wording.excused(report, verdict)
    return ("notice" if not stops else _LEVELS[verdict.outcome]), title, text


def _data(text: str) -> str:
    return shortened(plain(text), _LONG).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def step_summary(report: Report) -> str:
    """The verdict table with the gate's answer, in Markdown, for $GITHUB_STEP_SUMMARY."""
    return "\n".join(_summary(report)).rstrip() + "\n\n"


def _summary(report: Report) -> Iterable[str]:
    yield f"## aeverify: {md(report.title)}"
    yield ""
    yield f"**{report.outcome}** ({md(wording.gate_text(report))}). {wording.counts_text(report)}."
    yield ""
    for warning in wording.warnings(report):
        yield f"> **{md(warning)}**"
        yield ""
    yield from verdict_table(report)
