"""The report of an audit for people: one HTML page with every row, and the same in short as Markdown.

The page is one file that works from disk and offline: it has no script at all, its figures are static drawings, and a
content security policy lets nothing be fetched. Everything that comes from a ledger is escaped by the template engine.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from aeverify.audit.auditing import Audit, AuditedRow
from aeverify.audit.findings import AuditReason, Figure
from aeverify.core.interval import Interval
from aeverify.core.report import Plot
from aeverify.reporting import theme, wording
from aeverify.reporting.escaping import markdown as escaped
from aeverify.reporting.escaping import plain
from aeverify.reporting.plots import INK, PALETTE, drawing
from aeverify.reporting.svg import color_class, static_figure

_STYLE = resources.files("aeverify.reporting") / "templates" / "report.css"
_TEMPLATES = resources.files("aeverify.audit") / "templates"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def html(report: Audit) -> str:
    """One self-contained HTML document with every row: verdict, claim as printed and as stated, premises, what was
    found, proof, evidence, figures."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_shown
    )
    environment.globals.update(
        wording=wording, figure_text=figure_text, anchor=_anchor, advice=str, drawn=_drawn, legend=_legend, range=range
    )
    template = environment.from_string((_TEMPLATES / "audit.html.j2").read_text(encoding="utf-8"))
    return template.render(
        report=report,
        groups=[(name, title, [r for r in report.rows if r.ledger == name]) for name, title in report.titles.items()],
        reasons=[(r, report.reasons[r.code]) for r in AuditReason if r.code in report.reasons],
        css=Markup(
            theme.stylesheet() + _STYLE.read_text("utf-8") + _palette() + (_TEMPLATES / "audit.css").read_text("utf-8")
        ),
        policy=_POLICY,
    )


def _own_style() -> str:
    return (_TEMPLATES / "audit.css").read_text(encoding="utf-8")


def markdown(report: Audit) -> str:
    """Counts, and one table row a claim."""
    lines = ["# Audit", "", f"Budget {report.budget}, seed {report.seed}, {len(report.rows)} rows.", ""]
    lines += ["| outcome | rows |", "|---|---|", *(f"| {o} | {n} |" for o, n in report.outcomes.items()), ""]
    lines += ["| reason | rows |", "|---|---|", *(f"| {r} | {n} |" for r, n in report.reasons.items()), ""]
    if report.left:
        lines += [f"Interrupted at {report.interrupted}; not reached: {', '.join(report.left)}.", ""]
    for name, title in report.titles.items():
        rows = [r for r in report.rows if r.ledger == name]
        if rows:
            lines += [
                f"## {escaped(title)}",
                "",
                "| row | claim | outcome | reason | gate | found |",
                "|---|---|---|---|---|---|",
            ]
            lines += [
                f"| {escaped(r.row.id)} | {escaped(r.row.claim)} | {r.finding.outcome} | {r.finding.reason.code} | "
                f"{r.status} | {escaped(r.finding.text)} |"
                for r in rows
            ]
            lines.append("")
    return "\n".join(lines)


def figure_text(value: Figure) -> str:
    """One figure of a row as the page shows it."""
    if isinstance(value, Interval):
        return wording.interval_text(value)
    return value if isinstance(value, str) else wording.number(float(value))


def _anchor(row: AuditedRow) -> str:
    return f"{row.ledger}-{row.row.id}".replace(" ", "-")


def _drawn(plot: Plot) -> Markup:
    return Markup(static_figure(drawing(plot)))


def _legend(plot: Plot) -> list[tuple[str, str, str]]:
    """Colour class, style and name of what a figure shows."""
    found = drawing(plot)
    return [(color_class(x.color), x.style, x.name) for x in found.layers if x.name and not found.rows]


def _palette() -> str:
    return "".join(f".{color_class(c)} {{ --series: {c}; }}\n" for c in (*PALETTE, INK))


def _shown(value: Any) -> Any:
    """What an expression of the template writes: Markup as it is, everything else with no character that acts."""
    return value if isinstance(value, Markup) else plain(str(value))
