"""`aeverify init`: a first claims file."""

from __future__ import annotations

from pathlib import Path

import click

from aeverify.cli.app import command_line, print_text


@command_line.command()
@click.argument("file", metavar="[FILE]", default="claims.toml")
@click.option("--force", is_flag=True, help="Replace the file where it exists.")
def init(file: str, force: bool) -> None:
    """Write a commented claims file (claims.toml by default) that runs as it is: aeverify check --claims FILE."""
    from aeverify.config.starter import STARTER
    from aeverify.reporting import write_text

    path = Path(file)
    if path.exists() and not force:
        raise click.UsageError(f"{file} exists: choose another name, or replace it with --force.")
    write_text(path, STARTER, replace=force)
    print_text(f"Wrote {file}. Next: aeverify check --claims {file}")
