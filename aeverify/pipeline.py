"""Pipeline: a plan in, a report out. Train or load, measure, decide, collect; others render and exit."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from aeverify.autoencoders.checkpoints import discard
from aeverify.autoencoders.kinds import network
from aeverify.autoencoders.linear import PcaAutoencoder
from aeverify.autoencoders.loading import load, save
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.autoencoders.recipes import described
from aeverify.autoencoders.training import TrainingResult, train_restarts
from aeverify.claims import CLAIMS, Check, Effort, Study, claim
from aeverify.claims.diagnosis import describe
from aeverify.claims.lipschitz_price import LipschitzPrice
from aeverify.claims.restarts import combine
from aeverify.config import Plan, Subject
from aeverify.core.claim import Quantifier
from aeverify.core.events import (
    Event,
    Listener,
    RunInterrupted,
    RunStarted,
    StageFinished,
    StageStarted,
    VerdictReached,
    silent,
)
from aeverify.core.policy import GatePolicy
from aeverify.core.report import ModelRecord, Plot, Report
from aeverify.core.seeds import Seed
from aeverify.core.spec import Spec
from aeverify.core.verdict import Outcome, Reason, Verdict
from aeverify.errors import AeverifyError, UsageError
from aeverify.figures import data_plot, figures, loss_plot
from aeverify.manifolds import Manifold, facts, has_published_data, manifold, training_points
from aeverify.manifolds.base import Sample
from aeverify.manifolds.chart import FloatArray
from aeverify.provenance import provenance

_DRAWN_POINTS = 1000
TOGETHER = "read both, a small bad set alone is no evidence for m."


@dataclass(eq=False)
class _Member:
    """A model of the run with what is recorded of it."""

    record: ModelRecord
    study: Study
    checks: tuple[Check, ...]
    losses: tuple[tuple[float, ...], tuple[float, ...]] | None = None


@dataclass(eq=False)
class _Run:
    """State of one run: what was finished so far, so that an interrupt loses nothing."""

    plan: Plan
    listener: Listener
    out: Path | None
    manifold: Manifold
    resume: bool = False
    members: list[_Member] = field(default_factory=list)
    records: list[ModelRecord] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stage: str = "start"
    interrupted: str = ""

    def emit(self, event: Event) -> None:
        self.listener(event)

    def begin(self, stage: str) -> float:
        self.stage = stage
        self.emit(StageStarted(stage))
        return time.perf_counter()

    def end(self, started: float, note: str = "") -> None:
        self.emit(StageFinished(self.stage, time.perf_counter() - started, note))


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
        `interrupted` set and every claim that was not reached INCONCLUSIVE.

    Raises:
        UsageError: the plan asks for something that cannot be (an unknown oracle, a missing model file, a device that
            is not there, an output folder that cannot be written, checkpoints of another plan).
    """
    begun, clock = datetime.now(UTC), time.perf_counter()
    space = manifold(plan.manifold)
    state = _Run(plan, listener, out, space, resume)
    state.emit(RunStarted(plan.title, str(space), plan.latent_dim, plan.seed))
    try:
        _gather(state)
        _judge(state)
        _deploy(state)
        _draw(state)
        _discard_checkpoints(state)
    except KeyboardInterrupt:
        state.interrupted = state.stage
        state.emit(RunInterrupted(state.stage))
        _fill_in(state)
    return Report(
        title=plan.title,
        manifold=str(space),
        manifold_facts=facts(space),
        latent_dim=plan.latent_dim,
        verdicts=tuple(_with_replay(v, state.records, plan, out) for v in state.verdicts),
        models=tuple(state.records),
        plots=tuple(state.plots),
        provenance=provenance(plan.seed, command, begun, time.perf_counter() - clock, plan.device),
        policy=plan.policy,
        interrupted=state.interrupted,
        notes=tuple(state.notes),
    )


