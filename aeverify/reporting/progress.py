"""Progress on a text stream: one line that is rewritten on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO, final

from aeverify.core.events import (
    Event,
    Progress,
    RunInterrupted,
    RunStarted,
    StageFinished,
    StageStarted,
    VerdictReached,
)

_WIDTH = 100
_LIVE_EVERY = 0.1
_PLAIN_EVERY = 10.0


@final
class ProgressLines:
    """A listener that tells a human how far a run is: stage, share done, rate, time left, latest figures.

    Stages may overlap (models that are trained side by side). On a live terminal all that are running share one line,
    rewritten at most ten times a second. Elsewhere (a log file, CI) every line is plain, and each stage tells its
    progress at most every ten seconds. A stream that was closed is ignored: progress never ends a run.

    Args:
        stream: where the lines go, as a rule stderr.
        live: whether the stream is a terminal whose line can be rewritten.
        clock: seconds on a monotonic clock; replaced in tests.
    """

    def __init__(self, stream: TextIO, live: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._live, self._clock = stream, live, clock
        self._began: dict[str, float] = {}
        self._resumed: dict[str, int] = {}
        self._told: dict[str, float] = {}
        self._latest: dict[str, Progress] = {}
        self._open: set[str] = set()
        self._pending = False

    def __call__(self, event: Event) -> None:
        """Tell of one event."""
        match event:
            case RunStarted():
                known = f", latent dimension {event.latent_dim}" if event.latent_dim else ""
                self._line(f"{event.title}: {event.manifold}{known}, seed {event.seed}")
            case StageStarted():
                self._began[event.stage] = self._clock()
                self._resumed[event.stage] = event.done
                self._open.add(event.stage)
                if not self._live:
                    self._line(f"{event.stage} ...")
            case Progress():
                self._progress(event)
            case StageFinished():
                self._latest.pop(event.stage, None)
                self._open.discard(event.stage)
                note = f" ({event.note})" if event.note else ""
                self._line(f"{event.stage}: done in {duration(event.seconds)}{note}")
            case VerdictReached() if not self._open:  # else the end of its stage tells it
                verdict = event.verdict
                self._line(f"{verdict.outcome:<12} {verdict.claim.id} on {verdict.subject}")
            case RunInterrupted():
                self._line(f"interrupted during {event.during}; what was finished is reported")

    def _progress(self, event: Progress) -> None:
        now, line = self._clock(), "" if self._live else event.stage
        self._latest[event.stage] = event
        began = self._began.setdefault(event.stage, now)
        if now - self._told.get(line, began) < (_LIVE_EVERY if self._live else _PLAIN_EVERY):
            return
        self._told[line] = now
        if self._live:
            running = [self._latest[stage] for stage in self._began if stage in self._latest]
            self._line(" | ".join(self._figures(e, now, len(running) == 1) for e in running), keep=False)
        else:
            self._line(self._figures(event, now))

    def _figures(self, event: Progress, now: float, losses: bool = True) -> str:
        parts = [f"{event.stage}: {event.done}/{event.total}"]
        seconds = now - self._began[event.stage]
        done = event.done - self._resumed.get(event.stage, 0)
        if done > 0 and seconds > 0:
            rate = done / seconds
            parts += [f"{rate:.3g}/s", f"{duration((event.total - event.done) / rate)} left"]
        if losses:
            parts += [f"{name} {value:.3g}" for name, value in event.figures.items()]
        return ", ".join(parts)

    def _line(self, text: str, keep: bool = True) -> None:
        if self._live:
            text = text if len(text) < _WIDTH else text[: _WIDTH - 1] + "…"
            text = f"\r\x1b[K{text}"
        try:
            self._stream.write(text + ("\n" if keep else ""))
            self._stream.flush()
        except (OSError, ValueError):
            return
        self._pending = not keep

    def close(self) -> None:
        """Leave the terminal on a line of its own."""
        if self._pending:
            self._line("", keep=False)
            self._pending = False


def duration(seconds: float) -> str:
    """Seconds in words a human reads at a glance: "0.4 s", "12 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
