"""Gathering: the subjects of a plan are loaded and its restarts trained; each finished model joins the run at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from aeverify.autoencoders.checkpoints import discard
from aeverify.autoencoders.kinds import network
from aeverify.autoencoders.linear import PcaAutoencoder
from aeverify.autoencoders.loading import save
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.autoencoders.recipes import described
from aeverify.autoencoders.training import TrainingResult, train_restarts
from aeverify.config import Subject
from aeverify.core.report import ModelRecord
from aeverify.core.seeds import Seed
from aeverify.errors import UsageError
from aeverify.manifolds import has_published_data, training_points
from aeverify.manifolds.base import Sample
from aeverify.pipeline.state import Member, Run, folder_at, record_of

_DRAWN_POINTS = 1000


def gather(state: Run) -> None:
    """Load the subjects, split the error budget, then train the restarts."""
    plan, root = state.plan, Seed(state.plan.seed)
    fitted = plan.training is not None or any(s.baseline is not None for s in plan.subjects)
    data = _data(state) if fitted else None
    models = []
    for subject in plan.subjects:
        started = state.begin(f"load {subject.name or subject.oracle or subject.file or subject.baseline}")
        models.append(_load(subject, state, data))
        state.ground.require_fit(models[-1])
        state.latent_dim = state.latent_dim or models[-1].latent_dim
        if models[-1].latent_dim != state.latent_dim:
            raise UsageError(
                f"{models[-1].name} maps R^{models[-1].ambient_dim} to R^{models[-1].latent_dim}, but the run has "
                f"latent_dim {state.latent_dim}. Judge models of other latent dimensions in a run of their own."
            )
        state.end(started)
    _require_names(models)
    checks = state.ground.checks(plan.claims, state.latent_dim)
    own = [state.ground.checks(s.claims, state.latent_dim) if s.claims is not None else checks for s in plan.subjects]
    restarts = plan.training.restarts if plan.training else 0
    state.error_budget = state.ground.error_budget(plan.alpha, [*own, *[checks] * restarts])
    alpha = state.error_budget.each
    for subject, model, own_checks in zip(plan.subjects, models, own, strict=True):
        known = data if subject.baseline is not None else None
        study = state.ground.study(model, root.child("subject", model.name), alpha, plan.effort, known)
        record = record_of(model)
        if subject.baseline is not None and state.out is not None:
            source = f"models/baseline-{subject.baseline}.safetensors"
            save(model, folder_at(state.out / "models") / Path(source).name)
            record = replace(record, source=source)
        state.members.append(Member(record, study, own_checks, subject=subject))
        state.records.append(record)
        state.pending += [(model.name, c) for c in own_checks]
    if plan.training:
        assert data is not None
        state.pending += [("the restarts", c) for c in checks]
        _train(state, data, checks, alpha)


def _require_names(models: list[Autoencoder]) -> None:
    """Refuse two models of one name: their verdicts could not be told apart, nor compared with a baseline."""
    names = [m.name for m in models]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise UsageError(f"Several models are called {twice[0]!r}: give each a name of its own (name = ...).")


def _data(state: Run) -> Sample:
    """The points on which restarts and baselines are trained."""
    wanted = state.plan.training.points if state.plan.training else None
    if wanted is None:
        wanted = "paper" if has_published_data(state.space) else _DRAWN_POINTS
    return training_points(state.space, wanted, Seed(state.plan.seed).child("data"))


def _load(subject: Subject, state: Run, data: Sample | None) -> Autoencoder:
    model: Autoencoder
    plan = state.plan
    if subject.oracle is not None:
        model = oracle(subject.oracle)
    elif subject.file is not None:
        model = open_subject(subject, state.ground.ambient_dim, plan.latent_dim, plan.device)
    else:
        assert data is not None and plan.latent_dim is not None
        model = PcaAutoencoder.fit(data.points, plan.latent_dim)
    if subject.name:
        model.name = subject.name
    return model


def open_subject(
    subject: Subject, ambient_dim: int | None = None, latent_dim: int | None = None, device: str = "cpu"
) -> Autoencoder:
    """The model in a file.

    Raises:
        UsageError, ModelFileError: it is missing, damaged, of an unknown format, or runs code and was not trusted.
    """
    from aeverify.autoencoders.files import open_model

    assert subject.file is not None
    return open_model(
        subject.file,
        decoder=subject.decoder,
        architecture=subject.architecture,
        ambient_dim=ambient_dim,
        latent_dim=latent_dim,
        latent=subject.latent,
        trust=subject.trust,
        device="cpu" if device == "auto" else device,
        batch_size=subject.batch_size,
        name=subject.name,
    )


def _train(state: Run, data: Sample, checks: tuple[Any, ...], alpha: float) -> None:
    """Train the restarts of the plan and save those that were finished, whatever ends the training; the ones that
    diverged are recorded, not judged."""
    plan = state.plan
    assert plan.training is not None
    wanted = plan.training
    names = [f"restart {i}" for i in range(wanted.restarts)]
    started = state.begin(f"train {wanted.restarts} restarts")
    kept: dict[int, TrainingResult] = {}
    if not state.resume:
        discard_checkpoints(state)
    training = train_restarts(
        network(wanted.architecture, ambient_dim=data.points.shape[1], latent_dim=state.latent_dim),
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


def _checkpoints(state: Run) -> Path | None:
    return None if state.out is None else state.out / "checkpoints"


def discard_checkpoints(state: Run) -> None:
    """Remove the checkpoints of this run's own training."""
    folder = _checkpoints(state)
    if folder is not None and state.plan.training:
        discard(folder)


def _take(
    state: Run, index: int, name: str, result: TrainingResult, data: Sample, checks: tuple[Any, ...], alpha: float
) -> None:
    """A trained restart joins the run: saved where there is a folder, recorded, and judged later unless it diverged."""
    model, source = result.model, ""
    if model is not None and state.out is not None:
        source = f"models/restart-{index}.safetensors"
        save(model, folder_at(state.out / "models") / Path(source).name, training=result.record())
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
    study = state.ground.study(model, seed, alpha, state.plan.effort, data, trained_here=True)
    state.members.append(Member(record, study, checks, _curve(result)))


def _curve(result: TrainingResult) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Epochs (from 1) at logarithmic intervals and their losses, the last one included."""
    return tuple(float(epoch) for epoch in result.loss_epochs), result.losses
