"""State of one run: what was finished so far, so that whatever stops it loses nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.config import Plan, Subject
from aeverify.core.events import Event, Listener, StageFinished, StageStarted
from aeverify.core.report import ErrorBudget, ModelRecord, Plot
from aeverify.core.verdict import Verdict
from aeverify.errors import UsageError
from aeverify.manifolds import Manifold
from aeverify.pipeline.grounds import Ground, ManifoldGround


@dataclass(eq=False)
class Member:
    """A model of the run with what is recorded of it."""

    record: ModelRecord
    study: Any
    checks: tuple[Any, ...]
    losses: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    subject: Subject | None = None

    @property
    def trained_here(self) -> bool:
        """Whether it is one of the run's own restarts."""
        return bool(getattr(self.study, "trained_here", False))


@dataclass(eq=False)
class Run:
    """What a run has done so far.

    Attributes:
        plan, listener, out, ground, resume: what to do, who hears of it, where to, on what, and whether to go on from
            checkpoints.
        latent_dim: code dimension; 0 until the first model has told it where the plan leaves it to the models.
        members, records, verdicts, plots, notes, error_budget: what the report will hold.
        stage: what it is doing.
        interrupted: "" or what it was doing when it was interrupted.
        pending: pairs of a subject and a check that are still to be decided.
    """

    plan: Plan
    listener: Listener
    out: Path | None
    ground: Ground
    resume: bool = False
    latent_dim: int = 0
    members: list[Member] = field(default_factory=list)
    records: list[ModelRecord] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error_budget: ErrorBudget | None = None
    stage: str = "start"
    interrupted: str = ""
    pending: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def space(self) -> Manifold:
        """K, where it is a manifold."""
        assert isinstance(self.ground, ManifoldGround)
        return self.ground.space

    def emit(self, event: Event) -> None:
        """Tell the listener."""
        self.listener(event)

    def begin(self, stage: str) -> float:
        """Say that a stage begins; the result is for `end`."""
        self.stage = stage
        self.emit(StageStarted(stage))
        return time.perf_counter()

    def end(self, started: float, note: str = "") -> None:
        """Say that the stage has ended."""
        self.emit(StageFinished(self.stage, time.perf_counter() - started, note))


def record_of(model: Autoencoder) -> ModelRecord:
    """What the report says of a model that was not trained here."""
    return ModelRecord(
        name=model.name,
        kind=type(model).__name__,
        source=model.source,
        hash=model.fingerprint(),
        note=getattr(model, "note", ""),
    )


def folder_at(path: Path) -> Path:
    """The folder, made where it is missing.

    Raises:
        UsageError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or error
        raise UsageError(f"The folder {path} cannot be made: {why}. Choose another output.") from None
    return path
