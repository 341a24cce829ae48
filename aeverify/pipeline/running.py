"""Running: a plan is carried out within its budget."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from aeverify import reporting
from aeverify.claims.diagnosis import describe
from aeverify.comparing import compare
from aeverify.config import Plan, Subject
from aeverify.core.clock import counted
from aeverify.core.events import Listener, RunInterrupted, RunStarted, silent
from aeverify.core.report import Report
from aeverify.core.verdict import Reason, Verdict
from aeverify.errors import AeverifyError, UsageError
from aeverify.figures import data_plot, figures, loss_plot
from aeverify.manifolds.chart import FloatArray
from aeverify.pipeline.budget import OutOfTime, time_limit
from aeverify.pipeline.gathering import discard_checkpoints, gather
from aeverify.pipeline.grounds import ManifoldGround, ground
from aeverify.pipeline.judging import deploy, fill_in, judge
from aeverify.pipeline.state import Member, Run
from aeverify.provenance import provenance


def run(
    plan: Plan, listener: Listener = silent, out: Path | None = None, command: str = "", *, resume: bool = False
) -> Report:
    """Carry a plan out: train its restarts, load its subjects, check every claim, draw the figures.

    Args:
        plan: what to do.
        listener: takes the events of the run (progress, verdicts).
        out: folder of the report; trained models are saved under `out/models` so that witnesses can be replayed.
        command: the command line, for the record.
        resume: go on from the checkpoints that a run of this plan left in `out/checkpoints` when it was killed or
            interrupted; where there are none, training starts as always. False discards them. A run that comes to its
            end removes its own.

    Returns:
        The report. An interrupt (Ctrl-C) does not raise: it ends the run, and the report holds what was finished, with
        `interrupted` set and every claim that was not reached INCONCLUSIVE. So does the end of the plan's time: claims
        that were not reached are INCONCLUSIVE for the reason NOT_RUN.

    Raises:
        UsageError: the plan asks for something that cannot be (an unknown oracle, a missing model file, a device that
            is not there, an output folder that cannot be written, checkpoints of another plan, a baseline on another
            set).
    """
    begun, clock = datetime.now(UTC), time.perf_counter()
    earlier = None if plan.baseline is None else reporting.read_report(plan.baseline)
    on = ground(plan.data or plan.manifold)
    if earlier is not None and earlier.manifold != on.spec:
        raise UsageError(
            f"The baseline {plan.baseline} is about K = {earlier.manifold}, this run about {on.spec}: give the report "
            "of an earlier run of the same job."
        )
    state = Run(plan, listener, out, on, resume, plan.latent_dim or 0)
    seconds = plan.budget.seconds
    state.emit(RunStarted(plan.title, on.spec, state.latent_dim, plan.seed))
    try:
        with time_limit(seconds), counted():
            gather(state)
            judge(state, None if seconds is None else time.monotonic() + seconds - (time.perf_counter() - clock))
            deploy(state)
            _draw(state)
        discard_checkpoints(state)
    except OutOfTime:
        state.notes.append(f"The time budget of {seconds:g} s ended during: {state.stage}.")
        fill_in(state, Reason.NOT_RUN, f"The time budget of {seconds:g} s ended before.")
    except KeyboardInterrupt:
        state.interrupted = state.stage
        state.emit(RunInterrupted(state.stage))
        state.notes.append(f"Interrupted during: {state.stage}. What had been finished is reported.")
        fill_in(state, Reason.INTERRUPTED)
    report = Report(
        title=plan.title,
        manifold=on.spec,
        manifold_facts=on.facts(),
        latent_dim=state.latent_dim,
        verdicts=tuple(_with_replay(v, state.members, out) for v in state.verdicts),
        models=tuple(state.records),
        plots=tuple(state.plots),
        provenance=provenance(plan.seed, command, begun, time.perf_counter() - clock, plan.device),
        policy=plan.policy,
        interrupted=state.interrupted,
        notes=(*state.notes, *_unused_ignores(plan, state.verdicts)),
        error_budget=state.error_budget,
    )
    if earlier is None:
        return report
    found = compare(earlier, report, noise=plan.noise, source=str(plan.baseline))
    return replace(report, baseline=found)


def _unused_ignores(plan: Plan, verdicts: Sequence[Verdict]) -> list[str]:
    return [
        f"The ignore of {i.claim}{f' on {i.subject}' if i.subject else ''} excuses no verdict: take it out."
        for i in plan.policy.ignores
        if not any(i.covers(v) for v in verdicts)
    ]


def _draw(state: Run) -> None:
    """The figures of the best restart and of one other, so that a reader sees how runs differ."""
    if not isinstance(state.ground, ManifoldGround):
        return
    started = state.begin("draw figures")
    checks = [c for m in state.members for c in m.checks]
    epsilon = next((getattr(c, "epsilon", 0.1) for c in checks if c.claim.id == "theorem-2"), 0.1)
    state.plots.append(data_plot(state.space))
    losses = {m.record.name: m.losses for m in state.members if m.losses is not None}
    if losses:
        state.plots.append(loss_plot(losses))
    restarts = [m for m in state.members if m.trained_here] or state.members
    probe: FloatArray = state.space.grid(500).points
    ranked = sorted(restarts, key=lambda m: float(np.mean(m.study.autoencoder.errors(probe))))
    for member in [*ranked[:1], *ranked[-1:]][: len(ranked)]:
        try:
            state.notes.append(f"{member.record.name}: {describe(member.study, epsilon)}.")
            state.plots += figures(member.study, member.record.name.replace(" ", "-"), epsilon)
        except AeverifyError as error:
            state.notes.append(f"No figures of {member.record.name}: {error}")
    state.end(started)


def _with_replay(verdict: Verdict, members: Sequence[Member], out: Path | None) -> Verdict:
    """The verdict with the command that evaluates its witness again."""
    if verdict.witness is None:
        return verdict
    member = next((m for m in members if m.record.hash == verdict.witness.model_hash), None)
    outside = None if member is None or member.subject is None or member.subject.file is None else member.subject
    if out is None or member is None or not (member.record.source or outside):
        return replace(verdict, replay=python_replay(verdict))
    words = ["aeverify", "replay", str(out / "report.json"), verdict.claim.id]
    return replace(verdict, replay=shlex.join(words if outside is None else [*words, *_how_to_open(outside)]))


def _how_to_open(subject: Subject) -> list[str]:
    words = ["--model", str(subject.file)]
    options = {"--decoder": subject.decoder, "--architecture": subject.architecture, "--latent": subject.latent}
    for option, value in options.items():
        words += [option, value] if value is not None else []
    return [*words, "--trust-model"] if subject.trust else words


def python_replay(verdict: Verdict) -> str:
    """The Python call that evaluates a witness again with a model that lives in memory only."""
    if verdict.witness is None:
        return ""
    return f"aeverify.replay(report, {verdict.claim.id!r}, autoencoder=autoencoder)"