def check(
    autoencoder: Autoencoder,
    manifold: Manifold | Spec | str,
    claims: Iterable[str | Check] | Mapping[str, Mapping[str, Any]] | str | None = None,
    seed: int = 0,
    *,
    training: Sample | None = None,
    alpha: float = 0.01,
    effort: Effort | None = None,
    policy: GatePolicy | None = None,
    listener: Listener = silent,
) -> Report:
    """Judge one autoencoder on one compact set.

    Args:
        autoencoder: the subject; see `Autoencoder.from_modules` and `Autoencoder.from_callables`.
        manifold: the set K, or its spec.
        claims: ids, or ids with parameters; None takes every claim that applies to K and the latent dimension.
        seed: root seed.
        training: the points that the model was trained on, where a claim asks for them.
        alpha: error probability of all statistical statements together.
        effort: sample sizes.
        policy: which claims gate; all by default.
        listener: takes the events.

    Returns:
        The report; `.outcome` and `.verdicts` are what to look at. What the model does wrong (NaN, an exception, a
        wrong shape) comes back as an ERROR verdict, not as an exception.

    Raises:
        UsageError: unknown claim or manifold, no claim at all, or an autoencoder of another ambient dimension than K.

    Example:
        >>> import aeverify
        >>> from aeverify.autoencoders.oracles import oracle
        >>> aeverify.check(oracle("cut:half_width=0.01"), "circle", claims=["theorem-1"]).outcome
        <Outcome.PASS: 'PASS'>
    """
    begun, clock = datetime.now(UTC), time.perf_counter()
    space = _manifold(manifold)
    if not isinstance(autoencoder, Autoencoder):
        raise UsageError(
            f"Expected an aeverify.Autoencoder, got {type(autoencoder).__name__}; wrap the model with "
            "Autoencoder.from_modules(encoder, decoder) or Autoencoder.from_callables(encode, decode, ...)."
        )
    if autoencoder.ambient_dim != space.ambient_dim:
        raise UsageError(
            f"{autoencoder.name} takes points of R^{autoencoder.ambient_dim}, but {space} lies in "
            f"R^{space.ambient_dim}. Give a model and a set of one ambient dimension."
        )
    checks = _checks(claims, space, autoencoder.latent_dim)
    root = Seed(seed)
    study = Study(
        autoencoder,
        space,
        root.child("check"),
        alpha=_share(alpha, [checks], space),
        training=training,
        effort=effort or Effort(),
    )
    verdicts = []
    for each in checks:
        verdict = each.check(study)
        verdicts.append(verdict)
        listener(VerdictReached(verdict))
    record = _record(autoencoder)
    return Report(
        title=f"{autoencoder.name} on {space}",
        manifold=str(space),
        manifold_facts=facts(space),
        latent_dim=autoencoder.latent_dim,
        verdicts=tuple(replace(v, replay=_python_replay(v)) for v in verdicts),
        models=(record,),
        plots=(),
        provenance=provenance(seed, "aeverify.check(...)", begun, time.perf_counter() - clock, "cpu"),
        policy=policy or GatePolicy(),
        notes=() if checks else ("No claim applies to this set and latent dimension, so nothing was checked.",),
    )


def _manifold(given: Manifold | Spec | str) -> Manifold:
    return manifold(given)


def _checks(
    claims: Iterable[str | Check] | Mapping[str, Mapping[str, Any]] | str | None, space: Manifold, latent_dim: int
) -> tuple[Check, ...]:
    if claims is None:
        return tuple(c for c in CLAIMS.values() if c.chosen(space, latent_dim))
    if isinstance(claims, str):
        claims = [claims]
    if isinstance(claims, Mapping):
        chosen = tuple(claim(name).configured(parameters) for name, parameters in claims.items())
    else:
        chosen = tuple(c if isinstance(c, Check) else claim(c) for c in claims)
    if not chosen:
        raise UsageError("No claim was named: nothing checked is not a pass. Name at least one, or give claims=None.")
    return chosen


def _share(alpha: float, groups: Sequence[Sequence[Check]], space: Manifold) -> float:
    """Each statistical statement's share of the run's error budget (union bound over models, claims and components)."""
    if not 0.0 < alpha < 1.0:
        raise UsageError(f"alpha must lie in (0, 1), got {alpha!r}.")
    statements = sum(c.statistical_statements for group in groups for c in group) * len(space.components)
    return alpha / max(1, statements)


def _gather(state: _Run) -> None:
    """Load the subjects, then train the restarts; each finished model joins the run at once."""
    plan, root = state.plan, Seed(state.plan.seed)
    checks = plan.checks()
    own = [tuple(claim(c) for c in s.claims) if s.claims is not None else checks for s in plan.subjects]
    restarts = plan.training.restarts if plan.training else 0
    alpha = _share(plan.alpha, [*own, *[checks] * restarts], state.manifold)
    data = _data(state)
    for subject, own_checks in zip(plan.subjects, own, strict=True):
        model = _load_subject(subject, plan, data)
        known = data if subject.baseline is not None else None
        study = Study(model, state.manifold, root.child("subject", model.name), alpha, known, effort=plan.effort)
        record = _record(model)
        if subject.baseline is not None and state.out is not None:
            source = f"models/baseline-{subject.baseline}.safetensors"
            save(model, _folder(state.out / "models") / Path(source).name)
            record = replace(record, source=source)
        state.members.append(_Member(record, study, own_checks))
        state.records.append(state.members[-1].record)
    if plan.training:
        _train(state, data, checks, alpha)


