"""`aeverify run` and `aeverify check`: carry out a plan, write its report, exit as its gate says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO, TypeVar

import click

from aeverify.cli.app import EXIT_CODES, command_line, print_text
from aeverify.cli.surroundings import tell_surroundings

if TYPE_CHECKING:
    from aeverify.config import Given, Plan, Subject

F = TypeVar("F", bound=Callable[..., Any])

_FORMATS = ("terminal", "json", "markdown", "junit")
_OUTCOMES = ("fail", "error", "inconclusive", "vacuous")


def _shared(function: F) -> F:
    """Options that both commands have."""
    options = (
        click.option(
            "--seed", type=click.IntRange(0, 2**63 - 1), help="Root seed from which every random stream is derived."
        ),
        click.option("--out", metavar="FOLDER", help="Folder of the report; default reports/NAME of the plan."),
        click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="Where models are evaluated."),
        click.option(
            "--baseline", metavar="REPORT", help="An earlier report: only what is worse than there stops the release."
        ),
        click.option(
            "--fail-on",
            type=click.Choice(_OUTCOMES, case_sensitive=False),
            multiple=True,
            help="Exit 1 for this outcome too; FAIL always does. Repeatable.",
        ),
        click.option("--allow-inconclusive", is_flag=True, help="Exit 0 instead of 4 where claims are undecided."),
        click.option(
            "--time-budget",
            metavar="SECONDS",
            type=click.FloatRange(min=0, min_open=True),
            help="Stop after so many seconds; claims that were not reached are NOT RUN.",
        ),
        click.option(
            "--memory-budget",
            metavar="MIB",
            type=click.IntRange(min=1),
            help="Memory of the process; claims that need more are NOT RUN.",
        ),
        click.option("--trust-model", is_flag=True, help="Open model files that run code when they are opened."),
        click.option("--events", metavar="FILE", help="Write events to FILE as they happen, one JSON object a line."),
        click.option(
            "--model-card", metavar="FILE", help="Replace the aeverify section of a Markdown model card, or append it."
        ),
        click.option(
            "--github/--no-github",
            default=None,
            help="Annotations and step summary of a GitHub workflow; by default where one runs.",
        ),
        click.option("--quiet", is_flag=True, help="No progress on stderr."),
        click.option(
            "--format",
            "form",
            type=click.Choice(_FORMATS),
            default="terminal",
            show_default=True,
            help="What is printed on stdout; the folder gets every format.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@command_line.command(epilog=EXIT_CODES)
@click.argument("plan_file", metavar="[PLAN.toml]", required=False)
@click.option("--restarts", type=click.IntRange(1, 1000), help="Number of models to train.")
@click.option("--recipe", metavar="NAME", help="Training recipe; see 'aeverify list recipes'.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoints of a run that was killed or interrupted.")
@_shared
@click.pass_obj
def run(
    state: dict[str, Any],
    /,
    plan_file: str | None,
    restarts: int | None,
    recipe: str | None,
    resume: bool,
    **options: Any,
) -> int:
    """Train or load the models of a plan, check its claims, write the report.

    Without PLAN.toml: the two linked circles of Kvalheim and Sontag, a one-dimensional code and every claim that
    applies.
    """
    from aeverify import config

    plan = config.default_plan() if plan_file is None else config.load_plan(plan_file)
    if restarts is not None or recipe is not None:
        plan = _retrained(plan, restarts=restarts, recipe=recipe)
    return _carry_out(state["command"], _changed(plan, options), Path(plan_file or "default").stem, resume, options)


@command_line.command(epilog=EXIT_CODES)
@click.argument("model", metavar="[MODEL]", required=False)
@click.option("--on", "on", metavar="K", help="The set: a manifold such as two_circles, or a file or folder of data.")
@click.option("--claims", "claims_file", metavar="FILE", help="Claims file; 'aeverify init' writes one.")
@click.option(
    "--claim",
    "chosen",
    metavar="ID[:NAME=VALUE,...]",
    multiple=True,
    help="Check this claim, with parameters beside those of the claims file. Repeatable; default: those of the file, "
    "or every claim that applies.",
)
@click.option("--decoder", metavar="FILE", help="The decoder, where it has a file of its own.")
@click.option("--architecture", metavar="SPEC", help="What a file of bare weights belongs to, such as mlp:hidden=[64].")
@click.option("--latent", metavar="NAME", help="The tensor that is the code, in one ONNX graph of both maps.")
@click.option("--latent-dim", "-m", type=click.IntRange(min=1), help="Dimension of the code, where it is open.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Most points that the model is given at once.")
@click.option("--name", help="What the report calls the model.")
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Error probability of all statistical statements together.",
)
@_shared
@click.pass_obj
def check(
    state: dict[str, Any],
    /,
    model: str | None,
    on: str | None,
    claims_file: str | None,
    chosen: tuple[str, ...],
    latent_dim: int | None,
    alpha: float | None,
    **options: Any,
) -> int:
    """Hold MODEL to claims on the set K, write the report, and exit as the gate says.

    MODEL is a model file, an oracle such as cut:half_width=0.01, or, with --trust-model, module:factory. What is not
    given here (MODEL, K, claims, gate) comes from the claims file.
    """
    from aeverify import config

    if model is None and claims_file is None:
        raise click.UsageError("Nothing to check: give MODEL and --on K, or a claims file with --claims FILE.")
    subject = None if model is None else _subject(model, options)
    for name in ("decoder", "architecture", "latent", "batch_size", "name"):
        if model is None and options[name] is not None:
            raise click.UsageError(f"--{name.replace('_', '-')} is about MODEL, which is not given.")
    given = _given(subject, on)
    if claims_file is not None:
        plan = config.load_plan(claims_file, given)
    else:
        if on is None:
            raise click.UsageError("Missing option '--on': on which set? See 'aeverify list manifolds'.")
        plan = config.parse_plan({"title": f"{_named(model)} on {on}"}, "command line", given=given)
    plan = replace(
        plan,
        latent_dim=latent_dim or plan.latent_dim,
        alpha=alpha or plan.alpha,
        claims=_claims(plan.claims, chosen),
    )
    stem = Path(claims_file).stem if claims_file is not None else _named(model)
    return _carry_out(state["command"], _changed(plan, options), stem, False, options)


def _named(model: str | None) -> str:
    """A name for the folder of the report, from a path or a spec."""
    stem = Path(str(model).partition(":")[0]).stem
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in stem).strip(".") or "check"


def _subject(model: str, options: Mapping[str, Any]) -> Subject:
    """What MODEL names: a file that is there, an oracle, or else a file that is not there."""
    from aeverify.autoencoders.oracles import ORACLES
    from aeverify.config import Subject

    name = options["name"]
    if not Path(model).exists() and model.partition(":")[0].strip() in ORACLES:
        for option in ("decoder", "architecture", "latent", "batch_size"):
            if options[option] is not None:
                raise click.UsageError(f"--{option.replace('_', '-')} is for model files; {model} is an oracle.")
        return Subject(oracle=model, name=name)
    return Subject(
        file=model,
        name=name,
        decoder=options["decoder"],
        architecture=options["architecture"],
        latent=options["latent"],
        batch_size=options["batch_size"],
        trust=options["trust_model"],
    )


def _given(subject: Subject | None, on: str | None) -> Given:
    from aeverify.config import Given

    subjects = None if subject is None else (subject,)
    if on is None:
        return Given(subjects)
    return Given(subjects, data=on) if _is_data(on) else Given(subjects, manifold=on)


def _is_data(on: str) -> bool:
    """Whether K is a path: it is there, or looks like one rather than like a spec of a manifold."""
    from aeverify.manifolds import MANIFOLDS

    if on.partition(":")[0].strip() in MANIFOLDS:
        return False
    return Path(on).exists() or "/" in on or bool(Path(on).suffix and ":" not in on)


def _claims(
    own: Mapping[str, Mapping[str, Any]] | None, chosen: tuple[str, ...]
) -> Mapping[str, Mapping[str, Any]] | None:
    """The claims of the run: those of the file, or the chosen ones with the parameters of both."""
    if not chosen:
        return own
    from aeverify.core.spec import Spec

    found: dict[str, dict[str, Any]] = {}
    for text in chosen:
        spec = Spec.parse(text)
        if spec.name in found:
            raise click.UsageError(f"--claim {spec.name} is given twice; give all its parameters at once.")
        found[spec.name] = {**(own or {}).get(spec.name, {}), **spec.parameters}
    return found


def _changed(plan: Plan, options: Mapping[str, Any]) -> Plan:
    """The plan with what the shared options say."""
    from aeverify.config import Budget
    from aeverify.core.verdict import Outcome

    policy = plan.policy
    if options["allow_inconclusive"]:
        policy = replace(policy, allow_inconclusive=True)
    if options["fail_on"]:
        policy = replace(policy, fail_on=tuple(dict.fromkeys(Outcome(o.upper()) for o in options["fail_on"])))
    return replace(
        plan,
        seed=plan.seed if options["seed"] is None else options["seed"],
        device=options["device"] or plan.device,
        baseline=options["baseline"] or plan.baseline,
        policy=policy,
        budget=Budget(
            options["time_budget"] or plan.budget.seconds, options["memory_budget"] or plan.budget.memory_mib
        ),
        subjects=tuple(replace(s, trust=s.trust and options["trust_model"]) for s in plan.subjects),
    )


def _carry_out(command: str, plan: Plan, stem: str, resume: bool, options: Mapping[str, Any]) -> int:
    """Run the plan, write the report, tell everybody, and return the exit code."""
    from aeverify import pipeline, reporting
    from aeverify.core.events import Event, JsonLines
    from aeverify.pipeline.budget import limit_memory
    from aeverify.reporting.progress import ProgressLines

    quiet = options["quiet"]
    folder = _writable(Path(options["out"] or plan.out or f"reports/{stem}"))
    if plan.budget.memory_mib is not None:
        limit_memory(plan.budget.memory_mib)
    progress = None if quiet else ProgressLines(sys.stderr, live=sys.stderr.isatty())
    with _event_file(options["events"], "a" if resume else "w") as stream:
        listeners = [listener for listener in (progress, stream and JsonLines(stream)) if listener]

        def tell(event: Event) -> None:
            for listener in listeners:
                listener(event)

        report = pipeline.run(plan, tell, out=folder, command=command, resume=resume)
    if progress:
        progress.close()
    reporting.write_report(report, folder)
    print_text(reporting.render(report, options["form"]))
    if not quiet:
        click.echo(f"Report: {folder / 'report.html'}", err=True)
    tell_surroundings(report, options["github"], options["model_card"])
    return int(report.exit_code)


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
