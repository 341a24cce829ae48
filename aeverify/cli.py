"""The `aeverify` command: stdout carries the result, stderr the progress, the exit code the gate.

Everything heavy is imported inside the commands, so that help is instant. Only this module exits.
"""

from __future__ import annotations

import importlib
import json
import os
import shlex
import sys
import textwrap
import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TextIO

import click

from aeverify import __version__
from aeverify.errors import AeverifyError, Interrupted, InvariantError, UsageError

if TYPE_CHECKING:
    from aeverify.config import Plan
    from aeverify.core import Evidence, Report

_COLUMNS = 100
_COORDINATES = 6
_EXIT_CODES = """\
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
_REGISTRIES = {
    "claims": ("aeverify.claims", "CLAIMS"),
    "manifolds": ("aeverify.manifolds", "MANIFOLDS"),
    "recipes": ("aeverify.autoencoders.recipes", "RECIPES"),
    "oracles": ("aeverify.autoencoders.oracles", "ORACLES"),
    "kinds": ("aeverify.autoencoders.kinds", "KINDS"),
}
KINDS = tuple(_REGISTRIES)


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


@click.group("aeverify", cls=CommandLine, epilog=_EXIT_CODES)
@click.version_option(__version__, prog_name="aeverify")
@click.pass_context
def command_line(context: click.Context) -> None:
    """Which theorem-level claims about an autoencoder are true, with what evidence."""
    if os.environ.get("NO_COLOR"):
        context.color = False


_format = click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal")


@command_line.command(epilog=_EXIT_CODES)
@click.argument("plan_file", metavar="[PLAN.toml]", required=False)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Root seed from which every random stream is derived.")
@click.option("--out", metavar="FOLDER", help="Folder of the report; default reports/NAME of the plan.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="Where models are trained.")
@click.option("--restarts", type=click.IntRange(1, 1000), help="Number of models to train.")
@click.option("--recipe", metavar="NAME", help="Training recipe; see 'aeverify list recipes'.")
@click.option("--allow-inconclusive", is_flag=True, help="Exit 0 instead of 4 where gated claims are undecided.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoints of a run that was killed or interrupted.")
@click.option("--events", metavar="FILE", help="Write what happens to FILE as it happens, one JSON object a line.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json", "markdown", "junit"]),
    default="terminal",
    show_default=True,
    help="What is printed on stdout; the folder gets every format.",
)
@click.pass_obj
def run(
    state: dict[str, Any],
    plan_file: str | None,
    seed: int | None,
    out: str | None,
    device: str | None,
    restarts: int | None,
    recipe: str | None,
    allow_inconclusive: bool,
    resume: bool,
    events: str | None,
    quiet: bool,
    form: str,
) -> int:
    """Train or load the models of a plan, check its claims, write the report.

    Without PLAN.toml: the two linked circles of Kvalheim and Sontag, a one-dimensional code and every claim that
    applies.
    """
    from aeverify import pipeline, reporting
    from aeverify.core.events import Event, JsonLines
    from aeverify.reporting.progress import ProgressLines

    plan = _plan(plan_file, seed=seed, device=device)
    if restarts is not None or recipe is not None:
        plan = _retrained(plan, restarts=restarts, recipe=recipe)
    if allow_inconclusive:
        plan = replace(plan, policy=replace(plan.policy, allow_inconclusive=True))
    folder = _writable(Path(out or plan.out or f"reports/{Path(plan_file or 'default').stem}"))

    progress = None if quiet else ProgressLines(sys.stderr, live=sys.stderr.isatty())
    with _event_file(events, "a" if resume else "w") as stream:
        listeners = [listener for listener in (progress, stream and JsonLines(stream)) if listener]

        def tell(event: Event) -> None:
            for listener in listeners:
                listener(event)

        report = pipeline.run(plan, tell, out=folder, command=state["command"], resume=resume)
    if progress:
        progress.close()
    reporting.write_report(report, folder)
    _print(reporting.render(report, form))
    if not quiet:
        click.echo(f"Report: {folder / 'report.html'}", err=True)
    return int(report.exit_code)


def _plan(plan_file: str | None, **changes: Any) -> Plan:
    from aeverify import config

    plan = config.default_plan() if plan_file is None else config.load_plan(plan_file)
    return replace(plan, **{name: value for name, value in changes.items() if value is not None})


def _retrained(plan: Plan, restarts: int | None, recipe: str | None) -> Plan:
    from aeverify.autoencoders.recipes import recipe as find

    if plan.training is None:
        raise click.UsageError(
            "--restarts and --recipe are for plans that train models; this one has no [train] table."
        )
    chosen = find(recipe or plan.training.recipe).name
    return replace(plan, training=replace(plan.training, restarts=restarts or plan.training.restarts, recipe=chosen))


def _event_file(path: str | None, mode: Literal["a", "w"]) -> AbstractContextManager[TextIO | None]:
    """The file that events are written to; None where none was asked for."""
    if path is None:
        return nullcontext()
    try:
        return Path(path).open(mode, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(
            f"The events file {path} cannot be written: {error.strerror or error}. Choose another with --events."
        ) from error


def _writable(folder: Path) -> Path:
    """The folder, created and shown to be writable before anything long begins."""
    probe = folder / ".aeverify-write-test"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise click.UsageError(
            f"The output folder {folder} cannot be written: {error.strerror or error}. Choose another with --out."
        ) from error
    return folder


@command_line.command()
@click.argument("manifold_spec", metavar="MANIFOLD")
@click.option("--latent-dim", "-m", type=int, required=True, help="Dimension of the code.")
@click.option(
    "--explain",
    is_flag=True,
    help="Run every method, also those that cannot improve the bounds, and give all proofs and witnesses.",
)
@_format
def width(manifold_spec: str, latent_dim: int, explain: bool, form: str) -> None:
    """Bounds on the best worst-case error that ANY autoencoder can have on MANIFOLD.

    The width w_m(K) is the infimum of sup |D(E(x)) - x| over x in K, over all continuous encoders E and decoders D
    with an m-dimensional code. MANIFOLD is a specification such as two_circles or ellipse:a=3,b=2.
    """
    from aeverify import widths
    from aeverify.manifolds import manifold
    from aeverify.reporting.wording import interval_text

    subject = manifold(manifold_spec)
    best = widths.bounds(subject, latent_dim, every=explain)
    lower = widths.lower_bounds(subject, latent_dim, every=explain)
    upper = widths.upper_bounds(subject, latent_dim, every=explain)
    if form == "json":
        _print_json(
            {
                "schema": "aeverify-width/1",
                "manifold": str(subject),
                "latent_dim": latent_dim,
                "interval": best.interval.to_dict(),
                "rigor": str(best.rigor),
                "width": best.to_dict(),
                "lower_bounds": [e.to_dict() for e in lower],
                "upper_bounds": [e.to_dict() for e in upper],
            }
        )
        return
    exact = " exactly" if best.interval.is_exact else ""
    lines = [f"w_{latent_dim}({subject}) = {interval_text(best.interval)}{exact}   ({best.rigor})", ""]
    lines += _bounds("The worst error of every continuous autoencoder lies in", lower, explain)
    lines += _bounds("The least worst error that some continuous autoencoder comes near lies in", upper, explain)
    _print("\n".join(lines).rstrip())


def _bounds(heading: str, bounds: Iterable[Evidence], explain: bool) -> list[str]:
    """Lines that list bounds, best first; proof and witness of the best one, or of all."""
    from aeverify.reporting.wording import interval_text

    lines = [heading]
    for i, bound in enumerate(bounds):
        lines.append(f"  {interval_text(bound.interval):<16}{bound.details['name']} ({bound.rigor})")
        if i == 0 or explain:
            parts = [
                bound.method,
                f"Proof. {bound.details['proof']}",
                *_witness_text(bound),
                *(f"Assumed: {a}." for a in bound.assumptions),
                *(f"Source: {c}." for c in bound.citations),
            ]
            lines += [line for part in parts for line in _wrapped(part, " " * 18)]
    return [*lines, ""]


def _witness_text(bound: Evidence) -> list[str]:
    """One paragraph with the points that show a bound; none where it has no witness."""
    if bound.witness is None:
        return []
    shown = []
    for p in bound.witness.points:
        # What is 0 up to rounding is shown as 0.
        size = max(map(abs, p.point), default=0.0)
        seen = [0.0 if abs(v) < 1e-12 * size else v for v in p.point[:_COORDINATES]]
        at = ", ".join(f"{v:.6g}" for v in seen) + (", ..." if len(p.point) > _COORDINATES else "")
        where = ", ".join(f"{v:.6g}" for v in p.parameters)
        shown.append(f"({at}) at parameter{'s' if len(p.parameters) > 1 else ''} {where} of chart {p.component}")
    return [f"Witness: {bound.witness.note}: {'; '.join(shown)}."]


@command_line.command("list")
@click.argument("kind", type=click.Choice(KINDS))
@_format
def list_entries(kind: str, form: str) -> None:
    """List the known claims, manifolds, recipes, oracles or model kinds."""
    entries = [_entry(kind, name, thing) for name, thing in _registry(kind).items()]
    if form == "json":
        _print_json({"schema": "aeverify-list/1", "kind": kind, "entries": entries})
        return
    widest = max((len(e["name"]) for e in entries), default=0)
    lines: list[str] = []
    for entry in entries:
        lines += _wrapped(entry["summary"], " " * (widest + 2), first=f"{entry['name']:<{widest}}  ")
        lines += [
            line
            for name, about in entry["parameters"].items()
            for line in _wrapped(_parameter(name, about), " " * (widest + 8), first=" " * (widest + 4))
        ]
    _print("\n".join(lines))


@command_line.command()
@click.argument("claim_id", metavar="CLAIM")
@_format
def explain(claim_id: str, form: str) -> None:
    """Say what CLAIM states, where it is proved, and what its parameters mean."""
    from aeverify.claims import claim as find

    check = find(claim_id)
    claim, parameters = check.claim, check.parameters()
    if form == "json":
        _print_json({"schema": "aeverify-claim/1", **claim.to_dict(), "parameters": _plain(parameters)})
        return
    lines = [f"{claim.id}: {claim.title}", "", *_wrapped(claim.statement, ""), ""]
    facts = {
        "kind": str(claim.kind),
        "decided by": f"{claim.quantity} {claim.relation} threshold",
        "restarts": f"{claim.quantifier} restart of a run must satisfy it",
        "source": f"{claim.citation}. {claim.citation.statement}".strip(),
    }
    for name, fact in facts.items():
        lines += _wrapped(fact, " " * 12, first=f"{name + ':':<12}")
    if parameters:
        lines += ["", "parameters:"]
    for name, about in parameters.items():
        lines += _wrapped(_parameter(name, about), " " * 6, first="  ")
    _print("\n".join(lines))


@command_line.command(epilog=_EXIT_CODES)
@click.argument("report", metavar="REPORT")
@click.argument("claim_id", metavar="[CLAIM]", required=False)
@_format
def replay(report: str, claim_id: str | None, form: str) -> int:
    """Evaluate the witnesses of REPORT (a report.json or its folder) again, of one CLAIM or of all.

    Exit code 0: every witness that was tried is reproduced. 1: one has changed. 4: there was no witness to try.
    """
    from aeverify import reporting
    from aeverify.core.policy import ExitCode
    from aeverify.replaying import replay as replayed

    path = Path(report)
    path = path / "report.json" if path.is_dir() else path
    document: Report = reporting.read_report(path)
    results = replayed(document, claim_id, path.parent)
    if form == "json":
        rows = [{"claim": r.claim, "subject": r.subject, "status": r.status, "text": r.text} for r in results]
        _print_json({"schema": "aeverify-replay/1", "results": rows})
    else:
        lines = [
            line for r in results for line in (f"{r.status:<12} {r.claim} on {r.subject}", *_wrapped(r.text, " " * 13))
        ]
        _print("\n".join(lines) or "The report has no verdict to replay.")
    statuses = {r.status for r in results}
    if "CHANGED" in statuses:
        return int(ExitCode.FAILED)
    return int(ExitCode.PASSED if "REPRODUCED" in statuses else ExitCode.UNDECIDED)


def _registry(kind: str) -> Mapping[str, Any]:
    module, name = _REGISTRIES[kind]
    found: Mapping[str, Any] = getattr(importlib.import_module(module), name)
    return found


def _entry(kind: str, name: str, thing: Any) -> dict[str, Any]:
    """One row of a list: name, one sentence, parameters with their defaults and meanings."""
    if kind == "claims":
        return {"name": name, "summary": thing.claim.title, "parameters": _plain(thing.parameters())}
    if kind == "manifolds":
        parameters = {p.name: {"default": p.default, "meaning": p.meaning} for p in thing.parameters}
        return {"name": name, "summary": thing.summary, "parameters": parameters, "examples": list(thing.examples)}
    return {"name": name, "summary": thing.summary, "parameters": _plain(thing.parameters)}


def _plain(value: Any) -> Any:
    """The value as JSON knows it."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _parameter(name: str, about: Any) -> str:
    if not isinstance(about, dict):
        return f"{name}: {about}"
    default = f" (default {about['default']})" if about.get("default") is not None else ""
    return f"{name}: {about.get('meaning', '')}{default}"


def _wrapped(text: str, indent: str, first: str | None = None) -> list[str]:
    """Lines of at most 100 columns."""
    start = indent if first is None else first
    return textwrap.wrap(text, _COLUMNS, initial_indent=start, subsequent_indent=indent) or [start.rstrip()]


def _print_json(document: Any) -> None:
    _print(json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False))


def _print(text: str) -> None:
    """Write the result. A reader that has closed the pipe does not change the exit code, which is the gate's."""
    try:
        click.echo(text.rstrip("\n"))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(exit_code: str, message: str) -> NoReturn:
    from aeverify.core.policy import ExitCode

    click.echo(f"aeverify: {' '.join(message.split())}", err=True)
    sys.exit(int(ExitCode[exit_code]))


def main() -> NoReturn:
    """Entry point of the `aeverify` command."""
    command_line.main()
