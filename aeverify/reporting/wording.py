"""How a report is put into words: shared by Markdown, HTML, JUnit and the terminal, so that they say the same.

Nothing is decided here. Numbers are rounded outward: a printed lower end is never above the one that was found, a
printed upper end never below, so that a reader who believes the print believes nothing false.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR
from typing import Any

from aeverify.core import (
    Change,
    Comparison,
    ErrorBudget,
    Evidence,
    Interval,
    ModelRecord,
    Outcome,
    Premise,
    Reason,
    Report,
    Verdict,
    WitnessPoint,
)
from aeverify.core.interval import rounded
from aeverify.core.policy import ExitCode
from aeverify.reporting.escaping import json_value, shortened

_LONG_VECTOR = 8
_LONG_DETAIL = 400

EXIT_MEANINGS = {
    ExitCode.PASSED: "the gate is open",
    ExitCode.FAILED: "a gated claim failed",
    ExitCode.USAGE: "usage error",
    ExitCode.INTERNAL: "a gated check or model crashed",
    ExitCode.UNDECIDED: "nothing gated failed, but not every gated claim is PASS",
    ExitCode.INTERRUPTED: "the run was interrupted",
}


def interval_text(interval: Interval) -> str:
    """The interval in words, rounded outward."""
    return str(interval)


def brief_interval_text(interval: Interval) -> str:
    """The interval in at most 9 significant digits, rounded outward, for tables; a single number is rounded to
    nearest."""
    if interval.is_exact:
        return f"{interval.lower:.9g}"
    digits = 6 if interval.width > 1e-5 * abs(interval.lower) else 9
    left = f"[{rounded(interval.lower, digits, ROUND_FLOOR)}" if math.isfinite(interval.lower) else "(-inf"
    right = f"{rounded(interval.upper, digits, ROUND_CEILING)}]" if math.isfinite(interval.upper) else "inf)"
    return f"{left}, {right}"


def relation_text(interval: Interval) -> str:
    """ "in [1, 2]", or "= 1" for a single number."""
    return f"{'=' if interval.is_exact else 'in'} {interval_text(interval)}"


def rigor_text(verdict: Verdict) -> str:
    """Rigor of a verdict, with the confidence where its evidence is statistical."""
    if verdict.rigor is None:
        return "none"
    confidence = verdict.evidence.confidence if verdict.evidence else None
    return f"{verdict.rigor} {percent(confidence)}" if confidence is not None else str(verdict.rigor)


def evidence_rigor(evidence: Evidence) -> str:
    """Rigor of one evidence, with its confidence where it is statistical."""
    return (
        f"{evidence.rigor} {percent(evidence.confidence)}" if evidence.confidence is not None else str(evidence.rigor)
    )


def percent(share: float | None) -> str:
    """A confidence as "99 %", rounded down."""
    return "" if share is None else f"{rounded(100 * share, 6, ROUND_FLOOR)} %"


def evidence_text(verdict: Verdict) -> str:
    """The deciding quantity and its enclosure, or "no evidence"."""
    e = verdict.evidence
    return f"{e.quantity} {relation_text(e.interval)}" if e else "no evidence"


def threshold_text(verdict: Verdict) -> str:
    """Relation and threshold, or "" where nothing was compared."""
    return f"{verdict.claim.relation} {interval_text(verdict.threshold)}" if verdict.threshold else ""


def brief_threshold_text(verdict: Verdict) -> str:
    """As `threshold_text`, in at most 9 significant digits, for tables."""
    return f"{verdict.claim.relation} {brief_interval_text(verdict.threshold)}" if verdict.threshold else ""


def why(verdict: Verdict) -> str:
    """The reason's advice, and the message where there is one."""
    return f"{verdict.reason} {verdict.message}".strip()


def gate_text(report: Report) -> str:
    """What the exit code is and why."""
    return f"exit code {int(report.exit_code)}: {EXIT_MEANINGS[report.exit_code]}"


def is_gated(report: Report, verdict: Verdict) -> bool:
    """Whether the verdict counts at the gate."""
    return verdict in report.policy.select([verdict])


WORSE = "worse than in the baseline"


def standing(report: Report, verdict: Verdict) -> str:
    """How the verdict stands at the gate where it does not simply count: "not gated", "ignored until 2027-01-31",
    "in the baseline too", "worse than in the baseline", "the ignore until ... has expired", or ""."""
    if not is_gated(report, verdict):
        return "not gated"
    ignore = report.policy.ignore_of(verdict)
    if ignore is not None:
        return f"ignored until {ignore.until}"
    expired = report.policy.expired_ignore_of(verdict)
    if report.change_of(verdict) is Change.WORSE:
        return WORSE
    if expired is not None:
        return f"the ignore until {expired.until} has expired"
    return "in the baseline too" if report.is_known(verdict) else ""


def excused(report: Report, verdict: Verdict) -> bool:
    """Whether a verdict that is not PASS does not stop the release: ignored, or in the baseline too."""
    if verdict.outcome is Outcome.PASS:
        return False
    return report.policy.ignore_of(verdict) is not None or report.is_known(verdict)


def ignored_texts(report: Report) -> list[str]:
    """What is ignored and why, and which ignores have expired; one sentence each."""
    found = []
    for v in report.policy.select(report.verdicts):
        ignore, expired = report.policy.ignore_of(v), report.policy.expired_ignore_of(v)
        what = f"{v.outcome} of {v.claim.id} on {v.subject}"
        if ignore is not None:
            found.append(f"{what} is ignored until {ignore.until}: {ignore.reason}")
        elif expired is not None:
            found.append(f"{what} counts again: its ignore ended on {expired.until} ({expired.reason}).")
    return found


