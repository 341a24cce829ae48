"""Markdown (GitHub's dialect), for a step summary, a pull request or a model card."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aeverify.core import Outcome, Report, Verdict, Witness
from aeverify.reporting import wording
from aeverify.reporting.escaping import markdown as md
from aeverify.reporting.escaping import markdown_code


def render_markdown(report: Report) -> str:
    """The verdict table, then what was not PASS in full, then models, facts, notes and provenance."""
    return "\n".join(_document(report)).rstrip() + "\n"


def _document(report: Report) -> Iterable[str]:
    yield f"# {md(report.title)}"
    yield ""
    yield f"**{report.outcome}** ({md(wording.gate_text(report))}). {wording.counts_text(report)}."
    yield ""
    yield f"Manifold {md(report.manifold)}, latent dimension {report.latent_dim}, seed {report.provenance.root_seed}."
    yield ""
    for warning in wording.warnings(report):
        yield f"> **{md(warning)}**"
        yield ""
    yield "## Verdicts"
    yield ""
    yield from verdict_table(report)
    undecided = [v for v in report.verdicts if v.outcome is not Outcome.PASS]
    if undecided:
        yield "## What is not PASS"
        yield ""
        for verdict in undecided:
            yield from _verdict(verdict)
    replayable = [v for v in report.verdicts if v.outcome is Outcome.PASS and v.replay]
    if replayable:
        yield "## Replay"
        yield ""
        for verdict in replayable:
            yield f"{md(verdict.claim.id)}, {md(verdict.subject)}:"
            yield ""
            yield markdown_code(verdict.replay)
            yield ""
    yield from _rest(report)


def verdict_table(report: Report) -> Iterable[str]:
    """Lines of the table of all verdicts."""
    yield from _table(
        ("Outcome", "Claim", "Subject", "Evidence", "Threshold", "Rigor", "Source"),
        [
            (
                str(v.outcome),
                _claim(report, v),
                v.subject,
                wording.evidence_text(v),
                wording.threshold_text(v),
                wording.rigor_text(v),
                str(v.claim.citation),
            )
            for v in report.verdicts
        ],
    )


def _claim(report: Report, verdict: Verdict) -> str:
    standing = wording.standing(report, verdict)
    return verdict.claim.id + (f" ({standing})" if standing else "")


def _verdict(verdict: Verdict) -> Iterable[str]:
    claim = verdict.claim
    yield f"### {verdict.outcome}: {md(claim.title)} ({md(verdict.subject)})"
    yield ""
    yield f"{md(claim.statement)} *{md(str(claim.citation))}*"
    yield ""
    yield md(wording.why(verdict))
    yield ""
    for role, e in wording.all_evidence(verdict):
        yield f"- {role} evidence: {md(wording.evidence_sentence(e))}"
    for p in verdict.premises:
        yield f"- premise {md(p.id)}: {wording.premise_text(p)}. {md(p.statement)}"
    if verdict.witness:
        yield from _witness(verdict.witness)
    yield ""
    if verdict.replay:
        yield markdown_code(verdict.replay)
        yield ""


def _witness(witness: Witness) -> Iterable[str]:
    yield f"- witness ({md(witness.kind)}): {md(witness.note)}"
    yield from (f"  - {md(wording.point_sentence(p))}" for p in witness.points)


def _rest(report: Report) -> Iterable[str]:
    if report.models:
        yield "## Models"
        yield ""
        yield from _table(
            ("Model", "Kind", "Converged", "Figures", "Hash", "Note"),
            [
                (m.name, m.kind, wording.converged_text(m), wording.figures_text(m.figures), m.hash[:12], m.note)
                for m in report.models
            ],
        )
    if report.manifold_facts:
        yield "## The manifold"
        yield ""
        yield from _table(("Fact", "Value"), list(report.manifold_facts.items()))
    if report.notes:
        yield "## Notes"
        yield ""
        yield from (f"- {md(note)}" for note in report.notes)
        yield ""
    yield "## Provenance"
    yield ""
    yield from _table(("What", "Value"), wording.provenance(report))


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterable[str]:
    yield f"| {' | '.join(header)} |"
    yield f"| {' | '.join('---' for _ in header)} |"
    for row in rows:
        yield f"| {' | '.join(md(cell) for cell in row)} |"
    yield ""
