"""Reports: pure renderers of `aeverify.core.Report`, one a format. Nothing is decided or measured here.

Importing this room loads no plotly, jinja2 or pydantic; a format loads what it needs when it is asked for.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any, Literal

from aeverify.core.report import Report
from aeverify.errors import UnknownNameError, UsageError

Format = Literal["json", "junit", "markdown", "html", "terminal"]

FORMATS = ("json", "junit", "markdown", "html", "terminal")
FILES = {"html": "report.html", "markdown": "report.md", "junit": "junit.xml", "json": "report.json"}
"""The file of each format that `write_report` writes, in that order: report.json, which all others are rendered from,
comes last."""

__all__ = ["FILES", "FORMATS", "Format", "read_report", "render", "report_json_schema", "write_report"]


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
    raise UnknownNameError("report format", str(format), FORMATS)


def write_report(report: Report, folder: str | os.PathLike[str]) -> list[Path]:
    """Write report.json, junit.xml, report.md and report.html into a folder, which is made where it is missing.

    All four are rendered before the first is written, each is written beside its name and moved onto it in one step:
    killed at any moment, every file is either the old one or the complete new one.

    Returns:
        The paths, in the order of writing.

    Raises:
        UsageError: the folder cannot be made or written, or the disk is full.
        InvariantError: as `render`.
    """
    texts = {name: render(report, form) for form, name in FILES.items()}
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        return [_replace(target / name, text) for name, text in texts.items()]
    except (OSError, ValueError) as error:
        raise UsageError(
            f"Cannot write the report into {str(target)!r}: {getattr(error, 'strerror', None) or error}. "
            "Give a folder that exists or can be made, that may be written to, and that has room for 6 MB."
        ) from error


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


def _replace(path: Path, text: str) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        # "x" refuses to follow a link that somebody put there; the mode is what the umask allows.
        with temporary.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path
