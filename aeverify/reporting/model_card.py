"""Model card: a section of Markdown between two marks, replaced in place, everything else left as it is."""

from __future__ import annotations

from pathlib import Path

from aeverify.core import Outcome, Report
from aeverify.errors import UsageError
from aeverify.reporting import wording
from aeverify.reporting.escaping import markdown as md
from aeverify.reporting.escaping import markdown_code
from aeverify.reporting.markdown import verdict_table

BEGIN = "<!-- aeverify: begin -->"
END = "<!-- aeverify: end -->"
_MAX_BYTES = 10 * 2**20


def render_model_card(report: Report) -> str:
    """The section: what was checked on what, what came out, its limits, and how to do it again; with its marks."""
    models = ", ".join(f"{m.name} ({m.hash[:12]})" for m in report.models) or "none"
    lines = [
        BEGIN,
        "## Verification",
        "",
        f"Checked with aeverify {md(report.provenance.versions.get('aeverify', ''))} on "
        f"{md(report.manifold)}, latent dimension {report.latent_dim}, seed {report.provenance.root_seed}. "
        f"Model: {md(models)}.",
        "",
        f"**{report.outcome}** ({md(wording.gate_text(report))}). {wording.counts_text(report)}.",
        "",
        *(f"> {md(warning)}\n" for warning in wording.warnings(report)),
        *verdict_table(report),
        "EMPIRICAL is true of the points that were looked at, STATISTICAL holds with the stated confidence, CERTIFIED "
        "and EXACT enclose the number with rounding included.",
        "",
    ]
    for verdict in report.verdicts:
        if verdict.outcome in (Outcome.FAIL, Outcome.ERROR):
            lines += [
                f"{verdict.outcome}: {md(verdict.claim.id)} on {md(verdict.subject)}. {md(wording.why(verdict))}",
                "",
            ]
    if report.provenance.command:
        lines += ["To do it again:", "", markdown_code(report.provenance.command), ""]
    # a report cannot end the section early: its strings are escaped, and marks are HTML comments
    return "\n".join([*lines, END]) + "\n"


def update_model_card(path: Path, report: Report) -> None:
    """Replace the section of a model card, or append it where there is none; the file is written in one step.

    Raises:
        UsageError: the file cannot be read or written, is no UTF-8 text, or has one mark without the other, or twice.
    """
    from aeverify.reporting import write_text

    try:
        raw = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise UsageError(f"The model card {path} cannot be read: {error.strerror or error}.") from None
    if len(raw) > _MAX_BYTES:
        raise UsageError(f"The model card {path} has {len(raw)} bytes; at most {_MAX_BYTES} are read.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"The model card {path} is not UTF-8 text; give a Markdown file.") from None
    write_text(path, replaced(text, render_model_card(report), str(path)))


def replaced(text: str, section: str, name: str = "the model card") -> str:
    """`text` with the section between its marks replaced, or with the section at its end.

    Raises:
        UsageError: one mark without the other, in the wrong order, or more than once.
    """
    if not text.count(BEGIN) and not text.count(END):
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        return text + gap + section
    start, end = text.find(BEGIN), text.find(END)
    if text.count(BEGIN) != 1 or text.count(END) != 1 or end < start:
        raise UsageError(f"In {name} the marks {BEGIN} and {END} must each stand once, in this order; mend them.")
    rest = text[end + len(END) :]
    return text[:start] + section.rstrip("\n") + rest