def _data(state: _Run) -> Sample:
    """The points on which restarts and baselines are trained."""
    wanted = state.plan.training.points if state.plan.training else None
    if wanted is None:
        wanted = "paper" if has_published_data(state.manifold) else _DRAWN_POINTS
    return training_points(state.manifold, wanted, Seed(state.plan.seed).child("data"))


def _load_subject(subject: Subject, plan: Plan, data: Sample) -> Autoencoder:
    model: Autoencoder
    if subject.oracle is not None:
        model = oracle(subject.oracle)
    elif subject.file is not None:
        model = load(subject.file)
    else:
        model = PcaAutoencoder.fit(data.points, plan.latent_dim)
    if subject.name:
        model.name = subject.name
    if (model.ambient_dim, model.latent_dim) != (data.points.shape[1], plan.latent_dim):
        raise UsageError(
            f"{model.name} maps R^{model.ambient_dim} to R^{model.latent_dim}, but the plan has data in "
            f"R^{data.points.shape[1]} and latent_dim {plan.latent_dim}."
        )
    return model


def _record(model: Autoencoder) -> ModelRecord:
    return ModelRecord(
        name=model.name,
        kind=type(model).__name__,
        source=model.source,
        hash=model.fingerprint(),
        note=getattr(model, "note", ""),
    )


def _train(state: _Run, data: Sample, checks: tuple[Check, ...], alpha: float) -> None:
    """Train the restarts of the plan and save those that were finished, whatever ends the training; the ones that
    diverged are recorded, not judged."""
    plan = state.plan
    assert plan.training is not None
    wanted = plan.training
    names = [f"restart {i}" for i in range(wanted.restarts)]
    started = state.begin(f"train {wanted.restarts} restarts")
    kept: dict[int, TrainingResult] = {}
    if not state.resume:
        _discard_checkpoints(state)
    training = train_restarts(
        network(wanted.architecture, ambient_dim=data.points.shape[1], latent_dim=plan.latent_dim),
        data.points,
        wanted.how(),
        [Seed(plan.seed).child("restart", i) for i in range(wanted.restarts)],
        device=plan.device,
        listener=state.listener,
        names=names,
        workers=wanted.workers,
        checkpoint=_checkpoints(state),
        interval=wanted.checkpoint_interval,
        kept=kept,
    )
    try:
        for _ in training:
            pass
    finally:
        for i in sorted(kept):
            _take(state, i, names[i], kept[i], data, checks, alpha)
    state.end(started, f"{sum(bool(r.converged) for r in state.records)} of {wanted.restarts} converged")


def _checkpoints(state: _Run) -> Path | None:
    return None if state.out is None else state.out / "checkpoints"


def _discard_checkpoints(state: _Run) -> None:
    folder = _checkpoints(state)
    if folder is not None and state.plan.training:
        discard(folder)


def _take(
    state: _Run, index: int, name: str, result: TrainingResult, data: Sample, checks: tuple[Check, ...], alpha: float
) -> None:
    """A trained restart joins the run: saved where there is a folder, recorded, and judged later unless it diverged."""
    model, source = result.model, ""
    if model is not None and state.out is not None:
        source = f"models/restart-{index}.safetensors"
        save(model, _folder(state.out / "models") / Path(source).name, training=result.record())
    figures = {"parameters": float(result.parameter_count), "epochs": float(result.epochs_done)}
    if result.mean_squared_error is not None:
        figures["mean_squared_error"] = result.mean_squared_error
    record = ModelRecord(
        name=name,
        kind=f"{result.architecture}, recipe {described(result.recipe)}",
        source=source,
        hash=model.fingerprint() if model is not None else "",
        converged=result.converged,
        figures={**figures, "seconds": result.seconds},
        note=result.note,
    )
    state.records.append(record)
    if model is None:
        state.notes.append(f"{name}: {result.note}")
        return
    seed = Seed(state.plan.seed).child("measure", index)
    study = Study(model, state.manifold, seed, alpha, training=data, trained_here=True, effort=state.plan.effort)
    state.members.append(_Member(record, study, checks, _curve(result)))


def _folder(path: Path) -> Path:
    """The folder, made where it is missing."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or error
        raise UsageError(f"The folder {path} cannot be made: {why}. Choose another output.") from None
    return path


def _curve(result: TrainingResult) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Epochs (from 1) at logarithmic intervals and their losses, the last one included."""
    return tuple(float(epoch) for epoch in result.loss_epochs), result.losses


