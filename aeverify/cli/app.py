"""The command line itself: what every command shares. Nothing heavy is imported here, so that help is instant."""

from __future__ import annotations

import json
import os
import shlex
import sys
import textwrap
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from aeverify import __version__
from aeverify.errors import AeverifyError, Interrupted, InvariantError, UsageError

COLUMNS = 100
_LONGEST = 3000
"""Characters of an error message that are shown."""
EXIT_CODES = """\
\b
Exit codes:
  0    every gated claim is PASS
  1    some gated claim is FAIL
  2    usage error: an option, a name, a specification or a file is wrong
  3    the check or the model crashed
  4    nothing failed, but a gated claim is INCONCLUSIVE, VACUOUS or was not run
  130  interrupted; what was finished is reported

In JSON an interval is {"lower": x, "upper": y}; an infinite end is the string "inf" or "-inf".
"""


class Command(click.Command):
    """A command with `--debug`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(
                ["--debug"],
                is_flag=True,
                expose_value=False,
                callback=lambda context, _, value: context.obj.update(debug=value),
                help="Show the traceback of an internal error.",
            )
        )


class CommandLine(click.Group):
    """The group of all commands; turns whatever goes wrong into one paragraph and the right exit code."""

    command_class = Command

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        **extra: Any,
    ) -> NoReturn:
        """Run the command line and exit."""
        arguments = list(sys.argv[1:] if args is None else args)
        state: dict[str, Any] = {"command": shlex.join(["aeverify", *arguments]), "debug": False}
        extra = {"obj": state, **extra, "standalone_mode": False}
        try:
            code = super().main(arguments, prog_name or "aeverify", **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(2)
        except click.UsageError as error:
            where = f" See '{error.ctx.command_path} --help'." if error.ctx else ""
            _fail("USAGE", error.format_message() + where)
        except click.ClickException as error:
            _fail("USAGE", error.format_message())
        except (click.Abort, KeyboardInterrupt, Interrupted):
            _fail("INTERRUPTED", "interrupted.")
        except UsageError as error:
            _fail("USAGE", str(error))
        except Exception as error:
            if state["debug"]:
                traceback.print_exc()
            if isinstance(error, AeverifyError) and not isinstance(error, InvariantError):
                _fail("INTERNAL", str(error))
            _fail(
                "INTERNAL",
                f"internal error: {type(error).__name__}: {error}. Nothing was decided. This is a bug of aeverify: "
                f"please report it with aeverify {__version__}, the command line and the output of the same command "
                "with --debug.",
            )
        sys.exit(code if isinstance(code, int) else 0)


@click.group("aeverify", cls=CommandLine, epilog=EXIT_CODES)
@click.version_option(__version__, prog_name="aeverify")
@click.pass_context
def command_line(context: click.Context) -> None:
    """Which theorem-level claims about an autoencoder are true, with what evidence."""
    if os.environ.get("NO_COLOR"):
        context.color = False


format_option = click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal")


def wrapped(text: str, indent: str, first: str | None = None) -> list[str]:
    """Lines of at most 100 columns."""
    start = indent if first is None else first
    return textwrap.wrap(text, COLUMNS, initial_indent=start, subsequent_indent=indent) or [start.rstrip()]


def print_json(document: Any) -> None:
    """Write one JSON document."""
    print_text(json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False))


def print_text(text: str) -> None:
    """Write the result. A reader that has closed the pipe does not change the exit code, which is the gate's."""
    try:
        click.echo(text.rstrip("\n"))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(exit_code: str, message: str) -> NoReturn:
    from aeverify.core.policy import ExitCode
    from aeverify.reporting.escaping import plain

    text = plain(" ".join(message.split()))  # names in it come from files
    click.echo(f"aeverify: {text if len(text) <= _LONGEST else text[:_LONGEST] + ' ...'}", err=True)
    sys.exit(int(ExitCode[exit_code]))
