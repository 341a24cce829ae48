from __future__ import annotations

import io

import pytest

from aeverify.core import Citation, Claim, ClaimKind, Outcome, Reason, Relation, Verdict
from aeverify.core.events import Progress, RunInterrupted, RunStarted, StageFinished, StageStarted, VerdictReached
from aeverify.reporting.progress import ProgressLines, duration


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def told(live: bool, steps: int, seconds_a_step: float) -> str:
    """What is written while a stage of 100 units advances step by step."""
    stream, clock = io.StringIO(), Clock()
    listener = ProgressLines(stream, live, clock)
    listener(StageStarted("train"))
    for i in range(1, steps + 1):
        clock.now += seconds_a_step
        listener(Progress("train", i, 100, {"loss": 0.25}))
    listener.close()
    return stream.getvalue()


def test_plain_lines_tell_rate_and_time_left():
    """After ten seconds at one unit a second, 90 of 100 units are 1 min 30 s away."""
    assert (
        told(live=False, steps=10, seconds_a_step=1.0) == "train ...\ntrain: 10/100, 1/s, 1 min 30 s left, loss 0.25\n"
    )


def test_plain_lines_are_rare():
    """A log gets one line in ten seconds, not one an event."""
    assert told(live=False, steps=100, seconds_a_step=0.5).count("\n") == 1 + 5


def test_live_line_is_rewritten_and_left_clean():
    """On a terminal progress rewrites one line, without colour or newlines, and clears it at the end."""
    text = told(live=True, steps=3, seconds_a_step=1.0)
    assert text.count("\r\x1b[K") == 3 + 1
    assert "\n" not in text
    assert text.endswith("\r\x1b[K")


def test_stages_that_overlap_share_the_live_line():
    """Two models that are trained side by side are told together, each with its own rate."""
    stream, clock = io.StringIO(), Clock()
    listener = ProgressLines(stream, True, clock)
    for stage in ("a", "b"):
        listener(StageStarted(stage))
    clock.now += 2
    listener(Progress("a", 10, 20))
    clock.now += 2
    listener(Progress("b", 10, 50))
    listener(StageFinished("a", 5.0))
    clock.now += 1
    listener(Progress("b", 10, 50, {"loss": 1.5}))
    assert stream.getvalue().split("\r\x1b[K")[1:] == [
        "a: 10/20, 5/s, 2.0 s left",
        "a: 10/20, 2.5/s, 4.0 s left | b: 10/50, 2.5/s, 16 s left",
        "a: done in 5.0 s\n",
        "b: 10/50, 2/s, 20 s left, loss 1.5",
    ]


def test_the_rate_of_a_resumed_stage_is_that_of_its_own_time():
    """What an earlier run had done does not make this one faster: 10 units in 5 seconds, 40 to go."""
    stream, clock = io.StringIO(), Clock()
    listener = ProgressLines(stream, True, clock)
    listener(StageStarted("train", done=50))
    clock.now += 5
    listener(Progress("train", 60, 100))
    assert stream.getvalue() == "\r\x1b[Ktrain: 60/100, 2/s, 20 s left"


def test_live_line_fits_one_hundred_columns():
    """A long stage name is cut, so that the line never wraps."""
    stream, clock = io.StringIO(), Clock()
    listener = ProgressLines(stream, True, clock)
    listener(StageStarted("s" * 300))
    clock.now += 1
    listener(Progress("s" * 300, 1, 2))
    assert max(len(line) for line in stream.getvalue().replace("\x1b[K", "").split("\r")) == 100


def test_events_that_end_a_line_say_how():
    """Start, end with its note, and an interrupt are one line each."""
    stream = io.StringIO()
    listener = ProgressLines(stream, live=False)
    listener(RunStarted("title", "circle", 1, 7))
    listener(StageFinished("train", 75.2, "converged"))
    listener(RunInterrupted("measure"))
    assert stream.getvalue().splitlines() == [
        "title: circle, latent dimension 1, seed 7",
        "train: done in 1 min 15 s (converged)",
        "interrupted during measure; what was finished is reported",
    ]


@pytest.mark.parametrize("inside_a_stage", [True, False])
def test_verdict_is_told_once(inside_a_stage: bool):
    """A verdict inside a stage is told by the end of the stage, any other by itself."""
    stream = io.StringIO()
    listener = ProgressLines(stream, live=False)
    claim = Claim("c", "t", ClaimKind.THEOREM, "s", Citation("x"), "q", Relation.AT_LEAST)
    verdict = VerdictReached(Verdict(claim, "model", "circle", Outcome.VACUOUS, Reason.PREMISE_UNMET))
    if inside_a_stage:
        for event in (StageStarted("c on model"), verdict, StageFinished("c on model", 1.0, "VACUOUS")):
            listener(event)
        assert stream.getvalue() == "c on model ...\nc on model: done in 1.0 s (VACUOUS)\n"
    else:
        listener(verdict)
        assert stream.getvalue() == "VACUOUS      c on model\n"


def test_closed_stream_ends_nothing():
    """Progress that nobody can read any more is dropped."""
    stream = io.StringIO()
    listener = ProgressLines(stream, live=False)
    stream.close()
    listener(StageStarted("train"))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.9, "9.9 s"), (59.4, "59 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (7500, "2 h 5 min")],
)
def test_duration_in_words(seconds: float, words: str):
    """Seconds become what a human reads at a glance."""
    assert duration(seconds) == words
