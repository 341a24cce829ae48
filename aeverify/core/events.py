"""Events: what a run emits. The terminal, the JSON lines and the report all listen to the same stream."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, TextIO, final

from aeverify.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Event:
    """Base class; `kind` is the name of the final class in snake_case, for JSON lines."""

    def to_dict(self) -> dict[str, Any]:
        """JSON form: the fields and `kind`."""
        return {"kind": type(self).__name__, **asdict(self)}


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """A run begins: what will be done, with which root seed."""

    title: str
    manifold: str
    latent_dim: int
    seed: int


@dataclass(frozen=True, slots=True)
class StageStarted(Event):
    """A stage ("train restart 2", "measure restart 2") begins; `done` units were done by a run that it resumes."""

    stage: str
    done: int = 0


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """Inside a long stage: `done` of `total` units, with the latest figures (loss and so on)."""

    stage: str
    done: int
    total: int
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StageFinished(Event):
    """A stage ended after `seconds`; `note` says how ("converged", "diverged")."""

    stage: str
    seconds: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class VerdictReached(Event):
    """A claim was decided."""

    verdict: Verdict

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"kind": "VerdictReached", "verdict": self.verdict.to_dict()}


@dataclass(frozen=True, slots=True)
class RunInterrupted(Event):
    """The run was stopped; what had been finished is reported."""

    during: str


Listener = Callable[[Event], None]
"""Anything that takes an Event; a listener must not raise."""


@final
class JsonLines:
    """A listener that writes each event as one line of JSON, at once, so that a run can be watched while it goes on.

    A stream that was closed is ignored: telling never ends a run. Numbers that are not finite are written as null.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        """Write one event."""
        try:
            self._stream.write(json.dumps(_finite(event.to_dict()), allow_nan=False) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            return


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def silent(event: Event) -> None:
    """The listener that listens to nothing."""
