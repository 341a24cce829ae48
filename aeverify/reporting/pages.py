"""What the HTML report shows of each claim: its verdicts side by side, and of each verdict charts and a picture.

Everything here is arranged, nothing decided: outcomes, ignores and comparisons are those of the report.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from aeverify.core import Claim, Compared, Evidence, Interval, ModelRecord, Outcome, Reason, Report, Verdict
from aeverify.reporting import wording
from aeverify.reporting.intervals import Axis, Chart, Row, axis_name
from aeverify.reporting.pictures import witness_drawing
from aeverify.reporting.plots import Drawing

MOST_ROWS = 40
"""A chart of more subjects than this shows those with the worst outcomes and says so."""

_SEVERITY = (Outcome.FAIL, Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.VACUOUS, Outcome.PASS)


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """One verdict.

    Attributes:
        number: its place in the report, from 1; its anchor is "verdict-<number>".
        verdict: what was found.
        remarks: what else a reader of the gate must know: ("ignored", "until 2027-01-31: ..."), short word first.
        change: how it stands to the baseline, where there is one.
        axis: of its bar in the verdict table.
        charts: its evidence drawn, the deciding one in the first.
        picture: its witness; None where there is none or it cannot be drawn.
        model: the record of the model that it is about, where the report has one.
    """

    number: int
    verdict: Verdict
    remarks: tuple[tuple[str, str], ...]
    change: Compared | None
    axis: Axis
    charts: tuple[Chart, ...]
    picture: Drawing | None
    model: ModelRecord | None


@final
@dataclass(frozen=True, slots=True)
class ClaimPage:
    """One claim with all its verdicts.

    Attributes:
        number: from 1; its anchor is "claim-<number>".
        claim: the claim.
        entries: its verdicts, in the order of the report.
        charts: the subjects side by side, where there are several; at most MOST_ROWS in each.
        undrawn: how many subjects the charts leave out.
    """

    number: int
    claim: Claim
    entries: tuple[Entry, ...]
    charts: tuple[Chart, ...]
    undrawn: int


def claim_pages(report: Report) -> tuple[ClaimPage, ...]:
    """A page for each claim, in the order in which the report first names them. Claims with one id but another
    statement (another parameter) have a page each."""
    models = {m.name: m for m in report.models}
    changes = report.baseline.verdicts if report.baseline else (None,) * len(report.verdicts)
    groups: dict[Claim, list[tuple[int, Verdict, Compared | None]]] = {}
    for number, (verdict, change) in enumerate(zip(report.verdicts, changes, strict=True), start=1):
        groups.setdefault(verdict.claim, []).append((number, verdict, change))
    pages = []
    for place, (claim, found) in enumerate(groups.items(), start=1):
        axes = _bar_axes(v for _, v, _ in found)
        entries = tuple(
            Entry(
                number,
                v,
                _remarks(report, v),
                change,
                axes[v.evidence.quantity] if v.evidence else Axis.around(()),
                _charts(v),
                witness_drawing(v.witness, report.plots, v.subject) if v.witness else None,
                models.get(v.subject),
            )
            for number, v, change in found
        )
        drawn = _worst(entries)
        charts = _subjects(drawn) if len(entries) > 1 else ()
        pages.append(ClaimPage(place, claim, entries, charts, len(entries) - len(drawn) if charts else 0))
    return tuple(pages)


def _bar_axes(verdicts: Iterable[Verdict]) -> dict[str, Axis]:
    """Verdicts of one claim on one quantity share an axis, so that they can be compared."""
    found: dict[str, list[Interval]] = {}
    for v in verdicts:
        if v.evidence:
            intervals = found.setdefault(v.evidence.quantity, [])
            intervals += [v.evidence.interval] if v.threshold is None else [v.evidence.interval, v.threshold]
    return {quantity: Axis.around(intervals) for quantity, intervals in found.items()}


def _remarks(report: Report, verdict: Verdict) -> tuple[tuple[str, str], ...]:
    found = []
    if verdict.reason is Reason.NOT_RUN:
        found.append(("not run", ""))
    ignore, expired = report.policy.ignore_of(verdict), report.policy.expired_ignore_of(verdict)
    if ignore is not None:
        found.append(("ignored", f"until {ignore.until}: {ignore.reason}"))
    if expired is not None:
        found.append(("ignore expired", f"on {expired.until}: {expired.reason}"))
    if report.is_known(verdict):
        found.append(("in the baseline too", ""))
    if not wording.is_gated(report, verdict):
        found.append(("not gated", ""))
    return tuple(found)


def _charts(verdict: Verdict) -> tuple[Chart, ...]:
    """Evidence on one axis in one chart; what has no like and decides nothing is not drawn, since a chart of one
    number shows nothing that the number does not."""
    groups: dict[str, list[Row]] = {}
    for kind, e in wording.all_evidence(verdict):
        decides = kind == "deciding"
        groups.setdefault(axis_name(e.quantity), []).append(
            Row(
                e.quantity,
                kind,
                e.interval,
                wording.evidence_rigor(e),
                verdict.threshold if decides else None,
                verdict.claim.relation,
                note=_note(e),
            )
        )
    return tuple(Chart.of(name, rows) for name, rows in groups.items() if len(rows) > 1 or rows[0].kind == "deciding")


def _note(evidence: Evidence) -> str:
    """How it was found, and on which component of K where the measure says so."""
    component = evidence.details.get("component")
    return f"Component {component}. {evidence.method}" if isinstance(component, int) else evidence.method


def _worst(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    kept = sorted(entries, key=lambda e: _SEVERITY.index(e.verdict.outcome))[:MOST_ROWS]
    return tuple(sorted(kept, key=lambda e: e.number))


def _subjects(entries: tuple[Entry, ...]) -> tuple[Chart, ...]:
    """One row a subject, and below them the bounds on the width that their verdicts lean on."""
    groups: dict[str, list[Row]] = {}
    bounds: dict[str, dict[tuple[str, Interval], Row]] = {}
    for entry in entries:
        v = entry.verdict
        if v.evidence is None:
            continue
        axis = axis_name(v.evidence.quantity)
        rigor, relation = wording.rigor_text(v), v.claim.relation
        row = Row(v.subject, "", v.evidence.interval, rigor, v.threshold, relation, entry.number, v.outcome)
        groups.setdefault(axis, []).append(row)
        for e in v.supporting:
            if axis_name(e.quantity) == axis and _is_of_the_set(e):
                bounds.setdefault(axis, {})[e.quantity, e.interval] = Row(
                    e.quantity, "supporting", e.interval, wording.evidence_rigor(e), note=_note(e)
                )
    return tuple(
        Chart.of(axis, [*rows, *bounds.get(axis, {}).values()]) for axis, rows in groups.items() if len(rows) > 1
    )


def _is_of_the_set(evidence: Evidence) -> bool:
    """Whether it is a fact about K, the same for every model."""
    return evidence.quantity == "width"
