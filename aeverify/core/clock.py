"""Clock: seconds for budgets, of the wall or of counted work.

An enclosure that stops after so many seconds of wall clock stops elsewhere in every run. Inside `counted()` the seconds
of this clock are work that was done, so that the same job stops at the same step on every machine and in every run, and
a report comes out byte for byte the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

OPERATIONS = 2e9
"""Multiplications and additions of enclosures that count as one second, which they take, within a factor of three, on
one core of an AMD EPYC with AVX-512."""

_done: ContextVar[list[float] | None] = ContextVar("aeverify_work_done", default=None)


def seconds() -> float:
    """Seconds since some moment: of counted work inside `counted()`, else of the wall (time.monotonic)."""
    done = _done.get()
    return time.monotonic() if done is None else done[0] / OPERATIONS


def work(operations: float) -> None:
    """Count work that was done; nothing outside `counted()`."""
    done = _done.get()
    if done is not None:
        done[0] += operations


@contextmanager
def counted() -> Iterator[None]:
    """Let `seconds` tell counted work in this block, in this thread."""
    token = _done.set([0.0])
    try:
        yield
    finally:
        _done.reset(token)
