"""What a run tells its surroundings: a GitHub workflow that it runs in, a model card that it keeps up to date."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from aeverify.core import Report


def tell_surroundings(report: Report, github: bool | None, model_card: str | None) -> None:
    """Annotations and step summary where asked for (`github`), or, with None, where a GitHub workflow runs; the section
    of a model card where one is named.

    Annotations go to stderr, which the runner reads as it reads stdout, so that stdout stays one document.

    Raises:
        UsageError: the model card cannot be read or written.
    """
    from aeverify.reporting.model_card import update_model_card

    if model_card is not None:
        update_model_card(Path(model_card), report)
    if github is None:
        github = os.environ.get("GITHUB_ACTIONS") == "true"
    if not github:
        return
    from aeverify.reporting.github import step_summary, workflow_commands

    for line in workflow_commands(report):
        click.echo(line, err=True)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        return
    try:
        with Path(summary).open("a", encoding="utf-8") as stream:
            stream.write(step_summary(report))
    except OSError as error:
        click.echo(f"aeverify: the step summary {summary} cannot be written: {error.strerror or error}.", err=True)
