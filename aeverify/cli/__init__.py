"""The `aeverify` command: stdout carries the result, stderr the progress, the exit code the gate.

Everything heavy is imported inside the commands, so that help is instant. Only this room exits.
"""

from typing import NoReturn

from aeverify.cli import facts, judging, reports, starting
from aeverify.cli.app import command_line
from aeverify.cli.facts import KINDS

__all__ = ["KINDS", "command_line", "facts", "judging", "main", "reports", "starting"]


def main() -> NoReturn:
    """Entry point of the `aeverify` command."""
    command_line.main()
