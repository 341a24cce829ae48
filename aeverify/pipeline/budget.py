"""Budgets: how a run ends when its time or its memory does, with what it has."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from aeverify.errors import UsageError

_AGAIN = 1.0
_SOON = 0.02
_PATIENCE = 10.0


class OutOfTime(BaseException):
    """The time budget ended. Not an Exception, so that nothing on the way takes it for a fault of the model."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise `OutOfTime` inside this block when the seconds are over; None for never.

    It is raised between two steps of the interpreter, so that one call into a library ends first; and not while a
    module is imported, for ten more seconds at most: half of a module would break whoever imports it later. In a
    thread other than the main one, or where there are no interval timers (Windows), nothing is raised: callers look at
    the clock between claims as well.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread() or sys.platform == "win32":
        yield
        return
    armed = True
    left = round(_PATIENCE / _SOON)

    def ring(number: int, frame: FrameType | None) -> None:
        nonlocal left
        if not armed:
            return
        if left > 0 and _imports(frame):
            left -= 1
            signal.setitimer(signal.ITIMER_REAL, _SOON, _AGAIN)
            return
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    # again and again: a first one may be lost in a callback that swallows everything
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-6), _AGAIN)
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def _imports(frame: FrameType | None) -> bool:
    """Whether a module is being imported at this place of the program."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def limit_memory(mib: int) -> None:
    """Let this process allocate at most so many MiB from now on; what asks for more fails with MemoryError.

    Raises:
        UsageError: the platform has no such limit, or the process takes more already.
    """
    if sys.platform == "win32":
        raise UsageError("A memory budget needs resource limits, which this platform does not have: leave it out.")
    import resource

    # private memory where the kernel counts it (Linux), else the address space
    kind = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
    taken = _taken_mib()
    if taken is not None and taken >= mib:
        raise UsageError(f"The memory budget is {mib} MiB, but the program alone takes {taken} MiB: give more.")
    _, hard = resource.getrlimit(kind)
    wanted = mib * 2**20
    resource.setrlimit(kind, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _taken_mib() -> int | None:
    """Private memory of this process in MiB, where the system tells."""
    try:
        with open("/proc/self/status", encoding="ascii") as stream:
            line = next((line for line in stream if line.startswith("VmData:")), None)
    except OSError:
        return None
    return None if line is None else int(line.split()[1]) // 1024


def is_out_of_memory(error: BaseException | str) -> bool:
    """Whether an exception, or the message of one, says that memory could not be had."""
    if isinstance(error, MemoryError):
        return True
    text = str(error)
    return any(
        words in text for words in ("MemoryError", "can't allocate memory", "Unable to allocate", "out of memory")
    )
