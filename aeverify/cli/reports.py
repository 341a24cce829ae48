"""Commands that read reports: replay their witnesses, compare two, render one again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aeverify.cli.app import EXIT_CODES, command_line, format_option, print_json, print_text, wrapped

if TYPE_CHECKING:
    from aeverify.autoencoders.protocol import Autoencoder
    from aeverify.core import Report

_RENDERED = ("terminal", "json", "markdown", "junit", "html", "csv", "github", "model-card")


@command_line.command(epilog=EXIT_CODES)
@click.argument("report", metavar="REPORT")
@click.argument("claim_id", metavar="[CLAIM]", required=False)
@click.option("--model", metavar="FILE", help="The model, where it is not in the report's folder; or another one.")
@click.option("--decoder", metavar="FILE", help="The decoder, where it has a file of its own.")
@click.option("--architecture", metavar="SPEC", help="What a file of bare weights belongs to.")
@click.option("--latent", metavar="NAME", help="The tensor that is the code, in one ONNX graph of both maps.")
@click.option("--trust-model", is_flag=True, help="Open a model file that runs code when it is opened.")
@format_option
def replay(report: str, claim_id: str | None, form: str, model: str | None, **options: Any) -> int:
    """Evaluate the witnesses of REPORT (a report.json or its folder) again, of one CLAIM or of all.

    REPRODUCED: the same numbers came out. FIXED: the witness of a FAIL or an ERROR shows nothing wrong any more.
    CHANGED: other numbers came out.

    Exit code 0: every witness that was tried is REPRODUCED. 1: one is CHANGED or FIXED, so that the report does not
    describe this model. 4: there was no witness to try.
    """
    from aeverify.core.policy import ExitCode
    from aeverify.replaying import replay as replayed

    document, path = _read(report)
    given = None if model is None else _opened(model, document, options)
    results = replayed(document, claim_id, path.parent, given)
    if form == "json":
        rows = [{"claim": r.claim, "subject": r.subject, "status": r.status, "text": r.text} for r in results]
        print_json({"schema": "aeverify-replay/1", "results": rows})
    else:
        lines = [
            line for r in results for line in (f"{r.status:<12} {r.claim} on {r.subject}", *wrapped(r.text, " " * 13))
        ]
        print_text("\n".join(lines) or "The report has no verdict to replay.")
    statuses = {r.status for r in results}
    if statuses & {"CHANGED", "FIXED"}:
        return int(ExitCode.FAILED)
    return int(ExitCode.PASSED if "REPRODUCED" in statuses else ExitCode.UNDECIDED)


def _read(report: str) -> tuple[Report, Path]:
    from aeverify import reporting

    path = Path(report)
    path = path / "report.json" if path.is_dir() else path
    return reporting.read_report(path), path


def _opened(model: str, document: Report, options: dict[str, Any]) -> Autoencoder:
    from aeverify.autoencoders.files import open_model
    from aeverify.autoencoders.oracles import ORACLES, oracle

    if not Path(model).exists() and model.partition(":")[0].strip() in ORACLES:
        return oracle(model)
    points = [p.point for v in document.verdicts if v.witness for p in v.witness.points if p.point]
    return open_model(
        model,
        decoder=options["decoder"],
        architecture=options["architecture"],
        latent=options["latent"],
        ambient_dim=len(points[0]) if points else None,
        latent_dim=document.latent_dim or None,
        trust=options["trust_model"],
    )


@command_line.command(epilog=EXIT_CODES)
@click.argument("before", metavar="BEFORE")
@click.argument("after", metavar="AFTER")
@click.option(
    "--noise",
    type=click.FloatRange(min=0),
    default=0.01,
    show_default=True,
    help="Relative change of a quantity, beyond both enclosures, that counts as none.",
)
@format_option
def diff(before: str, after: str, noise: float, form: str) -> int:
    """Say which verdicts of the report AFTER are better, worse, new or gone beside the report BEFORE.

    Exit code 0: nothing is worse, and nothing is gone. 1: something is worse, or is new and FAIL. 4: nothing is worse,
    but a verdict is gone.
    """
    from aeverify.comparing import compare
    from aeverify.core.comparison import Change
    from aeverify.core.policy import ExitCode
    from aeverify.reporting.wording import comparison_text

    (old, _), (new, _) = _read(before), _read(after)
    found = compare(old, new, noise=noise, source=before)
    if form == "json":
        print_json({"schema": "aeverify-diff/1", "counts": found.counts, **found.to_dict()})
    else:
        rows = [c for c in (*found.verdicts, *found.gone) if c.change is not Change.SAME]
        lines = [line for c in rows for line in _row(c.change, f"{c.claim} on {c.subject}", c.text)]
        print_text("\n".join([*lines, *wrapped(comparison_text(found), "")]))
    worse = any(c.change is Change.WORSE or (c.change is Change.NEW and c.after == "FAIL") for c in found.verdicts)
    if worse:
        return int(ExitCode.FAILED)
    return int(ExitCode.UNDECIDED if found.gone else ExitCode.PASSED)


def _row(change: str, what: str, text: str) -> list[str]:
    return [f"{change.upper():<8}{what}", *wrapped(text, " " * 8)]


@command_line.command("report", epilog=EXIT_CODES)
@click.argument("report", metavar="REPORT")
@click.option("--format", "form", type=click.Choice(_RENDERED), default="terminal", show_default=True)
@click.option("--out", metavar="FILE", help="Write to FILE, in one step, and not to stdout.")
@click.option("--model-card", metavar="FILE", help="Replace the aeverify section of a model card, or append it.")
def render(report: str, form: str, out: str | None, model_card: str | None) -> int:
    """Render REPORT (a report.json or its folder) again in another format, and exit as its gate says."""
    from aeverify import reporting
    from aeverify.reporting.model_card import update_model_card

    document, _ = _read(report)
    if model_card is not None:
        update_model_card(Path(model_card), document)
    text = reporting.render(document, form)
    if out is None:
        print_text(text)
    else:
        reporting.write_text(Path(out), text)
    return int(document.exit_code)