def _judge(state: _Run) -> None:
    """Every claim on every model; a claim that some model must satisfy is judged over the restarts together."""
    restarts = [m for m in state.members if m.study.trained_here]
    for member in state.members:
        if not member.study.trained_here:
            for each in member.checks:
                _decide(state, [member], each)
    for each in state.plan.checks() if state.plan.training else ():
        if not restarts:
            state.verdicts.append(_undecided(each, state, "the restarts", Reason.DIVERGED))
        elif each.claim.quantifier is Quantifier.SOME:
            _decide(state, restarts, each)
        else:
            for member in restarts:
                _decide(state, [member], each)
    trained = [r for r in state.records if r.converged is not None]
    if trained:
        state.notes.append(f"{sum(bool(r.converged) for r in trained)} of {len(trained)} restarts converged.")
    for verdict in state.verdicts:
        if verdict.claim.id == LipschitzPrice.claim.id and verdict.evidence and verdict.supporting:
            share, steepness = verdict.supporting[0].interval, verdict.evidence.interval
            state.notes.append(
                f"{verdict.subject}: bad set {share} of K' and Lipschitz constant {steepness}: {TOGETHER}"
            )


def _decide(state: _Run, members: Sequence[_Member], each: Check) -> None:
    """One verdict on one claim, over one model or over all restarts of an existence claim."""
    label = members[0].record.name if len(members) == 1 else f"{len(members)} restarts"
    started = state.begin(f"{each.claim.id} on {label}")
    verdict = combine([each.check(m.study) for m in members], [m.study for m in members])
    state.verdicts.append(verdict)
    state.emit(VerdictReached(verdict))
    state.end(started, str(verdict.outcome))


def _deploy(state: _Run) -> None:
    """The gap between the judged function and its float32 program, beside the figures of each trained model."""
    for i, member in enumerate(state.members):
        try:
            gap = member.study.deployment_gap()
        except AeverifyError:
            continue  # the verdicts have told of it
        if isinstance(gap, str):
            continue
        record = replace(
            member.record, figures={**member.record.figures, "float32_gap_at_least": float(f"{gap.lower:.3g}")}
        )
        state.records[state.records.index(member.record)] = record
        state.members[i] = replace(member, record=record)
        if gap.details["non_finite"]:
            state.notes.append(
                f"{record.name}: its float32 program returned NaN or infinity at {gap.details['non_finite']} of "
                f"{gap.details['samples']} points."
            )


def _undecided(each: Check, state: _Run, subject: str, reason: Reason) -> Verdict:
    return Verdict(each.claim, subject, str(state.manifold), Outcome.INCONCLUSIVE, reason)


def _fill_in(state: _Run) -> None:
    """After an interrupt: every claim of the plan that was not reached is there, INCONCLUSIVE."""
    state.notes.append(f"Interrupted during: {state.stage}. What had been finished is reported.")
    reached = {v.claim.id for v in state.verdicts}
    for each in state.plan.checks():
        if each.claim.id not in reached:
            state.verdicts.append(_undecided(each, state, "not reached", Reason.INTERRUPTED))


def _draw(state: _Run) -> None:
    """The figures of the best restart and of one other, so that a reader sees how runs differ."""
    started = state.begin("draw figures")
    epsilon = next((getattr(c, "epsilon", 0.1) for c in state.plan.checks() if c.claim.id == "theorem-2"), 0.1)
    state.plots.append(data_plot(state.manifold))
    losses = {m.record.name: m.losses for m in state.members if m.losses is not None}
    if losses:
        state.plots.append(loss_plot(losses))
    restarts = [m for m in state.members if m.study.trained_here] or state.members
    ranked = sorted(restarts, key=lambda m: float(np.mean(m.study.autoencoder.errors(_probe(m.study)))))
    for member in [*ranked[:1], *ranked[-1:]][: len(ranked)]:
        try:
            state.notes.append(f"{member.record.name}: {describe(member.study, epsilon)}.")
            state.plots += figures(member.study, member.record.name.replace(" ", "-"), epsilon)
        except AeverifyError as error:
            state.notes.append(f"No figures of {member.record.name}: {error}")
    state.end(started)


def _probe(study: Study) -> FloatArray:
    return study.manifold.grid(500).points


def _with_replay(verdict: Verdict, records: Sequence[ModelRecord], plan: Plan, out: Path | None) -> Verdict:
    """The verdict with the command that evaluates its witness again."""
    if verdict.witness is None:
        return verdict
    record = next((r for r in records if r.hash == verdict.witness.model_hash), None)
    if out is None or record is None or not record.source:
        return replace(verdict, replay=_python_replay(verdict))
    return replace(verdict, replay=shlex.join(["aeverify", "replay", str(out / "report.json"), verdict.claim.id]))


def _python_replay(verdict: Verdict) -> str:
    if verdict.witness is None:
        return ""
    return f"aeverify.replay(report, {verdict.claim.id!r}, autoencoder=autoencoder)"
