from __future__ import annotations

import io
import json
import math

from aeverify.core.events import JsonLines, Progress, StageFinished, StageStarted


def test_events_are_lines_of_json() -> None:
    """One object a line with its kind and fields; what is not finite is null."""
    stream = io.StringIO()
    listener = JsonLines(stream)
    for event in (
        StageStarted("train 0"),
        Progress("train 0", 3, 8, {"loss": math.nan, "rate": 0.5}),
        StageFinished("train 0", 1.5, "converged"),
    ):
        listener(event)
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [
        {"kind": "StageStarted", "stage": "train 0", "done": 0},
        {"kind": "Progress", "stage": "train 0", "done": 3, "total": 8, "figures": {"loss": None, "rate": 0.5}},
        {"kind": "StageFinished", "stage": "train 0", "seconds": 1.5, "note": "converged"},
    ]


def test_a_closed_stream_does_not_end_a_run() -> None:
    """The event is dropped."""
    stream = io.StringIO()
    stream.close()
    assert JsonLines(stream)(StageStarted("train")) is None
