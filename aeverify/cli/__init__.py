"""The `aeverify` command: stdout carries the result, stderr the progress, the exit code the gate.

Everything heavy is imported inside the commands, so that help is instant. Only this room exits.
"""

from typing import NoReturn

from aeverify.audit import command as audit_command
from aeverify.cli import facts, judging, reports, starting
from aeverify.cli.app import command_line
from aeverify.cli.facts import KINDS

__all__ = ["KINDS", "command_line", "facts", "judging", "main", "reports", "starting"]

command_line.command(epilog=audit_command.EPILOG)(audit_command.audit)


def main() -> NoReturn:
    """Entry point of the `aeverify` command."""
    command_line.main()
