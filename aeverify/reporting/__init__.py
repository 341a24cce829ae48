"""Reports: pure renderers of `aeverify.core.Report`, one a format. Nothing is decided or measured here.

Importing this room loads no plotly, jinja2 or pydantic; a format loads what it needs when it is asked for.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from aeverify.core.report import Report
from aeverify.errors import UnknownNameError, UsageError

Format = Literal["json", "junit", "markdown", "html", "terminal", "csv", "github", "model-card"]

FORMATS = ("json", "junit", "markdown", "html", "terminal", "csv", "github", "model-card")
FILES = {"html": "report.html", "markdown": "report.md", "junit": "junit.xml", "json": "report.json"}
"""The file of each format that `write_report` writes, in that order: report.json, which all others are rendered from,
comes last."""

__all__ = ["FILES", "FORMATS", "Format", "read_report", "render", "report_json_schema", "write_report", "write_text"]


def render(report: Report, format: Format | str, *, color: bool = False) -> str:
    """The report as text of one format, for a screen or a file.

    Args:
        report: what was found.
        format: one of FORMATS.
        color: ANSI colours in the terminal form; other formats have none. NO_COLOR is the caller's to honour.

    Raises:
        UnknownNameError: no such format.
        InvariantError: the report holds what JSON cannot (a value of a foreign type in `details`).
    """
    if format == "json":
        from aeverify.reporting.json import render_json

        return render_json(report)
    if format == "junit":
        from aeverify.reporting.junit import render_junit

        return render_junit(report)
    if format == "markdown":
        from aeverify.reporting.markdown import render_markdown

        return render_markdown(report)
    if format == "html":
        from aeverify.reporting.html import render_html

        return render_html(report)
    if format == "terminal":
        from aeverify.reporting.terminal import render_terminal

        return render_terminal(report, color=color)
    if format == "csv":
        from aeverify.reporting.csv import render_csv

        return render_csv(report)
    if format == "github":
        from aeverify.reporting.github import step_summary

        return step_summary(report)
    if format == "model-card":
        from aeverify.reporting.model_card import render_model_card

        return render_model_card(report)
    raise UnknownNameError("report format", str(format), FORMATS)


def write_report(report: Report, folder: str | os.PathLike[str]) -> list[Path]:
    """Write report.json, junit.xml, report.md and report.html (and plotly.js beside it, where the report has figures)
    into a folder, which is made where it is missing.

    Everything is rendered before anything is written, and the folder changes in one step: killed at any moment, it
    holds the old report or the complete new one; see `aeverify.reporting.writing` for where that cannot be had.

    Returns:
        The paths.

    Raises:
        UsageError: the folder cannot be made or written, or the disk is full.
        InvariantError: as `render`.
    """
    from aeverify.reporting.json import to_plain
    from aeverify.reporting.writing import write_folder

    # what JSON keeps of the report (coordinates of figures are rounded there), so that rendering the file that was
    # written gives the same bytes again
    kept = Report.from_dict(to_plain(report))
    texts = {name: render(kept, form) for form, name in FILES.items()}
    target = Path(folder)
    try:
        if report.plots:
            from aeverify.reporting.html import library_name, library_script

            if not (target.parent / library_name()).is_file():
                texts = {library_name(): library_script(), **texts}
        return write_folder(target, texts)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"Cannot write the report into {str(target)!r}: {getattr(error, 'strerror', None) or error}. "
            "Give a folder that exists or can be made, that may be written to, and that has room for 6 MB."
        ) from error


def write_text(path: str | os.PathLike[str], text: str, *, replace: bool = True) -> None:
    """Write one text file in one step: killed at any moment, it is the old one or the complete new one.

    Raises:
        UsageError: it cannot be written, or, without `replace`, it exists.
    """
    from aeverify.reporting.writing import replace_file

    try:
        replace_file(Path(path), text, replace=replace)
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot write {str(path)!r}: {getattr(error, 'strerror', None) or error}.") from None


def read_report(path: str | os.PathLike[str]) -> Report:
    """The Report in a report.json or in a folder that holds one; see `aeverify.reporting.schema.read_report`.

    Raises:
        UsageError: the file is missing, damaged, hostile, of another version, or was edited.
    """
    from aeverify.reporting import schema

    return schema.read_report(path)


def report_json_schema() -> dict[str, Any]:
    """The JSON Schema of report.json."""
    from aeverify.reporting import schema

    return schema.report_json_schema()
