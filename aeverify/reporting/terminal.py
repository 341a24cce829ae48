"""The terminal form: a verdict table that fits the width, then what is not PASS and how to replay it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aeverify.core import Outcome, Report, Verdict
from aeverify.reporting import wording
from aeverify.reporting.escaping import columns, continued, fitted, plain, wrapped

WIDTH = 100

_COLORS = {
    Outcome.PASS: "32",
    Outcome.FAIL: "1;31",
    Outcome.INCONCLUSIVE: "33",
    Outcome.VACUOUS: "36",
    Outcome.ERROR: "1;35",
}
_LONG_TEXT = 600


def render_terminal(report: Report, *, color: bool = False, width: int = WIDTH) -> str:
    """Text of at most `width` (60 or more) columns a line, colours aside. `color` is the caller's decision, who knows
    the stream and NO_COLOR; without it nothing but printable characters and newlines is written."""
    width = max(width, 60)
    return "\n".join(line.rstrip() for line in _document(report, color, width)) + "\n"


def _document(report: Report, color: bool, width: int) -> Iterable[str]:
    yield from wrapped(plain(report.title), width)
    head = f"{report.manifold}, latent dimension {report.latent_dim}, seed {report.provenance.root_seed}"
    yield from wrapped(plain(head), width)
    for warning in wording.warnings(report):
        mark = "" if warning == wording.calm(report) else "WARNING: "
        yield from wrapped(plain(mark + warning), width)
    yield ""
    if report.verdicts:
        yield from _table(report, color, width)
        yield ""
    for verdict in report.verdicts:
        if verdict.outcome is not Outcome.PASS:
            yield from _account(verdict, color, width)
            yield ""
    for note in report.notes:
        yield from _indented(note, width, first="- ", rest="  ")
    if report.notes:
        yield ""
    gate = f"{report.outcome}: {wording.counts_text(report)} ({wording.gate_text(report)})"
    first, *rest = wrapped(gate, width)
    yield _painted(first, report.outcome, color)
    yield from rest


def _table(report: Report, color: bool, width: int) -> Iterable[str]:
    header = ("Outcome", "Claim", "Subject", "Evidence", "Threshold", "Rigor")
    rows = [
        (
            str(v.outcome),
            plain(v.claim.id + (f" ({standing})" if (standing := wording.standing(report, v)) else "")),
            plain(v.subject),
            wording.brief_interval_text(v.evidence.interval) if v.evidence else "none",
            wording.brief_threshold_text(v),
            str(v.rigor or "none"),
        )
        for v in report.verdicts
    ]
    widths = _widths([header, *rows], width)
    yield _row(header, widths)
    yield _row(tuple("-" * w for w in widths), widths)
    for verdict, row in zip(report.verdicts, rows, strict=True):
        line = _row(row, widths)
        yield _painted(line[: widths[0]], verdict.outcome, color) + line[widths[0] :]


def _widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Natural widths of the columns, cut until all fit with two spaces between: first names (claim, subject) down to
    18 columns, then numbers, from the widest on. Outcomes are never cut: a cut one might be misread."""
    widths = [max(columns(cell) for cell in column) for column in zip(*rows, strict=True)]
    while sum(widths) + 2 * (len(widths) - 1) > width:
        names = [i for i in (1, 2) if widths[i] > 18]
        widest = max(names or range(1, len(widths)), key=lambda i: widths[i])
        widths[widest] -= 1
    return widths


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(fitted(cell, w) for cell, w in zip(cells, widths, strict=True))


def _account(verdict: Verdict, color: bool, width: int) -> Iterable[str]:
    head = plain(f"{verdict.outcome}  {verdict.claim.id} ({verdict.subject}): {verdict.claim.title}")
    first, *rest = wrapped(_cut(head), width)
    yield _painted(first, verdict.outcome, color)
    yield from (f"  {line}" for text in rest for line in wrapped(text, width - 2))
    yield from _indented(wording.why(verdict), width)
    for p in verdict.premises:
        if p.holds is not True:
            yield from _indented(f"premise {p.id} {wording.premise_text(p)}: {p.statement}", width)
    if verdict.witness and verdict.witness.note:
        yield from _indented(f"witness: {verdict.witness.note}", width)
    if verdict.replay:
        lines = continued(verdict.replay, width - 4)
        if lines is None:
            yield from _indented(
                "replay: the line is too long for this table; copy it from report.md or report.html", width
            )
        else:
            yield "  replay:"
            yield from (f"    {line}" for line in lines)


def _indented(text: str, width: int, first: str = "  ", rest: str = "  ") -> Iterable[str]:
    for i, line in enumerate(wrapped(_cut(plain(text)), width - len(rest))):
        yield (rest if i else first) + line


def _cut(text: str) -> str:
    return text if len(text) <= _LONG_TEXT else f"{text[:_LONG_TEXT]}..."


def _painted(text: str, outcome: Outcome, color: bool) -> str:
    return f"\x1b[{_COLORS[outcome]}m{text}\x1b[0m" if color else text