def comparison_text(comparison: Comparison) -> str:
    """ "Beside baseline.json: 5 same, 1 worse, ..."; every way is named."""
    counts = ", ".join(f"{n} {change}" for change, n in comparison.counts.items())
    return f"Beside {comparison.source}: {counts} (a change of up to {100 * comparison.noise:g} % is noise)."


def budget_text(budget: ErrorBudget) -> str:
    """The split of alpha in words."""
    shares = ", ".join(f"{name} {n}" for name, n in budget.statements.items()) or "none"
    return (
        f"alpha {budget.alpha:g} over all statistical statements together; {budget.each:.6g} for each of "
        f"{sum(budget.statements.values())} ({shares})"
    )


def not_run(report: Report) -> list[str]:
    """Gated claims on which there is no verdict."""
    found = {v.claim.id for v in report.verdicts}
    return [c for c in report.policy.gated or () if c not in found]


def counts_text(report: Report) -> str:
    """ "5 PASS, 1 FAIL, ..."; every outcome is named."""
    return ", ".join(f"{n} {outcome}" for outcome, n in report.counts.items())


def calm(report: Report) -> str:
    """The comparison with the baseline where nothing is worse and nothing gone, which is no warning; "" else."""
    beside = report.baseline
    if beside is None or beside.gone or any(c.change is Change.WORSE for c in beside.verdicts):
        return ""
    return comparison_text(beside)


def warnings(report: Report) -> list[str]:
    """What a reader must see before any verdict: what was not checked, what got worse and what is ignored."""
    found = unchecked(report)
    if report.baseline is not None:
        found.append(comparison_text(report.baseline))
        worse = [c for c in report.baseline.verdicts if c.change is Change.WORSE]
        found += [f"Worse: {c.claim} on {c.subject}. {c.text}" for c in worse]
        found += [f"Gone: {c.claim} on {c.subject}, {c.before} in the baseline." for c in report.baseline.gone]
    return [*found, *ignored_texts(report)]


def unchecked(report: Report) -> list[str]:
    """An interrupted run, nothing checked, gated claims that were not run, and claims that were not reached."""
    found = []
    if report.interrupted:
        found.append(f"The run was interrupted ({report.interrupted}); what follows is what had been finished.")
    if not report.verdicts:
        found.append("Nothing was checked, and nothing is not a pass.")
    missing = not_run(report)
    if missing:
        found.append(f"Gated claims that were not run: {', '.join(missing)}.")
    late = [v for v in report.verdicts if v.reason is Reason.NOT_RUN]
    if late:
        found.append(f"NOT RUN, since the budget ended before: {', '.join(dict.fromkeys(v.claim.id for v in late))}.")
    return found


def premise_text(premise: Premise) -> str:
    """ "holds", "does not hold" or "not decided"."""
    return {True: "holds", False: "does not hold", None: "not decided"}[premise.holds]


def converged_text(model: ModelRecord) -> str:
    """ "yes", "no" or "not trained here"."""
    return {True: "yes", False: "no", None: "not trained here"}[model.converged]


def number(value: float) -> str:
    """A figure that bounds nothing, to 6 significant digits."""
    return f"{value:.6g}"


def vector(values: Sequence[float], digits: int = 6) -> str:
    """Coordinates, the first few where there are many."""
    shown = ", ".join(f"{v:.{digits}g}" for v in values[:_LONG_VECTOR])
    more = f", ... {len(values)} numbers" if len(values) > _LONG_VECTOR else ""
    return f"({shown}{more})"


def details(items: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values of further figures, long ones shortened."""
    rows = []
    for key, value in items.items():
        plain = json_value(value, str(key))
        text = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
        if isinstance(plain, float):
            text = number(plain)
        rows.append((str(key), shortened(text, _LONG_DETAIL)))
    return rows


def figures_text(figures: Mapping[str, float]) -> str:
    """ "loss = 0.01, parameters = 67332"."""
    return ", ".join(f"{k} = {number(v)}" for k, v in figures.items())


def evidence_sentence(evidence: Evidence) -> str:
    """Quantity, enclosure, rigor and method."""
    return f"{evidence.quantity} {relation_text(evidence.interval)}, {evidence_rigor(evidence)}. {evidence.method}"


def point_sentence(point: WitnessPoint) -> str:
    """One point of a witness; its chart parameters in all their digits."""
    return (
        f"component {point.component}, parameters {vector(point.parameters, 17)}, point {vector(point.point)}, "
        f"code {vector(point.code)}, reconstruction {vector(point.reconstruction)}, error {number(point.error)}"
    )


def all_evidence(verdict: Verdict) -> list[tuple[str, Evidence]]:
    """Every evidence of a verdict with its role, deciding or supporting."""
    deciding = [("deciding", verdict.evidence)] if verdict.evidence else []
    return deciding + [("supporting", e) for e in verdict.supporting]


def provenance(report: Report) -> list[tuple[str, str]]:
    """What a reader needs to do the run again, name by name."""
    p = report.provenance
    return [
        ("command", p.command),
        ("root seed", str(p.root_seed)),
        *([("error budget", budget_text(report.error_budget))] if report.error_budget else []),
        ("started", p.started),
        ("duration", f"{p.duration_seconds:.1f} s"),
        ("device", p.device),
        ("CPU capability", p.cpu_capability),
        ("evaluated in", p.dtype),
        ("versions", ", ".join(f"{name} {version}" for name, version in sorted(p.versions.items()))),
    ]
